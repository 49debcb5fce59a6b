"""Finds the catalogue threats of a product: all patterns with a trigger that the facts meet, scored and worded."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from agent.drafting.judgement import Metric
from agent.drafting.threats.catalogue import Catalogue, Pattern, load_catalogue
from agent.drafting.threats.expressions import FactIndex
from agent.drafting.threats.severity import UNQUOTED, Choice, marks, metrics_of, score_threat, supposable, vector_of
from agent.drafting.threats.templates import phrase
from agent.drafting.wording import load_wording
from agent.records import Basis, Fact, FactorEstimate, FactSheet, Mitigation, State, Threat, ThreatStatement
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LayerKey

MAX_MARKS: Final = 3
GENERIC_SOURCE: Final = "untrusted content"
LIKELY: Final = 0.5
"""Minimum probability of a key to ask about."""


class Candidate(NamedTuple):
    """A catalogue threat with its pattern, metrics and supporting facts."""

    pattern: Pattern
    threat: Threat
    metrics: Mapping[Metric, Choice]
    rests_on: tuple[Fact, ...]

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
    def how(self) -> str:
        """The description of the attack, with marks."""
        return self.threat.how

    @property
    def severity(self) -> str:
        """Base and vector, such as "8.7 CVSS:4.0/…"."""
        return f"{self.threat.score.cvss_base} {self.threat.score.cvss_vector}"

    @property
    def facts(self) -> tuple[str, ...]:
        """Ids of the facts that support the threat."""
        return self.threat.facts


class _Readings(NamedTuple):
    """Four indexes over the same facts."""

    everything: FactIndex
    """Includes configurable facts."""
    default: FactIndex
    """Excludes configurable facts."""
    likely_everything: FactIndex
    """Like `everything`, plus facts that the readers consider likely; `likely_default` likewise extends `default`."""
    likely_default: FactIndex


class Open(NamedTuple):
    """A threat that would apply if a likely fact were true; the draft asks about it instead of claiming it."""

    id: str
    layer: LayerKey
    title: str
    question: str
    keys: tuple[str, ...]
    """Keys that would make the threat apply, likeliest first."""


def candidates(
    sheet: FactSheet, kind: ProductKind, factors: Mapping[FactorKey, FactorEstimate], catalogue: Catalogue | None = None
) -> tuple[Candidate, ...]:
    """Find all catalogue threats triggered by counted facts about the product, in catalogue order."""
    book = catalogue or load_catalogue()
    everything = FactIndex(sheet, kind)
    default = FactIndex(sheet, kind, settings=False)
    supposed = supposable(sheet, everything)
    readings = _Readings(
        everything,
        default,
        FactIndex(sheet, kind, supposed=supposed),
        FactIndex(sheet, kind, settings=False, supposed=supposed),
    )
    made = (_candidate(pattern, readings, factors, book) for pattern in book.patterns.values())
    return tuple(candidate for candidate in made if candidate)


def open_threats(sheet: FactSheet, kind: ProductKind, catalogue: Catalogue | None = None) -> tuple[Open, ...]:
    """Find threats triggered only if facts that the readers consider likely are true, in catalogue order."""
    book = catalogue or load_catalogue()
    facts = FactIndex(sheet, kind)
    likely = {key: chance for key, chance in facts.chances.items() if chance >= LIKELY and not facts.of(key)}
    supposed = FactIndex(sheet, kind, supposed=likely)
    found: list[Open] = []
    for pattern in book.patterns.values():
        if pattern.when.of(facts).holds or not pattern.when.of(supposed).holds:
            continue
        keys = sorted(pattern.when.keys & set(likely), key=lambda key: (-likely[key], key))
        source, _ = source_of(pattern, facts, book)
        question = pattern.question.fill(facts, source)
        found.append(Open(pattern.id, pattern.layer, pattern.title.fill(facts, source), question, tuple(keys)))
    return tuple(found)


def source_of(pattern: Pattern, facts: FactIndex, catalogue: Catalogue) -> tuple[str, tuple[Fact, ...]]:
    """Return the name of the attacker's content and the facts that show how it enters."""
    wanted = pattern.when.keys | (pattern.entry.keys if pattern.entry else frozenset())
    own = [source for source in catalogue.sources if source.key in wanted and facts.holding(source.key)]
    rest = [source for source in catalogue.sources if facts.holding(source.key)]
    for source in own or rest:
        named = phrase(facts, source.key, source.slot) if source.slot else ""
        return named or source.noun, facts.holding(source.key)
    return GENERIC_SOURCE, ()


