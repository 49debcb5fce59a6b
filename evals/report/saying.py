"""Format numbers and verdicts in the same way for every report."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from agent.taxonomy.factors import FACTOR_TITLES
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LayerKey
from evals.gate.verdict import Finding, Moved, PairedTest, Verdict
from evals.metrics.results import LOSSES, CaseResult, Evaluation, LossName
from evals.metrics.summary import LabelSet

NONE: Final = "–"
MINUS: Final = "−"
HUNDRED: Final = 100
LABEL_TITLES: Final[dict[LabelSet, str]] = {"reader": "independent reader", "published": "published labels"}
LOSS_TITLES: Final[dict[LossName, str]] = {
    "factor_error": "factor error",
    "score_error": "score error",
    "flag_loss": "flag loss",
}
_TINY: Final = 5e-7
_SHORT: Final = {"mae": "MAE", "f1": "F1", "cvss": "CVSS", "augrc": "AUGRC", "llm": "LLM", "bm25": "BM25"}
Standing = Literal["pass", "fail", "inconclusive", "none"]


# ---------------------------------------------------------------- numbers


def number(value: float | None) -> str:
    """Format `value` with three decimals below 10, one below 1000, none above."""
    if value is None:
        return NONE
    size = abs(value)
    digits = 3 if size < 10 else 1 if size < 1000 else 0  # noqa: PLR2004 - the sentence above
    return _signless_zero(f"{value:.{digits}f}")


def tenth(value: float | None) -> str:
    """Format with one decimal, as in most labels."""
    return NONE if value is None else _signless_zero(f"{value:.1f}")


def hundredth(value: float | None) -> str:
    """Format with two decimals, as published labels may have, or with one when the second is 0."""
    return NONE if value is None else _signless_zero(f"{value:.2f}".removesuffix("0"))


def percent(value: float | None) -> str:
    """Format a share as a whole percentage."""
    return NONE if value is None else f"{HUNDRED * value:.0f} %"


def signed(value: float | None) -> str:
    """Format a difference with its sign."""
    if value is None:
        return NONE
    if abs(value) < _TINY:
        return "0"
    return ("+" if value > 0 else MINUS) + number(abs(value))


def difference(before: float | None, after: float | None) -> float | None:
    """Return after - before; None when either is missing."""
    return None if before is None or after is None else after - before


def relative(before: float | None, after: float | None) -> float | None:
    """Return the difference divided by |before|; None when a value is missing, `before` is 0 or the signs differ."""
    if before is None or after is None or not before or before * after < 0:
        return None
    return (after - before) / abs(before)


def relative_percent(before: float | None, after: float | None) -> str:
    """Format the relative difference in percent with its sign."""
    share = relative(before, after)
    if share is None:
        return NONE
    return "0 %" if abs(share) < _TINY else f"{'+' if share > 0 else MINUS}{abs(HUNDRED * share):.1f} %"


def _signless_zero(said: str) -> str:
    return said.lstrip("-") if said.startswith("-") and not said.strip("-0.") else said.replace("-", MINUS)


def count(many: int, one: str, more: str | None = None) -> str:
    """Format a count with its noun: "1 case", "226 cases", "1,582 layers"."""
    return f"{many:,} {one if many == 1 else more or one + 's'}"


# ---------------------------------------------------------------- metrics and cases


def layer_title(key: LayerKey) -> str:
    """Return a layer's code and title."""
    return f"{LAYER_CODES[key]} {LAYER_TITLES[key]}"


_TITLES: Final = dict[str, str]([*FACTOR_TITLES.items(), *((key, layer_title(key)) for key in LAYER_TITLES)])


def metric_title(name: str) -> str:
    """Return a readable title: `factors/persistent_memory/mae_reader` is "Persistent Memory: MAE reader"."""
    parts = [part for part in name.split("/") if part not in ("factors", "layers")]
    said = ": ".join(_TITLES.get(p) or " ".join(_SHORT.get(word, word) for word in p.split("_")) for p in parts)
    return said[:1].upper() + said[1:]


class MetricRow(NamedTuple):
    """The current value of a metric, and the baseline's value if there is a baseline."""

    name: str
    before: float | None
    after: float | None
    moved: bool
    worse: bool


def metric_rows(evaluation: Evaluation, verdict: Verdict | None) -> tuple[MetricRow, ...]:
    """Return all metrics of the evaluation in order, followed by those that only the baseline has."""
    moved = {move.metric: move for move in verdict.moved if "/" not in move.metric} if verdict else {}
    same = {name: MetricRow(name, value, value, False, False) for name, value in evaluation.metrics.items()}
    values = {name: evaluation.metrics.get(name, move.after) for name, move in moved.items()}
    rows = {n: MetricRow(n, move.before, values[n], True, move.worse) for n, move in moved.items()}
    return tuple((same | rows).values())


