"""Metrics of the report's wording: generic sentences, and whether a report retrieves its own listing.

Both use the main part with the names of the product and vendor masked, so that a sentence is not specific merely
because it contains a name.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from evals.cases.families import Identity, name_words

APPENDIX: Final = "\n# Appendix\n"
"""The heading at which the main part of a report ends."""
MASK: Final = "this product"
GENERIC_SHARE: Final = 0.05
"""A sentence in at least this share of all drafts is generic."""
MIN_REPEATS: Final = 2
MIN_WORDS: Final = 3
_K1: Final = 1.2
_B: Final = 0.75
_FENCE: Final = re.compile(r"^(```|~~~)[^\n]*\n.*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^#+ .*$", re.MULTILINE)
_TABLE: Final = re.compile(r"^\|.*$", re.MULTILINE)
_QUOTE: Final = re.compile(r"“[^”]*”|^>.*$", re.MULTILINE)
_MARKUP: Final = re.compile(r"[*`_|]+|^\s*(?:[-+]|\d+\.)\s+|\[([^\]]*)\]\([^)]*\)", re.MULTILINE)
_NUMBER: Final = re.compile(r"\b[A-Z]?\d+(?:\.\d+)*\b")
_END: Final = re.compile(r"(?<=[.!?])\s+|\n+|\s+·\s+")
_WORD: Final = re.compile(r"[^\W_]+")


def main_part(markdown: str) -> str:
    """Return the report up to its appendix."""
    return markdown.split(APPENDIX, 1)[0]


def mask(text: str, who: Identity) -> str:
    """Return `text` with the names of the product and its vendor, and their distinctive words, replaced."""
    names = [who.name, who.vendor or "", *name_words(who)]
    for name in sorted({name.strip() for name in names if name.strip()}, key=lambda name: (-len(name), name)):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", MASK, text, flags=re.IGNORECASE)
    return text


def sentences(markdown: str, *, tables: bool = False) -> tuple[str, ...]:
    """Split Markdown into sentences, normalised for comparison: quotes, fenced blocks, headings and markup are removed,
    and case is folded. Numbers and evidence ids become #. Sentences of fewer than three words are dropped. With
    `tables`, each cell counts as a line."""
    text = _HEADING.sub("\n", _FENCE.sub("\n", markdown))
    text = text.replace("|", "\n") if tables else _TABLE.sub("", text)
    text = _MARKUP.sub(lambda found: found[1] or " ", _QUOTE.sub(" ", text))
    text = _NUMBER.sub("#", text)
    found = (" ".join(piece.casefold().split()).strip(" .,;:") for piece in _END.split(text))
    return tuple(piece for piece in found if len(_WORD.findall(piece)) >= MIN_WORDS)


def generic_counts(drafts: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Count, for each draft (given as sentences), the sentences that occur in at least 5 % of all drafts and in at
    least two of them."""
    seen = Counter(sentence for draft in drafts for sentence in set(draft))
    needed = max(MIN_REPEATS, math.ceil(GENERIC_SHARE * len(drafts)))
    return tuple(sum(seen[sentence] >= needed for sentence in draft) for draft in drafts)


def words(text: str) -> tuple[str, ...]:
    """Return the words of `text`, case folded, in order."""
    return tuple(word.casefold() for word in _WORD.findall(text))


def own_ranks(
    reports: Sequence[Iterable[str]], listings: Sequence[Sequence[str]], owners: Sequence[int]
) -> tuple[int, ...]:
    """Return each report's BM25 rank of its own listing, `listings[owners[i]]`, among all; 1 is best.

    Reports are given as words. Ties count against a report's own listing, so that an empty report finds nothing.
    """
    count = len(listings)
    frequencies = [Counter(listing) for listing in listings]
    lengths = [len(listing) for listing in listings]
    middle = (sum(lengths) / count if count else 0) or 1.0
    holders: dict[str, list[int]] = {}
    for at, frequency in enumerate(frequencies):
        for word in frequency:
            holders.setdefault(word, []).append(at)
    ranks = []
    for own, report in zip(owners, reports, strict=True):
        scores = [0.0] * count
        for word in sorted(set(report)):
            found = holders.get(word, [])
            weight = math.log(1 + (count - len(found) + 0.5) / (len(found) + 0.5))
            for at in found:
                times = frequencies[at][word]
                scores[at] += weight * times * (_K1 + 1) / (times + _K1 * (1 - _B + _B * lengths[at] / middle))
        ranks.append(1 + sum(score >= scores[own] for at, score in enumerate(scores) if at != own))
    return tuple(ranks)
