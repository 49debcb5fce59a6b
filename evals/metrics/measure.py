"""Measures a draft against the labels of its case. Pure functions: no files, no clock."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from agent.drafting.threats.severity import THREAT_MULTIPLIER
from agent.facts.anchor import holds, locate
from agent.records import Document, Draft
from agent.report.report import build
from agent.scoring.aivss import TENTHS, UNIT, Point, units
from agent.scoring.interval import score_at, severity
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from agent.taxonomy.layers import LAYERS, LayerKey
from evals.cases.case import Case, Published, Reader
from evals.cases.splits import split_of
from evals.metrics.arithmetic import Span, spans_covered
from evals.metrics.floors import floor_cell
from evals.metrics.headlines import headline_cell
from evals.metrics.paragraph_claims import claims_of
from evals.metrics.report_check import check
from evals.metrics.results import ApprovalCell, CaseResult, FactorCell, LayerCell, ScoreCell

FACTORS: Final = FACTOR_SETS["0.5"]


def measure(
    case: Case, draft: Draft, documents: Sequence[Document], *, family: str, patterns: Iterable[str]
) -> CaseResult:
    """Measure a case's draft against its labels; `patterns` are the ids of the threat catalogue."""
    by_id = {document.id: document for document in documents}
    valid = [item for item in draft.evidence if item.document in by_id and holds(item, by_id[item.document])]
    cited = [Span(item.document, item.start, item.end) for item in valid]
    gold = gold_spans(case, documents)
    quoted = {
        key: (span := gold[quote]) is not None and spans_covered([span], cited) == 1
        for key, quote in gold_quotes(case).items()
    }
    shown = tuple(threat.id for layer in draft.layers.values() for threat in layer.threats)
    return CaseResult(
        case=case.slug,
        family=family,
        docs=len(case.docs),
        error=None,
        factors=_factors(case, draft, quoted),
        layers=_layers(case, draft, quoted),
        score=_score(case, draft),
        citations=len(draft.evidence),
        valid_citations=len(valid),
        gold_spans=len(gold),
        gold_found=spans_covered([span for span in gold.values() if span is not None], cited),
        threats=tuple(sorted(shown)),
        fired=_fired(draft, shown, patterns),
        text=None,
        card=None,
        headline=headline_cell(case, draft),
        claims=claims_of(draft, frozenset(item.id for item in valid)),
        floors=floor_cell(draft),
        facts=_asserted(draft),
        problems=tuple(check(build(draft, tuple(documents)))),
        split=split_of(case),
    )


def failed(case: Case, error: str, *, family: str) -> CaseResult:
    """Return the result of a case that could not be drafted: its drafted values are missing and count as the worst."""
    published, reader = case.published, case.reader
    quoted = dict.fromkeys(gold_quotes(case), False)
    return CaseResult(
        case=case.slug,
        family=family,
        docs=len(case.docs),
        error=error,
        factors={
            key: FactorCell(
                value=None,
                low=None,
                high=None,
                state=None,
                cited=False,
                published=published.factors.get(key) if published else None,
                reader=reader.factors[key].value if reader and key in reader.factors else None,
                quoted=quoted.get(key),
            )
            for key in FACTORS
        },
        layers={
            key: LayerCell(
                certain=None,
                certainty=None,
                threats=0,
                cited_threats=0,
                published=published.layers_certain.get(key) if published else None,
                reader=reader.layers[key].certain if reader and key in reader.layers else None,
                quoted=quoted.get(key),
            )
            for key in LAYERS
        },
        score=ScoreCell(
            value=None,
            severity=None,
            likely_low=None,
            likely_high=None,
            withheld=None,
            cvss_base=None,
            **_labelled_score(case),
        ),
        citations=0,
        valid_citations=0,
        gold_spans=len(set(gold_quotes(case).values())),
        gold_found=0,
        threats=(),
        fired=(),
        text=None,
        card=None,
        split=split_of(case),
    )


def factor_sum(draft: Draft) -> float:
    """Return the sum of the ten factors of set 0.5 as written in the draft, 0 to 10."""
    return float(sum((draft.factors[key].value for key in FACTORS), Decimal(0)))


def before_controls(published: Published) -> Decimal | None:
    """Recompute the published score with AIVSS 0.8 at mitigation factor 1; None when an input is not published."""
    return _labelled(published.cvss_base, published.factors, published.threat_multiplier)


def of_reader(reader: Reader) -> Decimal | None:
    """Compute the score from the reader's base and factors, with the drafts' threat multiplier and without controls."""
    return _labelled(
        reader.cvss_base, {key: cell.value for key, cell in reader.factors.items()}, float(THREAT_MULTIPLIER)
    )


