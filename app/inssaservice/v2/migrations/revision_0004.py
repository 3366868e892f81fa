"""Give the members of 1.x their handle and display name, in small steps."""

from typing import Final

from alembic import op
from sqlalchemy import text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Rows locked at a time: a batch takes a few milliseconds, so nobody waits for one.
BATCH: Final = 500

_FILL: Final = text(
    """WITH batch AS (
        SELECT id FROM member
        WHERE id > :after AND (handle IS NULL OR display_name IS NULL)
        ORDER BY id LIMIT :size FOR UPDATE
    ), filled AS (
        UPDATE member
        SET handle = coalesce(handle, derived_handle(name, member.id)), display_name = coalesce(display_name, name)
        FROM batch WHERE member.id = batch.id
        RETURNING member.id
    )
    SELECT max(id) FROM filled"""
)


def upgrade() -> None:
    """Fill one batch a transaction. What is filled is not looked at again, so an interrupted run goes on."""
    with op.get_context().autocommit_block():
        after: int | None = 0
        while after is not None:
            after = op.get_bind().scalar(_FILL, {"after": after, "size": BATCH})
