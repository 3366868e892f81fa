"""What each command makes of what it finds."""

from __future__ import annotations

import pytest

from delivery import decisions
from delivery.errors import RefusedError, UsageError
from delivery.roles import Canary, Roles, Scale
from infra.version import Version


def v(text: str) -> Version:
    return Version.parse(text)


V1, V2, V21 = v("v1.0.0"), v("v2.0.0"), v("v2.1.0")
ONE = Roles(live=V1, scale=Scale(min=10, max=10))
BOTH = Roles(live=V2, standby=V1)
TRIED = Roles(live=V2, canary=Canary(version=V21, weight=10))
STAGE = {"version": "v2.0.0-rc1", "audiences": {"qa": {"replicas": 1}, "dogfooding": {"version": "v1.0.0"}}}
AUDIENCES = Roles(audiences={"qa": v("v2.0.0-rc1"), "dogfooding": V1})


def test_a_release_keeps_what_served_as_the_way_back_and_ends_its_own_canary() -> None:
    assert decisions.release(ONE, V2) == {"live": "v2.0.0", "standby": "v1.0.0"}
    assert decisions.release(TRIED, V21) == {"live": "v2.1.0", "standby": "v2.0.0", "canary": None}
    again = {"live": "v2.0.0", "standby": "v1.0.0"}
    assert decisions.release(BOTH, V2) == again, "run again after an interruption"


@pytest.mark.parametrize(("version", "why"), [("v2.1.0-rc1", "is a candidate"), ("v1.9.0", "is older than v2.0.0")])
def test_a_release_refuses_candidates_and_the_way_back(version: str, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        decisions.release(BOTH, v(version))


def test_a_rollback_changes_places_or_calls_off_what_never_got_traffic() -> None:
    assert decisions.rollback(BOTH, BOTH) == {"live": "v1.0.0", "standby": "v2.0.0"}
    assert decisions.rollback(BOTH, ONE) == {"live": "v1.0.0", "standby": None}
    with pytest.raises(RefusedError, match="no version to go back to"):
        decisions.rollback(ONE, ONE)


def test_after_a_failure_what_served_serves_again() -> None:
    assert decisions.back(ONE, ONE, ONE) == {}, "nothing moved: the file as it was"
    assert decisions.back(ONE, ONE, BOTH) == {"live": "v1.0.0", "standby": "v2.0.0", "canary": None}
    assert decisions.back(BOTH, ONE, ONE) == {"live": "v1.0.0", "standby": None, "canary": None}, "a second try"
    assert decisions.back(AUDIENCES, AUDIENCES, AUDIENCES) == {}


def test_a_deployment_moves_all_audiences_or_one() -> None:
    all_of_them = {"version": "v2.0.0", "audiences": {"qa": {"replicas": 1}, "dogfooding": {}}}
    assert decisions.deploy(STAGE, AUDIENCES, V2, None) == all_of_them
    assert decisions.deploy(STAGE, AUDIENCES, V2, "qa") == {
        "audiences": {"qa": {"replicas": 1, "version": "v2.0.0"}, "dogfooding": {"version": "v1.0.0"}}
    }
    with pytest.raises(UsageError, match="known are: qa, dogfooding"):
        decisions.deploy(STAGE, AUDIENCES, V2, "press")


def test_a_canary_is_neither_live_nor_beside_another_one() -> None:
    assert decisions.start_canary(TRIED, V21, 50, 2)["canary"] == {"version": "v2.1.0", "weight": 50, "replicas": 2}
    with pytest.raises(RefusedError, match=r"v2\.0\.0 is live already"):
        decisions.start_canary(BOTH, V2, 10, 2)
    with pytest.raises(RefusedError, match=r"v2\.1\.0 is the canary now"):
        decisions.start_canary(TRIED, v("v2.2.0"), 10, 2)
    with pytest.raises(UsageError, match="0 to 100"):
        decisions.start_canary(BOTH, V21, 101, 2)


def test_other_bounds_keep_the_rest_of_the_scale() -> None:
    assert decisions.scale({"scale": {"min": 10, "max": 10, "cpu": 60}}, ONE, None, 20) == {
        "scale": {"min": 10, "max": 20, "cpu": 60}
    }
    with pytest.raises(UsageError, match="min 10 and max 5"):
        decisions.scale({"scale": {"min": 10, "max": 10}}, ONE, None, 5)


def test_a_change_is_finished_by_its_own_command_only() -> None:
    grown = Roles(live=V1, scale=Scale(min=10, max=20))
    assert decisions.undeployed(grown, ONE, ["scale"], leftovers=False) == []
    assert decisions.undeployed(grown, ONE, ["canary"], leftovers=False) == ["scale"]
    assert decisions.undeployed(BOTH, ONE, ["canary"], leftovers=True) == ["live", "standby", "scale"]
    left = Roles(live=V1, standby=V2, scale=ONE.scale)
    assert decisions.undeployed(ONE, left, ["scale"], leftovers=False) == ["standby"]
    assert decisions.undeployed(ONE, left, ["scale"], leftovers=True) == [], "of a failed release"
    assert decisions.undeployed(AUDIENCES, Roles(audiences={"qa": V1}), ["version"], leftovers=False) == []
