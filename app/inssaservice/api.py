"""The JSON API under /api/v1: what all releases share. A release line adds its feed and its reactions.

What changes something asks for the bearer token that sign-in returns. A browser never sends that by itself, so
another site cannot make it act; the page's session cookie is good for reading only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

from inssaservice import content, moments, sessions
from inssaservice.members import Viewer
from inssaservice.problems import Problem
from inssaservice.service import Service, TooManyFailures, WrongCode

PREFIX = "/api/v1"
RESPONSES: dict[int | str, dict[str, Any]] = {
    401: {"description": "Not signed in, or no bearer token where one is needed"},
}

_bearer = HTTPBearer(auto_error=False, description="The token that sign-in returned")
_cookie = APIKeyCookie(name=sessions.COOKIE, auto_error=False, description="The page's session; reads only")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
Cookie = Annotated[str | None, Security(_cookie)]
MomentId = Annotated[int, Path(ge=1, le=content.LARGEST_ID)]


class SignIn(BaseModel):
    """An invitation code."""

    code: str = Field(max_length=200)


class Token(BaseModel):
    """A bearer token, valid for 30 days or until sign-out."""

    token: str
    token_type: str = "bearer"  # noqa: S105 - the scheme's name


class NewMoment(BaseModel):
    """A moment to post: 1 to 280 characters, line breaks allowed."""

    text: str = Field(max_length=4000, description="1 to 280 characters after trimming")


class Created(BaseModel):
    """The id of what was created."""

    id: int


class Invitation(BaseModel):
    """A newcomer's invitation code. It is not stored and cannot be shown again."""

    code: str


class Access:
    """Dependencies that find the viewer, or end the request with 401."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def reads(self, bearer: Bearer, cookie: Cookie) -> Viewer:
        """The viewer of a request that changes nothing."""
        credentials = self._service.credentials
        if bearer is not None:
            return self._find(credentials.from_bearer(bearer.credentials))
        return self._find(credentials.from_cookie(cookie))

    def acts(self, bearer: Bearer) -> Viewer:
        """The viewer of a request that changes something."""
        return self._find(self._service.credentials.from_bearer(bearer.credentials if bearer else None))

    def _find(self, session: str | None) -> Viewer:
        if session is not None:
            with self._service.reading() as connection:
                viewer = self._service.viewers.find(connection, session)
            if viewer is not None:
                return viewer
        raise Problem(401, "not_signed_in")


def router(
    service: Service,
    access: Access,
    *,
    give: Callable[[sa.Connection, Viewer, int], object],
    take_back: Callable[[sa.Connection, Viewer, int], None],
) -> APIRouter:
    """The routes that all releases share; `give` and `take_back` are a line's thumbs-up."""
    api = APIRouter(prefix=PREFIX, responses=RESPONSES)
    acting = Depends(access.acts)

    @api.post("/sign-in", summary="Sign in with an invitation code")
    def sign_in(request: Request, body: SignIn) -> Token:
        try:
            session = service.sign_in(request, body.code)
        except WrongCode:
            raise Problem(403, "wrong_code") from None
        except TooManyFailures:
            raise Problem(429, "too_many_failures") from None
        return Token(token=service.credentials.bearer(session))

    @api.post("/sign-out", status_code=204, summary="End the session")
    def sign_out(viewer: Viewer = acting) -> None:
        with service.writing() as connection:
            sessions.end(connection, viewer.session)

    @api.post("/moments", status_code=201, summary="Post a moment")
    def post_moment(body: NewMoment, viewer: Viewer = acting) -> Created:
        text = content.text(body.text)
        with service.writing() as connection:
            return Created(id=moments.post(connection, viewer, text))

    @api.delete("/moments/{moment_id}", status_code=204, summary="Remove one's own moment")
    def delete_moment(moment_id: MomentId, viewer: Viewer = acting) -> None:
        with service.writing() as connection:
            if not moments.delete(connection, viewer, moment_id):
                raise Problem(404, "no_such_moment")

    @api.put("/moments/{moment_id}/thumbs-up", status_code=204, summary="Give a thumbs-up")
    def give_thumbs_up(moment_id: MomentId, viewer: Viewer = acting) -> None:
        with service.writing() as connection:
            give(connection, viewer, moment_id)

    @api.delete("/moments/{moment_id}/thumbs-up", status_code=204, summary="Take a thumbs-up back")
    def take_thumbs_up_back(moment_id: MomentId, viewer: Viewer = acting) -> None:
        with service.writing() as connection:
            take_back(connection, viewer, moment_id)

    return api
