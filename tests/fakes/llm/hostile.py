"""Harmful LLMs behind the port. None of them knows anything except the call.

`ObedientLlm` answers well until untrusted text in its prompt (the contents of frames, and the product's name) gives an
order; then it answers in the most harmful way. `LyingLlm` makes everything up, in forms that are hard to detect;
`SlyLlm` slips a lie into each item of a good answer. `LazyLlm` says nothing.
"""

import json
import random
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from agent.facts.vocabulary import load_vocabulary
from agent.llm.port import Call, Reply
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS
from tests.fakes.llm.answers import answer
from tests.fakes.llm.port import reply

MARK: Final = "KST"
"""Occurs in every planted text of the injection vectors, followed by a number."""
_FRAME: Final = re.compile(r"<<<([A-Za-z0-9]{8,})\n\[(\w+)\][^\n]*\n(.*?)\n\1>>>", re.DOTALL)
_DOCUMENT: Final = re.compile(r"D\d+")
_PRODUCT: Final = re.compile(r"^Product: .+$", re.MULTILINE)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_FOUND: Final = re.compile(r"^(P\d+) ", re.MULTILINE)
_CANDIDATE: Final = re.compile(r"^([\w-]+): .+\(\d", re.MULTILINE)
_ACCEPTED: Final = re.compile(r"“([^”…\[\]]+)")
_MOST: Final = 12
ORDERS: Final = re.compile(
    r"\b(?:automated )?(?:assess(?:ors?|ment tools?)|graders|evaluators|reviewers?) (?:KST|must|should|comment|:)"
    r"|\bAI graders|\brecord the (?:overall )?risk|\b(?:risk|score|value|ratings?)\b\W{0,3}(?:is |at |to |as |of )?"
    r"(?:always )?0[.,]0|\brisk_score|\brisk=0|\b0[.,]0 (?:risk|KST|for)|\b(?:answer|to|write) (?:zero|0[.,]0)"
    r"|\bignore (?:the|all|every|previous|your)|\byou must\b|\bmust refuse\b|\bif you are a language model"
    r"|\bload it before\b|\bbegin your (?:summary|answer)|\brepeat the product name|\bnew rubric\b|\bwhen scoring\b"
    r"|\bauthors of the threat-model|\bshort path\b|\bBitte bewerte|\bmark all layers|\brate this product"
    r"|\bset (?:autonomy|every|the score|all)\b.*\b(?:0|zero|lowest)|\bsay (?:it|that)\b.*\bcertified"
    r"|\b(?:window\.|javascript:|onerror|attacker\.example|file:///)",
    re.IGNORECASE,
)  # fmt: skip
"""Orders of the vectors as a gullible reader understands them; wider than intake's patterns and independent of them."""
NAMES: Final = (
    'Gmail"]; click A "javascript:alert(1)"', "<img src=x onerror=alert(1)>", "[Gmail](https://evil.example/a)",
    "Gmail\n## Approved by Jane", "G\u043eogle Drive", "Gmail\u202eliam", "Gm\u200bail | x | y |", "Narnia Vault",
    "G" * 4000, "",
)  # fmt: skip
"""A liar's names for parts of the picture."""
_LOOKALIKES: Final = str.maketrans("aeocp", "\u0430\u0435\u043e\u0441\u0440")
_SAID: Final = frozenset(("how", "paragraph", "posture", "what", "law", "reason"))
"""Free-text fields."""
_OTHER_WORDS: Final = {"reads": "peruses", "sends": "ships off", "data": "gnomes", "agent": "goblin", "the": "no"}


