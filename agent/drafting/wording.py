"""How facts read in a sentence: verb, object and marks, from `corpus/knowledge/wording.yaml`.

A slot holds text from a source. It replaces the key's own object only if it reads as a short noun phrase; otherwise (a
clause, markup, something that looks like a mark) it stays among the facts, and the sentence uses the key's own words.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

import yaml

from agent.facts.sheet import counted
from agent.facts.vocabulary import GroupId, load_vocabulary
from agent.records import Fact, FactSheet, Polarity, ReaderName, Record, SlotName
from agent.resources import data_folder
from agent.taxonomy.kinds import KIND_TITLES, ProductKind

MAX_SLOT_WORDS: Final = 6
MAX_SLOT_CHARS: Final = 48
_LISTED_SLOTS: Final = 2
"""How many objects of one key are named in one phrase."""
SURE: Final = 0.8
"""Confidence from which nine of ten facts of the embedded reader are right and their quotes mostly state them."""
FEW_WORDS: Final = 3
"""Number of words from which a quote says something by itself."""
MAX_MARKS: Final = 3
"""How many quotes one sentence cites."""
_JOINING: Final = frozenset({"and", "or"})
_FORBIDDEN: Final = frozenset('[]{}<>|*#\\"“”„«»\n\r\t;?!=$')
_REFERENCES: Final = "ETQNCF"
"""First letters of the marks of a draft: E3 in a slot would read as a citation."""
_ORDERS: Final = frozenset((
    "to", "create", "read", "write", "delete", "send", "execute", "manage", "get", "add", "remove", "make", "generate",
    "perform", "handle", "allow", "enable", "can", "will", "is", "are", "was", "it", "they", "you", "this", "that",
    "these", "those", "which", "who", "when", "if",
))  # fmt: skip
"""A slot that begins with one of these is a clause, not a noun phrase."""
_DETERMINERS: Final = frozenset((
    "a", "an", "the", "its", "their", "each", "every", "any", "all", "one", "no", "his", "her", "our", "user's",
))  # fmt: skip
_OFF: Final = frozenset({"off", "disabled", "optional", "opt-in", "not", "no", "false", "never", "unset", "none"})
"""Words in a fact's default slot which say that something is off as shipped."""
_BREAKS: Final = (". ", ": ", "//")
_VOWELS: Final = frozenset("aeiouAEIO")


class Words(Record):
    """The wording of one key."""

    do: str
    """The verb without an ending; several are joined by "and" or "or"."""
    what: str
    """What follows the verb when no slot is used."""
    takes: tuple[str, ...] = ()
    """Templates over slots that replace `what`."""
    risk: str
    """The ability as a noun phrase."""
    setting: bool = False
    """Whether it is a choice by nature, and so reads the same when it is left to a setting."""
    as_is: bool = False
    """Whether it is stated as it is; abilities are stated as what the product can do, since sources seldom say when."""
    denied: str = ""
    """The wording of a denial; empty for "does not" with the verb."""


class Said(NamedTuple):
    """What the facts of one key and polarity say together."""

    key: str
    polarity: Polarity
    what: str
    """What follows the verb."""
    facts: tuple[str, ...]
    evidence: tuple[str, ...]
    """Evidence ids, at most MAX_MARKS."""
    rank: int
    confidence: float
    sure: bool = True
    """Whether one of its facts is sure enough for a sentence of its own."""


@cache
def load_wording() -> Mapping[str, Words]:
    """The wordings by key of the vocabulary."""
    raw = yaml.safe_load((data_folder("corpus") / "knowledge" / "wording.yaml").read_text("utf-8"))
    return {key: Words.model_validate(row) for key, row in raw.items()}


class Subject(NamedTuple):
    """Who acts in a sentence about a product of some kind."""

    first: str
    """With the product's name, as in "An assistant connected to Acme can"."""
    again: str
    """Without it, as in "It"."""
    bare: bool
    """Whether the verb after `again` stands without an ending."""


def subject(kind: ProductKind, name: str) -> Subject:
    """The subject of sentences about what a product of this kind makes possible."""
    if kind == "mcp-server":
        return Subject(f"An assistant connected to {name} can", "It", bare=False)
    if kind == "agent-skill":
        return Subject(f"An agent that follows {name} can", "An agent that follows it can", bare=True)
    if kind == "agent-framework":
        return Subject(f"An agent built with {name} can", "An agent built with it can", bare=True)
    return Subject(f"{name} can", "It", bare=False)


