"""Build the sheet for a reader of one draft, prefilled from the draft and the expert's must-have threats."""

import json
from typing import Final, Literal

from agent.records import Draft
from agent.taxonomy.layers import LAYERS
from evals.real.readings import Reading

_CHARS: Final = 280


def empty_reading(draft: Draft, reading: Reading, drafter: Literal["embedded", "llm"], reader: str) -> str:
    """Return the reader's sheet before it is filled in; it is not valid yet."""
    threats = [threat for key in LAYERS for threat in draft.layers[key].threats]
    sheet = {
        "slug": reading.slug,
        "drafter": drafter,
        "reader": reader,
        "threats": [
            {"threat": f"{threat.id}: {threat.title}"[:_CHARS], "verdict": None, "reason": ""} for threat in threats
        ],
        "rows": [{"row": f"{line.label}: {line.text}"[:_CHARS], "wrong": None, "reason": ""} for line in draft.lines],
        "layers": {key: {"sentences": None, "wrong": None, "reason": ""} for key in LAYERS},
        "musts": [
            {"must": threat.title[:_CHARS], "present": None, "threat": ""} for threat in reading.threats if threat.must
        ],
        "note": "",
    }
    return json.dumps(sheet, indent=1, ensure_ascii=False) + "\n"
