"""What each address of a stack must answer after a change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from delivery import smoke
from delivery.answers import Answer
from delivery.state import State, Track
from infra.version import Version

V1 = Track(name="v1-0-0", namespace="n", version=Version.parse("v1.0.0"), image="", replicas=10, weight=100)
V2 = Track(name="v2-0-0", namespace="n", version=Version.parse("v2.0.0"), image="", replicas=10)
REAL = State(
    stack="real",
    tracks=(V1, V2),
    addresses={name: f"http://{name}" for name in ("public", "preview", "v1-0-0", "v2-0-0", "jenkins")},
)
RIGHT = {
    "http://public": V1,
    "http://preview": V2,
    "http://v1-0-0": V1,
    "http://v2-0-0": V2,
}


def answering(monkeypatch: pytest.MonkeyPatch, tracks: dict[str, Track]) -> None:
    def get(url: str, path: str) -> Answer:
        assert path in ("/", "/readyz")
        return Answer(status=200, version=str(tracks[url].version), track=tracks[url].name)

    monkeypatch.setattr(smoke, "get", get)


def test_every_address_answers_as_what_it_stands_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, RIGHT)
    assert smoke.problem(REAL, patience=0) is None


def test_the_preview_of_a_stack_with_one_version_is_that_version(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {"http://public": V1, "http://preview": V1})
    one = replace(REAL, tracks=(V1,), addresses={name: f"http://{name}" for name in ("public", "preview")})
    assert smoke.problem(one, patience=0) is None


@pytest.mark.parametrize(("address", "other"), [("http://public", V2), ("http://preview", V1), ("http://v1-0-0", V2)])
def test_another_version_there_is_a_problem(monkeypatch: pytest.MonkeyPatch, address: str, other: Track) -> None:
    answering(monkeypatch, {**RIGHT, address: other})
    assert f"{address}/readyz answers as {other.version} on {other.name}" in str(smoke.problem(REAL, patience=0))


def test_an_address_that_no_track_stands_behind_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, RIGHT)
    nobody = replace(REAL, tracks=(V2,))
    assert "http://public/readyz answers as v1.0.0 on v1-0-0" in str(smoke.problem(nobody, patience=0))
    assert smoke.problem(replace(REAL, tracks=()), patience=0)
