"""From the measured cases to the metrics block. Every metric is defined here, in one line each where it fits."""

from collections.abc import Iterable, Sequence
from typing import Final

from agent.taxonomy.keys import FACTOR_SETS, LAYERS
from evals.metrics import (
    SCORE_TOP,
    count_flags,
    covered,
    error,
    f1,
    mean,
    precision,
    recall,
    share,
)
from evals.results import CaseResult, Evaluation, FactorBlock, LayerBlock, LayerCell

FACTORS: Final = FACTOR_SETS["0.5"]
WORST_SHARE: Final = 1.0


def summarise(results: Sequence[CaseResult], *, drafter: str, patterns: Iterable[str]) -> Evaluation:
    """All metrics over `results`; the results are kept as `per_case`, in the order given."""
    return Evaluation(
        drafter=drafter,
        cases=len(results),
        errors={result.case: result.error for result in results if result.error is not None},
        metrics={
            **_factor_metrics(results),
            **_flag_metrics(results),
            **_evidence_metrics(results),
            **_score_metrics(results),
            **_report_metrics(results),
            **_card_metrics(results),
        },
        factors={key: _factor_block(results, key) for key in FACTORS},
        layers={key: _layer_block(results, key) for key in LAYERS},
        patterns={
            pattern: share(sum(pattern in result.fired for result in results), len(results)) or 0.0
            for pattern in sorted(patterns)
        },
        per_case=tuple(results),
    )


def _factor_metrics(results: Sequence[CaseResult]) -> dict[str, float | None]:
    published = [_factor_error(result, "published") for result in results]
    reader = [_factor_error(result, "reader") for result in results]
    cells = [cell for result in results for cell in result.factors.values()]
    labelled = [cell for cell in cells if cell.published is not None]
    return {
        "factor_mae_published": mean(value for value in published if value is not None),
        "factor_mae_reader": mean(value for value in reader if value is not None),
        "factor_sum_mae_published": _sum_error(results, "published"),
        "factor_sum_mae_reader": _sum_error(results, "reader"),
        "interval_coverage_published": mean(
            float(covered(cell.low, cell.high, cell.published)) for cell in labelled if cell.published is not None
        ),
        "interval_width": mean(_width(cell.low, cell.high) for cell in cells),
        "factors_unknown_share": mean(float(cell.state in (None, "unknown")) for cell in cells),
    }


def _factor_error(result: CaseResult, which: str) -> float | None:
    """Mean absolute error of one case over its labelled factors."""
    labels = [(cell.value, getattr(cell, which)) for cell in result.factors.values()]
    return mean(error(value, label) for value, label in labels if label is not None)


def _sum_error(results: Sequence[CaseResult], which: str) -> float | None:
    """Mean error of the sum of the ten, over cases with all ten labels."""
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
        "flagged_share": mean(float(cell.certain is not True) for cell in cells),
    }


def _evidence_metrics(results: Sequence[CaseResult]) -> dict[str, float | None]:
    certain = [cell for result in results for cell in result.layers.values() if cell.certain]
    known = [cell for result in results for cell in result.factors.values() if cell.state != "unknown"]
    return {
        "citation_validity": mean(share(result.valid_citations, result.citations) or 0.0 for result in results),
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
        "score_mae_published": mean(error(score.value, label, SCORE_TOP) for score, label in labelled),
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
    )
