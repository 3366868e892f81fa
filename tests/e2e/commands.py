"""A project folder of its own for the `inssa` command: its stacks, its state, its image repository."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.load.client import Target

ROOT = Path(__file__).parents[2]
INSSA = Path(sys.executable).parent / "inssa"
_SECONDS = 600


class Project:
    """The project's program with other stacks. `stage` has two audiences, `real` two pods of v1.0.0."""

    def __init__(self, folder: Path, platform: dict[str, str]) -> None:
        name = f"cmd-{secrets.token_hex(2)}"
        self.folder = folder
        self.stage, self.real = f"{name}-stage", f"{name}-real"
        self.repository = f"localhost:{platform['INSSA_REGISTRY_PORT']}/{name}"
        self._port = int(platform["INSSA_GATEWAY_PORT"])
        (folder / "state").mkdir()
        self.env = {
            **os.environ,
            **platform,
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "INSSA_STAGE_STACK": self.stage,
            "INSSA_REAL_STACK": self.real,
        }
        project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump({**project, "main": str(ROOT / "infra")}))
        self.write(self.stage, phase="stage", version="v1.0.0", audiences={"qa": {}, "dogfooding": {}})
        self.write(self.real, phase="real", live="v1.0.0", scale={"min": 2, "max": 4})

    def write(self, stack: str, **config: Any) -> None:
        """Write a stack's file as a person would."""
        entries = {f"inssa:{key}": value for key, value in {**config, "repository": self.repository}.items()}
        self.file(stack).write_text("# By hand.\n" + yaml.safe_dump({"config": entries}, sort_keys=False))

    def file(self, stack: str) -> Path:
        """A stack's file."""
        return self.folder / f"Pulumi.{stack}.yaml"

    def config(self, stack: str) -> dict[str, Any]:
        """What a stack's file says, without namespaces."""
        entries = yaml.safe_load(self.file(stack).read_text())["config"]
        return {key.removeprefix("inssa:"): value for key, value in entries.items()}

    def inssa(self, *arguments: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the command and require its exit code."""
        done = subprocess.run(
            [INSSA, *arguments], cwd=self.folder, env={**self.env, **env}, text=True, capture_output=True,
            timeout=_SECONDS, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"inssa {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str) -> dict[str, Any]:
        """Run the command for its document."""
        found: dict[str, Any] = json.loads(self.inssa(*arguments, "--json").stdout)
        return found

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command, its lines in a pipe."""
        return subprocess.Popen(
            [INSSA, *arguments], cwd=self.folder, env=self.env, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, *command: str) -> str:
        """Run any program in the folder with the platform's variables."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, text=True, capture_output=True, timeout=_SECONDS, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def target(self) -> Target:
        """The public address."""
        return Target(host=f"{self.real}.inssa.localhost", port=self._port)

    def pods(self, track: str) -> dict[str, str]:
        """Image by name of the web pods of a track of `real`."""
        selector = f"app.kubernetes.io/instance={track},app.kubernetes.io/component=web"
        found = json.loads(self.run("kubectl", "-n", f"inssa-{self.real}", "get", "pods", "-l", selector, "-o", "json"))
        return {
            pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"]
            for pod in found["items"]
            if "deletionTimestamp" not in pod["metadata"]
        }

    def destroy(self) -> None:
        """Remove both stacks, protected or not, a left lock included."""
        for stack in (self.stage, self.real):
            for command in (
                ("cancel", "--yes"),
                ("state", "unprotect", "--all", "--yes"),
                ("destroy", "--yes", "--skip-preview", "--remove"),
            ):
                subprocess.run(
                    ["pulumi", "--non-interactive", *command, "--stack", stack],
                    cwd=self.folder, env=self.env, capture_output=True, timeout=_SECONDS, check=False,
                )  # fmt: skip
