"""The committed stacks, by what they hold and by what a change of configuration changes."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.errors import InssaError
from tests.stack.conftest import Run
from tests.stack.harness import DIGEST, ROOT, Program

GOLDENS = ROOT / "tests/stack/goldens"
TYPE_TOKENS = {
    "inssa:build:Jenkins",
    "inssa:build:Release",
    "inssa:data:Contraction",
    "inssa:data:Database",
    "inssa:data:Migration",
    "inssa:gke:Alerts",
    "inssa:gke:Backend",
    "inssa:gke:CloudSqlServer",
    "inssa:gke:Cluster",
    "inssa:gke:Deployer",
    "inssa:gke:DeployerRights",
    "inssa:gke:Keys",
    "inssa:gke:Network",
    "inssa:gke:PublicGateway",
    "inssa:gke:Registry",
    "inssa:gke:Services",
    "inssa:network:Route",
    "inssa:platform:Cluster",
    "inssa:platform:Credentials",
    "inssa:platform:Namespace",
    "inssa:service:Track",
    "inssa:service:Verification",
}


def inventory(program: Program) -> dict[str, list[str]]:
    """Logical names by type: what a change of would create or delete."""
    found = defaultdict(list)
    for resource in program.resources:
        found[resource.type].append(resource.name)
    return {kind: sorted(names) for kind, names in sorted(found.items())}


def without_secrets(program: Program) -> dict[tuple[str, str], dict[str, Any]]:
    """Inputs of all objects by type and name; Secrets are random anew in each run of the mocks."""
    return {(r.type, r.name): {**r.inputs, "data": None} if r.kind == "Secret" else r.inputs for r in program.resources}


@pytest.mark.parametrize("target", ["local", "gke"])
@pytest.mark.parametrize("stack", ["dev", "stage", "real"])
def test_a_stack_holds_what_its_golden_says(run: Run, stack: str, target: str, request: pytest.FixtureRequest) -> None:
    golden = GOLDENS / (f"{stack}.yaml" if target == "local" else f"{stack}-{target}.yaml")
    found = inventory(run(stack, target=target))
    if request.config.getoption("--update-goldens"):
        golden.write_text(yaml.safe_dump(found, sort_keys=True))
    assert found == yaml.safe_load(golden.read_text()), "if this is meant: make goldens"


def test_type_tokens_are_a_contract(run: Run) -> None:
    """A renamed type replaces its children; it needs an alias and a line here."""
    programs = [run(stack, target=target) for target in ("local", "gke") for stack in ("dev", "stage", "real")]
    programs.append(run("real", contract="v1.0.0"))
    tokens = {resource.type for program in programs for resource in program.resources}
    assert {token for token in tokens if token.startswith("inssa:")} == TYPE_TOKENS


def test_turning_dogfooding_off_removes_its_objects_and_touches_no_other(run: Run) -> None:
    both = without_secrets(run("stage"))
    qa_only = without_secrets(run("stage", audiences={"qa": {"replicas": 1}}))
    assert qa_only.keys() < both.keys()
    assert all("dogfooding" in name for _, name in both.keys() - qa_only.keys())
    assert {key: both[key] for key in qa_only} == qa_only


def test_an_audience_has_its_own_address_database_and_credentials(run: Run) -> None:
    program = run("stage")
    routes = program.of("HTTPRoute")
    assert routes["qa"]["spec"]["hostnames"] == ["qa.stage.inssa.localhost"]
    assert routes["dogfooding"]["spec"]["hostnames"] == ["dogfooding.stage.inssa.localhost"]
    configurations = {name.rpartition("-")[0]: c["data"] for name, c in program.of("ConfigMap").items()}
    assert {c["INSSA_PHASE"] for c in configurations.values()} == {"stage"}
    assert configurations["qa"]["INSSA_DATABASE_NAME"] == "inssa_qa"
    assert configurations["dogfooding"]["INSSA_DATABASE_NAME"] == "inssa_dogfooding"
    for audience, deployment in program.of("Deployment").items():
        assert _mounted_keys(deployment["spec"]) == {
            f"{audience}-credentials/app_password",
            f"{audience}-credentials/session_key",
        }


def test_only_the_first_container_of_a_migration_sees_the_administrators_password(run: Run) -> None:
    for job in run("stage").of("Job").values():
        pod = job["spec"]["template"]["spec"]
        administrators = [
            container["name"]
            for container in [*pod.get("initContainers", []), *pod["containers"]]
            if "admin" in {mount["name"] for mount in container["volumeMounts"]}
        ]
        assert administrators == (["provision"] if "initContainers" in pod else [])


def test_a_new_version_keeps_every_selector(run: Run) -> None:
    before, after = run("stage"), run("stage", version="v2.0.0-rc2")
    for kind in ("Service", "Deployment", "PodDisruptionBudget", "StatefulSet"):
        assert {name: o["spec"]["selector"] for name, o in before.of(kind).items()} == {
            name: o["spec"]["selector"] for name, o in after.of(kind).items()
        }


def test_every_update_applies_objects_under_one_name(run: Run) -> None:
    """Otherwise what a killed update has created cannot be changed by later ones."""
    for target in ("local", "gke"):
        for manifest in run("real", target=target).manifests:
            assert manifest["metadata"]["annotations"]["pulumi.com/patchFieldManager"] == "inssa"


def test_every_image_is_pinned_by_digest(run: Run) -> None:
    for stack in ("dev", "stage", "real"):
        for pod in _pods(run(stack)):
            for container in [*pod.get("initContainers", []), *pod["containers"]]:
                assert container["image"].endswith(f"@{DIGEST}")


def test_every_pod_gives_up_what_it_does_not_need(run: Run) -> None:
    for pod in _pods(run("real")):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["resources"].keys() == {"requests", "limits"}


def test_a_track_ends_after_the_gateway_has_forgotten_it(run: Run) -> None:
    pod = run("real").of("Deployment")["v1-0-0"]["spec"]["template"]["spec"]
    pause = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    (configuration,) = run("real").of("ConfigMap").values()
    assert pod["terminationGracePeriodSeconds"] >= pause + int(configuration["data"]["INSSA_DRAIN_SECONDS"]) + 30


def test_a_pod_starts_when_the_schema_fits_and_then_outlives_its_database(run: Run) -> None:
    web = run("stage").of("Deployment")["qa"]["spec"]["template"]["spec"]["containers"][0]
    assert web["startupProbe"]["httpGet"]["path"] == "/readyz"
    assert web["readinessProbe"]["httpGet"]["path"] == "/healthz"


def test_an_image_without_a_digest_is_refused_on_a_shared_stack(run: Run) -> None:
    shared = {
        "target": "existing",
        "repository": "registry.example/inssaservice",
        "gateway": {"namespace": "edge", "name": "web"},
    }
    with pytest.raises(InssaError, match=r"inssa:images: no digest for v2.0.0-rc1: .*pulumi config set --path"):
        run("stage", **shared, images={})


def test_a_registry_that_does_not_answer_is_named(run: Run) -> None:
    with pytest.raises(
        InssaError, match=r"image localhost:9/inssaservice:v2.0.0-rc1: the registry localhost:9 does not"
    ):
        run("stage", repository="localhost:9/inssaservice", images={})


def test_a_missing_kubeconfig_is_named(run: Run) -> None:
    with pytest.raises(
        InssaError, match=r"inssa:kubeconfig: no file at /nowhere; start the local platform \(make up\)"
    ):
        run("stage", kubeconfig="/nowhere")


def test_a_cluster_that_does_not_answer_is_named(run: Run, tmp_path: Path) -> None:
    elsewhere = tmp_path / "kubeconfig"
    elsewhere.write_text(
        "{contexts: [{name: inssa-local, context: {cluster: c}}], clusters: [{name: c, cluster: {server: "
        '"https://127.0.0.1:1"}}]}'
    )
    with pytest.raises(InssaError, match=r"inssa:kubeconfig: the cluster at https://127.0.0.1:1 does not answer"):
        run("stage", kubeconfig=str(elsewhere))
    with pytest.raises(InssaError, match=r"inssa:context: found 'moon', which .* does not have"):
        run("stage", kubeconfig=str(elsewhere), context="moon")


def _pods(program: Program) -> list[dict[str, Any]]:
    owners = [o for kind in ("Deployment", "StatefulSet", "Job") for o in program.of(kind).values()]
    return [owner["spec"]["template"]["spec"] for owner in owners]


def _mounted_keys(spec: dict[str, Any]) -> set[str]:
    sources = [
        s["secret"] for v in spec["template"]["spec"]["volumes"] for s in v.get("projected", {}).get("sources", [])
    ]
    return {f"{source['name']}/{item['key']}" for source in sources for item in source["items"]}
