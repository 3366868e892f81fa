"""A request that cannot be done, for a reason that the member is told."""

from __future__ import annotations


class Problem(Exception):  # noqa: N818
    """Ends a request: `status` is the HTTP status and `key` the text that explains it."""

    def __init__(self, status: int, key: str) -> None:
        super().__init__(key)
        self.status = status
        self.key = key
