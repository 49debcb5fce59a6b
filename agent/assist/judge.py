"""Turn an LLM's answers into a judgement, checking every id, quote, metric and sentence.

An invalid item is dropped without affecting the others, and is listed verbatim with the reason.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, get_args

from agent.assist.acceptance import hardly_said, may_be_struck, speaks_of_another, speaks_to_reader
from agent.assist.calls import ID_LISTS
from agent.assist.prose import MARKED, MOST_MARKS, THREAT_NUMBER, THREAT_RANGE, Ground, Mode, marks_in, sentences
from agent.assist.quotes import Quotes
from agent.assist.shapes import (
    ChainItem,
    ConditionItem,
    FactorItem,
    FactsDoes,
    LayerVerdict,
    Metrics,
    Page,
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
    Judgement,
    Metric,
    Verdict,
)
from agent.drafting.threats.candidates import Candidate
from agent.drafting.threats.cvss_vectors import VALUES
from agent.drafting.wording import listed
from agent.facts.anchor import normalise
from agent.facts.verify import Material
from agent.intake.hidden import instructions
from agent.llm.parse import unit
from agent.records import Fact, FactSheet
from agent.taxonomy.factors import FACTORS, FactorKey
from agent.taxonomy.layers import LAYERS, LayerKey
from agent.taxonomy.lists import entries

MAX_THREATS: Final = 8
MAX_QUESTIONS: Final = 6
MAX_CHAINS: Final = 2
MAX_CONDITIONS: Final = 4
MAX_ALSO: Final = 5
MAX_CONFLICTS: Final = 3
MAX_PARTS: Final = 12
WORDS: Final = 84
"""The prompt limits texts to 70 words. Up to this many words are tolerated; sentences beyond that are cut."""
PARAGRAPH_WORDS: Final = 60
"""The tolerated length of a layer's paragraph, which the prompt limits to 40 words."""
POSTURE_WORDS: Final = 110
METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
_CITATION: Final = re.compile(r"\s*\[(?:(D\d{1,3}: ?(?:[^\[\]]|\[[^\[\]]*\])+)|(D\d{1,3}: ?[^\[\]]*\[[^\[\]]*))\]")
"""A quote after a clause, as in [D1: checks each inbox]; the quote itself may contain brackets, the last of which may
be unclosed.
"""
_OPEN: Final = re.compile(
    r"\b(?:is|are|was|were|be|can|may|could|will|would|must|cannot|to|by|with|of|from|as|into|on|at|for|the|a|an|its|their"
    r"|that|lets users|lets you|lets people|and|or)$"
)
"""The end of a clause that is incomplete without the quote that follows: "traces are [D1: plain text]"."""
_NEXT: Final = re.compile(r";\s*(?=D\d{1,3}:)")
_QUOTED: Final = re.compile(r"“([^“”]{4,300})”|\"([^“”\"]{4,300})\"")
_LEAST_QUOTED: Final = 3
"""The minimum number of words in quotation marks that count as a citation."""
_PRODUCT_NAMES: Final = ("product", "the product")
_LEAST_STEPS: Final = 2


