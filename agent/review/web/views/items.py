"""An item of a review on the page: its content, its current state, and the acts that it allows."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from agent.facts.vocabulary import FactKey, load_vocabulary
from agent.records import (
    Capability,
    Chain,
    Draft,
    FactorEstimate,
    LayerThreats,
    Part,
    Question,
    TaxonomyRef,
    Threat,
)
from agent.report.sentences import change, effect, shrinkage, tenth, threat_sentence, vector_words
from agent.report.view import View, name_of, number_added, rank_words
from agent.review.domain.acts import answer_facts, now_of
from agent.review.domain.effects.consequences import Dependent, added_dependents, dependents, parts_of
from agent.review.domain.effects.what_if import promised
from agent.review.domain.facts.changed_sheet import corrected_fact, held_as
from agent.review.domain.facts.from_answers import STATES as STATED, confirmed, is_vendors_word, keys_asked, question_of
from agent.review.domain.fold import vendors_words
from agent.review.domain.items import fact_title, is_unstated, threats_of
from agent.review.domain.lapses import content_of
from agent.review.domain.mitigations import Work, work_of
from agent.review.domain.records import Comment, Contest, ItemState, ReviewState
from agent.review.web.forms import Field, Plain, fields_for, sayings
from agent.review.web.views.differences import Difference, differences, titled
from agent.review.web.views.sources import Quote, Quotes
from agent.review.web.views.wording import (
    BASES,
    READERS,
    REASONS,
    STATES,
    VERDICTS,
    duration,
)
from agent.review.web.views.work import WorkView, work_view
from agent.scoring import severity
from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS, LayerKey


class FactorBody(NamedTuple):
    """A factor with its current value; `drafted` is set if a reviewer changed the value."""

    value: str
    low: str
    high: str
    at: float
    from_: float
    to: float
    drafted: str
    rationale: str
    most: str
    """The strongest influence on the factor, if the rationale names a weaker one; else empty."""
    scored: bool
    """Whether the factor belongs to the factor set that the score uses."""
    parts: tuple[tuple[str, str, str], ...]
    """Label, signed effect, mark."""
    total: str
    """The sum of the parts, before rounding and limiting to between 0 and 1."""


class ThreatBody(NamedTuple):
    """A threat in words."""

    sentence: str
    lost: str
    basis: str
    """The threat's basis; empty in older drafts."""
    basis_words: str
    """The explanation of the basis."""
    setting: str
    """The only setting under which the threat applies; empty for none."""
    tag: str
    headline: bool
    folded: str
    """Why the threat is not shown by default; empty if it is."""
    aivss: str
    band: str
    """The band of the threat's AIVSS."""
    severity: str
    """The band of the threat's CVSS base, which distinguishes threats."""
    base: str
    vector: str
    metrics: tuple[tuple[str, str, str], ...]
    taxonomy: tuple[TaxonomyRef, ...]
    mitigations: tuple[WorkView, ...]
    origin: str


