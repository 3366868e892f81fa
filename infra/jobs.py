"""One-shot work inside the graph: what depends on a Job starts when the Job has succeeded."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes.batch.v1 import JobSpecArgs
from pulumi_kubernetes.core.v1 import PodSpecArgs, PodTemplateSpecArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra import names

_AWAIT_MARGIN_SECONDS = 30


def run_once(
    resource_name: str,
    *,
    name: str,
    namespace: pulumi.Input[str],
    instance: str,
    component: str,
    deadline_seconds: int,
    pod: PodSpecArgs,
    opts: pulumi.ResourceOptions,
) -> k8s.batch.v1.Job:
    """A Job that is tried once; the next update replaces it if it failed.

    It is named for what it does and for which version, because a Job's template
    is immutable, and it is never cleaned up by a timer: a refresh would find it
    gone and run it again.
    """
    pod.restart_policy = "Never"
    labels = names.labels(instance, component)
    return k8s.batch.v1.Job(
        resource_name,
        metadata=ObjectMetaArgs(
            name=name,
            namespace=namespace,
            labels=labels,
            annotations={
                "pulumi.com/replaceUnready": "true",
                "pulumi.com/timeoutSeconds": str(deadline_seconds + _AWAIT_MARGIN_SECONDS),
            },
        ),
        spec=JobSpecArgs(
            backoff_limit=0,
            active_deadline_seconds=deadline_seconds,
            template=PodTemplateSpecArgs(metadata=ObjectMetaArgs(labels=labels), spec=pod),
        ),
        opts=opts,
    )
