"""An image registry by its HTTP API (OCI distribution specification 1.1)."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import re
import subprocess
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from delivery.errors import DeliveryError, RefusedError

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_ACCEPTED = (
    INDEX,
    MANIFEST,
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_EMPTY = b"{}"
_LOOPBACK = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """Status, headers with lower-case names, and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Repository:
    """One repository of a registry, like `inssaservice` on `localhost:5000`.

    Plain HTTP on loopback, HTTPS with the credentials of docker's own
    configuration elsewhere. Every method raises DeliveryError if the registry
    does not answer or refuses.
    """

    host: str
    name: str
    _authorization: str = field(default="", repr=False)

    @classmethod
    def parse(cls, address: str) -> Repository:
        """`localhost:5000/inssaservice` in two."""
        host, _, name = address.partition("/")
        return cls(host, name)

    def reference(self, tag: str) -> str:
        """`HOST/NAME:TAG`, or `HOST/NAME@DIGEST`."""
        return f"{self.host}/{self.name}{'@' if tag.startswith('sha256:') else ':'}{tag}"

    def digest(self, tag: str) -> str | None:
        """`sha256:...` of a tag, None if there is none."""
        answer = self._ask("HEAD", f"manifests/{tag}", headers={"Accept": ", ".join(_ACCEPTED)}, missing=True)
        return answer.headers.get("docker-content-digest") if answer.status == 200 else None

    def tags(self) -> list[str]:
        """Every tag; none if the repository does not exist."""
        found: list[str] = []
        path = "tags/list?n=1000"
        while path:
            answer = self._ask("GET", path, missing=True)
            if answer.status == 404:
                break
            found += answer.json().get("tags") or []
            path = _next_page(answer.headers.get("link", ""))
        return found

    def labels(self, tag: str) -> dict[str, str]:
        """Labels of an image; of its first platform's, if it has several."""
        manifest = self._manifest(tag)
        if "manifests" in manifest:
            manifest = self._manifest(manifest["manifests"][0]["digest"])
        config = self._ask("GET", f"blobs/{manifest['config']['digest']}").json()
        return {str(key): str(value) for key, value in ((config.get("config") or {}).get("Labels") or {}).items()}

    def add_tag(self, digest: str, tag: str) -> None:
        """One more tag on a manifest; no layer is copied. Raises RefusedError if the tag has another image."""
        found = self.digest(tag)
        if found == digest:
            return
        if found:
            raise RefusedError(f"{self.reference(tag)} is {found} already and stays it; it cannot become {digest}")
        manifest = self._ask("GET", f"manifests/{digest}", headers={"Accept": ", ".join(_ACCEPTED)})
        self._put_manifest(tag, manifest.body, manifest.headers["content-type"])

    def attach(self, tag: str, content: bytes, media_type: str, about: Mapping[str, str]) -> str:
        """Store a file under a tag as an OCI artifact with annotations, and return the artifact's digest."""
        self._put_blob(_EMPTY)
        self._put_blob(content)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": media_type,
            "config": _descriptor(_EMPTY_TYPE, _EMPTY),
            "layers": [_descriptor(media_type, content)],
            "annotations": dict(about),
        }
        return self._put_manifest(tag, json.dumps(manifest, sort_keys=True).encode(), MANIFEST)

    def attached(self, tag: str) -> bytes:
        """The file that was stored under a tag."""
        return self._ask("GET", f"blobs/{self._manifest(tag)['layers'][0]['digest']}").body

    def _manifest(self, reference: str) -> Any:
        return self._ask("GET", f"manifests/{reference}", headers={"Accept": ", ".join(_ACCEPTED)}).json()

    def _put_manifest(self, reference: str, data: bytes, media_type: str) -> str:
        self._ask("PUT", f"manifests/{reference}", data, {"Content-Type": media_type})
        return _digest(data)

    def _put_blob(self, data: bytes) -> None:
        digest = _digest(data)
        if self._ask("HEAD", f"blobs/{digest}", missing=True).status == 200:
            return
        location = self._ask("POST", "blobs/uploads/").headers["location"]
        where = urllib.parse.urlsplit(location)
        query = f"{where.query}&" if where.query else ""
        self._send(
            "PUT",
            f"{where.path}?{query}digest={urllib.parse.quote(digest)}",
            data,
            {"Content-Type": "application/octet-stream"},
            missing=False,
        )

    def _ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, missing: bool = False
    ) -> Answer:
        return self._send(method, f"/v2/{self.name}/{path}", body, headers or {}, missing=missing)

    def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str], *, missing: bool) -> Answer:
        answer = self._once(method, path, body, headers)
        if answer.status == 401 and not _LOOPBACK.match(self.host):
            self._authorization = _authorize(self.host, answer.headers.get("www-authenticate", ""))
            answer = self._once(method, path, body, headers)
        if answer.status >= 400 and not (missing and answer.status == 404):
            said = answer.body.decode(errors="replace").strip()[:300]
            raise DeliveryError(f"registry {self.host}: {method} {path} was answered {answer.status}: {said}")
        return answer

    def _once(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        kind = http.client.HTTPConnection if _LOOPBACK.match(self.host) else http.client.HTTPSConnection
        connection = kind(self.host, timeout=_SECONDS)
        authorization = {"Authorization": self._authorization} if self._authorization else {}
        try:
            connection.request(method, path, body or None, {**headers, **authorization})
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, response.read())
        except (OSError, http.client.HTTPException) as error:
            fix = "start the platform: make up" if _LOOPBACK.match(self.host) else "check inssa:repository"
            raise DeliveryError(f"registry {self.host} does not answer ({error}); {fix}") from error
        finally:
            connection.close()


