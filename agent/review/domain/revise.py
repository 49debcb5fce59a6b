"""Applies a reviewer's corrections, additions and quotes to a draft; `rescore` computes the resulting scores.

Texts of a draft call its threats T1, T2, … in report order. A reviewer's own texts are left unchanged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from agent.drafting.layers.paragraphs import MARK
from agent.drafting.threats.names import renamed
from agent.records import (
    STRUCK,
    Advice,
    Capability,
    Chain,
    ClaimedControl,
    Draft,
    DraftFacts,
    Dropped,
    Fact,
    FactorEstimate,
    Hop,
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
from agent.review.domain.items import fact_marks, fact_title
from agent.review.domain.quotes import Numbering, Plain, rewritten
from agent.review.domain.replay import LAST, Standing
from agent.scoring.cvss import PREFIX
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.layers import LAYER_SOUGHT, LayerKey

_TENTH: Final = Decimal("0.1")
_ONE: Final = Decimal(1)
REVIEWED: Final = ("confirmed", "corrected")
_ZERO: Final = Decimal(0)
_UNGRADED: Final = "None"
WITH_FACT: Final = " with a fact that it rested on"


def without_struck(draft: Draft, standing: Mapping[str, Standing], drafted: Draft | None = None) -> Draft:
    """Return the draft without its struck items, which are listed with the reason; struck factors return to their usual
    value, and struck layers to not certain.

    Items that fell with a fact are listed only if they are in `drafted` (by default the draft itself).
    """
    struck = {name: one for name, one in standing.items() if one.verdict == "struck"}
    if not struck:
        return draft
    dropped: list[Dropped] = _facts_left_out(drafted or draft, struck)
    layers = {key: _standing_layer(key, layer, struck, dropped) for key, layer in draft.layers.items()}
    chains = _standing_chains(draft, struck, dropped)
    capabilities: list[Capability] = []
    for one in draft.system.capabilities:
        if (mark := struck.get(f"capability/{one.id}")) is None:
            capabilities.append(one)
        else:
            dropped.append(_dropped(f"capability {one.id}: {one.action} {one.object}", mark))
    questions: list[Question] = []
    for asked in draft.questions:
        if (mark := struck.get(f"question/{asked.id}")) is None:
            questions.append(asked)
        else:
            dropped.append(_dropped(f"question {asked.id}: {asked.text}", mark))
    factors = {
        key: _typical(one, struck[f"factor/{key}"]) if f"factor/{key}" in struck else one
        for key, one in draft.factors.items()
    }
    gone = {name.partition("/")[2] for name in struck}
    dropped = _told_of(drafted or draft, struck, dropped)
    return draft.model_copy(
        update={
            "layers": layers,
            "chains": chains,
            "factors": factors,
            "system": draft.system.model_copy(update={"capabilities": tuple(capabilities)}),
            "questions": tuple(questions),
            "dropped": (*draft.dropped, *dropped),
            "lowerings": tuple(low for low in draft.lowerings if low.target not in gone),
        }
    )


def missing_of(key: LayerKey, certain: bool, applies: object, because: str) -> Missing | None:
    """Return what is missing for a layer that is uncertain or does not apply; `because` says why it is uncertain."""
    if applies == "no":
        return Missing(reason="does-not-apply", detail=f"{LAYER_SOUGHT[key]}: a reviewer says that there is none")
    return None if certain else Missing(reason="too-little-evidence", detail=f"{LAYER_SOUGHT[key]}: {because}")


def _typical(one: FactorEstimate, mark: Standing) -> FactorEstimate:
    """Reset a struck factor to its usual value, with a range that still includes its struck value and range."""
    parts = tuple(part for part in one.parts if part.kind == "typical")
    usual = sum((Decimal(str(part.effect)) for part in parts), _ZERO) if parts else one.value
    value = min(max(usual, _ZERO), _ONE).quantize(_TENTH)
    return one.model_copy(
        update={
            "value": value,
            "low": min(one.low, one.value, value),
            "high": max(one.high, one.value, value),
            "state": "unknown",
            "parts": parts,
            "rationale": f"What the draft said of it was struck in review ({mark.why}); {value} is usual.",
            "evidence": (),
        }
    )


def _standing_layer(
    key: LayerKey, layer: LayerThreats, struck: Mapping[str, Standing], dropped: list[Dropped]
) -> LayerThreats:
    threats = []
    for threat in layer.threats:
        mark = struck.get(f"threat/{threat.id}")
        if mark is None:
            threats.append(threat)
        else:
            dropped.append(_dropped(f"threat {threat.id}: {threat.title}", mark))
    update: dict[str, object] = {"threats": tuple(threats)}
    if (mark := struck.get(f"layer/{key}")) is not None:
        missing = layer.missing or missing_of(key, False, "unknown", "what the draft said of it was struck in review")
        assert missing is not None
        dropped.append(_dropped(f"paragraph of {key}", mark))
        update |= {
            "certain": False, "applies": "unknown", "missing": missing, "paragraph": f"{MARK}{missing.detail}.",
        }  # fmt: skip
    return layer.model_copy(update=update)


def _standing_chains(draft: Draft, struck: Mapping[str, Standing], dropped: list[Dropped]) -> tuple[Chain, ...]:
    gone = {name.partition("/")[2] for name in struck if name.startswith("threat/")}
    kept = []
    for number, chain in enumerate(draft.chains, start=1):
        lost = [threat for threat in chain.threats if threat in gone]
        mark = struck.get(f"chain/{number}")
        if mark is not None:
            dropped.append(_dropped(f"chain {number}: {chain.title}", mark))
        elif lost:
            dropped.append(Dropped(what=f"chain {number}: {chain.title}", reason=f"{STRUCK} with its threat {lost[0]}"))
        else:
            kept.append(chain)
    return tuple(kept)


def _dropped(what: str, mark: Standing) -> Dropped:
    return Dropped(what=what, reason=f"{STRUCK}{WITH_FACT}" if mark.fell else f"{STRUCK}: {mark.why}")


def _facts_left_out(drafted: Draft, struck: Mapping[str, Standing]) -> list[Dropped]:
    facts = drafted.facts.facts if drafted.facts else ()
    return [
        _dropped(f"fact {fact.id}: {fact_title(fact)}", struck[f"fact/{fact.id}"])
        for fact in facts
        if f"fact/{fact.id}" in struck
    ]


def _told_of(drafted: Draft, struck: Mapping[str, Standing], dropped: Sequence[Dropped]) -> list[Dropped]:
    """Leave out fallen items that the draft never contained: one change of a fact added them, another removed them."""
    known = {
        *(f"threat {threat.id}" for layer in drafted.layers.values() for threat in layer.threats),
        *(f"chain {number}" for number in range(1, len(drafted.chains) + 1)),
        *(f"capability {one.id}" for one in drafted.system.capabilities),
        *(f"question {asked.id}" for asked in drafted.questions),
    }
    fallen = {name.replace("/", " ") for name, one in struck.items() if one.fell} - known
    return [each for each in dropped if each.what.partition(":")[0] not in fallen]


def applied(
    draft: Draft, standing: Mapping[str, Standing], drafted: Draft | None = None
) -> tuple[Draft, dict[str, Standing]]:
    """Return the draft with all corrections, additions and attached quotes, with nothing removed yet. `drafted` has the
    facts as originally read; by default it is the draft itself.

    Also returns the decision on each item, with its evidence ids in this draft.
    """
    numbering = Numbering(draft.evidence)
    settled = _settled(standing, numbering)
    read = (drafted or draft).facts
    reviser = _Reviser(draft, settled, {item.id: item.quote for item in numbering.evidence}, read.facts if read else ())
    return reviser.revised().model_copy(update={"evidence": numbering.evidence}), settled


# ---------------------------------------------------------------- ids of evidence


def _settled(standing: Mapping[str, Standing], numbering: Numbering) -> dict[str, Standing]:
    """Return all decisions with the evidence ids of this draft; citations get ids in the order of their events."""
    brought = sorted(
        (number, name, at) for name, one in standing.items() for at, (number, _) in enumerate(one.marks)
    )  # fmt: skip
    ids: dict[str, dict[str, str]] = {name: {} for name in standing}
    for _, name, at in brought:
        ids[name] |= numbering.place(standing[name].marks[at][1])
    return {
        name: replace(
            one,
            edits={key: _renamed(value, ids[name]) for key, value in one.edits.items()},
            attached=list(dict.fromkeys(ids[name].get(mark, mark) for mark in one.attached)),
            marks=[],
        )
        for name, one in standing.items()
    }


def _renamed(value: object, ids: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return rewritten(value, ids)
    if isinstance(value, Mapping):
        return {key: _renamed(part, ids) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(part, ids) for part in value]
    return value


# ---------------------------------------------------------------- corrections


class _Reviser:
    """Applies the decision on each item to its part of the draft."""

    def __init__(
        self, draft: Draft, standing: Mapping[str, Standing], quotes: Mapping[str, str], read: Sequence[Fact]
    ) -> None:
        self._draft = draft
        self._read = read
        self._standing = standing
        self._quotes = quotes
        self._known = _known(draft, standing, read)
        self._places = _last_places(draft, standing)

    def revised(self) -> Draft:
        draft = self._draft
        capabilities = tuple(self._capability(one) for one in draft.system.capabilities)
        return draft.model_copy(
            update={
                "product": draft.product.model_copy(update={"posture": self._posture()}),
                "factors": {key: self._factor(key, one) for key, one in draft.factors.items()},
                "layers": {key: self._layer(key, one) for key, one in draft.layers.items()},
                "chains": tuple(self._chain(n, one) for n, one in enumerate(draft.chains, start=1)),
                "questions": (*(self._question(one) for one in draft.questions), *self._asked()),
                "system": draft.system.model_copy(update={"capabilities": capabilities}),
                "lowerings": tuple(low for low in draft.lowerings if not self._overruled(low.target)),
                "facts": self._facts(draft.facts),
            }
        )

    def _facts(self, facts: DraftFacts | None) -> DraftFacts | None:
        """Return the facts, marking those that a reviewer confirmed as confirmed."""
        sure = {name for name, one in self._standing.items() if one.verdict in REVIEWED and name.startswith("fact/")}
        if facts is None or not sure:
            return facts
        held = {fact.id: held_as(facts.facts, fact) for fact in self._read if f"fact/{fact.id}" in sure}
        ids = {one.id for one in held.values() if one is not None}
        made = (fact.model_copy(update={"state": "confirmed"}) if fact.id in ids else fact for fact in facts.facts)
        return facts.model_copy(update={"facts": tuple(made)})

    def _asked(self) -> list[Question]:
        """Return the questions that reviewers added, ordered by number."""
        added = [(name, one) for name, one in self._standing.items() if one.added and name.startswith("question/")]
        added.sort(key=lambda pair: int(pair[0].partition("/Q")[2]))
        return [self._question(question_added(name.partition("/")[2], one.edits)) for name, one in added]

    def _overruled(self, target: str) -> bool:
        """Return whether a lowering concerns a value that a reviewer set."""
        factor, threat = self._standing.get(f"factor/{target}"), self._standing.get(f"threat/{target}")
        return bool((factor and "value" in factor.edits) or (threat and "cvss_vector" in threat.edits))

    def _posture(self) -> str:
        one = self._standing.get("posture")
        if one is None:
            return self._draft.product.posture
        return self._quoting(str(one.edits.get("text", self._draft.product.posture)), one.attached)

    def _quoting(self, text: str, marks: Sequence[str]) -> str:
        """Append the attached quotes to a text."""
        new = [f"“{self._quotes[mark]}” ({mark})." for mark in marks if mark in self._quotes and mark not in text]
        return " ".join((text, *new))

    def _factor(self, key: FactorKey, drafted: FactorEstimate) -> FactorEstimate:
        one = self._standing.get(f"factor/{key}")
        if one is None:
            return drafted
        marks = _evidence(one, drafted.evidence)
        update: dict[str, object] = {"evidence": marks}
        if "value" in one.edits:
            value = _decimal(one.edits["value"])
            low, high = (_decimal(one.edits.get(end, one.edits["value"])) for end in ("low", "high"))
            total = sum(part.effect for part in drafted.parts)
            part = Part(kind="review", label="set in review", effect=round(float(value) - total, 4))
            told = one.why or "known otherwise"
            update |= {
                "value": value, "low": low, "high": high, "parts": (*drafted.parts, part),
                "rationale": f"Set in review, {drafted.value} before: {told.rstrip('.')}.",
            }  # fmt: skip
        update["state"] = _state(one, drafted.state, marks, corrected="value" in one.edits)
        return drafted.model_copy(update=update)

    def _layer(self, key: LayerKey, drafted: LayerThreats) -> LayerThreats:
        threats = tuple(self._threat(threat) for threat in drafted.threats)
        added = sorted(
            (name, one) for name, one in self._standing.items() if one.added and one.edits.get("layer") == key
        )
        threats += tuple(self._made(name.partition("/")[2], one) for name, one in added)
        one = self._standing.get(f"layer/{key}")
        if one is None:
            return drafted.model_copy(update={"threats": threats})
        certain = bool(one.edits.get("certain", drafted.certain))
        paragraph = str(one.edits.get("paragraph", drafted.paragraph))
        if certain:
            paragraph = self._quoting(paragraph, one.attached)
        applies = one.edits.get("applies", "yes" if certain and not drafted.certain else drafted.applies)
        update: dict[str, object] = {
            "threats": threats, "certain": certain, "applies": applies, "paragraph": paragraph,
        }  # fmt: skip
        if certain != drafted.certain or applies != drafted.applies:
            update["missing"] = missing_of(key, certain, applies, "a reviewer found it not certain")
        return drafted.model_copy(update=update)

    def _made(self, name: str, one: Standing) -> Threat:
        """Build a threat that a reviewer added, including the quotes of its facts; its scores are computed later."""
        named = (self._known.get(str(each)) for each in _listed(one.edits.get("facts")))
        facts = tuple({fact.id: fact for fact in named if fact is not None}.values())
        own = [mark for fact in facts for mark in fact_marks(fact)]
        marks = tuple(dict.fromkeys((*_evidence(one, ()), *own)))
        vector = str(one.edits["cvss_vector"])
        return Threat(
            id=name,
            title=str(one.edits["title"]),
            how=str(one.edits.get("how", "")),
            lost=str(one.edits.get("lost", "")),
            statement=ThreatStatement.model_validate(one.edits["statement"]),
            taxonomy=_taxonomy(one.edits.get("taxonomy", [])),
            state="confirmed" if marks and one.verdict in REVIEWED else "inferred",
            score=ThreatScore(cvss_vector=vector, cvss_base=_ZERO, aivss=_ZERO, severity=_UNGRADED),
            mitigations=_mitigations(one.edits.get("mitigations", [])),
            evidence=marks,
            facts=tuple(fact.id for fact in facts),
            place=self._places.get(name),
        )

    def _threat(self, drafted: Threat) -> Threat:
        one = self._standing.get(f"threat/{drafted.id}")
        return drafted if one is None else _corrected_threat(drafted, one)

    def _capability(self, drafted: Capability) -> Capability:
        one = self._standing.get(f"capability/{drafted.id}")
        if one is None:
            return drafted
        marks = _evidence(one, drafted.evidence)
        update: dict[str, object] = {"evidence": marks}
        update |= {name: str(one.edits[name]) for name in ("action", "object") if name in one.edits}
        for name in ("credential", "approver"):
            if name in one.edits:
                given = one.edits[name]
                update |= {name: given, f"{name}_state": "confirmed" if given and marks else None}
                update[f"{name}_evidence"] = marks if given else ()
        # "confirmed" would turn a capability that a quote denies into an existing capability.
        state = drafted.state if drafted.state == "denied" else _state(one, drafted.state, marks, corrected=True)
        return drafted.model_copy(update={**update, "state": state})

    def _chain(self, number: int, drafted: Chain) -> Chain:
        one = self._standing.get(f"chain/{number}")
        if one is None:
            return drafted
        hops = drafted.hops
        if one.attached and hops:
            at = next((n for n, hop in enumerate(hops) if not hop.evidence), len(hops) - 1)
            cited = tuple(dict.fromkeys((*hops[at].evidence, *one.attached)))
            hops = (*hops[:at], Hop(source=hops[at].source, target=hops[at].target, evidence=cited), *hops[at + 1 :])
        return drafted.model_copy(update={"title": str(one.edits.get("title", drafted.title)), "hops": hops})

    def _question(self, drafted: Question) -> Question:
        one = self._standing.get(f"question/{drafted.id}")
        if one is None:
            return drafted
        update: dict[str, object] = {
            name: str(one.edits[name]) for name in ("text", "proposed") if name in one.edits
        }  # fmt: skip
        # A question keeps the wording with which it was sent or answered.
        update |= {"text": one.worded} if one.worded else {}
        return drafted.model_copy(update=update)


def question_added(name: str, fields: Mapping[str, object]) -> Question:
    """Build a question that a reviewer added about a key from the fields of its event."""
    settles, effect = fields.get("settles"), fields.get("effect")
    return Question(
        id=name,
        text=str(fields["text"]),
        proposed=str(fields.get("proposed", "")),
        settles=tuple(str(key) for key in settles) if isinstance(settles, list | tuple) else (),
        effect=float(effect) if isinstance(effect, int | float) else 0.0,
        why=str(fields.get("why", "")),
        changes=str(fields.get("changes", "")),
        about=(str(fields["key"]),),
    )


def _evidence(one: Standing, drafted: Sequence[str]) -> tuple[str, ...]:
    given = one.edits.get("evidence")
    kept = [str(mark) for mark in given] if isinstance(given, list | tuple) else list(drafted)
    return tuple(dict.fromkeys((*kept, *one.attached)))


def _state(one: Standing, drafted: State, marks: Sequence[str], *, corrected: bool) -> State:
    """Return the item's state: `confirmed` only by a reviewer and with evidence; a confirmed unknown stays unknown."""
    if one.verdict not in REVIEWED or not marks:
        return drafted
    if drafted == "unknown" and not (corrected and one.verdict == "corrected"):
        return "unknown"
    return "confirmed"


