"""A whole review of a real draft in a browser, by keyboard alone, and the number of keys it takes."""

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from agent.drafting.calibration import load_calibration
from agent.pipeline import draft_reading, read_documents
from agent.records import Document, Draft, Fact
from agent.report.draft_json import dump, parse
from agent.review.domain.facts.changed_sheet import stated_keys
from agent.review.domain.facts.from_answers import keys_asked
from agent.review.domain.items import facts_of, threats_of
from agent.review.domain.mitigations import work_of
from agent.review.domain.records import Action
from agent.review.service import Service
from agent.review.web.views.overview import MOST_FACTS
from agent.settings import Settings
from evals.cases.documents import READ_AT
from tests.fakes.command import Septet
from tests.fakes.review.browser import Hands, Served, why_fell
from tests.fakes.review.reviewing import case_documents
from tests.fakes.review.served_reviews import ADA, AT, FACTOR, Reviews
from tests.fakes.review.strategies import VECTORS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

TITLE = "autonomy of a"
PARTS = {
    "source": "a tenant", "prerequisite": "an account", "action": "publish a flow", "impact": "disclosure",
    "asset": "documents of others",
}  # fmt: skip
FOUND = 5
"""The exit code for faults found in a log."""
MANY = ("dify", "chatdev", "jan-ai", "autogen", "zen-mcp-server")
"""Cases of which the pages of two, taken together as those of one product, state forty facts."""
ON_SCREEN = """
() => {
  const box = (each) => each.getBoundingClientRect();
  const top = Math.max(...document.querySelectorAll("header.bar, .outline").values().map((each) => box(each).bottom));
  const shown = ({ top: from, bottom }) => Math.min(bottom, innerHeight) - Math.max(from, top);
  return [...document.querySelectorAll("article[data-item]")]
    .filter((each) => shown(box(each)) > Math.min(box(each).height, innerHeight - top) / 2)
    .map((each) => each.dataset.item);
}
"""


@pytest.fixture
def served(reviews: Reviews) -> Iterator[Served]:
    """One draft, signed by two people."""
    reviews.service = Service(reviews.store, Settings(review_two_person="on"), lambda: AT)
    reviews.bring("dify")
    with Served(reviews.service) as made:
        yield made


def test_a_review_from_the_queue_to_the_audit_log(
    browser: "Browser", served: Served, reviews: Reviews, septet: Septet
) -> None:
    ada = Hands(browser, served.door())
    ada.press("j")
    ada.leave("Enter")
    a_threat_from_the_table(ada, reviews)
    facts(ada, reviews)
    attach_and_answer(ada, reviews)
    ask(ada, reviews)
    add_a_threat(ada, reviews)
    mitigate_and_comment(ada, reviews)
    confirm_what_lapses(ada, reviews)
    bo = invited(ada, browser, "Bo", "analyst")
    resolve(ada, bo, reviews)
    ada.decide_all()
    ada.leave("g", "s")
    assert "approver must sign" in ada.text("main")
    assert ada.page.get_by_role("button", name="Sign as Ada").is_disabled()
    grace = invited(ada, browser, "Grace", "approver")
    grace.press("j")
    grace.leave("Enter")
    grace.sign()
    assert "Signed by Grace (approver)" in grace.text(".notice.good")
    exported(grace, reviews, septet)
    for hands in (ada, bo, grace):
        hands.close()


def to(ada: Hands, reviews: Reviews, item: str) -> None:
    """Go to an item by words of its title, which others may share; directly if the search leads elsewhere."""
    title = next(one.item.title for one in reviews.service.review("r1").items if one.item.id == item)
    for _ in range(5):
        ada.search(title.lower())
        if ada.item() == item:
            return
    ada.press("Escape")
    ada.page.locator(f'article[data-item="{item}"]').focus()
    assert ada.item() == item


def a_threat_from_the_table(ada: Hands, reviews: Reviews) -> None:
    """The overview comes first; a row of its threat table leads to the threat."""
    assert ada.page.evaluate("scrollY") == 0
    threat = next(one for one in reviews.service.review("r1").items if one.item.kind == "threat").item
    ada.tab_to("Filter the threats by text")
    ada.tab_to(threat.title)
    ada.press("Enter")
    assert ada.item() == threat.id
    ada.press("c")
    assert ada.verdict(threat.id) == "confirmed"


