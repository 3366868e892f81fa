"""Write what the judges look at: `python -m tests.judges.render [FOLDER]`, by default `build`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from pulumi.runtime import rpc

from tests.judges import terraform
from tests.stack import harness

STACKS = ("dev", "stage", "real")
_PLACEHOLDER = "cGxhY2Vob2xkZXI="
"""Stands for every secret: a rendered manifest bears none."""


def render(folder: Path) -> list[Path]:
    """Write `gke-STACK.tf.json`, and `manifests-STACK.yaml` of each stack for `local` and for `gke`."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with tempfile.TemporaryDirectory() as temporary, harness.reachable_kubeconfig(Path(temporary)) as kubeconfig:
        for stack in STACKS:
            local = harness.run(stack, harness.committed_config(stack), kubeconfig=kubeconfig)
            gke_config = harness.committed_config(stack, "gke")
            gke = harness.run(stack, gke_config, kubeconfig=kubeconfig)
            referring = harness.run(stack, gke_config, kubeconfig=kubeconfig, answer=terraform.reference)
            for path, text in (
                (folder / f"manifests-{stack}.yaml", manifests(local)),
                (folder / f"manifests-{stack}-gke.yaml", manifests(gke)),
                (
                    folder / f"gke-{stack}.tf.json",
                    json.dumps(terraform.document(referring.resources, referring.protected), indent=2) + "\n",
                ),
            ):
                path.write_text(text)
                written.append(path)
    return written


def manifests(program: harness.Program) -> str:
    """All Kubernetes objects of a stack, one document each."""
    return yaml.safe_dump_all([_without_secrets(found) for found in program.manifests], sort_keys=False)


def _without_secrets(manifest: dict[str, Any]) -> dict[str, Any]:
    return {key: _placeholders(value) if _is_secret(value) else value for key, value in manifest.items()}


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and rpc._special_sig_key in value


def _placeholders(secret: dict[str, Any]) -> Any:
    value = secret["value"]
    return dict.fromkeys(value, _PLACEHOLDER) if isinstance(value, dict) else _PLACEHOLDER


if __name__ == "__main__":
    for path in render(Path(sys.argv[1] if len(sys.argv) > 1 else "build")):
        print(path)