def _corrected_threat(drafted: Threat, one: Standing) -> Threat:
    marks, edits = _evidence(one, drafted.evidence), one.edits
    update: dict[str, object] = {"evidence": marks}
    update |= {name: str(edits[name]) for name in ("title", "how", "lost") if name in edits}
    if isinstance(edits.get("statement"), Mapping):
        update["statement"] = ThreatStatement.model_validate(
            {**drafted.statement.model_dump(), **_mapping(edits["statement"])}
        )
    if "cvss_vector" in edits:
        update["score"] = _with_vector(drafted.score, str(edits["cvss_vector"]))
    if "mitigations" in edits:
        update["mitigations"] = _mitigations(edits["mitigations"])
    if "taxonomy" in edits:
        update["taxonomy"] = _taxonomy(edits["taxonomy"])
    state = _state(one, drafted.state, marks, corrected=True)
    if not marks and state in ("claimed", "confirmed"):
        state = "inferred"
    return drafted.model_copy(update={**update, "state": state})


def _last_places(draft: Draft, standing: Mapping[str, Standing]) -> dict[str, int]:
    """Return places for added threats after all other threats, so that existing threat numbers do not change."""
    given = [t.place for layer in draft.layers.values() for t in layer.threats if t.place is not None]
    last = [name.partition("/")[2] for name, one in standing.items() if one.added and one.edits.get("place") == LAST]
    last.sort(key=number_added)
    # Drafts older than stored places list their threats by score.
    return {name: max(given) + at for at, name in enumerate(last, 1)} if given else {}


