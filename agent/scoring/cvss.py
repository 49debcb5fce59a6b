"""CVSS v4.0 scores of a vector, computed by the `cvss` library.

The library's `base_score` depends on the whole vector: with E or environmental metrics, it is no longer the base score.
Here the base comes only from the eleven base metrics; the score of the whole vector is CVSS-BTE (FIRST, CVSS v4.0
specification, section 1.3).
"""

from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from agent.errors import InputError

PREFIX: Final = "CVSS:4.0/"
BASE_METRICS: Final = ("AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA")
REACHABLE_TENTHS: Final = frozenset(
    (0, 10, 18, 20, 21, 23, 24, *range(40, 66), *range(67, 80), *range(81, 96), 99, 100)
)
"""The 63 base scores, in tenths, that the 104,976 base vectors of CVSS v4.0 yield (found by scoring all of them)."""
_LONGEST: Final = 400
_REMEMBERED: Final = 1024
"""Number of vectors whose scores are cached: a draft scores the catalogue's vectors again and again."""
_TENTHS: Final = 10
_HINT: Final = "use a CVSS v4.0 vector, such as CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
_FIELD: Final = "cvss_vector"


class VectorScores(NamedTuple):
    """Both scores of one vector, 0.0 to 10.0 with one decimal."""

    base: Decimal
    bte: Decimal


def read_vector(vector: str) -> VectorScores:
    """Return the base score from only the base metrics, and the score of the whole vector (CVSS-BTE).

    Raises InputError, with a suggested correction, for any other CVSS version and for a malformed vector.
    """
    if not vector.startswith(PREFIX):
        raise InputError(*_other_version(vector), where=_FIELD, hint=_HINT)
    if len(vector) > _LONGEST:
        raise InputError("the vector is too long", where=_FIELD, hint=_HINT)
    bte = _library_score(vector)
    metrics = dict(part.split(":") for part in vector.removeprefix(PREFIX).split("/"))
    base = PREFIX + "/".join(f"{name}:{metrics[name]}" for name in BASE_METRICS)
    return VectorScores(_library_score(base), bte)


def is_reachable(base: Decimal) -> bool:
    """Return whether some CVSS v4.0 vector has this base score."""
    return base * _TENTHS in REACHABLE_TENTHS


def _other_version(vector: str) -> tuple[str]:
    for version in ("3.1", "3.0", "2.0", "1.0"):
        if vector.startswith(f"CVSS:{version}/"):
            return (f"a CVSS v{version} vector cannot be used: AIVSS takes CVSS v4.0 scores",)
    if vector.startswith("AV:"):
        return ("a CVSS v2 vector cannot be used: AIVSS takes CVSS v4.0 scores",)
    return (f"{vector[:40]!r} is not a CVSS v4.0 vector",)


@lru_cache(maxsize=_REMEMBERED)
def _library_score(vector: str) -> Decimal:
    # Imported here, because a score from a bare base does not need the library's tables.
    from cvss import CVSS4
    from cvss.exceptions import CVSS4Error

    try:
        return Decimal(str(CVSS4(vector).base_score))
    except CVSS4Error as error:
        raise InputError(str(error).replace('"', "'"), where=_FIELD, hint=_HINT) from None
