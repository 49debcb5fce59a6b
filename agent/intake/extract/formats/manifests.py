"""Reads manifests of plugins, extensions and apps as sentences that can be quoted on their own.

The formats are MCP tool lists and `server.json`, ChatGPT's `ai-plugin.json`, Claude's `plugin.json` and
`marketplace.json`, browser extensions, VS Code extensions, Slack apps, GitHub Apps, `package.json`, and the settings
with which clients start MCP servers.
"""

import json
import re
from collections.abc import Callable
from typing import Final

from agent.intake.extract.formats.manifest_writer import Writer
from agent.intake.extract.formats.plain_values import Tree, at, entries, fields, text_at, words
from agent.intake.page import Page

_HINTS: Final = (
    ("readOnlyHint", "only reads and changes nothing", "may change things"),
    ("destructiveHint", "may delete or overwrite", "does not delete or overwrite"),
    ("idempotentHint", "has no further effect when called again", "has a further effect when called again"),
    ("openWorldHint", "reaches systems outside, such as the web", "stays within a closed set of systems"),
)
_SCHEMAS: Final = ("inputSchema", "input_schema", "parameters")
_MAX_NESTING: Final = 3
_MAX_ARGUMENTS: Final = 200
_MAX_CHOICES: Final = 12
_LISTING: Final = frozenset({"tagline", "overview", "features", "docs", "pricing"})
_PARTS: Final = (("commands", "command"), ("agents", "agent"), ("skills", "skill"), ("hooks", "hook"))
_PLUGIN: Final = frozenset({"mcpServers", "lspServers", "outputStyles", *(key for key, _ in _PARTS)})
_MAX_ENTRIES: Final = 500
_ADDRESS: Final = re.compile(r"\s*[<(][^<>()]{0,200}[>)]")
_PACKAGE: Final = frozenset(
    {"dependencies", "devDependencies", "peerDependencies", "scripts", "main", "bin", "exports", "module", "workspaces"}
)
_INPUTS: Final = (
    *(("environmentVariables", "environment variable"), ("environment_variables", "environment variable")),
    *(("runtimeArguments", "runtime argument"), ("packageArguments", "package argument")),
)
_CONTRIBUTED: Final = (
    *(("commands", "command"), ("languageModelTools", "tool for an LLM")),
    ("chatParticipants", "chat"),
)


def tools_of(value: Tree) -> list[Tree]:
    """Return the tools of a `tools/list` result, an object with such a list or a bare list; otherwise empty."""
    holder = fields(value)
    holder = fields(holder["result"]) if "tools" not in holder and "result" in holder else holder
    tools = entries(holder.get("tools")) if holder else entries(value)
    plain = [at(tool, "function") if "function" in fields(tool) else tool for tool in tools]
    named = [tool for tool in plain if text_at(tool, "name")]
    schema = any(key in fields(tool) for tool in named for key in (*_SCHEMAS, "annotations"))
    described = bool(holder) and all(text_at(tool, "description") for tool in named)
    return named if named and len(named) == len(tools) and (schema or described) else []


def read_tools(value: Tree, tools: list[Tree]) -> Page:
    """Return a tool list as a page: each tool with its description, arguments and the vendor's hints about it."""
    name = text_at(value, "title", "displayName", "name") or text_at(at(value, "serverInfo"), "title", "name")
    writer = Writer(f"Tools of {name}" if name else "Tools")
    writer.prose(text_at(value, "description", "instructions"))
    if len(tools) > 1:
        names = ", ".join(text_at(tool, "name") for tool in tools)
        writer.line(f"The list names {len(tools)} tools: {names}.", "paragraph")
    for tool in tools:
        _tool(writer, tool)
    return writer.page("tools", name)


def _tool(writer: Writer, tool: Tree) -> None:
    name = text_at(tool, "name")
    annotations = fields(tool, "annotations")
    title = text_at(tool, "title") or text_at(annotations, "title")
    writer.line(name, "heading", 2)
    lead = f"Tool {name}" + (f" ({title})" if title and title != name else "")
    description = text_at(tool, "description")
    writer.prose(description, lead if description else f"{lead}, which the list does not describe")
    for key, yes, no in _HINTS:
        hint = annotations.get(key)
        if isinstance(hint, bool):
            said = f"claims that it {yes if hint else no}"
            writer.line(f"The vendor's own hint about {name}, {key} {words(hint)}, {said}.")
    for key, value in annotations.items():
        if key != "title" and not isinstance(value, bool):
            writer.fact(f"The vendor's own hint about {name}, {key}", words(value))
    write_arguments(writer, "argument", next((at(tool, key) for key in _SCHEMAS if key in fields(tool)), None))
    write_arguments(writer, "result", at(tool, "outputSchema"))


