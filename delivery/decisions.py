"""What each command makes of a stack's roles: pure functions from what is found to the values of its keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from delivery.errors import RefusedError, UsageError
from delivery.roles import Roles
from infra.version import Version

Values = dict[str, Any]
_DOWN = "to go back use: inssa rollback"


def parsed(text: str) -> Version:
    """A version that a person typed. Raises UsageError."""
    try:
        return Version.parse(text)
    except ValueError as error:
        raise UsageError(f"version: {error}") from error


def deploy(config: Mapping[str, Any], roles: Roles, version: Version, audience: str | None) -> Values:
    """All audiences on one version, or one of them on its own."""
    if roles.public:
        raise UsageError("this stack serves the public by weight: use inssa release, or inssa canary start")
    audiences: dict[str, dict[str, Any]] = {name: dict(one or {}) for name, one in config["audiences"].items()}
    if audience is None:
        for one in audiences.values():
            one.pop("version", None)
        return {"version": str(version), "audiences": audiences}
    if audience not in audiences:
        raise UsageError(f"audience: found {audience!r}, known are: {', '.join(audiences)}")
    audiences[audience]["version"] = str(version)
    return {"audiences": audiences}


def release(roles: Roles, version: Version) -> Values:
    """A new live version; the one that served becomes the way back. The same again if it is live already."""
    live = require_public(roles)
    if version.prerelease:
        raise RefusedError(f"{version} is a candidate: the public gets final versions only; approve it on stage first")
    if version == live:
        return {"live": str(live), "standby": str(roles.standby) if roles.standby else None}
    if version < live:
        raise RefusedError(f"{version} is older than {live}, which is live: {_DOWN}")
    values: Values = {"live": str(version), "standby": str(live)}
    if roles.canary and roles.canary.version == version:
        values["canary"] = None
    return values


def rollback(declared: Roles, deployed: Roles) -> Values:
    """The way back: live and standby change places, or a release that never got the traffic is called off."""
    wanted, serving = require_public(declared), deployed.live
    canary: Values = {"canary": None} if declared.canary else {}
    if serving and serving != wanted:
        if declared.standby and declared.standby != serving:
            raise RefusedError(
                f"{serving} serves, which is neither {wanted} nor {declared.standby}: edit the file by hand"
            )
        return {"live": str(serving), "standby": None, **canary}
    if declared.standby is None:
        raise RefusedError(f"{wanted} is live and there is no standby: no version to go back to")
    return {"live": str(declared.standby), "standby": str(wanted), **canary}


def back(declared: Roles, deployed: Roles, now: Roles) -> Values:
    """What a change that failed must change of the file it began with, so that what served before serves again.

    `declared` is that file, `deployed` what it found and `now` what it left. Nothing, unless traffic has moved: then
    the way back needs both versions at full size, and the new one stays for whoever looks into it. Or unless the
    file was that of an interrupted release already.
    """
    was, serves = deployed.live, now.live
    if was is None or serves is None:
        return {}
    if serves != was:
        return {"live": str(was), "standby": str(serves), "canary": None}
    return {} if declared.live == was else {"live": str(was), "standby": None, "canary": None}


def undeployed(declared: Roles, deployed: Roles, setting: Iterable[str], *, leftovers: bool) -> list[str]:
    """Keys, other than those that are being set, whose declared value is not what is deployed.

    With `leftovers` a track beside the live one that is not declared is no difference.
    """
    about = {"version": "audiences"}
    ignored = {about.get(key, key) for key in setting}
    found = [
        key
        for key in ("audiences", "live", "standby", "canary", "scale")
        if key not in ignored and getattr(declared, key) != getattr(deployed, key)
    ]
    return [key for key in found if not (leftovers and key == "standby" and declared.standby is None)]


def start_canary(roles: Roles, version: Version, weight: int, replicas: int) -> Values:
    """Pods of a version beside the live ones with a share of the members; again with another share to change it."""
    live = require_public(roles)
    if not 0 <= weight <= 100:
        raise UsageError(f"--weight: found {weight}, want 0 to 100 percent")
    if replicas < 1:
        raise UsageError(f"--replicas: found {replicas}, want at least 1")
    if version in (live, roles.standby):
        raise RefusedError(f"{version} is {'live' if version == live else 'the standby'} already")
    if roles.canary and roles.canary.version != version:
        raise RefusedError(f"{roles.canary.version} is the canary now; end it first: inssa canary abort")
    return {"canary": {"version": str(version), "weight": weight, "replicas": replicas}}


def abort_canary(roles: Roles) -> Values:
    """No canary any more; nothing to do if there is none."""
    require_public(roles)
    return {"canary": None}


def promote_canary(roles: Roles) -> Version:
    """The version of the canary, which is to become live."""
    require_public(roles)
    if roles.canary is None:
        raise RefusedError("there is no canary: inssa canary start VERSION")
    return roles.canary.version


def scale(config: Mapping[str, Any], roles: Roles, smallest: int | None, largest: int | None) -> Values:
    """Other bounds of the autoscaler."""
    require_public(roles)
    now = dict(config["scale"])
    wanted = {**now, "min": smallest or int(now["min"]), "max": largest or int(now["max"])}
    if not 1 <= wanted["min"] <= wanted["max"] <= 100:
        raise UsageError(f"scale: found min {wanted['min']} and max {wanted['max']}, want 1 <= min <= max <= 100")
    return {"scale": wanted}


def require_public(roles: Roles) -> Version:
    """The live version. Raises UsageError for a stack with audiences."""
    if roles.live is None:
        raise UsageError("this stack has audiences and no live version: use inssa deploy")
    return roles.live
