"""What may fill a slot where it stands: words of the right form can still mean another thing there.

A place without words is filled with general ones, so that whatever is not clearly right is refused here.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple


class _Unfit(NamedTuple):
    """Regular expressions, each None where nothing of the kind is refused."""

    before: re.Pattern[str] | None = None
    """At the end of the sentence's part before the words."""
    after: re.Pattern[str] | None = None
    """At the beginning of the part after them."""
    value: re.Pattern[str] | None = None
    """Anywhere in the words."""


def _regex(source: str) -> re.Pattern[str]:
    return re.compile(source, re.IGNORECASE)


_MADE: Final = _regex(
    r"\b(?:export(?:s|ed|ing)?|generat(?:es?|ed|ing)|produc(?:es?|ed|ing)|download(?:s|ed|ing)?|render(?:s|ed|ing)?"
    r"|outputs?|sav(?:es?|ed|ing)|drafts?|publish(?:es|ed)?|deliver(?:s|ed)?)\b[^.;:]{0,45}$"
)
"""What the product makes is not what comes in."""
_UNFIT: Final[Mapping[str, _Unfit]] = {
    "credential": _Unfit(
        before=_regex(
            r"(?:\d[\d.,]*\s?[kKmM]?|thousand|million|billion|hundreds|fewer|less|more|many|number of|count of|saves?"
            r"|per|maximum|max|input|output|context|prompt|completion|reasoning|LLM)[\s+-]+(?:of )?(?:LLM |\w+ )?$"
        ),
        after=_regex(
            r"[\s-]+(?:usage|use|limits?|budgets?|windows?|costs?|counts?|counting|consumption|prices?|pricing|savings?"
            r"|spend\w*|efficien\w+|contracts?|metadata|metrics|features?|points?|results?)\b"
        ),
    ),
    "input": _Unfit(before=_MADE, value=_regex(r"\bcallers?\b|\brecipes?\b")),
    "file": _Unfit(before=_MADE),
    "infra": _Unfit(value=_regex(r"\bMCP\b|\btest (?:environment|server)")),
    "definition": _Unfit(value=_regex(r"\brecipes?$")),
    "tool": _Unfit(
        value=_regex(
            r"^the (?:local|remote|custom|external|installed|connected|shared|public|own|MCP|agent) tools?$"
            r"|_(?:id|ids|url|uri|key|token|path|name|names|file|dir|mode|type|level|size|count|timeout|config|version"
            r"|enabled|only|limit|port|host|format|model|env|secret)$"
        )
    ),
}
_UNCLEAR: Final = _regex(
    r"\b(?:settings?|options?|preferences|callers?|recipes?|configuration|config files?|(?:MCP )?servers?|defaults"
    r"|source code|itself|themselves|parameters?|flags?|examples?|behaviou?r|LLMs?)$"
)
"""Things that sentences about set-up, documentation or the product itself act on."""

_PRIVATE: Final = _regex(
    r"\b(?:private|personal|confidential|sensitive|internal|privileged|customers?|patients?|clients?|employees?|users?"
    r"|students?|candidates?|tenants?|medical|clinical|health|financial|bank\w*|payroll|tax|mailbox(?:es)?|inbox(?:es)?"
    r"|calendars?|workspaces?|accounts?|CRM|compan(?:y|ies)|organi[sz]ations?|teams?|your|their|own|conversations?"
    r"|recordings?|identity|portfolios?|contacts?|leads?|biometric|upload(?:s|ed)?)\b"
)
_PUBLIC: Final = _regex(
    r"\bpublic(?:ly)?\b(?!-facing)|\bopen[- ]access\b|\bopen data\b|\bopen[- ]source\b|\bscholarly\b|\bpublished\b"
    r"|\b(?:papers?|preprints?|abstracts?|statutes?|case law|filings?|market data|weather|news|vulnerabilit\w+)\b"
)

