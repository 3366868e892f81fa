"""The project's own load generator, which `inssa rehearse` uses too: open-loop, no retries, every answer kept."""

from delivery.load import Answer, Load, Profile, Summary, run

__all__ = ["Answer", "Load", "Profile", "Summary", "run"]
