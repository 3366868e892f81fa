"""Every wrong configuration is refused by name, with what was found and the fix."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.errors import InssaError
from infra.settings import Phase, Settings, parse

STAGE = {"version": "v2.0.0-rc1", "audiences": {"qa": {}, "dogfooding": {"replicas": 2}}}
REAL = {"live": "v1.0.0", "scale": {"min": 10, "max": 20}}


def parsed(stack: str, config: dict[str, Any], **environment: str) -> Settings:
    encoded = {k if ":" in k else f"inssa:{k}": v if isinstance(v, str) else json.dumps(v) for k, v in config.items()}
    return parse(stack, encoded, environment)


def test_a_stage_stack() -> None:
    settings = parsed("stage", STAGE)
    assert settings.phase is Phase.STAGE
    assert settings.audiences["dogfooding"].replicas == 2
    assert {label: str(version) for label, version in settings.audience_versions.items()} == {
        "qa": "v2.0.0-rc1",
        "dogfooding": "v2.0.0-rc1",
    }


def test_an_audience_may_have_its_own_version() -> None:
    settings = parsed("stage", {**STAGE, "audiences": {"qa": {}, "dogfooding": {"version": "v1.9.0"}}})
    assert str(settings.audience_versions["dogfooding"]) == "v1.9.0"


def test_the_local_platform_says_where_it_is() -> None:
    settings = parsed("real", REAL, INSSA_HOME="/data", INSSA_GATEWAY_PORT="9090", INSSA_REGISTRY_PORT="5555")
    assert str(settings.kubeconfig) == "/data/kubeconfig"
    assert settings.gateway.port == 9090
    assert settings.repository == "localhost:5555/inssaservice"


def test_the_phase_of_a_stack_of_another_name_must_be_said() -> None:
    with pytest.raises(InssaError, match=r"inssa:phase: missing; set it: pulumi config set"):
        parsed("somewhere", REAL)
    assert parsed("somewhere", {**REAL, "phase": "real"}).phase is Phase.REAL


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({**STAGE, "audience": {}}, "inssa:audience: unknown key; did you mean 'audiences'"),
        ({**STAGE, "insa:version": "v1.0.0"}, "insa:version: unknown namespace 'insa'; did you mean 'inssa'"),
        ({**STAGE, "audiences": {"qa": {"replica": 1}}}, "inssa:audiences.qa.replica: unknown key; did you mean"),
        ({**STAGE, "audiences": {"qa": {"replicas": 0}}}, "inssa:audiences.qa.replicas: found 0: input should be gr"),
        ({**STAGE, "audiences": {"qa": {"replicas": -3}}}, "inssa:audiences.qa.replicas: found -3: input should be"),
        ({**STAGE, "audiences": {"qa": {"replicas": 4000}}}, "inssa:audiences.qa.replicas: found 4000: input should"),
        ({**STAGE, "audiences": {"QA team": {}}}, "inssa:audiences.QA team"),
        ({**STAGE, "version": "2.0"}, "inssa:version: found '2.0': '2.0' is not a version like v2.0.0"),
        ({**STAGE, "version": "v2.0.0+build"}, "is not a version like v2.0.0"),
        ({"audiences": {"qa": {}}}, "audiences.qa has no version: set version"),
        ({}, "a stack sets either audiences or live: found neither"),
        ({**STAGE, **REAL}, "a stack sets either audiences or live: found both"),
        ({**STAGE, "standby": "v1.0.0"}, "standby belongs to a stack with live"),
        ({**STAGE, "target": "moon"}, "inssa:target: found 'moon': input should be 'local'"),
        ({**STAGE, "images": {"v2.0.0-rc1": "latest"}}, "inssa:images.v2.0.0-rc1: found 'latest': string should match"),
        ({**REAL, "live": "newest"}, "inssa:live: found 'newest': 'newest' is not a version"),
        ({"live": "v1.0.0"}, "scale is missing: set min and max"),
        ({**REAL, "scale": {"min": 20, "max": 10}}, "min 20 is above max 10"),
        ({**REAL, "standby": "v1.0.0"}, "standby is v1.0.0, the same as live"),
        ({**REAL, "canary": {"version": "v1.0.0", "weight": 10}}, "canary.version is v1.0.0, which is live"),
        ({**REAL, "canary": {"version": "v2.0.0", "weight": 101}}, "inssa:canary.weight: found 101: input should be l"),
        ({**REAL, "canary": {"version": "v2.0.0"}}, "inssa:canary.weight: missing; set it"),
        ({**REAL, "gateway": {"port": 99999}}, "inssa:gateway.port: found 99999: input should be less"),
        ({**REAL, "generation": "-1"}, "inssa:generation: found '-1'"),
        ({**STAGE, "target": "existing"}, "inssa:kubeconfig is missing: target 'existing' needs it"),
    ],
)
def test_bad_input(config: dict[str, Any], message: str) -> None:
    with pytest.raises(InssaError) as error:
        parsed("stage", config)
    assert message in str(error.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(InssaError) as error:
        parsed("real", {**REAL, "live": "one", "gateway": {"port": 0}, "colour": "blue"})
    assert {line.split(":")[1] for line in str(error.value).splitlines()[1:]} == {"live", "gateway.port", "colour"}
