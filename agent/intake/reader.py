"""Reading all sources of one product: the one entry into this room."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from agent.errors import SeptetError, SourceError, UsageError
from agent.intake.compose import compose
from agent.intake.crawl import MIN_WORDS, Crawl, Read, words
from agent.intake.net.answer import Outcome, Web
from agent.intake.net.fetch import Fetcher, Meter
from agent.intake.net.netguard import Guard, Resolver, with_deadline
from agent.intake.pages.boilerplate import without_repeats
from agent.intake.pages.extract import media_type, read_page, text_of
from agent.intake.pages.listing_json import read_json
from agent.intake.pages.markdown import read_markdown
from agent.intake.pages.page import Page, Removed
from agent.intake.snapshot import digest
from agent.intake.sources import Folder, LocalFile, locate, read_file, read_folder
from agent.records import About, Budget, Document, Intake, Missing, Snapshot, SourceKind
from agent.settings import Settings

_NEAR_EMPTY_WORDS: Final = 30

Input = str | LocalFile | Folder
"""A source that was opened: an address, or bytes under their names."""


@dataclass(frozen=True)
class IntakeResult:
    """What was read, and the bytes that it was read from by their SHA-256."""

    intake: Intake
    blobs: dict[str, bytes]


@dataclass(frozen=True)
class _Part:
    """One document to be: its page, the snapshot that it comes from, and what it is about unless its headings say."""

    page: Page
    snapshot: Snapshot
    url: str
    about: About = "product"


@dataclass
class _Gathering:
    """Everything that the sources gave so far."""

    now: str
    parts: list[_Part] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)
    bytes_used: int = 0
    pages_used: int = 0
    final_url: str = ""

    def next_kind(self) -> SourceKind:
        """`listing` for the very first document."""
        return "docs" if self.parts else "listing"

    def snapshot(self, body: bytes, requested: str, final: str, media: str, kind: SourceKind) -> Snapshot:
        """Keep `body`; bytes that were seen before keep their first record."""
        sha256 = digest(body)
        self.blobs[sha256] = body
        self.bytes_used += len(body)
        made = Snapshot(
            sha256=sha256,
            requested_url=requested,
            final_url=final,
            fetched_at=self.now,
            media_type=media,
            kind=kind,
            size=len(body),
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

    `allow_private` names hosts (`HOST[:PORT]`) that may be private, `notes` are texts of the analyst, `now` is the time
    for the records in UTC (ISO 8601 with `Z`). `resolve` stands in for the system's look-up of host names.

    Raises UsageError when a source is neither a path nor an address, RefusedError when the guard refuses one,
    SourceError when one cannot be read or the listing says next to nothing, UnavailableError when the network fails.
    """
    if not sources:
        raise UsageError("no source", hint="give the address of a listing, a file or a folder")
    meter = Meter(settings)
    meter.start_request()
    guard = Guard(allow_private, with_deadline(resolve, meter.seconds_left))
    inputs = [_opened(source, settings) for source in sources]
    with Fetcher(settings, guard, meter) as fetcher:
        web = _Serial(fetcher, meter)
        return read_inputs(inputs, web, settings, guard=guard, notes=notes, product=product, progress=progress, now=now)


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
    """Read opened sources: an address is crawled through `web`, files and folders are in memory already.

    The same inputs and the same answers of `web` give the same result, byte for byte.

    Raises what `read` raises.
    """
    if not inputs:
        raise UsageError("no source", hint="give the address of a listing, a file or a folder")
    tell = progress or _silent
    gathering = _Gathering(now)
    crawl = Crawl(web, guard, settings, tell)
    for given in inputs:
        if isinstance(given, str):
            _add_crawl(gathering, crawl.run(given))
        else:
            _add_local(gathering, given, settings, crawl.pages_used, tell)
    _check_listing(gathering.parts[0], str(gathering.final_url))
    _add_notes(gathering, notes)
    _add_missing(gathering, crawl)
    first = inputs[0]
    budget = Budget(
        pages=settings.max_pages,
        pages_used=crawl.pages_used + gathering.pages_used,
        bytes=settings.max_total_bytes,
        bytes_used=gathering.bytes_used,
        seconds=settings.total_seconds,
        depth=settings.max_depth,
        connections_per_host=settings.connections_per_host,
        delay_seconds=settings.delay_seconds,
    )
    intake = Intake(
        source=first if isinstance(first, str) else first.name,
        final_url=gathering.final_url,
        snapshots=tuple(gathering.snapshots.values()),
        documents=tuple(_documents(gathering.parts)),
        links=tuple(crawl.links.values()),
        missing=tuple(gathering.missing),
        budget=budget,
    )
    return IntakeResult(intake, gathering.blobs)


