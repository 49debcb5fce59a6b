"""Read all sources of one product; the entry point of this package.

A link skipped because it is not documentation is no gap, but a page that could not be fetched may hold what the draft
lacks. Each reason for such gaps is listed once, with the number of pages and the first of them.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from agent.errors import SourceError, UsageError
from agent.intake.crawl.answer import Fetched, Web
from agent.intake.crawl.crawler import MIN_WORDS, Crawl, Read, is_nearly_empty, words
from agent.intake.crawl.guard import Guard, Resolver
from agent.intake.extract.boilerplate import without_repeats
from agent.intake.extract.documents import MAX_TEXT, compose, shortened
from agent.intake.extract.formats.markdown import read_markdown
from agent.intake.extract.identity.product import Subject, resolve_subject
from agent.intake.extract.parse import media_type, read_page, read_parts, sniff
from agent.intake.extract.statements import language
from agent.intake.page import Page, Removed
from agent.intake.snapshots import digest
from agent.intake.sources import Folder, Input, LocalFile, open_sources
from agent.records import About, Budget, Document, Dropped, Intake, Missing, Snapshot, SourceKind
from agent.settings import Settings

NEAR_EMPTY_WORDS: Final = 30
"""Word count below which a page with scripts is assumed to build its text with JavaScript."""
_NEAR_EMPTY_WORDS: Final = 30
_NEEDS_BROWSER: Final = (
    "builds its text with JavaScript: install the extra septet[browser] and set browser = on, or save the page from a "
    "browser and give the file"
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
"""Gap that the draft itself reports, because an LLM can read languages that the embedded drafter cannot."""
# Skip reasons of pages that were wanted but could not be fetched.
_FAILED: Final = re.compile(
    r"behind a |the server (?:wants|sends)|the server answered (?!404|410)|the server's answer is|no answer|"
    r"no connection|larger than|headers larger|unpacks to|an unknown content coding|the certificate|the host name|"
    r"rendering took|the browser|the page needs JavaScript|stopped"
)


def with_browser(network: Web, settings: Settings, tell: Callable[[str], None] | None = None) -> Web:
    """Return `network`, wrapped in a browser if the settings ask for one; `tell` reports why a page is not rendered."""
    if settings.browser != "on":
        return network
    from agent.intake.crawl.browser import Rendering

    return Rendering(network, settings, lambda answer: needs_javascript(answer, settings), tell)


def needs_javascript(answer: Fetched, settings: Settings) -> bool:
    """Return whether a page has almost no text but shows signs of building its text with scripts."""
    try:
        kind = sniff(answer.body, answer.media_type, answer.url)
        page = read_page(answer.body, kind, answer.charset, answer.url, settings) if kind == "html" else None
    except SourceError:
        return False
    if page is None or not (page.scripts or page.wall == "script"):
        return False
    return sum(len(block.text.split()) for block in page.blocks) < NEAR_EMPTY_WORDS


@dataclass(frozen=True)
class IntakeResult:
    """The intake and its source bytes by SHA-256."""

    intake: Intake
    blobs: dict[str, bytes]


@dataclass(frozen=True)
class _Part:
    """A future document: its page, its snapshot, and its subject unless its headings say otherwise."""

    page: Page
    snapshot: Snapshot
    url: str
    about: About = "product"


@dataclass
class _Gathering:
    """Everything collected from the sources so far."""

    now: str
    parts: list[_Part] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)
    bytes_used: int = 0
    pages_used: int = 0
    final_url: str = ""
    folder: str = ""
    """Name of the folder that contains the first file, or of the folder given as a source."""

    def snapshot(
        self, body: bytes, requested: str, final: str, media: str, kind: SourceKind, answer: Fetched | None = None
    ) -> Snapshot:
        """Store `body` and return its snapshot. For duplicate bytes, the first snapshot stays on record."""
        sha256 = digest(body)
        self.blobs[sha256] = body
        self.bytes_used += len(body)
        made = Snapshot(
            sha256=sha256,
            requested_url=requested,
            final_url=final,
            fetched_at=(answer.fetched_at if answer else "") or self.now,
            media_type=media,
            kind=kind,
            size=len(body),
            charset=answer.charset if answer else "",
            headers=answer.headers if answer else (),
            user_agent=answer.user_agent if answer else "",
        )
        self.snapshots.setdefault(sha256, made)
        return made


def read(
    sources: Sequence[str],
    settings: Settings,
    *,
    allow_private: Sequence[str] = (),
    notes: Sequence[str] = (),
    product: str | None = None,
    progress: Callable[[str], None] | None = None,
    now: str,
    resolve: Resolver | None = None,
) -> IntakeResult:
    """Read the sources of one product; the first is its listing, the others are its documentation.

    `allow_private` names hosts (`HOST[:PORT]`) that may be private, `notes` are the analyst's texts, `now` is the time
    for the records in UTC (ISO 8601 with `Z`). `resolve` replaces the system's host name lookup.

    Raises UsageError when a source is neither a path nor an address, RefusedError when the guard refuses one,
    SourceError when one cannot be read or the listing says next to nothing, UnavailableError when the network fails.
    """
    if not sources:
        raise UsageError("no source", hint="give the address of a listing, a file or a folder")
    from agent.intake.crawl.network import open_network

    inputs = open_sources(sources, settings)
    with open_network(settings, allow_private, resolve=resolve) as (guard, web):
        seen = with_browser(web, settings, progress)
        return read_inputs(
            inputs, seen, settings, guard=guard, notes=notes, product=product, progress=progress, now=now
        )


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

    The same inputs and the same responses from `web` give the same result, byte for byte.

    Raises the same errors as `read`.
    """
    if not inputs:
        raise UsageError("no source", hint="give the address of a listing, a file or a folder")
    tell = progress or _silent
    gathering = _Gathering(now)
    crawl = Crawl(web, guard, settings, tell, product)
    reads: list[Read | LocalFile | Folder] = []
    for place, given in enumerate(inputs):
        reads.append(crawl.start(given, listing=place == 0) if isinstance(given, str) else given)
    followed = crawl.follow() if any(isinstance(given, str) for given in inputs) else ()
    crawled = [*(found for found in reads if isinstance(found, Read)), *followed]
    cleaned = _without_repeats(crawled)
    for found in (*reads, *followed):
        if isinstance(found, Read):
            _add_read(gathering, found, cleaned[id(found)])
        else:
            _add_local(gathering, found, settings, crawl.pages_used, tell)
    subject = _subject(gathering, crawl, product)
    _check_listing(gathering.parts[0], str(gathering.final_url))
    _add_notes(gathering, notes)
    _add_missing(gathering, crawl)
    _carry(gathering, crawl)
    first = inputs[0]
    documents = tuple(_documents(gathering.parts))
    intake = Intake(
        source=first if isinstance(first, str) else first.name,
        final_url=gathering.final_url,
        snapshots=tuple(gathering.snapshots.values()),
        documents=documents,
        links=tuple(crawl.links.values()),
        missing=(*gathering.missing, *language.unread(documents)),
        budget=_budget(gathering, crawl, settings),
        product=subject.name,
        aliases=subject.aliases,
        vendor=subject.vendor,
        naming=subject.reason,
        candidates=subject.candidates,
        sites=tuple(crawl.sites),
    )
    return IntakeResult(intake, gathering.blobs)


