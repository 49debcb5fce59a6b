"""An LLM endpoint on loopback with scripted answers: good, slow, broken or none at all.

with FakeEndpoint([status(429, headers={"retry-after": "1"}), chat('{"a": 1}')]) as fake:
    OpenAiLlm(fake.endpoint("generic"), Limits()).complete(call)
fake.requests  # the requests, in order

Each request takes the next step of the script; the last step is repeated. A step writes its whole answer itself.
"""

import contextlib
import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from agent.llm.profiles import Endpoint, profiles
from agent.llm.secret import Secret

KEY = "sk-test-4f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c"
LLM = "fake-1"
USAGE: Mapping[str, object] = {"prompt_tokens": 40, "completion_tokens": 7, "total_tokens": 47}


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, object]
    at: float
    """Arrival time, in seconds of a clock that never jumps."""


Step = Callable[[BaseHTTPRequestHandler, Request], None]


def send(handler: BaseHTTPRequestHandler, code: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
    """Write an answer with its length."""
    handler.send_response(code)
    for name, value in {"content-type": "application/json", **(headers or {})}.items():
        handler.send_header(name, value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def status(code: int, body: object = "", headers: Mapping[str, str] | None = None) -> Step:
    """An answer with this status; `body` is text, bytes or a value that becomes JSON."""
    return lambda handler, request: send(handler, code, _bytes(body), headers)


def refused(code: int, message: str, kind: str = "", headers: Mapping[str, str] | None = None) -> Step:
    """An error as OpenAI-like endpoints write it."""
    return status(code, {"error": {"message": message, "type": kind, "code": kind or None}}, headers)


def _bytes(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else json.dumps(body).encode()


def answer(text: str | None, **changes: object) -> dict[str, object]:
    """Return the body of a good Chat Completions answer.

    Of `changes`, `finish_reason` goes into the choice; `refusal`, `reasoning_content` and the like go into the message;
    `usage` (None: no block) and `choices` go into the answer itself.
    """
    outer = {name: changes.pop(name) for name in ("usage", "choices", "model") if name in changes}
    finish = changes.pop("finish_reason", "stop")
    message = {"role": "assistant", "content": text, **changes}
    body: dict[str, object] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": LLM,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": dict(USAGE),
        **outer,
    }
    return {name: value for name, value in body.items() if value is not None or name == "choices"}


def chat(text: str | None, **changes: object) -> Step:
    """A good Chat Completions answer, or one with `changes`; see `answer`."""
    return status(200, answer(text, **changes))


def responses(text: str, **changes: object) -> Step:
    """A good Responses answer, or one with `changes`."""
    content = changes.pop("content", [{"type": "output_text", "text": text, "annotations": []}])
    body = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "error": None,
        "model": LLM,
        "output": [{"type": "reasoning", "summary": []}, {"type": "message", "role": "assistant", "content": content}],
        "usage": {"input_tokens": 40, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 30}},
        **changes,
    }
    return status(200, body)


def by(reply: Callable[[Mapping[str, object]], str], seconds: float = 0.0) -> Step:
    """An LLM that is a function of the request's body, and takes `seconds` to answer."""

    def step(handler: BaseHTTPRequestHandler, request: Request) -> None:
        time.sleep(seconds)
        send(handler, 200, _bytes(answer(reply(request.body))))

    return step


def shut(handler: BaseHTTPRequestHandler, request: Request) -> None:
    """Close the connection before any header."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def reset(handler: BaseHTTPRequestHandler, request: Request) -> None:
    """Reset the connection in the middle of the body."""
    body = _bytes(answer("{}"))
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(body) + 100) + body)
    handler.wfile.flush()
    time.sleep(0.05)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def hang(handler: BaseHTTPRequestHandler, request: Request) -> None:
    """Send nothing until the client gives up (20 s at most)."""
    _until_closed(handler, b"", 20.0)


def drip(handler: BaseHTTPRequestHandler, request: Request) -> None:
    """Send one byte of the body every tenth of a second."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    _until_closed(handler, b" ", 20.0)


def drip_headers(handler: BaseHTTPRequestHandler, request: Request) -> None:
    """Send one byte of a header every tenth of a second."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    _until_closed(handler, b"a", 20.0)


def _until_closed(handler: BaseHTTPRequestHandler, piece: bytes, seconds: float) -> None:
    handler.wfile.flush()
    handler.connection.settimeout(0.1)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if not handler.connection.recv(1):
                return
        except TimeoutError:
            if piece:
                handler.connection.sendall(piece)


def endless(handler: BaseHTTPRequestHandler, request: Request) -> None:
    """Send a body without an end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
    while True:
        handler.wfile.write(b" " * 65_536)


def huge(size: int) -> Step:
    """An answer of `size` bytes."""

    def step(handler: BaseHTTPRequestHandler, request: Request) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % size)
        for _ in range(size // 65_536):
            handler.wfile.write(b" " * 65_536)

    return step


def packed(text: str, padding: int = 0) -> Step:
    """A good answer, compressed although plain text was requested, with `padding` spaces before it."""

    def step(handler: BaseHTTPRequestHandler, request: Request) -> None:
        send(handler, 200, _packed(text, padding), {"content-encoding": "gzip"})

    return step


@lru_cache(maxsize=16)
def _packed(text: str, padding: int) -> bytes:
    return gzip.compress(b" " * padding + _bytes(answer(text)), compresslevel=9)


class FakeEndpoint:
    """Serves a script on a free port of 127.0.0.1 inside a `with` block; `pem` (key and certificate) makes it https."""

    def __init__(self, script: Sequence[Step], pem: Path | None = None) -> None:
        self.requests: list[Request] = []
        self._script = list(script)
        self._lock = threading.Lock()
        self._scheme = "https" if pem else "http"
        self._server = _Server(("127.0.0.1", 0), self._handler())
        if pem:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def base_url(self) -> str:
        """The address as a user enters it."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}/v1"

    def endpoint(self, profile: str = "generic", llm: str = LLM, key: str = KEY) -> Endpoint:
        """Return this endpoint under a profile."""
        return Endpoint(profile, profiles()[profile], llm, self.base_url, Secret(key))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, request: Request) -> Step:
        """Return the step for the next request."""
        with self._lock:
            self.requests.append(request)
            return self._script.pop(0) if len(self._script) > 1 else self._script[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                self._answer({})

            def do_POST(self) -> None:
                self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

            def _answer(self, body: Mapping[str, object]) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, body, time.monotonic())
                self.close_connection = True
                with contextlib.suppress(OSError):
                    fake.take(request)(self, request)
                    self.wfile.flush()

            def finish(self) -> None:
                with contextlib.suppress(OSError):
                    super().finish()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        pass
