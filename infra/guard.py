"""Refusals that come before anything changes: stale checkouts, and a schema that would leave a version behind."""

from __future__ import annotations

from infra.deployed import Deployed
from infra.errors import InssaError
from infra.settings import Settings
from infra.version import Version

_GET_IT = "get what is deployed: pulumi config refresh"


def refuse(settings: Settings, deployed: Deployed) -> None:
    """Raise InssaError if the configuration is older than what is deployed, or would leave a track behind.

    Two signs are read. `inssa:generation` is counted up by every `inssa` command
    that changes a stack, so a lower one is an old checkout. And a move back to an
    older version must keep the version that serves as its standby: a config that
    has never heard of it is an old one too, whoever edited it.
    """
    if settings.generation < deployed.generation:
        raise InssaError(
            f"inssa:generation: found {settings.generation}, but generation {deployed.generation} is deployed "
            f"({deployed}). This checkout is old; {_GET_IT}"
        )
    if settings.contract:
        _refuse_early_contraction(settings.contract, deployed)
    if settings.live is None or deployed.live is None:
        return
    serving = deployed.versions[deployed.live]
    declared = {settings.live, settings.standby, settings.canary and settings.canary.version}
    if settings.live < serving and serving not in declared:
        raise InssaError(
            f"inssa:live: found {settings.live}, but {serving} serves now (deployed: {deployed}). "
            f"If this checkout is old, {_GET_IT}. "
            f"If you mean to go back, keep the way forward: pulumi config set inssa:standby {serving}"
        )


def _refuse_early_contraction(oldest: Version, deployed: Deployed) -> None:
    # The engine deletes last, so in the update that retires a track the contraction would run beside it.
    if older := sorted(version for version in deployed.versions.values() if version < oldest):
        raise InssaError(
            f"inssa:contract: found {oldest}, but {older[0]} still has a track (deployed: {deployed}). "
            "Retire it first: pulumi config rm inssa:contract && pulumi config rm inssa:standby && pulumi up"
        )
