"""The `gke` target, by what the whole program asks Google and the cluster for."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import Any

import pytest
import yaml
from pulumi.runtime import rpc

from infra.errors import InssaError
from tests.stack.conftest import Run
from tests.stack.harness import ROOT, TOKEN, Program

STACKS = ["dev", "stage", "real"]


def google(program: Program, kind: str) -> dict[str, dict[str, Any]]:
    """Inputs of Google's resources of a kind, by logical name."""
    return {r.name: r.inputs for r in program.resources if r.type.startswith("gcp:") and r.kind == kind}


def only(program: Program, kind: str) -> dict[str, Any]:
    (found,) = google(program, kind).values()
    return found


def revealed(secret: dict[str, Any]) -> Any:
    """The value of what reaches the engine as a secret."""
    assert rpc._special_sig_key in secret, "not a secret"
    return secret["value"]


@pytest.mark.parametrize("stack", STACKS)
def test_the_first_preview_shows_all_that_the_update_will_make(run: Run, stack: str) -> None:
    """Nothing exists yet: the kubeconfig, every address and every image that Google names are unknown."""
    preview, update = run(stack, target="gke", preview=True), run(stack, target="gke")
    assert sorted((r.type, r.name) for r in preview.resources) == sorted((r.type, r.name) for r in update.resources)
    (provider,) = [r for r in preview.resources if r.type == "pulumi:providers:kubernetes"]
    assert provider.inputs["clusterIdentifier"].startswith(f"inssa-{stack}/asia-northeast3/")
    assert "kubeconfig" not in provider.inputs or "gke.goog" not in str(provider.inputs["kubeconfig"])


def test_a_kubeconfig_bears_no_key_material(run: Run) -> None:
    (provider,) = [r for r in run("real", target="gke").resources if r.type == "pulumi:providers:kubernetes"]
    kubeconfig = json.loads(provider.inputs["kubeconfig"])
    (cluster,) = kubeconfig["clusters"]
    (user,) = kubeconfig["users"]
    assert cluster["cluster"] == {"server": "https://gke-1.asia-northeast3.gke.goog"}
    assert set(user["user"]) == {"exec"}
    assert user["user"]["exec"]["command"] == "gke-gcloud-auth-plugin"


def test_the_cluster_is_closed(run: Run) -> None:
    cluster = only(run("real", target="gke"), "Cluster")
    assert cluster["privateClusterConfig"]["enablePrivateNodes"] is True
    assert cluster["datapathProvider"] == "ADVANCED_DATAPATH"
    assert cluster["enableShieldedNodes"] is True
    assert cluster["enableIntranodeVisibility"] is True
    assert cluster["enableLegacyAbac"] is False
    assert cluster["masterAuth"]["clientCertificateConfig"]["issueClientCertificate"] is False
    assert set(cluster["rbacBindingConfig"].values()) == {False}
    assert cluster["workloadIdentityConfig"]["workloadPool"] == "inssa-real.svc.id.goog"
    assert cluster["binaryAuthorization"]["evaluationMode"] == "PROJECT_SINGLETON_POLICY_ENFORCE"
    assert cluster["databaseEncryption"]["state"] == "ENCRYPTED"
    assert cluster["deletionProtection"] is True
    assert cluster["removeDefaultNodePool"] is True
    assert cluster["monitoringConfig"]["managedPrometheus"]["enabled"] is True
    assert cluster["masterAuthorizedNetworksConfig"]["cidrBlocks"] == [
        {"cidrBlock": "203.0.113.0/24", "displayName": "authorized-0"}
    ]


def test_without_authorized_networks_the_control_plane_has_no_address(run: Run) -> None:
    cluster = only(run("stage", target="gke"), "Cluster")
    endpoints = cluster["controlPlaneEndpointsConfig"]
    assert endpoints["ipEndpointsConfig"]["enabled"] is False
    assert endpoints["dnsEndpointConfig"]["allowExternalTraffic"] is True
    assert cluster["masterAuthorizedNetworksConfig"]["cidrBlocks"] == []
    assert cluster["privateClusterConfig"]["enablePrivateEndpoint"] is True


def test_nodes_may_do_no_more_than_nodes_need(run: Run) -> None:
    program = run("real", target="gke")
    node = only(program, "NodePool")["nodeConfig"]
    assert node["serviceAccount"] == "cluster-nodes@inssa.iam.gserviceaccount.com"
    assert node["imageType"] == "COS_CONTAINERD"
    assert node["shieldedInstanceConfig"] == {"enableSecureBoot": True, "enableIntegrityMonitoring": True}
    assert node["kubeletConfig"]["insecureKubeletReadonlyPortEnabled"] == "FALSE"
    assert node["workloadMetadataConfig"]["mode"] == "GKE_METADATA"
    roles = {m["role"] for m in google(program, "IAMMember").values() if "cluster-nodes" in m["member"]}
    assert roles == {"roles/container.defaultNodeServiceAccount"}


