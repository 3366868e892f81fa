"""The end of older versions in the schema: a step of its own, after their tracks are gone."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra import names
from infra.jobs import run_once
from infra.migration import COMPONENT, DEADLINE_SECONDS, RESOURCES
from infra.pods import SERVICE_UID, SecretFiles, container, environment, pod_spec, secret_mount, secret_volume
from infra.workload import Workload


@dataclass(frozen=True, kw_only=True)
class ContractionArgs:
    """`workload.version` is the oldest version that the schema serves afterwards."""

    workload: Workload


class Contraction(pulumi.ComponentResource):
    """Owns the Job that drops what only older versions need. It refuses while one of their pods still serves."""

    def __init__(self, name: str, args: ContractionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:data:Contraction", name, None, opts)
        workload = args.workload
        pod = pod_spec(
            uid=SERVICE_UID,
            containers=[
                container(
                    name="contract",
                    image=workload.image,
                    resources=RESOURCES,
                    args=["contract"],
                    env=environment(workload.environment()),
                    mounts=[secret_mount("owner")],
                )
            ],
            volumes=[secret_volume("owner", SecretFiles(secret=workload.credentials, keys=("owner_password",)))],
        )
        run_once(
            name,
            name=names.name(workload.database, "contract", workload.version.slug),
            namespace=workload.namespace,
            instance=workload.database,
            component=COMPONENT,
            deadline_seconds=DEADLINE_SECONDS,
            pod=pod,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
