"""What becomes of the store when a process is killed, the disk is full, a file is damaged, or a schema is changed.

| row | what | here | above the store |
|---|---|---|---|
| D2 | killed at any moment | test_killed_at_any_moment_… | test_verb_review: test_every_acknowledged_act_… |
| D3 | killed while a copy is written | test_killed_while_a_backup_is_written_… | – (exports are answers, not files) |
| D4 | disk full | test_a_full_disk_refuses_…, test_a_full_disk_of_its_own | _app: test_a_full_disk_answers_507_… |
| D5 | read-only, no permission, few files | test_a_read_only_folder_…, test_a_file_without_permission_…, test_too_few_files_… | _app: test_a_place_that_takes_no_store_…, test_too_few_files_… |
| D6 | two save the same threat | test_review_store: test_the_same_item_is_a_conflict_… | _app: test_of_two_who_save_the_same_threat_… |
| D7 | two save different threats | test_review_service: test_two_threads_… | _app: test_of_two_who_save_different_threats_… |
| D8 | two processes, a dead one's lock | test_a_second_process_is_refused_… | test_verb_review: test_one_process_at_a_time_… |
| D10 | a flipped byte, restoring | test_a_flipped_byte_…, test_the_backup_that_the_hint_offers_… | test_verb_review: test_a_damaged_store_… |
| D11 | the log gone, cut, foreign | test_a_log_that_is_gone_…, test_a_log_without_…, test_another_store_… | – |
| D15 | upgrade killed half way | test_killed_half_way_…, test_an_upgrade_keeps_…, test_an_old_schema_… | – |
| D16 | downgrade | test_an_upgrade_keeps_… | _app: test_a_newer_store_is_refused_… |
| D17 | the clock set back | test_events_are_in_order_… | – |
| D18 | tampering | test_review_chain: test_each_form_of_tampering_… | test_review_chain: test_the_verb_names_the_first_bad_row |
| D20 | asked to stop | test_asked_to_stop_it_closes_… | test_verb_review: test_a_signal_ends_it_…, test_ctrl_c_twice_… |
| D21 | backup during writes, restored | test_a_backup_during_writes_…, test_a_backup_of_a_quiet_store_… | _app: test_a_restored_store_exports_… |

`_app` is test_review_durability_app. A test holds every name of this table to a test that is there.
"""  # noqa: E501

import os
import random
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from agent.errors import BusyError, DamagedError, FullError, SchemaError, SeptetError, StoreError
from agent.review.audit import audit
from agent.review.store import Store
from agent.review.store_open import open_to_write
from agent.review.stored import Blob, QueueQuery
from tests.fakes.stored_reviews import ANNA, AT, Plan, arriving, columns, filled

ROOT = Path(__file__).parents[1]
NAME = "review.sqlite"
MOST_SECONDS = 60.0


