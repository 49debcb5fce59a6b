"""Services over stores that contain the drafts of bundled cases, or folders of such drafts to import."""

import weakref
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from agent.errors import FullError
from agent.intake.snapshots import store as store_snapshot
from agent.records import Document, Draft, Snapshot
from agent.report.draft_json import FILE_NAME, SNAPSHOTS, TEXTS, dump, dump_documents
from agent.review.domain.effects.decisions import ActResult
from agent.review.domain.records import Action, Reason, Reviewer, Verb
from agent.review.service import Service
from agent.review.store.store import Store
from agent.settings import Settings
from evals.cases.corpus import load_case
from evals.cases.documents import READ_AT
from tests.fakes.review.reviewing import case_documents, case_draft, not_given
from tests.places import CASES

ADA = Reviewer(name="Ada")
GRACE = Reviewer(name="Grace", role="approver")
VIC = Reviewer(name="Vic", role="viewer")
FACTOR = "factor/autonomy_of_action"
CASE = "airtable-mcp-server"
SERVED = "dify"
"""The case of `CaseReviews` if none is named."""
AT = "2026-11-26T10:00:00Z"


def draft_folder(place: Path, slug: str = CASE, draft: Draft | None = None) -> Path:
    """Return the folder of a bundled case's draft, as `septet draft --out` writes it except for index and recording."""
    folder = place / slug
    documents = case_documents(slug)
    for document, page in zip(documents, load_case(CASES / slug).pages, strict=True):
        store_snapshot(folder / SNAPSHOTS, _snapshot(document, page.markdown.encode()), page.markdown.encode())
    (folder / SNAPSHOTS / TEXTS).write_text(dump_documents(documents), "utf-8")
    (folder / FILE_NAME).write_text(dump(draft or case_draft(slug)), "utf-8")
    return folder


def _snapshot(document: Document, body: bytes) -> Snapshot:
    return Snapshot(
        sha256=document.sha256, requested_url=document.url, final_url=document.url, fetched_at=READ_AT,
        media_type="text/markdown", kind=document.kind, size=len(body),
    )  # fmt: skip


class Reviews:
    """One store with its service."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.store = Store.open(place / "review.sqlite")
        self.service = Service(self.store, Settings(), lambda: AT)

    def bring(self, slug: str = CASE, draft: Draft | None = None) -> str:
        return self.service.import_draft(draft_folder(self.place, slug, draft), ADA)

    def act(
        self, key: str, verb: Verb, item: str = "", *, by: Reviewer = ADA, version: int | None = None,
        reason: str = "", note: str = "", section: str = "", **fields: object,
    ) -> ActResult:  # fmt: skip
        """Act at the newest version, or at an older one; corrections, strikes and waivers get a reason."""
        if verb in ("correct", "strike", "waive") and not reason:
            reason = "not-supported"
        at = self.service.review(key).version if version is None else version
        action = Action(
            verb=verb, item=item, version=at, fields=fields, reason=cast("Reason", reason), note=note, section=section
        )
        return self.service.act(key, action, by)

    def close_all(self, key: str, but: Sequence[str] = ()) -> None:
        """Decide on every open item without changing a number."""
        for section in dict.fromkeys(one.item.section for one in self.service.review(key).items):
            seen = [one.item.id for one in self.service.review(key).items]
            self.act(key, "bulk", section=section, seen=seen)
        self.act(key, "send", section="questions")
        for one in self.service.review(key).open:
            if one.item.id not in but:
                self.act(key, "confirm", one.item.id)

    def signed(self, key: str) -> ActResult:
        """Close and sign the review."""
        self.close_all(key)
        return self.act(key, "sign")


@cache
def _file(slugs: tuple[str, ...], *, older: bool) -> bytes:
    """Return the file of a store with the drafts of these cases, made once."""
    with TemporaryDirectory() as place, Store.open(Path(place) / "review.sqlite") as store:
        service = Service(store, Settings(), lambda: AT)
        for slug in slugs:
            draft = case_draft(slug)
            service.add_draft(not_given(draft) if older else draft, case_documents(slug), ADA)
        store.back_up(Path(place) / "copy.sqlite")
        return (Path(place) / "copy.sqlite").read_bytes()


class CaseReviews(Service):
    """A service with reviews of bundled cases, `r1` and following, in a temporary store. With `full`, each act fails as
    on a full disk; `older` drafts do not follow from their facts.
    """

    def __init__(self, *slugs: str, older: bool = False) -> None:
        place = TemporaryDirectory()
        file = Path(place.name) / "review.sqlite"
        file.write_bytes(_file(slugs or (SERVED,), older=older))
        self.store = Store.open(file)
        self.full = False
        super().__init__(self.store, Settings(), lambda: AT)
        weakref.finalize(self, lambda store: (store.close(), place.cleanup()), self.store)

    def act(self, key: str, action: Action, reviewer: Reviewer) -> ActResult:
        self._room()
        return super().act(key, action, reviewer)

    def respond(
        self, key: str, raw: bytes, reviewer: Reviewer, version: int | None = None, draft: str = ""
    ) -> ActResult:
        self._room()
        return super().respond(key, raw, reviewer, version, draft)

    def _room(self) -> None:
        if self.full:
            raise FullError("there is no space left on the disk", where="the store", hint="make room, then save")
