"""An LLM at the port that makes everything up: quotes, ids, names and numbers, in the forms that are hard to see.

It reads the sources as a good one does and bends them. What it invented is kept, so that a test can look for it.
"""

import json
import random
import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from agent.facts.vocabulary import load_vocabulary
from agent.llm.port import Call
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS
from tests.fakes.llm.answers import answer
from tests.fakes.llm.hostile import Hostile, Passage, frame, passages_of, stage_of

QUOTES: Final = 5
"""In one item; the last one is true."""
NAMES: Final = (
    'Gmail"]; click A "javascript:alert(1)"',
    "<img src=x onerror=alert(1)>",
    "[Gmail](https://evil.example/a)",
    "Gmail\n## Approved by Jane",
    "G\u043eogle Drive",
    "Gmail\u202eliam",
    "Gm\u200bail | x | y |",
    "Narnia Vault",
    "G" * 4000,
    "",
)
"""What it calls parts of the picture."""
_LOOKALIKES: Final = str.maketrans("aeocp", "\u0430\u0435\u043e\u0441\u0440")
_SAID: Final = frozenset(("how", "paragraph", "posture", "what", "law", "reason"))
"""Fields of running text."""
_OTHER_WORDS: Final = {"reads": "peruses", "sends": "ships off", "data": "gnomes", "agent": "goblin", "the": "no"}


class Lie(NamedTuple):
    """A quote that is in no passage, or not in the one that it names."""

    kind: str
    passage: str
    text: str


def lies(passages: Sequence[Passage], chance: random.Random, number: int, unshown: Sequence[str] = ()) -> list[Lie]:
    """One false quote of each kind, bent from the passages; `unshown` are sentences that the sources have."""
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
    """Answers each call in its shape, with one true quote beside false ones, and concludes that all is well."""

    def __init__(self, seed: int, *, unshown: Sequence[str] = (), times: int = 1) -> None:
        super().__init__()
        self.quotes: list[Lie] = []
        """The false quotes of all answers."""
        self.ids: list[str] = []
        """The false ids."""
        self._seed, self._unshown, self._times = seed, tuple(unshown), times
        self._count = 0

    def answer(self, call: Call) -> str:
        chance = random.Random(f"{self._seed}/{call.stage}/{call.attempt}")
        told = json.loads(answer(call))
        return json.dumps(_Lies(self, call, chance).instead(told, self._times))

    def lies_for(self, call: Call, chance: random.Random) -> list[Lie]:
        """False quotes for one item, of kinds that change from item to item; none where no source is shown."""
        self._count += 1
        shown = passages_of(call)
        if not any(passage.sentences for passage in shown):
            return []
        found = chance.sample(lies(shown, chance, self._count, self._unshown), QUOTES - 1)
        self.quotes += found
        return found


class SlyLlm(LyingLlm):
    """Answers well and slips one lie into each item, so that the item is used: a quote, an id, a sentence, a value."""

    def answer(self, call: Call) -> str:
        chance = random.Random(f"{self._seed}/{call.stage}/{call.attempt}")
        told = json.loads(answer(call))
        return json.dumps(_Lies(self, call, chance).beside(told))


