"""Each serving process keeps a row in `serving`, read by the contraction of a later release."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from inssaservice import logs, tables
from inssaservice.service import Service


class Heartbeat:
    """Renews the row of this process until it ends."""

    def __init__(self, service: Service) -> None:
        self._service = service
        # The pod's name on Kubernetes, so one row per pod.
        self._instance = socket.gethostname() + f":{service.settings.port}"

    def _beat(self) -> None:
        settings, seen = self._service.settings, sa.func.now()
        values = {"version": settings.version, "track": settings.track, "seen_at": seen}
        with self._service.reading() as connection:
            connection.execute(
                insert(tables.serving)
                .values(instance=self._instance, **values)
                .on_conflict_do_update(index_elements=["instance"], set_=values)
            )

    def _end(self) -> None:
        seen = tables.serving.c
        # Rows of processes that were killed go with it; an hour is far beyond any use of them.
        left_behind = seen.seen_at < sa.func.now() - timedelta(hours=1)
        with self._service.reading() as connection:
            connection.execute(sa.delete(tables.serving).where(sa.or_(seen.instance == self._instance, left_behind)))

    async def _run(self) -> None:
        while True:
            try:
                await run_in_threadpool(self._beat)
            except SQLAlchemyError as error:
                # Not ready without a database anyway; the probe tells it to the outside.
                logs.get().warning("heartbeat failed", error=type(error).__name__)
            await asyncio.sleep(tables.SERVING_PERIOD_SECONDS)

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Beat while the block runs, and remove the row after it."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            with contextlib.suppress(SQLAlchemyError):
                await run_in_threadpool(self._end)
