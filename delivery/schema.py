"""The JSON schema of everything that `--json` prints, as it stands in docs/inssa.schema.json."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from delivery.reports import BuildReport, ChangeReport, PreviewsReport, RehearsalReport, StatusReport

REPORTS = (StatusReport, PreviewsReport, BuildReport, ChangeReport, RehearsalReport)


def schema() -> dict[str, Any]:
    """One document with a definition per report; a command prints one of them."""
    _, definitions = models_json_schema([(report, "serialization") for report in REPORTS])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What inssa --json prints",
        "anyOf": [{"$ref": f"#/$defs/{report.__name__}"} for report in REPORTS],
        **definitions,
    }
