"""The tables and columns that all releases share, as lightweight constructs for queries.

The migrations hold the definition. Columns that only one release line knows are in that line's `queries`.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import column, table

member = table(
    "member",
    column("id", sa.BigInteger),
    column("code_hash", sa.LargeBinary),
    column("hidden", sa.Boolean),
    column("seed", sa.Text),
    column("invited_by", sa.BigInteger),
)
session = table(
    "session",
    column("id", sa.Text),
    column("member_id", sa.BigInteger),
    column("expires_at", sa.DateTime(timezone=True)),
)
moment = table(
    "moment",
    column("id", sa.BigInteger),
    column("member_id", sa.BigInteger),
    column("text", sa.Text),
    column("created_at", sa.DateTime(timezone=True)),
)
sign_in_failure = table(
    "sign_in_failure",
    column("client", sa.LargeBinary),
    column("period", sa.BigInteger),
    column("failures", sa.Integer),
)
# A process that serves renews its row this often, and is taken for gone after three missed times.
SERVING_PERIOD_SECONDS: Final = 10
SERVING_STALE_SECONDS: Final = 40
serving = table(
    "serving",
    column("instance", sa.Text),
    column("version", sa.Text),
    column("track", sa.Text),
    column("seen_at", sa.DateTime(timezone=True)),
)
schema_support = table("schema_support", column("oldest", sa.Text))
alembic_version = table("alembic_version", column("version_num", sa.Text))
