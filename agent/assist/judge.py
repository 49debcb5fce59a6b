"""Conversion of an LLM's answers into a judgement, checking every id, quote, metric and sentence.

An invalid item costs that item alone and is listed as dropped, verbatim and with the reason.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, get_args

from agent.assist.acceptance import hardly_said, may_be_struck, speaks_of_another, speaks_to_reader
from agent.assist.calls import ID_LISTS, Candidate
from agent.assist.prose import MARKED, THREAT_NUMBER, THREAT_RANGE, Ground, Mode, marks_in, sentences
from agent.assist.quotes import Quotes
from agent.assist.shapes import (
    ChainItem,
    ConditionItem,
    FactorItem,
    FactsDoes,
    LayerVerdict,
    Metrics,
    Page,
    QuestionItem,
    ReasonItem,
    ThreatItem,
    VerdictItem,
)
from agent.drafting.judgement import (
    JudgedChain,
    JudgedCondition,
    JudgedControl,
    JudgedFactor,
    JudgedFlow,
    JudgedLayer,
    JudgedLine,
    JudgedMetric,
    JudgedMitigation,
    JudgedPart,
    JudgedPicture,
    JudgedQuestion,
    JudgedStep,
    JudgedThreat,
    Metric,
    Verdict,
)
from agent.drafting.threats.cvss_vectors import VALUES
from agent.drafting.wording import listed
from agent.facts.anchor import normalise
from agent.intake.hidden import instructions
from agent.llm.parse import unit
from agent.records import Basis, Fact, FactSheet
from agent.taxonomy.factors import FACTORS, FactorKey
from agent.taxonomy.layers import LAYERS, LayerKey
from agent.taxonomy.lists import entries

MAX_THREATS: Final = 8
MAX_QUESTIONS: Final = 6
MAX_CHAINS: Final = 2
MAX_CONDITIONS: Final = 4
MAX_ALSO: Final = 5
MAX_PARTS: Final = 12
HOW_WORDS: Final = 84
"""A threat's "how" is limited to 70 words. Up to this many are tolerated; sentences beyond are cut."""
PARAGRAPH_WORDS: Final = 60
"""The tolerated length of a layer's paragraph, which is limited to 40 words."""
POSTURE_WORDS: Final = 110
METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
_GONE: Final = "gone"
"""The word in a condition's changes which says that a threat no longer exists."""
_TAKEN_AWAY: Final = re.compile(
    r"\b(?:off|disabled?|removed?|unused|unconnected|closed|stopped|uninstalled|blocked"
    r"|(?:is|are|stays?|remains?) (?:out|away|not)|no|without|not)\b",
    re.I,
)
"""Words of a condition that removes an ability, which ends the threat that needs this ability."""
_CITATION: Final = re.compile(r"\s*\[(?:(D\d{1,3}: ?(?:[^\[\]]|\[[^\[\]]*\])+)|(D\d{1,3}: ?[^\[\]]*\[[^\[\]]*))\]")
"""A quote behind a clause, as in [D1: checks each inbox]; the quote may hold brackets itself, the last one perhaps not
closed."""
_NEXT: Final = re.compile(r";\s*(?=D\d{1,3}:)")
_QUOTED: Final = re.compile(r"“([^“”]{4,300})”|\"([^“”\"]{4,300})\"")
_LEAST_QUOTED: Final = 3
"""The least words in quotation marks that stand for a citation."""
_PRODUCT_NAMES: Final = ("product", "the product")
_LEAST_STEPS: Final = 2


