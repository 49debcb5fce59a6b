"""Settings: read once from the environment and a config file, at the edge, into one frozen object.

Each setting has a name, a default, a unit and a help text in `SETTINGS`; the environment variable is the name in
capitals behind `SEPTET_`. The config file is TOML with the names as keys; `SEPTET_CONFIG` names it. The
environment wins over the file. Nothing else in the package reads the environment. `cache_dir` alone has no default
here: it is the user's cache folder for a program that was started, and nothing for a caller that makes its own
`Settings`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import TypeAdapter

from agent.errors import InputError

_PREFIX: Final = "SEPTET_"
_FOLDER: Final = "septet"
_STORE: Final = "review.sqlite"
_OFF: Final = frozenset({"", "-", "off"})
_CHOICES: Final = {"browser": ("off", "on"), "review_two_person": ("off", "on"), "vector_store": ("chroma", "memory")}
_NEEDED: Final = frozenset({"llm_answer_tokens", "llm_call_seconds", "llm_context_tokens"})
"""Settings of which less than one makes every call of an LLM fail."""
_MOST_SECONDS: Final = 31_536_000.0
"""A year; the system's own clocks take no number that is much larger."""


@dataclass(frozen=True)
class Settings:
    """Everything that can be configured; `SETTINGS` says what each field means."""

    max_pages: int = 30
    max_depth: int = 3
    max_page_bytes: int = 5_000_000
    max_pdf_bytes: int = 25_000_000
    max_total_bytes: int = 100_000_000
    first_byte_seconds: float = 10.0
    request_seconds: float = 15.0
    total_seconds: float = 60.0
    connections: int = 8
    connections_per_host: int = 2
    delay_seconds: float = 0.5
    max_crawl_delay_seconds: float = 30.0
    max_pages_per_template: int = 12
    max_redirects: int = 5
    browser: str = "off"
    browser_path: str = ""
    browser_seconds: float = 20.0
    parse_seconds: float = 20.0
    parse_memory_mb: int = 1024
    chunk_chars: int = 1200
    chunk_overlap_chars: int = 150
    hits_per_question: int = 12
    hits_per_document: int = 6
    vector_store: str = "chroma"
    cache_dir: str = ""
    cache_max_bytes: int = 500_000_000
    user_agent: str = "septet/0.1 (drafts threat models from product listings)"
    llm: str = ""
    llm_base_url: str = ""
    llm_max_tokens: int = 250_000
    llm_max_dollars: str = ""
    llm_answer_tokens: int = 8_000
    llm_passage_tokens: int = 16_000
    llm_call_seconds: float = 120.0
    llm_context_tokens: int = 16_384
    llm_prices: str = ""
    review_two_person: str = "off"


_SETTINGS: Final = TypeAdapter(Settings)


class Setting(NamedTuple):
    """One row of the settings table."""

    name: str
    unit: str
    help: str


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting("max_pages", "pages", "pages read for one product, the listing included"),
    Setting("max_depth", "links", "how many links away from the listing a page may be"),
    Setting("max_page_bytes", "bytes", "largest page after decompression"),
    Setting("max_pdf_bytes", "bytes", "largest PDF"),
    Setting("max_total_bytes", "bytes", "all pages of one product together"),
    Setting("first_byte_seconds", "seconds", "until a server begins to answer"),
    Setting("request_seconds", "seconds", "one request, from the connection to the last byte"),
    Setting("total_seconds", "seconds", "all requests of one product together"),
    Setting("connections", "connections", "open at a time, all hosts together"),
    Setting("connections_per_host", "connections", "open at a time to one host"),
    Setting("delay_seconds", "seconds", "from one request to a host to the next; its Crawl-delay when that is longer"),
    Setting("max_crawl_delay_seconds", "seconds", "longest Crawl-delay that is waited for; beyond it a host is left"),
    Setting("max_pages_per_template", "pages", "pages whose addresses differ in numbers, dates or query values only"),
    Setting("max_redirects", "hops", "redirects followed for one request"),
    Setting("browser", "off or on", "render pages that need JavaScript; needs the extra `browser` and a Chromium"),
    Setting("browser_path", "path", "that Chromium; empty: chromium, chromium-browser or google-chrome on the PATH"),
    Setting("browser_seconds", "seconds", "rendering of one page, its files included"),
    Setting("parse_seconds", "seconds of CPU", "parsing of one page in its child process"),
    Setting("parse_memory_mb", "MiB", "memory of the parsing child process"),
    Setting("chunk_chars", "characters", "size of a chunk, about four characters a token"),
    Setting("chunk_overlap_chars", "characters", "overlap of neighbouring chunks"),
    Setting("hits_per_question", "passages", "passages kept for each question"),
    Setting("hits_per_document", "passages", "passages kept of one document for each question"),
    Setting(
        "vector_store", "chroma or memory", "where vectors of passages are kept; any LangChain store passes its tests"
    ),
    Setting("cache_dir", "folder", "where answers are kept between runs; `off`: nowhere; else the user's cache folder"),
    Setting("cache_max_bytes", "bytes", "size of that folder; the oldest goes first"),
    Setting("user_agent", "text", "how requests name themselves"),
    Setting("llm", "PROFILE/NAME", "the LLM that drafts, as `--llm`; empty or `embedded`: none"),
    Setting("llm_base_url", "URL", "where its endpoint is, in place of the profile's address"),
    Setting("llm_max_tokens", "tokens", "most that the LLM may take for one draft, input and output together"),
    Setting("llm_max_dollars", "US dollars", "most that it may cost, where its price is known; empty: no cap in money"),
    Setting("llm_answer_tokens", "tokens", "longest answer of the LLM, thinking included"),
    Setting("llm_passage_tokens", "tokens", "passages of the sources that the LLM is shown"),
    Setting("llm_call_seconds", "seconds", "one call of the LLM, with its retries and waits"),
    Setting("llm_context_tokens", "tokens", "context that a `local/…` LLM is served with"),
    Setting("llm_prices", "file", "further prices, in the form of `agent/llm/prices.yaml`"),
    Setting(
        "review_two_person", "off or on", "whether only an approver signs a review, and one who decided over no item"
    ),
)


