"""Converts a signed review to a labelled case: its sources become listing and notes, its values a reader's labels.

A label must be readable from these texts. So a factor counts only if the reviewer confirmed it and it cites a quote
from them. An analyst's notes are left out, along with everything that rests on them alone.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from agent.errors import InputError, IntegrityError
from agent.records import Document, Draft, Evidence
from agent.report.draft_json import dump
from agent.report.view import View
from agent.review.domain.quotes import marks_in
from agent.review.domain.rescore import headline_of
from agent.taxonomy.factors import FACTORS, FactorKey
from agent.taxonomy.layers import LAYERS, LayerKey
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

    Raises InputError when the review is not signed or has no listing, or when the corpus lint complains about the
    case; IntegrityError when the draft is not the one that was signed.
    """
    draft = review.draft
    stamp = draft.review
    if stamp is None:
        raise InputError(
            "the review is not signed", where=draft.id, hint="sign it first; only signed reviews are labels"
        )
    if sha256(dump(draft.model_copy(update={"review": None})).encode()).hexdigest() != stamp.sha256:
        raise IntegrityError("the draft is not the one that was signed", where=draft.id, hint="export it again")
    kept = [document for document in review.documents if document.kind != "analyst-note"]
    listing = next((document for document in kept if document.kind == "listing"), None)
    if listing is None:
        raise InputError("the review has no listing", where=draft.id, hint="draft from a listing")
    values = {
        "slug": _slug(draft.product.name),
        "name": draft.product.name,
        "vendor": draft.product.vendor or None,
        "category": View(draft).kind or _OTHER,
        "sources": tuple(dict.fromkeys(document.url for document in kept)),
        "example": False,
        "labels_version": LABELS_VERSION,
        "listing": _page(listing, draft.product.name),
        "docs": tuple(_page(document, document.title) for document in kept if document is not listing),
        "labels": Labels(reader=_reader(review, kept)),
        "consent": {"by": consent, "draft": draft.id, "signed_at": stamp.at, "head": stamp.head},
    }
    case = check(Case, values, f"review of {draft.id}")
    complaints = lint([case])
    if complaints:
        what = f"the case would not pass `septet corpus lint`: {complaints[0]}"
        raise InputError(what, where=f"{len(complaints)} complaints", hint="correct the review, or leave it out")
    return case


# ---------------------------------------------------------------- texts


def _page(document: Document, title: str) -> Page:
    markdown = _markdown(document, title)
    return Page(title=" ".join(markdown.splitlines()[0].split())[2:], markdown=markdown)


def _markdown(document: Document, title: str) -> str:
    """Return the text with its headings marked as in Markdown."""
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
    return "\n\n".join(parts) + "\n"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_SLUG].strip("-") or "product"


# ---------------------------------------------------------------- labels


def _reader(review: SignedReview, kept: Sequence[Document]) -> Reader:
    draft = review.draft
    quotes = _Quotes(draft.evidence, {document.id for document in kept})
    first = headline_of(draft)
    quoted = first is not None and quotes.first(first.evidence) is not None
    base = draft.score.cvss_base
    return Reader(
        factors=dict(_factors(draft, quotes)),
        layers=dict(_layers(review, quotes)),
        cvss_base=float(base) if quoted and base is not None else None,
        headline=first.title if first is not None and quoted else None,
    )


class _Quotes:
    """The quotes of a draft that come from given documents."""

    def __init__(self, evidence: Sequence[Evidence], documents: Collection[str]) -> None:
        self._quotes = {item.id: item.quote for item in evidence if item.document in documents}

    def first(self, marks: Sequence[str]) -> str | None:
        return next((self._quotes[mark] for mark in marks if mark in self._quotes), None)


def _factors(draft: Draft, quotes: _Quotes) -> Iterator[tuple[FactorKey, FactorReading]]:
    for key in FACTORS:
        one = draft.factors.get(key)
        quote = quotes.first(one.evidence) if one is not None else None
        if one is not None and one.state == "confirmed" and quote is not None:
            yield key, FactorReading(value=float(one.value), quote=quote)


def _layers(review: SignedReview, quotes: _Quotes) -> Iterator[tuple[LayerKey, LayerReading]]:
    """Yield the layer flags that were decided; none if items were waived and their ids are unknown."""
    stamp = review.draft.review
    if review.undecided is None and stamp is not None and stamp.waived:
        return
    for key in LAYERS:
        layer = review.draft.layers.get(key)
        if layer is None or f"layer/{key}" in (review.undecided or ()):
            continue
        threats = [mark for threat in layer.threats for mark in threat.evidence]
        quote = quotes.first((*marks_in(layer.paragraph), *threats)) if layer.certain else None
        if quote is not None or not layer.certain:
            yield key, LayerReading(certain=layer.certain, quote=quote)
