"""Redrafts with answers, which become sources.

If the draft follows from its facts, the statements of the answers are added to the facts and everything is recomposed.
In any other draft, only what the answered questions settle may change: a fresh draft is made from all texts, without
the network, and provides the settled factors and layers with their threats. Everything else is unchanged, including the
marks. New quotes get new marks.
"""

import shutil
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from agent.drafting.calibration import load_calibration
from agent.drafting.product.capability_rows import LABELS
from agent.errors import InputError
from agent.intake.snapshots import store as store_snapshot
from agent.pipeline import draft_reading, read_documents, recomposed, write_index
from agent.records import (
    ClaimedControl,
    Document,
    Draft,
    DraftFacts,
    Evidence,
    FactLine,
    FactorEstimate,
    LayerThreats,
    Question,
    Snapshot,
    SourceRef,
    Threat,
)
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
from agent.review.domain.quotes import Plain
from agent.review.domain.rescore import rescore
from agent.review.domain.response import Answer, document_of
from agent.review.domain.revise import renumbered
from agent.settings import Settings
from agent.taxonomy.factors import FACTORS, FactorKey
from agent.taxonomy.layers import LAYERS, LayerKey

_ID_CHARS: Final = 16


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
    """Redraft `draft`, made from `documents`, with `answers` added at the time `at`.

    Raises InputError when there is no answer, or an answer to a question that the draft does not ask.
    """
    if not answers:
        raise InputError("no answer says anything", where="answers", hint="fill in at least one")
    asked = {question.id: question for question in draft.questions}
    for answer in answers:
        if answer.question not in asked:
            raise InputError(f"the draft asks no question {answer.question}", where="answers", hint="see its questions")
    if follows_from_facts(draft, recomposed):
        return _with_facts(draft, documents, answers, asked, at=at)
    unread = next((answer for answer in answers if answer.states), None)
    if unread is not None:
        where, hint = f"answers.{unread.question}.states", "leave it out: such a draft is made again of the texts"
        raise InputError("the draft does not follow from its facts", where=where, hint=hint)
    touched = {key for answer in answers for key in asked[answer.question].settles}
    last = max((int(document.id[1:]) for document in documents), default=0)
    added = [document_of(answer, last + n, at=at) for n, answer in enumerate(answers, 1)]
    every = (*documents, *added)
    fresh = draft_reading(
        read_documents(every),
        name=draft.product.name,
        calibration=load_calibration(),
        created_at=at,
        dropped=(),
        sites=draft.sites,
    )
    answered = {answer.question for answer in answers}
    merged = _merged(draft, fresh, touched, answered, doubted=any(answer.by == "vendor" for answer in answers))
    scored = renumbered(rescore(draft, merged), draft, fresh)
    return Redrafted(scored, every, tuple(_moved(draft, scored, touched)))


def _with_facts(
    draft: Draft, documents: Sequence[Document], answers: Sequence[Answer], asked: Mapping[str, Question], *, at: str
) -> Redrafted:
    every, given = list(documents), {}
    names, marks = [each.document for each in draft.sources], [each.id for each in draft.evidence]
    for answer in answers:
        kind = "vendor-answer" if answer.by == "vendor" else "analyst-note"
        fields: Plain = {"text": answer.text, "url": answer.page, "kind": kind, STATES: list(answer.states)}
        place = places(answer.question, names, marks)
        told = stating(fields, asked[answer.question], read_answer)[STATES]
        checked = checked_states(told, answer._replace(states=()), place, documents)
        fields |= {STATES: checked, DOCUMENT: place.document}
        every.append(document_of(answer, int(place.document[1:]), at=at))
        found = given_in(answer.question, {"answer": fields}, at)
        if found is not None:
            given[answer.question] = found
    made = with_answers(draft, given, recomposed)
    made = made.model_copy(
        update={
            "id": _answered_id(draft, answers),
            "created_at": at,
            "sources": (*draft.sources, *(SourceRef.of(one) for one in every[len(documents) :])),
            "manifest": {**draft.manifest, REDRAFTED_FROM: " ".join((draft.id, *draft.earlier))},
        }
    )
    silent = tuple(answer.question for answer in answers if answer.question not in given)
    return Redrafted(made, tuple(every), moved_rows(draft, made), silent)


