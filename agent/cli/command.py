"""The command line: find a verb, run it, and turn an error into an `error:` line, a `hint:` line and an exit code.

Verbs of this package are imported only when called, so that `--help` starts fast. The verbs of the eval suite are found
through the entry-point group `septet.verbs`, so that this package never imports the suite.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import entry_points, version
from typing import Final, NoReturn

import click

from agent.errors import DriftError, SeptetError, UsageError

_GROUP: Final = "septet.verbs"
_INTERRUPTED: Final = 130


VERBS: Final[dict[str, str]] = {
    "draft": "Draft a threat model from a product listing.",
    "intake": "Show which sources a draft would read, without drafting.",
    "facts": "Show the facts found about a product, with their quotes.",
    "search": "Search the sources of a draft.",
    "score": "Compute an exact OWASP AIVSS score, and show the arithmetic.",
    "explain": "Show where a number or statement of a draft comes from.",
    "export": "Export a draft for other tools and readers.",
    "review": "Review drafts in a local web app, and sign them.",
    "answer": "Add a vendor's answers as facts, and update the draft.",
    "audit-log": "Verify the event log of a review store.",
    "doctor": "Check an LLM's endpoint, and suggest settings.",
}
"""The verbs, each with its line in the help text. Each verb is a module of the same name with a click command named
`command`.
"""
EVAL_VERBS: Final[dict[str, str]] = {
    "eval": "Measure the drafter on labelled cases, and catch regressions.",
    "corpus": "Import and check labelled cases.",
}


class _Verbs(click.Group):
    """A click group that imports a verb only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*VERBS, *EVAL_VERBS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in VERBS:
            command = importlib.import_module(f"agent.cli.{cmd_name.replace('-', '_')}").command
        else:
            found = next(iter(entry_points(group=_GROUP, name=cmd_name)), None)
            command = None if found is None else found.load()
        assert isinstance(command, click.Command | None)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name.startswith("-") or self.get_command(ctx, name) is not None:
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches

        near = get_close_matches(name.lower(), self.list_commands(ctx), 1)
        hint = f"did you mean `septet {near[0]}`? " if near else ""
        raise UsageError(f"there is no verb {name[:60]!r}", hint=f"{hint}`septet --help` lists them")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([*VERBS.items(), *EVAL_VERBS.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version("septet"), prog_name="septet")
def septet() -> None:
    """Septet drafts threat models of AI-agent products from a product listing.

    Every statement has a verbatim quote, the score is computed by arithmetic, and whatever the listing leaves open is
    marked "Not certain from the listing". The draft is for an analyst to review, not a verdict.

    \b
    Examples:
      septet draft https://directory.example/agents/acme --out acme
      septet draft listing.md docs/ --json
      septet score --base 7.5 --factor-sum 2.9 --mode directory
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the `septet` command and exit. On an error, print `error:` and `hint:` to stderr and exit with its code.

    `arguments` defaults to `sys.argv[1:]`.
    """
    # Always off: otherwise an environment variable could make LangChain's tracing send page text to a server.
    os.environ["LANGSMITH_TRACING_V2"] = "false"  # noqa: TID251
    try:
        # Do not call septet.main(): click would report a failure when the reader of stdout has closed the pipe.
        with septet.make_context("septet", list(sys.argv[1:] if arguments is None else arguments)) as context:
            septet.invoke(context)
        sys.stdout.flush()
        sys.exit(0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except SeptetError as error:
        # The hint of a DriftError has one line for each difference from the recording.
        hint, *more = (error.hint.splitlines() if isinstance(error, DriftError) else [error.hint]) or [""]
        _report(str(error), hint, more)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        # Everything is already closed. Skip Python's own shutdown, which takes another half a second.
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(_INTERRUPTED)
    except click.UsageError as error:
        hint = f"see `{error.ctx.command_path} --help`" if error.ctx else "see `septet --help`"
        _report(error.format_message().rstrip("."), hint)
        sys.exit(UsageError.exit_code)
    except click.ClickException as error:
        _report(error.format_message())
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of stdout has closed the pipe, as in `| head`, so there is nothing left to print.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        _report(
            f"{error.strerror or error}, {error.filename or 'input or output'}",
            "check the path and the free disk space",
        )
        sys.exit(SeptetError.exit_code)


def _report(what: str, hint: str = "", more: Sequence[str] = ()) -> None:
    # Errors may contain external addresses and file names: print each on one line, without terminal escapes.
    from agent.report.safe_markdown import one_line

    click.echo(f"error: {one_line(what)}", err=True)
    if hint:
        click.echo(f"hint: {one_line(hint)}", err=True)
    for line in more:
        click.echo(f"  {' ' * line.startswith(' ')}{one_line(line)}", err=True)
