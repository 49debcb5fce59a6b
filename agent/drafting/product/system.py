"""Builds the system picture from facts: actors, components, stores, services, flows and boundaries.

Each kind of product has a basic picture, drawn with dashed lines because no quote supports it. Facts add parts and
flows. Parts and flows supported by a quote have evidence and are drawn solid; inferred ones are drawn dashed.

Closed lists of `kind`. Actors: person, operator, subject (to whom or about whom it acts), counterparty (whose content
it takes in). Components: product, agent, runtime, sandbox, tools, llm. Stores: memory, vector, history, secrets, logs,
config, files, database. Services: client, llm, cloud, service.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, Literal, NamedTuple

import yaml

from agent.drafting.judgement import JudgedPart, Judgement, quotes_of, stands
from agent.drafting.wording import MAX_MARKS, asserted, listed, load_wording, noun, said as said_of, third_person
from agent.facts.sheet import counted
from agent.facts.vocabulary import load_vocabulary
from agent.records import Boundary, Capability, Fact, FactSheet, Flow, Record, SlotName, State, System, SystemItem
from agent.resources import data_folder
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
"""Names that an LLM may use for the product at either end of a flow."""
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


@cache
def load_picture() -> PictureRules:
    """Load the rules of the picture."""
    raw = yaml.safe_load((data_folder("corpus") / "knowledge" / "picture.yaml").read_text("utf-8"))
    return PictureRules.model_validate(raw)


class _Placed(NamedTuple):
    group: Group
    item: SystemItem
    place: Place


def picture(sheet: FactSheet, product_name: str, kind: ProductKind, judgement: Judgement | None = None) -> System:
    """Build the system picture. An LLM's parts and flows replace the default ones while their facts and quotes exist.

    Capabilities always come from facts. The function is deterministic.
    """
    place, placing = _place(sheet, kind)
    parts, flows = _judged(sheet, product_name, place, judgement) if judgement else ({}, [])
    if not flows:
        parts, flows = _drawn(sheet, product_name, kind, place)
    groups: dict[str, tuple[SystemItem, ...]] = {
        group: tuple(part.item for part in parts.values() if part.group == group)
        for group in ("actor", "component", "store", "service")
    }
    return System(
        actors=groups["actor"],
        components=groups["component"],
        stores=groups["store"],
        services=groups["service"],
        flows=tuple(flows),
        boundaries=_boundaries(parts, place, placing),
        capabilities=capabilities(sheet),
    )


# ------------------------------------------------------------ from facts


def _place(sheet: FactSheet, kind: ProductKind) -> tuple[Place, tuple[str, ...]]:
    """Determine where the product runs, from the surest fact or the default for its kind; return place and quotes."""
    found: list[tuple[int, float, Place, tuple[str, ...]]] = []
    for place, keys in load_picture().placed_by.items():
        for fact in asserted(sheet, *keys):
            found.append((fact.rank, fact.confidence, place, _solid(fact)))
    if not found:
        return load_picture().kinds[kind].place, ()
    best = max(found, key=lambda row: row[:2])
    return best[2], best[3]


def _drawn(sheet: FactSheet, name: str, kind: ProductKind, place: Place) -> tuple[dict[str, _Placed], list[Flow]]:
    rules = load_picture()
    parts = {PRODUCT: _Placed("component", _product(sheet, name), place)}
    flows: list[Flow] = []
    for row in rules.kinds[kind].parts:
        item = SystemItem(id=row.id, name=row.name, kind=row.kind, state="inferred", evidence=())
        parts[row.id] = _Placed(row.group, item, row.inside)
    for source, target, what in rules.kinds[kind].flows:
        flows.append(Flow(source=source, target=target, what=what, state="inferred", evidence=()))
    for entry in rules.facts:
        for number, facts in enumerate(_facts_of(sheet, entry), start=1):
            part = entry.id if number == 1 else f"{entry.id}-{number}"
            _add_part(parts, part, entry, facts, place)
            _add_flow(flows, part, entry, facts, _acting(entry.key, kind))
    return parts, flows


def _facts_of(sheet: FactSheet, row: FactRow) -> list[tuple[Fact, ...]]:
    """Group the facts of a row by part: one part for all facts, or one part per name."""
    facts = asserted(sheet, row.key)
    if not facts:
        return []
    named = {name: fact for fact in facts if (name := _named(row, (fact,)))}
    if row.several and named:
        ones: list[tuple[Fact, ...]] = [(fact,) for fact in named.values()]
        return ones[:MAX_SEVERAL]
    return [facts]


def _named(row: FactRow, facts: Sequence[Fact]) -> str:
    for slot in row.takes:
        values = dict.fromkeys(value for fact in facts if (value := noun(fact, slot)))
        if values:
            return _short(listed(tuple(values)[:2]))
    return ""


def _short(name: str) -> str:
    return (name[:1].upper() + name[1:])[:MAX_NAME].rstrip()


def _add_part(parts: dict[str, _Placed], part: str, row: FactRow, facts: Sequence[Fact], place: Place) -> None:
    evidence = _marks(facts)
    known = parts.get(part)
    if known is not None and known.item.evidence:
        evidence = tuple(dict.fromkeys((*known.item.evidence, *evidence)))[:MAX_MARKS]
    inside = place if row.inside == "product" else row.inside
    item = SystemItem(
        id=part, name=_named(row, facts) or row.name, kind=row.kind, state=_state(facts), evidence=evidence
    )
    parts[part] = _Placed(row.group, item, inside)


def _acting(key: str, kind: ProductKind) -> str:
    """Return the product's end of a flow: the agent if the kind has one and the key is in `_AGENT_GROUPS`."""
    agents = any(part.id == _AGENT for part in load_picture().kinds[kind].parts)
    return _AGENT if agents and load_vocabulary()[key].group in _AGENT_GROUPS else PRODUCT


