"""Checks a reviewer's action against the state of the review and turns it into planned events.

Nothing is stored here. If somebody else touched the item since the reviewer saw it, the action raises ConflictError
with three versions. Actions on other items go through.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final, get_args

from agent.errors import ConflictError, InputError
from agent.facts.vocabulary import load_vocabulary
from agent.records import Document, Fact, Question, UseProposal
from agent.report.draft_json import dump
from agent.review.domain.facts.abilities import carriers_of
from agent.review.domain.facts.changed_sheet import KIND, by_names, fact_fields, free_id, stated_keys
from agent.review.domain.facts.from_answers import DOCUMENT, STATES, checked_states, places, question_of, settled_by
from agent.review.domain.fields import (
    Sources,
    address,
    checked_fields,
    plain_text,
    short_text,
)
from agent.review.domain.items import QUESTION_SECTION, SCORE, fact_marks, fields_of, is_unstated, threats_of
from agent.review.domain.lapses import content_of, kept
from agent.review.domain.mitigations import checked_management
from agent.review.domain.new_threat import ADDED_FIELDS, planned_threat, read_threat
from agent.review.domain.planned_sheet import taken_ids
from agent.review.domain.quotes import Plain
from agent.review.domain.records import Action, Contest, ContestKind, ItemState, Planned, ReviewState, Verb
from agent.review.domain.replay import CALLED, SEEN, why
from agent.review.domain.rescore import headline_of, narrowing
from agent.review.domain.response import Answer
from agent.review.domain.undo import blocking
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS

MAX_NAME: Final = 80
OF_REVIEW: Final[tuple[Verb, ...]] = ("undo", "redo", "assign", "sign", "reopen", "add", "redraft", "ask")
WHEN_SIGNED: Final[tuple[Verb, ...]] = ("reopen", "contest", "assign", "comment", "manage")
_NEEDS_REASON: Final[tuple[Verb, ...]] = ("correct", "strike", "waive")
_FIELDS: Final[dict[Verb, tuple[str, ...]]] = {
    "undo": ("batch",),
    "attach": ("document", "start", "end", "quote", "evidence"),
    "add": ADDED_FIELDS,
    "answer": ("text", "url", "kind", "states"),
    "ask": ("key",),
    "contest": ("kind", "text", "url", "sender"),
    "decide": ("decision", "rule", "number"),
    "assign": ("to",),
    "bulk": ("seen",),
    "comment": ("text", "to"),
    "sign": ("decision", "waivers"),
    "manage": ("mitigation", "owner", "due", "status", "residual"),
}
"""The valid fields of each action. A correction's fields depend on its item; the service sets those of a redraft."""
_ANSWERS: Final = ("vendor-answer", "analyst-note")
_ACCEPTED: Final = "accepted-risk"
WAIVERS_HOLD: Final = "hold"
"""The value by which a signature confirms waivers made for an earlier signature."""

Seen = Callable[[int], ReviewState]
"""Returns the review as it was at a version."""


