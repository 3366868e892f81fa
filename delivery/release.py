"""The public stack: release, watch, go back, try out on some members, grow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from delivery import candidates, decisions, observation, smoke, state
from delivery.build import REPOSITORY
from delivery.change import Change, Decide, Judge, Situation, carry_out
from delivery.cluster import Cluster, connected
from delivery.console import Console
from delivery.environment import environment
from delivery.errors import RefusedError, UsageError
from delivery.registry import Repository
from delivery.reports import ChangeReport
from delivery.stackfile import StackFile
from infra.version import Version

_LOOK_SECONDS = 2.0


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
        image = require_image(found.file, version)
        roles = found.file.roles
        if roles.public and not found.deployed:
            return {"live": str(version), "standby": None, "canary": None, **images(found.file, [version], image)}
        values = decisions.deploy(found.file.config, roles, version, audience)
        kept = [version, *(roles.versions if audience else ())]
        return {**values, **images(found.file, kept, image)}

    return _carry_out(f"deploy {version}", decide, how, console, judge=smoke.problem)


def release(version: Version, stage: str, how: How, console: Console) -> ChangeReport:
    """The version that stage has run becomes live, all at once, and goes again if members fare worse with it."""
    watch = Watch(how, console)

    def decide(found: Situation) -> Mapping[str, Any]:
        roles = found.file.roles
        values = decisions.release(roles, version)
        image = promoted(found.file, version, stage, console)
        watch.begin(found)
        return {**values, **images(found.file, [version, *roles.versions], image)}

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
        image = require_image(found.file, version)
        return {**values, **images(found.file, [version, *roles.versions], image)}

    return _carry_out(f"canary {version} with {weight} %", decide, how, console, judge=smoke.problem)


def promote_canary(how: How, console: Console) -> ChangeReport:
    """The canary's version becomes live for everybody, and is watched as a release is."""
    watch = Watch(how, console)

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


def repository(file: StackFile) -> Repository:
    """Where a stack's images are."""
    local = f"localhost:{environment()['INSSA_REGISTRY_PORT']}/{REPOSITORY}"
    return Repository.parse(str(file.config.get("repository") or local))


def require_image(file: StackFile, version: Version) -> str:
    """The digest of a version. Raises UsageError if it was never built."""
    known = (file.config.get("images") or {}).get(str(version))
    found = known or repository(file).digest(str(version))
    if not found:
        reference = repository(file).reference(str(version))
        raise UsageError(f"{version}: {reference} does not exist; build it: inssa build {version} --push")
    return str(found)


def promoted(file: StackFile, version: Version, stage: str, console: Console) -> str:
    """The digest of a final version, which is that of a candidate that stage has run; tagged here if it is not yet.

    Raises RefusedError if stage has run no such candidate.
    """
    where = repository(file)
    tags = where.tags()
    approved = [one for one in candidates.candidates(tags, version) if one in state.ran(stage)]
    digests = {where.digest(str(one)): one for one in approved}
    found = where.digest(str(version))
    if found is None and approved:
        console.say(f"{version} is {approved[0]}, which {stage} has run: one more tag on its image")
        found = where.digest(str(approved[0]))
        if found:
            where.add_tag(found, str(version))
    if found is None or found not in digests:
        ran = ", ".join(map(str, approved)) or "none"
        what = f"{found} is no image that {stage} has run" if found else f"{stage} has run no candidate of it"
        raise RefusedError(
            f"{version}: {what} (candidates that ran: {ran}). Deploy one there: inssa deploy {stage} {version}-rcN"
        )
    return found


def images(file: StackFile, declared: list[Version], newest: str) -> dict[str, Any]:
    """The images that a shared stack names in its file; on the local platform its registry knows them."""
    if not file.shared:
        return {}
    known = file.config.get("images") or {}
    wanted = {str(version): known[str(version)] for version in declared if str(version) in known}
    return {"images": {**wanted, str(declared[0]): newest}}


class Watch:
    """Compares what members get from a new version with what they got from the one before."""

    def __init__(self, how: How, console: Console) -> None:
        self._how = how
        self._console = console
        self._config: Mapping[str, Any] = {}
        self._old: state.Track | None = None
        self._before: observation.Pods = {}

    def begin(self, found: Situation) -> None:
        """Read the counters of the version that serves now."""
        self._config, self._old = found.file.config, found.state.live
        if self._old and self._how.watch_seconds:
            with connected(self._config) as cluster:
                self._before = observation.read(cluster, self._old.namespace, self._old.name)

    def judge(self, now: state.State) -> str | None:
        """Watch the version that serves now; why it is worse than the one before, or None."""
        if problem := smoke.problem(now):
            return problem
        new, old, seconds = now.live, self._old, self._how.watch_seconds
        if not seconds or new is None or old is None:
            return None
        if new.version == old.version:
            # Run again after an interruption: the version before is the standby now.
            old = next((track for track in now.tracks if track.version == now.roles.standby), None)
            self._before = {}
            if old is None:
                return None
        with connected(self._config) as cluster:
            return self._compare(cluster, old, new, now, seconds)

    def _compare(
        self, cluster: Cluster, old: state.Track, new: state.Track, now: state.State, seconds: float
    ) -> str | None:
        before = observation.between(self._before, observation.read(cluster, old.namespace, old.name))
        start = observation.read(cluster, new.namespace, new.name)
        began = time.monotonic()
        counts = observation.Counts()
        self._console.say(f"watching {new.version} for {seconds:g} s")
        while True:
            time.sleep(min(_LOOK_SECONDS, seconds))
            counts = observation.between(start, observation.read(cluster, new.namespace, new.name))
            problem = smoke.problem(now, patience=0) or observation.verdict(before, counts, self._how.limits)
            if problem:
                return problem
            if time.monotonic() - began >= seconds:
                break
        self._console.say(
            f"{new.version}: {counts.requests} answers, {counts.error_rate:.2%} failed, 99 % within "
            f"{counts.percentile(99) * 1000:g} ms; {old.version}: {before.requests} answers, {before.error_rate:.2%} "
            f"failed, 99 % within {before.percentile(99) * 1000:g} ms"
        )
        return None