def _add_flow(flows: list[Flow], part: str, row: FactRow, facts: Sequence[Fact], acting: str) -> None:
    ends = [(acting, part)] if row.flow == "to" else [(part, acting)]
    if row.flow == "both":
        ends = [(acting, part), (part, acting)]
    for source, target in ends:
        # Replace a flow that was only assumed for the kind.
        flows[:] = [flow for flow in flows if flow.evidence or (flow.source, flow.target) != (source, target)]
        flows.append(Flow(source=source, target=target, what=row.what, state=_state(facts), evidence=_marks(facts)))


def _product(sheet: FactSheet, name: str) -> SystemItem:
    own = counted(sheet)
    evidence = _solid(own[0]) if own else ()
    return SystemItem(
        id=PRODUCT, name=name, kind="product", state="claimed" if evidence else "inferred", evidence=evidence[:1]
    )


def _solid(fact: Fact) -> tuple[str, ...]:
    """Return the quotes of a fact, or none if it is inferred and therefore drawn dashed."""
    return () if fact.state == "inferred" else fact.evidence


def _marks(facts: Sequence[Fact]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mark for fact in facts for mark in _solid(fact)))[:MAX_MARKS]


def _state(facts: Sequence[Fact]) -> State:
    states = {fact.state for fact in facts}
    wanted: tuple[State, ...] = ("confirmed", "claimed", "contradicted")
    return next((state for state in wanted if state in states), "inferred")


def _boundaries(parts: Mapping[str, _Placed], place: Place, placing: tuple[str, ...]) -> tuple[Boundary, ...]:
    names = load_picture().places
    found = []
    for key, name in names.items():
        members = tuple(part for part, placed in parts.items() if placed.place == key)
        if members:
            evidence = placing[:MAX_MARKS] if key == place else ()
            state: State = "claimed" if evidence else "inferred"
            found.append(Boundary(id=key, name=name, members=members, state=state, evidence=evidence))
    return tuple(found)


# ------------------------------------------------------------ from an LLM's judgement


def _judged(
    sheet: FactSheet, name: str, place: Place, judgement: Judgement | None
) -> tuple[dict[str, _Placed], list[Flow]]:
    """Build an LLM's picture from parts and flows whose facts and quotes exist; empty if no flow meets the product."""
    if judgement is None:
        return {}, []
    parts = {PRODUCT: _Placed("component", _product(sheet, name), place)}
    ids = dict.fromkeys((name.casefold(), *_PRODUCT_NAMES), PRODUCT)
    for number, part in enumerate(judgement.picture.parts, start=1):
        key = part.name.casefold()
        if key in ids or not stands(sheet, judgement, "", part.facts, part.evidence):
            continue
        ids[key] = f"part-{number}"
        evidence = quotes_of(sheet, part.facts, part.evidence)[:MAX_MARKS]
        item = SystemItem(
            id=ids[key],
            name=part.name[:MAX_NAME],
            kind=_JUDGED_KINDS[part.group],
            state="claimed" if evidence else "inferred",
            evidence=evidence,
        )
        parts[item.id] = _Placed(part.group, item, _inside(part, place))
    flows = []
    for flow in judgement.picture.flows:
        source, target = ids.get(flow.source.casefold()), ids.get(flow.target.casefold())
        if source and target and source != target and stands(sheet, judgement, "", flow.facts, flow.evidence):
            evidence = quotes_of(sheet, flow.facts, flow.evidence)[:MAX_MARKS]
            state: State = "claimed" if evidence else "inferred"
            flows.append(Flow(source=source, target=target, what=flow.what, state=state, evidence=evidence))
    if not any(PRODUCT in (flow.source, flow.target) for flow in flows):
        return {}, []
    return parts, flows


