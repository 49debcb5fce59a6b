"""Applies reviewers' changes to the fact sheet, and computes the draft derived from it.

    facts struck, corrected, restored, answered ─► changed sheet ─ compose ─► draft ─ align ─► ids as before

If a draft can be composed from its facts, the drafter's own functions recompute it; in any other draft, whatever cites
a changed fact is removed (`pruning`). Items that can no longer be derived stay in the aligned draft under their ids and
are listed as fallen, so that pages can show them and an undo restores them with their decisions.

A vendor's word has rank 2. Like any text it may raise a risk, but it cannot make a layer certain until a public page of
rank 3 or the analyst says the same. Until then the layer is shown as not certain, with the vendor's statement. A quote
from an answer is never attributed to the sources.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple, get_args

from agent.drafting.layers.paragraphs import MARK
from agent.drafting.score import CERTAIN_NEEDED
from agent.facts.sheet import build_sheet, fact_id, without
from agent.facts.vocabulary import load_vocabulary
from agent.records import (
    SLOTS,
    ClaimedControl,
    Draft,
    Evidence,
    Fact,
    FactSheet,
    LayerThreats,
    Missing,
    Question,
    Slot,
    draft_facts,
)
from agent.records.base import SourceKind
from agent.records.facts import ReaderName, cited
from agent.review.domain.facts.from_answers import ANALYST, Given, comforts, confirmed, question_of
from agent.review.domain.facts.pruning import pruned
from agent.review.domain.items import facts_of, is_vendors_word, mapped, part_of, threats_of
from agent.review.domain.quotes import Numbering
from agent.review.domain.records import Plain, replaced
from agent.scoring import withhold
from agent.taxonomy.layers import LAYER_SOUGHT, LayerKey

KIND: Final = "fact"
FIRST_NEW: Final = 100
"""Questions and capabilities added by changed facts get a number above this, based on their fact key, so that the
numbers do not depend on the order of the changes."""
_LISTED: Final = re.compile(r'"(E[1-9][0-9]{0,5})"')
"""Matches an evidence id that makes up a whole JSON string."""
_SAID: Final = re.compile(r"The sources (say:|name) (“[^”]*” \[(E[1-9][0-9]*)\])")
"""Matches “The sources say: …” or “The sources name …” with the quote, as a drafter's paragraph may begin."""
_SPEAKERS: Final[Mapping[SourceKind, str]] = {"vendor-answer": "vendor", "analyst-note": "analyst"}
_VERBS: Final = {"say:": "says:", "name": "names"}

Recompose = Callable[[Draft, FactSheet], Draft | None]


class SheetChange(NamedTuple):
    """Reviewers' decisions on the facts of a draft and of answers: names of struck facts, and corrected fields by
    fact name. The corrections of a struck fact take effect once it is restored."""

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
        corrected = {name: edits for name, edits in self.corrected.items() if name not in self.struck}
        told = [(given.question, given.states, given.by) for given in self.standing]
        return self.struck, corrected, told, self.confirmed - self.struck

    def only(self, kept: Callable[[str], bool]) -> "SheetChange":
        """Return the change with only those decisions on facts for whose names `kept` returns True."""
        return self._replace(
            struck=frozenset(filter(kept, self.struck)),
            corrected={name: edits for name, edits in self.corrected.items() if kept(name)},
            confirmed=frozenset(filter(kept, self.confirmed)),
        )

    def answered(self) -> list[tuple[Fact, tuple[Evidence, ...]]]:
        """Return the facts of answers that count, with reviewers' changes, each with its quotes from the answer."""
        made = []
        for name, (fact, quotes) in (pair for given in self.standing for pair in given.facts.items()):
            if name in self.corrected:
                fact = corrected_fact(fact, self.corrected[name])
            sure = name in self.corrected or name in self.confirmed
            if name not in self.struck:
                made.append((confirmed(fact) if sure else fact, quotes))
        return made


