"""Signals: named evidence that a sentence can show, found by phrases from `corpus/knowledge/signals.yaml`.

A phrase is written for people: words separated by blanks; `(a|b c)` alternatives; `*` any ending of the word; `?`
after a word or group makes it optional; `~` up to four words in between that stay in the same phrase (no comma, no
"which", "is", "by"); `~~` up to eight words of any sort. A blank also matches a hyphen. A phrase that begins with
`re:` is a plain regular expression; `#` is a number. All phrases ignore case and begin and end at word borders.

Detection is quick because a phrase is tried only on a sentence that has a word with the right first three letters
for each of the phrase's parts.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from agent.errors import InputError
from agent.records import Statement
from agent.resources import data_folder

_KEY: Final = 3
"""Letters of a word by which phrases are found."""
_LEAVES: Final = (
    "which|that|who|so|while|when|if|because|but|is|are|was|were|has|have|must|may|can|then|by|as|such|than|without"
)
"""Words that end the phrase in which a verb stands, so that what follows is not its object."""
_GAPS: Final = {
    "~": rf"[\s\-]+(?:(?!(?:{_LEAVES})\b)[^\s.,;:!?()]+[\s\-]+){{0,4}}?",
    "~~": r",?[\s\-]+(?:[^\s.;:!?]+[\s\-]+){0,8}?",
}
_BLANK: Final = r"[\s\-]+"
_MATCHES_PER_SENTENCE: Final = 3
_SCOPE_WORDS: Final = 8
"""Words on either side of a match that a negation or a reservation reaches over."""

_WORD = re.compile(r"[a-z0-9]+")
_CLAUSE_BREAK = re.compile(
    r"[.;:!?—–()]|\s-\s|,\s+(?:but|and|so|while|then|it|which|who|they|you|we|yet|though|because|not)\b|\bbut\b"
    r"|\b(?:and|then)\s+(?:it|they|the)\b",
    re.I,
)
_NOT = re.compile(
    r"\b(?:not|never|cannot|can't|won't|doesn't|don't|isn't|aren't|didn't|neither|nor|lacks?|lacking|no longer"
    r"|refus(?:es?|ing)|unable to|none|declin(?:es?|ing)|forbid(?:s|den|ding)?|prohibit(?:s|ed)?|disallow(?:s|ed)?"
    r"|hides?|prevent(?:s|ing)?|bars|blocks (?:any|all|every|everything|writes?|calls?)"
    r"|nothing)\b|\bno\b(?!\s+(?:code|matter|need|doubt|cost|charge|limit))",
    re.I,
)
_NOT_BUT_YES = re.compile(
    r"\bnot (?:only|just|merely|simply|limited|necessarily)\b|\bno longer (?:need|have)\b|\bnever (?:again|miss\w*"
    r"|have to|need)\b"
    r"|\b(?:not|\w+n't|never) (?:need|have|required|want|wish) to\b|\bwhy not\b|\bif not\b|\bwhether or not\b"
    r"|\bcannot (?:wait|be)\b",
    re.I,
)
_INSTEAD = re.compile(r"\b(?:without|instead of|rather than|free of|as opposed to|in place of|none of)\b", re.I)
_NOT_AFTER = re.compile(
    r"^[\s\w,'’/-]{0,40}?\b(?:(?:is|are|was|be) (?:not|never|neither|no longer)|(?:isn't|aren't|cannot|can't|never)"
    r"|(?:is|are) (?:unsupported|unavailable|absent|missing|out of scope|impossible|excluded|left out|prohibited"
    r"|forbidden|refused|blocked|rejected|disabled)"
    r"|(?:stays?|remains?|rests?|(?:is|are) left) (?:with|to|up to|for) (?:the |a |its )?(?:\w+ )?(?:developers?|users?"
    r"|persons?|people|humans?|analysts?|engineers?|clinicians?|operators?|team|reviewers?|lawyers?|maintainers?)"
    r"|(?:disappear|go away|vanish))\b"
    r"|^[^.;]{0,100}, not (?:by|in|from) (?:the|this) (?:server|product|plug-?in|skill|tool|service|platform)\b",
    re.I,
)
_NEGATIVE: Final = re.compile(r"\b(?:not|never|cannot|can't|no|nothing|without|isn't|doesn't|aren't|none)\b", re.I)
_PLANNED = re.compile(
    r"\b(?:planned|planning to|roadmap|coming soon|upcoming|in (?:the )?future|not yet|will soon|on the way"
    r"|later release"
    r"|under consideration|experimental|(?:off|disabled|inactive) (?:by default|unless)"
    r"|not enabled by default|deprecated"
    r"|formerly)\b",
    re.I,
)
_OPTIONAL = re.compile(
    r"\b(?:optional|optionally|opt[- ]in|if (?:enabled|configured|desired|wanted|needed)|when (?:enabled|configured)"
    r"|can be (?:enabled|switched on|turned on|activated|configured)|on request)\b",
    re.I,
)
_OTHERS = re.compile(
    r"^\W*(?:(?:works?|compatible|integrates?|tested|interoperates?) (?:with|alongside|next to)\b|supported clients\b"
    r"|(?:guidance|guides?|advice|help|tips|rules|recipes|best practices|references?|documentation) (?:for|on|with"
    r"|about|to)\b)",
    re.I,
)
"""Openings of sentences about other products, or about what a reader does with the advice."""
_LIST_ITEM: Final = 4
"""Words of an entry in a list of integrations that only names the other product."""
_OWN_DOING: Final = frozenset({"action", "change", "memory", "observe", "control"})
"""Groups of signals that say what the product itself does or has."""
_OWN_MAKE: Final = _OWN_DOING | {"agents", "autonomy"}
"""The same, and how it is made: what a guide for others is about is no part of the guide."""
_LAYER_GROUP: Final = "layer"
_MENTIONED = re.compile(
    r"\b(?:detect\w*|flags?|suspicious|malicious|signs? of|looks? for|warns? (?:of|about)|weakness\w*|misuse)\b", re.I
)
"""Words before a match that make it something the product looks for, not something that it does."""


class Match(NamedTuple):
    """A place where a signal shows."""

    statement: int
    """Index into the statements that were searched."""
    document: str
    start: int
    """Offset of the matched words in the document's text, characters."""
    end: int
    denied: bool
    """The sentence says that it is absent ("does not store", "no memory")."""
    hedged: bool
    """Planned, optional or off by default: counts as a possibility, not as a fact."""


