"""An LLM's part of one draft: what is asked in two waves, and what the checked answers add up to.

    embedded draft ─ passages ─► wave 1: factors ×2, layers, threats, picture ─ check ─┐
                                 wave 2: posture, questions, chains, re-asks, judge ◄──┘ ─ check ─► Proposals

Calls of a wave run side by side. At most twelve calls are made, repairs included. A call that fails or is not sent
costs its part alone, which the embedded drafter then makes; only when nothing came back from the LLM at all is the run
given up. Without a passage to show nothing is asked, since nothing could be quoted.
"""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from pydantic import BaseModel

from agent.drafting_old import exemplars
from agent.drafting_old.assisted import chains, critique, factors, layers, picture, threats, words
from agent.drafting_old.assisted.answers import PARTS, Outcome, Read, parts, read_answers, why_lost
from agent.drafting_old.assisted.asking import Ask, Start, refs, start, worded
from agent.drafting_old.assisted.checking import Shown
from agent.drafting_old.assisted.proposals import Item, Proposals, items_of
from agent.drafting_old.assisted.sending import Masked, Turns, given_out
from agent.drafting_old.combine import Combination
from agent.drafting_old.composition import Composition, Placed
from agent.drafting_old.families import Identity
from agent.drafting_old.pack import WHOLE_CHARS, PackedEvidence, pack
from agent.errors import ENDS_RUN, LlmError, LlmReason, SeptetError
from agent.evidence.reading import Reading
from agent.llm.budget import Budget, PlanEstimate, Price, estimate_plan
from agent.llm.parse import ask as ask_llm
from agent.llm.port import Call, Llm, Usage
from agent.llm.tokens import Counter, by_bytes
from agent.records import Missing, PromptRef

MAX_CALLS: Final = 12
"""Of one draft, repairs and re-asks included."""
CLOSING_CALLS: Final = 3
"""Calls that the first wave's repairs leave for the second wave; one more where there is a judge."""
NOTHING_SHOWN: Final = Missing(
    reason="too-little-evidence", detail="no sentence of the sources may be shown to an LLM, so it was not asked"
)
_AWAY: Final[frozenset[LlmReason]] = ENDS_RUN | {
    "rate_limited",
    "bad_request",
    "too_large",
    "timeout",
    "bad_response",
    "unreachable",
    "cassette_miss",
}
"""Reasons that mean that there is no LLM to be had, where all calls end so."""
_DIGEST_CHARS: Final = 16


def _silent(line: str) -> None:
    """Says nothing."""


@dataclass(frozen=True)
class Assistant:
    """The LLM that helps with one draft, with its caps; made at the edge of the program."""

    llm: Llm
    budget: Budget
    counter: Counter
    delimiter: str
    """Random for each run, of letters and digits; it stands round untrusted text."""
    answer_tokens: int
    """Cap of one answer."""
    passage_tokens: int
    """Cap of the passages that are shown, a token for each three bytes, which is about a third more than there are."""
    price: Price | None = None
    judge: Llm | None = None
    """A second LLM that judges whether quotes carry claims; it can only lower."""
    fallback: bool = False
    """Whether the embedded drafter goes on alone when the LLM cannot be had."""
    exemplars: bool = True
    """Whether the LLM is shown how the scale is used in other vendors' products."""
    say: Callable[[str], None] = _silent
    """Told what is being done."""
    told: Callable[[str], None] = _silent
    """Told, a line each, what the run may take at most and what it took."""


class Assisted(NamedTuple):
    """What came of the LLM's part."""

    proposals: Proposals
    prompts: tuple[PromptRef, ...]
    llm: str
    """As the endpoint names it; several are joined."""
    details: tuple[str, ...]
    """What was odd about the replies, in words."""
    usage: Usage
    calls: int
    answers: str
    """Hash of all replies."""


