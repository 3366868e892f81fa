"""Jenkins' configuration, as the chart and Configuration as Code will read it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from infra.jenkins.settings import Jenkins
from infra.jenkins.values import ValuesArgs, escape_template, job_script, literal, values
from tests.stack.harness import ROOT

DIGEST = "sha256:" + "0" * 64
SETTINGS: dict[str, Any] = {
    "controller": {"digest": DIGEST},
    "agent": {"digest": DIGEST},
    "adminEmail": "builds@inssa.example",
    "github": {"owner": "inssa", "repository": "service", "token": "planted-token"},
}
OIDC = {
    "wellKnown": "https://id.inssa.example/.well-known/openid-configuration",
    "clientId": "jenkins",
    "clientSecret": "planted-secret",
    "adminGroup": "admins",
}


def made(**changes: Any) -> dict[str, Any]:
    settings = Jenkins.model_validate({**SETTINGS, **changes})
    return values(ValuesArgs(settings=settings, url="https://jenkins.inssa.example", agent_annotations={"a": "b"}))


def after_tpl(text: str) -> str:
    """What Helm's `tpl` makes of a text that has no other template in it than escaped braces."""
    plain = re.sub(r'\{\{ "(\{\{|\}\})" \}\}', r"\1", text)
    assert "{{" not in re.sub(r'\{\{ "(\{\{|\}\})" \}\}', "", text), "an expression of Helm"
    return plain


def casc(text: str) -> Any:
    return yaml.safe_load(after_tpl(text))


@pytest.mark.parametrize("oidc", [None, OIDC])
def test_no_secret_is_among_the_values(oidc: dict[str, Any] | None) -> None:
    assert "planted" not in yaml.safe_dump(made(oidc=oidc))


def test_versions_do_not_float() -> None:
    controller = made()["controller"]
    assert controller["installLatestPlugins"] is False
    assert controller["installLatestSpecifiedPlugins"] is False
    assert all(re.fullmatch(r"[a-z0-9-]+:\S+", plugin) for plugin in controller["installPlugins"])
    assert controller["image"]["tag"] == f"2.568.2-jdk21@{DIGEST}"
    assert made()["agent"]["image"]["tag"].endswith(f"@{DIGEST}")


def test_the_plugins_that_the_configuration_uses_are_installed() -> None:
    installed = {name.partition(":")[0] for name in [*made()["controller"]["additionalPlugins"]]}
    assert {"job-dsl", "github-branch-source", "matrix-auth", "authorize-project"} <= installed
    assert "oic-auth" not in installed
    assert any(plugin.startswith("oic-auth:") for plugin in made(oidc=OIDC)["controller"]["additionalPlugins"])


def test_the_administrators_password_is_mounted_from_its_secret() -> None:
    """The chart mounts an existing Secret only while it would create one, too."""
    assert made()["controller"]["admin"] == {
        "createSecret": True,
        "existingSecret": "jenkins-admin",
        "username": "admin",
    }
    realm = casc(made()["controller"]["JCasC"]["securityRealm"])["local"]
    assert realm["allowsSignup"] is False
    assert [user["password"] for user in realm["users"]] == [
        "${chart-admin-password}",
        "${jenkins-admin-pipeline-password}",
    ]


def test_every_mounted_secret_is_used_by_the_name_that_the_chart_gives_it() -> None:
    for changes in ({}, {"oidc": OIDC}):
        controller = made(**changes)["controller"]
        mounted = {f"{entry['name']}-{entry['keyName']}" for entry in controller["additionalExistingSecrets"]}
        text = yaml.safe_dump(controller["JCasC"])
        used = set(re.findall(r"(?<!\^)\$\{([a-z-]+)\}", text)) - {"chart-admin-username", "chart-admin-password"}
        assert used <= mounted


def test_nobody_is_more_than_he_must_be() -> None:
    entries = casc(made()["controller"]["JCasC"]["authorizationStrategy"])["globalMatrix"]["entries"]
    granted = {entry[kind]["name"]: entry[kind]["permissions"] for entry in entries for kind in entry}
    assert granted["admin"] == ["Overall/Administer"]
    assert [name for name, permissions in granted.items() if "Overall/Administer" in permissions] == ["admin"]
    assert "anonymous" not in granted
    assert not {"Job/Configure", "Overall/Administer", "Run/Replay"} & set(granted["authenticated"])


