"""What drafting with an LLM takes: calls, waves, tokens, time and money, for a listing with twenty pages.

    python -m evals.bench.llm [--runs 5] [--latency 1.0] [--passages N]

The LLM is a hand-written one of the tests behind an endpoint on loopback, in a process of its own, that takes its time
over each answer. Needs a checkout. Ends with 1 when a bar is not kept.
"""

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, NamedTuple

from agent.drafting_old.assisted.run import Assistant
from agent.drafting_old.pack import new_delimiter

from agent.errors import Usage
from agent.llm.budget import Budget, Caps, Price, prices, shared_start
from agent.llm.openai_adapter import OpenAiLlm
from agent.llm.port import Call, Llm, Reply
from agent.llm.profiles import Endpoint, profiles
from agent.llm.retry import Limits
from agent.llm.secret import Secret
from agent.llm.tokens import Counter, counter
from agent.pipeline import draft
from agent.settings import Settings
from evals.bench import manual
from evals.bench.serving import Serving

MAX_SECONDS: Final = 2.2
MAX_CALLS: Final = 12
MAX_WAVES: Final = 2
MAX_TOKENS: Final = 30_000
LEAST_SHARED: Final = 0.8
PRICED: Final = ("gpt-5.6-luna", "gpt-5.6-sol")
"""A cheap and a dear LLM of the price list."""
_NOW: Final = "2026-11-01T00:00:00Z"


class Timed(NamedTuple):
    """One call with its times, in seconds of a clock that never jumps."""

    call: Call
    reply: Reply
    begun: float
    ended: float


class Watched:
    """An LLM whose calls are kept."""

    def __init__(self, inner: Llm) -> None:
        self.name = inner.name
        self.calls: list[Timed] = []
        self._inner = inner
        self._lock = threading.Lock()

    def complete(self, call: Call) -> Reply:
        """Answers one call. Raises LlmError."""
        begun = time.perf_counter()
        reply = self._inner.complete(call)
        with self._lock:
            self.calls.append(Timed(call, reply, begun, time.perf_counter()))
        return reply

    def close(self) -> None:
        """Closes the inner one."""
        self._inner.close()


@dataclass(frozen=True)
class Figures:
    """What one draft took."""

    stages: tuple[tuple[str, int], ...]
    """Of each call its stage and its tokens behind the shared start."""
    waves: int
    seconds: float
    """From the first prompt to the last reply."""
    messages: int
    """Input tokens of all messages."""
    schemas: int
    """Tokens of the schemas, which providers send along by their own rules and most put before the messages."""
    start: int
    """Tokens of the shared start, once."""
    output: int
    late: int
    """Calls after the first wave."""

    @property
    def share(self) -> float:
        """Of the messages' tokens, those in the shared start."""
        return self.start * len(self.stages) / self.messages


def measured(calls: Sequence[Timed], tokens: Counter) -> Figures:
    """The figures of the calls of one draft."""
    ordered = sorted(calls, key=lambda timed: timed.begun)
    texts = ["".join(f"{m.role}\n{m.text}\n" for m in timed.call.messages) for timed in ordered]
    shared = shared_start(texts)
    start = tokens.count(shared)
    whole = [tokens.messages(timed.call.messages) for timed in ordered]
    first = _wave(ordered)
    waves, rest = 1, ordered[first:]
    while rest:
        waves, rest = waves + 1, rest[_wave(rest) :]
    return Figures(
        stages=tuple((timed.call.stage, size - start) for timed, size in zip(ordered, whole, strict=True)),
        waves=waves,
        seconds=max(timed.ended for timed in ordered) - ordered[0].begun,
        messages=sum(whole),
        schemas=sum(tokens.count(json.dumps(timed.call.schema, ensure_ascii=False)) for timed in ordered),
        start=start,
        output=sum(tokens.count(timed.reply.text) for timed in ordered),
        late=len(ordered) - first,
    )


def _wave(ordered: Sequence[Timed]) -> int:
    """How many calls begin before the first of them has its answer."""
    first = min(timed.ended for timed in ordered)
    return sum(timed.begun < first for timed in ordered)


