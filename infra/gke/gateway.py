"""The one way in: an external load balancer by GKE's Gateway, and what it must know of each backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as k8s
from pulumi_gcp.certificatemanager import CertificateManagedArgs

from infra import names
from infra.settings import Gateway

CLASS = "gke-l7-global-external-managed"
API_VERSION = "networking.gke.io/v1"
KEEP_ALIVE_SECONDS = 600
"""How long Google's load balancer keeps an idle connection to a pod; it cannot be changed."""
PROXIES = ("35.191.0.0/16", "130.211.0.0/22")
"""Where the load balancer and its health checks come from."""
HTTPS = "https"
_HTTP = "http"


@dataclass(frozen=True, kw_only=True)
class GatewayArgs:
    """`host` and all names below it, and below `preview.` of it, lead to the Gateway."""

    gateway: Gateway
    stack: str
    host: str
    dns_zone: str
    provider: k8s.Provider


class PublicGateway(pulumi.ComponentResource):
    """Owns the address, its names, their certificate, the Gateway, and the way from HTTP to HTTPS.

    Routes attach to the HTTPS listener, from namespaces that are labelled as the
    project's own. The certificate is issued by proof of the domain, before
    anything answers there.
    """

    address: pulumi.Output[str]

    def __init__(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:gke:PublicGateway", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._on_cluster = pulumi.ResourceOptions(parent=self, provider=args.provider)
        self._name, self._args = name, args
        resource_name = names.name("inssa", args.stack)
        address = gcp.compute.GlobalAddress(
            name, name=resource_name, address_type="EXTERNAL", ip_version="IPV4", opts=self._child
        )
        self.address = address.address
        self._point_names(address.address)
        certificates = self._certificates(resource_name)
        policy = gcp.compute.SSLPolicy(
            name, name=resource_name, profile="MODERN", min_tls_version="TLS_1_2", opts=self._child
        )
        self._gateway(address.name, certificates, policy.name)
        self.register_outputs({"address": self.address})

    def _point_names(self, address: pulumi.Input[str]) -> None:
        # A name that has names below it hides the wildcard above it: preview is said for itself.
        host = self._args.host
        for record in (host, f"*.{host}", f"preview.{host}", f"*.preview.{host}"):
            gcp.dns.RecordSet(
                f"{self._name}-{record.replace('*', 'any')}",
                managed_zone=self._args.dns_zone,
                name=f"{record}.",
                type="A",
                ttl=300,
                rrdatas=[address],
                opts=self._child,
            )

    def _certificates(self, resource_name: str) -> pulumi.Output[str]:
        host = self._args.host
        proofs = []
        for label, domain in (("", host), ("preview", f"preview.{host}")):
            proof = gcp.certificatemanager.DnsAuthorization(
                names.name(self._name, label), name=names.name(resource_name, label), domain=domain, opts=self._child
            )
            record = proof.dns_resource_records.apply(lambda found: found[0])
            gcp.dns.RecordSet(
                names.name(self._name, label, "proof"),
                managed_zone=self._args.dns_zone,
                name=record.apply(lambda found: str(found.name)),
                type=record.apply(lambda found: str(found.type)),
                ttl=300,
                rrdatas=[record.apply(lambda found: str(found.data))],
                opts=self._child,
            )
            proofs.append(proof.id)
        certificate = gcp.certificatemanager.Certificate(
            self._name,
            name=resource_name,
            scope="DEFAULT",
            managed=CertificateManagedArgs(domains=[host, f"*.{host}", f"*.preview.{host}"], dns_authorizations=proofs),
            opts=self._child,
        )
        certificates = gcp.certificatemanager.CertificateMap(self._name, name=resource_name, opts=self._child)
        entry = gcp.certificatemanager.CertificateMapEntry(
            self._name,
            name=resource_name,
            map=certificates.name,
            certificates=[certificate.id],
            matcher="PRIMARY",
            opts=self._child,
        )
        return pulumi.Output.all(certificates.name, entry.id).apply(lambda found: str(found[0]))

    def _gateway(
        self, address: pulumi.Input[str], certificates: pulumi.Input[str], tls_policy: pulumi.Input[str]
    ) -> None:
        wanted = self._args.gateway
        namespace = k8s.core.v1.Namespace(
            self._name,
            metadata={
                "name": wanted.namespace,
                "labels": {
                    "app.kubernetes.io/part-of": "inssa",
                    "pod-security.kubernetes.io/enforce": "restricted",
                },
            },
            opts=self._on_cluster,
        )
        where = namespace.metadata.name
        self._object(
            "gateway.networking.k8s.io/v1",
            "Gateway",
            wanted.name,
            where,
            gateway_spec(address),
            annotations={"networking.gke.io/certmap": certificates},
        )
        self._object(
            API_VERSION,
            "GCPGatewayPolicy",
            wanted.name,
            where,
            {
                "default": {"sslPolicy": tls_policy},
                "targetRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": wanted.name},
            },
        )
        self._object(
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            "to-https",
            where,
            {
                "parentRefs": [{"namespace": wanted.namespace, "name": wanted.name, "sectionName": _HTTP}],
                "rules": [
                    {
                        "filters": [
                            {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
                        ]
                    }
                ],
            },
        )

    def _object(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: pulumi.Input[str],
        spec: Mapping[str, Any],
        annotations: Mapping[str, pulumi.Input[str]] | None = None,
    ) -> None:
        custom(self._name, api_version, kind, name, namespace, spec, self._on_cluster, annotations)


def gateway_spec(address: pulumi.Input[str]) -> dict[str, Any]:
    """HTTP for everybody's first try, HTTPS for the routes of the project's namespaces."""
    own = {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"app.kubernetes.io/part-of": "inssa"}}}}
    return {
        "gatewayClassName": CLASS,
        "addresses": [{"type": "NamedAddress", "value": address}],
        "listeners": [
            {"name": _HTTP, "protocol": "HTTP", "port": 80, "allowedRoutes": {"namespaces": {"from": "Same"}}},
            {"name": HTTPS, "protocol": "HTTPS", "port": 443, "allowedRoutes": own},
        ],
    }


