"""A product's sources, ready for search: statements are indexed by vectors and BM25, and passages are returned.

The search works on single statements with their headings, because a vector averaged over 300 words says little; a hit
returns the passage around the statement. A stored library is a cache next to a draft. It is built in a temporary
folder, stamped when complete, renamed into place and never changed. Its name is the fingerprint of all its input, so a
stale library is never found; a new one is built instead.
"""

import hashlib
import json
import os
import shutil
import tempfile
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.errors import InputError, IntegrityError
from agent.records import Chunk, Document, Statement
from agent.retrieval.embed import embed, embedder_id
from agent.retrieval.passages import LEAST, MOST, context_line, cut
from agent.retrieval.search import LEXICAL_WEIGHT, Lexical, terms
from agent.retrieval.stores import DEPTH, OpenStore, store_kind

FORMAT: Final = 1
"""Version of the storage format; part of the fingerprint."""
_STAMP: Final = "complete.json"
_DECIMALS: Final = 6


class Found(NamedTuple):
    """A passage found for a question."""

    passage: Chunk
    start: int
    """Start of the passage's best-matching statement, as a character offset in the document."""
    end: int
    path: tuple[str, ...]
    """The headings above that statement."""
    score: float
    """Cosine + 0.3 · BM25 of that statement; comparable only within one question."""


class Library(AbstractContextManager["Library"]):
    """Statements and passages of one product. Close the library after use, or use it in a `with` statement."""

    def __init__(self, documents: Sequence[Document], statements: Sequence[Statement], store: str) -> None:
        """Create a library, omitting statements covered by a finding; nothing is embedded before the first search."""
        self.documents: Final = tuple(documents)
        self.statements: Final = tuple(s for s in statements if not s.flagged and s.text.strip())
        self._name: Final = store
        self._held: OpenStore | None = None

    def search(self, question: str, k: int = 5) -> tuple[Found, ...]:
        """Return the `k` best passages for a question, best first; ties keep the order of the sources.

        Raises InputError for a blank question or `k` below 1.
        """
        if not question.strip():
            raise InputError("the question is empty", where="question", hint="ask in a few words")
        if k < 1:
            raise InputError("k is too small", where=f"k={k}", hint="use 1 or more")
        if not self.statements:
            return ()
        scores = self.scores([question])[0]
        best: dict[int, int] = {}
        for number in np.argsort(-np.round(scores, _DECIMALS), kind="stable"):
            if not np.isfinite(scores[number]) or len(best) == k:
                break
            best.setdefault(self.passage_of[number], int(number))
        return tuple(
            Found(self.passages[passage], row.start, row.end, row.path, round(float(scores[number]), _DECIMALS))
            for passage, number in best.items()
            for row in (self.statements[number],)
        )

    def scores(self, questions: Sequence[str], part: float | None = None) -> NDArray[np.float64]:
        """Return cosine + 0.3 · BM25 of every statement for every question, shape (questions, statements).

        With `part`, the BM25 score is instead divided by the best one for the question (at least 1) and weighted by
        `part`, because long questions have more words to score on.

        A statement scores -inf if it is not among the 1,000 nearest in the store and shares no word with the question.
        """
        store = self.open()
        rows = np.full((len(questions), len(self.statements)), -np.inf)
        for row, vector, question in zip(rows, embed(questions), questions, strict=True):
            near = store.nearest(vector.tolist(), min(len(self.statements), DEPTH))
            cosines = self._vectors @ vector
            lexical = self._lexical.scores(question).astype(np.float64)
            ranked = lexical > 0
            ranked[near] = True
            weight = LEXICAL_WEIGHT if part is None else part / max(lexical.max(), 1.0)
            row[ranked] = (cosines + weight * lexical)[ranked]
        return rows

    @cached_property
    def passages(self) -> tuple[Chunk, ...]:
        """All passages, in order."""
        return cut(self.documents)

    @cached_property
    def passage_of(self) -> tuple[int, ...]:
        """For each statement, the number of the passage in which it begins."""
        places: dict[str, tuple[list[int], list[int]]] = {}
        for number, passage in enumerate(self.passages):
            starts, numbers = places.setdefault(passage.document, ([], []))
            starts.append(passage.start)
            numbers.append(number)
        found = []
        for statement in self.statements:
            starts, numbers = places[statement.document]
            found.append(numbers[max(0, bisect_right(starts, statement.start) - 1)])
        return tuple(found)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of documents, statements, store, passages, embedder and format: 16 hex digits."""
        parts = [
            [FORMAT, embedder_id(), self._name, LEAST, MOST],
            [
                [d.id, d.title, hashlib.sha256(d.text.encode("utf-8", "surrogatepass")).hexdigest()]
                for d in self.documents
            ],
            [[s.document, s.start, s.end, *s.path] for s in self.statements],
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def open(self, folder: Path | None = None) -> OpenStore:
        """Open the store in `folder`, or build it there unless a complete store with this fingerprint exists.

        Without a folder, a store that is already open is used, otherwise one is built in memory. Raises InputError when
        the folder cannot be written.
        """
        if self._held is None:
            if folder is None:
                store = store_kind(self._name).create(None)
                store.fill(self._lines)
                self._held = store
            else:
                self._held = self._stored(folder / self.fingerprint) or self._built(folder / self.fingerprint)
        return self._held

    def open_or_memory(self, folder: Path) -> OpenStore:
        """Open the store, or fall back to memory when `folder` cannot be written: a search needs no stored index."""
        try:
            return self.open(folder)
        except InputError:
            return self.open()

    def close(self) -> None:
        """Close the store; a later search opens one in memory."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def __exit__(self, *_: object) -> None:
        """Close the library."""
        self.close()

    @cached_property
    def _lines(self) -> tuple[str, ...]:
        by_id = {document.id: document for document in self.documents}
        return tuple(f"{context_line(by_id[s.document], s.path)}\n{s.text}" for s in self.statements)

    @cached_property
    def _vectors(self) -> NDArray[np.float64]:
        return embed(self._lines).astype(np.float64)

    @cached_property
    def _lexical(self) -> Lexical:
        return Lexical([terms(statement.text) for statement in self.statements])

    @property
    def _stamp(self) -> dict[str, object]:
        return {"format": FORMAT, "statements": len(self.statements), "store": self._name}

    def _stored(self, path: Path) -> OpenStore | None:
        """Reopen the store in `path`; return None when the folder has no matching stamp or the store does not open."""
        try:
            stamp = json.loads((path / _STAMP).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return store_kind(self._name).reopen(path) if stamp == self._stamp else None

    def _built(self, path: Path) -> OpenStore:
        kind = store_kind(self._name)
        staged: Path | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            staged = Path(tempfile.mkdtemp(prefix=f".tmp-{os.getpid()}-", dir=path.parent))
            with closing(kind.create(staged)) as store:
                store.fill(self._lines)
                store.keep(staged)
            (staged / _STAMP).write_text(json.dumps(self._stamp), "utf-8")
            shutil.rmtree(path, ignore_errors=True)
            staged.rename(path)
        except kind.faults() as error:
            # A full disk shows up as an error of the store or of the system, depending on which hits it first.
            reason = getattr(error, "strerror", None) or str(error) or "choose another folder"
            raise InputError("the index folder cannot be written", where=str(path.parent), hint=reason) from None
        finally:
            if staged is not None:
                shutil.rmtree(staged, ignore_errors=True)
        if (opened := kind.reopen(path)) is None:
            raise IntegrityError("the index cannot be opened", where=str(path), hint="free disk space and try again")
        return opened
