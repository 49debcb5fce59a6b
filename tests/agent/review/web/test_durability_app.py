"""Durability above the store: what the app, its pages and the verb say when the disk is full, the store is read-only or
newer, two people save at once, and after a store was restored.
"""

import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest
from lxml import html

from agent.review.service import Service
from agent.review.store.audit import audit
from agent.review.store.store import Store
from agent.settings import Settings
from tests.fakes.command import Septet
from tests.fakes.review.process import ReviewProcess, environment
from tests.fakes.review.served_reviews import AT, FACTOR, Reviews, draft_folder

pytestmark = pytest.mark.slow

FORM = "application/x-www-form-urlencoded"
WORDS = "What the analyst wrote for an hour, and what must not be lost. " * 60


def kept(page: str, name: str) -> str:
    """Return the value of a form field on a page."""
    (field,) = html.fromstring(page).xpath(f"//textarea[@name='{name}'] | //input[@name='{name}']")
    return str(field.get("value") or field.text_content()).strip()


def fields(**more: object) -> dict[str, object]:
    return {"verb": "correct", "item": "posture", "text": WORDS.strip(), "reason": "wording", "note": "mine"} | more


# -- D3

ROUNDS = 12
"""Number of attempts to kill a process while it writes; most succeed at the first."""


def killed_at(process: subprocess.Popen[str], file: Path) -> bool:
    """Kill a process once `file` exists, which happens only during writing; return False if it ended earlier."""
    while process.poll() is None:
        if file.exists():
            process.kill()
            process.wait()
    return process.returncode == -signal.SIGKILL


def exported(app: ReviewProcess) -> list[tuple[int, str]]:
    return [app.ask(f"/r/r1/export/{form}") for form in ("md", "html", "json")]


def saved(app: ReviewProcess, version: int) -> list[tuple[int, str]]:
    """Return the exports after one more act."""
    app.enter()
    act = fields(version=version, text=f"{WORDS}{version}")
    assert app.ask("/r/r1/act", "POST", urlencode(act), FORM)[0] == 303
    return exported(app)


def test_killed_while_it_leaves_a_backup_the_app_exports_the_same_and_the_last_backup_is_whole(tmp_path: Path) -> None:
    store = tmp_path / "team.sqlite"
    backup, torn = store.with_name(f"{store.name}.backup"), False
    with ReviewProcess(tmp_path, draft_folder(tmp_path), "--store", store) as app:
        saved(app, 1)
        assert app.stop()[0] == 0
    for number in range(ROUNDS):
        before = backup.read_bytes()
        with ReviewProcess(tmp_path, "--store", store) as app:
            exports = saved(app, number + 2)
            app.process.send_signal(signal.SIGTERM)
            killed = killed_at(app.process, store.with_name(f".{backup.name}.new"))
        with Store.open(backup, read_only=True) as kept:
            assert audit(kept).sound
        # Skip this if the process was faster than the signal.
        torn = killed and backup.read_bytes() == before
        if torn:
            break
    assert torn
    with ReviewProcess(tmp_path, "--store", store) as app:
        app.enter()
        assert exported(app) == exports
        assert app.stop()[0] == 0
    with Store.open(store) as opened, Store.open(backup, read_only=True) as kept:
        assert kept.head() == opened.head()
    names = sorted(file.name for file in tmp_path.glob("*team.sqlite*"))
    assert names == [store.name, backup.name, f"{store.name}.lock"]


# -- D15


def test_killed_while_a_store_is_made_the_app_makes_it_whole_the_next_time(tmp_path: Path) -> None:
    store, command = tmp_path / "team.sqlite", [sys.executable, "-m", "agent", "review", "--store"]
    for _ in range(ROUNDS):
        with subprocess.Popen(
            [*command, store], stdout=subprocess.PIPE, env=environment(tmp_path), cwd=tmp_path, text=True
        ) as process:
            killed = killed_at(process, store.with_name(f".{store.name}.new"))
        if killed and not store.exists():
            break
        for file in tmp_path.glob("*team.sqlite*"):
            file.unlink()
    assert killed
    assert not store.exists()
    with ReviewProcess(tmp_path, draft_folder(tmp_path), "--store", store) as app:
        app.enter()
        assert app.ask("/r/r1/act", "POST", urlencode(fields(version=1)), FORM)[0] == 303
        assert app.stop()[0] == 0
        assert "Traceback" not in app.told
    assert not list(tmp_path.glob(".team.sqlite.new*"))
    with Store.open(store) as opened:
        assert audit(opened).sound
        assert opened.version("r1") == 2


