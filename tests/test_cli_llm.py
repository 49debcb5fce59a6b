"""`septet draft` with an LLM, as a shell sees it: who is asked, what it may take, what is kept and repeated."""

import importlib.util
import json
import os
import pty
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.llm.cassette import MANIFEST
from agent.llm.port import Call, Message
from agent.records import Draft
from agent.settings import Settings
from agent.verbs.drafter import Choice
from agent.verbs.opening import JUDGE, open_assistant
from tests.fakes.command import Outcome, Septet
from tests.fakes.llm_answers import answer_body
from tests.fakes.llm_server import KEY, FakeEndpoint, by, chat, refused, status

NAME = "generic/fake-1"
NOW = "2026-11-01T09:30:00Z"
PLAIN_KEY = "four-words-and-nothing-like-a-key"
"""A key that no pattern of keys finds, of another profile: only who knows it can take it out."""
LISTING = """# Acme Mail Agent

Acme Mail Agent reads a team's shared mailbox, drafts replies and sends them through Gmail with the owner's account.

## Features

- Runs Python snippets in a container to compute figures for replies.
- Stores every thread in a PostgreSQL database for ninety days.
- Calls tools of connected MCP servers without asking.
- An administrator approves each new recipient in the settings.
"""


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    return written(tmp_path / "listing.md", LISTING)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEndpoint]:
    """An endpoint that answers well, where the settings say."""
    with FakeEndpoint([by(answer_body)]) as endpoint:
        monkeypatch.setenv("SEPTET_LLM_BASE_URL", endpoint.base_url)
        yield endpoint


class Kept(NamedTuple):
    """What one recorded run left behind."""

    draft: str
    answers: Path
    out: Path
    listing: Path
    said: str
    requests: int


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A recorded run with a key and a judge; its endpoint does not exist any more."""
    folder = tmp_path_factory.mktemp("kept")
    page = written(folder / "listing.md", LISTING)
    with FakeEndpoint(
        [by(lambda body: f"<think>I have seen {PLAIN_KEY} and {KEY}</think>{answer_body(body)}")]
    ) as endpoint:
        own = {name: value for name, value in os.environ.items() if name != "CI"}  # noqa: TID251
        own |= {"SEPTET_CACHE_DIR": "off", "SEPTET_LLM_BASE_URL": endpoint.base_url, "SEPTET_LLM_KEY": KEY}
        own |= {"SEPTET_LLM_JUDGE": "generic/judge-1", "SEPTET_LLM_ANSWER_TOKENS": "5000", "OPENAI_API_KEY": PLAIN_KEY}
        call = ["draft", page, "--llm", NAME, "--record", folder / "rec", "--out", folder / "out", "--json"]
        code = "import sys; from agent.cli import main; main(sys.argv[1:])"
        ended, out, err = on_a_terminal([sys.executable, "-c", code, *map(str, call)], own)
        assert ended == 0, err
        return Kept(out, folder / "rec", folder / "out", page, err, len(endpoint.requests))


def on_a_terminal(call: list[str], environ: Mapping[str, str]) -> Outcome:
    """Exit code, stdout and stderr of a program whose stderr is a terminal."""
    ours, theirs = pty.openpty()
    seen: list[bytes] = []

    def read() -> None:
        # The system raises when the other side is closed.
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


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def tree(folder: Path) -> dict[str, bytes]:
    """The bytes of a draft's files but for the index, which has identities of its own."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        name: path.read_bytes() for path in files if not (name := str(path.relative_to(folder))).startswith("index")
    }


def stopped(said: Outcome, code: int, what: str) -> None:
    assert (said.code, said.out) == (code, ""), said
    lines = said.err.splitlines()
    assert any(line.startswith("error: ") for line in lines), said.err
    assert any(line.startswith("hint: ") for line in lines), said.err
    assert what in said.err
    assert "Traceback" not in said.err


def of(text: str) -> Draft:
    return Draft.model_validate_json(text)


# -- who drafts ------------------------------------------------------------------------------------------------------


