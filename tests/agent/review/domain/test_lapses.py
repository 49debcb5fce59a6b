"""A confirmation lapses when the confirmed item changes, and says what changed; nothing else makes it lapse."""

from collections.abc import Callable, Iterable
from typing import Final

import pytest

from agent.records import Draft
from agent.review.domain.lapses import content_of
from agent.review.domain.records import replaced
from agent.review.domain.rescore import headline_of
from tests.fakes.review.fact_desks import ASSISTED, NAMES, desk_of
from tests.fakes.review.reviewing import CHAINED, MILD, Desk, new_threat

CASE: Final = Desk.of_case("abridge")
CHAIN: Final = Desk.of_case(CHAINED)
FACTS: Final = tuple(f"fact/{fact.id}" for fact in CASE.facts.values())
LED: Final = headline_of(CASE.draft)
HEADLINE: Final = f"threat/{LED.id}"
FACTOR: Final = "factor/autonomy_of_action"
KINDS: Final = ("posture", "score", "factor", "layer", "threat", "capability", "chain", "question", "fact")
Way = Callable[[Desk], Desk]


def case_with(kind: str) -> Desk:
    """Return the review of a bundled case whose draft has an item of this kind."""
    return CHAIN if kind == "chain" else CASE


def moving(content: Callable[[Draft], object]) -> str:
    """Return a fact without which this content of the draft is another."""
    return next(fact for fact in FACTS if content(CASE.act("strike", fact).reviewed) != content(CASE.draft))


def own_marks(fact: str) -> set[str]:
    """Return the quotes that no other fact cites."""
    return set(CASE.one(fact).item.evidence).difference(*(CASE.one(one).item.evidence for one in FACTS if one != fact))


def cited(kind: str) -> tuple[str, str]:
    """Return an item of this kind that cites a fact's own quote, with as many others as can be, and the fact. The item
    stands without it.
    """
    found = []
    for fact in FACTS:
        marks, gone = own_marks(fact), CASE.act("strike", fact)
        able = [one for one in CASE.state.items if one.item.kind == kind and marks & set(one.item.evidence)]
        found += [(one.item, fact) for one in able if not gone.one(one.item.id).fell]
    item, fact = max(found, key=lambda one: len(one[0].evidence))
    return item.id, fact


def struck(item: str) -> Way:
    return lambda desk: desk.act("strike", item)


def corrected(item: str, **fields: object) -> Way:
    return lambda desk: desk.act("correct", item, **fields)


def added(desk: Desk) -> Desk:
    return desk.act("add", **new_threat(evidence=["E3"]))


