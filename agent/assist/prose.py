"""Check an LLM's sentences against the accepted evidence, and decide which ones are kept, and with which marks.

A sentence about the product must cite relevant accepted quotes, contain no names that the sources lack, and neither
narrow nor widen what the sources say. A sentence about consequences needs no mark and is shown as inference, but its
names must also be in the sources or in the lists of terms of the field. Dropped sentences are recorded verbatim with
the reason.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, Literal, NamedTuple

from agent.assist.acceptance import meant
from agent.assist.terms import TERMS, TOOLS
from agent.facts.anchor import normalise
from agent.facts.support import NUMBER_WORDS, clauses_of, keys_of, names_of, numbers_of, support
from agent.facts.verify import Material
from agent.facts.vocabulary import load_vocabulary
from agent.intake.extract.statements import language
from agent.intake.hidden import instructions
from agent.records import Evidence
from agent.records.evidence import CODE
from agent.records.sources import flagged_spans
from agent.taxonomy.factors import FACTOR_TITLES
from agent.taxonomy.kinds import KIND_TITLES
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES
from agent.taxonomy.lists import entries, schemes

Mode = Literal["product", "inference", "advice"]
"""product: what the sources state, and what follows from it. inference: the course of an attack. advice: what somebody
should do, or a question; it has no marks.
"""
MOST_MARKS: Final = 2
"""Maximum number of marks per sentence."""
_BEARS: Final = 0.2
"""Minimum share of a sentence's content words that must occur in its quotes, their sentences and their facts."""
_SHORT: Final = 2
_LONG: Final = 5
"""Minimum length of a name that is accepted as the prefix of a longer word."""
_CODE_CHARS: Final = 4
_CODE_NAME: Final = re.compile(r"--[\w-]+|@?[\w/:-]*[\d_.@][\w.@/:-]*\w")
"""A flag, or a word that contains a digit, a dot or another code character."""
_SHARED: Final = 2
"""Quotes that share at least this many meanings with a sentence are relevant to it, however long it is."""
_WORDED: Final = 2
"""The number of ordinary words that a sentence must share with its quotes if they share too few meanings."""
_STEM: Final = 5
_LETTERS: Final = re.compile(r"[a-z]{4,}")
_EMPTY: Final = frozenset((
    "about", "after", "also", "been", "befor", "each", "from", "have", "into", "more", "only", "other", "over", "same",
    "some", "such", "than", "that", "their", "them", "then", "there", "these", "they", "this", "those", "throu",
    "under", "until", "what", "when", "where", "which", "while", "with", "would", "your",
))  # fmt: skip
"""Word beginnings that unrelated sentences may have in common."""
_NAMED: Final = 2.0
"""How much a code name shared by a quote and a sentence adds to their overlap."""
MARKED: Final = re.compile(r"[\[(]\s*(E\d{1,4}(?:\s*[,;]?\s*(?:and\s+)?E\d{1,4})*)\s*[\])]")
_ID: Final = re.compile(r"E\d{1,4}")
THREAT_NUMBER: Final = re.compile(r"\bT\d{1,2}\b")
"""The number of a threat in the same answer."""
THREAT_RANGE: Final = re.compile(r"\bT(\d{1,2})(?: to | ?[–-] ?)T(\d{1,2})\b")
"""Several threats in a row, as in "T1 to T3"."""
_BEHIND: Final = re.compile(r"([.!?])((?:\s*[\[(]\s*E\d[^\])]*[\])])+)")
"""Marks after the full stop of their sentence."""
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[^a-z\s])")
_NARROW: Final = re.compile(r"(?<![\w-])(?:only|always|never|all|every|each|by default|nothing|none|nobody)\b", re.I)
_BOUND: Final = re.compile(
    r"\b(?:ask(?!ed for)|approv|confirm|check|requir|encrypt|isolat|restrict|validat|authenticat"
    r"|sign(?![- ]?(?:in|up|on)\b))\w*\b",
    re.I,
)
"""Words next to which "each" widens a statement, as in "it asks before each command" but not in "the reasons for each
action"."""
_ALIKE: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("all", "every", "each"), ("all", "every", "each", "any")),
    "by default": ("default",),
    "only": ("only", "nothing but", "no other", "exclusively"),
    "nobody": ("nobody", "no one", "unattended", "by itself", "schedul", "in the background", "automatic"),
}
"""For each word that narrows or widens, the words in the sources that confirm it."""
_THING: Final = (
    r"(?:product|server|agent|tool|service|platform|skill|framework|library|app|application|extension|plug-?in"
    r"|assistant|package|client|bot|system|vendor|software|connector|sdk|cli)"
)
_ABOUT: Final = re.compile(
    rf"^(?:(?:by default|in|on|at|for|through|via|as|under|after|before|when)\b[^,]{{0,60}},\s+)?"
    rf"(?:it|its|(?:the|this|its)\s+(?:[\w-]+\s+){{0,2}}{_THING}s?)\b",
    re.I,
)
_FOLLOWS: Final = re.compile(
    r"\b(?:could|would|might|may|if|then|unless|presumably|probably|likely|inferred|assumed?"
    r"|(?:do|does) not (?:cover|reach|extend|bound|confine|contain|govern|apply))\b",
    re.I,
)
_CLAUSE: Final = re.compile(
    r"[;:]|,\s+(?=(?:so|yet|but|while|which|whose|who|and (?:then|no|nothing|neither|nobody))\b)"
)
"""The point where a sentence goes on to a consequence of its first clause."""
_NO: Final = re.compile(r"\b(?:no|not|never|nobody|nothing|without|cannot)\b|n't\b", re.I)
_NO_DENIAL: Final = re.compile(
    r"\b(?:and nothing more|nothing (?:more|less|but)|not (?:only|just|merely))\b|--no-[\w-]+|[_(]+none[_)]+", re.I
)
"""Phrases with a negating word that deny nothing: words of emphasis, flags and empty table cells."""
_DENIED_AFTER: Final = 6
"""The number of words after a negation to which it can apply."""
_STOPS: Final = re.compile(r"\b(?:forbid|prohibit|ban|refus|block|prevent|exclud|reject|den(?:y|ies)|lack)\w*\b", re.I)
_LACKING: Final = re.compile(r",?\s*\bwithout\s+([^,;:.]*)", re.I)
_COMPARED: Final = re.compile(r",?\s*\b(?:instead of|rather than)\s+[^,;.]*", re.I)
"""An alternative named in a sentence: "with a local LLM instead of an online one" denies neither."""
_START: Final = 4
"""An inference counts as being about the product if the product's name is among this many words at the start of the
sentence."""
_SILENT: Final = re.compile(
    r"\b(?:not (?:stated|documented|described|said|named|known|clear)|do(?:es)? not (?:say|state|name|describe|mention)"
    r"|no [\w -]{1,50} (?:is|are) (?:stated|documented|described|named|mentioned|given)"
    r"|(?:names?|states?|shows?|describes?|mentions?|lists?|says?) (?:no|nothing|nobody)"
    r"|no word|unknown|unclear|undocumented|not certain)\b",
    re.I,
)
_ACTS: Final = re.compile(
    r"\b(?:runs?|executes?|reads?|writes?|edits?|deletes?|sends?|stores?|keeps?|logs?|encrypts?|requires?|asks?|calls?"
    r"|connects?|uses?|supports?|exposes?|listens?|provides?|holds?|hosts?|creates?|changes?|publishes|pays?|installs?"
    r"|has|have|is|are|can|does)\b"
)
_ORDINARY: Final = re.compile(r"(?i:split|ordinary|\w+(?:[cst]ive|ary|ous|ful|[ai]ble|[cn]al|ual|exact))")
"""Words that begin a sentence before a plural noun that looks like a verb, as in "Destructive writes"."""
_PLURAL: Final = re.compile(r"(?:are|have|do|were)\b")
"""Verbs that follow plural nouns, so that the word before them is not a product's name: "Threats are"."""
_COMFORT: Final = re.compile(
    r"\b(?:secure(?:ly)?|safe(?:ly)?|trustworthy|compliant|certified|encrypt(?:s|ed)|sandboxed|audited|harmless|risk-free"
    r"|(?:no|low|little|minimal) risk)\b",
    re.I,
)
_COUNTED: Final = re.compile(rf"\b(?:{'|'.join(NUMBER_WORDS)})\b", re.I)
_NOT_BEARING: Final = "its quotes are not relevant to it"
_UNCITED: Final = "it is about the product but cites nothing"
_CLAUSE_END: Final = re.compile(r"\s*(?:[,;:–—]|(?:and|but|so|while|because|although)\b)")
_POINTS_BACK: Final = re.compile(r"(?:This|That|These|Those|Such|They|Both|Either|Otherwise)\b")
_POINTING: Final = re.compile(
    r"\b(?:those|such|that) (key|header|token|file|folder|directory|port|address|text|page|command|link|account|mode"
    r"|option|flag|step|prompt|message|list|script|server|tool|setting|machine|host|container|copy|channel|person|caller"
    r"|project|repository|library|package|service|endpoint|app|feature|sample|runtime|provider|database|branch|session)s?\b"
)
"""References to something that the preceding sentence names; they are invalid if that sentence was dropped."""
_CHOSEN_NUMBER: Final = re.compile(
    r"\b\d{1,3}[ -](?:second|minute|hour|day|week|month|year)s?\b|\b127\.0\.0\.1\b|\bconditions? [1-9]\b"
    r"|\b(?:mode|chmod|permissions?) 0?[0-7]{3}\b|\b\d{1,4} (?:requests?|calls?|MB|GB)\b",
    re.I,
)
"""Numbers that advice may choose freely: durations of measures, the machine's own address, numbers of conditions, file
modes and limits."""
_LINK: Final = re.compile(r"https?:(?=\S)|www\.|<(?!=)|>(?!=)|\{\{|\}\}|\{%|\]\(", re.I)
_LOCAL: Final = re.compile(r"\bhttps?://(?=(?:localhost|127\.0\.0\.1|0\.0\.0\.0)\b)")
"""The scheme of a local address. It is removed, because an address without a scheme ("localhost:8080") does not become
a link."""
_ADDRESS: Final = re.compile(r"\bhttps?://([^\s<>()\[\]{}\"“”]*[\w/])", re.I)
_SCHEME: Final = re.compile(r"\b(https?)://(?=[`\"”'\s),.;:!?]|$)", re.I)
"""A scheme alone, as in "an `http://` address"."""
_PLACEHOLDER: Final = re.compile(r"<[\w -]{1,40}>")
_ENDLESS: Final = re.compile(r"\S{80}")
_UNSEEN: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
"""Unicode categories of characters that hide or reverse text."""


