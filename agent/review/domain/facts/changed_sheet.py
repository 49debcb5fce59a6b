"""Applies reviewers' changes to the fact sheet, and computes the draft that follows from it.

    facts struck, corrected, back, answered ─► changed sheet ─ compose ─► draft ─ align ─► same ids for the same things

If a draft can be composed from its facts, the drafter's own functions recompute it; in any other draft, whatever cites
a changed fact is removed (`pruning`). Items that no longer follow stay in the aligned draft under their ids and are
listed as fallen, so that pages can show them and an undo restores them with their decisions.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple

from agent.errors import InputError
from agent.facts.sheet import build_sheet, fact_id, without
from agent.facts.vocabulary import load_vocabulary
from agent.records import (
    SLOTS,
    Capability,
    Chain,
    ClaimedControl,
    Draft,
    Evidence,
    Fact,
    FactSheet,
    FactSource,
    LayerThreats,
    Outlook,
    Question,
    Record,
    Slot,
    draft_facts,
)
from agent.records.base import SourceKind
from agent.records.facts import cited
from agent.review.domain.facts.from_answers import ANALYST, Given, comforts, confirmed, is_vendors_word, question_of
from agent.review.domain.facts.pruning import pruned
from agent.review.domain.facts.vendor_word import unsettled, with_speakers
from agent.review.domain.quotes import Plain, marks_in

KIND: Final = "fact"
_LISTED: Final = re.compile(r'"(E[1-9][0-9]{0,5})"')
"""Matches an evidence id that makes up a whole JSON string."""
FIRST_NEW: Final = 100
"""Questions and capabilities added by changed facts are numbered above this by their fact key, so that the numbers
do not depend on the order of the changes."""


class SheetChange(NamedTuple):
    """Reviewers' decisions on the facts of a draft and of answers: names of struck facts, and corrected fields by
    fact name. The corrections of a struck fact count once the fact is restored."""

    struck: frozenset[str]
    corrected: Mapping[str, Plain]
    evidence: tuple[Evidence, ...] = ()
    """Quotes, including all that corrections cite."""
    answers: Mapping[str, Given] = {}
    """The answers that state facts, by question."""
    confirmed: frozenset[str] = frozenset()
    """Names of the facts that rest on a vendor's word and that the analyst confirmed."""
    unasked: frozenset[str] = frozenset()
    """Struck questions, whose answers do not count."""

    @property
    def standing(self) -> tuple[Given, ...]:
        """The answers that count, ordered by question number."""
        left = (given for question, given in self.answers.items() if question not in self.unasked)
        return tuple(sorted(left, key=lambda given: int(given.question[1:])))

    @property
    def nothing(self) -> bool:
        """Whether all facts are unchanged since they were read."""
        sure = any(not question_of(name) for name in self.confirmed)
        return not (self.struck or self.corrected or self.standing or sure)

    @property
    def counting(self) -> tuple[object, ...]:
        """Everything that changes the sheet: struck facts, corrections of other facts, the statements of answers,
        and the statements that the analyst confirmed."""
        corrected = {name: dict(edits) for name, edits in self.corrected.items() if name not in self.struck}
        told = [(given.question, given.states, given.by) for given in self.standing]
        return self.struck, corrected, told, self.confirmed - self.struck

    def answered(self) -> list[tuple[Fact, tuple[Evidence, ...]]]:
        """Return the facts of answers that count, with reviewers' changes, each with its quotes from the answer."""
        made = []
        for given in self.standing:
            for name, (fact, quotes) in given.facts.items():
                if name in self.struck:
                    continue
                if name in self.corrected:
                    fact = confirmed(corrected_fact(fact, self.corrected[name]))
                elif name in self.confirmed:
                    fact = confirmed(fact)
                made.append((fact, quotes))
        return made


class Recomputed(NamedTuple):
    """A draft recomputed from a changed sheet."""

    draft: Draft
    """The draft, still including fallen items."""
    fell: tuple[str, ...]
    """Ids of the fallen items, which no longer follow from the facts."""


def fact_fields(fact: Fact) -> Plain:
    """Return the fields of a fact that a reviewer may correct."""
    return {
        "key": fact.key,
        "polarity": fact.polarity,
        "about": fact.about,
        "slots": {slot.name: slot.value for slot in fact.slots},
        "evidence": list(fact.evidence),
    }


def corrected_fact(fact: Fact, edits: Mapping[str, object]) -> Fact:
    """Apply corrected fields to a fact. The fact then counts as the analyst's word but keeps the rank of its quotes."""
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


def stated_keys(draft: Draft) -> frozenset[str]:
    """Return the keys with a fact about the product that counts and is more than inferred."""
    facts = draft.facts.facts if draft.facts else ()
    return frozenset(one.key for one in facts if one.counts and one.about == "product" and one.state != "inferred")


