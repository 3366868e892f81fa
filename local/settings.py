"""Where the local platform lives and which of its two ports a person may choose."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.errors import UnfitMachineError

NODE_ADDRESS = "10.88.0.1"
"""Address of the node and of the bridge: everything that pods must reach listens here."""

POD_RANGE = "10.88.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"
BRIDGE = "inssa0"
NODE_NAME = "inssa-local"
CLUSTER_DOMAIN = "cluster.local"

MAX_SOCKET_PATH = 107
"""Longest path of a Unix socket in bytes (`sun_path` in unix(7), less its final NUL)."""


@dataclass(frozen=True)
class Settings:
    """Folders and ports of one platform. One machine runs one platform at a time."""

    home: Path
    """Everything that runs and is stored; deleted by `down`."""
    cache: Path
    """What was compiled and downloaded; survives `down`."""
    gateway_port: int
    registry_port: int

    @property
    def bin(self) -> Path:
        """Links to the commands that a person uses; goes on PATH."""
        return self.home / "bin"

    @property
    def config(self) -> Path:
        """Rendered configuration files of the services."""
        return self.home / "config"

    @property
    def logs(self) -> Path:
        """One log per service."""
        return self.home / "logs"

    @property
    def run(self) -> Path:
        """Process records and sockets; nothing in it outlives a stop."""
        return self.home / "run"

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.home / "pki"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.home / "kubeconfig"

    @property
    def volumes(self) -> Path:
        """One folder per persistent volume."""
        return self.home / "volumes"

    @property
    def docker_socket(self) -> Path:
        """Socket of the platform's own image builder."""
        return self.run / "docker.sock"

    @property
    def containerd_socket(self) -> Path:
        """Socket of the container runtime."""
        return self.run / "containerd.sock"

    @property
    def registry(self) -> str:
        """Host and port of the image registry, as an image name starts."""
        return f"localhost:{self.registry_port}"


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from the environment.

    Raises:
        UnfitMachineError: a port is no port, both are the same, or a folder's path is too long or has odd characters.

    """
    user_home = Path(environ.get("HOME") or Path.home())
    home = Path(environ.get("INSSA_HOME") or user_home / ".local/share/inssa").expanduser().absolute()
    cache = Path(environ.get("INSSA_CACHE") or user_home / ".cache/inssa").expanduser().absolute()
    settings = Settings(
        home=home,
        cache=cache,
        gateway_port=_port(environ, "INSSA_GATEWAY_PORT", 8080),
        registry_port=_port(environ, "INSSA_REGISTRY_PORT", 5000),
    )
    for name, folder in (("INSSA_HOME", home), ("INSSA_CACHE", cache)):
        if any(character.isspace() or character in ":\"'\\" for character in str(folder)):
            raise UnfitMachineError(f"{name} is {str(folder)!r}: choose a path without spaces, colons and quotes")
    if settings.gateway_port == settings.registry_port:
        raise UnfitMachineError(
            f"INSSA_GATEWAY_PORT and INSSA_REGISTRY_PORT are both {settings.gateway_port}: choose two ports"
        )
    if len(os.fsencode(settings.containerd_socket)) + len(".ttrpc") > MAX_SOCKET_PATH:
        raise UnfitMachineError(
            f"INSSA_HOME is {home}: too long for the sockets in it, choose one of at most "
            f"{MAX_SOCKET_PATH - len('/run/containerd.sock.ttrpc')} characters"
        )
    return settings


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise UnfitMachineError(f"{name} is {text!r}: set a port from 1024 to 65535")
    return int(text)
