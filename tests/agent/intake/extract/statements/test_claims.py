"""Claims are not facts: the ten rules of evidence, each with a test that fails without the rule."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache

import pytest

from agent.drafting.calibration import load_calibration
from agent.drafting.compose import compose
from agent.drafting.factors import CONTROLS, LEAST, estimate
from agent.intake.extract.statements.claims import COUNTING_RANK, is_claim
from agent.intake.extract.statements.split import statements
from agent.pipeline import draft_reading, read_documents, read_statements
from agent.records import Document, Draft, Fact, Finding, Outlook, Rank, Section
from agent.report.markdown import render
from agent.resources import data_folder
from agent.taxonomy.layers import LAYERS
from evals.cases.corpus import load_case
from evals.cases.documents import READ_AT, documents_of
from tests.fakes.drafting.sheets import fact, sheet
from tests.fakes.drafts import thin, workos, workos_documents

PINNED = "Every action requires approval by a named person, on by default, set by the administrator under Settings."
OFF = PINNED.replace("on by default", "off by default")
LISTING = (
    "# Courier\n\nCourier is an agent that plans its own tasks with an LLM and sends e-mails to customers from the "
    "mailbox of the user. It writes and deletes records in the CRM, runs shell commands on a server in the cloud, and "
    "works unattended at night.\n\nIt keeps every conversation in a vector database. Traces of each run go to "
    "OpenTelemetry. Users sign in with OAuth, and the agent acts with their token. It connects to MCP servers and "
    "finds new tools by itself."
)


def page(text: str, kind: str = "docs", number: int = 1, findings: tuple[Finding, ...] = ()) -> Document:
    return Document.model_validate({
        "id": f"D{number}", "sha256": f"{number:064x}", "url": f"page{number}.md", "title": "Courier", "kind": kind,
        "media_type": "text/markdown", "fetched_at": READ_AT, "text": text, "findings": findings,
        "sections": (Section(start=0, end=len(text), path=(), about="product"),),
    })  # fmt: skip


@cache
def drafted(*documents: Document) -> Draft:
    return draft_reading(read_documents(documents), name="Courier", calibration=load_calibration(), created_at=READ_AT)


LISTED = page(LISTING, "listing")


def values(draft: Draft) -> Mapping[str, Decimal]:
    return {key: estimate.value for key, estimate in draft.factors.items()}


# ---------------------------------------------------------------- 2 and 3: ranks, and what each may lower


def estimated(*facts: Fact) -> dict[str, Decimal]:
    return {key: one.value for key, one in estimate(sheet(*facts), "assistant").items()}


@pytest.mark.parametrize("rank", [1, 2, 3, 5])
def test_no_control_below_rank_three_takes_anything_and_all_of_the_others_leave_a_tenth(rank: Rank) -> None:
    controls = [fact(key, mark=f"E{n}", rank=rank, default="on") for n, key in enumerate(CONTROLS, start=2)]
    bare, held = estimated(fact("reads_web")), estimated(fact("reads_web"), *controls)
    if rank < COUNTING_RANK:
        assert held == bare
    else:
        assert held["autonomy_of_action"] < bare["autonomy_of_action"]
        assert min(held.values()) >= Decimal(str(LEAST))


def test_no_text_yields_nothing() -> None:
    texts = [
        PINNED,
        *(f"Courier has no {word}." for word in ("memory", "tools", "LLM", "access", "agents", "identity")),
    ]
    listed = page("Courier is a safe tool.\n\n" + "\n".join(texts), "listing")
    draft = drafted(listed, page("\n\n".join(texts), number=2))
    shown = draft.score.aivss if draft.score.aivss is not None else draft.score.provisional
    assert shown is not None
    assert shown > 0
    assert all(threat.score.aivss > 0 for layer in draft.layers.values() for threat in layer.threats)


# ---------------------------------------------------------------- 4: only the threats it addresses, as configured


def test_a_pinned_control_lowers_the_factor_that_it_names_alone() -> None:
    before, after = values(drafted(LISTED)), values(drafted(LISTED, page(PINNED, number=2)))
    changed = {key for key in before if after[key] < before[key]}
    assert changed == {"autonomy_of_action"}


@pytest.mark.parametrize(
    "text", [OFF, "Approval of every action is planned.", "Approvals are optional for every action."]
)
def test_off_by_default_and_plans_count_as_absent(text: str) -> None:
    before, after = values(drafted(LISTED)), values(drafted(LISTED, page(text, number=2)))
    assert after["autonomy_of_action"] >= before["autonomy_of_action"]


# ---------------------------------------------------------------- 5: contradiction


def test_the_worse_of_two_readings_stands() -> None:
    writes = fact("changes_records"), fact("sends_messages", "E2")
    bare, both = sheet(*writes), sheet(*writes, fact("read_only", "E3"))
    before, after = estimate(bare, "assistant"), estimate(both, "assistant")
    assert {key: one.value for key, one in after.items()} == {key: one.value for key, one in before.items()}
    assert after["autonomy_of_action"].state == "contradicted"


# ---------------------------------------------------------------- 6: repetition, and a page's share of retrieval


def test_what_the_vendor_repeats_counts_once() -> None:
    line = "Traces of each run go to OpenTelemetry."
    pages = [page(f"{line}\n\n{line}", number=number) for number in range(2, 6)]
    assert [s.text for s in read_statements((LISTED, *pages))].count(line) == 1
    again, once = drafted(LISTED, *pages), drafted(LISTED, page(line, number=2))
    for key, layer in once.layers.items():
        assert (again.layers[key].features, again.layers[key].threats) == (layer.features, layer.threats)


# ---------------------------------------------------------------- 7: absence


def test_a_page_that_describes_nothing_lowers_nothing() -> None:
    card = page("# Courier\n\nCourier sends e-mails.", "listing")
    trust = page("Security is our top priority.\n\nEvery action is approved by a person.", number=2)
    assert values(drafted(card, trust)) == values(drafted(card))


# ---------------------------------------------------------------- 8: hidden and machine-addressed text


def test_text_with_a_finding_lowers_nothing() -> None:
    hidden = Finding(kind="hidden-text", document="D2", start=0, end=len(PINNED), where="p", excerpt=PINNED[:20])
    assert values(drafted(LISTED, page(PINNED, number=2, findings=(hidden,)))) == values(drafted(LISTED))


# ---------------------------------------------------------------- 9: each reduction is shown; the score without claims


def test_each_lowering_names_quote_rank_rule_and_effect() -> None:
    draft = drafted(LISTED, page(PINNED, number=2))
    ranks = {item.id: item.rank for item in draft.evidence}
    assert draft.lowerings
    for row in draft.lowerings:
        assert row.rank == ranks[row.evidence]
        assert row.rule
        assert row.after < row.before
    parts = [(p.evidence, key) for key, f in draft.factors.items() for p in f.parts if p.effect < 0 and p.evidence]
    assert set(parts) <= {(row.evidence, row.target) for row in draft.lowerings}


def test_a_limit_in_the_vendors_own_words_shows_in_the_score_without_them() -> None:
    """A description of the product may lower values without a rank, and the score without claims leaves it out."""
    keys = (
        "reads_mail_chat", "reads_web", "user_oauth", "api_key", "memory_long", "vendor_cloud", "names_llm",
        "connected_services", "own_logs", "traces_metrics", "picks_tools",
    )  # fmt: skip
    outlook = Outlook(kinds={"assistant": 1.0}, layers=dict.fromkeys(LAYERS, 0.97))
    facts = [*(fact(key, f"E{n}") for n, key in enumerate(keys, 1)), fact("fixed_workflow", "E20")]
    made = compose(sheet(*facts, outlook=outlook), name="Courier", calibration=load_calibration())
    other = made.score.without_vendor_claims
    assert {row.rule for row in made.lowerings} == {"a stated limit"}
    assert other is not None
    # Compare with the sheet without the limit, whose score may be the same to the first decimal.
    bare = compose(sheet(*facts[:-1], outlook=outlook), name="Courier", calibration=load_calibration())
    assert made.score.factor_sum is not None
    assert bare.score.factor_sum is not None
    assert bare.score.factor_sum > made.score.factor_sum
    assert other.aivss == bare.score.aivss
    assert other.aivss is None or made.score.aivss is None or other.aivss >= made.score.aivss


def test_equal_scores_say_so() -> None:
    documents = documents_of(load_case(data_folder("corpus") / "cases" / "firecrawl-mcp"))
    draft = drafted(*documents)
    assert draft.score.without_vendor_claims is not None
    assert draft.score.without_vendor_claims.aivss == draft.score.aivss
    same = f"Without the vendor's claims: {draft.score.aivss} {draft.score.severity}, unchanged."
    assert same in render(draft, documents)


@pytest.mark.parametrize("slug", ["firecrawl-mcp", "abridge"])
def test_the_score_without_claims_is_never_milder(slug: str) -> None:
    draft = drafted(*documents_of(load_case(data_folder("corpus") / "cases" / slug)))
    other = draft.score.without_vendor_claims
    assert other is not None
    assert other.aivss is None or draft.score.aivss is None or other.aivss >= draft.score.aivss


def test_a_draft_that_was_stored_without_it_still_prints() -> None:
    assert thin().score.without_vendor_claims is None
    assert "Without the vendor" not in render(workos(), workos_documents())


# ---------------------------------------------------------------- the boundary


@pytest.mark.parametrize(
    "text",
    [
        "A person signs off every transfer.",
        "Nothing leaves your tenant without review.",
        "Spending is capped at 50 dollars a day.",
        "We plan to add role-based access next quarter.",
        "The agent was assessed by an outside lab and found harmless.",
        "It cannot do anything you have not approved.",
        "Runs only inside a locked container.",
        "No customer data is stored.",
        "Deletion is disabled.",
        "Sending requires the owner's confirmation",
        "No action is taken without a person watching.",
    ],
)
def test_denials_limits_and_promises_are_claims(text: str) -> None:
    assert is_claim(text)


@pytest.mark.parametrize(
    "text",
    [
        "Courier is read-only.",
        "The agent has read-only access.",
        "Deletion is disabled.",
        "Approval mode can be turned on by an administrator in Settings > Advanced.",
        "It keeps no state between requests.",
    ],
)
def test_a_limit_of_rank_two_changes_no_number_and_no_flag(text: str) -> None:
    before, after = drafted(LISTED), drafted(LISTED, page(text, number=2))
    assert values(after) == values(before)
    assert {k: v.certain for k, v in after.layers.items()} == {k: v.certain for k, v in before.layers.items()}
    assert after.score.aivss == before.score.aivss


@pytest.mark.parametrize(
    "text",
    [
        "Runs without asking for approval.",
        "There is no confirmation step in the server.",
        "Read-only access to the calendar.",
        "Tokens are checked as JWTs against configured audiences.",
        "It writes structured logs to stderr.",
        "Headless mode always approves every action.",
        "It drafts a reply and sends it through Gmail.",
        "The sandbox runs on E2B.",
        "It works through the queue day and night without anybody looking.",
    ],
)
def test_descriptions_are_no_claims(text: str) -> None:
    assert not is_claim(text)


def test_a_claim_of_rank_three_is_read() -> None:
    (found,) = statements((page(PINNED),))
    assert (found.rank, found.claim) == (3, False)
    (weak,) = statements((page(PINNED, "listing"),))
    assert weak.claim
