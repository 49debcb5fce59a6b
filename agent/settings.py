"""Settings, read once at the start of the program from the environment and a config file into one frozen object.

Each setting is one field of `Settings`; its environment variable is its name in capitals with the prefix `SEPTET_`.
The config file is TOML with the names as keys; `SEPTET_CONFIG` gives its path. The environment takes precedence over
the file. Nothing else in the package reads the environment. Only `cache_dir` has no default here: `load_settings` sets
it to the user's cache folder, and it is empty for a caller that creates its own `Settings`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from agent.errors import InputError

T = TypeVar("T", int, float, str)
_PREFIX: Final = "SEPTET_"
_FOLDER: Final = "septet"
_STORE: Final = "review.sqlite"
_OFF: Final = frozenset({"", "-", "off"})
_NEEDED: Final = frozenset({"llm_answer_tokens", "llm_call_seconds", "llm_context_tokens"})
"""Settings that must be at least 1, since every LLM call would fail otherwise."""
_MOST_SECONDS: Final = 31_536_000.0
"""One year; the system's timers do not accept much larger values."""


def _setting(default: T, unit: str, explained: str) -> T:
    return field(default=default, metadata={"unit": unit, "help": explained})


@dataclass(frozen=True)
class Settings:
    """All settings, each with its default, its unit or choices, and an explanation."""

    max_pages: int = _setting(30, "pages", "maximum number of pages read for one product, including the listing")
    max_depth: int = _setting(3, "links", "how many links away from the listing a page may be")
    max_page_bytes: int = _setting(5_000_000, "bytes", "maximum size of a page, after decompression")
    max_pdf_bytes: int = _setting(25_000_000, "bytes", "maximum size of a PDF")
    max_total_bytes: int = _setting(100_000_000, "bytes", "maximum total size of all pages of one product")
    first_byte_seconds: float = _setting(10.0, "seconds", "time limit for the first byte of a server's answer")
    request_seconds: float = _setting(15.0, "seconds", "time limit for one request, from connecting to the last byte")
    total_seconds: float = _setting(60.0, "seconds", "total time limit for all requests of one product")
    connections: int = _setting(8, "connections", "maximum number of simultaneous connections, across all hosts")
    connections_per_host: int = _setting(2, "connections", "maximum number of simultaneous connections to one host")
    delay_seconds: float = _setting(
        0.5, "seconds", "pause between requests to the same host; a longer Crawl-delay takes precedence"
    )
    max_crawl_delay_seconds: float = _setting(
        30.0, "seconds", "longest Crawl-delay that is honoured; a host that asks for more is skipped"
    )
    max_pages_per_template: int = _setting(
        12, "pages", "maximum number of pages whose addresses differ only in numbers, dates or query values"
    )
    max_redirects: int = _setting(5, "hops", "maximum number of redirects followed for one request")
    browser: str = _setting(
        "off", "off or on", "render pages that need JavaScript; needs the extra `browser` and Chromium"
    )
    browser_path: str = _setting(
        "", "path", "path to Chromium; if empty, chromium, chromium-browser or google-chrome on the PATH"
    )
    browser_seconds: float = _setting(
        20.0, "seconds", "time limit for rendering one page, including the files it loads"
    )
    parse_seconds: float = _setting(20.0, "seconds of CPU", "time limit for parsing one page in its child process")
    parse_memory_mb: int = _setting(1024, "MiB", "memory limit of the parsing child process")
    vector_store: str = _setting(
        "chroma", "chroma or memory", "where passage vectors are stored; any LangChain store can be added"
    )
    cache_dir: str = _setting(
        "", "folder", "where web responses are cached; `off` disables caching; the default is the user's cache folder"
    )
    cache_max_bytes: int = _setting(
        500_000_000, "bytes", "size limit of that folder; the oldest files are deleted first"
    )
    user_agent: str = _setting(
        "septet/0.1 (drafts threat models from product listings)", "text", "User-Agent header of web requests"
    )
    llm: str = _setting("", "PROFILE/NAME", "the LLM to draft with, as in `--llm`; none if empty or `embedded`")
    llm_base_url: str = _setting("", "URL", "address of its endpoint, overriding the profile's")
    llm_max_tokens: int = _setting(250_000, "tokens", "token limit for one draft, input and output combined")
    llm_max_dollars: str = _setting(
        "", "US dollars", "cost limit for one draft, if the LLM's price is known; no limit if empty"
    )
    llm_answer_tokens: int = _setting(8_000, "tokens", "maximum length of one LLM answer, including thinking")
    llm_passage_tokens: int = _setting(16_000, "tokens", "maximum length of the source passages shown to the LLM")
    llm_call_seconds: float = _setting(120.0, "seconds", "time limit for one LLM call, including retries and waits")
    llm_context_tokens: int = _setting(16_384, "tokens", "context size of a `local/…` LLM")
    llm_prices: str = _setting("", "file", "additional prices, in the format of `agent/llm/prices.yaml`")
    review_two_person: str = _setting(
        "off", "off or on", "whether a review must be signed by an approver who has not decided on any of its items"
    )


