"""`python -m evals.exchange FOLDER`; the endpoint says what it takes."""

from evals.exchange.endpoint import main
from evals.script import run_script

run_script(main)
