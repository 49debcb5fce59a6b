"""The review app on a loopback port of this process, and a reviewer at a browser whose key presses are counted."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

import uvicorn

from agent.intake.crawl.browser import find_chromium
from agent.review.domain.items import threats_of
from agent.review.domain.records import Reviewer, ReviewState
from agent.review.service import Service
from agent.review.web.access import ENTER, Access
from agent.review.web.app import create_app
from agent.review.web.server import address, bound
from agent.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ColorScheme, Locator, Page

FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
ADA = Reviewer(name="Ada")
MOST_ACTS = 90
SHIFTED = frozenset('?>:_"!')
NAMES = """
(({ labels, name, ariaLabel }) => [labels?.[0]?.textContent.trim(), name, ariaLabel])(document.activeElement)
"""
WATCH = """
window.seen = { violations: [], shifts: [] };
document.addEventListener("securitypolicyviolation", (event) => window.seen.violations.push(event.violatedDirective));
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.seen.shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
"""


@contextmanager
def chromium() -> "Iterator[Browser]":
    """Yield the system's Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=find_chromium(Settings(browser="on")), args=FLAGS, chromium_sandbox=False
        )
        yield started
        started.close()


class Served:
    """The app over a service, served until the end of the block."""

    def __init__(self, service: Service) -> None:
        self._socket = bound("127.0.0.1", 0)
        self.address = address(self._socket)
        self.access = Access.loopback(self._socket.getsockname()[1])
        config = uvicorn.Config(
            create_app(service, self.access), log_config=None, access_log=False, ws="none", http="h11", lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def door(self, reviewer: Reviewer = ADA) -> str:
        """Return a one-time address."""
        return f"{self.address}{ENTER}?token={self.access.invite(reviewer)}"


class Hands:
    """A reviewer with a separate page: every key is counted, including Shift and Ctrl."""

    def __init__(
        self,
        browser: "Browser",
        door: str,
        *,
        scheme: "ColorScheme" = "light",
        width: int = 1280,
        script: bool = True,
        policy: bool = True,
    ) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce",
            java_script_enabled=script, bypass_csp=not policy,
        )  # fmt: skip
        self.context.set_default_timeout(10_000)
        self.page: Page = self.context.new_page()
        self.said: list[str] = []
        self.presses = 0
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        if script:
            self.page.add_init_script(WATCH)
        self.page.goto(door)

    def press(self, *keys: str) -> None:
        """Press keys one after the other, each after the page has responded to the previous one."""
        for key in keys:
            self.presses += key.count("+") + 1 if len(key) > 1 else 1 + (key.isupper() or key in SHIFTED)
            self.page.keyboard.press(key)
            self.settle()

    def type(self, text: str) -> None:
        self.presses += sum(1 + (char.isupper() or char in SHIFTED) for char in text)
        self.page.keyboard.type(text)

    def settle(self) -> None:
        """Wait until nothing is being saved."""
        self.page.wait_for_function("() => !document.querySelector('form[aria-busy]')")

    def paste(self, text: str) -> None:
        """Type into the focused field, replacing its contents."""
        self.press("Control+a")
        self.page.keyboard.insert_text(text)
        self.settle()

    def leave(self, *keys: str) -> None:
        """Press keys of which the last one leads to another page."""
        self.press(*keys[:-1])
        with self.page.expect_navigation():
            self.presses += keys[-1].count("+") + 1
            self.page.keyboard.press(keys[-1])

    def search(self, words: str) -> None:
        """Go to an item by words of it."""
        self.press("/")
        self.type(words)
        self.press("Enter")

    def tab_to(self, name: str) -> None:
        """Press Tab until the focused element has this name: its text, its label or its field name."""
        for _ in range(400):
            self.press("Tab")
            if name in (self.focus(), *self.page.evaluate(NAMES)):
                return
        raise AssertionError(f"Tab never reaches {name!r}")

    def focus(self) -> str:
        """Return the text of what has the focus."""
        return str(self.page.evaluate("document.activeElement.textContent.trim()"))

    def item(self) -> str:
        """Return the item that has the focus or contains the focused element."""
        return str(self.page.evaluate("document.activeElement.closest('[data-item]')?.dataset.item ?? ''"))

    def verdict(self, item: str) -> str:
        return str(self.page.locator(f'article[data-item="{item}"]').get_attribute("data-verdict"))

    def open_left(self) -> int:
        return int(self.page.locator("#bar-open b").inner_text())

    def text(self, selector: str) -> str:
        return " ".join(self.page.locator(selector).inner_text().split())

    def close(self) -> None:
        """End the session: no script failed, the console stayed empty, the policy was followed, nothing shifted."""
        assert self.said == [], self.said
        assert self.page.evaluate("window.seen?.violations ?? []") == []
        self.context.close()

    # ------------------------------------------------------------ ways through a review

    def decide_all(self, before_each: Callable[[], None] = lambda: None) -> None:
        """Confirm everything open, section by section, and send the questions once the last was on screen, as a person
        who agrees would do.

        `before_each` is called before each key that decides, and at the end.
        """
        self.press("n")
        for _ in range(MOST_ACTS):
            before_each()
            if not self.open_left():
                return
            self.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)))")
            inside = self.page.locator("section:has(.is-current)")
            supported = self.page.locator('.is-current[data-supported="yes"]').count()
            if supported and inside.locator('form[data-verb="confirm-section"] button:enabled').count():
                self.press("b")
            elif inside.locator('form[data-verb="send-section"]').count():
                self.go_through(inside.locator('article[data-verdict="open"]'), before_each)
                self.press("Q")
            else:
                self.press("c")
        raise AssertionError(f"{self.open_left()} items are open after {MOST_ACTS} acts")

    def go_through(self, items: "Locator", at_each: Callable[[], None]) -> None:
        """Go from one open item to the next until the last of these items is on screen."""
        for _ in range(items.count()):
            if not items.last.evaluate("each => each.getBoundingClientRect().bottom > innerHeight"):
                return
            self.press("n")
            at_each()

    def correct_factor(self, words: str, value: str) -> None:
        """Enter another value. The key that saves first leads to the missing reason, and saves once it is given."""
        self.search(words)
        self.press("e")
        self.type(value)
        self.press("Control+Enter")
        self.type("t")
        self.press("Control+Enter")

    def sign(self) -> None:
        self.leave("g", "s")
        self.leave("Control+Enter")


def why_fell(state: ReviewState, item: str) -> str:
    """Return what the card of an item that fell says about the reason."""
    drafted = {f"chain/{at}": chain.threats for at, chain in enumerate(state.drafted.chains, 1)}
    lost = set(drafted.get(item, ())) - threats_of(state.reviewed).keys()
    return "one of its threats was struck" if lost else "a fact that it rested on"


@contextmanager
def at_review(browser: "Browser", service: Service, path: str = "/r/r1") -> "Iterator[Hands]":
    """Yield a reviewer at a page, by default that of the first review; end with `Hands.close`."""
    with Served(service) as served:
        found = Hands(browser, served.door())
        found.page.goto(f"{served.address}{path}")
        yield found
        found.close()
