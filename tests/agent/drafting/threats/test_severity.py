"""Severity from facts: the catalogue's metrics by rule, and an LLM's metrics checked against the same facts."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from agent.drafting.judgement import Metric
from agent.drafting.threats.candidates import Candidate, candidates
from agent.drafting.threats.cvss_vectors import METRICS, VALUES, base_of
from agent.drafting.threats.expressions import FactIndex
from agent.drafting.threats.severity import MAX_BELOW, base_range, check_metrics, score_threat, supposable, vector
from agent.records import Fact, FactSheet, Search
from agent.taxonomy.kinds import ProductKind
from tests.fakes.drafting.sheets import fact, factors, sheet
from tests.fakes.drafting.threats import judged

WORST = dict(zip(METRICS, "NLNNNHHHHHN", strict=True))
SHELL, SENDS = "L3-command-on-host", "L7-message-in-your-name"
values = st.tuples(*(st.sampled_from(VALUES[metric]) for metric in METRICS))


def of(id_: str, *facts: Fact | str, kind: ProductKind = "coding-agent", **chances: float) -> Candidate:
    made = sheet(*facts, chances=chances)
    return next(one for one in candidates(made, kind, factors()) if one.id == id_)


def asks(rank: int = 3, action: str = "shell commands") -> Fact:
    return fact("approval_before", "E9", rank=rank, part="cli", action=action)


@pytest.mark.parametrize(
    ("id_", "facts", "metric", "value"),
    [
        (SHELL, ["runs_commands", "reads_web"], "UI", "P"),
        (SHELL, ["runs_commands", "reads_web", asks()], "UI", "A"),
        (SHELL, ["runs_commands", "reads_web", asks(rank=2)], "UI", "P"),
        (SHELL, ["runs_commands", "reads_web", asks(action="payments")], "UI", "P"),
        (SHELL, ["runs_commands", "reads_web", "scheduled"], "UI", "N"),
        (SHELL, ["runs_commands", "reads_web", fact("scheduled", "E9", polarity="configurable")], "UI", "P"),
        (SHELL, ["runs_commands", "reads_web"], "AT", "P"),
        ("X-mail-to-action", ["sends_messages", "reads_mail_chat"], "AT", "N"),
        (SENDS, ["sends_messages", "reads_web"], "VC", "L"),
        (SENDS, ["sends_messages", "reads_web"], "SI", "L"),
        (SENDS, ["sends_messages", "reads_web", "user_oauth"], "SI", "H"),
    ],
)
def test_a_metric_follows_the_facts(id_: str, facts: list[Fact | str], metric: Metric, value: str) -> None:
    assert of(id_, *facts).metrics[metric].value == value


def test_a_documented_approval_is_cited_and_makes_the_threat_milder() -> None:
    quiet, named = of(SHELL, "runs_commands", "reads_web"), of(SHELL, "runs_commands", "reads_web", asks())
    assert "[E9]" in named.metrics["UI"].reason
    assert named.threat.score.cvss_base < quiet.threat.score.cvss_base


@pytest.mark.parametrize(
    ("id_", "keys", "kind"),
    [
        ("L1-insecure-generated-code", ("proposes_code", "advises_only", "reads_code"), "agent-skill"),
        ("L2-steered-query", ("queries_data", "mcp_server", "read_only"), "mcp-server"),
        ("L1-document-as-instruction", ("reads_documents",), "agent-skill"),
    ],
)
def test_proposals_lookups_and_documents_are_not_critical(id_: str, keys: tuple[str, ...], kind: ProductKind) -> None:
    assert of(id_, *keys, kind=kind).threat.score.cvss_base < 8


def test_open_metrics_leave_corners_and_likely_ones_count_without_a_quote() -> None:
    base = base_range(of(SHELL, "runs_commands", "reads_web").metrics)
    assert base.low < base.value < base.high
    unsure = of(SENDS, "sends_messages", "reads_web", user_oauth=0.2).metrics["SI"]
    assert (unsure.value, "H" in unsure.others) == ("L", True)
    likely = of(SENDS, "sends_messages", "reads_web", user_oauth=0.5)
    assert (likely.metrics["SI"].value, likely.metrics["SI"].others) == ("H", ("L",))
    assert "no quote states it" in likely.threat.score.reasons["SI"]
    assert len(likely.facts) == 2, "a likely fact is none"


def test_nothing_is_supposed_that_a_fact_denies_or_opposes_or_an_llm_did_not_find() -> None:
    def supposed(made: FactSheet) -> tuple[str, ...]:
        return supposable(made, FactIndex(made))

    chances = {"writes_files": 0.6, "user_oauth": 0.6}
    made = sheet("reads_web", chances=chances)
    assert supposed(made) == tuple(chances)
    looked = (Search(reader="llm", documents=("D1",), statements=3),)
    assert supposed(made.model_copy(update={"searched": looked})) == ()
    denied = fact("user_oauth", "E9", polarity="denied")
    assert supposed(sheet("reads_web", fact("read_only", "E8"), denied, chances=chances)) == ()


@given(values, st.integers(0, 10))
def test_every_vector_scores_between_its_base_and_ten(values: tuple[str, ...], tenths: int) -> None:
    metrics = judged("".join(values)).metrics
    scored = score_threat(metrics, factors(str(Decimal(tenths) / 10)))
    assert scored.cvss_base == base_of(vector(metrics))
    assert scored.cvss_base - Decimal("0.1") <= scored.aivss <= 10


@pytest.mark.parametrize(
    ("metric", "told", "facts", "kept"),
    [
        # Facts cover only a sample of a page: a careful reader's impacts are closer to another reader's than to the
        # facts.
        ("VC", {}, ["gives_verdicts"], "H"),
        ("SC", {}, ["gives_verdicts"], "H"),
        # The author of a file that a user hands over needs no account.
        ("PR", {}, ["writes_files"], "N"),
        ("AV", {"AV": "L"}, ["reads_web"], "N"),
        ("AV", {"AV": "L"}, ["reads_web", "local_process"], "L"),
        ("UI", {}, ["reads_web", "runs_commands"], "P"),
        ("UI", {}, ["reads_web", "runs_commands", "runs_unattended"], "N"),
        ("UI", {"UI": "A"}, ["reads_web", "runs_commands", asks(rank=1)], "P"),
        ("UI", {"UI": "P"}, ["reads_web", "runs_commands", asks()], "P"),
    ],
)
def test_a_metric_of_an_llm_stands_unless_it_needs_a_fact(
    metric: Metric, told: dict[Metric, str], facts: list[Fact | str], kept: str
) -> None:
    made = check_metrics(judged({**WORST, **told}), FactIndex(sheet(*facts), "coding-agent"))
    assert made[metric].value == kept
    assert (made[metric].reason == "because") == (kept == {**WORST, **told}[metric])


def test_a_cited_approval_a_mistake_and_a_missing_value_are_corrected() -> None:
    facts = FactIndex(sheet("reads_web", "runs_commands", asks()))
    assert check_metrics(judged({**WORST, "UI": "P"}, facts=(asks().id,)), facts)["UI"].value == "A"
    # A mistake has no attacker and needs the LLM to err.
    told = check_metrics(judged("NLNLANHHNNN", actor="nobody; the LLM errs"), facts)["AT"]
    assert (told.value, "has to make the mistake" in told.reason) == ("P", True)
    assert check_metrics(judged("NLNLANHHNNN", actor="a stranger"), facts)["AT"].value == "N"
    made = check_metrics(judged({"AV": "Q"}), FactIndex(sheet("reads_web")))
    assert set(made) == set(METRICS)
    assert (made["AV"].value, made["AV"].reason) == ("N", "no value was given")


@given(values)
def test_an_llm_cannot_talk_a_threat_of_the_catalogue_down(values: tuple[str, ...]) -> None:
    keys = ("runs_commands", "reads_web", "api_key")
    like = of(SHELL, *keys)
    metrics = check_metrics(judged("".join(values)), FactIndex(sheet(*keys), "coding-agent"), like.metrics)
    assert base_of(vector(metrics)) >= like.threat.score.cvss_base - MAX_BELOW
