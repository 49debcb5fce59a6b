"""The threat catalogue: its schema, what fires where, whose words it uses, and what it refuses to say."""

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import yaml

from agent.drafting_old.candidates import Candidate, Matches, OpenThreat, statement_sentence
from agent.drafting_old.catalogue import match
from agent.drafting_old.chains import FoundChain, chains, load_chains
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.lexicon import load_lexicon
from agent.drafting_old.patterns import METRIC_VALUES, METRICS, Pattern, load_patterns, trusted
from agent.drafting_old.slots import MAX_CHARS, base_form
from agent.drafting_old.system import extract
from agent.drafting_old.templates import fill, names_in, sentence_case
from agent.errors import InputError
from agent.evidence.reading import Reading
from agent.evidence.signals import detect, load_signals
from agent.evidence.statements import statements
from agent.records import Document, Section
from agent.resources import data_folder
from agent.scoring.cvss import read_vector
from agent.taxonomy.keys import LAYERS
from agent.taxonomy.lists import lint
from evals.corpus import load_cases
from evals.documents import documents_of

DATABASE = """Quill connects an assistant to a Postgres database over MCP.
It runs SQL queries through the run_sql tool and returns table rows.
The assistant updates customer records and deletes customer records in the database.
QUILL_API_KEY is an API key that is read from an environment variable.
Every query is written to the audit log.
"""
WRITES = "The assistant updates customer records in Salesforce with an API key. "


class Run(NamedTuple):
    """One product matched."""

    slug: str
    name: str
    reading: Reading
    ledger: Ledger
    found: Matches


def read(text: str, name: str = "Quill") -> Run:
    page = Document(
        id="D1",
        sha256="0" * 64,
        url="listing.md",
        title=name,
        kind="listing",
        media_type="text/markdown",
        fetched_at="2026-11-01T00:00:00Z",
        text=text,
        sections=(Section(start=0, end=len(text), path=(), about="product"),),
    )
    return run((page,), name, "")


def run(documents: tuple[Document, ...], name: str, slug: str) -> Run:
    told = statements(documents)
    reading = Reading(documents, told, np.zeros((len(told), 256), np.float32), detect(told), {})
    ledger = Ledger(documents, told)
    return Run(slug, name, reading, ledger, match(reading, extract(reading, ledger, name), ledger, name=name))


@cache
def corpus() -> tuple[Run, ...]:
    cases = load_cases(data_folder("corpus") / "cases")
    return tuple(run(documents_of(case), case.name, case.slug) for case in cases if not case.example)


def by_id(found: Matches, key: str) -> Candidate:
    return next(c for c in found.candidates if c.pattern.id == key)


# ---------------------------------------------------------------- the files


def test_every_layer_has_its_patterns() -> None:
    groups = Counter(pattern.group for pattern in load_patterns())
    assert set(groups) == {*LAYERS, "cross_layer"}
    assert min(groups.values()) >= 8
    assert sum(groups.values()) >= 66


def test_taxonomy_references_are_right() -> None:
    assert lint(ref for pattern in load_patterns() for ref in pattern.taxonomy) == ()


@pytest.mark.parametrize("pattern", load_patterns(), ids=lambda p: p.id)
def test_vectors_have_a_base_and_every_metric_a_reason(pattern: Pattern) -> None:
    base = float(read_vector(f"CVSS:4.0/{pattern.cvss}").base)
    assert 2.0 <= base <= 9.3
    for metric, value in pattern.values().items():
        assert pattern.reason(metric, value)
    for condition in pattern.conditions:
        changed = {**pattern.values(), **condition.set}
        assert float(read_vector("CVSS:4.0/" + "/".join(f"{m}:{changed[m]}" for m in METRICS)).base) <= 9.5


def test_no_condition_listens_to_a_control() -> None:
    groups = {signal.id: signal.group for signal in load_signals().signals}
    asked = {s for p in load_patterns() for c in p.conditions for term in c.terms() for s, _ in term}
    assert asked
    assert not {s for s in asked if groups[s] == "control"}


