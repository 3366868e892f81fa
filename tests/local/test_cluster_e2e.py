"""The real platform: what it survives, what it refuses and what it leaves behind.

These tests stop, kill and restart the platform of this machine. Whatever else uses it meanwhile is disturbed.
"""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import local
from local import cgroups, processes, settings
from local.settings import BRIDGE, NODE_ADDRESS, Settings

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

NAMESPACE = "platform-test"
HOST = "platform-test.localhost"

RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
POD_SECURITY = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "fsGroup": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def command(*words: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", *words], capture_output=True, text=True, timeout=seconds, check=False
    )


def succeed(*words: str) -> str:
    done = command(*words)
    assert done.returncode == 0, done.stderr
    return done.stderr + done.stdout


def kubectl(*words: str, stdin: object = None, code: int = 0) -> str:
    done = subprocess.run(
        ["kubectl", *words],
        input=None if stdin is None else json.dumps(stdin),
        env={**os.environ, **local.environment()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def until(what: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = what()
        except (OSError, AssertionError):
            found = None
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)


def services() -> dict[str, int | None]:
    done = command("status", "--json")
    return {service["name"]: service["pid"] for service in json.loads(done.stdout)["services"]}


def fetch(url: str) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": HOST}), timeout=5) as answer:
        return str(answer.read().decode().strip())


def app() -> list[dict[str, Any]]:
    """A web server under the strictest pod security, with a volume, a Service and a route."""
    labels = {"app": "web"}
    serve = "[ -e /data/text ] || echo first > /data/text; cp /data/text /www/index.html; exec httpd -f -p 8000 -h /www"
    container = {
        "name": "web",
        "image": f"{settings.read().registry}/busybox:1.35",
        "command": ["sh", "-c", serve],
        "securityContext": RESTRICTED,
        "readinessProbe": {"httpGet": {"path": "/", "port": 8000}, "periodSeconds": 1},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "www", "mountPath": "/www"}],
    }
    pod = {
        "terminationGracePeriodSeconds": 1,
        "securityContext": POD_SECURITY,
        "containers": [container],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "www", "emptyDir": {}},
        ],
    }
    meta = {"name": "web", "namespace": NAMESPACE}
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {**meta, "name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta,
            "spec": {
                "selector": {"matchLabels": labels},
                "strategy": {"type": "Recreate"},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8000}]},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": meta,
            "spec": {
                "parentRefs": [{"name": "local", "namespace": "projectcontour"}],
                "hostnames": [HOST],
                "rules": [{"backendRefs": [{"name": "web", "port": 80}]}],
            },
        },
    ]


@pytest.fixture(scope="module")
def platform() -> Settings:
    succeed("up")
    return settings.read()


@pytest.fixture(scope="module")
def web(platform: Settings) -> Iterator[str]:
    """The app, deployed; the address of the Gateway."""
    kubectl("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": app()})
    kubectl("-n", NAMESPACE, "rollout", "status", "deployment/web", "--timeout=90s")
    yield f"http://localhost:{platform.gateway_port}/"
    succeed("up")
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")


def test_a_second_up_starts_nothing_and_is_quick(platform: Settings) -> None:
    before, began = services(), time.monotonic()
    assert "already up" in succeed("up")
    assert time.monotonic() - began < 5
    assert services() == before
    assert platform.home.stat().st_mode & 0o077 == 0


def test_traffic_comes_in_from_the_machine_and_from_pods(platform: Settings, web: str) -> None:
    assert until(lambda: fetch(web)) == "first"
    inside = f"timeout 5 wget -qO- --header 'Host: {HOST}' http://{NODE_ADDRESS}:{platform.gateway_port}/"
    assert kubectl("-n", NAMESPACE, "exec", "deployment/web", "--", "sh", "-c", inside).strip() == "first"


def test_pods_find_each_other_by_name_and_nothing_outside(web: str) -> None:
    execute = ("-n", NAMESPACE, "exec", "deployment/web", "--", "sh", "-c")
    assert kubectl(*execute, f"timeout 5 wget -qO- http://web.{NAMESPACE}.svc.cluster.local/").strip() == "first"
    assert "default" not in kubectl(*execute, "ip route")
    assert "unreachable" in kubectl(*execute, "timeout 5 wget -qO- http://192.0.2.1/", code=1)
    assert web


def test_only_loopback_and_the_bridge_are_listened_on(platform: Settings) -> None:
    ours = {pid for pid in services().values() if pid}
    listing = subprocess.run(["ss", "-H", "-l", "-t", "-u", "-n", "-p"], capture_output=True, text=True, check=True)
    found = set()
    for line in listing.stdout.splitlines():
        if ours & {int(pid) for pid in re.findall(r"pid=(\d+)", line)}:
            found.add(line.split()[4].rpartition(":")[0])
    assert found == {"127.0.0.1", NODE_ADDRESS}
    assert platform


