"""Whether a pod is alive and whether it can serve.

Alive means the event loop answers; the database is no part of it, because restarting a pod does not mend a
database. Ready means the database is reachable and its schema fits this release.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from inssaservice import logs, tables, versions
from inssaservice.metrics import CONTENT_TYPE, Metrics
from inssaservice.releases import Release
from inssaservice.service import Service
from inssaservice.versions import Version

_schema = sa.select(
    sa.select(sa.func.max(tables.alembic_version.c.version_num)).scalar_subquery().label("applied"),
    sa.select(tables.schema_support.c.oldest).scalar_subquery().label("oldest"),
)


def misfit(connection: sa.Connection, release: Release, version: Version) -> str | None:
    """Why the schema does not fit, or None.

    Two facts decide: the revision this release needs is applied (revisions form one numbered line, so a
    higher number includes it, even one this image has never heard of), and the schema still serves a release
    as old as this one.
    """
    try:
        row = connection.execute(_schema).one()
    except sa.exc.ProgrammingError:
        return f"the schema is missing: run `migrate` of {version}"
    if row.applied is None or row.applied < release.needs:
        return f"the schema is at {row.applied}, {version} needs {release.needs}: run its `migrate`"
    if version < versions.parse(row.oldest):
        return f"the schema no longer serves {version}: the oldest release it serves is {row.oldest}"
    return None


def routes(service: Service, metrics: Metrics) -> list[Route]:
    """The probes and the metrics."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("alive\n")

    def check() -> str | None:
        try:
            with service.reading() as connection:
                return misfit(connection, service.release, service.settings.release)
        except SQLAlchemyError as error:
            logs.get().warning("database unreachable", error=type(error).__name__)
            return "the database cannot be reached"

    async def readyz(_: Request) -> Response:
        reason = await run_in_threadpool(check)
        return PlainTextResponse(f"{reason or 'ready'}\n", status_code=503 if reason else 200)

    async def scrape(_: Request) -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", scrape)]