def fallen(reviews: Reviews, item: str) -> tuple[str, ...]:
    """Return what would be removed with a fact."""
    action = Action(verb="strike", item=item, version=reviews.service.review("r1").version, reason="wrong-quote")
    return reviews.service.try_out("r1", action).state.fell


def facts(ada: Hands, reviews: Reviews) -> None:
    """One fact is confirmed and one corrected. What a third one would remove is shown before it is struck, and it is
    restored.
    """
    found = [one.item.id for one in reviews.service.review("r1").items if one.item.kind == "fact"]
    bearing = next(item for item in found if any(name.startswith("threat/") for name in fallen(reviews, item)))
    light = [item for item in found if not fallen(reviews, item)]
    given = {f"fact/{fact.id}" for fact in sheet(reviews) if fact.polarity == "configurable"}
    second = next(item for item in light if item not in given)
    first = next(item for item in light if item != second)
    to(ada, reviews, first)
    ada.press("c")
    assert ada.verdict(first) == "confirmed"
    to(ada, reviews, second)
    ada.press("e")
    ada.type("de")
    ada.press("Control+Enter")
    ada.type("t")
    ada.press("Control+Enter")
    assert ada.verdict(second) == "corrected"
    before = reviews.service.review("r1")
    to(ada, reviews, bearing)
    ada.press("x")
    ada.page.locator(f'article[data-item="{bearing}"] form[data-verb="strike"] .preview dt').get_by_text(
        "Removed"
    ).wait_for()
    ada.type("t")
    ada.press("Control+Enter")
    after = reviews.service.review("r1")
    fell = set(after.fell) - set(before.fell)
    assert any(name.startswith("threat/") for name in fell)
    # An ability is shown on the card of its fact.
    for item in fell.intersection(one.item.id for one in after.own):
        assert why_fell(after, item) in str(ada.page.locator(f'article[data-item="{item}"]').text_content())
    assert not {f"threat/{name}" for name in threats_of(after.reviewed)} & fell
    to(ada, reviews, bearing)
    ada.press("c")
    assert ada.verdict(bearing) == "confirmed"
    # What the strike added falls in turn.
    came = {one.item.id for one in after.items} - {one.item.id for one in before.items}
    assert set(reviews.service.review("r1").fell) - came == set(before.fell)
    ada.press("u", "u")
    assert dump(reviews.service.review("r1").reviewed) == dump(before.reviewed)


def attach_and_answer(ada: Hands, reviews: Reviews) -> None:
    held = next(one for one in reviews.service.review("r1").items if one.item.kind == "factor").item
    to(ada, reviews, held.id)
    ada.press(".", ".", ">")
    chosen = str(ada.page.evaluate("getSelection().toString()"))
    ada.press("a")
    event = reviews.service.history("r1")[-1]
    assert (event.verb, event.item) == ("attach", held.id)
    mark = (event.after or {})["evidence"][0]  # type: ignore[index]
    new = next(one for one in reviews.service.review("r1").reviewed.evidence if one.id == mark)
    assert new.quote == chosen
    assert ada.item() == held.id
    draft = reviews.service.review("r1").reviewed
    asked, key = next(
        (question, keys[0]) for question in draft.questions
        if (keys := keys_asked(question)) and keys[0].id not in stated_keys(draft)
    )  # fmt: skip
    to(ada, reviews, f"question/{asked.id}")
    ada.press("r")
    ada.type("every action is confirmed by a person")
    ada.press("Tab")
    ada.type("https://docs.example/a")
    ada.tab_to(f"It {key.title}")
    ada.type("y")
    ada.press("Control+Enter")
    assert ada.verdict(f"question/{asked.id}") == "answered"
    (fact,) = (f"fact/{name}" for name in reviews.service.review("r1").answered)
    before = dump(reviews.service.review("r1").reviewed)
    ada.press("u")
    assert reviews.service.review("r1").answered == {}
    ada.press("U")
    assert dump(reviews.service.review("r1").reviewed) == before
    to(ada, reviews, fact)
    ada.press("c")
    assert ada.verdict(fact) == "confirmed"
    assert {one.rank for one in sheet(reviews) if one.key == key.id} == {5}


