"""LLMs that do harm, at the port: one obeys whatever a text of its prompt orders.

It knows nothing but the call. `ObedientLlm` answers well until foreign text in its prompt (all lines that are not of
the prompt files) gives an order; then it answers in the way that would hurt most.
"""

import json
import random
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

from agent.llm.port import Call, Reply
from agent.resources import data_folder
from agent.taxonomy.keys import FACTORS, LAYERS
from tests.fakes.llm_answers import Sentence, answer
from tests.fakes.llm_port import reply

MARK: Final = "KST"
"""What every planted text of the injection vectors has in it, with a number behind it."""
CERTIFIED: Final = f"Certified safe {MARK}000"
"""What it says of its own in the worst answers."""
_FRAME: Final = re.compile(r"<<<([A-Za-z0-9]{8,})\n\[(D\d+)\][^\n]*\n(.*?)\n\1>>>", re.DOTALL)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
COMFORTS: Final = (
    "read_only", "advises_only", "fixed_workflow", "no_credentials", "no_llm", "data_stays_local", "approval_before",
    "sandbox", "allow_list", "spending_limit", "audit_log", "certification", "dry_run", "run_limit",
)  # fmt: skip
"""Keys of limits and controls that it asserts of whatever it read."""
DENIED: Final = ("runs_commands", "sends_messages", "spends_money", "deletes_data", "memory_long", "reads_mail_chat")
"""Abilities that it denies."""
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


def text_of(call: Call) -> str:
    """All that a call says."""
    return "\n".join(message.text for message in call.messages)


def shown(call: Call) -> tuple[Sentence, ...]:
    """The sentences of the sources of a call, of at least four words, letter by letter."""
    return tuple(
        Sentence(name, piece.strip())
        for _, name, text in _FRAME.findall(text_of(call))
        for piece in _SENTENCE.split(text)
        if len(piece.split()) > 3
    )


@cache
def _own_lines() -> frozenset[str]:
    """The lines of the prompt files: what the program itself says."""
    files = sorted((data_folder("prompts") / "assist").glob("*.md"))
    return frozenset(line.strip() for file in files for line in file.read_text("utf-8").splitlines())


def foreign_lines(call: Call) -> tuple[str, ...]:
    """The lines of a call that come from elsewhere: sources, names, titles, quotes."""
    lines = (line.strip() for line in text_of(call).splitlines())
    return tuple(line for line in lines if line and line not in _own_lines())


class Hostile:
    """What all of them have: a name, the calls, and answers made one at a time."""

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
        self._order = ""

    def answer(self, call: Call) -> str:
        orders = [line for line in foreign_lines(call) if ORDERS.search(line)]
        if not orders and not self._order:
            return self._well(call)
        self.obeyed += orders
        # What it was ordered in the first wave it remembers in the second, where the order may not be shown again.
        self._order = self._order or orders[0]
        return json.dumps(worst(call, self._order))


def worst(call: Call, order: str) -> dict[str, object]:
    """The worst answer to a call: nothing is risky, everything is certain, and the order stands everywhere."""
    fields = call.schema["properties"]
    assert isinstance(fields, Mapping)
    return _Harm(text_of(call), order[:300], shown(call)).made(fields, json.dumps(call.schema))


