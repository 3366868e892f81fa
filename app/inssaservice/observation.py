"""What happens around every request: its id, our headers, metrics, the log line, and the last-resort 500.

Pure ASGI and outermost, so that an answer of any kind passes through it.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inssaservice import logs
from inssaservice.metrics import Metrics
from inssaservice.problems import Problem

# 280 characters are at most 3360 bytes when each is a percent-encoded four-byte character.
LARGEST_BODY: Final = 16 * 1024
_PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
SIDE_COOKIE: Final = "inssa-side"


@dataclass
class Draining:
    """Whether the process was asked to end; set once by the server."""

    active: bool = False


class Observation:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, track: str, metrics: Metrics, draining: Draining) -> None:
        self._app = app
        self._track = track
        self._metrics = metrics
        self._draining = draining
        self._log = logs.get()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        request_id = headers.get("x-request-id", "")
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = secrets.token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        extra = [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
        test = headers.get("inssa-test", "")
        if _TEST_ID.fullmatch(test):
            cookie = f"{SIDE_COOKIE}={test}.{self._track}; Path=/; HttpOnly; SameSite=Lax"
            extra.append((b"set-cookie", cookie.encode()))
        status = 0

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *extra]
                if not any(name == b"cache-control" for name, _ in message["headers"]):
                    message["headers"].append((b"cache-control", b"no-store"))
                if self._draining.active:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        received = 0

        async def limited_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > LARGEST_BODY:
                raise Problem(413, "too_large")
            return message

        try:
            await self._app(scope, limited_receive, observed_send)
        except Exception:
            # Whoever made the mistake, the client gets an answer with our headers and the log the traceback.
            self._log.exception("request failed", method=scope["method"], path=scope["path"])
            if not status:
                await _failed(observed_send, request_id)
        finally:
            if scope["path"] not in _PROBES:
                seconds = time.perf_counter() - started
                # 499: the client went away before there was an answer.
                self._metrics.observe(status or 499, seconds)
                self._log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status or 499,
                    milliseconds=round(seconds * 1000, 2),
                )
            structlog.contextvars.unbind_contextvars("request_id")


async def _failed(send: Send, request_id: str) -> None:
    body = f"Something went wrong on our side. Reference: {request_id}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
