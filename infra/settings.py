"""Stack configuration, parsed once into frozen, validated types.

This module is the only reader of `pulumi.Config` and of the environment. Every
error names the key, what was found and the command that mends it.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import pulumi
from pydantic import BaseModel, Field, ValidationError, model_validator

from infra.errors import InssaError
from infra.fields import Digest, Frozen, HostName, Label, Port
from infra.gke.settings import Gke, require_credentials
from infra.jenkins.settings import Jenkins
from infra.version import Version

NAMESPACE = "inssa"
_FOREIGN_NAMESPACES = {"pulumi", "kubernetes", "gcp", "docker"}

Replicas = Annotated[int, Field(ge=1, le=100)]
Weight = Annotated[int, Field(ge=0, le=100)]


class Phase(StrEnum):
    """How seriously the service takes itself; shown on every page outside `real`."""

    DEV = "dev"
    STAGE = "stage"
    REAL = "real"


class Target(StrEnum):
    """Where the cluster comes from."""

    LOCAL = "local"
    EXISTING = "existing"
    GKE = "gke"


class Audience(Frozen):
    """A track that is named for the people who use it: `qa`, `dogfooding`."""

    replicas: Replicas = 1
    version: Version | None = None


class Scale(Frozen):
    """Pods of a public track. The autoscaler owns the number between the bounds.

    `cpu` is the mean use, in percent of the CPU request, that the autoscaler aims at.
    """

    min: Replicas
    max: Replicas
    cpu: Annotated[int, Field(ge=10, le=400)] = 70

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


class Canary(Frozen):
    """Pods beside the live ones that get `weight` percent of the members."""

    version: Version
    weight: Weight
    replicas: Replicas = 2


class Gateway(Frozen):
    """The Gateway that routes attach to, and how people and pods reach it.

    `address` is what a pod of the cluster connects to, `scheme` and `port` what a
    person's URL shows. Routes attach to `listener`, or to all of them.
    """

    namespace: Label = "projectcontour"
    name: Label = "local"
    listener: Label | None = None
    domain: HostName = "inssa.localhost"
    scheme: Literal["http", "https"] = "http"
    port: Port = 8080
    address: str = "10.88.0.1:8080"

    def url(self, host: str) -> str:
        """Where a person finds `host`."""
        default = {"http": 80, "https": 443}[self.scheme]
        return f"{self.scheme}://{host}" + ("" if self.port == default else f":{self.port}")


class Database(Frozen):
    """PostgreSQL in the cluster."""

    image: str = ""
    storage: Annotated[str, Field(pattern=r"^[1-9][0-9]*(Mi|Gi|Ti)$")] = "1Gi"
    storage_class: Label | None = Field(default=None, alias="storageClass")


class Settings(Frozen):
    """Everything that a stack's configuration says.

    Exactly one of `audiences` (each with its own database) and `live` (one
    database, traffic by weight) describes the tracks.
    """

    stack: Label
    phase: Phase
    target: Target = Target.LOCAL
    generation: Annotated[int, Field(ge=0)] = 0

    version: Version | None = None
    audiences: dict[Label, Audience] = Field(default_factory=dict)

    live: Version | None = None
    standby: Version | None = None
    canary: Canary | None = None
    scale: Scale | None = None
    contract: Version | None = None

    repository: Annotated[str, Field(pattern=r"^[a-z0-9.:/_-]+$")] = "localhost:5000/inssaservice"
    images: dict[Version, Digest] = Field(default_factory=dict)
    gateway: Gateway = Gateway()
    database: Database = Database()
    kubeconfig: Path = Path("kubeconfig")
    context: str | None = None
    gke: Gke | None = None
    jenkins: Jenkins | None = None

    @model_validator(mode="after")
    def _one_kind_of_tracks(self) -> Self:
        if bool(self.audiences) == bool(self.live):
            found = "both" if self.live else "neither"
            raise ValueError(f"a stack sets either audiences or live: found {found}")
        if self.audiences:
            for key in ("standby", "canary", "scale", "contract"):
                if getattr(self, key) is not None:
                    raise ValueError(f"{key} belongs to a stack with live, this one has audiences")
            for label in self.audiences:
                if label not in self.audience_versions:
                    raise ValueError(f"audiences.{label} has no version: set version, or audiences.{label}.version")
        return self

    @model_validator(mode="after")
    def _public_versions_differ(self) -> Self:
        if self.live is None:
            return self
        if self.version is not None:
            raise ValueError("version belongs to a stack with audiences, this one has live")
        if self.scale is None:
            raise ValueError("scale is missing: set min and max, for example {min: 10, max: 10}")
        if self.standby == self.live:
            raise ValueError(f"standby is {self.standby}, the same as live: leave it out, or name the way back")
        if self.canary and self.canary.version in (self.live, self.standby):
            raise ValueError(f"canary.version is {self.canary.version}, which is live or standby already")
        if self.contract and (left_behind := min(self.declared_versions)) < self.contract:
            raise ValueError(f"contract is {self.contract}, but {left_behind} is declared and could not serve after it")
        return self

    @model_validator(mode="after")
    def _target_has_what_it_needs(self) -> Self:
        if (self.target is Target.GKE) != (self.gke is not None):
            found = "missing" if self.gke is None else f"found, but inssa:target is {self.target.value}"
            raise ValueError(f"gke is {found}: the target 'gke' and the section gke go together")
        if self.gke and self.phase is Phase.REAL and not self.gke.alert_emails:
            raise ValueError("gke.alertEmails is missing: in phase real somebody must be told when users suffer")
        if self.gke and self.phase is Phase.REAL and len(self.gke.zones) == 1:
            raise ValueError(f"gke.zones: found only {self.gke.zones[0]}: phase real must survive the loss of a zone")
        return self

    @property
    def base_host(self) -> str:
        """The host name that all of the stack's host names end with."""
        return f"{self.stack}.{self.gateway.domain}"

    @property
    def declared_versions(self) -> frozenset[Version]:
        """All versions that the configuration wants to run."""
        public = (self.live, self.standby, self.canary and self.canary.version)
        return frozenset([*self.audience_versions.values(), *(version for version in public if version)])

    @property
    def audience_versions(self) -> dict[str, Version]:
        """The version of each audience: its own, or the stack's."""
        versions = {label: audience.version or self.version for label, audience in self.audiences.items()}
        return {label: version for label, version in versions.items() if version}

    @classmethod
    def load(cls) -> Settings:
        """Read the running stack's configuration. Raises InssaError."""
        return parse(pulumi.get_stack(), _all_config(), os.environ)


