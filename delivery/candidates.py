"""Which version comes next: arithmetic over the registry's tags and the project's version."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable

from delivery.errors import DeliveryError, RefusedError
from delivery.project import ROOT
from infra.version import Version

_CANDIDATE = re.compile(r"rc([1-9]\d*)")


def project_version() -> Version:
    """The version that is being worked on: `tool.inssa.version` in pyproject.toml. Raises DeliveryError."""
    path = ROOT / "pyproject.toml"
    found = tomllib.loads(path.read_text()).get("tool", {}).get("inssa", {}).get("version")
    try:
        version = Version.parse(found)
    except ValueError as error:
        raise DeliveryError(f"pyproject.toml: tool.inssa.version: {error}") from error
    if version.prerelease:
        raise DeliveryError(
            f"pyproject.toml: tool.inssa.version: found {version}, want it without {version.prerelease}"
        )
    return version


def number(version: Version) -> int | None:
    """3 for `v2.0.0-rc3`, None for what is no candidate."""
    found = _CANDIDATE.fullmatch(version.prerelease or "")
    return int(found[1]) if found else None


def candidates(tags: Iterable[str], of: Version) -> list[Version]:
    """The candidates of a version among a registry's tags, the newest first."""
    known = [version for tag in tags if (version := _parsed(tag)) and final(version) == of]
    numbered = [(count, version) for version in known if (count := number(version))]
    return [version for _, version in sorted(numbered, reverse=True)]


def candidate_after(tags: Iterable[str], of: Version) -> Version:
    """The next candidate of a version. Raises RefusedError if the version itself is out."""
    tags = list(tags)
    if str(of) in tags:
        raise RefusedError(
            f"{of} is out already; work on the next one: set tool.inssa.version in pyproject.toml, "
            f"for example to {of.bump_minor()}"
        )
    newest = next(iter(candidates(tags, of)), None)
    count = (number(newest) or 0) if newest else 0
    return Version.parse(f"{of}-rc{count + 1}")


def final(version: Version) -> Version:
    """The version without its suffix."""
    return Version(version.major, version.minor, version.patch)


def _parsed(tag: str) -> Version | None:
    try:
        return Version.parse(tag)
    except ValueError:
        return None
