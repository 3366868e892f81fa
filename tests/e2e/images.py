"""Images for the tests: released versions, and ones that are broken on purpose."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from delivery import registry
from delivery.build import REPOSITORY, build_and_push

FAULTS = Path(__file__).parent / "faults"


def build(version: str) -> str:
    """Reference of a released version, built if the registry lacks it."""
    return build_and_push(version, print).reference


def build_broken(base: str, version: str, fault: str, env: dict[str, str]) -> str:
    """Reference of `version`: the image `base` whose command `fault` does not work."""
    reference = f"{build(base).rpartition(':')[0]}:{version}"
    host = f"localhost:{env['INSSA_REGISTRY_PORT']}"
    if not registry.digest(host, REPOSITORY, version):
        arguments = ["--build-arg", f"BASE={host}/{REPOSITORY}:{base}", "--build-arg", f"FAULT={fault}"]
        for command in (["build", "--quiet", "--tag", reference, *arguments, str(FAULTS)], ["push", "-q", reference]):
            subprocess.run(["docker", *command], env={**os.environ, **env}, check=True, capture_output=True)
    return reference