def sheet(reviews: Reviews) -> tuple[Fact, ...]:
    found = reviews.service.review("r1").reviewed.facts
    return found.facts if found else ()


def ask(ada: Hands, reviews: Reviews) -> None:
    """A fact that nobody states is asked about in its row of the fact sheet; the offer to redraft after an answer is
    absent.
    """
    ada.leave("g", "v")
    assert ada.page.get_by_role("button", name="Draft again").count() == 0
    ada.leave("g", "q")
    ada.press("j")
    ada.leave("Enter")
    folded = ada.page.locator("#heading-unstated").inner_text()
    ada.tab_to(folded)
    ada.press("Enter")
    ada.tab_to("Ask")
    ada.press("Enter")
    event = reviews.service.history("r1")[-1]
    assert event.verb == "ask"
    assert ada.focus() == event.item.partition("/")[2]


def add_a_threat(ada: Hands, reviews: Reviews) -> None:
    """Add a threat beside the sources, on selected words of one of them."""
    ada.leave("t")
    ada.press(".", ".", "a")
    words = ada.text("#chosen q").strip("“”")
    ada.tab_to("layer")
    ada.type("L2")
    ada.tab_to("Title")
    ada.type("A flow leaks")
    for name, part in PARTS.items():
        ada.tab_to(f"statement.{name}")
        ada.type(part)
    ada.tab_to("cvss_vector")
    ada.paste(VECTORS[1])
    ada.leave("Control+Enter")
    made = threats_of(reviews.service.review("r1").reviewed)["H1-a-flow-leaks"]
    quotes = {one.id: one.quote for one in reviews.service.review("r1").reviewed.evidence}
    assert [" ".join(quotes[mark].split()) for mark in made.evidence] == [words]
    assert ada.item() == "threat/H1-a-flow-leaks"


def mitigate_and_comment(ada: Hands, reviews: Reviews) -> None:
    name, _ = next((n, t) for n, t in threats_of(reviews.service.review("r1").reviewed).items() if t.mitigations)
    to(ada, reviews, f"threat/{name}")
    ada.press("m")
    ada.type("Ops")
    ada.tab_to("due")
    ada.type("01312027")
    ada.tab_to("status")
    ada.type("in p")
    ada.press("Control+Enter")
    (work,) = (each for each in work_of(reviews.service.review("r1")) if each.known)
    assert (work.threat, work.owner, work.due, work.status) == (name, "Ops", "2027-01-31", "doing")
    assert ada.item() == f"threat/{name}"
    ada.press("d")
    ada.type("in the next release")
    ada.press("Control+Enter")
    one = next(each for each in reviews.service.review("r1").items if each.item.id == f"threat/{name}")
    assert [comment.text for comment in one.comments] == ["in the next release"]


def confirm_what_lapses(ada: Hands, reviews: Reviews) -> None:
    """The score is confirmed, changes with a factor, is open again with the reason, and is confirmed again."""
    to(ada, reviews, "score")
    ada.press("c")
    assert ada.verdict("score") == "confirmed"
    ada.correct_factor(TITLE, "0.9")
    assert ada.verdict(FACTOR) == "corrected"
    assert "Autonomy of Action" in ada.text("#bar-moved")
    assert ada.verdict("score") == "open"
    assert "now reopened" in ada.text('article[data-item="score"] .lapsed')
    to(ada, reviews, "score")
    ada.press("c")
    assert ada.verdict("score") == "confirmed"


def invited(ada: Hands, browser: "Browser", name: str, role: str) -> Hands:
    """A second reviewer in a separate browser."""
    ada.leave("g", "q")
    ada.tab_to("People")
    ada.leave("Enter")
    ada.tab_to("Name")
    ada.type(name)
    ada.tab_to("role")
    ada.type(role)
    ada.tab_to("Create a one-time link")
    ada.leave("Enter")
    return Hands(browser, ada.text(".token code"))


