"""Severity from facts: the catalogue's metrics by rule, an LLM's checked against the same facts."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from agent.drafting.judgement import JudgedMetric, JudgedThreat, Metric
from agent.drafting.threats.candidates import Candidate, candidates
from agent.drafting.threats.catalogue import METRICS, VALUES
from agent.drafting.threats.cvss_vectors import base_of
from agent.drafting.threats.expressions import FactIndex
from agent.drafting.threats.severity import (
    MAX_BELOW,
    base_range,
    check_metrics,
    score_threat,
    supposable,
    vector_of,
)
from agent.records import FactSheet, Search
from tests.fakes.drafting.catalogue_sheets import fact, factors, sheet

WORST = dict(zip(METRICS, "NLNNNHHHHHN", strict=True))


def of(made: FactSheet, id_: str, kind: str = "coding-agent") -> Candidate:
    return next(one for one in candidates(made, kind, factors()) if one.id == id_)


def judged(values: dict[Metric, str] | str, **fields: object) -> JudgedThreat:
    pairs = dict(zip(METRICS, values, strict=True)) if isinstance(values, str) else values
    return JudgedThreat(
        **{
            "title": "A threat",
            "actor": "an outsider",
            "how": "An outsider does it.",
            "lost": "data",
            "layer": "agent_frameworks",
            "basis": "quoted",
            "metrics": {metric: JudgedMetric(value=value, reason="because") for metric, value in pairs.items()},
            **fields,
        }
    )


def corrected(threat: JudgedThreat, made: FactSheet, **fields: object) -> dict[Metric, JudgedMetric]:
    return check_metrics(threat, FactIndex(made, "coding-agent"), **fields)


def test_a_default_approval_of_rank_three_makes_the_step_active() -> None:
    asks = {"part": "cli", "action": "shell commands"}
    quiet = of(sheet("runs_commands", "reads_web"), "L3-command-on-host")
    named = of(sheet("runs_commands", "reads_web", fact("approval_before", "E9", rank=3, **asks)), "L3-command-on-host")
    claimed = of(
        sheet("runs_commands", "reads_web", fact("approval_before", "E9", rank=2, **asks)), "L3-command-on-host"
    )

    assert (quiet.metrics["UI"].value, named.metrics["UI"].value, claimed.metrics["UI"].value) == ("P", "A", "P")
    assert "[E9]" in named.metrics["UI"].reason
    assert named.threat.score.cvss_base < quiet.threat.score.cvss_base


def test_an_approval_of_something_else_changes_nothing() -> None:
    pays = fact("approval_before", "E9", rank=3, part="app", action="payments")

    assert of(sheet("runs_commands", "reads_web", pays), "L3-command-on-host").metrics["UI"].value == "P"


def test_an_unattended_start_needs_no_user() -> None:
    assert of(sheet("runs_commands", "reads_web", "scheduled"), "L3-command-on-host").metrics["UI"].value == "N"
    by_setting = fact("scheduled", "E9", polarity="configurable")
    assert of(sheet("runs_commands", "reads_web", by_setting), "L3-command-on-host").metrics["UI"].value == "P"


def test_content_that_comes_in_by_itself_needs_no_further_condition() -> None:
    assert of(sheet("sends_messages", "reads_mail_chat"), "X-mail-to-action").metrics["AT"].value == "N"
    assert of(sheet("runs_commands", "reads_web"), "L3-command-on-host").metrics["AT"].value == "P"


def test_impact_is_high_only_for_what_a_fact_says_is_reached() -> None:
    plain = of(sheet("sends_messages", "reads_web"), "L7-message-in-your-name", "assistant")
    owned = of(sheet("sends_messages", "reads_web", "user_oauth"), "L7-message-in-your-name", "assistant")

    assert (plain.metrics["VC"].value, plain.metrics["SI"].value) == ("L", "L")
    assert owned.metrics["SI"].value == "H"


@pytest.mark.parametrize(
    ("keys", "kind", "id_"),
    [
        (("proposes_code", "advises_only", "reads_code"), "agent-skill", "L1-insecure-generated-code"),
        (("queries_data", "mcp_server", "read_only"), "mcp-server", "L2-steered-query"),
        (("reads_documents",), "agent-skill", "L1-document-as-instruction"),
    ],
)
def test_proposals_lookups_and_documents_are_not_critical(keys: tuple[str, ...], kind: str, id_: str) -> None:
    assert of(sheet(*keys), id_, kind).threat.score.cvss_base < 8


def test_open_metrics_leave_corners() -> None:
    base = base_range(of(sheet("runs_commands", "reads_web"), "L3-command-on-host").metrics)

    assert base.low < base.value < base.high
    unsure = of(sheet("sends_messages", "reads_web", chances={"user_oauth": 0.2}), "L7-message-in-your-name")
    assert unsure.metrics["SI"].value == "L"
    assert "H" in unsure.metrics["SI"].others


def test_what_is_likely_counts_for_severity_and_is_said_to_have_no_quote() -> None:
    likely = of(sheet("sends_messages", "reads_web", chances={"user_oauth": 0.5}), "L7-message-in-your-name")

    assert (likely.metrics["SI"].value, likely.metrics["SI"].others) == ("H", ("L",))
    assert "no quote says so" in likely.threat.score.reasons["SI"]
    assert "user_oauth" not in {one.key for one in likely.rests_on}


def test_nothing_is_supposed_where_an_llm_read_the_sources() -> None:
    made = sheet("sends_messages", "reads_web", chances={"user_oauth": 0.5})
    read = made.model_copy(update={"searched": (Search(reader="llm", documents=("D1",), statements=3),)})

    assert supposable(made, FactIndex(made)) == ("user_oauth",)
    assert supposable(read, FactIndex(read)) == ()


def test_what_a_fact_denies_or_opposes_is_not_supposed() -> None:
    chances = {"writes_files": 0.6, "user_oauth": 0.6}
    made = sheet("reads_web", fact("read_only", "E8"), fact("user_oauth", "E9", polarity="denied"), chances=chances)

    assert supposable(made, FactIndex(made)) == ()
    assert supposable(sheet("reads_web", chances=chances), FactIndex(sheet("reads_web", chances=chances)))


@given(st.tuples(*(st.sampled_from(VALUES[metric]) for metric in METRICS)), st.integers(0, 10))
def test_every_vector_scores_between_its_base_and_ten(values: tuple[str, ...], tenths: int) -> None:
    vector = vector_of(dict(zip(METRICS, values, strict=True)))

    scored = score_threat(vector, {}, factors(str(Decimal(tenths) / 10)))

    assert scored.cvss_base == base_of(vector)
    assert scored.cvss_base - Decimal("0.1") <= scored.aivss <= 10


# ---------------------------------------------------------------- an LLM's metrics


def test_what_an_llm_says_is_lost_stands_without_a_fact() -> None:
    """Facts are a sample of what a page says: the impacts of a careful reader are nearer to another reader's."""
    made = corrected(judged(WORST), sheet("gives_verdicts"))

    assert {metric: made[metric].value for metric in ("VC", "VI", "VA", "SC")} == {
        metric: WORST[metric] for metric in ("VC", "VI", "VA", "SC")
    }
    assert made["VC"].reason == "because"


