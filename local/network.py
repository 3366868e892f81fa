"""What the platform changes in the machine's network, and how it takes all of it back.

Pods sit on one bridge whose address is the node's. They get a route to each other and to services and
none out of the machine; nothing outside the machine gets a route to them.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from local import commands
from local.errors import UnfitMachineError
from local.services import write_if_changed
from local.settings import BRIDGE, NODE_ADDRESS, POD_RANGE, SERVICE_RANGE, Settings

SYSCTLS = {"net/ipv4/ip_forward": "1", "net/bridge/bridge-nf-call-iptables": "1"}
"""Kernel settings that pods and services need. The old values come back on stop."""

_SYS = Path("/proc/sys")

_OURS = re.compile(r"^(KUBE|CNI|INSSA)-")
"""Names of the iptables chains that belong to the kubelet, kube-proxy, the CNI plugins and us."""

_GUARD = f"""*filter
:INSSA-INPUT - [0:0]
:INSSA-FORWARD - [0:0]
-A INSSA-INPUT -i lo -j RETURN
-A INSSA-INPUT -i {BRIDGE} -j RETURN
-A INSSA-INPUT -j DROP
-A INSSA-FORWARD -i {BRIDGE} -o {BRIDGE} -j ACCEPT
-A INSSA-FORWARD -j DROP
-I INPUT 1 -d {NODE_ADDRESS} -j INSSA-INPUT
-I FORWARD 1 -o {BRIDGE} -j INSSA-FORWARD
-I FORWARD 1 -i {BRIDGE} -j INSSA-FORWARD
COMMIT
"""
"""Only the machine itself and its pods reach the node's address and the pods."""


def cni_config(settings: Settings) -> str:
    """Render the network of the pods for containerd: a bridge, addresses from a file store."""
    plugin = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "hairpinMode": True,
        "ipMasq": False,
        "ipam": {
            "type": "host-local",
            "dataDir": str(settings.home / "cni-addresses"),
            "ranges": [[{"subnet": POD_RANGE, "rangeStart": "10.88.0.10", "gateway": NODE_ADDRESS}]],
            "routes": [{"dst": SERVICE_RANGE}],
        },
    }
    return json.dumps({"cniVersion": "1.0.0", "name": "inssa", "plugins": [plugin]}, indent=2)


def ensure(settings: Settings) -> None:
    """Make the bridge, the firewall rules and the kernel settings, whatever of it is missing.

    Raises:
        UnfitMachineError: the kernel has no bridges, or another interface has our address range.
        CommandError: a network command failed.

    """
    _set_sysctls(settings)
    if not (Path("/sys/class/net") / BRIDGE).exists():
        _refuse_overlap()
        try:
            commands.run(["ip", "link", "add", BRIDGE, "type", "bridge"], seconds=10)
        except commands.CommandError as error:
            raise UnfitMachineError(
                f"the kernel cannot make a network bridge: load its module with `modprobe bridge`\n{error}"
            ) from None
    commands.run(["ip", "address", "replace", f"{NODE_ADDRESS}/16", "dev", BRIDGE], seconds=10)
    commands.run(["ip", "link", "set", BRIDGE, "up"], seconds=10)
    if "INSSA-FORWARD" not in commands.run(["iptables", "-w", "-S", "FORWARD"], seconds=10):
        commands.run(["iptables-restore", "-w", "--noflush"], seconds=10, stdin=_GUARD)


def present() -> bool:
    """Tell whether our bridge or our firewall rules are in the kernel."""
    bridge = (Path("/sys/class/net") / BRIDGE).exists()
    return bridge or commands.succeeds(["iptables", "-w", "-S", "INSSA-FORWARD"])


def remove(settings: Settings) -> None:
    """Take back everything that `ensure`, the CNI plugins, the kubelet and kube-proxy made."""
    for family in ("iptables", "ip6tables"):
        _remove_chains(family)
    ports = Path("/sys/class/net") / BRIDGE / "brif"
    devices = [entry.name for entry in ports.iterdir()] if ports.exists() else []
    for device in [*devices, BRIDGE]:
        if (Path("/sys/class/net") / device).exists():
            commands.run(["ip", "link", "delete", device], seconds=10)
    shutil.rmtree(settings.home / "cni-addresses", ignore_errors=True)
    results = Path("/var/lib/cni/results")
    for stale in results.glob("inssa-*") if results.exists() else ():
        stale.unlink(missing_ok=True)
    _restore_sysctls(settings)


def cleanup_rules(listing: str) -> str:
    """Turn the output of `iptables-save` into input for `iptables-restore` that drops our chains.

    Rules of others that jump into our chains go first, then the chains are emptied, then deleted.
    """
    output: list[str] = []
    table = ""
    jumps: list[str] = []
    chains: list[str] = []
    for line in listing.splitlines():
        if line.startswith("*"):
            table, jumps, chains = line, [], []
        elif line.startswith(":") and _OURS.match(line[1:]):
            chains.append(line[1:].split()[0])
        elif line.startswith("-A "):
            words = line.split()
            target = next((words[i + 1] for i, w in enumerate(words[:-1]) if w in ("-j", "-g")), "")
            if not _OURS.match(words[1]) and _OURS.match(target):
                jumps.append("-D" + line[2:])
        elif line == "COMMIT" and chains:
            output += [table, *jumps, *(f"-F {name}" for name in chains), *(f"-X {name}" for name in chains), "COMMIT"]
    return "".join(f"{line}\n" for line in output)


def _remove_chains(family: str) -> None:
    with contextlib.suppress(commands.CommandError):  # a kernel without IPv6 has nothing to remove
        rules = cleanup_rules(commands.run([f"{family}-save"], seconds=20))
        if rules:
            commands.run([f"{family}-restore", "-w", "--noflush"], seconds=20, stdin=rules)


def _set_sysctls(settings: Settings) -> None:
    if not (_SYS / "net/bridge").exists():
        commands.succeeds(["modprobe", "br_netfilter"])
    remembered = settings.home / "sysctls.json"
    old = json.loads(remembered.read_text()) if remembered.exists() else {}
    for name, wanted in SYSCTLS.items():
        path = _SYS / name
        if not path.exists():
            raise UnfitMachineError(
                f"the kernel has no setting {name.replace('/', '.')}: load its module with `modprobe br_netfilter`"
            )
        value = path.read_text().strip()
        if value != wanted:
            old.setdefault(name, value)
            write_if_changed(remembered, json.dumps(old))
            path.write_text(wanted)


def _restore_sysctls(settings: Settings) -> None:
    remembered = settings.home / "sysctls.json"
    if remembered.exists():
        for name, value in json.loads(remembered.read_text()).items():
            with contextlib.suppress(OSError):
                (_SYS / name).write_text(value)
        remembered.unlink()


def _refuse_overlap() -> None:
    listing = json.loads(commands.run(["ip", "-json", "-4", "address", "show"], seconds=10) or "[]")
    for device, address in _addresses(listing):
        if address.startswith("10.88."):
            raise UnfitMachineError(
                f"interface {device} already uses {address}, which lies in the platform's {POD_RANGE}: "
                f"remove it with `ip link delete {device}` if it is a left-over bridge"
            )


def _addresses(listing: Iterable[dict[str, object]]) -> Iterable[tuple[str, str]]:
    for device in listing:
        entries = device.get("addr_info")
        for entry in entries if isinstance(entries, list) else []:
            yield str(device.get("ifname")), str(entry.get("local"))
