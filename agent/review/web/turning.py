"""Characters that turn the direction of text or are not seen at all, made visible in a page that is made already.

Each stays where it is and as it is, in an element of its own that isolates it and shows its code before it (`.turn` in
`app.css`): it reorders nothing, and a selection in a source counts and quotes the same characters as before.
"""

import re
from typing import Final

TURNING: Final = re.compile("[\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
"""Joiners and soft hyphens are not among them: scripts and emoji need them, and they turn nothing."""
_ASCII: Final = bytes(range(0x80))
# Everything is escaped, so that a bracket in a page is one of its own tags.
_PARTS: Final = re.compile(r"<(/?)([a-z0-9!]+)[^>]*>|[^<]+", re.IGNORECASE)
_TOLD: Final = re.compile(r'(?<= )(?:title|aria-label)="[^"]*"')
_PLAIN: Final = frozenset({"title", "option"})
"""Elements that hold no others."""
_VERBATIM: Final = frozenset({"textarea"})
"""What comes back from a form is what was put into it."""


def visible(page: str) -> str:
    """A page with these characters shown; one without any comes back as it is."""
    # Without its ASCII nearly nothing is left to look through: a tenth of the time, for every page.
    if TURNING.search(page.encode("utf-8", "replace").translate(None, _ASCII).decode()) is None:
        return page
    made: list[str] = []
    inside = ""
    for found in _PARTS.finditer(page):
        part, closing, name = found[0], found[1], (found[2] or "").lower()
        if name:
            made.append(_TOLD.sub(lambda told: _told(told[0]), part))
            if name in _PLAIN | _VERBATIM:
                inside = "" if closing else name
        elif inside in _VERBATIM:
            made.append(part)
        else:
            made.append(_told(part) if inside in _PLAIN else TURNING.sub(_shown, part))
    return "".join(made)


def _code(char: str) -> str:
    return f"U+{ord(char):04X}"


def _told(text: str) -> str:
    """With codes in their place, where no element can stand."""
    return TURNING.sub(lambda found: f"⟨{_code(found[0])}⟩", text)


def _shown(found: re.Match[str]) -> str:
    return f'<span class="turn" data-code="{_code(found[0])}">{found[0]}</span>'
