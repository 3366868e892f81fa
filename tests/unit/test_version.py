from __future__ import annotations

import pytest

from infra.version import Version


def test_candidates_come_before_the_version_they_lead_to() -> None:
    unsorted = ["v2.0.0", "v2.0.0-rc10", "v1.9.3", "v2.0.0-rc.2", "v2.0.0-rc.10"]
    assert [str(v) for v in sorted(map(Version.parse, unsorted))] == [
        "v1.9.3",
        "v2.0.0-rc.2",
        "v2.0.0-rc.10",
        "v2.0.0-rc10",
        "v2.0.0",
    ]


def test_a_slug_is_a_dns_label() -> None:
    assert Version.parse("v2.0.0-rc1").slug == "v2-0-0-rc1"


@pytest.mark.parametrize("text", ["2.0.0", "v2", "v2.0", "v2.0.0-RC1", "v2.0.0+b", "v02.0.0", "", "v1.0.0-" + "a" * 40])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a version like"):
        Version.parse(text)
