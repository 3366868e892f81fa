"""Images of InssaService: built from app/Dockerfile, pushed once per version."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from delivery import registry
from delivery.environment import environment
from delivery.errors import DeliveryError, UsageError
from delivery.project import ROOT
from infra.version import Version

REPOSITORY = "inssaservice"
_CA_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE")
_REBUILT = "dev"


@dataclass(frozen=True, kw_only=True)
class Image:
    """A pushed image. `built` is False if the registry had the version already."""

    reference: str
    digest: str
    built: bool


def build_and_push(version_text: str, say: Callable[[str], None]) -> Image:
    """Build a version and push it to the local registry, unless it is there.

    A tag is never overwritten, except that of a `-dev` version, which is the
    working tree. Raises UsageError for a bad version, DeliveryError if the build
    or the push fails.
    """
    try:
        version = Version.parse(version_text)
    except ValueError as error:
        raise UsageError(f"version: {error}") from error
    env = environment()
    host = f"localhost:{env['INSSA_REGISTRY_PORT']}"
    reference = f"{host}/{REPOSITORY}:{version}"
    found = registry.digest(host, REPOSITORY, str(version))
    if found and version.prerelease != _REBUILT:
        return Image(reference=reference, digest=found, built=False)
    say(f"building {reference}")
    _docker(_build_command(version, reference, host), env)
    say(f"pushing {reference}")
    _docker(["push", "--quiet", reference], env)
    pushed = registry.digest(host, REPOSITORY, str(version))
    if pushed is None:
        raise DeliveryError(
            f"image {reference}: pushed, but the registry does not have it; see: python -m local status"
        )
    return Image(reference=reference, digest=pushed, built=True)


def _build_command(version: Version, reference: str, registry_host: str) -> list[str]:
    arguments = {
        "RELEASE": release_line(version),
        "VERSION": str(version),
        "REVISION": _revision(),
        "BASE": f"{registry_host}/base/python:3.11",
        "BUILD_BASE": f"{registry_host}/base/python-build:3.11",
    }
    command = ["build", "--quiet", "--network", "host", "--tag", reference]
    for key, value in arguments.items():
        command += ["--build-arg", f"{key}={value}"]
    if bundle := next((os.environ[name] for name in _CA_VARIABLES if os.environ.get(name)), None):
        command += ["--secret", f"id=ca,src={bundle}"]
    return [*command, str(ROOT / "app")]


def release_line(version: Version) -> str:
    """The source that a version is built from: its major line, or an experiment of its own minor version."""
    experiment = f"v{version.major}_{version.minor}"
    return experiment if (ROOT / "app/inssaservice" / experiment).is_dir() else f"v{version.major}"


def _revision() -> str:
    result = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout.strip() or "unknown"


def _docker(arguments: list[str], env: dict[str, str]) -> None:
    result = subprocess.run(["docker", *arguments], env=env, capture_output=True, text=True, check=False)
    if result.returncode:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-20:])
        raise DeliveryError(f"docker {arguments[0]} ended with {result.returncode}:\n{tail}")
