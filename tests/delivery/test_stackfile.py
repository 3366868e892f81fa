"""A stack's file is edited as a person would."""

from __future__ import annotations

from pathlib import Path

import pytest

from delivery.errors import UsageError
from delivery.stackfile import StackFile

TEXT = """\
# The public service.
config:
  inssa:phase: real
  inssa:live: v1.0.0  # since May
  inssa:scale: {min: 10, max: 10, cpu: 60}
  kubernetes:kubeconfig: "~/.kube/config"
encryptionsalt: v1:abc=:v1:def
"""


def file(text: str = TEXT) -> StackFile:
    return StackFile(Path("Pulumi.real.yaml"), text)


def test_order_comments_and_other_keys_stay() -> None:
    changed = file().changed({"live": "v2.0.0", "standby": "v1.0.0", "scale": {"min": 10, "max": 20, "cpu": 60}})
    assert changed.text == TEXT.replace("live: v1.0.0", "live: v2.0.0").replace(
        "  inssa:scale: {min: 10, max: 10", "  inssa:standby: v1.0.0\n  inssa:scale: {min: 10, max: 20"
    )
    assert changed.changed({"live": "v1.0.0", "standby": None, "scale": {"min": 10, "max": 10, "cpu": 60}}).text == TEXT


def test_a_number_that_pulumi_quoted_is_one() -> None:
    assert file('config:\n  inssa:generation: "3"\n').generation == 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("config: [", "is no YAML"),
        ("- a", "want a mapping"),
        ("config: 3", "want keys like"),
        ("config:\n  inssa:generation: soon", "inssa:generation: found 'soon'"),
        ("config:\n  inssa:live: 2.0", "'2.0' is not a version"),
        ("config:\n  inssa:live: v1.0.0\n  inssa:canary: {version: v2.0.0}", "'weight' is missing"),
    ],
)
def test_a_wrong_file_is_refused_by_name(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=rf"(?s)Pulumi\.real\.yaml: .*{why}"):
        _ = file(text).generation, file(text).roles


def test_the_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.real.yaml"
    path.write_text("old")
    StackFile(path, TEXT).write()
    assert path.read_text() == TEXT
    assert list(tmp_path.iterdir()) == [path]
