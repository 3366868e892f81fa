import os
import signal
import socket
import stat
import time
from pathlib import Path

import pytest

from local import services
from local.errors import PlatformError, UnfitMachineError
from local.services import Service, Supervisor, bound_log, check_ports, write_if_changed


@pytest.fixture
def keeper(tmp_path: Path) -> Supervisor:
    return Supervisor(tmp_path / "run", tmp_path / "logs")


def sleeper(seconds: str = "60", **changes: object) -> Service:
    return Service("sleeper", ("sleep", seconds), lambda: True, **changes)  # type: ignore[arg-type]


def test_a_service_runs_in_a_session_of_its_own_until_it_is_stopped(keeper: Supervisor) -> None:
    assert keeper.start(sleeper())
    found = keeper.find("sleeper")
    assert found is not None
    assert os.getsid(found[0].pid) == found[0].pid
    assert not keeper.start(sleeper())
    assert keeper.find("sleeper") == found
    assert keeper.stop("sleeper")
    assert not found[0].alive()
    assert not keeper.stop("sleeper")


def test_another_command_or_configuration_restarts_it(keeper: Supervisor, tmp_path: Path) -> None:
    config = tmp_path / "config/sleeper.json"
    seen = set()
    for service in (
        sleeper("50"),
        sleeper("51"),
        sleeper("51", files={config: "a"}),
        sleeper("51", files={config: "b"}),
    ):
        assert keeper.start(service)
        found = keeper.find("sleeper")
        assert found is not None
        seen.add(found[0])
    assert len(seen) == 4
    assert config.read_text() == "b"
    keeper.stop("sleeper")


@pytest.mark.parametrize("broken", ["boot", "start", "text"])
def test_a_stale_record_is_not_believed(keeper: Supervisor, broken: str) -> None:
    keeper.start(sleeper())
    record = keeper.records / "sleeper.pid"
    boot, line, fingerprint = record.read_text().splitlines()
    found = keeper.find("sleeper")
    assert found is not None
    process = found[0]
    if broken == "boot":
        boot = "00000000-0000-0000-0000-000000000000"
    elif broken == "start":
        line = line.replace(f" {process.start_ticks} ", f" {process.start_ticks - 7} ")
    else:
        line = line[:20]
    record.write_text(f"{boot}\n{line}\n{fingerprint}\n")
    assert keeper.find("sleeper") is None
    assert not keeper.stop("sleeper")
    assert process.alive()
    process.send(signal.SIGKILL)


def test_a_service_that_ends_at_its_start_shows_its_last_words(keeper: Supervisor) -> None:
    command = ("sh", "-c", "for i in $(seq 40); do echo line $i; done; echo no such option >&2; exit 3")
    with pytest.raises(PlatformError) as error:
        keeper.start(Service("broken", command, lambda: False))
    text = str(error.value)
    assert text.startswith("broken ended at its start\n")
    assert "no such option" in text
    assert "line 40" in text
    assert "line 20\n" not in text
    assert str(keeper.log("broken")) in text


def test_a_service_that_never_serves_is_given_up_on(keeper: Supervisor) -> None:
    with pytest.raises(PlatformError, match="does not serve after 0 s"):
        keeper.start(Service("deaf", ("sleep", "60"), lambda: False, ready_seconds=0.2))
    assert keeper.stop("deaf")


def test_a_stubborn_service_is_killed(keeper: Supervisor) -> None:
    service = Service("stubborn", ("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"), lambda: True)
    keeper.start(service)
    while "ready" not in keeper.log("stubborn").read_text():
        time.sleep(0.01)
    found = keeper.find("stubborn")
    assert found is not None
    keeper.stop("stubborn", seconds=0.2)
    assert not found[0].alive()


def test_a_taken_port_names_its_holder_and_the_fix() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(UnfitMachineError) as error:
            check_ports(Service("registry", (), lambda: True, ports=(("127.0.0.1", port),)))
    text = str(error.value)
    assert f"registry needs port {port} on 127.0.0.1, which process {os.getpid()} (" in text
    assert "end it, or choose another port with INSSA_REGISTRY_PORT" in text


def test_a_port_that_nobody_may_choose_gets_no_such_advice() -> None:
    assert services.port_message("etcd", "127.0.0.1", 2379, 0) == (
        "etcd needs port 2379 on 127.0.0.1, which another process holds: end it"
    )


def test_files_are_private_and_left_alone_when_right(tmp_path: Path) -> None:
    path = tmp_path / "deep/file"
    write_if_changed(path, "one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.stat().st_ino
    write_if_changed(path, "one")
    assert path.stat().st_ino == before
    write_if_changed(path, "two")
    assert path.read_text() == "two"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_long_log_keeps_its_end_while_it_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "LOG_LIMIT", 1000)
    monkeypatch.setattr(services, "LOG_KEPT", 100)
    path = tmp_path / "log"
    with path.open("ab", buffering=0) as writer:
        writer.write(b"x" * 2000 + b"end")
        bound_log(path)
        writer.write(b"more")
    assert path.read_bytes() == b"x" * 97 + b"endmore"
