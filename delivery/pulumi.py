"""The Pulumi CLI, as far as plain commands go."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from delivery.environment import environment
from delivery.errors import DeliveryError
from delivery.project import ROOT


def stack_outputs(stack: str) -> dict[str, Any]:
    """Outputs of a stack, secrets shown as [secret]. Raises DeliveryError if the stack was never deployed."""
    result = subprocess.run(
        ["pulumi", "stack", "output", "--json", "--stack", stack],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        reason = result.stderr.strip().splitlines()[-1] if result.stderr.strip() else f"exit code {result.returncode}"
        raise DeliveryError(
            f"stack {stack!r}: pulumi has no outputs of it ({reason}); deploy it: make up STACK={stack}"
        )
    outputs: dict[str, Any] = json.loads(result.stdout)
    return outputs
