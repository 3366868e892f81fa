"""What the machine must be and have, checked before anything is changed; Debian packages are installed."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

from local import commands
from local.errors import UnfitMachineError
from local.progress import Reporter
from local.settings import Settings

COLD_BYTES = 15 << 30
"""Free space that a first build needs: sources 4.2 GiB, Go's build cache about 5, programs and base images 2,
and 3 for what the image builder, the registry and the container runtime make of the images."""
WARM_BYTES = 2 << 30
"""Free space that a start needs when everything is compiled."""

PACKAGES: dict[str, str] = {
    "conntrack": "conntrack",
    "containerd": "containerd",
    "docker-registry": "docker-registry",
    "ip": "iproute2",
    "iptables": "iptables",
    "mmdebstrap": "mmdebstrap",
    "mount": "mount",
    "openssl": "openssl",
    "runc": "runc",
}
"""A command and the Debian package that brings it."""

DOCKER_PACKAGE = ("dockerd", "docker.io")
_FILES = {
    Path("/usr/lib/cni/bridge"): "containernetworking-plugins",
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"): "debian-archive-keyring",
}


def check(settings: Settings, *, cold: bool) -> None:
    """Refuse a machine that cannot run the platform.

    Args:
        settings: folders and ports.
        cold: whether something will be compiled.

    Raises:
        UnfitMachineError: naming what was found and the fix.

    """
    check_root()
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise UnfitMachineError(
            f"the local platform runs on Linux on x86_64, this is {platform.system()} on {platform.machine()}: "
            "use an existing cluster (inssa:target: existing)"
        )
    filesystems = Path("/proc/filesystems").read_text().split()
    if "overlay" not in filesystems and not commands.succeeds(["modprobe", "overlay"]):
        raise UnfitMachineError("the kernel has no overlay file system: load it with `modprobe overlay`")
    groups = Path("/sys/fs/cgroup")
    if not (groups / "cgroup.controllers").exists() and not (groups / "memory").exists():
        raise UnfitMachineError("no control groups are mounted at /sys/fs/cgroup: mount them, or use another machine")
    check_space(settings, COLD_BYTES if cold else WARM_BYTES, shutil.disk_usage)


def check_root() -> None:
    """Refuse to work as anybody but root."""
    if os.geteuid() != 0:
        raise UnfitMachineError("the local platform runs containers and needs root: run the command with sudo -E")


def check_space(settings: Settings, wanted: int, usage: Callable[[Path], shutil._ntuple_diskusage]) -> None:
    """Refuse a disk that is too full; a disk that fills up half-way leaves a worse mess."""
    for name, folder in (("INSSA_CACHE", settings.cache), ("INSSA_HOME", settings.home)):
        existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = usage(existing).free
        if free < wanted:
            raise UnfitMachineError(
                f"{folder} has {free / 2**30:.1f} GiB free, {wanted / 2**30:.0f} GiB are needed: "
                f"free some space, or set {name} to a folder on a larger disk"
            )


def missing_packages(*, own_docker: bool) -> list[str]:
    """List the Debian packages that have to be installed."""
    wanted = dict(PACKAGES)
    if own_docker:
        wanted[DOCKER_PACKAGE[0]] = DOCKER_PACKAGE[1]
    path = commands.search_path()
    missing = [package for command, package in wanted.items() if shutil.which(command, path=path) is None]
    missing += [package for file, package in _FILES.items() if not file.exists()]
    busybox = Path("/bin/busybox")
    if not busybox.exists() or b"ld-linux" in busybox.read_bytes()[:4096]:
        missing.append("busybox-static")
    return missing


def install_packages(packages: list[str], reporter: Reporter) -> None:
    """Install Debian packages.

    Raises:
        UnfitMachineError: there is no apt.
        CommandError: apt failed.

    """
    if shutil.which("apt-get") is None:
        raise UnfitMachineError(f"apt-get is not here: install what corresponds to Debian's {' '.join(packages)}")
    with reporter.step(f"install packages {' '.join(packages)}", 60) as step:
        options = ["-o", "Acquire::Retries=5", "-o", "Acquire::http::Timeout=30", "-o", "DPkg::Lock::Timeout=120"]
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", *options, "install", "--yes", "--no-install-recommends", *packages]
        try:
            commands.run(install, seconds=900, environment=environment)
        except commands.CommandError:
            commands.check_interrupted()
            step.note = "refreshing the package lists first"
            commands.run(["apt-get", *options, "update"], seconds=300, environment=environment)
            commands.run(install, seconds=900, environment=environment)


def own_docker(settings: Settings) -> bool:
    """Tell whether the platform must bring its own image builder: no other engine answers.

    Once decided, it stays so until `down`, because shells have the address of the builder.
    """
    if (settings.bin / "docker").is_symlink():
        return True
    return not commands.succeeds(["docker", "version"], seconds=5)
