"""The tables of the store, in SQLAlchemy Core. `migrations` creates them; a test checks that both agree."""

from decimal import Decimal
from typing import Final

import sqlalchemy as sa

from agent.errors import InputError, IntegrityError

SCHEMA: Final = "0001"
"""The newest step of `migrations`, required by this program."""
_GRAIN: Final = 1000


class Exact(sa.TypeDecorator[Decimal]):
    """A score stored as a whole number of thousandths, so that it sorts and is read back exactly."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> int | None:
        """Convert to thousandths. Raises InputError for a number with more than three decimal places."""
        if value is None:
            return None
        whole = value * _GRAIN
        if whole != whole.to_integral_value():
            raise InputError(f"{value} has more than three decimal places", where="queue columns", hint="round it")
        return int(whole)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> Decimal | None:
        """Convert thousandths to a decimal with at least one decimal place, the way scores are written."""
        if value is None:
            return None
        if not isinstance(value, int):
            raise IntegrityError("a score in the queue is not a number", hint="run `septet audit-log verify`")
        exact = Decimal(value) / _GRAIN
        return exact.quantize(Decimal("0.1")) if value % (_GRAIN // 10) == 0 else exact


metadata: Final = sa.MetaData(
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

meta: Final = sa.Table(
    "meta",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""`store`: the store's id. `needs`: the oldest version of Septet that can open the store."""

blobs: Final = sa.Table(
    "blobs",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
"""Bytes keyed by their SHA-256 hash and compressed with zlib; `size` is the uncompressed size."""

reviews: Final = sa.Table(
    "reviews",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.String(12), nullable=False, unique=True),
    sa.Column("draft_id", sa.String(200), nullable=False, unique=True),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("vendor", sa.Text, nullable=False),
    sa.Column("draft_sha256", sa.String(64), sa.ForeignKey(blobs.c.sha256), nullable=False),
    sa.Column("documents_sha256", sa.String(64), sa.ForeignKey(blobs.c.sha256), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("stage", sa.String(10), nullable=False),
    sa.Column("assigned", sa.String(80), nullable=False),
    sa.Column("aivss", Exact),
    sa.Column("severity", sa.String(10)),
    sa.Column("band", sa.String(10), nullable=False),
    sa.Column("low", Exact),
    sa.Column("high", Exact),
    sa.Column("withheld", sa.Text),
    sa.Column("open", sa.Integer, nullable=False),
    sa.Column("items", sa.Integer, nullable=False),
    sa.Column("uncertain", sa.Integer, nullable=False),
    sa.Column("contested", sa.Integer, nullable=False),
    sa.Column("changed_seq", sa.Integer, nullable=False),
    sa.Column("changed_at", sa.String(40), nullable=False),
    sa.Column("changed", sa.Text, nullable=False),
    sa.Column("sort_name", sa.Text, nullable=False),
    sa.Column("search", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Index("ix_reviews_queue", *QUEUE),
    sa.Index(None, "aivss"),
    sa.Index(None, "open"),
    sa.Index(None, "uncertain"),
    sa.Index(None, "changed_seq"),
    sa.Index(None, "sort_name"),
)
"""The columns from `version` on are shown in the queue and updated by each event; `digest` covers all other columns.
`band` is the severity, or "withheld", or empty."""

events: Final = sa.Table(
    "events",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("review", sa.String(12), sa.ForeignKey(reviews.c.key), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("batch", sa.Integer, nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("reviewer", sa.String(80), nullable=False),
    sa.Column("role", sa.String(10), nullable=False),
    sa.Column("verb", sa.String(10), nullable=False),
    sa.Column("item", sa.String(100), nullable=False),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.UniqueConstraint("review", "number"),
)
"""Append-only, in a hash chain; `before` and `after` are canonical JSON."""

focus: Final = sa.Table(
    "focus",
    metadata,
    sa.Column("review", sa.String(12), sa.ForeignKey(reviews.c.key), primary_key=True),
    sa.Column("item", sa.String(100), primary_key=True),
    sa.Column("reviewer", sa.String(80), primary_key=True),
    sa.Column("seconds", sa.Float, nullable=False),
)
"""Each reviewer's total focus time on each item, in seconds."""
