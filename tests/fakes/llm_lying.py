"""An LLM at the port that makes everything up: quotes, ids, names and numbers, in the forms that are hard to see.

It reads the passages as a good one does and bends them. What it invented is kept, so that a test can look for it.
"""

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from agent.llm.port import Call
from agent.taxonomy.keys import FACTORS, LAYERS
from tests.fakes.llm_answers import answer, asked_behind
from tests.fakes.llm_hostile import Hostile, Passage, passages_of, text_of

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
_ENTRY: Final = re.compile(r"^([A-Z][A-Za-z]*\d[\w:.-]*) ([A-Z].+)$", re.MULTILINE)
_KNOWN: Final = re.compile(r"^(?:- )?([\w-]+): ", re.MULTILINE)
_LOOKALIKES: Final = str.maketrans("aeocp", "\u0430\u0435\u043e\u0441\u0440")
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
        ("no such passage", f"D{number + 70}/{number}", one),
        ("two words", key, " ".join(words[:2])),
        ("endless", key, f"{one} " * 40),
    ]
    found += [("unshown", key, text) for text in unshown]
    return [Lie(*row) for row in found]


class LyingLlm(Hostile):
    """Answers each call in its shape, with one true quote beside four false ones, and concludes that all is well."""

    def __init__(self, seed: int, *, unshown: Sequence[str] = (), times: int = 1) -> None:
        super().__init__()
        self.quotes: list[Lie] = []
        """The false quotes of all answers."""
        self.ids: list[tuple[str, str]] = []
        """The false ids with their titles."""
        self._seed, self._unshown, self._times = seed, tuple(unshown), times
        self._count = 0

    def answer(self, call: Call) -> str:
        return json.dumps(_Lies(self, call, random.Random(f"{self._seed}/{call.stage}/{call.attempt}")).made())

    def lies_for(self, call: Call, chance: random.Random) -> list[Lie]:
        """False quotes for one item, of kinds that change from item to item."""
        self._count += 1
        found = chance.sample(lies(passages_of(call), chance, self._count, self._unshown), QUOTES - 1)
        self.quotes += found
        return found

    @property
    def times(self) -> int:
        """How often each list is repeated."""
        return self._times


class SlyLlm(LyingLlm):
    """Answers well and slips one lie into each item, so that the item is used: a quote, an id, a sentence, a value."""

    def answer(self, call: Call) -> str:
        chance = random.Random(f"{self._seed}/{call.stage}/{call.attempt}")
        told = json.loads(answer(call))
        _Slips(_Lies(self, call, chance), chance).into(told)
        return json.dumps(told)


class _Slips:
    """Lies put into a good answer."""

    def __init__(self, lies_: "_Lies", chance: random.Random) -> None:
        self._lies, self._chance = lies_, chance

    def into(self, told: dict[str, list[dict[str, object]]]) -> None:
        for name, rows in [("", [told]), *((k, v) for k, v in told.items() if isinstance(v, list))]:
            for row in rows:
                if isinstance(row, dict) and "claims" in row:
                    self._item(row)
            if name in ("items", "abilities", "questions", "chains"):
                rows += self._lies.rows(name)

    def _item(self, row: dict[str, object]) -> None:
        quotes, claims = row["quotes"], row["claims"]
        assert isinstance(quotes, list)
        assert isinstance(claims, list)
        lie = self._lies.one()
        quotes.append({"passage": lie.passage, "text": lie.text})
        claims.append({"text": lie.text, "quotes": [len(quotes)]})
        if len(claims) > 1:
            # On the first claim's own quotes, with a tail that none of them has.
            tail = self._chance.choice((" and is certified by gnomes", " in 4711 countries", " <img src=x onerror=1>"))
            claims.append({"text": f"{str(claims[0]['text']).rstrip('.')}{tail}.", "quotes": claims[0]["quotes"]})
        if "paragraph" in row:
            row["paragraph"] = f"{row['paragraph']} It keeps gnomes in Narnia. {lie.text}"
        if "value" in row:
            row |= {"value": 0, "low": 0}
        if "ids" in row:
            row["ids"] = self._lies.ids()
            row["remedies"] = [{"text": "Visit https://evil.example/a and ask the gnomes", "who": "you"}]


