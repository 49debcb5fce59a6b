"""Words of the system picture: the closed lists of kinds, and whether a name or an object stands in a quote."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from agent.drafting_old.assisted.shapes import ItemGroup
from agent.drafting_old.inflection import listed, singular, third_person
from agent.evidence.anchor import normalise

KINDS: Final[Mapping[ItemGroup, frozenset[str]]] = {
    "actor": listed("person operator subject counterparty"),
    "component": listed("interface server agent runtime sandbox memory tools llm"),
    "store": listed(
        "relational document vector search graph warehouse object queue memory history knowledge cache logs files "
        "database secrets recordings config"
    ),
    "service": listed(
        "client llm cloud service mail messaging calendar files sheet work crm code pay broker chain commerce identity "
        "watch automation health search scholar home"
    ),
}
"""The kinds that a part of each group may have; there is one product, and it is drawn already."""
_SMALL: Final = listed("a an the its their his her your our this that these those of and or to in on for with from by")
_CLAUSE: Final = re.compile(
    r"\b(?:is|are|was|were|be|been|becomes?|has|have|had|does|do|can|will|may|must|which|who|whose|lets?|it|them|they)\b",
    re.I,
)
_NO_BEGIN: Final = re.compile(r"(?:and|or|but|to|in|on|by|with|for|from|at|of|as|that|when|while|if|then)\b", re.I)
_ADVERB: Final = re.compile(r"\w+ly", re.I)
_WORD: Final = re.compile(r"[^\W_]+")


_LOCAL: Final = listed("memory history knowledge cache logs files secrets recordings config")
"""Kinds of store that are a product's own more often than a service's."""


def side_of(group: ItemGroup, kind: str) -> str:
    """On which side of the trust boundaries a part is drawn, among those of its group."""
    if group == "service":
        return kind if kind in ("client", "llm") else "other"
    if group == "component":
        return "llm" if kind == "llm" else "inside"
    if group == "store":
        return "local" if kind in _LOCAL else kind
    return kind


def part_words(name: str) -> frozenset[str]:
    """A name as it is compared: folded, plurals as singulars, without articles."""
    return frozenset(singular(word) for word in _WORD.findall(normalise(name)) if word not in _SMALL)


def stands(words: str, quotes: Sequence[str]) -> bool:
    """Whether every word of a phrase stands in one of the quotes; plurals count as their singulars."""
    wanted = part_words(words)
    return bool(wanted) and any(wanted <= part_words(quote) for quote in quotes)


def object_stands(words: str, quotes: Sequence[str]) -> bool:
    """The same for what is acted on, with "s" of an owner taken away."""
    return stands(re.sub(r"['’]s\b", "", words), [re.sub(r"['’]s\b", "", quote) for quote in quotes])


def is_thing(words: str) -> bool:
    """Whether a phrase may be the name of a thing: no clause, no adverb, nothing that only joins words."""
    return not _CLAUSE.search(words) and not _NO_BEGIN.match(words) and not _ADVERB.fullmatch(words)


def verb_of(action: str) -> str:
    """The base form of a verb in the third person: "sends" → "send", "carries" → "carry"."""
    first = action.split()[0] if action.split() else ""
    for base in (f"{first.removesuffix('ies')}y", first.removesuffix("es"), first.removesuffix("s")):
        if first.endswith("s") and third_person(base) == first:
            return base
    return first
