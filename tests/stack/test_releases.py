"""A release, a way back, a canary and growth, as changes of the declared objects."""

from __future__ import annotations

from typing import Any

import pytest

from infra.errors import InssaError
from tests.stack.conftest import Run
from tests.stack.harness import Program
from tests.stack.test_stacks import without_secrets

V1_LIVE: dict[str, dict[str, Any]] = {
    "urn:pulumi:real::inssa::inssa:service:Track$kubernetes:apps/v1:Deployment::v1-0-0": {
        "outputs": {
            "metadata": {
                "name": "v1-0-0",
                "labels": {"app.kubernetes.io/component": "web", "app.kubernetes.io/version": "v1.0.0"},
            }
        }
    },
    "urn:pulumi:real::inssa::inssa:network:Route$kubernetes:gateway.networking.k8s.io/v1:HTTPRoute::public": {
        "outputs": {
            "metadata": {"name": "public"},
            "spec": {"rules": [{"backendRefs": [{"name": "v1-0-0", "weight": 100}]}]},
        }
    },
}


def public_weights(program: Program) -> dict[str, int]:
    (rule,) = program.of("HTTPRoute")["public"]["spec"]["rules"]
    return {ref["name"]: ref["weight"] for ref in rule["backendRefs"]}


def changed(before: Program, after: Program) -> set[tuple[str, str]]:
    """Type and name of what an update from `before` to `after` creates, updates or deletes."""
    old, new = without_secrets(before), without_secrets(after)
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


def test_a_release_moves_all_weight_at_once(run: Run) -> None:
    program = run("real", deployed=V1_LIVE, live_replicas=10, live="v2.0.0", standby="v1.0.0")
    assert public_weights(program) == {"v2-0-0": 100, "v1-0-0": 0}


def test_weight_moves_after_all_pods_are_ready_and_the_version_is_verified(run: Run) -> None:
    after = run("real", deployed=V1_LIVE, live_replicas=10, live="v2.0.0", standby="v1.0.0").waits_for
    assert {"Deployment/v2-0-0", "Job/v2-0-0-verify-v2-0-0"} <= after["HTTPRoute/public"]
    assert "HTTPRoute/v2-0-0-route" in after["Job/v2-0-0-verify-v2-0-0"]
    assert "Job/real-migrate-v2-0-0" in after["Deployment/v2-0-0"]
    assert "Job/real-migrate-v1-0-0" in after["Job/real-migrate-v2-0-0"]


@pytest.mark.parametrize(("now", "started"), [(16, 16), (4, 10), (90, 20)])
def test_a_new_track_starts_at_the_live_tracks_current_size(run: Run, now: int, started: int) -> None:
    program = run(
        "real", deployed=V1_LIVE, live_replicas=now, live="v2.0.0", standby="v1.0.0", scale={"min": 10, "max": 20}
    )
    assert program.reads == ["inssa-real/v1-0-0"]
    assert program.of("Deployment")["v2-0-0"]["spec"]["replicas"] == started


def test_the_live_size_is_asked_for_only_when_a_track_is_new(run: Run) -> None:
    assert run("real", deployed=V1_LIVE, live_replicas=16).reads == []


def test_the_way_back_changes_the_weights_and_who_may_shrink(run: Run) -> None:
    there = run("real", live="v2.0.0", standby="v1.0.0")
    back = run("real", live="v1.0.0", standby="v2.0.0")
    assert {kind.rpartition(":")[2] for kind, _ in changed(there, back)} == {"HTTPRoute", "HorizontalPodAutoscaler"}
    assert ("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", "public") in changed(there, back)


def test_raising_the_maximum_is_one_small_update(run: Run) -> None:
    ten = run("real", scale={"min": 10, "max": 10})
    twenty = run("real", scale={"min": 10, "max": 20})
    assert changed(ten, twenty) == {("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "v1-0-0")}


def test_a_canary_leaves_the_live_pods_alone(run: Run) -> None:
    without = run("real", live="v2.0.0")
    canary = run("real", live="v2.0.0", canary={"version": "v2.1.0", "weight": 10, "replicas": 2})
    touched = {name for _, name in changed(without, canary) if "v2-1-0" not in name}
    assert touched == {"preview", "public"}
    deployment = canary.of("Deployment")["v2-1-0-canary"]
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["template"]["metadata"]["labels"]["inssa.dev/tag"] == "canary"


def test_versions_that_share_a_database_share_its_credentials(run: Run) -> None:
    program = run("real", live="v2.0.0", standby="v1.0.0")
    assert set(program.of("Secret")) == {"database-admin", "real-credentials"}


def test_a_stale_checkout_is_refused_before_anything_is_registered(run: Run) -> None:
    v2_live: dict[str, Any] = {
        urn.replace("v1-0-0", "v2-0-0"): _with_version_2(resource) for urn, resource in V1_LIVE.items()
    }
    with pytest.raises(InssaError, match=r"inssa:live: found v1.0.0, but v2.0.0 serves now"):
        run("real", deployed=v2_live)


def _with_version_2(resource: dict[str, Any]) -> dict[str, Any]:
    outputs = resource["outputs"]
    if "labels" in outputs["metadata"]:
        return {
            "outputs": {
                "metadata": {
                    "name": "v2-0-0",
                    "labels": {**outputs["metadata"]["labels"], "app.kubernetes.io/version": "v2.0.0"},
                }
            }
        }
    rules = [{"backendRefs": [{"name": "v2-0-0", "weight": 100}]}]
    return {"outputs": {"metadata": outputs["metadata"], "spec": {"rules": rules}}}


def test_the_contraction_is_one_more_job_and_nothing_else(run: Run) -> None:
    before = run("real", live="v2.0.0")
    after = run("real", live="v2.0.0", contract="v2.0.0")
    assert changed(before, after) == {
        ("inssa:data:Contraction", "real-contract-v2-0-0"),
        ("kubernetes:batch/v1:Job", "real-contract-v2-0-0"),
    }


def test_a_canary_that_becomes_live_keeps_its_migration(run: Run) -> None:
    canary = run("real", live="v2.0.0", canary={"version": "v2.1.0", "weight": 10})
    live = run("real", live="v2.1.0", standby="v2.0.0")
    assert canary.of("Job")["real-migrate-v2-1-0"] == live.of("Job")["real-migrate-v2-1-0"]
