"""The store of reviews: events are returned as they were stored, conflicts by item, the queue, blobs, focus times,
several threads.
"""

import hashlib
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from agent.errors import BusyError, InputError, SchemaError, StaleError, StoreError
from agent.review.domain.records import Event
from agent.review.store import sqlite
from agent.review.store.audit import audit
from agent.review.store.chain import Head
from agent.review.store.queue import QueueColumns, QueueQuery
from agent.review.store.rows import Blob, clashing
from agent.review.store.store import Store
from agent.review.store.tables import SCHEMA, metadata
from agent.settings import store_file
from tests.fakes.review.stored_reviews import ANNA, AT, BO, ITEMS, Plan, arriving, columns, filled


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "review.sqlite"


def test_a_draft_that_comes_in_is_the_first_event_of_its_review(path: Path) -> None:
    with Store.open(path) as store:
        key = store.add_review(arriving(), BO, AT, columns)
        (event,) = store.events(key)
        review = store.review(key)
        assert (key, event.verb, event.number, event.batch, event.seq) == ("r1", "import", 1, 1, 1)
        assert (event.reviewer, event.role, event.at) == ("Bo", "approver", AT)
        assert event.after is not None
        assert event.after["draft_sha256"] == review.draft_sha256
        assert store.blob(review.draft_sha256) == b'{"id": "draft-1"}'
        assert store.blob(review.documents_sha256).decode() == '[{"text": "text of product 1"}]'
        assert (review.product, review.vendor, review.version) == ("Product 1", "Größe & Söhne", 1)
        assert store.head() == Head("r1", 1, event.hash)
        assert store.review_of("draft-1") == "r1"
        assert store.review_of("draft-2") is None


def test_the_same_draft_does_not_come_in_twice(path: Path) -> None:
    with filled(path, 2, 1) as store:
        assert store.add_review(arriving(2, "Another name"), ANNA, AT, columns) == "r2"
        assert store.add_review(arriving(3), ANNA, AT, columns) == "r3"
        assert store.keys() == ("r1", "r2", "r3")
        assert store.version("r2") == 2


def test_events_come_back_as_they_were_given_also_after_opening_again(path: Path) -> None:
    before: dict[str, object] = {"value": 0.3, "parts": ["a", {"b": None}], "count": 10**20}
    plans = [Plan("factor/autonomy_of_action", "correct", before, {"value": 0.7}, "wrong-value", "“sé”\n"), Plan()]
    with Store.open(path) as store:
        key = store.add_review(arriving(), ANNA, AT, columns)
        made = store.append(key, plans, BO, AT, 1, columns)
        assert [(event.number, event.batch) for event in made] == [(2, 2), (3, 2)]
        assert made[0].before == before
        assert (made[0].verb, made[0].reason, made[0].note) == ("correct", "wrong-value", "“sé”\n")
        assert made[1].previous == made[0].hash
    with Store.open(path) as store:
        assert store.events(key)[1:] == made
        assert store.events(key, after=1, to=2) == made[:1]
        assert store.version(key) == 3
        assert audit(store).sound


@pytest.mark.parametrize(
    ("plans", "version", "says"),
    [
        ([], 1, "nothing to store"),
        ([Plan()], 2, "there is no version 2"),
        ([Plan()], -1, "there is no version -1"),
        ([Plan(), Plan(before={"a": object()})], 1, "cannot be stored"),
        ([Plan(), Plan(after={"a": float("nan")})], 1, "cannot be stored"),
        ([Plan(), Plan(after={"a": Decimal("0.1")})], 1, "cannot be stored"),
        ([Plan(), Plan(note="\ud800")], 1, "cannot be stored"),
    ],
)
def test_what_cannot_be_stored_leaves_nothing(path: Path, plans: list[Plan], version: int, says: str) -> None:
    with filled(path, 1, 0) as store:
        with pytest.raises(InputError, match=says):
            store.append("r1", plans, ANNA, AT, version, columns)
        assert store.version("r1") == len(store.events("r1")) == 1
        assert audit(store).sound


def test_what_the_columns_refuse_leaves_nothing_and_the_store_goes_on(path: Path) -> None:
    def refuse(events: tuple[Event, ...]) -> QueueColumns:
        raise InputError(f"{len(events)} events are too many")

    with filled(path, 1, 0) as store:
        with pytest.raises(InputError, match="2 events are too many"):
            store.append("r1", [Plan()], ANNA, AT, 1, refuse, blobs=[Blob("draft", b"new")])
        with pytest.raises(InputError, match="1 events are too many"):
            store.add_review(arriving(2), ANNA, AT, refuse)
        assert store.keys() == ("r1",)
        assert len(store.append("r1", [Plan()], ANNA, AT, 1, columns)) == 1
        with pytest.raises(InputError, match="no such blob"):
            store.blob("11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437")


