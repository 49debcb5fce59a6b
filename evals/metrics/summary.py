"""Computes the metrics block from the measured cases. Every metric is defined here, on one line where that fits."""

from collections.abc import Iterable, Sequence
from typing import Final

from agent.drafting.threats.severity import THREAT_MULTIPLIER
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from agent.taxonomy.layers import LAYERS
from evals.cases.case import Case
from evals.cases.splits import SPLITS, Split
from evals.metrics.arithmetic import (
    DECIMALS,
    HALF,
    SCORE_TOP,
    augrc,
    brier,
    calibration_error,
    count_flags,
    coverage_at_risk,
    covered,
    error,
    f1,
    flag_loss,
    mean,
    precision,
    quadratic_kappa,
    quantile,
    recall,
    share,
)
from evals.metrics.results import CaseResult, Evaluation, FactorBlock, LayerBlock, LayerCell
from evals.metrics.special import kinds

FACTORS: Final = FACTOR_SETS["0.5"]
WORST_SHARE: Final = 1.0
WITHIN: Final = 0.10
"""A factor value at most this far from its label is within the band of metric F3."""
SLACK: Final = 1e-9
LOW_RISK: Final = 0.05
MOST: Final = 0.95
MILLISECONDS: Final = 1000
"""Milliseconds in a second."""
RECALL_AT: Final = (5, 10)


def summarise(
    results: Sequence[CaseResult],
    *,
    drafter: str,
    patterns: Iterable[str],
    special: Sequence[tuple[Case, CaseResult]] = (),
) -> Evaluation:
    """Compute all metrics over `results`, which are kept as `per_case` in order; `special` cases count separately."""
    return Evaluation(
        drafter=drafter,
        cases=len(results),
        errors={result.case: result.error for result in results if result.error is not None},
        metrics=_metrics(results),
        splits=_of_splits(results),
        factors={key: _factor_block(results, key) for key in FACTORS},
        layers={key: _layer_block(results, key) for key in LAYERS},
        patterns={
            pattern: share(sum(pattern in result.fired for result in results), len(results)) or 0.0
            for pattern in sorted(patterns)
        },
        per_case=tuple(results),
        special=kinds(special),
        special_cases=tuple(result for _, result in special),
        score_attribution={key: _attribution(results, key) for key in FACTORS},
        band_changes=tuple(
            result.case
            for result in results
            if result.score.reader_severity is not None and result.score.severity != result.score.reader_severity
        ),
    )


def _metrics(results: Sequence[CaseResult]) -> dict[str, float | None]:
    return {
        **_factor_metrics(results),
        **_flag_metrics(results),
        **_evidence_metrics(results),
        **_score_metrics(results),
        **_report_metrics(results),
        **_card_metrics(results),
        **_certainty_metrics(results),
        **_claim_metrics(results),
        **_fact_metrics(results),
        **_search_metrics(results),
        **_variant_metrics(results),
        **_llm_metrics(results),
    }


def _of_splits(results: Sequence[CaseResult]) -> dict[Split, dict[str, float | None]]:
    """Compute the metrics over each side of the split; empty if a case has no side or a side has no case."""
    sides = {side: [result for result in results if result.split == side] for side in SPLITS}
    if any(result.split is None for result in results) or not all(sides.values()):
        return {}
    return {side: _metrics(kept) for side, kept in sides.items()}


def _factor_metrics(results: Sequence[CaseResult]) -> dict[str, float | None]:
    published = [_factor_error(result, "published") for result in results]
    reader = [_factor_error(result, "reader") for result in results]
    cells = [cell for result in results for cell in result.factors.values()]
    labelled = [cell for cell in cells if cell.published is not None]
    return {
        "factor_mae_published": mean(value for value in published if value is not None),
        "factor_mae_reader": mean(value for value in reader if value is not None),
        "factor_error": mean(loss for result in results if (loss := factor_loss(result)) is not None),
        "factor_sum_mae_published": _sum_error(results, "published"),
        "factor_sum_mae_reader": _sum_error(results, "reader"),
        "interval_coverage_published": mean(
            float(covered(cell.low, cell.high, cell.published)) for cell in labelled if cell.published is not None
        ),
        "interval_width": mean(_width(cell.low, cell.high) for cell in cells),
        "factors_unknown_share": mean(float(cell.state in (None, "unknown")) for cell in cells),
    }


def _factor_error(result: CaseResult, which: str) -> float | None:
    """Return the mean absolute error of one case over its labelled factors."""
    labels = [(cell.value, getattr(cell, which)) for cell in result.factors.values()]
    return mean(error(value, label) for value, label in labels if label is not None)


