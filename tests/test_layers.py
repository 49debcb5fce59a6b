"""Layer paragraphs: which quote is chosen, how it is cut, and what is said to follow from it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.drafting_old.layers import QUOTE_CHARS, certain, consequences, shown
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.templates import names_in
from agent.evidence.certainty import guides
from agent.evidence.reading import Reading
from agent.evidence.signals import detect, load_signals
from agent.evidence.statements import statements
from agent.records import Document, Section
from agent.taxonomy.keys import LAYERS, LayerKey

VALUES = {"name": "Quill", "capability": "deleting files", "store": "the database"}


def read(text: str) -> Reading:
    page = Document(
        id="D1",
        sha256="0" * 64,
        url="listing.md",
        title="Quill",
        kind="listing",
        media_type="text/markdown",
        fetched_at="2026-11-01T00:00:00Z",
        text=text,
        sections=(Section(start=0, end=len(text), path=("Quill",), about="product"),),
    )
    found = statements([page])
    vectors = np.zeros((len(found), 256), dtype=np.float32)
    return Reading((page,), found, vectors, detect(found), {})


def paragraph(text: str, layer: LayerKey) -> str:
    reading = read(text)
    made = certain(reading, layer, Ledger(reading.documents, reading.statements), VALUES, set())
    return made.text if made else ""


def test_every_consequence_belongs_to_a_signal_of_its_layer() -> None:
    known = load_signals().by_id
    for layer in LAYERS:
        guide = guides()[layer]
        assert {*guide.pins, *guide.helps} <= known.keys()
        assert consequences()[layer].keys() <= {*guide.pins, *guide.helps}


def test_consequences_name_only_slots_that_a_layer_fills() -> None:
    for layer in LAYERS:
        for template in consequences()[layer].values():
            assert names_in(template) <= VALUES.keys(), template
            assert not template.endswith(".")


def test_a_gerund_stands_where_a_gerund_reads_well() -> None:
    leads = " into start starts before when by about of for from on up after to whether "
    for layer in LAYERS:
        for template in consequences()[layer].values():
            before, slot, _ = template.partition("{capability}")
            if slot and not before.endswith(", "):
                assert f" {before.split()[-1]} " in leads, template


def test_a_sentence_is_quoted_rather_than_a_list_entry() -> None:
    text = "Docker image\nThe backend runs in a Docker container next to a worker.\n"
    assert "“The backend runs in a Docker container next to a worker”" in paragraph(text, "deployment_infrastructure")


def test_a_quote_from_which_nothing_follows_gives_way() -> None:
    text = "Published on Google Play for phones.\nThe backend runs in a Docker container next to a worker.\n"
    made = paragraph(text, "deployment_infrastructure")
    assert "Google Play" not in made
    assert "bounds how far Quill reaches when deleting files" in made


def test_a_denied_signal_is_quoted_without_what_would_follow() -> None:
    made = paragraph("The server keeps no logs of its own runs.\n", "evaluation_observability")
    assert "“The server keeps no logs of its own runs”" in made
    assert "Quill" not in made.partition("”")[2]


def test_nothing_to_quote_makes_no_paragraph() -> None:
    assert paragraph("A pleasant product for everybody.\n", "agent_ecosystem") == ""


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        (
            "The desk has many drawers and a lamp; the program writes all of its logs to a rotating file on the host; "
            "the rest of the furniture is described in another chapter of this long manual.",
            "the program writes all of its logs to a rotating file on the host",
        ),
        (
            "It offers ordinary operations on many things that people keep (reading, writing, editing, moving), and it "
            "writes logs to a file on the host where the process was started by its operator.",
            None,
        ),
    ],
)
def test_a_long_sentence_is_cut_at_clauses(text: str, quote: str | None) -> None:
    made = paragraph(text + "\n", "evaluation_observability")
    said = made.partition("“")[2].partition("”")[0]
    assert len(said) <= QUOTE_CHARS
    assert said.count("(") == said.count(")")
    assert quote is None or quote in said


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(alphabet="abcde ,;:()", min_size=1, max_size=40), max_size=6),
    st.lists(st.text(alphabet="abcde ,;:()", min_size=1, max_size=40), max_size=6),
)
def test_a_quote_is_verbatim_short_and_holds_the_match(before: list[str], after: list[str]) -> None:
    text = f"{' '.join(before)} it keeps logs {' '.join(after)}.\n"
    reading = read(text)
    made = certain(reading, "evaluation_observability", Ledger(reading.documents, reading.statements), VALUES, set())
    if made is None:
        return
    said = made.text.partition("“")[2].partition("”")[0]
    assert said in text
    assert "logs" in said
    assert len(said) <= QUOTE_CHARS


def test_pinning_signals_come_first() -> None:
    reading = read("It keeps logs.\nIt raises alerts for operators.\n")
    assert [s.pins for s in shown(reading, "evaluation_observability")] == [True, False]
