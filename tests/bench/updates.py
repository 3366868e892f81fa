"""What the program costs beyond an empty one: preview and an update with nothing to change."""

from __future__ import annotations

from pathlib import Path

from tests.bench.figures import Figure, ratio
from tests.bench.timing import paired, seconds
from tests.e2e.stack import Stack


def measure(stage: Stack, folder: Path) -> list[Figure]:
    """Pairs of a deployed stage stack and an empty program with the same settings and configuration."""
    empty = empty_program(stage, folder)

    def preview(stack: Stack) -> float:
        return seconds(["pulumi", "preview", "--stack", stack.name], cwd=stack.folder, env=stack.env)

    def no_op() -> float:
        command = ["pulumi", "up", "--yes", "--skip-preview", "--stack", stage.name]
        return seconds(command, cwd=stage.folder, env=stage.env)

    previews, empty_previews = paired(lambda: preview(stage), lambda: preview(empty))
    updates, again = paired(no_op, lambda: preview(empty))
    resources = len(stage.resources())
    return [
        ratio("preview_ratio", 1.75, previews, empty_previews, resources=resources),
        ratio("no_op_up_ratio", 2.0, updates, again, resources=resources),
    ]


def empty_program(like: Stack, folder: Path) -> Stack:
    """A stack of a program that only imports Pulumi."""
    program = folder / "program"
    program.mkdir()
    (program / "__main__.py").write_text("import pulumi\n")
    stack = Stack(f"{like.name}-empty", like.config, folder, like.env, program=program)
    stack.init()
    stack.up()
    return stack