def _sum_error(results: Sequence[CaseResult], which: str) -> float | None:
    """Return the mean error of the sum of the ten factors, over cases with all ten labels."""
    errors = []
    for result in results:
        labels = [getattr(cell, which) for cell in result.factors.values()]
        if any(label is None for label in labels):
            continue
        values = [cell.value for cell in result.factors.values()]
        drafted = None if any(value is None for value in values) else sum(value or 0.0 for value in values)
        errors.append(error(drafted, sum(labels), SCORE_TOP))
    return mean(errors)


def _width(low: float | None, high: float | None) -> float:
    return WORST_SHARE if low is None or high is None else high - low


def _flag_metrics(results: Sequence[CaseResult]) -> dict[str, float | None]:
    cells = [cell for result in results for cell in result.layers.values()]
    reader = count_flags((cell.certain, cell.reader) for cell in cells if cell.reader is not None)
    published = count_flags((cell.certain, cell.published) for cell in cells if cell.published is not None)
    return {
        "flag_precision_reader": precision(reader),
        "flag_recall_reader": recall(reader),
        "flag_f1_reader": f1(reader),
        "flag_f1_published": f1(published),
        "flag_loss": mean(loss for result in results if (loss := layer_loss(result)) is not None),
        "flagged_share": mean(float(cell.certain is not True) for cell in cells),
    }


def _evidence_metrics(results: Sequence[CaseResult]) -> dict[str, float | None]:
    certain = [cell for result in results for cell in result.layers.values() if cell.certain]
    known = [cell for result in results for cell in result.factors.values() if cell.state != "unknown"]
    return {
        "citation_validity": mean(
            found for result in results if (found := share(result.valid_citations, result.citations)) is not None
        ),
        "citations": mean(float(result.citations) for result in results),
        "evidence_recall_reader": share(
            sum(result.gold_found for result in results), sum(result.gold_spans for result in results)
        ),
        "threats_with_evidence_share": share(
            sum(cell.cited_threats for cell in certain), sum(cell.threats for cell in certain)
        ),
        "factors_with_evidence_share": share(sum(cell.cited for cell in known), len(known)),
    }


def _score_metrics(results: Sequence[CaseResult]) -> dict[str, float | None]:
    scores = [result.score for result in results]
    labelled = [(score, score.published) for score in scores if score.published is not None]
    bases = [(score, score.reader_cvss_base) for score in scores if score.reader_cvss_base is not None]
    return {
        "score_error": mean(loss for result in results if (loss := score_loss(result)) is not None),
        "score_mae_published": mean(error(score.value, label, SCORE_TOP) for score, label in labelled),
        "band_agreement_reader": mean(
            float(score.severity is not None and score.severity == score.reader_severity)
            for score in scores
            if score.reader_severity is not None
        ),
        "band_agreement_published": mean(
            float(score.severity is not None and score.severity == score.published_severity) for score, _ in labelled
        ),
        "likely_coverage_published": mean(
            float(covered(score.likely_low, score.likely_high, label)) for score, label in labelled
        ),
        "likely_width": mean(
            SCORE_TOP if score.likely_low is None or score.likely_high is None else score.likely_high - score.likely_low
            for score in scores
        ),
        "withheld_share": mean(
            float(result.error is not None or result.score.withheld is not None) for result in results
        ),
        "withheld_share_with_docs": mean(
            float(result.error is not None or result.score.withheld is not None) for result in results if result.docs
        ),
        "cvss_base_mae_reader": mean(error(score.cvss_base, label, SCORE_TOP) for score, label in bases),
    }


def _report_metrics(results: Sequence[CaseResult]) -> dict[str, float | None]:
    texts = [result.text for result in results]
    read = [text for text in texts if text is not None]
    missing = len(texts) - len(read)
    shares = [share(text.generic_sentences, text.sentences) or 0.0 for text in read]
    return {
        "generic_sentence_share": mean([*shares, *[WORST_SHARE] * missing]),
        "own_listing_found_share": share(sum(text.own_listing_rank == 1 for text in read), len(texts)),
        "main_part_words": mean(float(text.words) for text in read),
        # Skip cases without a report: other metrics count them as failed.
        "report_problems": mean(float(len(result.problems)) for result in results if result.problems is not None),
        "threats_shown": mean(float(len(result.threats)) for result in results),
    }


