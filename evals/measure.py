"""From a draft and a case to what the metrics need. Pure: no files, no clock."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from agent.evidence.anchor import holds, locate
from agent.records import Document, Draft
from agent.scoring.aivss import TENTHS, UNIT, Point, units
from agent.scoring.interval import score_at, severity
from agent.taxonomy.keys import FACTOR_SETS, LAYERS, FactorKey, LayerKey
from evals.cases import Case, Published
from evals.metrics import Span, spans_covered
from evals.results import CaseResult, FactorCell, LayerCell, ScoreCell

FACTORS: Final = FACTOR_SETS["0.5"]


def measure(
    case: Case, draft: Draft, documents: Sequence[Document], *, family: str, patterns: Iterable[str]
) -> CaseResult:
    """The draft of a case measured against its labels; `patterns` are the ids of the threat catalogue."""
    by_id = {document.id: document for document in documents}
    valid = [item for item in draft.evidence if item.document in by_id and holds(item, by_id[item.document])]
    gold = gold_spans(case, documents)
    shown = tuple(threat.id for layer in draft.layers.values() for threat in layer.threats)
    return CaseResult(
        case=case.slug,
        family=family,
        docs=len(case.docs),
        error=None,
        factors=_factors(case, draft),
        layers=_layers(case, draft),
        score=_score(case, draft),
        citations=len(draft.evidence),
        valid_citations=len(valid),
        gold_spans=len(gold),
        gold_found=spans_covered(
            [span for span in gold if span is not None],
            [Span(item.document, item.start, item.end) for item in valid],
        ),
        threats=tuple(sorted(shown)),
        fired=_fired(draft, shown, patterns),
        text=None,
        card=None,
    )


def failed(case: Case, error: str, *, family: str) -> CaseResult:
    """The result of a case that could not be drafted: labels without values, which count as the worst."""
    published, reader = case.published, case.reader
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
        gold_spans=len(_gold_quotes(case)),
        gold_found=0,
        threats=(),
        fired=(),
        text=None,
        card=None,
    )


def factor_sum(draft: Draft) -> float:
    """The sum of the ten factors of set 0.5 as written in the draft, 0 to 10."""
    return float(sum((draft.factors[key].value for key in FACTORS), Decimal(0)))


def before_controls(published: Published) -> Decimal | None:
    """The published score recomputed with AIVSS 0.8 at mitigation factor 1; None when an input is not published."""
    base, threat = published.cvss_base, published.threat_multiplier
    if base is None or threat is None or any(key not in published.factors for key in FACTORS):
        return None
    total = sum((_exact(published.factors[key]) for key in FACTORS), Decimal(0))
    return score_at("aivss-0.8", Point(units(_exact(base), TENTHS), units(total), units(_exact(threat)), UNIT))


def gold_spans(case: Case, documents: Sequence[Document]) -> tuple[Span | None, ...]:
    """Where each distinct quote of the reader stands in the documents; None for one that is not found."""
    spans: list[Span | None] = []
    for quote in _gold_quotes(case):
        found = None
        for document in documents:
            place = locate(quote, document.text)
            if place is not None:
                found = Span(document.id, place.start, place.end)
                break
        spans.append(found)
    return tuple(spans)


def _gold_quotes(case: Case) -> tuple[str, ...]:
    if case.reader is None:
        return ()
    quotes = [cell.quote for cell in case.reader.factors.values()]
    quotes += [cell.quote for cell in case.reader.layers.values()]
    return tuple(dict.fromkeys(quote for quote in quotes if quote))


def _factors(case: Case, draft: Draft) -> dict[FactorKey, FactorCell]:
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
            }
        )
    return cells


def _layers(case: Case, draft: Draft) -> dict[LayerKey, LayerCell]:
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
    return {
        "published": _number(published),
        "published_severity": None if published is None else severity(published),
        "reader_cvss_base": case.reader.cvss_base if case.reader else None,
    }


def _fired(draft: Draft, shown: Sequence[str], patterns: Iterable[str]) -> tuple[str, ...]:
    places = [*shown, *(question.id for question in draft.questions), *(item.what for item in draft.dropped)]
    words = {word for place in places for word in place.replace(":", " ").replace("/", " ").split()}
    return tuple(sorted(words.intersection(patterns)))


def _exact(value: float) -> Decimal:
    return Decimal(str(value))


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
