"""An item of a review on the page: its content, its current state, and the acts that it allows."""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from agent.facts.vocabulary import load_vocabulary
from agent.records import Capability, Chain, FactorEstimate, LayerThreats, Question, Threat
from agent.report.sentences import change, effect, shrinkage, tenth, threat_sentence
from agent.report.view import View, name_of, number_added, rank_words
from agent.review.domain.acts import answer_facts, now_of
from agent.review.domain.effects.consequences import Dependent, added_dependents, dependents, parts_of
from agent.review.domain.effects.what_if import Promise, promised
from agent.review.domain.facts.changed_sheet import corrected_fact, held_as
from agent.review.domain.facts.from_answers import STATES as STATED, confirmed, is_vendors_word, keys_asked, question_of
from agent.review.domain.fold import vendors_words
from agent.review.domain.items import fact_title, facts_of, is_unstated, threats_of
from agent.review.domain.lapses import content_of
from agent.review.domain.mitigations import Work, work_of
from agent.review.domain.records import Contest, ItemState, Plain, ReviewState
from agent.review.web.forms import Field, fields_for, sayings
from agent.review.web.views.differences import differences
from agent.review.web.views.sources import Quotes
from agent.review.web.views.wording import READERS, REASONS, STATES, VERDICTS, duration
from agent.review.web.views.work import WorkView, work_view
from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LayerKey

LEAST_MOVE: Final = 0.05
"""The smallest effect on a factor that is visible in its value."""
MOST_ROWS: Final = 4
"""The maximum number of keys that an answer's form offers; any other key can be entered."""


def dom_id(item: str) -> str:
    """Return the element id of an item."""
    return "item-" + item.replace("/", "-")


def basis_of(threat: Threat) -> str:
    """Return the basis of a threat in a word or two. If a reviewer added the threat, the basis depends on its quotes;
    in older drafts it is empty."""
    if threat.basis is None and number_added(threat.id):
        return "quoted" if threat.evidence else "assumed"
    return threat.basis or ""


class Settling(NamedTuple):
    """Why a layer is not certain, and what would settle it."""

    why: str
    asked: tuple[Question, ...]
    """The unanswered questions about the layer."""
    waiting: tuple[tuple[str, str], ...]
    """The element ids and titles of facts from answers that would settle the layer once they are confirmed."""
    answered: tuple[str, ...]
    """The ids of the questions whose answers did not settle the layer."""
    keys: tuple[tuple[str, str], ...]
    """If no question asks about the layer: unstated keys of the fact sheet that would settle it, with their titles."""


class StatedRow(NamedTuple):
    """A fact key that an answer may address, and what the answer says about the key."""

    key: str
    title: str
    choices: tuple[tuple[str, str], ...]
    polarity: str
    value: str