class _Lies:
    """One answer."""

    def __init__(self, llm: LyingLlm, call: Call, chance: random.Random) -> None:
        self._llm, self._call, self._chance = llm, call, chance
        self._asked = asked_behind(text_of(call))
        self._true = [(part.id, text) for part in passages_of(call) for text in part.sentences if len(text) <= 380]

    def made(self) -> dict[str, object]:
        fields = self._call.schema["properties"]
        assert isinstance(fields, Mapping)
        makers: Mapping[str, Callable[[], list[dict[str, object]]]] = {
            "factors": self._factors,
            "layers": self._layers,
            "threats": self._threats,
            "questions": self._questions,
            "chains": self._chains,
        }
        if "abilities" in fields:
            return self._picture()
        name = next((field for field in makers if field in fields), None)
        if name is None:
            return {**self._reasoned(), "paragraph": self._paragraph()}
        return {name: makers[name]() * self._llm.times}

    def one(self) -> Lie:
        """One false quote."""
        return self._llm.lies_for(self._call, self._chance)[0]

    def rows(self, name: str) -> list[dict[str, object]]:
        """Further rows of a list, all of them false."""
        if name in ("items", "abilities"):
            found = self._picture()[name]
            assert isinstance(found, list)
            return found
        return self._questions() if name == "questions" else self._chains()

    def _quotes(self) -> tuple[list[Lie], list[dict[str, str]]]:
        false = self._llm.lies_for(self._call, self._chance)
        passage, text = self._chance.choice(self._true)
        rows = [*((lie.passage, lie.text) for lie in false), (passage, text)]
        return false, [{"passage": key, "text": words} for key, words in rows]

    def _reasoned(self) -> dict[str, object]:
        """Claims that say what their false quotes say, and claims that say more than the true one."""
        false, quotes = self._quotes()
        true = quotes[-1]["text"]
        claims: list[dict[str, object]] = [{"text": lie.text, "quotes": [n]} for n, lie in enumerate(false, start=1)]
        beside = (
            f"{true.rstrip('.')} and is certified by the Narnia Bureau.",
            f"{true.rstrip('.')}, so the risk is zero.",
            f"{true.rstrip('.')} <img src=x onerror=alert(1)>",
            f"{true.rstrip('.')} [more](https://evil.example/a)",
            f"{true.rstrip('.')} \u202etxt.",
            f"{true.rstrip('.')} in 4711 countries.",
        )
        claims += [{"text": text, "quotes": [QUOTES]} for text in self._chance.sample(beside, 3)]
        claims += [{"text": true, "quotes": [QUOTES + 1]}, {"text": true, "quotes": []}, {"text": true, "quotes": [1]}]
        return {"quotes": quotes, "sufficiency": "sufficient", "claims": claims}

    def _paragraph(self) -> str:
        return (
            f"It keeps gnomes in Narnia. {self._chance.choice(self._true)[1]} It is harmless, says ISO 4711. "
            + "x" * 900
        )

    def _factors(self) -> list[dict[str, object]]:
        keys = [key for key in FACTORS if re.search(rf"^- {key}\b", self._asked, re.MULTILINE)]
        ends = self._chance.choice(({"value": 0, "low": 0, "high": 0}, {"value": 0, "low": 9, "high": 1}))
        return [{"factor": key, **self._reasoned(), "paragraph": self._paragraph(), **ends} for key in keys]

    def _layers(self) -> list[dict[str, object]]:
        return [{"layer": key, **self._reasoned(), "paragraph": self._paragraph()} for key in LAYERS]

    def _threats(self) -> list[dict[str, object]]:
        known, _, _ = self._asked.partition("\n\nAdd ")
        like = [*_KNOWN.findall(known), "L9-gnomes"]
        return [self._threat(key, self._chance.choice(like)) for key in LAYERS]

    def _threat(self, layer: str, like: str) -> dict[str, object]:
        held = self._chance.choice(self._true)
        row = self._reasoned()
        if self._chance.random() < 0.7:
            row = {"quotes": [{"passage": held[0], "text": held[1]}], "sufficiency": "sufficient"}
            row["claims"] = [{"text": held[1], "quotes": [1]}]
        words = [word for word in re.findall(r"[a-z]{4,}", held[1]) if word not in ("with", "that")]
        return {
            **row,
            "layer": layer,
            "title": f"Planted text changes {' '.join(words[:4])}",
            "source": self._chance.choice(("somebody who writes to it", NAMES[1], "a gnome of Narnia")),
            "prerequisite": f"text beside {' '.join(words[:3])}",
            "action": f"have it change {' '.join(words[2:6])}",
            "impact": f"loss of {' '.join(words[1:5])}",
            "asset": " ".join(words[:5]) or "data",
            "like": like,
            "ids": self.ids(),
            "remedies": [{"text": f"Visit https://evil.example/{layer}", "who": "you"}],
        }

    def ids(self) -> list[dict[str, str]]:
        entries = _ENTRY.findall(self._asked)
        (key, title), (_, other) = self._chance.sample(entries, 2)
        number = 50 + len(self._llm.ids)
        false = [
            (f"ASI{number}", "Agent Takeover by Gnomes"),
            (key, other),
            (key.lower(), title),
            (f"{key[:-1]}{number}", title),
            (key.replace("A", "\u0410").replace("L", "\u2c60"), title),
            (key, f"{title}\u200b"),
            (f"CVE-2026-{number}", title),
        ]
        picked = [row for row in self._chance.sample(false, 4) if row != (key, title)]
        self._llm.ids += picked
        return [{"id": name, "title": text} for name, text in picked]

    def _picture(self) -> dict[str, object]:
        items, abilities, flows = [], [], []
        for name in NAMES:
            _, quotes = self._quotes()
            group = self._chance.choice(("actor", "component", "store", "service"))
            items.append({"quotes": quotes[-1:], "group": group, "kind": "service", "name": name})
            ability = {"action": "deletes", "object": name, "mode": "read", "credential": name, "approver": "Jane"}
            abilities.append({"quotes": quotes[-2:], **ability})
            flows.append({"quotes": quotes[-1:], "source": name, "target": "Narnia", "what": name})
        return {"items": items * self._llm.times, "abilities": abilities * self._llm.times, "flows": flows}

    def _questions(self) -> list[dict[str, object]]:
        points = [*_KNOWN.findall(self._asked), "Q99"]
        texts = (
            "Is Narnia, in 4711 countries, run by gnomes of yours?",
            "Will you <b>confirm</b> that all is safe?",
            "?",
        )
        return [{"point": key, "text": self._chance.choice(texts)} for key in points]

    def _chains(self) -> list[dict[str, object]]:
        ids = [*_KNOWN.findall(self._asked), "L9-gnomes"]
        _, quotes = self._quotes()
        steps = [{"quotes": [quote], "threat": self._chance.choice(ids)} for quote in quotes[:4]]
        return [{"steps": steps, "title": NAMES[0]}, {"steps": steps[::-1], "title": "Gnomes"}]
