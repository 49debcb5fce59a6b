"""What texts call the threats of a draft: T1 for the first of the report.

An LLM calls its own threats T1, T2, …; the draft may show them in another order, or not.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from agent.drafting.threats.selection import Found

_ENDS: Final = (". ", "? ", "! ")


def tags(found: Found) -> Mapping[str, str]:
    """By id of a shown threat how texts call it: T1 for the first of the report."""
    return {placed.threat.id: f"T{number}" for number, placed in enumerate(found.threats, start=1)}


def shown_ids(found: Found) -> Mapping[str, str]:
    """By the LLM's names (T1, T2, …) the ids of the threats that are shown; one that is not shown is not in it."""
    shown = tags(found)
    return {name: threat for name, threat in found.names.items() if threat in shown}


def shown_tags(found: Found) -> Mapping[str, str]:
    """By the LLM's names (T1, T2, …) how texts of the draft call those threats."""
    shown = tags(found)
    return {name: shown[threat] for name, threat in shown_ids(found).items()}


def renamed(text: str, names: Mapping[str, str]) -> str:
    """The text with the LLM's names of threats replaced; a sentence that names one that is not shown is left out."""
    renewed = (_renamed(sentence, names) for sentence in sentences(text))
    return " ".join(sentence for sentence in renewed if sentence is not None)


def _renamed(sentence: str, names: Mapping[str, str]) -> str | None:
    """The sentence with its references replaced; None when one of them refers to nothing that is shown."""
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
    """The LLM's names of threats among `texts`, as ids that are shown, each once; others fall away."""
    return tuple(dict.fromkeys(names[text] for text in texts if text in names))


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text, by the marks that end them."""
    found, start = [], 0
    for place in range(len(text)):
        if text[place : place + 2] in _ENDS:
            found.append(text[start : place + 1].strip())
            start = place + 2
    found.append(text[start:].strip())
    return tuple(sentence for sentence in found if sentence)
