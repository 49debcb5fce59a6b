"""Builds the advice at the end of the first page: proposal, conditions for use, residual severity and legal notes.

A condition changes CVSS metrics of the threats based on the facts it addresses, and can only make metrics milder. The
residual is the highest remaining base of *all* threats in default use, not only of the headline.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Final, NamedTuple, get_args

import yaml
from pydantic import Field

from agent.drafting.judgement import Judgement, stands
from agent.drafting.product.controls import COUNTED_RANK
from agent.drafting.threats.cvss_vectors import IMPACTS, base_of, eased, joined
from agent.drafting.threats.names import references, renamed, shown_ids, shown_tags
from agent.drafting.threats.selection import Found
from agent.drafting.wording import asserted, capital, cited_by, default_of, marks, said
from agent.facts.sheet import counted
from agent.records import (
    Advice,
    Condition,
    FactorEstimate,
    FactSheet,
    Question,
    Record,
    Residual,
    Score,
    Threat,
    UseProposal,
)
from agent.resources import data_folder
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import ProductKind

MAX_CONDITIONS: Final = 3
"""The most conditions derived from facts. An LLM gives up to five."""
LOW: Final = Decimal("4.0")
"""Threats below this base are Low and need no condition."""
CRITICAL: Final = Decimal("9.0")
_MAX_LAW: Final = 2
_CAUTION: Final[tuple[UseProposal, ...]] = get_args(UseProposal)
"""The proposals, the most cautious last."""


class ConditionRow(Record):
    """A condition of `corpus/knowledge/conditions.yaml`."""

    id: str
    eases: tuple[str, ...] = Field(alias="for")
    ids: tuple[str, ...] = ()
    """Ids of catalogue threats that the condition eases, regardless of their facts."""
    met: tuple[str, ...] = ()
    not_for: tuple[ProductKind, ...] = ()
    text: str
    who: str
    price: str
    metrics: dict[str, str]


class LawRow(Record):
    """A legal point and the keys of the facts for which it is relevant."""

    keys: tuple[str, ...]
    text: str


class ConditionRules(Record):
    """The rules for conditions and legal points."""

    conditions: tuple[ConditionRow, ...]
    law: tuple[LawRow, ...]


class _Measure(NamedTuple):
    """A condition with its metric changes for each threat."""

    text: str
    who: str
    price: str
    metrics: Mapping[str, Mapping[str, str]]
    led: bool = False
    """Whether an LLM wrote it."""
    ends: frozenset[str] = frozenset()
    """Ids of threats that no longer exist when the condition is met."""


@cache
def load_conditions() -> ConditionRules:
    """Load the conditions and legal points in file order."""
    raw = yaml.safe_load((data_folder("corpus") / "knowledge" / "conditions.yaml").read_text("utf-8"))
    return ConditionRules.model_validate(raw)


def advise(
    sheet: FactSheet,
    kind: ProductKind,
    found: Found,
    factors: Mapping[FactorKey, FactorEstimate],
    score: Score,
    questions: Sequence[Question],
    judgement: Judgement | None = None,
) -> Advice:
    """Build the proposal, the conditions and the residual severity.

    An LLM's conditions are used if there are any, otherwise at most three derived from facts, in order of effect. The
    residual is recomputed from the vectors, so a threat without a condition keeps its base.
    """
    threats = [placed.threat for placed in found.threats if placed.threat.default_use]
    # If an LLM chose threats, ignore catalogue threats other than the headline for the residual.
    weighed = [threat for threat in threats if threat.by != "embedded" or threat is found.headline]
    threats = weighed if any(threat.by != "embedded" for threat in threats) else threats
    measures = _judged(sheet, found, judgement) if judgement else []
    every = [placed.threat for placed in found.threats]
    if not measures:
        offered = [_measure(row, sheet, every) for row in load_conditions().conditions if _open(row, sheet, kind)]
        _complete(measures, offered, threats)
        _complete(measures, offered, every)
        measures = measures or _remedies(threats)
    residual = _residual(threats, measures, every)
    proposal = _proposal(score, residual, questions, judgement)
    conditions = () if proposal == "use" and not (judgement and judgement.conditions) else measures
    if not conditions and residual is not None:
        residual = _residual(threats, (), every)
    return Advice(
        proposal=proposal,
        conditions=tuple(_condition(measure, every) for measure in conditions),
        residual=residual,
        caveat=_caveat(sheet, found, judgement),
        also=_also(found, judgement),
        law=_law(sheet, judgement),
    )


# ------------------------------------------------------------ conditions


def _open(row: ConditionRow, sheet: FactSheet, kind: ProductKind) -> bool:
    """Return whether products of this kind can meet the condition and no counted control already meets it."""
    return kind not in row.not_for and not any(
        fact.rank >= COUNTED_RANK and default_of(fact) for fact in asserted(sheet, *row.met)
    )


def _measure(row: ConditionRow, sheet: FactSheet, threats: Sequence[Threat]) -> _Measure:
    ids = {fact.id for fact in asserted(sheet, *row.eases)}
    touched = {threat.id: row.metrics for threat in threats if ids & set(threat.facts) or threat.id in row.ids}
    return _Measure(row.text, row.who, row.price, touched)


def _remedies(threats: Sequence[Threat]) -> list[_Measure]:
    """Convert the user's own mitigations to conditions, as a fallback if no condition lowers a metric."""
    helped: dict[str, dict[str, Mapping[str, str]]] = {}
    for threat in threats:
        for remedy in threat.mitigations:
            if remedy.who == "you" and remedy.status != "confirmed":
                helped.setdefault(remedy.text, {})[threat.id] = {}
                break
    return [_Measure(text, "operator", "", of, led=True) for text, of in list(helped.items())[:MAX_CONDITIONS]]


