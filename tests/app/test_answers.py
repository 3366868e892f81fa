"""What every answer bears, the probes, languages, and what the logs do not hold."""

import json
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.app.tracks import HOST_CODE, VERIFIER_CODE, Api, Browser, Track, get, post, request


def raw(address: str, request: bytes) -> bytes:
    url = httpx.URL(address)
    with socket.create_connection((url.host, url.port), timeout=5) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def assert_ours(answer: httpx.Response, track: Track) -> None:
    assert answer.headers["inssa-version"] == track.environment["INSSA_VERSION"]
    assert answer.headers["inssa-track"] == track.environment["INSSA_TRACK"]
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
    assert answer.headers["x-content-type-options"] == "nosniff"


class TestHeaders:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/", 200),
            ("GET", "/favicon.svg", 200),
            ("GET", "/healthz", 200),
            ("GET", "/readyz", 200),
            ("GET", "/metrics", 200),
            ("GET", "/api/v1/openapi.json", 200),
            ("GET", "/api/v1/feed", 401),
            ("POST", "/moments", 303),
            ("GET", "/nothing", 404),
            ("GET", "/api/v1/nothing", 404),
            ("DELETE", "/", 405),
            ("POST", "/api/v1/sign-in", 422),
        ],
    )  # fmt: skip
    def test_every_answer_says_who_gave_it(
        self, track: Track, address: str, method: str, path: str, status: int
    ) -> None:
        answer = request(method, f"{address}{path}")
        assert answer.status_code == status
        assert_ours(answer, track)

    def test_also_an_answer_to_what_is_no_http(self, track: Track, address: str) -> None:
        answer = raw(address, b"\x00 nonsense\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400")
        assert f"inssa-track: {track.environment['INSSA_TRACK']}".encode() in answer.lower()

    def test_also_an_answer_to_a_body_that_is_too_large(self, track: Track, address: str) -> None:
        answer = post(f"{address}/sign-in", data={"code": "x" * 20_000})
        assert answer.status_code == 413
        assert_ours(answer, track)

    def test_also_when_we_fail(self, new_track: Callable[..., Track], log: Path) -> None:
        track = new_track()
        track.run("migrate")
        with track.serving() as address, Api(address, HOST_CODE) as host, Browser(address) as browser:
            browser.sign_in(HOST_CODE)
            track.sql("DROP TABLE moment CASCADE")
            for answer in (host.get("/api/v1/feed"), browser.get("/")):
                assert answer.status_code == 500
                assert_ours(answer, track)
                assert "moment" not in answer.text.replace("in a moment", "")
        failure = next(line for line in log.read_text().splitlines() if "request failed" in line)
        assert "UndefinedTable" in json.loads(failure)["exception"]

    def test_a_request_id_is_kept_when_it_is_one(self, address: str) -> None:
        for given, kept in (("abc-123", True), ("a b", False), ("x" * 65, False)):
            answer = get(address, headers={"x-request-id": given})
            assert (answer.headers["x-request-id"] == given) is kept

    def test_pages_may_load_nothing_from_elsewhere_and_run_no_script(self, browser: Browser) -> None:
        page = browser.visit()
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "script" not in page.text
        assert not re.search(r'(src|href)="(https?:)?//', page.text)
        assert page.headers["cache-control"] == "no-store"


class TestSideOfATest:
    def test_the_side_is_kept_in_a_cookie_while_a_test_runs(self, track: Track, address: str) -> None:
        answer = get(address, headers={"inssa-test": "idea-7"})
        sides = [c for c in answer.headers.get_list("set-cookie") if c.startswith("inssa-side")]
        assert sides == [f"inssa-side=idea-7.{track.environment['INSSA_TRACK']}; Path=/; HttpOnly; SameSite=Lax"]

    @pytest.mark.parametrize("identifier", [None, "a;b", "a b", "", "x" * 65])
    def test_otherwise_there_is_none(self, address: str, identifier: str | None) -> None:
        headers = {} if identifier is None else {"inssa-test": identifier}
        assert "inssa-side" not in str(get(address, headers=headers).headers.get_list("set-cookie"))


class TestBadge:
    def test_outside_real_the_page_says_where_one_is(self, browser: Browser, track: Track) -> None:
        assert f"stage · {track.environment['INSSA_TRACK']} · v1.0.0" in browser.visit().text

    def test_in_real_it_does_not(self, track: Track) -> None:
        with track.with_(phase="real").serving() as address:
            assert 'class="badge"' not in get(address).text


class TestLanguage:
    @pytest.mark.parametrize(
        ("accepted", "language"),
        [
            ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
            ("en-US,en;q=0.9,ko;q=0.8", "en"),
            ("fr,de;q=0.5", "en"),
            ("en;q=0.1,ko;q=0.2", "ko"),
            ("ko;q=0", "en"),
            ("ko;q=x,;;,", "en"),
            ("", "en"),
        ],
    )
    def test_the_browser_decides(self, address: str, accepted: str, language: str) -> None:
        page = get(address, headers={"accept-language": accepted})
        assert f'<html lang="{language}">' in page.text
        assert page.headers["content-language"] == language

    def test_the_switch_wins_and_stays(self, browser: Browser, code: str) -> None:
        browser.headers["accept-language"] = "en"
        browser.visit()
        assert "초대 코드" in browser.submit("/language", to="ko").text
        assert "나의 순간" in browser.sign_in(code).text
        assert "Your moment" in browser.submit("/language", to="en").text
        assert "Your moment" in browser.submit("/language", to="xx").text

    def test_problems_are_told_in_the_visitors_language(self, address: str) -> None:
        korean = {"accept-language": "ko"}
        assert "아무것도 없습니다" in get(f"{address}/nothing", headers=korean).text
        assert "로그인" in get(f"{address}/api/v1/feed", headers=korean).json()["detail"]


def test_metrics_count_answers_by_status_and_version(track: Track, address: str) -> None:
    def count() -> float:
        text = get(f"{address}/metrics").text
        label = f'{{status="404",track="{track.environment["INSSA_TRACK"]}",version="v1.0.0"}}'
        found = re.search(rf"^inssa_requests_total{re.escape(label)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0

    before = count()
    get(f"{address}/nothing")
    assert count() == before + 1
    assert "inssa_request_seconds_bucket" in get(f"{address}/metrics").text


def test_logs_are_json_with_the_request_id_and_hold_no_secret(address: str, code: str, log: Path) -> None:
    before = len(log.read_text())
    with Browser(address) as browser:
        browser.sign_in(code)
        cookie = browser.cookies["inssa-session"]
        browser.get(f"/nothing?code={code}")
    with Api(address, VERIFIER_CODE) as api:
        token = api.headers["authorization"].removeprefix("Bearer ")
        api.get("/api/v1/feed")
        answer = api.post("/api/v1/sign-in", json={"code": HOST_CODE * 20})
    # The line is written after the answer.
    deadline = time.monotonic() + 5
    while answer.headers["x-request-id"] not in (output := log.read_text()[before:]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert all("event" in json.loads(line) for line in output.splitlines())
    for secret in (code, cookie, token, VERIFIER_CODE, HOST_CODE, cookie.split(".")[0]):
        assert secret not in output
