"""Forms of English words: plurals, third persons, and every form of a list of verbs."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

Form = Literal["base", "s", "ing", "ed"]
MAX_OBJECT: Final = 60
"""Longest object, characters."""
_MIN_OBJECT: Final = 3


def listed(words: str) -> frozenset[str]:
    """The words of a text, so that a list of words can be written as a line of words."""
    return frozenset(words.split())


_MASS: Final = listed(
    "mouse javascript python bash powershell typescript json csv "
    "data text content code mail email e-mail sms memory access information money music audio video speech "
    "history sql media web feedback research shell literature guidance advice software inventory outreach eth "
    "strk usdc telemetry weather knowledge metadata documentation news traffic status infrastructure storage "
    "health state"
)
_IRREGULAR: Final[Mapping[str, str]] = {
    "write": "written",
    "send": "sent",
    "read": "read",
    "make": "made",
    "build": "built",
    "buy": "bought",
    "sell": "sold",
    "pay": "paid",
    "run": "run",
    "set": "set",
    "get": "got",
    "keep": "kept",
    "find": "found",
    "hand": "handed",
    "spend": "spent",
    "draw": "drawn",
    "drive": "driven",
    "rewrite": "rewritten",
    "withdraw": "withdrawn",
    "reset": "reset",
    "overwrite": "overwritten",
    "learn": "learned",
    "show": "shown",
    "broadcast": "broadcast",
    "grant": "granted",
}
_DOUBLED: Final = listed("plan drop scan tag set get swap map commit run log tap submit spot reset")
NOUN_LIKE: Final = listed(
    "search query call order book place plan test control review transfer release design list view check store "
    "move share message email type tap click invoice purchase set watch tag label host export import upload "
    "download trigger start launch fill pull install report update edit log post draft trade swap scan record "
    "charge monitor file form run quote script read charge stake drive press scroll swipe visit answer collect "
    "mint bridge fetch index crawl find access map note prompt text change build push merge commit rent reserve "
    "display outline load open deploy audit phone dial mimic mark deposit close sign schedule delegate process "
    "issue code notice probe flag route backup model name compute show capture return forward process publish "
    "reply invite suggest compare rebase repair fix clear complete register spend reset head cancel explain tweet "
    "archive save support use need work offer contact pass pause state stop turn count cover link plan attach "
    "host reach lead see hold fit wrap map point render"
)
"""Lemmas whose forms are often nouns or adjectives; their place in the sentence decides."""


def third_person(lemma: str) -> str:
    """ "send" → "sends", "look up" → "looks up"."""
    word, _, particle = lemma.replace("-", " ").partition(" ")
    if re.search(r"(?:s|x|z|ch|sh)$", word):
        form = word + "es"
    elif re.search(r"[^aeiou]y$", word):
        form = word[:-1] + "ies"
    else:
        form = word + "s"
    return f"{form} {particle}".strip()


def plural(word: str) -> str:
    """The plural of a noun; mass nouns, plurals and names of capitals stay."""
    low = word.lower()
    if low in _MASS or low.endswith("s") or not word.isalpha() or not (word.islower() or word.istitle()):
        return word
    if re.search(r"[^aeiou]y$", low):
        return word[:-1] + "ies"
    return word + ("es" if re.search(r"(?:x|z|ch|sh)$", low) else "s")


def singular(word: str) -> str:
    """The singular of a lower-case noun, as far as its ending tells."""
    if word.endswith("ies") and len(word) > len("ties"):
        return word[:-3] + "y"
    if re.search(r"(?:x|z|ch|sh|ss)es$", word):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def is_singular(words: Sequence[str]) -> bool:
    """Whether a lower-case noun phrase is one countable thing, by its head's ending."""
    head = words[words.index("of") - 1] if "of" in words[1:] else words[-1]
    return head not in _MASS and singular(head) == head


def verb_forms(lemmas: Iterable[str]) -> dict[str, tuple[tuple[str, Form], ...]]:
    """Every inflected form of the lemmas' first words, with the lemmas and forms that it may be."""
    found: dict[str, list[tuple[str, Form]]] = {}
    for lemma in lemmas:
        word = lemma.split("-")[0] if lemma.count("-") == 1 and not lemma.startswith("e-") else lemma
        stem = word[:-1] if word.endswith("e") and not word.endswith("ee") else word
        stem = word + word[-1] if word in _DOUBLED else stem
        past = _IRREGULAR.get(word) or (word[:-1] + "ied" if re.search(r"[^aeiou]y$", word) else stem + "ed")
        for text, form in ((word, "base"), (third_person(word), "s"), (stem + "ing", "ing"), (past, "ed")):
            found.setdefault(text, []).append((lemma, form))  # type: ignore[arg-type]
    return {word: tuple(forms) for word, forms in found.items()}


def join_objects(names: Sequence[str]) -> str | None:
    """Names joined to "a, b and c" of at most 60 characters; later ones that do not fit are left out."""
    kept: list[str] = []
    for name in dict.fromkeys(" ".join(n.split()) for n in names):
        bare = name.strip(" ,.;:-'\"")
        if len(bare) >= _MIN_OBJECT and len(_joined([*kept, bare])) <= MAX_OBJECT:
            kept.append(bare)
    return _joined(kept) or None


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)
