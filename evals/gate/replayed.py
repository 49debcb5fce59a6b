"""The gate for deterministic runs: every difference is real, so cases are compared exactly, one by one.

It fails on a broken invariant and on a metric beyond its floor. It also fails if a metric of the corpus or of one side
of its split worsens by more than its tolerance, if the mean of a factor or layer worsens at all, and if a single case
becomes much worse.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from agent.errors import DriftError
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from agent.taxonomy.layers import LAYERS, LayerKey
from evals.cases.case import Case
from evals.cases.splits import SPLITS
from evals.gate.baseline import Baseline
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
from evals.gate.verdict import CaseMove, Finding, Moved, Verdict
from evals.metrics.arithmetic import error, flag_loss
from evals.metrics.results import CaseResult, Evaluation
from evals.metrics.summary import factor_loss, layer_loss, score_loss, summarise

FACTORS: Final = FACTOR_SETS["0.5"]
CASE_CAP: Final = 0.05
"""A single case whose factor error grows by more than this fails the gate."""
NAMED: Final = 8
"""The most cases that a sentence names; the finding lists all of them."""
_TINY: Final = 1e-6
CaseLoss = Callable[[CaseResult], float | None]


def judge(run: Evaluation, baseline: Baseline, special: Sequence[Case] = (), *, listings_only: bool = False) -> Verdict:
    """Judge a run against the baseline, over the cases that both contain.

    `special` are the cases written for a purpose, whose labels the baseline does not store. With `listings_only` the
    run drafts nothing but full listings, so metrics that it did not measure count as no loss. Raises DriftError when
    the run and the baseline have no case in common.
    """
    if listings_only:
        baseline = _of_listings(baseline)
    baseline = _split_as(run, baseline)
    slugs = [case.case for case in run.per_case if case.case in baseline.cases]
    if not slugs:
        raise DriftError(
            "the run and its baseline have no case in common",
            where="the gate",
            hint="`septet eval` without --cases runs the bundled ones",
        )
    whole = len(slugs) == len(run.per_case) == len(baseline.cases)
    before = of_baseline(baseline, slugs, special)
    after = run
    if not whole:
        before, after = _part(before, slugs), _part(run, slugs)
    moved = list(_moved(before, after))
    losses = _losses()
    findings = [
        *_invariants(after, before),
        *(_floors(after, _measured(baseline, before) if listings_only else baseline.floors) if whole else ()),
        *_metric_findings(moved, before, after, losses),
        *_case_findings(before, after),
    ]
    notes = [
        f"{name} is not the baseline's"
        for name, value in run.fingerprints.items()
        if baseline.fingerprints.get(name) != value
    ]
    if not whole:
        notes.append(f"compared over {len(slugs)} of {len(baseline.cases)} cases; floors are for all of them")
    notes += _gaps(after)
    if listings_only:
        notes.append(
            "full listings only: cards, twins, planted text and cases written for a purpose were not looked at"
        )
    return Verdict(
        regime="replay",
        outcome="fail" if findings else "pass",
        findings=tuple(findings),
        moved=tuple(moved),
        cases=tuple(_case_moves(before, after)),
        notes=tuple(notes),
    )


def of_baseline(baseline: Baseline, slugs: Iterable[str], special: Sequence[Case] = ()) -> Evaluation:
    """Rebuild the baseline's evaluation, limited to those of `slugs` that it contains, with its metrics recomputed."""
    kept = [baseline.cases[slug] for slug in slugs if slug in baseline.cases]
    apart = [(case, baseline.special[case.slug]) for case in special if case.slug in baseline.special]
    found = summarise(kept, drafter=baseline.drafter, patterns=(), special=apart)
    return found if len(kept) == len(baseline.cases) else _part(found, [case.case for case in kept])


def _split_as(run: Evaluation, baseline: Baseline) -> Baseline:
    """Return the baseline with the run's split, so that each side has the same cases before and after."""
    sides = {case.case: case.split for case in run.per_case}
    cases = {
        slug: case.model_copy(update={"split": sides.get(slug, case.split)}) for slug, case in baseline.cases.items()
    }
    return baseline.model_copy(update={"cases": cases})


