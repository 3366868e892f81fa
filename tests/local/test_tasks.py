import threading

import pytest

from local.errors import PlatformError
from local.tasks import Task, run


def test_a_task_runs_after_its_needs_and_beside_the_others() -> None:
    done: list[str] = []
    both = threading.Barrier(2, timeout=5)

    def side(name: str) -> None:
        both.wait()
        done.append(name)

    run(
        [
            Task("left", lambda: side("left")),
            Task("right", lambda: side("right")),
            Task("last", lambda: done.append("last"), ("left", "right")),
        ]
    )
    assert set(done[:2]) == {"left", "right"}
    assert done[2:] == ["last"]


def test_what_needs_a_failed_task_is_left_out_and_its_error_arrives() -> None:
    done: list[str] = []

    def fail() -> None:
        raise PlatformError("disk on fire")

    with pytest.raises(PlatformError, match="disk on fire"):
        run(
            [
                Task("broken", fail),
                Task("needs it", lambda: done.append("needs it"), ("broken",)),
                Task("indirectly", lambda: done.append("indirectly"), ("needs it",)),
                Task("free", lambda: done.append("free")),
            ]
        )
    assert done == ["free"]


def test_a_need_that_stands_later_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="needs"):
        run([Task("first", lambda: None, ("second",)), Task("second", lambda: None)])
