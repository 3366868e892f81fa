"""The base images: Debian with a few packages, made from packages because no registry is asked for any.

A root file system is made once per recipe and kept in the cache; importing it into the image builder
and pushing it to the platform's registry takes a few seconds.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local import commands
from local.components import PAUSE_IMAGE
from local.progress import Reporter
from local.services import write_if_changed
from local.settings import Settings

SUITE = "bookworm"
SOURCES = Path(__file__).parent / "images"

_MANIFEST_TYPES = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
_UNUSED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Image:
    """A base image."""

    name: str
    """Name and tag in the platform's registry."""
    packages: tuple[str, ...]
    """Debian packages on top of the essential ones; none for an image with busybox alone."""
    configuration: tuple[str, ...] = ()
    """Dockerfile instructions for its configuration."""
    hooks: tuple[str, ...] = ()
    """Options of mmdebstrap that run something; `{sources}` stands for the folder with our files."""
    files: tuple[Path, ...] = ()
    """Files that the hooks copy."""

    def key(self) -> str:
        """Hash the recipe."""
        digest = hashlib.sha256(repr((SUITE, self.packages, self.configuration, self.hooks)).encode())
        for file in self.files:
            digest.update(file.read_bytes())
        return digest.hexdigest()[:12]

    def archive(self, settings: Settings) -> Path:
        """Where its root file system lies."""
        return settings.cache / "images" / f"{self.name.replace('/', '-').replace(':', '-')}-{self.key()}.tar"


_ENTRYPOINT = SOURCES / "postgres/entrypoint.sh"

_POSTGRES_HOOKS = (
    # The user's number is that of the official image, and no cluster is made at installation.
    '--essential-hook=echo postgres:x:999: >> "$1/etc/group"',
    '--essential-hook=echo postgres:x:999:999::/var/lib/postgresql:/bin/sh >> "$1/etc/passwd"',
    '--essential-hook=mkdir -p "$1/etc/postgresql-common" && '
    "echo 'create_main_cluster = false' > \"$1/etc/postgresql-common/createcluster.conf\"",
    '--customize-hook=install -m 755 {sources}/postgres/entrypoint.sh "$1/usr/local/bin/entrypoint.sh"',
    '--customize-hook=install -d -o 999 -g 999 -m 775 "$1/var/run/postgresql" "$1/var/lib/postgresql/data"',
)

IMAGES = (
    Image(PAUSE_IMAGE, (), ("USER 65534:65534", 'CMD ["/bin/busybox", "sleep", "2147483647"]')),
    Image("busybox:1.35", (), ("ENV PATH=/bin", 'CMD ["/bin/sh"]')),
    Image("base/python:3.11", ("python3", "tzdata"), (f"ENV PATH={_PATH} LANG=C.UTF-8", 'CMD ["python3"]')),
    Image(
        "base/python-build:3.11",
        ("python3", "python3-venv", "python3-pip", "ca-certificates", "tzdata"),
        (f"ENV PATH={_PATH} LANG=C.UTF-8", 'CMD ["python3"]'),
    ),
    Image(
        "postgres:15",
        ("postgresql-15", "tzdata"),
        (
            f"ENV PATH=/usr/lib/postgresql/15/bin:{_PATH} LANG=C.UTF-8 PGDATA=/var/lib/postgresql/data/pgdata",
            "USER 999:999",
            "EXPOSE 5432",
            "VOLUME /var/lib/postgresql/data",
            # A fast shutdown: the server ends sessions instead of waiting for them.
            "STOPSIGNAL SIGINT",
            'ENTRYPOINT ["/usr/local/bin/entrypoint.sh"]',
            'CMD ["postgres"]',
        ),
        _POSTGRES_HOOKS,
        (_ENTRYPOINT,),
    ),
)


