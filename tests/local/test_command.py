import json
import subprocess
import sys
from pathlib import Path

import pytest

from local.__main__ import main
from local.environment import variables
from local.settings import Settings


def test_env_is_understood_by_a_shell_whatever_path_holds(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INSSA_HOME", str(settings.home))
    monkeypatch.setenv("PATH", "/usr/bin:/bin:/odd $(touch x) 'dir'")
    assert main(["env"]) == 0
    script = capsys.readouterr().out + 'printf "%s" "$PATH"'
    path = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert path == f"{settings.bin}:{Path(sys.executable).parent}:/usr/bin:/bin:/odd $(touch x) 'dir'"


def test_env_as_json_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["env", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["PULUMI_BACKEND_URL"] == f"file://{found['INSSA_HOME']}/pulumi?metadata=skip"
    assert found["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"


def test_pulumi_home_and_docker_host_are_set_only_for_our_own(settings: Settings) -> None:
    assert not {"PULUMI_HOME", "DOCKER_HOST"} & set(variables(settings, {}))
    settings.bin.mkdir(parents=True)
    (settings.bin / "pulumi").touch()
    (settings.bin / "docker").symlink_to("/usr/bin/docker")
    found = variables(settings, {})
    assert found["PULUMI_HOME"] == f"{settings.home}/pulumi-home"
    assert found["DOCKER_HOST"] == f"unix://{settings.home}/run/docker.sock"


def test_evaluating_twice_changes_nothing(settings: Settings) -> None:
    once = variables(settings, {"PATH": "/usr/bin"})
    assert variables(settings, once) == once


def test_wrong_usage_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["dance"])
    assert ended.value.code == 2
    assert "dance" in capsys.readouterr().err


def test_an_unfit_machine_is_3_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INSSA_GATEWAY_PORT", "0")
    assert main(["up"]) == 3
    assert capsys.readouterr().err == "error: INSSA_GATEWAY_PORT is '0': set a port from 1024 to 65535\n"


def test_status_of_a_platform_that_never_ran_is_1(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INSSA_HOME", str(settings.home))
    assert main(["status", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["running"] is False
    assert {service["pid"] for service in found["services"]} == {None}
    assert not settings.home.exists()