def write_arguments(writer: Writer, label: str, schema: Tree, prefix: str = "", depth: int = 0) -> None:
    """Write a row for each property of a JSON schema: name, type, whether it is required, description."""
    required = {words(name) for name in entries(schema, "required")}
    for name, inner in list(fields(schema, "properties").items())[:_MAX_ARGUMENTS]:
        must = "required" if name in required else "optional"
        about = [text_at(inner, "description")]
        if "default" in fields(inner):
            default = at(inner, "default")
            plain = not isinstance(default, (dict, list))
            shown = words(default) if plain else json.dumps(default, ensure_ascii=False)
            about.append(f"default {shown}" if shown else "")
        writer.row(f"{label} {prefix}{name}", f"{kind_of(inner)}, {must}", "; ".join(filter(None, about)))
        below = at(inner, "items") if "items" in fields(inner) else inner
        if depth < _MAX_NESTING:
            write_arguments(writer, label, below, f"{prefix}{name}.", depth + 1)


def kind_of(schema: Tree) -> str:
    """Return the type of a JSON schema in words: `array of string`, `one of a, b`."""
    kind = words(schema, "type")
    if kind == "array":
        below = words(schema, "items", "type")
        return f"array of {below}" if below else kind
    choices = entries(schema, "enum")
    if choices:
        return "one of " + words(choices[:_MAX_CHOICES]) + (", …" if len(choices) > _MAX_CHOICES else "")
    return kind or "any"


def is_server(value: Tree) -> bool:
    """Return whether a value is a `server.json` of the MCP registry."""
    inside = fields(value)
    named = bool(text_at(value, "name")) and ("packages" in inside or "remotes" in inside)
    return named and ("server.schema.json" in words(value, "$schema") or "description" in inside)


def read_server(value: Tree) -> Page:
    """Return a `server.json` as a page: what is installed or called, how, and with which settings and secrets."""
    identity = text_at(value, "name")
    writer = Writer(text_at(value, "title") or identity)
    writer.prose(text_at(value, "description"))
    writer.fact("MCP server", identity)
    writer.fact("Version", text_at(value, "version"))
    writer.fact("Status", text_at(value, "status"))
    for key, rel in (("websiteUrl", "homepage"), ("documentation", "help")):
        writer.fact("Website", text_at(value, key))
        writer.link(text_at(value, key), "website", rel)
    repository = text_at(at(value, "repository"), "url")
    writer.fact("Repository", repository)
    writer.link(repository, "repository", "repository")
    for package in entries(value, "packages"):
        name = text_at(package, "identifier", "name")
        registry = text_at(package, "registryType", "registry_type", "registry_name")
        writer.line(f"Package {name}", "heading", 2)
        writer.line(f"The server is installed as the package {name}" + (f" from {registry}" if registry else "") + ".")
        writer.fact("Version of the package", text_at(package, "version"))
        writer.fact("Started with", text_at(package, "runtimeHint", "runtime_hint"))
        if fields(package, "transport"):
            _remote(writer, at(package, "transport"), "The package is reached over")
        for key, label in _INPUTS:
            for entry in entries(package, key):
                _input(writer, entry, label)
    for remote in entries(value, "remotes"):
        _remote(writer, remote, "Remote server")
    # The publisher is the repository's owner, or else the last part of the name's reversed domain.
    owner = repository.removesuffix(".git").split("/")[3:4]
    space, _, own = identity.rpartition("/")
    return writer.page("manifest", text_at(value, "title") or own, owner[0] if owner else space.rpartition(".")[2])


def _remote(writer: Writer, remote: Tree, label: str) -> None:
    address = text_at(remote, "url")
    writer.line(f"{label}: {text_at(remote, 'type', 'transport_type')}" + (f" at {address}" if address else ""))
    for header in entries(remote, "headers"):
        _input(writer, header, "header")
    for name, variable in fields(remote, "variables").items():
        _input(writer, {"name": name, **fields(variable)}, "variable of the address")


