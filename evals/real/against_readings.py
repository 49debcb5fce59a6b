"""Compare drafts with an expert's readings, and compute the figures over all products. Pure functions: no files, no
clock.

A failed draft is listed, and counts as the worst value for factors and flags. A withheld score is excluded from the
share of high scores, but its CVSS base is still compared, since the draft has a headline.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from cvss import CVSS4

from agent.records import Draft, Record
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from agent.taxonomy.layers import LAYERS, LayerKey
from evals.cases.case import FactorReading, Reader
from evals.metrics.arithmetic import SCORE_TOP, count_flags, covered, error, f1, mean, precision, recall
from evals.metrics.measure import headline_base, of_reader
from evals.real.readings import Reading, plain_name

FACTORS: Final = FACTOR_SETS["0.5"]
HIGH: Final = 9.0
"""The lowest score in the Critical band."""
SHARE_APART: Final = 0.10
WANTED: Final[Mapping[str, tuple[tuple[str, bool, float], ...]]] = {
    "embedded": (
        ("kind_right", True, 0.85), ("factor_mae", False, 0.120), ("flag_f1", True, 0.74), ("base_mae", False, 0.85),
    ),
    "llm": (
        ("kind_right", True, 0.95), ("factor_mae", False, 0.075), ("flag_f1", True, 0.86), ("base_mae", False, 0.80),
    ),
}  # fmt: skip
"""Drafter → its target figures: name, whether higher is better, and bound. For comparison, two experts differ by 0.038
in a factor and by 0.83 in a base, and agree on flags with an F1 of 0.92."""
Figures = Mapping[str, float | None]


class Target(NamedTuple):
    """One target figure of a drafter, with the measured value and whether it is met."""

    what: str
    value: float | None
    met: bool


class Compared(Record):
    """The comparison of one draft with the expert's reading; None marks a missing value."""

    slug: str
    error: str | None
    """Why drafting failed, or None."""
    name: bool | None = False
    kind: bool | None = False
    factors: dict[FactorKey, tuple[float | None, float]]
    """The drafted value and the expert's value of each factor."""
    inside: float | None = 0.0
    """Share of the expert's values that lie in the drafted ranges."""
    layers: dict[LayerKey, tuple[bool | None, bool]]
    """Whether each layer is certain, according to the draft and to the expert."""
    base: float | None = None
    """CVSS base of the headline, 0 to 10."""
    read_base: float | None
    aivss: float | None = None
    read_aivss: float | None
    """The AIVSS score computed from the expert's base and factors, before controls."""
    withheld: bool = False
    partial: bool = False
    """Whether an LLM was asked but gave no threats, so that the draft shows the embedded drafter's instead."""
    scoreable: bool
    threats: int = 0
    musts: float | None
    """Share of the expert's must-have threats whose OWASP ASI id occurs in the draft; a rough proxy for having a person
    read the draft."""

    @property
    def factor_error(self) -> float | None:
        """Mean error over the ten factors, 0 to 1."""
        return mean(error(drafted, read) for drafted, read in self.factors.values())

    @property
    def bias(self) -> float | None:
        """Sum of the drafted factors minus the sum of the expert's factors; None for a failed draft."""
        gaps = [drafted - read for drafted, read in self.factors.values() if drafted is not None]
        return round(sum(gaps), 6) if len(gaps) == len(self.factors) else None


def failed(reading: Reading, why: str | None) -> Compared:
    """Return the row of a product whose draft failed."""
    base = float(CVSS4(reading.threats[0].cvss_vector).base_score) if reading.threats else None
    values = {key: FactorReading(value=factor.value) for key, factor in reading.factors.items()}
    score = of_reader(Reader(factors=values, cvss_base=base))
    return Compared(
        slug=reading.slug,
        error=why,
        factors={key: (None, reading.factors[key].value) for key in FACTORS},
        layers={key: (None, reading.layers[key].certain) for key in LAYERS},
        read_base=base,
        read_aivss=None if score is None else float(score),
        scoreable=reading.scoreable,
        musts=0.0 if any(threat.must for threat in reading.threats) else None,
    )


