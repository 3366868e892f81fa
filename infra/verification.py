"""The proof, through the gateway, that a track works before anybody depends on it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra import names
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

COMPONENT = "verification"
_CHECK_SECONDS = 60
"""Time for the check itself, once the track answers."""
_RESOURCES = Resources(cpu=20, memory=96)


@dataclass(frozen=True, kw_only=True)
class VerificationArgs:
    """`url` is the gateway as a pod reaches it, `host` the track's own address there.

    The track has `patience_seconds` to answer there: its first pod must be ready, and the gateway know the way.
    """

    workload: Workload
    url: str
    host: str
    patience_seconds: int


class Verification(pulumi.ComponentResource):
    """Owns the Job that signs in, writes and reads back on a track's own address."""

    def __init__(self, name: str, args: VerificationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:service:Verification", name, None, opts)
        workload = args.workload
        verify = {
            **workload.environment(),
            "VERIFY_URL": args.url,
            "VERIFY_HOST": args.host,
            "VERIFY_SECONDS": str(args.patience_seconds),
        }
        pod = pod_spec(
            uid=SERVICE_UID,
            containers=[
                container(
                    name="verify",
                    image=workload.image,
                    resources=_RESOURCES,
                    args=["verify"],
                    env=environment(verify),
                    mounts=[secret_mount("verifier")],
                )
            ],
            volumes=[secret_volume("verifier", SecretFiles(secret=workload.credentials, keys=("verifier_code",)))],
        )
        self.job = run_once(
            name,
            name=names.name(workload.track, "verify", workload.version.slug),
            namespace=workload.namespace,
            instance=workload.track,
            component=COMPONENT,
            deadline_seconds=args.patience_seconds + _CHECK_SECONDS,
            pod=pod,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
