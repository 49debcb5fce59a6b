"""What a statement may assert, given its form: plans and text about something else assert nothing, advice asserts no
control, and a feature that has to be switched on counts as configurable.

Only form is checked here: negation, the heading, the addressee, flags and words of choice. The heads
(`agent.facts.readers.heads`) judge what the statement is about.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.facts.readers.patterns import asserting, matches
from agent.facts.support import negations
from agent.facts.vocabulary import FactKey
from agent.records import Statement

_NOT: Final = re.compile(
    r"\b(?:never|cannot|can['’]t|(?:do|does|did|will|is|are|can|has|have|was|were)(?: not|n['’]t)|won['’]t|no longer)\b"
    r"|\A\W*(?:no|not|without)\b",
    re.IGNORECASE,
)
"""A negation of the clause itself, or a negation at the start of the text."""
_UNASKED: Final = re.compile(
    r"\basks? (?:nobody|no one|no person)\b"
    r"|\b(?:nobody|no one) (?:\w+ ){0,3}(?:asked|confirms?|approves?|reviews?|checks?)\b"
    r"|(?<!not )(?<!n't )(?<!never )\b(?:act|run|delete|send|change|write|execute|publish|pay)(?:s|ed|ing)? "
    r"(?:[\w ]{0,40} )?without (?:asking|(?:any |an? )?(?:approval|confirmation|human review))\b"
    r"|\bno (?:further |manual |human |user )?(?:confirmation|approval|permission) (?:prompts?|steps?|dialogs?)\b"
    r"|\b(?:(?:do|does|will|should) not|(?:do|does|wo)n['’]t|never) (?:ask|wait|stop|prompt|pause)s? "
    r"(?:you |the user |anyone )?(?:for|to) (?:\w+ )?(?:confirm\w*|approv\w*|permission)",
    re.IGNORECASE,
)
"""Phrases that say a control is missing, using the control's own words."""
_UNREAL_PART: Final = re.compile(
    r"\bnot (?:yet )?(?:implemented|supported|available)\b|\bcoming soon\b|\broad ?map\b|\bplanned\b|\bfuture work\b",
    re.IGNORECASE,
)
"""Headings of sections about planned or missing features."""
_STORY_PART: Final = re.compile(r"\buse[- ]cases?\b|\bvs\.?(?! code)\b|\balternatives\b|\bglossary\b", re.IGNORECASE)
"""Headings of use cases and comparisons; only the nearest heading is checked."""
_UNREAL: Final = re.compile(
    r"\bcoming soon\b|\bnot yet\b|\b(?:is|are) (?:planned|on the road ?map)\b"
    r"|\bin (?:a )?future (?:release|version)s?\b",
    re.IGNORECASE,
)
_ADVICE: Final = re.compile(
    r"\b(?:you|users|developers|operators) (?:should|must|may want to|are advised)\b"
    r"|\b(?:make sure|be sure|it is recommended|we (?:strongly )?recommend|consider (?:\w+ing|a|an|the))\b"
    r"|\A\W*(?:use|review|store|keep|ensure|avoid|never|always|do not|don['’]t|rotate|treat) ",
    re.IGNORECASE,
)
"""Phrases that give advice to the reader; such advice is not a control of the product."""
_ELSEWHERE: Final = re.compile(
    r"\A\W*(?:the )?(?:model context protocol|mcp)(?: \(mcp\))? (?:is|enables|allows|lets|provides|defines)\b"
    r"|\A\W*an? [a-z][\w -]{2,40} (?:is|are) an? ",
    re.IGNORECASE,
)
"""Phrases that define a protocol or a general term."""
_OWN_STORE: Final = re.compile(
    r"\b(?:caches?|cached|snapshots?|checkpoints?|(?:your|chat|own) (?:history|account)|config\w*|providers?|key files?"
    r"|(?:this|the|current|old|saved|your) (?:sessions?|conversations?|chats?)|containers?|volumes?|database files?)\b",
    re.IGNORECASE,
)
"""The product's own data, such as caches and sessions; clearing them does not count as deleting data."""
_WAY_BACK: Final = re.compile(r"call-?back|redirect[_ ]ur[il]", re.IGNORECASE)
"""The callback address of a sign-in, which is not a network service that others can call."""
_LISTENING: Final = frozenset({"listens_locally", "listens_on_network"})
_BY_FORM: Final = frozenset({"fetched_at_start", "api_key", "container", *_LISTENING})
"""Keys for which the form of code is evidence: a package runner, the name of a key, an address."""
_FEW_WORDS: Final = 3
_NAMED: Final = re.compile(r"[_\d]|[a-z][A-Z]|[^\x00-\x7f]")
"""Signs that a short text is a name, such as a tool's, or is in another script."""
_SETTING: Final = re.compile(
    r"\b(?:be|is|are|if|when|unless|to|explicitly|not|can|and|or|you|enable/) ?(?:enabled?|disabled?)\b"
    r"|(?:\A|\| ?|`: |\) ?)\W*(?:enable|disable|toggle)\b|\bdisabl(?:e|ing)\b|\bdisabled by default\b"
    r"|\benabl(?:ed|ing) (?:by|with|via|through|it|this)\b|\boptional(?:ly)?\b|\bopt(?:ed)?[ -](?:in|out)\b"
    r"|\btoggle[sd]?\b|\bturn(?:ed)? (?:on|off)\b|\bswitch(?:ed)? (?:on|off)\b"
    r"|\b(?:set|defaults?) to `?(?:true|false|0|1|on|off)\b|\bconfigurable\b|\bcan be (?:configured|set|changed)\b",
    re.IGNORECASE,
)
"""Words that leave something to a setting, unlike "it enables agents to", which leaves nothing open."""
_CHOICE: Final = re.compile(
    r"\bexperimental\b|\b(?:in|public) (?:beta|preview)\b"
    r"|\b(?:if|when|unless) (?:enabled|configured|set|desired|installed|provided|using|running (?:with|in))\b"
    r"|\bif you (?:want|need|prefer|use|enable|set|do|choose)\b|\beither\b.+\bor\b"
    r"|(?<![\w-])--[a-z][\w-]+|\bset `?[A-Z][A-Z0-9]*_[A-Z0-9_]+|\bor (?:fully |completely )?(?:headless|autonomous)",
    re.IGNORECASE,
)
"""Words that make what the product does optional: conditions, flags and alternatives."""
_CHOICE_PART: Final = re.compile(
    r"\boptional\b|\bopt-in\b|\bexperimental\b|\bbeta\b|\badd-?ons?\b|\bextras\b", re.IGNORECASE
)
"""Headings of sections about features that have to be added or switched on."""
_BY_ITSELF: Final = re.compile(
    r"\b(?:runs|starts|checks|polls|watches|monitors|wakes|works|scans|executes|processes|syncs|sends)\b.{0,60}"
    r"\b(?:every|daily|hourly|nightly|weekly|automatically|24/7|continuously|constantly|on a schedule|around the clock"
    r"|in the background|by itself|on its own|autonomously)\b|\balways[- ]on\b|\b24/7\b",
    re.IGNORECASE,
)
"""Phrases that say that the product does run on its own, not merely that it can be configured to."""
_STARTED: Final = frozenset({"runs_unattended", "scheduled"})
_CHOSEN_GROUPS: Final = frozenset({"does", "reads", "decides", "keeps"})
_CHOSEN: Final = frozenset({"listens_on_network", "listens_locally", "telemetry_to_vendor", "endpoint_no_auth"})


