"""A preview as one comment that GitHub accepts and a person reads from the top."""

from __future__ import annotations

import time
from html.parser import HTMLParser
from typing import Any

import pytest

from delivery.comment import LIMIT, Preview, marker, render
from delivery.plan import Plan, Step, merged, step


def changed(
    operation: str, kind: str, name: str, old: dict[str, Any] | None, new: dict[str, Any] | None, *keys: str
) -> Step:
    found = step(
        {
            "op": operation,
            "urn": f"urn:pulumi:real::inssa::{kind}::{name}",
            "type": kind,
            "old": {"inputs": old} if old is not None else None,
            "new": {"inputs": new} if new is not None else None,
            "keys": keys,
        }
    )
    assert found
    return found


DEPLOYMENT, SECRET = "kubernetes:apps/v1:Deployment", "kubernetes:core/v1:Secret"
DATABASE = changed("replace", "kubernetes:apps/v1:StatefulSet", "database", {"size": 1}, {"size": 2}, "size")


class Balance(HTMLParser):
    """Fails the test on an element that is never closed or closed out of order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags_of(body: str) -> set[str]:
    balance = Balance()
    balance.feed(body)
    assert balance.open == []
    return balance.seen


def test_the_summary_comes_first_and_names_what_would_be_felt_in_bold() -> None:
    steps = (changed("create", DEPLOYMENT, "v2", None, {"a": 1}), DATABASE)
    lines = render(Preview(stack="real", plan=Plan(steps=steps))).splitlines()
    assert lines[0] == marker("real")
    assert lines[1] == "### Preview of <code>real</code>: 1 to create, 1 to replace"
    assert lines[5:7] == [
        "| **replace 1** | **<code>StatefulSet/database</code>** |",
        "| create 1 | <code>Deployment/v2</code> |",
    ]
    assert "+ size: 2  (forces the replacement)" in lines


@pytest.mark.parametrize("size", [1, 40, 500, 5000])
def test_any_number_of_changes_fits_and_stays_valid(size: int) -> None:
    hostile = "</pre></details><script>x</script> ``` | @team #1 \u202e 😀" * 9
    steps = [
        changed("update", DEPLOYMENT, f"d{number}<b>", {"x": number, "y": hostile}, {"x": -number, "y": hostile * 2})
        for number in range(size)
    ]
    started = time.perf_counter()
    body = render(Preview(stack="real", plan=Plan(steps=merged([*steps, DATABASE])), commit="0123456789abcdef"))
    if size == 500:
        assert time.perf_counter() - started < 1
    assert len(body.encode("utf-16-le")) // 2 <= LIMIT
    assert tags_of(body) == {"code", "details", "summary", "pre", "sub"}
    assert body.index("@@ replace StatefulSet/database") < body.index("@@ update")
    shown = body.count("@@ update")
    assert ("more have no room here" in body) == (shown < size)


def test_one_change_too_large_is_cut_at_a_line() -> None:
    new = {f"key{number}": "value" * 50 for number in range(1000)}
    body = render(Preview(stack="real", plan=Plan(steps=(changed("create", DEPLOYMENT, "v2", None, new),))))
    assert len(body) <= LIMIT
    assert "\n…\n</pre>" in body
    assert tags_of(body)


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (DEPLOYMENT, {"a": {"4dabf18193072939515e22adb298388d": "x", "ciphertext": "[secret]"}}, {"a": "hush"}),
        (DEPLOYMENT, {"a": "hush"}, {"a": "[secret]"}),
        (DEPLOYMENT, {"env": [{"a": 1, "v": "hush"}]}, {"env": [{"a": 2, "v": "[secret]"}]}),
        (DEPLOYMENT, {"admin": {"password": "hush"}}, {"admin": {"password": "hush hush"}}),
        (DEPLOYMENT, None, {"spec": {"admin": {"api_key": "hush"}}}),
        (SECRET, {"data": {"code": "hush"}}, {"data": {"code": "hush hush"}}),
        (SECRET, None, {"stringData": {"code": "hush"}}),
        ("kubernetes:yaml:Group", None, {"objs": [{"kind": "Secret", "data": {"code": "hush"}}]}),
    ],
)
def test_no_secret_is_shown_not_even_an_old_one(
    kind: str, old: dict[str, Any] | None, new: dict[str, Any] | None
) -> None:
    operation = "update" if old else "create"
    body = render(Preview(stack="real", plan=Plan(steps=(changed(operation, kind, "x", old, new),))))
    assert "hush" not in body
    assert "[secret]" in body


def test_a_failed_preview_says_so_and_why() -> None:
    body = render(Preview(stack="real", plan=Plan(errors=("inssa:live: found <v1>, but v2 serves",))))
    assert body.splitlines()[1:] == [
        "### Preview of <code>real</code> failed",
        "",
        "<pre>inssa:live: found &lt;v1&gt;, but v2 serves</pre>",
    ]


def test_no_changes_are_one_line() -> None:
    assert (
        render(Preview(stack="real", plan=Plan())) == f"{marker('real')}\nPreview of <code>real</code>: no changes.\n"
    )