@contextmanager
def child(mode: str, path: Path, *more: object) -> Iterator[subprocess.Popen[bytes]]:
    """A process of `tests.fakes.store_child`, ended with the block."""
    command = [sys.executable, "-m", "tests.fakes.store_child", mode, str(path), *map(str, more)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().rstrip("\n")


def said(mode: str, path: Path, *more: object) -> list[str]:
    """All that a process says until it ends by itself."""
    with child(mode, path, *more) as process:
        out, _ = process.communicate(timeout=MOST_SECONDS)
    return out.decode().splitlines()


def assert_acknowledged(store: Store, lines: list[str]) -> int:
    """Every acknowledged event is there, every batch is whole, and the queue is as of the last event."""
    assert store.damage == ""
    events = {event.number: event for event in store.events("r1")}
    acks = [line.split() for line in lines if line.startswith("ack ")]
    for _, review, number, hashed in acks:
        assert review == "r1"
        assert events[int(number)].hash == hashed
    assert store.version("r1") == len(events)
    pairs = [event.batch for event in events.values() if event.item.startswith(("threat/a-", "threat/b-"))]
    assert all(pairs.count(batch) == 2 for batch in set(pairs))
    return len(acks)


# -- D2


@pytest.mark.parametrize("rounds", [8, pytest.param(300, marks=pytest.mark.slow)])
def test_killed_at_any_moment_what_was_acknowledged_is_there(rounds: int, tmp_path: Path) -> None:
    path = tmp_path / NAME
    filled(path, 1, 0).close()
    chance, acknowledged = random.Random(rounds), 0
    with child("nursery", path) as process:
        for _ in range(rounds):
            lines = _write_and_kill(process, chance.uniform(0.0, 0.25))
            with Store.open(path) as store:  # the dead process's lock is free at once
                acknowledged += assert_acknowledged(store, lines)
    with Store.open(path) as store:
        assert audit(store).sound
        assert store.version("r1") >= 2 * acknowledged
    assert acknowledged > rounds  # the moments were round saving, not before it


def _write_and_kill(process: subprocess.Popen[bytes], seconds: float) -> list[str]:
    """The lines of one writing process, killed after so long."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"go\n")
    pid = int(line_of(process).removeprefix("pid "))
    lines: list[str] = []
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if select.select([process.stdout], [], [], left)[0]:
            lines.append(line_of(process))
    os.kill(pid, signal.SIGKILL)
    while (line := line_of(process)) != "gone":
        lines.append(line)
    return lines


# -- D3


@pytest.mark.parametrize("rounds", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_killed_while_a_backup_is_written_the_last_one_is_whole(rounds: int, tmp_path: Path) -> None:
    path, chance = tmp_path / NAME, random.Random(rounds)
    filled(path, 1, 2).close()
    for _ in range(rounds):
        with child("backups", path) as process:
            lines = [line_of(process)]
            until = chance.randint(1, 6)
            while lines.count("kept") < until:
                lines.append(line_of(process))
        with Store.open(path) as store:
            assert_acknowledged(store, lines)
        backup = path.with_name(f"{NAME}.backup")
        with Store.open(backup, read_only=True) as kept:
            assert audit(kept).sound


# -- D4


def test_a_full_disk_refuses_the_save_and_keeps_what_was_saved(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with filled(path, 1, 1) as store:
        store.keep_backup()
    before = path.with_name(f"{NAME}.backup").read_bytes()
    lines = said("fill", path)
    assert "full FullError there is no space left to write to the store" in lines
    assert "backup FullError" in lines
    assert lines[-1].startswith("ack ")  # it goes on after space was freed
    assert path.with_name(f"{NAME}.backup").read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == [NAME, f"{NAME}.backup", f"{NAME}.lock"]
    with Store.open(path) as store:
        assert assert_acknowledged(store, lines) > 5
        assert audit(store).sound


def _append_without_end(store: Store) -> None:
    for number in range(10_000):
        store.append("r1", [Plan(f"threat/{number}", note="x" * 2_000)], ANNA, AT, number + 1, columns)


def test_a_full_disk_of_its_own(tmp_path: Path) -> None:
    """The same where the system says ENOSPC, if a small disk can be made here."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True)
    if not made or made.returncode:
        pytest.skip("no disk of its own can be mounted here")
    try:
        with filled(disk / NAME, 1, 0) as store:
            with pytest.raises(FullError, match="no space left"):
                store.put(Blob("text", random.Random(1).randbytes(2_000_000)))
            with pytest.raises(FullError):
                _append_without_end(store)
            version = store.version("r1")
            assert version > 5
            with pytest.raises(FullError):
                store.keep_backup()
            with pytest.raises(FullError):
                Store.open(disk / "other.sqlite")
            assert sorted(file.name for file in disk.glob("*other*")) in ([], ["other.sqlite.lock"])
            assert audit(store).sound
            subprocess.run([mount, "-o", "remount,size=8m", disk], check=True)
            store.append("r1", [Plan()], ANNA, AT, version, columns)
            assert audit(store).sound
    finally:
        subprocess.run(["umount", disk], check=True)


# -- D5


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user may look into; those of pytest are its user's alone."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_folder_is_refused_in_a_line_and_can_still_be_read(open_folder: Path) -> None:
    path = open_folder / NAME
    filled(path, 2, 1).close()
    path.chmod(0o444)
    open_folder.chmod(0o555)
    write, read = said("nobody", path)
    assert write.startswith("refused StoreError the store cannot be opened or written (Permission denied)")
    assert "--store" in write
    assert read == "open 2"
    write, read = said("nobody", open_folder / "none" / NAME)
    assert write.startswith("refused StoreError")
    assert read.startswith("refused StoreError there is no store")


def test_a_file_without_permission_is_refused_in_a_line(open_folder: Path) -> None:
    path = open_folder / NAME
    filled(path, 2, 1).close()
    open_folder.chmod(0o777)
    path.with_name(f"{NAME}.lock").unlink()
    path.chmod(0o400 if os.getuid() == 0 else 0o000)
    write, read = said("nobody", path)
    assert write.startswith("refused StoreError the store is read-only")
    assert read.startswith("refused StoreError the store cannot be opened or written")


def test_too_few_files_are_refused_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / NAME
    filled(path, 2, 1).close()
    lines = said("few", path)
    assert len(lines) == 6
    assert all(line.startswith(("refused StoreError", "open 2")) for line in lines)
    assert "too many files are open" in lines[1]
    with Store.open(path) as store:
        assert audit(store).sound


# -- D8


def test_a_second_process_is_refused_and_a_dead_one_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / NAME
    filled(path, 1, 0).close()
    with child("hold", path) as process:
        assert line_of(process) == "open"
        with pytest.raises(BusyError, match="another process has the store open"):
            Store.open(path)
        with Store.open(path, read_only=True) as reader:
            assert reader.keys() == ("r1",)
        process.kill()
        process.wait()
        with Store.open(path) as store:
            store.append("r1", [Plan()], ANNA, AT, 1, columns)


# -- D10


def content(store: Store) -> tuple[object, ...]:
    """All that a reader of the store can see."""
    keys = store.keys()
    reviews = [store.review(key) for key in keys]
    blobs = [store.blob(name) for review in reviews for name in (review.draft_sha256, review.documents_sha256)]
    return reviews, blobs, [store.events(key) for key in keys], store.queue(QueueQuery()), store.head()


def _noticed(path: Path, whole: tuple[object, ...], where: str) -> bool:
    """Holds a damaged store to its promises; whether it opened for reading only."""
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
    """Lets errors pass that say what is wrong and what to do; no other."""
    try:
        yield
    except SeptetError as error:
        if not (error.what and error.hint):
            raise


@pytest.mark.parametrize("flips", [100, pytest.param(1_500, marks=pytest.mark.slow)])
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
        assert path.stat().st_size  # a damaged store is never made anew
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
    """The files of a store as a killed process leaves them: half of it is in its log."""
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
    with pytest.raises(DamagedError, match="is there without its store"):
        Store.open(path)


def test_another_store_in_its_place_is_not_written_to(tmp_path: Path) -> None:
    filled(tmp_path / NAME, 1, 0).close()
    filled(tmp_path / "other.sqlite", 2, 0).close()
    (tmp_path / "other.sqlite").replace(tmp_path / NAME)
    with Store.open(tmp_path / NAME) as store:
        assert "another store was here before" in store.damage
        assert len(store.keys()) == 2


# -- D15, D16

STEP = '''"""A further step, which makes both tables anew."""

import os
import signal

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    """Dies before one of its parts."""
    parts = (_events, _reviews, _rows, _table)
    for number, part in enumerate(parts):
        if number == {die}:
            os.kill(os.getpid(), signal.SIGKILL)
        part()
    if {die} == len(parts):
        os.kill(os.getpid(), signal.SIGKILL)


def _events():
    with op.batch_alter_table("events") as batch:
        batch.add_column(sa.Column("place", sa.String(10), nullable=False, server_default="here"))
        batch.alter_column("reason", type_=sa.String(80))


def _reviews():
    with op.batch_alter_table("reviews") as batch:
        batch.add_column(sa.Column("team", sa.Text(), nullable=False, server_default=""))


def _rows():
    op.execute("INSERT INTO meta VALUES ('half', 'way')")


def _table():
    op.create_table("teams", sa.Column("name", sa.Text(), primary_key=True))
'''
NEVER = -1


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    folder = tmp_path / "steps 100%"
    folder.mkdir()
    (folder / "v0002_teams.py").write_text(STEP.format(die=NEVER), "utf-8")
    return folder


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("die", range(5))
def test_killed_half_way_an_upgrade_leaves_the_old_schema(die: int, steps: Path, tmp_path: Path) -> None:
    path = tmp_path / NAME
    with filled(path, 2, 3) as store:
        whole = content(store)
    (steps / "v0002_teams.py").write_text(STEP.format(die=die), "utf-8")
    assert said("upgrade", path, steps) == []
    for file in (path, path.with_name(f"{NAME}.schema-0001.backup")):
        with Store.open(file) as store:
            assert store.damage == ""
            assert content(store) == whole
            assert audit(store).sound
    (steps / "v0002_teams.py").write_text(STEP.format(die=NEVER), "utf-8")
    assert said("upgrade", path, steps) == ["upgraded"]
    assert rows(path, "SELECT version_num FROM alembic_version") == [("0002",)]


def test_an_upgrade_keeps_events_guards_and_a_backup(steps: Path, tmp_path: Path) -> None:
    path = tmp_path / NAME
    with filled(path, 2, 3) as store:
        whole = content(store)
    before = rows(path, "SELECT seq, item, hash FROM events")
    open_to_write(path, to="0002", more=(steps,)).close()
    assert rows(path, "SELECT seq, item, hash FROM events") == before
    assert rows(path, "SELECT DISTINCT place FROM events") == [("here",)]
    assert rows(path, "PRAGMA foreign_key_check") == []
    for statement in ("DELETE FROM events", "UPDATE events SET note = ''"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            rows(path, statement)
    # D16: back to the program of before, which names what it needs; the backup is of the old schema.
    with pytest.raises(SchemaError, match="the store has schema 0002, this Septet knows up to 0001") as caught:
        Store.open(path)
    assert "it needs Septet " in caught.value.hint
    with pytest.raises(SchemaError):
        Store.open(path, read_only=True)
    with Store.open(path.with_name(f"{NAME}.schema-0001.backup")) as store:
        assert content(store) == whole


def test_an_old_schema_is_not_upgraded_without_a_backup(steps: Path, tmp_path: Path) -> None:
    path = tmp_path / NAME
    filled(path, 1, 0).close()
    path.with_name(f"{NAME}.schema-0001.backup").mkdir()
    with pytest.raises(StoreError, match="no backup could be written, so the schema stays 0001"):
        open_to_write(path, to="0002", more=(steps,))
    assert rows(path, "SELECT version_num FROM alembic_version") == [("0001",)]


# -- D17


def test_events_are_in_order_whatever_the_clock_says(tmp_path: Path) -> None:
    clock = ["2026-03-29T01:59:59Z", "2026-03-28T01:59:59Z", "2038-01-19T03:14:08Z", "1970-01-01T00:00:00Z"]
    with Store.open(tmp_path / NAME) as store:
        for number in (1, 2):
            store.add_review(arriving(number), ANNA, clock[number], columns)
        for number, at in enumerate(clock):
            store.append("r1", [Plan(f"threat/T{number}")], ANNA, at, number + 1, columns)
        store.append("r2", [Plan()], ANNA, "1999-12-31T23:59:59Z", 1, columns)
        assert [event.at for event in store.events("r1")[1:]] == clock
        assert [event.number for event in store.events("r1")] == [1, 2, 3, 4, 5]
        page = store.queue(QueueQuery(sort="changed"))
        assert [row.key for row in page.rows] == ["r2", "r1"]
        assert audit(store).sound


# -- D20


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT, signal.SIGINT]], ids=["term", "ctrl-c twice"])
def test_asked_to_stop_it_closes_within_five_seconds(signals: list[signal.Signals], tmp_path: Path) -> None:
    path = tmp_path / NAME
    filled(path, 1, 0).close()
    with child("term", path) as process:
        lines = [line_of(process) for _ in range(5)]
        began = time.monotonic()
        for number in signals:
            process.send_signal(number)
        out, _ = process.communicate(timeout=MOST_SECONDS)
        took = time.monotonic() - began
    lines += out.decode().splitlines()
    assert process.returncode == 0
    assert "closed" in lines
    assert took < 5
    assert sorted(file.name for file in tmp_path.iterdir()) == [NAME, f"{NAME}.lock"]  # nothing is left in a log
    with Store.open(path) as store:
        assert assert_acknowledged(store, lines) >= 5