def held_as(facts: Sequence[Fact], fact: Fact) -> Fact | None:
    """Return the fact among `facts` that equals the given fact or has absorbed it; None if there is none."""
    if (same := next((one for one in facts if one.id == fact.id), None)) is not None:
        return same
    alike = (one for one in facts if (one.key, one.polarity, one.about) == (fact.key, fact.polarity, fact.about))
    return next((one for one in alike if set(fact.evidence) <= set(one.evidence)), None)


def by_names(facts: Sequence[Fact], read: Sequence[Fact], gone: Collection[str]) -> dict[str, Fact]:
    """Map ids to the facts of a sheet, including ids of `read` facts that an answer merged into another fact. `gone`
    are the ids of struck or corrected facts."""
    known = {fact.id: fact for fact in facts}
    for fact in read:
        held = held_as(facts, fact) if fact.id not in known and fact.id not in gone else None
        known |= {fact.id: held} if held is not None else {}
    return known


def changed_sheet(draft: Draft, change: SheetChange) -> FactSheet:
    """Return the fact sheet of a draft after reviewers' changes and answers. Raises InputError for a fact that is
    not in the sheet."""
    assert draft.facts is not None
    sheet = draft.facts.sheet(draft.evidence)
    sure = {name for name in change.confirmed - change.struck - change.corrected.keys() if not question_of(name)}
    gone = sorted(name for name in {*change.struck, *change.corrected, *sure} if not question_of(name))
    known = {fact.id: fact for fact in sheet.facts}
    lost = next((name for name in gone if name not in known), None)
    if lost is not None:
        raise InputError("the sheet has no such fact", where=lost, hint="its facts have the ids")
    new = [
        corrected_fact(known[name], edits)
        for name, edits in sorted(change.corrected.items())
        if name in known and name not in change.struck
    ]
    new += [confirmed(known[name]) for name in sorted(sure)]
    told = _Told(draft.evidence)
    new += [told.renamed(fact, quotes) for fact, quotes in change.answered()]
    left = without(sheet, *gone)
    if not new:
        return left
    named = {mark for edits in change.corrected.values() for mark in marks_in(str(edits.get("evidence", "")))}
    quotes = {item.id: item for item in change.evidence if item.id in named}
    quotes |= {item.id: item for item in (*told.quotes, *sheet.evidence)}
    every = (*left.facts, *new)
    return _built(every, quotes, left, _outlook(left.outlook, new))


class _Told:
    """The quotes of answers, under ids that are free in the draft; a span already quoted in the draft keeps its id."""

    def __init__(self, evidence: Sequence[Evidence]) -> None:
        self._known = {(item.document, item.start, item.end): item.id for item in evidence}
        self.quotes: list[Evidence] = []

    def renamed(self, fact: Fact, quotes: Sequence[Evidence]) -> Fact:
        """Return the fact with its quotes cited by their ids in the draft."""
        ids: dict[str, str] = {}
        for item in quotes:
            ids[item.id] = self._known.get((item.document, item.start, item.end), item.id)
            if ids[item.id] == item.id:
                self.quotes.append(item)
        return fact.model_copy(update={"evidence": tuple(ids.get(mark, mark) for mark in fact.evidence)})


def _built(facts: Sequence[Fact], quotes: Mapping[str, Evidence], left: FactSheet, outlook: Outlook) -> FactSheet:
    return build_sheet(facts, quotes.values(), left.searched, left.dropped, load_vocabulary(), outlook)


def _outlook(outlook: Outlook, new: Sequence[Fact]) -> Outlook:
    """Remove from the outlook the keys that a new fact denies; a denial on a vendor's word alone does not count."""
    denied = {fact.key for fact in new if fact.polarity == "denied" and not is_vendors_word(fact)}
    chances = {key: chance for key, chance in outlook.chances.items() if key not in denied}
    return outlook.model_copy(update={"chances": chances})


def _noted(sheet: FactSheet) -> frozenset[str]:
    """Return the ids of vendor-only facts that could lower a risk: controls, limits and denials."""
    return frozenset(fact.id for fact in sheet.facts if is_vendors_word(fact) and comforts(fact))