def test_an_llm_drafts_and_stderr_says_what_it_may_take_and_took(
    listing: Path, fake: FakeEndpoint, septet: Septet
) -> None:
    said = septet("draft", listing, "--llm", NAME, "--json")
    assert said.code == 0, said.err
    draft = of(said.out)
    assert (draft.drafter.kind, draft.drafter.llm) == ("llm", NAME)
    assert {part.by for part in draft.drafter.parts} - {"embedded"}
    before, after = said.err.splitlines()
    assert before.startswith(f"llm: {NAME}, ")
    assert " calls" in before
    assert " tokens in, at most " in before
    assert f"{NAME} took {len(fake.requests)} calls" in after
    assert {request.body["max_tokens"] for request in fake.requests} == {6000}


def test_the_setting_names_it_as_the_option_does(
    listing: Path, fake: FakeEndpoint, septet: Septet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEPTET_LLM", NAME)
    monkeypatch.setenv("SEPTET_LLM_ANSWER_TOKENS", "3000")
    said = septet("draft", listing, "--json")
    assert of(said.out).drafter.kind == "llm"
    assert {request.body["max_tokens"] for request in fake.requests} == {3000}
    fake.requests.clear()
    assert of(septet("draft", listing, "--llm", "embedded", "--json").out).drafter.kind == "embedded"
    assert fake.requests == []


def test_on_a_terminal_these_lines_do_not_stand_in_the_line_of_progress(kept: Kept) -> None:
    assert "asking the LLM" in kept.said
    lines = [line for line in kept.said.replace("\x1b[2K", "\n").splitlines() if "llm: " in line]
    assert len(lines) == 2
    assert all(line.startswith(f"llm: {NAME}") for line in lines), lines


@pytest.mark.parametrize(
    ("environ", "options", "note"),
    [
        ({"SEPTET_LLM_KEY": KEY}, (), "SEPTET_LLM_KEY would serve `--llm generic/NAME`"),
        ({"OPENAI_API_KEY": KEY}, (), "OPENAI_API_KEY would serve `--llm openai/NAME`"),
        ({"OPENAI_API_KEY": KEY, "SEPTET_LLM": ""}, (), "`--llm openai/NAME`"),
        ({"OPENAI_API_KEY": KEY, "SEPTET_LLM": "embedded"}, (), ""),
        ({"OPENAI_API_KEY": KEY}, ("--llm", "embedded"), ""),
        ({"OPENAI_API_KEY": " "}, (), ""),
        ({}, ("--fallback", "embedded"), ""),
    ],
)
def test_a_key_alone_selects_nothing(
    environ: Mapping[str, str],
    options: tuple[str, ...],
    note: str,
    listing: Path,
    fake: FakeEndpoint,
    septet: Septet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    said = septet("draft", listing, "--json", *options)
    assert of(said.out).drafter.kind == "embedded"
    assert fake.requests == []
    assert KEY not in said.err
    assert said.err.count("\n") == bool(note)
    assert note in said.err


# -- calls that are wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "environ", "code", "what"),
    [
        (("--replay", "rec", "--llm", NAME), {}, 2, "--replay does not go with --llm"),
        (("--replay", "rec", "--record", "new"), {}, 2, "--replay does not go with --record"),
        (("--record", "new"), {}, 2, "--record needs an LLM"),
        (("--record", "new"), {"SEPTET_LLM": "embedded"}, 2, "--record needs an LLM"),
        (("--record", "new", "--llm", "embedded"), {"SEPTET_LLM": NAME}, 2, "--record needs an LLM"),
        (("--fallback", "cloud"), {}, 2, "'cloud'"),
        (("--llm", "nobody/gpt"), {}, 2, "no profile is called 'nobody'"),
        (("--llm", "generic/"), {}, 2, "the name of the LLM is missing"),
        (("--llm", "openai/gpt-5.5"), {}, 2, "there is no key"),
        (("--llm", "openai/gpt-5.5", "--fallback", "embedded"), {}, 2, "there is no key"),
        ((), {"SEPTET_LLM": "generic/x", "SEPTET_LLM_BASE_URL": ""}, 2, "where the endpoint is"),
        ((), {"SEPTET_LLM": "generic/x", "SEPTET_LLM_BASE_URL": "ftp://example.com"}, 3, "plain http"),
        (("--llm", NAME), {"SEPTET_LLM_JUDGE": "nobody/x"}, 2, "no profile is called 'nobody'"),
        (("--llm", NAME), {"CI": "true"}, 2, "CI=true forbids calls to an LLM"),
        (("--llm", NAME, "--record", "new"), {"CI": "TRUE"}, 2, "replay a recording"),
        (("--llm", NAME), {"SEPTET_LLM_MAX_DOLLARS": "much"}, 1, "setting llm_max_dollars"),
        (("--llm", NAME), {"SEPTET_LLM_MAX_DOLLARS": "-1"}, 1, "setting llm_max_dollars"),
        (("--llm", NAME), {"SEPTET_LLM_MAX_DOLLARS": "1"}, 1, "the price of this LLM is unknown"),
        (("--llm", NAME, "--record", "new"), {"SEPTET_LLM_PRICES": "none.yaml"}, 1, "setting llm_prices"),
        (("--llm", NAME), {"SEPTET_LLM_MAX_TOKENS": "many"}, 1, "setting llm_max_tokens"),
        (("--llm", NAME, "--record", "."), {}, 2, "the folder for the recording is not empty"),
        (("--llm", "local/none.gguf"), {}, 1, "the file of the local LLM cannot be read"),
        (("--replay", "none"), {}, 6, "the recording is not complete"),
    ],
)
def test_a_call_that_is_wrong(
    options: tuple[str, ...],
    environ: Mapping[str, str],
    code: int,
    what: str,
    listing: Path,
    fake: FakeEndpoint,
    septet: Septet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(listing.parent)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    stopped(septet("draft", listing, "--json", "--out", "out", *options), code, what)
    assert fake.requests == []
    assert [path.name for path in listing.parent.iterdir()] == [listing.name]


# -- recordings --------------------------------------------------------------------------------------------------------


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
    assert said.err.startswith(f"llm: answers of {NAME} come from {kept.answers}; nothing is sent\n")
    assert fake.requests == []
    assert tree(kept.answers) == before
    assert tree(tmp_path / "out") == tree(kept.out)


def test_the_answers_of_both_llms_are_kept_beside_the_draft(kept: Kept) -> None:
    assert tree(kept.out / "snapshots" / "llm") == tree(kept.answers)
    first, judge = (json.loads((kept.answers / place / MANIFEST).read_text()) for place in ("", JUDGE))
    assert (first["llm"], judge["llm"]) == (NAME, "generic/judge-1")
    assert len(first["interactions"]) + len(judge["interactions"]) == kept.requests
    assert judge["interactions"]
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
    stopped(septet("draft", "--from-snapshot", own, "--json"), 6, f"  not used: {twin}\n")


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


# -- caps and failures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cap", ["SEPTET_LLM_MAX_TOKENS", "SEPTET_LLM_MAX_DOLLARS"])
def test_a_plan_beyond_a_cap_is_not_begun(
    cap: str, listing: Path, fake: FakeEndpoint, septet: Septet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = written(tmp_path / "prices.yaml", 'fake-1: {input: "2", cached: "0.5", output: "8"}\n')
    monkeypatch.setenv("SEPTET_LLM_PRICES", str(prices))
    monkeypatch.setenv(cap, "1000" if cap.endswith("TOKENS") else "0.01")
    said = septet("draft", listing, "--llm", NAME, "--record", tmp_path / "rec", "--json")
    stopped(said, 4, "--fallback embedded")
    assert said.err.startswith(f"llm: {NAME}, ")
    assert "at most $0." in said.err.splitlines()[0]
    assert fake.requests == []
    assert not (tmp_path / "rec").exists()
    out = tmp_path / "out"
    said = septet("draft", listing, "--llm", NAME, "--fallback", "embedded", "--out", out, "--json")
    assert said.code == 0
    again = septet("draft", "--from-snapshot", out, "--json")
    assert again.out == said.out
    assert "goes on alone" in again.err


@pytest.mark.parametrize("case", ["nobody", "unauthorised"])
def test_an_llm_that_cannot_be_had(
    case: str, listing: Path, septet: Septet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEPTET_LLM_CALL_SECONDS", "2")
    monkeypatch.setenv("SEPTET_LLM_KEY", KEY)
    with FakeEndpoint([refused(401, f"Incorrect API key {KEY}")]) as fake:
        address = fake.base_url if case == "unauthorised" else closed()
        monkeypatch.setenv("SEPTET_LLM_BASE_URL", address)
        rec, out = tmp_path / "rec", tmp_path / "out"
        said = septet("draft", listing, "--llm", NAME, "--record", rec, "--json")
        stopped(said, 4, "--fallback embedded")
        assert said.err.count("--fallback") == 1
        fallen = septet("draft", listing, "--llm", NAME, "--fallback", "embedded", "--out", out, "--json")
    assert fallen.code == 0, fallen.err
    assert "the embedded drafter goes on alone" in fallen.err
    draft = of(fallen.out)
    assert draft.drafter.kind == "embedded"
    assert any(NAME in item.what for item in draft.dropped)
    assert septet("draft", "--from-snapshot", out, "--json").out == fallen.out
    stopped(septet("draft", listing, "--replay", rec, "--json"), 4, "--fallback embedded")
    whole = "".join(content.decode("utf-8", "replace") for content in (*tree(rec).values(), *tree(out).values()))
    assert KEY not in whole + said.err + fallen.err


def closed() -> str:
    """The address of a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


@pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is not None, reason="the extra is installed")
def test_an_llm_whose_package_is_missing(listing: Path, septet: Septet, tmp_path: Path) -> None:
    (tmp_path / "small.gguf").write_bytes(b"GGUF")
    name = f"local/{tmp_path / 'small.gguf'}"
    stopped(septet("draft", listing, "--llm", name), 4, "install septet[local]; `--fallback embedded`")
    said = septet("draft", listing, "--llm", name, "--fallback", "embedded", "--json")
    assert said.code == 0, said.err
    assert "the local LLM needs a package" in said.err
    assert any("needs a package" in item.reason for item in of(said.out).dropped)


def test_waits_are_told_where_the_progress_is(fake: FakeEndpoint) -> None:
    busy = refused(429, "slow down", "rate_limit_exceeded", {"retry-after": "0"})
    said: list[str] = []
    with FakeEndpoint([busy, chat("{}")]) as slow:
        settings = Settings(llm_base_url=slow.base_url)
        with open_assistant(Choice(NAME), settings, {}, now=NOW, say=said.append) as opened:
            assert opened.assistant is not None
            call = Call("factors-1", (Message("user", "?"),), "Shape", {"type": "object"}, 10)
            assert opened.assistant.llm.complete(call).text == "{}"
    assert len(said) == 1
    assert "factors-1" in said[0]
    assert "before asking again (rate_limited)" in said[0]
    assert opened.answers is None


def test_each_run_has_a_delimiter_of_its_own() -> None:
    marks = set()
    with FakeEndpoint([status(500)]) as fake:
        for _ in range(3):
            with open_assistant(Choice(NAME), Settings(llm_base_url=fake.base_url), {}, now=NOW) as opened:
                assert opened.assistant is not None
                marks.add(opened.assistant.delimiter)
    assert len(marks) == 3
    assert all(len(mark) == 16 and mark.isalnum() for mark in marks)


def test_a_price_is_of_the_name_alone() -> None:
    prices = {}
    with FakeEndpoint([status(500)]) as fake:
        for name in ("generic/gpt-5.5", "ollama/qwen3:8b", "generic/qwen3:8b"):
            with open_assistant(Choice(name), Settings(llm_base_url=fake.base_url), {}, now=NOW) as opened:
                assert opened.assistant is not None
                price = opened.assistant.price
                prices[name] = None if price is None else str(price.output)
    assert prices == {"generic/gpt-5.5": "30", "ollama/qwen3:8b": "0", "generic/qwen3:8b": None}
