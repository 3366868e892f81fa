import time

import pytest

from local import commands
from local.commands import CommandError, run
from local.errors import PlatformError
from local.progress import Step


def test_output_comes_back_and_lines_of_standard_error_as_they_come() -> None:
    lines: list[str] = []
    assert run(["sh", "-c", "cat; echo one >&2; echo two >&2"], seconds=5, stdin="in", on_line=lines.append) == "in"
    assert lines == ["one", "two"]


def test_an_error_shows_the_command_its_status_and_its_last_lines() -> None:
    with pytest.raises(CommandError, match=r"^sh -c 'echo why >&2; exit 3' ended with status 3\nwhy$"):
        run(["sh", "-c", "echo why >&2; exit 3"], seconds=5)


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandError, match="cannot run no-such-program: No such file"):
        run(["no-such-program"], seconds=5)


@pytest.mark.parametrize(
    ("limits", "words"), [({"seconds": 0.3}, "took more than"), ({"silence": 0.3}, "wrote nothing")]
)
def test_a_program_that_hangs_is_ended_with_its_children(limits: dict[str, float], words: str) -> None:
    began = time.monotonic()
    with pytest.raises(CommandError, match=words):
        run(["sh", "-c", "sleep 60 & sleep 60"], seconds=limits.get("seconds", 30), silence=limits.get("silence"))
    assert time.monotonic() - began < 5


def test_a_program_that_speaks_is_not_silent() -> None:
    script = "for i in 1 2 3 4 5 6; do echo $i >&2; sleep 0.1; done; echo done"
    assert run(["sh", "-c", script], seconds=10, silence=0.4) == "done\n"


def test_nothing_starts_after_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands._interrupted, "is_set", lambda: True)
    with pytest.raises(CommandError, match="interrupted"):
        run(["true"], seconds=5)


def test_a_download_is_tried_again_and_then_explained() -> None:
    calls = []

    def fetch() -> int:
        calls.append(1)
        raise CommandError("no route")

    step = Step("download", None)
    with pytest.raises(PlatformError, match="no route\n4 attempts failed: check it"):
        commands.retried(fetch, step, "check it")
    assert len(calls) == 4
    assert step.note == "attempt 4 of 4"
