"""Build CVSS v4.0 vectors, and change them when an attack becomes harder; metrics only ever become less severe."""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final, get_args

from agent.drafting.judgement import Metric
from agent.scoring.cvss import PREFIX, read_vector

METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
IMPACTS: Final = METRICS[5:]
"""The impact metrics, for the product and for other systems."""
VALUES: Final[Mapping[str, str]] = {
    "AV": "NALP",
    "AC": "LH",
    "AT": "NP",
    "PR": "NLH",
    "UI": "NPA",
    **dict.fromkeys(IMPACTS, "HLN"),
}
"""Possible values of each base metric, most severe first."""


def vector_of(values: Mapping[Metric, str]) -> str:
    """Build the CVSS vector from the values of all eleven metrics."""
    return PREFIX + "/".join(f"{metric}:{values[metric]}" for metric in METRICS)


@lru_cache(maxsize=4096)
def base_of(vector: str) -> Decimal:
    """Compute the base score of a vector, 0.0 to 10.0. Raises InputError if the vector is malformed."""
    return read_vector(vector).base


def eased(vector: str, metrics: Mapping[str, str]) -> str:
    """Apply those `metrics` that are less severe than the vector's own, ignoring more severe and unknown values."""
    own = dict(part.split(":") for part in vector.removeprefix(PREFIX).split("/"))
    harder = joined(own, {name: value for name, value in metrics.items() if name in VALUES})
    # Omit threat and environmental metrics, because only the base counts here.
    return vector_of({metric: harder[metric] for metric in METRICS})


def changed(before: str, after: str) -> str:
    """Return the metrics of `after` whose values differ from `before`, as in `UI:A/VC:L`; empty if none."""
    own = before.split("/")
    return "/".join(part for part in after.split("/") if part not in own)


def joined(changes: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """Merge both sets of metrics, taking the less severe value if both change the same metric."""
    both = dict(changes)
    for name, value in others.items():
        order = VALUES.get(name, "")
        if value in order and (name not in both or order.index(value) > order.index(both[name])):
            both[name] = value
    return both
