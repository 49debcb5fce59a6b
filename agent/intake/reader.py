"""Read all sources of one product into an intake; `capture` calls this and records the run.

A link that is skipped because it is not documentation is not a gap. A page that could not be fetched is one, because it
may contain what the draft lacks. Such pages are listed by reason, with their number and the address of the first.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from agent.errors import SourceError, UsageError
from agent.intake.crawl.answer import BYTES_USED_UP, Fetched, Web
from agent.intake.crawl.browser import NEAR_EMPTY_WORDS
from agent.intake.crawl.crawler import MIN_WORDS, Crawl, Read, is_nearly_empty
from agent.intake.crawl.guard import Guard
from agent.intake.extract.boilerplate import without_repeats
from agent.intake.extract.documents import MAX_TEXT, compose, shortened
from agent.intake.extract.formats.markdown import read_markdown
from agent.intake.extract.identity.product import resolve_subject
from agent.intake.extract.parse import media_type, read_parts
from agent.intake.extract.statements import language
from agent.intake.page import Page, Part, Removed
from agent.intake.snapshots import digest
from agent.intake.sources import Folder, Input, LocalFile
from agent.records import About, Budget, Document, Dropped, Intake, Missing, Snapshot, SourceKind
from agent.settings import Settings

_NEEDS_BROWSER: Final = (
    "builds its text with JavaScript: install the extra septet[browser] and set browser = on, or save the page from a "
    "browser and use the file instead"
)
_MAX_CARRIED: Final = 100
# Files found in a repository but not on a documentation site.
_REPOSITORY_FILE: Final = re.compile(
    r"(?:^|/)(?:readme(?:\.(?:md|txt|rst))?|skill\.md|server\.json|package\.json|manifest\.json|plugin\.json|"
    r"marketplace\.json)$",
    re.IGNORECASE,
)
SOURCE_TEXT: Final = "source text: "
"""Prefix under which the draft lists text that was not read."""
_MAX_REASONS: Final = 12
_LATER: Final = "language"
"""Reason of gaps due to unread languages; the draft reports these itself, because an LLM may have read them."""
# Skip reasons of pages that were wanted but could not be fetched; older recordings say "wants", "sends", "unpacks".
_FAILED: Final = re.compile(
    r"behind a |the server (?:requires|wants|redirects|sends)|the server answered (?!404|410)|the server's answer is|"
    r"no answer|no connection|larger than|headers larger|(?:decompresses|unpacks) to|an unknown content coding|"
    r"the certificate|the host name|rendering took|the browser|the page needs JavaScript|stopped"
)


@dataclass(frozen=True)
class IntakeResult:
    """The intake, and the bytes of its sources by SHA-256."""

    intake: Intake
    blobs: dict[str, bytes]


@dataclass(frozen=True)
class _Part:
    """A future document: its page, snapshot and address, and what it is about unless its headings say otherwise."""

    page: Page
    snapshot: Snapshot
    url: str
    about: About = "product"


@dataclass
class _Gathering:
    """Everything collected from the sources so far."""

    now: str
    settings: Settings
    tell: Callable[[str], None]
    parts: list[_Part] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)
    bytes_used: int = 0
    pages_used: int = 0
    final_url: str = ""
    folder: str = ""
    """Name of the folder that contains the first file, or of the folder given as a source."""

    def add(self, source: Fetched, kind: SourceKind, parts: Iterable[Part], about: About = "product") -> None:
        """Keep the bytes of `source` and add its documents; `kind` and `about` apply only to the first document.

        If the same bytes were added before, their first snapshot stays on record.
        """
        sha256 = digest(source.body)
        self.blobs[sha256] = source.body
        self.bytes_used += len(source.body)
        snapshot = Snapshot(
            sha256=sha256,
            requested_url=source.requested,
            final_url=source.url,
            fetched_at=source.fetched_at or self.now,
            media_type=source.media_type,
            kind=kind,
            size=len(source.body),
            charset=source.charset,
            headers=source.headers,
            user_agent=source.user_agent,
        )
        self.snapshots.setdefault(sha256, snapshot)
        for part in parts:
            self.parts.append(_Part(part.page, snapshot, source.url + part.anchor, about))
            snapshot, about = snapshot.model_copy(update={"kind": "docs"}), "product"

    def add_read(self, read: Read, page: Page) -> None:
        """Add a page of the crawl; `page` is its content without repeated text."""
        self.final_url = self.final_url or read.fetched.url
        source = replace(read.fetched, media_type=media_type(read.kind))
        self.add(source, read.source if self.parts else "listing", (Part(page, ""), *read.parts), read.about)

    def add_local(self, given: LocalFile | Folder, crawled: int) -> None:
        """Add a file, or as many files of a folder as the page budget allows after `crawled` pages."""
        if not self.final_url:
            self.final_url = given.name
            self.folder = given.folder if isinstance(given, LocalFile) else given.name
        if isinstance(given, LocalFile):
            self._add_file(given, f"{self.pages_used + 1}")
            return
        pages = max(1, self.settings.max_pages - crawled - self.pages_used)
        for number, file in enumerate(given.files[:pages], 1):
            self._add_file(file, f"{number} of {min(len(given.files), pages)}")
        for left in (*(file.name for file in given.files[pages:]), *given.left_out):
            detail = f"{left} was not read because the page budget is used up"
            self.missing.append(Missing(reason="budget", detail=detail))

    def _add_file(self, file: LocalFile, number: str) -> None:
        self.tell(f"reading file {number}: {file.name}")
        if self.bytes_used + len(file.body) > self.settings.max_total_bytes:
            raise SourceError(BYTES_USED_UP, where=file.name, hint="raise max_total_bytes")
        self.pages_used += 1
        kind: SourceKind = "listing" if not self.parts else "repo" if _REPOSITORY_FILE.search(file.name) else "docs"
        source = Fetched(file.name, file.name, media_type(file.kind), "", file.body)
        self.add(source, kind, read_parts(file.body, file.kind, "", file.name, self.settings))

    def documents(self) -> tuple[Document, ...]:
        """Return the documents of all parts that have text, numbered in order (`D1`, `D2`, …)."""
        made: list[Document] = []
        for part in self.parts:
            if part.page.blocks:
                number, kind = f"D{len(made) + 1}", part.snapshot.kind
                document = compose(number, part.page, part.snapshot, url=part.url, kind=kind, about=part.about)
                made += [document] if document.text else []
        return tuple(made)


def read_inputs(
    inputs: Sequence[Input],
    web: Web,
    settings: Settings,
    *,
    guard: Guard,
    notes: Sequence[str] = (),
    product: str | None = None,
    progress: Callable[[str], None] | None = None,
    now: str,
) -> IntakeResult:
    """Read opened sources: addresses are crawled through `web`, files and folders are already in memory.

    The same inputs and the same responses from `web` give the same result, byte for byte. Raises UsageError when there
    is no source or a note is empty, RefusedError when the guard refuses a source, SourceError when one cannot be read
    or the listing has almost no text, UnavailableError when the network fails.
    """
    if not inputs:
        raise UsageError("no source was given", hint="specify the address of a listing, a file or a folder")
    tell = progress or (lambda _: None)
    g = _Gathering(now, settings, tell)
    crawl = Crawl(web, guard, settings, tell, product)
    starts = [crawl.start(i, listing=n == 0) if isinstance(i, str) else i for n, i in enumerate(inputs)]
    found = (*starts, *crawl.follow())
    cleaned = _without_repeats([each for each in found if isinstance(each, Read)])
    for each in found:
        if isinstance(each, Read):
            g.add_read(each, cleaned[id(each)])
        else:
            g.add_local(each, crawl.pages_used)
    subject = crawl.subject
    if subject is None:  # the listing is a file
        first = g.parts[0]
        siblings = [part.page for part in g.parts[1:] if part.page.name and "/" not in part.url]
        subject = resolve_subject(first.page, product, where=first.url, folder=g.folder, siblings=siblings)
        g.parts[0] = replace(first, page=subject.page)
    _check_listing(g.parts[0].page, g.final_url)
    for number, note in enumerate(notes, 1):
        if not note.strip():
            raise UsageError("the note is empty", where=f"note-{number}", hint="give the note's text, or a file")
        source = Fetched(f"note-{number}", f"note-{number}", "text/plain", "", note.encode("utf-8", "replace"))
        g.add(source, "analyst-note", [Part(read_markdown(note.replace("\r\n", "\n")), "")])
    _note_gaps(g, crawl)
    documents = g.documents()
    intake = Intake(
        source=inputs[0] if isinstance(inputs[0], str) else inputs[0].name,
        final_url=g.final_url,
        snapshots=tuple(g.snapshots.values()),
        documents=documents,
        links=tuple(crawl.links.values()),
        missing=(*g.missing, *language.unread(documents)),
        budget=_budget(g, crawl.pages_used),
        product=subject.name,
        aliases=subject.aliases,
        vendor=subject.vendor,
        naming=subject.reason,
        candidates=subject.candidates,
        sites=tuple(crawl.sites),
    )
    return IntakeResult(intake, g.blobs)


def _budget(g: _Gathering, crawled: int) -> Budget:
    return Budget(
        pages=g.settings.max_pages,
        pages_used=crawled + g.pages_used,
        bytes=g.settings.max_total_bytes,
        bytes_used=g.bytes_used,
        seconds=g.settings.total_seconds,
        depth=g.settings.max_depth,
        connections_per_host=g.settings.connections_per_host,
        delay_seconds=g.settings.delay_seconds,
    )


def _without_repeats(reads: Sequence[Read]) -> dict[int, Page]:
    """Return the pages by the `id()` of their reads, without the text that HTML pages of one host repeat."""
    pages = {id(read): read.page for read in reads}
    hosts: dict[str, list[Read]] = {}
    for read in reads:
        if read.kind == "html":
            hosts.setdefault(urlsplit(read.fetched.url).netloc, []).append(read)
    for group in hosts.values():
        cleaned = without_repeats([read.page for read in group])
        pages.update(zip((id(read) for read in group), cleaned, strict=True))
    return pages


def _check_listing(page: Page, where: str) -> None:
    count = page.words
    if page.wall in ("login", "consent") and is_nearly_empty(page) and "://" in where:
        what = "behind a log-in" if page.wall == "login" else "behind a consent wall"
        raise SourceError(
            f"the page is {what}", where=where, hint="save the page from a browser and use the file instead"
        )
    if count >= MIN_WORDS:
        return
    if page.scripts:
        hint = "it builds its text with JavaScript: save the page from a browser and use that, or set browser = on"
    else:
        hint = "use the product's own listing page, or a file with its text"
    what = "the page has no text" if count == 0 else f"the page has only {count} words of text"
    raise SourceError(what, where=where, hint=hint)


def _note_gaps(g: _Gathering, crawl: Crawl) -> None:
    """Note what could not be read, and attach findings from files without text, such as sitemaps, to the listing."""

    def miss(reason: str, detail: str) -> None:
        g.missing.append(Missing.model_validate({"reason": reason, "detail": detail}))

    for url in crawl.scripted:
        miss("needs-javascript", f"{url} {_NEEDS_BROWSER}")
    if crawl.unread:
        miss("budget", f"{crawl.unread} linked pages were not read")
    for url in crawl.thin:
        miss("near-empty", f"{url} has almost no text")
    for part in g.parts:
        left = shortened(part.page)[1]
        if left:
            miss("budget", f"{part.url} is longer than {MAX_TEXT:,} characters; the last {left:,} were not read")
    page = g.parts[0].page
    removed = list(page.removed)
    if page.words < NEAR_EMPTY_WORDS:
        if page.scripts:
            miss("needs-javascript", f"the listing {_NEEDS_BROWSER}")
        kind = "needs-javascript" if page.scripts else "near-empty"
        removed.append(Removed(kind, "the listing", f"{page.words} words of text"))
    carried = list(crawl.removed)
    for part in g.parts[1:]:
        if not part.page.blocks:
            carried += [each._replace(where=f"{each.where}, {part.url}") for each in part.page.removed]
    g.parts[0] = replace(g.parts[0], page=page._replace(removed=(*removed, *carried[:_MAX_CARRIED])))


def unread(intake: Intake) -> tuple[Dropped, ...]:
    """Return the source text that could not be read: first the gaps of the intake, then failed links by reason."""
    gaps = [Dropped(what=SOURCE_TEXT + gap.detail, reason=gap.reason) for gap in intake.missing if gap.reason != _LATER]
    reasons: dict[tuple[str, str], list[str]] = {}
    for link in intake.links:
        if link.state == "refused" or (link.state == "skipped" and _FAILED.match(link.reason)):
            reasons.setdefault((link.reason, link.state), []).append(link.url)
    for (reason, state), urls in list(reasons.items())[:_MAX_REASONS]:
        pages = urls[0] if len(urls) == 1 else f"{len(urls)} linked pages, the first being {urls[0]}"
        gaps.append(Dropped(what=f"{SOURCE_TEXT}{pages}: {reason}", reason=state))
    if len(reasons) > _MAX_REASONS:
        rest = sum(map(len, list(reasons.values())[_MAX_REASONS:]))
        gaps.append(Dropped(what=f"{SOURCE_TEXT}{rest} more linked pages, for other reasons", reason="skipped"))
    return tuple(gaps)
