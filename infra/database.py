"""PostgreSQL in the cluster: one server per stack, one database and role pair per track or public stack."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes.apps.v1 import StatefulSetSpecArgs
from pulumi_kubernetes.core.v1 import (
    ContainerPortArgs,
    EnvVarArgs,
    ExecActionArgs,
    PersistentVolumeClaimArgs,
    PersistentVolumeClaimSpecArgs,
    PodTemplateSpecArgs,
    ProbeArgs,
    ServicePortArgs,
    ServiceSpecArgs,
    VolumeMountArgs,
    VolumeResourceRequirementsArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from infra import names, network
from infra.credentials import Credentials
from infra.pods import SECRETS_DIRECTORY, Resources, SecretFiles, container, pod_spec, secret_mount, secret_volume

NAME = "database"
PORT = 5432
ADMIN_USER = "postgres"
ADMIN_PASSWORD = "admin_password"  # noqa: S105 - the name of a key, not a password
_UID = 999
"""The `postgres` user of the official Debian image."""
_DATA = "/var/lib/postgresql/data"
_MAX_CONNECTIONS = 200
"""42 pods (twenty live, twenty standby, two canary) with four connections each, and some for Jobs."""
_RESOURCES = Resources(cpu=50, memory=256)


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """`image` by digest; `storage` as a Kubernetes quantity; `protect` refuses to delete the server."""

    namespace: pulumi.Input[str]
    image: str
    storage: str
    storage_class: str | None
    protect: bool


class Database(pulumi.ComponentResource):
    """Owns the server, its volume, its Service and the administrator's password.

    It does not own the databases inside: the migration Job of each makes its own.
    """

    admin: Credentials
    host: pulumi.Output[str]

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:data:Database", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.admin = Credentials(
            f"{name}-admin",
            namespace=args.namespace,
            secret_name=f"{NAME}-admin",
            keys=(ADMIN_PASSWORD,),
            opts=child,
        )
        metadata = ObjectMetaArgs(name=NAME, namespace=args.namespace, labels=names.labels(NAME, "database"))
        service = k8s.core.v1.Service(
            name,
            metadata=_awaited_elsewhere(metadata),
            spec=ServiceSpecArgs(
                cluster_ip="None",
                selector=names.selector(NAME, "database"),
                ports=[ServicePortArgs(name="postgres", port=PORT)],
            ),
            opts=child,
        )
        k8s.networking.v1.NetworkPolicy(
            name,
            metadata=metadata,
            spec=network.policy(
                LabelSelectorArgs(match_labels=names.selector(NAME, "database")),
                ingress=[network.Connection(port=PORT, peers=(network.components("web", "migration"),))],
            ),
            opts=child,
        )
        server = k8s.apps.v1.StatefulSet(
            name,
            metadata=metadata,
            spec=_server(args, self.admin),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.host = pulumi.Output.all(service.metadata.name, server.metadata.name).apply(lambda found: str(found[0]))
        self.register_outputs({"host": self.host})


def _awaited_elsewhere(metadata: ObjectMetaArgs) -> ObjectMetaArgs:
    # A Service is awaited for up to 10 s; the readiness of its pods is waited for by their owner already.
    return ObjectMetaArgs(
        name=metadata.name,
        namespace=metadata.namespace,
        labels=metadata.labels,
        annotations={"pulumi.com/skipAwait": "true"},
    )


def _server(args: DatabaseArgs, admin: Credentials) -> StatefulSetSpecArgs:
    server = container(
        name="postgres",
        image=args.image,
        resources=_RESOURCES,
        args=["postgres", "-c", f"max_connections={_MAX_CONNECTIONS}"],
        env=[
            EnvVarArgs(name="POSTGRES_USER", value=ADMIN_USER),
            EnvVarArgs(name="POSTGRES_PASSWORD_FILE", value=f"{SECRETS_DIRECTORY}/{ADMIN_PASSWORD}"),
            EnvVarArgs(name="PGDATA", value=f"{_DATA}/pgdata"),
        ],
        mounts=[
            secret_mount("admin"),
            VolumeMountArgs(name="data", mount_path=_DATA),
            VolumeMountArgs(name="tmp", mount_path="/var/run/postgresql", sub_path="run"),
        ],
    )
    # 127.0.0.1 and not the socket: the first start's temporary server listens on the socket only.
    answers = ExecActionArgs(command=["pg_isready", "-h", "127.0.0.1", "-U", ADMIN_USER, "-d", "postgres"])
    server.ports = [ContainerPortArgs(name="postgres", container_port=PORT)]
    server.startup_probe = ProbeArgs(exec_=answers, period_seconds=1, failure_threshold=120, timeout_seconds=5)
    server.readiness_probe = ProbeArgs(exec_=answers, period_seconds=5, timeout_seconds=5)
    pod = pod_spec(
        uid=_UID,
        containers=[server],
        volumes=[secret_volume("admin", SecretFiles(secret=admin.secret_name, keys=(ADMIN_PASSWORD,)))],
    )
    pod.termination_grace_period_seconds = 60
    return StatefulSetSpecArgs(
        replicas=1,
        service_name=NAME,
        selector=LabelSelectorArgs(match_labels=names.selector(NAME, "database")),
        template=PodTemplateSpecArgs(
            metadata=ObjectMetaArgs(labels=names.labels(NAME, "database")),
            spec=pod,
        ),
        volume_claim_templates=[
            PersistentVolumeClaimArgs(
                metadata=ObjectMetaArgs(name="data"),
                spec=PersistentVolumeClaimSpecArgs(
                    access_modes=["ReadWriteOnce"],
                    storage_class_name=args.storage_class,
                    resources=VolumeResourceRequirementsArgs(requests={"storage": args.storage}),
                ),
            )
        ],
    )
