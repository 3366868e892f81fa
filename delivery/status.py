"""What a stack serves, as its addresses answer right now."""

from __future__ import annotations

import http.client
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from delivery import pulumi


@dataclass(frozen=True, kw_only=True)
class Address:
    """One address and what answers there. `status` is 0 if nothing does."""

    name: str
    url: str
    status: int
    version: str
    track: str

    def as_json(self) -> dict[str, Any]:
        """The fields as they are."""
        return asdict(self)


def addresses(stack: str) -> list[Address]:
    """Every address of a deployed stack, asked now. Raises DeliveryError if the stack is not deployed."""
    return [_asked(name, url) for name, url in pulumi.stack_outputs(stack)["addresses"].items()]


def _asked(name: str, url: str) -> Address:
    parts = urlsplit(url)
    # Names under .localhost are this machine's own (RFC 6761), but not every resolver knows.
    host = "127.0.0.1" if (parts.hostname or "").endswith(".localhost") else str(parts.hostname)
    connection = http.client.HTTPConnection(host, parts.port or 80, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": parts.netloc})
        response = connection.getresponse()
        version, track = response.headers.get("Inssa-Version", ""), response.headers.get("Inssa-Track", "")
        return Address(name=name, url=url, status=response.status, version=version, track=track)
    except OSError:
        return Address(name=name, url=url, status=0, version="", track="")
    finally:
        connection.close()
