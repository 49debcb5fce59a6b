"""Judges the form of product names: removes decorations, splits titles, recognises section words and slogans.

This distinguishes headings that name something from other headings. The word lists (`words.toml`) are in lower case;
text compared with them is folded by `str.casefold` only, which keeps accents.
"""

import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Final

_WORDS: Final = {
    key: frozenset(words.split())
    for key, words in tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8")).items()
}
_STOP_WORDS: Final = _WORDS["stops"]
_SECTION_WORDS: Final = _WORDS["sections"] | _STOP_WORDS
_SECTIONS: Final = _WORDS["wide_sections"]
_LOWER_WORDS: Final = _STOP_WORDS | _WORDS["small_words"]
_GENERIC: Final = _WORDS["generic"] | _STOP_WORDS
GENERIC_FILES: Final = _WORDS["generic_files"]
"""File stems (names without suffix) that name no product."""
GENERIC_FOLDERS: Final = GENERIC_FILES | _WORDS["generic_folders"]
"""Names of folders and repositories that are too generic to name a product on their own."""
INSTALLERS: Final = _WORDS["installers"]
"""Words that may follow an install command but are not a package of the product."""
MAX_NAME: Final = 80
"""Maximum length of a displayed name in characters."""
_MAX_TITLE: Final = 400
"""Maximum number of characters of a title that are examined."""
_MAX_WORDS: Final = 7
_MAX_WIDE: Final = 24
"""Maximum number of letters of a name in a script without spaces between words."""
_MIN_LANGUAGES: Final = 2
_SEPARATOR: Final = re.compile(
    r"\s+[-–—|·•:~»›>/]{1,2}\s+|\s*[—|｜：]\s*|:\s+|\s–\s?|[,，]\s+(?=(?:an?|the|your|ein|eine|un|una|une|le|la|el)\s)"
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
    r"(?i)^(?:welcome to|welcome|about|introducing|introduction to|getting started with|get started with|meet|hello|hi"
    r"|what(?: is| are|['’]s)(?! new)|why(?: use)?|how to use|readme (?:for|of)|documentation (?:for|of)"
    r"|docs (?:for|of)|overview of|guide to|tools of|skill:|project:|name:|willkommen (?:bei|zu)|was ist|über"
    r"|bienvenue (?:sur|dans|à|chez)|qu['’]est[- ]ce que|à propos de|bienvenid[oa]s? a|¿?\s*qué es|acerca de|欢迎使用"
    r"|欢迎来到|什么是|关于|歡迎使用|什麼是)(?=[\s:：]|[^\x00-\x7f])[\s:：]*"
)
_CONCLUDES: Final = re.compile(
    r"(?i)(?:\s+(?:(?:user|developer|technical|official|online|project|api|full) )?(?:documentation|docs|manual|readme"
    r"|read ?me|user guide|wiki|reference|handbook|home ?page|website|overview|dokumentation|handbuch|documentación"
    r"|quickstart|quick ?start|getting started|setup guide|installation guide)|\s*(?:とは|について|文档|使用文档"
    r"|使用说明|说明文档|文檔|ドキュメント|문서|란|이란))\s*[?？]?$"
)
_ADJECTIVES: Final = re.compile(
    r"(?i)^(?:the\s+)?(?:(?:official|unofficial|awesome|original|ultimate|legendary|amazing|missing)(?:\s*[,&/]\s*"
    r"|\s+and\s+|\s+))+(?=\S)"
)
_KIND_END: Final = re.compile(
    r"(?i)\b(?:server|agent|agents|toolkit|framework|sdk|platform|library|plugin|skill|assistant|project|app|engine"
    r"|repository|cli)$"
)
_PICTURE: Final = re.compile(r"^(?:logo|icon|banner|badge)\s+(?=\S)|\s+(?:logo|icon|banner)$", re.IGNORECASE)
_TWICE: Final = re.compile(r"^(\S{2,40}) (?=\1\b)", re.IGNORECASE)
"""A duplicated name, for example when a logo's description precedes the heading."""
_OWNS: Final = re.compile(r"['’]s$")
_THE: Final = re.compile(r"^the\s+(?=\S)", re.IGNORECASE)
_QUESTION: Final = re.compile(r"\s*[?？!！。.…]+$")
_TAGGED: Final = re.compile(r"\s*(?:repository|repo|project page)$", re.IGNORECASE)
_ABOUT_MCP: Final = frozenset({"mcp", "server", "servers", "the", "official"})
_MARKS: Final = "*_`~#>\"“”„«»'‘’ \t\u00a0"
_NO_LETTERS: Final = frozenset({"So", "Sk", "Cf", "Cc", "Cs", "Co"})
_EMOJI_PARTS: Final = "\ufe0f\u20e3"
_LETTER: Final = "[A-Za-z0-9À-ɏ_-]"
"""A character that continues a word; not letters of scripts without spaces, which may directly follow a name."""
_SPLIT: Final = re.compile(r"[^\w+&#.'’-]+")
_BADGE: Final = re.compile(
    r"(?i)(?:license|licence|build|ci|tests?|coverage|codecov|docs?|documentation|version|pypi|npm|downloads?|stars?"
    r"|forks?|discord|slack|twitter|x|follow|chat|website|python|node(?:\.js)?|status|release|issues|prs?"
    r"|contributors?|sponsor|mcp|docker|code style|platform|open in \w+|install in .*|deploy .*)(?: ?(?:badge|:.*"
    r"|- ?.*|[vx]?[\d.>=+]+|welcome|passing|stars?|server|status|workflow|version|count|chat|follow|join\w*))*"
)