def _input(writer: Writer, entry: Tree, label: str) -> None:
    inside = fields(entry)
    traits = [
        "required" if inside.get("isRequired", inside.get("is_required")) is True else "optional",
        "secret" if inside.get("isSecret", inside.get("is_secret")) is True else "",
        f"format {text_at(entry, 'format')}" if text_at(entry, "format") else "",
    ]
    about = [
        text_at(entry, "description"),
        f"default {words(entry, 'default')}" if words(entry, "default") else "",
        f"one of {words(entry, 'choices')}" if words(entry, "choices") else "",
    ]
    name = text_at(entry, "name", "valueHint", "value")
    writer.row(f"{label} {name}", ", ".join(filter(None, traits)), "; ".join(filter(None, about)))


def read_manifest(value: Tree) -> Page | None:
    """Return a manifest as a page, or None if the value has no known format."""
    write = _writer_of(value)
    if write is None:
        return None
    name = text_at(value, "name_for_human", "displayName", "display_name", "name") or text_at(
        at(value, "display_information"), "name"
    )
    title = name or "MCP servers"
    writer = Writer(title)
    write(writer, value, title)
    # The maker is the author, owner or publisher, without the address after the name.
    makers = (at(value, key) for key in ("author", "owner", "publisher", "provider"))
    named = (text_at(maker, "name", "organization") or (maker if isinstance(maker, str) else "") for maker in makers)
    maker = next((name for name in named if name.strip()), "")
    return writer.page("manifest", name, _ADDRESS.sub("", maker).strip())


def _writer_of(value: Tree) -> Callable[[Writer, Tree, str], None] | None:
    """Return the writer for a manifest's format, trying specific formats first; None if the format is unknown."""
    inside = fields(value)
    named = bool(text_at(value, "name"))
    plugins, servers = entries(value, "plugins"), fields(value, "mcpServers")
    formats: tuple[tuple[bool, Callable[[Writer, Tree, str], None]], ...] = (
        ("name_for_model" in inside and "api" in inside, _ai_plugin),
        (named and words(value, "manifest_version") in ("2", "3"), _extension),
        (named and "vscode" in fields(value, "engines"), _editor_extension),
        ("display_information" in inside, _slack),
        (isinstance(inside.get("default_permissions"), dict), _github_app),
        (bool(plugins) and all(text_at(one, "name") and "source" in fields(one) for one in plugins), _marketplace),
        (named and bool(_PLUGIN & inside.keys()) and not _LISTING & inside.keys(), _plugin),
        (bool(servers) and all(isinstance(server, dict) for server in servers.values()), _clients),
        (named and bool(_PACKAGE & inside.keys()), _package),
    )
    return next((write for fits, write in formats if fits), None)


def _list(value: Tree, *path: str) -> list[str]:
    return [words(entry) for entry in entries(value, *path)]


def _about(writer: Writer, value: Tree) -> None:
    writer.prose(text_at(value, "description"))
    writer.fact("Version", words(value, "version"))
    author = fields(value).get("author", at(value, "owner"))
    writer.fact("Author", text_at(author, "name") or words(author))
    for key in ("homepage", "homepage_url", "url"):
        writer.link(text_at(value, key), "homepage", "homepage")
    repository = at(value, "repository")
    writer.link(text_at(repository, "url") or words(repository), "repository", "repository")


def _ai_plugin(writer: Writer, value: Tree, title: str) -> None:
    writer.prose(text_at(value, "description_for_human"))
    writer.prose(text_at(value, "description_for_model"), f"What {title} tells the LLM about itself")
    auth = at(value, "auth")
    kind, scopes = text_at(auth, "type"), text_at(auth, "scope")
    if kind:
        how = "asks for no authorisation" if kind == "none" else f"is authorised by {kind}"
        writer.line(f"The plugin {how}" + (f" with the scopes {scopes}" if scopes else "") + ".")
    address = text_at(at(value, "api"), "url")
    writer.fact("Description of its API", address)
    writer.link(address, "OpenAPI description")
    writer.link(text_at(value, "legal_info_url"), "legal information")


def _marketplace(writer: Writer, value: Tree, title: str) -> None:
    _about(writer, value)
    for plugin in entries(value, "plugins")[:_MAX_ENTRIES]:
        name = text_at(plugin, "name")
        writer.line(name, "heading", 2)
        writer.prose(text_at(plugin, "description"), f"Plugin {name} of {title}")
        _plugin_parts(writer, plugin, name)


def _plugin(writer: Writer, value: Tree, title: str) -> None:
    _about(writer, value)
    _plugin_parts(writer, value, title)


