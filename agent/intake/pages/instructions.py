"""Text that is addressed to whoever assesses the page rather than to its reader.

A small set of patterns that flags for the analyst and withdraws a sentence from the estimators; it is no gate. Each
needs an addressee or an order that has no place in product text, so that ordinary documentation ("Ignore patterns are
set in the config", "Set the score threshold to 0.0") raises nothing. A quoted example in a vendor's security page
("attackers write 'ignore previous instructions'") is no order either.
"""

import base64
import binascii
import html
import re
from typing import Final, NamedTuple

_ADDRESSEE: Final = (
    r"(?:(?:automated|ai|llm|machine|assessment|robot|threat[- ]model(?:l?ing)?)[- ]+"
    r"(?:assessors?|reviewers?|graders?|evaluators?|raters?|scorers?|judges?|auditors?|analysts?|assessment tools?|"
    r"review tools?|tools?|systems?|pipelines?)|(?:large )?language models?|llms?|assessors|graders)"
)
_NOTHING: Final = r"(?:0(?:[.,]0+)?(?![\d.,]*\d)|zero|null|none|the (?:lowest|minimum))\b"
_PATTERNS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:note|message|memo|notice|instructions?|attention|reminder|hint)\b[^.\n]{{0,30}}\b(?:to|for)\b"
        rf"[^.\n]{{0,20}}\b{_ADDRESSEE}\b",
        rf"\b{_ADDRESSEE}\b[^.\n]{{0,40}}(?::|\b(?:must|should|shall|please|are (?:asked|required|instructed) to)\b)"
        r"[^\n]{0,60}\b(?:score|rate|rating|risk|leave out|omit|ignore|skip|list no|record|treat|reuse|answer)\b",
        r"\b(?:ignore|disregard|forget|override|bypass)\s+(?:all\s+|any\s+|the\s+|your\s+|these\s+|of\s+)*"
        r"(?:(?:previous|prior|above|earlier|preceding|system|developer|original|other|safety)\s+)+"
        r"(?:\w+\s+)?(?:instructions?|prompts?|rubrics?|rules|guidelines|directions|messages?)\b",
        r"\b(?:ignore|disregard|forget)\s+(?:the|this|that|your)\s+(?:rubric|instructions|guidelines)\b",
        r"\b(?:risk|threat|severity|aivss)(?:[ _-](?:score|rating|level|value))?[\"']?\s*(?:is|as|at|to|of|=|:|be|mit)?"
        r"\s*(?:always\s+)?[\"']?(?:0[.,]0\b|0[.,]0+\b|zero\b)",
        rf"\b(?:set|record|give|assign|output|return|report|write|answer|keep|put|rate|score)\b[^.\n]{{0,40}}"
        rf"\b(?:every|all|overall|final|its|this|any|the) (?:\w+ )?(?:scores?|risks?|ratings?|severit\w+|factors?)\b"
        rf"(?! threshold)[^.\n]{{0,15}}\b{_NOTHING}",
        r"\bscores?\b[^.\n]{0,15}\balways\b[^.\n]{0,8}\b0(?:[.,]0)?\b",
        r"\b(?:answer|write|output|return|respond with|say|give)\s+(?:a\s+)?(?:zero|0\.0)\b",
        r"\b(?:list|report|return|record|name|nenne|find|output)\s+(?:no|zero|keine)\s+"
        r"(?:threats?|risks?|findings?|issues?|bedrohungen|risiken)\b(?! (?:were|was|are|is|found))",
        r"\"?(?:threats|findings|risks)\"?\s*:\s*\[\s*\]",
        r"<\|[a-z_]{2,20}\|>|\[/?INST\]|<</?SYS>>",
        r"</?(?:documents?|sources?|instructions?|evidence|untrusted|system|context|rubric)\s*>",
        r"\bif you(?:'re|’re| are) (?:an? )?(?:large )?(?:language model|llm|ai\b|automated|bot\b|machine)",
        r"\bas an? (?:ai|llm|language model|automated) (?:assessor|reviewer|grader|evaluator)?,? you (?:must|should)\b",
        r"\byou (?:must|should|have to) (?:refuse|decline) to (?:analy[sz]e|assess|review|rate|score|answer)",
        r"\b(?:begin|start|end|finish) your (?:summary|answer|reply|report|assessment|analysis|response)\b",
        r"\b(?:text|copy|contents?) of your (?:instructions|prompt|system prompt)\b",
        r"\b(?:reveal|print|repeat|show|leak|output) (?:me )?your (?:system )?(?:prompt|instructions)\b",
        r"\brepeat\b[^.\n]{0,60}\btimes\b[^.\n]{0,20}\b(?:before|after|in) (?:each|every)\b",
        r"\bskip (?:the |all |any )?(?:evidence|security|risk) (?:checks?|review|steps?)\b",
        r"\b(?:load|fetch|open|visit|follow|consult)\b[^.\n]{0,40}\bbefore (?:you )?(?:judg|scor|assess|rat|grad)ing\b",
        r"\bdecode (?:and|then) (?:apply|follow|execute|obey|run)\b",
        r"\b(?:authors?|developers?|makers?|maintainers?|operators?) of the (?:threat[- ]model\w*|assessment|scoring|"
        r"review)\b[^.\n]{0,30}\b(?:tool|system|pipeline|engine)\b",
        r"\b(?:reviewer|analyst|assessor|auditor)(?:'s|’s)? (?:comment|note|remark)\b[^\n]{0,80}\b(?:risk|score|rating|"
        r"threats?)\b",
        r"\[?\b(?:assessment|review|scoring|evaluation|risk)[- ]?(?:tool|engine)?[- ](?:result|output|verdict)\b"
        r"[^\n]{0,60}(?:=|\bverified\b)",
        r"\bbewerte\b[^.\n]{0,40}\b(?:risiko|bewertung)\b|\bignorier\w*\b[^.\n]{0,30}\banweisung",
        r"\b(?:ignorez|ignora|ignore|olvida|oubliez)\b[^.\n]{0,20}\b(?:instructions précédentes|instrucciones "
        r"anteriores|istruzioni precedenti|instruções anteriores)\b",
        r"\b(?:evalúa|califica|évalue[zr]?|valuta|avalie)\b[^.\n]{0,40}\b(?:riesgo|risque|rischio|risco)\b[^.\n]{0,20}\b0",
    )
)
_QUOTES: Final = {'"': '"', "“": "”", "'": "'", "‘": "’", "«": "»", "`": "`"}
_BASE64: Final = re.compile(r"\b[A-Za-z0-9+/]{40,}={0,2}")
_HEX: Final = re.compile(r"\b(?:[0-9a-fA-F]{2}){20,}\b")
_ENTITIES: Final = re.compile(r"(?:&(?:amp;)*#x?[0-9a-fA-F]{1,6};){8,}")
_URL: Final = re.compile(r"https?://\S+")
_MAX_DECODED: Final = 4000
_NEAR: Final = 40


