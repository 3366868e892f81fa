"""Handles are unique, by an index that is built while everybody goes on writing."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the index; what an interrupted run has left behind is invalid and goes first."""
    with op.get_context().autocommit_block():
        # Waiting for older transactions holds nobody up here, so it may take longer than for a table lock.
        op.execute("SET lock_timeout = '30s'")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS member_handle_key")
        op.execute("CREATE UNIQUE INDEX CONCURRENTLY member_handle_key ON member (handle)")
        op.execute("RESET lock_timeout")