def may_assert(statements: Sequence[Statement], keys: Sequence[FactKey]) -> NDArray[np.bool_]:
    """Return which statements may assert which keys, shape (n, k).

    A negated statement asserts only limits and controls; a statement saying that nobody is asked does not assert even
    those. Advice asserts no control, and plans and general definitions assert nothing at all.
    """
    texts = [row.text for row in statements]

    def told(pattern: re.Pattern[str]) -> NDArray[np.bool_]:
        return np.array([bool(pattern.search(text)) for text in texts], dtype=bool)[:, None]

    def among(*ids: str) -> NDArray[np.bool_]:
        return np.array([key.id in ids for key in keys])[None, :]

    comforting = np.array([key.comforting for key in keys])[None, :]
    controls = np.array([key.claim == "control" for key in keys])[None, :]
    unasked = np.array([lacks(text) for text in texts], dtype=bool)[:, None]
    real = np.array([is_real(row) for row in statements], dtype=bool)[:, None]
    found: NDArray[np.bool_] = np.where(comforting, ~unasked, ~told(_NOT))
    found &= real & ~(told(_ADVICE) & controls)
    found &= ~(told(_OWN_STORE) & among("deletes_data")) & ~(told(_WAY_BACK) & among(*_LISTENING))
    return found & _in_form(statements, keys)


def _in_form(statements: Sequence[Statement], keys: Sequence[FactKey]) -> NDArray[np.bool_]:
    """Return which statements have a form that allows which keys, shape (n, k)."""
    # For a key with patterns, a text of one or two words must match one of them; for keys in `_BY_FORM`, so must code.
    found = np.ones((len(statements), len(keys)), dtype=bool)
    terse = [
        n
        for n, row in enumerate(statements)
        if row.block == "code" or (len(row.text.split()) < _FEW_WORDS and not _NAMED.search(row.text))
    ]
    rules = asserting()
    hits = matches([statements[n] for n in terse], rules)
    code = np.array([statements[n].block == "code" for n in terse], dtype=bool)
    for column, key in enumerate(keys):
        if own := [number for number, rule in enumerate(rules) if rule.key == key.id]:
            found[terse, column] = hits[:, own].any(axis=1) | (code & (key.id not in _BY_FORM))
    return found


def is_real(statement: Statement) -> bool:
    """Return whether a statement is about something real: not a plan, comparison or general definition."""
    above = statement.path[1:]
    if any(_UNREAL_PART.search(heading) for heading in above) or any(_STORY_PART.search(part) for part in above[-1:]):
        return False
    return not (_UNREAL.search(statement.text) or _ELSEWHERE.search(statement.text))


def lacks(text: str) -> bool:
    """Return whether `text` says that nobody is asked, unless it negates this ("nothing runs without approval")."""
    match = _UNASKED.search(text)
    return match is not None and not ("without" in match[0].casefold() and negations(text[: match.start()]))


def by_choice(statement: Statement, key: FactKey) -> bool:
    """Return whether a statement's assertion about a key depends on a setting or on the user's set-up.

    Scheduled and unattended runs are the user's choice unless the sentence says that the product runs on its own.
    """
    if key.id in _STARTED and not _BY_ITSELF.search(statement.text):
        return True
    # In a tool reference, words such as "optional" refer to a parameter.
    if statement.block == "code" or statement.role == "reference":
        return False
    chosen = key.group in _CHOSEN_GROUPS or key.id in _CHOSEN
    if _SETTING.search(statement.text):
        return key.deniable or chosen
    optional = _CHOICE.search(statement.text) or any(map(_CHOICE_PART.search, statement.path[1:][-1:]))
    return chosen and bool(optional)
