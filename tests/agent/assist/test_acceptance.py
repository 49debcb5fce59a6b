"""Facts that an LLM calls wrong are struck if code can check the reason or nothing grave is at stake; otherwise they
stay.
"""

import pytest

from agent.assist.acceptance import accept
from agent.assist.calls import program_facts
from agent.assist.shapes import WrongItem
from agent.facts.readers.llm import FactItem, read_quote
from agent.facts.sheet import counted
from agent.facts.verify import Material
from agent.facts.vocabulary import load_vocabulary
from agent.records import FactSheet, Outlook
from tests.fakes.assist.product import NAME, VENDOR, documents, program_sheet, rows

MATERIAL = Material(documents(), rows(documents()), (NAME, VENDOR))
EVERYTHING = [key.id for key in load_vocabulary()]


def struck(sheet: FactSheet, key: str, reason: str, items: tuple[FactItem, ...] = ()) -> bool:
    """Return whether calling a fact wrong removes it."""
    found = program_facts(sheet)
    number = next(number for number, fact in found.items() if fact.key == key)
    wrong = WrongItem.model_validate({"fact": number, "reason": reason, "why": "it is not so"})
    made = accept(sheet, items, [wrong], found, MATERIAL, EVERYTHING, ["D1"])
    assert bool(made.struck) != bool(made.refused)
    return not [
        fact
        for fact in made.sheet.facts
        if "embedded" in {source.reader for source in fact.sources} and fact.key == key
    ]


@pytest.mark.parametrize("reason", ["not stated", "misread", "addressed to the reader", "another product"])
def test_a_grave_fact_that_its_sentence_speaks_of_stays(reason: str) -> None:
    assert not struck(program_sheet(documents()), "runs_commands", reason)


def test_a_fact_of_which_its_sentence_has_no_word_is_struck() -> None:
    sheet = program_sheet(documents(), [("places_calls", "Each command is written to a log that the office can read")])
    assert struck(sheet, "places_calls", "misread")


def test_a_comforting_fact_is_struck_on_the_word_of_the_llm() -> None:
    sheet = program_sheet(documents(), [("sandbox", "It is hosted by Moorings Ltd in Dublin")])
    assert struck(sheet, "sandbox", "not stated")


def test_what_the_llm_reads_itself_it_cannot_strike() -> None:
    quote = "It is hosted by Moorings Ltd in Dublin"
    sheet = program_sheet(documents(), [("vendor_cloud", quote)])
    own = FactItem(key="vendor_cloud", polarity="asserted", about="product", quotes=[quote], slots=[], inferred=False)
    assert not struck(sheet, "vendor_cloud", "misread", (own,))


def test_what_another_reader_read_is_not_offered() -> None:
    sheet = program_sheet(documents())
    manifest = [
        fact.model_copy(update={"sources": (fact.sources[0].model_copy(update={"reader": "manifest"}),)})
        for fact in sheet.facts
    ]
    assert not program_facts(sheet.model_copy(update={"facts": tuple(manifest)}))


def test_an_unknown_number_is_told_and_the_outlook_kept() -> None:
    sheet = program_sheet(documents()).model_copy(update={"outlook": Outlook(chances={"sandbox": 0.4})})
    wrong = WrongItem(fact="P77", reason="misread", why="no")
    made = accept(sheet, (), [wrong], program_facts(sheet), MATERIAL, EVERYTHING, ["D1"])
    assert made.refused[0][1].startswith("no fact of the program")
    assert made.sheet.outlook == sheet.outlook
    assert counted(made.sheet, "runs_commands")
    assert {search.reader for search in made.sheet.searched} == {"llm"}


@pytest.mark.parametrize(
    ("text", "document", "words"),
    [
        ("D1: the words", "D1", "the words"),
        ("[D12]: “the words”", "D12", "the words"),
        ("the words: all of them", "", "the words: all of them"),
        ("Default: on", "", "Default: on"),
        ('D2: "quoted"', "D2", "quoted"),
    ],
)
def test_a_quote_is_read_with_its_document(text: str, document: str, words: str) -> None:
    quote = read_quote(text)
    assert (quote.document, quote.text) == (document, words)
