"""The shape of draft.json: the published key set as a table, and a checker that is independent of the records.

The table is written by hand on purpose: other programs rely on these keys, so a change to a record must show here. A
key that ends in `?` may be absent: keys that were added within `/1` are missing from older drafts.
"""

import json
from collections.abc import Mapping, Sequence

import pytest

from agent.report.draft_json import dump
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS
from tests.fakes.drafts import thin, workos, workos_documents
from tests.fakes.report.fact_drafts import harbour
from tests.fakes.review.reviewing import Desk
from tests.places import GOLDEN

TEXT, NUMBER, WHOLE, FLAG = "text", "number", "whole number", "true or false"
TEXT_OR_NULL, NUMBER_OR_NULL = "text or null", "number or null"


class Maybe(tuple[object]):
    """The inner shape, or null."""


Shape = object
"""A name for a plain value, `[shape]` for a list, a dict of keys, `{"*": shape}` for free keys, or `Maybe((shape,))`.
"""

FINDING: Shape = {
    "kind": TEXT, "document": TEXT, "start": WHOLE, "end": WHOLE, "where": TEXT, "excerpt": TEXT, "count?": WHOLE,
}  # fmt: skip
ITEM: Shape = {"id": TEXT, "name": TEXT, "kind": TEXT, "state": TEXT, "evidence": [TEXT]}
RANGE: Shape = {"value": NUMBER, "low": NUMBER, "high": NUMBER}
CAPABILITY: Shape = {
    "id": TEXT, "signal": TEXT, "action": TEXT, "object": TEXT, "mode": TEXT, "credential": TEXT_OR_NULL,
    "approver": TEXT_OR_NULL, "data": [TEXT], "state": TEXT, "evidence": [TEXT], "condition?": TEXT_OR_NULL,
    "credential_state?": TEXT_OR_NULL, "credential_evidence?": [TEXT], "approver_state?": TEXT_OR_NULL,
    "approver_evidence?": [TEXT],
}  # fmt: skip
SYSTEM: Shape = {
    "actors": [ITEM], "components": [ITEM], "stores": [ITEM], "services": [ITEM],
    "flows": [{"source": TEXT, "target": TEXT, "what": TEXT, "state": TEXT, "evidence": [TEXT]}],
    "boundaries": [{"id": TEXT, "name": TEXT, "members": [TEXT], "state": TEXT, "evidence": [TEXT]}],
    "capabilities": [CAPABILITY],
}  # fmt: skip
PART: Shape = {
    "kind": TEXT, "label": TEXT, "effect": NUMBER, "signal?": TEXT_OR_NULL, "evidence?": TEXT_OR_NULL,
}  # fmt: skip
FACTOR: Shape = {
    "value": NUMBER, "low": NUMBER, "high": NUMBER, "state": TEXT, "parts": [PART], "rationale": TEXT,
    "evidence": [TEXT],
}  # fmt: skip
THREAT: Shape = {
    "id": TEXT, "title": TEXT,
    "statement": {"source": TEXT, "prerequisite": TEXT, "action": TEXT, "impact": TEXT, "asset": TEXT},
    "taxonomy": [{"scheme": TEXT, "id": TEXT, "title": TEXT}],
    "state": TEXT,
    "score": {"cvss_vector": TEXT, "cvss_base": NUMBER, "aivss": NUMBER, "severity": TEXT, "reasons?": {"*": TEXT}},
    "mitigations": [{"text": TEXT, "who": TEXT, "status": TEXT, "evidence": [TEXT]}],
    "evidence": [TEXT], "like?": TEXT_OR_NULL, "place?": Maybe((WHOLE,)), "facts?": [TEXT], "basis?": TEXT_OR_NULL,
    "setting?": TEXT, "default_use?": FLAG, "how?": TEXT, "lost?": TEXT, "by?": TEXT_OR_NULL,
}  # fmt: skip
LAYER: Shape = {
    "applies": TEXT, "certain": FLAG, "certainty": NUMBER, "features": {"*": NUMBER}, "paragraph": TEXT,
    "threats": [THREAT], "missing": Maybe(({"reason": TEXT, "detail": TEXT},)), "question?": TEXT_OR_NULL,
}  # fmt: skip
SCORE: Shape = {
    "formula": TEXT, "mode": TEXT, "factor_set": TEXT_OR_NULL, "cvss_vector": TEXT_OR_NULL, "cvss_base": NUMBER_OR_NULL,
    "factor_sum": NUMBER_OR_NULL, "aars": NUMBER_OR_NULL, "threat_multiplier": NUMBER, "mitigation_factor": NUMBER,
    "aivss": NUMBER_OR_NULL, "severity": TEXT_OR_NULL, "low": NUMBER_OR_NULL, "high": NUMBER_OR_NULL,
    "likely_low": NUMBER_OR_NULL, "likely_high": NUMBER_OR_NULL, "withheld": TEXT_OR_NULL,
    "provisional": NUMBER_OR_NULL, "revision": WHOLE, "arithmetic": TEXT, "alternatives": {"*": NUMBER_OR_NULL},
    "with_controls": Maybe(({"mitigation_factor": NUMBER, "aivss": NUMBER, "severity": TEXT, "evidence": [TEXT]},)),
    "warnings?": [TEXT],
    "inputs?": Maybe((
        {
            "cvss_base": Maybe((RANGE,)), "factors?": Maybe(({"*": RANGE},)), "factor_sum": Maybe((RANGE,)),
            "threat_multiplier": RANGE, "mitigation_factor": RANGE,
        },
    )),
    "without_vendor_claims?": Maybe(({"aivss": NUMBER_OR_NULL, "severity": TEXT_OR_NULL, "withheld": TEXT_OR_NULL},)),
    "likely?": Maybe(({"below": NUMBER, "above": NUMBER, "calibration": TEXT},)),
}  # fmt: skip
SEARCH: Shape = {"reader": TEXT, "documents": [TEXT], "statements": WHOLE, "keys": [TEXT]}
FACTS: Shape = {
    "facts": [
        {
            "id": TEXT, "key": TEXT, "polarity": TEXT, "slots": [{"name": TEXT, "value": TEXT, "evidence": TEXT}],
            "about": TEXT, "evidence": [TEXT], "sources": [{"reader": TEXT, "confidence": NUMBER, "state": TEXT}],
            "rank": WHOLE, "confidence": NUMBER, "state": TEXT, "conflicts_with": [TEXT], "counts": FLAG,
            "claim": FLAG,
        }
    ],
    "absent": [{"key": TEXT, "searched": [SEARCH]}],
    "dropped": [{"key": TEXT, "reader": TEXT, "quote": TEXT, "reason": TEXT, "detail": TEXT}],
    "searched": [SEARCH],
    "outlook": {
        "kinds": {"*": NUMBER}, "chances": {"*": NUMBER}, "factors": {"*": NUMBER}, "layers": {"*": NUMBER},
        "tellings": {
            "*": {"document": TEXT, "start": WHOLE, "end": WHOLE, "quote": TEXT, "rank": WHOLE, "about": TEXT},
        },
        "stating": "number or null", "mentioned": [TEXT],
    },
}  # fmt: skip
LINE: Shape = {"label": TEXT, "text": TEXT, "facts": [TEXT], "evidence": [TEXT]}
CONTROL: Shape = {
    "text": TEXT, "part": TEXT, "rank": WHOLE, "counted": FLAG, "why": TEXT, "facts": [TEXT], "evidence": [TEXT],
}  # fmt: skip
ADVICE: Shape = {
    "proposal": TEXT,
    "conditions": [{"text": TEXT, "who": TEXT, "price": TEXT, "threats": [TEXT], "after": {"*": NUMBER}}],
    "residual": Maybe(({
        "before": NUMBER, "after": NUMBER, "threat": TEXT, "remains": {"*": NUMBER},
        "changes": {"*": TEXT},
    },)), "caveat?": TEXT, "also?": [TEXT], "conflicts?": [TEXT], "law": TEXT,
}  # fmt: skip
NOTES: Shape = {
    "numbers": {"*": WHOLE},
    "work": [
        {
            "threat": TEXT, "mitigation": TEXT, "owner": TEXT, "due": TEXT, "status": TEXT, "residual": TEXT,
            "note": TEXT,
        }
    ],
    "answers": [{"question": TEXT, "text": TEXT, "answer": TEXT, "page": TEXT, "by": TEXT}],
    "contests": [{"item": TEXT, "title": TEXT, "sender": TEXT, "text": TEXT, "decision": TEXT, "rule": TEXT}],
}  # fmt: skip
EASE: Shape = {"threat": TEXT, "after": NUMBER, "changes": TEXT}
DRAFT: Shape = {
    "schema": TEXT, "id": TEXT, "created_at": TEXT,
    "product": {
        "name": TEXT, "vendor": TEXT_OR_NULL, "summary": TEXT, "posture": TEXT, "aliases?": [TEXT],
        "kind?": TEXT_OR_NULL,
    },
    "sources": [
        {
            "document": TEXT, "url": TEXT, "sha256": TEXT, "kind": TEXT, "fetched_at": TEXT, "chars": WHOLE,
            "findings": [FINDING], "user_agent?": TEXT, "language?": TEXT,
        }
    ],
    "evidence": [
        {"id": TEXT, "document": TEXT, "start": WHOLE, "end": WHOLE, "quote": TEXT, "rank": WHOLE, "about": TEXT}
    ],
    "system": SYSTEM, "assumptions": [TEXT],
    "factors": dict.fromkeys(FACTORS, FACTOR), "layers": dict.fromkeys(LAYERS, LAYER),
    "chains": [{"title": TEXT, "threats": [TEXT], "hops": [{"from": TEXT, "to": TEXT, "evidence": [TEXT]}]}],
    "questions": [
        {
            "id": TEXT, "text": TEXT, "proposed": TEXT, "settles": [TEXT], "effect": NUMBER, "why?": TEXT,
            "changes?": TEXT, "about?": [TEXT], "eases?": [EASE],
        }
    ],
    "score": SCORE,
    "drafter": {
        "kind": TEXT, "llm": TEXT_OR_NULL, "prompts": [{"name": TEXT, "version": WHOLE, "sha": TEXT}],
        "parts?": [{"part": TEXT, "by": TEXT, "missing": Maybe(({"reason": TEXT, "detail": TEXT},))}],
    },
    "usage": {"*": NUMBER}, "dropped": [{"what": TEXT, "reason": TEXT}],
    "lowerings": [
        {"evidence": TEXT, "rank": WHOLE, "rule": TEXT, "target": TEXT, "before": NUMBER, "after": NUMBER}
    ],
    "manifest": {"*": TEXT},
    "facts?": Maybe((FACTS,)), "lines?": [LINE], "controls?": [CONTROL], "advice?": Maybe((ADVICE,)),
    "sites?": [{"role": TEXT, "url": TEXT, "because": TEXT}],
    "review?": {
        "reviewer": TEXT, "role": TEXT, "at": TEXT, "head": TEXT, "number": WHOLE, "open": WHOLE, "waived": WHOLE,
        "sha256": TEXT, "review": TEXT, "waivers?": [{"item": TEXT, "why": TEXT}],
        "bulk?": WHOLE, "unanswered?": [TEXT], "decision?": TEXT_OR_NULL,
    },
    "notes?": Maybe((NOTES,)),
}  # fmt: skip


