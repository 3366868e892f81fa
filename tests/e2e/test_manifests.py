"""Every object of every stack, for both targets, put before a real API server that checks strictly."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.judges.render import STACKS, render

CRDS = Path(__file__).parent / "crds/gke.yaml"


class RefusedError(Exception):
    """What the API server objects to, or warns of."""


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    render(folder)
    return folder


@pytest.fixture(scope="module")
def namespace(platform: dict[str, str]) -> Iterator[str]:
    """A namespace where Pod Security warns as the stacks' own enforces, and the kinds that GKE has."""
    name = f"inssa-e2e-manifests-{secrets.token_hex(3)}"
    labels = {"pod-security.kubernetes.io/warn": "restricted"}
    kubectl(platform, "apply", "--filename", str(CRDS))
    kubectl(platform, "wait", "--for=condition=Established", "--timeout=30s", "--filename", str(CRDS))
    kubectl(platform, "apply", "--filename", "-", given=[_namespace(name, labels)])
    try:
        yield name
    finally:
        kubectl(platform, "delete", "namespace", name, "--wait=false")
        kubectl(platform, "delete", "--filename", str(CRDS), "--wait=false")


def kubectl(platform: dict[str, str], *arguments: str, given: list[dict[str, Any]] | None = None) -> str:
    done = subprocess.run(
        ["kubectl", *arguments],
        env=platform | {"HOME": str(Path.home())},
        input=yaml.safe_dump_all(given) if given else None,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    if done.returncode or done.stderr.strip():
        raise RefusedError(done.stderr)
    return done.stdout


def _namespace(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def moved(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The same object in `namespace`; a Namespace under a name of its own."""
    metadata = dict(manifest["metadata"])
    if manifest["kind"] == "Namespace":
        metadata["name"] = f"{namespace}-{metadata['name']}"
    else:
        metadata["namespace"] = namespace
    return {**manifest, "metadata": metadata}


def tried(platform: dict[str, str], manifests: list[dict[str, Any]]) -> list[str]:
    strictly = ("--server-side", "--dry-run=server", "--validate=strict")
    return kubectl(platform, "apply", *strictly, "--filename", "-", given=manifests).splitlines()


@pytest.mark.parametrize("target", ["local", "gke"])
@pytest.mark.parametrize("stack", STACKS)
def test_the_api_server_takes_every_object(
    platform: dict[str, str], namespace: str, rendered: Path, stack: str, target: str
) -> None:
    path = rendered / (f"manifests-{stack}.yaml" if target == "local" else f"manifests-{stack}-{target}.yaml")
    manifests = [moved(manifest, namespace) for manifest in yaml.safe_load_all(path.read_text())]
    assert len(tried(platform, manifests)) == len(manifests)


def test_an_unknown_field_would_be_refused(platform: dict[str, str], namespace: str, rendered: Path) -> None:
    """Or the test above would prove nothing."""
    manifests = list(yaml.safe_load_all((rendered / "manifests-real-gke.yaml").read_text()))
    (policy,) = [moved(found, namespace) for found in manifests if found["kind"] == "GCPBackendPolicy"]
    policy["spec"]["default"]["drainTimeoutSec"] = 60
    with pytest.raises(RefusedError, match="drainTimeoutSec"):
        tried(platform, [policy])