class Items:
    """The data shared by the views of a review's items. `today` is a date such as 2027-01-31; without it no due date
    is past."""

    def __init__(
        self, state: ReviewState, quotes: Quotes, seconds: Mapping[str, float],
        weak: Mapping[str, tuple[str, ...]] | None = None, *, acts: bool, today: str = "",
        promise: Promise | None = None,
    ) -> None:  # fmt: skip
        self.state, self.quotes, self.seconds, self.weak = state, quotes, seconds, weak or {}
        self.acts, self.today = acts, today
        self.view = View(state.reviewed)
        self.threats = {**threats_of(state.drafted), **threats_of(state.reviewed)}
        self.folded = {threat.id: reason for _, threat, reason in self.view.folded}
        self.work = {(work.threat, work.mitigation.text): work for work in work_of(state)}
        self.dependents = dependents(state.based, state.numbers)
        same = state.based is state.drafted
        self.drafted_dependents = self.dependents if same else dependents(state.drafted, state.numbers)
        self.added = added_dependents(state)
        self.facts = {fact.id: fact for fact in facts_of(state.drafted)}
        self.facts |= {name: fact for name, (fact, _) in state.answered.items()}
        self.words = vendors_words(state)
        self.promise = promise or promised(state)
        spoken = {contest.item for contest in state.contests}
        self.in_facts = {
            one.item.id for one in state.items if one.via and not one.comments and one.item.id not in spoken
        }
        """The abilities that the cards of facts cover."""
        self.titles = {one.item.id: one.item.title for one in state.items}
        self.verdicts = {one.item.id: one.verdict for one in state.items}
        self.gone = {one.item.id for one in state.items if one.fell or one.verdict == "struck"}
        self.parts = parts_of(state.reviewed)
        self.unknown = {f"factor/{key}" for key, factor in state.reviewed.factors.items() if is_unstated(factor)}
        self.unknown |= {f"layer/{key}" for key, layer in state.reviewed.layers.items() if not layer.certain}

    def place(self, each: Dependent) -> tuple[str, str]:
        """Return the element id and the title of a dependent; the id is empty if a fact's card covers it or it is not
        an item."""
        return dom_id(each.item) if each.item and each.item not in self.in_facts else "", each.title

    def is_gone(self, each: Dependent) -> bool:
        """Return whether a dependent of a struck fact was removed along with it."""
        return each.item in self.gone if each.item else each.title not in self.parts

    def says_else(self, each: Dependent) -> bool:
        """Return whether a dependent of a struck fact still exists but differs from what was drafted."""
        if self.is_gone(each):
            return False
        state = self.state
        if not each.item:
            return self.parts[each.title] != parts_of(state.drafted).get(each.title)
        return content_of(state.reviewed, each.item, state.based) != content_of(state.drafted, each.item)

    def settling(self, key: LayerKey) -> Settling | None:
        """Return why a layer is not certain and what would settle it; None if it is certain or does not apply."""
        draft, words = self.state.reviewed, load_vocabulary()
        layer = draft.layers[key]
        if layer.certain or layer.applies == "no":
            return None
        every = [one for one in draft.questions if key in one.settles or one.id == layer.question]
        # Questions whose answers state facts are no longer asked, so they are missing from the draft.
        known = {one.id: one for one in (*self.state.questions, *every) if one in every or key in one.settles}
        done = [name for name in known if self.verdicts.get(f"question/{name}") == "answered"]
        asked = tuple(one for one in every if one.id not in done)
        waiting = {
            name: fact
            for name, (fact, _) in self.state.answered.items()
            if fact.key in words and key in words[fact.key].pins and self.verdicts.get(f"fact/{name}") == "open"
        }
        absent = {one.key for one in draft.facts.absent} if draft.facts else set()
        keys = [] if asked or waiting else [each for each in words.pinning(key) if each.id in absent]
        return Settling(
            why=layer.missing.detail if layer.missing else "no fact settles it",
            asked=asked,
            waiting=tuple((dom_id(f"fact/{name}"), fact_title(fact)) for name, fact in waiting.items()),
            answered=tuple(name for name in done if name not in {question_of(fact) for fact in waiting}),
            keys=tuple((each.id, each.title) for each in keys[:MOST_ROWS]),
        )


class ItemView:
    """One item of a review, prepared for the page. Only the body for its kind is set."""

    def __init__(self, items: Items, one: ItemState) -> None:
        item, state = one.item, items.state
        now = now_of(state, one)
        self.standing = one
        """The item with the decision on it."""
        self.id, self.dom, self.kind = item.id, dom_id(item.id), item.kind
        self.section, self.title, self.supported = item.section, item.title, item.supported
        # In older reviews a confirmed answer counts as a correction of its question.
        answered = item.kind == "question" and one.verdict == "corrected" and set(one.after or {}) == {"answer"}
        self.verdict, self.verdict_words = one.verdict, VERDICTS["answered" if answered else one.verdict]
        self.is_open = one.contested or (one.verdict == "open" and not one.via)
        self.state = ""
        """What the sources say about the item."""
        self.reason = next((told for code, told in REASONS.items() if code == one.reason), one.reason)
        self.changes = differences(one.before or {}, one.after or {}, items.titles)
        self.quotes = items.quotes.of(item.evidence)
        self.fields: tuple[Field, ...] = fields_for(item.kind, now, state.reviewed) if items.acts else ()
        self.can = _can(items, one) if items.acts else frozenset()
        self.weight = shrinkage(item.weight).removeprefix("−")
        self.weak = items.weak.get(item.id, ())
        self.seconds = duration(items.seconds.get(item.id, 0.0))
        self.contests: tuple[Contest, ...] = tuple(
            each for each in state.contests if each.item == item.id and each.decision != "open"
        )
        """The item's decided contests."""
        self.via = tuple((dom_id(name), items.titles.get(name, name)) for name in one.via)
        """The element ids and titles of the facts on which reviewers decide instead of the item."""
        self.in_fact = item.id in items.in_facts
        """Whether the card of a fact covers the whole item."""
        self.posture = state.reviewed.product.posture if item.kind == "posture" else ""
        self.factor: FactorBody | None = None
        self.layer: LayerThreats | None = None
        self.settling: Settling | None = None
        self.threat: ThreatBody | None = None
        self.capability: Capability | None = None
        self.chain: ChainBody | None = None
        self.question: QuestionBody | None = None
        self.fact: FactBody | None = None
        self._fill(items, item.id.partition("/")[2], now)

    def _fill(self, items: Items, name: str, now: Plain) -> None:
        """Set the body of the item's kind."""
        draft, drafted = items.state.reviewed, items.state.drafted
        if self.kind == "fact" and name in items.facts:
            self.fact = FactBody(items, self.standing, name)
            decided = self.verdict in ("confirmed", "corrected")
            self.state, self.title = "confirmed" if decided else self.fact.now.state, fact_title(self.fact.now)
        elif self.kind == "factor":
            found = next(factor for key, factor in draft.factors.items() if key == name)
            before = next((factor for key, factor in drafted.factors.items() if key == name), found)
            self.factor = FactorBody(found, before, scored=name in FACTOR_SETS[draft.score.factor_set or "0.5"])
            self.state = "unknown" if is_unstated(found) else found.state
        elif self.kind == "layer":
            key = next(key for key in draft.layers if key == name)
            self.layer, self.settling = draft.layers[key], items.settling(key)
        elif self.kind == "threat" and (threat := items.threats.get(name)):
            self.threat, self.state = ThreatBody(items, threat), threat.state
            # Quotes about abilities come first; a quote saying that the product is a server does not explain a threat.
            words, facts = load_vocabulary(), [items.facts[fact] for fact in threat.facts if fact in items.facts]
            able = [fact for fact in facts if fact.key in words and words[fact.key].claim == "ability"]
            marks = {mark for fact in able for mark in fact.evidence}
            self.quotes = tuple(sorted(self.quotes, key=lambda quote: quote.mark not in marks))
        elif self.kind == "capability":
            every = (*draft.system.capabilities, *drafted.system.capabilities)
            self.capability = next((each for each in every if each.id == name), None)
            self.state = self.capability.state if self.capability else ""
        elif self.kind == "chain":
            self.chain = ChainBody(items, now)
        elif self.kind == "question":
            asked = next((each for each in (*draft.questions, *items.state.questions) if each.id == name), None)
            self.question = QuestionBody(items, asked, self.standing) if asked else None

    @property
    def state_words(self) -> str:
        """The state in words."""
        return STATES.get(self.state, "")


