"""Jenkins in a stack that asks for it, on any target."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stack.conftest import Run
from tests.stack.harness import TOKEN, Program

DIGEST = "sha256:" + "0" * 64
JENKINS: dict[str, Any] = {
    "controller": {"digest": DIGEST},
    "agent": {"digest": DIGEST},
    "adminEmail": "builds@inssa.example",
    "github": {"owner": "inssa", "repository": "service", "token": TOKEN},
    "chart": {"repository": "https://mirror.inssa.example/charts", "version": "5.9.54"},
}


@pytest.fixture(scope="module")
def local(run: Run) -> Program:
    return run("dev", jenkins=JENKINS)


def released(program: Program) -> dict[str, Any]:
    (found,) = [r.inputs for r in program.resources if r.kind == "Release" and r.type.startswith("kubernetes:")]
    return found


def test_only_the_stack_that_asks_has_it(run: Run, local: Program) -> None:
    assert released(local)
    for stack in ("dev", "stage", "real"):
        assert not [r for r in run(stack).resources if r.kind == "Release"]


def test_chart_mirror_and_version_come_from_the_configuration(local: Program) -> None:
    release = released(local)
    assert (release["chart"], release["version"]) == ("jenkins", "5.9.54")
    assert release["repositoryOpts"]["repo"] == "https://mirror.inssa.example/charts"
    assert release["namespace"] == "inssa-dev-jenkins"
    assert release["atomic"] is True


def test_it_answers_beside_the_stack(local: Program) -> None:
    route = local.of("HTTPRoute")["jenkins"]
    assert route["metadata"]["namespace"] == "inssa-dev-jenkins"
    assert route["spec"]["hostnames"] == ["jenkins.dev.inssa.localhost"]
    assert route["spec"]["rules"][0]["backendRefs"][0]["port"] == released(local)["values"]["controller"]["servicePort"]
    assert released(local)["values"]["controller"]["jenkinsUrl"] == "http://jenkins.dev.inssa.localhost:8080"
    assert local.outputs["addresses"]["jenkins"] == "http://jenkins.dev.inssa.localhost:8080"


def test_every_secret_that_it_mounts_exists_before_it(local: Program) -> None:
    made = [(r.kind, r.name) for r in local.resources]
    secrets = {name: o for name, o in local.of("Secret").items() if name.startswith("jenkins-")}
    controller = released(local)["values"]["controller"]
    keys = {name: set(_content(secret)) for name, secret in secrets.items()}
    for mounted in controller["additionalExistingSecrets"]:
        assert mounted["keyName"] in keys[mounted["name"]]
    assert {"jenkins-admin-user", "jenkins-admin-password"} <= keys[controller["admin"]["existingSecret"]]
    assert max(made.index(("Secret", "jenkins-admin")), made.index(("Secret", "jenkins-github"))) < made.index(
        ("Release", "jenkins")
    )


def test_agents_have_no_identity_outside_where_there_is_none(local: Program) -> None:
    assert released(local)["values"]["serviceAccountAgent"]["annotations"] == {}


def test_the_update_is_refused_nothing_that_it_needs(local: Program) -> None:
    """Pod Security `restricted`, as every namespace of a stack has it."""
    controller = released(local)["values"]["controller"]
    assert controller["podSecurityContextOverride"]["runAsNonRoot"] is True
    assert controller["podSecurityContextOverride"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert controller["containerSecurityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert released(local)["values"]["agent"]["restrictedPssSecurityContext"] is True
    namespaces = local.of("Namespace")
    assert namespaces["inssa-dev-jenkins"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def _content(secret: dict[str, Any]) -> dict[str, Any]:
    found = secret.get("data") or secret["stringData"]
    content: dict[str, Any] = found.get("value", found)
    return content
