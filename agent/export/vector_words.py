"""A CVSS v4.0 vector, metric by metric, in words (FIRST, CVSS v4.0 specification, section 2)."""

from collections.abc import Mapping
from typing import Final

_METRICS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "AV": (
        "attack vector",
        {"N": "over the network", "A": "from the same network", "L": "on the machine", "P": "by hand"},
    ),
    "AC": ("attack complexity", {"L": "nothing to evade", "H": "a protection must be evaded"}),
    "AT": (
        "attack requirements",
        {"N": "no special conditions", "P": "a condition that the attacker does not control"},
    ),
    "PR": ("privileges required", {"N": "no account", "L": "an ordinary account", "H": "an administrator's account"}),
    "UI": (
        "user interaction",
        {"N": "none", "P": "ordinary use by someone", "A": "someone has to agree or act knowingly"},
    ),
    "VC": ("confidentiality, this product", {"H": "all or decisive data", "L": "some data", "N": "nothing disclosed"}),
    "VI": ("integrity, this product", {"H": "all or decisive changes", "L": "some changes", "N": "nothing changed"}),
    "VA": ("availability, this product", {"H": "outage", "L": "reduced service", "N": "stays up"}),
    "SC": ("confidentiality, other systems", {"H": "all or decisive data", "L": "some data", "N": "nothing disclosed"}),
    "SI": ("integrity, other systems", {"H": "all or decisive changes", "L": "some changes", "N": "nothing changed"}),
    "SA": ("availability, other systems", {"H": "outage", "L": "reduced service", "N": "stay up"}),
}


def vector_words(vector: str | None, reasons: Mapping[str, str] | None = None) -> list[tuple[str, str, str]]:
    """Rows of metric, meaning and reason (may be empty) for the eleven base metrics; no rows without a vector."""
    if not vector:
        return []
    chosen = dict(part.split(":", 1) for part in vector.split("/") if ":" in part)
    rows = []
    for metric, (name, words) in _METRICS.items():
        value = chosen.get(metric)
        if value in words:
            rows.append((f"{metric}:{value} {name}", words[value], (reasons or {}).get(metric, "")))
    return rows


def metric_choices() -> tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]:
    """Each base metric with its name and the values that it can have, in words."""
    return tuple((metric, name, tuple(words.items())) for metric, (name, words) in _METRICS.items())