class ReviewAct:
    """An action on the review as a whole, checked against one state."""

    def __init__(self, state: ReviewState, action: Action, sources: Sources) -> None:
        self._state = state
        self._action = action
        self._fields = action.fields
        self._sources = sources

    def planned(self) -> tuple[Planned, ...]:
        """Return the events of an action on the review as a whole."""
        match self._action.verb:
            case "undo":
                return (self._undo(),)
            case "redo":
                return (self._redo(),)
            case "assign":
                return self._assign()
            case "sign":
                return (self._sign(),)
            case "reopen":
                return (self._reopen(),)
            case "redraft":
                return (self._redraft(),)
            case "ask":
                return (self._ask(),)
            case _:
                return (self._add(),)

    def _undo(self) -> Planned:
        """Plan an undo of the named act or, by default, of the last act, regardless of who made it."""
        batch = self._fields.get("batch", self._state.undoable)
        if not isinstance(batch, int) or not any(turn.batch == batch for turn in self._state.undos):
            raise InputError("there is nothing to undo", where="undo", hint="imports and signatures stay")
        if (later := blocking(self._state.undos, batch)) is not None:
            raise InputError(
                f"{later.by} went on from it in act {later.batch}", where="undo", hint="undo that first, in the history"
            )
        if batch > self._action.version:
            raise ConflictError(
                "somebody did something since you saw the review",
                where="undo",
                hint="look at it first; then undo takes that back",
                mine={"verb": "undo", "version": self._action.version},
                theirs={"batch": batch},
                base={"version": self._action.version},
            )
        return Planned(verb="undo", item="", after={"batch": batch}, note=self._action.note)

    def _redo(self) -> Planned:
        batch = self._state.redoable
        if not batch:
            raise InputError("there is nothing to redo", where="redo", hint="only what was undone last comes back")
        if self._action.version != self._state.version:
            raise ConflictError(
                "somebody did something since you saw the review",
                where="redo",
                hint="look at it first",
                mine={"verb": "redo", "version": self._action.version},
                theirs={"version": self._state.version},
                base={"version": self._action.version},
            )
        return Planned(verb="redo", item="", after={"batch": batch}, note=self._action.note)

    def _assign(self) -> tuple[Planned, ...]:
        to = short_text(self._fields, "to", MAX_NAME)
        if to == self._state.assigned:
            return ()
        before: Plain = {"to": self._state.assigned}
        return (Planned(verb="assign", item="", before=before, after={"to": to}, note=self._action.note),)

    def _sign(self) -> Planned:
        state = self._state
        if self._action.version != state.version:
            raise ConflictError(
                "the review went on since you saw it",
                where="sign",
                hint="look at what changed, then sign",
                mine={"version": self._action.version},
                theirs={"version": state.version},
                base={"version": self._action.version},
            )
        left = state.open
        if left:
            raise InputError(
                f"{len(left)} {'item is' if len(left) == 1 else 'items are'} open, first {left[0].item.id}",
                where="sign",
                hint="decide each, or waive it with a reason",
            )
        contests = [contest for contest in state.contests if contest.decision == "open"]
        if contests:
            raise InputError(
                f"{len(contests)} contests are open, first number {contests[0].number}", where="sign", hint="decide"
            )
        waived = state.waived
        self._waivers_hold(waived)
        advice = state.reviewed.advice
        decision = self._fields.get("decision") or (advice.proposal if advice else None)
        if decision is not None and decision not in get_args(UseProposal):
            raise InputError(
                "the decision is none of its values", where="decision", hint=" or ".join(get_args(UseProposal))
            )
        unsigned = state.reviewed.model_copy(update={"review": None})
        after: Plain = {
            "sha256": hashlib.sha256(dump(unsigned).encode()).hexdigest(),
            "open": 0,
            "waived": len(waived),
            "waivers": [
                {"item": one.item.id, "why": why(one.reason, one.note), "title": one.item.title} for one in waived
            ],
            "bulk": sum(one.bulk for one in state.own),
            "unanswered": [asked.text for asked in unanswered(state)],
            "decision": decision,
        }
        return Planned(verb="sign", item="", after=after, note=self._action.note)

    def _waivers_hold(self, waived: Sequence[ItemState]) -> None:
        """Raise InputError if waivers from a withdrawn signature are not confirmed by the action."""
        before = [one for one in waived if one.earlier]
        if before and self._fields.get("waivers") != WAIVERS_HOLD:
            raise InputError(
                f"{len(before)} {'item was' if len(before) == 1 else 'items were'} waived for an earlier signature",
                where="waivers",
                hint="say that this still holds, or decide each",
            )

    def _reopen(self) -> Planned:
        if self._state.stage != "signed":
            raise InputError("the review is not signed", where="reopen", hint="it is open already")
        if not self._action.note.strip():
            raise InputError("reopening needs a note", where="note", hint="say why")
        return Planned(verb="reopen", item="", note=self._action.note)

    def _redraft(self) -> Planned:
        if not isinstance(self._fields.get("sha256"), str):
            raise InputError("the new draft is not named", where="sha256", hint="give the sha256 of its JSON")
        return Planned(verb="redraft", item="", after=dict(self._fields), note=self._action.note)

    def _ask(self) -> Planned:
        """Plan a question for the vendor about a key that no fact answers."""
        words, key = load_vocabulary(), str(self._fields.get("key", ""))
        if key not in words:
            raise InputError(f"no fact has the key {key[:40]!r}", where="key", hint="choose one of the fact sheet")
        draft, entry = self._state.reviewed, words[key]
        # Count only open questions, since an earlier answer may not have stated a fact about the key.
        asked = next((one for one in draft.questions if key in one.about), None)
        if asked is not None:
            hint = f"answer it, or ask the vendor {asked.id} as it is"
            raise InputError(f"{asked.id} asks about it already", where="key", hint=hint)
        if key in stated_keys(draft):
            raise InputError(f"it is stated: {entry.title}", where="key", hint="confirm, correct or strike the fact")
        settles = settled_by(entry)
        taken = taken_ids(self._state)
        after: Plain = {
            "key": key,
            "text": entry.question,
            "proposed": f"It {entry.title}: … / It does not." if entry.deniable else f"It {entry.title}: …",
            "why": "The sources do not say it.",
            "settles": list(settles),
            "effect": narrowing(draft)(settles),
        }
        name = f"question/{free_id('Q', (key,), taken)}"
        return Planned(verb="ask", item=name, after=after, reason=self._action.reason, note=self._action.note)

    def _add(self) -> Planned:
        facts = self._state.reviewed.facts
        reading = read_threat(self._fields, self._sources, facts.facts if facts else ())
        for error, _ in reading.errors:
            raise error
        return planned_threat(self._state, reading, self._sources, self._action.reason, self._action.note)


