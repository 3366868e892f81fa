"""Independent judges, offline: every finding is mended or waived with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.judges import findings
from tests.judges.findings import Finding, JudgeError
from tests.judges.render import render

pytestmark = [
    pytest.mark.judges,
    pytest.mark.skipif(not findings.PROGRAMS.is_dir(), reason="the judges are not installed: make judges"),
]


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return render(tmp_path_factory.mktemp("rendered"))


@pytest.fixture(scope="session")
def terraform(rendered: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    return findings.checkov(_folder(rendered, ".tf.json", tmp_path_factory), "terraform_json")


@pytest.fixture(scope="session")
def manifests(rendered: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    return findings.checkov(_folder(rendered, ".yaml", tmp_path_factory), "kubernetes")


@pytest.fixture(scope="session")
def sources() -> list[Finding]:
    return [
        *findings.hadolint("app/Dockerfile"),
        *findings.bandit("infra", "delivery", "local", "app/inssaservice"),
        *findings.detect_secrets(),
    ]


def _folder(paths: list[Path], suffix: str, factory: pytest.TempPathFactory) -> Path:
    folder = factory.mktemp("judged")
    for path in paths:
        if path.name.endswith(suffix):
            (folder / path.name).write_text(path.read_text())
    return folder


def refused(found: list[Finding]) -> list[Finding]:
    waivers = findings.waivers()
    return sorted(finding for finding in found if not any(waiver.covers(finding) for waiver in waivers))


def test_googles_resources(terraform: list[Finding]) -> None:
    assert refused(terraform) == []


def test_manifests(manifests: list[Finding]) -> None:
    assert refused(manifests) == []


def test_manifests_fit_the_schemas_of_kubernetes(rendered: list[Path]) -> None:
    assert findings.kubernetes_validate(path for path in rendered if path.suffix == ".yaml") == []


def test_sources(sources: list[Finding]) -> None:
    assert refused(sources) == []


@pytest.mark.parametrize("line", ["v1", "v2"])
def test_locked_packages_have_no_known_vulnerability(line: str) -> None:
    try:
        found = findings.pip_audit(f"app/requirements-{line}.txt")
    except JudgeError as error:
        pytest.skip(f"no vulnerability service can be reached: {str(error).splitlines()[-1][:200]}")
    assert refused(found) == []


def test_every_waiver_is_needed(terraform: list[Finding], manifests: list[Finding], sources: list[Finding]) -> None:
    found = [*terraform, *manifests, *sources]
    assert [waiver for waiver in findings.waivers() if not any(waiver.covers(finding) for finding in found)] == []
