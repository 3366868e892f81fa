"""What a stack's state says about its tracks."""

from __future__ import annotations

from typing import Any

from delivery.picture import lines
from delivery.reports import StackStatus
from delivery.roles import Canary, Roles, Scale
from delivery.state import of_export
from delivery.status import role
from infra.version import Version

V1, V2, V21 = map(Version.parse, ("v1.0.0", "v2.0.0", "v2.1.0"))


def deployment(name: str, version: str, replicas: int = 2, **more: Any) -> dict[str, Any]:
    labels = {"app.kubernetes.io/component": "web", "app.kubernetes.io/version": version, **more.pop("labels", {})}
    spec = {"replicas": replicas, "template": {"spec": {"containers": [{"image": f"r/i@sha256:{name}"}]}}}
    metadata = {"name": name, "namespace": "inssa-real", "labels": labels}
    return {"type": "kubernetes:apps/v1:Deployment", "inputs": {"metadata": metadata, "spec": spec}, **more}


def autoscaler(name: str) -> dict[str, Any]:
    inputs = {"metadata": {"name": name}, "spec": {"minReplicas": 2, "maxReplicas": 4}}
    return {"type": "kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "inputs": inputs}


def export(*resources: dict[str, Any], **weights: int) -> dict[str, Any]:
    backends = [{"name": name.replace("_", "-"), "weight": weight} for name, weight in weights.items()]
    route = {
        "type": "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute",
        "inputs": {
            "metadata": {"name": "public"},
            "spec": {"rules": [{"backendRefs": [{}]}, {"backendRefs": backends}]},
        },
    }
    stack = {
        "type": "pulumi:pulumi:Stack",
        "outputs": {"generation": 7, "addresses": {"public": "http://real.inssa.localhost:8080"}},
        "modified": "2026-11-24T08:42:39.283751Z",
    }
    pending = [{"type": "creating", "resource": {"urn": "urn:pulumi:real::inssa::kubernetes:batch/v1:Job::verify"}}]
    found = [stack, *resources, *([route] if weights else [])]
    return {"deployment": {"resources": found, "pending_operations": pending}}


def test_roles_are_read_from_the_weights_and_tags() -> None:
    state = of_export(
        "real",
        export(
            deployment("v1-0-0", "v1.0.0"),
            deployment("v2-0-0", "v2.0.0"),
            deployment("v2-1-0-canary", "v2.1.0", 3, labels={"inssa.dev/tag": "canary"}),
            deployment("v1-0-0", "v1.0.0", external=True),
            deployment("v0-9-0", "v0.9.0", delete=True),
            autoscaler("v2-0-0"),
            v1_0_0=0,
            v2_0_0=90,
            v2_1_0_canary=10,
        ),
    )
    assert state.roles == Roles(
        live=V2, standby=V1, canary=Canary(version=V21, weight=10, replicas=3), scale=Scale(min=2, max=4)
    )
    assert [role(track, state) for track in state.tracks] == ["standby", "live", "canary"]
    assert (state.generation, state.pending) == (7, ("creating verify",))


def test_a_stack_without_a_public_route_has_audiences() -> None:
    state = of_export("stage", export(deployment("qa", "v2.0.0"), deployment("dogfooding", "v1.0.0")))
    assert state.roles == Roles(audiences={"qa": V2, "dogfooding": V1})


def test_a_stack_that_was_never_deployed_says_how_to() -> None:
    assert of_export("real", {"deployment": {}}).tracks == ()
    empty = StackStatus(
        stack="real", deployed=False, generation=0, updated=None, url=None, tracks=[], drift=[], problems=["no cluster"]
    )
    assert list(lines([empty])) == ["real: not deployed; make up STACK=real", "real problem: no cluster"]