def answer_facts(state: ReviewState, question: str) -> tuple[str, ...]:
    """Return the undecided fact items stated by the answer to a question, which is given by its item id."""
    name = question.partition("/")[2]
    own = {f"{KIND}/{told}" for told in state.answered if question_of(told) == name}
    return tuple(one.item.id for one in state.items if one.item.id in own and one.verdict == "open")


def unanswered(state: ReviewState) -> tuple[Question, ...]:
    """Return the unanswered questions of the reviewed draft, including waived ones."""
    done = {
        one.item.id for one in state.items if one.verdict in ("answered", "struck") or "answer" in (one.after or {})
    }
    return tuple(asked for asked in state.reviewed.questions if f"question/{asked.id}" not in done)


def check(
    state: ReviewState, action: Action, documents: Sequence[Document], seen: Seen | None = None
) -> tuple[Planned, ...]:
    """Return the planned events for an action; empty if the action would change nothing.

    `state` is the latest state and `documents` are all sources. `seen` returns an earlier state as the base of a
    conflict; without it, the drafted fields are the base. Raises InputError naming the field, ConflictError when
    another event touched the item after `action.version`.
    """
    if state.stage == "signed" and action.verb not in WHEN_SIGNED:
        raise InputError("the review is signed", where=action.verb, hint="reopen it first, with a note")
    if action.verb in _NEEDS_REASON and not action.reason:
        raise InputError(f"{action.verb} needs a reason", where="reason", hint="choose the one that fits best")
    _refuse_unknown(action)
    if action.version > state.version or action.version < 0:
        raise InputError("there is no such version", where="version", hint=f"the last one is {state.version}")
    if action.verb in OF_REVIEW:
        return ReviewAct(state, action, Sources(documents, state.reviewed.evidence)).planned()
    act = _Act(state, action, documents, seen)
    if action.section and not action.item:
        return _with_titles(state, act.of_section())
    return _with_titles(state, act.of_item(_item(state, action.item)))


def _with_titles(state: ReviewState, planned: Sequence[Planned]) -> tuple[Planned, ...]:
    """Add the current titles of the items to the events, so that the log keeps the wording of its time."""
    titles = {one.item.id: one.item.title for one in state.items}
    made = []
    for plan in planned:
        items = _listed((plan.after or {}).get("items"))
        told: object = {item: titles[item] for item in items} if plan.verb == "bulk" else titles.get(plan.item)
        made.append(plan.model_copy(update={"after": {**(plan.after or {}), CALLED: told}}) if told else plan)
    return tuple(made)


