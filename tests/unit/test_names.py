from __future__ import annotations

from infra import names


def test_a_long_name_is_cut_and_stays_unique() -> None:
    first, second = names.name("a" * 60, "verify", "v1-0-0"), names.name("a" * 60, "verify", "v2-0-0")
    assert len(first) <= names.LABEL_LIMIT
    assert first != second


def test_configuration_is_named_for_its_content() -> None:
    assert names.content_name("qa", {"A": "1"}) == names.content_name("qa", {"A": "1"})
    assert names.content_name("qa", {"A": "1"}) != names.content_name("qa", {"A": "2"})


def test_a_selector_holds_nothing_that_changes_with_a_version() -> None:
    chosen = names.selector("qa", "web")
    assert chosen.items() <= names.labels("qa", "web", version="v2.0.0").items()
    assert not any("version" in key for key in chosen)