def load_settings(environ: Mapping[str, str], config: Path | None = None) -> Settings:
    """Settings from `environ` over the file `config` (or the one that SEPTET_CONFIG names) over the defaults.

    Raises InputError naming the setting when a value is of the wrong kind or out of range, or a key is unknown.
    """
    path = config or (Path(environ[_PREFIX + "CONFIG"]) if environ.get(_PREFIX + "CONFIG") else None)
    values: dict[str, object] = dict(_read_file(path)) if path else {}
    known = {field.name: field for field in fields(Settings)}
    for name in values:
        if name not in known:
            raise InputError(f"unknown setting {name!r}", where=str(path), hint="see the settings table in README")
    for name in known:
        text = environ.get(_PREFIX + name.upper())
        if text is not None:
            values[name] = text
    folder = str(values.get("cache_dir", _cache_home(environ)))
    values["cache_dir"] = "" if folder in _OFF else folder
    return _SETTINGS.validate_python({name: _convert(name, value) for name, value in values.items()})


def _cache_home(environ: Mapping[str, str]) -> str:
    """The user's cache folder for Septet; empty when the environment names no home."""
    folder = _own_folder(environ, "XDG_CACHE_HOME", ".cache")
    return "" if folder is None else str(folder)


def store_file(environ: Mapping[str, str]) -> Path:
    """Where the user's own store of reviews is. Raises InputError when the environment names no home."""
    folder = _own_folder(environ, "XDG_DATA_HOME", ".local/share")
    if folder is None:
        raise InputError(
            "there is no place for the store of reviews", where="HOME is not set", hint="name it by --store"
        )
    return folder / _STORE


def _own_folder(environ: Mapping[str, str], variable: str, usual: str) -> Path | None:
    """Septet's folder in what `variable` names, else in `usual` of the home; None when there is neither."""
    base, home = Path(environ.get(variable, "")), Path(environ.get("HOME", ""))
    # The XDG specification has relative paths ignored.
    if base.is_absolute():
        return base / _FOLDER
    return home / usual / _FOLDER if home.is_absolute() else None


def _read_file(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            "the config file cannot be read", where=f"{path}: {error}", hint="SEPTET_CONFIG names a file of TOML"
        ) from None


def _convert(name: str, value: object) -> int | float | str:
    kind = type(getattr(Settings, name))
    if name in _CHOICES and value not in _CHOICES[name]:
        hint = f"give {' or '.join(_CHOICES[name])}"
        raise InputError(f"{value!r} is not one of its values", where=f"setting {name}", hint=hint)
    if kind is str:
        return str(value)
    try:
        number: int | float = kind(str(value))
    except ValueError:
        raise InputError(
            f"{value!r} is not a number", where=f"setting {name}", hint=f"give {kind.__name__} in {_unit(name)}"
        ) from None
    least = 1 if name in _NEEDED else 0
    most = _MOST_SECONDS if _unit(name) == "seconds" else float("inf")
    if not least <= number <= most or number == float("inf"):
        hint = f"give a number of {least} or more" + (f", at most {most:.0f}" if most < float("inf") else "")
        raise InputError(f"{value!r} is out of range", where=f"setting {name}", hint=hint)
    return number


def _unit(name: str) -> str:
    return next(setting.unit for setting in SETTINGS if setting.name == name)
