"""Probability of each product kind, judged by the page's first lines, headings and form.

A page says what it is in its title, first lines and headings, a manifest by its form, a skill in its front matter. All
of these feed one linear classifier (trained by `evals.training.kind_heads`).
"""

import re
import zlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from agent.intake.extract.statements.role_features import words
from agent.records import Document, flagged_spans
from agent.retrieval.embed import embed
from agent.taxonomy.kinds import KINDS, ProductKind

if TYPE_CHECKING:
    from agent.facts.readers.heads import FactHeads

_FIRST_CHARS: Final = 1500
_FIRST_WORDS: Final = 120
_LEAD_WORDS: Final = 30
_VECTOR_CHARS: Final = 600
WORD_SCALE: Final = 4.0
VECTOR_SCALE: Final = 2.0
_CUES: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bmcp\b|model context protocol",
        r"\bmcp[ -]servers?\b|model context protocol\)?(?: \(mcp\))? server|\bserver\b",
        r"\bskills?\b",
        r"\bcod(?:e|ing)\b|codebase|software engineer|programming|developers?\b",
        r"coding (?:agent|assistant)|pair program|\bide\b|in your terminal|code (?:assistant|review)|write code"
        r"|app builder",
        r"desktop|computer[ -]use|\bgui\b|screenshots?|\bscreen\b|mouse|operat(?:e|es|ing) (?:your |a )?computer",
        r"\bbrowsers?\b|web (?:automation|agent|pages?)|playwright|chromium",
        r"browser (?:agent|automation|use|extension)|chrome extension|agents? (?:that|to) (?:browse|navigate)",
        r"\bvoice|\bspeech\b|telephon|phone calls?|\btts\b|\bstt\b|microphone|wake word",
        r"\bframework\b|\bsdk\b|\blibrary\b|toolkit",
        r"build(?:ing)? (?:\S+ ){0,4}agents?\b|multi-agent|agentic workflows?|orchestrat",
        r"\bplatform\b|no-code|low-code|workflow builder|visual builder|studio\b",
        r"\bassistants?\b|chat ?bot|\bchat\b|conversation|copilot",
        r"\bapp\b|application|web ui|personal|your (?:documents|inbox|data|files|notes)",
        r"\bagents?\b",
        r"^\s*(?:pip|npm|uv|cargo|pnpm|yarn) (?:install|add)|from \w+ import|import \{",
        r"mcpservers|claude desktop|cursor\b|mcp client",
    )
)
"""Words that pages use to describe the kind of a product."""
_CERTAIN: Final = 0.964
_CUE_LEAD: Final = 300
_CUE_ALL: Final = 12_000
MARKS: Final = re.compile(r"https?://\S+|!\[[^\]]*\]|[\[\]()<>`*#_|]")


def kind_chances(documents: Sequence[Document], heads: "FactHeads") -> dict[ProductKind, float]:
    """Return the probability of each product kind. They sum to 1; the result is empty if there are no documents."""
    if not documents:
        return {}
    # Only a skill's front matter has a name where ordinary pages have a title. Intake has already moved a skill's
    # `description` into the first paragraph of the document.
    if "name" in _front_matter(_first(documents)):
        rest = (1 - _CERTAIN) / (len(KINDS) - 1)
        return {kind: _CERTAIN if kind == "agent-skill" else round(rest, 4) for kind in KINDS}
    ids, vector = kind_features(documents)
    width = len(heads.kind_features)
    places, _ = known_places(ids, heads.kind_features)
    total = heads.kind_weights[places].sum(axis=0) * (WORD_SCALE / np.sqrt(max(1, len(places))))
    total = total + vector @ heads.kind_weights[width:] + heads.kind_bias
    raised = np.exp(total - total.max())
    shares = raised / raised.sum()
    found = {kind: round(float(share), 4) for kind, share in zip(heads.kinds, shares, strict=True)}
    # Assign the rounding error to the likeliest kind so that the probabilities sum to 1.
    best = max(found, key=lambda kind: found[kind])
    found[best] = round(found[best] + 1 - sum(found.values()), 4)
    return found


def _first(documents: Sequence[Document]) -> Document:
    return next((document for document in documents if document.form == "prose"), documents[0])


def hashed(names: Iterable[str]) -> NDArray[np.uint32]:
    """Return the sorted, distinct hashes of features."""
    return np.array(sorted({zlib.crc32(name.encode()) for name in names}), dtype=np.uint32)


def known_places(ids: NDArray[np.uint32], known: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the positions of `ids` in the sorted array `known`, and a mask of the ids that it contains."""
    places = np.minimum(np.searchsorted(known, ids), max(0, len(known) - 1))
    hit = known[places] == ids if len(known) else np.zeros(len(ids), dtype=bool)
    return places[hit].astype(np.int64), hit


def kind_features(documents: Sequence[Document]) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """Return the sorted hashes of word features, and the scaled vector of the first lines followed by the cues."""
    first = _first(documents)
    lead = " ".join(MARKS.sub(" ", f"{first.title}\n{_sound(first, _FIRST_CHARS)}").split())
    named = [*_named(first, lead), *(f"form:{document.form}" for document in documents)]
    vector = embed([lead[:_VECTOR_CHARS].strip() or "."])[0] * VECTOR_SCALE
    return hashed(named), np.concatenate([vector, _cues(documents, first, lead)])


def _cues(documents: Sequence[Document], first: Document, lead: str) -> NDArray[np.float32]:
    """Return log counts of each cue in the title, first lines, headings and page, followed by the form of the page."""
    zones = (first.title, lead[:_CUE_LEAD], lead, "\n".join(_headings(first)), _sound(first, _CUE_ALL))
    counts = [[len(cue.findall(zone)) for cue in _CUES] for zone in zones]
    fields = _front_matter(first)
    form = [{"name", "description"} <= fields, bool(fields), any(d.form != "prose" for d in documents)]
    return np.concatenate([np.log1p(np.array(counts, dtype=np.float32)).ravel(), 2 * np.array(form, dtype=np.float32)])


def _named(document: Document, lead: str) -> list[str]:
    said = words(lead)[:_FIRST_WORDS]
    found = [f"w:{word}" for word in said]
    found += [f"b:{a} {b}" for a, b in pairwise(said)]
    found += [f"l:{word}" for word in said[:_LEAD_WORDS]]
    found += [f"t:{word}" for word in words(document.title)[:8]]
    found += [f"b3:{' '.join(said[n : n + 3])}" for n in range(min(len(said), _LEAD_WORDS))]
    found += [f"front:{name}" for name in _front_matter(document)]
    found += [f"h:{word}" for heading in _headings(document)[:40] for word in words(heading)[:6]]
    return found


def _sound(document: Document, length: int) -> str:
    """Return the first characters of a page's text, with the passages covered by a finding removed."""
    kept, at = [], 0
    for start, end in flagged_spans(document):
        kept.append(document.text[at:start])
        at = max(at, end)
    kept.append(document.text[at : at + length])
    return "".join(kept)[:length]


def _headings(document: Document) -> list[str]:
    """Return the headings of a page, without those covered by a finding."""
    spans = flagged_spans(document)
    return [
        document.text[block.start : block.end]
        for block in document.blocks
        if block.kind == "heading" and not any(start < block.end and block.start < end for start, end in spans)
    ]


def _front_matter(document: Document) -> set[str]:
    return {
        document.text[block.start : block.end].split(":", 1)[0].strip().lower()
        for block in document.blocks
        if block.kind == "front-matter"
    }
