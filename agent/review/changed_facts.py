"""The fact sheet as a reviewer left it, and the draft that follows from it.

    facts struck, corrected or back ─► changed sheet ─ compose ─► draft ─ align ─► the same ids for the same things

What follows from the facts is computed again by the drafter's own functions where the draft's facts give the draft; in
any other draft whatever cites a changed fact is taken out (`pruning`). What no longer follows stays in the aligned
draft under its id and is named as fallen, so that pages can show it and an undo brings it back with its decisions.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from agent.errors import InputError
from agent.facts.sheet import build_sheet, fact_id, without
from agent.facts.vocabulary import load_vocabulary
from agent.records import (
    SLOTS,
    Capability,
    Chain,
    Draft,
    Evidence,
    Fact,
    FactSheet,
    FactSource,
    LayerThreats,
    Question,
    Slot,
)
from agent.review.pruning import pruned
from agent.review.quotes import Plain

KIND: Final = "fact"
_LISTED: Final = re.compile(r'"(E[1-9][0-9]{0,5})"')
"""An id of evidence that stands by itself in JSON."""
ANALYST: Final = FactSource(reader="analyst", confidence=1.0, state="confirmed")


class SheetChange(NamedTuple):
    """What reviewers decided over the facts of a draft: ids that are struck, and corrected fields by id, which count
    once the fact is back."""

    struck: frozenset[str]
    corrected: Mapping[str, Plain]
    evidence: tuple[Evidence, ...] = ()
    """The quotes that corrections cite."""

    @property
    def nothing(self) -> bool:
        """Whether all facts stand as they were read."""
        return not self.struck and not self.corrected

    @property
    def counting(self) -> tuple[frozenset[str], dict[str, Plain]]:
        """What moves the sheet: struck facts, and corrections of the others."""
        return self.struck, {name: dict(edits) for name, edits in self.corrected.items() if name not in self.struck}


class Recomputed(NamedTuple):
    """A draft that follows from a changed sheet."""

    draft: Draft
    """With what fell still in it."""
    fell: tuple[str, ...]
    """Ids of the items in it that no longer follow."""


def fact_fields(fact: Fact) -> Plain:
    """The fields of a fact that a reviewer may correct."""
    return {
        "key": fact.key,
        "polarity": fact.polarity,
        "about": fact.about,
        "slots": {slot.name: slot.value for slot in fact.slots},
        "evidence": list(fact.evidence),
    }


def corrected_fact(fact: Fact, edits: Mapping[str, object]) -> Fact:
    """The fact with corrected fields; what it says is then the analyst's word, its rank still that of its quotes."""
    given, marks = edits.get("slots"), edits.get("evidence")
    slots = fact.slots
    if isinstance(given, Mapping):
        before = {slot.name: slot for slot in fact.slots}
        slots = tuple(
            before[name] if name in before and before[name].value == given[name] else Slot(name=name, value=given[name])
            for name in SLOTS
            if given.get(name)
        )
    evidence = tuple(str(mark) for mark in marks) if isinstance(marks, list | tuple) and marks else fact.evidence
    slots = tuple(s if s.evidence in ("", *evidence) else s.model_copy(update={"evidence": ""}) for s in slots)
    update = {name: edits[name] for name in ("polarity", "about") if name in edits}
    sources = (*(source for source in fact.sources if source.reader != "analyst"), ANALYST)
    made = fact.model_copy(update={**update, "slots": slots, "evidence": evidence, "state": "confirmed"})
    made = made.model_copy(update={"id": fact_id(made.key, made.polarity, made.about, made.slots), "sources": ()})
    return Fact.model_validate({**made.model_dump(), "sources": _by_reader(sources), "confidence": 1.0, "claim": False})


def _by_reader(sources: Sequence[FactSource]) -> list[FactSource]:
    order = ("embedded", "llm", "manifest", "vendor-answer", "analyst", "scanner")
    return sorted(sources, key=lambda source: order.index(source.reader))


def changed_sheet(draft: Draft, change: SheetChange) -> FactSheet:
    """The sheet of a draft with its facts as reviewers left them. Raises InputError for a fact that it lacks."""
    assert draft.facts is not None
    sheet = draft.facts.sheet(draft.evidence)
    gone = sorted({*change.struck, *change.corrected})
    known = {fact.id: fact for fact in sheet.facts}
    lost = next((name for name in gone if name not in known), None)
    if lost is not None:
        raise InputError("the sheet has no such fact", where=lost, hint="its facts have the ids")
    new = [corrected_fact(known[name], edits) for name, edits in sorted(change.counting[1].items())]
    left = without(sheet, *gone)
    if not new:
        return left
    told = {item.id: item for item in (*change.evidence, *sheet.evidence)}
    return build_sheet((*left.facts, *new), told.values(), left.searched, left.dropped, load_vocabulary(), left.outlook)


Recompose = Callable[[Draft, FactSheet], Draft | None]


def recomputed(draft: Draft, before: Draft, change: SheetChange, recompose: Recompose) -> Recomputed:
    """What follows from `draft` with changed facts, its ids as in `before`, which is it or what followed last time.

    `recompose` is `agent.pipeline.recomposed`.
    """
    sheet = changed_sheet(draft, change)
    fresh = recompose(draft, sheet) or pruned(draft, sheet)
    return _aligned(draft, before, fresh)


