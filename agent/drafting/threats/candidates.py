"""Find the catalogue threats of a product: all patterns whose trigger the facts meet, scored and worded.

Open metrics are set to typical values for products of the same kind with the same abilities.

    expectation = bias + term of the kind + Σ weight[key] · probability of key    (readers' CVSS bases; weights ≥ 0)
    aim         = OWN · own base + (1 − OWN) · expectation

If a threat in default use is more severe than its aim, one open metric is set to the value that brings the base closest
to the aim; the same is done if the headline is less severe. Metrics decided by a fact are never changed, and the reason
given for a changed metric says where its value comes from. Controls have no weight, so a vendor's promises have no
effect.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from agent.drafting.calibration import BaseCalibration
from agent.drafting.judgement import Metric
from agent.drafting.threats.catalogue import Pattern, load_catalogue
from agent.drafting.threats.cvss_vectors import METRICS, base_of
from agent.drafting.threats.expressions import FactIndex, Truth
from agent.drafting.threats.severity import UNQUOTED, Choice, Factors, metrics_of, score_threat, supposable, vector
from agent.drafting.threats.templates import phrase
from agent.drafting.wording import LIKELY, MAX_MARKS, inside, kind_title, load_wording, marks
from agent.facts.sheet import counted
from agent.facts.vocabulary import load_vocabulary
from agent.records import Basis, Fact, FactSheet, Mitigation, State, Threat, ThreatStatement
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LayerKey

OWN: Final = 0.3
"""Weight of the base that the rules compute; values from 0 to 0.5 differ by less than 0.03 in mean error."""
CONFIRMED: Final = "A"
"""Value of UI if a person confirms the step."""
LEAST: Final = 4.0
MOST: Final = 9.6
"""Upper bound of the expectation (`LEAST` is the lower bound); readers' bases rarely lie outside these bounds."""
Who = Literal["you", "vendor"]


class Candidate(NamedTuple):
    """A catalogue threat with its pattern and metrics."""

    pattern: Pattern
    threat: Threat
    metrics: Mapping[Metric, Choice]

    @property
    def id(self) -> str:
        """The pattern's id."""
        return self.pattern.id

    @property
    def layer(self) -> LayerKey:
        """The pattern's layer."""
        return self.pattern.layer

    @property
    def title(self) -> str:
        """The title with gaps filled."""
        return self.threat.title

    @property
    def severity(self) -> str:
        """Base and vector, such as "8.7 CVSS:4.0/…"."""
        return f"{self.threat.score.cvss_base} {self.threat.score.cvss_vector}"

    @property
    def facts(self) -> tuple[str, ...]:
        """Ids of the facts that support the threat."""
        return self.threat.facts


def candidates(
    sheet: FactSheet, kind: ProductKind, factors: Factors, *, revised: bool = False
) -> tuple[Candidate, ...]:
    """Find all catalogue threats triggered by counted facts about the product, in catalogue order.

    With `revised`, the patterns are those for drafts without an LLM.
    """
    catalogue = load_catalogue()
    return _found((catalogue.revised if revised else catalogue.patterns).values(), sheet, kind, factors)


def triggered(sheet: FactSheet, kind: ProductKind) -> frozenset[str]:
    """Return the ids of the catalogue threats that counted facts trigger in a draft without an LLM."""
    facts = FactIndex(sheet, kind)
    return frozenset(id_ for id_, pattern in load_catalogue().revised.items() if _held(pattern, facts) is not None)


def recurring(sheet: FactSheet, kind: ProductKind, factors: Factors) -> tuple[Candidate, ...]:
    """Find the threats that recur for products of this kind, in file order.

    They are based on the kind rather than on the quotes they cite, so all of them are assumed or need a setting.
    Returns nothing if nothing is known about the product.
    """
    known = bool(counted(sheet)) or sheet.outlook.kinds.get(kind, 0.0) >= LIKELY
    return _found(load_catalogue().recurring.values(), sheet, kind, factors) if known else ()


