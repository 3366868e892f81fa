"""One comment per stack on a pull request, whatever GitHub does meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from delivery.errors import DeliveryError, UsageError
from delivery.github import Account, Outcome, Posted, PullRequests
from tests.delivery.fake_github import TOKEN, FakeGitHub, Trouble, serve

MARKER = "<!-- inssa-preview: real -->"


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with serve() as fake:
        fake.pulls[7] = []
        yield fake


@pytest.fixture
def pauses() -> list[float]:
    return []


def post(github: FakeGitHub, pauses: list[float], body: str = f"{MARKER}\nnew", *, create: bool = True) -> Posted:
    account = Account(repository="o/r", token=TOKEN, api=github.url)
    with PullRequests(account, sleep=pauses.append) as pulls:
        return pulls.comment(7, MARKER, body, create=create)


def test_the_comment_is_found_on_the_last_page_and_edited_in_place(github: FakeGitHub, pauses: list[float]) -> None:
    for number in range(250):
        github.add(7, f"comment {number} mentions {MARKER} in passing")
    github.add(7, f"{MARKER}\r\nold")
    assert post(github, pauses).outcome is Outcome.EDITED
    assert [body for body in github.bodies(7) if body.startswith(MARKER)] == [f"{MARKER}\nnew"]
    assert post(github, pauses).outcome is Outcome.UNCHANGED


def test_another_stacks_comment_and_somebody_elses_copy_are_left_alone(github: FakeGitHub, pauses: list[float]) -> None:
    github.add(7, "<!-- inssa-preview: stage -->\nstage")
    github.foreign.add(github.add(7, f"{MARKER}\ncopied"))
    assert post(github, pauses).outcome is Outcome.CREATED
    assert github.bodies(7) == ["<!-- inssa-preview: stage -->\nstage", f"{MARKER}\ncopied", f"{MARKER}\nnew"]


def test_a_creation_that_was_not_answered_is_not_repeated(github: FakeGitHub, pauses: list[float]) -> None:
    github.troubles.append(Trouble("POST", 502, after=True))
    assert post(github, pauses).outcome is Outcome.UNCHANGED
    assert github.bodies(7) == [f"{MARKER}\nnew"]


@pytest.mark.parametrize(
    ("trouble", "least"),
    [
        (Trouble("GET", 502), 0.7),
        (Trouble("GET", 403, {"retry-after": "17"}), 17),
        (Trouble("POST", 403, message="You have exceeded a secondary rate limit."), 60),
        (Trouble("POST", 429), 60),
        (Trouble("GET", 403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "in 90 s"}), 60),
    ],
    ids=["outage", "retry-after", "secondary", "too-many", "primary"],
)
def test_limits_and_outages_are_waited_out(
    github: FakeGitHub, pauses: list[float], trouble: Trouble, least: float
) -> None:
    # A reset is a point in time: it counts from now, not from when the cases were listed.
    headers = {name: str(int(time.time()) + 90) if name.endswith("reset") else v for name, v in trouble.headers.items()}
    github.troubles.append(replace(trouble, headers=headers))
    assert post(github, pauses).outcome is Outcome.CREATED
    assert len(pauses) == 1
    assert pauses[0] >= least


def test_patience_ends_with_an_error_that_says_so(github: FakeGitHub, pauses: list[float]) -> None:
    github.troubles += [Trouble("GET", 500)] * 60
    with pytest.raises(DeliveryError, match=r"GitHub answered 500: .* Run it again later"):
        post(github, pauses)
    assert sum(pauses) <= 600


def test_nothing_is_created_on_request_but_an_old_comment_is_edited(github: FakeGitHub, pauses: list[float]) -> None:
    assert post(github, pauses, create=False) == Posted(outcome=Outcome.SKIPPED, url="")
    github.add(7, f"{MARKER}\nold")
    assert post(github, pauses, create=False).outcome is Outcome.EDITED


def test_what_a_person_must_mend_is_said_at_once(
    github: FakeGitHub, tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Account(repository="o/r", token=TOKEN, api=github.url)
    with PullRequests(account, sleep=pauses.append) as pulls, pytest.raises(UsageError, match="pull request 8: o/r"):
        pulls.comment(8, MARKER, "body")
    wrong = Account(repository="o/r", token="wrong", api=github.url)
    with PullRequests(wrong, sleep=pauses.append) as pulls, pytest.raises(UsageError, match="refuses it"):
        pulls.comment(7, MARKER, "body")
    with pytest.raises(UsageError, match="over https only"):
        Account(repository="o/r", token=TOKEN, api="http://api.example.org")
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    with pytest.raises(UsageError, match="GITHUB_TOKEN is not set"):
        Account.of_environment("o/r", tmp_path)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    with pytest.raises(UsageError, match="want owner/name"):
        Account.of_environment("o", tmp_path)
    assert pauses == []
    assert TOKEN not in repr(account)