class ChainBody(NamedTuple):
    """The threats of a chain in order, each with the marks of the hop that follows."""

    steps: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Threat id, title, marks of the hop that follows."""
    stands: bool


class StatedRow(NamedTuple):
    """A fact key that an answer may address, and what the answer says about the key."""

    key: str
    title: str
    choices: tuple[tuple[str, str], ...]
    polarity: str
    value: str


class QuestionBody(NamedTuple):
    """The question and the items that depend on its answer."""

    proposed: str
    settles: tuple[str, ...]
    effect: str
    answer: str
    page: str
    by: str
    kind: str
    rows: tuple[StatedRow, ...]
    """The keys offered by the form, with what the answer states so far."""
    quote: str
    facts: tuple[tuple[str, str], ...]
    """Element and title of each fact that the answer states."""
    silent: bool
    """Whether the question was answered but nobody has said yet what the answer states."""


class FactBody(NamedTuple):
    """A fact in words, with the items that depend on it."""

    details: tuple[tuple[str, str], ...]
    rank: str
    readers: str
    counts: bool
    noted: bool
    """Whether only a vendor says so and the fact would lower something, so that it counts only once it is confirmed."""
    answers: str
    """The question whose answer states the fact; empty for a fact read from the sources."""
    conflict: str
    """The contradicting facts; empty if there are none."""
    hangs: tuple[tuple[str, str], ...]
    """Element and title of everything that depends on the fact; the element is empty if it is not an item."""
    fell: tuple[tuple[str, str], ...]
    """The items that fell with the fact, if it was struck."""
    altered: tuple[tuple[str, str], ...]
    """The items whose content changed when the fact was struck."""


class Settling(NamedTuple):
    """Why a layer is not certain, and what would settle it."""

    why: str
    asked: tuple[tuple[str, str, str], ...]
    """Element, id and text of the unanswered questions about the layer."""
    waiting: tuple[tuple[str, str], ...]
    """Element and title of facts from answers that would settle the layer once they are confirmed."""
    answered: tuple[tuple[str, str], ...]
    """Element and id of the questions whose answers did not settle the layer."""
    keys: tuple[tuple[str, str], ...]
    """If no question asks about the layer: unstated keys of the fact sheet that would settle it, with their titles."""


class ItemView(NamedTuple):
    """One item of a review, prepared for the page."""

    id: str
    dom: str
    kind: str
    section: str
    title: str
    verdict: str
    verdict_words: str
    contested: bool
    supported: bool
    is_open: bool
    state: str
    state_words: str
    by: str
    reason: str
    note: str
    changes: tuple[Difference, ...]
    quotes: tuple[Quote, ...]
    fields: tuple[Field, ...]
    can: frozenset[str]
    weight: str
    weak: tuple[str, ...]
    seconds: str
    changed: int
    factor: FactorBody | None = None
    layer: LayerThreats | None = None
    settling: Settling | None = None
    threat: ThreatBody | None = None
    capability: Capability | None = None
    chain: ChainBody | None = None
    question: QuestionBody | None = None
    posture: str = ""
    fact: FactBody | None = None
    lapsed: str = ""
    """Why an earlier decision on the item is no longer valid."""
    fell: bool = False
    bulk: bool = False
    comments: tuple[Comment, ...] = ()
    asked_of: tuple[str, ...] = ()
    contests: tuple[Contest, ...] = ()
    """The item's decided contests."""
    via: tuple[tuple[str, str], ...] = ()
    """Element and title of the facts that are decided in place of the item."""
    in_fact: bool = False
    """Whether the card of a fact covers the whole item."""


def dom_id(item: str) -> str:
    """Return the element id of an item."""
    return "item-" + item.replace("/", "-")


def basis_of(threat: Threat) -> str:
    """Return the basis of a threat in a word or two. If a reviewer added the threat, the basis follows from its quotes;
    in older drafts it is empty."""
    if threat.basis is None and number_added(threat.id):
        return "quoted" if threat.evidence else "assumed"
    return threat.basis or ""


def questions_on(draft: Draft, key: LayerKey) -> tuple[Question, ...]:
    """Return the questions of a draft that would settle a layer; none if the layer is settled or does not apply."""
    layer = draft.layers[key]
    if layer.certain or layer.applies == "no":
        return ()
    return tuple(one for one in draft.questions if key in one.settles or one.id == layer.question)


def why_open(layer: LayerThreats) -> str:
    """Explain why a layer that applies is not certain: "32 statements read; none speaks of this layer"."""
    if layer.certain or layer.applies == "no":
        return ""
    return layer.missing.detail if layer.missing else "no fact settles it"


