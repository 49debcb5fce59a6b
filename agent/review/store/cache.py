"""Caches the most recently used drafts, texts and folded states of a store in memory; thread-safe.

A blob never changes, and a state belongs to one version of one review, so no cached value can be stale.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from pydantic import TypeAdapter

from agent.records import Document, Draft
from agent.report.draft_json import dump, dump_documents, parse
from agent.report.view import View
from agent.review.domain.fold import fold
from agent.review.domain.records import Event, ReviewState
from agent.review.domain.replay import SHEET, last_on_facts, living
from agent.review.store.rows import Blob, MissingError, StoredReview
from agent.review.store.store import Store

_DOCUMENTS: Final = TypeAdapter(tuple[Document, ...])
_REVIEWS: Final = 2_000
_BLOBS: Final = 24
_STATES: Final = 40

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """A thread-safe cache of the `most` most recently used values."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._turn = threading.Lock()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return the value under `key`, computing it if missing; two threads may compute it concurrently."""
        with self._turn:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        self.put(key, made)
        return made

    def put(self, key: K, value: V) -> None:
        """Cache a value, evicting the least recently used one beyond `most`."""
        with self._turn:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


class NewDrafts(NamedTuple):
    """New drafts that are not in the store yet."""

    drafts: Mapping[str, Draft]
    """The drafts by their sha256."""
    documents: tuple[Document, ...] = ()
    """The texts of all sources of a redraft; empty when no text was added."""

    @property
    def blobs(self) -> list[Blob]:
        """The drafts and texts as blobs for the store."""
        texts = [Blob("documents", dump_documents(self.documents).encode())] if self.documents else []
        return [*(Blob("draft", dump(draft).encode()) for draft in self.drafts.values()), *texts]


class Shown(NamedTuple):
    """A review as of one event, with its sources."""

    state: ReviewState
    documents: tuple[Document, ...]


class ReviewCache:
    """The contents of a store as records, read through caches."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reviews: LruCache[str, StoredReview] = LruCache(_REVIEWS)
        self._drafts: LruCache[str, Draft] = LruCache(_BLOBS)
        self._documents: LruCache[str, tuple[Document, ...]] = LruCache(_BLOBS)
        self._states: LruCache[tuple[str, int], Shown] = LruCache(_STATES)

    def shown(self, key: str, as_of: int | None = None) -> Shown:
        """Return a review as it is now, or as of event number `as_of`; 0 means before the draft was imported.

        Raises MissingError when there is no such review or version, IntegrityError for a changed blob.
        """
        version = self._store.version(key)
        if as_of is not None and not 0 <= as_of <= version:
            raise MissingError("there is no such version", where="as_of", hint=f"the last one is {version}")
        wanted = version if as_of is None else as_of
        return self._states.get((key, wanted), lambda: self._read(key, wanted))

    def _read(self, key: str, version: int) -> Shown:
        shown = self.fold(key, self._store.events(key, to=version))
        stamp = shown.state.stamp
        if stamp is None:
            return shown
        # Show the stored draft that was signed, since later releases may fold its events differently.
        draft = self._draft(stamp.sha256).model_copy(update={"review": stamp})
        numbers = shown.state.numbers | {placed.threat.id: placed.number for placed in View(draft).threats}
        return shown._replace(state=shown.state.model_copy(update={"reviewed": draft, "numbers": numbers}))

    def keep(self, shown: Shown) -> None:
        """Cache a review that was folded from stored events."""
        self._states.put((shown.state.key, shown.state.version), shown)

    def fold(self, key: str, events: Sequence[Event], new: NewDrafts | None = None) -> Shown:
        """Fold `events`, which may not be stored yet, into a review; `new` has the last event's drafts and texts."""
        # Only fields that never change are used from the cached review.
        stored = self._reviews.get(key, lambda: self._store.review(key))
        alive = living(events).events
        redrafts = [event.after or {} for event in alive if event.verb == "redraft"]
        last = last_on_facts(alive)
        sheet = (last.after or {}).get(SHEET) if last is not None else None
        names = [after.get("sha256") for after in (*redrafts, sheet if isinstance(sheet, Mapping) else {})]
        texts = [str(after["documents"]) for after in redrafts if "documents" in after]
        if new is not None and new.documents and texts:
            documents = new.documents
        else:
            sha256 = texts[-1] if texts else stored.documents_sha256
            documents = self._documents.get(sha256, lambda: _DOCUMENTS.validate_json(self._store.blob(sha256)))
        revisions = {str(name): self._draft(str(name), new) for name in names if name}
        state = fold(key, self._draft(stored.draft_sha256), documents, events, revisions)
        return Shown(state, with_answers(documents, state.sources))

    def _draft(self, sha256: str, new: NewDrafts | None = None) -> Draft:
        if new is not None and sha256 in new.drafts:
            return new.drafts[sha256]
        return self._drafts.get(sha256, lambda: parse(self._store.blob(sha256).decode(), where=f"blob {sha256[:16]}"))


def with_answers(documents: Sequence[Document], answers: Sequence[Document]) -> tuple[Document, ...]:
    """Return the sources of a review, plus the answers that are not among them yet."""
    known = {document.id for document in documents}
    return (*documents, *(answer for answer in answers if answer.id not in known))
