"""Measured cases made by hand: every factor 0.1 too high for the published label and 0.2 too low for the reader's."""

from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS
from evals.metrics.results import CardCell, CaseResult, FactorCell, LayerCell, ScoreCell, TextCell

FACTORS = FACTOR_SETS["0.5"]


def case(slug: str, *, value: float = 0.5, published: float | None = 0.4, reader: float | None = 0.7) -> CaseResult:
    return CaseResult(
        case=slug,
        family=f"vendor:{slug}",
        docs=2,
        error=None,
        factors={
            key: FactorCell(
                value=value,
                low=value - 0.2,
                high=value + 0.2,
                state="claimed",
                cited=True,
                published=published,
                reader=reader,
            )
            for key in FACTORS
        },
        layers={
            key: LayerCell(certain=n > 1, certainty=0.6, threats=2, cited_threats=2, published=None, reader=n > 2)
            for n, key in enumerate(LAYERS)
        },
        score=ScoreCell(
            value=7.0,
            severity="High",
            likely_low=6.0,
            likely_high=7.5,
            withheld=None,
            cvss_base=6.5,
            published=7.4,
            published_severity="High",
            reader_cvss_base=7.0,
        ),
        citations=4,
        valid_citations=4,
        gold_spans=10,
        gold_found=4,
        threats=("L3-b",),
        fired=("L3-b",),
        text=TextCell(words=800, sentences=40, generic_sentences=10, own_listing_rank=1),
        card=CardCell(error=None, withheld=True, factor_sum=5.5),
    )


def broken(slug: str) -> CaseResult:
    whole = case(slug)
    none: dict[str, None] = dict.fromkeys(("value", "low", "high", "state"))
    return whole.model_copy(
        update={
            "error": "SourceError: unreadable",
            "factors": {key: cell.model_copy(update={**none, "cited": False}) for key, cell in whole.factors.items()},
            "layers": {
                key: cell.model_copy(update={"certain": None, "certainty": None, "threats": 0, "cited_threats": 0})
                for key, cell in whole.layers.items()
            },
            "score": whole.score.model_copy(
                update=dict.fromkeys(("value", "severity", "likely_low", "likely_high", "cvss_base"))
            ),
            "citations": 0,
            "valid_citations": 0,
            "gold_found": 0,
            "threats": (),
            "fired": (),
            "text": None,
            "card": None,
        }
    )
