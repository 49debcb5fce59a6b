"""The system picture: what acts, on what, with whose rights, across which boundaries.

Everything is found by rules over the sentences of the sources: verbs with their objects, action nouns, tool names,
lists, and known names. An item is `claimed` when a quote says so, `inferred` when quotes make it likely or when it is
assumed (then it has no evidence), `denied` when a quote says that it is absent, `contradicted` when quotes disagree.

Closed lists of `kind`. Actors: person, operator, subject (about or to whom it acts), counterparty (whose content it
takes in). Components: product, interface, server, agent, runtime, sandbox, memory, tools, llm. Stores: relational,
document, vector, search, graph, warehouse, object, queue, memory, history, knowledge, cache, logs, files, database,
secrets, recordings, config. Services: client, llm, cloud, service, and the kinds of `names.saas` in gazetteer.yaml.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from agent.drafting_old import capabilities as deeds
from agent.drafting_old.authority import LOCAL_SIGNALS, UNGATED_SIGNALS, authorise
from agent.drafting_old.gazetteer import load_gazetteer
from agent.drafting_old.inflection import listed
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.system_flows import boundaries, flows
from agent.drafting_old.system_parts import PartFinder, readable
from agent.evidence.reading import Reading
from agent.records import Capability, Document, System

_TITLE_SPLIT: Final = re.compile(r"\s+[|·–—:]\s+|\s+-\s+|\s+·\s+|: ")
_NAME_CHARS: Final = 80
_VENDOR_NAME: Final = r"([A-Z][\w&.-]*[\w&](?: (?:[A-Z][\w&.-]*[\w&]|AI|of)){0,3})"
_VENDOR_CUES: Final = (
    re.compile(
        r"\b(?:built|made|developed|maintained|published|created|offered|operated|provided|released|run"
        r"|written|launched|sold)(?: and \w+)? by (?:the )?" + _VENDOR_NAME
    ),
    re.compile(
        r"\b(?:server|tool|platform|agent|library|framework|skill|assistant|app|service|plugin|product"
        r"|program|toolkit|package|SDK|project|bot) (?:by|from) " + _VENDOR_NAME
    ),
    re.compile(
        r"\bis (?:an? |the )?(?:[a-z-]+ )?" + _VENDOR_NAME + r"['’]s? (?:own |official |open-source |hosted )?[a-zA-Z-]"
    ),
)
_NOT_VENDORS: Final = listed("the this it a an docker mcp api ai claude cursor node python typescript its their any")
_LISTED_ACTIONS: Final = 2
PROPOSING: Final = (
    "takes in",
    "proposes",
    "suggests",
    "recommends",
    "drafts",
    "answers",
    "explains",
    "brainstorms",
    "outlines",
)
"""Verbs after which nothing changes outside until somebody takes the result up."""
_FRAMEWORK: Final = re.compile(
    r"(?:^|\b(?:is|as)\b)[^.;:]{0,70}\b(?<!public )(?<!skills )(?:framework|library|sdk|toolkit)s?\b"
    r"(?=[^.;:]{0,80}\b(?:agents?|applications?|apps|workflows|pipelines|crews|workforces?|chat)\b)"
    r"|^[^.;:]{0,60}\b(?:agent|llm|ai|agentic|multi-agent|orchestration)[\w ,-]{0,30} (?:framework|library|sdk"
    r"|toolkit)\b"
)
"""A sentence that says of the product that developers build agents with it."""
_OPENING: Final = 8
"""First sentences of the listing, where a vendor is named."""

SubjectKind = Literal["agent skill", "MCP server", "framework", "application"]


class VendorQuote(NamedTuple):
    """A vendor's name with the place that names it."""

    name: str
    statement: int
    start: int
    """Offsets into the document."""
    end: int


def extract(reading: Reading, ledger: Ledger, name: str | None = None) -> System:
    """The system that the sources describe. `name` is the product's name, by default `product_name`.

    Capabilities come gravest first, at most 14 affirmed and two denied; at most about 25 parts. Quotes are cited
    through `ledger`, those of the capabilities first. The same reading gives the same system.
    """
    product = name or product_name(reading.documents)
    found = deeds.find(reading, product, named_calls=subject_kind(reading) != "framework")
    capabilities = authorise(deeds.cite(found, reading, ledger), reading, ledger)
    parts = PartFinder(reading, ledger, product, capabilities).parts()
    moved = flows(parts, capabilities, reading, ledger)
    return System(
        actors=tuple(parts.actors),
        components=tuple(parts.components),
        stores=tuple(parts.stores),
        services=tuple(parts.services),
        flows=moved,
        boundaries=boundaries(parts, reading, ledger),
        capabilities=capabilities,
    )


