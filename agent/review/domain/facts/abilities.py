"""What the product can do is one list, that of its facts: an ability that facts give is decided over through them.

A draft lists abilities beside facts, each made of facts of one key. Two items that say the same would have to be struck
twice, so an ability on which nobody decided by itself stands as its facts do. In drafts whose facts do not give it, and
where a review decided over it, it is an item of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from agent.records import Capability, Draft, Fact
from agent.review.domain.facts.changed_sheet import held_as
from agent.review.domain.records import ItemState, ReviewState

_SURE: Final = ("confirmed", "corrected")


def carriers(whole: Draft, drafted: Draft, answered: Mapping[str, Fact]) -> dict[str, tuple[str, ...]]:
    """By item of an ability of `whole` the items of the facts that it is made from.

    `drafted` has the facts as they were read, `answered` those of answers, by the names of their items.
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
    """Whether an ability is made from a fact: of its key and sign, about the product, quoted among its quotes."""
    return (
        fact is not None
        and fact.key == one.signal
        and fact.about == "product"
        and (fact.polarity == "denied") == (one.state == "denied")
        and not set(fact.evidence).isdisjoint(one.evidence)
    )


def carriers_of(state: ReviewState, item: str) -> tuple[str, ...]:
    """The items of the facts that an ability of a review is made from; none for any other item."""
    if not item.startswith("capability/"):
        return ()
    answered = {name: fact for name, (fact, _) in state.answered.items()}
    return carriers(state.based, state.drafted, answered).get(item, ())


def through_facts(items: Sequence[ItemState]) -> Iterator[ItemState]:
    """The items, abilities with the verdict of their facts."""
    verdicts = {one.item.id: one.verdict for one in items}
    for one in items:
        told = {verdicts[name] for name in one.via}
        if not told or one.verdict != "open":
            yield one
        elif told <= set(_SURE):
            yield one.model_copy(update={"verdict": "confirmed"})
        else:
            yield one.model_copy(update={"verdict": next(iter(told)) if len(told) == 1 else "open"})
