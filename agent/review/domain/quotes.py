"""Citations by reviewers: spans of the sources, quotes in edited texts, and the ids under which a draft keeps them.

An event keeps every citation with its span under `marks`, by the id that the citation had at the time:

    {"evidence": ["E4", "E19"], "marks": {"E4": {span}, "E19": {span}}}

so that the event still means the same quote in a redraft that numbers its evidence differently.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from agent.errors import InputError
from agent.facts.anchor import Anchored, locate
from agent.intake.extract.statements.split import statements
from agent.records import About, Document, Evidence, Rank

MAX_CHARS: Final = 400
"""The most characters of one quote, as in drafts."""
_MARK: Final = re.compile(r"\bE[1-9][0-9]{0,5}\b")
_CURLY: Final = re.compile(r"“([^”]*)”")
_OTHER_QUOTED: Final = (
    re.compile(r'"([^"“”]+)"'),
    re.compile(r"„([^“”„]*)[“”]"),
    re.compile(r"«([^«»]*)»"),
    re.compile(r"»([^«»]*)«"),
    re.compile(r"[‘‚]([^‘‚]*?)[’‘](?!\w)"),
    re.compile(r"(?<![\w'])'(?=\S)([^'\n]*(?:\w'\w[^'\n]*)*)'(?!\w)"),
)
"""Other quotation marks that analysts' keyboards and languages produce."""
_MARKED: Final = re.compile(r"“([^”]*)”[^“”(]{0,3}\((E[1-9][0-9]{0,5}(?:, E[1-9][0-9]{0,5})*)\)")
"""A quote followed by the ids of its evidence."""
_UNCLOSED: Final = re.compile(r"“[^”]*\Z")
_SCARE_WORDS: Final = 2
"""Up to this many words in quotation marks other than “…” may be scare quotes; more words are a quote."""
_SHOWN: Final = 60

Plain = dict[str, object]
"""Fields as plain JSON values."""


class Cited(NamedTuple):
    """A piece of evidence that an action cites, by its id in the draft."""

    id: str
    evidence: Evidence


def marks_in(text: str) -> tuple[str, ...]:
    """The evidence ids that a text names, in order, each once."""
    return tuple(dict.fromkeys(_MARK.findall(text)))


def rewritten(text: str, ids: Mapping[str, str]) -> str:
    """The text with its evidence ids replaced according to `ids`."""
    return _MARK.sub(lambda match: ids.get(match[0], match[0]), text)


def check_text(text: str, documents: Sequence[Document], known: Mapping[str, Evidence], where: str) -> None:
    """Check that every quote in an edited text is in a source, that every id it names is in the evidence, and that the
    evidence named behind a quote contains the quote or is part of it.

    Raises InputError naming the quote or the id; `where` is the field.
    """
    # „…“ closes with the mark that opens “…”, so it is removed first: no quote may begin where another ends.
    low = _OTHER_QUOTED[1]
    quotes = [quote for quote in _CURLY.findall(low.sub(" ", text)) if quote.strip()]
    if _UNCLOSED.search(low.sub(" ", text)):
        raise InputError("a quotation mark is not closed", where=where, hint="close it, so that the quote is found")
    quotes += [quote for form in _OTHER_QUOTED for quote in form.findall(text) if len(quote.split()) > _SCARE_WORDS]
    anchored = [Anchored(document.text) for document in documents]
    titles = {name for document in documents for name in (document.title, document.url)}
    for quote in quotes:
        if quote not in titles and not any(text.locate(_bare(quote)) for text in anchored):
            raise InputError(
                f"the quote “{_short(quote)}” is in none of the sources",
                where=where,
                hint="copy it from a source, or take the quotation marks away",
            )
    lost = [mark for mark in marks_in(text) if mark not in known]
    if lost:
        raise InputError(f"{lost[0]} is named but not in the evidence", where=where, hint="attach the quote first")
    for quote, marks in _MARKED.findall(text):
        behind = [known[mark].quote for mark in marks_in(marks)]
        if not any(locate(_bare(quote), words) or locate(words, quote) for words in behind):
            raise InputError(
                f"{marks} has other words than “{_short(quote)}”",
                where=where,
                hint="attach the words that you quote, and name their mark",
            )


