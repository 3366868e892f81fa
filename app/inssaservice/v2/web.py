"""Pages and API of 2.x: handles, display names and reactions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from inssaservice import api as shared
from inssaservice import content as shared_content
from inssaservice.content import InvalidContent
from inssaservice.members import Viewer
from inssaservice.pages import Form, Pages, back
from inssaservice.service import Service
from inssaservice.v2 import content, dates, queries
from inssaservice.v2.queries import FeedMoment
from inssaservice.v2.texts import TEXTS

__all__ = ["GLOBALS", "TEXTS", "api", "pages"]


class FeedPages(Pages):
    """The feed of 2.x and the profile."""

    template: ClassVar = "feed.html"

    def routes(self) -> list[Route]:
        """The shared routes and the profile."""
        return [*super().routes(), Route("/profile", self.action(self._change_profile), methods=["POST"])]

    def feed(
        self, connection: sa.Connection, request: Request, viewer: Viewer, *, error: str | None = None, draft: str = ""
    ) -> Response:
        """The newest 50 moments with the forms to write, to invite and to change the profile."""
        return self.service.renderer.page(
            request,
            self.template,
            proofs=self.service.proofs,
            viewer=viewer,
            status=422 if error else 200,
            moments=queries.feed(connection, viewer),
            error=error,
            draft=draft,
            **self.extras(connection, viewer),
        )

    def extras(self, connection: sa.Connection, viewer: Viewer) -> dict[str, Any]:
        """What an experiment adds to the feed."""
        del connection, viewer
        return {}

    def react(self, connection: sa.Connection, viewer: Viewer, moment_id: int, form: Form) -> None:
        """React, change the kind, or take the reaction back when it is of this kind already.

        Without a kind it is the form of 1.x, which gives and takes back without knowing of kinds.
        """
        kind = content.kind(form.get("kind"))
        before = queries.reaction_of(connection, viewer, moment_id)
        if before is not None and ("kind" not in form or before == kind):
            queries.take_back(connection, viewer, moment_id)
        else:
            queries.react(connection, viewer, moment_id, kind)

    def invite(self, connection: sa.Connection, viewer: Viewer, form: Form) -> tuple[str, str]:
        """Invite a member by display name and, if one is given, handle."""
        name = shared_content.name(form.get("name", ""))
        handle = content.handle(form["handle"]) if form.get("handle", "").strip() else None
        return name, queries.invite(connection, viewer, handle=handle, display_name=name)

    def _change_profile(self, connection: sa.Connection, request: Request, viewer: Viewer, form: Form) -> Response:
        try:
            name = shared_content.name(form.get("name", ""))
            handle = form.get("handle", "").strip().removeprefix("@")
            # A derived handle cannot be chosen, but it can be kept.
            if handle != viewer.handle:
                handle = content.handle(handle)
            queries.change_profile(connection, viewer, handle=handle, display_name=name)
        except InvalidContent as invalid:
            return self.feed(connection, request, viewer, error=invalid.key)
        return back()


def initial(name: str) -> str:
    """The letter of an avatar: the first letter or digit of a name, else its first character."""
    found = re.search(r"\w", name)
    return (found[0] if found else name[0]).upper()


GLOBALS: dict[str, object] = {"ago": dates.ago, "kinds": queries.KINDS, "initial": initial}


class Member(BaseModel):
    """A member as others see them. `name` is the display name, as clients of 1.x know it."""

    id: int
    name: str
    handle: str


class Moment(BaseModel):
    """A moment of the feed.

    `reactions`: how many there are of each kind; `reaction`: the viewer's; `own`: the viewer wrote it.
    `thumbs_up` and `given` are what clients of 1.x know: reactions of all kinds.
    """

    id: int
    text: str
    created_at: datetime
    author: Member
    reactions: dict[str, int]
    reaction: str | None
    own: bool
    thumbs_up: int
    given: bool


class Feed(BaseModel):
    """The newest 50 moments, newest first."""

    moments: list[Moment]


class Reaction(BaseModel):
    """A reaction of one kind."""

    kind: Literal["thumbs_up", "heart", "laugh", "party", "sad"]


class Newcomer(BaseModel):
    """Who is invited; without a handle, one is derived from the name."""

    name: str
    handle: str | None = Field(default=None, description="2 to 20 of a-z, 0-9 and _")


def pages(service: Service) -> Pages:
    """The pages of 2.x."""
    return FeedPages(service)


def described(moments: Sequence[FeedMoment]) -> Feed:
    """Moments as the API gives them."""
    return Feed(
        moments=[
            Moment(
                id=moment.id,
                text=moment.text,
                created_at=moment.created_at,
                author=Member(id=moment.author_id, name=moment.author, handle=moment.handle),
                reactions=moment.reactions,
                reaction=moment.mine,
                own=moment.own,
                thumbs_up=sum(moment.counts),
                given=moment.mine is not None,
            )
            for moment in moments
        ]
    )


def api(service: Service, access: shared.Access) -> APIRouter:
    """The API routes of 2.x; those of 1.x are among them and mean the same."""
    router = shared.router(service, access, give=queries.give, take_back=queries.take_back)
    reading, acting = Depends(access.reads), Depends(access.acts)

    @router.get("/feed", summary="The newest 50 moments")
    def read_feed(viewer: Viewer = reading) -> Feed:
        with service.reading() as connection:
            return described(queries.feed(connection, viewer))

    @router.put("/moments/{moment_id}/reaction", status_code=204, summary="React, or change one's reaction")
    def react(moment_id: shared.MomentId, reaction: Reaction, viewer: Viewer = acting) -> None:
        with service.writing() as connection:
            queries.react(connection, viewer, moment_id, reaction.kind)

    @router.delete("/moments/{moment_id}/reaction", status_code=204, summary="Take a reaction back")
    def take_back(moment_id: shared.MomentId, viewer: Viewer = acting) -> None:
        with service.writing() as connection:
            queries.take_back(connection, viewer, moment_id)

    @router.post("/invitations", status_code=201, summary="Invite a newcomer")
    def invite(newcomer: Newcomer, viewer: Viewer = acting) -> shared.Invitation:
        name = shared_content.name(newcomer.name)
        handle = None if newcomer.handle is None else content.handle(newcomer.handle)
        with service.writing() as connection:
            return shared.Invitation(code=queries.invite(connection, viewer, handle=handle, display_name=name))

    return router
