"""A confirmation lapses when what was confirmed changes, and says what changed; nothing else makes it lapse."""

from collections.abc import Callable
from typing import Final, NamedTuple

import pytest

from agent.records import Draft
from agent.report.draft_json import dump
from agent.review.domain.items import threats_of
from agent.review.domain.lapses import content_of
from agent.review.domain.rescore import headline_of
from tests.fakes.review.fact_desks import ASSISTED, NAMES, desk_of
from tests.fakes.review.reviewing import CHAINED, Desk
from tests.fakes.review.strategies import VECTORS

Way = Callable[[Desk], Desk]


def fact_behind(draft: Draft, key: str) -> str:
    assert draft.facts is not None
    return next(f"fact/{fact.id}" for fact in draft.facts.facts if fact.key == key)


def struck(key: str) -> Way:
    return lambda desk: desk.act("strike", fact_behind(desk.draft, key))


def corrected(item: str, **fields: object) -> Way:
    return lambda desk: desk.act("correct", item, **fields)


def headline(desk: Desk) -> str:
    first = headline_of(desk.draft)
    assert first is not None
    return f"threat/{first.id}"


def first_of(kind: str) -> Callable[[Desk], str]:
    return lambda desk: next(one.item.id for one in desk.state.items if one.item.kind == kind)


def case_with(kind: str) -> Desk:
    """The review of a bundled case whose draft has an item of this kind."""
    return Desk.of_case(CHAINED) if kind == "chain" else Desk.of_case()


def citing(kind: str, key: str) -> Callable[[Desk], str]:
    """An item of this kind that cites a quote of the fact, and other quotes beside it where there is one."""

    def find(desk: Desk) -> str:
        fact = desk.one(fact_behind(desk.draft, key))
        marks = set(fact.item.evidence)
        able = [one for one in desk.state.items if one.item.kind == kind and marks & set(one.item.evidence)]
        gone = desk.act("strike", fact.item.id)
        able = [one for one in able if not gone.one(one.item.id).fell]
        return max(able, key=lambda one: len(one.item.evidence)).item.id

    return find


class Row(NamedTuple):
    """An item, a way in which its content changes, and a word of the reason."""

    item: Callable[[Desk], str]
    way: Way
    says: str


