"""Constants for real listings with an expert's reading, fitted without the owner of the measured product.

The bundled constants were fitted on these readings too, so figures measured with them are too optimistic. The fact
reader and the heads for kinds are the bundled ones; `evals.training.fact_heads` and `evals.training.kind_heads` print
their figures for held-out owners. The correction of an LLM's factor values is also the bundled one: one number per
factor, shrunk towards the corpus.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.pipeline import draft_reading, own_left_out, read_documents, with_facts
from agent.records import Document, Draft
from evals.real.drafting import NOW
from evals.runs.holdout import Constants
from evals.runs.spread import apart
from evals.training.derive import fit_left_out
from evals.training.derive_rows import all_rows, with_heads


@dataclass(frozen=True)
class RealHoldout:
    """The constants of each product with a reading, by slug."""

    by_slug: Mapping[str, Constants]

    @classmethod
    def fitted(cls, texts: Path, cache: Path | None = None) -> "RealHoldout":
        """Fit once per fold, on the bundled cases and on the listings of the other owners. This takes about two minutes
        on two cores.

        `cache` is a file for the rows of the fits, which are read from it if it exists.
        """
        rows = all_rows(texts / "readings", texts / "listings", cache)
        fitted = apart(fit_left_out, rows)
        return cls({row.slug: Constants.of(fitted[row.fold]) for row in rows if row.real})

    def drafted(self, slug: str, draft: Draft, documents: tuple[Document, ...]) -> Draft:
        """Repeat a draft without an LLM from its documents. Raises KeyError for a product without a reading."""
        held, product = self.by_slug[slug], draft.product
        return draft_reading(
            with_heads(read_documents(documents), held.heads),
            name=product.name,
            vendor=product.vendor,
            aliases=product.aliases,
            calibration=held.calibration,
            created_at=NOW,
        )

    def recomposed(self, slug: str, draft: Draft, documents: tuple[Document, ...]) -> Draft:
        """Recompose a draft from its own facts and its LLM's judgement, with the outlook and constants of a holdout.

        A draft that cannot be derived from its facts is left unchanged. Raises KeyError for a product without a
        reading.
        """
        own = own_left_out(draft)
        if own is None or draft.facts is None:
            return draft
        held = self.by_slug[slug]
        sheet = draft.facts.sheet(draft.evidence)
        outlook = with_heads(read_documents(documents), held.heads).sheet.outlook
        return with_facts(draft, sheet.model_copy(update={"outlook": outlook}), own, held.calibration)
