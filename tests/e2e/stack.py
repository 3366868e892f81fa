"""A stack driven by the plain Pulumi CLI, in a project folder and with a state of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from tests.load.client import Target
from tests.urns import short

ROOT = Path(__file__).parents[2]
_UPDATE_SECONDS = 600
_WITHOUT_EFFECT = ("same", "read", "discard")
"""A discard forgets what an earlier update has read: the size of the live track before a release."""


class PulumiError(Exception):
    """`pulumi` ended with an error; the message is all that it printed."""


class Stack:
    """One stack of the project's program. `config` maps keys without namespace to values."""

    def __init__(
        self,
        name: str,
        config: dict[str, Any],
        folder: Path,
        platform: dict[str, str],
        program: Path = ROOT / "infra",
    ) -> None:
        self.name = name
        self.namespace = f"inssa-{name}"
        self.folder = folder
        state = folder / "state"
        state.mkdir()
        self.env = {**os.environ, **platform, "PULUMI_BACKEND_URL": f"file://{state}?metadata=skip"}
        self._port = int(platform["INSSA_GATEWAY_PORT"])
        project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
        project["main"] = str(program)
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        self._config_file = folder / f"Pulumi.{name}.yaml"
        self.configure(config)

    def configure(self, config: dict[str, Any]) -> None:
        """Edit the stack's configuration, as a person would."""
        document = yaml.safe_load(self._config_file.read_text()) if self._config_file.exists() else {}
        document["config"] = {f"inssa:{key}": value for key, value in config.items() if value is not None}
        self._config_file.write_text(yaml.safe_dump(document))
        self.config = config

    def change(self, **changes: Any) -> None:
        """Edit some keys; None removes one."""
        self.configure({**self.config, **changes})

    def init(self) -> None:
        """Create the stack."""
        self.pulumi("stack", "init", self.name)

    def pulumi(self, *arguments: str, check: bool = True) -> str:
        """Run `pulumi` and return all it printed. Raises PulumiError if it fails and `check` is set."""
        result = subprocess.run(
            ["pulumi", "--non-interactive", *arguments],
            cwd=self.folder,
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_UPDATE_SECONDS,
            check=False,
        )
        if check and result.returncode:
            raise PulumiError(result.stdout)
        return result.stdout

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `pulumi` in a process group of its own and return at once."""
        return subprocess.Popen(
            ["pulumi", "--non-interactive", *arguments],
            cwd=self.folder,
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def up(self) -> str:
        """`pulumi up --yes`."""
        return self.pulumi("up", "--yes", "--skip-preview", "--stack", self.name)

    def preview(self) -> dict[str, str]:
        """What an update would do: operation by `Kind/logical name`, without what stays the same."""
        out = subprocess.run(
            ["pulumi", "--non-interactive", "preview", "--json", "--stack", self.name],
            cwd=self.folder, env=self.env, text=True, capture_output=True, timeout=_UPDATE_SECONDS, check=False,
        )  # fmt: skip
        if out.returncode:
            raise PulumiError(out.stdout + out.stderr)
        steps = json.loads(out.stdout).get("steps", [])
        return {short(step["urn"]): step["op"] for step in steps if step["op"] not in _WITHOUT_EFFECT}

    def state(self) -> str:
        """The state as it is stored, encrypted secrets and all."""
        return self.pulumi("stack", "export", "--stack", self.name)

    def resources(self) -> list[dict[str, Any]]:
        """Resources of the state."""
        found: list[dict[str, Any]] = json.loads(self.state())["deployment"].get("resources", [])
        return found

    def output(self, name: str) -> Any:
        """One output, secrets shown."""
        return json.loads(self.pulumi("stack", "output", "--json", "--show-secrets", "--stack", self.name))[name]

    def target(self, track: str = "") -> Target:
        """Where to send requests: a track's own host, or the stack's public one."""
        prefix = f"{track}." if track else ""
        return Target(host=f"{prefix}{self.name}.inssa.localhost", port=self._port)

    def kubectl(self, *arguments: str, check: bool = True) -> str:
        """Run `kubectl` in the stack's namespace."""
        return subprocess.run(
            ["kubectl", "--namespace", self.namespace, *arguments],
            env=self.env, text=True, capture_output=True, timeout=120, check=check,
        ).stdout  # fmt: skip

    def objects(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        """Objects of a kind in the stack's namespace."""
        chosen = ["-l", selector] if selector else []
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, *chosen, "-o", "json"))["items"]
        return found

    def ready_pods(self, track: str) -> list[str]:
        """Names of a track's pods that are ready and not ending."""
        pods = self.objects("pods", f"app.kubernetes.io/instance={track},app.kubernetes.io/component=web")
        return sorted(
            pod["metadata"]["name"]
            for pod in pods
            if "deletionTimestamp" not in pod["metadata"]
            and any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
        )

    def destroy(self) -> None:
        """Remove everything, protected or not, a left lock included."""
        self.pulumi("cancel", "--yes", "--stack", self.name, check=False)
        self.pulumi("state", "unprotect", "--all", "--yes", "--stack", self.name, check=False)
        # Nobody is served any more: pods need not drain.
        self.kubectl("delete", "deployments,statefulsets", "--all", "--cascade=background", check=False)
        self.kubectl("delete", "pods", "--all", "--force", "--grace-period=0", check=False)
        self.pulumi("destroy", "--yes", "--skip-preview", "--remove", "--stack", self.name)


def operations(printed: dict[str, str]) -> Counter[str]:
    """Number of steps of each operation of a preview."""
    return Counter(printed.values())
