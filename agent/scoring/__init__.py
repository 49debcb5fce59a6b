"""AIVSS and CVSS v4.0 scores: exact, with their arithmetic, and recomputed on loading. No file or network access.

score(request)          a records.Score for a request from `parse_request` or built by the caller
verify(score)           recompute a stored score under its formula and revision
withhold, with_controls the two ways to change how a score is shown
severity, bands         convert numbers to words
"""

from agent.scoring.interval import bands, severity
from agent.scoring.request import Request, parse_request
from agent.scoring.result import score, verify, with_controls, withhold

__all__ = ["Request", "bands", "parse_request", "score", "severity", "verify", "with_controls", "withhold"]
