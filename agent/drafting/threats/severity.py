"""Score threats: derive CVSS v4.0 base metrics from facts, each with a reason, and the resulting severity.

The catalogue's metrics are rules over facts. An LLM's metrics are checked against the same facts; a metric that
contradicts them is corrected, and its reason says so. Conventions (CVSS v4.0 base; each product is one vulnerable
system): injected content is AV:N, PR:N, and AT:P unless the product reads it unprompted. UI:N needs an unattended
start; UI:A needs a default approval of rank 3 before the consequential step. An impact is H only if a fact shows that
the attacker reaches it.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple

from agent.drafting.judgement import JudgedMetric, JudgedThreat, Metric, lacks_attacker
from agent.drafting.threats.catalogue import Pattern, load_catalogue
from agent.drafting.threats.cvss_vectors import IMPACTS, METRICS, VALUES, base_of, vector_of
from agent.drafting.threats.expressions import FactIndex, Truth
from agent.drafting.wording import marks
from agent.facts.sheet import CONTROL_RANK, counted
from agent.facts.vocabulary import load_vocabulary
from agent.records import Fact, FactorEstimate, FactSheet, Range, ThreatScore
from agent.scoring import Request, score
from agent.taxonomy.factors import FACTOR_SETS, FactorKey

THREAT_MULTIPLIER: Final = Decimal("0.97")
MITIGATION: Final = Decimal("1.00")
"""The mitigation factor before controls."""
LIKELY: Final = 0.3
"""Minimum probability at which an ability counts for an impact without a quote, since the riskier reading applies.
Fitted to the bases that readers gave 30 listings: the mean error is 0.94 (0.93 to 0.97 for values from 0.2 to 0.35),
and 1.52 without this rule."""
UNQUOTED: Final = "likely from the text as a whole, although no quote states it"
OPEN_CHANCE: Final = 0.15
"""Minimum probability of a key at which a metric that depends on it is open."""
OPEN_METRICS: Final[frozenset[Metric]] = frozenset(("AT", "UI"))
"""Metrics that are open if the sources are silent, since listings seldom say who starts a run or how content enters."""
MAX_BELOW: Final = Decimal("2.0")
"""How far an LLM's highest base may be below the catalogue's; for comparison, two experts differ by 0.8 on average."""
Factors = Mapping[FactorKey, FactorEstimate]


class Choice(NamedTuple):
    """The value of one metric."""

    value: str
    reason: str
    facts: tuple[Fact, ...] = ()
    """The deciding facts; empty if the value comes from the reference vector."""
    others: tuple[str, ...] = ()
    """Other values that are possible given the facts."""


def metrics_of(
    pattern: Pattern, facts: FactIndex, source: str, likely: FactIndex | None = None
) -> dict[Metric, Choice]:
    """Compute all metrics of a pattern for a product; `source` is the name of the attacker's content.

    `likely` has the same facts plus those that the readers consider likely. If these make an impact more severe, that
    value is used, the reason says that no quote states it, and the value based on facts alone is recorded as another
    possible value. Likely facts never decide how an attacker enters or who starts a run.
    """
    made = {metric: _choice(pattern, metric, facts, source) for metric in METRICS}
    for metric in IMPACTS if likely is not None and likely.supposed else ():
        assert likely is not None
        plain, graver = made[metric], _choice(pattern, metric, likely, source)
        if VALUES[metric].index(graver.value) < VALUES[metric].index(plain.value):
            others = tuple(other for other in dict.fromkeys((plain.value, *plain.others)) if other != graver.value)
            made[metric] = graver._replace(reason=f"{UNQUOTED}: {graver.reason}", others=others)
    return made


def supposable(sheet: FactSheet, facts: FactIndex) -> tuple[str, ...]:
    """Return the likely keys that count for severity without a quote and that no fact states or contradicts.

    Empty if an LLM read the sources, because the LLM would have found these keys.
    """
    if any(search.reader == "llm" for search in sheet.searched) or any(fact.read_by("llm") for fact in sheet.facts):
        return ()
    words = load_vocabulary()
    stated = {fact.key for fact in counted(sheet, polarity="asserted")}
    return tuple(
        key
        for key, chance in facts.chances.items()
        if chance >= LIKELY
        and key in words
        and words[key].claim == "ability"
        and not facts.of(key)
        and not any(words.opposed(key, other) for other in stated)
    )


def _choice(pattern: Pattern, metric: Metric, facts: FactIndex, source: str) -> Choice:
    """Apply the first rule that holds. The value of an earlier rule that might hold is another possible value."""
    others: dict[str, None] = {}
    for rule in pattern.metrics[metric]:
        truth = rule.when.of(facts) if rule.when else Truth(True)
        if truth.holds:
            reason = rule.because.fill(facts, source)
            cited = marks((fact.evidence[0] for fact in truth.facts), 2)
            kept = tuple(value for value in others if value != rule.value)
            return Choice(rule.value, reason[:1].lower() + reason[1:] + cited, truth.facts, kept)
        unknown = [key for key in rule.when.keys if not facts.of(key)] if rule.when else []
        chances = [facts.chances.get(key, 0.0) for key in unknown]
        if unknown if metric in OPEN_METRICS else any(OPEN_CHANCE <= chance < LIKELY for chance in chances):
            others[rule.value] = None
    raise AssertionError(f"{pattern.id}: {metric} has no last rule")


def vector(metrics: Mapping[Metric, Choice | JudgedMetric]) -> str:
    """Build the CVSS vector of these metrics."""
    return vector_of({metric: one.value for metric, one in metrics.items()})


def base_range(metrics: Mapping[Metric, Choice]) -> Range:
    """Compute the base, and the range that it covers when the open metrics are changed one at a time."""
    base = base_of(vector(metrics))
    reached = [
        base_of(vector({**metrics, metric: choice._replace(value=other)}))
        for metric, choice in metrics.items()
        for other in choice.others
    ]
    return Range(value=base, low=min([base, *reached]), high=max([base, *reached]))


def score_threat(metrics: Mapping[Metric, Choice | JudgedMetric], factors: Factors) -> ThreatScore:
    """Score one threat by AIVSS 0.8 in directory mode before controls, using the ten factors of set 0.5."""
    total = sum((factors[key].value for key in FACTOR_SETS["0.5"]), Decimal(0))
    scored = score(aivss_request(cvss_vector=vector(metrics), factor_sum=point(total)))
    assert scored.aivss is not None
    assert scored.severity is not None
    return ThreatScore(
        cvss_vector=vector(metrics),
        cvss_base=base_of(vector(metrics)),
        aivss=scored.aivss,
        severity=scored.severity,
        reasons={metric: metrics[metric].reason for metric in METRICS},
    )


def point(value: Decimal) -> Range:
    """Build a range that contains only one value."""
    return Range(value=value, low=value, high=value)


aivss_request: Final = partial(
    Request,
    threat_multiplier=point(THREAT_MULTIPLIER),
    mitigation_factor=point(MITIGATION),
    formula="aivss-0.8",
    mode="directory",
)
"""Builds the request for a score by AIVSS 0.8 in directory mode before controls."""


def check_metrics(
    threat: JudgedThreat, facts: FactIndex, like: Mapping[Metric, Choice] | None = None
) -> dict[Metric, JudgedMetric]:
    """Return an LLM's metrics for a threat, after correcting those that contradict a fact and less severe ones that no
    fact supports; the reason of a corrected metric says so. A loss or a way in that no fact mentions is not corrected:
    on the recorded cases, the LLM's own impacts are closer to a reader's (mean error of the base 0.90) than impacts
    limited to the facts (0.99).

    `like` has the catalogue's metrics for the same threat, if the LLM's own metrics would take the score below its
    floor. As few less severe metrics as possible are then reset to the catalogue's values, until the base is at
    most `MAX_BELOW` below the catalogue's.
    """
    made = {metric: _checked(metric, threat, facts) for metric in METRICS}
    return _raised(made, like) if like else made


def _checked(metric: Metric, threat: JudgedThreat, facts: FactIndex) -> JudgedMetric:
    judged = threat.metrics.get(metric)
    if judged is None or judged.value not in VALUES[metric]:
        return JudgedMetric(value=VALUES[metric][1 if metric in IMPACTS else 0], reason="no value was given")
    value = judged.value
    found: tuple[str, str] | None = None
    if metric == "AV" and value in "LP" and not _any("local_access", facts):
        found = "N", "no fact places the attacker on the machine"
    elif metric == "AT" and lacks_attacker(threat.actor):
        found = "P", "the LLM first has to make the mistake"
    elif metric == "UI":
        found = _interaction(threat, value, facts)
    if found is None or found[0] == value:
        return judged
    return JudgedMetric(
        value=found[0], reason=f"{found[1]}; corrected from {value}, which was justified by: {judged.reason}"
    )


def _interaction(threat: JudgedThreat, value: str, facts: FactIndex) -> tuple[str, str] | None:
    approvals = facts.says("approval_before", "asserted", CONTROL_RANK)
    cited = [fact for fact in approvals if fact.id in threat.facts]
    if value in "NP" and cited and threat.basis != "needs a setting":
        return "A", "the step requires approval by default" + marks((fact.evidence[0] for fact in cited), 2)
    # The threat starts with content that an outsider plants where a user's task will read it.
    privilege = threat.metrics.get("PR")
    planted = privilege is not None and privilege.value == "N" and not _any("open_doors", facts)
    if value == "N" and planted and not _any("self_started", facts):
        return "P", "no fact states that a run starts without a person"
    if value == "A" and not approvals and not _any("proposals", facts) and planted:
        return "P", "no approval is documented with its setting, default and scope"
    return None


def _any(term: str, facts: FactIndex) -> bool:
    return load_catalogue().terms[term].of(facts).holds


def _raised(made: dict[Metric, JudgedMetric], like: Mapping[Metric, Choice]) -> dict[Metric, JudgedMetric]:
    def base(metrics: Mapping[Metric, JudgedMetric]) -> Decimal:
        return base_of(vector(metrics))

    floor = base_of(vector(like)) - MAX_BELOW
    current = made
    while base(current) < floor:
        options = []
        for metric, choice in like.items():
            one = current[metric]
            if VALUES[metric].index(one.value) > VALUES[metric].index(choice.value):
                why = f"{choice.reason}; corrected from {one.value}, which was justified by: {one.reason}"
                options.append({**current, metric: JudgedMetric(value=choice.value, reason=why)})
        if not options:
            break
        enough = [option for option in options if base(option) >= floor]
        # Stay as close to the LLM's base as the floor allows. If no single metric is enough, use the strongest.
        current = min(enough, key=base) if enough else max(options, key=base)
    return current
