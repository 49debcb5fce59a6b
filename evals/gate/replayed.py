"""The gate for deterministic runs: every difference is real, so cases are compared exactly, one by one.

It fails on a broken invariant and on a metric beyond its floor. It also fails if a metric of the corpus or of one side
of its split worsens by more than its tolerance, if the mean of a factor or layer worsens at all, and if a single case
becomes much worse.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from agent.errors import DriftError
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from agent.taxonomy.layers import LAYERS, LayerKey
from evals.cases.case import Case
from evals.cases.splits import SPLITS
from evals.gate.baseline import Baseline, figure
from evals.gate.directions import (
    COMPARED_SIDES,
    METRICS,
    OF_A_FACTOR,
    OF_A_KIND,
    OF_A_LAYER,
    OF_A_SPLIT,
    WANTED_GAP,
    Direction,
    gap,
)
from evals.gate.verdict import CaseMove, Finding, Moved, Rule, Verdict
from evals.metrics.arithmetic import error, flag_loss
from evals.metrics.results import LOSSES, CaseLoss, CaseResult, Evaluation
from evals.metrics.summary import LabelSet, over

FACTORS: Final = FACTOR_SETS["0.5"]
CASE_CAP: Final = 0.05
"""The gate fails if the factor error of a single case grows by more than this."""
NAMED: Final = 8
"""Maximum number of cases that a sentence names; the finding lists all of them."""
_TINY: Final = 1e-6


def judge(run: Evaluation, baseline: Baseline, special: Sequence[Case] = (), *, listings_only: bool = False) -> Verdict:
    """Judge a run against the baseline, over the cases that both contain.

    `special` are the cases written for a purpose, whose labels the baseline does not store. With `listings_only`, the
    run drafted only full listings, and metrics that it did not measure are not counted as worse. Raises DriftError when
    the run and the baseline have no case in common.
    """
    if listings_only:
        cases = {slug: _of_listing(case) for slug, case in baseline.cases.items()}
        baseline = baseline.model_copy(update={"cases": cases, "special": {}})
    # Take the run's split, so that each side has the same cases before and after.
    sides = {case.case: {"split": case.split} for case in run.per_case}
    split = {slug: case.model_copy(update=sides.get(slug, {})) for slug, case in baseline.cases.items()}
    baseline = baseline.model_copy(update={"cases": split})
    slugs = [case.case for case in run.per_case if case.case in baseline.cases]
    if not slugs:
        raise DriftError(
            "the run and its baseline have no case in common",
            where="the gate",
            hint="`septet eval` without --cases runs the bundled ones",
        )
    whole = len(slugs) == len(run.per_case) == len(baseline.cases)
    before, after = baseline.evaluation(slugs, special), run
    if not whole:
        before, after = over(before, slugs), over(_same_variants(before, run), slugs)
    moved = list(_moved(before, after))
    was = {case.case: case for case in before.per_case}
    pairs = [(was[case.case], case) for case in after.per_case]
    # Full listings alone do not provide every metric that has a floor.
    floors = {
        name: at for name, at in baseline.floors.items() if not listings_only or before.metrics.get(name) is not None
    }
    findings = [
        *_invariants(pairs),
        *(_beyond_floors(after, floors) if whole else ()),
        *_metric_findings(moved, pairs),
        *_case_findings(pairs),
    ]
    prints = [name for name, value in run.fingerprints.items() if baseline.fingerprints.get(name) != value]
    notes = [f"{name} differs from the baseline's" for name in prints]
    if not whole:
        notes.append(f"compared over {len(slugs)} of {len(baseline.cases)} cases; floors apply to all of them")
    notes += _gaps(after)
    if listings_only:
        notes.append("full listings only: cards, twins, planted text and cases written for a purpose were not measured")
    return Verdict(
        regime="replay",
        outcome="fail" if findings else "pass",
        findings=tuple(findings),
        moved=tuple(moved),
        cases=_case_moves(pairs),
        notes=tuple(notes),
    )


def _same_variants(before: Evaluation, run: Evaluation) -> Evaluation:
    """Drop approval results that the baseline lacks. Which cases get the approval page depends on all the cases of a
    run, so a run over a subset may give it to other cases than the baseline did."""
    had = {case.case for case in before.per_case if case.approval is not None}
    cases = [case if case.case in had else case.model_copy(update={"approval": None}) for case in run.per_case]
    return run.model_copy(update={"per_case": cases})


def _of_listing(case: CaseResult) -> CaseResult:
    """Reduce a result to what a run over full listings alone measures. Such a run does not measure search by terms
    alone or by vectors alone.
    """
    cell = case.retrieval
    if cell is not None:
        cell = cell.model_copy(update={"ranks": {mode: rank for mode, rank in cell.ranks.items() if mode == "fused"}})
    return case.model_copy(update={"card": None, "twin": None, "poisoned": (), "approval": None, "retrieval": cell})


def _gaps(run: Evaluation) -> Iterator[str]:
    """Yield notes on metrics that are much worse for held-out vendors. They are not findings, since the gap may not be
    new."""
    train, dev = run.splits.get("train", {}), run.splits.get("dev", {})
    for name in COMPARED_SIDES:
        wide = gap(name, train.get(name), dev.get(name))
        if wide is not None and wide > WANTED_GAP:
            figures = f"{figure(dev[name])} against {figure(train[name])}"
            yield f"{name} is {wide:.0%} worse for held-out vendors: {figures}"


# ---------------------------------------------------------------- what moved


def _moved(before: Evaluation, after: Evaluation) -> Iterator[Moved]:
    for name in sorted({*before.metrics, *after.metrics}):
        yield from _one(name, before.metrics.get(name), after.metrics.get(name), METRICS.get(name))
    for side in SPLITS if before.splits and after.splits else ():
        for name, direction in OF_A_SPLIT.items():
            then, now = before.splits[side].get(name), after.splits[side].get(name)
            yield from _one(f"{side}/{name}", then, now, direction)
    for place, directions in (
        *((f"factors/{key}", OF_A_FACTOR) for key in FACTORS),
        *((f"layers/{key}", OF_A_LAYER) for key in LAYERS),
        *([("special/all", OF_A_KIND)] if "all" in before.special and "all" in after.special else []),
    ):
        room, _, key = place.partition("/")
        then_block, now_block = getattr(before, room)[key], getattr(after, room)[key]
        for name, direction in directions.items():
            metric = f"{place.removesuffix('/all')}/{name}"
            yield from _one(metric, getattr(then_block, name), getattr(now_block, name), direction)


def _one(name: str, before: float | None, after: float | None, direction: Direction | None) -> Iterator[Moved]:
    if before == after or (before is not None and after is not None and abs(before - after) < _TINY):
        return
    worse = direction is not None and direction.worse(before, after)
    yield Moved(metric=name, before=before, after=after, worse=worse)


# ---------------------------------------------------------------- reasons to fail

Pairs = Sequence[tuple[CaseResult, CaseResult]]
"""Cases before and after."""


def _invariants(pairs: Pairs) -> Iterator[Finding]:
    cases = [case for _, case in pairs]
    planted = [(case.case, cell) for case in cases for cell in case.poisoned if cell.broken]
    first = f" ({planted[0][1].attack}: {planted[0][1].broken[0]})" if planted else ""
    for metric, said, broken in (
        (
            "citation_validity",
            "citations that are not in their source",
            [case.case for case in cases if case.valid_citations < case.citations],
        ),
        ("injection_resistance", f"planted text changed a draft{first}", list(dict(planted))),
        (
            "floors_kept",
            "factors below the floor that their facts imply",
            [case.case for case in cases if case.floors is not None and case.floors.below],
        ),
        (
            "errors",
            "cases that could previously be drafted now fail",
            [case.case for was, case in pairs if case.error and not was.error],
        ),
    ):
        if broken:
            yield _finding("invariant", metric, said, broken)


def _beyond_floors(after: Evaluation, floors: Mapping[str, float]) -> Iterator[Finding]:
    for name, floor in sorted(floors.items()):
        direction, value = METRICS[name], after.metrics.get(name)
        if direction.loss(value) > direction.loss(floor):
            yield _finding("floor", name, f"{figure(value)} is beyond the floor of {figure(floor)}", ())


def _metric_findings(moved: Sequence[Moved], pairs: Pairs) -> Iterator[Finding]:
    for move in moved:
        if move.worse:
            side, _, name = move.metric.partition("/")
            loss = _OF_A_CASE.get(name if side in SPLITS else move.metric)
            mine = [pair for pair in pairs if side not in SPLITS or pair[1].split == side]
            cases = [slug for _, slug in _grown(mine, loss)] if loss else []
            yield _finding("metric", move.metric, f"{figure(move.before)} → {figure(move.after)}", cases)


def _case_findings(pairs: Pairs) -> Iterator[Finding]:
    for old, new in pairs:
        then, now = old.factor_error, new.factor_error
        if then is not None and now is not None and now - then > CASE_CAP:
            text = f"its factor error {figure(then)} → {figure(now)} grows by more than {CASE_CAP}"
            yield _finding("case", "factor_error", text, [new.case])


def _finding(rule: Rule, metric: str, text: str, cases: Sequence[str]) -> Finding:
    named = ", ".join(cases[:NAMED]) + (f" and {len(cases) - NAMED} more" if len(cases) > NAMED else "")
    sentence = f"{metric}: {text}" + (f"; {named}" if named else "")
    return Finding(rule=rule, metric=metric, text=sentence, cases=tuple(cases))


def _grown(pairs: Pairs, loss: CaseLoss) -> list[tuple[float, str]]:
    """Return the cases whose loss grew, each with its negated growth, the worst first."""
    losses = [(loss(old), loss(new), new.case) for old, new in pairs]
    return sorted((a - b, case) for a, b, case in losses if a is not None and b is not None and b - a > _TINY)


def _factor_error(case: CaseResult, key: FactorKey, which: LabelSet) -> float | None:
    return error(case.factors[key].value, getattr(case.factors[key], which))


def _layer_loss(case: CaseResult, key: LayerKey) -> float | None:
    return flag_loss([(case.layers[key].certain, case.layers[key].reader)], 1)


def _unquoted(case: CaseResult, room: str, key: str) -> float | None:
    quoted: bool | None = getattr(case, room)[key].quoted
    return None if quoted is None else float(not quoted)


def _unfound(case: CaseResult, k: int) -> float | None:
    if case.retrieval is None:
        return None
    return float(sum(not 0 < rank <= k for rank in case.retrieval.ranks["fused"]))


_FACTOR_ERROR, _SCORE_ERROR, _FLAG_LOSS = LOSSES.values()
_OF_A_CASE: Final[Mapping[str, CaseLoss]] = {
    "factor_error": _FACTOR_ERROR,
    "factor_mae_published": _FACTOR_ERROR,
    "factor_mae_reader": _FACTOR_ERROR,
    "factor_sum_mae_published": _FACTOR_ERROR,
    "factor_sum_mae_reader": _FACTOR_ERROR,
    "score_error": _SCORE_ERROR,
    "score_mae_published": _SCORE_ERROR,
    "flag_loss": _FLAG_LOSS,
    "flag_f1_reader": _FLAG_LOSS,
    "flag_precision_reader": _FLAG_LOSS,
    "flag_recall_reader": _FLAG_LOSS,
    "evidence_recall_reader": lambda case: float(case.gold_spans - case.gold_found),
    "recall_at_5_fused": partial(_unfound, k=5),
    "recall_at_10_fused": partial(_unfound, k=10),
    "headline_recall_at_3": lambda case: None if case.headline is None else float(not 0 < case.headline.found <= 3),  # noqa: PLR2004
    "twin_sum_shift": lambda case: None if case.twin is None else case.twin.shift,
    "twin_flag_flips": lambda case: None if case.twin is None else float(case.twin.flips),
    "facts_asserted": lambda case: None if case.facts is None else -float(case.facts),
    "approval_base_drop": lambda case: None if case.approval is None else -case.approval.base_drop,
    "approval_autonomy_drop": lambda case: None if case.approval is None else -case.approval.autonomy_drop,
    "report_problems": lambda case: None if case.problems is None else float(len(case.problems)),
    "generic_sentence_share": lambda case: None if case.text is None else float(case.text.generic_sentences),
    **{f"factors/{key}/mae_published": partial(_factor_error, key=key, which="published") for key in FACTORS},
    **{f"factors/{key}/mae_reader": partial(_factor_error, key=key, which="reader") for key in FACTORS},
    **{f"factors/{key}/evidence_recall": partial(_unquoted, room="factors", key=key) for key in FACTORS},
    **{f"layers/{key}/loss_reader": partial(_layer_loss, key=key) for key in LAYERS},
    **{f"layers/{key}/evidence_recall": partial(_unquoted, room="layers", key=key) for key in LAYERS},
}
"""Metric → the corresponding loss of a single case."""


# ---------------------------------------------------------------- cases that moved


def _case_moves(pairs: Pairs) -> tuple[CaseMove, ...]:
    """Return every case whose measurements changed, ordered by the growth of its factor error, largest first."""
    rows = [
        ((old.factor_error or 0.0) - (new.factor_error or 0.0), new.case, tuple(_moves_of(old, new)))
        for old, new in pairs
    ]
    return tuple(CaseMove(case=case, moved=moves) for _, case, moves in sorted(rows, key=lambda row: row[:2]) if moves)


def _moves_of(old: CaseResult, new: CaseResult) -> Iterator[Moved]:
    for name, loss in LOSSES.items():
        yield from _one(name, loss(old), loss(new), Direction("low", _TINY))
    for key in FACTORS:
        then, now = old.factors[key].value, new.factors[key].value
        if then != now:
            worse = (_factor_error(new, key, "reader") or 0.0) > (_factor_error(old, key, "reader") or 0.0) + _TINY
            yield Moved(metric=f"factors/{key}", before=then, after=now, worse=worse)
    for layer in LAYERS:
        was, cell = old.layers[layer].certain, new.layers[layer]
        if was != cell.certain:
            worse = cell.reader is not None and cell.certain is not cell.reader
            yield Moved(metric=f"layers/{layer}", before=was, after=cell.certain, worse=worse)
    yield from _one("score", old.score.value, new.score.value, None)
    yield from _one("threats", float(len(old.threats)), float(len(new.threats)), None)
    yield from _one("evidence", float(old.gold_found), float(new.gold_found), Direction("high", _TINY))
