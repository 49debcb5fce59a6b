"""The items of a draft that a reviewer decides on: their permanent ids, editable fields, and weights."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from agent.drafting.questions import effect, spread
from agent.drafting.threats.headline import choose
from agent.drafting.withholding import CERTAIN_NEEDED
from agent.facts.anchor import holds
from agent.facts.vocabulary import load_vocabulary
from agent.records import (
    Capability,
    Chain,
    Document,
    Draft,
    Evidence,
    Fact,
    FactorEstimate,
    LayerThreats,
    Question,
    State,
    Threat,
)
from agent.report.explain.sensitivity import swings
from agent.report.view import View
from agent.review.domain.facts.changed_sheet import fact_fields
from agent.review.domain.facts.from_answers import is_vendors_word
from agent.review.domain.quotes import Plain, marks_in
from agent.review.domain.records import Item, ItemKind
from agent.scoring.aivss import TENTHS, exact, raw, units
from agent.scoring.interval import typical
from agent.taxonomy.factors import FACTOR_TITLES, FACTORS, FactorKey
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LAYERS, LayerKey

PRODUCT: Final = "product"
FACT_SECTION: Final = "facts"
FACTOR_SECTION: Final = "factors"
CHAIN_SECTION: Final = "chains"
QUESTION_SECTION: Final = "questions"
SECTIONS: Final = (PRODUCT, FACT_SECTION, *LAYERS, QUESTION_SECTION, FACTOR_SECTION, CHAIN_SECTION)
"""All sections in report order."""
TOP: Final = Decimal(10)
SCORE: Final = "score"
POSTURE: Final = "posture"
_SAID: Final[tuple[State, ...]] = ("claimed", "inferred", "denied", "confirmed")
"""States supported by quotes. In any other state, quotes disagree or are missing, and a reviewer has to look."""


def items_of(
    draft: Draft,
    documents: Sequence[Document] = (),
    weighed: Mapping[str, float] | None = None,
    answered: Mapping[str, Fact] | None = None,
) -> tuple[Item, ...]:
    """Return all items of a draft, in report order.

    `documents` are the sources: an item counts as supported only if its quotes occur in them. Without sources the
    quotes count as checked, since loading a draft checks them. `weighed` are the weights from another state of the
    draft. `answered` are the facts that answers state, by name.
    """
    return tuple(_Maker(draft, documents, weights(draft) if weighed is None else weighed).items(answered or {}))


def layer_of(draft: Draft, threat: str) -> LayerKey | None:
    """Return the layer of a threat; None if the threat is not in the draft."""
    return next((key for key, layer in draft.layers.items() if any(t.id == threat for t in layer.threats)), None)


def threats_of(draft: Draft) -> dict[str, Threat]:
    """Return all threats of a draft by id, in layer order."""
    return {threat.id: threat for key in LAYERS if key in draft.layers for threat in draft.layers[key].threats}


def with_basis(one: Threat) -> Threat:
    """Return the threat with a basis. If it has none, as for a threat that a reviewer added, it counts as quoted."""
    return one if one.basis is not None else one.model_copy(update={"basis": "quoted"})


def is_unstated(one: FactorEstimate) -> bool:
    """Return whether no source states a factor, so that its value is the usual or inferred one."""
    return one.state == "unknown" or (one.state == "inferred" and not one.evidence)


class _Maker:
    """Builds the items of one draft."""

    def __init__(self, draft: Draft, documents: Sequence[Document], weighed: Mapping[str, float]) -> None:
        self._draft = draft
        self._weights = weighed
        texts = {document.id: document for document in documents}
        self._sound = {item.id for item in draft.evidence if _is_sound(item, texts)}

    def items(self, answered: Mapping[str, Fact]) -> Iterator[Item]:
        """Yield all items in report order."""
        draft, view = self._draft, View(self._draft)
        marks = marks_in(draft.product.posture)
        yield self._item(POSTURE, "posture", PRODUCT, "Posture", marks)
        first = view.headline.threat if view.headline else None
        yield self._item(SCORE, "score", PRODUCT, "Score and headline threat", first.evidence if first else ())
        for one in draft.system.capabilities:
            said = one.state in _SAID
            yield self._item(
                f"capability/{one.id}", "capability", PRODUCT, f"{one.action} {one.object}", capability_marks(one), said
            )
        for fact in draft.facts.facts if draft.facts else ():
            said = fact.state in _SAID and not is_vendors_word(fact)
            yield self._item(f"fact/{fact.id}", "fact", FACT_SECTION, fact_title(fact), fact_marks(fact), said)
        for told, fact in answered.items():
            # Facts on a vendor's word are confirmed individually, since confirmation may lower the score.
            sure = not is_vendors_word(fact)
            yield self._item(f"fact/{told}", "fact", FACT_SECTION, fact_title(fact), fact_marks(fact), sure)
        for name in LAYERS:
            if name in draft.layers:
                yield from self._of_layer(name, draft.layers[name])
        for question in draft.questions:
            yield self._item(f"question/{question.id}", "question", QUESTION_SECTION, question.text, ())
        for key in FACTORS:
            if key in draft.factors:
                factor = draft.factors[key]
                said = factor.state in _SAID
                yield self._item(f"factor/{key}", "factor", FACTOR_SECTION, FACTOR_TITLES[key], factor.evidence, said)
        for number, chain in enumerate(draft.chains, start=1):
            whole = all(hop.evidence for hop in chain.hops)
            yield self._item(f"chain/{number}", "chain", CHAIN_SECTION, chain.title, chain_marks(chain), whole)

    def _of_layer(self, key: LayerKey, layer: LayerThreats) -> Iterator[Item]:
        title = f"{LAYER_CODES[key]} {LAYER_TITLES[key]}"
        yield self._item(f"layer/{key}", "layer", key, title, marks_in(layer.paragraph), layer.certain)
        for threat in layer.threats:
            said = threat.state in _SAID
            yield self._item(f"threat/{threat.id}", "threat", key, threat.title, threat.evidence, said)

    def _item(
        self, name: str, kind: ItemKind, section: str, title: str, evidence: Sequence[str], said: bool = True
    ) -> Item:
        return Item(
            id=name,
            kind=kind,
            section=section,
            title=title,
            supported=said and bool(evidence) and self._sound.issuperset(evidence),
            evidence=tuple(evidence),
            weight=self._weights.get(name, 0.0),
        )


def _is_sound(item: Evidence, texts: Mapping[str, Document]) -> bool:
    return not texts or (item.document in texts and holds(item, texts[item.document]))


def capability_marks(item: Capability) -> tuple[str, ...]:
    """Return all evidence of a capability: for its action, its credential, and its approver."""
    return tuple(dict.fromkeys((*item.evidence, *item.credential_evidence, *item.approver_evidence)))


def fact_title(fact: Fact) -> str:
    """Return a fact as a phrase about its subject, such as "runs shell commands"."""
    words = load_vocabulary()
    title = words[fact.key].title if fact.key in words else fact.key.replace("_", " ")
    before = {"denied": "not: ", "configurable": "by a setting: "}.get(fact.polarity, "")
    return f"{before}{title}" if fact.about == "product" else f"{before}{title} (the {fact.about})"


def fact_marks(fact: Fact) -> tuple[str, ...]:
    """Return the evidence of a fact and of its details."""
    return tuple(dict.fromkeys((*fact.evidence, *(slot.evidence for slot in fact.slots if slot.evidence))))


def chain_marks(item: Chain) -> tuple[str, ...]:
    """Return the evidence of a chain's hops."""
    return tuple(dict.fromkeys(mark for hop in item.hops for mark in hop.evidence))


