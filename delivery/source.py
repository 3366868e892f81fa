"""Where an image comes from: the commit, its tree, and the pipeline run that builds it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from delivery.project import ROOT

TREE = "dev.inssa.tree"
"""Label with the git tree of the sources: a merge makes a new commit of the same tree."""
BUILD = "dev.inssa.build"
REVISION = "org.opencontainers.image.revision"
_UNKNOWN = "unknown"
_DIRTY = "-dirty"


@dataclass(frozen=True, kw_only=True)
class Source:
    """`commit` and `tree` end in `-dirty` if the checkout has changes in app/, and are `unknown` without git."""

    commit: str
    tree: str
    build: str

    @classmethod
    def of_checkout(cls) -> Source:
        """The checkout as it is now, and BUILD_URL or BUILD_TAG of the pipeline."""
        dirty = _DIRTY if _git("status", "--porcelain", "--", "app") else ""
        return cls(
            commit=_named(_git("rev-parse", "HEAD"), dirty),
            tree=_named(_git("rev-parse", "HEAD:app"), dirty),
            build=os.environ.get("BUILD_URL") or os.environ.get("BUILD_TAG") or "local",
        )

    @property
    def clean(self) -> bool:
        """Whether the sources are exactly those of a commit."""
        return self.tree != _UNKNOWN and not self.tree.endswith(_DIRTY)

    @property
    def labels(self) -> dict[str, str]:
        """Labels of an image that is built from it."""
        return {REVISION: self.commit, TREE: self.tree, BUILD: self.build}


def _named(found: str, dirty: str) -> str:
    return f"{found}{dirty}" if found else _UNKNOWN


def _git(*arguments: str) -> str:
    result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else ""
