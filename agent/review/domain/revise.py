"""Applies a reviewer's corrections, additions and quotes to a draft, and leaves out what was struck; `rescore` computes
the resulting scores.

The text of a draft calls its threats T1, T2, … in report order. A reviewer's own text is left unchanged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, Literal

from agent.drafting.layers.paragraphs import MARK
from agent.drafting.product.capability_rows import LABELS
from agent.drafting.wording import renamed as renamed_threats
from agent.records import (
    STRUCK,
    Capability,
    Chain,
    Draft,
    Dropped,
    Evidence,
    Fact,
    FactLine,
    FactorEstimate,
    LayerThreats,
    Missing,
    Mitigation,
    Part,
    Question,
    State,
    TaxonomyRef,
    Threat,
    ThreatScore,
    ThreatStatement,
)
from agent.report.view import View, number_added
from agent.review.domain.facts.changed_sheet import by_names, held_as
from agent.review.domain.items import ItemPart, fact_marks, fact_title, facts_of, mapped, part_of
from agent.review.domain.quotes import Numbering, renamed
from agent.review.domain.records import Plain, Rec, replaced
from agent.review.domain.replay import LAST, Standing
from agent.scoring.cvss import PREFIX
from agent.taxonomy.layers import LAYER_SOUGHT

_TENTH: Final = Decimal("0.1")
_ONE: Final = Decimal(1)
_ZERO: Final = Decimal(0)
_UNGRADED: Final = "None"
REVIEWED: Final = ("confirmed", "corrected")
_TOLD: Final = {"chains": ("title",), "questions": ("text", "proposed", "why", "changes"), "controls": ("why",)}
"""Texts that may mention threats, by part of the draft."""
_NEVER_EMPTY: Final = ("title", "text", "proposed")
Label = Literal["Acts", "Reads", "Credentials", "Approval"]
_MODES: Final[tuple[tuple[Label, bool], ...]] = (("Acts", False), ("Reads", True))
"""The summary rows for capabilities; each flag says whether the row covers reading."""
_RIGHTS: Final[Mapping[Label, tuple[str, str, str]]] = {
    "Credentials": ("credential", " with {}", "; whose rights it uses is not known"),
    "Approval": ("approver", " after approval by {}", "; who approves it is not known"),
}

Decisions = Mapping[str, Standing]
"""The decision on each item."""


# ---------------------------------------------------------------- what was struck


def without_struck(draft: Draft, standing: Decisions, drafted: Draft) -> Draft:
    """Return the draft without its struck items, which `dropped` lists with the reason. Struck factors return to their
    usual value, and struck layers to not certain.

    Items removed along with a fact are listed last, by name, and only if they are in `drafted`.
    """
    struck = {name: one for name, one in standing.items() if one.verdict == "struck"}
    if not struck:
        return draft
    dropped: list[Dropped] = []
    fallen: list[Dropped] = []  # Sorted below, since the order here depends on that of the answers.

    def drop(item: str, what: str, reason: str = "") -> None:
        one = struck.get(item)
        if one is None or not one.fell:
            dropped.append(Dropped(what=what, reason=f"{STRUCK}{f': {one.why}' if one else reason}"))
        # Leave out a fallen item that the draft never contained: one changed fact added it, another removed it.
        elif (known := part_of(drafted, item)) is not None:
            what = f"{what.partition(': ')[0]}: {_title(known)}"  # Later titles depend on the order of the answers.
            fallen.append(Dropped(what=what, reason=f"{STRUCK} along with a fact that it rested on"))

    def part(item: str, one: ItemPart) -> ItemPart | None:
        kind, _, name = item.partition("/")
        threats = one.threats if isinstance(one, Chain) else ()
        lost = [threat for threat in threats if f"threat/{threat}" in struck]
        if item not in struck and not lost:
            return one
        if isinstance(one, FactorEstimate):
            return _typical(one, struck[item].why)
        if isinstance(one, LayerThreats):
            told = "what the draft said about it was struck in review"
            missing = one.missing or Missing(reason="too-little-evidence", detail=f"{LAYER_SOUGHT[name]}: {told}")  # type: ignore[index]
            drop(item, f"paragraph of {name}")
            text = f"{MARK}{missing.detail}."
            return replaced(one, certain=False, applies="unknown", missing=missing, paragraph=text)
        drop(item, f"{kind} {name}: {_title(one)}", f" along with its threat {lost[0]}" if lost else "")
        return None

    for fact in facts_of(drafted):
        if f"fact/{fact.id}" in struck:
            drop(f"fact/{fact.id}", f"fact {fact.id}: {fact_title(fact)}")
    made, gone = mapped(draft, part), {name.partition("/")[2] for name in struck}
    lowerings = tuple(low for low in draft.lowerings if low.target not in gone)
    fallen.sort(key=lambda each: each.what)
    return replaced(made, dropped=(*draft.dropped, *dropped, *fallen), lowerings=lowerings)


def _title(one: ItemPart) -> str:
    match one:
        case Capability():
            return f"{one.action} {one.object}"
        case Question():
            return one.text
        case Threat() | Chain():
            return one.title
    raise TypeError(f"{type(one).__name__} has no title")


def _typical(one: FactorEstimate, why: str) -> FactorEstimate:
    """Reset a struck factor to its usual value, with a range that still includes its struck value and range."""
    parts = tuple(part for part in one.parts if part.kind == "typical")
    usual = sum((Decimal(str(part.effect)) for part in parts), _ZERO) if parts else one.value
    value = min(max(usual, _ZERO), _ONE).quantize(_TENTH)
    return replaced(
        one,
        value=value,
        low=min(one.low, one.value, value),
        high=max(one.high, one.value, value),
        state="unknown",
        parts=parts,
        rationale=f"What the draft said about it was struck in review ({why}); {value} is the usual value.",
        evidence=(),
    )


# ---------------------------------------------------------------- corrections


def applied(draft: Draft, standing: Decisions, drafted: Draft) -> tuple[Draft, dict[str, Standing]]:
    """Return the draft with all corrections, additions and attached quotes, before anything is removed, and the
    decision on each item with the evidence ids of this draft.

    `drafted` has the facts as originally read.
    """
    settled, evidence = _settled(standing, draft)
    quotes = {item.id: item.quote for item in evidence}
    known, places = _known(draft, settled, drafted), _last_places(draft, settled)
    added = sorted((item, one) for item, one in settled.items() if one.added)

    def part(item: str, one: ItemPart) -> ItemPart:
        kind, _, name = item.partition("/")
        if isinstance(one, LayerThreats):
            new = ((item.partition("/")[2], each) for item, each in added if each.edits.get("layer") == name)
            one = replaced(one, threats=(*one.threats, *(_added(name, each, known, places) for name, each in new)))
        if item not in settled:
            return one
        if isinstance(one, LayerThreats):
            return _layer(name, one, settled[item], quotes)
        return _REVISED[kind](one, settled[item])

    made = mapped(draft, part)
    asked = sorted((int(item.partition("/Q")[2]), one) for item, one in added if item.startswith("question/"))
    posture, decided = draft.product.posture, settled.get("posture")
    if decided is not None:
        posture = _quoting(decided.edits.get("text", posture), decided.attached, quotes)
    overruled = {item.partition("/")[2] for item, one in settled.items() if {"value", "cvss_vector"} & one.edits.keys()}
    revised = replaced(
        made,
        product=replaced(draft.product, posture=posture),
        questions=(*made.questions, *(_asked(f"Q{number}", one) for number, one in asked)),
        lowerings=tuple(low for low in draft.lowerings if low.target not in overruled),
        evidence=evidence,
    )
    sure = [fact for fact in facts_of(drafted) if settled.get(f"fact/{fact.id}", Standing()).verdict in REVIEWED]
    ids = {one.id for fact in sure if (one := held_as(facts_of(draft), fact)) is not None}
    if draft.facts is not None and ids:
        facts = tuple(replaced(one, state="confirmed") if one.id in ids else one for one in draft.facts.facts)
        revised = replaced(revised, facts=replaced(draft.facts, facts=facts))
    return revised, settled


def _settled(standing: Decisions, draft: Draft) -> tuple[dict[str, Standing], tuple[Evidence, ...]]:
    """Return all decisions, converted to the evidence ids of this draft, and its evidence plus what they cite. New
    citations get ids in the order of their events."""
    numbering, ids = Numbering(draft.evidence), {name: dict[str, str]() for name in standing}
    brought = sorted((number, name, at) for name, one in standing.items() for at, (number, _) in enumerate(one.marks))
    for _, name, at in brought:
        cited = standing[name].marks[at][1]
        ids[name] |= {mark: numbering.place(Evidence.model_validate(item)) for mark, item in cited.items()}
    settled = {
        name: replace(
            one,
            edits={key: renamed(value, ids[name]) for key, value in one.edits.items()},
            attached=list(dict.fromkeys(ids[name].get(mark, mark) for mark in one.attached)),
            marks=[],
        )
        for name, one in standing.items()
    }
    return settled, numbering.evidence


def _quoting(text: str, marks: Sequence[str], quotes: Mapping[str, str]) -> str:
    """Append the attached quotes to `text`."""
    new = [f"“{quotes[mark]}” ({mark})." for mark in marks if mark in quotes and mark not in text]
    return " ".join((text, *new))


def _factor(drafted: FactorEstimate, one: Standing) -> FactorEstimate:
    marks, edits = _evidence(one, drafted.evidence), one.edits
    state = _state(one, drafted.state, marks, corrected="value" in edits)
    if "value" not in edits:
        return replaced(drafted, evidence=marks, state=state)
    value, low, high = (Decimal(str(edits.get(end, edits["value"]))) for end in ("value", "low", "high"))
    total = sum(part.effect for part in drafted.parts)
    part = Part(kind="review", label="set in review", effect=round(float(value) - total, 4))
    told = (one.why or "known from elsewhere").rstrip(".")
    rationale, parts = f"Set in review (previously {drafted.value}): {told}.", (*drafted.parts, part)
    return replaced(
        drafted, value=value, low=low, high=high, parts=parts, rationale=rationale, evidence=marks, state=state
    )


def _layer(key: str, drafted: LayerThreats, one: Standing, quotes: Mapping[str, str]) -> LayerThreats:
    certain = one.edits.get("certain", drafted.certain)
    paragraph = one.edits.get("paragraph", drafted.paragraph)
    if certain:
        paragraph = _quoting(paragraph, one.attached, quotes)
    applies = one.edits.get("applies", "yes" if certain and not drafted.certain else drafted.applies)
    missing, sought = drafted.missing, LAYER_SOUGHT[key]  # type: ignore[index]
    if applies == "no" and (certain, applies) != (drafted.certain, drafted.applies):
        missing = Missing(reason="does-not-apply", detail=f"{sought}: a reviewer says that there is none")
    elif (certain, applies) != (drafted.certain, drafted.applies):
        told = f"{sought}: a reviewer found this not certain"
        missing = None if certain else Missing(reason="too-little-evidence", detail=told)
    return replaced(drafted, certain=certain, applies=applies, paragraph=paragraph, missing=missing)


def _threat(drafted: Threat, one: Standing) -> Threat:
    marks, edits = _evidence(one, drafted.evidence), one.edits
    state = _state(one, drafted.state, marks, corrected=True)
    if not marks and state in ("claimed", "confirmed"):
        state = "inferred"
    update: dict[str, object] = {name: edits[name] for name in ("title", "how", "lost") if name in edits}
    if "statement" in edits:
        update["statement"] = ThreatStatement.model_validate(edits["statement"])
    if "cvss_vector" in edits:
        # Keep the drafted reasons of unchanged metrics.
        vector, known = edits["cvss_vector"], drafted.score
        old, new = (set(text.removeprefix(PREFIX).split("/")) for text in (known.cvss_vector, vector))
        same = {metric.partition(":")[0] for metric in old & new}
        reasons = {metric: reason for metric, reason in known.reasons.items() if metric in same}
        update["score"] = replaced(known, cvss_vector=vector, reasons=reasons)
    for name, record in (("mitigations", Mitigation), ("taxonomy", TaxonomyRef)):
        if name in edits:
            update[name] = tuple(record.model_validate(row) for row in edits[name])
    return replaced(drafted, **update, evidence=marks, state=state)


def _capability(drafted: Capability, one: Standing) -> Capability:
    marks = _evidence(one, drafted.evidence)
    update: Plain = {name: one.edits[name] for name in ("action", "object") if name in one.edits}
    for name in ("credential", "approver"):
        if name in one.edits:
            given = one.edits[name]
            update |= {name: given, f"{name}_state": "confirmed" if given and marks else None}
            update[f"{name}_evidence"] = marks if given else ()
    # "confirmed" would turn a capability that a quote denies into an existing capability.
    state = drafted.state if drafted.state == "denied" else _state(one, drafted.state, marks, corrected=True)
    return replaced(drafted, **update, evidence=marks, state=state)


def _chain(drafted: Chain, one: Standing) -> Chain:
    hops = list(drafted.hops)
    if one.attached and hops:
        at = next((n for n, hop in enumerate(hops) if not hop.evidence), len(hops) - 1)
        hops[at] = replaced(hops[at], evidence=tuple(dict.fromkeys((*hops[at].evidence, *one.attached))))
    return replaced(drafted, title=one.edits.get("title", drafted.title), hops=tuple(hops))


def _question(drafted: Question, one: Standing) -> Question:
    update = {name: one.edits[name] for name in ("text", "proposed") if name in one.edits}
    # A question keeps the wording with which it was sent or answered.
    return replaced(drafted, **(update | {"text": one.worded} if one.worded else update))


_REVISED: Final[Mapping[str, Callable[[Any, Standing], ItemPart]]] = {
    "factor": _factor, "threat": _threat, "capability": _capability, "chain": _chain, "question": _question,
}  # fmt: skip


def _evidence(one: Standing, drafted: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one.edits.get("evidence", drafted), *one.attached)))


def _state(one: Standing, drafted: State, marks: Sequence[str], *, corrected: bool) -> State:
    """Return the item's state: `confirmed` only with evidence and a reviewer's decision. An unknown that is confirmed
    without a correction stays unknown."""
    if one.verdict not in REVIEWED or not marks:
        return drafted
    if drafted == "unknown" and not (corrected and one.verdict == "corrected"):
        return "unknown"
    return "confirmed"


# ---------------------------------------------------------------- additions


def _added(name: str, one: Standing, known: Mapping[str, Fact], places: Mapping[str, int]) -> Threat:
    """Build a threat that a reviewer added, including the quotes of its facts; its scores are computed later."""
    edits = one.edits
    facts = tuple({known[each].id: known[each] for each in edits.get("facts", ()) if each in known}.values())
    marks = tuple(dict.fromkeys((*_evidence(one, ()), *(mark for fact in facts for mark in fact_marks(fact)))))
    return Threat(
        id=name,
        **{each: edits[each] for each in ("title", "how", "lost", "statement") if each in edits},
        taxonomy=edits.get("taxonomy", ()),
        state="confirmed" if marks and one.verdict in REVIEWED else "inferred",
        score=ThreatScore(cvss_vector=edits["cvss_vector"], cvss_base=_ZERO, aivss=_ZERO, severity=_UNGRADED),
        mitigations=edits.get("mitigations", ()),
        evidence=marks,
        facts=tuple(fact.id for fact in facts),
        place=places.get(name),
    )


def _asked(name: str, one: Standing) -> Question:
    """Build a question that a reviewer added about a key."""
    told = {each: one.edits[each] for each in ("text", "proposed", "why", "settles", "effect")}
    return _question(Question(id=name, about=(one.edits["key"],), **told), one)


def _last_places(draft: Draft, standing: Decisions) -> dict[str, int]:
    """Return places for added threats after all other threats, so that existing threat numbers do not change."""
    given = [t.place for layer in draft.layers.values() for t in layer.threats if t.place is not None]
    last = [name.partition("/")[2] for name, one in standing.items() if one.added and one.edits.get("place") == LAST]
    last.sort(key=number_added)
    # Older drafts store no places and list their threats by score.
    return {name: max(given) + at for at, name in enumerate(last, 1)} if given else {}


def _known(draft: Draft, standing: Decisions, drafted: Draft) -> dict[str, Fact]:
    """Map every id that refers to a fact of a draft to that fact, except the ids of struck or corrected facts."""
    gone = {name.removeprefix("fact/") for name, one in standing.items() if one.verdict == "struck" or one.edits}
    return by_names(draft, drafted, gone)


def fallen_additions(draft: Draft, standing: Decisions, drafted: Draft) -> tuple[str, ...]:
    """Return the ids of added threats that cite only facts missing from `draft`. `drafted` has the facts as
    originally read."""
    known = _known(draft, standing, drafted).keys()
    return tuple(
        name
        for name, one in standing.items()
        if one.added and (facts := one.edits.get("facts"))
        and known.isdisjoint(facts) and not _evidence(one, ()) and one.verdict != "struck"
    )  # fmt: skip


# ---------------------------------------------------------------- texts and rows


def renumbered(after: Draft, *sources: Draft) -> Draft:
    """Renumber the threats mentioned in the texts of `after`. The texts come from `sources`; if several contain a text,
    the first decides what its numbers mean.

    Sentences that name a removed threat are dropped.
    """
    numbers = {item.threat.id: item.name for item in View(after).threats}
    names: dict[str, Mapping[str, str]] = {}
    for source in sources:
        shown = View(source).threats
        if all(item.threat.basis is None for item in shown):
            continue  # The texts of such an older draft do not number threats.
        moved = {item.name: numbers[item.threat.id] for item in shown if item.threat.id in numbers}
        if any(moved.get(item.name) != item.name for item in shown):
            conditions = source.advice.conditions if source.advice else ()
            texts = [source.product.posture, *(text for each in conditions for text in (each.text, each.price))]
            for part, fields in _TOLD.items():
                texts += [getattr(each, name) for each in getattr(source, part) for name in fields]
            names = {**dict.fromkeys(texts, moved), **names}
    if not names:
        return after

    def text(text: str) -> str:
        return renamed_threats(text, names[text]) if text in names else text

    def told(one: Rec, fields: Sequence[str]) -> Rec:
        now = {name: text(getattr(one, name)) for name in fields}
        return replaced(one, **{name: new for name, new in now.items() if new or name not in _NEVER_EMPTY})

    advice = after.advice
    if advice is not None:
        conditions = tuple(told(each, ("text", "price")) for each in advice.conditions if text(each.text))
        advice = replaced(advice, conditions=conditions)
    parts = {part: tuple(told(each, fields) for each in getattr(after, part)) for part, fields in _TOLD.items()}
    product = replaced(after.product, posture=text(after.product.posture))
    return replaced(after, product=product, advice=advice, **parts)


def with_lines(drafted: Draft, reviewed: Draft, standing: Decisions) -> Draft:
    """Rebuild the summary rows of `reviewed` from what remains; unchanged if no capability is struck or corrected.

    Rows are made from facts, but reviewers decide on capabilities. A row that rests on a struck capability is replaced
    by the remaining capabilities, and a reviewer's corrections come first in their row.
    """

    def on(one: Capability) -> Standing:
        return standing.get(f"capability/{one.id}", Standing())

    struck = [one for one in drafted.system.capabilities if on(one).verdict == "struck"]
    corrected = [one for one in reviewed.system.capabilities if on(one).edits]
    if not reviewed.lines or not (struck or corrected):
        return reviewed
    rows: dict[str, FactLine] = {row.label: row for row in reviewed.lines}

    def say(label: Label, about: Sequence[Capability], rest: Sequence[str]) -> None:
        """Prepend sentences to a row, replacing a row that only said that nothing is stated."""
        old = rows.get(label)
        kept = [old] if old is not None and old.facts else []
        told = [
            f"It {one.action} {one.object}{more}" + (f" ({', '.join(one.evidence)})." if one.evidence else ".")
            for one, more in zip(about, rest, strict=True)
        ]
        marks = (*(mark for one in about for mark in one.evidence), *(mark for row in kept for mark in row.evidence))
        text = " ".join((*told, *(row.text for row in kept)))
        facts = kept[0].facts if kept else ()
        if about:
            rows[label] = FactLine(label=label, text=text, facts=facts, evidence=tuple(dict.fromkeys(marks)))

    for label, reads in _MODES:
        gone = {mark for one in struck if (one.mode == "read") is reads for mark in one.evidence}
        left = [one for one in reviewed.system.capabilities if (one.mode == "read") is reads and one.state != "denied"]
        gone -= {mark for one in left for mark in one.evidence}
        if label in rows and gone & set(rows[label].evidence):
            del rows[label]
        else:
            left = [one for one in left if {"action", "object"} & on(one).edits.keys()]
        say(label, left, [""] * len(left))
    for label, (field, given, unknown) in _RIGHTS.items():
        said = [one for one in corrected if field in on(one).edits]
        values = [getattr(one, field) for one in said]
        say(label, said, [given.format(value) if value else unknown for value in values])
    return replaced(reviewed, lines=tuple(rows[label] for label in LABELS if label in rows))
