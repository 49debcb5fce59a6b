"""Read and write a blind reader's stand-off marks of needed sentences, and the sheets for marking them.

For each documentation folder, a careful reader who has seen no ranking and no draft names the 25 statements without
which a threat model of the product would be wrong or empty. Protocol:

1. `python -m evals.training.needed_marks TEXTS SHEETS` writes `SHEETS/<product>.txt`: every statement of the
   documentation, numbered in page order (`S12`), under the name of its page and its headings. Nothing is ranked. Only
   lines without letters and exact duplicates of earlier text are left out.
2. The reader reads the whole sheet once and then writes `SHEETS/<product>.ids`: 25 numbers, one per line, the most
   needed first. A needed statement says what the product acts on and with whose rights, what it reads from strangers,
   who approves actions, what is enabled by default, what it stores and where, where it runs and listens, or which
   limits apply. If several statements say the same, the clearest is marked. Statements that repeat the listing may be
   marked.
3. `python -m evals.training.needed_marks TEXTS SHEETS --take READER` adds the marks to `labels/needed.tsv`:
   product, repository, path, commit, sha256, start, end (characters of the file as published) and reader; never the
   words.

TEXTS contains `sources.tsv` and `listings/<product>/`. These third-party texts are not part of the project.
"""

import argparse
import csv
import hashlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import click

from agent.intake.extract.statements.split import statements
from agent.intake.reader import read
from agent.records import Document, Statement
from agent.settings import Settings
from evals.training.align import align

MARKS: Final = Path(__file__).parent / "labels" / "needed.tsv"
COLUMNS: Final = ("product", "repository", "path", "commit", "sha256", "start", "end", "reader")
MARKED: Final = 25
FEWEST_PAGES: Final = 15
_LISTINGS: Final = ("README.md", "SKILL.md", "listing.md")
_PAGES: Final = frozenset((".md", ".html"))
_NOW: Final = "2026-01-01T00:00:00Z"
_LONGEST: Final = 600
"""Maximum number of characters of a statement on a sheet."""


class Mark(NamedTuple):
    """One needed sentence, as a place in a file as published."""

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

    def numbered(self) -> Iterator[tuple[int, Statement]]:
        """Yield the documentation statements that a sheet shows, with their numbers."""
        seen: set[str] = set()
        listing = self.documents[0].id
        for number, statement in enumerate((s for s in self.statements if s.document != listing), start=1):
            text = " ".join(statement.text.split())
            if text not in seen and any(char.isalpha() for char in text):
                seen.add(text)
                yield number, statement


def folders(texts: Path, products: Sequence[str] = (), *, fewest: int = FEWEST_PAGES) -> Iterator[Folder]:
    """Yield the named products of `texts` or, by default, those with at least `fewest` documentation pages, sorted."""
    for place in sorted((texts / "listings").glob("*/docs")):
        pages = sorted(file for file in place.iterdir() if file.suffix in _PAGES)
        first = [place.parent / name for name in _LISTINGS if (place.parent / name).is_file()][:1]
        wanted = place.parent.name in products if products else len(pages) >= fewest
        if first and wanted:
            yield read_folder(place.parent.name, [*first, *pages])


def read_folder(product: str, files: Sequence[Path]) -> Folder:
    """Read the listing and all pages as intake does, ignoring the crawl's page limit."""
    settings = Settings(max_pages=len(files) + 1)
    found = read([str(file) for file in files], settings, now=_NOW)
    hashes = {hashlib.sha256(file.read_bytes()).hexdigest(): file for file in files}
    return Folder(product, hashes, found.intake.documents)


def sheet(folder: Folder) -> str:
    """Return the blind reader's sheet: page, headings, number and text of each statement."""
    lines = [f"{folder.product}: mark the {MARKED} statements that a threat model of this product needs most"]
    names = {document.id: folder.files[document.sha256].name for document in folder.documents}
    place: tuple[str, tuple[str, ...]] = ("", ())
    for number, statement in folder.numbered():
        here = (statement.document, statement.path)
        if here != place:
            lines += ["", f"## {statement.document} {names[statement.document]} | {' > '.join(statement.path)}"]
            place = here
        lines.append(f"S{number}\t{' '.join(statement.text.split())[:_LONGEST]}")
    return "\n".join(lines) + "\n"