def cite(value: object, documents: Sequence[Document], evidence: Sequence[Evidence], where: str) -> Cited:
    """The evidence that a field cites: an id of the draft, a span {document, start, end}, or {document, quote}.

    A span of the draft's own evidence keeps its id; any other span gets the next free id. Raises InputError.
    """
    if isinstance(value, str):
        found = next((item for item in evidence if item.id == value), None)
        if found is None:
            raise InputError(f"there is no evidence {_short(value)!r}", where=where, hint="name an id, as in E4")
        return Cited(found.id, found)
    if not isinstance(value, Mapping):
        raise InputError("the evidence is neither an id nor a span", where=where, hint="give document, start and end")
    document = next((item for item in documents if item.id == value.get("document")), None)
    if document is None:
        raise InputError(
            f"there is no source {_short(str(value.get('document')))!r}", where=where, hint="name one of the draft's"
        )
    start, end = _place(value, document, where)
    same = next((e for e in evidence if (e.document, e.start, e.end) == (document.id, start, end)), None)
    if same is not None:
        return Cited(same.id, same)
    rank, about = _standing(document, start, end)
    made = Evidence(
        id=next_id(item.id for item in evidence),
        document=document.id,
        start=start,
        end=end,
        quote=document.text[start:end],
        rank=rank,
        about=about,
    )
    return Cited(made.id, made)


def next_id(taken: Iterable[str]) -> str:
    """The evidence id after the highest one."""
    numbers = [int(name[1:]) for name in taken if _MARK.fullmatch(name)]
    return f"E{max(numbers, default=0) + 1}"


def plain_mark(evidence: Evidence) -> Plain:
    """A citation as an event keeps it."""
    return evidence.model_dump(mode="json")


class Numbering:
    """The evidence of a draft while events add to it; each span has one id, and each id one span."""

    def __init__(self, evidence: Sequence[Evidence]) -> None:
        self._kept = {item.id: item for item in evidence}
        self._by_span = {(item.document, item.start, item.end): item.id for item in evidence}

    def place(self, marks: object) -> dict[str, str]:
        """Add the citations of an event; return the id in this draft for each id in the event."""
        if not isinstance(marks, Mapping):
            return {}
        return {str(name): self._place(Evidence.model_validate(mark)) for name, mark in marks.items()}

    def _place(self, wanted: Evidence) -> str:
        span = (wanted.document, wanted.start, wanted.end)
        if span not in self._by_span:
            name = wanted.id if wanted.id not in self._kept else next_id(self._kept)
            self._kept[name] = wanted.model_copy(update={"id": name})
            self._by_span[span] = name
        return self._by_span[span]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """All evidence: first the draft's, then what events added."""
        return tuple(self._kept.values())


def _place(value: Mapping[object, object], document: Document, where: str) -> tuple[int, int]:
    """Start and end of the cited words, without blanks at either end."""
    start, end, quote = value.get("start"), value.get("end"), value.get("quote")
    if start is None and end is None and isinstance(quote, str):
        found = locate(quote, document.text)
        if found is None:
            raise InputError(f"the quote “{_short(quote)}” is not in {document.id}", where=where, hint="copy it")
        start, end = found.start, found.end
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(document.text):
        raise InputError(
            f"there are no such characters in {document.id}",
            where=where,
            hint=f"start and end lie between 0 and {len(document.text)}",
        )
    text = document.text[start:end]
    start, end = start + len(text) - len(text.lstrip()), end - len(text) + len(text.rstrip())
    if start >= end or not any(char.isalnum() for char in document.text[start:end]):
        raise InputError("the quote holds no word", where=where, hint="mark the words that say it")
    if end - start > MAX_CHARS:
        raise InputError(f"the quote has {end - start} characters", where=where, hint=f"at most {MAX_CHARS}")
    if _cuts_word(document.text, start) or _cuts_word(document.text, end):
        raise InputError("the quote begins or ends inside a word", where=where, hint="mark whole words")
    if isinstance(quote, str) and locate(quote, document.text[start:end]) is None:
        raise InputError(f"{document.id} says something else there", where=where, hint="mark the words again")
    return start, end


def _cuts_word(text: str, at: int) -> bool:
    """Whether a place lies inside a word; only ASCII text is judged, since some scripts write without blanks."""
    around = text[max(at - 1, 0) : at + 1]
    return 0 < at < len(text) and around.isascii() and around.isalnum()


def _standing(document: Document, start: int, end: int) -> tuple[Rank, About]:
    """Rank and subject of the sentence that holds most of the words, as a drafter reads it."""
    read = [s for s in statements((document,)) if s.start < end and start < s.end]
    if not read:
        return (5 if document.kind == "analyst-note" else 1), "product"
    best = max(read, key=lambda s: min(s.end, end) - max(s.start, start))
    return best.rank, best.about


def _bare(quote: str) -> str:
    """A quote without the punctuation that the quoting sentence puts at its end."""
    return quote.rstrip(".;:,… ")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
