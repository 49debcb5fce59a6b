"""Threat patterns matched against one product: candidates with their slots filled, or questions.

A pattern fires on what the sources show. Each claim behind it is then checked: *supported* by a sentence,
*contradicted* by a denial or a stated limit (the worse reading is taken and the threat is marked), or *not addressed*.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from agent.drafting_old.candidates import (
    Candidate,
    Eased,
    FilledMitigation,
    FilledQuestion,
    Matches,
    MetricReason,
    OpenThreat,
    Support,
    Verdict,
    told,
    vector_of,
)
from agent.drafting_old.factor_features import may_lower, rules
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.lexicon import load_lexicon
from agent.drafting_old.patterns import (
    METRIC_VALUES,
    METRICS,
    Condition,
    Metric,
    Pattern,
    QuestionTemplate,
    load_patterns,
    trusted,
    where_said,
)
from agent.drafting_old.slots import Slot, Slots, is_usable, usable
from agent.drafting_old.templates import fill, missing, names_in, sentence_case
from agent.evidence.claims import COUNTING_RANK
from agent.evidence.reading import Reading
from agent.evidence.signals import Match, load_signals
from agent.evidence.telling import promised
from agent.records import Capability, State, System, ThreatStatement

MAX_EVIDENCE: Final = 4
"""Quotes cited for one candidate."""
_FILLED: Final = 1
"""Different slots of the statement, beside the product's name, that must have a quote; the others have words of their
own, which are better than a noun from a sentence about something else."""
_DOUBTED: Final = "readers found that few such threats follow from their quotes"
_ACTS: Final = ("read_only", "advises_only")
_LIMITS: Final[dict[str, tuple[str, ...]]] = {
    "writes_records": _ACTS,
    "deletes_data": _ACTS,
    "sends_messages": _ACTS,
    "deploys": _ACTS,
    "changes_access": _ACTS,
    "moves_money": _ACTS,
    "commits_code": _ACTS,
    "executes_code": _ACTS,
    "writes_files": ("read_only",),
    "long_term_memory": ("stateless",),
    "session_memory": ("stateless",),
    "stores_history": ("stateless",),
    "runs_unattended": ("user_initiated",),
    "plans_tasks": ("fixed_workflow",),
    "tool_choice_dynamic": ("fixed_workflow",),
    "trains_on_data": ("no_training",),
}
"""Signals and the stated limits that speak against them."""
CATALOGUE_LIMITS: Final = frozenset(limit for limits in _LIMITS.values() for limit in limits)
"""All of these limits."""
_CHANGES: Final = frozenset(signal for signal, limits in _LIMITS.items() if "advises_only" in limits)
"""Nothing of this counts for a product of which the sources show only looking things up."""
_KEEPING: Final = frozenset({"long_term_memory", "session_memory", "stores_history"})
"""Capabilities that keep something and are no act on anything."""
_GRAVITY: Final = {"execute": 0, "delete": 1, "write": 2, "read": 3}
"""A pattern whose trigger is no action takes its object from the gravest capability."""
_IMPACT: Final = frozenset({"VC", "VI", "VA", "SC", "SI", "SA"})


class _Firing(NamedTuple):
    matches: tuple[Match, ...]
    capabilities: tuple[Capability, ...]
    groups: tuple[tuple[str, ...], ...]
    """The signals that are shown, by trigger; one of a group is enough."""
    whole: bool
    """One sentence shows all that triggers the pattern."""


def match(
    reading: Reading,
    system: System,
    ledger: Ledger,
    knowledge: Sequence[Pattern] | None = None,
    *,
    name: str,
) -> Matches:
    """Match every pattern of `knowledge` (the bundled catalogue by default) against one product called `name`.

    Only patterns that become candidates cite anything; citations are made in the order of the catalogue.
    """
    matcher = _Matcher(reading, system, ledger, name)
    candidates: list[Candidate] = []
    questions: list[OpenThreat] = []
    for pattern in load_patterns() if knowledge is None else knowledge:
        found = matcher.match(pattern)
        if isinstance(found, Candidate):
            candidates.append(found)
        elif found is not None:
            questions.append(found)
    return told(candidates, questions)


class _Matcher:
    def __init__(self, reading: Reading, system: System, ledger: Ledger, name: str) -> None:
        self._reading, self._ledger = reading, ledger
        self._slots = Slots(reading, system, name)
        self._places: dict[str, int | None] = {}
        self._listing = reading.documents[0].id if reading.documents else ""
        self._shown: dict[str, tuple[Match, ...]] = {}
        self._able: dict[str, Capability] = {}
        self._refused: tuple[str, ...] = ()
        """What the pattern at hand refuses."""
        for capability in system.capabilities:
            if capability.state in ("claimed", "inferred", "confirmed", "contradicted") and capability.evidence:
                self._able.setdefault(capability.signal, capability)
        known = [c for c in system.capabilities if c.signal in self._able]
        self._only_reads = bool(known) and all(c.mode == "read" for c in known)
        self._gravest = min(known, key=lambda c: (_GRAVITY[c.mode], known.index(c))) if known else None

    def match(self, pattern: Pattern) -> Candidate | OpenThreat | None:
        self._refused = pattern.refused
        firing = self._firing(pattern)
        if firing is None or not self._carried(pattern, firing):
            return None
        filled = self._fill(pattern, firing)
        values = {name: slot.value for name, slot in filled.items()}
        lacking = tuple(need.partition("|")[0] for need in pattern.needs if filled.keys().isdisjoint(need.split("|")))
        used = {name for name in pattern.slots() if name in filled and name != "product"}
        if not trusted(pattern.id):
            return self._open(pattern, firing, values, (), _DOUBTED)
        if lacking or len(used) < _FILLED:
            return self._open(pattern, firing, values, lacking)
        return self._candidate(pattern, firing, filled, values)

    def _matches(self, signal: str) -> tuple[Match, ...]:
        """The places that show `signal` for the pattern at hand."""
        if signal not in self._shown:
            self._shown[signal] = () if self._only_reads and signal in _CHANGES else usable(self._reading, signal)
        found = self._shown[signal]
        return tuple(m for m in found if not self._refuses(m.statement)) if self._refused else found

    def _refuses(self, statement: int) -> bool:
        """Whether the pattern at hand refuses a sentence."""
        return bool(self._refused) and where_said(self._refused, self._reading.text(statement)) is not None

    def _carried(self, pattern: Pattern, firing: _Firing) -> bool:
        """Whether a sentence behind the triggers says what the pattern is about."""
        if not pattern.carried:
            return True
        told = (self._statement_of(quote) for capability in firing.capabilities for quote in capability.evidence)
        places = {*(m.statement for m in firing.matches), *(index for index in told if index is not None)}
        return any(where_said(pattern.carried, self._reading.text(index)) is not None for index in places)

    def _able_to(self, signal: str) -> Capability | None:
        """The capability behind `signal`, unless the pattern at hand refuses each sentence that shows it."""
        capability = self._able.get(signal)
        if capability is None or not self._refused:
            return capability
        told = [index for quote in capability.evidence if (index := self._statement_of(quote)) is not None]
        return None if told and all(self._refuses(index) for index in told) else capability

    def _counting(self, signal: str) -> list[Match]:
        """The places of `signal`; of a control or limit those by which something may be milder."""
        return [m for m in self._matches(signal) if not _eases(signal) or self._may_ease(m)]

    def _may_ease(self, found: Match) -> bool:
        rank = self._reading.statements[found.statement].rank
        return rank >= COUNTING_RANK or may_lower(self._reading, found.statement)

    def _shows(self, signal: str) -> bool:
        if self._only_reads and signal in _CHANGES:
            return False
        return bool(self._matches(signal)) or self._able_to(signal) is not None

    def _firing(self, pattern: Pattern) -> _Firing | None:
        when = pattern.when
        barred = (signal for trigger in when.none_of for signal in trigger.split("|"))
        if any(self._counting(signal) and not self._opposed(signal) for signal in barred):
            return None
        groups = [trigger.split("|") for trigger in when.all_of]
        text = self._text_match(when.patterns)
        if when.any_of and not text:
            groups.append([signal for trigger in when.any_of for signal in trigger.split("|")])
        elif when.patterns and not text:
            return None
        shown = [[signal for signal in group if self._shows(signal)] for group in groups]
        if not all(shown):
            return None
        places = [{m.statement for s in group for m in self._matches(s)} for group in shown]
        together = places[0].intersection(*places[1:]) if places else set()
        best = min(together) if together else None
        matches = [text] if text else []
        for group in shown:
            found = [
                (m.statement != best, m.document != self._listing, n, m)
                for n, s in enumerate(group)
                for m in self._matches(s)
            ]
            if found:
                # The sentence that shows all triggers, else what the listing says, else the first signal of the group.
                matches.append(min(found, key=lambda row: row[:3])[3])
        capabilities = [able for group in shown for s in group if (able := self._able_to(s)) is not None]
        whole = (best is not None or len(groups) + bool(text) == 1) and not (text and groups)
        return _Firing(tuple(matches), tuple(dict.fromkeys(capabilities)), tuple(tuple(g) for g in shown), whole)

    def _text_match(self, patterns: tuple[str, ...]) -> Match | None:
        """The first sentence that says one of `patterns` and is not refused."""
        if not patterns:
            return None
        for index, statement in enumerate(self._reading.statements):
            said = where_said(patterns, statement.text) if is_usable(statement) else None
            if said is not None and said[0] < said[1] and not self._refuses(index):
                start, end = (statement.start + at for at in said)
                return Match(index, statement.document, start, end, False, False)
        return None

    def _fill(self, pattern: Pattern, firing: _Firing) -> dict[str, Slot]:
        acting = any(load_signals().by_id[s].group == "action" for group in firing.groups for s in group)
        acts = [c for c in firing.capabilities if c.signal not in _KEEPING] or list(firing.capabilities)
        gravest = min(acts, key=lambda c: (_GRAVITY[c.mode], acts.index(c))) if acts else None
        capability = gravest if acts else None if acting else self._gravest
        names = sorted({name for text in pattern.texts() for name in names_in(text)})
        needed = pattern.needed()
        told = (n for c in firing.capabilities for quote in c.evidence if (n := self._statement_of(quote)) is not None)
        places = (*(m.statement for m in firing.matches), *told)
        filled = {}
        for name in names:
            able = capability
            if name in ("credential", "approver"):
                able = next((c for c in firing.capabilities if getattr(c, name)), None)
            slot = self._slots.fill(name, places, able, needed=name in needed)
            if slot and not (name in pattern.unfit and where_said((pattern.unfit[name],), slot.value)):
                filled[name] = slot
        return filled

    def _statement_of(self, quote: str) -> int | None:
        """The statement that a citation of the system picture stands in."""
        if quote not in self._places:
            entry = next((e for e in self._ledger.evidence() if e.id == quote), None)
            found = (
                n
                for n, s in enumerate(self._reading.statements)
                if entry and s.document == entry.document and s.start <= entry.start < s.end
            )
            self._places[quote] = next(found, None)
        return self._places[quote]

    def _candidate(
        self, pattern: Pattern, firing: _Firing, filled: dict[str, Slot], values: dict[str, str]
    ) -> Candidate:
        evidence = self._cite(pattern, firing, filled)
        support = self._support(pattern, firing, evidence)
        against = {s.signal for s in support if s.verdict == "contradicted"}
        contradicted = any(against.issuperset(group) for group in firing.groups)
        state: State = "contradicted" if contradicted else "claimed" if firing.whole else "inferred"
        metrics = self._metrics(pattern, values)
        vector = vector_of(metrics)
        parts = {field: fill(text, values) for field, text in pattern.statement.model_dump().items()}
        return Candidate(
            pattern=pattern,
            layer=pattern.layer,
            title=sentence_case(fill(pattern.title, values)),
            statement=ThreatStatement(**parts),
            slots=filled,
            evidence=evidence,
            state=state,
            support=support,
            vector=vector,
            metrics=metrics,
            typical=pattern.typical,
            mitigations=tuple(
                FilledMitigation(sentence_case(fill(m.text, values)), m.who)
                for m in pattern.mitigations
                if not missing(m.text, values)
            ),
            questions=_questions(pattern.questions, values),
            signals=frozenset(s for group in firing.groups for s in group),
            eased=self._eased(pattern, values, vector),
            on_listing=self._on_listing(evidence),
        )

    def _cite(self, pattern: Pattern, firing: _Firing, filled: dict[str, Slot]) -> tuple[str, ...]:
        """The trigger's quotes, then those of the needed slots; at most MAX_EVIDENCE."""
        found = [self._ledger.cite(m.statement, m.start, m.end) for m in firing.matches[:MAX_EVIDENCE]]
        if not firing.matches:
            found += [quote for capability in firing.capabilities[:1] for quote in capability.evidence[:1]]
        for need in pattern.needs:
            slot = next(filled[name] for name in need.split("|") if name in filled)
            found += slot.evidence[:1]
            places = zip(slot.statements, slot.spans, strict=True)
            if len(dict.fromkeys(found)) < MAX_EVIDENCE:
                found += [self._ledger.cite(index, start, end) for index, (start, end) in places]
        return tuple(dict.fromkeys(found))[:MAX_EVIDENCE]

    def _on_listing(self, evidence: tuple[str, ...]) -> bool:
        first = self._statement_of(evidence[0]) if evidence else None
        return first is not None and self._reading.statements[first].document == self._listing

    def _support(self, pattern: Pattern, firing: _Firing, evidence: tuple[str, ...]) -> tuple[Support, ...]:
        """A verdict on each signal that triggered the pattern, then on each that a condition looks for."""
        titles = load_signals().by_id
        triggers = [s for group in firing.groups for s in group]
        asked = [s for c in pattern.conditions for term in c.terms() for s, wanted in term if wanted]
        found = []
        for signal in dict.fromkeys([*triggers, *asked]):
            against = self._against(signal)
            quotes = evidence[:1] if signal in triggers else ()
            if against is not None:
                verdict: Verdict = "contradicted"
                quotes = (self._ledger.cite(against.statement, against.start, against.end),)
            else:
                verdict = "supported" if self._shows(signal) else "not addressed"
            found.append(Support(titles[signal].title, signal, verdict, quotes))
        return tuple(found)

    def _against(self, signal: str) -> Match | None:
        """The first sentence that denies `signal` or states a limit against it."""
        denied = (m for m in self._reading.matches(signal) if m.denied and self._may_ease(m))
        limits = (m for limit in _LIMITS.get(signal, ()) for m in self._counting(limit))
        usable_ones = (m for m in (*denied, *limits) if is_usable(self._reading.statements[m.statement]))
        return next(usable_ones, None) if signal in _LIMITS else None

    def _eased(self, pattern: Pattern, values: dict[str, str], vector: str) -> tuple[Eased, ...]:
        """The conditions without which the vector would be another, each with the sentence that shows it.

        Whether the other vector is graver is for the ranking, which scores.
        """
        found = []
        for condition in pattern.conditions:
            other = vector_of(self._metrics(pattern, values, leaving=condition)) if self._holds(condition) else vector
            shown = [m for term in condition.terms() for s, wanted in term if wanted for m in self._counting(s)]
            if other != vector and shown:
                mark = self._ledger.cite(shown[0].statement, shown[0].start, shown[0].end)
                found.append(Eased(other, mark, condition.because))
        return tuple(found)

    def _metrics(
        self, pattern: Pattern, values: dict[str, str], *, leaving: Condition | None = None
    ) -> tuple[MetricReason, ...]:
        base = pattern.values()
        now = {m: MetricReason(m, base[m], fill(pattern.reason(m, base[m]), values)) for m in METRICS}
        changed: set[Metric] = set()
        for condition in pattern.conditions:
            if condition is leaving or not self._holds(condition):
                continue
            for metric, value in condition.set.items():
                order = METRIC_VALUES[metric]
                # Two conditions that hold at once: the one that does more harm stays.
                if metric in _IMPACT and metric in changed and order.index(value) > order.index(now[metric].value):
                    continue
                now[metric] = MetricReason(metric, value, condition.because)
                changed.add(metric)
        return tuple(now[m] for m in METRICS)

    def _holds(self, condition: Condition) -> bool:
        return all(any(self._stands(signal) == wanted for signal, wanted in term) for term in condition.terms())

    def _stands(self, signal: str) -> bool:
        shown = bool(self._counting(signal)) if _eases(signal) else self._shows(signal)
        return shown and not self._opposed(signal)

    def _opposed(self, signal: str) -> bool:
        """Whether a limit is contradicted by what the sources show elsewhere: the worse reading stands."""
        return any(self._shows(other) for other in rules().opposes.get(signal, ()))

    def _open(
        self, pattern: Pattern, firing: _Firing, values: dict[str, str], lacking: tuple[str, ...], why: str = ""
    ) -> OpenThreat | None:
        words = {**load_lexicon().stand_ins, **values}
        questions = _questions(pattern.questions, words)
        if not questions:
            return None
        what = " and ".join(lacking) if lacking else "enough"
        title = sentence_case(fill(pattern.title, words))
        evidence = tuple(self._ledger.cite(m.statement, m.start, m.end) for m in firing.matches[:1])
        reason = why or f"no quote names {what} for it"
        return OpenThreat(pattern, pattern.layer, title, lacking, reason, questions, evidence)


def _eases(signal: str) -> bool:
    return promised(signal) or signal in CATALOGUE_LIMITS or signal in rules().limits


def _questions(templates: tuple[QuestionTemplate, ...], values: dict[str, str]) -> tuple[FilledQuestion, ...]:
    return tuple(
        FilledQuestion(sentence_case(fill(q.text, values)), sentence_case(fill(q.proposed, values)), q.settles)
        for q in templates
        if not missing(q.text, values) and not missing(q.proposed, values)
    )
