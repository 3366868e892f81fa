"""Forms of the page: reading them, and proof that a form came from our own page (CSRF).

The proof is a keyed hash of what the browser already holds in a signed cookie: the session, or before
sign-in a random visitor id. Another site can make a browser send the cookie but cannot read or compute the
hash. It needs no storage, and any pod of any release can check what another has issued.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from itsdangerous import BadSignature, Signer
from starlette.requests import Request

VISITOR_COOKIE: Final = "inssa-visitor"
FIELD: Final = "proof"


class Proofs:
    """Issues and checks the hidden field of forms."""

    def __init__(self, key: str) -> None:
        self._key = hashlib.sha256(b"inssa.forms." + key.encode()).digest()
        self._visitor = Signer(key, salt="inssa.visitor", digest_method=hashlib.sha256, key_derivation="hmac")

    def proof(self, anchor: str) -> str:
        """The field's value for a session id or visitor id."""
        return hmac.new(self._key, anchor.encode(), hashlib.sha256).hexdigest()

    def holds(self, anchor: str, form: Mapping[str, str]) -> bool:
        """Whether the form carries the proof for the anchor."""
        return hmac.compare_digest(self.proof(anchor).encode(), form.get(FIELD, "").encode())

    def visitor(self, request: Request) -> str | None:
        """The visitor id of a browser that is not signed in, if it has a valid one."""
        try:
            return self._visitor.unsign(request.cookies.get(VISITOR_COOKIE, "")).decode()
        except (BadSignature, UnicodeError):
            return None

    def new_visitor(self) -> tuple[str, str]:
        """A fresh visitor id and the cookie's value for it."""
        identifier = secrets.token_hex(16)
        return identifier, self._visitor.sign(identifier).decode()


async def read(request: Request) -> dict[str, str]:
    """The fields of a URL-encoded form, the last one of a name; other bodies count as empty."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    body = await request.body()
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20, errors="replace"))
