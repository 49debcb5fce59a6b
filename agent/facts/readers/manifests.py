"""The reader of manifests: tool lists, `server.json`, permissions, agent cards and API descriptions.

No classifier is needed where form is the evidence. Intake writes such files as lines of known shape
(`agent.intake.extract`), one statement each; this reader turns the lines back into facts. The meanings of names are in
`corpus/knowledge/manifests.yaml`. A line that grants an ability is evidence of rank 4. A vendor's own hint, or a
control promised in the vendor's file, remains a claim by the vendor.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

import yaml

from agent.errors import InputError
from agent.facts.proposal import Proposal, ProposedSlot, Quote
from agent.facts.vocabulary import load_vocabulary
from agent.records import Document, Polarity, ReaderName, Record, SlotName, Statement
from agent.records.base import DocumentForm
from agent.resources import data_folder

FORMS: Final[frozenset[DocumentForm]] = frozenset({"tools", "manifest", "api"})
_QUOTED_WORDS: Final = 24
"""The number of words quoted from a line; later words say nothing about the name at its start."""
_QUOTES: Final = 6
_NAMED: Final = 20
"""The number of facts per key with slots that name their object; further facts have no slots."""
_SURE: Final = 0.95
_LIKELY: Final = 0.85
_GUESS: Final = 0.7
_VERB_PLACES: Final = 2
_MARK: Final = re.compile(r"^[ \t]*(?:[-*+•] )?[ \t]*")
_NAME_PARTS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class NameRule(Record):
    """The meaning of names that contain certain words."""

    keys: tuple[str, ...]
    verb: tuple[str, ...] = ()
    """At least one of these is among the first two words."""
    any: tuple[str, ...] = ()
    """At least one of these is among the words."""
    all: tuple[str, ...] = ()
    """All of these are among the words."""
    none: tuple[str, ...] = ()
    """None of these is among the words."""
    setting: bool = False
    """Whether the name belongs to a setting that decides whether the keys apply."""

    def fits(self, words: Sequence[str]) -> bool:
        """Return whether the rule matches the words of a name."""
        return (
            (not self.verb or bool(set(self.verb) & set(words[:_VERB_PLACES])))
            and (not self.any or bool(set(self.any) & set(words)))
            and set(self.all) <= set(words)
            and not set(self.none) & set(words)
        )


class NameRules(Record):
    """The contents of `corpus/knowledge/manifests.yaml`."""

    tools: tuple[NameRule, ...]
    permissions: tuple[NameRule, ...]
    variables: tuple[NameRule, ...]


class Line(NamedTuple):
    """A line of a document, without its list marker."""

    document: Document
    start: int
    text: str

    def quote(self) -> Quote:
        """Return the first words of the line as a quote."""
        words = list(re.finditer(r"\S+", self.text))
        end = words[min(len(words), _QUOTED_WORDS) - 1].end() if words else 0
        return Quote(text=self.text[:end], document=self.document.id, near=self.start)


class ManifestReader:
    """Reader of documents that intake made from files of a known format."""

    name: ReaderName = "manifest"
    forms: frozenset[DocumentForm] = FORMS

    @property
    def looks_for(self) -> tuple[str, ...]:
        """The keys that can be read from names and line shapes."""
        rules = name_rules()
        named = {
            key for group in (rules.tools, rules.permissions, rules.variables) for rule in group for key in rule.keys
        }
        return tuple(sorted(named | _SHAPED))

    def read(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Sequence[Proposal]:
        """Read the facts of these documents; `statements` are not used, since the shape of a line is enough."""
        found: list[Proposal] = []
        for document in documents:
            if document.form in FORMS:
                found += _read(document)
        return found


@lru_cache(maxsize=1)
def name_rules() -> NameRules:
    """Load the bundled rules for the meanings of names.

    Raises InputError if the bundled file is invalid.
    """
    file = data_folder("corpus") / "knowledge" / "manifests.yaml"
    try:
        return NameRules.model_validate(yaml.safe_load(file.read_text("utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError("the rules for names cannot be read", where=str(file), hint=str(error)[:200]) from error


def name_words(name: str) -> tuple[str, ...]:
    """Split a name into lower-case words: `readFile`, `read_file` and `READ-FILE` alike."""
    return tuple(part.lower() for part in _NAME_PARTS.findall(name))


def lines(document: Document) -> Iterator[Line]:
    """Yield the lines of a document except its headings, taken from its blocks if it has any."""
    if document.blocks:
        for block in document.blocks:
            if block.kind != "heading":
                yield Line(document, block.start, document.text[block.start : block.end])
        return
    headings = {section.path[-1] for section in document.sections if section.path}
    at = 0
    for raw in document.text.splitlines(keepends=True):
        mark = _MARK.match(raw)
        lead = mark.end() if mark else 0
        text = raw[lead:].rstrip()
        if text and not (lead == 0 and text in headings):
            yield Line(document, at + lead, text)
        at += len(raw)


class _Maker(NamedTuple):
    """Collector of the proposals of one document."""

    found: list[Proposal]
    named: Counter[str]
    """The number of times that slots were given for each key."""

    def add(
        self,
        key: str,
        *quoted: Line,
        confidence: float = _SURE,
        polarity: Polarity = "asserted",
        inferred: bool = False,
        about: Literal["product", "client"] = "product",
        slots: Mapping[SlotName, str] | None = None,
    ) -> None:
        self.named[key] += bool(slots)
        filled = slots if slots and self.named[key] <= _NAMED else {}
        self.found.append(
            Proposal(
                reader="manifest",
                key=key,
                polarity=polarity,
                about=about,
                quotes=tuple(line.quote() for line in quoted[:_QUOTES]),
                slots=tuple(
                    ProposedSlot(name=name, value=value)
                    for name, value in filled.items()
                    if value and name in load_vocabulary()[key].slots
                ),
                confidence=confidence,
                inferred=inferred,
                granted=True,
            )
        )

    def names(
        self, rules: Sequence[NameRule], name: str, line: Line, slot: SlotName, *, polarity: Polarity = "asserted"
    ) -> bool:
        """Add the facts of the first rule that matches a name; return whether a rule matched."""
        words = name_words(name)
        rule = next((rule for rule in rules if rule.fits(words)), None)
        for key in rule.keys if rule else ():
            decided: Polarity = "configurable" if rule and rule.setting else polarity
            # Slots split facts into rows. Nobody needs a row for each of forty lookup tools, but tools that delete need
            # one each.
            telling = slot != "object" or (rule is not None and rule.setting) or load_vocabulary()[key].grave
            slots: dict[SlotName, str] = {slot: name} if telling else {}
            self.add(key, line, confidence=_LIKELY, polarity=decided, slots=slots)
        return rule is not None


def _read(document: Document) -> list[Proposal]:
    make = _Maker([], Counter())
    every = tuple(lines(document))
    for line in every:
        for shape, read in _SHAPES:
            match = shape.match(line.text)
            if match:
                read(make, line, match)
                break
    _hints(make, every)
    _together(make, every)
    return make.found


def _hints(make: _Maker, every: Sequence[Line]) -> None:
    """Add facts from the vendor's hints about tools: warnings are believed; reassuring hints are ignored."""
    for line in every:
        match = _HINT.match(line.text)
        if match is None:
            continue
        told, yes = match["hint"], match["value"] == "true"
        if told == "destructiveHint" and yes:
            make.add("deletes_data", line, confidence=_LIKELY, inferred=True, slots={"object": match["name"]})
        if told == "openWorldHint" and yes:
            make.add("reads_untrusted_content", line, confidence=_GUESS, inferred=True, slots={"object": match["name"]})