def marks(folder: Folder, numbers: Sequence[int], sources: Mapping[str, Mapping[str, str]], reader: str) -> list[Mark]:
    """Convert marked statements to places in their files. Raises KeyError for a number that is not on the sheet."""
    shown = dict(folder.numbered())
    documents = {document.id: document for document in folder.documents}
    pairs = {}
    found = []
    for number in numbers:
        statement = shown[number]
        document = documents[statement.document]
        if document.id not in pairs:
            raw = folder.files[document.sha256].read_text("utf-8", errors="replace")
            pairs[document.id] = align(raw, document.text)
        inside = [p.first for p in pairs[document.id] if statement.start <= p.second.start < statement.end]
        row = sources[document.sha256]
        if inside:
            start, end = inside[0].start, inside[-1].end
            found.append(
                Mark(folder.product, row["repository"], row["path"], row["commit"], document.sha256, start, end, reader)
            )
    return found


def spans(folder: Folder, given: Sequence[Mark]) -> list[tuple[str, int, int]]:
    """Convert marks to document id, start and end in intake's text; drop marks whose words are no longer found."""
    by_hash: dict[str, list[Mark]] = defaultdict(list)
    for mark in given:
        by_hash[mark.sha256].append(mark)
    found = []
    for document in folder.documents:
        own = by_hash.get(document.sha256)
        if not own:
            continue
        pairs = align(folder.files[document.sha256].read_text("utf-8", errors="replace"), document.text)
        starts = [pair.first.start for pair in pairs]
        for mark in own:
            inside = pairs[bisect_left(starts, mark.start) : bisect_right(starts, mark.end - 1)]
            if inside:
                found.append((document.id, inside[0].second.start, inside[-1].second.end))
    return found


def read_marks(file: Path = MARKS) -> list[Mark]:
    """Load the marks of a file; return none if the file is missing."""
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as handle:
        return [
            Mark(a, b, c, d, e, int(start), int(end), reader)
            for a, b, c, d, e, start, end, reader in list(csv.reader(handle, delimiter="	"))[1:]
        ]


def write_marks(given: Sequence[Mark], file: Path = MARKS) -> None:
    """Write all marks, sorted."""
    with file.open("w", encoding="utf-8", newline="") as handle:
        rows = csv.writer(handle, delimiter="\t", lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows(sorted(set(given)))


def read_sources(texts: Path) -> dict[str, dict[str, str]]:
    """Load the rows of `sources.tsv`, keyed by SHA-256."""
    with (texts / "sources.tsv").open(encoding="utf-8", newline="") as handle:
        return {row["sha256"]: row for row in csv.DictReader(handle, delimiter="\t")}


def _take(texts: Path, sheets: Path, reader: str) -> str:
    sources = read_sources(texts)
    kept = read_marks()
    lines = []
    for file in sorted(sheets.glob("*.ids")):
        folder = next(folders(texts, [file.stem]))
        numbers = [int(line.split()[0].lstrip("S")) for line in file.read_text("utf-8").splitlines() if line.strip()]
        fresh = marks(folder, numbers, sources, reader)
        kept = [mark for mark in kept if (mark.product, mark.reader) != (folder.product, reader)] + fresh
        lines.append(f"{folder.product}: {len(fresh)} of {len(numbers)} marks placed")
    write_marks(kept)
    return "\n".join(lines)


def main() -> None:
    """Write the sheets, or import the marks."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.training.needed_marks", description="Sheets to mark needed sentences on."
    )
    parser.add_argument("texts", type=Path)
    parser.add_argument("sheets", type=Path)
    parser.add_argument("--product", action="append", default=[])
    parser.add_argument("--take", metavar="READER", default="")
    chosen = parser.parse_args()
    if chosen.take:
        click.echo(_take(chosen.texts, chosen.sheets, chosen.take))
        return
    chosen.sheets.mkdir(parents=True, exist_ok=True)
    for folder in folders(chosen.texts, chosen.product):
        text = sheet(folder)
        (chosen.sheets / f"{folder.product}.txt").write_text(text, "utf-8")
        click.echo(
            f"{folder.product}: {len(folder.documents)} documents, {sum(1 for _ in folder.numbered())} statements"
        )


if __name__ == "__main__":
    main()
