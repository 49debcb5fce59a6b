"""Count the claims in a draft's paragraphs, and how many of them are supported by quotes as far as code can tell
(metrics C2, G3).

A claim is a sentence in the paragraph of a certain layer. It counts as cited if it or the preceding sentence cites
valid evidence. A number or name is loose if it occurs in none of the paragraph's quotes.
"""

import re
from typing import Final

from agent.records import Draft
from evals.metrics.results import ClaimCell

_MARK: Final = re.compile(r"[(\[](E\d+(?:(?:, | and )E\d+)*)[)\]]")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z“\"])")
_QUOTE: Final = re.compile(r"“[^”]*”")
_NUMBER: Final = re.compile(r"(?<![\w.])\d[\d.,]*\d|(?<![\w.])\d(?!\w)")
_NAME: Final = re.compile(r"(?<=[\w,;:] )(?:[A-Z][\w.+-]*[a-z0-9][\w.+-]*|[A-Z]{2,}[\w-]*)")
_OUR_WORDS: Final = frozenset(("llm", "llms", "api", "mcp", "url", "urls", "id", "ids", "ci", "ui", "q", "cli"))
"""Terms that belong to the reports themselves and therefore need no quote."""


def claims_of(draft: Draft, valid: frozenset[str]) -> ClaimCell:
    """Count claims in the paragraphs of all certain layers; `valid` are the ids of valid evidence."""
    claims = cited = 0
    loose: list[str] = []
    quotes = {item.id: item.quote for item in draft.evidence}
    names = " ".join((draft.product.name, draft.product.vendor or "")).casefold()
    for key, layer in draft.layers.items():
        if not layer.certain:
            continue
        said = _sentences(layer.paragraph)
        good = [bool(valid.intersection(marks)) for _, marks in said]
        claims += max(len(said), 1)
        cited += sum(own or (at > 0 and good[at - 1]) for at, own in enumerate(good))
        marks = {mark for _, found in said for mark in found}
        carried = " ".join([names, *(quotes.get(mark, "") for mark in sorted(marks))]).casefold()
        loose += [f"{key}: {word}" for word in _named(layer.paragraph) if word.casefold() not in carried]
    return ClaimCell(claims=claims, cited=cited, loose=tuple(dict.fromkeys(loose)))


def _sentences(paragraph: str) -> list[tuple[str, tuple[str, ...]]]:
    found = []
    for text in _SENTENCE_END.split(paragraph.strip()):
        marks = tuple(mark for group in _MARK.findall(text) for mark in re.findall(r"E\d+", group))
        if text:
            found.append((text, marks))
    return found


def _named(paragraph: str) -> list[str]:
    """Return the numbers and names in a paragraph, outside its quotes and evidence marks."""
    bare = _MARK.sub(" ", _QUOTE.sub(" quote ", paragraph))
    words = [word.rstrip(".,") for word in (*_NUMBER.findall(bare), *_NAME.findall(bare))]
    return [word for word in words if word.casefold() not in _OUR_WORDS]
