"""What is deployed gets into git, alone and without a trace of the credential."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from delivery.errors import DeliveryError
from delivery.publish import publish

BRANCH = "develop"


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    folder = tmp_path / "checkout"
    git(tmp_path, "clone", "--quiet", "origin.git", str(folder))
    (folder / "Pulumi.real.yaml").write_text("old")
    (folder / "other").write_text("old")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "-m", "first")
    git(folder, "push", "--quiet", "origin", f"HEAD:{BRANCH}")
    git(folder, "checkout", "--quiet", "--detach")
    return folder


def test_the_file_alone_is_committed_and_pushed_from_any_checkout(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_USR", "somebody")
    monkeypatch.setenv("GITHUB_PSW", "a-secret")
    file = checkout / "Pulumi.real.yaml"
    file.write_text("new")
    (checkout / "other").write_text("not finished")
    publish(file, "real: release v2.0.0", BRANCH, print)
    publish(file, "real: release v2.0.0", BRANCH, print)
    log = git(checkout.parent / "origin.git", "log", "--format=%s", "--name-only", BRANCH)
    assert log.split("\n")[:3] == ["real: release v2.0.0 [skip ci]", "", "Pulumi.real.yaml"]
    assert log.count("release v2.0.0") == 1
    assert "a-secret" not in (checkout / ".git" / "config").read_text()


def test_a_branch_that_went_on_is_left_to_a_person(checkout: Path) -> None:
    git(checkout.parent, "clone", "--quiet", "--branch", BRANCH, "origin.git", "another")
    another = checkout.parent / "another"
    git(another, "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "--allow-empty", "-m", "x")
    git(another, "push", "--quiet", "origin", BRANCH)
    (checkout / "Pulumi.real.yaml").write_text("new")
    with pytest.raises(DeliveryError, match="Commit and push it by hand"):
        publish(checkout / "Pulumi.real.yaml", "real: release v2.0.0", BRANCH, print)
