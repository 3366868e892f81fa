"""What the configuration means in tracks, hosts and weights: pure values, no resources.

A *track* is one version of the service with its own pods and its own address.
In a stack with audiences a track is named for its audience; in a public stack
it is named for its version, so that the version is the colour and `live`,
`standby` and `canary` are only roles.
"""

from __future__ import annotations

from dataclasses import dataclass

from infra import names
from infra.settings import Scale, Settings
from infra.version import Version

PREVIEW = "preview"


@dataclass(frozen=True, kw_only=True)
class FixedScale:
    """As many pods as the configuration says."""

    replicas: int


@dataclass(frozen=True, kw_only=True)
class AutoScale:
    """Between `min` and `max` pods; the autoscaler aims at `cpu` percent of the CPU request.

    A track that only grows keeps its size while it has no traffic: a standby
    that shrank would be no way back.
    """

    min: int
    max: int
    cpu: int
    only_grows: bool = False


@dataclass(frozen=True, kw_only=True)
class Track:
    """One version with its own pods. `host` is its own address, where it is verified."""

    name: str
    version: Version
    database: str
    scale: FixedScale | AutoScale
    host: str
    tag: str = ""


@dataclass(frozen=True, kw_only=True)
class Share:
    """A track's part of the public requests, in percent. 0 keeps it known to the gateway."""

    track: str
    weight: int


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A canary under test: a member stays on the side that he was given while `id` lasts."""

    id: str
    sides: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PublicTraffic:
    """The public host and who serves it."""

    host: str
    shares: tuple[Share, ...]
    experiment: Experiment | None = None


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A second address of the newest track, whose name stays the same from release to release."""

    host: str
    track: str


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """All tracks of a stack, and if it is a public one its public traffic and its preview."""

    tracks: tuple[Track, ...]
    public: PublicTraffic | None = None
    preview: Preview | None = None

    @property
    def databases(self) -> tuple[str, ...]:
        """Each database once, in the order of the tracks."""
        return tuple(dict.fromkeys(track.database for track in self.tracks))


def plan(settings: Settings) -> Rollout:
    """The rollout that `settings` describe."""
    if settings.live and settings.scale:
        return _public(settings, settings.live, settings.scale)
    return _audiences(settings)


def _audiences(settings: Settings) -> Rollout:
    base = settings.base_host
    tracks = tuple(
        Track(
            name=label,
            version=version,
            database=label,
            scale=FixedScale(replicas=settings.audiences[label].replicas),
            host=base if label == settings.stack else f"{label}.{base}",
        )
        for label, version in settings.audience_versions.items()
    )
    return Rollout(tracks=tracks)


def _public(settings: Settings, live: Version, bounds: Scale) -> Rollout:
    base = settings.base_host
    declared: list[tuple[str, Version, FixedScale | AutoScale, str]] = []
    shares = []

    canary = settings.canary
    weight = canary.weight if canary else 0
    for role, version in (("live", live), ("standby", settings.standby)):
        if version is None:
            continue
        scale = AutoScale(
            min=bounds.min,
            max=bounds.max,
            cpu=bounds.cpu,
            only_grows=role == "standby",
        )
        declared.append((version.slug, version, scale, ""))
        shares.append(Share(track=version.slug, weight=100 - weight if role == "live" else 0))
    if canary:
        track = names.name(canary.version.slug, "canary")
        declared.append((track, canary.version, FixedScale(replicas=canary.replicas), "canary"))
        shares.append(Share(track=track, weight=weight))

    tracks = tuple(
        Track(
            name=name,
            version=version,
            database=settings.stack,
            scale=scale,
            host=f"{name}.{PREVIEW}.{base}",
            tag=tag,
        )
        for name, version, scale, tag in declared
    )
    experiment = None
    if canary and weight:
        experiment = Experiment(id=canary.version.slug, sides=(live.slug, tracks[-1].name))
    newest = max(tracks, key=lambda track: track.version)
    return Rollout(
        tracks=tracks,
        public=PublicTraffic(host=base, shares=tuple(shares), experiment=experiment),
        preview=Preview(host=f"{PREVIEW}.{base}", track=newest.name),
    )