def part_moves(verdict: Verdict | None) -> tuple[Moved, ...]:
    """Return the changes of single factors, layers or patterns; those for the worse come first."""
    moves = [move for move in verdict.moved if "/" in move.metric] if verdict else []
    return tuple(sorted(moves, key=lambda move: (not move.worse, move.metric)))


def worst(results: Sequence[CaseResult], name: LossName, many: int) -> list[tuple[CaseResult, float]]:
    """Return the `many` cases with the greatest loss in descending order; ties are sorted by name."""
    known = [(result, loss) for result in results if (loss := LOSSES[name](result)) is not None]
    return sorted(known, key=lambda pair: (-pair[1], pair[0].case))[:many]


def vendor(family: str) -> str:
    """Return the key of a family without its prefix, for display."""
    return family.partition(":")[2] or family


# ---------------------------------------------------------------- the verdict


def standing(verdict: Verdict | None) -> Standing:
    """Return the outcome of the verdict; "none" when nothing was compared."""
    return verdict.outcome if verdict else "none"


def verdict_words(evaluation: Evaluation, verdict: Verdict | None) -> str:
    """Return the verdict as one or two sentences."""
    failed = len(evaluation.errors)
    counts = "counts" if failed == 1 else "count"
    broken = f" {count(failed, 'case')} could not be drafted and {counts} as the worst value." if failed else ""
    if verdict is None:
        return f"Measured without a baseline: values only.{broken}"
    how = "the same answers were replayed" if verdict.regime == "replay" else "the answers were recorded again"
    found = count(len(verdict.findings), "finding")
    said = {
        "pass": f"The gate passes: {how}; {found}." if verdict.findings else f"The gate passes: {how}, no finding.",
        "fail": f"The gate fails with {found}: {how}.",
        "inconclusive": f"The gate cannot tell: {how}, and these cases are too few to settle it.",
    }[verdict.outcome]
    if verdict.outcome == "fail" and ungated(evaluation):
        said = (
            f"Worse than the run it is compared with, in {found}; shown, not gated ({', '.join(evaluation.left_out)})."
        )
    changed = len(verdict.cases)
    drafts = "No draft measures differently." if not changed else f"{count(changed, 'draft')} changed."
    return f"{said} {drafts}{broken}"


def ungated(evaluation: Evaluation) -> bool:
    """Return whether the run used other cases or an incomplete drafter; such runs never fail because of the verdict."""
    return any(option.startswith(("--cases", "--without")) for option in evaluation.left_out)


def run_words(evaluation: Evaluation) -> str:
    """Describe the run on one line: drafter, cases and options."""
    less = f" ({', '.join(evaluation.left_out)})" if evaluation.left_out else ""
    return f"{evaluation.drafter} drafter, {count(evaluation.cases, 'case')}{less}"


def finding_words(finding: Finding) -> str:
    """Return the finding's sentence without the metric and the cases, which every report shows next to the sentence."""
    said = finding.text.removeprefix(f"{finding.metric}: ")
    head, semicolon, tail = said.rpartition("; ")
    return head if semicolon and finding.cases and tail.startswith(finding.cases[0]) else said


def next_words(evaluation: Evaluation, verdict: Verdict | None) -> str:
    """Return what to do about a verdict that does not pass; empty when it passes or the run is not gated."""
    if verdict is None or verdict.outcome == "pass" or ungated(evaluation):
        return ""
    if verdict.outcome == "inconclusive":
        return "Next: ask about more cases (a larger --sample, or none), or ask each case more often (--repeats 3)."
    whole = "" if not evaluation.left_out else f" of a run without {', '.join(evaluation.left_out)}"
    return (
        f"Next: look at the cases listed first; fix the change, or accept an intended one{whole} with "
        f"`{accept_command(evaluation.drafter, verdict)}`."
    )


def accept_command(drafter: str, verdict: Verdict) -> str:
    """Return the command that makes the judged run the baseline."""
    whose = "" if drafter == "embedded" else f" --drafter {drafter}"
    folder = " --run DIR" if verdict.regime == "re-recorded" else ""
    return f'septet eval accept{whose}{folder} --reason "…"'


def test_words(test: PairedTest) -> str:
    """Describe one paired test in a sentence."""
    more = (
        f"; about {count(test.further_cases, 'further case')} would settle it"
        if test.verdict == "cannot tell" and test.further_cases is not None
        else ""
    )
    return (
        f"{test.verdict}: mean difference {signed(test.mean_difference)} (90 % interval {signed(test.low)} "
        f"to {signed(test.high)}) over {count(test.cases, 'case')}, p(worse) {number(test.p_worse)}, p(not inferior "
        f"by {number(test.margin)}) {number(test.p_not_inferior)}, detectable {number(test.detectable)}{more}"
    )
