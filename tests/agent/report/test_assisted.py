"""What the report says about a draft with an LLM: who made what, the usage, and what was dropped."""

import re

import pytest

from agent.records import Draft, DrafterRef, Dropped, MadeBy, Missing
from agent.report.authors import drafter_words, reason_words
from agent.report.explain.explanation import explain, text
from agent.report.markdown import render
from tests.fakes.drafts import thin, workos
from tests.fakes.report.stored_assisted import golden, made


def section(report: str, heading: str) -> str:
    """Return the report from a heading to the next one of the same level."""
    after = report.partition(f"\n{heading}")[2]
    return re.split(rf"\n#{{1,{heading.index(' ')}}} ", after)[0]


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ((), "drafted with the LLM generic/fake-1, quotes and numbers checked by code"),
        (("llm", "both"), "drafted with the LLM generic/fake-1, quotes and numbers checked by code"),
        (("llm", "embedded"), "drafted with the LLM generic/fake-1 (1 of 2 parts), quotes"),
        (("embedded",), "drafted without an LLM: the LLM generic/fake-1 was asked, but none of its answers is used"),
    ],
)
def test_the_words_for_the_drafter_count_its_parts(parts: tuple[str, ...], says: str) -> None:
    rows = tuple(MadeBy.model_validate({"part": f"p{n}", "by": by}) for n, by in enumerate(parts))
    assert drafter_words(made(golden(), *rows)).startswith(says)


def test_an_llm_without_a_name_is_still_one() -> None:
    drafter = DrafterRef(kind="llm", llm=None, prompts=())
    assert drafter_words(golden().model_copy(update={"drafter": drafter})).startswith("drafted with an LLM,")


def test_a_draft_that_fell_back_says_so_in_its_first_line() -> None:
    row = Dropped(what="drafting with generic/fake-1", reason="no answer")
    fallen = thin().model_copy(update={"dropped": (*thin().dropped, row)})
    assert "drafted without an LLM because the LLM generic/fake-1 was unavailable" in render(fallen).split("\n")[2]
    assert "| drafting with generic/fake-1 | no answer |" in render(fallen)
    assert " · drafted without an LLM · **found in the sources: " in render(thin()).split("\n")[2]


@pytest.mark.parametrize("draft", [workos(), thin()], ids=["rich", "thin"])
def test_a_draft_without_an_llm_tells_of_none(draft: Draft) -> None:
    report, overview = render(draft), text(explain(draft))
    for word in ("Who made what", "the LLM proposes", "The LLM was called", "rubric cards", "made by"):
        assert word not in report + overview


def test_a_part_without_a_reason_points_to_what_was_dropped() -> None:
    report = render(made(golden(), MadeBy(part="threats", by="embedded")))
    assert "| threats | the catalogue's only | its proposal is listed under Dropped |" in report


def test_a_long_reason_is_cut_and_every_reason_has_words() -> None:
    long = reason_words(Missing(reason="bad-request", detail="word " * 200))
    assert long.startswith("the endpoint refused the request: word")
    assert len(long) < 250
    assert reason_words(Missing(reason="timeout", detail="")) == "there was no answer in time (timeout)"
    assert reason_words(Missing(reason="not-answered", detail="")) == "not-answered"


def test_what_the_llm_took_stands_in_a_sentence_and_not_in_the_manifest() -> None:
    method = section(render(golden()), "## Method, limits, manifest")
    assert re.search(
        r"- The LLM was called 8 times: [\d,]+ tokens in, 14,000 of them cached, [\d,]+ out \(as rep", method
    )
    assert re.search(r"\(as reported\), \$0\.0\d{3}\.\n", method)
    assert "| llm calls |" not in method
    assert "| statements |" in method
    free = golden().model_copy(update={"usage": {k: v for k, v in golden().usage.items() if k != "dollars"}})
    assert "(as reported), price unknown.\n" in render(free)


def test_rows_on_the_llm_stand_behind_the_programs() -> None:
    replies = Dropped(what="replies of the LLM", reason="was fenced")
    rows = (replies, Dropped(what="threat L2-x: A title", reason="less relevant"))
    draft = golden().model_copy(update={"dropped": rows})
    assert section(render(draft), "### Dropped").strip().partition("\n\n")[0].split("\n")[2:] == [
        "| threat L2-x: A title | less relevant |",
        "| replies of the LLM | was fenced |",
    ]
