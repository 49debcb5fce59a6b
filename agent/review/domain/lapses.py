"""Decides when a decision on an item lapses: when the content that the decision was based on changes.

A decision stores the item's content, field by field, with quotes in place of their marks. Each time the review is
folded, the stored content is compared with the current content. Neither a quote attached later nor a field that the
decision itself corrected makes a decision lapse.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from agent.records import Draft
from agent.review.domain.items import SCORE, chain_marks, fields_of
from agent.review.domain.quotes import Plain, marks_in, rewritten

_LONGEST: Final = 80
"""The maximum length of a value, in characters, that an event stores verbatim; longer values are stored as a hash."""
_DIGITS: Final = 16
_HASHED: Final = "sha256:"
_QUOTES: Final = "evidence"
NAMES: Final[Mapping[str, str]] = {
    "headline": "the threat that the score rests on", "vector": "the vector", "value": "the value", "low": "the range",
    "high": "the range", "withheld": "whether a number is shown",
    "likely": "the likely range", "parts": "what it adds up from", "rationale": "its reason",
    "mitigation_factor": "the factor for controls",
    "evidence": "a quote", "text": "the text", "certain": "whether it is certain", "applies": "whether it applies",
    "paragraph": "the paragraph", "title": "the title", "how": "how it goes", "lost": "what is lost",
    "statement": "the statement", "cvss_vector": "the vector", "taxonomy": "ids of published lists",
    "mitigations": "the mitigations", "setting": "the setting that it needs", "basis": "what it rests on",
    "action": "what it does", "object": "to what", "credential": "the credential", "approver": "who approves",
    "threats": "its threats", "proposed": "the answer that would settle it",
    "polarity": "whether it is stated or denied", "about": "what it is about", "slots": "a detail", "key": "the fact",
}  # fmt: skip
"""Display names of changed fields."""


def content_of(draft: Draft, item: str, based: Draft | None = None) -> Plain:
    """Return an item's content in a draft, as plain JSON values with quotes in place of evidence marks.

    Chains are numbered as in `based`, by default as in `draft`, which may lack some of the chains.
    """
    item = _chain_in(draft, item, based) if based is not None and item.startswith("chain/") else item
    quotes = {one.id: f"“{one.quote}”" for one in draft.evidence}
    fields = dict(fields_of(draft, item))
    kind, _, name = item.partition("/")
    if kind == SCORE:
        score = draft.score
        fields |= {
            "vector": score.cvss_vector,
            "value": str(score.aivss if score.aivss is not None else score.provisional),
            "withheld": score.withheld,
            "likely": f"{score.likely_low}–{score.likely_high}",
        }
    elif kind == "factor":
        factor = next((one for key, one in draft.factors.items() if key == name), None)
        # Parts and rationale of a reviewer's value come from that decision itself, so they are not compared.
        if factor is not None and all(part.kind != "review" for part in factor.parts):
            parts = [f"{part.label} {part.effect:+.4f}" for part in factor.parts]
            fields |= {"parts": parts, "rationale": factor.rationale}
    elif kind == "threat":
        found = next((t for layer in draft.layers.values() for t in layer.threats if t.id == name), None)
        if found is not None:
            fields |= {"setting": found.setting, "basis": found.basis}
    elif kind == "chain":
        at = int(name) - 1 if name.isdecimal() else -1
        if 0 <= at < len(draft.chains):
            fields[_QUOTES] = list(chain_marks(draft.chains[at]))
    said = _said(fields, quotes)
    return said if isinstance(said, dict) else {}


def _chain_in(draft: Draft, item: str, based: Draft) -> str:
    """Return the id in `draft` of a chain of `based`; `chain/0`, which does not exist, if the draft lacks the chain."""
    at = int(item.partition("/")[2]) - 1
    threats = based.chains[at].threats if 0 <= at < len(based.chains) else ()
    return f"chain/{next((n for n, one in enumerate(draft.chains, 1) if one.threats == threats), 0)}"


def _said(value: object, quotes: Mapping[str, str]) -> object:
    """Replace evidence ids in the value with their quotes."""
    if isinstance(value, dict):
        return {name: _said(part, quotes) for name, part in value.items()}
    if isinstance(value, list):
        return [_said(part, quotes) for part in value]
    return rewritten(value, quotes) if isinstance(value, str) and marks_in(value) else value


def kept(content: Plain, but: Sequence[str] = ()) -> Plain:
    """Return an item's content for an event, without the fields `but`: short values verbatim, others hashed."""
    return {name: _short(name, value) for name, value in content.items() if name not in but}


def _short(name: str, value: object) -> object:
    if name == _QUOTES and isinstance(value, list):
        return sorted({_short("", each) for each in value}, key=str)
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else repr(value)
    if isinstance(value, str) and len(text) <= _LONGEST:
        return text
    return _HASHED + hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def changed(seen: Mapping[str, object], now: Plain, attached: Sequence[str] = ()) -> tuple[str, ...]:
    """Describe what changed in an item since it was decided on; empty if the decision stored no content.

    `now` is the item's current content (`content_of`), `attached` are the quotes that reviewers attached since.
    """
    return tuple(dict.fromkeys(_differences(seen, now, attached)))


def _differences(seen: Mapping[str, object], now: Plain, attached: Sequence[str]) -> Iterator[str]:
    short = kept(now)
    for name, was in seen.items():
        after = short.get(name)
        if name == _QUOTES and isinstance(was, list) and isinstance(after, list):
            added = {_short("", f"“{quote}”") for quote in attached}
            if set(was) - set(after):
                yield "a quote is gone"
            elif set(after) - set(was) - added:
                yield "a quote is new"
        elif was != after and was != _short(name, _without(now.get(name), attached)):
            yield _told(name, was, after)


def _without(value: object, attached: Sequence[str]) -> object:
    """Strip the attached quotes from the end of a text."""
    if not isinstance(value, str):
        return value
    for quote in attached:
        value = value.replace(f" “{quote}” (“{quote}”).", "")
    return value


def _told(name: str, was: object, after: object) -> str:
    called = NAMES.get(name, name.replace("_", " "))
    sides = [str(side) if side is not None else "none" for side in (was, after)]
    if any(side.startswith(_HASHED) for side in sides) or name == "basis":
        return f"{called} is another"
    return f"{called} {sides[0]} → {sides[1]}"
