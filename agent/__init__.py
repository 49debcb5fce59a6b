"""Septet: threat models of AI-agent products, drafted from a product listing.

Public names are imported lazily, so that importing the package is cheap.
"""

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agent.errors import SeptetError
    from agent.pipeline import draft
    from agent.records import Draft, Score
    from agent.report.draft_json import load as load_draft
    from agent.scoring import score
    from agent.settings import Settings

__all__ = ["Draft", "Score", "SeptetError", "Settings", "draft", "load_draft", "score"]

_HOMES: Final = {
    "Draft": ("agent.records", "Draft"),
    "Score": ("agent.records", "Score"),
    "SeptetError": ("agent.errors", "SeptetError"),
    "Settings": ("agent.settings", "Settings"),
    "draft": ("agent.pipeline", "draft"),
    "load_draft": ("agent.report.draft_json", "load"),
    "score": ("agent.scoring", "score"),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