def _with_vector(known: ThreatScore, vector: str) -> ThreatScore:
    """Return the score with another vector, keeping the drafted reasons of unchanged metrics."""
    old, new = (set(text.removeprefix(PREFIX).split("/")) for text in (known.cvss_vector, vector))
    same = {metric.partition(":")[0] for metric in old & new}
    reasons = {metric: reason for metric, reason in known.reasons.items() if metric in same}
    return known.model_copy(update={"cvss_vector": vector, "reasons": reasons})


def _mitigations(value: object) -> tuple[Mitigation, ...]:
    rows = value if isinstance(value, list | tuple) else ()
    return tuple(Mitigation.model_validate({"evidence": (), **_mapping(row)}) for row in rows)


def _taxonomy(value: object) -> tuple[TaxonomyRef, ...]:
    return tuple(TaxonomyRef.model_validate(row) for row in value) if isinstance(value, list | tuple) else ()


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _known(draft: Draft, standing: Mapping[str, Standing], read: Sequence[Fact]) -> dict[str, Fact]:
    """Return the facts of a draft by every id that refers to them, except ids of struck or corrected facts."""
    gone = {name.removeprefix("fact/") for name, one in standing.items() if one.verdict == "struck" or one.edits}
    return by_names(draft.facts.facts if draft.facts else (), read, gone)


