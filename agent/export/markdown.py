"""The report of a draft as Markdown, in the order and size that an analyst reads it.

The first screen (at most 45 lines) is enough to act on; the main part (parts 10 to 14, at most 900 words with its
tables; parts 10 to 17 have at most 900 words outside tables) explains it; the appendix proves it, from the arithmetic
to the manifest. When the main part is too long, threats are said shorter there: their full sentences stay in the
appendix.
"""

from collections.abc import Iterator
from typing import Final

from agent.export import report_main, report_method, report_score, report_sources
from agent.export.mermaid import mermaid
from agent.export.report_screen import first_screen
from agent.export.safe_markdown import all_words, fence, prose_words
from agent.export.view import InReview, View
from agent.records import Document, Draft

MAX_MAIN_WORDS: Final = 900


def render(draft: Draft, documents: tuple[Document, ...] = (), progress: InReview | None = None) -> str:
    """The report: parts 1 to 19 in order, ending with one line feed. `documents` add titles; they are not needed.

    A signed draft says so in its first lines, and names the signature's place in the audit log in its last ones;
    `progress` is how far the review of an unsigned one has come. The same input gives the same text. Everything that
    came from a source is shown as text: it cannot break a table, start a heading, become a link or an image, or be
    read as HTML.
    """
    view = View(draft, documents, progress)
    diagram = fence(mermaid(draft.system).rstrip("\n").split("\n"), "mermaid")
    proof = [
        "# Appendix",
        "",
        *report_score.score(view),
        *report_sources.findings(view),
        *report_sources.questions(view),
    ]
    proof_words = prose_words(proof)
    for room in report_main.rooms(len(view.threats)):
        main = [
            *report_main.scope(view, room),
            *report_main.picture(view, diagram, room),
            *report_main.seven_layers(view, room),
            *report_main.chains(view, room),
            *report_main.controls(view, room),
        ]
        if all_words(main) <= MAX_MAIN_WORDS and prose_words(main) + proof_words <= MAX_MAIN_WORDS:
            break
    rest = [
        *report_main.further_gaps(view),
        *report_main.further_assumptions(view, room),
        *report_main.further_capabilities(view),
        *report_main.further_controls(view, room),
    ]
    lines = [*first_screen(view), "", *main, *proof]
    lines += [*report_sources.evidence(view), *rest, *report_method.method(view)]
    return "\n".join(_single_blanks(lines)).rstrip("\n") + "\n"


def _single_blanks(lines: list[str]) -> Iterator[str]:
    """The lines without a blank one behind a blank one, outside fences."""
    fenced, previous = False, ""
    for line in lines:
        fenced ^= line.startswith("```")
        if line or previous or fenced:
            yield line
        previous = line
