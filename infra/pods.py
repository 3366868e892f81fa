"""What every pod of a stack has in common: Pod Security `restricted`, small requests, no API token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import (
    CapabilitiesArgs,
    ContainerArgs,
    EmptyDirVolumeSourceArgs,
    EnvVarArgs,
    KeyToPathArgs,
    PodSecurityContextArgs,
    PodSpecArgs,
    ProjectedVolumeSourceArgs,
    ResourceRequirementsArgs,
    SeccompProfileArgs,
    SecretProjectionArgs,
    SecurityContextArgs,
    VolumeArgs,
    VolumeMountArgs,
    VolumeProjectionArgs,
)

SERVICE_UID = 10001
"""User and group of the InssaService image."""

SECRETS_DIRECTORY = "/etc/inssa/secrets"
_READABLE_BY_GROUP = 0o440


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a container asks for: CPU in thousandths, memory in MiB. It may use one CPU and twice the memory."""

    cpu: int
    memory: int

    def requirements(self) -> ResourceRequirementsArgs:
        """Requests and limits of a container."""
        return ResourceRequirementsArgs(
            requests={"cpu": f"{self.cpu}m", "memory": f"{self.memory}Mi"},
            limits={"cpu": "1", "memory": f"{self.memory * 2}Mi"},
        )


@dataclass(frozen=True, kw_only=True)
class SecretFiles:
    """Keys of one Secret that a container finds as files under `SECRETS_DIRECTORY`."""

    secret: pulumi.Input[str]
    keys: tuple[str, ...]


def pod_spec(
    *,
    uid: int,
    containers: Sequence[ContainerArgs],
    volumes: Sequence[VolumeArgs] = (),
    init_containers: Sequence[ContainerArgs] = (),
) -> PodSpecArgs:
    """A pod spec that Pod Security `restricted` admits."""
    return PodSpecArgs(
        automount_service_account_token=False,
        enable_service_links=False,
        security_context=PodSecurityContextArgs(
            run_as_non_root=True,
            run_as_user=uid,
            run_as_group=uid,
            fs_group=uid,
            seccomp_profile=SeccompProfileArgs(type="RuntimeDefault"),
        ),
        init_containers=list(init_containers) or None,
        containers=list(containers),
        volumes=[*volumes, VolumeArgs(name="tmp", empty_dir=EmptyDirVolumeSourceArgs(size_limit="64Mi"))],
    )


def container(
    *,
    name: str,
    image: pulumi.Input[str],
    resources: Resources,
    args: Sequence[str] = (),
    env: Sequence[EnvVarArgs] = (),
    mounts: Sequence[VolumeMountArgs] = (),
) -> ContainerArgs:
    """A container without privileges, with a read-only root file system and a writable /tmp."""
    return ContainerArgs(
        name=name,
        image=image,
        image_pull_policy="IfNotPresent",
        args=list(args) or None,
        env=list(env) or None,
        resources=resources.requirements(),
        volume_mounts=[*mounts, VolumeMountArgs(name="tmp", mount_path="/tmp")],  # noqa: S108
        security_context=SecurityContextArgs(
            allow_privilege_escalation=False,
            capabilities=CapabilitiesArgs(drop=["ALL"]),
            read_only_root_filesystem=True,
        ),
    )


def secret_volume(name: str, *sources: SecretFiles) -> VolumeArgs:
    """A volume with exactly the named keys, readable by the pod's group only."""
    return VolumeArgs(
        name=name,
        projected=ProjectedVolumeSourceArgs(
            default_mode=_READABLE_BY_GROUP,
            sources=[
                VolumeProjectionArgs(
                    secret=SecretProjectionArgs(
                        name=source.secret, items=[KeyToPathArgs(key=key, path=key) for key in source.keys]
                    )
                )
                for source in sources
            ],
        ),
    )


def secret_mount(name: str) -> VolumeMountArgs:
    """Where a container finds the files of `secret_volume(name, ...)`."""
    return VolumeMountArgs(name=name, mount_path=SECRETS_DIRECTORY, read_only=True)


def environment(values: dict[str, str]) -> list[EnvVarArgs]:
    """Variables of a container, each prefixed with INSSA_."""
    return [EnvVarArgs(name=f"INSSA_{key}", value=value) for key, value in values.items()]
