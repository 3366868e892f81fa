"""A track of InssaService as the tests see it: its settings, its Jobs, its running server, its members."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from inssaservice import cli, releases, server, settings

from tests.app.postgres import ADMIN, PASSWORD, Postgres

# Made once: httpx makes one for each call, which takes longer than the call.
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
request = functools.partial(httpx.request, verify=_TLS, trust_env=False)
get = functools.partial(httpx.get, verify=_TLS, trust_env=False)
post = functools.partial(httpx.post, verify=_TLS, trust_env=False)

HOST_CODE = "invitation-of-the-host"
VERIFIER_CODE = "code-of-the-verifier"
SECRETS = {
    "admin_password": PASSWORD,
    "owner_password": "owner-password",
    "app_password": "app-password",
    "session_key": "a-session-key-of-at-least-32-characters",
    "invitation_code": HOST_CODE,
    "verifier_code": VERIFIER_CODE,
}
APP = Path(server.__file__).parent.parent


@dataclass(frozen=True)
class Track:
    """One version on one database. `with_` gives another version on the same database."""

    postgres: Postgres
    environment: dict[str, str] = field(hash=False)

    @property
    def database(self) -> str:
        return self.environment["INSSA_DATABASE_NAME"]

    def with_(self, **variables: str) -> Track:
        return Track(
            self.postgres, self.environment | {f"INSSA_{name.upper()}": str(v) for name, v in variables.items()}
        )

    def run(self, task: str) -> int:
        """Run a subcommand in this process; its exit code."""
        return cli.main([task], self.environment)

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Run a statement as administrator."""
        with self.postgres.connect(self.database) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def connect_as(self, role: str) -> psycopg.Connection:
        user = self.environment[f"INSSA_DATABASE_{role.upper()}_USER"]
        return self.postgres.connect(self.database, user, SECRETS[f"{role}_password"])

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        """Serve from a thread of this process; the address."""
        running = server.make(settings.load(self.environment), releases.load(self.environment))
        thread = threading.Thread(target=running.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 10
        while not running.started:
            assert thread.is_alive(), "the server ended while starting"
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join(10)

    @contextlib.contextmanager
    def process(self, port: int) -> Iterator[subprocess.Popen[str]]:
        """Serve from a process of its own, as a pod does."""
        process = subprocess.Popen(
            [sys.executable, "-m", "inssaservice"],
            env={**os.environ, **self.environment, "INSSA_LISTEN_PORT": str(port), "PYTHONPATH": str(APP)},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def make(postgres: Postgres, secrets: Path, name: str, **variables: str) -> Track:
    """A track with a database of its own, not provisioned yet."""
    environment = {
        "INSSA_VERSION": "v1.0.0",
        "INSSA_RELEASE": "v1",
        "INSSA_TRACK": name,
        "INSSA_PHASE": "stage",
        "INSSA_DATABASE_HOST": "127.0.0.1",
        "INSSA_DATABASE_PORT": str(postgres.port),
        "INSSA_DATABASE_NAME": f"inssa_{name}",
        "INSSA_DATABASE_APP_USER": f"inssa_{name}_app",
        "INSSA_DATABASE_OWNER_USER": f"inssa_{name}_owner",
        "INSSA_DATABASE_ADMIN_USER": ADMIN,
        "INSSA_SECRETS_DIR": str(secrets),
        "INSSA_LISTEN_PORT": "0",
        "INSSA_DRAIN_SECONDS": "0.5",
        "INSSA_LOCK_SECONDS": "1",
    }
    return Track(postgres, environment).with_(**variables)


class Browser(httpx.Client):
    """A browser without JavaScript: it keeps cookies and sends the forms it was shown."""

    page: httpx.Response

    def __init__(self, address: str | httpx.URL) -> None:
        super().__init__(base_url=address, verify=_TLS, trust_env=False)

    def visit(self, path: str = "/") -> httpx.Response:
        self.page = self.get(path)
        return self.page

    def submit(self, action: str, **fields: str) -> httpx.Response:
        """Send a form of the page that was visited last, and follow to where it leads."""
        proof = re.search(r'name="proof" value="([0-9a-f]+)"', self.page.text)
        assert proof is not None, "the page has no form"
        self.page = self.post(action, data={"proof": proof[1], **fields}, follow_redirects=True)
        return self.page

    def sign_in(self, code: str) -> httpx.Response:
        self.visit()
        return self.submit("/sign-in", code=code)

    def post_moment(self, text: str) -> int:
        """Post through the form; the id of the moment."""
        self.visit()
        assert self.submit("/moments", text=text).status_code == 200
        newest: int = self.get("/api/v1/feed").json()["moments"][0]["id"]
        return newest


class Api(httpx.Client):
    """A client of the JSON API that is signed in with a token."""

    def __init__(self, address: str, code: str) -> None:
        super().__init__(base_url=address, verify=_TLS, trust_env=False)
        token = post(f"{address}/api/v1/sign-in", json={"code": code}).raise_for_status().json()["token"]
        self.headers["authorization"] = f"Bearer {token}"

    def feed(self) -> dict[int, dict[str, Any]]:
        return {moment["id"]: moment for moment in self.get("/api/v1/feed").raise_for_status().json()["moments"]}

    def post_moment(self, text: str) -> int:
        identifier: int = self.post("/api/v1/moments", json={"text": text}).raise_for_status().json()["id"]
        return identifier

    def invite(self, name: str) -> str:
        code: str = self.post("/api/v1/invitations", json={"name": name}).raise_for_status().json()["code"]
        return code
