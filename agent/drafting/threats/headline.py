"""Chooses the headline: the threat that determines the score."""

from collections.abc import Sequence
from typing import Final

from agent.records import Threat

RULE: Final = "the gravest supported threat in the product's default use"
"""The definition of the headline, as the report and the app print it."""
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
    ranked = sorted(
        supported or assumed,
        key=lambda threat: (-threat.score.cvss_base, bool(threat.setting), threat.basis != "quoted"),
    )
    return ranked[0] if ranked else None


def graver_than(headline: Threat | None, threats: Sequence[Threat]) -> Threat | None:
    """Return the gravest conditional threat that is graver than the headline, or None."""
    bar = headline.score.cvss_base if headline else None
    found = [
        threat
        for threat in threats
        if threat is not headline
        and (not threat.default_use or threat.setting)
        and threat.basis != "assumed"
        and (bar is None or threat.score.cvss_base > bar)
    ]
    return max(found, key=lambda threat: threat.score.cvss_base, default=None)
