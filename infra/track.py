"""A track: one version with its own pods and a Service whose selector never changes."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes.apps.v1 import DeploymentSpecArgs, DeploymentStrategyArgs, RollingUpdateDeploymentArgs
from pulumi_kubernetes.autoscaling.v2 import (
    CrossVersionObjectReferenceArgs,
    HorizontalPodAutoscalerBehaviorArgs,
    HorizontalPodAutoscalerSpecArgs,
    HPAScalingRulesArgs,
    MetricSpecArgs,
    MetricTargetArgs,
    ResourceMetricSourceArgs,
)
from pulumi_kubernetes.core.v1 import (
    ConfigMapEnvSourceArgs,
    ContainerPortArgs,
    EnvFromSourceArgs,
    HTTPGetActionArgs,
    LifecycleArgs,
    LifecycleHandlerArgs,
    PodTemplateSpecArgs,
    ProbeArgs,
    ServicePortArgs,
    ServiceSpecArgs,
    SleepActionArgs,
    TopologySpreadConstraintArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs
from pulumi_kubernetes.policy.v1 import PodDisruptionBudgetSpecArgs

from infra import database, names, network
from infra.platform import Traits
from infra.pods import SERVICE_UID, Resources, SecretFiles, container, pod_spec, secret_mount, secret_volume
from infra.rollout import AutoScale, FixedScale
from infra.workload import Workload

COMPONENT = "web"
CONTAINER_PORT = 8000
SERVICE_PORT = 80

LONGEST_REQUEST_SECONDS = 30
_MEMORY = 128
_AWAIT_MARGIN_SECONDS = 15


@dataclass(frozen=True, kw_only=True)
class TrackArgs:
    """`starts_with` is the number of pods that an autoscaled track is created with."""

    workload: Workload
    scale: FixedScale | AutoScale
    starts_with: pulumi.Input[int] | None
    tag: str
    traits: Traits


class Track(pulumi.ComponentResource):
    """Owns what serves one version: Deployment, Service, configuration, disruption budget, autoscaler.

    It does not own the way that requests take to it (`route.py`), nor its database.
    """

    service_name: pulumi.Output[str]

    def __init__(self, name: str, args: TrackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:service:Track", name, None, opts)
        track, namespace = args.workload.track, args.workload.namespace
        child = pulumi.ResourceOptions(parent=self)
        metadata = ObjectMetaArgs(name=track, namespace=namespace, labels=names.labels(track, COMPONENT))
        pods = LabelSelectorArgs(match_labels=names.selector(track, COMPONENT))

        configuration = {
            f"INSSA_{key}": value for key, value in service_environment(args.workload, args.traits).items()
        }
        config_map = k8s.core.v1.ConfigMap(
            name,
            metadata=ObjectMetaArgs(
                name=names.content_name(track, configuration), namespace=namespace, labels=metadata.labels
            ),
            immutable=True,
            data=configuration,
            opts=child,
        )
        k8s.networking.v1.NetworkPolicy(
            name,
            metadata=metadata,
            spec=network.policy(
                pods,
                ingress=[network.Connection(port=CONTAINER_PORT, peers=args.traits.visitors)],
                egress=[network.Connection(port=database.PORT, peers=args.traits.database_peers)],
            ),
            opts=child,
        )
        autoscaled = isinstance(args.scale, AutoScale)
        self.deployment = k8s.apps.v1.Deployment(
            name,
            metadata=ObjectMetaArgs(
                name=track,
                namespace=namespace,
                labels={
                    **names.labels(track, COMPONENT, version=str(args.workload.version)),
                    **_tagged(args.tag),
                },
                annotations={
                    "pulumi.com/timeoutSeconds": str(args.traits.progress_deadline_seconds + _AWAIT_MARGIN_SECONDS)
                },
            ),
            spec=deployment_spec(args, config_map.metadata.name),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["spec.replicas"] if autoscaled else None),
        )
        service = k8s.core.v1.Service(
            name,
            metadata=ObjectMetaArgs(
                name=track,
                namespace=namespace,
                labels=metadata.labels,
                # The Deployment's readiness and the verification say more than its endpoints, and sooner.
                annotations={"pulumi.com/skipAwait": "true"},
            ),
            spec=ServiceSpecArgs(
                selector=names.selector(track, COMPONENT),
                ports=[ServicePortArgs(name="http", port=SERVICE_PORT, target_port="http")],
            ),
            opts=child,
        )
        k8s.policy.v1.PodDisruptionBudget(
            name,
            metadata=metadata,
            spec=PodDisruptionBudgetSpecArgs(max_unavailable=1, selector=pods),
            opts=child,
        )
        if isinstance(args.scale, AutoScale):
            k8s.autoscaling.v2.HorizontalPodAutoscaler(
                name, metadata=metadata, spec=autoscaler_spec(track, args.scale), opts=child
            )
        self.service_name = service.metadata.name
        self.register_outputs({"service_name": self.service_name})


def service_environment(workload: Workload, traits: Traits) -> dict[str, str]:
    """Settings of a serving pod, without their prefix: those of every command, and how connections end."""
    return {
        **workload.environment(),
        "DRAIN_SECONDS": str(traits.drain_seconds),
        "KEEP_ALIVE_SECONDS": str(traits.keep_alive_seconds),
        "FORWARDED_HOPS": str(traits.forwarded_hops),
    }


def deployment_spec(args: TrackArgs, config_map: pulumi.Input[str]) -> DeploymentSpecArgs:
    """Pods that start one by one beside the old ones, and end without failing a request."""
    workload, traits = args.workload, args.traits
    labels = names.labels(workload.track, COMPONENT, version=str(workload.version))
    ready, alive = (HTTPGetActionArgs(path=path, port="http") for path in ("/readyz", "/healthz"))
    web = container(
        name="web",
        image=workload.image,
        resources=Resources(cpu=traits.web_cpu, memory=_MEMORY),
        args=["serve"],
        mounts=[secret_mount("secrets")],
    )
    web.env_from = [EnvFromSourceArgs(config_map_ref=ConfigMapEnvSourceArgs(name=config_map))]
    web.ports = [ContainerPortArgs(name="http", container_port=CONTAINER_PORT)]
    web.startup_probe = ProbeArgs(http_get=ready, period_seconds=1, failure_threshold=90, timeout_seconds=2)
    # Not /readyz: while the database restarts, every pod would leave the gateway at once.
    web.readiness_probe = ProbeArgs(http_get=alive, period_seconds=2, failure_threshold=3, timeout_seconds=2)
    web.liveness_probe = ProbeArgs(http_get=alive, period_seconds=10, failure_threshold=6, timeout_seconds=5)
    web.lifecycle = LifecycleArgs(
        pre_stop=LifecycleHandlerArgs(sleep=SleepActionArgs(seconds=traits.forget_endpoint_seconds))
    )
    pod = pod_spec(
        uid=SERVICE_UID,
        containers=[web],
        volumes=[
            secret_volume("secrets", SecretFiles(secret=workload.credentials, keys=("app_password", "session_key")))
        ],
    )
    pod.termination_grace_period_seconds = (
        traits.forget_endpoint_seconds + traits.drain_seconds + LONGEST_REQUEST_SECONDS
    )
    pod.topology_spread_constraints = [
        TopologySpreadConstraintArgs(
            max_skew=1,
            topology_key=key,
            when_unsatisfiable="ScheduleAnyway",
            label_selector=LabelSelectorArgs(match_labels=names.selector(workload.track, COMPONENT)),
        )
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
    return DeploymentSpecArgs(
        replicas=args.scale.replicas if isinstance(args.scale, FixedScale) else args.starts_with or args.scale.min,
        revision_history_limit=2,
        progress_deadline_seconds=traits.progress_deadline_seconds,
        selector=LabelSelectorArgs(match_labels=names.selector(workload.track, COMPONENT)),
        strategy=DeploymentStrategyArgs(
            type="RollingUpdate",
            rolling_update=RollingUpdateDeploymentArgs(max_unavailable=0, max_surge="25%"),
        ),
        template=PodTemplateSpecArgs(
            metadata=ObjectMetaArgs(labels={**labels, **_tagged(args.tag)}),
            spec=pod,
        ),
    )


def autoscaler_spec(track: str, scale: AutoScale) -> HorizontalPodAutoscalerSpecArgs:
    """Grow on CPU use at once, shrink after five calm minutes, or never while the track is a way back."""
    return HorizontalPodAutoscalerSpecArgs(
        scale_target_ref=CrossVersionObjectReferenceArgs(api_version="apps/v1", kind="Deployment", name=track),
        min_replicas=scale.min,
        max_replicas=scale.max,
        metrics=[
            MetricSpecArgs(
                type="Resource",
                resource=ResourceMetricSourceArgs(
                    name="cpu", target=MetricTargetArgs(type="Utilization", average_utilization=scale.cpu)
                ),
            )
        ],
        behavior=HorizontalPodAutoscalerBehaviorArgs(
            scale_down=HPAScalingRulesArgs(
                stabilization_window_seconds=300, select_policy="Disabled" if scale.only_grows else "Max"
            )
        ),
    )


def _tagged(tag: str) -> dict[str, str]:
    return {"inssa.dev/tag": tag} if tag else {}
