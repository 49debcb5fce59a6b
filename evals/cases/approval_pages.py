"""The same product with a page that documents an approval: setting, default, scope and who can change it.

Such a page is the one thing that lowers a threat's severity by text alone, so a drafter that reads it and does not
lower anything has lost a rule. The page is the same for every case but for the name. It names no action, so that no
reader takes it for an ability.
"""

from collections.abc import Sequence
from typing import Final

from evals.cases.case import Case, Page

CASES: Final = 24
"""So many cases of the corpus, spread evenly, are drafted a second time with the page."""
TITLE: Final = "Approval settings"
TEXT: Final = (
    "The setting `approval.required` is on by default, applies to every action of {name} in every workspace, and can "
    "be changed only by workspace administrators under Settings > Security. While it is on, {name} waits until a "
    "person confirms each action before it takes effect."
)


def with_page(case: Case) -> Case:
    """The case with the page as its last document."""
    page = Page(title=TITLE, markdown=f"# {TITLE}\n\n{TEXT.format(name=case.name)}\n")
    return case.model_copy(update={"docs": (*case.docs, page)})


def chosen(cases: Sequence[Case]) -> frozenset[str]:
    """The slugs of the cases that are drafted with the page: the same for the same cases."""
    ordered = sorted(case.slug for case in cases)
    return frozenset(ordered[:: max(1, len(ordered) // CASES)][:CASES])