def corrected_fact(fact: Fact, edits: Plain) -> Fact:
    """Apply corrected fields to a fact. The fact then counts as the analyst's word but keeps the rank of its quotes."""
    slots = fact.slots
    if "slots" in edits:
        given, before = edits["slots"], {slot.name: slot for slot in fact.slots}
        slots = tuple(
            before[name] if name in before and before[name].value == given[name] else Slot(name=name, value=given[name])
            for name in SLOTS
            if given.get(name)
        )
    evidence = tuple(edits.get("evidence") or fact.evidence)
    slots = tuple(slot if slot.evidence in ("", *evidence) else replaced(slot, evidence="") for slot in slots)
    sources = {source.reader: source for source in (*fact.sources, ANALYST)}
    made = {name: edits.get(name, getattr(fact, name)) for name in ("polarity", "about")}
    made |= {"id": fact_id(fact.key, made["polarity"], made["about"], slots), "slots": slots, "evidence": evidence}
    made |= {"sources": [sources[reader] for reader in get_args(ReaderName) if reader in sources]}
    return Fact.model_validate({**fact.model_dump(), **made, "state": "confirmed", "confidence": 1.0, "claim": False})


def stated_keys(draft: Draft) -> frozenset[str]:
    """Return the keys with a fact about the product that counts and is more than inferred."""
    facts = facts_of(draft)
    return frozenset(one.key for one in facts if one.counts and one.about == "product" and one.state != "inferred")


def held_as(facts: Sequence[Fact], fact: Fact) -> Fact | None:
    """Return the fact among `facts` that equals the given fact or has absorbed it; None if there is none."""
    if (same := next((one for one in facts if one.id == fact.id), None)) is not None:
        return same
    alike = (one for one in facts if (one.key, one.polarity, one.about) == (fact.key, fact.polarity, fact.about))
    return next((one for one in alike if set(fact.evidence) <= set(one.evidence)), None)


def by_names(draft: Draft, drafted: Draft, gone: Collection[str]) -> dict[str, Fact]:
    """Map ids to the facts of a draft, including ids of `drafted` facts that an answer merged into another fact. `gone`
    are the ids of struck or corrected facts."""
    known = {fact.id: fact for fact in facts_of(draft)}
    for fact in facts_of(drafted):
        if fact.id not in known and fact.id not in gone and (held := held_as(facts_of(draft), fact)) is not None:
            known[fact.id] = held
    return known


# ---------------------------------------------------------------- the sheet


def changed_sheet(draft: Draft, change: SheetChange) -> FactSheet:
    """Return the fact sheet of a draft after reviewers' changes and answers. Raises InputError for a fact that is
    not in the sheet."""
    assert draft.facts is not None
    sheet = draft.facts.sheet(draft.evidence)
    sure = {name for name in change.confirmed - change.struck - change.corrected.keys() if not question_of(name)}
    left = without(sheet, *(name for name in {*change.struck, *change.corrected, *sure} if not question_of(name)))
    known = {fact.id: fact for fact in sheet.facts}
    new = [
        corrected_fact(known[name], edits)
        for name, edits in sorted(change.corrected.items())
        if name in known and name not in change.struck
    ]
    new += [confirmed(known[name]) for name in sorted(sure)]
    numbering = Numbering(draft.evidence)
    for fact, quotes in change.answered():
        ids = {item.id: numbering.place(item) for item in quotes}
        new.append(replaced(fact, evidence=tuple(ids.get(mark, mark) for mark in fact.evidence)))
    if not new:
        return left
    named = {mark for edits in change.corrected.values() for mark in edits.get("evidence", ())}
    cited_too = [item for item in change.evidence if item.id in named]
    evidence = {item.id: item for item in (*cited_too, *numbering.added, *sheet.evidence)}
    # A denial on a vendor's word alone removes nothing from the outlook.
    denied = {fact.key for fact in new if fact.polarity == "denied" and not is_vendors_word(fact)}
    chances = {key: chance for key, chance in left.outlook.chances.items() if key not in denied}
    outlook = replaced(left.outlook, chances=chances)
    return build_sheet((*left.facts, *new), evidence.values(), left.searched, left.dropped, outlook=outlook)