def test_only_images_of_the_own_registry_are_admitted(run: Run) -> None:
    policy = only(run("real", target="gke"), "Policy")
    assert policy["defaultAdmissionRule"]["evaluationMode"] == "ALWAYS_DENY"
    assert policy["admissionWhitelistPatterns"] == [{"namePattern": "gcr.io/inssa-real/*"}]


def test_foreign_images_are_admitted_by_digest_only(run: Run) -> None:
    patterns = [p["namePattern"] for p in only(run("dev", target="gke"), "Policy")["admissionWhitelistPatterns"]]
    foreign = [pattern for pattern in patterns if not pattern.startswith("gcr.io/inssa-dev/")]
    assert {pattern.partition("@")[0].partition(":")[0] for pattern in foreign} == {
        "docker.io/jenkins/jenkins",
        "docker.io/jenkins/inbound-agent",
    }
    assert all("@sha256:" in pattern and "*" not in pattern for pattern in foreign)


def test_no_image_that_a_stack_names_is_cleaned_up(run: Run) -> None:
    program = run(
        "real",
        target="gke",
        live="v2.0.0",
        standby="v1.0.0",
        canary={"version": "v2.1.0", "weight": 10},
        images=dict.fromkeys(["v1.0.0", "v2.0.0", "v2.1.0"], "sha256:" + "0" * 64),
    )
    repository = only(program, "Repository")
    policies = {policy["id"]: policy for policy in repository["cleanupPolicies"]}
    assert policies["keep-named"]["condition"]["tagPrefixes"] == ["v1.0.0", "v2.0.0", "v2.1.0"]
    deleting = [policy for policy in policies.values() if policy["action"] == "DELETE"]
    assert [policy["condition"]["tagState"] for policy in deleting] == ["UNTAGGED"]
    assert repository["dockerConfig"]["immutableTags"] is True
    assert (repository["repositoryId"], repository["location"]) == ("gcr.io", "us")


@pytest.mark.parametrize(("stack", "availability"), [("stage", "ZONAL"), ("real", "REGIONAL")])
def test_the_database_has_no_public_address_and_can_go_back_to_any_second(
    run: Run, stack: str, availability: str
) -> None:
    server = only(run(stack, target="gke"), "DatabaseInstance")["settings"]
    assert server["ipConfiguration"]["ipv4Enabled"] is False
    assert server["ipConfiguration"]["sslMode"] == "ENCRYPTED_ONLY"
    assert server["backupConfiguration"]["pointInTimeRecoveryEnabled"] is True
    assert server["availabilityType"] == availability


def test_pods_find_the_database_under_the_same_name_as_on_local(run: Run) -> None:
    program = run("stage", target="gke")
    (endpoints,) = program.of("EndpointSlice").values()
    assert endpoints["metadata"]["labels"]["kubernetes.io/service-name"] == "database"
    assert endpoints["endpoints"][0]["addresses"] == ["10.30.0.3"]
    hosts = {c["data"]["INSSA_DATABASE_HOST"] for c in program.of("ConfigMap").values()}
    assert hosts == {"database"}
    assert {c["data"]["INSSA_DATABASE_NAME"] for c in program.of("ConfigMap").values()} == {
        "inssa_qa",
        "inssa_dogfooding",
    }


def test_the_administrator_of_the_database_has_the_password_that_the_jobs_mount(run: Run) -> None:
    program = run("real", target="gke")
    mounted = revealed(program.of("Secret")["database-admin"]["data"])["admin_password"]
    user = only(program, "User")
    assert (user["instance"], user["name"]) == ("database", "postgres")
    assert revealed(user["password"]) == base64.b64decode(mounted).decode()


def test_the_load_balancer_knows_each_tracks_health_and_drains_it(run: Run) -> None:
    program = run("stage", target="gke")
    health, backends = program.of("HealthCheckPolicy"), program.of("GCPBackendPolicy")
    for track in ("qa", "dogfooding"):
        check = health[track]["spec"]["default"]["config"]["httpHealthCheck"]
        assert check == {"portSpecification": "USE_FIXED_PORT", "port": 8000, "requestPath": "/readyz"}
        assert health[track]["spec"]["targetRef"] == {"group": "", "kind": "Service", "name": track}
        assert backends[track]["spec"]["default"]["connectionDraining"]["drainingTimeoutSec"] == 60