def _budget(g: _Gathering, crawl: Crawl, settings: Settings) -> Budget:
    return Budget(
        pages=settings.max_pages,
        pages_used=crawl.pages_used + g.pages_used,
        bytes=settings.max_total_bytes,
        bytes_used=g.bytes_used,
        seconds=settings.total_seconds,
        depth=settings.max_depth,
        connections_per_host=settings.connections_per_host,
        delay_seconds=settings.delay_seconds,
    )


def _silent(_: str) -> None:
    return None


def _add_local(
    g: _Gathering, given: LocalFile | Folder, settings: Settings, used: int, tell: Callable[[str], None]
) -> None:
    if not g.final_url:
        g.final_url = given.name
        g.folder = given.folder if isinstance(given, LocalFile) else given.name
    if isinstance(given, LocalFile):
        tell(f"reading file {g.pages_used + 1}: {given.name}")
        _add_file(g, given, settings)
        return
    pages = max(1, settings.max_pages - used - g.pages_used)
    for number, file in enumerate(given.files[:pages], 1):
        tell(f"reading file {number} of {min(len(given.files), pages)}: {file.name}")
        _add_file(g, file, settings)
    for left in (*(file.name for file in given.files[pages:]), *given.left_out):
        g.missing.append(Missing(reason="budget", detail=f"{left} was not read, the budget of pages is used up"))


