"""The embedded fact reader: what it asserts, what it ignores, and that text about other products does not affect it."""

import time
from collections.abc import Sequence
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import yaml

from agent.errors import IntegrityError
from agent.facts.proposal import Proposal
from agent.facts.readers.embedded import EmbeddedReader, quote_of
from agent.facts.readers.features import named_features
from agent.facts.readers.heads import LOWEST, SECOND_LOWEST, read_heads, signs
from agent.facts.readers.patterns import load_patterns
from agent.facts.reading import read_sheet
from agent.facts.vocabulary import load_vocabulary
from agent.intake.extract.formats.markdown import read_markdown
from agent.intake.extract.statements.split import statements
from agent.records import Document, Statement, StatementRole
from agent.resources import data_folder
from tests.fakes.fact_sources import composed

PAGE = """# Tidewater MCP server

An MCP server that lets AI assistants search and update the berths of a harbour.

## Configuration

- `TIDEWATER_API_KEY`: the API key of your harbour account.
- The server speaks stdio by default; with `--http` it listens on port 8123.
- Works with any LLM provider: OpenAI, Anthropic or a local model by Ollama.

## Tools

- `delete_berth`: delete a berth and all of its bookings.
- `list_berths`: list the berths of a harbour.
"""
OPT_OUT = "## Telemetry\n\nAnonymous telemetry is sent to us and can be disabled with `QUAY_TELEMETRY`."
APPROVED = "Every action requires approval by a named person, on by default; administrators can change it."
READER = EmbeddedReader()


def document(text: str) -> Document:
    return composed(read_markdown(text))


def rows(page: Document, role: StatementRole = "behaviour") -> tuple[Statement, ...]:
    return tuple(row.model_copy(update={"role": role}) for row in statements((page,)))


def read(text: str, role: StatementRole = "behaviour") -> Sequence[Proposal]:
    page = document(text)
    return READER.read((page,), rows(page, role))


def keys(proposals: Sequence[Proposal], polarity: str = "") -> set[str]:
    return {proposal.key for proposal in proposals if not polarity or proposal.polarity == polarity}


def test_it_reads_what_a_page_says() -> None:
    found = read(PAGE)
    assert {"api_key", "model_choice"} <= keys(found)
    assert not keys(found, "denied")
    assert all(0.5 < proposal.confidence < 1 for proposal in found), "the confidence is a chance over the limit"
    (slot,) = (slot for proposal in found if proposal.key == "api_key" for slot in proposal.slots)
    assert (slot.name, slot.value) == ("credential", "TIDEWATER_API_KEY")


@pytest.mark.parametrize(
    "changed",
    [
        {"flagged": True},
        {"about": "other"},
        *({"role": role} for role in ("instruction", "example", "news", "marketing", "other-product", "navigation")),
    ],
    ids=str,
)
def test_nothing_is_asserted_from_what_carries_no_facts(changed: dict[str, object]) -> None:
    page = document(PAGE)
    own = [row.model_copy(update=changed) for row in rows(page)]
    assert not READER.read((page,), own)
    assert not READER.outlook((page,), own).chances


def test_every_proposal_passes_the_check() -> None:
    page = document(PAGE)
    sheet = read_sheet((page,), rows(page), [READER])
    assert sheet.facts
    assert not sheet.dropped
    assert all(page.text[item.start : item.end] == item.quote for item in sheet.evidence)


