"""The fact sheet: merged facts of several readers, with contradictions marked and unsuccessful searches listed.

All functions are pure and do not depend on the order of their input. Merging is idempotent: two facts of a merged sheet
always differ in their key, their polarity, what they are about, or the value of a slot that both have. So striking a
fact leaves the others intact, and the sheet is the same as if that fact had never been proposed.
"""

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Final, get_args

from agent.errors import InputError
from agent.facts.anchor import normalise
from agent.facts.vocabulary import load_vocabulary
from agent.records import (
    SLOTS,
    Absence,
    DroppedFact,
    Evidence,
    Fact,
    FactAbout,
    FactSheet,
    FactSource,
    Outlook,
    Polarity,
    ReaderName,
    Search,
    Slot,
)
from agent.records.facts import cited

CONTROL_RANK: Final = 3
"""Minimum rank at which a control counts: the sources state its setting, default and scope, and who can change it."""
_STRENGTH: Final = {"inferred": 0, "claimed": 1, "confirmed": 2}


def fact_id(key: str, polarity: Polarity, about: FactAbout, slots: Iterable[Slot]) -> str:
    """Compute the id of a fact with this content: the same in every draft, regardless of the reader."""
    content = [key, polarity, about, sorted((slot.name, _same(slot.value)) for slot in slots)]
    return "F" + hashlib.sha256(json.dumps(content, ensure_ascii=True).encode()).hexdigest()[:8]


def combined(sources: Iterable[FactSource]) -> tuple[tuple[FactSource, ...], float]:
    """Merge sources so that each reader occurs once, with its best confidence and state, and return them with their
    joint confidence, 1 − Π(1 − confidence)."""
    best: dict[ReaderName, FactSource] = {}
    for source in sources:
        known = best.get(source.reader, source)
        best[source.reader] = FactSource(
            reader=source.reader,
            confidence=max(source.confidence, known.confidence),
            state=max(source.state, known.state, key=_STRENGTH.__getitem__),
        )
    kept = tuple(best[reader] for reader in get_args(ReaderName) if reader in best)
    return kept, round(1 - math.prod(1 - source.confidence for source in kept), 6)


