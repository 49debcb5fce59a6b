"""Build the advice at the end of the first page: proposal, conditions for use, residual severity and legal notes.

A condition changes CVSS metrics of the threats that are based on the facts it addresses. It can only make metrics
less severe. The residual is the highest remaining base of *all* threats in default use, not only of the headline.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple, get_args

from pydantic import Field

from agent.drafting.judgement import Given
from agent.drafting.threats.cvss_vectors import IMPACTS, base_of, changed, eased, joined
from agent.drafting.threats.selection import BREACHED, Found
from agent.drafting.wording import asserted, capital, cited_by, default_of, marks, references, renamed, said
from agent.facts.knowledge import loader
from agent.facts.sheet import CONTROL_RANK
from agent.records import Advice, Condition, Question, Record, Residual, Score, Threat, UseProposal
from agent.taxonomy.kinds import ProductKind

MAX_CONDITIONS: Final = 3
"""Maximum number of conditions derived from facts. An LLM may give up to five."""
LOW: Final = Decimal("4.0")
"""Threats below this base are Low and need no condition."""
CRITICAL: Final = Decimal("9.0")
_MAX_LAW: Final = 2
_CAUTION: Final[tuple[UseProposal, ...]] = get_args(UseProposal)
"""The proposals, the most cautious last."""


class ConditionRow(Record):
    """A condition from `corpus/knowledge/conditions.yaml`."""

    id: str
    eases: tuple[str, ...] = Field(alias="for")
    ids: tuple[str, ...] = ()
    """Ids of catalogue threats that the condition eases, regardless of their facts."""
    unless: tuple[str, ...] = ()
    """Keys of facts; a threat based on one of them is not eased."""
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


load_conditions: Final = loader("conditions.yaml", ConditionRules)
"""Loads the conditions and legal points in file order."""


def advise(given: Given, found: Found, score: Score, questions: Sequence[Question]) -> Advice:
    """Build the proposal, the conditions and the residual severity.

    An LLM's conditions are used if there are any, otherwise at most three derived from facts, in order of effect. The
    residual is recomputed from the vectors, so a threat without a condition keeps its base.
    """
    led, called = given.judgement, found.called
    every = [placed.threat for placed in found.threats]
    threats = [threat for threat in every if threat.default_use]
    if any(threat.by != "embedded" for threat in threats):
        # If an LLM chose the threats, the residual ignores all catalogue threats except the headline.
        threats = [threat for threat in threats if threat.by != "embedded" or threat is found.headline]
    measures = _judged(given, found) or _derived(given, threats, every)
    residual = _residual(threats, measures, every)
    proposal = proposal_of(score, residual, asked=bool(questions))
    if led.proposal is not None:
        proposal = weighed(led.proposal, score, residual, asked=bool(questions), conditions=bool(led.conditions))
    conditions = () if proposal == "use" and not led.conditions else measures
    if not conditions and residual is not None:
        residual = _residual(threats, (), every)
    return Advice(
        proposal=proposal,
        conditions=tuple(_condition(measure, every) for measure in conditions),
        residual=residual,
        caveat=renamed(led.caveat, called) if given.stands(led.caveat) else "",
        # Leave out further dangers that mention a threat that is not shown.
        also=tuple(filter(None, (renamed(danger, called) for danger in led.also))) or found.further,
        conflicts=tuple(filter(None, (renamed(each, called) for each in led.conflicts if given.stands(each)))),
        law=_law(given),
    )


def _derived(given: Given, threats: Sequence[Threat], every: Sequence[Threat]) -> list[_Measure]:
    """Repeatedly choose the measure that lowers the residual most, first of `threats`, then of `every` threat."""
    offered = []
    for row in load_conditions().conditions:
        # Offer only conditions that products of this kind can meet and that no counted control already meets.
        met = (fact.rank >= CONTROL_RANK and default_of(fact) for fact in asserted(given.sheet, *row.met))
        if given.kind not in row.not_for and not any(met):
            ids, other = ({fact.id for fact in asserted(given.sheet, *keys)} for keys in (row.eases, row.unless))
            rests = {one.id: set(one.facts) for one in every if not other & set(one.facts)}
            touched = {id_: row.metrics for id_, facts in rests.items() if ids & facts or id_ in row.ids}
            offered.append(_Measure(row.text, row.who, row.price, touched))
    measures: list[_Measure] = []
    for own in (threats, every):
        while len(measures) < MAX_CONDITIONS and offered:
            levels = [_level(own, [*measures, measure]) for measure in offered]
            best = levels.index(min(levels))
            measure = offered.pop(best)
            if levels[best] >= _level(own, measures):
                break
            measures.append(measure)
    return measures or _remedies(threats)


def _remedies(threats: Sequence[Threat]) -> list[_Measure]:
    """Convert the user's own mitigations to conditions, as a fallback if no condition lowers a metric."""
    helped: dict[str, dict[str, Mapping[str, str]]] = {}
    for threat in threats:
        for text in [one.text for one in threat.mitigations if one.who == "you" and one.status != "confirmed"][:1]:
            helped.setdefault(text, {})[threat.id] = {}
    return [_Measure(text, "operator", "", of, led=True) for text, of in list(helped.items())[:MAX_CONDITIONS]]


