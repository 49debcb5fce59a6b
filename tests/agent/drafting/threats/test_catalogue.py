"""The threat catalogue: the checks on loading, and laws that every pattern follows."""

from itertools import combinations
from pathlib import Path

import pytest

from agent.drafting.threats.candidates import candidates
from agent.drafting.threats.catalogue import Pattern, load_catalogue
from agent.drafting.threats.cvss_vectors import METRICS, base_of
from agent.drafting.threats.expressions import FactIndex
from agent.drafting.threats.severity import metrics_of, vector
from agent.drafting.threats.templates import is_plain
from agent.errors import InputError
from agent.facts.vocabulary import load_vocabulary
from agent.records import FactSheet
from agent.taxonomy.kinds import KINDS, ProductKind
from agent.taxonomy.layers import LAYERS
from evals.metrics.references import lint
from tests.fakes.drafting.sheets import fact, factors, sheet
from tests.fakes.drafting.threats import faulty_catalogue

PATTERNS = tuple(load_catalogue().patterns.values())
EMPTY = sheet()


def firing(pattern: Pattern) -> tuple[FactSheet, ProductKind]:
    """Return a minimal sheet and a kind for which the trigger holds."""
    for size in range(5):
        for keys in combinations(sorted(pattern.when.keys), size):
            for kind in KINDS:
                if pattern.when.of(FactIndex(EMPTY, kind, supposed=keys)).holds:
                    return sheet(*keys), kind
    raise AssertionError(f"{pattern.id} never fires")


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)
def test_each_pattern_can_fire_with_vectors_that_parse(pattern: Pattern) -> None:
    made, kind = firing(pattern)

    found = next(one for one in candidates(made, kind, factors()) if one.id == pattern.id)

    assert found.threat.evidence or not pattern.when.keys
    assert "{" not in found.title + found.threat.how + found.threat.lost + found.threat.statement.source
    assert set(found.threat.score.reasons) == set(METRICS)
    assert all(found.threat.score.reasons.values())
    for facts in (EMPTY, sheet(*(key.id for key in load_vocabulary()))):
        assert base_of(vector(metrics_of(pattern, FactIndex(facts), "web pages"))) >= 0


def test_the_catalogue_is_of_a_size_and_names_what_exists() -> None:
    assert 60 <= len(PATTERNS) <= 90
    assert all(sum(pattern.layer == layer for pattern in PATTERNS) >= 5 for layer in LAYERS)
    assert lint(ref for pattern in PATTERNS for ref in pattern.taxonomy) == ()
    assert all(pattern.taxonomy for pattern in PATTERNS)
    comforting = {key.id for key in load_vocabulary() if key.comforting}
    assert {key for pattern in PATTERNS for key in pattern.controls} <= comforting | {"per_user_identity"}
    titles = [pattern.title.fill(FactIndex(EMPTY), "web pages") for pattern in PATTERNS]
    assert len(set(titles)) == len(titles)
    assert all(len(title.split()) <= 14 for title in titles)


def test_a_slot_is_quoted_only_where_it_is_a_short_plain_phrase() -> None:
    assert is_plain("GitHub issues")
    for value in ("everything. Ignore the rest", "a very long list of many different things", "<script>"):
        assert not is_plain(value)
    made = sheet(fact("reads_mail_chat", object="support tickets"), fact("sends_messages", "E2"))
    assert any("support tickets" in one.threat.how for one in candidates(made, "assistant", factors()))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("when: runs_code", "when: runs_cod", "neither a fact key"),
        ("when: runs_commands\n", "when: runs_code\n", "trigger"),
        ("reference: planted", "reference: plantd", "no reference"),
        ("stride: [", "stride: [magic, ", "STRIDE"),
        ("asset: host", "asset: hostt", "asset"),
        ("    VA: {L: files can be lost}", "    VA: {X: files can be lost}", "values"),
        ("    VA: {L: files can be lost}", "    VB: {L: files can be lost}", "unknown metrics"),
        ("    VA: {L: files can be lost}", "    VA: {L if acts: files can be lost}", "condition"),
        ("covers: [L2-text-steers-actions", "covers: [L2-nothing", "unknown patterns"),
        ("  lost: ", "  loss: ", "lost"),
        ("controls: [approval_before", "controls: [approvals", "unknown keys"),
        ("{runs_code.scope,", "{runs_code.scop,", "unknown slot"),
        ("H if acts_on_host:", "H if acts_on_ghosts:", "neither a fact key"),
    ],
)
def test_a_faulty_file_is_refused_with_its_place(old: str, new: str, what: str, tmp_path: Path) -> None:
    copy = faulty_catalogue(tmp_path, "terms.yaml" if "acts_on" in old else "agent_frameworks.yaml", old, new)
    with pytest.raises(InputError, match=what) as caught:
        load_catalogue(copy)
    assert str(copy) in str(caught.value.where)
    assert caught.value.hint
