"""Every wrong configuration of `gke` and of Jenkins is refused by name, before anything is created."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from infra.errors import InssaError
from infra.gke.settings import require_credentials
from tests.stack.harness import committed_config
from tests.unit.test_settings import parsed


@pytest.fixture
def signed_in(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "gke-gcloud-auth-plugin").touch(mode=0o755)
    return {"GOOGLE_OAUTH_ACCESS_TOKEN": "mocked", "PATH": str(tmp_path), "HOME": str(tmp_path)}


def changed(stack: str, **changes: Any) -> dict[str, Any]:
    """The example of a stack with keys like `gke.nodes.max` changed; None removes one."""
    config = deepcopy(committed_config(stack, "gke"))
    for path, value in changes.items():
        *sections, key = path.split("__")
        target = config
        for section in sections:
            target = target.setdefault(section, {})
        if value is None:
            target.pop(key, None)
        else:
            target[key] = value
    return config


@pytest.mark.parametrize("stack", ["dev", "stage", "real"])
def test_the_examples_are_right(signed_in: dict[str, str], stack: str) -> None:
    settings = parsed(stack, committed_config(stack, "gke"), **signed_in)
    assert settings.repository == f"gcr.io/inssa-{stack}/inssaservice"
    assert settings.gateway.url("a.example") == "https://a.example"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gke": None}, "gke is missing: the target 'gke' and the section gke go together"),
        ({"target": None}, "gke is found, but inssa:target is local"),
        ({"gke__project": None}, "inssa:gke.project: missing; set it: pulumi config set --path inssa:gke.project"),
        ({"gke__project": "Inssa"}, "inssa:gke.project: found 'Inssa': string should match"),
        ({"gke__region": "Seoul"}, "inssa:gke.region: found 'Seoul'"),
        ({"gke__zones": ["us-central1-a"]}, "us-central1-a is not in region asia-northeast3: name zones like asia-"),
        ({"gke__zones": ["asia-northeast3-a"] * 2}, "zones: one is named twice"),
        ({"gke__zones": []}, "inssa:gke.zones"),
        ({"gke__zones": ["asia-northeast3-a"]}, "found only asia-northeast3-a: phase real must survive the loss of"),
        ({"gke__alertEmails": None}, "gke.alertEmails is missing: in phase real somebody must be told"),
        ({"gke__alertEmails": ["nobody"]}, "inssa:gke.alertEmails.0: found 'nobody'"),
        ({"gke__domain": "inssa_example"}, "inssa:gke.domain: found 'inssa_example'"),
        ({"gke__nodes": {"min": 5, "max": 2}}, "inssa:gke.nodes: min 5 is above max 2"),
        ({"gke__nodes": {"mx": 2}}, "inssa:gke.nodes.mx: unknown key; did you mean 'max'"),
        ({"gke__machinetype": "e2"}, "inssa:gke.machinetype: unknown key; did you mean 'machineType'"),
        ({"gke__ranges": {"nodes": "10.64.0.0/20"}}, "nodes 10.64.0.0/20 overlaps pods 10.64.0.0/14: choose ranges"),
        ({"gke__ranges": {"services": "8.8.8.0/24"}}, "services 8.8.8.0/24 is not private"),
        ({"gke__ranges": {"pods": "10.64.0.1/14"}}, "inssa:gke.ranges.pods: found '10.64.0.1/14'"),
        ({"gke__ranges": {"pods": "10.64.0.0/22"}}, "has room for 4 nodes, nodes.max allows 12 in 3 zones"),
        ({"gke__authorizedNetworks": ["0.0.0.0/0"]}, "authorizedNetworks: 0.0.0.0/0 opens the control plane"),
        ({"gke__authorizedNetworks": ["128.0.0.0/1"]}, "authorizedNetworks: 128.0.0.0/1 opens the control plane"),
        ({"gke__registry": "docker.io"}, "inssa:gke.registry: found 'docker.io'"),
        ({"gke__database": {"version": "POSTGRES_9_6"}}, "inssa:gke.database.version: found 'POSTGRES_9_6'"),
        ({"gke__deployer__serviceAccount": "me@gmail.com"}, "inssa:gke.deployer.serviceAccount: found 'me@gmail.com'"),
        ({"gke__deployer__stateBucket": None}, "inssa:gke.deployer.stateBucket: missing; set it"),
        ({"gateway": {"domain": "x.example"}}, "inssa:gateway: does not belong to target 'gke', which makes its own"),
        ({"repository": "ghcr.io/x"}, "inssa:repository: does not belong to target 'gke'"),
        ({"canary": {"version": "v2.0.0", "weight": 101}}, "inssa:canary.weight: found 101"),
    ],
)
def test_bad_input(signed_in: dict[str, str], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InssaError) as error:
        parsed("real", changed("real", **changes), **signed_in)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"jenkins__chart": {"version": "latest"}}, "inssa:jenkins.chart.version: found 'latest'"),
        ({"jenkins__chart": {"repository": "charts"}}, "inssa:jenkins.chart.repository: found 'charts'"),
        ({"jenkins__controller": {}}, "inssa:jenkins.controller.digest: missing; set it: pulumi config set --path"),
        ({"jenkins__controller__digest": "latest"}, "inssa:jenkins.controller.digest: found 'latest'"),
        ({"jenkins__github__token": None}, "inssa:jenkins.github.token: missing; set it: pulumi config set --secret"),
        ({"jenkins__github__owner": "a b"}, "inssa:jenkins.github.owner: found 'a b'"),
        ({"jenkins__additionalPlugins": ["job-dsl"]}, "inssa:jenkins.additionalPlugins.0: found 'job-dsl'"),
        ({"jenkins__additionalPlugins": ["git:5.10.1"]}, "additionalPlugins: git is among installedPlugins already"),
        (
            {"jenkins__oidc": {"wellKnown": "http://x.example"}},
            "inssa:jenkins.oidc.wellKnown: found 'http://x.example'",
        ),
        (
            {"jenkins__oidc": {"clientId": "x"}},
            "inssa:jenkins.oidc.clientSecret: missing; set it: pulumi config set --s",
        ),
    ],
)
def test_bad_input_of_jenkins(signed_in: dict[str, str], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InssaError) as error:
        parsed("dev", changed("dev", **changes), **signed_in)
    assert message in str(error.value)


def test_a_refused_secret_is_not_shown(signed_in: dict[str, str]) -> None:
    with pytest.raises(InssaError) as error:
        parsed("dev", changed("dev", jenkins__github__token=123456789), **signed_in)
    assert "inssa:jenkins.github.token" in str(error.value)
    assert "123456789" not in str(error.value)


def test_missing_credentials_are_named(signed_in: dict[str, str], tmp_path: Path) -> None:
    require_credentials(signed_in)
    without = {key: value for key, value in signed_in.items() if key != "GOOGLE_OAUTH_ACCESS_TOKEN"}
    with pytest.raises(InssaError, match="sign in: gcloud auth application-default login"):
        require_credentials(without)
    with pytest.raises(InssaError, match=r"GOOGLE_APPLICATION_CREDENTIALS: no file at /nowhere; unset it"):
        require_credentials({**without, "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere"})
    with pytest.raises(InssaError, match="install it: gcloud components install gke-gcloud-auth-plugin"):
        require_credentials({**signed_in, "PATH": "/nowhere"})
    (tmp_path / ".config/gcloud").mkdir(parents=True)
    (tmp_path / ".config/gcloud/application_default_credentials.json").touch()
    require_credentials(without)
