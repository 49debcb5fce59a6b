"""The claims in a draft's paragraphs, and which of them their quotes support."""

from agent.drafting.calibration import load_calibration
from agent.pipeline import draft_reading, read_documents
from agent.records import Draft
from evals.cases.corpus import bundled_cases
from evals.cases.documents import READ_AT, documents_of
from evals.metrics.paragraph_claims import claims_of

CLINE = read_documents(documents_of(next(case for case in bundled_cases() if case.slug == "cline")))
DRAFT = draft_reading(CLINE, name=None, calibration=load_calibration(), created_at=READ_AT)
MARK = DRAFT.evidence[0].id
VALID = frozenset(item.id for item in DRAFT.evidence)


def with_paragraph(draft: Draft, text: str) -> Draft:
    """Return the draft with one certain layer, which says `text`, and all others flagged."""
    layers = {
        key: layer.model_copy(update={"certain": key == "data_operations", "paragraph": text})
        for key, layer in draft.layers.items()
    }
    return draft.model_copy(update={"layers": layers})


def test_a_sentence_with_a_citation_carries_what_follows_from_it() -> None:
    text = f"The listing says so ({MARK}). One planted sentence can come back. Nothing cites this one."
    found = claims_of(with_paragraph(DRAFT, text), VALID)
    assert (found.claims, found.cited) == (3, 2)
    assert claims_of(with_paragraph(DRAFT, text), frozenset()).cited == 0


def test_numbers_and_names_that_no_quote_has_are_loose() -> None:
    quote = DRAFT.evidence[0].quote
    text = f"It says “{quote}” ({MARK}) since 2019, and Zyxwv Cloud reads along with Cline in version 3.1."
    found = claims_of(with_paragraph(DRAFT, text), VALID)
    assert found.loose == tuple(f"data_operations: {word}" for word in ("2019", "3.1", "Zyxwv", "Cloud"))


def test_an_empty_paragraph_is_a_claim_without_citation_and_flagged_layers_claim_nothing() -> None:
    found = claims_of(with_paragraph(DRAFT, ""), VALID)
    assert (found.claims, found.cited) == (1, 0)
    flagged = {key: layer.model_copy(update={"certain": False}) for key, layer in DRAFT.layers.items()}
    found = claims_of(DRAFT.model_copy(update={"layers": flagged}), VALID)
    assert (found.claims, found.cited, found.loose) == (0, 0, ())
