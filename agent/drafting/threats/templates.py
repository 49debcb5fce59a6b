"""Fill gaps in catalogue sentences from facts: `{source}`, `{reads_mail_chat.object,reads_web.object|a page}`.

A gap names slots of facts in order of preference and, after a bar, a generic fallback for use if no fact has a short,
plain value. Slot values come from untrusted sources, so only short phrases of letters, digits and a few punctuation
marks are inserted; their meaning is never interpreted.
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from agent.drafting.threats.expressions import FactIndex
from agent.records import SLOTS, SlotName
from agent.records.evidence import MARK
from agent.taxonomy.kinds import ProductKind

AGENTS: Final[Mapping[ProductKind, str]] = {
    "mcp-server": "the connected assistant",
    "assistant": "the assistant",
    "voice-agent": "the voice agent",
}
"""What to call the acting party in a sentence, by kind of product; "the agent" for all other kinds."""
PRODUCTS: Final[Mapping[ProductKind, str]] = {
    "mcp-server": "the server",
    "agent-skill": "the skill",
    "agent-framework": "the framework",
    "agent-platform": "the platform",
    "assistant": "the assistant",
    "other": "the product",
}
"""What to call the product in a sentence, by kind of product; "the agent" for all other kinds."""
MAX_WORDS: Final = 4
MAX_LENGTH: Final = 36
_PLAIN: Final = " -_/.+"


class Gap(NamedTuple):
    """A placeholder: a role, or slots of facts with a generic fallback."""

    role: str
    slots: tuple[tuple[str, SlotName], ...] = ()
    generic: str = ""


class Wording(NamedTuple):
    """Wording that is split into literal pieces and gaps."""

    text: str
    pieces: tuple[str | Gap, ...]

    @property
    def plain(self) -> str:
        """The text with a single word in place of each gap."""
        return "".join(piece if isinstance(piece, str) else "gap" for piece in self.pieces)

    def fill(self, facts: FactIndex, source: str = "outside content") -> str:
        """Fill the gaps of the text and capitalise each sentence."""
        roles = {
            "source": source,
            "agent": AGENTS.get(facts.kind, "the agent"),
            "product": PRODUCTS.get(facts.kind, "the agent"),
            "client": "the calling agent",
        }
        filled = ""
        for piece in self.pieces:
            if isinstance(piece, str):
                filled += piece
            elif piece.role:
                filled += roles[piece.role]
            else:
                told = (phrase(facts, key, slot) for key, slot in piece.slots)
                filled += next(filter(None, told), piece.generic)
        return ". ".join(part[:1].upper() + part[1:] for part in filled.split(". "))


def read_wording(text: str, known: Collection[str]) -> Wording:
    """Split `text` into pieces and gaps. Raises ValueError for an unclosed gap and an unknown key, slot or role."""
    pieces: list[str | Gap] = []
    rest = text
    while "{" in rest:
        before, _, rest = rest.partition("{")
        inner, closed, rest = rest.partition("}")
        if not closed:
            raise ValueError(f"a gap has no end: {text!r}")
        pieces += [before, _gap(inner, known)] if before else [_gap(inner, known)]
    return Wording(text, (*pieces, rest) if rest else tuple(pieces))


def _gap(inner: str, known: Collection[str]) -> Gap:
    names, bar, generic = inner.partition("|")
    if not bar:
        if inner not in ("source", "agent", "product", "client"):
            raise ValueError(f"unknown gap {{{inner}}}; write {{key.slot|generic words}}")
        return Gap(inner)
    slots: list[tuple[str, SlotName]] = []
    for name in names.split(","):
        key, _, slot = name.strip().partition(".")
        found = next((known for known in SLOTS if known == slot), None)
        if key not in known or found is None:
            raise ValueError(f"unknown slot {name.strip()!r}; write {{key.slot|generic words}}")
        slots.append((key, found))
    return Gap("", tuple(slots), generic)


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
