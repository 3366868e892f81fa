"""What `--json` prints: documents with a schema, docs/inssa.schema.json."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from delivery.plan import Operation, Plan
from delivery.roles import Roles


class Report(BaseModel):
    """A closed document."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CanaryReport(Report):
    """A canary: its version, its share of members in percent, its pods."""

    version: str
    weight: int
    replicas: int


class ScaleReport(Report):
    """Bounds of the autoscaler, in pods."""

    min: int
    max: int


class RolesReport(Report):
    """Either audiences with their versions, or a live version and those beside it."""

    audiences: dict[str, str]
    live: str | None
    standby: str | None
    canary: CanaryReport | None
    scale: ScaleReport | None

    @classmethod
    def of(cls, roles: Roles) -> Self:
        """Versions as texts."""
        canary, scale = roles.canary, roles.scale
        return cls(
            audiences={name: str(version) for name, version in roles.audiences.items()},
            live=str(roles.live) if roles.live else None,
            standby=str(roles.standby) if roles.standby else None,
            canary=CanaryReport(version=str(canary.version), weight=canary.weight, replicas=canary.replicas)
            if canary
            else None,
            scale=ScaleReport(min=scale.min, max=scale.max) if scale else None,
        )


class StepReport(Report):
    """One resource that changes."""

    operation: Operation
    resource: str
    urn: str
    risky: bool

    @classmethod
    def all_of(cls, plan: Plan) -> list[Self]:
        """The steps of a plan in its order."""
        return [
            cls(operation=step.operation, resource=str(step), urn=step.urn, risky=step.risky) for step in plan.steps
        ]


class ChangeReport(Report):
    """A change of a stack that was carried out. Failures have an exit code and no document."""

    stack: str
    outcome: Literal["done", "unchanged"]
    generation: int
    before: RolesReport
    after: RolesReport
    steps: list[StepReport]
    seconds: float

    @classmethod
    def of(
        cls,
        *,
        stack: str,
        outcome: Literal["done", "unchanged"],
        before: Roles,
        after: Roles,
        generation: int,
        plan: Plan,
        seconds: float,
    ) -> Self:
        """From the values of the change."""
        return cls(
            stack=stack,
            outcome=outcome,
            generation=generation,
            before=RolesReport.of(before),
            after=RolesReport.of(after),
            steps=StepReport.all_of(plan),
            seconds=round(seconds, 2),
        )


class PreviewReport(Report):
    """A preview: what an update would do now, and where its comment stands."""

    stack: str
    failed: bool
    errors: list[str]
    steps: list[StepReport]
    comment: Literal["created", "edited", "unchanged", "skipped", "written"]
    url: str


class PreviewsReport(Report):
    """Every stack that was previewed."""

    previews: list[PreviewReport]


class BuiltImage(Report):
    """An image of InssaService. `digest` is empty if it was not pushed, `built` false if it was there already."""

    version: str
    reference: str
    digest: str
    built: bool
    sbom: str


class BuildReport(Report):
    """Images that are there now."""

    images: list[BuiltImage]


class TrackStatus(Report):
    """One track now: pods ready and wanted, its share of the public requests in percent, how it answers."""

    name: str
    role: Literal["audience", "live", "standby", "canary", "left over"]
    version: str
    weight: int | None
    ready: int
    wanted: int
    scale: ScaleReport | None
    url: str
    answers: str


class StackStatus(Report):
    """One stack now. `drift` names what exists otherwise than the last update left it."""

    stack: str
    deployed: bool
    generation: int
    updated: datetime | None
    url: str | None
    tracks: list[TrackStatus]
    drift: list[str]
    problems: list[str]


class StatusReport(Report):
    """Every stack that was asked for."""

    stacks: list[StackStatus]


class RehearsalStep(Report):
    """One step of the story. `began` and `ended` are seconds since the load began."""

    title: str
    began: float
    ended: float
    ok: bool
    note: str


class RehearsalReport(Report):
    """The whole story with load on. `requests` counts the answers of each version."""

    steps: list[RehearsalStep]
    requests: int
    failed: int
    by_version: dict[str, int]
    seconds: float
    html: str
