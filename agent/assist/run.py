"""The LLM's part in a draft: two waves of calls, repeats of some calls, and the resulting judgement.

    sources ─► wave 1: facts-does, facts-built, factors ─ check ─► accepted sheet
               wave 2: page ◄── sources, sheet, candidates, factors ─ check ─► Judgement

Calls of a wave run in parallel; at most eight calls are made. If a call fails or is not sent, only its part is lost,
and the embedded drafter provides that part. The run is abandoned only if the LLM answered nothing at all.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Final, NamedTuple, TypeVar

from pydantic import BaseModel

from agent.assist import calls
from agent.assist.acceptance import Accepted, accept, for_llm, hardly_said
from agent.assist.asking import MAX_CALLS, SECOND_WAVE, Ask, Assistant, Caller, Outcome, unasked, worded
from agent.assist.calls import BUILT, DOES
from agent.assist.judge import Judge
from agent.assist.passages import Hits, Shown, show
from agent.assist.quotes import Quotes
from agent.assist.shapes import Factors, FactsBuilt, FactsDoes, Page
from agent.drafting.judgement import JudgedPicture, Judgement
from agent.drafting.threats.candidates import Candidate
from agent.errors import Usage
from agent.facts.needed import needed_passages
from agent.facts.readers.llm import proposals
from agent.facts.verify import Material, verify
from agent.facts.vocabulary import GroupId, load_vocabulary
from agent.llm.parse import Answer
from agent.records import (
    Document,
    FactorEstimate,
    FactSheet,
    MadeBy,
    Missing,
    MissingReason,
    PromptRef,
    Statement,
)
from agent.retrieval.passages import estimate
from agent.taxonomy.factors import FACTORS, FactorKey
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LAYERS, LayerKey

__all__ = ["MAX_CALLS", "Assistant", "Assisted", "assist"]

NOTHING_SHOWN: Final = Missing(
    reason="too-little-evidence", detail="no sentence of the sources may be shown to an LLM, so it was not called"
)
_SHEET_TOKENS: Final = 2_500
"""Maximum number of tokens allowed for facts, factors and candidates in the second wave."""
_PARTS: Final = {
    "facts/does": "facts_does",
    "facts/built": "facts_built",
    "system": "facts_does",
    **dict.fromkeys((f"factors/{key}" for key in FACTORS), "factors"),
    **dict.fromkeys((f"layers/{key}" for key in LAYERS), "page"),
    **dict.fromkeys(("threats", "chains", "posture", "questions"), "page"),
}
"""The parts of a draft, and the prompt whose answer contributes to each."""
_ALONE: Final = frozenset({"facts/does", "facts/built", "posture"})
"""Parts in which the LLM's contribution, if accepted, entirely replaces the embedded drafter's."""
_DIGEST_CHARS: Final = 16
_MOST_LOST: Final = 0.5
"""An answer is requested again if it loses more than this share of its items."""
_FEW: Final = 3

CandidatesOf = Callable[[FactSheet], Sequence[Candidate]]
FactorsOf = Callable[[FactSheet, Judgement], Mapping[FactorKey, FactorEstimate]]
CertainOf = Callable[[FactSheet, Judgement], Mapping[LayerKey, bool]]
ShapeT = TypeVar("ShapeT", bound=BaseModel)


class Assisted(NamedTuple):
    """The outcome of the LLM's part."""

    sheet: FactSheet
    """The merged facts of all readers, including the LLM."""
    judgement: Judgement
    prompts: tuple[PromptRef, ...]
    llm: str
    """The LLM's name as reported by the endpoint; several names are joined."""
    details: tuple[str, ...]
    """Remarks on irregular replies."""
    usage: Usage
    calls: int
    answers: str
    """SHA-256 of the text of all replies, first 16 hex digits."""


