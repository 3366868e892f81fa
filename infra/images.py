"""Which image a version is, always by digest."""

from __future__ import annotations

import http.client

from infra.errors import InssaError
from infra.settings import Settings, Target
from infra.version import Version

_MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


def service_image(settings: Settings, version: Version) -> str:
    """`repository@sha256:...` of a version of InssaService.

    A shared stack names the digest in its configuration. On `local` the
    registry of the platform knows it, because nobody else pushes there.
    Raises InssaError when there is none.
    """
    if digest := settings.images.get(version):
        return f"{settings.repository}@{digest}"
    if settings.target is Target.LOCAL:
        return pinned(f"{settings.repository}:{version}", fix=f"build it: inssa build {version} --push")
    raise InssaError(
        f"inssa:images: no digest for {version}: a shared stack runs images by digest; set it: "
        f"""pulumi config set --path 'inssa:images["{version}"]' sha256:..."""
    )


def database_image(settings: Settings) -> str:
    """The PostgreSQL image; on `local` by the digest that the platform's registry holds."""
    image = settings.database.image
    if settings.target is Target.LOCAL and "@" not in image:
        return pinned(image, fix="start the platform: make up")
    return image


def pinned(reference: str, *, fix: str) -> str:
    """Replace the tag of an image in a registry on loopback by its digest. Raises InssaError."""
    registry, _, rest = reference.partition("/")
    path, _, tag = rest.rpartition(":")
    connection = http.client.HTTPConnection(registry, timeout=5)
    try:
        connection.request("HEAD", f"/v2/{path}/manifests/{tag}", headers={"Accept": ", ".join(_MANIFEST_TYPES)})
        digest = connection.getresponse().headers.get("Docker-Content-Digest")
    except OSError as error:
        raise InssaError(f"image {reference}: the registry {registry} does not answer ({error}); {fix}") from error
    finally:
        connection.close()
    if digest:
        return f"{registry}/{path}@{digest}"
    raise InssaError(f"image {reference}: not in the registry {registry}; {fix}")
