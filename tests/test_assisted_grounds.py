"""What true quotes allow an LLM to lower: those of another matter next to nothing, controls with a cap."""

import functools
import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.drafting_old.assisted.bearing import bears_on
from agent.drafting_old.assisted.checking import Shown, check
from agent.drafting_old.assisted.factors import combined
from agent.drafting_old.assisted.grounds import ABOUT_ALL, BESIDE
from agent.drafting_old.assisted.proposals import Item, Notes, Proposals
from agent.drafting_old.assisted.shapes import Claim, FactorItem
from agent.drafting_old.calibrate import load_calibration
from agent.drafting_old.combine import load_combination
from agent.drafting_old.factor_features import rules
from agent.drafting_old.factors import estimate
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.pinned import CONTROL_CAPS, CONTROL_FLOOR
from agent.export.explanation import explain, text
from agent.records import FactorEstimate, Part
from agent.taxonomy.keys import FACTORS, FactorKey
from tests.fakes.paperhawk_reading import CONSTANTS, page, quote, shown_of
from tests.fakes.stored_assisted import golden

KEY: FactorKey = "autonomy_of_action"
BOOKS = "Paperhawk reads invoices and writes bookings into the ledger of the company"
RUNS = "It runs shell commands on a schedule without asking anybody"
MANUAL = "Each invoice is handed over manually by a clerk in the office"
STARTS = (
    "A scheduler is not part of the default settings; runs start manually in the console and only administrators can "
    "change this policy"
)
EVERY = (
    "The setting `approval.required` is on by default, applies to every action and can be changed by workspace "
    "administrators only"
)
ACCEPTED = (
    "Every payment call pauses until an approver accepts it; the setting approval.required is true by default for all "
    "calls and only administrators can change it in the console"
)
SOME = (
    "The setting `approval.payments` is on by default, applies to payments above 500 euros and can be changed by "
    "workspace administrators only"
)
KEPT = "The retention setting is seven days by default for all sessions, restricted, and only admins can change it"
LOGGED = "Audit logging of every tool call is enabled by default in the settings, and only administrators can change it"
SANDBOX = "The sandbox is enabled by default for every command; only administrators can change the setting"
NOTED = "Every action needs approval by an accountant of ours"
TRUE = (BOOKS, RUNS, MANUAL, STARTS, EVERY, ACCEPTED, SOME, KEPT, LOGGED, SANDBOX, NOTED)
_DIGITS = 4


@functools.cache
def shown() -> Shown:
    listing = ". ".join((BOOKS, RUNS, MANUAL)) + "."
    docs = ". ".join((STARTS, EVERY, ACCEPTED, SOME, KEPT, LOGGED, SANDBOX)) + "."
    return shown_of(page(1, listing, "listing"), page(2, docs, "docs"), page(3, f"{NOTED}.", "analyst-note"))


@functools.cache
def plain() -> dict[FactorKey, FactorEstimate]:
    """The estimates, each without the controls that the estimator counted itself."""
    reading = shown().reading
    found = estimate(reading, Ledger(reading.documents, reading.statements), load_calibration().factors).factors
    return {key: with_parts(row, [part for part in row.parts if part.effect > 0]) for key, row in found.items()}


def with_parts(row: FactorEstimate, parts: Sequence[Part]) -> FactorEstimate:
    return row.model_copy(update={"parts": tuple(parts)})


def lowered(
    texts: Sequence[str], key: FactorKey = KEY, value: int = 0, before: FactorEstimate | None = None
) -> tuple[FactorEstimate, Notes]:
    """The estimate after a proposal with one claim a quote, each in the words of its quote."""
    said = FactorItem(
        factor=key,
        quotes=[quote(words, shown()) for words in texts],
        sufficiency="sufficient",
        claims=[Claim(text=f"{words}.", quotes=[number]) for number, words in enumerate(texts, start=1)],
        paragraph="",
        value=value,
        low=0,
        high=10,
    )
    reading = shown().reading
    ledger = Ledger(reading.documents, reading.statements)
    result = estimate(reading, ledger, load_calibration().factors)
    factors = {**result.factors, key: before or plain()[key]}
    proposals = Proposals(shown(), CONSTANTS, factors={key: Item(said, check(said, shown()))})
    made, notes = combined(replace(result, factors=factors), proposals, ledger)
    return made.factors[key], notes


def step(made: FactorEstimate) -> float:
    """What the proposal added."""
    return sum(part.effect for part in made.parts if part.kind == "proposal")


def test_a_quote_of_the_matter_lowers_and_one_of_another_matter_half_a_step() -> None:
    assert step(lowered([MANUAL])[0]) < -2 * BESIDE
    made, notes = lowered([BOOKS])
    assert step(made) == -BESIDE
    assert "; held: quotes of another matter" in made.parts[-1].label
    (row,) = notes.lowerings
    assert round(row.before - row.after, _DIGITS) == BESIDE
    assert row.rule == (
        "an LLM proposes less; quotes of another matter, or that raised the estimate, lower by 0.05 at most"
    )
    assert float(made.low) < float(made.value) - BESIDE


