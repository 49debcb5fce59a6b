"""Build the system picture from facts: actors, components, stores, services, flows and boundaries.

Each kind of product has a basic picture, drawn with dashed lines because no quote supports it. Facts add parts and
flows. Parts and flows supported by a quote have evidence and are drawn solid; inferred ones are drawn dashed.

Closed lists of `kind`. Actors: person, operator, subject (to whom or about whom it acts), counterparty (whose content
it takes in). Components: product, agent, runtime, sandbox, tools, llm. Stores: memory, vector, history, secrets, logs,
config, files, database. Services: client, llm, cloud, service.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, get_args

from agent.drafting.judgement import Given
from agent.drafting.wording import (
    MAX_MARKS,
    Said,
    asserted,
    capital,
    kind_title,
    listed,
    load_wording,
    noun,
    said as said_of,
    third_person,
)
from agent.facts.knowledge import loader
from agent.facts.sheet import counted
from agent.facts.vocabulary import load_vocabulary
from agent.records import Boundary, Capability, Fact, FactSheet, Flow, Record, SlotName, State, System, SystemItem
from agent.taxonomy.kinds import ProductKind

Group = Literal["actor", "component", "store", "service"]
Place = Literal["user", "vendor", "own", "outside", "product"]
PRODUCT: Final = "product"
MAX_CAPABILITIES: Final = 14
MAX_SEVERAL: Final = 5
"""Maximum number of parts per key if each fact adds its own part."""
MAX_NAME: Final = 60
_AGENT: Final = "agent"
_AGENT_GROUPS: Final = frozenset({"does", "reads", "decides", "model"})
_EXECUTES: Final = frozenset({"runs_commands", "runs_code", "drives_browser", "drives_desktop", "controls_devices"})
_ACTS_AS: Final = ("user_oauth", "api_key", "password_login", "service_account")
_LOCAL: Final = frozenset({"runs_commands", "runs_code", "writes_files", "reads_files", "proposes_code"})
"""Abilities that need only the rights of the process, without a credential."""
_READ_WITH_RIGHTS: Final = frozenset({"queries_data", "reads_private_data", "reads_mail_chat", "reads_telemetry"})
"""Keys of data that is read with a credential, as opposed to public or local data."""
_HARMLESS: Final = frozenset({"proposes_code", "makes_media", "gives_verdicts"})
"""Abilities without external effects until somebody uses the result."""
_PRODUCT_NAMES: Final = ("product", "the product", "it")
"""Names that an LLM may use for the product as an end of a flow."""
_PLACES: Final = (
    "local_process", "stdio", "container", "vendor_cloud", "self_hosted", "extension_or_app", "listens_locally",
)  # fmt: skip
_LLMS: Final = ("names_llm", "client_brings_llm", "no_llm", "self_hosted_llm")
_NAMED: Final = 2
_WHERE: Final = {"user": "on the user's machine", "vendor": "in the vendor's cloud", "own": "on the operator's servers"}
_JUDGED_KINDS: Final[Mapping[Group, str]] = {
    "actor": "person",
    "component": "tools",
    "store": "database",
    "service": "service",
}


class PartRow(Record):
    """A part in the basic picture of a product kind."""

    id: str
    group: Group
    kind: str
    name: str
    inside: Place


class KindPicture(Record):
    """The basic picture of a product kind, without any facts."""

    place: Place
    parts: tuple[PartRow, ...]
    flows: tuple[tuple[str, str, str], ...]


class FactRow(PartRow):
    """The part and the flow that a fact adds."""

    key: str
    takes: tuple[SlotName, ...] = ()
    flow: Literal["to", "from", "both"]
    what: str
    several: bool = False
    """Whether each fact adds its own part."""


class PictureRules(Record):
    """The data behind the picture, from `corpus/knowledge/picture.yaml`."""

    kinds: dict[ProductKind, KindPicture]
    places: dict[str, str]
    placed_by: dict[Place, tuple[str, ...]]
    facts: tuple[FactRow, ...]


load_picture: Final = loader("picture.yaml", PictureRules)
"""Loads the rules of the picture."""


class _Placed(NamedTuple):
    group: Group
    item: SystemItem
    place: Place


def picture(given: Given) -> System:
    """Build the system picture. An LLM's parts and flows replace the default ones while their facts and quotes exist.

    Capabilities always come from facts. The function is deterministic.
    """
    place, placing = _place(given)
    parts, flows = _judged(given, place)
    if not flows:
        parts, flows = _drawn(given, place)
    groups: dict[Group, tuple[SystemItem, ...]] = {
        group: tuple(part.item for part in parts.values() if part.group == group) for group in get_args(Group)
    }
    boundaries = []
    for key, name in load_picture().places.items():
        if members := tuple(part for part, placed in parts.items() if placed.place == key):
            evidence = placing[:MAX_MARKS] if key == place else ()
            boundaries.append(Boundary(id=key, name=name, members=members, state=_claimed(evidence), evidence=evidence))
    return System(
        actors=groups["actor"],
        components=groups["component"],
        stores=groups["store"],
        services=groups["service"],
        flows=tuple(flows),
        boundaries=tuple(boundaries),
        capabilities=capabilities(given.sheet),
    )


def _claimed(evidence: Sequence[str]) -> State:
    return "claimed" if evidence else "inferred"


def _place(given: Given) -> tuple[Place, tuple[str, ...]]:
    """Return where the product runs, based on the most certain fact or else the default for its kind, with quotes."""
    rules = load_picture()
    found = [(place, fact) for place, keys in rules.placed_by.items() for fact in asserted(given.sheet, *keys)]
    if not found:
        return rules.kinds[given.kind].place, ()
    place, fact = max(found, key=lambda row: (row[1].rank, row[1].confidence))
    return place, _solid(fact)


def _drawn(given: Given, place: Place) -> tuple[dict[str, _Placed], list[Flow]]:
    """Draw the basic picture of the kind, and the parts and flows that facts add."""
    rules = load_picture()
    basic = rules.kinds[given.kind]
    parts = {PRODUCT: _product(given, place)}
    for row in basic.parts:
        item = SystemItem(id=row.id, name=row.name, kind=row.kind, state="inferred", evidence=())
        parts[row.id] = _Placed(row.group, item, row.inside)
    flows = [
        Flow(source=source, target=target, what=what, state="inferred", evidence=())
        for source, target, what in basic.flows
    ]
    for entry in rules.facts:
        # The product's end of a flow is the agent if the kind has one and the key is in `_AGENT_GROUPS`.
        acts = any(part.id == _AGENT for part in basic.parts) and load_vocabulary()[entry.key].group in _AGENT_GROUPS
        acting = _AGENT if acts else PRODUCT
        for number, facts in enumerate(_facts_of(given.sheet, entry), start=1):
            part = entry.id if number == 1 else f"{entry.id}-{number}"
            marks = tuple(dict.fromkeys(mark for fact in facts for mark in _solid(fact)))[:MAX_MARKS]
            state = _state(facts)
            known = parts[part].item.evidence if part in parts else ()
            item = SystemItem(
                id=part,
                name=_named(entry, facts) or entry.name,
                kind=entry.kind,
                state=state,
                evidence=tuple(dict.fromkeys((*known, *marks)))[:MAX_MARKS],
            )
            parts[part] = _Placed(entry.group, item, place if entry.inside == "product" else entry.inside)
            ends = {"to": [(acting, part)], "from": [(part, acting)], "both": [(acting, part), (part, acting)]}
            for source, target in ends[entry.flow]:
                # Replace a flow that was only assumed for the kind.
                flows = [flow for flow in flows if flow.evidence or (flow.source, flow.target) != (source, target)]
                flows.append(Flow(source=source, target=target, what=entry.what, state=state, evidence=marks))
    return parts, flows


def _facts_of(sheet: FactSheet, row: FactRow) -> Sequence[tuple[Fact, ...]]:
    """Group the facts of a row by part: one part for all facts, or one part per name."""
    facts = asserted(sheet, row.key)
    named = {name: fact for fact in facts if (name := _named(row, (fact,)))}
    if row.several and named:
        return [(fact,) for fact in named.values()][:MAX_SEVERAL]
    return [facts] if facts else []


def _named(row: FactRow, facts: Sequence[Fact]) -> str:
    for slot in row.takes:
        if values := dict.fromkeys(value for fact in facts if (value := noun(fact, slot))):
            return capital(listed(tuple(values)[:2]))[:MAX_NAME].rstrip()
    return ""


def _product(given: Given, place: Place) -> _Placed:
    own = counted(given.sheet)
    evidence = _solid(own[0])[:1] if own else ()
    item = SystemItem(id=PRODUCT, name=given.name, kind="product", state=_claimed(evidence), evidence=evidence)
    return _Placed("component", item, place)


def _solid(fact: Fact) -> tuple[str, ...]:
    """Return the quotes of a fact, or none if it is inferred and therefore drawn dashed."""
    return () if fact.state == "inferred" else fact.evidence


def _state(facts: Iterable[Fact]) -> State:
    states = {fact.state for fact in facts}
    wanted: tuple[State, ...] = ("confirmed", "claimed", "contradicted")
    return next((state for state in wanted if state in states), "inferred")


def _judged(given: Given, place: Place) -> tuple[dict[str, _Placed], list[Flow]]:
    """Build an LLM's picture from parts and flows whose evidence still exists; empty if no flow touches the product."""
    parts = {PRODUCT: _product(given, place)}
    ids = dict.fromkeys((given.name.casefold(), *_PRODUCT_NAMES), PRODUCT)
    for number, part in enumerate(given.judgement.picture.parts, start=1):
        key = part.name.casefold()
        if key in ids or not given.stands("", part.facts, part.evidence):
            continue
        ids[key] = f"part-{number}"
        evidence = given.quotes(part.facts, part.evidence)[:MAX_MARKS]
        item = SystemItem(
            id=ids[key],
            name=part.name[:MAX_NAME],
            kind=_JUDGED_KINDS[part.group],
            state=_claimed(evidence),
            evidence=evidence,
        )
        parts[item.id] = _Placed(part.group, item, place if part.inside == "product" else part.inside)
    flows = []
    for flow in given.judgement.picture.flows:
        source, target = ids.get(flow.source.casefold()), ids.get(flow.target.casefold())
        if source and target and source != target and given.stands("", flow.facts, flow.evidence):
            evidence = given.quotes(flow.facts, flow.evidence)[:MAX_MARKS]
            state = _claimed(evidence)
            flows.append(Flow(source=source, target=target, what=flow.what, state=state, evidence=evidence))
    return (parts, flows) if any(PRODUCT in (flow.source, flow.target) for flow in flows) else ({}, [])


