"""Time the review app with ten thousand stored drafts: `python -m evals.bench.review [--drafts N] [--store FILE]`.

Real drafts of bundled cases are copied into a store under other names and ids, each with its own texts. With `--store`,
the store is kept, and an existing one is used as it is. The app runs in its own process on one core and is queried over
loopback. Server time runs from a request's arrival in the app to the last byte of its response, minus the time that its
threads waited for their core while other programs used it, but it is never less than the CPU time. A re-score is timed
on the client, as a browser would experience it, minus the same wait. Exits with 1 when a bar is missed.
"""

import argparse
import http.client
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.report.draft_json import dump, dump_documents
from agent.resources import data_folder
from agent.review.domain.records import Reviewer
from agent.review.store.queue import QueueColumns
from agent.review.store.rows import NewReview
from agent.settings import Settings
from evals.bench.serving import Serving

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from agent.review.store.store import Store


DRAFTS: Final = 10_000
ROUNDS: Final = 200
REDRAFTS: Final = 5
MOST_MB: Final = 300
CASES: Final = ("abridge", "airtable-mcp-server", "dify", "firecrawl-mcp", "workos")
QUERIES: Final = (
    "", "sort=open", "sort=uncertain", "sort=changed", "sort=product", "sort=product&reverse=yes", "page=150",
    "stage=open&severity=High", "assigned=nobody", "text=77", "text=nowhere", "text=mcp&sort=open", "contested=yes",
)  # fmt: skip
VALUES: Final = (0.1, 0.3, 0.6, 0.9)
_NAME, _ID, _TITLE = "NAME-OF-THE-COPY", "ID-OF-THE-COPY", "TITLE-OF-THE-COPY"
_WORDS: Final = ("Amber", "Birch", "Cedar", "Delta", "Ember", "Fjord", "Grove", "Heron", "Indigo", "Juniper")
_AT: Final = "2026-11-26T10:00:00Z"
_ANALYST: Final = Reviewer(name="Bench")
_SPENT: Final = b"x-spent"
_JSON: Final = "application/json"
_KILO: Final = 1024
_MILLI: Final = 1000
_NANO: Final = 10**9


class Spent(NamedTuple):
    """The times of one request in milliseconds."""

    server: float
    cpu: float
    trip: float
    """Time on the client from the first byte of the request to the last byte of the response."""
    waited: float
    """Time spent waiting for the core, excluded from `server` and `trip`."""


class Line(NamedTuple):
    """One kind of request with its bar in milliseconds; 0 means no bar."""

    name: str
    spent: tuple[Spent, ...]
    bar: float
    trip: bool = False
    """Whether the bar applies to the trip instead of the server time."""

    @property
    def kept(self) -> bool:
        """Whether 95 % of the requests meet the bar."""
        return not self.bar or percentile([one.trip if self.trip else one.server for one in self.spent], 95) <= self.bar


def percentile(values: list[float], share: int) -> float:
    """Return the `share`-th percentile: the smallest value that at least this percentage of the values do not
    exceed."""
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * share // 100) - 1, 0)]


# -- the store


class _Pattern(NamedTuple):
    """A case's draft as text with placeholders for the name, id and title, and its columns in the queue."""

    draft: str
    documents: str
    columns: QueueColumns
    slug: str

    def copy(self, store: "Store", number: int) -> None:
        """Add a copy to the store."""
        name, identity = f"{_WORDS[number % len(_WORDS)]} {self.slug} {number}", f"{self.slug}-{number}"
        new = NewReview(
            draft_id=identity,
            product=name,
            vendor="",
            draft=self.draft.replace(_NAME, name).replace(_ID, identity),
            documents=self.documents.replace(_TITLE, name),
        )
        assigned = ("", "Anna", "Bo")[number % 3]
        more = {"open": number * 7 % 40, "assigned": assigned, "contested": int(number % 50 == 0)}
        columns = self.columns.model_copy(update=more)
        store.add_review(new, _ANALYST, _AT, lambda _: columns)


