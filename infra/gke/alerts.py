"""Alerts that reach a person while there is still something to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp
from pulumi_gcp.monitoring import AlertPolicyAlertStrategyArgs, AlertPolicyConditionArgs, AlertPolicyDocumentationArgs
from pulumi_gcp.monitoring import AlertPolicyConditionConditionPrometheusQueryLanguageArgs as PromQlArgs

_NEAR_MAXIMUM = 0.9
_ERROR_RATE = 0.01
_SLOW_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What all pods serve at the autoscaler's aim, in CPU seconds per second."""

    pods: int
    cpu: int
    percent: int

    @property
    def cores(self) -> float:
        """The CPU that is in use when no further pod would come."""
        return self.pods * self.cpu * self.percent / 100_000


@dataclass(frozen=True, kw_only=True)
class AlertsArgs:
    """`capacity` is None in a stack whose number of pods is fixed."""

    stack: str
    namespace: str
    emails: Sequence[str]
    capacity: Capacity | None


class Alerts(pulumi.ComponentResource):
    """Owns the channel to the people on duty and the policies that use it."""

    def __init__(self, name: str, args: AlertsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:gke:Alerts", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        channels = [
            gcp.monitoring.NotificationChannel(
                f"{name}-{email.partition('@')[0]}",
                type="email",
                display_name=f"InssaService {args.stack}: {email}",
                labels={"email_address": email},
                opts=child,
            ).id
            for email in args.emails
        ]
        for alert in alerts(args):
            gcp.monitoring.AlertPolicy(
                f"{name}-{alert.name}",
                display_name=f"InssaService {args.stack}: {alert.title}",
                combiner="OR",
                severity=alert.severity,
                conditions=[
                    AlertPolicyConditionArgs(
                        display_name=alert.title,
                        condition_prometheus_query_language=PromQlArgs(
                            query=alert.query, duration=f"{alert.minutes * 60}s", evaluation_interval="60s"
                        ),
                    )
                ],
                documentation=AlertPolicyDocumentationArgs(content=alert.advice, mime_type="text/markdown"),
                alert_strategy=AlertPolicyAlertStrategyArgs(auto_close="3600s"),
                notification_channels=channels,
                user_labels={"stack": args.stack},
                opts=child,
            )
        self.register_outputs({})


@dataclass(frozen=True, kw_only=True)
class Alert:
    """`query` is PromQL and true when it yields anything for `minutes` on end; `advice` says what to do."""

    name: str
    title: str
    severity: str
    query: str
    minutes: int
    advice: str


def alerts(args: AlertsArgs) -> list[Alert]:
    """All alerts of a stack."""
    found = [
        Alert(
            name="errors",
            title=f"more than {_ERROR_RATE:.0%} of the answers are errors",
            severity="CRITICAL",
            query=_error_share(),
            minutes=3,
            advice=(
                "See which version answers so: `inssa status "
                f"{args.stack}`. If it came with the last release, go back: `inssa rollback --stack {args.stack}`."
            ),
        ),
        Alert(
            name="latency",
            title=f"one answer in a hundred takes longer than {_SLOW_SECONDS:g} s",
            severity="WARNING",
            query=_slow_share(),
            minutes=5,
            advice=(
                "Look at the database first (Cloud SQL, query insights), then at the pods' CPU. "
                f"If it came with the last release, go back: `inssa rollback --stack {args.stack}`."
            ),
        ),
    ]
    if args.capacity:
        found.append(_near_maximum(args, args.capacity))
    return found


def _near_maximum(args: AlertsArgs, capacity: Capacity) -> Alert:
    more = capacity.pods + 10
    return Alert(
        name="near-maximum",
        title=f"traffic is at {_NEAR_MAXIMUM:.0%} of what the largest number of pods serves",
        severity="WARNING",
        query=(
            "sum(rate(kubernetes_io:container_cpu_core_usage_time{"
            f'monitored_resource="k8s_container",namespace_name="{args.namespace}",container_name="web"'
            f"}}[5m])) > {_NEAR_MAXIMUM * capacity.cores:g}"
        ),
        minutes=5,
        advice=(
            f"The autoscaler may not go beyond {capacity.pods} pods. Raise the maximum by ten:\n\n"
            f"    inssa scale {args.stack} --max {more}\n\n"
            "or, with Pulumi alone:\n\n"
            f"    pulumi config set --stack {args.stack} --path inssa:scale.max {more}\n"
            f"    pulumi up --stack {args.stack}\n"
        ),
    )


def _error_share() -> str:
    count = "loadbalancing_googleapis_com:https_request_count"
    resource = 'monitored_resource="https_lb_rule"'
    return (
        f'sum(rate({count}{{{resource},response_code_class="500"}}[5m])) / sum(rate({count}{{{resource}}}[5m]))'
        f" > {_ERROR_RATE:g}"
    )


def _slow_share() -> str:
    # The metric is in milliseconds.
    buckets = 'loadbalancing_googleapis_com:https_total_latencies_bucket{monitored_resource="https_lb_rule"}'
    return f"histogram_quantile(0.99, sum by (le) (rate({buckets}[5m]))) > {_SLOW_SECONDS * 1000:g}"
