"""The one kind of error that the program raises on purpose."""

from pulumi import RunError


class InssaError(RunError):
    """Names the field or resource, what was found, and the fix; Pulumi prints it without a traceback."""
