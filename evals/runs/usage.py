"""LLM usage and answer quality, computed from recorded answers: tokens, money, repairs, failures, time."""

import json
from pathlib import Path
from typing import Final

from agent.llm.cassette import KEY_LIKE, MANIFEST
from agent.records import Draft
from evals.metrics.results import UsageCell

MAX_FOLDER_BYTES: Final = 2_000_000
"""Maximum number of bytes of recordings to keep in the repository; `complaints` reports larger folders."""


def usage_of(draft: Draft, answers: Path) -> UsageCell:
    """Return the usage as counted by the draft itself, and the LLM's answer quality according to the recording in
    `answers`."""
    used = draft.usage
    found = [json.loads(path.read_text("utf-8")) for path in sorted(answers.rglob("*.json")) if path.name != MANIFEST]
    stops = [one["outcome"].get("stopped", "") for one in found]
    reasons = [one["outcome"]["reason"] for one in found if "reason" in one["outcome"]]
    return UsageCell(
        calls=round(used.get("llm_calls", 0)),
        input_tokens=round(used.get("input_tokens", 0)),
        cached_tokens=round(used.get("cached_tokens", 0)),
        output_tokens=round(used.get("output_tokens", 0)),
        dollars=used.get("dollars"),
        repaired=sum(one["request"]["attempt"] > 1 for one in found),
        refused=stops.count("refused") + reasons.count("refused"),
        truncated=stops.count("length") + reasons.count("truncated"),
        failed=len(reasons),
        milliseconds=tuple(sorted(one["milliseconds"] for one in found)),
    )


def complaints(folder: Path) -> list[str]:
    """Return reasons against keeping the recordings under `folder`: strings that look like keys, or too many bytes."""
    files = sorted(folder.rglob("*.json"))
    size = sum(file.stat().st_size for file in files)
    found = [
        f"{file.relative_to(folder).as_posix()}: contains a string that looks like a key"
        for file in files
        if KEY_LIKE.search(file.read_text("utf-8", "replace"))
    ]
    return [*found, f"{size} bytes, at most {MAX_FOLDER_BYTES}"] if size > MAX_FOLDER_BYTES else found
