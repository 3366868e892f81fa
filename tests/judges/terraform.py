"""Google's resources of a stack, as Terraform would write them.

The Pulumi provider is generated from Terraform's, so that names follow by rule:
types and arguments in snake case, a list in the plural for what Terraform has in
the singular. What cannot follow from a rule is in the tables here, and a list
that is in none of them is an error, never a guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from pulumi.runtime import rpc

from tests.stack.harness import Recorded

PROVIDER = "google-beta"

_MODULES = {
    "artifactregistry": "artifact_registry",
    "binaryauthorization": "binary_authorization",
    "certificatemanager": "certificate_manager",
    "projects": "project",
    "serviceaccount": "service_account",
    "servicenetworking": "service_networking",
}
_TYPES = {
    "gcp:serviceaccount/account:Account": "google_service_account",
    "gcp:projects/iAMCustomRole:IAMCustomRole": "google_project_iam_custom_role",
}
_SINGULAR = {
    "denies": "deny",
    "secondary_ip_ranges": "secondary_ip_range",
    "subnetworks": "subnetwork",
    "source_ip_ranges_to_nats": "source_ip_ranges_to_nat",
}
_PLURAL = {
    "admission_whitelist_patterns",
    "certificates",
    "cidr_blocks",
    "cleanup_policies",
    "conditions",
    "database_flags",
    "dns_authorizations",
    "domains",
    "enable_components",
    "node_locations",
    "notification_channels",
    "oauth_scopes",
    "package_name_prefixes",
    "permissions",
    "reserved_peering_ranges",
    "rrdatas",
    "source_ranges",
    "tag_prefixes",
}
_MAPS = {"labels", "metadata", "resource_labels", "user_labels"}
_NAMED = {
    "google_compute_firewall",
    "google_compute_global_address",
    "google_compute_network",
    "google_compute_router",
    "google_compute_router_nat",
    "google_compute_subnetwork",
    "google_kms_crypto_key",
    "google_kms_key_ring",
}
"""Types that Terraform demands a name of, and Pulumi makes one up for."""


class UnknownListError(Exception):
    """A list whose spelling in Terraform nobody has looked up yet."""


def terraform_type(token: str) -> str:
    """`gcp:container/nodePool:NodePool` is `google_container_node_pool`."""
    if token in _TYPES:
        return _TYPES[token]
    _, path, kind = token.split(":")
    module = path.partition("/")[0]
    return f"google_{_MODULES.get(module, module)}_{_snake(kind)}"


def terraform_name(name: str) -> str:
    """A logical name as Terraform allows it."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


def reference(token: str, name: str, attribute: str) -> str:
    """What another resource writes to mean an attribute of this one."""
    return f"${{{terraform_type(token)}.{terraform_name(name)}.{attribute}}}"


def document(resources: Iterable[Recorded], protected: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A root module in JSON; secrets become variables, so that none is in it."""
    found: dict[str, dict[str, Any]] = {}
    variables: dict[str, Any] = {}
    provider: dict[str, Any] = {}
    kept = set(protected)
    for resource in sorted(resources, key=lambda resource: (resource.type, resource.name)):
        if resource.type == "pulumi:providers:gcp":
            provider = _provider(resource.inputs)
        if not resource.type.startswith("gcp:"):
            continue
        kind, name = terraform_type(resource.type), terraform_name(resource.name)
        arguments = {"provider": PROVIDER, **_block(resource.inputs, f"{kind}_{name}", variables)}
        if kind in _NAMED:
            arguments.setdefault("name", resource.name)
        if (resource.type, resource.name) in kept:
            arguments["lifecycle"] = [{"prevent_destroy": True}]
        if name in found.setdefault(kind, {}):
            raise ValueError(f"two resources would be {kind}.{name}")
        found[kind][name] = arguments
    return {
        "terraform": {"required_providers": {PROVIDER: {"source": f"hashicorp/{PROVIDER}", "version": "~> 7.0"}}},
        "provider": {PROVIDER: provider},
        "variable": variables,
        "resource": found,
    }


def _provider(inputs: dict[str, Any]) -> dict[str, Any]:
    known = ("project", "region")
    labels = json.loads(inputs["defaultLabels"])
    return {key: inputs[key] for key in known} | {"user_project_override": True, "default_labels": labels}


def _block(inputs: dict[str, Any], path: str, variables: dict[str, Any]) -> dict[str, Any]:
    block: dict[str, Any] = {}
    for key, value in inputs.items():
        argument = _snake(key)
        if isinstance(value, dict) and rpc._special_sig_key in value:
            variable = f"{path}_{argument}"
            variables[variable] = {"type": "string", "sensitive": True}
            block[argument] = f"${{var.{variable}}}"
        elif isinstance(value, dict):
            inner = value if argument in _MAPS else [_block(value, f"{path}_{argument}", variables)]
            block[argument] = inner
        elif isinstance(value, list):
            items = [_block(v, f"{path}_{argument}", variables) if isinstance(v, dict) else v for v in value]
            block[_list_name(argument, path)] = items
        else:
            block[argument] = value
    return block


def _list_name(argument: str, path: str) -> str:
    if argument in _PLURAL:
        return argument
    if argument in _SINGULAR:
        return _SINGULAR[argument]
    raise UnknownListError(f"{path}.{argument}: look up its name in Terraform and add it to _SINGULAR or _PLURAL")


def _snake(name: str) -> str:
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", words).lower()
