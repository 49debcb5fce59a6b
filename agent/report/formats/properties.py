"""Properties of the draft and of each threat without a field in other tools' formats, as plain JSON.

Nothing is rounded or filled in: an unknown value is null, and so is a withheld score, with its reason.
"""

from collections.abc import Sequence

from agent.report.formats.threat_rows import ThreatRow
from agent.report.view import View
from agent.taxonomy.layers import LAYER_CODES


def threat_properties(row: ThreatRow) -> dict[str, object]:
    """Return a threat's layer, state, basis, severity, scores, facts, quotes and mitigations."""
    view, threat, score = row.view, row.threat, row.threat.score
    found: dict[str, object] = {
        "title": threat.title,
        "place": row.place,
        "layer": row.layer,
        "layerCertain": row.certain,
        "state": threat.state,
        "basis": threat.basis,
        "defaultUse": threat.default_use,
        "setting": threat.setting,
        "severity": row.severity,
        "cvssBase": float(score.cvss_base),
        "cvssVector": score.cvss_vector,
        "cvssReasons": dict(row.reasons),
        "aivss": None if row.aivss is None else float(row.aivss),
        "confidence": row.confidence,
        "facts": [
            {
                "id": fact.id, "key": fact.key, "polarity": fact.polarity, "state": fact.state,
                "confidence": fact.confidence, "rank": fact.rank, "counts": fact.counts,
            }
            for fact in row.facts
        ],
        "evidence": [
            {"id": quote.id, "document": quote.document, "rank": quote.rank, "about": quote.about}
            for quote in row.quotes
        ],
        "mitigations": [each.model_dump(mode="json") for each in threat.mitigations],
        "by": threat.by,
        "like": threat.like,
    }  # fmt: skip
    headline, product = view.headline, view.draft.score
    if headline is not None and headline.threat.id == threat.id and product.aivss is not None:
        found["productScore"] = float(product.aivss)
        found["likelyLow"] = None if product.likely_low is None else float(product.likely_low)
        found["likelyHigh"] = None if product.likely_high is None else float(product.likely_high)
    return found


def draft_properties(view: View) -> dict[str, object]:
    """Return the score with its range, factors, layers, questions, and what was not found."""
    draft = view.draft
    factors = {
        key: {"value": float(each.value), "low": float(each.low), "high": float(each.high), "state": each.state}
        for key, each in draft.factors.items()
    }
    layers = {
        key: {
            "code": LAYER_CODES[key], "applies": layer.applies, "certain": layer.certain,
            "certainty": float(layer.certainty), "missing": _plain(layer.missing),
        }
        for key, layer in view.layers
    }  # fmt: skip
    absent: Sequence[str] = [each.key for each in draft.facts.absent] if draft.facts else []
    return {
        "draft": draft.id,
        "standing": view.standing,
        "product": draft.product.model_dump(mode="json"),
        "drafter": {"kind": draft.drafter.kind, "llm": draft.drafter.llm},
        "score": draft.score.model_dump(mode="json"),
        "factors": factors,
        "layers": layers,
        "questions": [each.model_dump(mode="json") for each in view.questions],
        "controls": [each.model_dump(mode="json") for each in draft.controls],
        "notFound": list(absent),
        "assumptions": list(draft.assumptions),
        "dropped": [each.model_dump(mode="json") for each in draft.dropped],
        "review": _plain(draft.review),
    }


def modelled_properties(view: View) -> dict[str, object]:
    """Return the draft's properties with facts, quotes and sources, for formats that hold a whole threat model."""
    draft = view.draft
    return {
        **draft_properties(view),
        "facts": [fact.model_dump(mode="json") for fact in view.facts],
        "evidence": [quote.model_dump(mode="json") for quote in draft.evidence],
        "sources": [
            {"document": source.document, "url": source.url, "sha256": source.sha256, "kind": source.kind}
            for source in draft.sources
        ],
        "capabilities": [each.model_dump(mode="json") for each in draft.system.capabilities],
        "chains": [each.model_dump(mode="json", by_alias=True) for each in draft.chains],
        "advice": _plain(draft.advice),
    }


def _plain(record: object) -> object:
    dump = getattr(record, "model_dump", None)
    return None if dump is None else dump(mode="json")
