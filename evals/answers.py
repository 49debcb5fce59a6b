"""What the recorded answers of an LLM say of it: tokens, money, repairs, failures, time."""

import json
from collections.abc import Iterator
from pathlib import Path

from agent.llm.cassette import MANIFEST
from agent.records import Draft
from evals.results import UsageCell


def usage_of(draft: Draft, answers: Path | None) -> UsageCell:
    """What one draft took, by its own count, and how the LLM answered, by the recording in `answers` if any."""
    used = draft.usage
    found = list(_interactions(answers)) if answers is not None else []
    stops = [str(outcome.get("stopped", "")) for _, outcome, _ in found]
    reasons = [str(outcome["reason"]) for _, outcome, _ in found if "reason" in outcome]
    return UsageCell(
        calls=round(used.get("llm_calls", 0)),
        input_tokens=round(used.get("input_tokens", 0)),
        cached_tokens=round(used.get("cached_tokens", 0)),
        output_tokens=round(used.get("output_tokens", 0)),
        dollars=used.get("dollars"),
        repaired=sum(attempt > 1 for attempt, _, _ in found),
        refused=sum(stop == "refused" for stop in stops) + reasons.count("refused"),
        truncated=sum(stop == "length" for stop in stops) + reasons.count("truncated"),
        failed=len(reasons),
        milliseconds=tuple(sorted(spent for _, _, spent in found)),
    )


def _interactions(folder: Path) -> Iterator[tuple[int, dict[str, object], int]]:
    for path in sorted(folder.rglob("*.json")):
        if path.name != MANIFEST:
            raw = json.loads(path.read_text("utf-8"))
            yield raw["request"]["attempt"], raw["outcome"], raw["milliseconds"]
