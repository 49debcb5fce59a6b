"""The numbers below the first two pages: how the score is computed, each factor, and the vector of each threat."""

import re
from typing import Final

from agent.records import Residual
from agent.report import document as doc
from agent.report.conditions import remaining
from agent.report.document import Block, Paragraph, Part, Row, Table
from agent.report.front_pages import Writer, base_of, on_page
from agent.report.prose import bare, cited, marked, stopped
from agent.report.safe_markdown import shared_words
from agent.report.sentences import tenth
from agent.report.view import RankedThreat
from agent.taxonomy.factors import FACTOR_SETS, FactorKey, FactorSet
from agent.taxonomy.layers import LAYER_TITLES

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
_CLAUSE_END: Final = re.compile(
    r"[;:]|, (?=(?:and|while|which|so|but|though|since|with|yet|plus|including|not)\b)| while "
)
"""The end of a reason's first clause."""
_REASON: Final = 16
"""The most words of a reason that is given whole beside the numbers; the appendix has each in full."""
_SHARED: Final = 2
"""The words that a clause has to share with the quotes of its reason."""
_SHORTEST: Final = 30
"""The fewest characters of a clause that stands for the whole reason."""


def numbers(writer: Writer) -> Part:
    """Build the section below the two pages: how the score is computed, and the vector of each threat."""
    draft = writer.view.draft
    score = draft.score
    blocks: list[Block] = []
    if score.aivss is not None and score.factor_set is not None and draft.factors and score.formula == "aivss-0.8":
        base, total = tenth(score.cvss_base), tenth(score.factor_sum)
        made = f"{base} + (10 - {base}) × {total} / 10 × {score.threat_multiplier} = {tenth(score.aivss)}"
        known = f" ({score.threat_multiplier}: attacks known as proof of concept)"
        blocks += [Paragraph(doc.code(made + known)), _short_factors(writer, score.factor_set)]
    # What the threats' own measures leave is in the appendix.
    residual = None if writer.view.measures else writer.residual
    rows = tuple(_numbers(item, residual) for item in on_page(writer))
    if rows:
        heads = ("", "Layer", "CVSS base and vector", *(("With the conditions",) if residual else ()))
        blocks.append(Table(heads, rows))
    return Part("numbers", doc.words("The numbers") if blocks else (), tuple(blocks))


def _short_factors(writer: Writer, used: FactorSet) -> Block:
    """Build a table of the summands of the factor sum, with the beginning of each reason."""
    factors, total = writer.view.draft.factors, tenth(writer.view.draft.score.factor_sum)
    # A reason that fits several factors is told once.
    rows: list[Row] = []
    seen: dict[str, str] = {}
    for key in FACTOR_SETS[used]:
        reason = _short_reason(writer, factors[key].rationale)
        extra = () if marked(reason) else cited(factors[key].rationale)
        told = writer.prose.text(reason, extra) if reason else ()
        told = doc.words(f"As for {seen[reason]}.") if reason in seen else told
        seen.setdefault(reason, _SHORT_FACTORS[key])
        rows.append(Row((doc.words(_SHORT_FACTORS[key].capitalize()), doc.words(tenth(factors[key].value)), told)))
    rows.append(Row((doc.strong("Sum"), doc.strong(total), ())))
    return Table(("Factor", "Value", "Reason"), tuple(rows), frozenset({1}))


def _short_reason(writer: Writer, reason: str) -> str:
    """Return a factor's reason, or if it is long its first clause, provided that the quotes speak of that clause."""
    whole = stopped(reason)
    if len(bare(whole).split()) <= _REASON:
        return whole
    found = next((match for match in _CLAUSE_END.finditer(reason) if match.start() > _SHORTEST), None)
    clause = stopped(reason[: found.start()].strip()) if found else whole
    known = writer.view.evidence
    quotes = " ".join(known[mark].quote for mark in cited(reason) if mark in known)
    return clause if shared_words(quotes, clause) >= _SHARED else whole


def _numbers(item: RankedThreat, residual: Residual | None) -> Row:
    """Return a row with a threat's layer, base and vector, and what the conditions change and leave of it."""
    vector = doc.code(f"{tenth(base_of(item))} {item.threat.score.cvss_vector.removeprefix('CVSS:4.0/')}")
    after = (remaining(item, residual),) if residual else ()
    layer = doc.words(LAYER_TITLES[item.layer].capitalize().replace("&", "and"))
    return Row((doc.ref(item.name), layer, vector, *after))
