"""Choose the headline, which determines the score: the most severe supported threat in default use."""

from collections.abc import Sequence
from typing import Final

from agent.records import Threat

SUPPORTED: Final = ("quoted", "entry inferred")


def is_supported(threat: Threat) -> bool:
    """Return whether a threat may be the headline: it applies in default use, and its ability is quoted."""
    return threat.default_use and threat.basis in SUPPORTED and bool(threat.evidence)


def choose(threats: Sequence[Threat]) -> Threat | None:
    """Choose the headline from threats in report order. Returns None if none applies in default use.

    The highest base wins. Ties go to threats that need no setting, then to quoted over inferred ones, then to the given
    order. An assumed threat is chosen only if no threat is supported.
    """
    supported = [threat for threat in threats if is_supported(threat)]
    assumed = [threat for threat in threats if threat.default_use and threat.basis == "assumed" and threat.evidence]
    return min(
        supported or assumed,
        key=lambda threat: (-threat.score.cvss_base, bool(threat.setting), threat.basis != "quoted"),
        default=None,
    )
