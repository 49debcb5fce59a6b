"""Open an LLM for one draft, within the token and cost limits, and record or replay its answers.

The API key comes from the environment variable that the profile specifies, and is used only in requests to the LLM.

An LLM is used only when `--llm` or the setting `llm` selects it, or when recorded answers replace it. A key alone never
selects one.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, ParamSpec, Self, TypeVar

import click

from agent.cli.source_options import PATH, stamp
from agent.errors import DriftError, InputError, LlmError, LlmReason, UnavailableError, UsageError

if TYPE_CHECKING:
    from agent.assist.run import Assistant
    from agent.llm.budget import Price
    from agent.llm.cassette import Run
    from agent.llm.port import Call, Llm, Reply
    from agent.settings import Settings

EMBEDDED: Final = "embedded"
_P = ParamSpec("_P")
_R = TypeVar("_R")
_CI: Final = frozenset({"true", "1"})
_LOCAL: Final = "local/"
_QUESTION_TOKENS: Final = 6_000
"""Tokens reserved for the longest question, in addition to the sources."""
_LEAST_PASSAGES: Final = 1_000
_WAY_OUT: Final = "`--fallback embedded` drafts without it"
Say = Callable[[str], None]


def llm_option(verb: Callable[_P, _R]) -> Callable[_P, _R]:
    """Add `--llm` to a verb."""
    text = "The LLM to use, overriding SEPTET_LLM; `embedded` for none. `septet doctor` lists the profiles."
    return click.option("--llm", metavar="PROFILE/NAME", help=text)(verb)


def answer_options(verb: Callable[_P, _R]) -> Callable[_P, _R]:
    """Add `--record`, `--replay` and `--fallback` to a verb, in the order shown in its help."""
    without = "Draft without the LLM if it is unavailable, and say so in the draft."
    for option in (
        click.option("--fallback", type=click.Choice([EMBEDDED]), help=without),
        click.option(
            "--replay", type=PATH, metavar="DIR", help="Take the LLM's answers from DIR instead of calling it."
        ),
        click.option("--record", type=PATH, metavar="DIR", help="Record the LLM's answers in DIR, a new folder."),
    ):
        verb = option(verb)
    return verb


@dataclass(frozen=True)
class Choice:
    """Which LLM to draft with, if any, and whether to record its answers, replay them, or fall back without it."""

    llm: str = ""
    """PROFILE/NAME; empty for none."""
    record: Path | None = None
    replay: Path | None = None
    fallback: bool = False
    """Whether to fall back to the embedded drafter if the LLM is unavailable."""


def choose(llm: str | None, record: Path | None, replay: Path | None, fallback: str | None, default: str) -> Choice:
    """Choose the drafter from the options; `default` is the LLM to use if `llm` is None.

    Raises UsageError for conflicting options, and for `record` without an LLM.
    """
    if replay is not None:
        if llm is not None or record is not None:
            other = "--llm" if llm is not None else "--record"
            hint = "the recording determines the LLM"
            raise UsageError(f"--replay cannot be combined with {other}", hint=hint)
        return Choice(replay=replay, fallback=fallback is not None)
    name = named(default if llm is None else llm)
    if record is not None and not name:
        raise UsageError("--record needs an LLM", hint="select it with --llm PROFILE/NAME or SEPTET_LLM")
    return Choice(name, record, fallback=fallback is not None)


def named(llm: str) -> str:
    """Return PROFILE/NAME without surrounding whitespace; empty for the embedded drafter."""
    name = llm.strip()
    return "" if name == EMBEDDED else name


def unused_key(environ: Mapping[str, str]) -> str:
    """Return a note for a user who has set an LLM's key but selected no LLM; empty if no key is set."""
    from agent.llm.profiles import profiles

    found: dict[str, str] = {}
    for name, profile in profiles().items():
        if profile.key_env and environ.get(profile.key_env, "").strip():
            found.setdefault(profile.key_env, name)
    if not found:
        return ""
    keys, ways = " and ".join(found), " or ".join(f"`--llm {name}/NAME`" for name in found.values())
    return f"note: no LLM is selected, so none is used; {keys} would work with {ways}"