def _inside(part: JudgedPart, place: Place) -> Place:
    return place if part.inside == "product" else part.inside


# ------------------------------------------------------------ capabilities


def capabilities(sheet: FactSheet) -> tuple[Capability, ...]:
    """List what the product can do and read, and with whose rights, gravest abilities first and denied ones last."""
    vocabulary = load_vocabulary()
    rows = [
        one
        for group in ("does", "reads")
        for one in said_of(sheet, group=group)
        if vocabulary[one.key].claim == "ability"
    ]
    rows.sort(key=lambda one: (one.polarity == "denied", one.key.startswith("reads"), not vocabulary[one.key].grave))
    facts = {fact.id: fact for fact in sheet.facts}
    return tuple(
        _capability(number, sheet, one.key, one.what, [facts[key] for key in one.facts])
        for number, one in enumerate(rows[:MAX_CAPABILITIES], start=1)
    )


def _capability(number: int, sheet: FactSheet, key: str, what: str, facts: Sequence[Fact]) -> Capability:
    first = facts[0]
    credential, credential_state, credential_evidence = _credential(sheet, key, facts)
    approver, approver_state, approver_evidence = _approver(sheet, key, facts)
    state: State = "denied" if first.polarity == "denied" else _state(facts)
    return Capability(
        id=f"C{number}",
        signal=key,
        action=third_person(load_wording()[key].do),
        object=what,
        mode=_mode(key),
        credential=credential,
        approver=approver,
        data=tuple(dict.fromkeys(value for fact in facts if (value := noun(fact, "data")))),
        state=state,
        evidence=tuple(dict.fromkeys(mark for fact in facts for mark in fact.evidence)),
        condition="left to a setting" if first.polarity == "configurable" else None,
        credential_state=credential_state,
        credential_evidence=credential_evidence,
        approver_state=approver_state,
        approver_evidence=approver_evidence,
    )


def _mode(key: str) -> Literal["read", "write", "delete", "execute"]:
    if key in _EXECUTES:
        return "execute"
    if key == "deletes_data":
        return "delete"
    return "read" if load_vocabulary()[key].group == "reads" else "write"


_Right = tuple[str | None, State | None, tuple[str, ...]]


def _credential(sheet: FactSheet, key: str, facts: Sequence[Fact]) -> _Right:
    named = next((fact for fact in facts if noun(fact, "credential")), None)
    if named is not None and load_vocabulary()[key].group != "reads":
        return noun(named, "credential"), "claimed", named.evidence[:MAX_MARKS]
    if key in _LOCAL or (load_vocabulary()[key].group == "reads" and key not in _READ_WITH_RIGHTS):
        return None, None, ()
    held = asserted(sheet, *_ACTS_AS)
    if held:
        words = noun(held[0], "credential") or load_wording()[held[0].key].risk
        return words, "inferred", held[0].evidence[:MAX_MARKS]
    none = [fact for fact in asserted(sheet, "no_credentials") if fact.polarity == "asserted"]
    return (None, "denied", none[0].evidence[:MAX_MARKS]) if none else (None, None, ())


def _approver(sheet: FactSheet, key: str, facts: Sequence[Fact]) -> _Right:
    if _mode(key) == "read" or key in _HARMLESS:
        return None, None, ()
    named = next((fact for fact in facts if noun(fact, "approval")), None)
    if named is not None:
        return noun(named, "approval"), "claimed", named.evidence[:MAX_MARKS]
    asked = asserted(sheet, "approval_before")
    if asked:
        return noun(asked[0], "approval") or "a person", "inferred", asked[0].evidence[:MAX_MARKS]
    denied = counted(sheet, "approval_before", "denied")
    return (None, "denied", denied[0].evidence[:MAX_MARKS]) if denied else (None, None, ())