# ---------------------------------------------------------------- what an item weighs


def weights(draft: Draft) -> dict[str, float]:
    """Return how far each item could move the score, in score points, leaving out items that move nothing.

    A factor: the score's change over its range. The headline threat: the score's change without it. A question: by how
    much its answer narrows the likely range. A layer that decides whether a number is shown at all: the width of the
    likely range; another uncertain layer: its share of that width.
    """
    found = {f"factor/{swing.name}": float(swing.width) for swing in swings(draft.score) if swing.name in FACTORS}
    found |= {f"question/{question.id}": question.effect for question in draft.questions}
    headline = View(draft).headline
    first = headline.threat if headline is not None else None
    if first is not None and first.score.cvss_vector == draft.score.cvss_vector:
        found[f"threat/{first.id}"] = _without(draft, first)
    else:
        first = None
    found |= _of_facts(draft, first, found.get(f"threat/{first.id}", 0.0) if first else 0.0)
    return {name: round(weight, 4) for name, weight in {**found, **_of_layers(draft)}.items() if weight > 0}


def width_of(draft: Draft) -> float:
    """Return the width of the likely range in score points, or between the corners if there is no likely range."""
    score = draft.score
    if score.likely_low is not None and score.likely_high is not None:
        return float(score.likely_high - score.likely_low)
    return float((score.high or Decimal(0)) - (score.low or Decimal(0)))


def _without(draft: Draft, headline: Threat) -> float:
    """Return how far the score would move without the headline threat; the range's width if no score would be left."""
    at = typical(draft.score.inputs) if draft.score.inputs else None
    others = [item.threat for item in View(draft).threats if item.threat.id != headline.id]
    if any(threat.basis is not None for threat in others):
        other = choose([with_basis(threat) for threat in others])
    else:
        other = next((threat for threat in others if threat.evidence), None)
    if other is None or at is None or draft.score.formula == "cvss-bte":
        return width_of(draft)
    moved = at._replace(base=units(other.score.cvss_base, TENTHS))
    return abs(float(exact(raw(draft.score.formula, moved)) - exact(raw(draft.score.formula, at))))


