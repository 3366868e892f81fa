"""Members, their moments, thumbs-ups and sessions."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    # One row: the oldest release this schema still serves. Only a contraction moves it.
    """CREATE TABLE schema_support (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        oldest text NOT NULL
    )""",
    "INSERT INTO schema_support (oldest) VALUES ('v1.0.0')",
    # A pod that serves renews its row; read only by the contraction.
    """CREATE TABLE serving (
        instance text PRIMARY KEY,
        version text NOT NULL,
        track text NOT NULL,
        seen_at timestamptz NOT NULL DEFAULT now()
    )""",
    """CREATE TABLE member (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 40),
        code_hash bytea NOT NULL UNIQUE CHECK (octet_length(code_hash) = 32),
        hidden boolean NOT NULL DEFAULT false,
        seed text UNIQUE,
        invited_by bigint REFERENCES member,
        created_at timestamptz NOT NULL DEFAULT now()
    )""",
    """CREATE TABLE session (
        id text PRIMARY KEY,
        member_id bigint NOT NULL REFERENCES member ON DELETE CASCADE,
        expires_at timestamptz NOT NULL
    )""",
    "CREATE INDEX session_expires_at ON session (expires_at)",
    """CREATE TABLE moment (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        member_id bigint NOT NULL REFERENCES member ON DELETE CASCADE,
        text text NOT NULL CHECK (char_length(text) BETWEEN 1 AND 280),
        created_at timestamptz NOT NULL DEFAULT now()
    )""",
    """CREATE TABLE thumbs_up (
        moment_id bigint NOT NULL REFERENCES moment ON DELETE CASCADE,
        member_id bigint NOT NULL REFERENCES member ON DELETE CASCADE,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (moment_id, member_id)
    )""",
    """CREATE TABLE sign_in_failure (
        client bytea NOT NULL,
        period bigint NOT NULL,
        failures integer NOT NULL,
        PRIMARY KEY (client, period)
    )""",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
