"""The report as one HTML page: no script, nothing loaded from elsewhere, one style that the page's policy names.

It is made from the Markdown report by a CommonMark reader that knows neither raw HTML nor images nor links, so what a
source says can only ever be text, and characters that turn its direction are codes in it already. Marks of evidence
lead to the quote, headings can be linked to.
"""

import base64
import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.export.safe_markdown import one_line
from agent.records.evidence import MARK

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

STYLE: Final = Path(__file__).with_name("report.css")
_PICTURE: Final = "picture"
_OTHER: Final = re.compile(r"[^a-z0-9]+")
_HEADING_ID: Final = 60
"""Characters of a heading that its address keeps."""


def page(markdown: str, title: str, picture: str = "") -> str:
    """The report `markdown` (as `agent.export.markdown.render` writes it) as a whole HTML document, ending with a line
    feed; `picture`, an `svg` element, stands before the Mermaid text. The same text gives the same bytes."""
    style = STYLE.read_text("utf-8")
    policy = f"default-src 'none'; style-src '{hash_source(style)}'; base-uri 'none'; form-action 'none'"
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(one_line(title))}</title>\n<style>{style}</style>\n</head>\n"
    )
    return f"{head}<body>\n<main>\n{body(markdown, picture)}</main>\n</body>\n</html>\n"


def body(markdown: str, picture: str = "") -> str:
    """The report as HTML without a head, for a page that has its own; `picture` as in `page`."""
    reader = _reader()
    tokens = reader.parse(markdown)
    known = {token.content for before, token in itertools.pairwise(tokens) if _is_mark_cell(before, token)}
    taken: set[str] = set()
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.attrs.pop("style", None) == "text-align:right":
            # The page's policy lets no style stand in an attribute.
            token.attrSet("class", "number")
        if token.type == "inline":
            if before is not None and _is_mark_cell(before, token):
                before.attrSet("id", token.content)
            elif token.children:
                token.children = _linked(token.children, known)
            if before is not None and before.type == "heading_open":
                before.attrSet("id", _address(token.content, taken))
    rendered: str = reader.renderer.render(tokens, reader.options, {_PICTURE: picture})
    return rendered


def _is_mark_cell(before: "Token", token: "Token") -> bool:
    return before.type == "td_open" and token.type == "inline" and bool(MARK.fullmatch(token.content))


def _linked(children: Sequence["Token"], known: set[str]) -> list["Token"]:
    """Marks of evidence that the page lists become links to it."""
    from markdown_it.token import Token

    made: list[Token] = []
    for child in children:
        at = 0
        for found in MARK.finditer(child.content) if child.type == "text" else ():
            if found.group() not in known:
                continue
            made.append(Token("text", "", 0, content=child.content[at : found.start()]))
            link = Token("link_open", "a", 1, attrs={"href": f"#{found.group()}"})
            made += [link, Token("text", "", 0, content=found.group()), Token("link_close", "a", -1)]
            at = found.end()
        made.append(child.copy(content=child.content[at:]) if at else child)
    return made


def _address(heading: str, taken: set[str]) -> str:
    plain = _OTHER.sub("-", heading.lower()).strip("-")[:_HEADING_ID] or "part"
    number = 1
    while (name := plain if number == 1 else f"{plain}-{number}") in taken:
        number += 1
    taken.add(name)
    return name


def hash_source(text: str) -> str:
    """How a policy names a style or script that stands in the page itself."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _reader() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.disable(["image", "link", "autolink", "html_block", "html_inline", "reference"])
    reader.add_render_rule("fence", _fence)
    reader.add_render_rule(
        "table_open", lambda *_: '<div class="wide" tabindex="0" role="region" aria-label="Table"><table>\n'
    )
    reader.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return reader


def _fence(_: object, tokens: Sequence["Token"], at: int, __: object, given: Mapping[str, str]) -> str:
    token = tokens[at]
    code = f"<pre>{escape(token.content)}</pre>\n"
    if token.info == "mermaid":
        return f"{given[_PICTURE]}<details><summary>The picture as Mermaid text</summary>\n{code}</details>\n"
    return code
