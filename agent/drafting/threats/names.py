"""Names of threats in a draft's texts: T1 is the first threat of the report.

An LLM also names its threats T1, T2, …, but the draft may reorder or omit some.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from agent.drafting.threats.selection import Found

_ENDS: Final = (". ", "? ", "! ")


def tags(found: Found) -> Mapping[str, str]:
    """Return the names of shown threats by id; T1 is the first threat of the report."""
    return {placed.threat.id: f"T{number}" for number, placed in enumerate(found.threats, start=1)}


def shown_ids(found: Found) -> Mapping[str, str]:
    """Map the LLM's threat names (T1, T2, …) to ids, for shown threats only."""
    shown = tags(found)
    return {name: threat for name, threat in found.names.items() if threat in shown}


def shown_tags(found: Found) -> Mapping[str, str]:
    """Map the LLM's threat names (T1, T2, …) to the draft's names, for shown threats only."""
    shown = tags(found)
    return {name: shown[threat] for name, threat in shown_ids(found).items()}


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Replace the LLM's threat names in the text, dropping sentences that name a threat that is not shown."""
    renewed = (_renamed(sentence, names) for sentence in sentences(text))
    return " ".join(sentence for sentence in renewed if sentence is not None)


def _renamed(sentence: str, names: Mapping[str, str]) -> str | None:
    """Replace the threat names in the sentence, or return None if it names a threat that is not shown."""
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
    """Return the ids of shown threats named in `texts`, without duplicates; ignore all other texts."""
    return tuple(dict.fromkeys(names[text] for text in texts if text in names))


def sentences(text: str) -> tuple[str, ...]:
    """Split a text into sentences at sentence-ending punctuation."""
    found, start = [], 0
    for place in range(len(text)):
        if text[place : place + 2] in _ENDS:
            found.append(text[start : place + 1].strip())
            start = place + 2
    found.append(text[start:].strip())
    return tuple(sentence for sentence in found if sentence)
