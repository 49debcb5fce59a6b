"""Measure main-text extraction on pages with a gold text: `python -m evals.bench.extraction`.

`pages/<set>/<name>.html` is a page, `<name>.txt` its main text (one block per line: heading, paragraph, item, row with
cells joined by ` | `, line of code) and `<name>.must.txt` the statements about permissions and data that must survive
extraction, one per line. The metric is token F1 over bags of case-folded runs of letters and digits, averaged over
pages. The page's title (the first line of the gold text) is removed from the gold text and from every extractor's
output, since some extractors return it separately. Our main text consists of all blocks that the reader does not mark
as being about something else.

Our reader is compared with trafilatura and resiliparse, if installed, with their default settings for main text.
"""

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


class Overlap(NamedTuple):
    """Precision, recall and F1 of one bag of words against another, each from 0 to 1."""

    precision: float
    recall: float
    f1: float


class Figures(NamedTuple):
    """Metrics of one extractor for one page, and how many of the `must` statements survive (`kept`)."""

    name: str
    overlap: Overlap
    kept: int
    must: int


class Summary(NamedTuple):
    """Metrics of one extractor for a set of pages: means, the worst page, and the share of statements that survive."""

    overlap: Overlap
    worst: Figures
    must_recall: float

    @property
    def kept(self) -> bool:
        """Whether the metrics meet all three bars."""
        bars = (MEAN_BAR, PAGE_BAR, MUST_BAR)
        return all(
            a >= b for a, b in zip((self.overlap.f1, self.worst.overlap.f1, self.must_recall), bars, strict=True)
        )


def load(folder: Path) -> tuple[Gold, ...]:
    """Load the gold pages of a folder, sorted by name."""

    def lines(path: Path) -> tuple[str, ...]:
        return tuple(line for line in path.read_text("utf-8").splitlines() if line.strip())

    return tuple(
        Gold(path.stem, path.read_text("utf-8"), lines(path.with_suffix(".txt")), lines(path.with_suffix(".must.txt")))
        for path in sorted(folder.glob("*.html"))
    )


def ours(html: str) -> str:
    """Return the main text as our reader extracts it, one block per line."""
    return "\n".join(block.text for block in read_html(html).blocks if not block.hint)


def overlap(gold: Counter[object], found: Counter[object]) -> Overlap:
    """Compare the bag `found` with the bag `gold`."""
    both = (gold & found).total()
    precision, recall = both / max(1, found.total()), both / max(1, gold.total())
    return Overlap(precision, recall, 2 * precision * recall / (precision + recall) if both else 0.0)


def words(text: str) -> list[str]:
    """Return the runs of letters and digits of a text, case folded."""
    return _TOKEN.findall(text.casefold())


def measure(gold: Gold, text: str) -> Figures:
    """Score `text` as an extraction of the gold page's main text."""
    title = words(gold.lines[0])
    wanted = Counter[object](token for line in gold.lines[1:] for token in words(line))
    found = Counter[object](token for line in text.splitlines() if (said := words(line)) != title for token in said)
    running = " ".join(words(text))
    kept = sum(" ".join(words(statement)) in running for statement in gold.must)
    return Figures(gold.name, overlap(wanted, found), kept, len(gold.must))


def summary(figures: Sequence[Figures]) -> Summary:
    """Summarise the metrics of a set of pages; `figures` must not be empty."""
    return Summary(
        Overlap(*(statistics.mean(page.overlap[n] for page in figures) for n in range(3))),
        min(figures, key=lambda page: page.overlap.f1),
        sum(page.kept for page in figures) / max(1, sum(page.must for page in figures)),
    )


def extractors() -> Iterator[tuple[str, Extractor]]:
    """Yield our extractor and the other installed extractors, with their names."""
    yield "ours", ours
    for name, extractor in (("trafilatura", _trafilatura), ("resiliparse", _resiliparse)):
        if find_spec(name):
            yield name, extractor
        else:
            print(f"{name} is not installed", file=sys.stderr)


def _trafilatura(html: str) -> str:
    return importlib.import_module("trafilatura").extract(html) or ""


def _resiliparse(html: str) -> str:
    module = importlib.import_module("resiliparse.extract.html2text")
    return str(module.extract_plain_text(html, main_content=True))


def seconds_for_a_large_page(pages: Sequence[Gold]) -> float:
    """Measure the CPU seconds that extraction takes for a page of LARGE_PAGE_BYTES, made by repeating the bodies of the
    gold pages."""
    bodies = [page.html[page.html.find("<body") : page.html.rfind("</body>")].partition(">")[2] for page in pages]
    body = "".join(f"<div>{text}</div>" for text in bodies)
    page = f"<html><body>{body * (1 + LARGE_PAGE_BYTES // len(body))}"[:LARGE_PAGE_BYTES]
    times: list[float] = []
    for _ in range(_RUNS):
        start = time.process_time()
        read_html(page)
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Print the metrics of each set; exit with 1 when a bar is missed."""
    sets = {name: load(PAGES / name) for name in SETS}
    kept = True
    for name, pages in sets.items():
        print(f"{name}: {len(pages)} pages, {sum(len(page.must) for page in pages)} statements that must survive")
        print(f"  {'':12} precision  recall      F1   worst page                     must")
        for extractor_name, extractor in extractors():
            total = summary([measure(page, extractor(page.html)) for page in pages])
            precision, recall, f1 = total.overlap
            worst = f"{total.worst.overlap.f1:.3f} {total.worst.name}"
            figures = f"{precision:9.3f} {recall:7.3f} {f1:7.3f}   {worst:28}{total.must_recall:7.3f}"
            print(f"  {extractor_name:12} {figures}")
            kept &= total.kept or extractor_name != "ours"
    large = seconds_for_a_large_page([page for pages in sets.values() for page in pages])
    print(f"a page of {LARGE_PAGE_BYTES // 1000} KB: {large * 1000:.0f} ms CPU, bar {LARGE_PAGE_BAR * 1000:.0f} ms")
    sys.exit(0 if kept and large <= LARGE_PAGE_BAR else 1)


if __name__ == "__main__":
    main()
