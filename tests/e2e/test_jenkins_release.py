"""The release of Jenkins, for real: the same component and the same values with a small chart."""

from __future__ import annotations

import base64
import gzip
import json
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.images import pinned
from infra.jenkins.settings import Chart, Jenkins
from infra.jenkins.values import ValuesArgs, job_script, literal, values
from tests.e2e import charts
from tests.e2e.stack import ROOT, PulumiError, Stack

PLANTED = f"planted-{secrets.token_hex(12)}"
DIGEST = "sha256:" + "0" * 64
SETTINGS = Jenkins.model_validate(
    {
        "controller": {"digest": DIGEST},
        "agent": {"digest": DIGEST},
        "adminEmail": "builds@inssa.example",
        "github": {"owner": "inssa", "repository": "service", "token": PLANTED},
        "oidc": {
            "wellKnown": "https://id.inssa.example/.well-known/openid-configuration",
            "clientId": "jenkins",
            "clientSecret": PLANTED,
            "adminGroup": "admins",
        },
    }
)
READY, NEVER_READY = "/run/secrets/planted/token", "/nowhere"


@pytest.fixture(scope="module")
def sent(platform: dict[str, str]) -> dict[str, Any]:
    """Jenkins' own values, and what the small chart needs to run without Jenkins."""
    arguments = ValuesArgs(settings=SETTINGS, url="https://jenkins.inssa.example", agent_annotations={})
    image = pinned(f"localhost:{platform['INSSA_REGISTRY_PORT']}/busybox:1.35", fix="make up")
    return {**values(arguments), "image": image, "readyFile": READY}


@pytest.fixture(scope="module")
def release(
    platform: dict[str, str], sent: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    with charts.repository(tmp_path_factory.mktemp("charts"), "1.0.0", "1.1.0") as address:
        stack = Stack(
            f"e2e-jenkins-{secrets.token_hex(3)}",
            {"chart": chart(address, "1.0.0"), "values": sent, "timeout": 60},
            tmp_path_factory.mktemp("stack"),
            {**platform, "INSSA_TEST_PLANTED": PLANTED},
            program=ROOT / "tests/e2e/release",
        )
        stack.init()
        try:
            yield stack
        finally:
            stack.destroy()


def chart(address: str, version: str) -> dict[str, str]:
    return Chart(repository=address, name=charts.NAME, version=version).model_dump()


def configuration(stack: Stack) -> dict[str, str]:
    found: dict[str, str] = json.loads(stack.kubectl("get", "configmap", "jenkins", "-o", "json"))["data"]
    return found


def revisions(stack: Stack) -> list[tuple[int, str]]:
    """Number and status of each revision that Helm keeps."""
    labels = [found["metadata"]["labels"] for found in stack.objects("secrets", "owner=helm")]
    return sorted((int(label["version"]), label["status"]) for label in labels)


def test_it_is_installed_and_no_secret_leaves_its_secret(release: Stack) -> None:
    preview = release.pulumi("preview", "--diff", "--stack", release.name)
    update = release.up()
    assert revisions(release) == [(1, "deployed")]
    assert _stored(release, "planted", "token") == PLANTED, "or nothing would be proven"
    assert _stored(release, "generated", "password") == release.output("generated")
    everywhere = {
        "preview": preview,
        "update": update,
        "state": release.state(),
        "stack file": (release.folder / f"Pulumi.{release.name}.yaml").read_text(),
        "configuration": json.dumps(configuration(release)),
        "pods": release.kubectl("get", "pods", "-o", "json"),
        "events": release.kubectl("get", "events", "-o", "json"),
        "release": _helm_releases(release),
    }
    for value in (PLANTED, release.output("generated")):
        forms = [value, base64.b64encode(value.encode()).decode().rstrip("=")]
        assert {place for place, text in everywhere.items() if any(form in text for form in forms)} == set()


def test_values_arrive_unchanged(release: Stack, sent: dict[str, Any]) -> None:
    assert json.loads(configuration(release)["values.json"]) == sent


def test_helm_makes_of_the_configuration_what_is_meant(release: Stack) -> None:
    """After Helm's `tpl`: the texts that Configuration as Code and Groovy read."""
    found = configuration(release)
    (job,) = yaml.safe_load(found["jobs.yaml"])["jobs"]
    assert job["script"] == literal(job_script(SETTINGS.github))
    assert yaml.safe_load(found["security.yaml"]) == {"jenkins": {"crumbIssuer": "standard"}}
    realm = yaml.safe_load(found["securityRealm.yaml"])["oic"]
    assert realm["clientSecret"] == "${jenkins-oidc-client-secret}"
    guard = (ROOT / "infra/jenkins/refuse-unsafe.groovy").read_text()
    assert found["initrefuse-unsafe.groovy"] == guard


def test_nothing_changed_is_no_revision(release: Stack) -> None:
    assert release.preview() == {}
    release.up()
    assert revisions(release) == [(1, "deployed")]


def test_an_upgrade(release: Stack, sent: dict[str, Any]) -> None:
    release.change(chart={**release.config["chart"], "version": "1.1.0"}, values={**sent, "extra": "{{ .Values.x }}"})
    release.up()
    assert revisions(release)[-1] == (2, "deployed")
    assert json.loads(configuration(release)["values.json"])["extra"] == "{{ .Values.x }}"


def test_a_failed_upgrade_goes_back_and_the_next_one_works(release: Stack, sent: dict[str, Any]) -> None:
    before = configuration(release)
    release.change(values={**sent, "readyFile": NEVER_READY}, timeout=15)
    with pytest.raises(PulumiError, match="jenkins"):
        release.up()
    assert configuration(release) == before, "what worked is back"
    assert [status for _, status in revisions(release)].count("deployed") == 1
    assert not [status for _, status in revisions(release) if status.startswith("pending")]
    release.change(values={**sent, "extra": "after"}, timeout=60)
    release.up()
    assert json.loads(configuration(release)["values.json"])["extra"] == "after"
    assert revisions(release)[-1][1] == "deployed"
    assert release.preview() == {}


def test_the_chart_of_jenkins_itself_takes_the_values(
    platform: dict[str, str], sent: dict[str, Any], tmp_path: Path
) -> None:
    """Its templates render; its images are not pulled here."""
    default = Chart()
    try:
        socket.create_connection((default.repository.removeprefix("https://"), 443), timeout=3).close()
    except OSError as error:
        pytest.skip(f"{default.repository} cannot be reached: {error}")
    stack = Stack(
        f"e2e-chart-{secrets.token_hex(3)}",
        {"chart": default.model_dump(), "values": sent, "timeout": 60},
        tmp_path,
        {**platform, "INSSA_TEST_PLANTED": PLANTED},
        program=ROOT / "tests/e2e/release",
    )
    stack.init()
    assert stack.preview()["Release/jenkins"] == "create"


def _stored(stack: Stack, secret: str, key: str) -> str:
    data = json.loads(stack.kubectl("get", "secret", secret, "-o", "json"))["data"]
    return base64.b64decode(data[key]).decode()


def _helm_releases(stack: Stack) -> str:
    stored = [found["data"]["release"] for found in stack.objects("secrets", "owner=helm")]
    return "\n".join(gzip.decompress(base64.b64decode(base64.b64decode(text))).decode() for text in stored)