# ---------------------------------------------------------------- the same ids for the same things


def _aligned(drafted: Draft, before: Draft, fresh: Draft) -> Recomputed:
    fell: list[str] = []
    chains = _chains(before.chains, fresh.chains, fell)
    capabilities = _capabilities(before.system.capabilities, fresh.system.capabilities, fell)
    questions, names = _questions(before.questions, fresh.questions, fell)
    # In the order that they have once they are stored.
    layers = {
        key: _layer(before.layers.get(key), layer, _standing(fresh), names, fell)
        for key, layer in sorted(fresh.layers.items())
    }
    draft = fresh.model_copy(
        update={
            "id": drafted.id,
            "chains": chains,
            "questions": questions,
            "layers": layers,
            "factors": dict(sorted(fresh.factors.items())),
            "system": fresh.system.model_copy(update={"capabilities": capabilities}),
        }
    )
    return Recomputed(_with_quotes(draft, before), tuple(fell))


def _with_quotes(draft: Draft, before: Draft) -> Draft:
    """An aligned draft with the quotes of what fell, which the facts no longer bring."""
    lost = _marks(draft) - {item.id for item in draft.evidence}
    added = tuple(item for item in before.evidence if item.id in lost)
    return draft.model_copy(update={"evidence": (*draft.evidence, *added)})


def _marks(draft: Draft) -> set[str]:
    """The ids of evidence that a draft lists anywhere beside its evidence and an LLM's record; those within a text that
    outlived its fact lead to nothing."""
    return set(_LISTED.findall(draft.model_dump_json(exclude={"evidence", "judgement"})))


def _standing(draft: Draft) -> set[str]:
    return {threat.id for layer in draft.layers.values() for threat in layer.threats}


def _layer(
    before: LayerThreats | None, fresh: LayerThreats, standing: set[str], names: Mapping[str, str], fell: list[str]
) -> LayerThreats:
    """The layer with the threats that it lost at its end; one that only went to another layer is not lost."""
    old = before.threats if before is not None else ()
    gone = tuple(threat for threat in old if threat.id not in standing)
    fell += [f"threat/{threat.id}" for threat in gone]
    question = names.get(fresh.question, fresh.question) if fresh.question else fresh.question
    return fresh.model_copy(update={"threats": (*fresh.threats, *gone), "question": question})


def _chains(before: Sequence[Chain], fresh: Sequence[Chain], fell: list[str]) -> tuple[Chain, ...]:
    """Each chain at its number; a new one after all others."""
    left, made = list(fresh), []
    for number, old in enumerate(before, start=1):
        same = next((chain for chain in left if chain.threats == old.threats), None)
        if same is None:
            fell.append(f"chain/{number}")
        else:
            left.remove(same)
        made.append(same or old)
    return (*made, *left)


def _capabilities(before: Sequence[Capability], fresh: Sequence[Capability], fell: list[str]) -> tuple[Capability, ...]:
    old = {(one.signal, one.action, one.object): one.id for one in before}
    number = max((int(one.id[1:]) for one in before), default=0)
    made = []
    for one in fresh:
        name = old.pop((one.signal, one.action, one.object), None)
        if name is None:
            number += 1
            name = f"C{number}"
        made.append(one.model_copy(update={"id": name}))
    there = {one.id for one in made}
    gone = [one for one in before if one.id not in there]
    fell += [f"capability/{one.id}" for one in gone]
    return (*made, *gone)


def _questions(
    before: Sequence[Question], fresh: Sequence[Question], fell: list[str]
) -> tuple[tuple[Question, ...], dict[str, str]]:
    """Also by id of a fresh question the one that it got."""
    left, number = list(before), max((int(one.id[1:]) for one in before), default=0)
    made, names = [], {}
    for one in fresh:
        same = next((other for other in left if other.text == one.text), None)
        same = same or next((other for other in left if other.about and other.about == one.about), None)
        if same is None:
            number += 1
            name = f"Q{number}"
        else:
            left.remove(same)
            name = same.id
        names[one.id] = name
        made.append(one.model_copy(update={"id": name}))
    fell += [f"question/{one.id}" for one in left]
    return (*made, *left), names


def left_standing(draft: Draft, fell: Sequence[str]) -> Draft:
    """An aligned draft without what fell: what follows from the facts, and nothing else."""
    if not fell:
        return draft
    gone = set(fell)
    layers = {
        key: layer.model_copy(
            update={"threats": tuple(threat for threat in layer.threats if f"threat/{threat.id}" not in gone)}
        )
        for key, layer in draft.layers.items()
    }
    capabilities = tuple(one for one in draft.system.capabilities if f"capability/{one.id}" not in gone)
    return draft.model_copy(
        update={
            "layers": layers,
            "chains": tuple(one for n, one in enumerate(draft.chains, 1) if f"chain/{n}" not in gone),
            "questions": tuple(one for one in draft.questions if f"question/{one.id}" not in gone),
            "system": draft.system.model_copy(update={"capabilities": capabilities}),
        }
    )


def without_quotes_of_fallen(made: Draft, whole: Draft, left: Draft) -> Draft:
    """`made` without the quotes that it does not name and that in `whole` only those name which `left` lacks."""
    lonely = _marks(whole) - _marks(left) - _marks(made)
    return made.model_copy(update={"evidence": tuple(item for item in made.evidence if item.id not in lonely)})