def capabilities(sheet: FactSheet) -> tuple[Capability, ...]:
    """List what the product can do and read, and with whose rights; grave abilities come first, denied ones last."""
    rows = [*said_of(sheet, group="does"), *said_of(sheet, group="reads")]
    rows = [one for one in rows if one.entry.claim == "ability"]
    rows.sort(key=lambda one: (one.polarity == "denied", one.key.startswith("reads"), not one.entry.grave))
    return tuple(_capability(number, sheet, one) for number, one in enumerate(rows[:MAX_CAPABILITIES], start=1))


def _capability(number: int, sheet: FactSheet, one: Said) -> Capability:
    by_id = {fact.id: fact for fact in sheet.facts}
    facts = [by_id[key] for key in one.facts]
    reads, key = one.entry.group == "reads", one.key
    mode: Literal["read", "write", "delete", "execute"] = "read" if reads else "write"
    mode = "execute" if key in _EXECUTES else "delete" if key == "deletes_data" else mode
    local = key in _LOCAL or (reads and key not in _READ_WITH_RIGHTS)
    held = () if local else asserted(sheet, *_ACTS_AS)
    denied = () if local else counted(sheet, "no_credentials", "asserted")
    credential, credential_state, credential_evidence = _right("credential", () if reads else facts, held, denied)
    harmful = not reads and key not in _HARMLESS
    held = asserted(sheet, "approval_before") if harmful else ()
    denied = counted(sheet, "approval_before", "denied") if harmful else ()
    approver, approver_state, approver_evidence = _right("approval", facts if harmful else (), held, denied)
    polarity = facts[0].polarity
    return Capability(
        id=f"C{number}",
        signal=one.key,
        action=third_person(one.words.do),
        object=one.what,
        mode=mode,
        credential=credential,
        approver=approver,
        data=tuple(dict.fromkeys(value for fact in facts if (value := noun(fact, "data")))),
        state="denied" if polarity == "denied" else _state(facts),
        evidence=tuple(dict.fromkeys(mark for fact in facts for mark in fact.evidence)),
        condition="depends on a setting" if polarity == "configurable" else None,
        credential_state=credential_state,
        credential_evidence=credential_evidence,
        approver_state=approver_state,
        approver_evidence=approver_evidence,
    )


