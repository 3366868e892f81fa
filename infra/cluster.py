"""Where the Kubernetes cluster comes from."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s
import yaml

from infra.errors import InssaError
from infra.settings import Settings

_QUERIES_PER_SECOND = 200
_REACHABLE_SECONDS = 5
_FIX = "start the local platform (make up), or name your cluster's: pulumi config set inssa:kubeconfig PATH"


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """A kubeconfig on disk and the context in it. The path alone enters the state, never a key."""

    kubeconfig: Path
    context: str | None

    @classmethod
    def of(cls, settings: Settings) -> ClusterArgs:
        """The cluster that `settings` name. Raises InssaError if there is no such cluster, or no answer from it.

        The provider would take an update without changes for done on a cluster that it cannot reach.
        """
        path = settings.kubeconfig.expanduser()
        if not path.is_file():
            raise InssaError(f"inssa:kubeconfig: no file at {path}; {_FIX}")
        server = _server(yaml.safe_load(path.read_text()), settings.context)
        if server is None:
            raise InssaError(f"inssa:context: found {settings.context!r}, which {path} does not have; {_FIX}")
        parts = urlsplit(server)
        try:
            socket.create_connection((parts.hostname, parts.port or 443), _REACHABLE_SECONDS).close()
        except OSError as error:
            raise InssaError(f"inssa:kubeconfig: the cluster at {server} does not answer ({error}); {_FIX}") from error
        return cls(kubeconfig=path, context=settings.context)


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


def _server(kubeconfig: dict[str, Any], context: str | None) -> str | None:
    contexts = {entry["name"]: entry["context"] for entry in kubeconfig.get("contexts") or []}
    clusters = {entry["name"]: entry["cluster"] for entry in kubeconfig.get("clusters") or []}
    chosen = contexts.get(context or kubeconfig.get("current-context"))
    return clusters.get(chosen["cluster"], {}).get("server") if chosen else None