def _complete(measures: list[_Measure], offered: list[_Measure], threats: Sequence[Threat]) -> None:
    """Repeatedly add the measure that lowers the residual most, until none lowers it or the maximum is reached."""
    while len(measures) < MAX_CONDITIONS and offered:
        best = min(offered, key=lambda measure: _level(threats, [*measures, measure]))
        offered.remove(best)
        if _level(threats, [*measures, best]) >= _level(threats, measures):
            return
        measures.append(best)


def _level(threats: Sequence[Threat], measures: Sequence[_Measure]) -> tuple[Decimal, Decimal]:
    """Compute the residual for comparison: the highest remaining base, then the sum of all remaining bases."""
    bases = [_after(threat, measures) for threat in threats]
    return max(bases, default=Decimal(0)), sum(bases, Decimal(0))


def _after(threat: Threat, measures: Sequence[_Measure]) -> Decimal:
    if any(threat.id in measure.ends for measure in measures):
        return Decimal(0)
    return min(base_of(_eased(threat, measures)), threat.score.cvss_base)


def _eased(threat: Threat, measures: Sequence[_Measure]) -> str:
    """Return the threat's vector with all measures applied."""
    changes: dict[str, str] = {}
    for measure in measures:
        changes = joined(changes, measure.metrics.get(threat.id, {}))
    if any(measure.led for measure in measures):
        changes = _contained(threat.score.cvss_vector, changes)
    return eased(threat.score.cvss_vector, changes)


def _contained(vector: str, changes: dict[str, str]) -> dict[str, str]:
    """Leave one of several full losses as it is, the first of the vector that is merely made smaller: LLMs take their
    conditions to contain each loss at once, which no reader believed of a threat that goes on. A loss that ends, as the
    integrity of what can no longer be written, ends."""
    own = dict(part.split(":") for part in vector.split("/"))
    full = [name for name in IMPACTS if own[name] == "H"]
    smaller = [name for name in full if changes.get(name) == "L"]
    if len(full) > 1 and smaller and all(name in changes for name in full):
        return {name: value for name, value in changes.items() if name != smaller[0]}
    return changes


def _changes(threat: Threat, measures: Sequence[_Measure]) -> str:
    """Return the metrics that the measures change, in vector notation."""
    before = threat.score.cvss_vector.split("/")
    return "/".join(part for part in _eased(threat, measures).split("/") if part not in before)


def _residual(threats: Sequence[Threat], measures: Sequence[_Measure], every: Sequence[Threat]) -> Residual | None:
    """Compute the residual of `threats` (those in default use) and the remaining base of each threat in `every`."""
    if not threats:
        return None
    last = max(threats, key=lambda threat: (_after(threat, measures), threat.score.cvss_base))
    before = max(threat.score.cvss_base for threat in threats)
    remains = {threat.id: _after(threat, measures) for threat in every}
    changes = {threat.id: _changes(threat, measures) for threat in every}
    return Residual(
        before=before,
        after=_after(last, measures),
        threat=last.id,
        remains=remains,
        changes={threat: changed for threat, changed in changes.items() if changed},
    )