def resolve(ada: Hands, bo: Hands, reviews: Reviews) -> None:
    """Both change the same factor; the second one's text is shown beside the first one's, and is saved over it."""
    ada.leave("g", "q")
    for hands in (ada, bo):
        hands.press("j")
        hands.leave("Enter")
    bo.correct_factor(TITLE, "0.2")
    assert bo.verdict(FACTOR) == "corrected"
    ada.correct_factor(TITLE, "0.7")
    box = ada.page.locator("dialog#conflict")
    box.wait_for()
    assert box.locator("tr", has_text="value").first.locator("td").all_inner_texts() == ["0.9", "0.7", "0.2"]
    assert "Bo" in box.locator("[role=alert]").inner_text()
    # One from the preview and one from the save: a browser reports every answer that is not a success.
    assert set(ada.said) == {"Failed to load resource: the server responded with a status of 409 (Conflict)"}
    ada.said.clear()
    ada.press("Control+Enter")
    assert box.count() == 0
    assert str(reviews.service.review("r1").reviewed.factors["autonomy_of_action"].value) == "0.7"
    assert [one.reviewer for one in reviews.service.history("r1")[-2:]] == ["Bo", "Ada"]


def exported(grace: Hands, reviews: Reviews, septet: Septet) -> None:
    """The file contains the signature and what was signed, as the command line finds in the store."""
    grace.tab_to("JSON")
    with grace.page.expect_download() as waited:
        grace.press("Enter")
    file = reviews.place / waited.value.suggested_filename
    waited.value.save_as(file)
    signed = parse(file.read_text("utf-8"), where="export")
    assert signed.review is not None
    assert (signed.review.reviewer, signed.review.role) == ("Grace", "approver")
    assert signed.review.head == reviews.service.history("r1")[signed.review.number - 1].hash
    assert str(signed.factors["autonomy_of_action"].value) == "0.7"
    assert "H1-a-flow-leaks" in threats_of(signed)
    outcome = septet("audit-log", "verify", "--store", reviews.store.path, "--against", file)
    assert outcome.code == 0, outcome.err
    file.write_text(file.read_text("utf-8").replace("A flow leaks", "A flow loses"), "utf-8")
    assert septet("audit-log", "verify", "--store", reviews.store.path, "--against", file).code == FOUND


# ---------------------------------------------------------------- number of keys


def drafted_as_one(cases: Iterable[str]) -> tuple[Draft, tuple[Document, ...]]:
    """Return the draft of the pages of these cases as those of one product."""
    pages = (each for slug in cases for each in case_documents(slug))
    documents = tuple(each.model_copy(update={"id": f"D{number}"}) for number, each in enumerate(pages, 1))
    reading = read_documents(documents)
    return draft_reading(reading, name=None, calibration=load_calibration(), created_at=READ_AT), documents


def many_facts() -> tuple[Draft, tuple[Document, ...]]:
    """Return a draft with just over forty facts, so that some are folded."""
    made = map(drafted_as_one, combinations(MANY, 2))
    return min((one for one in made if len(facts_of(one[0])) > MOST_FACTS), key=lambda one: len(facts_of(one[0])))


def test_a_draft_of_forty_facts_is_signed_as_it_is_in_45_keys_and_none_of_them_is_blind(
    browser: "Browser", reviews: Reviews
) -> None:
    draft, documents = many_facts()
    assert len(facts_of(draft)) > MOST_FACTS >= 40
    reviews.service.add_draft(draft, documents, ADA)
    seen: set[str] = set()

    def look() -> None:
        """Check that whatever is decided was on screen before, and note what is on screen now."""
        decided = {one.item.id for one in reviews.service.review("r1").own if one.verdict != "open"}
        assert decided <= seen, decided - seen
        seen.update(ada.page.evaluate(ON_SCREEN))

    with Served(reviews.service) as served:
        ada = Hands(browser, served.door())
        ada.press("j")
        ada.leave("Enter")
        ada.decide_all(look)
        ada.sign()
        assert "Signed by Ada" in ada.text(".notice.good")
        assert ada.presses <= 45
        ada.close()


def test_a_draft_is_signed_with_three_corrections_in_ninety_keys(browser: "Browser", reviews: Reviews) -> None:
    reviews.bring()
    with Served(reviews.service) as served:
        ada = Hands(browser, served.door())
        ada.press("j")
        ada.leave("Enter")
        for words, value in (("auton", "0.9"), ("memo", "0.1"), ("tool u", "0.7")):
            ada.correct_factor(words, value)
        ada.decide_all()
        ada.sign()
        assert "Signed by Ada" in ada.text(".notice.good")
        assert sum(one.verdict == "corrected" for one in reviews.service.review("r1").items) == 3
        assert ada.presses <= 90
        ada.close()