def make(settings: Settings, image: Image, reporter: Reporter) -> None:
    """Make an image's root file system, unless it lies in the cache.

    Raises:
        PlatformError: mmdebstrap failed several times, most often because Debian's mirror did not answer.

    """
    archive = image.archive(settings)
    if archive.exists():
        return
    archive.parent.mkdir(parents=True, exist_ok=True)
    fresh = archive.with_suffix(".new.tar")
    if not image.packages:
        _busybox(fresh)
    else:

        def build() -> None:
            fresh.unlink(missing_ok=True)
            commands.run(_mmdebstrap(image, fresh), seconds=900, environment={"SOURCE_DATE_EPOCH": "0"})

        with reporter.step(f"make base image {image.name}", 30) as step:
            commands.retried(build, step, "check the network and that Debian's mirror answers")
    fresh.replace(archive)


def published(settings: Settings, image: Image) -> bool:
    """Tell whether the platform's registry has an image, made by its present recipe."""
    record = _record(settings, image)
    return record.exists() and record.read_text() == digest(settings, image.name)


def publish(settings: Settings, image: Image, docker: str, environment: Mapping[str, str]) -> None:
    """Put an image into the platform's registry, replacing another of its name.

    Args:
        settings: folders and ports.
        image: what to publish; its root file system must exist.
        docker: path of the docker command.
        environment: how that command finds its engine.

    Raises:
        CommandError: the image builder or the registry refused.

    """
    name = f"{settings.registry}/{image.name}"
    bare = f"{name}-bare"
    dockerfile = "\n".join([f"FROM {bare}", *image.configuration, ""])
    commands.run([docker, "import", image.archive(settings), bare], seconds=300, environment=environment)
    build = [docker, "build", "--quiet", "--tag", name, "-"]
    commands.run(build, seconds=300, environment=environment, stdin=dockerfile)
    commands.run([docker, "push", "--quiet", name], seconds=300, environment=environment)
    write_if_changed(_record(settings, image), digest(settings, image.name))


def digest(settings: Settings, name: str) -> str:
    """Ask the registry for the digest of an image; empty when it has none of that name."""
    repository, _, tag = name.partition(":")
    connection = http.client.HTTPConnection("127.0.0.1", settings.registry_port, timeout=10)
    try:
        connection.request("HEAD", f"/v2/{repository}/manifests/{tag}", headers={"Accept": _MANIFEST_TYPES})
        answer = connection.getresponse()
        return answer.headers.get("Docker-Content-Digest", "") if answer.status == http.HTTPStatus.OK else ""
    finally:
        connection.close()


def _record(settings: Settings, image: Image) -> Path:
    return settings.home / "images" / f"{image.archive(settings).stem}.digest"


def _mmdebstrap(image: Image, archive: Path) -> list[str]:
    options = [f"--dpkgopt=path-exclude={pattern}" for pattern in _UNUSED]
    options += ['--aptopt=Acquire::Retries "5"', '--aptopt=Acquire::http::Timeout "30"']
    hooks = [hook.replace("{sources}", str(SOURCES)) for hook in image.hooks]
    include = f"--include={','.join(image.packages)}"
    return ["mmdebstrap", "--variant=essential", include, *options, *hooks, SUITE, str(archive)]


def _busybox(archive: Path) -> None:
    """Pack the machine's static busybox with a link for each of its commands."""
    binary = Path("/bin/busybox")
    applets = commands.run([binary, "--list"], seconds=10).split()
    with tarfile.open(archive, "w") as tar:
        for folder in ("bin", "tmp", "etc"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        program = tarfile.TarInfo("bin/busybox")
        program.size, program.mode = binary.stat().st_size, 0o755
        with binary.open("rb") as stream:
            tar.addfile(program, stream)
        users = b"root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"
        passwd = tarfile.TarInfo("etc/passwd")
        passwd.size = len(users)
        tar.addfile(passwd, io.BytesIO(users))
        for applet in applets:
            if applet != "busybox":
                entry = tarfile.TarInfo(f"bin/{applet}")
                entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(entry)
