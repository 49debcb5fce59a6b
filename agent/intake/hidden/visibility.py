"""The visibility pass: remove from an HTML tree the text that a reader cannot see, and report it.

No main-text extractor removes hidden text, so this runs before any extraction. Tabs, accordions and `details` are kept,
because they may describe real permissions. A colour counts as hidden only against a known background, so that a dark
theme or a picture behind a headline is not taken for white on white. Imported by the parsing child.

A site's own hidden labels and menus are removed like other hidden text, but not reported, because every site has them.
This applies only to short text of the usual kinds. Sentences, and anything that addresses an assessor, are reported
wherever they hide.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from lxml import etree

from agent.intake.hidden import cascade, colours, instructions
from agent.intake.page import MAX_EXCERPT, Removed

_LABEL_WORDS: Final = 8
_LINK_WORDS: Final = 5
_MENU_SHARE: Final = 0.9  # minimum share of a menu's words that belong to its links and controls
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
_SILENT: Final = frozenset(
    {"script", "style", "template", "noscript", "noframes", "iframe", "object", "embed", "applet", "audio", "video"}
    | {"canvas", "map", "datalist", "rp", "annotation", "annotation-xml", "select", "textarea", "svg", "head"}
)
_HEARD: Final = frozenset({"select", "textarea", "svg", "video", "audio", "canvas", "datalist", "map", "noframes"})
_FALLBACK: Final = frozenset({"template", "noscript", "object", "dialog", "rp", "annotation", "annotation-xml"})
_PICTURES: Final = frozenset({"img", "video", "picture", "canvas", "svg", "iframe"})
_UNFOLDS: Final = re.compile(r"\b(?:tab|tabs|tab-?pane|tab-?panel|tab-?content|accordion\S*|collaps\S*|panel|faq\S*)\b")
_FOLDS: Final = ("display:none", "a box without size", "visibility:hidden", "the attribute hidden", "opacity 0")
_JAVASCRIPT: Final = re.compile(
    r"(?:enable|requires?|needs?|turn on|without|disabled?|support).{0,40}\bjava ?script|googletagmanager",
    re.IGNORECASE,
)
_MOUNTS: Final = frozenset({"root", "app", "__next", "__nuxt", "___gatsby", "svelte", "main-app"})
_WORTH_WORDS: Final = 4
_WORTH_ARIA: Final = 8
_WORTH_COMMENT: Final = 12
_PIXEL: Final = 2.0
_COVER_WORDS: Final = 5
_MIN_ORDER_WORDS: Final = 3
_MARKUP: Final = re.compile(r"[<>{}=;\[\]]|https?:")
_UNSET: Final = frozenset({"", "inherit", "initial", "unset", "revert", "revert-layer", "currentcolor"})
_MAX_SEARCHED: Final = 20_000
_MAX_REMOVED: Final = 300
_DIM: Final = 0.1  # maximum opacity at which text counts as invisible
# lxml returns these characters from references like &#31;, but rejects them when text is set.
NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def is_label(element: etree._Element, words: str) -> bool:
    """Return whether the hidden `words` of an element are only a site's usual label or menu."""
    whole = len(words.split())
    sentence = _SENTENCE.search(words)
    if whole <= _LABEL_WORDS:
        links = [element] if element.tag == "a" else element.iter("a")
        skips = any((link.get("href") or "").startswith("#") for link in links)
        if _NEW_WINDOW.search(words) or (skips and not sentence and (_SKIP.match(words) or whole <= _LINK_WORDS)):
            return True
        names = f"{element.get('class') or ''} {element.get('id') or ''}"
        live = element.get("aria-live") is not None or element.get("role") in _LIVE
        if not sentence and (_FOR_READERS.search(names) or live):
            return True
    # In a menu, nearly all words belong to short links and controls.
    in_links = 0
    for control in element.iter(*_CONTROLS):
        if control.tag == "li" and control.find(".//*") is not None:
            continue
        own = " ".join("".join(control.itertext()).split()).rstrip(".…")
        if len(own.split()) > _LINK_WORDS or _SENTENCE.search(own):
            return False
        if not any(parent.tag in _CONTROLS - {"li"} for parent in control.iterancestors()):
            in_links += len(own.split())
    named = element.tag == "nav" or element.get("role") in _MENUS or element.find(".//nav") is not None
    controls = any(True for _ in element.iter("a", "button", "option"))
    return (named or controls) and in_links >= _MENU_SHARE * whole > 0


