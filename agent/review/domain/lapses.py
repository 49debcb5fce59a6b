"""Determines whether a decision on an item lapses, which happens when the content that it was based on changes.

A decision stores the item's content, field by field, with quotes in place of their marks. Each time the review is
folded, the stored content is compared with the current content. Neither a quote attached later nor a field that the
decision itself corrected makes a decision lapse.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from agent.records import Chain, Draft, FactorEstimate, Threat
from agent.review.domain.items import POSTURE, SCORE, chain_marks, fields_of, part_of
from agent.review.domain.quotes import renamed
from agent.review.domain.records import Plain

_LONGEST: Final = 80
"""The maximum length of a value, in characters, that an event stores verbatim; longer values are stored as a hash."""
_DIGITS: Final = 16
_HASHED: Final = "sha256:"
_QUOTES: Final = "evidence"
NAMES: Final[Mapping[str, str]] = {
    "headline": "the threat that the score rests on", "vector": "the vector", "value": "the value", "low": "the range",
    "high": "the range", "withheld": "whether a score is shown",
    "likely": "the likely range", "parts": "what it is made up of", "rationale": "its reason",
    "mitigation_factor": "the factor for controls",
    "evidence": "a quote", "text": "the text", "certain": "whether it is certain", "applies": "whether it applies",
    "paragraph": "the paragraph", "title": "the title", "how": "how it happens", "lost": "what is lost",
    "statement": "the statement", "cvss_vector": "the vector", "taxonomy": "ids of published lists",
    "mitigations": "the mitigations", "setting": "the setting that it needs", "basis": "what it rests on",
    "action": "what it does", "object": "what it acts on", "credential": "the credential", "approver": "who approves",
    "threats": "its threats", "proposed": "the answer that would settle it",
    "polarity": "whether it is stated or denied", "about": "what it is about", "slots": "a detail", "key": "the fact",
}  # fmt: skip
"""Display names of changed fields."""


def content_of(draft: Draft, item: str, based: Draft | None = None) -> Plain:
    """Return an item's content in a draft, as plain JSON values with quotes in place of evidence marks.

    Chains are numbered as in `based`, by default as in `draft`, which may lack some of the chains.
    """
    if based is not None and item.startswith("chain/"):
        chain = part_of(based, item)
        same = (n for n, one in enumerate(draft.chains, 1) if isinstance(chain, Chain) and one.threats == chain.threats)
        item = f"chain/{next(same, 0)}"
    fields, part = dict(fields_of(draft, item)), None if item in (SCORE, POSTURE) else part_of(draft, item)
    if item == SCORE:
        score = draft.score
        fields |= {
            "vector": score.cvss_vector,
            "value": str(score.aivss if score.aivss is not None else score.provisional),
            "withheld": score.withheld,
            "likely": f"{score.likely_low}–{score.likely_high}",
        }
    # The parts and rationale of a value set by a reviewer come from that decision itself, so they are not compared.
    elif isinstance(part, FactorEstimate) and all(each.kind != "review" for each in part.parts):
        fields["parts"] = [f"{each.label} {each.effect:+.4f}" for each in part.parts]
        fields["rationale"] = part.rationale
    elif isinstance(part, Threat):
        fields |= {"setting": part.setting, "basis": part.basis}
    elif isinstance(part, Chain):
        fields[_QUOTES] = list(chain_marks(part))
    quotes = {one.id: f"“{one.quote}”" for one in draft.evidence}
    return {name: renamed(value, quotes) for name, value in fields.items()}


def kept(content: Plain, but: Sequence[str] = ()) -> Plain:
    """Return an item's content as stored in events, without the fields `but`: short values verbatim, others hashed."""
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


def differences(seen: Plain, now: Plain, attached: Sequence[str] = ()) -> str:
    """Describe what has changed in an item since it was decided on; empty if nothing has or if `seen` is empty.

    `seen` is the content stored with the decision (`kept`), `now` the current content (`content_of`). `attached` are
    the quotes that reviewers have attached since.
    """
    short, found = kept(now), []
    for name, was in seen.items():
        after = short.get(name)
        if name == _QUOTES and isinstance(was, list) and isinstance(after, list):
            added = {_short("", f"“{quote}”") for quote in attached}
            if set(was) - set(after):
                found.append("a quote was removed")
            elif set(after) - set(was) - added:
                found.append("a quote was added")
        elif was != after and was != _short(name, _without(now.get(name), attached)):
            sides = [str(side) if side is not None else "none" for side in (was, after)]
            another = any(side.startswith(_HASHED) for side in sides) or name == "basis"
            found.append(f"{field_name(name)} {'has changed' if another else ' → '.join(sides)}")
    return "; ".join(dict.fromkeys(found))


def field_name(name: str) -> str:
    """Return the display name of a field."""
    return NAMES.get(name, name.replace("_", " "))


def _without(value: object, attached: Sequence[str]) -> object:
    """Strip the attached quotes from the end of a text."""
    for quote in attached:
        value = value.replace(f" “{quote}” (“{quote}”).", "") if isinstance(value, str) else value
    return value
