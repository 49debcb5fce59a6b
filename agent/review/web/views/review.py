"""The review page as a whole: its bar, first decisions, sections and sources."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from agent.records import Document, Evidence, Score
from agent.report.sentences import tenth
from agent.review.domain.effects import decisions
from agent.review.domain.effects.what_if import promised
from agent.review.domain.items import FACT_SECTION, QUESTION_SECTION, SECTIONS
from agent.review.domain.records import ReviewState
from agent.review.domain.rescore import headline_of
from agent.review.web.views.items import Items, ItemView
from agent.review.web.views.overview import MOST_FACTS, Overview
from agent.review.web.views.sources import Quotes, source
from agent.review.web.views.wording import SHORT_LAYERS, duration, likely_text, score_text, section_title
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LAYERS


class Bar:
    """The data of a review's top bar; `as_of` is the past version that is shown, None for the newest."""

    def __init__(
        self, state: ReviewState, seconds: Mapping[str, float], pace: decisions.Pace, as_of: int | None = None
    ) -> None:
        moved = decisions.what_moved(state.model_copy(update={"reviewed": state.drafted}), state)
        self.key, self.version, self.stage, self.stamp = state.key, state.version, state.stage, state.stamp
        self.as_of, self.product, self.assigned = as_of, state.reviewed.product.name, state.assigned
        self.score, self.moved, self.causes = moved.after, _moved_words(moved), moved.causes
        self.open, self.items, self.waived = len(state.open), len(state.own), len(state.waived)
        self.decided = state.decided
        """The number of items that are neither open nor waived."""
        self.contested = sum(one.decision == "open" for one in state.contests)
        self.minutes, self.minutes_from = duration(decisions.minutes_left(state, pace) * 60), decisions.pace_words(pace)
        """The estimated minutes for the open items, and what the estimate is based on."""
        self.spent = duration(sum(seconds.values()))


def _moved_words(moved: decisions.Moved) -> str:
    """Describe how the drafted score or only its likely range has moved; empty if neither did."""
    was, now = score_text(moved.before), score_text(moved.after)
    if was != now:
        return f"drafted {was} → now {now}"
    if likely_text(moved.before) != likely_text(moved.after):
        return f"{now} as drafted, likely {likely_text(moved.before) or '–'} → {likely_text(moved.after) or '–'}"
    return f"{now} as drafted" if moved.causes else ""


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


class ReviewView:
    """The data of the review page: without forms if `acts` is False; `today` determines which due dates are past."""

    def __init__(
        self, state: ReviewState, documents: Sequence[Document], seconds: Mapping[str, float], *,
        acts: bool = True, today: str = "",
    ) -> None:  # fmt: skip
        evidence, promise, weak = every_quote(state), promised(state), decisions.review_order(state)
        self.quotes = Quotes(documents, evidence)
        whys = {spot.state.item.id: spot.why for spot in weak}
        items = Items(state, self.quotes, seconds, whys, acts=acts, today=today, promise=promise)
        views = [ItemView(items, one) for one in state.items]
        self.overview = Overview(state, {view.id: view for view in views}, promise)
        self.decisions = decisions.first_decisions(state)
        self.weak = [spot for spot in weak if spot.why]
        self.sections = [_section(key, views, state) for key in SECTIONS]
        self.headline = headline_of(state.reviewed)
        """The threat behind the score."""
        self.score, self.arithmetic = state.reviewed.score, _arithmetic(state.reviewed.score)
        self.sources = [source(document, evidence) for document in documents]
        self.dropped = [(each.what, _by_tag(each.reason, state)) for each in state.reviewed.dropped]


def _by_tag(reason: str, state: ReviewState) -> str:
    """Replace threat ids in a reason with the tags that the review uses."""
    for name in sorted(state.numbers, key=len, reverse=True):
        reason = reason.replace(name, state.tag(name))
    return reason


def every_quote(state: ReviewState) -> tuple[Evidence, ...]:
    """Return the reviewed draft's evidence, plus quotes from the original draft and from answers that only struck facts
    cite."""
    told = [quote for _, quotes in state.answered.values() for quote in quotes]
    every = {item.id: item for item in state.reviewed.evidence}
    for item in (*state.drafted.evidence, *told):
        every.setdefault(item.id, item)
    return tuple(every.values())


def _arithmetic(score: Score) -> str:
    """Return the computation of a score in one line; empty if nothing is added to a base."""
    base, added, total = score.cvss_base, score.aars, score.factor_sum
    if base is None or added is None or total is None:
        return ""
    controls = f", times {score.mitigation_factor} for controls" if score.mitigation_factor != 1 else ""
    return f"CVSS base {tenth(base)}, plus {added:.2f} for agentic factors that sum to {total:g} of 10{controls}"


def _section(key: str, views: Sequence[ItemView], state: ReviewState) -> SectionView:
    # An ability supported by facts is shown with these facts, unless somebody commented on it or contested it.
    inside = [view for view in views if view.section == key and not view.in_fact]
    own = next((name for name in LAYERS if name == key), None)
    if own:
        inside.sort(key=_by_place)
    elif key == QUESTION_SECTION:
        inside.sort(key=question_number)
    elif key == FACT_SECTION:
        inside.sort(key=lambda view: -view.standing.item.weight)
    folded = [view for view in inside if view.threat is not None and view.threat.folded]
    if key == FACT_SECTION:
        folded = inside[MOST_FACTS:]
    layer = state.reviewed.layers.get(own) if own else None
    flag = "" if layer is None else "certain" if layer.certain else "absent" if layer.applies == "no" else "uncertain"
    title = LAYER_TITLES[own] if own else section_title(key)
    return SectionView(
        key=key,
        code=LAYER_CODES[own] if own else "",
        title=title,
        short=SHORT_LAYERS[own] if own else title.split(" ")[0],
        flag=flag,
        items=tuple(view for view in inside if view not in folded),
        folded=tuple(folded),
        open=sum(view.is_open for view in inside),
        waived=sum(view.verdict == "waived" and not view.is_open for view in inside),
        supported=sum(view.verdict == "open" and view.supported and not view.standing.contested for view in inside),
    )


def question_number(view: ItemView) -> int:
    """Return the number of a question; sorting by it keeps the question in its place regardless of its verdict."""
    return int(view.id.partition("/Q")[2] or 0)


def _by_place(view: ItemView) -> tuple[bool, int]:
    """Return a sort key: the layer, then its threats in the order of the report, then all other threats."""
    tag = view.threat.tag if view.threat else ""
    return view.threat is not None, int(tag.removeprefix("T")) if tag else len(LAYERS) * 100
