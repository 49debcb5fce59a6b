"""The queue of the store: sorting, paging without gaps, filters, the contents of a row, ten thousand reviews."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from agent.errors import IntegrityError, StoreError
from agent.review.domain.records import Planned, QueueRow, ScoreShown
from agent.review.store import rows, sqlite, tables
from agent.review.store.audit import audit
from agent.review.store.queue import QueueColumns, QueueQuery, QueueSort
from agent.review.store.rows import row_of
from agent.review.store.store import Store
from tests.fakes.review.stored_reviews import ANNA, AT, arriving, filled

SORTS: tuple[QueueSort, ...] = ("score", "open", "uncertain", "changed", "product")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "review.sqlite"


def _shown(number: int) -> QueueColumns:
    """Reviews that differ in everything that the queue sorts and filters by."""
    withheld = "too little is known" if number % 5 == 0 else None
    score = ScoreShown(
        aivss=None if withheld else Decimal(number % 4) + Decimal("5.5"),
        severity=None if withheld else "High" if number % 2 else "Medium",
        low=Decimal("4.0"),
        high=Decimal("9.125"),
        withheld=withheld,
    )
    return QueueColumns(
        score=score,
        open=number * 7 % 10,
        items=10,
        uncertain=number % 3,
        contested=int(number % 4 == 0),
        stage="signed" if number % 6 == 0 else "open",
        assigned=("", "Anna", "Bo")[number % 3],
        changed="nothing",
        search="50%_off" if number == 7 else "",
    )


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(tmp_path_factory.mktemp("many") / "review.sqlite") as store:
        for number in range(1, 31):
            product = f"{'äÄzZ'[number % 4]} tool {number:02}"
            store.add_review(arriving(number, product), ANNA, AT, lambda _, n=number: _shown(n))
        yield store


def _value(row: QueueRow, sort: QueueSort) -> tuple[object, ...]:
    number = int(row.key[1:])
    score = (row.score.aivss is not None, row.score.aivss or 0)
    keys = {"score": score, "open": (row.open,), "uncertain": (row.uncertain,), "changed": (number,)}
    return (*(keys[sort] if sort in keys else (row.product.casefold(),)), number)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("words", ["", "tool"])
def test_the_queue_sorts_and_pages_without_gaps(many: Store, sort: QueueSort, reverse: bool, words: str) -> None:
    pages = [
        many.queue(QueueQuery(sort=sort, reverse=reverse, text=words, limit=7, offset=offset))
        for offset in range(0, 42, 7)
    ]
    listed = [row for page in pages for row in page.rows]
    assert {page.total for page in pages} == {30}
    assert len(listed) == 30
    down = (sort != "product") != reverse
    assert listed == sorted(listed, key=lambda row: _value(row, sort), reverse=down)


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        (QueueQuery(stage="signed"), lambda n: n % 6 == 0),
        (QueueQuery(assigned="Anna"), lambda n: n % 3 == 1),
        (QueueQuery(assigned=""), lambda n: n % 3 == 0),
        (QueueQuery(severity="High"), lambda n: n % 2 == 1 and n % 5),
        (QueueQuery(severity="withheld"), lambda n: n % 5 == 0),
        (QueueQuery(contested=True), lambda n: n % 4 == 0),
        (QueueQuery(contested=False, stage="open", assigned="Bo"), lambda n: n % 4 and n % 6 and n % 3 == 2),
        (QueueQuery(text="TOOL r2"), lambda n: n == 2 or 20 <= n < 30),
        (QueueQuery(text="ä"), lambda n: n % 4 in (0, 1)),
        (QueueQuery(text="50%_off"), lambda n: n == 7),
        (QueueQuery(text="%"), lambda n: n == 7),
        (QueueQuery(text="söhne größe r30"), lambda n: n == 30),
        (QueueQuery(text="nowhere"), lambda n: False),
        (QueueQuery(text="'; DROP TABLE events; --"), lambda n: False),
    ],
)  # fmt: skip
def test_the_queue_filters(many: Store, query: QueueQuery, holds: object) -> None:
    assert callable(holds)
    page = many.queue(query)
    found = {int(row.key[1:]) for row in page.rows}
    wanted = {n for n in range(1, 31) if holds(n)}
    assert found == wanted
    assert page.total == len(wanted)


def test_a_row_of_the_queue_shows_what_the_columns_said(many: Store) -> None:
    (row,) = many.queue(QueueQuery(text="r11")).rows
    assert row.score == _shown(11).score
    assert str(row.score.aivss) == "8.5"
    assert (row.open, row.items, row.uncertain, row.assigned, row.changed_at) == (7, 10, 2, "Bo", AT)
    assert many.assignees() == ("Anna", "Bo")


@pytest.mark.slow
def test_the_queue_of_ten_thousand_reviews_answers_every_query(path: Path) -> None:
    with filled(path, 1, 0) as store:
        _add_many(store, 10_000)
        queries = [QueueQuery(sort=sort, reverse=reverse) for sort in SORTS for reverse in (False, True)]
        queries += [QueueQuery(stage="open"), QueueQuery(stage="open", assigned="Anna", severity="High")]
        queries += [QueueQuery(text="tool 77"), QueueQuery(text="nowhere"), QueueQuery(text="tool", sort="open")]
        queries += [QueueQuery(offset=9_900), QueueQuery(contested=True, sort="changed")]
        for query in queries:
            assert store.queue(query).total > 0 or query.text == "nowhere"


def _add_many(store: Store, number: int) -> None:
    """Add this many reviews in one transaction; adding them separately would wait for the disk each time."""
    engine = sqlite.make_engine(store.path, read_only=False)
    first = store.review("r1")
    with sqlite.writing(engine, store.path) as connection:
        last = (1, store.events("r1")[0].hash)
        made, arrivals = [], []
        for n in range(2, number + 1):
            event = rows.sealed(last, f"r{n}", 1, 1, AT, ANNA, Planned(verb="import", item=""))
            last = (event.seq, event.hash)
            fixed: dict[str, object] = {
                **first.model_dump(exclude={"version"}), "number": n, "key": f"r{n}", "draft_id": f"draft-{n}",
                "product": f"Tool {n}", "sort_name": f"tool {n}",
            }  # fmt: skip
            made.append(rows.made_row(fixed, _shown(n), event))
            arrivals.append(row_of(event))
        connection.execute(insert(tables.reviews), made)
        connection.execute(insert(tables.events), arrivals)
    engine.dispose()


def test_a_changed_row_is_noticed(path: Path) -> None:
    with filled(path, 2, 0) as store:
        other = sqlite.make_engine(path, read_only=False)
        with sqlite.writing(other, path) as connection:
            connection.execute(text("UPDATE reviews SET product = 'Another' WHERE key = 'r2'"))
            connection.execute(text("UPDATE reviews SET severity = 'Grave' WHERE key = 'r1'"))
        other.dispose()
        with pytest.raises(StoreError, match="row of review r2 was changed"):
            store.review("r2")
        with pytest.raises(IntegrityError, match="row of the queue"):
            store.queue(QueueQuery())
        assert {fault.where for fault in audit(store).faults} == {"review r1", "review r2"}
