"""A half-reviewed draft of a bundled case, for a first look: drafted anew, so that it is what this version drafts.

What is decided depends on the draft alone: the supported half confirmed, the factor that weighs most set to the lower
end of its range, the last threat struck, a point of the first one contested, a question sent.
"""

from typing import Final

from agent.pipeline import draft
from agent.resources import data_folder
from agent.review.decisions import first_decisions
from agent.review.items import FACTOR_SECTION, PRODUCT, SECTIONS
from agent.review.records import Action, ItemKind, Reason, Reviewer, ReviewState, Verb
from agent.review.service import Service
from agent.settings import Settings
from agent.taxonomy.keys import LAYERS

CASE: Final = "firecrawl-mcp"
ANALYST: Final = Reviewer(name="Demo analyst")
_NOW: Final = "2026-11-26T09:00:00Z"
_DONE_LAYERS: Final = 4


def add_demo(service: Service) -> str:
    """Makes the demo's review in the service's store, in two to three seconds, and gives its key."""
    folder = data_folder("corpus") / "cases" / CASE
    made = draft([str(folder)], settings=Settings(), now=_NOW)
    key = service.add_draft(made.draft, made.documents, ANALYST)
    desk = _Desk(service, key)
    desk.strike_last_threat()
    desk.correct_heaviest_factor()
    desk.contest_first_threat()
    desk.send_question()
    for section in SECTIONS:
        if section in (PRODUCT, FACTOR_SECTION, *LAYERS[:_DONE_LAYERS]):
            desk.act("confirm", section=section)
    return key


class _Desk:
    """The demo's own analyst."""

    def __init__(self, service: Service, key: str) -> None:
        self._service = service
        self._key = key

    @property
    def _state(self) -> ReviewState:
        return self._service.review(self._key)

    def _first(self, kind: ItemKind, at: int = 0) -> str:
        found = [one.item.id for one in self._state.items if one.item.kind == kind and one.verdict == "open"]
        return found[at] if found else ""

    def act(
        self, verb: Verb, item: str = "", *, section: str = "", reason: Reason | None = None, note: str = "",
        **fields: object,
    ) -> None:  # fmt: skip
        """An act at the newest version."""
        action = Action(
            verb=verb, item=item, version=self._state.version, fields=fields, reason=reason or "", note=note,
            section=section,
        )  # fmt: skip
        self._service.act(self._key, action, ANALYST)

    def strike_last_threat(self) -> None:
        """The threat with the last place does not apply."""
        item = self._first("threat", -1)
        if item:
            self.act("strike", item, reason="not-applicable", note="Nothing of the kind is deployed with it here.")

    def correct_heaviest_factor(self) -> None:
        """The factor that weighs most, set to the lower end of its range."""
        state = self._state
        heavy = [one.state.item.id for one in first_decisions(state) if one.state.item.kind == "factor"]
        item = heavy[0] if heavy else self._first("factor")
        estimate = next(one for key, one in state.drafted.factors.items() if item == f"factor/{key}")
        value = float(estimate.low if estimate.low < estimate.value else estimate.high)
        self.act("correct", item, reason="known-otherwise", note="As it is set up in this deployment.", value=value)

    def contest_first_threat(self) -> None:
        """Someone says that the first threat is told wrongly; nobody decided over it yet."""
        item = self._first("threat")
        if item:
            text = "Content that tools return is marked as untrusted before the client's LLM reads it."
            page = "https://docs.example/untrusted-content"
            self.act("contest", item, kind="wrong", text=text, url=page, sender="The vendor's security team")

    def send_question(self) -> None:
        """The first question went to the vendor."""
        item = self._first("question")
        if item:
            self.act("send", item)
