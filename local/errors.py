"""The two ways in which the local platform fails, and their exit codes."""


class PlatformError(Exception):
    """A step failed. The message says what was found and how to go on; exit code 4."""

    exit_code = 4


class UnfitMachineError(PlatformError):
    """The machine lacks something that only its owner can give; exit code 3."""

    exit_code = 3