@pytest.mark.parametrize("key", ["", "r9", "r1' OR 1=1 --", "../r1"])
def test_an_unknown_review_is_named(path: Path, key: str) -> None:
    with filled(path, 1, 0) as store:
        for call in (
            lambda: store.review(key),
            lambda: store.events(key),
            lambda: store.version(key),
            lambda: store.append(key, [Plan()], ANNA, AT, 1, columns),
            lambda: store.add_focus(key, "posture", "Anna", 1.0),
        ):
            with pytest.raises(InputError, match="no such review"):
                call()


# -- two reviewers


def test_the_same_item_is_a_conflict_and_different_items_are_not(path: Path) -> None:
    with filled(path, 1, 0) as store:
        store.append("r1", [Plan("threat/A"), Plan("threat/B")], ANNA, AT, 1, columns)
        with pytest.raises(StaleError, match="Anna changed threat/B in the meantime") as caught:
            store.append("r1", [Plan("threat/C"), Plan("threat/B", "strike")], BO, AT, 1, columns)
        assert caught.value.numbers == (3,)
        assert [event.item for event in store.events("r1")[1:]] == ["threat/A", "threat/B"]
        store.append("r1", [Plan("threat/C", "strike")], BO, AT, 1, columns)
        store.append("r1", [Plan("threat/B", "strike")], BO, AT, 4, columns)
        assert store.version("r1") == 5


@pytest.mark.parametrize(
    ("theirs", "mine", "clash"),
    [
        (Plan("threat/A"), Plan("threat/A", "attach"), True),
        (Plan("threat/A"), Plan("", "sign"), True),
        (Plan("threat/A"), Plan("", "undo"), True),
        (Plan("threat/A"), Plan("", "redraft"), True),
        (Plan("", "sign"), Plan("threat/B"), True),
        (Plan("", "reopen"), Plan("threat/B"), True),
        (Plan("", "redraft"), Plan("threat/B", "contest"), True),
        (Plan("", "sign"), Plan("threat/B", "contest"), False),
        (Plan("threat/A", "contest"), Plan("threat/A"), True),
        (Plan("threat/A"), Plan("threat/A", "contest"), False),
        (Plan("", "assign"), Plan("", "sign"), False),
        (Plan("", "assign"), Plan("", "assign"), True),
        (Plan("threat/A"), Plan("", "assign"), False),
        (Plan("", "undo", after={"batch": 2}), Plan("threat/seen"), True),
        (Plan("", "undo", after={"batch": 2}), Plan("threat/other"), False),
        (Plan("threat/seen", "undo"), Plan("threat/seen"), True),
        (Plan("", "undo"), Plan("threat/other"), True),
    ],
)
def test_what_stands_in_the_way_of_what(path: Path, theirs: Plan, mine: Plan, clash: bool) -> None:
    with filled(path, 1, 0) as store:
        store.append("r1", [Plan("threat/seen")], ANNA, AT, 1, columns)
        store.append("r1", [theirs], ANNA, AT, 2, columns)
        events = store.events("r1")
        assert clashing([mine], events, 3) == ()
        assert [event.number for event in clashing([mine], events, 2)] == ([3] if clash else [])


