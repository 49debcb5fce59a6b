"""Creates a half-reviewed draft of a bundled case for a first look.

The case is drafted afresh, so the demo shows the output of this version. The decisions depend only on the draft: they
confirm the product's supported items one by one, and the facts and four layers in bulk. They also set a heavily
weighted factor to one end of its range or of the scale, strike the last threat, contest the headline threat and send a
question to the vendor.
"""

from decimal import Decimal
from typing import Final

from agent.pipeline import draft
from agent.report.view import View
from agent.resources import data_folder
from agent.review.domain.effects.decisions import first_decisions
from agent.review.domain.items import FACT_SECTION, PRODUCT
from agent.review.domain.records import Action, Reason, Reviewer, ReviewState, Verb
from agent.review.service import Service
from agent.settings import Settings
from agent.taxonomy.layers import LAYERS

CASE: Final = "firecrawl-mcp"
ANALYST: Final = Reviewer(name="Demo analyst")
_NOW: Final = "2026-11-26T09:00:00Z"
_DONE_LAYERS: Final = 4
_SCALE: Final = (Decimal(0), Decimal(1))


def add_demo(service: Service) -> str:
    """Create the demo's review in the service's store and return its key. Takes two to three seconds."""
    folder = data_folder("corpus") / "cases" / CASE
    made = draft([str(folder)], settings=Settings(), now=_NOW)
    key = service.add_draft(made.draft, made.documents, ANALYST)
    analyst = _Analyst(service, key)
    analyst.strike_last_threat()
    analyst.correct_heaviest_factor()
    analyst.contest_first_threat()
    analyst.send_question()
    analyst.confirm_product()
    for section in (FACT_SECTION, *LAYERS[:_DONE_LAYERS]):
        analyst.confirm_together(section)
    return key


class _Analyst:
    """The analyst who makes the demo's decisions."""

    def __init__(self, service: Service, key: str) -> None:
        self._service = service
        self._key = key

    @property
    def _state(self) -> ReviewState:
        return self._service.review(self._key)

    def act(
        self, verb: Verb, item: str = "", *, section: str = "", reason: Reason | None = None, note: str = "",
        **fields: object,
    ) -> None:  # fmt: skip
        """Store an act based on the newest version of the review."""
        action = Action(
            verb=verb, item=item, version=self._state.version, fields=fields, reason=reason or "", note=note,
            section=section,
        )  # fmt: skip
        self._service.act(self._key, action, ANALYST)

    def confirm_product(self) -> None:
        """Confirm, one by one, the product's uncontested items that quotes support."""
        for one in self._state.open:
            if one.item.section == PRODUCT and one.item.supported and not one.contested:
                self.act("confirm", one.item.id)

    def confirm_together(self, section: str) -> None:
        """Confirm all items of a section that quotes support in one act, as if the analyst had seen the whole
        section."""
        seen = [one.item.id for one in self._state.items if one.item.section == section]
        self.act("bulk", section=section, seen=seen)

    def strike_last_threat(self) -> None:
        """Strike the last threat as not applicable."""
        threats = View(self._state.drafted).threats
        if len(threats) > 1:
            note = "Nothing of this kind is deployed with it here."
            self.act("strike", f"threat/{threats[-1].threat.id}", reason="not-applicable", note=note)

    def correct_heaviest_factor(self) -> None:
        """Set the heaviest factor that can change the displayed score to an end of its range, or of the scale if no
        end of a range changes the score.
        """
        state = self._state
        heavy = [one.state.item.id for one in first_decisions(state) if one.state.item.kind == "factor"]
        now = {f"factor/{key}": one for key, one in state.reviewed.factors.items()}
        ranked = list(dict.fromkeys((*heavy, *now)))
        ends = [(item, end) for item in ranked for end in (now[item].low, now[item].high)]
        ends += [(item, end) for item in ranked for end in _SCALE]
        tried = [_correction(state, item, end) for item, end in ends if end != now[item].value]
        shown = (one for one in tried if self._moves(one))
        self._service.act(self._key, next(shown, tried[0]), ANALYST)

    def _moves(self, action: Action) -> bool:
        moved = self._service.preview(self._key, action, ANALYST)
        return moved.after.aivss is not None and moved.after.aivss != moved.before.aivss

    def contest_first_threat(self) -> None:
        """Record that the vendor contests the threat behind the score, and leave the contest undecided."""
        first = View(self._state.drafted).headline
        if first is not None:
            text = "The setting that this threat needs has been off by default since the last release."
            page, sender = "https://docs.example/defaults", "The vendor's security team"
            self.act("contest", f"threat/{first.threat.id}", kind="wrong", text=text, url=page, sender=sender)

    def send_question(self) -> None:
        """Send the first question to the vendor."""
        asked = View(self._state.drafted).questions
        if asked:
            self.act("send", f"question/{asked[0].id}")


def _correction(state: ReviewState, item: str, value: Decimal) -> Action:
    return Action(
        verb="correct", item=item, version=state.version, fields={"value": float(value)}, reason="known-otherwise",
        note="This is how it is set up in this deployment.",
    )  # fmt: skip
