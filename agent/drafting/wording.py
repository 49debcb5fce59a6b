"""Turn facts into sentences with a verb, an object and marks, using `corpus/knowledge/wording.yaml`.

A slot contains text from a source. It replaces the key's default object only if it is a short noun phrase. Otherwise (a
clause, markup, text that looks like a mark) the sentence uses the default object.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from agent.facts.knowledge import loader
from agent.facts.sheet import counted
from agent.facts.vocabulary import FactKey, GroupId, load_vocabulary
from agent.records import SLOTS, Fact, FactSheet, Polarity, ReaderName, Record, SlotName
from agent.taxonomy.kinds import KIND_TITLES, ProductKind

MAX_SLOT_WORDS: Final = 6
MAX_SLOT_CHARS: Final = 48
_LISTED_SLOTS: Final = 2
"""Maximum number of objects of one key in a phrase."""
SURE_FILE: Final = "calibration/sure_facts.json"
LIKELY: Final = 0.5
"""Minimum probability at which a key without a fact is likely."""
FIRM: Final = 0.8
"""Minimum confidence of a firm fact: of the embedded reader's facts above it, 90 % are right."""
FEW_WORDS: Final = 3
"""Minimum number of words in a self-explanatory quote."""
MAX_MARKS: Final = 3
"""Maximum number of quotes cited in one sentence."""
_SUBJECTS: Final[Mapping[ProductKind, str]] = {
    "mcp-server": "An assistant connected to {} can",
    "agent-skill": "An agent that follows {} can",
    "agent-framework": "An agent built with {} can",
}
_IRREGULAR: Final = {"be": "is", "have": "has"}
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
    """The ability, as a noun phrase."""
    setting: bool = False
    """Whether the key describes a choice, so that its wording also fits a configurable fact."""
    as_is: bool = False
    """Whether the fact is stated without "can"; abilities use "can", because sources seldom say when they are used."""
    denied: str = ""
    """The wording of a denial; if empty, "does not" with the verb is used."""


class SureLimits(Record):
    """Minimum confidence for stating a fact in a sentence, at which its quote alone is likely enough to state it
    (`evals.training.sure_facts`)."""

    facts: int
    """The number of facts that the limits were fitted on."""
    usual: float
    """The limit of keys without one of their own."""
    limits: dict[str, float]


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

    @property
    def words(self) -> Words:
        """The wording of the key."""
        return load_wording()[self.key]

    @property
    def entry(self) -> FactKey:
        """The key's entry in the vocabulary."""
        return load_vocabulary()[self.key]

    @property
    def is_ability(self) -> bool:
        """Whether it is worded as an ability of the product."""
        return self.polarity != "denied" and not self.words.as_is

    @property
    def setting(self) -> str:
        """The suffix of a configurable fact, which may be on or off by default."""
        return " (configurable)" if self.polarity == "configurable" and not self.words.setting else ""

    @property
    def clause(self) -> str:
        """A clause such as "runs shell commands", "does not run shell commands" or "runs … (configurable)"."""
        do = self.words.do
        if self.polarity == "denied":
            return self.words.denied or (f"is not {self.what}" if do == "be" else f"does not {do} {self.what}")
        return f"{third_person(do)} {self.what}{self.setting}"


load_wording: Final = loader("wording.yaml", dict[str, Words])
"""Loads the wordings by vocabulary key."""


load_sure_limits: Final = loader(SURE_FILE, SureLimits)
"""Loads the limits of confidence by vocabulary key."""


def subject(kind: ProductKind, name: str) -> str:
    """Return the subject of sentences about what a product of this kind can do."""
    return _SUBJECTS.get(kind, "{} can").format(name)


def kind_title(kind: ProductKind) -> str:
    """Return the kind with its article: "an MCP server"."""
    return article(KIND_TITLES[kind])


def said(
    sheet: FactSheet,
    *,
    group: GroupId | None = None,
    keys: Iterable[str] | None = None,
    polarity: Polarity | None = None,
) -> tuple[Said, ...]:
    """Combine the counted facts about the product into one saying per key and polarity.

    Only facts of `group` or `keys` are used, if given. The order is that of `keys`, or else of the sheet. If a key is
    both asserted and configurable, only the riskier saying is kept, which is the configurable one for controls and the
    asserted one for all other keys.
    """
    wanted = None if keys is None else tuple(keys)
    together: dict[tuple[str, Polarity], list[Fact]] = {}
    for fact in counted(sheet, polarity=polarity):
        if group in (None, load_vocabulary()[fact.key].group) and (wanted is None or fact.key in wanted):
            together.setdefault((fact.key, fact.polarity), []).append(fact)
    sure = sure_facts(sheet)
    made = [said_by(facts, sure) for facts in together.values()]
    there = {(one.key, one.polarity) for one in made}
    found: dict[tuple[str, Polarity], Said] = {}
    for one in made:
        milder: Polarity = "asserted" if one.entry.comforting else "configurable"
        both = {(one.key, "asserted"), (one.key, "configurable")} <= there
        if not (both and one.polarity == milder):
            found.setdefault((one.key, one.polarity), one)
    if wanted is None:
        return tuple(found.values())
    return tuple(sorted(found.values(), key=lambda one: wanted.index(one.key)))