@pytest.mark.parametrize(
    ("sentence", "key", "polarity", "read_so"),
    [
        ("Quay does not send any telemetry to PostHog.", "telemetry_to_vendor", "denied", True),
        # A claim denies nothing.
        ("Quay does not collect any telemetry or usage data.", "", "denied", False),
        ("Quay collects telemetry and usage data.", "", "denied", False),
        ("The server cannot run shell commands.", "runs_commands", "", False),
        ("It never runs shell commands.", "runs_commands", "", False),
        ("No shell commands are run by the agent.", "runs_commands", "", False),
        # The words of a control that is missing assert none.
        ("It asks a person for a confirmation before it deletes records.", "approval_before", "asserted", True),
        ("It asks nobody for a confirmation before it deletes records.", "approval_before", "asserted", False),
        ("Nobody is asked for a confirmation before it deletes records.", "approval_before", "asserted", False),
        ("It deletes records without asking a person for a confirmation.", "approval_before", "asserted", False),
        ("There are no confirmation prompts.", "approval_before", "asserted", False),
        ("It never asks for permission.", "approval_before", "asserted", False),
        # A setting decides.
        (OPT_OUT, "telemetry_to_vendor", "asserted", False),
    ],
)
def test_negations_missing_controls_and_settings(sentence: str, key: str, polarity: str, read_so: bool) -> None:
    found = keys(read(f"# Quay\n\n{sentence}\n"), polarity)
    assert (key in found if key else bool(found)) is read_so


@pytest.mark.parametrize(
    ("sentence", "polarity", "default"),
    [
        (APPROVED, "asserted", "on"),
        ("Approval is enabled by default: each action waits for a person to confirm it.", "asserted", "enabled"),
        ("Approval of each action by a person can be required; it is off by default.", "configurable", "off"),
        ("Before it sends a mail it waits for a person to approve it.", "asserted", ""),
    ],
)
def test_a_control_says_how_it_is_set_as_shipped(sentence: str, polarity: str, default: str) -> None:
    found = read(f"# Quay\n\nQuay is an agent that sends mail.\n\n## Approval\n\n{sentence}\n")
    (asks,) = (proposal for proposal in found if proposal.key == "approval_before")
    assert asks.polarity == polarity
    assert [slot.value for slot in asks.slots if slot.name == "default"] == ([default] if default else [])


def test_a_planted_neighbour_moves_nothing() -> None:
    planted = PAGE + "\nThis product was rated safe by everybody who looked at it.\n"
    before, after = read(PAGE), read(planted)
    assert keys(before) == keys(after)
    one, other = document(PAGE), document(planted)
    alone, beside = READER.scores((one,), rows(one)), READER.scores((other,), rows(other))
    np.testing.assert_allclose(alone, beside[: len(alone)], atol=1e-5)


def test_it_is_deterministic_and_does_not_depend_on_the_order() -> None:
    page = document(PAGE)
    own = rows(page)
    first, second = READER.read((page,), own), EmbeddedReader().read((page,), own[::-1])
    assert keys(first) == keys(second)
    assert list(first) == list(READER.read((page,), own))
    assert READER.outlook((page,), own) == READER.outlook((page,), own)


def test_the_outlook_knows_more_than_is_asserted() -> None:
    page = document(PAGE)
    outlook = READER.outlook((page,), rows(page))
    assert set(outlook.chances) <= {key.id for key in load_vocabulary()}
    assert len(outlook.chances) > len(READER.read((page,), rows(page)))
    assert outlook.chances["stdio"] > outlook.chances["places_calls"]
    assert sum(outlook.kinds.values()) == pytest.approx(1)
    assert max(outlook.kinds, key=lambda kind: outlook.kinds[kind]) == "mcp-server"


def test_what_may_be_mentioned_is_not_called_absent() -> None:
    def looked(sentence: str) -> tuple[bool, bool]:
        page = document(f"# Tern\n\nTern lists berths.\n\n{sentence}\n")
        own = rows(page)
        outlook = READER.outlook((page,), own)
        absent = {row.key for row in read_sheet((page,), own, [READER], outlook=outlook).absent}
        return "approval_before" in outlook.mentioned, "approval_before" in absent

    assert looked("Berths have numbers.") == (False, True)
    # Only claimed, and not certain enough for a fact.
    assert looked("A person reviews the plan.") == (True, False)


def test_nothing_to_read_is_nothing_read() -> None:
    outlook = READER.outlook((), ())
    assert (list(READER.read((), ())), outlook.kinds, outlook.chances) == ([], {}, {})


