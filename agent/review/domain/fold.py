"""Folds a draft and its events into the state of the review. Pure: the same events give the same state.

    events ─ replay ─► decision on each item ─ revise ─► draft with corrections ─ strikes ─► draft without struck items
    ─ rescore ─► reviewed draft ─► items with their verdicts, contests with their effect

Scores are computed once at the end, so a hundred events cost little more than one.

Summary rows are made from facts, but reviewers decide on capabilities. A row that rests on a struck capability is
replaced by the remaining capabilities, and a reviewer's corrections come first in their row.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from agent.drafting.product.capability_rows import LABELS
from agent.records import Capability, Chain, Document, Draft, Evidence, Fact, FactLine, SourceRef
from agent.report.view import View
from agent.review.domain.facts.abilities import carriers, through_facts
from agent.review.domain.facts.changed_sheet import KIND, SheetChange, held_as, left_standing, without_quotes_of_fallen
from agent.review.domain.facts.from_answers import Given, given_in, is_vendors_word
from agent.review.domain.items import SCORE, fields_of, items_of, threats_of, weights
from agent.review.domain.lapses import changed, content_of
from agent.review.domain.notes import all_numbers, notes_of, with_numbers
from agent.review.domain.quotes import Plain
from agent.review.domain.records import Contest, Event, Item, ItemState, ReviewState, Verdict
from agent.review.domain.replay import Replayed, Standing, edited_since, replay
from agent.review.domain.rescore import Choice, raw_score, rescore
from agent.review.domain.revise import applied, fallen_additions, renumbered, without_struck

Label = Literal["Acts", "Reads", "Credentials", "Approval"]
_RIGHTS: Final[Mapping[Label, str]] = {"Credentials": "credential", "Approval": "approver"}
_PLACES: Final = 2
_LAPSING: Final[tuple[Verdict, ...]] = ("confirmed", "corrected", "waived")
"""Decisions that lapse when the content they were based on changes."""


def with_lines(drafted: Draft, reviewed: Draft, standing: Mapping[str, Standing]) -> Draft:
    """Rebuild the summary rows of `reviewed` from what remains; unchanged if no capability is struck or corrected."""
    struck = [one for one in drafted.system.capabilities if _verdict(one, standing) == "struck"]
    corrected = [one for one in reviewed.system.capabilities if _edits(one, standing)]
    if not reviewed.lines or not (struck or corrected):
        return reviewed
    rows: dict[str, FactLine] = {row.label: row for row in reviewed.lines}
    for label, reads in (("Acts", False), ("Reads", True)):
        gone = {mark for one in struck if (one.mode == "read") is reads for mark in one.evidence}
        left = [one for one in reviewed.system.capabilities if (one.mode == "read") is reads and one.state != "denied"]
        gone -= {mark for one in left for mark in one.evidence}
        old = rows.get(label)
        if old is not None and gone & set(old.evidence):
            del rows[label]
            said = left
        else:
            said = [one for one in left if {"action", "object"} & _edits(one, standing)]
        _say(rows, "Reads" if reads else "Acts", said, [f"It {one.action} {one.object}" for one in said])
    for label, field in _RIGHTS.items():
        said = [one for one in corrected if field in _edits(one, standing)]
        _say(rows, label, said, [_right(one, label) for one in said])
    return reviewed.model_copy(update={"lines": tuple(rows[label] for label in LABELS if label in rows)})


def _verdict(one: Capability, standing: Mapping[str, Standing]) -> str:
    found = standing.get(f"capability/{one.id}")
    return found.verdict if found is not None else "open"


def _edits(one: Capability, standing: Mapping[str, Standing]) -> set[str]:
    found = standing.get(f"capability/{one.id}")
    return set(found.edits) if found is not None else set()


def _right(one: Capability, label: Label) -> str:
    does = f"It {one.action} {one.object}"
    if label == "Credentials":
        return f"{does} with {one.credential}" if one.credential else f"{does}; with whose rights is not known"
    return f"{does} after approval by {one.approver}" if one.approver else f"{does}; who approves it is not known"


def _say(rows: dict[str, FactLine], label: Label, about: Sequence[Capability], sentences: Sequence[str]) -> None:
    """Prepend sentences to a row, replacing a row that only said that nothing is stated."""
    if not sentences:
        return
    old = rows.get(label)
    kept = old if old is not None and old.facts else None
    marked = [
        f"{sentence} ({', '.join(one.evidence)})." if one.evidence else f"{sentence}."
        for one, sentence in zip(about, sentences, strict=True)
    ]
    marks = (*(mark for one in about for mark in one.evidence), *(kept.evidence if kept else ()))
    rows[label] = FactLine(
        label=label,
        text=" ".join((*marked, *([kept.text] if kept else ()))),
        facts=kept.facts if kept else (),
        evidence=tuple(dict.fromkeys(marks)),
    )


def fold(
    key: str,
    draft: Draft,
    documents: Sequence[Document],
    events: Sequence[Event],
    revisions: Mapping[str, Draft],
) -> ReviewState:
    """Return the state of review `key` after `events`, which are all events of this review in order.

    `draft` is the imported draft, `documents` are its sources and the later answers; `revisions` are the later drafts
    that events name, by their sha256. Raises IntegrityError when one of the named drafts is missing.
    """
    found = replay(key, draft, events, revisions)
    outcome = _Outcome.of(found)
    items = _items(found, outcome, documents)
    notes = notes_of(found, outcome.whole, outcome.reviewed, {one.item.id: one.item.title for one in items})
    reviewed = outcome.reviewed.model_copy(update={"review": found.stamp, "notes": notes})
    return ReviewState(
        key=key,
        version=found.version,
        stage=found.stage,
        assigned=found.assigned,
        items=items,
        drafted=found.drafted,
        reviewed=reviewed,
        based=found.based or found.drafted,
        fell=outcome.fell,
        questions=outcome.whole.questions,
        numbers=outcome.numbers,
        contests=_contests(found, outcome, items),
        stamp=found.stamp,
        undoable=found.undoable,
        redoable=found.redoable,
        undos=found.undos,
        added=found.added,
        managed={
            name.partition("/")[2]: {text: dict(known) for text, known in one.managed.items()}
            for name, one in found.standing.items()
            if one.managed
        },
        answered={name: pair for given in outcome.given for name, pair in given.facts.items()},
        sources=tuple(given.source for given in outcome.given),
    )


@dataclass(frozen=True)
class _Outcome:
    """A draft before and after review, with the decisions on its items."""

    whole: Draft
    """The draft with corrections but without removals."""
    reviewed: Draft
    standing: dict[str, Standing]
    """The decisions by item, using the evidence ids of these drafts."""
    fell: tuple[str, ...]
    """Ids of items that lost all their support, including added threats."""
    given: tuple[Given, ...]
    """The answers that state facts, ordered by question number."""
    numbers: dict[str, int]
    """The threats' numbers in the review, by threat id."""

    @classmethod
    def of(cls, found: Replayed, instead: Mapping[str, Standing] | None = None) -> "_Outcome":
        """Compute the outcome. `instead` overrides the decisions in `found` for some items."""
        standing, based = {**found.standing, **(instead or {})}, found.based or found.drafted
        answered = _settled(found)
        lost = (*found.fell, *fallen_additions(based, standing, found.drafted))
        fell = tuple(name for name in lost if name not in answered)
        for name in fell:
            standing[name] = replace(standing.get(name, Standing()), verdict="struck", fell=True)
        given = tuple(sorted(_given(standing), key=lambda one: int(one.question[1:])))
        told = {source.document for source in based.sources}
        new = tuple(SourceRef.of(one.source) for one in given if one.document not in told)
        based = based.model_copy(update={"sources": (*based.sources, *new)}) if new else based
        whole, settled = applied(based, standing, found.drafted)
        # Exclude fallen items, since they do not follow from the facts and nothing is compared with them.
        follows = left_standing(based, found.fell)
        left = _without_answered(without_struck(whole, settled, found.drafted), _answered(settled))
        decided = settled.get(SCORE, Standing())
        choice = Choice.of(decided.edits, decided.attached)
        scored = rescore(follows, with_lines(follows, left, settled), choice)
        numbers = all_numbers(found.numbers, View(whole), View(scored))
        reviewed = renumbered(with_numbers(_promised(scored, found.drafted), numbers), follows)
        if found.fell:
            reviewed = without_quotes_of_fallen(reviewed, based, found.fell)
        # Reviews without fact-stating answers keep their chain order, since they may have been signed with that order.
        chains = _in_order(reviewed.chains, found.drafted.chains) if given else reviewed.chains
        return cls(whole, reviewed.model_copy(update={"chains": chains}), settled, fell, given, numbers)


