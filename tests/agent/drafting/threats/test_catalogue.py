"""The threat catalogue: the checks on loading, and laws that every pattern follows."""

from itertools import combinations
from pathlib import Path
from shutil import copytree

import pytest

from agent.drafting.threats.candidates import candidates, recurring
from agent.drafting.threats.catalogue import Pattern, load_catalogue
from agent.drafting.threats.cvss_vectors import METRICS, base_of
from agent.drafting.threats.expressions import FactIndex
from agent.drafting.threats.severity import metrics_of, vector
from agent.drafting.threats.templates import is_plain
from agent.errors import InputError
from agent.facts.vocabulary import load_vocabulary
from agent.records import FactSheet, Outlook
from agent.resources import data_folder
from agent.taxonomy.kinds import KINDS, ProductKind
from agent.taxonomy.layers import LAYERS
from evals.metrics.references import lint
from tests.fakes.drafting.sheets import fact, factors, sheet

CATALOGUE = load_catalogue()
EMPTY, ALL = sheet(), sheet(*(key.id for key in load_vocabulary()))


def firing(pattern: Pattern) -> tuple[FactSheet, ProductKind]:
    """Return a minimal sheet of a product of a known kind for which the trigger holds, and the kind."""
    for size in range(5):
        for keys in combinations(sorted(pattern.when.keys), size):
            for kind in KINDS:
                if pattern.when.of(FactIndex(EMPTY, kind, supposed=keys)).holds:
                    return sheet(*keys, outlook=Outlook(kinds={kind: 0.9})), kind
    raise AssertionError(f"{pattern.id} never fires")


@pytest.mark.parametrize("pattern", CATALOGUE.every.values(), ids=lambda pattern: pattern.id)
def test_each_pattern_can_fire_with_vectors_that_parse(pattern: Pattern) -> None:
    made, kind = firing(pattern)
    recurs = pattern.id in CATALOGUE.recurring
    fired = (recurring if recurs else candidates)(made, kind, factors())
    found = next(one for one in fired if one.id == pattern.id)
    threat = found.threat
    if recurs:
        # As an assumption, or with a setting.
        assert threat.basis == ("needs a setting" if pattern.setting else "assumed")
        assert threat.state != "claimed"
        assert threat.default_use is (pattern.setting is None)
    assert recurs or threat.evidence or not pattern.when.keys
    assert "{" not in found.title + threat.how + threat.lost + threat.statement.source
    assert set(threat.score.reasons) == set(METRICS)
    assert all(threat.score.reasons.values())
    for facts in (EMPTY, ALL):
        assert base_of(vector(metrics_of(pattern, FactIndex(facts, kind), "web pages"))) >= (4 if recurs else 0)


def test_the_catalogue_is_of_a_size_and_names_what_exists() -> None:
    layers = [pattern.layer for pattern in CATALOGUE.patterns.values()]
    assert 60 <= len(layers) <= 90
    assert all(layers.count(layer) >= 5 for layer in LAYERS)
    assert lint(ref for pattern in CATALOGUE.every.values() for ref in pattern.taxonomy) == ()
    titles = {id_: one.title.fill(FactIndex(EMPTY), "web pages") for id_, one in CATALOGUE.every.items()}
    assert len(set(titles.values())) == len(titles)
    comforting = {key.id for key in load_vocabulary() if key.comforting}
    for id_, pattern in CATALOGUE.every.items():
        recurs = id_ in CATALOGUE.recurring
        assert pattern.taxonomy
        assert id_.startswith("R-") is recurs
        assert pattern.controls or not recurs
        assert set(pattern.controls) <= (comforting if recurs else comforting | {"per_user_identity"})
        assert len((pattern.title.plain if recurs else titles[id_]).split()) <= (16 if recurs else 14)


def test_a_slot_is_quoted_only_where_it_is_a_short_plain_phrase() -> None:
    assert is_plain("GitHub issues")
    for value in ("everything. Ignore the rest", "a very long list of many different things", "<script>"):
        assert not is_plain(value)
    made = sheet(fact("reads_mail_chat", object="support tickets"), fact("sends_messages", "E2"))
    assert any("support tickets" in one.threat.how for one in candidates(made, "assistant", factors()))


MEDIA, LOST = "  media: [L1-harmful-media]", "    VA: {L: files can be lost}"
IN_PRIORITIES = (
    (MEDIA, "  media: [L1-harmless-media]", "unknown patterns"),
    (MEDIA, f"{MEDIA}\n  unused: [L6-role-mixup]", "no kind of product lists"),
    ("R-gateway-breach]", "L6-role-mixup]", "no kind of product lists"),
    ("    when: not kind(mcp-server)", "    when: not kind(mcp-serve)", "unknown kind of product"),
    ("      VI: {H: its next steps", "      VI: {X: its next steps", "values"),
)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        *IN_PRIORITIES,
        ("when: runs_code", "when: runs_cod", "neither a fact key"),
        ("when: runs_commands\n", "when: runs_code\n", "trigger"),
        ("reference: planted", "reference: plantd", "no reference"),
        ("stride: [", "stride: [magic, ", "STRIDE"),
        ("asset: host", "asset: hostt", "asset"),
        (LOST, LOST.replace("L:", "X:"), "values"),
        (LOST, LOST.replace("VA", "VB"), "unknown metrics"),
        (LOST, LOST.replace("L:", "L if acts:"), "condition"),
        ("covers: [L2-text-steers-actions", "covers: [L2-nothing", "unknown patterns"),
        ("  lost: ", "  loss: ", "lost"),
        ("controls: [approval_before", "controls: [approvals", "unknown keys"),
        ("{runs_code.scope,", "{runs_code.scop,", "unknown slot"),
        ("H if acts_on_host:", "H if acts_on_ghosts:", "neither a fact key"),
    ],
)
def test_a_faulty_file_is_refused_with_its_place(old: str, new: str, what: str, tmp_path: Path) -> None:
    name = "recurring/priorities" if (old, new, what) in IN_PRIORITIES else "agent_frameworks"
    copy = tmp_path / "catalogue"
    copytree(data_folder("corpus") / "knowledge" / "catalogue", copy)
    file = copy / f"{'terms' if 'acts_on' in old else name}.yaml"
    assert old in file.read_text("utf-8")
    file.write_text(file.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(InputError, match=what) as caught:
        load_catalogue(copy)
    assert str(copy) in str(caught.value.where)
    assert caught.value.hint