@dataclass
class Opened:
    """The LLM of one draft, if any, as a context manager that closes it.

    Closing completes a recording, and checks whether a replay matched its recording. On a mismatch, DriftError is
    raised if the block ended normally or with an LlmError, since the mismatch explains that error; other errors are not
    replaced.
    """

    now: str
    """The time of the draft: the current time, or that of the replayed recording."""
    assistant: "Assistant | None" = None
    folder: Path | None = None
    """The folder of the recording, written or replayed."""
    replayed: bool = False
    made: bool = False
    """Whether this run created the folder."""

    @property
    def answers(self) -> Path | None:
        """The folder with the LLM's answers, available once the session is closed; None if there are none."""
        from agent.llm.cassette import MANIFEST

        return self.folder if self.folder is not None and (self.folder / MANIFEST).is_file() else None

    def __enter__(self) -> Self:
        """Return the session itself; the LLM is already open."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close the LLM, and report the usage of a failed run.

        Raises DriftError if a replay did not match its recording. Raises an LlmError again, with a hint that there is a
        fallback, unless the fallback is already allowed.
        """
        if self.assistant is None:
            return
        explains = error is None or isinstance(error, LlmError)
        try:
            with suppress(*(() if explains else (DriftError,))), ExitStack() as left:
                if error is not None:
                    left.callback(self._tidy)
                left.callback(self.assistant.llm.close)
        finally:
            if error is not None:
                self.tell_spent()
        if isinstance(error, LlmError) and not self.assistant.fallback:
            hint = _with_way_out(error.hint)
            raise LlmError(error.reason, error.what, where=error.where, hint=hint, usage=error.usage) from None

    def tell_spent(self) -> None:
        """Report the usage of a run that was abandoned; nothing is reported for a replay, which uses no LLM."""
        if self.assistant is None or self.replayed:
            return
        spent = self.assistant.budget.spent
        tokens_in, tokens_out = spent.usage.input_tokens, spent.usage.output_tokens
        if tokens_in or tokens_out:
            about = "about " if spent.usage.estimated else ""
            money = "" if spent.dollars is None else f", ${spent.dollars:.4f}"
            took = f"{spent.calls} calls, {about}{tokens_in} tokens in, {tokens_out} out{money}"
            self.assistant.told(f"llm: {self.assistant.llm.name} used {took} before the run was abandoned")

    def _tidy(self) -> None:
        """Remove a recording without calls, left by a run that ended before its first call."""
        from agent.llm.cassette import MANIFEST

        folder = self.folder
        if folder is None or self.replayed or any(file.name != MANIFEST for file in folder.glob("*.json")):
            return
        (folder / MANIFEST).unlink(missing_ok=True)
        if self.made:
            with suppress(OSError):
                folder.rmdir()


def open_assistant(
    choice: Choice,
    settings: "Settings",
    environ: Mapping[str, str],
    *,
    now: str,
    spare: Path | None = None,
    say: Say = lambda _: None,
    told: Say = lambda _: None,
) -> Opened:
    """Open the chosen LLM without calling it yet.

    `spare` is a new folder for its answers if the user specifies none. `say` receives progress messages, `told` the
    limits and the usage of the run. Raises UsageError for an unusable name, key or folder and for a live LLM under
    CI=true, RefusedError for a forbidden address, UnavailableError if a dependency is missing, InputError for invalid
    prices and limits, DriftError for a broken recording.
    """
    if not choice.llm and choice.replay is None:
        return Opened(now)
    from agent.assist.passages import new_delimiter
    from agent.assist.run import Assistant
    from agent.llm.budget import Budget, Caps
    from agent.llm.cassette import Replay, Run
    from agent.llm.profiles import profiles
    from agent.llm.tokens import counter, table_folder

    # Every profile key that is set, so that none leaks into a recording.
    keys = {environ.get(profile.key_env, "").strip() for profile in profiles().values() if profile.key_env}
    run = Run(new_delimiter(), tuple(sorted(filter(None, keys))))
    replay = None if choice.replay is None else Replay(choice.replay, run)
    name = choice.llm if replay is None else replay.name
    price, count = price_of_llm(name, settings), counter(name, table_folder(environ))
    # The limits apply to a replay too, since calls that they prevented were not recorded. But a replay costs nothing,
    # so it needs no cost limit when the price is unknown.
    dollars = _dollars(settings.llm_max_dollars)
    budget = Budget(count, price, Caps(settings.llm_max_tokens, dollars if replay is None or price else None))
    folder, made = choice.replay or choice.record or spare, False
    if replay is None:
        made = folder is not None and not folder.exists()
        llm = _live(choice, settings, environ, run, now, folder, say)
    else:
        llm, now = replay, _recorded_at(replay.recorded_at, choice.replay)
        told(f"llm: replaying the answers of {name} from {choice.replay}; nothing is sent")
    passages = settings.llm_passage_tokens
    if name.startswith(_LOCAL):
        left = settings.llm_context_tokens - settings.llm_answer_tokens - _QUESTION_TOKENS
        passages = min(passages, max(_LEAST_PASSAGES, left))
    assistant = Assistant(
        llm=llm,
        budget=budget,
        counter=count,
        delimiter=run.delimiter,
        answer_tokens=settings.llm_answer_tokens,
        passage_tokens=passages,
        price=price,
        fallback=choice.fallback,
        say=say,
        told=told,
    )
    return Opened(now, assistant, folder, replayed=replay is not None, made=made)


