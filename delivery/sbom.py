"""What is in an image, as a CycloneDX document: Python packages with their hashes, and the base's Debian packages."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from delivery.errors import DeliveryError
from infra.version import Version

MEDIA_TYPE = "application/vnd.cyclonedx+json"
_REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s\\]+)")
_HASH = re.compile(r"--hash=sha256:(?P<hex>[0-9a-f]{64})")
_DPKG_STATUS = "/var/lib/dpkg/status"


def document(
    version: Version, requirements: Path, image: str, labels: Mapping[str, str], env: Mapping[str, str]
) -> bytes:
    """The document of an image that docker has. Raises DeliveryError if docker cannot read it."""
    bom = Bom()
    bom.metadata.component = Component(
        name="inssaservice",
        version=str(version),
        type=ComponentType.CONTAINER,
        bom_ref=f"inssaservice@{version}",
        properties=[Property(name=name, value=value) for name, value in sorted(labels.items())],
    )
    components = [*python_components(requirements.read_text()), *debian_components(_dpkg_status(image, env))]
    for component in components:
        bom.components.add(component)
    bom.register_dependency(bom.metadata.component, components)
    return str(JsonV1Dot6(bom).output_as_string(indent=2)).encode()


def python_components(requirements: str) -> Iterator[Component]:
    """Packages of a requirements file with exact versions and hashes, which is all that an image may install."""
    for block in requirements.replace("\\\n", " ").splitlines():
        if found := _REQUIREMENT.match(block):
            purl = PackageURL(type="pypi", name=found["name"].lower(), version=found["version"])
            yield Component(
                name=found["name"],
                version=found["version"],
                type=ComponentType.LIBRARY,
                purl=purl,
                bom_ref=str(purl),
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in _HASH.findall(block)],
            )


def debian_components(status: str) -> Iterator[Component]:
    """Installed packages of a dpkg status file; none for a base without one."""
    for paragraph in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        if fields.get("Status", "").endswith(" installed"):
            purl = PackageURL(
                type="deb",
                namespace="debian",
                name=fields["Package"],
                version=fields["Version"],
                qualifiers={"arch": fields.get("Architecture", "all")},
            )
            yield Component(
                name=fields["Package"],
                version=fields["Version"],
                type=ComponentType.LIBRARY,
                purl=purl,
                bom_ref=str(purl),
            )


def _dpkg_status(image: str, env: Mapping[str, str]) -> str:
    created = _docker(["create", image], env)
    if created.returncode:
        raise DeliveryError(f"image {image}: docker cannot open it: {created.stderr.decode(errors='replace').strip()}")
    container = created.stdout.decode().strip()
    try:
        copied = _docker(["cp", f"{container}:{_DPKG_STATUS}", "-"], env)
    finally:
        _docker(["rm", container], env)
    if copied.returncode:
        return ""
    with tarfile.open(fileobj=io.BytesIO(copied.stdout)) as archive:
        member = archive.extractfile(archive.getmembers()[0])
        return member.read().decode() if member else ""


def _docker(arguments: list[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["docker", *arguments], env=dict(env), capture_output=True, check=False)
