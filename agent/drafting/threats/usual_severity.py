"""Sets open metrics to typical values for products of the same kind with the same abilities.

    expectation = bias + term of the kind + Σ weight[key] · probability of key    (readers' CVSS bases; weights ≥ 0)
    aim         = OWN · own base + (1 − OWN) · expectation

If a threat in default use is graver than its aim, one open metric is set to the value that brings the base closest to
the aim; likewise if the headline is milder. Metrics decided by a fact are never changed, and the reason of a changed
metric states the source. Controls have no weight, so a vendor's promises have no effect.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from agent.drafting.calibration import BaseCalibration
from agent.drafting.judgement import Metric
from agent.drafting.threats.candidates import Candidate
from agent.drafting.threats.catalogue import METRICS
from agent.drafting.threats.cvss_vectors import base_of
from agent.drafting.threats.severity import Choice, score_threat, vector_of
from agent.records import FactorEstimate, FactSheet
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import KIND_TITLES, ProductKind

OWN: Final = 0.3
"""Weight of the base computed by the rules; values from 0 to 0.5 differ by less than 0.03 in mean error."""
CONFIRMED: Final = "A"
"""Value of UI if a person confirms the step."""
LEAST: Final = 4.0
MOST: Final = 9.6
"""Upper bound of the expectation, as `LEAST` is the lower bound; readers' bases rarely lie outside."""


def usual_base(sheet: FactSheet, kind: ProductKind, constants: BaseCalibration) -> float:
    """Predict the base that readers would give the product's first threat, 4 to 9.6."""
    chances = sheet.outlook.chances
    told = sum(weight * chances.get(key, 0.0) for key, weight in constants.chances.items())
    return min(MOST, max(LEAST, constants.bias + constants.kinds.get(kind, 0.0) + told))


def settled(
    candidate: Candidate,
    usual: float,
    kind: ProductKind,
    factors: Mapping[FactorKey, FactorEstimate],
    *,
    raised: bool = False,
) -> Candidate:
    """Set one open metric to its usual value if that brings the candidate's base closer to its aim.

    The base only falls, or only rises with `raised`. A threat with a documented approval by a person is not raised, so
    that the approval keeps its full effect on the base.
    """
    if raised and candidate.metrics["UI"].value == CONFIRMED and candidate.metrics["UI"].facts:
        return candidate
    own = base_of(_vector(candidate.metrics))
    aim = OWN * float(own) + (1 - OWN) * usual
    made = [(base, metrics) for base, metrics in _alternatives(candidate.metrics, kind) if (base > own) == raised]
    if (aim > own) != raised or not made:
        return candidate
    base, metrics = min(made, key=lambda one: (abs(float(one[0]) - aim), one[0]))
    if abs(float(base) - aim) >= abs(float(own) - aim):
        return candidate
    score = score_threat(_vector(metrics), {metric: choice.reason for metric, choice in metrics.items()}, factors)
    return candidate._replace(threat=candidate.threat.model_copy(update={"score": score}), metrics=metrics)


def _alternatives(
    metrics: Mapping[Metric, Choice], kind: ProductKind
) -> Iterator[tuple[Decimal, dict[Metric, Choice]]]:
    """Yield each variant that changes one open metric and thereby the base, together with the new base."""
    own = base_of(_vector(metrics))
    title = KIND_TITLES[kind]
    article = "an" if title[0].lower() in "aeiou" or title.startswith("MCP") else "a"
    for metric in METRICS:
        choice = metrics[metric]
        for value in choice.others:
            if metric == "UI" and value == CONFIRMED:
                # Without a fact, do not assume that a person confirms.
                continue
            others = tuple(other for other in (choice.value, *choice.others) if other != value)
            reason = f"the sources leave it open; usual for {article} {title} with these abilities"
            changed = {**metrics, metric: Choice(value, reason, (), others)}
            base = base_of(_vector(changed))
            if base != own:
                yield base, changed


def _vector(metrics: Mapping[Metric, Choice]) -> str:
    return vector_of({metric: choice.value for metric, choice in metrics.items()})
