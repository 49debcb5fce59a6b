"""Split vendors into open ones (`train`) and held-out ones (`dev`): `python -m evals.cases.splits`.

Authors of patterns, vocabulary entries and prompts read only the texts of train vendors. For dev vendors, they see only
the number of misses, so that the dev figures show how drafts do on vendors that nobody tuned for.

The split is stored in `corpus/splits.yaml`, so that it does not change when cases are added; this module assigns new
cases. A case follows its relatives (`evals.cases.families`). Without relatives, the hash of its family's name decides,
which sends about a third of such cases to dev. When the file was created, vendors of real pages without a reading went
to train, since those pages may be read, and vendors of real pages with a reading went to dev. `corpus lint` checks the
file.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

import click
import yaml
from pydantic import Field

from agent.records import Record
from agent.resources import data_folder
from evals.cases.case import Case, Slug, check
from evals.cases.corpus import load_cases
from evals.cases.families import families, family_key, same_family
from evals.script import run_script

Split = Literal["train", "dev"]
SPLITS: Final[tuple[Split, ...]] = ("train", "dev")
FILE: Final = "splits.yaml"
_DEV_IN: Final = 3
"""One family in this many goes to dev (a third)."""
_LEAST, _MOST = 1.5, 3.0
"""Bounds on the number of train cases for each dev case: about two to one."""
_HEAD: Final = (
    "# Open vendors, whose texts may be read (train), and held-out vendors (dev); see evals/cases/splits.py.\n"
    "# "
    "Written by `python -m evals.cases.splits`, which adds new cases and never moves existing ones.\n"
)


class Splits(Record):
    """The split of the bundled cases and of the real pages."""

    train: tuple[Slug, ...]
    dev: tuple[Slug, ...]
    real_dev: Annotated[tuple[Slug, ...], Field(min_length=1)]
    """Real products with an expert's reading; all other real products belong to `train`."""

    def of(self, side: Split) -> tuple[Slug, ...]:
        """Return the slugs on one side of the split."""
        return self.dev if side == "dev" else self.train


@lru_cache(maxsize=1)
def load_splits() -> Splits:
    """Load the bundled split. Raises InputError for a malformed file."""
    return read_splits(data_folder("corpus") / FILE)


def read_splits(path: Path) -> Splits:
    """Read the split from a file. Raises InputError naming the field, OSError when it cannot be read."""
    return check(Splits, yaml.safe_load(path.read_text("utf-8")), str(path))


def split_of(case: Case, splits: Splits | None = None) -> Split:
    """Return the split of a case. An unlisted case is assigned by the hash of its family's name."""
    known = splits or load_splits()
    if case.slug in known.dev:
        return "dev"
    return "train" if case.slug in known.train else _by_hash(case)


def extended(splits: Splits, cases: Sequence[Case]) -> Splits:
    """Return the split with the missing `cases` added; the cases already in it keep their side.

    A new case with relatives on both sides goes to train; `complaints` then reports that its family is on both sides.
    """
    sides: dict[str, Split] = {slug: side for side in SPLITS for slug in splits.of(side)}
    listed = [case for case in cases if case.slug in sides]
    for case in sorted(cases, key=lambda one: one.slug):
        if case.slug in sides:
            continue
        near = {sides[other.slug] for other in listed if same_family(case.identity, other.identity)}
        sides[case.slug] = "train" if "train" in near else "dev" if near else _by_hash(case)
        listed.append(case)
    train, dev = (tuple(sorted(slug for slug, found in sides.items() if found == side)) for side in SPLITS)
    return splits.model_copy(update={"train": train, "dev": dev})


def complaints(splits: Splits, cases: Sequence[Case]) -> Iterator[str]:
    """Yield the problems in the split of the bundled cases, one line each."""
    slugs = {case.slug for case in cases}
    twice = sorted(set(splits.train) & set(splits.dev))
    yield from (f"{slug} is in both" for slug in twice)
    listed = {*splits.train, *splits.dev}
    yield from (f"{slug} is in neither: `python -m evals.cases.splits` adds it" for slug in sorted(slugs - listed))
    yield from (f"{slug} is not a case" for slug in sorted(listed - slugs))
    if any(list(names) != sorted(set(names)) for names in (splits.train, splits.dev, splits.real_dev)):
        yield "a list is not sorted or contains a case twice"
    sides: dict[str, set[str]] = {}
    for case, family in zip(cases, families([case.identity for case in cases]), strict=True):
        sides.setdefault(family, set()).add(split_of(case, splits))
    yield from (f"the family {family} is on both sides" for family, both in sorted(sides.items()) if len(both) > 1)
    if not _LEAST * len(splits.dev) <= len(splits.train) <= _MOST * len(splits.dev):
        yield f"{len(splits.train)} train and {len(splits.dev)} dev cases are not in a ratio of about two to one"


def dump(splits: Splits) -> str:
    """Return the file's text: the same split gives the same bytes."""
    return _HEAD + yaml.safe_dump(splits.model_dump(mode="json"), sort_keys=False)


def _by_hash(case: Case) -> Split:
    digest = hashlib.sha256(family_key(*case.identity).encode()).digest()
    return "dev" if int.from_bytes(digest[:8], "big") % _DEV_IN == 0 else "train"


def main(arguments: Sequence[str]) -> None:
    """Add missing bundled cases to the file, and print any problems in it."""
    path = Path(arguments[0]) if arguments else data_folder("corpus") / FILE
    cases = load_cases(data_folder("corpus") / "cases")
    before = read_splits(path)
    after = extended(before, cases)
    if after != before:
        path.write_text(dump(after), "utf-8")
    for said in complaints(after, cases):
        click.echo(f"complaint: {said}")
    click.echo(
        f"{len(after.train)} train, {len(after.dev)} dev; {len(after.train) - len(before.train)} new train, "
        f"{len(after.dev) - len(before.dev)} new dev"
    )


if __name__ == "__main__":
    run_script(main)
