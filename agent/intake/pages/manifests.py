"""Manifests of plugins, extensions and apps: what they ask for, in sentences that can be quoted alone.

Read are ChatGPT's `ai-plugin.json`, Claude's `plugin.json` and `marketplace.json`, browser extensions, VS Code
extensions, Slack apps, GitHub Apps, and the settings by which clients start MCP servers.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from agent.intake.pages.mcp import write_clients
from agent.intake.pages.page import Page
from agent.intake.pages.tree import Tree, entries, fields, text_at, words
from agent.intake.pages.writer import Writer

_LISTING: Final = frozenset({"tagline", "overview", "features", "docs", "pricing"})
_PARTS: Final = (("commands", "command"), ("agents", "agent"), ("skills", "skill"), ("hooks", "hook"))
_MAX_ENTRIES: Final = 500
_ADDRESS: Final = re.compile(r"\s*[<(][^<>()]{0,200}[>)]")
_PACKAGE: Final = frozenset(
    {"dependencies", "devDependencies", "peerDependencies", "scripts", "main", "bin", "exports", "module", "workspaces"}
)


def read_manifest(value: Tree) -> Page | None:
    """The page of a manifest, or None when the value is none of those that are known."""
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
    """The sentence once for each name; its `{}` is where the name stands."""
    for name in list(names)[:_MAX_ENTRIES]:
        if name:
            writer.item(sentence.replace("{}", name))


def _list(value: Tree, *path: str) -> list[str]:
    for key in path:
        value = fields(value).get(key)
    return [words(entry) for entry in entries(value)]


def _maker(value: Tree) -> str:
    """Who makes the product: a manifest's author, owner or publisher, without an address behind the name."""
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
    """Whether a value is a `package.json` of npm."""
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
"""The narrow marks first."""
