"""One HTTP/1.1 request on one connection.

Written by hand because the client libraries retry a request whose kept-alive
connection was closed, and such a request is just what must be counted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import h11

_CHUNK = 65536


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where requests go: an address on this machine, and the Host header."""

    host: str
    address: str = "127.0.0.1"
    port: int = 8080

    def __post_init__(self) -> None:
        if not self.address.startswith("127."):
            raise ValueError(f"address {self.address}: a load test targets this machine only, 127.0.0.0/8")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of one request. Times are seconds of `time.monotonic()`; `error` is empty if it was answered."""

    sent: float
    done: float
    status: int = 0
    version: str = ""
    track: str = ""
    kind: str = ""
    error: str = ""
    cookies: tuple[str, ...] = ()
    body: bytes = b""

    @property
    def failed(self) -> bool:
        """No answer, a server's error, or an answer that is not InssaService's."""
        return bool(self.error) or self.status >= 500 or not self.version

    @property
    def seconds(self) -> float:
        """From the first byte sent to the last byte read."""
        return self.done - self.sent


class Connection:
    """A connection that carries one request at a time and is opened when it is needed."""

    def __init__(self, target: Target, *, keep_alive: bool) -> None:
        self._target = target
        self._keep_alive = keep_alive
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._protocol = h11.Connection(h11.CLIENT)

    async def request(
        self,
        path: str,
        *,
        kind: str,
        timeout: float,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: AsyncIterator[bytes] | None = None,
        length: int = 0,
    ) -> Answer:
        """Send one request and read its answer whole. Never raises: an error is an answer too."""
        sent = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                answer = await self._exchange(sent, path, kind, method, headers or {}, body, length)
        except (OSError, h11.ProtocolError, TimeoutError, EOFError) as error:
            self.close()
            return Answer(sent=sent, done=time.monotonic(), kind=kind, error=f"{type(error).__name__}: {error}")
        return answer

    async def _exchange(
        self,
        sent: float,
        path: str,
        kind: str,
        method: str,
        headers: Mapping[str, str],
        body: AsyncIterator[bytes] | None,
        length: int,
    ) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._target.address, self._target.port)
            self._protocol = h11.Connection(h11.CLIENT)
        reader, writer = self._streams
        protocol = self._protocol
        every = {"Host": self._target.host, "Connection": "keep-alive" if self._keep_alive else "close", **headers}
        if body:
            every["Content-Length"] = str(length)
        _write(writer, protocol, h11.Request(method=method, target=path, headers=list(every.items())))
        if body:
            async for part in body:
                _write(writer, protocol, h11.Data(data=part))
                await writer.drain()
        _write(writer, protocol, h11.EndOfMessage())
        await writer.drain()

        response: h11.Response | None = None
        content = bytearray()
        while True:
            event = protocol.next_event()
            if event is h11.NEED_DATA:
                received = await reader.read(_CHUNK)
                if not received and response is None:
                    raise EOFError("closed before an answer")
                protocol.receive_data(received)
            elif isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                content += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
        if response is None:
            raise EOFError("closed before an answer")
        received_headers = [(name.decode(), value.decode("latin-1")) for name, value in response.headers]
        named = dict(received_headers)
        if protocol.our_state is h11.MUST_CLOSE or protocol.their_state is h11.MUST_CLOSE:
            self.close()
        else:
            protocol.start_next_cycle()
        return Answer(
            sent=sent,
            done=time.monotonic(),
            status=response.status_code,
            version=named.get("inssa-version", ""),
            track=named.get("inssa-track", ""),
            kind=kind,
            cookies=tuple(value for name, value in received_headers if name == "set-cookie"),
            body=bytes(content),
        )

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._streams:
            self._streams[1].close()
            self._streams = None


def _write(writer: asyncio.StreamWriter, protocol: h11.Connection, event: h11.Event) -> None:
    data = protocol.send(event)
    if data:
        writer.write(data)
