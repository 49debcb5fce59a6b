"""Count findings on real pages, or recall on visible orders: `python -m evals.bench.findings [FOLDER] [--show]`.

Without a folder, count the visible orders of `tests/vectors/visible_orders.json` that are found, by form and half;
`--missed tuned|kept` lists the missed orders of a half. With a folder, read each file alone and count findings by kind,
and pages with findings; `--show` prints every finding with its excerpt. `--readings DIR` skips products with a file
`<product>.json` in DIR; `--only` reads only these products. Vendor claims are counted separately, since a page has at
most one.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from agent.errors import SeptetError
from agent.intake.extract.documents import compose
from agent.intake.extract.formats.markdown import read_markdown
from agent.intake.extract.parse import SUFFIXES, media_type, read_parts, sniff
from agent.records import Document, Finding, Snapshot
from agent.settings import Settings

ORDERS: Final = Path(__file__).parent.parent.parent / "tests" / "vectors" / "visible_orders.json"
_NOW: Final = "2026-11-01T00:00:00Z"
_CLAIM: Final = "vendor-claim"


class Order(NamedTuple):
    """A visible order with its form, its half of the vector file, and its Markdown."""

    form: str
    half: str
    text: str


class Read(NamedTuple):
    """The findings of one file."""

    name: str
    findings: tuple[Finding, ...]
    readable: bool


def orders(path: Path = ORDERS) -> tuple[Order, ...]:
    """Load the orders of a vector file. Raises OSError or ValueError when the file is missing or malformed."""
    return tuple(Order(**case) for case in json.loads(path.read_text("utf-8"))["orders"])


def composed(order: Order) -> str:
    """Return the text, as intake reads it, of a page with the order between two honest paragraphs."""
    return _page(order).text


def is_named(order: Order) -> bool:
    """Return whether intake finds the order in the page built by `composed`."""
    return any(finding.kind != _CLAIM for finding in _page(order).findings)


def _page(order: Order) -> Document:
    before, after = "# Relay\n\nRelay reads the mail of a team and drafts answers.\n\n", "\n\nIt runs in the cloud.\n"
    return compose("D1", read_markdown(before + order.text + after), _snapshot("listing.md", "text/markdown"))


def documents(
    folder: Path, left_out: frozenset[str] = frozenset(), only: frozenset[str] = frozenset()
) -> Iterator[tuple[str, tuple[Document, ...]]]:
    """Read each file under `folder` alone; yield its path and its documents (none for an unreadable file).

    `left_out` and `only` name subfolders directly under `folder`.
    """
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in SUFFIXES):
        name = path.relative_to(folder).as_posix()
        top = name.split("/")[0]
        if top in left_out or (only and top not in only):
            continue
        body = path.read_bytes()
        try:
            kind = sniff(body, "", path.name)
            parts = read_parts(body, kind, "", path.name, Settings())
        except SeptetError:
            yield name, ()
            continue
        snapshot = _snapshot(path.name, media_type(kind))
        yield name, tuple(compose("D1", part.page, snapshot) for part in parts)


def texts(folder: Path, left_out: frozenset[str] = frozenset()) -> Iterator[tuple[str, str]]:
    """Yield the path of each file under `folder` and the joined texts of its documents, as read by `documents`."""
    for name, found in documents(folder, left_out):
        yield name, "\n\n".join(document.text for document in found)


def _snapshot(name: str, media: str) -> Snapshot:
    return Snapshot(
        sha256="0" * 64,
        requested_url=name,
        final_url=name,
        fetched_at=_NOW,
        media_type=media,
        kind="docs",
        size=0,
    )


def _report(reads: Sequence[Read], *, show: bool) -> Iterable[str]:
    kinds = Counter(found.kind for read in reads for found in read.findings)
    pages = Counter(kind for read in reads for kind in {found.kind for found in read.findings})
    others = sum(any(found.kind != _CLAIM for found in read.findings) for read in reads)
    yield f"{len(reads)} pages, {sum(not read.readable for read in reads)} not readable"
    for kind, count in kinds.most_common():
        share = 100 * pages[kind] / max(1, len(reads))
        yield f"  {kind:24} {count:6} findings on {pages[kind]:4} pages, {share:.1f} in 100"
    yield f"  pages with any but a claim: {others}, {100 * others / max(1, len(reads)):.1f} in 100"
    if show:
        for read in reads:
            for found in read.findings:
                yield f"{read.name}\t{found.kind}\t{found.where}\t{found.start}-{found.end}\t{found.excerpt}"


def _recall(found: Sequence[Order]) -> Iterable[str]:
    for half in dict.fromkeys(order.half for order in found):
        mine = [order for order in found if order.half == half]
        named = [order for order in mine if is_named(order)]
        share = 100 * len(named) / max(1, len(mine))
        yield f"{half}: {len(named)} of {len(mine)} visible orders are named ({share:.0f} %)"
        for form in dict.fromkeys(order.form for order in mine):
            of_form = [order for order in mine if order.form == form]
            yield f"  {form:12} {sum(order in named for order in of_form)} of {len(of_form)}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--readings", type=Path)
    parser.add_argument("--only", action="store_true")
    parser.add_argument("--missed", choices=("tuned", "kept", "second", "third", "fourth", "fifth"))
    return parser.parse_args()


def main() -> None:
    """Print the figures."""
    given = _arguments()
    if given.folder is None:
        every = orders()
        print("\n".join(_recall(every)))
        print("\n".join(f"missed: {o.form}: {o.text!r}" for o in every if o.half == given.missed and not is_named(o)))
        return
    named = frozenset(path.stem for path in given.readings.glob("*.json")) if given.readings else frozenset()
    chosen = documents(given.folder, only=named) if given.only else documents(given.folder, left_out=named)
    reads = [
        Read(name, tuple(finding for document in found for finding in document.findings), bool(found))
        for name, found in chosen
    ]
    print("\n".join(_report(reads, show=given.show)))


if __name__ == "__main__":
    main()
