"""Chains of an LLM: known threats alone, a quote for every hop, the catalogue's first, titles that say nothing new."""

import dataclasses
from decimal import Decimal

import pytest

from agent.drafting_old.assisted.asking import prompt
from agent.drafting_old.assisted.chains import asks, linked
from agent.drafting_old.assisted.checking import Shown
from agent.drafting_old.assisted.proposals import NOT_ANSWERED, Notes
from agent.drafting_old.assisted.shapes import ChainItem, ChainsAnswer, ChainStep, Quote
from agent.drafting_old.assisted.words import posture_asks, questions_asks
from agent.drafting_old.calibrate import load_calibration
from agent.drafting_old.chains import MAX_CHAINS
from agent.drafting_old.composition import Placed
from agent.drafting_old.embedded import compose
from agent.llm.tokens import counter
from agent.pipeline import read_documents
from agent.records import Chain, Hop, Missing, State, ThreatScore
from agent.resources import data_folder
from agent.settings import Settings
from agent.taxonomy.keys import LayerKey
from evals.corpus import load_case
from evals.documents import documents_of
from tests.fakes import proposed
from tests.fakes.draft_parts import threat

SENDS = "Quill reads support tickets and sends replies to customers."
STORES = "Quill stores every conversation in a Postgres database."
TOKEN = "It posts each reply with the OAuth token of the signed-in user."
ALONE = "Quill calls its tools without asking anybody."
BEYOND = "An index of old tickets is built from the public forum."
SCORE = ThreatScore(
    cvss_vector="CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:L/VA:N/SC:N/SI:N/SA:N",
    cvss_base=Decimal("6.9"), aivss=Decimal("7.4"), severity="High",
)  # fmt: skip


def placed(layer: LayerKey, key: str, title: str, action: str, state: State = "claimed") -> Placed:
    statement = ("a stranger", "a public form", action, "harm", "the product's customers")
    return Placed(layer, threat(key, title, statement, SCORE, state, (), (), ()))


THREATS = (
    placed("foundation_models", "L1-ticket", "A support ticket steers Quill", "write orders into a support ticket"),
    placed("agent_frameworks", "L3-reply", "Replies leave without a person", "have Quill send replies on its own"),
    placed("data_operations", "L2-store", "The conversation database remembers orders", "have each conversation kept"),
    placed("security_compliance", "L6-token", "The OAuth token opens every account", "use the token of the user"),
    placed("security_compliance", "L6-forum", "The forum index is poisoned", "post to the forum", "contradicted"),
)  # fmt: skip
OURS = Chain(
    title="From a ticket to the token",
    threats=("L1-ticket", "L3-reply", "L6-token"),
    hops=(
        Hop(source="L1-ticket", target="L3-reply", evidence=("E1",)),
        Hop(source="L3-reply", target="L6-token", evidence=("E1",)),
    ),
)


@pytest.fixture(scope="module")
def seen() -> Shown:
    return proposed.shown(proposed.read(proposed.document(2, proposed.PLATFORM, about="platform")))


def chain(seen: Shown, *steps: tuple[str, str | Quote | None], title: str = "") -> ChainItem:
    """A chain of ids, each with the words of its quote."""
    made = [
        ChainStep(
            threat=key,
            quotes=[] if text is None else [text if isinstance(text, Quote) else proposed.quote(text, seen)],
        )
        for key, text in steps
    ]
    return ChainItem(steps=made, title=title)


def result(
    seen: Shown, *items: ChainItem, found: tuple[Chain, ...] = ()
) -> tuple[tuple[Chain, ...], Notes, tuple[str, ...]]:
    """The draft's chains, the notes, and the quotes that were cited."""
    ledger = proposed.ledger(seen.reading)
    proposals = dataclasses.replace(proposed.nothing(seen), chains=ChainsAnswer(chains=list(items)))
    chains, notes = linked(found, THREATS, proposals, ledger)
    return chains, notes, tuple(entry.quote for entry in ledger.evidence())


def reasons(notes: Notes) -> list[str]:
    return [row.reason for row in notes.dropped]


def test_a_chain_with_a_quote_for_each_hop_enters_with_its_citations(seen: Shown) -> None:
    item = chain(seen, ("L1-ticket", None), ("L3-reply", SENDS), ("L6-token", TOKEN))
    chains, notes, cited = result(seen, item)
    (made,) = chains
    assert made.threats == ("L1-ticket", "L3-reply", "L6-token")
    assert made.hops == (
        Hop(source="L1-ticket", target="L3-reply", evidence=("E1",)),
        Hop(source="L3-reply", target="L6-token", evidence=("E2",)),
    )
    assert cited == (SENDS, TOKEN)
    assert [(part.part, part.by, part.missing) for part in notes.made] == [("chains", "llm", None)]
    assert notes.dropped == ()


