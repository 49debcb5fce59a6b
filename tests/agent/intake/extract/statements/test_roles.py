"""Roles of statements: the purpose of a statement, classified the same regardless of the order of requests."""

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from agent.errors import IntegrityError
from agent.intake.extract.formats.markdown import read_markdown
from agent.intake.extract.statements.roles import (
    ROLES,
    carrying,
    compares,
    discounted,
    load_roles,
    read_roles,
    set_apart,
    with_roles,
)
from agent.intake.extract.statements.split import statements
from agent.records import CARRYING, Document, SourceKind, Statement
from agent.resources import data_folder
from agent.retrieval.embed import embed
from tests.fakes.fact_sources import composed

README = """# Tidewatch

Tidewatch is an MCP server that lets an assistant read tide tables and book berths in a harbour.

## Tools

| Tool | Description |
|---|---|
| `list_tides` | Returns the tides of a harbour for a week |
| `book_berth` | Books a berth in the name of the signed-in skipper |
| `cancel_berth` | Cancels a booking and releases the berth |

## Configuration

| Variable | Description |
|---|---|
| `HARBOUR_TOKEN` | API token of the harbour office, required |
| `READ_ONLY` | Disables booking when set to `true`, default `false` |

## Security

Tokens are stored encrypted in the keychain of the operating system and never written to logs.

## Installation

Install the package with pip and restart your client:

```bash
pip install tidewatch
```

## Contributing

Fork the repository, run the tests and open a pull request.

## Changelog

- 1.2.0: fixed a bug in the week view

## License

MIT, see LICENSE.
"""


def document(text: str, kind: SourceKind = "listing", number: int = 1) -> Document:
    return composed(read_markdown(text), name="README.md", kind=kind, identity=f"D{number}")


def placed(*documents: Document) -> tuple[Statement, ...]:
    found = statements(documents)
    return with_roles(found, documents, embed([statement.text for statement in found]))


@pytest.fixture(scope="module")
def told() -> tuple[Statement, ...]:
    return placed(document(README))


@pytest.mark.parametrize(
    ("part", "carries"),
    [
        *(("lets an assistant read tide tables", True), ("Returns the tides", True), ("Books a berth", True)),
        *(("Cancels a booking", True), ("API token of the harbour office", True), ("Disables booking when set", True)),
        *(("stored encrypted in the keychain", True), ("pip install tidewatch", False)),
        *(("Fork the repository", False), ("fixed a bug", False), ("see LICENSE", False)),
    ],
)
def test_what_describes_the_product_carries_facts_and_nothing_else(
    part: str, carries: bool, told: tuple[Statement, ...]
) -> None:
    [found] = [statement for statement in told if part in statement.text]
    assert (found.role in CARRYING, found in carrying(told)) == (carries, carries)


def test_every_statement_has_a_role_and_a_reason(told: tuple[Statement, ...]) -> None:
    assert all(statement.role in ROLES and statement.reason for statement in told)


@pytest.mark.parametrize("kind", ["analyst-note", "vendor-answer"])
def test_notes_and_answers_always_carry(kind: SourceKind) -> None:
    found = placed(document("Run the installer first. See the changelog.", kind))
    assert {statement.role in CARRYING for statement in found} == {True}


def test_nothing_gives_nothing() -> None:
    assert with_roles((), (), embed([])) == ()


@settings(deadline=None, max_examples=25)
@given(st.randoms(use_true_random=False))
def test_the_order_of_statements_changes_no_role(random: Random) -> None:
    own = document(README)
    found = statements((own,))
    vectors = embed([statement.text for statement in found])
    expected = with_roles(found, (own,), vectors)
    order = list(range(len(found)))
    random.shuffle(order)
    mixed = with_roles([found[n] for n in order], (own,), vectors[order])
    assert [(s.role, s.reason) for s in mixed] == [(expected[n].role, expected[n].reason) for n in order]


def test_another_document_changes_no_role(told: tuple[Statement, ...]) -> None:
    beside = placed(document(README), document("# Log\n\nA page about something else.\n", "docs", 2))
    assert [s.role for s in beside if s.document == "D1"] == [s.role for s in told]


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=300))
def test_any_text_has_roles(text: str) -> None:
    for statement in placed(document(f"# Page\n\n{text}\n")):
        assert statement.role in ROLES


def test_sections_set_apart_are_told_by_their_headings(told: tuple[Statement, ...]) -> None:
    apart = [s.text for s, aside in zip(told, set_apart(told), strict=True) if aside]
    assert any("fixed a bug" in text for text in apart)
    assert not any("Books a berth" in text for text in apart)


RIVALS = """# Tidewatch

Tidewatch is an MCP server that books berths.

| | Tidewatch | Harbourmaster Pro | QuayBot |
|---|---|---|---|
| Approval of bookings | Asks the skipper | None by default | Runs commands unattended |
| Storage | Local files | Vendor cloud | Chat history |
"""


def test_a_table_that_compares_products_is_about_no_single_one() -> None:
    told = placed(document(RIVALS))
    rows = [each for each in told if each.block == "row"]
    assert [each.role for each in rows] == ["other-product"] * 2
    assert all("compares" in each.reason for each in rows)


@pytest.mark.parametrize(
    ("heads", "title", "compared"),
    [
        (("", "Tidewatch", "QuayBot"), "Tidewatch MCP Server", True),
        (("Tool", "Tidewatch", "Description"), "Tidewatch", False),
        (("Feature", "Tidewatch CLI", "Tidewatch Cloud"), "Tidewatch", False),
        (("Action", "Shortcut", "Description"), "Shortcut keys", False),
        (("Variable", "Default"), "Tidewatch", False),
        ((), "", False),
    ],
)
def test_columns_compare_only_if_one_is_the_product_and_another_is_not(
    heads: tuple[str, ...], title: str, compared: bool
) -> None:
    assert compares(heads, title) is compared


@given(st.lists(st.floats(0.01, 1), min_size=12, max_size=12))
def test_a_section_set_apart_only_lowers_the_odds(raw: list[float]) -> None:
    chances = np.array([raw], dtype=np.float64)
    chances /= chances.sum()
    carries = np.array([role in CARRYING for role in ROLES])
    lowered = discounted(chances, np.array([True]))
    assert lowered.sum() == pytest.approx(1)
    assert lowered[:, carries].sum() <= chances[:, carries].sum()
    assert np.allclose(discounted(chances, np.array([False])), chances)


def test_weights_of_another_fit_are_refused(tmp_path: Path) -> None:
    source = data_folder("corpus") / "knowledge" / "roles"
    constants = json.loads((source / "classifier.json").read_text("utf-8"))
    (tmp_path / "weights.npy").write_bytes((source / "weights.npy").read_bytes())
    (tmp_path / "classifier.json").write_text(json.dumps(constants | {"weights_sha256": "0" * 64}), "utf-8")
    with pytest.raises(IntegrityError):
        read_roles(tmp_path)
    assert load_roles().fingerprint == read_roles(source).fingerprint
