"""Creates the tables for reviews, blobs, events and focus times."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None

_COLUMNS: Final[dict[str, dict[str, sa.types.TypeEngine[Any]]]] = {
    "meta": {"name": sa.String(40), "value": sa.Text()},
    "blobs": {"sha256": sa.String(64), "kind": sa.String(20), "size": sa.Integer(), "data": sa.LargeBinary()},
    "reviews": {
        "number": sa.Integer(), "key": sa.String(12), "draft_id": sa.String(200), "product": sa.Text(),
        "vendor": sa.Text(), "draft_sha256": sa.String(64), "documents_sha256": sa.String(64), "version": sa.Integer(),
        "stage": sa.String(10), "assigned": sa.String(80), "aivss": sa.Integer(), "severity": sa.String(10),
        "band": sa.String(10), "low": sa.Integer(), "high": sa.Integer(), "withheld": sa.Text(), "open": sa.Integer(),
        "items": sa.Integer(), "uncertain": sa.Integer(), "contested": sa.Integer(), "changed_seq": sa.Integer(),
        "changed_at": sa.String(40), "changed": sa.Text(), "sort_name": sa.Text(), "search": sa.Text(),
        "digest": sa.String(64),
    },
    "events": {
        "seq": sa.Integer(), "review": sa.String(12), "number": sa.Integer(), "batch": sa.Integer(),
        "at": sa.String(40), "reviewer": sa.String(80), "role": sa.String(10), "verb": sa.String(10),
        "item": sa.String(100), "before": sa.Text(), "after": sa.Text(), "reason": sa.String(40), "note": sa.Text(),
        "previous": sa.String(64), "hash": sa.String(64),
    },
    "focus": {
        "review": sa.String(12), "item": sa.String(100), "reviewer": sa.String(80), "seconds": sa.Float(),
    },
}  # fmt: skip
_NULLABLE: Final = ("aivss", "severity", "low", "high", "withheld", "before", "after")
_QUEUE: Final = (
    "stage", "assigned", "band", "contested", "aivss", "open", "uncertain", "changed_seq", "sort_name", "search",
)  # fmt: skip


def upgrade() -> None:
    """Upgrade from an empty file. To downgrade, restore the backup made before the upgrade."""
    columns = {
        table: [sa.Column(name, kind, nullable=name in _NULLABLE) for name, kind in kinds.items()]
        for table, kinds in _COLUMNS.items()
    }
    op.create_table("meta", *columns["meta"], sa.PrimaryKeyConstraint("name", name="pk_meta"))
    op.create_table("blobs", *columns["blobs"], sa.PrimaryKeyConstraint("sha256", name="pk_blobs"))
    op.create_table(
        "reviews",
        *columns["reviews"],
        sa.PrimaryKeyConstraint("number", name="pk_reviews"),
        sa.UniqueConstraint("key", name="uq_reviews_key"),
        sa.UniqueConstraint("draft_id", name="uq_reviews_draft_id"),
        sa.ForeignKeyConstraint(["draft_sha256"], ["blobs.sha256"], name="fk_reviews_draft_sha256"),
        sa.ForeignKeyConstraint(["documents_sha256"], ["blobs.sha256"], name="fk_reviews_documents_sha256"),
    )
    op.create_index("ix_reviews_queue", "reviews", [*_QUEUE])
    for column in ("aivss", "open", "uncertain", "changed_seq", "sort_name"):
        op.create_index(f"ix_reviews_{column}", "reviews", [column])
    op.create_table(
        "events",
        *columns["events"],
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sa.UniqueConstraint("review", "number", name="uq_events_review_number"),
        sa.ForeignKeyConstraint(["review"], ["reviews.key"], name="fk_events_review"),
    )
    op.create_table(
        "focus",
        *columns["focus"],
        sa.PrimaryKeyConstraint("review", "item", "reviewer", name="pk_focus"),
        sa.ForeignKeyConstraint(["review"], ["reviews.key"], name="fk_focus_review"),
    )
