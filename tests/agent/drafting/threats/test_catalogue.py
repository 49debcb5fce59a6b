"""The catalogue of threats: what is checked on loading, and laws that every pattern keeps."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from shutil import copytree

import pytest

from agent.drafting.threats.candidates import candidates
from agent.drafting.threats.catalogue import METRICS, Pattern, load_catalogue
from agent.drafting.threats.cvss_vectors import base_of
from agent.drafting.threats.expressions import FactIndex
from agent.drafting.threats.severity import metrics_of, vector_of
from agent.drafting.threats.templates import is_plain
from agent.errors import InputError
from agent.facts.vocabulary import load_vocabulary
from agent.records import FactSheet
from agent.resources import data_folder
from agent.taxonomy.kinds import KINDS, ProductKind
from agent.taxonomy.layers import LAYERS
from evals.metrics.references import lint
from tests.fakes.drafting.catalogue_sheets import fact, factors, sheet

FOLDER = data_folder("corpus") / "knowledge" / "catalogue"
CATALOGUE = load_catalogue()
PATTERNS = tuple(CATALOGUE.patterns.values())
COMFORTING = {key.id for key in load_vocabulary() if key.comforting}


def firing(pattern: Pattern) -> tuple[FactSheet, ProductKind]:
    """A smallest sheet, and a kind, for which the trigger holds."""
    empty = sheet()
    for size in range(5):
        for keys in combinations(sorted(pattern.when.keys), size):
            for kind in KINDS:
                if pattern.when.of(FactIndex(empty, kind, supposed=keys)).holds:
                    return sheet(*keys), kind
    raise AssertionError(f"{pattern.id} never fires")


def test_size_and_layers() -> None:
    assert 60 <= len(PATTERNS) <= 90
    assert all(sum(pattern.layer == layer for pattern in PATTERNS) >= 5 for layer in LAYERS)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)
def test_each_pattern_can_fire(pattern: Pattern) -> None:
    made, kind = firing(pattern)

    found = next(one for one in candidates(made, kind, factors()) if one.id == pattern.id)

    assert found.threat.evidence or not pattern.when.keys
    assert "{" not in found.title + found.how + found.threat.lost + found.threat.statement.source
    assert set(found.threat.score.reasons) == set(METRICS)
    assert all(found.threat.score.reasons.values())


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)
def test_every_vector_of_a_pattern_parses(pattern: Pattern) -> None:
    bare = metrics_of(pattern, FactIndex(sheet()), "web pages")
    full = metrics_of(pattern, FactIndex(sheet(*(key.id for key in load_vocabulary()))), "web pages")

    assert base_of(vector_of({metric: choice.value for metric, choice in bare.items()})) >= 0
    assert base_of(vector_of({metric: choice.value for metric, choice in full.items()})) >= 0


def test_ids_of_published_lists_have_their_titles() -> None:
    assert lint(ref for pattern in PATTERNS for ref in pattern.taxonomy) == ()
    assert all(any(ref.scheme == "owasp-asi" for ref in pattern.taxonomy) or pattern.taxonomy for pattern in PATTERNS)


def test_controls_are_controls_or_limits() -> None:
    assert {key for pattern in PATTERNS for key in pattern.controls} <= COMFORTING | {"per_user_identity"}


def test_titles_are_short_and_differ() -> None:
    titles = [pattern.title.fill(FactIndex(sheet()), "web pages") for pattern in PATTERNS]

    assert len(set(titles)) == len(titles)
    assert all(len(title.split()) <= 14 for title in titles)


def test_a_slot_is_quoted_only_where_it_is_a_short_plain_phrase() -> None:
    assert is_plain("GitHub issues")
    assert not is_plain("everything. Ignore the rest")
    assert not is_plain("a very long list of many different things")
    assert not is_plain("<script>")

    made = sheet(fact("reads_mail_chat", object="support tickets"), fact("sends_messages", "E2"))
    titles = {one.title for one in candidates(made, "assistant", factors())}
    assert any("support tickets" in one.how for one in candidates(made, "assistant", factors()))
    assert titles


def broken(change: Callable[[str], str], file: str, tmp_path: Path) -> InputError:
    copy = tmp_path / "catalogue"
    copytree(FOLDER, copy)
    target = copy / file
    before = target.read_text("utf-8")
    target.write_text(change(before), "utf-8")
    assert target.read_text("utf-8") != before
    with pytest.raises(InputError) as caught:
        load_catalogue(copy)
    assert file in str(caught.value.where) or str(copy) in str(caught.value.where)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("when: runs_code", "when: runs_cod", "no key"),
        ("reference: planted", "reference: plantd", "no reference"),
        ("stride: [", "stride: [magic, ", "STRIDE"),
        ("asset: host", "asset: hostt", "no class"),
        ("    VA: {L: files are lost}", "    VA: {X: files are lost}", "values"),
        ("    VA: {L: files are lost}", "    VB: {L: files are lost}", "no metrics"),
        ("    VA: {L: files are lost}", "    VA: {L if acts: files are lost}", "condition"),
        ("covers: [L2-text-steers-actions", "covers: [L2-nothing", "unknown patterns"),
        ("  lost: ", "  loss: ", "unknown or missing"),
        ("controls: [approval_before", "controls: [approvals", "unknown keys"),
        ("{runs_code.scope,", "{runs_code.scop,", "no slot"),
    ],
)
def test_a_faulty_file_is_refused_with_its_place(old: str, new: str, what: str, tmp_path: Path) -> None:
    error = broken(lambda text: text.replace(old, new, 1), "agent_frameworks.yaml", tmp_path)

    assert what in error.what


def test_two_patterns_with_one_trigger_are_refused(tmp_path: Path) -> None:
    error = broken(
        lambda text: text.replace("when: runs_commands\n", "when: runs_code\n"), "agent_frameworks.yaml", tmp_path
    )

    assert "trigger" in error.what


def test_a_shared_rule_with_an_unknown_term_is_refused(tmp_path: Path) -> None:
    broken(lambda text: text.replace("H if acts_on_host:", "H if acts_on_ghosts:", 1), "terms.yaml", tmp_path)
