"""The page of an evaluation: no text takes effect, nothing is loaded, and nothing is drawn without data."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings, strategies as st

from evals.gate.verdict import Moved, Verdict
from evals.metrics.results import DraftView, Evaluation
from evals.report import page
from evals.report.cards import cards, far, flag, off, span
from evals.report.heat import shade
from evals.report.svg import Scale, element, words
from tests.fakes.evals.evaluation import HOSTILE, broken, case, evaluated, everything, verdict, view

FIGURES = ("heat-reader", "heat-published", "reliability", "risk", "scores", "bases", "ranges", "recall", "moves")
VOID = {"meta", "link", "br", "input", "img", "hr"}


class Outline(HTMLParser):
    """Collects start tags with attributes and the texts of scripts and styles; refuses tags that do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]].append(data)


def outline(html: str) -> Outline:
    found = Outline()
    found.feed(html)
    found.close()
    assert found.open == []
    return found


def run(words: str = "plain") -> tuple[Evaluation, list[DraftView], Verdict]:
    evaluation = evaluated(everything("alpha", words), case("beta", value=0.8), broken("gamma", words))
    return evaluation, [view("alpha", words), view("beta")], verdict("alpha", "gamma", words=words)


def full(words: str = "plain") -> str:
    return page.html(*run(words), categories={"alpha": words, "beta": "office"})


def test_every_figure_is_there_with_title_and_table() -> None:
    html = full()
    for key in FIGURES:
        svg = ElementTree.fromstring(re.findall(rf'<svg [^>]*aria-labelledby="{key}-title.*?</svg>', html, re.S)[0])
        assert len(list(svg.iter())) > 10, key
        assert svg.findtext("title")
        assert svg.findtext("desc")
        assert not any("style" in node.attrib for node in svg.iter())
    assert html.count("The numbers as a table") == len(FIGURES) - 2
    assert "The map as a table" in html


def test_nothing_is_loaded_and_only_our_own_script_runs() -> None:
    found = outline(full(HOSTILE))
    names = [tag for tag, _ in found.tags]
    assert names.count("script") == names.count("style") == 1
    assert {"img", "iframe", "object", "embed", "base", "video", "audio", "foreignobject", "image", "use"}.isdisjoint(
        names
    )
    for tag, attributes in found.tags:
        assert not any(name.startswith("on") or name in ("style", "src", "srcset", "action") for name in attributes)
        target = attributes.get("href")
        assert target is None or target.startswith("#") or (tag == "link" and target == "data:,")
    policy = next(a["content"] for tag, a in found.tags if tag == "meta" and "http-equiv" in a) or ""
    for kind in ("script", "style"):
        text = "".join(found.raw[kind])
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_hidden_characters_are_shown() -> None:
    html = full(HOSTILE)
    for hidden in ("\u202e", "\u202c", "\u2028", "\x00", "\x1b"):
        assert hidden not in html
    assert "⟨U+202E⟩" in html
    assert "alert(1)" in html
    assert "<script>alert" not in html


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.text(max_size=40))
def test_no_text_adds_an_element(words: str) -> None:
    assert [tag for tag, _ in outline(full(f"x{words}")).tags] == [tag for tag, _ in outline(full("plain words")).tags]


def test_it_has_what_a_keyboard_needs() -> None:
    found = outline(full())
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {(attributes.get("href") or "")[1:] for tag, attributes in found.tags if tag == "a"}
    assert targets <= set(ids)
    assert next(attributes["class"] for tag, attributes in found.tags if tag == "a") == "skip"
    for tag, attributes in found.tags:
        if tag in ("svg", "section", "nav"):
            assert attributes.get("aria-labelledby") or attributes.get("aria-label") or tag == "section"


