"""The environment in which `pulumi`, `kubectl` and `docker` work."""

from __future__ import annotations

import os

import local

_CHOSEN_BY_A_PERSON = ("PULUMI_BACKEND_URL", "PULUMI_HOME", "KUBECONFIG")
_PASSPHRASE_FILE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable
_PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105


def environment() -> dict[str, str]:
    """The variables of this process, with those of the local platform where nobody chose otherwise.

    A backend, a Pulumi home, a kubeconfig or a passphrase that is set already is left alone: it names
    another place where state is kept.
    """
    platform = local.environment()
    chosen = {name: os.environ[name] for name in _CHOSEN_BY_A_PERSON if os.environ.get(name)}
    if os.environ.get(_PASSPHRASE) is not None or os.environ.get(_PASSPHRASE_FILE):
        platform.pop(_PASSPHRASE_FILE, None)
    return {**os.environ, **platform, **chosen}