def fill(path: Path, count: int) -> None:
    """Create a store with `count` reviews at `path`."""
    from agent.review.store.store import Store

    with Store.open(path) as store:
        patterns = [_pattern(slug) for slug in CASES]
        for number in range(count):
            patterns[number % len(patterns)].copy(store, number)


def _pattern(slug: str) -> _Pattern:
    from agent.drafting.calibration import load_calibration
    from agent.pipeline import draft_reading, read_documents
    from agent.review.domain.fold import fold
    from agent.review.service import queue_columns
    from evals.cases.corpus import load_case
    from evals.cases.documents import READ_AT, documents_of

    documents = documents_of(load_case(data_folder("corpus") / "cases" / slug))
    draft = draft_reading(read_documents(documents), name=None, calibration=load_calibration(), created_at=READ_AT)
    columns = queue_columns(fold("r1", draft, documents, (), {}))
    renamed = draft.model_copy(update={"id": _ID, "product": draft.product.model_copy(update={"name": _NAME})})
    # Give each copy different texts, because the app caches texts by hash.
    first, *rest = documents
    retitled = (first.model_copy(update={"title": _TITLE}), *rest)
    return _Pattern(dump(renamed), dump_documents(retitled), columns, slug)


# -- the server


def _timed(app: "ASGIApp") -> "ASGIApp":
    """Wrap the app so that a response header reports the times of each request and the peak memory of the process."""

    async def answer(scope: "Scope", receive: "Receive", send: "Send") -> None:
        began, used, stood = time.perf_counter(), time.process_time(), _waited()
        held: list[Message] = []

        async def hold(message: "Message") -> None:
            held.append(message)

        await app(scope, receive, hold if scope["type"] == "http" else send)
        took, cpu, waited = time.perf_counter() - began, time.process_time() - used, _waited() - stood
        # Several threads can wait at the same time, so the summed wait may exceed the actual wait.
        own = max(took - waited, cpu)
        spent = own * _MILLI, cpu * _MILLI, (took - own) * _MILLI, _peak_mb()
        for message in held:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (_SPENT, " ".join(f"{each:.3f}" for each in spent).encode())]
            await send(message)

    return answer


def _waited() -> float:
    """Return the seconds that this process's threads were ready to run while other programs used their core."""
    found = [path.read_text("ascii").split() for path in Path("/proc/self/task").glob("*/schedstat")]
    return sum(int(words[1]) for words in found) / _NANO


def _peak_mb() -> float:
    """Return the peak memory of this process so far, in MB, excluding its parent's memory before the fork."""
    found = [line.split() for line in Path("/proc/self/status").read_text("ascii").splitlines()]
    return next(int(words[1]) for words in found if words[:1] == ["VmHWM:"]) / _KILO


def _serve(path: Path, there: Connection, _: float) -> None:
    from agent.review.service import Service
    from agent.review.store.store import Store
    from agent.review.web.access import Access
    from agent.review.web.app import create_app
    from agent.review.web.server import bound, serve

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    made = bound("127.0.0.1", 0)
    port = made.getsockname()[1]
    access = Access.loopback(port)
    access.tokens["bench"] = _ANALYST
    with Store.open(path) as store:
        app = _timed(create_app(Service(store, Settings(), lambda: _AT), access))
        there.send(port)
        serve(app, made)


# -- the reviewer


class Client:
    """A client with one connection, like a reviewer's browser."""

    def __init__(self, port: int) -> None:
        self._origin = f"http://127.0.0.1:{port}"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookie = ""
        self.peak_mb = 0.0
        self._connection.request("GET", "/enter?token=bench")
        answer = self._connection.getresponse()
        answer.read()
        self._cookie = str(answer.getheader("set-cookie")).partition(";")[0]

    def ask(self, path: str, sent: Mapping[str, object] | None = None) -> tuple[Spent, bytes]:
        """Send a GET or, with `sent`, a POST; return times and body. Raises RuntimeError for a status above 299."""
        headers = {"cookie": self._cookie, "origin": self._origin, "content-type": _JSON}
        payload = None if sent is None else json.dumps(sent)
        began = time.perf_counter()
        self._connection.request("GET" if sent is None else "POST", path, payload, headers)
        answer = self._connection.getresponse()
        body = answer.read()
        trip = (time.perf_counter() - began) * _MILLI
        if answer.status >= http.HTTPStatus.MULTIPLE_CHOICES:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        server, cpu, waited, self.peak_mb = map(float, str(answer.getheader(_SPENT.decode())).split())
        return Spent(server, cpu, trip - waited, waited), body


