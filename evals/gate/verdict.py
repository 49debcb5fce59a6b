"""Records of the gate's verdict: findings that fail it, tests between two recordings, and everything that changed."""

from typing import Literal

from pydantic import Field

from agent.records import Record

Regime = Literal["replay", "re-recorded"]
Outcome = Literal["pass", "fail", "inconclusive"]
Better = Literal["better", "not worse", "worse", "cannot tell"]
Rule = Literal["invariant", "floor", "metric", "case", "test", "margin"]


class Moved(Record):
    """A number that differs from the baseline."""

    metric: str
    """Name of the metric; includes the key for one factor or layer, as in `factors/persistent_memory/mae_reader`."""
    before: float | None
    after: float | None
    worse: bool
    """Whether the change is for the worse; False for a number that has no better direction."""


class Finding(Record):
    """One reason to fail."""

    rule: Rule
    metric: str
    text: str
    """One sentence with the numbers."""
    cases: tuple[str, ...] = ()
    """The cases behind the finding, the worst first."""


class CaseMove(Record):
    """A case whose measurements differ from those in the baseline."""

    case: str
    moved: tuple[Moved, ...]
    """The values that changed, such as factor errors, flags or score: `factors/KEY`, `layers/KEY`, `factor_error`, …"""


class PairedTest(Record):
    """One primary loss compared between two recordings of the same cases."""

    metric: str
    cases: int
    mean_difference: float
    """New minus old; above 0 is worse."""
    low: float
    """Lower end of the mean difference's 90 % interval, from a bootstrap over whole vendor families; shown, but not
    used in the verdict."""
    high: float
    p_worse: float
    """p value of the one-sided sign-flip test that the loss is worse, before Holm's correction."""
    p_not_inferior: float
    """p value of the one-sided sign-flip test that the loss is worse by less than the margin."""
    margin: float
    detectable: float
    """Smallest mean difference that this many cases would detect in four of five runs."""
    verdict: Better
    further_cases: int | None
    """For "cannot tell": the approximate number of further cases that would settle the verdict."""


class Verdict(Record):
    """The gate's verdict on a run."""

    regime: Regime
    outcome: Outcome
    findings: tuple[Finding, ...]
    moved: tuple[Moved, ...]
    """All aggregated metrics that differ from those of the baseline."""
    cases: tuple[CaseMove, ...]
    """The cases whose measurements differ, the worst first."""
    tests: tuple[PairedTest, ...] = ()
    notes: tuple[str, ...] = Field(default=())
    """Other notes for the reader, such as which fingerprints differ."""
