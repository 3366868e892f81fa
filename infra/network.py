"""NetworkPolicies of workloads, on top of the namespace's default deny."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, LabelSelectorRequirementArgs
from pulumi_kubernetes.networking.v1 import (
    IPBlockArgs,
    NetworkPolicyEgressRuleArgs,
    NetworkPolicyIngressRuleArgs,
    NetworkPolicyPeerArgs,
    NetworkPolicyPortArgs,
    NetworkPolicySpecArgs,
)

from infra import names


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One TCP port, and the peers on its other side; no peer means anybody."""

    port: int
    peers: tuple[NetworkPolicyPeerArgs, ...] = ()


def components(*values: str) -> NetworkPolicyPeerArgs:
    """The stack's own pods of these components."""
    return NetworkPolicyPeerArgs(
        pod_selector=LabelSelectorArgs(
            match_expressions=[
                LabelSelectorRequirementArgs(key="app.kubernetes.io/component", operator="In", values=list(values))
            ]
        )
    )


def namespace(name: str) -> NetworkPolicyPeerArgs:
    """Every pod of another namespace."""
    return NetworkPolicyPeerArgs(
        namespace_selector=LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": name})
    )


def address(ip: pulumi.Input[str]) -> NetworkPolicyPeerArgs:
    """One IPv4 address."""
    return addresses(pulumi.Output.concat(ip, "/32"))


def addresses(cidr: pulumi.Input[str]) -> NetworkPolicyPeerArgs:
    """A range of IPv4 addresses."""
    return NetworkPolicyPeerArgs(ip_block=IPBlockArgs(cidr=cidr))


def policy(
    pods: LabelSelectorArgs, *, ingress: Sequence[Connection] = (), egress: Sequence[Connection] = ()
) -> NetworkPolicySpecArgs:
    """Allow these connections of `pods`; a direction without connections stays denied."""
    return NetworkPolicySpecArgs(
        pod_selector=pods,
        policy_types=["Ingress", "Egress"],
        ingress=[NetworkPolicyIngressRuleArgs(from_=list(c.peers) or None, ports=[_port(c.port)]) for c in ingress]
        or None,
        egress=[NetworkPolicyEgressRuleArgs(to=list(c.peers) or None, ports=[_port(c.port)]) for c in egress] or None,
    )


def component_selector(component: str) -> LabelSelectorArgs:
    """All pods of one component, whatever their track."""
    return LabelSelectorArgs(
        match_labels={"app.kubernetes.io/name": names.APP, "app.kubernetes.io/component": component}
    )


def _port(port: int) -> NetworkPolicyPortArgs:
    return NetworkPolicyPortArgs(port=port, protocol="TCP")
