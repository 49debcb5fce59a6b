"""The system picture: capabilities with their nouns, whose rights they use, parts, boundaries, the diagram."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.drafting_old.actions import load_actions
from agent.drafting_old.authority import find_approvals, find_credentials
from agent.drafting_old.capabilities import MAX_CAPABILITIES
from agent.drafting_old.gazetteer import load_gazetteer
from agent.drafting_old.inflection import NOUN_LIKE, plural, singular, third_person
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.system import assumptions, extract, product_name, subject_kind, vendor
from agent.evidence.anchor import verify
from agent.evidence.reading import Reading
from agent.evidence.signals import detect, load_signals
from agent.evidence.statements import statements
from agent.export.mermaid import MAX_NODES, label, mermaid
from agent.records import About, Boundary, Capability, Document, Flow, Section, System, SystemItem
from agent.resources import data_folder
from evals.corpus import load_cases
from evals.documents import documents_of


def document(text: str, key: str = "D1", about: About = "product") -> Document:
    """A page whose lines that begin with `# ` are headings."""
    sections: list[Section] = []
    path: tuple[str, ...] = ()
    start = at = 0
    lines = text.splitlines(keepends=True)
    for line in lines:
        if line.startswith("# ") and at > start:
            sections.append(Section(start=start, end=at, path=path, about=about))
            start = at
        if line.startswith("# "):
            path = (line[2:].strip(),)
        at += len(line)
    sections.append(Section(start=start, end=at, path=path, about=about))
    return Document(
        id=key,
        sha256="0" * 64,
        url=f"{key}.md",
        title="Clerk",
        kind="listing",
        media_type="text/markdown",
        fetched_at="2026-11-01T00:00:00Z",
        text=text,
        sections=tuple(sections),
    )


def read(*documents: Document) -> Reading:
    found = statements(documents)
    vectors = np.zeros((len(found), 256), np.float32)
    return Reading(documents=documents, statements=found, vectors=vectors, signals=detect(found), hits={})


def picture(text: str, about: About = "product") -> tuple[System, Ledger, Reading]:
    reading = read(document(text, about=about))
    ledger = Ledger(reading.documents, reading.statements)
    return extract(reading, ledger), ledger, reading


def told(system: System) -> list[tuple[str, str, str]]:
    return [(c.signal, c.action, c.object) for c in system.capabilities]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The assistant reads, searches and sends mail.", ("sends_messages", "sends", "mail")),
        ("It opens pull requests once the tests pass.", ("commits_code", "opens", "pull requests")),
        ("Pull requests can be merged by the agent.", ("commits_code", "merges", "pull requests")),
        ("Clerk runs shell commands in the project folder.", ("executes_code", "runs", "shell commands")),
        ("Token transfers with a supplied key", ("moves_money", "transfers", "tokens")),
        ("Batch scraping of many URLs", ("browses_web", "scrapes", "URLs")),
        ("It lets an assistant delete calendar events.", ("deletes_data", "deletes", "calendar events")),
        ("The tools are update_cells and share_spreadsheet.", ("writes_records", "updates", "cells")),
        ("Another tool is share_spreadsheet here.", ("shares_data", "shares", "spreadsheets")),
        ("Inbound and outbound phone calls", ("places_calls", "handles", "phone calls")),
        ("The agent clones a voice from a short sample.", ("imitates_people", "clones", "a voice")),
        ("Documents can be uploaded to give it the facts.", ("uploads_files", "takes in", "documents")),
        ("Its tools query the Clerk APIs.", ("reads_private_data", "queries", "the Clerk APIs")),
        ("It answers and proposes integration code.", ("generates_code", "proposes", "integration code")),
        ("It creates, updates and deletes Jira issues.", ("deletes_data", "deletes", "Jira issues")),
        ("The agent queries the team's own observability tools and resets user passwords.", None),
    ],
)
def test_a_sentence_gives_its_verb_and_object(text: str, expected: tuple[str, str, str] | None) -> None:
    system, _, _ = picture(text)
    if expected is None:
        assert ("changes_access", "resets", "user passwords") in told(system)
    else:
        assert expected in told(system)


@pytest.mark.parametrize(
    "text",
    [
        "Users write prompts and delete files on their own computers.",
        "The company sends newsletters to developers.",
        "The readme describes how the authors deleted records.",
        "On start-up it reads a bundled copy and builds each tool's input schema.",
        "The company publishes skills that teach assistants how to delete records.",
        "Teams that build assistants create records in the console.",
        "The project is written in Go.",
        "It works with specialist agents which share a mailbox.",
        "It returns an exit code and an error message.",
        "Nothing is said about sharing files or deleting data.",
    ],
)
def test_what_others_do_is_no_capability(text: str) -> None:
    system, _, _ = picture(text)
    assert [c for c in system.capabilities if c.state in ("claimed", "contradicted")] == []


def test_a_no_in_front_of_the_object_denies() -> None:
    system, _, _ = picture("The server deletes no records.")
    assert [(c.action, c.state) for c in system.capabilities] == [("deletes", "denied")]


def test_functions_of_a_framework_are_no_tools_of_an_agent() -> None:
    text = "It offers `delete_records` and `create_issue`."
    assert told(picture("Clerk is an MCP server for issues. " + text)[0])
    framework, _, _ = picture("Clerk is a Python framework for building agents. " + text)
    assert [c.signal for c in framework.capabilities] == ["orchestrates_agents"]


def test_a_denied_action_is_said_to_be_denied() -> None:
    system, _, _ = picture("Clerk reads tickets. Clerk does not delete customer records.")
    states = {c.signal: c.state for c in system.capabilities}
    assert states["deletes_data"] == "denied"
    assert states["reads_private_data"] == "claimed"


def test_quotes_that_disagree_are_contradicted() -> None:
    system, _, _ = picture("Clerk deletes old files. By default Clerk never deletes files.")
    item = next(c for c in system.capabilities if c.signal == "deletes_data")
    assert item.state == "contradicted"
    assert len(item.evidence) > 1


def test_only_sentences_about_the_product_count() -> None:
    system, ledger, _ = picture("The platform sends invoices and deletes files.", about="platform")
    assert system.capabilities == ()
    assert ledger.evidence() == ()


def test_a_condition_is_kept() -> None:
    system, _, _ = picture("When enabled, the server deletes documents.")
    assert next(c for c in system.capabilities if c.signal == "deletes_data").condition == "only when enabled"


# ---------------------------------------------------------------- whose rights


def test_the_caller_s_key_is_named() -> None:
    system, _, _ = picture("The server posts messages to Slack. Each request carries the caller's API key in a header.")
    item = next(c for c in system.capabilities if c.signal == "sends_messages")
    assert item.credential == "the caller's API key, in a request header"
    assert item.credential_state == "inferred"
    assert item.credential_evidence


def test_a_key_of_the_llm_is_no_credential_of_an_action() -> None:
    system, _, _ = picture("Clerk updates tickets. It works with one OpenAI API key.")
    assert all(c.credential is None for c in system.capabilities)


def test_who_approves_is_taken_from_the_sentence_about_the_action() -> None:
    text = "The agent sends mail and updates records. Before sending mail the merchant must approve it."
    system, _, _ = picture(text)
    approvers = {c.signal: c.approver for c in system.capabilities}
    assert approvers["sends_messages"] == "the merchant"
    assert approvers["writes_records"] is None


def test_an_approval_of_everything_covers_all_that_changes_something() -> None:
    system, _, _ = picture("The agent deletes files and reads mail. Every action requires approval by the user.")
    approvers = {c.signal: (c.approver, c.approver_state) for c in system.capabilities}
    assert approvers["deletes_data"] == ("the user", "claimed")
    assert approvers["reads_private_data"] == (None, None)


def test_that_nobody_is_asked_is_said() -> None:
    system, _, _ = picture(
        "Clerk deletes files. The server does not ask anyone to confirm a write or any other action."
    )
    item = next(c for c in system.capabilities if c.signal == "deletes_data")
    assert (item.approver, item.approver_state) == (None, "denied")
    assert item.approver_evidence


def test_an_approval_that_depends_on_a_setting_says_so() -> None:
    reading = read(document("Tools may be configured so that the user must approve every tool call."))
    assert not find_approvals(reading)[0].sure


def test_a_medical_approval_is_none_of_an_action() -> None:
    assert find_approvals(read(document("Prior authorization and FDA approval are drafted by the tool."))) == ()


def test_that_no_key_is_needed_is_a_denial() -> None:
    found = find_credentials(read(document("It works without an API key for light use.")))
    assert [c.denied for c in found] == [True]


# ---------------------------------------------------------------- parts and boundaries

LISTING = """Clerk is an MCP server for support teams.
Clerk reads customer mail and creates tickets in Jira. It keeps conversation history in PostgreSQL.
# Integrations
- Jira
- Acme Desk
- Claude Desktop
- Cursor
# Running
The client starts the server locally with npx over stdio.
"""


def test_parts_come_from_names_and_lists() -> None:
    system, _, _ = picture(LISTING)
    assert system.components[0].name == "Clerk"
    assert {s.name for s in system.services} == {"Claude Desktop and Cursor", "Jira", "Acme Desk"}
    assert {s.name for s in system.stores} == {"PostgreSQL", "conversation history"}
    assert any(a.name == "support team" for a in system.actors)


def test_a_flow_takes_the_words_of_the_action_that_it_carries() -> None:
    system, _, _ = picture(LISTING)
    jira = next(s.id for s in system.services if s.name == "Jira")
    flow = next(f for f in system.flows if f.target == jira)
    assert flow.what == "creates tickets"
    assert flow.evidence


def test_what_is_assumed_has_no_evidence_and_is_said() -> None:
    system, _, reading = picture(LISTING)
    llm = next(c for c in system.components if c.kind == "llm")
    assert (llm.name, llm.state, llm.evidence) == ("LLM of the calling client", "inferred", ())
    sentences = assumptions(system, reading)
    assert any("the one of the calling client" in s for s in sentences)
    assert any("creates tickets" in s for s in sentences)


def test_the_place_where_it_runs_is_quoted() -> None:
    system, ledger, _ = picture(LISTING)
    assert system.boundaries[0].name == "the user's machine"
    assert "stdio" in ledger.quote(system.boundaries[0].evidence[0])


def test_an_empty_page_gives_a_picture_of_assumptions_only() -> None:
    system, ledger, reading = picture("Hello.\n")
    assert system.capabilities == ()
    assert {a.state for a in system.actors} == {"inferred"}
    assert len(ledger.evidence()) <= 1
    assert assumptions(system, reading)


def test_name_vendor_and_subject() -> None:
    reading = read(document("Clerk is a compact MCP server by Bytebase that lets assistants query databases."))
    assert product_name(reading.documents) == "Clerk"
    assert vendor(reading) == "Bytebase"
    assert subject_kind(reading) == "MCP server"


def test_a_sentence_about_another_company_names_no_vendor() -> None:
    assert vendor(read(document("Clerk sends text to models. It has many users."))) is None


# ---------------------------------------------------------------- the corpus


@pytest.mark.slow
def test_the_corpus_reads_well() -> None:
    for case in load_cases(data_folder("corpus") / "cases")[::9]:
        reading = read(*documents_of(case))
        ledger = Ledger(reading.documents, reading.statements)
        system = extract(reading, ledger)
        items = (*system.actors, *system.components, *system.stores, *system.services)
        ids = [i.id for i in items] + [b.id for b in system.boundaries] + [c.id for c in system.capabilities]
        assert len(set(ids)) == len(ids)
        known = {e.id for e in ledger.evidence()}
        for entry in ledger.evidence():
            verify(entry, reading.document(entry.document))
        assert len([c for c in system.capabilities if c.state != "denied"]) <= MAX_CAPABILITIES
        assert {f.source for f in system.flows} | {f.target for f in system.flows} <= {i.id for i in items}
        assert len({(c.signal, c.action, c.object) for c in system.capabilities}) == len(system.capabilities)
        for capability in system.capabilities:
            _check(capability, known)
        again = Ledger(reading.documents, reading.statements)
        assert extract(reading, again) == system
        assert again.evidence() == ledger.evidence()


def _check(capability: Capability, known: set[str]) -> None:
    assert capability.evidence
    assert {*capability.evidence, *capability.credential_evidence, *capability.approver_evidence} <= known
    assert len(capability.object) <= 60
    assert capability.signal in load_actions().weight
    last = capability.object.lower().split()[-1]
    assert last not in {"and", "or", "of", "the", "a", "an", "to", "with", "its", "that", "which", "is", "are"}


# ---------------------------------------------------------------- the diagram


def item(key: str, name: str, quoted: bool = True) -> SystemItem:
    return SystemItem(id=key, name=name, kind="service", state="claimed", evidence=("E1",) if quoted else ())


def drawn(services: tuple[SystemItem, ...], flows: tuple[Flow, ...] = (), boundary: str = "outside") -> str:
    product = SystemItem(id="P1", name="Clerk", kind="product", state="claimed", evidence=("E1",))
    edge = Boundary(id="B1", name=boundary, members=tuple(s.id for s in services), state="inferred", evidence=())
    return mermaid(
        System(
            actors=(),
            components=(product,),
            stores=(),
            services=services,
            flows=flows,
            boundaries=(edge,),
            capabilities=(),
        )
    )


def test_solid_has_a_quote_and_dashed_has_none() -> None:
    flows = (
        Flow(source="P1", target="X1", what="sends mail", state="claimed", evidence=("E1",)),
        Flow(source="P1", target="X2", what="calls", state="inferred", evidence=()),
    )
    text = drawn((item("X1", "Gmail"), item("X2", "Host", quoted=False)), flows)
    assert '  n_P1 -->|"sends mail"| n_X1' in text
    assert '  n_P1 -.->|"calls"| n_X2' in text
    assert "  class n_X2,b_n_B1 assumed" in text


def test_at_most_25_nodes_and_the_product_stays() -> None:
    text = drawn(tuple(item(f"X{n}", f"Service {n}") for n in range(40)))
    nodes = re.findall(r"^\s+n_\w+[(\[]", text, re.MULTILINE)
    assert len(nodes) == MAX_NODES
    assert 'n_P1["Clerk"]' in text


@given(st.text(max_size=120))
@settings(max_examples=300)
def test_no_label_leaves_its_quotes(text: str) -> None:
    safe = label(text)
    assert re.fullmatch(r"(?:[\w .,:+*=@%'’–—…-]|#\d+;)+", safe)
    lines = drawn((item("X1", text),), boundary=text).splitlines()
    assert len(lines) == len(drawn((item("X1", "Gmail"),)).splitlines())
    assert not any(line.strip().startswith(("click", "style", "%%", "linkStyle")) for line in lines)


def test_ids_are_no_keywords() -> None:
    assert "n_end" in drawn((item("end", "x y"),))


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("lemma", "form"), [("send", "sends"), ("push", "pushes"), ("reply", "replies"), ("look-up", "looks up")]
)
def test_third_person(lemma: str, form: str) -> None:
    assert third_person(lemma) == form


@pytest.mark.parametrize(
    ("one", "many"), [("file", "files"), ("reply", "replies"), ("patch", "patches"), ("code", "code")]
)
def test_plural_and_back(one: str, many: str) -> None:
    assert plural(one) == many
    assert singular(many) == one


def test_every_signal_of_an_action_is_a_known_signal() -> None:
    actions = load_actions()
    used = {pair.signal for pair in actions.pairs} | set(actions.fallback) | set(actions.weight)
    assert used <= set(load_signals().by_id)


def test_common_words_are_names_only_in_context() -> None:
    gazetteer = load_gazetteer()
    assert gazetteer.find_names("Linear growth is expected.") == []
    assert [n.name for n in gazetteer.find_names("It files issues in Linear.")] == ["Linear"]
    assert [n.name for n in gazetteer.find_names("Linear", listed=True)] == ["Linear"]


def test_a_clause_that_ends_with_its_verb_is_read() -> None:
    listing = "Acme is an agent for teams that reads mail and sends replies every day for everybody."
    ends = [f"{lead} {verb}" for verb in sorted(NOUN_LIKE) for lead in ("It has tools that", "Jobs which", "They")]
    system, _, _ = picture("\n\n".join([f"# Acme\n\n{listing}", *ends]))
    assert system.components