def test_a_backend_is_known_and_healthy_before_it_gets_weight(run: Run) -> None:
    """The engine makes these one after the other; its order is the order of the release."""
    made = [(r.kind, r.name) for r in run("real", target="gke").resources]
    order = [
        ("HealthCheckPolicy", "v1-0-0"),
        ("GCPBackendPolicy", "v1-0-0"),
        ("HTTPRoute", "v1-0-0-route"),
        ("Job", "v1-0-0-verify-v1-0-0"),
        ("HTTPRoute", "public"),
    ]
    health, backend, own, verified, public = (made.index(step) for step in order)
    assert max(health, backend) < own < verified < public


def test_what_keeps_data_is_protected_from_the_engine_too(run: Run) -> None:
    protected = set(run("real", target="gke").protected)
    for kind in ("Cluster", "DatabaseInstance", "Repository", "CryptoKey", "KeyRing"):
        resources = {
            (r.type, r.name) for r in run("real", target="gke").resources if r.kind == kind and "gcp:" in r.type
        }
        assert resources
        assert resources <= protected


def test_a_pod_outlives_its_place_in_the_load_balancer(run: Run) -> None:
    program = run("real", target="gke")
    pod = program.of("Deployment")["v1-0-0"]["spec"]["template"]["spec"]
    (configuration,) = (c["data"] for c in program.of("ConfigMap").values())
    pause = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    draining = program.of("GCPBackendPolicy")["v1-0-0"]["spec"]["default"]
    assert pause + int(configuration["INSSA_DRAIN_SECONDS"]) >= draining["connectionDraining"]["drainingTimeoutSec"]
    assert pod["terminationGracePeriodSeconds"] >= pause + int(configuration["INSSA_DRAIN_SECONDS"]) + 30
    assert int(configuration["INSSA_KEEP_ALIVE_SECONDS"]) > 600


def test_routes_attach_to_https_and_http_leads_there(run: Run) -> None:
    program = run("real", target="gke")
    routes = program.of("HTTPRoute")
    own = {"namespace": "inssa-gateway", "name": "public", "sectionName": "https"}
    assert {name for name, route in routes.items() if route["spec"]["parentRefs"] == [own]} == {
        "public",
        "preview",
        "v1-0-0",
    }
    (redirect,) = routes["to-https"]["spec"]["rules"]
    assert redirect["filters"][0]["requestRedirect"]["scheme"] == "https"
    assert "sectionName" not in run("real").of("HTTPRoute")["public"]["spec"]["parentRefs"][0]


def test_every_host_of_a_route_is_pointed_to_the_gateway_and_certified(run: Run) -> None:
    for stack in STACKS:
        program = run(stack, target="gke")
        (certificate,) = google(program, "Certificate").values()
        records = {r["name"].rstrip("."): r for r in google(program, "RecordSet").values() if r["type"] == "A"}
        for route in program.of("HTTPRoute").values():
            for host in route["spec"].get("hostnames", []):
                wildcard = f"*.{host.partition('.')[2]}"
                assert {host, wildcard} & set(certificate["managed"]["domains"])
                assert {host, wildcard} & set(records)
                assert all(record["rrdatas"] == ["198.51.100.10"] for record in records.values())


def test_a_track_is_verified_the_way_people_come(run: Run) -> None:
    (job,) = [job for name, job in run("real", target="gke").of("Job").items() if "verify" in name]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    env = {variable["name"]: variable["value"] for variable in container["env"]}
    assert env["INSSA_VERIFY_URL"] == f"https://{env['INSSA_VERIFY_HOST']}"
    assert job["spec"]["activeDeadlineSeconds"] > int(env["INSSA_VERIFY_SECONDS"])


def test_each_component_reaches_what_it_needs_and_nothing_else(run: Run) -> None:
    policies = run("real", target="gke").of("NetworkPolicy")

    def cidrs(name: str, direction: str, key: str) -> set[str]:
        rules = policies[name]["spec"].get(direction) or []
        return {peer["ipBlock"]["cidr"] for rule in rules for peer in rule[key] if "ipBlock" in peer}

    assert cidrs("v1-0-0", "ingress", "from") == {"35.191.0.0/16", "130.211.0.0/22"}
    assert cidrs("v1-0-0", "egress", "to") == {"10.30.0.0/20"}
    assert cidrs("migration", "egress", "to") == {"10.30.0.0/20"}
    assert cidrs("verification", "egress", "to") == {"198.51.100.10/32"}
    assert policies["default-deny"]["spec"]["podSelector"] == {}


