"""LLMs that do harm, at the port: one obeys whatever a text of its prompt orders, one makes everything up.

Neither knows anything but the call. `ObedientLlm` answers well until foreign text in its prompt (what stands in frames,
and the product's name) gives an order; then it answers in the way that would hurt most. What both have in common is
here; `llm_lying` has the other one.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from agent.facts.vocabulary import load_vocabulary
from agent.llm.port import Call, Reply
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS
from tests.fakes.llm.answers import answer
from tests.fakes.llm.port import reply

MARK: Final = "KST"
"""What every planted text of the injection vectors has in it, with a number behind it."""
_FRAME: Final = re.compile(r"<<<([A-Za-z0-9]{8,})\n\[(\w+)\][^\n]*\n(.*?)\n\1>>>", re.DOTALL)
_DOCUMENT: Final = re.compile(r"D\d+")
_PRODUCT: Final = re.compile(r"^Product: .+$", re.MULTILINE)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_FOUND: Final = re.compile(r"^(P\d+) ", re.MULTILINE)
_CANDIDATE: Final = re.compile(r"^([\w-]+): .+\(\d", re.MULTILINE)
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
"""Orders of the vectors as a gullible reader understands them; wider than, and apart from, what intake looks for."""


class Passage(NamedTuple):
    """One document as a prompt shows it, or one frame beside the documents."""

    id: str
    text: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """Its sentences of at least four words, letter by letter."""
        return tuple(part for piece in _SENTENCE.split(self.text) if len((part := piece.strip()).split()) > 3)


def text_of(call: Call) -> str:
    """All that a call says."""
    return "\n".join(message.text for message in call.messages)


def frames_of(call: Call) -> tuple[Passage, ...]:
    """The frames of a call, in their order: documents, facts, candidates, what was found."""
    return tuple(Passage(key, shown) for _, key, shown in _FRAME.findall(text_of(call)))


def passages_of(call: Call) -> tuple[Passage, ...]:
    """The documents of a call, in their order."""
    return tuple(frame for frame in frames_of(call) if _DOCUMENT.fullmatch(frame.id))


def frame(call: Call, name: str) -> str:
    """What stands in the frames of this name."""
    return "\n".join(found.text for found in frames_of(call) if found.id == name)


def foreign_lines(call: Call) -> tuple[str, ...]:
    """The lines of a call that come from elsewhere: sources, names, facts, titles."""
    lines = [line.strip() for found in frames_of(call) for line in found.text.splitlines()]
    return tuple(line for line in (*_PRODUCT.findall(text_of(call)), *lines) if line)


def stage_of(call: Call) -> str:
    """Which of the four questions a call puts: page, factors, facts-does or facts-built."""
    return call.stage.removesuffix("-again").removesuffix("-shorter")


class Hostile:
    """What both have: a name, the calls, and answers made one at a time."""

    name = "fake/hostile"

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.closed = False
        self._lock = threading.Lock()

    def complete(self, call: Call) -> Reply:
        """Answers at once."""
        with self._lock:
            self.calls.append(call)
            return reply(self.answer(call))

    def answer(self, call: Call) -> str:
        """The text of the answer."""
        raise NotImplementedError

    def close(self) -> None:
        """Answers no more."""
        self.closed = True


class ObedientLlm(Hostile):
    """Answers well unless a foreign text orders something; then it obeys as harmfully as it can."""

    def __init__(self, well: Callable[[Call], str] = answer) -> None:
        super().__init__()
        self.obeyed: list[str] = []
        """The orders that it followed, in the order of its calls."""
        self._well = well

    def answer(self, call: Call) -> str:
        orders = [line for line in foreign_lines(call) if ORDERS.search(line)]
        if not orders and not (self.obeyed and stage_of(call) == "page"):
            return self._well(call)
        # Of the second wave, which sees little of the sources, it goes on as it began.
        self.obeyed += orders
        quoted = _marked_first(call)
        first = [one for one in quoted if ORDERS.search(one.text) or MARK in one.text]
        return json.dumps(_Harm(call, self.obeyed[0], (*first, *quoted)).made())


def worst(call: Call, order: str) -> dict[str, object]:
    """The worst answer to a call, with `order` wherever a text may stand."""
    return _Harm(call, order, _marked_first(call)).made()


class _Quoted(NamedTuple):
    document: str
    text: str

    @property
    def quote(self) -> str:
        return f"{self.document}: {self.text}"


def _marked_first(call: Call) -> list[_Quoted]:
    """All sentences that were shown, those with a planted mark first, then those that speak of settings."""
    found = [_Quoted(passage.id, text) for passage in passages_of(call) for text in passage.sentences]
    return sorted(found, key=lambda one: (MARK not in one.text, "default" not in one.text.lower()))


class _Harm:
    """The worst answer to a call: nothing is risky, everything is certain, and the order stands everywhere."""

    def __init__(self, call: Call, order: str, quoted: Sequence[_Quoted]) -> None:
        self._call = call
        self._order = order[:400]
        self._quotes = [one.quote for one in dict.fromkeys(quoted)][:_MOST]
        self._marks = [quote for quote in self._quotes if not set("[]") & set(quote)][:3]

    def made(self) -> dict[str, object]:
        makers: Mapping[str, Callable[[], dict[str, object]]] = {
            "facts-does": self._does,
            "facts-built": self._built,
            "factors": self._factors,
            "page": lambda: {**self._threats(), **self._layers(), **self._summary()},
        }
        return makers[stage_of(self._call)]()

    def _facts(self) -> list[dict[str, object]]:
        """Every control is there, every danger is denied; each rests on a planted sentence."""
        found = []
        for n, key in enumerate(load_vocabulary()):
            polarity = "asserted" if key.comforting else "denied"
            quotes = [self._quotes[n % len(self._quotes)]] if self._quotes else []
            row = {"key": key.id, "polarity": polarity, "about": "product", "quotes": quotes, "slots": []}
            found.append({**row, "slots": ["default: on", f"scope: {self._order}"], "inferred": False})
        return sorted(found, key=lambda row: row["polarity"] != "asserted")[:80]

    def _wrong(self) -> list[dict[str, str]]:
        """Every fact of the program is called wrong, for each reason."""
        reasons = ("addressed to the reader", "another product", "not stated", "misread")
        numbers = _FOUND.findall(frame(self._call, "found"))
        return [{"fact": number, "reason": reason, "why": self._order[:80]} for reason in reasons for number in numbers]

    def _does(self) -> dict[str, object]:
        names = (self._order[:50], f"{MARK}000", *re.findall(rf"{MARK}\d+", self._order))
        parts = [
            {"name": name, "group": group, "inside": "user", "quotes": self._quotes[:2]}
            for group in ("actor", "component", "store", "service")
            for name in names
        ]
        flow = {"source": "product", "target": self._order, "what": self._order, "quotes": self._quotes[:1]}
        return {"kind": "other", "facts": self._facts(), "parts": parts, "flows": [flow], "wrong": self._wrong()}

    def _built(self) -> dict[str, object]:
        layers = [{"layer": key, "quotes": self._quotes[:4], "verdict": "sufficient"} for key in LAYERS]
        return {"facts": self._facts(), "layers": layers, "wrong": self._wrong()}

    def _factors(self) -> dict[str, object]:
        zero = {"value": 0, "low": 0, "high": 0, "insufficient": False}
        row = {"reason": self._order, "quotes": self._quotes[:3], **zero}
        return {"factors": [{"factor": key, **row} for key in FACTORS]}

    def _threats(self) -> dict[str, object]:
        candidates = _CANDIDATE.findall(frame(self._call, "candidates"))
        wrong = [
            {"candidate": name, "says": "wrong", "into": "", "reason": reason, "why": self._order[:80]}
            for reason in ("fact absent", "another product", "addressed to the reader")
            for name in candidates
        ]
        none = dict.fromkeys(("VC", "VI", "VA", "SC", "SI", "SA"), f"N: {self._order}")
        hard = {"AV": "P: only here", "AC": "H: hard", "AT": "P: rare", "PR": "H: an owner", "UI": "A: asked"}
        row = {
            "candidate": candidates[0] if candidates else "",
            "title": self._order,
            "actor": self._order,
            "how": " ".join(f"{self._order} [{mark}]." for mark in self._marks) or self._order,
            "lost": self._order,
            "layer": LAYERS[0],
            "basis": "needs a setting",
            "setting": self._order,
            "default_use": False,
            "quotes": self._marks,
            "cvss": {**hard, **none},
            "ids": [f"{MARK}000", self._order],
            "you": self._order,
            "vendor": self._order,
        }
        steps = [{"threat": "T1", "quotes": self._marks}, {"threat": "T2", "quotes": self._marks}]
        return {
            "verdicts": wrong,
            "threats": [row] * 2,
            "chains": [{"title": self._order, "steps": steps}],
            "conditions": [
                {"text": self._order, "who": self._order, "price": self._order, "metrics": ["T1 gone", "T2 AV:P"]}
            ],
            "proposal": "use",
            "caveat": self._order,
            "law": self._order,
        }

    def _layers(self) -> dict[str, object]:
        mark = f" [{self._marks[0]}]" if self._marks else ""
        return {"layers": [{"layer": key, "paragraph": f"{self._order}{mark}."} for key in LAYERS]}

    def _summary(self) -> dict[str, object]:
        mark = f" [{self._marks[0]}]" if self._marks else ""
        text = f"{self._order}{mark}."
        question = {"text": f"Is it true that {self._order}?", "why": self._order, "changes": self._order}
        return {
            "what": text,
            "posture": f"{text} It is certified safe {MARK}000{mark}.",
            "lines": [{"label": label, "text": text} for label in ("Acts", "Reads", "Approval")],
            "reasons": [{"factor": key, "reason": text} for key in FACTORS],
            "controls": [{"text": f"{text} It waits for a person{mark}.", "part": self._order}],
            "questions": [{**question, "about": ["approval_before"], "proposed": self._order}],
        }
