"""`septet review`: a process on loopback, its address, the demo, its store, and how it ends (D5, D8, D10, D20)."""

import json
import os
import pty
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from agent.review.demo import CASE as DEMO, add_demo
from agent.review.store.audit import audit
from agent.review.store.queue import QueueQuery
from agent.review.store.store import Store
from tests.fakes.command import Septet
from tests.fakes.review.process import END_SECONDS, ReviewProcess, environment
from tests.fakes.review.reviewing import case_draft
from tests.fakes.review.served_reviews import CASE, FACTOR, Reviews, draft_folder
from tests.places import CASES

pytestmark = pytest.mark.slow

JSON = "application/json"


def confirm(app: ReviewProcess, item: str, version: int) -> int:
    body = json.dumps({"verb": "confirm", "item": item, "version": version})
    return app.ask("/api/r/r1/act", "POST", body, JSON)[0]


def test_without_arguments_a_half_reviewed_demo_is_served_from_a_scratch_store(tmp_path: Path) -> None:
    with ReviewProcess(tmp_path) as app:
        assert app.address.startswith("http://127.0.0.1:")
        assert app.ask("/")[0] == 401
        assert app.enter() == 303
        status, page = app.ask("/r/r1")
        assert status == 200
        assert "Firecrawl MCP" in page
        assert app.stop()[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["stderr.txt"]


def test_the_demo_has_one_of_each(tmp_path: Path) -> None:
    reviews = Reviews(tmp_path)
    with reviews.store:
        key = add_demo(reviews.service)
        verbs = [event.verb for event in reviews.service.history(key)]
        state = reviews.service.review(key)
        for verb in ("import", "confirm", "bulk", "correct", "strike", "contest", "send"):
            assert verb in verbs
        assert verbs.count("correct") == verbs.count("strike") == verbs.count("contest") == 1
        assert 0.3 < len(state.open) / len(state.items) < 0.7
        assert state.reviewed.score.aivss not in (None, state.drafted.score.aivss)
        assert [one.decision for one in state.contests] == ["open"]
        (row,) = reviews.service.queue(QueueQuery()).rows
        assert (row.contested, row.stage) == (1, "open")
    assert DEMO in {path.name for path in CASES.iterdir()}


def test_drafts_come_in_and_decisions_are_there_the_next_time(tmp_path: Path) -> None:
    folder = draft_folder(tmp_path)
    with ReviewProcess(tmp_path, folder, "--role", "approver") as app:
        assert f"r1: {case_draft(CASE).product.name}" in app.told
        assert app.enter() == 303
        assert confirm(app, FACTOR, 1) == 200
        code, seconds = app.stop()
    assert (code, app.process.returncode) == (0, 0)
    assert seconds < END_SECONDS
    file = tmp_path / ".local" / "share" / "septet" / "review.sqlite"
    with Store.open(file) as store:
        assert [(e.verb, e.reviewer, e.role) for e in store.events("r1")] == [
            ("import", "ada", "approver"), ("confirm", "ada", "approver"),
        ]  # fmt: skip
        assert audit(store).sound
    with Store.open(file.with_name("review.sqlite.backup")) as backup:
        assert audit(backup).sound
        assert backup.version("r1") == 2


def test_one_process_at_a_time_has_a_store_open(tmp_path: Path) -> None:
    store = tmp_path / "team.sqlite"
    with ReviewProcess(tmp_path, "--store", store) as app:
        assert app.enter() == 303
        call = [sys.executable, "-m", "agent", "review", "--store", str(store)]
        second = subprocess.run(call, capture_output=True, text=True, env=environment(tmp_path), timeout=60)
        assert second.returncode == 1
        assert "another process has the store open" in second.stderr
        app.stop(signal.SIGKILL)
    with ReviewProcess(tmp_path, "--store", store) as app:
        assert app.enter() == 303, "the lock of a killed process is free at once"


def test_in_a_terminal_enter_prints_another_address(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        with ReviewProcess(tmp_path, draft_folder(tmp_path), stdin=theirs) as app:
            assert (app.enter(), app.enter()) == (303, 303), "the same browser may use its link again"
            app.cookie = ""
            assert app.enter() == 401
            assert app.process.stdout is not None
            os.write(ours, b"\n")
            app.address = app.process.stdout.readline().strip()
            assert app.enter() == 303
            assert app.stop()[0] == 0
    finally:
        os.close(theirs)
        os.close(ours)


# ---------------------------------------------------------------- D20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_five_seconds_though_clients_hang(tmp_path: Path, number: int) -> None:
    store = tmp_path / "team.sqlite"
    with ReviewProcess(tmp_path, draft_folder(tmp_path), "--store", store) as app:
        assert app.enter() == 303
        hanging = app.connection()
        hanging.connect()
        hanging.sock.sendall(b"POST /api/r/r1/act HTTP/1.1\r\nHost: ")
        idle = app.connection()
        idle.request("GET", "/help", headers={"Cookie": app.cookie})
        assert idle.getresponse().read()
        code, seconds = app.stop(number)
        hanging.close()
        idle.close()
    assert code == 0
    assert seconds < END_SECONDS
    with Store.open(store) as opened:
        assert audit(opened).sound


def test_every_acknowledged_act_is_there_after_a_signal_in_between(tmp_path: Path) -> None:
    store = tmp_path / "team.sqlite"
    acknowledged: list[str] = []
    with ReviewProcess(tmp_path, draft_folder(tmp_path), "--store", store) as app:
        app.enter()
        items = [row["item"]["id"] for row in json.loads(app.ask("/api/r/r1")[1])["state"]["items"]]
        under_way = threading.Event()

        def work() -> None:
            for item in items:
                try:
                    if confirm(app, item, 1) == 200:
                        acknowledged.append(item)
                except OSError:
                    return
                under_way.set()

        thread = threading.Thread(target=work)
        thread.start()
        under_way.wait(20)
        code, seconds = app.stop()
        thread.join()
    assert code == 0
    assert seconds < END_SECONDS
    with Store.open(store) as opened:
        stored = [event.item for event in opened.events("r1")[1:]]
        assert audit(opened).sound
    assert stored[: len(acknowledged)] == acknowledged
    assert len(stored) - len(acknowledged) <= 1


def test_ctrl_c_twice_ends_a_redraft_that_is_under_way(tmp_path: Path) -> None:
    store = tmp_path / "team.sqlite"
    with ReviewProcess(tmp_path, draft_folder(tmp_path), "--store", store) as app:
        app.enter()
        fields = {"text": "It asks nobody.", "url": "https://docs.example/a", "kind": "vendor-answer"}
        body = json.dumps({"verb": "answer", "item": "question/Q1", "version": 1, "fields": fields})
        assert app.ask("/api/r/r1/act", "POST", body, JSON)[0] == 200
        slow = app.connection()
        headers = {"Cookie": app.cookie, "Sec-Fetch-Site": "same-origin", "Content-Type": JSON}
        slow.request("POST", "/api/r/r1/redraft", json.dumps({"version": 2}).encode(), headers)
        app.process.send_signal(signal.SIGINT)
        code, seconds = app.stop(signal.SIGINT)
        slow.close()
    assert code == 0
    assert seconds < END_SECONDS
    with Store.open(store) as opened:
        assert audit(opened).sound
        assert opened.version("r1") in (2, 3)


# ---------------------------------------------------------------- refused input


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "review.example", "[2001:db8::1]"])
def test_a_host_beyond_this_machine_is_refused(septet: Septet, tmp_path: Path, host: str) -> None:
    outcome = septet("review", "--host", host, "--store", tmp_path / "team.sqlite")
    assert (outcome.code, outcome.out) == (3, "")
    assert "only on this machine" in outcome.err
    assert not (tmp_path / "team.sqlite").exists()