def _add_file(g: _Gathering, file: LocalFile, settings: Settings) -> None:
    if g.bytes_used + len(file.body) > settings.max_total_bytes:
        raise SourceError("the bytes for one product are used up", where=file.name, hint="raise max_total_bytes")
    g.pages_used += 1
    kind: SourceKind = "listing" if not g.parts else "repo" if _REPOSITORY_FILE.search(file.name) else "docs"
    snapshot = g.snapshot(file.body, file.name, file.name, media_type(file.kind), kind)
    for number, part in enumerate(read_parts(file.body, file.kind, "", file.name, settings)):
        own = snapshot if number == 0 else snapshot.model_copy(update={"kind": "docs"})
        g.parts.append(_Part(part.page, own, file.name + part.anchor))


def _without_repeats(reads: Sequence[Read]) -> dict[int, Page]:
    """Return the pages by the `id()` of their reads, without text repeated across HTML pages of the same host."""
    pages = {id(read): read.page for read in reads}
    hosts: dict[str, list[Read]] = {}
    for read in reads:
        if read.kind == "html":
            hosts.setdefault(urlsplit(read.fetched.url).netloc, []).append(read)
    for group in hosts.values():
        cleaned = without_repeats([read.page for read in group])
        pages.update(zip((id(read) for read in group), cleaned, strict=True))
    return pages


def _add_read(g: _Gathering, read: Read, page: Page) -> None:
    fetched = read.fetched
    g.final_url = g.final_url or fetched.url
    kind: SourceKind = "listing" if not g.parts else "docs" if read.source == "listing" else read.source
    snapshot = g.snapshot(fetched.body, fetched.requested, fetched.url, media_type(read.kind), kind, fetched)
    g.parts.append(_Part(page, snapshot, fetched.url, read.about))
    own = snapshot.model_copy(update={"kind": "docs"})
    g.parts.extend(_Part(part.page, own, fetched.url + part.anchor) for part in read.parts)


def _subject(g: _Gathering, crawl: Crawl, product: str | None) -> Subject:
    """Return the product described by the listing: determined here for a file, by the crawl for a web page."""
    if crawl.subject is not None:
        return crawl.subject
    first = g.parts[0]
    siblings = [part.page for part in g.parts[1:] if part.page.name and "/" not in part.url]
    subject = resolve_subject(first.page, product, where=first.url, folder=g.folder, siblings=siblings)
    g.parts[0] = replace(first, page=subject.page)
    return subject


def _check_listing(part: _Part, where: str) -> None:
    count = words(part.page)
    if part.page.wall in ("login", "consent") and is_nearly_empty(part.page) and "://" in where:
        what = "behind a log-in" if part.page.wall == "login" else "behind a consent wall"
        raise SourceError(f"the page is {what}", where=where, hint="save the page from a browser and give the file")
    if count >= MIN_WORDS:
        return
    if part.page.scripts:
        hint = "it builds its text with JavaScript: save the page from a browser and give the file, or set browser = on"
    else:
        hint = "give the product's own listing page, or a file with its text"
    what = "the page has no text" if count == 0 else f"the page has only {count} words of text"
    raise SourceError(what, where=where, hint=hint)