class Checked(NamedTuple):
    """The accepted sentences of a passage, with their marks."""

    text: str
    evidence: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]
    """Pairs of sentence and reason."""


@dataclass(frozen=True)
class Ground:
    """What sentences are checked against: the sources and the quotes found in them."""

    material: Material
    evidence: Mapping[str, Evidence]
    """The quotes by id."""
    names: tuple[str, ...] = ()
    """The names of the product and the vendor, in this order."""
    _meanings: dict[str, frozenset[str]] = field(default_factory=dict)
    """A cache of the quotes' meanings. It is filled on demand, because quotes are added while answers are checked."""

    @cached_property
    def _texts(self) -> list[str]:
        return [f"{document.title}\n{document.text}" for document in self.material.documents]

    @cached_property
    def _numbers(self) -> frozenset[str]:
        return frozenset(number for text in self._texts for number in numbers_of(text))

    @cached_property
    def _words(self) -> frozenset[str]:
        spoken = (language.name(document.language) for document in self.material.documents if document.language)
        return frozenset().union(*map(keys_of, (*self._texts, *self.names, *spoken)), _closed())

    @cached_property
    def _name(self) -> re.Pattern[str] | None:
        own = [re.escape(name) for name in self.names[:1] if name.strip()]
        return re.compile(rf"\b{own[0]}\b", re.I) if own else None

    @cached_property
    def _translated(self) -> bool:
        """Whether no source is in English, so that a sentence about them shares no words with them."""
        return not any(language.is_english(document.language) for document in self.material.documents)

    @cached_property
    def _ordered(self) -> bool:
        """Whether the sources address assessors anywhere, so that an LLM's sentence might repeat their orders."""
        return any(map(flagged_spans, self.material.documents))

    @cached_property
    def _own_name(self) -> set[str]:
        return meant(self.names)

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(meaning for mark in self.evidence for meaning in self._meant(mark))

    def foreign(self, text: str, *, advice: bool = False) -> tuple[str, ...]:
        """Return the numbers and names in `text` that occur neither in the sources nor in the lists of terms of the
        field. Advice may name well-known safeguards that no source mentions."""
        bare = THREAT_NUMBER.sub(" ", MARKED.sub(" ", text))
        # A count in words ("four tools") is the LLM's own; numbers from the sources are written in digits.
        odd = [number for number in numbers_of(_COUNTED.sub(" ", bare)) if number not in self._numbers]
        for sentence in sentences(bare):
            first = sentence.lstrip(" \"'“‘(")
            for place, name in enumerate(names_of(sentence)):
                # The first word of a sentence is capitalised anyway, so it does not count as a name unless a verb
                # typical of products follows.
                written_plainly = not any(char.isupper() or char.isdigit() for char in name[1:])
                begins = place == 0 and first.startswith(name) and written_plainly
                after = first[len(name) :].lstrip()
                subject = _ACTS.match(after) and not _PLURAL.match(after) and not _ORDINARY.fullmatch(name)
                plain = begins and (self._translated or not subject)
                if not plain and not self._knows(name) and not (advice and keys_of(name) <= _tools()):
                    odd.append(name)
        return tuple(dict.fromkeys(odd))

    def _knows(self, name: str) -> bool:
        """Return whether the sources contain a name without its lower-case parts ("VPN" of "VPN-internal"), or a word
        that begins with the name, as "hackernews" begins with "hacker".
        """
        parts = [part for part in name.split("-") if not (part.isalpha() and part.islower())]
        folded = normalise(name)
        return keys_of(" ".join(parts) or name) <= self._words or (
            len(folded) >= _LONG and any(word.startswith(folded) for word in self._words)
        )

    def is_about_product(self, sentence: str) -> bool:
        """Return whether a sentence says what the product is or does."""
        if _ABOUT.match(sentence):
            return True
        named = self._name.search(sentence) if self._name else None
        if named is None:
            return False
        # A name that is the first word is the subject, whatever the verb is; a possessive is not.
        after = sentence[named.end() :]
        return (not named.start() and not after.startswith(("'", "’"))) or bool(_ACTS.search(after))

    def tells(self, sentence: str, mode: Mode) -> bool:
        """Return whether a sentence is about the product. An inference counts only if the product is its subject, since
        other inferences say what an attacker does to the product."""
        if mode != "inference" or _ABOUT.match(sentence):
            return self.is_about_product(sentence)
        named = self._name.search(sentence) if self._name else None
        early = named is not None and len(sentence[: named.start()].split()) < _START
        return early and self.is_about_product(sentence)

    def _common(self, mark: str, said: str) -> float:
        """Compute the overlap of a quote with `said`: shared meanings, weighted by how well each distinguishes the
        quote from the others. Meanings found only in the quote's sentence or headings count half."""
        own, quoted = meant([said]) - self._own_name, meant([self.evidence[mark].quote])
        return sum(
            math.log((len(self.evidence) + 1) / (self._counts[one] + 0.5)) * (1.0 if one in quoted else 0.5)
            for one in own & self._meant(mark)
        )

    def _meant(self, mark: str) -> frozenset[str]:
        """Return the meanings of a quote, its sentence and its headings."""
        if mark not in self._meanings:
            self._meanings[mark] = frozenset(meant(self.told([mark])))
        return self._meanings[mark]

    def told(self, evidence: Iterable[str]) -> list[str]:
        """Return the wording of quotes, their sentences and their headings."""
        texts: list[str] = []
        for mark in evidence:
            item = self.evidence[mark]
            texts.append(item.quote)
            for row in self.material.touched(item.document, item.start, item.end):
                texts += (row.text, *row.path, *row.heads)
        return texts

    def _own_clauses(self, sentence: str) -> tuple[str, ...]:
        """Return the marks that follow the clauses of a sentence: the first relevant one at each place. A mark is
        relevant if its quote is code or shares a meaning with the clause, or if the clause states something without
        drawing a conclusion.
        """
        found: list[str] = []
        begin = 0
        for match in MARKED.finditer(sentence):
            clause, begin = sentence[begin : match.start()], match.end()
            for mark in filter(self.evidence.__contains__, _ID.findall(match[1])):
                item = self.evidence[mark]
                is_code = self.material.by_id[item.document].kind_at(item.start) == "code"
                if is_code or self._common(mark, clause) > 0 or not _FOLLOWS.search(clause):
                    found.append(mark)
                    break
        return tuple(found)

    def _bearing(self, marks: Sequence[str], sentence: str, own: Sequence[str]) -> tuple[str, ...]:
        """Return the marks whose quotes share a meaning or a code name with a sentence, in order, at most `MOST_MARKS`;
        if none does, the best one. Those in `own`, the marks of single clauses, take precedence.
        """
        common = {
            mark: self._common(mark, sentence) + _NAMED * _named_alike(sentence, [self.evidence[mark].quote])
            for mark in marks
        }
        best = sorted(marks, key=lambda mark: (mark not in own, -common[mark]))
        kept = [mark for mark in best if mark in own or common[mark] > 0][:MOST_MARKS] or best[:1]
        return tuple(mark for mark in marks if mark in kept)

    def check(self, text: str, mode: Mode) -> Checked:
        """Check `text` sentence by sentence. Accepted sentences have their marks at the end, or at the end of a
        clause.
        """
        kept: list[str] = []
        evidence: list[str] = []
        dropped: list[tuple[str, str]] = []
        gap = False
        for sentence in sentences(text):
            named = marks_in(sentence)
            bare = self._unlinked(_unmarked(sentence.replace("`", "")))
            cited = () if mode == "advice" else tuple(mark for mark in named if mark in self.evidence)
            own = () if mode == "advice" else self._own_clauses(sentence)
            why = self._wrong(bare, mode, cited, marked=bool(named))
            if not why and gap and _leans(bare, " ".join(kept)):
                why = "it refers to something in a sentence that was dropped"
            goes_on = mode == "inference" and bool(kept)
            if why == _NOT_BEARING and (goes_on or not self.tells(bare, mode) or _FOLLOWS.search(bare)):
                # Consequences and later steps of an attack are kept as inference, without the irrelevant marks. The
                # quote of a step described from the attacker's side need not share its words.
                cited = () if self.is_about_product(bare) else own
                if not cited:
                    dropped.append((f"marks of: {sentence}", why))
                why = self._wrong(bare, mode, (), marked=False)
                why = "" if why == _UNCITED and goes_on else why
            if why:
                dropped.append((sentence, why))
                gap = True
                continue
            gap = False
            shown = self._bearing(cited, bare, own)
            kept.append(self._unlinked(_unmarked(sentence, shown)))
            evidence += shown
        return Checked(" ".join(kept), tuple(dict.fromkeys(evidence)), tuple(dropped))

    def resting(self, text: str, evidence: Sequence[str]) -> Checked:
        """Check text that is based on the given quotes, and remove its own marks."""
        kept: list[str] = []
        dropped: list[tuple[str, str]] = []
        for sentence in sentences(text):
            bare = self._unlinked(_unmarked(sentence.replace("`", "")))
            why = self._wrong(bare, "inference", evidence if self.is_about_product(bare) else (), marked=False)
            if why:
                dropped.append((sentence, why))
            else:
                kept.append(bare)
        return Checked(" ".join(kept), tuple(evidence), tuple(dropped))

    def _unlinked(self, sentence: str) -> str:
        """Change addresses from the sources and bare schemes so that they do not become links, and remove the brackets
        of placeholders such as "<id>" in the sources.
        """
        known = "\n".join(self._texts) if _LINK.search(sentence) else ""
        bare = _SCHEME.sub(r"\1", _ADDRESS.sub(lambda match: match[1] if match[0] in known else match[0], sentence))
        return _PLACEHOLDER.sub(lambda match: match[0][1:-1] if match[0] in known else match[0], bare)

    def _wrong(self, sentence: str, mode: Mode, evidence: Sequence[str], *, marked: bool) -> str:
        """Return why a sentence must be dropped, or an empty string if it is accepted."""
        if not sentence.strip(" .!?"):
            return "it is empty"
        if _LINK.search(sentence):
            return "links and markup are not allowed"
        if _ENDLESS.search(sentence) or any(unicodedata.category(char) in _UNSEEN for char in sentence):
            return "it contains no readable words"
        if instructions.find(sentence, cued=self._ordered):
            return "it addresses the assessor"
        is_advice = mode == "advice"
        odd = self.foreign(_CHOSEN_NUMBER.sub(" ", sentence) if is_advice else sentence, advice=is_advice)
        if odd:
            return f"not in the sources: {', '.join(odd)}"
        if mode == "advice":
            return ""
        about = self.tells(sentence, mode)
        if evidence:
            return self._unsupported(sentence, mode, evidence, about=about)
        if marked and about:
            return "its marks refer to nothing that was accepted"
        if _FOLLOWS.search(sentence) or _SILENT.search(sentence):
            return ""
        if _COMFORT.search(sentence):
            return "it is reassuring but cites nothing"
        return _UNCITED if about else ""

    def _unsupported(self, sentence: str, mode: Mode, evidence: Sequence[str], *, about: bool) -> str:
        items = [self.evidence[mark] for mark in evidence]
        if about and all(item.about == "other" for item in items):
            return "its quotes are about another product"
        if not any(language.is_english(self.material.by_id[item.document].language) for item in items):
            # The quotes were found; code cannot tell whether they say the same in their language.
            return ""
        told = self.told(evidence)
        text = " ".join(told).casefold()
        if about:
            # A later step of an attack ("it can then call every tool") neither narrows nor widens the stated facts.
            stated = _stated(sentence, denials=mode != "inference")
            named = [match[0] for match in _NARROW.finditer(stated)]
            named = [word for word in named if word.casefold() != "each" or _BOUND.search(stated)]
            wide = [
                word
                for word in named
                if not any(other in text for other in _ALIKE.get(word.casefold(), (word.casefold(),)))
            ]
            if wide:
                return f"its quotes do not say {', '.join(dict.fromkeys(wide))}"
        have, own = meant(told), meant([sentence]) - self._own_name
        # Consequences are the LLM's own; the quotes only have to be relevant to what the sentence states.
        core = (meant([_stated(sentence)]) - self._own_name or own) if about else own
        share = max(len(part & have) / len(part) if part else 1.0 for part in (own, core))
        # Each further quote makes a mistaken citation less likely. Two shared meanings are no coincidence, even if a
        # long sentence goes on to say what follows from them.
        few = len(core & have) < _SHARED
        far = share == 0 or (about and few and share < _BEARS / len(evidence))
        # Common words count too: "connects AI agents with the platform" has no word that distinguishes products, yet
        # says what its quote says.
        plain = _plain_words(sentence) & _plain_words(" ".join(item.quote for item in items))
        if own and far and not _named_alike(sentence, told) and len(plain) < _WORDED:
            return _NOT_BEARING
        # A contradicting quote matters where a sentence is reassuring; elsewhere the worse reading is the safe one.
        comforts = about and (_COMFORT.search(sentence) or _BOUND.search(sentence))
        stated = _COMPARED.sub("", _stated(sentence, denials=False)) if comforts else ""
        return "its quotes contradict it" if stated and self._denied(stated, items, own) else ""

    def _denied(self, stated: str, items: Sequence[Evidence], own: set[str]) -> bool:
        """Return whether quotes contradict a sentence and none confirms it. "works without Docker" next to "runs with
        Docker Compose" is not a contradiction, and neither is "so that it works without Docker": only a "without …"
        that shares a meaning with the sentence (`own`) denies anything.
        """
        stated = _NO_DENIAL.sub(" ", stated)

        def without_lacks(text: str) -> str:
            return _LACKING.sub(lambda match: match[0] if own & meant([match[1]]) else "", _NO_DENIAL.sub(" ", text))

        said = [list(map(without_lacks, self._said(item))) for item in items]
        together = [text for texts in said for text in texts]
        if _denies_alike(stated, together) or support(stated, together, self.names) != "contradicted":
            return False
        alone = [support(stated, texts, self.names) for texts in said]
        return 2 * alone.count("contradicted") >= len(alone) and "supported" not in alone

    def _said(self, item: Evidence) -> list[str]:
        """Return a quote and the clauses that it overlaps: a "never" before the quote counts, one in the next clause
        does not."""
        found = [item.quote]
        for row in self.material.touched(item.document, item.start, item.end):
            at = 0
            for clause in clauses_of(row.text):
                begin = row.text.find(clause, at)
                at = begin + len(clause) if begin >= 0 else at
                if begin >= 0 and row.start + begin < item.end and item.start < row.start + at:
                    found.append(clause)
        return found