def _together(make: _Maker, every: Sequence[Line]) -> None:
    """Add one fact for all permissions, because one fact each would fill a row of the sheet."""
    asked = [line for line in every if any(shape.match(line.text) for shape in _ASKS)]
    for at in range(0, len(asked), _QUOTES):
        make.add("scopes", *asked[at : at + _QUOTES])


def _tool(make: _Maker, line: Line, match: re.Match[str]) -> None:
    make.names(name_rules().tools, match["name"], line, "object")


def _editor_tool(make: _Maker, line: Line, match: re.Match[str]) -> None:
    make.add("extension_or_app", line, confidence=_LIKELY)
    make.names(name_rules().tools, match["name"], line, "object")


def _server(make: _Maker, line: Line, match: re.Match[str]) -> None:
    make.add("mcp_server", line)


def _package(make: _Maker, line: Line, match: re.Match[str]) -> None:
    if match["registry"] in ("oci", "docker"):
        make.add("container", line, slots={"object": match["name"]})
    else:
        make.add("local_process", line, confidence=_LIKELY, slots={"object": match["name"]})


def _started(make: _Maker, line: Line, match: re.Match[str]) -> None:
    if match["how"] in _LAUNCHERS:
        make.add("fetched_at_start", line, confidence=_LIKELY)


