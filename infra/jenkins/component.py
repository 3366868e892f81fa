"""The release of the Jenkins chart, its secrets and who may talk to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes.helm.v3 import RepositoryOptsArgs
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs
from pulumi_kubernetes.networking.v1 import NetworkPolicyPeerArgs

from infra import network
from infra.credentials import Credentials
from infra.jenkins import values
from infra.jenkins.settings import Chart, Jenkins

_HTTPS = 443
_INSTALL_SECONDS = 900
"""Jenkins downloads its plugins at the first start."""


@dataclass(frozen=True, kw_only=True)
class ReleaseArgs:
    """`values` hold no secret. An update that does not become ready in `timeout_seconds` is rolled back."""

    namespace: pulumi.Input[str]
    name: str
    chart: Chart
    values: Mapping[str, Any]
    timeout_seconds: int = _INSTALL_SECONDS


class Release(pulumi.ComponentResource):
    """Owns one Helm release.

    `atomic`: a failed update goes back to the last release that worked and leaves
    nothing in `pending-upgrade`, where the next update would not start.
    `recreate_pods`: a StatefulSet waits for a pod that never becomes ready before
    it replaces it (kubernetes #67250), so that going back would wait in vain.
    """

    def __init__(self, name: str, args: ReleaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:build:Release", name, None, opts)
        self.release = k8s.helm.v3.Release(
            name,
            name=args.name,
            namespace=args.namespace,
            create_namespace=False,
            chart=args.chart.name,
            version=args.chart.version,
            repository_opts=RepositoryOptsArgs(repo=args.chart.repository),
            values=args.values,
            atomic=True,
            cleanup_on_fail=True,
            recreate_pods=True,
            max_history=5,
            timeout=args.timeout_seconds,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


@dataclass(frozen=True, kw_only=True)
class JenkinsArgs:
    """`visitors` are the gateway's side of the network.

    `agent_annotations` name the agents' identity outside of the cluster, and `identity` is where they get it.
    """

    namespace: pulumi.Input[str]
    settings: Jenkins
    url: str
    visitors: tuple[NetworkPolicyPeerArgs, ...]
    agent_annotations: dict[str, pulumi.Input[str]]
    identity: tuple[network.Connection, ...]


class JenkinsServer(pulumi.ComponentResource):
    """Owns Jenkins in a namespace of its own. It does not own the way that people take to it."""

    admin: Credentials

    def __init__(self, name: str, args: JenkinsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:build:Jenkins", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        settings = args.settings
        self.admin = Credentials(
            f"{name}-admin",
            namespace=args.namespace,
            secret_name=values.ADMIN_SECRET,
            keys=("jenkins-admin-password", "pipeline-password"),
            given={"jenkins-admin-user": values.ADMIN_USER},
            opts=child,
        )
        github = _given(
            f"{name}-github", args, values.GITHUB_SECRET, {"token": settings.github.token.get_secret_value()}, child
        )
        secrets: list[pulumi.Resource] = [self.admin, github]
        if settings.oidc:
            content = {"client-secret": settings.oidc.client_secret.get_secret_value()}
            secrets.append(_given(f"{name}-oidc", args, values.OIDC_SECRET, content, child))
        _allow(name, args, child)
        Release(
            name,
            ReleaseArgs(
                namespace=args.namespace,
                name=values.RELEASE,
                chart=settings.chart,
                values=values.values(
                    values.ValuesArgs(settings=settings, url=args.url, agent_annotations=args.agent_annotations)
                ),
            ),
            pulumi.ResourceOptions(parent=self, depends_on=secrets),
        )
        self.register_outputs({})


def _given(
    name: str, args: JenkinsArgs, secret_name: str, content: dict[str, str], opts: pulumi.ResourceOptions
) -> k8s.core.v1.Secret:
    return k8s.core.v1.Secret(
        name,
        metadata={
            "name": secret_name,
            "namespace": args.namespace,
            "labels": {"app.kubernetes.io/part-of": "inssa"},
        },
        type="Opaque",
        string_data={key: pulumi.Output.secret(value) for key, value in content.items()},
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(additional_secret_outputs=["data", "stringData"])
        ),
    )


def _allow(name: str, args: JenkinsArgs, opts: pulumi.ResourceOptions) -> None:
    """Agents and the gateway reach Jenkins; both reach HTTPS outside, where plugins, GitHub and clusters are."""
    own = NetworkPolicyPeerArgs(pod_selector=LabelSelectorArgs())
    inside = [
        network.Connection(port=port, peers=peers)
        for port, peers in ((values.CONTAINER_PORT, (own, *args.visitors)), (values.AGENT_PORT, (own,)))
    ]
    outside = [
        network.Connection(port=_HTTPS),
        network.Connection(port=values.CONTAINER_PORT, peers=(own,)),
        network.Connection(port=values.AGENT_PORT, peers=(own,)),
        *args.identity,
    ]
    k8s.networking.v1.NetworkPolicy(
        name,
        metadata={"name": values.RELEASE, "namespace": args.namespace},
        spec=network.policy(LabelSelectorArgs(), ingress=inside, egress=outside),
        opts=opts,
    )
