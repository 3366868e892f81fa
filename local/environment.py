"""The variables with which plain `pulumi`, `kubectl` and `docker` work on the local platform.

Imports little: the command that prints them runs in every new shell.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from local.settings import Settings, read


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables to set on top of the present ones.

    PULUMI_HOME and DOCKER_HOST are in it only when the platform brought its own Pulumi and its own
    image builder. The two folders that must exist and the passphrase are made by `up`.
    """
    return variables(read(environ), environ)


def variables(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for given settings."""
    first = [str(settings.bin), str(Path(sys.executable).parent)]
    rest = [folder for folder in environ.get("PATH", os.defpath).split(os.pathsep) if folder not in first]
    found = {
        "PATH": os.pathsep.join([*first, *rest]),
        "INSSA_HOME": str(settings.home),
        "INSSA_GATEWAY_PORT": str(settings.gateway_port),
        "INSSA_REGISTRY_PORT": str(settings.registry_port),
        "KUBECONFIG": str(settings.kubeconfig),
        # Without it each state file has a companion that is not written at once: a SIGKILL leaves it empty,
        # and no command reads the state any more.
        "PULUMI_BACKEND_URL": f"file://{settings.home / 'pulumi'}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(settings.home / "passphrase"),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "DOCKER_BUILDKIT": "1",
    }
    if (settings.bin / "pulumi").exists():
        found["PULUMI_HOME"] = str(settings.home / "pulumi-home")
    if (settings.bin / "docker").is_symlink():
        found["DOCKER_HOST"] = f"unix://{settings.docker_socket}"
    return found
