"""Bringing the cluster up, as far as it is not up yet, and taking it down without a trace."""

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from local import certificates, cgroups, commands, components, images, leftovers, manifests, network, probes
from local.components import API_PORT, Component
from local.environment import variables
from local.errors import PlatformError
from local.images import Image
from local.progress import Reporter
from local.services import Supervisor, write_if_changed
from local.settings import NODE_ADDRESS, NODE_NAME, Settings
from local.tasks import Task, run
from local.toolchain import Toolchain, link

MARKER = ".inssa-platform"
"""A file that tells our folder from one that a person named by mistake."""

POD_GRACE = 10
"""Seconds that the containers of all pods get to end when the platform stops."""

READY_SECONDS = 90
"""How long the node and the Gateway may take once their services run."""

_STOP_ORDER = (
    ("kubelet", "controller-manager", "scheduler", "volume-provisioner", "metrics-server", "contour"),
    ("envoy", "kube-proxy", "coredns", "apiserver", "dockerd"),
    ("etcd", "containerd", "registry"),
)
"""Services that stop together. Pods end after the first group: nothing starts them again then."""


_STOP_SECONDS = {"apiserver": components.API_STOP_SECONDS}
"""Services that get less time to end than the others."""


def supervisor(settings: Settings) -> Supervisor:
    """Return the keeper of this platform's services."""
    return Supervisor(settings.run, settings.logs)


def prepare(settings: Settings) -> None:
    """Make the platform's folder and what programs expect in it.

    Raises:
        PlatformError: the folder holds something else already.

    """
    home = settings.home
    if home.exists() and not (home / MARKER).exists() and any(home.iterdir()):
        raise PlatformError(f"{home} is not empty and not a platform's folder: set INSSA_HOME to another one")
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    (home / MARKER).touch()
    for name in ("pulumi", "volumes", "logs", "run"):
        (home / name).mkdir(exist_ok=True)
    if not (home / "passphrase").exists():
        write_if_changed(home / "passphrase", secrets.token_urlsafe(32))


def start(toolchain: Toolchain, reporter: Reporter, *, own_docker: bool) -> bool:
    """Bring up what does not run yet; tell whether anything had to be started.

    Raises:
        PlatformError: a service did not come up. What runs is left running, and another start goes
            on from there.

    """
    settings = toolchain.settings
    _choose_docker(settings, toolchain, own_docker=own_docker)
    keeper = supervisor(settings)
    parts = components.all_of(settings, toolchain.program, own_docker=own_docker)
    started: list[str] = []

    def start_one(component: Component) -> None:
        service = component.service
        if keeper.up_to_date(service):
            keeper.start(service)
            return
        with reporter.step(f"start {service.name}"):
            keeper.start(service)
        started.append(service.name)

    def task(component: Component) -> Task:
        return Task(component.service.name, partial(start_one, component), component.after)

    first = {"etcd", "registry", "containerd", "dockerd", "apiserver"}
    builders = ("registry", "dockerd") if own_docker else ("registry",)
    run(
        [
            Task("certificates", lambda: _identities(settings)),
            Task("cgroups", cgroups.ensure),
            Task("network", lambda: network.ensure(settings)),
            *(task(part) for part in parts if part.service.name in first),
            *(Task(image.name, partial(_publish, toolchain, image, reporter), builders) for image in images.IMAGES),
            Task("objects", lambda: _apply(toolchain, reporter), ("apiserver",)),
            *(task(part) for part in parts if part.service.name not in first),
            Task("node", lambda: _await_node(settings), ("kubelet",)),
            Task("gateway", lambda: _await_gateway(settings), ("contour", "envoy")),
        ]
    )
    return bool(started)


def stop(settings: Settings, reporter: Reporter, pod_stopper: str | None) -> bool:
    """Stop everything and take it out of the kernel; the data stays. Tell whether anything ran.

    Args:
        settings: folders and ports.
        reporter: where progress goes.
        pod_stopper: path of the program that ends pods in peace; None when it was never compiled.

    """
    keeper = supervisor(settings)
    ran = [name for group in _STOP_ORDER for name in group if keeper.find(name)]
    pods_run = keeper.find("containerd") is not None and pod_stopper is not None
    for number, group in enumerate(_STOP_ORDER):
        with reporter.step(f"stop {', '.join(group)}"), ThreadPoolExecutor(len(group)) as pool:
            list(pool.map(lambda name: keeper.stop(name, _STOP_SECONDS.get(name, 20)), group))
        if number == 0 and pods_run:
            endpoint = f"unix://{settings.containerd_socket}"
            with reporter.step("stop pods"), contextlib.suppress(commands.CommandError):
                commands.run(
                    [str(pod_stopper), f"--endpoint={endpoint}", f"--grace={POD_GRACE}s"], seconds=POD_GRACE + 60
                )
    leftovers.end_pods(settings.containerd_socket)
    leftovers.unmount_below(settings.home)
    leftovers.remove_log_links(settings.home / "pod-logs")
    cgroups.remove()
    if network.present():
        # What has no name of ours belongs to us only if our network is here: no two kubelets fit one machine.
        leftovers.remove_device_socket()
        network.remove(settings)
    shutil.rmtree(settings.run, ignore_errors=True)
    return bool(ran)