def test_verdict_findings_and_moves_come_first() -> None:
    html = full()
    assert html.index("The gate fails with 2 findings") < html.index("0.300, 0.050 above plain") < html.index("<svg")
    assert html.index("0.050 above plain") < html.index("Next: look at the cases listed first") < html.index("<svg")
    assert "cannot tell: mean difference" in html
    assert html.index('id="changes"') < html.index('id="wrong"')
    assert "Persistent Memory: MAE reader" in html


def test_what_is_missing_is_said_and_not_drawn() -> None:
    bare = evaluated(case("a", published=None, reader=None))
    html = page.html(bare, [], None)
    assert "<svg" not in html
    for said in (
        "Measured without a baseline",
        "The run was not compared with a baseline",
        "No case has factor labels",
        "No case has both layer labels",
        "No drafted case has a published score",
        "did not measure retrieval",
        "No case was drafted from its card",
        "No reworded twin",
        "No text with planted orders",
        "No LLM was used",
    ):
        assert said in html


def test_a_verdict_without_moves_draws_no_bars() -> None:
    same = Verdict(regime="replay", outcome="pass", findings=(), moved=(), cases=())
    html = page.html(evaluated(case("a")), [view("a")], same)
    assert "No metric with a value in the baseline has changed." in html
    assert "No draft measures differently than in the baseline." in html
    new = same.model_copy(update={"moved": (Moved(metric="fresh", before=None, after=1.0, worse=False),)})
    assert "No metric with a value in the baseline" in page.html(evaluated(case("a")), [view("a")], new)


def test_no_case_and_only_failed_cases_are_a_page_too() -> None:
    html = page.html(evaluated(), [], None)
    assert "The evaluation holds no case." in html
    assert "<svg" not in html
    outline(html)
    html = page.html(evaluated(broken("a"), broken("b")), [], None)
    assert html.count("Could not be drafted and counts as the worst value") == 2
    outline(html)


def test_the_page_is_pure() -> None:
    assert full() == full()


def test_the_worst_case_comes_first_and_long_reports_are_cut() -> None:
    evaluation, views, found = run()
    long = views[0]._replace(report="line of words\n" * 200_000)
    made = cards(evaluation.per_case, {"alpha": long}, found, {})
    assert [(card.result.case, card.place) for card in made] == [("gamma", 2), ("alpha", 1), ("beta", 0)]
    cut = made[1].report
    assert len(cut) < 310_000
    assert cut.endswith("further characters omitted]")
    assert made[1].headline_found == "ASI01, L2, plain: not among the shown threats"


def test_rows_of_a_case_show_draft_and_labels() -> None:
    assert (span(0.3, 0.7), span(None, 0.7)) == ("0.3–0.7", "–")
    assert [off(0.5, given) for given in (0.8, 0.4, 0.5, None)] == ["−0.3", "+0.1", "0", ""]
    assert [far(value, given) for value, given in ((0.5, 0.8), (0.5, 0.4), (None, 0.4), (0.5, None))] == [
        True, False, True, False,
    ]  # fmt: skip
    assert [flag(certain) for certain in (None, True, False)] == ["–", "certain", "not certain"]
    html = full()
    for part in ("0.3–0.7", "−0.2", "+0.1", "cited plain", "reader plain"):
        assert part in html


@pytest.mark.parametrize(
    ("value", "given", "expected"),
    [
        (0.5, 0.5, "z"), (0.6, 0.5, "h1"), (0.3, 0.5, "l2"), (0.9, 0.5, "h3"), (0.2, 0.9, "l4"), (0.5, None, "n"),
        (None, 0.5, "f"),
    ],
)  # fmt: skip
def test_shades(value: float | None, given: float | None, expected: str) -> None:
    assert shade(value, given) == expected


def test_the_kit_of_pictures_escapes() -> None:
    assert element("a", "<b>", href='"&') == '<a href="&#34;&amp;">&lt;b&gt;</a>'
    assert "⟨U+202E⟩" in words("\u202e", 0, 0)
    assert Scale(0, 10, 0, 100).at(12) == 100
