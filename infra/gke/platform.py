"""A stack on Google Cloud: one project, one cluster, everything in it made by the program."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import pulumi
import pulumi_docker as docker
import pulumi_gcp as gcp
import pulumi_kubernetes as k8s
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, LabelSelectorRequirementArgs
from pulumi_kubernetes.networking.v1 import NetworkPolicyPeerArgs

from infra import names, network
from infra.gke.alerts import Alerts, AlertsArgs, Capacity
from infra.gke.cluster import Cluster, ClusterArgs
from infra.gke.database import CloudSqlArgs, CloudSqlServer
from infra.gke.deployer import Deployer, DeployerArgs, DeployerRights
from infra.gke.gateway import KEEP_ALIVE_SECONDS, PROXIES, Backend, BackendArgs, GatewayArgs, PublicGateway, custom
from infra.gke.images import built_image
from infra.gke.network import Network, NetworkArgs
from infra.gke.project import Keys, Services
from infra.gke.registry import LOCATIONS, Registry, RegistryArgs
from infra.gke.settings import Gke
from infra.images import service_image
from infra.jenkins.settings import Image
from infra.jenkins.values import AGENT_ACCOUNT
from infra.platform import BackendSpec, DatabaseServer, Traits
from infra.settings import Phase, Settings
from infra.version import Version

_FORGET_SECONDS = 60
"""Google's load balancer takes about 18 s to forget a pod; a minute leaves room for a slow day."""
_LONGEST_REQUEST_SECONDS = 30
_WEB_CPU = 250
_HTTPS = 443
_COLLECTORS = ("gmp-system", "gke-gmp-system")
"""Where managed Prometheus runs, in older and in newer clusters."""
_METADATA = (
    # Where GKE's metadata server listens with Dataplane V2, and for what it hands on to.
    network.Connection(port=80, peers=(network.addresses("169.254.169.254/32"),)),
    network.Connection(port=988, peers=(network.addresses("169.254.169.252/32"),)),
)