class Judge:
    """Checks an LLM's answers against one accepted sheet."""

    def __init__(self, sheet: FactSheet, material: Material, name: str) -> None:
        self.sheet = sheet
        self.name = name
        self.quotes = Quotes(sheet, material)
        self.dropped: list[tuple[str, str]] = []
        self._material = material
        self._ground = Ground(material, self.quotes.all, material.known)

    def factors(self, items: Iterable[FactorItem]) -> dict[FactorKey, JudgedFactor]:
        """Check the factors. A factor is "insufficient" if none of its quotes is found."""
        made: dict[FactorKey, JudgedFactor] = {}
        for item in items:
            if item.factor in made:
                continue
            evidence = self.quotes.take(item.quotes)
            made[item.factor] = JudgedFactor(
                value=unit(item.value),
                low=unit(min(item.low, item.value)),
                high=unit(max(item.high, item.value)),
                reason=self._with(item.reason, evidence),
                evidence=evidence,
                facts=self._facts_at(evidence),
                insufficient=item.insufficient or not evidence,
            )
        return {key: made[key] for key in FACTORS if key in made}

    def reasons(self, items: Iterable[ReasonItem]) -> dict[FactorKey, str]:
        """Check the improved reasons for factors. A reason that passes the other checks but has no mark is dropped."""
        made: dict[FactorKey, str] = {}
        for item in items:
            text, evidence = self._text(item.reason, "product")
            if text and evidence:
                made.setdefault(item.factor, text)
            elif text:
                self.dropped.append((item.reason, "a reason needs a mark"))
        return made

    def layers(self, items: Iterable[LayerVerdict]) -> dict[LayerKey, JudgedLayer]:
        """Check the verdicts on layers. A verdict other than "insufficient" is dropped if none of its quotes is found,
        or if all of them merely claim how safe the product is.
        """
        made: dict[LayerKey, JudgedLayer] = {}
        for item in items:
            if item.layer in made:
                continue
            evidence = self.quotes.take(item.quotes)
            why = "" if evidence else "none of its quotes was found"
            if evidence and all(map(self._is_claim, evidence)):
                why = "its quotes only claim how safe the product is"
            if why and item.verdict != "insufficient":
                self.dropped.append((f"{item.layer}: {item.verdict}", why))
                continue
            pins = {key.id for key in self._material.vocabulary.pinning(item.layer)}
            facts = [
                fact.id for fact in self.sheet.facts if fact.counts and fact.key in pins and self._at(fact, evidence)
            ]
            made[item.layer] = JudgedLayer(verdict=item.verdict, facts=tuple(facts), evidence=evidence)
        return {key: made[key] for key in LAYERS if key in made}

    def _is_claim(self, mark: str) -> bool:
        """Return whether a quote occurs only in mere claims, of rank 2 or less."""
        item = self.quotes.all[mark]
        rows = self._material.touched(item.document, item.start, item.end)
        return bool(rows) and all(row.claim for row in rows)

    def picture(self, answer: FactsDoes) -> JudgedPicture:
        """Check the picture: keep the parts that have a quote found in the sources, and the flows between known
        parts.
        """
        parts: dict[str, JudgedPart] = {}
        for part in answer.parts[:MAX_PARTS]:
            evidence = self.quotes.take(part.quotes)
            name = " ".join(part.name.split())[:60]
            if not name or name.casefold() in parts or not evidence or self._is_unfit(name, evidence):
                why = "none of its quotes was found, or its name is not in the sources"
                self.dropped.append((f"part {part.name}", why))
                continue
            parts[name.casefold()] = JudgedPart(
                name=name, group=part.group, inside=part.inside, facts=self._facts_at(evidence), evidence=evidence
            )
        own = (*_PRODUCT_NAMES, self.name.casefold())
        flows = []
        for flow in answer.flows[:MAX_PARTS]:
            evidence = self.quotes.take(flow.quotes)
            ends = [" ".join(end.split()).casefold() for end in (flow.source, flow.target)]
            if not evidence or not {*ends} <= {*parts, *own} or self._is_unfit(flow.what, evidence):
                self.dropped.append(
                    (f"flow {flow.source} to {flow.target}", "an end is unknown, or its quote was not found")
                )
                continue
            source, target = (parts[end].name if end in parts else self.name for end in ends)
            facts = self._facts_at(evidence)
            flows.append(JudgedFlow(source=source, target=target, what=flow.what, facts=facts, evidence=evidence))
        return JudgedPicture(parts=tuple(parts.values()), flows=tuple(flows))

    def _is_unfit(self, label: str, evidence: Iterable[str]) -> bool:
        """Return whether a label or one of its quotes addresses the assessor, or the label contains names that the
        sources lack.
        """
        said = (label, *(self.quotes.all[mark].quote for mark in evidence))
        return any(map(instructions.find, said)) or bool(self._ground.foreign(label))

    def page(self, answer: Page, candidates: Sequence[Candidate], early: Judgement) -> Judgement:
        """Add the accepted parts of a page to the first wave's judgement, except its reasons for factors.

        If a threat was dropped, the others are renumbered, and so are references to them.
        """
        known = {row.id: row for row in candidates}
        kept, numbers = self._threats(answer, known)
        return early.model_copy(
            update={
                "threats": tuple(kept),
                "verdicts": self._verdicts(answer, known, numbers, kept),
                "law": self._text(answer.law, "inference")[0],
                "caveat": self._advice(answer.caveat, numbers),
                "chains": tuple(self._chains(answer.chains, numbers)),
                "conditions": tuple(self._conditions(answer.conditions, numbers)),
                "also": tuple(filter(None, (self._advice(_small(item), numbers) for item in answer.also[:MAX_ALSO]))),
                "conflicts": tuple(self._conflicts(answer.conflicts[:MAX_CONFLICTS], numbers)),
                **self._summary(answer, numbers),
                "lines": self._lines(answer),
                "controls": self._controls(answer),
                "questions": tuple(self._questions(answer, {*known, *FACTORS, *LAYERS}, numbers)),
                "layers": self._paragraphs(answer, early.layers, numbers),
                "proposal": answer.proposal,
            }
        )

    def _threats(self, answer: Page, known: Mapping[str, Candidate]) -> tuple[list[JudgedThreat], dict[str, str]]:
        """Return the accepted threats, and a mapping from their numbers in the answer to their new numbers."""
        kept: list[JudgedThreat] = []
        numbers: dict[str, str] = {}
        refused = {row.candidate for row in answer.verdicts if row.says == "wrong"}
        for n, item in enumerate(answer.threats[:MAX_THREATS], start=1):
            taken = refused | {threat.candidate for threat in kept}
            free = item.candidate if item.candidate in known and item.candidate not in taken else ""
            threat = self._threat(item, free, core=n == 1)
            if threat is not None:
                kept.append(threat)
                numbers[f"T{n}"] = f"T{len(kept)}"
        for item in answer.threats[MAX_THREATS:]:
            self.dropped.append((item.title[:300], f"more than {MAX_THREATS} threats"))
        return kept, numbers

    def _threat(self, item: ThreatItem, candidate: str, *, core: bool) -> JudgedThreat | None:
        title = self._phrase(item.title)
        how, marked = self._text(item.how, "inference")
        evidence = tuple(dict.fromkeys((*self.quotes.take(item.quotes), *marked)))
        metrics = self._metrics(item.cvss, evidence)
        if not title or not how or isinstance(metrics, str):
            why = metrics if isinstance(metrics, str) else "nothing of its title or course could be kept"
            self.dropped.append((f"{item.title}: {item.how}", why))
            return None
        setting = self._phrase(item.setting).rstrip(".")
        first, _, rest = setting.partition(" ")
        if first.lower() in ("if", "when", "where") and rest:
            setting = rest
        # The main danger applies to the use that people buy the product for, even if that use needs an option.
        said = "entry inferred" if core and item.default_use and item.basis == "needs a setting" else item.basis
        # A basis is only as strong as its quotes allow.
        carried = setting if said == "needs a setting" else evidence
        return JudgedThreat(
            candidate=candidate or None,
            title=title,
            actor=self._phrase(item.actor) or "an attacker",
            how=how,
            lost=self._phrase(item.lost),
            layer=item.layer,
            basis=said if carried else "assumed",
            setting=setting,
            default_use=item.default_use and said != "needs a setting",
            facts=self._facts_at(evidence),
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
                return f"{metric} has a value that does not exist in CVSS v4.0"
            # The reason rests on the threat's citations, whose marks are displayed next to it.
            found = self._ground.resting(reason, evidence)
            self.dropped += found.dropped
            made[metric] = JudgedMetric(value=value, reason=found.text)
        return made

    def _ids(self, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
        known = {entry.id.partition(":")[0]: (entry.scheme, entry.id) for name in ID_LISTS for entry in entries(name)}
        found = []
        for name in names:
            pair = known.get(name.strip().split(" ")[0].partition(":")[0])
            if pair is None:
                self.dropped.append((name[:80], "this id is not in the given lists"))
            else:
                found.append(pair)
        return tuple(dict.fromkeys(found))

    def _mitigations(self, item: ThreatItem) -> tuple[JudgedMitigation, ...]:
        found = (
            JudgedMitigation(text=self._measures(item.you), who="you"),
            JudgedMitigation(text=self._measures(item.vendor), who="vendor"),
        )
        return tuple(each for each in found if each.text)

    def _measures(self, text: str) -> str:
        """Check text that consists of one or more measures, separated by semicolons; if one measure fails, the others
        are still kept.
        """
        found = self._ground.check(_uncited(text), "advice")
        if found.text or ";" not in text:
            return self._advice(text)
        pieces = [self._advice(piece).rstrip(". ") for piece in text.split(";")]
        told = "; ".join(piece for piece in pieces if piece)
        return f"{told[:1].upper()}{told[1:]}." if told else ""

    def _verdicts(
        self, answer: Page, known: Mapping[str, Candidate], numbers: Mapping[str, str], kept: Sequence[JudgedThreat]
    ) -> tuple[Verdict, ...]:
        made: dict[str, Verdict] = {}
        for row in answer.verdicts:
            if row.candidate not in known:
                self.dropped.append((f"verdict on {row.candidate}"[:300], "no candidate has this id"))
            elif row.candidate not in made:
                made[row.candidate] = self._verdict(row, known, numbers, kept)
        for threat in kept:
            if threat.candidate:
                made.setdefault(threat.candidate, Verdict(candidate=threat.candidate, says="keep"))
        return tuple(made.values())

    def _verdict(
        self, row: VerdictItem, known: Mapping[str, Candidate], numbers: Mapping[str, str], kept: Sequence[JudgedThreat]
    ) -> Verdict:
        why = self._phrase(row.why)
        candidate = known[row.candidate]
        rests = [fact for fact in self.sheet.facts if fact.id in candidate.facts]
        if row.says == "wrong":
            holds = self._is_wrong(row, rests, candidate)
            if not holds:
                what = f"{row.candidate} called wrong: {row.why}"[:300]
                self.dropped.append((what, "code cannot check the reason, so it stays"))
            return Verdict(candidate=row.candidate, says="wrong", why=why or row.reason, holds=holds)
        if row.says == "merge":
            into = numbers.get(row.into, row.into if row.into in known else "")
            other = kept[int(into[1:]) - 1] if into in numbers.values() else None
            held = set(known[into].facts) if into in known else set(other.facts) if other else set()
            quoted = other.evidence if other else ()
            # If a candidate were merged into a threat that shares none of its facts or quotes, it would simply vanish.
            holds = any(fact.id in held or self._at(fact, quoted) for fact in rests)
            return Verdict(candidate=row.candidate, says="merge", into=into, why=why, holds=holds)
        return Verdict(candidate=row.candidate, says="keep", why=why)

    def _is_wrong(self, row: VerdictItem, rests: Sequence[Fact], candidate: Candidate) -> bool:
        """Return whether code can confirm the reason for calling a candidate wrong."""
        if row.reason == "fact absent":
            missing = set(candidate.facts) - {fact.id for fact in rests if fact.counts}
            alone = all({source.reader for source in fact.sources} == {"embedded"} for fact in rests)
            weak = all(may_be_struck(fact, self.sheet, self._material) for fact in rests)
            doubtful = any(hardly_said(fact, self.sheet, self._material) for fact in rests)
            return bool(missing) or doubtful or (bool(rests) and alone and weak)
        if row.reason == "addressed to the reader":
            return speaks_to_reader(rests, self.sheet, self._material)
        return row.reason == "another product" and speaks_of_another(rests, self.sheet, self._material)

    def _chains(self, items: Sequence[ChainItem], numbers: Mapping[str, str]) -> Iterator[JudgedChain]:
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
                self.dropped.append((f"chain {item.title}"[:300], "fewer than two steps are supported by facts"))

    def _conditions(self, items: Sequence[ConditionItem], numbers: Mapping[str, str]) -> Iterator[JudgedCondition]:
        """Check the conditions and what they change.

        A condition makes a threat harder or smaller, but never eliminates it, since the attacker may have another way.
        """
        for item in items[:MAX_CONDITIONS]:
            text = self._advice(item.text)
            metrics = self._eased(item.metrics, text, numbers)
            if not text or not metrics:
                self.dropped.append((item.text, "it refers to no threat that was kept"))
                continue
            yield JudgedCondition(
                text=text,
                who=self._phrase(item.who),
                price=self._phrase(item.price),
                threats=tuple(metrics),
                metrics={number: changed for number, changed in metrics.items() if changed},
            )

    def _eased(self, changes: Sequence[str], by: str, numbers: Mapping[str, str]) -> dict[str, dict[Metric, str]]:
        """Parse changes such as "T1 UI:A" or "T1" into the changed metrics of each threat. A threat named without a
        metric gets an empty mapping.
        """
        eased: dict[str, dict[Metric, str]] = {}
        for name, _, change in (change.strip().partition(" ") for change in changes):
            if name not in numbers:
                continue
            metrics = eased.setdefault(numbers[name], {})
            metric, _, value = (part.strip() for part in change.partition(":"))
            legal = next((known for known in METRICS if known == metric), None)
            if legal and value in tuple(VALUES[legal]):
                metrics[legal] = value
            elif change.strip():
                self.dropped.append((f"{change} by “{by}”"[:300], "not a metric of CVSS v4.0"))
        return eased

    def _summary(self, answer: Page, numbers: Mapping[str, str]) -> dict[str, str]:
        """Check the description of the product, and the posture.

        The posture's first sentence sums up the others. If its own marks do not support it, it is checked against the
        marks of all sentences together. It is then shown with its own marks, which say what the product is, or with
        those of the others if it has none.
        """
        what, rests = self._text(answer.what, "product")
        marked = self._cited(_renumbered(answer.posture, numbers))
        first, *rest = sentences(marked) or [""]
        marks = tuple(dict.fromkeys((*marks_in(marked), *rests)))
        own = marks_in(first)
        carried = not (rest and marks) or bool(self._ground.check(first, "product").evidence)
        if not carried:
            first = f"{MARKED.sub('', first).rstrip('. ')} [{', '.join(marks)}]."
            marked = " ".join((first, *rest))
        posture, _ = self._checked(marked, "product", POSTURE_WORDS)
        stays = bool(self._ground.check(first, "product").text)
        if stays and own and not carried:
            head, *others = sentences(posture)
            posture = " ".join((f"{MARKED.sub('', head).rstrip('. ')} [{', '.join(own[:MOST_MARKS])}].", *others))
        if posture and what and not stays:
            # Without its first sentence, the rest of the posture would lack its subject.
            posture = f"{what} {posture}"
        return {"summary": what, "posture": posture}

    def _lines(self, answer: Page) -> tuple[JudgedLine, ...]:
        made: dict[str, JudgedLine] = {}
        for line in answer.lines:
            text, evidence = self._text(line.text, "product")
            if text and evidence and line.label not in made:
                facts = self._facts_at(evidence)
                made[line.label] = JudgedLine(label=line.label, text=text, facts=facts, evidence=evidence)
            elif text:
                self.dropped.append((line.text, "a row needs a mark, and a label may occur only once"))
        return tuple(made.values())

    def _controls(self, answer: Page) -> tuple[JudgedControl, ...]:
        made = []
        for control in answer.controls:
            text, evidence = self._text(control.text, "product")
            part = self._phrase(control.part)
            if text and evidence:
                made.append(JudgedControl(text=text, part=part, facts=self._facts_at(evidence), evidence=evidence))
            elif text:
                self.dropped.append((control.text, "a control needs a mark"))
        return tuple(made)

    def _questions(self, answer: Page, ids: set[str], numbers: Mapping[str, str]) -> Iterator[JudgedQuestion]:
        """Check the questions. A question may be about one of `ids` or about a fact key."""
        for item in answer.questions[:MAX_QUESTIONS]:
            text = self._advice(item.text, numbers)
            if not text.endswith("?"):
                self.dropped.append((item.text, "no question could be kept"))
                continue
            about = dict.fromkeys(name for name in item.about if name in ids or name in self._material.vocabulary)
            yield JudgedQuestion(
                text=text,
                changes=self._advice(item.changes, numbers),
                metrics=self._eased(item.metrics, text, numbers),
                about=tuple(about),
                proposed=self._advice(item.proposed),
            )

    def _paragraphs(
        self, answer: Page, judged: Mapping[LayerKey, JudgedLayer], numbers: Mapping[str, str]
    ) -> dict[LayerKey, JudgedLayer]:
        """Add paragraphs to the layers: what the sources state, with marks, and what may follow from it."""
        told: dict[LayerKey, str] = {}
        for item in answer.layers:
            if item.layer not in told:
                told[item.layer], _ = self._text(_renumbered(item.paragraph, numbers), "product", PARAGRAPH_WORDS)
        made = {
            key: (judged.get(key) or JudgedLayer(verdict="partial")).model_copy(update={"paragraph": text})
            for key, text in told.items()
        }
        return {key: made.get(key) or judged[key] for key in LAYERS if key in made or key in judged}

    def _text(self, text: str, mode: Mode, words: int = WORDS) -> tuple[str, tuple[str, ...]]:
        """Check text that has citations, truncate it to whole sentences of at most `words` words in total, and return
        it with its evidence.
        """
        return self._checked(_uncited(text) if mode == "advice" else self._cited(text), mode, words)

    def _checked(self, text: str, mode: Mode, words: int) -> tuple[str, tuple[str, ...]]:
        """Do the same as `_text` for text whose citations were already replaced by marks."""
        found = self._ground.check(text, mode)
        self.dropped += found.dropped
        kept: list[str] = []
        for sentence in sentences(found.text):
            if kept and len(MARKED.sub("", " ".join((*kept, sentence))).split()) > words:
                self.dropped.append((sentence, "the text is too long"))
                continue
            kept.append(sentence)
        return " ".join(kept), found.evidence

    def _conflicts(self, told: Iterable[str], numbers: Mapping[str, str]) -> Iterator[str]:
        """Yield the contradictions in the sources, without those whose quotes are not found."""
        for item in told:
            text, evidence = self._text(_renumbered(item, numbers), "product")
            if text and evidence:
                yield text

    def _advice(self, text: str, numbers: Mapping[str, str] | None = None) -> str:
        """Check advice or a question. With `numbers`, threat numbers in the text are replaced first."""
        return self._text(text if numbers is None else _renumbered(text, numbers), "advice")[0]

    def _phrase(self, text: str) -> str:
        """Return a phrase if all of it passes the check, else an empty string."""
        if not text.strip():
            return ""
        found = self._ground.check(_uncited(text), "advice")
        self.dropped += found.dropped
        return "" if found.dropped else found.text.replace("`", "")

    def _with(self, text: str, evidence: Sequence[str]) -> str:
        """Return the checked sentences of `text`, each with the marks in `evidence` that are relevant to it."""
        if not evidence:
            return self._text(text, "inference")[0]
        marks = ", ".join(evidence)
        marked = " ".join(f"{part.rstrip('.!? ')} [{marks}]." for part in sentences(_uncited(text)))
        return self._checked(marked, "product", WORDS)[0]

    def _cited(self, text: str) -> str:
        """Replace each citation in `text` by the mark of its quote; a quote that is not found leaves no mark. If the
        clause is incomplete without the quote's words, they stay in the text too.

        Longer passages in quotation marks are looked up too, unless a citation of the same sentence contains them.
        Marks that the LLM made up are removed.
        """

        def marks_of(found: re.Match[str]) -> str:
            quoted = _NEXT.split(found[1] or found[2])
            marks = self.quotes.take(quoted, prose=True)
            if not marks:
                return ""
            words = quoted[0].partition(":")[2].strip()
            needed = len(quoted) == 1 and not set(words) & set('“”"') and _OPEN.search(found.string[: found.start()])
            return f"{f' “{words}”' if needed else ''} [{', '.join(marks)}]"

        def with_quoted(sentence: str) -> str:
            cited = [normalise(self.quotes.all[mark].quote) for mark in marks_in(sentence)]

            def marked(found: re.Match[str]) -> str:
                words = (found[1] or found[2]).strip(" .,;:")
                if len(words.split()) < _LEAST_QUOTED or any(normalise(words) in quote for quote in cited):
                    return found[0]
                marks = self.quotes.found(words)
                return f"{found[0]} [{', '.join(marks)}]" if marks else found[0]

            return _QUOTED.sub(marked, sentence)

        return " ".join(map(with_quoted, sentences(_CITATION.sub(marks_of, MARKED.sub("", text)))))

    def _facts_at(self, evidence: Sequence[str]) -> tuple[str, ...]:
        return tuple(fact.id for fact in self.sheet.facts if self._at(fact, evidence))

    def _at(self, fact: Fact, evidence: Sequence[str]) -> bool:
        """Return whether a fact's quotes overlap with one of these quotes."""
        mine = [self.quotes.all[mark] for mark in fact.evidence]
        theirs = [self.quotes.all[mark] for mark in evidence]
        return any(a.document == b.document and a.start < b.end and b.start < a.end for a in mine for b in theirs)


def _uncited(text: str) -> str:
    """Remove citations, and marks that the LLM made up."""
    return MARKED.sub("", _CITATION.sub("", text))


def _small(danger: str) -> str:
    """Lower-case the first letters of a danger's name and of its sentence, so that they do not count as names from the
    sources; the report capitalises them again.
    """
    parts = danger.split(": ", 1)
    return ": ".join(f"{part[:1].lower()}{part[1:]}" if part[1:2].islower() else part for part in parts)


def _renumbered(text: str, numbers: Mapping[str, str]) -> str:
    """Replace the threat numbers in `text` by the threats' new numbers; a dropped threat becomes "the threat".

    A range ("T1 to T3") is spelled out first, since its ends may no longer be neighbours.
    """

    def spelled(found: re.Match[str]) -> str:
        first, last = int(found[1]), int(found[2])
        return listed([f"T{n}" for n in range(first, last + 1)]) if first < last <= MAX_THREATS else found[0]

    return THREAT_NUMBER.sub(lambda found: numbers.get(found[0], "the threat"), THREAT_RANGE.sub(spelled, text))
