"""Rendering pages: templates, the badge of the phase, and the style sheet inside the page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from inssaservice import forms, languages
from inssaservice.members import Viewer
from inssaservice.problems import Problem
from inssaservice.releases import CORE, Release
from inssaservice.settings import Settings

# Every value is the site itself or nothing; the style sheet is allowed by its hash.
_POLICY = (
    "default-src 'none'; style-src 'sha256-{style}'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)


# About 1 kB each.
_FRAGMENTS = 1024


class Renderer:
    """Renders the templates: a release line's own, the shared ones where it has none of that name.

    `values` are what the line's templates know beside what each page is given.

    The style sheet is written into each page instead of being linked: while traffic moves or is split between
    tracks, a linked one could come from another release than its page. It costs about 2 kB a page after the
    gateway's compression and saves a request.
    """

    def __init__(
        self,
        settings: Settings,
        release: Release,
        texts: Mapping[str, Mapping[str, str]],
        values: Mapping[str, object],
    ) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([folder / "templates" for folder in (*release.folders, CORE)]),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
            auto_reload=False,
        )
        sheets = (folder / "templates" / "style.css" for folder in reversed(release.folders))
        style = "\n" + "".join(sheet.read_text(encoding="utf-8") for sheet in sheets if sheet.is_file())
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        badge = "" if settings.phase == "real" else f"{settings.phase} · {settings.track} · {settings.version}"
        self._environment.globals.update(
            style=Markup(style),  # noqa: S704 - our own file
            badge=badge,
            languages=languages.LANGUAGES,
            fragment=self._fragment,
            **values,
        )
        self._headers = {
            "content-security-policy": _POLICY.format(style=digest),
            "referrer-policy": "same-origin",
        }
        self._texts = texts
        # Compiled now, so that the first visitor does not wait for it.
        self._templates = {
            name: self._environment.get_template(name) for name in self._environment.list_templates(extensions=["html"])
        }

    @lru_cache(maxsize=_FRAGMENTS)  # noqa: B019 - a process has one renderer, for as long as it lives
    def _fragment(self, template: str, language: str, **values: Any) -> Markup:
        """A part of a page, rendered once for the same values.

        A feed shows fifty moments and most of them to everybody alike, so nearly all of a page is found here. A
        fragment is given all that it shows and knows nothing of the request: two viewers share one only where
        they see the same.
        """
        return Markup(self._templates[template].render(values, t=self._texts[language], language=language))  # noqa: S704

    def texts(self, request: Request) -> Mapping[str, str]:
        """The texts in the visitor's language."""
        return self._texts[languages.pick(request)]

    def page(
        self,
        request: Request,
        template: str,
        *,
        proofs: forms.Proofs,
        viewer: Viewer | None = None,
        status: int = 200,
        **values: Any,
    ) -> Response:
        """Render a template as a whole page with the proof for its forms."""
        language = languages.pick(request)
        cookie = None
        if viewer is not None:
            anchor = viewer.session
        else:
            known = proofs.visitor(request)
            if known is None:
                anchor, cookie = proofs.new_visitor()
            else:
                anchor = known
        body = self._templates[template].render(
            values, t=self._texts[language], language=language, viewer=viewer, proof=proofs.proof(anchor)
        )
        response = HTMLResponse(body, status_code=status, headers={**self._headers, "content-language": language})
        if cookie is not None:
            set_cookie(request, response, forms.VISITOR_COOKIE, cookie)
        return response

    def problem(self, request: Request, problem: Problem) -> Response:
        """A page without forms that tells what went wrong and how to refer to it."""
        language = languages.pick(request)
        body = self._templates["problem.html"].render(
            t=self._texts[language],
            language=language,
            viewer=None,
            proof=None,
            problem=problem,
            request_id=request.state.request_id,
        )
        return HTMLResponse(body, status_code=problem.status, headers=self._headers)


def is_secure(request: Request) -> bool:
    """Whether the browser speaks HTTPS to us, directly or to the load balancer."""
    return request.headers.get("x-forwarded-proto", request.url.scheme) == "https"


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int | None = None) -> None:
    """Set a cookie that scripts and other sites cannot use; without `seconds` it ends with the browser."""
    response.set_cookie(
        name, value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=is_secure(request)
    )
