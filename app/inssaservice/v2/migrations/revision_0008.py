"""Contraction: the name of 1.x goes. A member who chose no handle still gets one."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the column and what kept it in step; SET NOT NULL scans nothing, the checked rules prove it."""
    op.execute(
        """CREATE OR REPLACE FUNCTION keep_member_names() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.handle := coalesce(NEW.handle, derived_handle(NEW.display_name, NEW.id));
            RETURN NEW;
        END $$"""
    )
    op.execute(
        """ALTER TABLE member
            DROP COLUMN name,
            ALTER COLUMN handle SET NOT NULL,
            ALTER COLUMN display_name SET NOT NULL,
            DROP CONSTRAINT member_handle_given,
            DROP CONSTRAINT member_display_name_given"""
    )
    op.execute("ALTER TRIGGER keep_member_names ON member RENAME TO give_handle")
    op.execute("ALTER FUNCTION keep_member_names RENAME TO give_handle")
