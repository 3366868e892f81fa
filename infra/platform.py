"""What a stack needs from below it: a cluster, a database server, a gateway and images.

This is the one seam between the targets. Everything above it is the same code
on each; what differs is a value of `Traits` or a method of `Platform`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes.networking.v1 import NetworkPolicyPeerArgs

from infra import network
from infra.cluster import Cluster, ClusterArgs
from infra.credentials import Credentials
from infra.database import Database, DatabaseArgs
from infra.images import database_image, service_image
from infra.settings import Phase, Settings
from infra.version import Version


@dataclass(frozen=True, kw_only=True)
class Traits:
    """How pods live on a platform, and whom they talk to there.

    A pod that ends goes on for `forget_endpoint_seconds`, in which the gateway
    forgets it, and after SIGTERM serves on for `drain_seconds`, closing its
    connections one by one. `keep_alive_seconds` must exceed what the gateway
    keeps idle connections for; `forwarded_hops` proxies append to X-Forwarded-For
    before a pod. `web_cpu` is in thousandths, and what the
    autoscaler's percentage refers to. `identity` is where a pod gets its identity
    outside of the cluster from, if it has one.
    """

    forget_endpoint_seconds: int
    drain_seconds: int
    keep_alive_seconds: int
    forwarded_hops: int
    progress_deadline_seconds: int
    verification_seconds: int
    web_cpu: int
    visitors: tuple[NetworkPolicyPeerArgs, ...]
    database_peers: tuple[NetworkPolicyPeerArgs, ...]
    gateway: network.Connection
    identity: tuple[network.Connection, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DatabaseServer:
    """A server that answers as `database.NAME` in the namespace once `resource` exists."""

    resource: pulumi.Resource
    admin: Credentials


@dataclass(frozen=True, kw_only=True)
class BackendSpec:
    """A Service that a route refers to; `metrics` when its pods answer `GET /metrics`."""

    service: str
    namespace: pulumi.Input[str]
    container_port: int
    health_path: str
    metrics: bool = False


class Platform(Protocol):
    """Where a stack lives."""

    provider: k8s.Provider
    traits: Traits

    @property
    def agent_annotations(self) -> dict[str, pulumi.Input[str]]:
        """What binds the account of pods that deploy from a pipeline to their identity outside."""
        ...

    def image(self, version: Version) -> pulumi.Input[str]:
        """A version of InssaService as `repository@sha256:...`. Raises InssaError when there is none."""
        ...

    def verification_url(self, host: str) -> str:
        """Where a pod of the cluster connects to, to be answered for `host`."""
        ...

    def database(self, namespace: pulumi.Input[str]) -> DatabaseServer:
        """The stack's database server."""
        ...

    def prepare_backend(self, backend: BackendSpec) -> Sequence[pulumi.Resource]:
        """What must exist before a route may refer to `backend`."""
        ...

    def admit_deployer(self, namespace: pulumi.Input[str]) -> None:
        """Let the pipeline's identity, if there is one, deploy to the stack's namespace."""
        ...


class InClusterPlatform:
    """A cluster that exists already: the local platform's, or any other by its kubeconfig."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.provider = Cluster("cluster", ClusterArgs.of(settings)).provider
        address, _, port = settings.gateway.address.rpartition(":")
        self.traits = Traits(
            # The local gateway forgets a pod in under a second.
            forget_endpoint_seconds=5,
            drain_seconds=5,
            keep_alive_seconds=620,
            forwarded_hops=1,
            progress_deadline_seconds=120,
            verification_seconds=60,
            # Forty-two pods of a release at its largest, and the other stacks, fit on two cores.
            web_cpu=20,
            visitors=(network.namespace(settings.gateway.namespace), network.address(address)),
            database_peers=(network.components("database"),),
            gateway=network.Connection(port=int(port), peers=(network.address(address),)),
        )

    @property
    def agent_annotations(self) -> dict[str, pulumi.Input[str]]:
        """None: there is no identity outside of the cluster."""
        return {}

    def image(self, version: Version) -> str:
        """The digest from the configuration, or on `local` from the platform's registry."""
        return service_image(self._settings, version)

    def verification_url(self, host: str) -> str:  # noqa: ARG002 - other gateways tell hosts apart by TLS
        """The gateway's address in the cluster's network."""
        return f"http://{self._settings.gateway.address}"

    def database(self, namespace: pulumi.Input[str]) -> DatabaseServer:
        """PostgreSQL in the stack's own namespace."""
        wanted = self._settings.database
        database = Database(
            "database",
            DatabaseArgs(
                namespace=namespace,
                image=database_image(self._settings),
                storage=wanted.storage,
                storage_class=wanted.storage_class,
                protect=self._settings.phase is Phase.REAL,
            ),
            pulumi.ResourceOptions(providers=[self.provider]),
        )
        return DatabaseServer(resource=database, admin=database.admin)

    def prepare_backend(self, backend: BackendSpec) -> Sequence[pulumi.Resource]:  # noqa: ARG002
        """Nothing: a Gateway API implementation needs no more than the Service."""
        return ()

    def admit_deployer(self, namespace: pulumi.Input[str]) -> None:
        """Nothing: whoever has the kubeconfig may deploy."""