def test_alerts_come_while_there_is_still_something_to_do(run: Run) -> None:
    program = run("real", target="gke")
    alerts = google(program, "AlertPolicy")
    assert set(alerts) == {"alerts-errors", "alerts-latency", "alerts-near-maximum"}
    assert all(alert["notificationChannels"] for alert in alerts.values())
    near = alerts["alerts-near-maximum"]
    query = near["conditions"][0]["conditionPrometheusQueryLanguage"]["query"]
    # 20 pods of 0.25 cores at 70 %, and nine tenths of it.
    assert query.endswith("> 3.15")
    assert 'namespace_name="inssa-real"' in query
    assert "pulumi config set --stack real --path inssa:scale.max 30" in near["documentation"]["content"]


def test_a_developers_image_is_built_by_the_program(run: Run) -> None:
    program = run("dev", target="gke")
    (image,) = [r.inputs for r in program.resources if r.type == "docker:index/image:Image"]
    assert image["imageName"].startswith("gcr.io/inssa-dev/inssaservice:v2.0.0-dev-")
    assert image["build"]["args"] == {"RELEASE": "v2", "VERSION": "v2.0.0-dev"}
    assert "registry" not in image
    (deployment,) = program.of("Deployment").values()
    assert "@sha256:" in deployment["spec"]["template"]["spec"]["containers"][0]["image"]


def test_a_shared_stack_builds_nothing_and_takes_the_pipelines_digest(run: Run) -> None:
    assert not [r for r in run("stage", target="gke").resources if r.type.startswith("docker:")]
    with pytest.raises(InssaError, match=r"inssa:images: no digest for v2.0.0-rc1"):
        run("stage", target="gke", images=None)


def test_the_deployer_may_change_a_release_and_nothing_else(run: Run) -> None:
    program = run("dev", target="gke")
    (role,) = program.of("Role").values()
    allowed = {resource for rule in role["rules"] for resource in rule["resources"]}
    assert role["metadata"]["namespace"] == "inssa-dev"
    assert not allowed & {"roles", "rolebindings", "serviceaccounts", "nodes", "*"}
    released = {
        "Deployment", "Service", "Job", "ConfigMap", "Secret", "HTTPRoute", "NetworkPolicy", "EndpointSlice",
        "PodDisruptionBudget", "HealthCheckPolicy", "PodMonitoring",
    }  # fmt: skip
    assert {f"{kind.lower()}s".replace("policys", "policies") for kind in released} <= allowed
    assert not program.of("ClusterRole")
    bound = google(program, "IAMMember")
    deployers = [m for m in bound.values() if "deployer@" in m["member"]]
    assert [m["role"] for m in deployers] == ["deployer"], "its own role, which may connect, and no other"
    assert only(program, "IAMCustomRole")["permissions"] == ["container.clusters.connect", "container.clusters.get"]


def test_agents_of_jenkins_act_as_the_deployer_by_workload_identity(run: Run) -> None:
    program = run("dev", target="gke")
    (binding,) = [r.inputs for r in program.resources if r.type == "gcp:serviceaccount/iAMMember:IAMMember"]
    assert binding["role"] == "roles/iam.workloadIdentityUser"
    assert binding["member"] == "serviceAccount:inssa-dev.svc.id.goog[inssa-dev-jenkins/jenkins-agent]"
    (writer,) = [m for m in google(program, "RepositoryIamMember").values() if m["role"].endswith("writer")]
    assert writer["member"] == "serviceAccount:deployer@inssa.iam.gserviceaccount.com"


def test_what_keeps_data_is_protected(run: Run) -> None:
    program = run("real", target="gke")
    assert only(program, "Cluster")["deletionProtection"] is True
    assert only(program, "DatabaseInstance")["deletionProtection"] is True
    assert only(program, "DatabaseInstance")["settings"]["deletionProtectionEnabled"] is True


def test_google_is_not_imported_for_a_local_stack() -> None:
    """A local preview takes two seconds; the SDKs would add one."""
    program = "import infra.stack, sys; print([m for m in ('pulumi_gcp', 'pulumi_docker') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_planted_secret_is_nowhere_but_in_its_secret(run: Run) -> None:
    program = run("dev", target="gke")
    encoded = base64.b64encode(TOKEN.encode()).decode()
    holders = {
        (r.kind, r.inputs["metadata"]["name"])
        for r in program.resources
        if TOKEN in (text := yaml.safe_dump(r.inputs)) or encoded in text
    }
    assert holders == {("Secret", "jenkins-github")}
