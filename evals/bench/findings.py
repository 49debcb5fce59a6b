"""Findings on real pages, and recall on visible orders: `python -m evals.bench.findings [FOLDER] [--show]`.

Without a folder: which of the visible orders in `tests/vectors/visible_orders.json` are named, by form and half; with
`--missed tuned|kept` those that are not. With a folder: each file of it is read alone, and the findings are counted by
kind, with how many pages hold one; `--show` prints every finding with its excerpt. `--readings DIR` leaves out the
products that have a file `<product>.json` there, or reads these alone with `--only`. Vendor's claims are counted apart:
there is at most one a page.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from agent.errors import SeptetError
from agent.intake.compose import compose
from agent.intake.pages.extract import SUFFIXES, media_type, read_parts, sniff
from agent.intake.pages.markdown import read_markdown
from agent.records import Finding, Snapshot
from agent.settings import Settings

ORDERS: Final = Path(__file__).parent.parent.parent / "tests" / "vectors" / "visible_orders.json"
_NOW: Final = "2026-11-01T00:00:00Z"
_CLAIM: Final = "vendor-claim"


class Order(NamedTuple):
    """A visible order: its form, the half it belongs to (`tuned` or `kept`), its Markdown."""

    form: str
    half: str
    text: str


class Read(NamedTuple):
    """The findings of one file; `error` instead when it cannot be read."""

    name: str
    findings: tuple[Finding, ...]
    error: str = ""


def orders(path: Path = ORDERS) -> tuple[Order, ...]:
    """The orders of a vector file. Raises OSError or ValueError when there is none."""
    return tuple(Order(**case) for case in json.loads(path.read_text("utf-8"))["orders"])


def is_named(order: Order) -> bool:
    """Whether intake finds an order in a page that holds it between two honest paragraphs."""
    before, after = "# Relay\n\nRelay reads the mail of a team and drafts answers.\n\n", "\n\nIt runs in the cloud.\n"
    page = read_markdown(before + order.text + after)
    document = compose("D1", page, _snapshot("listing.md", "text/markdown"))
    return any(finding.kind != _CLAIM for finding in document.findings)


def read_files(
    folder: Path, left_out: frozenset[str] = frozenset(), only: frozenset[str] = frozenset()
) -> Iterator[Read]:
    """The findings of each file under `folder`, in the order of their paths; `left_out` and `only` name top folders."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in SUFFIXES):
        name = path.relative_to(folder).as_posix()
        top = name.split("/")[0]
        if top in left_out or (only and top not in only):
            continue
        yield _read(path, name)


def _read(path: Path, name: str) -> Read:
    body = path.read_bytes()
    try:
        kind = sniff(body, "", path.name)
        parts = read_parts(body, kind, "", path.name, Settings())
    except SeptetError as error:
        return Read(name, (), str(error))
    snapshot = _snapshot(path.name, media_type(kind))
    return Read(name, tuple(found for part in parts for found in compose("D1", part.page, snapshot).findings))


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
    yield f"{len(reads)} pages, {sum(bool(read.error) for read in reads)} not readable"
    for kind, count in kinds.most_common():
        share = 100 * pages[kind] / max(1, len(reads))
        yield f"  {kind:24} {count:6} findings on {pages[kind]:4} pages, {share:.1f} in 100"
    yield f"  pages with any but a claim: {others}, {100 * others / max(1, len(reads)):.1f} in 100"
    if show:
        for read in reads:
            for found in read.findings:
                yield f"{read.name}\t{found.kind}\t{found.where}\t{found.start}-{found.end}\t{found.excerpt}"
            if read.error:
                yield f"{read.name}\terror\t{read.error}"


def _recall(found: Sequence[Order]) -> Iterable[str]:
    for half in ("tuned", "kept"):
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
    parser.add_argument("--missed", choices=("tuned", "kept"))
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
    reads = list(read_files(given.folder, only=named) if given.only else read_files(given.folder, left_out=named))
    print("\n".join(_report(reads, show=given.show)))


if __name__ == "__main__":
    main()
