"""Which image a stack runs as a version: always one digest, and for the public one that stage has run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from delivery import candidates, state
from delivery.build import REPOSITORY
from delivery.environment import environment
from delivery.errors import RefusedError, UsageError
from delivery.registry import Repository
from delivery.stackfile import StackFile
from infra.version import Version


def repository(file: StackFile) -> Repository:
    """Where a stack's images are."""
    local = f"localhost:{environment()['INSSA_REGISTRY_PORT']}/{REPOSITORY}"
    return Repository.parse(str(file.config.get("repository") or local))


def required(file: StackFile, version: Version) -> str:
    """The digest of a version. Raises UsageError if it was never built."""
    known = (file.config.get("images") or {}).get(str(version))
    found = known or repository(file).digest(str(version))
    if not found:
        reference = repository(file).reference(str(version))
        raise UsageError(f"{version}: {reference} does not exist; build it: inssa build {version} --push")
    return str(found)


def promoted(file: StackFile, version: Version, stage: str, say: Callable[[str], None]) -> str:
    """The digest of a final version, which is that of a candidate that stage has run; tagged here if it is not yet.

    Raises RefusedError if stage has run no such candidate.
    """
    where = repository(file)
    tags = where.tags()
    approved = [one for one in candidates.candidates(tags, version) if one in state.ran(stage)]
    digests = {where.digest(str(one)): one for one in approved}
    found = where.digest(str(version))
    if found is None and approved:
        say(f"{version} is {approved[0]}, which {stage} has run: one more tag on its image")
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


def values(file: StackFile, declared: Sequence[Version], newest: str) -> dict[str, Any]:
    """The images that a shared stack names in its file; on the local platform its registry knows them."""
    if not file.shared:
        return {}
    known = file.config.get("images") or {}
    wanted = {str(version): known[str(version)] for version in declared if str(version) in known}
    return {"images": {**wanted, str(declared[0]): newest}}
