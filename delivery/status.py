"""What each stack runs now: what its state says, what the cluster has, and what its addresses answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Literal

from delivery import state
from delivery.answers import get
from delivery.cluster import Cluster, connected
from delivery.errors import DeliveryError
from delivery.project import stack_config
from delivery.reports import ScaleReport, StackStatus, TrackStatus
from delivery.roles import Scale
from delivery.state import State, Track

PUBLIC = "public"
Role = Literal["audience", "live", "standby", "canary", "left over"]
_DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
_AUTOSCALERS = "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers"
_ROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes"
_OURS = "app.kubernetes.io/part-of=inssa"


def statuses(stacks: Sequence[str]) -> list[StackStatus]:
    """Each stack, all of them asked at once."""
    configs = {stack: stack_config(stack) for stack in stacks}
    with ThreadPoolExecutor() as pool, ExitStack() as opened:
        reading = {stack: pool.submit(state.read, stack) for stack in stacks}
        clusters: dict[str, Cluster | DeliveryError] = {}
        for key, config in {_cluster_key(config): config for config in configs.values()}.items():
            try:
                clusters[key] = opened.enter_context(connected(config))
            except DeliveryError as error:
                clusters[key] = error
        found = [
            pool.submit(_status, reading[stack].result(), clusters[_cluster_key(configs[stack])], configs[stack])
            for stack in stacks
        ]
        return [one.result() for one in found]


def _cluster_key(config: Mapping[str, Any]) -> str:
    return f"{config.get('target', 'local')} {config.get('kubeconfig', '')} {config.get('context', '')}"


def _status(found: State, cluster: Cluster | DeliveryError, config: Mapping[str, Any]) -> StackStatus:
    problems = [f"an interrupted update left {one}; the next one repairs it" for one in found.pending]
    if int(config.get("generation", 0)) < found.generation:
        problems.append(f"this checkout is old: generation {found.generation} is deployed; git pull")
    live: Mapping[str, Mapping[str, Any]] = {}
    drift: list[str] = []
    if isinstance(cluster, DeliveryError):
        problems.append(str(cluster))
    elif found.tracks:
        try:
            live, drift = _observed(found, cluster)
        except DeliveryError as error:
            problems.append(str(error))
    with ThreadPoolExecutor(max_workers=8) as pool:
        asked = dict(zip(found.addresses, pool.map(_answers, found.addresses.values()), strict=True))
    return StackStatus(
        stack=found.stack,
        deployed=bool(found.tracks),
        generation=found.generation,
        updated=found.updated,
        url=found.addresses.get(PUBLIC),
        tracks=[_track(track, found, live.get(track.name, {}), asked) for track in found.tracks],
        drift=drift,
        problems=problems,
    )


def _track(track: Track, found: State, deployment: Mapping[str, Any], asked: Mapping[str, str]) -> TrackStatus:
    observed = deployment.get("status") or {}
    wanted = (deployment.get("spec") or {}).get("replicas", 0)
    return TrackStatus(
        name=track.name,
        role=role(track, found),
        version=str(track.version),
        weight=track.weight if found.public else None,
        ready=int(observed.get("readyReplicas") or 0),
        wanted=int(wanted),
        scale=ScaleReport(min=track.scale.min, max=track.scale.max) if track.scale else None,
        url=found.addresses.get(track.name, ""),
        answers=asked.get(track.name, "no address"),
    )


def role(track: Track, found: State) -> Role:
    """What a track is for."""
    roles = found.roles
    if not found.public:
        return "audience"
    if track.tag == "canary":
        return "canary"
    if track.version == roles.live:
        return "live"
    return "standby" if track.version == roles.standby else "left over"


def _observed(found: State, cluster: Cluster) -> tuple[Mapping[str, Mapping[str, Any]], list[str]]:
    """Deployments by name, and how what exists differs from what the last update left."""
    namespace = found.tracks[0].namespace
    deployments, scalers, routes = (
        {one["metadata"]["name"]: one for one in cluster.objects(path.format(namespace), _OURS)}
        for path in (_DEPLOYMENTS, _AUTOSCALERS, _ROUTES)
    )
    drift = []
    for track in found.tracks:
        deployment = deployments.get(track.name)
        if deployment is None:
            drift.append(f"track {track.name}: its Deployment is gone")
            continue
        image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        if image != track.image:
            drift.append(f"track {track.name}: runs {image}, was left at {track.image}")
        replicas = int(deployment["spec"]["replicas"])
        if track.scale is None and replicas != track.replicas:
            drift.append(f"track {track.name}: {replicas} pods wanted, was left at {track.replicas}")
        if track.scale is not None:
            drift += _scale_drift(track, track.scale, scalers.get(track.name))
    if found.public:
        drift += _route_drift(found, routes.get(PUBLIC))
    return deployments, drift


def _scale_drift(track: Track, left: Scale, scaler: Mapping[str, Any] | None) -> list[str]:
    if scaler is None:
        return [f"track {track.name}: its autoscaler is gone"]
    now = Scale(min=int(scaler["spec"]["minReplicas"]), max=int(scaler["spec"]["maxReplicas"]))
    if now == left:
        return []
    return [f"track {track.name}: scales from {now.min} to {now.max} pods, was left at {left.min} to {left.max}"]


def _route_drift(found: State, route: Mapping[str, Any] | None) -> list[str]:
    if route is None:
        return ["the public route is gone"]
    weights = {one["name"]: int(one["weight"]) for one in route["spec"]["rules"][-1]["backendRefs"]}
    left = {track.name: track.weight for track in found.tracks if track.name in weights or track.weight}
    return [] if weights == left else [f"the public route gives {weights}, was left at {left}"]


def _answers(url: str) -> str:
    return str(get(url, "/readyz"))
