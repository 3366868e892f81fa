"""`provision`: the database and its two roles, as the server's administrator. Safe to run at any time."""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg import sql

from inssaservice import database
from inssaservice.errors import Failure
from inssaservice.settings import Settings

# Any fixed number: two tracks that share a server wait for each other here.
_LOCK: Final = 0x1255A
_MAINTENANCE: Final = "postgres"


def provision(settings: Settings) -> None:
    """Create the database, owned by the owner role, and let no role but its two connect to it.

    Passwords are set on every run, so a rotated secret takes effect. They reach the server as SCRAM
    verifiers: its logs can never show one.
    """
    db = settings.database
    passwords = {role: settings.secrets.read(f"{role}_password") for role in ("admin", "owner", "app")}

    def connect() -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=db.host,
            port=db.port,
            dbname=_MAINTENANCE,
            user=db.admin_user,
            password=passwords["admin"],
            connect_timeout=3,
            autocommit=True,
            application_name=f"inssaservice {settings.version}",
        )

    server = f"PostgreSQL at {db.host}:{db.port} as {db.admin_user!r}"
    try:
        with database.wait_for(
            connect, seconds=settings.lock_seconds, unavailable=psycopg.OperationalError, what=server
        ) as connection:
            connection.execute(f"SET lock_timeout = '{int(settings.lock_seconds * 1000)}ms'")
            connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
            _role(connection, db.owner_user, passwords["owner"])
            _role(connection, db.app_user, passwords["app"])
            _database(connection, settings)
    except psycopg.errors.LockNotAvailable:
        raise Failure(
            f"another provisioning has held its lock for {settings.lock_seconds:g} s: look at its Job, then run again"
        ) from None
    except psycopg.Error as error:
        raise Failure(f"{server} refused a step: {database.reason_of(error)}") from None
    print(f"database {db.name!r} is provisioned for {db.owner_user!r} and {db.app_user!r}")


def _role(connection: psycopg.Connection[tuple[object, ...]], name: str, password: str) -> None:
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    connection.execute(
        sql.SQL("{verb} ROLE {name} LOGIN INHERIT PASSWORD {password}").format(
            verb=sql.SQL("ALTER" if exists else "CREATE"), name=sql.Identifier(name), password=sql.Literal(verifier)
        )
    )


def _database(connection: psycopg.Connection[tuple[object, ...]], settings: Settings) -> None:
    db = settings.database
    names = {
        "database": sql.Identifier(db.name),
        "owner": sql.Identifier(db.owner_user),
        "app": sql.Identifier(db.app_user),
    }
    row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if row is not None and not row[0]:
        # Cloud SQL's administrator is no superuser: it can give away only to roles it is a member of.
        connection.execute(sql.SQL("GRANT {owner} TO CURRENT_USER").format(**names))
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [db.name]).fetchone() is None:
        connection.execute(
            sql.SQL("CREATE DATABASE {database} OWNER {owner} ENCODING 'UTF8' TEMPLATE template0").format(**names)
        )
    for statement in (
        "ALTER DATABASE {database} OWNER TO {owner}",
        # PUBLIC may connect to every database by default: without this, the role of one track opens the others.
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        "GRANT CONNECT ON DATABASE {database} TO {owner}, {app}",
    ):
        connection.execute(sql.SQL(statement).format(**names))