def _of_facts(draft: Draft, headline: Threat | None, alone: float) -> dict[str, float]:
    """Return each fact's weight: the headline's if it rests on the fact, plus what factors add for its quotes."""
    if draft.facts is None:
        return {}
    base = float(draft.score.cvss_base or 0)
    slope = (float(TOP) - base) / float(TOP) * float(draft.score.threat_multiplier)
    added: dict[str, float] = {}
    for one in draft.factors.values():
        for part in one.parts:
            if part.evidence:
                added[part.evidence] = added.get(part.evidence, 0.0) + abs(part.effect) * slope
    carried = frozenset(headline.facts) if headline is not None else frozenset()
    return {
        f"fact/{fact.id}": (alone if fact.id in carried else 0.0) + sum(added.get(m, 0.0) for m in fact.evidence)
        for fact in draft.facts.facts
    }


def _of_layers(draft: Draft) -> dict[str, float]:
    certain = [key for key, layer in draft.layers.items() if layer.certain]
    unsure = [key for key in draft.layers if key not in certain]
    decisive = unsure if len(certain) < CERTAIN_NEEDED else certain
    found = {f"layer/{key}": width_of(draft) for key in decisive if len(certain) <= CERTAIN_NEEDED}
    base = draft.score.inputs.cvss_base if draft.score.inputs else None
    if base is not None and unsure:
        ends = (float(base.value), float(base.low), float(base.high))
        causes = spread(draft.factors, ends, width_of(draft), unsure)
        found = {f"layer/{key}": effect((key,), causes) for key in unsure} | found
    return found


# ---------------------------------------------------------------- what of an item can be edited


def fields_of(draft: Draft, item: str) -> Plain:
    """Return the correctable fields of an item as plain JSON values; empty for an unknown item."""
    kind, _, name = item.partition("/")
    if kind == POSTURE:
        return {"text": draft.product.posture}
    if kind == SCORE:
        return _score_fields(draft)
    if kind == "fact":
        facts = draft.facts.facts if draft.facts else ()
        return next((fact_fields(fact) for fact in facts if fact.id == name), {})
    if kind == "factor":
        return next((_factor_fields(draft, key) for key in FACTORS if key == name and key in draft.factors), {})
    if kind == "layer":
        return next((_layer_fields(draft.layers[key]) for key in LAYERS if key == name and key in draft.layers), {})
    if kind == "threat":
        threat = threats_of(draft).get(name)
        return threat_fields(threat) if threat else {}
    if kind == "capability":
        return next((_capability_fields(one) for one in draft.system.capabilities if one.id == name), {})
    if kind == "chain":
        at = int(name) - 1 if name.isdecimal() else -1
        return _chain_fields(draft.chains[at]) if 0 <= at < len(draft.chains) else {}
    return next((_question_fields(one) for one in draft.questions if one.id == name), {})


def _score_fields(draft: Draft) -> Plain:
    view, controls = View(draft), draft.score.with_controls
    return {
        "headline": view.headline.threat.id if view.headline else None,
        "mitigation_factor": float(controls.mitigation_factor) if controls else None,
        "evidence": list(controls.evidence) if controls else [],
    }


def _factor_fields(draft: Draft, key: FactorKey) -> Plain:
    one = draft.factors[key]
    return {
        "value": float(one.value), "low": float(one.low), "high": float(one.high), "evidence": list(one.evidence),
    }  # fmt: skip


def _layer_fields(one: LayerThreats) -> Plain:
    return {"certain": one.certain, "applies": one.applies, "paragraph": one.paragraph}


def threat_fields(one: Threat) -> Plain:
    """Return the editable fields of a threat."""
    return {
        "title": one.title,
        "how": one.how,
        "lost": one.lost,
        "statement": one.statement.model_dump(mode="json"),
        "cvss_vector": one.score.cvss_vector,
        "taxonomy": [ref.model_dump(mode="json") for ref in one.taxonomy],
        "mitigations": [mitigation.model_dump(mode="json") for mitigation in one.mitigations],
        "evidence": list(one.evidence),
    }


def _capability_fields(one: Capability) -> Plain:
    return {
        "action": one.action, "object": one.object, "credential": one.credential, "approver": one.approver,
        "evidence": list(one.evidence),
    }  # fmt: skip


def _chain_fields(one: Chain) -> Plain:
    return {"title": one.title, "threats": list(one.threats)}


def _question_fields(one: Question) -> Plain:
    return {"text": one.text, "proposed": one.proposed}