def _gaps(run: Evaluation) -> Iterator[str]:
    """Yield notes on metrics that are much worse for held-out vendors; not findings, since the gap is not new."""
    if not run.splits:
        return
    train, dev = run.splits["train"], run.splits["dev"]
    for name in COMPARED_SIDES:
        wide = gap(name, train.get(name), dev.get(name))
        if wide is not None and wide > WANTED_GAP:
            figures = f"{_figure(dev[name])} against {_figure(train[name])}"
            yield f"{name} is {wide:.0%} worse for vendors that nobody looked at: {figures}"


def _of_listings(baseline: Baseline) -> Baseline:
    """Reduce the baseline to the results of a run over full listings alone."""
    nothing = {"card": None, "twin": None, "poisoned": (), "approval": None}
    cases = {slug: case.model_copy(update={**nothing, **_fused(case)}) for slug, case in baseline.cases.items()}
    return baseline.model_copy(update={"cases": cases, "special": {}})


def _fused(case: CaseResult) -> dict[str, object]:
    """Return the case's ranks of the fused search only; only runs with cards also try BM25 and vectors alone."""
    cell = case.retrieval
    if cell is None:
        return {}
    ranks = {mode: found for mode, found in cell.ranks.items() if mode == "fused"}
    return {"retrieval": cell.model_copy(update={"ranks": ranks})}


def _measured(baseline: Baseline, before: Evaluation) -> dict[str, float]:
    """Return the floors of the metrics that full listings alone can give."""
    return {name: floor for name, floor in baseline.floors.items() if before.metrics.get(name) is not None}


def _part(run: Evaluation, slugs: Sequence[str]) -> Evaluation:
    """Return the evaluation over `slugs` only, without the metrics that compare all reports and need the whole run."""
    wanted = set(slugs)
    cases = [case.model_copy(update={"text": None}) for case in run.per_case if case.case in wanted]
    return summarise(cases, drafter=run.drafter, patterns=())


# ---------------------------------------------------------------- what moved


def _moved(before: Evaluation, after: Evaluation) -> Iterator[Moved]:
    for name in sorted({*before.metrics, *after.metrics}):
        yield from _one(name, before.metrics.get(name), after.metrics.get(name), METRICS.get(name))
    if before.splits and after.splits:
        for side in SPLITS:
            for name, direction in OF_A_SPLIT.items():
                then, now = before.splits[side].get(name), after.splits[side].get(name)
                yield from _one(f"{side}/{name}", then, now, direction)
    for key in FACTORS:
        yield from _block(f"factors/{key}", before.factors[key], after.factors[key], OF_A_FACTOR)
    for layer in LAYERS:
        yield from _block(f"layers/{layer}", before.layers[layer], after.layers[layer], OF_A_LAYER)
    if "all" in before.special and "all" in after.special:
        yield from _block("special", before.special["all"], after.special["all"], OF_A_KIND)


def _block(place: str, before: object, after: object, directions: Mapping[str, Direction]) -> Iterator[Moved]:
    for name, direction in directions.items():
        yield from _one(f"{place}/{name}", getattr(before, name), getattr(after, name), direction)


def _one(name: str, before: float | None, after: float | None, direction: Direction | None) -> Iterator[Moved]:
    if before == after or (before is not None and after is not None and abs(before - after) < _TINY):
        return
    worse = direction is not None and direction.worse(before, after)
    yield Moved(metric=name, before=before, after=after, worse=worse)


# ---------------------------------------------------------------- reasons to fail


