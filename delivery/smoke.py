"""The shortest test from outside: every address of a stack answers as the version that it was given."""

from __future__ import annotations

import time

from delivery.answers import get
from delivery.state import State, Track

_PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.2
_PUBLIC, _PREVIEW, _JENKINS = "public", "preview", "jenkins"
_PATHS = ("/readyz", "/")


def problem(now: State, patience: float = _PATIENCE_SECONDS) -> str | None:
    """What is wrong with the first address that does not answer rightly within `patience` seconds, or None."""
    deadline = time.monotonic() + patience
    while found := _problem(now):
        if time.monotonic() >= deadline:
            return found
        time.sleep(_PAUSE_SECONDS)
    return None


def _problem(now: State) -> str | None:
    for name, url in now.addresses.items():
        if name == _JENKINS:
            continue
        serving = {track.name: str(track.version) for track in _expected(name, now.tracks)}
        for path in _PATHS:
            answer = get(url, path)
            if answer.status != 200:
                return f"{url}{path} answers {answer.status or answer.error}"
            if serving.get(answer.track) != answer.version:
                want = " or ".join(f"{version} on {track}" for track, version in serving.items())
                return f"{url}{path} answers as {answer}, want {want}"
    return None


def _expected(address: str, tracks: tuple[Track, ...]) -> list[Track]:
    if address == _PUBLIC:
        return [track for track in tracks if track.weight]
    if address == _PREVIEW:
        newest = max((track.version for track in tracks), default=None)
        return [track for track in tracks if track.version == newest]
    return [track for track in tracks if track.name == address]
