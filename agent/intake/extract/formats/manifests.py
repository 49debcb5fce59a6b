"""Reads manifests of plugins, extensions and apps as sentences that can be quoted alone.

The formats are ChatGPT's `ai-plugin.json`, Claude's `plugin.json` and `marketplace.json`, browser extensions, VS Code
extensions, Slack apps, GitHub Apps, and the settings with which clients start MCP servers.
"""

import json
import re
from collections.abc import Callable, Iterable
from typing import Final

from agent.intake.extract.formats.manifest_writer import Writer
from agent.intake.extract.formats.plain_values import Tree, entries, fields, text_at, words
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
_MAX_ENTRIES: Final = 500
_ADDRESS: Final = re.compile(r"\s*[<(][^<>()]{0,200}[>)]")
_PACKAGE: Final = frozenset(
    {"dependencies", "devDependencies", "peerDependencies", "scripts", "main", "bin", "exports", "module", "workspaces"}
)


def tools_of(value: Tree) -> list[Tree]:
    """Return the tools of a `tools/list` result, an object with such a list, or a bare list; otherwise empty."""
    holder = fields(value)
    holder = fields(holder["result"]) if "tools" not in holder and "result" in holder else holder
    tools = entries(holder.get("tools")) if holder else entries(value)
    plain = [fields(tool).get("function") if "function" in fields(tool) else tool for tool in tools]
    named = [tool for tool in plain if text_at(tool, "name")]
    schema = any(key in fields(tool) for tool in named for key in (*_SCHEMAS, "annotations"))
    described = bool(holder) and all(text_at(tool, "description") for tool in named)
    return named if named and len(named) == len(tools) and (schema or described) else []


def read_tools(value: Tree, tools: list[Tree]) -> Page:
    """Return the page of a tool list: each tool with its description, arguments and the vendor's hints about it."""
    writer = Writer()
    name = text_at(value, "title", "displayName", "name") or text_at(fields(value).get("serverInfo"), "title", "name")
    title = f"Tools of {name}" if name else "Tools"
    writer.heading(title, 1)
    about = text_at(value, "description", "instructions")
    if about:
        writer.prose(about)
    write_tools(writer, tools)
    return writer.page(title, "tools", name)


def write_tools(writer: Writer, tools: list[Tree]) -> None:
    """Write the number of tools and their names, then each tool under its own heading."""
    if len(tools) > 1:
        names = ", ".join(text_at(tool, "name") for tool in tools)
        writer.line(f"The list names {len(tools)} tools: {names}.")
    for tool in tools:
        _tool(writer, tool)


def _tool(writer: Writer, tool: Tree) -> None:
    name = text_at(tool, "name")
    annotations = fields(fields(tool).get("annotations"))
    title = text_at(tool, "title") or text_at(annotations, "title")
    writer.heading(name, 2)
    lead = f"Tool {name}" + (f" ({title})" if title and title != name else "")
    description = text_at(tool, "description")
    writer.prose(description, lead if description else f"{lead}, which the list does not describe")
    for key, yes, no in _HINTS:
        hint = annotations.get(key)
        if isinstance(hint, bool):
            said = yes if hint else no
            writer.item(f"The vendor's own hint about {name}, {key} {words(hint)}, claims that it {said}.")
    for key, value in annotations.items():
        if key != "title" and not isinstance(value, bool) and words(value):
            writer.item(f"The vendor's own hint about {name}, {key}: {words(value)}")
    schema = next((fields(tool)[key] for key in _SCHEMAS if key in fields(tool)), None)
    write_arguments(writer, "argument", schema)
    output = fields(fields(tool).get("outputSchema"))
    if output:
        write_arguments(writer, "result", output)


