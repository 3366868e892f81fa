"""The story as commands, in its order, on the real platform: each test goes on where the one before ended."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery.registry import Repository
from delivery.source import TREE
from tests.e2e.commands import Project
from tests.e2e.images import FAULTS
from tests.load import Load, Profile

pytestmark = pytest.mark.faults  # Minutes long: make faults.

LIGHT = Profile(rate=30, slow_every_seconds=0)


@pytest.fixture(scope="module")
def project(platform: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(tmp_path_factory.mktemp("project"), platform)
    yield project
    project.destroy()


@pytest.fixture(scope="module")
def images(project: Project) -> Repository:
    return Repository.parse(project.repository)


def test_two_builds_at_once_take_two_numbers(project: Project, images: Repository) -> None:
    builds = [project.start("build", "--push", "--json") for _ in range(2)]
    assert [build.wait(timeout=600) for build in builds] == [0, 0], [build.stdout for build in builds]
    assert {tag for tag in images.tags() if "-rc" in tag} == {"v2.0.0-rc1", "v2.0.0-rc2"}
    digest = images.digest("v2.0.0-rc1")
    assert digest
    assert images.labels("v2.0.0-rc1")[TREE]
    bom = json.loads(images.attached(f"{digest.replace(':', '-')}.sbom"))
    assert {"sqlalchemy", "libc6"} <= {component["name"] for component in bom["components"]}


def test_a_candidate_goes_to_every_audience_of_stage(project: Project) -> None:
    report = project.json("deploy", project.stage, "v2.0.0-rc2", "--yes")
    assert report["after"]["audiences"] == {"qa": "v2.0.0-rc2", "dogfooding": "v2.0.0-rc2"}
    config = project.config(project.stage)
    assert (config["version"], config["generation"]) == ("v2.0.0-rc2", 1)
    assert project.file(project.stage).read_text().startswith("# By hand.")


def test_the_public_stack_is_deployed_once_and_then_released_to(project: Project) -> None:
    project.inssa("deploy", project.real, "v1.0.0", "--yes", code=2)
    project.inssa("build", "v1.0.0", "--push")
    project.inssa("deploy", project.real, "v1.0.0", "--yes", "--skip-preview")
    assert "use inssa release" in project.inssa("deploy", project.real, "v1.0.0", "--yes", code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["release", "v2.0.0-rc2"], 3, "is a candidate"),
        (["release", "v3.0.0"], 3, "has run no candidate of it"),
        (["release", "v0.9.0"], 3, "is older than v1.0.0"),
        (["release", "two"], 2, "'two' is not a version"),
        (["rollback"], 3, "no version to go back to"),
        (["canary", "start", "v2.1.0"], 2, "does not exist; build it"),
        (["canary", "promote"], 3, "there is no canary"),
        (["scale", "--max", "1"], 2, "want 1 <= min <= max"),
        (["deploy", "nowhere", "v1.0.0"], 2, "no file Pulumi.nowhere.yaml"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_what_must_not_be_is_refused_and_changes_nothing(
    project: Project, arguments: list[str], code: int, why: str
) -> None:
    before = project.file(project.real).read_text()
    assert why in project.inssa(*arguments, "--yes", code=code).stderr
    assert project.file(project.real).read_text() == before


def test_a_release_that_is_killed_is_finished_by_the_same_command(project: Project, images: Repository) -> None:
    with Load(project.target(), LIGHT) as load:
        release = project.start("release", "v2.0.0", "--yes", "--skip-preview")
        assert release.stdout
        for line in release.stdout:
            if "create" in line:
                break
        assert "under way" in project.inssa("release", "v2.0.0", "--yes", code=3).stderr
        release.send_signal(signal.SIGKILL)
        release.wait()
        _await_unlocked(project)
        assert project.config(project.real)["live"] == "v2.0.0", "the file says where the stack is going"
        assert "Finish that change first" in project.inssa("scale", "--max", "8", "--yes", code=3).stderr
        report = project.json("release", "v2.0.0", "--yes", "--skip-preview", "--watch", "4")
        time.sleep(1)
    assert (report["after"]["live"], report["after"]["standby"]) == ("v2.0.0", "v1.0.0")
    assert load.summary.failed == [], str(load.summary)
    assert images.digest("v2.0.0") == images.digest("v2.0.0-rc2"), "one more tag, no new image"
    assert set(project.pods("v2-0-0").values()) == {f"{project.repository}@{images.digest('v2.0.0')}"}


def test_a_rollback_starts_no_pod(project: Project) -> None:
    before = {**project.pods("v1-0-0"), **project.pods("v2-0-0")}
    report = project.json("rollback", "--yes", "--skip-preview")
    assert (report["after"]["live"], report["after"]["standby"]) == ("v1.0.0", "v2.0.0")
    assert {**project.pods("v1-0-0"), **project.pods("v2-0-0")} == before


def test_a_candidate_that_fails_its_verification_is_taken_back(project: Project, images: Repository) -> None:
    _break(project, "v2.0.0-rc3")
    stage = project.inssa("deploy", project.stage, "v2.0.0-rc3", "--yes", "--skip-preview", code=4)
    assert "failed and was rolled back" in stage.stderr
    assert project.config(project.stage)["version"] == "v2.0.0-rc2"
    status = project.json("status", project.stage)["stacks"][0]
    assert {track["answers"].split()[0] for track in status["tracks"]} == {"v2.0.0-rc2"}
    assert "has run no candidate" in project.inssa("release", "v2.0.1", "--yes", code=3).stderr
    assert images.digest("v2.0.1") is None


def test_some_members_try_an_idea(project: Project) -> None:
    project.inssa("build", "v2.1.0", "--push")
    project.inssa("release", "v2.0.0", "--yes", "--skip-preview", "--watch", "0")
    started = project.json("canary", "start", "v2.1.0", "--weight", "20", "--replicas", "1", "--yes", "--skip-preview")
    assert started["after"]["canary"] == {"version": "v2.1.0", "weight": 20, "replicas": 1}
    picture = project.inssa("status", project.real).stdout
    assert "canary v2-1-0-canary v2.1.0 20 % 1/1" in picture
    assert "live v2-0-0 v2.0.0 80 % 2/2 [2..4]" in picture
    assert project.json("canary", "abort", "--yes", "--skip-preview")["after"]["canary"] is None


def test_more_pods_are_allowed_without_restarting_any(project: Project) -> None:
    before = project.pods("v2-0-0")
    assert project.json("scale", "--max", "6", "--yes")["after"]["scale"] == {"min": 2, "max": 6}
    assert project.pods("v2-0-0") == before


def test_an_old_checkout_is_refused(project: Project) -> None:
    file = project.file(project.real)
    text = file.read_text()
    file.write_text(text.replace(f"generation: {project.config(project.real)['generation']}", "generation: 1"))
    assert "this checkout is old" in project.inssa("scale", "--max", "9", "--yes", code=3).stderr
    file.write_text(text)


def test_a_preview_without_changes_is_one_line(project: Project, tmp_path: Path) -> None:
    project.inssa("preview", project.real, "--output", str(tmp_path / "comment.md"))
    assert f"Preview of <code>{project.real}</code>: no changes." in (tmp_path / "comment.md").read_text()


def _break(project: Project, version: str) -> None:
    reference = f"{project.repository}:{version}"
    arguments = ["--build-arg", f"BASE={project.repository}:v2.0.0-rc2", "--build-arg", "FAULT=verify"]
    project.run("docker", "build", "--quiet", "--tag", reference, *arguments, str(FAULTS))
    project.run("docker", "push", "--quiet", reference)


def _await_unlocked(project: Project) -> None:
    locks = project.folder / "state" / ".pulumi" / "locks"
    deadline = time.monotonic() + 300
    while list(locks.rglob(f"*{project.real}*/*.json")):
        assert time.monotonic() < deadline, "the engine did not stop by itself"
        time.sleep(0.2)