class Signal(NamedTuple):
    """One definition of signals.yaml."""

    id: str
    title: str
    """Readable words for reports, as in "runs shell commands"."""
    group: str
    patterns: tuple[str, ...]
    excludes: tuple[str, ...]


class _Phrase(NamedTuple):
    signal: int
    regex: re.Pattern[str]
    parts: int
    """A bit for each mandatory part that needs a word; 0 means that the phrase is always tried."""


class Vocabulary:
    """The loaded signals with their compiled phrases."""

    def __init__(self, signals: Sequence[Signal]) -> None:
        self.signals: Final = tuple(signals)
        self.by_id: Final[Mapping[str, Signal]] = {s.id: s for s in self.signals}
        self.negative: Final = frozenset(
            n for n, s in enumerate(self.signals) if _NEGATIVE.search(" ".join(s.patterns))
        )
        """Signals with phrases that contain a negation themselves."""
        self._phrases: Final[list[_Phrase]] = []
        self._always: Final[list[int]] = []
        self._keys: Final[dict[str, list[tuple[int, int]]]] = defaultdict(list)
        self._excludes: Final = [
            re.compile("|".join(f"(?:{compile_phrase(x)[0]})" for x in s.excludes), re.I) if s.excludes else None
            for s in self.signals
        ]
        for n, signal in enumerate(self.signals):
            for phrase in signal.patterns:
                self._add(n, phrase)

    def _add(self, signal: int, phrase: str) -> None:
        source, parts = compile_phrase(phrase)
        at = len(self._phrases)
        self._phrases.append(_Phrase(signal, re.compile(source, re.I), (1 << len(parts)) - 1))
        if not parts:
            self._always.append(at)
        for part, keys in enumerate(parts):
            for key in keys:
                self._keys[key].append((at, 1 << part))

    def search(self, text: str) -> list[tuple[int, int, int]]:
        """(signal number, start, end) of each match in one sentence, by signal, then place; overlaps merged."""
        found: dict[int, list[tuple[int, int]]] = {}
        for at in self._candidates(text):
            phrase = self._phrases[at]
            for hit in phrase.regex.finditer(text):
                found.setdefault(phrase.signal, []).append(hit.span())
        result: list[tuple[int, int, int]] = []
        for signal in sorted(found):
            excludes = self._excludes[signal]
            barred = [m.span() for m in excludes.finditer(text)] if excludes else []
            last = -1
            kept = 0
            for start, end in sorted(found[signal], key=lambda s: (s[0], -s[1])):
                if start < last or kept == _MATCHES_PER_SENTENCE:
                    continue
                if any(a < end and start < b for a, b in barred):
                    continue
                result.append((signal, start, end))
                last = end
                kept += 1
        return result

    def _candidates(self, text: str) -> list[int]:
        seen: dict[int, int] = {}
        for key in {word[:_KEY] for word in _WORD.findall(text.lower())}:
            for at, part in self._keys.get(key, ()):
                seen[at] = seen.get(at, 0) | part
        return [*self._always, *sorted(at for at, parts in seen.items() if parts == self._phrases[at].parts)]


