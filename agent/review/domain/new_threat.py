"""A threat written by a reviewer: its fields, wording and score, and the resulting headline.

The act and the page parse the fields with the same code: the act fails on the first error, and the page shows all
errors while the threat is incomplete.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from agent.errors import InputError
from agent.records import Document, Evidence, Fact, Record
from agent.records.base import Number
from agent.report.sentences import threat_sentence
from agent.report.view import View
from agent.review.domain.effects.decisions import Moved, what_moved
from agent.review.domain.fields import PARTS, Sources, checked_taxonomy, checked_vector
from agent.review.domain.items import SCORE, fact_marks, facts_of, threats_of
from agent.review.domain.lapses import kept
from agent.review.domain.records import Plain, Planned, ReviewState, ScoreShown
from agent.review.domain.replay import LAST, NUMBER, SEEN
from agent.review.domain.rescore import headline_of, shown
from agent.scoring import severity
from agent.taxonomy.kinds import Band
from agent.taxonomy.layers import LAYERS

ADDED_FIELDS: Final = (
    "layer", "title", "how", "lost", "statement", "cvss_vector", "taxonomy", "mitigations", "evidence", "facts",
)  # fmt: skip
"""The fields of an act that adds a threat."""
_NO_TITLE: Final = "[title]"
_TRIED: Final = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N"
"""Stands in for a missing vector; its base score is 0."""

_SLUG_CHARS: Final = 40
_LLM_WORD: Final = "proposed"
"""This word in an id marks a threat proposed by an LLM."""
_Check = Callable[[object, str], object]
"""Checks a value; the second argument names the field."""
Folded = Callable[[Sequence[Planned]], ReviewState]
"""Returns the review as it would be after these events."""


class Wrong(Record):
    """A field with an invalid or missing value."""

    field: str
    error: str
    hint: str
    missing: bool
    """Whether the field is still empty."""


class Reading(NamedTuple):
    """A threat as read from its fields, complete or not, with its errors."""

    after: Plain
    """The fields to store in an event, with placeholders for missing or invalid values."""
    errors: tuple[tuple[InputError, bool], ...]
    """The errors in field order; each says whether its field is still empty."""
    quotes: tuple[Evidence, ...]
    """All quotes that the threat cites, including those of its facts."""


class Written(Record):
    """A threat being written, as the page shows it; nothing is stored."""

    item: str
    """The id that the threat would get."""
    number: str
    """The threat's name in texts, such as T13."""
    title: str
    sentence: str
    """The threat as a sentence; empty if nothing is written yet."""
    lost: str
    marks: tuple[str, ...]
    state: str
    """The threat's state in the report: `confirmed` with a quote, otherwise `inferred`."""
    wrong: tuple[Wrong, ...]
    """The errors; empty if the threat can be added."""
    vector: str
    """The threat's CVSS vector; empty until the vector is complete and valid."""
    base: Number | None
    band: Band | None
    """The band of the base score."""
    aivss: Number | None
    """The threat's AIVSS with the factors of the draft."""
    severity: Band | None
    leads: bool
    """Whether the threat would become the headline if added."""
    headline: str
    """The name of the threat that would then set the score, such as T13; empty if none."""
    moved: Moved | None
    """The current score and the score with the threat added; None without a vector."""
    gravest: ScoreShown | None
    """The score with this threat as the headline; None without a vector or without a quote."""


def read_threat(given: Mapping[str, object], sources: Sources, facts: Sequence[Fact]) -> Reading:
    """Parse and check each field of a threat separately; `facts` are the current facts."""
    known, errors = {fact.id: fact for fact in facts}, list[tuple[InputError, bool]]()

    def read(value: object, check: _Check, name: str, instead: object) -> object:
        try:
            return check(value, name)
        except InputError as error:
            errors.append((error, not _written(value)))
            return instead

    def listed(check: _Check) -> _Check:
        return lambda value, name: check(value or [], name)

    after: Plain = {
        "layer": read(given.get("layer"), _layer, "layer", LAYERS[-1]),
        "title": read(given.get("title"), sources.text, "title", _NO_TITLE),
    }
    after |= {name: read(given[name], sources.text, name, "") for name in ("how", "lost") if _written(given.get(name))}
    said = given.get("statement")
    parts = said if isinstance(said, Mapping) else {}
    if (said is not None and parts is not said) or any(name not in PARTS for name in parts):
        hint = "parts: " + ", ".join(PARTS)
        errors.append((InputError("the statement has an unknown part", where="statement", hint=hint), False))
    after["statement"] = {
        name: read(parts.get(name, ""), sources.text, f"statement.{name}", f"[{name}]") for name in PARTS
    }
    after["cvss_vector"] = read(given.get("cvss_vector"), _vector, "cvss_vector", "")
    checks: tuple[tuple[str, _Check], ...] = (
        ("taxonomy", lambda value, name: checked_taxonomy(value)),
        ("mitigations", sources.mitigations),
        ("evidence", sources.cite_all),
        ("facts", partial(_facts, known)),
    )
    for name, check in checks:
        after[name] = read(given.get(name), listed(check), name, [])
    named = after["facts"] or after.pop("facts")
    marks = (*after["evidence"], *(mark for name in named for mark in fact_marks(known[name])))
    return Reading(after, tuple(errors), sources.evidence_of(dict.fromkeys(marks)))


