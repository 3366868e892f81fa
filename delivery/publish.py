"""What is deployed, in git: a pipeline's checkout is thrown away, and the next one must not be an old one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from delivery.errors import DeliveryError

# Reads the variables when git asks, so that no command line and no file ever holds a credential.
_HELPER = '!f() { test "$1" = get && echo "username=$GITHUB_USR" && echo "password=$GITHUB_PSW"; }; f'
_CREDENTIAL = "GITHUB_PSW"


def publish(file: Path, title: str, branch: str, say: Callable[[str], None]) -> None:
    """Commit a stack's file, and nothing else, and push to a branch of `origin`.

    GITHUB_USR and GITHUB_PSW, as Jenkins sets them for a credential, are used if they are there.
    Raises DeliveryError: the stack is changed, and only git does not know.
    """
    if _git(file, "status", "--porcelain", "--", file.name).strip():
        identity = [] if _configured(file) else ["-c", "user.name=inssa", "-c", "user.email=inssa@localhost"]
        _git(file, *identity, "commit", "--quiet", "--message", f"{title} [skip ci]", "--", file.name)
    helper = ["-c", f"credential.helper={_HELPER}"] if os.environ.get(_CREDENTIAL) else []
    _git(file, *helper, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    say(f"{file.name} is on {branch}")


def _configured(file: Path) -> bool:
    found = subprocess.run(["git", "config", "user.email"], cwd=file.parent, capture_output=True, check=False)
    return found.returncode == 0


def _git(file: Path, *arguments: str) -> str:
    result = subprocess.run(
        ["git", *arguments],
        cwd=file.parent,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise DeliveryError(
            f"{file.name} says what is deployed, but git could not take it: {result.stderr.strip()[-300:]}\n"
            f"Commit and push it by hand, or the next checkout is refused as an old one"
        )
    return result.stdout
