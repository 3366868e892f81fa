"""A limit on failed sign-ins per client, kept in the database because ten pods share the work.

It is a second line: codes have 128 random bits and cannot be guessed at any rate. Failures are counted, not
attempts, so many members behind one address do not lock each other out. Requests that arrive together may
overshoot the limit by as many as are in flight.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from starlette.requests import HTTPConnection

from inssaservice import tables

FAILURES: Final = 20
PERIOD_SECONDS: Final = 300

_failure = tables.sign_in_failure.c


def client(request: HTTPConnection, *, hops: int, key: str) -> bytes:
    """A keyed hash of the client's address, so that the table holds no addresses.

    The address is the entry of X-Forwarded-For that the outermost of our own `hops` proxies wrote; entries
    left of it are the client's claim and are ignored. Without enough entries it is the peer's.
    """
    chain = [part.strip() for line in request.headers.getlist("x-forwarded-for") for part in line.split(",")]
    peer = request.client.host if request.client else ""
    address = chain[-hops] if 0 < hops <= len(chain) else peer
    return hmac.new(key.encode(), b"client:" + address.encode(), hashlib.sha256).digest()


def _period() -> int:
    return int(time.time()) // PERIOD_SECONDS


def exceeded(connection: sa.Connection, client: bytes) -> bool:
    """Whether the client has used up its failures of the current period."""
    failures = connection.scalar(
        sa.select(_failure.failures).where(_failure.client == client, _failure.period == _period())
    )
    return failures is not None and failures >= FAILURES


def count_failure(connection: sa.Connection, client: bytes) -> None:
    """Count one failure; rows of earlier periods are removed on the way."""
    period = _period()
    connection.execute(sa.delete(tables.sign_in_failure).where(_failure.period < period))
    connection.execute(
        insert(tables.sign_in_failure)
        .values(client=client, period=period, failures=1)
        .on_conflict_do_update(
            index_elements=["client", "period"], set_={"failures": tables.sign_in_failure.c.failures + 1}
        )
    )
