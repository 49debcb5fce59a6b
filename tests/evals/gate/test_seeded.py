"""Regressions made on purpose: what each does to facts, floors and severities, and that the gate catches it."""

import pickle
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given, strategies as st

from agent.facts.proposal import Proposal, Quote, Reader
from agent.facts.sheet import build_sheet, fact_id
from agent.facts.vocabulary import load_vocabulary
from agent.records import Document, Draft, DraftFacts, Fact, FactSource, Outlook, Polarity, ReaderName, Statement
from agent.records.base import DocumentForm
from evals.cases import approval_pages
from evals.cases.case import Case, Labels, Page
from evals.gate.baseline import accept
from evals.gate.replayed import judge
from evals.metrics.floors import floor_cell
from evals.metrics.measure import approval_cell
from evals.metrics.results import ApprovalCell, CaseResult, Evaluation, FloorCell
from evals.metrics.summary import summarise
from tests.fakes.draft_parts import document, quote
from tests.fakes.drafts import workos
from tests.fakes.evals.measured import case
from tests.fakes.evals.seeded import SEEDED, DroppingReader, Seeded, is_caught, without_approvals, without_floors

WORDS = load_vocabulary()
PAGE = document("D1", "README.md", "Tool", "It runs any shell command. It asks before each command.")
QUOTES = (quote(1, PAGE, "It runs any shell command."), quote(2, PAGE, "It asks before each command."))


def fact(key: str, mark: str = "E1", polarity: Polarity = "asserted") -> Fact:
    return Fact(
        id=fact_id(key, polarity, "product", ()),
        key=key,
        polarity=polarity,
        about="product",
        evidence=(mark,),
        sources=(FactSource(reader="embedded", confidence=0.9),),
        rank=3,
        confidence=0.9,
        state="claimed",
    )


