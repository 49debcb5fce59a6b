"""The names of threats in a draft's texts: T1 is the first threat of the report.

An LLM also calls its threats T1, T2, …, but the draft may show them in another order or leave some out.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from agent.drafting.threats.selection import Found

_ENDS: Final = (". ", "? ", "! ")


def tags(found: Found) -> Mapping[str, str]:
    """The names of shown threats by id: T1 for the first of the report."""
    return {placed.threat.id: f"T{number}" for number, placed in enumerate(found.threats, start=1)}


def shown_ids(found: Found) -> Mapping[str, str]:
    """Ids of the shown threats by the LLM's names for them (T1, T2, …); threats that are not shown are left out."""
    shown = tags(found)
    return {name: threat for name, threat in found.names.items() if threat in shown}


def shown_tags(found: Found) -> Mapping[str, str]:
    """The draft's names of the shown threats by the LLM's names for them (T1, T2, …)."""
    shown = tags(found)
    return {name: shown[threat] for name, threat in shown_ids(found).items()}


def renamed(text: str, names: Mapping[str, str]) -> str:
    """The text with the LLM's threat names replaced; a sentence that names a threat which is not shown is left out."""
    renewed = (_renamed(sentence, names) for sentence in sentences(text))
    return " ".join(sentence for sentence in renewed if sentence is not None)


def _renamed(sentence: str, names: Mapping[str, str]) -> str | None:
    """The sentence with its threat names replaced; None when it names a threat that is not shown."""
    made, place = [], 0
    while place < len(sentence):
        end = place + 1
        if sentence[place] == "T" and not sentence[place - 1 : place].isalnum():
            while sentence[end : end + 1].isdigit():
                end += 1
            if end > place + 1 and not sentence[end : end + 1].isalnum():
                name = names.get(sentence[place:end])
                if name is None:
                    return None
                made.append(name)
                place = end
                continue
        made.append(sentence[place:end])
        place = end
    return "".join(made)


def references(texts: Iterable[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """Ids of the shown threats that `texts` name, each once; all other texts are ignored."""
    return tuple(dict.fromkeys(names[text] for text in texts if text in names))


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text, split at the punctuation that ends them."""
    found, start = [], 0
    for place in range(len(text)):
        if text[place : place + 2] in _ENDS:
            found.append(text[start : place + 1].strip())
            start = place + 2
    found.append(text[start:].strip())
    return tuple(sentence for sentence in found if sentence)
