"""The environment in which `pulumi`, `kubectl` and `docker` work on the local platform."""

from __future__ import annotations

import os

import local


def environment() -> dict[str, str]:
    """The variables of this process, with those of the platform on top."""
    return {**os.environ, **local.environment()}
