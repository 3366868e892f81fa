"""Which platform a stack's configuration names."""

from __future__ import annotations

from infra.platform import InClusterPlatform, Platform
from infra.settings import Settings


def platform_of(settings: Settings) -> Platform:
    """The platform below the stack, with all that it needs declared."""
    if settings.gke is None:
        return InClusterPlatform(settings)
    # pulumi_gcp takes most of a second to import, and a local preview takes two.
    from infra.gke.platform import GkePlatform

    return GkePlatform(settings, settings.gke)
