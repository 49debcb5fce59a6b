"""Compare drafts with an expert's readings and compute the figures over all products. Pure: no files, no clock.

A failed draft is named and counts as the worst value for factors and flags. A withheld score is excluded from the
share of high scores, but its CVSS base is still compared, since the draft has a headline.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from cvss import CVSS4

from agent.records import Draft, Record
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from agent.taxonomy.layers import LAYERS, LayerKey
from evals.cases.case import FactorReading, Reader
from evals.metrics.arithmetic import SCORE_TOP, count_flags, covered, error, f1, mean, precision, recall
from evals.metrics.measure import of_reader
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
    name: bool | None
    kind: bool | None
    factors: dict[FactorKey, tuple[float | None, float]]
    """The drafted value and the expert's value of each factor."""
    inside: float | None
    """Share of the expert's values that lie in the drafted ranges."""
    layers: dict[LayerKey, tuple[bool | None, bool]]
    """Whether each layer is certain, according to the draft and to the expert."""
    base: float | None
    """CVSS base of the headline, 0 to 10."""
    read_base: float | None
    aivss: float | None
    read_aivss: float | None
    """The AIVSS score computed from the expert's base and factors, before controls."""
    withheld: bool
    scoreable: bool
    threats: int
    musts: float | None
    """Share of the expert's must-have threats whose OWASP ASI id occurs in the draft; a rough substitute for a human
    reader of the draft."""

    @property
    def factor_error(self) -> float | None:
        """Mean error over the ten factors, 0 to 1."""
        return mean(error(drafted, read) for drafted, read in self.factors.values())

    @property
    def bias(self) -> float | None:
        """Sum of the drafted factors minus the sum of the expert's factors; None for a failed draft."""
        return _sum_bias(self)


def compare(reading: Reading, draft: Draft) -> Compared:
    """Compare a draft with the expert's reading of the same listing."""
    base = read_base(reading)
    ids = {ref.id for layer in draft.layers.values() for threat in layer.threats for ref in threat.taxonomy}
    values = {key: (float(draft.factors[key].value), reading.factors[key].value) for key in FACTORS}
    return Compared(
        slug=reading.slug,
        error=None,
        name=plain_name(draft.product.name) in reading.names,
        kind=None if draft.product.kind is None else draft.product.kind == reading.kind,
        factors=values,
        inside=mean(
            float(covered(float(draft.factors[key].low), float(draft.factors[key].high), reading.factors[key].value))
            for key in FACTORS
        ),
        layers={key: (draft.layers[key].certain, reading.layers[key].certain) for key in LAYERS},
        base=_number(_base(draft)),
        read_base=base,
        aivss=_number(draft.score.aivss),
        read_aivss=_read_score(reading, base),
        withheld=draft.score.withheld is not None,
        scoreable=reading.scoreable,
        threats=sum(len(layer.threats) for layer in draft.layers.values()),
        musts=mean(float(threat.asi in ids) for threat in reading.threats if threat.must),
    )


def failed(reading: Reading, why: str) -> Compared:
    """Return the row of a product whose draft failed."""
    base = read_base(reading)
    return Compared(
        slug=reading.slug,
        error=why,
        name=False,
        kind=False,
        factors={key: (None, reading.factors[key].value) for key in FACTORS},
        inside=0.0,
        layers={key: (None, reading.layers[key].certain) for key in LAYERS},
        base=None,
        read_base=base,
        aivss=None,
        read_aivss=_read_score(reading, base),
        withheld=False,
        scoreable=reading.scoreable,
        threats=0,
        musts=0.0 if any(threat.must for threat in reading.threats) else None,
    )


def read_base(reading: Reading) -> float | None:
    """Return the CVSS base of the expert's first threat, or None without threats."""
    return float(CVSS4(reading.threats[0].cvss_vector).base_score) if reading.threats else None


def figures(rows: Sequence[Compared]) -> dict[str, float | None]:
    """Compute the figures over all products, in display order."""
    flags = count_flags(pair for row in rows for pair in row.layers.values())
    sums = [error(None, SCORE_TOP, SCORE_TOP) if row.error else abs(row.bias or 0.0) for row in rows]
    return {
        "products": float(len(rows)),
        "failed": float(sum(row.error is not None for row in rows)),
        "kind_right": _share(rows, lambda row: row.kind),
        "name_right": _share(rows, lambda row: row.name),
        "factor_mae": mean(found for row in rows if (found := row.factor_error) is not None),
        "factor_sum_mae": mean(sums),
        "factor_sum_bias": mean(row.bias for row in rows if row.bias is not None),
        "interval_coverage": mean(row.inside for row in rows if row.inside is not None),
        "flag_precision": precision(flags),
        "flag_recall": recall(flags),
        "flag_f1": f1(flags),
        "base_mae": mean(
            abs(row.base - row.read_base) for row in rows if row.base is not None and row.read_base is not None
        ),
        "bases": float(sum(row.base is not None for row in rows)),
        "base_mean": mean(row.base for row in rows if row.base is not None),
        "base_mean_expert": mean(row.read_base for row in rows if row.read_base is not None),
        "share_high": mean(float(row.aivss >= HIGH) for row in rows if row.aivss is not None),
        "share_high_expert": mean(float(row.read_aivss >= HIGH) for row in rows if row.read_aivss is not None),
        "withheld": mean(float(row.withheld) for row in rows if row.scoreable),
        "threats": mean(float(row.threats) for row in rows if row.error is None),
        "musts_by_asi": mean(row.musts for row in rows if row.musts is not None),
    }


def targets(figures: Mapping[str, float | None], drafter: str) -> list[Target]:
    """Return the targets of a drafter on real listings with the measured values; empty for an unknown drafter."""
    found = [
        Target(
            f"{name} {'at least' if high else 'at most'} {bound}", figures.get(name), _meets(figures, name, bound, high)
        )
        for name, high, bound in WANTED.get(drafter, ())
    ]
    if not found:
        return []
    own, expert = figures.get("share_high"), figures.get("share_high_expert")
    apart = None if own is None or expert is None else round(abs(own - expert), 6)
    what = f"share of scores from {HIGH} at most {SHARE_APART} from the expert's"
    return [*found, Target(what, apart, apart is not None and apart <= SHARE_APART)]


def _meets(figures: Mapping[str, float | None], name: str, bound: float, high: bool) -> bool:
    value = figures.get(name)
    if value is None:
        return False
    return value >= bound if high else value <= bound


def _share(rows: Sequence[Compared], of: Callable[[Compared], bool | None]) -> float | None:
    return mean(float(found) for row in rows if (found := of(row)) is not None)


def _sum_bias(row: Compared) -> float | None:
    if any(drafted is None for drafted, _ in row.factors.values()):
        return None
    return round(sum((drafted or 0.0) - read for drafted, read in row.factors.values()), 6)


def _base(draft: Draft) -> Decimal | None:
    score = draft.score
    if score.cvss_base is None and score.inputs is not None and score.inputs.cvss_base is not None:
        return score.inputs.cvss_base.value
    return score.cvss_base


def _read_score(reading: Reading, base: float | None) -> float | None:
    factors = {key: FactorReading(value=value.value) for key, value in reading.factors.items()}
    return _number(of_reader(Reader(factors=factors, cvss_base=base)))


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
