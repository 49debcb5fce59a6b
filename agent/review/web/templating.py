"""Page templates: all values are escaped, unknown names raise, and marks of evidence become links.

A character that changes the direction of text stays in place, wrapped in an element that isolates it and shows its code
before it (`.turn` in `app.css`). It therefore reorders nothing, and a selection in a source counts and quotes the same
characters as before.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from markupsafe import Markup, escape

from agent.facts.vocabulary import load_vocabulary
from agent.records.evidence import CODE, MARK
from agent.report.sentences import if_clause
from agent.report.view import name_of
from agent.review.domain.mitigations import WORK
from agent.review.domain.response import MAX_BYTES
from agent.review.web.forms import ANSWER_KINDS, Field, grouped, sayings
from agent.review.web.views.items import ItemView, dom_id
from agent.review.web.views.overview import SheetRow
from agent.review.web.views.wording import (
    BASES,
    CONTEST_KINDS,
    KEYS,
    REASONS,
    REASONS_FOR,
    VERBS,
    VERDICTS,
    day,
    duration,
    event_fields,
    field_name,
    kind_of,
    reasons_for,
    section_title,
    title_of,
    together,
    when,
)
from agent.taxonomy.lists import entries, schemes

if TYPE_CHECKING:
    from jinja2 import Environment

    from agent.review.web.views.review import Bar
    from agent.review.web.views.sources import Quotes

TURNING: Final = re.compile("[\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
"""Characters that change the direction of text or hide it. Joiners and soft hyphens are excluded: scripts and emoji
need them, and they change no direction."""
_ASCII: Final = bytes(range(0x80))
# Everything is escaped, so an angle bracket in a page always belongs to one of its own tags.
_PARTS: Final = re.compile(r"<(/?)([a-z0-9!]+)[^>]*>|[^<]+", re.IGNORECASE)
_TOLD: Final = re.compile(r'(?<= )(?:title|aria-label)="[^"]*"')
_PLAIN: Final = frozenset({"title", "option"})
"""Elements that cannot contain other elements."""
_VERBATIM: Final = frozenset({"textarea"})
"""Elements left unchanged, since a form has to send back exactly the text that was put into it."""
_MARKS: Final = re.compile(rf"([\[(]?)({MARK.pattern})([\])]?[.,;:]?)")
TEMPLATES: Final = Path(__file__).with_name("templates")


def visible(page: str) -> str:
    """Make the characters of `TURNING` in a page visible; a page without any is returned unchanged."""
    # Search the page without its ASCII characters: almost nothing is left, so the check takes a tenth of the time.
    if TURNING.search(page.encode("utf-8", "replace").translate(None, _ASCII).decode()) is None:
        return page
    made: list[str] = []
    inside = ""
    for found in _PARTS.finditer(page):
        part, closing, name = found[0], found[1], (found[2] or "").lower()
        if name:
            made.append(_TOLD.sub(lambda told: _told(told[0]), part))
            if name in _PLAIN | _VERBATIM:
                inside = "" if closing else name
        elif inside in _VERBATIM:
            made.append(part)
        else:
            made.append(_told(part) if inside in _PLAIN else TURNING.sub(_shown, part))
    return "".join(made)


def _code(char: str) -> str:
    return f"U+{ord(char):04X}"


def _told(text: str) -> str:
    """Replace these characters by their codes, for places where no element is allowed."""
    return TURNING.sub(lambda found: f"⟨{_code(found[0])}⟩", text)


def _shown(found: re.Match[str]) -> str:
    return f'<span class="turn" data-code="{_code(found[0])}">{found[0]}</span>'


@cache
def environment() -> "Environment":
    """Create the template environment, in which each template is compiled once."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.filters |= {"cited": cited, "when": when, "day": day, "duration": duration, "dom_id": dom_id}
    made.filters |= {"name_of": name_of, "event_fields": event_fields, "field_name": field_name, "together": together}
    made.filters |= {"title_of": title_of, "kind_of": kind_of, "if_clause": if_clause}
    made.filters["capital"] = lambda text: f"{text[:1].upper()}{text[1:]}"
    made.globals |= {
        "REASONS": REASONS, "REASONS_FOR": REASONS_FOR, "VERBS": VERBS, "VERDICTS": VERDICTS,
        "CONTEST_KINDS": CONTEST_KINDS, "BASES": BASES, "KEYS": KEYS, "section_title": section_title,
        "fact_keys": fact_key_options, "STATE_CHOICES": sayings(""), "ANSWER_KINDS": ANSWER_KINDS,
        "options": options, "grouped": grouped, "reason_options": reason_options, "taxonomy": taxonomy_options,
        "acts_of": acts, "field_of": alike_field, "sheet_row": sheet_row,
        "MOST_OF_RESPONSE": MAX_BYTES, "WORK": WORK, "WORK_CHOICES": tuple(WORK.items()),
    }  # fmt: skip
    return made


def render(name: str, **values: object) -> str:
    """Render a template with these values, making characters visible that would change the direction of text or hide
    it."""
    return visible(environment().get_template(name).render(**values))


# ---------------------------------------------------------------- parts that are alike for many items

# Each part is rendered once, with blanks where items differ, and the blanks are filled in later. Rendering uses the
# kind of the item and the possible acts, never a text of a review. So the cache contains no review's text, and nothing
# in a review can be mistaken for a blank.
_BLANK: Final = re.compile("\ue000([a-z]+)\ue001")
_TEXTS: Final = frozenset({"line", "listed", "area"})
"""Kinds of fields that contain a text of the review."""
_OF_THE_REVIEW: Final = "headline"
"""The only choice field whose options are texts of the review."""