class Setting(NamedTuple):
    """One row of the settings table."""

    name: str
    unit: str
    help: str

    @property
    def choices(self) -> tuple[str, ...]:
        """The possible values; empty if the setting is a number or free text."""
        return tuple(self.unit.split(" or ")) if " or " in self.unit else ()


SETTINGS: Final[Mapping[str, Setting]] = {
    each.name: Setting(each.name, each.metadata["unit"], each.metadata["help"]) for each in fields(Settings)
}


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Load settings: `environ` takes precedence over the file at SEPTET_CONFIG, and the file over the defaults.

    Raises InputError naming the setting when a value has the wrong type or is out of range, or a key is unknown.
    """
    named = environ.get(f"{_PREFIX}CONFIG")
    path = Path(named) if named else None
    values: dict[str, object] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            hint = "SEPTET_CONFIG must be the path of a TOML file"
            raise InputError("the config file cannot be read", where=f"{path}: {error}", hint=hint) from None
    for name in values:
        if name not in SETTINGS:
            raise InputError(f"unknown setting {name!r}", where=str(path), hint="see docs/settings.md")
    for name in SETTINGS:
        text = environ.get(_PREFIX + name.upper())
        if text is not None:
            values[name] = text
    folder = str(values.get("cache_dir", _own_folder(environ, "XDG_CACHE_HOME", ".cache") or ""))
    values["cache_dir"] = "" if folder in _OFF else folder
    return Settings(**{name: _convert(name, value) for name, value in values.items()})  # type: ignore[arg-type]


def store_file(environ: Mapping[str, str]) -> Path:
    """Return the path of the user's own review store. Raises InputError if no home folder is set."""
    folder = _own_folder(environ, "XDG_DATA_HOME", ".local/share")
    if folder is None:
        what = "there is no default folder for the review store"
        raise InputError(what, where="HOME is not set", hint="specify its path with --store")
    return folder / _STORE


def _own_folder(environ: Mapping[str, str], variable: str, usual: str) -> Path | None:
    """Return Septet's folder inside the folder that `variable` names, or inside `usual` in the home folder.

    Returns None if neither is set.
    """
    base, home = Path(environ.get(variable, "")), Path(environ.get("HOME", ""))
    # The XDG specification says to ignore relative paths.
    if base.is_absolute():
        return base / _FOLDER
    return home / usual / _FOLDER if home.is_absolute() else None


def _convert(name: str, value: object) -> int | float | str:
    kind, setting, where = type(getattr(Settings, name)), SETTINGS[name], f"setting {name}"
    if setting.choices and value not in setting.choices:
        raise InputError(f"{value!r} is not a valid value", where=where, hint=f"choose {setting.unit}")
    if kind is str:
        return str(value)
    try:
        number: int | float = kind(str(value))
    except ValueError:
        hint = f"use {'a whole number' if kind is int else 'a number'} of {setting.unit}"
        raise InputError(f"{value!r} is not a number", where=where, hint=hint) from None
    least = 1 if name in _NEEDED else 0
    most = _MOST_SECONDS if setting.unit == "seconds" else float("inf")
    if not least <= number <= most or number == float("inf"):
        hint = f"use a number of at least {least}" + (f" and at most {most:.0f}" if most < float("inf") else "")
        raise InputError(f"{value!r} is out of range", where=where, hint=hint)
    return number