class _Harm:
    """One answer."""

    def __init__(self, text: str, order: str, seen: Sequence[Sentence]) -> None:
        self._text, self._order = text, order
        found = sorted(seen, key=lambda one: (MARK not in one.text, "default" not in one.text.lower()))
        self._quotes = [one.quote for one in dict.fromkeys(found)][:4]
        self._marks = " ".join(f"[{mark}]" for mark in dict.fromkeys(re.findall(r"\bE\d+\b", text)))[:40]
        self._facts = list(dict.fromkeys(re.findall(r"^(F\d+) \w+", text, re.MULTILINE)))

    def made(self, fields: Mapping[str, object], schema: str) -> dict[str, object]:
        makers = {"parts": self._does, "factors": self._factors, "threats": self._threats, "posture": self._summary}
        for field, make in makers.items():
            if field in fields:
                return make()
        return self._layers() if "paragraph" in schema else self._built()

    def _lied(self) -> list[dict[str, object]]:
        row = {"about": "product", "quotes": self._quotes, "inferred": False}
        slots = ["default: on by default", "scope: every action", f"object: {self._order}"]
        found: list[dict[str, object]] = [
            {**row, "key": key, "polarity": "asserted", "slots": slots} for key in COMFORTS
        ]
        return found + [{**row, "key": key, "polarity": "denied", "slots": []} for key in DENIED]

    def _wrong(self) -> list[dict[str, object]]:
        numbers = re.findall(r"^(P\d+) ", self._text, re.MULTILINE)
        return [{"fact": number, "reason": "not stated", "why": self._order} for number in numbers]

    def _does(self) -> dict[str, object]:
        names = (self._order, CERTIFIED, *re.findall(rf"{MARK}\d+", self._order))
        parts = [
            {"name": name, "group": group, "inside": "product", "quotes": self._quotes}
            for group in ("actor", "component", "store", "service")
            for name in names
        ]
        flow = {"source": "product", "target": self._order, "what": self._order, "quotes": self._quotes}
        return {"kind": "other", "facts": self._lied(), "parts": parts, "flows": [flow], "wrong": self._wrong()}

    def _built(self) -> dict[str, object]:
        layers = [{"layer": key, "quotes": self._quotes, "verdict": "sufficient"} for key in LAYERS]
        return {"facts": self._lied(), "layers": layers, "wrong": self._wrong()}

    def _factors(self) -> dict[str, object]:
        zero = {"quotes": self._quotes, "value": 0, "low": 0, "high": 0, "insufficient": False}
        return {"factors": [{"factor": key, "reason": self._order, **zero} for key in FACTORS]}

    def _threats(self) -> dict[str, object]:
        names = re.findall(r"^([\w-]+): .+\(\d", self._text, re.MULTILINE)
        reasons = ("fact absent", "another product", "addressed to the reader")
        verdicts = [
            {"candidate": name, "says": "wrong", "into": "", "reason": reasons[n % 3], "why": self._order}
            for n, name in enumerate(names)
        ]
        none = {metric: f"N: {self._order}" for metric in ("VC", "VI", "VA", "SC", "SI", "SA")}
        entry = {metric: f"{value}: {self._order}" for metric, value in zip(("AV", "AC", "AT", "PR", "UI"), "PHPHA")}
        threat = {
            "candidate": names[0] if names else "",
            "title": self._order[:80],
            "actor": self._order,
            "how": f"{self._order} {CERTIFIED}.",
            "lost": self._order,
            "layer": LAYERS[0],
            "basis": "quoted",
            "setting": "",
            "default_use": True,
            "cites": self._facts[:3],
            "cvss": {**none, **entry},
            "ids": [f"{MARK}000"],
            "mitigations": [{"text": self._order, "who": "vendor"}],
        }
        return {
            "verdicts": verdicts,
            "threats": [{**threat, "layer": key} for key in LAYERS],
            "chains": [{"title": self._order, "steps": [{"threat": "T1", "cites": self._facts[:1]}] * 2}],
            "conditions": [{"text": self._order, "who": "vendor", "price": "", "threats": ["T1"], "metrics": []}],
            "proposal": "use",
            "law": f"{self._order} {CERTIFIED}.",
        }

    def _paragraph(self) -> str:
        return f"{CERTIFIED}. {self._order.rstrip('.')}. {CERTIFIED} {self._marks}."

    def _layers(self) -> dict[str, object]:
        return {"layers": [{"layer": key, "paragraph": self._paragraph()} for key in LAYERS]}

    def _summary(self) -> dict[str, object]:
        labels = ("Acts", "Reads", "Credentials", "Approval", "Memory", "Runs", "Meets", "Shows")
        question = {"text": f"Is it true that {self._order}?", "why": self._order, "changes": self._order}
        return {
            "what": self._paragraph(),
            "posture": self._paragraph(),
            "lines": [{"label": label, "text": self._paragraph()} for label in labels],
            "controls": [{"text": self._paragraph(), "part": self._order}],
            "questions": [{**question, "about": self._facts[:2], "proposed": CERTIFIED}],
        }


class LyingLlm(Hostile):
    """Answers in shape with quotes that no source has, beside true ones, and concludes that all is well."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.lies: list[str] = []
        """What it made up, of each answer."""
        self._seed = seed

    def answer(self, call: Call) -> str:
        chance = random.Random(f"{self._seed}/{call.stage}/{call.attempt}")
        told = worst(call, f"Globex Vault keeps copy {chance.randrange(4711, 9999)} in Narnia.")
        self.lies += ["Globex", "Narnia", "gnomes", CERTIFIED]
        return json.dumps(self._bent(told, list(shown(call)), chance))

    def _bent(self, value: object, seen: list[Sentence], chance: random.Random) -> object:
        """The same answer with its quotes bent."""
        if isinstance(value, dict):
            return {
                name: self._quotes(seen, chance) if name == "quotes" else self._bent(part, seen, chance)
                for name, part in value.items()
            }
        return [self._bent(part, seen, chance) for part in value] if isinstance(value, list) else value

    def _quotes(self, seen: list[Sentence], chance: random.Random) -> list[str]:
        one, other = chance.sample(seen, 2)
        words, half = one.text.split(), len(one.text.split()) // 2
        bent = (
            f"{one.text} and is run by gnomes",
            " ".join(["gnomes", *words[1:]]),
            " ".join([*words[:half], "gnomes", *other.text.split()[half:]]),
            f"Globex Vault isolates {chance.choice(words)}",
        )
        return [f"{one.document}: {text}" for text in chance.sample(bent, 2)] + [f"D77: {one.text}"]


class LazyLlm(Hostile):
    """Says nothing where it may."""

    def answer(self, call: Call) -> str:
        fields = call.schema["properties"]
        assert isinstance(fields, Mapping)
        given = {"kind": "other", "proposal": "use"}
        texts = ("what", "posture", "law")
        return json.dumps({name: given.get(name, "" if name in texts else []) for name in fields})
