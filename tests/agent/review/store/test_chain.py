"""The hash chain: what is hashed, what it reveals, and eight forms of tampering with a store."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from agent.cli.audit_log import command
from agent.errors import ChainError, DamagedError, InputError, SourceError
from agent.review.domain.records import Event
from agent.review.store.audit import audit
from agent.review.store.chain import (
    Head,
    Unreadable,
    canonical,
    digest,
    find_head,
    genesis,
    head_line,
    verify,
)
from agent.review.store.store import Store
from tests.fakes.review.stored_reviews import ANNA, AT, Plan, columns, filled

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
ID = "0f" * 16


def chained(number: int, store_id: str = ID) -> list[Event]:
    """A chain of two reviews whose events alternate."""
    made: list[Event] = []
    for seq in range(1, number + 1):
        fields: dict[str, object] = {
            "seq": seq, "review": f"r{1 + seq % 2}", "number": (seq + 1) // 2, "batch": (seq + 1) // 2, "at": AT,
            "reviewer": "Anna", "role": "analyst", "verb": "confirm", "item": f"threat/T{seq}", "before": None,
            "after": {"state": "confirmed"}, "reason": "", "note": "é — “x”",
            "previous": made[-1].hash if made else genesis(store_id), "hash": "",
        }  # fmt: skip
        fields["hash"] = digest(fields, str(fields["previous"]))
        made.append(Event.model_validate(fields))
    return made


def test_canonical_json_is_one_form() -> None:
    assert canonical({"b": 1, "a": ["é", 0.1, None, True]}) == '{"a":["é",0.1,null,true],"b":1}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {1, 2}, {"a": object()}])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="cannot be stored"):
        canonical(value)


@given(JSON)
def test_canonical_json_survives_reading(value: object) -> None:
    try:
        once = canonical(value)
    except InputError:
        return  # text that is not valid Unicode
    assert canonical(json.loads(once)) == once


def test_a_chain_verifies_and_an_empty_one_too() -> None:
    events = chained(9)
    assert verify(events, ID) is None
    assert verify([], ID) is None
    last = events[-1]
    assert verify(events, ID, Head(last.review, last.number, last.hash)) is None
    broken = verify([], ID, Head(last.review, last.number, last.hash))
    assert broken is not None
    assert broken.seq == 1


@pytest.mark.parametrize("field", [name for name in Event.model_fields if name != "hash"])
def test_each_field_is_hashed(field: str) -> None:
    events = chained(5)
    value = getattr(events[2], field)
    other = value + 1 if isinstance(value, int) else {"x": 1} if field in ("before", "after") else "x"
    events[2] = events[2].model_copy(update={field: other})
    broken = verify(events, ID)
    assert broken is not None
    assert broken.what
    assert broken.seq == (events[2].seq if field == "seq" else 3)


@pytest.mark.parametrize(
    ("update", "says"), [({"number": 7}, "number 7 of its review but 2 was expected"), ({"batch": 3}, "neither begins")]
)
def test_numbers_of_a_review_and_batches_are_held_to_their_order(update: dict[str, int], says: str) -> None:
    events = chained(4)
    changed = events[3].model_copy(update=update)
    changed = changed.model_copy(update={"hash": digest(dict(changed), changed.previous)})
    broken = verify([*events[:3], changed], ID)
    assert broken is not None
    assert broken.seq == 4
    assert says in broken.what


def test_a_row_that_is_no_event_breaks_the_chain_where_it_stands() -> None:
    events = chained(3)
    broken = verify([*events[:2], Unreadable(3, "`verb` is not a valid value of an event")], ID)
    assert broken is not None
    assert (broken.seq, broken.what) == (3, "`verb` is not a valid value of an event")


# -- heads in exports

HEAD = Head("r3", 41, "ab" * 32)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"schema": "septet/draft/1", "stamp": {"head": HEAD.hash, "number": 41, "review": "r3"}}),
        f"# Draft\n\n> a quote: {head_line(Head('r9', 9, 'cd' * 32))}\n\nChain: `{head_line(HEAD)}`\n",
        f"<p>Chain: <code>r3#41 <span>sha256:</span>{HEAD.hash}</code></p>",
    ],
    ids=["json", "markdown", "html"],
)
def test_a_head_is_found_in_an_export(text: str) -> None:
    assert find_head(text) == HEAD


@pytest.mark.parametrize("text", ["", "{", "[]", '{"head": "x", "number": 1}', "sha256:" + "ab" * 32, "{" * 5_000])
def test_a_text_without_a_head_has_none(text: str) -> None:
    assert find_head(text) is None


# -- tampering with a file

Tamper = Callable[[sqlite3.Connection, Path], None]


def _sql(*statements: str) -> Tamper:
    def tamper(connection: sqlite3.Connection, _: Path) -> None:
        for statement in statements:
            connection.execute(statement)

    return tamper


def _insert(connection: sqlite3.Connection, _: Path) -> None:
    """Insert an event between two others, with a hash that fits the preceding ones."""
    connection.row_factory = sqlite3.Row
    row = dict(connection.execute("SELECT * FROM events WHERE seq = 7").fetchone())
    connection.execute("UPDATE events SET seq = -seq WHERE seq > 7")
    connection.execute("UPDATE events SET seq = 1 - seq WHERE seq < 0")
    row |= {"seq": 8, "item": "threat/forged", "previous": row["hash"], "number": 99, "batch": 99}
    decoded = {**row, **{name: row[name] and json.loads(row[name]) for name in ("before", "after")}}
    row["hash"] = digest(decoded, str(row["previous"]))
    names = ", ".join(row)
    connection.execute(f"INSERT INTO events ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))


def _swap(connection: sqlite3.Connection, folder: Path) -> None:
    """Replace the events by those of another store."""
    filled(folder / "other.sqlite").close()
    connection.execute("ATTACH ? AS other", (str(folder / "other.sqlite"),))
    connection.execute("DELETE FROM events")
    connection.execute("INSERT INTO events SELECT * FROM other.events")


_REPLAY = (
    "INSERT INTO events SELECT 16, review, 6, 6, at, reviewer, role, verb, item, before, after, reason, note, previous,"
    " hash FROM events WHERE seq = 15"
)
FORMS: dict[str, tuple[Tamper, int, str]] = {
    "edit": (_sql("UPDATE events SET note = 'another' WHERE seq = 8"), 8, "does not match its fields"),
    "delete": (_sql("DELETE FROM events WHERE seq = 8"), 9, "is where row 8 was expected"),
    "insert": (_insert, 8, "number 99"),
    "reorder": (
        _sql("UPDATE events SET seq = 100 WHERE seq = 8", "UPDATE events SET seq = 8 WHERE seq = 9",
             "UPDATE events SET seq = 9 WHERE seq = 100"),
        8, "does not follow from row 7",
    ),
    "truncate": (_sql("DELETE FROM events WHERE seq > 12"), 13, "the event that the export refers to is not in it"),
    "genesis": (_sql("UPDATE meta SET value = '00' WHERE name = 'store'"), 1, "does not follow from the store's id"),
    "swap": (_swap, 1, "does not follow from the store's id"),
    "replay": (_sql(_REPLAY), 16, "does not follow from row 15"),
}  # fmt: skip


def tampered(folder: Path, form: str) -> tuple[Path, Head]:
    """A store that was changed outside the program, and the head in an export made before that."""
    path = folder / "review.sqlite"
    with filled(path) as store:
        head = store.head()
    assert head is not None
    with closing(sqlite3.connect(path)) as connection:
        guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        FORMS[form][0](connection, folder)
        for _, sql in guards:
            connection.execute(sql)
        connection.commit()
    return path, head


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_tampering_is_found_at_its_row(form: str, tmp_path: Path) -> None:
    path, head = tampered(tmp_path, form)
    _, seq, says = FORMS[form]
    with Store.open(path, read_only=True) as store:
        found = audit(store, head)
    assert found.broken is not None
    assert found.broken.seq == seq
    assert says in found.broken.what
    # The chain alone cannot reveal that its end was cut off; the queue's columns do, if they were left unchanged.
    with Store.open(path, read_only=True) as store:
        alone = audit(store)
    assert (alone.broken is None) == (form == "truncate")
    assert not alone.sound


@pytest.mark.parametrize("form", sorted(FORMS.keys() - {"truncate"}))
def test_a_store_that_was_tampered_with_takes_no_further_events(form: str, tmp_path: Path) -> None:
    path, _ = tampered(tmp_path, form)
    with Store.open(path) as store:
        assert store.damage
        with pytest.raises(DamagedError, match="read-only"):
            store.append("r1", [Plan()], ANNA, AT, 5, columns)


def test_a_cell_that_only_reads_the_same_is_found(tmp_path: Path) -> None:
    path = tmp_path / "review.sqlite"
    filled(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER events_no_update")
        connection.execute("UPDATE events SET after = after || ' ' WHERE seq = 1")
        connection.commit()
    with Store.open(path, read_only=True) as store:
        found = audit(store)
    assert found.broken is not None
    assert "altered after it was written" in found.broken.what
    assert found.faults[0].where == "trigger events_no_update"


# -- the verb


def run(*arguments: object) -> str:
    """Return the verb's output."""
    from click.testing import CliRunner

    done = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_the_verb_says_what_is_sound_and_refuses_a_head_that_nobody_signed(tmp_path: Path) -> None:
    path = tmp_path / "review.sqlite"
    with filled(path) as store:
        head = store.head()
        assert head is not None
        said = run("verify", "--store", path)  # beside the process that writes
        export = tmp_path / "signed.md"
        export.write_text(f"Chain: {head_line(head)}\n", "utf-8")
        with pytest.raises(ChainError, match="not a signature"):
            run("verify", "--store", path, "--against", export)
    assert said.splitlines() == [f"intact: 15 events of 3 reviews; head {head_line(head)}"]


def test_the_verb_names_the_first_bad_row(tmp_path: Path) -> None:
    path, head = tampered(tmp_path, "edit")
    with pytest.raises(
        ChainError, match=r"its hash does not match its fields, .*: row 8 \(review r2, event 3\)"
    ) as caught:
        run("verify", "--store", path)
    assert caught.value.exit_code == 5
    cut, head = tampered(tmp_path / "cut", "truncate")
    export = tmp_path / "signed.json"
    export.write_text(json.dumps({"stamp": {"head": head.hash, "number": head.number, "review": head.review}}), "utf-8")
    with pytest.raises(ChainError, match=r"row 13 \(review r3, event 5\)"):
        run("verify", "--store", cut, "--against", export)


def test_the_verb_refuses_what_is_no_signed_export(tmp_path: Path) -> None:
    path = tmp_path / "review.sqlite"
    filled(path, 1, 0).close()
    draft = tmp_path / "draft.json"
    draft.write_text("{}", "utf-8")
    with pytest.raises(InputError, match="no chain head"):
        run("verify", "--store", path, "--against", draft)
    with pytest.raises(SourceError, match="cannot be read"):
        run("verify", "--store", path, "--against", tmp_path / "none.md")
