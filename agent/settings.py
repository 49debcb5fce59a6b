"""Settings: read once from the environment and a config file, at the edge, into one frozen object.

Each setting is one line of `Settings`; its environment variable is `SEPTET_` and its name in capitals. The config file
is TOML with the names as keys; `SEPTET_CONFIG` names it. The environment wins over the file. Nothing else in the
package reads the environment. Only `cache_dir` has no default here: `load_settings` sets it to the user's cache folder,
and for a caller that makes its own `Settings` it is empty.
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
"""One year; system clocks do not accept much larger numbers."""


def _setting(default: T, unit: str, explained: str) -> T:
    return field(default=default, metadata={"unit": unit, "help": explained})


@dataclass(frozen=True)
class Settings:
    """All settings, each with its default, its unit or choices, and an explanation."""

    max_pages: int = _setting(30, "pages", "pages read for one product, the listing included")
    max_depth: int = _setting(3, "links", "how many links away from the listing a page may be")
    max_page_bytes: int = _setting(5_000_000, "bytes", "largest page after decompression")
    max_pdf_bytes: int = _setting(25_000_000, "bytes", "largest PDF")
    max_total_bytes: int = _setting(100_000_000, "bytes", "all pages of one product together")
    first_byte_seconds: float = _setting(10.0, "seconds", "until a server begins to answer")
    request_seconds: float = _setting(15.0, "seconds", "one request, from the connection to the last byte")
    total_seconds: float = _setting(60.0, "seconds", "all requests of one product together")
    connections: int = _setting(8, "connections", "open at a time, all hosts together")
    connections_per_host: int = _setting(2, "connections", "open at a time to one host")
    delay_seconds: float = _setting(
        0.5, "seconds", "from one request to a host to the next; its Crawl-delay when that is longer"
    )
    max_crawl_delay_seconds: float = _setting(
        30.0, "seconds", "longest Crawl-delay that is waited for; beyond it a host is left"
    )
    max_pages_per_template: int = _setting(
        12, "pages", "pages whose addresses differ in numbers, dates or query values only"
    )
    max_redirects: int = _setting(5, "hops", "redirects followed for one request")
    browser: str = _setting(
        "off", "off or on", "render pages that need JavaScript; needs the extra `browser` and a Chromium"
    )
    browser_path: str = _setting(
        "", "path", "that Chromium; empty: chromium, chromium-browser or google-chrome on the PATH"
    )
    browser_seconds: float = _setting(20.0, "seconds", "rendering of one page, its files included")
    parse_seconds: float = _setting(20.0, "seconds of CPU", "parsing of one page in its child process")
    parse_memory_mb: int = _setting(1024, "MiB", "memory of the parsing child process")
    vector_store: str = _setting(
        "chroma", "chroma or memory", "where vectors of passages are kept; any LangChain store passes its tests"
    )
    cache_dir: str = _setting(
        "", "folder", "where answers are kept between runs; `off`: nowhere; else the user's cache folder"
    )
    cache_max_bytes: int = _setting(500_000_000, "bytes", "size of that folder; the oldest goes first")
    user_agent: str = _setting(
        "septet/0.1 (drafts threat models from product listings)", "text", "how requests name themselves"
    )
    llm: str = _setting("", "PROFILE/NAME", "the LLM that drafts, as `--llm`; empty or `embedded`: none")
    llm_base_url: str = _setting("", "URL", "where its endpoint is, in place of the profile's address")
    llm_max_tokens: int = _setting(
        250_000, "tokens", "most that the LLM may take for one draft, input and output together"
    )
    llm_max_dollars: str = _setting(
        "", "US dollars", "most that it may cost, where its price is known; empty: no cap in money"
    )
    llm_answer_tokens: int = _setting(8_000, "tokens", "longest answer of the LLM, thinking included")
    llm_passage_tokens: int = _setting(16_000, "tokens", "passages of the sources that the LLM is shown")
    llm_call_seconds: float = _setting(120.0, "seconds", "one call of the LLM, with its retries and waits")
    llm_context_tokens: int = _setting(16_384, "tokens", "context that a `local/…` LLM is served with")
    llm_prices: str = _setting("", "file", "further prices, in the form of `agent/llm/prices.yaml`")
    review_two_person: str = _setting(
        "off", "off or on", "whether only an approver signs a review, and one who decided over no item"
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
    """Load settings: `environ` wins over the file that SEPTET_CONFIG names, which wins over defaults.

    Raises InputError naming the setting when a value is of the wrong kind or out of range, or a key is unknown.
    """
    named = environ.get(f"{_PREFIX}CONFIG")
    path = Path(named) if named else None
    values: dict[str, object] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            hint = "SEPTET_CONFIG names a file of TOML"
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
    """Return the path of the user's own review store. Raises InputError if the environment names no home."""
    folder = _own_folder(environ, "XDG_DATA_HOME", ".local/share")
    if folder is None:
        what = "there is no place for the store of reviews"
        raise InputError(what, where="HOME is not set", hint="name it by --store")
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
        raise InputError(f"{value!r} is not one of its values", where=where, hint=f"give {setting.unit}")
    if kind is str:
        return str(value)
    try:
        number: int | float = kind(str(value))
    except ValueError:
        hint = f"give {kind.__name__} in {setting.unit}"
        raise InputError(f"{value!r} is not a number", where=where, hint=hint) from None
    least = 1 if name in _NEEDED else 0
    most = _MOST_SECONDS if setting.unit == "seconds" else float("inf")
    if not least <= number <= most or number == float("inf"):
        hint = f"give a number of {least} or more" + (f", at most {most:.0f}" if most < float("inf") else "")
        raise InputError(f"{value!r} is out of range", where=where, hint=hint)
    return number
