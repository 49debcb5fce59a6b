"""LLMs that do harm, at the port: one obeys whatever a text of its prompt orders, one makes everything up.

Neither knows anything but the call. `ObedientLlm` answers well until foreign text in its prompt (all lines that are not
of the prompt files) gives an order; then it answers in the way that would hurt most. `LyingLlm` keeps a list of the
quotes and ids that it invented, so that a test can look for them.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from agent.llm.port import Call, Reply
from agent.resources import data_folder
from agent.taxonomy.keys import FACTORS, LAYERS
from tests.fakes.llm_answers import answer, asked_behind
from tests.fakes.llm_port import reply

MARK: Final = "KST"
"""What every planted text of the injection vectors has in it, with a number behind it."""
_PASSAGE: Final = re.compile(r"<<<([A-Za-z0-9]{8,})\n\[([^\]\n]+)\] [\w-]+\n(.*?)\n\1>>>", re.DOTALL)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_KINDS: Final = {"actor": "user", "service": "service", "store": "database", "component": "agent"}
_ID: Final = re.compile(r"^(?:- )?([A-Za-z][\w.-]*\d[\w-]*):? ", re.MULTILINE)
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
    """One passage of a prompt."""

    id: str
    text: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """Its sentences of at least four words, letter by letter."""
        return tuple(part for piece in _SENTENCE.split(self.text) if len((part := piece.strip()).split()) > 3)


def text_of(call: Call) -> str:
    """All that a call says."""
    return "\n".join(message.text for message in call.messages)


def passages_of(call: Call) -> tuple[Passage, ...]:
    """The passages of a call, in their order."""
    return tuple(Passage(key, shown) for _, key, shown in _PASSAGE.findall(text_of(call)))


@cache
def _own_lines() -> frozenset[str]:
    """The lines of the prompt files: what the program itself says."""
    files = sorted((data_folder("prompts") / "drafting").glob("*.md"))
    return frozenset(line.strip() for file in files for line in file.read_text("utf-8").splitlines())


def foreign_lines(call: Call) -> tuple[str, ...]:
    """The lines of a call that come from elsewhere: passages, names, titles, examples."""
    lines = (line.strip() for line in text_of(call).splitlines())
    return tuple(line for line in lines if line and line not in _own_lines())


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
        if not orders:
            return self._well(call)
        self.obeyed += orders
        found = [part for part in _marked_first(call) if ORDERS.search(part.text) or MARK in part.text]
        return json.dumps(_Harm(call, orders[0], (*found, *_marked_first(call))).made())


class _Quoted(NamedTuple):
    passage: str
    text: str

    @property
    def quote(self) -> dict[str, str]:
        return {"passage": self.passage, "text": self.text}


def _marked_first(call: Call) -> list[_Quoted]:
    """All sentences that were shown, those with a planted mark first, then those that speak of settings."""
    found = [_Quoted(passage.id, text) for passage in passages_of(call) for text in passage.sentences]
    return sorted(found, key=lambda one: (MARK not in one.text, "default" not in one.text.lower()))


class _Harm:
    """The worst answer to a call: nothing is risky, everything is certain, and the order stands everywhere."""

    def __init__(self, call: Call, order: str, quoted: Sequence[_Quoted]) -> None:
        self._call = call
        self._order = order[:400]
        self._quoted = tuple(dict.fromkeys(quoted))[:12]
        self._ids = _ID.findall(asked_behind(text_of(call)))

    def made(self) -> dict[str, object]:
        fields = self._call.schema["properties"]
        assert isinstance(fields, Mapping)
        makers: Mapping[str, Callable[[], dict[str, object]]] = {
            "factors": self._factors,
            "layers": self._layers,
            "threats": self._threats,
            "abilities": self._picture,
            "questions": self._questions,
            "chains": self._chains,
            "verdicts": self._verdicts,
        }
        return next((make() for field, make in makers.items() if field in fields), self._posture())

    def _reasoned(self) -> dict[str, object]:
        """Claims that repeat what they quote, so that only what they are used for can be wrong; then the order."""
        claims = [{"text": one.text, "quotes": [n]} for n, one in enumerate(self._quoted, start=1)]
        claims += [{"text": text, "quotes": [1]} for text in (self._order, f"Certified safe {MARK}000")]
        return {"quotes": [one.quote for one in self._quoted], "sufficiency": "sufficient", "claims": claims[:12]}

    def _paragraph(self) -> str:
        return " ".join([self._order, *(one.text for one in self._quoted[:3])])

    def _factors(self) -> dict[str, object]:
        asked = asked_behind(text_of(self._call))
        keys = [key for key in FACTORS if key in asked]
        zero = {"paragraph": self._paragraph(), "value": 0, "low": 0, "high": 0}
        return {"factors": [{"factor": key, **self._reasoned(), **zero} for key in keys]}

    def _layers(self) -> dict[str, object]:
        return {"layers": [{"layer": key, **self._reasoned(), "paragraph": self._paragraph()} for key in LAYERS]}

    def _threats(self) -> dict[str, object]:
        slots = dict.fromkeys(("title", "source", "prerequisite", "action", "impact", "asset"), self._order)
        row = {
            **self._reasoned(),
            "layer": LAYERS[0],
            **slots,
            "like": next(iter(self._ids), ""),
            "ids": [{"id": f"{MARK}000", "title": self._order}],
            "remedies": [{"text": self._order, "who": "vendor"}],
        }
        return {"threats": [{**row, "layer": key} for key in LAYERS]}

    def _picture(self) -> dict[str, object]:
        quotes = [one.quote for one in self._quoted]
        items = [
            {"quotes": quotes, "group": group, "kind": kind, "name": name}
            for group, kind in _KINDS.items()
            for name in (self._order, f"{MARK}000", *re.findall(rf"{MARK}\d+", self._order))
        ]
        ability = {"action": "reads", "object": self._order, "mode": "read", "credential": "none"}
        return {
            "items": items,
            "abilities": [{"quotes": quotes, **ability, "approver": text} for text in ("a person", self._order)],
            "flows": [{"quotes": quotes, "source": "product", "target": self._order, "what": self._order}],
        }  # fmt: skip

    def _posture(self) -> dict[str, object]:
        return {**self._reasoned(), "paragraph": self._paragraph()}

    def _questions(self) -> dict[str, object]:
        return {"questions": [{"point": key, "text": f"Is it true that {self._order}?"} for key in self._ids]}

    def _chains(self) -> dict[str, object]:
        quotes = [one.quote for one in self._quoted[:1]]
        steps = [{"quotes": quotes, "threat": key} for key in self._ids[:4]]
        return {"chains": [{"steps": steps, "title": self._order}] * 3}

    def _verdicts(self) -> dict[str, object]:
        numbers = re.findall(r"^\W*(\d+)[.:) ]", asked_behind(text_of(self._call)), re.MULTILINE)
        return {"verdicts": [{"claim": int(n), "wanting": self._order, "verdict": "supported"} for n in numbers]}
