"""Measure the LLM usage of a draft (calls, waves, tokens, time, costs), for a listing alone and with twenty pages.

    python -m evals.bench.llm [--runs 5] [--latency 1.0] [--passages N]

The LLM is a hand-written fake from the tests. It runs in a separate process behind a loopback endpoint, which answers
each call after `--latency` seconds. Requires a checkout. Exits with 1 when a bar is missed.
"""

import argparse
import json
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Final, NamedTuple

from agent.assist.passages import new_delimiter
from agent.assist.run import Assistant, assist
from agent.errors import Usage
from agent.facts.readers.manifests import ManifestReader
from agent.facts.reading import read_sheet
from agent.llm.budget import Budget, Caps, Price, prices, shared_start
from agent.llm.openai_adapter import OpenAiLlm
from agent.llm.port import Call, Llm, Reply
from agent.llm.profiles import Endpoint, profiles
from agent.llm.retry import Limits
from agent.llm.secret import Secret
from agent.llm.tokens import Counter, counter
from agent.pipeline import placed_statements
from agent.retrieval.passages import estimate
from agent.settings import Settings
from evals.bench import manual
from evals.bench.serving import Serving
from evals.cases.documents import file_document

LATENCIES: Final = 2.2
"""Maximum time from first prompt to last reply, in multiples of one call's latency."""
MAX_WAVES: Final = 2
PRICED: Final = ("gpt-5.6-luna", "gpt-5.6-sol")
"""A cheap and an expensive LLM from the price list."""


class Bars(NamedTuple):
    """The bars for one draft: upper limits, except for `shared`."""

    calls: int
    tokens: int
    shared: float
    """Minimum share of the input that is in a prefix common to several calls, since providers cache such prefixes."""


LISTING: Final = Bars(6, 25_000, 0.0)
PAGES: Final = Bars(8, 90_000, 0.6)


class Timed(NamedTuple):
    """One call with its start and end, in seconds of a monotonic clock."""

    call: Call
    reply: Reply
    begun: float
    ended: float


class Watched:
    """A wrapper around an LLM that records its calls."""

    def __init__(self, inner: Llm) -> None:
        self.name = inner.name
        self.calls: list[Timed] = []
        self._inner = inner
        self._lock = threading.Lock()

    def complete(self, call: Call) -> Reply:
        """Answer one call and record it. Raises LlmError."""
        begun = time.perf_counter()
        reply = self._inner.complete(call)
        with self._lock:
            self.calls.append(Timed(call, reply, begun, time.perf_counter()))
        return reply

    def close(self) -> None:
        """Close the wrapped LLM."""
        self._inner.close()


@dataclass(frozen=True)
class Figures:
    """The LLM usage of one draft."""

    stages: tuple[tuple[str, int], ...]
    """The stage and input tokens of each call."""
    waves: int
    seconds: float
    """The seconds from the first prompt to the last reply."""
    messages: int
    """Input tokens of all messages."""
    schemas: int
    """Tokens of the schemas. Where a schema is added depends on the provider, but it is usually before the messages."""
    cacheable: int
    """Input tokens in prefixes that the calls of a wave have in common or share with an earlier wave."""
    cached: int
    """How many of these tokens an earlier call has already sent."""
    output: int

    @property
    def share(self) -> float:
        """Share of the messages' tokens that are in shared prefixes."""
        return self.cacheable / self.messages


def measured(calls: Sequence[Timed], tokens: Counter) -> Figures:
    """Compute the figures for the calls of one draft."""
    ordered = sorted(calls, key=lambda timed: timed.begun)
    waves: list[Sequence[Timed]] = []
    rest = ordered
    while rest:
        # A wave consists of the calls that begin before its first reply arrives.
        first = min(timed.ended for timed in rest)
        waves.append([timed for timed in rest if timed.begun < first])
        rest = rest[len(waves[-1]) :]
    cacheable = cached = 0
    earlier: list[str] = []
    for wave in waves:
        texts = ["".join(f"{m.role}\n{m.text}\n" for m in timed.call.messages) for timed in wave]
        own = tokens.count(shared_start(texts)) if len(wave) > 1 else 0
        old = tokens.count(shared_start([*earlier, *texts])) if earlier else 0
        cacheable += max(own, old) * len(wave)
        # The first call of a wave reads the prefix that an earlier wave cached, and caches the prefix that the others
        # read.
        cached += old + max(own, old) * (len(wave) - 1)
        earlier += texts
    whole = [tokens.messages(timed.call.messages) for timed in ordered]
    return Figures(
        stages=tuple((timed.call.stage, size) for timed, size in zip(ordered, whole, strict=True)),
        waves=len(waves),
        seconds=max(timed.ended for timed in ordered) - ordered[0].begun,
        messages=sum(whole),
        schemas=sum(tokens.count(json.dumps(timed.call.schema, ensure_ascii=False)) for timed in ordered),
        cacheable=cacheable,
        cached=cached,
        output=sum(tokens.count(timed.reply.text) for timed in ordered),
    )


