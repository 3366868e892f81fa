import os
import shutil
from pathlib import Path

import pytest

from local import cluster, machine
from local.errors import PlatformError, UnfitMachineError
from local.images import IMAGES, SOURCES
from local.settings import Settings


def test_a_full_disk_is_refused_before_anything_is_written(settings: Settings, tmp_path: Path) -> None:
    seen: list[Path] = []

    def usage(folder: Path) -> shutil._ntuple_diskusage:
        seen.append(folder)
        return shutil._ntuple_diskusage(100 << 30, 99 << 30, 1 << 30)

    with pytest.raises(UnfitMachineError, match=r"1\.0 GiB free, 15 GiB are needed: .*INSSA_CACHE"):
        machine.check_space(settings, 15 << 30, usage)
    assert seen == [tmp_path]
    assert not settings.cache.exists()


def test_anybody_but_root_is_told_so(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UnfitMachineError, match="needs root"):
        machine.check(settings, cold=False)


def test_a_folder_with_other_things_is_neither_used_nor_deleted(settings: Settings) -> None:
    settings.home.mkdir()
    (settings.home / "thesis.tex").touch()
    with pytest.raises(PlatformError, match="not empty"):
        cluster.prepare(settings)
    with pytest.raises(PlatformError, match="nothing was deleted"):
        cluster.delete(settings)
    assert (settings.home / "thesis.tex").exists()


def test_the_passphrase_is_made_once_and_for_its_owner_only(settings: Settings) -> None:
    cluster.prepare(settings)
    passphrase = settings.home / "passphrase"
    text = passphrase.read_text()
    assert len(text) >= 32
    assert passphrase.stat().st_mode & 0o077 == 0
    assert settings.home.stat().st_mode & 0o077 == 0
    cluster.prepare(settings)
    assert passphrase.read_text() == text


def test_recipes_do_not_depend_on_where_the_checkout_lies() -> None:
    for image in IMAGES:
        assert str(SOURCES) not in repr((image.packages, image.configuration, image.hooks))
    assert len({image.key() for image in IMAGES}) == len(IMAGES)