_STEP: Final = re.compile(
    r"(?i)(?:deploy(?:ment|ing)|install(?:ation|ing)|integrat(?:ion|ing)|configur(?:ation|ing)|migrat(?:ion|ing)|set-?up"
    r"|usage|running|testing|building) (?:to|on|with|in|via|using|for|from|as|and) \S.*"
)
"""A heading such as "Deployment to Fly.io", which opens a section."""


def tidy(text: str) -> str:
    """Return `text` without decorations: emoji, badges in brackets, versions, adjectives, "Welcome to", "docs"."""
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
    """Return the tidied parts of a title between dashes, bars and colons, in order, omitting empty parts and
    duplicates."""
    parts = [tidy(part) for part in _SEPARATOR.split(_HOSTED.sub("", _trimmed(title)))]
    return tuple(dict.fromkeys(part for part in parts if key(part)))


def key(name: str) -> str:
    """Return the letters and digits of `name` in lower case, which are the same for all its spellings."""
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())


def core(name: str) -> str:
    """Return `key` without the words for an MCP server: the same for "X", "X MCP" and "mcp-server-x"."""
    parts = words(name)
    idle = _ABOUT_MCP | {"for"} if "mcp" in parts else _ABOUT_MCP
    kept = [word for word in parts if word not in idle]
    return key("".join(kept)) or key(name)


def words(name: str) -> list[str]:
    """Return a name's words in lower case, split at spaces, hyphens, underscores and `./@:`; CamelCase is not split."""
    return [word for word in re.split(r"[\s_\-./@:]+", name.casefold()) if word]


def same(one: str, other: str) -> bool:
    """Return whether two names are variants of the same name: spelled differently, or with and without "MCP server"."""
    return bool(key(one)) and (key(one) == key(other) or core(one) == core(other))


def says_mcp(name: str) -> bool:
    """Return whether a name says that the product is an MCP server."""
    return bool({"mcp", "server"} & set(words(name)))


def pattern_of(name: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    """Return a pattern for `name` as a whole; a space, hyphen, underscore or nothing may separate its words."""
    parts = [re.escape(part) for part in re.split(r"[\s_-]+", name) if part]
    return re.compile(rf"(?<!{_LETTER})" + r"[\s_-]?".join(parts) + rf"(?!{_LETTER})", flags)


def is_section(text: str) -> bool:
    """Return whether a heading opens a section ("Features", "目录", "Table of Contents") instead of being a name."""
    bare = _trimmed(text)
    whole = key(bare)
    if not whole or whole in _SECTIONS or whole.isdigit() or _STEP.fullmatch(bare):
        return True
    parts = [re.sub(r"['’]s$", "", word.strip(".'’-")) for word in _SPLIT.split(bare.casefold())]
    parts = [part for part in parts if part and not part.replace(".", "").isdigit()]
    return all(part in _SECTION_WORDS or key(part) in _SECTIONS for part in parts)


def is_switcher(text: str) -> bool:
    """Return whether a line is a language switcher, consisting mostly of language names."""
    parts = [part.strip("[]()（）【】* ") for part in re.split(r"[|·•/,\s]+", text.casefold())]
    parts = [part for part in parts if key(part)]
    found = sum(part in _WORDS["languages"] for part in parts)
    return (found >= _MIN_LANGUAGES and 2 * found >= len(parts)) or (found == len(parts) == 1)


def is_badge(text: str) -> bool:
    """Return whether `text` is that of a badge ("License: MIT", "npm version", "build passing")."""
    return _BADGE.fullmatch(_trimmed(text)) is not None


def is_generic(name: str) -> bool:
    """Return whether a name consists only of words that could describe any product ("AI Agent Platform")."""
    parts = [part.strip(".'’") for part in _SPLIT.split(name.casefold())]
    return all(part in _GENERIC or part.isdigit() for part in parts if part)


def is_slogan(text: str) -> bool:
    """Return whether a line praises, instructs or describes rather than names."""
    bare = _trimmed(text)
    parts = bare.split()
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in bare)
    if bare.endswith((".", "!", "?", "。", "！", "？", "…", ",")) and " " in bare:
        return True
    if wide:
        return wide + len(parts) > _MAX_WIDE
    low = [part.casefold().strip(",.:;") for part in parts]
    if len(parts) > _MAX_WORDS or any(word in _WORDS["slogan_words"] for word in low[1:]):
        return True
    content = [part for part, word in zip(parts, low, strict=True) if word not in _LOWER_WORDS]
    plain = sum(part.islower() and part.isalpha() for part in content)
    starts = bool(low) and low[0] in _WORDS["slogan_starts"]
    # "Chat Browser Agent" begins like an instruction, but it is capitalised throughout and ends with a kind of product.
    starts = starts and not (all(part[0].isupper() for part in parts) and _KIND_END.search(bare))
    # A line of only two words, such as "Chat UI", is a name.
    return len(parts) > 2 and (starts or plain > len(content) / 2)  # noqa: PLR2004


def is_name(text: str) -> bool:
    """Return whether `text`, already tidied, may be a product name."""
    others = (is_section, is_badge, is_switcher, is_slogan)
    return bool(key(text)) and len(text) <= MAX_NAME and not any(other(text) for other in others)


def _trimmed(text: str) -> str:
    """Return `text` on one line without emoji, control characters, and leading or trailing marks and symbols."""
    kept = "".join(" " if unicodedata.category(c) in _NO_LETTERS or c in _EMOJI_PARTS else c for c in text[:_MAX_TITLE])
    line = " ".join(kept.split()).strip(_MARKS)
    start, end = 0, len(line)
    while start < end and not (line[start].isalnum() or line[start] in "@(【[（.¿"):
        start += 1
    while end > start and not (line[end - 1].isalnum() or line[end - 1] in ")】]）+#?？!.。！…"):
        end -= 1
    return line[start:end].strip()
