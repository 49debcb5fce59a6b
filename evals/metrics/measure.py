"""Measure a draft against the labels of its case. Pure functions: no files, no clock."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Final, NamedTuple

from agent.drafting.threats.catalogue import load_catalogue
from agent.drafting.threats.severity import THREAT_MULTIPLIER
from agent.facts.anchor import holds, locate
from agent.facts.vocabulary import Vocabulary, load_vocabulary
from agent.records import Document, Draft, Fact
from agent.report.report import build
from agent.scoring.aivss import TENTHS, UNIT, Point, units
from agent.scoring.interval import score_at, severity
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from agent.taxonomy.kinds import AssetClass
from agent.taxonomy.layers import LAYERS, LayerKey
from evals.cases.case import Case, Published, Reader
from evals.cases.splits import split_of
from evals.metrics.arithmetic import Span, spans_covered
from evals.metrics.paragraph_claims import claims_of
from evals.metrics.report_check import check
from evals.metrics.results import (
    ApprovalCell,
    CaseResult,
    FactorCell,
    FloorCell,
    HeadlineCell,
    LayerCell,
    ScoreCell,
)

FACTORS: Final = FACTOR_SETS["0.5"]
_LAST: Final = 10**6
_TINY: Final = 1e-9


def _asserted(facts: Iterable[Fact]) -> int:
    return sum(one.about == "product" and one.polarity == "asserted" and one.counts for one in facts)


def measure(
    case: Case, draft: Draft, documents: Sequence[Document], *, family: str, patterns: Iterable[str]
) -> CaseResult:
    """Measure a case's draft against its labels; `patterns` are the ids of the threat catalogue."""
    by_id = {document.id: document for document in documents}
    known = {item.id for item in draft.evidence}
    valid = [item for item in draft.evidence if item.document in by_id and holds(item, by_id[item.document])]
    cited = [Span(item.document, item.start, item.end) for item in valid]
    gold = gold_spans(case, documents)
    quoted = {
        key: (span := gold[quote]) is not None and spans_covered([span], cited) == 1
        for key, quote in gold_quotes(case).items()
    }
    blank = failed(case, None, family=family)
    factors = {
        key: cell.model_copy(
            update={
                "value": float(draft.factors[key].value),
                "low": float(draft.factors[key].low),
                "high": float(draft.factors[key].high),
                "state": draft.factors[key].state,
                "cited": not known.isdisjoint(draft.factors[key].evidence),
                "quoted": quoted.get(key),
            }
        )
        for key, cell in blank.factors.items()
    }
    layers = {
        key: cell.model_copy(
            update={
                "certain": draft.layers[key].certain,
                "certainty": float(draft.layers[key].certainty),
                "threats": len(draft.layers[key].threats),
                "cited_threats": sum(not known.isdisjoint(one.evidence) for one in draft.layers[key].threats),
                "quoted": quoted.get(key),
            }
        )
        for key, cell in blank.layers.items()
    }
    shown = [threat.id for layer in draft.layers.values() for threat in layer.threats]
    named = [*shown, *(question.id for question in draft.questions), *(item.what for item in draft.dropped)]
    words = {word for place in named for word in place.replace(":", " ").replace("/", " ").split()}
    return blank.model_copy(
        update={
            "factors": factors,
            "layers": layers,
            "score": blank.score.model_copy(update=_drafted_score(draft)),
            "citations": len(draft.evidence),
            "valid_citations": len(valid),
            "gold_found": spans_covered([span for span in gold.values() if span is not None], cited),
            "threats": tuple(sorted(shown)),
            "fired": tuple(sorted(words.intersection(patterns))),
            "headline": headline_cell(case, draft),
            "claims": claims_of(draft, frozenset(item.id for item in valid)),
            "floors": floor_cell(draft),
            "facts": _asserted(draft.facts.facts) if draft.facts else None,
            "problems": tuple(check(build(draft, tuple(documents)))),
        }
    )


def failed(case: Case, error: str | None, *, family: str) -> CaseResult:
    """Return the result of a case that could not be drafted: its drafted values are missing and count as the worst."""
    published, reader = case.published, case.reader
    quotes = gold_quotes(case)
    quoted = dict.fromkeys(quotes, False)
    scores = {
        "published": before_controls(published) if published else None,
        "reader": of_reader(reader) if reader else None,
    }
    return CaseResult(
        case=case.slug,
        family=family,
        docs=len(case.docs),
        error=error,
        factors={
            key: FactorCell(
                published=published.factors.get(key) if published else None,
                reader=reader.factors[key].value if reader and key in reader.factors else None,
                quoted=quoted.get(key),
            )
            for key in FACTORS
        },
        layers={
            key: LayerCell(
                published=published.layers_certain.get(key) if published else None,
                reader=reader.layers[key].certain if reader and key in reader.layers else None,
                quoted=quoted.get(key),
            )
            for key in LAYERS
        },
        score=ScoreCell.model_validate(
            {name: _number(score) for name, score in scores.items()}
            | {f"{name}_severity": None if score is None else severity(score) for name, score in scores.items()}
            | {"reader_cvss_base": reader.cvss_base if reader else None}
        ),
        gold_spans=len(set(quotes.values())),
        split=split_of(case),
    )


# ---------------------------------------------------------------- scores


def _drafted_score(draft: Draft) -> dict[str, object]:
    score = draft.score
    value = score.aivss if score.aivss is not None else score.provisional
    return {
        "value": _number(value),
        "severity": None if value is None else severity(value),
        "likely_low": _number(score.likely_low),
        "likely_high": _number(score.likely_high),
        "withheld": score.withheld,
        "cvss_base": headline_base(draft),
    }


