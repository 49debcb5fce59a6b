"""An LLM that costs too much, fails, hangs or is interrupted, as seen from a shell."""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.cli.llm_session import Choice, open_assistant
from agent.llm.cassette import MANIFEST
from agent.llm.port import Call, Message
from agent.settings import Settings
from tests.fakes.command import Septet
from tests.fakes.llm.answers import answer_body
from tests.fakes.llm.drafting import NAME, NOW, of, stopped, tree, written
from tests.fakes.llm.server import KEY, FakeEndpoint, Step, by, chat, hang, refused


@pytest.mark.parametrize("cap", ["SEPTET_LLM_MAX_TOKENS", "SEPTET_LLM_MAX_DOLLARS"])
def test_a_plan_beyond_a_cap_is_not_begun(
    cap: str, listing: Path, fake: FakeEndpoint, septet: Septet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = written(tmp_path / "prices.yaml", 'fake-1: {input: "2", cached: "0.5", output: "8"}\n')
    monkeypatch.setenv("SEPTET_LLM_PRICES", str(prices))
    monkeypatch.setenv(cap, "1000" if cap.endswith("TOKENS") else "0.01")
    said = septet("draft", listing, "--llm", NAME, "--record", tmp_path / "rec", "--json")
    stopped(said, 4, "--fallback embedded")
    planned = next(line for line in said.err.splitlines() if line.startswith(f"llm: {NAME}, "))
    assert "at most $0." in planned
    assert fake.requests == []
    assert not (tmp_path / "rec").exists()
    out = tmp_path / "out"
    said = septet("draft", listing, "--llm", NAME, "--fallback", "embedded", "--out", out, "--json")
    assert said.code == 0
    again = septet("draft", "--from-snapshot", out, "--json")
    assert again.out == said.out
    assert "continuing with the embedded drafter only" in again.err


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
    assert "continuing with the embedded drafter only" in fallen.err
    draft = of(fallen.out)
    assert draft.drafter.kind == "embedded"
    assert any(NAME in item.what for item in draft.dropped)
    assert septet("draft", "--from-snapshot", out, "--json").out == fallen.out
    stopped(septet("draft", listing, "--replay", rec, "--json"), 4, "--fallback embedded")
    whole = "".join(content.decode("utf-8", "replace") for content in (*tree(rec).values(), *tree(out).values()))
    assert KEY not in whole + said.err + fallen.err


def closed() -> str:
    """The address of a port on which nothing listens."""
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
    assert "before retrying (rate_limited)" in said[0]
    assert opened.answers is None


# -- runs that end early -----------------------------------------------------------------------------------------------


@contextmanager
def program(code: str, arguments: Sequence[object], endpoint: FakeEndpoint) -> Iterator[subprocess.Popen[str]]:
    """Run the command line in a separate process, after `code`; it ends with the block, even when a check fails."""
    own = {name: value for name, value in os.environ.items() if name != "CI"}  # noqa: TID251
    own |= {"SEPTET_CACHE_DIR": "off", "SEPTET_LLM_BASE_URL": endpoint.base_url}
    call = [sys.executable, "-c", f"{code}; import sys; from agent.cli import main; main(sys.argv[1:])"]
    pipe = subprocess.PIPE
    with subprocess.Popen([*call, *map(str, arguments)], stdout=pipe, stderr=pipe, text=True, env=own) as run:
        try:
            yield run
        finally:
            run.kill()


GOOD = by(answer_body)


@pytest.mark.parametrize(
    ("script", "kept"), [([GOOD, GOOD, hang], 2), pytest.param([GOOD] * 3 + [hang], 3, marks=pytest.mark.slow)]
)
def test_an_interrupted_run_ends_at_once_and_says_what_it_took(
    script: Sequence[Step], kept: int, listing: Path, septet: Septet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rec, out = tmp_path / "rec", tmp_path / "out"
    arguments = ["draft", listing, "--llm", NAME, "--record", rec, "--out", out]
    with FakeEndpoint(script) as fake, program("0", arguments, fake) as run:
        until = time.monotonic() + 60
        # Three calls, then one.
        while len(fake.requests) < (3 if kept < 3 else 4) or len(list(rec.glob("*-1.json"))) < kept:
            assert time.monotonic() < until
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        start = time.monotonic()
        said, err = run.communicate(timeout=60)
        assert time.monotonic() - start < 3
    assert (run.returncode, said) == (130, "")
    assert "Traceback" not in err
    assert f"llm: {NAME} used {len(fake.requests)} calls, about " in err
    assert err.rstrip().endswith("before the run was abandoned")
    assert not out.exists()
    manifest = json.loads((rec / MANIFEST).read_text())
    assert len(manifest["interactions"]) == kept
    assert sorted(manifest["interactions"]) == sorted(path.name for path in rec.glob("*-1.json"))
    stopped(septet("draft", listing, "--replay", rec), 6, "calls without a recording")


LIMITED = "import resource, signal; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, -1)); signal.signal(25, 1)"
"""Simulates a disk on which no file can exceed 4096 bytes, so that writes fail; a parser may raise its own limit."""


@pytest.mark.slow
def test_a_disk_that_is_full_leaves_no_half_of_an_answer(listing: Path, fake: FakeEndpoint, tmp_path: Path) -> None:
    for option in ("--record", "--out"):
        place = tmp_path / option.strip("-")
        with program(LIMITED, ["draft", listing, "--llm", NAME, option, place], fake) as run:
            said, err = run.communicate(timeout=60)
        assert (run.returncode, said) == (1, "")
        lines = err.splitlines()
        assert lines[-2].startswith("error: the recording cannot be written, "), err
        assert lines[-1] == "hint: check the folder and free space"
        assert f"llm: {NAME} used " in err
        assert "Traceback" not in err
        assert not place.exists()


@pytest.mark.slow
def test_an_llm_that_hangs_costs_its_time_and_no_more(
    listing: Path, septet: Septet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEPTET_LLM_CALL_SECONDS", "1")
    with FakeEndpoint([hang]) as endpoint:
        monkeypatch.setenv("SEPTET_LLM_BASE_URL", endpoint.base_url)
        said = septet("draft", listing, "--llm", NAME)
        fallen = septet("draft", listing, "--llm", NAME, "--fallback", "embedded")
    stopped(said, 4, "no complete answer in time")
    assert fallen.code == 0
    for err in (said.err, fallen.err):
        assert err.count(f"llm: {NAME} used 3 calls, about ") == 1, err
