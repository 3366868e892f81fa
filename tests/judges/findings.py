"""Run the judges, each as its own program, and say what they found in one form."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROGRAMS = HERE / ".venv/bin"
KUBERNETES = "1.34"
_GENERATED = ("*uv.lock", "*go.sum", "*.png", "*requirements-*.txt")


class JudgeError(Exception):
    """A judge did not judge; the message is all that it printed."""


@dataclass(frozen=True, order=True)
class Finding:
    """What a judge objects to. `where` is a file or a resource."""

    judge: str
    check: str
    where: str
    detail: str


@dataclass(frozen=True)
class Waiver:
    """Why a finding is left as it is."""

    judge: str
    check: str
    where: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether this is about `finding`."""
        return self.judge == finding.judge and fnmatch(finding.check, self.check) and fnmatch(finding.where, self.where)


def waivers() -> list[Waiver]:
    """All of them."""
    return [Waiver(**entry) for entry in yaml.safe_load((HERE / "waivers.yaml").read_text())]


def checkov(folder: Path, framework: str) -> list[Finding]:
    """Findings in Terraform JSON (`terraform_json`) or manifests (`kubernetes`)."""
    arguments = ["--skip-download", "--framework", framework, "-d", str(folder), "--compact", "--quiet", "-o", "json"]
    answer = json.loads(_run("checkov", *arguments, allowed=(0, 1)))
    reports = answer if isinstance(answer, list) else [answer]
    for report in reports:
        summary = report["summary"]
        if summary["parsing_errors"] or not summary["passed"]:
            raise JudgeError(f"checkov understood nothing of {folder}: {summary}")
    return [
        Finding("checkov", check["check_id"], _resource(check), f"{check['check_name']} ({check['file_path']})")
        for report in reports
        for check in report["results"]["failed_checks"]
    ]


def _resource(check: dict[str, Any]) -> str:
    # checkov calls a resource of Terraform JSON `resource.NAME` in some checks and by its type in others.
    found = str(check["resource"])
    kind = {"cluster": "google_container_cluster", "database": "google_sql_database_instance"}
    return f"{kind[name]}.{name}" if (name := found.removeprefix("resource.")) != found and name in kind else found


def kubernetes_validate(manifests: Iterable[Path]) -> list[Finding]:
    """Objects that the schemas of Kubernetes refuse; custom resources have none there."""
    found = []
    for path in manifests:
        answer = _run("kubernetes-validate", "-k", KUBERNETES, "--strict", "--no-warn", str(path), allowed=(0, 1))
        lines = answer.splitlines()
        if not any(" passed for resource " in line for line in lines):
            raise JudgeError(f"kubernetes-validate judged nothing in {path}:\n{answer}")
        found += [
            Finding("kubernetes-validate", "schema", path.name, line)
            for line in lines
            if line and not line.startswith("INFO")
        ]
    return found


def hadolint(dockerfile: str) -> list[Finding]:
    """Findings in a Dockerfile, given relative to the project."""
    found = json.loads(_run("hadolint", "--format", "json", "--no-fail", dockerfile))
    return [Finding("hadolint", entry["code"], entry["file"], entry["message"]) for entry in found]


def bandit(*folders: str) -> list[Finding]:
    """Findings of medium severity and above in Python code; ruff has the low ones, with a reason beside each."""
    arguments = ["--quiet", "-ll", "--recursive", "--format", "json", *folders]
    found = json.loads(_run("bandit", *arguments, allowed=(0, 1)))
    if not found["metrics"]["_totals"]["loc"]:
        raise JudgeError(f"bandit read nothing in {folders}")
    return [Finding("bandit", entry["test_id"], entry["filename"], entry["issue_text"]) for entry in found["results"]]


def detect_secrets() -> list[Finding]:
    """What looks like a secret in the project's files."""
    files = [name for name in _tracked() if not any(fnmatch(name, pattern) for pattern in _GENERATED)]
    # The salt is this machine's; git leaves the line out of what it stores (.gitattributes).
    found = json.loads(_run("detect-secrets", "scan", "--exclude-lines", "^encryptionsalt: ", *files))["results"]
    return [
        Finding("detect-secrets", entry["type"], name, f"line {entry['line_number']}")
        for name, entries in found.items()
        for entry in entries
    ]


def pip_audit(requirements: str) -> list[Finding]:
    """Known vulnerabilities of locked packages. Raises JudgeError when nobody can be asked for them."""
    arguments = ["--requirement", requirements, "--disable-pip", "--no-deps", "--progress-spinner", "off"]
    audited = json.loads(_run("pip-audit", *arguments, "--format", "json", allowed=(0, 1)))["dependencies"]
    if all("skip_reason" in package for package in audited):
        raise JudgeError(f"no vulnerability service knows any package of {requirements}")
    return [
        Finding("pip-audit", entry["id"], f"{package['name']}=={package['version']}", entry.get("description", ""))
        for package in audited
        for entry in package.get("vulns", [])
    ]


def _tracked() -> Sequence[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def _run(program: str, *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
    command = [str(PROGRAMS / program), *arguments]
    environment = {**os.environ, "LOG_LEVEL": "CRITICAL", "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in allowed or not done.stdout.strip():
        raise JudgeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
