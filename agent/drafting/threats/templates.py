"""Fills gaps in catalogue sentences from facts: `{source}`, `{reads_mail_chat.object,reads_web.object|a page}`.

A gap names slots of facts in order of preference and, after a bar, a generic fallback if no fact has a short, plain
value. Slot values come from untrusted sources, so only short phrases of letters, digits and a few punctuation marks are
inserted; their meaning is never interpreted.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, get_args

from agent.drafting.threats.expressions import FactIndex
from agent.errors import InputError
from agent.records import SlotName
from agent.records.evidence import MARK
from agent.taxonomy.kinds import ProductKind

AGENTS: Final[Mapping[ProductKind, str]] = {
    "mcp-server": "the connected assistant",
    "assistant": "the assistant",
    "voice-agent": "the voice agent",
}
"""Name of the acting party in texts, by kind; "the agent" for all other kinds."""
PRODUCTS: Final[Mapping[ProductKind, str]] = {
    "mcp-server": "the server",
    "agent-skill": "the skill",
    "agent-framework": "the framework",
    "agent-platform": "the platform",
    "assistant": "the assistant",
    "other": "the product",
}
"""Name of the product in texts, by kind; "the agent" for all other kinds."""
MAX_WORDS: Final = 4
MAX_LENGTH: Final = 36
_PLAIN: Final = " -_/.+"
_ROLES: Final = ("source", "agent", "product", "client")


class Gap(NamedTuple):
    """A placeholder: one of `_ROLES`, or slots of facts with a generic fallback."""

    role: str
    slots: tuple[tuple[str, SlotName], ...] = ()
    generic: str = ""


class Wording(NamedTuple):
    """A text, split into literal pieces and gaps."""

    text: str
    pieces: tuple[str | Gap, ...]

    @property
    def keys(self) -> frozenset[str]:
        """The keys whose slots the text uses."""
        return frozenset(key for piece in self.pieces if isinstance(piece, Gap) for key, _ in piece.slots)

    def fill(self, facts: FactIndex, source: str = "outside content") -> str:
        """Fill the gaps of the text and capitalise each sentence."""
        filled = "".join(piece if isinstance(piece, str) else _filled(piece, facts, source) for piece in self.pieces)
        starts = [n for n in range(len(filled)) if n == 0 or filled[n - 2 : n] == ". "]
        for n in starts:
            filled = filled[:n] + filled[n : n + 1].upper() + filled[n + 1 :]
        return filled


def read_wording(text: str, *, where: str, known: Iterable[str]) -> Wording:
    """Split a text into its pieces. Raises InputError for an unclosed gap and for an unknown key, slot or role."""
    keys = frozenset(known)
    pieces: list[str | Gap] = []
    rest = text
    while "{" in rest:
        before, _, rest = rest.partition("{")
        inner, closed, rest = rest.partition("}")
        if not closed:
            raise InputError("a gap has no end", where=f"{where}: {text!r}", hint="close it with }")
        pieces += [before, _gap(inner, where, keys)] if before else [_gap(inner, where, keys)]
    return Wording(text, (*pieces, rest) if rest else tuple(pieces))


def _gap(inner: str, where: str, keys: frozenset[str]) -> Gap:
    names, bar, generic = inner.partition("|")
    if not bar:
        if inner not in _ROLES:
            raise InputError(f"no gap {{{inner}}}", where=where, hint="write {key.slot|generic words}")
        return Gap(inner)
    slots: list[tuple[str, SlotName]] = []
    for name in names.split(","):
        key, _, slot = name.strip().partition(".")
        found = next((known for known in get_args(SlotName) if known == slot), None)
        if key not in keys or found is None:
            raise InputError(f"no slot {name.strip()!r}", where=where, hint="write {key.slot|generic words}")
        slots.append((key, found))
    return Gap("", tuple(slots), generic)


def _filled(gap: Gap, facts: FactIndex, source: str) -> str:
    if gap.role == "source":
        return source
    if gap.role == "agent":
        return AGENTS.get(facts.kind, "the agent")
    if gap.role == "client":
        return "the calling agent"
    if gap.role == "product":
        return PRODUCTS.get(facts.kind, "the agent")
    return next((value for key, slot in gap.slots if (value := phrase(facts, key, slot))), gap.generic)


def phrase(facts: FactIndex, key: str, slot: SlotName) -> str:
    """Return the first short, plain phrase in this slot of the key's facts, or an empty string."""
    for fact in facts.holding(key):
        value = " ".join(fact.slot(slot).split())
        if value and is_plain(value):
            return value
    return ""


def is_plain(value: str) -> bool:
    """Return whether a slot's value fits in a sentence: few words, no punctuation that would end or break it, and no
    word that reads like a mark."""
    letters = sum(char.isalpha() for char in value)
    fits = len(value) <= MAX_LENGTH and len(value.split()) <= MAX_WORDS and 2 * letters >= len(value)
    ends = any(f"{mark} " in value for mark in ".-/") or not value[-1].isalnum()
    return fits and not ends and not MARK.search(value) and all(char.isalnum() or char in _PLAIN for char in value)
