"""Contraction: the table of reactions takes its name from the view that 2.x has used so far."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Swap in one transaction; the rights on the view go to the table, so no request of 2.x is denied."""
    op.execute(
        """DO $$ DECLARE granted record; BEGIN
            FOR granted IN
                SELECT grantee, privilege_type FROM information_schema.role_table_grants
                WHERE table_schema = current_schema() AND table_name = 'reaction' AND grantee <> current_user
            LOOP
                EXECUTE format('GRANT %s ON thumbs_up TO %I', granted.privilege_type, granted.grantee);
            END LOOP;
        END $$"""
    )
    op.execute("DROP VIEW reaction")
    op.execute("ALTER TABLE thumbs_up RENAME TO reaction")
