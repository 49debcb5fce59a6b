"""Measure main-text extraction on public benchmarks, whose pages and gold texts are not ours.

    git clone https://github.com/scrapinghub/article-extraction-benchmark
    git clone https://github.com/mozilla/readability
    python -m evals.bench.articles PATH_OF_A_CLONE... [--half first|second] [--worst 5]

The benchmarks are not part of the project. There are two measures, each computed per page and then averaged:

- token F1: bags of case-folded runs of letters and digits, as in `evals.bench.extraction`. Our text is every block not
  marked as about something else, the title included, although the gold of both benchmarks leaves titles out (with
  `--untitled`, first-level headings are left out of our text too);
- shingle F1: runs of four words, counted as in the first benchmark's own `evaluate.py`, from mean precision and mean
  recall.

The pages are split into two halves by site. Improvements were made by looking at the first half only and are measured
on the second, which nobody looked at.
"""

import argparse
import gzip
import hashlib
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from lxml import etree

from agent.intake.extract.formats.charset import decode
from agent.intake.extract.formats.html import read_html
from agent.intake.extract.formats.plain_values import Unreadable
from evals.bench.extraction import Extractor, extractors

LOST: Final = 0.5
"""Recall below which a page counts as lost."""
HALVES: Final = ("first", "second")
_SHINGLE: Final = 4
_TOKEN: Final = re.compile(r"\w+")
_NUMBERED: Final = re.compile(r"-\d+$")


class Article(NamedTuple):
    """A page of a benchmark with its gold text and the half that its site falls into."""

    name: str
    half: str
    html: str
    gold: str


class Score(NamedTuple):
    """Figures of one extractor on one page, each from 0 to 1, and its CPU seconds."""

    name: str
    precision: float
    recall: float
    f1: float
    shingle_precision: float
    shingle_recall: float
    seconds: float


def load(path: Path) -> Iterator[Article]:
    """Yield the pages of a checked-out benchmark.

    Raises FileNotFoundError when `path` is neither benchmark.
    """
    if (path / "ground-truth.json").is_file():
        yield from _scrapinghub(path)
    elif (path / "test" / "test-pages").is_dir():
        yield from _mozilla(path / "test" / "test-pages")
    else:
        raise FileNotFoundError(f"{path} holds neither ground-truth.json nor test/test-pages")


def half_of(site: str) -> str:
    """Assign a site to a half by a hash of its name."""
    return HALVES[hashlib.sha256(site.encode("utf-8")).digest()[0] % 2]


def score(article: Article, text: str, seconds: float = 0.0) -> Score:
    """Score `text` as the main text of an article."""
    precision, recall = _overlap(_words(article.gold.casefold()), _words(text.casefold()))
    shingled = _overlap(_shingles(article.gold), _shingles(text))
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Score(article.name, precision, recall, f1, *shingled, seconds)


def untitled(html: str) -> str:
    """Return the main text as our reader extracts it, without first-level headings."""
    blocks = [block for block in read_html(html).blocks if not block.hint]
    return "\n".join(block.text for block in blocks if block.kind != "heading" or block.level != 1)


def _scrapinghub(path: Path) -> Iterator[Article]:
    truth = json.loads((path / "ground-truth.json").read_text("utf-8"))
    for name, entry in truth.items():
        html = decode(gzip.decompress((path / "html" / f"{name}.html.gz").read_bytes()))
        host = urlsplit(entry["url"]).hostname or name
        yield Article(name, half_of(host.removeprefix("www.")), html, entry["articleBody"])


def _mozilla(path: Path) -> Iterator[Article]:
    for folder in sorted(path.iterdir()):
        expected = decode((folder / "expected.html").read_bytes())
        root = etree.fromstring(expected.encode("utf-8"), etree.HTMLParser(encoding="utf-8", huge_tree=True))
        gold = " ".join(str(text) for text in root.xpath("//text()"))
        html = decode((folder / "source.html").read_bytes())
        yield Article(folder.name, half_of(_NUMBERED.sub("", folder.name)), html, gold)


def _overlap(gold: Counter[object], found: Counter[object]) -> tuple[float, float]:
    """Return the precision and recall of the bag `found` against the bag `gold`."""
    both = sum((gold & found).values())
    return both / max(1, sum(found.values())), both / max(1, sum(gold.values()))


def _words(text: str) -> Counter[object]:
    return Counter(_TOKEN.findall(text))


def _shingles(text: str) -> Counter[object]:
    words = _TOKEN.findall(text)
    return Counter(tuple(words[i : i + _SHINGLE]) for i in range(max(1, len(words) - _SHINGLE + 1)))


def _run(articles: Sequence[Article], extractor: Extractor) -> list[Score]:
    scores = []
    for article in articles:
        start = time.process_time()
        try:
            text = extractor(article.html)
        except (Unreadable, etree.LxmlError, ValueError):
            text = ""
        scores.append(score(article, text, time.process_time() - start))
    return scores


def _row(name: str, scores: Sequence[Score]) -> str:
    def mean(figure: Callable[[Score], float]) -> float:
        return statistics.mean(figure(s) for s in scores)

    precision, recall = mean(lambda s: s.shingle_precision), mean(lambda s: s.shingle_recall)
    shingle = 2 * precision * recall / max(1e-9, precision + recall)
    return (
        f"  {name:16} {mean(lambda s: s.f1):6.3f} {statistics.median(s.f1 for s in scores):7.3f}"
        f" {mean(lambda s: s.precision):10.3f} {mean(lambda s: s.recall):7.3f} {shingle:11.3f}"
        f" {sum(s.recall < LOST for s in scores):5} {mean(lambda s: s.seconds):9.3f}"
    )


def main() -> None:
    """Print a table for each benchmark and half."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmark", nargs="+", type=Path, help="folder of a checked-out benchmark")
    parser.add_argument("--half", choices=HALVES, help="one half only")
    parser.add_argument("--ours", action="store_true", help="without the other extractors")
    parser.add_argument("--untitled", action="store_true", help="ours without its headings of the first level as well")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="name our N worst pages")
    arguments = parser.parse_args()
    found = [(name, run) for name, run in extractors() if name == "ours" or not arguments.ours]
    if arguments.untitled:
        found.append(("ours, untitled", untitled))
    for path in arguments.benchmark:
        articles = list(load(path))
        for half in (arguments.half,) if arguments.half else HALVES:
            pages = [article for article in articles if article.half == half]
            print(f"{path.resolve().name}, {half} half: {len(pages)} pages")
            print(f"  {'':16} {'F1':>6} {'median':>7} {'precision':>10} {'recall':>7} {'shingle F1':>11} lost   s/page")
            for name, extractor in found:
                scores = _run(pages, extractor)
                print(_row(name, scores))
                if name == "ours":
                    for s in sorted(scores, key=lambda s: s.f1)[: arguments.worst]:
                        print(f"    {s.f1:.3f} precision {s.precision:.3f} recall {s.recall:.3f}  {s.name}")


if __name__ == "__main__":
    main()
