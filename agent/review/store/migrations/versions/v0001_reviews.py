"""Reviews, blobs, events and focus times."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """Upgrade from an empty file. To downgrade, restore the backup made before the upgrade."""
    op.create_table(
        "meta",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_blobs"),
    )
    _reviews()
    _events()
    op.create_table(
        "focus",
        sa.Column("review", sa.String(12), nullable=False),
        sa.Column("item", sa.String(100), nullable=False),
        sa.Column("reviewer", sa.String(80), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("review", "item", "reviewer", name="pk_focus"),
        sa.ForeignKeyConstraint(["review"], ["reviews.key"], name="fk_focus_review"),
    )


def _reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("key", sa.String(12), nullable=False),
        sa.Column("draft_id", sa.String(200), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("draft_sha256", sa.String(64), nullable=False),
        sa.Column("documents_sha256", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(10), nullable=False),
        sa.Column("assigned", sa.String(80), nullable=False),
        sa.Column("aivss", sa.Integer()),
        sa.Column("severity", sa.String(10)),
        sa.Column("band", sa.String(10), nullable=False),
        sa.Column("low", sa.Integer()),
        sa.Column("high", sa.Integer()),
        sa.Column("withheld", sa.Text()),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("uncertain", sa.Integer(), nullable=False),
        sa.Column("contested", sa.Integer(), nullable=False),
        sa.Column("changed_seq", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.String(40), nullable=False),
        sa.Column("changed", sa.Text(), nullable=False),
        sa.Column("sort_name", sa.Text(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_reviews"),
        sa.UniqueConstraint("key", name="uq_reviews_key"),
        sa.UniqueConstraint("draft_id", name="uq_reviews_draft_id"),
        sa.ForeignKeyConstraint(["draft_sha256"], ["blobs.sha256"], name="fk_reviews_draft_sha256"),
        sa.ForeignKeyConstraint(["documents_sha256"], ["blobs.sha256"], name="fk_reviews_documents_sha256"),
    )
    filtered = ("stage", "assigned", "band", "contested", "aivss", "open", "uncertain", "changed_seq", "sort_name")
    op.create_index("ix_reviews_queue", "reviews", [*filtered, "search"])
    for column in ("aivss", "open", "uncertain", "changed_seq", "sort_name"):
        op.create_index(f"ix_reviews_{column}", "reviews", [column])


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("review", sa.String(12), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("reviewer", sa.String(80), nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("verb", sa.String(10), nullable=False),
        sa.Column("item", sa.String(100), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sa.UniqueConstraint("review", "number", name="uq_events_review_number"),
        sa.ForeignKeyConstraint(["review"], ["reviews.key"], name="fk_events_review"),
    )
