"""Redrafts a draft with answers as additional sources.

If the draft is derived from its facts, the answers' statements are added to the facts and everything is recomposed.
In any other draft, only what the answered questions settle may change: a fresh draft is made from all sources, without
the network, and provides the settled factors and layers with their threats. Everything else is unchanged, including the
marks. New quotes get new marks.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from agent.drafting.calibration import load_calibration
from agent.drafting.product.capability_rows import LABELS
from agent.errors import InputError
from agent.intake.snapshots import store as store_snapshot
from agent.pipeline import draft_reading, read_documents, recomposed, write_index
from agent.records import Document, Draft, DraftFacts, FactorEstimate, LayerThreats, Question, Snapshot, SourceRef
from agent.records.draft import REDRAFTED_FROM
from agent.records.evidence import MARK
from agent.report import draft_folder
from agent.report.draft_json import FILE_NAME, SNAPSHOTS, TEXTS, dump, dump_documents
from agent.report.markdown import render
from agent.review.domain.facts.changed_sheet import follows_from_facts, with_answers
from agent.review.domain.facts.from_answers import (
    DOCUMENT,
    STATES,
    checked_states,
    given_in,
    places,
    read_answer,
    stating,
)
from agent.review.domain.items import threats_of, with_threats
from agent.review.domain.quotes import Numbering
from agent.review.domain.records import Plain, Rec, replaced
from agent.review.domain.rescore import Choice, rescore
from agent.review.domain.response import ANSWERS, Answer, document_of
from agent.review.domain.revise import renumbered
from agent.settings import Settings
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS

_ID_CHARS: Final = 16
_CITING: Final = frozenset({"evidence", "rationale", "paragraph", "how", "lost", "reasons", "text"})
"""Fields of a draft's parts that contain marks, or texts with marks."""


class Moved(NamedTuple):
    """One change caused by an answer."""

    what: str
    """A factor or layer key, a threat id, or `score`."""
    before: str
    after: str


class Redrafted(NamedTuple):
    """The new draft, the texts of all its sources, and the changes."""

    draft: Draft
    documents: tuple[Document, ...]
    moved: tuple[Moved, ...]
    silent: tuple[str, ...] = ()
    """The questions whose answers state no fact of the vocabulary."""


def redraft(
    draft: Draft, documents: Sequence[Document], answers: Sequence[Answer], *, settings: Settings, at: str
) -> Redrafted:
    """Redraft `draft`, made from `documents`, with `answers` added at the time `at` (UTC, ISO 8601).

    Raises InputError when there is no answer, or an answer to a question that the draft does not ask.
    """
    if not answers:
        raise InputError("all answers are empty", where="answers", hint="fill in at least one")
    asked = {question.id: question for question in draft.questions}
    for answer in answers:
        if answer.question not in asked:
            raise InputError(f"the draft has no question {answer.question}", where="answers", hint="see its questions")
    if follows_from_facts(draft, recomposed):
        return _with_facts(draft, documents, answers, asked, at=at)
    unread = next((answer for answer in answers if answer.states), None)
    if unread is not None:
        where, hint = (
            f"answers.{unread.question}.states",
            "leave it out; this draft can only be redrafted from its texts",
        )
        raise InputError("the draft is not derived from its facts", where=where, hint=hint)
    touched = {key for answer in answers for key in asked[answer.question].settles}
    last = max((int(document.id[1:]) for document in documents), default=0)
    every = (*documents, *(document_of(answer, last + n, at=at) for n, answer in enumerate(answers, 1)))
    read, calibration = read_documents(every), load_calibration()
    fresh = draft_reading(
        read, name=draft.product.name, calibration=calibration, created_at=at, dropped=(), sites=draft.sites
    )
    made = renumbered(rescore(draft, _merged(draft, fresh, touched, answers), Choice()), draft, fresh)
    return Redrafted(made, every, tuple(_moved(draft, made, touched)))