def fallen_additions(draft: Draft, standing: Mapping[str, Standing], drafted: Draft | None = None) -> tuple[str, ...]:
    """Return the ids of added threats that cite only facts missing from `draft`. `drafted` has the facts as
    originally read; by default it is the draft itself."""
    read = (drafted or draft).facts
    known = _known(draft, standing, read.facts if read else ()).keys()
    return tuple(
        name
        for name, one in standing.items()
        if one.added and (facts := _listed(one.edits.get("facts")))
        and known.isdisjoint(map(str, facts)) and not _evidence(one, ()) and one.verdict != "struck"
    )  # fmt: skip


def _mapping(value: object) -> Plain:
    return {str(key): part for key, part in value.items()} if isinstance(value, Mapping) else {}


def _decimal(value: object) -> Decimal:
    return Decimal(str(value))


def renumbered(after: Draft, *sources: Draft) -> Draft:
    """Renumber the threats named in texts of `after` from `sources`; a text's first source counts.

    Sentences that name a removed threat are dropped.
    """
    numbers = {item.threat.id: item.name for item in View(after).threats}
    names: dict[str, Mapping[str, str]] = {}
    for source in sources:
        shown = View(source).threats
        if all(item.threat.basis is None for item in shown):
            continue  # Draft older than threat numbers in texts.
        moved = {item.name: numbers[item.threat.id] for item in shown if item.threat.id in numbers}
        if any(moved.get(item.name) != item.name for item in shown):
            names = {**dict.fromkeys(_texts(source), moved), **names}
    return _Renaming(names).of(after) if names else after


