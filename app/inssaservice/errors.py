"""The errors a person meets at the command line: one clear line and an exit code."""


class Failure(Exception):  # noqa: N818 - the word a person reads
    """A step could not be done. Its text is the whole message: one line, no traceback."""

    exit_code = 1


class SettingsError(Failure):
    """A setting is missing or unusable. The text names it, says what was found and how to mend it."""

    exit_code = 2


class Refused(Failure):
    """The step is possible but would break what still serves, so it was not started."""

    exit_code = 3