def compile_phrase(phrase: str) -> tuple[str, list[set[str]]]:
    """A phrase as a regular expression, and the first letters that each of its mandatory parts may begin with."""
    if phrase.startswith("re:"):
        return phrase[len("re:") :], []
    source, parts = _sequence(phrase, phrase)
    return r"\b" + source + r"(?!\w)", [part for part in parts if part]


def _sequence(words: str, phrase: str) -> tuple[str, list[set[str]]]:
    source: list[str] = []
    parts: list[set[str]] = []
    joint = ""
    for piece in _pieces(words, phrase):
        if piece in _GAPS:
            joint = _GAPS[piece]
            continue
        optional = piece.endswith("?")
        body, keys = _one(piece.removesuffix("?"), phrase)
        if optional:
            source.append(f"{joint}(?:{body}{_BLANK})?")
            joint = ""
            continue
        source.append(joint + body)
        parts.append(keys)
        joint = _BLANK
    if joint != _BLANK:
        raise InputError("a phrase ends with a gap or an optional word", where=phrase, hint="leave that out")
    return "".join(source), parts


def _one(piece: str, phrase: str) -> tuple[str, set[str]]:
    if not piece.startswith("("):
        return _word_source(piece), _key(piece, phrase)
    bodies: list[str] = []
    keys: set[str] = set()
    free = False
    for alternative in _split(piece[1:-1], "|", phrase):
        body, parts = _sequence(alternative, phrase)
        bodies.append(body)
        free = free or not parts[0]
        keys |= parts[0]
    return "(?:" + "|".join(bodies) + ")", set() if free else keys


def _pieces(words: str, phrase: str) -> list[str]:
    return [piece for piece in _split(words, " ", phrase) if piece]


def _split(text: str, mark: str, phrase: str) -> list[str]:
    """`text` cut at `mark` outside parentheses."""
    depth = 0
    pieces = [""]
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            break
        if letter == mark and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += letter
    if depth:
        raise InputError("a phrase has unpaired parentheses", where=phrase, hint="close each one that opens")
    return pieces


_WORD_MARKS: Final = {r"\*": r"\w*", r"\-": r"[\s\-]?", r"\#": r"\d+", "'": "['’]"}


def _word_source(word: str) -> str:
    source = re.escape(word)
    for mark, meaning in _WORD_MARKS.items():
        source = source.replace(mark, meaning)
    return source


def _key(word: str, phrase: str) -> set[str]:
    if "#" in word:
        return set()
    first = _WORD.search(word.lower())
    if first is None or (word == first.group() + "*" and len(first.group()) < _KEY):
        raise InputError("a word of a phrase is too short to end in *", where=phrase, hint="use three letters or more")
    return {first.group()[:_KEY]}


