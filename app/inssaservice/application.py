"""Puts the parts of the web service together."""

from __future__ import annotations

import gc
import importlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol, cast

import anyio.to_thread
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from inssaservice import api, database, health, languages, logs
from inssaservice.forms import Proofs
from inssaservice.heartbeat import Heartbeat
from inssaservice.metrics import Metrics
from inssaservice.observation import Draining, Observation
from inssaservice.pages import Pages
from inssaservice.problems import Problem
from inssaservice.releases import Release
from inssaservice.rendering import Renderer
from inssaservice.service import Service
from inssaservice.sessions import Credentials, Viewers
from inssaservice.settings import Settings


class _Line(Protocol):
    """What the `web` module of a release line offers."""

    TEXTS: Mapping[str, languages.Texts]
    GLOBALS: Mapping[str, object]
    pages: Callable[[Service], Pages]
    api: Callable[[Service, api.Access], APIRouter]


def build(settings: Settings, release: Release, draining: Draining) -> ASGIApp:
    """The whole service as one ASGI application; reads the secrets it needs and opens no connection yet."""
    line = cast(_Line, importlib.import_module(f"{release.package}.web"))
    texts = languages.texts(line.TEXTS)
    key = settings.secrets.read("session_key")
    service = Service(
        settings=settings,
        release=release,
        engine=database.pool(settings),
        renderer=Renderer(settings, release, texts, line.GLOBALS),
        credentials=Credentials(key),
        proofs=Proofs(key),
        viewers=Viewers(release),
        key=key,
    )
    metrics = Metrics(version=settings.version, track=settings.track)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # More threads than connections would only wait for one, and take the interpreter from each other.
        anyio.to_thread.current_default_thread_limiter().total_tokens = settings.database.connections
        # What start-up made stays for good: a full collection would walk it for some 50 ms while members wait.
        gc.freeze()
        async with Heartbeat(service).beating():
            yield
        service.engine.dispose()

    routes: list[BaseRoute] = [*health.routes(service, metrics), *line.pages(service).routes()]
    app = FastAPI(
        title="InssaService",
        version=settings.version,
        description="A members-only feed. Sign in, then send the token as `Authorization: Bearer`.",
        openapi_url=f"{api.PREFIX}/openapi.json",
        # The interactive documentation loads scripts from other hosts.
        docs_url=None,
        redoc_url=None,
        routes=routes,
        lifespan=lifespan,
    )
    app.include_router(line.api(service, api.Access(service)))
    _handle_problems(app, service.renderer)
    return Observation(app, track=settings.track, metrics=metrics, draining=draining)


def _handle_problems(app: FastAPI, renderer: Renderer) -> None:
    def answer(request: Request, problem: Problem) -> Response:
        headers = {}
        if problem.status == 401:
            headers["www-authenticate"] = "Bearer"
        if problem.status in {429, 503}:
            headers["retry-after"] = "300" if problem.status == 429 else "1"
        if problem.status == 413:
            # The rest of the body is still on its way and would be taken for the next request.
            headers["connection"] = "close"
        if request.url.path.startswith("/api/"):
            detail = {"code": problem.key, "detail": renderer.texts(request)[problem.key]}
            return JSONResponse(detail, status_code=problem.status, headers=headers)
        response = renderer.problem(request, problem)
        response.headers.update(headers)
        return response

    @app.exception_handler(Problem)
    async def told(request: Request, problem: Problem) -> Response:
        return answer(request, problem)

    @app.exception_handler(HTTPException)
    async def framework(request: Request, error: HTTPException) -> Response:
        key = "not_found" if error.status_code == 404 else "not_possible"
        response = answer(request, Problem(error.status_code, key))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        # Not FastAPI's own answer: that repeats the input, which may be a code or not even be text.
        errors = [{"where": list(found["loc"]), "what": found["msg"]} for found in error.errors()]
        detail = {"code": "not_valid", "detail": renderer.texts(request)["not_valid"], "errors": errors}
        return JSONResponse(detail, status_code=422)

    @app.exception_handler(OperationalError)
    async def no_database(request: Request, error: Exception) -> Response:
        logs.get().warning("database failed", error=type(error).__name__, reason=str(error.__cause__).strip())
        return answer(request, Problem(503, "unavailable"))

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=499)

    @app.exception_handler(Exception)
    async def failed(request: Request, _: Exception) -> Response:
        return answer(request, Problem(500, "failed"))
