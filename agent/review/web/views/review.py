"""The review page as a whole: its bar, first decisions, sections and sources."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from agent.records import Document, Evidence, Score
from agent.report.sentences import band_words, tenth
from agent.review.domain.effects.decisions import (
    Decision,
    Moved,
    Pace,
    first_decisions,
    minutes_left,
    pace_words,
    review_order,
    what_moved,
)
from agent.review.domain.items import FACT_SECTION, QUESTION_SECTION, SECTIONS
from agent.review.domain.records import ReviewState, ScoreShown, Stage, Stamp
from agent.review.domain.rescore import headline_of
from agent.review.web.views.items import Items, ItemView, dom_id
from agent.review.web.views.overview import MOST_FACTS, Overview, overview
from agent.review.web.views.sources import Quotes, SourceView, source
from agent.review.web.views.wording import SHORT_LAYERS, duration, likely_text, score_text, section_title
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LAYERS

_TEN: Final = Decimal(10)
_FULL: Final = 100.0


class ScoreView(NamedTuple):
    """A score as a chip and a bar: words, band, and position from 0 to 100."""

    text: str
    value: str
    band: str
    """In lower case; `withheld` without a number."""
    likely: str
    bands: str
    withheld: str
    at: float | None
    low: float | None
    high: float | None


class Bar(NamedTuple):
    """The data of a review's top bar."""

    key: str
    product: str
    version: int
    stage: Stage
    assigned: str
    score: ScoreView
    drafted: ScoreView
    moved: str
    """"drafted 9.4 Critical → now 9.1 Critical", or "9.1 Critical as drafted" if only its range moved; empty if nothing
    moved."""
    causes: tuple[str, ...]
    open: int
    items: int
    decided: int
    """The number of items that are neither open nor waived."""
    waived: int
    contested: int
    minutes: str
    minutes_from: str
    """The basis of `minutes`, in one line."""
    spent: str
    stamp: Stamp | None
    as_of: int | None
    """The past version that is shown; None for the newest."""
    undoable: int
    redoable: int


class DecisionLine(NamedTuple):
    """One of the first decisions."""

    item: str
    dom: str
    title: str
    why: str
    moves_band: bool


class SectionView(NamedTuple):
    """A section with its items."""

    key: str
    code: str
    title: str
    short: str
    """A layer's name in one word; for other sections, the first word of the title."""
    flag: str
    """`certain`, `uncertain` or `absent` for a layer; empty for other sections."""
    items: tuple[ItemView, ...]
    folded: tuple[ItemView, ...]
    open: int
    waived: int
    supported: int
    """The number of open items supported by quotes."""


class ArithmeticView(NamedTuple):
    """The computation of the score."""

    brief: str
    """The computation in one line; empty if nothing is added to a base."""
    lines: tuple[str, ...]
    others: tuple[tuple[str, str], ...]
    """Formula and value."""
    warnings: tuple[str, ...]
    controls: str
    without_claims: str


class ReviewView(NamedTuple):
    """The data of the review page."""

    bar: Bar
    overview: Overview
    decisions: tuple[DecisionLine, ...]
    weak: tuple[DecisionLine, ...]
    sections: tuple[SectionView, ...]
    headline: tuple[str, str] | None
    """Element and title of the threat behind the score."""
    arithmetic: ArithmeticView
    sources: tuple[SourceView, ...]
    quotes: Quotes
    dropped: tuple[tuple[str, str], ...]


def score_view(score: ScoreShown) -> ScoreView:
    """Convert a score for chip and bar."""
    low, high = score.low, score.high
    return ScoreView(
        text=score_text(score),
        value=tenth(score.aivss) if score.aivss is not None else "–",
        band=(score.severity or "withheld").lower() if score.aivss is not None else "withheld",
        likely=likely_text(score),
        bands=band_words(low, high) if low is not None and high is not None else "",
        withheld=score.withheld or "",
        at=_place(score.aivss),
        low=_place(low),
        high=_place(high),
    )


def bar(state: ReviewState, seconds: Mapping[str, float], pace: Pace, *, as_of: int | None = None) -> Bar:
    """Build the bar at the top of every page of a review."""
    moved = what_moved(state.model_copy(update={"reviewed": state.drafted}), state)
    left = minutes_left(state, pace)
    return Bar(
        key=state.key,
        product=state.reviewed.product.name,
        version=state.version,
        stage=state.stage,
        assigned=state.assigned,
        score=score_view(moved.after),
        drafted=score_view(moved.before),
        moved=_moved_words(moved),
        causes=moved.causes,
        open=len(state.open),
        items=len(state.own),
        decided=state.decided,
        waived=len(state.waived),
        contested=sum(one.decision == "open" for one in state.contests),
        minutes=duration(left * 60),
        minutes_from=pace_words(pace),
        spent=duration(sum(seconds.values())),
        stamp=state.stamp,
        as_of=as_of,
        undoable=state.undoable,
        redoable=state.redoable,
    )


def _moved_words(moved: Moved) -> str:
    """Describe how the drafted score has moved; empty if it has not."""
    was, now = score_text(moved.before), score_text(moved.after)
    if was != now:
        return f"drafted {was} → now {now}"
    if likely_text(moved.before) != likely_text(moved.after):
        return f"{now} as drafted, likely {likely_text(moved.before) or '–'} → {likely_text(moved.after) or '–'}"
    return f"{now} as drafted" if moved.causes else ""