def delete(settings: Settings) -> None:
    """Delete all data of a stopped platform. The build cache stays.

    Raises:
        PlatformError: the folder is not a platform's.

    """
    if not settings.home.exists():
        return
    if not (settings.home / MARKER).exists():
        raise PlatformError(f"{settings.home} is not a platform's folder: nothing was deleted")
    shutil.rmtree(settings.home)


def _identities(settings: Settings) -> None:
    certificates.ensure(settings.pki)
    write_if_changed(settings.kubeconfig, certificates.kubeconfig(settings.pki, "admin"))


def _choose_docker(settings: Settings, toolchain: Toolchain, *, own_docker: bool) -> None:
    if own_docker:
        debian = shutil.which("docker", path="/usr/bin")
        link(settings.bin / "docker", Path(debian or toolchain.program("docker")))
    else:
        (settings.bin / "docker").unlink(missing_ok=True)


def _publish(toolchain: Toolchain, image: Image, reporter: Reporter) -> None:
    settings = toolchain.settings
    if images.published(settings, image):
        return
    environment = variables(settings, os.environ)
    docker = shutil.which("docker", path=environment["PATH"]) or "docker"
    images.make(settings, image, reporter)
    with reporter.step(f"publish base image {image.name}"):
        images.publish(settings, image, docker, environment)


def _apply(toolchain: Toolchain, reporter: Reporter) -> None:
    """Bring the platform's objects to what they should be; only differences cost anything."""
    settings = toolchain.settings
    authority = base64.b64encode((settings.pki / "cluster.crt").read_bytes()).decode()
    objects = [*manifests.all_of(settings), manifests.metrics_api(authority)]
    listing = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    kubectl = [toolchain.program("kubectl"), f"--kubeconfig={settings.kubeconfig}"]
    kubectl += [f"--cache-dir={settings.home / 'kubectl-cache'}"]
    apply = [*kubectl, "apply", "--server-side", "--force-conflicts", "--field-manager=inssa-platform"]
    record = settings.home / "definitions.applied"
    wanted = toolchain.crds.parent.name
    if not record.exists() or record.read_text() != wanted:
        with reporter.step("define the Gateway's objects"):
            namespace = json.dumps(manifests.gateway_namespace())
            commands.run([*apply, "--filename=-", f"--filename={toolchain.crds}"], seconds=120, stdin=namespace)
            established = ["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"]
            commands.run([*kubectl, *established], seconds=90)
        write_if_changed(record, wanted)
    commands.run([*apply, "--filename=-"], seconds=60, stdin=listing)


def _await_node(settings: Settings) -> None:
    """Wait for the node to report itself ready, by a report of the kubelet that runs now."""
    found = supervisor(settings).find("kubelet")
    since = found[0].started if found else 0.0

    def ready() -> bool:
        node = probes.api_object(NODE_ADDRESS, API_PORT, f"/api/v1/nodes/{NODE_NAME}", settings.pki)
        for condition in node.get("status", {}).get("conditions", []):
            if condition["type"] == "Ready" and condition["status"] == "True":
                beat = datetime.datetime.fromisoformat(condition["lastHeartbeatTime"])
                return beat.timestamp() >= since - 1
        return False

    _await("the node", ready, settings, "kubelet")


def _await_gateway(settings: Settings) -> None:
    path = (
        f"/apis/gateway.networking.k8s.io/v1/namespaces/{manifests.GATEWAY_NAMESPACE}/gateways/{manifests.GATEWAY_NAME}"
    )

    def programmed() -> bool:
        gateway = probes.api_object(NODE_ADDRESS, API_PORT, path, settings.pki)
        return any(
            condition["type"] == "Programmed"
            and condition["status"] == "True"
            and condition.get("observedGeneration") == gateway["metadata"]["generation"]
            for condition in gateway.get("status", {}).get("conditions", [])
        )

    _await("the Gateway", programmed, settings, "contour")


def _await(what: str, ready: Callable[[], bool], settings: Settings, service: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        commands.check_interrupted()
        with contextlib.suppress(OSError):
            if ready():
                return
        if time.monotonic() > deadline:
            log = supervisor(settings).log(service)
            raise PlatformError(f"{what} is not ready after {READY_SECONDS} s: its log is {log}")
        time.sleep(0.1)