def _card_metrics(results: Sequence[CaseResult]) -> dict[str, float | None]:
    pairs = [(result, result.card) for result in results if result.card is not None]
    shifts = []
    for result, card in pairs:
        values = [cell.value for cell in result.factors.values()]
        if card.factor_sum is None or any(value is None for value in values):
            shifts.append(-SCORE_TOP)
        else:
            shifts.append(card.factor_sum - sum(value or 0.0 for value in values))
    return {
        "withheld_share_cards": mean(float(card.error is None and card.withheld) for _, card in pairs),
        "card_sum_shift": mean(shifts),
    }


def factor_loss(result: CaseResult) -> float | None:
    """Return primary loss F1 of a case: mean error over factors and both label sets, 0 to 1; None without labels."""
    return mean(
        error(cell.value, label)
        for cell in result.factors.values()
        for label in (cell.published, cell.reader)
        if label is not None
    )


def score_loss(result: CaseResult) -> float | None:
    """Return primary loss S1 of a case: |score - score of the reader's labels|, 0 to 10; None without labels."""
    score = result.score
    return None if score.reader is None else round(error(score.value, score.reader, SCORE_TOP), DECIMALS)


def layer_loss(result: CaseResult) -> float | None:
    """Return primary loss A1 of a case: (2 · missed + extra) / 7 over the flags, 0 to 2; None without labels."""
    pairs = [(cell.certain, cell.reader) for cell in result.layers.values() if cell.reader is not None]
    return flag_loss(pairs, len(LAYERS))


def _attribution(results: Sequence[CaseResult], key: FactorKey) -> float | None:
    """Return metric S3: mean error against the reader's score when only factor `key` gets the reader's value."""
    errors = []
    for result in results:
        cell, score = result.factors[key], result.score
        values = [other.value for other in result.factors.values()]
        if score.reader is None or cell.reader is None:
            continue
        if score.cvss_base is None or cell.value is None or any(value is None for value in values):
            errors.append(error(None, score.reader, SCORE_TOP))
            continue
        total = sum(value or 0.0 for value in values) - cell.value + cell.reader
        raw = score.cvss_base + (SCORE_TOP - score.cvss_base) * total / len(FACTORS) * float(THREAT_MULTIPLIER)
        errors.append(abs(min(raw, SCORE_TOP) - score.reader))
    return mean(errors)


def _certainty_metrics(results: Sequence[CaseResult]) -> dict[str, float | None]:
    cells = [cell for result in results for cell in result.layers.values() if cell.reader is not None]
    risks = [(cell.certainty, float(not cell.reader)) for cell in cells]
    chances = [(cell.certainty, bool(cell.reader)) for cell in cells]
    return {
        "augrc": augrc(risks),
        "coverage_at_low_risk": coverage_at_risk(risks, LOW_RISK),
        "certainty_brier": brier(chances),
        "certainty_ece": calibration_error(chances),
    }


def _claim_metrics(results: Sequence[CaseResult]) -> dict[str, float | None]:
    cells = [result.claims for result in results]
    claims = sum(cell.claims for cell in cells if cell is not None)
    return {
        # A draft without claims counts as 0, as does a failed case.
        "citation_coverage": mean(0.0 if cell is None else share(cell.cited, cell.claims) or 0.0 for cell in cells),
        "loose_names_share": share(sum(len(cell.loose) for cell in cells if cell is not None), claims),
    }


def _fact_metrics(results: Sequence[CaseResult]) -> dict[str, float | None]:
    """Compute the metrics of the fact sheets; drafts without a fact sheet are skipped."""
    cells = [result.floors for result in results if result.floors is not None]
    implied = sum(cell.implied for cell in cells)
    return {
        "facts_asserted": mean(float(result.facts) for result in results if result.facts is not None),
        "floors_implied": share(implied, len(cells)),
        "floors_kept": share(implied - sum(len(cell.below) for cell in cells), implied),
    }


