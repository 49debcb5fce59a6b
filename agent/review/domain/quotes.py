"""Citations by reviewers: spans of the sources, quotes in edited texts, and their ids in a draft.

An event stores every citation with its span under `marks`, keyed by the id that the citation had at the time:

    {"evidence": ["E4", "E19"], "marks": {"E4": {span}, "E19": {span}}}

so that the event still means the same quote in a redraft that numbers its evidence differently.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from agent.errors import InputError
from agent.facts.anchor import Anchored, locate
from agent.intake.extract.statements.split import statements
from agent.records import About, Document, Evidence, Rank
from agent.review.domain.records import replaced

MAX_CHARS: Final = 400
"""The maximum length of a quote in characters, as in drafts."""
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
"""Other quotation marks, as typed on analysts' keyboards and in other languages."""
_MARKED: Final = re.compile(r"“([^”]*)”[^“”(]{0,3}\((E[1-9][0-9]{0,5}(?:, E[1-9][0-9]{0,5})*)\)")
"""Matches a quote followed by its evidence ids."""
_UNCLOSED: Final = re.compile(r"“[^”]*\Z")
_SCARE_WORDS: Final = 2
"""Up to this many words in quotation marks other than “…” may be scare quotes; longer texts count as quotes."""
_SENTENCE_END: Final = ".;:,… "
"""Characters ignored at the end of a quote: punctuation of the sentence around it."""
_SHOWN: Final = 60


def marks_in(text: str) -> tuple[str, ...]:
    """Return the distinct evidence ids in `text`, in order."""
    return tuple(dict.fromkeys(_MARK.findall(text)))


def renamed(value: object, ids: Mapping[str, str]) -> object:
    """Replace the evidence ids in every text of a plain value according to `ids`."""
    if isinstance(value, str):
        return _MARK.sub(lambda match: ids.get(match[0], match[0]), value)
    if isinstance(value, Mapping):
        return {key: renamed(part, ids) for key, part in value.items()}
    return [renamed(part, ids) for part in value] if isinstance(value, list | tuple) else value


def check_text(text: str, documents: Sequence[Document], known: Mapping[str, Evidence], where: str) -> None:
    """Check that every quote in an edited text occurs in a source, that every evidence id is known, and that the
    evidence named after a quote contains the quote or is part of it.

    Raises InputError naming the quote or the id; `where` is the field.
    """
    # Remove „…“ first: its closing mark opens “…”, so a quote could otherwise begin where another ends.
    curly = _OTHER_QUOTED[1].sub(" ", text)
    if _UNCLOSED.search(curly):
        raise InputError("a quotation mark is not closed", where=where, hint="close it so that the quote can be found")
    quotes = [quote for quote in _CURLY.findall(curly) if quote.strip()]
    quotes += [quote for form in _OTHER_QUOTED for quote in form.findall(text) if len(quote.split()) > _SCARE_WORDS]
    anchored = [Anchored(document.text) for document in documents]
    titles = {name for document in documents for name in (document.title, document.url)}
    for quote in quotes:
        if quote not in titles and not any(document.locate(quote.rstrip(_SENTENCE_END)) for document in anchored):
            hint = "copy it from a source, or remove the quotation marks"
            raise InputError(f"the quote “{_short(quote)}” is not in any of the sources", where=where, hint=hint)
    lost = [mark for mark in marks_in(text) if mark not in known]
    if lost:
        raise InputError(f"{lost[0]} is cited but is not in the evidence", where=where, hint="attach the quote first")
    for quote, marks in _MARKED.findall(text):
        behind = [known[mark].quote for mark in marks_in(marks)]
        if not any(locate(quote.rstrip(_SENTENCE_END), words) or locate(words, quote) for words in behind):
            hint = "attach the passage you quote, and cite its mark"
            raise InputError(f"{marks} does not contain “{_short(quote)}”", where=where, hint=hint)


