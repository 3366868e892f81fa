"""Where the Kubernetes cluster comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from infra.errors import InssaError
from infra.settings import Settings

_QUERIES_PER_SECOND = 200


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """A kubeconfig on disk and the context in it. The path alone enters the state, never a key."""

    kubeconfig: Path
    context: str | None

    @classmethod
    def of(cls, settings: Settings) -> ClusterArgs:
        """The cluster that `settings` name. Raises InssaError if its kubeconfig does not exist."""
        if not settings.kubeconfig.expanduser().is_file():
            raise InssaError(
                f"inssa:kubeconfig: no file at {settings.kubeconfig}; start the local platform (make up), "
                "or name your cluster's: pulumi config set inssa:kubeconfig PATH"
            )
        return cls(kubeconfig=settings.kubeconfig.expanduser(), context=settings.context)


class Cluster(pulumi.ComponentResource):
    """Owns the Kubernetes provider through which everything above the cluster is made."""

    provider: k8s.Provider

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:platform:Cluster", name, None, opts)
        self.provider = k8s.Provider(
            name,
            kubeconfig=str(args.kubeconfig),
            context=args.context,
            # Without it another path or another client certificate would replace every object.
            cluster_identifier=args.context or name,
            kube_client_settings=k8s.KubeClientSettingsArgs(qps=_QUERIES_PER_SECOND, burst=2 * _QUERIES_PER_SECOND),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
