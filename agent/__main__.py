"""`python -m agent` is the `septet` command."""

from agent.cli import main

main()
