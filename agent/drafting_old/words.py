"""The few words about one product that paragraphs, questions and posture are filled with."""

import re
from typing import Final

from agent.drafting_old.actions import load_actions
from agent.drafting_old.slots import Slots, base_form, tidy
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
_MODES: Final = ("delete", "execute", "write", "read")
_MAX_OBJECT: Final = 40
_DOUBT: Final = 30
"""Taken from the weight of a capability that is inferred or contradicted; in steps of the weights of actions.yaml."""
_CONDITION: Final = 10
_CLUMSY: Final = 40
_UNCLEAR: Final = re.compile(r"[()/\\|<>{}=:;]|\b(?:each|every|these|those|same|such|own)\b")


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
    """The capability that says most: the gravest signal, less what makes it doubtful or clumsy to name; the first of
    equals in the system picture."""
    return next(iter(telling(system)), None)


def telling(system: System) -> list[Capability]:
    """Capabilities that a quote shows, the most telling first."""
    shown = [c for c in system.capabilities if c.evidence and c.state in ("claimed", "inferred", "contradicted")]
    return sorted(shown, key=lambda c: (-_weight(c), _MODES.index(c.mode)))


def _weight(capability: Capability) -> int:
    weight = load_actions().weight.get(capability.signal, 0)
    weight -= _DOUBT if capability.state != "claimed" else 0
    weight -= _CONDITION if capability.condition else 0
    weight -= _CLUMSY if len(capability.object) > _MAX_OBJECT or _UNCLEAR.search(capability.object) else 0
    return weight


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
