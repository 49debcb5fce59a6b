"""The index of one product's passages: vectors in an embedded Chroma collection, terms in BM25.

Chroma is a cache, rebuilt from the documents whenever its stamp is missing, and never a record. A stored index is
built in a fresh folder beside its final place, checked, closed, flushed, stamped last, renamed and never changed
again; the folder's name is the fingerprint of all that went in. Search goes through Chroma with parameters under
which its graph search is exact at this size.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from agent.errors import InputError, IntegrityError
from agent.records import Chunk, Document, Hit, SearchQuestion, Statement
from agent.retrieval.chunk import chunks, context_line, owners
from agent.retrieval.embed import embed, embed_again, embedder_id
from agent.retrieval.search import UNRANKED, Lexical, Mode, Scored, pool, terms, word_count
from agent.settings import Settings

if TYPE_CHECKING:
    from langchain_core.vectorstores import VectorStoreRetriever

FORMAT: Final = 1
"""Version of the stored form; part of the fingerprint."""
COLLECTION: Final = "passages"
_STAMP: Final = "complete.json"
_DATABASE: Final = "chroma.sqlite3"
_FRESH: Final = ".tmp-"
_BATCH: Final = 500
_MIN_WORDS: Final = 3
"""A shorter passage cannot be quoted, and single names of a list would crowd out the sentences."""
_STALE_SECONDS: Final = 600.0
DEPTH: Final = 1000
"""Passages that a question ranks by cosine; with a search list of the same length the graph search is exact."""
_EXACT: Final[Any] = {"hnsw": {"space": "cosine", "ef_construction": 1000, "ef_search": DEPTH, "max_neighbors": 64}}
_serial = count()
_SHARED: Final = threading.Lock()
"""Held while a client opens or closes: the last one to close takes the store in memory along, and a client that opens
at that moment finds half of it."""


@dataclass(frozen=True)
class Index:
    """Passages of one product, ready to be searched. Close it after use, or use it in a `with` statement."""

    documents: tuple[Document, ...]
    statements: tuple[Statement, ...]
    chunks: tuple[Chunk, ...]
    chunk_of: tuple[int, ...]
    """For each statement the index of its chunk."""
    vectors: NDArray[np.float32]
    """Unit vectors of the plain statements, shape (n, 256), in the order of `statements`."""
    fingerprint: str
    """Hash of documents, statements, chunk settings, embedder and format: 16 hex digits."""
    path: Path | None
    """Folder of the stored collection; None when it is only in memory."""
    _held: "list[_Store]" = field(default_factory=list, repr=False, compare=False)
    _asked: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def search(
        self,
        questions: Sequence[SearchQuestion],
        *,
        k: int,
        per_document: int,
        among: Sequence[int] | None = None,
        worth: Mapping[str, NDArray[np.float64]] | None = None,
        mode: Mode = "fused",
    ) -> tuple[Hit, ...]:
        """The best passages for each factor or layer that the questions are about, its questions pooled.

        `k` and `per_document` (at most so many of one document) count for each of these; the hits of one stand
        together, best first, in the order in which the questions first name it. Statements that a finding covers are
        never hits (hidden or planted text must not crowd out the rest), nor those of fewer than three words. With
        `among`, only statements with these indexes are, and the others have no say in what a word is worth. `worth` is
        by factor or layer what each statement is worth by itself; `mode` as in `search.pool`.
        Raises InputError for `k` or `per_document` below 1 or a blank question.
        """
        if k < 1 or per_document < 1:
            raise InputError("nothing would be found", where=f"k={k}, per_document={per_document}", hint="1 or more")
        chosen = list(range(len(self.statements))) if among is None else sorted(among)
        if not questions or not chosen:
            return ()
        statements = [self.statements[at] for at in chosen]
        lexical = self._lexical if among is None else Lexical([terms(s.text) for s in statements])
        dense = self._cosines(questions)[:, chosen]
        groups: dict[str, list[Scored]] = {}
        for question, row in zip(questions, dense, strict=True):
            groups.setdefault(question.about, []).append(Scored(question, row, lexical.scores(question.text)))
        hits: list[Hit] = []
        for about, asked in groups.items():
            own = None if worth is None or about not in worth else worth[about][chosen]
            allowed = self._allowed[chosen]
            hits.extend(pool(statements, allowed, asked, k=k, per_document=per_document, worth=own, mode=mode))
        return tuple(hits)

    def chunk(self, statement: int) -> Chunk:
        """The chunk around the statement with this index."""
        return self.chunks[self.chunk_of[statement]]

    def close(self) -> None:
        """Let go of the store. Searching again opens a stored index again; one in memory is gone."""
        while self._held:
            self._held.pop().close()

    def __enter__(self) -> Self:
        """The index itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close it."""
        self.close()

    def _cosines(self, questions: Sequence[SearchQuestion]) -> NDArray[np.float32]:
        """Every question's cosines; those of the last questions are kept, as they are often asked twice."""
        texts = tuple(question.text for question in questions)
        store = self._store()
        if self._asked.get("texts") != texts:
            rows = store.cosines(embed_again(texts), len(self.statements))
            self._asked.update(texts=texts, rows=rows)
        found: NDArray[np.float32] = self._asked["rows"]
        return found

    def _store(self) -> "_Store":
        if not self._held:
            if self.path is None:
                raise InputError("the index is closed", where="in memory", hint="build it again")
            self._held.append(_Store.open(self.path))
        return self._held[0]

    @cached_property
    def _lexical(self) -> Lexical:
        return Lexical([terms(statement.text) for statement in self.statements])

    @cached_property
    def _allowed(self) -> NDArray[np.bool_]:
        allowed = [not s.flagged and word_count(s.text) >= _MIN_WORDS for s in self.statements]
        return np.array(allowed, dtype=np.bool_)


