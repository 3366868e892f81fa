"""A thumbs-up becomes a reaction with a kind.

The rows of 1.x stay where they are and get a column whose default is what 1.x means; 2.x uses the same rows
under their new name, a view. So nothing has to be copied or kept in step: 1.x sees any kind as a thumbs-up.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the kind (a constant default rewrites nothing) and the view that 2.x reads and writes."""
    op.execute("ALTER TABLE thumbs_up ADD COLUMN kind text NOT NULL DEFAULT 'thumbs_up'")
    op.execute("CREATE VIEW reaction AS SELECT moment_id, member_id, kind, created_at FROM thumbs_up")
