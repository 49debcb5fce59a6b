"""The items of a draft that a reviewer decides on: their permanent ids, the parts behind them, and their weights."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, cast

from agent.drafting.questions import effect, spread
from agent.drafting.score import CERTAIN_NEEDED
from agent.drafting.threats.headline import choose
from agent.facts.anchor import holds
from agent.facts.vocabulary import load_vocabulary
from agent.records import (
    Capability,
    Chain,
    Document,
    Draft,
    Fact,
    FactorEstimate,
    LayerThreats,
    Question,
    State,
    Threat,
)
from agent.report.explain.sensitivity import swings
from agent.report.view import View
from agent.review.domain.quotes import marks_in
from agent.review.domain.records import Item, Plain, replaced
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
SCORE: Final = "score"
POSTURE: Final = "posture"
COUNTING_RANK: Final = 3
"""The lowest rank at which a vendor's word lowers a risk."""
_TOP: Final = 10.0
_SAID: Final[tuple[State, ...]] = ("claimed", "inferred", "denied", "confirmed")
"""States supported by quotes. In any other state, quotes disagree or are missing, and a reviewer has to look."""
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "factor": ("value", "low", "high", "evidence"),
    "layer": ("certain", "applies", "paragraph"),
    "threat": ("title", "how", "lost", "statement", "cvss_vector", "taxonomy", "mitigations", "evidence"),
    "capability": ("action", "object", "credential", "approver", "evidence"),
    "chain": ("title", "threats"),
    "question": ("text", "proposed"),
    "fact": ("key", "polarity", "about", "slots", "evidence"),
}


# ---------------------------------------------------------------- the parts of a draft


ItemPart = Threat | LayerThreats | FactorEstimate | Chain | Question | Capability | Fact
"""The record behind an item, other than posture and score."""


def facts_of(draft: Draft) -> tuple[Fact, ...]:
    """Return the facts of a draft; empty if it stores none."""
    return draft.facts.facts if draft.facts else ()


def threats_of(draft: Draft) -> dict[str, Threat]:
    """Return all threats of a draft by id, in layer order."""
    return {threat.id: threat for key in LAYERS if key in draft.layers for threat in draft.layers[key].threats}


def layer_of(draft: Draft, threat: str) -> LayerKey | None:
    """Return the layer of a threat; None if the threat is not in the draft."""
    return next((key for key, layer in draft.layers.items() if any(t.id == threat for t in layer.threats)), None)


def part_of(draft: Draft, item: str) -> ItemPart | None:
    """Return the record behind an item, other than posture and score; None if the draft has no such part."""
    kind, _, name = item.partition("/")
    match kind:
        case "factor":
            return draft.factors.get(cast("FactorKey", name))
        case "layer":
            return draft.layers.get(cast("LayerKey", name))
        case "threat":
            return threats_of(draft).get(name)
        case "chain":
            at = int(name) - 1 if name.isdecimal() else -1
            return draft.chains[at] if 0 <= at < len(draft.chains) else None
    parts: Mapping[str, tuple[Fact | Capability | Question, ...]] = {
        "fact": facts_of(draft), "capability": draft.system.capabilities, "question": draft.questions,
    }  # fmt: skip
    return next((one for one in parts[kind] if one.id == name), None)


def mapped(draft: Draft, change: Callable[[str, ItemPart], ItemPart | None]) -> Draft:
    """Return the draft with every part replaced by what `change` returns for its item id and the part; None removes it.

    `change` is called for each layer's threats and then the layer, then for chains, capabilities, questions, factors.
    """

    def each(kind: str, parts: Iterable[tuple[object, ItemPart]]) -> tuple[ItemPart, ...]:
        return tuple(made for name, one in parts if (made := change(f"{kind}/{name}", one)) is not None)

    layers = {}
    for key, layer in draft.layers.items():
        threats = each("threat", ((one.id, one) for one in layer.threats))
        layers[key] = change(f"layer/{key}", replaced(layer, threats=threats))
    chains = each("chain", enumerate(draft.chains, 1))
    capabilities = each("capability", ((one.id, one) for one in draft.system.capabilities))
    return replaced(
        draft,
        layers=layers,
        chains=chains,
        system=replaced(draft.system, capabilities=capabilities),
        questions=each("question", ((one.id, one) for one in draft.questions)),
        factors={key: change(f"factor/{key}", one) for key, one in draft.factors.items()},
    )