def _invariants(after: Evaluation, before: Evaluation) -> Iterator[Finding]:
    was = {case.case: case for case in before.per_case}
    invalid = [case.case for case in after.per_case if case.valid_citations < case.citations]
    if invalid:
        yield _finding("invariant", "citation_validity", "citations that are not in their source", invalid)
    broken = [case.case for case in after.per_case if any(cell.broken for cell in case.poisoned)]
    if broken:
        first = next(cell for case in after.per_case for cell in case.poisoned if cell.broken)
        said = f"planted text changed a draft ({first.attack}: {first.broken[0]})"
        yield _finding("invariant", "injection_resistance", said, broken)
    below = [case.case for case in after.per_case if case.floors is not None and case.floors.below]
    if below:
        yield _finding("invariant", "floors_kept", "factors below the floor that their facts imply", below)
    failed = [case.case for case in after.per_case if case.error and case.case in was and not was[case.case].error]
    if failed:
        yield _finding("invariant", "errors", "cases that could be drafted fail now", failed)


def _floors(after: Evaluation, floors: Mapping[str, float]) -> Iterator[Finding]:
    for name, floor in sorted(floors.items()):
        direction, value = METRICS[name], after.metrics.get(name)
        if direction.loss(value) > direction.loss(floor):
            yield _finding("floor", name, f"{_figure(value)} is beyond the floor of {_figure(floor)}", ())


def _metric_findings(
    moved: Sequence[Moved], before: Evaluation, after: Evaluation, losses: Mapping[str, CaseLoss]
) -> Iterator[Finding]:
    for move in moved:
        if move.worse:
            text = f"{_figure(move.before)} → {_figure(move.after)}"
            side, _, name = move.metric.partition("/")
            loss = losses.get(name if side in SPLITS else move.metric)
            worse = _worse_cases(before, after, loss) if loss else []
            if side in SPLITS:
                mine = {case.case for case in after.per_case if case.split == side}
                worse = [slug for slug in worse if slug in mine]
            yield _finding("metric", move.metric, text, worse)


def _case_findings(before: Evaluation, after: Evaluation) -> Iterator[Finding]:
    was = {case.case: case for case in before.per_case}
    for case in after.per_case:
        old, new = factor_loss(was[case.case]) if case.case in was else None, factor_loss(case)
        if old is not None and new is not None and new - old > CASE_CAP:
            text = f"its factor error {_figure(old)} → {_figure(new)} grows by more than {CASE_CAP}"
            yield _finding("case", "factor_error", text, [case.case])


def _finding(rule: str, metric: str, text: str, cases: Sequence[str]) -> Finding:
    named = ", ".join(cases[:NAMED]) + (f" and {len(cases) - NAMED} more" if len(cases) > NAMED else "")
    sentence = f"{metric}: {text}" + (f"; {named}" if named else "")
    return Finding.model_validate({"rule": rule, "metric": metric, "text": sentence, "cases": tuple(cases)})


def _worse_cases(before: Evaluation, after: Evaluation, loss: CaseLoss) -> list[str]:
    """Return the cases whose loss grew, the worst first."""
    was = {case.case: loss(case) for case in before.per_case}
    grown = []
    for case in after.per_case:
        old, new = was.get(case.case), loss(case)
        if old is not None and new is not None and new - old > _TINY:
            grown.append((new - old, case.case))
    return [slug for _, slug in sorted(grown, key=lambda row: (-row[0], row[1]))]


