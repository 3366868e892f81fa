"""A process as Kubernetes runs it: SIGTERM, kept-alive connections, a database that restarts."""

import http.client
import signal
import socket
import time
from collections.abc import Callable

import httpx
import pytest

from tests.app.tracks import HOST_CODE, Api, Track
from tests.app.tracks import get as fetch


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_until_ready(port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if fetch(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    pytest.fail(f"not ready within {seconds} s")


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


def get(connection: http.client.HTTPConnection, path: str = "/healthz") -> http.client.HTTPResponse:
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    return response


def test_ending_loses_no_request(track: Track) -> None:
    port = free_port()
    with track.with_(drain_seconds="2").process(port) as process:
        wait_until_ready(port)
        kept = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        idle = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        for connection in (kept, idle):
            assert get(connection).headers["connection"] is None
        body = b'{"code": "wrong"}'
        slow = socket.create_connection(("127.0.0.1", port), timeout=10)
        head = (
            f"POST /api/v1/sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        )
        slow.sendall(head.encode() + b"\r\n\r\n" + body[:5])
        time.sleep(0.1)

        process.send_signal(signal.SIGTERM)
        # While draining: answered as ever, on kept and on new connections, and told to go elsewhere.
        while (answer := get(kept, "/readyz")).headers["connection"] != "close":
            time.sleep(0.01)
        assert answer.status == 200
        assert answer.headers["inssa-track"] == track.environment["INSSA_TRACK"]
        assert fetch(f"http://127.0.0.1:{port}/").headers["connection"] == "close"

        # After it: no new connection, but what is in flight is finished.
        while accepts(port):
            time.sleep(0.05)
        assert process.poll() is None
        slow.sendall(body[5:])
        assert slow.recv(65536).startswith(b"HTTP/1.1 403")
        assert process.wait(20) == 0
        assert idle.sock is not None
        assert idle.sock.recv(1) == b""
    hosts = track.sql("SELECT instance FROM serving WHERE instance LIKE %s", f"%:{port}")
    assert hosts == []


def test_a_second_signal_ends_the_waiting(track: Track) -> None:
    port = free_port()
    with track.with_(drain_seconds="30").process(port) as process:
        wait_until_ready(port)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_connections_are_kept_for_longer_than_a_load_balancer_keeps_them(track: Track) -> None:
    from inssaservice import releases, server, settings

    environment = track.environment
    made = server.make(settings.load(environment), releases.load(environment))
    assert made.config.timeout_keep_alive == 620


def test_a_restart_of_the_database_needs_no_restart_of_the_pod(new_track: Callable[..., Track]) -> None:
    track = new_track()
    assert track.run("migrate") == 0
    with track.serving() as address, Api(address, HOST_CODE) as host:
        host.post_moment("before")
        track.postgres.stop()
        try:
            assert host.get("/api/v1/feed").status_code == 503
            assert fetch(f"{address}/readyz").status_code == 503
            assert fetch(f"{address}/healthz").status_code == 200
            assert fetch(address).status_code == 200
        finally:
            track.postgres.start()
        assert fetch(f"{address}/readyz").status_code == 200
        assert len(host.feed()) == 1
        host.post_moment("after")


def test_a_pod_holds_no_more_connections_than_its_share(track: Track, address: str) -> None:
    import concurrent.futures

    with concurrent.futures.ThreadPoolExecutor(16) as pool, Api(address, HOST_CODE) as host:
        statuses = list(pool.map(lambda _: host.get("/api/v1/feed").status_code, range(80)))
    assert set(statuses) == {200}
    app = track.environment["INSSA_DATABASE_APP_USER"]
    (count,) = track.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", app)[0]
    assert isinstance(count, int)
    assert 1 <= count <= 4


def test_serving_processes_are_registered(track: Track, address: str) -> None:
    del address
    rows = track.sql("SELECT version, track FROM serving WHERE seen_at > now() - interval '40 s'")
    assert ("v1.0.0", track.environment["INSSA_TRACK"]) in rows
