"""The words of the pages: verdicts, verbs, reasons and states as a reviewer reads them."""

from collections.abc import Mapping
from typing import Final

from agent.export.sentences import span, tenth
from agent.export.view import name_of
from agent.review.records import Reason, ScoreShown, Verb, Verdict

VERDICTS: Final[Mapping[Verdict, str]] = {
    "open": "Open",
    "confirmed": "Confirmed",
    "corrected": "Corrected",
    "struck": "Struck",
    "sent": "Asked the vendor",
    "answered": "Answered",
    "waived": "Waived",
}
VERBS: Final[Mapping[Verb, str]] = {
    "import": "brought the draft in",
    "confirm": "confirmed",
    "correct": "corrected",
    "strike": "struck",
    "attach": "attached evidence to",
    "add": "added",
    "waive": "waived",
    "send": "asked the vendor about",
    "answer": "answered",
    "contest": "brought in a contest of",
    "decide": "decided a contest of",
    "undo": "took back",
    "assign": "assigned",
    "redraft": "drafted again",
    "sign": "signed",
    "reopen": "reopened",
}
"""Past tense, with the item behind it."""
REASONS: Final[Mapping[Reason, str]] = {
    "not-supported": "The sources do not support it",
    "wrong-quote": "The quote says something else",
    "wrong-value": "The value is wrong",
    "wrong-severity": "The severity is wrong",
    "wrong-layer": "It belongs to another layer",
    "wording": "Wording only",
    "outdated": "No longer true",
    "known-otherwise": "Known from elsewhere",
    "not-this-product": "About another product",
    "duplicate": "Said twice",
    "not-applicable": "Does not apply here",
    "accepted-risk": "Risk accepted",
    "out-of-scope": "Out of scope",
}
REASONS_FOR: Final[Mapping[str, tuple[Reason, ...]]] = {
    "correct": (
        "wrong-value", "wrong-quote", "not-supported", "wrong-severity", "wrong-layer", "wording", "outdated",
        "known-otherwise",
    ),
    "strike": (
        "not-supported", "wrong-quote", "not-this-product", "not-applicable", "outdated", "duplicate", "wrong-layer",
        "known-otherwise",
    ),
    "waive": ("accepted-risk", "out-of-scope", "not-applicable", "known-otherwise"),
}  # fmt: skip
"""Which reasons fit which verb, the likeliest first."""
STATES: Final[Mapping[str, str]] = {
    "claimed": "a quote says so",
    "inferred": "quotes make it likely",
    "denied": "a quote says it is absent",
    "contradicted": "quotes disagree",
    "unknown": "not stated",
    "confirmed": "confirmed by a reviewer",
}
CONTEST_KINDS: Final[Mapping[str, str]] = {"wrong": "Wrong", "outdated": "Outdated", "missing": "Something is missing"}
FINDINGS: Final[Mapping[str, str]] = {
    "hidden-text": "hidden text",
    "instruction-like-text": "text addressed to assessors",
    "metadata-instruction": "text addressed to assessors, in metadata",
    "active-content": "active content",
    "vendor-claim": "vendor's claim",
    "invisible-characters": "invisible characters",
    "bidi-control": "characters that turn the direction of text",
    "control-characters": "control characters",
    "combining-flood": "piled-up accents",
    "retrieval-dominance": "text that repeats to be found",
    "cloaking-suspected": "another text for other readers",
    "content-changed": "changed since the last draft",
    "remote-resource": "loads from elsewhere",
}
SOURCE_KINDS: Final[Mapping[str, str]] = {
    "listing": "Listing",
    "docs": "Documentation",
    "repo": "Repository",
    "vendor-answer": "Vendor's answer",
    "analyst-note": "Analyst's note",
}
KEYS: Final = (
    (("j", "k"), "next, previous item; in the queue, row"),
    (("n",), "next item that is open"),
    (("c",), "confirm"),
    (("e",), "correct"),
    (("x",), "strike"),
    (("s",), "ask the vendor"),
    (("r",), "record the answer to a question"),
    (("w",), "leave open, waived with a reason"),
    (("A",), "confirm all of the section that quotes support"),
    (("Q",), "ask the vendor all open questions"),
    ((".", ",", ">"), "in the sources: select the next sentence, the one before, one more"),
    (("a",), "attach the selected words to the item"),
    (("u",), "undo, as often as you like"),
    (("/",), "search"),
    (("?",), "these keys"),
    (("Ctrl Enter",), "save the form; on the page for it, sign or draft again"),
    (("Esc",), "close, back to the item"),
    (("g q", "g s", "g h", "g v"), "to the queue, to sign, to the history, to the vendor's questions"),
    (("Enter",), "in the queue, open the review"),
)
"""The keys of the pages, which `static/app.js` gives their meaning."""
SECTION_TITLES: Final[Mapping[str, str]] = {
    "product": "Product and score",
    "factors": "Factors",
    "chains": "Chains",
    "questions": "Questions",
}
_MINUTE: Final = 60
_HOUR: Final = 3600


def section_title(key: str) -> str:
    """A section's heading."""
    return SECTION_TITLES.get(key) or name_of(key)


def finding_words(kind: str) -> str:
    """What a finding is, in words."""
    return FINDINGS.get(kind, kind.replace("-", " "))


def duration(seconds: float) -> str:
    """ "40 s", "3 min", "1 h 05 min"; nothing for no time."""
    whole = round(seconds)
    if whole <= 0:
        return ""
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{round(whole / _MINUTE)} min"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"


def score_text(score: ScoreShown) -> str:
    """ "9.4 Critical", or "Not scored"."""
    return "Not scored" if score.aivss is None else f"{tenth(score.aivss)} {score.severity}"


def likely_text(score: ScoreShown) -> str:
    """The likely range as "8.9–10.0"; nothing without one."""
    return "" if score.low is None or score.high is None else span(score.low, score.high)


def when(at: str) -> str:
    """A time of an event as a page shows it."""
    return at.replace("T", " ").removesuffix("Z")
