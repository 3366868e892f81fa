"""The Jenkinsfile, run by Groovy without a Jenkins."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
_CLASSPATH = ROOT / "build" / "groovy.classpath"


@dataclass(frozen=True, kw_only=True)
class Build:
    """One build: whether it succeeded, the steps in their order, and all that they printed."""

    succeeded: bool
    steps: list[dict[str, Any]]
    printed: str

    @property
    def commands(self) -> list[str]:
        """The shell commands."""
        return [step["command"] for step in self.steps if step["step"] == "sh"]


def classpath() -> str:
    """Groovy from Maven Central, resolved once."""
    if not _CLASSPATH.exists():
        _CLASSPATH.parent.mkdir(exist_ok=True)
        goal = ["dependency:build-classpath", f"-Dmdep.outputFile={_CLASSPATH}"]
        subprocess.run(
            ["mvn", "-q", "-B", "-f", HERE / "pom.xml", *goal], check=True, timeout=600, stdout=subprocess.DEVNULL
        )
    return _CLASSPATH.read_text().strip()


def build(
    workspace: Path, variables: Mapping[str, str], env: Mapping[str, str], credentials: Mapping[str, str] | None = None
) -> Build:
    """Run the Jenkinsfile in a workspace. `variables` are what Jenkins sets, `env` what its agent has."""
    log = workspace / "build-log.jsonl"
    log.unlink(missing_ok=True)
    secrets = {f"CREDENTIALS_{name}_PSW": value for name, value in (credentials or {}).items()}
    given = {"JOB_NAME": "inssa", "BUILD_NUMBER": "1", "BUILD_URL": "http://jenkins.example/job/inssa/1/", **variables}
    interpreter = ["java", "-cp", classpath(), "groovy.ui.GroovyMain", str(HERE / "Run.groovy")]
    done = subprocess.run(
        [*interpreter, str(ROOT / "Jenkinsfile"), str(workspace), str(log), *(f"{k}={v}" for k, v in given.items())],
        cwd=workspace, env={**os.environ, **env, **secrets}, text=True, timeout=1800, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    steps = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return Build(succeeded=done.returncode == 0, steps=steps, printed=done.stdout)