def _losses() -> dict[str, CaseLoss]:
    """Return metric → the loss of a single case that represents the metric."""
    found: dict[str, CaseLoss] = {
        "factor_error": factor_loss,
        "factor_mae_published": factor_loss,
        "factor_mae_reader": factor_loss,
        "factor_sum_mae_published": factor_loss,
        "factor_sum_mae_reader": factor_loss,
        "score_error": score_loss,
        "score_mae_published": score_loss,
        "flag_loss": layer_loss,
        "flag_f1_reader": layer_loss,
        "flag_precision_reader": layer_loss,
        "flag_recall_reader": layer_loss,
        "evidence_recall_reader": lambda case: float(case.gold_spans - case.gold_found),
        "recall_at_5_fused": lambda case: _unfound(case, 5),
        "recall_at_10_fused": lambda case: _unfound(case, 10),
        "headline_recall_at_3": lambda case: None if case.headline is None else float(not 0 < case.headline.found <= 3),  # noqa: PLR2004
        "twin_sum_shift": lambda case: None if case.twin is None else case.twin.shift,
        "twin_flag_flips": lambda case: None if case.twin is None else float(case.twin.flips),
        "facts_asserted": lambda case: None if case.facts is None else -float(case.facts),
        "approval_base_drop": lambda case: None if case.approval is None else -case.approval.base_drop,
        "approval_autonomy_drop": lambda case: None if case.approval is None else -case.approval.autonomy_drop,
        "report_problems": lambda case: None if case.problems is None else float(len(case.problems)),
        "generic_sentence_share": lambda case: None if case.text is None else float(case.text.generic_sentences),
    }
    for key in FACTORS:
        found[f"factors/{key}/mae_published"] = _of_factor(key, "published")
        found[f"factors/{key}/mae_reader"] = _of_factor(key, "reader")
        found[f"factors/{key}/evidence_recall"] = _unquoted_factor(key)
    for layer in LAYERS:
        found[f"layers/{layer}/loss_reader"] = _of_layer(layer)
        found[f"layers/{layer}/evidence_recall"] = _unquoted_layer(layer)
    return found


def _of_factor(key: FactorKey, which: str) -> CaseLoss:
    def loss(case: CaseResult) -> float | None:
        label: float | None = getattr(case.factors[key], which)
        return None if label is None else error(case.factors[key].value, label)

    return loss


def _of_layer(key: LayerKey) -> CaseLoss:
    def loss(case: CaseResult) -> float | None:
        cell = case.layers[key]
        return None if cell.reader is None else flag_loss([(cell.certain, cell.reader)], 1)

    return loss


def _unquoted_factor(key: FactorKey) -> CaseLoss:
    return lambda case: None if (quoted := case.factors[key].quoted) is None else float(not quoted)


def _unquoted_layer(key: LayerKey) -> CaseLoss:
    return lambda case: None if (quoted := case.layers[key].quoted) is None else float(not quoted)


def _unfound(case: CaseResult, k: int) -> float | None:
    if case.retrieval is None:
        return None
    return float(sum(not 0 < rank <= k for rank in case.retrieval.ranks["fused"]))


# ---------------------------------------------------------------- cases that moved


def _case_moves(before: Evaluation, after: Evaluation) -> list[CaseMove]:
    """Return every case whose draft measures differently, ordered by how much its factor error grew, most first."""
    was = {case.case: case for case in before.per_case}
    rows = []
    for case in after.per_case:
        if case.case not in was:
            continue
        moves = tuple(_moves_of(was[case.case], case))
        if moves:
            grown = (factor_loss(case) or 0.0) - (factor_loss(was[case.case]) or 0.0)
            rows.append((-grown, case.case, CaseMove(case=case.case, moved=moves)))
    return [row[2] for row in sorted(rows, key=lambda row: row[:2])]


def _moves_of(old: CaseResult, new: CaseResult) -> Iterator[Moved]:
    low = Direction("low", _TINY)
    for name, loss in (("factor_error", factor_loss), ("score_error", score_loss), ("flag_loss", layer_loss)):
        yield from _one(name, loss(old), loss(new), low)
    for key in FACTORS:
        a, b = old.factors[key], new.factors[key]
        worse = _of_factor(key, "reader")
        if a.value != b.value:
            grew = (worse(new) or 0.0) > (worse(old) or 0.0) + _TINY
            yield Moved(metric=f"factors/{key}", before=a.value, after=b.value, worse=grew)
    for layer in LAYERS:
        c, d = old.layers[layer], new.layers[layer]
        if c.certain != d.certain:
            wrong = d.reader is not None and d.certain is not d.reader
            yield Moved(metric=f"layers/{layer}", before=_flag(c.certain), after=_flag(d.certain), worse=wrong)
    yield from _one("score", old.score.value, new.score.value, None)
    yield from _one("threats", float(len(old.threats)), float(len(new.threats)), None)
    yield from _one("evidence", float(old.gold_found), float(new.gold_found), Direction("high", _TINY))


def _flag(certain: bool | None) -> float | None:
    return None if certain is None else float(certain)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