def _level(threats: Sequence[Threat], measures: Sequence[_Measure]) -> tuple[Decimal, Decimal]:
    """Compute the residual for comparison: the highest remaining base, then the sum of all remaining bases."""
    bases = [_after(threat, measures) for threat in threats]
    return max(bases, default=Decimal(0)), sum(bases, Decimal(0))


def _after(threat: Threat, measures: Sequence[_Measure]) -> Decimal:
    if any(threat.id in measure.ends for measure in measures):
        return Decimal(0)
    return min(base_of(_eased(threat, measures)), threat.score.cvss_base)


def _eased(threat: Threat, measures: Sequence[_Measure]) -> str:
    """Return the threat's vector with all measures applied.

    LLMs tend to assume that conditions limit all losses at once, so their changes are moderated. If they would bring
    the base of a threat with several total losses (H) below 4.0, the loss that the fewest conditions reduce stays H. If
    they would end all losses of a threat that needs no setting, its first loss becomes L instead. For a threat that
    needs a setting and a prior breach, PR:H (pinning a reviewed version) ends all losses, because it keeps a hijacked
    release out.
    """
    vector = threat.score.cvss_vector
    every = [measure.metrics.get(threat.id, {}) for measure in measures]
    changes: dict[str, str] = {}
    for metrics in every:
        changes = joined(changes, metrics)
    if any(measure.led for measure in measures):
        losses = [name for name in IMPACTS if f"/{name}:N" not in vector]
        full = [name for name in losses if f"/{name}:H" in vector]
        smaller = [name for name in full if changes.get(name) == "L"]
        if threat.setting and BREACHED in vector and changes.get("PR") == "H":
            changes = dict.fromkeys(losses, "N")
        elif losses and not threat.setting and all(changes.get(name) == "N" for name in losses):
            changes[losses[0]] = "L"
        elif len(full) > 1 and smaller and base_of(eased(vector, changes)) < LOW:
            del changes[min(smaller, key=lambda name: sum(name in metrics for metrics in every))]
    return eased(vector, changes)


def _residual(threats: Sequence[Threat], measures: Sequence[_Measure], every: Sequence[Threat]) -> Residual | None:
    """Compute the residual of `threats` (those in default use) and the remaining base of each threat in `every`."""
    if not threats:
        return None
    last = max(threats, key=lambda threat: (_after(threat, measures), threat.score.cvss_base))
    changes = {threat.id: changed(threat.score.cvss_vector, _eased(threat, measures)) for threat in every}
    return Residual(
        before=max(threat.score.cvss_base for threat in threats),
        after=_after(last, measures),
        threat=last.id,
        remains={threat.id: _after(threat, measures) for threat in every},
        changes={threat: metrics for threat, metrics in changes.items() if metrics},
    )


def _condition(measure: _Measure, threats: Sequence[Threat]) -> Condition:
    # List the eased threats; an LLM's condition may also mention threats whose metrics it does not change.
    after = {
        threat.id: _after(threat, [measure])
        for threat in threats
        if threat.id in measure.metrics and (measure.led or _after(threat, [measure]) < threat.score.cvss_base)
    }
    return Condition(text=measure.text, who=measure.who, price=measure.price, threats=tuple(after), after=after)


def _judged(given: Given, found: Found) -> list[_Measure]:
    """Return the LLM's conditions with the draft's threat names, without those that concern only threats not shown."""
    ids, called = found.ids, found.called
    made = []
    for condition in given.judgement.conditions:
        threats = references((*condition.threats, *condition.metrics), ids)
        text = renamed(condition.text, called)
        if not text or not given.stands(condition.text) or (condition.threats and not threats):
            continue
        metrics: dict[str, Mapping[str, str]] = {
            ids[name]: {str(metric): value for metric, value in changed.items()}
            for name, changed in condition.metrics.items()
            if name in ids
        }
        rows = {threat: metrics.get(threat, {}) for threat in threats}
        ends = frozenset(ids[name] for name in condition.ends if name in ids)
        made.append(_Measure(text, condition.who, renamed(condition.price, called), rows, led=True, ends=ends))
    return made


def weighed(led: UseProposal, score: Score, residual: Residual | None, *, asked: bool, conditions: bool) -> UseProposal:
    """Return an LLM's proposal, or that of the scores if it is more cautious.

    Too little evidence for a score does not mean too much risk: even if the score is withheld, an LLM's "use with
    conditions" stands if its `conditions` bring the residual below Critical.
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


def _law(given: Given) -> str:
    """Return the legal points, with marks, or an empty string: an LLM's, or else those relevant to the facts.

    If an LLM made the proposal and gave no legal points, none are added, because it has considered them: most products
    store or fetch something, but few raise legal points by doing so.
    """
    led = given.judgement.law
    if (led and given.stands(led)) or (given.judgement.proposal is not None and not led):
        return led
    points: list[str] = []
    cited: list[str] = []
    for row in load_conditions().law:
        touched = [one for one in said(given.sheet, keys=row.keys) if one.polarity != "denied"]
        if touched and len(points) < _MAX_LAW:
            points.append(row.text)
            cited += cited_by(touched)[:1]
    return f"{capital('; '.join(points))}{marks(cited)}." if points else ""
