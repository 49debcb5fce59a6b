"""The queue: finds and sorts the reviews that match a query, and defines the columns that make this fast."""

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Final, Literal, cast

from pydantic import Field, ValidationError
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, UnaryExpression, func, select

from agent.errors import IntegrityError
from agent.records import Record
from agent.review.domain.records import QueueRow, ScoreShown, Stage
from agent.review.store.chain import canonical
from agent.review.store.tables import focus, reviews
from agent.taxonomy.kinds import Band

MAX_PAGE = 200
"""The maximum number of rows on one page of the queue."""
QueueSort = Literal["score", "open", "uncertain", "changed", "product"]
_ESCAPE: Final = "\\"
_WITHHELD: Final = "withheld"
_MAX_SEARCH: Final = 500
_FEW: Final = 500
_ALL: Final = 1_000_000_000
_WALK: Final = 3
"""Walking the sort's own index is costly per row, so it is used only within the first third of the results."""
_SORTS: Final[dict[QueueSort, tuple[ColumnElement[object], bool]]] = {
    "score": (cast(ColumnElement[object], reviews.c.aivss), True),
    "open": (cast(ColumnElement[object], reviews.c.open), True),
    "uncertain": (cast(ColumnElement[object], reviews.c.uncertain), True),
    "changed": (cast(ColumnElement[object], reviews.c.changed_seq), True),
    "product": (cast(ColumnElement[object], reviews.c.sort_name), False),
}
"""The column of each sort, and whether the sort begins with the highest value."""
_SHOWN: Final = tuple(
    reviews.c[name]
    for name in (
        "key", "product", "vendor", "aivss", "severity", "low", "high", "withheld", "open", "items", "uncertain",
        "stage", "assigned", "contested", "changed_at", "changed",
    )
)  # fmt: skip


class QueueColumns(Record):
    """The columns that the queue shows for a review, as of its last event."""

    score: ScoreShown
    open: int
    items: int
    uncertain: int
    contested: int
    stage: Stage
    assigned: str
    changed: str
    search: str = ""
    """Extra search terms for the review, besides product, vendor and key."""


class QueueQuery(Record):
    """Filters, sort order and page of a queue query. None, or an empty `asked` or `text`, filters nothing."""

    stage: Stage | None = None
    assigned: str | None = None
    """A reviewer's name; an empty text finds unassigned reviews."""
    severity: Band | Literal["withheld"] | None = None
    contested: bool | None = None
    asked: Annotated[str, Field(max_length=80)] = ""
    """The name of a person whom a comment asks to look at an item."""
    text: Annotated[str, Field(max_length=200)] = ""
    """Every word must occur in the product, vendor, key or search terms of the review."""
    sort: QueueSort = "score"
    reverse: bool = False
    """Reverses the sort. By default it starts with the most urgent: highest, most or latest; products start at A."""
    offset: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50


class QueuePage(Record):
    """One page of the queue. `total` counts all matching reviews."""

    rows: tuple[QueueRow, ...]
    total: int
    offset: int
    limit: int


def asked_word(name: str) -> str:
    """Return the search term for reviews in which a comment asks this person to look at an item."""
    return "@" + "_".join(name.casefold().split()) + ";"


def columns_of(columns: QueueColumns) -> dict[str, object]:
    """Return the table columns that depend on a review's events, except version and change."""
    score = columns.score
    return {
        "aivss": score.aivss,
        "severity": score.severity,
        "band": _WITHHELD if score.withheld is not None else score.severity or "",
        "low": score.low,
        "high": score.high,
        "withheld": score.withheld,
        "open": columns.open,
        "items": columns.items,
        "uncertain": columns.uncertain,
        "contested": columns.contested,
        "stage": columns.stage,
        "assigned": columns.assigned,
        "changed": columns.changed,
    }


def search_text(words: Sequence[str]) -> str:
    """Return the case-folded text that the queue's text filter searches."""
    return " ".join(" ".join(words).casefold().split())[:_MAX_SEARCH]


def row_digest(row: Mapping[str, object]) -> str:
    """Hash all columns of a review's row except `digest`, so that a changed byte is detected."""
    plain = {
        name: str(value.normalize()) if isinstance(value, Decimal) else value
        for name, value in row.items()
        if name != "digest"
    }
    return hashlib.sha256(canonical(plain)).hexdigest()