def assist(reading: Reading, interim: Composition, assistant: Assistant, constants: Combination) -> Assisted:
    """Asks the LLM and checks what it says. `interim` is the embedded draft of the same reading.

    Raises LlmError when the LLM cannot be had: what ends a run, or when no call came back; also, before anything is
    sent, when the plan could take more than the budget's caps. Raises InputError for a delimiter that stands in the
    sources.
    """
    run = _Run(reading, interim, assistant)
    if not run.shown.packed.passages:
        return run.result(run.proposals(Read(missing=dict.fromkeys(PARTS, NOTHING_SHOWN)), constants))
    run.estimate(constants)
    first = run.wave(run.opening(), MAX_CALLS - CLOSING_CALLS - (assistant.judge is not None))
    too_long = all(outcome.reason == "too_large" for outcome in first)
    if not too_long:
        run.give_up_if_away()
    read = read_answers(first, run.shown)
    ended = next((outcome for outcome in first if outcome.reason in ENDS_RUN), None)
    if ended is None:
        asks = (*run.shorter(first), *run.closing(run.placed(read, constants)), *run.repeats(read))
        second = run.wave(asks, MAX_CALLS - run.calls, run.judging(read))
    else:
        second = [Outcome(ask, None, ended.reason, f"not asked, since {ended.detail}", ()) for ask in run.closing(())]
    if too_long:
        run.give_up_if_away()
    return run.result(run.proposals(run.judged(read, read_answers((*first, *second), run.shown)), constants))