def _plugin_parts(writer: Writer, value: Tree, name: str) -> None:
    for key, label in _PARTS:
        names = list(fields(value, key)) or [words(entry) or text_at(entry, "name") for entry in entries(value, key)]
        writer.each(f"The plugin {name} brings the {label} {{}}.", names or [words(value, key)])
    for event, hooks in fields(value, "hooks").items():
        for hook in entries(hooks):
            ran = [text_at(step, "command") for step in entries(hook, "hooks")]
            writer.each(f"On {event} the plugin {name} runs the command {{}}", ran)
    servers = at(value, "mcpServers")
    if isinstance(servers, str):
        writer.line(f"The plugin {name} starts the MCP servers listed in {servers}.")
    _clients(writer, value, name)


def _clients(writer: Writer, value: Tree, _: str) -> None:
    """Write how each entry of a client's `mcpServers` is run or called.

    Environment values are omitted, since they may be secrets.
    """
    for name, server in fields(value, "mcpServers").items():
        command = " ".join([text_at(server, "command"), *_list(server, "args")]).strip()
        if command:
            writer.line(f"MCP server {name} runs the command {command}")
        address = text_at(server, "url", "serverUrl")
        if address:
            writer.line(f"MCP server {name} is called at {address}")
        for key in fields(server, "env"):
            writer.row(f"environment variable {key}", f"given to MCP server {name}", "")
        unasked = words(fields(server).get("autoApprove", at(server, "alwaysAllow")))
        writer.fact(f"Tools of {name} that run without asking", unasked)


def _extension(writer: Writer, value: Tree, title: str) -> None:
    _about(writer, value)
    asked = _list(value, "permissions")
    sites = [name for name in asked if "://" in name or name == "<all_urls>"]
    scripts = entries(value, "content_scripts")[:_MAX_ENTRIES]
    for sentence, names in (
        ("has the permission {}.", [name for name in asked if name not in sites]),
        ("may read and change pages at {}", sites + _list(value, "host_permissions")),
        ("may ask for the permission {}.", _list(value, "optional_permissions")),
        ("may ask to read and change pages at {}", _list(value, "optional_host_permissions")),
        *(("runs a script in pages at {}", _list(script, "matches")) for script in scripts),
        ("asks for the OAuth scope {}", _list(value, "oauth2", "scopes")),
    ):
        writer.each(f"The browser extension {title} {sentence}", names)
    writer.each(f"Pages at {{}} may send messages to {title}", _list(value, "externally_connectable", "matches"))


def _editor_extension(writer: Writer, value: Tree, title: str) -> None:
    _about(writer, value)
    for key, label in _CONTRIBUTED:
        for entry in entries(value, "contributes", key)[:_MAX_ENTRIES]:
            name = text_at(entry, "command", "name", "id")
            about = text_at(entry, "modelDescription", "description", "title")
            writer.prose(about, f"The editor extension {title} brings the {label} {name}")
    writer.each(f"The editor extension {title} starts on {{}}", _list(value, "activationEvents"))


def _slack(writer: Writer, value: Tree, title: str) -> None:
    shown = at(value, "display_information")
    writer.prose(text_at(shown, "description"))
    writer.prose(text_at(shown, "long_description"))
    for kind in ("bot", "user"):
        for key, how in ((kind, "has"), (f"{kind}_optional", "may ask for")):
            scopes = _list(value, "oauth_config", "scopes", key)
            writer.each(f"The Slack app {title} {how} the {kind} scope {{}}.", scopes)
        events = _list(value, "settings", "event_subscriptions", f"{kind}_events")
        writer.each(f"The Slack app {title} is told of the {kind} event {{}}.", events)
    for command in entries(value, "features", "slash_commands"):
        writer.prose(text_at(command, "description"), f"Slack command {text_at(command, 'command')}")
    writer.fact("Token rotation", words(value, "settings", "token_rotation_enabled"))
    writer.fact("Deployed to a whole org", words(value, "settings", "org_deploy_enabled"))


def _github_app(writer: Writer, value: Tree, title: str) -> None:
    _about(writer, value)
    granted = fields(value, "default_permissions").items()
    rights = (f"{words(level)} access to {name.replace('_', ' ')}" for name, level in granted)
    writer.each(f"The GitHub App {title} has {{}}.", rights)
    writer.each(f"The GitHub App {title} is told of the event {{}}.", _list(value, "default_events"))


def _package(writer: Writer, value: Tree, title: str) -> None:
    _about(writer, value)
    names = list(fields(value, "bin")) or ([title.rpartition("/")[2]] if words(value, "bin") else [])
    writer.each(f"The package {title} installs the command {{}}.", names)
    writer.each(f"The package {title} depends on {{}}.", list(fields(value, "dependencies")))
