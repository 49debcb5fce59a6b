"""Sentences and phrases of the report, built from the fields of records.

A threat statement has five slots filled by different authors. These functions join them into one sentence that reads as
if written by a single author, and put ranges, bands and counts into words.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from agent.drafting.wording import capital
from agent.records import Finding, Score, ThreatStatement
from agent.scoring import bands

_JOINTS: Final = frozenset((
    "when", "whenever", "if", "while", "because", "once", "after", "before", "as", "since", "until", "where",
    "wherever", "although", "unless", "with", "without", "through", "via", "by", "in", "on", "from", "using", "inside",
    "over", "behind", "among", "during", "given", "at", "under", "within", "across",
))  # fmt: skip
"""Conjunctions and prepositions with which a condition may begin."""
_RELATIVES: Final = ("who", "whose", "that", "which")
_HELD: Final = re.compile(
    r"\b(?:access|accounts?|permissions?|knowledge|credentials?|keys?|tokens?|control|ability|rights?|foothold|seat|role)$"
)
_WORDED: Final = re.compile(
    r"^(?:[\w-]+ ){0,2}(?:wording|text|instructions?|content|passages?|comments?|messages?|prompts?)\b"
)
_CLAUSE: Final = re.compile(
    r",| (?:that|who|whose|which|where|when|after|before|until|without|while|behind|as"
    r"|in|on|of|to|for|from|inside|with|about|into|at|by) "
)
_FINITE: Final = re.compile(
    r"\b(?:is|are|was|were|has|have|had|does|do|can|may|will|must|could|would|accepts|allows|reads|writes|holds|keeps"
    r"|stores|sends|trusts|takes|gets|gives|loads|fetches|executes|follows|installs|passes|reaches|exposes|opens|lacks"
    r"|connects|processes|treats|includes)\b"
)
_OF: Final = re.compile(
    r"\b(?:disclosure|theft|leak|leakage|exposure|exfiltration|loss|deletion|destruction|corruption|takeover|control"
    r"|misuse|abuse|modification|manipulation|alteration|compromise|falsification|poisoning|tampering|execution"
    r"|integrity|confidentiality|availability|impersonation|interruption|disruption|degradation|exhaustion|encryption"
    r"|disablement|capture|release|publication|transfer)$"
)
_TO: Final = re.compile(r"\b(?:access|changes?|edits?|damage|writes?|additions?|harm|exposures)$")
_PAST_IMPACT: Final = re.compile(
    r"\b(?:is|are|be|being|gets?|becomes?|leaves?|goes|go|runs?|ends?|reach(?:es)?|happens?)\b"
)
_TENTH: Final = 0.095
_ASIDE: Final = re.compile(r", (?:be it|directly|from|whether|as) [^,]*$")
"""An aside at the end of a source; it must be followed by a comma."""
_SHORT_SOURCE: Final = 5
"""Maximum number of words of a source that precedes its condition; after a longer source, the condition would be hard
to follow, so it comes first."""
_WORDS: Final = re.compile(r"\w+")
_SMALL: Final = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
_STOP: Final = frozenset({"the", "a", "an", "of", "and", "or", "in", "on", "to", "for", "its", "their", "that", "with"})
_IMPACT: Final = {"H": "all or critical data", "L": "some data", "N": "nothing disclosed"}
_CHANGES: Final = {"H": "arbitrary or critical changes", "L": "some changes", "N": "nothing changed"}
_METRICS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "AV": ("attack vector", {
        "N": "over the network", "A": "from the same network", "L": "on the machine", "P": "with physical access",
    }),
    "AC": ("attack complexity", {"L": "nothing to evade", "H": "a protection must be evaded"}),
    "AT": ("attack requirements", {
        "N": "no special conditions", "P": "a condition that the attacker does not control",
    }),
    "PR": ("privileges required", {"N": "no account", "L": "an ordinary account", "H": "an administrator's account"}),
    "UI": ("user interaction", {
        "N": "none", "P": "ordinary use by a person", "A": "a person has to agree or act knowingly",
    }),
    "VC": ("confidentiality, this product", _IMPACT),
    "VI": ("integrity, this product", _CHANGES),
    "VA": ("availability, this product", {"H": "outage", "L": "reduced service", "N": "stays up"}),
    "SC": ("confidentiality, other systems", _IMPACT),
    "SI": ("integrity, other systems", _CHANGES),
    "SA": ("availability, other systems", {"H": "outage", "L": "reduced service", "N": "stay up"}),
}  # fmt: skip


def threat_sentence(statement: ThreatStatement) -> str:
    """Build one sentence: who can do what, under which condition, and with what result for which asset.

    The pattern is "[source] with [prerequisite] can [action], which leads to [impact] on [asset]". The connecting words
    depend on the wording of each slot, and an asset is omitted if the impact already names it.
    """
    source = _bare(statement.source)
    action = re.sub(r"^(?:can|may|could) ", "", _bare(statement.action))
    condition = _condition(_bare(statement.prerequisite))
    subject = f"{source}{condition}"
    if condition.startswith(", given ") and len(source.split()) > _SHORT_SOURCE:
        subject = f"{condition.removeprefix(', ')} {small(source)}" + ("," if _ASIDE.search(source) else "")
    result = _result(_bare(statement.impact), _bare(statement.asset))
    sentence = f"{subject} can {action}" + (f", which leads to {result}" if result else "")
    return capital(re.sub(r"\s+", " ", sentence)) + "."


def _condition(prerequisite: str) -> str:
    if not prerequisite or prerequisite.lower() in {"none", "nothing", "no prerequisite"}:
        return ""
    first = prerequisite.split(" ", 1)[0].lower().rstrip(",")
    if first in _RELATIVES:
        return f" {prerequisite}"
    if first in _JOINTS or (first.endswith("ing") and first != "wording"):
        return f", {small(prerequisite)},"
    head = _CLAUSE.split(prerequisite, maxsplit=1)[0]
    joint = "with" if _HELD.search(head) else "through" if _WORDED.search(head) else "given"
    return f", {'when' if _FINITE.search(head) else joint} {small(prerequisite)},"


def if_clause(setting: str) -> str:
    """Return the condition under which a threat applies: "if it runs headless in a pipeline".

    A setting is a clause. If an analyst began it with a conjunction or preposition, that word is kept.
    """
    clause = _bare(setting)
    return clause if clause.split(" ", 1)[0].lower() in _JOINTS else f"if {small(clause)}"


def _result(impact: str, asset: str) -> str:
    if not impact:
        return f"harm to {asset}" if asset else ""
    impact, asset = small(impact), small(asset) if asset else ""
    # If the impact contains all content words of the asset, the asset is already mentioned.
    if set(_WORDS.findall(asset.lower())) - _STOP <= set(_WORDS.findall(impact.lower())):
        return impact
    if not _PAST_IMPACT.search(impact) and " of " not in f" {impact} " and " to " not in f" {impact} ":
        if _OF.search(impact):
            return f"{impact} of {asset}"
        if _TO.search(impact):
            return f"{impact} to {asset}"
    return f"{impact}; at risk: {asset}"


def _bare(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().rstrip(".;,")


def small(text: str) -> str:
    """Lower-case the first letter if the first word is an article or similar, not a name or an acronym."""
    first = text.split(" ", 1)[0]
    is_article = first in {"The", "A", "An", "Its", "Their", "This", "That", "Any", "When", "If", "While", "After"}
    return text[0].lower() + text[1:] if is_article else text


def listed(items: Sequence[str]) -> str:
    """Join items in words: "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def counted(number: int, noun: str) -> str:
    """Format a number with its noun: "one source", "14 sources", "no sources"."""
    word = _SMALL[number] if number < len(_SMALL) else str(number)
    return f"{word} {noun}{'' if number == 1 else 's'}"


