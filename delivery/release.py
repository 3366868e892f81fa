"""The public stack: release, watch, go back, try out on some members, grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from delivery import decisions, images, observation, smoke
from delivery.change import Change, Decide, Judge, Situation, carry_out
from delivery.console import Console
from delivery.reports import ChangeReport
from delivery.watch import Watch
from infra.version import Version


@dataclass(frozen=True, kw_only=True)
class How:
    """How a change is carried out: `yes` asks nobody, `watch_seconds` is how long a release is watched."""

    stack: str
    yes: bool = False
    skip_preview: bool = False
    commit_to: str | None = None
    watch_seconds: float = 60
    limits: observation.Limits = field(default_factory=observation.Limits)


def deploy(version: Version, audience: str | None, how: How, console: Console) -> ChangeReport:
    """A version for the audiences of a stack; for a public stack only its first one."""

    def decide(found: Situation) -> Mapping[str, Any]:
        image = images.required(found.file, version)
        roles = found.file.roles
        if roles.public and not found.deployed:
            return {
                "live": str(version),
                "standby": None,
                "canary": None,
                **images.values(found.file, [version], image),
            }
        values = decisions.deploy(found.file.config, roles, version, audience)
        kept = [version, *(roles.versions if audience else ())]
        return {**values, **images.values(found.file, kept, image)}

    return _carry_out(f"deploy {version}", decide, how, console, judge=smoke.problem)


def release(version: Version, stage: str, how: How, console: Console) -> ChangeReport:
    """The version that stage has run becomes live, all at once, and goes again if members fare worse with it."""
    watch = Watch(how.watch_seconds, how.limits, console.say)

    def decide(found: Situation) -> Mapping[str, Any]:
        roles = found.file.roles
        values = decisions.release(roles, version)
        image = images.promoted(found.file, version, stage, console.say)
        watch.begin(found)
        return {**values, **images.values(found.file, [version, *roles.versions], image)}

    return _carry_out(f"release {version}", decide, how, console, judge=watch.judge)


def rollback(how: How, console: Console) -> ChangeReport:
    """Traffic goes back to the standby, or a release that never got any is called off."""

    def decide(found: Situation) -> Mapping[str, Any]:
        return decisions.rollback(found.file.roles, found.state.roles if found.deployed else found.file.roles)

    return _carry_out("roll back", decide, how, console, judge=smoke.problem, mends=True)


def start_canary(version: Version, weight: int, replicas: int, how: How, console: Console) -> ChangeReport:
    """Some members get another version."""

    def decide(found: Situation) -> Mapping[str, Any]:
        roles = found.file.roles
        values = decisions.start_canary(roles, version, weight, replicas)
        image = images.required(found.file, version)
        return {**values, **images.values(found.file, [version, *roles.versions], image)}

    return _carry_out(f"canary {version} with {weight} %", decide, how, console, judge=smoke.problem)


def promote_canary(how: How, console: Console) -> ChangeReport:
    """The canary's version becomes live for everybody, and is watched as a release is."""
    watch = Watch(how.watch_seconds, how.limits, console.say)

    def decide(found: Situation) -> Mapping[str, Any]:
        roles = found.file.roles
        values = decisions.release(roles, decisions.promote_canary(roles))
        watch.begin(found)
        return values

    return _carry_out("promote the canary", decide, how, console, judge=watch.judge)


def abort_canary(how: How, console: Console) -> ChangeReport:
    """Every member gets the live version again."""
    return _carry_out("end the canary", lambda found: decisions.abort_canary(found.file.roles), how, console)


def scale(smallest: int | None, largest: int | None, how: How, console: Console) -> ChangeReport:
    """Other bounds of the autoscaler."""
    title = f"scale to {smallest or 'the same'} to {largest or 'the same'} pods"
    return _carry_out(
        title, lambda found: decisions.scale(found.file.config, found.file.roles, smallest, largest), how, console
    )


def _carry_out(
    title: str, decide: Decide, how: How, console: Console, judge: Judge | None = None, mends: bool = False
) -> ChangeReport:
    change = Change(
        stack=how.stack,
        title=title,
        decide=decide,
        judge=judge,
        mends=mends,
        yes=how.yes,
        skip_preview=how.skip_preview,
        commit_to=how.commit_to,
    )
    return carry_out(change, console)
