"""The nouns from which slots are filled: `corpus/knowledge/slots.yaml`, compiled, and when they are nouns at all."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import yaml
from pydantic import Field

from agent.drafting_old.inflection import plural, singular
from agent.errors import InputError
from agent.records import Record
from agent.resources import data_folder

_MAX_MODIFIERS: Final = 3
_WINDOW: Final = 25
_SEQUENCE: Final = re.compile(r"\bin (?:[\w-]+ ){0,2}order\b|\border (?:of|in)\b", re.IGNORECASE)
"""An order that is a sequence and not a purchase."""
_NEXT: Final = re.compile(r"\s([a-z]+)\b")
_DETERMINERS: Final = frozenset(
    re.findall(r"\w+", "the a an each every all any its their this that these those how what which whether")
)
_DETERMINED: Final = re.compile(
    r"\b(?:the|an?|each|every|any|one|this|that|its|their|your|no|per|another|single|same|of|by|from|or|and)\s$"
    r"|[’']s\s$|[,:(]\s$",
    re.IGNORECASE,
)
_SMALL_WORDS: Final = _DETERMINERS | frozenset(
    re.findall(
        r"\w+",
        "and or of in to with is are for from by on at can into as it has have was will when before after so through"
        " via but over under without then may must where while until unless inside outside onto against per if not than"
        " they who you only also too first again cannot behind within across between during",
    )
)
"""Words after a noun that do not make it the first half of a compound."""
_COUNTED: Final = ("PDF", "URL", "CVE")
PROPER: Final = re.compile(r"[A-Z]|\d")


class SlotKind(Record):
    """How one slot finds its words."""

    signals: tuple[str, ...] = Field(min_length=1)
    heads: str
    """Singular nouns joined by `|`."""
    verbatim: tuple[str, ...] = ()
    number: str = Field(default="singular", pattern="^(singular|plural)$")
    bare: bool = False
    """Without an article."""
    modified: str = ""
    """Heads, joined by `|`, that say too little alone: they count only behind a modifier."""
    anywhere: bool = False
    """Also from sentences that show none of the signals."""
    near: str = ""
    """Heads, joined by `|`, that count only in the sentences that triggered the pattern."""
    settled: bool = False
    """The same for the whole product, so that another sentence than the triggering one may fill an optional place."""
    several: bool = False
    """A lone singular ("the agent") is the product itself, not one of these."""


@dataclass(frozen=True)
class Lexicon:
    """The compiled slots."""

    kinds: Mapping[str, SlotKind]
    regexes: Mapping[str, re.Pattern[str]]
    verbatim: Mapping[str, re.Pattern[str]]
    heads: Mapping[str, frozenset[str]]
    """Both numbers of each slot's heads, as written."""
    singulars: Mapping[str, Mapping[str, str]]
    """The head of each lower-case plural."""
    ranks: Mapping[str, Mapping[str, int]]
    """The place of each head, in both numbers, in its slot's list."""
    mass: frozenset[str]
    names: re.Pattern[str]
    """Names of other things that contain a head."""
    stand_ins: Mapping[str, str]
    """Words for slots that no quote fills, for questions only."""
    lower: frozenset[str]
    """Words that lose their capital at the beginning of a sentence."""


@cache
def load_lexicon(path: Path | None = None) -> Lexicon:
    """The slots of `corpus/knowledge/slots.yaml`. Raises InputError when the file is not of that form."""
    file = path or data_folder("corpus") / "knowledge" / "slots.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = yaml.load(file.read_text("utf-8"), Loader=loader)  # a safe loader either way
    if not isinstance(content, dict) or set(content) != {"mass", "names", "modifiers", "stand_ins", "slots"}:
        raise InputError("not a file of slots", where=file.name, hint="keys mass, names, modifiers, stand_ins, slots")
    modifiers = str(content["modifiers"]).split("|")
    mass = frozenset(word.lower() for word in str(content["mass"]).split("|"))
    kinds = {name: SlotKind.model_validate(row) for name, row in content["slots"].items()}
    lower = {w.lower() for w in modifiers if not PROPER.search(w)}
    for kind in kinds.values():
        lower |= {w.lower() for head in kind.heads.split("|") for w in head.split() if not PROPER.search(w)}
    joined = "|".join(re.escape(m) for m in sorted(modifiers, key=lambda m: (-len(m), m)))
    proper = r"(?<=[a-z,;] )(?!(?:AI|LLM|The|This|It|Its|An?|In|On|Each|Every|All)\b)[A-Z][\w&-]*(?:[’']s)?"
    one = rf"(?:(?i:{joined})|{proper}|[a-z]+-[a-z-]+)"
    return Lexicon(
        kinds=kinds,
        regexes={name: re.compile(_noun_source(kind.heads, one)) for name, kind in kinds.items()},
        verbatim={name: re.compile("|".join(kind.verbatim)) for name, kind in kinds.items() if kind.verbatim},
        heads={
            name: frozenset(f for h in kind.heads.split("|") for f in (h, plural_of(h))) for name, kind in kinds.items()
        },
        singulars={name: {plural_of(h).lower(): h for h in kind.heads.split("|")} for name, kind in kinds.items()},
        ranks={
            name: {form.lower(): n for n, head in enumerate(kind.heads.split("|")) for form in (head, plural_of(head))}
            for name, kind in kinds.items()
        },
        mass=mass,
        names=re.compile("|".join(rf"\b{re.escape(n)}\b" for n in str(content["names"]).split("|"))),
        stand_ins={str(name): str(words) for name, words in content["stand_ins"].items()},
        lower=frozenset(lower | {plural(word) for word in lower}),
    )


def _noun_source(heads: str, modifier: str) -> str:
    forms: set[str] = set()
    for head in heads.split("|"):
        forms |= {head, plural_of(head)}
    joined = "|".join(re.escape(f) for f in sorted(forms, key=lambda f: (-len(f), f)))
    return rf"(?<![\w/_.@-])((?:{modifier}\s){{0,{_MAX_MODIFIERS}}})((?i:{joined}))(?![\w_@-]|\.\w)"


def plural_of(head: str) -> str:
    """The plural of a noun phrase."""
    *front, last = head.split(" ")
    return " ".join([*front, last + "s" if last in _COUNTED else plural(last)])


def is_noun(hit: re.Match[str], text: str, several: bool, mass: frozenset[str]) -> bool:
    """Whether the words are a noun phrase here: not a verb ("to review"), not half a compound ("event history")."""
    head = hit.group(2)
    before, after = text[: hit.start()], text[hit.end() :]
    if _SEQUENCE.search(text[max(0, hit.start() - _WINDOW) : hit.end() + _WINDOW]) and head.lower() == "order":
        return False
    following = _NEXT.match(after)
    word = following.group(1) if following else ""
    if head.lower() in mass or head[:1].isupper():
        return True
    if singular(head.lower()) != head.lower():
        return bool(hit.group(1)) or not word or word in _SMALL_WORDS - _DETERMINERS
    if word and word not in _SMALL_WORDS and not word.endswith(("s", "ed")):
        return False
    determined = not before or _DETERMINED.search(before) is not None
    if hit.group(1):
        # "with pre-scrape page actions" has no article: the noun is the last one.
        return determined or not word or word in _SMALL_WORDS
    return not several and determined


@cache
def forms(heads: str) -> frozenset[str]:
    """Both numbers of the heads, which are joined by `|`."""
    return frozenset(form for head in heads.split("|") if head for form in (head, plural_of(head)))
