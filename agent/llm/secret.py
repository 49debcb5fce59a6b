"""API keys that cannot be printed by accident, and sanitising of untrusted text for single-line output."""

import re
from typing import Final

from agent.errors import UsageError

MAX_CHARS: Final = 200
_HIDDEN: Final = "[key]"
_KEY_LIKE: Final = re.compile(r"\b(?:sk|pk|key|Bearer|AIza)[-_ ]?[A-Za-z0-9*_-]{12,}", re.IGNORECASE)


class Secret:
    """An API key. Only `reveal` returns its text; printing, formatting, comparing and pickling do not expose it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not text.isascii() or not text.isprintable() or " " in text:
            what = "the key contains a character that is not allowed in keys"
            raise UsageError(what, hint="check it for spaces and line breaks")
        self._text = text

    def reveal(self) -> str:
        """Return the key itself. Use it only for the request header."""
        return self._text

    def __bool__(self) -> bool:
        """Return whether the key is set."""
        return bool(self._text)

    def __repr__(self) -> str:
        """Return a placeholder that does not contain the key."""
        return "Secret(…)" if self._text else "Secret()"

    def __reduce__(self) -> str:
        """Raise TypeError, because a key must not be pickled."""
        raise TypeError("a key cannot be stored")

    def hide(self, text: str) -> str:
        """Redact the key in `text`."""
        return text.replace(self._text, _HIDDEN) if self._text else text


def clean(text: str, limit: int = MAX_CHARS) -> str:
    """Convert untrusted `text` to one line without control characters or keys, truncated to `limit` characters."""
    line = " ".join("".join(mark if mark.isprintable() else " " for mark in text[: 4 * limit]).split())
    line = _KEY_LIKE.sub(_HIDDEN, line)
    return line if len(line) <= limit else line[: limit - 1] + "…"