def _answered_id(draft: Draft, answers: Sequence[Answer]) -> str:
    """Derive an id from the previous draft's id and the answers."""
    parts = [draft.id, *(repr((one.question, one.text, one.page, one.by, one.states)) for one in answers)]
    return "draft-" + sha256("\n".join(parts).encode()).hexdigest()[:_ID_CHARS]


def moved_rows(before: Draft, after: Draft) -> tuple[Moved, ...]:
    """Return the differences between two drafts: factors, layers, threats and the score."""
    return tuple(_moved(before, after, {*FACTORS, *LAYERS}))


def _merged(draft: Draft, fresh: Draft, touched: set[str], answered: set[str], *, doubted: bool) -> Draft:
    """Return `draft` with the touched parts of `fresh`.

    `doubted`: a vendor answered, whose word removes no threat; a threat missing from `fresh` stays as contradicted.
    """
    marks = _Marks(draft.evidence, fresh.evidence)
    factors: dict[FactorKey, FactorEstimate] = {
        key: marks.factor(fresh.factors[key]) if key in touched and key in fresh.factors else estimate
        for key, estimate in draft.factors.items()
    }
    folded = {
        item.what.split(":")[0].removeprefix("threat ") for item in fresh.dropped if item.what.startswith("threat ")
    }
    layers: dict[LayerKey, LayerThreats] = {
        key: _with_kept(marks.layer(fresh.layers[key]), layer, folded, doubted=doubted) if key in touched else layer
        for key, layer in draft.layers.items()
    }
    layers = _placed(layers)
    standing = {threat.id for layer in layers.values() for threat in layer.threats}
    told = {source.document for source in draft.sources}
    new = {marks.of(item.id) for item in fresh.evidence if item.document not in told}
    made = draft.model_copy(
        update={
            "id": fresh.id,
            "created_at": fresh.created_at,
            "sources": (*draft.sources, *(s for s in fresh.sources if s.document not in told)),
            "factors": factors,
            "layers": layers,
            "chains": tuple(chain for chain in draft.chains if all(threat in standing for threat in chain.threats)),
            "questions": _questions(draft.questions, fresh.questions, touched, answered),
            "lowerings": (
                *(each for each in draft.lowerings if each.target not in touched),
                *(
                    each.model_copy(update={"evidence": marks.of(each.evidence)})
                    for each in fresh.lowerings if each.target in touched
                ),
            ),
            "facts": _facts(draft.facts, marks.facts(fresh.facts)),
            "lines": _lines(draft.lines, marks.lines(fresh.lines), new),
            "controls": _controls(draft.controls, marks.controls(fresh.controls), new),
            "usage": fresh.usage,
            "manifest": {**fresh.manifest, REDRAFTED_FROM: " ".join((draft.id, *draft.earlier))},
        }
    )  # fmt: skip
    return made.model_copy(update={"evidence": (*draft.evidence, *marks.added)})