def test_the_api_answers_certificates_only(platform: Settings) -> None:
    context = ssl.create_default_context(cafile=str(platform.pki / "cluster.crt"))
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"https://{NODE_ADDRESS}:6443/version", timeout=5, context=context)
    assert refused.value.code == 401


def test_pod_security_refuses_a_privileged_pod(web: str) -> None:
    container = {"name": "x", "image": "x", "securityContext": {"privileged": True}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "privileged", "namespace": NAMESPACE},
        "spec": {"containers": [container]},
    }
    assert 'violates PodSecurity "restricted' in kubectl("apply", "-f", "-", stdin=pod, code=1)
    assert web


def test_metrics_of_pods_are_served(web: str) -> None:
    until(lambda: "web-" in kubectl("-n", NAMESPACE, "top", "pods"), 90)
    assert web


@pytest.mark.parametrize("name", ["etcd", "containerd", "kubelet", "envoy", "contour", "kube-proxy", "apiserver"])
def test_up_repairs_a_killed_service_and_touches_no_other(platform: Settings, web: str, name: str) -> None:
    before = services()
    pid = before[name]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert command("status").returncode == 1
    succeed("up")
    after = services()
    assert after.pop(name) not in (None, before.pop(name))
    assert after == before
    assert until(lambda: fetch(web)) == "first"
    assert platform


def test_data_survives_a_stop_and_a_deleted_claim_leaves_none(platform: Settings, web: str) -> None:
    write = "echo second > /data/text"
    kubectl("-n", NAMESPACE, "exec", "deployment/web", "--", "sh", "-c", write)
    (volume,) = platform.volumes.glob("*/text")
    succeed("stop")
    succeed("start")
    assert until(lambda: fetch(web) == "second")
    kubectl("-n", NAMESPACE, "delete", "deployment/web", "pvc/data", "--wait=false")
    until(lambda: not volume.parent.exists())
    kubectl("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": app()})
    assert until(lambda: fetch(web) == "first")


def kernel_state() -> dict[str, object]:
    """Everything of the kernel that the platform touches, as far as it is ours."""

    def lines(*words: str) -> list[str]:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()

    home = str(settings.read().home)
    rules = [line for tool in ("iptables-save", "ip6tables-save") for line in lines(tool)]
    commands = {pid: processes.command_line(pid) for pid in processes.pids()}
    return {
        "devices": [line for line in lines("ip", "-o", "link") if BRIDGE in line],
        "rules": [line for line in rules if re.search(r"KUBE|CNI-|INSSA|10\.88\.", line)],
        "mounts": [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if home in line],
        "processes": [text for pid, text in commands.items() if home in text and pid != os.getpid()],
        "cgroups": list(cgroups.ROOT.glob(f"**/{cgroups.NAME}")),
        "logs": [link for link in Path("/var/log/containers").glob("*") if home in str(link.readlink())],
        "forward": Path("/proc/sys/net/ipv4/ip_forward").read_text(),
    }


def test_stop_leaves_nothing_behind(web: str) -> None:
    succeed("stop")
    before = kernel_state()
    succeed("start")
    until(lambda: fetch(web))
    during = kernel_state()
    assert all(during[name] for name in ("devices", "rules", "mounts", "processes", "cgroups", "logs"))
    succeed("stop")
    assert kernel_state() == before
    assert not any(before[name] for name in ("devices", "rules", "mounts", "processes", "cgroups", "logs"))
    assert "nothing ran" in succeed("stop")
    succeed("start")


def test_an_interrupted_start_is_continued_by_the_next(web: str) -> None:
    succeed("stop")
    start = subprocess.Popen([sys.executable, "-m", "local", "start"], stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)
    start.send_signal(signal.SIGINT)
    _, words = start.communicate(timeout=60)
    assert start.returncode == 130, words
    assert "goes on from here" in words
    succeed("start")
    assert until(lambda: fetch(web))


def test_a_crash_of_everything_is_recovered_from(platform: Settings, web: str) -> None:
    """Like a power cut, except that mounts, devices and rules stay as well."""
    for pid in services().values():
        if pid:
            os.kill(pid, signal.SIGKILL)
    for pid in processes.pids():
        if "containerd-shim" in processes.command_line(pid) and str(
            platform.containerd_socket
        ) in processes.command_line(pid):
            os.kill(pid, signal.SIGKILL)
    succeed("up")
    assert until(lambda: fetch(web), 120)


def test_a_taken_port_stops_the_start_and_names_who_has_it(platform: Settings, web: str) -> None:
    succeed("stop")
    with socket.create_server(("127.0.0.1", platform.registry_port)):
        done = command("start")
        assert done.returncode == 3
        assert (
            f"registry needs port {platform.registry_port} on 127.0.0.1, which process {os.getpid()} (" in done.stderr
        )
        assert services()["etcd"] is not None
    succeed("start")
    assert until(lambda: fetch(web))
