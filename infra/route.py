"""Gateway API routes: each track's own address, and the one place where public traffic moves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from infra.rollout import Experiment, PublicTraffic
from infra.settings import Gateway
from infra.track import SERVICE_PORT

API_VERSION = "gateway.networking.k8s.io/v1"
KIND = "HTTPRoute"
PUBLIC = "public"
TEST_HEADER = "Inssa-Test"
"""Set for requests that have no side yet; the service answers with a cookie that names its own side."""
SIDE_COOKIE = "inssa-side"


def parent(gateway: Gateway) -> list[dict[str, Any]]:
    """The reference of a route to its Gateway."""
    listener = {"sectionName": gateway.listener} if gateway.listener else {}
    return [{"namespace": gateway.namespace, "name": gateway.name, **listener}]


def backend(service: pulumi.Input[str], weight: int = 1) -> dict[str, Any]:
    """A weighted reference to a track's Service."""
    return {"name": service, "port": SERVICE_PORT, "weight": weight}


def own_spec(gateway: Gateway, hosts: Sequence[str], service: pulumi.Input[str]) -> dict[str, Any]:
    """A track's own address: all requests to `hosts` reach this track."""
    return {
        "parentRefs": parent(gateway),
        "hostnames": list(hosts),
        "rules": [{"matches": [_everything()], "backendRefs": [backend(service)]}],
    }


def public_spec(gateway: Gateway, traffic: PublicTraffic, services: Mapping[str, pulumi.Input[str]]) -> dict[str, Any]:
    """The public host by weight; during an experiment a member's cookie decides before the weights do."""
    weighted: dict[str, Any] = {
        "matches": [_everything()],
        "backendRefs": [backend(services[share.track], share.weight) for share in traffic.shares],
    }
    rules = [weighted]
    if traffic.experiment:
        weighted["filters"] = [_set_header(TEST_HEADER, traffic.experiment.id)]
        sided = [_side_rule(traffic.experiment, side, services[side]) for side in traffic.experiment.sides]
        rules = [*sided, weighted]
    return {"parentRefs": parent(gateway), "hostnames": [traffic.host], "rules": rules}


def _side_rule(experiment: Experiment, side: str, service: pulumi.Input[str]) -> dict[str, Any]:
    cookie = re.escape(f"{SIDE_COOKIE}={experiment.id}.{side}").replace(r"\-", "-")
    match = {"type": "RegularExpression", "name": "Cookie", "value": f"(.*; ?)?{cookie}(;.*)?"}
    return {"matches": [{**_everything(), "headers": [match]}], "backendRefs": [backend(service)]}


def _everything() -> dict[str, Any]:
    return {"path": {"type": "PathPrefix", "value": "/"}}


def _set_header(name: str, value: str) -> dict[str, Any]:
    return {
        "type": "RequestHeaderModifier",
        "requestHeaderModifier": {"set": [{"name": name, "value": value}]},
    }


class Route(pulumi.ComponentResource):
    """Owns one HTTPRoute."""

    def __init__(
        self,
        name: str,
        *,
        namespace: pulumi.Input[str],
        route_name: str,
        spec: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("inssa:network:Route", name, None, opts)
        self.route = k8s.apiextensions.CustomResource(
            name,
            api_version=API_VERSION,
            kind=KIND,
            metadata={
                "name": route_name,
                "namespace": namespace,
                "labels": {"app.kubernetes.io/part-of": "inssa"},
            },
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
