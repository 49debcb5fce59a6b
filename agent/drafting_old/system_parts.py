"""Actors, components, stores and services, found by names and nouns; each with the quote that names it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from agent.drafting_old.gazetteer import Name, load_gazetteer
from agent.drafting_old.inflection import listed
from agent.drafting_old.ledger import Ledger
from agent.evidence.reading import Reading
from agent.evidence.signals import Match, is_denied
from agent.records import Capability, State, Statement, SystemItem

MAX_CHARS: Final = 60
_ACTOR_LIMITS: Final = {"person": 2, "operator": 1, "subject": 1}
_RARELY_ACTORS: Final = listed(
    "contact lead prospect recipient participant candidate practice hospital owner creator operator caller tenant "
    "customer colleague"
)
"""Nouns that are more often records or owners than people who take part: they need two mentions."""
_COMPONENT_LIMITS: Final = {"interface": 2, "server": 1, "agent": 2, "runtime": 2, "memory": 1, "tools": 1}
_SANDBOXES: Final = frozenset(
    {
        "sandbox",
        "cloud browser",
        "remote browser",
        "headless browser",
        "virtual machine",
        "micro-vm",
        "execution environment",
        "container",
        "browser session",
        "workspace container",
    }
)
_DATA_STORES: Final = frozenset({"recordings", "history"})
"""Kinds of store whose nouns are data first: they are stores when a sentence says that they are kept."""
_KEPT: Final = re.compile(
    r"\b(?:stor|keep|kept|retain|sav|archiv|hold|held|persist|record|log|remember|delet|resum|histor)\w*", re.I
)
_MAX_STORES: Final = 5
_MAX_LLMS: Final = 3
_MAX_SERVICES: Final = 7
_MAX_CLIENTS: Final = 3
_FAMILIES: Final = {
    "Claude": "Anthropic",
    "GPT": "OpenAI",
    "ChatGPT": "OpenAI",
    "Gemini": "Google Gemini",
    "Mistral ": "Mistral",
    "Whisper": "OpenAI",
}
"""First letters of a model family to its vendor."""
_CHAT_PROGRAMS: Final = frozenset({"Claude", "ChatGPT", "Gemini"})
_LISTED: Final = re.compile(r"\b(?:integrations?|works? with|connect\w*|supported|compatib\w*|partners?)\b", re.I)
_LISTED_CHARS: Final = 45
_GENERIC_ITEM: Final = re.compile(
    r"^(?:any\b|other\b|.*\b(?:cli|sdk|ides?|clients?|servers?|tools?|skills?|extensions?|themes?|format"
    r"|hooks?|sign-in|pipelines?|agents?|webhooks?|cookbook|protocol"
    r"|e-?mail|voice|endpoints?|compose|models?|inspector|browser)$|.*\bvia\b|.*\bthrough\b|(?:http|rest"
    r"|graphql|web|javascript|typescript|python)\b)",
    re.I,
)
_FEEDS: Final = (
    ("untrusted_mail", "senders of mail that it reads"),
    ("untrusted_web", "authors of web pages that it reads"),
    ("untrusted_repo", "authors of repository content that it reads"),
    ("untrusted_files", "authors of files that it takes in"),
    ("third_party_content", "authors of third-party content that it reads"),
    ("marketplace", "publishers of plugins and shared agents"),
    ("public_users", "anyone who can reach it"),
)
_MAX_FEEDS: Final = 3
_TAKEN_IN_BY: Final = {
    "untrusted_web": frozenset({"browses_web", "drives_interface"}),
    "untrusted_repo": frozenset({"reads_files", "commits_code", "generates_code", "scans_systems", "executes_code"}),
    "untrusted_files": frozenset({"uploads_files", "reads_files", "reads_private_data", "generates_text"}),
}
"""A feed counts only when the product can take it in."""
_SHOWN_BY: Final = {
    "untrusted_repo": re.compile(
        r"\b(?:read|index|scan|review|clone|fetch|analy[sz]|inspect|walk|search|explor|crawl|parse|check|audit"
        r"|understand)\w*\b",
        re.I,
    ),
    "untrusted_files": re.compile(
        r"\b(?:read|upload|attach|import|ingest|pars|open|drop|extract|analy[sz]|index|scan|convert|load"
        r"|summari[sz]|process|transcri|tak(?:e|ing|es) in)\w*\b",
        re.I,
    ),
    "public_users": re.compile(
        r"\b(?:public|anyone|anybody|visitors?|customers?|callers?|shoppers?|guests?|without (?:an account|login|sign)"
        r"|no (?:account|login|sign))\b",
        re.I,
    ),
}
"""A feed counts only when a sentence that shows it also has such a word."""
_MAILBOX: Final = re.compile(r"\b(?:e-?mails?|mail|inbox|mailbox)\b", re.I)
_REACHING: Final = frozenset({"sends_messages", "answers_questions", "imitates_people", "places_orders"})
_PACKAGING: Final = frozenset({"docker", "kubernetes", "podman", "container", "virtual machine", "workspace container"})
_ISOLATES: Final = re.compile(
    r"\bsandbox\w*|\bisolat\w+|\bexecut\w+|\bruns? (?:code|commands|in|inside)\b|\binside\b", re.I
)
"""Words that make packaging a place where code is run."""


class Mention(NamedTuple):
    """Where something is named."""

    statement: int
    start: int
    """Offsets into the document."""
    end: int


@dataclass
class Parts:
    """Items of the system picture with the place that names each."""

    actors: list[SystemItem]
    components: list[SystemItem]
    stores: list[SystemItem]
    services: list[SystemItem]
    undrawn: int
    """Services that are named but left out of the picture."""


def readable(statement: Statement) -> bool:
    """Whether a statement may name a part of the product: about it, not flagged, no page furniture or praise."""
    return statement.about == "product" and not statement.flagged and statement.sort in ("description", "control")


def shown(reading: Reading, signal: str) -> tuple[Match, ...]:
    """Matches of a signal that count: in readable statements, neither denied nor hedged."""
    return tuple(
        m
        for m in reading.matches(signal)
        if not m.denied and not m.hedged and readable(reading.statements[m.statement])
    )


class PartFinder:
    """Finds the parts of one product."""

    def __init__(self, reading: Reading, ledger: Ledger, name: str, capabilities: Sequence[Capability]) -> None:
        self._reading, self._ledger, self._name = reading, ledger, name
        self._words = frozenset(re.findall(r"[a-z0-9]+", name.lower()))
        self._able = {c.signal for c in capabilities if c.state != "denied"}
        self._mail = any(
            c.mode == "read" and ("mail" in c.data or _MAILBOX.search(c.object))
            for c in capabilities
            if c.state != "denied"
        )
        self._gazetteer = load_gazetteer()
        self._readable = [(n, s) for n, s in enumerate(reading.statements) if readable(s)]

    def parts(self) -> Parts:
        """All parts, each group in the order of its kinds, then of mention."""
        names = self._names()
        services, undrawn = self._services(names)
        return Parts(
            actors=self._numbered("A", self._actors()),
            components=self._numbered("P", self._components(names)),
            stores=self._numbered("S", self._stores(names)),
            services=self._numbered("X", services),
            undrawn=undrawn,
        )

    def _numbered(self, letter: str, found: Iterable[tuple[str, str, Mention | None, State]]) -> list[SystemItem]:
        items: list[SystemItem] = []
        for number, (name, kind, mention, state) in enumerate(found, start=1):
            quotes = (self._ledger.cite(mention.statement, mention.start, mention.end),) if mention else ()
            items.append(
                SystemItem(
                    id=f"{letter}{number}", name=name[:MAX_CHARS].rstrip(), kind=kind, state=state, evidence=quotes
                )
            )
        return items

    # ------------------------------------------------------------ names

    def _names(self) -> dict[str, tuple[Name, Mention]]:
        """Known names, first the listed ones, each with its first place."""
        found: dict[str, tuple[Name, Mention]] = {}
        for from_list in (True, False):
            for index, statement in self._readable:
                if self._is_listed(statement) != from_list:
                    continue
                for name in self._gazetteer.find_names(statement.text, listed=from_list):
                    if name.name.lower() == self._name.lower() or is_denied(statement.text, name.start, name.end):
                        continue
                    place = Mention(index, statement.start + name.start, statement.start + name.end)
                    found.setdefault(name.name, (name, place))
        return found

    def _is_listed(self, statement: Statement) -> bool:
        named = bool(statement.path) and bool(_LISTED.search(statement.path[-1]))
        return named and len(statement.text) <= _LISTED_CHARS and not statement.text.endswith(".")

    # ------------------------------------------------------------ groups

    def _actors(self) -> Iterator[tuple[str, str, Mention | None, State]]:
        counts: Counter[str] = Counter()
        first: dict[str, tuple[str, Mention]] = {}
        for index, statement in self._readable:
            for noun in self._gazetteer.find_actors(statement.text):
                if noun.kind == "subject" and not self._reaches(noun.word):
                    continue
                if (
                    noun.kind not in _ACTOR_LIMITS
                    or noun.word in self._words
                    or is_denied(statement.text, noun.start, noun.end)
                ):
                    continue
                counts[noun.word] += 1
                first.setdefault(
                    noun.word, (noun.kind, Mention(index, statement.start + noun.start, statement.start + noun.end))
                )
        if (
            sum(kind == "person" for kind, _ in first.values()) > 1
            and "user" in first
            and counts["user"] < max(counts.values())
        ):
            del first["user"]
        ranked = sorted(first, key=lambda word: (-counts[word], first[word][1].statement, word))
        for kind, limit in _ACTOR_LIMITS.items():
            fitting = [w for w in ranked if first[w][0] == kind and (w not in _RARELY_ACTORS or counts[w] > 1)]
            for word in fitting[:limit]:
                yield word, kind, first[word][1], "claimed"
        if not any(kind == "person" for kind, _ in first.values()):
            yield "user", "person", None, "inferred"
        feeds = [(words, shown(self._reading, signal)) for signal, words in _FEEDS if self._takes_in(signal)]
        for words, matches in [feed for feed in feeds if feed[1]][:_MAX_FEEDS]:
            yield words, "counterparty", Mention(matches[0].statement, matches[0].start, matches[0].end), "inferred"

    def _reaches(self, word: str) -> bool:
        """Whether the product deals with such people: it writes to them, calls them or answers them."""
        calls = "places_calls" in self._able or bool(shown(self._reading, "places_calls"))
        return calls if word == "caller" else bool(self._able & _REACHING) or calls

    def _takes_in(self, signal: str) -> bool:
        if signal == "untrusted_mail":
            return self._mail
        if signal in _SHOWN_BY:
            texts = [self._reading.statements[m.statement].text for m in shown(self._reading, signal)]
            if not any(_SHOWN_BY[signal].search(text) for text in texts):
                return False
        return signal not in _TAKEN_IN_BY or bool(_TAKEN_IN_BY[signal] & self._able)

    def _components(self, names: dict[str, tuple[Name, Mention]]) -> Iterator[tuple[str, str, Mention | None, State]]:
        own = next((n for n, s in self._readable if self._mentions_name(s.text)), None)
        if own is None:
            own = self._readable[0][0] if self._readable else None
        place = (
            Mention(own, self._reading.statements[own].start, self._reading.statements[own].end)
            if own is not None
            else None
        )
        yield self._name, "product", place, "claimed" if place else "inferred"
        used: Counter[str] = Counter()
        seen: set[str] = set()
        for index, statement in self._readable:
            for noun in self._gazetteer.find_components(statement.text):
                words = frozenset(noun.word.split())
                if (
                    noun.kind not in _COMPONENT_LIMITS
                    or used[noun.kind] == _COMPONENT_LIMITS[noun.kind]
                    or words <= self._words
                ):
                    continue
                if any(noun.word in other or other in noun.word for other in seen) or is_denied(
                    statement.text, noun.start, noun.end
                ):
                    continue
                if noun.word in _PACKAGING and not _ISOLATES.search(statement.text):
                    continue
                used[noun.kind] += 1
                seen.add(noun.word)
                kind = "sandbox" if noun.word in _SANDBOXES else noun.kind
                text = statement.text[noun.start : noun.end]
                shape = text if any(c.isupper() for c in text[1:]) else text.lower()
                yield shape, kind, Mention(index, statement.start + noun.start, statement.start + noun.end), "claimed"
        for name, place in names.values():
            if name.group == "sandbox" and used["named sandbox"] < 1 and self._isolates(name, place):
                used["named sandbox"] += 1
                yield name.name, "sandbox", place, "claimed"
        if not any(name.group == "llm" for name, _ in names.values()) and not shown(self._reading, "no_llm"):
            called = shown(self._reading, "mcp_server") or any(name.group == "host" for name, _ in names.values())
            yield ("LLM of the calling client" if called else "LLM that interprets requests"), "llm", None, "inferred"

    def _isolates(self, name: Name, place: Mention) -> bool:
        text = self._reading.statements[place.statement].text
        return name.name.lower() not in _PACKAGING or bool(_ISOLATES.search(text))

    def _mentions_name(self, text: str) -> bool:
        return bool(self._words) and all(re.search(rf"\b{re.escape(word)}\b", text, re.I) for word in self._words)

    def _stores(self, names: dict[str, tuple[Name, Mention]]) -> Iterator[tuple[str, str, Mention | None, State]]:
        count = 0
        for name, place in names.values():
            if name.group == "store" and count < _MAX_STORES - 1:
                count += 1
                yield name.name, name.kind, place, "claimed"
        for kind, pattern in self._gazetteer.stores:
            if count >= _MAX_STORES or (kind == "database" and any(n.group == "store" for n, _ in names.values())):
                continue
            for index, statement in self._readable:
                hit = pattern.search(statement.text.lower())
                if hit is None or (kind in _DATA_STORES and not _KEPT.search(statement.text)):
                    continue
                if len(hit.group()) > len("cache") and not is_denied(statement.text, *hit.span()):
                    count += 1
                    yield (
                        hit.group(),
                        kind,
                        Mention(index, statement.start + hit.start(), statement.start + hit.end()),
                        "claimed",
                    )
                    break

    def _services(
        self, names: dict[str, tuple[Name, Mention]]
    ) -> tuple[list[tuple[str, str, Mention | None, State]], int]:
        kept: list[tuple[str, str, Mention | None, State]] = []
        undrawn = 0
        names = self._without_families(names)
        clients = [
            (name, place)
            for name, place in names.values()
            if name.group == "host" and not frozenset(name.name.lower().split()) <= self._words
        ]
        if clients:
            kept.append((_together([name.name for name, _ in clients]), "client", clients[0][1], "claimed"))
        limits = {"llm": _MAX_LLMS, "other": _MAX_SERVICES}
        listed = [
            (n.name, n.group if n.group == "llm" else n.group if n.group == "cloud" else n.kind, p)
            for n, p in names.values()
            if n.group in ("llm", "saas", "cloud")
        ]
        known = {name.lower() for name, _, _ in listed}
        for name, place in self._unknown_items():
            if name.lower() not in known:
                listed.append((name, "service", place))
        for name, kind, place in listed:
            group = "llm" if kind == "llm" else "other"
            if limits[group]:
                limits[group] -= 1
                kept.append((name, kind, place, "claimed"))
            else:
                undrawn += 1
        return kept, undrawn

    def _without_families(self, names: dict[str, tuple[Name, Mention]]) -> dict[str, tuple[Name, Mention]]:
        """Names without the families of a vendor that is named; a chat program that calls a server is a client."""
        served = bool(shown(self._reading, "mcp_server"))
        kept: dict[str, tuple[Name, Mention]] = {}
        for key, (name, place) in names.items():
            owner = next((vendor for family, vendor in _FAMILIES.items() if name.name.startswith(family)), None)
            if name.group == "llm" and served and name.name in _CHAT_PROGRAMS:
                kept[key] = (name._replace(group="host", kind="client"), place)
            elif owner is None or owner not in names:
                kept[key] = (name, place)
        return kept

    def _unknown_items(self) -> Iterator[tuple[str, Mention]]:
        """Items of an integrations list that no list of ours knows."""
        for index, statement in self._readable:
            text = statement.text.strip(" -*•")
            if (
                not self._is_listed(statement)
                or not text
                or self._gazetteer.find_names(text, listed=True)
                or _GENERIC_ITEM.search(text)
            ):
                continue
            name = re.sub(r"\s*\(.*", "", text)
            if name[:1].isupper() or any(c.isupper() for c in name):
                yield name, Mention(index, statement.start, statement.end)


def _together(names: Sequence[str]) -> str:
    """ "Cursor, Zed and 2 more clients": as many of the first three names as fit."""
    for shown_ones in range(min(_MAX_CLIENTS, len(names)), 0, -1):
        more = len(names) - shown_ones
        front = ", ".join(names[: shown_ones if more else shown_ones - 1])
        last = f"{more} more client{'s' if more > 1 else ''}" if more else names[shown_ones - 1]
        label = f"{front} and {last}" if front else last
        if len(label) <= MAX_CHARS:
            return label
    return names[0]