def _found(patterns: Iterable[Pattern], sheet: FactSheet, kind: ProductKind, factors: Factors) -> tuple[Candidate, ...]:
    plain = {by_setting: FactIndex(sheet, kind, settings=by_setting) for by_setting in (False, True)}
    supposed = supposable(sheet, plain[True])
    likely = {
        by_setting: FactIndex(sheet, kind, settings=by_setting, supposed=supposed) for by_setting in (False, True)
    }
    made = (_candidate(pattern, plain, likely, factors) for pattern in patterns)
    return tuple(candidate for candidate in made if candidate)


def _source_of(pattern: Pattern, facts: FactIndex) -> str:
    """Return what to call the attacker's content."""
    wanted = pattern.when.keys | (pattern.entry.keys if pattern.entry else frozenset())
    catalogue = load_catalogue()
    rest = [source for source in catalogue.sources if facts.holding(source.key)]
    if not rest and pattern.id in catalogue.recurring:
        rest = [source for source in catalogue.sources if source.key in facts.likely]
    own = [source for source in rest if source.key in wanted]
    for source in own or rest:
        return (phrase(facts, source.key, source.slot) if source.slot else "") or source.noun
    return "untrusted content"


def _held(pattern: Pattern, facts: FactIndex) -> Truth | None:
    """Return the result of a pattern's trigger; None if it does not hold, or holds only because facts are missing."""
    held = pattern.when.of(facts)
    bare = not held.facts and pattern.when.keys and pattern.id not in load_catalogue().recurring
    return None if bare or not held.holds else held


def _candidate(
    pattern: Pattern, plain: Mapping[bool, FactIndex], likely: Mapping[bool, FactIndex], factors: Factors
) -> Candidate | None:
    """Return the threat of a pattern, or None if its trigger does not hold.

    `plain` and `likely` are keyed by whether configurable facts count.
    """
    held, recurs = _held(pattern, plain[True]), pattern.id in load_catalogue().recurring
    if held is None:
        return None
    default = pattern.when.of(plain[False])
    by_setting = pattern.setting is not None or not default.holds
    facts = plain[by_setting]
    carrying = held.facts if by_setting else default.facts
    entry = pattern.entry.of(facts) if pattern.entry else Truth(True)
    rests_on = _once((*carrying, *entry.facts))
    basis: Basis = "quoted"
    if by_setting:
        basis = "needs a setting"
    elif pattern.basis or recurs or not carrying:
        basis = "assumed"
    elif not entry.holds or any(fact.state == "inferred" for fact in rests_on):
        basis = "entry inferred"
    state: State = "claimed" if basis == "quoted" else "inferred"
    source = _source_of(pattern, facts)
    metrics = _cited(metrics_of(pattern, facts, source, likely[by_setting]), carrying)
    how, lost = pattern.how.fill(facts, source), inside(pattern.lost.fill(facts, source))
    setting = _setting(pattern, carrying, facts) if by_setting else ""
    threat = Threat(
        id=pattern.id,
        title=pattern.title.fill(facts, source),
        statement=ThreatStatement(
            source=inside(pattern.actor.fill(facts, source)),
            prerequisite=f"if {setting}" if setting else "a product in default use",
            action=inside(how.rstrip(".").split(". ")[-1]),
            impact=lost,
            asset=pattern.asset.replace("_", " "),
        ),
        taxonomy=pattern.taxonomy,
        state="contradicted" if any(fact.state == "contradicted" for fact in rests_on) else state,
        score=score_threat(metrics, factors),
        mitigations=proposed(
            [*((text, "you") for text in pattern.you), *((text, "vendor") for text in pattern.vendor)]
        ),
        evidence=tuple(dict.fromkeys(mark for fact in rests_on for mark in fact.evidence)),
        facts=tuple(fact.id for fact in rests_on),
        basis=basis,
        setting=setting,
        default_use=pattern.default_use and not by_setting,
        how=cited_how(how, _telling(pattern, rests_on, basis, facts)),
        lost=lost,
        by="embedded",
    )
    return Candidate(pattern, threat, metrics)


def proposed(rows: Iterable[tuple[str, Who]]) -> tuple[Mitigation, ...]:
    """Build proposed mitigations from pairs of a description and the party responsible."""
    return tuple(Mitigation(text=text, who=who, status="proposed", evidence=()) for text, who in rows)


