"""Pages and API of 1.x: a feed with names and thumbs-ups."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from fastapi import APIRouter, Depends
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from inssaservice import api as shared
from inssaservice import content, members
from inssaservice.members import Viewer
from inssaservice.pages import Form, Pages, back
from inssaservice.service import Service
from inssaservice.v1 import queries
from inssaservice.v1.texts import TEXTS

__all__ = ["TEXTS", "api", "pages"]


class FeedPages(Pages):
    """The feed, thumbs-ups and invitations."""

    def routes(self) -> list[Route]:
        """The shared routes and those of 1.x."""
        return [
            *super().routes(),
            Route("/moments/{moment_id:int}/thumbs-up", self.action(self._toggle), methods=["POST"]),
            Route("/invitations", self.action(self._invite), methods=["POST"]),
        ]

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

    def _toggle(self, connection: sa.Connection, request: Request, viewer: Viewer, _: Form) -> Response:
        moment_id = self.moment_id(request)
        if not queries.give(connection, viewer, moment_id):
            queries.take_back(connection, viewer, moment_id)
        return back()

    def _invite(self, connection: sa.Connection, request: Request, viewer: Viewer, form: Form) -> Response:
        try:
            name = content.name(form.get("name", ""))
        except content.InvalidContent as invalid:
            return self.feed(connection, request, viewer, error=invalid.key)
        code = members.invite(connection, by=viewer.id, columns={"name": name})
        return self.service.renderer.page(
            request, "invitation.html", proofs=self.service.proofs, viewer=viewer, name=name, code=code
        )


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
    router = APIRouter(prefix=shared.PREFIX, responses=shared.RESPONSES)
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

    @router.put("/moments/{moment_id}/thumbs-up", status_code=204, summary="Give a thumbs-up")
    def give(moment_id: shared.MomentId, viewer: Viewer = acting) -> None:
        with service.writing() as connection:
            queries.give(connection, viewer, moment_id)

    @router.delete("/moments/{moment_id}/thumbs-up", status_code=204, summary="Take a thumbs-up back")
    def take_back(moment_id: shared.MomentId, viewer: Viewer = acting) -> None:
        with service.writing() as connection:
            queries.take_back(connection, viewer, moment_id)

    @router.post("/invitations", status_code=201, summary="Invite a newcomer")
    def invite(newcomer: Newcomer, viewer: Viewer = acting) -> shared.Invitation:
        name = content.name(newcomer.name)
        with service.writing() as connection:
            return shared.Invitation(code=members.invite(connection, by=viewer.id, columns={"name": name}))

    return router
