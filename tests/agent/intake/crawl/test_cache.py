"""The cache: nothing in it is trusted, and nothing in it is needed."""

import os
import subprocess
import sys
import time
from pathlib import Path

from agent.intake.crawl.answer import Fetched
from agent.intake.crawl.answer_log import Cache, Unfinished, entry_of
from agent.intake.snapshots import digest
from tests.agent.intake.crawl.test_answer_log import A, B, answer

NOW = "2026-11-01T08:00:00Z"
AGENT = "septet/0.1"


def cache(folder: Path, size: int = 1_000_000) -> Cache:
    return Cache(folder, size)


def held(folder: Path, key: str = "k", now: str = NOW) -> Unfinished:
    """The log of a crawl that no other process holds."""
    found = cache(folder).crawl(key, now)
    assert found is not None
    return found


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_page_with_validators_is_kept(tmp_path) -> None:
    cache(tmp_path).keep(answer(A))
    assert cache(tmp_path).page(A, AGENT) == answer(A)
    assert cache(tmp_path).page(A, "another/1") is None
    assert cache(tmp_path).page(B, AGENT) is None


def test_what_cannot_be_asked_for_again_is_not_kept(tmp_path) -> None:
    cache(tmp_path).keep(Fetched(A, A, "text/html", "", b"x", (("date", "today"),), NOW, AGENT))
    assert files(tmp_path) == []


def test_changed_and_torn_files_are_as_if_they_were_not_there(tmp_path) -> None:
    kept = cache(tmp_path)
    for spoiled in (b"", b"{", b"<p>hello</q>", b"\xff"):
        for place in ("blobs", "pages"):
            kept.keep(answer(A))
            [path] = files(tmp_path / place)
            path.write_bytes(spoiled)
            assert kept.page(A, AGENT) is None
            kept.keep(answer(A))
            assert kept.page(A, AGENT) == answer(A), "and written anew"


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    broken = cache(tmp_path / "file")
    broken.keep(answer(A))
    broken.prune()
    assert broken.page(A, AGENT) is None
    assert broken.crawl("k", NOW) is None


def test_the_oldest_goes_first(tmp_path) -> None:
    kept = cache(tmp_path, 3000)
    for number, url in enumerate((A, B)):
        kept.keep(answer(url, bytes([65 + number]) * 2000))
        for path in files(tmp_path):
            if path.stat().st_mtime > time.time() - 60:
                os.utime(path, (number * 1000, number * 1000))
    kept.prune()
    assert kept.page(A, AGENT) is None
    assert kept.page(B, AGENT) == answer(B, b"B" * 2000)
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 3000


def test_leftovers_of_killed_writers_go_when_they_are_old(tmp_path) -> None:
    kept = cache(tmp_path)
    kept.keep(answer(A))
    old, young = (tmp_path / "blobs" / name for name in (".new-old", ".new-young"))
    old.write_bytes(b"x")
    young.write_bytes(b"x")
    os.utime(old, (1000, 1000))
    kept.prune()
    assert not old.exists()
    assert young.exists()
    assert kept.page(A, AGENT) == answer(A)


def test_an_interrupted_crawl_is_gone_on_with(tmp_path) -> None:
    first = held(tmp_path)
    assert first.known.entries == []
    first.add(entry_of(A, answer(A)), answer(A).body)
    first.close()
    second = held(tmp_path)
    assert second.known.entries == [entry_of(A, answer(A))]
    assert list(second.known.bodies.values()) == [answer(A).body]
    second.finish()
    third = held(tmp_path)
    assert third.known.entries == []
    third.close()


def test_answers_of_yesterday_and_answers_without_bytes_are_asked_for_again(tmp_path) -> None:
    first = held(tmp_path)
    first.add(entry_of(A, answer(A)), answer(A).body)
    first.close()
    for now in ("2026-11-02T00:00:00Z", "2026-10-01T00:00:00Z", "no time", NOW):
        if now == NOW:
            (tmp_path / "blobs" / digest(answer(A).body)[:2] / digest(answer(A).body)).unlink()
        later = held(tmp_path, now=now)
        assert later.known.entries == []
        later.close()


def test_one_process_holds_a_crawl_until_it_ends_or_is_killed(tmp_path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom agent.intake.crawl.answer_log import Cache\n"
        f"held = Cache(Path({str(tmp_path)!r}), 10**6).crawl('k', {NOW!r})\nprint('held', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            assert cache(tmp_path).crawl("k", NOW) is None
            held(tmp_path, "another").close()
        finally:
            other.kill()
    held(tmp_path).close()


def test_forgotten_crawls_are_removed_unless_they_run(tmp_path) -> None:
    runs = held(tmp_path, "held")
    held(tmp_path, "left").close()
    for name in ("held", "left"):
        os.utime(tmp_path / "crawls" / name, (1000, 1000))
    cache(tmp_path).prune()
    assert [path.name for path in (tmp_path / "crawls").iterdir()] == ["held"]
    runs.close()
