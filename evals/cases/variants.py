"""Variants of the bundled cases: twins (reworded, poisoned, with an approval page) and cases written for a purpose.

corpus/twins/<slug>/listing.md, docs/…    the facts of the case of that name, in other words
corpus/special/<slug>/…                   invented products, each with a purpose, labelled by two readers
corpus/poisons.yaml                       text to plant (`evals.cases.poison`)

Only documentation of an approval step may lower a threat's severity, so if a draft made with the approval page lowers
nothing, a rule has stopped working. Apart from the product's name, the page is the same for every case. It mentions no
specific action, because the drafter could mistake one for a capability of the product.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from agent.errors import InputError
from agent.resources import data_folder
from evals.cases.case import Case, Page
from evals.cases.corpus import load_cases, read_pages
from evals.cases.poison import Attack, assigned, attacks, spread

TWINS: Final = "twins"
SPECIAL: Final = "special"
APPROVAL_TITLE: Final = "Approval settings"
APPROVAL_TEXT: Final = (
    "The setting `approval.required` is on by default, applies to every action of {name} in every workspace, and can "
    "be changed only by workspace administrators under Settings > Security. While it is on, {name} waits until a "
    "person confirms each action before it takes effect."
)


class Variants(NamedTuple):
    """The drafts to make in addition to the cases themselves."""

    twins: Mapping[str, Case]
    """Slug of a case → the same case with reworded text."""
    poisons: Mapping[str, tuple[Attack, ...]]
    """Slug of a case → the attacks planted in it."""
    special: tuple[Case, ...]
    approvals: frozenset[str] = frozenset()
    """Slugs of the cases also drafted with a page that documents an approval step."""


NONE: Final = Variants({}, {}, ())


def bundled_variants(cases: Sequence[Case]) -> Variants:
    """Return the variants of the bundled corpus that belong to `cases`, and all special cases."""
    folder = data_folder("corpus")
    return Variants(
        twins=load_twins(folder / TWINS, {case.slug: case for case in cases}),
        poisons=assigned(cases, attacks()),
        special=load_cases(folder / SPECIAL),
        approvals=frozenset(spread(cases)),
    )


def load_twins(folder: Path, cases: Mapping[str, Case]) -> dict[str, Case]:
    """Load the reworded twins of `cases` from `folder`, by slug; cases without a twin are skipped.

    Raises InputError for a twin whose page titles differ from those of its case.
    """
    twins = {}
    for place in sorted(path for path in folder.iterdir() if path.is_dir() and path.name in cases):
        case = cases[place.name]
        markdown, docs = read_pages(place)
        if [page.title for page in docs] != [page.title for page in case.docs]:
            raise InputError(
                "the pages of a twin differ from those of its case",
                where=str(place),
                hint="give every page the same title as in the case",
            )
        listing = Page(title=case.listing.title, markdown=markdown)
        twins[case.slug] = case.model_copy(update={"listing": listing, "docs": docs})
    return twins


def with_approval(case: Case) -> Case:
    """Return the case with a final page that documents an approval step: its setting, default and scope, and who can
    change it."""
    text = f"# {APPROVAL_TITLE}\n\n{APPROVAL_TEXT.format(name=case.name)}\n"
    return case.model_copy(update={"docs": (*case.docs, Page(title=APPROVAL_TITLE, markdown=text))})