class _Marks:
    """Converts marks of a fresh draft to the old draft's numbering, adding quotes that only `fresh` cites."""

    def __init__(self, old: Sequence[Evidence], fresh: Sequence[Evidence]) -> None:
        self._known = {(item.document, item.start, item.end): item.id for item in old}
        self._fresh = {item.id: item for item in fresh}
        self._next = 1 + max((int(item.id[1:]) for item in old), default=0)
        self.added: list[Evidence] = []

    def of(self, mark: str) -> str:
        """Convert a mark of the fresh draft to the old numbering."""
        item = self._fresh.get(mark)
        if item is None:
            return mark
        place = (item.document, item.start, item.end)
        if place not in self._known:
            self._known[place] = f"E{self._next}"
            self._next += 1
            self.added.append(item.model_copy(update={"id": self._known[place]}))
        return self._known[place]

    def text(self, text: str) -> str:
        """Convert the marks in a text to the old numbering."""
        return MARK.sub(lambda found: self.of(found.group()), text)

    def marks(self, marks: Sequence[str]) -> tuple[str, ...]:
        return tuple(self.of(mark) for mark in marks)

    def factor(self, estimate: FactorEstimate) -> FactorEstimate:
        parts = tuple(
            part.model_copy(update={"evidence": self.of(part.evidence) if part.evidence else None})
            for part in estimate.parts
        )
        return estimate.model_copy(
            update={
                "parts": parts,
                "rationale": self.text(estimate.rationale),
                "evidence": self.marks(estimate.evidence),
            }
        )

    def facts(self, facts: DraftFacts | None) -> DraftFacts | None:
        if facts is None:
            return None
        made = []
        for fact in facts.facts:
            slots = tuple(
                slot.model_copy(update={"evidence": self.of(slot.evidence) if slot.evidence else ""})
                for slot in fact.slots
            )
            made.append(fact.model_copy(update={"evidence": self.marks(fact.evidence), "slots": slots}))
        return facts.model_copy(update={"facts": tuple(made)})

    def lines(self, lines: Sequence[FactLine]) -> tuple[FactLine, ...]:
        return tuple(
            line.model_copy(update={"text": self.text(line.text), "evidence": self.marks(line.evidence)})
            for line in lines
        )

    def controls(self, controls: Sequence[ClaimedControl]) -> tuple[ClaimedControl, ...]:
        return tuple(
            each.model_copy(update={"text": self.text(each.text), "evidence": self.marks(each.evidence)})
            for each in controls
        )

    def layer(self, layer: LayerThreats) -> LayerThreats:
        return layer.model_copy(
            update={
                "paragraph": self.text(layer.paragraph),
                "threats": tuple(self.threat(threat) for threat in layer.threats),
            }
        )

    def threat(self, threat: Threat) -> Threat:
        mitigations = tuple(m.model_copy(update={"evidence": self.marks(m.evidence)}) for m in threat.mitigations)
        reasons = {metric: self.text(reason) for metric, reason in threat.score.reasons.items()}
        return threat.model_copy(
            update={
                "evidence": self.marks(threat.evidence),
                "how": self.text(threat.how),
                "lost": self.text(threat.lost),
                "mitigations": mitigations,
                "score": threat.score.model_copy(update={"reasons": reasons}),
            }
        )


def _facts(old: DraftFacts | None, fresh: DraftFacts | None) -> DraftFacts | None:
    """Return the facts of the fresh draft, plus those found in the old draft by another reader, such as an LLM."""
    if old is None or fresh is None:
        return fresh or old
    there = {fact.id for fact in fresh.facts}
    facts = (*fresh.facts, *(fact for fact in old.facts if fact.id not in there))
    known = {fact.key for fact in facts if fact.about == "product"}
    absent = tuple(each for each in fresh.absent if each.key not in known)
    return fresh.model_copy(update={"facts": facts, "absent": absent})


def _lines(old: Sequence[FactLine], fresh: Sequence[FactLine], new: set[str]) -> tuple[FactLine, ...]:
    """Replace old rows with the fresh draft's rows that quote the answers."""
    rows = {line.label: line for line in old} | {line.label: line for line in fresh if new & set(line.evidence)}
    return tuple(rows[label] for label in LABELS if label in rows)


def _controls(
    old: Sequence[ClaimedControl], fresh: Sequence[ClaimedControl], new: set[str]
) -> tuple[ClaimedControl, ...]:
    """Return the old controls, then those that the answers claim; a control in both is listed once."""
    said = [each for each in fresh if new & set(each.evidence)]
    told = {each.text for each in said}
    return (*(each for each in old if each.text not in told), *said)


def _with_kept(fresh: LayerThreats, old: LayerThreats, folded: set[str], *, doubted: bool) -> LayerThreats:
    """Return the fresh layer plus the old threats that no answer removed: those for which the fresh draft had no
    room and, if a vendor answered, those that it no longer supports."""
    told = {threat.id for threat in fresh.threats}
    kept = []
    for threat in old.threats:
        if threat.id in folded and threat.id not in told:
            kept.append(threat)
        elif doubted and threat.id not in told:
            kept.append(threat.model_copy(update={"state": "contradicted"}))
    return fresh.model_copy(update={"threats": (*fresh.threats, *kept)})