def measured(client: Client, count: int, rounds: int) -> Iterator[Line]:
    """Yield the lines of the table: queue pages, reviews opened for the first time, then acts on these reviews."""
    chance = random.Random(rounds)
    client.ask("/help")
    queue = tuple(client.ask(f"/?{QUERIES[n % len(QUERIES)]}")[0] for n in range(rounds))
    yield Line("queue page", queue, 60)
    keys = [f"r{n + 1}" for n in chance.sample(range(count), min(rounds, count))]
    yield Line("review page, first time", tuple(client.ask(f"/r/{key}")[0] for key in keys), 80)
    previews, acts, again = [], [], []
    for key in keys:
        state = json.loads(client.ask(f"/api/r/{key}")[1])["state"]
        name, factor = chance.choice(sorted(state["reviewed"]["factors"].items()))
        value = chance.choice([each for each in VALUES if each != factor["value"]])
        asked = {
            "verb": "correct", "item": f"factor/{name}", "version": state["version"], "reason": "wrong-value",
            "fields": {"value": value},
        }  # fmt: skip
        previews.append(client.ask(f"/api/r/{key}/preview", asked)[0])
        acts.append(client.ask(f"/api/r/{key}/act", asked)[0])
        again.append(client.ask(f"/r/{key}")[0])
    yield Line("re-score, round trip", tuple(previews), 30, trip=True)
    yield Line("act, stored durably", tuple(acts), 0)
    yield Line("review page, after an act", tuple(again), 80)
    redrafts = []
    # Answer the first question of a few reviews and redraft them, since redrafting needs the most memory.
    for key in keys[:REDRAFTS]:
        state = json.loads(client.ask(f"/api/r/{key}")[1])["state"]
        question = next((one["item"]["id"] for one in state["items"] if one["item"]["kind"] == "question"), None)
        if question is None:
            continue
        said = {"text": f"Nothing of {key} does.", "url": "https://docs.example/limits", "kind": "vendor-answer"}
        asked = {"verb": "answer", "item": question, "version": state["version"], "fields": said}
        version = json.loads(client.ask(f"/api/r/{key}/act", asked)[1])["state"]["version"]
        redrafts.append(client.ask(f"/api/r/{key}/redraft", {"version": version})[0])
    yield Line("draft again with an answer", tuple(redrafts), 0)


def line_text(line: Line) -> str:
    """Format one line of the table."""
    values = [
        f"{percentile([getattr(one, kind) for one in line.spent], share):8.1f}"
        for kind in ("server", "cpu", "trip", "waited")
        for share in (50, 95)
    ]
    bar = f"   {line.bar:.0f} ms {'trip' if line.trip else 'server'}, {'met' if line.kept else 'MISSED'}"
    return f"{line.name:27}{''.join(values)}{bar if line.bar else ''}"


def main() -> int:
    """Measure, print the table, and return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drafts", type=int, default=DRAFTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--store", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.store or Path(folder) / "review.sqlite"
        if not path.exists():
            fill(path, given.drafts)
        with Serving(partial(_serve, path), 0.0) as port:
            client = Client(port)
            lines = list(measured(client, given.drafts, given.rounds))
    print(f"{given.drafts} drafts in the store, {given.rounds} requests of each kind, one core; milliseconds")
    print(f"{'':27}{'server p50, p95':>16}{'CPU p50, p95':>16}{'trip p50, p95':>16}{'waited p50, p95':>16}")
    for line in lines:
        print(line_text(line))
    kept = client.peak_mb <= MOST_MB
    print(f"peak memory of the serving process {client.peak_mb:.0f} MiB ({MOST_MB}, {'met' if kept else 'MISSED'})")
    return int(not kept or not all(line.kept for line in lines))


if __name__ == "__main__":
    sys.exit(main())