class Items:
    """Factory for the views of all items of a review."""

    def __init__(
        self,
        state: ReviewState,
        quotes: Quotes,
        seconds: Mapping[str, float],
        weak: Mapping[str, tuple[str, ...]],
        *,
        acts: bool,
        today: str = "",
    ) -> None:
        """Prepare the views. `today` is a date such as 2027-01-31; without it no due date is past."""
        self._today = today
        self._state, self._quotes, self._seconds, self._weak, self._acts = state, quotes, seconds, weak, acts
        self._view = View(state.reviewed)
        self._now, self._was = threats_of(state.reviewed), threats_of(state.drafted)
        self._folded = {threat.id: reason for _, threat, reason in self._view.folded}
        self._contests = [contest for contest in state.contests if contest.decision != "open"]
        self._work = {(work.threat, work.mitigation.text): work for work in work_of(state)}
        self._dependents = dependents(state.based, state.numbers)
        same = state.based is state.drafted
        self._drafted_dependents = self._dependents if same else dependents(state.drafted, state.numbers)
        self._added = added_dependents(state)
        self._facts = {fact.id: fact for fact in (state.drafted.facts.facts if state.drafted.facts else ())}
        self._facts |= {name: fact for name, (fact, _) in state.answered.items()}
        self._held = state.based.facts.facts if state.based.facts else ()
        self._words = vendors_words(state)
        self._promise = promised(state)
        spoken = {contest.item for contest in state.contests}
        self._in_facts = {
            one.item.id for one in state.items if one.via and not one.comments and one.item.id not in spoken
        }
        self._titles = {one.item.id: one.item.title for one in state.items}
        self._gone = {one.item.id for one in state.items if one.fell or one.verdict == "struck"}
        self._parts = parts_of(state.reviewed)

    def of(self, one: ItemState) -> ItemView:
        """Create the view of one item."""
        item = one.item
        now = now_of(self._state, one)
        made = ItemView(
            id=item.id,
            dom=dom_id(item.id),
            kind=item.kind,
            section=item.section,
            title=item.title,
            verdict=one.verdict,
            # In older reviews a confirmed answer counts as a correction of its question.
            verdict_words=VERDICTS["answered" if _only_answered(one) else one.verdict],
            contested=one.contested,
            supported=item.supported,
            is_open=one.contested or (one.verdict == "open" and not one.via),
            state="",
            state_words="",
            by=one.by,
            reason=next((told for code, told in REASONS.items() if code == one.reason), one.reason),
            note=one.note,
            changes=titled(differences(one.before or {}, one.after or {}), self._titles),
            quotes=self._quotes.of(item.evidence),
            fields=fields_for(item.kind, now, self._state.reviewed) if self._acts else (),
            can=_can(self._state, one) if self._acts else frozenset(),
            weight=shrinkage(item.weight).removeprefix("−"),
            weak=self._weak.get(item.id, ()),
            seconds=duration(self._seconds.get(item.id, 0.0)),
            changed=one.changed,
            lapsed=one.lapsed,
            fell=one.fell,
            bulk=one.bulk,
            comments=one.comments,
            asked_of=one.asked_of,
            contests=tuple(contest for contest in self._contests if contest.item == item.id),
            via=tuple((dom_id(name), self._titles.get(name, name)) for name in one.via),
            in_fact=item.id in self._in_facts,
        )
        return self._with_body(made, one, item.id.partition("/")[2], now)

    def _with_body(self, made: ItemView, one: ItemState, name: str, now: Plain) -> ItemView:
        draft, drafted = self._state.reviewed, self._state.drafted
        if made.kind == "posture":
            return made._replace(posture=draft.product.posture)
        if made.kind == "fact":
            return self._with_fact(made, one, name)
        if made.kind == "factor":
            found = next(factor for key, factor in draft.factors.items() if key == name)
            before = next((factor for key, factor in drafted.factors.items() if key == name), found)
            state = "unknown" if is_unstated(found) else found.state
            return _stated(made, state)._replace(
                factor=_factor(found, before, scored=name in FACTOR_SETS[draft.score.factor_set or "0.5"])
            )
        if made.kind == "layer":
            key = next(key for key in LAYERS if key == name)
            return made._replace(layer=draft.layers[key], settling=self._settling(key))
        if made.kind == "threat":
            threat = self._now.get(name) or self._was.get(name)
            if threat is None:
                return made
            # Quotes about abilities come first: that the product is some kind of server says nothing about a threat.
            able = self._able(threat)
            quotes = tuple(sorted(made.quotes, key=lambda one: one.mark not in able))
            return _stated(made, threat.state)._replace(threat=self._threat(threat), quotes=quotes)
        if made.kind == "capability":
            every = (*draft.system.capabilities, *drafted.system.capabilities)
            capability = next((each for each in every if each.id == name), None)
            return _stated(made, capability.state)._replace(capability=capability) if capability else made
        if made.kind == "chain":
            return made._replace(chain=self._chain(now))
        if made.kind == "question":
            questions = (*draft.questions, *self._state.questions)
            question = next((each for each in questions if each.id == name), None)
            return made._replace(question=self._question(question, one)) if question else made
        return made

    def _able(self, threat: Threat) -> set[str]:
        """Return the marks of the facts behind a threat that say what the product can do."""
        words = load_vocabulary()
        facts = [self._facts[name] for name in threat.facts if name in self._facts]
        return {
            mark for one in facts if one.key in words and words[one.key].claim == "ability" for mark in one.evidence
        }

    def _with_fact(self, made: ItemView, one: ItemState, name: str) -> ItemView:
        fact = self._facts.get(name)
        if fact is None:
            return made
        now = corrected_fact(fact, one.after) if one.after else fact
        struck = one.verdict == "struck"
        sure = name in self._words and one.verdict in ("confirmed", "corrected")
        held = held_as(self._held, now) or now
        hangs = self._drafted_dependents.get(name, ()) if struck else self._dependents.get(held.id, ())
        hangs = (*hangs, *(each for own in dict.fromkeys((fact.id, held.id)) for each in self._added.get(own, ())))
        fallen = set(self._state.fell)
        if not struck:
            hangs = tuple(each for each in hangs if each.item not in fallen)
        against = [self._facts[other] for other in fact.conflicts_with if other in self._facts]
        body = FactBody(
            details=tuple((slot.name, slot.value) for slot in now.slots),
            rank=rank_words(confirmed(now).rank if sure else now.rank),
            readers=", ".join(READERS.get(source.reader, source.reader) for source in now.sources),
            counts=held.counts,
            noted=is_vendors_word(now) and not sure and not held.counts,
            answers=question_of(name),
            conflict=", ".join(fact_title(other) for other in against),
            hangs=tuple((self._place(each.item), each.title) for each in hangs),
            fell=tuple((self._place(each.item), each.title) for each in hangs if struck and self._is_gone(each)),
            altered=tuple((self._place(each.item), each.title) for each in hangs if struck and self._says_else(each)),
        )
        return _stated(made, "confirmed" if one.verdict in ("confirmed", "corrected") else now.state)._replace(
            fact=body, title=fact_title(now)
        )

    def _is_gone(self, each: Dependent) -> bool:
        return each.item in self._gone if each.item else each.title not in self._parts

    def _says_else(self, each: Dependent) -> bool:
        """Return whether a dependent of a struck fact still exists, but with other content than was drafted."""
        if self._is_gone(each):
            return False
        if not each.item:
            return self._parts[each.title] != parts_of(self._state.drafted).get(each.title)
        state = self._state
        return content_of(state.reviewed, each.item, state.based) != content_of(state.drafted, each.item)

    def _place(self, item: str) -> str:
        """Return the element of an item; empty if a fact's card covers the item or there is no item."""
        return dom_id(item) if item and item not in self._in_facts else ""

    def _settling(self, key: LayerKey) -> Settling | None:
        draft, words = self._state.reviewed, load_vocabulary()
        if draft.layers[key].certain or draft.layers[key].applies == "no":
            return None
        verdicts = {one.item.id: one.verdict for one in self._state.items}
        every = questions_on(draft, key)
        # Questions whose answers state facts are no longer asked, so they are missing from the draft.
        known = {one.id: one for one in (*self._state.questions, *every) if one in every or key in one.settles}
        done = [one for one in known.values() if verdicts.get(f"question/{one.id}") == "answered"]
        waiting = {
            name: fact
            for name, (fact, _) in self._state.answered.items()
            if fact.key in words and key in words[fact.key].pins and verdicts.get(f"fact/{name}") == "open"
        }
        silent = [one for one in done if one.id not in {question_of(name) for name in waiting}]
        asked = [one for one in every if one not in done]
        absent = {one.key for one in draft.facts.absent} if draft.facts else set()
        keys = () if asked or waiting else tuple(each for each in words.pinning(key) if each.id in absent)
        return Settling(
            why=why_open(draft.layers[key]),
            asked=tuple((dom_id(f"question/{one.id}"), one.id, one.text) for one in asked),
            waiting=tuple((dom_id(f"fact/{name}"), fact_title(fact)) for name, fact in waiting.items()),
            answered=tuple((dom_id(f"question/{one.id}"), one.id) for one in silent),
            keys=tuple((each.id, each.title) for each in keys[:MOST_ROWS]),
        )

    def _question(self, question: Question, one: ItemState) -> QuestionBody:
        given = (one.after or {}).get("answer")
        answer = given if isinstance(given, Mapping) else {}
        said = answer.get(STATED)
        states = {str(each["key"]): each for each in said} if isinstance(said, list | tuple) else {}
        name = one.item.id.partition("/")[2]
        return QuestionBody(
            proposed=question.proposed,
            settles=tuple(name_of(key) for key in question.settles),
            effect=tenth(points) if round(points := self._promise(question.settles), 1) > 0 else "",
            answer=str(answer.get("text", "")),
            page=str(answer.get("url", "")),
            by="the analyst" if answer.get("kind") == "analyst-note" else "the vendor" if answer else "",
            kind=str(answer.get("kind", "vendor-answer")),
            rows=_rows(question, states),
            quote=_quoted(states.values(), str(answer.get("text", ""))),
            facts=tuple(
                (dom_id(f"fact/{fact}"), fact_title(made))
                for fact, (made, _) in self._state.answered.items()
                if question_of(fact) == name
            ),
            silent=bool(answer) and not states,
        )

    def _threat(self, threat: Threat) -> ThreatBody:
        first = self._view.headline
        return ThreatBody(
            sentence=threat.how or threat_sentence(threat.statement),
            lost=threat.lost,
            basis=(basis := basis_of(threat)),
            basis_words=BASES.get(basis, ""),
            setting=threat.setting,
            tag=self._state.tag(threat.id),
            headline=first is not None and first.threat.id == threat.id,
            folded=self._folded.get(threat.id, ""),
            aivss=tenth(threat.score.aivss),
            band=threat.score.severity,
            severity=severity(threat.score.cvss_base),
            base=tenth(threat.score.cvss_base),
            vector=threat.score.cvss_vector,
            metrics=tuple(vector_words(threat.score.cvss_vector, threat.score.reasons)),
            taxonomy=threat.taxonomy,
            mitigations=tuple(
                work_view(self._state, self._work.get((threat.id, each.text), Work(threat.id, each)), self._today)
                for each in threat.mitigations
            ),
            origin=self._view.origin(threat, brief=True),
        )

    def _chain(self, now: Plain) -> ChainBody:
        value = now.get("threats")
        named = tuple(str(each) for each in value) if isinstance(value, list) else ()
        found = self._of_threats(self._state.reviewed.chains, named)
        hops = (found or self._of_threats(self._state.drafted.chains, named)) if named else None
        marks = {hop.source: hop.evidence for hop in hops.hops} if hops else {}
        every = {**self._was, **self._now}
        steps = tuple((each, every[each].title if each in every else each, marks.get(each, ())) for each in named)
        return ChainBody(steps, found is not None)

    @staticmethod
    def _of_threats(chains: Sequence[Chain], named: tuple[str, ...]) -> Chain | None:
        return next((chain for chain in chains if chain.threats == named), None)


