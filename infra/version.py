"""Versions as the service spells them: `v` and a semantic version."""

from __future__ import annotations

from typing import Any

import semver
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

_LONGEST = 40  # Leaves room in a 63-character label for what a name adds around it.


class Version(semver.Version):
    """A released or candidate version, ordered as semver.org orders precedence.

    >>> Version.parse("v2.0.0-rc1") < Version.parse("v2.0.0")
    True
    """

    @classmethod
    def parse(cls, version: Any, optional_minor_and_patch: bool = False) -> Version:
        """Read `v2.0.0` or `v2.0.0-rc1`. Raises ValueError for anything else, build metadata included."""
        text = str(version)
        if not text.startswith("v") or "+" in text or text != text.lower() or len(text) > _LONGEST:
            raise ValueError(f"{text!r} is not a version like v2.0.0 or v2.0.0-rc1")
        try:
            return super().parse(text[1:], optional_minor_and_patch)
        except ValueError:
            raise ValueError(f"{text!r} is not a version like v2.0.0 or v2.0.0-rc1") from None

    def __str__(self) -> str:
        return f"v{super().__str__()}"

    @property
    def slug(self) -> str:
        """The version as a DNS label: `v2-0-0-rc1`."""
        return str(self).replace(".", "-")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: type, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.parse)