def headline_base(draft: Draft) -> float | None:
    """Return the CVSS base of the headline, even when the score is withheld; None without a headline."""
    score = draft.score
    if score.cvss_base is None and score.inputs is not None and score.inputs.cvss_base is not None:
        return float(score.inputs.cvss_base.value)
    return _number(score.cvss_base)


def factor_sum(draft: Draft) -> float:
    """Return the sum of the ten factors of set 0.5 as written in the draft, 0 to 10."""
    return float(sum((draft.factors[key].value for key in FACTORS), Decimal(0)))


def before_controls(published: Published) -> Decimal | None:
    """Recompute the published score with AIVSS 0.8 at mitigation factor 1; None when an input is not published."""
    return _labelled(published.cvss_base, published.factors, published.threat_multiplier)


def of_reader(reader: Reader) -> Decimal | None:
    """Compute the score from the reader's base and factors, with the drafts' threat multiplier and without controls."""
    factors = {key: cell.value for key, cell in reader.factors.items()}
    return _labelled(reader.cvss_base, factors, float(THREAT_MULTIPLIER))


def _labelled(base: float | None, factors: Mapping[FactorKey, float], threat: float | None) -> Decimal | None:
    if base is None or threat is None or any(key not in factors for key in FACTORS):
        return None
    total = sum((Decimal(str(factors[key])) for key in FACTORS), Decimal(0))
    at = Point(units(Decimal(str(base)), TENTHS), units(total), units(Decimal(str(threat))), UNIT)
    return score_at("aivss-0.8", at)


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def approval_cell(before: Draft, after: Draft) -> ApprovalCell:
    """Compute how much the approval page (`evals.cases.variants`) lowered the headline's CVSS base and the autonomy
    factor; `after` is drafted with the page.
    """
    bases = [headline_base(draft) or 0.0 for draft in (before, after)]
    autonomy = [float(draft.factors["autonomy_of_action"].value) for draft in (before, after)]
    return ApprovalCell(base_drop=round(bases[0] - bases[1], 6), autonomy_drop=round(autonomy[0] - autonomy[1], 6))


# ---------------------------------------------------------------- the reader's quotes


def gold_spans(case: Case, documents: Sequence[Document]) -> dict[str, Span | None]:
    """Return the place of each distinct reader quote in the documents; None for a quote that is not found."""
    spans: dict[str, Span | None] = {}
    for quote in dict.fromkeys(gold_quotes(case).values()):
        places = ((document.id, locate(quote, document.text)) for document in documents)
        spans[quote] = next((Span(name, place.start, place.end) for name, place in places if place is not None), None)
    return spans


def gold_quotes(case: Case) -> dict[str, str]:
    """Return the reader's quote for each label, by factor or layer key; empty without a reader."""
    if case.reader is None:
        return {}
    quotes: dict[str, str | None] = {key: cell.quote for key, cell in case.reader.factors.items()}
    quotes |= {key: cell.quote for key, cell in case.reader.layers.items()}
    return {key: quote for key, quote in quotes.items() if quote}


# ---------------------------------------------------------------- floors and headline


def floor_cell(draft: Draft, vocabulary: Vocabulary | None = None) -> FloorCell | None:
    """Count the factors that have a floor, and list those below their floor; None without facts.

    Only facts that are asserted, not merely inferred, set a floor.
    """
    if draft.facts is None:
        return None
    words = vocabulary or load_vocabulary()
    floors: dict[FactorKey, float] = {}
    for fact in draft.facts.facts:
        if fact.about != "product" or fact.polarity != "asserted" or not fact.counts or fact.only_inferred:
            continue
        for factor, least in words[fact.key].floor.items() if fact.key in words else ():
            floors[factor] = max(floors.get(factor, 0.0), float(least))
    below = [
        factor
        for factor, least in floors.items()
        if factor in draft.factors and float(draft.factors[factor].value) < least - _TINY
    ]
    return FloorCell(implied=len(floors), below=tuple(sorted(below)))


class Code(NamedTuple):
    """A threat, coded with a closed vocabulary."""

    asi: str
    layer: LayerKey
    asset: AssetClass


@cache
def pattern_codes() -> Mapping[str, Code]:
    """Return the code of every pattern in the catalogue, by pattern id."""
    return {
        pattern.id: Code(
            next((ref.id for ref in pattern.taxonomy if ref.scheme == "owasp-asi"), ""), pattern.layer, pattern.asset
        )
        for pattern in load_catalogue().every.values()
    }


def headline_cell(case: Case, draft: Draft) -> HeadlineCell | None:
    """Return the reader's coded headline and its rank among the draft's threats; None without a coded headline.

    The rank, from 1, is that of the first catalogue threat, in report order, with the same ASI id and the same layer or
    asset; 0 when there is none. Threats proposed by an LLM have no pattern and are skipped.
    """
    gold = case.readings.headline_code if case.readings else None
    if gold is None:
        return None
    threats = [threat for layer in draft.layers.values() for threat in layer.threats]
    placed = sorted((threat.place or _LAST, threat.id, threat.like or threat.id) for threat in threats)
    codes = [code for _, _, pattern in placed if (code := pattern_codes().get(pattern))]
    ranks = (
        rank
        for rank, code in enumerate(codes, 1)
        if code.asi == gold.asi and (code.layer == gold.layer or code.asset == gold.asset)
    )
    return HeadlineCell(asi=gold.asi, layer=gold.layer, asset=gold.asset, found=next(ranks, 0))