def costs(figures: Figures, price: Price) -> dict[str, Decimal]:
    """US dollars of one draft, by how much of the shared start the provider reads from its cache."""
    whole = Usage(figures.messages + figures.schemas, figures.output)
    calls = {"cold": 0, "second wave cached": figures.late, "all but the first cached": len(figures.stages) - 1}
    return {name: price.cost(replace(whole, cached_tokens=figures.start * n)) for name, n in calls.items()}


def run(runs: int, latency: float, passages: int) -> tuple[list[Figures], Counter]:
    """Figures of `runs` drafts with so many tokens of passages, after one draft that is not counted.

    Raises LlmError when the endpoint fails.
    """
    tokens = _counter()
    settings = Settings()
    found = []
    with tempfile.TemporaryDirectory() as folder, Serving(_serve, latency) as port:
        sources = manual.write(Path(folder))
        endpoint = Endpoint("generic", profiles()["generic"], "bench", f"http://127.0.0.1:{port}/v1", Secret(""))
        for _ in range(runs + 1):
            with closing(Watched(OpenAiLlm(endpoint, Limits()))) as llm:
                assistant = Assistant(
                    llm=llm,
                    budget=Budget(tokens, None, Caps(settings.llm_max_tokens)),
                    counter=tokens,
                    delimiter=new_delimiter(),
                    answer_tokens=settings.llm_answer_tokens,
                    passage_tokens=passages,
                )
                draft(sources, settings=settings, now=_NOW, assistant=assistant)
                found.append(measured(llm.calls, tokens))
    return found[1:], tokens


def _counter() -> Counter:
    """A table of tokens where a plug-in has one, whichever: for English they differ by a few parts in a hundred."""
    found = (counter(name, None) for name in ("gpt-5", "gpt-4"))
    return next((one for one in found if one.source.startswith("tiktoken")), counter("gpt-5", None))


def _serve(there: Connection, latency: float) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(latency)) as server:
        there.send(server.server_address[1])
        server.serve_forever()


def _handler(latency: float) -> type[BaseHTTPRequestHandler]:
    from tests.fakes.llm_answers import answer_body

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            until = time.monotonic() + latency
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            content = json.dumps(_completion(body, answer_body(body))).encode()
            # Making the answer is part of the latency.
            time.sleep(max(0.0, until - time.monotonic()))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler


def _completion(body: Mapping[str, object], text: str) -> dict[str, object]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }


def main() -> int:
    """Print the figures; 1 when they miss a bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--passages", type=int, default=Settings().llm_passage_tokens, help="the setting's default")
    given = parser.parse_args()
    found, tokens = run(given.runs, given.latency, given.passages)
    seconds = statistics.median(figures.seconds for figures in found)
    # The dearest run counts.
    last = max(found, key=lambda figures: figures.messages)
    rows = (
        ("calls", f"{len(last.stages)}", f"<= {MAX_CALLS}", len(last.stages) <= MAX_CALLS),
        ("waves", f"{last.waves}", f"<= {MAX_WAVES}", last.waves <= MAX_WAVES),
        ("input tokens", f"{last.messages}", f"<= {MAX_TOKENS}", last.messages <= MAX_TOKENS),
        ("in the shared start", f"{last.share:.1%}", f">= {LEAST_SHARED:.0%}", last.share >= LEAST_SHARED),
        ("first prompt to last reply", f"{seconds:.2f} s", f"<= {MAX_SECONDS} s", seconds <= MAX_SECONDS),
    )
    chars = len(manual.LISTING) + sum(len(manual.markdown(title)) for title in manual.PAGES)
    print(f"{manual.PRODUCT}: a listing and {len(manual.PAGES)} pages, {chars} characters; counted by {tokens.source}")
    for name, value, bar, kept in rows:
        print(f"  {name:28}{value:>10}   bar {bar}, {'kept' if kept else 'NOT KEPT'}")
    times = ", ".join(f"{figures.seconds:.2f}" for figures in found)
    print(f"  seconds of each run: {times}; the endpoint takes {given.latency:g} s an answer")
    print(f"  shared start {last.start} tokens; behind it: {', '.join(f'{name} {size}' for name, size in last.stages)}")
    print(f"  beside the messages {last.schemas} tokens of schemas; output {last.output} tokens")
    for name in PRICED:
        told = ", ".join(f"{way} ${cost}" for way, cost in costs(last, prices()[name]).items())
        print(f"  {name}: {told}")
    return int(not all(row[3] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
