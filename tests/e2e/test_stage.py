"""The stage of the story: QA and dogfooding on one release candidate, and neither sees the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.member import Member, client
from tests.e2e.stack import PulumiError, Stack, operations

VERSION = "v1.0.0-rc1"
BOTH = {"qa": {"replicas": 1}, "dogfooding": {"replicas": 1}}


@pytest.fixture(scope="module")
def stage(make_stack: Callable[[dict[str, Any]], Stack], image: Callable[[str], str]) -> Stack:
    image(VERSION)
    stack = make_stack({"phase": "stage", "version": VERSION, "audiences": BOTH})
    stack.up()
    return stack


def test_each_audience_has_its_own_address_and_says_what_it_runs(stage: Stack) -> None:
    for audience in BOTH:
        answer = client(stage.target(audience)).get("/")
        assert answer.status_code == 200
        assert answer.headers["Inssa-Version"] == VERSION
        assert answer.headers["Inssa-Track"] == audience
        assert "stage" in answer.text
        assert client(stage.target(audience)).get("/readyz").status_code == 200


def test_a_moment_of_qa_is_not_in_dogfooding(stage: Stack) -> None:
    codes = stage.output("invitations")
    qa = Member(stage.target("qa"), codes["qa"])
    dogfooding = Member(stage.target("dogfooding"), codes["dogfooding"])
    qa.post("only QA should read this")
    assert "only QA should read this" in qa.feed()
    assert "only QA should read this" not in dogfooding.feed()


def test_a_code_of_qa_opens_nothing_in_dogfooding(stage: Stack) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        Member(stage.target("dogfooding"), stage.output("invitations")["qa"])


def test_an_unchanged_stack_is_left_alone(stage: Stack) -> None:
    assert stage.preview() == {}
    before = {pod["metadata"]["uid"] for pod in stage.objects("pods")}
    stage.up()
    assert {pod["metadata"]["uid"] for pod in stage.objects("pods")} == before


def test_no_credential_is_in_the_state_or_in_what_pulumi_prints(stage: Stack) -> None:
    secrets = {
        value
        for secret in stage.objects("secrets")
        for value in secret["data"].values()
        if secret["metadata"]["name"] != "default"
    }
    assert len(secrets) >= 11
    seen = stage.state() + stage.pulumi("preview", "--diff", "--stack", stage.name)
    assert not [value for value in secrets if value in seen or _decoded(value) in seen]


def test_pods_are_admitted_under_pod_security_restricted(stage: Stack) -> None:
    namespace = json.loads(stage.kubectl("get", "namespace", stage.namespace, "-o", "json"))
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert len(stage.ready_pods("qa")) == 1


def test_the_order_of_a_release_is_in_the_graph(stage: Stack) -> None:
    """A track waits for its migration, and its verification for its address, beside the pods."""
    depends = {r["urn"].split("::")[-1] + "|" + r["type"]: r.get("dependencies", []) for r in stage.resources()}
    track = depends["qa|inssa:service:Track"]
    assert any("Job::qa-migrate-v1-0-0-rc1" in urn for urn in track)
    verification = depends["qa-verify-v1-0-0-rc1|inssa:service:Verification"]
    assert any("HTTPRoute::qa-route" in urn for urn in verification)
    assert not any("Deployment::qa" in urn for urn in verification)


def test_turning_dogfooding_off_removes_its_objects_and_touches_no_other(stage: Stack) -> None:
    untouched = {pod["metadata"]["uid"] for pod in stage.objects("pods", "app.kubernetes.io/instance=qa")}
    stage.change(audiences={"qa": {"replicas": 1}})
    try:
        plan = stage.preview()
        assert set(operations(plan)) <= {"delete", "update"}
        assert [name for name, op in plan.items() if op == "update" and not name.startswith("Stack/")] == []
        assert all("dogfooding" in name for name, op in plan.items() if op == "delete")
        stage.up()
        assert {p["metadata"]["uid"] for p in stage.objects("pods", "app.kubernetes.io/instance=qa")} == untouched
        assert client(stage.target("dogfooding")).get("/").status_code == 404
        assert client(stage.target("qa")).get("/readyz").status_code == 200
        assert not [o for kind in ("pods", "services", "secrets", "jobs") for o in stage.objects(kind) if _of(o)]
    finally:
        stage.change(audiences=BOTH)
        stage.up()
    assert client(stage.target("dogfooding")).get("/readyz").status_code == 200


def test_a_wrong_configuration_changes_nothing(stage: Stack) -> None:
    stage.change(audiences={"qa": {"replicas": 0}})
    try:
        with pytest.raises(PulumiError, match=r"inssa:audiences.qa.replicas: found 0"):
            stage.up()
    finally:
        stage.change(audiences=BOTH)
    assert client(stage.target("qa")).get("/readyz").status_code == 200


def test_an_unreachable_cluster_is_named_and_nothing_changes(stage: Stack) -> None:
    kubeconfig = yaml.safe_load(Path(stage.env["KUBECONFIG"]).read_text())
    kubeconfig["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    elsewhere = stage.folder / "elsewhere"
    elsewhere.write_text(yaml.safe_dump(kubeconfig))
    stage.change(kubeconfig=str(elsewhere))
    try:
        with pytest.raises(PulumiError, match=r"the cluster at https://127.0.0.1:1 does not answer"):
            stage.up()
    finally:
        stage.change(kubeconfig=None)
    assert client(stage.target("qa")).get("/readyz").status_code == 200
    assert stage.preview() == {}


def _decoded(value: str) -> str:
    import base64

    return base64.b64decode(value).decode()


def _of(found: dict[str, Any]) -> bool:
    return "dogfooding" in str(found["metadata"]["name"])