SCORED: Final = moving(lambda draft: draft.score.aivss)
TOLD: Final = moving(lambda draft: draft.product.posture)
PART: Final = moving(lambda draft: draft.factors["autonomy_of_action"].parts)
CITED, BEHIND = cited("factor")
LAYER, WRITTEN = cited("layer")
ROWS: Final[dict[str, tuple[str, Way, str]]] = {
    "the headline is struck": ("score", struck(HEADLINE), "the score"),
    "the headline is made milder": ("score", corrected(HEADLINE, cvss_vector=MILD), "the vector"),
    "a factor is set": ("score", corrected(FACTOR, value=1.0), "the likely range"),
    "a fact behind the score is struck": ("score", struck(SCORED), "the value"),
    "a graver threat is added": ("score", added, "the score"),
    "a fact in the posture is struck": ("posture", struck(TOLD), "the text"),
    "a fact behind a factor is struck": (CITED, struck(BEHIND), ""),
    "a fact behind another part is struck": (FACTOR, struck(PART), ""),
    "a fact in a paragraph is struck": (LAYER, struck(WRITTEN), ""),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_confirmation_lapses_when_what_was_confirmed_changes(name: str) -> None:
    item, way, says = ROWS[name]
    before = CASE.act("confirm", item)
    assert before.one(item).verdict == "confirmed"
    after = way(before)
    one = after.one(item)
    assert (one.verdict, bool(one.lapsed)) == ("open", True)
    assert says in one.lapsed
    assert one in after.state.open
    # After an undo, the item is again as it was when confirmed.
    back = after.act("undo")
    assert (back.one(item).verdict, back.one(item).lapsed, back.text) == ("confirmed", "", before.text)
    # After a new confirmation, it is confirmed as it is now.
    assert after.act("confirm", item).one(item).verdict == "confirmed"


def confirmed(desk: Desk, names: Iterable[str] = ()) -> Desk:
    """Return the review with these items confirmed, by default all."""
    for name in names or [one.item.id for one in desk.state.items]:
        desk = desk.act("confirm", name)
    return desk


ACTS: Final[dict[str, Way]] = {
    **{name: ROWS[name][1] for name in list(ROWS)[:3]},
    "a factor is struck": struck(FACTOR),
    "a layer is struck": struck("layer/security_compliance"),
    "the posture is written anew": corrected("posture", text="It runs."),
    "a capability is struck": struck(CASE.first("capability")),
    "a chain is renamed": corrected(CHAIN.first("chain"), title="One to two"),
    "a question is reworded": corrected(CASE.first("question"), text="How so?"),
    "a threat is added": added,
}


def lapsed_as_it_should(before: Desk, after: Desk) -> None:
    acted = {event.item for event in after.events[len(before.events) :]}
    known = {one.item.id for one in before.state.items} - acted
    for one in after.state.items:
        if one.item.id not in known or one.fell or one.item.kind == "fact" or one.verdict == "struck":
            continue
        # Chains keep their numbers: the reviewed draft has only those that are left.
        was, now = (content_of(desk.reviewed, one.item.id, before.reviewed) for desk in (before, after))
        assert bool(one.lapsed) is (was != now), (one.item.id, one.lapsed)
        assert one.verdict == ("open" if was != now else "confirmed")


@pytest.mark.slow
@pytest.mark.parametrize("act", ACTS)
def test_whatever_says_something_else_after_an_act_is_open_again_and_nothing_more(act: str) -> None:
    before = confirmed(case_with("chain" if act == "a chain is renamed" else ""))
    lapsed_as_it_should(before, ACTS[act](before))


@pytest.mark.slow
@pytest.mark.parametrize("name", [NAMES[0], ASSISTED])
def test_whatever_says_something_else_after_a_fact_is_struck_is_open_again(name: str) -> None:
    before, kinds = confirmed(desk_of(name)), set()
    for one in before.state.items:
        if one.item.kind == "fact":
            after = before.act("strike", one.item.id)
            lapsed_as_it_should(before, after)
            kinds |= {other.item.kind for other in after.state.items if other.lapsed}
    assert kinds >= {"posture", "score", "factor", "layer"}


@pytest.mark.parametrize("verb", ["confirm", "waive", "bulk"])
def test_each_way_of_deciding_lapses(verb: str) -> None:
    desk = CASE.bulk("product") if verb == "bulk" else CASE.act(verb, "posture")  # type: ignore[arg-type]
    decided = desk.one("posture")
    assert decided.verdict != "open"
    assert decided.bulk is (verb == "bulk")
    after = desk.act("strike", TOLD).one("posture")
    assert (after.verdict, after.bulk) == ("open", False)


@pytest.mark.parametrize("kind", KINDS)
def test_what_leaves_an_item_as_it_is_leaves_its_confirmation(kind: str) -> None:
    desk = case_with(kind)
    item = desk.first(kind)
    after = confirmed(desk, [item, *[one.item.id for one in desk.state.items if one.item.id != item][::3]])
    after = after.act("comment", item, text="looked at it twice").act("assign", to="Grace")
    assert (after.one(item).verdict, after.one(item).lapsed) == ("confirmed", "")


@pytest.mark.parametrize("kind", ["posture", "factor", "layer", "threat", "chain"])
def test_a_quote_that_is_attached_later_takes_nothing_away(kind: str) -> None:
    desk = case_with(kind)
    certain = next(f"layer/{key}" for key, layer in desk.draft.layers.items() if layer.certain)
    item = certain if kind == "layer" else desk.first(kind)
    quote = desk.documents[0].text.partition("\n")[0]
    after = desk.act("confirm", item).act("attach", item, document="D1", quote=quote)
    assert (after.one(item).verdict, after.one(item).lapsed) == ("confirmed", "")


@pytest.mark.parametrize(
    ("kind", "field", "values"),
    [
        ("posture", "text", ("It runs.", "It walks.")),
        ("factor", "value", (0.3, 0.4)),
        ("threat", "title", ("One", "Two")),
        ("capability", "object", ("one", "two")),
        ("chain", "title", ("One", "Two")),
        ("question", "text", ("One?", "Two?")),
    ],
)
def test_a_correction_stands_as_it_was_corrected(kind: str, field: str, values: tuple[object, object]) -> None:
    desk = case_with(kind)
    item = desk.first(kind)
    for value in values:
        desk = desk.act("correct", item, **{field: value})
        assert (desk.one(item).verdict, desk.one(item).lapsed) == ("corrected", "")


def test_a_struck_threat_makes_a_confirmed_title_lapse_only_where_it_names_it() -> None:
    names = [f"threat/{name}" for name in CASE.threats]
    after = confirmed(CASE, names).act("strike", names[-1])
    assert {after.one(name).verdict for name in names[:-1]} == {"confirmed"}


def test_decisions_from_before_contents_were_kept_do_not_lapse() -> None:
    (planned,) = CASE.planned("confirm", "score")
    old = CASE.stored((replaced(planned, after=None),))
    assert old.act("strike", HEADLINE).one("score").verdict == "confirmed"


def test_a_chain_is_the_same_one_when_another_is_struck() -> None:
    """Chains are numbered as in the draft, even if the reviewed draft lacks some."""
    first = CHAIN.draft.chains[0]
    pair = tuple(name for name in CHAIN.threats if name not in first.threats)[:2]
    other = replaced(first, title="Another", threats=pair, hops=())
    bent = Desk(replaced(CHAIN.draft, chains=(first, other)), CHAIN.documents)
    after = bent.act("confirm", "chain/2").act("strike", "chain/1")
    assert after.one("chain/2").verdict == "confirmed"
    assert bent.act("strike", "chain/1").act("confirm", "chain/2").one("chain/2").verdict == "confirmed"
    assert after.act("correct", "chain/2", title="Other words").one("chain/2").verdict == "corrected"
