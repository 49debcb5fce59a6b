"""The command line: the `septet` command, with one module per verb, each containing a click command named `command`."""

from agent.cli.command import EVAL_VERBS, VERBS, main, septet

__all__ = ["EVAL_VERBS", "VERBS", "main", "septet"]
