"""Write the generated parts of README.md and docs/: `python -m evals.readme [EVAL.json]`.

There is a generated part between each pair of `<!-- begin NAME -->` and `<!-- end NAME -->`: the output of `septet
draft` for a bundled listing and for its opening lines, the table of measured errors from `evals/figures.json`, the
export formats, and the settings. `EVAL.json` is the output of `septet eval --json`; its figures are stored first. Tests
check that every part is current.
"""

import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from agent.errors import InputError
from agent.pipeline import draft
from agent.report.formats.registry import FORMATS
from agent.resources import data_folder
from agent.settings import SETTINGS, Settings
from evals.metrics.results import EVAL_SCHEMA
from evals.script import run_script

ROOT: Final = Path(__file__).resolve().parents[1]
FIGURES: Final = Path(__file__).with_name("figures.json")
CASE: Final = "firecrawl-mcp"
CARD_LINES: Final = 3
RICH_LINES: Final = 29
THIN_LINES: Final = 9
WHEN: Final = "2026-11-24T12:00:00Z"
KEPT: Final = (
    "factor_mae_published", "factor_mae_reader", "factor_sum_mae_published", "flag_precision_reader",
    "flag_recall_reader", "flag_f1_reader", "interval_coverage_published", "interval_width",
    "likely_coverage_published", "likely_width", "score_mae_published", "band_agreement_published",
    "cvss_base_mae_reader", "citation_validity", "withheld_share", "withheld_share_cards",
)  # fmt: skip
Figures = Mapping[str, float]


class Compared(NamedTuple):
    """The errors in one row of the table; a figure that does not apply is None."""

    name: str
    published: float | None
    reader: float | None
    total: float | None


OTHERS: Final = (
    Compared("always predicting the median", 0.192, 0.190, 1.50),
    Compared("an expert reading the same text", 0.136, None, 0.93),
    Compared("an unconstrained regression on page embeddings (not explainable)", 0.146, 0.124, 1.07),
)
"""Measured on the same cases, with their vendor families held out, by `python -m evals.bench.estimators`."""


def figures() -> Figures:
    """Load the stored figures by metric; figures of one side of the split are named `dev/METRIC` and `train/METRIC`."""
    return {str(key): float(value) for key, value in json.loads(FIGURES.read_text("utf-8")).items()}


def store_figures(evaluation: Path) -> None:
    """Store the figures of an evaluation. Raises InputError when the file is not an evaluation."""
    data = json.loads(evaluation.read_text("utf-8"))
    if data.get("schema") != EVAL_SCHEMA:
        raise InputError("not an evaluation", where=str(evaluation), hint="pass the output of `septet eval --json`")
    kept = {"cases": data["cases"], **{name: round(data["metrics"][name], 3) for name in KEPT}}
    for side, found in data["splits"].items():
        kept[f"{side}/cases"] = sum(case["split"] == side for case in data["per_case"])
        kept |= {f"{side}/{name}": round(found[name], 3) for name in KEPT}
    FIGURES.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


