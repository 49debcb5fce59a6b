"""Recordings of an LLM's answers on the command line: what is stored, what is repeated, and what no longer matches."""

import json
import os
import pty
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.llm.cassette import MANIFEST
from tests.fakes.command import Outcome, Septet
from tests.fakes.llm.answers import answer_body
from tests.fakes.llm.drafting import LISTING, NAME, of, stopped, tree, written
from tests.fakes.llm.server import KEY, FakeEndpoint, by

pytestmark = pytest.mark.slow

PLAIN_KEY = "four-words-and-nothing-like-a-key"
"""A key of another profile that no key pattern matches: only code that knows the key can remove it."""


class Kept(NamedTuple):
    """The files and output of one recorded run."""

    draft: str
    answers: Path
    out: Path
    listing: Path
    said: str
    requests: int


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A recorded run with keys, whose endpoint no longer exists."""
    folder = tmp_path_factory.mktemp("kept")
    page = written(folder / "listing.md", LISTING)
    with FakeEndpoint(
        [by(lambda body: f"<think>I have seen {PLAIN_KEY} and {KEY}</think>{answer_body(body)}")]
    ) as endpoint:
        own = {name: value for name, value in os.environ.items() if name != "CI"}  # noqa: TID251
        own |= {"SEPTET_CACHE_DIR": "off", "SEPTET_LLM_BASE_URL": endpoint.base_url, "SEPTET_LLM_KEY": KEY}
        own |= {"SEPTET_LLM_ANSWER_TOKENS": "5000", "OPENAI_API_KEY": PLAIN_KEY}
        call = ["draft", page, "--llm", NAME, "--record", folder / "rec", "--out", folder / "out", "--json"]
        code = "import sys; from agent.cli import main; main(sys.argv[1:])"
        ended, out, err = on_a_terminal([sys.executable, "-c", code, *map(str, call)], own)
        assert ended == 0, err
        return Kept(out, folder / "rec", folder / "out", page, err, len(endpoint.requests))


def on_a_terminal(call: list[str], environ: Mapping[str, str]) -> Outcome:
    """Return exit code, stdout and stderr of a program whose stderr is a terminal."""
    ours, theirs = pty.openpty()
    seen: list[bytes] = []

    def read() -> None:
        # The system raises an error when the other side is closed.
        with suppress(OSError):
            while piece := os.read(ours, 4096):
                seen.append(piece)

    reader = threading.Thread(target=read)
    reader.start()
    done = subprocess.run(call, stdout=subprocess.PIPE, stderr=theirs, env=environ, timeout=120, check=False)
    os.close(theirs)
    reader.join()
    os.close(ours)
    return Outcome(done.returncode, done.stdout.decode(), b"".join(seen).decode())


def test_on_a_terminal_these_lines_do_not_stand_in_the_line_of_progress(kept: Kept) -> None:
    assert "asking the LLM" in kept.said
    lines = [line for line in kept.said.replace("\x1b[2K", "\n").splitlines() if "llm: " in line]
    assert len(lines) == 2
    assert all(line.startswith(f"llm: {NAME}") for line in lines), lines


def test_a_replay_gives_the_same_bytes_and_asks_nobody(
    kept: Kept, fake: FakeEndpoint, septet: Septet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("SEPTET_LLM", "nobody/x")
    monkeypatch.setenv("SEPTET_LLM_ANSWER_TOKENS", "5000")
    before = tree(kept.answers)
    said = septet("draft", kept.listing, "--replay", kept.answers, "--out", tmp_path / "out", "--json")
    assert said.code == 0, said.err
    assert said.out == kept.draft
    assert said.err.startswith(f"llm: replaying the answers of {NAME} from {kept.answers}; nothing is sent\n")
    assert fake.requests == []
    assert tree(kept.answers) == before
    assert tree(tmp_path / "out") == tree(kept.out)


def test_the_answers_of_the_llm_are_kept_beside_the_draft(kept: Kept) -> None:
    assert tree(kept.out / "snapshots" / "llm") == tree(kept.answers)
    first = json.loads((kept.answers / MANIFEST).read_text())
    assert first["llm"] == NAME
    assert len(first["interactions"]) == kept.requests >= 4
    assert of(kept.draft).created_at == first["recorded_at"].replace("+00:00", "Z")


def test_no_key_and_no_delimiter_is_kept(kept: Kept) -> None:
    whole = b"\n".join([*tree(kept.out).values(), *tree(kept.answers).values()])
    text = whole.decode("utf-8", "replace") + kept.draft + kept.said
    assert KEY not in text
    assert PLAIN_KEY not in text
    assert "I have seen [redacted] and [key]" in text
    assert "<<<⟦delimiter⟧" in text


def test_a_draft_is_repeated_from_its_own_folder(
    kept: Kept, fake: FakeEndpoint, septet: Septet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEPTET_LLM", "nobody/x")
    again = tmp_path / "again"
    shutil.copytree(kept.out, again)
    for place in (kept.out, kept.out / "snapshots", again):
        said = septet("draft", "--from-snapshot", place, "--out", again, "--json")
        assert said.code == 0, said.err
        assert said.out == kept.draft
        assert tree(again) == tree(kept.out)
    assert fake.requests == []


def test_another_drafter_may_repeat_it(kept: Kept, fake: FakeEndpoint, septet: Septet, tmp_path: Path) -> None:
    plain = septet("draft", "--from-snapshot", kept.out, "--llm", "embedded", "--json")
    assert of(plain.out).drafter.kind == "embedded"
    assert fake.requests == []
    rec = tmp_path / "rec"
    anew = septet("draft", "--from-snapshot", kept.out, "--llm", "generic/other", "--record", rec, "--json")
    assert of(anew.out).drafter.llm == "generic/other"
    assert len(fake.requests) == len(list(rec.glob("*-e1-*.json")))
    assert septet("draft", "--from-snapshot", kept.out, "--replay", rec, "--json").out == anew.out


def test_a_changed_prompt_is_told_line_by_line_and_nothing_is_drafted(
    kept: Kept, septet: Septet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEPTET_LLM_ANSWER_TOKENS", "5000")
    changed = written(tmp_path / "listing.md", LISTING.replace("ninety days", "ninety dayz"))
    out = tmp_path / "out"
    for options in ((), ("--fallback", "embedded")):
        said = septet("draft", changed, "--replay", kept.answers, "--out", out, "--json", *options)
        stopped(said, 6, "calls without a recording: ")
        lines = said.err.splitlines()
        assert any(line.startswith("  -") and line.endswith("for ninety days.") for line in lines), said.err
        assert any(line.startswith("  +") and line.endswith("for ninety dayz.") for line in lines), said.err
        assert not out.exists()


def test_a_recording_without_its_call_fails(kept: Kept, septet: Septet, tmp_path: Path) -> None:
    own = tmp_path / "rec"
    shutil.copytree(kept.out / "snapshots", own)
    manifest = own / "llm" / MANIFEST
    content = json.loads(manifest.read_text())
    first = next(iter(content["interactions"]))
    twin = first.replace("-1.json", "-2.json")
    shutil.copy(manifest.with_name(first), manifest.with_name(twin))
    content["interactions"][twin] = content["interactions"][first]
    manifest.write_text(json.dumps(content))
    stopped(septet("draft", "--from-snapshot", own, "--json"), 6, f"  unused: {twin}\n")


def test_a_source_that_cannot_be_read_is_the_cause_that_is_told(kept: Kept, septet: Septet, tmp_path: Path) -> None:
    empty = written(tmp_path / "empty.md", "")
    stopped(septet("draft", empty, "--replay", kept.answers), 1, "empty")


def test_a_run_that_ends_before_its_first_call_leaves_no_recording(
    fake: FakeEndpoint, septet: Septet, tmp_path: Path
) -> None:
    empty = written(tmp_path / "empty.md", "")
    (tmp_path / "given").mkdir()
    for folder in ("given", "new"):
        stopped(septet("draft", empty, "--llm", NAME, "--record", tmp_path / folder), 1, "empty")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["empty.md", "given"]
    assert fake.requests == []
