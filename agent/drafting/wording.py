"""Words facts as sentences with verb, object and marks, from `corpus/knowledge/wording.yaml`.

A slot contains text from a source. It replaces the key's default object only if it is a short noun phrase. Otherwise (a
clause, markup, text that looks like a mark) the sentence uses the default object.
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
"""Maximum number of objects of one key in a phrase."""
SURE: Final = 0.8
"""Minimum confidence at which 90 % of the embedded reader's facts are right and their quotes mostly state them."""
FEW_WORDS: Final = 3
"""Minimum number of words in a self-explanatory quote."""
MAX_MARKS: Final = 3
"""Maximum number of quotes cited in one sentence."""
_JOINING: Final = frozenset({"and", "or"})
_FORBIDDEN: Final = frozenset('[]{}<>|*#\\"“”„«»\n\r\t;?!=$')
_REFERENCES: Final = "ETQNCF"
"""First letters of a draft's marks; text such as E3 in a slot would look like a citation."""
_ORDERS: Final = frozenset((
    "to", "create", "read", "write", "delete", "send", "execute", "manage", "get", "add", "remove", "make", "generate",
    "perform", "handle", "allow", "enable", "can", "will", "is", "are", "was", "it", "they", "you", "this", "that",
    "these", "those", "which", "who", "when", "if",
))  # fmt: skip
"""Words that start a clause; a slot that begins with one is not a noun phrase."""
_DETERMINERS: Final = frozenset((
    "a", "an", "the", "its", "their", "each", "every", "any", "all", "one", "no", "his", "her", "our", "user's",
))  # fmt: skip
_OFF: Final = frozenset({"off", "disabled", "optional", "opt-in", "not", "no", "false", "never", "unset", "none"})
"""Words in a fact's default slot that mean "off by default"."""
_BREAKS: Final = (". ", ": ", "//")
_VOWELS: Final = frozenset("aeiouAEIO")


class Words(Record):
    """The wording of one key."""

    do: str
    """The verb in its base form; several verbs are joined by "and" or "or"."""
    what: str
    """The default object of the verb, used when no slot replaces it."""
    takes: tuple[str, ...] = ()
    """Slot templates that replace `what` when they can be filled."""
    risk: str
    """The ability as a noun phrase."""
    setting: bool = False
    """Whether the key describes a choice, so that its wording also fits a configurable fact."""
    as_is: bool = False
    """Whether the fact is stated without "can"; abilities use "can", because sources seldom say when they are used."""
    denied: str = ""
    """The wording of a denial; if empty, "does not" with the verb is used."""


class Said(NamedTuple):
    """The combined content of all facts with one key and polarity."""

    key: str
    polarity: Polarity
    what: str
    """The object of the verb."""
    facts: tuple[str, ...]
    evidence: tuple[str, ...]
    """Evidence ids, at most MAX_MARKS."""
    rank: int
    confidence: float
    sure: bool = True
    """Whether at least one fact is sure enough to be stated in a sentence."""


@cache
def load_wording() -> Mapping[str, Words]:
    """Load the wordings by vocabulary key."""
    raw = yaml.safe_load((data_folder("corpus") / "knowledge" / "wording.yaml").read_text("utf-8"))
    return {key: Words.model_validate(row) for key, row in raw.items()}


class Subject(NamedTuple):
    """The grammatical subject of sentences about a product of some kind."""

    first: str
    """First mention, with the product's name, as in "An assistant connected to Acme can"."""
    again: str
    """Later mentions, without the name, as in "It"."""
    bare: bool
    """Whether the verb after `again` is in its base form."""


def subject(kind: ProductKind, name: str) -> Subject:
    """Return the subject of sentences about what a product of this kind can do."""
    if kind == "mcp-server":
        return Subject(f"An assistant connected to {name} can", "It", bare=False)
    if kind == "agent-skill":
        return Subject(f"An agent that follows {name} can", "An agent that follows it can", bare=True)
    if kind == "agent-framework":
        return Subject(f"An agent built with {name} can", "An agent built with it can", bare=True)
    return Subject(f"{name} can", "It", bare=False)