def write_arguments(writer: Writer, label: str, schema: Tree, prefix: str = "", depth: int = 0) -> None:
    """Write a row for each property of a JSON schema: name, type, whether it is required, description."""
    properties = fields(fields(schema).get("properties"))
    required = {words(name) for name in entries(fields(schema).get("required"))}
    for name, inner in list(properties.items())[:_MAX_ARGUMENTS]:
        must = "required" if name in required else "optional"
        writer.row(f"{label} {prefix}{name}", f"{kind_of(inner)}, {must}", _described(inner))
        below = fields(inner).get("items") if "items" in fields(inner) else inner
        if depth < _MAX_NESTING:
            write_arguments(writer, label, below, f"{prefix}{name}.", depth + 1)


def kind_of(schema: Tree) -> str:
    """Return the type of a JSON schema in words: `array of string`, `one of a, b`."""
    inside = fields(schema)
    kind = words(inside.get("type"))
    if kind == "array":
        below = words(fields(inside.get("items")).get("type"))
        return f"array of {below}" if below else kind
    choices = entries(inside.get("enum"))
    if choices:
        return "one of " + words(choices[:_MAX_CHOICES]) + (", …" if len(choices) > _MAX_CHOICES else "")
    return kind or "any"


def _described(schema: Tree) -> str:
    inside = fields(schema)
    parts = [text_at(schema, "description")]
    if "default" in inside:
        default = inside["default"]
        shown = words(default) if not isinstance(default, (dict, list)) else json.dumps(default, ensure_ascii=False)
        parts.append(f"default {shown}" if shown else "")
    return "; ".join(part for part in parts if part)


def is_server(value: Tree) -> bool:
    """Return whether a value is a `server.json` of the MCP registry."""
    inside = fields(value)
    named = bool(text_at(value, "name")) and ("packages" in inside or "remotes" in inside)
    schema = words(inside.get("$schema"))
    return named and ("server.schema.json" in schema or "description" in inside)


def read_server(value: Tree) -> Page:
    """Return the page of a `server.json`: what is installed or called, how, and with which settings and secrets."""
    writer = Writer()
    identity = text_at(value, "name")
    title = text_at(value, "title") or identity
    writer.heading(title, 1)
    writer.prose(text_at(value, "description"))
    writer.fact("MCP server", identity)
    writer.fact("Version", text_at(value, "version"))
    writer.fact("Status", text_at(value, "status"))
    for key, rel in (("websiteUrl", "homepage"), ("documentation", "help")):
        writer.fact("Website", text_at(value, key))
        writer.link(text_at(value, key), "website", rel)
    repository = text_at(fields(value).get("repository"), "url")
    writer.fact("Repository", repository)
    writer.link(repository, "repository", "repository")
    for package in entries(fields(value).get("packages")):
        _server_package(writer, package)
    for remote in entries(fields(value).get("remotes")):
        _remote(writer, remote, "Remote server")
    name = text_at(value, "title") or identity.rpartition("/")[2]
    return writer.page(title, "manifest", name, _publisher(value, identity))


def _publisher(value: Tree, identity: str) -> str:
    """Return the publisher of a server: its repository's owner, or else the last part of its name's reversed domain."""
    owner = text_at(fields(value).get("repository"), "url").removesuffix(".git").split("/")[3:4]
    space = identity.rpartition("/")[0]
    return owner[0] if owner else space.rpartition(".")[2]


def _server_package(writer: Writer, package: Tree) -> None:
    name = text_at(package, "identifier", "name")
    registry = text_at(package, "registryType", "registry_type", "registry_name")
    writer.heading(f"Package {name}", 2)
    writer.item(f"The server is installed as the package {name}" + (f" from {registry}" if registry else "") + ".")
    writer.fact("Version of the package", text_at(package, "version"))
    writer.fact("Started with", text_at(package, "runtimeHint", "runtime_hint"))
    transport = fields(package).get("transport")
    if fields(transport):
        _remote(writer, transport, "The package is reached over")
    for key, label in (
        *(("environmentVariables", "environment variable"), ("environment_variables", "environment variable")),
        *(("runtimeArguments", "runtime argument"), ("packageArguments", "package argument")),
    ):
        for entry in entries(fields(package).get(key)):
            _input(writer, entry, label)