def _named_alike(sentence: str, told: Iterable[str]) -> bool:
    """Return whether a sentence shares a port, an address, a flag or another code name with its quotes. A line of code
    has few words in common with a sentence about it.
    """
    names = {match[0].strip(".,:;").casefold() for match in _CODE_NAME.finditer(sentence)}
    text = " ".join(told).casefold()
    return any(len(name) >= _CODE_CHARS and name in text for name in names)


def _plain_words(text: str) -> set[str]:
    return {word[:_STEM] for word in _LETTERS.findall(text.casefold())} - _EMPTY


def _denies_alike(stated: str, said: Sequence[str]) -> bool:
    """Return whether the quotes contain all negations of a sentence: the same words, such as the "never" of "a site it
    has never seen", or another denial of the same thing, such as "no agentic loops" for "without agentic loops".
    """

    def denied_by(negation: re.Match[str], text: str) -> set[str]:
        following = _CLAUSE.split(text[negation.end() :])[0] or ""
        return meant([" ".join(following.split()[:_DENIED_AFTER])])

    denials = list(_NO.finditer(stated))
    words = {match[0].casefold() for text in said for match in _NO.finditer(text)}
    denied = {one for text in said for match in _NO.finditer(text) for one in denied_by(match, text)}
    return bool(denials) and all(
        match[0].casefold() in words or denied.intersection(denied_by(match, stated)) for match in denials
    )


