"""The command line: the `septet` command, and a module for each verb with a click command named `command`."""

from agent.cli.command import EVAL_VERBS, VERBS, main, septet

__all__ = ["EVAL_VERBS", "VERBS", "main", "septet"]