def _refuse_unknown(action: Action) -> None:
    """Raise InputError for unknown fields, since ignoring a misspelt field would lose somebody's work."""
    if action.verb in ("correct", "redraft"):
        return
    known = _FIELDS.get(action.verb, ())
    unknown = next((name for name in action.fields if name not in known), None)
    if unknown is not None:
        hint = "fields: " + ", ".join(known) if known else "it has no fields"
        raise InputError(f"{action.verb} has no field {unknown[:40]!r}", where=unknown[:40], hint=hint)


def now_of(state: ReviewState, one: ItemState) -> Plain:
    """Return an item's current fields: drafted or corrected values, and evidence with attached quotes."""
    told = state.answered.get(one.item.id.removeprefix("fact/"))
    drafted = fields_of(state.based, one.item.id) or fields_of(state.drafted, one.item.id)
    drafted = fact_fields(told[0]) if told is not None else drafted
    now = {**drafted, **(one.after or {})}
    return {**now, "evidence": list(one.item.evidence)} if one.item.kind in ("factor", "threat") else now


def version_of(state: ReviewState, one: ItemState) -> Plain:
    """Return an item as a conflict page shows it: its fields, the decision and its reviewer."""
    return {**now_of(state, one), "verdict": one.verdict, "by": one.by, "reason": one.reason, "note": one.note}


