"""A preview tells the truth: what it shows is what the update then does, and what the goldens expect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from delivery.plan import Plan
from delivery.workspace import Stack as Engine
from tests.e2e import images
from tests.e2e.stack import ROOT, Stack

GOLDEN = ROOT / "tests/e2e/plans.yaml"
V1, V2, AB = "v1.0.0", "v2.0.0", "v2.1.0"
CANARY = {"version": AB, "weight": 10, "replicas": 1}
STORY: dict[str, dict[str, Any]] = {
    "first deployment": {},
    "nothing": {},
    "release": {"live": V2, "standby": V1},
    "way back": {"live": V1, "standby": V2},
    "release again": {"live": V2, "standby": V1},
    "raised maximum": {"scale": {"min": 2, "max": 4}},
    "retirement": {"standby": None},
    "canary": {"canary": CANARY},
    "larger canary": {"canary": {**CANARY, "weight": 50}},
    "end of the canary": {"canary": None},
    "contraction": {"contract": V2},
}


@pytest.fixture(scope="module")
def plans(make_stack: Callable[[dict[str, Any]], Stack]) -> dict[str, tuple[Plan, Plan]]:
    """What was shown and what was done, by chapter."""
    for version in (V1, V2, AB):
        images.build(version)
    real = make_stack({"phase": "real", "live": V1, "scale": {"min": 2, "max": 2}})
    engine = Engine(real.name, real.folder, real.env)
    told: dict[str, tuple[Plan, Plan]] = {}
    for chapter, changes in STORY.items():
        real.change(**changes)
        told[chapter] = (engine.preview(), engine.up())
    return told


def steps(plan: Plan) -> list[str]:
    """Operation, kind and name of every step, without order: independent ones run side by side."""
    return sorted(f"{step.operation} {step}" for step in plan.steps)


@pytest.mark.parametrize("chapter", STORY)
def test_an_update_does_what_its_preview_showed(plans: dict[str, tuple[Plan, Plan]], chapter: str) -> None:
    shown, done = plans[chapter]
    assert steps(done) == steps(shown)


def test_the_plans_are_those_of_the_goldens(
    plans: dict[str, tuple[Plan, Plan]], request: pytest.FixtureRequest
) -> None:
    name = _stack(plans)
    found = {chapter: [step.replace(name, "STACK") for step in steps(done)] for chapter, (_, done) in plans.items()}
    if request.config.getoption("--update-goldens"):
        GOLDEN.write_text(yaml.safe_dump(found, sort_keys=False))
    assert found == yaml.safe_load(GOLDEN.read_text())


def test_only_what_nobody_declares_any_more_is_deleted_of_what_serves(plans: dict[str, tuple[Plan, Plan]]) -> None:
    risky = {chapter: {str(step) for step in done.steps if step.risky} for chapter, (_, done) in plans.items()}
    gone = {chapter: names for chapter, names in risky.items() if names}
    assert gone == {
        "retirement": {"Deployment/v1-0-0", "Service/v1-0-0", "HTTPRoute/v1-0-0-route"},
        "end of the canary": {
            "Deployment/v2-1-0-canary",
            "Service/v2-1-0-canary",
            "HTTPRoute/v2-1-0-canary-route",
        },
    }


def _stack(plans: dict[str, tuple[Plan, Plan]]) -> str:
    """The stack's own name, which is another one in each run."""
    (root,) = (s for s in plans["first deployment"][1].steps if s.kind == "Stack")
    return root.name.removeprefix("inssa-")
