"""What cases are drafted with where a test is not about leaving vendors out: the bundled constants, fitted on all."""

from agent.drafting.calibration import load_calibration
from agent.facts.readers.outlook import load_outlook
from evals.cases.families import Identity
from evals.runs.holdout import Constants

CONSTANTS = Constants(load_calibration(), load_outlook())


class Bundled:
    """Says the same for every vendor, and at once: a fit takes a minute."""

    def without_family_of(self, whom: Identity) -> Constants:
        return CONSTANTS
