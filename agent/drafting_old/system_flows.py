"""What flows between the parts of a system, and which trust boundaries the flows cross."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from agent.drafting_old.inflection import listed
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.system_parts import Parts, shown
from agent.evidence.reading import Reading
from agent.records import Boundary, Capability, Flow, State, SystemItem

MAX_WHAT: Final = 60
_PLACES: Final = (
    ("the user's machine", ("local_process", "stdio_transport", "desktop_app", "browser_extension")),
    ("the vendor's cloud", ("hosted_service", "serverless", "mobile_app")),
    ("the operator's own servers", ("self_hosted", "container", "on_premises")),
)
_FEED_WORDS: Final = {
    "senders of mail": "mail",
    "authors of web pages": "web pages",
    "authors of repository": "repository content",
    "authors of files": "files",
    "authors of third-party": "third-party content",
    "publishers of": "plugins and agents",
    "anyone who": "requests",
}
_TO_PEOPLE: Final = ("sends_messages", "places_calls")
_LOCAL_STORES: Final = listed("history memory vector knowledge cache logs files database secrets recordings config")


def flows(parts: Parts, capabilities: Sequence[Capability], reading: Reading, ledger: Ledger) -> tuple[Flow, ...]:
    """Flows between the parts; a flow without evidence is assumed."""
    return tuple(_Flows(parts, capabilities, reading, ledger).all())


class _Flows:
    def __init__(self, parts: Parts, capabilities: Sequence[Capability], reading: Reading, ledger: Ledger) -> None:
        self._parts, self._reading = parts, reading
        self._capabilities = [c for c in capabilities if c.state not in ("denied", "unknown")]
        self._product = parts.components[0].id
        self._quotes = {e.id: e.quote.lower() for e in ledger.evidence()}
        self._ledger = ledger

    def all(self) -> Iterator[Flow]:
        yield from self._from_actors()
        yield from self._to_components()
        for store in self._parts.stores:
            yield self._named(store, "reads and writes") or self._flow(store.id, self._use(store), store)
        for service in self._parts.services:
            yield self._to_service(service)

    def _use(self, store: SystemItem) -> str:
        if store.kind in _LOCAL_STORES:
            return "keeps data in"
        writes = any(c.mode != "read" for c in self._capabilities)
        return "reads and writes data" if writes else "reads data"

    def _from_actors(self) -> Iterator[Flow]:
        client = next((s for s in self._parts.services if s.kind == "client"), None)
        front = client or next((c for c in self._parts.components if c.kind == "interface"), None)
        for actor in self._parts.actors:
            if actor.kind == "counterparty":
                what = next((words for start, words in _FEED_WORDS.items() if actor.name.startswith(start)), "content")
                yield Flow(source=actor.id, target=self._product, what=what, state="inferred", evidence=actor.evidence)
            elif actor.kind == "subject":
                reach = next((c for c in self._capabilities if c.signal in _TO_PEOPLE), None)
                if reach is not None:
                    yield Flow(
                        source=self._product,
                        target=actor.id,
                        what=_what(reach),
                        state="inferred",
                        evidence=reach.evidence,
                    )
                else:
                    yield Flow(
                        source=actor.id,
                        target=self._product,
                        what="requests and own data",
                        state="inferred",
                        evidence=(),
                    )
            else:
                target = front.id if front is not None and actor.kind == "person" else self._product
                what = "settings" if actor.kind == "operator" else "requests"
                yield Flow(
                    source=actor.id,
                    target=target,
                    what=what,
                    state="inferred",
                    evidence=actor.evidence if target == self._product else (),
                )

    def _to_components(self) -> Iterator[Flow]:
        for item in self._parts.components[1:]:
            what = {
                "llm": "prompts and results",
                "sandbox": "code and commands to run",
                "interface": "requests",
                "agent": "subtasks",
            }.get(item.kind, "calls")
            client = next((s for s in self._parts.services if s.kind == "client"), None)
            if item.kind == "llm" and client is not None:
                yield Flow(source=client.id, target=item.id, what=what, state="inferred", evidence=())
                continue
            inwards = item.kind == "interface"
            source, target = (item.id, self._product) if inwards else (self._product, item.id)
            yield Flow(source=source, target=target, what=what, state="inferred", evidence=item.evidence)

    def _to_service(self, service: SystemItem) -> Flow:
        if service.kind == "client":
            transport = next(
                (m for s in ("mcp_server", "stdio_transport", "http_endpoint") for m in shown(self._reading, s)), None
            )
            quotes = (
                (self._ledger.cite(transport.statement, transport.start, transport.end),)
                if transport
                else service.evidence
            )
            return Flow(source=service.id, target=self._product, what="tool calls", state="claimed", evidence=quotes)
        if service.kind == "llm":
            return self._flow(service.id, "prompts and results", service)
        return self._named(service, "") or self._flow(service.id, "API calls", service)

    def _named(self, item: SystemItem, default: str) -> Flow | None:
        """A flow that a capability describes: its object names the item, or "in", "to" … the item follows it."""
        name = item.name.lower()
        for capability in self._capabilities:
            thing = capability.object.lower()
            quotes = [self._quotes[e] for e in capability.evidence[:1]]
            if _is_in(name, thing) or any(_follows(name, thing.split()[-1], quote) for quote in quotes):
                return Flow(
                    source=self._product,
                    target=item.id,
                    what=default or _what(capability),
                    state="claimed",
                    evidence=capability.evidence[:1],
                )
        return None

    def _flow(self, target: str, what: str, item: SystemItem) -> Flow:
        state: State = "inferred"
        return Flow(source=self._product, target=target, what=what, state=state, evidence=item.evidence)


def _is_in(name: str, text: str) -> bool:
    return name in text and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _follows(name: str, last: str, text: str) -> bool:
    """Whether "in", "to" … the name follow the word `last`."""
    if name not in text or last not in text:
        return False
    joint = r"\W+(?:in|to|from|on|through|via|into|at|with)\s(?:\w+\s){0,2}?"
    return re.search(rf"{re.escape(last)}{joint}{re.escape(name)}(?!\w)", text) is not None


def _what(capability: Capability) -> str:
    text = f"{capability.action} {capability.object}"
    return text if len(text) <= MAX_WHAT else capability.object[:MAX_WHAT].rstrip()


def boundaries(parts: Parts, reading: Reading, ledger: Ledger) -> tuple[Boundary, ...]:
    """Trust boundaries: where the product runs, LLM providers, other services, and those who feed it content."""
    place, state, quotes = _place(reading, ledger)
    local = place == "the user's machine"
    inside = [
        item.id
        for item in (*parts.components, *(s for s in parts.stores if s.kind in _LOCAL_STORES))
        if item.kind != "llm"
    ]
    clients = [s.id for s in parts.services if s.kind == "client"]
    llms = [item.id for item in (*parts.components, *parts.services) if item.kind == "llm"]
    others = [s.id for s in parts.services if s.kind not in ("client", "llm")]
    stores = [s.id for s in parts.stores if s.kind not in _LOCAL_STORES]
    outside = [a.id for a in parts.actors if a.kind in ("counterparty", "subject")]
    wanted: list[tuple[str, list[str], State, tuple[str, ...]]] = [
        (place, inside + (clients if local else []), state, quotes),
        ("the user's programs", [] if local else clients, "inferred", ()),
        ("LLM provider", llms, "inferred", ()),
        ("data stores that it connects to", stores, "inferred", ()),
        ("third-party services", others, "inferred", ()),
        ("outside content and people", outside, "inferred", ()),
    ]
    kept = [row for row in wanted if row[1]]
    items = (*parts.actors, *parts.stores, *parts.services)
    quoted = {item.id: item.evidence for item in items if item.evidence}
    return tuple(
        Boundary(
            id=f"B{n}",
            name=name,
            members=tuple(members),
            state=said,
            evidence=cited or (_first(members, quoted) if n > 1 else ()),
        )
        for n, (name, members, said, cited) in enumerate(kept, start=1)
    )


def _first(members: Sequence[str], quoted: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The quote that names the first member that has one: what lies outside is named, that it is apart is inferred."""
    return next((quoted[m] for m in members if m in quoted), ())


def _place(reading: Reading, ledger: Ledger) -> tuple[str, State, tuple[str, ...]]:
    """Where the product runs: the place that most statements show; the first of equal ones."""
    best: tuple[int, str] | None = None
    for name, signals in _PLACES:
        statements = {m.statement for s in signals for m in shown(reading, s)}
        if statements and (best is None or len(statements) > best[0]):
            best = (len(statements), name)
    if best is None:
        return "where it runs (not stated)", "inferred", ()
    signals = next(signals for name, signals in _PLACES if name == best[1])
    match = next(m for s in signals for m in shown(reading, s))
    return best[1], "claimed", (ledger.cite(match.statement, match.start, match.end),)