def compare(reading: Reading, draft: Draft) -> Compared:
    """Compare a draft with the expert's reading of the same listing."""
    row = failed(reading, None)
    threats = [threat for layer in draft.layers.values() for threat in layer.threats]
    ids = {ref.id for threat in threats for ref in threat.taxonomy}
    drafted = draft.factors
    return row.model_copy(
        update={
            "name": plain_name(draft.product.name) in reading.names,
            "kind": None if draft.product.kind is None else draft.product.kind == reading.kind,
            "factors": {key: (float(drafted[key].value), read) for key, (_, read) in row.factors.items()},
            "inside": mean(
                covered(float(drafted[key].low), float(drafted[key].high), read)
                for key, (_, read) in row.factors.items()
            ),
            "layers": {key: (draft.layers[key].certain, read) for key, (_, read) in row.layers.items()},
            "base": headline_base(draft),
            "aivss": None if draft.score.aivss is None else float(draft.score.aivss),
            "withheld": draft.score.withheld is not None,
            "partial": any(made.part == "threats" and made.missing is not None for made in draft.drafter.parts),
            "threats": len(threats),
            "musts": mean(threat.asi in ids for threat in reading.threats if threat.must),
        }
    )


def figures(rows: Sequence[Compared]) -> dict[str, float | None]:
    """Compute the figures over all products, in display order."""
    flags = count_flags(pair for row in rows for pair in row.layers.values())
    return {
        "products": float(len(rows)),
        "failed": float(sum(row.error is not None for row in rows)),
        "partial": float(sum(row.partial for row in rows)),
        "kind_right": mean(row.kind for row in rows),
        "name_right": mean(row.name for row in rows),
        "factor_mae": mean(row.factor_error for row in rows),
        "factor_sum_mae": mean(SCORE_TOP if row.error else abs(row.bias or 0.0) for row in rows),
        "factor_sum_bias": mean(row.bias for row in rows),
        "interval_coverage": mean(row.inside for row in rows),
        "flag_precision": precision(flags),
        "flag_recall": recall(flags),
        "flag_f1": f1(flags),
        "base_mae": mean(error(row.base, row.read_base, SCORE_TOP) for row in rows if row.base is not None),
        "bases": float(sum(row.base is not None for row in rows)),
        "base_mean": mean(row.base for row in rows),
        "base_mean_expert": mean(row.read_base for row in rows),
        "share_high": mean(row.aivss >= HIGH for row in rows if row.aivss is not None),
        "share_high_expert": mean(row.read_aivss >= HIGH for row in rows if row.read_aivss is not None),
        # The expert's share over the products whose draft has a score, since `share_high` excludes withheld drafts.
        "share_high_expert_scored": mean(
            row.read_aivss >= HIGH for row in rows if row.read_aivss is not None and row.aivss is not None
        ),
        "withheld": mean(row.withheld for row in rows if row.scoreable),
        "threats": mean(row.threats for row in rows if row.error is None),
        "musts_by_asi": mean(row.musts for row in rows),
    }


def targets(figures: Figures, drafter: str) -> list[Target]:
    """Return the targets of a drafter on real listings with the measured values; empty for an unknown drafter."""
    found = []
    for name, high, bound in WANTED.get(drafter, ()):
        value = figures.get(name)
        met = value is not None and (value >= bound if high else value <= bound)
        found.append(Target(f"{name} {'at least' if high else 'at most'} {bound}", value, met))
    if not found:
        return []
    own, expert = figures.get("share_high"), figures.get("share_high_expert")
    apart = None if own is None or expert is None else round(abs(own - expert), 6)
    what = f"share of scores from {HIGH} at most {SHARE_APART} from the expert's"
    return [*found, Target(what, apart, apart is not None and apart <= SHARE_APART)]