def _stated(made: ItemView, state: str) -> ItemView:
    return made._replace(state=state, state_words=STATES.get(state, ""))


def _can(state: ReviewState, one: ItemState) -> frozenset[str]:
    """Return the verbs that the item accepts in its current state."""
    kind, signed = one.item.kind, state.stage == "signed"
    if signed:
        return frozenset({"contest", "comment", *(["manage"] if kind == "threat" else [])})
    if one.fell:
        return frozenset({"comment", "answer"} if kind == "question" else {"comment"})
    found = {"correct", "attach", "contest", "comment"}
    if kind == "fact":
        found.discard("attach")
    if kind == "threat" and one.verdict != "struck":
        found.add("manage")
    if one.verdict not in ("confirmed", "corrected", "answered") or answer_facts(state, one.item.id):
        found.add("confirm")
    if kind not in ("posture", "score") and one.verdict != "struck":
        found.add("strike")
    if one.verdict == "open" and not one.via:
        found.add("waive")
    if one.verdict != "sent" and _is_unknown(state, one):
        found.add("send")
    if kind == "question":
        found.add("answer")
        found.discard("attach")
    return frozenset(found)


def _only_answered(one: ItemState) -> bool:
    return one.item.kind == "question" and one.verdict == "corrected" and set(one.after or {}) == {"answer"}


