"""The endpoint that anyone can answer: requests as files, replies as files; the real adapter over loopback."""

import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agent.assist.run import Assistant
from agent.drafting.calibration import load_calibration
from agent.errors import InputError, LlmError, SourceError, UsageError
from agent.llm.budget import Budget, Caps
from agent.llm.openai_adapter import OpenAiLlm
from agent.llm.port import Call, Message, Reply
from agent.llm.profiles import Endpoint, profiles
from agent.llm.retry import Limits
from agent.llm.secret import Secret
from agent.llm.tokens import by_bytes
from agent.pipeline import draft_reading, read_documents
from agent.resources import data_folder
from evals.cases.corpus import load_case
from evals.cases.documents import documents_of
from evals.exchange.endpoint import Exchange, main
from evals.exchange.request_files import REPLIES, REQUESTS, RequestFolder, open_requests, read_requests
from tests.fakes.llm.answers import answer
from tests.places import ROOT

pytestmark = pytest.mark.slow

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}


def call(text: str = "How many?", schema_name: str = "FactorsAnswer", max_tokens: int = 200) -> Call:
    return Call("factors-1", (Message("system", "Be brief."), Message("user", text)), schema_name, SCHEMA, max_tokens)


def put(folder: Path, name: str, content: str) -> None:
    """Write a reply as a careful program does: to another file first."""
    part = folder / REPLIES / f"{name}.part"
    part.write_text(content, "utf-8")
    part.rename(folder / REPLIES / name)


def until(happens: Callable[[], bool], seconds: float = 10.0) -> None:
    limit = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.02)


@contextmanager
def serving(folder: Path, seconds: float = 20.0, attempts: int = 1) -> Iterator[OpenAiLlm]:
    exchange = Exchange(RequestFolder(folder, seconds))
    endpoint = Endpoint("generic", profiles()["generic"], "anna", exchange.base_url, Secret(""))
    # The endpoint stops first, so that a call in progress notices it.
    with closing(OpenAiLlm(endpoint, Limits(attempts=attempts, call_seconds=20.0))) as llm, exchange:
        yield llm


class Asking:
    """A call made in a separate thread."""

    def __init__(self, llm: OpenAiLlm, asked: Call) -> None:
        self.outcome: Reply | LlmError | None = None
        self._thread = threading.Thread(target=self._run, args=(llm, asked), daemon=True)
        self._thread.start()

    def _run(self, llm: OpenAiLlm, asked: Call) -> None:
        try:
            self.outcome = llm.complete(asked)
        except LlmError as error:
            self.outcome = error

    def reply(self) -> Reply:
        self._thread.join(20)
        assert isinstance(self.outcome, Reply), self.outcome
        return self.outcome

    def error(self) -> LlmError:
        self._thread.join(20)
        assert isinstance(self.outcome, LlmError), self.outcome
        return self.outcome


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / REQUESTS).iterdir())


def test_a_request_is_a_file_and_so_is_its_answer(tmp_path):
    with serving(tmp_path) as llm:
        asking = Asking(llm, call("Wie viele — 件?"))
        until(lambda: (tmp_path / REQUESTS / "001-FactorsAnswer.json").exists())
        asked = json.loads((tmp_path / REQUESTS / "001-FactorsAnswer.json").read_text("utf-8"))
        assert {key: asked[key] for key in asked if key != "key"} == {
            "name": "001-FactorsAnswer",
            "llm": "anna",
            "reply_to": "replies/001-FactorsAnswer.json",
            "schema_name": "FactorsAnswer",
            "max_tokens": 200,
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Wie viele — 件?"},
            ],
            "wire_schema": SCHEMA,
        }
        put(tmp_path, "001-FactorsAnswer.json", '{"a": 3}')
        reply = asking.reply()
    assert (reply.text, reply.stopped, reply.llm) == ('{"a": 3}', "done", "anna")
    assert 0 < reply.usage.output_tokens < reply.usage.input_tokens < 30
    assert not reply.usage.estimated


def test_several_wait_at_once_and_each_gets_its_own(tmp_path):
    with serving(tmp_path) as llm:
        asking = {number: Asking(llm, call(f"q{number}", f"S{number}")) for number in range(8)}
        until(lambda: len(open_requests(tmp_path)) == 8)
        for asked in reversed(open_requests(tmp_path)):
            put(tmp_path, f"{asked.name}.json", json.dumps({"a": int(asked.schema_name[1:])}))
        found = {number: json.loads(one.reply().text) for number, one in asking.items()}
    assert found == {number: {"a": number} for number in range(8)}
    assert [name[:3] for name in names(tmp_path)] == [f"{number:03}" for number in range(1, 9)]


@pytest.mark.parametrize(
    "broken", ["", '{"a": 3', "[3]", '{"a": 1, "a": 2}', '{"a": NaN}', '{"a": 3} and more'], ids=str
)
def test_a_reply_that_is_not_one_whole_object_waits_until_it_is(tmp_path, broken, capsys):
    with serving(tmp_path) as llm:
        asking = Asking(llm, call())
        until(lambda: bool(open_requests(tmp_path)))
        put(tmp_path, "001-FactorsAnswer.json", broken)
        time.sleep(0.4)
        assert asking.outcome is None
        assert len(open_requests(tmp_path)) == 1
        put(tmp_path, "001-FactorsAnswer.json", '{"a": 4}')
        assert asking.reply().text == '{"a": 4}'
    assert "not accepted: 001-FactorsAnswer.json: " in capsys.readouterr().err


