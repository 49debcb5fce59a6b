"""Factors with an LLM: what a checked proposal may do to an estimate."""

import functools
from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.drafting_old.assisted.checking import Shown, check
from agent.drafting_old.assisted.factors import combined
from agent.drafting_old.assisted.grounds import BESIDE
from agent.drafting_old.assisted.proposals import CLAIMS_DROPPED, Item, Notes, Proposals
from agent.drafting_old.assisted.shapes import FactorItem, Sufficiency
from agent.drafting_old.calibrate import load_calibration
from agent.drafting_old.combine import load_combination
from agent.drafting_old.factors import FactorResult, estimate
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.pack import WHOLE_CHARS, pack
from agent.llm.tokens import by_bytes
from agent.pipeline import read_documents
from agent.records import Evidence, FactorEstimate, Missing, State
from agent.settings import Settings
from agent.taxonomy.keys import FACTORS, FactorKey
from tests.fakes.proposed import page

DELIMITER = "f3a91c07be2d4456"
BOOKS = "Paperhawk reads supplier invoices and writes bookings into the ledger of the company."
KEEPS = "It keeps the history of every supplier in a database."
RUNS = "It runs shell commands on a schedule without asking anybody."
PAYS = "It asks the accountant for approval and then sends the payment to the bank."
FIRST = "Each invoice is handed over manually by a clerk in the office."
CHECKS = "It posts the booking to SAP, where the manager verifies the totals."
PINNED = (
    "The setting `approval.required` is on by default, applies to every action and can be changed by workspace "
    "administrators only."
)
CLAUDE = "Paperhawk uses Claude by Anthropic, hosted on Amazon Bedrock in Frankfurt."
NOTED = "Our own instance runs shell commands on the build host."
HANDED = "Each booking is handed over by a clerk in the office of our company."
PLATFORM = "The platform stores the prompts of all customers in a shared vector database."
QUOTES = {
    "books": ("D1/0", BOOKS, BOOKS),
    "keeps": ("D1/0", KEEPS, "It keeps the history of every supplier."),
    "runs": ("D1/0", RUNS, "It runs shell commands without asking anybody."),
    "approves": ("D1/0", "It asks the accountant for approval", "It asks the accountant for approval."),
    "pays": ("D1/0", PAYS, "It asks the accountant for approval and sends the payment to the bank."),
    "clerk": ("D1/0", FIRST, "Each invoice is handed over by a clerk."),
    "verifies": ("D1/0", CHECKS, "The manager verifies the totals in SAP."),
    "pinned": ("D2/0", PINNED, "The setting applies to every action and is on by default."),
    "claude": ("D2/0", CLAUDE, "Paperhawk uses Claude by Anthropic."),
    "noted": ("D4/0", NOTED, "Our own instance runs shell commands on the build host."),
    "handed": ("D4/0", HANDED, "Each booking is handed over by a clerk."),
    "platform": ("D3/0", PLATFORM, "The platform stores the prompts of all customers."),
    "invented": ("D1/0", "It has administrative rights on every machine.", "It has administrative rights."),
}
"""By name: passage, quote, claim."""
WEAK = tuple(sorted(QUOTES.keys() - {"pinned", "noted", "handed"}))
KEY: FactorKey = "autonomy_of_action"
UNKNOWN: FactorKey = "opacity_reflexivity"


@functools.cache
def shown() -> Shown:
    pages = (
        page(1, " ".join((BOOKS, KEEPS, RUNS, PAYS, FIRST, CHECKS)), "listing"),
        page(2, f"{PINNED} {CLAUDE}"),
        page(3, PLATFORM, about="platform"),
        page(4, f"{NOTED} {HANDED}", "analyst-note"),
    )
    reading = read_documents(pages, Settings())
    return Shown(reading, pack(reading, DELIMITER, by_bytes().count, free_chars=WHOLE_CHARS), ("Paperhawk",))


