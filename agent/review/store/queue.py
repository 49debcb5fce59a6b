"""The queue: finds and sorts the reviews that match a query, and defines the columns that make this fast."""

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError
from sqlalchemy import ColumnElement, Connection, UnaryExpression, func, select

from agent.errors import IntegrityError
from agent.records import Record
from agent.review.domain.records import QueueRow, ScoreShown, Stage
from agent.review.store.chain import canonical
from agent.review.store.tables import focus, reviews
from agent.taxonomy.kinds import Band

MAX_PAGE = 200
"""The maximum number of rows on one page of the queue."""
QueueSort = Literal["score", "open", "uncertain", "changed", "product"]
_MAX_SEARCH: Final = 500
_FEW: Final = 500
_ALL: Final = 1_000_000_000
_WALK: Final = 3
"""Walking the sort's own index is costly per row, so it is used only within the first third of the results."""
_SORTS: Final[dict[QueueSort, str]] = {
    "score": "aivss", "open": "open", "uncertain": "uncertain", "changed": "changed_seq", "product": "sort_name",
}  # fmt: skip
"""The column of each sort order. All except `product` start with the highest value."""
_SCORE: Final = tuple(ScoreShown.model_fields)
_PLAIN: Final = tuple(name for name in QueueRow.model_fields if name in reviews.c)
_SHOWN: Final = tuple(reviews.c[name] for name in ("number", *_SCORE, *_PLAIN))


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
    """Filters, sort order and page of a queue query. A filter that is None or empty matches every review, except
    an empty `assigned`."""

    stage: Stage | None = None
    assigned: str | None = None
    """A reviewer's name; an empty string finds unassigned reviews."""
    severity: Band | Literal["withheld"] | None = None
    contested: bool | None = None
    asked: Annotated[str, Field(max_length=80)] = ""
    """The name of a person whom a comment asks to look at an item."""
    text: Annotated[str, Field(max_length=200)] = ""
    """Every word must occur in the product, vendor, key or search terms of the review."""
    sort: QueueSort = "score"
    reverse: bool = False
    """Reverses the sort order. By default the highest, most or latest come first, and products run from A to Z."""
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
    """Return the values in a review's row that depend on its events, except those that `rows.made_row` adds."""
    score = columns.score
    band = "withheld" if score.withheld is not None else score.severity or ""
    return {**dict(score), **{name: value for name, value in columns if name in _PLAIN}, "band": band}


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
    """Return the page of the queue that matches a query. Raises IntegrityError for a row with invalid values."""
    parts = _parts(query)
    few = select(reviews.c.number).where(*parts).limit(_FEW + 1)
    # If few reviews match, search for them only once.
    numbers = list(connection.execute(few).scalars()) if parts else []
    if parts and len(numbers) <= _FEW:
        total, parts = len(numbers), [reviews.c.number.in_(numbers)]
    else:
        total = connection.execute(select(func.count()).select_from(reviews).where(*parts)).scalar_one()
    column: ColumnElement[object] = reviews.c[_SORTS[query.sort]]
    down = (query.sort != "product") != query.reverse
    found = select(reviews.c.number, column).where(*parts)
    if parts and (query.offset + query.limit) * _WALK > total:
        # The limit makes the database filter first, within a single index, and sort afterwards.
        inner = found.limit(_ALL).subquery()
        found = select(inner.c.number, inner.c[column.name])
        found = found.order_by(*_order(inner.c[column.name], inner.c.number, down))
    else:
        found = found.order_by(*_order(column, reviews.c.number, down))
    chosen = list(connection.execute(found.limit(query.limit).offset(query.offset)).scalars())
    shown = connection.execute(select(*_SHOWN).where(reviews.c.number.in_(chosen))).mappings().all()
    sums = select(focus.c.review, func.sum(focus.c.seconds)).group_by(focus.c.review)
    spent = connection.execute(sums.where(focus.c.review.in_([row["key"] for row in shown])))
    seconds = {review: float(total) for review, total in spent}
    try:
        rows = {
            row["number"]: QueueRow(
                score=ScoreShown(**{name: row[name] for name in _SCORE}),
                seconds=seconds.get(row["key"], 0.0),
                **{name: row[name] for name in _PLAIN},
            )
            for row in shown
        }
    except ValidationError as error:
        hint = "run `septet audit-log verify`"
        raise IntegrityError("a row of the queue was changed", where=error.title, hint=hint) from None
    return QueuePage(rows=tuple(rows[number] for number in chosen), total=total, offset=query.offset, limit=query.limit)


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
    return parts + [reviews.c.search.contains(word, autoescape=True) for word in words]


def _order(column: ColumnElement[object], number: ColumnElement[object], down: bool) -> list[UnaryExpression[object]]:
    """Order by the column, then by age; a missing score counts as the lowest."""
    return [column.desc().nulls_last(), number.desc()] if down else [column.asc().nulls_first(), number.asc()]
