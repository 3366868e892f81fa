"""The pages: what all releases share. A release line derives its own class and adds its feed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from inssaservice import content, forms, languages, moments, sessions
from inssaservice.members import Viewer
from inssaservice.problems import Problem
from inssaservice.rendering import set_cookie
from inssaservice.service import Service, TooManyFailures, WrongCode

Form = Mapping[str, str]
Endpoint = Callable[[Request], Awaitable[Response]]
Action = Callable[[sa.Connection, Request, Viewer, Form], Response]
_YEAR_SECONDS = 365 * 24 * 3600
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="10" fill="#c2410c"/>'
    '<path d="M14 13h4v12h-4zM16 6.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z" fill="#fff"/></svg>'
)


def back() -> Response:
    """Answer a form with the way to the feed, so that reloading the page does not send it again."""
    return RedirectResponse("/", status_code=303)


async def _icon(_: Request) -> Response:
    return Response(_ICON, media_type="image/svg+xml", headers={"cache-control": "public, max-age=86400"})


class Pages(ABC):
    """Sign-in, sign-out, language, moments, reactions and invitations.

    The paths and fields of forms stay what they were in 1.0: a page that one release has rendered may be sent
    to another while traffic moves, in either direction. New fields are optional and ignored by older releases.
    """

    def __init__(self, service: Service) -> None:
        self.service = service

    @abstractmethod
    def feed(
        self, connection: sa.Connection, request: Request, viewer: Viewer, *, error: str | None = None, draft: str = ""
    ) -> Response:
        """The feed as the viewer sees it; with the key of an error, status 422 and the text to correct."""

    @abstractmethod
    def react(self, connection: sa.Connection, viewer: Viewer, moment_id: int, form: Form) -> None:
        """React to another member's moment as the form asks, or take the reaction back."""

    @abstractmethod
    def invite(self, connection: sa.Connection, viewer: Viewer, form: Form) -> tuple[str, str]:
        """Create a member as the form asks; the visible name and the code. InvalidContent when it cannot be."""

    def routes(self) -> list[Route]:
        """The routes of all pages."""
        return [
            Route("/", self._home),
            Route("/favicon.svg", _icon),
            Route("/sign-in", self._sign_in_again),
            Route("/sign-in", self._sign_in, methods=["POST"]),
            Route("/sign-out", self.action(self._sign_out), methods=["POST"]),
            Route("/language", self._language, methods=["POST"]),
            Route("/moments", self.action(self._post), methods=["POST"]),
            Route("/moments/{moment_id:int}/delete", self.action(self._delete), methods=["POST"]),
            Route("/moments/{moment_id:int}/thumbs-up", self.action(self._react), methods=["POST"]),
            Route("/invitations", self.action(self._invite), methods=["POST"]),
        ]

    def action(self, act: Action) -> Endpoint:
        """An endpoint for a form of a signed-in member: checks session and proof, acts in one transaction."""

        def run(request: Request, form: Form) -> Response:
            session = self._session(request)
            if session is None:
                return back()
            with self.service.writing() as connection:
                viewer = self.service.viewers.find(connection, session)
                if viewer is None:
                    return back()
                if not self.service.proofs.holds(session, form):
                    raise Problem(403, "stale_form")
                return act(connection, request, viewer, form)

        async def endpoint(request: Request) -> Response:
            form = await forms.read(request)
            return await run_in_threadpool(run, request, form)

        return endpoint

    def moment_id(self, request: Request) -> int:
        """The id in the path; a Problem when the database could not hold it."""
        identifier: int = request.path_params["moment_id"]
        if not 0 < identifier <= content.LARGEST_ID:
            raise Problem(404, "no_such_moment")
        return identifier

    def _session(self, request: Request) -> str | None:
        return self.service.credentials.from_cookie(request.cookies.get(sessions.COOKIE))

    async def _home(self, request: Request) -> Response:
        session = self._session(request)
        if session is None:
            return self._sign_in_page(request)
        return await run_in_threadpool(self._home_of, request, session)

    def _home_of(self, request: Request, session: str) -> Response:
        with self.service.reading() as connection:
            viewer = self.service.viewers.find(connection, session)
            if viewer is not None:
                return self.feed(connection, request, viewer)
        return self._sign_in_page(request)

    def _sign_in_page(self, request: Request, *, error: str | None = None, status: int = 200) -> Response:
        return self.service.renderer.page(
            request, "sign-in.html", proofs=self.service.proofs, status=status, error=error
        )

    async def _sign_in_again(self, _: Request) -> Response:
        return back()

    async def _sign_in(self, request: Request) -> Response:
        form = await forms.read(request)
        visitor = self.service.proofs.visitor(request)
        if visitor is None or not self.service.proofs.holds(visitor, form):
            return self._sign_in_page(request, error="stale_form", status=403)
        try:
            session = await run_in_threadpool(self.service.sign_in, request, form.get("code", ""))
        except WrongCode:
            return self._sign_in_page(request, error="wrong_code", status=403)
        except TooManyFailures:
            return self._sign_in_page(request, error="too_many_failures", status=429)
        response = back()
        value = self.service.credentials.cookie(session)
        set_cookie(request, response, sessions.COOKIE, value, int(sessions.LIFETIME.total_seconds()))
        response.delete_cookie(forms.VISITOR_COOKIE)
        return response

    def _sign_out(self, connection: sa.Connection, _: Request, viewer: Viewer, __: Form) -> Response:
        sessions.end(connection, viewer.session)
        response = back()
        response.delete_cookie(sessions.COOKIE)
        return response

    async def _language(self, request: Request) -> Response:
        form = await forms.read(request)
        anchor = self._session(request) or self.service.proofs.visitor(request)
        if anchor is None or not self.service.proofs.holds(anchor, form):
            raise Problem(403, "stale_form")
        response = back()
        if form.get("to") in languages.LANGUAGES:
            set_cookie(request, response, languages.COOKIE, form["to"], _YEAR_SECONDS)
        return response

    def _post(self, connection: sa.Connection, request: Request, viewer: Viewer, form: Form) -> Response:
        raw = form.get("text", "")
        try:
            moments.post(connection, viewer, content.text(raw))
        except content.InvalidContent as invalid:
            return self.feed(connection, request, viewer, error=invalid.key, draft=raw[:1000])
        return back()

    def _react(self, connection: sa.Connection, request: Request, viewer: Viewer, form: Form) -> Response:
        self.react(connection, viewer, self.moment_id(request), form)
        return back()

    def _invite(self, connection: sa.Connection, request: Request, viewer: Viewer, form: Form) -> Response:
        try:
            name, code = self.invite(connection, viewer, form)
        except content.InvalidContent as invalid:
            return self.feed(connection, request, viewer, error=invalid.key)
        return self.service.renderer.page(
            request, "invitation.html", proofs=self.service.proofs, viewer=viewer, name=name, code=code
        )

    def _delete(self, connection: sa.Connection, request: Request, viewer: Viewer, _: Form) -> Response:
        if not moments.delete(connection, viewer, self.moment_id(request)):
            raise Problem(404, "no_such_moment")
        return back()