def finding_name(finding: Finding) -> str:
    """Return the kind of a finding, with its number of sentences if there are several."""
    return f"{finding.kind}, {finding.count} sentences" if finding.count > 1 else finding.kind


def tenth(value: Decimal | float | None) -> str:
    """Format a score or factor with one decimal; an en dash for None."""
    return "–" if value is None else f"{Decimal(str(value)):.1f}"


def span(low: Decimal | float | None, high: Decimal | float | None) -> str:
    """Format a range: "7.0–8.8"; one number if both ends are equal."""
    return tenth(low) if tenth(low) == tenth(high) else f"{tenth(low)}–{tenth(high)}"


def effect(value: float) -> str:
    """Format a contribution to a value with its sign, two decimals and a true minus sign: "+0.25", "−0.10"."""
    rounded = f"{abs(value):.2f}"
    return f"−{rounded}" if value < 0 and rounded != "0.00" else f"+{rounded}"


def change(before: float, after: float) -> str:
    """Format a change of a value: "0.5 → 0.4"; with two decimals if one decimal would hide the change."""
    if tenth(before) != tenth(after):
        return f"{tenth(before)} → {tenth(after)}"
    return f"{before:.2f} → {after:.2f}"


def narrowing(value: float) -> str:
    """Describe how much an answer narrows the likely range."""
    if value <= 0:
        return "no effect on the likely range"
    return f"narrows the likely range by {shrinkage(value).removeprefix('−')} points"


def shrinkage(value: float) -> str:
    """Format a reduction: "−0.4"; "under 0.1" for less than a tenth, empty for no effect."""
    if value <= 0:
        return ""
    return f"−{tenth(value)}" if value >= _TENTH else "under 0.1"


def band_words(low: Decimal, high: Decimal) -> str:
    """Return the severity words that a range of scores covers: "all High", "Medium to High"."""
    touched = bands(low, high)
    return f"all {touched[0]}" if len(touched) == 1 else f"{touched[0]} to {touched[-1]}"


def verdict(score: Score) -> str:
    """Return the report's headline: the severity and the range, or that the product is not scored."""
    low, high = score.likely_low, score.likely_high
    likely = None if low is None or high is None else (span(low, high), band_words(low, high))
    if score.aivss is not None:
        text = f"{score.severity}, {tenth(score.aivss)} before controls"
        return f"{text}; likely {likely[0]}, {likely[1]}" if likely else text
    if likely is None and score.provisional is None:
        return "Not scored"
    usual = likely[0] if likely else f"about {tenth(score.provisional)}"
    return f"Not scored; products of this kind usually score {usual}"


def vector_words(vector: str | None, reasons: Mapping[str, str] | None = None) -> list[tuple[str, str, str]]:
    """List each of the eleven base metrics with its meaning and reason (which may be empty); empty without a vector."""
    if not vector:
        return []
    chosen = dict(part.split(":", 1) for part in vector.split("/") if ":" in part)
    return [
        (f"{metric}:{chosen[metric]} {name}", words[chosen[metric]], (reasons or {}).get(metric, ""))
        for metric, (name, words) in _METRICS.items()
        if chosen.get(metric) in words
    ]


def metric_choices() -> tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]:
    """Return each base metric with its name and its possible values, in words."""
    return tuple((metric, name, tuple(words.items())) for metric, (name, words) in _METRICS.items())