def test_who_writes_a_file_that_a_user_hands_over_needs_no_account() -> None:
    assert corrected(judged(WORST), sheet("writes_files"))["PR"].value == WORST["PR"] == "N"


def test_local_access_needs_a_fact() -> None:
    local = judged({**WORST, "AV": "L"})

    assert corrected(local, sheet("reads_web"))["AV"].value == "N"
    assert corrected(local, sheet("reads_web", "local_process"))["AV"].value == "L"


def test_a_run_without_a_user_needs_a_fact() -> None:
    assert corrected(judged(WORST), sheet("reads_web", "runs_commands"))["UI"].value == "P"
    assert corrected(judged(WORST), sheet("reads_web", "runs_commands", "runs_unattended"))["UI"].value == "N"


def test_an_approval_that_the_threat_cites_enters_its_vector() -> None:
    approval = fact("approval_before", "E9", rank=3, part="cli", action="commands")
    made = sheet("reads_web", "runs_commands", approval)
    passive = {**WORST, "UI": "P"}

    assert corrected(judged(passive, facts=(approval.id,)), made)["UI"].value == "A"
    assert corrected(judged(passive), made)["UI"].value == "P"


def test_an_approval_that_nobody_documents_is_not_taken_from_an_llm() -> None:
    made = sheet("reads_web", "runs_commands", fact("approval_before", "E9", rank=1, part="cli"))

    assert corrected(judged({**WORST, "UI": "A"}), made)["UI"].value == "P"


def test_a_mistake_has_no_attacker_and_needs_the_llm_to_err() -> None:
    made = sheet(fact("runs_commands", "E1"))
    told = corrected(judged("NLNLANHHNNN", actor="nobody; the LLM errs"), made)
    assert told["AT"].value == "P"
    assert "err" in told["AT"].reason
    assert corrected(judged("NLNLANHHNNN", actor="a stranger"), made)["AT"].value == "N"


def test_a_missing_or_strange_value_is_replaced_and_said() -> None:
    made = corrected(judged({"AV": "Q"}), sheet("reads_web"))

    assert set(made) == set(METRICS)
    assert made["AV"].value == "N"
    assert made["AV"].reason == "no value was given"


@given(st.tuples(*(st.sampled_from(VALUES[metric]) for metric in METRICS)))
def test_an_llm_cannot_talk_a_threat_of_the_catalogue_down(values: tuple[str, ...]) -> None:
    made = sheet("runs_commands", "reads_web", "api_key")
    like = of(made, "L3-command-on-host")

    metrics = corrected(judged("".join(values)), made, like=like.metrics)

    base = base_of(vector_of({metric: one.value for metric, one in metrics.items()}))
    assert base >= like.threat.score.cvss_base - MAX_BELOW