def kind_title(kind: ProductKind) -> str:
    """Return the kind with its article: "an MCP server"."""
    return article(KIND_TITLES[kind])


# ------------------------------------------------------------ what facts say


def said(
    sheet: FactSheet,
    *,
    group: GroupId | None = None,
    keys: Iterable[str] | None = None,
    polarity: Polarity | None = None,
) -> tuple[Said, ...]:
    """Combine the counted facts about the product to one saying per key and polarity.

    Restricted to `group` or `keys` if given; ordered as in the sheet, or as in `keys`.
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
    """Return the saying of a single fact."""
    return _together(fact.key, fact.polarity, [fact], frozenset((fact.id,)))


def _once(sayings: Sequence[Said]) -> list[Said]:
    """Keep the graver saying of a key that is both asserted and configurable: configurable only for controls."""
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
    # Word abilities that are off by default as settings.
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
    """Return the ids of facts sure enough to be stated in a sentence; other facts still count and show their quotes.

    A fact found only by the embedded reader needs a confidence of at least `SURE` and a self-explanatory quote.
    """
    told = {item.id for item in sheet.evidence if _tells(item.quote)}
    return frozenset(
        fact.id
        for fact in sheet.facts
        if any(source.reader != "embedded" for source in fact.sources)
        or (fact.confidence >= SURE and not told.isdisjoint(fact.evidence))
    )


def _tells(quote: str) -> bool:
    """Return whether a quote is self-explanatory: it has enough words, names a tool, or is not ASCII."""
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
            # Avoid repetition such as "queries SQL queries".
            if words.do.split()[0][:5].rstrip("y") not in filled.lower():
                return filled
    return words.what


_SLOT_NAMES: Final[tuple[SlotName, ...]] = (
    "object", "data", "credential", "counterpart", "scope", "action", "approval", "default", "part",
)  # fmt: skip


def noun(fact: Fact, name: SlotName) -> str:
    """Return a slot's value as a noun phrase, or an empty string if it is empty or not a noun phrase."""
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
    """Return whether source text can be quoted within a sentence: no markup, no second sentence, and
    nothing that looks like a mark."""
    return not (_FORBIDDEN & set(text) or any(_is_mark(word) for word in text.split()) or ". " in text)


def excerpt(text: str, most: int) -> str:
    """Shorten source text for quoting to at most `most` words: the whole text, or its longest part without markup,
    a second sentence or anything that looks like a mark. "…" shows omissions."""
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
    """Return whether a feature is on by default according to the fact's default slot, or None if not stated."""
    if fact.polarity == "configurable" and not fact.slot("default"):
        return None
    words = [word.strip(".,;:()'\"`").lower() for word in fact.slot("default").split()]
    return None if not words else not _OFF & set(words)


def _is_mark(word: str) -> bool:
    bare = word.strip("().,'")
    return bare[:1] in _REFERENCES and bare[1:].isdigit()


def asserted(sheet: FactSheet, *keys: str) -> tuple[Fact, ...]:
    """Return the counted facts about the product with these keys that are asserted or configurable."""
    return tuple(fact for key in keys for fact in counted(sheet, key) if fact.polarity != "denied")


def absent(sheet: FactSheet, key: str, *, by: ReaderName | None = None) -> bool:
    """Return whether a key was searched for in at least one statement and not found, optionally `by` one reader."""
    return any(
        row.key == key and any(search.statements and by in (None, search.reader) for search in row.searched)
        for row in sheet.absent
    )


# ------------------------------------------------------------ words

_BY_SETTING: Final = " (a setting)"
"""Suffix for configurable facts, which may be on or off by default."""


def bare(one: Said) -> str:
    """Return verb and object in base form, such as "run shell commands"."""
    return f"{load_wording()[one.key].do} {one.what}"


