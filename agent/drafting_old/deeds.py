"""Deeds: what one statement says that the product does to what. Verb and object, action noun, or tool name."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from agent.drafting_old.actions import ActionMode, Actions
from agent.drafting_old.doers import (
    CHAIN,
    CLAUSE_WORDS,
    HARD,
    PEOPLE,
    SUBORDINATE,
    Doer,
    condition_of,
    doer_of,
    is_aside,
    made_with,
)
from agent.drafting_old.inflection import NOUN_LIKE, is_singular, join_objects, listed, plural, singular, third_person
from agent.drafting_old.phrases import DETERMINERS, PREPOSITIONS, Phrase, Token, Verb, subject_phrase, tokens
from agent.evidence.signals import is_denied
from agent.records import Statement

_WHENEVER: Final = listed("when if unless once after until before whenever")
_TOOL_NAME: Final = re.compile(
    r"(?<![\w./$-])(?:[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[a-z]{2,}(?:[A-Z][a-z0-9]+)+)(?![\w/=-])"
)
_NAME_PARTS: Final = re.compile(r"[A-Z]?[a-z0-9]+")
_TOOL_COVER: Final = re.compile(
    r"\b(read(?:ing)?|write|writing|query|lookup|search|inspection|listing)(?:[- ]only)? tools? (?:cover"
    r"|include|are|list|return|reach|span)s? ",
    re.I,
)
_SPECIAL: Final = {
    "web": "the web",
    "public web": "the public web",
    "internet": "the internet",
    "open web": "the open web",
    "desktop": "the desktop",
    "sql": "SQL",
    "url": "URL",
    "urls": "URLs",
}
_PARTICIPLES: Final = listed("given found named called chosen wanted written listed supported used")
_PLURAL_NOMINALS: Final = listed("updates edits transfers lookups searches exports imports uploads scans deletions")
_MODIFYING: Final = listed("access query control review management testing listing edit update")
"""Action nouns that in front of another noun only describe it ("access token")."""
_NONE: Final = re.compile(r"\b(?:none(?: of (?:them|these|its tools))? (?:is|are|can)|nothing|neither)\b[^.;:]*$", re.I)
_NEVER_MODIFY: Final = listed("cover covers it they its can is are of not no has have will may")
_NEGATIONS: Final = listed("no not never cannot neither nor")
_SETTLED_BY_PEOPLE: Final = listed("configure set-up register describe install announce develop grant")
"""Verbs whose passive tells what its makers or its operator did ("is written in Go", "is configured with")."""
_CONTAINERS: Final = re.compile(r"\b(?:docker|podman|kubernetes)\b", re.I)
_TAKES_IN: Final = "take-in"
"""What the product does when files are uploaded to it."""
_ARTICLES: Final = {
    "a": "a",
    "an": "an",
    **dict.fromkeys(("the", "its", "their", "your"), "the"),
    **{word: word for word in ("each", "every", "another")},
}


class Deed(NamedTuple):
    """One thing done, as one statement tells it."""

    signal: str
    mode: ActionMode
    lemma: str
    action: str
    object: str
    statement: int
    start: int
    """Offsets into the document, of the words that show it."""
    end: int
    denied: bool
    condition: str | None
    sort: str
    """How it was found: verb, noun, tool, signal; user when the text says that a user can do it."""


def deeds(index: int, statement: Statement, actions: Actions, own_words: frozenset[str]) -> list[Deed]:
    """All deeds of one statement, in the order of the text. `own_words` are the words of the product's name."""
    if is_aside(statement.text):
        return []
    words = tokens(statement.text)
    reader = _Reader(index, statement, words, actions, own_words)
    found = [*reader.verbs(), *reader.nominals(), *reader.tool_names(), *reader.covers()]
    return sorted(found, key=lambda deed: (deed.start, deed.end, deed.sort))