def with_threats(draft: Draft, change: Callable[[Threat], Threat]) -> Draft:
    """Return the draft with each threat replaced by the result of `change`."""
    layers = {key: replaced(one, threats=tuple(map(change, one.threats))) for key, one in draft.layers.items()}
    return replaced(draft, layers=layers)


def with_basis(one: Threat) -> Threat:
    """Return the threat with a basis: `quoted` if it has none, as is the case for a threat that a reviewer added."""
    return one if one.basis is not None else replaced(one, basis="quoted")


def is_unstated(one: FactorEstimate) -> bool:
    """Return whether no source states a factor, so that its value is only typical or inferred."""
    return one.state == "unknown" or (one.state == "inferred" and not one.evidence)


def is_vendors_word(fact: Fact) -> bool:
    """Return whether the fact is stated only by a vendor's answer."""
    return fact.rank < COUNTING_RANK and all(source.reader == "vendor-answer" for source in fact.sources)


def fact_title(fact: Fact) -> str:
    """Return a fact as a phrase about its subject, such as "runs shell commands"."""
    words = load_vocabulary()
    title = words[fact.key].title if fact.key in words else fact.key.replace("_", " ")
    before = {"denied": "not: ", "configurable": "if configured: "}.get(fact.polarity, "")
    return f"{before}{title}" if fact.about == "product" else f"{before}{title} (the {fact.about})"


def fact_marks(fact: Fact) -> tuple[str, ...]:
    """Return the evidence of a fact and of its details."""
    return tuple(dict.fromkeys((*fact.evidence, *(slot.evidence for slot in fact.slots if slot.evidence))))


def chain_marks(item: Chain) -> tuple[str, ...]:
    """Return the evidence of a chain's hops."""
    return tuple(dict.fromkeys(mark for hop in item.hops for mark in hop.evidence))


def fields_of(draft: Draft, item: str) -> Plain:
    """Return the correctable fields of an item as plain JSON values; empty for an unknown item."""
    if item == POSTURE:
        return {"text": draft.product.posture}
    if item == SCORE:
        headline, controls = View(draft).headline, draft.score.with_controls
        return {
            "headline": headline.threat.id if headline else None,
            "mitigation_factor": float(controls.mitigation_factor) if controls else None,
            "evidence": list(controls.evidence) if controls else [],
        }
    part, kind = part_of(draft, item), item.partition("/")[0]
    if part is None:
        return {}
    return fact_fields(part) if isinstance(part, Fact) else _plain(part, _FIELDS[kind])


def fact_fields(fact: Fact) -> Plain:
    """Return the fields of a fact that a reviewer may correct."""
    return _plain(fact, _FIELDS["fact"]) | {"slots": {slot.name: slot.value for slot in fact.slots}}


def _plain(part: ItemPart, names: Sequence[str]) -> Plain:
    told = part.model_dump(mode="json", include={*names})
    if isinstance(part, Threat):
        told["cvss_vector"] = part.score.cvss_vector
    return {name: told[name] for name in names}


# ---------------------------------------------------------------- the items


def items_of(
    draft: Draft,
    documents: Sequence[Document] = (),
    weighed: Mapping[str, float] | None = None,
    answered: Mapping[str, Fact] | None = None,
) -> tuple[Item, ...]:
    """Return all items of a draft, in report order.

    `documents` are the sources: an item counts as supported only if its quotes occur in them. Without sources the
    quotes count as checked, since loading a draft checks them. `weighed` are the items' weights, by default those in
    this draft. `answered` are the facts that answers state, by name.
    """
    points = weights(draft) if weighed is None else weighed
    texts = {document.id: document for document in documents}
    sound = {
        one.id for one in draft.evidence
        if not texts or (one.document in texts and holds(one, texts[one.document]))
    }  # fmt: skip

    def item(name: str, section: str, title: str, marks: Sequence[str], said: bool = True) -> Item:
        supported, weight = said and bool(marks) and sound.issuperset(marks), points.get(name, 0.0)
        kind: Any = name.partition("/")[0]
        return Item(
            id=name, kind=kind, section=section, title=title, supported=supported, evidence=tuple(marks), weight=weight
        )

    headline = View(draft).headline
    led = headline.threat.evidence if headline else ()
    made = [
        item(POSTURE, PRODUCT, "Posture", marks_in(draft.product.posture)),
        item(SCORE, PRODUCT, "Score and headline threat", led),
    ]
    for able in draft.system.capabilities:
        marks = tuple(dict.fromkeys((*able.evidence, *able.credential_evidence, *able.approver_evidence)))
        made.append(item(f"capability/{able.id}", PRODUCT, f"{able.action} {able.object}", marks, able.state in _SAID))
    # Facts that rest on a vendor's word are confirmed individually, since confirming one may lower the score.
    facts = [(fact.id, fact, fact.state in _SAID) for fact in facts_of(draft)]
    facts += [(name, fact, True) for name, fact in (answered or {}).items()]
    for name, fact, said in facts:
        sure = said and not is_vendors_word(fact)
        made.append(item(f"fact/{name}", FACT_SECTION, fact_title(fact), fact_marks(fact), sure))
    for key in (key for key in LAYERS if key in draft.layers):
        layer, title = draft.layers[key], f"{LAYER_CODES[key]} {LAYER_TITLES[key]}"
        made.append(item(f"layer/{key}", key, title, marks_in(layer.paragraph), layer.certain))
        made += [item(f"threat/{t.id}", key, t.title, t.evidence, t.state in _SAID) for t in layer.threats]
    made += [item(f"question/{one.id}", QUESTION_SECTION, one.text, ()) for one in draft.questions]
    for factor in (factor for factor in FACTORS if factor in draft.factors):
        one, title = draft.factors[factor], FACTOR_TITLES[factor]
        made.append(item(f"factor/{factor}", FACTOR_SECTION, title, one.evidence, one.state in _SAID))
    for number, chain in enumerate(draft.chains, start=1):
        whole = all(hop.evidence for hop in chain.hops)
        made.append(item(f"chain/{number}", CHAIN_SECTION, chain.title, chain_marks(chain), whole))
    return tuple(made)