def _left_out(sheet: FactSheet, names: Collection[str]) -> FactSheet:
    """Return the sheet without these facts, whose keys stay in the outlook."""
    if not names:
        return sheet
    kept = [fact for fact in sheet.facts if fact.id not in names]
    return build_sheet(kept, sheet.evidence, sheet.searched, sheet.dropped, outlook=sheet.outlook)


# ---------------------------------------------------------------- the derived draft


def recomputed(
    draft: Draft,
    before: Draft,
    change: SheetChange,
    recompose: Recompose,
    taken: Collection[str] = (),
    answered: Collection[str] = (),
    decided: Collection[str] = (),
) -> tuple[Draft, tuple[str, ...]]:
    """Recompute `draft` with changed facts, keeping the ids of `before` (`draft` or the last result). Returns the
    draft, still including fallen items, and the ids of the fallen items, which the facts no longer yield.

    `recompose` is `agent.pipeline.recomposed`; `taken` are the ids of all questions known to the review, `answered`
    those of answered questions, `decided` those of items that a reviewer decided on: a threat that only an earlier
    change added, and on which nobody decided, is removed without a trace.
    """
    # Only answers given in the review need a named speaker; in a stored draft, earlier answers are sources.
    spoken = {given.document: given.source.kind for given in change.standing}
    fresh = _with_speakers(_follows(draft, changed_sheet(draft, change), recompose), spoken)
    return _aligned(draft, _as_known(before, draft, fresh, decided), fresh, taken, answered)


def follows_from_facts(draft: Draft, recompose: Recompose) -> bool:
    """Return whether the draft can be composed from its facts, so that a changed fact updates all dependent parts."""
    own = _without_noted(draft)
    return own.facts is not None and recompose(own, own.facts.sheet(own.evidence)) is not None


def with_answers(draft: Draft, answers: Mapping[str, Given], recompose: Recompose) -> Draft:
    """Compute a new draft, with its own numbering, from the facts of `draft` and of answers."""
    change = SheetChange(frozenset(), {}, answers=answers)
    return _follows(draft, changed_sheet(draft, change), recompose, alone=True)


def _follows(draft: Draft, sheet: FactSheet, recompose: Recompose, *, alone: bool = False) -> Draft:
    """Compute the draft derived from a sheet. With `alone`, a vendor's word may settle layers, so that the draft can be
    derived from its own facts once it is stored."""
    # Vendor-only facts that could lower a risk (controls, limits, denials) are listed but do not affect the draft.
    draft = _without_noted(draft)
    noted = {fact.id for fact in sheet.facts if is_vendors_word(fact) and comforts(fact)}
    counting = _left_out(sheet, noted)

    def following(left: FactSheet) -> Draft:
        return recompose(draft, left) or pruned(draft, left)

    made = following(counting)
    # Facts added only by a vendor's word settle no layer.
    words = {fact.id for fact in counting.facts if is_vendors_word(fact)} - {fact.id for fact in facts_of(draft)}
    if words and not alone:
        made = _unsettled(made, following(_left_out(counting, words)), words)
    if not noted:
        return made
    counts = {fact.id: fact for fact in counting.facts}
    shown = tuple(counts.get(fact.id, replaced(fact, counts=False)) for fact in sheet.facts)
    known, quotes = {item.id for item in made.evidence}, {item.id: item.quote for item in sheet.evidence}
    controls = tuple(
        ClaimedControl(
            text=" ".join(quotes[fact.evidence[0]].split()),
            part=fact.slot("part") or "not stated",
            rank=fact.rank,
            counted=False,
            why="Only the vendor's answer says so.",
            facts=(fact.id,),
            evidence=fact.evidence,
        )
        for fact in shown
        if fact.id in noted and fact.polarity != "denied" and load_vocabulary()[fact.key].claim == "control"
    )
    return replaced(
        made,
        facts=replaced(draft_facts(sheet), facts=shown),
        evidence=(*made.evidence, *(item for item in sheet.evidence if item.id not in known)),
        controls=(*made.controls, *controls),
    )


