"""The overview in a browser: the threat table sorts and filters, and a fact shows what is removed with it."""

from typing import TYPE_CHECKING

import pytest

from agent.review.domain.records import Action, Item
from tests.fakes.review.browser import Hands, why_fell
from tests.fakes.review.served_reviews import Reviews

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.browser


def column(ada: Hands, at: int) -> list[str]:
    return ada.page.locator(f"#over-threats tbody tr:not([hidden]) td:nth-child({at})").all_inner_texts()


def test_the_threat_table_sorts_by_a_column_and_shows_what_is_asked_for(ada: Hands) -> None:
    every = column(ada, 1)
    assert len(every) > 3
    base = ada.page.locator("#over-threats thead button", has_text="CVSS base")
    base.focus()
    ada.press("Enter")
    rising = [float(text.split()[0]) for text in column(ada, 4)]
    assert rising == sorted(rising)
    ada.press("Enter")
    assert [float(text.split()[0]) for text in column(ada, 4)] == rising[::-1]
    assert ada.page.locator("#over-threats th[aria-sort]").get_attribute("aria-sort") == "descending"
    ada.page.locator(".table-filter").focus()
    ada.type("l6")
    assert set(column(ada, 3)) == {"L6"}


def test_a_count_of_the_grid_shows_its_threats_and_what_fits_nothing_says_so(ada: Hands) -> None:
    count = ada.page.locator(".grid td a[data-filter]").first
    number = int(count.inner_text().split()[0])
    layer = str(count.get_attribute("data-filter")).split()[0]
    count.focus()
    ada.press("Enter")
    shown = column(ada, 3)
    assert len(shown) <= number
    assert set(shown) == {layer}
    ada.page.locator(".table-filter").fill("nothing like it")
    assert column(ada, 1) == []
    assert ada.text('output[data-of="over-threats"]') == "No match"


def view_box(ada: Hands) -> list[float]:
    return [float(each) for each in str(ada.page.locator("svg.picture").get_attribute("viewBox")).split()]


def test_the_picture_comes_nearer_and_moves_by_keys_and_buttons_and_leads_to_a_part(ada: Hands) -> None:
    whole = view_box(ada)
    zoom = ada.page.locator("#zoom")
    zoom.focus()
    ada.press("+", "+")
    near = view_box(ada)
    assert near[2] < whole[2] / 1.5
    assert abs(near[2] / near[3] - whole[2] / whole[3]) < 0.01
    ada.press("ArrowLeft")
    assert view_box(ada)[0] < near[0]
    ada.press(*["ArrowLeft"] * 20)
    assert view_box(ada)[0] == 0, "not beyond its edge"
    ada.press("0")
    assert view_box(ada) == whole
    ada.page.locator('[data-zoom="in"]').focus()
    ada.press("Enter")
    assert view_box(ada)[2] < whole[2]
    ada.page.locator('[data-zoom="whole"]').focus()
    ada.press("Enter")
    assert view_box(ada) == whole
    link = ada.page.locator("svg.picture a:not([tabindex])").first
    link.focus()
    ada.press("Enter")
    row = ada.page.locator("tr:target")
    assert f"#{row.get_attribute('id')}" == link.get_attribute("href")
    assert row.is_visible()


def test_what_the_picture_was_drawn_along_by_is_no_click(ada: Hands) -> None:
    ada.page.locator("#zoom").scroll_into_view_if_needed()
    for _ in range(4):
        ada.page.locator('[data-zoom="in"]').click()
    before = view_box(ada)
    box = ada.page.locator("#zoom svg").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    ada.page.mouse.move(x, y)
    ada.page.mouse.down()
    ada.page.mouse.move(x + 60, y, steps=4)
    ada.page.mouse.up()
    assert view_box(ada)[0] < before[0]
    assert ada.page.locator("tr:target").count() == 0
    ada.page.mouse.move(x, y)
    moved = view_box(ada)
    ada.page.mouse.move(x + 200, y + 40)
    assert view_box(ada) == moved, "no button is held"


