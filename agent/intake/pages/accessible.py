"""Hidden text that is there for assistive software or behind a click: skip links, labels, status lines, menus.

It is taken out of a page's text like all that a reader does not see, but it is no finding: every site has it. Only
short words of the kinds that sites have are let pass. Sentences, and whatever speaks to an assessor, are reported
wherever they hide (`visibility` asks first). Imported by the parsing child.
"""

import re
from typing import Final

from lxml import etree

_LABEL_WORDS: Final = 8
_LINK_WORDS: Final = 5
_MENU_SHARE: Final = 0.9
"""Of a menu's words, those of its links and controls."""
_FOR_READERS: Final = re.compile(
    r"(?:^|[\s_-])(?:sr|screen-?reader|visually-?hidden|a11y|skip|skip-?(?:link|nav|to)\w*|assistive)(?:$|[\s_-])", re.I
)
_LIVE: Final = frozenset({"status", "alert", "log", "tooltip", "timer", "progressbar"})
_MENUS: Final = frozenset({"menu", "menubar", "navigation", "listbox", "tree", "toolbar"})
_SKIP: Final = re.compile(r"^\W*(?:skip|jump|go|back|return) (?:to|past|over)\b", re.IGNORECASE)
_NEW_WINDOW: Final = re.compile(
    r"\bopens? in (?:a |an )?(?:new|external) (?:\w+ )?(?:tab|window)|\bexternal (?:link|site)\b", re.IGNORECASE
)
_CONTROLS: Final = frozenset({"a", "button", "option", "label", "summary", "legend", "input", "li"})
_SENTENCE: Final = re.compile(
    r"[.!?:]\s|[.!]$|\b(?:is|are|was|were|must|never|always|cannot|every|all)\b", re.IGNORECASE
)


def is_label(element: etree._Element, words: str) -> bool:
    """Whether the hidden `words` of an element are a site's own label or menu, and say nothing."""
    few = len(words.split()) <= _LABEL_WORDS
    if few and (_is_skip_link(element, words) or _NEW_WINDOW.search(words)):
        return True
    if few and not _SENTENCE.search(words) and (_for_readers(element) or _is_live(element)):
        return True
    return _is_menu(element, words)


def _is_skip_link(element: etree._Element, words: str) -> bool:
    links = [element] if element.tag == "a" else list(element.iter("a"))
    inside = [link for link in links if (link.get("href") or "").startswith("#")]
    return (
        bool(inside) and bool(_SKIP.match(words) or len(words.split()) <= _LINK_WORDS) and not _SENTENCE.search(words)
    )


def _for_readers(element: etree._Element) -> bool:
    return _FOR_READERS.search(f"{element.get('class') or ''} {element.get('id') or ''}") is not None


def _is_live(element: etree._Element) -> bool:
    return element.get("aria-live") is not None or element.get("role") in _LIVE


def _is_menu(element: etree._Element, words: str) -> bool:
    """Whether nearly all words are those of short links and controls."""
    whole = len(words.split())
    told = 0
    for control in element.iter(*_CONTROLS):
        if control.tag == "li" and control.find(".//*") is not None:
            continue
        own = " ".join("".join(control.itertext()).split()).rstrip(".…")
        if len(own.split()) > _LINK_WORDS or _SENTENCE.search(own):
            return False
        if not any(parent.tag in _CONTROLS - {"li"} for parent in control.iterancestors()):
            told += len(own.split())
    named = element.tag == "nav" or element.get("role") in _MENUS or element.find(".//nav") is not None
    controls = any(True for _ in element.iter("a", "button", "option"))
    return (named or controls) and told >= _MENU_SHARE * whole > 0