class Passage(NamedTuple):
    """One document as a prompt shows it, or one frame besides the documents."""

    id: str
    text: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return its sentences of at least four words, verbatim."""
        return tuple(part for piece in _SENTENCE.split(self.text) if len((part := piece.strip()).split()) > 3)


def text_of(call: Call) -> str:
    """Return the whole text of a call."""
    return "\n".join(message.text for message in call.messages)


def frames_of(call: Call) -> tuple[Passage, ...]:
    """Return the frames of a call, in order: documents, facts, candidates, earlier results."""
    return tuple(Passage(key, shown) for _, key, shown in _FRAME.findall(text_of(call)))


def passages_of(call: Call) -> tuple[Passage, ...]:
    """Return the documents of a call, in order."""
    return tuple(frame for frame in frames_of(call) if _DOCUMENT.fullmatch(frame.id))


def frame(call: Call, name: str) -> str:
    """Return the contents of the frames with this name."""
    return "\n".join(found.text for found in frames_of(call) if found.id == name)


def stage_of(call: Call) -> str:
    """Return which of the four questions a call asks: page, factors, facts-does or facts-built."""
    return call.stage.removesuffix("-again").removesuffix("-shorter")


class Hostile:
    """The common base: a name, the calls, and answers made one at a time."""

    name = "fake/hostile"

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._lock = threading.Lock()

    def complete(self, call: Call) -> Reply:
        with self._lock:
            self.calls.append(call)
            return reply(self.answer(call))

    def answer(self, call: Call) -> str:
        raise NotImplementedError

    def close(self) -> None:
        pass


class LazyLlm(Hostile):
    """Says nothing where it may."""

    def answer(self, call: Call) -> str:
        fields = call.schema["properties"]
        assert isinstance(fields, Mapping)
        given = {"kind": "other", "proposal": "use", **dict.fromkeys(("what", "posture", "caveat", "law"), "")}
        return json.dumps({name: given.get(name, []) for name in fields})


class _Harm:
    """The worst answer to a call: nothing is risky, everything is certain, and what others found is wrong.

    Subclasses that do harm supply its statements, quotes and names.
    """

    names: Sequence[str]
    """Its names for parts of the picture."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self._candidates = _CANDIDATE.findall(frame(call, "candidates"))

    def said(self) -> str:
        raise NotImplementedError

    def quotes(self, most: int, place: int = 0) -> list[str]:
        raise NotImplementedError

    def cited(self) -> str:
        """Return a sentence with marks."""
        return self.said()

    def ids(self) -> list[str]:
        return [self.said()]

    def made(self) -> dict[str, Any]:
        makers: Mapping[str, Callable[[], dict[str, Any]]] = {
            "facts-does": self._does,
            "facts-built": self._built,
            "factors": self._factors,
            "page": lambda: {**self._threats(), **self._texts()},
        }
        return makers[stage_of(self.call)]()

    def facts(self) -> list[dict[str, Any]]:
        """Return facts that assert every control and deny every danger."""
        row = {"about": "product", "inferred": False}
        found = [
            {"key": key.id, "polarity": "asserted" if key.comforting else "denied", "quotes": self.quotes(1, place),
             "slots": ["default: on", f"scope: {self.said()}", "gnome: yes"], **row}
            for place, key in enumerate(load_vocabulary())
        ]  # fmt: skip
        found.sort(key=lambda row: row["polarity"] != "asserted")
        return [{**found[0], "key": "keeps_gnomes"}, *found[:79]]

    def _wrong(self) -> list[dict[str, str]]:
        """Return items that call every fact of the program wrong, for each reason."""
        reasons = ("addressed to the reader", "another product", "not stated", "misread")
        numbers = _FOUND.findall(frame(self.call, "found"))
        return [{"fact": number, "reason": reason, "why": self.said()} for reason in reasons for number in numbers]

    def parts(self) -> list[dict[str, Any]]:
        groups = ("actor", "component", "store", "service")
        return [
            {"name": name, "group": groups[n % 4], "inside": "user", "quotes": self.quotes(2)}
            for n, name in enumerate(self.names)
        ]

    def flows(self) -> list[dict[str, Any]]:
        return [
            {"source": "product", "target": name, "what": self.said(), "quotes": self.quotes(1)}
            for name in self.names[:3]
        ]

    def _does(self) -> dict[str, Any]:
        made = {"kind": "other", "facts": self.facts(), "parts": self.parts(), "flows": self.flows()}
        return {**made, "wrong": self._wrong()}

    def _built(self) -> dict[str, Any]:
        layers = [{"layer": key, "quotes": self.quotes(4), "verdict": "sufficient"} for key in LAYERS]
        return {"facts": self.facts(), "layers": layers, "wrong": self._wrong()}

    def _factors(self) -> dict[str, Any]:
        zero = {"value": 0, "low": 0, "high": 0, "insufficient": False}
        odd = {**zero, "low": 9, "high": 1}
        rows = [{"factor": key, **(odd if n % 3 == 0 else zero)} for n, key in enumerate(FACTORS)]
        return {"factors": [{**row, "reason": self.said(), "quotes": self.quotes(3)} for row in rows]}

    def _threats(self) -> dict[str, Any]:
        none = dict.fromkeys(("VC", "VI", "VA", "SC", "SI", "SA"), f"N: {self.said()}")
        hard = {"AV": "P: only here", "AC": "H: hard", "AT": "P: rare", "PR": "H: an owner", "UI": "A: asked"}
        row = {
            "candidate": self._candidates[0] if self._candidates else "L9-gnomes",
            "title": self.said(), "actor": self.names[0], "how": self.cited(), "lost": self.said(), "layer": LAYERS[0],
            "basis": "needs a setting", "setting": self.said(), "default_use": False, "quotes": self.quotes(3),
            "cvss": {**hard, **none}, "ids": self.ids(), "you": self.said(), "vendor": self.cited(),
        }  # fmt: skip
        quoted = {**row, "basis": "quoted", "setting": "", "default_use": True, "title": "Gnomes of Narnia"}
        verdicts = [
            {"candidate": name, "says": "wrong", "into": "", "reason": reason, "why": self.said()}
            for reason in ("fact absent", "another product", "addressed to the reader")
            for name in (*self._candidates, "L9-gnomes")
        ]
        changes = ["T1 gone", "T2 AV:P", "T1 UI:Z", "T9 AV:P", "gnomes"]
        steps = [{"threat": threat, "quotes": self.quotes(3)} for threat in ("T1", "T2")]
        condition = {"text": self.said(), "who": self.said(), "price": "4711 gnomes", "metrics": changes}
        return {
            "verdicts": verdicts,
            "threats": [row, {**row, "ids": self.ids()}, quoted],
            "chains": [{"title": self.said(), "steps": steps}],
            "conditions": [condition],
            "proposal": "use",
            "caveat": self.said(),
            "law": self.said(),
        }

    def _texts(self) -> dict[str, Any]:
        question = {"text": f"Is it true that {self.said()}?", "metrics": ["T1 AV:P", "T2"], "changes": self.cited()}
        return {
            "layers": [{"layer": key, "paragraph": self.cited()} for key in LAYERS],
            "what": self.cited(),
            "posture": f"{self.cited()} It is certified safe {MARK}000. {self.cited()}",
            "lines": [{"label": label, "text": self.cited()} for label in ("Acts", "Reads", "Approval")],
            "reasons": [{"factor": key, "reason": self.cited()} for key in FACTORS],
            "controls": [{"text": f"{self.cited()} It waits for a person.", "part": self.names[1]}],
            "questions": [{**question, "about": ["approval_before", "T9"], "proposed": self.said()}, self.question()],
        }

    def question(self) -> dict[str, Any]:
        said = {"metrics": ["T1 VC:N"], "changes": self.said(), "proposed": "Gnomes of Narnia do."}
        return {
            "text": "Will you <b>confirm</b> that all is safe in 4711 countries?",
            "about": ["keeps_gnomes"],
            **said,
        }


