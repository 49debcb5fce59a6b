"""Convert a draft's sentences to text for the report: each sentence has one group of marks at its end and no internal
keys.

Drafts cite quotes as `[E1]` or `(E1, E2)`, facts as `[F0123abcd]` and absent facts as `[N:retention]` or, by their
place in the fact sheet, as `[N3]`. A fact is replaced by its quotes; absences are renumbered in the order in which the
report first cites them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from agent.records import Draft, Evidence
from agent.records.evidence import CODE
from agent.report import document as doc
from agent.report.document import Span, Text
from agent.taxonomy.factors import FACTOR_TITLES
from agent.taxonomy.layers import LAYER_TITLES

_MARK: Final = r"(?:E[1-9]\d{0,4}|N[1-9]\d{0,3}|N:[a-z][a-z_]+|F[0-9a-f]{8,16})"
_MARKS: Final = re.compile(rf"\s*[\[(]({_MARK}(?:(?:, ?|; ?| and | ){_MARK})*)[\])]")
_ONE: Final = re.compile(_MARK)
_SENTENCE: Final = re.compile(
    r"(?<=[.!?…])([”\"’)]?(?:\s*[\[(](?:[EN]\d|N:|F[0-9a-f]{6})[^\])]*[\])])?)\s+(?=[^a-z\s\[(])"
)
"""The gap between two sentences: after the full stop, a closing quotation mark and marks."""
_END: Final = re.compile(r"[.!?…]+[”\"’)]?$")
_REF: Final = re.compile(r"(?<![\w/.:@&#-])[TQ][1-9]\d?(?![\w/@-]|[.:]\w)")
_KEY: Final = re.compile(r"(?<![\w/.-])[a-z]+(?:[_-][a-z0-9]+)+(?![\w/-]|\.\w)")
_QUOTED: Final = re.compile(r"“[^”]*”")
_WIDE: Final = 16
"""Maximum number of words of a quote that is shown in place of a shorter one within it."""


class Prose:
    """Converts a draft's sentences to text for the report, and records the cited absences in order."""

    def __init__(self, draft: Draft, tags: Mapping[str, str]) -> None:
        """Prepare to convert the sentences of a draft; `tags` maps the ids of listed threats to T-ids."""
        self._evidence = _widest(draft.evidence)
        """The id to display for each quote id: a quote that is part of another one is not listed separately."""
        facts = draft.facts.facts if draft.facts else ()
        self._facts = {fact.id: fact.evidence for fact in facts}
        self._absent = tuple(item.key for item in draft.facts.absent) if draft.facts else ()
        self._tags = dict(tags)
        self._refs = {*tags.values(), *(question.id for question in draft.questions)}
        titles = (*FACTOR_TITLES.items(), *LAYER_TITLES.items())
        self._names: dict[str, str] = {key: title.lower() for key, title in titles}
        self.named: dict[str, str] = {}
        """N-ids by the key that was not found, in the order of first use."""
        self.lost: list[str] = []
        """Marks that match nothing in the draft."""

    def absence(self, key: str) -> str:
        """Return the N-id of a key listed as absent in the fact sheet; empty for other keys."""
        if key not in self._absent:
            return ""
        return self.named.setdefault(key, f"N{len(self.named) + 1}")

    def resolved(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Resolve ids of quotes, facts and absences to distinct marks; unknown ids are left out."""
        return tuple(dict.fromkeys(mark for identifier in ids for mark in self._resolve(identifier)))

    def text(self, raw: str, extra: Sequence[str] = ()) -> Text:
        """Convert all sentences of `raw`; `extra` are ids that belong to its last sentence."""
        sentences = list(split(raw))
        made = [self.sentence(item, extra if n == len(sentences) - 1 else ()) for n, item in enumerate(sentences)]
        return doc.joined(*made)

    def sentence(self, raw: str, extra: Sequence[str] = ()) -> Text:
        """Convert one sentence, with its marks in one group before its full stop."""
        ids = cited(raw)
        bare = " ".join(_MARKS.sub("", raw).split())
        # Keep the space before a full stop that begins a name, such as that of a hidden file.
        bare = re.sub(r"\s+([.,;:!?])(?=\s|$)", r"\1", bare)
        found = self.resolved((*ids, *extra))
        ending = _END.search(bare)
        body = bare[: ending.start()] if ending else bare
        tail = ending[0] if ending else ""
        if len(tail) > 1 and tail[-1] in '”’)"':
            body, tail = body + tail, ""
        shown = self._plain(body)
        if found:
            shown = (*shown, Span(" "), *doc.marks(*found))
        return (*shown, Span(tail)) if tail else shown

    def _resolve(self, identifier: str) -> tuple[str, ...]:
        found: tuple[str, ...] = ()
        if identifier.startswith("N:"):
            found = (self.absence(identifier[2:]),)
        elif identifier.startswith("N") and identifier[1:].isdigit():
            place = int(identifier[1:]) - 1
            found = (self.absence(self._absent[place]),) if place < len(self._absent) else ()
        elif identifier in self._facts:
            found = tuple(self._evidence[mark] for mark in self._facts[identifier] if mark in self._evidence)
        elif identifier in self._evidence:
            found = (self._evidence[identifier],)
        known = tuple(mark for mark in found if mark)
        if not known and identifier not in self.lost:
            self.lost.append(identifier)
        return known

    def _plain(self, text: str) -> Text:
        """Convert ids of threats and questions to references, backquoted words to code, and keys to their titles."""
        named = _KEY.sub(lambda found: self._name(found[0]), text)
        made: list[Span] = []
        for n, piece in enumerate(CODE.split(named)):
            made += doc.code(piece) if n % 2 else self._references(piece)
        return tuple(made)

    def _name(self, key: str) -> str:
        """Return the name of a key in the report. A threat id with a single hyphen may be an ordinary word, so it is
        kept."""
        if key in self._tags and ("_" in key or key.count("-") > 1):
            return self._tags[key]
        return self._names.get(key, key)

    def _references(self, text: str) -> Iterator[Span]:
        at = 0
        for found in _REF.finditer(text):
            tag = self._tags.get(found[0], found[0])
            if tag in self._refs:
                if found.start() > at:
                    yield Span(text[at : found.start()])
                yield from doc.refs(tag)
                at = found.end()
        if at < len(text):
            yield Span(text[at:])


def _widest(evidence: Sequence[Evidence]) -> dict[str, str]:
    """Map each quote id to the id of the longest short quote that contains it, often the quote itself."""
    found = {}
    for item in evidence:
        around = [
            other
            for other in evidence
            if other.document == item.document
            and other.start <= item.start
            and item.end <= other.end
            # A sentence is easier to check against a few words than against a paragraph.
            and (other is item or len(other.quote.split()) <= _WIDE)
        ]
        found[item.id] = max(around, key=lambda other: (other.end - other.start, other is item)).id
    return found


def split(raw: str) -> Iterator[str]:
    """Split `raw` into sentences on one line each, including marks after the full stop."""
    flat = " ".join(raw.split())
    at = 0
    for found in _SENTENCE.finditer(flat):
        yield flat[at : found.end(1)]
        at = found.end()
    if at < len(flat):
        yield flat[at:]


def bare(raw: str) -> str:
    """Strip the marks from `raw`."""
    return " ".join(_MARKS.sub("", raw).split())


def stopped(raw: str) -> str:
    """End `raw` with a full stop, unless there is one before its marks."""
    return raw if not raw.strip() or _END.search(bare(raw)) else f"{raw.rstrip()}."


def cited(raw: str) -> tuple[str, ...]:
    """Return the ids that `raw` cites, in order."""
    return tuple(one for group in _MARKS.findall(raw) for one in _ONE.findall(group))


def marked(raw: str) -> bool:
    """Return whether `raw` cites anything."""
    return bool(_MARKS.search(raw))


def has_quote(raw: str) -> bool:
    """Return whether `raw` quotes a source."""
    return bool(_QUOTED.search(raw))


def within(raw: str, limit: int) -> str:
    """Return the leading sentences with at most `limit` words in total; always at least one sentence."""
    kept: list[str] = []
    room = limit
    for sentence in split(raw):
        room -= len(bare(sentence).split())
        if kept and room < 0:
            break
        kept.append(sentence)
    return " ".join(kept)
