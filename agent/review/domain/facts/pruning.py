"""Removes everything that cites removed facts, for drafts that cannot be recomposed from their facts.

Sentences that cite a removed quote are dropped, as are threats, summary rows, controls, system parts, flows and factor
addends that rest on removed facts or quotes. The only numbers recomputed here are the sums of the factor addends;
`rescore` updates the scores.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, cast

from agent.drafting.layers.paragraphs import MARK
from agent.drafting.wording import sentences
from agent.records import (
    Capability,
    Chain,
    Draft,
    FactLine,
    FactorEstimate,
    FactSheet,
    LayerThreats,
    Missing,
    Question,
    System,
    Threat,
    draft_facts,
)
from agent.records.facts import cited
from agent.review.domain.items import ItemPart, facts_of, mapped, threats_of
from agent.review.domain.quotes import marks_in
from agent.review.domain.records import replaced
from agent.taxonomy.layers import LAYER_SOUGHT, LayerKey

_GROUP: Final = re.compile(r"\s*\[([^\]]*)\]")
_TENTH: Final = Decimal("0.1")
_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)
GONE: Final = "what the draft said about it rested on a fact that was struck in review"


def pruned(draft: Draft, sheet: FactSheet) -> Draft:
    """Return `draft` with the facts of `sheet`, without the parts that rest on removed facts, or on quotes
    that only removed facts cite."""
    gone = {fact.id for fact in facts_of(draft)} - {fact.id for fact in sheet.facts}
    lost = cited(facts_of(draft)) - cited(sheet.facts)
    kept = tuple(item for item in draft.evidence if item.id not in lost)
    known = {item.id for item in kept}
    added = tuple(item for item in sheet.evidence if item.id not in known)
    made = _Pruner(frozenset(gone), frozenset(lost)).of(draft)
    return replaced(made, facts=draft_facts(sheet), evidence=(*kept, *added))


@dataclass(frozen=True)
class _Pruner:
    """Removes everything that rests on the given removed facts and quotes."""

    facts: frozenset[str]
    lost: frozenset[str]

    def of(self, draft: Draft) -> Draft:
        made = mapped(draft, self._part)
        advice = draft.advice
        if advice is not None:
            told = tuple(
                replaced(one, text=self.text(one.text), price=self.text(one.price)) for one in advice.conditions
            )
            advice = replaced(advice, law=self.text(advice.law), conditions=tuple(one for one in told if one.text))
        standing = threats_of(made).keys()
        product, rows = draft.product, (self._line(one) for one in draft.lines)
        posture = self.text(product.posture) or f"{MARK}{GONE}."
        return replaced(
            made,
            product=replaced(product, summary=self.text(product.summary), posture=posture),
            system=self._system(draft.system),
            assumptions=tuple(text for text in draft.assumptions if self.text(text) == text),
            chains=tuple(one for one in made.chains if standing >= set(one.threats)),
            lowerings=tuple(low for low in draft.lowerings if low.evidence not in self.lost),
            lines=tuple(row for row in rows if row is not None),
            controls=tuple(
                replaced(one, evidence=self.marks(one.evidence), why=self.text(one.why))
                for one in draft.controls
                if not self.facts.intersection(one.facts) and self.text(one.text) == one.text
                and not self.rests(one.facts, one.evidence)
            ),
            advice=advice,
        )  # fmt: skip

    def marks(self, marks: Iterable[str]) -> tuple[str, ...]:
        """Return the marks that were not removed."""
        return tuple(mark for mark in marks if mark not in self.lost)

    def text(self, text: str) -> str:
        """Drop the sentences that contain a removed mark."""
        if not self.lost.intersection(marks_in(text)):
            return text
        return " ".join(each for each in sentences(text) if not self.lost.intersection(marks_in(each)))

    def unmarked(self, text: str) -> str:
        """Drop the removed marks but keep their sentences, since a threat's statement stays as long as the threat."""

        def standing(found: re.Match[str]) -> str:
            left = self.marks(marks_in(found[1]))
            return f" [{', '.join(left)}]" if left else "" if marks_in(found[1]) else found[0]

        return _GROUP.sub(standing, text) if self.lost.intersection(marks_in(text)) else text

    def rests(self, facts: Sequence[str], evidence: Sequence[str]) -> bool:
        """Return whether a part of the draft has citations and all of them were removed."""
        if facts:
            return self.facts.issuperset(facts)
        return bool(evidence) and self.lost.issuperset(evidence)

    def _part(self, item: str, one: ItemPart) -> ItemPart | None:
        match one:
            case Threat():
                return None if self.rests(one.facts, one.evidence) else self._threat(one)
            case LayerThreats():
                return self._layer(cast("LayerKey", item.partition("/")[2]), one)
            case FactorEstimate():
                return self._factor(one)
            case Chain():
                return replaced(one, hops=tuple(replaced(hop, evidence=self.marks(hop.evidence)) for hop in one.hops))
            case Question():
                return replaced(one, why=self.text(one.why), changes=self.text(one.changes))
            case _:
                return one

    def _threat(self, threat: Threat) -> Threat:
        marks = self.marks(threat.evidence)
        reasons = {metric: text for metric, old in threat.score.reasons.items() if (text := self.text(old))}
        told = {name: self.unmarked(text) for name, text in threat.statement}
        mitigations = tuple(replaced(each, evidence=self.marks(each.evidence)) for each in threat.mitigations)
        alone = threat.evidence and not marks and threat.state in ("claimed", "confirmed")
        return replaced(
            threat,
            facts=tuple(fact for fact in threat.facts if fact not in self.facts),
            evidence=marks,
            statement=replaced(threat.statement, **told),
            how=self.text(threat.how),
            lost=self.text(threat.lost),
            score=replaced(threat.score, reasons=reasons),
            mitigations=mitigations,
            state="inferred" if alone else threat.state,
        )

    def _layer(self, key: LayerKey, layer: LayerThreats) -> LayerThreats:
        paragraph = self.text(layer.paragraph)
        if paragraph == layer.paragraph or (layer.certain and marks_in(paragraph)):
            return replaced(layer, paragraph=paragraph)
        missing = Missing(reason="too-little-evidence", detail=f"{LAYER_SOUGHT[key]}: {GONE}")
        text = f"{MARK}{missing.detail}."
        return replaced(layer, applies="unknown", certain=False, missing=missing, paragraph=text)

    def _factor(self, one: FactorEstimate) -> FactorEstimate:
        marks, rationale = self.marks(one.evidence), self.text(one.rationale)
        parts = tuple(part for part in one.parts if part.evidence not in self.lost)
        if (marks, rationale, parts) == (one.evidence, one.rationale, one.parts):
            return one
        less = Decimal(str(sum(part.effect for part in one.parts) - sum(part.effect for part in parts)))
        value = min(max(one.value - less, _ZERO), _ONE).quantize(_TENTH)
        return replaced(
            one,
            value=value,
            low=min(one.low, value),
            high=max(one.high, value),
            parts=parts,
            evidence=marks,
            rationale=rationale or f"{GONE[:1].upper()}{GONE[1:]}.",
            state=one.state if marks else "unknown",
        )

    def _line(self, one: FactLine) -> FactLine | None:
        text, facts = self.text(one.text), tuple(fact for fact in one.facts if fact not in self.facts)
        if not text or (one.facts and not facts):
            return None
        return replaced(one, text=text, facts=facts, evidence=self.marks(one.evidence))

    def _system(self, system: System) -> System:
        kept: dict[str, tuple[Any, ...]] = {
            name: tuple(
                replaced(one, evidence=self.marks(one.evidence)) for one in parts if not self.rests((), one.evidence)
            )
            for name, parts in system
        }
        there = {one.id for name in ("actors", "components", "stores", "services") for one in kept[name]}
        kept["flows"] = tuple(one for one in kept["flows"] if {one.source, one.target} <= there)
        kept["boundaries"] = tuple(
            replaced(one, members=tuple(name for name in one.members if name in there)) for one in kept["boundaries"]
        )
        kept["capabilities"] = tuple(self._capability(one) for one in kept["capabilities"])
        return replaced(system, **kept)

    def _capability(self, one: Capability) -> Capability:
        update: dict[str, object] = {}
        for name in ("credential", "approver"):
            marks = getattr(one, f"{name}_evidence")
            update[f"{name}_evidence"] = left = self.marks(marks)
            if marks and not left:
                update |= {name: None, f"{name}_state": None}
        return replaced(one, **update)