def _listed(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else []


def _item(state: ReviewState, name: str) -> ItemState:
    found = next((one for one in state.items if one.item.id == name), None)
    if found is None:
        raise InputError(f"there is no item {name[:80]!r}", where="item", hint="its id stands beside it")
    return found


class _Act:
    """An action on one item or one section, checked against one state."""

    def __init__(self, state: ReviewState, action: Action, documents: Sequence[Document], seen: Seen | None) -> None:
        self._state = state
        self._action = action
        self._fields = action.fields
        self._documents = documents
        self._seen = seen
        self._sources = Sources(documents, state.reviewed.evidence)

    # ------------------------------------------------------------ one item

    def of_item(self, one: ItemState) -> tuple[Planned, ...]:
        """Return the events of an action on one item."""
        verb = self._action.verb
        if verb == "contest":
            return (self._contest(one),)
        if verb == "decide":
            return (self._decide(one),)
        if verb == "comment":
            to = short_text(self._fields, "to", MAX_NAME)
            said = {"text": plain_text(self._fields.get("text"), "text")}
            return (self._planned(one, None, {**said, **({"to": to} if to else {})}),)
        if verb == "manage":
            after = checked_management(self._state, one, self._fields)
            return (self._planned(one, None, {**after, "note": self._action.note}),)
        # A vendor may still answer a question that another answer has made unnecessary.
        if one.fell and verb != "answer":
            hint = "bring the fact back, or leave it out"
            raise InputError("it rests on a fact that was struck or corrected", where=one.item.id, hint=hint)
        if self._stands(one):
            return ()
        self._unchanged(one)
        match verb:
            case "confirm" if one.verdict == "answered":
                return self._confirm_answer(one)
            case "confirm":
                return (self._planned(one, None, self._seen_now(one)),)
            case "correct":
                return (self._correct(one),)
            case "strike":
                return self._strike(one)
            case "waive":
                return (self._waive(one),)
            case "send":
                return self._send(one)
            case "attach":
                return (self._attach(one),)
            case "answer":
                return (self._answer(one),)
            case _:
                raise InputError(f"{verb} is no action on an item", where="verb", hint="confirm, correct, strike …")

    def _stands(self, one: ItemState) -> bool:
        """Return whether this decision was already made; for a strike or waiver, reason and note must match too."""
        done = {"confirm": ("confirmed", "corrected"), "strike": ("struck",), "send": ("sent",), "waive": ("waived",)}
        if one.verdict not in done.get(self._action.verb, ()) or (one.bulk and self._action.verb == "confirm"):
            return False
        return self._action.verb in ("confirm", "send") or (self._action.reason, self._action.note) == (
            one.reason,
            one.note,
        )

    def _unchanged(self, one: ItemState) -> None:
        """Raise ConflictError when the item was touched after the version that the reviewer saw."""
        if one.changed <= self._action.version:
            return
        action = self._action
        mine = {"verb": action.verb, **self._fields, "reason": action.reason, "note": action.note}
        raise ConflictError(
            f"{one.by or 'somebody'} changed it since you saw it",
            where=one.item.id,
            hint="compare both versions and save the one that shall stand",
            mine=mine,
            theirs=version_of(self._state, one),
            base=self._base(one),
        )

    def _base(self, one: ItemState) -> Plain:
        if self._seen is None:
            return fields_of(self._state.drafted, one.item.id)
        earlier = self._seen(self._action.version)
        found = next((other for other in earlier.items if other.item.id == one.item.id), None)
        return {} if found is None else version_of(earlier, found)

    def _planned(self, one: ItemState, before: Plain | None, after: Plain | None) -> Planned:
        return Planned(
            verb=self._action.verb,
            item=one.item.id,
            before=before,
            after=after,
            reason=self._action.reason,
            note=self._action.note,
        )

    def _seen_now(self, one: ItemState, but: Sequence[str] = ()) -> Plain | None:
        """Return the item's content, stored with a decision so that the decision lapses when the content changes."""
        said = kept(content_of(self._state.reviewed, one.item.id, self._state.based), but)
        return {SEEN: said} if said else None

    def _correct(self, one: ItemState) -> Planned:
        before = now_of(self._state, one)
        after = checked_fields(one.item.kind, self._fields, before, self._sources)
        if one.item.id == SCORE and after.get("headline") is not None:
            self._may_lead(str(after["headline"]))
        if "evidence" in after and "facts" in before:
            after |= self._own_quotes(one, before, after)
        fields = {name: before.get(name) for name in after}
        own = {
            "layer": tuple(before), "score": tuple(content_of(self._state.reviewed, SCORE)),
            "factor": ("parts", "rationale"),
        }  # fmt: skip
        seen = self._seen_now(one, (*after, *own.get(one.item.kind, ()))) or {}
        return self._planned(one, fields, {**self._sources.with_marks(after), **seen})

    def _own_quotes(self, one: ItemState, before: Plain, after: Plain) -> Plain:
        """Return the evidence that an added threat cites itself, and its facts whose quotes are all still cited."""
        facts, marks = _listed(before["facts"]), _listed(after["evidence"])
        named = _listed((one.after or {}).get("evidence"))
        # A struck fact has no quotes here, so it is kept and will be cited again once restored.
        quotes = {name: fact_marks(fact) for name, fact in self._facts().items()}
        kept_ = [name for name in facts if set(quotes.get(name, ())) <= set(marks)]
        theirs = {mark for name in kept_ for mark in quotes.get(name, ())} - set(named)
        return {"facts": kept_, "evidence": [mark for mark in marks if mark not in theirs]}

    def _facts(self) -> Mapping[str, Fact]:
        """Return the current facts of the review, keyed by every id that refers to them."""
        sheet, read = self._state.reviewed.facts, self._state.drafted.facts
        facts = [one for one in self._state.items if one.item.kind == KIND]
        gone = {one.item.id.removeprefix("fact/") for one in facts if one.verdict == "struck" or one.after}
        return by_names(sheet.facts if sheet else (), read.facts if read else (), gone)

    def _may_lead(self, threat: str) -> None:
        found = threats_of(self._state.reviewed).get(threat)
        if found is None or not found.evidence:
            raise InputError(
                "the headline is a threat that stands and has a quote", where="headline", hint="give a threat's id"
            )

    def _strike(self, one: ItemState) -> tuple[Planned, ...]:
        """Strike the item. A capability is struck through its facts, since they would otherwise recreate it."""
        if one.item.kind in ("posture", "score"):
            raise InputError(f"the {one.item.kind} cannot be struck", where=one.item.id, hint="correct it instead")
        facts = [_item(self._state, name) for name in carriers_of(self._state, one.item.id)]
        standing = [fact for fact in facts if fact.verdict != "struck"]
        for fact in standing:
            self._unchanged(fact)
        return tuple(self._planned(each, None, None) for each in standing or (one,))

    def _confirm_answer(self, one: ItemState) -> tuple[Planned, ...]:
        """Confirm an answer by confirming each of its facts that is still undecided."""
        facts = [_item(self._state, name) for name in answer_facts(self._state, one.item.id)]
        for fact in facts:
            self._unchanged(fact)
        return tuple(self._planned(fact, None, self._seen_now(fact)) for fact in facts)

    def _waive(self, one: ItemState) -> Planned:
        if one.verdict != "open":
            raise InputError("only an open item is waived", where=one.item.id, hint=f"it is {one.verdict}")
        if one.via:
            raise InputError("its facts are decided in its place", where=one.item.id, hint=f"see {one.via[0]}")
        first = headline_of(self._state.reviewed)
        leads = first is not None and one.item.id in (f"threat/{first.id}", SCORE)
        if leads and self._action.reason == _ACCEPTED and not self._action.note.strip():
            raise InputError(
                "to accept the risk that the score rests on needs a note",
                where="note",
                hint="say who accepts it, and why",
            )
        return self._planned(one, None, self._seen_now(one))

    def _send(self, one: ItemState) -> tuple[Planned, ...]:
        """Send the vendor a question with the open unknowns that it settles, or an unknown with its questions."""
        if not self._can_be_sent(one):
            raise InputError(
                "only a question, an unknown factor or an uncertain layer is sent",
                where=one.item.id,
                hint="confirm, correct or strike it",
            )
        asked = self._state.drafted.questions
        name = one.item.id.partition("/")[2]
        if one.item.kind == "question":
            settled = {key for question in asked if question.id == name for key in question.settles}
            others = [f"factor/{key}" for key in FACTORS if key in settled]
            others += [f"layer/{key}" for key in LAYERS if key in settled]
        else:
            others = [f"question/{question.id}" for question in asked if name in question.settles]
        along = [
            other
            for other in self._state.items
            if other.item.id in others and other.verdict == "open" and not other.contested
            and other.changed <= self._action.version and self._can_be_sent(other)
        ]  # fmt: skip
        return tuple(self._planned(each, None, None) for each in (one, *along))

    def _can_be_sent(self, one: ItemState) -> bool:
        draft, name = self._state.reviewed, one.item.id.partition("/")[2]
        if one.item.kind == "question":
            return True
        if one.item.kind == "factor":
            return any(key == name and is_unstated(estimate) for key, estimate in draft.factors.items())
        return one.item.kind == "layer" and any(
            key == name and not layer.certain for key, layer in draft.layers.items()
        )

    def _attach(self, one: ItemState) -> Planned:
        given = self._fields.get("evidence")
        marks = self._sources.cite_all([self._fields] if given is None else given, "evidence")
        new = [mark for mark in marks if mark not in one.item.evidence]
        if not new:
            raise InputError("the item has this quote already", where=one.item.id, hint="mark another one")
        return self._planned(one, {"evidence": list(one.item.evidence)}, self._sources.with_marks({"evidence": new}))

    def _answer(self, one: ItemState) -> Planned:
        if one.item.kind != "question":
            raise InputError("only a question is answered", where=one.item.id, hint="correct it, or attach evidence")
        kind = self._fields.get("kind", "vendor-answer")
        if kind not in _ANSWERS:
            raise InputError("the answer is of no known kind", where="kind", hint=" or ".join(_ANSWERS))
        url, note = address(self._fields, "url"), self._action.note
        if not url and not note:
            raise InputError("the answer has no source", where="url", hint="give its address, or a note on who said it")
        # An answer is a source itself, so its quotations need not occur in another source.
        text = plain_text(self._fields.get("text"), "text")
        before = (one.after or {}).get("answer")
        after: Plain = {"text": text, "url": url, "kind": kind}
        if self._fields.get(STATES):
            name, drafted = one.item.id.partition("/")[2], self._state.drafted
            if drafted.facts is None:
                raise InputError("the draft keeps no facts", where=STATES, hint="leave it out, and draft again")
            at = places(name, [each.document for each in drafted.sources], [each.id for each in drafted.evidence])
            given = Answer(name, text, url, "analyst" if kind == "analyst-note" else "vendor")
            others = [document for document in self._documents if document.id != at.document]
            after |= {DOCUMENT: at.document, STATES: checked_states(self._fields[STATES], given, at, others)}
        return self._planned(one, before if isinstance(before, dict) else None, after)

    # ------------------------------------------------------------ contests

    def _contest(self, one: ItemState) -> Planned:
        kind = self._fields.get("kind")
        if kind not in get_args(ContestKind):
            raise InputError("the contest is of no known kind", where="kind", hint=" or ".join(get_args(ContestKind)))
        after: Plain = {
            "kind": kind,
            "text": plain_text(self._fields.get("text"), "text"),
            "url": address(self._fields, "url"),
            "sender": short_text(self._fields, "sender", MAX_NAME),
        }
        return self._planned(one, None, after)

    def _decide(self, one: ItemState) -> Planned:
        contest = self._contest_of(one)
        decision = self._fields.get("decision")
        if decision not in ("accepted", "refused"):
            raise InputError("the contest is accepted or refused", where="decision", hint="accepted or refused")
        if contest.decision != "open":
            raise ConflictError(
                "the contest is decided already",
                where=one.item.id,
                hint="contest it again to decide anew",
                mine={"decision": decision, "rule": self._fields.get("rule", "")},
                theirs={"decision": contest.decision, "rule": contest.rule},
                base={"decision": "open", "rule": ""},
            )
        after: Plain = {
            "number": contest.number,
            "decision": decision,
            "rule": plain_text(self._fields.get("rule"), "rule"),
        }
        return self._planned(one, {"decision": "open"}, after)

    def _contest_of(self, one: ItemState) -> Contest:
        own = [contest for contest in self._state.contests if contest.item == one.item.id]
        number = self._fields.get("number")
        if number is None:
            own = [contest for contest in own if contest.decision == "open"]
            if len(own) == 1:
                return own[0]
        found = next((contest for contest in own if contest.number == number), None)
        if found is None:
            raise InputError("there is no such contest", where="number", hint="give the contest's number")
        return found

    # ------------------------------------------------------------ a section

    def of_section(self) -> tuple[Planned, ...]:
        """Act on a section: confirm its supported items that were on screen, or send its questions."""
        section, verb = self._action.section, self._action.verb
        inside = [one for one in self._state.items if one.item.section == section]
        if not inside:
            raise InputError(f"there is no section {section[:40]!r}", where="section", hint="a layer key, factors, …")
        # Skip items touched since the reviewer's version, so that somebody looks at them individually.
        free = [
            one for one in inside
            if one.verdict == "open" and not one.contested and not one.via and one.changed <= self._action.version
        ]  # fmt: skip
        if verb == "bulk":
            return self._bulk(section, [one for one in free if one.item.supported and not one.fell])
        if verb == "send" and section == QUESTION_SECTION:
            sent = [planned for one in free for planned in self._send(one)]
            return tuple({planned.item: planned for planned in sent}.values())
        hint = "look at its items and confirm those together (bulk), or send the questions"
        raise InputError(f"{verb} is no action on a section", where="section", hint=hint)

    def _bulk(self, section: str, free: Sequence[ItemState]) -> tuple[Planned, ...]:
        """Plan one event that confirms the items of a section that are supported by quotes and were on screen."""
        given = self._fields.get("seen")
        if not isinstance(given, list | tuple) or not given:
            raise InputError("none of its items has been on screen", where="seen", hint="look at them first")
        chosen = [one for one in free if one.item.id in given]
        if not chosen:
            return ()
        seen = {one.item.id: kept(content_of(self._state.reviewed, one.item.id, self._state.based)) for one in chosen}
        after: Plain = {"section": section, "items": [one.item.id for one in chosen], SEEN: seen}
        return (Planned(verb="bulk", item="", after=after, reason=self._action.reason, note=self._action.note),)