@dataclass
class Judge:
    """Checker of an LLM's answers against one accepted sheet."""

    sheet: FactSheet
    ground: Ground
    quotes: Quotes
    name: str
    dropped: list[tuple[str, str]] = field(default_factory=list)

    def factors(self, items: Iterable[FactorItem]) -> dict[FactorKey, JudgedFactor]:
        """Check the factors. A factor is "insufficient" if none of its quotes is found."""
        made: dict[FactorKey, JudgedFactor] = {}
        for item in items:
            if item.factor in made:
                continue
            evidence = self.quotes.take(item.quotes)
            facts = self._facts_at(evidence)
            low, high = min(item.low, item.value), max(item.high, item.value)
            made[item.factor] = JudgedFactor(
                value=unit(item.value),
                low=unit(low),
                high=unit(high),
                reason=self._with(item.reason, evidence),
                evidence=evidence,
                facts=facts,
                insufficient=item.insufficient or not evidence,
            )
        return {key: made[key] for key in FACTORS if key in made}

    def reasons(self, items: Iterable[ReasonItem]) -> dict[FactorKey, str]:
        """Check the better reasons for factors. One without a mark that was kept is dropped."""
        made: dict[FactorKey, str] = {}
        for item in items:
            text, evidence = self._text(item.reason, "product", HOW_WORDS)
            if text and evidence:
                made.setdefault(item.factor, text)
            elif text:
                self.dropped.append((item.reason, "a reason needs a mark"))
        return made

    def layers(self, items: Iterable[LayerVerdict]) -> dict[LayerKey, JudgedLayer]:
        """Check the verdicts on layers. "sufficient" and "partial" are dropped if none of their quotes is found."""
        made: dict[LayerKey, JudgedLayer] = {}
        for item in items:
            if item.layer in made:
                continue
            evidence = self.quotes.take(item.quotes)
            if item.verdict != "insufficient" and not evidence:
                self.dropped.append((f"{item.layer}: {item.verdict}", "none of its quotes was found"))
                continue
            if item.verdict != "insufficient" and all(map(self._is_claim, evidence)):
                self.dropped.append((f"{item.layer}: {item.verdict}", "its quotes only claim how safe the product is"))
                continue
            pins = {key.id for key in self.ground.material.vocabulary.pinning(item.layer)}
            facts = [
                fact.id for fact in self.sheet.facts if fact.counts and fact.key in pins and self._at(fact, evidence)
            ]
            made[item.layer] = JudgedLayer(verdict=item.verdict, facts=tuple(facts), evidence=evidence)
        return {key: made[key] for key in LAYERS if key in made}

    def _is_claim(self, mark: str) -> bool:
        """Return whether a quote occurs only in mere claims, of rank 2 or less."""
        item = self.quotes.all[mark]
        rows = self.ground.material.touched(item.document, item.start, item.end)
        return bool(rows) and all(row.claim for row in rows)

    def picture(self, answer: FactsDoes) -> JudgedPicture:
        """Check the picture: keep the parts with a found quote, and the flows between known parts."""
        parts: dict[str, JudgedPart] = {}
        for part in answer.parts[:MAX_PARTS]:
            evidence = self.quotes.take(part.quotes)
            name = " ".join(part.name.split())[:60]
            unfit = not name or name.casefold() in parts or self._is_order(name, evidence) or self.ground.foreign(name)
            if unfit or not evidence:
                self.dropped.append(
                    (f"part {part.name}", "no quote of it was found, or its name is not in the sources")
                )
                continue
            parts[name.casefold()] = JudgedPart(
                name=name, group=part.group, inside=part.inside, facts=self._facts_at(evidence), evidence=evidence
            )
        known = {*parts, *_PRODUCT_NAMES, self.name.casefold()}
        flows = []
        for flow in answer.flows[:MAX_PARTS]:
            evidence = self.quotes.take(flow.quotes)
            ends = [self._end(end, parts) for end in (flow.source, flow.target)]
            unfit = self._is_order(flow.what, evidence) or self.ground.foreign(flow.what)
            if unfit or not evidence or not {end.casefold() for end in ends} <= known:
                self.dropped.append((f"flow {flow.source} to {flow.target}", "an end or its quote is not known"))
                continue
            flows.append(
                JudgedFlow(
                    source=ends[0],
                    target=ends[1],
                    what=flow.what,
                    facts=self._facts_at(evidence),
                    evidence=evidence,
                )
            )
        return JudgedPicture(parts=tuple(parts.values()), flows=tuple(flows))

    def _is_order(self, text: str, evidence: Iterable[str]) -> bool:
        """Return whether a label, or a quote behind it, addresses the assessor of the product."""
        return any(instructions.find(said) for said in (text, *(self.quotes.all[mark].quote for mark in evidence)))

    def paragraphs(
        self, answer: Page, judged: Mapping[LayerKey, JudgedLayer], numbers: Mapping[str, str]
    ) -> dict[LayerKey, JudgedLayer]:
        """Add paragraphs to the layers: what the sources state, with marks, and what may follow.

        `numbers` has the numbers of the kept threats by those in the answer.
        """
        made = dict(judged)
        seen: set[LayerKey] = set()
        for item in answer.layers:
            if item.layer in seen:
                continue
            seen.add(item.layer)
            before = made.get(item.layer) or JudgedLayer(verdict="partial")
            text, _ = self._text(_renumbered(item.paragraph, numbers), "product", PARAGRAPH_WORDS)
            made[item.layer] = before.model_copy(update={"paragraph": text})
        return {key: made[key] for key in LAYERS if key in made}

    def threats(self, answer: Page, candidates: Sequence[Candidate]) -> "JudgedThreats":
        """Check the threats, renumbering them if one was dropped, and the verdicts on candidates."""
        known = {row.id: row for row in candidates}
        numbers: dict[str, str] = {}
        kept: list[JudgedThreat] = []
        refused = {row.candidate for row in answer.verdicts if row.says == "wrong"}
        for n, item in enumerate(answer.threats[:MAX_THREATS], start=1):
            free = item.candidate if item.candidate in known and item.candidate not in refused else ""
            if free in {threat.candidate for threat in kept}:
                free = ""
            threat = self._threat(item, free, core=n == 1)
            if threat is not None:
                kept.append(threat)
                numbers[f"T{n}"] = f"T{len(kept)}"
        for item in answer.threats[MAX_THREATS:]:
            self.dropped.append((item.title[:300], f"more than {MAX_THREATS} threats"))
        verdicts: dict[str, Verdict] = {}
        for row in answer.verdicts:
            if row.candidate not in known:
                self.dropped.append((f"verdict on {row.candidate}"[:300], "no candidate has that id"))
            elif row.candidate not in verdicts:
                verdicts[row.candidate] = self._verdict(row, known, numbers, kept)
        for threat in kept:
            if threat.candidate and threat.candidate not in verdicts:
                verdicts[threat.candidate] = Verdict(candidate=threat.candidate, says="keep")
        law, _ = self._text(answer.law, "inference", HOW_WORDS)
        caveat, _ = self._text(_renumbered(answer.caveat, numbers), "advice", HOW_WORDS)
        return JudgedThreats(
            threats=tuple(kept),
            verdicts=tuple(verdicts.values()),
            chains=tuple(self._chains(answer.chains, numbers)),
            conditions=tuple(self._conditions(answer.conditions, numbers, kept)),
            caveat=caveat,
            also=tuple(filter(None, (self._also(item, numbers) for item in answer.also[:MAX_ALSO]))),
            law=law,
            numbers=numbers,
        )

    def _also(self, danger: str, numbers: Mapping[str, str]) -> str:
        return self._text(_renumbered(danger, numbers), "advice", HOW_WORDS)[0]

    def summary(self, answer: Page, ids: Iterable[str], numbers: Mapping[str, str]) -> "JudgedSummary":
        """Check posture, rows, controls and questions.

        A question may be about one of `ids` or about a fact key; `numbers` has the numbers of the kept threats by those
        in the answer.
        """
        what, rests = self._text(answer.what, "product", HOW_WORDS)
        marked = self._cited(_renumbered(answer.posture, numbers))
        if not self.ground.check(next(iter(sentences(marked)), ""), "product").evidence:
            marked = _with_thesis(marked, rests)
        posture, _ = self._checked(marked, "product", POSTURE_WORDS)
        begin = next(iter(sentences(marked)), "")
        if posture and what and not self.ground.check(begin, "product").text:
            # Without its first sentence, the rest of the posture would lack its subject.
            posture = f"{what} {posture}"
        lines: dict[str, JudgedLine] = {}
        for line in answer.lines:
            text, evidence = self._text(line.text, "product", HOW_WORDS)
            if text and evidence and line.label not in lines:
                facts = self._facts_at(evidence)
                lines[line.label] = JudgedLine(label=line.label, text=text, facts=facts, evidence=evidence)
            elif text:
                self.dropped.append((line.text, "a row needs a mark, and each label stands once"))
        controls = []
        for control in answer.controls:
            text, evidence = self._text(control.text, "product", HOW_WORDS)
            part = self._phrase(control.part)
            if text and evidence:
                controls.append(JudgedControl(text=text, part=part, facts=self._facts_at(evidence), evidence=evidence))
            elif text:
                self.dropped.append((control.text, "a control needs a mark"))
        questions = [self._question(item, set(ids), numbers) for item in answer.questions[:MAX_QUESTIONS]]
        return JudgedSummary(
            what, posture, tuple(lines.values()), tuple(controls), tuple(item for item in questions if item)
        )

    def _threat(self, item: ThreatItem, candidate: str, *, core: bool) -> JudgedThreat | None:
        title = self._phrase(item.title)
        how, marked = self._text(item.how, "inference", HOW_WORDS)
        evidence = tuple(dict.fromkeys((*self.quotes.take(item.quotes), *marked)))
        facts = self._facts_at(evidence)
        metrics = self._metrics(item.cvss, evidence)
        if not title or not how or isinstance(metrics, str):
            why = metrics if isinstance(metrics, str) else "nothing of its title or of how it goes could be kept"
            self.dropped.append((f"{item.title}: {item.how}", why))
            return None
        setting = _clause(self._phrase(item.setting)) if item.setting else ""
        # The core danger holds in the use that the product is bought for, also where that use needs an option.
        said = "entry inferred" if core and item.default_use and item.basis == "needs a setting" else item.basis
        return JudgedThreat(
            candidate=candidate or None,
            title=title,
            actor=self._phrase(item.actor) or "an attacker",
            how=how,
            lost=self._phrase(item.lost),
            layer=item.layer,
            basis=_basis(said, evidence, setting),
            setting=setting,
            default_use=item.default_use and said != "needs a setting",
            facts=facts,
            evidence=evidence,
            metrics=metrics,
            taxonomy=self._ids(item.ids),
            mitigations=self._mitigations(item),
        )

    def _metrics(self, said: Metrics, evidence: Sequence[str]) -> dict[Metric, JudgedMetric] | str:
        made: dict[Metric, JudgedMetric] = {}
        for metric in METRICS:
            value, _, reason = str(getattr(said, metric)).strip().partition(":")
            value = value.strip()
            if len(value) != 1 or value not in VALUES[metric]:
                return f"{metric} has a value that CVSS v4.0 does not have"
            # The reason rests on the threat's citations, whose marks are displayed next to it.
            found = self.ground.resting(reason, evidence) if reason.strip() else None
            self.dropped += found.dropped if found else ()
            made[metric] = JudgedMetric(value=value, reason=found.text if found else "")
        return made

    def _verdict(
        self, row: VerdictItem, known: Mapping[str, Candidate], numbers: Mapping[str, str], kept: Sequence[JudgedThreat]
    ) -> Verdict:
        why = self._phrase(row.why) if row.why else ""
        rests = [fact for fact in self.sheet.facts if fact.id in known[row.candidate].facts]
        if row.says == "wrong":
            holds = self._is_wrong(row, rests, known[row.candidate])
            if not holds:
                self.dropped.append(
                    (f"{row.candidate} called wrong: {row.why}"[:300], "code cannot check the reason, so it stays")
                )
            return Verdict(candidate=row.candidate, says="wrong", why=why or row.reason, holds=holds)
        if row.says == "merge":
            into = numbers.get(row.into, row.into if row.into in known else "")
            other = kept[int(into[1:]) - 1] if into in numbers.values() else None
            held = set(known[into].facts) if into in known else set(other.facts) if other else set()
            quoted = other.evidence if other else ()
            # A candidate merged into a threat that shares none of its facts or quotes would simply vanish.
            holds = any(fact.id in held or self._at(fact, quoted) for fact in rests)
            return Verdict(candidate=row.candidate, says="merge", into=into, why=why, holds=holds)
        return Verdict(candidate=row.candidate, says="keep", why=why)

    def _is_wrong(self, row: VerdictItem, rests: Sequence[Fact], candidate: Candidate) -> bool:
        """Return whether code can confirm the reason for calling a candidate wrong."""
        material = self.ground.material
        if row.reason == "fact absent":
            missing = set(candidate.facts) - {fact.id for fact in rests if fact.counts}
            alone = all({source.reader for source in fact.sources} == {"embedded"} for fact in rests)
            weak = all(may_be_struck(fact, self.sheet, material) for fact in rests)
            doubtful = any(hardly_said(fact, self.sheet, material) for fact in rests)
            return bool(missing) or doubtful or (bool(rests) and alone and weak)
        if row.reason == "addressed to the reader":
            return speaks_to_reader(rests, self.sheet, material)
        if row.reason == "another product":
            return speaks_of_another(rests, self.sheet, material)
        return False

    def _chains(self, items: Sequence[ChainItem], numbers: Mapping[str, str]) -> Iterable[JudgedChain]:
        for item in items[:MAX_CHAINS]:
            steps: list[JudgedStep] = []
            for step in item.steps:
                evidence = self.quotes.take(step.quotes)
                if step.threat not in numbers or (steps and not evidence):
                    break
                facts = self._facts_at(evidence)
                steps.append(JudgedStep(threat=numbers[step.threat], facts=facts, evidence=evidence))
            title = self._phrase(item.title)
            if title and len(steps) >= _LEAST_STEPS and len({step.threat for step in steps}) == len(steps):
                yield JudgedChain(title=title, steps=tuple(steps))
            else:
                self.dropped.append((f"chain {item.title}"[:300], "fewer than two steps that facts carry"))

    def _conditions(
        self, items: Sequence[ConditionItem], numbers: Mapping[str, str], kept: Sequence[JudgedThreat]
    ) -> Iterable[JudgedCondition]:
        for item in items[:MAX_CONDITIONS]:
            text, _ = self._text(item.text, "advice", HOW_WORDS)
            changes = [change.strip().partition(" ") for change in item.metrics]
            threats = tuple(dict.fromkeys(numbers[name] for name, _, _ in changes if name in numbers))
            if not text or not threats:
                self.dropped.append((item.text, "it names no threat that was kept"))
                continue
            metrics: dict[str, dict[Metric, str]] = {}
            ends: list[str] = []
            for name, _, change in changes:
                if name in numbers and change:
                    number = numbers[name]
                    self._change(change.strip(), text, number, kept[int(number[1:]) - 1], metrics, ends)
            yield JudgedCondition(
                text=text,
                who=self._phrase(item.who),
                price=self._phrase(item.price),
                threats=threats,
                metrics=metrics,
                ends=tuple(ends),
            )

    def _change(
        self,
        change: str,
        text: str,
        number: str,
        threat: JudgedThreat,
        metrics: dict[str, dict[Metric, str]],
        ends: list[str],
    ) -> None:
        """Check one change of a condition to a threat, and add it to `metrics` or `ends`.

        A condition can make the core danger harder or smaller, but never end it. A threat that needs a setting can be
        ended, as can one whose ability the condition takes away.
        """
        metric, _, value = change.partition(":")
        legal = next((known for known in METRICS if known == metric.strip()), None)
        if change == _GONE and number != "T1" and (threat.setting or _TAKEN_AWAY.search(text)):
            ends.append(number)
        elif legal and value.strip() in tuple(VALUES[legal]):
            metrics.setdefault(number, {})[legal] = value.strip()
        else:
            kept = "what the product is for is made harder, not undone"
            why = kept if change == _GONE else "no metric of CVSS v4.0"
            self.dropped.append((f"{change} by “{text}”"[:300], why))

    def _question(self, item: QuestionItem, ids: set[str], numbers: Mapping[str, str]) -> JudgedQuestion | None:
        text, _ = self._text(_renumbered(item.text, numbers), "advice", HOW_WORDS)
        if not text.endswith("?"):
            self.dropped.append((item.text, "it is no question that could be kept"))
            return None
        about = [name for name in item.about if name in ids or name in self.ground.material.vocabulary]
        return JudgedQuestion(
            text=text,
            why=self._text(_renumbered(item.why, numbers), "advice", HOW_WORDS)[0],
            changes=self._text(_renumbered(item.changes, numbers), "advice", HOW_WORDS)[0],
            about=tuple(dict.fromkeys(about)),
            proposed=self._text(item.proposed, "advice", HOW_WORDS)[0],
        )

    def _mitigations(self, item: ThreatItem) -> tuple[JudgedMitigation, ...]:
        found = (
            JudgedMitigation(text=self._measures(item.you), who="you"),
            JudgedMitigation(text=self._measures(item.vendor), who="vendor"),
        )
        return tuple(each for each in found if each.text)

    def _measures(self, text: str) -> str:
        """Check a text with one or more measures, separated by semicolons: one that fails does not cost the others."""
        found = self.ground.check(_uncited(text), "advice")
        if found.text or ";" not in text:
            return self._text(text, "advice", HOW_WORDS)[0]
        pieces = [self._text(piece, "advice", HOW_WORDS)[0].rstrip(". ") for piece in text.split(";")]
        told = "; ".join(piece for piece in pieces if piece)
        return f"{told[:1].upper()}{told[1:]}." if told else ""

    def _ids(self, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
        known = {entry.id.partition(":")[0]: (entry.scheme, entry.id) for name in ID_LISTS for entry in entries(name)}
        found = []
        for name in names:
            pair = known.get(name.strip().split(" ")[0].partition(":")[0])
            if pair is None:
                self.dropped.append((name[:80], "no id of the lists that were given"))
            else:
                found.append(pair)
        return tuple(dict.fromkeys(found))

    def _text(self, text: str, mode: Mode, words: int) -> tuple[str, tuple[str, ...]]:
        """Check a text with citations, truncate it by sentences to `words` words, and return it with its evidence."""
        return self._checked(_uncited(text) if mode == "advice" else self._cited(text), mode, words)

    def _checked(self, text: str, mode: Mode, words: int) -> tuple[str, tuple[str, ...]]:
        """Do the same for a text whose citations are marks already."""
        found = self.ground.check(text, mode)
        self.dropped += found.dropped
        kept: list[str] = []
        for sentence in sentences(found.text):
            if kept and len(MARKED.sub("", " ".join((*kept, sentence))).split()) > words:
                self.dropped.append((sentence, "the text is too long"))
                continue
            kept.append(sentence)
        return " ".join(kept), found.evidence

    def _cited(self, text: str) -> str:
        """Replace each citation in a text by the mark of its quote; a quote that is not found leaves no mark.

        Longer words in quotation marks are looked up too, unless a citation of their sentence holds them. Marks that
        the LLM made up are removed.
        """
        marked = _CITATION.sub(self._marks_of, MARKED.sub("", text))
        return " ".join(self._with_quoted(sentence) for sentence in sentences(marked))

    def _marks_of(self, found: re.Match[str]) -> str:
        marks = self.quotes.take(_NEXT.split(found[1] or found[2]), prose=True)
        return f" [{', '.join(marks)}]" if marks else ""

    def _with_quoted(self, sentence: str) -> str:
        cited = [normalise(self.quotes.all[mark].quote) for mark in marks_in(sentence)]

        def marked(found: re.Match[str]) -> str:
            words = (found[1] or found[2]).strip(" .,;:")
            if len(words.split()) < _LEAST_QUOTED or any(normalise(words) in quote for quote in cited):
                return found[0]
            marks = self.quotes.found(words)
            return f"{found[0]} [{', '.join(marks)}]" if marks else found[0]

        return _QUOTED.sub(marked, sentence)

    def _phrase(self, text: str) -> str:
        """Return a phrase if all of it passes the check, else an empty string."""
        found = self.ground.check(_uncited(text), "advice") if text.strip() else None
        if found is None:
            return ""
        self.dropped += found.dropped
        return found.text.replace("`", "") if not found.dropped else ""

    def _with(self, text: str, evidence: Sequence[str]) -> str:
        """Return the checked sentences of a text, each marked with those of `evidence` that bear on it."""
        if not evidence:
            return self._text(text, "inference", HOW_WORDS)[0]
        marks = ", ".join(evidence)
        marked = " ".join(f"{part.rstrip('.!? ')} [{marks}]." for part in sentences(_uncited(text)))
        return self._checked(marked, "product", HOW_WORDS)[0]

    def _facts_at(self, evidence: Sequence[str]) -> tuple[str, ...]:
        return tuple(fact.id for fact in self.sheet.facts if self._at(fact, evidence))

    def _at(self, fact: Fact, evidence: Sequence[str]) -> bool:
        """Return whether a fact's quotes overlap with one of these quotes."""
        mine = [self.quotes.all[mark] for mark in fact.evidence]
        theirs = [self.quotes.all[mark] for mark in evidence]
        return any(a.document == b.document and a.start < b.end and b.start < a.end for a in mine for b in theirs)

    def _end(self, name: str, parts: Mapping[str, JudgedPart]) -> str:
        folded = " ".join(name.split()).casefold()
        if folded in parts:
            return parts[folded].name
        return self.name if folded in (*_PRODUCT_NAMES, self.name.casefold()) else name


class JudgedThreats(NamedTuple):
    """The checked threats of a page, and what refers to them."""

    threats: tuple[JudgedThreat, ...]
    verdicts: tuple[Verdict, ...]
    chains: tuple[JudgedChain, ...]
    conditions: tuple[JudgedCondition, ...]
    caveat: str
    also: tuple[str, ...]
    law: str
    numbers: Mapping[str, str]
    """The numbers of the kept threats by those in the answer."""


class JudgedSummary(NamedTuple):
    """The checked posture, rows, controls and questions of a page."""

    what: str
    posture: str
    lines: tuple[JudgedLine, ...]
    controls: tuple[JudgedControl, ...]
    questions: tuple[JudgedQuestion, ...]


def _uncited(text: str) -> str:
    """Remove citations, and marks that the LLM made up."""
    return MARKED.sub("", _CITATION.sub("", text))


def _with_thesis(posture: str, more: Sequence[str]) -> str:
    """Give a first sentence whose own marks do not carry it those of the sentences that follow, and `more`: it sums up
    what they tell."""
    first, *rest = sentences(posture) or [""]
    marks = tuple(dict.fromkeys((*marks_in(posture), *more)))
    if not rest or not marks:
        return posture
    return " ".join((f"{MARKED.sub('', first).rstrip('. ')} [{', '.join(marks)}].", *rest))


def _renumbered(text: str, numbers: Mapping[str, str]) -> str:
    """Give threats in a text the numbers under which they were kept; others are called "the threat".

    A range ("T1 to T3") is spelled out first, since its ends may no longer be neighbours.
    """
    text = THREAT_RANGE.sub(_spelled, text)
    return THREAT_NUMBER.sub(lambda found: numbers.get(found[0], "the threat"), text)


def _spelled(found: re.Match[str]) -> str:
    first, last = int(found[1]), int(found[2])
    if not first < last <= MAX_THREATS:
        return found[0]
    return listed([f"T{n}" for n in range(first, last + 1)])


def _clause(setting: str) -> str:
    """Strip a condition's leading "if", "when" or "where"."""
    first, _, rest = setting.rstrip(".").partition(" ")
    return rest if first.lower() in ("if", "when", "where") and rest else setting.rstrip(".")


def _basis(said: Basis, evidence: Sequence[str], setting: str) -> Basis:
    """Return the basis of a threat, no stronger than its quotes allow."""
    if said == "needs a setting":
        return "needs a setting" if setting else "assumed"
    return said if evidence else "assumed"
