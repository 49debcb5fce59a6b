"""What a name looks like: decorations taken off, pieces of a title, section words and slogans told from names."""

import re
import unicodedata
from typing import Final

from agent.intake.name_words import (
    GENERIC,
    INNER_SLOGAN,
    LANGUAGES,
    SECTION_WORDS,
    SECTIONS,
    SLOGAN_STARTS,
    SMALL_WORDS,
    STOP_WORDS,
)

MAX_NAME: Final = 80
"""Characters of a name that is shown."""
_MAX_TITLE: Final = 400
"""Characters of a title that are looked at."""
_MAX_WORDS: Final = 7
_MAX_WIDE: Final = 24
"""Letters of a name in a script without blanks between words."""
_MIN_LANGUAGES: Final = 2
_SEPARATOR: Final = re.compile(
    r"\s+[-–—|·•:~»›>/]{1,2}\s+|\s*[—|｜：]\s*|:\s+|\s–\s?"
    r"|[,，]\s+(?=(?:an?|the|your|ein|eine|un|una|une|le|la|el)\s)"
)
_BRACKET: Final = re.compile(r"\s*[(\[（【][^()\[\]（）【】]{1,80}[)\]）】]\s*$")
_LEAD_BRACKET: Final = re.compile(r"^\s*[\[【][^\[\]【】]{1,40}[\]】]\s*")
_VERSION: Final = re.compile(
    r"\s+(?:v|ver\.?|version)?\s?\d{1,3}(?:\.\d{1,4}){1,3}\S{0,12}$|\s+v\d{1,3}$", re.IGNORECASE
)
_STAGE: Final = re.compile(r"\s+(?:alpha|beta|preview|community edition|\(?wip\)?)$", re.IGNORECASE)
_MEANS: Final = re.compile(
    r"\s+(?:using|powered by|built (?:with|on)|based on|made with|featuring)\s+\S.*$", re.IGNORECASE
)
_BY: Final = re.compile(r"(?<=\S) (?:by|from) (?:[A-Z0-9][\w.&'’-]*)(?: [A-Z0-9][\w.&'’-]*){0,3}$")
_VERSUS: Final = re.compile(r"\s+vs\.?\s+.*$", re.IGNORECASE)
_HOSTED: Final = re.compile(r"^(?:git ?hub|git ?lab)\s*[-–—:·]\s*", re.IGNORECASE)
_PATH: Final = re.compile(r"^@?[\w.-]{1,60}/([\w.-]{1,80})$")
_INTRODUCES: Final = re.compile(
    r"^(?:welcome to|welcome|about|introducing|introduction to|getting started with|get started with|meet|hello|hi|"
    r"what(?: is| are|['’]s)(?! new)|why(?: use)?|how to use|readme (?:for|of)|"
    r"documentation (?:for|of)|docs (?:for|of)|overview of|guide to|tools of|skill:|project:|name:|"
    r"willkommen (?:bei|zu)|was ist|über|bienvenue (?:sur|dans|à|chez)|qu['’]est[- ]ce que|à propos de|"
    r"bienvenid[oa]s? a|¿?\s*qué es|acerca de|"
    r"欢迎使用|欢迎来到|什么是|关于|歡迎使用|什麼是)(?=[\s:：]|[^\x00-\x7f])[\s:：]*",
    re.IGNORECASE,
)
_CONCLUDES: Final = re.compile(
    r"(?:\s+(?:(?:user|developer|technical|official|online|project|api|full) )?"
    r"(?:documentation|docs|manual|readme|read ?me|user guide|wiki|reference|handbook|home ?page|website|overview|"
    r"dokumentation|handbuch|documentación|quickstart|quick ?start|getting started|setup guide|installation guide)"
    r"|\s*(?:とは|について|文档|使用文档|使用说明|说明文档|文檔|ドキュメント|문서|란|이란))\s*[?？]?$",
    re.IGNORECASE,
)
_ADJECTIVES: Final = re.compile(
    r"^(?:the\s+)?(?:(?:official|unofficial|awesome|original|ultimate|legendary|amazing|missing)"
    r"(?:\s*[,&/]\s*|\s+and\s+|\s+))+(?=\S)",
    re.IGNORECASE,
)
_KIND_END: Final = re.compile(
    r"\b(?:server|agent|agents|toolkit|framework|sdk|platform|library|plugin|skill|assistant|project|app|engine|"
    r"repository|cli)$",
    re.IGNORECASE,
)
_PICTURE: Final = re.compile(r"^(?:logo|icon|banner|badge)\s+(?=\S)|\s+(?:logo|icon|banner)$", re.IGNORECASE)
_TWICE: Final = re.compile(r"^(\S{2,40}) (?=\1\b)", re.IGNORECASE)
"""The description of a logo in front of a heading that says the name as well."""
_OWNS: Final = re.compile(r"['’]s$")
_THE: Final = re.compile(r"^the\s+(?=\S)", re.IGNORECASE)
_QUESTION: Final = re.compile(r"\s*[?？!！。.…]+$")
_TAGGED: Final = re.compile(r"\s*(?:repository|repo|project page)$", re.IGNORECASE)
_ABOUT_MCP: Final = frozenset({"mcp", "server", "servers", "the", "official"})
_MARKS: Final = "*_`~#>\"“”„«»'‘’ \t\u00a0"
_NO_LETTERS: Final = frozenset({"So", "Sk", "Cf", "Cc", "Cs", "Co"})
_EMOJI_PARTS: Final = "\ufe0f\u20e3"
_SPLIT: Final = re.compile(r"[^\w+&#.'’-]+")
_BADGE: Final = re.compile(
    r"(?:license|licence|build|ci|tests?|coverage|codecov|docs?|documentation|version|pypi|npm|downloads?|stars?|forks?|"
    r"discord|slack|twitter|x|follow|chat|website|python|node(?:\.js)?|status|release|issues|prs?|contributors?|"
    r"sponsor|mcp|docker|code style|platform|open in \w+|install in .*|deploy .*)(?: ?(?:badge|:.*|- ?.*|[vx]?[\d.>=+]+"
    r"|welcome|passing|stars?|server|status|workflow|version|count|chat|follow|join\w*))*",
    re.IGNORECASE,
)