def test_what_cannot_be_served_is_said_before_anything_is_stored(septet: Septet, tmp_path: Path) -> None:
    store = tmp_path / "team.sqlite"
    folder = draft_folder(tmp_path)
    assert septet("review", "--host", "127.0.0.2", "--store", store).code == 1
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        outcome = septet("review", "--port", taken.getsockname()[1], "--store", store)
    assert outcome.code == 1
    assert "port cannot be used" in outcome.err
    assert "name is not valid" in septet("review", "--reviewer", " ", "--store", store).err
    assert septet("review", "--port", "70000").code == 2
    assert septet("review", "--role", "king").code == 2
    assert not store.exists()
    outcome = septet("review", folder, "--role", "viewer", "--store", store)
    assert outcome.code == 3
    assert "viewer" in outcome.err
    assert "there is no draft here" in septet("review", tmp_path / "none", "--store", store).err


def test_a_damaged_store_is_served_for_reading_with_a_hint(tmp_path: Path) -> None:
    store = tmp_path / "team.sqlite"
    reviews = Reviews(tmp_path)
    with reviews.store:
        reviews.bring()
    (tmp_path / "review.sqlite").rename(store)
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("DROP TRIGGER events_no_update")
        connection.commit()
    with ReviewProcess(tmp_path, "--store", store) as app:
        assert "opened read-only" in app.told
        app.enter()
        assert app.ask("/r/r1")[0] == 200
        assert confirm(app, FACTOR, 1) == 503
        assert app.stop()[0] == 0
    assert not store.with_name("team.sqlite.backup").exists()
