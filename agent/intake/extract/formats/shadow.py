"""Lays out declarative shadow trees (`<template shadowrootmode>`) as a browser shows them.

Runs before the visibility pass. Host content that a browser does not show (children without a matching slot, the
fallback of a filled slot) is put into a plain `<template>`, so that it is judged as hidden text. The rules of a shadow
tree's style sheets apply to that tree alone. Imported by the parsing child.
"""

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from agent.intake.hidden.visibility import NOT_XML

SHADOW_TAG: Final = "shadowroot"
"""The tag of a laid-out shadow tree, which takes part in the text flow like its host."""
_MARK: Final = "data-shadow-host"
_MODES: Final = frozenset({"open", "closed"})
_HOSTS: Final = frozenset(
    (
        *("article", "aside", "blockquote", "body", "div", "footer", "h1", "h2", "h3", "h4", "h5", "h6"),
        *("header", "main", "nav", "p", "section", "span"),
    )
)
_MAX_ROOTS: Final = 2000
_HOST: Final = re.compile(r":host(?:\(([^()]*)\))?(?![\w-])")
_SLOTTED: Final = re.compile(r"(?:\bslot((?:\[[^\]]*\]|\.[\w-]+)*))?::slotted\(")


def lay_out(root: etree._Element) -> None:
    """Replace the content of hosts under `root` by their shadow trees, in place.

    A template counts as a shadow root only if a browser accepts it: it has a mode, is the first in its host, its host
    may have a shadow root, and no inert template encloses it. Templates beyond the first _MAX_ROOTS are left unchanged.
    """
    hosts: set[etree._Element] = set()
    scopes: dict[str, str] = {}
    for template in list(root.iter("template")):
        host = template.getparent()
        if (template.get("shadowrootmode") or "").lower() not in _MODES or host is None or host in hosts:
            continue
        if host.tag not in _HOSTS and "-" not in host.tag:
            continue
        if len(hosts) >= _MAX_ROOTS or next(host.iterancestors("template"), None) is not None:
            continue
        hosts.add(host)
        _fill(host, template, scopes)


def _fill(host: etree._Element, shadow: etree._Element, scopes: dict[str, str]) -> None:
    inner = list(_own(shadow))
    _bind([element for element in inner if element.tag == "style"], host, scopes)
    light = [child for child in host if child is not shadow]
    loose = _Loose(host, shadow)
    shadow.tag = SHADOW_TAG
    unseen = etree.Element("template")
    slots: dict[str, etree._Element] = {}
    for slot in inner:
        if slot.tag == "slot":
            slots.setdefault(slot.get("name") or "", slot)
    filled: set[etree._Element] = set()
    for child in light:
        name = (child.get("slot") or "") if isinstance(child.tag, str) else ""
        target = slots.get(name, unseen)
        _empty(target, unseen, filled)
        _move(child, target)
    if loose.text.strip():
        target = slots.get("", unseen)
        _empty(target, unseen, filled)
        loose.put(target)
    if len(unseen) or unseen.text:
        host.append(unseen)


class _Loose:
    """The text directly inside a host, which goes to the unnamed slot."""

    def __init__(self, host: etree._Element, shadow: etree._Element) -> None:
        self._before = _clean(host.text)
        self._behind: dict[etree._Element, str] = {}
        for child in host:
            if child is not shadow:
                self._behind[child] = _clean(child.tail)
                child.tail = None
        self._shadow = _clean(shadow.tail)
        host.text = shadow.tail = None
        self.text = "".join((self._before, self._shadow, *self._behind.values()))

    def put(self, target: etree._Element) -> None:
        """Put the text back between the children in `target`; text without a child there goes in front."""
        lost = "".join(text for child, text in self._behind.items() if child.getparent() is not target)
        target.text = f"{_clean(target.text)}{self._before}{self._shadow}{lost}"
        for child, text in self._behind.items():
            if child.getparent() is target:
                child.tail = text


def _own(shadow: etree._Element) -> Iterator[etree._Element]:
    """Yield the elements of one shadow tree in order, excluding the contents of its templates."""
    stack = list(reversed(shadow))
    while stack:
        element = stack.pop()
        yield element
        if element.tag != "template":
            stack.extend(reversed(element))


def _bind(sheets: list[etree._Element], host: etree._Element, scopes: dict[str, str]) -> None:
    """Restrict the rules of style sheets to their host; a sheet shared by many hosts is kept once."""
    marks: list[str] = []
    for sheet in sheets:
        text = sheet.text or ""
        if text not in scopes:
            scopes[text] = str(len(scopes) + 1)
            rules = _SLOTTED.sub(lambda match: f"slot{match[1] or ''} > :is(", text)
            rules = _HOST.sub(lambda match: f"&{match[1] or ''}", rules)
            sheet.text = f'[{_MARK}~="{scopes[text]}"] {{ {rules} }}'
        else:
            sheet.text = None
        marks.append(scopes[text])
    if marks:
        host.set(_MARK, " ".join(marks))


def _empty(target: etree._Element, unseen: etree._Element, filled: set[etree._Element]) -> None:
    """Move the fallback content out of a slot when it is filled for the first time."""
    if target is unseen or target in filled:
        return
    filled.add(target)
    kept = etree.SubElement(unseen, "span")
    kept.text, target.text = _clean(target.text), None
    for child in list(target):
        kept.append(child)
    if not len(kept) and not (kept.text or "").strip():
        unseen.remove(kept)


def _move(child: etree._Element, target: etree._Element) -> None:
    # Separate the words of two boxes in one slot with a blank.
    target.append(child)
    child.tail = " "


def _clean(text: str | None) -> str:
    """Return the text without characters that the tree rejects."""
    return NOT_XML.sub("", text or "")