def proposal(
    names: Sequence[str] | Sequence[tuple[str, ...]],
    value: int,
    *,
    key: FactorKey = KEY,
    span: tuple[int, int] = (0, 10),
    sufficiency: Sufficiency = "sufficient",
    paragraph: str = "",
) -> Item[FactorItem]:
    """An item with one claim for each name; several names in a tuple are the quotes of the first one's claim."""
    quotes: list[dict[str, str]] = []
    claims: list[dict[str, object]] = []
    for group in ((name,) if isinstance(name, str) else name for name in names):
        quotes += [{"passage": QUOTES[name][0], "text": QUOTES[name][1]} for name in group]
        numbers = list(range(len(quotes) - len(group) + 1, len(quotes) + 1))
        claims.append({"text": QUOTES[group[0]][2], "quotes": numbers})
    said = FactorItem.model_validate(
        {
            "factor": key,
            "quotes": quotes,
            "sufficiency": sufficiency,
            "claims": claims,
            "paragraph": paragraph,
            "value": value,
            "low": span[0],
            "high": span[1],
        }
    )
    return Item(said, check(said, shown()))


def used(
    *items: Item[FactorItem], missing: dict[str, Missing] | None = None, state: State | None = None
) -> tuple[FactorEstimate, FactorEstimate, Notes, tuple[Evidence, ...]]:
    """Before and after of the first item's factor (KEY without items), the notes on it, and what is cited."""
    reading = shown().reading
    ledger = Ledger(reading.documents, reading.statements)
    before = estimate(reading, ledger, load_calibration().factors)
    key: FactorKey = items[0].said.factor if items else KEY
    if state is not None:
        changed = before.factors[key].model_copy(update={"state": state})
        before = replace(before, factors={**before.factors, key: changed})
    proposals = Proposals(shown(), load_combination(), factors={i.said.factor: i for i in items}, missing=missing or {})
    made, notes = combined(before, proposals, ledger)
    own = Notes(tuple(m for m in notes.made if m.part == f"factors/{key}"), notes.dropped, notes.lowerings)
    return before.factors[key], made.factors[key], own, ledger.evidence()


def total(made: FactorEstimate) -> Decimal:
    exact = sum((Decimal(str(part.effect)) for part in made.parts), Decimal(0))
    return min(max(exact, Decimal(0)), Decimal(1)).quantize(Decimal("0.1"), ROUND_HALF_UP)


# ---------------------------------------------------------------- what moves a value


def test_a_claim_that_holds_raises_the_value_and_is_a_part_of_it() -> None:
    before, made, notes, evidence = used(
        proposal(["runs"], 10, key=UNKNOWN, paragraph="On a schedule it runs commands without asking. Bad!")
    )
    assert before.state != "claimed"
    assert made.value > before.value
    assert made.value <= before.high
    assert made.state == "inferred"
    assert made.parts[:-1] == before.parts
    assert (made.parts[-1].kind, made.parts[-1].evidence) == ("proposal", made.evidence[0])
    assert "proposes 1.0" in made.parts[-1].label
    assert total(made) == made.value
    assert {e.id: e.quote for e in evidence}[made.evidence[0]] == RUNS
    assert f"On a schedule it runs commands without asking ({made.evidence[0]})." in made.rationale
    assert "Bad" not in made.rationale
    assert "Nothing in the sources" not in made.rationale
    assert [(row.by, row.missing) for row in notes.made] == [("both", None)]
    assert notes.lowerings == ()


def test_a_description_lowers_within_the_range_and_is_listed() -> None:
    before, made, notes, evidence = used(proposal(["clerk"], 0))
    assert before.low <= made.value < before.value
    assert made.low >= before.low
    (row,) = notes.lowerings
    assert (row.target, row.rank, row.evidence) == (KEY, 1, made.parts[-1].evidence)
    assert row.before > row.after
    assert {e.id: e.quote for e in evidence}[row.evidence] == FIRST
    assert made.evidence == (row.evidence, *before.evidence)
    assert "held at the lower end" in made.parts[-1].label
    assert total(made) == made.value


