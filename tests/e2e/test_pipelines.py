"""The Jenkinsfile run step by step: the branches of the story on the real platform.

`make` is a stand-in there that writes down what it was asked, because these tests run inside `make test`.
Everything else is the real command.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from delivery.registry import Repository
from tests.delivery.fake_github import TOKEN, FakeGitHub, serve
from tests.e2e.commands import INSSA, Project
from tests.e2e.pipelines.run import Build, build

pytestmark = pytest.mark.faults  # Minutes long: make faults.

MAKE = '#!/bin/bash\necho "$*" >>made\nmkdir -p build\n[ ! -e "fail-$1" ]\n'


@pytest.fixture(scope="module")
def project(platform: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(tmp_path_factory.mktemp("workspace"), platform)
    bin_folder = project.folder / "bin"
    bin_folder.mkdir()
    (bin_folder / "make").write_text(MAKE)
    (bin_folder / "make").chmod(0o755)
    (project.folder / ".venv" / "bin").mkdir(parents=True)
    (project.folder / ".venv" / "bin" / "inssa").symlink_to(INSSA)
    project.env["PATH"] = f"{bin_folder}{os.pathsep}{project.env['PATH']}"
    for command in (
        ("init", "--quiet"),
        ("init", "--quiet", "--bare", "origin.git"),
        ("remote", "add", "origin", "origin.git"),
        ("add", "Pulumi.yaml", project.file(project.stage).name, project.file(project.real).name),
        ("-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "-m", "first"),
    ):
        project.run("git", *command)
    yield project
    project.destroy()


@pytest.fixture(scope="module")
def github() -> Iterator[FakeGitHub]:
    with serve() as fake:
        fake.pulls[7] = []
        yield fake


def run(project: Project, **variables: str) -> Build:
    return build(project.folder, variables, project.env, {"github": TOKEN})


def test_the_night_brings_a_candidate_to_stage(project: Project) -> None:
    night = run(project, PIPELINE="nightly")
    assert night.succeeded, night.printed
    assert night.commands == ["make test", "make judges", ".venv/bin/inssa nightly --commit-to develop"]
    assert "version: v2.0.0-rc1" in project.run("git", "-C", "origin.git", "show", f"develop:{_name(project.stage)}")
    assert [step["step"] for step in night.steps][-2:] == ["junit", "archive"]
    stacks = project.json("status", project.stage)["stacks"]
    assert {track["answers"] for track in stacks[0]["tracks"]} == {"v2.0.0-rc1 on qa", "v2.0.0-rc1 on dogfooding"}


def test_a_pull_request_is_checked_and_gets_one_comment_per_stack(project: Project, github: FakeGitHub) -> None:
    project.inssa("build", "v1.0.0", "--push")
    project.inssa("deploy", project.real, "v1.0.0", "--yes", "--skip-preview")
    file = project.file(project.real)
    before = file.read_text()
    file.write_text(before.replace("max: 4", "max: 5"))
    settings = {"CHANGE_ID": "7", "GITHUB_API_URL": github.url, "GITHUB_REPOSITORY": "o/r"}
    for _ in range(2):
        pull_request = run(project, **settings)
        assert pull_request.succeeded, pull_request.printed
    file.write_text(before)
    assert pull_request.commands[:3] == ["make check", "make judges", ".venv/bin/inssa build"]
    assert [body.splitlines()[1] for body in github.bodies(7)] == [
        f"### Preview of <code>{project.real}</code>: 1 to update",
        f"Preview of <code>{project.stage}</code>: no changes.",
    ]
    assert "+ spec.maxReplicas: 5" in github.bodies(7)[0]
    assert TOKEN not in pull_request.printed


def test_what_reaches_master_is_released_after_somebody_agreed(project: Project) -> None:
    release = run(project, PIPELINE="release")
    assert release.succeeded, release.printed
    assert [step.get("command", step["step"]) for step in release.steps if step["step"] in ("sh", "input")] == [
        "make test",
        ".venv/bin/inssa build --final --commit-to master",
        "input",
        "make .venv/.ready",
        ".venv/bin/inssa release --yes --commit-to master",
    ]
    images = Repository.parse(project.repository)
    assert images.digest("v2.0.0") in {images.digest(tag) for tag in images.tags() if "-rc" in tag}
    assert "live: v2.0.0" in project.run("git", "-C", "origin.git", "show", f"master:{_name(project.real)}")
    again = run(project, PIPELINE="release", INSSA_REAL_STACK=project.real)
    assert again.succeeded, again.printed
    assert again.steps == [], "the commit of a release is not released"


def test_a_failed_step_ends_the_build_and_is_told_with_its_link(project: Project) -> None:
    (project.folder / "fail-check").touch()
    branch = run(project)
    assert not branch.succeeded
    assert [step["step"] for step in branch.steps] == ["sh", "junit", "archive", "mail"]
    assert branch.steps[-1]["body"] == "make check failed\nhttp://jenkins.example/job/inssa/1/console"


def _name(stack: str) -> str:
    return f"Pulumi.{stack}.yaml"