def tidy(text: str) -> str:
    """`text` without what decorates a name: emoji, badges' brackets, versions, adjectives, "Welcome to", "docs"."""
    name = _trimmed(text)
    name = _HOSTED.sub("", name)
    for _ in range(3):
        before = name
        name = _trimmed(_LEAD_BRACKET.sub("", name)) or name
        name = _trimmed(_BRACKET.sub("", name)) or name
        name = _QUESTION.sub("", name) or name
        name = _TWICE.sub("", _PICTURE.sub("", name) or name)
        for pattern in (_VERSION, _STAGE, _CONCLUDES, _INTRODUCES, _ADJECTIVES, _MEANS, _BY, _VERSUS, _TAGGED):
            cut = _trimmed(pattern.sub("", name))
            if key(cut) and cut != name and (is_generic(name) or not is_generic(cut)):
                name = _OWNS.sub("", cut) if pattern is _CONCLUDES else cut
        if _THE.match(name) and (_KIND_END.search(name) or name != before):
            name = _THE.sub("", name)
        if name == before:
            break
    path = _PATH.match(name)
    return (path[1] if path else name)[:MAX_NAME].strip()


def pieces(title: str) -> tuple[str, ...]:
    """The tidied parts of a title between dashes, bars and colons, in their order; empty ones and repeats left out."""
    parts = [tidy(part) for part in _SEPARATOR.split(_HOSTED.sub("", _trimmed(title)))]
    return tuple(dict.fromkeys(part for part in parts if key(part)))


def key(name: str) -> str:
    """Letters and digits of `name` in lower case: two spellings of one name have the same."""
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())


def core(name: str) -> str:
    """`key` without the words that say that it is an MCP server: "X", "X MCP" and "mcp-server-x" have the same."""
    parts = words(name)
    idle = _ABOUT_MCP | {"for"} if "mcp" in parts else _ABOUT_MCP
    kept = [word for word in parts if word not in idle]
    return key("".join(kept)) or key(name)