def test_a_step_that_rounding_hides_is_listed_too() -> None:
    made = [used(proposal(["clerk"], value, key=key)) for key in FACTORS for value in (0, 5, 10)]
    hidden = [notes for before, after, notes, _ in made if before.value == after.value and notes.lowerings]
    assert hidden
    assert all(notes.lowerings[0].before > notes.lowerings[0].after for notes in hidden)


def test_a_sentence_of_a_high_rank_lowers_below_the_range() -> None:
    before, made, notes, _ = used(proposal(["handed"], 0))
    assert made.value < before.low
    (row,) = notes.lowerings
    assert (row.rank, row.evidence) == (5, made.parts[-1].evidence)
    assert "pins down" in row.rule
    assert "pins down" not in used(proposal(["clerk"], 0))[2].lowerings[0].rule
    assert "held" not in made.parts[-1].label
    assert total(made) == made.value


@pytest.mark.parametrize("names", [["approves"], ["pays"], ["approves", "pays"], ["verifies"]])
def test_a_control_of_a_low_rank_lowers_nothing(names: list[str]) -> None:
    before, made, notes, _ = used(proposal(names, 0))
    assert made == before
    (row,) = notes.made
    assert row.by == "embedded"
    assert row.missing is not None
    assert row.missing.reason == "control-claim-only"
    assert len(notes.dropped) == len(names)
    assert all("lower nothing" in lost.reason for lost in notes.dropped)
    assert notes.lowerings == ()


def test_a_control_may_stand_beside_a_quote_that_lowers() -> None:
    alone = used(proposal(["clerk"], 0))[1]
    both = used(proposal(["approves", "clerk"], 0))[1]
    assert both.value == alone.value


def test_what_raised_the_estimate_lowers_it_by_half_a_step_at_most() -> None:
    before, made, notes, _ = used(proposal(["runs"], 0))
    assert made.parts[-1].effect == -BESIDE
    assert len(notes.lowerings) == 1
    noted = proposal(["noted"], 0)
    assert [place.rank for place in noted.checked.found] == [5]
    before, made, notes, _ = used(noted)
    assert any(part.signal == "executes_code" and part.effect > 0 for part in before.parts)
    assert made.parts[-1].effect == -BESIDE
    assert used(proposal(["handed"], 0))[1].value < before.low


def test_a_pinned_sentence_beside_a_slogan_does_not_lift_its_rank() -> None:
    before, made, notes, _ = used(proposal([("clerk", "pinned")], 0))
    assert before.low <= made.value < before.value
    assert notes.lowerings != ()


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (proposal(["platform"], 0), "claims-dropped"),
        (proposal(["invented"], 0), "claims-dropped"),
        (proposal(["invented", "invented", "clerk"], 0), "claims-dropped"),
        (proposal([], 0), "not-answered"),
        (proposal([], 0, sufficiency="insufficient"), "too-little-evidence"),
        (proposal(["clerk"], 0, sufficiency="insufficient"), "too-little-evidence"),
        (proposal(["clerk"], 2, span=(3, 5)), "invalid-schema"),
        (proposal(["clerk"], 6, span=(3, 5)), "invalid-schema"),
    ],
)
def test_a_proposal_without_a_usable_claim_moves_nothing(item: Item[FactorItem], reason: str) -> None:
    before, made, notes, _ = used(item)
    assert made == before
    (row,) = notes.made
    assert row.by == "embedded"
    assert row.missing is not None
    assert row.missing.reason == reason
    assert len(notes.dropped) == len(item.said.claims)
    assert all(lost.what.startswith(f"claim of the LLM, factors/{KEY}: ") for lost in notes.dropped)
    assert notes.lowerings == ()


def test_a_claim_keeps_its_quotes_about_the_product_only() -> None:
    _, made, _, evidence = used(proposal([("clerk", "platform")], 0))
    cited = {e.id: e.about for e in evidence}
    assert cited[str(made.parts[-1].evidence)] == "product"
    assert used(proposal([("platform", "clerk")], 0))[2].made[0].by == "embedded"