class FactorBody:
    """A factor with its current value."""

    def __init__(self, now: FactorEstimate, before: FactorEstimate, *, scored: bool) -> None:
        self.now, self.scored = now, scored
        self.drafted = "" if now.value == before.value else change(float(before.value), float(now.value))
        """How a reviewer changed the value; empty if no reviewer did."""
        moves = [part for part in now.parts if part.kind != "typical"]
        most = max(moves, key=lambda part: abs(part.effect), default=None)
        self.most = ""
        """The strongest influence on the factor, unless it is a fact, which the rationale already mentions."""
        if most is not None and most.kind == "remainder" and abs(most.effect) >= LEAST_MOVE:
            told = f"{most.label}: {effect(most.effect)}"
            self.most = f"The largest shift from the usual value ({told}) has no quote of its own."
        # Show as many decimals as are stored, so that the sum can be checked by hand.
        self.parts = [
            (
                f"usual for {part.label}"
                if part.kind == "typical" and part.label.startswith(("a ", "an "))
                else part.label,
                f"{part.effect:+.4f}".replace("-", "−"),
                part.evidence or "",
            )
            for part in now.parts
        ]
        """Each part's label, signed effect and evidence mark."""
        self.total = f"{sum(part.effect for part in now.parts):.4f}"
        """The sum of the parts, before it is rounded and limited to the range 0 to 1."""


class ThreatBody:
    """A threat in words."""

    def __init__(self, items: Items, threat: Threat) -> None:
        state, first = items.state, items.view.headline
        self.now = threat
        self.sentence = threat.how or threat_sentence(threat.statement)
        self.basis = basis_of(threat)
        self.tag = state.tag(threat.id)
        self.headline = first is not None and first.threat.id == threat.id
        self.folded = items.folded.get(threat.id, "")
        """Why the threat is not shown by default; empty if it is."""
        works = (items.work.get((threat.id, each.text), Work(threat.id, each)) for each in threat.mitigations)
        self.mitigations: list[WorkView] = [work_view(state, work, items.today) for work in works]
        self.origin = items.view.origin(threat, brief=True)


class ChainBody:
    """The threats of a chain in order: id, title, and the marks of the hop to the next threat."""

    def __init__(self, items: Items, now: Plain) -> None:
        state, named = items.state, tuple(now.get("threats", ()))
        self.stands = any(chain.threats == named for chain in state.reviewed.chains)
        every: tuple[Chain, ...] = (*state.reviewed.chains, *state.drafted.chains)
        chain = next((chain for chain in every if named and chain.threats == named), None)
        marks = {hop.source: hop.evidence for hop in chain.hops} if chain else {}
        titles = {name: threat.title for name, threat in items.threats.items()}
        self.steps = [(each, titles.get(each, each), marks.get(each, ())) for each in named]
        self.lost = not threats_of(state.reviewed).keys() >= set(named)