def _texts(draft: Draft) -> list[str]:
    """Return all texts that may name threats."""
    found = [draft.product.posture, *(chain.title for chain in draft.chains), *(each.why for each in draft.controls)]
    found += [text for asked in draft.questions for text in (asked.text, asked.proposed, asked.why, asked.changes)]
    if draft.advice is not None:
        found += [text for each in draft.advice.conditions for text in (each.text, each.price)]
    return found


class _Renaming:
    """Renames the threats in each text according to the text's source."""

    def __init__(self, names: Mapping[str, Mapping[str, str]]) -> None:
        self._names = names

    def text(self, text: str) -> str:
        names = self._names.get(text)
        return text if names is None else renamed(text, names)

    def of(self, draft: Draft) -> Draft:
        product = draft.product.model_copy(update={"posture": self.text(draft.product.posture)})
        return draft.model_copy(
            update={
                "product": product,
                "chains": self._chains(draft.chains),
                "questions": self._questions(draft.questions),
                "controls": self._controls(draft.controls),
                "advice": self._advice(draft.advice),
            }
        )

    def _chains(self, chains: Sequence[Chain]) -> tuple[Chain, ...]:
        return tuple(each.model_copy(update={"title": self.text(each.title) or each.title}) for each in chains)

    def _controls(self, controls: Sequence[ClaimedControl]) -> tuple[ClaimedControl, ...]:
        return tuple(each.model_copy(update={"why": self.text(each.why)}) for each in controls)

    def _questions(self, questions: Sequence[Question]) -> tuple[Question, ...]:
        return tuple(
            each.model_copy(
                update={
                    "text": self.text(each.text) or each.text,
                    "proposed": self.text(each.proposed) or each.proposed,
                    "why": self.text(each.why),
                    "changes": self.text(each.changes),
                }
            )
            for each in questions
        )

    def _advice(self, advice: Advice | None) -> Advice | None:
        if advice is None:
            return None
        conditions = tuple(
            each.model_copy(update={"text": text, "price": self.text(each.price)})
            for each in advice.conditions
            if (text := self.text(each.text))
        )
        return advice.model_copy(update={"conditions": conditions})
