"""The free analysis that an LLM writes from the whole sources in the first wave, as the second wave is shown it.

It is material for the page and never shown in a draft, so its sentences are not checked. Two things are done to it:
orders to an assessor, which it may repeat from the sources, are removed, and each CVSS vector gets its score.
"""

import re
from typing import Final

from agent.errors import InputError
from agent.intake.hidden import instructions
from agent.scoring.cvss import BASE_METRICS, PREFIX, read_vector

MOST_WORDS: Final = 1_100
"""The tolerated length of an analysis, which is limited to 900 words; lines beyond are cut."""
_VECTOR: Final = re.compile(rf"(?:{re.escape(PREFIX)})?({'/'.join(f'{metric}:[A-Z]' for metric in BASE_METRICS)})(`?)")


def shown_analysis(text: str) -> str:
    """Return an analysis without orders to assessors, cut to `MOST_WORDS` words by lines, with a score behind each
    CVSS v4.0 vector."""
    kept: list[str] = []
    words = 0
    for line in text.splitlines():
        words += len(line.split())
        if words > MOST_WORDS:
            break
        if not instructions.find(line):
            kept.append(_VECTOR.sub(_scored, line))
    return "\n".join(kept).strip()


def _scored(found: re.Match[str]) -> str:
    try:
        base = read_vector(PREFIX + found[1]).base
    except InputError:
        return found[0]
    return f"{found[1]}{found[2]} (= {base})"