class _Run:
    """The state of one run: its shared start, what was asked, and what came."""

    def __init__(self, reading: Reading, interim: Composition, assistant: Assistant) -> None:
        self._reading = reading
        self._interim = interim
        self._assistant = assistant
        self._name = interim.product.name
        names = (self._name, *([interim.product.vendor] if interim.product.vendor else []))
        self.shown = Shown(reading, self._packed(assistant.passage_tokens), names)
        self._begin = start(self.shown.packed, product=self._name, delimiter=assistant.delimiter)
        self._examples = (
            exemplars.nearest(reading, Identity(self._name, interim.product.vendor)) if assistant.exemplars else ()
        )
        self.calls = 0
        self._asked: list[Ask[BaseModel]] = []
        self._outcomes: list[Outcome] = []
        self._usage = Usage()

    def opening(self) -> tuple[Ask[BaseModel], ...]:
        """The first wave."""
        return (
            *factors.asks(self._interim, self._examples),
            *layers.asks(),
            *threats.asks(self._interim),
            *picture.asks(self._interim),
        )

    def closing(self, placed: Sequence[Placed]) -> tuple[Ask[BaseModel], ...]:
        """The second wave, but for what is asked again."""
        known = [Placed(key, threat) for key, layer in self._interim.layers.items() for threat in layer.threats]
        return (
            *words.posture_asks(self._interim),
            *words.questions_asks(self._interim),
            *chains.asks(self._interim, (*known, *placed)),
        )

    def shorter(self, first: Sequence[Outcome]) -> tuple[Ask[BaseModel], ...]:
        """The asks again whose passages were too long; they and all that follow get passages of half the length."""
        large = tuple(outcome.ask for outcome in first if outcome.reason == "too_large")
        if large:
            self._shorten()
        return tuple(replace(ask, stage=f"{ask.stage}-shorter") for ask in large)

    def repeats(self, read: Read) -> tuple[Ask[BaseModel], ...]:
        """What is asked again: the factors and layers that lost most of their claims."""
        items = dict(items_of(read))
        weak = {part for part, item in items.items() if item.checked.lost_most}
        asks: list[Ask[BaseModel]] = []
        if keys := [key for key in read.factors if f"factors/{key}" in weak]:
            asks += factors.asks(self._interim, self._examples, only=keys)
        if names := [key for key in read.layers if f"layers/{key}" in weak]:
            asks += layers.asks(only=names)
        again: list[Ask[BaseModel]] = []
        for ask in asks:
            lines = [f"- {part.partition('/')[2]}: {why_lost(items[part].checked)}" for part in parts(ask)]
            again.append(replace(ask, stage=f"{ask.stage}-again", again="\n".join(lines)))
        return tuple(again)

    def judging(self, read: Read) -> tuple[Ask[BaseModel], ...]:
        """The judge's calls; none without a judge."""
        return () if self._assistant.judge is None else critique.asks(items_of(read), self.shown)

    def wave(self, asks: Sequence[Ask[BaseModel]], limit: int, judged: Sequence[Ask[BaseModel]] = ()) -> list[Outcome]:
        """The outcomes of calls that are sent at the same time, in the order of `judged` and then `asks`.

        At most `limit` calls are made, repairs included. What they leave no turn for is not sent, and its outcome says
        so.
        """
        begin, budget, judge = self._begin, self._assistant.budget, self._assistant.judge
        pairs = [(ask, judge) for ask in judged if judge is not None] + [(ask, self._assistant.llm) for ask in asks]
        calls = [self._call(ask, begin) for ask, _ in pairs]
        turns = [Turns(budget, number) for number in given_out(calls, budget, limit)]
        rows = [
            (ask, llm, call, turn) for (ask, llm), call, turn in zip(pairs, calls, turns, strict=True) if turn.limit
        ]
        self._assistant.say(f"asking the LLM ({len(rows)} calls)")
        found: list[tuple[Outcome, Usage]] = []
        if rows:
            with ThreadPoolExecutor(len(rows)) as pool, ExitStack() as left:
                # Whoever interrupts waits for no answer: what is under way ends when the LLM is closed.
                left.callback(self._close)
                found = list(pool.map(lambda row: self._one(*row), rows))
                left.pop_all()
        self.calls += sum(turn.taken for turn in turns)
        for outcome, usage in found:
            self._usage += usage
            self._asked.append(outcome.ask)
            self._outcomes.append(outcome)
        sent = iter(found)
        return [next(sent)[0] if turn.limit else _unsent(ask) for (ask, _), turn in zip(pairs, turns, strict=True)]

    def give_up_if_away(self) -> None:
        """Raises LlmError when the LLM cannot be had: nothing came so far, or what came says that nothing will."""
        if any(outcome.reason not in _AWAY for outcome in self._outcomes):
            return
        worst = next((outcome for outcome in self._outcomes if outcome.reason in ENDS_RUN), self._outcomes[0])
        assert worst.reason is not None
        hint = "`septet doctor` says what is wrong; `--fallback embedded` drafts without it"
        raise LlmError(worst.reason, worst.detail, hint=hint, usage=self._usage)

    def placed(self, read: Read, constants: Combination) -> tuple[Placed, ...]:
        """The LLM's threats that the draft will show, for the chains."""
        return threats.favoured(self.proposals(read, constants), self._interim.candidates, self._interim.factors)

    def judged(self, before: Read, after: Read) -> Read:
        """The items with the judge's verdicts on those of the first wave; one that was asked again is not judged."""
        if after.critique is None:
            return after
        old = dict(items_of(before))
        new = dict(items_of(after))
        verdicts = {
            part: item.checked
            for part, item in critique.judged(after.critique, items_of(before))
            if new.get(part) == old[part]
        }
        return replace(
            after,
            factors={k: Item(i.said, verdicts.get(f"factors/{k}", i.checked)) for k, i in after.factors.items()},
            layers={k: Item(i.said, verdicts.get(f"layers/{k}", i.checked)) for k, i in after.layers.items()},
            threats=tuple(
                Item(item.said, verdicts.get(f"threats/{n}", item.checked))
                for n, item in enumerate(after.threats, start=1)
            ),
        )

    def proposals(self, read: Read, constants: Combination) -> Proposals:
        """What the draft is made with."""
        return Proposals(
            shown=self.shown,
            constants=constants,
            factors=read.factors,
            layers=read.layers,
            threats=read.threats,
            picture=read.picture,
            posture=read.posture,
            questions=read.questions,
            points={question.id: question.text for question in self._interim.questions},
            chains=read.chains,
            missing=read.missing,
            dropped=tuple(read.dropped),
        )

    def estimate(self, constants: Combination) -> None:
        """Tells what the plan takes at most. Raises LlmError when that is more than the caps."""
        assistant = self._assistant
        plan = [self._call(ask, self._begin) for ask in (*self.opening(), *self.closing(()))]
        found = estimate_plan(plan, assistant.counter, {assistant.llm.name: assistant.price})
        assistant.told(_estimate_line(assistant.llm.name, found))
        assistant.budget.check(Usage(found.input_tokens, found.output_tokens, estimated=True))

    def result(self, proposals: Proposals) -> Assisted:
        """Everything that the draft needs to know of the run."""
        replies = [reply for outcome in self._outcomes for reply in outcome.replies]
        digest = hashlib.sha256("\0".join(reply.text for reply in replies).encode("utf-8", "replace"))
        return Assisted(
            proposals=proposals,
            prompts=refs(tuple(self._asked)),
            llm=", ".join(sorted({reply.llm for reply in replies})),
            details=tuple(sorted({reply.detail for reply in replies if reply.detail})),
            usage=self._usage,
            calls=self.calls,
            answers=digest.hexdigest()[:_DIGEST_CHARS],
        )

    def _close(self) -> None:
        for llm in (self._assistant.llm, self._assistant.judge):
            # Who opened it closes it once more, and tells then what a recording has to say.
            with suppress(SeptetError):
                if llm is not None:
                    llm.close()

    def _one(self, ask: Ask[BaseModel], llm: Llm, call: Call, turns: Turns) -> tuple[Outcome, Usage]:
        try:
            answer = ask_llm(Masked(llm, self._assistant.delimiter), call, ask.shape, turns)
        except LlmError as error:
            return Outcome(ask, None, error.reason, str(error), ()), error.usage
        return Outcome(ask, answer.value, answer.reason, answer.detail, answer.replies), answer.usage

    def _call(self, ask: Ask[BaseModel], begin: Start) -> Call:
        return worded(ask, begin, self._assistant.answer_tokens)

    def _packed(self, tokens: int) -> PackedEvidence:
        # By bytes on every machine, whatever counter it has: a recording must fit on another one.
        return pack(
            self._reading,
            self._assistant.delimiter,
            by_bytes().count,
            max_tokens=tokens,
            free_chars=WHOLE_CHARS,
        )

    def _shorten(self) -> None:
        # Half of what was shown: short sources may be far below the cap.
        longer = self.shown.packed
        shorter = self._packed(min(self._assistant.passage_tokens, longer.tokens) // 2)
        self._begin = start(shorter, product=self._name, delimiter=self._assistant.delimiter)
        # Quotes of both lengths are looked up. Of two passages with one id the longer one holds the other.
        both = dict(longer.passages)
        for key, passage in shorter.passages.items():
            both[key] = max(passage, both.get(key, passage), key=lambda one: one.end)
        self.shown = replace(self.shown, packed=replace(longer, passages=both))


def _unsent(ask: Ask[BaseModel]) -> Outcome:
    detail = f"not asked, since the calls of this draft (at most {MAX_CALLS}) or its budget were given out"
    return Outcome(ask, None, "over_budget", detail, ())


def _estimate_line(name: str, plan: PlanEstimate) -> str:
    cost = plan.costs[name]
    money = f"at most ${cost.cold:.4f}" if cost is not None else "at a price that is not known"
    return (
        f"llm: {name}, {plan.calls} calls planned: {plan.input_tokens} tokens in, at most {plan.output_tokens} out,"
        f" {money}; with repairs up to {MAX_CALLS} calls"
    )
