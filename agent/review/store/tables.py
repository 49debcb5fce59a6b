"""The tables of the store, in SQLAlchemy Core. `migrations` creates them; a test checks that both agree."""

from decimal import Decimal
from typing import Final

from sqlalchemy import (
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from agent.errors import InputError, IntegrityError

SCHEMA: Final = "0001"
"""The newest step of `migrations`, required by this program."""
_GRAIN: Final = 1000


class Exact(TypeDecorator[Decimal]):
    """A score stored as a whole number of thousandths, so that it sorts and is read back exactly."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Convert to thousandths. Raises InputError for a number with more than three decimal places."""
        if value is None:
            return None
        whole = value * _GRAIN
        if whole != whole.to_integral_value():
            raise InputError(f"{value} has more than three decimal places", where="queue columns", hint="round it")
        return int(whole)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Convert thousandths to a decimal with at least one decimal place, as scores are written."""
        if value is None:
            return None
        if not isinstance(value, int):
            raise IntegrityError("a score in the queue is not a number", hint="run `septet audit-log verify`")
        exact = Decimal(value) / _GRAIN
        return exact.quantize(Decimal("0.1")) if value % (_GRAIN // 10) == 0 else exact


metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

QUEUE: Final = (
    "stage", "assigned", "band", "contested", "aivss", "open", "uncertain", "changed_seq", "sort_name", "search",
)  # fmt: skip
"""The queue's filter and sort columns. One index covers all of them, so a filter reads a fifth of the table."""

meta: Final = Table(
    "meta",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)
"""`store`: the store's id. `needs`: the oldest version of Septet that can open the store."""

blobs: Final = Table(
    "blobs",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("size", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
"""Bytes under their sha256, compressed with zlib; `size` is the uncompressed size."""

reviews: Final = Table(
    "reviews",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", String(12), nullable=False, unique=True),
    Column("draft_id", String(200), nullable=False, unique=True),
    Column("product", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("draft_sha256", String(64), ForeignKey(blobs.c.sha256), nullable=False),
    Column("documents_sha256", String(64), ForeignKey(blobs.c.sha256), nullable=False),
    Column("version", Integer, nullable=False),
    Column("stage", String(10), nullable=False),
    Column("assigned", String(80), nullable=False),
    Column("aivss", Exact),
    Column("severity", String(10)),
    Column("band", String(10), nullable=False),
    Column("low", Exact),
    Column("high", Exact),
    Column("withheld", Text),
    Column("open", Integer, nullable=False),
    Column("items", Integer, nullable=False),
    Column("uncertain", Integer, nullable=False),
    Column("contested", Integer, nullable=False),
    Column("changed_seq", Integer, nullable=False),
    Column("changed_at", String(40), nullable=False),
    Column("changed", Text, nullable=False),
    Column("sort_name", Text, nullable=False),
    Column("search", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Index("ix_reviews_queue", *QUEUE),
    Index(None, "aivss"),
    Index(None, "open"),
    Index(None, "uncertain"),
    Index(None, "changed_seq"),
    Index(None, "sort_name"),
)
"""The columns from `version` on are shown in the queue and updated by each event; `digest` covers all other columns.
`band` is the severity, or "withheld", or empty."""

events: Final = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("review", String(12), ForeignKey(reviews.c.key), nullable=False),
    Column("number", Integer, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("at", String(40), nullable=False),
    Column("reviewer", String(80), nullable=False),
    Column("role", String(10), nullable=False),
    Column("verb", String(10), nullable=False),
    Column("item", String(100), nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("reason", String(40), nullable=False),
    Column("note", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("review", "number"),
)
"""Append-only, in a hash chain; `before` and `after` are canonical JSON."""

focus: Final = Table(
    "focus",
    metadata,
    Column("review", String(12), ForeignKey(reviews.c.key), primary_key=True),
    Column("item", String(100), primary_key=True),
    Column("reviewer", String(80), primary_key=True),
    Column("seconds", Float, nullable=False),
)
"""The total seconds for which a reviewer looked at an item."""
