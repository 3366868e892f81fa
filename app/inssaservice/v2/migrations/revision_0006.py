"""What 2.x relies on becomes a rule: declared at once, then checked without holding up writers."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

RULES = {
    "member": {
        "member_handle_given": "handle IS NOT NULL",
        "member_handle_form": "handle ~ '^[a-z0-9_]{2,20}$' OR handle ~ '^[a-z0-9]{1,15}-[0-9]+$'",
        "member_display_name_given": "display_name IS NOT NULL",
        "member_display_name_length": "char_length(display_name) BETWEEN 1 AND 40",
    },
    "thumbs_up": {"reaction_kind_form": "kind ~ '^[a-z_]{1,20}$'"},
}


def upgrade() -> None:
    """Each statement stands alone: NOT VALID takes its lock for a moment, VALIDATE lets writers pass."""
    with op.get_context().autocommit_block():
        for table, rules in RULES.items():
            for name, rule in rules.items():
                op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
                op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({rule}) NOT VALID")
                op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
