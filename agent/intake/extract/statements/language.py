"""Detects the language of a document, and which statements the embedded drafter cannot read.

Code, addresses and identifiers look English in every language, so they are removed first. Text that is clearly English
by its function words is recognised without py3langid, which takes a second to load and is needed only for the rest.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from agent.intake.extract.statements.split import statements
from agent.records import BlockKind, Document, Missing, Statement

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

ENGLISH: Final = "en"
READ: Final = frozenset({ENGLISH})
"""The languages that the embedded drafter reads; its heads were fitted on English statements."""
NO_PROSE: Final[frozenset[BlockKind]] = frozenset({"code", "front-matter", "image"})
"""Block kinds whose words do not indicate the language of the surrounding text."""
_MIN_LETTERS: Final = 40
_MIN_WORDS: Final = 8
_MIN_DISTINCT: Final = 30
"""Minimum number of distinct characters, for scripts without spaces; a repeated label has fewer."""
_MIN_STATEMENT_LETTERS: Final = 12
"""A line with fewer letters is a name or a label, which may be the same in all languages."""
_SAMPLE: Final = 2000
"""Number of characters sampled from the beginning of a long text, and again from its middle."""
_FOREIGN_SHARE: Final = 0.2
"""Minimum share of letters in another script for a statement to be foreign; the rest may be Latin names."""
_ENGLISH_SHARE: Final = 0.12
"""Minimum share of function words in English; other languages stay below 0.05, English with few verbs above 0.15."""
_LATIN_SHARE: Final = 0.97
_TOKEN: Final = re.compile(r"[!-~]+")
"""A run of printable ASCII characters. Text is not split at spaces, since Japanese has none around such runs."""
_NOISE: Final = re.compile(r"[_/\\@=<>{}|#$~`]|[A-Za-z0-9]\.[A-Za-z0-9]|[a-z][A-Z]|^\W*[A-Z]{2,}\W*$")
"""Signs of addresses, paths, identifiers, file names and abbreviations."""
_SCRIPT_SAMPLE: Final = 1_000
_SCRIPT_SHARE: Final = 0.6
_KANA_SHARE: Final = 0.08
"""Minimum share of kana in Japanese; Chinese has none, and even Japanese pages full of English names have a tenth."""
_OF_ONE_LANGUAGE: Final = {"HIRAGANA": "ja", "HANGUL": "ko", "CJK": "zh", "THAI": "th", "HEBREW": "he", "GREEK": "el"}
_WORD: Final = re.compile(r"[^\W\d_]+")
_LATIN: Final = re.compile(r"[A-Za-z\u00c0-\u024f]")
_FUNCTIONS: Final = """
    the and of to is are for with that this it you your from by or be can on as an at not when if which has have its
    will into what how all any more was were their our we they each then than but does do used using use without via
    only no so these those there where while about after before between through
"""
_FUNCTION_WORDS: Final = frozenset(_FUNCTIONS.split())
_NAMES: Final = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish",
    "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian",
    "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian",
    "ms": "Malay", "nb": "Norwegian", "nl": "Dutch", "nn": "Norwegian", "no": "Norwegian", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian",
    "sv": "Swedish", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese",
    "zh": "Chinese",
}  # fmt: skip


def detect(text: str) -> str:
    """Return the language of `text` as an ISO 639-1 code; empty if it has fewer than 40 letters of prose.

    Also empty for a rare language, since text that looks like one usually consists of names and identifiers.
    """
    plain = " ".join(_WORD.findall(_prose(text)))
    if len(plain) > 2 * _SAMPLE:
        middle = len(plain) // 2
        plain = f"{plain[:_SAMPLE]} {plain[middle : middle + _SAMPLE]}"
    letters = [letter for letter in plain if letter.isalpha()]
    lowered = plain.lower()
    few = len(set(lowered.split())) < _MIN_WORDS and len(set(lowered)) < _MIN_DISTINCT
    if len(letters) < _MIN_LETTERS or few:
        return ""
    sample = letters[:: max(1, len(letters) // _SCRIPT_SAMPLE)]
    scripts = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in sample)
    if scripts["HIRAGANA"] + scripts["KATAKANA"] >= _KANA_SHARE * len(sample):
        return "ja"
    for script in ("HANGUL", "CJK"):
        # Chinese and Korean pages often have Latin names; no other language has this many letters of these scripts.
        if scripts[script] >= _FOREIGN_SHARE * len(sample):
            return _OF_ONE_LANGUAGE[script]
    script, count = scripts.most_common(1)[0]
    if count < _SCRIPT_SHARE * len(sample):
        return ""
    if script in _OF_ONE_LANGUAGE:
        return _OF_ONE_LANGUAGE[script]
    if len(_LATIN.findall(plain)) >= _LATIN_SHARE * len(letters) and _is_english(lowered.split()):
        return ENGLISH
    found = str(_identifier().classify(plain)[0])
    return found if found in _NAMES else ""


def is_english(code: str) -> bool:
    """Return whether a document's words can be compared with English ones; true for an unknown language ("")."""
    return code in ("", ENGLISH)


def name(code: str) -> str:
    """Return the English name of a language, or the code itself for a rare language."""
    return _NAMES.get(code, code)


def foreign(statement: Statement, language: str) -> bool:
    """Return whether a statement of a document in `language` is not English.

    A sentence in another script is foreign in any document. A sentence in Latin letters is foreign only in a foreign
    document, since a name or a label does not show its language.
    """
    letters = [letter for letter in statement.text if letter.isalpha()]
    if len(letters) < _MIN_STATEMENT_LETTERS and all(map(_LATIN.match, letters)):
        return False
    others = sum(not _LATIN.match(letter) for letter in letters)
    if letters and others >= _FOREIGN_SHARE * len(letters):
        return True
    if language in READ or not language:
        return False
    words = _WORD.findall(_prose(statement.text).lower())
    return sum(map(len, words)) >= _MIN_STATEMENT_LETTERS and not _is_english(words)


def readable(documents: Sequence[Document], statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Return the statements of `documents` that the embedded drafter reads: all but those in other languages.

    Names, code, tables of tools and manifests are kept regardless of the document's language: their words are English
    or belong to no language.
    """
    languages = {document.id: document.language for document in documents}
    return tuple(each for each in statements if not foreign(each, languages[each.document]))


def unread(documents: Iterable[Document], *, by_llm: bool = False) -> tuple[Missing, ...]:
    """Report what the embedded drafter cannot read and how to get it read, one entry per document not in English.

    `by_llm` says whether an LLM read the sources as well. Documents in an unknown language have no entry.
    """
    gaps: list[Missing] = []
    for document in documents:
        if document.language in READ or not document.language:
            continue
        own = statements((document,))
        left = sum(foreign(each, document.language) for each in own)
        if left:
            detail = (
                f"{document.id} is in {name(document.language)}, which the embedded drafter does not read: {left} of "
                f"its {len(own)} {'statements was' if left == 1 else 'statements were'} left "
            ) + ("to the LLM" if by_llm else "unread; draft with --llm, or use an English page")
            gaps.append(Missing(reason="language", detail=detail))
    return tuple(gaps)


def _prose(text: str) -> str:
    return _TOKEN.sub(lambda token: " " if _NOISE.search(token[0]) else token[0], text)


def _is_english(words: Sequence[str]) -> bool:
    return sum(word in _FUNCTION_WORDS for word in words) >= _ENGLISH_SHARE * max(1, len(words))


@cache
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages([code for code in identifier.labels if len(code) == len(ENGLISH)])
    return identifier
