"""Threats by their numbers: where a review moved, added or struck threats, texts that name them follow.

Texts of a draft call its threats T1, T2, … in the order of the report. A text that a reviewer wrote is left as it is.
"""

from collections.abc import Mapping, Sequence

from agent.drafting.judged import renamed
from agent.export.view import View
from agent.records import Advice, Chain, ClaimedControl, Draft, Question


def renumbered(after: Draft, *sources: Draft) -> Draft:
    """`after` with the texts that it took from `sources` naming its own numbers; the first source that has one counts.

    A sentence that names a threat which is gone is left out.
    """
    numbers = {item.threat.id: item.name for item in View(after).threats}
    names: dict[str, Mapping[str, str]] = {}
    for source in sources:
        shown = View(source).threats
        if all(item.threat.basis is None for item in shown):
            continue  # Drafts from before threats were numbered in texts.
        moved = {item.name: numbers[item.threat.id] for item in shown if item.threat.id in numbers}
        if any(moved.get(item.name) != item.name for item in shown):
            names = {**dict.fromkeys(_texts(source), moved), **names}
    return _Renaming(names).of(after) if names else after


def _texts(draft: Draft) -> list[str]:
    """All texts that may name threats."""
    found = [draft.product.posture, *(chain.title for chain in draft.chains), *(each.why for each in draft.controls)]
    found += [text for asked in draft.questions for text in (asked.text, asked.proposed, asked.why, asked.changes)]
    if draft.advice is not None:
        found += [text for each in draft.advice.conditions for text in (each.text, each.price)]
    return found


class _Renaming:
    """Renames in each text the threats by the names of its source."""

    def __init__(self, names: Mapping[str, Mapping[str, str]]) -> None:
        self._names = names

    def text(self, text: str) -> str:
        names = self._names.get(text)
        return text if names is None else renamed(text, names)

    def of(self, draft: Draft) -> Draft:
        product = draft.product.model_copy(update={"posture": self.text(draft.product.posture)})
        return draft.model_copy(
            update={
                "product": product,
                "chains": self._chains(draft.chains),
                "questions": self._questions(draft.questions),
                "controls": self._controls(draft.controls),
                "advice": self._advice(draft.advice),
            }
        )

    def _chains(self, chains: Sequence[Chain]) -> tuple[Chain, ...]:
        return tuple(each.model_copy(update={"title": self.text(each.title) or each.title}) for each in chains)

    def _controls(self, controls: Sequence[ClaimedControl]) -> tuple[ClaimedControl, ...]:
        return tuple(each.model_copy(update={"why": self.text(each.why)}) for each in controls)

    def _questions(self, questions: Sequence[Question]) -> tuple[Question, ...]:
        return tuple(
            each.model_copy(
                update={
                    "text": self.text(each.text) or each.text,
                    "proposed": self.text(each.proposed) or each.proposed,
                    "why": self.text(each.why),
                    "changes": self.text(each.changes),
                }
            )
            for each in questions
        )

    def _advice(self, advice: Advice | None) -> Advice | None:
        if advice is None:
            return None
        conditions = tuple(
            each.model_copy(update={"text": text, "price": self.text(each.price)})
            for each in advice.conditions
            if (text := self.text(each.text))
        )
        return advice.model_copy(update={"conditions": conditions})
