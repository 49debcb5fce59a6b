"""Determine the product kind: use the LLM's answer unless facts contradict it, else the outlook, else rules."""

from typing import Final

from agent.drafting.judgement import Judgement
from agent.facts.sheet import counted
from agent.records import FactSheet
from agent.taxonomy.kinds import KINDS, ProductKind

_NEEDS: Final[dict[ProductKind, tuple[str, ...]]] = {
    "mcp-server": ("mcp_server",),
    "computer-use-agent": ("drives_desktop",),
    "browser-agent": ("drives_browser",),
    "voice-agent": ("takes_voice_images", "places_calls"),
    "assistant": ("takes_free_text",),
}
"""Keys that products of each kind nearly always have. Denying one rules out the kind unless another is asserted."""
_SIGNS: Final[tuple[tuple[str, ProductKind], ...]] = (
    ("mcp_server", "mcp-server"),
    ("places_calls", "voice-agent"),
    ("drives_desktop", "computer-use-agent"),
    ("drives_browser", "browser-agent"),
    ("changes_repo", "coding-agent"),
    ("proposes_code", "coding-agent"),
    ("talks_with_public", "assistant"),
    ("takes_free_text", "assistant"),
)
"""Fallback if no reader estimates the kind: the first asserted key decides."""


def kind_of(sheet: FactSheet, judgement: Judgement | None = None) -> ProductKind:
    """Determine the kind from the LLM's answer, else from the outlook, else from the facts; otherwise "other"."""
    if judgement is not None and judgement.kind is not None and not ruled_out(sheet, judgement.kind):
        return judgement.kind
    likely = {kind: chance for kind, chance in sheet.outlook.kinds.items() if not ruled_out(sheet, kind)}
    if likely and max(likely.values()) > 0:
        return max(likely, key=lambda kind: (likely[kind], -KINDS.index(kind)))
    return next((kind for key, kind in _SIGNS if counted(sheet, key, "asserted")), "other")


def ruled_out(sheet: FactSheet, kind: ProductKind) -> bool:
    """Return whether the facts rule out a kind: one of its keys is denied and none is asserted."""
    needed = _NEEDS.get(kind, ())
    denied = any(counted(sheet, key, "denied") for key in needed)
    return denied and not any(counted(sheet, key, "asserted") for key in needed)
