"""Parts of a page that differ between items in a few words: rendered once with blanks in their place, then filled in.

They are rendered from what is alike for many items alone (their kind, what can be done with them) and from no text of a
review, so what is kept says nothing of one, and nothing in a review can be taken for a blank.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from markupsafe import Markup, escape

_BLANK: Final = re.compile("\ue000([a-z]+)\ue001")


def blank(name: str) -> str:
    """What stands in a part where the value of this name will."""
    return f"\ue000{name}\ue001"


class Part(NamedTuple):
    """Text and names of blanks, by turns."""

    runs: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Part":
        """A rendered part, cut at its blanks."""
        return cls(tuple(_BLANK.split(text)))

    def filled(self, values: Mapping[str, object]) -> Markup:
        """The part with these values, escaped unless they are markup."""
        told = {name: escape(value) for name, value in values.items()}
        made = list(self.runs)
        made[1::2] = [told[name] for name in self.runs[1::2]]
        return Markup("".join(made))
