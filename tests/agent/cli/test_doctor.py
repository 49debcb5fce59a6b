"""`septet doctor`: the findings about a loopback endpoint, how they are printed, and the exit codes."""

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.llm.profiles import profiles
from tests.fakes.command import Septet, refused as exits
from tests.fakes.llm.server import KEY, FakeEndpoint, Step, chat, refused, status

NAME = "generic/fake-1"
LISTED = status(200, {"object": "list", "data": [{"id": "other"}, {"id": "fake-1"}]})
DAYS = chat('{"days": 7}')
CAPPED = chat('{"numbers": [1, 2', finish_reason="length", usage={"prompt_tokens": 40, "completion_tokens": 32})
LONG = chat('{"password": "heliotrope"}', usage={"prompt_tokens": 16_000, "completion_tokens": 9})
GOOD: Sequence[Step] = (LISTED, DAYS, CAPPED, LONG)


def prices(folder: Path) -> Path:
    path = folder / "prices.yaml"
    path.write_text('fake-1: {input: "2", cached: "0.5", output: "8"}\n')
    return path


def test_a_good_endpoint(septet: Septet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_LLM_PRICES", str(prices(tmp_path)))
    with FakeEndpoint(GOOD) as fake:
        monkeypatch.setenv("SEPTET_LLM_BASE_URL", fake.base_url)
        said = septet("doctor", "--llm", NAME)
    assert [request.path for request in fake.requests] == ["/v1/models"] + ["/v1/chat/completions"] * 3
    assert (said.code, "error" in said.err) == (0, False)
    lines = said.out.splitlines()
    assert lines[0] == f"{NAME} at {fake.base_url}: 16080 tokens in, 48 out"
    assert [line.split()[0] for line in lines[1:6]] == ["ok"] * 5, said.out
    assert "fake-1, one of 2" in lines[1]
    assert "$2 per million tokens in, $8 out" in said.out
    assert lines[-1] == f"to draft with it: septet draft SOURCE --llm {NAME}"
    assert "set SEPTET_LLM_BASE_URL to its address" in said.out


def test_the_same_as_json_with_the_llm_of_the_setting(septet: Septet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_LLM", NAME)
    with FakeEndpoint(GOOD) as fake:
        monkeypatch.setenv("SEPTET_LLM_BASE_URL", fake.base_url)
        said = septet("doctor", "--json")
    found = json.loads(said.out)
    assert (said.code, "error" in said.err) == (0, False)
    assert (found["schema"], found["llm"], found["profiles"]) == ("septet/doctor/1", NAME, [])
    assert found["address"] == fake.base_url
    assert [row["well"] for row in found["rows"][:5]] == [True, True, True, True, None]
    assert all(set(row) == {"check", "well", "found", "advice"} for row in found["rows"])
    assert "SEPTET_LLM_PRICES" in found["rows"][4]["advice"]
    assert found["usage"] == {"input_tokens": 16_080, "output_tokens": 48, "cached_tokens": 0, "estimated": False}


def test_an_endpoint_that_does_as_it_likes(septet: Septet, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = chat('{"numbers": [1]}', usage={"prompt_tokens": 40, "completion_tokens": 900})
    cut = chat('{"password": "?"}', usage={"prompt_tokens": 4096, "completion_tokens": 9})
    other = status(200, {"data": [{"id": "other"}]})
    with FakeEndpoint([other, refused(400, "response_format?"), chat("It has seven."), endless, cut]) as fake:
        monkeypatch.setenv("SEPTET_LLM_BASE_URL", fake.base_url)
        said = septet("doctor", "--llm", NAME)
    assert (said.code, "error" in said.err) == (1, False)
    assert said.out.count("FAILED") == said.out.count("→ ") - said.out.count("unknown") == 4, said.out
    assert "fake-1 is not among: other" in said.out
    assert "900 tokens, with 32 allowed" in said.out
    assert "only 4096 tokens were read" in said.out
    assert "→ give the server a longer context" in said.out


def test_a_key_that_is_refused_is_not_shown(septet: Septet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_LLM_KEY", KEY)
    with FakeEndpoint([refused(401, f"Incorrect API key: {KEY}")]) as fake:
        monkeypatch.setenv("SEPTET_LLM_BASE_URL", fake.base_url)
        said, parsed = septet("doctor", "--llm", NAME), septet("doctor", "--llm", NAME, "--json")
        assert fake.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert (said.code, parsed.code) == (4, 4)
    assert [row["well"] for row in json.loads(parsed.out)["rows"][:2]] == [False, False]
    assert "check the key" in json.loads(parsed.out)["rows"][1]["advice"]
    assert "check the key" in said.out
    assert "draft with it" not in said.out
    for text in (*said[1:], *parsed[1:]):
        assert KEY not in text
        assert KEY[8:] not in text


def test_nobody_listens(septet: Septet, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("SEPTET_LLM_BASE_URL", f"http://127.0.0.1:{port}/v1")
    monkeypatch.setenv("SEPTET_LLM_CALL_SECONDS", "3")
    said = septet("doctor", "--llm", NAME, "--json")
    assert said.code == 4
    assert json.loads(said.out)["rows"][1]["well"] is False


def test_escapes_of_an_endpoint_do_not_reach_the_terminal(septet: Septet, monkeypatch: pytest.MonkeyPatch) -> None:
    names = status(200, {"data": [{"id": "evil\x1b[2J\u202eone"}]})
    with FakeEndpoint([names, DAYS, CAPPED, LONG]) as fake:
        monkeypatch.setenv("SEPTET_LLM_BASE_URL", fake.base_url)
        said = septet("doctor", "--llm", NAME)
    assert said.code == 1
    assert "evil" in said.out
    assert "\x1b" not in said.out
    assert "\u202e" not in said.out


@pytest.mark.parametrize("llm", [None, "", "embedded"])
def test_without_an_llm_the_profiles_are_listed_and_no_key(
    llm: str | None, septet: Septet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    options = () if llm is None else ("--llm", llm)
    said = septet("doctor", *options)
    assert (said.code, "error" in said.err) == (0, False)
    for name in profiles():
        assert f"\n{name} " in said.out
    assert "OPENAI_API_KEY is set" in said.out
    assert "ANTHROPIC_API_KEY is not set" in said.out
    assert "OLLAMA_CONTEXT_LENGTH" in said.out
    found = json.loads(septet("doctor", *options, "--json").out)
    assert [(row["name"], row["key_set"]) for row in found["profiles"]] == [
        (name, name.startswith("openai")) for name in profiles()
    ]
    assert (found["llm"], found["rows"]) == (None, [])
    assert KEY not in said.out + json.dumps(found)


@pytest.mark.parametrize(
    ("llm", "code", "what"),
    [
        ("nobody/gpt", 2, "no profile is called 'nobody'"),
        ("generic", 2, "name of the LLM is missing"),
        ("generic/x", 2, "the endpoint has no address"),
        ("openai/gpt", 2, "the key is missing"),
        ("local/none.gguf", 1, "cannot be read"),
    ],
)
def test_an_llm_that_cannot_be_opened(llm: str, code: int, what: str, septet: Septet) -> None:
    exits(septet("doctor", "--llm", llm, "--json"), code, what)


def test_listing_profiles_loads_no_sdk() -> None:
    code = (
        "import sys, agent.cli\n"
        "try: agent.cli.main(['doctor'])\n"
        "except SystemExit as stop: assert stop.code == 0, stop.code\n"
        "heavy = {'openai', 'langchain', 'langchain_core', 'chromadb', 'numpy', 'tiktoken', 'httpx2'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