def test_with_sign_in_elsewhere_nobody_reaches_a_page_without_it() -> None:
    entries = casc(made(oidc=OIDC)["controller"]["JCasC"]["authorizationStrategy"])["globalMatrix"]["entries"]
    (anonymous,) = [e["user"]["permissions"] for e in entries if e.get("user", {}).get("name") == "anonymous"]
    assert "Overall/Read" not in anonymous
    assert {"group": {"name": "admins", "permissions": ["Overall/Administer"]}} in entries


def test_builds_run_as_an_account_of_their_own_and_never_on_the_controller() -> None:
    controller = made()["controller"]
    (authenticator,) = controller["JCasC"]["security"]["queueItemAuthenticator"]["authenticators"]
    strategy = authenticator["global"]["strategy"]["specificUsersAuthorizationStrategy"]
    assert strategy == {"userid": "pipeline"}
    assert controller["numExecutors"] == 0


def test_forged_requests_are_refused_and_a_jenkins_that_would_not_does_not_start() -> None:
    controller = made()["controller"]
    assert casc(controller["JCasC"]["configScripts"]["security"]) == {"jenkins": {"crumbIssuer": "standard"}}
    assert controller["csrf"]["defaultCrumbIssuer"]["enabled"] is False, "or the chart would define it a second time"
    assert "DISABLE_CSRF_PROTECTION" not in controller["javaOpts"]
    guard = after_tpl(controller["initScripts"]["refuse-unsafe"])
    assert "jenkins.crumbIssuer == null" in guard
    assert "System.exit(1)" in guard


def test_the_jobs() -> None:
    (job,) = casc(made()["controller"]["JCasC"]["configScripts"]["jobs"])["jobs"]
    script = job["script"]
    assert script == job_script(Jenkins.model_validate(SETTINGS).github), "Helm and the plugin leave it as it is"
    assert "@" not in script.replace("@OWNER@", ""), "every place is filled in"
    assert "multibranchPipelineJob('inssa')" in script
    assert r"spec('TZ=Asia/Seoul\n0 3 * * *')" in script
    assert script.count("scriptPath('Jenkinsfile')") == 3
    assert script.count("branch('develop')") == script.count("branch('master')") == 1


def test_the_address_is_said_and_not_derived() -> None:
    assert made()["controller"]["jenkinsUrl"] == "https://jenkins.inssa.example"


def test_agents_have_an_account_of_their_own_with_an_identity_outside() -> None:
    account = made()["serviceAccountAgent"]
    assert account["create"] is True
    assert account["annotations"] == {"a": "b"}
    assert account["automountServiceAccountToken"] is False
    assert made()["rbac"]["readSecrets"] is False


@pytest.mark.parametrize("text", ["{{ .Values.x }}", "a {{b}} c", "}} {{", "plain", '{{ "{{" }}'])
def test_what_looks_like_a_template_arrives_as_it_is(text: str) -> None:
    escaped = escape_template(text)
    assert re.sub(r'\{\{ "(\{\{|\}\})" \}\}', r"\1", escaped) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("${HOME}", "^${HOME}"), ("^${HOME}", "^^${HOME}"), ("a ${b} ${c}", "a ^${b} ^${c}"), ("$x", "$x")],
)
def test_what_looks_like_a_secret_arrives_as_it_is(text: str, escaped: str) -> None:
    assert literal(text) == escaped


def test_every_step_of_the_jenkinsfile_has_its_plugin() -> None:
    brought_by = {
        "agent": "kubernetes",
        "archiveArtifacts": "workflow-aggregator",
        "credentials": "workflow-aggregator",
        "input": "workflow-aggregator",
        "junit": "junit",
        "mail": "workflow-aggregator",
        "sh": "workflow-aggregator",
    }
    used = set(re.findall(rf"\b({'|'.join(brought_by)})\b(?=[ (])", (ROOT / "Jenkinsfile").read_text()))
    controller = made()["controller"]
    installed = {p.partition(":")[0] for p in [*controller["installPlugins"], *controller["additionalPlugins"]]}
    assert used == brought_by.keys()
    assert {brought_by[step] for step in used} <= installed
