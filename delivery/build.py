"""Images of InssaService: built from app/Dockerfile, numbered once, never overwritten.

Two builds cannot take the same number. On one machine they wait for each other.
Between machines each puts a claim into the registry before it pushes, and then
looks whether it is the only one: of two builds that claim one number at least
one sees the other, because each claims before it looks. Who sees another claim
takes the next number.
"""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from delivery import candidates, project
from delivery.environment import environment
from delivery.errors import DeliveryError, RefusedError, UsageError
from delivery.lock import held
from delivery.registry import Repository
from delivery.reports import BuiltImage
from delivery.source import TREE, Source
from infra.version import Version

REPOSITORY = "inssaservice"
SBOM_FOLDER = project.ROOT / "build" / "sbom"
_APP = project.ROOT / "app"
_CA_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE")
_REBUILT = "dev"
_CLAIM = "claim"

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Builder:
    """Builds from the checkout for one repository. `say` is told what goes on."""

    repository: Repository
    say: Say
    env: Mapping[str, str]

    @classmethod
    def of(cls, say: Say, stack: str = "stage") -> Builder:
        """For the repository that a stack's configuration names; the platform's if it names none, or does not exist."""
        env = environment()
        named = project.stack_config(stack).get("repository") if stack in project.stacks() else None
        address = named or f"localhost:{env['INSSA_REGISTRY_PORT']}/{REPOSITORY}"
        return cls(repository=Repository.parse(address), say=say, env=env)

    def try_out(self) -> BuiltImage:
        """Build what would be the next candidate, and leave it in docker only."""
        version = candidates.candidate_after(self.repository.tags(), candidates.project_version())
        self._build(version)
        return self._built(version, digest="", sbom="")

    def version(self, text: str, *, push: bool = True) -> BuiltImage:
        """Build one version and push it, unless it is in the registry.

        A tag is never overwritten, except that of a `-dev` version, which is the working tree.
        Raises UsageError for a bad version, DeliveryError if the build or the push fails.
        """
        try:
            version = Version.parse(text)
        except ValueError as error:
            raise UsageError(f"version: {error}") from error
        found = self.repository.digest(str(version))
        if found and version.prerelease != _REBUILT:
            return self._built(version, digest=found, sbom="", built=False)
        self._build(version)
        return self._push(version) if push else self._built(version, digest="", sbom="")

    def candidate(self) -> BuiltImage:
        """Build and push the next release candidate of the project's version."""
        wanted = candidates.project_version()
        with held("build", "a build", wait=self.say):
            while True:
                version = candidates.candidate_after(self._taken(), wanted)
                self._build(version)
                if self._claim(version):
                    return self._push(version)
                self.say(f"{version} is claimed by another build")

    def candidate_of_tree(self, approved: frozenset[Version]) -> Version | None:
        """The newest approved candidate of the checkout's sources; None if there is none, or they are no commit's."""
        source = Source.of_checkout()
        if not source.clean:
            return None
        for version in candidates.candidates(self.repository.tags(), candidates.project_version()):
            if version in approved and self.repository.labels(str(version)).get(TREE) == source.tree:
                return version
        return None

    def promote(self, candidate: Version) -> BuiltImage:
        """Give a candidate's digest its final tag as well. Raises RefusedError if that is another image already."""
        version = candidates.final(candidate)
        digest = self.repository.digest(str(candidate))
        if digest is None:
            raise RefusedError(f"{self.repository.reference(str(candidate))} is not in the registry")
        self.repository.add_tag(digest, str(version))
        return self._built(version, digest=digest, sbom="", built=False)

    def _taken(self) -> list[str]:
        # A claim whose build died holds its number, too: a gap is harmless, one number for two images is not.
        claims = [tag.split("_")[1] for tag in self._claims.tags() if tag.startswith(f"{_CLAIM}_")]
        return [*self.repository.tags(), *claims]

    @property
    def _claims(self) -> Repository:
        return Repository(self.repository.host, f"{self.repository.name}-claims")

    def _claim(self, version: Version) -> bool:
        ours = f"{_CLAIM}_{version}_{uuid.uuid4().hex}"
        self._claims.attach(ours, ours.encode(), "application/vnd.inssa.claim", {})
        return [tag for tag in self._claims.tags() if tag.startswith(f"{_CLAIM}_{version}_")] == [ours]

    def _build(self, version: Version) -> None:
        reference = self.repository.reference(str(version))
        self.say(f"building {reference}")
        _docker(_build_command(version, reference, self.repository.host), self.env)

    def _push(self, version: Version) -> BuiltImage:
        reference = self.repository.reference(str(version))
        self.say(f"pushing {reference}")
        _docker(["push", "--quiet", reference], self.env)
        digest = self.repository.digest(str(version))
        if digest is None:
            raise DeliveryError(f"image {reference}: pushed, but the registry does not have it")
        return self._built(version, digest=digest, sbom=str(self._describe(version, reference, digest)))

    def _describe(self, version: Version, reference: str, digest: str) -> Path:
        from delivery import sbom

        requirements = _APP / f"requirements-{line(version).partition('_')[0]}.txt"
        content = sbom.document(version, requirements, reference, Source.of_checkout().labels, self.env)
        self.repository.attach(f"{digest.replace(':', '-')}.sbom", content, sbom.MEDIA_TYPE, {})
        SBOM_FOLDER.mkdir(parents=True, exist_ok=True)
        path = SBOM_FOLDER / f"{REPOSITORY}-{version}.cdx.json"
        path.write_bytes(content)
        return path

    def _built(self, version: Version, *, digest: str, sbom: str, built: bool = True) -> BuiltImage:
        reference = self.repository.reference(str(version))
        return BuiltImage(version=str(version), reference=reference, digest=digest, built=built, sbom=sbom)


def build_and_push(version: str, say: Say) -> BuiltImage:
    """One version for the local platform; see `Builder.version`."""
    return Builder.of(say).version(version)


def line(version: Version) -> str:
    """The release line of the sources that a version is built from: its own minor's, if it has one, or its major's."""
    own = f"v{version.major}_{version.minor}"
    return own if (_APP / REPOSITORY / own).is_dir() else f"v{version.major}"


def _build_command(version: Version, reference: str, registry_host: str) -> list[str]:
    source = Source.of_checkout()
    arguments = {"RELEASE": line(version), "VERSION": str(version), "REVISION": source.commit}
    if registry_host.startswith("localhost:"):
        arguments["BASE"] = f"{registry_host}/base/python:3.11"
        arguments["BUILD_BASE"] = f"{registry_host}/base/python-build:3.11"
    command = ["build", "--quiet", "--network", "host", "--tag", reference]
    for key, value in arguments.items():
        command += ["--build-arg", f"{key}={value}"]
    for key, value in source.labels.items():
        command += ["--label", f"{key}={value}"]
    if bundle := next((os.environ[name] for name in _CA_VARIABLES if os.environ.get(name)), None):
        command += ["--secret", f"id=ca,src={bundle}"]
    return [*command, str(_APP)]


def _docker(arguments: list[str], env: Mapping[str, str]) -> None:
    try:
        result = subprocess.run(["docker", *arguments], env=dict(env), capture_output=True, text=True, check=False)
    except OSError as error:
        raise DeliveryError(f"docker cannot be started ({error}); set up what is missing: make up") from error
    if result.returncode:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-20:])
        raise DeliveryError(f"docker {arguments[0]} ended with {result.returncode}:\n{tail}")
