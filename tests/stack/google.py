"""What Google Cloud would answer: outputs of resources that are not among their inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

COMPUTED: dict[str, tuple[str, ...]] = {
    "gcp:compute/globalAddress:GlobalAddress": ("address",),
    "gcp:container/cluster:Cluster": ("control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint",),
    "gcp:certificatemanager/dnsAuthorization:DnsAuthorization": tuple(
        f"dns_resource_record[0].{key}" for key in ("name", "type", "data")
    ),
    "gcp:projects/serviceIdentity:ServiceIdentity": ("email", "member"),
    "gcp:serviceaccount/account:Account": ("email", "member"),
    "gcp:sql/databaseInstance:DatabaseInstance": ("private_ip_address",),
}
"""Attributes that the program reads, in Terraform's spelling; each resource has `id` and `name` besides."""

PLAUSIBLE = {
    "address": "198.51.100.10",
    "control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint": "gke-1.asia-northeast3.gke.goog",
    "dns_resource_record[0].name": "_acme-challenge.inssa.example.com.",
    "dns_resource_record[0].type": "CNAME",
    "dns_resource_record[0].data": "1.authorize.certificatemanager.goog.",
    "private_ip_address": "10.30.0.3",
}


def plausible(kind: str, name: str, attribute: str) -> str:
    """A value of the right form."""
    account = f"{name}@inssa.iam.gserviceaccount.com"
    own = {"email": account, "member": f"serviceAccount:{account}", "id": f"{kind}/{name}", "name": name}
    return own.get(attribute) or PLAUSIBLE[attribute]


def outputs(
    kind: str, name: str, inputs: dict[str, Any], value: Callable[[str, str, str], Any], *, names: bool
) -> dict[str, Any]:
    """Outputs of one resource: its inputs, and `value(kind, name, attribute)` for what Google adds.

    A name that is among the inputs stays, unless `names` asks for `value` there too.
    """
    found = dict(inputs)
    if names or "name" not in found:
        found["name"] = value(kind, name, "name")
    for attribute in COMPUTED.get(kind, ()):
        _set(found, attribute, value(kind, name, attribute))
    return found


def _set(target: dict[str, Any], attribute: str, value: Any) -> None:
    match attribute.split("."):
        case [one]:
            target[_camel(one)] = value
        case ["dns_resource_record[0]", key]:
            target.setdefault("dnsResourceRecords", [{}])[0][key] = value
        case _:
            given = target.get("controlPlaneEndpointsConfig", {})
            dns = {**given.get("dnsEndpointConfig", {}), "endpoint": value}
            target["controlPlaneEndpointsConfig"] = {**given, "dnsEndpointConfig": dns}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