def _is_unknown(state: ReviewState, one: ItemState) -> bool:
    name, draft = one.item.id.partition("/")[2], state.reviewed
    if one.item.kind == "question":
        return True
    if one.item.kind == "factor":
        return any(key == name and is_unstated(factor) for key, factor in draft.factors.items())
    return one.item.kind == "layer" and any(key == name and not each.certain for key, each in draft.layers.items())


def _factor(now: FactorEstimate, before: FactorEstimate, *, scored: bool) -> FactorBody:
    return FactorBody(
        value=tenth(now.value),
        low=tenth(now.low),
        high=tenth(now.high),
        at=float(now.value),
        from_=float(now.low),
        to=float(now.high),
        drafted="" if now.value == before.value else change(float(before.value), float(now.value)),
        rationale=now.rationale,
        most=_most(now),
        scored=scored,
        # Show as many decimals as are stored, so that the sum can be checked by hand.
        parts=tuple(
            (_labelled(part), f"{part.effect:+.4f}".replace("-", "−"), part.evidence or "") for part in now.parts
        ),
        total=f"{sum(part.effect for part in now.parts):.4f}",
    )


def _most(now: FactorEstimate) -> str:
    """Describe the strongest influence on a factor unless it is a fact, which the rationale names."""
    moves = [part for part in now.parts if part.kind != "typical"]
    most = max(moves, key=lambda part: abs(part.effect), default=None)
    if most is None or most.kind != "remainder" or abs(most.effect) < LEAST_MOVE:
        return ""
    return f"Moved most from the usual value by {most.label}: {effect(most.effect)}, which has no quote of its own."