def words(name: str) -> list[str]:
    """The words of a name in lower case, slugs and CamelCase taken apart at hyphens and underscores only."""
    return [word for word in re.split(r"[\s_\-./@:]+", name.casefold()) if word]


def same(one: str, other: str) -> bool:
    """Whether two names are variants of one: spelled otherwise, or with and without "MCP server"."""
    return bool(key(one)) and (key(one) == key(other) or core(one) == core(other))


def says_mcp(name: str) -> bool:
    """Whether a name says that the thing is an MCP server."""
    return bool({"mcp", "server"} & set(words(name)))


def is_section(text: str) -> bool:
    """Whether a heading opens a section ("Features", "目录", "Table of Contents") rather than naming something."""
    bare = _trimmed(text)
    if not key(bare):
        return True
    if key(bare) in SECTIONS or key(bare).isdigit():
        return True
    parts = [re.sub(r"['’]s$", "", word.strip(".'’-")) for word in _SPLIT.split(bare.casefold())]
    parts = [part for part in parts if part and not part.replace(".", "").isdigit()]
    return all(part in SECTION_WORDS or key(part) in SECTIONS for part in parts)


def is_switcher(text: str) -> bool:
    """Whether a line is a language switcher: names of languages and little else."""
    parts = [part.strip("[]()（）【】* ") for part in re.split(r"[|·•/,\s]+", text.casefold())]
    parts = [part for part in parts if key(part)]
    found = sum(part in LANGUAGES for part in parts)
    return (found >= _MIN_LANGUAGES and 2 * found >= len(parts)) or (found == len(parts) == 1)


def is_badge(text: str) -> bool:
    """Whether words are those of a badge ("License: MIT", "npm version", "build passing")."""
    return _BADGE.fullmatch(_trimmed(text)) is not None


def is_generic(name: str) -> bool:
    """Whether a name holds nothing but words that describe any product ("AI Agent Platform")."""
    parts = [part.strip(".'’") for part in _SPLIT.split(name.casefold())]
    return all(part in GENERIC or part in STOP_WORDS or part.isdigit() for part in parts if part)


def is_slogan(text: str) -> bool:
    """Whether a line praises, orders or describes rather than names."""
    bare = _trimmed(text)
    if bare.endswith((".", "!", "?", "。", "！", "？", "…", ",")) and " " in bare:
        return True
    parts = bare.split()
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in bare)
    if wide:
        return wide + len(parts) > _MAX_WIDE
    if len(parts) > _MAX_WORDS:
        return True
    low = [part.casefold().strip(",.:;") for part in parts]
    if len(parts) > 2 and low[0] in SLOGAN_STARTS:  # noqa: PLR2004  (of two words, "Chat UI" is a name)
        return True
    if any(word in INNER_SLOGAN for word in low[1:]):
        return True
    content = [
        part for part, word in zip(parts, low, strict=True) if word not in STOP_WORDS and word not in SMALL_WORDS
    ]
    plain = sum(part.islower() and part.isalpha() for part in content)
    return len(parts) > 2 and plain > len(content) / 2  # noqa: PLR2004


def is_name(text: str) -> bool:
    """Whether `text`, tidied already, may name a product."""
    return (
        bool(key(text))
        and len(text) <= MAX_NAME
        and not is_section(text)
        and not is_badge(text)
        and not is_switcher(text)
        and not is_slogan(text)
    )


def _trimmed(text: str) -> str:
    """`text` on one line without emoji, control characters, and marks or symbols at its ends."""
    kept = "".join(" " if unicodedata.category(c) in _NO_LETTERS or c in _EMOJI_PARTS else c for c in text[:_MAX_TITLE])
    line = " ".join(kept.split()).strip(_MARKS)
    start, end = 0, len(line)
    while start < end and not (line[start].isalnum() or line[start] in "@(【[（.¿"):
        start += 1
    while end > start and not (line[end - 1].isalnum() or line[end - 1] in ")】]）+#?？!.。！…"):
        end -= 1
    return line[start:end].strip()
