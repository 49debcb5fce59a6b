"""Vendor families: groups of related products that must not leak information about each other through calibration,
examples or evals.

Two products belong to the same family if they share a key. The keys of a product are its vendor's name without its
legal form, and the distinctive words of its name and of its vendor's name: the words that remain after generic words
("agent", "server", "photo") are removed. A product whose vendor is not stated and whose name has no distinctive word
forms its own family. The rule errs on the side of finding too many relatives: losing a row costs little, whereas a leak
spoils the measurement.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

_MIN_TOKEN: Final = 2
_MIN_STEM: Final = 4
_UNSTATED: Final = frozenset((
    "", "-", "n/a", "na", "none", "not specified", "not stated", "unknown", "unspecified", "unstated",
    "community", "independent", "open source", "open-source community", "various",
))  # fmt: skip
_LEGAL: Final = frozenset((
    "inc", "llc", "ltd", "limited", "plc", "corp", "corporation", "co", "company", "pte", "pty",
    "gmbh", "ag", "sa", "srl", "bv", "oy", "ab",
))  # fmt: skip
_GENERIC: Final = frozenset(Path(__file__).with_name("trade_words.txt").read_text("utf-8").split())
"""Generic words in product names, which do not identify a vendor."""


class Identity(NamedTuple):
    """The identity of a product: its name, and its vendor if stated."""

    name: str
    vendor: str | None = None


def family_key(name: str, vendor: str | None) -> str:
    """Return a readable key for the family: the vendor without its legal form, or else the product's own name."""
    stated = _vendor(vendor)
    if stated is not None:
        return f"vendor:{stated}"
    return f"product:{' '.join(_words(name))}"


def same_family(a: Identity, b: Identity) -> bool:
    """Return whether two products share a vendor or a distinctive token. Symmetric and reflexive."""
    return not _keys(*a).isdisjoint(_keys(*b))


def families(products: Sequence[Identity]) -> tuple[str, ...]:
    """Return the family of each product. Families are closed under `same_family` and named after their members' most
    common key."""
    owner: dict[str, int] = {}
    parent = list(range(len(products)))

    def root(at: int) -> int:
        while parent[at] != at:
            at = parent[at]
        return at

    for at, product in enumerate(products):
        for key in sorted(_keys(*product)):
            a, b = root(owner.setdefault(key, at)), root(at)
            parent[max(a, b)] = min(a, b)
    counts: dict[int, Counter[str]] = {}
    for at, product in enumerate(products):
        counts.setdefault(root(at), Counter())[family_key(*product)] += 1
    names = {at: min(keys, key=lambda key: (-keys[key], key)) for at, keys in counts.items()}
    return tuple(names[root(at)] for at in range(len(products)))


@lru_cache(maxsize=4096)
def _keys(name: str, vendor: str | None) -> frozenset[str]:
    words = _words(name)
    keys = {f"name:{''.join(words)}"} | {word for word in words if _is_distinctive(word)}
    stated = _vendor(vendor)
    if vendor is not None and stated is not None:
        keys.add(f"vendor:{stated}")
        keys.add(f"name:{stated.replace(' ', '')}")
        keys |= {word for word in _words(vendor) if _is_distinctive(word) and word not in _LEGAL}
    stems = {stem for key in keys if len(stem := re.sub(r"\d+$", "", key)) >= _MIN_STEM and stem not in _GENERIC}
    return frozenset(keys | stems)


def _is_distinctive(word: str) -> bool:
    return len(word) >= _MIN_TOKEN and not word.isdigit() and word not in _GENERIC


def _vendor(vendor: str | None) -> str | None:
    plain = " ".join((vendor or "").casefold().split())
    if plain in _UNSTATED:
        return None
    words = _words(re.sub(r"\([^)]*\)", " ", plain)) or _words(plain)
    kept = [word for word in words if word not in _LEGAL] or words
    return " ".join(kept) or None


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.findall(r"[^\W_]+", plain)


def name_words(product: Identity) -> tuple[str, ...]:
    """Return the distinctive words of a product's and its vendor's names, case-folded and sorted."""
    return tuple(sorted(key for key in _keys(*product) if ":" not in key))
