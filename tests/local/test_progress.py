import io
import time

import pytest
from rich.console import Console

from local import progress
from local.progress import Reporter, duration


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0s"), (59.4, "59s"), (60, "1m00s"), (930, "15m30s")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_pipe_gets_a_line_at_the_start_while_it_lasts_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.1)
    out = io.StringIO()
    with Reporter(Console(file=out)) as reporter, reporter.step("compile", 60) as step:
        step.note = "7 of 9 packages"
        time.sleep(0.25)
    lines = out.getvalue().splitlines()
    assert lines[0] == "  .. compile, takes about 1m00s"
    assert "  .. compile: 7 of 9 packages (0s of about 1m00s)" in lines
    assert lines[-1] == "  ok     compile (0s)"


def test_a_failed_step_says_why_at_once() -> None:
    out = io.StringIO()
    with pytest.raises(ValueError, match="disk"), Reporter(Console(file=out)) as reporter, reporter.step("compile"):
        raise ValueError("disk on fire\nsmoke")
    assert out.getvalue() == "  failed compile (0s): disk on fire\n"
