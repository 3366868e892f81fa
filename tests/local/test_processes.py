import os
import signal
import socket

import pytest

from local.processes import Process, find, listener, parse_stat

STAT = "4242 (a (odd) name) S 1 4242 4242 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 10 0 0"


def test_a_command_with_brackets_and_spaces_does_not_shift_the_fields() -> None:
    assert parse_stat(STAT) == (Process(4242, 987654), "S")


def test_our_own_process_is_found_and_another_start_time_is_another_process() -> None:
    me = find(os.getpid())
    assert me is not None
    assert me.alive()
    assert me.memory > 1 << 20
    assert not Process(me.pid, me.start_ticks + 1).alive()


def test_a_recycled_number_is_not_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    me = find(os.getpid())
    assert me is not None
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("signalled a stranger"))
    Process(me.pid, me.start_ticks - 1).send(signal.SIGTERM)


def test_the_holder_of_a_port_is_found_on_its_address_only() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listener("127.0.0.1", port) == os.getpid()
        assert listener("127.0.0.2", port) is None
    assert listener("127.0.0.1", port) is None


def test_a_listener_on_all_addresses_holds_ours_too() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        assert listener("127.0.0.1", server.getsockname()[1]) == os.getpid()