def assist(
    documents: Sequence[Document],
    statements: Sequence[Statement],
    sheet: FactSheet,
    assistant: Assistant,
    *,
    name: str,
    vendor: str | None = None,
    candidates_of: CandidatesOf | None = None,
    certain_of: CertainOf | None = None,
    factors_of: FactorsOf | None = None,
    hits: Hits = needed_passages,
) -> Assisted:
    """Ask the LLM and check its answers. `sheet` has the facts that the other readers found in the same statements.

    `candidates_of` returns the catalogue's threats for the accepted sheet. Given the sheet and the first wave's
    judgement, `certain_of` returns which layers are certain, and `factors_of` returns the factors as they will be
    scored. `hits` searches the sources if they do not fit.

    Raises LlmError if every call of the first wave fails because the LLM is unavailable, and, before anything is sent,
    if the calls could exceed the budget's caps. Raises InputError for a delimiter that occurs in the sources.
    """
    names = tuple(part for part in (name, vendor) if part)
    run = _Run(Material(tuple(documents), for_llm(statements), names), sheet, assistant, name, hits)
    if not run.shown.documents:
        return run.result(sheet, Judgement(parts=_parts(dict.fromkeys(_PARTS, NOTHING_SHOWN))))
    run.first()
    accepted = run.accepted()
    judge = Judge(accepted.sheet, run.material, name)
    early = run.judged(judge)
    candidates = tuple(candidates_of(accepted.sheet)) if candidates_of else ()
    certain = certain_of(accepted.sheet, early) if certain_of else {}
    factors = factors_of(accepted.sheet, early) if factors_of else {}
    run.second(judge, candidates, certain, factors, early)
    return run.finish(accepted, judge, early, candidates)


