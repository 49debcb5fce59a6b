"""Scores with all their inputs."""

from agent.records.base import FormulaId, Mode, Number, Record
from agent.taxonomy.factors import FactorKey, FactorSet
from agent.taxonomy.kinds import Band


class Range(Record):
    """A value with its lower and upper bound."""

    value: Number
    low: Number
    high: Number


class ScoreInputs(Record):
    """The inputs of a score, sufficient to recompute it."""

    cvss_base: Range | None
    factors: dict[FactorKey, Range] | None = None
    factor_sum: Range | None
    threat_multiplier: Range
    mitigation_factor: Range


class LikelyConstants(Record):
    """Distances from the raw score to the ends of the joint 80 % range, before these are rounded outward to tenths."""

    below: Number
    above: Number
    calibration: str
    """Name of the calibration that produced the constants."""


class Controls(Record):
    """The score with documented controls taken into account, shown next to the score before controls."""

    mitigation_factor: Number
    aivss: Number
    severity: Band
    evidence: tuple[str, ...]


class WithoutClaims(Record):
    """The score that the draft would have if no vendor statement were allowed to lower it.

    It ignores every lowering by evidence of rank 2 or less: limits ("read-only", "keeps nothing"), denials, and
    conditions that ease a threat. Threats that only these suppress therefore count as well. Mere claims never lower
    anything. The result is never below the draft's own score.
    """

    aivss: Number | None
    severity: Band | None
    withheld: str | None
    """Why no number is shown, or None."""


class Score(Record):
    """One score with its arithmetic, recomputed on loading (scoring.verify)."""

    formula: FormulaId
    mode: Mode
    factor_set: FactorSet | None
    cvss_vector: str | None
    cvss_base: Number | None
    factor_sum: Number | None
    aars: Number | None
    threat_multiplier: Number
    mitigation_factor: Number
    aivss: Number | None
    severity: Band | None
    low: Number | None
    high: Number | None
    likely_low: Number | None
    likely_high: Number | None
    withheld: str | None
    """Why no number is shown, or None."""
    provisional: Number | None
    with_controls: Controls | None
    revision: int
    arithmetic: str
    alternatives: dict[FormulaId, Number | None]
    warnings: tuple[str, ...] = ()
    inputs: ScoreInputs | None = None
    likely: LikelyConstants | None = None
    without_vendor_claims: WithoutClaims | None = None
    """None if the score does not belong to a draft."""