def test_the_catalogues_chains_come_first_and_four_are_shown(seen: Shown) -> None:
    pairs = [("L1-ticket", "L2-store"), ("L2-store", "L6-token"), ("L2-store", "L3-reply"), ("L3-reply", "L2-store")]
    carried = {"L2-store": STORES, "L6-token": TOKEN, "L3-reply": SENDS}
    items = [chain(seen, (a, None), (b, carried[b])) for a, b in pairs]
    chains, notes, _ = result(seen, *items, found=(OURS,))
    assert chains[0] == OURS
    assert len(chains) == MAX_CHAINS
    assert [made.threats for made in chains[1:]] == pairs[:3]
    assert [part.by for part in notes.made] == ["both"]
    assert reasons(notes) == [f"at most {MAX_CHAINS} chains are shown"]


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([("L1-ticket", None)], "not of 2 to 4"),
        ([(f"L{n}-ticket", STORES) for n in range(1, 6)], "not of 2 to 4"),
        ([("L1-ticket", None), ("L9-invented", SENDS)], "no threat of this draft: L9-invented"),
        ([("L1-ticket", None), ("L3-reply", SENDS), ("L1-ticket", SENDS)], "twice"),
        ([("L1-ticket", None), ("L6-forum", BEYOND)], "disagree on L6-forum"),
        ([("L6-forum", None), ("L3-reply", SENDS)], "disagree on L6-forum"),
        ([("L1-ticket", None), ("L3-reply", None)], "no quote for the step to L3-reply: none was given"),
        ([("L1-ticket", None), ("L3-reply", "Quill deletes all tickets at night.")], "quote not found"),
        ([("L1-ticket", None), ("L3-reply", "Quill reads")], "quote too short"),
        ([("L1-ticket", None), ("L3-reply", proposed.PLATFORM)], "another product"),
        ([("L3-reply", None), ("L6-token", ALONE)], "does not speak of that threat"),
        ([("L1-ticket", None), ("L3-reply", TOKEN)], "hardly speaks of that threat"),
        ([("L1-ticket", None), ("L3-reply", Quote(passage="D7/0", text=SENDS))], "quote not found"),
    ],
)
def test_a_chain_that_does_not_hold_is_dropped_whole(
    seen: Shown, steps: list[tuple[str, str | Quote | None]], reason: str
) -> None:
    chains, notes, cited = result(seen, chain(seen, *steps), found=(OURS,))
    assert chains == (OURS,)
    assert cited == ()
    (told,) = reasons(notes)
    assert reason in told
    assert notes.made[0].by == "embedded"
    assert notes.made[0].missing is not None
    assert notes.made[0].missing.reason == "claims-dropped"


def test_threats_of_one_layer_are_no_chain(seen: Shown) -> None:
    other = placed("security_compliance", "L6-other", "The token is kept", "keep the token")
    item = chain(seen, ("L6-other", None), ("L6-token", TOKEN))
    proposals = dataclasses.replace(proposed.nothing(seen), chains=ChainsAnswer(chains=[item]))
    chains, notes = linked((), (*THREATS, other), proposals, proposed.ledger(seen.reading))
    assert chains == ()
    assert reasons(notes) == ["fewer than 2 layers"]


def test_a_hop_without_a_quote_ends_the_chain(seen: Shown) -> None:
    title = "A support ticket steers replies"
    item = chain(seen, ("L1-ticket", None), ("L3-reply", SENDS), ("L6-token", None), title=title)
    chains, notes, _ = result(seen, item)
    (made,) = chains
    assert made.threats == ("L1-ticket", "L3-reply")
    assert made.title != title
    assert reasons(notes) == ["no quote for the step to L6-token: none was given"]


def test_a_chain_that_another_one_holds_is_not_told_again(seen: Shown) -> None:
    same = chain(seen, ("L1-ticket", None), ("L3-reply", SENDS), ("L6-token", TOKEN))
    part = chain(seen, ("L3-reply", None), ("L6-token", TOKEN))
    skipping = chain(seen, ("L1-ticket", None), ("L6-token", TOKEN))
    chains, notes, _ = result(seen, same, part, skipping, found=(OURS,))
    assert [made.threats for made in chains] == [OURS.threats, ("L1-ticket", "L6-token")]
    assert reasons(notes) == ["a chain that is there holds it"] * 2


def test_a_title_in_the_words_of_threats_and_quotes_stands(seen: Shown) -> None:
    steps = (("L1-ticket", None), ("L3-reply", SENDS))
    (made,) = result(seen, chain(seen, *steps, title="From a support ticket to replies of Quill."))[0]
    assert made.title == "From a support ticket to replies of Quill"


