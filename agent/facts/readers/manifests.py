"""The reader of manifests: tool lists, `server.json`, permissions, agent cards and API descriptions.

No classifier is needed here, because the form of a line is the evidence. Intake writes such files as lines of known
shape (`agent.intake.extract`), one statement each; this reader turns the lines back into facts.
`corpus/knowledge/manifests.yaml` defines the meanings of names. A line that grants an ability is evidence of rank 4. A
vendor's own hint, or a control promised in the vendor's file, remains a claim by the vendor.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

from agent.facts.knowledge import loader
from agent.facts.proposal import Proposal, ProposedSlot, Quote
from agent.facts.vocabulary import load_vocabulary
from agent.records import Document, Polarity, ReaderName, Record, SlotName, Statement
from agent.records.base import DocumentForm

FORMS: Final[frozenset[DocumentForm]] = frozenset({"tools", "manifest", "api"})
_QUOTED_WORDS: Final = 24
"""The number of words that are quoted from a line; later words say nothing about the name at the start of the line."""
_QUOTES: Final = 6
_NAMED: Final = 20
"""The maximum number of facts per key that have slots; any further facts have none."""
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
        named = {key for rule in (*rules.tools, *rules.permissions, *rules.variables) for key in rule.keys}
        shaped = {shape.key for shape in (*_SHAPES, *_HINTS) if shape.key}
        return tuple(sorted(named | shaped | _BY_FUNCTION))

    def read(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Sequence[Proposal]:
        """Read the facts of these documents; `statements` are not used, since the shape of a line is enough."""
        return [proposal for document in documents if document.form in FORMS for proposal in _read(document)]


name_rules: Final = loader("manifests.yaml", NameRules)
"""Loads the bundled rules for the meanings of names. Raises SchemaError if the file is invalid."""


def name_words(name: str) -> tuple[str, ...]:
    """Split a name into lower-case words, which are the same for `readFile`, `read_file` and `READ-FILE`."""
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
    """Collects the proposals of one document."""

    found: list[Proposal]
    named: Counter[str]
    """The number of times that slots were given for each key."""

    def add(
        self,
        key: str,
        *quoted: Line,
        confidence: float = _LIKELY,
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

    def names(self, rule: NameRule | None, name: str, line: Line, slot: SlotName, *, polarity: Polarity) -> None:
        """Add the facts of the rule that matches a name, if any."""
        for key in rule.keys if rule else ():
            setting = rule is not None and rule.setting
            # Facts with different slots take separate rows. Nobody needs a row for each of forty lookup tools, but
            # tools that delete need one each.
            telling = slot != "object" or setting or load_vocabulary()[key].grave
            slots: dict[SlotName, str] = {slot: name} if telling else {}
            self.add(key, line, polarity="configurable" if setting else polarity, slots=slots)


def _rule(rules: Sequence[NameRule], name: str) -> NameRule | None:
    words = name_words(name)
    return next((rule for rule in rules if rule.fits(words)), None)


class _Shape(NamedTuple):
    """A line shape, and the facts that it yields."""

    pattern: str
    key: str = ""
    """The fact that each matching line yields, if any."""
    confidence: float = _LIKELY
    slot: SlotName | None = None
    """The slot of this fact that receives the `name` of the match."""
    inferred: bool = False
    names: Literal["tools", "permissions"] | None = None
    """Which rules apply to the `name` of the match. A permission that the product only "may ask for" counts as
    configurable."""
    more: Callable[[_Maker, Line, re.Match[str]], None] | None = None
    asks: bool = False
    """Whether the lines name a permission."""


def _read(document: Document) -> list[Proposal]:
    make = _Maker([], Counter())
    every = tuple(lines(document))
    asked: list[Line] = []
    for shapes in (_SHAPES, _HINTS):
        for line in every:
            tried = ((shape, re.match(shape.pattern, line.text)) for shape in shapes)
            shape, match = next(((shape, match) for shape, match in tried if match), (None, None))
            if shape is None or match is None:
                continue
            if shape.key:
                slots: dict[SlotName, str] = {shape.slot: match["name"]} if shape.slot else {}
                make.add(shape.key, line, confidence=shape.confidence, inferred=shape.inferred, slots=slots)
            if shape.names:
                groups = match.groupdict()
                rules = name_rules().tools if shape.names == "tools" else name_rules().permissions
                may: Polarity = "configurable" if (groups.get("how") or "").startswith("may ask") else "asserted"
                slot: SlotName = "object" if shape.names == "tools" else "scope"
                # A permission of a GitHub App is a level of access to a resource.
                name = f"{groups['level']} {match['name']}" if "level" in groups else match["name"]
                make.names(_rule(rules, name), name, line, slot, polarity=may)
            if shape.more:
                shape.more(make, line, match)
            if shape.asks:
                asked.append(line)
    # Group the permissions into as few facts as possible; otherwise each would take up a row of the sheet.
    for at in range(0, len(asked), _QUOTES):
        make.add("scopes", *asked[at : at + _QUOTES], confidence=_SURE)
    return make.found


def _reached(make: _Maker, line: Line, match: re.Match[str]) -> None:
    try:
        host = urlsplit(match["url"] or "").hostname
    except ValueError:
        host = None
    if host and _is_loopback(host):
        make.add("listens_locally", line)
    else:
        make.add("listens_on_network", line)
        if host and line.text.startswith("Remote server"):
            make.add("vendor_cloud", line, inferred=True)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _input(make: _Maker, line: Line, match: re.Match[str]) -> None:
    name, secret = match["name"], "secret" in match["traits"]
    if match["label"] == "header":
        if secret or set(name_words(name)) & {"authorization", "token", "key"}:
            make.add("endpoint_auth", line, slots={"credential": name})
        return
    rule = _rule(name_rules().variables, name)
    held = rule is not None and bool({"api_key", "password_login"} & set(rule.keys))
    make.names(rule, name, line, "credential" if held else "object", polarity="asserted")
    if secret and rule is None:
        make.add("api_key", line, confidence=_GUESS, inferred=True, slots={"credential": name})


def _command(make: _Maker, line: Line, match: re.Match[str]) -> None:
    words = match["command"].split()
    launcher = words[0].rsplit("/", 1)[-1] if words else ""
    if launcher in ("docker", "podman"):
        make.add("container", line)
        if _WIDE.search(match["command"]):
            make.add("wide_rights", line, confidence=_SURE)
    fetches = launcher in _LAUNCHERS or " ".join(words[:2]) in _TWO_WORD_LAUNCHERS
    if fetches and not _PINNED.search(match["command"]):
        make.add("fetched_at_start", line, confidence=_SURE)


def _unasked(make: _Maker, line: Line, match: re.Match[str]) -> None:
    # A file without a product name gets this title: it only tells a client how to start servers.
    of_client = line.document.title == "MCP servers"
    about: Literal["product", "client"] = "client" if of_client else "product"
    make.add("approval_off", line, confidence=_SURE, slots={"object": match["tools"][:200]}, about=about)


def _brings(make: _Maker, line: Line, match: re.Match[str]) -> None:
    if match["part"] in ("skill", "agent", "command"):
        make.add("instruction_files", line, slots={"object": match["name"]})
    if match["part"] == "agent":
        make.add("delegates", line, confidence=_GUESS, inferred=True)


def _pages(make: _Maker, line: Line, match: re.Match[str]) -> None:
    polarity: Polarity = "configurable" if "may ask" in match["how"] else "asserted"
    make.add("reads_web", line, polarity=polarity, confidence=_SURE)
    if "change" in match["how"]:
        make.add("drives_browser", line, polarity=polarity)
    if match["pages"] in ("<all_urls>", "*://*/*", "https://*/*", "http://*/*"):
        make.add("wide_rights", line, polarity=polarity, confidence=_SURE)


def _authorised(make: _Maker, line: Line, match: re.Match[str]) -> None:
    make.add("user_oauth" if match["how"] == "oauth" else "endpoint_auth", line)
    for name in (match["scopes"] or "").rstrip(".").split():
        make.names(_rule(name_rules().permissions, name), name, line, "scope", polarity="asserted")


def _modes_in(make: _Maker, line: Line, match: re.Match[str]) -> None:
    if re.search(_MEDIA, match["modes"]):
        make.add("takes_voice_images", line)
    if "text" in match["modes"]:
        make.add("takes_free_text", line, confidence=_GUESS, inferred=True)


_LAUNCHERS: Final = ("npx", "uvx", "bunx", "pnpx", "dnx")
_TWO_WORD_LAUNCHERS: Final = ("pipx run", "pnpm dlx", "yarn dlx", "uv tool", "deno run")
_PINNED: Final = re.compile(r"[\w/.-]@v?\d+\.\d|==\d|@sha256:")
_WIDE: Final = re.compile(r"docker\.sock|--privileged\b|(?:-v|--volume)[ =]/:|--net(?:work)?[ =]host\b|--pid[ =]host\b")
_MEDIA: Final = r"\b(?:audio|image|video)\b"
_BY_FUNCTION: Final = frozenset((
    "scopes", "listens_locally", "listens_on_network", "vendor_cloud", "endpoint_auth", "api_key", "container",
    "wide_rights", "fetched_at_start", "approval_off", "instruction_files", "delegates", "reads_web", "drives_browser",
    "user_oauth", "takes_voice_images", "takes_free_text",
))  # fmt: skip
"""The keys of the facts that the line-reading functions yield."""
_EXTENSION: Final = r"The browser extension .{1,200}? "
_SLACK: Final = r"The Slack app .{1,200}? (?P<how>has|may ask for) the "
_PACKAGE: Final = r"The server is installed as the package (?P<name>\S{1,200}?)"
_SHAPES: Final[tuple[_Shape, ...]] = (
    _Shape(r"Tool (?P<name>[\w./-]+(?::[\w./-]+)*)", names="tools"),
    _Shape(
        r"The editor extension .{1,200}? brings the tool for an LLM (?P<name>[\w./-]+)",
        "extension_or_app",
        names="tools",
    ),
    _Shape(r"MCP server: \S", "mcp_server", _SURE),
    _Shape(_PACKAGE + r" from (?:oci|docker)\.$", "container", _SURE, "object"),
    _Shape(_PACKAGE + r"(?: from \w+)?\.$", "local_process", slot="object"),
    _Shape(rf"Started with: (?:{'|'.join(_LAUNCHERS)})$", "fetched_at_start"),
    _Shape(r"The package is reached over: stdio(?: at \S+)?$", "stdio", _SURE),
    _Shape(r"The package is reached over: [\w-]+(?: at (?P<url>\S+))?$", more=_reached),
    _Shape(r"Remote server: [\w-]*(?: at (?P<url>\S+))?$", more=_reached),
    _Shape(r"The agent is reached at (?P<url>\S+)", "called_by_agents", more=_reached),
    _Shape(
        r"(?P<label>environment variable|runtime argument|package argument|header|variable of the address)"
        r" (?P<name>\S{1,200}) \| (?P<traits>[^|]{1,200})",
        more=_input,
    ),
    _Shape(r"MCP server \S{1,200} runs the command (?P<command>.{1,1000})$", "stdio", inferred=True, more=_command),
    _Shape(r"MCP server \S{1,200} is called at (?P<url>\S+)$", more=_reached),
    _Shape(r"Tools of \S{1,200} that run without asking: (?P<tools>.{1,1000})$", more=_unasked),
    _Shape(
        r"The plugin .{1,200}? brings the (?P<part>command|agent|skill|hook) (?P<name>\S{1,200}?)\.?$",
        "extension_or_app",
        more=_brings,
    ),
    _Shape(r"On (?P<name>\w{1,80}) the plugin .{1,200}? runs the command ", "changes_client_config", slot="object"),
    _Shape(
        _EXTENSION + r"(?P<how>has|may ask for) the permission (?P<name>\S+?)\.?$",
        "extension_or_app",
        _SURE,
        names="permissions",
        asks=True,
    ),
    _Shape(
        _EXTENSION
        + r"(?P<how>may read and change|may ask to read and change|runs a script in) pages at (?P<pages>\S+)$",
        more=_pages,
    ),
    _Shape(_EXTENSION + r"asks for the OAuth scope (?P<name>\S+)", "user_oauth", _SURE, names="permissions", asks=True),
    _Shape(_SLACK + r"bot scope (?P<name>\S+?)\.?$", "service_account", names="permissions", asks=True),
    _Shape(_SLACK + r"user scope (?P<name>\S+?)\.?$", "user_oauth", names="permissions", asks=True),
    _Shape(
        r"The GitHub App .{1,200}? has (?P<level>read|write|admin) access to (?P<name>.{1,80}?)\.?$",
        "service_account",
        names="permissions",
        asks=True,
    ),
    _Shape(
        r"The (?:Slack app|GitHub App) .{1,200}? is told of the (?:\w+ )?event (?P<name>\S{1,100}?)\.?$",
        "scheduled",
        slot="object",
    ),
    _Shape(r"The plugin is authorised by (?P<how>\w+)(?: with the scopes (?P<scopes>.{1,1000}))?", more=_authorised),
    _Shape(r"The plugin asks for no authorisation|Every operation needs no credential", "endpoint_no_auth"),
    _Shape(r"Callers must use \S|Every operation needs \S", "endpoint_auth"),
    _Shape(r"Takes input as: (?P<modes>.{1,300})", more=_modes_in),
    _Shape(rf"Gives output as: .{{0,295}}?{_MEDIA}", "makes_media"),
    _Shape(r"Token rotation: true$", "revocation"),
    _Shape(r"Plugin \S{1,200} of \S", "plugins"),
    _Shape(r"DELETE /\S{0,300}: ", "deletes_data", _GUESS, inferred=True),
    _Shape(r"GET /\S{0,300}: ", "queries_data", _GUESS, inferred=True),
    _Shape(r"(?:PUT|POST|PATCH) /\S{0,300}: ", "changes_records", _GUESS, inferred=True),
    _Shape(r"scope (?P<name>\S{1,200}) \| ", asks=True),
)
"""The line shapes in which intake writes manifest contents; the first matching shape applies."""
_HINT: Final = r"The vendor's own hint about (?P<name>\S{1,200}), "
_HINTS: Final = (
    _Shape(_HINT + "destructiveHint true, claims", "deletes_data", _LIKELY, "object", inferred=True),
    _Shape(_HINT + "openWorldHint true, claims", "reads_untrusted_content", _GUESS, "object", inferred=True),
)
"""The vendor's hints about tools, read after everything else: warnings are believed, reassuring hints are ignored."""
