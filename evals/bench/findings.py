"""Count the findings on real pages, or measure how many visible orders are found: `python -m evals.bench.findings
[FOLDER] [--show]`.

Without a folder, count how many of the visible orders (injected instructions in visible text) in
`tests/vectors/visible_orders.json` are found, by form and by half of the file. With a folder, read each file on its
own, and count the findings by kind and the pages that have any; `--show` prints every finding with its excerpt.
`--readings DIR` skips products with a file `<product>.json` in DIR. Vendor claims are counted separately, since a page
has at most one.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from agent.errors import SeptetError
from agent.intake.extract.parse import SUFFIXES, read_parts, sniff
from agent.records import Document, Finding
from agent.settings import Settings
from evals.cases.documents import composed, markdown_document

ORDERS: Final = Path(__file__).parent.parent.parent / "tests" / "vectors" / "visible_orders.json"
BEFORE: Final = "# Relay\n\nRelay reads the mail of a team and drafts answers.\n\n"
AFTER: Final = "\n\nIt runs in the cloud.\n"
_CLAIM: Final = "vendor-claim"


class Order(NamedTuple):
    """A visible order with its form, its half of the vector file, and its Markdown."""

    form: str
    half: str
    text: str

    def page(self) -> Document:
        """Return a page that has the order between two harmless paragraphs, as intake reads it."""
        return markdown_document(BEFORE + self.text + AFTER, kind="docs")


def orders(path: Path = ORDERS) -> tuple[Order, ...]:
    """Load the orders of a vector file. Raises OSError or ValueError when the file is missing or malformed."""
    return tuple(Order(**case) for case in json.loads(path.read_text("utf-8"))["orders"])


def is_named(order: Order) -> bool:
    """Return whether intake finds the order in its page."""
    return any(finding.kind != _CLAIM for finding in order.page().findings)


def documents(folder: Path, readings: Path | None = None) -> Iterator[tuple[str, tuple[Document, ...]]]:
    """Read each file under `folder` on its own; yield its path and its documents (none for an unreadable file).

    Subfolders of products with a reading `<product>.json` in `readings` are left out.
    """
    left_out = {path.stem for path in readings.glob("*.json")} if readings else set()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in SUFFIXES):
        name = path.relative_to(folder).as_posix()
        if name.split("/")[0] in left_out:
            continue
        body = path.read_bytes()
        try:
            parts = read_parts(body, sniff(body, "", path.name), "", path.name, Settings())
        except SeptetError:
            yield name, ()
        else:
            yield name, tuple(composed(part.page, body, path.name, "D1", "docs") for part in parts)


def _report(reads: Sequence[tuple[str, bool, Sequence[Finding]]], *, show: bool) -> Iterator[str]:
    kinds = Counter(one.kind for *_, found in reads for one in found)
    pages = Counter(kind for *_, found in reads for kind in {one.kind for one in found})
    others = sum(any(one.kind != _CLAIM for one in found) for *_, found in reads)
    yield f"{len(reads)} pages, {sum(not readable for _, readable, _ in reads)} not readable"
    for kind, count in kinds.most_common():
        share = 100 * pages[kind] / len(reads)
        yield f"  {kind:24} {count:6} findings on {pages[kind]:4} pages, {share:.1f} in 100"
    yield f"  pages with findings other than claims: {others}, {100 * others / max(1, len(reads)):.1f} in 100"
    for name, _, found in reads if show else ():
        for one in found:
            yield f"{name}\t{one.kind}\t{one.where}\t{one.start}-{one.end}\t{one.excerpt}"


def _recall(found: Sequence[Order]) -> Iterator[str]:
    named = [order for order in found if is_named(order)]
    for half in dict.fromkeys(order.half for order in found):
        mine = [order for order in found if order.half == half]
        hits = sum(order.half == half for order in named)
        yield f"{half}: {hits} of {len(mine)} visible orders are found ({100 * hits / len(mine):.0f} %)"
        for form, count in Counter(order.form for order in mine).items():
            yield f"  {form:12} {sum((order.half, order.form) == (half, form) for order in named)} of {count}"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--readings", type=Path)
    given = parser.parse_args()
    if given.folder is None:
        print("\n".join(_recall(orders())))
        return
    reads = [
        (name, bool(found), [finding for document in found for finding in document.findings])
        for name, found in documents(given.folder, given.readings)
    ]
    print("\n".join(_report(reads, show=given.show)))


if __name__ == "__main__":
    main()