def _in_order(chains: Sequence[Chain], drafted: Sequence[Chain]) -> tuple[Chain, ...]:
    """Return the drafted chains, then the chains added by changed facts, in a deterministic order."""
    places = {one.threats: number for number, one in enumerate(drafted)}
    return tuple(sorted(chains, key=lambda one: (places.get(one.threats, len(places)), one.threats)))


def _given(standing: Mapping[str, Standing]) -> Iterator[Given]:
    for name, one in standing.items():
        kind, _, question = name.partition("/")
        if kind == "question" and one.given is not None:
            given = given_in(question, one.edits, one.answered)
            if given is not None:
                yield given


def _settled(found: Replayed) -> frozenset[str]:
    """Return the questions that no longer follow from the facts because they were answered."""
    return frozenset(
        name
        for name in found.fell
        if name.startswith("question/") and name in found.standing and found.standing[name].given is not None
    )


def _answered(standing: Mapping[str, Standing]) -> frozenset[str]:
    """Return all answered questions, which the vendor is not asked again."""
    return frozenset(name for name, one in standing.items() if name.startswith("question/") and one.given is not None)


def _promised(reviewed: Draft, drafted: Draft) -> Draft:
    """Cap the effect of each question at its effect in the original draft.

    The open questions share the remaining uncertainty, so answering other questions would raise a question's effect.
    """
    most = {asked.id: asked.effect for asked in drafted.questions}
    if all(asked.effect <= most.get(asked.id, asked.effect) for asked in reviewed.questions):
        return reviewed
    questions = tuple(
        asked.model_copy(update={"effect": min(asked.effect, most.get(asked.id, asked.effect))})
        for asked in reviewed.questions
    )
    return reviewed.model_copy(update={"questions": questions})


