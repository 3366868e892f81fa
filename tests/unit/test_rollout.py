"""The story's configurations, as tracks and weights."""

from __future__ import annotations

from typing import Any

import pytest

from infra import rollout
from infra.settings import Settings

BASE: dict[str, Any] = {"stack": "real", "phase": "real", "kubeconfig": "unused", "scale": {"min": 10, "max": 20}}


def public(**roles: Any) -> rollout.Rollout:
    return rollout.plan(Settings.model_validate({**BASE, **roles}))


def weights(plan: rollout.Rollout) -> dict[str, int]:
    assert plan.public
    return {share.track: share.weight for share in plan.public.shares}


def test_stage_has_one_track_and_one_database_per_audience() -> None:
    plan = rollout.plan(
        Settings.model_validate(
            {"stack": "stage", "phase": "stage", "version": "v2.0.0-rc1", "audiences": {"qa": {}, "dogfooding": {}}}
        )
    )
    assert [(track.name, track.database, track.host) for track in plan.tracks] == [
        ("qa", "qa", "qa.stage.inssa.localhost"),
        ("dogfooding", "dogfooding", "dogfooding.stage.inssa.localhost"),
    ]
    assert plan.public is None


def test_an_audience_named_like_the_stack_has_the_stacks_own_host() -> None:
    plan = rollout.plan(
        Settings.model_validate({"stack": "dev", "phase": "dev", "version": "v1.0.0", "audiences": {"dev": {}}})
    )
    assert plan.tracks[0].host == "dev.inssa.localhost"


def test_all_traffic_moves_to_live_and_the_standby_stays_known_to_the_gateway() -> None:
    assert weights(public(live="v2.0.0", standby="v1.0.0")) == {"v2-0-0": 100, "v1-0-0": 0}


def test_the_way_back_declares_the_same_tracks() -> None:
    there, back = public(live="v2.0.0", standby="v1.0.0"), public(live="v1.0.0", standby="v2.0.0")
    assert {(t.name, t.host, t.database) for t in there.tracks} == {(t.name, t.host, t.database) for t in back.tracks}
    assert weights(back) == {"v1-0-0": 100, "v2-0-0": 0}


def test_a_standby_never_shrinks() -> None:
    live, standby = public(live="v2.0.0", standby="v1.0.0").tracks
    assert isinstance(live.scale, rollout.AutoScale)
    assert not live.scale.only_grows
    assert isinstance(standby.scale, rollout.AutoScale)
    assert standby.scale.only_grows


def test_a_canary_takes_its_weight_from_live_whatever_its_pods() -> None:
    plan = public(live="v2.0.0", canary={"version": "v2.1.0", "weight": 10, "replicas": 2})
    assert weights(plan) == {"v2-0-0": 90, "v2-1-0-canary": 10}
    assert plan.tracks[-1].scale == rollout.FixedScale(replicas=2)
    assert plan.tracks[-1].tag == "canary"
    assert plan.public
    assert plan.public.experiment == rollout.Experiment(id="v2-1-0", sides=("v2-0-0", "v2-1-0-canary"))


def test_at_weight_0_nobody_is_kept_on_the_canary() -> None:
    plan = public(live="v2.0.0", canary={"version": "v2.1.0", "weight": 0})
    assert plan.public
    assert plan.public.experiment is None
    assert weights(plan) == {"v2-0-0": 100, "v2-1-0-canary": 0}


@pytest.mark.parametrize(
    ("roles", "previewed"),
    [
        ({"live": "v1.0.0"}, "v1-0-0"),
        ({"live": "v2.0.0", "standby": "v1.0.0"}, "v2-0-0"),
        ({"live": "v1.0.0", "standby": "v2.0.0"}, "v2-0-0"),
        ({"live": "v2.0.0", "canary": {"version": "v2.1.0", "weight": 0}}, "v2-1-0-canary"),
    ],
)
def test_the_preview_host_is_the_newest_versions(roles: dict[str, Any], previewed: str) -> None:
    plan = public(**roles)
    assert plan.preview == rollout.Preview(host="preview.real.inssa.localhost", track=previewed)
    assert all(track.host == f"{track.name}.preview.real.inssa.localhost" for track in plan.tracks)