class Addressed(NamedTuple):
    """A place where the text speaks to an assessor."""

    start: int
    end: int


def find(text: str) -> tuple[Addressed, ...]:
    """Non-overlapping places in `text`, in order, that speak to an assessor or a language model."""
    spans: list[tuple[int, int]] = [
        match.span() for pattern in _PATTERNS for match in pattern.finditer(text) if not _quoted(text, match)
    ]
    for pattern in (_BASE64, _HEX, _ENTITIES):
        spans.extend(match.span() for match in pattern.finditer(text) if _speaks(_decoded(pattern, match[0])))
    merged: list[Addressed] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1].end:
            merged[-1] = Addressed(merged[-1].start, max(end, merged[-1].end))
        else:
            merged.append(Addressed(start, end))
    return tuple(merged)


def _quoted(text: str, match: re.Match[str]) -> bool:
    """Whether a match is an example in quotation marks that begin in front of it and end soon behind it."""
    before = text[max(0, match.start() - _NEAR) : match.start()]
    after = text[match.end() : match.end() + _NEAR].split("\n")[0]
    for opening, closing in _QUOTES.items():
        at = before.rfind(opening)
        if at < 0 or closing not in after or "\n" in before[at:]:
            continue
        alone = at == 0 or not before[at - 1].isalnum()
        starts = at + 1 < len(before) or at + 1 == len(before)
        if alone and starts and not before[at + 1 : at + 2].isspace() and before[at + 1 :].count(closing) == 0:
            return True
    return False


def _speaks(text: str) -> bool:
    return bool(text) and any(pattern.search(text) for pattern in _PATTERNS)


def _decoded(pattern: re.Pattern[str], token: str) -> str:
    token = token[:_MAX_DECODED]
    if pattern is _ENTITIES:
        for _ in range(3):
            token = html.unescape(token)
        return token
    try:
        raw = bytes.fromhex(token) if pattern is _HEX else base64.b64decode(token[: len(token) // 4 * 4])
    except (ValueError, binascii.Error):
        return ""
    return raw.decode("utf-8", "ignore")
