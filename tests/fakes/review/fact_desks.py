"""Reviews of drafts that follow from their facts, of one with an LLM, and of one that does not follow from them."""

from functools import cache

from agent.report.draft_json import dump, parse
from tests.fakes.assist.assisted_draft import drafted
from tests.fakes.assist.llm import good
from tests.fakes.assist.product import documents
from tests.fakes.llm.port import AnsweringLlm
from tests.fakes.review.reviewing import Desk

ASSISTED = "with an LLM"
NOT_GIVEN = "not given by its facts"
NAMES = ("airtable-mcp-server", "dify", ASSISTED, NOT_GIVEN)


@cache
def desk_of(name: str) -> Desk:
    """Return the review of the draft with this name."""
    if name == ASSISTED:
        texts = documents()
        return Desk(parse(dump(drafted(texts, AnsweringLlm(good))), where=name), texts)
    if name == NOT_GIVEN:
        whole = desk_of(ASSISTED)
        return Desk(whole.draft.model_copy(update={"judgement": None}), whole.documents)
    return Desk.of_case(name)
