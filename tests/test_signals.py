"""Signals: phrases, negation, reservations, and the bundled vocabulary."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import InputError
from agent.evidence.signals import Match, Signal, Vocabulary, compile_phrase, detect, is_denied, load_signals
from agent.records import Statement

GROUPS = {
    "action", "limit", "autonomy", "change", "tools", "memory", "context", "agents", "identity", "llm", "observe",
    "deploy", "control", "data", "input", "layer",
}  # fmt: skip


def said(text: str, *, flagged: bool = False) -> Statement:
    return Statement(
        document="D1",
        start=7,
        end=7 + len(text),
        text=text,
        path=(),
        sort="description",
        rank=1,
        about="product",
        flagged=flagged,
    )


def shown(text: str) -> dict[str, tuple[Match, ...]]:
    return detect([said(text)])


def test_the_bundled_signals_are_well_formed() -> None:
    vocabulary = load_signals()
    assert {s.group for s in vocabulary.signals} == GROUPS
    for signal in vocabulary.signals:
        assert signal.patterns
        assert signal.title == signal.title.strip()
        assert signal.title[0].islower()
        assert len(signal.title.split()) > 1


@pytest.mark.parametrize(
    ("signal", "text"),
    [
        ("executes_code", "It executes shell commands on the host."),
        ("writes_files", "The agent edits files in your repository."),
        ("commits_code", "It opens pull requests on its own."),
        ("browses_web", "It can search the web and scrape pages."),
        ("sends_messages", "Sends e-mails and Slack messages."),
        ("moves_money", "It signs transactions and transfers tokens."),
        ("deletes_data", "Tools create, update and delete records."),
        ("places_calls", "It answers inbound phone calls."),
        ("read_only", "All tools are read-only."),
        ("stateless", "The server is stateless."),
        ("advises_only", "A person decides what is applied."),
        ("runs_unattended", "It works without human intervention."),
        ("plans_tasks", "It breaks a goal into subtasks."),
        ("self_improves", "It learns from feedback over time."),
        ("installs_extensions", "Plugins can be installed at run time."),
        ("tool_choice_dynamic", "The model chooses which tools to call."),
        ("long_term_memory", "It remembers facts across sessions."),
        ("multi_agent", "Several agents collaborate on a task."),
        ("user_oauth", "Users sign in with OAuth."),
        ("api_key", "It needs GITHUB_TOKEN to start."),
        ("acts_as_user", "It acts on the user's behalf."),
        ("no_llm", "The server contains no LLM of its own."),
        ("asks_approval", "Every change requires approval."),
        ("many_tools", "It ships 45 tools."),
        ("stdio_transport", "It speaks over stdio."),
        ("explains_itself", "Answers come with citations."),
        ("varied_output", "Ask again for variations."),
    ],
)
def test_bundled_signals_show(signal: str, text: str) -> None:
    found = shown(text)
    assert signal in found, sorted(found)
    assert not found[signal][0].denied


@pytest.mark.parametrize(
    ("signal", "one", "other"),
    [
        ("sandbox", "Calls run in stateless, isolated containers.", "Calls run in isolated, stateless containers."),
        ("stores_history", "Saved recordings are checked.", "Recordings that are saved are checked."),
        ("kept_where", "Drafts are kept in a folder.", "A folder in the workspace, `out`, holds the drafts."),
        ("data_named", "Reports contain the totals.", "The totals are contained in the reports."),
        ("data_named", "Answers include a hint.", "A hint is included in what the tools answer."),
        ("run_record", "Results contain error types.", "Types of error are contained in the results."),
        ("llm_kind", "It runs open and commercial models.", "Many models, commercial as well as open, can be used."),
        ("evals_tests", "A testing agent for web shops.", "An agent for testing web shops."),
    ],
)
def test_a_fact_shows_whichever_way_round_it_is_told(signal: str, one: str, other: str) -> None:
    for text in (one, other):
        assert not shown(text)[signal][0].denied


@pytest.mark.parametrize(
    ("signal", "text"),
    [
        ("stores_history", "It does not store conversations."),
        ("long_term_memory", "There is no long-term memory."),
        ("writes_files", "It answers without writing files."),
        ("executes_code", "It never executes code."),
        ("sends_messages", "The assistant cannot send emails."),
        ("browses_web", "It uses a local index instead of searching the web."),
        ("deletes_data", "Deleting records is not supported and delete tools are unavailable."),
        ("multi_agent", "Multi-agent setups are not supported."),
    ],
)
def test_denials(signal: str, text: str) -> None:
    found = shown(text)
    assert any(m.denied for m in found[signal]), found


@pytest.mark.parametrize(
    ("signal", "text"),
    [
        ("executes_code", "It not only executes code but also tests it."),
        ("writes_files", "You do not have to ask, it writes files by itself."),
        ("browses_web", "No setup is needed, and it searches the web."),
        ("sends_messages", "It does not wait; it sends emails."),
        ("runs_unattended", "It runs without human intervention."),
        ("commits_code", "No code is needed, but it opens pull requests."),
    ],
)
def test_negations_that_do_not_reach(signal: str, text: str) -> None:
    assert not shown(text)[signal][0].denied


@pytest.mark.parametrize(
    "text",
    ["Web search is coming soon.", "Optional web search.", "Web search is off by default.", "Web search is planned."],
)
def test_reservations(text: str) -> None:
    assert shown(text)["browses_web"][0].hedged


def test_a_fact_is_not_hedged() -> None:
    assert not shown("It searches the web.")["browses_web"][0].hedged


def test_places_are_offsets_into_the_document() -> None:
    text = "Now it executes shell commands."
    (match,) = shown(text)["executes_code"]
    assert text[match.start - 7 : match.end - 7].startswith("executes shell")
    assert match.statement == 0
    assert match.document == "D1"


def test_flagged_statements_are_not_read() -> None:
    assert detect([said("It executes shell commands.", flagged=True)]) == {}


@pytest.mark.parametrize(
    ("phrase", "text", "hit"),
    [
        ("run ~ code", "run the generated Python code", True),
        ("run ~ code", "run. Then read code", False),
        ("pull request*", "pull-requests", True),
        ("the? web", "web", True),
        ("the? web", "the web", True),
        ("(a2a|agent card*)", "agent cards", True),
        ("# tools", "45 tools", True),
        ("user's key", "the user’s key", True),
        ("run", "rerun", False),
        ("run", "RUN", True),
    ],
)
def test_phrases(phrase: str, text: str, hit: bool) -> None:
    vocabulary = Vocabulary([Signal("x", "is an x", "action", (phrase,), ())])
    assert bool(vocabulary.search(text)) == hit


@pytest.mark.parametrize("phrase", ["(a|b", "a) b", "to*", "run ~", "the?", "run *"])
def test_bad_phrases_are_refused(phrase: str) -> None:
    with pytest.raises(InputError):
        compile_phrase(phrase)


def test_excluded_phrases_bar_a_match() -> None:
    vocabulary = Vocabulary([Signal("x", "is an x", "action", ("logs",), ("change logs",))])
    assert vocabulary.search("change logs") == []
    assert vocabulary.search("keeps logs") == [(0, 6, 10)]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["it", "runs", "not", "without", "code", "no", "the", "web", "search", "and", ",", ".", "never", "store"]
        ),
        max_size=40,
    )
)
def test_detection_is_a_function_of_the_sentence(words: list[str]) -> None:
    text = " ".join(words).strip() or "x"
    alone = shown(text)
    beside = detect([said("It executes code."), said(text)])
    for signal, matches in alone.items():
        assert tuple(m._replace(statement=1) for m in matches) == tuple(m for m in beside[signal] if m.statement == 1)


def test_long_sentences_do_not_hang() -> None:
    started = time.perf_counter()
    shown("it runs the not without a " * 400)
    shown("run " * 4000)
    assert time.perf_counter() - started < 5


def test_is_denied_looks_at_its_clause_only() -> None:
    text = "It has no interface, and it runs code"
    assert not is_denied(text, text.index("runs"), len(text))


@pytest.mark.parametrize(
    ("signal", "text"),
    [
        ("reads_files", "Tool handlers open no local files and start no shell."),
        ("reads_files", "The server reads no local files and writes nothing."),
        ("places_orders", "None of those described places orders."),
        ("deletes_data", "The policy forbids recursive deletion and deleting files outside the project."),
        ("sends_messages", "Sending emails stays with the user."),
    ],
)
def test_a_negated_object_or_another_doer_denies(signal: str, text: str) -> None:
    assert all(m.denied for m in shown(text)[signal])


@pytest.mark.parametrize(
    ("signal", "text"),
    [
        ("fixed_workflow", "Four authentication methods checked in a fixed order."),
        ("public_data", "Open source, MIT"),
        ("writes_records", "Audit Logs for recording security-relevant events."),
        ("stores_history", "Audit Logs for recording security-relevant events."),
        ("changes_access", "Check deliverability and manage a Mailgun account."),
        ("long_term_memory", "The index is held in memory and rebuilt at start."),
        ("long_term_memory", "Time, memory and call counts are capped."),
        ("wallet_keys", "Device authorization or private key JWT sign-in."),
        ("moves_money", "Everything executes within a read-only transaction."),
        ("moves_money", "Clients may send a service token instead."),
        ("moves_money", "Users pay for their own key."),
        ("untrusted_repo", "It guides a coding agent through a review."),
        ("untrusted_mail", "Accounts use an email and a password."),
        ("generates_code", "Skill for coding agents that answers questions."),
        ("executes_code", "It reports suspicious calls such as command execution."),
        ("secrets_in_env", "The get_template tool returns the file."),
        ("biometric_data", "Weights are loaded from Hugging Face."),
        ("public_api", "The Exa API usage is billed by Exa."),
        ("http_endpoint", "It reads remote MCP servers over HTTP."),
    ],
)
def test_words_that_show_something_else(signal: str, text: str) -> None:
    assert signal not in shown(text)


@pytest.mark.parametrize(
    ("signal", "text"),
    [
        ("executes_code", "Works with code execution and terminals."),
        ("deploys", "Guidance for deploying apps to production."),
        ("multi_agent", "Rules for tracing multi-agent systems."),
    ],
)
def test_what_another_product_does_is_a_possibility_only(signal: str, text: str) -> None:
    assert all(m.hedged for m in shown(text)[signal])


def test_a_bare_name_among_integrations_is_a_possibility_only() -> None:
    listed = said("Playwright").model_copy(update={"path": ("Quill", "Integrations")})
    assert detect([listed])["drives_interface"][0].hedged
    assert not detect([said("Playwright")])["drives_interface"][0].hedged


def test_a_change_left_to_a_person_is_advice() -> None:
    found = shown("Changes to a production identity provider stay with the developer.")
    assert not found["advises_only"][0].denied
    assert "writes_records" not in found


def test_a_phrase_with_its_own_negation_is_not_denied_by_another() -> None:
    assert not shown("The server needs no login, keeps no state between calls.")["stateless"][0].denied


def test_titles_follow_because_it() -> None:
    for signal in load_signals().signals:
        first = signal.title.removeprefix("only ").split()[0]
        assert first.endswith("s") or first == "can", signal.title
