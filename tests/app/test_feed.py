"""Reading, writing and thumbs-ups, through the page and through the API."""

import unicodedata

import pytest
from inssaservice.v1 import queries

from tests.app.tracks import VERIFIER_CODE, Api, Browser, get


def test_a_moment_is_posted_read_and_removed(browser: Browser, code: str, host: Api) -> None:
    browser.sign_in(code)
    moment = browser.post_moment("오늘 첫 눈이 왔어요")
    assert "오늘 첫 눈이 왔어요" in browser.visit().text
    assert host.feed()[moment]["author"]["name"] == "Newcomer"
    browser.submit(f"/moments/{moment}/delete")
    assert moment not in host.feed()


def test_what_members_write_is_never_markup(browser: Browser, host: Api) -> None:
    browser.sign_in(host.invite("<b>Bold</b>"))
    moment = browser.post_moment("<script>alert(1)</script>")
    assert "<script>" not in browser.visit().text
    assert "&lt;script&gt;" in browser.page.text
    assert "&lt;b&gt;Bold" in browser.page.text
    host.delete(f"/api/v1/moments/{moment}")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("가" * 280, 201),
        (unicodedata.normalize("NFD", "각" * 280), 201),
        ("👍" * 280, 201),
        ("a\r\nb", 201),
        ("a" * 281, 422),
        (" \n ", 422),
        ("a\x00b", 422),
        ("a\u202eb", 422),
    ],
)
def test_the_length_and_characters_of_a_moment(member: Api, text: str, status: int) -> None:
    assert member.post("/api/v1/moments", json={"text": text}).status_code == status


def test_a_lone_surrogate_is_refused_and_not_an_error_of_ours(member: Api) -> None:
    broken = rb'{"text": "\ud800"}'
    answer = member.post("/api/v1/moments", content=broken, headers={"content-type": "application/json"})
    assert answer.status_code == 422


def test_a_moment_that_is_too_long_comes_back_to_be_corrected(browser: Browser, code: str) -> None:
    browser.sign_in(code)
    answer = browser.submit("/moments", text="zu lang " * 40)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "zu lang zu lang" in answer.text


def test_a_thumbs_up_is_given_once_and_taken_back(browser: Browser, code: str, host: Api) -> None:
    moment = host.post_moment("for thumbs")
    browser.sign_in(code)
    browser.submit(f"/moments/{moment}/thumbs-up")
    assert host.feed()[moment]["thumbs_up"] == 1
    browser.submit(f"/moments/{moment}/thumbs-up")
    assert host.feed()[moment]["thumbs_up"] == 0


def test_giving_twice_through_the_api_counts_once(member: Api, host: Api) -> None:
    moment = host.post_moment("for one thumb")
    for _ in range(2):
        assert member.put(f"/api/v1/moments/{moment}/thumbs-up").status_code == 204
    mine = member.feed()[moment]
    assert (mine["thumbs_up"], mine["given"], mine["own"]) == (1, True, False)
    assert member.delete(f"/api/v1/moments/{moment}/thumbs-up").status_code == 204
    assert member.feed()[moment]["given"] is False


def test_nobody_thumbs_up_their_own_moment(member: Api) -> None:
    moment = member.post_moment("mine")
    assert member.put(f"/api/v1/moments/{moment}/thumbs-up").status_code == 409
    assert member.feed()[moment]["thumbs_up"] == 0


def test_nobody_removes_the_moment_of_another(member: Api, host: Api) -> None:
    moment = host.post_moment("stays")
    assert member.delete(f"/api/v1/moments/{moment}").status_code == 404
    assert moment in host.feed()


def test_the_verifier_is_visible_to_itself_only(address: str, member: Api) -> None:
    with Api(address, VERIFIER_CODE) as verifier:
        moment = verifier.post_moment("verification")
        assert moment in verifier.feed()
        assert moment not in member.feed()
        assert member.put(f"/api/v1/moments/{moment}/thumbs-up").status_code == 404
        verifier.delete(f"/api/v1/moments/{moment}")


def test_the_feed_is_the_newest_fifty(member: Api) -> None:
    posted = [member.post_moment(f"number {number}") for number in range(queries.FEED_LENGTH + 1)]
    found = list(member.feed())
    assert found == sorted(posted[1:], reverse=True)


def test_an_invitation_code_is_shown_once_and_works(browser: Browser, code: str, address: str) -> None:
    browser.sign_in(code)
    page = browser.submit("/invitations", name="  친구  ").text
    invited = page.split('<code class="code">')[1].split("</code>")[0]
    assert invited not in browser.visit().text
    with Browser(address) as friend:
        friend.sign_in(invited)
        friend.post_moment("hello from a friend")
    assert "친구" in browser.visit().text


class TestApi:
    def test_the_document_names_every_operation_and_how_to_sign_in(self, address: str) -> None:
        document = get(f"{address}/api/v1/openapi.json").json()
        operations = {f"{method} {path}" for path, item in document["paths"].items() for method in item}
        assert operations == {
            "post /api/v1/sign-in",
            "post /api/v1/sign-out",
            "get /api/v1/feed",
            "post /api/v1/moments",
            "delete /api/v1/moments/{moment_id}",
            "put /api/v1/moments/{moment_id}/thumbs-up",
            "delete /api/v1/moments/{moment_id}/thumbs-up",
            "post /api/v1/invitations",
        }
        assert {"type": "http", "scheme": "bearer"}.items() <= document["components"]["securitySchemes"][
            "HTTPBearer"
        ].items()

    def test_every_change_but_sign_in_asks_for_the_token(self, browser: Browser, code: str) -> None:
        browser.sign_in(code)
        document = browser.get("/api/v1/openapi.json").json()
        changes = [
            (method, path.replace("{moment_id}", "1"))
            for path, item in document["paths"].items()
            for method in item
            if method != "get" and not path.endswith("/sign-in")
        ]
        assert len(changes) == 6
        for method, path in changes:
            answer = browser.request(method, path, json={"text": "x", "name": "x"})
            assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in"), path
        assert browser.get("/api/v1/feed").status_code == 200

    @pytest.mark.parametrize("identifier", ["0", "-1", str(2**63), "x"])
    def test_an_impossible_id_is_told(self, member: Api, identifier: str) -> None:
        assert member.delete(f"/api/v1/moments/{identifier}").status_code == 422

    def test_the_page_takes_an_impossible_id_for_a_moment_that_is_gone(self, browser: Browser, code: str) -> None:
        browser.sign_in(code)
        assert browser.submit(f"/moments/{2**70}/delete").status_code == 404
