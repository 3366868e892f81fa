"""A stale checkout cannot move traffic, and an intended move is never taken for one."""

from __future__ import annotations

from typing import Any

import pytest

from infra.deployed import Deployed, of_resources
from infra.errors import InssaError
from infra.guard import refuse
from infra.settings import Settings
from infra.version import Version

V1, V2 = Version.parse("v1.0.0"), Version.parse("v2.0.0")
BOTH = {"v1-0-0": V1, "v2-0-0": V2}
BASE: dict[str, Any] = {"stack": "real", "phase": "real", "scale": {"min": 1, "max": 1}}
RELEASED = Deployed(versions=BOTH, weights={"v1-0-0": 0, "v2-0-0": 100})
ROLLED_BACK = Deployed(versions=BOTH, weights={"v1-0-0": 100, "v2-0-0": 0})


def settings(**roles: Any) -> Settings:
    return Settings.model_validate({**BASE, **roles})


@pytest.mark.parametrize(
    ("deployed", "roles"),
    [
        (Deployed(), {"live": "v1.0.0"}),
        (Deployed(versions={"v1-0-0": V1}, weights={"v1-0-0": 100}), {"live": "v2.0.0", "standby": "v1.0.0"}),
        (Deployed(versions={"v1-0-0": V1}, weights={"v1-0-0": 100}), {"live": "v2.0.0"}),
        (RELEASED, {"live": "v1.0.0", "standby": "v2.0.0"}),
        (ROLLED_BACK, {"live": "v2.0.0", "standby": "v1.0.0"}),
        (ROLLED_BACK, {"live": "v1.0.0"}),
        (RELEASED, {"live": "v2.0.0"}),
    ],
    ids=["first", "release", "release-without-standby", "rollback", "release-again", "give-up", "retire"],
)
def test_an_intended_move_passes(deployed: Deployed, roles: dict[str, Any]) -> None:
    refuse(settings(**roles), deployed)


def test_a_config_that_has_never_heard_of_what_serves_is_refused() -> None:
    with pytest.raises(InssaError) as error:
        refuse(settings(live="v1.0.0"), RELEASED)
    message = str(error.value)
    assert "inssa:live: found v1.0.0, but v2.0.0 serves now" in message
    assert "v1.0.0 with 0 %, v2.0.0 with 100 %" in message
    assert "pulumi config refresh" in message
    assert "pulumi config set inssa:standby v2.0.0" in message


def test_an_older_generation_is_refused_whatever_it_says() -> None:
    deployed = Deployed(versions=BOTH, weights={"v1-0-0": 100, "v2-0-0": 0}, generation=7)
    with pytest.raises(InssaError, match=r"inssa:generation: found 6, but generation 7 is deployed .* refresh"):
        refuse(settings(live="v2.0.0", standby="v1.0.0", generation=6), deployed)
    refuse(settings(live="v2.0.0", standby="v1.0.0", generation=7), deployed)


def test_what_is_deployed_is_read_from_the_state() -> None:
    prefix = "urn:pulumi:real::inssa::inssa:service:Track$kubernetes"
    metadata = {
        "name": "v2-0-0",
        "labels": {"app.kubernetes.io/component": "web", "app.kubernetes.io/version": "v2.0.0"},
    }
    route = {
        "metadata": {"name": "public"},
        "spec": {"rules": [{"backendRefs": []}, {"backendRefs": [{"name": "v2-0-0", "weight": 100}]}]},
    }
    deployed = of_resources(
        {
            f"{prefix}:apps/v1:Deployment::v2-0-0": {"outputs": {"metadata": metadata}},
            f"{prefix}:gateway.networking.k8s.io/v1:HTTPRoute::public": {"outputs": route},
            "urn:pulumi:real::inssa::pulumi:pulumi:Stack::inssa-real": {"outputs": {"generation": 3}},
        }
    )
    assert deployed == Deployed(versions={"v2-0-0": V2}, weights={"v2-0-0": 100}, generation=3)
    assert deployed.live == "v2-0-0"


def test_the_schema_is_contracted_only_after_the_older_track_is_gone() -> None:
    contracted = settings(live="v2.0.0", contract="v2.0.0")
    with pytest.raises(InssaError, match=r"inssa:contract: found v2.0.0, but v1.0.0 still has a track .* Retire it"):
        refuse(contracted, RELEASED)
    refuse(contracted, Deployed(versions={"v2-0-0": V2}, weights={"v2-0-0": 100}))


@pytest.mark.parametrize("roles", [{"standby": "v1.0.0"}, {"canary": {"version": "v1.9.0", "weight": 0}}])
def test_a_version_that_the_schema_leaves_behind_cannot_be_declared(roles: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"contract is v2.0.0, but v1.\d.0 is declared"):
        settings(live="v2.0.0", contract="v2.0.0", **roles)