def _candidate(
    pattern: Pattern,
    readings: _Readings,
    factors: Mapping[FactorKey, FactorEstimate],
    catalogue: Catalogue,
) -> Candidate | None:
    held = pattern.when.of(readings.everything)
    if not held.holds or (not held.facts and pattern.when.keys):
        return None
    plain = pattern.when.of(readings.default)
    by_setting = pattern.setting is not None or not plain.holds
    facts = readings.everything if by_setting else readings.default
    carrying = held.facts if by_setting else plain.facts
    entered = pattern.entry.of(facts) if pattern.entry else None
    rests_on = _once((*carrying, *(entered.facts if entered else ())))
    basis: Basis
    if by_setting:
        basis = "needs a setting"
    elif pattern.assumed or not carrying:
        basis = "assumed"
    elif (entered and not entered.holds) or any(fact.state == "inferred" for fact in rests_on):
        basis = "entry inferred"
    else:
        basis = "quoted"
    source, _ = source_of(pattern, facts, catalogue)
    likely = readings.likely_everything if by_setting else readings.likely_default
    metrics = _cited(metrics_of(pattern, facts, source, likely), carrying)
    entry_facts = entered.facts if entered else ()
    telling = _once((*carrying[: MAX_MARKS - bool(entry_facts)], *entry_facts))
    setting = _setting(pattern, carrying, facts) if by_setting else ""
    threat = _threat(pattern, facts, source, basis, setting, rests_on, telling, metrics, factors)
    return Candidate(pattern, threat, metrics, rests_on)


def _threat(
    pattern: Pattern,
    facts: FactIndex,
    source: str,
    basis: Basis,
    setting: str,
    rests_on: tuple[Fact, ...],
    telling: tuple[Fact, ...],
    metrics: Mapping[Metric, Choice],
    factors: Mapping[FactorKey, FactorEstimate],
) -> Threat:
    def text(wording: str) -> str:
        filled = getattr(pattern, wording).fill(facts, source)
        return str(filled)

    vector = vector_of({metric: choice.value for metric, choice in metrics.items()})
    how, lost, actor = text("how"), _lower(text("lost")), _lower(text("actor"))
    sentences = how.rstrip(".").split(". ")
    return Threat(
        id=pattern.id,
        title=text("title"),
        statement=ThreatStatement(
            source=actor,
            prerequisite=f"if {setting}" if setting else "a product in default use",
            action=_lower(sentences[-1]),
            impact=lost,
            asset=pattern.asset.replace("_", " "),
        ),
        taxonomy=pattern.taxonomy,
        state=_state(basis, rests_on),
        score=score_threat(vector, {metric: choice.reason for metric, choice in metrics.items()}, factors),
        mitigations=_mitigations(pattern),
        evidence=tuple(dict.fromkeys(mark for fact in rests_on for mark in fact.evidence)),
        facts=tuple(fact.id for fact in rests_on),
        basis=basis,
        setting=setting,
        default_use=pattern.default_use and basis != "needs a setting",
        how=_marked(how, telling),
        lost=lost,
        by="embedded",
    )


def _mitigations(pattern: Pattern) -> tuple[Mitigation, ...]:
    yours = (Mitigation(text=text, who="you", status="proposed", evidence=()) for text in pattern.you)
    vendors = (Mitigation(text=text, who="vendor", status="proposed", evidence=()) for text in pattern.vendor)
    return (*yours, *vendors)


def _state(basis: Basis, rests_on: Sequence[Fact]) -> State:
    if any(fact.state == "contradicted" for fact in rests_on):
        return "contradicted"
    return "claimed" if basis == "quoted" else "inferred"


def _setting(pattern: Pattern, carrying: Sequence[Fact], facts: FactIndex) -> str:
    """Return the setting or deployment that the threat requires, as a clause that follows "if"."""
    if pattern.setting:
        return _lower(pattern.setting.fill(facts))
    named = [fact for fact in carrying if fact.polarity == "configurable"]
    words = load_wording().get(named[0].key) if named else None
    setting = f"it is set up to {words.do} {words.what}" if words else "the setting for it is switched on"
    return setting + marks(named, 1)


def _cited(metrics: Mapping[Metric, Choice], carrying: Sequence[Fact]) -> dict[Metric, Choice]:
    """Cite the trigger's facts in the reason of each high impact that comes from the pattern itself."""
    return {
        metric: choice._replace(reason=choice.reason + marks(carrying, 1))
        if choice.value == "H" and "[" not in choice.reason and not choice.reason.startswith(UNQUOTED)
        else choice
        for metric, choice in metrics.items()
    }


def _marked(how: str, rests_on: Sequence[Fact]) -> str:
    """Append marks to the text, before the final full stop."""
    cited = marks(rests_on, MAX_MARKS)
    return f"{how.rstrip('.')}{cited}." if cited else how


def _lower(text: str) -> str:
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _once(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    return tuple({fact.id: fact for fact in facts}.values())
