"""`verify`: whether a track works, asked from outside through the gateway.

Only the standard library's HTTP client: a Job starts in a fraction of a second.
"""

from __future__ import annotations

import http.client
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from inssaservice.errors import Failure, SettingsError
from inssaservice.settings import Settings, VerifySettings

_ATTEMPT_SECONDS: Final = 5.0
# The gateway has more than one worker, and each learns of a new route by itself.
_STEADY_ANSWERS: Final = 5


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: str

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class _Gateway:
    """Sends each request on a connection of its own, as most members' first requests are."""

    target: VerifySettings
    version: str
    track: str
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: object = None) -> _Answer:
        parts = urlsplit(self.target.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc, timeout=_ATTEMPT_SECONDS)
        headers = {"Host": self.target.host, "Connection": "close", **self.headers}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return _Answer(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read().decode("utf-8", "replace"),
            )
        finally:
            connection.close()

    def misplaced(self, answer: _Answer) -> str | None:
        """Who answered instead of the wanted track."""
        found = answer.headers.get("inssa-version"), answer.headers.get("inssa-track")
        if found == (self.version, self.track):
            return None
        return "no InssaService" if found == (None, None) else f"version {found[0]} of track {found[1]}"

    def expect(self, method: str, path: str, status: int, body: object = None) -> _Answer:
        """One request of the check; Failure when it is answered by another track or with another status."""
        where = f"{method} {path} on {self.target.host}"
        try:
            answer = self.ask(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"{where} failed: {error or type(error).__name__}") from None
        if other := self.misplaced(answer):
            raise Failure(f"{where} was answered by {other}, expected {self.version} of track {self.track}")
        if answer.status != status:
            reason = (
                answer.body.strip().splitlines()[0][:200]
                if "text/html" not in answer.headers.get("content-type", "") and answer.body.strip()
                else "no reason given"
            )
            raise Failure(f"{where} was answered {answer.status}, expected {status}: {reason}")
        return answer


def verify(settings: Settings) -> None:
    """Wait until the track answers, then use it as a member who is hidden from all others."""
    target = settings.verify
    if target is None:
        raise SettingsError("INSSA_VERIFY_URL is not set: set the gateway, for example http://10.0.0.1:8080")
    code = settings.secrets.read("verifier_code")
    gateway = _Gateway(target, settings.version, settings.track)
    started = time.monotonic()
    _wait(gateway, started + target.seconds)
    gateway.expect("GET", "/readyz", 200)
    if 'action="/sign-in"' not in gateway.expect("GET", "/", 200).body:
        raise Failure(f"GET / on {target.host} shows no sign-in form")
    token = gateway.expect("POST", "/api/v1/sign-in", 200, {"code": code}).json()["token"]
    member = _Gateway(target, settings.version, settings.track, {"Authorization": f"Bearer {token}"})
    text = f"verification {secrets.token_hex(8)}"
    moment = member.expect("POST", "/api/v1/moments", 201, {"text": text}).json()["id"]
    try:
        if text not in _feed(member).values():
            raise Failure(f"the moment posted on {target.host} is not in the feed")
    finally:
        member.expect("DELETE", f"/api/v1/moments/{moment}", 204)
    if moment in _feed(member):
        raise Failure(f"the moment deleted on {target.host} is still in the feed")
    member.expect("POST", "/api/v1/sign-out", 204)
    member.expect("GET", "/api/v1/feed", 401)
    print(f"{settings.version} of track {settings.track} works on {target.host} ({time.monotonic() - started:.1f} s)")


def _feed(member: _Gateway) -> dict[int, str]:
    return {moment["id"]: moment["text"] for moment in member.expect("GET", "/api/v1/feed", 200).json()["moments"]}


def _wait(gateway: _Gateway, deadline: float) -> None:
    steady = 0
    found = "nothing"
    while steady < _STEADY_ANSWERS:
        if time.monotonic() >= deadline:
            target = gateway.target
            raise Failure(
                f"{target.host} at {target.url} did not reach {gateway.version} of track {gateway.track} within"
                f" {target.seconds:g} s: last answered by {found}"
            )
        try:
            answer = gateway.ask("GET", "/readyz")
            other = gateway.misplaced(answer)
        except (OSError, http.client.HTTPException) as error:
            other = f"an error ({error or type(error).__name__})"
        else:
            if other is None and answer.status != 200:
                other = f"the track, not ready ({answer.body.strip()[:200]})"
        if other is None:
            steady += 1
        else:
            steady, found = 0, other
            time.sleep(0.2)