def digest(registry: str, repository: str, tag: str) -> str | None:
    """`sha256:...` of a tag, None if there is none. Raises DeliveryError if the registry does not answer."""
    return Repository(registry, repository).digest(tag)


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _next_page(link: str) -> str:
    found = re.search(r'<[^>]*/(tags/list\?[^>]*)>;\s*rel="?next', link)
    return found[1] if found else ""


def _authorize(host: str, challenge: str) -> str:
    """The Authorization header that a registry's challenge asks for, from docker's credentials."""
    basic = next(_docker_credentials(host), "")
    scheme, _, rest = challenge.partition(" ")
    if scheme.lower() != "bearer":
        return f"Basic {basic}" if basic else ""
    fields = dict(_CHALLENGE.findall(rest))
    realm = urllib.parse.urlsplit(fields.get("realm", ""))
    if realm.scheme != "https" or not realm.hostname:
        raise DeliveryError(f"registry {host}: asks for credentials at {fields.get('realm')!r}, which is not https")
    query = urllib.parse.urlencode({key: fields[key] for key in ("service", "scope") if key in fields})
    connection = http.client.HTTPSConnection(realm.netloc, timeout=_SECONDS)
    try:
        connection.request("GET", f"{realm.path}?{query}", headers={"Authorization": f"Basic {basic}"} if basic else {})
        response = connection.getresponse()
        if response.status != 200:
            raise DeliveryError(f"registry {host}: refuses the credentials of docker login ({response.status})")
        answer = json.loads(response.read())
    finally:
        connection.close()
    return f"Bearer {answer.get('token') or answer.get('access_token')}"


def _docker_credentials(host: str) -> Iterator[str]:
    """`user:password` in base64, as `docker login` or a credential helper keeps it."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        config = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError):
        return
    if auth := (config.get("auths") or {}).get(host, {}).get("auth"):
        yield auth
    helper = (config.get("credHelpers") or {}).get(host) or config.get("credsStore")
    if helper:
        found = subprocess.run(
            [f"docker-credential-{helper}", "get"], input=host, capture_output=True, text=True, check=False
        )
        if found.returncode == 0:
            known = json.loads(found.stdout)
            yield base64.b64encode(f"{known['Username']}:{known['Secret']}".encode()).decode()
