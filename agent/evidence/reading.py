"""Everything that drafting reads: the documents, their statements, vectors, signals and search hits, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agent.errors import InputError
from agent.records import Document, Hit, Statement

if TYPE_CHECKING:
    from agent.evidence.signals import Match


@dataclass(frozen=True)
class Reading:
    """What was read of one product. Made once by the pipeline; nothing in it changes."""

    documents: tuple[Document, ...]
    """In reading order, the listing first."""
    statements: tuple[Statement, ...]
    """In document order, then by offset. Other parts refer to a statement by its index here."""
    vectors: NDArray[np.float32]
    """One unit row of 256 numbers for each statement, in the same order."""
    signals: Mapping[str, "tuple[Match, ...]"]
    """Signal id to the places that show it."""
    hits: Mapping[str, tuple[Hit, ...]]
    """Factor or layer key to the passages found for it among the statements that tell something, best first."""
    passages: Mapping[str, tuple[Hit, ...]] = field(default_factory=dict)
    """The same among all statements that may be quoted: to be shown and not to be counted."""

    def __post_init__(self) -> None:
        """Raises InputError when the vectors are not one row a statement."""
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.statements):  # noqa: PLR2004 - a matrix
            raise InputError(
                "vectors and statements do not match",
                where=f"{self.vectors.shape} for {len(self.statements)} statements",
                hint="pass Index.vectors of the same statements",
            )

    def document(self, key: str) -> Document:
        """The document with the id `key`. Raises InputError when there is none."""
        try:
            return self._documents[key]
        except KeyError:
            raise InputError(f"no document {key!r}", where="reading", hint=f"one of {list(self._documents)}") from None

    def text(self, index: int) -> str:
        """The words of statement `index`."""
        return self.statements[index].text

    def index_of(self, hit: Hit) -> int:
        """The index of the statement that a hit stands for. Raises InputError when it is none of these."""
        try:
            return self._places[hit.document, hit.start, hit.end]
        except KeyError:
            raise InputError(
                "a hit is not a statement of this reading",
                where=f"{hit.document} characters {hit.start} to {hit.end}",
                hint="search the index that was built from these statements",
            ) from None

    def found(self, key: str) -> tuple[int, ...]:
        """Indices of the statements found for the factor or layer `key` that may be shown for it, best first."""
        return tuple(self.index_of(hit) for hit in (self.passages or self.hits).get(key, ()))

    def matches(self, signal: str) -> "tuple[Match, ...]":
        """The places that show `signal`; empty when there is none."""
        return self.signals.get(signal, ())

    @cached_property
    def _documents(self) -> dict[str, Document]:
        return {document.id: document for document in self.documents}

    @cached_property
    def _places(self) -> dict[tuple[str, int, int], int]:
        return {(s.document, s.start, s.end): index for index, s in enumerate(self.statements)}