def kind_title(kind: ProductKind) -> str:
    """The kind with its article: "an MCP server"."""
    return article(KIND_TITLES[kind])


# ------------------------------------------------------------ what facts say


def said(
    sheet: FactSheet,
    *,
    group: GroupId | None = None,
    keys: Iterable[str] | None = None,
    polarity: Polarity | None = None,
) -> tuple[Said, ...]:
    """What the counted facts about the product say, one entry for each key and polarity.

    Only those of `group` or `keys`, if given; in the order of the sheet, or of `keys`.
    """
    vocabulary = load_vocabulary()
    wanted = None if keys is None else tuple(keys)
    together: dict[tuple[str, Polarity], list[Fact]] = {}
    for fact in counted(sheet, polarity=polarity):
        if group is not None and vocabulary[fact.key].group != group:
            continue
        if wanted is None or fact.key in wanted:
            together.setdefault((fact.key, fact.polarity), []).append(fact)
    sure = sure_facts(sheet)
    found = _once([_together(key, kind, facts, sure) for (key, kind), facts in together.items()])
    if wanted is not None:
        found.sort(key=lambda one: wanted.index(one.key))
    return tuple(found)


def said_by(fact: Fact) -> Said:
    """What one fact says alone."""
    return _together(fact.key, fact.polarity, [fact], frozenset((fact.id,)))


def _once(sayings: Sequence[Said]) -> list[Said]:
    """If a key is asserted and also left to a setting, keep the graver saying: the setting only for controls."""
    kinds: dict[str, set[Polarity]] = {}
    for one in sayings:
        kinds.setdefault(one.key, set()).add(one.polarity)
    kept: dict[tuple[str, Polarity], Said] = {}
    for one in sayings:
        milder: Polarity = "asserted" if load_vocabulary()[one.key].comforting else "configurable"
        if {"asserted", "configurable"} <= kinds[one.key] and one.polarity == milder:
            continue
        kept.setdefault((one.key, one.polarity), one)
    return list(kept.values())


def _together(key: str, polarity: Polarity, facts: Sequence[Fact], sure: frozenset[str]) -> Said:
    best = sorted(facts, key=lambda fact: (-fact.rank, -fact.confidence, fact.id))
    # Something that is off as shipped is worded as a setting.
    optional = polarity == "asserted" and all(default_of(fact) is False for fact in facts)
    return Said(
        key=key,
        polarity="configurable" if optional else polarity,
        what=_what(load_wording()[key], best),
        facts=tuple(fact.id for fact in facts),
        evidence=tuple(dict.fromkeys(mark for fact in best for mark in fact.evidence[:1]))[:MAX_MARKS],
        rank=max(fact.rank for fact in facts),
        confidence=max(fact.confidence for fact in facts),
        sure=any(fact.id in sure for fact in facts),
    )


def sure_facts(sheet: FactSheet) -> frozenset[str]:
    """Ids of the facts that are sure enough to be stated in a sentence; the others still count, and their quotes are
    shown.

    A fact of the embedded reader alone needs a confidence of at least `SURE` and a quote of more than a word or two.
    """
    told = {item.id for item in sheet.evidence if _tells(item.quote)}
    return frozenset(
        fact.id
        for fact in sheet.facts
        if any(source.reader != "embedded" for source in fact.sources)
        or (fact.confidence >= SURE and not told.isdisjoint(fact.evidence))
    )


def _tells(quote: str) -> bool:
    """Whether a quote says something by itself: it has enough words, names a tool, or is in another script."""
    return len(quote.split()) >= FEW_WORDS or "_" in quote or "(" in quote or not quote.isascii()


def _what(words: Words, facts: Sequence[Fact]) -> str:
    for template in words.takes:
        names = [name for name in _SLOT_NAMES if "{" + name + "}" in template]
        fitting = [fact for fact in facts if all(noun(fact, name) for name in names)]
        if fitting:
            filled = template
            for name in names:
                values = dict.fromkeys(noun(fact, name) for fact in (fitting if len(names) == 1 else fitting[:1]))
                filled = filled.replace("{" + name + "}", listed(tuple(values)[:_LISTED_SLOTS]))
            # "queries SQL queries" says the same twice.
            if words.do.split()[0][:5].rstrip("y") not in filled.lower():
                return filled
    return words.what


_SLOT_NAMES: Final[tuple[SlotName, ...]] = (
    "object", "data", "credential", "counterpart", "scope", "action", "approval", "default", "part",
)  # fmt: skip


