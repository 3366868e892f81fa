"""Pages and API of 1.x: a feed with names and thumbs-ups."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from fastapi import APIRouter, Depends
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from inssaservice import api as shared
from inssaservice import content, members
from inssaservice.members import Viewer
from inssaservice.pages import Form, Pages
from inssaservice.service import Service
from inssaservice.v1 import queries
from inssaservice.v1.texts import TEXTS

__all__ = ["GLOBALS", "TEXTS", "api", "pages"]

GLOBALS: dict[str, object] = {}


class FeedPages(Pages):
    """The feed of 1.x."""

    def feed(
        self, connection: sa.Connection, request: Request, viewer: Viewer, *, error: str | None = None, draft: str = ""
    ) -> Response:
        """The newest 50 moments with the forms to write and to invite."""
        return self.service.renderer.page(
            request,
            "feed.html",
            proofs=self.service.proofs,
            viewer=viewer,
            status=422 if error else 200,
            moments=queries.feed(connection, viewer),
            error=error,
            draft=draft,
        )

    def react(self, connection: sa.Connection, viewer: Viewer, moment_id: int, _: Form) -> None:
        """Give a thumbs-up, or take it back when it was given."""
        if not queries.give(connection, viewer, moment_id):
            queries.take_back(connection, viewer, moment_id)

    def invite(self, connection: sa.Connection, viewer: Viewer, form: Form) -> tuple[str, str]:
        """Invite a member by name."""
        name = content.name(form.get("name", ""))
        return name, members.invite(connection, by=viewer.id, columns={"name": name})


class Member(BaseModel):
    """A member as others see them."""

    id: int
    name: str


class Moment(BaseModel):
    """A moment of the feed. `given`: the viewer gave a thumbs-up; `own`: the viewer wrote it."""

    id: int
    text: str
    created_at: datetime
    author: Member
    thumbs_up: int
    given: bool
    own: bool


class Feed(BaseModel):
    """The newest 50 moments, newest first."""

    moments: list[Moment]


class Newcomer(BaseModel):
    """Who is invited."""

    name: str


def pages(service: Service) -> Pages:
    """The pages of 1.x."""
    return FeedPages(service)


def api(service: Service, access: shared.Access) -> APIRouter:
    """The API routes of 1.x."""
    router = shared.router(service, access, give=queries.give, take_back=queries.take_back)
    reading, acting = Depends(access.reads), Depends(access.acts)

    @router.get("/feed", summary="The newest 50 moments")
    def read_feed(viewer: Viewer = reading) -> Feed:
        with service.reading() as connection:
            found = queries.feed(connection, viewer)
        return Feed(
            moments=[
                Moment(
                    id=moment.id,
                    text=moment.text,
                    created_at=moment.created_at,
                    author=Member(id=moment.author_id, name=moment.author),
                    thumbs_up=moment.thumbs_up,
                    given=moment.given,
                    own=moment.own,
                )
                for moment in found
            ]
        )

    @router.post("/invitations", status_code=201, summary="Invite a newcomer")
    def invite(newcomer: Newcomer, viewer: Viewer = acting) -> shared.Invitation:
        name = content.name(newcomer.name)
        with service.writing() as connection:
            return shared.Invitation(code=members.invite(connection, by=viewer.id, columns={"name": name}))

    return router
