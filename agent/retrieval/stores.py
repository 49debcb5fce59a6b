"""The vector store behind LangChain's `VectorStore`, selected by a setting.

The rest of this package calls only two methods that every LangChain store has (`add_texts`,
`similarity_search_by_vector`), so the store can be replaced by configuration. Scores differ between stores (distance,
similarity, relevance), so none are requested: the store only says which entries are nearest, and the cosines are
computed in this package.

`chroma` is the embedded default: a rebuildable cache in a folder, with exact search, without a server, and without an
embedding function of its own (it would download one unless `embedding_function=None` is given). `memory` is LangChain's
own store, saved as one JSON file. Imports are lazy: chromadb takes 1.6 seconds.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agent.errors import InputError
from agent.retrieval.embed import embed, silence

if TYPE_CHECKING:
    from langchain_core.vectorstores import VectorStore

_MEMORY_FILE: Final = "vectors.json"
_BATCH: Final = 500
_COLLECTION: Final = "passages"
DEPTH: Final = 1000
"""Number of entries ranked by cosine per question; with a search list of the same length the graph search is exact."""
_EXACT: Final[Any] = {"hnsw": {"space": "cosine", "ef_construction": 1000, "ef_search": DEPTH, "max_neighbors": 64}}
_serial = count()
_SHARED: Final = threading.Lock()
"""Lock held while a client opens or closes. The last client to close tears down the in-memory store, and a client
opening at that moment would find the store partly closed."""


@dataclass(frozen=True)
class OpenStore:
    """An open store; `port` is its LangChain interface."""

    port: "VectorStore"
    close: Callable[[], None] = lambda: None
    keep: Callable[[Path], None] = lambda _: None
    """Save the store to its folder, if it does not write there as it goes."""

    def fill(self, texts: Sequence[str]) -> None:
        """Add all entries, using their numbers as ids."""
        for at in range(0, len(texts), _BATCH):
            some = list(texts[at : at + _BATCH])
            numbers = range(at, at + len(some))
            self.port.add_texts(some, metadatas=[{"number": n} for n in numbers], ids=list(map(str, numbers)))

    def nearest(self, vector: Sequence[float], k: int) -> list[int]:
        """Return the numbers of the `k` entries (at most 1,000) nearest to a vector, nearest first."""
        found = self.port.similarity_search_by_vector(list(vector), k=min(k, DEPTH))
        return [int(entry.metadata["number"]) for entry in found]


class StoreKind(NamedTuple):
    """A kind of store that the settings can select: how to create and reopen one."""

    create: Callable[[Path | None], OpenStore]
    """Create an empty store, in a folder or only in memory."""
    reopen: Callable[[Path], OpenStore | None]
    """Reopen the store saved in a folder; None when it is damaged or incomplete."""
    faults: Callable[[], tuple[type[Exception], ...]]
    """The exceptions raised when the folder cannot be written."""


def store_kind(name: str) -> StoreKind:
    """Return the kind of store with this name. Raises InputError when there is none."""
    if name not in STORES:
        raise InputError(f"unknown vector store {name!r}", where="vector_store", hint=f"use one of {', '.join(STORES)}")
    return STORES[name]


class _Vectors:
    """This package's embedder with the methods of LangChain's `Embeddings`, without the slow import of that class."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [row.tolist() for row in embed(texts)]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


_VECTORS: Final[Any] = _Vectors()


def _create_memory(_folder: Path | None) -> OpenStore:
    with silence():
        from langchain_core.vectorstores import InMemoryVectorStore
    port = InMemoryVectorStore(_VECTORS)
    return OpenStore(port, keep=lambda folder: port.dump(str(folder / _MEMORY_FILE)))


def _reopen_memory(folder: Path) -> OpenStore | None:
    with silence():
        from langchain_core.vectorstores import InMemoryVectorStore
    try:
        return OpenStore(InMemoryVectorStore.load(str(folder / _MEMORY_FILE), _VECTORS))
    except (OSError, ValueError, TypeError):
        return None


def _reopen_chroma(folder: Path) -> OpenStore | None:
    from chromadb.errors import ChromaError

    try:
        # Check the file first, since a failed open leaves a client broken.
        address = f"{(folder / 'chroma.sqlite3').absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            whole = connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
        return _chroma(folder, new=False) if whole else None
    except (sqlite3.Error, ChromaError, ValueError):
        return None


def _chroma_faults() -> tuple[type[Exception], ...]:
    from chromadb.errors import ChromaError

    return OSError, ChromaError


def _chroma(folder: Path | None, *, new: bool = True) -> OpenStore:
    """Open a collection, in a folder or only in memory, together with its client."""
    import chromadb
    from chromadb.errors import ChromaError

    with silence():
        from langchain_chroma import Chroma
    # All in-memory clients share one store, so a distinct name keeps two indexes apart.
    name = _COLLECTION if folder else f"{_COLLECTION}-{os.getpid()}-{next(_serial)}"
    settings = _chroma_settings().model_copy()
    with _SHARED:
        client: Any = (
            chromadb.PersistentClient(path=str(folder), settings=settings)
            if folder
            else chromadb.EphemeralClient(settings=settings)
        )
        try:
            if new:
                client.create_collection(name, embedding_function=None, configuration=_EXACT)
            port = Chroma(name, _VECTORS, client=client, create_collection_if_not_exists=False)
        except (ChromaError, ValueError):
            client.close()  # a client left open would be reused for the next one with the same path
            raise

    def close() -> None:
        with _SHARED:
            if folder is None:
                client.delete_collection(name)
            client.close()

    return OpenStore(port, close)


@cache
def _chroma_settings() -> Any:
    """Return the settings for a client, cached because creating them takes 6 ms. Copy them before use, because the
    client adds its folder."""
    from chromadb.config import Settings as ChromaSettings

    # Without these two, a `.env` in the current folder or the environment could make this a client of some server.
    return ChromaSettings(
        _env_file=None, chroma_api_impl="chromadb.api.rust.RustBindingsAPI", anonymized_telemetry=False
    )


STORES: Final[Mapping[str, StoreKind]] = {
    "chroma": StoreKind(_chroma, _reopen_chroma, _chroma_faults),
    "memory": StoreKind(_create_memory, _reopen_memory, lambda: (OSError,)),
}
"""The kinds of store by name; the setting `vector_store` lists the names."""
