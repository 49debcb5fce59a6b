"""Entry point of `python -m evals.exchange FOLDER`; `evals.exchange.endpoint` describes the arguments."""

from evals.exchange.endpoint import main
from evals.script import run_script

run_script(main)
