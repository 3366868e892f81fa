from __future__ import annotations

import re

import pytest

from infra.rollout import Experiment, PublicTraffic, Share
from infra.route import own_spec, public_spec
from infra.settings import Gateway

GATEWAY = Gateway()
SHARES = (Share(track="v2-0-0", weight=90), Share(track="v2-1-0-canary", weight=10))
SERVICES = {"v2-0-0": "v2-0-0", "v2-1-0-canary": "v2-1-0-canary"}
TEST = Experiment(id="v2-1-0", sides=("v2-0-0", "v2-1-0-canary"))


def test_the_weights_are_on_one_rule_of_one_route() -> None:
    spec = public_spec(GATEWAY, PublicTraffic(host="real.inssa.localhost", shares=SHARES), SERVICES)
    assert spec["hostnames"] == ["real.inssa.localhost"]
    assert len(spec["rules"]) == 1
    assert {ref["name"]: ref["weight"] for ref in spec["rules"][0]["backendRefs"]} == {
        "v2-0-0": 90,
        "v2-1-0-canary": 10,
    }


@pytest.mark.parametrize(
    ("cookie", "side"),
    [
        ("inssa-side=v2-1-0.v2-1-0-canary", "v2-1-0-canary"),
        ("lang=ko; inssa-side=v2-1-0.v2-0-0", "v2-0-0"),
        ("inssa-side=v2-1-0.v2-0-0; session=abc", "v2-0-0"),
        ("inssa-side=v2-2-0.v2-0-0", None),
        ("xinssa-side=v2-1-0.v2-0-0", None),
        ("inssa-side=v2-1-0.v2-0-0x", None),
        ("lang=ko", None),
    ],
)
def test_a_member_keeps_his_side_of_this_test_only(cookie: str, side: str | None) -> None:
    spec = public_spec(GATEWAY, PublicTraffic(host="h", shares=SHARES, experiment=TEST), SERVICES)
    *sided, weighted = spec["rules"]
    reached = [
        rule["backendRefs"][0]["name"]
        for rule in sided
        # Gateways match a regular expression against the whole header.
        if re.fullmatch(rule["matches"][0]["headers"][0]["value"], cookie)
    ]
    assert reached == ([side] if side else [])
    assert weighted["filters"][0]["requestHeaderModifier"]["set"] == [{"name": "Inssa-Test", "value": "v2-1-0"}]


def test_nothing_is_used_that_the_gateway_of_gke_lacks() -> None:
    public = public_spec(GATEWAY, PublicTraffic(host="h", shares=SHARES, experiment=TEST), SERVICES)
    for rule in [*public["rules"], *own_spec(GATEWAY, ["h"], "s")["rules"]]:
        assert set(rule) <= {"matches", "backendRefs", "filters"}
        assert all(set(match) <= {"path", "headers"} for match in rule["matches"])
        assert all(set(ref) == {"name", "port", "weight"} for ref in rule["backendRefs"])
