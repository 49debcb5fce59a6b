"""The visibility pass: takes text that a reader cannot see out of an HTML tree, and reports it.

No main-text extractor removes hidden text, so this runs before any extraction. Tabs, accordions and `details` are kept,
real permissions live there. A colour counts as hidden only against a background that the page states, so that a dark
theme is not taken for white on white. Imported by the parsing child.
"""

import re
from typing import Final

from lxml import etree

from agent.intake.pages import instructions, styles
from agent.intake.pages.page import MAX_EXCERPT, Removed

_SILENT: Final = frozenset(
    {"script", "style", "template", "noscript", "noframes", "iframe", "object", "embed", "applet", "audio", "video"}
    | {"canvas", "map", "datalist", "rp", "annotation", "annotation-xml", "select", "textarea", "svg", "head"}
)
_FALLBACK: Final = frozenset({"template", "noscript", "object", "dialog", "rp", "annotation", "annotation-xml"})
_TOLD: Final = (
    "title",
    "alt",
    "aria-label",
    "aria-description",
    "placeholder",
    "data-tooltip",
    "data-content",
    "value",
)
_UNFOLDS: Final = re.compile(r"\b(?:tab|tabs|tab-?pane|tab-?panel|tab-?content|accordion\S*|collaps\S*|panel|faq\S*)\b")
_JAVASCRIPT: Final = re.compile(
    r"(?:enable|requires?|needs?|turn on|without|disabled?|support).{0,40}\bjava ?script|googletagmanager",
    re.IGNORECASE,
)
_MOUNTS: Final = frozenset({"root", "app", "__next", "__nuxt", "___gatsby", "svelte", "main-app"})
_WORTH_WORDS: Final = 4
_WORTH_ARIA: Final = 12
_WORTH_COMMENT: Final = 12
_MARKUP: Final = re.compile(r"[<>{}=;\[\]]|https?:")
_WHITE: Final[styles.Colour] = (255, 255, 255)


