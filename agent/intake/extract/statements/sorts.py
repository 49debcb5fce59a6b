"""Determines the sort of a sentence (control, description, assessment, …) from its words alone.

Descriptions move an estimate. Control claims and self-assessments of rank 2 and below lower nothing, and boilerplate is
ignored. A sentence with both a capability and a control is a description; its control clause has no effect of
its own.
"""

from functools import lru_cache
from typing import Final, Literal

from agent.intake.vocabulary import patterns

Sort = Literal["description", "control", "assessment", "boilerplate"]

_REMEMBERED: Final = 10_000
"""Number of sentences whose sort is cached, since a page is split for its vendor's claims and again for the draft."""

_IS: Final = patterns(__file__)
_ASIDES: Final = tuple(_IS[name] for name in ("control", "assessment", "boilerplate", "neutralisers"))
"""Words that name no capability of the product."""


@lru_cache(maxsize=_REMEMBERED)
def classify(text: str) -> Sort:
    """Return the sort of one sentence; `description` unless its words indicate another sort.

    A sentence is a control claim when it is about a control: either it names nothing that the product does once the
    control's own words are removed, or it puts an action under a control ("every action requires approval").
    """
    if _IS["boilerplate"].search(text):
        return "boilerplate" if not does_something(text) else "description"
    control = _IS["control"].search(text)
    head = _IS["control_head"].search(text) if control else None
    # An action is put under a control if no capability precedes the control.
    governed = head is not None and not _IS["capability"].search(_IS["neutralisers"].sub(" ", text[: head.start()]))
    if control and (governed or not does_something(text)):
        return "control"
    if _IS["assessment"].search(text) and (not does_something(text) or _IS["company_speech"].search(text)):
        return "assessment"
    if not control and _IS["company_speech"].match(text) and not does_something(text):
        return "assessment"
    return "description"


def assurances(text: str) -> tuple[str, ...]:
    """Return the words of a text that refer to controls or praise the product, in order."""
    found = sorted((match.start(), match[0]) for pattern in _ASIDES[:2] for match in pattern.finditer(text))
    return tuple(dict.fromkeys(word for _, word in found))


def does_something(text: str) -> bool:
    """Return whether a text names a capability outside its words of control, praise and boilerplate."""
    for other in _ASIDES:
        text = other.sub(" ", text)
    return bool(_IS["capability"].search(text))


def names_its_setting(text: str) -> bool:
    """Return whether a text names a control's setting, default, scope and who can change it (rank 3 in documentation).

    A control that is off by default, optional or planned counts as absent.
    """
    if _IS["default_off"].search(text):
        return False
    return all(_IS[name].search(text) for name in ("control", "setting", "default_on", "scope", "who"))


def default_of(text: str) -> str:
    """Return the words, verbatim, with which a text says that something is on by default, or an empty string."""
    found = None if _IS["default_off"].search(text) else _IS["default_on"].search(text)
    return found[0].strip(" ,") if found else ""
