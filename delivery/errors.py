"""Errors of the `inssa` command, and what its exit codes mean."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a caller may rely on; 0 is success, 2 is also what a wrong option gives."""

    FAILED = 1
    USAGE = 2
    REFUSED = 3


class DeliveryError(Exception):
    """Names what was asked, what was found, and the fix."""

    exit_code = ExitCode.FAILED


class UsageError(DeliveryError):
    """The command cannot be carried out as it was given."""

    exit_code = ExitCode.USAGE
