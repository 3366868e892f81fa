"""What an update would do, or did, as values: made from the engine's events, secrets masked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SECRET = "[secret]"  # noqa: S105 - what stands for one
UNKNOWN = "(known after the update)"
REST = "…"

_UNKNOWN_ID = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine spells a value that it cannot know yet (sdk/go/common/resource/plugin/rpc.go)."""
_SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key that marks an engine's own object, a secret among others (sdk/go/common/resource/sig)."""
_SECRET_KINDS = frozenset({"Secret"})
_SECRET_FIELDS = frozenset({"data", "stringData"})
_SECRET_NAME = re.compile(r"(passw(or)?d|passphrase|secret|token|api_?key|private_?key)s?$", re.IGNORECASE)
_MISSING = object()

_SERVING = frozenset(
    {
        "Deployment", "Service", "HTTPRoute", "Gateway", "GCPBackendPolicy", "HealthCheckPolicy", "Cluster", "NodePool",
        "Network", "Subnetwork", "Router", "RouterNat", "Address", "GlobalAddress",
    }
)  # fmt: skip
_STATEFUL = frozenset(
    {
        "StatefulSet", "PersistentVolumeClaim", "PersistentVolume", "Namespace", "Secret", "DatabaseInstance",
        "Database", "User", "Bucket", "Repository", "KeyRing", "CryptoKey", "Release",
    }
)  # fmt: skip


class Operation(StrEnum):
    """What happens to one resource, the gravest first."""

    DELETE = "delete"
    REPLACE = "replace"
    UPDATE = "update"
    CREATE = "create"


_OPERATIONS = {
    "create": Operation.CREATE,
    "import": Operation.CREATE,
    "update": Operation.UPDATE,
    "delete": Operation.DELETE,
    "replace": Operation.REPLACE,
    "create-replacement": Operation.REPLACE,
    "delete-replaced": Operation.REPLACE,
    "import-replacement": Operation.REPLACE,
}


@dataclass(frozen=True, kw_only=True)
class PropertyChange:
    """One property. `before` and `after` are JSON texts, None where it is absent; `replaces` if it forces one."""

    path: str
    before: str | None
    after: str | None
    replaces: bool = False


@dataclass(frozen=True, kw_only=True)
class Step:
    """One resource that changes. `kind` is the last part of its type, like `Deployment`."""

    operation: Operation
    urn: str
    kind: str
    name: str
    changes: tuple[PropertyChange, ...] = ()

    @property
    def risky(self) -> bool:
        """Whether something that serves or keeps data goes away, if only for a moment."""
        return self.operation in (Operation.DELETE, Operation.REPLACE) and self.kind in _SERVING | _STATEFUL

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All steps of a preview or an update, in the engine's order, and the errors it reported."""

    steps: tuple[Step, ...] = ()
    errors: tuple[str, ...] = ()

    def of(self, operation: Operation) -> tuple[Step, ...]:
        """The steps of one operation."""
        return tuple(step for step in self.steps if step.operation is operation)

    def __str__(self) -> str:
        counts = [f"{len(steps)} to {operation}" for operation in reversed(Operation) if (steps := self.of(operation))]
        return ", ".join(counts) or "no changes"


def step(metadata: Mapping[str, Any]) -> Step | None:
    """The step that an event's metadata describe; None if the resource stays as it is.

    `metadata` has the shape of apitype.StepEventMetadata: op, urn, type, old, new, keys, diffs.
    """
    operation = _OPERATIONS.get(str(metadata["op"]))
    urn = str(metadata["urn"])
    if operation is None or "::pulumi:providers:" in urn:
        return None
    kind = str(metadata["type"]).rpartition(":")[2].rpartition("/")[2]
    old = (metadata.get("old") or {}).get("inputs") or {}
    new = (metadata.get("new") or {}).get("inputs") or {}
    if operation is Operation.DELETE:
        old = {}  # What goes away goes away whole.
    changes = tuple(
        _masked(
            _changes(old, new, "", set(metadata.get("keys") or ())),
            whole_secret=kind in _SECRET_KINDS,
        )
    )
    quiet = [
        PropertyChange(path=key, before=SECRET, after=SECRET)
        for key in metadata.get("diffs") or ()
        if _holds_secret(new.get(key)) and not any(_top(change.path) == key for change in changes)
    ]
    return Step(
        operation=operation,
        urn=urn,
        kind=kind,
        name=urn.rpartition("::")[2],
        changes=(*changes, *quiet),
    )


def merged(steps: Sequence[Step]) -> tuple[Step, ...]:
    """One step per resource: the parts of a replacement become one, with the changes of whichever part has them."""
    found: dict[str, Step] = {}
    for one in steps:
        known = found.get(one.urn)
        if known is None or len(one.changes) > len(known.changes):
            found[one.urn] = one
    return tuple(found.values())


def _changes(old: Any, new: Any, path: str, replacing: set[str]) -> Iterator[tuple[str, Any, Any, bool]]:
    if _same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict) and not (_is_secret(old) or _is_secret(new)):
        for key in dict.fromkeys((*old, *new)):
            if not str(key).startswith("__"):
                below = f"{path}.{key}" if path else str(key)
                yield from _changes(old.get(key, _MISSING), new.get(key, _MISSING), below, replacing)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else _MISSING
            after = new[index] if index < len(new) else _MISSING
            yield from _changes(before, after, f"{path}[{index}]", replacing)
    else:
        yield path, old, new, _top(path) in replacing or path in replacing


def _masked(changes: Iterator[tuple[str, Any, Any, bool]], *, whole_secret: bool) -> Iterator[PropertyChange]:
    for path, old, new, replaces in changes:
        hidden = (
            _is_secret(old)
            or _is_secret(new)
            or (whole_secret and _top(path) in _SECRET_FIELDS)
            or bool(_SECRET_NAME.search(path) and isinstance(old if new is _MISSING else new, str))
        )
        yield PropertyChange(path=path, before=_text(old, hidden), after=_text(new, hidden), replaces=replaces)


def _text(value: Any, hidden: bool) -> str | None:
    if value is _MISSING:
        return None
    if hidden:
        return SECRET
    return json.dumps(_readable(value), ensure_ascii=False, sort_keys=True)


def _readable(value: Any, name: str = "") -> Any:
    if _is_secret(value) or (isinstance(value, str) and _SECRET_NAME.search(name)):
        return SECRET
    if value == _UNKNOWN_ID:
        return UNKNOWN
    if isinstance(value, dict):
        hidden = _SECRET_FIELDS if value.get("kind") in _SECRET_KINDS else ()
        return {
            key: SECRET if key in hidden else _readable(below, str(key))
            for key, below in value.items()
            if not str(key).startswith("__")
        }
    if isinstance(value, list):
        return [_readable(below, name) for below in value]
    return value


def _same(old: Any, new: Any) -> bool:
    return old is new or (type(old) is type(new) and bool(old == new))


def _is_secret(value: Any) -> bool:
    return value == SECRET or (isinstance(value, dict) and _SIGNATURE in value)


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return _is_secret(value) or any(map(_holds_secret, value.values()))
    if isinstance(value, list):
        return any(map(_holds_secret, value))
    return _is_secret(value)


def _top(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]
