"""A threat as the text of an issue, in the markup of the issue tracker. Source text stays plain text: it creates no
links, mentions nobody and runs no macro."""

from collections.abc import Callable, Iterable
from typing import Final

from agent.report.formats.threat_rows import ThreatRow, fact_words, quote_words
from agent.report.safe_markdown import one_line, plain

_REMEDIES: Final = (("you", "For you"), ("vendor", "For the vendor"))
_MORE: Final = 80
"""Characters reserved for the line about further quotes."""


def as_markdown(row: ThreatRow, limit: int) -> str:
    """Format the issue as Markdown of at most `limit` characters; quotes that do not fit are counted."""
    return _issue(row, plain, bold=lambda words: f"**{words}**", item="- ", gap="\n\n", limit=limit)


def as_text(row: ThreatRow, limit: int) -> str:
    """Format the issue as plain text, with the same limit."""
    return _issue(row, one_line, bold=str, item="- ", gap="\n\n", limit=limit)


def as_wiki(row: ThreatRow, limit: int) -> str:
    """Format the issue in Jira's text formatting notation, with the same limit."""
    return _issue(row, wiki, bold=lambda words: f"*{words}*", item="* ", gap="\n\n", limit=limit)


def wiki(text: str) -> str:
    """Format `text` on one line as plain words in Jira's notation: no macro, link, mention, image or table.

    An address is broken after its scheme, since Jira turns anything that looks like an address into a link.
    """
    escaped = "".join(f"\\{char}" if char in "{}[]!|*^~" else char for char in one_line(text).replace("\\", "/"))
    return escaped.replace("://", ":\\/\\/")


def _issue(
    row: ThreatRow, safe: Callable[[str], str], *, bold: Callable[[str], str], item: str, gap: str, limit: int
) -> str:
    def listed(head: str, words: Iterable[str]) -> str:
        made = [f"{item}{safe(each)}" for each in words]
        return "\n".join([bold(f"{head}:"), "", *made]) if made else ""

    labelled = [f"{item}{bold(f'{label}:')} {safe(words)}" for label, words in row.labelled_words()]
    blocks = [safe(row.how), "\n".join(labelled)]
    blocks += [listed(head, [row.remedy(each) for each in row.mitigations(who)]) for who, head in _REMEDIES]
    blocks.append(listed("Facts", fact_words(row.facts).splitlines()))
    body = gap.join(block for block in blocks if block)
    quotes = [f"{item}{safe(quote_words(row.view, quote))}" for quote in row.quotes]
    if not quotes:
        return body[:limit]
    lines = ["", "", bold("Quotes:"), ""]
    room = limit - len(body) - sum(len(line) + 1 for line in lines) - _MORE
    for number, line in enumerate(quotes):
        room -= len(line) + 1
        if room < 0:
            lines.append(f"{item}{len(quotes) - number} more in the draft")
            break
        lines.append(line)
    return f"{body}{chr(10).join(lines)}"[:limit]
