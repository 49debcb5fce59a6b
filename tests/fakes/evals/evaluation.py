"""Hand-made cases, measured cases, draft views and verdicts."""

from typing import Any

from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS
from evals.cases.case import Case, Labels, Page
from evals.gate.verdict import CaseMove, Finding, Moved, PairedTest, Verdict
from evals.metrics.results import (
    CardCell,
    CaseResult,
    ClaimCell,
    DraftView,
    Evaluation,
    FactorCell,
    FlagCell,
    HeadlineCell,
    LayerCell,
    PoisonCell,
    RetrievalCell,
    ScoreCell,
    ShownThreat,
    TextCell,
    TwinCell,
    UsageCell,
)
from evals.metrics.summary import summarise

FACTORS = FACTOR_SETS["0.5"]
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)> "
    "\u202etxet\u202c \u2028 \x00\x1b[31m]]> <!-- &amp; ' \""
)


def product(slug: str, name: str = "Quillet", vendor: str | None = None, **fields: Any) -> Case:
    """Return a case without labels."""
    given = {
        "slug": slug, "name": name, "vendor": vendor, "category": "other", "sources": (), "example": False,
        "labels_version": 1, "listing": Page(title=name, markdown=f"# {name}\n"), "docs": (), "labels": Labels(),
    }  # fmt: skip
    return Case.model_validate(given | fields)


def case(
    slug: str, *, value: float = 0.5, published: float | None = 0.4, reader: float | None = 0.7, **cells: Any
) -> CaseResult:
    """Return a drafted case: every factor is 0.1 above the published label and 0.2 below the reader's, one flag is
    missed.
    """
    labels = {"published": published, "reader": reader}
    factor = FactorCell(value=value, low=value - 0.2, high=value + 0.2, state="claimed", cited=True, **labels)
    flags = {name: None if label is None else n for n, (name, label) in zip((3, 2), labels.items(), strict=True)}
    layers = {
        key: LayerCell(
            certain=n > 1,
            certainty=(n + 1) / 10,
            threats=1,
            cited_threats=1,
            **{name: None if last is None else n > last for name, last in flags.items()},
        )
        for n, key in enumerate(LAYERS)
    }
    score = ScoreCell(
        value=7.0,
        severity="High",
        likely_low=6.0,
        likely_high=7.5,
        cvss_base=6.5,
        published=None if published is None else 7.4,
        published_severity=None if published is None else "High",
        reader_cvss_base=None if reader is None else 7.0,
        reader=None if reader is None else 7.6,
        reader_severity=None if reader is None else "High",
    )
    made = CaseResult(
        case=slug,
        family=f"vendor:{slug}",
        docs=1,
        factors=dict.fromkeys(FACTORS, factor),
        layers=layers,
        score=score,
        citations=4,
        valid_citations=4,
        gold_spans=10,
        gold_found=4,
        threats=("L3-b",),
        fired=("L3-b",),
        text=TextCell(words=800, sentences=40, generic_sentences=10, own_listing_rank=1),
    )
    return made.model_copy(update=cells)


def broken(slug: str, error: str = "SourceError: unreadable") -> CaseResult:
    """Return a case that could not be drafted."""
    whole = case(slug)
    factors = {key: FactorCell(published=c.published, reader=c.reader) for key, c in whole.factors.items()}
    layers = {key: LayerCell(published=c.published, reader=c.reader) for key, c in whole.layers.items()}
    labels = {name: getattr(whole.score, name) for name in ScoreCell.model_fields if name[:4] in ("publ", "read")}
    none = {"citations": 0, "valid_citations": 0, "gold_found": 0, "threats": (), "fired": (), "text": None}
    score = ScoreCell.model_validate(labels)
    return whole.model_copy(update={"error": error, "factors": factors, "layers": layers, "score": score, **none})


def everything(slug: str, words: str = "plain") -> CaseResult:
    """Return a case with every further cell."""
    flags = {key: FlagCell(certain=n > 3, certainty=0.5, gold=n > 4) for n, key in enumerate(LAYERS)}
    ranks = {"fused": (1, 2, 0, 5), "bm25": (1, 4, 0, 9), "dense": (3, 0, 0, 7)}
    tokens = {"input_tokens": 900, "cached_tokens": 100, "output_tokens": 50}
    return case(
        slug,
        card=CardCell(withheld=True, factor_sum=5.0, layers=flags),
        twin=TwinCell(factor_sum=5.1, shift=0.1, flips=1),
        poisoned=(PoisonCell(attack=f"order {words}", broken=(f"moved {words}",)), PoisonCell(attack="x", broken=())),
        retrieval=RetrievalCell.model_validate({"ranks": ranks, "shares": {1: 0.05, 5: 0.2}}),
        headline=HeadlineCell(asi="ASI01", layer="data_operations", asset=words, found=0),
        claims=ClaimCell(claims=4, cited=3, loose=(words,)),
        usage=UsageCell(calls=3, **tokens, dollars=0.01, repaired=1, refused=0, truncated=0, failed=0),
    )


def evaluated(*results: CaseResult) -> Evaluation:
    """Return a summary of the results."""
    return summarise(list(results), drafter="embedded", patterns=("L1-a", "L3-b"))


def view(slug: str, words: str = "plain") -> DraftView:
    """Return the parts of a draft that a page shows, with `words` in each of its texts."""
    return DraftView(
        case=slug,
        name=f"Name {words}",
        posture=f"posture {words}",
        headline=f"headline {words}",
        quotes={"persistent_memory": (f"cited {words}",)},
        paragraphs={"data_operations": f"paragraph {words}"},
        threats=(ShownThreat(f"threat {words}", "data_operations", 7.25, "High", (f"threat quote {words}",)),),
        reader_quotes={"persistent_memory": f"reader {words}", "data_operations": f"reader layer {words}"},
        report=f"# Report {words}\n\nSecond line",
    )


def verdict(*cases: str, words: str = "plain") -> Verdict:
    """Return a verdict that fails, over `cases`, worst first."""
    return Verdict(
        regime="replay",
        outcome="fail",
        findings=(
            Finding(rule="metric", metric="factor_mae_reader", text=f"0.300, 0.050 above {words}", cases=cases),
            Finding(rule="invariant", metric="citation_validity", text="0.900 where it must be 1"),
        ),
        moved=(
            Moved(metric="factor_mae_reader", before=0.25, after=0.3, worse=True),
            Moved(metric="main_part_words", before=790.0, after=800.0, worse=False),
            Moved(metric="factors/persistent_memory/mae_reader", before=0.2, after=0.3, worse=True),
            Moved(metric="gone", before=0.5, after=None, worse=True),
        ),
        cases=tuple(
            CaseMove(
                case=case,
                moved=(
                    Moved(metric="factor_error", before=0.25, after=0.3, worse=True),
                    Moved(metric="layers/data_operations", before=0.0, after=1.0, worse=True),
                ),
            )
            for case in cases
        ),
        tests=(paired(),),
        notes=(f"note {words}",),
    )


def paired() -> PairedTest:
    """Return a test that cannot tell."""
    chances = {"p_worse": 0.2, "p_not_inferior": 0.3, "margin": 0.02, "detectable": 0.03}
    found = {"metric": "flag_loss", "cases": 24, "mean_difference": 0.01, "low": -0.02, "high": 0.04}
    return PairedTest.model_validate(found | chances | {"verdict": "cannot tell", "further_cases": 140})
