"""Opens an LLM for one draft: within its token and money caps, recorded or replayed.

Its key comes from the environment variable that the profile names, and goes nowhere but into the request.

An LLM is used only when `--llm` or the setting `llm` names it, or when recorded answers stand in for it. A key alone
never selects one.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple, ParamSpec, Self, TypeVar

import click

from agent.cli.source_options import stamp
from agent.errors import DriftError, InputError, LlmError, LlmReason, UnavailableError, UsageError

if TYPE_CHECKING:
    from agent.assist.run import Assistant
    from agent.llm.budget import Caps, Price
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
    text = "The LLM to use, over SEPTET_LLM; `embedded` for none. `septet doctor` lists the profiles."
    return click.option("--llm", metavar="PROFILE/NAME", help=text)(verb)


def answer_options(verb: Callable[_P, _R]) -> Callable[_P, _R]:
    """Add `--record`, `--replay` and `--fallback` to a verb, in this order of its help."""
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
    """The values of the options; None for an option not given."""

    llm: str | None = None
    record: Path | None = None
    replay: Path | None = None
    fallback: str | None = None


@dataclass(frozen=True)
class Choice:
    """The chosen drafter."""

    llm: str = ""
    """PROFILE/NAME; empty for none."""
    record: Path | None = None
    replay: Path | None = None
    fallback: bool = False
    """Whether to fall back to the embedded drafter if the LLM is unavailable."""


def choose(wanted: Wanted, settings: "Settings") -> Choice:
    """Choose the drafter from the options, else from the settings. Raises UsageError for contradictory options."""
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
    """Return PROFILE/NAME without blanks; empty if it means the embedded drafter."""
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
    return f"note: no LLM is named, so none is used; {keys} would serve {ways}"


class Opened:
    """The LLM of one draft, if any; leaving the block closes it.

    Closing completes a recording, and checks whether a replay matched its recording. On a mismatch, DriftError is
    raised if the block ended normally or with an LlmError, since the mismatch explains that error; other errors stay as
    they are.
    """

    def __init__(self, now: str, assistant: "Assistant | None" = None, recorder: "_Recorder | None" = None) -> None:
        self.now = now
        """The time of the draft: the present, or that of the replayed recording."""
        self.assistant = assistant
        self._recorder = recorder

    @property
    def answers(self) -> Path | None:
        """The folder with the LLM's answers, available once the session is closed; None if there are none."""
        return self._recorder.folder if self._recorder is not None and self._recorder.complete else None

    def __enter__(self) -> Self:
        """Return the session itself; the LLM is already open."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close the LLM, and report the usage of a failed run. Raises DriftError, and LlmError with a hint."""
        if self.assistant is None:
            return
        explains = error is None or isinstance(error, LlmError)
        try:
            with suppress(*(() if explains else (DriftError,))):
                self._close(self.assistant, failed=error is not None)
        finally:
            if error is not None:
                self.tell_spent()
        if isinstance(error, LlmError) and not self.assistant.fallback:
            hint = _with_way_out(error.hint)
            raise LlmError(error.reason, error.what, where=error.where, hint=hint, usage=error.usage) from None

    def tell_spent(self) -> None:
        """Report what an abandoned LLM has used nevertheless; a replay used nothing."""
        sends = self._recorder is None or self._recorder.recorded_at is not None
        if self.assistant is not None and sends:
            _tell_spent(self.assistant)

    def _close(self, assistant: "Assistant", *, failed: bool) -> None:
        with ExitStack() as left:
            if self._recorder is not None and failed:
                left.callback(self._recorder.tidy)
            left.callback(assistant.llm.close)


