"""Run the whole program against recording mocks, fresh for each call."""

from __future__ import annotations

import gc
import json
import os
import runpy
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
import yaml
from pulumi.output import Unknown
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.rpc import UNKNOWN

from tests.stack import google
from tests.urns import short

ROOT = Path(__file__).parents[2]
DIGEST = "sha256:" + "0123456789abcdef" * 4
TOKEN = "ghp_planted-token"

Answer = Callable[[str, str, str], Any]
"""What Google adds to a resource: kind, logical name and attribute, to value."""


@dataclass(frozen=True)
class Recorded:
    """One resource as the engine would see it, inputs in Kubernetes' own spelling."""

    type: str
    name: str
    inputs: dict[str, Any]

    @property
    def kind(self) -> str:
        return self.type.rpartition(":")[2]

    @property
    def object_name(self) -> str:
        return str(self.inputs["metadata"]["name"])


@dataclass
class Program:
    """What one run of the program registered and exported."""

    resources: list[Recorded] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    protected: list[tuple[str, str]] = field(default_factory=list)
    urns: dict[tuple[str, str], str] = field(default_factory=dict)
    """By type and name: what the engine knows a resource by from one update to the next."""
    waits_for: dict[str, set[str]] = field(default_factory=dict)
    """What an object is applied after, itself or because its component is; both as `Kind/name`."""

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Inputs of all resources of a Kubernetes kind, by object name."""
        return {r.object_name: r.inputs for r in self.resources if r.kind == kind and "metadata" in r.inputs}

    @property
    def manifests(self) -> list[dict[str, Any]]:
        """All Kubernetes objects, as `kubectl apply` would take them."""
        return [r.inputs for r in self.resources if r.type.startswith("kubernetes:") and "metadata" in r.inputs]


class _Monitor(MockMonitor):
    """The mocked engine, which also notes names and what may not be deleted."""

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the engine's own name
        program: Program = self.mocks.program  # type: ignore[attr-defined]
        if request.protect:
            program.protected.append((request.type, request.name))
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        program.urns[request.type, request.name] = answer.urn
        inherited = program.waits_for.get(short(request.parent), set()) if request.parent else set()
        program.waits_for[short(answer.urn)] = inherited | {short(urn) for urn in request.dependencies}
        return answer


class _Mocks(pulumi.runtime.Mocks):
    def __init__(self, deployed: Mapping[str, Any], live_replicas: int, answer: Answer | None, preview: bool) -> None:
        self.program = Program()
        self._answer = answer
        self._preview = preview
        self._deployed = deployed
        self._live_replicas = live_replicas

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.resource_id:
            self.program.reads.append(args.resource_id)
            return args.resource_id, {"spec": {"replicas": self._live_replicas}}
        inputs = _with_integers(args.inputs)
        if args.typ.startswith("kubernetes:") and "metadata" in inputs:
            group_version, kind = args.typ.removeprefix("kubernetes:").rsplit(":", 1)
            inputs = {"apiVersion": group_version.removeprefix("core/"), "kind": kind, **inputs}
        self.program.resources.append(Recorded(args.typ, args.name, inputs))
        return self._outputs(args, inputs)

    def _outputs(
        self, args: pulumi.runtime.MockResourceArgs, inputs: dict[str, Any]
    ) -> tuple[str | None, dict[str, Any]]:
        if args.typ.startswith("pulumi:providers:"):
            # The engine knows no id of a provider whose own configuration is unknown.
            return (None if _has_unknown(inputs) else args.name), inputs
        if args.typ.startswith("docker:"):
            digest = UNKNOWN if self._preview else f"{inputs['imageName'].partition(':')[0]}@{DIGEST}"
            return args.name, {**inputs, "repoDigest": digest}
        if not args.typ.startswith("gcp:"):
            return args.name, inputs
        if self._preview:
            return None, google.outputs(args.typ, args.name, inputs, lambda *_: UNKNOWN, names=False)
        answer = self._answer or google.plausible
        found = google.outputs(args.typ, args.name, inputs, answer, names=self._answer is not None)
        return answer(args.typ, args.name, "id"), found

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        assert args.token == "pulumi:pulumi:readStackResourceOutputs"
        return {"outputs": self._deployed}, []


def _with_integers(value: Any) -> Any:
    """The engine's protocol knows one kind of number; manifests and Terraform know two."""
    if isinstance(value, dict):
        return {key: _with_integers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_integers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _has_unknown(inputs: dict[str, Any]) -> bool:
    return UNKNOWN in json.dumps(inputs, default=lambda unknown: UNKNOWN if isinstance(unknown, Unknown) else None)


def committed_config(stack: str, target: str = "local") -> dict[str, Any]:
    """The configuration of a stack as it is committed, with the keys' namespace removed.

    That of `gke` is an example, to which the one secret is added.
    """
    folder = ROOT if target == "local" else ROOT / "examples" / target
    document = yaml.safe_load((folder / f"Pulumi.{stack}.yaml").read_text())
    config = {key.removeprefix("inssa:"): value for key, value in document["config"].items()}
    if "jenkins" in config:
        config["jenkins"]["github"]["token"] = TOKEN
    return config


def run(
    stack: str,
    config: Mapping[str, Any],
    *,
    kubeconfig: Path,
    deployed: Mapping[str, Any] | None = None,
    live_replicas: int = 0,
    answer: Answer | None = None,
    preview: bool = False,
) -> Program:
    """Run the program of `stack` with `config` (keys without namespace) and return what it registered.

    Image digests are filled in, as no registry is asked here. A `preview` is the
    first one: what only Google could say is unknown.
    """
    versions = {str(config.get("version", "")), str(config.get("live", "")), str(config.get("standby", ""))}
    versions |= {str((config.get("canary") or {}).get("version", ""))}
    versions |= {str(audience.get("version", "")) for audience in config.get("audiences", {}).values()}
    complete = dict(config)
    if config.get("target") != "gke":
        complete = {
            "images": dict.fromkeys(sorted(versions - {""}), DIGEST),
            "database": {"image": f"localhost:5000/postgres@{DIGEST}"},
            "kubeconfig": str(kubeconfig),
            **config,
        }
    mocks = _Mocks(deployed or {}, live_replicas, answer, preview)
    pulumi.runtime.set_mocks(mocks, project="inssa", stack=stack, preview=preview, monitor=_Monitor(mocks))
    pulumi.runtime.set_all_config({f"inssa:{key}": _encoded(value) for key, value in complete.items()})

    def run_program() -> pulumi.Output[None]:
        with _exports() as exported, _signed_in_to_google(), _shared_process():
            runpy.run_path(str(ROOT / "infra"), run_name="__main__")
        return pulumi.Output.from_input(exported).apply(mocks.program.outputs.update)

    pulumi.runtime.test(run_program)()  # type: ignore[no-untyped-call]
    return mocks.program


@contextmanager
def reachable_kubeconfig(folder: Path) -> Iterator[Path]:
    """A cluster that can be connected to, and no more."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        document = {
            "contexts": [{"name": "inssa-local", "context": {"cluster": "local"}}],
            "current-context": "inssa-local",
            "clusters": [{"name": "local", "cluster": {"server": f"https://127.0.0.1:{server.getsockname()[1]}"}}],
        }
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(document))
        yield path


@contextmanager
def _exports() -> Iterator[dict[str, Any]]:
    exported: dict[str, Any] = {}
    original = pulumi.export
    pulumi.export = exported.__setitem__  # type: ignore[assignment]
    try:
        yield exported
    finally:
        pulumi.export = original


@contextmanager
def _shared_process() -> Iterator[None]:
    """The program turns off the collection of garbage, as its process ends with it; this one goes on."""
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()


@contextmanager
def _signed_in_to_google() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        plugin = Path(folder) / "gke-gcloud-auth-plugin"
        plugin.touch(mode=0o755)
        path = os.pathsep.join([folder, os.environ.get("PATH", "")])
        with mock.patch.dict(os.environ, {"GOOGLE_OAUTH_ACCESS_TOKEN": "mocked", "PATH": path}):
            yield


def _encoded(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