def merge(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Merge facts that say the same thing, in the order of the vocabulary, and mark contradictions.

    Facts say the same thing if their key, polarity and `about` are equal and every slot that both have is equal. For a
    control the part must be equal too, because a control counts only for its own part. A fact that fits several merged
    facts joins the one that shares most of its quotes. The merged fact has all slots, quotes and readers, the highest
    rank and the readers' joint confidence.

    Raises InputError for a key that is not in the vocabulary.
    """
    words = load_vocabulary()
    groups: dict[tuple[str, Polarity, FactAbout], list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.key not in words:
            raise InputError(f"no fact has the key {fact.key}", where=fact.id, hint="see corpus/knowledge/facts")
        groups[fact.key, fact.polarity, fact.about].append(fact)
    merged = [_joined(same) for group in groups.values() for same in _alike(group)]
    merged.sort(key=lambda fact: (words.order[fact.key], fact.id))
    return _contradictions(merged)


def _alike(facts: Sequence[Fact]) -> list[list[Fact]]:
    """Group facts with the same key, polarity and `about` that say the same thing."""
    strict = load_vocabulary()[facts[0].key].claim == "control"
    made: list[tuple[list[Fact], dict[str, str], set[str]]] = []
    # Process facts with the most slots first; beyond that, the order only has to be deterministic.
    content = {"slots", "evidence", "sources", "rank"}
    for fact in sorted(facts, key=lambda fact: (-len(fact.slots), fact.model_dump_json(include=content))):
        values = _values(fact)
        fitting = [
            (same, known, marks)
            for same, known, marks in made
            if all(known.get(name, value) == value for name, value in values.items())
            and not (strict and values.get("part") != known.get("part"))
        ]
        if not fitting:
            fitting = [([], {}, set())]
            made += fitting
        same, known, marks = max(fitting, key=lambda row: len(row[2].intersection(fact.evidence)))
        same.append(fact)
        known.update(values)
        marks.update(fact.evidence)
    return [same for same, _, _ in made]


def _values(fact: Fact) -> dict[str, str]:
    return {slot.name: _same(slot.value) for slot in fact.slots}


_same = lru_cache(maxsize=4096)(normalise)
"""Normalises a slot's value for comparison."""


def _joined(facts: Sequence[Fact]) -> Fact:
    """Join several facts that say the same thing into one; contradictions are found later."""
    first = facts[0]
    slots = tuple(
        min(given, key=lambda slot: (not slot.evidence, by_number(slot.evidence), slot.value))
        for name in SLOTS
        if (given := [slot for fact in facts for slot in fact.slots if slot.name == name])
    )
    sources, confidence = combined(source for fact in facts for source in fact.sources)
    strongest = max((source.state for source in sources), key=_STRENGTH.__getitem__)
    return Fact(
        id=fact_id(first.key, first.polarity, first.about, slots),
        key=first.key,
        polarity=first.polarity,
        slots=slots,
        about=first.about,
        evidence=tuple(sorted({mark for fact in facts for mark in fact.evidence}, key=by_number)),
        sources=sources,
        rank=max(fact.rank for fact in facts),
        confidence=confidence,
        state="denied" if first.polarity == "denied" and strongest != "confirmed" else strongest,
        claim=all(fact.claim for fact in facts),
    )


def by_number(mark: str) -> tuple[int, str]:
    """Return a sort key for ids such as E2 and E10."""
    return len(mark), mark


def _contradictions(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """Mark each fact with the facts that contradict it. Of each pair, the less risky fact does not count."""
    against: dict[str, set[str]] = defaultdict(set)
    idle: set[str] = set()
    for one, other in combinations(facts, 2):
        if not _contradict(one, other):
            continue
        against[one.id].add(other.id)
        against[other.id].add(one.id)
        comforting = [fact.id for fact in (one, other) if comforts(fact)]
        if len(comforting) == 1:
            idle.add(comforting[0])

    def marked(fact: Fact) -> Fact:
        conflicts = tuple(sorted(against[fact.id]))
        update = {"conflicts_with": conflicts, "state": "contradicted", "counts": fact.id not in idle}
        return fact.model_copy(update=update)

    return tuple(marked(fact) if fact.id in against else fact for fact in facts)


def _contradict(one: Fact, other: Fact) -> bool:
    names: tuple[str, ...]
    if one.key == other.key:
        differ = one.polarity != other.polarity and "denied" in (one.polarity, other.polarity)
        names = SLOTS
    else:
        differ = one.polarity == other.polarity == "asserted" and load_vocabulary().opposed(one.key, other.key)
        # Slots that say where a fact applies: opposed facts about different places do not contradict each other.
        names = ("part", "scope")
    if not differ or one.about != other.about:
        return False
    mine, theirs = _values(one), _values(other)
    return all(mine[name] == theirs[name] for name in names if name in mine and name in theirs)


def comforts(fact: Fact) -> bool:
    """Return whether a fact makes the product look less risky: an asserted control or limit, or a denied ability."""
    return load_vocabulary()[fact.key].comforting != (fact.polarity == "denied")


def build_sheet(
    facts: Iterable[Fact],
    evidence: Iterable[Evidence],
    searched: Iterable[Search] = (),
    dropped: Iterable[DroppedFact] = (),
    outlook: Outlook | None = None,
) -> FactSheet:
    """Build the sheet of verified facts. Uncited evidence is left out; absences are derived from `searched`. The
    embedded reader's search does not make a key absent if the sources may mention it.

    Raises InputError for an unknown key, ValidationError (pydantic) for a fact whose evidence is missing.
    """
    merged = merge(facts)
    marks = cited(merged)
    kept = {item.id: item for item in evidence if item.id in marks}
    looked = tuple(searched)
    found = {fact.key for fact in merged if fact.about == "product"}
    mentioned = frozenset(outlook.mentioned if outlook else ())
    absent = {
        key.id: tuple(
            search
            for search in looked
            if (not search.keys or key.id in search.keys) and (search.reader != "embedded" or key.id not in mentioned)
        )
        for key in load_vocabulary()
        if key.id not in found
    }
    return FactSheet(
        facts=merged,
        absent=tuple(Absence(key=key, searched=searches) for key, searches in absent.items() if searches),
        dropped=tuple(dropped),
        evidence=tuple(kept[mark] for mark in sorted(kept, key=by_number)),
        searched=looked,
        outlook=outlook or Outlook(),
    )


def without(sheet: FactSheet, *ids: str) -> FactSheet:
    """Return the sheet as if these facts had never been proposed, with quotes, contradictions and absences updated.

    When the last fact with a key is struck, the key's probability and mention are removed from the outlook too, since
    striking means that the key does not apply.

    Raises InputError for an id that the sheet does not have.
    """
    if unknown := sorted(set(ids) - {fact.id for fact in sheet.facts}):
        raise InputError(
            "the fact sheet has no such fact", where=", ".join(unknown), hint="use the id of one of its facts"
        )
    kept = [fact for fact in sheet.facts if fact.id not in ids]
    gone = {fact.key for fact in sheet.facts} - {fact.key for fact in kept}
    chances = {key: chance for key, chance in sheet.outlook.chances.items() if key not in gone}
    mentioned = tuple(key for key in sheet.outlook.mentioned if key not in gone)
    outlook = sheet.outlook.model_copy(update={"chances": chances, "mentioned": mentioned})
    return build_sheet(kept, sheet.evidence, sheet.searched, sheet.dropped, outlook)


def join(sheets: Sequence[FactSheet]) -> FactSheet:
    """Join several sheets of the same documents. Evidence from the same place is merged, and all evidence is renumbered
    in order of place."""
    places = {(item.document, item.start, item.end): item for sheet in sheets for item in sheet.evidence}
    order = sorted(places, key=lambda place: (by_number(place[0]), place[1:]))
    marks = {place: f"E{n}" for n, place in enumerate(order, start=1)}
    facts = []
    for sheet in sheets:
        new = {item.id: marks[item.document, item.start, item.end] for item in sheet.evidence}
        for fact in sheet.facts:
            slots = tuple(slot.model_copy(update={"evidence": new.get(slot.evidence, "")}) for slot in fact.slots)
            update = {"slots": slots, "evidence": tuple(new[mark] for mark in fact.evidence)}
            facts.append(fact.model_copy(update=update))
    return build_sheet(
        facts,
        [places[place].model_copy(update={"id": mark}) for place, mark in marks.items()],
        dict.fromkeys(search for sheet in sheets for search in sheet.searched),
        dict.fromkeys(row for sheet in sheets for row in sheet.dropped),
        next((sheet.outlook for sheet in sheets if sheet.outlook != Outlook()), None),
    )


def counted(sheet: FactSheet, key: str = "", polarity: Polarity | None = None) -> tuple[Fact, ...]:
    """Return the facts about the product that count, limited to `key` and `polarity` if given."""
    return tuple(
        fact
        for fact in sheet.facts
        if fact.counts
        and fact.about == "product"
        and (not key or fact.key == key)
        and polarity in (None, fact.polarity)
    )