def _remote(writer: Writer, remote: Tree, label: str) -> None:
    kind = text_at(remote, "type", "transport_type")
    address = text_at(remote, "url")
    writer.item(f"{label}: {kind}" + (f" at {address}" if address else ""))
    for header in entries(fields(remote).get("headers")):
        _input(writer, header, "header")
    for name, variable in fields(fields(remote).get("variables")).items():
        _input(writer, {"name": name, **fields(variable)}, "variable of the address")


def _input(writer: Writer, entry: Tree, label: str) -> None:
    inside = fields(entry)
    name = text_at(entry, "name", "valueHint", "value")
    must = inside.get("isRequired", inside.get("is_required"))
    secret = inside.get("isSecret", inside.get("is_secret"))
    traits = ["required" if must is True else "optional"]
    traits += ["secret"] if secret is True else []
    traits += [f"format {text_at(entry, 'format')}"] if text_at(entry, "format") else []
    about = [text_at(entry, "description")]
    about += [f"default {words(inside['default'])}"] if words(inside.get("default")) else []
    about += [f"one of {words(inside['choices'])}"] if words(inside.get("choices")) else []
    writer.row(f"{label} {name}", ", ".join(traits), "; ".join(part for part in about if part))


def write_clients(writer: Writer, servers: Tree) -> None:
    """Write how each entry of a client's `mcpServers` is run or called; environment values are secrets and left out."""
    for name, server in fields(servers).items():
        inside = fields(server)
        command = " ".join([text_at(server, "command"), *(words(part) for part in entries(inside.get("args")))]).strip()
        if command:
            writer.item(f"MCP server {name} runs the command {command}")
        address = text_at(server, "url", "serverUrl")
        if address:
            writer.item(f"MCP server {name} is called at {address}")
        for key in fields(inside.get("env")):
            writer.row(f"environment variable {key}", f"given to MCP server {name}", "")
        writer.fact(
            f"Tools of {name} that run without asking", words(inside.get("autoApprove", inside.get("alwaysAllow")))
        )


def read_manifest(value: Tree) -> Page | None:
    """Return the page of a manifest, or None if the value has no known format."""
    for is_one, write in _READERS:
        if is_one(value):
            writer = Writer()
            name = text_at(value, "name_for_human", "displayName", "display_name", "name") or text_at(
                fields(value).get("display_information"), "name"
            )
            title = name or "MCP servers"
            writer.heading(title, 1)
            write(writer, value, title)
            return writer.page(title, "manifest", name, _maker(value))
    return None


def _each(writer: Writer, sentence: str, names: Iterable[str]) -> None:
    """Write the sentence once for each name, replacing `{}` with the name."""
    for name in list(names)[:_MAX_ENTRIES]:
        if name:
            writer.item(sentence.replace("{}", name))


def _list(value: Tree, *path: str) -> list[str]:
    for key in path:
        value = fields(value).get(key)
    return [words(entry) for entry in entries(value)]


def _maker(value: Tree) -> str:
    """Return the product's maker: the author, owner or publisher in a manifest, without the address after the name."""
    inside = fields(value)
    for key in ("author", "owner", "publisher", "provider"):
        found = inside.get(key)
        name = text_at(found, "name", "organization") or (found if isinstance(found, str) else "")
        if name.strip():
            return _ADDRESS.sub("", name).strip()
    return ""


def _about(writer: Writer, value: Tree) -> None:
    writer.prose(text_at(value, "description"))
    writer.fact("Version", words(fields(value).get("version")))
    author = fields(value).get("author", fields(value).get("owner"))
    writer.fact("Author", text_at(author, "name") or words(author))
    for key, rel in (("homepage", "homepage"), ("homepage_url", "homepage"), ("url", "homepage")):
        writer.link(text_at(value, key), "homepage", rel)
    repository = fields(value).get("repository")
    writer.link(text_at(repository, "url") or words(repository), "repository", "repository")


def _is_ai_plugin(value: Tree) -> bool:
    return "name_for_model" in fields(value) and "api" in fields(value)


