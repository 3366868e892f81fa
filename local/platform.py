"""The four verbs of the platform, composed from its parts."""

from __future__ import annotations

import time
from functools import partial

from local import cluster, images, machine, tasks, toolchain
from local.errors import UnfitMachineError
from local.progress import Reporter, duration
from local.settings import Settings
from local.tasks import Task
from local.toolchain import Toolchain
from local.versions import MAIN_MODULE


def up(settings: Settings, reporter: Reporter, *, build: bool) -> None:
    """Bring the platform up, from nothing or from wherever it stands.

    Args:
        settings: folders and ports.
        reporter: where progress goes.
        build: whether to install and compile what is missing, or to refuse then.

    Raises:
        UnfitMachineError: the machine lacks something.
        PlatformError: a step failed; what ran before still runs.

    """
    began = time.monotonic()
    tools = toolchain.inspect(settings)
    missing = tools.missing()
    machine.check(settings, cold=bool(missing))
    own_docker = machine.own_docker(settings)
    packages = machine.missing_packages(own_docker=own_docker)
    if not build and (missing or packages):
        raise UnfitMachineError("not everything is compiled and installed: run `python -m local up`")
    if missing:
        toolchain.check_go()
    cluster.prepare(settings)
    if build:
        _provide(tools, packages, reporter)
    started = cluster.start(tools, reporter, own_docker=own_docker)
    reporter.say(
        f"{'started' if started else 'already up'} in {duration(time.monotonic() - began)}: "
        f"gateway http://localhost:{settings.gateway_port}, registry {settings.registry}"
    )


def stop(settings: Settings, reporter: Reporter) -> None:
    """Stop everything; the data stays."""
    machine.check_root()
    began = time.monotonic()
    stopper = toolchain.results(settings, MAIN_MODULE) / "pod-stopper"
    ran = cluster.stop(settings, reporter, str(stopper) if stopper.exists() else None)
    reporter.say(f"{'stopped' if ran else 'nothing ran'} ({duration(time.monotonic() - began)})")


def down(settings: Settings, reporter: Reporter) -> None:
    """Stop everything and delete all data; what was compiled stays."""
    stop(settings, reporter)
    cluster.delete(settings)
    reporter.say(f"deleted {settings.home}; compiled programs stay in {settings.cache}")


def _provide(tools: Toolchain, packages: list[str], reporter: Reporter) -> None:
    """Install and compile what is missing. Compiling takes the processors; the rest waits for networks."""
    settings = tools.settings
    steps: list[Task] = []
    if packages:
        steps.append(Task("packages", lambda: machine.install_packages(packages, reporter)))
    after_packages = tuple(step.name for step in steps)
    steps.append(Task("envoy", lambda: toolchain.ensure_envoy(settings, reporter)))
    before: tuple[str, ...] = ()
    for module, programs in tools.missing():
        steps.append(Task(module.folder, partial(toolchain.build, settings, module, programs, reporter), before))
        before = (module.folder,)
    steps.append(Task("images", lambda: _make_images(settings, reporter), after_packages))
    steps.append(Task("install", lambda: toolchain.install(tools), before))
    tasks.run(steps)


def _make_images(settings: Settings, reporter: Reporter) -> None:
    for image in images.IMAGES:
        images.make(settings, image, reporter)