ROWS: Final = {
    "score: the headline is struck": Row(
        lambda _: "score", lambda desk: desk.act("strike", headline(desk)), "the score"
    ),
    "score: the headline is made milder": Row(
        lambda _: "score", lambda desk: desk.act("correct", headline(desk), cvss_vector=VECTORS[1]), "the vector"
    ),
    "score: a factor is set": Row(
        lambda _: "score", corrected("factor/autonomy_of_action", value=1.0), "the likely range"
    ),
    "score: a fact is struck": Row(lambda _: "score", struck("changes_records"), "the value"),
    "score: a graver threat is added": Row(
        lambda _: "score",
        lambda desk: desk.act(
            "add", layer="agent_frameworks", title="Prices change", cvss_vector=VECTORS[0], evidence=["E3"],
            statement=dict.fromkeys(("source", "prerequisite", "action", "impact", "asset"), "a thing"),
        ),
        "the score",
    ),
    "posture: a fact in it is struck": Row(lambda _: "posture", struck("changes_records"), "the text"),
    "factor: a fact behind it is struck": Row(citing("factor", "api_key"), struck("api_key"), ""),
    "factor: corrected by another, confirmed before": Row(
        lambda _: "factor/autonomy_of_action", struck("changes_records"), ""
    ),
    "layer: a fact in its paragraph is struck": Row(citing("layer", "api_key"), struck("api_key"), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_a_confirmation_lapses_when_what_was_confirmed_changes(name: str) -> None:
    row = ROWS[name]
    start = Desk.of_case()
    item = row.item(start)
    confirmed = start.act("confirm", item)
    assert confirmed.one(item).verdict == "confirmed"
    before, after = confirmed.state, row.way(confirmed)
    one = after.one(item)
    assert (one.verdict, bool(one.lapsed)) == ("open", True), name
    assert row.says in one.lapsed
    assert one in after.state.open
    # Undone, what was confirmed is what is there again.
    back = after.act("undo")
    assert (back.one(item).verdict, back.one(item).lapsed) == ("confirmed", "")
    assert dump(back.state.reviewed) == dump(before.reviewed)
    # Confirmed again, it is confirmed as it is now.
    assert after.act("confirm", item).one(item).verdict == "confirmed"


def everything_confirmed(name: str) -> Desk:
    desk = desk_of(name)
    for one in desk.state.items:
        desk = desk.act("confirm", one.item.id)
    return desk


ACTS: Final[dict[str, Way]] = {
    "the headline is struck": lambda desk: desk.act("strike", headline(desk)),
    "the headline is made milder": lambda desk: desk.act("correct", headline(desk), cvss_vector=VECTORS[1]),
    "a factor is set": corrected("factor/autonomy_of_action", value=1.0),
    "a factor is struck": lambda desk: desk.act("strike", "factor/autonomy_of_action"),
    "a layer is struck": lambda desk: desk.act("strike", "layer/security_compliance"),
    "the posture is written anew": corrected("posture", text="It runs."),
    "a capability is struck": lambda desk: desk.act("strike", first_of("capability")(desk)),
    "a chain is renamed": lambda desk: desk.act("correct", first_of("chain")(desk), title="One to two"),
    "a question is reworded": lambda desk: desk.act("correct", first_of("question")(desk), text="How so?"),
    "a threat is added": ROWS["score: a graver threat is added"].way,
}


def lapsed_as_it_should(before: Desk, after: Desk) -> None:
    acted = {event.item for event in after.events[len(before.events) :]}
    known = {one.item.id for one in before.state.items}
    for one in after.state.items:
        if (
            one.item.id not in known
            or one.fell
            or one.item.kind == "fact"
            or one.item.id in acted
            or one.verdict == "struck"
        ):
            continue
        # Chains are numbered as they were: the reviewed draft has only those that are left.
        was, now = (content_of(desk.state.reviewed, one.item.id, before.state.reviewed) for desk in (before, after))
        assert bool(one.lapsed) is (was != now), (one.item.id, one.lapsed)
        assert one.verdict == ("open" if was != now else "confirmed")


@pytest.mark.slow
@pytest.mark.parametrize("act", ACTS)
def test_whatever_says_something_else_after_an_act_is_open_again_and_nothing_more(act: str) -> None:
    before = everything_confirmed(CHAINED if act == "a chain is renamed" else NAMES[0])
    lapsed_as_it_should(before, ACTS[act](before))


@pytest.mark.slow
@pytest.mark.parametrize("name", [NAMES[0], ASSISTED])
def test_whatever_says_something_else_after_a_fact_is_struck_is_open_again(name: str) -> None:
    before = everything_confirmed(name)
    kinds = set()
    for one in before.state.items:
        if one.item.kind == "fact":
            after = before.act("strike", one.item.id)
            lapsed_as_it_should(before, after)
            kinds |= {other.item.kind for other in after.state.items if other.lapsed}
    assert kinds >= {"posture", "score", "factor", "layer"}


@pytest.mark.parametrize("verb", ["confirm", "waive", "bulk"])
def test_each_way_of_deciding_lapses(verb: str) -> None:
    desk = Desk.of_case()
    desk = desk.bulk("product") if verb == "bulk" else desk.act(verb, "posture")  # type: ignore[arg-type]
    decided = desk.one("posture")
    assert decided.verdict != "open"
    assert decided.bulk is (verb == "bulk")
    after = struck("changes_records")(desk).one("posture")
    assert (after.verdict, after.bulk) == ("open", False)


KINDS: Final = ("posture", "score", "factor", "layer", "threat", "capability", "chain", "question", "fact")


@pytest.mark.parametrize("kind", KINDS)
def test_what_leaves_an_item_as_it_is_leaves_its_confirmation(kind: str) -> None:
    desk = case_with(kind)
    item = first_of(kind)(desk)
    confirmed = desk.act("confirm", item)
    others = [one.item.id for one in desk.state.items if one.item.id != item]
    after = confirmed
    for other in others[::3]:
        after = after.act("confirm", other)
    after = after.act("comment", item, text="looked at it twice").act("assign", to="Grace")
    assert (after.one(item).verdict, after.one(item).lapsed) == ("confirmed", "")


@pytest.mark.parametrize("kind", ["posture", "factor", "layer", "threat", "chain"])
def test_a_quote_that_is_attached_later_takes_nothing_away(kind: str) -> None:
    desk = case_with(kind)
    certain = [f"layer/{key}" for key, layer in desk.draft.layers.items() if layer.certain]
    item = certain[0] if kind == "layer" else first_of(kind)(desk)
    quote = desk.documents[0].text.partition("\n")[0]
    after = desk.act("confirm", item).act("attach", item, document="D1", quote=quote)
    assert (after.one(item).verdict, after.one(item).lapsed) == ("confirmed", "")


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        ("posture", {"text": "It runs."}, {"text": "It walks."}),
        ("factor", {"value": 0.3}, {"value": 0.4}),
        ("threat", {"title": "One"}, {"title": "Two"}),
        ("capability", {"object": "one"}, {"object": "two"}),
        ("chain", {"title": "One"}, {"title": "Two"}),
        ("question", {"text": "One?"}, {"text": "Two?"}),
    ],
)
def test_a_correction_stands_as_it_was_corrected(
    kind: str, first: dict[str, object], second: dict[str, object]
) -> None:
    desk = case_with(kind)
    item = first_of(kind)(desk)
    once = desk.act("correct", item, **first)
    assert (once.one(item).verdict, once.one(item).lapsed) == ("corrected", "")
    assert (twice := once.act("correct", item, **second).one(item)).verdict == "corrected"
    assert not twice.lapsed


