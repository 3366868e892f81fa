"""Missing and bad settings: one line that names the setting, what was found and the fix; exit code 2."""

from pathlib import Path

import pytest
from inssaservice import cli

from tests.app import tracks

GOOD = {
    "INSSA_VERSION": "v1.0.0",
    "INSSA_TRACK": "qa",
    "INSSA_PHASE": "stage",
    "INSSA_DATABASE_HOST": "127.0.0.1",
    "INSSA_DATABASE_PORT": "1",
    "INSSA_DATABASE_NAME": "inssa",
    "INSSA_DATABASE_APP_USER": "app",
    "INSSA_DATABASE_OWNER_USER": "owner",
    "INSSA_DATABASE_ADMIN_USER": "admin",
    "INSSA_LOCK_SECONDS": "0",
}


def complaint(capsys: pytest.CaptureFixture[str], task: str, environment: dict[str, str], code: int = 2) -> str:
    assert cli.main([task], environment) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


@pytest.fixture
def good(secrets: Path) -> dict[str, str]:
    return GOOD | {"INSSA_SECRETS_DIR": str(secrets)}


@pytest.mark.parametrize(
    "name", [*sorted(GOOD.keys() - {"INSSA_LOCK_SECONDS", "INSSA_DATABASE_PORT"}), "INSSA_SECRETS_DIR"]
)
def test_a_missing_variable_is_named(capsys: pytest.CaptureFixture[str], good: dict[str, str], name: str) -> None:
    for environment in ({k: v for k, v in good.items() if k != name}, good | {name: " "}):
        line = complaint(capsys, "serve", environment)
        assert line.startswith(f"inssaservice: {name} is not set: set ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INSSA_VERSION", "1.0"),
        ("INSSA_VERSION", "v1.0.0\r\nx: y"),
        ("INSSA_TRACK", "q a"),
        ("INSSA_PHASE", "production"),
        ("INSSA_DATABASE_PORT", "5432x"),
        ("INSSA_DATABASE_PORT", "0"),
        ("INSSA_DATABASE_NAME", "a" * 64),
        ("INSSA_DATABASE_APP_USER", 'a"; DROP'),
        ("INSSA_DATABASE_CONNECTIONS", "2.5"),
        ("INSSA_DRAIN_SECONDS", "-1"),
        ("INSSA_DRAIN_SECONDS", "nan"),
        ("INSSA_KEEP_ALIVE_SECONDS", "soon"),
        ("INSSA_FORWARDED_HOPS", "9"),
        ("INSSA_RELEASE", "v9"),
        ("INSSA_VERIFY_URL", "localhost:8080"),
        ("INSSA_SECRETS_DIR", "/no/such/folder"),
    ],
)
def test_a_bad_value_is_named_and_repeated(
    capsys: pytest.CaptureFixture[str], good: dict[str, str], name: str, value: str
) -> None:
    line = complaint(capsys, "serve", good | {name: value})
    assert line.startswith(f"inssaservice: {name} is ")
    assert repr(value)[1:-1] in line or value in line


def test_verify_asks_for_its_gateway(capsys: pytest.CaptureFixture[str], good: dict[str, str]) -> None:
    assert "INSSA_VERIFY_URL is not set" in complaint(capsys, "verify", good)


def test_a_missing_or_short_secret_is_named_by_its_file(
    capsys: pytest.CaptureFixture[str], good: dict[str, str], tmp_path: Path
) -> None:
    good["INSSA_SECRETS_DIR"] = str(tmp_path)
    assert f"{tmp_path}/session_key cannot be read" in complaint(capsys, "serve", good)
    (tmp_path / "session_key").write_text("qwert")
    line = complaint(capsys, "serve", good)
    assert "session_key holds 5 characters: put at least 32" in line
    assert "qwert" not in line


def test_a_task_reads_only_its_own_secrets(
    capsys: pytest.CaptureFixture[str], good: dict[str, str], tmp_path: Path
) -> None:
    good |= {"INSSA_SECRETS_DIR": str(tmp_path), "INSSA_VERIFY_URL": "http://127.0.0.1:1", "INSSA_VERIFY_HOST": "x"}
    (tmp_path / "verifier_code").write_text(tracks.VERIFIER_CODE)
    assert "did not reach" in complaint(capsys, "verify", good | {"INSSA_VERIFY_SECONDS": "1"}, 1)


def test_a_database_out_of_reach_is_one_line(capsys: pytest.CaptureFixture[str], good: dict[str, str]) -> None:
    for task in ("provision", "migrate"):
        line = complaint(capsys, task, good, 1)
        assert "127.0.0.1:1" in line
        assert "refused" in line


def test_an_unknown_task_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["serv"], {})
    assert "invalid choice: 'serv'" in capsys.readouterr().err