def costs(figures: Figures, price: Price) -> dict[str, Decimal]:
    """Return the cost of a draft in US dollars: "cold" without a cache, "cached" with shared prefixes cached after the
    first call that sends them."""
    whole = Usage(figures.messages + figures.schemas, figures.output)
    rows = {"cold": 0, "cached": figures.cached}
    return {name: price.cost(replace(whole, cached_tokens=tokens)) for name, tokens in rows.items()}


def run(runs: int, latency: float, passages: int, *, pages: bool) -> tuple[list[Figures], Counter]:
    """After a warm-up, make `runs` drafts with `passages` tokens of sources; return their figures and the token
    counter.

    Raises LlmError when the endpoint fails.
    """
    # Use a real tokenizer table if a plug-in has one; for English, tables differ by a few per cent.
    tables = (counter(name, None) for name in ("gpt-5", "gpt-4"))
    plain = Counter("characters/4", estimate)
    tokens = next((one for one in tables if one.source.startswith("tiktoken")), plain)
    settings = Settings()
    documents = tuple(
        file_document(text.encode(), f"page-{n}.md", f"D{n}", "docs" if n > 1 else "listing")
        for n, text in enumerate(texts(pages=pages), start=1)
    )
    rows = placed_statements(documents)
    sheet = read_sheet(documents, rows, (ManifestReader(),))
    found = []
    with Serving(_serve, latency) as port:
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
                assist(documents, rows, sheet, assistant, name=manual.PRODUCT)
                found.append(measured(llm.calls, tokens))
    return found[1:], tokens


def texts(*, pages: bool) -> list[str]:
    """Return the invented product's listing and, with `pages`, its pages."""
    return [manual.LISTING, *(manual.markdown(title) for title in manual.PAGES if pages)]


def _serve(there: Connection, latency: float) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(latency)) as server:
        there.send(server.server_address[1])
        server.serve_forever()


def _handler(latency: float) -> type[BaseHTTPRequestHandler]:
    from tests.fakes.llm.answers import answer_body

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            until = time.monotonic() + latency
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            message = {"role": "assistant", "content": answer_body(body)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            made = {"id": "bench", "object": "chat.completion", "model": body["model"], "choices": [choice]}
            content = json.dumps(made).encode()
            # The latency includes the time to compute the answer.
            time.sleep(max(0.0, until - time.monotonic()))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Suppress request logging."""

    return Handler


def main() -> int:
    """Print the figures and return 1 if one misses a bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--passages", type=int, default=Settings().llm_passage_tokens, help="the setting's default")
    given = parser.parse_args()
    kept = [
        report(*run(given.runs, given.latency, given.passages, pages=pages), bars, given.latency, pages=pages)
        for pages, bars in ((False, LISTING), (True, PAGES))
    ]
    return int(not all(kept))


def report(found: Sequence[Figures], tokens: Counter, bars: Bars, latency: float, *, pages: bool) -> bool:
    """Print the figures for one product and return whether all bars are met."""
    seconds = statistics.median(figures.seconds for figures in found)
    # The bars apply to the run with the most input tokens.
    last = max(found, key=lambda figures: figures.messages)
    rows = (
        ("calls", f"{len(last.stages)}", f"<= {bars.calls}", len(last.stages) <= bars.calls),
        ("waves", f"{last.waves}", f"<= {MAX_WAVES}", last.waves <= MAX_WAVES),
        ("input tokens", f"{last.messages}", f"<= {bars.tokens}", last.messages <= bars.tokens),
        ("in shared prefixes", f"{last.share:.1%}", f">= {bars.shared:.0%}", last.share >= bars.shared),
        ("duration in calls", f"{seconds / latency:.2f}", f"<= {LATENCIES}", seconds <= LATENCIES * latency),
    )
    sources = texts(pages=pages)
    size = sum(map(len, sources))
    print(f"{manual.PRODUCT}: {len(sources)} documents, {size} characters; counted by {tokens.source}")
    for name, value, bar, kept in rows:
        print(f"  {name:28}{value:>10}   bar {bar}, {'met' if kept else 'MISSED'}")
    print(f"  seconds of each run: {', '.join(f'{figures.seconds:.2f}' for figures in found)}")
    print(f"  input by call: {', '.join(f'{name} {size}' for name, size in last.stages)}")
    print(f"  in addition {last.schemas} tokens of schemas; output {last.output} tokens")
    for name in PRICED:
        print(f"  {name}: " + ", ".join(f"{way} ${cost}" for way, cost in costs(last, prices()[name]).items()))
    return all(row[3] for row in rows)


if __name__ == "__main__":
    sys.exit(main())
