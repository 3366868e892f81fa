"""The night of the story, by plain `pulumi up`, with users on the service all the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e import images
from tests.e2e.member import Member
from tests.e2e.stack import PulumiError, Stack
from tests.load import Load, Profile, Summary, run

V1, V2, FIXED, AB = "v1.0.0", "v2.0.0", "v2.0.9", "v2.1.0"
LIVE_1 = {"live": V1, "standby": None, "canary": None}
RELEASED = {"live": V2, "standby": V1, "canary": None}
ROLLED_BACK = {"live": V1, "standby": V2, "canary": None}
RETIRED = {"live": V2, "standby": None, "canary": None}
TEN = {"min": 10, "max": 10}
MIXED_SECONDS = 0.1
"""At most this long may both versions answer when the weights move."""


@pytest.fixture(scope="module")
def real(make_stack: Callable[[dict[str, Any]], Stack], platform: dict[str, str]) -> Stack:
    """Ten pods of 1.0, and images of what comes after."""
    for version in (V1, V2, FIXED, AB):
        images.build(version)
    images.build_broken(V2, "v2.0.1", "serve", platform)
    images.build_broken(V2, "v2.0.2", "verify", platform)
    images.build_broken(V2, "v2.0.3", "migrate", platform)
    stack = make_stack({"phase": "real", "scale": TEN, **LIVE_1})
    stack.up()
    return stack


@pytest.fixture
def at(real: Stack) -> Callable[..., Stack]:
    """Bring the stack to a known configuration, from wherever another test left it."""

    def bring(roles: dict[str, Any]) -> Stack:
        target = {**roles, "scale": TEN}
        live_now = max(weights(real), key=lambda track: weights(real)[track]) if weights(real) else ""
        if live_now == "v2-0-0" and roles["live"] == V1:
            real.change(**{**ROLLED_BACK, "scale": TEN})
            real.up()
        real.change(**target)
        real.up()
        return real

    return bring


def weights(stack: Stack) -> dict[str, int]:
    """The public weights, as the cluster has them."""
    routes = [r for r in stack.objects("httproutes") if r["metadata"]["name"] == "public"]
    return {ref["name"]: ref["weight"] for r in routes for ref in r["spec"]["rules"][-1]["backendRefs"]}


def between(load: Load, start: float, end: float) -> Summary:
    """The answers to requests sent in a span of time."""
    return Summary([answer for answer in load.answers if start <= answer.sent < end])


def test_release_rollback_release_again_and_retire_lose_no_request(at: Callable[..., Stack]) -> None:
    real = at(LIVE_1)
    marks = []
    with Load(real.target(), Profile(rate=150)) as load:
        time.sleep(2)
        for roles in (RELEASED, ROLLED_BACK, RELEASED, RETIRED):
            pods = set(real.ready_pods("v1-0-0"))
            marks.append(time.monotonic())
            real.change(**roles)
            real.up()
            if roles in (ROLLED_BACK, RETIRED):
                assert set(real.ready_pods("v1-0-0")) <= pods, "a way back or a retirement starts no pod"
        time.sleep(2)
        marks.append(time.monotonic())
    assert load.summary.failed == [], str(load.summary)
    for start, end, old, new in zip(marks, marks[1:3], (V1, V2), (V2, V1), strict=False):
        assert between(load, start, end).mixed_seconds(old, new) <= MIXED_SECONDS
    assert between(load, marks[-2] + 1, marks[-1]).by_version.keys() == {V2}
    assert len(real.ready_pods("v2-0-0")) == 10
    assert real.objects("deployments", "app.kubernetes.io/instance=v1-0-0") == []


def test_what_was_written_through_one_version_is_read_through_the_other(at: Callable[..., Stack]) -> None:
    real = at(RELEASED)
    member = Member(real.target(), real.output("invitations")[real.name])
    member.post("written through 2.0")
    at(ROLLED_BACK)
    assert "written through 2.0" in member.feed(), "the session and the moment survive the way back"
    member.post("written through 1.0")
    at(RELEASED)
    assert {"written through 1.0", "written through 2.0"} <= set(member.feed())


@pytest.mark.parametrize(
    ("version", "says"),
    [
        # The progress deadline of two minutes makes this one long.
        pytest.param("v2.0.1", "v2-0-1", marks=pytest.mark.faults),
        ("v2.0.2", "v2-0-2-verify-v2-0-2"),
        ("v2.0.3", "migrate-v2-0-3"),
    ],
    ids=["never-ready", "verification-fails", "migration-fails"],
)
def test_a_release_that_fails_moves_nothing(at: Callable[..., Stack], version: str, says: str) -> None:
    real = at(RETIRED)
    with Load(real.target(), Profile(rate=150)) as load:
        real.change(live=version, standby=V2)
        with pytest.raises(PulumiError) as error:
            real.up()
        assert weights(real) == {"v2-0-0": 100}
        real.change(**RETIRED)
        real.up()
    assert says in str(error.value)
    assert load.summary.failed == [], str(load.summary)
    assert load.summary.by_version.keys() == {V2}
    assert {d["metadata"]["name"] for d in real.objects("deployments")} == {"v2-0-0"}


@pytest.mark.faults
def test_the_fix_of_a_bad_version_takes_its_place_in_one_update(at: Callable[..., Stack]) -> None:
    real = at(RELEASED)
    with Load(real.target(), Profile(rate=150)) as load:
        real.change(**ROLLED_BACK)
        real.up()
        real.change(live=FIXED, standby=V1)
        real.up()
    assert load.summary.failed == [], str(load.summary)
    assert weights(real) == {"v2-0-9": 100, "v1-0-0": 0}
    assert {d["metadata"]["name"] for d in real.objects("deployments")} == {"v1-0-0", "v2-0-9"}
    real.change(live=V1, standby=FIXED)
    real.up()


def test_a_canary_gets_its_share_and_a_member_keeps_his_side(at: Callable[..., Stack]) -> None:
    real = at(RETIRED)
    live_pods = real.ready_pods("v2-0-0")
    with Load(real.target(), Profile(rate=150)) as load:
        real.change(canary={"version": AB, "weight": 10, "replicas": 2})
        real.up()
        started = time.monotonic()
        time.sleep(12)
        ended = time.monotonic()
        sides = {answer.track: answer for answer in between(load, started, ended).answers}
        real.change(canary={"version": AB, "weight": 0, "replicas": 2})
        real.up()
        off = time.monotonic()
        time.sleep(2)
        real.change(canary=None)
        real.up()
    during = between(load, started, ended)
    assert sides.keys() <= {"v2-0-0", "v2-1-0-canary"}
    low, high = binomial_interval(len(during.answers), 0.10)
    assert low <= during.by_version[AB] <= high
    assert between(load, off, time.monotonic()).by_version.keys() == {V2}
    assert load.summary.failed == [], str(load.summary)
    assert real.ready_pods("v2-0-0") == live_pods


def test_a_canarys_visitor_stays_there_while_the_test_runs(at: Callable[..., Stack]) -> None:
    real = at({**RETIRED, "canary": {"version": AB, "weight": 50, "replicas": 2}})
    quick = Profile(rate=50, slow_every_seconds=0)
    sides = {
        answer.track: cookie.partition(";")[0]
        for answer in run(real.target(), quick, 2)
        for cookie in answer.cookies
        if cookie.startswith("inssa-side=")
    }
    assert sides == {track: f"inssa-side=v2-1-0.{track}" for track in ("v2-0-0", "v2-1-0-canary")}
    for track, cookie in sides.items():
        kept = run(real.target(), replace(quick, cookie=cookie), 2)
        assert {answer.track for answer in kept} == {track}


def test_raising_the_maximum_restarts_nothing(at: Callable[..., Stack]) -> None:
    real = at(LIVE_1)
    pods = real.ready_pods("v1-0-0")
    real.change(scale={"min": 10, "max": 20})
    assert real.preview() == {"HorizontalPodAutoscaler/v1-0-0": "update"}
    real.up()
    assert set(pods) <= set(real.ready_pods("v1-0-0"))


@pytest.mark.faults
def test_under_load_the_live_track_grows_and_a_new_track_starts_as_large(at: Callable[..., Stack]) -> None:
    real = at(LIVE_1)
    real.change(scale={"min": 10, "max": 20})
    real.up()
    with Load(real.target(), Profile(rate=300)) as load:
        deadline = time.monotonic() + 180
        while (grown := replicas(real, "v1-0-0")) == 10 and time.monotonic() < deadline:
            time.sleep(2)
        real.up()
        assert replicas(real, "v1-0-0") >= grown > 10, "an update keeps what the autoscaler decided"
        real.change(**RELEASED)
        real.up()
        assert replicas(real, "v2-0-0") >= grown
    assert load.summary.failed == [], str(load.summary)


def replicas(stack: Stack, track: str) -> int:
    """How many pods a track is to have right now."""
    (deployment,) = stack.objects("deployments", f"app.kubernetes.io/instance={track}")
    return int(deployment["spec"]["replicas"])


def test_a_stale_checkout_cannot_move_traffic(at: Callable[..., Stack]) -> None:
    real = at(RELEASED)
    real.change(**LIVE_1)
    with pytest.raises(PulumiError, match="pulumi config refresh"):
        real.up()
    assert weights(real)["v2-0-0"] == 100


def binomial_interval(trials: int, share: float) -> tuple[float, float]:
    """The 99.9 % interval of a count, by the normal approximation (z = 3.29)."""
    spread = 3.29 * (trials * share * (1 - share)) ** 0.5
    return trials * share - spread, trials * share + spread
