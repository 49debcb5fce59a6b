"""What the analyst must know was not read, from what became of the links: refusals, walls and failures.

A link that was left alone since it is no documentation says nothing about the product; a page that could not be had may
hold what the draft lacks. Each reason is told once, with how many pages it holds for and the first of them.
"""

import re
from typing import Final

from agent.records import Dropped, Intake

SOURCE_TEXT: Final = "source text: "
"""How the draft begins the name of what was not read."""
_MAX_REASONS: Final = 12
_LATER: Final = "language"
"""Told by the draft itself, since an LLM reads what the embedded drafter does not."""
# Of the links that were skipped: the page was wanted, and was not to be had.
_FAILED: Final = re.compile(
    r"behind a |the server (?:wants|sends)|the server answered (?!404|410)|the server's answer is|no answer|"
    r"no connection|larger than|headers larger|unpacks to|an unknown content coding|the certificate|the host name|"
    r"rendering took|the browser|the page needs JavaScript|stopped"
)


def unread(intake: Intake) -> tuple[Dropped, ...]:
    """What could not be told and what could not be read, gaps of the intake first, then the links by reason."""
    gaps = [Dropped(what=SOURCE_TEXT + gap.detail, reason=gap.reason) for gap in intake.missing if gap.reason != _LATER]
    reasons: dict[tuple[str, str], list[str]] = {}
    for link in intake.links:
        if link.state == "refused" or (link.state == "skipped" and _FAILED.match(link.reason)):
            reasons.setdefault((link.reason, link.state), []).append(link.url)
    for (reason, state), urls in list(reasons.items())[:_MAX_REASONS]:
        pages = urls[0] if len(urls) == 1 else f"{len(urls)} linked pages, the first {urls[0]}"
        gaps.append(Dropped(what=f"{SOURCE_TEXT}{pages}: {reason}", reason=state))
    if len(reasons) > _MAX_REASONS:
        rest = sum(map(len, list(reasons.values())[_MAX_REASONS:]))
        gaps.append(Dropped(what=f"{SOURCE_TEXT}{rest} further linked pages, for other reasons", reason="skipped"))
    return tuple(gaps)
