"""Slots of threat templates, filled with noun phrases that the product's own sentences use.

A slot takes the best noun phrase of the sentences that triggered the pattern, then of the sentences that show the
slot's own signals, then the matching item of the system picture. Nothing is filled from general knowledge.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from agent.drafting_old.fitting import fits, is_object, opens, power
from agent.drafting_old.inflection import singular
from agent.drafting_old.lexicon import PROPER, forms, is_noun, load_lexicon, plural_of
from agent.evidence.reading import Reading
from agent.evidence.signals import Match, is_denied
from agent.records import Capability, Statement, System, SystemItem

MAX_CHARS: Final = 60
_SYSTEM_SLOTS: Final[Mapping[str, str]] = {
    "actor": "actors", "person": "actors", "service": "services", "store": "stores", "host": "components",
    "sandbox": "components", "llm": "services", "peer": "components", "client": "services",
}  # fmt: skip
_KINDS: Final[Mapping[str, frozenset[str]]] = {
    "actor": frozenset({"person", "operator"}),
    "person": frozenset({"subject", "person"}),
    "peer": frozenset({"agent"}),
    "llm": frozenset({"llm"}),
    "client": frozenset({"host", "client"}),
    "sandbox": frozenset({"sandbox"}),
    "host": frozenset({"host", "sandbox", "cloud"}),
}
_NOT_SERVICES: Final = frozenset(
    {"llm", "host", "client", "registry", "protocol", "framework", "sandbox", "watch", "cloud"}
)
_CAPABILITY_SLOTS: Final = frozenset({"action", "object", "credential", "approver", "data", "record"})
_PEOPLE: Final = re.compile(
    r"(?<![\w-])(developers?|engineers?|analysts?|administrators?|admins?|clinicians?|doctors?|physicians?|nurses?"
    r"|therapists?|lawyers?|attorneys?"
    r"|students?|teachers?|researchers?|scientists?|traders?|investors?|merchants?|marketers?|sellers?|recruiters?"
    r"|designers?|accountants?"
    r"|auditors?|reviewers?|maintainers?|security teams?|sales teams?|support teams?"
    r"|on-call engineers?|owners?|employees"
    r"|users?|operators?)(?![\w-])",
    re.IGNORECASE,
)
_SUBJECTS: Final = re.compile(
    r"\b(patients?|customers?|callers?|visitors?|children|child|students?|learners?|candidates?|prospects?|leads?|borrowers?|travellers?"
    r"|end users?|shoppers?|contacts?|recipients?|tenants|clients|passengers?|users?|people|persons?)\b",
    re.IGNORECASE,
)
_SPELT_OUT: Final[Mapping[str, str]] = {
    "Docker": "the Docker container",
    "Kubernetes": "the Kubernetes cluster",
    "OAuth": "the OAuth grant",
}
"""Names that stand for a thing of their kind when they fill a slot."""
_PARTICLES: Final = frozenset(("and", "or", "up", "out", "off", "in", "on", "back", "at", "down", "over"))


class Slot(NamedTuple):
    """A filled slot."""

    name: str
    value: str
    statements: tuple[int, ...]
    """Where the words stand."""
    spans: tuple[tuple[int, int], ...]
    """Offsets of the words in the document, one for each statement."""
    evidence: tuple[str, ...]
    """Citations that it already has, when it comes from the system picture."""


class _Phrase(NamedTuple):
    value: str
    start: int
    end: int


class Slots:
    """Fills slots for one reading; `name` is the product's."""

    def __init__(self, reading: Reading, system: System, name: str) -> None:
        self._reading, self._system, self._name = reading, system, name
        self._lexicon = load_lexicon()
        self._own = frozenset(re.findall(r"[a-z0-9]+", name.lower()))
        self._described = tuple(n for n, s in enumerate(reading.statements) if is_usable(s) and s.sort == "description")
        self._cache: dict[tuple[str, int, bool], _Phrase | None] = {}

    def fill(
        self, slot: str, triggers: tuple[int, ...], capability: Capability | None, *, needed: bool = True
    ) -> Slot | None:
        """The words for `slot`, best from the statements `triggers` or from `capability`; None when nothing says.

        A place that has words of its own (not `needed`) takes a noun of another sentence only where the noun is the
        same for the whole product, as its credential is: a wrong noun is worse than a general one.
        """
        if slot == "product":
            return Slot(slot, self._name, (), (), ())
        if (slot in ("action", "object") or _writes(slot, capability)) and (
            found := self._from_capability(slot, capability)
        ):
            return found
        statements = dict.fromkeys(triggers)
        kind = self._lexicon.kinds.get(slot)
        if kind:
            wide = needed or kind.settled
            shown = (m.statement for s in kind.signals for m in usable(self._reading, s)) if wide else ()
            places = tuple(dict.fromkeys((*statements, *shown, *(self._described if kind.anywhere and wide else ()))))
            if slot == "tool":
                return self._strongest(places, frozenset(statements))
            for index in places:
                if phrase := self._phrase(slot, index, index in statements):
                    return Slot(slot, phrase.value, (index,), ((phrase.start, phrase.end),), ())
        if slot == "object" and capability is None:
            return self._thing(tuple(statements))
        if slot == "input" and (feed := self.fill("feed", triggers, None, needed=False)):
            return feed._replace(name=slot)
        if found := self._from_capability(slot, capability):
            return found
        if slot in ("actor", "person") and (found := self._from_system(slot, statements)):
            return found
        if slot in ("actor", "person"):
            return self._person(slot, tuple(statements))
        return self._from_system(slot, statements)

    def _strongest(self, places: tuple[int, ...], triggers: frozenset[int]) -> Slot | None:
        """Of all tools in these sentences the one that can do most: a list may name one that reads first."""
        found = [
            (power(p.value), n, p, i) for n, i in enumerate(places) if (p := self._phrase("tool", i, i in triggers))
        ]
        if not found:
            return None
        _, _, phrase, index = min(found)
        return Slot("tool", phrase.value, (index,), ((phrase.start, phrase.end),), ())

    def _thing(self, statements: tuple[int, ...]) -> Slot | None:
        """What the triggering sentences act on, when no capability says it."""
        for index in statements:
            if phrase := self._phrase("record", index, True):
                return Slot("object", phrase.value, (index,), ((phrase.start, phrase.end),), ())
        return None

    def _from_capability(self, slot: str, capability: Capability | None) -> Slot | None:
        if capability is None or slot not in _CAPABILITY_SLOTS:
            return None
        thing = tidy(capability.object)
        if slot in ("action", "object", "record") and not self._acts_outside(thing):
            return None
        if slot == "action":
            value: str | None = f"{base_form(capability.action)} {thing}"
        elif slot == "data":
            value = capability.data[0] if capability.data else None
        elif slot == "credential":
            value = _one(capability.credential)
        else:
            value = _one(capability.approver) if slot == "approver" else thing
        if not value or not thing or len(value) > MAX_CHARS:
            return None
        return Slot(slot, value, (), (), capability.evidence)

    def _acts_outside(self, thing: str) -> bool:
        words = frozenset(re.findall(r"[a-z0-9]+", thing.lower())) - {"the", "its"}
        return is_object(thing) and not words <= self._own

    def _phrase(self, slot: str, index: int, triggers: bool) -> _Phrase | None:
        key = (slot, index, triggers)
        if key not in self._cache:
            self._cache[key] = self._search(slot, self._reading.statements[index], triggers)
        return self._cache[key]

    def _search(self, slot: str, statement: Statement, triggers: bool) -> _Phrase | None:
        text, kind = statement.text, self._lexicon.kinds[slot]
        if names := self._lexicon.verbatim.get(slot):
            hits = [hit for hit in names.finditer(text) if self._fits(slot, hit.group(), text, hit)]
            if slot == "tool":
                hits.sort(key=lambda hit: power(hit.group()))
            for hit in hits[:1]:
                return _Phrase(hit.group(), statement.start + hit.start(), statement.start + hit.end())
        found: list[tuple[bool, int, _Phrase]] = []
        named = [m.span() for m in self._lexicon.names.finditer(text)]
        lone = forms(kind.modified)
        away = frozenset() if triggers else forms(kind.near)
        for hit in self._lexicon.regexes[slot].finditer(text):
            head = hit.group(2)
            shouted = head.isupper() and head not in self._lexicon.heads[slot]
            inside = any(start < hit.end() and hit.start(2) < end for start, end in named)
            if shouted or inside or head in away or (not hit.group(1) and head.lower() in lone):
                continue
            if not is_noun(hit, text, kind.several, self._lexicon.mass):
                continue
            value = self._worded(slot, hit, text)
            if self._fits(slot, value, text, hit):
                place = _Phrase(value, statement.start + hit.start(), statement.start + hit.end())
                rank = self._lexicon.ranks[slot].get(hit.group(2).lower(), 0)
                found.append((not hit.group(1), rank, place))
        return min(found)[2] if found else None

    def _fits(self, slot: str, value: str, text: str, hit: re.Match[str]) -> bool:
        words = frozenset(re.findall(r"[a-z0-9]+", value.lower()))
        if len(value) > MAX_CHARS or words <= self._own or is_denied(text, hit.start(), hit.end()):
            return False
        return fits(slot, value, text, hit.start(), hit.end())

    def _worded(self, slot: str, hit: re.Match[str], text: str) -> str:
        kind = self._lexicon.kinds[slot]
        words = (hit.group(1) + hit.group(2)).split()
        starts = hit.start() == 0 or text[: hit.start()].rstrip()[-1:] in ("", ":", ".", ";", "-", "•")
        if (starts or len(words) == 1) and words[0].lower() in self._lexicon.lower:
            words[0] = words[0].lower()
        head = hit.group(2).lower()
        if head in self._lexicon.mass or " ".join(words).lower() in self._lexicon.mass:
            return " ".join(words)
        if kind.number == "plural":
            return plural_of(" ".join(words))
        one = self._lexicon.singulars[slot].get(head, head).split(" ")[-1]
        if one.lower() != words[-1].lower():
            words[-1] = one
        if (whole := _SPELT_OUT.get(" ".join(words))) and slot != "package":
            return whole
        bare = kind.bare or (len(words) == 1 and words[0][:1].isupper() and not words[0].isupper())
        owned = words[0].endswith(("'s", "’s")) and PROPER.match(words[0])
        return " ".join(words) if bare or owned else "the " + " ".join(words)

    def _person(self, slot: str, statements: tuple[int, ...]) -> Slot | None:
        regex = _PEOPLE if slot == "actor" else _SUBJECTS
        listing = range(len(self._reading.statements))
        best: tuple[bool, int, re.Match[str]] | None = None
        for index in (*statements, *listing):
            statement = self._reading.statements[index]
            hit = regex.search(statement.text) if is_usable(statement) else None
            if hit is None or is_denied(statement.text, hit.start(), hit.end()):
                continue
            vague = hit.group(1).lower() in ("user", "users", "people", "owner", "operator", "operators")
            if best is None or (best[0] and not vague):
                best = (vague, index, hit)
            if not vague:
                break
        if best is None:
            return None
        _, index, hit = best
        start = self._reading.statements[index].start
        word = hit.group(1).lower()
        value = "the " + {"children": "child", "people": "person"}.get(word, singular(word))
        return Slot(slot, value, (index,), ((start + hit.start(), start + hit.end()),), ())

    def _from_system(self, slot: str, statements: Iterable[int]) -> Slot | None:
        group = _SYSTEM_SLOTS.get(slot)
        if group is None:
            return None
        items: tuple[SystemItem, ...] = getattr(self._system, group)
        fitting = [
            item for item in items if item.evidence and item.state not in ("denied", "unknown") and _is_kind(slot, item)
        ]
        told = [self._reading.text(index) for index in statements]
        near = " ".join(told).lower()
        if slot == "service":
            # Another service than the sentence's own would join two unrelated nouns; a client in it opens nothing.
            fitting = [item for item in fitting if any(opens(item.name, text) for text in told)]
        fitting.sort(key=lambda item: item.name.lower() not in near)
        for item in fitting:
            words = frozenset(re.findall(r"[a-z0-9]+", item.name.lower()))
            own = item.name.lower() == self._name.lower() or (slot != "service" and words <= self._own)
            if len(item.name) <= MAX_CHARS and not own:
                return Slot(slot, self._named(item.name), (), (), item.evidence)
        return None

    def _named(self, name: str) -> str:
        name = _SPELT_OUT.get(name, name)
        last = name.split(" ")[-1].lower()
        if (
            PROPER.search(name)
            or name.startswith(("the ", "its "))
            or last in self._lexicon.mass
            or singular(last) != last
        ):
            return name
        return f"the {name}"


