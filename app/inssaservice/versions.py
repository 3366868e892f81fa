"""Release versions such as `v2.0.0-rc1`, and the order between them."""

from __future__ import annotations

import re
from typing import NamedTuple

_VERSION = re.compile(r"v(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:[-+][0-9A-Za-z.+-]{1,64})?")


class Version(NamedTuple):
    """The numbers of a version.

    The suffix is left out on purpose: `v2.0.0-rc1` holds the code of 2.0.0, so everything a schema promises
    to 2.0.0 it promises to the candidate.
    """

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}.{self.patch}"


def parse(text: str) -> Version:
    """Parse `vMAJOR.MINOR.PATCH` with an optional suffix; ValueError for anything else."""
    match = _VERSION.fullmatch(text)
    if match is None:
        raise ValueError(f"not a version: {text!r}")
    return Version(int(match[1]), int(match[2]), int(match[3]))
