"""A member of InssaService, through its JSON API on the gateway."""

from __future__ import annotations

import httpx

from tests.load.client import Target


class Member:
    """Signed in with an invitation code; requests are never retried."""

    def __init__(self, target: Target, code: str) -> None:
        self._client = client(target)
        answer = self._client.post("/api/v1/sign-in", json={"code": code})
        answer.raise_for_status()
        self._client.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    def post(self, text: str) -> int:
        """Post a moment and return its id."""
        answer = self._client.post("/api/v1/moments", json={"text": text})
        answer.raise_for_status()
        return int(answer.json()["id"])

    def feed(self) -> list[str]:
        """Texts of the newest moments."""
        answer = self._client.get("/api/v1/feed")
        answer.raise_for_status()
        return [moment["text"] for moment in answer.json()["moments"]]


def client(target: Target) -> httpx.Client:
    """An HTTP client that reaches `target` whatever the resolver knows of .localhost names."""
    return httpx.Client(
        base_url=f"http://{target.address}:{target.port}", headers={"Host": f"{target.host}:{target.port}"}, timeout=10
    )