def _transport(make: _Maker, line: Line, match: re.Match[str]) -> None:
    if match["kind"] == "stdio":
        make.add("stdio", line)
    else:
        _reached(make, line, match["url"] or "")


def _remote(make: _Maker, line: Line, match: re.Match[str]) -> None:
    _reached(make, line, match["url"] or "")


def _reached(make: _Maker, line: Line, url: str) -> None:
    """Add a fact on where callers reach the product: on the machine itself, or over a network."""
    host = urlsplit(url).hostname if _is_address(url) else None
    if host and _is_loopback(host):
        make.add("listens_locally", line, confidence=_LIKELY)
    else:
        make.add("listens_on_network", line, confidence=_LIKELY)
        if host and line.text.startswith("Remote server"):
            make.add("vendor_cloud", line, confidence=_LIKELY, inferred=True)


def _is_address(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _card(make: _Maker, line: Line, match: re.Match[str]) -> None:
    _reached(make, line, match["url"])
    make.add("called_by_agents", line, confidence=_LIKELY)


def _input(make: _Maker, line: Line, match: re.Match[str]) -> None:
    name, secret = match["name"], "secret" in match["traits"]
    if match["label"] == "header":
        if secret or set(name_words(name)) & {"authorization", "token", "key"}:
            make.add("endpoint_auth", line, confidence=_LIKELY, slots={"credential": name})
        return
    known = make.names(name_rules().variables, name, line, "credential" if _is_secret(name) else "object")
    if secret and not known:
        make.add("api_key", line, confidence=_GUESS, inferred=True, slots={"credential": name})


def _is_secret(name: str) -> bool:
    secrets = ("api_key", "password_login")
    rule = next((rule for rule in name_rules().variables if rule.fits(name_words(name))), None)
    return rule is not None and bool(set(rule.keys) & set(secrets))


def _command(make: _Maker, line: Line, match: re.Match[str]) -> None:
    words = match["command"].split()
    make.add("stdio", line, confidence=_LIKELY, inferred=True)
    launcher = words[0].rsplit("/", 1)[-1] if words else ""
    if launcher in ("docker", "podman"):
        make.add("container", line, confidence=_LIKELY)
        if _WIDE.search(match["command"]):
            make.add("wide_rights", line)
    fetches = launcher in _LAUNCHERS or tuple(words[:2]) in _TWO_WORD_LAUNCHERS
    if fetches and not _PINNED.search(match["command"]):
        make.add("fetched_at_start", line)


def _unasked(make: _Maker, line: Line, match: re.Match[str]) -> None:
    # A file that only tells a client how to start servers has no name of its own.
    of_client = line.document.title == "MCP servers"
    make.add("approval_off", line, slots={"object": match["tools"][:200]}, about="client" if of_client else "product")


def _brings(make: _Maker, line: Line, match: re.Match[str]) -> None:
    make.add("extension_or_app", line, confidence=_LIKELY)
    if match["part"] in ("skill", "agent", "command"):
        make.add("instruction_files", line, confidence=_LIKELY, slots={"object": match["name"]})
    if match["part"] == "agent":
        make.add("delegates", line, confidence=_GUESS, inferred=True)


def _hook(make: _Maker, line: Line, match: re.Match[str]) -> None:
    make.add("changes_client_config", line, confidence=_LIKELY, slots={"object": match["event"]})


def _permission(make: _Maker, line: Line, match: re.Match[str]) -> None:
    optional = match["how"].startswith("may ask")
    make.add("extension_or_app", line)
    make.names(
        name_rules().permissions, match["name"], line, "scope", polarity="configurable" if optional else "asserted"
    )


def _pages(make: _Maker, line: Line, match: re.Match[str]) -> None:
    polarity: Polarity = "configurable" if "may ask" in match["how"] else "asserted"
    make.add("reads_web", line, polarity=polarity)
    if "change" in match["how"]:
        make.add("drives_browser", line, polarity=polarity, confidence=_LIKELY)
    if match["pages"] in ("<all_urls>", "*://*/*", "https://*/*", "http://*/*"):
        make.add("wide_rights", line, polarity=polarity)


def _chat_scope(make: _Maker, line: Line, match: re.Match[str]) -> None:
    polarity: Polarity = "configurable" if match["how"] == "may ask for" else "asserted"
    make.add("service_account" if match["kind"] == "bot" else "user_oauth", line, confidence=_LIKELY)
    make.names(name_rules().permissions, match["name"], line, "scope", polarity=polarity)


def _code_host(make: _Maker, line: Line, match: re.Match[str]) -> None:
    make.add("service_account", line, confidence=_LIKELY)
    make.names(name_rules().permissions, f"{match['level']} {match['what']}", line, "scope")


def _event(make: _Maker, line: Line, match: re.Match[str]) -> None:
    make.add("scheduled", line, confidence=_LIKELY, slots={"object": match["event"]})


def _oauth(make: _Maker, line: Line, match: re.Match[str]) -> None:
    make.add("user_oauth", line)
    make.names(name_rules().permissions, match["name"], line, "scope")


def _authorised(make: _Maker, line: Line, match: re.Match[str]) -> None:
    make.add("user_oauth" if match["how"] == "oauth" else "endpoint_auth", line, confidence=_LIKELY)
    for name in (match["scopes"] or "").rstrip(".").split():
        make.names(name_rules().permissions, name, line, "scope")


def _open(make: _Maker, line: Line, match: re.Match[str]) -> None:
    make.add("endpoint_no_auth", line, confidence=_LIKELY)


def _must(make: _Maker, line: Line, match: re.Match[str]) -> None:
    make.add("endpoint_auth", line, confidence=_LIKELY)


def _modes_in(make: _Maker, line: Line, match: re.Match[str]) -> None:
    if _MEDIA.search(match["modes"]):
        make.add("takes_voice_images", line, confidence=_LIKELY)
    if "text" in match["modes"]:
        make.add("takes_free_text", line, confidence=_GUESS, inferred=True)


def _modes_out(make: _Maker, line: Line, match: re.Match[str]) -> None:
    if _MEDIA.search(match["modes"]):
        make.add("makes_media", line, confidence=_LIKELY)


def _rotation(make: _Maker, line: Line, match: re.Match[str]) -> None:
    make.add("revocation", line, confidence=_LIKELY)


def _listed_plugin(make: _Maker, line: Line, match: re.Match[str]) -> None:
    make.add("plugins", line, confidence=_LIKELY)


def _operation(make: _Maker, line: Line, match: re.Match[str]) -> None:
    key = {"DELETE": "deletes_data", "GET": "queries_data"}.get(match["method"], "changes_records")
    make.add(key, line, confidence=_GUESS, inferred=True)


_LAUNCHERS: Final = frozenset({"npx", "uvx", "bunx", "pnpx", "dnx"})
_TWO_WORD_LAUNCHERS: Final = frozenset(
    {("pipx", "run"), ("pnpm", "dlx"), ("yarn", "dlx"), ("uv", "tool"), ("deno", "run")}
)
_PINNED: Final = re.compile(r"[\w/.-]@v?\d+\.\d|==\d|@sha256:")
_WIDE: Final = re.compile(r"docker\.sock|--privileged\b|(?:-v|--volume)[ =]/:|--net(?:work)?[ =]host\b|--pid[ =]host\b")
_MEDIA: Final = re.compile(r"\b(?:audio|image|video)\b")
_HINT: Final = re.compile(
    r"The vendor's own hint about (?P<name>\S{1,200}), (?P<hint>[A-Za-z]{1,40}) (?P<value>true|false), claims"
)
_TOOL: Final = re.compile(r"Tool (?P<name>[\w./-]+(?::[\w./-]+)*)")
_Shape = tuple[re.Pattern[str], Callable[[_Maker, Line, re.Match[str]], None]]
_PERMISSION: Final = re.compile(
    r"The browser extension .{1,200}? (?P<how>has|may ask for) the permission (?P<name>\S+?)\.?$"
)
_CHAT_SCOPE: Final = re.compile(
    r"The Slack app .{1,200}? (?P<how>has|may ask for) the (?P<kind>bot|user) scope (?P<name>\S+?)\.?$"
)
_CODE_HOST: Final = re.compile(
    r"The GitHub App .{1,200}? has (?P<level>read|write|admin) access to (?P<what>.{1,80}?)\.?$"
)
_OAUTH: Final = re.compile(r"The browser extension .{1,200}? asks for the OAuth scope (?P<name>\S+)")
_SCOPE_ROW: Final = re.compile(r"scope (?P<name>\S{1,200}) \| ")
_ASKS: Final = (_PERMISSION, _CHAT_SCOPE, _CODE_HOST, _OAUTH, _SCOPE_ROW)
_SHAPES: Final[tuple[_Shape, ...]] = (
    (_TOOL, _tool),
    (re.compile(r"The editor extension .{1,200}? brings the tool for an LLM (?P<name>[\w./-]+)"), _editor_tool),
    (re.compile(r"MCP server: \S"), _server),
    (
        re.compile(r"The server is installed as the package (?P<name>\S{1,200}?)(?: from (?P<registry>\w+))?\.$"),
        _package,
    ),
    (re.compile(r"Started with: (?P<how>\S+)$"), _started),
    (re.compile(r"The package is reached over: (?P<kind>[\w-]+)(?: at (?P<url>\S+))?$"), _transport),
    (re.compile(r"Remote server: (?P<kind>[\w-]*)(?: at (?P<url>\S+))?$"), _remote),
    (re.compile(r"The agent is reached at (?P<url>\S+)"), _card),
    (
        re.compile(
            r"(?P<label>environment variable|runtime argument|package argument|header|variable of the address)"
            r" (?P<name>\S{1,200}) \| (?P<traits>[^|]{1,200})"
        ),
        _input,
    ),
    (re.compile(r"MCP server \S{1,200} runs the command (?P<command>.{1,1000})$"), _command),
    (re.compile(r"MCP server \S{1,200} is called at (?P<url>\S+)$"), _remote),
    (re.compile(r"Tools of \S{1,200} that run without asking: (?P<tools>.{1,1000})$"), _unasked),
    (
        re.compile(r"The plugin .{1,200}? brings the (?P<part>command|agent|skill|hook) (?P<name>\S{1,200}?)\.?$"),
        _brings,
    ),
    (re.compile(r"On (?P<event>\w{1,80}) the plugin .{1,200}? runs the command "), _hook),
    (_PERMISSION, _permission),
    (
        re.compile(
            r"The browser extension .{1,200}?"
            r" (?P<how>may read and change|may ask to read and change|runs a script in) pages at (?P<pages>\S+)$"
        ),
        _pages,
    ),
    (_OAUTH, _oauth),
    (_CHAT_SCOPE, _chat_scope),
    (_CODE_HOST, _code_host),
    (
        re.compile(r"The (?:Slack app|GitHub App) .{1,200}? is told of the (?:\w+ )?event (?P<event>\S{1,100}?)\.?$"),
        _event,
    ),
    (re.compile(r"The plugin is authorised by (?P<how>\w+)(?: with the scopes (?P<scopes>.{1,1000}))?"), _authorised),
    (re.compile(r"The plugin asks for no authorisation|Every operation needs no credential"), _open),
    (re.compile(r"Callers must use \S|Every operation needs \S"), _must),
    (re.compile(r"Takes input as: (?P<modes>.{1,300})"), _modes_in),
    (re.compile(r"Gives output as: (?P<modes>.{1,300})"), _modes_out),
    (re.compile(r"Token rotation: true$"), _rotation),
    (re.compile(r"Plugin \S{1,200} of \S"), _listed_plugin),
    (re.compile(r"(?P<method>DELETE|PUT|POST|PATCH|GET) /\S{0,300}: "), _operation),
)
"""The line shapes in which intake writes manifest contents; the first matching shape applies."""
_SHAPED: Final = frozenset(
    {
        "api_key",
        "approval_off",
        "called_by_agents",
        "changes_client_config",
        "changes_records",
        "container",
        "delegates",
        "deletes_data",
        "drives_browser",
        "endpoint_auth",
        "endpoint_no_auth",
        "extension_or_app",
        "fetched_at_start",
        "instruction_files",
        "listens_locally",
        "listens_on_network",
        "local_process",
        "makes_media",
        "mcp_server",
        "plugins",
        "queries_data",
        "reads_untrusted_content",
        "reads_web",
        "revocation",
        "scheduled",
        "scopes",
        "service_account",
        "stdio",
        "takes_free_text",
        "takes_voice_images",
        "user_oauth",
        "vendor_cloud",
        "wide_rights",
    }
)
"""Keys that can be inferred from the shape of a line."""