def test_a_second_sign_counts_and_silence_does_not() -> None:
    one = signs(np.array([[2.0]]))
    assert signs(np.array([[2.0], [-9.0]])).tolist() == one.tolist()
    assert signs(np.array([[2.0], [1.0]]))[0, 1] > one[0, 1] == SECOND_LOWEST
    assert signs(np.zeros((0, 1)))[0, 0] == LOWEST


def test_a_long_statement_is_quoted_in_part() -> None:
    page = document("# Quay\n\n" + "word " * 120 + "\n")
    quote = quote_of(rows(page)[0])
    assert len(quote.text.split()) <= 40
    assert quote.text in page.text


def test_the_name_of_the_product_is_no_feature() -> None:
    found = named_features(rows(document(PAGE))[0], frozenset({"harbour"}))
    assert "w:NAME" in found
    assert "w:harbour" not in found


def test_there_are_few_patterns_and_their_figures_are_kept() -> None:
    rules = load_patterns()
    raw = yaml.safe_load((data_folder("corpus") / "knowledge" / "reader" / "reader.json").read_text("utf-8"))
    assert len(rules) <= 120
    assert {rule.key for rule in rules} <= {key.id for key in load_vocabulary()}
    kept = [(row["key"], row["precision"]) for row in (*raw["patterns"], *raw["denials"])]
    assert [key for key, _ in kept] == [rule.key for rule in sorted(rules, key=lambda rule: rule.polarity == "denied")]
    assert all(0 < precision < 1 for _, precision in kept)


def test_changed_weights_are_noticed(tmp_path: Path) -> None:
    source = data_folder("corpus") / "knowledge" / "reader"
    copytree(source, tmp_path, dirs_exist_ok=True)
    assert read_heads(tmp_path).keys
    (tmp_path / "weights.npy").write_bytes((tmp_path / "weights.npy").read_bytes()[:-1] + b"\x7f")
    with pytest.raises(IntegrityError):
        read_heads(tmp_path)


def test_eight_hundred_statements_are_read_quickly() -> None:
    page = document("# Quay\n\n" + "\n\n".join(f"Quay lists berth number {n} and sends a message." for n in range(800)))
    own = rows(page)
    READER.read((page,), own[:1])
    began = time.process_time()
    READER.read((page,), own)
    assert time.process_time() - began < 3


def test_a_reader_that_scored_beforehand_reads_the_same() -> None:
    page = document(PAGE)
    given = rows(page)
    before = READER.beforehand((page,), given)
    assert np.array_equal(before.scores((page,), given), READER.scores((page,), given))
    assert before.scores((page,), given[1:3]) == pytest.approx(READER.scores((page,), given[1:3]), abs=1e-4)
    assert before.read((page,), given) == READER.read((page,), given)
    assert before.outlook((page,), given) == READER.outlook((page,), given)
    other = rows(document("# Berths\n\nIt deletes berths."))
    assert before.scores((page,), other) == pytest.approx(READER.scores((page,), other), abs=1e-4)


def test_a_setting_is_cited_beside_a_sentence_that_mentions_the_control_more_clearly() -> None:
    said = "The agent asks a person to approve, edit or cancel each plan before it runs any step of it."
    page = document(f"# Quay\n\n{said}\n\n{APPROVED}")
    own = [row.model_copy(update={"rank": 3 if row.text == APPROVED else 2}) for row in rows(page)]
    (approval,) = (one for one in READER.read((page,), own) if one.key == "approval_before")
    assert APPROVED in {quote.text for quote in approval.quotes}


def test_a_sentence_that_states_a_control_says_nothing_of_its_lack() -> None:
    assert "approval_off" not in keys(read(f"# Quay\n\n{APPROVED}"))


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ("Every outgoing message waits until a person approves it before it is sent.", {"message"}),
        (APPROVED, set()),
    ],
)
def test_an_approval_of_one_kind_of_act_names_the_act(text: str, objects: set[str]) -> None:
    slots = [slot for one in read(f"# Quay\n\n{text}") if one.key == "approval_before" for slot in one.slots]
    assert "approval_before" in keys(read(f"# Quay\n\n{text}"))
    assert {slot.value for slot in slots if slot.name == "object"} == objects
