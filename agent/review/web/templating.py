"""Page templates: all values are escaped, unknown names raise, and evidence marks become links.

A character that changes the direction of text stays in place, wrapped in an element that isolates it and shows its code
before it (`.turn` in `app.css`). It therefore reorders nothing, and a selection in a source still has the same
characters and offsets.
"""

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from markupsafe import Markup, escape

from agent.facts.vocabulary import load_vocabulary
from agent.records.evidence import CODE, MARK
from agent.report.sentences import band_words, if_clause, tenth, vector_words
from agent.report.view import name_of
from agent.review.domain.mitigations import WORK
from agent.review.domain.response import MAX_BYTES
from agent.review.store.rows import together
from agent.review.web.forms import ANSWER_KINDS, grouped, sayings
from agent.review.web.views import wording
from agent.review.web.views.items import dom_id
from agent.review.web.views.sources import CLAIM
from agent.review.web.views.wording import REASONS, REASONS_FOR, reasons_for
from agent.scoring import severity
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES
from agent.taxonomy.lists import entries, schemes

if TYPE_CHECKING:
    from jinja2 import Environment

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
    """Replace the characters of `TURNING` with their codes, for places where no element is allowed."""
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
    named = (
        cited, dom_id, name_of, together, if_clause, tenth, severity, band_words, vector_words, quote, wording.when,
        wording.day, wording.duration, wording.event_fields, wording.field_name, wording.title_of, wording.kind_of,
        wording.likely_text, wording.finding_words,
    )  # fmt: skip
    made.filters |= {each.__name__: each for each in named} | {
        "band": lambda score: score.severity.lower() if score.aivss is not None else "withheld",
        "place": lambda value: float(value / 10) * 100.0,
        "capital": lambda text: f"{text[:1].upper()}{text[1:]}",
    }
    tables = ("REASONS", "REASONS_FOR", "VERBS", "VERDICTS", "BASES", "CONTEST_KINDS", "KEYS", "SOURCE_KINDS")
    made.globals |= {name: getattr(wording, name) for name in tables} | {
        "CLAIM": CLAIM, "LAYER_CODES": LAYER_CODES, "LAYER_TITLES": LAYER_TITLES, "ANSWER_KINDS": ANSWER_KINDS,
        "STATE_CHOICES": sayings(""), "MOST_OF_RESPONSE": MAX_BYTES, "WORK": WORK, "WORK_CHOICES": tuple(WORK.items()),
        "section_title": wording.section_title, "fact_keys": fact_key_options, "options": options, "grouped": grouped,
        "reason_options": reason_options, "taxonomy": taxonomy_options,
    }  # fmt: skip
    return made


def render(name: str, **values: object) -> str:
    """Render a template with these values. Characters that would change the direction of text or hide it are made
    visible."""
    return visible(environment().get_template(name).render(**values))


# ---------------------------------------------------------------- filters


def cited(text: str, quotes: "Quotes") -> Markup:
    """Link the marks of known evidence in `text` to their places in the sources.

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
    """Escape text and mark words in backticks as code."""
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
