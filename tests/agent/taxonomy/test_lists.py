"""The published lists and the linter for references to them."""

import json
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from agent.errors import InputError
from agent.records import TaxonomyRef
from agent.taxonomy import lists
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES
from evals.metrics import references

SIZES = {
    "cwe": 94,
    "maestro": 64,
    "mitre-atlas": 170,
    "owasp-agentic": 17,
    "owasp-aivss": 10,
    "owasp-asi": 10,
    "owasp-llm-2025": 10,
    "owasp-llm-2026": 10,
    "owasp-mcp": 10,
    "stride": 6,
}
FORMS = {
    "cwe": r"CWE-[1-9][0-9]*",
    "maestro": r"L[1-7]|X|maestro:(L[1-7]|X)/[a-z-]+",
    "mitre-atlas": r"AML\.T[0-9]{4}(\.[0-9]{3})?",
    "owasp-agentic": r"T([1-9]|1[0-7])",
    "owasp-aivss": r"AIVSS-(0[1-9]|10)",
    "owasp-asi": r"ASI(0[1-9]|10)",
    "owasp-llm-2025": r"LLM(0[1-9]|10):2025",
    "owasp-llm-2026": r"LLM(0[1-9]|10):2026",
    "owasp-mcp": r"MCP(0[1-9]|10):2025",
    "stride": r"STRIDE-[STRIDE]",
}
CONFUSABLES = json.loads((Path(lists.__file__).parent / "confusables.json").read_text("utf-8"))
ALL = [entry for scheme in SIZES for entry in lists.entries(scheme)]


def ref(scheme, entry_id, title):
    return TaxonomyRef(scheme=scheme, id=entry_id, title=title)


def only(scheme, entry_id, title):
    problems = references.lint([ref(scheme, entry_id, title)])
    assert len(problems) == 1
    return problems[0]


def test_all_lists_are_whole():
    assert lists.schemes() == tuple(SIZES)
    assert {scheme: len(lists.entries(scheme)) for scheme in lists.schemes()} == SIZES


@pytest.mark.parametrize("scheme", SIZES)
def test_entries_are_well_formed(scheme):
    whole = lists.scheme(scheme)
    assert whole.title
    assert whole.version
    assert whole.status in ("published", "beta")
    raw = json.loads((Path(lists.__file__).parent / f"{scheme}.json").read_text("utf-8"))
    assert raw["scheme"] == scheme
    assert len({row["id"] for row in raw["entries"]}) == len(raw["entries"])
    for entry in lists.entries(scheme):
        assert re.fullmatch(FORMS[scheme], entry.id), entry.id
        assert entry.title == entry.title.strip() != ""
        assert (entry.scheme, entry.version, entry.source) == (scheme, whole.version, whole.source)
        assert set(entry.layers) <= {*LAYER_CODES.values(), "X"}
        assert entry.mapping in get_args(lists.MappingStatus)
        assert (entry.mapping == "none") == (not entry.layers)
        assert lists.lookup(scheme, entry.id) is entry


def test_relations_point_to_entries_and_repeat_no_known_mistake():
    for entry in ALL:
        for related in entry.related:
            for other in related.ids:
                assert lists.lookup(related.scheme, other)
                assert not references.is_refused_relation(entry.id, other)


def test_titles_that_everybody_knows():
    known = [
        ("owasp-agentic", "T1", "Memory Poisoning"),
        ("owasp-agentic", "T16", "Insecure Inter-Agent Protocol Abuse"),
        ("owasp-agentic", "T17", "Supply Chain Compromise"),
        ("owasp-asi", "ASI01", "Agent Goal Hijack"),
        ("owasp-llm-2025", "LLM03:2025", "Supply Chain"),
        ("owasp-llm-2026", "LLM03:2026", "Excessive Agency"),
        ("owasp-mcp", "MCP03:2025", "Tool Poisoning"),
        ("mitre-atlas", "AML.T0051.001", "LLM Prompt Injection: Indirect"),
        ("mitre-atlas", "AML.T0054", "LLM Jailbreak"),
        ("cwe", "CWE-1427", "Improper Neutralization of Input Used for LLM Prompting"),
        ("owasp-aivss", "AIVSS-08", "Agent Supply Chain and Dependency Risk"),
        ("maestro", "maestro:L2/compromised-rag-pipelines", "Compromised RAG Pipelines"),
    ]
    for scheme, entry_id, title in known:
        assert lists.lookup(scheme, entry_id).title == title


def test_our_layer_titles_are_accepted_forms():
    refs = [ref("maestro", LAYER_CODES[key], title) for key, title in LAYER_TITLES.items()]
    assert references.lint(refs) == ()


def test_sub_techniques_name_their_parent():
    for entry in lists.entries("mitre-atlas"):
        if entry.parent is None:
            assert entry.id.count(".") == 1
        else:
            assert entry.id.startswith(entry.parent + ".")
            assert entry.title == f"{lists.lookup('mitre-atlas', entry.parent).title}: {entry.accepted[0]}"


def test_lookup_names_close_ids():
    with pytest.raises(InputError) as refusal:
        lists.lookup("mitre-atlas", "AML.T0051.009")
    assert "AML.T0051.001" in refusal.value.hint
    with pytest.raises(InputError, match="unknown scheme") as refusal:
        lists.lookup("owasp-llm", "LLM01:2025")
    assert "owasp-llm-2025" in refusal.value.hint
    for scheme in ("../keys", "confusables", ""):
        with pytest.raises(InputError):
            lists.entries(scheme)


