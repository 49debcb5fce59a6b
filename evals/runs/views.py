"""Selects the parts of a draft that the report pages of an evaluation show beside the labels."""

from agent.records import Draft
from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS
from evals.cases.case import Case
from evals.metrics.results import DraftView, ShownThreat

_LAST = 10**6
"""Sort position of a threat that the report does not number."""


def view(case: Case, draft: Draft, main: str) -> DraftView:
    """Return the view of a draft; `main` is the main part of its report, Markdown."""
    quotes = {item.id: item.quote for item in draft.evidence}
    reader = case.reader
    labels: dict[str, str | None] = {}
    if reader is not None:
        labels = {key: cell.quote for key, cell in reader.factors.items()}
        labels |= {key: cell.quote for key, cell in reader.layers.items()}
    return DraftView(
        case=case.slug,
        name=draft.product.name,
        posture=draft.product.posture,
        headline=reader.headline if reader else None,
        quotes={
            key: tuple(quotes[mark] for mark in draft.factors[key].evidence if mark in quotes)
            for key in FACTOR_SETS["0.5"]
        },
        paragraphs={key: draft.layers[key].paragraph for key in LAYERS},
        threats=_threats(draft, quotes),
        reader_quotes={key: quote for key, quote in labels.items() if quote},
        report=main,
    )


def _threats(draft: Draft, quotes: dict[str, str]) -> tuple[ShownThreat, ...]:
    shown = [(key, threat) for key in LAYERS for threat in draft.layers[key].threats]
    shown.sort(key=lambda pair: _LAST if pair[1].place is None else pair[1].place)
    return tuple(
        ShownThreat(
            title=threat.title,
            layer=key,
            score=float(threat.score.aivss),
            severity=threat.score.severity,
            quotes=tuple(quotes[mark] for mark in threat.evidence if mark in quotes),
        )
        for key, threat in shown
    )
