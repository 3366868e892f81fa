"""What serves or holds data keeps its identity: a change of the program may not replace or delete it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.stack.conftest import Run
from tests.stack.harness import ROOT, Program, Recorded

GOLDEN = ROOT / "tests/stack/goldens/identities.yaml"
IMMUTABLE: dict[str, tuple[str, ...]] = {
    "Deployment": ("selector",),
    "HTTPRoute": (),
    "Namespace": (),
    "Secret": (),
    "Service": ("clusterIP",),
    "StatefulSet": ("selector", "serviceName", "volumeClaimTemplates", "podManagementPolicy"),
}
"""Fields of `spec` that the API server refuses to change, of every kind that serves or holds data."""


def identities(program: Program) -> dict[str, Any]:
    """By URN: the object's name and its fixed fields; on Google, what the program protects."""
    return {
        **{program.urns[r.type, r.name]: _object(r) for r in program.resources if _is_kept(r)},
        **{program.urns[key]: {"protected": True} for key in program.protected if key[0].startswith("gcp:")},
    }


def _is_kept(resource: Recorded) -> bool:
    return resource.type.startswith("kubernetes:") and resource.kind in IMMUTABLE


def _object(resource: Recorded) -> dict[str, Any]:
    spec = resource.inputs.get("spec", {})
    fixed = {name: spec[name] for name in IMMUTABLE[resource.kind] if name in spec}
    place = resource.inputs["metadata"].get("namespace")
    return {"name": "/".join(filter(None, (place, resource.object_name))), **fixed}


def test_nothing_that_serves_or_holds_data_is_replaced_or_deleted(run: Run, request: pytest.FixtureRequest) -> None:
    found = {
        urn: identity
        for stack, target in (("stage", "local"), ("real", "local"), ("real", "gke"))
        for urn, identity in identities(run(stack, target=target)).items()
    }
    kept = yaml.safe_load(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if request.config.getoption("--update-goldens"):
        kept = {**found, **kept}
        GOLDEN.write_text(yaml.safe_dump(kept, sort_keys=True))
    lost = {urn: (identity, found.get(urn)) for urn, identity in kept.items() if found.get(urn) != identity}
    assert lost == {}, (
        "an update would replace or delete these where they run. A new logical name, type or parent needs an alias; "
        "a fixed field a second object beside the first. If it is meant all the same, edit identities.yaml by hand: "
        "make goldens only adds to it"
    )
    assert found.keys() == kept.keys(), "make goldens adds what is new"
