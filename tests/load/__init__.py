"""The project's own load generator: open-loop, no retries, every answer kept."""

from tests.load.client import Answer
from tests.load.generator import Load, Profile, run
from tests.load.summary import Summary

__all__ = ["Answer", "Load", "Profile", "Summary", "run"]
