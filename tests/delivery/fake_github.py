"""As much of GitHub as the comment of a preview meets: pages, limits and outages, on loopback."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

LIMIT = 65_536
TOKEN = "a-token-of-the-test"


@dataclass
class Trouble:
    """The next answer to `method` instead of the right one; `after` lets the request take effect first."""

    method: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    message: str = ""
    after: bool = False


@dataclass
class FakeGitHub:
    """Pull requests by number with their comments, in the order of creation."""

    url: str = ""
    pulls: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    foreign: set[int] = field(default_factory=set)
    troubles: list[Trouble] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def add(self, number: int, body: str) -> int:
        """A comment as its id."""
        identity = sum(len(comments) for comments in self.pulls.values()) + 1
        self.pulls.setdefault(number, []).append(
            {"id": identity, "body": body, "html_url": f"https://github.test/{number}#{identity}"}
        )
        return identity

    def bodies(self, number: int) -> list[str]:
        """Texts of all comments."""
        return [comment["body"] for comment in self.pulls[number]]

    def answer(self, method: str, target: str, payload: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers of the right answer."""
        url = urlsplit(target)
        if method == "GET" and (found := re.fullmatch(r"/repos/o/r/pulls/(\d+)", url.path)):
            known = int(found[1]) in self.pulls
            return (200, {"number": int(found[1])}, {}) if known else (404, {"message": "Not Found"}, {})
        if found := re.fullmatch(r"/repos/o/r/issues/(\d+)/comments", url.path):
            number = int(found[1])
            if method == "GET":
                return self._page(number, parse_qs(url.query), url.path)
            if len(payload["body"]) > LIMIT:
                return 422, {"message": "body is too long (maximum is 65536 characters)"}, {}
            identity = self.add(number, payload["body"])
            return 201, next(c for c in self.pulls[number] if c["id"] == identity), {}
        found = re.fullmatch(r"/repos/o/r/issues/comments/(\d+)", url.path)
        assert found, f"{method} {target} is not known here"
        if int(found[1]) in self.foreign:
            return 403, {"message": "Must have admin rights"}, {}
        comment = next(c for comments in self.pulls.values() for c in comments if c["id"] == int(found[1]))
        comment["body"] = payload["body"]
        return 200, comment, {}

    def _page(self, number: int, query: dict[str, list[str]], path: str) -> tuple[int, Any, dict[str, str]]:
        size, page = int(query.get("per_page", ["30"])[0]), int(query.get("page", ["1"])[0])
        comments = self.pulls[number][(page - 1) * size : page * size]
        more = len(self.pulls[number]) > page * size
        link = f'<{self.url}{path}?per_page={size}&page={page + 1}>; rel="next"'
        return 200, comments, {"Link": link} if more else {}


@contextmanager
def serve() -> Iterator[FakeGitHub]:
    """Run one on a free port of loopback."""
    github = FakeGitHub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            payload = json.loads(self.rfile.read(length) or b"{}")
            github.requests.append(f"{self.command} {self.path}")
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                return self._reply(401, {"message": "Bad credentials"}, {})
            trouble = next((t for t in github.troubles if t.method == self.command), None)
            if trouble is None:
                return self._reply(*github.answer(self.command, self.path, payload))
            github.troubles.remove(trouble)
            if trouble.after:
                github.answer(self.command, self.path, payload)
            return self._reply(trouble.status, {"message": trouble.message}, trouble.headers)

        def _reply(self, status: int, body: Any, headers: dict[str, str]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    github.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
