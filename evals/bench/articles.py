"""Measure main-text extraction on public benchmarks, whose pages and gold texts were made by others.

    git clone https://github.com/scrapinghub/article-extraction-benchmark
    git clone https://github.com/mozilla/readability
    python -m evals.bench.articles PATH_OF_A_CLONE...

The benchmarks are not part of this project. There are two measures, each computed per page and then averaged:

- token F1: bags of case-folded runs of letters and digits, as in `evals.bench.extraction`. Our text consists of all
  blocks that are not marked as being about something else, including the title, although the gold texts of both
  benchmarks leave titles out; a separate row therefore shows our text without first-level headings;
- shingle F1: runs of four words, counted as in the first benchmark's own `evaluate.py`, from mean precision and mean
  recall.

The pages are split into two halves by site. Only the first half was inspected while improving the extraction; the
improvements are measured on the second half, which nobody has inspected.
"""

import gzip
import hashlib
import json
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from lxml import etree

from agent.intake.extract.formats.charset import decode
from agent.intake.extract.formats.html import read_html
from agent.intake.extract.formats.plain_values import Unreadable
from evals.bench.extraction import Extractor, Overlap, extractors, overlap, words

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
    """Metrics of one extractor for one page, and the CPU seconds that it took."""

    words: Overlap
    shingles: Overlap
    seconds: float


def load(path: Path) -> Iterator[Article]:
    """Yield the pages of a checked-out benchmark.

    Raises FileNotFoundError when `path` is neither benchmark.
    """
    if (path / "ground-truth.json").is_file():
        for name, entry in json.loads((path / "ground-truth.json").read_text("utf-8")).items():
            html = decode(gzip.decompress((path / "html" / f"{name}.html.gz").read_bytes()))
            host = urlsplit(entry["url"]).hostname or name
            yield Article(name, half_of(host.removeprefix("www.")), html, entry["articleBody"])
    elif (path / "test" / "test-pages").is_dir():
        for folder in sorted((path / "test" / "test-pages").iterdir()):
            expected = decode((folder / "expected.html").read_bytes()).encode("utf-8")
            root = etree.fromstring(expected, etree.HTMLParser(encoding="utf-8", huge_tree=True))
            gold = " ".join(str(text) for text in root.xpath("//text()"))
            html = decode((folder / "source.html").read_bytes())
            yield Article(folder.name, half_of(_NUMBERED.sub("", folder.name)), html, gold)
    else:
        raise FileNotFoundError(f"{path} contains neither ground-truth.json nor test/test-pages")


def half_of(site: str) -> str:
    """Assign a site to a half by a hash of its name."""
    return HALVES[hashlib.sha256(site.encode("utf-8")).digest()[0] % 2]


def score(article: Article, text: str, seconds: float = 0.0) -> Score:
    """Score `text` as the main text of an article."""
    found = overlap(Counter(words(article.gold)), Counter(words(text)))
    return Score(found, overlap(_shingles(article.gold), _shingles(text)), seconds)


def _shingles(text: str) -> Counter[object]:
    found = _TOKEN.findall(text)
    return Counter(tuple(found[i : i + _SHINGLE]) for i in range(max(1, len(found) - _SHINGLE + 1)))


def untitled(html: str) -> str:
    """Return the main text as our reader extracts it, without first-level headings."""
    blocks = [block for block in read_html(html).blocks if not block.hint]
    return "\n".join(block.text for block in blocks if block.kind != "heading" or block.level != 1)


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
    found = Overlap(*(statistics.mean(s.words[n] for s in scores) for n in range(3)))
    precision, recall = (statistics.mean(s.shingles[n] for s in scores) for n in range(2))
    shingle = 2 * precision * recall / max(1e-9, precision + recall)
    return (
        f"  {name:16} {found.f1:6.3f} {statistics.median(s.words.f1 for s in scores):7.3f}"
        f" {found.precision:10.3f} {found.recall:7.3f} {shingle:11.3f}"
        f" {sum(s.words.recall < LOST for s in scores):5} {statistics.mean(s.seconds for s in scores):9.3f}"
    )


def main() -> None:
    """Print a table for each benchmark and half."""
    found = [*extractors(), ("ours, untitled", untitled)]
    for path in map(Path, sys.argv[1:]):
        articles = list(load(path))
        for half in HALVES:
            pages = [article for article in articles if article.half == half]
            print(f"{path.resolve().name}, {half} half: {len(pages)} pages")
            print(f"  {'':16} {'F1':>6} {'median':>7} {'precision':>10} {'recall':>7} {'shingle F1':>11} lost   s/page")
            for name, extractor in found:
                print(_row(name, _run(pages, extractor)))


if __name__ == "__main__":
    main()