def test_many_quotes_of_other_matters_lower_no_more_than_one() -> None:
    assert step(lowered([BOOKS, RUNS, BOOKS])[0]) == -BESIDE


def test_a_description_that_the_documentation_pins_down_is_not_capped() -> None:
    before, (made, notes) = plain()[KEY], lowered([STARTS])
    assert made.low < before.low
    assert -step(made) > CONTROL_CAPS[3]
    assert "held" not in made.parts[-1].label
    assert [row.rank for row in notes.lowerings] == [3]


@pytest.mark.parametrize(("control", "rank"), [(EVERY, 3), (ACCEPTED, 3), (NOTED, 5)])
def test_a_control_lowers_by_the_cap_of_its_rank(control: str, rank: int) -> None:
    made, notes = lowered([control])
    assert step(made) == pytest.approx(-CONTROL_CAPS[3 if rank == 3 else 5])
    assert f"; held: controls of rank {rank} lower by" in made.parts[-1].label
    (row,) = notes.lowerings
    assert row.rank == rank
    assert "pins down" in row.rule
    assert row.rule.endswith("at most, all together")


def test_controls_are_capped_together_and_with_what_the_estimator_took() -> None:
    assert step(lowered([EVERY, ACCEPTED])[0]) == step(lowered([EVERY])[0])
    row = plain()[KEY]
    signal = next(control.signal for control in rules().controls if control.factor == KEY)
    for taken, left in ((-0.15, 0.05), (-0.2, 0.0)):
        part = Part(kind="evidence", label="asks before it acts", effect=taken, signal=signal)
        made, notes = lowered([EVERY], before=with_parts(row, [*row.parts, part]))
        assert -step(made) == pytest.approx(left)
        assert bool(notes.lowerings) == (left > 0)


def test_no_text_takes_a_factor_to_nothing_by_a_control() -> None:
    row = plain()[KEY]
    small = with_parts(row, [Part(kind="typical", label="a kind", effect=0.22)])
    assert 0.22 + step(lowered([EVERY], before=small)[0]) == pytest.approx(CONTROL_FLOOR)


@pytest.mark.parametrize(("control", "key"), [(SOME, KEY), (SANDBOX, KEY), (SANDBOX, "persistent_memory")])
def test_a_control_of_some_actions_or_of_another_matter_lowers_nothing(control: str, key: FactorKey) -> None:
    made, notes = lowered([control], key)
    assert made == plain()[key]
    (why,) = [row.missing for row in notes.made if row.part == f"factors/{key}"]
    assert why is not None
    assert why.reason == "control-claim-only"


def test_a_control_of_something_else_than_actions_need_not_name_them() -> None:
    assert "persistent_memory" not in ABOUT_ALL
    assert 0 < -step(lowered([KEPT], "persistent_memory")[0]) <= CONTROL_CAPS[3]


def test_explain_says_what_limits_a_proposal() -> None:
    key, factor = next((key, row) for key, row in golden().factors.items() if row.parts[-1].kind == "proposal")
    label = "the LLM proposes 0.0, weighed with the estimate; held: quotes of another matter lower by 0.05 at most"
    parts = (*factor.parts[:-1], factor.parts[-1].model_copy(update={"label": label, "effect": -BESIDE}))
    # The stored draft is of older weights; what is explained here needs those that this version knows.
    manifest = {**golden().manifest, "combination": load_combination().fingerprint}
    factors = {**golden().factors, key: with_parts(factor, parts)}
    draft = golden().model_copy(update={"factors": factors, "manifest": manifest})
    left = sum(part.effect for part in parts)
    told = " ".join(text(explain(draft, key)).split())
    assert f"held at {left:.3f}: quotes of another matter lower by 0.05 at most" in told


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.sampled_from(TRUE), min_size=1, max_size=3, unique=True),
    value=st.integers(0, 10),
    key=st.sampled_from(FACTORS),
)
def test_what_true_quotes_of_another_matter_and_controls_may_take(texts: list[str], value: int, key: FactorKey) -> None:
    made, notes = lowered(texts, key, value)
    down = -step(made)
    bearing = [words for words in texts if bears_on(words, key) or words == NOTED]
    if not bearing:
        assert down <= BESIDE + 1e-9
    if not set(bearing) - {EVERY, ACCEPTED, SOME, KEPT, LOGGED, SANDBOX, NOTED}:
        assert down <= max(CONTROL_CAPS[5 if NOTED in texts else 3], BESIDE) + 1e-9
    assert bool(notes.lowerings) == (round(down, 2) > 0 or made.value < plain()[key].value)


def test_a_higher_proposal_never_gives_a_lower_value_whatever_its_quotes() -> None:
    for key, words in itertools.product((KEY, "persistent_memory"), ((BOOKS,), (EVERY,), (EVERY, MANUAL), (KEPT,))):
        values = [lowered(words, key, value)[0].value for value in range(0, 11, 2)]
        assert values == sorted(values)