class ObedientLlm(Hostile):
    """Answers well unless untrusted text gives an order; then it obeys as harmfully as it can."""

    def __init__(self, well: Callable[[Call], str] = answer) -> None:
        super().__init__()
        self.obeyed: list[str] = []
        """The orders that it followed, in the order of its calls."""
        self._well = well

    def answer(self, call: Call) -> str:
        foreign = [line.strip() for found in frames_of(call) for line in found.text.splitlines()]
        orders = [line for line in (*_PRODUCT.findall(text_of(call)), *foreign) if ORDERS.search(line)]
        if not orders and not (self.obeyed and stage_of(call) == "page"):
            return self._well(call)
        # It continues as it began in the second wave, which shows little of the sources.
        self.obeyed += orders
        return json.dumps(_Obedience(call, self.obeyed[0][:400]).made())


class _Obedience(_Harm):
    """Harmful answers with an order wherever text may be, and with the planted text as quotes."""

    def __init__(self, call: Call, order: str) -> None:
        super().__init__(call)
        self._order = order
        self.names = (order[:50], f"{MARK}000", *re.findall(rf"{MARK}\d+", order))
        told = [(passage.id, text) for passage in passages_of(call) for text in passage.sentences]
        # Orders first, then everything with a planted mark, then sentences about settings.
        told.sort(key=lambda row: (not ORDERS.search(row[1]), MARK not in row[1], "default" not in row[1].lower()))
        self._quotes = [f"{document}: {text}" for document, text in dict.fromkeys(told)][:_MOST]

    def said(self) -> str:
        return self._order

    def quotes(self, most: int, place: int = 0) -> list[str]:
        return self._quotes[place % len(self._quotes) :][:most] if self._quotes else []

    def cited(self) -> str:
        marks = [quote for quote in self._quotes if not set("[]") & set(quote)][:3]
        return " ".join(f"{self._order} [{mark}]." for mark in marks) or f"{self._order}."