def _without_answered(draft: Draft, settled: Collection[str]) -> Draft:
    if not settled:
        return draft
    left = tuple(one for one in draft.questions if f"question/{one.id}" not in settled)
    return draft.model_copy(update={"questions": left})


def _items(found: Replayed, outcome: _Outcome, documents: Sequence[Document]) -> tuple[ItemState, ...]:
    contested = {contest.item for contest in found.contests.values() if contest.decision == "open"}
    made = []
    quotes = {one.id: one.quote for one in outcome.whole.evidence}
    told = {name: pair for given in outcome.given for name, pair in given.facts.items()}
    whole = _as_read(found.drafted, outcome.whole, told.values())
    texts = (*documents, *(given.source for given in outcome.given)) if documents else ()
    facts = {name: fact for name, (fact, _) in told.items()}
    carried = carriers(outcome.whole, found.drafted, facts)
    for item in items_of(whole, texts, _weights(outcome, facts), facts):
        one = outcome.standing.get(item.id, Standing())
        given = one.edits.get("evidence") if item.kind == KIND else None
        own = [str(mark) for mark in given] if isinstance(given, list) else item.evidence
        marks = tuple(dict.fromkeys((*own, *one.attached)))
        cited = item if marks == item.evidence else item.model_copy(update={"evidence": marks})
        lapsed = _lapsed(outcome, item, one, [quotes[mark] for mark in one.attached if mark in quotes])
        if (lapsed or one.verdict == "open") and _fell_apart(outcome, item):
            one, lapsed = replace(one, verdict="struck", fell=True), ""
        via = carried.get(item.id, ()) if not one.decided and not one.attached else ()
        made.append(_state(found, cited, one, lapsed, contested=item.id in contested, via=via))
    return tuple(through_facts(made))


def _fell_apart(outcome: _Outcome, item: Item) -> bool:
    """Return whether the item is a chain missing a threat, which cannot be decided on until the threat is restored."""
    if item.kind != "chain":
        return False
    left = threats_of(outcome.reviewed)
    return any(name not in left for name in outcome.whole.chains[int(item.id.partition("/")[2]) - 1].threats)


def _weights(outcome: _Outcome, answered: Mapping[str, Fact]) -> dict[str, float]:
    """Return the weights of items; a fact from an answer weighs as much as the sheet's fact that absorbed it."""
    found, sheet = weights(outcome.reviewed), outcome.reviewed.facts
    held = {name: held_as(sheet.facts if sheet else (), fact) for name, fact in answered.items()}
    own = {f"fact/{name}": found.get(f"fact/{fact.id}", 0.0) for name, fact in held.items() if fact is not None}
    return {**found, **own}


def _as_read(drafted: Draft, whole: Draft, told: Iterable[tuple[Fact, tuple[Evidence, ...]]]) -> Draft:
    """Return `whole` with the facts as originally read, including struck ones, their quotes and those of answers."""
    if drafted.facts is None or whole.facts == drafted.facts:
        return whole
    known = {item.id: item for item in whole.evidence}
    for item in (*drafted.evidence, *(quote for _, quotes in told for quote in quotes)):
        known.setdefault(item.id, item)
    return whole.model_copy(update={"facts": drafted.facts, "evidence": tuple(known.values())})


def _lapsed(outcome: _Outcome, item: Item, one: Standing, attached: Sequence[str]) -> str:
    """Return why a decision on an item lapsed; empty while the decision is valid."""
    if one.verdict not in _LAPSING or not one.seen:
        return one.lapsed
    if item.kind == KIND:
        return ""
    return "; ".join(changed(one.seen, content_of(outcome.reviewed, item.id, outcome.whole), attached))


