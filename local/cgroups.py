"""The control group that everything in pods and image builds belongs to, of version 1 or 2.

It is ours alone: another kubelet on the machine has `kubepods` at the top, ours has it below this one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
NAME = "inssa"


def ensure() -> None:
    """Make the group in every hierarchy, with all controllers that the kubelet asks for."""
    unified = (ROOT / "cgroup.controllers").exists()
    if unified:
        for controller in (ROOT / "cgroup.controllers").read_text().split():
            with contextlib.suppress(OSError):
                (ROOT / "cgroup.subtree_control").write_text(f"+{controller}")
    for hierarchy in [ROOT] if unified else _hierarchies():
        (hierarchy / NAME).mkdir(exist_ok=True)


def members() -> set[int]:
    """List the processes in the group and below it."""
    found: set[int] = set()
    for folder in _groups():
        for parent, _, _ in os.walk(folder):
            with contextlib.suppress(OSError):
                found |= {int(pid) for pid in (Path(parent) / "cgroup.procs").read_text().split()}
    return found


def remove() -> None:
    """Remove the group and everything below it, the innermost first. Its members must have ended."""
    for group in _groups():
        for folder, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()


def _groups() -> Iterator[Path]:
    return (hierarchy / NAME for hierarchy in (ROOT, *_hierarchies()) if (hierarchy / NAME).is_dir())


def _hierarchies() -> list[Path]:
    """List the mounted hierarchies of version 1, without the links that stand for pairs of them."""
    return [entry for entry in ROOT.iterdir() if entry.is_mount() and not entry.is_symlink()]