def _writes(slot: str, capability: Capability | None) -> bool:
    return slot == "record" and capability is not None and capability.signal == "writes_records"


def _is_kind(slot: str, item: SystemItem) -> bool:
    kinds = _KINDS.get(slot)
    if slot == "service":
        return item.kind not in _NOT_SERVICES
    return kinds is None or item.kind in kinds


def is_usable(statement: Statement) -> bool:
    """Whether a sentence may carry a threat: about the product, without a finding, no page furniture or praise."""
    return statement.about == "product" and not statement.flagged and statement.sort in ("description", "control")


def usable(reading: Reading, signal: str) -> tuple[Match, ...]:
    """The places that show `signal` and may be cited for it: not denied, not hedged; descriptions first."""
    found = [
        match
        for match in reading.matches(signal)
        if not match.denied and not match.hedged and is_usable(reading.statements[match.statement])
    ]
    return tuple(
        sorted(found, key=lambda m: (reading.statements[m.statement].sort != "description", m.statement, m.start))
    )


def _one(owner: str | None) -> str | None:
    """ "an OAuth grant, from a configuration file" → "the OAuth grant"."""
    if not owner or owner.lower().startswith("not stated"):
        return None
    words = re.sub(r"^(?:an?|the|its|each user's own|the user's)\s+", "", owner.split(",")[0])
    return words if PROPER.match(words) and "_" in words else f"the {words}"


def tidy(thing: str) -> str:
    """An extracted object without marks at its ends."""
    return thing.strip(" .,;:")


def base_form(verb: str) -> str:
    """ "sends" → "send", "pushes and merges" → "push and merge", "signs in" → "sign in"."""
    return " ".join(word if word in _PARTICLES else _base(word) for word in verb.split())


def _base(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    if re.search(r"(?:x|z|ch|sh|ss)es$", word):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