# -- D4


def test_a_full_disk_answers_507_and_the_text_stays_in_the_form(tmp_path: Path) -> None:
    store = tmp_path / "team.sqlite"
    with ReviewProcess(tmp_path, draft_folder(tmp_path), "--store", store) as app:
        app.enter()
        full = (store.with_name("team.sqlite-wal").stat().st_size, resource.RLIM_INFINITY)
        before = resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE, full)
        status, page = app.ask("/r/r1/act", "POST", urlencode(fields(version=1)), FORM)
        assert status == 507
        assert "no space left" in page
        assert kept(page, "text") == WORDS.strip()
        assert kept(page, "note") == "mine"
        assert app.ask("/r/r1")[0] == 200
        assert app.ask("/r/r1/export/html")[0] == 200
        resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE, before)
        assert app.ask("/r/r1/act", "POST", urlencode(fields(version=1)), FORM)[0] == 303
        assert app.stop()[0] == 0
        assert "Traceback" not in app.told
    with Store.open(store) as opened:
        assert audit(opened).sound
        assert opened.version("r1") == 2


# -- D5


@pytest.mark.parametrize("place", ["/sys/review.sqlite", "/dev/null/review.sqlite"])
def test_a_place_that_takes_no_store_is_refused_before_anything_is_served(place: str, septet: Septet) -> None:
    said = septet("review", "--store", place)
    assert said.code == 1
    assert said.out == ""
    assert [line.partition(":")[0] for line in said.err.splitlines()] == ["error", "hint"]
    assert "--store" in said.err


@pytest.mark.parametrize("files", [7, 8])
def test_too_few_files_are_told_in_a_line(files: int, tmp_path: Path) -> None:
    command = f"ulimit -n {files}; exec {sys.executable} -m agent review --store team.sqlite"
    said = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert said.returncode == 1
    assert "error: " in said.stderr
    assert "hint: " in said.stderr
    assert "Traceback" not in said.stderr


# -- D16


def test_a_newer_store_is_refused_with_the_version_that_it_needs(septet: Septet, tmp_path: Path) -> None:
    with Reviews(tmp_path).store as store:
        path = store.path
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE meta SET value = '7.0.0' WHERE name = 'version'")
    before = path.read_bytes()
    said = septet("review", "--store", path)
    assert said.code != 0
    assert said.out == ""
    assert [line.partition(":")[0] for line in said.err.splitlines()] == ["error", "hint"]
    assert "newer" in said.err or "9999" in said.err
    assert path.read_bytes() == before


# -- D21


def test_a_restored_store_exports_the_same_bytes_and_has_the_same_head(reviews: Reviews, tmp_path: Path) -> None:
    assert reviews.bring() == "r1"
    with reviews.store as store:
        reviews.act("r1", "correct", FACTOR, value=0.9)
        reviews.signed("r1")
        store.back_up(tmp_path / "elsewhere.sqlite")
        head = store.head()
        exports = [reviews.service.export("r1", form) for form in ("md", "html", "json")]
        questions = [reviews.service.questionnaire("r1", form) for form in ("md", "csv", "docx")]
    with Store.open(tmp_path / "elsewhere.sqlite") as restored:
        service = Service(restored, Settings(), lambda: AT)
        assert restored.head() == head
        assert [service.export("r1", form) for form in ("md", "html", "json")] == exports
        assert [service.questionnaire("r1", form) for form in ("md", "csv", "docx")] == questions
        assert audit(restored, head).sound
