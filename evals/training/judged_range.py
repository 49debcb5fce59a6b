"""Fit the likely range of drafts with an LLM, by comparing the scores of recorded drafts with a reader's scores of the
same cases.

    python -m evals.training.judged_range [--dry]

The residuals of drafts without an LLM are about twice as wide; ranges based on them spanned four severity bands even
for drafts whose own inputs left little open. The printed coverage is computed with the measured case left out.
"""

import argparse
from collections.abc import Sequence
from decimal import Decimal

import click

from agent.drafting.calibration import RANGE_FILE, RangeCalibration, load_range
from agent.drafting.score_range import likely, residual
from evals.gate.baseline import load, path_of
from evals.script import run_script
from evals.training.weights import write_calibration

_DIGITS = 3


def main(arguments: Sequence[str]) -> None:
    """Print the coverage and mean width of the ranges with the measured case left out, and write the ranges unless
    --dry."""
    parser = argparse.ArgumentParser(prog="python -m evals.training.judged_range")
    parser.add_argument("--dry", action="store_true", help="print the figures and write nothing")
    asked = parser.parse_args(arguments)
    pairs = scores()
    covered, width = held_out(pairs)
    click.echo(f"{len(pairs)} drafts: {covered:.2f} of the readers' scores inside, mean width {width:.1f}")
    if not asked.dry:
        write_calibration(RANGE_FILE, fitted(pairs))


def scores() -> list[tuple[float, float]]:
    """Return the drafted score and the reader's score (0 to 10) of each recorded case that a reader scored."""
    cases = [case.score for case in load(path_of("llm")).cases.values()]
    return [(float(one.value), float(one.reader)) for one in cases if one.value is not None and one.reader is not None]


def fitted(pairs: Sequence[tuple[float, float]]) -> RangeCalibration:
    """Return the range constants with the sorted residuals of these pairs of a drafted and a reader's score."""
    residuals = sorted(round(residual(reader, drafted), _DIGITS) for drafted, reader in pairs)
    return load_range().model_copy(update={"judged": tuple(residuals)})


def held_out(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the share of readers' scores inside ranges that were fitted without them, and the mean width."""
    inside, widths = 0, []
    for at, (drafted, reader) in enumerate(pairs):
        raw = Decimal(str(drafted))
        found = likely(raw, fitted([*pairs[:at], *pairs[at + 1 :]]), judged=True)
        inside += float(raw - found.below) <= reader <= float(raw + found.above)
        widths.append(float(found.below + found.above))
    return inside / len(pairs), sum(widths) / len(widths)


if __name__ == "__main__":
    run_script(main)
