"""What a run may be done without, to see what each part of the drafter is worth: `septet eval --without NAME`.

python -m evals.ablations        runs them all and writes the table of evals/README.md anew
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

import click

from agent.drafting_old.calibrate import Calibration
from agent.drafting_old.calibrate_factors import without_kinds
from agent.errors import InputError
from agent.retrieval.search import Mode
from agent.settings import Settings
from evals.lessons import bundled_cases
from evals.run import Change, evaluate
from evals.script import run_script

Without = Literal["prior", "gate", "dense", "bm25", "exemplars"]
WITHOUT: Final[tuple[Without, ...]] = get_args(Without)
SHOWN: Final = (
    "factor_mae_published",
    "factor_mae_reader",
    "interval_coverage_published",
    "flag_f1_reader",
    "flag_loss",
    "score_mae_published",
    "evidence_recall_reader",
    "recall_at_5_fused",
    "recall_at_10_fused",
    "headline_recall_at_3",
    "withheld_share",
)
"""Columns of the table, turned on their side."""
TITLES: Final = {
    "": "as it is",
    "prior": "without priors of the product kinds",
    "gate": "without the certainty gate",
    "dense": "without vectors (BM25 alone)",
    "bm25": "without BM25 (vectors alone)",
}
README: Final = Path(__file__).with_name("README.md")
_BEGIN: Final = "<!-- begin ablations -->"
_END: Final = "<!-- end ablations -->"


class Ablation(NamedTuple):
    """How a run is done without some parts."""

    change: Change
    search: Mode
    exemplars: bool


def ablation(parts: Sequence[Without]) -> Ablation:
    """The run without `parts`. Raises InputError when nothing would be left to search with."""
    if "dense" in parts and "bm25" in parts:
        raise InputError("without vectors and BM25 there is no search", where="--without", hint="leave one of them")
    search: Mode = "bm25" if "dense" in parts else "dense" if "bm25" in parts else "fused"
    # Functions of a module, since they go to other processes.
    changes = {(True, True): _both, (True, False): level, (False, True): open_gate}
    change = Change(calibration=changes.get(("prior" in parts, "gate" in parts)))
    return Ablation(change, search, "exemplars" not in parts)


def level(calibration: Calibration) -> Calibration:
    """The calibration with one typical value of each factor for all kinds of products."""
    return calibration.model_copy(update={"factors": without_kinds(calibration.factors)})


def _both(calibration: Calibration) -> Calibration:
    return open_gate(level(calibration))


def open_gate(calibration: Calibration) -> Calibration:
    """The calibration with a threshold of 0: every layer with a single counting statement is certain."""
    certainty = calibration.certainty.model_copy(update={"threshold": 0.0})
    return calibration.model_copy(update={"certainty": certainty})


def main(arguments: Sequence[str]) -> None:
    """Run every ablation over the bundled corpus and write the table."""
    rows: dict[str, dict[str, float | None]] = {}
    for name, title in TITLES.items():
        made = ablation([part for part in WITHOUT if part == name])
        done = evaluate(bundled_cases(), settings=Settings(), cards=False, change=made.change, search=made.search)
        rows[title] = done.evaluation.metrics
        click.echo(f"{title}: done", err=True)
    README.write_text(filled(README.read_text("utf-8"), table(rows)), "utf-8")


def table(rows: dict[str, dict[str, float | None]]) -> str:
    """A row for each metric, a column for each run."""
    head = "| metric | " + " | ".join(rows) + " |"
    lines = [head, "|---|" + "--:|" * len(rows)]
    for name in SHOWN:
        cells = ["–" if (value := found.get(name)) is None else f"{value:.3f}" for found in rows.values()]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def filled(text: str, made: str) -> str:
    """README's text with the table in its place. Raises InputError when there is no place."""
    if text.count(_BEGIN) != 1 or text.count(_END) != 1:
        raise InputError("no place for the table", where=README.name, hint=f"put {_BEGIN} and {_END} there")
    return re.sub(f"{_BEGIN}.*?{_END}", lambda _: f"{_BEGIN}\n{made}\n{_END}", text, flags=re.DOTALL)


if __name__ == "__main__":
    run_script(main)
