"""Measure main-text extraction on pages with a gold text: `python -m evals.bench.extraction`.

`pages/<set>/<name>.html` is a page, `<name>.txt` its main text (one block per line: heading, paragraph, item, row with
cells joined by ` | `, line of code) and `<name>.must.txt` the permission and data statements that must survive, one per
line. The metric is token F1 over bags of case-folded runs of letters and digits, averaged over pages. The page's title
(the first line of the gold text) is removed from the gold text and from every extractor's output, since some
extractors return it separately. Our main text is every block that the reader does not mark as about something else.

Our reader is compared with trafilatura and resiliparse with their defaults for main text, and with readability-lxml if
installed (`pip install --no-deps readability-lxml cssselect chardet`; its own requirements clash with older pip).
"""

import argparse
import importlib
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from agent.intake.extract.formats.html import read_html

PAGES: Final = Path(__file__).parent / "pages"
SETS: Final = ("own", "blind", "unseen")
MEAN_BAR: Final = 0.95
PAGE_BAR: Final = 0.85
MUST_BAR: Final = 0.98
LARGE_PAGE_BYTES: Final = 300_000
LARGE_PAGE_BAR: Final = 0.150
"""Maximum CPU seconds for a page of LARGE_PAGE_BYTES."""
_TOKEN: Final = re.compile(r"\w+")
_RUNS: Final = 3
Extractor = Callable[[str], str]


class Gold(NamedTuple):
    """One page with its main text and the statements that must survive."""

    name: str
    html: str
    lines: tuple[str, ...]
    must: tuple[str, ...]


class Figures(NamedTuple):
    """Figures of an extractor on a page: shares from 0 to 1, and how many of the `must` statements survive (`kept`)."""

    name: str
    precision: float
    recall: float
    f1: float
    kept: int
    must: int


class Summary(NamedTuple):
    """Figures of one extractor on a set: means over pages, the worst page, and the share of statements that survive."""

    precision: float
    recall: float
    f1: float
    worst: Figures
    must_recall: float

    @property
    def kept(self) -> bool:
        """Whether all three bars are met."""
        return self.f1 >= MEAN_BAR and self.worst.f1 >= PAGE_BAR and self.must_recall >= MUST_BAR


def load(folder: Path) -> tuple[Gold, ...]:
    """Load the gold pages of a folder, sorted by name; empty if the folder does not exist."""
    return tuple(
        Gold(
            path.stem,
            path.read_text("utf-8"),
            _lines(path.with_suffix(".txt")),
            _lines(path.with_suffix(".must.txt")),
        )
        for path in sorted(folder.glob("*.html"))
    )


def ours(html: str) -> str:
    """Return the main text as our reader extracts it, one block per line."""
    return "\n".join(block.text for block in read_html(html).blocks if not block.hint)


def measure(gold: Gold, text: str) -> Figures:
    """Score `text` as an extraction of the gold page's main text."""
    title = _words(gold.lines[0])
    wanted = Counter(token for line in gold.lines[1:] for token in _words(line))
    found = Counter(token for line in text.splitlines() if (words := _words(line)) != title for token in words)
    both = sum((wanted & found).values())
    precision = both / max(1, sum(found.values()))
    recall = both / max(1, sum(wanted.values()))
    f1 = 2 * precision * recall / (precision + recall) if both else 0.0
    running = " ".join(_words(text))
    kept = sum(" ".join(_words(statement)) in running for statement in gold.must)
    return Figures(gold.name, precision, recall, f1, kept, len(gold.must))


def summary(figures: Sequence[Figures]) -> Summary:
    """Summarise the figures of a set; `figures` must not be empty."""
    return Summary(
        statistics.mean(page.precision for page in figures),
        statistics.mean(page.recall for page in figures),
        statistics.mean(page.f1 for page in figures),
        min(figures, key=lambda page: page.f1),
        sum(page.kept for page in figures) / max(1, sum(page.must for page in figures)),
    )


def extractors() -> Iterator[tuple[str, Extractor]]:
    """Yield our extractor and the other installed extractors, with their names."""
    yield "ours", ours
    for name, module, extractor in (
        ("trafilatura", "trafilatura", _trafilatura),
        ("resiliparse", "resiliparse", _resiliparse),
        ("readability", "readability", _readability),
    ):
        if find_spec(module):
            yield name, extractor
        else:
            print(f"{name} is not installed", file=sys.stderr)


def seconds_for_a_large_page(pages: Sequence[Gold]) -> float:
    """Measure the CPU seconds for one page of LARGE_PAGE_BYTES, made by repeating the bodies of the gold pages."""
    bodies = [page.html[page.html.find("<body") : page.html.rfind("</body>")].partition(">")[2] for page in pages]
    body = "".join(f"<div>{text}</div>" for text in bodies)
    page = f"<html><body>{body * (1 + LARGE_PAGE_BYTES // len(body))}"[:LARGE_PAGE_BYTES]
    times: list[float] = []
    for _ in range(_RUNS):
        start = time.process_time()
        read_html(page)
        times.append(time.process_time() - start)
    return min(times)


def _trafilatura(html: str) -> str:
    return importlib.import_module("trafilatura").extract(html) or ""


def _resiliparse(html: str) -> str:
    module = importlib.import_module("resiliparse.extract.html2text")
    return str(module.extract_plain_text(html, main_content=True))


def _readability(html: str) -> str:
    from lxml import etree

    body = importlib.import_module("readability").Document(html).summary()
    root = etree.fromstring(body.encode("utf-8"), etree.HTMLParser(encoding="utf-8"))
    return "\n".join(str(text) for text in root.xpath("//text()"))


def _lines(path: Path) -> tuple[str, ...]:
    return tuple(line for line in path.read_text("utf-8").splitlines() if line.strip())


def _words(text: str) -> list[str]:
    return _TOKEN.findall(text.casefold())


def _report(name: str, pages: Sequence[Gold], *, detail: bool) -> bool:
    print(f"{name}: {len(pages)} pages, {sum(len(page.must) for page in pages)} statements that must survive")
    print(f"  {'':12} precision  recall      F1   worst page                     must")
    kept = True
    for extractor_name, extractor in extractors():
        figures = [measure(page, extractor(page.html)) for page in pages]
        total = summary(figures)
        worst = f"{total.worst.f1:.3f} {total.worst.name}"
        print(
            f"  {extractor_name:12} {total.precision:9.3f} {total.recall:7.3f} {total.f1:7.3f}   {worst:28}"
            f"{total.must_recall:7.3f}"
        )
        if extractor_name == "ours":
            kept = total.kept
            rows = [
                f"    {page.name:26} {page.precision:.3f} {page.recall:.3f} {page.f1:.3f}  {page.kept}/{page.must}"
                for page in figures
            ]
            if detail:
                print("\n".join(rows))
    return kept


def main() -> None:
    """Print the figures of each set; exit with 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", action="store_true", help="one row a page as well")
    parser.add_argument("--set", choices=SETS, help="one set only")
    arguments = parser.parse_args()
    sets = {name: load(PAGES / name) for name in SETS if arguments.set in (None, name)}
    kept = [_report(name, pages, detail=arguments.pages) for name, pages in sets.items() if pages]
    large = seconds_for_a_large_page([page for pages in sets.values() for page in pages])
    print(f"a page of {LARGE_PAGE_BYTES // 1000} KB: {large * 1000:.0f} ms CPU, bar {LARGE_PAGE_BAR * 1000:.0f} ms")
    sys.exit(0 if all(kept) and large <= LARGE_PAGE_BAR else 1)


if __name__ == "__main__":
    main()
