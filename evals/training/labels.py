"""Load stand-off labels of real pages, match them to texts by hash and assign them to statements.

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

from agent.intake.extract.documents import compose
from agent.intake.extract.parse import SUFFIXES, read_page, sniff
from agent.intake.extract.statements.split import statements
from agent.records import Document, Snapshot, Statement, StatementRole
from agent.settings import Settings
from evals.training.align import align

ROLES: Final[tuple[StatementRole, ...]] = get_args(StatementRole)
FOLDER: Final = Path(__file__).parent / "labels"
LETTERS: Final = dict(zip("BTCLKAIENMOX", ROLES, strict=True))
"""Letter used in labelling → its role."""
_MIN_SHARE: Final = 0.5
"""Minimum share of a statement's words in labelled places for the statement to get a role."""


@dataclass(frozen=True)
class Place:
    """A place in a file as published."""

    owner: str
    """The publisher of the product, in lower case; all places of an owner are held out together."""
    repository: str
    """`owner/name`, or `corpus/case` for a text of the bundled corpus."""
    path: str
    commit: str
    sha256: str
    start: int
    end: int


@dataclass(frozen=True)
class Label(Place):
    """A place with a labelled role."""

    role: StatementRole
    second: StatementRole | None = None
    """The role according to a second, independent reader."""
    batch: str = ""
    """The batch of labels to which this label belongs."""


@dataclass(frozen=True)
class LabelledPage:
    """A page as intake reads it, with its statements and labels."""

    owner: str
    document: Document
    statements: tuple[Statement, ...]
    roles: tuple[StatementRole | None, ...]
    """The role of each statement, None without a label."""
    labels: tuple[Label, ...]
    held: tuple[dict[int, int], ...]
    """For each label, the number of words that it shares with each overlapping statement."""
    places: tuple[Place, ...] = ()
    """Places labelled with facts but without a role."""
    places_held: tuple[dict[int, int], ...] = ()
    """Like `held`, for `places`."""

    @property
    def source(self) -> Place:
        """The page's first labelled place, which identifies its source."""
        return (*self.labels, *self.places)[0]


def read_labels(folder: Path = FOLDER) -> list[Label]:
    """Load the labels of a folder: `texts.tsv` identifies each numbered text, `roles.tsv` has its labelled places.

    Raises KeyError for an unknown number or letter, OSError when a file is missing.
    """
    texts = {row["text"]: row for row in rows_of(folder / "texts.tsv")}
    return [
        Label(
            *_where(texts[row["text"]], row),
            role=LETTERS[row["role"]],
            second=LETTERS[row["second"]] if row["second"] else None,
            batch=row["batch"],
        )
        for row in rows_of(folder / "roles.tsv")
    ]


def read_places(folder: Path = FOLDER) -> list[Place]:
    """Load the places of `facts.tsv` without a labelled role. Raises the same errors as `read_labels`."""
    texts = {row["text"]: row for row in rows_of(folder / "texts.tsv")}
    known = {(row["text"], row["start"], row["end"]) for row in rows_of(folder / "roles.tsv")}
    return [
        Place(*_where(texts[row["text"]], row))
        for row in rows_of(folder / "facts.tsv")
        if (row["text"], row["start"], row["end"]) not in known
    ]


def _where(text: Mapping[str, str], row: Mapping[str, str]) -> tuple[str, str, str, str, str, int, int]:
    """Return the fields of a `Place` from a row of `texts.tsv` and a row with offsets."""
    source = (text["owner"], text["repository"], text["path"], text["commit"], text["sha256"])
    return (*source, int(row["start"]), int(row["end"]))


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


def read_document(path: Path, name: str, identity: str = "D1") -> Document:
    """Read a file as intake does; `name` is its path in the repository."""
    body = path.read_bytes()
    kind = sniff(body, "", name)
    page = read_page(body, kind, "", name, Settings())
    snapshot = Snapshot(
        sha256=hashlib.sha256(body).hexdigest(),
        requested_url=name,
        final_url=name,
        fetched_at="2026-01-01T00:00:00Z",
        media_type="text/markdown",
        kind="listing",
        size=len(body),
    )
    return compose(identity, page, snapshot)


def labelled_pages(
    labels: Sequence[Label], texts: Mapping[str, Path], places: Sequence[Place] = ()
) -> list[LabelledPage]:
    """Build the pages of all labels whose text was found, in label order; `places` as in `LabelledPage`."""
    by_text: dict[str, tuple[list[Label], list[Place]]] = defaultdict(lambda: ([], []))
    for label in labels:
        if label.sha256 in texts:
            by_text[label.sha256][0].append(label)
    for place in places:
        if place.sha256 in texts:
            by_text[place.sha256][1].append(place)
    return [_labelled(own, others, texts[digest]) for digest, (own, others) in by_text.items()]


def _labelled(labels: Sequence[Label], places: Sequence[Place], path: Path) -> LabelledPage:
    source = (*labels, *places)[0]
    document = read_document(path, source.path)
    found = statements([document])
    held, size = _held(path.read_text("utf-8"), document, found, (*labels, *places))
    votes: list[Counter[StatementRole]] = [Counter() for _ in found]
    for label, shared in zip(labels, held, strict=False):
        for number, count in shared.items():
            votes[number][label.role] += count
    roles = tuple(
        vote.most_common(1)[0][0] if vote and vote.total() >= _MIN_SHARE * size[n] else None
        for n, vote in enumerate(votes)
    )
    count = len(labels)
    return LabelledPage(
        source.owner, document, found, roles, tuple(labels), tuple(held[:count]), tuple(places), tuple(held[count:])
    )


def _held(
    raw: str, document: Document, found: Sequence[Statement], labels: Sequence[Place]
) -> tuple[list[dict[int, int]], Counter[int]]:
    """Count the words that each place shares with each statement, and the words of each statement."""
    starts = [statement.start for statement in found]
    owner: dict[int, int] = {}
    for pair in align(raw, document.text):
        number = bisect_right(starts, pair.second.start) - 1
        if number >= 0 and pair.second.start < found[number].end:
            owner[pair.first.start] = number
    places = sorted(owner)
    held = []
    for label in labels:
        inside = places[bisect_left(places, label.start) : bisect_left(places, label.end)]
        held.append(dict(Counter(owner[place] for place in inside)))
    return held, Counter(owner.values())
