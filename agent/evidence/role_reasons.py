"""Why a statement has its role, in one clause: the kinds of feature that pulled most towards it.

The classifier adds up weights, so each group of features (the heading, the first words, the columns of a table, …) has
a share in the result that can be told. The clause names the two largest with the words that a reader finds on the page.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.evidence.role_features import Paper, Place, bucket

_TOLD: Final = 2
"""Groups that are named."""
_MAX_QUOTED: Final = 60
_MAX_FIRST: Final = 3
_EARLY: Final = 3
_BLOCKS: Final = {
    "paragraph": "a sentence",
    "item": "a list item",
    "row": "a table row",
    "code": "a block of code",
    "image": "the text of a picture",
    "front-matter": "a field of the front matter",
}
_SHAPES: Final = {
    "flag": "a flag",
    "variable": "the name of a variable",
    "snake": "a name as in code",
    "camel": "a name as in code",
    "path": "a path",
    "url": "an address",
    "file": "the name of a file",
    "call": "a call",
    "version": "a version",
    "number": "a number",
    "money": "a price",
    "percent": "a percentage",
    "quote": "quotation marks",
    "question": "a question mark",
    "exclamation": "an exclamation mark",
    "ends in a colon": "a colon at its end",
    "label": "a label",
    "emoji": "an emoji",
    "slash command": "a slash command",
    "year": "a year",
    "assignment": "an assignment",
    "brace": "braces",
    "warning": "a warning sign",
    "star": "a star",
    "copyright": "a copyright sign",
    "code": "words set as code",
    "begins with code": "words set as code",
    "comment": "a comment",
}


def reason(page: Paper, number: int, names: Sequence[str], pull: NDArray[np.float32]) -> str:
    """The clause for statement `number` of a page, without a full stop.

    `names` are its features and `pull` how much each bucket draws towards its role, shape (BUCKETS,).
    """
    sums: dict[str, float] = defaultdict(float)
    best: dict[str, tuple[float, str]] = {}
    weights = pull[[bucket(name) for name in names]] if names else np.zeros(0, dtype=np.float32)
    for name, weight in zip(names, weights.tolist(), strict=True):
        group, _, rest = name.partition(":")
        sums[group] += weight
        best[group] = max(best.get(group, (float("-inf"), "")), (weight, rest))
    place = page.places[number]
    told: list[str] = []
    for group in sorted(sums, key=lambda each: (-sums[each], each)):
        if sums[group] <= 0 or len(told) == _TOLD:
            break
        clause = _clause(page, number, group, best[group][1])
        if clause and clause not in told:
            told.append(clause)
    return " ".join([_what(place), *sorted(told, key=_order)])


def _what(place: Place) -> str:
    statement = place.statement
    if statement.block == "code" and statement.language:
        return f"a block of {statement.language} code"
    heads = " | ".join(head for head in statement.heads if head)
    if statement.block == "row" and heads:
        return f"a row of the table {_short(heads)}"
    return _BLOCKS.get(statement.block, "a statement")


def _clause(page: Paper, number: int, group: str, feature: str) -> str:
    place = page.places[number]
    if group == "first" and place.words:
        return f"that begins with “{' '.join(place.statement.text.split()[:_MAX_FIRST])}”"
    if group == "heading" and place.statement.path:
        return f"under “{_short(place.statement.path[-1])}”"
    if group == "lead" and place.lead >= 0:
        return f"after “{_short(page.places[place.lead].statement.text, last=True)}”"
    if group == "word":
        return _worded(place, feature)
    if group == "shape":
        shown = _SHAPES.get(feature.rpartition("/")[2].rstrip("0123456789"), "")
        return f"with {shown}" if shown else ""
    if group == "link":
        return "without links" if place.linked <= 0 else "made of links" if place.linked > 0.5 else "with links"  # noqa: PLR2004
    if group == "position":
        return "early on the page" if 10 * number < _EARLY * len(page.places) else "further down the page"
    return "next to others of the kind" if group == "beside" else ""


def _worded(place: Place, feature: str) -> str:
    said = feature.rpartition("/")[2].rstrip(".")
    lowered = place.statement.text.lower()
    return f"with the words “{said}”" if said.strip("…") and said in lowered else ""


def _order(clause: str) -> int:
    """Clauses in the order in which they read well."""
    starts = ("that", "made", "with", "without", "after", "under", "early", "further", "next")
    return starts.index(clause.split(" ", 1)[0])


def _short(text: str, *, last: bool = False) -> str:
    line = " ".join(text.split())
    if len(line) <= _MAX_QUOTED:
        return line
    return f"… {line[-_MAX_QUOTED:].partition(' ')[2]}" if last else f"{line[:_MAX_QUOTED].rpartition(' ')[0]} …"