@dataclass(frozen=True, kw_only=True)
class BackendArgs:
    """One Service of one port. A backend that leaves is drained for `drain_seconds`."""

    namespace: pulumi.Input[str]
    service: str
    port: int
    health_path: str
    timeout_seconds: int
    drain_seconds: int


class Backend(pulumi.ComponentResource):
    """Owns what the load balancer must know of one Service: how it is healthy, and how it leaves.

    Without it the load balancer asks `GET /` for health, whatever the pods'
    readiness says, and forgets a pod without draining its connections.
    """

    def __init__(self, name: str, args: BackendArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:gke:Backend", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        target = {"group": "", "kind": "Service", "name": args.service}
        for kind, default in (
            ("HealthCheckPolicy", health_check(args)),
            (
                "GCPBackendPolicy",
                {
                    "timeoutSec": args.timeout_seconds,
                    "connectionDraining": {"drainingTimeoutSec": args.drain_seconds},
                    "logging": {"enabled": True, "sampleRate": 100000},
                },
            ),
        ):
            custom(
                name, API_VERSION, kind, args.service, args.namespace, {"default": default, "targetRef": target}, child
            )
        self.register_outputs({})


def health_check(args: BackendArgs) -> dict[str, Any]:
    """Out after two failures, 10 s; in again after one success."""
    return {
        "checkIntervalSec": 5,
        "timeoutSec": 5,
        "healthyThreshold": 1,
        "unhealthyThreshold": 2,
        "logConfig": {"enabled": True},
        "config": {
            "type": "HTTP",
            "httpHealthCheck": {
                "portSpecification": "USE_FIXED_PORT",
                "port": args.port,
                "requestPath": args.health_path,
            },
        },
    }


def custom(
    resource_name: str,
    api_version: str,
    kind: str,
    name: str,
    namespace: pulumi.Input[str],
    spec: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
    annotations: Mapping[str, pulumi.Input[str]] | None = None,
) -> k8s.apiextensions.CustomResource:
    """One object of a kind that the cluster has and Kubernetes itself has not."""
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "labels": {"app.kubernetes.io/part-of": "inssa"},
    }
    if annotations:
        metadata["annotations"] = annotations
    return k8s.apiextensions.CustomResource(
        resource_name, api_version=api_version, kind=kind, metadata=metadata, spec=spec, opts=opts
    )
