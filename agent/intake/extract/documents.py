"""Composes a Document from blocks: one text with stable offsets, its sections, and findings with their locations.

In the text, headings are plain lines; list items of any depth are lines that begin with `- `; table rows are `a | b`,
the column headings first; code consists of its non-blank lines; front matter fields are `key: value`; pictures are
represented by their descriptions. A blank line separates blocks, except within a list, a table or front matter and
between pictures; the text ends with one line feed. `Document.blocks` records the kind of each block.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple, cast
from urllib.parse import unquote_plus, urlsplit

from agent.intake.extract.statements import language
from agent.intake.extract.statements.vendor_claims import under, vendor_claims
from agent.intake.hidden import characters as sanitise, instructions
from agent.intake.hidden.characters import clean
from agent.intake.page import MAX_EXCERPT, Block, Page
from agent.records import About, Document, DocumentBlock, Finding, FindingKind, Section, Snapshot, SourceKind

MAX_TEXT: Final = 400_000
"""Maximum number of characters kept of one document, as returned by its reader: about 80,000 words, a book's length."""
_TIGHT: Final = frozenset({"item", "row", "front-matter", "image"})
_PLACES: Final = {
    "heading": "a heading",
    "item": "a list item",
    "row": "a table row",
    "code": "code",
    "front-matter": "the front matter",
    "image": "the description of a picture",
}
_MAX_FINDINGS: Final = 200
_MAX_PARTS: Final = 200
"""Maximum number of links per block whose positions are kept."""
_REORDERS: Final = frozenset({"bidi-control", "combining-flood"})
_SAID: Final = re.compile(r"[^\s.!?|][^.!?\n|]*")
_MIN_REPEATED_WORDS: Final = 5
_NO_PROSE: Final = re.compile(r"`|[\"']\s*:|[{}]")
"""Signs of code: API references repeat common parameters and sample keys, which is not keyword stuffing."""
_MIN_REPEATS: Final = 6
_MIN_REPEATED_SHARE: Final = 0.05
"""Minimum share of a page's text that a repeated sentence must fill to count as keyword stuffing."""

# Headings of material about something other than this product. The pattern matches the whole heading, so that
# "Recommended settings", "Code reviews" and "Related entities" still count as content about the product.
_THINGS: Final = (
    r"(?:ai )?(?:agents?|tools?|products?|apps?|servers?|posts?|articles?|pages?|links?|listings?|reading|"
    r"topics?|resources?|projects?|software|companies|categories|searches|skills?|integrations? from others)"
)
_OTHER: Final = re.compile(
    rf"(?:(?:related|similar|other|recommended|featured|popular|trending|sponsored|more|latest|new|nearby|top|best)"
    rf"(?: \w+)? {_THINGS}\b.*"
    r"|related|similar|featured|sponsored|recommended(?: for you)?|trending(?: now)?|recently viewed|advertisement"
    r"|(?:a |the )?comparisons? (?:with|to)\b.*|how (?:do|does) \S.{0,60} compare\b.*|our other \S.*|sister projects"
    r"|(?:相关|其他|类似|友情)(?:项目|产品|链接|工具)|(?:関連|類似|その他の)(?:プロジェクト|製品|ツール)"
    r"|(?:관련|유사|다른) ?(?:프로젝트|제품|도구)|(?:verwandte|ähnliche|andere) (?:projekte|produkte|werkzeuge)"
    r"|otros (?:proyectos|productos)|(?:proyectos|productos) (?:relacionados|similares)"
    r"|autres (?:projets|produits)|(?:projets|produits) (?:liés|similaires|connexes|associés)"
    r"|(?:\S+ )?alternatives(?: to .*)?|(?:top|best|popular) alternatives\b.*|competitors|compare (?:with|to)\b.*"
    r"|(?:you|users|people|customers) (?:may|might|will|who|also)\b.*|see also|explore more|more (?:from|like|by)\b.*"
    r"|(?:customer |user |verified |community |product |recent )?(?:reviews|ratings)(?: (?:and|&) \w+)?(?: \(\d+\))?"
    r"|testimonials|what (?:people|users|customers|others|our customers|our users) (?:say|are saying)\b.*|loved by\b.*"
    r"|(?:join|subscribe to|sign up for) .*newsletter\b.*|newsletter|subscribe|stay (?:updated|in the loop)\b.*"
    r"|(?:owasp )?aivss\b.*|maestro\b.*|.*\b(?:aivss|score) rationale|(?:latest|recent) (?:news|posts|from the blog)"
    r"|(?:from the|our) blog|about (?:this|the|our) directory|about us|about the company|careers|contact(?: us)?)",
    re.IGNORECASE,
)
_LISTING_OTHER: Final = re.compile(
    r"(?i)(?:.*\b)?(?:agentic )?threat model(?: by .*)?|(?:overall |our )?(?:risk|trust|security|safety) (?:score"
    r"|rating|grade|verdict)\b.*|(?:risk|security) (?:assessment|review) by\b.*|editor['’]?s? (?:verdict|rating)"
)
_PLATFORM: Final = re.compile(
    r"(?:about )?(?:the |our )[\w.-]+(?: [\w.-]+)? platform|platform overview|about the platform|about [\w.-]+ cloud",
    re.IGNORECASE,
)
_OTHER_TEXT: Final = re.compile(
    r"(?:Not certain from (?:the )?listing\b|Scored with the (?:canonical )?OWASP AIVSS|"
    r"Per-layer threats for this agent)"
)
# Labels that introduce such material on pages without headings for it; the product's own next label ends it.
_LABEL: Final = re.compile(
    rf"(?:owasp )?aivss\b.*|maestro\b.*|.*\b(?:aivss|score) rationale|agentic threat model|"
    rf"(?:related|similar|other|recommended|featured|sponsored) {_THINGS}|you (?:may|might) also like|"
    r"(?:alternatives|competitors)(?: to .*)?|people also viewed",
    re.IGNORECASE,
)
_OWN_LABEL: Final = re.compile(r"[A-Z][\w&/ -]{2,40}")
_MAX_LABEL_WORDS: Final = 8
_NUMBERED: Final = re.compile(r"^[\d.)\s#*•–—-]+|[\s:#¶]+$")


