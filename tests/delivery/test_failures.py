"""The engine's own words, as they were printed by pulumi 3.215, and the errors they become."""

from __future__ import annotations

import os
import socket

import pytest

from delivery.errors import DeliveryError, ExitCode
from delivery.failures import of_command
from delivery.plan import Operation, Plan, Step

LOCK = """error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end
  file:///state/.pulumi/locks/organization/inssa/real/1.json: created by root@{host} (pid {pid}) at 2026-11-24T08:43:05Z
"""
REFUSED = "an unhandled error occurred: program exited with non-zero exit code: 1"
BEGAN = Plan(steps=(Step(operation=Operation.CREATE, urn="u", kind="Job", name="verify"),), errors=("Job/verify: no",))


def failed(printed: str, plan: Plan | None = None, *, interrupted: bool = False) -> DeliveryError:
    return of_command("real", printed, plan or Plan(), interrupted=interrupted)


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (failed(LOCK.format(host="elsewhere", pid=7)), ExitCode.REFUSED, "another update is under way (root@elsewhere"),
        (failed(LOCK.format(host=socket.gethostname(), pid=os.getpid())), ExitCode.REFUSED, "wait for it"),
        (
            failed(LOCK.format(host=socket.gethostname(), pid=2**22 + 1)),
            ExitCode.REFUSED,
            "remove it: pulumi cancel --yes --stack real",
        ),
        (failed("error: no stack named 'real' found"), ExitCode.USAGE, "make up STACK=real"),
        (failed("error: incorrect passphrase"), ExitCode.USAGE, "passphrase does not open"),
        (failed(REFUSED, Plan(errors=("inssa:live: found v1",))), ExitCode.REFUSED, "inssa:live: found v1"),
        (failed(REFUSED, BEGAN), ExitCode.FAILED, "Job/verify: no"),
        (failed("error: update canceled", BEGAN, interrupted=True), ExitCode.INTERRUPTED, "Run the command again"),
        (failed("line\n\nerror: boom"), ExitCode.FAILED, "line\nerror: boom"),
    ],
    ids=["elsewhere", "alive", "dead", "no-stack", "passphrase", "refused", "step", "interrupted", "unknown"],
)
def test_a_failure_has_its_code_and_its_fix(error: DeliveryError, code: ExitCode, says: str) -> None:
    assert error.exit_code == code
    assert says in str(error)