class Visibility:
    """One pass over one tree; `removed` and `scripts` tell what it found."""

    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self.removed: list[Removed] = []
        self.scripts = False
        self._rules: list[styles.Rule] = []
        self._by_key: dict[str, list[styles.Rule]] = {}
        self._linked = False

    def run(self) -> None:
        """Take hidden text out of the tree in place."""
        self._read_head()
        self._sweep_metadata()
        doomed: list[etree._Element] = []
        faded: list[etree._Element] = []
        # One walk in document order; inherited colours travel on an explicit stack, deep trees do not recurse.
        stack: list[tuple[etree._Element, styles.Colour | None, styles.Colour | None]] = [(self._root, None, None)]
        while stack:
            element, ink, ground = stack.pop()
            if not isinstance(element.tag, str):
                self._comment(element)
                doomed.append(element)
                continue
            reason = self._reason(element)
            if reason is not None:
                self._report(element, reason)
                doomed.append(element)
                continue
            self._attributes(element)
            style = self._style(element)
            ink = styles.colour(style.get("color", "")) or ink
            ground = self._background(style, ground)
            if styles.transparent(style) or self._same(ink, ground):
                faded.append(element)
            stack.extend((child, ink, ground) for child in reversed(element))
        for element in faded:
            self._fade(element)
        for element in doomed:
            _drop(element)

    def _read_head(self) -> None:
        sheets: list[str] = []
        for element in self._root.iter("style", "link", "script"):
            if element.tag == "style" and element.get("media", "all") in ("all", "screen", ""):
                sheets.append(element.text or "")
            elif element.tag == "link" and "stylesheet" in (element.get("rel") or "").lower():
                self._linked = True
            elif element.tag == "script" and (element.get("src") or len(element.text or "") > MAX_EXCERPT):
                self.scripts = True
        self._rules, generated = [], ""
        for sheet in sheets:
            found, text = styles.rules(sheet)
            self._rules.extend(found)
            generated = f"{generated} {text}".strip()
        for rule in self._rules:
            key = next((f".{name}" for name in sorted(rule.classes)), next((f"#{name}" for name in rule.ids), rule.tag))
            self._by_key.setdefault(key, []).append(rule)
        if len(generated.split()) > _WORTH_WORDS:
            self.removed.append(Removed("hidden-text", "text that a style sheet writes", generated[:MAX_EXCERPT]))

    def _sweep_metadata(self) -> None:
        for element in self._root.iter("meta", "title"):
            self._told(element.get("content") or "", "metadata-instruction", "metadata of the page")
        for element in self._root.iter("script"):
            text = element.text or ""
            linked_data = "ld+json" in (element.get("type") or "")
            kind, where = ("metadata-instruction", "structured data") if linked_data else ("hidden-text", "a script")
            self._told(text, kind, where)

    def _told(self, text: str, kind: str, where: str) -> None:
        for place in instructions.find(text[:_TOLD_REACH])[:1]:
            start = max(0, place.start - MAX_EXCERPT // 4)
            self.removed.append(Removed(kind, where, text[start : start + MAX_EXCERPT]))

    def _attributes(self, element: etree._Element) -> None:
        for name in _TOLD:
            value = element.get(name)
            # The words of a picture's description are read like text, and judged there.
            if value and not (name == "alt" and element.tag == "img"):
                self._told(value, "hidden-text", f"the attribute {name} of <{element.tag}>")

    def _comment(self, element: etree._Element) -> None:
        text = " ".join((element.text or "").split()) if element.tag is etree.Comment else ""
        prose = len(text.split()) >= _WORTH_COMMENT and not _MARKUP.search(text)
        if text and (prose or instructions.find(text[:_TOLD_REACH])):
            self.removed.append(Removed("hidden-text", "a comment", text[:MAX_EXCERPT]))

    def _reason(self, element: etree._Element) -> str | None:
        tag = str(element.tag).rpartition("}")[2].lower()
        if tag in _SILENT:
            return f"<{tag}>"
        if tag == "dialog" and element.get("open") is None:
            return "a closed <dialog>"
        if tag in ("body", "html"):
            return None
        names = f"{element.get('class') or ''} {element.get('id') or ''} {element.get('role') or ''}".lower()
        unfolds = bool(_UNFOLDS.search(names)) or element.get("hidden") == "until-found"
        if element.get("hidden") is not None and not unfolds:
            return "the attribute hidden"
        inline = styles.declarations(element.get("style") or "")
        reason = styles.unseen({**self._ruled(element), **inline})
        if reason == styles.TINY and _sizes_inside(element):
            reason = None
        if reason and not (unfolds and reason in ("display:none", "a box of no size", "visibility:hidden")):
            return reason
        return "aria-hidden" if element.get("aria-hidden") == "true" else None

    def _ruled(self, element: etree._Element) -> dict[str, str]:
        if not self._rules:
            return {}
        tag = str(element.tag).lower()
        classes = frozenset((element.get("class") or "").split())
        identity = element.get("id") or ""
        merged: dict[str, str] = {}
        for key in (tag, *sorted(f".{name}" for name in classes), f"#{identity}"):
            for rule in self._by_key.get(key, ()):
                if rule.tag in ("", tag) and rule.classes <= classes and rule.ids <= {identity}:
                    merged.update(rule.style)
        return merged

    def _style(self, element: etree._Element) -> dict[str, str]:
        attributes = {"color": element.get("color") or "", "background-color": element.get("bgcolor") or ""}
        given = {name: value.lower() for name, value in attributes.items() if value}
        return {**given, **self._ruled(element), **styles.declarations(element.get("style") or "")}

    def _background(self, style: dict[str, str], outer: styles.Colour | None) -> styles.Colour | None:
        value = style.get("background-color") or style.get("background") or ""
        if not value or value in ("none", "transparent", "inherit", "initial"):
            return outer
        return styles.colour(value) or _UNKNOWN

    def _same(self, ink: styles.Colour | None, ground: styles.Colour | None) -> bool:
        if ink is None or ground == _UNKNOWN:
            return False
        if ground is None:
            # Without any statement a page is white, unless a style sheet that is not read may say otherwise.
            return not self._linked and styles.same(ink, _WHITE)
        return styles.same(ink, ground)

    def _fade(self, element: etree._Element) -> None:
        """Take an element's own text out; children with a colour of their own were judged for themselves."""
        pieces = [element.text or "", *(child.tail or "" for child in element)]
        words = " ".join(" ".join(pieces).split())
        if not words:
            return
        element.text = None
        for child in element:
            child.tail = None
        self._note(words, "text in the colour of its background", 1)

    def _report(self, element: etree._Element, reason: str) -> None:
        tag = str(element.tag).rpartition("}")[2].lower()
        if tag in _SILENT - _FALLBACK:
            words = _words(element) if tag in ("select", "textarea", "svg", "video", "audio", "canvas") else ""
            self._told(words, "hidden-text", reason)
            return
        words = _words(element)
        if tag == "noscript" and (_JAVASCRIPT.search(words) or _MARKUP.search(words)):
            self._told(words, "hidden-text", reason)
        else:
            self._note(words, reason, _WORTH_ARIA if reason == "aria-hidden" else _WORTH_WORDS)

    def _note(self, words: str, reason: str, least: int) -> None:
        if len(words.split()) >= least or instructions.find(words[:_TOLD_REACH]):
            self.removed.append(Removed("hidden-text", reason, words[:MAX_EXCERPT]))


def _sizes_inside(element: etree._Element) -> bool:
    """The old trick against gaps: a container of font size 0 whose children set their own size."""
    return any("font-size" in (child.get("style") or "") for child in element.iterdescendants("*"))


# The tree gives such characters out, from references like &#31;, but does not take them in again.
NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNKNOWN: Final[styles.Colour] = (-1, -1, -1)
_TOLD_REACH: Final = 20_000


def mount_is_empty(root: etree._Element) -> bool:
    """Whether the place where scripts put a page's content is there and empty."""
    return any(
        element.get("id") in _MOUNTS and not _words(element) for element in root.iter("div", "main", "section", "body")
    )


def _words(element: etree._Element) -> str:
    # Text nodes only: itertext() would give comments as well.
    return " ".join(" ".join(str(text) for text in element.xpath(".//text()")).split())


def _drop(element: etree._Element) -> None:
    """Take an element out and leave the text behind it where it was."""
    parent = element.getparent()
    if parent is None:
        return
    tail = NOT_XML.sub("", element.tail or "")
    if tail:
        previous = element.getprevious()
        if previous is None:
            parent.text = NOT_XML.sub("", parent.text or "") + tail
        else:
            previous.tail = NOT_XML.sub("", previous.tail or "") + tail
    parent.remove(element)