def _placed(layers: Mapping[LayerKey, LayerThreats]) -> dict[LayerKey, LayerThreats]:
    """Renumber the places of the threats without gaps, in the same order."""
    pairs = [(key, threat) for key in LAYERS if key in layers for threat in layers[key].threats]
    placed = sorted((pair for pair in pairs if pair[1].place is not None), key=lambda pair: pair[1].place or 0)
    places = {threat.id: number for number, (_, threat) in enumerate(placed, 1)}
    return {
        key: layer.model_copy(
            update={
                "threats": tuple(threat.model_copy(update={"place": places.get(threat.id)}) for threat in layer.threats)
            }
        )
        for key, layer in layers.items()
    }


def _questions(
    old: Sequence[Question], fresh: Sequence[Question], touched: set[str], answered: set[str]
) -> tuple[Question, ...]:
    """Return the old questions, plus new questions of the fresh draft about what the answers touched."""
    told = {question.text for question in old}
    number = max((int(question.id[1:]) for question in old), default=0)
    new = [q for q in fresh if q.text not in told and touched.issuperset(q.settles)]
    kept = tuple(q.model_copy(update={"effect": 0.0}) if q.id in answered else q for q in old)
    return (*kept, *(q.model_copy(update={"id": f"Q{number + n}"}) for n, q in enumerate(new, 1)))


def _moved(before: Draft, after: Draft, touched: set[str]) -> list[Moved]:
    found: list[Moved] = []
    for key in FACTORS:
        if key in touched and key in before.factors and _span(before.factors[key]) != _span(after.factors[key]):
            found.append(Moved(key, _span(before.factors[key]), _span(after.factors[key])))
    for layer in LAYERS:
        if layer not in touched:
            continue
        old, new = before.layers[layer], after.layers[layer]
        if old.certain != new.certain:
            found.append(Moved(layer, _flag(certain=old.certain), _flag(certain=new.certain)))
        elif old.paragraph != new.paragraph:
            found.append(Moved(layer, _rests(old.paragraph), _rests(new.paragraph)))
        titles = {t.id: t for t in old.threats}, {t.id: t for t in new.threats}
        found += [
            Moved(each, titles[0][each].state, titles[1][each].state)
            for each in titles[0]
            if each in titles[1] and titles[0][each].state != titles[1][each].state
        ]
        found += [Moved(each, titles[0][each].title, "gone") for each in titles[0] if each not in titles[1]]
        found += [Moved(each, "new", titles[1][each].title) for each in titles[1] if each not in titles[0]]
    if score_text(before) != score_text(after):
        found.append(Moved("score", score_text(before), score_text(after)))
    return found


def _span(estimate: FactorEstimate) -> str:
    return f"{estimate.value} ({estimate.low}–{estimate.high}), {estimate.state}"


def _rests(paragraph: str) -> str:
    marks = dict.fromkeys(MARK.findall(paragraph))
    return f"paragraph on {', '.join(marks)}" if marks else "paragraph without a quote"


def _flag(*, certain: bool) -> str:
    return "certain" if certain else "not certain"


def score_text(draft: Draft) -> str:
    """Format score, band and likely range in words, or why no score is shown."""
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
            store_snapshot(
                fresh / SNAPSHOTS,
                Snapshot(
                    sha256=document.sha256,
                    requested_url=document.url,
                    final_url=document.url,
                    fetched_at=document.fetched_at,
                    media_type="text/plain",
                    kind=document.kind,
                    size=len(body),
                ),
                body,
            )
        write_index(made.documents, settings, fresh)
        draft_folder.write(fresh / SNAPSHOTS / TEXTS, dump_documents(made.documents))
        draft_folder.write(fresh / draft_folder.REPORT, render(made.draft, made.documents))
        draft_folder.write(fresh / FILE_NAME, dump(made.draft))
