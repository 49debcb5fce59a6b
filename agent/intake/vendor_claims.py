"""Sentences by which a vendor speaks for its product: controls, certificates, assurances, assessments of its own.

They are shown to the analyst as what they are. The mark withdraws nothing: a claim of rank 2 or less lowers nothing in
the first place, and a sentence may state a risk beside its claim.
"""

import re
from typing import Final

from agent.evidence.statements import statements
from agent.records import Document, Finding

_MAX_CLAIMS: Final = 60
_MAX_EXCERPT: Final = 200
_MAX_RANK: Final = 2
_MAX_WORDS: Final = 90
_MIN_WORDS: Final = 2
"""A word alone ("Permissions") is a label, whatever it names."""
_CODE: Final = re.compile(r"\{\s*\"|\"\s*:|^\s*[\[{<]")
"""A line of a configuration says what is set, not what is promised."""
_BOAST: Final = re.compile(
    r"\b(?:read[- ]only|zero|no) (?:agent|access|issues?|vulnerabilit\w+|findings?|incidents?|breach\w*|risks?)\b"
    r"|\bread[- ]only (?:by design|mode|assistant|tool|connector|server)\b"
    r"|\bno data (?:ever )?(?:leaves|is (?:kept|stored|shared))"
    r"|\bcannot (?:access|read|send|delete|modify|change|write)\b",
    re.IGNORECASE,
)
"""Limits that describe the product, so that they are no claims to the drafter, but that the vendor alone says."""


def vendor_claims(document: Document) -> tuple[Finding, ...]:
    """The findings of kind `vendor-claim` of a document, in its order, at most 60."""
    found: list[Finding] = []
    for statement in statements((document,)):
        speaks = (
            statement.claim or statement.sort in ("control", "assessment") or _BOAST.search(statement.text) is not None
        )
        if not speaks or statement.rank > _MAX_RANK or statement.about == "other":
            continue
        if statement.flagged or _CODE.search(statement.text):
            continue
        if not _MIN_WORDS <= len(statement.text.split()) <= _MAX_WORDS:
            continue
        where = "under " + " › ".join(statement.path) if statement.path else "before the first heading"
        found.append(
            Finding(
                kind="vendor-claim",
                document=document.id,
                start=statement.start,
                end=statement.end,
                where=where,
                excerpt=" ".join(statement.text.split())[:_MAX_EXCERPT],
            )
        )
        if len(found) == _MAX_CLAIMS:
            break
    return tuple(found)