def open_named(name: str, settings: "Settings", environ: Mapping[str, str], say: Say) -> "Llm":
    """Open the LLM PROFILE/NAME within the settings' limits, at their address or else the profile's default one.

    Raises UsageError, RefusedError and UnavailableError as `open_assistant` does.
    """
    from agent.llm.profiles import open_llm
    from agent.llm.retry import Limits

    def waits(stage: str, reason: LlmReason, seconds: float) -> None:
        say(f"{stage}: waiting {seconds:.0f} s before retrying ({reason})")

    return open_llm(
        name,
        environ,
        base_url=settings.llm_base_url,
        limits=Limits(call_seconds=settings.llm_call_seconds),
        on_wait=waits,
        context_tokens=settings.llm_context_tokens,
    )


def price_of_llm(name: str, settings: "Settings") -> "Price | None":
    """Return the price of an LLM from the user's price file, else from the bundled one, or None if it is unknown.

    The price depends on the name alone, so that a replay costs the same as the recorded run. An LLM is free if the
    default address of its profile is on the user's own machine. Raises InputError for an unreadable or invalid file.
    """
    from agent.llm.budget import FREE, price_of, prices, read_prices
    from agent.llm.profiles import profiles

    table = dict(prices())
    if settings.llm_prices:
        file = Path(settings.llm_prices)
        try:
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            where = f"setting llm_prices: {file}"
            raise InputError("the prices cannot be read", where=where, hint=f"specify a YAML file ({error})") from None
        table.update(read_prices(text, str(file)))
    profile = profiles().get(name.partition("/")[0])
    return price_of(name, table) or (FREE if profile is not None and profile.on_this_machine else None)


def _live(
    choice: Choice,
    settings: "Settings",
    environ: Mapping[str, str],
    run: "Run",
    now: str,
    folder: Path | None,
    say: Say,
) -> "Llm":
    """Open the live LLM, recording its answers if a folder is given."""
    from agent.llm.cassette import Record

    if environ.get("CI", "").strip().lower() in _CI:
        hint = "replay a recording, or unset CI"
        raise UsageError("CI=true forbids calls to an LLM", where="recording or live", hint=hint)
    try:
        llm = open_named(choice.llm, settings, environ, say)
    except UnavailableError as error:
        if not choice.fallback:
            raise UnavailableError(error.what, where=error.where, hint=_with_way_out(error.hint)) from None
        llm = _Absent(choice.llm, error)
    if folder is None:
        return llm
    with ExitStack() as left:
        left.callback(llm.close)
        recorder = Record(llm, folder, run, recorded_at=datetime.fromisoformat(now))
        left.pop_all()
    return recorder


def _recorded_at(text: str, folder: Path | None) -> str:
    try:
        return stamp(datetime.fromisoformat(text))
    except ValueError:
        where = f"{folder.name if folder else ''}: recorded_at"
        raise DriftError("the recording does not say when it was made", where=where, hint="record again") from None


class _Absent:
    """A stand-in for an LLM that could not be opened, used if a fallback is allowed: every call raises LlmError."""

    def __init__(self, name: str, error: UnavailableError) -> None:
        self.name = name
        self._error = error

    def complete(self, call: "Call") -> "Reply":
        raise LlmError("unreachable", self._error.what, where=self._error.where, hint=self._error.hint)

    def close(self) -> None:
        pass


def _dollars(text: str) -> Decimal | None:
    """Return the cost limit in dollars, or None if there is none. Raises InputError for an invalid amount."""
    if not text.strip():
        return None
    with suppress(InvalidOperation):
        dollars = Decimal(text.strip())
        if dollars.is_finite() and dollars >= 0:
            return dollars
    hint = "use a number such as 0.5"
    raise InputError(f"{text!r} is not an amount in dollars", where="setting llm_max_dollars", hint=hint)


def _with_way_out(hint: str) -> str:
    return hint if _WAY_OUT in hint else "; ".join(filter(None, (hint, _WAY_OUT)))
