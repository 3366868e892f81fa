from pathlib import Path

import pytest

from local.errors import UnfitMachineError
from local.settings import read


def test_defaults_lie_in_the_users_home() -> None:
    settings = read({"HOME": "/home/kim"})
    assert settings.home == Path("/home/kim/.local/share/inssa")
    assert settings.cache == Path("/home/kim/.cache/inssa")
    assert (settings.gateway_port, settings.registry_port) == (8080, 5000)
    assert settings.registry == "localhost:5000"


@pytest.mark.parametrize(
    ("environ", "part"),
    [
        ({"INSSA_GATEWAY_PORT": "80"}, "INSSA_GATEWAY_PORT is '80'"),
        ({"INSSA_REGISTRY_PORT": "many"}, "INSSA_REGISTRY_PORT is 'many'"),
        ({"INSSA_GATEWAY_PORT": "5000"}, "both 5000"),
        ({"INSSA_HOME": f"/{'x' * 90}"}, "too long"),
        ({"INSSA_HOME": "/data/my files"}, "without spaces"),
        ({"INSSA_CACHE": "/data/it's"}, "INSSA_CACHE"),
    ],
)
def test_a_bad_setting_is_named(environ: dict[str, str], part: str) -> None:
    with pytest.raises(UnfitMachineError, match=part):
        read({"HOME": "/home/kim", **environ})