class _Reader:
    def __init__(
        self, index: int, statement: Statement, words: Sequence[Token], actions: Actions, own: frozenset[str]
    ) -> None:
        self.index, self.statement, self.words, self.actions, self.own = index, statement, words, actions, own
        self.text = statement.text
        self.condition = condition_of(self.text)

    # ------------------------------------------------------------ verbs

    def verbs(self) -> Iterator[Deed]:
        """Verbs with an object; joined verbs ("reads, searches and sends mail") share theirs."""
        waiting: list[tuple[Verb, Doer]] = []
        previous: tuple[Verb, Doer] | None = None
        at = 0
        while at < len(self.words):
            joined = previous is not None and self._joined(previous[0], at)
            verb = self.actions.grammar.verb(self.words, at, chained=previous[0].form if joined and previous else None)
            if verb is None:
                at += 1
                continue
            doer = previous[1] if joined and previous and verb.form == previous[0].form else doer_of(self.words, verb)
            previous = (verb, doer)
            if verb.form == "ed":
                yield from self._passive(verb, doer)
                at = verb.after
                continue
            following = self.words[verb.after].low if verb.after < len(self.words) else ""
            if following in CHAIN:
                waiting.append(previous)
                at = verb.after
                continue
            phrase = self._named_by_example(
                self.actions.grammar.noun_phrase(self.words, verb.after + (following == "of"), verb.form)
            )
            sharing = (
                [w for w in waiting if w[0].form == verb.form]
                if waiting and self._joined(waiting[-1][0], verb.at)
                else []
            )
            waiting = []
            if phrase is not None:
                for verb_of, by in [*sharing, previous]:
                    yield from self._done(verb_of, phrase, by)
            at = max(verb.after, phrase.parts[0][0] if phrase else verb.after)

    def _named_by_example(self, phrase: Phrase | None) -> Phrase | None:
        """What stands behind "such as" or "including" when the phrase itself says nothing ("things, such as keys")."""
        if phrase is None:
            return None
        start, end = phrase.parts[0]
        if any(singular(w) not in self.actions.light for w in self._low((start, end))):
            return phrase
        at = phrase.after + (phrase.after < len(self.words) and self.words[phrase.after].low == ",")
        words = [w.low for w in self.words[at : at + 2]]
        skip = 2 if words == ["such", "as"] else 1 if words[:1] in (["including"], ["like"]) else 0
        return self.actions.grammar.noun_phrase(self.words, at + skip) if skip else phrase

    def _joined(self, verb: Verb, at: int) -> bool:
        """Whether only a joiner, or an object and a joiner, stands between a verb and token `at`."""
        return (
            at > verb.at
            and self.words[at - 1].low in CHAIN
            and not any(w.low in HARD or w.low in SUBORDINATE for w in self.words[verb.at : at])
        )

    def _passive(self, verb: Verb, doer: Doer) -> Iterator[Deed]:
        subject = subject_phrase(self.words, verb.at)
        conditional = any(w.low in _WHENEVER for w in self.words[max(verb.at - CLAUSE_WORDS // 2, 0) : verb.at])
        if subject is None or conditional or verb.lemma in _SETTLED_BY_PEOPLE:
            return
        behind = self.words[verb.after : verb.after + 2]
        if verb.lemma in ("write", "build", "design") and made_with(behind):
            return
        taken = verb.lemma == "upload" and doer != "bystander"
        yield from self._done(verb._replace(lemma=_TAKES_IN) if taken else verb, Phrase((subject,), verb.after), doer)

    def _done(self, verb: Verb, phrase: Phrase, doer: Doer) -> Iterator[Deed]:
        parts = self._fitting(verb.lemma, phrase) if doer != "bystander" else []
        if not parts:
            return
        meaning = self.actions.meaning(verb.lemma, self._low(parts[0]))
        if meaning is None:
            return
        same = [p for p in parts if p == parts[0] or self.actions.meaning(verb.lemma, self._low(p)) in (meaning, None)]
        named = self._object(same)
        if named is None or self._among_parts(verb, meaning.signal):
            return
        first, last = min(self.words[verb.at].start, self.words[same[0][0]].start), self.words[same[-1][1] - 1].end
        last = max(last, self.words[verb.at].end)
        deed = self._deed(
            meaning.signal, meaning.mode, verb.lemma, named, (first, last), "user" if doer == "user" else "verb"
        )
        yield deed._replace(denied=deed.denied or self._negated(verb, same[0]))

    def _among_parts(self, verb: Verb, signal: str) -> bool:
        """Whether agents share something among themselves, or an image is one of a container."""
        before = self.words[verb.at - 1].low if verb.at else ""
        shared = verb.lemma == "share" and verb.form == "base" and before in ("which", "that", "agents")
        return shared or (signal == "generates_media" and bool(_CONTAINERS.search(self.text)))

    def _negated(self, verb: Verb, part: tuple[int, int]) -> bool:
        """Whether a "no" or "not" stands between the verb and its object ("opens no files", "files are not read")."""
        first, last = min(verb.at, part[0]), max(verb.at, part[0])
        return any(word.low in _NEGATIONS for word in self.words[first:last])

    def _fitting(self, lemma: str, phrase: Phrase) -> list[tuple[int, int]]:
        """Members of the phrase from the first one that the verb has a meaning with."""
        for place, part in enumerate(phrase.parts):
            if self.actions.meaning(lemma, self._low(part)) is not None:
                return [*phrase.parts[place:]] if place else list(phrase.parts)
        return []

    # ------------------------------------------------------------ action nouns

    def nominals(self) -> Iterator[Deed]:
        """Action nouns with what they act on ("deletion of records", "token transfers")."""
        previous: tuple[int, Phrase] | None = None
        for at, word in enumerate(self.words):
            if previous is not None and at > previous[0] + 1 and self.words[at - 1].low not in CHAIN:
                previous = None
            lemma = self.actions.nominals.get(word.low) or (
                word.low in _PLURAL_NOMINALS and self.actions.nominals.get(singular(word.low))
            )
            if not lemma:
                continue
            following = self.words[at + 1].low if at + 1 < len(self.words) else "."
            if (
                word.low in _MODIFYING
                and following[0].isalnum()
                and following not in PREPOSITIONS | CHAIN | {"of", "is"}
            ):
                continue
            if at and singular(self.words[at - 1].low) in PEOPLE:
                continue
            phrase = self._behind_of(at) or self._in_front(at) or (previous[1] if previous else None)
            if phrase is None:
                continue
            previous = (at, phrase)
            meaning = self.actions.meaning(lemma, self._low(phrase.parts[0]))
            named = self._object(list(phrase.parts), many=True) if meaning else None
            if meaning and named:
                start = min(word.start, self.words[phrase.parts[0][0]].start)
                end = max(word.end, self.words[phrase.parts[-1][1] - 1].end)
                yield self._deed(meaning.signal, meaning.mode, lemma, named, (start, end), "noun")

    def _behind_of(self, at: int) -> Phrase | None:
        if at + 1 < len(self.words) and self.words[at + 1].low == "of":
            return self.actions.grammar.noun_phrase(self.words, at + 2)
        return None

    def _in_front(self, at: int) -> Phrase | None:
        """Modifiers in front of an action noun; at the start of a list item also joined ones."""
        start = at
        while start > 0 and at - start < 3 and self._modifies(start - 1):  # noqa: PLR2004 - three modifiers
            start -= 1
        if start == at:
            return None
        parts = [(start, at)]
        joiner = start - 1
        if 0 <= joiner <= CLAUSE_WORDS // 2 and self.words[joiner].low in ("and", ",", "&"):
            cells: list[tuple[int, int]] = []
            place = 0
            for n in range(joiner + 1):
                if self.words[n].low in ("and", ",", "&"):
                    cells.append((place, n))
                    place = n + 1
                elif not self._modifies(n):
                    return Phrase(tuple(parts), at)
            parts = [cell for cell in cells if cell[1] > cell[0]] + parts
        return Phrase(tuple(parts), at)

    def _modifies(self, at: int) -> bool:
        low = self.words[at].low
        if (
            not low[0].isalnum()
            or low in PREPOSITIONS
            or low in DETERMINERS
            or low in SUBORDINATE
            or low in CHAIN
            or low.endswith("ly")
        ):
            return False
        if low in _NEVER_MODIFY:
            return False
        forms = self.actions.grammar.forms.get(low, ())
        return not any(form in ("s", "ing") or (form == "base" and lemma not in NOUN_LIKE) for lemma, form in forms)

    # ------------------------------------------------------------ tools

    def tool_names(self) -> Iterator[Deed]:
        """Names such as `update_cells`; those of one verb and meaning are joined."""
        found: dict[tuple[str, str, ActionMode], list[tuple[str, int, int]]] = {}
        for match in _TOOL_NAME.finditer(self.text):
            parts = [p.lower() for p in _NAME_PARTS.findall(match.group())]
            place = next((n for n, p in enumerate(parts) if p in self.actions.verbs), -1)
            if place < 0 or place > 1:
                continue
            rest = [p for p in parts[place + 1 :] if p not in self.own]
            used_on = not rest
            rest = rest or [p for p in parts[:place] if p not in self.own]
            rest = [p for p in rest if p not in ("by", "to", "from", "with", "and", "all", "in", "for", "id", "the")]
            meaning = self.actions.meaning(parts[place], rest) if rest else None
            if meaning is None:
                continue
            key = (parts[place], meaning.signal, meaning.mode)
            name = f"the {' '.join(rest)}" if used_on else " ".join([*rest[:-1], plural(rest[-1])])
            found.setdefault(key, []).append((_SPECIAL.get(name, name), match.start(), match.end()))
        for (lemma, signal, mode), uses in found.items():
            named = join_objects([use[0] for use in uses])
            if named:
                yield self._deed(signal, mode, lemma, named, (uses[0][1], uses[-1][2]), "tool")

    def covers(self) -> Iterator[Deed]:
        """ "Read tools cover blocks, balances and receipts"."""
        for match in _TOOL_COVER.finditer(self.text):
            at = next((n for n, w in enumerate(self.words) if w.start >= match.end()), len(self.words))
            phrase = self.actions.grammar.noun_phrase(self.words, at) if at < len(self.words) else None
            if phrase is None:
                continue
            lemma = "read" if not match.group(1).lower().startswith("writ") else "update"
            parts = self._fitting(lemma, phrase)
            meaning = self.actions.meaning(lemma, self._low(parts[0])) if parts else None
            named = self._object(parts) if meaning else None
            if meaning and named:
                end = self.words[phrase.parts[-1][1] - 1].end
                yield self._deed(meaning.signal, meaning.mode, lemma, named, (match.start(), end), "verb")

    # ------------------------------------------------------------ wording

    def _low(self, part: tuple[int, int]) -> list[str]:
        return [w.low.removesuffix("'s") for w in self.words[part[0] : part[1]]]

    def _object(self, parts: Sequence[tuple[int, int]], *, many: bool = False) -> str | None:
        """The members in words, trimmed; None when nothing but empty words is left."""
        names: list[str] = []
        for start, end in parts:
            while start < end and (self.words[start].low in DETERMINERS or self.words[start].low in _PARTICIPLES):
                start += 1
            while end > start and self.words[end - 1].low in (*_PARTICIPLES, "of", "and", "or"):
                end -= 1
            low = [singular(w) for w in self._low((start, end))]
            if (
                start == end
                or self.words[end - 1].low.endswith("'s")
                or all(word in self.actions.light or word in self.own for word in low)
            ):
                continue
            text = self.text[self.words[start].start : self.words[end - 1].end]
            article = self.words[start - 1].low if start else ""
            if (
                start == 0
                and text.split()[0][1:].islower()
                and not text.partition(" ")[2][:1].isupper()
                and (low[0] in self.actions.nouns or end - start > 1)
            ):
                text = text[0].lower() + text[1:]
            if many and end - start == 1:
                text = plural(text)
            elif many:
                head, _, last = text.rpartition(" ")
                text = f"{head} {plural(last)}"
            elif article in _ARTICLES and (
                is_singular(self._low((start, end))) or self.words[start].low.endswith(("'s", "s'"))
            ):
                text = f"{_ARTICLES[article]} {text}"
            elif self._lacks_article(article, start, end):
                text = (
                    plural(text) if " " not in text else f"{text.rpartition(' ')[0]} {plural(text.rpartition(' ')[2])}"
                )
            names.append("the web" if many and text.lower().endswith(" web") else _SPECIAL.get(text.lower(), text))
        return join_objects(names)

    def _lacks_article(self, before: str, start: int, end: int) -> bool:
        """Whether a countable noun stands alone, as in a list item ("edits lock file")."""
        words = self._low((start, end))
        owned = before in DETERMINERS or any(w.low.endswith(("'s", "s'")) for w in self.words[start:end])
        head = self.words[end - 1]
        return (
            not owned
            and "of" not in words
            and head.text.islower()
            and head.low in self.actions.nouns
            and is_singular(words)
        )

    def _deed(self, signal: str, mode: ActionMode, lemma: str, named: str, span: tuple[int, int], sort: str) -> Deed:
        start, end = span
        return Deed(
            signal=signal,
            mode=mode,
            lemma=lemma,
            action=third_person(lemma),
            object=named,
            statement=self.index,
            start=self.statement.start + start,
            end=self.statement.start + end,
            denied=is_denied(self.text, start, end) or bool(_NONE.search(self.text[:start])),
            condition=self.condition,
            sort=sort,
        )