def test_raw_text_is_taken_as_it_is_when_it_grows_no_more(tmp_path):
    with serving(tmp_path) as llm:
        asking = Asking(llm, call())
        until(lambda: bool(open_requests(tmp_path)))
        with (tmp_path / REPLIES / "001-FactorsAnswer.txt").open("w", encoding="utf-8") as file:
            for piece in ("I'm ", "sorry, ", "{not ", "JSON"):
                time.sleep(0.2)
                file.write(piece)
                file.flush()
        assert asking.reply().text == "I'm sorry, {not JSON"


def test_an_interrupted_run_goes_on_with_what_was_answered(tmp_path):
    framed = "<<<{0}\n[D1/0] listing\nIt sends mail.\n{0}>>>\nHow many?"
    with serving(tmp_path) as llm:
        first = Asking(llm, call(framed.format("k3v9x2m7")))
        second = Asking(llm, call(framed.format("k3v9x2m7"), "LayersAnswer"))
        until(lambda: len(open_requests(tmp_path)) == 2)
        answered = next(asked for asked in open_requests(tmp_path) if asked.schema_name == "FactorsAnswer")
        put(tmp_path, f"{answered.name}.json", '{"a": 5}')
        assert first.reply().text == '{"a": 5}'
    assert "the endpoint is stopping" in str(second.error())

    with serving(tmp_path) as llm:
        # A different delimiter and limit, but the same question.
        again = Asking(llm, call(framed.format("zz8f0q1w"), max_tokens=900))
        assert again.reply().text == '{"a": 5}'
        still = Asking(llm, call(framed.format("zz8f0q1w"), "LayersAnswer"))
        changed = Asking(llm, call(framed.format("zz8f0q1w") + "!"))
        until(lambda: len(open_requests(tmp_path)) == 2)
        for asked in open_requests(tmp_path):
            put(tmp_path, f"{asked.name}.json", '{"a": 6}')
        assert (still.reply().text, changed.reply().text) == ('{"a": 6}', '{"a": 6}')
    assert len(names(tmp_path)) == 3


def test_the_same_question_of_two_clients_is_one_request(tmp_path):
    with serving(tmp_path) as llm:
        asking = [Asking(llm, call()) for _ in range(3)]
        until(lambda: bool(open_requests(tmp_path)))
        time.sleep(0.2)
        put(tmp_path, "001-FactorsAnswer.json", '{"a": 7}')
        assert {one.reply().text for one in asking} == {'{"a": 7}'}
    assert names(tmp_path) == ["001-FactorsAnswer.json"]


def test_nobody_answers(tmp_path):
    with serving(tmp_path, seconds=0.3) as llm, pytest.raises(LlmError, match="nobody answered 001-FactorsAnswer"):
        llm.complete(call())


@pytest.mark.parametrize(
    ("schema_name", "file"),
    [
        ("../../etc/passwd", "001-etc-passwd.json"),
        ("", "001-answer.json"),
        ("..", "001-answer.json"),
        ("x" * 300, f"001-{'x' * 40}.json"),
        ("a\x00/b\\c", "001-a-b-c.json"),
    ],
)
def test_a_schema_cannot_name_a_file_elsewhere(tmp_path, schema_name, file):
    with serving(tmp_path / "in") as llm:
        Asking(llm, call(schema_name=schema_name))
        until(lambda: bool(open_requests(tmp_path / "in")))
        assert names(tmp_path / "in") == [file]
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


GOOD = {"model": "anna", "messages": [{"role": "user", "content": "?"}]}
JSON = {"content-type": "application/json"}


def raw(url: str, method: str, path: str, body: object, headers: dict[str, str]) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        text = body if isinstance(body, str | bytes | None) else json.dumps(body)
        connection.request(method, path, text, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "body", "headers", "expected"),
    [
        ("/v1/chat/completions", GOOD, {**JSON, "host": "septet.evil.example"}, (403, "this machine")),
        ("/v1/chat/completions", GOOD, {**JSON, "host": "127.0.0.1.evil.example:80"}, (403, "this machine")),
        ("/v1/chat/completions", GOOD, {"content-type": "text/plain"}, (415, "application/json")),
        ("/v1/responses", GOOD, JSON, (404, "/v1/chat/completions")),
        ("/v1/../v1/chat/completions", GOOD, JSON, (404, "/v1/chat/completions")),
        ("/v1/chat/completions", "{", JSON, (400, "not JSON")),
        ("/v1/chat/completions", b"\xff", JSON, (400, "UTF-8")),
        ("/v1/chat/completions", "[" * 100_000, JSON, (400, "deep")),
        ("/v1/chat/completions", {**GOOD, "messages": []}, JSON, (400, "messages")),
        ("/v1/chat/completions", {**GOOD, "stream": True}, JSON, (400, "streaming is not supported")),
        ("/v1/chat/completions", GOOD, {**JSON, "content-length": "99999999"}, (400, "bytes")),
        ("/v1/chat/completions", GOOD, {**JSON, "content-length": "-1"}, (400, "bytes")),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("/") else None,
)
def test_what_is_refused_leaves_no_file(tmp_path, path, body, headers, expected):
    with Exchange(RequestFolder(tmp_path, 0.1)) as exchange:
        code, text = raw(exchange.base_url, "POST", path, body, headers)
    assert code == expected[0]
    assert expected[1] in json.loads(text)["error"]["message"]
    assert names(tmp_path) == []


