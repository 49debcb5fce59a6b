"""Markdown and plain text as blocks, by a small reader of our own.

No child process and no parser in C stands between a Markdown file and its blocks, so reading one costs next to
nothing. It knows what product listings and READMEs use: headings, paragraphs, lists, tables, quotes, fenced code,
links, emphasis, HTML comments and stray tags. What it does not know stays in the text as it was written.
"""

import html
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Final, NamedTuple

from agent.intake.pages.instructions import find
from agent.intake.pages.page import MAX_EXCERPT, Block, BlockKind, Page, PageLink, Removed

# What is repeated in a pattern has an end in sight, so that a long run of openings costs no more than a page of prose.
_ATX: Final = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?")
_SETEXT: Final = re.compile(r" {0,3}(=+|-+)[ \t]*")
_FENCE: Final = re.compile(r" {0,12}(`{3,}|~{3,})(.*)")
_ITEM: Final = re.compile(r"([ \t]*)(?:[-*+•·]|\d{1,9}[.)])[ \t]+(.*)")
_TASK: Final = re.compile(r"\[[ xX]\][ \t]+")
_RULE: Final = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})")
_QUOTE: Final = re.compile(r"(?: {0,3}> ?)*")
_DELIMITER: Final = re.compile(r"[ \t]*(?:\|[ \t]*)?:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*(?:\|[ \t]*)?")
_REFERENCE: Final = re.compile(r" {0,3}\[[^\]]+\]:[ \t]*(\S+).*")
_CELLS: Final = re.compile(r"(?<!\\)\|")
_COMMENT: Final = re.compile(r"<!--(.*?)(?:-->|\Z)", re.DOTALL)
_ELEMENT: Final = re.compile(r"<(\w{1,40})([^>]{0,500})>")
_SILENT_ELEMENT: Final = re.compile(r"<(script|style|template|noscript)\b([^>]{0,2000})>", re.IGNORECASE)
_HIDES: Final = re.compile(
    r"display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden|font-size\s{0,9}:\s{0,9}0|[\s\"']hidden[\s=>]", re.I
)
_CLOSING: Final = re.compile(r"</(\w{1,40})\s*>")
_BREAK_TAG: Final = re.compile(
    r"</?(?:br|p|div|li|tr|h[1-6]|ul|ol|table|details|summary|blockquote)\b[^>]{0,500}>", re.I
)
_TAG: Final = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]{0,2000})?/?>")
_IMAGE: Final = re.compile(r"!\[([^\]]{0,500})\](?:\([^()\s]*(?:\s+\"[^\"]{0,500}\")?\)|\[[^\]]{0,500}\])")
_LINK: Final = re.compile(
    r"\[([^\[\]]+)\]\((<[^<>]*>|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+[\"'(][^\"')]{0,500}[\"')])?\)"
)
_REFERENCED: Final = re.compile(r"\[([^\[\]]+)\]\[[^\]]*\]")
_AUTOLINK: Final = re.compile(r"<((?:https?://|mailto:)[^\s<>]+)>")
_BARE: Final = re.compile(r"(?<![(<\w\"])https?://[^\s<>()\"']+")
_CODE: Final = re.compile(r"(?<!`)(`+)(?!`)(.{1,2000}?)(?<!`)\1(?!`)")
_EMPHASIS: Final = (
    re.compile(r"\*\*(?=\S)(.{1,400}?)(?<=\S)\*\*"),
    re.compile(r"(?<![\w_])__(?=\S)(.{1,400}?)(?<=\S)__(?![\w_])"),
    re.compile(r"(?<![\w*:/.\\])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])"),
    re.compile(r"(?<![\w_\\])_(?=[^\s_])([^_\n]+?)(?<=[^\s_])_(?![\w_])"),
    re.compile(r"~~(?=\S)(.{1,400}?)(?<=\S)~~"),
)
_ESCAPE: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_FRONT: Final = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE: Final = re.compile(r"^title:(.*)$", re.MULTILINE)
_HAS_HEADING: Final = re.compile(r"^#{1,6} \S", re.MULTILINE)
_HELD: Final = "\ue000"
_WRAPPED_SHARE: Final = 0.6
_MAX_WRAP: Final = 100
_MIN_WRAP: Final = 50


class _Element(NamedTuple):
    name: str
    words: str


def read_markdown(text: str) -> Page:
    """The blocks of a Markdown text; `title` is its first heading or the front matter's title."""
    front = _FRONT.match(text)
    title = ""
    if front:
        found = _FRONT_TITLE.search(front[1])
        title = _unquoted(found[1].strip(" \t")) if found else ""
        text = text[front.end() :]
    text, removed = _strip_html(text.replace("\t", "    "))
    links: list[PageLink] = []
    blocks = _Reader(links).read(text.split("\n"))
    heading = next((block.text for block in blocks if block.kind == "heading"), "")
    return Page(heading or title, tuple(blocks), tuple(links), tuple(removed))


