"""Members and their invitation codes."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from inssaservice import tables


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """The member who asks: id, visible name, handle, whether hidden from others, and the session's id."""

    id: int
    name: str
    handle: str | None
    hidden: bool
    session: str


def new_code() -> str:
    """An invitation code of 128 random bits, in groups that can be read out: `q3nf-...`, 32 characters."""
    text = base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def hash_code(code: str) -> bytes:
    """The 32 bytes under which a code is stored and looked up.

    Plain SHA-256 is right here and a slow password hash is not: a code is random with at least 128 bits, so
    there is nothing to guess or to look up in a table, and an unsalted hash is what makes the code itself the
    key of an index. (A password chosen by a person would need a salt and a slow hash.)
    """
    return hashlib.sha256(code.strip().encode("utf-8", "surrogatepass")).digest()


def find_by_code(connection: sa.Connection, code: str) -> int | None:
    """The id of the member whose code this is."""
    member = tables.member.c
    return connection.scalar(sa.select(member.id).where(member.code_hash == hash_code(code)))


def invite(connection: sa.Connection, *, by: int, columns: Mapping[str, str]) -> str:
    """Create a member with the release line's `columns` and return the code, which is kept nowhere."""
    code = new_code()
    connection.execute(sa.insert(_with(columns)).values(code_hash=hash_code(code), invited_by=by, **columns))
    return code


def seed(connection: sa.Connection, name: str, *, code: str, hidden: bool, columns: Mapping[str, str]) -> None:
    """Create the member named by the seed, or give an existing one this code."""
    values = {"seed": name, "code_hash": hash_code(code), "hidden": hidden}
    connection.execute(
        insert(_with(columns))
        .values(**values, **columns)
        .on_conflict_do_update(index_elements=["seed"], set_={"code_hash": values["code_hash"]})
    )


def _with(columns: Mapping[str, str]) -> sa.TableClause:
    own = (sa.column(name, sa.Text) for name in columns)
    return sa.table("member", *(sa.column(shared.name, shared.type) for shared in tables.member.c), *own)