@pytest.mark.parametrize("width", [1280, 1920])
def test_the_outline_says_what_is_being_read(ada: Hands, width: int) -> None:
    ada.page.set_viewport_size({"width": width, "height": 900})
    for name in ("heading-over-threats", "section-facts", "section-questions") if width > 1500 else ("section-facts",):
        ada.page.evaluate("name => document.getElementById(name).scrollIntoView()", name)
        ada.page.locator(f'.outline a[aria-current][href="#{name}"]').wait_for()
    nav, bar = (ada.page.locator(each).bounding_box() for each in (".outline", "header.bar"))
    assert nav is not None
    assert bar is not None
    assert abs(nav["y"] - bar["height"]) < 1, "it stays in sight"


@pytest.mark.parametrize("path", ["/r/r1", "/r/r1/sign", "/r/r1/history", "/", "/compare?keys=r1,r2"])
def test_a_wide_screen_is_used(ada: Hands, reviews: Reviews, path: str) -> None:
    reviews.bring("abridge")
    ada.page.set_viewport_size({"width": 1920, "height": 1080})
    ada.page.goto(ada.page.url.partition("/r/")[0] + path)
    wide = ada.page.evaluate("document.querySelector('main').getBoundingClientRect().width")
    assert wide > 1920 * 2 / 3


def bearing(reviews: Reviews) -> Item:
    """Return the fact with the most weight among those with which a threat falls."""
    state = reviews.service.review("r1")

    def bears(item: Item) -> bool:
        action = Action(verb="strike", item=item.id, version=state.version, reason="wrong-quote")
        fell = reviews.service.try_out("r1", action).state.fell
        return any(name.startswith("threat/") for name in fell)

    facts = [one.item for one in state.items if one.item.kind == "fact"]
    return max(filter(bears, facts), key=lambda item: item.weight)


def test_before_a_fact_is_struck_its_form_says_what_falls_and_an_undo_brings_it_back(
    ada: Hands, reviews: Reviews
) -> None:
    fact = bearing(reviews)
    ada.page.locator(f'article[data-item="{fact.id}"]').focus()
    ada.press("x")
    told = ada.page.locator(f'article[data-item="{fact.id}"] form[data-verb="strike"] .preview')
    told.locator("dt").get_by_text("Removed").wait_for()
    before = [told.locator("dd").nth(at).inner_text() for at in range(told.locator("dd").count())]
    ada.type("t")
    ada.press("Control+Enter")
    assert ada.verdict(fact.id) == "struck"
    # The card afterwards says what its form announced.
    after = ada.page.locator(f'article[data-item="{fact.id}"] dl.moved-list dd')
    assert [after.nth(at).inner_text() for at in range(after.count())] == before
    state = reviews.service.review("r1")
    fell = state.fell
    assert fell
    # An ability that follows from a fact is shown on the fact's card.
    shown = [item for item in fell if ada.page.locator(f'article[data-item="{item}"]').count()]
    assert {item.partition("/")[0] for item in fell} - {"capability"} <= {item.partition("/")[0] for item in shown}
    for item in shown:
        card = str(ada.page.locator(f'article[data-item="{item}"]').text_content())
        assert why_fell(state, item) in card
    ada.press("u")
    assert reviews.service.review("r1").fell == ()
    ada.press("U")
    assert reviews.service.review("r1").fell == fell


def test_the_sign_page_shows_the_document_within_the_policy(ada: Hands) -> None:
    ada.leave("g", "s")
    assert ada.page.locator(".document h2").count() > 5
    assert "⚑" in str(ada.page.locator(".document").text_content())


def test_the_first_press_on_a_card_hits_its_button(ada: Hands) -> None:
    """The selection made by pressing on a card never moves the button under the pointer."""
    cards = ada.page.locator("article.kind-fact")
    for at in range(cards.count()):
        button = cards.nth(at).locator('summary[data-verb="strike"]')
        button.scroll_into_view_if_needed()
        before = button.bounding_box()
        assert before is not None
        ada.page.mouse.move(before["x"] + 8, before["y"] + 8)
        ada.page.mouse.down()
        assert button.bounding_box() == before
        ada.page.mouse.up()
        cards.nth(at).locator("details.act[open]").wait_for()
        button.click()


