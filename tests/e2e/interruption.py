"""End a `pulumi up` at a chosen step, as a crash or a person would."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.stack import Stack


@dataclass(frozen=True)
class Moment:
    """A line of `pulumi up`'s progress: the operation begins (`creating`) or has ended (`created`)."""

    kind: str
    name: str
    operation: str

    def __str__(self) -> str:
        return f"{self.operation} {self.kind}/{self.name}"


def moments(printed: str) -> list[Moment]:
    """All moments of an update that ran to its end, in order."""
    return [moment for line in printed.splitlines() if (moment := _moment(line))]


def up_until(stack: Stack, wanted: Moment, how: signal.Signals) -> bool:
    """Run an update and send it a signal at a moment; True if that moment came.

    With SIGKILL, what the engine had started stays behind, as after a crash; it
    is ended here once the engine is gone, by the ids that were its descendants'.
    """
    process = stack.start("up", "--yes", "--skip-preview", "--stack", stack.name)
    reached = False
    assert process.stdout
    for line in process.stdout:
        if not reached and _moment(line) == wanted:
            reached = True
            left = _descendants(process.pid) if how is signal.SIGKILL else []
            os.kill(process.pid, how)
            for pid in left:
                _end(pid)
    process.wait(timeout=600)
    return reached


def converge(stack: Stack) -> str:
    """What a person does after a crash: remove the lock that was left, and update again."""
    stack.pulumi("cancel", "--yes", "--stack", stack.name, check=False)
    return stack.up()


def orphans(stack: Stack) -> set[str]:
    """Objects of ours in the cluster that the state does not know."""
    known = {r["id"] for r in stack.resources() if r["type"].startswith("kubernetes:") and "id" in r}
    kinds = "configmaps,secrets,services,deployments,statefulsets,jobs,httproutes,hpa,pdb,networkpolicies"
    found = stack.objects(kinds, "app.kubernetes.io/part-of=inssa")
    return {
        f"{o['kind']} {o['metadata']['name']}"
        for o in found
        if not o["metadata"].get("ownerReferences") and f"{stack.namespace}/{o['metadata']['name']}" not in known
    }


def _moment(line: str) -> Moment | None:
    words = line.replace("*", " ").split()
    for index, word in enumerate(words):
        if word.startswith("kubernetes:") and len(words) > index + 2:
            return Moment(kind=word.rpartition(":")[2], name=words[index + 1], operation=words[index + 2])
    return None


def _descendants(pid: int) -> list[int]:
    children = subprocess.run(
        ["pgrep", "--parent", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    return [d for child in children for d in (int(child), *_descendants(int(child)))]


def _end(pid: int) -> None:
    if Path(f"/proc/{pid}").exists():
        os.kill(pid, signal.SIGKILL)
