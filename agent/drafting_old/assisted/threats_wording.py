"""Whether words of an LLM may stand in a slot of a draft: their form, and whether they are about this product.

A slot holds plain words. It holds no address, no code or markup, no quoted words and no command, and it neither speaks
to an assessor nor judges: none of this tells a threat, and each could carry further what somebody planted in a source.
Identifiers such as `run_sql` may stand there when the quotes have them letter by letter.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

from agent.drafting_old.actions import load_actions
from agent.drafting_old.inflection import singular
from agent.drafting_old.patterns import load_patterns
from agent.drafting_old.templates import sentence_case
from agent.evidence.facts import foreign
from agent.intake.pages.instructions import find
from agent.llm.prompts import cards
from agent.taxonomy.lists import entries, schemes

OFFERED: Final = ("owasp-asi", "owasp-agentic", "owasp-llm-2026", "owasp-mcp")
"""The lists whose ids an LLM may give."""
KNOWN_SHARE: Final = 0.5
"""Share of a text's content words that must stand in its quotes or in the catalogue; the rest is the LLM's own."""
MAX_OWN: Final = 1
"""Words of one slot that may be the LLM's own. Held against the words of the other threats alone, without a quote,
97 of 100 slots of the catalogue have no more."""
_MIN_STEM: Final = 4
_ADDRESS: Final = re.compile(r"://|\bwww\.|\w@\w|\b(?:mailto|javascript|data|file):\S", re.I)
_HOST: Final = re.compile(r"\b[\w-]+\.[a-z]{2,}\b", re.I)
_QUOTED: Final = re.compile(r"[\"“”„«»]|(?<!\w)['‘].*['’](?!\w)")
_OPTION: Final = re.compile(r"(?:^|\s)--?\w")
_VERDICT: Final = re.compile(
    r"\b(?:low|lower|no|zero|minimal|little|negligible|acceptable) (?:risk|severity|impact|harm|threat|concern)\b"
    r"|\bharmless\b|\b(?:is|are|be|as) (?:\w+ )?(?:safe|secure|low|compliant)\b"
    r"|\b(?:rate|score)[sd]? (?:\w+ ){0,3}(?:low|safe|secure|none|zero)\b",
    re.I,
)
_TEXT: Final = re.compile(
    r"(?:an? |the )?(?:(?!of |who )\w+ ){0,2}?(?:texts?|instructions?|sentences?|wording|words)"
    r"(?=$| (?:in|inside|on|of|from|that|which|with|within|beside|planted|written|hidden|placed)\b)",
    re.IGNORECASE,
)
"""A source that is no more than words."""
_PLAIN: Final = re.compile(r"[^\W_]+(?:['’&+-][^\W_]+)*['’]?|[^\W\d_]+/[^\W\d_]+|\d+(?:[.,]\d+)*%?|[&–—-]")
"""A word as prose has it; "read/write" is one."""
_AROUND: Final = ",.;:()!?"
_WORD: Final = re.compile(r"[^\W_]+")
_SMALL: Final = frozenset(
    re.findall(
        r"\w+",
        """a an and any are as at be been by can could do does for from had has have how if in into is it its itself may
    might more most no not of off on one only onto or other out over own same so some such than that the their them
    then there these they this those through to under up was were what when where which while who whom whose will with
    within without would you your agent ai product system tool user users agents tools
    about above across again against almost along already also always another anybody anyone anything around away back
    because before behind below between both come comes done down during each either else enough even ever every
    everybody everyone everything few first gave get gets given gives go goes going gone got having he her here him his
    however instead just keep keeps kept last later least less like long made make makes making many me much must near
    never new next nobody none nothing now often old once otherwise past people person quite rather really said saw say
    says see seen she should since somebody someone something soon still take taken takes taking thing things though
    time times together too took toward towards two under until upon used uses using very want wants way well went
    whether while whose why yet""",
    )
)
"""Words that say nothing of one product."""
_TRADE: Final = frozenset(
    re.findall(
        r"\w+",
        """abuse alter ambiguous amend attach authentic backdoor bill blackmail bomb brute bypass chain clone
    collect confidential confidentiality confirm corrupt covert craft crash damage deceive decompress
    decompression decoy deface default defraud delay deny deserialise deserialize disguise disk divert downgrade
    drain dump duplicate eavesdrop elevate embed empty encode encrypt enumerate escalate escape exfiltrate exhaust
    expire expose extort fake flood forge forged format fraud guess harvest hidden hide hijack homoglyph imitate
    impersonate inflate inherit inject inside insider integrity intercept jailbreak lateral leak lookalike loop
    lure malformed malicious masquerade mislead mismatch misroute missing mistake modify monitor obfuscate observe
    omit orphan outage overflow overload override overwrite overwritten paste path payload persist phish phishing
    pivot plant poison predict premature probe profile race ransom rate reconnaissance recover redirect reidentify
    relay remote rename replace replay reply repudiate resell reset retain retention reuse revoke rogue rollback
    rotate route sabotage scrape seed shadow signature silent silently size slow sniff social spam split spoof
    spread stale steal stolen stuff substitute subvert suppress surveil swap symlink takeover tamper tenant
    throttle timing trace track transcript transcription traversal trick truncate typo unpack unrequested unsigned
    untrusted unvalidated unverified vishing wipe worm""",
    )
)
"""Words in which threats are told everywhere, beside those of the catalogue."""


def unfit(text: str, most: int, quotes: Sequence[str]) -> str | None:
    """What is wrong with the form of a text, as a clause; None when it may stand in a slot of `most` characters."""
    if not _WORD.search(text):
        return "it is empty"
    if len(text) > most:
        return f"it is longer than {most} characters"
    if _ADDRESS.search(text):
        return "it holds an address"
    if _QUOTED.search(text) or _OPTION.search(text):
        return "it holds quoted words or a command"
    if find(text):
        return "it speaks to whoever assesses the product"
    if _VERDICT.search(text):
        return "it says how grave something is, which code does"
    told = " ".join(quotes).casefold()
    for word in text.split():
        bare = word.strip(_AROUND)
        if not bare or (_PLAIN.fullmatch(bare) and not _HOST.search(bare)):
            continue
        identifier = re.fullmatch(r"[\w./-]+", bare) and "//" not in bare
        if not identifier or not re.search(rf"(?<![\w./-]){re.escape(bare.casefold())}(?![\w/-])", told):
            return "it holds code, markup or a name that the quotes do not have"
    return None


def strange(text: str, quotes: Sequence[str], known: Sequence[str], passages: Sequence[str] = ()) -> str | None:
    """Why a text is not tied to its quotes, as a clause; None when it is.

    Numbers and names must stand in the quotes, or elsewhere in the `passages`: a threat says what could be done, and
    may name another part of the product. Most other words must stand in the quotes, unless the catalogue itself uses
    them: a text that is neither about the product nor in the words in which threats are told has no business here.
    """
    if foreign(_begun(text), (*quotes, *passages), known):
        return "it has a number or name that no passage has"
    own = stems(text)
    odd = own_words(text, quotes, known)
    if len(odd) > MAX_OWN or len(odd) > (1 - KNOWN_SHARE) * len(own):
        return "too many of its words are neither in its quotes nor in the catalogue"
    return None


def own_words(text: str, quotes: Sequence[str], known: Sequence[str]) -> frozenset[str]:
    """The content words of a text, without endings, that are the LLM's own: in no quote and not in the catalogue."""
    return stems(text) - stems("\n".join((*quotes, *known))) - _catalogue_stems()