def _without_noted(draft: Draft) -> Draft:
    """Remove the facts that a draft with answers lists but does not count."""
    facts = facts_of(draft)
    noted = {fact.id for fact in facts if not fact.counts and is_vendors_word(fact) and comforts(fact)}
    if not noted:
        return draft
    kept = tuple(fact for fact in facts if fact.id not in noted)
    lonely = cited(facts) - cited(kept)
    return replaced(
        draft,
        facts=replaced(draft.facts, facts=kept) if draft.facts else None,
        controls=tuple(one for one in draft.controls if not noted.issuperset(one.facts) or not one.facts),
        evidence=tuple(item for item in draft.evidence if item.id not in lonely),
    )


def _with_speakers(draft: Draft, spoken: Mapping[str, SourceKind]) -> Draft:
    """Name the speaker in paragraphs that quote answers; `spoken` maps the document id of an answer to
    its kind."""
    speakers = {item.id: _SPEAKERS[spoken[item.document]] for item in draft.evidence if item.document in spoken}

    def said(found: re.Match[str]) -> str:
        return f"The {speakers[found[3]]} {_VERBS[found[1]]} {found[2]}" if found[3] in speakers else found[0]

    layers = {key: replaced(one, paragraph=_SAID.sub(said, one.paragraph)) for key, one in draft.layers.items()}
    return replaced(draft, layers=layers) if speakers else draft


def _unsettled(made: Draft, base: Draft, words: Collection[str]) -> Draft:
    """Reset to uncertain each layer whose certainty rests only on `words`, the vendor-only facts that `base` lacks."""
    layers = {
        key: _opened(key, layer, base.layers[key], made, words)
        if layer.certain and key in base.layers and not base.layers[key].certain
        else layer
        for key, layer in made.layers.items()
    }
    opened = [key for key, layer in layers.items() if layer is not made.layers[key]]
    if not opened:
        return made
    texts, last = {one.text for one in made.questions}, max((int(one.id[1:]) for one in made.questions), default=0)
    more = [one for one in base.questions if one.text not in texts and set(opened).intersection(one.settles)]
    questions = (*made.questions, *(replaced(one, id=f"Q{last + n}") for n, one in enumerate(more, 1)))
    score = made.score
    if sum(layer.certain for layer in layers.values()) < CERTAIN_NEEDED and base.score.withheld and not score.withheld:
        score = withhold(score, base.score.withheld)
    return replaced(made, layers=layers, score=score, questions=questions)


def _opened(
    key: LayerKey, layer: LayerThreats, base: LayerThreats, made: Draft, words: Collection[str]
) -> LayerThreats:
    """Return the layer as it would be without the vendor's word, but with its threats and the vendor's statement."""
    quotes = {item.id: item.quote for item in made.evidence}
    marks = [mark for fact in facts_of(made) if fact.id in words for mark in fact.evidence if mark in quotes]
    told = next((mark for mark in marks if mark in layer.paragraph), None)
    text = base.paragraph.removeprefix(MARK)
    if told:
        confirm = f"The vendor says “{quotes[told].strip()}” [{told}], which nobody has confirmed. "
        text = f"{confirm}{text[:1].upper()}{text[1:]}"
    missing = Missing(reason="too-little-evidence", detail=f"{LAYER_SOUGHT[key]}: only the vendor says so")
    return replaced(base, threats=layer.threats, paragraph=MARK + text, missing=missing, question=None)


# ---------------------------------------------------------------- the same ids for the same things


def _as_known(before: Draft, drafted: Draft, fresh: Draft, decided: Collection[str]) -> Draft:
    """Return `before` without undecided threats that are in neither draft."""
    # A threat in a chain stays, since chains are identified by their position.
    kept = {*threats_of(drafted), *threats_of(fresh), *(name for chain in before.chains for name in chain.threats)}
    passing = {f"threat/{name}" for name in threats_of(before) if name not in kept}
    return left_standing(before, passing - {*decided})


