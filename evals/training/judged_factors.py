"""Fit the correction of an LLM's factor values on drafts of real listings and an expert's readings of them.

    python -m evals.training.judged_factors TEXTS DRAFTS [--dry]

TEXTS is the folder of the real pages (evals/real/readings.py). DRAFTS contains <slug>/draft.json of drafts with an
LLM; the `proposal` part of each factor is the LLM's own value. Readers of real pages give higher values than the LLM
gives by the rubric, but readers of the bundled corpus give nearly the same values. The correction is therefore shrunk
towards the bundled cases, which count as PULL products.

    bias = (sum of expert - LLM over the readings + PULL · mean of reader - LLM over the corpus) / (readings + PULL)

The printed figures hold out the owner of the measured product. Biases are not part of any prompt, so recorded answers
remain valid.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import click

from agent.drafting.calibration import FACTORS_FILE, FactorCalibration, load_factors
from agent.errors import UsageError
from agent.records import Draft
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from evals.cases.corpus import bundled_cases
from evals.metrics.arithmetic import mean
from evals.script import run_script
from evals.training.derive_rows import owners_of
from evals.training.weights import write_calibration

PULL: Final = 24
"""The bundled corpus counts as this many products, which is how many of its products have recorded answers. With 8,
corpus drafts with an LLM were further from the published labels than those without; the error against experts is 0.070
with 24 and 0.061 with 8."""
_LEAST: Final = 10
"""Minimum number of readings for a fit."""
_DIGITS: Final = 3
KEYS: Final = FACTOR_SETS["0.5"]
_RECORDED: Final = Path(__file__).parents[1] / "recorded"


class Said(NamedTuple):
    """One factor of one product, with the product's owner, the LLM's value and the reader's value (0 to 1)."""

    owner: str
    llm: float
    reader: float


Rows = Mapping[FactorKey, Sequence[Said]]


def main(arguments: Sequence[str]) -> None:
    """Fit the biases, print the figures on held-out owners and, unless --dry, write the constants."""
    parser = argparse.ArgumentParser(prog="python -m evals.training.judged_factors")
    parser.add_argument("texts", type=Path, help="folder of the real pages")
    parser.add_argument("drafts", type=Path, help="folder of drafts with an LLM, <slug>/draft.json")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    asked = parser.parse_args(arguments)
    real, corpus = real_rows(asked.texts, asked.drafts), corpus_rows()
    count = len(next(iter(real.values()), ()))
    if count < _LEAST:
        raise UsageError(f"{count} drafts have a reading; at least {_LEAST} are needed", where=str(asked.drafts))
    before = mean(abs(row.llm - row.reader) for key in KEYS for row in real[key])
    after = mean(error for key in KEYS for error in left_out_errors(real[key], corpus.get(key, ())))
    click.echo(f"{count} listings: error {before:.3f} for the LLM's values, {after:.3f} corrected, owners held out")
    made = {key: round(bias(real[key], corpus.get(key, ())), _DIGITS) for key in KEYS}
    for key, value in made.items():
        click.echo(f"{key}: {value:+.3f}")
    if not asked.dry:
        write_calibration(FACTORS_FILE, corrected(load_factors(), made))


def bias(real: Sequence[Said], corpus: Sequence[Said]) -> float:
    """Return the correction to add to an LLM's value of one factor."""
    pulled = mean(row.reader - row.llm for row in corpus) or 0.0
    return (sum(row.reader - row.llm for row in real) + PULL * pulled) / (len(real) + PULL)


def left_out_errors(real: Sequence[Said], corpus: Sequence[Said]) -> list[float]:
    """Return the errors of values corrected by other owners' biases and rounded to tenths as in a draft."""
    found = []
    for row in real:
        others = [other for other in real if other.owner != row.owner]
        value = min(1.0, max(0.0, round(row.llm + bias(others, corpus), 1)))
        found.append(abs(value - row.reader))
    return found


def corrected(record: FactorCalibration, biases: Mapping[FactorKey, float]) -> FactorCalibration:
    """Return the constants with these corrections, otherwise unchanged."""
    factors = {
        key: row.model_copy(update={"judged": row.judged.model_copy(update={"bias": biases.get(key, 0.0)})})
        for key, row in record.factors.items()
    }
    return record.model_copy(update={"factors": factors})


def real_rows(texts: Path, drafts: Path) -> Rows:
    """Load the LLM's and the expert's values for listings with both a reading and a draft with an LLM."""
    owners = owners_of(texts)
    rows: dict[FactorKey, list[Said]] = defaultdict(list)
    for reading in sorted((texts / "readings").glob("*.json")):
        path = drafts / reading.stem / "draft.json"
        if path.is_file():
            draft = Draft.model_validate_json(path.read_bytes())
            expert = json.loads(reading.read_text("utf-8"))["factors"]
            owner = owners.get(reading.stem, reading.stem)
            for key in KEYS:
                own = next((part for part in draft.factors[key].parts if part.kind == "proposal"), None)
                if own is not None:
                    rows[key].append(Said(owner, float(own.effect), float(expert[key]["value"])))
    return rows


def corpus_rows() -> Rows:
    """Load the LLM's and the reader's values for the bundled cases with recorded answers."""
    readers = {case.slug: case.reader for case in bundled_cases()}
    rows: dict[FactorKey, list[Said]] = defaultdict(list)
    for path in sorted(_RECORDED.glob("*/factors-*.json")):
        reader = readers.get(path.parent.name)
        text = json.loads(path.read_text("utf-8")).get("outcome", {}).get("text", "")
        if reader is None or not text:
            continue
        for item in json.loads(text)["factors"]:
            if item["factor"] in reader.factors and not item["insufficient"]:
                value = reader.factors[item["factor"]].value
                rows[item["factor"]].append(Said(path.parent.name, item["value"] / 10, value))
    return rows


if __name__ == "__main__":
    run_script(main)
