"""Errors of the `inssa` command, and what its exit codes mean."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a caller may rely on; docs/inssa.md lists them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    ROLLED_BACK = 4
    INTERRUPTED = 130


class DeliveryError(Exception):
    """Something failed and was not rolled back. Names what was asked, what was found, and the fix."""

    exit_code = ExitCode.FAILED


class UsageError(DeliveryError):
    """The command cannot be carried out as it was given."""

    exit_code = ExitCode.USAGE


class RefusedError(DeliveryError):
    """A guard said no, and nothing was changed."""

    exit_code = ExitCode.REFUSED


class RolledBackError(DeliveryError):
    """The change failed, and what served before serves again."""

    exit_code = ExitCode.ROLLED_BACK


class InterruptedByPersonError(DeliveryError):
    """A signal ended the command; the engine stopped after the steps that were under way."""

    exit_code = ExitCode.INTERRUPTED