class QuestionBody:
    """The question and the items that depend on its answer."""

    def __init__(self, items: Items, question: Question, one: ItemState) -> None:
        answer = (one.after or {}).get("answer") or {}
        states = {each["key"]: each for each in answer.get(STATED, ())}
        points = items.promise(question.settles)
        self.proposed = question.proposed
        self.settles = [name_of(key) for key in question.settles]
        self.effect = tenth(points) if round(points, 1) > 0 else ""
        self.answer, self.page = answer.get("text", ""), answer.get("url", "")
        self.by = "the analyst" if answer.get("kind") == "analyst-note" else "the vendor" if answer else ""
        self.kind = answer.get("kind", "vendor-answer")
        self.rows = _rows(question, states)
        """The keys offered by the form, with what the answer states so far."""
        self.quote = _quoted(states.values(), self.answer)
        self.facts = [
            (dom_id(f"fact/{name}"), fact_title(fact))
            for name, (fact, _) in items.state.answered.items()
            if question_of(name) == question.id
        ]
        """The element ids and titles of the facts that the answer states."""
        self.silent = bool(answer) and not states
        """Whether the question was answered but nobody has said yet what the answer states."""


class FactBody:
    """A fact in words, with the items that depend on it."""

    def __init__(self, items: Items, one: ItemState, name: str) -> None:
        state, fact, struck = items.state, items.facts[name], one.verdict == "struck"
        now = corrected_fact(fact, one.after) if one.after else fact
        sure = name in items.words and one.verdict in ("confirmed", "corrected")
        held = held_as(facts_of(state.based), now) or now
        hangs = items.drafted_dependents.get(name, ()) if struck else items.dependents.get(held.id, ())
        hangs = (*hangs, *(each for own in dict.fromkeys((fact.id, held.id)) for each in items.added.get(own, ())))
        fallen = set() if struck else set(state.fell)
        hangs = tuple(each for each in hangs if each.item not in fallen)
        self.now = now
        self.rank = rank_words(confirmed(now).rank if sure else now.rank)
        self.readers = ", ".join(READERS.get(source.reader, source.reader) for source in now.sources)
        self.counts = held.counts
        self.noted = is_vendors_word(now) and not sure and not held.counts
        """Whether only a vendor says so and the fact would lower a risk, so that it counts only once confirmed."""
        self.answers = question_of(name)
        """Id of the question whose answer states the fact; empty for a fact read from the sources."""
        against = [items.facts[other] for other in fact.conflicts_with if other in items.facts]
        self.conflict = ", ".join(fact_title(other) for other in against)
        self.hangs = [items.place(each) for each in hangs]
        """The element ids and titles of everything that depends on the fact; the id is empty for a part that is not an
        item."""
        self.fell = [items.place(each) for each in hangs if struck and items.is_gone(each)]
        self.altered = [items.place(each) for each in hangs if struck and items.says_else(each)]


def _can(items: Items, one: ItemState) -> frozenset[str]:
    """Return the verbs that the item accepts in its current state."""
    kind, verdict, decided = one.item.kind, one.verdict, one.verdict in ("confirmed", "corrected", "answered")
    if items.state.stage == "signed":
        return frozenset({"contest", "comment", *(["manage"] if kind == "threat" else [])})
    if one.fell:
        return frozenset({"comment", "answer"} if kind == "question" else {"comment"})
    may = {
        "correct": True,
        "contest": True,
        "comment": True,
        "attach": kind not in ("fact", "question"),
        "manage": kind == "threat" and verdict != "struck",
        "confirm": not decided or bool(answer_facts(items.state, one.item.id)),
        "strike": kind not in ("posture", "score") and verdict != "struck",
        "waive": verdict == "open" and not one.via,
        "send": verdict != "sent" and (kind == "question" or one.item.id in items.unknown),
        "answer": kind == "question",
    }
    return frozenset(verb for verb, allowed in may.items() if allowed)


def _rows(question: Question, states: Mapping[str, Plain]) -> list[StatedRow]:
    words, made = load_vocabulary(), []
    keys = [key.id for key in keys_asked(question)][:MOST_ROWS]
    for key in (*keys, *(key for key in states if key not in keys and key in words)):
        state = states.get(key, {})
        value = next(iter(state.get("slots", {}).values()), "")
        made.append(StatedRow(key, words[key].title, sayings(key), state.get("polarity", ""), value))
    return made


def _quoted(states: Collection[Plain], text: str) -> str:
    """Return the quote shared by all states; empty if they quote the whole answer or different words."""
    quotes = {each["evidence"][0]["quote"] for each in states if each["evidence"]}
    return "" if len(quotes) != 1 or quotes == {text.strip()} else quotes.pop()
