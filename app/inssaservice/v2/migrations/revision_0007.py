"""Contraction, first of all: the schema serves 2.0.0 and later. From here on a pod of 1.x is not ready."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say so in the one row that every release reads."""
    op.execute("UPDATE schema_support SET oldest = 'v2.0.0'")