def _labelled(part: Part) -> str:
    kind = part.kind == "typical" and part.label.startswith(("a ", "an "))
    return f"usual for {part.label}" if kind else part.label


LEAST_MOVE: Final = 0.05
"""The smallest effect on a factor that is visible in its value."""
MOST_ROWS: Final = 4
"""The number of keys that the form of an answer offers; any other key can be named."""


def _rows(question: Question, states: Mapping[str, Mapping[str, object]]) -> tuple[StatedRow, ...]:
    words = load_vocabulary()
    keys = [key.id for key in keys_asked(question)][:MOST_ROWS]
    keys += [key for key in states if key not in keys and key in words]
    return tuple(_row(words[key], states.get(key, {})) for key in keys)


def _row(key: FactKey, state: Mapping[str, object]) -> StatedRow:
    slots = state.get("slots")
    value = next(iter(slots.values()), "") if isinstance(slots, Mapping) else ""
    return StatedRow(key.id, key.title, sayings(key.id), str(state.get("polarity", "")), str(value))


def _quoted(states: Collection[Mapping[str, object]], text: str) -> str:
    """Return the quote shared by all states; empty if they quote the whole answer or different words."""
    rows = [each["evidence"] for each in states]
    quotes = {str(row[0]["quote"]) for row in rows if isinstance(row, list | tuple) and row}
    return "" if len(quotes) != 1 or quotes == {text.strip()} else quotes.pop()
