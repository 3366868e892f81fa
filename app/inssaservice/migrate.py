"""`migrate` and `contract`: the schema, as the database's owner.

A migration waits for locks only briefly at a time (`lock_timeout`), because whoever waits for a table also
blocks everyone behind: it gives up, lets the others pass, and tries again until `lock_seconds` are over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError, OperationalError

from inssaservice import database, members, tables, versions
from inssaservice.errors import Failure, Refused
from inssaservice.releases import Release
from inssaservice.settings import Settings

_LOCK: Final = 0x1255B
# The SQL states of a lock that was not available in time and of a deadlock.
_LOCKED: Final = frozenset({"55P03", "40P01"})
_SEED_SECRETS: Final = {"host": "invitation", "verifier": "verifier"}


def migrate(settings: Settings, release: Release) -> None:
    """Apply what the release needs, grant the app role its rights, and seed members. Safe to repeat.

    A schema that is newer than this image is left as it is: it includes what the image needs.
    Failure when a lock cannot be had in time; Refused when the schema no longer serves this release.
    """
    codes = {name: settings.secrets.read(f"{file}_code") for name, file in _SEED_SECRETS.items()}
    with _alone(settings) as engine:
        with engine.connect() as connection:
            applied = _applied(connection)
            if applied is not None:
                _refuse_if_left_behind(connection, settings)
        if applied is None or applied < release.needs:
            _upgrade(engine, settings, release, release.needs)
        with engine.begin() as connection:
            _grant(connection, settings, release)
            for name, code in codes.items():
                members.seed(connection, name, code=code, hidden=name == "verifier", columns=release.seeds[name])
            print(f"the schema is at {_applied(connection)}, {settings.version} needs {release.needs}")


def contract(settings: Settings, release: Release) -> None:
    """End the service of older releases and drop what only they need.

    Refused while a process of an older release has renewed its row in `serving` lately.
    """
    contraction = release.contraction
    if contraction is None:
        raise Failure(f"{settings.version} has nothing to contract: run the contraction of a later release")
    with _alone(settings) as engine:
        with engine.connect() as connection:
            applied = _applied(connection)
            if applied is None or applied < release.needs:
                raise Refused(
                    f"the schema is at {applied}, the contraction starts from {release.needs}: run `migrate` first"
                )
            if applied >= contraction.revision:
                print(f"the schema is at {applied}, already contracted")
                return
            _refuse_if_serving(connection, contraction.oldest)
        _upgrade(engine, settings, release, contraction.revision)
        with engine.begin() as connection:
            _grant(connection, settings, release)
            print(f"the schema is at {_applied(connection)}, the oldest release it serves is {contraction.oldest}")


@contextmanager
def _alone(settings: Settings) -> Iterator[sa.Engine]:
    """An engine as owner, while a connection beside it holds the lock of migrations."""
    db = settings.database
    engine = database.single(settings, user=db.owner_user, password=settings.secrets.read("owner_password"))
    what = f"database {db.name!r} at {db.host}:{db.port} as {db.owner_user!r}"
    opened = database.wait_for(engine.connect, seconds=settings.lock_seconds, unavailable=OperationalError, what=what)
    # Autocommit: between statements the connection holds the lock but no snapshot, for which a
    # CREATE INDEX CONCURRENTLY would wait.
    with opened.execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            _lock(connection, settings.lock_seconds)
            yield engine
        except DBAPIError as error:
            raise Failure(f"{what}: {database.reason_of(error.orig)}") from None


def _lock(connection: sa.Connection, seconds: float) -> None:
    # Tried again and again rather than waited for, for the same reason: who waits holds a snapshot.
    deadline = time.monotonic() + seconds
    while not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCK))):
        if time.monotonic() >= deadline:
            raise Failure(
                f"another migration has held its lock for {seconds:g} s: look at its Job, then run this one again"
            )
        time.sleep(0.2)


def _applied(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    applied: str | None = connection.scalar(sa.select(sa.func.max(tables.alembic_version.c.version_num)))
    return applied


def _refuse_if_left_behind(connection: sa.Connection, settings: Settings) -> None:
    oldest = connection.scalars(sa.select(tables.schema_support.c.oldest)).one()
    if settings.release < versions.parse(oldest):
        raise Refused(f"the schema no longer serves {settings.version}: the oldest release it serves is {oldest}")


def _refuse_if_serving(connection: sa.Connection, oldest: versions.Version) -> None:
    seen = tables.serving.c
    limit = sa.func.now() - timedelta(seconds=tables.SERVING_STALE_SECONDS)
    rows = connection.execute(sa.select(seen.version, seen.track).where(seen.seen_at > limit))
    old = sorted({f"{row.version} (track {row.track})" for row in rows if versions.parse(row.version) < oldest})
    if old:
        raise Refused(
            f"still serving: {', '.join(old)}. Nothing was changed. End every track older than {oldest}, wait"
            f" {tables.SERVING_STALE_SECONDS} s, then run this again"
        )


def _upgrade(engine: sa.Engine, settings: Settings, release: Release, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(release.migrations[0]))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, release.migrations)))
    scripts = ScriptDirectory.from_config(config)

    def steps(applied: Any, _: MigrationContext) -> Any:
        return scripts._upgrade_revs(revision, applied)

    deadline = time.monotonic() + settings.lock_seconds
    while True:
        try:
            # A revision is a transaction; it may leave it for an autocommit block.
            with engine.connect() as connection, EnvironmentContext(config, scripts, fn=steps) as environment:
                environment.configure(connection=connection, transaction_per_migration=True)
                environment.run_migrations()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _LOCKED:
                raise
            if time.monotonic() >= deadline:
                raise Failure(
                    f"others have kept a table locked for {settings.lock_seconds:g} s: end the long transaction"
                    " (see pg_stat_activity), then run this again; what is done is not repeated"
                ) from None
            time.sleep(0.5)
        else:
            return


def _grant(connection: sa.Connection, settings: Settings, release: Release) -> None:
    quote = connection.dialect.identifier_preparer.quote
    app = quote(settings.database.app_user)
    for table, rights in release.grants.items():
        connection.exec_driver_sql(f"GRANT {rights} ON {quote(table)} TO {app}")
