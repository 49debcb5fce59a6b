"""What hangs on each fact of a draft: threats, factors, layers, rows, controls, chains and parts of the picture."""

from collections.abc import Mapping
from typing import NamedTuple

from agent.records import Draft, Fact
from agent.report.view import View
from agent.review.items import fact_marks
from agent.review.records import ReviewState
from agent.taxonomy.keys import FACTOR_TITLES, FACTORS, LAYER_CODES, LAYER_TITLES, LAYERS


class Hanging(NamedTuple):
    """One thing that rests on a fact, alone or with others."""

    item: str
    """Id of the item; empty for what is no item of its own, such as a part of the picture."""
    title: str


def hanging(draft: Draft, numbers: Mapping[str, int]) -> Mapping[str, tuple[Hanging, ...]]:
    """By id of each fact of the draft what cites it or a quote of it, the headline's threat and others first.

    `numbers` are those by which a review calls its threats.
    """
    facts, view = draft.facts.facts if draft.facts else (), View(draft)
    return {fact.id: tuple(dict.fromkeys(_of(draft, view, fact, numbers))) for fact in facts}


def added_on(state: ReviewState) -> Mapping[str, tuple[Hanging, ...]]:
    """By id of a fact the threats that reviewers added and that cite it, whether it stands or not."""
    found: dict[str, list[Hanging]] = {}
    for one in state.items:
        named = (one.after or {}).get("facts") if one.item.kind == "threat" else None
        for fact in named if isinstance(named, list) else ():
            tag = state.tag(one.item.id.partition("/")[2])
            found.setdefault(str(fact), []).append(Hanging(one.item.id, f"{tag} {one.item.title}".strip()))
    return {fact: tuple(each) for fact, each in found.items()}


def _of(draft: Draft, view: View, fact: Fact, numbers: Mapping[str, int]) -> list[Hanging]:
    marks = set(fact_marks(fact))
    found = [
        Hanging(f"threat/{placed.threat.id}", f"T{numbers.get(placed.threat.id, placed.number)} {placed.threat.title}")
        for placed in view.threats
        if fact.id in placed.threat.facts
    ]
    chained = {threat.item.partition("/")[2] for threat in found}
    found += [
        Hanging(f"chain/{number}", f"chain: {chain.title}")
        for number, chain in enumerate(draft.chains, 1)
        if chained.intersection(chain.threats) or any(marks.intersection(hop.evidence) for hop in chain.hops)
    ]
    found += [
        Hanging(f"factor/{key}", FACTOR_TITLES[key])
        for key in FACTORS
        if key in draft.factors
        and (
            marks.intersection(draft.factors[key].evidence)
            or any(p.evidence in marks for p in draft.factors[key].parts)
        )
    ]
    found += [
        Hanging(f"layer/{key}", f"{LAYER_CODES[key]} {LAYER_TITLES[key]}")
        for key in LAYERS
        if key in draft.layers and any(mark in draft.layers[key].paragraph for mark in marks)
    ]
    found += [
        Hanging(f"capability/{one.id}", f"ability: {one.action} {one.object}")
        for one in draft.system.capabilities
        if one.signal == fact.key and marks.intersection(one.evidence)
    ]
    found += [Hanging("", f"summary “{row.label}”") for row in draft.lines if fact.id in row.facts]
    found += [Hanging("", f"control: {one.text}") for one in draft.controls if fact.id in one.facts]
    system = draft.system
    parts = (*system.actors, *system.components, *system.stores, *system.services)
    drawn = [one.name for one in parts if marks.intersection(one.evidence)]
    drawn += [one.what for one in system.flows if marks.intersection(one.evidence)]
    return [*found, *(Hanging("", f"system picture: {name}") for name in drawn)]