def complaints(value: object, shape: Shape = DRAFT, where: str = "draft") -> list[str]:
    """List everything in `value` that does not have this shape, with its place."""
    if isinstance(shape, str):
        return [] if _is(value, shape) else [f"{where} is {value!r}, not {shape}"]
    if isinstance(shape, Maybe):
        return [] if value is None else complaints(value, shape[0], where)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [line for n, item in enumerate(value) for line in complaints(item, shape[0], f"{where}[{n}]")]
    assert isinstance(shape, dict)
    return _keys(value, shape, where) if isinstance(value, dict) else [f"{where} is no object"]


def _keys(value: Mapping[str, object], shape: Mapping[str, Shape], where: str) -> list[str]:
    if set(shape) == {"*"}:
        return [line for key, item in value.items() for line in complaints(item, shape["*"], f"{where}.{key}")]
    known = {key.rstrip("?"): item for key, item in shape.items()}
    needed = {key for key in shape if not key.endswith("?")}
    found = [f"{where}.{key} is not in the schema" for key in value if key not in known]
    found += [f"{where}.{key} is absent" for key in sorted(needed - set(value))]
    return found + [
        line for key, item in value.items() if key in known for line in complaints(item, known[key], f"{where}.{key}")
    ]


def _is(value: object, name: str) -> bool:
    if value is None:
        return name.endswith("or null")
    kinds: dict[str, type | tuple[type, ...]] = {"text": str, "number": (int, float), "whole number": int}
    if name == FLAG:
        return isinstance(value, bool)
    return not isinstance(value, bool) and isinstance(value, kinds[name.removesuffix(" or null")])