class _Serial:
    """One request after the other."""

    def __init__(self, fetcher: Fetcher, meter: Meter) -> None:
        self._fetcher = fetcher
        self._meter = meter

    def get_all(self, urls: Sequence[str]) -> list[Outcome]:
        """What each address gave, in the order asked for."""
        outcomes: list[Outcome] = []
        for url in urls:
            try:
                outcomes.append(self._fetcher.get(url))
            except SeptetError as error:
                outcomes.append(error)
        return outcomes

    def exhausted(self) -> str | None:
        """Which budget is used up."""
        return self._meter.exhausted()


def _opened(source: str, settings: Settings) -> Input:
    place = locate(source)
    if isinstance(place, str):
        return place
    name = place.resolve().name
    if place.is_dir():
        return read_folder(place, settings.max_pages, settings)
    return read_file(place, name, settings)


def _silent(_: str) -> None:
    return None


def _add_local(
    g: _Gathering, given: LocalFile | Folder, settings: Settings, used: int, tell: Callable[[str], None]
) -> None:
    g.final_url = g.final_url or given.name
    if isinstance(given, LocalFile):
        tell(f"reading {given.name}")
        _add_file(g, given, settings)
        return
    pages = max(1, settings.max_pages - used - g.pages_used)
    for file in given.files[:pages]:
        tell(f"reading {file.name}")
        _add_file(g, file, settings)
    for left in (*(file.name for file in given.files[pages:]), *given.left_out):
        g.missing.append(Missing(reason="budget", detail=f"{left} was not read, the budget of pages is used up"))


def _add_file(g: _Gathering, file: LocalFile, settings: Settings) -> None:
    if g.bytes_used + len(file.body) > settings.max_total_bytes:
        raise SourceError("the bytes for one product are used up", where=file.name, hint="raise max_total_bytes")
    g.pages_used += 1
    kind = g.next_kind()
    snapshot = g.snapshot(file.body, file.name, file.name, media_type(file.kind), kind)
    if file.kind != "json":
        page = read_page(file.body, file.kind, "", file.name, settings)
        g.parts.append(_Part(page, snapshot, file.name))
        return
    for number, part in enumerate(read_json(text_of(file.body, "", file.name), file.name)):
        own = snapshot if number == 0 else snapshot.model_copy(update={"kind": "docs"})
        g.parts.append(_Part(part.page, own, file.name + part.anchor))


def _add_crawl(g: _Gathering, reads: Sequence[Read]) -> None:
    g.final_url = g.final_url or reads[0].fetched.url
    html = [read for read in reads if read.kind == "html"]
    cleaned = dict(zip((id(read) for read in html), without_repeats([read.page for read in html]), strict=True))
    for read in reads:
        fetched = read.fetched
        kind = g.next_kind()
        snapshot = g.snapshot(fetched.body, fetched.requested, fetched.url, media_type(read.kind), kind)
        if read.kind == "json":
            text = text_of(fetched.body, fetched.charset, fetched.url)
            for number, part in enumerate(read_json(text, fetched.url)):
                own = snapshot if number == 0 else snapshot.model_copy(update={"kind": "docs"})
                g.parts.append(_Part(part.page, own, fetched.url + part.anchor))
            continue
        page = cleaned.get(id(read), read.page)
        g.parts.append(_Part(page, snapshot, fetched.url, read.about))


def _check_listing(part: _Part, where: str) -> None:
    count = words(part.page)
    if count >= MIN_WORDS:
        return
    if part.page.scripts:
        hint = "it builds its text with JavaScript: save the page from a browser and give the file"
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
    if crawl.unread:
        g.missing.append(Missing(reason="budget", detail=f"{crawl.unread} linked pages were not read"))
    g.missing.extend(Missing(reason="near-empty", detail=f"{url} has next to no text") for url in crawl.thin)
    listing = g.parts[0]
    count = words(listing.page)
    if listing.page.scripts and count < _NEAR_EMPTY_WORDS:
        g.missing.append(Missing(reason="needs-javascript", detail="the listing builds its text with JavaScript"))
    if count < _NEAR_EMPTY_WORDS:
        kind = "needs-javascript" if listing.page.scripts else "near-empty"
        removed = (*listing.page.removed, Removed(kind, "the listing", f"{count} words of text"))
        g.parts[0] = _Part(listing.page._replace(removed=removed), listing.snapshot, listing.url, listing.about)


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