def test_a_verdict_is_no_claim() -> None:
    safe = proposal(["clerk"], 0)
    said = safe.said.model_copy(
        update={
            "claims": [
                safe.said.claims[0].model_copy(update={"text": "Each severe invoice is handed over by a clerk."})
            ]
        }
    )
    before, made, notes, _ = used(Item(said, check(said, shown())))
    assert made == before
    assert any("verdict" in lost.reason for lost in notes.dropped)


# ---------------------------------------------------------------- without a proposal


def test_a_factor_whose_call_failed_is_unknown_and_says_why() -> None:
    why = Missing(reason="timeout", detail="no reply within 60 s")
    before, made, notes, _ = used(missing={f"factors/{KEY}": why})
    assert before.state == "claimed"
    assert made.state == "unknown"
    assert "no reply within 60 s" in made.rationale
    assert (made.value, made.low, made.high, made.parts) == (before.value, before.low, before.high, before.parts)
    assert notes.made[0].missing == why


@pytest.mark.parametrize("missing", [{}, {f"factors/{KEY}": CLAIMS_DROPPED}])
def test_a_factor_that_was_not_answered_is_as_without_an_llm(missing: dict[str, Missing]) -> None:
    before, made, notes, _ = used(missing=missing)
    assert made == before
    assert notes.made[0].missing is not None
    assert notes.made[0].by == "embedded"


def test_every_factor_has_one_maker() -> None:
    reading = shown().reading
    ledger = Ledger(reading.documents, reading.statements)
    before = estimate(reading, ledger, load_calibration().factors)
    made, notes = combined(
        before, Proposals(shown(), load_combination(), factors={KEY: proposal(["clerk"], 5)}), ledger
    )
    assert [row.part for row in notes.made] == [f"factors/{key}" for key in FACTORS]
    assert isinstance(made, FactorResult)
    assert made.lowerings == before.lowerings


@pytest.mark.parametrize(
    ("state", "value", "expected"),
    [
        ("unknown", 10, "claimed"),
        ("inferred", 10, "claimed"),
        ("claimed", 10, "claimed"),
        ("contradicted", 10, "contradicted"),
        ("denied", 10, "contradicted"),
        ("denied", 0, "denied"),
    ],
)
def test_the_state_says_what_the_quotes_say_together(state: State, value: int, expected: State) -> None:
    assert used(proposal(["clerk"], value), state=state)[1].state == expected


def test_a_quote_of_another_matter_says_nothing_of_the_factor() -> None:
    """It moves the value, as the LLM concludes from it, and no quote says so."""
    assert used(proposal(["books"], 10), state="unknown")[1].state == "inferred"
    assert used(proposal(["books", "clerk"], 10), state="unknown")[1].state == "claimed"
    assert used(proposal(["books"], 10), state="claimed")[1].state == "claimed"


# ---------------------------------------------------------------- laws


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(st.sampled_from(WEAK), max_size=4, unique=True),
    value=st.integers(0, 10),
    key=st.sampled_from(FACTORS),
)
def test_without_a_pinned_quote_no_proposal_leaves_the_range(names: list[str], value: int, key: FactorKey) -> None:
    before, made, notes, _ = used(proposal(names, value, key=key))
    assert before.low <= made.value <= before.high
    assert before.low <= made.low <= made.value <= made.high
    assert total(made) == made.value
    sums = [round(sum(part.effect for part in row.parts), 2) for row in (made, before)]
    assert bool(notes.lowerings) == (sums[0] < sums[1] or made.value < before.value)
    assert all(row.rank < 3 for row in notes.lowerings)


@settings(max_examples=40, deadline=None)
@given(
    names=st.lists(st.sampled_from(sorted(QUOTES)), min_size=1, max_size=4, unique=True),
    values=st.lists(st.integers(0, 10), min_size=2, max_size=2).map(sorted),
    key=st.sampled_from(FACTORS),
)
def test_a_higher_proposal_never_gives_a_lower_value(names: list[str], values: list[int], key: FactorKey) -> None:
    lower, higher = (used(proposal(names, value, key=key))[1] for value in values)
    assert lower.value <= higher.value
    assert all(total(made) == made.value for made in (lower, higher))
