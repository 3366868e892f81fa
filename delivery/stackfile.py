"""A stack's configuration file, edited as a person would: order, comments and everything else stay."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from delivery.errors import UsageError
from delivery.project import stack_file
from delivery.roles import Roles, of_config
from infra.version import Version

_NAMESPACE = "inssa:"
_ORDER = ("live", "standby", "canary", "scale")
_WIDTH = 4096  # Never fold a line that a person wrote.


@dataclass(frozen=True)
class StackFile:
    """One `Pulumi.STACK.yaml` with its text as it was read."""

    path: Path
    text: str

    @classmethod
    def read(cls, stack: str) -> Self:
        """Read a stack's file. Raises UsageError if there is none, or if it is no YAML with a `config`."""
        path = stack_file(stack)
        return cls(path, path.read_text())

    @property
    def config(self) -> dict[str, Any]:
        """Values under the project's namespace, which their keys are without. Raises UsageError if it is no mapping."""
        entries = self._document().get("config") or {}
        if not isinstance(entries, Mapping):
            raise UsageError(f"{self.path.name}: config: found {entries!r}, want keys like inssa:version")
        return {key.removeprefix(_NAMESPACE): value for key, value in entries.items() if key.startswith(_NAMESPACE)}

    @property
    def roles(self) -> Roles:
        """What the file declares. Raises UsageError."""
        return of_config(self.config, self.path.name)

    @property
    def generation(self) -> int:
        """How often commands have changed this stack."""
        found = str(self.config.get("generation", 0))  # Pulumi quotes numbers when it writes the file.
        if not found.isdecimal():
            raise UsageError(f"{self.path.name}: inssa:generation: found {found!r}, want a number")
        return int(found)

    @property
    def shared(self) -> bool:
        """Whether other machines deploy this stack too, so that images must be named by digest in the file."""
        return bool(self.config.get("target", "local") != "local")

    def changed(self, values: Mapping[str, Any]) -> StackFile:
        """The file with some keys set; None removes one. A structured value that differs is replaced in parts."""
        document = self._document()
        config = document.setdefault("config", CommentedMap())
        for key, value in values.items():
            full = f"{_NAMESPACE}{key}"
            if value is None:
                config.pop(full, None)
            elif isinstance(value, Mapping) and isinstance(config.get(full), CommentedMap):
                _merge(config[full], value)
            elif full in config:
                config[full] = _plain(value)
            else:
                config.insert(_place(list(config), key), full, _plain(value))
        out = io.StringIO()
        _yaml().dump(document, out)
        return StackFile(self.path, out.getvalue())

    def write(self) -> None:
        """Put the file in place at once: a reader sees the old one or the new one, whole."""
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(descriptor, "w") as out:
                out.write(self.text)
            temporary = Path(name)
            temporary.chmod(self.path.stat().st_mode & 0o777 if self.path.exists() else 0o644)
            temporary.replace(self.path)
        finally:
            Path(name).unlink(missing_ok=True)

    def _document(self) -> Any:
        try:
            document = _yaml().load(self.text)
        except YAMLError as error:
            raise UsageError(f"{self.path.name}: is no YAML: {error}") from error
        if document is None:
            document = CommentedMap()
        if not isinstance(document, CommentedMap):
            raise UsageError(f"{self.path.name}: found {type(document).__name__}, want a mapping with the key config")
        return document


def canary_value(canary: Mapping[str, Any]) -> dict[str, Any]:
    """A canary as the file spells it."""
    return {key: str(value) if isinstance(value, Version) else value for key, value in canary.items()}


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    return yaml


def _merge(target: CommentedMap, value: Mapping[str, Any]) -> None:
    for key in [key for key in target if key not in value]:
        del target[key]
    for key, part in value.items():
        if isinstance(part, Mapping) and isinstance(target.get(key), CommentedMap):
            _merge(target[key], part)
        elif target.get(key) != part:
            target[key] = _plain(part)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        flow = CommentedMap((key, _plain(part)) for key, part in value.items())
        flow.fa.set_flow_style()
        return flow
    return str(value) if isinstance(value, Version) else value


def _place(keys: list[str], key: str) -> int:
    """Where a new key goes: after those that come before it in a person's order, else at the end."""
    if key not in _ORDER:
        return len(keys)
    before = {f"{_NAMESPACE}{one}" for one in _ORDER[: _ORDER.index(key)]}
    return max((index + 1 for index, one in enumerate(keys) if one in before), default=len(keys))
