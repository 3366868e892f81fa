from pathlib import Path

import pytest

from local.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", cache=tmp_path / "cache", gateway_port=8080, registry_port=5000)
