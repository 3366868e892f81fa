"""What is new in 2.x, on a database that 2.x made by itself, and the experiment on top of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from inssaservice import releases
from inssaservice.v2 import dates
from inssaservice.v2.web import initial

from tests.app.tracks import HOST_CODE, Api, Browser, Track, get

NewTrack = Callable[..., Track]


@pytest.fixture(scope="module")
def second(new_track: NewTrack) -> Track:
    track = new_track(version="v2.0.0", release="v2")
    assert track.run("migrate") == 0
    return track


@pytest.fixture(scope="module")
def address(second: Track) -> Iterator[str]:
    with second.serving() as address:
        yield address


@pytest.fixture
def host(address: str) -> Iterator[Api]:
    with Api(address, HOST_CODE) as host:
        yield host


@pytest.fixture
def browser(address: str) -> Iterator[Browser]:
    with Browser(address) as browser:
        yield browser


@pytest.mark.parametrize(
    ("seconds", "english", "korean"),
    [
        (-5, "1 second ago", "1초 전"),
        (59, "59 seconds ago", "59초 전"),
        (119, "1 minute ago", "1분 전"),
        (3 * 3600 + 5, "3 hours ago", "3시간 전"),
        (6 * 86400 + 86399, "6 days ago", "6일 전"),
        (7 * 86400, "Nov 17, 2026", "2026. 11. 17."),
    ],
)
def test_dates_are_told_as_people_do(seconds: int, english: str, korean: str) -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert dates.ago(now - timedelta(seconds=seconds), "en", now) == english
    assert dates.ago(now - timedelta(seconds=seconds), "ko", now) == korean


@pytest.mark.parametrize(("name", "letter"), [("ada", "A"), ("민지", "민"), ("✨ zoe", "Z"), ("✨", "✨")])
def test_the_letter_of_an_avatar(name: str, letter: str) -> None:
    assert initial(name) == letter


def test_a_member_reacts_changes_and_takes_back(browser: Browser, host: Api) -> None:
    moment = host.post_moment("react to me")
    browser.sign_in(host.invite("Reacts"))

    def reactions() -> dict[str, int]:
        return {kind: count for kind, count in host.feed()[moment]["reactions"].items() if count}

    for kind, expected in (("heart", {"heart": 1}), ("sad", {"sad": 1}), ("sad", {})):
        assert browser.submit(f"/moments/{moment}/thumbs-up", kind=kind).status_code == 200
        assert reactions() == expected
    assert browser.submit(f"/moments/{moment}/thumbs-up", kind="<b>").status_code == 422
    own = browser.post_moment("mine")
    assert browser.submit(f"/moments/{own}/thumbs-up", kind="heart").status_code == 409


def test_an_unknown_kind_is_refused_by_the_api(host: Api) -> None:
    assert host.put("/api/v1/moments/1/reaction", json={"kind": "rocket"}).status_code == 422


def test_a_profile_is_changed_and_its_rules_are_told(browser: Browser, host: Api) -> None:
    browser.sign_in(host.invite("Old Name"))
    browser.post_moment("see my name")
    assert "@oldname-" in browser.page.text
    page = browser.submit("/profile", name="새 이름", handle="@New_Handle").text
    assert "새 이름" in page
    assert "@new_handle" in page
    for fields, told in (
        ({"name": "x", "handle": "host"}, "Somebody else has this handle."),
        ({"name": "x", "handle": "a"}, "A handle has 2 to 20"),
        ({"name": "x", "handle": "with-dash"}, "A handle has 2 to 20"),
        ({"name": "x", "handle": "한글"}, "A handle has 2 to 20"),
        ({"name": " ", "handle": "fine"}, "Please give a name."),
    ):
        answer = browser.submit("/profile", **fields)
        assert answer.status_code == 422
        assert told in answer.text
    assert "새 이름" in browser.visit().text


def test_a_derived_handle_may_be_kept_when_the_name_changes(browser: Browser, host: Api) -> None:
    browser.sign_in(host.invite("Keeps Handle"))
    handle = browser.page.text.split('name="handle" value="')[1].split('"')[0]
    assert browser.submit("/profile", name="Renamed", handle=handle).status_code == 200
    assert f"@{handle}" in browser.page.text


def test_a_newcomer_may_be_given_a_handle_that_is_free(browser: Browser, host: Api) -> None:
    browser.sign_in(HOST_CODE)
    assert 'class="code"' in browser.submit("/invitations", name="Zoe", handle="zoe").text
    browser.visit()
    assert "Somebody else has this handle." in browser.submit("/invitations", name="Zoe", handle="zoe").text
    taken = host.post("/api/v1/invitations", json={"name": "Zoe", "handle": "zoe"})
    assert (taken.status_code, taken.json()["code"]) == (422, "handle_taken")


def test_the_page_is_in_korean_too(browser: Browser, host: Api) -> None:
    host.post_moment("언제였지")
    browser.headers["accept-language"] = "ko"
    page = browser.sign_in(host.invite("민지")).text
    assert "초 전</time>" in page
    assert 'aria-label="사랑해요"' in page


def test_the_schema_can_be_contracted_when_2_0_made_it(new_track: NewTrack) -> None:
    track = new_track(version="v2.0.0", release="v2")
    assert track.run("migrate") == 0
    assert track.run("contract") == 0
    with track.serving() as address:
        assert track.with_(verify_url=address, verify_host="x").run("verify") == 0


class TestExperiment:
    def test_it_shows_the_moment_with_most_reactions_on_top(self, second: Track, host: Api) -> None:
        best = host.post_moment("the best one")
        host.post_moment("a later one")
        canary = second.with_(version="v2.1.0", release="v2_1")
        with canary.serving() as address, Browser(address) as browser:
            code = host.invite("Likes")
            browser.sign_in(code)
            with Api(address, code) as api:
                api.put(f"/api/v1/moments/{best}/reaction", json={"kind": "heart"}).raise_for_status()
            page = browser.visit().text
            card = page[page.index('class="best"') : page.index("</section>")]
            assert "Moment of the day" in card
            assert "the best one" in card
            browser.submit("/language", to="ko")
            assert "오늘의 순간" in browser.visit().text
            assert get(f"{address}/readyz").status_code == 200
            assert canary.run("migrate") == 0

    def test_2_0_knows_nothing_of_it(self, browser: Browser) -> None:
        assert "Moment of the day" not in browser.sign_in(HOST_CODE).text


def test_an_image_serves_the_newest_line_it_holds() -> None:
    assert releases.load({}).line == "v2_1"
    assert releases.load({"INSSA_RELEASE": "v1"}).line == "v1"
