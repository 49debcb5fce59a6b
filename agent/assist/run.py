"""An LLM's part in one draft: two waves of calls, repeated calls, and the resulting judgement.

    sources ─► wave 1: facts-does, facts-built, factors ─ check ─► accepted sheet
               wave 2: page ◄── sources, sheet, candidates, factors ─ check ─► Judgement

Calls of a wave run in parallel; at most eight calls are made. A call that fails or is not sent costs only its own part,
which the embedded drafter then provides. The run is given up only if the LLM answered nothing at all.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, TypeVar

from pydantic import BaseModel

from agent.assist import calls
from agent.assist.acceptance import Accepted, accept, for_llm, hardly_said
from agent.assist.asking import MAX_CALLS, SECOND_WAVE, Ask, Assistant, Caller, Outcome, worded
from agent.assist.calls import BUILT, DOES, Candidate
from agent.assist.judge import Judge, JudgedSummary, JudgedThreats
from agent.assist.passages import Hits, Shown, show
from agent.assist.prose import Ground
from agent.assist.quotes import Quotes
from agent.assist.shapes import Factors, FactsBuilt, FactsDoes, Page
from agent.drafting.judgement import JudgedLayer, JudgedPicture, Judgement
from agent.errors import Usage
from agent.facts.needed import needed_passages
from agent.facts.readers.llm import proposals
from agent.facts.verify import Material, verify
from agent.facts.vocabulary import GroupId, load_vocabulary
from agent.llm.budget import estimate_plan
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
from agent.taxonomy.layers import LAYERS, LayerKey

__all__ = ["MAX_CALLS", "Assistant", "Assisted", "Candidate", "assist"]

NOTHING_SHOWN: Final = Missing(
    reason="too-little-evidence", detail="no sentence of the sources may be shown to an LLM, so it was not asked"
)
_SHEET_TOKENS: Final = 2_500
"""The most tokens allowed for facts, factors and candidates in the second wave."""
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
    """Hash of all replies."""


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
    """Ask the LLM and check its answers. `sheet` holds the facts that the other readers read in the same statements.

    `candidates_of` returns the catalogue's threats for the accepted sheet. `certain_of` returns which layers are
    certain given the sheet and the first wave's judgement (default: those that a fact pins or the LLM found
    sufficient). `factors_of` returns the factors as they will be scored. `hits` searches the sources if they do not
    fit.

    Raises LlmError if the LLM is unavailable, that is, for a reason that ends the run or if no call was answered. Also
    raises it, before anything is sent, if the calls could exceed the budget's caps. Raises InputError for a delimiter
    that occurs in the sources.
    """
    names = tuple(part for part in (name, vendor) if part)
    run = _Run(Material(tuple(documents), for_llm(statements), names), sheet, assistant, name, hits)
    if not run.shown.documents:
        return run.result(sheet, Judgement(parts=_parts({}, NOTHING_SHOWN)))
    run.first()
    accepted = run.accepted()
    judge, early = run.judged(accepted)
    candidates = tuple(candidates_of(accepted.sheet)) if candidates_of else ()
    certain = dict(certain_of(accepted.sheet, early)) if certain_of else _certain(early)
    factors = factors_of(accepted.sheet, early) if factors_of else {}
    run.second(judge, candidates, certain, factors, early)
    return run.finish(accepted, judge, early, candidates)


class _Run:
    """The state of one run."""

    def __init__(self, material: Material, sheet: FactSheet, assistant: Assistant, name: str, hits: Hits) -> None:
        self._material = material
        self._before = sheet
        self._assistant = assistant
        self._name = name
        self._hits = hits
        self._caller = Caller(assistant)
        self._found = calls.program_facts(sheet)
        self._answers: dict[str, list[BaseModel]] = {}
        """The answers by prompt, oldest first."""
        self._failed: dict[str, Outcome] = {}
        self._second_start = ""
        self.shown = self._show(assistant.passage_tokens)

    def first(self) -> None:
        """Run the first wave; repeat oversized calls with half of the sources, and repeat calls that lost too many
        items."""
        asks = calls.first_wave(self._before, self._found, self._assistant.delimiter)
        start = calls.sources(self.shown, self._name)
        self._check_budget(asks, start)
        outcomes = self._caller.wave(asks, start, self._caller.left - SECOND_WAVE)
        large = [outcome.ask for outcome in outcomes if outcome.reason == "too_large"]
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
        items = [item for answer in does for item in answer.facts] + [item for answer in built for item in answer.facts]
        groups: list[GroupId] = [*(DOES if does else ()), *(BUILT if built else ())]
        words = load_vocabulary()
        asked = [key.id for group in groups for key in words.group(group)]
        wrong = [item for answer in does for item in answer.wrong] + [item for answer in built for item in answer.wrong]
        return accept(self._before, items, wrong, self._found, self._material, asked, self.shown.documents)

    def judged(self, accepted: Accepted) -> tuple[Judge, Judgement]:
        """Return the judge, and the first wave's judgement of everything except facts."""
        sheet = accepted.sheet
        quotes = Quotes(sheet, self._material)
        ground = Ground(self._material, quotes.all, self._material.known)
        judge = Judge(sheet, ground, quotes, self._name)
        does = self._last("facts_does", FactsDoes)
        built = self._last("facts_built", FactsBuilt)
        factors = [item for answer in reversed(self._all("factors", Factors)) for item in answer.factors]
        return judge, Judgement(
            # An LLM that finds no fact in the sources has no say in the kind of the product.
            kind=does.kind if does and does.facts else None,
            factors=judge.factors(factors),
            layers=judge.layers(built.layers) if built else {},
            picture=judge.picture(does) if does else JudgedPicture(),
            evidence=tuple(quotes.added),
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
        ended = self._caller.ended()
        delimiter = self._assistant.delimiter
        states = {key: _state(certain[key], early.layers.get(key)) for key in LAYERS}
        asks = calls.second_wave(candidates, judge.sheet, factors, states, delimiter)
        if ended is not None:
            detail = f"not asked, since {ended.detail}"
            self._keep([Outcome(ask, None, ended.reason, detail, ()) for ask in asks])
            return
        does = self._last("facts_does", FactsDoes)
        # Both waves begin alike, so that a provider's cache serves the second too.
        self._second_start = calls.sources(self.shown, self._name) + calls.accepted(
            judge.sheet,
            # An LLM that finds no fact in the sources has no say in the kind of the product.
            kind=does.kind if does and does.facts else None,
            delimiter=delimiter,
        )
        self._keep(self._caller.wave(asks, self._second_start, self._caller.left))
        again = self._again_second(asks, judge, candidates, early.layers)
        if again and self._caller.ended() is None:
            self._keep(self._caller.wave(again, self._second_start, self._caller.left))

    def finish(
        self,
        accepted: Accepted,
        judge: Judge,
        early: Judgement,
        candidates: Sequence[Candidate],
    ) -> Assisted:
        """Combine both waves into the final judgement."""
        best = self._best(judge, candidates, early.layers)
        threats, summary = (best.threats, best.summary) if best else (None, None)
        made = early.model_copy(
            update={
                "summary": summary.what if summary else "",
                "posture": summary.posture if summary else "",
                "lines": summary.lines if summary else (),
                "controls": summary.controls if summary else (),
                "questions": summary.questions if summary else (),
                "reasons": judge.reasons(best.answer.reasons) if best else {},
                "layers": best.layers if best else early.layers,
                "threats": threats.threats if threats else (),
                "verdicts": threats.verdicts if threats else (),
                "chains": threats.chains if threats else (),
                "conditions": threats.conditions if threats else (),
                "proposal": best.answer.proposal if best else None,
                "caveat": threats.caveat if threats else "",
                "also": threats.also if threats else (),
                "law": threats.law if threats else "",
                "evidence": tuple(judge.quotes.added),
                "disputed": accepted.disputed,
                "doubted": tuple(
                    fact.id for fact in judge.sheet.facts if hardly_said(fact, judge.sheet, self._material)
                ),
                "dropped": self._dropped(accepted, judge),
            }
        )
        return self.result(accepted.sheet, made.model_copy(update={"parts": _parts(self._missing(made), None)}))

    def result(self, sheet: FactSheet, judgement: Judgement) -> Assisted:
        """Collect the sheet, the judgement and the run's usage for the draft."""
        replies = [reply for outcome in self._caller.outcomes for reply in outcome.replies]
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
        return show(
            self._material.documents,
            self._material.statements,
            self._assistant.delimiter,
            max_tokens=tokens,
            hits=self._hits,
        )

    def _check_budget(self, asks: Sequence[Ask], start: str) -> None:
        """Report the maximum usage of both waves. Raises LlmError if it exceeds the caps."""
        assistant = self._assistant
        # The facts shown in the second wave are not known yet, so use a placeholder of the maximum length.
        room = start + "x, " * _SHEET_TOKENS
        later = calls.second_wave((), FactSheet(), {}, dict.fromkeys(LAYERS, "open"), assistant.delimiter)
        plan = [worded(ask, start, assistant.answer_tokens) for ask in asks]
        plan += [worded(ask, room, assistant.answer_tokens) for ask in later]
        found = estimate_plan(plan, assistant.counter, {assistant.llm.name: assistant.price})
        cost = found.costs[assistant.llm.name]
        money = f"at most ${cost.cold:.4f}" if cost is not None else "at a price that is not known"
        assistant.told(
            f"llm: {assistant.llm.name}, {found.calls} calls planned: {found.input_tokens} tokens in, at most"
            f" {found.output_tokens} out, {money}; with repairs up to {MAX_CALLS} calls"
        )
        assistant.budget.check(Usage(found.input_tokens, found.output_tokens, estimated=True))

    def _keep(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.value is not None:
                self._answers.setdefault(outcome.ask.prompt, []).append(outcome.value)
                self._failed.pop(outcome.ask.prompt, None)
            elif outcome.ask.prompt not in self._answers:
                self._failed[outcome.ask.prompt] = outcome

    def _all(self, prompt: str, shape: type[ShapeT]) -> list[ShapeT]:
        return [answer for answer in self._answers.get(prompt, ()) if isinstance(answer, shape)]

    def _last(self, prompt: str, shape: type[ShapeT]) -> ShapeT | None:
        return next(reversed(self._all(prompt, shape)), None)

    def _again_first(self, asks: Sequence[Ask]) -> list[Ask]:
        """Return the calls to repeat: on facts if more than half were dropped, on factors if most lost their quotes.
        What was dropped of items that stand is told too."""
        again = []
        for ask in asks:
            answers = self._answers.get(ask.prompt, [])
            rows: list[tuple[str, str]] = []
            items = lost = 0
            if answers and isinstance(answers[-1], (FactsDoes, FactsBuilt)):
                facts = answers[-1].facts
                items = len(facts)
                checked = verify(proposals(facts), self._material)
                # A fact whose slot was refused stands; only a fact that is gone is worth another call.
                lost = items - len(checked.facts)
                rows = [(f"{row.key}: {row.quote}", row.reason) for row in checked.dropped]
            elif answers and isinstance(answers[-1], Factors):
                wanted = [item for item in answers[-1].factors if not item.insufficient]
                items = len(wanted)
                quotes = Quotes(self._before, self._material)
                lost_factors = [item.factor for item in wanted if not quotes.take(item.quotes)]
                lost = len(lost_factors)
                rows = quotes.dropped if lost_factors else []
                rows += [(factor, "none of its quotes was found") for factor in lost_factors]
            if lost >= _FEW and lost > _MOST_LOST * items:
                again.append(self._repair(ask, rows))
        return again

    def _again_second(
        self,
        asks: Sequence[Ask],
        judge: Judge,
        candidates: Sequence[Candidate],
        layers: Mapping[LayerKey, JudgedLayer],
    ) -> list[Ask]:
        again = []
        for ask in asks:
            trial = replace(judge, dropped=[])
            answer = next(reversed(self._answers.get(ask.prompt, [])), None)
            if isinstance(answer, Page) and self._read(answer, trial, candidates, layers).is_poor:
                again.append(self._repair(ask, trial.dropped))
        return again

    def _repair(self, ask: Ask, rows: Sequence[tuple[str, str]]) -> Ask:
        return replace(ask, stage=f"{ask.stage}-again", again=calls.dropped_lines(rows, self._assistant.delimiter))

    def _read(
        self, answer: Page, judge: Judge, candidates: Sequence[Candidate], layers: Mapping[LayerKey, JudgedLayer]
    ) -> "_ReadPage":
        ids = [*(row.id for row in candidates), *FACTORS, *LAYERS]
        threats = judge.threats(answer, candidates)
        summary = judge.summary(answer, ids, threats.numbers)
        return _ReadPage(answer, threats, summary, judge.paragraphs(answer, layers, threats.numbers))

    def _best(
        self, judge: Judge, candidates: Sequence[Candidate], layers: Mapping[LayerKey, JudgedLayer]
    ) -> "_ReadPage | None":
        """Return the answer with the most accepted threats and paragraphs, the earlier one of equals."""
        read = [self._read(answer, judge, candidates, layers) for answer in self._all("page", Page)]
        return max(read, key=lambda one: (len(one.threats.threats), bool(one.summary.posture), one.told), default=None)

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
        """Return for each part why the LLM's contribution is missing, or None if it is present."""
        held: dict[str, tuple[str, bool]] = {
            "facts/does": ("facts_does", bool(self._all("facts_does", FactsDoes))),
            "facts/built": ("facts_built", bool(self._all("facts_built", FactsBuilt))),
            "system": ("facts_does", bool(made.picture.parts)),
            **{f"factors/{key}": ("factors", key in made.factors) for key in FACTORS},
            **{f"layers/{key}": ("page", bool(_paragraph(made.layers, key))) for key in LAYERS},
            "threats": ("page", bool(made.threats)),
            "chains": ("page", bool(made.chains)),
            "posture": ("page", bool(made.posture)),
            "questions": ("page", bool(made.questions)),
        }
        return {part: None if there else self._why(prompt) for part, (prompt, there) in held.items()}

    def _why(self, prompt: str) -> Missing:
        failed = self._failed.get(prompt)
        if failed is None or failed.reason is None:
            return Missing(reason="not-answered", detail="nothing of the LLM's answer could be kept for this part")
        reason: MissingReason = failed.reason.replace("_", "-")  # type: ignore[assignment]
        return Missing(reason=reason, detail=failed.detail or "no answer of the LLM")


class _ReadPage(NamedTuple):
    """An answer to `page` with what was accepted of it."""

    answer: Page
    threats: JudgedThreats
    summary: JudgedSummary
    layers: dict[LayerKey, JudgedLayer]

    @property
    def told(self) -> int:
        """The number of layers with a paragraph."""
        return sum(bool(row.paragraph) for row in self.layers.values())

    @property
    def is_poor(self) -> bool:
        """Whether so little of the page was accepted that it is asked for again."""
        return (
            (bool(self.answer.threats) and len(self.threats.threats) <= _MOST_LOST * len(self.answer.threats))
            or (bool(self.answer.posture) and not self.summary.posture)
            or len(self.answer.layers) - self.told >= _FEW
        )


def _paragraph(layers: Mapping[LayerKey, JudgedLayer], key: LayerKey) -> str:
    return layers[key].paragraph if key in layers else ""


def _state(certain: bool, judged: JudgedLayer | None) -> calls.LayerState:
    if certain:
        return "known"
    return "partly" if judged is not None and judged.verdict != "insufficient" and judged.evidence else "open"


def _certain(judgement: Judgement) -> dict[LayerKey, bool]:
    """Return for each layer whether the LLM found it sufficient with a quote, or partial with a fact that pins it."""
    return {
        key: key in judgement.layers
        and (
            judgement.layers[key].verdict == "sufficient"
            or (judgement.layers[key].verdict == "partial" and bool(judgement.layers[key].facts))
        )
        for key in LAYERS
    }


def _parts(missing: Mapping[str, Missing | None], why: Missing | None) -> tuple[MadeBy, ...]:
    """List the author of each part. `why` is the reason for all parts if nothing was asked."""
    names = list(missing) or [
        *("facts/does", "facts/built", "system"),
        *(f"factors/{key}" for key in FACTORS),
        *(f"layers/{key}" for key in LAYERS),
        *("threats", "chains", "posture", "questions"),
    ]
    return tuple(_made_by(name, missing.get(name, why)) for name in names)


def _made_by(name: str, gone: Missing | None) -> MadeBy:
    return MadeBy(part=name, by="embedded" if gone else "llm" if name in _ALONE else "both", missing=gone)