def _written(value: object) -> bool:
    return bool(value.strip() if isinstance(value, str) else value)


def _layer(value: object, where: str) -> str:
    if value not in LAYERS:
        raise InputError("there is no such layer", where=where, hint="one of " + ", ".join(LAYERS))
    return str(value)


def _vector(value: object, where: str) -> str:
    if value is None or value == "":
        raise InputError("no vector is set", where=where, hint="paste one, or choose a value for each metric")
    return checked_vector(value)


def _facts(known: Mapping[str, Fact], value: object, where: str) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise InputError("the facts are not a list of ids", where=where, hint="use ids from the fact sheet")
    lost = next((each for each in value if each not in known), None)
    if lost is not None:
        raise InputError(f"there is no current fact {lost[:80]!r}", where=where, hint="see the fact sheet for ids")
    return list(dict.fromkeys(value))


def planned_threat(state: ReviewState, reading: Reading, sources: Sources, reason: str, note: str) -> Planned:
    """Plan the event that adds the threat, under an id never used in the review."""
    number = max(state.numbers.values(), default=0) + 1
    after = sources.with_marks({**reading.after, "place": LAST, NUMBER: number})
    # Store the quotes, so that the threat is reopened when one of them is removed with its fact.
    after = {**after, SEEN: kept({"evidence": [f"“{item.quote}”" for item in reading.quotes]})}
    words = [word for word in re.findall(r"[a-z0-9]+", reading.after["title"].lower()) if word != _LLM_WORD]
    slug = "-".join(words)[:_SLUG_CHARS].strip("-") or "threat"
    return Planned(verb="add", item=f"threat/H{state.added + 1}-{slug}", after=after, reason=reason, note=note)


def weighed(state: ReviewState, documents: Sequence[Document], given: Mapping[str, object], folded: Folded) -> Written:
    """Return the wording and score of a threat that is still being written, and the review's score with it added."""
    sources = Sources(documents, state.reviewed.evidence)
    reading = read_threat(given, sources, facts_of(state.reviewed))
    vector = reading.after["cvss_vector"]
    whole = reading._replace(after={**reading.after, "cvss_vector": vector or _TRIED})
    planned = planned_threat(state, whole, sources, "", "")
    name = planned.item.partition("/")[2]
    added = folded((planned,))
    threat, first = threats_of(added.reviewed)[name], headline_of(added.reviewed)
    numbers = {placed.threat.id: placed.name for placed in View(added.reviewed).threats}
    leads = first is not None and first.id == name
    said = given.get("statement")
    begun = threat.how or (isinstance(said, Mapping) and any(str(part).strip() for part in said.values()))
    gravest = None
    if vector and threat.evidence:
        choice = Planned(verb="correct", item=SCORE, after={"headline": name})
        gravest = shown((added if leads else folded((planned, choice))).reviewed.score)
    return Written(
        item=planned.item,
        number=numbers.get(name, ""),
        title=threat.title,
        sentence=(threat.how or threat_sentence(threat.statement)) if begun else "",
        lost=threat.lost,
        marks=threat.evidence,
        state=threat.state,
        wrong=tuple(
            Wrong(field=error.where, error=error.what, hint=error.hint, missing=missing)
            for error, missing in reading.errors
        ),
        vector=vector,
        base=threat.score.cvss_base if vector else None,
        band=severity(threat.score.cvss_base) if vector else None,
        aivss=threat.score.aivss if vector else None,
        severity=threat.score.severity if vector else None,
        leads=leads and bool(vector),
        headline=numbers.get(first.id, "") if first is not None and vector else "",
        moved=what_moved(state, added) if vector else None,
        gravest=gravest,
    )
