"""One question to an address of InssaService."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`status` is 0 and `error` says why if nothing answered."""

    status: int = 0
    version: str = ""
    track: str = ""
    error: str = ""

    def __str__(self) -> str:
        if self.status == 200 and self.version:
            return f"{self.version} on {self.track}"
        return f"status {self.status}" if self.status else f"nothing ({self.error})"


def get(url: str, path: str) -> Answer:
    """Ask an address. Never raises: no answer is an answer too."""
    parts = urlsplit(url)
    # Names under .localhost are this machine's own (RFC 6761), but not every resolver knows.
    host = "127.0.0.1" if (parts.hostname or "").endswith(".localhost") else str(parts.hostname)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, parts.port or 443, timeout=_SECONDS)
    else:
        connection = http.client.HTTPConnection(host, parts.port or 80, timeout=_SECONDS)
    try:
        connection.request("GET", path, headers={"Host": parts.netloc})
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException) as error:
        return Answer(error=str(error))
    finally:
        connection.close()
    return Answer(
        status=response.status,
        version=response.headers.get("Inssa-Version", ""),
        track=response.headers.get("Inssa-Track", ""),
    )