def test_a_struck_threat_makes_a_confirmed_title_lapse_only_where_it_names_it() -> None:
    desk = Desk.of_case()
    names = [f"threat/{name}" for name in threats_of(desk.draft)]
    for name in names:
        desk = desk.act("confirm", name)
    after = desk.act("strike", names[-1])
    assert [after.one(name).verdict for name in names[:-1]] == ["confirmed"] * (len(names) - 1)


def test_decisions_from_before_contents_were_kept_do_not_lapse() -> None:
    desk = Desk.of_case()
    (planned,) = desk.planned("confirm", "score")
    old = desk.stored((planned.model_copy(update={"after": None}),))
    after = old.act("strike", headline(old))
    assert after.one("score").verdict == "confirmed"


def test_a_chain_is_the_same_one_when_another_is_struck() -> None:
    """Chains are numbered as the draft has them, also where the reviewed one lacks some."""
    draft = Desk.of_case(CHAINED).draft
    first = draft.chains[0]
    pair = [name for name in threats_of(draft) if name not in first.threats][:2]
    other = first.model_copy(update={"title": "Another", "threats": tuple(pair), "hops": ()})
    bent = Desk(draft.model_copy(update={"chains": (first, other)}), Desk.of_case(CHAINED).documents)
    confirmed = bent.act("confirm", "chain/2")
    after = confirmed.act("strike", "chain/1")
    assert after.one("chain/2").verdict == "confirmed"
    assert bent.act("strike", "chain/1").act("confirm", "chain/2").one("chain/2").verdict == "confirmed"
    renamed = after.act("correct", "chain/2", title="Other words")
    assert renamed.one("chain/2").verdict == "corrected"
