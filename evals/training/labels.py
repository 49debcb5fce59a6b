"""Load the stand-off labels of real pages, match them to texts by hash, and assign them to statements.

A label refers to a place in a file as published (repository, path, commit, sha256, start, end) and never contains text.
The files themselves are not part of the project. They are found by hash in the folders that the caller names.
"""

import csv
import hashlib
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

import click

from agent.intake.extract.parse import SUFFIXES
from agent.intake.extract.statements.split import statements
from agent.records import Document, Statement, StatementRole
from agent.resources import data_folder
from evals.cases.documents import file_document
from evals.training.align import align

ROLES: Final[tuple[StatementRole, ...]] = get_args(StatementRole)
FOLDER: Final = Path(__file__).parent / "labels"
BUNDLED: Final = "corpus/"
"""Prefix of `repository` for the texts of bundled cases."""
LETTERS: Final = dict(zip("BTCLKAIENMOX", ROLES, strict=True))
"""Letter used in labelling → the role that it stands for."""
_MIN_SHARE: Final = 0.5
"""Minimum share of a statement's words in labelled places for the statement to get a role."""
_SHOWN: Final = 10


@dataclass(frozen=True)
class Place:
    """A labelled place in a file as published."""

    owner: str
    """The publisher of the product, in lower case; all places of an owner are held out together."""
    repository: str
    """`owner/name`, or `corpus/case` for a text of the bundled corpus."""
    path: str
    commit: str
    sha256: str
    start: int
    end: int
    role: StatementRole | None = None
    """None if only the facts of the place are labelled."""
    second: StatementRole | None = None
    """The role according to a second, independent reader."""
    batch: str = ""
    """The batch of labels to which this label belongs."""


@dataclass(frozen=True)
class LabelledPage:
    """A page as intake reads it, with its statements and labels."""

    document: Document
    statements: tuple[Statement, ...]
    places: tuple[Place, ...]
    """The labelled places, those with a role first."""
    held: tuple[dict[int, int], ...]
    """For each place, the number of words that it shares with each overlapping statement."""
    roles: tuple[StatementRole | None, ...]
    """The role of each statement, None without a label."""


def read_labels(folder: Path = FOLDER) -> list[Place]:
    """Load the labels of a folder: `texts.tsv` identifies each numbered text, `roles.tsv` has its labelled places.

    Raises KeyError for an unknown number or letter, OSError when a file is missing.
    """
    return _places(folder, "roles.tsv")


def read_places(folder: Path = FOLDER) -> list[Place]:
    """Load the labels, then the places of `facts.tsv` without a labelled role. Raises the errors of `read_labels`."""
    labels = read_labels(folder)
    known = {(label.sha256, label.start, label.end) for label in labels}
    return [*labels, *(p for p in _places(folder, "facts.tsv") if (p.sha256, p.start, p.end) not in known)]


def _places(folder: Path, file: str) -> list[Place]:
    texts = {row["text"]: row for row in rows_of(folder / "texts.tsv")}
    found = []
    for row in rows_of(folder / file):
        text = texts[row["text"]]
        where = text["owner"], text["repository"], text["path"], text["commit"], text["sha256"]
        role = LETTERS[row["role"]] if "role" in row else None
        second = LETTERS[row["second"]] if role and row["second"] else None
        found.append(Place(*where, int(row["start"]), int(row["end"]), role, second, row.get("batch", "")))
    return found


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read the rows of a label file, keyed by column name."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def find_texts(hashes: Iterable[str], folders: Sequence[Path]) -> dict[str, Path]:
    """Find the files under `folders` by SHA-256; hashes without a file are omitted from the result."""
    wanted = set(hashes)
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                if digest in wanted:
                    found.setdefault(digest, path)
    return found


def labelled_texts(places: Sequence[Place], folders: Sequence[Path]) -> dict[str, Path]:
    """Find the texts of all places in the folders and in the bundled corpus, by SHA-256."""
    return find_texts({place.sha256 for place in places}, [*folders, data_folder("corpus") / "cases"])


def all_pages(places: Sequence[Place], folders: Sequence[Path], fitted: str) -> list[LabelledPage]:
    """Return the pages of all places. If texts are missing, print which ones and return no pages; the message says that
    `fitted` (such as "heads") must be fitted on all texts."""
    texts = labelled_texts(places, folders)
    missing = sorted({(place.repository, place.path) for place in places if place.sha256 not in texts})
    click.echo(f"{len(texts)} labelled texts were found, {len(missing)} are missing")
    if not missing:
        return labelled_pages(places, texts)
    for repository, path in missing[:_SHOWN]:
        click.echo(f"  missing: {repository} {path}")
    click.echo(f"nothing is fitted: the {fitted} must be fitted on all texts")
    return []


def labelled_pages(places: Sequence[Place], texts: Mapping[str, Path]) -> list[LabelledPage]:
    """Build the pages of all places whose text was found, in the order of the places."""
    by_text: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        if place.sha256 in texts:
            by_text[place.sha256].append(place)
    return [_labelled(own, texts[digest]) for digest, own in by_text.items()]


def _labelled(places: Sequence[Place], path: Path) -> LabelledPage:
    document = file_document(path.read_bytes(), places[0].path)
    found = statements([document])
    held, size = _held(path.read_text("utf-8"), document, found, places)
    votes: list[Counter[StatementRole]] = [Counter() for _ in found]
    for place, shared in zip(places, held, strict=True):
        for number, count in shared.items():
            if place.role:
                votes[number][place.role] += count
    roles = tuple(
        vote.most_common(1)[0][0] if vote and vote.total() >= _MIN_SHARE * size[n] else None
        for n, vote in enumerate(votes)
    )
    return LabelledPage(document, found, tuple(places), tuple(held), roles)


def _held(
    raw: str, document: Document, found: Sequence[Statement], places: Sequence[Place]
) -> tuple[list[dict[int, int]], Counter[int]]:
    """Count the words that each place shares with each statement, and the words of each statement."""
    starts = [statement.start for statement in found]
    owner: dict[int, int] = {}
    for pair in align(raw, document.text):
        number = bisect_right(starts, pair.second.start) - 1
        if number >= 0 and pair.second.start < found[number].end:
            owner[pair.first.start] = number
    words = sorted(owner)
    inside = (words[bisect_left(words, place.start) : bisect_left(words, place.end)] for place in places)
    return [dict(Counter(owner[word] for word in own)) for own in inside], Counter(owner.values())