class GkePlatform:
    """Makes the project's parts in the order in which they need each other."""

    def __init__(self, settings: Settings, gke: Gke) -> None:
        self._settings, self._gke = settings, gke
        self._labels = {"app": "inssa", "stack": settings.stack, "phase": settings.phase.value}
        google = gcp.Provider(
            "gcp", project=gke.project, region=gke.region, default_labels=self._labels, user_project_override=True
        )
        services = Services("services", pulumi.ResourceOptions(providers=[google]))
        self._on_google = pulumi.ResourceOptions(providers=[google], depends_on=[services])
        self._keys = Keys("keys", location=gke.region, registry_location=LOCATIONS[gke.registry], opts=self._on_google)
        self._network = Network("network", NetworkArgs(region=gke.region, ranges=gke.ranges), self._on_google)
        cluster = Cluster(
            "cluster",
            ClusterArgs(
                stack=settings.stack,
                gke=gke,
                network=self._network.id,
                subnetwork=self._network.subnetwork,
                key=self._keys.cluster,
                labels=self._labels,
                images=self._admitted_images(),
            ),
            self._on_google,
        )
        self.provider: k8s.Provider = cluster.provider
        self._deployer = self._make_deployer()
        self._registry = Registry(
            "registry",
            RegistryArgs(
                host=gke.registry,
                key=self._keys.registry,
                named=sorted(settings.declared_versions),
                reader=cluster.nodes_member,
                writer=self._deployer.member if self._deployer else None,
            ),
            self._on_google,
        )
        gateway = PublicGateway(
            "gateway",
            GatewayArgs(
                gateway=settings.gateway,
                stack=settings.stack,
                host=settings.base_host,
                dns_zone=gke.dns_zone,
                provider=self.provider,
            ),
            self._on_google,
        )
        self._gateway = gateway
        self.traits = self._traits(gateway)
        self._alert()

    @property
    def agent_annotations(self) -> dict[str, pulumi.Input[str]]:
        """Workload Identity: which Google service account the agents' pods act as."""
        return {"iam.gke.io/gcp-service-account": self._deployer.email} if self._deployer else {}

    def image(self, version: Version) -> pulumi.Input[str]:
        """The digest from the configuration; a dev stack that names none builds the working tree."""
        if self._settings.phase is Phase.DEV and version not in self._settings.images:
            opts = pulumi.ResourceOptions(provider=self._builder, depends_on=[self._registry])
            return built_image(self._settings.repository, version, opts)
        return service_image(self._settings, version)

    def verification_url(self, host: str) -> str:
        """As people do: by the name, over TLS."""
        return self._settings.gateway.url(host)

    def database(self, namespace: pulumi.Input[str]) -> DatabaseServer:
        """Cloud SQL, under the name that the database has on every target."""
        server = CloudSqlServer(
            "database",
            CloudSqlArgs(
                namespace=namespace,
                region=self._gke.region,
                settings=self._gke.database,
                labels=self._labels,
                network=self._network.id,
                allocated_range=self._network.database_range,
                key=self._keys.database,
                highly_available=self._settings.phase is Phase.REAL,
                protect=self._gke.deletion_protection,
                peering=self._network.peering,
            ),
            pulumi.ResourceOptions.merge(self._on_google, self._on_cluster),
        )
        return DatabaseServer(resource=server, admin=server.admin)

    def prepare_backend(self, backend: BackendSpec) -> Sequence[pulumi.Resource]:
        """How the load balancer asks for health and lets a pod go, and where metrics are scraped."""
        prepared: list[pulumi.Resource] = [
            Backend(
                backend.service,
                BackendArgs(
                    namespace=backend.namespace,
                    service=backend.service,
                    port=backend.container_port,
                    health_path=backend.health_path,
                    timeout_seconds=_LONGEST_REQUEST_SECONDS,
                    drain_seconds=_FORGET_SECONDS,
                ),
                self._on_cluster,
            )
        ]
        if backend.metrics:
            custom(
                backend.service,
                "monitoring.googleapis.com/v1",
                "PodMonitoring",
                backend.service,
                backend.namespace,
                {
                    "selector": {"matchLabels": names.selector(backend.service, "web")},
                    "endpoints": [{"port": "http", "path": "/metrics", "interval": "30s"}],
                },
                pulumi.ResourceOptions(provider=self.provider),
            )
        return prepared

    def admit_deployer(self, namespace: pulumi.Input[str]) -> None:
        """The deployer changes what a release is made of, in this namespace only."""
        if self._deployer:
            DeployerRights("deployer-rights", namespace, self._deployer.email, self._on_cluster)

    @cached_property
    def _builder(self) -> docker.Provider:
        return docker.Provider("docker")

    @property
    def _on_cluster(self) -> pulumi.ResourceOptions:
        # A route that comes before its Gateway would wait in vain.
        return pulumi.ResourceOptions(providers=[self.provider], depends_on=[self._gateway])

    def _admitted_images(self) -> list[str]:
        jenkins = self._settings.jenkins
        foreign = [jenkins.controller, jenkins.agent] if jenkins else []
        return [
            f"{self._gke.registry}/{self._gke.project}/*",
            *(f"{image.registry}/{image.repository}{tag}@{image.digest}" for image in foreign for tag in _tags(image)),
        ]

    def _make_deployer(self) -> Deployer | None:
        if self._gke.deployer is None:
            return None
        agents = names.name("inssa", self._settings.stack, "jenkins") if self._settings.jenkins else None
        return Deployer(
            "deployer",
            DeployerArgs(
                stack=self._settings.stack,
                project=self._gke.project,
                settings=self._gke.deployer,
                agent=f"{agents}/{AGENT_ACCOUNT}" if agents else None,
            ),
            self._on_google,
        )

    def _traits(self, gateway: PublicGateway) -> Traits:
        collectors = LabelSelectorRequirementArgs(
            key="kubernetes.io/metadata.name", operator="In", values=list(_COLLECTORS)
        )
        return Traits(
            forget_endpoint_seconds=_FORGET_SECONDS,
            drain_seconds=_FORGET_SECONDS,
            keep_alive_seconds=KEEP_ALIVE_SECONDS + 20,
            # The load balancer appends the client's address and its own.
            forwarded_hops=2,
            # A node may have to come first.
            progress_deadline_seconds=600,
            # A new backend is known to the load balancer everywhere after minutes.
            verification_seconds=900,
            web_cpu=_WEB_CPU,
            visitors=(
                *(network.addresses(cidr) for cidr in PROXIES),
                NetworkPolicyPeerArgs(namespace_selector=LabelSelectorArgs(match_expressions=[collectors])),
            ),
            database_peers=(network.addresses(str(self._gke.ranges.database)),),
            gateway=network.Connection(port=_HTTPS, peers=(network.address(gateway.address),)),
            identity=_METADATA,
        )

    def _alert(self) -> None:
        scale = self._settings.scale
        Alerts(
            "alerts",
            AlertsArgs(
                stack=self._settings.stack,
                namespace=names.name("inssa", self._settings.stack),
                emails=self._gke.alert_emails,
                capacity=Capacity(pods=scale.max, cpu=_WEB_CPU, percent=scale.cpu) if scale else None,
            ),
            self._on_google,
        )


def _tags(image: Image) -> tuple[str, str]:
    # A pod names tag and digest; whether a pattern without the tag covers that is not documented.
    return ("", f":{image.tag}")
