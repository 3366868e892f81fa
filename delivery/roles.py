"""Which versions a stack runs and in which role: the one shape of what is wanted and what is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from delivery.errors import UsageError
from infra.version import Version


@dataclass(frozen=True, kw_only=True)
class Canary:
    """Pods beside the live ones with `weight` percent of the members."""

    version: Version
    weight: int
    replicas: int = 2


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Bounds of the autoscaler, in pods."""

    min: int
    max: int


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Either `audiences` (versions by name), or a `live` version and those beside it."""

    audiences: Mapping[str, Version] = field(default_factory=dict)
    live: Version | None = None
    standby: Version | None = None
    canary: Canary | None = None
    scale: Scale | None = None

    @property
    def public(self) -> bool:
        """Whether the stack has a live version rather than audiences."""
        return self.live is not None

    @property
    def versions(self) -> tuple[Version, ...]:
        """Every version, each once."""
        named = [*self.audiences.values(), self.live, self.standby, self.canary and self.canary.version]
        return tuple(dict.fromkeys(version for version in named if version))

    def __str__(self) -> str:
        if not self.public:
            return ", ".join(f"{name} {version}" for name, version in self.audiences.items()) or "nothing"
        parts = [f"live {self.live}"]
        if self.standby:
            parts.append(f"standby {self.standby}")
        if self.canary:
            parts.append(f"canary {self.canary.version} with {self.canary.weight} % on {self.canary.replicas} pods")
        if self.scale:
            parts.append(f"{self.scale.min} to {self.scale.max} pods")
        return ", ".join(parts)


def of_config(config: Mapping[str, Any], where: str) -> Roles:
    """Roles as a stack's configuration declares them; keys have no namespace.

    Only what commands decide on is read; the program validates the rest. Raises
    UsageError that names `where` and the key.
    """
    try:
        audiences = {
            name: Version.parse((audience or {}).get("version") or config.get("version"))
            for name, audience in (config.get("audiences") or {}).items()
        }
        canary, scale = config.get("canary"), config.get("scale")
        return Roles(
            audiences=audiences,
            live=_version(config.get("live")),
            standby=_version(config.get("standby")),
            canary=Canary(
                version=Version.parse(canary["version"]),
                weight=int(canary["weight"]),
                replicas=int(canary.get("replicas", 2)),
            )
            if canary
            else None,
            scale=Scale(min=int(scale["min"]), max=int(scale["max"])) if scale else None,
        )
    except KeyError as error:
        raise UsageError(f"{where}: {error} is missing; docs/configuration.md lists the keys") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"{where}: {error}; docs/configuration.md lists the keys") from error


def _version(value: Any) -> Version | None:
    return Version.parse(value) if value else None
