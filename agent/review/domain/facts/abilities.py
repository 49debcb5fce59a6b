"""Decides on capabilities through the facts that they follow from, so that nobody decides on the same thing twice.

A draft lists capabilities besides facts, each made from facts with one key. Since a capability and its facts would have
to be struck separately, a capability without a direct decision takes the verdict of its facts. If a draft's facts do
not produce the capability, or a reviewer decided on it directly, it is a separate item.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from agent.records import Capability, Draft, Fact
from agent.review.domain.facts.changed_sheet import held_as
from agent.review.domain.records import ItemState, ReviewState

_SURE: Final = ("confirmed", "corrected")


def carriers(whole: Draft, drafted: Draft, answered: Mapping[str, Fact]) -> dict[str, tuple[str, ...]]:
    """Map the item id of each capability in `whole` to the items of its facts.

    `drafted` holds the facts as originally read, `answered` the facts from answers by item name.
    """
    read = {fact.id: fact for fact in (drafted.facts.facts if drafted.facts else ())}
    now = whole.facts.facts if whole.facts else ()
    named = [(name, fact, held_as(now, fact)) for name, fact in {**read, **answered}.items()]
    return {
        f"capability/{one.id}": found
        for one in whole.system.capabilities
        if (found := tuple(f"fact/{name}" for name, fact, held in named if _carries(one, fact) or _carries(one, held)))
    }


def _carries(one: Capability, fact: Fact | None) -> bool:
    """Return whether a capability is made from a fact: a fact about the product with the same key and polarity and a
    shared quote."""
    return (
        fact is not None
        and fact.key == one.signal
        and fact.about == "product"
        and (fact.polarity == "denied") == (one.state == "denied")
        and not set(fact.evidence).isdisjoint(one.evidence)
    )


def carriers_of(state: ReviewState, item: str) -> tuple[str, ...]:
    """Return the items of a capability's facts in a review; empty for any other item."""
    if not item.startswith("capability/"):
        return ()
    answered = {name: fact for name, (fact, _) in state.answered.items()}
    return carriers(state.based, state.drafted, answered).get(item, ())


def through_facts(items: Sequence[ItemState]) -> Iterator[ItemState]:
    """Yield the items, with undecided capabilities taking the verdict of their facts."""
    verdicts = {one.item.id: one.verdict for one in items}
    for one in items:
        told = {verdicts[name] for name in one.via}
        if not told or one.verdict != "open":
            yield one
        elif told <= set(_SURE):
            yield one.model_copy(update={"verdict": "confirmed"})
        else:
            yield one.model_copy(update={"verdict": next(iter(told)) if len(told) == 1 else "open"})