def noun(fact: Fact, name: SlotName) -> str:
    """The value of a slot as a noun phrase; empty if the slot is empty or does not read as one."""
    value = fact.slot(name).strip().strip("`'.,:").strip()
    for second, third in (("your own ", "the user's own "), ("your ", "the user's "), ("our ", "the vendor's ")):
        if value[: len(second)].lower() == second:
            value = third + value[len(second) :]
    words = value.split()
    if not words or len(words) > MAX_SLOT_WORDS or len(value) > MAX_SLOT_CHARS or _FORBIDDEN & set(value):
        return ""
    if words[0].lower() in _ORDERS or any(_is_mark(word) for word in words) or any(part in value for part in _BREAKS):
        return ""
    if name != "credential":
        # The name of a tool or field ("delete_issue") cannot be the object of a verb.
        return "" if len(words) == 1 and ("_" in value or "(" in value) else value
    return value if words[0].lower() in _DETERMINERS or "_" in value or value.endswith("s") else article(value)


def quotable(text: str) -> bool:
    """Whether a source's words can stand in a sentence between quotation marks: no markup, no second sentence, and
    nothing that reads as a mark."""
    return not (_FORBIDDEN & set(text) or any(_is_mark(word) for word in text.split()) or ". " in text)


def excerpt(text: str, most: int) -> str:
    """A source's words for use between quotation marks, at most `most` words: all of them, or the longest stretch
    without markup, a second sentence or anything that reads as a mark; "…" shows what is left out."""
    words = " ".join(text.split()).rstrip(".").split()
    stretches: list[list[str]] = [[]]
    for word in words:
        if _FORBIDDEN & set(word) or _is_mark(word):
            stretches.append([])
            continue
        stretches[-1].append(word)
        if word.endswith((".", ":")) or word.startswith("//"):
            stretches.append([])
    best = max(stretches, key=len)
    if len(best) == len(words) <= most:
        return " ".join(best)
    first = words[: len(best)] == best
    cut = best[:most]
    last = words[-len(cut) :] == cut
    return f"{'' if first else '… '}{' '.join(cut).rstrip('.:,')}{'' if last else ' …'}"


def default_of(fact: Fact) -> bool | None:
    """Whether something is on as shipped, according to the fact's default slot; None when the sources do not say."""
    if fact.polarity == "configurable" and not fact.slot("default"):
        return None
    words = [word.strip(".,;:()'\"`").lower() for word in fact.slot("default").split()]
    return None if not words else not _OFF & set(words)


def _is_mark(word: str) -> bool:
    bare = word.strip("().,'")
    return bare[:1] in _REFERENCES and bare[1:].isdigit()


def asserted(sheet: FactSheet, *keys: str) -> tuple[Fact, ...]:
    """The counted facts about the product with these keys that are asserted or left to a setting."""
    return tuple(fact for key in keys for fact in counted(sheet, key) if fact.polarity != "denied")


def absent(sheet: FactSheet, key: str, *, by: ReaderName | None = None) -> bool:
    """Whether a key was looked for, in at least one statement, and not found; `by` limits this to one reader."""
    return any(
        row.key == key and any(search.statements and by in (None, search.reader) for search in row.searched)
        for row in sheet.absent
    )


# ------------------------------------------------------------ words

_BY_SETTING: Final = " (a setting)"
"""Marks what is left to a setting: it may be on or off as shipped, and the sources say only that one can choose."""


def bare(one: Said) -> str:
    """Verb and object without an ending, such as "run shell commands"."""
    return f"{load_wording()[one.key].do} {one.what}"


def clause(one: Said) -> str:
    """A clause such as "runs shell commands", "does not run shell commands" or "runs shell commands (a setting)"."""
    words = load_wording()[one.key]
    if one.polarity == "denied":
        if words.denied:
            return words.denied
        return f"is not {one.what}" if words.do == "be" else f"does not {words.do} {one.what}"
    if one.polarity == "configurable" and not words.setting:
        return f"{third_person(words.do)} {one.what}{_BY_SETTING}"
    return f"{third_person(words.do)} {one.what}"


def predicates(sayings: Sequence[Said], *, plain: bool = False) -> str:
    """What several facts say as one list of predicates, "runs shell commands, and reads mail and web pages".

    With `plain` the verbs have no ending, as after "can". Neighbours with the same verb share it.
    """
    groups: list[list[Said]] = []
    for one in sayings:
        if groups and _shared(groups[-1][0]) is not None and _shared(groups[-1][0]) == _shared(one):
            groups[-1].append(one)
        else:
            groups.append([one])
    return listed([_predicate(group, plain=plain) for group in groups])