def _stated(sentence: str, *, denials: bool = True) -> str:
    """Return what a sentence states about the product: its first clause, and others that neither deny nor conclude.

    "…, so the stated limit does not bound it" draws a conclusion, and "…; whose key serves this is not stated" reports
    a search, so neither is contradicted by a quote that affirms something. Without `denials`, clauses about what the
    product forbids or stops, or what the sources do not say, are left out too, since their quotes are worded as the
    opposite. Empty if nothing is stated.
    """
    first, *rest = [piece for piece in _CLAUSE.split(sentence) if piece and piece.strip()]
    kept = [piece for piece in rest if not (_NO.search(piece) or _FOLLOWS.search(piece) or _SILENT.search(piece))]
    own = (_FOLLOWS, _STOPS, _SILENT)
    whole = [piece for piece in (first, *kept) if denials or not any(pattern.search(piece) for pattern in own)]
    return ", ".join(whole)


def marks_in(text: str) -> tuple[str, ...]:
    """Return the distinct marks in `text`, in order."""
    return tuple(dict.fromkeys(mark for match in MARKED.finditer(text) for mark in _ID.findall(match[1])))


def sentences(text: str) -> list[str]:
    """Split `text` into sentences, moving marks after a full stop into the preceding sentence."""
    inside = _BEHIND.sub(lambda match: f"{match[2]}{match[1]}", " ".join(text.split()))
    return [part for part in _SENTENCE.split(inside) if part.strip()]