def _right(
    slot: Literal["credential", "approval"], named: Sequence[Fact], held: Sequence[Fact], denied: Sequence[Fact]
) -> tuple[str | None, State | None, tuple[str, ...]]:
    """Return a slot's value from the ability's own facts, or else from those about the whole product, with quotes."""
    for fact in named:
        if noun(fact, slot):
            return noun(fact, slot), "claimed", fact.evidence[:MAX_MARKS]
    for fact in held[:1]:
        words = "a person" if slot == "approval" else load_wording()[fact.key].risk
        return noun(fact, slot) or words, "inferred", fact.evidence[:MAX_MARKS]
    for fact in denied[:1]:
        return None, "denied", fact.evidence[:MAX_MARKS]
    return None, None, ()


def assumptions(system: System, given: Given) -> tuple[str, ...]:
    """List the assumptions, each in one plain sentence; the picture draws them with dashed lines."""
    sheet, name, kind = given.sheet, given.name, given.kind
    found = []
    if kind != "other":
        found.append(f"{name} is modelled as {kind_title(kind)}, and the picture is drawn accordingly.")
    if not asserted(sheet, *_PLACES):
        place = next((boundary.id for boundary in system.boundaries if PRODUCT in boundary.members), "")
        where = _WHERE.get(place, "in one place")
        found.append(f"The sources do not say where {name} runs; the picture puts it {where}.")
    if not asserted(sheet, *_LLMS):
        which = "the client's own" if kind in ("mcp-server", "agent-skill") else "a hosted one"
        found.append(f"The sources do not name the LLM; the picture assumes {which}.")
    acting = [c for c in system.capabilities if c.state != "denied" and c.mode != "read"]
    unowned = [f"{c.action} {c.object}" for c in acting if c.credential_state is None]
    if unowned and not asserted(sheet, *_ACTS_AS, "no_credentials"):
        told = listed(unowned[:_NAMED])
        found.append(f"The sources do not say whose permissions {name} uses when it {told}; the user's are assumed.")
    deciding = [c for c in acting if c.signal not in ("proposes_code", "gives_verdicts")]
    unasked = [f"{c.action} {c.object}" for c in deciding if c.approver_state is None]
    if unasked and not counted(sheet, "approval_before"):
        told = listed(unasked[:_NAMED])
        found.append(f"The sources mention no approval before {name} {told}, so none is assumed.")
    return tuple(found)
