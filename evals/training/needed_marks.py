"""Read and write a blind reader's stand-off marks of needed sentences, and the sheets for marking them.

For each documentation folder, a careful reader who has seen no ranking and no draft marks the 25 statements without
which a threat model of the product would be wrong or empty. The protocol:

1. `python -m evals.training.needed_marks TEXTS SHEETS` writes `SHEETS/<product>.txt`: every statement of the
   documentation, numbered in page order (`S12`), under the name of its page and its headings. Nothing is ranked. Only
   lines without letters and exact duplicates of earlier text are left out.
2. The reader reads the whole sheet once and then writes `SHEETS/<product>.ids`: 25 numbers, one per line, the most
   needed first. A needed statement says what the product acts on and with whose rights, what it reads from strangers,
   who approves actions, what is enabled by default, what it stores and where, where it runs and listens, or which
   limits apply. If several statements say the same, the clearest is marked. Statements that repeat the listing may be
   marked.
3. `python -m evals.training.needed_marks TEXTS SHEETS --take READER` adds the marks to `labels/needed.tsv`:
   product, repository, path, commit, sha256, start, end (characters of the file as published) and reader, but never the
   words.

TEXTS contains `sources.tsv` and `listings/<product>/`. These third-party texts are not part of the project.
"""

import argparse
import csv
import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import click

from agent.intake.capture import read_remembered
from agent.intake.extract.statements.split import statements
from agent.records import Document, Statement
from agent.settings import Settings
from evals.cases.documents import READ_AT
from evals.training.align import Pair, align
from evals.training.labels import FOLDER, rows_of

MARKS: Final = FOLDER / "needed.tsv"
MARKED: Final = 25
FEWEST_PAGES: Final = 15
_LISTINGS: Final = ("README.md", "SKILL.md", "listing.md")
_PAGES: Final = frozenset((".md", ".html"))
_LONGEST: Final = 600
"""Maximum number of characters of a statement on a sheet."""
Span = tuple[str, int, int]
"""Document id, start and end."""


class Mark(NamedTuple):
    """One needed sentence, given as a place in a file as published."""

    product: str
    repository: str
    path: str
    commit: str
    sha256: str
    start: int
    end: int
    reader: str


@dataclass(frozen=True)
class Folder:
    """The listing and documentation of one product, as intake reads them."""

    product: str
    files: dict[str, Path]
    """The files by SHA-256."""
    documents: tuple[Document, ...]
    """The documents, with the listing first."""

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """All statements of all documents."""
        return statements(self.documents)

    def numbered(self) -> dict[int, Statement]:
        """Return the documentation statements that a sheet shows, by number."""
        found: dict[str, tuple[int, Statement]] = {}
        listing = self.documents[0].id
        for number, statement in enumerate((s for s in self.statements if s.document != listing), start=1):
            text = " ".join(statement.text.split())
            if any(char.isalpha() for char in text):
                found.setdefault(text, (number, statement))
        return dict(found.values())

    def aligned(self, document: Document) -> list[Pair]:
        """Align the file of a document with intake's text."""
        return align(self.files[document.sha256].read_text("utf-8", errors="replace"), document.text)


def folders(texts: Path, products: Sequence[str] = ()) -> Iterator[Folder]:
    """Yield the named products of `texts` or, by default, those with many pages of documentation, sorted.

    Each is read as intake reads it, but without the crawl's page limit.
    """
    for place in sorted((texts / "listings").glob("*/docs")):
        pages = sorted(file for file in place.iterdir() if file.suffix in _PAGES)
        first = [place.parent / name for name in _LISTINGS if (place.parent / name).is_file()][:1]
        if first and (place.parent.name in products if products else len(pages) >= FEWEST_PAGES):
            files = [*first, *pages]
            found = read_remembered(
                [str(file) for file in files], Settings(max_pages=len(files) + 1), now=READ_AT
            ).result
            hashes = {hashlib.sha256(file.read_bytes()).hexdigest(): file for file in files}
            yield Folder(place.parent.name, hashes, found.intake.documents)


