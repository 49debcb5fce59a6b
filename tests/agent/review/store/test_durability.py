"""What happens to the store when a process is killed, the disk is full, a file is damaged, or a schema is changed.

D10 and D11 are in test_damage, D15 and D16 in test_upgrade; the other tests of the store are here.

| row | what | at the store | above the store |
|---|---|---|---|
| D2 | killed at any moment | test_killed_at_any_moment_… | verbs/test_review: test_every_acknowledged_act_… |
| D3 | killed while a copy is written | test_killed_while_a_backup_is_written_… | _app: test_killed_while_it_leaves_a_backup_… (exports are answers, not files) |
| D4 | disk full | test_a_full_disk_refuses_…, test_a_full_disk_of_its_own | _app: test_a_full_disk_answers_507_… |
| D5 | read-only, no permission, few files | test_a_read_only_folder_…, test_a_file_without_permission_…, test_too_few_files_… | _app: test_a_place_that_takes_no_store_…, test_too_few_files_… |
| D6 | two save the same threat | test_store: test_the_same_item_is_a_conflict_… | test_forms: test_two_reviewers_at_one_item_… |
| D7 | two save different threats | test_service: test_two_threads_… | test_forms: test_two_reviewers_at_different_items_… |
| D8 | two processes, a dead one's lock | test_a_second_process_is_refused_… | verbs/test_review: test_one_process_at_a_time_… |
| D10 | a flipped byte, restoring | test_a_flipped_byte_…, test_the_backup_that_the_hint_offers_… | verbs/test_review: test_a_damaged_store_… |
| D11 | the log gone, cut, foreign | test_a_log_that_is_gone_…, test_a_log_without_…, test_another_store_… | – |
| D15 | upgrade killed half way | test_killed_half_way_…, test_an_upgrade_keeps_…, test_an_old_schema_… | test_upgrade: test_after_an_upgrade_that_was_killed_…, _app: test_killed_while_a_store_is_made_… |
| D16 | downgrade | test_an_upgrade_keeps_… | _app: test_a_newer_store_is_refused_… |
| D17 | the clock set back | test_events_are_in_order_… | – |
| D18 | tampering | test_chain: test_each_form_of_tampering_… | test_chain: test_the_verb_names_the_first_bad_row |
| D20 | asked to stop | test_asked_to_stop_it_closes_… | verbs/test_review: test_a_signal_ends_it_…, test_ctrl_c_twice_… |
| D21 | backup during writes, restored | test_a_backup_during_writes_…, test_a_backup_of_a_quiet_store_… | _app: test_a_restored_store_exports_… |

`_app` is web/test_durability_app. A test checks that every name in this table is that of an existing test.
"""  # noqa: E501

import os
import random
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.errors import BusyError, FullError
from agent.review.store.audit import audit
from agent.review.store.queue import QueueQuery
from agent.review.store.rows import Blob
from agent.review.store.store import Store
from tests.fakes.review.store_process import MOST_SECONDS, child, content, line_of, said
from tests.fakes.review.stored_reviews import ANNA, AT, Plan, arriving, columns, filled
from tests.places import ROOT

pytestmark = pytest.mark.slow

NAME = "review.sqlite"


def assert_acknowledged(store: Store, lines: list[str]) -> int:
    """Check that every acknowledged event is stored, every batch is complete, and the queue matches the last event."""
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


@pytest.mark.parametrize("rounds", [8, 300])
def test_killed_at_any_moment_what_was_acknowledged_is_there(rounds: int, tmp_path: Path) -> None:
    path = tmp_path / NAME
    filled(path, 1, 0).close()
    chance, acknowledged = random.Random(rounds), 0
    with child("nursery", path) as process:
        for _ in range(rounds):
            lines = _write_and_kill(process, chance.uniform(0.0, 0.25))
            with Store.open(path) as store:  # the dead process's lock is released immediately
                acknowledged += assert_acknowledged(store, lines)
    with Store.open(path) as store:
        assert audit(store).sound
        assert store.version("r1") >= 2 * acknowledged
    assert acknowledged > rounds  # the kills happened during saving, not before it


def _write_and_kill(process: subprocess.Popen[bytes], seconds: float) -> list[str]:
    """Return the lines of one writing process, killed after this time."""
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


@pytest.mark.parametrize("rounds", [1, 30])
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
    assert lines[-1].startswith("ack ")  # it continues once space was freed
    assert path.with_name(f"{NAME}.backup").read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == [NAME, f"{NAME}.backup", f"{NAME}.lock"]
    with Store.open(path) as store:
        assert assert_acknowledged(store, lines) > 5
        assert audit(store).sound


def _append_without_end(store: Store) -> None:
    for number in range(10_000):
        store.append("r1", [Plan(f"threat/{number}", note="x" * 2_000)], ANNA, AT, number + 1, columns)


def test_a_full_disk_of_its_own(tmp_path: Path) -> None:
    """The same when the system reports ENOSPC, if a small disk can be created here."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True)
    if not made or made.returncode:
        pytest.skip("no disk of its own can be mounted here")
    try:
        with filled(disk / NAME, 1, 0) as store:
            big = Blob("reviewed", random.Random(1).randbytes(2_000_000))
            with pytest.raises(FullError, match="no space left"):
                store.append("r1", [Plan()], ANNA, AT, 1, columns, blobs=[big])
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
    """A folder that any user may read; pytest's own folders are private to its user."""
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
    assert sorted(file.name for file in tmp_path.iterdir()) == [NAME, f"{NAME}.lock"]  # no log is left
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
            assert len(events) % 2 == 0  # no batch is incomplete
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
    files = sorted((ROOT / "tests" / "agent").rglob("test_*.py"))
    sources = "\n".join(path.read_text("utf-8") for path in files)
    for row in rows_told:
        named = re.findall(r"\b(test_[a-z0-9_]+)…?", " ".join(row).replace("verbs/test_review:", ""))
        assert named
        for name in named:
            assert re.search(rf"^def {name}", sources, re.M) or f"{name}.py" in {path.name for path in files}, name