def _ai_plugin(writer: Writer, value: Tree, title: str) -> None:
    writer.prose(text_at(value, "description_for_human"))
    writer.prose(text_at(value, "description_for_model"), f"What {title} tells the LLM about itself")
    inside = fields(value)
    auth = inside.get("auth")
    kind = text_at(auth, "type")
    if kind:
        scopes = text_at(auth, "scope")
        how = "asks for no authorisation" if kind == "none" else f"is authorised by {kind}"
        writer.item(f"The plugin {how}" + (f" with the scopes {scopes}" if scopes else "") + ".")
    api = inside.get("api")
    writer.fact("Description of its API", text_at(api, "url"))
    writer.link(text_at(api, "url"), "OpenAPI description")
    writer.link(text_at(value, "legal_info_url"), "legal information")


def _is_marketplace(value: Tree) -> bool:
    plugins = entries(fields(value).get("plugins"))
    return bool(plugins) and all(text_at(plugin, "name") and "source" in fields(plugin) for plugin in plugins)


def _marketplace(writer: Writer, value: Tree, title: str) -> None:
    _about(writer, value)
    for plugin in entries(fields(value).get("plugins"))[:_MAX_ENTRIES]:
        name = text_at(plugin, "name")
        writer.heading(name, 2)
        writer.prose(text_at(plugin, "description"), f"Plugin {name} of {title}")
        _plugin_parts(writer, plugin, name)


def _is_plugin(value: Tree) -> bool:
    inside = fields(value)
    parts = {key for key, _ in _PARTS} | {"mcpServers", "lspServers", "outputStyles"}
    return bool(text_at(value, "name")) and bool(parts & inside.keys()) and not _LISTING & inside.keys()


def _plugin(writer: Writer, value: Tree, title: str) -> None:
    _about(writer, value)
    _plugin_parts(writer, value, title)


def _plugin_parts(writer: Writer, value: Tree, name: str) -> None:
    inside = fields(value)
    for key, label in _PARTS:
        found = inside.get(key)
        names = list(fields(found)) or [words(entry) or text_at(entry, "name") for entry in entries(found)]
        _each(writer, f"The plugin {name} brings the {label} {{}}.", names or [words(found)])
    for event, hooks in fields(inside.get("hooks")).items():
        for hook in entries(hooks):
            ran = [text_at(step, "command") for step in entries(fields(hook).get("hooks"))]
            _each(writer, f"On {event} the plugin {name} runs the command {{}}", ran)
    servers = inside.get("mcpServers")
    if isinstance(servers, str):
        writer.item(f"The plugin {name} starts the MCP servers listed in {servers}.")
    write_clients(writer, servers)


def _is_extension(value: Tree) -> bool:
    return words(fields(value).get("manifest_version")) in ("2", "3") and bool(text_at(value, "name"))


def _extension(writer: Writer, value: Tree, title: str) -> None:
    _about(writer, value)
    inside = fields(value)
    asked = _list(value, "permissions")
    sites = [name for name in asked if _is_pattern(name)] + _list(value, "host_permissions")
    _each(writer, f"The browser extension {title} has the permission {{}}.", [n for n in asked if not _is_pattern(n)])
    _each(writer, f"The browser extension {title} may read and change pages at {{}}", sites)
    _each(
        writer, f"The browser extension {title} may ask for the permission {{}}.", _list(value, "optional_permissions")
    )
    _each(
        writer,
        f"The browser extension {title} may ask to read and change pages at {{}}",
        _list(value, "optional_host_permissions"),
    )
    for script in entries(inside.get("content_scripts"))[:_MAX_ENTRIES]:
        _each(writer, f"The browser extension {title} runs a script in pages at {{}}", _list(script, "matches"))
    _each(writer, f"The browser extension {title} asks for the OAuth scope {{}}", _list(value, "oauth2", "scopes"))
    _each(writer, f"Pages at {{}} may send messages to {title}", _list(value, "externally_connectable", "matches"))


