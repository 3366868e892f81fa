"""Where the images of a stack are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp
from pulumi_gcp.artifactregistry import (
    RepositoryCleanupPolicyArgs,
    RepositoryCleanupPolicyConditionArgs,
    RepositoryCleanupPolicyMostRecentVersionsArgs,
    RepositoryDockerConfigArgs,
    RepositoryVulnerabilityScanningConfigArgs,
)

from infra.version import Version

LOCATIONS = {"gcr.io": "us", "us.gcr.io": "us", "eu.gcr.io": "europe", "asia.gcr.io": "asia"}
"""Container Registry is gone; a repository named like one of its hosts, there, keeps the addresses working."""
_PACKAGE = "inssaservice"
_KEPT_VERSIONS = 30


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """`named` are the versions that the stack's configuration names: they are never cleaned up."""

    host: str
    key: pulumi.Input[str]
    named: Sequence[Version]
    reader: pulumi.Input[str]
    writer: pulumi.Input[str] | None


class Registry(pulumi.ComponentResource):
    """Owns the repository, who may read it and who may write to it."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:gke:Registry", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        location = LOCATIONS[args.host]
        repository = gcp.artifactregistry.Repository(
            name,
            repository_id=args.host,
            location=location,
            format="DOCKER",
            description="Images of InssaService; a tag never moves",
            kms_key_name=args.key,
            docker_config=RepositoryDockerConfigArgs(immutable_tags=True),
            vulnerability_scanning_config=RepositoryVulnerabilityScanningConfigArgs(enablement_config="INHERITED"),
            cleanup_policies=cleanup_policies(args.named),
            cleanup_policy_dry_run=False,
            opts=pulumi.ResourceOptions(parent=self, protect=True),
        )
        members = {"reader": args.reader, **({"writer": args.writer} if args.writer is not None else {})}
        for role, member in members.items():
            gcp.artifactregistry.RepositoryIamMember(
                f"{name}-{role}",
                repository=repository.name,
                location=location,
                role=f"roles/artifactregistry.{role}",
                member=member,
                opts=child,
            )
        self.register_outputs({})


def cleanup_policies(named: Sequence[Version]) -> list[RepositoryCleanupPolicyArgs]:
    """Delete what lost its tag a month ago; a policy that keeps wins over one that deletes."""
    return [
        RepositoryCleanupPolicyArgs(
            id="delete-untagged",
            action="DELETE",
            condition=RepositoryCleanupPolicyConditionArgs(tag_state="UNTAGGED", older_than=f"{30 * 24 * 3600}s"),
        ),
        RepositoryCleanupPolicyArgs(
            id="keep-named",
            action="KEEP",
            condition=RepositoryCleanupPolicyConditionArgs(
                tag_state="TAGGED",
                package_name_prefixes=[_PACKAGE],
                tag_prefixes=[str(version) for version in sorted(set(named))],
            ),
        ),
        RepositoryCleanupPolicyArgs(
            id="keep-recent",
            action="KEEP",
            most_recent_versions=RepositoryCleanupPolicyMostRecentVersionsArgs(
                keep_count=_KEPT_VERSIONS, package_name_prefixes=[_PACKAGE]
            ),
        ),
    ]