def sheet(folder: Folder) -> str:
    """Return the blind reader's sheet: page, headings, number and text of each statement."""
    lines = [f"{folder.product}: mark the {MARKED} statements that a threat model of this product needs most"]
    names = {document.id: folder.files[document.sha256].name for document in folder.documents}
    place: tuple[str, tuple[str, ...]] = ("", ())
    for number, statement in folder.numbered().items():
        if place != (statement.document, statement.path):
            place = (statement.document, statement.path)
            lines += ["", f"## {statement.document} {names[statement.document]} | {' > '.join(statement.path)}"]
        lines.append(f"S{number}\t{' '.join(statement.text.split())[:_LONGEST]}")
    return "\n".join(lines) + "\n"


def marks(folder: Folder, numbers: Sequence[int], sources: Mapping[str, Mapping[str, str]], reader: str) -> list[Mark]:
    """Convert marked statements to places in their files. Raises KeyError for a number that is not on the sheet."""
    shown = folder.numbered()
    marked = [shown[number] for number in numbers]
    documents = {row.document: next(d for d in folder.documents if d.id == row.document) for row in marked}
    pairs = {name: folder.aligned(document) for name, document in documents.items()}
    found = []
    for statement in marked:
        inside = [p.first for p in pairs[statement.document] if statement.start <= p.second.start < statement.end]
        digest = documents[statement.document].sha256
        if inside:
            row = sources[digest]
            where = row["repository"], row["path"], row["commit"]
            found.append(Mark(folder.product, *where, digest, inside[0].start, inside[-1].end, reader))
    return found


def spans(folder: Folder, given: Sequence[Mark]) -> list[Span]:
    """Convert marks to document id, start and end in intake's text; drop marks whose words are no longer found."""
    found = []
    for document in folder.documents:
        own = [mark for mark in given if mark.sha256 == document.sha256]
        pairs = folder.aligned(document) if own else []
        starts = [pair.first.start for pair in pairs]
        for mark in own:
            inside = pairs[bisect_left(starts, mark.start) : bisect_right(starts, mark.end - 1)]
            if inside:
                found.append((document.id, inside[0].second.start, inside[-1].second.end))
    return found


def read_marks() -> list[Mark]:
    """Load the stored marks."""
    rows = [tuple(row.values()) for row in rows_of(MARKS)]
    return [Mark(a, b, c, d, e, int(start), int(end), reader) for a, b, c, d, e, start, end, reader in rows]


def _take(texts: Path, sheets: Path, reader: str) -> None:
    """Add a reader's marks to the stored ones."""
    sources = {row["sha256"]: row for row in rows_of(texts / "sources.tsv")}
    kept = read_marks()
    for file in sorted(sheets.glob("*.ids")):
        folder = next(folders(texts, [file.stem]))
        numbers = [int(line.split()[0].lstrip("S")) for line in file.read_text("utf-8").splitlines() if line.strip()]
        fresh = marks(folder, numbers, sources, reader)
        kept = [mark for mark in kept if (mark.product, mark.reader) != (folder.product, reader)] + fresh
        click.echo(f"{folder.product}: {len(fresh)} of {len(numbers)} marks placed")
    with MARKS.open("w", encoding="utf-8", newline="") as handle:
        rows = csv.writer(handle, delimiter="\t", lineterminator="\n")
        rows.writerows([Mark._fields, *sorted(set(kept))])


def main() -> None:
    """Write the sheets, or import the marks."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.training.needed_marks", description="Write sheets for marking needed sentences."
    )
    parser.add_argument("texts", type=Path)
    parser.add_argument("sheets", type=Path)
    parser.add_argument("--product", action="append", default=[])
    parser.add_argument("--take", metavar="READER", default="")
    chosen = parser.parse_args()
    if chosen.take:
        _take(chosen.texts, chosen.sheets, chosen.take)
        return
    chosen.sheets.mkdir(parents=True, exist_ok=True)
    for folder in folders(chosen.texts, chosen.product):
        (chosen.sheets / f"{folder.product}.txt").write_text(sheet(folder), "utf-8")
        click.echo(f"{folder.product}: {len(folder.documents)} documents, {len(folder.numbered())} statements")


if __name__ == "__main__":
    main()