def test_threads_take_turns_and_lose_nothing(path: Path) -> None:
    saved: list[Event] = []
    with filled(path, 2, 0) as store:

        def write(name: str) -> None:
            for number in range(25):
                plans = [Plan(f"threat/{name}-{number}"), Plan(f"factor/{name}-{number}")]
                saved.extend(store.append("r1", plans, ANNA, AT, 1, columns))

        def read() -> None:
            for _ in range(25):
                version, events = store.version("r1"), store.events("r1")
                assert version <= len(events)
                (row,) = store.queue(QueueQuery(text="r1")).rows
                assert row.open <= ITEMS

        threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
        threads += [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(saved) == 4 * 25 * 2
        assert sorted(saved, key=lambda event: event.number) == list(store.events("r1")[1:])
        assert audit(store).sound


@pytest.mark.slow
def test_a_write_waits_for_another_process_and_then_says_that_it_is_busy(path: Path) -> None:
    with filled(path, 1, 0) as store:
        other = sqlite.make_engine(path, read_only=False)
        with sqlite.writing(other, path):
            began = time.monotonic()
            with pytest.raises(BusyError, match="busy"):
                store.append("r1", [Plan()], ANNA, AT, 1, columns)
            assert time.monotonic() - began >= sqlite.BUSY_SECONDS * 0.9
        other.dispose()
        store.append("r1", [Plan()], ANNA, AT, 1, columns)


def test_a_closed_store_says_so_and_closing_twice_is_nothing(path: Path) -> None:
    store = filled(path, 1, 0)
    store.close()
    store.close()
    for call in (store.keys, lambda: store.append("r1", [Plan()], ANNA, AT, 1, columns)):
        with pytest.raises(StoreError, match="closed"):
            call()


def test_a_store_for_reading_takes_no_writes(path: Path) -> None:
    with filled(path, 1, 2), Store.open(path, read_only=True) as reader:
        assert reader.version("r1") == 3
        with pytest.raises(StoreError, match="open read-only"):
            reader.append("r1", [Plan()], ANNA, AT, 3, columns)
    with pytest.raises(StoreError, match="no store"):
        Store.open(path.with_name("none.sqlite"), read_only=True)


# -- blobs and focus


def test_blobs_are_kept_once_and_as_they_are(path: Path) -> None:
    with filled(path, 1, 0) as store:
        data = bytes(range(256)) * 1_000
        for version, kept in enumerate((data, data, b""), 1):
            store.append("r1", [Plan()], ANNA, AT, version, columns, blobs=[Blob("documents", kept)])
            assert store.blob(hashlib.sha256(kept).hexdigest()) == kept
        assert audit(store).sound


def test_events_and_blobs_can_neither_be_changed_nor_deleted(path: Path) -> None:
    with filled(path, 1, 1) as store:
        other = sqlite.make_engine(path, read_only=False)
        for statement in (
            "UPDATE events SET note = 'x'",
            "DELETE FROM events",
            "UPDATE blobs SET kind = 'x'",
            "DELETE FROM blobs",
        ):
            with pytest.raises(Exception, match="append-only"), sqlite.writing(other, path) as connection:
                connection.execute(text(statement))
        other.dispose()
        assert audit(store).sound


def test_focus_times_are_summed_by_item_and_by_review(path: Path) -> None:
    with filled(path, 2, 0) as store:
        for item, reviewer, seconds in (("posture", "Anna", 2.5), ("posture", "Bo", 4.0), ("posture", "Anna", 1.0)):
            store.add_focus("r1", item, reviewer, seconds)
        store.add_focus("r1", "threat/T1", "Anna", 10.0)
        assert store.focus("r1") == {"posture": 7.5, "threat/T1": 10.0}
        assert store.focus("r2") == {}
        assert {row.key: row.seconds for row in store.queue(QueueQuery()).rows} == {"r1": 17.5, "r2": 0.0}
        for seconds in (-1.0, float("inf"), float("nan")):
            with pytest.raises(InputError, match="not a duration"):
                store.add_focus("r1", "posture", "Anna", seconds)


# -- schema


def test_the_newest_step_makes_the_tables_that_the_program_knows(path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    import agent.review.store.migrations as migrations

    with filled(path, 1, 0):
        engine = sqlite.make_engine(path, read_only=True)
        with sqlite.reading(engine, path) as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
            indexes = {i["name"]: i["column_names"] for i in inspect(connection).get_indexes("reviews")}
            ours = {i.name: [c.name for c in i.columns] for i in metadata.tables["reviews"].indexes}
            assert {name: names for name, names in indexes.items() if name in ours} == ours
            assert sqlite.schema_of(connection) == SCHEMA
        engine.dispose()
    config = Config()
    assert migrations.__file__ is not None
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    other, empty, words = tmp_path / "other.sqlite", tmp_path / "empty.sqlite", tmp_path / "words.sqlite"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE t(x)")
    empty.touch()
    words.write_text("not a database" * 100)
    for path, says in ((other, "not a review store"), (empty, "empty"), (words, "damaged")):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=says):
            Store.open(path)
        assert path.read_bytes() == before


def test_a_schema_that_is_no_step_is_refused(path: Path) -> None:
    filled(path, 1, 0).close()
    engine = sqlite.make_engine(path, read_only=False)
    with sqlite.writing(engine, path) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    engine.dispose()
    with pytest.raises(SchemaError, match="unknown"):
        Store.open(path)


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"XDG_DATA_HOME": "/data", "HOME": "/h"}, "/data/septet/review.sqlite"),
        ({"XDG_DATA_HOME": "data", "HOME": "/h"}, "/h/.local/share/septet/review.sqlite"),
        ({"HOME": "/h"}, "/h/.local/share/septet/review.sqlite"),
    ],
)
def test_the_store_has_its_place(environ: dict[str, str], place: str) -> None:
    assert store_file(environ) == Path(place)
    with pytest.raises(InputError, match="no default folder"):
        store_file({})


def test_a_new_store_is_its_owners_alone(path: Path) -> None:
    filled(path, 1, 0).close()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert sorted(file.name for file in path.parent.iterdir()) == ["review.sqlite", "review.sqlite.lock"]


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    with pytest.raises(StoreError, match="the store is a folder"):
        Store.open(tmp_path / "cases")
    assert [path.name for path in tmp_path.iterdir()] == ["cases"]
