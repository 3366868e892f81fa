"""An image that the program builds itself: a developer's stack runs what is in the working tree."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pulumi
import pulumi_docker as docker

from infra.version import Version

_SOURCES = Path(__file__).parents[2] / "app"
_NO_SOURCE = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".venv", "build", "dist"}


def built_image(repository: str, version: Version, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Build `app/`, push it, and return it by digest.

    The tag bears a digest of the sources, because tags never move: the same
    sources are the same image. Docker signs in by its own credential helper
    (`gcloud auth configure-docker`), so no token comes into the stack's state.
    """
    image = docker.Image(
        version.slug,
        image_name=f"{repository}:{version}-{sources_digest(_SOURCES)}",
        build=docker.DockerBuildArgs(
            context=str(_SOURCES),
            dockerfile=str(_SOURCES / "Dockerfile"),
            platform="linux/amd64",
            args={"RELEASE": f"v{version.major}", "VERSION": str(version)},
        ),
        opts=opts,
    )
    return image.repo_digest


def sources_digest(folder: Path) -> str:
    """Twelve hexadecimal digits that change with any source file's name or content."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _NO_SOURCE.intersection(path.relative_to(folder).parts) and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
