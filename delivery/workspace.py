"""The one face on the Pulumi Automation API: previews and updates of the project's stacks.

Importing the Automation API takes half a second, so this module is imported by
commands that run the engine, and by them only. What the API does around an
update beyond the update itself (select the stack, read its outputs twice, read
its history) is left out: it would double the time of a small change, and
selecting would move the selection of a person who works with `pulumi` beside.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pulumi import automation
from pulumi._version import version as sdk_version
from pulumi.automation._stack import StackInitMode
from pulumi.automation.errors import create_command_error
from pulumi.automation.events import EngineEvent, StepEventMetadata, StepEventStateMetadata

from delivery import failures, process
from delivery.environment import environment
from delivery.errors import DeliveryError
from delivery.plan import Plan, Step, merged, step
from delivery.progress import SILENT, OnStep, Progress
from delivery.project import project_folder

_NOISE = ("from $PATH", "update failed", "preview failed", "program exited with non-zero exit code")


_NO_SUMMARY = automation.UpdateSummary(
    kind="update", start_time=datetime.min, message="", environment={}, config={}, result=""
)


class Stack:
    """One stack of the project, as `pulumi --stack NAME` in the project's folder sees it."""

    def __init__(self, name: str, folder: Path | None = None, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._env = dict(env or environment())
        self._command = _Command(self._env)
        workspace = automation.LocalWorkspace(work_dir=str(folder or project_folder()), pulumi_command=self._command)
        self._stack = _LeanStack(name, workspace)

    def preview(self, config_file: Path | None = None, progress: Progress = SILENT) -> Plan:
        """What an update would do now, with another configuration file if one is given.

        Raises the errors of `failures`.
        """
        return self._run(
            functools.partial(self._stack.preview, config_file=str(config_file) if config_file else None), progress
        )

    def up(self, message: str = "", progress: Progress = SILENT) -> Plan:
        """Update the stack and return what was done. Raises the errors of `failures`."""
        return self._run(functools.partial(self._stack.up, message=message, suppress_outputs=True), progress)

    def refresh(self, progress: Progress = SILENT) -> Plan:
        """How what exists differs from what the state says, without changing either."""
        return self._run(self._stack.preview_refresh, progress)

    def init(self) -> None:
        """Create the stack if it does not exist."""
        try:
            self._stack.workspace.create_stack(self.name)
        except automation.StackAlreadyExistsError:
            return
        except automation.CommandError as error:
            raise failures.of_command(self.name, str(error), Plan()) from error

    def _run(self, operation: Callable[..., Any], progress: Progress) -> Plan:
        recorder = _Recorder(progress.on_step)
        self._command.on_interrupt = progress.on_interrupt
        try:
            operation(on_event=recorder, color="never")
        except automation.CommandError as error:
            finished = self._command.finished
            printed = f"{finished.stdout}\n{finished.stderr}" if finished else str(error)
            interrupted = bool(finished and finished.interrupted)
            raise failures.of_command(self.name, printed, recorder.plan, interrupted=interrupted) from error
        except RuntimeError as error:  # The API's own, if the engine ended before it planned anything.
            raise DeliveryError(f"stack {self.name!r}: the engine reported nothing ({error})") from error
        return recorder.plan


class _Command(automation.PulumiCommand):
    """The CLI in a session of its own, asked to stop once; see `process`."""

    def __init__(self, env: Mapping[str, str]) -> None:
        # Not the base's: it starts the CLI once more to ask for its version, which `make` has checked.
        self.command = "pulumi"
        self.version = sdk_version
        self.finished: process.Finished | None = None
        self.on_interrupt: Callable[[], None] | None = None
        self._env = env

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], Any] | None = None,  # noqa: ARG002 - events say more, and sooner
        on_error: Callable[[str], Any] | None = None,  # noqa: ARG002
    ) -> automation.CommandResult:
        """Run the CLI to its end. Raises CommandError if it fails."""
        command = [self.command, *args, *(() if "--non-interactive" in args else ("--non-interactive",))]
        env = {**self._env, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        try:
            self.finished = process.run(command, cwd=cwd, env=env, on_interrupt=self.on_interrupt)
        except OSError as error:
            raise DeliveryError(f"pulumi cannot be started ({error}); set up what is missing: make up") from error
        result = automation.CommandResult(self.finished.stdout, self.finished.stderr, self.finished.code)
        if result.code:
            raise create_command_error(result)
        return result


class _LeanStack(automation.Stack):
    """An update and nothing around it: no selection before it, no outputs and no history after it."""

    def __init__(self, name: str, workspace: automation.Workspace) -> None:
        self.name = name
        self.workspace = workspace
        self._mode = StackInitMode.SELECT

    def outputs(self) -> automation.OutputMap:
        """None: `state` reads them where they are wanted."""
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:  # noqa: ARG002
        """Nothing but that there was an update."""
        return _NO_SUMMARY


class _Recorder:
    """Makes a plan of the engine's events, and tells somebody as they come."""

    def __init__(self, on_step: OnStep) -> None:
        self._on_step = on_step
        self._steps: list[Step] = []
        self._errors: list[str] = []

    def __call__(self, event: EngineEvent) -> None:
        """Take one event. Messages of severity "debug" hold secrets in plain text and are dropped unread."""
        if event.resource_pre_event and (one := step(_shape(event.resource_pre_event.metadata))):
            self._steps.append(one)
            self._on_step(one, False)
        elif event.res_outputs_event and (one := step(_shape(event.res_outputs_event.metadata))):
            self._on_step(one, True)
        elif event.diagnostic_event and event.diagnostic_event.severity == "error":
            text = event.diagnostic_event.message.strip()
            if text and not any(noise in text for noise in _NOISE):
                self._errors.append(_placed(event.diagnostic_event.urn, text))

    @property
    def plan(self) -> Plan:
        """Everything so far."""
        return Plan(steps=merged(self._steps), errors=tuple(dict.fromkeys(self._errors)))


def _shape(metadata: StepEventMetadata) -> dict[str, Any]:
    def state(of: StepEventStateMetadata | None) -> dict[str, Any] | None:
        return {"inputs": of.inputs} if of else None

    return {
        "op": metadata.op.value,
        "urn": metadata.urn,
        "type": metadata.type,
        "old": state(metadata.old),
        "new": state(metadata.new),
        "keys": metadata.keys,
        "diffs": metadata.diffs,
    }


def _placed(urn: str | None, text: str) -> str:
    if not urn or "::pulumi:pulumi:Stack::" in urn:
        return text
    kind, name = urn.split("::")[2:4]
    return f"{kind.rpartition(':')[2]}/{name}: {text}"
