"""The story: from 1.0 on ten pods to the end of the canary, each step the command that a person would type."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from delivery.cluster import connected
from delivery.console import Console
from delivery.environment import environment
from delivery.errors import DeliveryError
from delivery.load import Load, Profile
from delivery.load.client import Target
from delivery.project import ROOT
from delivery.rehearsal.record import Record, Step

_INSSA = Path(sys.executable).parent / "inssa"
_CALM_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class Script:
    """How large the rehearsal is: pods, requests per second, and seconds of the surge and of the canary."""

    pods: int = 10
    rate: float = 150
    surge_rate: float = 100
    surge_seconds: float = 30
    canary_seconds: float = 20
    watch_seconds: float = 5


@dataclass(frozen=True, kw_only=True)
class Theatre:
    """A project folder with stacks, state and an image repository of its own, so that nobody's own are touched."""

    folder: Path
    stage: str
    real: str
    repository: str
    env: Mapping[str, str]

    @classmethod
    @contextmanager
    def opened(cls, script: Script, *, keep: bool) -> Iterator[Theatre]:
        """Set it up, and take it down afterwards unless it is to be kept."""
        name = f"rehearsal-{secrets.token_hex(2)}"
        platform = environment()
        folder = Path(tempfile.mkdtemp(prefix="inssa-rehearsal-"))
        (folder / "state").mkdir()
        theatre = cls(
            folder=folder,
            stage=f"{name}-stage",
            real=f"{name}-real",
            repository=f"localhost:{platform['INSSA_REGISTRY_PORT']}/{name}",
            env={
                **platform,
                "PULUMI_BACKEND_URL": f"file://{folder / 'state'}?metadata=skip",
                "INSSA_STAGE_STACK": f"{name}-stage",
                "INSSA_REAL_STACK": f"{name}-real",
            },
        )
        project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump({**project, "main": str(ROOT / "infra")}))
        theatre.write(theatre.stage, phase="stage", version="v1.0.0", audiences={"qa": {}, "dogfooding": {}})
        scale = {"min": script.pods, "max": script.pods}
        theatre.write(theatre.real, phase="real", live="v1.0.0", scale=scale)
        try:
            yield theatre
        finally:
            if not keep:
                theatre.close()

    def write(self, stack: str, **config: object) -> None:
        """Write a stack's file."""
        entries = {f"inssa:{key}": value for key, value in {**config, "repository": self.repository}.items()}
        self.file(stack).write_text(yaml.safe_dump({"config": entries}, sort_keys=False))

    def file(self, stack: str) -> Path:
        """A stack's file."""
        return self.folder / f"Pulumi.{stack}.yaml"

    def inssa(self, say: Callable[[str], None], *arguments: str) -> None:
        """Run one command and pass its lines on. Raises DeliveryError if it fails."""
        self._run(say, str(_INSSA), *arguments)

    def pulumi(self, say: Callable[[str], None], *arguments: str) -> None:
        """Run plain Pulumi on the public stack. Raises DeliveryError if it fails."""
        self._run(say, "pulumi", "--non-interactive", *arguments, "--stack", self.real)

    def _run(self, say: Callable[[str], None], *command: str) -> None:
        shown = f"{Path(command[0]).name} {' '.join(command[1:])}"
        say(f"$ {shown}")
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        last = ""
        for line in process.stdout or ():
            last = line.rstrip() or last
            say(f"  {line.rstrip()}")
        if process.wait():
            raise DeliveryError(f"{shown} ended with {process.returncode}: {last}")

    def close(self) -> None:
        """Remove the stacks with all their data, and the folder."""
        for stack in (self.stage, self.real):
            for command in (("state", "unprotect", "--all"), ("destroy", "--skip-preview", "--remove")):
                subprocess.run(
                    ["pulumi", "--non-interactive", *command, "--yes", "--stack", stack],
                    cwd=self.folder,
                    env=dict(self.env),
                    capture_output=True,
                    check=False,
                )
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class Play:
    """One performance."""

    theatre: Theatre
    script: Script
    console: Console
    record: Record = field(default_factory=Record)

    def run(self) -> Record:
        """Everything, the load from the first step of the story to the last. A step that fails ends it."""
        self._inssa("build", "v1.0.0", "--push")
        self._inssa("build", "v2.1.0", "--push")
        self._inssa("deploy", self.theatre.real, "v1.0.0", "--yes", "--skip-preview")
        with connected({}) as cluster, self.record.looking(cluster, f"inssa-{self.theatre.real}"):
            load = Load(self._target(), Profile(rate=self.script.rate))
            with load:
                self.record.began = time.monotonic()
                time.sleep(_CALM_SECONDS)
                try:
                    self._story()
                except DeliveryError as error:
                    self.console.say(str(error))
                time.sleep(_CALM_SECONDS)
            self.record.ended = time.monotonic()
            self.record.answers = [*load.answers, *self.record.answers]
        return self.record

    def _story(self) -> None:
        with self._step("A pull request shows what it would change"):
            self._pull_request()
        with self._step("03:00: v2.0.0-rc1 goes to QA and dogfooding"):
            self._inssa("nightly")
        with self._step("v2.0.0 is released"):
            self._release("v2.0.0")
        with self._step("A fatal bug: back to v1.0.0"):
            self._inssa("rollback", "--yes", "--skip-preview")
        with self._step("v2.0.0 is taken out, by plain Pulumi"):
            self._retire()
        with self._step("v2.0.1 fixes it, on stage first"):
            self._inssa("build", "v2.0.1-rc1", "--push")
            self._inssa("deploy", self.theatre.stage, "v2.0.1-rc1", "--yes", "--skip-preview")
        with self._step("v2.0.1 is released"):
            self._release("v2.0.1")
        with self._step("Users pour in: up to twice the pods"):
            self._surge()
        with self._step("An idea for 10 % of the members"):
            canary = ("canary", "start", "v2.1.0", "--weight", "10", "--replicas", "2")
            self._inssa(*canary, "--yes", "--skip-preview")
            time.sleep(self.script.canary_seconds)
        with self._step("Not liked: thrown away"):
            self._inssa("canary", "abort", "--yes", "--skip-preview")

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        self.console.say(f"== {title}")
        began = time.monotonic()
        ok = False
        try:
            yield
            ok = True
        finally:
            ended = time.monotonic()
            self.record.steps.append(Step(title=title, began=began, ended=ended, ok=ok))
            self.console.say(f"== {ended - began:.1f} s")

    def _pull_request(self) -> None:
        file = self.theatre.file(self.theatre.real)
        before = file.read_text()
        wider = before.replace(f"max: {self.script.pods}", f"max: {self.script.pods + 1}")
        file.write_text(wider)
        try:
            self._inssa("preview", self.theatre.real, "--output", str(self.theatre.folder / "comment.md"))
        finally:
            file.write_text(before)

    def _retire(self) -> None:
        file = self.theatre.file(self.theatre.real)
        kept = [line for line in file.read_text().splitlines(keepends=True) if "inssa:standby" not in line]
        file.write_text("".join(kept))
        self.theatre.pulumi(self.console.say, "up", "--yes", "--skip-preview", "--suppress-outputs")

    def _release(self, version: str) -> None:
        self._inssa("release", version, "--yes", "--skip-preview", *self._watch())

    def _watch(self) -> tuple[str, ...]:
        # One machine carries the members, both versions and this command: its latency says little of a version.
        return ("--watch", f"{self.script.watch_seconds:g}", "--max-latency", "20")

    def _surge(self) -> None:
        surge = Load(self._target(), Profile(rate=self.script.surge_rate, slow_every_seconds=0))
        with surge:
            self._inssa("scale", "--max", str(2 * self.script.pods), "--yes", "--skip-preview")
            time.sleep(self.script.surge_seconds)
        self.record.answers = [*self.record.answers, *surge.answers]

    def _inssa(self, *arguments: str) -> None:
        self.theatre.inssa(self.console.say, *arguments)

    def _target(self) -> Target:
        port = int(os.environ.get("INSSA_GATEWAY_PORT") or self.theatre.env["INSSA_GATEWAY_PORT"])
        return Target(host=f"{self.theatre.real}.inssa.localhost", port=port)