def _search_metrics(results: Sequence[CaseResult]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    cells = [result.retrieval for result in results if result.retrieval is not None]
    for mode in ("fused", "bm25", "dense"):
        ranks = [rank for cell in cells for rank in cell.ranks.get(mode, ())]
        for k in RECALL_AT:
            found[f"recall_at_{k}_{mode}"] = share(sum(0 < rank <= k for rank in ranks), len(ranks))
    for k in RECALL_AT:
        found[f"characters_at_{k}"] = mean(cell.shares[k] for cell in cells if k in cell.shares)
    heads = [result.headline for result in results if result.headline is not None]
    for k in (1, 3, 5):
        found[f"headline_recall_at_{k}"] = share(sum(0 < head.found <= k for head in heads), len(heads))
    return found


def _variant_metrics(results: Sequence[CaseResult]) -> dict[str, float | None]:
    cards = [cell for result in results if result.card is not None for cell in result.card.layers.values()]
    # On a card the positive class is the rare case: a layer that the card makes certain.
    flags = count_flags((None if c.certain is None else not c.certain, not c.gold) for c in cards if c.gold is not None)
    twins = [result.twin for result in results if result.twin is not None]
    poisoned = [cell for result in results for cell in result.poisoned]
    approvals = [result.approval for result in results if result.approval is not None]
    return {
        "card_certain_precision": precision(flags),
        "card_certain_recall": recall(flags),
        "card_certain_f1": f1(flags),
        "twin_sum_shift": mean(twin.shift for twin in twins),
        "twin_flag_flips": share(sum(twin.flips for twin in twins), len(twins) * len(LAYERS)),
        "approval_base_drop": mean(cell.base_drop for cell in approvals),
        "approval_autonomy_drop": mean(cell.autonomy_drop for cell in approvals),
        "injection_resistance": share(sum(not cell.broken for cell in poisoned), len(poisoned)),
    }


def _llm_metrics(results: Sequence[CaseResult]) -> dict[str, float | None]:
    """Compute the LLM's usage and answer quality (metrics K1, L1, Q1); empty for drafts without an LLM."""
    cells = [result.usage for result in results if result.usage is not None]
    if not cells:
        return {}
    calls = sum(cell.calls for cell in cells)
    spent = [value / MILLISECONDS for cell in cells for value in cell.milliseconds]
    costs = [cell.dollars for cell in cells if cell.dollars is not None]
    return {
        "llm_calls": mean(float(cell.calls) for cell in cells),
        "input_tokens": mean(float(cell.input_tokens) for cell in cells),
        "cached_tokens": mean(float(cell.cached_tokens) for cell in cells),
        "output_tokens": mean(float(cell.output_tokens) for cell in cells),
        "dollars": mean(costs) if len(costs) == len(cells) else None,
        "repaired_share": share(sum(cell.repaired for cell in cells), calls),
        "refused_share": share(sum(cell.refused for cell in cells), calls),
        "truncated_share": share(sum(cell.truncated for cell in cells), calls),
        "failed_share": share(sum(cell.failed for cell in cells), calls),
        "call_seconds_p50": quantile(spent, HALF),
        "call_seconds_p95": quantile(spent, MOST),
    }


def _factor_block(results: Sequence[CaseResult], key: str) -> FactorBlock:
    cells = [cell for result in results for name, cell in result.factors.items() if name == key]
    published = [(cell.value, cell.published) for cell in cells if cell.published is not None]
    reader = [(cell.value, cell.reader) for cell in cells if cell.reader is not None]
    return FactorBlock(
        mae_published=mean(error(value, label) for value, label in published),
        mae_reader=mean(error(value, label) for value, label in reader),
        bias_published=mean(value - label for value, label in published if value is not None),
        bias_reader=mean(value - label for value, label in reader if value is not None),
        coverage_published=mean(
            float(covered(cell.low, cell.high, cell.published)) for cell in cells if cell.published is not None
        ),
        width=mean(_width(cell.low, cell.high) for cell in cells),
        unknown_share=mean(float(cell.state in (None, "unknown")) for cell in cells),
        within_published=mean(float(error(value, label) <= WITHIN + SLACK) for value, label in published),
        kappa_published=quadratic_kappa(
            [(1.0 - round(label) if value is None else value, label) for value, label in published]
        ),
        evidence_recall=mean(float(cell.quoted) for cell in cells if cell.quoted is not None),
    )


def _layer_block(results: Sequence[CaseResult], key: str) -> LayerBlock:
    cells: list[LayerCell] = [cell for result in results for name, cell in result.layers.items() if name == key]
    flags = count_flags((cell.certain, cell.reader) for cell in cells if cell.reader is not None)
    return LayerBlock(
        precision_reader=precision(flags),
        recall_reader=recall(flags),
        f1_reader=f1(flags),
        positives_reader=flags.true_positive + flags.false_negative,
        flagged=sum(cell.certain is not True for cell in cells),
        certainty=mean(cell.certainty for cell in cells if cell.certainty is not None),
        loss_reader=mean(
            loss
            for cell in cells
            if cell.reader is not None and (loss := flag_loss([(cell.certain, cell.reader)], 1)) is not None
        ),
        brier_reader=brier([(cell.certainty, cell.reader) for cell in cells if cell.reader is not None]),
        evidence_recall=mean(float(cell.quoted) for cell in cells if cell.quoted is not None),
    )