def _follows(draft: Draft, sheet: FactSheet, recompose: "Recompose", *, alone: bool = False) -> Draft:
    """Compute the draft that follows from a sheet. Facts that are only noted are listed but do not affect the draft.

    Facts added only by a vendor's word settle no layer, unless the draft must follow from its facts `alone`, as a
    stored draft does.
    """
    draft, noted = _without_noted(draft), _noted(sheet)
    counting = _left_out(sheet, noted)

    def without(words: Collection[str]) -> Draft:
        left = _left_out(counting, words)
        return recompose(draft, left) or pruned(draft, left)

    had = {fact.id for fact in draft.facts.facts} if draft.facts else set()
    words = set() if alone else {fact.id for fact in counting.facts if is_vendors_word(fact)} - had
    made = unsettled(without(()), without, words)
    if not noted:
        return made
    counts = {fact.id: fact for fact in counting.facts}
    shown = tuple(counts.get(fact.id, fact.model_copy(update={"counts": False})) for fact in sheet.facts)
    known = {item.id for item in made.evidence}
    quotes = {item.id: item for item in sheet.evidence}
    controls = tuple(_claimed(fact, quotes) for fact in shown if fact.id in noted and _control(fact))
    update = {
        "facts": draft_facts(sheet).model_copy(update={"facts": shown}),
        "evidence": (*made.evidence, *(item for item in sheet.evidence if item.id not in known)),
        "controls": (*made.controls, *controls),
    }
    return made.model_copy(update=update)


def _without_noted(draft: Draft) -> Draft:
    """Remove the facts that a draft with answers only notes, leaving the draft that follows from the other facts."""
    facts = draft.facts.facts if draft.facts else ()
    noted = {fact.id for fact in facts if not fact.counts and is_vendors_word(fact) and comforts(fact)}
    if draft.facts is None or not noted:
        return draft
    kept = tuple(fact for fact in facts if fact.id not in noted)
    lonely = cited(facts) - cited(kept)
    update = {
        "facts": draft.facts.model_copy(update={"facts": kept}),
        "controls": tuple(one for one in draft.controls if not noted.issuperset(one.facts) or not one.facts),
        "evidence": tuple(item for item in draft.evidence if item.id not in lonely),
    }
    return draft.model_copy(update=update)


def _control(fact: Fact) -> bool:
    return fact.polarity != "denied" and load_vocabulary()[fact.key].claim == "control"


def _claimed(fact: Fact, quotes: Mapping[str, Evidence]) -> ClaimedControl:
    """Build the list entry for a control claimed only by a vendor's answer."""
    return ClaimedControl(
        text=" ".join(quotes[fact.evidence[0]].quote.split()),
        part=fact.slot("part") or "not stated",
        rank=fact.rank,
        counted=False,
        why="The vendor's answer alone says so.",
        facts=(fact.id,),
        evidence=fact.evidence,
    )


def _left_out(sheet: FactSheet, names: Collection[str]) -> FactSheet:
    """Return the sheet without these facts."""
    if not names:
        return sheet
    kept = [fact for fact in sheet.facts if fact.id not in names]
    return _built(kept, {item.id: item for item in sheet.evidence}, sheet, sheet.outlook)


Recompose = Callable[[Draft, FactSheet], Draft | None]


def recomputed(
    draft: Draft,
    before: Draft,
    change: SheetChange,
    recompose: Recompose,
    taken: Collection[str] = (),
    answered: Collection[str] = (),
) -> Recomputed:
    """Recompute `draft` with changed facts, keeping the ids of `before` (`draft` or the last result).

    `recompose` is `agent.pipeline.recomposed`; `taken` are the ids of all questions known to the review, `answered`
    those of answered questions.
    """
    fresh = with_speakers(_follows(draft, changed_sheet(draft, change), recompose), _spoken(change))
    return _aligned(draft, before, fresh, taken, answered)


def _spoken(change: SheetChange) -> dict[str, SourceKind]:
    """Map the document of each answer that counts to its kind; a stored draft already has its answers as sources."""
    return {given.document: given.source.kind for given in change.standing}


def follows_from_facts(draft: Draft, recompose: Recompose) -> bool:
    """Return whether the draft can be composed from its facts, so that a changed fact updates all dependent parts."""
    own = _without_noted(draft)
    return own.facts is not None and recompose(own, own.facts.sheet(own.evidence)) is not None


def with_answers(draft: Draft, answers: Mapping[str, Given], recompose: Recompose) -> Draft:
    """Compute a new draft, with its own numbering, from the facts of `draft` and of answers."""
    change = SheetChange(frozenset(), {}, answers=answers)
    return _follows(draft, changed_sheet(draft, change), recompose, alone=True)


# ---------------------------------------------------------------- the same ids for the same things


def _aligned(
    drafted: Draft, before: Draft, fresh: Draft, taken: Collection[str], answered: Collection[str]
) -> Recomputed:
    fell: list[str] = []
    chains = _chains(before.chains, fresh.chains, fell)
    capabilities = _capabilities(before.system.capabilities, fresh.system.capabilities, fell)
    questions, names = _questions(before.questions, fresh.questions, fell, taken, answered)
    # Sort the layers as in a stored draft.
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
    """Add the quotes of fallen items to an aligned draft, since the facts no longer provide them."""
    lost = _marks(draft) - {item.id for item in draft.evidence}
    added = tuple(item for item in before.evidence if item.id in lost)
    return draft.model_copy(update={"evidence": (*draft.evidence, *added)})