def stems(text: str) -> frozenset[str]:
    """The content words of a text without their endings."""
    words = (match[0].lower() for match in _WORD.finditer(text))
    return frozenset(_stem(word) for word in words if word not in _SMALL and not word.isdigit())


def alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the words of two texts that both have, 0 to 1."""
    return len(one & other) / len(one | other) if one | other else 0.0


def tidy_slot(text: str, lead: Sequence[str] = ()) -> str:
    """A slot as the catalogue words it: one line, no stop, no capital at an ordinary begin, no words of `lead`."""
    plain = " ".join(text.split()).rstrip(" .;,:")
    for words in lead:
        if plain.casefold().startswith(f"{words} "):
            plain = plain[len(words) + 1 :].lstrip()
    return _begun(plain)


def somebody(source: str) -> str:
    """The source of a threat as somebody who acts: planted text does nothing, its author does."""
    return f"an author of {source}" if _TEXT.match(source) else source


def titled(text: str) -> str:
    """A title: one line, no stop, a capital at its begin."""
    return sentence_case(" ".join(text.split()).rstrip(" .;,:"))


def _begun(text: str) -> str:
    """`text` with a small first letter when its first word is one of the catalogue's or says nothing of itself."""
    match = _WORD.match(text)
    if match is None or not match[0][1:].islower():
        return text[:1].lower() + text[1:] if match and match[0] == "A" else text
    word = match[0].lower()
    if word not in _SMALL and re.match(r"\s+[A-Z]", text[match.end() :]):
        return text  # A name of several words, such as "Key Vault".
    return text[:1].lower() + text[1:] if word in _SMALL | _TRADE | _catalogue_words() else text


@cache
def _catalogue_words() -> frozenset[str]:
    """Every word that the catalogue's own texts write small or begin with, and the verbs and nouns of actions."""
    texts: list[str] = []
    for pattern in load_patterns():
        texts += [pattern.title, *pattern.statement.model_dump().values(), *pattern.assets]
        texts += [m.text for m in pattern.mitigations] + [q.text for q in pattern.questions]
        texts += pattern.metrics.values()
    words = {word for text in texts for word in _WORD.findall(text) if word.islower()}
    begins = {match[0].lower() for text in texts if (match := _WORD.match(text)) and match[0][1:].islower()}
    actions = {word for name in (*load_actions().verbs, *load_actions().nouns) for word in _WORD.findall(name)}
    return frozenset(words | begins | actions)


@cache
def _catalogue_stems() -> frozenset[str]:
    texts = [entry.title for scheme in schemes() for entry in entries(scheme)]
    for card in cards().values():
        texts += [card.render(), *card.anchors.values(), *card.questions]
    return frozenset(map(_stem, _catalogue_words() | _TRADE)) | stems("\n".join(texts))


def _stem(word: str) -> str:
    base = singular(word)
    for ending in ("ing", "ed", "er", "ly", "e"):
        if base.endswith(ending) and len(base) - len(ending) >= _MIN_STEM - 1:
            return base[: -len(ending)]
    return base
