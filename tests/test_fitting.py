"""What fills a slot where it stands, and what only has the right form."""

import pytest

from agent.drafting_old.fitting import fits, is_object, opens, power


def fit(slot: str, value: str, text: str) -> bool:
    start = text.index(value.removeprefix("the "))
    return fits(slot, value, text, start, start + len(value.removeprefix("the ")))


@pytest.mark.parametrize(
    "text",
    ["Its answers stay below about 1,400 tokens.", "It lists tokens usage a day.", "It keeps to fewer tokens."],
)
def test_counted_tokens_are_no_secret(text: str) -> None:
    assert not fit("credential", "tokens", text)


def test_a_token_that_opens_something_is_a_secret() -> None:
    assert fit("credential", "the token", "It reads the token from the environment.")


def test_what_is_exported_is_no_input() -> None:
    assert not fit("input", "PDFs", "It exports plans and notes as PDFs.")
    assert fit("input", "PDFs", "It reads uploaded PDFs.")


@pytest.mark.parametrize(
    ("value", "text", "fitting"),
    [
        ("patient records", "It keeps patient records.", True),
        ("documents", "It indexes the documents of your team.", True),
        ("documents", "It searches documents.", False),
        ("studies", "It summarises studies from public archives for users.", False),
    ],
)
def test_data_is_private(value: str, text: str, fitting: bool) -> None:
    assert fit("data", value, text) is fitting


def test_settings_and_callers_are_no_objects() -> None:
    assert is_object("issues")
    assert not is_object("other settings")
    assert not is_object("callers")


def test_tools_rank_by_what_they_do() -> None:
    names = ["list_tables", "widget", "create_issue", "drop_table", "run_query"]
    assert sorted(names, key=power) == ["run_query", "drop_table", "create_issue", "widget", "list_tables"]


def test_a_service_is_opened_and_is_no_client() -> None:
    assert opens("Jira", "It creates issues in Jira with an API token.")
    assert not opens("Jira", "Jira is well known.")
    assert not opens("Acme CLI", "Acme CLI signs in with a token.")
    assert not opens("Acme", "Works with other clients such as Acme, which read its tools.")
