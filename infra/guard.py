"""Refusals that come before anything changes: a stale checkout cannot move traffic."""

from __future__ import annotations

from infra.deployed import Deployed
from infra.errors import InssaError
from infra.settings import Settings

_GET_IT = "get what is deployed: pulumi config refresh"


def refuse_stale(settings: Settings, deployed: Deployed) -> None:
    """Raise InssaError if the configuration is older than what is deployed.

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