class _Run:
    """The state of one run."""

    def __init__(self, material: Material, sheet: FactSheet, assistant: Assistant, name: str, hits: Hits) -> None:
        self.material = material
        self._before = sheet
        self._assistant = assistant
        self._name = name
        self._hits = hits
        self._caller = Caller(assistant)
        self._found = calls.program_facts(sheet)
        self._answers: dict[str, list[BaseModel]] = {}
        """The answers by prompt, oldest first."""
        self._failed: dict[str, Answer[BaseModel]] = {}
        self.shown = self._show(assistant.passage_tokens)

    def first(self) -> None:
        """Run the first wave; repeat oversized calls with half of the sources, and repeat calls that lost too many
        items."""
        asks = calls.first_wave(self._before, self._found, self._assistant.delimiter)
        start = calls.sources(self.shown, self._name)
        self._check_budget(asks, start)
        outcomes = self._caller.wave(asks, start, self._caller.left - SECOND_WAVE)
        large = [outcome.ask for outcome in outcomes if outcome.answer.reason == "too_large"]
        if large:
            # Halve what was shown rather than the cap, since short sources may be far below it.
            self.shown = self._show(min(self._assistant.passage_tokens, estimate(self.shown.text)) // 2)
            start = calls.sources(self.shown, self._name)
            shorter = [replace(ask, stage=f"{ask.stage}-shorter") for ask in large]
            outcomes += self._caller.wave(shorter, start, self._caller.left - 1)
        self._caller.give_up_if_away()
        self._keep(outcomes)
        again = self._again_first(asks)
        if again and self._caller.ended() is None:
            self._keep(self._caller.wave(again, start, self._caller.left - SECOND_WAVE))

    def accepted(self) -> Accepted:
        """Return the sheet merged with the LLM's facts."""
        does, built = self._all("facts_does", FactsDoes), self._all("facts_built", FactsBuilt)
        answers: list[FactsDoes | FactsBuilt] = [*does, *built]
        items = [item for answer in answers for item in answer.facts]
        wrong = [item for answer in answers for item in answer.wrong]
        groups: list[GroupId] = [*(DOES if does else ()), *(BUILT if built else ())]
        asked = [key.id for group in groups for key in load_vocabulary().group(group)]
        return accept(self._before, items, wrong, self._found, self.material, asked, self.shown.documents)

    def judged(self, judge: Judge) -> Judgement:
        """Return the first wave's judgement of everything except facts."""
        does, built = self._all("facts_does", FactsDoes)[-1:], self._all("facts_built", FactsBuilt)[-1:]
        factors = [item for answer in reversed(self._all("factors", Factors)) for item in answer.factors]
        return Judgement(
            kind=self._kind(),
            factors=judge.factors(factors),
            layers=judge.layers(built[0].layers) if built else {},
            picture=judge.picture(does[0]) if does else JudgedPicture(),
            evidence=tuple(judge.quotes.added),
        )

    def second(
        self,
        judge: Judge,
        candidates: Sequence[Candidate],
        certain: Mapping[LayerKey, bool],
        factors: Mapping[FactorKey, FactorEstimate],
        early: Judgement,
    ) -> None:
        """Run the second wave and repeat calls that lost too many items; `early` is the first wave's judgement."""
        self._caller.second = True
        delimiter = self._assistant.delimiter
        # Leave out the embedded estimates: in the prompt, they would tie recordings to one fit of the heads.
        own = {key: estimate for key, estimate in factors.items() if early.usable_factor(key)}
        asks = calls.second_wave(candidates, judge.sheet, own, _states(certain, early), delimiter)
        ended = self._caller.ended()
        if ended is not None:
            self._keep([unasked(ask, ended.reason, f"not asked, since {ended.detail}") for ask in asks])
            return
        # Both waves begin with the same text, so that a provider's cache serves the second too.
        start = calls.sources(self.shown, self._name)
        start += calls.accepted(judge.sheet, kind=self._kind(), delimiter=delimiter)
        self._keep(self._caller.wave(asks, start, self._caller.left))
        again = []
        for ask in asks:
            for answer in self._all(ask.prompt, Page)[-1:]:
                trial = copy(judge)
                trial.dropped = []
                if _is_poor(answer, trial.page(answer, candidates, early)):
                    again.append(self._repair(ask, trial.dropped))
        if again and self._caller.ended() is None:
            self._keep(self._caller.wave(again, start, self._caller.left))

    def finish(self, accepted: Accepted, judge: Judge, early: Judgement, candidates: Sequence[Candidate]) -> Assisted:
        """Combine both waves into the final judgement. Of two pages, the one with more accepted threats is used. A tie
        goes to the page with a posture, then to the one with more layer paragraphs, then to the earlier one.
        """
        read = [(answer, judge.page(answer, candidates, early)) for answer in self._all("page", Page)]
        answer, page = max(
            read, key=lambda row: (len(row[1].threats), bool(row[1].posture), _told(row[1])), default=(None, early)
        )
        sheet = judge.sheet
        made = page.model_copy(
            update={
                "reasons": judge.reasons(answer.reasons) if answer else {},
                "evidence": tuple(judge.quotes.added),
                "disputed": accepted.disputed,
                "doubted": tuple(fact.id for fact in sheet.facts if hardly_said(fact, sheet, self.material)),
                "dropped": self._dropped(accepted, judge),
            }
        )
        return self.result(sheet, made.model_copy(update={"parts": _parts(self._missing(made))}))

    def result(self, sheet: FactSheet, judgement: Judgement) -> Assisted:
        """Collect the sheet, the judgement and the run's usage for the draft."""
        replies = [reply for outcome in self._caller.outcomes for reply in outcome.answer.replies]
        digest = hashlib.sha256("\0".join(reply.text for reply in replies).encode("utf-8", "replace"))
        return Assisted(
            sheet=sheet,
            judgement=judgement,
            prompts=self._caller.prompts(),
            llm=", ".join(sorted({reply.llm for reply in replies})),
            details=tuple(sorted({reply.detail for reply in replies if reply.detail})),
            usage=self._caller.usage,
            calls=self._caller.calls,
            answers=digest.hexdigest()[:_DIGEST_CHARS],
        )

    def _show(self, tokens: int) -> Shown:
        texts, rows = self.material.documents, self.material.statements
        return show(texts, rows, self._assistant.delimiter, max_tokens=tokens, hits=self._hits)

    def _kind(self) -> ProductKind | None:
        """Return the product's kind according to the LLM; None if the LLM finds no fact in the sources."""
        return next((does.kind for does in self._all("facts_does", FactsDoes)[-1:] if does.facts), None)

    def _check_budget(self, asks: Sequence[Ask], start: str) -> None:
        """Report the maximum that both waves can use. Raises LlmError if it exceeds the caps."""
        assistant = self._assistant
        # The facts shown in the second wave are not known yet, so use a placeholder of the maximum length.
        room = start + "x, " * _SHEET_TOKENS
        later = calls.second_wave((), FactSheet(), {}, dict.fromkeys(LAYERS, "open"), assistant.delimiter)
        plan = [worded(ask, start, assistant.answer_tokens) for ask in asks]
        plan += [worded(ask, room, assistant.answer_tokens) for ask in later]
        worst = sum(map(assistant.budget.estimate, plan), Usage())
        money = f"at most ${assistant.price.cost(worst):.4f}" if assistant.price else "at an unknown price"
        assistant.told(
            f"llm: {assistant.llm.name}, {len(plan)} calls planned: {worst.input_tokens} tokens in, at most"
            f" {worst.output_tokens} out, {money}; with repairs up to {MAX_CALLS} calls"
        )
        assistant.budget.check(worst)

    def _keep(self, outcomes: Iterable[Outcome]) -> None:
        for ask, answer in outcomes:
            if answer.value is not None:
                self._answers.setdefault(ask.prompt, []).append(answer.value)
                self._failed.pop(ask.prompt, None)
            elif ask.prompt not in self._answers:
                self._failed[ask.prompt] = answer

    def _all(self, prompt: str, shape: type[ShapeT]) -> list[ShapeT]:
        return [answer for answer in self._answers.get(prompt, ()) if isinstance(answer, shape)]

    def _again_first(self, asks: Sequence[Ask]) -> list[Ask]:
        """Return the calls to repeat: those in which at least three items, and more than half of the items, were lost.
        A fact is lost if it was dropped, a factor if none of its quotes was found. The repeated request also lists what
        was dropped from accepted items.
        """
        again = []
        for ask in asks:
            answer = next(iter(self._answers.get(ask.prompt, [])[-1:]), None)
            rows: list[tuple[str, str]] = []
            items = lost = 0
            if isinstance(answer, FactsDoes | FactsBuilt):
                items = len(answer.facts)
                checked = verify(proposals(answer.facts), self.material)
                # A fact with a refused slot is kept; only a fact that is gone is worth another call.
                lost = items - len(checked.facts)
                rows = [(f"{row.key}: {row.quote}", row.reason) for row in checked.dropped]
            elif isinstance(answer, Factors):
                wanted = [item for item in answer.factors if not item.insufficient]
                quotes = Quotes(self._before, self.material)
                bare = [item.factor for item in wanted if not quotes.take(item.quotes)]
                items, lost = len(wanted), len(bare)
                rows = [*quotes.dropped, *((factor, "none of its quotes was found") for factor in bare)]
            if lost >= _FEW and lost > _MOST_LOST * items:
                again.append(self._repair(ask, rows))
        return again

    def _repair(self, ask: Ask, rows: Sequence[tuple[str, str]]) -> Ask:
        return replace(ask, stage=f"{ask.stage}-again", again=calls.dropped_lines(rows, self._assistant.delimiter))

    def _dropped(self, accepted: Accepted, judge: Judge) -> tuple[tuple[str, str], ...]:
        known = set(self._before.dropped)
        rows = [
            (f"{row.key}: {row.quote}", f"{row.reason}{f': {row.detail}' if row.detail else ''}")
            for row in accepted.sheet.dropped
            if row not in known and row.reader == "llm"
        ]
        rows += [(what, f"struck: {why}") for what, why in accepted.struck]
        return tuple(dict.fromkeys((*rows, *accepted.refused, *judge.quotes.dropped, *judge.dropped)))

    def _missing(self, made: Judgement) -> dict[str, Missing | None]:
        """For each part, return why the LLM's contribution is missing, or None if it is present."""
        there = {
            "facts/does": "facts_does" in self._answers,
            "facts/built": "facts_built" in self._answers,
            "system": bool(made.picture.parts),
            **{f"factors/{key}": key in made.factors for key in FACTORS},
            **{f"layers/{key}": key in made.layers and bool(made.layers[key].paragraph) for key in LAYERS},
            "threats": bool(made.threats),
            "chains": bool(made.chains),
            "posture": bool(made.posture),
            "questions": bool(made.questions),
        }
        return {part: None if there[part] else self._why(prompt) for part, prompt in _PARTS.items()}

    def _why(self, prompt: str) -> Missing:
        failed = self._failed.get(prompt)
        if failed is None or failed.reason is None:
            return Missing(reason="not-answered", detail="nothing in the LLM's answer could be kept for this part")
        reason: MissingReason = failed.reason.replace("_", "-")  # type: ignore[assignment]
        return Missing(reason=reason, detail=failed.detail or "no answer from the LLM")


def _told(page: Judgement) -> int:
    """Return the number of layers with a paragraph."""
    return sum(bool(layer.paragraph) for layer in page.layers.values())


def _is_poor(answer: Page, read: Judgement) -> bool:
    """Return whether so little of a page was accepted that the page should be requested again."""
    return (
        (bool(answer.threats) and len(read.threats) <= _MOST_LOST * len(answer.threats))
        or (bool(answer.posture) and not read.posture)
        or len(answer.layers) - _told(read) >= _FEW
    )


def _states(certain: Mapping[LayerKey, bool], early: Judgement) -> dict[LayerKey, calls.LayerState]:
    """Return how certain each layer is: a layer that is not certain counts as partly known if the LLM found a quote for
    it."""
    partly = {key for key, layer in early.layers.items() if layer.verdict != "insufficient" and layer.evidence}
    return {key: "known" if certain.get(key) else "partly" if key in partly else "open" for key in LAYERS}


def _parts(missing: Mapping[str, Missing | None]) -> tuple[MadeBy, ...]:
    """Return who made each part: the embedded drafter, the LLM or both."""
    return tuple(
        MadeBy(part=name, by="embedded" if gone else "llm" if name in _ALONE else "both", missing=gone)
        for name, gone in missing.items()
    )
