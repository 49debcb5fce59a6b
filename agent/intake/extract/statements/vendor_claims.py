"""Finds a vendor's claims about its own product: controls, certificates, assurances, assessments.

A document gets one finding for all of them, with their number, because forty findings from one page would drown out
findings of attacks. The finding withdraws nothing: a claim of rank 2 or below lowers no risk in the first place, and a
sentence may state a risk alongside its claim. No estimate uses the finding.
"""

import re
from itertools import islice
from typing import Final

from agent.intake.extract.statements.split import statements
from agent.intake.page import MAX_EXCERPT
from agent.records import CARRYING, Document, Finding, Statement

MAX_CLAIMS: Final = 60
"""Maximum number of claims per document that are listed and counted."""
_MAX_RANK: Final = 2
_MAX_WORDS: Final = 90
_MIN_WORDS: Final = 2
"""Minimum number of words in a claim; a single word ("Permissions") is a label."""
_MIN_ASSURANCE: Final = 5
"""Minimum number of words for a control sentence to count as a promise even without the form of a claim."""
_TELLING_WORDS: Final = (5, 30)
"""Minimum and maximum number of words in a sentence that is informative yet short enough to be shown in full."""
_CODE: Final = re.compile(
    r"\{\s*\"|\"\s*:|^\s*[\[{<@$]|[{}│├└]|\w\(|=|\s->\s|\s→|\s\|\s|(?<![\w-])--?[a-z]|^\W*[A-Z][A-Z0-9]*_"
    r"|\b\w+\.\w+\.\w+"
)
"""Signs of a program, a configuration or a table, whose lines are settings or drawings rather than promises."""
_ASSERTS: Final = re.compile(
    r"(?i)\b(?:is|are|be|was|were|has|have|can|cannot|must|never|always|will|stays?|remains?|requires?|needs?|asks?"
    r"|waits?|encrypts?|redacts?|masks?|validates?|verif(?:y|ies)|restricts?|protects?|prevents?|enforces?|isolates?"
    r"|blocks?|limits?|logs?|controls?|ensures?|guarantees?|supports?|holds?|keeps?|runs?|offers?|provides?|includes?"
    r"|uses?|we|our)\b|n['’]t\b"
)
_TO_READER: Final = re.compile(
    r"(?i)^\W*(?:if|see|for (?:more|details?|further|example)|to (?!date)|here(?:'s|’s| is| are)|note|when you"
    r"|once you|step|make sure|ensure|check|use|run|add|set|create|configure|install|review|read"
    r"|only (?:install|use|grant|give)|grant|give|choose|select|click|open|enable|disable|verify|require|remove"
    r"|replace|keep|store|mount|avoid|never (?:commit|share|store|put|use|paste|hard)|don['’]t|do not"
    r"|always (?:use|review|check|validate|set|keep|verify|test)|consider|please|you(?:'ll|’ll| can| will| must"
    r"| should| need| may| have)?\b(?! (?:approve|confirm|control|own)))"
)
"""Instructions to the reader, which say nothing about the product unless the reader has to approve or confirm."""
_SAFETY: Final = re.compile(
    r"(?i)\b(?:safe\w*|secur\w+|priva\w+|risks?|harm\w*|complian\w+|certif\w+|audit\w*|soc ?2|iso|gdpr|hipaa|trust\w*"
    r"|confiden\w+|penetration|threats?|vulnerab\w+|protect\w*|encrypt\w*|issues?|incidents?|breach\w*)\b"
)
"""Words about safety; praise without them ("easy to use") is irrelevant to an assessment and is ignored."""
_BOAST: Final = re.compile(
    r"(?i)\b(?:read[- ]only|zero|no) (?:agent|access|issues?|vulnerabilit\w+|findings?|incidents?|breach\w*|risks?)\b"
    r"|\bread[- ]only (?:by design|mode|assistant|tool|connector|server)\b|\bno data (?:ever )?(?:leaves|is (?:kept"
    r"|stored|shared))|\bcannot (?:access|read|send|delete|modify|change|write)\b"
)
"""Limits that only the vendor asserts. They describe the product, so the drafter does not treat them as claims."""


def claims(document: Document) -> tuple[Statement, ...]:
    """Return the vendor's claims in a document, in order, at most `MAX_CLAIMS`; an analyst's note has none."""
    own = statements((document,)) if document.kind != "analyst-note" else ()
    return tuple(islice(filter(_is_claimed, own), MAX_CLAIMS))


def vendor_claims(document: Document) -> tuple[Finding, ...]:
    """Return one `vendor-claim` finding for all claims, placed at the most informative one; empty if there are none."""
    found = claims(document)
    if not found:
        return ()
    shown = max(found, key=_weight)
    return (
        Finding(
            kind="vendor-claim",
            document=document.id,
            start=shown.start,
            end=shown.end,
            where=under(shown.path),
            excerpt=" ".join(shown.text.split())[:MAX_EXCERPT],
            count=len(found),
        ),
    )


def under(path: tuple[str, ...]) -> str:
    """Return a description of a place by the headings above it."""
    return "under " + " › ".join(path) if path else "before the first heading"


def _weight(statement: Statement) -> int:
    text = statement.text
    whole = _TELLING_WORDS[0] <= len(text.split()) <= _TELLING_WORDS[1] and text.rstrip().endswith(".")
    return 2 * statement.claim + 2 * bool(_BOAST.search(text)) + bool(_SAFETY.search(text)) + whole


def _is_claimed(statement: Statement) -> bool:
    words = len(statement.text.split())
    if statement.rank > _MAX_RANK or statement.about == "other" or statement.flagged or statement.role not in CARRYING:
        return False
    # In a table row only the longest cell is judged, since a promise may appear beside its label.
    text = max(statement.text.split(" | "), key=len).strip() if statement.block == "row" else statement.text.strip()
    unsaid = _CODE.search(text) or text.endswith((":", "?")) or _TO_READER.match(text)
    if unsaid or not _MIN_WORDS <= words <= _MAX_WORDS:
        return False
    asserts, safety = bool(_ASSERTS.search(text)), bool(_SAFETY.search(text))
    if _BOAST.search(text) or (statement.claim and (asserts or safety)):
        return True
    promises = asserts and words >= _MIN_ASSURANCE and not statement.claim
    return promises and (statement.sort == "control" or (statement.sort == "assessment" and safety))
