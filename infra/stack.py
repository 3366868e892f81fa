"""A whole stack, composed: what depends on what is the order of a release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_kubernetes as k8s

from infra import network, rollout
from infra.contraction import Contraction, ContractionArgs
from infra.credentials import Credentials
from infra.database import PORT as DATABASE_PORT
from infra.deployed import Deployed
from infra.jenkins.settings import Jenkins
from infra.jenkins.values import CONTAINER_PORT as JENKINS_PORT
from infra.jenkins.values import RELEASE
from infra.migration import COMPONENT as MIGRATION
from infra.migration import Migration, MigrationArgs
from infra.names import name
from infra.namespace import Namespace
from infra.ownership import one_field_manager
from infra.platform import BackendSpec
from infra.route import PUBLIC, Route, own_spec, public_spec
from infra.settings import Settings
from infra.target import platform_of
from infra.track import CONTAINER_PORT, Track, TrackArgs
from infra.verification import COMPONENT as VERIFICATION
from infra.verification import Verification, VerificationArgs
from infra.version import Version
from infra.workload import CREDENTIALS, Workload

if TYPE_CHECKING:
    from infra.jenkins.component import JenkinsServer


class Stack:
    """Everything that exists in one stack.

    A track starts after its migration and is verified on its own address while
    its pods become ready; only after both may the public route give it weight.
    What is no longer declared is deleted by the engine after all of that.
    """

    def __init__(self, settings: Settings, deployed: Deployed) -> None:
        self._settings = settings
        self._deployed = deployed
        self._rollout = rollout.plan(settings)
        pulumi.runtime.register_stack_transformation(one_field_manager)
        self._platform = platform_of(settings)
        images = {track.version: self._platform.image(track.version) for track in self._rollout.tracks}

        self._on_cluster = pulumi.ResourceOptions(providers=[self._platform.provider])
        self._namespace = Namespace("namespace", name("inssa", settings.stack), self._on_cluster)
        self._database = self._platform.database(self._namespace.name)
        self._platform.admit_deployer(self._namespace.name)
        self._credentials = {
            database: Credentials(
                name(database, "credentials"),
                namespace=self._namespace.name,
                secret_name=name(database, "credentials"),
                keys=CREDENTIALS,
                opts=self._on_cluster,
            )
            for database in self._rollout.databases
        }
        traits = self._platform.traits
        self._allow(VERIFICATION, traits.gateway)
        self._allow(MIGRATION, network.Connection(port=DATABASE_PORT, peers=traits.database_peers))

        migrations: dict[str, list[Migration]] = {}
        self._tracks: dict[str, Track] = {}
        verifications: list[Verification] = []
        # Oldest first: two versions that share a database migrate it one after the other.
        for track in sorted(self._rollout.tracks, key=lambda track: track.version):
            workload = self._workload(track.name, track.version, track.database, images[track.version])
            before = migrations.setdefault(track.database, [])
            before.append(self._migration(workload, before))
            self._tracks[track.name] = self._track(workload, track, before[-1])
            verifications.append(self._verification(workload, track))
        if self._rollout.preview:
            self._preview_route(self._rollout.preview)
        if self._rollout.public:
            # The pods and no more of a track: an autoscaler's new bounds would come before the weights of a way back.
            pods = [track.deployment for track in self._tracks.values()]
            public = self._public_route(self._rollout.public, [*pods, *verifications])
            if settings.contract:
                self._contraction(settings.contract, public)
        self._jenkins = self._build_server(settings.jenkins) if settings.jenkins else None

    def _after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self._on_cluster, pulumi.ResourceOptions(depends_on=list(resources)))

    def _allow(self, component: str, connection: network.Connection) -> None:
        k8s.networking.v1.NetworkPolicy(
            component,
            metadata={"name": component, "namespace": self._namespace.name},
            spec=network.policy(network.component_selector(component), egress=[connection]),
            opts=pulumi.ResourceOptions(provider=self._platform.provider, parent=self._namespace),
        )

    def _workload(self, track: str, version: Version, database: str, image: pulumi.Input[str]) -> Workload:
        return Workload(
            namespace=self._namespace.name,
            track=track,
            version=version,
            phase=self._settings.phase,
            image=image,
            database=database,
            credentials=self._credentials[database].secret_name,
        )

    def _contraction(self, oldest: Version, after: Route) -> None:
        image = self._platform.image(oldest)
        for database in self._rollout.databases:
            Contraction(
                name(database, "contract", oldest.slug),
                ContractionArgs(workload=self._workload(database, oldest, database, image)),
                self._after(after),
            )

    def _migration(self, workload: Workload, before: list[Migration]) -> Migration:
        return Migration(
            name(workload.database, "migrate", workload.version.slug),
            # Not named for the track: a canary's version keeps its migration when it becomes live.
            MigrationArgs(workload=replace(workload, track=workload.database), admin=self._database.admin),
            self._after(self._database.resource, *before),
        )

    def _track(self, workload: Workload, track: rollout.Track, migration: Migration) -> Track:
        return Track(
            track.name,
            TrackArgs(
                workload=workload,
                scale=track.scale,
                starts_with=self._current_size(track),
                tag=track.tag,
                traits=self._platform.traits,
            ),
            self._after(migration),
        )

    def _current_size(self, track: rollout.Track) -> pulumi.Output[int] | None:
        """How many pods serve the public now, for a new track to start with as many; None if it need not."""
        live = self._deployed.live
        if not isinstance(track.scale, rollout.AutoScale) or live is None or track.name in self._deployed.versions:
            return None
        now = k8s.apps.v1.Deployment.get(
            f"{live}-now",
            pulumi.Output.concat(self._namespace.name, "/", live),
            opts=pulumi.ResourceOptions(provider=self._platform.provider),
        )
        smallest, largest = track.scale.min, track.scale.max
        return now.spec.replicas.apply(lambda replicas: min(max(int(replicas), smallest), largest))

    def _verification(self, workload: Workload, track: rollout.Track) -> Verification:
        traits = self._platform.traits
        prepared = self._platform.prepare_backend(
            BackendSpec(
                service=track.name,
                namespace=self._namespace.name,
                container_port=CONTAINER_PORT,
                health_path="/readyz",
                metrics=True,
            )
        )
        own = Route(
            name(track.name, "route"),
            namespace=self._namespace.name,
            route_name=track.name,
            spec=own_spec(self._settings.gateway, [track.host], self._tracks[track.name].service_name),
            opts=self._after(*prepared),
        )
        return Verification(
            name(track.name, "verify", workload.version.slug),
            VerificationArgs(
                workload=workload,
                url=self._platform.verification_url(track.host),
                host=track.host,
                patience_seconds=traits.progress_deadline_seconds + traits.verification_seconds,
            ),
            # Not after the pods: the Job starts beside them and waits at their address, which is sooner.
            self._after(own),
        )

    def _preview_route(self, preview: rollout.Preview) -> None:
        # A route of its own: two routes that name one host for a moment would each lose all of their hosts.
        track = self._tracks[preview.track]
        Route(
            rollout.PREVIEW,
            namespace=self._namespace.name,
            route_name=rollout.PREVIEW,
            spec=own_spec(self._settings.gateway, [preview.host], track.service_name),
            opts=self._after(track),
        )

    def _public_route(self, traffic: rollout.PublicTraffic, proven: list[pulumi.Resource]) -> Route:
        services: Mapping[str, pulumi.Input[str]] = {
            share.track: self._tracks[share.track].service_name for share in traffic.shares
        }
        return Route(
            PUBLIC,
            namespace=self._namespace.name,
            route_name=PUBLIC,
            spec=public_spec(self._settings.gateway, traffic, services),
            opts=self._after(*proven),
        )

    def _build_server(self, settings: Jenkins) -> JenkinsServer:
        # Helm's part of the SDK is slow to import, and most stacks have no Jenkins.
        from infra.jenkins.component import JenkinsArgs, JenkinsServer

        namespace = Namespace("jenkins-namespace", name("inssa", self._settings.stack, RELEASE), self._on_cluster).name
        host = f"{RELEASE}.{self._settings.base_host}"
        traits = self._platform.traits
        server = JenkinsServer(
            RELEASE,
            JenkinsArgs(
                namespace=namespace,
                settings=settings,
                url=self._settings.gateway.url(host),
                visitors=traits.visitors,
                identity=traits.identity,
                agent_annotations=self._platform.agent_annotations,
            ),
            self._on_cluster,
        )
        prepared = self._platform.prepare_backend(
            BackendSpec(service=RELEASE, namespace=namespace, container_port=JENKINS_PORT, health_path="/login")
        )
        Route(
            name(RELEASE, "route"),
            namespace=namespace,
            route_name=RELEASE,
            spec=own_spec(self._settings.gateway, [host], RELEASE),
            opts=self._after(server, *prepared),
        )
        return server

    def outputs(self) -> dict[str, Any]:
        """What people and commands read: addresses, tracks, generation, and the first member's code as a secret."""
        url = self._settings.gateway.url
        public, preview = self._rollout.public, self._rollout.preview
        return {
            "addresses": {
                **({PUBLIC: url(public.host)} if public else {}),
                **({RELEASE: url(f"{RELEASE}.{self._settings.base_host}")} if self._jenkins else {}),
                **({rollout.PREVIEW: url(preview.host)} if preview else {}),
                **{track.name: url(track.host) for track in self._rollout.tracks},
            },
            "tracks": {track.name: str(track.version) for track in self._rollout.tracks},
            "weights": {share.track: share.weight for share in public.shares} if public else {},
            "generation": self._settings.generation,
            "invitations": {
                database: credentials.value("invitation_code") for database, credentials in self._credentials.items()
            },
        }
