"""MCP: lists of tools, `server.json` of the registry, and the settings by which clients start servers."""

import json
from typing import Final

from agent.intake.pages.page import Page
from agent.intake.pages.tree import Tree, entries, fields, text_at, words
from agent.intake.pages.writer import Writer

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


def tools_of(value: Tree) -> list[Tree]:
    """The tools of a `tools/list` result, of an object that holds one, or of a bare list; empty when it is none."""
    holder = fields(value)
    holder = fields(holder["result"]) if "tools" not in holder and "result" in holder else holder
    tools = entries(holder.get("tools")) if holder else entries(value)
    plain = [fields(tool).get("function") if "function" in fields(tool) else tool for tool in tools]
    named = [tool for tool in plain if text_at(tool, "name")]
    schema = any(key in fields(tool) for tool in named for key in (*_SCHEMAS, "annotations"))
    described = bool(holder) and all(text_at(tool, "description") for tool in named)
    return named if named and len(named) == len(tools) and (schema or described) else []


def read_tools(value: Tree, tools: list[Tree]) -> Page:
    """The page of a tool list: each tool with its description, its arguments and the vendor's hints about it."""
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
    """Each tool under a heading of its own, and first how many there are and what they are called."""
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
    """A row for each property of a JSON schema: name, type, whether it is required, description."""
    properties = fields(fields(schema).get("properties"))
    required = {words(name) for name in entries(fields(schema).get("required"))}
    for name, inner in list(properties.items())[:_MAX_ARGUMENTS]:
        must = "required" if name in required else "optional"
        writer.row(f"{label} {prefix}{name}", f"{kind_of(inner)}, {must}", _described(inner))
        below = fields(inner).get("items") if "items" in fields(inner) else inner
        if depth < _MAX_NESTING:
            write_arguments(writer, label, below, f"{prefix}{name}.", depth + 1)


def kind_of(schema: Tree) -> str:
    """The type of a JSON schema in words: `array of string`, `one of a, b`."""
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
    """Whether a value is a `server.json` of the MCP registry."""
    inside = fields(value)
    named = bool(text_at(value, "name")) and ("packages" in inside or "remotes" in inside)
    schema = words(inside.get("$schema"))
    return named and ("server.schema.json" in schema or "description" in inside)


def read_server(value: Tree) -> Page:
    """The page of a `server.json`: what is installed or called, how, and with which settings and secrets."""
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
        _package(writer, package)
    for remote in entries(fields(value).get("remotes")):
        _remote(writer, remote, "Remote server")
    name = text_at(value, "title") or identity.rpartition("/")[2]
    return writer.page(title, "manifest", name, _publisher(value, identity))


def _publisher(value: Tree, identity: str) -> str:
    """Who publishes a server: the owner of its repository, otherwise the last part of its name's reversed domain."""
    owner = text_at(fields(value).get("repository"), "url").removesuffix(".git").split("/")[3:4]
    space = identity.rpartition("/")[0]
    return owner[0] if owner else space.rpartition(".")[2]


def _package(writer: Writer, package: Tree) -> None:
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
    """A client's `mcpServers`: what each server runs or calls; values of its environment stay out, they are secrets."""
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