def test_slots_are_known() -> None:
    known = {*load_lexicon().kinds, "product", "actor", "person", "service", "action", "object"}
    used = {name for pattern in load_patterns() for text in pattern.texts() for name in names_in(text)}
    assert used <= known
    assert {name for name in used if name != "product"} <= set(load_lexicon().stand_ins)


def edited(tmp_path: Path, **changes: object) -> Path:
    """A folder with the first pattern alone, changed."""
    source = yaml.safe_load((data_folder("corpus") / "knowledge/threats/foundation_models.yaml").read_text("utf-8"))
    content = {"layer": "foundation_models", "patterns": [{**source["patterns"][0], "gives_way": [], **changes}]}
    (tmp_path / "foundation_models.yaml").write_text(yaml.safe_dump(content), "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": "red"}, "colour"),
        ({"gives_way": ["L9-nothing"]}, "L9-nothing"),
        ({"cvss": "AV:N/AC:L"}, "full base vector"),
        ({"metrics": {}}, "without a reason"),
        ({"when": {"none_of": ["logs"]}}, "needs a trigger"),
        ({"when": {"any_of": ["flies_kites"]}}, "flies_kites"),
        ({"needs": ["harbour"]}, "harbour"),
        ({"needs": ["file"]}, "needed slots that no text uses"),
        ({"typical": 1.5}, "typical"),
        ({"asset_class": "harbours"}, "asset_class"),
        ({"conditions": [{"when": "asks_approval", "set": {"UI": "A"}, "because": "it asks"}]}, "control"),
        ({"conditions": [{"when": "logs", "set": {"UI": "X"}, "because": "it logs"}]}, "UI:X"),
        ({"mitigations": [{"who": "you", "text": "Do this"}, {"who": "you", "text": "Do that"}]}, "each side"),
    ],
)
def test_the_loader_is_strict(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as caught:
        load_patterns(edited(tmp_path, **changes))
    assert said in str(caught.value)


def test_an_unchanged_pattern_loads(tmp_path: Path) -> None:
    assert [p.id for p in load_patterns(edited(tmp_path))] == ["L1-page-as-instruction"]


# ---------------------------------------------------------------- matching


def test_a_threat_speaks_of_this_product() -> None:
    found = read(DATABASE).found
    threat = by_id(found, "L2-steered-query")
    words = threat.sentence()
    assert "Postgres" in words
    assert "run_sql" in words
    assert threat.slots["store"].value in DATABASE
    assert any("run_sql" in m.text or "Postgres" in m.text for m in threat.mitigations)
    assert {m.who for m in threat.mitigations} == {"you", "vendor"}
    assert float(read_vector(threat.vector).base) == 8.7  # deletes: all three impacts are high


def test_evidence_is_verbatim_and_shows_the_trigger() -> None:
    done = read(DATABASE)
    assert done.found.candidates
    for threat in done.found.candidates:
        assert threat.evidence
        for key in threat.evidence:
            assert done.ledger.quote(key) in DATABASE


def test_a_limit_contradicts_and_the_worse_reading_stays() -> None:
    plain = by_id(read(WRITES).found, "L3-records-rewritten")
    limited = by_id(read(WRITES + "The server is strictly read-only.").found, "L3-records-rewritten")
    assert plain.state in ("claimed", "inferred")
    assert limited.state == "contradicted"
    assert limited.vector == plain.vector
    assert limited.typical == plain.typical
    verdicts = {s.signal: s for s in limited.support}
    assert verdicts["writes_records"].verdict == "contradicted"
    assert verdicts["writes_records"].evidence


def test_support_tells_what_no_sentence_addresses() -> None:
    verdicts = {s.signal: s.verdict for s in by_id(read(WRITES).found, "L3-records-rewritten").support}
    assert verdicts["writes_records"] == "supported"
    assert verdicts["deletes_data"] == "not addressed"


@pytest.mark.parametrize(
    "claim",
    [
        "Every action requires approval by a named person.",
        "All code runs in a secure sandbox.",
        "Requests are checked against an allowlist and a content filter.",
        "The product is SOC 2 certified and encrypts everything.",
    ],
)
def test_a_control_claim_lowers_no_threat(claim: str) -> None:
    before = {c.pattern.id: c for c in read(DATABASE).found.candidates}
    after = {c.pattern.id: c for c in read(DATABASE + claim + "\n").found.candidates}
    for key, threat in before.items():
        assert after[key].vector == threat.vector
        assert after[key].state == threat.state


def test_a_missing_noun_makes_a_question() -> None:
    found = read("It sends things to people on their behalf.\nIt can send emails.").found
    asked = [o for o in found.open if o.pattern.id == "L7-message-in-your-name"]
    shown = [c for c in found.candidates if c.pattern.id == "L7-message-in-your-name"]
    assert bool(asked) != bool(shown)
    for question in asked:
        assert isinstance(question, OpenThreat)
        assert question.questions[0].text.endswith("?")
        assert question.reason.startswith("no quote names")


def test_a_planned_or_denied_ability_fires_nothing() -> None:
    text = "Quill does not execute code or shell commands.\nRunning shell commands is planned for a later release.\n"
    assert "L3-command-on-host" not in {c.pattern.id for c in read(text).found.candidates}


def test_nothing_comes_from_an_empty_description() -> None:
    found = read("Welcome to the pleasant page.").found
    assert found.candidates == ()


def test_the_same_input_gives_the_same_matches() -> None:
    assert read(DATABASE).found == read(DATABASE).found


# ---------------------------------------------------------------- the corpus


@pytest.mark.slow
def test_every_pattern_fires_somewhere_and_none_everywhere() -> None:
    fired = Counter(c.pattern.id for done in corpus() for c in done.found.candidates)
    asked = {threat.pattern.id for done in corpus() for threat in done.found.open}
    most = 0.6 * len(corpus())
    assert {p.id for p in load_patterns()} == set(fired) | asked, "each pattern fires on at least one case"
    # What readers seldom found to follow from its quotes is asked about, and never shown.
    doubted = {p.id for p in load_patterns() if not trusted(p.id)}
    assert doubted
    assert doubted.isdisjoint(fired)
    assert {key for key, count in fired.items() if count > most} == set()


@pytest.mark.slow
def test_a_typical_case_gets_some_threats_over_several_layers() -> None:
    counts = sorted(len(done.found.candidates) for done in corpus())
    layers = sorted(len({c.layer for c in done.found.candidates}) for done in corpus())
    # Few and carried by their quotes: of 8 shown threats of a draft, readers once held 3 to follow from theirs.
    assert 4 <= counts[len(counts) // 2] <= 20
    assert 3 <= layers[len(layers) // 2] <= 7
    assert sum(count == 0 for count in counts) <= 0.08 * len(counts)


@pytest.mark.slow
def test_sentences_are_clean() -> None:
    blemish = re.compile(
        r"[{}|]|\b(the|a|an) (the|a|an)\b|\s[,;]|\s\.(?=\s|$)|(?<![\w-])(\w+) \3\b(?!-)|\ba [aeio]\w"
        r"|\b(an?|the) (its|their)\b"
    )
    for done in corpus():
        for threat in done.found.candidates:
            for text in (threat.title, threat.sentence(), *(m.text for m in threat.mitigations)):
                plain = text.replace(done.name, "Product")
                assert not blemish.search(plain), f"{done.slug} {threat.pattern.id}: {text}"
            for slot in threat.slots.values():
                assert len(slot.value) <= MAX_CHARS or slot.name == "product"


@pytest.mark.slow
def test_a_noun_of_each_statement_and_each_needed_one_have_a_quote() -> None:
    for done in corpus():
        for threat in done.found.candidates:
            used = {name for name in threat.pattern.slots() if name in threat.slots and name != "product"}
            assert used
            assert all(set(need.split("|")) & set(threat.slots) for need in threat.pattern.needs)
            assert all(slot.statements or slot.evidence for name, slot in threat.slots.items() if name != "product")
            assert all(set(need.split("|")) & set(threat.slots) for need in threat.pattern.needs)


@pytest.mark.slow
def test_metrics_are_explained_in_order() -> None:
    for done in corpus()[:40]:
        for threat in done.found.candidates:
            assert tuple(m.metric for m in threat.metrics) == METRICS
            assert all(m.value in METRIC_VALUES[m.metric] and m.reason for m in threat.metrics)
            assert threat.vector == "CVSS:4.0/" + "/".join(f"{m.metric}:{m.value}" for m in threat.metrics)


@pytest.mark.slow
def test_some_threat_is_near_the_base_that_a_reader_gives() -> None:
    labels = {case.slug: case.labels.reader for case in load_cases(data_folder("corpus") / "cases")}
    misses = []
    for done in corpus():
        label = labels[done.slug]
        bases = {float(read_vector(v).base) for v in {c.vector for c in done.found.candidates}}
        if label is not None and label.cvss_base is not None and bases:
            misses.append(min(abs(base - float(label.cvss_base)) for base in bases))
    assert sum(misses) / len(misses) <= 0.6


# ---------------------------------------------------------------- chains


def test_chains_are_templates_over_known_patterns() -> None:
    assert len(load_chains()) >= 12
    assert len({template.id for template in load_chains()}) == len(load_chains())


def found_chains() -> list[tuple[Run, FoundChain]]:
    return [(d, c) for d in corpus() for c in chains(d.found.candidates, d.reading, name=d.name)]


@pytest.mark.slow
def test_each_hop_has_a_quote_and_the_layers_change() -> None:
    found = found_chains()
    assert found
    for done, chain in found:
        assert len(chain.hops) == len(chain.candidates) - 1 >= 1
        assert len(chain.layers) >= 2
        for hop in chain.hops:
            assert hop.evidence
            assert all(done.ledger.quote(key) for key in hop.evidence)


@pytest.mark.slow
def test_a_step_without_a_quote_is_asked() -> None:
    asked = [(chain, question) for _, chain in found_chains() for question in chain.questions]
    assert asked
    for chain, question in asked:
        assert question.text.endswith("?")
        template = next(t for t in load_chains() if t.id == chain.id)
        assert len(chain.candidates) + len(chain.questions) <= len(template.steps)


@pytest.mark.slow
def test_every_chain_is_found_somewhere() -> None:
    usual = {chain.id for _, chain in found_chains()}
    assert len(usual) >= 8


@pytest.mark.slow
def test_no_chain_rests_on_a_contradicted_threat() -> None:
    assert all(c.state != "contradicted" for _, chain in found_chains() for c in chain.candidates)


# ---------------------------------------------------------------- words


def test_templates() -> None:
    assert fill("over {a|the} {b}", {"b": "the line"}) == "over the line"
    assert fill("{a|nothing} said", {"a": ""}) == "nothing said"
    assert names_in("{a} {b|c}") == {"a", "b"}
    with pytest.raises(InputError, match="slots without a value"):
        fill("{a}", {})


@pytest.mark.parametrize(
    ("given", "expected"),
    [("the line", "The line"), ("npx", "Npx"), ("run_sql fails", "run_sql fails"), ("Okta", "Okta")],
)
def test_sentence_case(given: str, expected: str) -> None:
    assert sentence_case(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [("sends", "send"), ("pushes and merges", "push and merge"), ("modifies", "modify"), ("looks up", "look up")],
)
def test_base_form(given: str, expected: str) -> None:
    assert base_form(given) == expected


def test_a_statement_reads_as_one_sentence() -> None:
    threat = by_id(read(DATABASE).found, "L2-steered-query")
    words = statement_sentence(threat.statement)
    assert words.startswith("Given ")
    assert words.endswith(".")
    assert " can have it run queries" in words
