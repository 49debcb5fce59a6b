"""The numbers below the first two pages: how the score is computed, and each factor with its reason."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from agent.drafting.judgement import lacks_attacker
from agent.drafting.wording import capital
from agent.records import FactorEstimate
from agent.report import document as doc
from agent.report.document import Block, Part, Span, Text
from agent.report.front_pages import Writer, on_page
from agent.report.prose import bare, stopped
from agent.report.safe_markdown import shorten
from agent.report.sentences import tenth
from agent.taxonomy.factors import FACTOR_SETS, FactorKey, FactorSet

_SHORT_FACTORS: Final[dict[FactorKey, str]] = {
    "autonomy_of_action": "autonomy",
    "goal_driven_planning": "planning",
    "self_modification": "self-modification",
    "dynamic_tool_use": "tools",
    "persistent_memory": "memory",
    "contextual_awareness": "context",
    "dynamic_identity": "identity",
    "multi_agent_interactions": "other agents",
    "non_determinism": "non-determinism",
    "opacity_reflexivity": "opacity",
    "natural_language_interface": "natural language",
}
_MOST_QUOTED: Final = 120
"""Maximum number of characters of a quote shown in place of a missing reason."""
_MUCH: Final = 0.15
"""A fact is mentioned after the reason if it raises the factor (0 to 1) by more than this."""
_LOW: Final = Decimal("0.2")
"""The highest factor value (0 to 1) that counts as low."""
_RAISED: Final = ("at least ", "held at ")
"""Label prefixes of the parts in which a fact raises a factor to a minimum."""


def numbers(writer: Writer) -> Part:
    """Build the section below the first two pages: the arithmetic of the score, and the factors that go into it."""
    draft, score, shown = writer.view.draft, writer.view.draft.score, on_page(writer)
    blocks: list[Block] = []
    if score.aivss is not None and score.factor_set is not None and draft.factors and score.formula == "aivss-0.8":
        base, total = tenth(score.cvss_base), tenth(score.factor_sum)
        made = f"{base} + (10 - {base}) × {total} / 10 × {score.threat_multiplier} = {tenth(score.aivss)}"
        known = f" ({score.threat_multiplier} is the formula's threat multiplier)"
        blocks += [doc.paragraph(doc.code(made + known)), _short_factors(writer, score.factor_set)]
    elif score.withheld is not None and score.factor_set is not None and draft.drafter.kind == "llm":
        # Without an LLM, the reasons would only be values that are typical of the kind of product, which say nothing
        # about a sparse listing.
        blocks.append(_short_factors(writer, score.factor_set))
    mistakes = [item.name for item in shown if lacks_attacker(item.threat.statement.source)]
    if mistakes:
        verb = "has" if len(mistakes) == 1 else "have"
        told = f" {verb} no attacker: CVSS is applied as if a careless user triggered it (PR:L)."
        blocks.append(doc.paragraph((*doc.listed_refs(*mistakes), Span(told))))
    return doc.part("numbers", "The numbers" if blocks else "", *blocks)


def _short_factors(writer: Writer, used: FactorSet) -> Block:
    """Build a table of the factors in the sum, with their reasons, and the sum itself if there is a score."""
    factors, score = writer.view.draft.factors, writer.view.draft.score
    rows = []
    seen: dict[str, str] = {}
    for key in FACTOR_SETS[used]:
        reason = _reason(factors[key])
        # Leave out the marks, which would make the page hard to read; the appendix has the reason with its marks.
        told = writer.prose.text(bare(reason)) if reason else _without_reason(writer, factors[key])
        if reason in seen and reason:
            # A reason that several factors share is given once.
            told = doc.words(f"As for {seen[reason]}.")
        seen.setdefault(reason, _SHORT_FACTORS[key])
        rows.append(doc.row(_SHORT_FACTORS[key].capitalize(), tenth(factors[key].value), told))
    if score.aivss is not None:
        rows.append(doc.row(doc.strong("Sum"), doc.strong(tenth(score.factor_sum)), ""))
    return doc.table(("Factor", "Value", "Reason (quotes in the appendix)"), rows, 1)


def _without_reason(writer: Writer, factor: FactorEstimate) -> Text:
    """Replace a missing reason with the first quote, or with a set sentence for a low value, which no quote shows."""
    if factor.value <= _LOW:
        return doc.words("Little in the sources raises it.")
    return _quoted(writer, factor.evidence[:2])


def _quoted(writer: Writer, marks: Sequence[str]) -> Text:
    """Return the first of these quotes with its mark; an empty text if none of them exists."""
    known = [mark for mark in writer.prose.resolved(marks) if mark in writer.view.evidence]
    if not known:
        return ()
    words = shorten(writer.view.evidence[known[0]].quote, _MOST_QUOTED)
    return (*doc.quote(words), Span(" "), *doc.marks(known[0]), Span("."))


def _reason(factor: FactorEstimate) -> str:
    """Return the reason for a factor's value, with the fact that raised it to a minimum, if any."""
    whole = stopped(factor.rationale)
    label = next((part.label for part in factor.parts if part.label.startswith(_RAISED) and part.effect > _MUCH), "")
    raised = stopped(capital(label)) if label not in whole else ""
    return " ".join(filter(None, (whole, raised)))
