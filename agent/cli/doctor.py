"""`septet doctor`: check an LLM's endpoint and suggest settings."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from agent.cli.llm_session import llm_option, named, open_named, price_of_llm
from agent.cli.source_options import progress_line
from agent.errors import UnavailableError, Usage

if TYPE_CHECKING:
    from agent.llm.budget import Price
    from agent.llm.doctor import Row

_NOT_WELL: Final = 1
_WORDS: Final[Mapping[bool | None, str]] = {True: "ok", False: "FAILED", None: "unknown"}
_WORD_CHARS: Final = 8


@click.command("doctor")
@llm_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON (septet/doctor/1) instead of text.")
@click.pass_context
def command(context: click.Context, llm: str | None, as_json: bool) -> None:
    """Ask an LLM's endpoint a few questions and show the results; without an LLM, list the profiles.

    It checks whether the LLM is available, whether answers have the requested format and stay within the token limit,
    whether a long prompt is read to its end, whether the price is known, and how tokens are counted. At most four calls
    are made, one at a time. The exit code is 1 if a check fails, 4 if no call can succeed.

    \b
    Examples:
      septet doctor
      septet doctor --llm ollama/qwen3:8b
      SEPTET_LLM_BASE_URL=http://127.0.0.1:9000/v1 septet doctor --llm generic/my-llm --json
    """
    from agent.llm.doctor import probe
    from agent.llm.profiles import endpoint
    from agent.llm.tokens import counter, table_folder
    from agent.report.safe_markdown import one_line
    from agent.settings import load_settings

    environ = os.environ  # noqa: TID251
    settings = load_settings(environ)
    name = named(settings.llm if llm is None else llm)
    if not name:
        _list_profiles(environ, as_json)
        return
    price = price_of_llm(name, settings)
    source = counter(name, table_folder(environ)).source
    with progress_line() as say:
        opened = open_named(name, settings, environ, say)
        say(f"checking {name}")
        try:
            found = probe(opened)
        finally:
            opened.close()
    rows = (*found.rows, _priced(price), _counted(source))
    address = endpoint(name, environ, settings.llm_base_url).base_url
    if as_json:
        _print_json(name, address, rows, found.usage, ())
    else:
        for line in _lines(name, address, rows, found.usage, works=found.failed is None):
            click.echo(one_line(line))
    if found.failed is not None:
        context.exit(UnavailableError.exit_code)
    if any(row.well is False for row in rows):
        context.exit(_NOT_WELL)


def _priced(price: "Price | None") -> "Row":
    from agent.llm.doctor import Row

    check = "its price is known"
    if price is None:
        return Row(check, None, "it is not in any price list", "set SEPTET_LLM_PRICES to a file that lists it")
    if not price.input and not price.output:
        return Row(check, True, "free: it runs on your own machine")
    return Row(check, True, f"${price.input:f} per million tokens in, ${price.output:f} out")


def _counted(source: str) -> "Row":
    from agent.llm.doctor import Row

    check = "its tokens are counted"
    if source.startswith("tiktoken"):
        return Row(check, True, f"by {source}")
    advice = "store tiktoken's table on this machine; until then, estimates err on the high side"
    return Row(check, None, f"estimated by {source}", advice)


def _lines(name: str, address: str, rows: "tuple[Row, ...]", usage: Usage, *, works: bool) -> Iterator[str]:
    from agent.llm.profiles import profiles

    where = f" at {address}" if address else ""
    yield f"{name}{where}: {usage.input_tokens} tokens in, {usage.output_tokens} out"
    for row in rows:
        yield f"{_WORDS[row.well]:{_WORD_CHARS}}  {row.check}: {row.found}"
        if row.advice:
            yield f"{'':{_WORD_CHARS}}  → {row.advice}"
    note = profiles()[name.partition("/")[0]].note
    if note:
        yield f"{'note':{_WORD_CHARS}}  {note}"
    if works:
        yield f"to draft with it: septet draft SOURCE --llm {name}"


def _list_profiles(environ: Mapping[str, str], as_json: bool) -> None:
    """Print the profiles and whether each one's key is set, but never a key itself."""
    from agent.llm.profiles import profiles

    listed: list[dict[str, object]] = []
    lines = ["No LLM is selected, so the embedded drafter is used. Profiles for --llm PROFILE/NAME or SEPTET_LLM:", ""]
    width = max(len(name) for name in profiles())
    for name, profile in profiles().items():
        key = profile.key_env or None
        there = bool(key and environ.get(key, "").strip())
        listed.append({"name": name, "title": profile.title, "key_env": key, "key_set": there, "note": profile.note})
        state = "needs no key" if key is None else f"{key} is {'set' if there else 'not set'}"
        lines.append(f"{name:{width}}  {profile.title}; {state}")
        if profile.note:
            lines.append(f"{'':{width}}  → {profile.note}")
    if as_json:
        _print_json(None, "", (), Usage(), listed)
    else:
        click.echo("\n".join(lines))


def _print_json(
    name: str | None, address: str, rows: "tuple[Row, ...]", usage: Usage, listed: Sequence[Mapping[str, object]]
) -> None:
    content = {
        "schema": "septet/doctor/1",
        "llm": name,
        "address": address or None,
        "rows": [row._asdict() for row in rows],
        "usage": asdict(usage),
        "profiles": listed,
    }
    click.echo(json.dumps(content, indent=1, ensure_ascii=False))