def said_by(facts: Sequence[Fact], sure: Collection[str]) -> Said:
    """Combine facts of one key and polarity; `sure` are the ids of facts sure enough to be stated."""
    first = facts[0]
    best = sorted(facts, key=lambda fact: (-fact.rank, -fact.confidence, fact.id))
    # An ability that is off by default is worded as a setting.
    optional = first.polarity == "asserted" and all(default_of(fact) is False for fact in facts)
    return Said(
        key=first.key,
        polarity="configurable" if optional else first.polarity,
        what=_what(load_wording()[first.key], best),
        facts=tuple(fact.id for fact in facts),
        evidence=tuple(dict.fromkeys(mark for fact in best for mark in fact.evidence[:1]))[:MAX_MARKS],
        rank=max(fact.rank for fact in facts),
        confidence=max(fact.confidence for fact in facts),
        sure=any(fact.id in sure for fact in facts),
    )


def likely(sheet: FactSheet, groups: Collection[GroupId]) -> tuple[Said, ...]:
    """Return the abilities that the sources as a whole make likely (`LIKELY`) although no fact states them.

    The likeliest come first. Controls and limits are never included, and no saying has a quote.
    """
    there = {fact.key for fact in sheet.facts}
    chances = sheet.outlook.chances
    found = [
        Said(key.id, "asserted", load_wording()[key.id].what, (), (), 0, chances[key.id], sure=False)
        for key in load_vocabulary()
        if key.group in groups and key.claim == "ability" and not key.comforting and key.id not in there
        if chances.get(key.id, 0.0) >= LIKELY
    ]
    return tuple(sorted(found, key=lambda one: -one.confidence))


def sure_facts(sheet: FactSheet) -> frozenset[str]:
    """Return the ids of the facts that a sentence may state outright; of others, it only says that they may hold.

    A fact found only by the embedded reader needs a confidence of at least its key's limit and a self-explanatory
    quote, which has enough words, names a tool, or is not ASCII.
    """
    known = load_sure_limits()
    return _confident(sheet, known.limits, known.usual)


def firm_facts(sheet: FactSheet) -> frozenset[str]:
    """Return the ids of the facts that are sure enough to settle a layer or to put their threats first.

    They are chosen as by `sure_facts`, but with `FIRM` in place of the keys' limits, because the sources may state a
    fact elsewhere than in its quote.
    """
    return _confident(sheet, {}, FIRM)


def _confident(sheet: FactSheet, limits: Mapping[str, float], usual: float) -> frozenset[str]:
    told = {
        item.id
        for item in sheet.evidence
        if len(item.quote.split()) >= FEW_WORDS or {"_", "("} & set(item.quote) or not item.quote.isascii()
    }
    return frozenset(
        fact.id
        for fact in sheet.facts
        if any(source.reader != "embedded" for source in fact.sources)
        or (fact.confidence >= limits.get(fact.key, usual) and not told.isdisjoint(fact.evidence))
    )


def _what(words: Words, facts: Sequence[Fact]) -> str:
    for template in words.takes:
        names = [name for name in SLOTS if "{" + name + "}" in template]
        if fitting := [fact for fact in facts if all(noun(fact, name) for name in names)]:
            filled = template
            for name in names:
                values = dict.fromkeys(noun(fact, name) for fact in (fitting if len(names) == 1 else fitting[:1]))
                filled = filled.replace("{" + name + "}", listed(tuple(values)[:_LISTED_SLOTS]))
            # Avoid repetition such as "queries SQL queries".
            if words.do.split()[0][:5].rstrip("y") not in filled.lower():
                return filled
    return words.what


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
    """Return whether a key was searched for in at least one statement and not found, by any reader or, if `by` is
    given, by that reader."""
    return any(
        row.key == key and any(search.statements and by in (None, search.reader) for search in row.searched)
        for row in sheet.absent
    )


