"""Cheap questions to a service: does it answer yet? All raise OSError or return False for no."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from pathlib import Path
from typing import Any

TIMEOUT = 2.0
"""Seconds that one question may take."""


def http_ok(host: str, port: int, path: str = "/") -> bool:
    """Tell whether a plain HTTP address answers 200."""
    return _ok(http.client.HTTPConnection(host, port, timeout=TIMEOUT), path)


def https_ok(host: str, port: int, path: str, pki: Path, user: str) -> bool:
    """Tell whether an HTTPS address of the cluster answers 200 to a user's certificate."""
    return _ok(_secure(host, port, pki, user), path)


def api_object(host: str, port: int, path: str, pki: Path) -> dict[str, Any]:
    """Read one object of the Kubernetes API; empty when there is none."""
    connection = _secure(host, port, pki, "admin")
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        found: dict[str, Any] = json.load(answer) if answer.status == http.HTTPStatus.OK else {}
        return found
    finally:
        connection.close()


def tcp_open(host: str, port: int) -> bool:
    """Tell whether something accepts connections on a TCP port."""
    with socket.create_connection((host, port), timeout=TIMEOUT):
        return True


def unix_open(path: Path) -> bool:
    """Tell whether something accepts connections on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT)
        connection.connect(str(path))
        return True


def _secure(host: str, port: int, pki: Path, user: str) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=str(pki / "cluster.crt"))
    context.load_cert_chain(pki / f"{user}.crt", pki / f"{user}.key")
    return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)


def _ok(connection: http.client.HTTPConnection, path: str) -> bool:
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except http.client.HTTPException:
        return False
    finally:
        connection.close()