def _is_pattern(name: str) -> bool:
    return "://" in name or name == "<all_urls>"


def _is_editor_extension(value: Tree) -> bool:
    inside = fields(value)
    return "vscode" in fields(inside.get("engines")) and bool(text_at(value, "name"))


def _editor_extension(writer: Writer, value: Tree, title: str) -> None:
    _about(writer, value)
    brings = fields(fields(value).get("contributes"))
    for key, label in (
        ("commands", "command"),
        ("languageModelTools", "tool for an LLM"),
        ("chatParticipants", "chat"),
    ):
        for entry in entries(brings.get(key))[:_MAX_ENTRIES]:
            name = text_at(entry, "command", "name", "id")
            about = text_at(entry, "modelDescription", "description", "title")
            writer.prose(about, f"The editor extension {title} brings the {label} {name}")
    _each(writer, f"The editor extension {title} starts on {{}}", _list(value, "activationEvents"))


def _is_slack(value: Tree) -> bool:
    return "display_information" in fields(value)


def _slack(writer: Writer, value: Tree, title: str) -> None:
    shown = fields(value).get("display_information")
    writer.prose(text_at(shown, "description"))
    writer.prose(text_at(shown, "long_description"))
    for kind in ("bot", "user"):
        for key, how in ((kind, "has"), (f"{kind}_optional", "may ask for")):
            scopes = _list(value, "oauth_config", "scopes", key)
            _each(writer, f"The Slack app {title} {how} the {kind} scope {{}}.", scopes)
        events = _list(value, "settings", "event_subscriptions", f"{kind}_events")
        _each(writer, f"The Slack app {title} is told of the {kind} event {{}}.", events)
    for command in entries(fields(fields(value).get("features")).get("slash_commands")):
        writer.prose(text_at(command, "description"), f"Slack command {text_at(command, 'command')}")
    for key, label in (("token_rotation_enabled", "Token rotation"), ("org_deploy_enabled", "Deployed to a whole org")):
        writer.fact(label, words(fields(fields(value).get("settings")).get(key)))


def _is_github_app(value: Tree) -> bool:
    return isinstance(fields(value).get("default_permissions"), dict)


def _github_app(writer: Writer, value: Tree, title: str) -> None:
    _about(writer, value)
    granted = fields(fields(value).get("default_permissions"))
    _each(
        writer,
        f"The GitHub App {title} has {{}}.",
        (f"{words(level)} access to {name.replace('_', ' ')}" for name, level in granted.items()),
    )
    _each(writer, f"The GitHub App {title} is told of the event {{}}.", _list(value, "default_events"))


def _is_package(value: Tree) -> bool:
    """Return whether a value is a `package.json` of npm."""
    return bool(text_at(value, "name")) and bool(_PACKAGE & fields(value).keys())


def _package(writer: Writer, value: Tree, title: str) -> None:
    _about(writer, value)
    commands = fields(value).get("bin")
    names = list(fields(commands)) or ([title.rpartition("/")[2]] if words(commands) else [])
    _each(writer, f"The package {title} installs the command {{}}.", names)
    _each(writer, f"The package {title} depends on {{}}.", list(fields(fields(value).get("dependencies"))))


def _is_client(value: Tree) -> bool:
    servers = fields(fields(value).get("mcpServers"))
    return bool(servers) and all(isinstance(server, dict) for server in servers.values())


def _client(writer: Writer, value: Tree, _: str) -> None:
    write_clients(writer, fields(value).get("mcpServers"))


_READERS: Final[tuple[tuple[Callable[[Tree], bool], Callable[[Writer, Tree, str], None]], ...]] = (
    (_is_ai_plugin, _ai_plugin),
    (_is_extension, _extension),
    (_is_editor_extension, _editor_extension),
    (_is_slack, _slack),
    (_is_github_app, _github_app),
    (_is_marketplace, _marketplace),
    (_is_plugin, _plugin),
    (_is_client, _client),
    (_is_package, _package),
)
"""A test and a writer for each format, the most specific tests first."""
