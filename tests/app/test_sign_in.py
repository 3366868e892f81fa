"""Who gets in, who stays in, and which forms are believed."""

import re
from collections.abc import Callable

import pytest
from inssaservice import rate_limit

from tests.app.tracks import HOST_CODE, Api, Browser, Track, get, post


def signed_in(browser: Browser) -> bool:
    return 'action="/sign-out"' in browser.visit().text


def test_a_member_signs_in_and_out(browser: Browser, code: str) -> None:
    assert browser.sign_in(code).status_code == 200
    assert signed_in(browser)
    browser.submit("/sign-out")
    assert not signed_in(browser)


def test_white_space_around_a_pasted_code_does_not_matter(browser: Browser, code: str) -> None:
    browser.sign_in(f"  {code}\n")
    assert signed_in(browser)


def test_signing_out_ends_the_session_and_not_only_the_cookie(browser: Browser, code: str) -> None:
    browser.sign_in(code)
    stolen = browser.cookies["inssa-session"]
    browser.submit("/sign-out")
    browser.cookies.set("inssa-session", stolen)
    assert not signed_in(browser)


def test_a_wrong_code_is_refused_in_words(browser: Browser) -> None:
    answer = browser.sign_in("no-such-code-at-all")
    assert answer.status_code == 403
    assert "not valid" in answer.text
    assert "inssa-session" not in browser.cookies


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: Browser, code: str) -> None:
    proof = re.search(r'name="proof" value="(\w+)"', browser.visit().text)
    assert proof is not None
    answer = browser.post("/sign-in", data={"proof": proof[1], "code": code})
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("inssa-session="))
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    browser.cookies.clear()
    browser.visit()
    proof = re.search(r'name="proof" value="(\w+)"', browser.page.text)
    assert proof is not None
    behind_tls = {"x-forwarded-proto": "https"}
    answer = browser.post("/sign-in", data={"proof": proof[1], "code": code}, headers=behind_tls)
    assert all("Secure" in c for c in answer.headers.get_list("set-cookie") if c.startswith("inssa-session="))


CHANGES: dict[str, Callable[[str], str]] = {
    "shorter": lambda value: value[:-1],
    "another id": lambda value: ("1" if value[0] == "0" else "0") + value[1:],
    "made up": lambda _: "x.y",
    "not ASCII": lambda _: "é",
    "no signature": lambda value: value.split(".")[0],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_tampered_session_is_no_session(browser: Browser, code: str, change: Callable[[str], str]) -> None:
    browser.sign_in(code)
    value = browser.cookies["inssa-session"]
    raw = f"inssa-session={change(value)}".encode()
    assert b'action="/sign-out"' not in get(browser.base_url, headers=[(b"cookie", raw)]).content


def test_cookie_and_bearer_token_are_not_interchangeable(browser: Browser, member: Api, code: str) -> None:
    browser.sign_in(code)
    as_token = {"authorization": f"Bearer {browser.cookies['inssa-session']}"}
    assert get(f"{browser.base_url}/api/v1/feed", headers=as_token).status_code == 401
    token = member.headers["authorization"].removeprefix("Bearer ")
    with Browser(browser.base_url) as other:
        other.cookies.set("inssa-session", token)
        assert not signed_in(other)


@pytest.mark.parametrize(
    "action",
    ["/moments", "/moments/1/delete", "/moments/1/thumbs-up", "/invitations", "/language", "/sign-out"],
)
def test_a_form_without_its_proof_changes_nothing(browser: Browser, code: str, action: str) -> None:
    browser.sign_in(code)
    fields = {"text": "forged", "name": "forged", "to": "ko"}
    for proof in ({}, {"proof": ""}, {"proof": "é"}, {"proof": "0" * 64}):
        assert browser.post(action, data={**fields, **proof}).status_code == 403
    assert signed_in(browser)
    assert "forged" not in browser.page.text


def test_a_proof_is_good_for_its_own_session_only(browser: Browser, code: str, address: str) -> None:
    browser.sign_in(code)
    foreign = re.search(r'name="proof" value="(\w+)"', browser.page.text)
    assert foreign is not None
    with Browser(address) as other:
        other.sign_in(HOST_CODE)
        assert other.post("/moments", data={"proof": foreign[1], "text": "forged"}).status_code == 403
    with Browser(address) as visitor:
        visitor.visit()
        assert visitor.post("/sign-in", data={"proof": foreign[1], "code": code}).status_code == 403
        assert "inssa-session" not in visitor.cookies


def test_sign_in_needs_the_proof_so_nobody_is_signed_in_as_another(browser: Browser, code: str) -> None:
    assert browser.post("/sign-in", data={"code": code}).status_code == 403
    assert "inssa-session" not in browser.cookies


class TestRateLimit:
    def test_failures_from_one_address_are_limited_and_others_are_not(self, address: str, code: str) -> None:
        def attempt(value: str, forwarded: str) -> int:
            headers = {"x-forwarded-for": forwarded}
            return post(f"{address}/api/v1/sign-in", json={"code": value}, headers=headers).status_code

        for number in range(rate_limit.FAILURES):
            # What the client itself claims stands on the left and does not count.
            assert attempt(f"wrong-{number}", f"198.51.100.{number}, 203.0.113.7") == 403
        assert attempt("wrong", "203.0.113.7") == 429
        assert attempt(code, "203.0.113.7") == 429
        assert attempt(code, "203.0.113.8") == 200

    def test_the_page_says_so_in_words(self, browser: Browser) -> None:
        browser.headers["x-forwarded-for"] = "203.0.113.9"
        answers = [browser.sign_in("wrong") for _ in range(rate_limit.FAILURES + 1)]
        assert answers[-1].status_code == 429
        assert "wait five minutes" in answers[-1].text

    def test_no_address_is_stored(self, track: Track, address: str) -> None:
        headers = {"x-forwarded-for": "203.0.113.77"}
        post(f"{address}/api/v1/sign-in", json={"code": "wrong"}, headers=headers)
        rows = track.sql("SELECT encode(client, 'escape') FROM sign_in_failure")
        assert rows
        assert not any("203.0.113.77" in str(row) for row in rows)


def test_codes_are_stored_as_hashes_only(track: Track, code: str) -> None:
    dump = str(track.sql("SELECT member::text, encode(code_hash, 'escape') FROM member"))
    assert code not in dump
    assert HOST_CODE not in dump
