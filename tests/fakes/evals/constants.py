"""Constants for tests that are not about leaving vendors out: the bundled ones, fitted on all cases."""

from agent.drafting.calibration import load_calibration
from agent.facts.readers.outlook import load_outlook
from evals.cases.families import Identity
from evals.runs.holdout import Constants

CONSTANTS = Constants(load_calibration(), load_outlook())


class Bundled:
    """Returns the same constants for every vendor immediately; a fit takes a minute."""

    def without_family_of(self, whom: Identity) -> Constants:
        return CONSTANTS
