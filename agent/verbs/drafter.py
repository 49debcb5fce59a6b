"""Which drafter a verb uses: the options that say so, and what they choose together with the settings.

An LLM is used only when `--llm` or the setting `llm` names it, or when recorded answers stand in for it. A key alone
never selects one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, ParamSpec, TypeVar

import click

from agent.errors import UsageError

if TYPE_CHECKING:
    from agent.settings import Settings

EMBEDDED: Final = "embedded"
_P = ParamSpec("_P")
_R = TypeVar("_R")


def llm_option(verb: Callable[_P, _R]) -> Callable[_P, _R]:
    """Give a verb `--llm`."""
    text = "The LLM to use, over SEPTET_LLM; `embedded` for none. `septet doctor` lists the profiles."
    return click.option("--llm", metavar="PROFILE/NAME", help=text)(verb)


def answer_options(verb: Callable[_P, _R]) -> Callable[_P, _R]:
    """Give a verb `--record`, `--replay` and `--fallback`, in this order of its help."""
    folder = click.Path(path_type=Path)
    options = (
        click.option("--record", type=folder, metavar="DIR", help="Keep the LLM's answers in DIR, a new folder."),
        click.option("--replay", type=folder, metavar="DIR", help="Take the LLM's answers from DIR; nobody is asked."),
        click.option(
            "--fallback", type=click.Choice([EMBEDDED]), help="Draft without the LLM when it cannot be had, and say so."
        ),
    )
    for option in reversed(options):
        verb = option(verb)
    return verb


class Wanted(NamedTuple):
    """What the options say; None where one is not given."""

    llm: str | None = None
    record: Path | None = None
    replay: Path | None = None
    fallback: str | None = None


@dataclass(frozen=True)
class Choice:
    """Which drafter was chosen."""

    llm: str = ""
    """PROFILE/NAME; empty for none."""
    record: Path | None = None
    replay: Path | None = None
    fallback: bool = False
    """Whether the embedded drafter goes on alone when the LLM cannot be had."""


def choose(wanted: Wanted, settings: "Settings") -> Choice:
    """What the options and, where they say nothing, the settings choose. Raises UsageError when they contradict."""
    llm, record, replay, _ = wanted
    fallback = wanted.fallback is not None
    if replay is not None:
        if llm is not None or record is not None:
            other = "--llm" if llm is not None else "--record"
            raise UsageError(f"--replay does not go with {other}", hint="a recording knows which LLM made it")
        return Choice(replay=replay, fallback=fallback)
    name = named(settings.llm if llm is None else llm)
    if record is not None and not name:
        raise UsageError("--record needs an LLM", hint="name it with --llm PROFILE/NAME or SEPTET_LLM")
    return Choice(name, record, fallback=fallback)


def named(llm: str) -> str:
    """PROFILE/NAME without blanks; empty when the embedded drafter is meant."""
    name = llm.strip()
    return "" if name == EMBEDDED else name


def unused_key(environ: Mapping[str, str]) -> str:
    """One line for somebody who has set a key of an LLM and named none; empty when no key is set."""
    from agent.llm.profiles import profiles

    found: dict[str, str] = {}
    for name, profile in profiles().items():
        if profile.key_env and environ.get(profile.key_env, "").strip():
            found.setdefault(profile.key_env, name)
    if not found:
        return ""
    keys, ways = " and ".join(found), " or ".join(f"`--llm {name}/NAME`" for name in found.values())
    return f"note: no LLM is named, so none is used; {keys} would serve {ways}"