def _unmarked(sentence: str, shown: Sequence[str] = ()) -> str:
    """Remove the schemes of local addresses from a sentence, backticks around short text, and all marks except those
    `shown`. These are placed at the end, or at the end of a clause where they were before, so that a mark does not
    appear to support the sentence's conclusion.
    """
    left = list(shown)

    def marks(found: re.Match[str]) -> str:
        here = [mark for mark in _ID.findall(found[1]) if mark in left]
        if not here or not _CLAUSE_END.match(found.string, found.end()):
            return " "
        left[:] = [mark for mark in left if mark not in here]
        return f" [{', '.join(here)}] "

    if CODE.sub("", sentence).count("`"):
        sentence = sentence.replace("`", "")
    # A full stop at the start of a name, such as that of a hidden file, keeps the space before it.
    bare = " ".join(_LOCAL.sub("", MARKED.sub(marks, sentence)).split())
    bare = re.sub(r"\s+([.,;:!?])(?=\s|$)", r"\1", bare)
    end = bare[-1:] if bare[-1:] in ".!?" else ""
    rest = f" [{', '.join(left)}]" if left else ""
    return f"{bare.removesuffix(end).rstrip()}{rest}{end or '.'}" if shown else bare


def _leans(sentence: str, before: str) -> bool:
    """Return whether a sentence refers to something that the preceding text does not name: "replay that key"."""
    things = [found[1] for found in _POINTING.finditer(sentence)]
    return bool(_POINTS_BACK.match(sentence)) or any(thing.casefold() not in before.casefold() for thing in things)


@lru_cache(maxsize=1)
def _closed() -> frozenset[str]:
    """Return the words of the closed lists: fact vocabulary, taxonomies, layers, factors and terms of the field."""
    texts = [f"{key.title} {key.definition}" for key in load_vocabulary()]
    texts += [f"{entry.id} {entry.title}" for scheme in schemes() for entry in entries(scheme)]
    texts += [*LAYER_TITLES.values(), *LAYER_CODES.values(), *FACTOR_TITLES.values(), *KIND_TITLES.values(), TERMS]
    return frozenset().union(*map(keys_of, texts))


@lru_cache(maxsize=1)
def _tools() -> frozenset[str]:
    return keys_of(TOOLS)
