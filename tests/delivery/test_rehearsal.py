"""The report of a rehearsal needs nothing but itself."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from delivery.load import Answer
from delivery.rehearsal.record import Look, Record, Step
from delivery.rehearsal.report import html, requests_picture


def record() -> Record:
    answers = [
        Answer(sent=at / 10, done=at / 10 + 0.01, status=200, version="v1.0.0" if at < 50 else "v2.0.0", kind="fresh")
        for at in range(100)
    ]
    return Record(
        began=0,
        ended=10,
        answers=[*answers, Answer(sent=5, done=5, error="closed")],
        steps=[Step(title="a <b> step", began=4, ended=6, ok=False)],
        looks=[Look(at=1, ready={"v1-0-0": 2}), Look(at=9, ready={"v1-0-0": 2, "v2-0-0": 2})],
    )


def test_the_report_is_whole_escaped_and_honest() -> None:
    text = html(record(), "A title")
    assert "1 of 101 requests failed" in text
    assert "a &lt;b&gt; step" in text
    assert not re.search(r"<(script|link|img)|src=|https?:", text)
    pictures = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(pictures) == 2
    for picture in pictures:
        ElementTree.fromstring(picture)


def test_each_version_has_its_area_and_each_failure_its_mark() -> None:
    root = ElementTree.fromstring(requests_picture(record(), ["v1.0.0", "v2.0.0"]))
    assert len(root.findall("polygon")) == 2
    assert len([path for path in root.findall("path") if path.get("stroke") == "#c00"]) == 2, "a request and its step"
