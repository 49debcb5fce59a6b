"""The page of an evaluation in a real browser: opened from a file, used by keyboard, in both colour schemes."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evals.report import page
from tests.fakes.evals.evaluation import HOSTILE, broken, case, evaluated, everything, verdict, view

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ColorScheme, Page

pytestmark = pytest.mark.browser

FIGURES = ("heat-reader", "reliability", "risk", "scores", "bases", "ranges", "recall", "moves")
CASES = tuple(f"case{n}" for n in range(8))

WATCH = """
window.seen = { violations: [], shifts: 0 };
document.addEventListener("securitypolicyviolation", (event) => window.seen.violations.push(event.violatedDirective));
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.seen.shifts += entry.value; })
  .observe({ type: "layout-shift", buffered: true });
"""
CONTRAST = """
() => {
  const parts = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = (colour) => {
    const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = parts(colour).slice(0, 3).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const back = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor, found = parts(colour);
      if (found.length === 3 || found[3] === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const weak = [];
  for (const node of document.body.querySelectorAll("*")) {
    if (![...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())) continue;
    if (["SCRIPT", "STYLE", "title", "desc", "OPTION"].includes(node.nodeName)) continue;
    if (!node.getClientRects().length) continue;
    const style = getComputedStyle(node), ink = node.nodeName === "text" ? style.fill : style.color;
    const [a, b] = [light(ink), light(back(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const name = `${node.nodeName}.${node.getAttribute("class")}`;
    if (ratio < 4.5) weak.push(`${name} ${ratio.toFixed(2)}: ${node.textContent.slice(0, 30)}`);
  }
  return weak;
}
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every block, and hostile words in each text."""
    results = [everything(slug, HOSTILE) for slug in CASES[:3]]
    results += [case(slug, value=n / 10) for n, slug in enumerate(CASES[3:], start=2)]
    path = tmp_path_factory.mktemp("page") / "report.html"
    html = page.html(
        evaluated(*results, broken("broken", HOSTILE)),
        [view(CASES[0], HOSTILE), *map(view, CASES[1:])],
        verdict(*CASES[:2], words=HOSTILE),
        categories={slug: "office" if n % 2 else "coding" for n, slug in enumerate(CASES)},
    )
    path.write_text(html, "utf-8")
    return path


class Opened:
    """A page with everything that it logged and requested."""

    def __init__(self, browser: "Browser", file: Path, *, scheme: "ColorScheme" = "light", width: int = 1280) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
        )
        self.page: Page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.add_init_script(WATCH)
        self.page.goto(file.as_uri())

    def focus(self) -> str:
        """Return what has the focus: its id, or else its text."""
        return str(self.page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))


@pytest.fixture
def opened(browser: "Browser", file: Path) -> Iterator[Opened]:
    found = Opened(browser, file)
    yield found
    assert found.said == []
    assert found.page.evaluate("window.seen.violations") == []
    assert {url for url in found.asked if not url.startswith("data:")} == {file.as_uri()}
    found.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 1920])
def test_every_figure_is_drawn_quietly_in_both_schemes(
    browser: "Browser", file: Path, scheme: "ColorScheme", width: int
) -> None:
    found = Opened(browser, file, scheme=scheme, width=width)
    for key in FIGURES:
        svg = found.page.locator(f"svg[aria-labelledby^='{key}-title']")
        box = svg.bounding_box()
        assert box is not None
        assert box["width"] > 300
        assert box["height"] > 50
        assert svg.locator("rect, circle, polyline, line").count() > 3
    assert found.page.evaluate("document.documentElement.scrollWidth") == width
    assert found.page.evaluate(CONTRAST) == []
    found.page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    assert found.page.evaluate(CONTRAST) == []
    assert found.page.evaluate("document.documentElement.scrollWidth") == width
    assert found.said == []
    assert found.page.evaluate("window.seen.violations") == []
    assert {url for url in found.asked if not url.startswith("data:")} == {file.as_uri()}
    found.context.close()


def test_nothing_moves_while_it_loads(opened: Opened) -> None:
    opened.page.wait_for_timeout(200)
    assert opened.page.evaluate("window.seen.shifts") < 0.01


def test_tab_reaches_each_control_in_order(opened: Opened) -> None:
    reached: list[str] = []
    for _ in range(400):
        opened.page.keyboard.press("Tab")
        reached.append(opened.focus())
        if reached[-1] == "order":
            break
    opened.page.keyboard.press("Tab")
    assert reached[0] == "Skip to the verdict"
    wanted = ["Verdict", "Cases", "theme", "heat-order", "heat", "filter", "show", "order"]
    assert [at for at in reached if at in wanted] == wanted
    assert opened.page.evaluate("document.activeElement.matches('#list .case > summary')")
    outline = opened.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_the_skip_link_leads_to_the_verdict(opened: Opened) -> None:
    opened.page.keyboard.press("Tab")
    opened.page.keyboard.press("Enter")
    assert opened.focus() == "verdict"


def test_the_theme_turns(opened: Opened) -> None:
    colours = []
    for _ in range(3):
        colours.append(opened.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        opened.page.locator("#theme").click()
    assert colours[0] == colours[1] != colours[2]
    assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == colours[0]
    assert opened.page.locator("#theme").get_attribute("aria-label") == "Colours: as the system has them"


def test_the_list_filters_and_sorts(opened: Opened) -> None:
    shown = opened.page.locator("#shown")
    assert shown.text_content() == "9 cases"
    opened.page.fill("#filter", "COD cas")
    assert shown.text_content() == "4 of 9 cases"
    opened.page.fill("#filter", "nobody")
    assert opened.page.locator("#nothing").is_visible()
    opened.page.fill("#filter", "")
    opened.page.select_option("#show", "changed")
    assert shown.text_content() == "2 of 9 cases"
    opened.page.select_option("#show", "failed")
    assert opened.page.locator(".case:visible").get_attribute("id") == "case-broken"
    opened.page.select_option("#show", "")
    opened.page.select_option("#order", "place")
    assert opened.page.locator("#list .case").nth(1).get_attribute("id") == "case-case1"


def test_a_link_opens_its_case_even_when_it_is_filtered_away(opened: Opened) -> None:
    opened.page.fill("#filter", "nobody")
    opened.page.locator(".findings a[href='#case-case1']").first.click()
    card = opened.page.locator("#case-case1")
    assert card.is_visible()
    assert card.get_attribute("open") is not None
    assert opened.page.evaluate("document.activeElement.closest('.case').id") == "case-case1"


def test_an_address_with_a_case_opens_it(browser: "Browser", file: Path) -> None:
    context = browser.new_context()
    direct = context.new_page()
    direct.goto(f"{file.as_uri()}#case-case2")
    assert direct.locator("#case-case2").get_attribute("open") is not None
    context.close()


def test_the_map_is_read_by_keyboard_and_by_pointer(opened: Opened) -> None:
    said = opened.page.locator("#heat-said")
    opened.page.locator("#heat").focus()
    opened.page.keyboard.press("ArrowDown")
    first = said.text_content() or ""
    assert "Goal-Driven Planning: drafted" in first
    opened.page.keyboard.press("End")
    assert said.text_content() != first
    opened.page.select_option("#heat-order", "category")
    opened.page.check("input[value='published']")
    assert opened.page.locator(".map[data-labels='published'] svg").is_visible()
    assert opened.page.locator(".map[data-labels='reader'] svg").is_hidden()
    box = opened.page.locator(".map[data-labels='published'] svg .columns").bounding_box()
    assert box is not None
    opened.page.mouse.move(box["x"] + 3, box["y"] + box["height"] - 3)
    assert "Opacity & Reflexivity: drafted" in (said.text_content() or "")
    opened.page.locator("#heat").focus()
    opened.page.keyboard.press("Home")
    opened.page.keyboard.press("Enter")
    assert opened.page.evaluate("document.activeElement.closest('.case').open")


def test_it_reads_without_scripts(browser: "Browser", file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    still = context.new_page()
    still.goto(file.as_uri())
    assert still.locator("svg").count() == len(FIGURES) + 1
    still.locator("#case-case0 > summary").click()
    assert still.locator("#case-case0 .factors").is_visible()
    context.close()
