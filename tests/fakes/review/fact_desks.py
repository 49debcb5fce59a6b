"""Reviews of drafts that follow from their facts, of one with an LLM, and of one that does not follow from them."""

from functools import cache

from agent.report.draft_json import dump, parse
from tests.fakes.assist.assisted_draft import drafted
from tests.fakes.assist.llm import good
from tests.fakes.assist.product import documents
from tests.fakes.drafts import thin, thin_documents, workos, workos_documents
from tests.fakes.llm.port import AnsweringLlm
from tests.fakes.review.reviewing import CHAINED, Desk, golden_draft

ASSISTED = "with an LLM"
NOT_GIVEN = "not given by its facts"
NAMES = ("airtable-mcp-server", "dify", ASSISTED, NOT_GIVEN)


DESKS = {
    "case": Desk.of_case(),
    "other case": Desk.of_case("abridge"),
    "chained": Desk.of_case(CHAINED),
    "assisted": Desk(*golden_draft("assisted-0.1.0")),
    "workos": Desk(workos(), workos_documents()),
    "thin": Desk(thin(), thin_documents()),
}
"""Reviews of drafts of every kind: of bundled cases, stored, and made by hand."""


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
