"""Compute the metrics block from the measured cases. Every metric is defined here, on one line if it fits."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from agent.drafting.threats.severity import THREAT_MULTIPLIER
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from agent.taxonomy.layers import LAYERS, LayerKey
from evals.cases.case import Case
from evals.cases.splits import SPLITS, Split
from evals.metrics.arithmetic import (
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
from evals.metrics.results import CaseResult, Evaluation, FactorBlock, LayerBlock
from evals.metrics.special import kinds

FACTORS: Final = FACTOR_SETS["0.5"]
WITHIN: Final = 0.10 + 1e-9
"""A factor value that is at most this far from its label is within the band of metric F3."""
LOW_RISK: Final = 0.05
MOST: Final = 0.95
MILLISECONDS: Final = 1000
"""Milliseconds in a second."""
LabelSet = Literal["published", "reader"]
Metrics = dict[str, float | None]


def summarise(
    results: Sequence[CaseResult],
    *,
    drafter: str,
    patterns: Iterable[str],
    special: Sequence[tuple[Case, CaseResult]] = (),
) -> Evaluation:
    """Compute all metrics over `results`, which are kept as `per_case` in order; `special` cases count separately."""
    fired = [pattern for result in results for pattern in set(result.fired)]
    bands = [(result.case, result.score.severity, result.score.reader_severity) for result in results]
    return Evaluation(
        drafter=drafter,
        cases=len(results),
        errors={result.case: result.error for result in results if result.error is not None},
        metrics=_metrics(results),
        splits=_of_splits(results),
        factors={key: _factor_block(results, key) for key in FACTORS},
        layers={key: _layer_block(results, key) for key in LAYERS},
        patterns={pattern: share(fired.count(pattern), len(results)) or 0.0 for pattern in sorted(patterns)},
        per_case=tuple(results),
        special=kinds(special),
        special_cases=tuple(result for _, result in special),
        score_attribution={key: _attribution(results, key) for key in FACTORS},
        band_changes=tuple(case for case, drafted, label in bands if label is not None and drafted != label),
    )


def over(run: Evaluation, slugs: Iterable[str]) -> Evaluation:
    """Recompute the metrics of a run over some of its cases, except those that compare all reports of the run."""
    wanted = set(slugs)
    kept = [case.model_copy(update={"text": None}) for case in run.per_case if case.case in wanted]
    return summarise(kept, drafter=run.drafter, patterns=())


def _of_splits(results: Sequence[CaseResult]) -> dict[Split, Metrics]:
    """Compute the metrics over each side of the split; empty if a case is on neither side or a side has no case."""
    sides = {side: [result for result in results if result.split == side] for side in SPLITS}
    if any(result.split is None for result in results) or not all(sides.values()):
        return {}
    return {side: _metrics(kept) for side, kept in sides.items()}


def _metrics(results: Sequence[CaseResult]) -> Metrics:
    return {
        **_factor_metrics(results),
        **_flag_metrics(results),
        **_evidence_metrics(results),
        **_score_metrics(results),
        **_report_metrics(results),
        **_certainty_metrics(results),
        **_claim_metrics(results),
        **_search_metrics(results),
        **_variant_metrics(results),
        **_llm_metrics(results),
    }


def _factor_metrics(results: Sequence[CaseResult]) -> Metrics:
    cells = [cell for result in results for cell in result.factors.values()]
    return {
        "factor_mae_published": mean(factor_error(result, "published") for result in results),
        "factor_mae_reader": mean(factor_error(result, "reader") for result in results),
        "factor_error": mean(result.factor_error for result in results),
        "factor_sum_mae_published": mean(_sum_error(result, "published") for result in results),
        "factor_sum_mae_reader": mean(_sum_error(result, "reader") for result in results),
        "interval_coverage_published": mean(covered(cell.low, cell.high, cell.published) for cell in cells),
        "interval_width": mean(_width(cell.low, cell.high) for cell in cells),
        "factors_unknown_share": mean(cell.state in (None, "unknown") for cell in cells),
    }


def factor_error(result: CaseResult, which: LabelSet) -> float | None:
    """Return the mean absolute error of one case over its labelled factors; None without labels."""
    return mean(error(cell.value, getattr(cell, which)) for cell in result.factors.values())


def _sum_error(result: CaseResult, which: LabelSet) -> float | None:
    """Return the error of the sum of the ten factors; None for a case without all ten labels."""
    labels = [getattr(cell, which) for cell in result.factors.values()]
    return None if None in labels else error(result.factor_sum, sum(labels), SCORE_TOP)


def _width(low: float | None, high: float | None, widest: float = 1.0) -> float:
    return widest if low is None or high is None else high - low


def _flag_metrics(results: Sequence[CaseResult]) -> Metrics:
    cells = [cell for result in results for cell in result.layers.values()]
    reader = count_flags((cell.certain, cell.reader) for cell in cells)
    return {
        "flag_precision_reader": precision(reader),
        "flag_recall_reader": recall(reader),
        "flag_f1_reader": f1(reader),
        "flag_f1_published": f1(count_flags((cell.certain, cell.published) for cell in cells)),
        "flag_loss": mean(result.flag_loss for result in results),
        "flagged_share": mean(cell.certain is not True for cell in cells),
    }


def _evidence_metrics(results: Sequence[CaseResult]) -> Metrics:
    certain = [cell for result in results for cell in result.layers.values() if cell.certain]
    known = [cell for result in results for cell in result.factors.values() if cell.state != "unknown"]
    return {
        "citation_validity": mean(share(result.valid_citations, result.citations) for result in results),
        "citations": mean(result.citations for result in results),
        "evidence_recall_reader": share(sum(r.gold_found for r in results), sum(r.gold_spans for r in results)),
        "threats_with_evidence_share": share(
            sum(cell.cited_threats for cell in certain), sum(cell.threats for cell in certain)
        ),
        "factors_with_evidence_share": share(sum(cell.cited for cell in known), len(known)),
    }


def _score_metrics(results: Sequence[CaseResult]) -> Metrics:
    scores = [result.score for result in results]
    withheld = [(result.docs, result.error is not None or result.score.withheld is not None) for result in results]
    return {
        "score_error": mean(result.score_error for result in results),
        "score_mae_published": mean(error(score.value, score.published, SCORE_TOP) for score in scores),
        "band_agreement_reader": mean(
            score.severity == score.reader_severity for score in scores if score.reader_severity is not None
        ),
        "band_agreement_published": mean(
            score.severity == score.published_severity for score in scores if score.published is not None
        ),
        "likely_coverage_published": mean(covered(s.likely_low, s.likely_high, s.published) for s in scores),
        "likely_width": mean(_width(score.likely_low, score.likely_high, SCORE_TOP) for score in scores),
        "withheld_share": mean(found for _, found in withheld),
        "withheld_share_with_docs": mean(found for docs, found in withheld if docs),
        "cvss_base_mae_reader": mean(error(score.cvss_base, score.reader_cvss_base, SCORE_TOP) for score in scores),
    }


def _report_metrics(results: Sequence[CaseResult]) -> Metrics:
    texts = [result.text for result in results]
    cards = [(result.factor_sum, result.card) for result in results if result.card is not None]
    return {
        "generic_sentence_share": mean(
            1.0 if text is None else share(text.generic_sentences, text.sentences) or 0.0 for text in texts
        ),
        "own_listing_found_share": share(
            sum(text is not None and text.own_listing_rank == 1 for text in texts), len(texts)
        ),
        "main_part_words": mean(text.words for text in texts if text is not None),
        # Skip cases without a report: other metrics count them as failed.
        "report_problems": mean(len(result.problems) for result in results if result.problems is not None),
        "threats_shown": mean(len(result.threats) for result in results),
        "withheld_share_cards": mean(card.error is None and card.withheld for _, card in cards),
        "card_sum_shift": mean(
            -SCORE_TOP if whole is None or card.factor_sum is None else card.factor_sum - whole for whole, card in cards
        ),
    }


def _attribution(results: Sequence[CaseResult], key: FactorKey) -> float | None:
    """Compute metric S3: the mean error against the reader's score if only the factor `key` gets the reader's value."""
    errors = []
    for result in results:
        cell, base, whole = result.factors[key], result.score.cvss_base, result.factor_sum
        if cell.reader is None:
            continue
        drafted = None
        if base is not None and cell.value is not None and whole is not None:
            total = whole - cell.value + cell.reader
            raw = base + (SCORE_TOP - base) * total / len(FACTORS) * float(THREAT_MULTIPLIER)
            drafted = min(raw, SCORE_TOP)
        errors.append(error(drafted, result.score.reader, SCORE_TOP))
    return mean(errors)


def _certainty_metrics(results: Sequence[CaseResult]) -> Metrics:
    cells = [cell for result in results for cell in result.layers.values() if cell.reader is not None]
    risks = [(cell.certainty, float(not cell.reader)) for cell in cells]
    chances = [(cell.certainty, float(bool(cell.reader))) for cell in cells]
    return {
        "augrc": augrc(risks),
        "coverage_at_low_risk": coverage_at_risk(risks, LOW_RISK),
        "certainty_brier": brier(chances),
        "certainty_ece": calibration_error(chances),
    }


def _claim_metrics(results: Sequence[CaseResult]) -> Metrics:
    claims = [result.claims for result in results]
    floors = [result.floors for result in results if result.floors is not None]
    implied = sum(cell.implied for cell in floors)
    return {
        # A draft without claims counts as 0, as does a failed case.
        "citation_coverage": mean(0.0 if cell is None else share(cell.cited, cell.claims) or 0.0 for cell in claims),
        "loose_names_share": share(
            sum(len(cell.loose) for cell in claims if cell is not None),
            sum(cell.claims for cell in claims if cell is not None),
        ),
        "facts_asserted": mean(result.facts for result in results),
        "floors_implied": share(implied, len(floors)),
        "floors_kept": share(implied - sum(len(cell.below) for cell in floors), implied),
    }


def _search_metrics(results: Sequence[CaseResult]) -> Metrics:
    found: Metrics = {}
    cells = [result.retrieval for result in results if result.retrieval is not None]
    for mode in ("fused", "bm25", "dense"):
        ranks = [rank for cell in cells for rank in cell.ranks.get(mode, ())]
        found |= {f"recall_at_{k}_{mode}": share(sum(0 < rank <= k for rank in ranks), len(ranks)) for k in (5, 10)}
    found |= {f"characters_at_{k}": mean(cell.shares.get(k) for cell in cells) for k in (5, 10)}
    heads = [result.headline.found for result in results if result.headline is not None]
    return found | {
        f"headline_recall_at_{k}": share(sum(0 < head <= k for head in heads), len(heads)) for k in (1, 3, 5)
    }


def _variant_metrics(results: Sequence[CaseResult]) -> Metrics:
    cards = [cell for result in results if result.card is not None for cell in result.card.layers.values()]
    # For cards, the positive class is the rare one: a layer that the card makes certain.
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


def _llm_metrics(results: Sequence[CaseResult]) -> Metrics:
    """Compute the LLM's usage and answer quality (metrics K1, L1, Q1); empty for drafts without an LLM."""
    cells = [result.usage for result in results if result.usage is not None]
    if not cells:
        return {}
    calls = sum(cell.calls for cell in cells)
    spent = [value / MILLISECONDS for cell in cells for value in cell.milliseconds]
    return {
        "llm_calls": mean(cell.calls for cell in cells),
        "input_tokens": mean(cell.input_tokens for cell in cells),
        "cached_tokens": mean(cell.cached_tokens for cell in cells),
        "output_tokens": mean(cell.output_tokens for cell in cells),
        "dollars": None if any(cell.dollars is None for cell in cells) else mean(cell.dollars for cell in cells),
        "repaired_share": share(sum(cell.repaired for cell in cells), calls),
        "refused_share": share(sum(cell.refused for cell in cells), calls),
        "truncated_share": share(sum(cell.truncated for cell in cells), calls),
        "failed_share": share(sum(cell.failed for cell in cells), calls),
        "call_seconds_p50": quantile(spent, HALF),
        "call_seconds_p95": quantile(spent, MOST),
    }


