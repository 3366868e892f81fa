"""A real PostgreSQL server and real servers of InssaService, shared where tests do not disturb each other."""

from __future__ import annotations

import itertools
import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from inssaservice import logs

from tests.app import tracks
from tests.app.postgres import Postgres, binaries
from tests.app.tracks import Api, Browser, Track


@pytest.fixture(scope="session", autouse=True)
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the servers of this process log to."""
    path = tmp_path_factory.mktemp("log") / "log"
    with path.open("w", buffering=1) as stream:
        logs.configure(version="v1.0.0", track="tests", stream=stream)
        yield path
        logging.root.handlers.clear()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    programs = binaries()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: postgresql)")
    # Not in pytest's folder: the user that PostgreSQL runs as may not enter that.
    with tempfile.TemporaryDirectory(prefix="inssa-postgres-") as name:
        server = Postgres(programs, Path(name))
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    for name, value in tracks.SECRETS.items():
        (folder / name).write_text(value + "\n")
    return folder


@pytest.fixture(scope="session")
def new_track(postgres: Postgres, secrets: Path) -> Callable[..., Track]:
    """Tracks with a database of their own, provisioned but not migrated."""
    numbers = itertools.count(1)

    def make(**variables: str) -> Track:
        track = tracks.make(postgres, secrets, f"t{next(numbers)}", **variables)
        assert track.run("provision") == 0
        return track

    return make


@pytest.fixture(scope="session")
def track(new_track: Callable[..., Track]) -> Track:
    """A migrated track of 1.0 that many tests share."""
    track = new_track()
    assert track.run("migrate") == 0
    return track


@pytest.fixture(scope="session")
def address(track: Track) -> Iterator[str]:
    """Where the shared track serves."""
    with track.serving() as address:
        yield address


@pytest.fixture
def browser(address: str) -> Iterator[Browser]:
    with Browser(address) as browser:
        yield browser


@pytest.fixture(scope="session")
def host(address: str) -> Iterator[Api]:
    with Api(address, tracks.HOST_CODE) as api:
        yield api


@pytest.fixture
def code(host: Api) -> str:
    """The invitation code of a newcomer."""
    return host.invite("Newcomer")


@pytest.fixture
def member(address: str, code: str) -> Iterator[Api]:
    """A newcomer, signed in to the API."""
    with Api(address, code) as api:
        yield api