# -- D21


def test_a_backup_during_writes_is_one_moment_of_the_store(tmp_path: Path) -> None:
    stop = threading.Event()
    with filled(tmp_path / NAME, 2, 1) as store:

        def write() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                store.append("r1", [Plan(f"threat/B{number}"), Plan(f"factor/B{number}")], ANNA, AT, 1, columns)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(5):
                store.back_up(tmp_path / f"copy-{number}.sqlite")
        finally:
            stop.set()
            writer.join()
        everything = store.events("r1")
    for number in range(5):
        elsewhere = tmp_path / f"elsewhere-{number}"
        elsewhere.mkdir()
        shutil.copyfile(tmp_path / f"copy-{number}.sqlite", elsewhere / NAME)
        with Store.open(elsewhere / NAME) as restored:
            assert audit(restored).sound
            events = restored.events("r1")
            assert events == everything[: len(events)]
            assert len(events) % 2 == 0  # no batch is torn
            restored.append("r2", [Plan()], ANNA, AT, 2, columns)


def test_a_backup_of_a_quiet_store_has_its_head_and_its_content(tmp_path: Path) -> None:
    with filled(tmp_path / NAME, 3, 3) as store:
        store.back_up(tmp_path / "copy.sqlite")
        whole = content(store)
    with Store.open(tmp_path / "copy.sqlite") as copy:
        assert content(copy) == whole
        assert copy.id == store.id


def test_each_row_of_the_table_names_tests_that_are_there() -> None:
    assert __doc__ is not None
    rows_told = [line.split(" | ") for line in __doc__.splitlines() if line.startswith("| D")]
    assert {row[0].removeprefix("| ") for row in rows_told} >= {
        "D2", "D3", "D4", "D5", "D6", "D8", "D10", "D15", "D16", "D18", "D20", "D21",
    }  # fmt: skip
    sources = "\n".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    for row in rows_told:
        named = re.findall(r"\b(test_[a-z0-9_]+)…?", " ".join(row).replace("test_verb_review:", ""))
        assert named
        for name in named:
            assert re.search(rf"^def {name}", sources, re.M) or f"{name}.py" in {
                path.name for path in Path(__file__).parent.glob("test_*.py")
            }, name