def page(connection: Connection, query: QueueQuery) -> QueuePage:
    """Return the page of the queue that a query asks for. Raises IntegrityError for a row with invalid values."""
    parts = _parts(query)
    few = _few(connection, parts)
    if few is not None:
        total, parts = len(few), [reviews.c.number.in_(few)]
    else:
        total = connection.execute(select(func.count()).select_from(reviews).where(*parts)).scalar_one()
    chosen = list(connection.execute(_numbers(query, parts, total)).scalars())
    by_number = {row["number"]: row for row in connection.execute(_shown(chosen)).mappings()}
    rows = [by_number[number] for number in chosen]
    seconds = _seconds(connection, [row["key"] for row in rows])
    try:
        shown = tuple(_row(row, seconds.get(row["key"], 0.0)) for row in rows)
    except ValidationError as error:
        hint = "run `septet audit-log verify`"
        raise IntegrityError("a row of the queue was changed", where=error.title, hint=hint) from None
    return QueuePage(rows=shown, total=total, offset=query.offset, limit=query.limit)


def assignees(connection: Connection) -> tuple[str, ...]:
    """Return the names of all reviewers with assigned reviews, sorted."""
    names = select(reviews.c.assigned).where(reviews.c.assigned != "").distinct().order_by(reviews.c.assigned)
    return tuple(connection.execute(names).scalars())


def _parts(query: QueueQuery) -> list[ColumnElement[bool]]:
    parts: list[ColumnElement[bool]] = []
    if query.stage is not None:
        parts.append(reviews.c.stage == query.stage)
    if query.assigned is not None:
        parts.append(reviews.c.assigned == query.assigned)
    if query.severity is not None:
        parts.append(reviews.c.band == query.severity)
    if query.contested is not None:
        parts.append(reviews.c.contested > 0 if query.contested else reviews.c.contested == 0)
    words = [*query.text.casefold().split(), *([asked_word(query.asked)] if query.asked.strip() else [])]
    return parts + [reviews.c.search.like(f"%{_literal(word)}%", escape=_ESCAPE) for word in words]


def _few(connection: Connection, parts: Sequence[ColumnElement[bool]]) -> list[int] | None:
    """Return the numbers of the matching reviews if there are few, to save a second search; otherwise None."""
    if not parts:
        return None
    numbers = list(connection.execute(select(reviews.c.number).where(*parts).limit(_FEW + 1)).scalars())
    return None if len(numbers) > _FEW else numbers


def _numbers(query: QueueQuery, parts: Sequence[ColumnElement[bool]], total: int) -> Select[*tuple[object, ...]]:
    """Build the query for the numbers of the reviews on the page, in page order."""
    column, highest = _SORTS[query.sort]
    down = highest != query.reverse
    numbers = select(reviews.c.number, column).where(*parts)
    if parts and (query.offset + query.limit) * _WALK > total:
        # The limit makes the database filter within its one index first and sort afterwards.
        inner = numbers.limit(_ALL).subquery()
        numbers = select(inner.c.number, inner.c[column.name])
        numbers = numbers.order_by(*_order(inner.c[column.name], inner.c.number, down))
    else:
        numbers = numbers.order_by(*_order(column, reviews.c.number, down))
    return numbers.limit(query.limit).offset(query.offset)


def _order(column: ColumnElement[object], number: ColumnElement[object], down: bool) -> list[UnaryExpression[object]]:
    """Order by the column, then by age; reviews without a score come below all others."""
    return [column.desc().nulls_last(), number.desc()] if down else [column.asc().nulls_first(), number.asc()]


def _shown(numbers: Sequence[int]) -> Select[*tuple[object, ...]]:
    return select(reviews.c.number, *_SHOWN).where(reviews.c.number.in_(numbers))


def _literal(word: str) -> str:
    return "".join(f"{_ESCAPE}{c}" if c in (_ESCAPE, "%", "_") else c for c in word)


def _seconds(connection: Connection, keys: Sequence[str]) -> dict[str, float]:
    total = func.sum(focus.c.seconds)
    sums = select(focus.c.review, total).where(focus.c.review.in_(keys)).group_by(focus.c.review)
    return {review: float(seconds) for review, seconds in connection.execute(sums)}


def _row(row: RowMapping, seconds: float) -> QueueRow:
    score = ScoreShown(
        aivss=row["aivss"],
        severity=cast(Band | None, row["severity"]),
        low=row["low"],
        high=row["high"],
        withheld=row["withheld"],
    )
    return QueueRow(
        key=row["key"],
        product=row["product"],
        vendor=row["vendor"],
        score=score,
        open=row["open"],
        items=row["items"],
        uncertain=row["uncertain"],
        stage=cast(Stage, row["stage"]),
        assigned=row["assigned"],
        contested=row["contested"],
        changed_at=row["changed_at"],
        changed=row["changed"],
        seconds=seconds,
    )
