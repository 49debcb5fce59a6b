"""A damaged store: flipped bytes, a missing, truncated or foreign log, another store in its place, restoring."""

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.errors import DamagedError, SeptetError
from agent.review.store.audit import audit
from agent.review.store.store import Store
from tests.fakes.review.store_process import content
from tests.fakes.review.stored_reviews import ANNA, AT, Plan, columns, filled

NAME = "review.sqlite"


# -- D10


def _noticed(path: Path, whole: tuple[object, ...], where: str) -> bool:
    """Check the promises for a damaged store; return whether it was opened read-only."""
    with suppress_named(), Store.open(path) as store:
        if store.damage:
            assert f"{NAME}.backup" in store.hint
            with pytest.raises(DamagedError, match="read-only"):
                store.append("r1", [Plan()], ANNA, AT, 7, columns)
            return True
        if content(store) != whole:
            assert not audit(store).sound, where
    return False


@contextmanager
def suppress_named() -> Iterator[None]:
    """Ignore errors that say what is wrong and what to do, and no others."""
    try:
        yield
    except SeptetError as error:
        if not (error.what and error.hint):
            raise


@pytest.mark.parametrize("flips", [20, pytest.param(500, marks=pytest.mark.slow)])
def test_a_flipped_byte_is_named_or_changes_nothing(flips: int, tmp_path: Path) -> None:
    path = tmp_path / NAME
    with filled(path, 12, 6) as store:
        store.keep_backup()
        whole = content(store)
    data, chance = path.read_bytes(), random.Random(flips)
    read_only = 0
    for place in chance.sample(range(len(data)), flips):
        changed = bytearray(data)
        changed[place] ^= chance.randint(1, 255)
        path.write_bytes(changed)
        read_only += _noticed(path, whole, f"byte {place}")
        assert path.stat().st_size  # a damaged store is never created again
    assert read_only > flips / 50


def test_the_backup_that_the_hint_offers_restores_the_store(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with filled(path, 12, 6) as store:
        kept = store.keep_backup()
        whole = content(store)
    data = bytearray(path.read_bytes())
    data[4096 : 4096 * 3] = bytes(4096 * 2)
    path.write_bytes(data)
    with pytest.raises(DamagedError) as caught, Store.open(path) as store:
        store.append("r1", [Plan()], ANNA, AT, 7, columns)
    assert str(kept) in caught.value.hint
    path.rename(tmp_path / "damaged")
    shutil.copyfile(kept, path)
    with Store.open(path) as store:
        assert store.damage == ""
        assert content(store) == whole


# -- D11


def running(folder: Path, reviews: int) -> list[Path]:
    """The files of a store as a killed process leaves them: half of the content is in its log."""
    folder.mkdir()
    with filled(folder / NAME, reviews, 1):
        pass
    store = Store.open(folder / NAME)
    for number in range(20):
        store.append("r1", [Plan(f"threat/W{number}")], ANNA, AT, number + 2, columns)
    copied = folder / "left"
    copied.mkdir()
    for name in (NAME, f"{NAME}-wal", f"{NAME}-shm", f"{NAME}.lock"):
        shutil.copyfile(folder / name, copied / name)
    store.close()
    return [copied / name for name in (NAME, f"{NAME}-wal", f"{NAME}-shm")]


@pytest.mark.parametrize("which", ["wal", "shm"])
@pytest.mark.parametrize("how", ["as it is", "deleted", "emptied", "cut", "noise", "another's"])
def test_a_log_that_is_gone_cut_or_foreign_gives_an_earlier_state_or_an_error(
    which: str, how: str, tmp_path: Path
) -> None:
    path, *logs = running(tmp_path / "a", 2)
    _, *others = running(tmp_path / "b", 4)
    log, other = (files[0 if which == "wal" else 1] for files in (logs, others))
    data = log.read_bytes()
    if how == "deleted":
        log.unlink()
    elif how != "as it is":
        cut, noise = data[: len(data) * 3 // 5], random.Random(1).randbytes(len(data))
        log.write_bytes({"emptied": b"", "cut": cut, "noise": noise, "another's": other.read_bytes()}[how])
    with suppress_named(), Store.open(path) as store:
        if store.damage:
            assert store.hint
            return
        assert len(store.keys()) == 2
        assert 2 <= store.version("r1") <= 22
        assert how != "as it is" or store.version("r1") == 22
        assert audit(store).sound


def test_a_log_without_its_store_is_not_begun_anew(tmp_path: Path) -> None:
    path, *_ = running(tmp_path / "a", 2)
    path.unlink()
    with pytest.raises(DamagedError, match="exists without its store"):
        Store.open(path)


def test_another_store_in_its_place_is_not_written_to(tmp_path: Path) -> None:
    filled(tmp_path / NAME, 1, 0).close()
    filled(tmp_path / "other.sqlite", 2, 0).close()
    (tmp_path / "other.sqlite").replace(tmp_path / NAME)
    with Store.open(tmp_path / NAME) as store:
        assert "another store was here before" in store.damage
        assert len(store.keys()) == 2