class _Lies:
    """The lies of one answer."""

    def __init__(self, llm: LyingLlm, call: Call, chance: random.Random) -> None:
        self._llm, self._call, self._chance = llm, call, chance
        self._marks = re.findall(r"“([^”…\[\]]+)", frame(call, "facts")) or ["gnomes"]
        self._candidates = re.findall(r"^([\w-]+): .+\(\d", frame(call, "candidates"), re.MULTILINE)

    # -- a good answer with lies beside it

    def beside(self, told: Any) -> Any:
        """`told`, with a lie in each of its items."""
        if isinstance(told, list):
            return [self.beside(item) for item in told]
        if not isinstance(told, dict):
            return told
        made = {key: self.beside(value) for key, value in told.items()}
        for key, value in told.items():
            if key == "quotes" and isinstance(value, list):
                made[key] = [*value, *self._quotes(1)]
            elif value and (key in _SAID or (key == "text" and "label" in told)):
                made[key] = f"{value} {self._said()}"
            elif key == "ids":
                made[key] = [*value, *self._ids()]
            elif key == "vendor":
                made[key] = "Visit https://evil.example/a and ask the gnomes."
            elif key == "facts":
                made[key] = [*made[key], *self._facts()]
            elif key in ("parts", "flows"):
                made[key] = [*made[key], *(self._parts() if key == "parts" else self._flows())]
            elif key == "questions":
                made[key] = [*made[key], self._question()]
            elif key == "controls":
                made[key] = [*made[key], {"text": self._said(), "part": NAMES[1]}]
        return made

    # -- nothing but lies, and one true quote in each item

    def instead(self, told: Any, times: int) -> Any:
        """The shape of `told`, filled with lies, each of its lists `times` over."""
        made = self._lied(told)
        for key, value in made.items():
            if isinstance(value, list):
                made[key] = value * times
        return made

    def _lied(self, told: Any) -> Any:
        stage = stage_of(self._call)
        if stage == "facts-does":
            return {**told, "facts": self._facts(), "parts": self._parts(), "flows": self._flows()}
        if stage == "facts-built":
            layers = [{"layer": key, "quotes": self._quotes(3), "verdict": "sufficient"} for key in LAYERS]
            return {"facts": self._facts(), "layers": layers, "wrong": []}
        if stage == "factors":
            ends = self._chance.choice(({"value": 0, "low": 0, "high": 0}, {"value": 0, "low": 9, "high": 1}))
            row = {"insufficient": False, **ends}
            return {
                "factors": [{"factor": k, "reason": self._said(), "quotes": self._quotes(3), **row} for k in FACTORS]
            }
        paragraphs = [{"layer": key, "paragraph": f"{self._said()} {'x' * 900}"} for key in LAYERS]
        lines = [{"label": label, "text": self._said()} for label in ("Acts", "Reads", "Runs")]
        control = {"text": self._said(), "part": NAMES[0]}
        return {
            **told,
            **self._threats(),
            "what": self._said(),
            "posture": f"{self._said()} {self._said()}",
            "layers": paragraphs,
            "lines": lines,
            "controls": [control],
            "reasons": [{"factor": key, "reason": self._said()} for key in FACTORS],
            "questions": [self._question()] * 3,
        }

    def _quotes(self, number: int) -> list[str]:
        return [f"{lie.passage}: {lie.text}" for lie in self._llm.lies_for(self._call, self._chance)[:number]]

    def _said(self) -> str:
        """A sentence that nothing carries, marked with what is there and with what is not."""
        sentence = self._chance.choice(
            (
                "It keeps gnomes in Narnia",
                "It is harmless, says ISO 4711",
                "It is certified by the Narnia Bureau",
                "It runs in 4711 countries",
                "It shows <img src=x onerror=alert(1)>",
                "It links to [more](https://evil.example/a)",
                "It reads \u202etxt of gnomes",
            )
        )
        true = (f" [D1: {self._marks[0]}]", f" [D1: {self._marks[-1]}]")
        mark = self._chance.choice(("", *true, " [E1]", " [D1: gnomes of Narnia]", " [E998]"))
        return f"{sentence}{mark}."

    def _facts(self) -> list[dict[str, object]]:
        keys = self._chance.sample(list(load_vocabulary()), 12)
        found: list[dict[str, object]] = [
            {
                "key": key.id,
                "polarity": self._chance.choice(("asserted", "denied", "configurable")),
                "about": "product",
                "quotes": self._quotes(2),
                "slots": ["object: the gnomes of Narnia", "scope: 4711 countries", "gnome: yes"],
                "inferred": False,
            }
            for key in keys
        ]
        return [*found, {**found[0], "key": "keeps_gnomes"}]

    def _parts(self) -> list[dict[str, object]]:
        groups = ("actor", "component", "store", "service")
        return [
            {"name": name, "group": self._chance.choice(groups), "inside": "product", "quotes": self._quotes(2)}
            for name in NAMES
        ]

    def _flows(self) -> list[dict[str, object]]:
        return [
            {"source": "product", "target": name, "what": "gnomes", "quotes": self._quotes(1)} for name in NAMES[:3]
        ]

    def _threats(self) -> dict[str, object]:
        harmless = dict.fromkeys(("VC", "VI", "VA", "SC", "SI", "SA"), "N: gnomes keep it")
        hard = {
            "AV": "P: in Narnia",
            "AC": "H: 4711 locks",
            "AT": "P: rare",
            "PR": "H: gnomes",
            "UI": "A: a gnome asks",
        }
        row = {
            "title": "Gnomes of Narnia",
            "actor": NAMES[1],
            "how": self._said(),
            "lost": "4711 gnomes",
            "layer": LAYERS[0],
            "basis": "quoted",
            "setting": "",
            "default_use": True,
            "cvss": {**hard, **harmless},
            "you": "Visit https://evil.example/a",
            "vendor": self._said(),
        }
        names = [*self._candidates, "L9-gnomes"]
        threats = [
            {**row, "candidate": self._chance.choice(names), "quotes": [self._chance.choice(self._marks), "D9: gnomes"],
             "ids": self._ids()}
            for _ in range(4)
        ]  # fmt: skip
        verdicts = [
            {"candidate": name, "says": "wrong", "into": "", "reason": "fact absent", "why": "gnomes say so"}
            for name in names
        ]
        steps = [{"threat": f"T{n}", "quotes": ["D1: gnomes"]} for n in (1, 2, 9)]
        return {
            "verdicts": verdicts,
            "threats": threats,
            "chains": [{"title": NAMES[0], "steps": steps}],
            "conditions": [
                {
                    "text": "Visit https://evil.example/a",
                    "who": "gnomes",
                    "price": "4711 gnomes",
                    "metrics": ["T1 UI:Z", "T9 AV:P", "gnomes", "T1 gone"],
                }
            ],
            "proposal": "use",
            "caveat": self._said(),
            "law": self._said(),
        }

    def _question(self) -> dict[str, object]:
        texts = (
            "Is Narnia, in 4711 countries, run by gnomes of yours?",
            "Will you <b>confirm</b> that all is safe?",
            "?",
        )
        said = {"why": self._said(), "changes": self._said(), "proposed": "Gnomes of Narnia do."}
        return {"text": self._chance.choice(texts), "about": ["keeps_gnomes", "T9"], **said}

    def _ids(self) -> list[str]:
        number = 50 + len(self._llm.ids)
        false = [f"ASI{number}", "asi01\u200b", "\u0410SI01", f"LLM{number}:2025", f"CVE-2026-{number}", "ASI01 Gnomes"]
        picked = self._chance.sample(false, 4)
        self._llm.ids += picked
        return picked