def clause(one: Said) -> str:
    """Build a clause such as "runs shell commands", "does not run shell commands" or "runs … (a setting)"."""
    words = load_wording()[one.key]
    if one.polarity == "denied":
        if words.denied:
            return words.denied
        return f"is not {one.what}" if words.do == "be" else f"does not {words.do} {one.what}"
    if one.polarity == "configurable" and not words.setting:
        return f"{third_person(words.do)} {one.what}{_BY_SETTING}"
    return f"{third_person(words.do)} {one.what}"


def predicates(sayings: Sequence[Said], *, plain: bool = False) -> str:
    """Join several sayings into one list of predicates: "runs shell commands, and reads mail and web pages".

    With `plain`, verbs are in base form, as after "can". Consecutive sayings with the same verb share it.
    """
    groups: list[list[Said]] = []
    for one in sayings:
        if groups and _shared(groups[-1][0]) is not None and _shared(groups[-1][0]) == _shared(one):
            groups[-1].append(one)
        else:
            groups.append([one])
    return listed([_predicate(group, plain=plain) for group in groups])


def abilities(sayings: Sequence[Said]) -> str:
    """Join sayings as predicates: abilities after "can", followed by all other statements and denials."""
    able = [one for one in sayings if is_ability(one)]
    rest = [one for one in sayings if not is_ability(one)]
    parts = [f"can {predicates(able, plain=True)}"] if able else []
    return ", and ".join((*parts, predicates(rest)) if rest else parts)


def is_ability(one: Said) -> bool:
    """Return whether a saying is worded as an ability of the product."""
    return one.polarity != "denied" and not load_wording()[one.key].as_is


def _shared(one: Said) -> tuple[Polarity, str] | None:
    """Return the key that consecutive sayings must have in common to share a verb, or None if none can be shared."""
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
    """Group the sayings by verb, otherwise preserving their order."""
    verbs = list(dict.fromkeys((load_wording()[one.key].do, one.polarity) for one in sayings))
    return sorted(sayings, key=lambda one: verbs.index((load_wording()[one.key].do, one.polarity)))


def third_person(verb: str) -> str:
    """Convert the verb, or all verbs joined by "and" or "or", to the third person singular."""
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
    """Join the items as "a, b and c", with a comma before "and" if an earlier item contains "and" or "or"."""
    if len(items) <= 1:
        return "".join(items)
    serial = "," if any(" and " in item or " or " in item for item in items[:-1]) else ""
    return f"{', '.join(items[:-1])}{serial} and {items[-1]}"


def article(phrase: str) -> str:
    """Prefix the phrase with "a" or "an"."""
    sounded = phrase[:1] in _VOWELS or phrase[:3] in ("MCP", "LLM", "SSH", "HTT", "XML")
    return f"{'an' if sounded else 'a'} {phrase}"


def capital(sentence: str) -> str:
    """Capitalise the first letter of the sentence."""
    return sentence[:1].upper() + sentence[1:]


def marks(items: Iterable[str], most: int = MAX_MARKS) -> str:
    """Format marks such as " [E1, E4]", with a leading space, or an empty string if there are none."""
    kept = tuple(dict.fromkeys(items))[:most]
    return f" [{', '.join(kept)}]" if kept else ""


def searched(*keys: str) -> str:
    """Format the marks of keys that were searched for and not found, such as " [N:sandbox]", with a leading space."""
    return f" [{', '.join(f'N:{key}' for key in keys)}]"


def cited_by(sayings: Iterable[Said]) -> tuple[str, ...]:
    """Return the first mark of each saying, without duplicates."""
    rows = [one.evidence for one in sayings]
    firsts = [mark for row in rows for mark in row[:1]]
    return tuple(dict.fromkeys(firsts))


def word_count(text: str) -> int:
    """Count the words in a text, ignoring marks in brackets."""
    count, inside = 0, False
    for word in text.split():
        inside = inside or word.startswith(("[E", "[N:"))
        count += not inside and any(letter.isalnum() for letter in word)
        if "]" in word:
            inside = False
    return count
