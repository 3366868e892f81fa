"""The stack's namespace: Pod Security `restricted` enforced, and closed to the network by default."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

DNS_PORT = 53


class Namespace(pulumi.ComponentResource):
    """Owns the namespace and the policy that denies what no other policy allows.

    It does not own the policies of the workloads: each sits beside its workload.
    """

    name: pulumi.Output[str]

    def __init__(self, name: str, namespace: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:platform:Namespace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = k8s.core.v1.Namespace(
            name,
            metadata={
                "name": namespace,
                "labels": {
                    "app.kubernetes.io/part-of": "inssa",
                    "pod-security.kubernetes.io/enforce": "restricted",
                    "pod-security.kubernetes.io/warn": "restricted",
                },
            },
            opts=child,
        )
        self.name = self.namespace.metadata.name
        k8s.networking.v1.NetworkPolicy(
            f"{name}-default-deny",
            metadata={"name": "default-deny", "namespace": self.name},
            spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
            opts=child,
        )
        k8s.networking.v1.NetworkPolicy(
            f"{name}-dns",
            metadata={"name": "dns", "namespace": self.name},
            spec={
                "pod_selector": {},
                "policy_types": ["Egress"],
                "egress": [{"ports": [{"port": DNS_PORT, "protocol": "UDP"}, {"port": DNS_PORT, "protocol": "TCP"}]}],
            },
            opts=child,
        )
        self.register_outputs({"name": self.name})