class _Seen(NamedTuple):
    """The properties that the content of an element inherits."""

    ink: colours.Colour | None = None
    ground: colours.Colour | None = None
    """Background colour; None if undeclared or unknown, see `open_ground`."""
    open_ground: bool = False
    """Whether the background cannot be determined: a picture, a gradient, an unread style sheet."""
    font: float = 16.0
    visible: bool = True
    opacity: float = 1.0
    variables: Mapping[str, str] = {}

    @property
    def paper(self) -> colours.Colour | None:
        """The background colour, white if undeclared, None if unknown."""
        return self.ground or (None if self.open_ground else colours.WHITE)


class Visibility:
    """One pass over one tree; `linked` are the contents of the style sheets that the page links to.

    The results are in `removed`, `scripts` and `sheets` (addresses of linked sheets, as written).
    """

    def __init__(self, root: etree._Element, linked: Sequence[str] = ()) -> None:
        self._root = root
        self.removed: list[Removed] = []
        self.scripts = False
        self.sheets: list[str] = []
        self._doomed: list[etree._Element] = []
        self._faded: list[tuple[etree._Element, str]] = []
        self._controlled: set[str] = set()
        own = self._read_head()
        self._open_ground = bool(self.sheets) and not linked
        self._cascade = cascade.Cascade(root, (*linked, *own))
        # Whether any element with text has its own declaration that makes it visible.
        self._reveals = any(
            element.tag not in ("body", "html") and _words(element)
            for element in self._cascade.elements_with("visibility", "visible")
        )

    def run(self) -> None:
        """Remove hidden text from the tree, in place."""
        self._report_orders()
        # Walk in document order with inherited properties on an explicit stack, so that deep trees do not recurse.
        stack: list[tuple[etree._Element, _Seen]] = [(self._root, _Seen(open_ground=self._open_ground))]
        while stack:
            element, outer = stack.pop()
            inner = self._enter(element, outer)
            if inner is not None:
                covered = self._covered(element) if len(element) > 1 else 0
                for index, child in reversed(list(enumerate(element))):
                    if index < covered and isinstance(child.tag, str):
                        self._doom(child, "covered by another layer")
                    else:
                        stack.append((child, inner))
        for element, reason in self._faded:
            # Remove the element's own text; its child elements are judged separately.
            words = " ".join(" ".join([element.text or "", *(child.tail or "" for child in element)]).split())
            if words:
                element.text = None
                for child in element:
                    child.tail = None
                self._note(element, words, reason, 1)
        for element in self._doomed:
            _drop(element)
        del self.removed[_MAX_REMOVED:]

    def _read_head(self) -> list[str]:
        """Return the page's own style sheets; note its linked sheets, its scripts and what its controls open."""
        own: list[str] = []
        for element in self._root.iter("*"):
            on_screen = element.tag in ("style", "link") and cascade.seen_on_screen(
                (element.get("media") or "").lower()
            )
            if element.tag == "style" and on_screen:
                own.append(element.text or "")
            elif element.tag == "link" and on_screen and element.get("href"):
                if "stylesheet" in (element.get("rel") or "").lower().split():
                    self.sheets.append(element.get("href").strip())
            elif element.tag == "script" and (element.get("src") or len(element.text or "") > MAX_EXCERPT):
                self.scripts = True
            for name in ("aria-controls", "data-target", "data-bs-target", "data-controls"):
                self._controlled.update((element.get(name) or "").replace("#", " ").split())
        return own

    def _report_orders(self) -> None:
        """Report text inserted by style sheets, and orders in metadata and scripts."""
        texts = list(dict.fromkeys(self._cascade.generated))
        long = [text for text in texts if len(text.split()) > _WORTH_WORDS]
        if not long and _speaks(" ".join(texts)):
            long = [" ".join(texts)]
        self.removed += [Removed("hidden-text", "text inserted by a style sheet", t[:MAX_EXCERPT]) for t in long]
        for element in self._root.iter("meta", "title"):
            words = element.get("content") or (element.text if element.tag == "title" else "") or ""
            self._report_order(words, "metadata of the page", "metadata-instruction")
        for element in self._root.iter("script"):
            linked_data = "ld+json" in (element.get("type") or "")
            told = ("structured data", "metadata-instruction") if linked_data else ("a script", "hidden-text")
            self._report_order(element.text or "", *told)

    def _enter(self, element: etree._Element, outer: _Seen) -> _Seen | None:
        """Return the properties that the element's content inherits, or None when the element is to be removed."""
        if not isinstance(element.tag, str):
            text = " ".join((element.text or "").split()) if element.tag is etree.Comment else ""
            prose = len(text.split()) >= _WORTH_COMMENT and not _MARKUP.search(text)
            if text and (prose or _speaks(text)):
                self.removed.append(Removed("hidden-text", "a comment", text[:MAX_EXCERPT]))
            self._doomed.append(element)
            return None
        style, variables = self._style(element, outer.variables)
        reason = self._reason(element, style, outer)
        if reason is not None:
            self._doom(element, reason)
            return None
        self._attributes(element, style)
        known = outer if variables is outer.variables else outer._replace(variables=variables)
        inner = self._inherit(element, style, known)
        if not inner.visible:
            if not self._unfolds(element):
                self._faded.append((element, "visibility:hidden"))
        elif inner.font < cascade.MIN_FONT:
            self._faded.append((element, "a font too small to read"))
        elif _is_drowned(style, inner):
            self._faded.append((element, "text in the colour of its background"))
        return inner

    def _report_order(self, text: str, where: str, kind: str = "hidden-text") -> bool:
        places = instructions.find(text[:_MAX_SEARCHED])[:1] if len(text.split()) >= _MIN_ORDER_WORDS else ()
        for place in places:
            start = max(0, place.start - MAX_EXCERPT // 4)
            self.removed.append(Removed(kind, where, text[start : start + MAX_EXCERPT]))
        return bool(places)

    def _attributes(self, element: etree._Element, style: cascade.Style) -> None:
        for name, value in element.attrib.items():
            if name in ("class", "style", "id", "href", "src") or " " not in value:
                continue
            if not (name == "alt" and element.tag == "img"):
                self._report_order(str(value), f"the attribute {name} of <{element.tag}>")
                continue
            # Keep a picture's description as text, because it may be the only content of a diagram.
            sizes = (cascade.pixels(element.get(side) or style.get(side, "")) for side in ("width", "height"))
            tiny = any(size is not None and size <= _PIXEL for size in sizes)
            if self._report_order(str(value), "the description of a picture"):
                element.set("alt", "")
            elif tiny:
                self._note(element, str(value), "the description of a picture without size", _WORTH_WORDS)
                element.set("alt", "")

    def _style(self, element: etree._Element, known: Mapping[str, str]) -> tuple[dict[str, str], Mapping[str, str]]:
        """Return the declared style of an element, and the custom properties that apply in it."""
        hints: dict[str, str] = {}
        for attribute, name in (("color", "color"), ("text", "color"), ("bgcolor", "background-color")):
            value = element.get(attribute)
            if value and (attribute != "text" or element.tag == "body"):
                hints[name] = value.lower()
        if element.get("background"):
            hints["background-image"] = "url()"
        if element.get("hidden") is not None:
            hints["display"] = "none"
        declared = self._cascade.style(element, hints)
        own = {name: value for name, value in declared.items() if name.startswith("--")}
        known = {**known, **own} if own else known
        return cascade.longhands({n: cascade.resolved(v, known) for n, v in declared.items() if n not in own}), known

    def _reason(self, element: etree._Element, style: dict[str, str], outer: _Seen) -> str | None:
        tag = tag_of(element)
        unopened = style.get("display") in (None, "none")
        if tag in _SILENT:
            return f"<{tag}>"
        if tag == "dialog" and element.get("open") is None and unopened:
            return "a closed <dialog>"
        if tag in ("body", "html"):
            return None
        if element.get("popover") is not None and unopened:
            return "a closed popover"
        reason = cascade.unseen(style)
        if reason is None and outer.opacity * cascade.opacity(style) <= _DIM:
            reason = "opacity 0"
        if reason == "display:none" and element.get("hidden") is not None:
            reason = "the attribute hidden"
        if reason in _FOLDS and self._unfolds(element):
            return None
        if reason in ("opacity 0", "transformed out of sight"):
            # An entrance animation may reveal the element later; text that addresses assessors is removed anyway.
            moves = cascade.appears_later(style) or ("transform" in style and cascade.opacity(style) <= _DIM)
            if moves and not _speaks(_words(element)):
                return None
        return reason or ("aria-hidden" if element.get("aria-hidden") == "true" else None)

    def _unfolds(self, element: etree._Element) -> bool:
        """Return whether a click opens the element, such as a panel of tabs or the body of an accordion."""
        names = f"{element.get('class') or ''} {element.get('id') or ''} {element.get('role') or ''}".lower()
        if _UNFOLDS.search(names) or element.get("hidden") == "until-found" or element.get("id") in self._controlled:
            return True
        return element.get("data-state") in ("closed", "inactive") and element.get("role") in ("tabpanel", "region")

    def _inherit(self, element: etree._Element, style: dict[str, str], outer: _Seen) -> _Seen:
        backdrop = any(self._is_backdrop(child) for child in element)
        if not style and not backdrop:
            return outer
        named = style.get("-webkit-text-fill-color") or style.get("color", "")
        ink = outer.ink if named in _UNSET else colours.colour(named)
        ground, open_ground = _ground(style, outer)
        if style.get("background-color") == "currentcolor" and ink is not None:
            ground, open_ground = ink, False
        if backdrop:
            ground, open_ground = None, True
        shown = style.get("visibility")
        if shown in ("hidden", "collapse") and element.tag in ("body", "html") and not self._reveals:
            # Otherwise nothing would be visible: a script removes such a style when the page is ready.
            shown = "visible"
        faint = cascade.opacity(style)
        return _Seen(
            ink,
            ground,
            open_ground,
            cascade.font_pixels(style["font-size"], outer.font) if "font-size" in style else outer.font,
            outer.visible if shown in (None, *_UNSET) else shown not in ("hidden", "collapse"),
            # An element this faint fades in and becomes visible; any other was removed already.
            1.0 if faint <= _DIM else outer.opacity * faint,
            outer.variables,
        )

    def _is_backdrop(self, child: etree._Element) -> bool:
        """Return whether a child is positioned behind or over its siblings as their background."""
        declared = self._cascade.style(child) if isinstance(child.tag, str) else {}
        if "position" not in declared:
            return False
        style = cascade.longhands(declared)
        if style["position"] not in ("absolute", "fixed"):
            return False
        if tag_of(child) in _PICTURES:
            return True
        painted = any("background" in name and value not in ("none", "transparent") for name, value in style.items())
        return (painted or child.find(".//img") is not None) and not _words(child)

    def _covered(self, element: etree._Element) -> int:
        """Return how many of an element's first children are hidden under a later child that fills its box."""
        position = cascade.longhands(self._cascade.style(element)).get("position")
        if element.tag in ("body", "main", "html") or position not in ("relative", "absolute", "fixed"):
            return 0
        for index in range(len(element) - 1, 0, -1):
            child = element[index]
            style = cascade.longhands(self._cascade.style(child)) if isinstance(child.tag, str) else {}
            paint = colours.first_colour(style.get("background-color") or style.get("background") or "")
            opaque = paint is not None and paint.alpha >= 1.0 and cascade.opacity(style) >= 1.0
            if opaque and cascade.covers(style) and len(_words(child).split()) < _COVER_WORDS:
                return index
        return 0

    def _doom(self, element: etree._Element, reason: str) -> None:
        """Mark an element for removal, and report its text unless it is of a kind that every site has."""
        self._doomed.append(element)
        tag, words = tag_of(element), _words(element)
        if tag in _SILENT - _FALLBACK:
            self._report_order(words if tag in _HEARD else "", reason)
            self._report_order(element.get("srcdoc") or "", "the attribute srcdoc of <iframe>")
        elif tag == "noscript" and (_JAVASCRIPT.search(words) or _MARKUP.search(words)):
            self._report_order(words, reason)
        else:
            self._note(element, words, reason, _WORTH_ARIA if reason == "aria-hidden" else _WORTH_WORDS)

    def _note(self, element: etree._Element, words: str, reason: str, least: int) -> None:
        worth = len(words.split()) >= least and not is_label(element, words)
        if worth or _speaks(words):
            self.removed.append(Removed("hidden-text", reason, words[:MAX_EXCERPT]))


def _ground(style: Mapping[str, str], outer: _Seen) -> tuple[colours.Colour | None, bool]:
    """Return the background colour of an element, and whether it is unknown."""
    value, short = style.get("background-color", ""), style.get("background", "")
    picture = style.get("background-image", "none") not in ("none", *_UNSET)
    if picture or "url(" in short or "gradient(" in short:
        return None, True
    paint = colours.colour(value) if value not in _UNSET else colours.first_colour(short)
    if paint is None:
        said = value not in ("transparent", *_UNSET) or short not in ("none", "transparent", *_UNSET)
        unknown = said and not re.fullmatch(r"[\s\d%a-z-]*", short + value)
        return (None, True) if unknown else (outer.ground, outer.open_ground)
    if paint.alpha >= 1.0:
        return paint, False
    return (None, True) if outer.paper is None else (colours.over(paint, outer.paper), False)


def _is_drowned(style: Mapping[str, str], seen: _Seen) -> bool:
    """Return whether text is transparent or has the colour of its background."""
    clip = style.get("background-clip") or style.get("-webkit-background-clip") or ""
    if seen.ink is None or "text" in clip:
        return False
    if colours.see_through(seen.ink):
        return style.get("color", "") not in _UNSET or "-webkit-text-fill-color" in style
    return seen.paper is not None and colours.same(colours.over(seen.ink, seen.paper), seen.paper)


def _speaks(text: str) -> bool:
    return bool(instructions.find(text[:_MAX_SEARCHED]))


def mount_is_empty(root: etree._Element) -> bool:
    """Return whether the page has an empty element that scripts are meant to fill with its content."""
    return any(
        element.get("id") in _MOUNTS and not _words(element) for element in root.iter("div", "main", "section", "body")
    )


def tag_of(element: etree._Element | None) -> str:
    """Return the lower-case tag without namespace; empty for a comment and for None."""
    tag = "" if element is None else element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _words(element: etree._Element) -> str:
    # Text nodes only: itertext() would return comments too.
    return " ".join(" ".join(str(text) for text in element.xpath(".//text()")).split())


def _drop(element: etree._Element) -> None:
    """Remove an element, but leave the text after it in place."""
    parent, previous = element.getparent(), element.getprevious()
    if parent is None:
        return
    tail = NOT_XML.sub("", element.tail or "")
    if tail and previous is None:
        parent.text = NOT_XML.sub("", parent.text or "") + tail
    elif tail:
        previous.tail = NOT_XML.sub("", previous.tail or "") + tail
    parent.remove(element)
