"""Every pass over text that runs outside the parsing child, and texts that tempt it into quadratic time."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from agent.resources import data_folder
from tests.fakes.fact_sources import composed, plain

SIZE: Final = 100_000
BAR: Final = 0.3
"""Seconds of CPU for 100,000 characters."""
_RUNS: Final = (
    "a ", "A", "0", " ", "\"", "'", "(", "[", "<", "{", "|", "-", "#", "*", "`", ".", "!", "$", "@", "%41", "&#1;",
    "\\x41", "=", "\t", "\xe9", "\u0301", "\u0430", "Aa", "a.", "a-", "a, ", "1 ", "1.", "0 1", "10 20, ", "x.y-",
    "\"a ", "\u201ca \u201d", "[[a](", "![a](", "a | b ", "| ", "](", "<a ", "<a b=", "</", "a:", "http://a",
    "no ", "not ", "read-only ", "every approved by ", "approval ", "ignore ", "ignore all ", "set the risk ",
    "when scoring ", "note to ", "automated ", "if you are ", "you must ", "agent ", "always always ",
    "requires approval ", "can be turned ", "does not ", "the agent reads mail and ", "e.g. ", "i.e., ", "A. ",
    "a\n", "- a\n", "a | b\n", "\n", "\n\n", "# a\n", "2026-11-01T00:00 a ", "../", "javascript:a ", "{{a",
    "\\ud8", "AB2", "ab12 ",
    "**a ", "__a ", "~~a ", "![", "[a](<", "[a](b (", "<script>", "<b hidden>", "<br ", "<!--a-->", "<style>x</styl",
)  # fmt: skip


def texts() -> Iterator[tuple[str, Callable[[int], str]]]:
    """Names of texts, and the functions that make them at a given length."""
    for run in _RUNS:
        yield repr(run), lambda size, run=run: (run * (size // len(run) + 1))[:size]  # type: ignore[misc]
    # No two sentences are the same, so no result comes from a cache.
    yield "counted words", lambda size: " ".join(f"a{n}" for n in range(size // 5))[:size]
    yield (
        "counted claims",
        lambda size: " ".join(f"No agent acts without approval {n}." for n in range(size // 32))[:size],
    )
    yield "a heading and blanks", lambda size: "# a" + " " * size + "x"
    yield "a table's rule and blanks", lambda size: "| a\n|-" + " " * size + "x"
    yield "a title and blanks", lambda size: "---\ntitle: a" + " " * size + "x\n---\n"
    yield "quotes in quotes", lambda size: ">" * size
    yield "rising ticks", lambda size: "".join("`" * n + "a" for n in range(1, int((2 * size) ** 0.5)))
    listings = sorted((data_folder("corpus") / "cases").glob("*/listing.md"))
    whole = "\n\n".join(path.read_text("utf-8") for path in listings)
    yield "the corpus", lambda size: (whole * (size // len(whole) + 1))[:size]


def passes() -> dict[str, Callable[[str], object]]:
    """The passes by name."""

    from agent.intake.extract.formats.markdown import read_markdown, read_text
    from agent.intake.extract.statements.split import statements
    from agent.intake.extract.statements.vendor_claims import vendor_claims
    from agent.intake.hidden import characters as sanitise, decoding, instructions
    from agent.intake.page import Block, Page

    return {
        "sanitise.clean": lambda text: sanitise.clean(text, "a paragraph"),
        "sanitise.find_active": sanitise.find_active,
        "instructions.find": instructions.find,
        "decoding.hidden": lambda text: list(decoding.hidden(text)),
        "markdown.read_markdown": read_markdown,
        "markdown.read_text": read_text,
        "compose": lambda text: composed(Page("", (Block("paragraph", text),))),
        "evidence.statements": lambda text: statements((plain(text, kind="listing"),)),
        "vendor_claims": lambda text: vendor_claims(plain(text, kind="listing")),
    }


def seconds(work: Callable[[str], object], text: str) -> float:
    """Return the CPU time of one call."""
    start = time.process_time()
    work(text)
    return time.process_time() - start
