"""`inssa:gke`: where in Google Cloud a stack lives, and how large it may become."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.errors import InssaError
from infra.fields import Frozen, HostName

Project = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")]
Region = Annotated[str, Field(pattern=r"^[a-z]+-[a-z]+[0-9]+$")]
Zone = Annotated[str, Field(pattern=r"^[a-z]+-[a-z]+[0-9]+-[a-z]$")]
MachineType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*-[a-z0-9-]+$")]
Tier = Annotated[str, Field(pattern=r"^db-[a-z0-9-]+$")]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[a-z]+$")]
ServiceAccount = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z0-9.-]+\.gserviceaccount\.com$")]

_ADDRESSES_PER_NODE = 256
"""GKE reserves a /24 of the pods' range for each node of up to 110 pods."""
_WIDEST_AUTHORIZED_PREFIX = 8
_AUTH_PLUGIN = "gke-gcloud-auth-plugin"


class Nodes(Frozen):
    """Nodes in each zone. The cluster's autoscaler owns the number between the bounds."""

    min: Annotated[int, Field(ge=1, le=100)] = 1
    max: Annotated[int, Field(ge=1, le=100)] = 3

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


class Ranges(Frozen):
    """Four private address ranges, apart from each other."""

    nodes: IPv4Network = IPv4Network("10.10.0.0/20")
    pods: IPv4Network = IPv4Network("10.64.0.0/14")
    services: IPv4Network = IPv4Network("10.20.0.0/20")
    database: IPv4Network = IPv4Network("10.30.0.0/20")

    @model_validator(mode="after")
    def _private_and_apart(self) -> Self:
        ranges = {key: getattr(self, key) for key in type(self).model_fields}
        for key, found in ranges.items():
            if not found.is_private:
                raise ValueError(f"{key} {found} is not private: choose a range of 10.0.0.0/8")
        for (one, first), (other, second) in combinations(ranges.items(), 2):
            if first.overlaps(second):
                raise ValueError(f"{one} {first} overlaps {other} {second}: choose ranges apart from each other")
        return self


class CloudSql(Frozen):
    """The database server, by default of the major version that all tests run on. `disk` in GB; it grows by itself."""

    version: Annotated[str, Field(pattern=r"^POSTGRES_(1[5-9])$")] = "POSTGRES_15"
    tier: Tier = "db-custom-2-7680"
    disk: Annotated[int, Field(ge=10, le=65536)] = 20


class Deployer(Frozen):
    """Who deploys from a pipeline: a service account that Jenkins' agents act as.

    It may write to `state_bucket`, which holds nothing but state; use `secrets_key`
    (the Cloud KMS key of the stack's secrets provider,
    `projects/P/locations/L/keyRings/R/cryptoKeys/K`); push images; and change what
    is in the stack's namespace. Nothing else.
    """

    service_account: ServiceAccount | None = Field(default=None, alias="serviceAccount")
    state_bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$")] = Field(alias="stateBucket")
    secrets_key: Annotated[str, Field(pattern=r"^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$")] = (
        Field(alias="secretsKey")
    )


class Gke(Frozen):
    """One project and one cluster per stack.

    `authorized_networks` may reach the control plane's own address; with none
    it is reached by its DNS endpoint alone, where IAM decides. `dns_zone` is the
    name of the Cloud DNS zone that serves `domain`.
    """

    project: Project
    region: Region
    zones: Annotated[tuple[Zone, ...], Field(min_length=1, max_length=4)]
    machine_type: MachineType = Field(default="e2-standard-4", alias="machineType")
    nodes: Nodes = Nodes()
    ranges: Ranges = Ranges()
    authorized_networks: tuple[IPv4Network, ...] = Field(default=(), alias="authorizedNetworks")
    domain: HostName
    dns_zone: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,61}[a-z0-9]$")] = Field(alias="dnsZone")
    registry: Literal["gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io"] = "gcr.io"
    database: CloudSql = CloudSql()
    alert_emails: tuple[Email, ...] = Field(default=(), alias="alertEmails")
    deletion_protection: bool = Field(default=True, alias="deletionProtection")
    deployer: Deployer | None = None

    @model_validator(mode="after")
    def _zones_in_region(self) -> Self:
        for zone in self.zones:
            if not zone.startswith(f"{self.region}-"):
                raise ValueError(f"zones: {zone} is not in region {self.region}: name zones like {self.region}-a")
        if len(set(self.zones)) != len(self.zones):
            raise ValueError("zones: one is named twice: name each once")
        return self

    @model_validator(mode="after")
    def _control_plane_is_not_for_everybody(self) -> Self:
        for network in self.authorized_networks:
            if network.prefixlen < _WIDEST_AUTHORIZED_PREFIX:
                raise ValueError(
                    f"authorizedNetworks: {network} opens the control plane to (almost) everybody: "
                    "name your own networks, or none for the DNS endpoint alone"
                )
        return self

    @model_validator(mode="after")
    def _pods_fit(self) -> Self:
        largest = self.nodes.max * len(self.zones)
        possible = self.ranges.pods.num_addresses // _ADDRESSES_PER_NODE
        if largest > possible:
            raise ValueError(
                f"ranges.pods: {self.ranges.pods} has room for {possible} nodes, "
                f"nodes.max allows {largest} in {len(self.zones)} zones: choose a wider range or a lower nodes.max"
            )
        return self


def require_credentials(environment: Mapping[str, str]) -> None:
    """Raise InssaError unless this machine can sign in to Google Cloud and to a cluster there."""
    keys = ("GOOGLE_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN")
    file = environment.get("GOOGLE_APPLICATION_CREDENTIALS")
    if file and not Path(file).is_file():
        raise InssaError(
            f"GOOGLE_APPLICATION_CREDENTIALS: no file at {file}; "
            "unset it and sign in: gcloud auth application-default login"
        )
    home = Path(environment.get("CLOUDSDK_CONFIG") or Path(environment.get("HOME", "/")) / ".config/gcloud")
    signed_in = file or any(environment.get(key) for key in keys) or _on_google_cloud(environment)
    if not signed_in and not (home / "application_default_credentials.json").is_file():
        raise InssaError(
            "inssa:target: 'gke' needs credentials of Google Cloud, and this machine has none; "
            "sign in: gcloud auth application-default login"
        )
    if shutil.which(_AUTH_PLUGIN, path=environment.get("PATH", "")) is None:
        raise InssaError(
            f"inssa:target: 'gke' signs in to its cluster by {_AUTH_PLUGIN}, which is not on PATH; "
            f"install it: gcloud components install {_AUTH_PLUGIN}"
        )


def _on_google_cloud(environment: Mapping[str, str]) -> bool:
    # A pod of a cluster with Workload Identity, or a virtual machine: the metadata server signs in.
    board = Path("/sys/class/dmi/id/product_name")
    return "KUBERNETES_SERVICE_HOST" in environment or (board.is_file() and "Google" in board.read_text())