def _add_notes(g: _Gathering, notes: Sequence[str]) -> None:
    for number, note in enumerate(notes, 1):
        name = f"note-{number}"
        if not note.strip():
            raise UsageError("an empty note", where=name, hint="give its text or a file")
        snapshot = g.snapshot(note.encode("utf-8", "replace"), name, name, "text/plain", "analyst-note")
        g.parts.append(_Part(read_markdown(note.replace("\r\n", "\n")), snapshot, name))


def _add_missing(g: _Gathering, crawl: Crawl) -> None:
    for url in crawl.scripted:
        g.missing.append(Missing(reason="needs-javascript", detail=f"{url} {_NEEDS_BROWSER}"))
    if crawl.unread:
        g.missing.append(Missing(reason="budget", detail=f"{crawl.unread} linked pages were not read"))
    g.missing.extend(Missing(reason="near-empty", detail=f"{url} has next to no text") for url in crawl.thin)
    for part in g.parts:
        left = shortened(part.page)[1]
        if left:
            detail = f"{part.url} is longer than {MAX_TEXT:,} characters, the last {left:,} were not read"
            g.missing.append(Missing(reason="budget", detail=detail))
    listing = g.parts[0]
    count = words(listing.page)
    if listing.page.scripts and count < _NEAR_EMPTY_WORDS:
        g.missing.append(Missing(reason="needs-javascript", detail=f"the listing {_NEEDS_BROWSER}"))
    if count < _NEAR_EMPTY_WORDS:
        kind = "needs-javascript" if listing.page.scripts else "near-empty"
        removed = (*listing.page.removed, Removed(kind, "the listing", f"{count} words of text"))
        g.parts[0] = _Part(listing.page._replace(removed=removed), listing.snapshot, listing.url, listing.about)


def _carry(g: _Gathering, crawl: Crawl) -> None:
    """Attach findings from files without text, such as sitemaps, to the listing, so that none is lost."""
    listing, *others = g.parts
    found = list(crawl.maps.removed)
    for part in others:
        if not part.page.blocks:
            found.extend(each._replace(where=f"{each.where}, {part.url}") for each in part.page.removed)
    page = listing.page._replace(removed=(*listing.page.removed, *found[:_MAX_CARRIED]))
    g.parts[0] = replace(listing, page=page)


def _documents(parts: Sequence[_Part]) -> list[Document]:
    made: list[Document] = []
    for part in parts:
        if not part.page.blocks:
            continue
        document = compose(
            f"D{len(made) + 1}", part.page, part.snapshot, url=part.url, kind=part.snapshot.kind, about=part.about
        )
        if document.text:
            made.append(document)
    return made


def unread(intake: Intake) -> tuple[Dropped, ...]:
    """Return the source text that could not be read: first the gaps of the intake, then failed links by reason."""
    gaps = [Dropped(what=SOURCE_TEXT + gap.detail, reason=gap.reason) for gap in intake.missing if gap.reason != _LATER]
    reasons: dict[tuple[str, str], list[str]] = {}
    for link in intake.links:
        if link.state == "refused" or (link.state == "skipped" and _FAILED.match(link.reason)):
            reasons.setdefault((link.reason, link.state), []).append(link.url)
    for (reason, state), urls in list(reasons.items())[:_MAX_REASONS]:
        pages = urls[0] if len(urls) == 1 else f"{len(urls)} linked pages, the first {urls[0]}"
        gaps.append(Dropped(what=f"{SOURCE_TEXT}{pages}: {reason}", reason=state))
    if len(reasons) > _MAX_REASONS:
        rest = sum(map(len, list(reasons.values())[_MAX_REASONS:]))
        gaps.append(Dropped(what=f"{SOURCE_TEXT}{rest} further linked pages, for other reasons", reason="skipped"))
    return tuple(gaps)
