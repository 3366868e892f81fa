"""The project's own load generator: open-loop, no retries, every answer kept."""

from delivery.load.client import Answer
from delivery.load.generator import Load, Profile, run
from delivery.load.summary import Summary

__all__ = ["Answer", "Load", "Profile", "Summary", "run"]