def product_name(documents: Sequence[Document]) -> str:
    """The product's name: the part of the listing's title that its text uses most, else its first heading or line."""
    first = documents[0]
    pieces = [p.strip() for p in _TITLE_SPLIT.split(first.title.strip()) if p.strip()]
    if pieces:
        heading = next((s.path[0] for s in first.sections if s.path), "")
        counted = sorted(range(len(pieces)), key=lambda n: (pieces[n] != heading, -first.text.count(pieces[n]), n))
        return pieces[counted[0]][:_NAME_CHARS].rstrip()
    heading = next((s.path[0] for s in first.sections if s.path), "")
    line = heading or next((line.strip() for line in first.text.splitlines() if line.strip()), "The product")
    return line[:_NAME_CHARS].rstrip()


def vendor(reading: Reading) -> str | None:
    """Who makes the product, when a sentence about it says so ("a server by Bytebase"); None otherwise."""
    quote = vendor_quote(reading)
    return quote.name if quote else None


def vendor_quote(reading: Reading) -> VendorQuote | None:
    """The vendor's name with the place that names it, among the first sentences; None when none does."""
    own = product_name(reading.documents).lower()
    protocols = {
        e.name.lower()
        for entries in load_gazetteer().names.values()
        for e in entries
        if e.group in ("protocol", "framework", "host", "sandbox")
    }
    for cue in _VENDOR_CUES:
        for index, statement in enumerate(reading.statements[:_OPENING]):
            hit = cue.search(statement.text) if readable(statement) else None
            if hit is None:
                continue
            name = hit.group(1).removesuffix("'s").removesuffix("’s").rstrip(".")
            if name.lower() in protocols or name.lower() == own or name.split()[0].lower() in _NOT_VENDORS:
                continue
            return VendorQuote(name, index, statement.start + hit.start(1), statement.start + hit.start(1) + len(name))
    return None


def subject_kind(reading: Reading) -> SubjectKind:
    """What sort of thing the listing describes, from its first sentences."""
    opening = " ".join(s.text for s in reading.statements[:6]).lower()
    if re.search(r"\b(?:agent )?skill\b", opening) and not re.search(r"\bmcp server\b", opening):
        return "agent skill"
    if re.search(r"\bmcp (?:server|gateway)\b|\bmodel context protocol server\b", opening):
        return "MCP server"
    if any(_FRAMEWORK.search(s.text.lower()) for s in reading.statements[:6]):
        return "framework"
    return "application"


def assumptions(system: System, reading: Reading) -> tuple[str, ...]:
    """What the picture takes for granted because no source says it, one sentence each."""
    name = system.components[0].name
    found: list[str] = []
    llm = next((c for c in system.components if c.kind == "llm"), None)
    if llm is not None:
        which = "the one" if llm.name.startswith("LLM of") else "one"
        found.append(f"No source names the LLM; the picture assumes {which} {llm.name.removeprefix('LLM ')}.")
    if not any(a.kind == "person" and a.evidence for a in system.actors):
        found.append(f"No source says who uses {name}; the picture assumes one user.")
    place = next((b for b in system.boundaries if system.components[0].id in b.members), None)
    if place is not None and not place.evidence:
        found.append(f"No source says where {name} runs; its parts are drawn inside one boundary.")
    acting = [c for c in system.capabilities if c.state not in ("denied", "unknown")]
    unowned = [
        c for c in acting if c.credential is None and c.credential_state is None and c.signal not in LOCAL_SIGNALS
    ]
    if unowned:
        rights = "the rights of the user who set it up are assumed"
        found.append(f"No source says with whose credential {name} {_told(unowned)}; {rights}.")
    unasked = [
        c
        for c in acting
        if c.mode != "read"
        and not c.action.startswith(PROPOSING)
        and c.approver is None
        and c.approver_state is None
        and c.signal not in UNGATED_SIGNALS
    ]
    if unasked:
        found.append(f"No source says that anyone approves before {name} {_told(unasked)}; no approval is assumed.")
    inferred = [(c, c.credential) for c in acting if c.credential and c.credential_state == "inferred"]
    if inferred:
        item, words = inferred[0]
        place_of = f"That {name} uses {words.split(',')[0]} when it {_told([item])}"
        found.append(f"{place_of} is taken from another sentence than the action.")
    return tuple(found)


def _told(capabilities: Sequence[Capability]) -> str:
    """ "sends mail and updates records", of the first two."""
    told = [f"{c.action} {c.object}" for c in capabilities[:_LISTED_ACTIONS]]
    return " and ".join(told)
