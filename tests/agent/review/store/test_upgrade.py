"""A further schema migration: killed half way, complete, never without a backup, refused by older programs."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import pytest

from agent.errors import SchemaError, StoreError
from agent.review.store.audit import audit
from agent.review.store.store import Store
from tests.fakes.review.process import ReviewProcess
from tests.fakes.review.served_reviews import FACTOR, Reviews
from tests.fakes.review.store_process import content, said
from tests.fakes.review.stored_reviews import filled

pytestmark = pytest.mark.slow

NAME = "review.sqlite"
STEP = '''"""A further step, which makes both tables anew."""

import os
import signal

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    """Dies before one of its parts."""
    parts = (_events, _reviews, _rows, _table)
    for number, part in enumerate(parts):
        if number == {die}:
            os.kill(os.getpid(), signal.SIGKILL)
        part()
    if {die} == len(parts):
        os.kill(os.getpid(), signal.SIGKILL)


def _events():
    with op.batch_alter_table("events") as batch:
        batch.add_column(sa.Column("place", sa.String(10), nullable=False, server_default="here"))
        batch.alter_column("reason", type_=sa.String(80))


def _reviews():
    with op.batch_alter_table("reviews") as batch:
        batch.add_column(sa.Column("team", sa.Text(), nullable=False, server_default=""))


def _rows():
    op.execute("INSERT INTO meta VALUES ('half', 'way')")


def _table():
    op.create_table("teams", sa.Column("name", sa.Text(), primary_key=True))
'''
NEVER = -1
FORMS: Final = ("md", "html", "json")


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    folder = tmp_path / "steps 100%"
    folder.mkdir()
    (folder / "v0002_teams.py").write_text(STEP.format(die=NEVER), "utf-8")
    return folder


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("die", [0, 4, 1, 2, 3])
def test_killed_half_way_an_upgrade_leaves_the_old_schema(die: int, steps: Path, tmp_path: Path) -> None:
    path = tmp_path / NAME
    with filled(path, 2, 3) as store:
        whole = content(store)
    (steps / "v0002_teams.py").write_text(STEP.format(die=die), "utf-8")
    assert said("upgrade", path, steps) == []
    for file in (path, path.with_name(f"{NAME}.schema-0001.backup")):
        with Store.open(file) as store:
            assert store.damage == ""
            assert content(store) == whole
            assert audit(store).sound
    (steps / "v0002_teams.py").write_text(STEP.format(die=NEVER), "utf-8")
    assert said("upgrade", path, steps) == ["upgraded"]
    assert rows(path, "SELECT version_num FROM alembic_version") == [("0002",)]


@pytest.mark.parametrize("die", [0, 2, 4])
def test_after_an_upgrade_that_was_killed_the_app_shows_exports_and_saves_as_before(
    die: int, steps: Path, tmp_path: Path
) -> None:
    reviews = Reviews(tmp_path)
    with reviews.store:
        reviews.bring()
        reviews.act("r1", "correct", FACTOR, value=0.9)
        exports = [reviews.service.export("r1", form).data.decode() for form in FORMS]
    path = reviews.store.path
    (steps / "v0002_teams.py").write_text(STEP.format(die=die), "utf-8")
    assert said("upgrade", path, steps) == []
    with ReviewProcess(tmp_path, "--store", path) as app:
        app.enter()
        assert app.ask("/r/r1")[0] == 200
        assert [app.ask(f"/r/r1/export/{form}") for form in FORMS] == [(200, text) for text in exports]
        act = {"verb": "confirm", "item": "posture", "version": 2}
        assert app.ask("/r/r1/act", "POST", urlencode(act), "application/x-www-form-urlencoded")[0] == 303
        assert app.stop()[0] == 0
        assert "Traceback" not in app.told
    with Store.open(path) as store:
        assert audit(store).sound
        assert [event.verb for event in store.events("r1")] == ["import", "correct", "confirm"]
    (steps / "v0002_teams.py").write_text(STEP.format(die=NEVER), "utf-8")
    assert said("upgrade", path, steps) == ["upgraded"]
    assert rows(path, "SELECT verb, place FROM events WHERE number = 3") == [("confirm", "here")]


def test_an_upgrade_keeps_events_guards_and_a_backup(steps: Path, tmp_path: Path) -> None:
    path = tmp_path / NAME
    with filled(path, 2, 3) as store:
        whole = content(store)
    before = rows(path, "SELECT seq, item, hash FROM events")
    Store.open(path, to="0002", more=(steps,)).close()
    assert rows(path, "SELECT seq, item, hash FROM events") == before
    assert rows(path, "SELECT DISTINCT place FROM events") == [("here",)]
    assert rows(path, "PRAGMA foreign_key_check") == []
    for statement in ("DELETE FROM events", "UPDATE events SET note = ''"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            rows(path, statement)
    # D16: the old program says what it needs; the backup has the old schema.
    with pytest.raises(
        SchemaError, match="the store has schema 0002, but this Septet supports only up to 0001"
    ) as caught:
        Store.open(path)
    assert "it needs Septet " in caught.value.hint
    with pytest.raises(SchemaError):
        Store.open(path, read_only=True)
    with Store.open(path.with_name(f"{NAME}.schema-0001.backup")) as store:
        assert content(store) == whole


def test_an_old_schema_is_not_upgraded_without_a_backup(steps: Path, tmp_path: Path) -> None:
    path = tmp_path / NAME
    filled(path, 1, 0).close()
    path.with_name(f"{NAME}.schema-0001.backup").mkdir()
    with pytest.raises(StoreError, match="no backup could be written, so the schema stays 0001"):
        Store.open(path, to="0002", more=(steps,))
    assert rows(path, "SELECT version_num FROM alembic_version") == [("0001",)]