def _condition(measure: _Measure, threats: Sequence[Threat]) -> Condition:
    # List the eased threats; an LLM's condition may also name threats whose metrics it does not change.
    touched = [
        threat
        for threat in threats
        if threat.id in measure.metrics and (measure.led or _after(threat, [measure]) < threat.score.cvss_base)
    ]
    return Condition(
        text=measure.text,
        who=measure.who,
        price=measure.price,
        threats=tuple(threat.id for threat in touched),
        after={threat.id: _after(threat, [measure]) for threat in touched},
    )


def _judged(sheet: FactSheet, found: Found, judgement: Judgement | None) -> list[_Measure]:
    """Return the LLM's conditions with the draft's threat names, dropping conditions only for threats not shown."""
    if judgement is None:
        return []
    names, called = shown_ids(found), shown_tags(found)
    made = []
    for condition in judgement.conditions:
        threats = references((*condition.threats, *condition.metrics), names)
        text = renamed(condition.text, called)
        if not text or not stands(sheet, judgement, condition.text) or (condition.threats and not threats):
            continue
        metrics = {
            names[name]: {str(metric): value for metric, value in changed.items()}
            for name, changed in condition.metrics.items()
            if name in names
        }
        rows = {threat: metrics.get(threat, {}) for threat in threats}
        ends = frozenset(names[name] for name in condition.ends if name in names)
        made.append(_Measure(text, condition.who, renamed(condition.price, called), rows, led=True, ends=ends))
    return made


# ------------------------------------------------------------ proposal and law


def _proposal(
    score: Score, residual: Residual | None, questions: Sequence[Question], judgement: Judgement | None
) -> UseProposal:
    """Return the proposal based on the scores, or the LLM's if it is more cautious."""
    if judgement is None or judgement.proposal is None:
        return proposal_of(score, residual, asked=bool(questions))
    given = bool(judgement.conditions)
    return weighed(judgement.proposal, score, residual, asked=bool(questions), conditions=given)


def weighed(led: UseProposal, score: Score, residual: Residual | None, *, asked: bool, conditions: bool) -> UseProposal:
    """Return an LLM's proposal, or that of the scores if it is more cautious.

    Too little for a score is not too much risk: an LLM may give `conditions` under which a thin page is enough.
    """
    enough = conditions and residual is not None and residual.after < CRITICAL
    if score.withheld is not None and led == "use with conditions" and enough:
        return led
    return max(proposal_of(score, residual, asked=asked), led, key=_CAUTION.index)


def proposal_of(score: Score, residual: Residual | None, *, asked: bool) -> UseProposal:
    """Return the proposal based only on the scores; `asked` says whether there are open questions."""
    if score.withheld is not None or residual is None or residual.after >= CRITICAL:
        return "wait for answers" if asked else "use with conditions"
    return "use" if residual.before < LOW else "use with conditions"


def _caveat(sheet: FactSheet, found: Found, judgement: Judgement | None) -> str:
    if judgement is None or not judgement.caveat or not stands(sheet, judgement, judgement.caveat):
        return ""
    return renamed(judgement.caveat, shown_tags(found))


def _also(found: Found, judgement: Judgement | None) -> tuple[str, ...]:
    """Return an LLM's further dangers; one that names a threat which is not shown is left out."""
    called = shown_tags(found)
    return tuple(filter(None, (renamed(danger, called) for danger in judgement.also))) if judgement else ()


def _law(sheet: FactSheet, judgement: Judgement | None) -> str:
    """Return the legal points relevant to the facts, with marks, or an empty string."""
    if judgement and judgement.law and stands(sheet, judgement, judgement.law):
        return judgement.law
    points: list[str] = []
    cited: list[str] = []
    for row in load_conditions().law:
        touched = said(sheet, keys=[key for key in row.keys if counted(sheet, key)])
        touched = tuple(one for one in touched if one.polarity != "denied")
        if touched and len(points) < _MAX_LAW:
            points.append(row.text)
            cited += cited_by(touched)[:1]
    return f"{capital('; '.join(points))}{marks(cited)}." if points else ""