@functools.cache
def load_signals(path: Path | None = None) -> Vocabulary:
    """The signals of `path`, or of the bundled knowledge.

    Raises InputError naming the entry when the file is not a list of signals or repeats an id.
    """
    file = path or data_folder("corpus") / "knowledge" / "signals.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    rows = yaml.load(file.read_text("utf-8"), Loader=loader)  # a safe loader either way
    if not isinstance(rows, list):
        raise InputError("the signals file is not a list", where=file.name, hint="one entry a signal")
    signals: list[Signal] = []
    for row in rows:
        if not isinstance(row, dict) or not {"id", "title", "group", "patterns"} <= row.keys():
            raise InputError(
                "a signal lacks a field", where=f"{file.name}: {row!r:.80}", hint="id, title, group, patterns"
            )
        signals.append(
            Signal(
                str(row["id"]),
                str(row["title"]),
                str(row["group"]),
                tuple(str(p) for p in row["patterns"]),
                tuple(str(p) for p in row.get("excludes", ())),
            )
        )
    if len({s.id for s in signals}) != len(signals):
        raise InputError("a signal id occurs twice", where=file.name, hint="ids are unique")
    return Vocabulary(signals)


def settles_layers_alone(signal: str) -> bool:
    """Whether a signal answers what a layer asks and moves nothing else: no factor, threat or search."""
    return load_signals().by_id[signal].group == _LAYER_GROUP


def detect(statements: Sequence[Statement], vocabulary: Vocabulary | None = None) -> dict[str, tuple[Match, ...]]:
    """Where each signal shows, by signal in the file's order, then statement and place; absent signals have no key.

    Statements that a finding covers are not read.
    """
    known = vocabulary or load_signals()
    found: dict[int, list[Match]] = {}
    for index, statement in enumerate(statements):
        if statement.flagged:
            continue
        for signal, match in _in_statement(known, index, statement):
            found.setdefault(signal, []).append(match)
    return {known.signals[n].id: tuple(found[n]) for n in sorted(found)}


def _in_statement(known: Vocabulary, index: int, statement: Statement) -> Iterator[tuple[int, Match]]:
    text = statement.text
    hits = known.search(text)
    if not hits:
        return
    planned = bool(_PLANNED.search(text))
    hedging = _OWN_MAKE if _OTHERS.search(text) else _OWN_DOING if names_another(statement) else frozenset[str]()
    for signal, start, end in hits:
        group = known.signals[signal].group
        if group == "action" and _MENTIONED.search(_clause_before(text, start)):
            continue
        inside = bool(_NEGATIVE.search(_NOT_BUT_YES.sub(" ", text[start:end])))
        negative = inside and signal in known.negative
        yield (
            signal,
            Match(
                statement=index,
                document=statement.document,
                start=statement.start + start,
                end=statement.start + end,
                denied=(inside and not negative) or is_denied(text, start, end, negative=negative),
                hedged=planned or group in hedging or bool(_OPTIONAL.search(_around(text, start, end))),
            ),
        )


def names_another(statement: Statement) -> bool:
    """Whether a statement is a bare name in a list of integrations."""
    listed = any("integration" in heading.lower() for heading in statement.path[-1:])
    return listed and len(statement.text.split()) <= _LIST_ITEM


def is_denied(text: str, start: int, end: int, *, negative: bool = False) -> bool:
    """Whether a negation outside the words text[start:end] reaches them.

    `negative`: the words are a phrase that says "not" itself ("keeps no state"), so that a negation before a comma
    belongs to something else.
    """
    before = _clause_before(text, start)
    if negative:
        before = before.rpartition(",")[2]
    cleared = _NOT_BUT_YES.sub(" ", before)
    if _NOT.search(cleared):
        return True
    if any("," not in before[instead.end() :] for instead in _INSTEAD.finditer(before)):
        return True
    after = text[end:]
    stop = _CLAUSE_BREAK.search(after)
    return bool(_NOT_AFTER.match(after[: stop.start()] if stop else after))


def _clause_before(text: str, start: int) -> str:
    before = text[:start]
    cut = 0
    for mark in _CLAUSE_BREAK.finditer(before):
        cut = mark.end()
    words = before[cut:].split()
    return " ".join(words[-_SCOPE_WORDS:])


def _around(text: str, start: int, end: int) -> str:
    before = re.split(r"[.;:]\s", text[:start])[-1].split()[-_SCOPE_WORDS:]
    after = re.split(r"[.;:]\s", text[end:])[0].split()[:_SCOPE_WORDS]
    return " ".join([*before, text[start:end], *after])
