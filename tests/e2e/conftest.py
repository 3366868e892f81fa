"""The real local platform, and stacks on it that exist for one test module only."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import local
from tests.e2e import images
from tests.e2e.stack import ROOT, Stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def platform() -> dict[str, str]:
    """The environment of the local platform, which is started if it does not run."""
    subprocess.run([sys.executable, "-m", "local", "up"], cwd=ROOT, check=True)
    return local.environment()


@pytest.fixture(scope="session")
def image(platform: dict[str, str]) -> Callable[[str], str]:
    """Build a version of InssaService if the registry lacks it, and return its reference."""
    assert platform["INSSA_REGISTRY_PORT"]

    def build(version: str) -> str:
        return images.build(version)

    return build


@pytest.fixture(scope="module")
def make_stack(
    platform: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[dict[str, Any]], Stack]]:
    """Create a stack of its own name, namespace and state; it is destroyed after the module's last test."""
    made: list[Stack] = []

    def make(config: dict[str, Any]) -> Stack:
        stack = Stack(f"e2e-{secrets.token_hex(3)}", config, tmp_path_factory.mktemp("stack"), platform)
        made.append(stack)
        stack.init()
        return stack

    yield make
    for stack in made:
        stack.destroy()