def _labelled(base: float | None, factors: Mapping[FactorKey, float], threat: float | None) -> Decimal | None:
    if base is None or threat is None or any(key not in factors for key in FACTORS):
        return None
    total = sum((_exact(factors[key]) for key in FACTORS), Decimal(0))
    return score_at("aivss-0.8", Point(units(_exact(base), TENTHS), units(total), units(_exact(threat)), UNIT))


def gold_spans(case: Case, documents: Sequence[Document]) -> dict[str, Span | None]:
    """Return the place of each distinct reader quote in the documents; None for a quote that is not found."""
    spans: dict[str, Span | None] = {}
    for quote in dict.fromkeys(gold_quotes(case).values()):
        spans[quote] = None
        for document in documents:
            place = locate(quote, document.text)
            if place is not None:
                spans[quote] = Span(document.id, place.start, place.end)
                break
    return spans


def gold_quotes(case: Case) -> dict[str, str]:
    """Return factor or layer key → the reader's quote for its label; empty without a reader."""
    if case.reader is None:
        return {}
    quotes: dict[str, str | None] = {key: cell.quote for key, cell in case.reader.factors.items()}
    quotes |= {key: cell.quote for key, cell in case.reader.layers.items()}
    return {key: quote for key, quote in quotes.items() if quote}


def _factors(case: Case, draft: Draft, quoted: Mapping[str, bool]) -> dict[FactorKey, FactorCell]:
    known = {item.id for item in draft.evidence}
    empty = failed(case, "", family="").factors
    cells: dict[FactorKey, FactorCell] = {}
    for key in FACTORS:
        estimate = draft.factors[key]
        cells[key] = empty[key].model_copy(
            update={
                "value": float(estimate.value),
                "low": float(estimate.low),
                "high": float(estimate.high),
                "state": estimate.state,
                "cited": not known.isdisjoint(estimate.evidence),
                "quoted": quoted.get(key),
            }
        )
    return cells


def _layers(case: Case, draft: Draft, quoted: Mapping[str, bool]) -> dict[LayerKey, LayerCell]:
    known = {item.id for item in draft.evidence}
    empty = failed(case, "", family="").layers
    cells: dict[LayerKey, LayerCell] = {}
    for key in LAYERS:
        layer = draft.layers[key]
        cells[key] = empty[key].model_copy(
            update={
                "certain": layer.certain,
                "certainty": float(layer.certainty),
                "threats": len(layer.threats),
                "cited_threats": sum(not known.isdisjoint(threat.evidence) for threat in layer.threats),
                "quoted": quoted.get(key),
            }
        )
    return cells


def _score(case: Case, draft: Draft) -> ScoreCell:
    score = draft.score
    value = score.aivss if score.aivss is not None else score.provisional
    base = score.cvss_base
    if base is None and score.inputs is not None and score.inputs.cvss_base is not None:
        base = score.inputs.cvss_base.value
    return ScoreCell(
        value=_number(value),
        severity=None if value is None else severity(value),
        likely_low=_number(score.likely_low),
        likely_high=_number(score.likely_high),
        withheld=score.withheld,
        cvss_base=_number(base),
        **_labelled_score(case),
    )


def _labelled_score(case: Case) -> dict[str, object]:
    published = before_controls(case.published) if case.published else None
    reader = of_reader(case.reader) if case.reader else None
    return {
        "reader": _number(reader),
        "reader_severity": None if reader is None else severity(reader),
        "published": _number(published),
        "published_severity": None if published is None else severity(published),
        "reader_cvss_base": case.reader.cvss_base if case.reader else None,
    }


def _fired(draft: Draft, shown: Sequence[str], patterns: Iterable[str]) -> tuple[str, ...]:
    places = [*shown, *(question.id for question in draft.questions), *(item.what for item in draft.dropped)]
    words = {word for place in places for word in place.replace(":", " ").replace("/", " ").split()}
    return tuple(sorted(words.intersection(patterns)))


def _asserted(draft: Draft) -> int | None:
    if draft.facts is None:
        return None
    return sum(fact.about == "product" and fact.polarity == "asserted" and fact.counts for fact in draft.facts.facts)


def _exact(value: float) -> Decimal:
    return Decimal(str(value))


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def approval_cell(before: Draft, after: Draft) -> ApprovalCell:
    """Compute how much the approval page (`evals.cases.approval_pages`) lowered; `after` is drafted with the page."""
    return ApprovalCell(
        error=None,
        base_drop=round(_headline_base(before) - _headline_base(after), 6),
        autonomy_drop=round(_autonomy(before) - _autonomy(after), 6),
    )


def _headline_base(draft: Draft) -> float:
    """Return the CVSS base of the headline, even when the score is withheld; 0 without a headline."""
    score = draft.score
    if score.cvss_base is not None:
        return float(score.cvss_base)
    return float(score.inputs.cvss_base.value) if score.inputs is not None and score.inputs.cvss_base else 0.0


def _autonomy(draft: Draft) -> float:
    return float(draft.factors["autonomy_of_action"].value)
