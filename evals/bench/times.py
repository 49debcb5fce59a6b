"""CPU and wall time of a start and of a draft: `python -m evals.bench.times [--runs N]`.

Cold: a new process for each run, the best of N (the first fills the file cache). Warm: one process that drafts the
same bundled listing again and again, the median after the first. CPU is user plus system, all threads and children.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from agent.resources import data_folder

CASE: Final = "firecrawl-mcp"
SCORE: Final = ("score", "--base", "7.5", "--factor-sum", "2.9", "--mode", "directory")


class Times(NamedTuple):
    """Seconds."""

    cpu: float
    wall: float


class Line(NamedTuple):
    """One measured thing with the bar that it must keep, in seconds of CPU (starts) or wall (drafts)."""

    name: str
    times: Times
    bar: float
    by: str

    @property
    def kept(self) -> bool:
        """Whether the measured time is within the bar."""
        return (self.times.cpu if self.by == "cpu" else self.times.wall) <= self.bar


def timed(work: Callable[[], object], who: int) -> Times:
    """Times of one call; `who` is RUSAGE_SELF or RUSAGE_CHILDREN."""
    before, start = resource.getrusage(who), time.perf_counter()
    work()
    wall, after = time.perf_counter() - start, resource.getrusage(who)
    return Times(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def cold(arguments: Sequence[str], runs: int) -> Times:
    """The best of `runs` new processes of the command line."""
    command = [sys.executable, "-c", "from agent.cli import main; main()", *arguments]

    def once() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    return min(timed(once, resource.RUSAGE_CHILDREN) for _ in range(runs))


def warm(runs: int) -> Times:
    """The median of `runs` drafts in this process, after one that is not counted."""
    from agent.pipeline import draft
    from agent.settings import Settings

    def once() -> None:
        draft([str(path) for path in _sources()], settings=Settings(), now="2026-11-01T00:00:00Z")

    once()
    found = [timed(once, resource.RUSAGE_SELF) for _ in range(runs)]
    return Times(statistics.median(item.cpu for item in found), statistics.median(item.wall for item in found))


def _sources() -> list[Path]:
    folder = data_folder("corpus") / "cases" / CASE
    return [folder / "listing.md", folder / "docs"]


def main() -> None:
    """Measure and print; exit 1 when a bar is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        drafting = ["draft", *(str(path) for path in _sources()), "--out", str(Path(folder) / "out")]
        lines = [
            Line("septet --help", cold(["--help"], runs), 0.3, "cpu"),
            Line("septet score", cold(SCORE, runs), 0.5, "cpu"),
            Line("septet draft, cold", cold(drafting, runs), 4.0, "wall"),
            Line("draft, warm", warm(runs), 0.5, "wall"),
        ]
    print(f"{'':20}{'CPU s':>8}{'wall s':>8}   bar")
    for line in lines:
        verdict = "kept" if line.kept else "NOT KEPT"
        print(f"{line.name:20}{line.times.cpu:8.2f}{line.times.wall:8.2f}   {line.bar} s {line.by}, {verdict}")
    sys.exit(0 if all(line.kept for line in lines) else 1)


if __name__ == "__main__":
    main()
