"""The judge: what it is shown, and that its verdicts lower claims and never lift one."""

import itertools

import pytest

from agent.drafting_old.assisted.checking import Shown, dropped
from agent.drafting_old.assisted.critique import MAX_JUDGED, asks, judged
from agent.drafting_old.assisted.proposals import Item
from agent.drafting_old.assisted.shapes import CritiqueAnswer, Judged, JudgeVerdict, LayerItem, PostureAnswer
from tests.fakes import proposed

READS = "Quill reads support tickets and sends replies to customers."
STORES = "Quill stores every conversation in a Postgres database."
ASKS = "Quill calls its tools without asking anybody."
VERDICTS: tuple[JudgeVerdict, ...] = ("supported", "weak", "contradicted", "unsupported")


@pytest.fixture(scope="module")
def seen() -> Shown:
    return proposed.shown(proposed.read())


def posture(seen: Shown) -> Item[PostureAnswer]:
    """Claims 1 and 3 hold, claim 2 does not."""
    return proposed.item(
        PostureAnswer(
            quotes=[proposed.quote(READS, seen), proposed.quote(STORES, seen)], sufficiency="sufficient",
            claims=[proposed.claim(READS, 1), proposed.claim("Quill flies.", 1), proposed.claim(STORES, 2)],
            paragraph="",
        ),
        seen,
    )  # fmt: skip


def layer(seen: Shown) -> Item[LayerItem]:
    return proposed.item(
        LayerItem(
            layer="agent_frameworks", quotes=[proposed.quote(ASKS, seen)], sufficiency="sufficient",
            claims=[proposed.claim(ASKS, 1)], paragraph="",
        ),
        seen,
    )  # fmt: skip


def answer(*verdicts: tuple[int, JudgeVerdict], wanting: str = "") -> CritiqueAnswer:
    return CritiqueAnswer(verdicts=[Judged(claim=n, wanting=wanting, verdict=v) for n, v in verdicts])


def test_the_judge_sees_the_claims_that_hold_with_their_quotes_numbered_through(seen: Shown) -> None:
    (ask,) = asks([("posture", posture(seen)), ("layers/agent_frameworks", layer(seen))], seen)
    assert (ask.stage, ask.prompt, ask.shape) == ("critique", "critique", CritiqueAnswer)
    lines = [f"{n}. {text}\n   quotes: “{text}”" for n, text in enumerate((READS, STORES, ASKS), start=1)]
    assert ask.values == {"claims": "\n".join(lines)}
    assert asks([], seen) == ()


def test_each_verdict_does_what_it_says_to_its_claim_alone(seen: Shown) -> None:
    rows = [("posture", posture(seen)), ("other", posture(seen))]
    (_, first), (_, second) = judged(
        answer((1, "supported"), (2, "weak"), (3, "contradicted"), (4, "unsupported")), rows
    )
    assert [(claim.text, claim.state) for claim in first.checked.claims] == [(READS, "claimed"), (STORES, "inferred")]
    assert second.checked.claims == ()
    assert [(lost.number, lost.fault) for lost in second.checked.lost] == [
        (1, "the quotes say otherwise"),
        (2, "not carried by the quotes"),
        (3, "not carried by the quotes"),
    ]
    assert second.checked.lost_most
    assert (first.said, second.said) == (rows[0][1].said, rows[1][1].said)


def test_rows_of_several_shapes_keep_their_order_and_parts(seen: Shown) -> None:
    rows = (("posture", posture(seen)), ("layers/agent_frameworks", layer(seen)))
    mixed = judged(answer((3, "unsupported")), rows)
    assert [part for part, _ in mixed] == ["posture", "layers/agent_frameworks"]
    assert mixed[0] == rows[0]
    assert mixed[1][1].checked.claims == ()


def test_no_verdict_lifts_a_claim_or_brings_one_back(seen: Shown) -> None:
    """Every answer to both claims, each of them twice."""
    order = {"inferred": 0, "claimed": 1}
    weak = judged(answer((1, "weak")), [("posture", posture(seen))])
    for before in ([("posture", posture(seen))], list(weak)):
        old = {claim.text: claim for claim in before[0][1].checked.claims}
        for one, two, again in itertools.product(VERDICTS, repeat=3):
            ((_, after),) = judged(answer((1, one), (2, two), (1, again)), before)
            for claim in after.checked.claims:
                assert claim.places == old[claim.text].places
                assert order[claim.state] <= order[old[claim.text].state]
            assert set(before[0][1].checked.lost) <= set(after.checked.lost)
            assert len(after.checked.claims) + len(after.checked.lost) == after.checked.proposed


def test_the_lowest_of_several_verdicts_counts(seen: Shown) -> None:
    for verdicts in itertools.permutations(VERDICTS):
        ((_, after),) = judged(answer(*((1, verdict) for verdict in verdicts)), [("posture", posture(seen))])
        assert [lost.fault for lost in after.checked.lost] == ["the quotes say otherwise", "not carried by the quotes"]


def test_numbers_that_no_claim_has_are_passed_over(seen: Shown) -> None:
    rows = (("posture", posture(seen)),)
    assert judged(answer((0, "unsupported"), (-1, "unsupported"), (3, "contradicted"), (10**9, "weak")), rows) == rows
    assert judged(answer(), rows) == rows


def test_what_the_judge_writes_stands_nowhere(seen: Shown) -> None:
    canary = "zanzibar canary"
    ((part, after),) = judged(answer((1, "unsupported"), wanting=canary), [("posture", posture(seen))])
    told = dropped(part, after.checked)
    assert canary not in str(told)
    assert "not carried by the quotes: a second LLM judged so" in [row.reason for row in told]


def test_claims_beyond_the_cap_are_neither_shown_nor_lowered(seen: Shown) -> None:
    rows = [(f"part {n}", posture(seen)) for n in range(MAX_JUDGED)]
    (ask,) = asks(rows, seen)
    assert str(ask.values["claims"]).count("quotes: ") == MAX_JUDGED
    after = judged(answer(*((n, "unsupported") for n in range(1, 2 * MAX_JUDGED + 1))), rows)
    assert sum(len(item.checked.claims) for _, item in after) == MAX_JUDGED
    assert after[MAX_JUDGED // 2 :] == tuple(rows[MAX_JUDGED // 2 :])
