"""One comment per marker on a pull request, through GitHub's REST API.

The comment is found again by its marker on whichever page it is, and edited in
place. Limits and errors of the server are waited out: a primary limit until
`x-ratelimit-reset`, a secondary one for `retry-after` or a minute, a 5xx with
doubling pauses (docs.github.com, "Best practices for using the REST API").
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from delivery.errors import DeliveryError, UsageError

_API = "https://api.github.com"
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_REMOTE = re.compile(r"(?:@|//)[^/:]+[/:](?P<name>[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+?)(?:\.git)?/?$")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SECONDARY_PAUSE = 60.0
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


class Outcome(StrEnum):
    """What became of a comment."""

    CREATED = "created"
    EDITED = "edited"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    WRITTEN = "written"


@dataclass(frozen=True, kw_only=True)
class Posted:
    """A comment that stands now; `url` is empty if there is none."""

    outcome: Outcome
    url: str


@dataclass(frozen=True, kw_only=True)
class Account:
    """Where and as whom. The token is never printed, nor part of a command line or a file."""

    repository: str
    token: str
    api: str = _API

    def __post_init__(self) -> None:
        if not _REPOSITORY.fullmatch(self.repository):
            raise UsageError(f"repository: found {self.repository!r}, want owner/name: set GITHUB_REPOSITORY or --repo")
        url = urlsplit(self.api)
        if url.scheme != "https" and url.hostname not in _LOOPBACK:
            raise UsageError(f"GITHUB_API_URL: found {self.api!r}: a token is sent over https only")

    def __repr__(self) -> str:
        return f"Account(repository={self.repository!r}, api={self.api!r})"

    @classmethod
    def of_environment(cls, repository: str | None, folder: Path) -> Self:
        """GITHUB_TOKEN, GITHUB_API_URL, and the repository: given, GITHUB_REPOSITORY, or the remote `origin`.

        Raises UsageError if one is missing.
        """
        token = os.environ.get("GITHUB_TOKEN", "")
        if not token:
            raise UsageError(
                "GITHUB_TOKEN is not set: a comment needs a token that may write pull requests "
                "(in Jenkins a credential by id); or write to a file: --output FILE"
            )
        found = repository or os.environ.get("GITHUB_REPOSITORY") or _origin(folder)
        return cls(repository=found, token=token, api=os.environ.get("GITHUB_API_URL") or _API)


def _origin(folder: Path) -> str:
    result = subprocess.run(
        ["git", "remote", "get-url", "origin"], cwd=folder, capture_output=True, text=True, check=False
    )
    found = _REMOTE.search(result.stdout.strip())
    return found["name"] if found else ""


class _UncertainError(Exception):
    """A request that changes something was not answered; whether it was carried out is unknown."""


class PullRequests:
    """The pull requests of one repository. `patience` is how long limits and errors are waited out, in seconds."""

    def __init__(
        self,
        account: Account,
        *,
        patience: float = 600,
        sleep: Callable[[float], None] = time.sleep,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._account = account
        self._patience = patience
        self._sleep = sleep
        self._say = say
        self._client = httpx.Client(
            timeout=30,
            follow_redirects=False,
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {account.token}",
                "X-GitHub-Api-Version": "2022-11-28",
                "User-Agent": "inssa",
            },
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def comment(self, number: int, marker: str, body: str, *, create: bool = True) -> Posted:
        """Let the comment with `marker` say `body`; without `create`, only if there is one.

        Raises UsageError if the pull request does not exist or the token may not write,
        DeliveryError if GitHub does not answer in time.
        """
        self._require_pull_request(number)
        pauses = self._pauses()
        while True:
            try:
                return self._edit(number, marker, body) or self._create(number, body, create=create)
            except _UncertainError as error:
                # It may have been created: looking for it again keeps a second one away.
                self._pause(next(pauses), str(error))

    def _require_pull_request(self, number: int) -> None:
        response = self._request("GET", self._url(f"pulls/{number}"))
        if response.status_code == 404:
            raise UsageError(f"pull request {number}: {self._account.repository} has none, or the token may not see it")
        self._checked(response)

    def _edit(self, number: int, marker: str, body: str) -> Posted | None:
        for comment in self._comments(number):
            if not str(comment["body"]).lstrip().startswith(marker):
                continue
            url = str(comment["html_url"])
            # GitHub stores line ends as it likes.
            if str(comment["body"]).replace("\r\n", "\n").strip() == body.strip():
                return Posted(outcome=Outcome.UNCHANGED, url=url)
            response = self._request("PATCH", self._url(f"issues/comments/{comment['id']}"), {"body": body})
            if response.status_code in (403, 404):
                continue  # Somebody else's comment with our marker, or deleted meanwhile.
            self._checked(response)
            return Posted(outcome=Outcome.EDITED, url=url)
        return None

    def _create(self, number: int, body: str, *, create: bool) -> Posted:
        if not create:
            return Posted(outcome=Outcome.SKIPPED, url="")
        response = self._request("POST", self._url(f"issues/{number}/comments"), {"body": body}, repeatable=False)
        return Posted(outcome=Outcome.CREATED, url=str(self._checked(response)["html_url"]))

    def _comments(self, number: int) -> Iterator[dict[str, Any]]:
        url: str | None = self._url(f"issues/{number}/comments?per_page=100")
        while url:
            response = self._request("GET", url)
            yield from self._checked(response)
            url = self._next_page(response)

    def _next_page(self, response: httpx.Response) -> str | None:
        url = response.links.get("next", {}).get("url")
        if url and urlsplit(url).netloc != urlsplit(self._account.api).netloc:
            raise DeliveryError(f"GitHub names {urlsplit(url).netloc} as the next page's server; the token stays here")
        return url

    def _url(self, path: str) -> str:
        return f"{self._account.api.rstrip('/')}/repos/{self._account.repository}/{path}"

    def _checked(self, response: httpx.Response) -> Any:
        if response.is_success:
            return response.json()
        where = f"{response.request.method} {response.request.url.path}"
        if response.status_code == 401:
            raise UsageError("GITHUB_TOKEN: GitHub refuses it (401): it is wrong or has expired")
        if response.status_code in (403, 404):
            raise UsageError(
                f"GITHUB_TOKEN: may not {where} ({response.status_code}): it needs write access to pull requests"
            )
        raise DeliveryError(f"GitHub answered {response.status_code} to {where}: {_message(response)}")

    def _request(
        self, method: str, url: str, json: dict[str, Any] | None = None, *, repeatable: bool = True
    ) -> httpx.Response:
        pauses = self._pauses()
        while True:
            try:
                response = self._client.request(method, url, json=json)
            except httpx.ConnectError as error:
                self._pause(next(pauses), f"does not answer ({error})")
                continue
            except httpx.TransportError as error:
                if not repeatable:
                    raise _UncertainError(f"did not answer ({error})") from error
                self._pause(next(pauses), f"did not answer ({error})")
                continue
            limited = _limit_pause(response)
            if limited is not None:
                self._pause(max(limited, next(pauses)), f"limits requests ({response.status_code})")
            elif response.status_code >= 500:
                if not repeatable:
                    raise _UncertainError(f"answered {response.status_code}")
                self._pause(next(pauses), f"answered {response.status_code}")
            else:
                return response

    @staticmethod
    def _pauses() -> Iterator[float]:
        pause = _FIRST_PAUSE
        while True:
            yield pause * random.uniform(0.75, 1.25)  # noqa: S311 - spreads retries, keeps no secret
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _pause(self, seconds: float, why: str) -> None:
        if seconds > self._patience:
            raise DeliveryError(
                f"GitHub {why}: it wants a pause of {seconds:.0f} s, {self._patience:.0f} s of patience are left. "
                "Run it again later"
            )
        self._patience -= seconds
        self._say(f"GitHub {why}, trying again in {seconds:.0f} s")
        self._sleep(seconds)


def _limit_pause(response: httpx.Response) -> float | None:
    if response.status_code not in (403, 429):
        return None
    if after := response.headers.get("retry-after"):
        return float(after) if after.isdecimal() else _SECONDARY_PAUSE
    if response.headers.get("x-ratelimit-remaining") == "0":
        reset = response.headers.get("x-ratelimit-reset", "")
        return max(1.0, float(reset) - time.time()) if reset.isdecimal() else _SECONDARY_PAUSE
    if response.status_code == 429 or "secondary rate limit" in _message(response).lower():
        return _SECONDARY_PAUSE
    return None


def _message(response: httpx.Response) -> str:
    try:
        return str(response.json().get("message", ""))[:200]
    except (ValueError, AttributeError):
        return response.reason_phrase
