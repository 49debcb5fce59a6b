"""Part 15 of the report: the arithmetic, the vector in words, the factors with their parts, the other formulas."""

from typing import Final

from agent.export.safe_markdown import Column, fence, plain, table
from agent.export.sentences import change, effect, listed, marks, span, tenth, with_article
from agent.export.vector_words import vector_words
from agent.export.view import View, name_of
from agent.records import FactorEstimate, FormulaId, Part
from agent.taxonomy.keys import FACTOR_SETS, FACTOR_TITLES, FACTORS, FactorKey

_QUOTE: Final = 80
_PARTS: Final = 4
_TYPICAL: Final = "typical"
_ALWAYS: Final = frozenset({"typical", "proposal", "review"})
"""Kinds of part that are told however little they move."""
_WEIGHED: Final = ", weighed with the estimate"
"""In the label of a proposal; true of each of them, so the table leaves it out."""
_REASONS: Final[dict[FormulaId, str]] = {
    "aivss-0.5": "mean of base and factor sum, no mitigation; superseded by 0.8",
    "aivss-0.8": "newest published formula",
    "aivss-1-amended": "mitigation on the uplift alone; proposed, equal to 0.8 before controls",
    "cvss-bte": "the vector alone, no factors; 1.0 candidate",
}
_ATTRIBUTION: Final = (
    "AIVSS: OWASP Agentic AI Vulnerability Scoring System. "
    "MAESTRO: seven-layer agentic threat modelling, Cloud Security Alliance / Ken Huang. CVSS v4.0: FIRST."
)


def score(view: View) -> list[str]:
    """Part 15."""
    stored = view.draft.score
    lines = ["## Score", *fence(stored.arithmetic.split("\n"), "text"), ""]
    if stored.withheld is not None:
        lines += [f"Withheld: {plain(stored.withheld)}; with typical estimates {tenth(stored.provisional)}", ""]
    lines += [*_headline(view), *_vector_table(view)]
    lines += [*_factor_table(view), *_lowered_by_llm(view)]
    lines += [f"Corners {span(stored.low, stored.high)}", ""]
    lines += [f"- Warning: {plain(warning)}" for warning in stored.warnings]
    lines += [*_alternatives(view), "", _ATTRIBUTION, ""]
    return lines


def _headline(view: View) -> list[str]:
    """Which threat gives the base."""
    headline = view.headline
    if headline is None or view.draft.score.withheld is not None:
        return []
    return [f"Headline {headline.tag}, {plain(headline.threat.title)} {marks(headline.threat.evidence)}", ""]


def _vector_table(view: View) -> list[str]:
    """The headline's vector metric by metric, with the reasons that the product's own words give."""
    vector, headline = view.draft.score.cvss_vector, view.headline
    same = headline is not None and headline.threat.score.cvss_vector == vector
    reasons = headline.threat.score.reasons if headline is not None and same else {}
    words = vector_words(vector, reasons)
    if not words:
        return []
    columns = [Column("metric"), Column("scenario that was scored")] + ([Column("because")] if reasons else [])
    return [*table(columns, [[plain(cell) for cell in row[: len(columns)]] for row in words]), ""]


def _factor_table(view: View) -> list[str]:
    draft = view.draft
    present = [key for key in FACTORS if key in draft.factors]
    in_set = FACTOR_SETS[draft.score.factor_set] if draft.score.factor_set else ()
    parts = f"parts; typical: of {plain(with_article(view.kind))}" if view.kind else "parts; typical: of all products"
    heads = (("factor", False), ("value", True), ("range", False), ("state", False), (parts, False), ("quote", False))
    columns = [Column(head, numeric) for head, numeric in heads]
    # An estimate that has quotes is shown with them, also where nobody could ask the LLM and so its state is unknown.
    known = [key for key in present if draft.factors[key].state != "unknown" or draft.factors[key].evidence]
    rows = [_factor_row(view, key, key in in_set) for key in known]
    lines = table(columns, rows) if rows else []
    unknown = [key for key in present if key not in known]
    if unknown:
        typical = f"typical for {with_article(view.kind)}" if view.kind else "typical value"
        folded = listed([_folded(key, draft.factors[key], key in in_set) for key in unknown])
        lines += ["", f"*Not stated, {plain(typical)}*: {folded}"]
    return [*lines, ""]


def _factor_row(view: View, key: FactorKey, in_set: bool) -> list[str]:
    estimate = view.draft.factors[key]
    title = FACTOR_TITLES[key] + ("" if in_set else " (not in this set)")
    return [
        title,
        tenth(estimate.value),
        span(estimate.low, estimate.high),
        estimate.state,
        _parts(estimate, view.kind),
        view.quote(
            estimate.evidence, _QUOTE, " ".join(part.label for part in estimate.parts if part.kind != "proposal")
        ),
    ]


def _folded(key: FactorKey, estimate: FactorEstimate, in_set: bool) -> str:
    title = FACTOR_TITLES[key] + ("" if in_set else " (not in this set)")
    return f"{title} {tenth(estimate.value)} ({span(estimate.low, estimate.high)})"


def _parts(estimate: FactorEstimate, kind: str) -> str:
    """The parts with the largest effects, in stored order; the rest as one sum."""
    if not estimate.parts:
        return ""
    moving = [part for part in estimate.parts if part.kind in _ALWAYS or round(abs(part.effect), 2) > 0]
    largest = sorted(moving, key=lambda part: (part.kind not in _ALWAYS, -abs(part.effect)))[:_PARTS]
    shown = [part for part in moving if part in largest]
    texts = [_part(part, kind) for part in shown]
    rest = sum(part.effect for part in moving if part not in largest)
    if len(moving) > len(shown):
        texts.append(f"{len(moving) - len(shown)} more {effect(rest)}")
    return ", ".join(texts)


def _part(part: Part, kind: str) -> str:
    if part.kind == "typical":
        return f"{_TYPICAL if part.label.startswith(kind) else plain(part.label)} {part.effect:.2f}"
    label = f"{part.label.replace(_WEIGHED, '')}:" if part.kind == "proposal" else part.label
    return f"{plain(label)} {effect(part.effect)}" + (f" ({part.evidence})" if part.evidence else "")


def _lowered_by_llm(view: View) -> list[str]:
    """What an LLM's lower values did, apart from the controls, since no control stands behind them."""
    rows = [
        [
            name_of(item.target),
            change(item.before, item.after) if item.before != item.after else f"{item.before:.2f}, rounded",
            f"{view.quote((item.evidence,), _QUOTE, name_of(item.target)) or plain(item.evidence)}, rank {item.rank}",
            plain(item.rule),
        ]
        for item in view.lowered_by_llm
    ]
    columns = (Column("lowered by the LLM's proposal"), Column("value", True), Column("quote"), Column("why it may"))
    return [*table(columns, rows), ""] if rows else []


def _alternatives(view: View) -> list[str]:
    stored = view.draft.score
    rows = [
        [name, tenth(value), _REASONS[name]]
        for name, value in stored.alternatives.items() if name != stored.formula
    ]  # fmt: skip
    return table((Column("other formula"), Column("value", True), Column("why it is not the headline")), rows)