def test_the_names_of_the_llms(tmp_path):
    with serving(tmp_path) as llm:
        assert llm.listed() == ("anybody",)
    with Exchange(RequestFolder(tmp_path)) as exchange:
        assert raw(exchange.base_url, "GET", "/v1/models", None, {"host": "localhost:1"})[0] == 200
        assert raw(exchange.base_url, "GET", "/v1/models", None, {"host": "example.org"})[0] == 403
        assert raw(exchange.base_url, "GET", "/", None, {})[0] == 404


def test_a_folder_of_something_else_is_not_taken(tmp_path):
    (tmp_path / REQUESTS).mkdir()
    (tmp_path / REQUESTS / "001-notes.json").write_text("{}")
    with pytest.raises(SourceError, match="not a request"):
        RequestFolder(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="cannot be created"):
        RequestFolder(tmp_path / "file")


def test_what_is_open_is_listed_and_one_can_be_read(tmp_path, capsys):
    with serving(tmp_path) as llm:
        Asking(llm, call("First?", "A"))
        until(lambda: len(read_requests(tmp_path)) == 1)
        Asking(llm, call("Second?", "B"))
        until(lambda: len(read_requests(tmp_path)) == 2)
        put(tmp_path, "001-A.json", "{}")
        capsys.readouterr()
        main(["--show", str(tmp_path)])
        listed = capsys.readouterr()
        main(["--show", str(tmp_path), "002-B"])
        one = capsys.readouterr().out
    assert listed.out == f"002-B  16 characters -> {tmp_path / 'replies/002-B.json'}\n"
    assert "1 open" in listed.err
    assert one.startswith("--- system\nBe brief.\n--- user\nSecond?\n--- schema B\n")
    with pytest.raises(InputError, match="this request does not exist"):
        main(["--show", str(tmp_path), "../001-A"])


def test_a_draft_completes_through_it(tmp_path):
    done = threading.Event()

    def play() -> None:
        while not done.wait(0.05):
            for asked in open_requests(tmp_path):
                messages = tuple(Message(turn["role"], turn["content"]) for turn in asked.messages)  # type: ignore[arg-type]
                text = answer(Call("", messages, asked.schema_name, asked.wire_schema or {}, 0))
                put(tmp_path, f"{asked.name}.json", text)

    player = threading.Thread(target=play, daemon=True)
    player.start()
    with serving(tmp_path) as llm:
        assistant = Assistant(
            llm=llm,
            budget=Budget(by_bytes(), None, Caps(250_000)),
            counter=by_bytes(),
            delimiter="f3a91c07be2d4456",
            answer_tokens=6_000,
            passage_tokens=2_500,
        )
        made = draft_reading(
            read_documents(documents_of(load_case(data_folder("corpus") / "cases" / "apollo"))),
            name=None,
            calibration=load_calibration(),
            created_at="2026-11-01T00:00:00Z",
            assistant=assistant,
        )
    done.set()
    player.join(10)
    assert (made.drafter.kind, made.drafter.llm) == ("llm", "generic/anna")
    assert {part.by for part in made.drafter.parts} >= {"llm", "both"}
    assert made.usage["llm_calls"] == len(names(tmp_path)) == len(list((tmp_path / REPLIES).iterdir())) == 4


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--seconds", "0"], ["--seconds", "nan"], ["003-A"]])
def test_a_call_that_is_wrong(tmp_path, arguments):
    with pytest.raises(UsageError):
        main([str(tmp_path), *arguments])


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM])
def test_the_program_says_its_address_and_ends_cleanly(tmp_path, ended_by):
    command = [sys.executable, "-m", "evals.exchange", str(tmp_path), "--seconds", "30"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        url = program.stdout.readline().strip()
        assert raw(url, "GET", "/v1/models", None, {})[0] == 200
        asking = threading.Thread(target=raw, args=(url, "POST", "/v1/chat/completions", GOOD, JSON), daemon=True)
        asking.start()
        until(lambda: len(open_requests(tmp_path)) == 1)
        program.send_signal(ended_by)
        said = program.stderr.read()
        assert program.wait(10) == 0
        asking.join(10)
    assert f"SEPTET_LLM_BASE_URL={url} SEPTET_LLM_CALL_SECONDS=30 septet draft --llm generic/NAME" in said
    assert "1 open; start again with the same folder to continue" in said
    assert "Traceback" not in said
    assert not asking.is_alive()
