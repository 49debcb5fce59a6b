"""Recognise URLs of the same page or of one template: sessions, tracking, calendars, pagination."""

import re
from typing import Final
from urllib.parse import unquote

from agent.intake.crawl.guard import Target

_TRACKING: Final = re.compile(
    r"(?:utm_\w+|ref|ref_src|referrer|source|src|gclid|fbclid|msclkid|yclid|dclid|igshid|mc_[ce]id|_ga|_gl|_hs\w*|hs\w*|"
    r"trk|campaign|cmp|cid|affiliate|aff|via|spm|share|s?id_?ref)",
    re.IGNORECASE,
)
_SESSION: Final = re.compile(
    r"(?:sid|s_?id|sess(?:ion)?(?:_?id|_?key|_?token)?|phpsessid|jsessionid|aspsessionid\w*|cfid|cftoken|osc_?sid|"
    r"zenid|token|nonce|cache_?bust(?:er)?|cb|rand(?:om)?|ts|timestamp|_t|_)",
    re.IGNORECASE,
)
_PATH_SESSION: Final = re.compile(r";(?:jsessionid|phpsessid|sid|sessionid)=[^/;?]*", re.IGNORECASE)
_INDEX: Final = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?|jsp)$", re.IGNORECASE)
_LONG_ID: Final = re.compile(r"(?=[^a-f]*[a-f])(?=\D*\d)[0-9a-f]{6,}|[0-9a-f]{8}-[0-9a-f-]{20,}", re.IGNORECASE)
_MONTH: Final = re.compile(
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:uary|ruary|ch|il|e|y|ust|t?ember|ober)?", re.IGNORECASE
)
_LANGUAGES: Final = frozenset(
    [
        "ar",
        "bg",
        "bn",
        "ca",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "fa",
        "fi",
        "fr",
        "he",
        "hi",
        "hr",
        "hu",
        "id",
        "it",
        "ja",
        "ko",
        "lt",
        "lv",
        "ms",
        "nb",
        "nl",
        "no",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "sr",
        "sv",
        "th",
        "tl",
        "tr",
        "uk",
        "ur",
        "vi",
        "zh",
    ]
)
_REGION: Final = re.compile(r"([a-z]{2})[-_](?:[a-z]{2}|hans|hant|\d{3})", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d+")
_PRINT: Final = re.compile(r"(?:print|printable|view|format|output)=(?:1|true|yes|print|printable)", re.IGNORECASE)
_VERSION: Final = re.compile(r"v\d{1,3}(?:[._]\d{1,3}|[._]x){0,2}|\d{1,3}(?:\.\d{1,3}|\.x){1,2}")
_NEWEST: Final = frozenset({"latest", "stable", "current"})
_UNRELEASED: Final = frozenset({"next", "dev", "nightly", "beta", "edge", "canary", "unstable"})
_AGE_OF_NONE: Final = (10**6,)
_AGES: Final = {**dict.fromkeys(_NEWEST, (10**5,)), **dict.fromkeys(_UNRELEASED, (-1,))}
_LANGUAGE: Final = re.compile(r"(?:hl|lang|language|locale)=([a-z]{2})(?:[-_][a-z]{2,4})?", re.IGNORECASE)
_NAMING: Final = frozenset(
    {
        "page",
        "p",
        "doc",
        "docs",
        "section",
        "topic",
        "article",
        "node",
        "title",
        "name",
        "path",
        "chapter",
        "file",
        "slug",
    }
)
"""Names of query parameters that select a page of the site."""
_FIRST_OF_MORE: Final = 2
_MAX_SEGMENTS: Final = 12
_MAX_REPEATS: Final = 3


def cleaned(target: Target) -> Target:
    """Return `target` without tracking and session parameters."""
    path, mark, query = target.path.partition("?")
    path = _PATH_SESSION.sub("", path)
    kept = [part for part in query.split("&") if part and not _is_noise(part)]
    return target._replace(path=path + ("?" + "&".join(kept) if mark and kept else ""))


def identity(target: Target) -> str:
    """Return a key shared by all addresses of one page: without scheme, `www.`, final slash, index file or session."""
    path, _, query = cleaned(target).path.partition("?")
    path = _INDEX.sub("/", unquote(path))
    host = target.host.removeprefix("www.")
    port = "" if target.port in (80, 443) else f":{target.port}"
    key = host + port + (path.rstrip("/") or "/")
    return key + ("?" + "&".join(sorted(query.split("&"))) if query else "")


def template(target: Target) -> str:
    """Return an address without its numbers, dates, identifiers and query values."""
    path, _, query = cleaned(target).path.partition("?")
    segments = [_general(segment) for segment in unquote(path).lower().split("/")]
    names = sorted({_general_part(part) for part in query.split("&") if part})
    port = "" if target.port in (80, 443) else f":{target.port}"
    return target.host + port + "/".join(segments) + ("?" + "&".join(names) if names else "")


def folder(target: Target) -> str:
    """Return the template of a page's folder, with a star in place of the page."""
    return template(target._replace(path=target.path.partition("?")[0].rpartition("/")[0] + "/")) + "*"


def edition(target: Target) -> tuple[str, Target]:
    """Return the edition that an address names (another language or the print version), and the address without it.

    The edition is empty if the address names neither.
    """
    path, _, query = target.path.partition("?")
    segments = path.split("/")
    first = segments[1].lower() if len(segments) > _FIRST_OF_MORE else ""
    region = _REGION.fullmatch(first)
    if (region[1].lower() if region else first) in _LANGUAGES:
        return f"the edition in another language ({first})", target._replace(path="/" + "/".join(segments[2:]))
    other = next((found for part in query.split("&") if (found := _LANGUAGE.fullmatch(part))), None)
    if other is not None and other[1].lower() in _LANGUAGES:
        rest = "&".join(part for part in query.split("&") if not _LANGUAGE.fullmatch(part))
        return f"the edition in another language ({other[1]})", target._replace(
            path=path + ("?" + rest if rest else "")
        )
    parts = [part for part in query.split("&") if not _PRINT.fullmatch(part)]
    bare = "/".join(segment for segment in segments if segment.lower() not in ("print", "printable"))
    if bare != path or len(parts) < len(query.split("&")):
        return "the print version", target._replace(
            path=(bare or "/") + ("?" + "&".join(parts) if parts and query else "")
        )
    return "", target


def version(target: Target) -> tuple[str, tuple[int, ...], Target]:
    """Return the version folder in a documentation path, its sort key, and the address without that folder.

    Of two versions, the crawl reads the one with the greater key. From greatest to least: no version in the address
    (the folder is then empty), `latest` and the like, a later number, an earlier number, an unreleased version.
    """
    path, mark, query = target.path.partition("?")
    segments = path.split("/")
    for place, segment in enumerate(segments[:-1]):
        low = segment.lower()
        if low in _NEWEST or low in _UNRELEASED or _VERSION.fullmatch(low):
            age = _AGES.get(low) or tuple(int(number) for number in _NUMBER.findall(low))
            bare = "/".join(segments[:place] + segments[place + 1 :])
            return segment, age, target._replace(path=(bare or "/") + mark + query)
    return "", _AGE_OF_NONE, target


def is_varied(target: Target) -> bool:
    """Return whether an address has numbers, dates, identifiers or query values that could vary endlessly."""
    path, _, query = cleaned(target).path.partition("?")
    return bool(query) or any(_general(part) != part for part in unquote(path).lower().split("/"))


def is_maze(target: Target) -> bool:
    """Return whether a path repeats segments or nests so deeply that it must be generated."""
    segments = [segment for segment in target.path.partition("?")[0].split("/") if segment]
    if len(segments) > _MAX_SEGMENTS:
        return True
    return any(segments.count(segment) >= _MAX_REPEATS for segment in set(segments))


def named_path(target: Target) -> str:
    """Return the path of an address, extended by a query that names the page: `/?page=docs&id=12` gives `/docs/12`."""
    path, _, query = cleaned(target).path.partition("?")
    pairs = [part.partition("=") for part in query.split("&")]
    words = [value for name, _, value in pairs if name.lower() in _NAMING and value and not value.isdigit()]
    numbers = [value for _, _, value in pairs if value.isdigit()]
    return "/".join((path.rstrip("/"), *words, *numbers)) if words else path


def _general_part(part: str) -> str:
    """Return the lower-case name of a query parameter, with its value only if the value names a page in letters."""
    name, _, value = part.lower().partition("=")
    return f"{name}={value}" if name in _NAMING and value.isalpha() else name


def _is_noise(part: str) -> bool:
    name = unquote(part.partition("=")[0])
    return bool(_TRACKING.fullmatch(name) or _SESSION.fullmatch(name))


def _general(segment: str) -> str:
    if _MONTH.fullmatch(segment):
        return "0"
    return _NUMBER.sub("0", _LONG_ID.sub("0", segment))
