"""The project on disk: its stacks and their committed configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from delivery.errors import UsageError

ROOT = Path(__file__).parents[1]
"""The checkout that this command belongs to: its application and its program."""
_PROJECT = "Pulumi.yaml"


def project_folder() -> Path:
    """The folder whose stacks are meant: the nearest one above with a Pulumi.yaml, as for `pulumi`, or the checkout."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / _PROJECT).is_file()), ROOT)


def stacks() -> list[str]:
    """Names of the stacks that have a configuration file."""
    return sorted(path.name.split(".")[1] for path in project_folder().glob("Pulumi.*.yaml"))


def stack_file(stack: str) -> Path:
    """Where a stack's configuration is. Raises UsageError if there is none."""
    path = project_folder() / f"Pulumi.{stack}.yaml"
    if "/" in stack or not path.is_file():
        raise UsageError(f"stack {stack!r}: no file {path.name}; known stacks: {', '.join(stacks()) or 'none'}")
    return path


def stack_config(stack: str) -> dict[str, Any]:
    """Configuration of a stack, with the keys' namespace removed. Raises UsageError if there is none."""
    document = yaml.safe_load(stack_file(stack).read_text()) or {}
    return {key.removeprefix("inssa:"): value for key, value in (document.get("config") or {}).items()}


def declared_versions(config: dict[str, Any]) -> list[str]:
    """Every version that a stack's configuration names, in order of mention, each once."""
    audiences = (config.get("audiences") or {}).values()
    canary = config.get("canary") or {}
    named = [
        config.get("version") if any(not (audience or {}).get("version") for audience in audiences) else None,
        *((audience or {}).get("version") for audience in audiences),
        config.get("live"),
        config.get("standby"),
        canary.get("version"),
    ]
    return list(dict.fromkeys(str(version) for version in named if version))