def _aligned(
    drafted: Draft, before: Draft, fresh: Draft, taken: Collection[str], answered: Collection[str]
) -> tuple[Draft, tuple[str, ...]]:
    fell: list[str] = []
    left, chains = list(fresh.chains), []
    for number, old in enumerate(before.chains, start=1):
        same = next((chain for chain in left if chain.threats == old.threats), None)
        if same is None:
            fell.append(f"chain/{number}")
        else:
            left.remove(same)
        chains.append(same or old)
    abilities, held = [], {one.id for one in before.system.capabilities}
    known = {(one.signal, one.action, one.object): one.id for one in before.system.capabilities}
    for one in fresh.system.capabilities:
        name = known.pop((one.signal, one.action, one.object), None) or free_id("C", (one.signal,), held)
        held.add(name)
        abilities.append(replaced(one, id=name))
    there = {one.id for one in abilities}
    gone = sorted((one for one in before.system.capabilities if one.id not in there), key=lambda one: int(one.id[1:]))
    fell += [f"capability/{one.id}" for one in gone]
    questions, names = _questions(before.questions, fresh.questions, fell, taken, answered)
    standing, layers = threats_of(fresh).keys(), {}
    # Sort the layers as in a stored draft, and lost threats by id, so that the order of the changes that removed them
    # does not matter. A threat that moved to another layer is not lost.
    for key, layer in sorted(fresh.layers.items()):
        old_threats = before.layers[key].threats if key in before.layers else ()
        lost = sorted((threat for threat in old_threats if threat.id not in standing), key=lambda threat: threat.id)
        fell += [f"threat/{threat.id}" for threat in lost]
        question = names.get(layer.question or "", layer.question)
        layers[key] = replaced(layer, threats=(*layer.threats, *lost), question=question)
    draft = replaced(
        fresh,
        id=drafted.id,
        chains=(*chains, *left),
        questions=questions,
        layers=layers,
        factors=dict(sorted(fresh.factors.items())),
        system=replaced(fresh.system, capabilities=(*abilities, *gone)),
    )
    # Add the quotes of fallen items, which the facts no longer provide.
    missing = _marks(draft) - {item.id for item in draft.evidence}
    added = tuple(item for item in before.evidence if item.id in missing)
    return replaced(draft, evidence=(*draft.evidence, *added)), tuple(fell)


def _questions(
    before: Sequence[Question],
    fresh: Sequence[Question],
    fell: list[str],
    taken: Collection[str],
    answered: Collection[str],
) -> tuple[tuple[Question, ...], dict[str, str]]:
    """Return the questions with their final ids, and a map from fresh to final ids."""
    left, held = list(before), {*(one.id for one in before), *taken}
    made, names = [], {}
    for one in fresh:
        same = next((other for other in left if other.text == one.text), None)
        # A reworded question about the same keys is the same question, unless the old one was answered.
        alike = (other for other in left if other.id not in answered and other.about and other.about == one.about)
        same = same or next(alike, None)
        if same is not None:
            left.remove(same)
        names[one.id] = same.id if same is not None else free_id("Q", one.about, held)
        held.add(names[one.id])
        made.append(replaced(one, id=names[one.id]))
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


def left_standing(draft: Draft, fell: Collection[str]) -> Draft:
    """Drop the fallen items from an aligned draft, leaving only what is derived from the facts."""
    return mapped(draft, lambda item, part: None if item in fell else part) if fell else draft


def without_quotes_of_fallen(made: Draft, whole: Draft, fell: Sequence[str]) -> Draft:
    """Drop from `made` the quotes cited only by fallen items of the aligned draft `whole`."""
    parts = [part for item in fell if (part := part_of(whole, item)) is not None]
    lonely = {mark for part in parts for mark in _LISTED.findall(part.model_dump_json())}
    for draft in (made, left_standing(whole, frozenset(fell))):
        # Search only if needed: most fallen items have no quotes of their own, and searching a whole draft is slow.
        lonely -= _marks(draft) if lonely else set()
    return replaced(made, evidence=tuple(item for item in made.evidence if item.id not in lonely)) if lonely else made


def _marks(draft: Draft) -> set[str]:
    """Return the evidence ids listed anywhere but in the evidence and the LLM record. Ids in prose do not count, since
    prose may cite quotes that are gone."""
    return set(_LISTED.findall(draft.model_dump_json(exclude={"evidence", "judgement"})))