def open_assistant(
    choice: Choice,
    settings: "Settings",
    environ: Mapping[str, str],
    *,
    now: str,
    spare: Path | None = None,
    say: Say | None = None,
    told: Say | None = None,
) -> Opened:
    """Open the chosen LLM without calling it yet.

    `spare` is a new folder for its answers if the user names none. `say` receives progress messages, `told` the limits
    and the usage of the run. Raises UsageError for an unusable name, key or folder and for a live LLM under CI=true,
    RefusedError for an address, UnavailableError if a dependency is missing, InputError for prices and caps, DriftError
    for a broken recording.
    """
    if not choice.llm and choice.replay is None:
        return Opened(now)
    from agent.assist.passages import new_delimiter
    from agent.assist.run import Assistant
    from agent.llm.budget import Budget
    from agent.llm.cassette import Run
    from agent.llm.tokens import counter, table_folder

    say, told = say or _silent, told or _silent
    run = Run(new_delimiter(), _keys(environ))
    with ExitStack() as left:
        recorder: _Recorder | None
        if choice.replay is not None:
            llm, recorder, now = _replayed(choice.replay, run)
            told(f"llm: answers of {llm.name} come from {choice.replay}; nothing is sent")
        else:
            llm, recorder = _live(choice, settings, environ, run, now, spare, say, left)
        price = price_of_llm(llm.name, settings)
        count = counter(llm.name, table_folder(environ))
        assistant = Assistant(
            llm=llm,
            budget=Budget(count, price, _caps(settings, price, choice)),
            counter=count,
            delimiter=run.delimiter,
            answer_tokens=settings.llm_answer_tokens,
            passage_tokens=_passage_tokens(llm.name, settings),
            price=price,
            fallback=choice.fallback,
            say=say,
            told=told,
        )
        left.pop_all()
    return Opened(now, assistant, recorder)


def open_named(name: str, settings: "Settings", environ: Mapping[str, str], *, base_url: str, say: Say) -> "Llm":
    """Open the LLM PROFILE/NAME within the settings' limits, at `base_url` or at the default address of the profile.

    Raises UsageError, RefusedError and UnavailableError as `open_assistant` does.
    """
    from agent.llm.profiles import open_llm
    from agent.llm.retry import Limits

    def waits(stage: str, reason: LlmReason, seconds: float) -> None:
        say(f"{stage}: waiting {seconds:.0f} s before asking again ({reason})")

    return open_llm(
        name,
        environ,
        base_url=base_url,
        limits=Limits(call_seconds=settings.llm_call_seconds),
        on_wait=waits,
        context_tokens=settings.llm_context_tokens,
    )


