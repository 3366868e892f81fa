"""What the last update left in place, read from the stack's own state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from infra import route, track
from infra.version import Version

_READ_RESOURCE_OUTPUTS = "pulumi:pulumi:readStackResourceOutputs"
_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_HTTP_ROUTE = f"kubernetes:{route.API_VERSION}:{route.KIND}"
_VERSION_LABEL = "app.kubernetes.io/version"


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """Tracks with their versions, and the public weights in percent, both by track name.

    `generation` is the configuration's, as exported by the last complete update.
    """

    versions: Mapping[str, Version] = field(default_factory=dict)
    weights: Mapping[str, int] = field(default_factory=dict)
    generation: int = 0

    @property
    def live(self) -> str | None:
        """The track with most of the public traffic."""
        serving = {name: weight for name, weight in self.weights.items() if weight and name in self.versions}
        return max(serving, key=lambda name: serving[name]) if serving else None

    def __str__(self) -> str:
        shares = [f"{version} with {self.weights.get(name, 0)} %" for name, version in self.versions.items()]
        return ", ".join(shares) or "nothing"

    @classmethod
    def read(cls) -> Deployed:
        """Ask the engine for the state of the running stack; empty before its first update."""
        stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
        answer = pulumi.runtime.invoke(_READ_RESOURCE_OUTPUTS, {"stackName": stack}).value
        return of_resources((answer or {}).get("outputs") or {})


def of_resources(resources: Mapping[str, Mapping[str, Any]]) -> Deployed:
    """Pick the tracks and the public weights out of all resources' outputs, given by URN."""
    versions: dict[str, Version] = {}
    weights: dict[str, int] = {}
    generation = 0
    for urn, resource in resources.items():
        outputs = resource.get("outputs") or {}
        metadata = outputs.get("metadata") or {}
        kind = urn.split("::")[2].rpartition("$")[2]
        if kind == _DEPLOYMENT and metadata["labels"].get("app.kubernetes.io/component") == track.COMPONENT:
            versions[metadata["name"]] = Version.parse(metadata["labels"][_VERSION_LABEL])
        elif kind == _HTTP_ROUTE and metadata["name"] == route.PUBLIC:
            weighted = outputs["spec"]["rules"][-1]["backendRefs"]
            weights = {str(backend["name"]): int(backend["weight"]) for backend in weighted}
        elif kind == "pulumi:pulumi:Stack":
            generation = int(outputs.get("generation") or 0)
    return Deployed(versions=versions, weights=weights, generation=generation)