def parse(stack: str, config: Mapping[str, str], environment: Mapping[str, str]) -> Settings:
    """Validate `config`, whose keys are `namespace:key` and whose structured values are JSON text.

    Raises InssaError with one line per wrong field.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for full_key, text in config.items():
        namespace, _, key = full_key.partition(":")
        if namespace == NAMESPACE:
            values[key] = _decoded(text)
        elif namespace not in _FOREIGN_NAMESPACES:
            problems.append(f"{full_key}: unknown namespace {namespace!r}{_did_you_mean(namespace, [NAMESPACE])}")
    if stack in set(Phase):
        values.setdefault("phase", stack)
    if values.get("target", Target.LOCAL) == Target.LOCAL:
        _add_local_defaults(values, environment)
    elif values["target"] == Target.GKE:
        problems += [
            f"{NAMESPACE}:{key}: does not belong to target 'gke', which makes its own: {fix}"
            for key, fix in _MADE_ON_GKE.items()
            if values.pop(key, None) is not None
        ]
        _add_gke_defaults(values)
    try:
        settings = Settings.model_validate({**values, "stack": stack})
    except ValidationError as error:
        problems += [_explained(dict(problem)) for problem in error.errors()]
    if problems:
        raise InssaError(f"the configuration of stack {stack!r} is wrong:\n" + "\n".join(f"  {p}" for p in problems))
    if settings.target is Target.EXISTING:
        _require_existing(settings, values)
    if settings.gke:
        require_credentials(environment)
    return settings


def _all_config() -> dict[str, str]:
    # pulumi.Config reads one key at a time; an unknown key shows only in the whole.
    return {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}


def _decoded(text: str) -> Any:
    if text[:1] in "{[":
        return json.loads(text)
    return text


def _add_local_defaults(values: dict[str, Any], environment: Mapping[str, str]) -> None:
    home = Path(environment.get("INSSA_HOME") or Path.home() / ".local/share/inssa")
    registry = f"localhost:{environment.get('INSSA_REGISTRY_PORT', '5000')}"
    values.setdefault("kubeconfig", str(home / "kubeconfig"))
    values.setdefault("context", "inssa-local")
    values.setdefault("repository", f"{registry}/inssaservice")
    for section, key, value in (
        ("gateway", "port", environment.get("INSSA_GATEWAY_PORT", "8080")),
        ("gateway", "address", f"10.88.0.1:{environment.get('INSSA_GATEWAY_PORT', '8080')}"),
        ("database", "image", f"{registry}/postgres:15"),
    ):
        found = values.setdefault(section, {})
        if isinstance(found, dict):
            values[section] = {key: value, **found}


_MADE_ON_GKE = {
    "gateway": "set inssa:gke.domain",
    "database": "set inssa:gke.database",
    "kubeconfig": "remove it",
    "context": "remove it",
    "repository": "set inssa:gke.registry",
}


def _add_gke_defaults(values: dict[str, Any]) -> None:
    gke = values.get("gke")
    if not isinstance(gke, dict):
        return
    values["gateway"] = {"namespace": "inssa-gateway", "name": "public", "listener": "https"}
    values["gateway"] |= {"scheme": "https", "port": "443", "domain": gke.get("domain", "missing")}
    values["repository"] = f"{gke.get('registry', 'gcr.io')}/{gke.get('project', 'missing')}/inssaservice"


def _require_existing(settings: Settings, values: Mapping[str, Any]) -> None:
    for key in ("kubeconfig", "repository", "gateway"):
        if key not in values:
            raise InssaError(f"inssa:{key} is missing: target 'existing' needs it; see README, 'An existing cluster'")
    if not settings.database.image:
        raise InssaError("inssa:database.image is missing: set it, for example to docker.io/library/postgres:15")


_SECRET_KEYS = (["token"], ["clientSecret"])


def _explained(problem: dict[str, Any]) -> str:
    location = [str(part) for part in problem["loc"]]
    key = f"{NAMESPACE}:{'.'.join(location)}" if location else NAMESPACE
    found = problem["input"]
    reason = str(problem["msg"]).removeprefix("Value error, ")
    reason = reason[:1].lower() + reason[1:]
    match problem["type"]:
        case "extra_forbidden":
            return f"{key}: unknown key{_did_you_mean(location[-1], _keys_beside(location))}"
        case "missing":
            how = "--secret --path" if location[-1:] in _SECRET_KEYS else "--path"
            return f"{key}: missing; set it: pulumi config set {how} {key} VALUE"
        case _ if isinstance(found, str | int | float | bool) and location[-1:] not in _SECRET_KEYS:
            return f"{key}: found {found!r}: {reason}"
        case _:
            return f"{key}: {reason}"


def _keys_beside(location: list[str]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in location[:-1]:
        fields = {field.alias or key: field.annotation for key, field in model.model_fields.items()}
        model = _model_in(fields.get(part)) or model
    return [field.alias or key for key, field in model.model_fields.items() if key != "stack"]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds: itself, one of a union, or the values of a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _did_you_mean(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are: {', '.join(known)}"