class Counting:
    """A reader of many things, with an outlook."""

    name: ReaderName = "embedded"
    forms: frozenset[DocumentForm] = frozenset({"prose"})
    looks_for: tuple[str, ...] = ("runs_commands",)

    def __init__(self, count: int) -> None:
        self.count = count

    def read(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Sequence[Proposal]:
        quotes = (Quote(text="It runs any shell command."),)
        return [Proposal(reader="embedded", key=f"key_{n}", quotes=quotes) for n in range(1, self.count + 1)]

    def outlook(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Outlook:
        return Outlook(chances={"runs_commands": 0.5})


class Plain:
    """A reader without an outlook."""

    name: ReaderName = "manifest"
    forms: frozenset[DocumentForm] = frozenset({"tools"})
    looks_for: tuple[str, ...] = ()

    def read(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Sequence[Proposal]:
        return ()


@given(st.integers(0, 60))
def test_every_tenth_proposal_is_lost_and_nothing_else(count: int) -> None:
    whole = Counting(count)
    reader: Reader = DroppingReader(whole)
    kept = [proposal.key for proposal in reader.read([PAGE], [])]
    assert kept == [f"key_{n}" for n in range(1, count + 1) if n % 10]
    assert (reader.name, reader.forms, reader.looks_for) == (whole.name, whole.forms, whole.looks_for)


def test_the_outlook_stays_as_it_is() -> None:
    assert DroppingReader(Counting(3)).outlook([PAGE], []).chances == {"runs_commands": 0.5}
    assert DroppingReader(Plain()).outlook([PAGE], []) == Outlook()


def test_without_floors_nothing_else_of_the_vocabulary_changes() -> None:
    emptied = without_floors(WORDS)
    assert any(key.floor for key in WORDS)
    assert not any(key.floor for key in emptied)
    assert [key.model_copy(update={"floor": {}}) for key in WORDS] == list(emptied)


def test_without_approvals_the_other_facts_stay() -> None:
    sheet = build_sheet([fact("runs_commands"), fact("approval_before", "E2")], QUOTES, vocabulary=WORDS)
    assert [one.key for one in without_approvals(sheet).facts] == ["runs_commands"]
    plain = build_sheet([fact("runs_commands")], QUOTES, vocabulary=WORDS)
    assert without_approvals(plain) is plain


def test_each_regression_changes_one_part_and_names_how_it_is_caught() -> None:
    assert {one.id for one in SEEDED} == {"drops-every-tenth-fact", "no-floors", "ignores-approval"}
    sheet = build_sheet([fact("approval_before", "E2")], QUOTES, vocabulary=WORDS)
    for one in SEEDED:
        assert pickle.loads(pickle.dumps(one)) == one
        reader = Counting(10)
        changed = [
            one.reader(reader) is not reader,
            one.vocabulary(WORDS) is not WORDS,
            one.severity_sheet(sheet) is not sheet,
        ]
        assert sum(changed) == 1
        assert one.caught_by


# ---------------------------------------------------------------- what the gate sees


def with_facts(*facts: Fact, tools: float) -> Draft:
    draft = workos()
    estimate = draft.factors["dynamic_tool_use"]
    moved = estimate.model_copy(update={"value": type(estimate.value)(str(tools))})
    factors = {**draft.factors, "dynamic_tool_use": moved}
    return draft.model_copy(update={"facts": DraftFacts(facts=facts), "factors": factors})


def test_a_factor_below_the_floor_of_its_facts_is_seen() -> None:
    assert "dynamic_tool_use" in WORDS["runs_commands"].floor
    low = floor_cell(with_facts(fact("runs_commands"), tools=0.1))
    high = floor_cell(with_facts(fact("runs_commands"), tools=0.9))
    assert low is not None
    assert "dynamic_tool_use" in low.below
    assert high is not None
    assert "dynamic_tool_use" not in high.below
    assert high.implied == len(WORDS["runs_commands"].floor)


def test_denied_facts_and_an_emptied_table_imply_nothing() -> None:
    denied = floor_cell(with_facts(fact("runs_commands", polarity="denied"), tools=0.0))
    emptied = floor_cell(with_facts(fact("runs_commands"), tools=0.0), without_floors(WORDS))
    assert denied == emptied == FloorCell(implied=0, below=())
    assert floor_cell(workos()) is None


def run(change: Callable[[CaseResult], CaseResult] = lambda one: one) -> Evaluation:
    whole = {
        "floors": FloorCell(implied=5, below=()),
        "facts": 12,
        "approval": ApprovalCell(error=None, base_drop=1.2, autonomy_drop=0.1),
    }
    return summarise(
        [change(case(slug).model_copy(update=whole)) for slug in ("alder", "birch", "cedar")],
        drafter="embedded",
        patterns=(),
    )


DAMAGE: Mapping[str, Mapping[str, object]] = {
    "drops-every-tenth-fact": {"facts": 11},
    "no-floors": {"floors": FloorCell(implied=5, below=("dynamic_tool_use",))},
    "ignores-approval": {"approval": ApprovalCell(error=None, base_drop=0.0, autonomy_drop=0.1)},
}


@pytest.mark.parametrize("seeded", SEEDED, ids=lambda one: one.id)
def test_the_gate_catches_each(seeded: Seeded) -> None:
    before = accept(None, run(), on="2026-11-28", reason="as it is")
    assert judge(run(), before).outcome == "pass"
    verdict = judge(run(lambda one: one.model_copy(update=DAMAGE[seeded.id])), before)
    assert verdict.outcome == "fail"
    assert is_caught(seeded, [finding.metric for finding in verdict.findings])


def test_an_emptied_table_on_disk_is_caught_by_its_count() -> None:
    before = accept(None, run(), on="2026-11-28", reason="as it is")
    verdict = judge(run(lambda one: one.model_copy(update={"floors": FloorCell(implied=0, below=())})), before)
    assert "floors_implied" in {finding.metric for finding in verdict.findings}


# ---------------------------------------------------------------- the page with an approval


def product(slug: str) -> Case:
    return Case(
        slug=slug, name="Quillet", vendor=None, category="other", sources=(), example=False, labels_version=1,
        listing=Page(title="Quillet", markdown="# Quillet\n"), docs=(), labels=Labels(),
    )  # fmt: skip


def test_the_page_names_setting_default_scope_and_who_can_change_it() -> None:
    page = approval_pages.with_page(product("one")).docs[-1].markdown
    for part in ("`approval.required`", "on by default", "every action of Quillet", "only by workspace administrators"):
        assert part in page
    assert "{" not in page


@given(st.integers(1, 200))
def test_a_fixed_few_cases_get_the_page(count: int) -> None:
    cases = [product(f"case-{n:03d}") for n in range(count)]
    chosen = approval_pages.chosen(cases)
    assert len(chosen) == min(count, approval_pages.CASES)
    assert chosen == approval_pages.chosen(cases[::-1])


def test_what_the_page_lowered_is_the_difference_of_the_two_drafts() -> None:
    draft = workos()
    lower = draft.score.model_copy(update={"cvss_base": (draft.score.cvss_base or 0) - 1})
    cell = approval_cell(draft, draft.model_copy(update={"score": lower}))
    assert (cell.base_drop, cell.autonomy_drop) == (1.0, 0.0)
