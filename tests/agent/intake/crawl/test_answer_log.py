"""The log of answers: what a crawl received is stored, returned again and never invented."""

import pytest

from agent.errors import IntegrityError, RefusedError, SourceError, UnavailableError
from agent.intake.crawl.answer import Fetched, Outcome
from agent.intake.crawl.answer_log import Answered, Failed, Log, Logged, Stopped, append, entry_of, outcome_of, read_log

A, B, C = (f"https://acme.example.com/{name}" for name in "abc")


def answer(url: str, body: bytes = b"<p>hello</p>", final: str = "") -> Fetched:
    headers = (("etag", '"1"'),)
    return Fetched(url, final or url, "text/html", "utf-8", body, headers, "2026-11-01T00:00:00Z", "septet/0.1")


class Pages:
    """A web with fixed outcomes that counts requests; the budget is used up after the check with number `full`."""

    def __init__(self, outcomes: dict[str, Outcome], full: int | None = None) -> None:
        self.outcomes = outcomes
        self.asked: list[str] = []
        self._looks = 0
        self._full = full

    def get_all(self, urls: list[str]) -> list[Outcome]:
        self.asked += urls
        return [self.outcomes[url] for url in urls]

    def exhausted(self) -> str | None:
        self._looks += 1
        return "the time is up" if self._full is not None and self._looks > self._full else None


def test_a_finished_crawl_is_repeated_word_for_word() -> None:
    down = UnavailableError("no answer in time", where=B, hint="try later")
    live = Logged(Pages({A: answer(A), B: down, C: answer(C, b"c", final=A)}, full=1))
    seen = [live.get_all([A, B]), live.exhausted(), live.get_all([C]), live.exhausted()]
    again = Logged(None, live.heard)
    repeated = [again.get_all([A, B]), again.exhausted(), again.get_all([C]), again.exhausted()]
    assert repeated[1:] == seen[1:] == [None, [answer(C, b"c", final=A)], "the time is up"]
    assert repeated[0][0] == answer(A)
    failed = repeated[0][1]
    assert isinstance(failed, UnavailableError)
    assert (failed.what, failed.where, failed.hint) == (down.what, down.where, down.hint)
    assert again.heard == live.heard


def test_an_address_that_was_never_answered_is_named() -> None:
    [outcome] = Logged(None, Log()).get_all([A])
    assert isinstance(outcome, SourceError)
    assert "not among the stored responses" in str(outcome)


def test_the_same_address_twice_gives_both_answers_in_order() -> None:
    pages = Pages({A: answer(A, b"first")})
    live = Logged(pages)
    live.get_all([A])
    pages.outcomes[A] = answer(A, b"second")
    live.get_all([A])
    again = Logged(None, live.heard)
    assert [again.get_all([A])[0], again.get_all([A])[0]] == [answer(A, b"first"), answer(A, b"second")]


def test_an_interrupted_crawl_asks_only_for_what_is_missing_or_failed() -> None:
    first = Logged(Pages({A: answer(A), B: RefusedError("no", where=B)}, full=0))
    first.get_all([A, B])
    assert first.exhausted() == "the time is up"
    kept: list[str] = []
    pages = Pages({B: answer(B), C: answer(C)})
    second = Logged(pages, first.heard, sink=lambda entry, _: kept.append(getattr(entry, "asked", "")))
    assert second.get_all([A, B, C]) == [answer(A), answer(B), answer(C)]
    assert pages.asked == [B, C]
    assert kept == [B, C]
    assert second.exhausted() is None, "a budget that ran out is not inherited"
    assert [entry.asked for entry in second.heard.entries if isinstance(entry, Answered)] == [A, B, C]


def test_bytes_that_are_given_again_count() -> None:
    first = Logged(Pages({A: answer(A, b"x" * 100)}))
    first.get_all([A])
    second = Logged(Pages({}), first.heard, max_bytes=100)
    assert second.exhausted() is None
    second.get_all([A])
    assert second.exhausted() == "the product's byte budget is used up"


def test_a_changed_body_is_noticed() -> None:
    entry = entry_of(A, answer(A))
    assert isinstance(entry, Answered)
    for bodies in ({entry.sha256: b"other"}, {}):
        with pytest.raises(IntegrityError):
            outcome_of(entry, bodies)


class _EndlessError(SourceError):
    """An error class defined by this module."""


def test_errors_keep_their_public_class_and_any_text() -> None:
    entry = entry_of(A, RefusedError("a blank \ud800", where="x\x00y"))
    again = outcome_of(Failed.model_validate_json(entry.model_dump_json()), {})
    assert isinstance(again, RefusedError)
    assert (again.what, again.where) == ("a blank ?", "x\x00y")
    assert type(outcome_of(entry_of(A, _EndlessError("in a circle")), {})) is SourceError


def test_every_cut_of_the_file_leaves_whole_entries(tmp_path) -> None:
    entries = [entry_of(A, answer(A)), Stopped(look=3, reason="böse\n"), entry_of(B, SourceError("gone", where=B))]
    path = tmp_path / "log.jsonl"
    for entry in entries:
        append(path, entry)
    whole = path.read_bytes()
    ends = [n + 1 for n, byte in enumerate(whole) if byte == 10]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        complete = sum(end <= cut for end in ends)
        assert read_log(path) == entries[:complete]
        append(path, entries[1])
        assert read_log(path) == [*entries[:complete], entries[1]]
    assert read_log(tmp_path / "none") == []