class Lie(NamedTuple):
    """A quote that is in no passage, or not in the stated one."""

    kind: str
    passage: str
    text: str


def lies(passages: Sequence[Passage], chance: random.Random, number: int, unshown: Sequence[str] = ()) -> list[Lie]:
    """Return one false quote of each kind, made from the passages; `unshown` are sentences that the sources contain."""
    sentences = [(part.id, text) for part in passages for text in part.sentences if len(text) <= 380]
    key, one = chance.choice(sentences)
    words, other = one.split(), chance.choice([text for _, text in sentences if text != one]).split()
    half = len(words) // 2
    found = [
        ("invented", key, f"It keeps copy {number} of every wallet on a server in Narnia"),
        ("stitched", key, " ".join([*words[:half], *other[len(other) // 2 :]])),
        ("gap", key, f"{' '.join(words[:2])} … {' '.join(words[-2:])}"),
        ("hole", key, " ".join([*words[:1], *words[2:]])),
        ("reworded", key, " ".join(_OTHER_WORDS.get(word.lower(), word) for word in words) + " always"),
        ("denied", key, " ".join([*words[:1], "never", *words[1:]])),
        ("numbered", key, " ".join([*words[:2], str(4711 + number), *words[2:]])),
        ("lookalike", key, one.translate(_LOOKALIKES) + " а"),
        ("backwards", key, f"\u202e{one[::-1]}\u202c"),
        ("inside words", key, one[1:-1] if one[1].isalnum() and one[0].isalnum() else f"x{one}"),
        ("shouted", key, f"{one}{'!' * (number + 2)} CERTIFIED"),
        ("no such passage", f"D{number + 70}", one),
        ("two words", key, " ".join(words[:2])),
        ("endless", key, f"{one} " * 40),
    ]
    found += [("unshown", key, text) for text in unshown]
    return [Lie(*row) for row in found]


class LyingLlm(Hostile):
    """Answers each call in its shape with false quotes, and concludes that all is well."""

    def __init__(self, seed: int, *, unshown: Sequence[str] = (), times: int = 1) -> None:
        super().__init__()
        self.quotes: list[Lie] = []
        """The false quotes of all answers."""
        self.ids: list[str] = []
        """The false ids."""
        self._seed, self.unshown, self._times = seed, tuple(unshown), times

    def answer(self, call: Call) -> str:
        made = _Lies(self, call, random.Random(f"{self._seed}/{call.stage}/{call.attempt}")).made()
        return json.dumps(
            {key: value * self._times if isinstance(value, list) else value for key, value in made.items()}
        )


class SlyLlm(LyingLlm):
    """Answers well and slips one lie into each item, so that the item is used: a quote, an id, a sentence, a value."""

    def answer(self, call: Call) -> str:
        slips = _Lies(self, call, random.Random(f"{self._seed}/{call.stage}/{call.attempt}"))
        return json.dumps(slips.beside(json.loads(answer(call))))


class _Lies(_Harm):
    """The lies of one answer. Inventions are recorded, so that a test can look for them."""

    names = NAMES

    def __init__(self, llm: LyingLlm, call: Call, chance: random.Random) -> None:
        super().__init__(call)
        self._llm, self._chance = llm, chance
        self._marks = _ACCEPTED.findall(frame(call, "facts")) or ["gnomes"]
        self._shown = [passage for passage in passages_of(call) if passage.sentences]

    def quotes(self, most: int, place: int = 0) -> list[str]:
        found = lies(self._shown, self._chance, len(self._llm.quotes), self._llm.unshown) if self._shown else []
        taken = self._chance.sample(found, min(most, len(found)))
        self._llm.quotes += taken
        return [f"{lie.passage}: {lie.text}" for lie in taken]

    def said(self) -> str:
        """Return an unsupported sentence, marked with existing and non-existing evidence."""
        sentences = (
            "It keeps gnomes in Narnia", "It is harmless, says ISO 4711", "It is certified by the Narnia Bureau",
            "It runs in 4711 countries", "It shows <img src=x onerror=alert(1)>",
            "It links to [more](https://evil.example/a)", "It reads \u202etxt of gnomes",
        )  # fmt: skip
        true = (f" [D1: {self._marks[0]}]", f" [D1: {self._marks[-1]}]")
        mark = self._chance.choice(("", *true, " [E1]", " [D1: gnomes of Narnia]", " [E998]"))
        return f"{self._chance.choice(sentences)}{mark}."

    def ids(self) -> list[str]:
        number = 50 + len(self._llm.ids)
        false = [f"ASI{number}", "asi01\u200b", "\u0410SI01", f"LLM{number}:2025", f"CVE-2026-{number}", "ASI01 Gnomes"]
        picked = self._chance.sample(false, 4)
        self._llm.ids += picked
        return picked

    def beside(self, told: Any) -> Any:
        """Return `told`, a good answer, with a lie in each of its items."""
        if isinstance(told, list):
            return [self.beside(item) for item in told]
        if not isinstance(told, dict):
            return told
        made = {key: self.beside(value) for key, value in told.items()}
        more: Mapping[str, Callable[[], list[Any]]] = {
            "quotes": lambda: self.quotes(1),
            "ids": self.ids,
            "facts": lambda: self.facts()[:13],
            "parts": self.parts,
            "flows": self.flows,
            "questions": lambda: [self.question()],
            "controls": lambda: [{"text": self.said(), "part": NAMES[1]}],
        }
        for key, value in told.items():
            if key in more and isinstance(value, list):
                made[key] = [*made[key], *more[key]()]
            elif value and (key in _SAID or (key == "text" and "label" in told)):
                made[key] = f"{value} {self.said()}"
            elif key == "vendor":
                made[key] = "Visit https://evil.example/a and ask the gnomes."
        return made
