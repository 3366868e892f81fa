"""Settings, read once from the environment into frozen values; nothing else reads the environment.

Secrets are files in INSSA_SECRETS_DIR and are read when they are asked for, so a subcommand needs only its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inssaservice import versions
from inssaservice.errors import SettingsError

PHASES: Final = ("dev", "stage", "real")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
# Also what PostgreSQL keeps of an identifier (NAMEDATALEN 64, less the closing zero).
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
_SHORTEST_SECRET: Final = {"session_key": 32, "invitation_code": 16, "verifier_code": 16}


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    """Where the database is and which role does what. `connections` is the most that one pod holds."""

    host: str
    port: int
    name: str
    app_user: str
    owner_user: str
    admin_user: str
    connections: int


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """The folder of secrets; a file is read only by the subcommand that needs it."""

    folder: Path

    def read(self, name: str) -> str:
        """The secret without surrounding white space; SettingsError when it is missing or too short."""
        path = self.folder / name
        try:
            value = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise SettingsError(f"secret file {path} cannot be read ({reason}): mount the secret {name!r}") from None
        shortest = _SHORTEST_SECRET.get(name, 1)
        if len(value) < shortest:
            raise SettingsError(
                f"secret file {path} holds {len(value)} characters: put at least {shortest} random ones in it"
            )
        return value


@dataclass(frozen=True, kw_only=True)
class VerifySettings:
    """How `verify` reaches its track: gateway URL, Host header, seconds until it gives up."""

    url: str
    host: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything a subcommand is told from outside.

    forwarded_hops: how many proxies append to X-Forwarded-For before the pod (1 for Envoy, 2 for Google's
        load balancer); the client's address is that many entries from the right, 0 is the peer itself.
    lock_seconds: how long `provision`, `migrate` and `contract` wait for a lock or for the database.
    """

    version: str
    track: str
    phase: str
    database: DatabaseSettings
    secrets: Secrets
    port: int
    drain_seconds: float
    keep_alive_seconds: int
    forwarded_hops: int
    lock_seconds: float
    verify: VerifySettings | None

    @property
    def release(self) -> versions.Version:
        """The numbers of `version`."""
        return versions.parse(self.version)


class _Reader:
    """Casts variables of the environment; every complaint names the variable, the value and the fix."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, fix: str, default: str | None = None) -> str:
        value = self._environment.get(name, "").strip() or default
        if value is None:
            raise SettingsError(f"{name} is not set: {fix}")
        return value

    def matching(self, name: str, pattern: re.Pattern[str], fix: str, default: str | None = None) -> str:
        value = self.text(name, fix, default)
        if not pattern.fullmatch(value):
            raise SettingsError(f"{name} is {value!r}: {fix}")
        return value

    def number(self, name: str, default: float, low: float, high: float, unit: str) -> float:
        value = self.text(name, "", str(default))
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise SettingsError(f"{name} is {value!r}: set {unit} from {low:g} to {high:g}")
        return number

    def whole(self, name: str, default: int, low: int, high: int, unit: str) -> int:
        number = self.number(name, default, low, high, unit)
        if number != int(number):
            raise SettingsError(f"{name} is {number:g}: set a whole number of {unit} from {low} to {high}")
        return int(number)


def load(environment: Mapping[str, str]) -> Settings:
    """Read INSSA_* from `environment`; SettingsError names the first one that is missing or unusable."""
    read = _Reader(environment)
    version = read.text("INSSA_VERSION", "set it to the release, for example v1.0.0")
    try:
        versions.parse(version)
    except ValueError:
        raise SettingsError(f"INSSA_VERSION is {version!r}: set vMAJOR.MINOR.PATCH, for example v1.0.0") from None
    phase = read.text("INSSA_PHASE", f"set one of {', '.join(PHASES)}")
    if phase not in PHASES:
        raise SettingsError(f"INSSA_PHASE is {phase!r}: set one of {', '.join(PHASES)}")
    track = read.matching("INSSA_TRACK", _NAME, "set letters, digits, dots and dashes, for example qa")
    folder = Path(read.text("INSSA_SECRETS_DIR", "set the folder that holds one file per secret"))
    if not folder.is_dir():
        raise SettingsError(f"INSSA_SECRETS_DIR is {str(folder)!r}, not a folder: mount the secrets there")
    return Settings(
        version=version,
        track=track,
        phase=phase,
        database=_database(read),
        secrets=Secrets(folder=folder),
        # Not INSSA_PORT: Kubernetes sets that to an address in pods beside a Service named `inssa`.
        port=read.whole("INSSA_LISTEN_PORT", 8000, 0, 65535, "ports"),
        drain_seconds=read.number("INSSA_DRAIN_SECONDS", 5, 0, 600, "seconds"),
        keep_alive_seconds=read.whole("INSSA_KEEP_ALIVE_SECONDS", 620, 1, 3600, "seconds"),
        forwarded_hops=read.whole("INSSA_FORWARDED_HOPS", 1, 0, 8, "proxies"),
        lock_seconds=read.number("INSSA_LOCK_SECONDS", 60, 0, 3600, "seconds"),
        verify=_verify(read, environment),
    )


def _database(read: _Reader) -> DatabaseSettings:
    identifier = "set a name of at most 63 letters, digits, dashes and underscores"
    return DatabaseSettings(
        host=read.text("INSSA_DATABASE_HOST", "set the address of the PostgreSQL server"),
        port=read.whole("INSSA_DATABASE_PORT", 5432, 1, 65535, "ports"),
        name=read.matching("INSSA_DATABASE_NAME", _IDENTIFIER, identifier),
        app_user=read.matching("INSSA_DATABASE_APP_USER", _IDENTIFIER, identifier),
        owner_user=read.matching("INSSA_DATABASE_OWNER_USER", _IDENTIFIER, identifier),
        admin_user=read.matching("INSSA_DATABASE_ADMIN_USER", _IDENTIFIER, identifier),
        connections=read.whole("INSSA_DATABASE_CONNECTIONS", 4, 1, 100, "connections"),
    )


def _verify(read: _Reader, environment: Mapping[str, str]) -> VerifySettings | None:
    if not environment.get("INSSA_VERIFY_URL"):
        return None
    return VerifySettings(
        url=read.matching(
            "INSSA_VERIFY_URL", re.compile(r"https?://[^/\s]+/?"), "set the gateway, for example http://10.0.0.1:8080"
        ).rstrip("/"),
        host=read.matching(
            "INSSA_VERIFY_HOST", re.compile(r"[A-Za-z0-9.:-]+"), "set the track's host, for example dev.inssa.localhost"
        ),
        seconds=read.number("INSSA_VERIFY_SECONDS", 60, 1, 3600, "seconds"),
    )
