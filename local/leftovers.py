"""What dead pods leave behind: processes, mounts, links and a socket. All of it can be dropped."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from local import cgroups, commands, processes
from local.errors import PlatformError


def unmount_below(folder: Path) -> None:
    """Unmount everything below a folder, the innermost first.

    Raises:
        PlatformError: something is still mounted, and deleting the folder would delete what it shows.

    """
    for path in sorted(_mounts_below(folder), key=len, reverse=True):
        commands.succeeds(["umount", "--lazy", path])
    left = _mounts_below(folder)
    if left:
        raise PlatformError(f"{left[0]} cannot be unmounted: end what uses it, then try again")


def end_pods(socket: Path) -> None:
    """End what still runs of pods: members of our control groups, and shims of our container runtime."""
    for _ in range(20):
        members = cgroups.members() | {pid for pid in processes.pids() if is_shim(pid, socket)}
        if not members:
            return
        for pid in members:
            process = processes.find(pid)
            if process:
                process.send(signal.SIGKILL)
        time.sleep(0.1)


def remove_log_links(pod_logs: Path) -> None:
    """Remove the links to pods' logs that the kubelet keeps for old log collectors."""
    links = Path("/var/log/containers")
    for link in links.iterdir() if links.exists() else ():
        if link.is_symlink() and str(link.readlink()).startswith(f"{pod_logs}{os.sep}"):
            link.unlink(missing_ok=True)


def remove_device_socket() -> None:
    """Remove the socket for device plugins, the one thing that the kubelet puts outside its folder."""
    socket = Path("/var/lib/kubelet/device-plugins/kubelet.sock")
    socket.unlink(missing_ok=True)
    for folder in (socket.parent, socket.parent.parent):
        with contextlib.suppress(OSError):
            folder.rmdir()


def is_shim(pid: int, socket: Path) -> bool:
    """Tell whether a process watches containers for the runtime with this socket."""
    words = processes.command_line(pid)
    return "containerd-shim" in words.split(" ", 1)[0] and f"-address {socket} " in f"{words} "


def _mounts_below(folder: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    # The kernel writes blanks and the like as octal numbers.
    paths = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    return [path for path in paths if path.startswith(f"{folder}{os.sep}")]
