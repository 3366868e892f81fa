"""What the engine's failures mean: its text in, the project's own errors out."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from delivery.errors import DeliveryError, InterruptedByPersonError, RefusedError, UsageError
from delivery.plan import Plan

_LOCK = re.compile(r"created by (?P<who>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<when>\S+)")
_LOCKED = "the stack is currently locked by"
_CONFLICT = "[409] Conflict"
NO_STACK = re.compile(r"no stack named '?(?P<name>[^' ]+)'? found")
_PASSPHRASE = re.compile(r"incorrect passphrase|passphrase must be set")
_PROGRAM = "an unhandled error occurred: program exited with non-zero exit code"
_TAIL_LINES = 20


class LockedError(RefusedError):
    """Another update holds the stack, or a killed one left its lock."""


class ProgramRefusedError(RefusedError):
    """The program itself said no before anything changed: a stale checkout, or a wrong configuration."""


class UpdateFailedError(DeliveryError):
    """A step failed. `plan` holds the steps that had begun."""

    def __init__(self, message: str, plan: Plan) -> None:
        super().__init__(message)
        self.plan = plan


class UpdateInterruptedError(InterruptedByPersonError):
    """A signal stopped the engine between two steps. `plan` holds the steps that had begun."""

    def __init__(self, message: str, plan: Plan) -> None:
        super().__init__(message)
        self.plan = plan


def of_command(stack: str, printed: str, plan: Plan, *, interrupted: bool = False) -> DeliveryError:
    """The error that a failed engine run is. `printed` is all that it wrote, `plan` what its events told."""
    if _LOCKED in printed or _CONFLICT in printed:
        return LockedError(_locked(stack, printed))
    if interrupted:
        return UpdateInterruptedError(
            f"stack {stack!r}: interrupted; the steps that were under way are done. Run the command again to go on",
            plan,
        )
    if NO_STACK.search(printed):
        return UsageError(f"stack {stack!r}: does not exist yet; create and deploy it: make up STACK={stack}")
    if _PASSPHRASE.search(printed):
        return UsageError(
            f'stack {stack!r}: the passphrase does not open its secrets; use this machine\'s: eval "$(inssa env)"'
        )
    if _PROGRAM in printed and not plan.steps and plan.errors:
        return ProgramRefusedError("\n".join(plan.errors))
    reasons = "\n".join(plan.errors) or _tail(printed)
    return UpdateFailedError(f"stack {stack!r}: the update failed\n{reasons}", plan)


def _locked(stack: str, printed: str) -> str:
    unlock = f"pulumi cancel --yes --stack {stack}"
    lock = _LOCK.search(printed)
    if lock is None:
        return f"stack {stack!r}: another update is under way; wait until it has ended"
    who = f"{lock['who']}@{lock['host']}, process {lock['pid']}, since {lock['when']}"
    if lock["host"] == socket.gethostname() and not Path(f"/proc/{lock['pid']}").exists():
        return f"stack {stack!r}: an update that was killed left its lock ({who}); remove it: {unlock}"
    return f"stack {stack!r}: another update is under way ({who}); wait for it. Only if it is dead: {unlock}"


def _tail(printed: str) -> str:
    lines = [line for line in printed.splitlines() if line.strip()]
    return "\n".join(lines[-_TAIL_LINES:])
