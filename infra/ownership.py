"""Who owns the fields of our objects in the cluster."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

_ANNOTATION = "pulumi.com/patchFieldManager"
_MANAGER = "inssa"


def one_field_manager(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """Let every update apply objects under the same name.

    By default the provider makes up a name when it creates an object and keeps
    it in the state. An update that is killed before the state is written leaves
    an object behind whose fields belong to a name that nobody knows any more,
    and the first update that changes one of them fails with a conflict.
    """
    if not args.type_.startswith("kubernetes:") or not args.props.get("metadata"):
        return None
    return pulumi.ResourceTransformationResult(
        props={**args.props, "metadata": _annotated(args.props["metadata"])}, opts=args.opts
    )


def _annotated(metadata: Any) -> Any:
    if isinstance(metadata, ObjectMetaArgs):
        return ObjectMetaArgs(
            name=metadata.name,
            namespace=metadata.namespace,
            labels=metadata.labels,
            annotations=_with_manager(metadata.annotations),
        )
    return {**metadata, "annotations": _with_manager(metadata.get("annotations"))}


def _with_manager(annotations: Any) -> dict[str, Any]:
    return {**(annotations or {}), _ANNOTATION: _MANAGER}
