"""What the last updates left in place: a stack's state, read without the Automation API and without its secrets.

`pulumi stack export` by itself takes a third of the time of the API's
`export_stack`, which decrypts every secret of the stack besides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from delivery import failures, process
from delivery.environment import environment
from delivery.errors import DeliveryError
from delivery.plan import Plan
from delivery.project import project_folder
from delivery.roles import Canary, Roles, Scale
from infra.version import Version

_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
_ROUTE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"
_STACK = "pulumi:pulumi:Stack"
_COMPONENT = "app.kubernetes.io/component"
_VERSION = "app.kubernetes.io/version"
_TAG = "inssa.dev/tag"
_WEB, _PUBLIC, _CANARY = "web", "public", "canary"


@dataclass(frozen=True, kw_only=True)
class Track:
    """One version's Deployment as the state has it. `replicas` is what it was created with."""

    name: str
    namespace: str
    version: Version
    image: str
    replicas: int
    weight: int = 0
    tag: str = ""
    scale: Scale | None = None


@dataclass(frozen=True, kw_only=True)
class State:
    """A deployed stack. `updated` is None before its first update."""

    stack: str
    generation: int = 0
    updated: datetime | None = None
    tracks: tuple[Track, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    public: bool = False
    pending: tuple[str, ...] = ()

    @property
    def roles(self) -> Roles:
        """The roles that the weights of the public route and the tracks' tags say."""
        if not self.public:
            return Roles(audiences={track.name: track.version for track in self.tracks})
        serving = [track for track in self.tracks if not track.tag]
        live = max(serving, key=lambda track: track.weight, default=None)
        standby = next((track.version for track in serving if track is not live), None)
        canary = next((track for track in self.tracks if track.tag == _CANARY), None)
        return Roles(
            live=live.version if live else None,
            standby=standby,
            canary=Canary(version=canary.version, weight=canary.weight, replicas=canary.replicas) if canary else None,
            scale=live.scale if live else None,
        )

    @property
    def live(self) -> Track | None:
        """The track with most of the public requests."""
        return max((track for track in self.tracks if track.weight), key=lambda track: track.weight, default=None)

    def track(self, version: Version) -> Track | None:
        """The track that runs a version."""
        return next((track for track in self.tracks if track.version == version), None)


def read(stack: str) -> State:
    """The state of a stack; an empty one if it was never created. Raises the errors of `failures`."""
    finished = _pulumi("stack", "export", "--stack", stack)
    if finished.code:
        if failures.NO_STACK.search(finished.stderr):
            return State(stack=stack)
        raise failures.of_command(stack, finished.stderr, Plan(), interrupted=finished.interrupted)
    return of_export(stack, json.loads(finished.stdout))


def ran(stack: str) -> frozenset[Version]:
    """Every version that a succeeded update of a stack declared, from its history."""
    finished = _pulumi("stack", "history", "--json", "--stack", stack)
    if finished.code:
        if failures.NO_STACK.search(finished.stderr):
            return frozenset()
        raise failures.of_command(stack, finished.stderr, Plan(), interrupted=finished.interrupted)
    found: set[Version] = set()
    for update in json.loads(finished.stdout):
        if update.get("kind") == "update" and update.get("result") == "succeeded":
            found |= _declared(update.get("config") or {})
    return frozenset(found)


def of_export(stack: str, export: Mapping[str, Any]) -> State:
    """Pick out of `pulumi stack export` what people ask about."""
    deployment = export.get("deployment") or {}
    # What an update only looked at is `external` and not ours.
    resources = [one for one in deployment.get("resources") or () if not one.get("external")]
    outputs = next((one.get("outputs") or {} for one in resources if one["type"] == _STACK), {})
    weights = next((_weights(one["inputs"]) for one in resources if _is_public_route(one)), {})
    scales = {
        one["inputs"]["metadata"]["name"]: Scale(
            min=int(one["inputs"]["spec"]["minReplicas"]), max=int(one["inputs"]["spec"]["maxReplicas"])
        )
        for one in resources
        if one["type"] == _AUTOSCALER
    }
    tracks = tuple(_track(one["inputs"], weights, scales) for one in resources if _is_track(one))
    changed = [one["modified"] for one in resources if one.get("modified")]
    return State(
        stack=stack,
        generation=int(outputs.get("generation") or 0),
        updated=max((datetime.fromisoformat(one) for one in changed), default=None),
        tracks=tuple(sorted(tracks, key=lambda track: (track.version, track.name))),
        addresses=dict(outputs.get("addresses") or {}),
        public=bool(weights),
        pending=tuple(
            f"{one['type']} {one['resource']['urn'].rpartition('::')[2]}"
            for one in deployment.get("pending_operations") or ()
        ),
    )


def _pulumi(*arguments: str) -> process.Finished:
    try:
        return process.run(["pulumi", "--non-interactive", *arguments], cwd=project_folder(), env=environment())
    except OSError as error:
        raise DeliveryError(f"pulumi cannot be started ({error}); set up what is missing: make up") from error


def _declared(config: Mapping[str, Mapping[str, Any]]) -> set[Version]:
    values = {key.removeprefix("inssa:"): entry.get("objectValue", entry.get("value")) for key, entry in config.items()}
    audiences = values.get("audiences") or {}
    if isinstance(audiences, str):
        audiences = json.loads(audiences)
    texts = [(audience or {}).get("version") or values.get("version") for audience in audiences.values()]
    return {Version.parse(text) for text in (*texts, values.get("live")) if text}


def _is_track(resource: Mapping[str, Any]) -> bool:
    if resource["type"] != _DEPLOYMENT or resource.get("delete"):
        return False
    return str(resource["inputs"]["metadata"]["labels"].get(_COMPONENT)) == _WEB


def _is_public_route(resource: Mapping[str, Any]) -> bool:
    return bool(resource["type"] == _ROUTE and resource["inputs"]["metadata"]["name"] == _PUBLIC)


def _weights(route: Mapping[str, Any]) -> dict[str, int]:
    # The last rule has the weights; those before it send members of an experiment back to their side.
    return {one["name"]: int(one["weight"]) for one in route["spec"]["rules"][-1]["backendRefs"]}


def _track(deployment: Mapping[str, Any], weights: Mapping[str, int], scales: Mapping[str, Scale]) -> Track:
    metadata, spec = deployment["metadata"], deployment["spec"]
    name = str(metadata["name"])
    return Track(
        name=name,
        namespace=str(metadata["namespace"]),
        version=Version.parse(metadata["labels"][_VERSION]),
        image=str(spec["template"]["spec"]["containers"][0]["image"]),
        replicas=int(spec["replicas"]),
        weight=weights.get(name, 0),
        tag=str(metadata["labels"].get(_TAG, "")),
        scale=scales.get(name),
    )
