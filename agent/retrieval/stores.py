"""The vector store behind LangChain's `VectorStore`: which one it is, is a setting.

Everything else of this room calls two methods that every LangChain store has (`add_texts`,
`similarity_search_by_vector`), so another store stands in by configuration. Scores differ
from store to store (distance, similarity, relevance), so none is asked for: the store says which entries are nearest,
and their cosines are computed here.

`chroma` is the embedded default: a rebuildable cache in a folder, exact search, no server, no embedding function of its
own (without `embedding_function=None` it fetches one). `memory` is LangChain's own store, kept as one JSON file.
Imports are lazy: chromadb takes 1.6 seconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent.errors import InputError
from agent.retrieval.embed import embed
from agent.retrieval.index import _DATABASE, DEPTH, _is_sound, _Store
from agent.retrieval.quiet import silence

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings
    from langchain_core.vectorstores import VectorStore

STORES: Final = ("chroma", "memory")
_MEMORY_FILE: Final = "vectors.json"
_BATCH: Final = 500


@dataclass(frozen=True)
class OpenStore:
    """A store that is open, and how it is let go of."""

    port: "VectorStore"
    close: Callable[[], None]

    def fill(self, texts: Sequence[str], places: Sequence[dict[str, str | int]]) -> None:
        """Put all entries in; their ids are their numbers."""
        for at in range(0, len(texts), _BATCH):
            some = slice(at, at + _BATCH)
            numbers = [str(number) for number in range(at, min(at + _BATCH, len(texts)))]
            self.port.add_texts(list(texts[some]), metadatas=list(places[some]), ids=numbers)

    def nearest(self, vector: Sequence[float], k: int) -> list[int]:
        """The numbers of the `k` entries nearest to a vector, at most 1,000, nearest first."""
        found = self.port.similarity_search_by_vector(list(vector), k=min(k, DEPTH))
        return [int(entry.metadata["number"]) for entry in found]


def create(name: str, folder: Path | None) -> OpenStore:
    """An empty store: in `folder`, or only in memory. Raises InputError for a name that is no store's."""
    if _checked(name) == "memory":
        return _in_memory()
    return _chroma(_Store.in_memory() if folder is None else _Store.create(folder))


def keep(name: str, store: OpenStore, folder: Path) -> None:
    """Write what a store holds to its folder, for those that do not do so by themselves."""
    if _checked(name) == "memory":
        port: Any = store.port
        port.dump(str(folder / _MEMORY_FILE))


def faults(name: str) -> tuple[type[Exception], ...]:
    """What a store raises when its folder cannot be written."""
    if _checked(name) == "memory":
        return (OSError,)
    from chromadb.errors import ChromaError

    return OSError, ChromaError


def reopen(name: str, folder: Path) -> OpenStore | None:
    """The store that was kept in `folder`; None when it is not whole."""
    if _checked(name) == "memory":
        with silence():
            from langchain_core.vectorstores import InMemoryVectorStore
        try:
            return OpenStore(InMemoryVectorStore.load(str(folder / _MEMORY_FILE), _vectors()), _nothing)
        except (OSError, ValueError, TypeError):
            return None
    if not _is_sound(folder / _DATABASE):
        return None
    from chromadb.errors import ChromaError

    try:
        return _chroma(_Store.open(folder))
    except (ChromaError, ValueError):
        return None


def _checked(name: str) -> str:
    if name not in STORES:
        raise InputError(f"there is no vector store {name!r}", where="vector_store", hint=f"one of {', '.join(STORES)}")
    return name


def _in_memory() -> OpenStore:
    with silence():
        from langchain_core.vectorstores import InMemoryVectorStore
    return OpenStore(InMemoryVectorStore(_vectors()), _nothing)


def _chroma(store: _Store) -> OpenStore:
    with silence():
        from langchain_chroma import Chroma
    port = Chroma(
        client=store.client,
        collection_name=store.name,
        embedding_function=_vectors(),
        create_collection_if_not_exists=False,
    )
    return OpenStore(port, store.close)


def _vectors() -> "Embeddings":
    """Our vectors under LangChain's interface."""
    with silence():
        from langchain_core.embeddings import Embeddings

    class Vectors(Embeddings):
        """Static sentence vectors of 256 numbers."""

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            """One unit vector for each text."""
            return [row.tolist() for row in embed(texts)]

        def embed_query(self, text: str) -> list[float]:
            """The unit vector of a question."""
            return self.embed_documents([text])[0]

    return Vectors()


def _nothing() -> None:
    """A store in memory holds nothing open."""
