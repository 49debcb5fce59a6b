"""The features from which the fact reader judges one statement: its words, shape, headings and role.

Neighbouring statements are ignored: text planted next to a statement must not change how that statement is read.
Features are hashed n-grams, each prefixed with its origin. Their weights are learned (`evals.training.fact_heads`).
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.facts.readers.kinds import hashed
from agent.facts.readers.patterns import asserting, matches
from agent.intake.extract.statements.role_features import SHAPES, words
from agent.records import Statement
from agent.retrieval.embed import embed

WORDS_SCALE: Final = 5.0
VECTOR_SCALE: Final = 3.0
HEADING_SCALE: Final = 1.5
"""Relative weights, as vector lengths, of the hashed features, the text vector and the heading vector; a pattern match
has length 1."""
_MAX_WORDS: Final = 60
_MAX_HEADING: Final = 12
_MAX_TEXT: Final = 1200
_STEM: Final = 5
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SHARED: Final = frozenset((
    "variable", "snake", "camel", "url", "call", "version", "money", "percent", "arrow", "warning", "label", "code",
    "assignment",
))  # fmt: skip
"""Text shapes that the role classifier uses too."""
_SHAPES: Final = {
    **{name: pattern for name, (_, pattern) in SHAPES.items() if name in _SHARED},
    "key variable": re.compile(r"\b[A-Z][A-Z0-9]*+_(?:[A-Z0-9]+_)*(?:KEY|TOKEN|SECRET|PAT|PASSWORD)\b"),
    "flag": re.compile(r"(?<!\S)`?--[a-z][\w-]*"),
    "local address": re.compile(r"\b(?:localhost|127\.0\.0\.1|0\.0\.0\.0|::1)"),
    "any address": re.compile(r"\b0\.0\.0\.0\b"),
    "port": re.compile(r":\d{4,5}\b"),
    "latest": re.compile(r"@latest\b"),
    "tick": re.compile(r"[✅✓✔]"),
    "cross": re.compile(r"[❌✗]"),
    "path": re.compile(r"(?<![\w.-])[~.]*/[\w.-]+"),
    "lead-in": re.compile(r"[:：]\s*\Z"),
    "fully": re.compile(r"\A\S+\Z"),
}


def named_features(statement: Statement, name: frozenset[str]) -> list[str]:
    """Return a statement's features by name; `name` contains the lower-case words of its product's name."""
    text = statement.text[:_MAX_TEXT]
    said = ["NAME" if word in name else word for word in words(_CAMEL.sub(" ", text))[:_MAX_WORDS]]
    found = [f"w:{word}" for word in said]
    found += [f"b:{a} {b}" for a, b in pairwise(said)]
    found += [f"s:{word[:_STEM]}" for word in said if len(word) > _STEM]
    found += [f"f:{word}" for word in said[:1]]
    found += [f"f2:{' '.join(said[:2])}", f"k:{statement.block}", f"r:{statement.role}"]
    found += [f"r:{statement.role}/{word}" for word in dict.fromkeys(said[:12])]
    found += [f"n:{min(6, len(said) // 6)}", f"a:{statement.about}"]
    found += [f"x:{shape}" for shape, pattern in _SHAPES.items() if pattern.search(text)]
    for depth, heading in enumerate(reversed(statement.path)):
        inner = tuple("NAME" if word in name else word for word in words(heading)[:_MAX_HEADING])
        outer = depth == len(statement.path) - 1 and depth > 0
        where = "h" if depth == 0 else "t" if outer else "o"
        found += [f"{where}:{word}" for word in inner]
        if not outer:
            found += [f"hs:{word[:_STEM]}" for word in inner]
        if depth == 0:
            found += [f"hb:{a} {b}" for a, b in pairwise(inner)]
    for head in statement.heads:
        found += [f"c:{word}" for word in words(head)[:_MAX_HEADING]]
    return found


def name_words(name: str) -> frozenset[str]:
    """Return the words of a product's name that become `NAME` in features."""
    return frozenset(word for word in words(name)[:4] if len(word) > 2)  # noqa: PLR2004


def feature_ids(statements: Sequence[Statement], names: Sequence[frozenset[str]]) -> list[NDArray[np.uint32]]:
    """Return the sorted, distinct feature hashes of each statement."""
    return [hashed(named_features(statement, name)) for statement, name in zip(statements, names, strict=True)]


def dense(statements: Sequence[Statement]) -> NDArray[np.float32]:
    """Return each statement's scaled text and heading vectors and its pattern matches, shape (n, 512 + patterns)."""
    texts = [statement.text for statement in statements]
    headings = [" ".join((*row.path[1:], *row.heads)).strip() or "." for row in statements]
    distinct = {text: n for n, text in enumerate(dict.fromkeys((*texts, *headings)))}
    rows = embed(list(distinct))
    own = VECTOR_SCALE * rows[[distinct[text] for text in texts]]
    above = HEADING_SCALE * rows[[distinct[text] for text in headings]]
    return np.concatenate([own, above, matches(statements, asserting())], axis=1).astype(np.float32)
