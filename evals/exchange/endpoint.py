"""An LLM endpoint whose answers are written as files by a person, a script or another program.

    python -m evals.exchange FOLDER [--port N] [--seconds N]      serve on loopback
    python -m evals.exchange --show FOLDER [NAME]                 list open requests, or print one as plain text

The endpoint implements Chat Completions. Each request becomes FOLDER/requests/NAME.json, and its answer is expected in
FOLDER/replies/NAME.json (a JSON object) or NAME.txt (raw text, used unchanged). A repeated request gets its stored
answer immediately, so an interrupted run continues where it stopped. Requests that differ only in the delimiter around
passages, which is new in every run, count as the same request.
"""

import argparse
import contextlib
import json
import signal
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import click
from pydantic import ValidationError

from agent.errors import InputError, SourceError, UsageError
from agent.llm.tokens import Counter, counter
from agent.llm.wire import CHAT_PATH, read_object
from evals.exchange.request_files import (
    DEFAULT_SECONDS,
    POLL_SECONDS,
    REPLIES,
    REQUESTS,
    Body,
    RequestFolder,
    UnansweredError,
    open_requests,
    read_requests,
    say,
)

MAX_BODY_BYTES: Final = 10_000_000
_ROOT: Final = "/v1"
_HOSTS: Final = ("127.0.0.1", "localhost", "[::1]")
_MAX_PORT: Final = 65_535


class Exchange:
    """Context manager that serves a folder of requests on 127.0.0.1; `port` 0 takes a free port."""

    def __init__(self, folder: RequestFolder, port: int = 0) -> None:
        """Bind the port. Raises SourceError when the port cannot be used."""
        self._folder = folder
        try:
            self._server = _Server(port, folder)
        except OSError as error:
            where = f"{port}: {error.strerror}"
            raise SourceError("the port cannot be used", where=where, hint="choose another one") from None
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": POLL_SECONDS}, daemon=True
        )

    @property
    def base_url(self) -> str:
        """The URL to set as SEPTET_LLM_BASE_URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{_ROOT}"

    def __enter__(self) -> Self:
        """Start serving."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """End all waiting requests, then stop the server."""
        self._folder.stop()
        # Waiting threads check once per poll whether to stop, so give them time to answer their clients.
        time.sleep(2 * POLL_SECONDS)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, port: int, folder: RequestFolder) -> None:
        self.folder = folder
        self.tokens = counter("openai/any", None)
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore the error, because it only means that the client disconnected."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    @property
    def _at(self) -> _Server:
        assert isinstance(self.server, _Server)
        return self.server

    def do_GET(self) -> None:
        if not self._welcome():
            return
        if self.path == f"{_ROOT}/models":
            rows = [{"id": "anybody", "object": "model", "created": 0, "owned_by": "you"}]
            self._send(200, {"object": "list", "data": rows})
        else:
            self._refuse(404, f"available: {_ROOT}/models and {_ROOT}{CHAT_PATH}")

    def do_POST(self) -> None:
        if not self._welcome():
            return
        if self.path != _ROOT + CHAT_PATH:
            self._refuse(404, f"only POST {_ROOT}{CHAT_PATH} is supported")
        elif self.headers.get_content_type() != "application/json":
            self._refuse(415, "the body must be application/json")
        else:
            try:
                body = self._body()
                text = self._at.folder.answer(body)
            except InputError as error:
                self._refuse(400, str(error))
            except UnansweredError as error:
                self._refuse(504, str(error))
            else:
                self._send(200, _completion(body, text, self._at.tokens))

    def _welcome(self) -> bool:
        """Return whether the Host header names this machine, to prevent access by web pages through DNS rebinding."""
        host = self.headers.get("host", "")
        if host.rpartition(":")[0] in _HOSTS or host in _HOSTS:
            return True
        self._refuse(403, "only requests that use this machine's own name are answered")
        return False

    def _body(self) -> Body:
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            raise InputError(f"the body needs a length of at most {MAX_BODY_BYTES} bytes")
        try:
            body = Body.model_validate(read_object(self.rfile.read(int(length))))
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            place = ".".join(str(step) for step in first["loc"])
            raise InputError(first["msg"], where=place) from None
        except ValueError as error:
            raise InputError(f"the body is malformed: {error}") from None
        if body.stream:
            raise InputError("streaming is not supported")
        return body

    def _refuse(self, code: int, message: str) -> None:
        self._send(code, {"error": {"message": message, "type": "exchange", "code": None}})

    def _send(self, code: int, body: dict[str, object]) -> None:
        content = json.dumps(body).encode()
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.send_response(code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Suppress the default log, since requests and answers are logged by name."""


def _completion(body: Body, text: str, tokens: Counter) -> dict[str, object]:
    """Build a chat completion, with the token usage as counted locally."""
    prompt = sum(tokens.count(turn.content) for turn in body.messages)
    answer = tokens.count(text)
    return {
        "id": "chatcmpl-exchange",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body.model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer},
    }


def main(arguments: Sequence[str]) -> None:
    """Serve or show a folder's requests. Raises UsageError for a wrong argument, SourceError for an unusable folder."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.exchange", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("name", nargs="?", help="with --show: the request to print")
    parser.add_argument("--port", type=int, default=0, help="0 for any free port (default)")
    parser.add_argument("--seconds", type=float, default=DEFAULT_SECONDS, help="how long to wait for an answer")
    parser.add_argument("--show", action="store_true", help="print the open requests and exit")
    given = parser.parse_args(arguments)
    if given.show:
        _show(given.folder, given.name)
    elif given.name:
        raise UsageError("a name needs --show", where=given.name)
    elif not 0 <= given.port <= _MAX_PORT or not 0 < given.seconds < float("inf"):
        raise UsageError("the port or the seconds are out of range", where=f"{given.port}, {given.seconds}")
    else:
        _serve(given.folder, given.port, given.seconds)


def _show(folder: Path, name: str | None) -> None:
    if name:
        asked = next((one for one in read_requests(folder) if one.name == name), None)
        if asked is None:
            raise InputError(
                "this request does not exist", where=name, hint="--show without a name lists the open ones"
            )
        for turn in asked.messages:
            click.echo(f"--- {turn['role']}\n{turn['content']}")
        click.echo(f"--- schema {asked.schema_name}\n{json.dumps(asked.wire_schema, ensure_ascii=False)}")
        return
    waiting = open_requests(folder)
    for asked in waiting:
        chars = sum(len(turn["content"]) for turn in asked.messages)
        click.echo(f"{asked.name}  {chars} characters -> {folder / asked.reply_to}")
    click.echo(f"{len(waiting)} open", err=True)


def _serve(folder: Path, port: int, seconds: float) -> None:
    # Handle SIGTERM like Ctrl-C, since a shell makes background jobs ignore Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Exchange(RequestFolder(folder, seconds), port) as exchange:
        click.echo(exchange.base_url)
        given = f"SEPTET_LLM_BASE_URL={exchange.base_url} SEPTET_LLM_CALL_SECONDS={seconds:g}"
        say(f"{given} septet draft --llm generic/NAME …")
        say(f"requests: {folder / REQUESTS}, replies: {folder / REPLIES}; Ctrl-C to stop")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            say(f"{len(open_requests(folder))} open; start again with the same folder to continue")