def blank(name: str) -> str:
    """Return the placeholder for the value of this name."""
    return f"\ue000{name}\ue001"


class Part(NamedTuple):
    """A rendered part: its text split at the blanks, alternating with their names."""

    runs: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Part":
        """Create a part by splitting a rendered text at its blanks."""
        return cls(tuple(_BLANK.split(text)))

    def filled(self, values: Mapping[str, object]) -> Markup:
        """Fill the blanks with these values, escaped unless they are markup."""
        told = {name: escape(value) for name, value in values.items()}
        made = list(self.runs)
        made[1::2] = [told[name] for name in self.runs[1::2]]
        return Markup("".join(made))


def acts(bar: "Bar", now: int, item: ItemView, back: str, answer: str | Markup, fields: str | Markup) -> Markup:
    """Render the forms of an item, including its answer form and the fields of its correction."""
    spent = Markup('<span class="soft seconds" title="Time spent on this item">{} spent</span>\n').format(item.seconds)
    contested = item.contested and bar.stage == "open" and back != "contests"
    part = _acts(item.kind, item.can, back, struck=item.verdict == "struck", contested=contested,
                 answered=item.verdict == "answered")  # fmt: skip
    return part.filled({
        "key": bar.key, "version": bar.version, "now": now, "item": item.id, "asked": quote(item.id), "id": item.dom,
        "answer": answer, "fields": fields, "spent": spent if item.seconds else "",
    })  # fmt: skip


@lru_cache(maxsize=500)
def _acts(kind: str, can: frozenset[str], back: str, *, struck: bool, contested: bool, answered: bool) -> Part:
    named = {name: blank(name) for name in ("now", "item", "asked", "id", "answer", "fields", "spent")}
    bar = {name: blank(name) for name in ("key", "version")}
    alike = {
        "kind": kind, "can": can, "back": back, "struck": struck, "contested": contested, "answered": answered,
    }  # fmt: skip
    return Part.of(environment().get_template("acts.html").render(bar=bar, **named, **alike))


def alike_field(one: Field, prefix: str) -> Markup:
    """Render a field of a correction from the cache; empty for a field whose options depend on the review."""
    if one.name == _OF_THE_REVIEW:
        return Markup()
    if one.kind not in _TEXTS:
        return _field(one).filled({"prefix": prefix})
    told = {"prefix": prefix, "value": one.value, "rows": one.rows}
    return _field(one._replace(value=blank("value"))).filled(told)


@lru_cache(maxsize=4_000)
def _field(one: Field) -> Part:
    template = environment().get_template("field.html")
    return Part.of(template.render(one=one, prefix=blank("prefix"), rows=blank("rows")))


def sheet_row(one: SheetRow, can_ask: bool) -> Markup:
    """Render a row of the fact sheet. Rows of unstated keys are cached, since many reviews share them."""
    return _row(one, can_ask) if one.dom else _key_row(one, can_ask)


def _row(one: SheetRow, can_ask: bool) -> Markup:
    return Markup(environment().get_template("sheet_row.html").render(one=one, can_ask=can_ask))


_key_row = lru_cache(maxsize=4_000)(_row)


# ---------------------------------------------------------------- filters


def cited(text: str, quotes: "Quotes") -> Markup:
    """Link the marks of known evidence in a text to their places in the sources.

    A bracket or a full stop next to a mark stays on the same line as the mark. Words in backticks become code.
    """
    made, at = Markup(), 0
    for found in _MARKS.finditer(text):
        before, mark, after = found.groups()
        if mark not in quotes:
            continue
        link = Markup('<a class="mark" href="#cite-{}" data-cite="{}">{}</a>').format(mark, mark, mark)
        glued = Markup('<span class="glued">{}{}{}</span>').format(before, link, after) if before or after else link
        made += _coded(text[at : found.start()]) + glued
        at = found.end()
    return made + _coded(text[at:])


def _coded(text: str) -> Markup:
    """Escape a text, with words in backticks as code."""
    pieces = CODE.split(text)
    return Markup().join(
        Markup("<code>{}</code>").format(piece) if n % 2 else escape(piece) for n, piece in enumerate(pieces)
    )


@lru_cache(maxsize=2_000)
def options(choices: tuple[tuple[str, str], ...], chosen: str, *, coded: bool = False) -> Markup:
    """Render the options of a select; `coded` options show their value before the words."""
    return Markup().join(
        Markup('<option value="{}"{}>{}{}</option>').format(
            value, Markup(" selected") if value == chosen else "", f"{value}: " if coded else "", words
        )
        for value, words in choices
    )


@lru_cache(maxsize=100)
def reason_options(verb: str, chosen: str = "", kind: str = "") -> Markup:
    """Render the valid reasons for this verb and item kind as options, always including the chosen reason."""
    fit = reasons_for(verb, kind)
    return options(tuple((code, REASONS[code]) for code in REASONS_FOR[verb] if code in fit or code == chosen), chosen)


@cache
def taxonomy_options() -> Markup:
    """Render the ids of all published lists with their titles as options of a datalist."""
    return Markup().join(
        Markup('<option value="{} {} {}">\n').format(name, entry.id, entry.title)
        for name in schemes()
        for entry in entries(name)
    )


@cache
def fact_key_options() -> Markup:
    """Render the fact keys with their titles as options of a datalist."""
    rows = (Markup('<option value="{}">{}</option>\n').format(key.id, key.title) for key in load_vocabulary())
    return Markup().join(rows)