def _with_facts(
    draft: Draft, documents: Sequence[Document], answers: Sequence[Answer], asked: Mapping[str, Question], *, at: str
) -> Redrafted:
    added, given = list[Document](), {}
    names, marks = [each.document for each in draft.sources], [each.id for each in draft.evidence]
    for answer in answers:
        fields: Plain = {"text": answer.text, "url": answer.page, "kind": ANSWERS[answer.by], STATES: [*answer.states]}
        place = places(answer.question, names, marks)
        told = stating(fields, asked[answer.question], read_answer)[STATES]
        checked = checked_states(told, answer._replace(states=()), place, (*documents, *added))
        added.append(document_of(answer, int(place.document[1:]), at=at))
        found = given_in(answer.question, {"answer": {**fields, STATES: checked, DOCUMENT: place.document}}, at)
        if found is not None:
            given[answer.question] = found
    # The id is derived from the previous draft's id and the answers.
    parts = [draft.id, *(repr((one.question, one.text, one.page, one.by, one.states)) for one in answers)]
    made = replaced(
        with_answers(draft, given, recomposed),
        id="draft-" + sha256("\n".join(parts).encode()).hexdigest()[:_ID_CHARS],
        created_at=at,
        sources=(*draft.sources, *map(SourceRef.of, added)),
        manifest={**draft.manifest, REDRAFTED_FROM: " ".join((draft.id, *draft.earlier))},
    )
    silent = tuple(answer.question for answer in answers if answer.question not in given)
    return Redrafted(made, (*documents, *added), moved_rows(draft, made), silent)


def moved_rows(before: Draft, after: Draft) -> tuple[Moved, ...]:
    """Return the differences between two drafts: factors, layers, threats and the score."""
    return tuple(_moved(before, after, {*FACTORS, *LAYERS}))


def _merged(draft: Draft, fresh: Draft, touched: set[str], answers: Sequence[Answer]) -> Draft:
    """Return `draft` with the touched parts of `fresh`, whose marks are converted to the old draft's numbering."""
    numbering, quotes = Numbering(draft.evidence), {item.id: item for item in fresh.evidence}

    def mark(name: str) -> str:
        return numbering.place(quotes[name], keep=False) if name in quotes else name

    def marked(part: Rec) -> Rec:
        return type(part).model_validate(_converted(part.model_dump(), mark))

    factors = {
        key: marked(fresh.factors[key]) if key in touched and key in fresh.factors else estimate
        for key, estimate in draft.factors.items()
    }
    # Neither a vendor's word alone nor a lack of room in the fresh draft removes a threat.
    vendor = any(answer.by == "vendor" for answer in answers)
    folded = {one.what.split(":")[0].removeprefix("threat ") for one in fresh.dropped}
    layers = {
        key: _with_kept(marked(fresh.layers[key]), layer, folded, doubted=vendor) if key in touched else layer
        for key, layer in draft.layers.items()
    }
    told = {source.document for source in draft.sources}
    new = {mark(item.id) for item in fresh.evidence if item.document not in told}
    lowerings = (
        *(each for each in draft.lowerings if each.target not in touched),
        *(marked(each) for each in fresh.lowerings if each.target in touched),
    )
    facts = _facts(draft.facts, marked(fresh.facts) if fresh.facts else None)
    said = {line.label: line for line in map(marked, fresh.lines) if new & set(line.evidence)}
    rows = {line.label: line for line in draft.lines} | said
    claimed = {each.text: each for each in map(marked, fresh.controls) if new & set(each.evidence)}
    made = replaced(
        draft,
        id=fresh.id,
        created_at=fresh.created_at,
        sources=(*draft.sources, *(source for source in fresh.sources if source.document not in told)),
        factors=factors,
        layers=layers,
        questions=_questions(draft.questions, fresh.questions, touched, {answer.question for answer in answers}),
        lowerings=lowerings,
        facts=facts,
        lines=tuple(rows[label] for label in LABELS if label in rows),
        controls=(*(each for each in draft.controls if each.text not in claimed), *claimed.values()),
        usage=fresh.usage,
        manifest={**fresh.manifest, REDRAFTED_FROM: " ".join((draft.id, *draft.earlier))},
        evidence=numbering.evidence,
    )
    # Renumber the threats' places without gaps, keeping their order.
    standing = threats_of(made).values()
    order = sorted((one for one in standing if one.place is not None), key=lambda one: one.place or 0)
    places = {one.id: number for number, one in enumerate(order, 1)}
    made = with_threats(made, lambda one: replaced(one, place=places.get(one.id)))
    known = {one.id for one in standing}
    return replaced(made, chains=tuple(chain for chain in draft.chains if known.issuperset(chain.threats)))


def _converted(value: object, mark: Callable[[str], str], citing: bool = False) -> object:
    """Convert the marks in the citing fields of a plain value."""
    if isinstance(value, str):
        return MARK.sub(lambda found: mark(found[0]), value) if citing else value
    if isinstance(value, dict):
        return {name: _converted(part, mark, citing or name in _CITING) for name, part in value.items()}
    return [_converted(part, mark, citing) for part in value] if isinstance(value, list | tuple) else value


