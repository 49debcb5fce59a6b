"""How fast documents are parsed, cold and warm, and when hostile ones end.

    python -m evals.bench.parsing [--seconds 5] [--pages 20]

Cold starts a warm process for the page, as the first page of a program does; warm is a page after it. A hostile
document is held to its deadline of `--seconds` and one second more.
"""

import argparse
import resource
import statistics
import time
from dataclasses import dataclass
from typing import Final

from agent.errors import SourceError
from agent.intake.extract.parse import read_page, sniff
from agent.intake.extract.parse_process import Limits, WarmParser
from agent.settings import Settings
from evals.bench.hostile_documents import DOCUMENTS, Hostile

GRACE: Final = 1.0
"""Seconds beyond the deadline."""
_COLD: Final = 5
_KILO: Final = 1024
_PARAGRAPHS: Final = (10, 300)
_SENTENCE: Final = (
    "<p>The agent reads <b>mail</b> of a team, drafts replies and sends them when <a href=/a>asked</a>.</p>"
)


@dataclass(frozen=True)
class Ending:
    """How one hostile document ended."""

    name: str
    megabytes: float
    seconds: float
    outcome: str


def page(paragraphs: int) -> bytes:
    """An HTML page of so many paragraphs."""
    return f"<html><body><main><h1>Acme</h1>{_SENTENCE * paragraphs}</main></body></html>".encode()


def cold(body: bytes) -> float:
    """Median milliseconds of a page that a process is started for."""
    return statistics.median(_timed(WarmParser(), body, close=True) for _ in range(_COLD))


def warm(body: bytes, pages: int) -> float:
    """Median milliseconds of a page in a process that runs already."""
    parser = WarmParser()
    _timed(parser, body, close=False)
    try:
        return statistics.median(_timed(parser, body, close=False) for _ in range(pages))
    finally:
        parser.close()


def ending(name: str, document: Hostile, seconds: float) -> Ending:
    """Read one hostile document under a deadline of `seconds`."""
    body = document.build()
    settings = Settings(parse_seconds=seconds)
    begun = time.perf_counter()
    try:
        read = read_page(body, sniff(body, "", document.name), document.charset, document.name, settings)
        outcome = f"read, {sum(len(block.text) for block in read.blocks)} characters"
    except SourceError as error:
        outcome = error.what
    return Ending(name, len(body) / 1e6, time.perf_counter() - begun, outcome)


def _timed(parser: WarmParser, body: bytes, *, close: bool) -> float:
    begun = time.perf_counter()
    parser.parse(body, "html", "", Limits(20.0, _KILO))
    took = (time.perf_counter() - begun) * 1000
    if close:
        parser.close()
    return took


def main() -> None:
    """Print both tables; a document that ended late makes the exit status 1."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument("--pages", type=int, default=20)
    given = options.parse_args()
    print(f"{'page':>10}  {'cold ms':>8}  {'warm ms':>8}")
    for paragraphs in _PARAGRAPHS:
        body = page(paragraphs)
        print(f"{len(body) / _KILO:>7.0f} KB  {cold(body):>8.0f}  {warm(body, given.pages):>8.1f}")
    print(f"\n{'hostile document':<42}  {'MB':>5}  {'s':>6}  ends in")
    late = 0
    for name, document in DOCUMENTS.items():
        end = ending(name, document, given.seconds)
        late += end.seconds > given.seconds + GRACE
        print(f"{end.name:<42}  {end.megabytes:>5.1f}  {end.seconds:>6.2f}  {end.outcome}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KILO
    print(f"\n{len(DOCUMENTS) - late} of {len(DOCUMENTS)} ended within {given.seconds + GRACE:g} s; peak {peak:.0f} MB")
    raise SystemExit(1 if late else 0)


if __name__ == "__main__":
    main()