class _Heading(NamedTuple):
    level: int
    text: str
    about: About


class _Composer:
    """Collects a document's text, blocks, sections and findings as blocks are added in order."""

    def __init__(self, identity: str, base: About, *, listing: bool) -> None:
        self.blocks: list[DocumentBlock] = []
        self.findings: list[Finding] = []
        self._identity = identity
        self._base = base
        self._listing = listing
        self._parts: list[str] = []
        self._length = 0
        self._stack: list[_Heading] = []
        self._starts: list[tuple[int, tuple[str, ...], About]] = [(0, (), base)]
        """The offset at which each section begins, its path, and what it is about."""
        self._spill = False
        """Whether the current text follows a label that introduces material about something else."""

    def take(self, block: Block) -> None:
        """Clean and add a block, and record a finding for everything it hides, reorders or forges."""
        cleaned = clean(block.text, _PLACES.get(block.kind, "a paragraph"))
        text = _one_line(cleaned.text, block.kind)
        active = sanitise.find_active(text) if text and block.kind != "code" else ()
        start = 0
        if text:
            # A heading must not open a section if it forges markup or structure, or if it looks different from what
            # its characters say.
            forged = bool(active) or any(r.kind in _REORDERS for r in cleaned.removed)
            plain = block._replace(kind="paragraph", level=0) if forged and block.kind == "heading" else block
            start = self._add(plain._replace(text=text))
        end = start + len(text)
        for kind, where, excerpt in cleaned.removed:
            # A reader sees something other than what the characters say, so the finding withdraws the text.
            span = (start, end) if kind in _REORDERS else (0, 0)
            self.find(kind, *span, where, excerpt)
        for mark in active:
            # A page that shows raw Markdown may still state facts between the marks, so its text is not withdrawn.
            raw = mark.kind == "structure" and block.kind == "paragraph" and not text.endswith("|")
            self.find(mark.kind, start, start if raw else end, under(self._starts[-1][1]), text[mark.start :])

    def find(self, kind: str, start: int, end: int, where: str, excerpt: str) -> None:
        """Add a finding; `kind` is one of `FindingKind`."""
        shown = " ".join(excerpt.split())[:MAX_EXCERPT]
        self.findings.append(
            Finding(
                kind=cast("FindingKind", kind),
                document=self._identity,
                start=start,
                end=end,
                where=where,
                excerpt=shown,
            )
        )

    def finish(self) -> tuple[str, tuple[Section, ...]]:
        """Return the text and its sections."""
        self._put("\n" if self.blocks else "")
        ends = [*(start for start, _, _ in self._starts[1:]), self._length]
        sections = (
            Section(start=start, end=end, path=path, about=about)
            for (start, path, about), end in zip(self._starts, ends, strict=True)
            if end > start
        )
        return "".join(self._parts), tuple(sections)

    def _add(self, block: Block) -> int:
        """Add a cleaned block and return the offset of its text."""
        tight = bool(self.blocks) and self.blocks[-1].kind == block.kind and block.kind in _TIGHT
        self._put("" if not self.blocks else "\n" if tight else "\n\n")
        self._open(block)
        self._put("- " + block.text if block.kind == "item" else block.text)
        start = self._length - len(block.text)
        links: list[tuple[int, int]] = []
        at = 0
        for part in block.links[:_MAX_PARTS]:
            place = block.text.find(part, at) if part else -1
            if place >= 0:  # a link text that cleaning changed is left out
                at = place + len(part)
                links.append((start + place, start + at))
        self.blocks.append(
            DocumentBlock(
                start=start,
                end=self._length,
                kind=block.kind,
                level=max(1, block.level) if block.kind == "item" else block.level,
                language=block.language,
                heads=_cleaned(block.heads),
                links=tuple(links),
            )
        )
        return start

    def _put(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def _open(self, block: Block) -> None:
        """Begin a section if the block is a heading or is about something other than the previous block."""
        if block.kind == "heading":
            first = not self._stack
            while self._stack and self._stack[-1].level >= block.level:
                self._stack.pop()
            outer = self._stack[-1].about if self._stack else self._base
            # The first heading names the page itself, so its words are not judged.
            said: About = "product" if first else heading_about(block.text, listing=self._listing)
            self._stack.append(_Heading(block.level, block.text, outer if said == "product" else said))
            self._spill = False
        elif block.kind == "paragraph" and self.blocks and len(block.text.split()) <= _MAX_LABEL_WORDS:
            if _LABEL.fullmatch(block.text):
                self._spill = True
            elif _OWN_LABEL.fullmatch(block.text):
                self._spill = False
        about: About = self._stack[-1].about if self._stack else self._base
        if self._spill or block.hint == "other" or (block.kind != "heading" and _OTHER_TEXT.match(block.text)):
            about = "other"
        elif block.hint == "platform" and about == "product":
            about = "platform"
        path = tuple(heading.text for heading in self._stack)
        if block.kind == "heading" or (path, about) != self._starts[-1][1:]:
            self._starts.append((self._length, path, about))


@lru_cache(maxsize=64)
def _cleaned(heads: tuple[str, ...]) -> tuple[str, ...]:
    """Return the cleaned column headings; cached, because every row of a table repeats them."""
    return tuple(_one_line(clean(head, "").text, "row") for head in heads)


def heading_about(text: str, *, listing: bool) -> About:
    """Return what the text under a heading is about, judged by the heading's words alone."""
    words = _NUMBERED.sub("", text)
    if _OTHER.fullmatch(words) or (listing and _LISTING_OTHER.fullmatch(words)):
        return "other"
    return "platform" if _PLATFORM.fullmatch(words) else "product"


def shortened(page: Page) -> tuple[Page, int]:
    """Return the page truncated to `MAX_TEXT` characters of text, and the number of characters dropped."""
    over = sum(len(block.text) for block in page.blocks) - MAX_TEXT
    if over <= 0:
        return page, 0
    starts = accumulate((len(block.text) for block in page.blocks), initial=0)
    placed = zip(page.blocks, starts, strict=False)
    kept = (block._replace(text=block.text[: MAX_TEXT - start]) for block, start in placed if start < MAX_TEXT)
    return page._replace(blocks=tuple(kept)), over


def compose(
    identity: str,
    page: Page,
    snapshot: Snapshot,
    *,
    url: str = "",
    kind: SourceKind | None = None,
    about: About = "product",
) -> Document:
    """Compose the Document `identity` from the first `MAX_TEXT` characters of a parsed page.

    `url` and `kind` override the snapshot's for a part of a file.

    `about` applies to sections whose headings do not say otherwise.

    Never raises; a page without blocks yields an empty text and no sections.
    """
    page, kind, url = shortened(page)[0], kind or snapshot.kind, url or snapshot.final_url
    made = _Composer(identity, about, listing=kind == "listing")
    for block in page.blocks:
        made.take(block)
    text, sections = made.finish()
    for removed in page.removed:
        made.find(removed.kind, 0, 0, removed.where, clean(removed.text, "").text)
    for place in instructions.find(text):
        start, end = _sentence(text, place.start, place.end)
        made.find("instruction-like-text", start, end, _heading_at(sections, start), text[start:end])
    # The file name or URL is shown beside every quote, so it must not address assessors either.
    parts = urlsplit(url)
    plain = unquote_plus(f"{parts.path} {parts.query} {parts.fragment}")
    words = " ".join(re.sub(r"[-_/+=&.,:;]+", " ", plain).split())
    if any(instructions.find(said) for said in (words, re.sub(r"\b0 0\b", "0.0", words), plain)):
        made.find("instruction-like-text", 0, 0, "the address or file name", clean(plain, "").text)
    for start, end, excerpt in _stuffing(text):
        made.find("retrieval-dominance", start, end, _heading_at(sections, start), excerpt)
    document = Document(
        id=identity,
        sha256=snapshot.sha256,
        url=url,
        title=honest_title(page),
        kind=kind,
        media_type=snapshot.media_type,
        fetched_at=snapshot.fetched_at,
        user_agent=snapshot.user_agent,
        form=page.form,
        language=language.detect("\n".join(b.text for b in page.blocks if b.kind not in language.NO_PROSE)),
        text=text,
        sections=sections,
        blocks=tuple(made.blocks),
        findings=_unique(made.findings, _MAX_FINDINGS),
    )
    return document.model_copy(update={"findings": (*document.findings, *vendor_claims(document))})


def is_honest(text: str) -> bool:
    """Return whether `text` is free of reordered characters, active markup and instructions to assessors."""
    cleaned = clean(text, "")
    if any(removed.kind in _REORDERS for removed in cleaned.removed):
        return False
    return bool(cleaned.text.strip()) and not sanitise.find_active(cleaned.text) and not instructions.find(cleaned.text)


def honest_title(page: Page) -> str:
    """Return the page's title, or a substitute if the title addresses assessors or forges markup.

    Substitutes are tried in this order: other first-level headings, the window title, any heading.
    """
    headings = [block for block in page.blocks if block.kind == "heading"]
    first = [block.text for block in headings if block.level == 1]
    titles = (page.title, *first, page.head_title, *(block.text for block in headings))
    title = next((text for text in titles if is_honest(text)), "")
    return _one_line(clean(title, "").text, "heading")[:MAX_EXCERPT]


def _stuffing(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the first occurrence of each sentence that a page repeats excessively in order to match every query."""
    seen: dict[str, list[int]] = {}
    for match in _SAID.finditer(text):
        parts = match[0].lower().split()
        if len(parts) >= _MIN_REPEATED_WORDS and not _NO_PROSE.search(match[0]):
            seen.setdefault(" ".join(parts), []).append(match.start())
    for words, places in seen.items():
        if len(places) >= _MIN_REPEATS and len(places) * len(words) >= _MIN_REPEATED_SHARE * len(text):
            yield places[0], places[0] + len(words), f"{len(places)} times: {words}"


def _one_line(text: str, kind: str) -> str:
    if kind == "code":
        return "\n".join(line.rstrip() for line in text.split("\n") if line.strip())
    return " ".join(text.split())


def _heading_at(sections: Sequence[Section], offset: int) -> str:
    return next((under(section.path) for section in sections if section.start <= offset < section.end), "")


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen the span to whole sentences, since a finding must withdraw the whole statement and not just a few words."""
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    stop = len(text) if stop < 0 else stop
    line = text[begin:stop]
    cut = max((match.end() for match in re.finditer(r"[.!?]\s+(?=[A-Z\[<\"“])", line[: start - begin + 1])), default=0)
    tail = re.search(r"[.!?](?=\s|$)", text[end:stop])
    return begin + cut, end + tail.end() if tail else stop


def _unique(findings: list[Finding], most: int) -> tuple[Finding, ...]:
    """Return the findings without duplicates; if more than `most` remain, keep some of every kind."""
    seen: Counter[str] = Counter()
    ranked: list[tuple[int, int, Finding]] = []
    for index, finding in enumerate(dict.fromkeys(findings)):
        seen[finding.kind] += 1
        ranked.append((seen[finding.kind], index, finding))
    return tuple(finding for _, _, finding in sorted(sorted(ranked)[:most], key=lambda entry: entry[1]))
