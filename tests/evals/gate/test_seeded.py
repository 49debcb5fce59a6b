"""Deliberate regressions: their effect on facts, floors and severities, and that the gate catches them."""

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from agent.drafting.factors import floors
from agent.facts.proposal import Proposal, Quote, Reader
from agent.facts.sheet import build_sheet, fact_id
from agent.facts.vocabulary import Vocabulary, load_vocabulary
from agent.records import Document, Draft, DraftFacts, Fact, FactSource, Outlook, Polarity, ReaderName, Statement
from agent.records.base import DocumentForm
from evals.gate.baseline import accept
from evals.gate.replayed import judge
from evals.metrics.measure import approval_cell, floor_cell
from evals.metrics.results import ApprovalCell, Evaluation, FloorCell
from evals.metrics.summary import summarise
from tests.fakes.draft_parts import document, quote
from tests.fakes.drafts import workos
from tests.fakes.evals.evaluation import case
from tests.fakes.evals.seeded import SEEDED, DroppingReader, Seeded, is_caught, without_approvals, without_floors

WORDS = load_vocabulary()
PAGE = document("D1", "README.md", "Tool", "It runs any shell command. It asks before each command.")
QUOTES = (quote(1, PAGE, "It runs any shell command."), quote(2, PAGE, "It asks before each command."))


def fact(key: str, mark: str = "E1", polarity: Polarity = "asserted") -> Fact:
    return Fact(
        id=fact_id(key, polarity, "product", ()), key=key, polarity=polarity, about="product", evidence=(mark,),
        sources=(FactSource(reader="embedded", confidence=0.9),), rank=3, confidence=0.9, state="claimed",
    )  # fmt: skip


class Counting:
    """A reader that finds many things."""

    name: ReaderName = "embedded"
    forms: frozenset[DocumentForm] = frozenset({"prose"})
    looks_for: tuple[str, ...] = ("runs_commands",)

    def __init__(self, count: int) -> None:
        self.count = count

    def read(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Sequence[Proposal]:
        quotes = (Quote(text="It runs any shell command."),)
        return [Proposal(reader="embedded", key=f"key_{n}", quotes=quotes) for n in range(1, self.count + 1)]


class Looking(Counting):
    """The same reader, with an outlook."""

    def outlook(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Outlook:
        return Outlook(chances={"runs_commands": 0.5})


@given(st.integers(0, 60))
def test_every_tenth_proposal_is_lost_and_nothing_else(count: int) -> None:
    whole = Looking(count)
    reader: Reader = DroppingReader(whole)
    kept = [proposal.key for proposal in reader.read([PAGE], [])]
    assert kept == [f"key_{n}" for n in range(1, count + 1) if n % 10]
    assert (reader.name, reader.forms, reader.looks_for) == (whole.name, whole.forms, whole.looks_for)
    assert DroppingReader(whole).outlook([PAGE], []) == whole.outlook([PAGE], [])
    assert DroppingReader(Counting(count)).outlook([PAGE], []) == Outlook()


def test_each_regression_changes_one_part_alone() -> None:
    sheet = build_sheet([fact("runs_commands"), fact("approval_before", "E2")], QUOTES)
    emptied = without_floors(sheet)
    assert floors(sheet, "dynamic_tool_use")[0] > 0 == floors(emptied, "dynamic_tool_use")[0]
    assert [one.model_copy(update={"sources": ()}) for one in emptied.facts] == [
        one.model_copy(update={"sources": ()}) for one in sheet.facts
    ]
    assert [one.key for one in without_approvals(sheet).facts] == ["runs_commands"]
    plain = build_sheet([fact("runs_commands")], QUOTES)
    assert without_approvals(plain) is plain
    reader = Counting(10)
    for one in SEEDED:
        parts = (one.reader(reader) is reader, one.sheet(sheet) is sheet, one.severity_sheet(sheet) is sheet)
        assert sum(parts) == 2


# ---------------------------------------------------------------- what the gate sees


def with_facts(*facts: Fact, tools: float) -> Draft:
    draft = workos()
    estimate = draft.factors["dynamic_tool_use"]
    moved = estimate.model_copy(update={"value": type(estimate.value)(str(tools))})
    factors = {**draft.factors, "dynamic_tool_use": moved}
    return draft.model_copy(update={"facts": DraftFacts(facts=facts), "factors": factors})


def test_a_factor_below_the_floor_of_its_facts_is_seen() -> None:
    implied = len(WORDS["runs_commands"].floor)
    assert "dynamic_tool_use" in WORDS["runs_commands"].floor
    for value, below in ((0.1, True), (0.9, False)):
        cell = floor_cell(with_facts(fact("runs_commands"), tools=value))
        assert cell is not None
        assert (cell.implied, "dynamic_tool_use" in cell.below) == (implied, below)
    denied = floor_cell(with_facts(fact("runs_commands", polarity="denied"), tools=0.0))
    bare = Vocabulary([key.model_copy(update={"floor": {}}) for key in WORDS])
    emptied = floor_cell(with_facts(fact("runs_commands"), tools=0.0), bare)
    assert denied == emptied == FloorCell(implied=0, below=())
    assert floor_cell(workos()) is None


def run(**damage: object) -> Evaluation:
    approval = ApprovalCell(base_drop=1.2, autonomy_drop=0.1)
    cells: dict[str, object] = {"floors": FloorCell(implied=5, below=()), "facts": 12, "approval": approval}
    cases = [case(slug, **(cells | damage)) for slug in ("alder", "birch", "cedar")]
    return summarise(cases, drafter="embedded", patterns=())


DAMAGE: dict[str, dict[str, object]] = {
    "drops-every-tenth-fact": {"facts": 11},
    "no-floors": {"floors": FloorCell(implied=5, below=("dynamic_tool_use",))},
    "ignores-approval": {"approval": ApprovalCell(base_drop=0.0, autonomy_drop=0.1)},
}


@pytest.mark.parametrize("seeded", SEEDED, ids=lambda one: one.id)
def test_the_gate_catches_each(seeded: Seeded) -> None:
    before = accept(None, run(), on="2026-11-28", reason="as it is")
    assert judge(run(), before).outcome == "pass"
    verdict = judge(run(**DAMAGE[seeded.id]), before)
    assert verdict.outcome == "fail"
    assert is_caught(seeded, [finding.metric for finding in verdict.findings])


def test_an_emptied_table_on_disk_is_caught_by_its_count() -> None:
    before = accept(None, run(), on="2026-11-28", reason="as it is")
    verdict = judge(run(floors=FloorCell(implied=0, below=())), before)
    assert "floors_implied" in {finding.metric for finding in verdict.findings}


def test_what_the_page_with_an_approval_lowered_is_the_difference_of_the_two_drafts() -> None:
    draft = workos()
    lower = draft.score.model_copy(update={"cvss_base": (draft.score.cvss_base or 0) - 1})
    cell = approval_cell(draft, draft.model_copy(update={"score": lower}))
    assert (cell.base_drop, cell.autonomy_drop) == (1.0, 0.0)
