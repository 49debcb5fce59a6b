"""Keys that cannot be printed by accident, and untrusted text made safe for one line."""

import re
from typing import Final

from agent.errors import UsageError

MAX_CHARS: Final = 200
_HIDDEN: Final = "[key]"
_KEY_LIKE: Final = re.compile(r"\b(?:sk|pk|key|Bearer|AIza)[-_ ]?[A-Za-z0-9*_-]{12,}", re.IGNORECASE)


class Secret:
    """A key. Its text comes out through `reveal` alone, not by printing, formatting, comparing or pickling."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not text.isascii() or not text.isprintable() or " " in text:
            raise UsageError("the key has a character that no key has", hint="look for a blank or a line end in it")
        self._text = text

    def reveal(self) -> str:
        """The key itself, for the header that carries it and nothing else."""
        return self._text

    def __bool__(self) -> bool:
        """Whether there is a key."""
        return bool(self._text)

    def __repr__(self) -> str:
        """Never the key."""
        return "Secret(…)" if self._text else "Secret()"

    def __reduce__(self) -> str:
        """Refuses: a key is not written anywhere."""
        raise TypeError("a key cannot be stored")

    def hide(self, text: str) -> str:
        """`text` without the key."""
        return text.replace(self._text, _HIDDEN) if self._text else text


def clean(text: str, limit: int = MAX_CHARS) -> str:
    """Untrusted `text` on one line: no control characters, nothing that looks like a key, cut to `limit`."""
    line = " ".join("".join(mark if mark.isprintable() else " " for mark in text[: 4 * limit]).split())
    line = _KEY_LIKE.sub(_HIDDEN, line)
    return line if len(line) <= limit else line[: limit - 1] + "…"
