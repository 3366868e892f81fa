"""Reading a cluster: one `kubectl proxy` on a private socket, because a `kubectl` per question takes far longer.

The proxy brings every way of signing in that a kubeconfig knows. Nothing here changes a cluster.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from delivery.environment import environment
from delivery.errors import DeliveryError

_START_SECONDS = 10
_SECONDS = 10


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Cluster:
    """The API of one cluster."""

    def __init__(self, socket_path: str) -> None:
        self._socket = socket_path

    def objects(self, path: str, selector: str = "") -> list[dict[str, Any]]:
        """Objects of a collection like `/apis/apps/v1/namespaces/x/deployments`. Raises DeliveryError."""
        query = f"?labelSelector={selector}" if selector else ""
        found: list[dict[str, Any]] = json.loads(self.text(f"{path}{query}"))["items"]
        return found

    def text(self, path: str) -> str:
        """What the API answers at a path. Raises DeliveryError if it does not, or with an error."""
        connection = _Connection(self._socket)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise DeliveryError(f"the cluster does not answer ({error}); is it running? make status") from error
        finally:
            connection.close()
        if response.status != 200:
            raise DeliveryError(f"the cluster answered {response.status} to {path}: {body.strip()[:200]}")
        return body


@contextmanager
def connected(config: Mapping[str, Any]) -> Iterator[Cluster]:
    """The cluster that a stack's configuration names. Raises DeliveryError if there is no way to it."""
    command, env = ["kubectl", "proxy"], environment()
    if config.get("target", "local") != "local":
        if "KUBECONFIG" not in os.environ:
            env.pop("KUBECONFIG", None)  # It names the local platform's.
        for option in ("kubeconfig", "context"):
            if value := config.get(option):
                command += [f"--{option}", str(Path(value).expanduser() if option == "kubeconfig" else value)]
    folder = tempfile.mkdtemp(prefix="inssa-")
    path = str(Path(folder) / "api")
    try:
        process = subprocess.Popen(
            [*command, "--unix-socket", path],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise DeliveryError(f"kubectl cannot be started ({error}); set up what is missing: make up") from error
    try:
        _await(process, path)
        yield Cluster(path)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _await(process: subprocess.Popen[bytes], path: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = process.stderr.read().decode(errors="replace").strip() if process.stderr else ""
            raise DeliveryError(f"kubectl proxy ended: {said[-300:]}")
        if Path(path).exists():
            return
        time.sleep(0.01)
    raise DeliveryError(f"kubectl proxy did not start within {_START_SECONDS} s")