def read_text(text: str) -> Page:
    """The blocks of plain text: paragraphs between blank lines, bullets as items, wrapped lines joined."""
    if _HAS_HEADING.search(text):
        return read_markdown(text)
    lines = [line.rstrip() for line in text.expandtabs(4).split("\n")]
    longest = max(map(len, lines), default=0)
    wrap = longest * _WRAPPED_SHARE if _MIN_WRAP <= longest <= _MAX_WRAP else None
    found: list[tuple[BlockKind, list[str]]] = []
    previous = ""
    for line in lines:
        item = _ITEM.fullmatch(line)
        words = line.strip()
        if item and item[2]:
            found.append(("item", [item[2].strip()]))
        elif words and wrap and len(previous) >= wrap and found and found[-1][0] != "row":
            found[-1][1].append(words)
        elif words:
            found.append(("row", [_row(words)]) if words.startswith("|") else ("paragraph", [words]))
        previous = line
    blocks = [Block(kind, " ".join(parts)) for kind, parts in found]
    return Page(blocks[0].text[:MAX_EXCERPT] if blocks else "", tuple(block for block in blocks if block.text))


def _strip_html(text: str) -> tuple[str, list[Removed]]:
    """`text` outside code without comments, hidden elements and silent elements."""
    comments: list[str] = []
    silenced: list[_Element] = []
    hidden: list[_Element] = []

    def comment(match: re.Match[str]) -> str:
        comments.append(" ".join(match[1].split()))
        return "\n" * match[0].count("\n")

    parts: list[str] = []
    for code, part in _split_code(text):
        if not code:
            part = _COMMENT.sub(comment, part)
            part = _without(part, _SILENT_ELEMENT, silenced)
            part = _without(part, _ELEMENT, hidden)
        parts.append(part)
    removed = [Removed("instruction-like-text", "a comment", words) for _, words in _orders(comments)]
    removed += [
        Removed("hidden-text", f"a <{silenced[n].name}>", silenced[n].words[:MAX_EXCERPT])
        for n, _ in _orders([element.words for element in silenced])
    ]
    removed += [
        Removed("hidden-text", f"a hidden <{element.name}>", element.words[:MAX_EXCERPT])
        for element in hidden
        if element.words
    ]
    return "\n".join(parts), removed


def _orders(texts: list[str]) -> Iterator[tuple[int, str]]:
    """Which of `texts`, each one line, speak to assessors, and the words with which each begins to.

    They are searched together: there may be ten thousand of them.
    """
    starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
    last = -1
    for place in find("\n".join(texts)):
        number = bisect_right(starts, place.start) - 1
        if number > last:
            yield number, texts[number][place.start - starts[number] :][:MAX_EXCERPT]
        last = number


def _without(text: str, opening: re.Pattern[str], taken: list[_Element]) -> str:
    """`text` without the elements that `opening` begins and their own tag ends, which go to `taken`.

    Of elements of any name only those that hide what they hold.
    """
    closings: dict[str, list[re.Match[str]]] = {}
    parts: list[str] = []
    at = kept = 0
    while match := opening.search(text, at):
        at = match.start() + 1
        if opening is _ELEMENT and not _HIDES.search(f"{match[2]}>"):
            continue
        if not closings:
            for closing in _CLOSING.finditer(text):
                closings.setdefault(closing[1].lower(), []).append(closing)
            if not closings:
                break
        name = match[1].lower()
        ends = closings.get(name, [])
        index = bisect_left(ends, match.end(), key=lambda end: end.start())
        if index < len(ends):
            words = " ".join(_TAG.sub(" ", text[match.end() : ends[index].start()]).split())
            taken.append(_Element(name, words))
            parts.append(text[kept : match.start()])
            at = kept = ends[index].end()
    parts.append(text[kept:])
    return "".join(parts)


def _split_code(text: str) -> list[tuple[bool, str]]:
    """The text as runs of lines, fenced code apart from the rest."""
    runs: list[tuple[bool, list[str]]] = [(False, [])]
    fence = ""
    for line in text.split("\n"):
        match = _FENCE.fullmatch(line)
        if fence:
            runs[-1][1].append(line)
            if match and match[1].startswith(fence) and not match[2].strip():
                fence = ""
                runs.append((False, []))
        elif match and not (match[1].startswith("`") and "`" in match[2]):
            fence = match[1]
            runs.append((True, [line]))
        else:
            runs[-1][1].append(line)
    return [(code, "\n".join(lines)) for code, lines in runs if lines]


