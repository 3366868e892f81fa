import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from local import commands, toolchain, versions
from local.errors import UnfitMachineError
from local.progress import Reporter
from local.settings import Settings
from local.toolchain import Pulumi, Toolchain, built_as, key, version_of
from local.versions import LANGUAGE_HOST_MODULE, MAIN_MODULE, METRICS_SERVER_MODULE, Module, Program

GO = """#!/bin/sh
[ "$1" = list ] && { echo a; echo b; exit 0; }
while [ "$1" != -o ]; do shift; done
out=$2; shift 2
echo compiled >&2
for package; do
    [ "$package" = "$BROKEN" ] && { echo "undefined: x" >&2; exit 1; }
    echo program > "$out$(basename "$package")"
done
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Module:
    """A module with two programs, and a `go` that compiles them at once."""
    sources = tmp_path / "sources/module"
    sources.mkdir(parents=True)
    (sources / "go.mod").write_text("module m\n")
    (sources / "go.sum").write_text("")
    monkeypatch.setattr(toolchain, "SOURCES", sources.parent)
    go = tmp_path / "tools/go"
    go.parent.mkdir()
    go.write_text(GO)
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")
    return Module("module", "a module", 1, (Program("one", "example.org/one"), Program("second", "example.org/two")))


@pytest.fixture
def reporter() -> Reporter:
    return Reporter(Console(quiet=True))


def test_programs_get_their_names_and_nothing_else_stays(fake: Module, settings: Settings, reporter: Reporter) -> None:
    toolchain.build(settings, fake, fake.programs, reporter)
    folder = settings.cache / "toolchain" / key(fake)
    assert sorted(entry.name for entry in folder.iterdir()) == ["one", "second"]


def test_a_failed_build_leaves_no_program_and_the_compilers_words(
    fake: Module, settings: Settings, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKEN", "example.org/two")
    with pytest.raises(commands.CommandError, match=r"ended with status 1\n[^$]*undefined: x"):
        toolchain.build(settings, fake, fake.programs, reporter)
    folder = settings.cache / "toolchain" / key(fake)
    assert not [entry for entry in folder.iterdir() if entry.is_file()]
    monkeypatch.delenv("BROKEN")
    toolchain.build(settings, fake, fake.programs, reporter)
    assert (folder / "second").exists()


@pytest.mark.parametrize("changed", ["go.mod", "go.sum", "programs/tool/main.go"])
def test_the_key_depends_on_all_that_determines_a_build(tmp_path: Path, changed: str) -> None:
    shutil.copytree(toolchain.SOURCES, tmp_path / "toolchain")
    sources = tmp_path / "toolchain"
    before = key(MAIN_MODULE, sources)
    assert before == key(MAIN_MODULE)
    file = sources / changed
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{file.read_text() if file.exists() else ''}\n// changed\n")
    assert key(MAIN_MODULE, sources) != before


def test_a_checksum_in_go_sum_for_every_module_that_is_downloaded_for_the_definitions() -> None:
    text = (toolchain.SOURCES / "go.sum").read_text()
    for module in (*toolchain._CRDS, toolchain._PROVIDER_MODULE, toolchain._SDK_MODULE):
        assert re.search(rf"^{re.escape(module)} v\S+ h1:", text, re.MULTILINE), module


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v3.215.0\n", (3, 215, 0)),
        ("v3.220.1-alpha.x+dirty", (3, 220, 1)),
        ("go1.26.8", (1, 26, 8)),
        ("go1.21", (1, 21)),
        ("devel", ()),
    ],
)
def test_versions_are_read(text: str, version: tuple[int, ...]) -> None:
    assert version_of(text) == version


def test_a_text_without_a_version_is_older_than_any() -> None:
    assert version_of("devel") < versions.PULUMI


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("go.etcd.io/etcd/server/v3", "server"),
        ("k8s.io/kubernetes/cmd/kubelet", "kubelet"),
        ("./programs/coredns", "coredns"),
    ],
)
def test_go_names_programs_by_the_last_element_that_is_no_version(package: str, name: str) -> None:
    assert built_as(package) == name


def test_a_machine_with_pulumi_compiles_neither_pulumi_nor_what_it_has(settings: Settings, tmp_path: Path) -> None:
    pulumi = Pulumi(command=True, home=tmp_path / "theirs")
    names = {p.name for _, programs in Toolchain(settings, pulumi).missing() for p in programs}
    assert "pulumi-resource-kubernetes" in names
    assert not names & {"pulumi", "pulumi-language-python"}
    toolchain.plugin(pulumi.home).mkdir(parents=True)
    names = {p.name for _, programs in Toolchain(settings, pulumi).missing() for p in programs}
    assert "pulumi-resource-kubernetes" not in names


def test_only_what_is_missing_is_compiled(settings: Settings) -> None:
    tools = Toolchain(settings, Pulumi(command=False, home=settings.home / "pulumi-home"))
    modules = (MAIN_MODULE, LANGUAGE_HOST_MODULE, METRICS_SERVER_MODULE)
    assert [module for module, _ in tools.missing()] == list(modules)
    for module in modules:
        folder = toolchain.results(settings, module)
        (folder / "crds").mkdir(parents=True)
        for program in module.programs:
            (folder / program.name).touch()
    assert tools.missing() == []
    (toolchain.results(settings, MAIN_MODULE) / "etcd").unlink()
    assert [[p.name for p in programs] for _, programs in tools.missing()] == [["etcd"]]


def test_a_missing_program_of_the_machine_is_named(settings: Settings) -> None:
    tools = Toolchain(settings, Pulumi(command=False, home=settings.home))
    with pytest.raises(UnfitMachineError, match="no-such-program is not installed"):
        tools.program("no-such-program")


def test_a_program_is_placed_once(tmp_path: Path) -> None:
    target = tmp_path / "cache/tool"
    target.parent.mkdir()
    target.write_text("tool")
    place = tmp_path / "bin/tool"
    toolchain.place(place, target)
    before = place.stat().st_ino
    toolchain.place(place, target)
    assert (place.stat().st_ino, place.is_symlink()) == (before, False)


def test_the_provider_has_the_version_of_its_python_package() -> None:
    from importlib.metadata import version

    assert version("pulumi-kubernetes") == versions.KUBERNETES_PROVIDER