def test_a_pointer_stays_where_it_decided_and_a_key_goes_on(ada: Hands, reviews: Reviews) -> None:
    facts = [one.item.id for one in reviews.service.review("r1").items if one.item.kind == "fact"]
    card = ada.page.locator(f'article[data-item="{facts[0]}"]')
    card.locator('form[data-verb="confirm"] button').click()
    ada.settle()
    assert ada.item() == facts[0]
    card.locator('summary[data-verb="strike"]').click()
    card.locator('form[data-verb="strike"] select').select_option(index=1)
    card.locator('form[data-verb="strike"] button').click()
    ada.settle()
    assert ada.item() == facts[0]
    back = card.get_by_role("button", name="Restore")
    box = back.bounding_box()
    assert box is not None
    assert box["y"] < 900, "what was struck, and the way back, are in view"
    assert ada.page.locator("#announce").get_attribute("class") == "unseen", "the card says it, no message lies over it"
    back.click()
    ada.settle()
    assert ada.text("#bar-moved").startswith("Restored")
    ada.press("c")
    assert ada.item() == facts[0], "it is confirmed already"
    ada.press("j", "c")
    assert ada.item() != facts[1]


def test_a_search_counts_lists_and_marks_its_hits(ada: Hands) -> None:
    ada.page.get_by_role("button", name="Search").click()
    ada.type("the")
    box = ada.page.locator("#find")
    counted = int(box.locator("output").inner_text().split()[0])
    listed = box.locator("li button")
    assert listed.count() == min(counted, 8)
    assert ada.page.evaluate("CSS.highlights.get('found').size") >= counted
    second = listed.nth(1).inner_text()
    listed.nth(1).click()
    assert second in str(ada.page.locator("article.is-current").text_content())
    ada.press("Escape")
    assert not ada.page.evaluate("CSS.highlights.has('found')")
    ada.search("nothing says this")
    assert "No item matches" in box.locator("output").inner_text()
    ada.press("Escape")
    row = ada.page.locator("tr.unstated").first
    ada.search(str(row.locator(".said").text_content()).lower())
    assert row.is_visible(), "what nobody states is found and unfolded"


@pytest.mark.parametrize("width", [1280, 1600, 1920])
def test_the_form_of_a_threat_and_the_sources_share_the_page(ada: Hands, width: int) -> None:
    ada.page.set_viewport_size({"width": width, "height": 900})
    ada.page.goto(ada.page.url.partition("?")[0] + "/add")
    form, sources = (ada.page.locator(each).bounding_box() for each in ("#adding", "#sources"))
    assert form is not None
    assert sources is not None
    assert form["width"] > width * 0.4
    assert sources["x"] + sources["width"] > width - 2
    assert sources["x"] > form["x"] + form["width"] - 1


@pytest.mark.parametrize("width", [1280, 1920])
def test_a_mark_shows_its_quote_where_the_sources_are_out_of_sight(ada: Hands, width: int) -> None:
    ada.page.set_viewport_size({"width": width, "height": 900})
    mark = ada.page.locator(".posture a.mark").first
    name = mark.inner_text()
    quote = str(ada.page.locator(f'mark[data-marks~="{name}"]').first.text_content())
    mark.focus()
    ada.press("Enter")
    box = ada.page.locator("#quoted")
    assert quote in box.inner_text()
    ada.press("Escape")
    assert not box.is_visible()
    assert ada.focus() == name, "back at the mark"
    mark.click()
    assert quote in box.inner_text()
    box.get_by_role("link").click()
    assert not box.is_visible()
    ada.page.wait_for_function(
        "name => { const at = document.getElementById('cite-' + name).getBoundingClientRect();"
        " return at.top > 0 && at.bottom < innerHeight; }",
        arg=name,
    )
    card = ada.page.locator("article.kind-fact a.mark").first
    card.scroll_into_view_if_needed()
    card.click()
    assert not box.is_visible(), "beside the draft its place in the source is enough"