# ---------------------------------------------------------------- the linter


def test_the_linter_accepts_every_entry_in_every_form_of_its_list():
    refs = [ref(entry.scheme, entry.id, title) for entry in ALL for title in (entry.title, *entry.accepted)]
    assert references.lint(refs) == ()
    assert len(refs) > len(ALL)


def test_the_linter_refuses_every_entry_under_another_title():
    for entry in ALL:
        problem = only(entry.scheme, entry.id, entry.title + " Attack")
        assert problem.kind in ("wrong-title", "confusable")
        assert repr(entry.title) in problem.hint


def test_names_that_others_give_are_refused():
    for entry in ALL:
        for title in entry.also_called:
            assert only(entry.scheme, entry.id, title).kind == "wrong-title"


@pytest.mark.parametrize("row", CONFUSABLES["titles"], ids=lambda row: f"{row['id']}-{row['wrong_title'][:12]}")
def test_known_confusables_are_refused(row):
    problem = only(row["scheme"], row["id"], row["wrong_title"])
    assert problem.kind == "confusable"
    assert repr(lists.lookup(row["scheme"], row["id"]).title) in problem.hint


@pytest.mark.parametrize(("entry_id", "title"), [("T16", "Model Inconsistency"), ("T17", "Semantic Drift")])
def test_t16_and_t17_of_the_other_list_are_refused(entry_id, title):
    problem = only("owasp-agentic", entry_id, title)
    assert problem.kind == "confusable"
    assert "another list" in problem.hint


def test_numbers_that_only_the_other_list_has_are_refused():
    for entry_id in ("T18", "T47"):
        problem = only("owasp-agentic", entry_id, "RAG Input Manipulation")
        assert problem.kind == "unknown-id"
        assert "multi-agent-system guide" in problem.hint


def test_an_id_without_its_year_is_refused_and_both_years_are_named():
    for scheme in ("owasp-llm-2025", "owasp-llm-2026", "owasp-llm"):
        problem = only(scheme, "LLM03", "Supply Chain")
        assert problem.kind == "no-year"
        assert "LLM03:2025 Supply Chain" in problem.hint
        assert "LLM03:2026 Excessive Agency" in problem.hint
    assert only("owasp-mcp", "MCP03", "Tool Poisoning").kind == "no-year"


def test_renumbered_titles_are_refused_with_their_place():
    titles = {scheme: {entry.title: entry.id for entry in lists.entries(scheme)} for scheme in SIZES}
    moved = 0
    for title, old in titles["owasp-llm-2025"].items():
        new = titles["owasp-llm-2026"].get(title)
        number = old.removesuffix("2025") + "2026"
        if new is not None and new != number:
            moved += 1
            problem = only("owasp-llm-2026", number, title)
            assert problem.kind == "confusable"
            assert new in problem.hint
    assert moved == 7


def test_an_id_of_the_other_year_is_refused():
    problem = only("owasp-llm-2026", "LLM03:2025", "Supply Chain")
    assert problem.kind == "unknown-id"
    assert "owasp-llm-2025" in problem.hint


def test_unknown_schemes_and_layer_swaps_are_refused():
    assert only("capec", "CAPEC-1", "x").kind == "unknown-scheme"
    assert only("maestro", "L5", "Security & Compliance").kind == "confusable"
    assert only("maestro", "L6", "Evaluation and Observability").kind == "confusable"


def test_problems_keep_the_order_of_the_references():
    right = ref("owasp-agentic", "T2", "Tool Misuse")
    wrong = [ref("owasp-agentic", "T99", "x"), ref("cwe", "CWE-20", "y"), ref("owasp-llm-2025", "LLM01", "z")]
    problems = references.lint([wrong[0], right, wrong[1], right, wrong[2]])
    assert [(p.scheme, p.id, p.title) for p in problems] == [(r.scheme, r.id, r.title) for r in wrong]
    assert [p.kind for p in problems] == ["unknown-id", "wrong-title", "no-year"]


def test_wrong_relations_of_published_crosswalks_are_known():
    assert references.is_refused_relation("AML.T0061", "ASI01")
    assert references.is_refused_relation("ASI01", "AML.T0061")
    assert not references.is_refused_relation("AML.T0051", "ASI01")


def test_no_title_stands_twice_in_a_list_except_maestro():
    for scheme in set(SIZES) - {"maestro"}:
        counts = Counter(entry.title for entry in lists.entries(scheme))
        assert max(counts.values()) == 1, scheme


def test_lists_load_when_asked_for_and_quickly():
    code = (
        "import time; from agent.taxonomy import lists; assert lists.scheme.cache_info().currsize == 0;"
        "t = time.process_time(); lists.lookup('owasp-asi', 'ASI01'); assert lists.scheme.cache_info().currsize == 1;"
        "[lists.entries(s) for s in lists.schemes()]; print(time.process_time() - t)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert float(found.stdout) < 0.05
    started = time.process_time()
    for scheme in lists.schemes():
        lists.entries(scheme)
    assert time.process_time() - started < 0.01
