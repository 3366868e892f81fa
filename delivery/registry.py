"""What an image registry on loopback holds, by the registry's HTTP API."""

from __future__ import annotations

import http.client

from delivery.errors import DeliveryError

_MANIFEST_TYPES = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


def digest(registry: str, repository: str, tag: str) -> str | None:
    """`sha256:...` of a tag, or None if the registry has no such tag. Raises DeliveryError if it does not answer."""
    connection = http.client.HTTPConnection(registry, timeout=5)
    try:
        connection.request("HEAD", f"/v2/{repository}/manifests/{tag}", headers={"Accept": _MANIFEST_TYPES})
        return connection.getresponse().headers.get("Docker-Content-Digest")
    except OSError as error:
        raise DeliveryError(f"registry {registry} does not answer ({error}); start the platform: make up") from error
    finally:
        connection.close()
