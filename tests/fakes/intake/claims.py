"""Sentences in which a vendor plays down the risk of a product, made from the grammars of `claims.toml`."""

import random
import tomllib
from pathlib import Path
from typing import Any, Final

_GRAMMARS: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("claims.toml").read_text("utf-8"))
_SEEDS: Final = {"own": 20261124, "other": 7, "blind": 3}


def claims(author: str, count: int) -> list[str]:
    """Return `count` different sentences, always the same; every template is used once before one is used again."""
    slots, templates, forms = (_GRAMMARS[author][part] for part in ("slots", "templates", "forms"))
    source = random.Random(_SEEDS[author])
    every = [template for of_kind in templates.values() for template in of_kind]
    found: dict[str, None] = {}
    turn = 0
    while len(found) < count:
        template = source.choice(every) if author == "own" and turn >= len(every) else every[turn % len(every)]
        turn += 1
        text = template.format(**{name: source.choice(words) for name, words in slots.items()})
        text = text[0].upper() + text[1:]
        form = source.choice(forms) if len(forms) > 1 else "{}"
        found[form.format(text.rstrip(".?") if "|" in form else text)] = None
    return list(found)
