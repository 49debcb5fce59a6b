"""Removes everything that cites removed facts, for drafts that cannot be composed again from their facts.

Only the sums of factor parts are recomputed here. Sentences with a removed mark are dropped, as are threats, rows,
controls, parts, flows and factor addends that rest on one. `rescore` updates the scores.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from agent.drafting.layers.paragraphs import MARK
from agent.drafting.threats.names import sentences
from agent.records import (
    Capability,
    Chain,
    ClaimedControl,
    Draft,
    FactLine,
    FactorEstimate,
    FactSheet,
    Flow,
    LayerThreats,
    Missing,
    System,
    SystemItem,
    Threat,
    draft_facts,
)
from agent.records.facts import cited
from agent.review.domain.quotes import marks_in
from agent.taxonomy.layers import LAYER_SOUGHT, LayerKey

_GROUP: Final = re.compile(r"\s*\[([^\]]*)\]")
_TENTH: Final = Decimal("0.1")
_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)
GONE: Final = "what the draft said of it rested on a fact that was struck in review"


def pruned(draft: Draft, sheet: FactSheet) -> Draft:
    """Return `draft` with the facts of `sheet`, minus parts that cite removed facts or quotes only they cited."""
    assert draft.facts is not None
    before, now = draft.facts, draft_facts(sheet)
    lost = cited(before.facts) - cited(now.facts)
    gone = {fact.id for fact in before.facts} - {fact.id for fact in now.facts}
    pruner = _Pruner(frozenset(gone), frozenset(lost))
    made = pruner.of(draft)
    kept = tuple(item for item in draft.evidence if item.id not in lost)
    known = {item.id for item in kept}
    added = tuple(item for item in sheet.evidence if item.id not in known)
    return made.model_copy(update={"facts": now, "evidence": (*kept, *added)})


@dataclass(frozen=True)
class _Pruner:
    """Removes everything that rests on the given removed facts and quotes."""

    facts: frozenset[str]
    lost: frozenset[str]

    def of(self, draft: Draft) -> Draft:
        layers = {key: self._layer(key, layer) for key, layer in draft.layers.items()}
        standing = {threat.id for layer in layers.values() for threat in layer.threats}
        advice = draft.advice
        if advice is not None:
            conditions = tuple(
                each.model_copy(update={"text": text, "price": self.text(each.price)})
                for each in advice.conditions
                if (text := self.text(each.text))
            )
            advice = advice.model_copy(update={"law": self.text(advice.law), "conditions": conditions})
        summary = self.text(draft.product.summary)
        posture = self.text(draft.product.posture) or f"{MARK}{GONE}."
        return draft.model_copy(
            update={
                "product": draft.product.model_copy(update={"summary": summary, "posture": posture}),
                "system": self._system(draft.system),
                "assumptions": tuple(text for text in draft.assumptions if self.text(text) == text),
                "factors": {key: self._factor(one) for key, one in draft.factors.items()},
                "layers": layers,
                "chains": tuple(kept for one in draft.chains if (kept := self._chain(one, standing)) is not None),
                "questions": tuple(
                    one.model_copy(update={"why": self.text(one.why), "changes": self.text(one.changes)})
                    for one in draft.questions
                ),
                "lowerings": tuple(low for low in draft.lowerings if low.evidence not in self.lost),
                "lines": tuple(row for one in draft.lines if (row := self._line(one)) is not None),
                "controls": tuple(claim for one in draft.controls if (claim := self._control(one)) is not None),
                "advice": advice,
            }
        )

    def marks(self, marks: Iterable[str]) -> tuple[str, ...]:
        """Return the marks that were not removed."""
        return tuple(mark for mark in marks if mark not in self.lost)

    def text(self, text: str) -> str:
        """Drop the sentences that name a removed mark."""
        if not self.lost.intersection(marks_in(text)):
            return text
        return " ".join(each for each in sentences(text) if not self.lost.intersection(marks_in(each)))

    def unmarked(self, text: str) -> str:
        """Drop the removed marks but keep their sentences, since the text stays as long as its threat does."""
        if not self.lost.intersection(marks_in(text)):
            return text
        return _GROUP.sub(lambda match: self._standing(match[1]) if marks_in(match[1]) else match[0], text)

    def _standing(self, group: str) -> str:
        left = ", ".join(self.marks(marks_in(group)))
        return f" [{left}]" if left else ""

    def rests(self, facts: Sequence[str], evidence: Sequence[str]) -> bool:
        """Return whether a part of the draft has citations and all of them were removed."""
        if facts:
            return self.facts.issuperset(facts)
        return bool(evidence) and self.lost.issuperset(evidence)

    def _threat(self, threat: Threat) -> Threat | None:
        if self.rests(threat.facts, threat.evidence):
            return None
        marks = self.marks(threat.evidence)
        reasons = {metric: text for metric, old in threat.score.reasons.items() if (text := self.text(old))}
        update: dict[str, object] = {
            "facts": tuple(fact for fact in threat.facts if fact not in self.facts),
            "evidence": marks,
            "statement": threat.statement.model_copy(
                update={name: self.unmarked(text) for name, text in threat.statement if isinstance(text, str)}
            ),
            "how": self.text(threat.how),
            "lost": self.text(threat.lost),
            "score": threat.score.model_copy(update={"reasons": reasons}),
            "mitigations": tuple(
                each.model_copy(update={"evidence": self.marks(each.evidence)}) for each in threat.mitigations
            ),
        }
        if marks != threat.evidence and not marks and threat.state in ("claimed", "confirmed"):
            update["state"] = "inferred"
        return threat.model_copy(update=update)

    def _layer(self, key: LayerKey, layer: LayerThreats) -> LayerThreats:
        threats = tuple(made for threat in layer.threats if (made := self._threat(threat)) is not None)
        paragraph = self.text(layer.paragraph)
        if paragraph == layer.paragraph:
            return layer.model_copy(update={"threats": threats})
        if layer.certain and marks_in(paragraph):
            return layer.model_copy(update={"threats": threats, "paragraph": paragraph})
        missing = Missing(reason="too-little-evidence", detail=f"{LAYER_SOUGHT[key]}: {GONE}")
        update = {"applies": "unknown", "certain": False, "missing": missing, "paragraph": f"{MARK}{missing.detail}."}
        return layer.model_copy(update={"threats": threats, **update})

    def _factor(self, one: FactorEstimate) -> FactorEstimate:
        marks, rationale = self.marks(one.evidence), self.text(one.rationale)
        parts = tuple(part for part in one.parts if part.evidence not in self.lost)
        if (marks, rationale, parts) == (one.evidence, one.rationale, one.parts):
            return one
        less = Decimal(str(sum(part.effect for part in one.parts) - sum(part.effect for part in parts)))
        value = min(max(one.value - less, _ZERO), _ONE).quantize(_TENTH)
        state = one.state if marks else "unknown"
        return one.model_copy(
            update={
                "value": value,
                "low": min(one.low, value),
                "high": max(one.high, value),
                "parts": parts,
                "evidence": marks,
                "rationale": rationale or f"{GONE[:1].upper()}{GONE[1:]}.",
                "state": state,
            }
        )

    def _chain(self, one: Chain, standing: set[str]) -> Chain | None:
        if not standing.issuperset(one.threats):
            return None
        hops = tuple(hop.model_copy(update={"evidence": self.marks(hop.evidence)}) for hop in one.hops)
        return one.model_copy(update={"hops": hops})

    def _line(self, one: FactLine) -> FactLine | None:
        text = self.text(one.text)
        facts = tuple(fact for fact in one.facts if fact not in self.facts)
        if not text or (one.facts and not facts):
            return None
        return one.model_copy(update={"text": text, "facts": facts, "evidence": self.marks(one.evidence)})

    def _control(self, one: ClaimedControl) -> ClaimedControl | None:
        if self.facts.intersection(one.facts) or self.text(one.text) != one.text:
            return None
        if self.rests(one.facts, one.evidence):
            return None
        return one.model_copy(update={"evidence": self.marks(one.evidence), "why": self.text(one.why)})

    def _item(self, one: SystemItem) -> SystemItem | None:
        return None if self.rests((), one.evidence) else one.model_copy(update={"evidence": self.marks(one.evidence)})

    def _system(self, system: System) -> System:
        groups = {
            name: tuple(made for one in getattr(system, name) if (made := self._item(one)) is not None)
            for name in ("actors", "components", "stores", "services")
        }
        there = {one.id for group in groups.values() for one in group}
        flows = tuple(
            flow for one in system.flows
            if one.source in there and one.target in there and (flow := self._flow(one)) is not None
        )  # fmt: skip
        boundaries = tuple(
            one.model_copy(
                update={
                    "members": tuple(name for name in one.members if name in there),
                    "evidence": self.marks(one.evidence),
                }
            )
            for one in system.boundaries
            if not self.rests((), one.evidence)
        )
        capabilities = tuple(self._capability(one) for one in system.capabilities if not self.rests((), one.evidence))
        return system.model_copy(
            update={**groups, "flows": flows, "boundaries": boundaries, "capabilities": capabilities}
        )

    def _flow(self, one: Flow) -> Flow | None:
        return None if self.rests((), one.evidence) else one.model_copy(update={"evidence": self.marks(one.evidence)})

    def _capability(self, one: Capability) -> Capability:
        update: dict[str, object] = {"evidence": self.marks(one.evidence)}
        for name in ("credential", "approver"):
            marks = getattr(one, f"{name}_evidence")
            left = self.marks(marks)
            update[f"{name}_evidence"] = left
            if marks and not left:
                update |= {name: None, f"{name}_state": None}
        return one.model_copy(update=update)