def build(
    documents: Sequence[Document], statements: Sequence[Statement], settings: Settings, folder: Path | None
) -> Index:
    """Index `statements`: vectors in the light of their headings, terms of their own words only.

    (Heading terms in BM25 made every item of a list answer whatever its heading said: recall of an expert's quotes fell
    by 0.01, for the ecosystem layer by 0.15.)

    `folder` is where stored indexes live, one subfolder a fingerprint: a complete one is used again, one without a
    stamp is built anew, and what a killed build left behind is removed. With None the collection is in memory.

    Raises InputError when the folder cannot be written, IntegrityError when the store lost a passage.
    """
    documents, statements = tuple(documents), tuple(statements)
    made = chunks(documents, settings)
    mark = _fingerprint(documents, statements, settings)
    path = None if folder is None else folder / mark
    index = Index(
        documents=documents,
        statements=statements,
        chunks=made,
        chunk_of=owners(statements, made),
        vectors=embed([statement.text for statement in statements]),
        fingerprint=mark,
        path=path,
    )
    if path is None:
        index._held.append(_filled(_Store.in_memory(), index))
    else:
        index._held.append(_opened(path, len(statements)) or _built(path, index))
    return index


def as_retriever(index: Index, k: int = 4) -> "VectorStoreRetriever":
    """The index as a LangChain retriever over the same collection, `k` passages a query, plain vector search.

    Each result's text is the passage; its metadata say document, start, end, headings and chunk. The index must
    stay open while the retriever is used. Importing the adapter takes about half a second.
    """
    from agent.retrieval.langchain_store import retriever

    return retriever(index._store().client, index._store().name, k)


class _Store:
    """An open Chroma collection and its client."""

    def __init__(self, client: Any, collection: Any, in_memory: bool) -> None:
        self.client = client
        self.name: str = collection.name
        self.collection = collection
        self._in_memory = in_memory

    @classmethod
    def in_memory(cls) -> Self:
        import chromadb

        with _SHARED:
            client = chromadb.EphemeralClient(settings=_chroma_settings().model_copy())
            # All clients in memory share one store: the name keeps two indexes apart.
            name = f"{COLLECTION}-{os.getpid()}-{next(_serial)}"
            return cls(client, client.create_collection(name, embedding_function=None, configuration=_EXACT), True)

    @classmethod
    def create(cls, path: Path) -> Self:
        import chromadb

        client = chromadb.PersistentClient(path=str(path), settings=_chroma_settings().model_copy())
        return cls(client, client.create_collection(COLLECTION, embedding_function=None, configuration=_EXACT), False)

    @classmethod
    def open(cls, path: Path) -> Self:
        import chromadb
        from chromadb.errors import ChromaError

        client: Any = chromadb.PersistentClient(path=str(path), settings=_chroma_settings().model_copy())
        try:
            return cls(client, client.get_collection(COLLECTION, embedding_function=None), False)
        except (ChromaError, ValueError):
            client.close()  # a client left open would answer for the next one of the same path
            raise

    def cosines(self, questions: NDArray[np.float32], size: int) -> NDArray[np.float32]:
        """Cosine of every question with its nearest 1,000 of `size` passages, -1 for the rest: (questions, size)."""
        found = self.collection.query(query_embeddings=questions, n_results=min(size, DEPTH), include=["distances"])
        rows = np.full((len(questions), size), UNRANKED, dtype=np.float32)
        for row, ids, distances in zip(rows, found["ids"], found["distances"], strict=True):
            row[[int(key) for key in ids]] = 1.0 - np.asarray(distances, dtype=np.float32)
        return rows

    def close(self) -> None:
        with _SHARED:
            if self._in_memory:
                self.client.delete_collection(self.name)
            self.client.close()