def price_of_llm(name: str, settings: "Settings") -> "Price | None":
    """Return the price of an LLM from the user's price file, else from the bundled one, or None if it is unknown.

    The price depends on the name alone, so that a replay costs the same as the recorded run. An LLM is free if the
    default address of its profile is on the user's own machine. Raises InputError for a file without prices.
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
            raise InputError("the prices cannot be read", where=where, hint=f"give a YAML file ({error})") from None
        table.update(read_prices(text, str(file)))
    profile = profiles().get(name.partition("/")[0])
    return price_of(name, table) or (FREE if profile is not None and profile.on_this_machine else None)


def _live(
    choice: Choice,
    settings: "Settings",
    environ: Mapping[str, str],
    run: "Run",
    now: str,
    spare: Path | None,
    say: Say,
    left: ExitStack,
) -> tuple["Llm", "_Recorder | None"]:
    """Open the live LLM, recording its answers if a folder is given; `left` closes the LLM."""
    from agent.llm.cassette import refuse_live

    ci = environ.get("CI", "").strip().lower() in _CI
    refuse_live(ci)
    folder = choice.record or spare
    recorder = None if folder is None else _Recorder(folder, run, datetime.fromisoformat(now))
    if recorder is not None:
        left.callback(recorder.tidy)
    llm = _open_or_absent(choice, settings, environ, say)
    left.callback(llm.close)
    return (recorder.of(llm) if recorder is not None else llm), recorder


def _open_or_absent(choice: Choice, settings: "Settings", environ: Mapping[str, str], say: Say) -> "Llm":
    try:
        return open_named(choice.llm, settings, environ, base_url=settings.llm_base_url, say=say)
    except UnavailableError as error:
        if choice.fallback:
            return _Absent(choice.llm, error)
        raise UnavailableError(error.what, where=error.where, hint=_with_way_out(error.hint)) from None


def _replayed(folder: Path, run: "Run") -> tuple["Llm", "_Recorder", str]:
    """Return the recording as an LLM, with its folder and the time it was made."""
    from agent.llm.cassette import Replay

    llm = Replay(folder, run)
    try:
        when = stamp(datetime.fromisoformat(llm.recorded_at))
    except ValueError:
        where = f"{folder.name}: recorded_at"
        raise DriftError("the recording does not say when it was made", where=where, hint="record again") from None
    return llm, _Recorder(folder, run, None), when


@dataclass
class _Recorder:
    """The folder of a recording, whether written or replayed."""

    folder: Path
    run: "Run"
    recorded_at: datetime | None
    """The time of the recording; None for a replay, since a replay changes nothing."""
    _new: bool | None = None
    """Whether this run created the folder; None until something is recorded in it."""

    def of(self, llm: "Llm") -> "Llm":
        """Wrap the LLM so that its answers are recorded. Raises UsageError if the folder is not empty."""
        from agent.llm.cassette import Record

        assert self.recorded_at is not None
        new = not self.folder.exists()
        # A live LLM that is not allowed has already been refused before opening.
        recorded = Record(llm, self.folder, self.run, ci=False, recorded_at=self.recorded_at)
        self._new = new
        return recorded

    @property
    def complete(self) -> bool:
        """Whether there is a recording that can be replayed."""
        from agent.llm.cassette import MANIFEST

        return (self.folder / MANIFEST).is_file()

    def tidy(self) -> None:
        """Remove a recording without calls, left by a run that ended before its first call."""
        from agent.llm.cassette import MANIFEST

        if self._new is None or any(file.name != MANIFEST for file in self.folder.glob("*.json")):
            return
        (self.folder / MANIFEST).unlink(missing_ok=True)
        if self._new:
            with suppress(OSError):
                self.folder.rmdir()


class _Absent:
    """A stand-in for an LLM that could not be opened although a fallback is allowed: every call raises the reason."""

    def __init__(self, name: str, error: UnavailableError) -> None:
        self.name = name
        self._error = error

    def complete(self, call: "Call") -> "Reply":
        """Raise the LlmError."""
        error = self._error
        raise LlmError("unreachable", error.what, where=error.where, hint=error.hint)

    def close(self) -> None:
        """Do nothing, since nothing is open."""


def _passage_tokens(name: str, settings: "Settings") -> int:
    """Return how many tokens of the sources an LLM is shown; for a local LLM, at most its remaining context."""
    if not name.startswith(_LOCAL):
        return settings.llm_passage_tokens
    left = settings.llm_context_tokens - settings.llm_answer_tokens - _QUESTION_TOKENS
    return min(settings.llm_passage_tokens, max(_LEAST_PASSAGES, left))


def _tell_spent(assistant: "Assistant") -> None:
    spent = assistant.budget.spent
    tokens_in, tokens_out = spent.usage.input_tokens, spent.usage.output_tokens
    if tokens_in or tokens_out:
        about = "about " if spent.usage.estimated else ""
        money = "" if spent.dollars is None else f", ${spent.dollars:.4f}"
        took = f"{spent.calls} calls, {about}{tokens_in} tokens in, {tokens_out} out{money}"
        assistant.told(f"llm: {assistant.llm.name} took {took} until it was given up")


def _keys(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return every profile key that is set, so that none leaks into a recording."""
    from agent.llm.profiles import profiles

    names = {profile.key_env for profile in profiles().values() if profile.key_env}
    return tuple(filter(None, (environ.get(name, "").strip() for name in sorted(names))))


def _caps(settings: "Settings", price: "Price | None", choice: Choice) -> "Caps":
    """Return the caps of a run. A replay keeps the same caps, since calls that they prevented were not recorded.

    Raises InputError if the money cap is not a number.
    """
    from agent.llm.budget import Caps

    dollars = _dollars(settings.llm_max_dollars)
    # A replay costs nothing, so it needs no money cap when the price is unknown.
    return Caps(settings.llm_max_tokens, None if choice.replay is not None and price is None else dollars)


def _dollars(text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        dollars = Decimal(text.strip())
    except InvalidOperation:
        dollars = Decimal(-1)
    if not dollars.is_finite() or dollars < 0:
        raise InputError(
            f"{text!r} is not a sum of money", where="setting llm_max_dollars", hint="give a number such as 0.5"
        )
    return dollars


def _with_way_out(hint: str) -> str:
    return hint if _WAY_OUT in hint else "; ".join(filter(None, (hint, _WAY_OUT)))


def _silent(_: str) -> None:
    """Discard a message."""
