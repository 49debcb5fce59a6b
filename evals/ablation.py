"""Drafts with a part of the drafter taken away, to measure what the part is worth.

Search by terms or vectors alone is `mode` of `agent.pipeline.read_documents` and `draft_documents`.
"""

from agent.drafting import calibrate_factors
from agent.drafting.calibrate import Calibration


def without_kinds(calibration: Calibration) -> Calibration:
    """The same constants with one typical value of each factor for every kind of product: its mean over the corpus."""
    return calibration.model_copy(update={"factors": calibrate_factors.without_kinds(calibration.factors)})