@cache
def _chroma_settings() -> Any:
    """To be copied: a client writes its folder into what it is given. Reading them takes six milliseconds."""
    from chromadb.config import Settings as ChromaSettings

    # Without both, a `.env` in the current folder or the environment could turn this into a client of some server.
    return ChromaSettings(
        _env_file=None, chroma_api_impl="chromadb.api.rust.RustBindingsAPI", anonymized_telemetry=False
    )


def _filled(store: _Store, index: Index) -> _Store:
    """Put every statement into the store: vector with its context line, text and place."""
    by_id = {document.id: document for document in index.documents}
    lines = [context_line(by_id[s.document], s.path) for s in index.statements]
    vectors = embed([f"{line}\n{s.text}" for line, s in zip(lines, index.statements, strict=True)])
    for at in range(0, len(index.statements), _BATCH):
        some = range(at, min(at + _BATCH, len(index.statements)))
        store.collection.upsert(
            ids=[str(i) for i in some],
            embeddings=vectors[some.start : some.stop],
            documents=[index.statements[i].text for i in some],
            metadatas=[_metadata(index, i, lines[i]) for i in some],
        )
    if store.collection.count() != len(index.statements):
        raise IntegrityError(
            "the store does not hold every passage",
            where=f"{store.collection.count()} of {len(index.statements)}",
            hint="free disk space and try again",
        )
    return store


def _metadata(index: Index, at: int, line: str) -> dict[str, str | int]:
    statement = index.statements[at]
    return {
        "document": statement.document,
        "start": statement.start,
        "end": statement.end,
        "context": line,
        "chunk": index.chunk(at).id,
    }


def _fingerprint(documents: Sequence[Document], statements: Sequence[Statement], settings: Settings) -> str:
    parts = [
        [FORMAT, embedder_id(), settings.chunk_chars, settings.chunk_overlap_chars, _EXACT],
        [[d.id, d.title, hashlib.sha256(d.text.encode("utf-8", "surrogatepass")).hexdigest()] for d in documents],
        [[s.document, s.start, s.end, *s.path] for s in statements],
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _is_complete(path: Path, size: int) -> bool:
    try:
        stamp = json.loads((path / _STAMP).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(stamp == {"format": FORMAT, "passages": size}) and _is_sound(path / _DATABASE)


def _is_sound(database: Path) -> bool:
    """Whether the file is a database without damage; asked first, as a client that failed to open one stays broken."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.Error:
        return False


def _opened(path: Path, size: int) -> _Store | None:
    """The store in a complete folder; None when it has no stamp, does not open or lacks passages."""
    if not _is_complete(path, size):
        return None
    from chromadb.errors import ChromaError

    try:
        store = _Store.open(path)
    except (ChromaError, ValueError):
        return None
    if store.collection.count() == size:
        return store
    store.close()
    return None


def _built(path: Path, index: Index) -> _Store:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path.parent)
        fresh = Path(tempfile.mkdtemp(prefix=f"{_FRESH}{os.getpid()}-", dir=path.parent))
    except OSError as error:
        raise InputError(
            "the index folder cannot be written", where=str(path.parent), hint=error.strerror or "choose another folder"
        ) from None
    from chromadb.errors import ChromaError

    try:
        store = _Store.create(fresh)
        try:
            _filled(store, index)
        finally:
            store.close()
        for file in sorted(fresh.rglob("*")):
            _flush(file)
        (fresh / _STAMP).write_text(json.dumps({"format": FORMAT, "passages": len(index.statements)}), "utf-8")
        _flush(fresh / _STAMP)
        return _moved(fresh, path, len(index.statements))
    except (ChromaError, OSError) as error:
        # A full disk shows as an error of the store's own or of the system, depending on who met it first.
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise InputError(
            f"the index cannot be written ({reason})", where=str(path.parent), hint="check the folder and free space"
        ) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _moved(fresh: Path, path: Path, size: int) -> _Store:
    """Rename into place and open; a broken folder makes way, a complete one that came first is used."""
    first = _opened(path, size)
    if first is not None:
        return first
    shutil.rmtree(path, ignore_errors=True)
    try:
        fresh.rename(path)
    except OSError as error:
        came_first = _opened(path, size)
        if came_first is not None:
            return came_first
        raise InputError(
            "the index folder cannot be written", where=str(path), hint=error.strerror or "choose another folder"
        ) from None
    return _Store.open(path)


def _flush(file: Path) -> None:
    if file.is_file():
        with file.open("rb+") as handle:
            os.fsync(handle.fileno())


def _remove_stale(folder: Path) -> None:
    """Remove what killed builds left: anything under a temporary name that nobody has touched for ten minutes."""
    for left in sorted(folder.glob(f"{_FRESH}*")):
        if time.time() - left.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
