"""The fact reader that needs no LLM: learned heads over statements, and patterns where the form of a statement is
evidence.

    statements with roles ─ features, vectors, patterns ─► a score of each key for each statement
        ─ the highest scores of each key ─► the probability that the sources state the key ─► outlook
                                                                   └ above the key's threshold ─► proposal with quotes

A fact is proposed only above the probability at which at least four of five facts were right on held-out products.
Likely facts that are not proposed go into the outlook, which is never cited.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.facts.proposal import Proposal, ProposedSlot, Quote
from agent.facts.readers.features import name_words
from agent.facts.readers.heads import LOWEST, FactHeads, load_heads
from agent.facts.readers.kinds import kind_chances
from agent.facts.readers.outlook import control_keys, first_words, is_control, readable_of
from agent.facts.readers.patterns import denying, matches
from agent.facts.readers.reach import by_choice, may_assert
from agent.facts.support import negations
from agent.facts.vocabulary import FactKey, load_vocabulary
from agent.intake.extract.statements.claims import COUNTING_RANK
from agent.intake.extract.statements.sorts import default_of
from agent.records import Document, Outlook, ReaderName, Statement
from agent.records.base import DocumentForm

LEAST_DENIAL: Final = 0.8
"""The minimum measured precision for a denying pattern to be used."""
_QUOTES: Final = 3
"""Maximum number of statements that one proposal cites, highest scores first."""
_NEAR: Final = 1.5
"""How far the score of an additional quote may be below the highest score, in log-odds."""
_FURTHER: Final = -0.5
"""The minimum score of an additional quote."""
_DIGITS: Final = 4
MENTIONED: Final = 0.1
"""At this probability or above, the sources may state a key that was not found, so it is not reported absent. On 99
real listings with owners held out, an approval that was not found was stated in 12 %; below this limit, in 7 %."""
_VARIABLE: Final = re.compile(r"\b[A-Z][A-Z0-9]*_(?:[A-Z0-9]+_)*(?:KEY|TOKEN|SECRET|PAT)\b")
_DEFAULT: Final = re.compile(
    r"\b(on|off|enabled|disabled|active|inactive|required|true|false) by default\b"
    r"|\bby default,? (?:it |this )?(?:is )?(?:set to )?`?(on|off|enabled|disabled|required|true|false)\b"
    r"|\bdefaults? (?:is|to|of) `?(on|off|enabled|disabled|required|true|false)\b",
    re.IGNORECASE,
)
"""Phrases that state the default of a control."""
_LACKS: Final = {"approval_off": "approval_before", "endpoint_no_auth": "endpoint_auth"}
"""Maps keys for a missing control to the control. Both are stated in the same words, so a sentence that scores higher
for the control does not count for its lack."""
_ONE_ACT: Final = re.compile(
    r"\b(?:every|each|all|any|an?)\s+(?:outgoing |outbound |external )?"
    r"(messages?|e-?mails?|mails?|repl(?:y|ies)|answers?|posts?|payments?|refunds?|orders?|transfers?|merges?"
    r"|pull requests?|deployments?|deletions?)\b",
    re.IGNORECASE,
)
_ANY_ACT: Final = re.compile(
    r"\b(?:every|each|all|any)\s+(?:\w+ )?(?:actions?|acts?|steps?|changes?|calls?|writes?)\b", re.I
)
"""What an approval covers: one kind of act, or all of them."""
_OFF: Final = frozenset(("off", "disabled", "inactive", "false"))


class EmbeddedReader:
    """Deterministic reader of prose that judges each statement only by its own text, headings and role."""

    name: ReaderName = "embedded"
    forms: frozenset[DocumentForm] = frozenset({"prose"})

    def __init__(self, heads: FactHeads | None = None) -> None:
        self._heads = heads or load_heads()
        self._vocabulary = load_vocabulary()
        self._scored: Mapping[Statement, NDArray[np.float32]] = {}

    def beforehand(self, documents: Sequence[Document], statements: Sequence[Statement]) -> "EmbeddedReader":
        """Return a reader that caches the scores of these statements, since every later step asks for them."""
        made = EmbeddedReader(self._heads)
        made._scored = dict(zip(statements, self.scores(documents, statements), strict=True))
        return made

    @cached_property
    def looks_for(self) -> tuple[str, ...]:
        """The keys that the reader can assert or deny, in the order of the vocabulary."""
        known = {key for key, limit in zip(self._heads.keys, self._heads.limits, strict=True) if limit < 1}
        known |= {rule.key for rule in denying()}
        return tuple(key.id for key in self._vocabulary if key.id in known)

    def read(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Sequence[Proposal]:
        """Propose each key that is likely enough, and each denial, in the order of the vocabulary.

        From a mere claim (`Statement.claim`), only a control can be proposed, and only if no description states that
        control.
        """
        readable = readable_of(documents, statements, claims=True)
        if not readable:
            return []
        told = [statement for statement in readable if not statement.claim]
        found = self._asserted(documents, told, np.ones(len(self._heads.keys), dtype=bool))
        known = {proposal.key for proposal in found}
        open_ = self._controls & np.array([key not in known for key in self._heads.keys])
        found += self._asserted(documents, [statement for statement in readable if statement.claim], open_)
        found += self._denials(told)
        order = self._vocabulary.order
        return sorted(found, key=lambda proposal: (order[proposal.key], proposal.polarity))

    def _asserted(
        self, documents: Sequence[Document], statements: Sequence[Statement], allowed: NDArray[np.bool_]
    ) -> list[Proposal]:
        """Propose each key that is `allowed`, shape (k,), and likely enough."""
        if not statements:
            return []
        scores = self._usable_scores(documents, statements)
        for lack, control in _LACKS.items():
            if {lack, control} <= set(self._heads.keys):
                without, with_ = (self._heads.keys.index(key) for key in (lack, control))
                scores[scores[:, with_] > scores[:, without], without] = LOWEST
        chances = self._heads.chances(scores)
        pinned = [row for row, statement in enumerate(statements) if statement.rank >= COUNTING_RANK]
        return [
            self._proposal(
                key,
                [statements[row] for row in _cited(scores[:, number], pinned if self._controls[number] else ())],
                float(chances[number]),
            )
            for number, key in enumerate(self._heads.keys)
            if allowed[number] and chances[number] >= self._heads.limits[number]
        ]

    def outlook(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Outlook:
        """Return the probability that the sources state each key, and the probability of each kind of product; empty
        without statements.

        A sentence about a control makes only controls likely. Otherwise the ability that the control governs would
        become likely too, which would cancel the control's reduction of a factor. A mere claim makes no key likely, but
        it counts as a mention.
        """
        chances: dict[str, float] = {}
        mentioned: set[str] = set()
        if readable := readable_of(documents, statements, claims=True):
            scores = self._usable_scores(documents, readable)
            mentions = self._heads.chances(scores) >= MENTIONED
            mentioned = {key for key, is_mentioned in zip(self._heads.keys, mentions, strict=True) if is_mentioned}
            told = np.array([not statement.claim for statement in readable], dtype=bool)
            if told.any():
                governed = np.array([is_control(statement) for statement in readable], dtype=bool)
                scores[governed[:, None] & ~self._controls[None, :]] = LOWEST
                likely = self._heads.chances(scores[told])
                chances = {key: round(float(c), _DIGITS) for key, c in zip(self._heads.keys, likely, strict=True)}
        return Outlook(
            kinds=kind_chances(documents, self._heads),
            chances=chances,
            mentioned=tuple(key.id for key in self._vocabulary if key.id in mentioned),
        )

    def scores(self, documents: Sequence[Document], statements: Sequence[Statement]) -> NDArray[np.float32]:
        """Compute the log-odds of each key for each statement, shape (n, keys of the heads)."""
        if statements and all(one in self._scored for one in statements):
            return np.stack([self._scored[one] for one in statements])
        titles = {document.id: document.title for document in documents}
        for statement in statements:
            if not titles.get(statement.document):
                titles[statement.document] = statement.path[0] if statement.path else ""
        names = {identity: name_words(title) for identity, title in titles.items()}
        return self._heads.scores(statements, [names[statement.document] for statement in statements])

    def _usable_scores(self, documents: Sequence[Document], statements: Sequence[Statement]) -> NDArray[np.float32]:
        usable = may_assert(statements, [self._vocabulary[key] for key in self._heads.keys])
        return np.where(usable, self.scores(documents, statements), LOWEST).astype(np.float32)

    @cached_property
    def _controls(self) -> NDArray[np.bool_]:
        """Whether each key of the heads is a control, shape (k,)."""
        return control_keys(self._heads.keys)

    def _proposal(self, key: str, cited: Sequence[Statement], chance: float) -> Proposal:
        entry = self._vocabulary[key]
        slots = tuple(_slots(entry, cited))
        default = next((slot.value.lower() for slot in slots if slot.name == "default"), "")
        settled = default in _OFF and entry.deniable if default else all(by_choice(row, entry) for row in cited)
        return Proposal(
            reader=self.name,
            key=key,
            polarity="configurable" if settled else "asserted",
            quotes=tuple(quote_of(statement) for statement in cited),
            slots=slots,
            confidence=round(chance, _DIGITS),
        )

    def _denials(self, statements: Sequence[Statement]) -> Iterator[Proposal]:
        rules = denying()
        hits = matches(statements, rules)
        for number, rule in enumerate(rules):
            # A matching pattern is not enough for a denial: the statement must also contain a negation.
            rows = [n for n in np.flatnonzero(hits[:, number]).tolist() if negations(statements[n].text)]
            precision = self._heads.denials[number]
            if rows and precision >= LEAST_DENIAL and self._vocabulary[rule.key].deniable:
                yield Proposal(
                    reader=self.name,
                    key=rule.key,
                    polarity="denied",
                    quotes=tuple(quote_of(statements[n]) for n in rows[:_QUOTES]),
                    confidence=round(precision, _DIGITS),
                )


def quote_of(statement: Statement) -> Quote:
    """Quote the first words of a statement verbatim, short enough to pass verification."""
    return Quote(text=first_words(statement.text), document=statement.document, near=statement.start)


def _cited(scores: NDArray[np.float32], pinned: Sequence[int]) -> list[int]:
    """Return the rows of the statements that a proposal cites: the highest score and those close to it. If none of
    these is `pinned` (says how a control is set), the best pinned row is added, provided that it states the key too."""
    order = np.lexsort((np.arange(len(scores)), -scores))[:_QUOTES]
    best = float(scores[order[0]])
    cited = [int(row) for n, row in enumerate(order) if n == 0 or scores[row] >= max(best - _NEAR, _FURTHER)]
    if not set(cited) & set(pinned):
        setting = max(pinned, key=lambda row: float(scores[row]), default=None)
        cited += [setting] if setting is not None and scores[setting] >= _FURTHER else []
    return cited


def _slots(key: FactKey, cited: Sequence[Statement]) -> Iterator[ProposedSlot]:
    if key.id == "api_key":
        names = sorted({name for statement in cited for name in _VARIABLE.findall(quote_of(statement).text)})
        if len(names) == 1:
            yield ProposedSlot(name="credential", value=names[0])
    if key.id == "approval_before":
        acts = [_ONE_ACT.search(statement.text) for statement in cited]
        if all(acts) and acts[0] and not any(_ANY_ACT.search(statement.text) for statement in cited):
            yield ProposedSlot(name="object", value=acts[0][1])
    if key.claim == "control" and "default" in key.slots:
        said = [match for statement in cited for match in _DEFAULT.finditer(quote_of(statement).text)]
        values = {next(filter(None, match.groups())) for match in said}
        told = next((words for row in cited if row.rank >= COUNTING_RANK and (words := default_of(row.text))), "")
        # If the sentences state different defaults, it is unknown which part of the product each of them describes.
        if len(values) == 1 or (told and not values):
            yield ProposedSlot(name="default", value=values.pop() if values else told)
