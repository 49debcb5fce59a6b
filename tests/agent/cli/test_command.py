"""The command line on bad input: documented exit code, two lines on stderr, empty stdout, nothing half-written."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agent.resources import data_folder
from tests.fakes.command import Septet, refused
from tests.fakes.drafts import workos
from tests.fakes.site import LISTING_PATH, Answer, Route, Site, acme, hang_up, redirect

Serve = Callable[[Mapping[str, Route]], Site]
LISTING = data_folder("corpus") / "cases" / "workos" / "listing.md"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("empty.md", b"", "empty"),
        ("blank.html", b"<html><body><script>app()</script></body></html>", "no text"),
        ("few.md", b"# Acme", "words of text"),
        ("binary.html", bytes(range(256)) * 64, ""),
        ("broken.pdf", b"%PDF-1.7\nnot a document", ""),
        ("broken.json", b'{"name": "Acme", ', ""),
        ("list.json", b"[1, 2, 3]", ""),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(100), ""),
    ],
)
def test_a_file_that_is_no_listing(name: str, content: bytes, what: str, septet: Septet, tmp_path: Path) -> None:
    file = write(tmp_path / name, content)
    refused(septet("draft", file, "--json", "--out", tmp_path / "out"), 1, what)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(septet: Septet, tmp_path: Path) -> None:
    file = write(tmp_path / "listing.md", "# Acme\n\nReads mail.")
    file.chmod(0)
    refused(septet("draft", file, "--json"), 1, "listing.md")


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("no/such/listing.md", 2),
        ("listing", 2),
        ("ftp://example.org/listing", 3),
        ("file:///etc/passwd", 3),
        ("//example.org/listing", 3),
        ("https://example.org/a b", 3),
        ("http://127.0.0.1:9/", 3),
        ("http://[::1]/", 3),
        ("http://10.0.0.7/", 3),
        ("http://169.254.169.254/latest/meta-data/", 3),
        ("http://user:secret@127.0.0.1/", 3),
    ],
)
def test_a_source_that_is_refused(source: str, code: int, septet: Septet, tmp_path: Path) -> None:
    refused(septet("draft", source, "--json", "--out", tmp_path / "out"), code, "")
    assert list(tmp_path.iterdir()) == []
    refused(septet("intake", source), code, "")


def test_a_metadata_address_is_refused_even_when_it_is_named(septet: Septet) -> None:
    address = "169.254.169.254"
    refused(septet("draft", f"http://{address}/", "--allow-private", address, "--json"), 3, "")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer("<h1>Not found</h1>", status=404), 1),
        (Answer("<h1>Sorry</h1>", status=503), 4),
        (redirect("/listing"), 1),
        (redirect("http://10.0.0.7/"), 3),
        (redirect("http://169.254.169.254/latest/"), 3),
        (hang_up, 1),
        (Answer("<html><body></body></html>"), 1),
        (Answer(b"\x89PNG\r\n\x1a\n" + bytes(500), media_type="image/png"), 1),
        (Answer(bytes(range(256)) * 40), 1),
    ],
)
def test_a_page_that_cannot_be_drafted(answer: Route, code: int, serve: Serve, septet: Septet, tmp_path: Path) -> None:
    site = serve({"/listing": answer})
    call = ("draft", site.url("/listing"), "--allow-private", site.host, "--json", "--out", tmp_path / "out")
    refused(septet(*call), code, "")
    assert list(tmp_path.iterdir()) == []


def test_a_page_on_loopback_needs_the_flag(serve: Serve, septet: Septet) -> None:
    site = serve(acme())
    outcome = septet("draft", site.url(LISTING_PATH), "--json")
    refused(outcome, 3, "allow-private")
    assert site.requests == []


def test_a_server_that_is_not_there(septet: Septet) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        refused(septet("draft", f"http://{host}/", "--allow-private", host, "--json"), 4, "")


def test_an_earlier_draft_survives_a_failed_one(septet: Septet, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert septet("draft", LISTING, "--out", out).code == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    refused(septet("draft", write(tmp_path / "empty.md", ""), "--json", "--out", out), 1, "empty")
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_folder_of_somebody_else_is_not_touched(septet: Septet, tmp_path: Path) -> None:
    write(tmp_path / "photo.jpg", b"\xff\xd8")
    refused(septet("draft", LISTING, "--json", "--out", tmp_path), 1, "photo.jpg")
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_a_note_that_is_no_text(septet: Septet, tmp_path: Path) -> None:
    refused(septet("draft", LISTING, "--json", "--note", write(tmp_path / "note", b"\xff\xfe\x00")), 1, "not UTF-8")
    refused(septet("draft", LISTING, "--json", "--note", " "), 2, "the note is empty")


# ---------------------------------------------------------------- explain, score, and the rest


STORED = json.loads(workos().model_dump_json(by_alias=True))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (json.dumps({**STORED, "schema": "septet/draft/2"}), "newer schema"),
        (json.dumps({**STORED, "score": {**STORED["score"], "aivss": 1.2}}), ""),
        ("[" * 200_000, ""),
        (b"\xff\xfe\x00", "not UTF-8"),
        ("", "malformed JSON"),
    ],
)
def test_explain_refuses_what_is_no_draft(content: str | bytes, what: str, septet: Septet, tmp_path: Path) -> None:
    refused(septet("explain", write(tmp_path / "draft.json", content), "--json"), 1, what)


def test_explain_needs_a_draft_and_a_known_item(septet: Septet, tmp_path: Path) -> None:
    refused(septet("explain", tmp_path, "--json"), 1, "there is no draft here")
    file = write(tmp_path / "d.json", json.dumps(STORED))
    refused(septet("explain", file, "autonomy_of_acton", "--json"), 1, "autonomy")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("{", "malformed JSON"),
        ("[1]", "not an object"),
        ('{"cvss_base": 7.5, "factor_sum": 3, "surprise": 1}', "surprise"),
        ('{"cvss_base": 11, "factor_sum": 3, "mode": "directory"}', "cvss_base"),
        ('{"cvss_base": 7.5, "factors": {"autonomy": 0.5}}', "missing"),
        ('{"cvss_base": NaN}', "NaN"),
        ('{"cvss_vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "factor_sum": 3}', "3.1"),
    ],
)
def test_score_refuses(content: str, what: str, septet: Septet, tmp_path: Path) -> None:
    refused(septet("score", write(tmp_path / "input.json", content), "--json"), 1, what)


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("draft",),
        ("draft", "--nonsense"),
        ("score",),
        ("score", "--base"),
        ("explain",),
        ("corpus", "import", "no-such-file.jsonl"),
        ("eval", "--drafter", "astrology"),
        ("eval", "--limit", "0"),
    ],
)
def test_a_wrong_call_is_code_two(arguments: tuple[str, ...], septet: Septet) -> None:
    refused(septet(*arguments), 2, "")


def test_corpus_and_eval_refuse_what_they_cannot_read(septet: Septet, tmp_path: Path) -> None:
    out = tmp_path / "cases"
    refused(septet("corpus", "import", tmp_path / "absent.jsonl", "--out", out), 1, "absent.jsonl")
    refused(septet("corpus", "import", write(tmp_path / "bad.jsonl", '{"slug": "a"}\n'), "--out", out), 1, "line 1")
    assert not out.exists()
    refused(septet("eval", "--cases", tmp_path / "nowhere", "--json"), 1, "nowhere")


def test_a_setting_that_is_wrong_is_named(septet: Septet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEPTET_MAX_PAGES", "many")
    refused(septet("draft", LISTING, "--json"), 1, "max_pages")
    monkeypatch.setenv("SEPTET_MAX_PAGES", "3")
    monkeypatch.setenv("SEPTET_CONFIG", str(write(tmp_path / "septet.toml", "max_pagez = 3\n")))
    refused(septet("draft", LISTING, "--json"), 1, "max_pagez")
    monkeypatch.setenv("SEPTET_CONFIG", str(write(tmp_path / "septet.toml", "max_pages = ")))
    refused(septet("draft", LISTING, "--json"), 1, "septet.toml")


# ---------------------------------------------------------------- good input


def undated(report: str) -> str:
    """Return a report without the time of its draft."""
    return re.sub(r"\d{4}-\d\d-\d\d[T0-9:]*Z?", "", report)


def test_json_is_the_draft_and_nothing_else(septet: Septet, tmp_path: Path) -> None:
    plain = septet("draft", LISTING, "--out", tmp_path / "out")
    assert plain.code == 0
    report = (tmp_path / "out" / "draft.md").read_text("utf-8")
    assert len(plain.out.splitlines()) <= 50
    assert plain.out.splitlines()[0] == report.splitlines()[0].removeprefix("# ")
    assert str(tmp_path / "out" / "draft.md") in plain.out
    assert undated(septet("draft", LISTING).out) == undated(report)
    as_json = septet("draft", LISTING, "--json")
    assert as_json.code == 0
    assert json.loads(as_json.out)["schema"] == "septet/draft/1"
    explained = septet("explain", tmp_path / "out", "autonomy_of_action")
    assert explained.code == 0
    assert "autonomy" in explained.out.lower()


def test_help_and_version(septet: Septet) -> None:
    for call in (("--help",), ("-h",), ("draft", "--help"), ("corpus", "--help")):
        outcome = septet(*call)
        assert (outcome.code, outcome.err) == (0, "")
        assert "Usage: " in outcome.out
    assert septet("--version").out.startswith("septet, version ")


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error() -> None:
    code = "import sys; from agent.cli import main; main(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "draft", str(LISTING)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), b"error" in error, b"Traceback" in error) == (0, False, False), error


@pytest.mark.parametrize(
    ("typed", "meant"), [("darft", "draft"), ("Review", "review"), ("audit_log", "audit-log"), ("xyzzy", "")]
)
def test_a_mistyped_verb_gets_the_nearest_one_if_one_is_like_it(typed: str, meant: str, septet: Septet) -> None:
    outcome = septet(typed, "x")
    refused(outcome, 2, repr(typed))
    assert (f"did you mean `septet {meant}`" if meant else "hint: `septet --help`") in outcome.err