def cited_how(how: str, facts: Iterable[Fact]) -> str:
    """Append the marks of facts to the description of an attack, before the final full stop."""
    cited = marks((fact.evidence[0] for fact in facts), MAX_MARKS)
    return f"{how.rstrip('.')}{cited}." if cited else how


def _telling(pattern: Pattern, rests_on: Sequence[Fact], basis: Basis, facts: FactIndex) -> list[Fact]:
    """Return the facts to cite for how a threat works: those that their quotes state and, if the threat is assumed,
    that settle its layer."""
    words = load_vocabulary()
    sure = [fact for fact in rests_on if fact.id in facts.sure]
    return [fact for fact in sure if basis != "assumed" or pattern.layer in words[fact.key].pins]


def _setting(pattern: Pattern, carrying: Sequence[Fact], facts: FactIndex) -> str:
    """Return the setting or deployment that the threat requires, as a clause that follows "if"."""
    if pattern.setting:
        return inside(pattern.setting.fill(facts))
    named = [fact for fact in carrying if fact.polarity == "configurable"]
    if not named:
        return "its setting is switched on"
    words = load_wording()[named[0].key]
    return f"it is set up to {words.do} {words.what}{marks(named[0].evidence, 1)}"


def _cited(metrics: Mapping[Metric, Choice], carrying: Sequence[Fact]) -> dict[Metric, Choice]:
    """Cite the trigger's facts in the reason for each high impact that comes from the pattern itself."""
    cited = marks((fact.evidence[0] for fact in carrying), 1)
    return {
        metric: choice._replace(reason=choice.reason + cited)
        if choice.value == "H" and "[" not in choice.reason and not choice.reason.startswith(UNQUOTED)
        else choice
        for metric, choice in metrics.items()
    }


def _once(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    return tuple({fact.id: fact for fact in facts}.values())


def usual_base(sheet: FactSheet, kind: ProductKind, constants: BaseCalibration) -> float:
    """Predict the base that readers would give the product's first threat, 4 to 9.6."""
    chances = sheet.outlook.chances
    told = sum(weight * chances.get(key, 0.0) for key, weight in constants.chances.items())
    return min(MOST, max(LEAST, constants.bias + constants.kinds.get(kind, 0.0) + told))


def settled(
    candidate: Candidate, usual: float, kind: ProductKind, factors: Factors, *, raised: bool = False
) -> Candidate:
    """Set one open metric to its usual value if that brings the candidate's base closer to its aim.

    The base can only fall, or, with `raised`, only rise. A threat with a documented approval by a person is not raised,
    so that the approval keeps its full effect on the base.
    """
    if raised and candidate.metrics["UI"].value == CONFIRMED and candidate.metrics["UI"].facts:
        return candidate
    own = base_of(vector(candidate.metrics))
    aim = OWN * float(own) + (1 - OWN) * usual
    made = [(base, metrics) for base, metrics in _alternatives(candidate.metrics, kind) if (base > own) == raised]
    base, metrics = min(made, key=lambda one: (abs(float(one[0]) - aim), one[0]), default=(own, candidate.metrics))
    if abs(float(base) - aim) >= abs(float(own) - aim):
        return candidate
    update = {"score": score_threat(metrics, factors)}
    return candidate._replace(threat=candidate.threat.model_copy(update=update), metrics=metrics)


def _alternatives(
    metrics: Mapping[Metric, Choice], kind: ProductKind
) -> Iterator[tuple[Decimal, dict[Metric, Choice]]]:
    """Yield, with its new base, each variant in which one open metric is changed and the base changes with it."""
    reason = f"the sources leave this open; usual for {kind_title(kind)} with these abilities"
    for metric in METRICS:
        choice = metrics[metric]
        for value in choice.others:
            if metric == "UI" and value == CONFIRMED:
                # Without a fact, do not assume that a person confirms the step.
                continue
            others = tuple(other for other in (choice.value, *choice.others) if other != value)
            changed = {**metrics, metric: Choice(value, reason, (), others)}
            base = base_of(vector(changed))
            if base != base_of(vector(metrics)):
                yield base, changed