def _facts(old: DraftFacts | None, fresh: DraftFacts | None) -> DraftFacts | None:
    """Return the facts of the fresh draft, plus the old draft's other facts, such as those found by an LLM."""
    if old is None or fresh is None:
        return fresh or old
    there = {fact.id for fact in fresh.facts}
    facts = (*fresh.facts, *(fact for fact in old.facts if fact.id not in there))
    known = {fact.key for fact in facts if fact.about == "product"}
    return replaced(fresh, facts=facts, absent=tuple(each for each in fresh.absent if each.key not in known))


def _with_kept(fresh: LayerThreats, old: LayerThreats, folded: set[str], *, doubted: bool) -> LayerThreats:
    """Return the fresh layer plus old threats that it had no room for or that only a vendor's answer removed."""
    told = {threat.id for threat in fresh.threats}
    lost = [threat for threat in old.threats if threat.id not in told and (doubted or threat.id in folded)]
    kept = (threat if threat.id in folded else replaced(threat, state="contradicted") for threat in lost)
    return replaced(fresh, threats=(*fresh.threats, *kept))


def _questions(
    old: Sequence[Question], fresh: Sequence[Question], touched: set[str], answered: set[str]
) -> tuple[Question, ...]:
    """Return the old questions, plus new questions of the fresh draft about what the answers touched."""
    told, last = {question.text for question in old}, max((int(question.id[1:]) for question in old), default=0)
    new = [one for one in fresh if one.text not in told and touched.issuperset(one.settles)]
    kept = (replaced(one, effect=0.0) if one.id in answered else one for one in old)
    return (*kept, *(replaced(one, id=f"Q{last + n}") for n, one in enumerate(new, 1)))


def _moved(before: Draft, after: Draft, touched: set[str]) -> Iterator[Moved]:
    def span(one: FactorEstimate) -> str:
        return f"{one.value} ({one.low}–{one.high}), {one.state}"

    def rests(layer: LayerThreats) -> str:
        marks = dict.fromkeys(MARK.findall(layer.paragraph))
        return f"paragraph on {', '.join(marks)}" if marks else "paragraph without a quote"

    for key in (key for key in FACTORS if key in touched and key in before.factors):
        if span(before.factors[key]) != span(after.factors[key]):
            yield Moved(key, span(before.factors[key]), span(after.factors[key]))
    for name in (layer for layer in LAYERS if layer in touched):
        old, new = before.layers[name], after.layers[name]
        if old.certain != new.certain:
            flags = ("not certain", "certain")
            yield Moved(name, flags[old.certain], flags[new.certain])
        elif old.paragraph != new.paragraph:
            yield Moved(name, rests(old), rests(new))
        was, now = {t.id: t for t in old.threats}, {t.id: t for t in new.threats}
        for each in (each for each in was if each in now and was[each].state != now[each].state):
            yield Moved(each, was[each].state, now[each].state)
        yield from (Moved(each, was[each].title, "gone") for each in was if each not in now)
        yield from (Moved(each, "new", now[each].title) for each in now if each not in was)
    if score_text(before) != score_text(after):
        yield Moved("score", score_text(before), score_text(after))


def score_text(draft: Draft) -> str:
    """Describe the score, its band and its likely range in words, or why no score is shown."""
    scored = draft.score
    if scored.aivss is None:
        return f"withheld: {scored.withheld}"
    return f"{scored.aivss} {scored.severity}, likely {scored.likely_low}–{scored.likely_high}"


def write_answered(folder: Path, made: Redrafted, answers: Sequence[Answer], settings: Settings) -> None:
    """Replace the draft in `folder` with `made`, which was redrafted with `answers`, and keep its snapshots.

    Raises InputError when the folder contains other files or another run is writing to it, OSError or SourceError when
    it cannot be written; the previous draft then remains unchanged.
    """
    with draft_folder.replacing(folder) as fresh:
        shutil.copytree(folder / SNAPSHOTS, fresh / SNAPSHOTS)
        for answer, document in zip(answers, made.documents[-len(answers) :], strict=True):
            body = answer.text.encode()
            snapshot = Snapshot(
                sha256=document.sha256, requested_url=document.url, final_url=document.url,
                fetched_at=document.fetched_at, media_type="text/plain", kind=document.kind, size=len(body),
            )  # fmt: skip
            store_snapshot(fresh / SNAPSHOTS, snapshot, body)
        write_index(made.documents, settings, fresh)
        draft_folder.write(fresh / SNAPSHOTS / TEXTS, dump_documents(made.documents))
        draft_folder.write(fresh / draft_folder.REPORT, render(made.draft, made.documents))
        draft_folder.write(fresh / FILE_NAME, dump(made.draft))
