"""Run the whole program against recording mocks, fresh for each call."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import yaml

ROOT = Path(__file__).parents[2]
DIGEST = "sha256:" + "0123456789abcdef" * 4


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

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Inputs of all resources of a Kubernetes kind, by object name."""
        return {r.object_name: r.inputs for r in self.resources if r.kind == kind and "metadata" in r.inputs}

    @property
    def manifests(self) -> list[dict[str, Any]]:
        """All Kubernetes objects, as `kubectl apply` would take them."""
        return [r.inputs for r in self.resources if r.type.startswith("kubernetes:") and "metadata" in r.inputs]


class _Mocks(pulumi.runtime.Mocks):
    def __init__(self, deployed: Mapping[str, Any], live_replicas: int) -> None:
        self.program = Program()
        self._deployed = deployed
        self._live_replicas = live_replicas

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.resource_id:
            self.program.reads.append(args.resource_id)
            return args.resource_id, {"spec": {"replicas": self._live_replicas}}
        inputs = dict(args.inputs)
        if args.typ.startswith("kubernetes:") and "metadata" in inputs:
            group_version, kind = args.typ.removeprefix("kubernetes:").rsplit(":", 1)
            inputs = {"apiVersion": group_version.removeprefix("core/"), "kind": kind, **inputs}
        self.program.resources.append(Recorded(args.typ, args.name, inputs))
        return args.name, inputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        assert args.token == "pulumi:pulumi:readStackResourceOutputs"
        return {"outputs": self._deployed}, []


def committed_config(stack: str) -> dict[str, Any]:
    """The configuration of a stack as it is committed, with the keys' namespace removed."""
    document = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
    return {key.removeprefix("inssa:"): value for key, value in document["config"].items()}


def run(
    stack: str,
    config: Mapping[str, Any],
    *,
    kubeconfig: Path,
    deployed: Mapping[str, Any] | None = None,
    live_replicas: int = 0,
) -> Program:
    """Run the program of `stack` with `config` (keys without namespace) and return what it registered.

    Image digests are filled in, as no registry is asked here.
    """
    versions = {str(config.get("version", "")), str(config.get("live", "")), str(config.get("standby", ""))}
    versions |= {str((config.get("canary") or {}).get("version", ""))}
    versions |= {str(audience.get("version", "")) for audience in config.get("audiences", {}).values()}
    complete = {
        "images": dict.fromkeys(sorted(versions - {""}), DIGEST),
        "database": {"image": f"localhost:5000/postgres@{DIGEST}"},
        "kubeconfig": str(kubeconfig),
        **config,
    }
    mocks = _Mocks(deployed or {}, live_replicas)
    pulumi.runtime.set_mocks(mocks, project="inssa", stack=stack)
    pulumi.runtime.set_all_config({f"inssa:{key}": _encoded(value) for key, value in complete.items()})

    def run_program() -> pulumi.Output[None]:
        with _exports() as exported:
            runpy.run_path(str(ROOT / "infra"), run_name="__main__")
        return pulumi.Output.from_input(exported).apply(mocks.program.outputs.update)

    pulumi.runtime.test(run_program)()  # type: ignore[no-untyped-call]
    return mocks.program


@contextmanager
def _exports() -> Iterator[dict[str, Any]]:
    exported: dict[str, Any] = {}
    original = pulumi.export
    pulumi.export = exported.__setitem__  # type: ignore[assignment]
    try:
        yield exported
    finally:
        pulumi.export = original


def _encoded(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
