"""The next version from the registry's tags."""

from __future__ import annotations

import pytest

from delivery.candidates import candidate_after, candidates, project_version
from delivery.errors import RefusedError
from infra.version import Version

WANTED = Version.parse("v2.0.0")
TAGS = ["v2.0.0-rc9", "v2.0.0-rc10", "v2.0.0-dev", "v1.9.0-rc30", "sha256-ab.sbom", "latest", "v2.0.0-rc01"]


def test_numbers_go_up_one_by_one_beside_everything_else() -> None:
    assert str(candidate_after([], WANTED)) == "v2.0.0-rc1"
    assert str(candidate_after(TAGS, WANTED)) == "v2.0.0-rc11"
    assert list(map(str, candidates(TAGS, WANTED))) == ["v2.0.0-rc10", "v2.0.0-rc9"]


def test_a_version_that_is_out_gets_no_more_candidates() -> None:
    with pytest.raises(RefusedError, match=r"v2\.0\.0 is out already"):
        candidate_after([*TAGS, "v2.0.0"], WANTED)


def test_the_project_names_its_version() -> None:
    assert project_version().prerelease is None