_TOOLS: Final = _regex(r"\b(?:tools?|functions?|calls?|commands?|exposes?|offers?|operations?|actions?)\b")
_POWERS: Final[tuple[re.Pattern[str], ...]] = tuple(
    re.compile(rf"(?:^|_|(?<=[a-z])(?=[A-Z])|\s)(?:{verbs})(?:$|_|(?=[A-Z])|\s)", re.IGNORECASE)
    for verbs in (
        r"execute|exec|run|eval|shell|bash|terminal|interpreter|PowerShell",
        r"delete|drop|remove|destroy|purge|truncate|kill|terminate",
        r"write|update|create|edit|insert|set|send|push|deploy|add|modify|replace|move|publish|post|merge|upload|save"
        r"|apply|patch|put|upsert|append|rename|transfer|pay|place|click|type|import|reply|assign|commit",
    )
)
_READING: Final = re.compile(
    r"(?:^|_)(?:read|list|get|describe|show|find|search|query|fetch|view|count)(?:$|_|(?=[A-Z]))"
)
_WEAKEST: Final = len(_POWERS) + 1

_NO_SERVICES: Final = _regex(
    r"\b(?:clients?|IDEs?|editors?|CLI|SDK|desktop|extensions?|plug-?ins?|librar(?:y|ies)|packages?|corpus|corpora"
    r"|datasets?|papers?|scholar|terminal|command line|assistants?|agents?|framework|inspector|studio code|code)\b"
)
_CLIENT_LISTS: Final = _regex(
    r"\b(?:MCP|compatible|supported|any|other|AI) (?:clients?|hosts?|assistants?|editors?|IDEs)\b"
    r"|\b(?:IDEs?|editors?|coding (?:agents?|assistants?)|CLIs?|SDKs?)\b|\bcompatible with\b"
    r"|\bcall(?:ed|able) (?:by|from)\b"
)
"""Sentences that list what the product is used from."""
_OPENED: Final = _regex(
    r"\b(?:API|keys?|tokens?|OAuth|accounts?|credentials?|passwords?|log(?:s|ged)? ?in|sign(?:s|ed)? ?in|logins?"
    r"|connect(?:s|ed|ing|ions?)?|authori[sz]\w+|authenticat\w+|scopes?|permissions?|workspaces?|instances?|tenants?"
    r"|read(?:s|ing)?|writ(?:es?|ing)|creat(?:es?|ing)|updat(?:es?|ing)|delet(?:es?|ing)|send(?:s|ing)?|post(?:s|ing)?"
    r"|queries|manag(?:es?|ing))\b"
)
"""Words of a sentence in which a named service is the one that is reached."""


def fits(slot: str, value: str, text: str, start: int, end: int) -> bool:
    """Whether `value`, at these places of the sentence `text`, means what `slot` stands for."""
    unfit = _UNFIT.get(slot)
    if unfit is not None and (
        (unfit.before is not None and unfit.before.search(text[:start]))
        or (unfit.after is not None and unfit.after.match(text[end:]))
        or (unfit.value is not None and unfit.value.search(value))
    ):
        return False
    if slot == "data":
        return _PRIVATE.search(value) is not None or (
            _PUBLIC.search(text) is None and _PRIVATE.search(text) is not None
        )
    if slot == "tool" and " " not in value:
        return _TOOLS.search(text) is not None or power(value) < _WEAKEST
    return True


def is_object(thing: str) -> bool:
    """Whether an act on `thing` is one on data or systems, and not on the product's own set-up."""
    return _UNCLEAR.search(thing) is None


def power(tool: str) -> int:
    """How little a tool can do by its name: running code is 0, deleting 1, writing 2, unknown 3, reading 4."""
    for rank, verbs in enumerate(_POWERS):
        if verbs.search(tool):
            return rank
    return _WEAKEST if _READING.search(tool) else len(_POWERS)


def opens(service: str, text: str) -> bool:
    """Whether the sentence `text` shows that the product reaches the named `service` with its rights."""
    if _NO_SERVICES.search(service) or service.lower() not in text.lower():
        return False
    return _OPENED.search(text) is not None and _CLIENT_LISTS.search(text) is None