def errors(found: Figures) -> str:
    """Return, in Markdown, the table of measured errors and a paragraph on the other figures for held-out vendors."""

    def row(name: str, side: str) -> Compared:
        keys = ("factor_mae_published", "factor_mae_reader", "factor_sum_mae_published")
        return Compared(name, *(found[f"{side}/{key}"] for key in keys))

    def dev(name: str) -> str:
        return f"{100 * found[f'dev/{name}']:.0f} %"

    median, *others = OTHERS
    own = [row("**septet**, held-out vendors", "dev"), row("septet, vendors read during development", "train")]
    lines = ["| | factor error, published labels | factor error, reader's labels | error of the sum of ten |"]
    lines += ["|---|--:|--:|--:|"]
    for name, *errors in (median, *own, *others):
        cells = [
            "–" if value is None else f"{value:.{digits}f}" for value, digits in zip(errors, (3, 3, 2), strict=True)
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([
        *lines,
        "",
        f"Mean absolute errors; factors range from 0 to 1. {found['dev/cases']:.0f} of the {found['cases']:.0f} "
        "labelled products belong to held-out vendors: nobody read their texts while writing the vocabulary, the "
        "threats or the prompts. Constants are fitted without the vendor being measured. For the held-out vendors, the "
        f"80 % range of a factor contains {dev('interval_coverage_published')} of the published values (mean width "
        f"{found['dev/interval_width']:.2f}), and the likely range of a score contains "
        f"{dev('likely_coverage_published')} of the published scores before controls. “Not certain from the listing” "
        f"agrees with an independent reader at F1 {found['dev/flag_f1_reader']:.2f}, and the CVSS base of the headline "
        f"differs from the reader's by {found['dev/cvss_base_mae_reader']:.2f}. Every quote appears in its source "
        f"({100 * found['citation_validity']:.0f} %). The score is withheld for {dev('withheld_share')} of full "
        f"listings, and for {dev('withheld_share_cards')} of listings cut to their opening.",
    ])  # fmt: skip


def session() -> str:
    """Return the first lines of what `septet draft` prints for a bundled listing."""
    shown = _report(data_folder("corpus") / "cases" / CASE)[:RICH_LINES]
    return "\n".join(["```text", f"$ septet draft corpus/cases/{CASE}", *shown, "```"])


def thin_session() -> str:
    """Return the first lines of what `septet draft` prints for the tagline of the same listing alone."""
    listing = data_folder("corpus") / "cases" / CASE / "listing.md"
    with tempfile.TemporaryDirectory() as folder:
        card = Path(folder) / "card.md"
        card.write_text("".join(listing.read_text("utf-8").splitlines(True)[:CARD_LINES]), "utf-8")
        shown = _report(card)[:THIN_LINES]
    command = f"$ head -n {CARD_LINES} corpus/cases/{CASE}/listing.md > card.md"
    return "\n".join(["```text", command, "$ septet draft card.md", *shown, "```"])


def settings_table() -> str:
    """Return a Markdown table of every setting with its default."""
    lines = ["| variable | default | unit | what it is |", "|---|---|---|---|"]
    for setting in SETTINGS.values():
        default = getattr(Settings(), setting.name)
        lines.append(f"| `SEPTET_{setting.name.upper()}` | {default or '–'} | {setting.unit} | {setting.help} |")
    return "\n".join(lines)


def formats_table() -> str:
    """Return a Markdown table of every format of `septet export`."""
    lines = ["| `--format` | file | what it is |", "|---|---|---|"]
    return "\n".join(lines + [f"| `{one.name}` | `{one.suffix}` | {one.title} |" for one in FORMATS.values()])


class Part(NamedTuple):
    """A generated part of a document: its file and the function that makes it."""

    file: str
    make: Callable[[], str]

    def written(self, name: str) -> str:
        """Return the part currently in the file; empty if the file has no place for the part."""
        found = re.search(
            f"<!-- begin {name} -->\n(.*?)\n<!-- end {name} -->", (ROOT / self.file).read_text("utf-8"), re.S
        )
        return found.group(1) if found else ""


PARTS: Final[Mapping[str, Part]] = {
    "session": Part("README.md", session),
    "thin": Part("README.md", thin_session),
    "figures": Part("README.md", lambda: errors(figures())),
    "formats": Part("docs/exports.md", formats_table),
    "settings": Part("docs/settings.md", settings_table),
}


def write_parts() -> None:
    """Rewrite every part. Raises InputError when a file has no place for its part."""
    for name, part in PARTS.items():
        path = ROOT / part.file
        text = path.read_text("utf-8")
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise InputError(f"no place for {name}", where=part.file, hint=f"put {begin} and {end} there")
        before, _, rest = text.partition(begin)
        path.write_text(f"{before}{begin}\n{part.make()}\n{end}{rest.partition(end)[2]}", "utf-8")


def _report(source: Path) -> list[str]:
    return draft([str(source)], settings=Settings(), now=WHEN).markdown.split("\n")


def main(arguments: Sequence[str]) -> None:
    """Rewrite the parts, after storing the figures of the evaluation that `arguments` names, if any."""
    if arguments:
        store_figures(Path(arguments[0]))
    write_parts()


if __name__ == "__main__":
    run_script(main)
