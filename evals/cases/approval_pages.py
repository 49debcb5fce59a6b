"""The same product with a page that documents an approval: setting, default, scope and who can change it.

Such a page is the only text that may lower a threat's severity, so a drafter that reads it and lowers nothing has lost
a rule. Apart from the name, the page is the same for every case. It names no action, so that the drafter cannot
mistake it for an ability.
"""

from collections.abc import Sequence
from typing import Final

from evals.cases.case import Case, Page

CASES: Final = 24
"""Number of cases, spread evenly over the corpus, that are drafted a second time with the page."""
TITLE: Final = "Approval settings"
TEXT: Final = (
    "The setting `approval.required` is on by default, applies to every action of {name} in every workspace, and can "
    "be changed only by workspace administrators under Settings > Security. While it is on, {name} waits until a "
    "person confirms each action before it takes effect."
)


def with_page(case: Case) -> Case:
    """Return the case with the approval page added as its last document."""
    page = Page(title=TITLE, markdown=f"# {TITLE}\n\n{TEXT.format(name=case.name)}\n")
    return case.model_copy(update={"docs": (*case.docs, page)})


def chosen(cases: Sequence[Case]) -> frozenset[str]:
    """Return the slugs of the cases to draft with the page; the same cases always give the same slugs."""
    ordered = sorted(case.slug for case in cases)
    return frozenset(ordered[:: max(1, len(ordered) // CASES)][:CASES])