# ---------------------------------------------------------------- what an item weighs


def weights(draft: Draft) -> dict[str, float]:
    """Return how far each item could move the score, in score points, leaving out items that move nothing.

    A factor: the score's change over its range. The headline threat: the score's change without it. A fact: the
    headline's weight if it rests on the fact, plus what factors add for its quotes. A question: by how much its answer
    narrows the likely range. A layer that decides whether a number is shown at all: the width of the likely range;
    another uncertain layer: its share of that width.
    """
    found = {f"factor/{swing.name}": float(swing.width) for swing in swings(draft.score) if swing.name in FACTORS}
    found |= {f"question/{question.id}": question.effect for question in draft.questions}
    headline, alone = View(draft).headline, 0.0
    carried: frozenset[str] = frozenset()
    if headline is not None and headline.threat.score.cvss_vector == draft.score.cvss_vector:
        carried, alone = frozenset(headline.threat.facts), _without(draft, headline.threat)
        found[f"threat/{headline.threat.id}"] = alone
    slope = (_TOP - float(draft.score.cvss_base or 0)) / _TOP * float(draft.score.threat_multiplier)
    added: dict[str, float] = {}
    for part in (part for one in draft.factors.values() for part in one.parts if part.evidence):
        added[part.evidence or ""] = added.get(part.evidence or "", 0.0) + abs(part.effect) * slope
    for fact in facts_of(draft):
        own = sum(added.get(mark, 0.0) for mark in fact.evidence)
        found[f"fact/{fact.id}"] = (alone if fact.id in carried else 0.0) + own
    certain = [key for key, layer in draft.layers.items() if layer.certain]
    unsure = [key for key in draft.layers if key not in certain]
    if draft.score.inputs is not None and draft.score.inputs.cvss_base is not None:
        share = shares(draft)
        found |= {f"layer/{key}": share((key,)) for key in unsure}
    if len(certain) <= CERTAIN_NEEDED:
        found |= {f"layer/{key}": width_of(draft) for key in (unsure if len(certain) < CERTAIN_NEEDED else certain)}
    return {name: round(weight, 4) for name, weight in found.items() if weight > 0}


def width_of(draft: Draft) -> float:
    """Return the width of the likely range in score points; if there is none, the distance between the corners."""
    score = draft.score
    if score.likely_low is not None and score.likely_high is not None:
        return float(score.likely_high - score.likely_low)
    return float((score.high or Decimal(0)) - (score.low or Decimal(0)))


def shares(draft: Draft) -> Callable[[Sequence[str]], float]:
    """Return a function that gives, for settled factors and layers, their share of the likely range's width: the score
    points by which it shrinks."""
    base = draft.score.inputs.cvss_base if draft.score.inputs else None
    if base is None:
        return lambda _: 0.0
    unsure = [key for key in LAYERS if key in draft.layers and not draft.layers[key].certain]
    causes = spread(draft.factors, (float(base.value), float(base.low), float(base.high)), width_of(draft), unsure)
    return lambda settles: effect(settles, causes)


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