def _state(
    found: Replayed, item: Item, one: Standing, lapsed: str, *, contested: bool, via: tuple[str, ...]
) -> ItemState:
    drafted = {} if one.added else fields_of(found.based or found.drafted, item.id)
    drafted = drafted or ({} if one.added else fields_of(found.drafted, item.id))
    before: Plain = {name: drafted[name] for name in one.edits if name in drafted}
    return ItemState(
        item=item,
        verdict="open" if lapsed else one.verdict,
        contested=contested,
        changed=found.changed.get(item.id, 0),
        by=one.by,
        reason=one.reason,
        note=one.note,
        before=before or None,
        after=dict(one.edits) or None,
        lapsed=lapsed,
        fell=one.fell,
        bulk=one.bulk and not lapsed,
        comments=tuple(one.comments),
        asked_of=tuple(sorted(one.asked_of)),
        via=via,
        earlier=one.earlier and one.verdict == "waived",
    )


# ---------------------------------------------------------------- what contests did


def _contests(found: Replayed, outcome: _Outcome, items: Sequence[ItemState]) -> tuple[Contest, ...]:
    states = {state.item.id: state for state in items}
    return tuple(
        contest
        if contest.decision == "open"
        else contest.model_copy(update={"effect": _effect(found, outcome, contest, states.get(contest.item))})
        for contest in found.contests.values()
    )


def _effect(found: Replayed, outcome: _Outcome, contest: Contest, state: ItemState | None) -> str:
    """Describe the effect of a contest on its item and the score."""
    if state is None:
        return "the draft that was made again does not hold it any more"
    if contest.decision == "refused":
        return "no change"
    one, was = found.standing.get(contest.item, Standing()), found.contested[contest.number]
    names = edited_since(one, was)
    if state.verdict == "struck" and was.verdict == "struck":
        return "struck before, no change"
    if state.verdict == "corrected" and not names:
        return "looked at again, no change"
    if state.verdict not in ("corrected", "struck"):
        return "open again" if state.verdict == "open" else f"{state.verdict}, no change"
    told = "struck" if state.verdict == "struck" else f"corrected: {edits_told(_since(state, was, names))}"
    without = raw_score(_Outcome.of(found, {contest.item: was}).reviewed)
    now = raw_score(outcome.reviewed)
    if round(without, _PLACES) == round(now, _PLACES):
        return f"{told}; the score does not move"
    return f"{told}; score {without:.2f} → {now:.2f}"


def _since(state: ItemState, was: Standing, names: Sequence[str]) -> ItemState:
    """Restrict the item to the fields `names`, corrected since its state `was`, with their values then and now."""
    before, after = {**(state.before or {}), **was.edits}, state.after or {}
    return state.model_copy(
        update={
            "before": {name: before[name] for name in names if name in before},
            "after": {name: after[name] for name in names if name in after},
        }
    )


def edits_told(state: ItemState) -> str:
    """List an item's corrected fields in words: numbers and short words with both values, texts by name only."""
    before, told = state.before or {}, []
    for name, now in (state.after or {}).items():
        was = before.get(name)
        if isinstance(now, int | float | bool) or (name in ("applies", "cvss_vector", "headline") and now):
            told.append(f"{name.replace('_', ' ')} {_plain(was)} → {_plain(now)}")
        else:
            told.append(name.replace("_", " "))
    return ", ".join(told)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value if value is not None else "none")


# ---------------------------------------------------------------- the facts


def sheet_change(state: ReviewState) -> SheetChange:
    """Return the decisions on a review's facts and the facts in its answers, with the marks of the reviewed draft."""
    facts = {one.item.id.partition("/")[2]: one for one in state.items if one.item.kind == KIND}
    questions = {one.item.id.partition("/")[2]: one for one in state.items if one.item.kind == "question"}
    answers = {name: given for name, one in questions.items() if (given := given_in(name, one.after or {})) is not None}
    return SheetChange(
        struck=frozenset(name for name, one in facts.items() if one.verdict == "struck"),
        corrected={name: one.after for name, one in facts.items() if one.after},
        evidence=state.reviewed.evidence,
        answers=answers,
        confirmed=frozenset(name for name in vendors_words(state) if facts[name].verdict == "confirmed"),
        unasked=frozenset(name for name, one in questions.items() if one.verdict == "struck" and not one.fell),
    )


def vendors_words(state: ReviewState) -> frozenset[str]:
    """Return the names of facts that count as the analyst's word once confirmed: facts from answers and, in a draft
    with answers merged in, facts on a vendor's word alone."""
    read = state.drafted.facts.facts if state.drafted.facts else ()
    return frozenset((*state.answered, *(fact.id for fact in read if is_vendors_word(fact))))
