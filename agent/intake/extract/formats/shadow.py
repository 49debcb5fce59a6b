"""Lays out declarative shadow trees (`<template shadowrootmode>`) as a browser shows them.

Runs before the visibility pass. Host content that a browser does not show (children without a matching slot, the
fallback of a filled slot) is put into a plain `<template>`, so that it is judged as hidden text. The rules of a shadow
tree's style sheets apply only to that tree. Imported by the parsing child.
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
    """Replace the content of hosts under `root` with their shadow trees, in place.

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
    # The text directly inside the host goes to the unnamed slot.
    behind = {child: _clean(child.tail) for child in light}
    before, after = _clean(host.text), _clean(shadow.tail)
    host.text = shadow.tail = None
    shadow.tag = SHADOW_TAG
    unseen = etree.Element("template")
    # Of several slots with one name, the first counts.
    slots = {slot.get("name") or "": slot for slot in reversed(inner) if slot.tag == "slot"}
    filled: set[etree._Element] = set()

    def opened(name: str) -> etree._Element:
        """Return the slot called `name`; when it is first filled, its fallback content is moved out."""
        slot = slots.get(name, unseen)
        if slot is not unseen and slot not in filled:
            filled.add(slot)
            kept = etree.SubElement(unseen, "span")
            kept.text, slot.text = _clean(slot.text), None
            for child in list(slot):
                kept.append(child)
            if not len(kept) and not (kept.text or "").strip():
                unseen.remove(kept)
        return slot

    for child in light:
        opened((child.get("slot") or "") if isinstance(child.tag, str) else "").append(child)
        child.tail = " "  # keeps the words of two boxes in one slot apart
    if f"{before}{after}{''.join(behind.values())}".strip():
        slot = opened("")
        # If the child before the text is in another slot, the text goes in front.
        lost = "".join(text for child, text in behind.items() if child.getparent() is not slot)
        slot.text = f"{_clean(slot.text)}{before}{after}{lost}"
        for child, text in behind.items():
            if child.getparent() is slot:
                child.tail = text
    if len(unseen) or unseen.text:
        host.append(unseen)


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


def _clean(text: str | None) -> str:
    """Return the text without characters that the tree rejects."""
    return NOT_XML.sub("", text or "")