def abilities(sayings: Sequence[Said]) -> str:
    """Several sayings as predicates: first abilities, after "can", then what is so or is denied."""
    able = [one for one in sayings if is_ability(one)]
    rest = [one for one in sayings if not is_ability(one)]
    parts = [f"can {predicates(able, plain=True)}"] if able else []
    return ", and ".join((*parts, predicates(rest)) if rest else parts)


def is_ability(one: Said) -> bool:
    """Whether a saying is worded as something that the product can do."""
    return one.polarity != "denied" and not load_wording()[one.key].as_is


def _shared(one: Said) -> tuple[Polarity, str] | None:
    """What two neighbours must have in common to share a verb; None if a saying cannot share its verb."""
    words = load_wording()[one.key]
    if one.polarity == "configurable" and not words.setting:
        return None
    return ("asserted", words.do) if one.polarity != "denied" else None


def _predicate(group: Sequence[Said], *, plain: bool) -> str:
    first = group[0]
    if len(group) == 1:
        optional = first.polarity == "configurable" and not load_wording()[first.key].setting
        return f"{bare(first)}{_BY_SETTING if optional else ''}" if plain else clause(first)
    verb = load_wording()[first.key].do
    return f"{verb if plain else third_person(verb)} {listed([one.what for one in group])}"


def by_verb(sayings: Sequence[Said]) -> list[Said]:
    """The sayings, those with the same verb side by side, otherwise in their order."""
    verbs = list(dict.fromkeys((load_wording()[one.key].do, one.polarity) for one in sayings))
    return sorted(sayings, key=lambda one: verbs.index((load_wording()[one.key].do, one.polarity)))


def third_person(verb: str) -> str:
    """The verb in the third person singular; of verbs joined by "and" or "or", each gets the ending."""
    words = verb.split()
    return " ".join(_ending(word) if n == 0 or words[n - 1] in _JOINING else word for n, word in enumerate(words))


def _ending(word: str) -> str:
    plain = word.rstrip(",")
    irregular = {"be": "is", "have": "has"}.get(plain)
    if irregular is None:
        if plain.endswith(("s", "sh", "ch", "x", "z", "o")):
            irregular = plain + "es"
        elif plain.endswith("y") and plain[-2:-1] not in _VOWELS:
            irregular = plain[:-1] + "ies"
        else:
            irregular = plain + "s"
    return irregular + word[len(plain) :]


def listed(items: Sequence[str]) -> str:
    """The items as "a, b and c"; empty for none. A comma goes before "and" if an earlier item has "and" or "or"."""
    if len(items) <= 1:
        return "".join(items)
    serial = "," if any(" and " in item or " or " in item for item in items[:-1]) else ""
    return f"{', '.join(items[:-1])}{serial} and {items[-1]}"


def article(phrase: str) -> str:
    """The phrase with "a" or "an" before it."""
    sounded = phrase[:1] in _VOWELS or phrase[:3] in ("MCP", "LLM", "SSH", "HTT", "XML")
    return f"{'an' if sounded else 'a'} {phrase}"


def capital(sentence: str) -> str:
    """The sentence with a capital letter at its start."""
    return sentence[:1].upper() + sentence[1:]


def marks(items: Iterable[str], most: int = MAX_MARKS) -> str:
    """Marks such as " [E1, E4]", with a blank before them; empty for none."""
    kept = tuple(dict.fromkeys(items))[:most]
    return f" [{', '.join(kept)}]" if kept else ""


def searched(*keys: str) -> str:
    """The marks of what was looked for and not found, such as " [N:sandbox]", with a blank before them."""
    return f" [{', '.join(f'N:{key}' for key in keys)}]"


def cited_by(sayings: Iterable[Said]) -> tuple[str, ...]:
    """The first mark of each saying, each once."""
    rows = [one.evidence for one in sayings]
    firsts = [mark for row in rows for mark in row[:1]]
    return tuple(dict.fromkeys(firsts))


def word_count(text: str) -> int:
    """The number of words in a text; marks in brackets do not count."""
    count, inside = 0, False
    for word in text.split():
        inside = inside or word.startswith(("[E", "[N:"))
        count += not inside and any(letter.isalnum() for letter in word)
        if "]" in word:
            inside = False
    return count
