"""Convert a signed review into a labelled case: its sources become the listing and notes, and its values become a
reader's labels.

A label must be supported by these texts, so a factor counts only if the reviewer confirmed it and it cites a quote from
them. An analyst's notes are left out, along with everything that rests on them alone.
"""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from agent.errors import InputError, IntegrityError
from agent.records import Document, Draft
from agent.report.draft_json import dump
from agent.report.view import View
from agent.review.domain.quotes import marks_in
from agent.review.domain.rescore import headline_of
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS
from evals.cases.case import LABELS_VERSION, Case, FactorReading, Labels, LayerReading, Page, Reader, check
from evals.cases.lint import lint

_OTHER: Final = "other"
_SLUG: Final = 80
_DEEPEST: Final = 6
_TITLE: Final = 120


class SignedReview(NamedTuple):
    """A signed draft with its sources."""

    draft: Draft
    documents: tuple[Document, ...]
    undecided: frozenset[str] | None = None
    """Ids of the waived items; None if only their number is known."""


def case_of(review: SignedReview, consent: str) -> Case:
    """Return the labelled case made from a signed review; `consent` names the person who agreed to its use.

    Raises InputError when the review is not signed or has no listing, or when the corpus lint complains about the case;
    IntegrityError when the draft is not the one that was signed.
    """
    draft = review.draft
    stamp = draft.review
    if stamp is None:
        hint = "sign it first; only signed reviews can become labels"
        raise InputError("the review is not signed", where=draft.id, hint=hint)
    if sha256(dump(draft.model_copy(update={"review": None})).encode()).hexdigest() != stamp.sha256:
        raise IntegrityError("the draft is not the one that was signed", where=draft.id, hint="export it again")
    kept = [document for document in review.documents if document.kind != "analyst-note"]
    listing = next((document for document in kept if document.kind == "listing"), None)
    if listing is None:
        raise InputError("the review has no listing", where=draft.id, hint="draft from a listing")
    values = {
        "slug": re.sub(r"[^a-z0-9]+", "-", draft.product.name.lower()).strip("-")[:_SLUG].strip("-") or "product",
        "name": draft.product.name,
        "vendor": draft.product.vendor or None,
        "category": View(draft).kind or _OTHER,
        "sources": tuple(dict.fromkeys(document.url for document in kept)),
        "example": False,
        "labels_version": LABELS_VERSION,
        "listing": page_of(listing, draft.product.name),
        "docs": tuple(page_of(document, document.title) for document in kept if document is not listing),
        "labels": Labels(reader=_reader(review, kept)),
        "consent": {"by": consent, "draft": draft.id, "signed_at": stamp.at, "head": stamp.head},
    }
    case = check(Case, values, f"review of {draft.id}")
    complaints = lint([case])
    if complaints:
        what = f"the case would not pass `septet corpus lint`: {complaints[0]}"
        raise InputError(what, where=f"{len(complaints)} complaints", hint="correct the review, or do not import it")
    return case


def page_of(document: Document, title: str) -> Page:
    """Return the text of a document as a page, with its headings marked as in Markdown."""
    parts = []
    for section in document.sections:
        text = document.text[section.start : section.end].strip("\n")
        first, _, rest = text.partition("\n")
        if section.path and first.strip() == section.path[-1].strip():
            text = f"{'#' * min(len(section.path), _DEEPEST)} {first.strip()}\n{rest}".rstrip("\n")
        if text.strip():
            parts.append(text)
    if not parts or not parts[0].startswith("# "):
        parts.insert(0, f"# {' '.join(title.split())[:_TITLE] or document.id}")
    return Page(title=" ".join(parts[0].splitlines()[0].split())[2:], markdown="\n\n".join(parts) + "\n")


# ---------------------------------------------------------------- labels


def _reader(review: SignedReview, kept: Sequence[Document]) -> Reader:
    draft, stamp = review.draft, review.draft.review
    known = {document.id for document in kept}
    quotes = {item.id: item.quote for item in draft.evidence if item.document in known}

    def first(marks: Iterable[str]) -> str | None:
        return next((quotes[mark] for mark in marks if mark in quotes), None)

    factors, layers = {}, {}
    for key, estimate in draft.factors.items():
        quote = first(estimate.evidence)
        if estimate.state == "confirmed" and quote is not None:
            factors[key] = FactorReading(value=float(estimate.value), quote=quote)
    # If items were waived and their ids are unknown, no flag counts as decided.
    unknown = review.undecided is None and stamp is not None and bool(stamp.waived)
    for name, layer in draft.layers.items() if not unknown else ():
        if f"layer/{name}" not in (review.undecided or ()):
            threats = (mark for threat in layer.threats for mark in threat.evidence)
            quote = first((*marks_in(layer.paragraph), *threats)) if layer.certain else None
            if quote is not None or not layer.certain:
                layers[name] = LayerReading(certain=layer.certain, quote=quote)
    headline, base = headline_of(draft), draft.score.cvss_base
    if headline is not None and first(headline.evidence) is None:
        headline = None
    return Reader(
        factors={key: factors[key] for key in FACTORS if key in factors},
        layers={key: layers[key] for key in LAYERS if key in layers},
        cvss_base=float(base) if headline is not None and base is not None else None,
        headline=headline.title if headline is not None else None,
    )
