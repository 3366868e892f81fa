"""The Kubernetes objects of the platform itself, as plain data. They hold no secret."""

from __future__ import annotations

from typing import Any

from local.settings import NODE_ADDRESS, Settings

Manifest = dict[str, Any]

GATEWAY_NAMESPACE = "projectcontour"
GATEWAY_NAME = "local"
GATEWAY_CLASS = "contour"
STORAGE_CLASS = "local"
METRICS_PORT = 10254

_READ = ["get", "list", "watch"]
_RBAC = "rbac.authorization.k8s.io"


def all_of(settings: Settings) -> list[Manifest]:
    """Everything that the platform keeps in the API, apart from the Gateway API's definitions."""
    return [
        *storage(),
        *dns(),
        *metrics(),
        *gateway(settings),
    ]


def storage() -> list[Manifest]:
    """The default storage class, and what its provisioner may do (as its library documents)."""
    return [
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": STORAGE_CLASS,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "inssa.dev/local",
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "WaitForFirstConsumer",
        },
        *_cluster_role(
            "inssa:volume-provisioner",
            _rule("", ["persistentvolumes"], [*_READ, "create", "delete", "patch", "update"]),
            _rule("", ["persistentvolumeclaims"], [*_READ, "update"]),
            _rule("storage.k8s.io", ["storageclasses"], _READ),
            _rule("", ["events"], ["create", "patch", "update"]),
            _rule("", ["nodes"], _READ),
        ),
    ]


def dns() -> list[Manifest]:
    """What CoreDNS reads. It runs on the node's address; pods are told so by the kubelet."""
    return _cluster_role(
        "inssa:coredns",
        _rule("", ["endpoints", "services", "pods", "namespaces"], ["list", "watch"]),
        _rule("discovery.k8s.io", ["endpointslices"], ["list", "watch"]),
    )


def metrics() -> list[Manifest]:
    """The metrics API, served by metrics-server on the node behind a Service without a selector."""
    service = {"name": "metrics-server", "namespace": "kube-system"}
    return [
        *_cluster_role(
            "inssa:metrics-server",
            _rule("", ["nodes/metrics"], ["get"]),
            _rule("", ["pods", "nodes"], _READ),
        ),
        _binding("inssa:metrics-server:auth-delegator", "system:auth-delegator", "inssa:metrics-server"),
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "inssa:metrics-server:auth-reader", "namespace": "kube-system"},
            "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": "extension-apiserver-authentication-reader"},
            "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": "inssa:metrics-server"}],
        },
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": {
                "name": "system:aggregated-metrics-reader",
                "labels": {f"{_RBAC}/aggregate-to-view": "true"},
            },
            "rules": [_rule("metrics.k8s.io", ["pods", "nodes"], _READ)],
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": service,
            "spec": {"ports": [{"name": "https", "port": 443, "targetPort": METRICS_PORT}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**service, "labels": {"kubernetes.io/service-name": "metrics-server"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [NODE_ADDRESS], "conditions": {"ready": True}}],
            "ports": [{"name": "https", "port": METRICS_PORT, "protocol": "TCP"}],
        },
    ]


def metrics_api(authority: str) -> Manifest:
    """Hang the metrics API into the Kubernetes API. `authority` is the cluster's, PEM in base64."""
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "service": {"name": "metrics-server", "namespace": "kube-system"},
            "caBundle": authority,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
    }


def gateway_namespace() -> Manifest:
    """The Gateway's namespace, which must exist before Contour's own roles are applied."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": GATEWAY_NAMESPACE}}


def gateway(settings: Settings) -> list[Manifest]:
    """The one Gateway, open to routes of all namespaces and any host, and what Contour may do."""
    return [
        _binding("inssa:contour", "contour", "inssa:contour"),
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "inssa:contour", "namespace": GATEWAY_NAMESPACE},
            "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": "contour"},
            "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": "inssa:contour"}],
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": GATEWAY_CLASS},
            "spec": {"controllerName": "projectcontour.io/gateway-controller"},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": GATEWAY_NAME, "namespace": GATEWAY_NAMESPACE},
            "spec": {
                "gatewayClassName": GATEWAY_CLASS,
                "listeners": [
                    {
                        "name": "http",
                        "protocol": "HTTP",
                        "port": listener_port(settings.gateway_port),
                        "allowedRoutes": {"namespaces": {"from": "All"}},
                    }
                ],
            },
        },
    ]


def listener_port(port: int) -> int:
    """Return the Gateway's port for which Contour makes Envoy listen on `port`.

    Contour adds 8000 and wraps around at 65535 (toContainerPort in its internal/gatewayapi).
    """
    return port - 8000 if port > 8000 else port + 65535 - 8000


def _rule(group: str, resources: list[str], verbs: list[str]) -> Manifest:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


def _cluster_role(user: str, *rules: Manifest) -> list[Manifest]:
    """Give a user its own cluster role."""
    role = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": user},
        "rules": list(rules),
    }
    return [role, _binding(user, user, user)]


def _binding(name: str, role: str, user: str) -> Manifest:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": user}],
    }