def _marks(draft: Draft) -> set[str]:
    """Return the evidence ids that a draft lists outside its evidence and LLM record. Ids within prose do not count:
    a text that outlived its fact may cite a missing id."""
    return set(_LISTED.findall(draft.model_dump_json(exclude={"evidence", "judgement"})))


def _standing(draft: Draft) -> set[str]:
    return {threat.id for layer in draft.layers.values() for threat in layer.threats}


def _layer(
    before: LayerThreats | None, fresh: LayerThreats, standing: set[str], names: Mapping[str, str], fell: list[str]
) -> LayerThreats:
    """Append the threats that a layer lost, sorted by id so that the order in which they fell does not matter. A
    threat that moved to another layer is not lost."""
    old = before.threats if before is not None else ()
    gone = sorted((threat for threat in old if threat.id not in standing), key=lambda threat: threat.id)
    fell += [f"threat/{threat.id}" for threat in gone]
    question = names.get(fresh.question, fresh.question) if fresh.question else fresh.question
    return fresh.model_copy(update={"threats": (*fresh.threats, *gone), "question": question})


def _chains(before: Sequence[Chain], fresh: Sequence[Chain], fell: list[str]) -> tuple[Chain, ...]:
    """Return each chain at its old number, with new chains at the end."""
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
    taken = {one.id for one in before}
    made = []
    for one in fresh:
        name = old.pop((one.signal, one.action, one.object), None)
        if name is None:
            name = free_id("C", (one.signal,), taken)
            taken.add(name)
        made.append(one.model_copy(update={"id": name}))
    there = {one.id for one in made}
    gone = sorted((one for one in before if one.id not in there), key=lambda one: int(one.id[1:]))
    fell += [f"capability/{one.id}" for one in gone]
    return (*made, *gone)


def _questions(
    before: Sequence[Question],
    fresh: Sequence[Question],
    fell: list[str],
    taken: Collection[str],
    answered: Collection[str],
) -> tuple[tuple[Question, ...], dict[str, str]]:
    """Return the questions with their final ids, and a map from fresh to final ids. A reworded question about the
    same fact keys is the same question, unless the old question was answered: then it is new."""
    left, held = list(before), {*(one.id for one in before), *taken}
    made, names = [], {}
    for one in fresh:
        same = next((other for other in left if other.text == one.text), None)
        alike = (other for other in left if other.id not in answered and other.about and other.about == one.about)
        same = same or next(alike, None)
        if same is None:
            name = free_id("Q", one.about, held)
            held.add(name)
        else:
            left.remove(same)
            name = same.id
        names[one.id] = name
        made.append(one.model_copy(update={"id": name}))
    left.sort(key=lambda one: int(one.id[1:]))
    fell += [f"question/{one.id}" for one in left]
    return (*made, *left), names


def free_id(letter: str, about: Sequence[str], taken: Collection[str]) -> str:
    """Return a free id for a new item about these fact keys: numbered by its first key, or the next free number."""
    order = load_vocabulary().order
    number = FIRST_NEW + next((order[key] for key in about if key in order), len(order)) + 1
    while f"{letter}{number}" in taken:
        number += 1
    return f"{letter}{number}"


def left_standing(draft: Draft, fell: Sequence[str]) -> Draft:
    """Drop the fallen items from an aligned draft, leaving only what follows from the facts."""
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


def without_quotes_of_fallen(made: Draft, whole: Draft, fell: Sequence[str]) -> Draft:
    """Drop from `made` the quotes cited only by fallen items of the aligned draft `whole`."""
    lonely = _marks_of_fallen(whole, frozenset(fell))
    for draft in (made, left_standing(whole, fell)):
        # Search only if needed: most fallen items have no quotes of their own, and searching a whole draft is slow.
        lonely -= _marks(draft) if lonely else set()
    if not lonely:
        return made
    return made.model_copy(update={"evidence": tuple(item for item in made.evidence if item.id not in lonely)})


def _marks_of_fallen(draft: Draft, fell: Collection[str]) -> set[str]:
    """Return the evidence ids listed by the fallen items."""
    parts: list[Record] = [
        threat for layer in draft.layers.values() for threat in layer.threats if f"threat/{threat.id}" in fell
    ]
    parts += [one for n, one in enumerate(draft.chains, 1) if f"chain/{n}" in fell]
    parts += [one for one in draft.questions if f"question/{one.id}" in fell]
    parts += [one for one in draft.system.capabilities if f"capability/{one.id}" in fell]
    return {mark for part in parts for mark in _LISTED.findall(part.model_dump_json())}
