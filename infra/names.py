"""Names and labels of Kubernetes objects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

APP = "inssaservice"
LABEL_LIMIT = 63
"""Characters in a DNS label and in a label value (RFC 1123, Kubernetes object names)."""


def name(*parts: str, limit: int = LABEL_LIMIT) -> str:
    """Join parts into one DNS label; a longer one than `limit` is cut and made unique again by a hash."""
    joined = "-".join(part for part in parts if part)
    if len(joined) <= limit:
        return joined
    digest = hashlib.sha256(joined.encode()).hexdigest()[:8]
    return f"{joined[: limit - 9].rstrip('-')}-{digest}"


def content_name(base: str, content: Mapping[str, str]) -> str:
    """A name that changes with the content, so that whatever mounts the object rolls with it."""
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]
    return name(base, digest)


def selector(instance: str, component: str) -> dict[str, str]:
    """The labels that a selector may use: none of them ever changes for one track."""
    return {
        "app.kubernetes.io/name": APP,
        "app.kubernetes.io/instance": instance,
        "app.kubernetes.io/component": component,
    }


def labels(instance: str, component: str, **extra: str) -> dict[str, str]:
    """The selector's labels and the descriptive ones; `extra` keys are completed to app.kubernetes.io/KEY."""
    described = {f"app.kubernetes.io/{key}": value for key, value in extra.items()}
    return {**selector(instance, component), "app.kubernetes.io/part-of": "inssa", **described}
