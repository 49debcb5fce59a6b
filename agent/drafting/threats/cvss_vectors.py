"""Changes CVSS v4.0 vectors when an attack becomes harder; the functions only ever make metrics milder."""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

from agent.scoring.cvss import BASE_METRICS, PREFIX, read_vector

IMPACTS: Final = BASE_METRICS[5:]
"""The metrics of what is lost, in the product and beyond it."""
VALUES: Final[Mapping[str, str]] = {
    "AV": "NALP",
    "AC": "LH",
    "AT": "NP",
    "PR": "NLH",
    "UI": "NPA",
    **dict.fromkeys(IMPACTS, "HLN"),
}
"""Possible values of each base metric, gravest first."""


@lru_cache(maxsize=4096)
def base_of(vector: str) -> Decimal:
    """Compute the base score of a vector, 0.0 to 10.0. Raises InputError if the vector is malformed."""
    return read_vector(vector).base


def eased(vector: str, metrics: Mapping[str, str]) -> str:
    """Apply those `metrics` that are milder than the vector's own, ignoring graver and unknown values."""
    own = dict(part.split(":") for part in vector.removeprefix(PREFIX).split("/"))
    for name, value in metrics.items():
        order = VALUES.get(name, "")
        if name in own and value in order and own[name] in order and order.index(value) > order.index(own[name]):
            own[name] = value
    # Omit threat and environmental metrics, because only the base counts here.
    return PREFIX + "/".join(f"{name}:{own[name]}" for name in BASE_METRICS)


def joined(changes: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """Merge both sets of metrics, taking the milder value if both change the same metric."""
    both = dict(changes)
    for name, value in others.items():
        order = VALUES.get(name, "")
        if value in order and (name not in both or order.index(value) > order.index(both[name])):
            both[name] = value
    return both
