"""`septet draft` with an LLM, as seen from a shell: the choice of drafter, the announced limits, and invalid calls."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.cli.llm_session import Choice, open_assistant
from agent.settings import Settings
from tests.fakes.command import Septet
from tests.fakes.llm.drafting import NAME, NOW, of, stopped
from tests.fakes.llm.server import KEY, FakeEndpoint, status

# -- choice of drafter ------------------------------------------------------------------------------------------------


def test_an_llm_drafts_and_stderr_says_what_it_may_take_and_took(
    listing: Path, fake: FakeEndpoint, septet: Septet
) -> None:
    said = septet("draft", listing, "--llm", NAME, "--json")
    assert said.code == 0, said.err
    draft = of(said.out)
    assert (draft.drafter.kind, draft.drafter.llm) == ("llm", NAME)
    assert {part.by for part in draft.drafter.parts} - {"embedded"}
    before, after = (line for line in said.err.splitlines() if line.startswith("llm: "))
    assert before.startswith(f"llm: {NAME}, ")
    assert " calls" in before
    assert " tokens in, at most " in before
    assert f"{NAME} used {len(fake.requests)} calls" in after
    assert {request.body["max_tokens"] for request in fake.requests} == {8000}


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


@pytest.mark.parametrize(
    ("environ", "options", "note"),
    [
        ({"SEPTET_LLM_KEY": KEY}, (), "SEPTET_LLM_KEY would work with `--llm generic/NAME`"),
        ({"OPENAI_API_KEY": KEY}, (), "OPENAI_API_KEY would work with `--llm openai/NAME`"),
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
    assert said.err.count("note: ") == bool(note)
    assert note in said.err


def test_each_run_has_a_delimiter_of_its_own() -> None:
    marks = set()
    with FakeEndpoint([status(500)]) as fake:
        for _ in range(3):
            with open_assistant(Choice(NAME), Settings(llm_base_url=fake.base_url), {}, now=NOW) as opened:
                assert opened.assistant is not None
                marks.add(opened.assistant.delimiter)
    assert len(marks) == 3
    assert all(len(mark) == 9 and mark.isdecimal() for mark in marks)


def test_a_price_is_of_the_name_alone() -> None:
    prices = {}
    with FakeEndpoint([status(500)]) as fake:
        for name in ("generic/gpt-5.5", "ollama/qwen3:8b", "generic/qwen3:8b"):
            with open_assistant(Choice(name), Settings(llm_base_url=fake.base_url), {}, now=NOW) as opened:
                assert opened.assistant is not None
                price = opened.assistant.price
                prices[name] = None if price is None else str(price.output)
    assert prices == {"generic/gpt-5.5": "30", "ollama/qwen3:8b": "0", "generic/qwen3:8b": None}


def test_a_draft_without_an_llm_begins_without_its_modules(listing: Path) -> None:
    code = """
import sys
from agent.cli import main
try:
    main(["draft", sys.argv[1], "--json"])
except SystemExit as end:
    assert end.code == 0
own = ("agent.drafting", "agent.assist.")
print("drafted with", *(name for name in sys.modules if name.startswith(own)), file=sys.stderr)
"""
    own = {**os.environ, "SEPTET_CACHE_DIR": "off"}  # noqa: TID251
    done = subprocess.run([sys.executable, "-c", code, listing], capture_output=True, text=True, env=own, check=True)
    assert "agent.drafting.compose" in done.stderr
    assert "agent.assist." not in done.stderr


# -- invalid calls ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "environ", "code", "what"),
    [
        (("--replay", "rec", "--llm", NAME), {}, 2, "--replay cannot be combined with --llm"),
        (("--replay", "rec", "--record", "new"), {}, 2, "--replay cannot be combined with --record"),
        (("--record", "new"), {}, 2, "--record needs an LLM"),
        (("--record", "new"), {"SEPTET_LLM": "embedded"}, 2, "--record needs an LLM"),
        (("--record", "new", "--llm", "embedded"), {"SEPTET_LLM": NAME}, 2, "--record needs an LLM"),
        (("--fallback", "cloud"), {}, 2, "'cloud'"),
        (("--llm", "nobody/gpt"), {}, 2, "no profile is called 'nobody'"),
        (("--llm", "generic/"), {}, 2, "the name of the LLM is missing"),
        (("--llm", "openai/gpt-5.5"), {}, 2, "the key is missing"),
        (("--llm", "openai/gpt-5.5", "--fallback", "embedded"), {}, 2, "the key is missing"),
        ((), {"SEPTET_LLM": "generic/x", "SEPTET_LLM_BASE_URL": ""}, 2, "the endpoint has no address"),
        ((), {"SEPTET_LLM": "generic/x", "SEPTET_LLM_BASE_URL": "ftp://example.com"}, 3, "plain http"),
        ((), {"SEPTET_LLM": "generic/x", "SEPTET_LLM_BASE_URL": ""}, 2, "set SEPTET_LLM_BASE_URL"),
        (("--llm", NAME), {"SEPTET_LLM_BASE_URL": "http://127.0.0.1:http/v1"}, 3, "http(s)://HOST[:PORT]/PATH"),
        (("--llm", NAME), {"SEPTET_LLM_BASE_URL": "http://127.0.0.1:99999/v1"}, 3, "the base URL cannot be read"),
        (("--llm", NAME), {"SEPTET_LLM_BASE_URL": "http://my host/v1"}, 3, "the base URL cannot be read"),
        (("--llm", NAME), {"SEPTET_LLM_BASE_URL": f"http://{'ä' * 80}/v1"}, 3, "the base URL cannot be read"),
        (("--llm", NAME), {"SEPTET_LLM_BASE_URL": "127.0.0.1:9000/v1"}, 3, "http(s)://HOST[:PORT]/PATH"),
        (("--llm", NAME), {"SEPTET_LLM_KEY": "two words"}, 2, "SEPTET_LLM_KEY"),
        (("--llm", NAME), {"SEPTET_LLM_CALL_SECONDS": "1e300"}, 1, "setting llm_call_seconds"),
        (("--llm", NAME), {"SEPTET_LLM_CALL_SECONDS": "0"}, 1, "setting llm_call_seconds"),
        (("--llm", NAME), {"SEPTET_LLM_ANSWER_TOKENS": "0"}, 1, "a number of at least 1"),
        (("--llm", NAME, "--record", "listing.md"), {}, 2, "the recording needs a folder"),
        (("--llm", NAME), {"CI": "true"}, 2, "CI=true forbids calls to an LLM"),
        (("--llm", NAME, "--record", "new"), {"CI": "TRUE"}, 2, "replay a recording"),
        (("--llm", NAME), {"SEPTET_LLM_MAX_DOLLARS": "much"}, 1, "setting llm_max_dollars"),
        (("--llm", NAME), {"SEPTET_LLM_MAX_DOLLARS": "-1"}, 1, "setting llm_max_dollars"),
        (("--llm", NAME), {"SEPTET_LLM_MAX_DOLLARS": "1"}, 1, "the price of this LLM is unknown"),
        (("--llm", NAME, "--record", "new"), {"SEPTET_LLM_PRICES": "none.yaml"}, 1, "setting llm_prices"),
        (("--llm", NAME), {"SEPTET_LLM_MAX_TOKENS": "many"}, 1, "setting llm_max_tokens"),
        (("--llm", NAME, "--record", "."), {}, 2, "the folder for the recording is not empty"),
        (("--llm", "local/none.gguf"), {}, 1, "the local LLM's file cannot be read"),
        (("--replay", "none"), {}, 6, "the recording is incomplete"),
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
