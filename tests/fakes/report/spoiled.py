"""Drafts with hostile text in every field that a source or an LLM can fill."""

from typing import Final

from agent.records import Draft, ThreatStatement
from agent.review.domain.items import with_threats

FREE: Final = {
    "name", "vendor", "summary", "posture", "quote", "what", "title", "text", "proposed", "why", "changes", "how",
    "lost", "paragraph", "rationale", "price", "law", "part", "reason", "url", "where", "excerpt", "because", "detail",
    "caveat", "setting", "action", "object", "credential", "approver", "assumptions",
}  # fmt: skip
"""Fields of a draft that contain free text."""


def spoiled(draft: Draft, words: str) -> Draft:
    """Return the draft with `words` in each free-text field, except in its facts, its score and what made it."""
    plain = draft.model_dump(mode="json", by_alias=True)
    spared = {name: plain[name] for name in ("facts", "drafter", "score")}
    made = Draft.model_validate({**_hostile(plain, words), **spared})  # type: ignore[dict-item]
    statement = ThreatStatement(**dict.fromkeys(ThreatStatement.model_fields, words))
    return with_threats(made, lambda one: one.model_copy(update={"statement": statement}))


def _hostile(value: object, words: str, key: str = "") -> object:
    if isinstance(value, dict) and key != "missing":
        return {name: _hostile(each, words, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_hostile(each, words, key) for each in value]
    return words if isinstance(value, str) and key in FREE else value