def review_view(
    state: ReviewState,
    documents: Sequence[Document],
    seconds: Mapping[str, float],
    pace: Pace,
    *,
    as_of: int | None = None,
    acts: bool = True,
    today: str = "",
) -> ReviewView:
    """Build the review page, without forms if `acts` is False or a past version is shown.

    `today` determines which due dates are past.
    """
    evidence = every_quote(state)
    quotes = Quotes(documents, evidence)
    weak, first = review_order(state), headline_of(state.reviewed)
    whys = {spot.state.item.id: spot.why for spot in weak}
    items = Items(state, quotes, seconds, whys, acts=acts and as_of is None, today=today)
    views = [items.of(one) for one in state.items]
    return ReviewView(
        bar=bar(state, seconds, pace, as_of=as_of),
        overview=overview(state, {view.id: view for view in views}),
        decisions=tuple(_decision(each) for each in first_decisions(state)),
        weak=tuple(
            DecisionLine(
                spot.state.item.id, dom_id(spot.state.item.id), spot.state.item.title, "; ".join(spot.why), False
            )
            for spot in weak
            if spot.why
        ),
        sections=tuple(_section(key, views, state) for key in SECTIONS),
        headline=(dom_id(f"threat/{first.id}"), first.title) if first else None,
        arithmetic=arithmetic(state.reviewed.score),
        sources=tuple(source(document, evidence) for document in documents),
        quotes=quotes,
        dropped=tuple((each.what, _by_tag(each.reason, state)) for each in state.reviewed.dropped),
    )


def _by_tag(reason: str, state: ReviewState) -> str:
    """Replace threat ids in a reason by the tags that the review uses."""
    for name in sorted(state.numbers, key=len, reverse=True):
        reason = reason.replace(name, state.tag(name))
    return reason


def every_quote(state: ReviewState) -> tuple[Evidence, ...]:
    """Return the reviewed draft's evidence, plus quotes of the first draft and of answers that only struck facts
    cite."""
    every = {item.id: item for item in state.reviewed.evidence}
    told = [quote for _, quotes in state.answered.values() for quote in quotes]
    for item in (*state.drafted.evidence, *told):
        every.setdefault(item.id, item)
    return tuple(every.values())


def arithmetic(score: Score) -> ArithmeticView:
    """Return the lines of a score's arithmetic and the results of other formulas."""
    others = tuple((name, tenth(value)) for name, value in score.alternatives.items() if name != score.formula)
    controls, claims = score.with_controls, score.without_vendor_claims
    return ArithmeticView(
        brief=_brief(score),
        lines=tuple(score.arithmetic.splitlines()),
        others=others,
        warnings=score.warnings,
        controls=f"{tenth(controls.aivss)} {controls.severity}, at a factor of {controls.mitigation_factor}"
        if controls else "",
        without_claims=f"{tenth(claims.aivss)} {claims.severity}" if claims and claims.aivss is not None else "",
    )  # fmt: skip


def _brief(score: Score) -> str:
    base, added, total = score.cvss_base, score.aars, score.factor_sum
    if base is None or added is None or total is None:
        return ""
    controls = f", times {score.mitigation_factor} for controls" if score.mitigation_factor != 1 else ""
    return f"CVSS base {tenth(base)}, and {added:.2f} for its agentic factors, whose sum is {total:g} of 10{controls}"


def _place(value: Decimal | None) -> float | None:
    return None if value is None else float(value / _TEN) * _FULL


def _decision(each: Decision) -> DecisionLine:
    item = each.state.item
    return DecisionLine(item.id, dom_id(item.id), item.title, each.why, each.moves_band)


def _section(key: str, views: Sequence[ItemView], state: ReviewState) -> SectionView:
    # An ability supported by facts is shown with these facts, unless somebody commented on it or contested it.
    inside = [view for view in views if view.section == key and not view.in_fact]
    if key in LAYERS:
        inside.sort(key=_by_place)
    folded = tuple(view for view in inside if view.threat is not None and view.threat.folded)
    if key == QUESTION_SECTION:
        inside.sort(key=question_number)
    if key == FACT_SECTION:
        weights = {one.item.id: one.item.weight for one in state.items}
        inside.sort(key=lambda view: -weights[view.id])
        folded = tuple(inside[MOST_FACTS:])
    layer = next((each for name, each in state.reviewed.layers.items() if name == key), None)
    flag = "" if layer is None else "certain" if layer.certain else "absent" if layer.applies == "no" else "uncertain"
    code = next((LAYER_CODES[name] for name in LAYERS if name == key), "")
    title = next((LAYER_TITLES[name] for name in LAYERS if name == key), section_title(key))
    return SectionView(
        key=key,
        code=code,
        title=title,
        short=next((SHORT_LAYERS[name] for name in LAYERS if name == key), title.split(" ")[0]),
        flag=flag,
        items=tuple(view for view in inside if view not in folded),
        folded=folded,
        open=sum(view.is_open for view in inside),
        waived=sum(view.verdict == "waived" and not view.is_open for view in inside),
        supported=sum(view.verdict == "open" and view.supported and not view.contested for view in inside),
    )


def question_number(view: ItemView) -> int:
    """Return the number of a question; sorting by it keeps the question in its place regardless of its verdict."""
    return int(view.id.partition("/Q")[2] or 0)


def _by_place(view: ItemView) -> tuple[bool, int]:
    """Return a sort key: the layer first, its threats in the order of the report, then threats without a place
    there."""
    tag = view.threat.tag if view.threat else ""
    return view.threat is not None, int(tag.removeprefix("T")) if tag else len(LAYERS) * 100
