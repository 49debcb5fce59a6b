"""Variants of the bundled cases: cards, twins (reworded, poisoned, with an approval), cases written for a purpose.

corpus/twins/<slug>/listing.md, docs/…    the facts of the case of that name in other words
corpus/special/<slug>/…                   invented products, each with a purpose, labelled by two readers
corpus/poisons.yaml                       text to plant (`evals.cases.poison`)
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from agent.errors import InputError
from agent.resources import data_folder
from evals.cases import approval_pages
from evals.cases.case import Case, Page
from evals.cases.corpus import load_cases, read_pages
from evals.cases.poison import Attack, assigned, attacks

TWINS: Final = "twins"
SPECIAL: Final = "special"


class Variants(NamedTuple):
    """The drafts to make in addition to the cases themselves."""

    twins: Mapping[str, Case]
    """Slug of a case → the same case with reworded text."""
    poisons: Mapping[str, tuple[Attack, ...]]
    """Slug of a case → the attacks planted in it."""
    special: tuple[Case, ...]
    approvals: frozenset[str] = frozenset()
    """Slugs of the cases also drafted with a page that documents an approval."""


NONE: Final = Variants({}, {}, ())


def bundled_variants(cases: Sequence[Case]) -> Variants:
    """Return the variants of the bundled corpus that belong to `cases`, and all special cases."""
    folder = data_folder("corpus")
    by_slug = {case.slug: case for case in cases}
    return Variants(
        twins={slug: twin for slug, twin in load_twins(folder / TWINS, by_slug).items() if slug in by_slug},
        poisons=assigned(cases, attacks()),
        special=load_cases(folder / SPECIAL),
        approvals=approval_pages.chosen(cases),
    )


def load_twins(folder: Path, cases: Mapping[str, Case]) -> dict[str, Case]:
    """Load the reworded twins of `cases` from `folder`, by slug; cases without a twin are skipped.

    Raises InputError for a twin whose page titles differ from those of its case.
    """
    twins = {}
    for place in sorted(path for path in folder.iterdir() if path.is_dir() and path.name in cases):
        case = cases[place.name]
        listing, docs = read_pages(place)
        if [page.title for page in docs] != [page.title for page in case.docs]:
            raise InputError(
                "a twin has not the pages of its case", where=str(place), hint="give every page the title it has there"
            )
        twins[case.slug] = case.model_copy(
            update={"listing": Page(title=case.listing.title, markdown=listing), "docs": docs}
        )
    return twins
