"""Serving, and ending without losing a request."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Final

import uvicorn

from inssaservice import application, logs
from inssaservice.observation import Draining
from inssaservice.releases import Release
from inssaservice.settings import Settings

# Longer than any request takes; a client that sends its request slower than this is cut off.
_FINISH_SECONDS: Final = 20


class DrainingServer(uvicorn.Server):
    """A Uvicorn server that goes on serving for a while after SIGTERM.

    On Kubernetes a pod is told to end at the same time as the gateway is told to leave it out, so requests
    still arrive. For `drain_seconds` they are answered with `Connection: close`, which makes the gateway give
    up its kept-alive connections one by one; then Uvicorn stops accepting, finishes what is in flight, and the
    process exits with 0 (Uvicorn's own handler would end it by the signal). A second signal ends the waiting.
    """

    def __init__(self, config: uvicorn.Config, *, draining: Draining, drain_seconds: float) -> None:
        super().__init__(config)
        self._draining = draining
        self._drain_seconds = drain_seconds

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Replace Uvicorn's signal handling while the server runs."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        handled = (signal.SIGTERM, signal.SIGINT)
        for number in handled:
            loop.add_signal_handler(number, self._on_signal)
        try:
            yield
        finally:
            for number in handled:
                loop.remove_signal_handler(number)

    def _on_signal(self) -> None:
        if self._draining.active:
            self.should_exit = True
            return
        self._draining.active = True
        logs.get().info("draining", seconds=self._drain_seconds)
        asyncio.get_running_loop().call_later(self._drain_seconds, setattr, self, "should_exit", True)


def make(settings: Settings, release: Release) -> DrainingServer:
    """A server that is ready to run."""
    draining = Draining()
    config = uvicorn.Config(
        application.build(settings, release, draining),
        host="0.0.0.0",  # noqa: S104 - a pod's only way in
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=_FINISH_SECONDS,
        # Here and not in the application: Uvicorn answers what is no valid HTTP by itself.
        headers=[("Inssa-Version", settings.version), ("Inssa-Track", settings.track)],
    )
    return DrainingServer(config, draining=draining, drain_seconds=settings.drain_seconds)


def serve(settings: Settings, release: Release) -> None:
    """Serve until SIGTERM or SIGINT."""
    logs.configure(version=settings.version, track=settings.track)
    make(settings, release).run()
