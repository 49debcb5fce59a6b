"""The few words about one product that paragraphs, questions and posture are filled with."""

import re
from typing import Final

from agent.drafting.slots import Slots, base_form, tidy
from agent.evidence.reading import Reading
from agent.records import Capability, System

SLOTS: Final = ("data", "credential", "store", "service", "input", "host")
_DOUBLED: Final = re.compile(
    r"(?:get|set|put|run|cut|plan|scan|swap|ship|stop|drop|tag|map|log|chat|plot|submit|commit|control|transfer|crop"
    r"|trim|strip|clip|flag|spin|shop|refer|begin|permit|debug|unplug|rerun|reset)"
)
"""Verbs that double their last letter before "ing"."""
_KEPT: Final = re.compile(r"(?:and|or|up|out|off|in|on|back|at|to|with|into|over|through)")
"""Words of a verb phrase that stay as they are."""
_PARTICIPLE_E: Final = re.compile(r"(?:ee|oe|ye)$")
_SEVERITY: Final = ("delete", "execute", "write", "read")
_MAX_OBJECT: Final = 48


def words(reading: Reading, system: System, name: str) -> dict[str, str]:
    """Slot values by name; a slot that no quote fills is absent. `capability` is a gerund phrase of the most
    consequential capability, as in "sharing a file with other people"."""
    slots = Slots(reading, system, name)
    values = {"name": name}
    capability = leading(system)
    if capability is not None:
        values["capability"] = gerund_phrase(capability)
        values["object"] = tidy(capability.object)
        if capability.credential:
            values["credential"] = capability.credential
    for slot in SLOTS:
        found = slots.fill(slot, (), capability)
        if found is not None and slot not in values:
            values[slot] = found.value
    return values


def leading(system: System) -> Capability | None:
    """The capability with the gravest mode that a quote shows; the first of its kind in the system picture."""
    shown = [c for c in system.capabilities if c.evidence and c.state in ("claimed", "inferred", "contradicted")]
    return min(shown, key=lambda c: (len(c.object) > _MAX_OBJECT, _SEVERITY.index(c.mode)), default=None)


def gerund_phrase(capability: Capability) -> str:
    """ "sends" + "e-mail" → "sending e-mail"."""
    return f"{gerund(base_form(capability.action))} {tidy(capability.object)}"


def gerund(verb: str) -> str:
    """ "send" → "sending", "run" → "running", "push and merge" → "pushing and merging"."""
    return " ".join(word if _KEPT.fullmatch(word) else _gerund(word) for word in verb.split())


def _gerund(word: str) -> str:
    head, dash, tail = word.partition("-")
    if dash:
        return f"{_gerund(head)}-{tail}"
    if word.endswith("ie"):
        return word[:-2] + "ying"
    if word.endswith("e") and not _PARTICIPLE_E.search(word):
        return word[:-1] + "ing"
    if _DOUBLED.fullmatch(word):
        return word + word[-1] + "ing"
    return word + "ing"
