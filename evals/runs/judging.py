"""Write sheets on which readers judge whether threats follow from their quotes, and count the verdicts.

    python -m evals.runs.judging --sheets FOLDER [CASE...]  write a Markdown sheet for each case: text, threats, quotes
    python -m evals.runs.judging                            count the verdicts in evals/runs/judged/

A reading is a CSV file with the columns threat (`case#pattern`), verdict (yes or no) and reason. Two readers work from
the same sheets without seeing each other's verdicts. The result is reported, but the gate does not use it.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import click

from agent.errors import InputError
from agent.records import Draft
from agent.taxonomy.layers import LAYERS
from evals.cases.case import Case
from evals.cases.corpus import bundled_cases
from evals.metrics.arithmetic import alpha_labels, mean, share
from evals.runs.holdout import HoldoutConstants
from evals.script import run_script

FOLDER: Final = Path(__file__).parent / "judged"
CASES: Final = 20
OFFSET: Final = 3


class Judged(NamedTuple):
    """The counted verdicts of two readings of the same threats."""

    threats: int
    cases: int
    first: float | None
    """Share of threats that, according to the first reading, follow from their quotes and concern the product."""
    second: float | None
    both: float | None
    alpha: float | None
    """Krippendorff's alpha with the nominal metric."""


def sampled() -> tuple[Case, ...]:
    """Return the cases whose threats are judged: twenty, spread evenly over the corpus."""
    cases = bundled_cases()
    return cases[OFFSET :: len(cases) // CASES][:CASES]


def sheet(case: Case, draft: Draft) -> str:
    """Return a reader's sheet for one case: its text, then each shown threat with its cited quotes."""
    quotes = {item.id: item.quote for item in draft.evidence}
    lines = [f"# {case.name}", "", "## Source text", "", *(page.markdown for page in case.pages), "## Threats", ""]
    for threat in (threat for key in LAYERS for threat in draft.layers[key].threats):
        said = threat.statement
        lines += [
            f"### {case.slug}#{threat.id}",
            "",
            threat.title,
            "",
            f"{said.source} · given: {said.prerequisite} · can: {said.action} · leads to: {said.impact}",
            f"at stake: {said.asset}",
            "",
            *(f"- {mark} “{quotes[mark]}”" for mark in threat.evidence),
            "",
        ]
    return "\n".join(lines)


def read(path: Path) -> dict[str, str]:
    """Return the verdict on each threat in a reading. Raises InputError naming the line of an invalid verdict or a
    repeated threat."""
    found: dict[str, str] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            threat, verdict = row.get("threat") or "", (row.get("verdict") or "").strip()
            if verdict not in ("yes", "no") or not threat or threat in found:
                raise InputError("no verdict of yes or no on a new threat", where=f"{path.name} line {number}")
            found[threat] = verdict
    return found


def compared(first: Mapping[str, str], second: Mapping[str, str]) -> Judged:
    """Count the verdicts of both readings. Raises InputError unless both cover the same threats."""
    if first.keys() != second.keys():
        odd = sorted(first.keys() ^ second.keys())
        raise InputError(
            f"only one reading has {odd[0]}", where=f"{len(odd)} threats", hint="both readers must read the same sheets"
        )
    pairs = [(first[threat], second[threat]) for threat in sorted(first)]
    return Judged(
        threats=len(pairs),
        cases=len({threat.partition("#")[0] for threat in first}),
        first=mean(a == "yes" for a, _ in pairs),
        second=mean(b == "yes" for _, b in pairs),
        both=share(sum(a == b == "yes" for a, b in pairs), len(pairs)),
        alpha=alpha_labels(pairs),
    )


def main(arguments: Sequence[str]) -> None:
    """Write sheets, or count the existing readings."""
    if arguments[:1] == ["--sheets"]:
        folder, slugs = Path(arguments[1]), arguments[2:]
        folder.mkdir(parents=True, exist_ok=True)
        holdout = HoldoutConstants.bundled()
        for case in [case for case in bundled_cases() if case.slug in slugs] if slugs else sampled():
            held = holdout.without_family_of(case.identity)
            draft = held.draft(case, held.read(case))
            (folder / f"{case.slug}.md").write_text(sheet(case, draft), "utf-8")
            click.echo(f"{case.slug}: {sum(len(layer.threats) for layer in draft.layers.values())} threats")
        return
    found = compared(read(FOLDER / "first.csv"), read(FOLDER / "second.csv"))
    click.echo(
        f"{found.threats} threats of {found.cases} cases: follows from its quote and concerns the product: first "
        f"reading {100 * (found.first or 0):.0f} %, second {100 * (found.second or 0):.0f} %, both "
        f"{100 * (found.both or 0):.0f} %; alpha {found.alpha or 0:.2f}"
    )


if __name__ == "__main__":
    run_script(main)