def cite(value: object, documents: Sequence[Document], evidence: Sequence[Evidence], where: str) -> Evidence:
    """Return the evidence that a field cites: an id of the draft, a span {document, start, end}, or {document, quote}.

    A span of the draft's own evidence keeps its id; any other span gets the next free id. Raises InputError.
    """
    if isinstance(value, str):
        if (found := next((item for item in evidence if item.id == value), None)) is None:
            raise InputError(f"there is no evidence {_short(value)!r}", where=where, hint="use an id such as E4")
        return found
    if not isinstance(value, Mapping):
        raise InputError(
            "the evidence is neither an id nor a span", where=where, hint="specify document, start and end"
        )
    document = next((item for item in documents if item.id == value.get("document")), None)
    if document is None:
        named = _short(str(value.get("document")))
        raise InputError(f"there is no source {named!r}", where=where, hint="use one of the draft's sources")
    start, end = _span(value, document, where)
    same = next((e for e in evidence if (e.document, e.start, e.end) == (document.id, start, end)), None)
    if same is not None:
        return same
    # Rank and subject are those of the statement, as split for the drafter, that overlaps the span most.
    read = [s for s in statements((document,)) if s.start < end and start < s.end]
    best = max(read, key=lambda s: min(s.end, end) - max(s.start, start), default=None)
    rank: Rank = best.rank if best else 5 if document.kind == "analyst-note" else 1
    about: About = best.about if best else "product"
    name, quote = next_id(item.id for item in evidence), document.text[start:end]
    return Evidence(id=name, document=document.id, start=start, end=end, quote=quote, rank=rank, about=about)


def _span(value: Mapping[object, object], document: Document, where: str) -> tuple[int, int]:
    """Return the start and the end of the cited words, excluding surrounding whitespace."""
    start, end, quote = value.get("start"), value.get("end"), value.get("quote")
    if start is None and end is None and isinstance(quote, str):
        if (found := locate(quote, document.text)) is None:
            hint = "copy it from the source"
            raise InputError(f"the quote “{_short(quote)}” is not in {document.id}", where=where, hint=hint)
        start, end = found.start, found.end
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(document.text):
        hint = f"start and end must be between 0 and {len(document.text)}"
        raise InputError(f"{document.id} has no text at this position", where=where, hint=hint)
    text = document.text[start:end]
    start, end = start + len(text) - len(text.lstrip()), end - len(text) + len(text.rstrip())
    text = document.text[start:end]
    if not any(char.isalnum() for char in text):
        raise InputError("the quote contains no word", where=where, hint="select the words that say it")
    if end - start > MAX_CHARS:
        raise InputError(f"the quote has {end - start} characters", where=where, hint=f"at most {MAX_CHARS}")
    if _cuts_word(document.text, start) or _cuts_word(document.text, end):
        raise InputError("the quote begins or ends inside a word", where=where, hint="select whole words")
    if isinstance(quote, str) and locate(quote, text) is None:
        raise InputError(f"{document.id} has different text there", where=where, hint="select the words again")
    return start, end


def _cuts_word(text: str, at: int) -> bool:
    """Return whether a position lies inside a word. Only ASCII text is checked, since some scripts have no spaces."""
    around = text[max(at - 1, 0) : at + 1]
    return 0 < at < len(text) and around.isascii() and around.isalnum()


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def next_id(taken: Iterable[str]) -> str:
    """Return the evidence id after the highest one in use."""
    numbers = [int(name[1:]) for name in taken if _MARK.fullmatch(name)]
    return f"E{max(numbers, default=0) + 1}"


class Numbering:
    """The evidence of a draft, to which citations are added, with a one-to-one mapping between spans and ids."""

    def __init__(self, evidence: Iterable[Evidence]) -> None:
        self._kept = {item.id: item for item in evidence}
        self._by_span = {(item.document, item.start, item.end): item.id for item in self._kept.values()}
        self._drafted = len(self._kept)

    def place(self, wanted: Evidence, *, keep: bool = True) -> str:
        """Add a citation unless its span is already there, and return its id; with `keep`, it keeps its own id if that
        is free."""
        span = (wanted.document, wanted.start, wanted.end)
        if span not in self._by_span:
            name = wanted.id if keep and wanted.id not in self._kept else next_id(self._kept)
            self._kept[name] = replaced(wanted, id=name)
            self._by_span[span] = name
        return self._by_span[span]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """All evidence: first the draft's, then what was added."""
        return tuple(self._kept.values())

    @property
    def added(self) -> tuple[Evidence, ...]:
        """The evidence that the draft did not have."""
        return self.evidence[self._drafted :]
