"""What a release line declares to the core, and finding the line an image holds."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import inssaservice
from inssaservice.errors import SettingsError
from inssaservice.versions import Version

CORE = Path(__file__).parent
_LINE = re.compile(r"v(\d+)(?:_(\d+))?")


@dataclass(frozen=True, kw_only=True)
class Contraction:
    """The migration that ends the service of older releases.

    revision: the last revision of the contraction.
    oldest: the oldest release that the schema serves afterwards.
    """

    revision: str
    oldest: Version


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release line, as data that costs nothing to import.

    base: the line that this one builds on and whose templates, styles and migrations it keeps.
    needs: the schema revision that must be applied before a pod of this line is ready. Revisions form one
        line and are numbered (`0001`, `0002`), so an older image can tell that a newer revision, whose file
        it does not have, includes its own.
    name_column, handle_column: the columns of `member` that hold the name people see, and the handle if any.
    seeds: per seed, the line's own columns of a member that `migrate` creates.
    grants: per table, the statements that the app role may use; everything else is denied.
    """

    line: str
    base: str | None = None
    needs: str
    name_column: str
    handle_column: str | None = None
    seeds: Mapping[str, Mapping[str, str]]
    grants: Mapping[str, str]
    contraction: Contraction | None = None

    @property
    def package(self) -> str:
        """The import path of the line's sub-package."""
        return f"inssaservice.{self.line}"

    @property
    def folders(self) -> list[Path]:
        """The folders of the line's sub-package and of the one it builds on, its own first."""
        return [CORE / line for line in (self.line, self.base) if line]

    @property
    def migrations(self) -> list[Path]:
        """The folders of migrations that the line applies: the core's and its own."""
        folders = (CORE / "migrations", *(folder / "migrations" for folder in self.folders))
        return [folder for folder in folders if folder.is_dir()]


def load(environment: Mapping[str, str]) -> Release:
    """The release line named by INSSA_RELEASE (an image sets it), or the newest one that is installed."""
    found = (_LINE.fullmatch(module.name) for module in pkgutil.iter_modules(inssaservice.__path__))
    lines = [match[0] for match in sorted(filter(None, found), key=lambda match: (int(match[1]), int(match[2] or 0)))]
    line = environment.get("INSSA_RELEASE") or lines[-1]
    if line not in lines:
        raise SettingsError(f"INSSA_RELEASE is {line!r}, which this image does not hold: use one of {', '.join(lines)}")
    release = importlib.import_module(f"inssaservice.{line}").RELEASE
    if not isinstance(release, Release):
        raise TypeError(f"inssaservice.{line}.RELEASE is not a Release")
    return release
