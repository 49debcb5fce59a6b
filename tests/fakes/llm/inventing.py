"""LLMs at the port that make everything up, or say nothing."""

import json
import random
from collections.abc import Mapping

from agent.llm.port import Call
from tests.fakes.llm.hostile import Hostile, passages_of, worst


class LyingLlm(Hostile):
    """Answers in shape with quotes that no source has, and concludes that all is well."""

    WORDS = ("Globex", "Narnia", "gnomes")
    """What it makes up, a word of each lie."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def answer(self, call: Call) -> str:
        chance = random.Random(f"{self._seed}/{call.stage}/{call.attempt}")
        told = worst(call, f"Globex Vault keeps copy {chance.randrange(4711, 9999)} in Narnia.")
        seen = [(passage.id, text) for passage in passages_of(call) for text in passage.sentences]
        return json.dumps(_bent(told, seen, chance))


class LazyLlm(Hostile):
    """Says nothing where it may."""

    def answer(self, call: Call) -> str:
        fields = call.schema["properties"]
        assert isinstance(fields, Mapping)
        given = {"kind": "other", "proposal": "use"}
        texts = ("what", "posture", "caveat", "law")
        return json.dumps({name: given.get(name, "" if name in texts else []) for name in fields})


def _bent(value: object, seen: list[tuple[str, str]], chance: random.Random) -> object:
    """The same answer with each of its quotes bent."""
    if isinstance(value, Mapping):
        return {
            name: _quotes(seen, chance) if name == "quotes" else _bent(part, seen, chance)
            for name, part in value.items()
        }
    return [_bent(part, seen, chance) for part in value] if isinstance(value, list) else value


def _quotes(seen: list[tuple[str, str]], chance: random.Random) -> list[str]:
    (document, one), (_, other) = chance.sample(seen, 2)
    words, half = one.split(), len(one.split()) // 2
    bent = (
        f"{one} and is run by gnomes",
        " ".join(["gnomes", *words[1:]]),
        " ".join([*words[:half], "gnomes", *other.split()[half:]]),
        f"Globex Vault isolates {chance.choice(words)}",
    )
    return [f"{document}: {text}" for text in chance.sample(bent, 2)] + [f"D77: {one}"]
