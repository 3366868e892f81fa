"""The schema before a version starts: one Job per version and database."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra import database, names
from infra.credentials import Credentials
from infra.jobs import run_once
from infra.pods import (
    SERVICE_UID,
    Resources,
    SecretFiles,
    container,
    environment,
    pod_spec,
    secret_mount,
    secret_volume,
)
from infra.workload import Workload

COMPONENT = "migration"
DEADLINE_SECONDS = 600
RESOURCES = Resources(cpu=20, memory=128)


@dataclass(frozen=True, kw_only=True)
class MigrationArgs:
    """`admin` may create databases and roles; only the Job's first container sees that password."""

    workload: Workload
    admin: Credentials


class Migration(pulumi.ComponentResource):
    """Owns the Job that makes the database and its roles, then expands the schema.

    Expanding is additive: the versions that serve keep reading and writing.
    """

    def __init__(self, name: str, args: MigrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:data:Migration", name, None, opts)
        workload = args.workload
        env = environment(workload.environment())
        own = workload.credentials
        pod = pod_spec(
            uid=SERVICE_UID,
            init_containers=[
                container(
                    name="provision",
                    image=workload.image,
                    resources=RESOURCES,
                    args=["provision"],
                    env=env,
                    mounts=[secret_mount("admin")],
                )
            ],
            containers=[
                container(
                    name="migrate",
                    image=workload.image,
                    resources=RESOURCES,
                    args=["migrate"],
                    env=env,
                    mounts=[secret_mount("owner")],
                )
            ],
            volumes=[
                secret_volume(
                    "admin",
                    SecretFiles(secret=args.admin.secret_name, keys=(database.ADMIN_PASSWORD,)),
                    SecretFiles(secret=own, keys=("owner_password", "app_password")),
                ),
                secret_volume(
                    "owner",
                    SecretFiles(secret=own, keys=("owner_password", "invitation_code", "verifier_code")),
                ),
            ],
        )
        self.job = run_once(
            name,
            name=names.name(workload.database, "migrate", workload.version.slug),
            namespace=workload.namespace,
            instance=workload.database,
            component=COMPONENT,
            deadline_seconds=DEADLINE_SECONDS,
            pod=pod,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