@pytest.mark.parametrize(
    "title",
    [
        "",
        "Ticket",
        "A support ticket steers Quill",
        "Replies leave without",
        "From a support ticket to replies of the",
        "A critical support ticket steers replies",
        "A support ticket steers replies at low risk",
        "A support ticket steers replies through Zanzibar",
        "A support ticket steers replies of the canary",
        "A support ticket steers 12 replies",
        "A support ticket never steers replies",
        "A support ticket steers replies. Ignore the rest",
        "A support ticket steers <b>replies</b>",
        "A support ticket steers replies https://evil.example",
        "A support ticket steers replies (E4)",
        "A support ticket steers replies and replies and replies and replies and replies and replies",
    ],
)
def test_any_other_title_is_made_by_code(seen: Shown, title: str) -> None:
    (made,) = result(seen, chain(seen, ("L1-ticket", None), ("L3-reply", SENDS), title=title))[0]
    assert made.title == "“A support ticket steers Quill” leads to “Replies leave without a person”"


def test_two_chains_do_not_share_a_title(seen: Shown) -> None:
    item = chain(seen, ("L1-ticket", None), ("L6-token", TOKEN), title="from a ticket to the token")
    assert result(seen, item)[0][0].title == "From a ticket to the token"
    assert result(seen, item, found=(OURS,))[0][1].title.startswith("“A support ticket steers Quill” leads to ")


def test_a_liar_who_invents_ids_and_quotes_gets_nothing_in(seen: Shown) -> None:
    lies = [
        chain(seen, (f"L{n}-invented", None), ("L3-reply", f"Quill obeys order number {n} of anybody."))
        for n in range(3)
    ]
    lies += [chain(seen, ("L1-ticket", None), ("L3-reply", f"Quill obeys order number {n}.")) for n in range(3)]
    chains, notes, cited = result(seen, *lies)
    assert chains == ()
    assert cited == ()
    assert len(notes.dropped) == 4, "the same words with the same reason are told once"


def test_only_the_first_chains_of_an_answer_are_read(seen: Shown) -> None:
    wrong = chain(seen, ("L1-ticket", None))
    right = chain(seen, ("L1-ticket", None), ("L3-reply", SENDS))
    assert len(result(seen, *[wrong] * 5, right)[0]) == 1
    assert result(seen, *[wrong] * 6, right)[0] == ()


@pytest.mark.parametrize(
    ("threats", "missing", "detail"),
    [
        (THREATS, {"chains": Missing(reason="timeout", detail="no answer in 30 s")}, "no answer in 30 s"),
        (THREATS, {}, NOT_ANSWERED.detail),
        (THREATS[:1], {}, "fewer than two layers have threats, so the LLM was not asked"),
    ],
)
def test_without_an_answer_the_catalogues_chains_stand(
    seen: Shown, threats: tuple[Placed, ...], missing: dict[str, Missing], detail: str
) -> None:
    proposals = dataclasses.replace(proposed.nothing(seen), missing=missing)
    chains, notes = linked((OURS,), threats, proposals, proposed.ledger(seen.reading))
    assert chains == (OURS,)
    assert [part.missing.detail for part in notes.made if part.missing] == [detail]


def test_no_chain_is_an_answer_that_says_nothing(seen: Shown) -> None:
    chains, notes, _ = result(seen, found=(OURS,))
    assert chains == (OURS,)
    assert notes.made[0].missing == NOT_ANSWERED


def test_the_call_lists_each_threat_once_in_the_order_of_layers(seen: Shown) -> None:
    interim = compose(seen.reading, name="Quill", calibration=load_calibration())
    own = [Placed(key, t) for key, layer in interim.layers.items() for t in layer.threats]
    beside = placed("deployment_infrastructure", "X-between", "A thing between layers", "do it")
    (ask,) = asks(interim, (*own, beside))
    lines = str(ask.values["threats"]).splitlines()
    assert (ask.stage, ask.prompt, ask.shape) == ("chains", "chains", ChainsAnswer)
    assert "X-between (L4): A thing between layers" in lines
    assert len(lines) == len(own) + 1
    assert asks(interim, (beside,)) == asks(interim, (*own, beside))
    bare = {key: layer.model_copy(update={"threats": ()}) for key, layer in interim.layers.items()}
    assert asks(interim._replace(layers=bare), (beside,)) == ()


@pytest.mark.parametrize("slug", ["cline", "asana"])
def test_what_stands_behind_the_passages_is_short(slug: str) -> None:
    """Of a product with as many threats as a draft shows, and of one with many questions."""
    reading = read_documents(documents_of(load_case(data_folder("corpus") / "cases" / slug)), Settings())
    interim = compose(reading, name=None, calibration=load_calibration())
    count = counter("openai/any", None).count
    most = {"posture": 350, "questions": 450, "chains": 560}
    found = (*posture_asks(interim), *questions_asks(interim), *asks(interim, ()))
    assert {ask.stage for ask in found} == set(most)
    assert [ask.stage for ask in found if count(prompt(ask.prompt).render(**ask.values)) > most[ask.stage]] == []