class _Reader:
    """Collects blocks line by line; the open paragraph or item takes further lines."""

    def __init__(self, links: list[PageLink]) -> None:
        self._links = links
        self._blocks: list[Block] = []
        self._open: list[str] = []
        self._kind = "paragraph"
        self._table = False

    def read(self, lines: list[str]) -> list[Block]:
        fence = ""
        for index, raw in enumerate(lines):
            match = _FENCE.fullmatch(raw)
            if fence:
                if match and match[1].startswith(fence) and not match[2].strip():
                    fence = ""
                elif raw.strip():
                    self._blocks.append(Block("code", raw.rstrip()))
            elif match and not (match[1].startswith("`") and "`" in match[2]):
                self._close()
                fence = match[1]
            else:
                self._line(_unquote(raw), _unquote(lines[index + 1]) if index + 1 < len(lines) else "")
        self._close()
        return self._blocks

    def _line(self, line: str, following: str) -> None:
        if not line.strip():
            self._close()
            self._table = False
            return
        atx = _ATX.fullmatch(line)
        item = _ITEM.fullmatch(line)
        if atx:
            self._close()
            self._heading(_unclosed(atx[2] or ""), len(atx[1]))
        elif self._open and self._kind == "paragraph" and _SETEXT.fullmatch(line):
            text = " ".join(self._open)
            self._open = []
            self._heading(text, 1 if line.strip().startswith("=") else 2)
        elif _RULE.fullmatch(line) or _REFERENCE.fullmatch(line):
            self._close()
        elif self._table and "|" in line:
            if not _DELIMITER.fullmatch(line):
                self._append("row", " | ".join(self._inline(cell) for cell in _row(line).split(" | ")))
        elif "|" in line and "|" in following and _DELIMITER.fullmatch(following):
            self._close()
            self._table = True
            self._append("row", " | ".join(self._inline(cell) for cell in _row(line).split(" | ")))
        elif item:
            self._close()
            self._kind = "item"
            self._open = [_TASK.sub("", item[2])]
        else:
            self._open.append(line.strip())

    def _heading(self, text: str, level: int) -> None:
        words = self._inline(text)
        if words:
            self._blocks.append(Block("heading", words, level))

    def _close(self) -> None:
        if self._open:
            for part in _BREAK_TAG.split(" ".join(self._open)):
                self._append(self._kind, self._inline(part))
        self._open = []
        self._kind = "paragraph"

    def _append(self, kind: str, text: str) -> None:
        if text.strip(" |"):
            self._blocks.append(Block("item" if kind == "item" else "row" if kind == "row" else "paragraph", text))

    def _inline(self, text: str) -> str:
        """`text` without markers; code spans are held aside, so that nothing in them is read as markup."""
        held: list[str] = []

        def hold(words: str) -> str:
            held.append(words)
            return f"{_HELD}{len(held) - 1}{_HELD}"

        def link(match: re.Match[str]) -> str:
            self._links.append(PageLink(match[2].strip("<>"), match[1], "main"))
            return match[1]

        def bare(match: re.Match[str]) -> str:
            address = match[1] if match.re is _AUTOLINK else match[0]
            self._links.append(PageLink(address.rstrip(".,;:"), "", "main"))
            return hold(address)

        # Code spans keep their marks: they tell a name from a word, and quotes of the source carry them.
        text = _CODE.sub(lambda match: hold(match[0]), text.replace(_HELD, ""))
        text = _IMAGE.sub(lambda match: match[1], text)
        text = _LINK.sub(link, text)
        text = _REFERENCED.sub(lambda match: match[1], text)
        text = _BARE.sub(bare, _AUTOLINK.sub(bare, text))
        text = _ESCAPE.sub(lambda match: hold(match[1]), text)
        text = _TAG.sub("", text)
        for pattern in _EMPHASIS:
            text = pattern.sub(lambda match: match[1], text)
        text = html.unescape(text)
        text = re.sub(f"{_HELD}(\\d+){_HELD}", lambda match: held[int(match[1])], text)
        return " ".join(text.split(" ")).strip()


def _unclosed(heading: str) -> str:
    """The words of a heading without the number signs that may end it."""
    words = heading.rstrip(" \t")
    bare = words.rstrip("#")
    return bare.rstrip(" \t") if not bare or bare[-1] in " \t" else words


def _unquoted(title: str) -> str:
    """A value of the front matter without its quotation marks."""
    start = 1 if title[:1] in ('"', "'") else 0
    end = len(title) - (1 if title[start:][-1:] in ('"', "'") else 0)
    return title[start:end]


def _unquote(line: str) -> str:
    """A line without the marks of the quotes that it stands in."""
    marks = _QUOTE.match(line)
    return line[marks.end() :] if marks else line


def _row(line: str) -> str:
    cells = [cell.strip().replace("\\|", "|") for cell in _CELLS.split(line.strip().strip("|"))]
    return " | ".join(cells)
