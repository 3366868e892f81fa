"""A program of its own for test_jenkins_release.py: a Secret, and the Release component that Jenkins uses."""

from __future__ import annotations

import os

import pulumi
import pulumi_kubernetes as k8s

from infra.credentials import Credentials
from infra.jenkins.component import Release, ReleaseArgs
from infra.jenkins.settings import Chart
from infra.namespace import Namespace

config = pulumi.Config("inssa")
provider = k8s.Provider("cluster", kubeconfig=os.environ["KUBECONFIG"], cluster_identifier="inssa-local")
on_cluster = pulumi.ResourceOptions(providers=[provider])
namespace = Namespace("namespace", f"inssa-{pulumi.get_stack()}", on_cluster)
secret = k8s.core.v1.Secret(
    "planted",
    metadata={"name": "planted", "namespace": namespace.name},
    string_data={"token": pulumi.Output.secret(os.environ["INSSA_TEST_PLANTED"])},
    opts=pulumi.ResourceOptions(parent=namespace, provider=provider, additional_secret_outputs=["data", "stringData"]),
)
generated = Credentials(
    "generated", namespace=namespace.name, secret_name="generated", keys=("password",), opts=on_cluster
)
pulumi.export("generated", generated.value("password"))
Release(
    "jenkins",
    ReleaseArgs(
        namespace=namespace.name,
        name="jenkins",
        chart=Chart.model_validate(config.require_object("chart")),
        values=config.require_object("values"),
        timeout_seconds=config.require_int("timeout"),
    ),
    pulumi.ResourceOptions(providers=[provider], depends_on=[secret]),
)
