"""What programs may rely on: the schema of `--json`, and the exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from delivery.errors import ExitCode
from delivery.schema import schema

DOCS = Path(__file__).parents[2] / "docs"


def test_the_schema_of_the_documents_is_the_one_that_is_documented(request: pytest.FixtureRequest) -> None:
    path = DOCS / "inssa.schema.json"
    if request.config.getoption("--update-goldens"):
        path.write_text(json.dumps(schema(), indent=2) + "\n")
    assert json.loads(path.read_text()) == schema(), "write it anew: pytest tests/delivery --update-goldens"


def test_every_exit_code_is_documented() -> None:
    documented = re.findall(r"^\| (\d+) \| ", (DOCS / "inssa.md").read_text(), re.MULTILINE)
    assert list(map(int, documented)) == sorted(ExitCode)