def predicates(sayings: Sequence[Said], *, plain: bool = False) -> str:
    """Join several sayings into one list of predicates: "runs shell commands, and reads mail and web pages".

    With `plain`, verbs are in base form, as after "can". Consecutive sayings with the same verb share it.
    """

    def verb(one: Said) -> str:
        return one.words.do if plain else third_person(one.words.do)

    def shared(one: Said) -> object:
        # A setting and a denial each need their own verb.
        return (one.key, one.polarity) if one.setting or one.polarity == "denied" else one.words.do

    parts: list[str] = []
    for _, row in groupby(sayings, key=shared):
        group = list(row)
        first = group[0]
        if len(group) > 1:
            parts.append(f"{verb(first)} {listed([one.what for one in group])}")
        else:
            parts.append(f"{verb(first)} {first.what}{first.setting}" if plain else first.clause)
    return listed(parts)


def abilities(sayings: Sequence[Said]) -> str:
    """Join sayings as predicates: abilities after "can", followed by all other statements and denials."""
    able = [one for one in sayings if one.is_ability]
    rest = [one for one in sayings if not one.is_ability]
    parts = [f"can {predicates(able, plain=True)}"] if able else []
    return ", and ".join((*parts, predicates(rest)) if rest else parts)


def by_verb(sayings: Sequence[Said]) -> list[Said]:
    """Group the sayings by verb, otherwise preserving their order."""
    verbs = list(dict.fromkeys((one.words.do, one.polarity) for one in sayings))
    return sorted(sayings, key=lambda one: verbs.index((one.words.do, one.polarity)))


def third_person(verb: str) -> str:
    """Convert the verb, or all verbs joined by "and" or "or", to the third person singular."""
    words = verb.split()
    return " ".join(_ending(word) if n == 0 or words[n - 1] in ("and", "or") else word for n, word in enumerate(words))


def _ending(word: str) -> str:
    plain = word.rstrip(",")
    comma = word[len(plain) :]
    if plain in _IRREGULAR:
        return _IRREGULAR[plain] + comma
    if plain.endswith(("s", "sh", "ch", "x", "z", "o")):
        return f"{plain}es{comma}"
    if plain.endswith("y") and plain[-2:-1] not in _VOWELS:
        return f"{plain[:-1]}ies{comma}"
    return f"{plain}s{comma}"


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


def inside(title: str) -> str:
    """Convert a title for use within a sentence: lower-case the first letter unless it starts an acronym."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def marks(items: Iterable[str], most: int = MAX_MARKS) -> str:
    """Format marks such as " [E1, E4]", with a leading space, or an empty string if there are none."""
    kept = tuple(dict.fromkeys(items))[:most]
    return f" [{', '.join(kept)}]" if kept else ""


def searched(*keys: str) -> str:
    """Format the marks of keys that were searched for and not found, such as " [N:sandbox]", with a leading space."""
    return f" [{', '.join(f'N:{key}' for key in keys)}]"


def cited_by(sayings: Iterable[Said]) -> tuple[str, ...]:
    """Return the first mark of each saying, without duplicates."""
    return tuple(dict.fromkeys(mark for one in sayings for mark in one.evidence[:1]))


def word_count(text: str) -> int:
    """Count the words in `text`, ignoring marks in brackets."""
    count, inside = 0, False
    for word in text.split():
        inside = inside or word.startswith(("[E", "[N:"))
        count += not inside and any(letter.isalnum() for letter in word)
        if "]" in word:
            inside = False
    return count


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Replace the LLM's threat names (T1, T2, …) in the text with those of the draft, which may reorder or omit
    threats. Sentences that mention a threat that is not shown are dropped."""
    renewed = (_renamed(sentence, names) for sentence in sentences(text))
    return " ".join(sentence for sentence in renewed if sentence is not None)


def _renamed(sentence: str, names: Mapping[str, str]) -> str | None:
    """Replace the threat names in the sentence, or return None if it mentions a threat that is not shown."""
    made = []
    for _, run in groupby(sentence, str.isalnum):
        word = "".join(run)
        if word.startswith("T") and word[1:].isdigit():
            if word not in names:
                return None
            word = names[word]
        made.append(word)
    return "".join(made)


def references(texts: Iterable[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """Return the ids of the shown threats among the names in `texts`, without duplicates; ignore everything else."""
    return tuple(dict.fromkeys(names[text] for text in texts if text in names))


def sentences(text: str) -> tuple[str, ...]:
    """Split `text` into sentences at sentence-ending punctuation."""
    for end in (". ", "? ", "! "):
        text = text.replace(end, f"{end[0]}\0")
    return tuple(filter(None, map(str.strip, text.split("\0"))))