@pytest.mark.parametrize("draft", [workos(), thin(), harbour()], ids=["rich", "thin", "of facts"])
def test_written_drafts_have_the_published_keys(draft) -> None:
    assert complaints(json.loads(dump(draft))) == []


def test_a_signed_draft_has_them_too() -> None:
    signed = Desk(workos(), workos_documents()).closed().act("sign").state.reviewed
    data = json.loads(dump(signed))
    assert "review" in data
    assert complaints(data) == []


def _changed(path: Sequence[str | int], change: object) -> object:
    data = json.loads(dump(workos()))
    at = data
    for step in path[:-1]:
        at = at[step]
    if change is None:
        del at[path[-1]]
    else:
        at[path[-1]] = change
    return data


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (["score", "aivss"], None),
        (["score", "surprise"], 1),
        (["factors", "autonomy_of_action"], None),
        (["layers", "agent_frameworks", "certain"], "yes"),
        (["evidence", 0, "start"], "3"),
        (["sources", 0, "chars"], True),
        (["questions"], {}),
    ],
)
def test_the_checker_sees_a_change(path: list[str | int], change: object) -> None:
    assert len(complaints(_changed(path, change))) == 1


def test_every_golden_draft_has_the_published_keys() -> None:
    files = sorted((GOLDEN / "drafts").glob("*.json"))
    assert files
    for file in files:
        assert complaints(json.loads(file.read_text("utf-8"))) == [], file.name
