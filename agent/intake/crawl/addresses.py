"""Recognise URLs that lead to the same page or follow one template: sessions, tracking, calendars, pagination."""

import re
from typing import Final
from urllib.parse import unquote, urljoin

from agent.intake.crawl.guard import Target

# Names of query parameters for tracking and for sessions.
_NOISE: Final = re.compile(
    r"(?:utm_\w+|ref|ref_src|referrer|source|src|gclid|fbclid|msclkid|yclid|dclid|igshid|mc_[ce]id|_ga|_gl|_hs\w*|hs\w*|"
    r"trk|campaign|cmp|cid|affiliate|aff|via|spm|share|s?id_?ref|"
    r"sid|s_?id|sess(?:ion)?(?:_?id|_?key|_?token)?|phpsessid|jsessionid|aspsessionid\w*|cfid|cftoken|osc_?sid|"
    r"zenid|token|nonce|cache_?bust(?:er)?|cb|rand(?:om)?|ts|timestamp|_t|_)",
    re.IGNORECASE,
)
_PATH_SESSION: Final = re.compile(r";(?:jsessionid|phpsessid|sid|sessionid)=[^/;?]*", re.IGNORECASE)
_INDEX: Final = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?|jsp)$", re.IGNORECASE)
_LONG_ID: Final = re.compile(r"(?=[^a-f]*[a-f])(?=\D*\d)[0-9a-f]{6,}|[0-9a-f]{8}-[0-9a-f-]{20,}", re.IGNORECASE)
_MONTH: Final = re.compile(
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:uary|ruary|ch|il|e|y|ust|t?ember|ober)?", re.IGNORECASE
)
_LANGUAGE: Final = re.compile(
    r"(?:ar|bg|bn|ca|cs|da|de|el|en|es|et|fa|fi|fr|he|hi|hr|hu|id|it|ja|ko|lt|lv|ms|nb|nl|no|pl|pt|ro|ru|sk|sl|sr|sv|th|"
    r"tl|tr|uk|ur|vi|zh)(?:[-_](?:[a-z]{2}|hans|hant|\d{3}))?"
)
_LANGUAGE_QUERY: Final = re.compile(r"(?:hl|lang|language|locale)=([a-z]{2})(?:[-_][a-z]{2,4})?", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d+")
_PRINT: Final = re.compile(r"(?:print|printable|view|format|output)=(?:1|true|yes|print|printable)", re.IGNORECASE)
_VERSION: Final = re.compile(r"v\d{1,3}(?:[._]\d{1,3}|[._]x){0,2}|\d{1,3}(?:\.\d{1,3}|\.x){1,2}")
_AGE_OF_NONE: Final = (10**6,)
_AGES: Final = {
    **dict.fromkeys(("latest", "stable", "current"), (10**5,)),
    **dict.fromkeys(("next", "dev", "nightly", "beta", "edge", "canary", "unstable"), (-1,)),
}
# Names of query parameters that select a page of the site.
_NAMING: Final = frozenset(
    (
        *("page", "p", "doc", "docs", "section", "topic", "article", "node", "title", "name", "path", "chapter"),
        *("file", "slug"),
    )
)
_MAX_SEGMENTS: Final = 12
_MAX_REPEATS: Final = 3


def absolute(base: str, reference: str) -> str:
    """Return `reference` as an absolute URL; malformed text is returned unchanged, for the guard to refuse."""
    try:
        return urljoin(base, reference) if reference == reference.strip() and "\\" not in reference else reference
    except ValueError:
        return reference


def cleaned(target: Target) -> Target:
    """Return `target` without tracking and session parameters."""
    path, _, query = target.path.partition("?")
    kept = [part for part in query.split("&") if not _NOISE.fullmatch(unquote(part.partition("=")[0]))]
    return _with(target, _PATH_SESSION.sub("", path), [part for part in kept if part])


def _with(target: Target, path: str, query: list[str]) -> Target:
    return target._replace(path=path + ("?" + "&".join(query) if any(query) else ""))


def _host(target: Target) -> str:
    return target.host if target.port in (80, 443) else f"{target.host}:{target.port}"


def identity(target: Target) -> str:
    """Return a key shared by all addresses of one page: without scheme, `www.`, final slash, index file or session."""
    path, _, query = cleaned(target).path.partition("?")
    key = _host(target).removeprefix("www.") + (_INDEX.sub("/", unquote(path)).rstrip("/") or "/")
    return key + ("?" + "&".join(sorted(query.split("&"))) if query else "")


def template(target: Target) -> str:
    """Return an address without its numbers, dates, identifiers and query values."""
    path, _, query = cleaned(target).path.partition("?")
    segments = [_general(segment) for segment in unquote(path).lower().split("/")]
    names = set()
    for part in query.lower().split("&") if query else ():
        name, _, value = part.partition("=")
        # A query value only counts if its parameter names a page and it consists of letters.
        names.add(f"{name}={value}" if name in _NAMING and value.isalpha() else name)
    return _host(target) + "/".join(segments) + ("?" + "&".join(sorted(names)) if names else "")


def _general(segment: str) -> str:
    return "0" if _MONTH.fullmatch(segment) else _NUMBER.sub("0", _LONG_ID.sub("0", segment))


def folder(target: Target) -> str:
    """Return the template of a page's folder, with `*` in place of the page."""
    return template(target._replace(path=target.path.partition("?")[0].rpartition("/")[0] + "/")) + "*"


def edition(target: Target) -> tuple[str, Target]:
    """Return the edition that an address names (another language or the print version), and the address without it.

    The edition is empty if the address names neither.
    """
    path, _, query = target.path.partition("?")
    segments, parts = path.split("/"), query.split("&")
    _, first, *below = segments
    if below and _LANGUAGE.fullmatch(first.lower()):
        return f"the edition in another language ({first.lower()})", target._replace(path="/" + "/".join(below))
    other = next((found for part in parts if (found := _LANGUAGE_QUERY.fullmatch(part))), None)
    if other is not None and _LANGUAGE.fullmatch(other[1].lower()):
        rest = [part for part in parts if not _LANGUAGE_QUERY.fullmatch(part)]
        return f"the edition in another language ({other[1]})", _with(target, path, rest)
    rest = [part for part in parts if not _PRINT.fullmatch(part)]
    bare = "/".join(segment for segment in segments if segment.lower() not in ("print", "printable"))
    if bare != path or len(rest) < len(parts):
        return "the print version", _with(target, bare or "/", rest)
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
        if low in _AGES or _VERSION.fullmatch(low):
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
    return len(segments) > _MAX_SEGMENTS or any(segments.count(each) >= _MAX_REPEATS for each in set(segments))


def named_path(target: Target) -> str:
    """Return the path of an address, extended by a query that names the page: `/?page=docs&id=12` gives `/docs/12`."""
    path, _, query = cleaned(target).path.partition("?")
    pairs = [part.partition("=") for part in query.split("&")]
    words = [value for name, _, value in pairs if name.lower() in _NAMING and value and not value.isdigit()]
    numbers = [value for _, _, value in pairs if value.isdigit()]
    return "/".join((path.rstrip("/"), *words, *numbers)) if words else path