def _factor_block(results: Sequence[CaseResult], key: FactorKey) -> FactorBlock:
    cells = [result.factors[key] for result in results if key in result.factors]
    published = [(cell.value, cell.published) for cell in cells if cell.published is not None]
    reader = [(cell.value, cell.reader) for cell in cells if cell.reader is not None]
    errors = [error(value, label) for value, label in published]
    return FactorBlock(
        mae_published=mean(errors),
        mae_reader=mean(error(value, label) for value, label in reader),
        bias_published=mean(value - label for value, label in published if value is not None),
        bias_reader=mean(value - label for value, label in reader if value is not None),
        coverage_published=mean(covered(cell.low, cell.high, cell.published) for cell in cells),
        width=mean(_width(cell.low, cell.high) for cell in cells),
        unknown_share=mean(cell.state in (None, "unknown") for cell in cells),
        within_published=mean(far <= WITHIN for far in errors if far is not None),
        kappa_published=quadratic_kappa(
            [(1.0 - round(label) if value is None else value, label) for value, label in published]
        ),
        evidence_recall=mean(cell.quoted for cell in cells),
    )


def _layer_block(results: Sequence[CaseResult], key: LayerKey) -> LayerBlock:
    cells = [result.layers[key] for result in results if key in result.layers]
    flags = count_flags((cell.certain, cell.reader) for cell in cells)
    return LayerBlock(
        precision_reader=precision(flags),
        recall_reader=recall(flags),
        f1_reader=f1(flags),
        positives_reader=flags.true_positive + flags.false_negative,
        flagged=sum(cell.certain is not True for cell in cells),
        certainty=mean(cell.certainty for cell in cells),
        loss_reader=mean(flag_loss([(cell.certain, cell.reader)], 1) for cell in cells),
        brier_reader=brier([(cell.certainty, cell.reader) for cell in cells if cell.reader is not None]),
        evidence_recall=mean(cell.quoted for cell in cells),
    )
