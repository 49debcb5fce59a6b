"""Reads OpenAPI 3.x, Swagger 2 and A2A cards: servers, security schemes, operations, scopes."""

from typing import Final

from agent.intake.extract.formats.manifest_writer import Writer
from agent.intake.extract.formats.manifests import kind_of, write_arguments
from agent.intake.extract.formats.plain_values import Tree, entries, fields, text_at, words
from agent.intake.page import Page

_MARKS: Final = frozenset(
    {"protocolVersion", "capabilities", "supportedInterfaces", "defaultInputModes", "preferredTransport"}
)
_CAPABILITIES: Final = {
    "streaming": "streams its answers",
    "pushNotifications": "sends push notifications to an address of the caller",
    "stateTransitionHistory": "gives the history of a task's states",
    "extendedAgentCard": "has a further card for callers who sign in",
    "supportsAuthenticatedExtendedCard": "has a further card for callers who sign in",
}
_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_MAX_HOPS: Final = 8
"""Maximum length of a chain of references; only references within the file are followed."""
_MAX_PATHS: Final = 2000


def is_card(value: Tree) -> bool:
    """Return whether a value is an A2A agent card."""
    inside = fields(value)
    return bool(text_at(value, "name")) and isinstance(inside.get("skills"), list) and bool(_MARKS & inside.keys())


def read_card(value: Tree) -> Page:
    """Return the page of an agent card: its provider, how to reach it, required credentials, and each skill."""
    writer = Writer()
    inside = fields(value)
    name = text_at(value, "name")
    writer.heading(name, 1)
    writer.prose(text_at(value, "description"))
    provider = inside.get("provider")
    writer.fact("Provider", text_at(provider, "organization", "name"))
    writer.link(text_at(provider, "url"), "provider", "homepage")
    writer.fact("Version", words(inside.get("version")))
    writer.fact("Documentation", text_at(value, "documentationUrl"))
    writer.link(text_at(value, "documentationUrl"), "documentation", "help")
    _reached(writer, value)
    _capabilities(writer, value)
    write_security(writer, fields(inside.get("securitySchemes")))
    for need in entries(inside.get("security")) or entries(inside.get("securityRequirements")):
        _needs(writer, "Callers must use", need)
    for skill in entries(inside.get("skills")):
        _skill(writer, skill)
    if entries(inside.get("signatures")):
        writer.item("The card carries a signature, which was not checked.")
    return writer.page(name, "manifest", name, text_at(provider, "organization", "name"))


def _reached(writer: Writer, value: Tree) -> None:
    inside = fields(value)
    own = text_at(value, "url")
    if own:
        transport = text_at(value, "preferredTransport")
        writer.item(f"The agent is reached at {own}" + (f" over {transport}" if transport else ""))
    for key in ("supportedInterfaces", "additionalInterfaces"):
        for interface in entries(inside.get(key)):
            binding = text_at(interface, "protocolBinding", "transport")
            address = text_at(interface, "url")
            if address and address != own:
                writer.item(f"The agent is reached at {address}" + (f" over {binding}" if binding else ""))
    writer.fact("A2A protocol version", words(inside.get("protocolVersion")))
    writer.fact("Takes input as", words(inside.get("defaultInputModes")))
    writer.fact("Gives output as", words(inside.get("defaultOutputModes")))


def _capabilities(writer: Writer, value: Tree) -> None:
    capabilities = {**fields(fields(value).get("capabilities"))}
    further = "supportsAuthenticatedExtendedCard"
    if further in fields(value):
        capabilities[further] = fields(value)[further]
    for key, said in _CAPABILITIES.items():
        if isinstance(capabilities.get(key), bool):
            writer.item(
                f"The card says {key} {words(capabilities[key])}"
                + (f": the agent {said}." if capabilities[key] else ".")
            )
    for extension in entries(capabilities.get("extensions")):
        must = ", required" if fields(extension).get("required") is True else ""
        writer.row(
            f"extension {text_at(extension, 'uri')}", f"protocol extension{must}", text_at(extension, "description")
        )


def write_security(writer: Writer, schemes: Tree) -> None:
    """Write each security scheme and its scopes as rows, plain (OpenAPI, A2A 0.x) or wrapped (A2A 1.0)."""
    for name, raw in fields(schemes).items():
        scheme = fields(raw)
        wrapped = next((key for key in scheme if key.endswith("SecurityScheme")), "")
        kind = text_at(raw, "type") or wrapped.removesuffix("SecurityScheme")
        scheme = fields(scheme[wrapped]) if wrapped else scheme
        place = words(scheme.get("in") or scheme.get("location"))
        traits = [kind, words(scheme.get("scheme")), f"in {place} {words(scheme.get('name'))}".strip() if place else ""]
        about = text_at(scheme, "description")
        writer.row(f"security scheme {name}", " ".join(trait for trait in traits if trait), about)
        flows = {**fields(scheme.get("flows"))}
        if "scopes" in scheme:
            flows[text_at(scheme, "flow")] = scheme
        for flow, content in flows.items():
            for scope, meaning in fields(fields(content).get("scopes")).items():
                writer.row(f"scope {scope}", f"{name}, {flow} flow", words(meaning))


def _needs(writer: Writer, label: str, need: Tree) -> None:
    inside = fields(fields(need).get("schemes")) or fields(need)
    for name, scopes in inside.items():
        listed = words(fields(scopes).get("list") if isinstance(scopes, dict) else scopes)
        writer.item(f"{label} {name}" + (f" with the scopes {listed}" if listed else ""))


def _skill(writer: Writer, skill: Tree) -> None:
    inside = fields(skill)
    name = text_at(skill, "name", "id")
    identity = text_at(skill, "id")
    writer.heading(name, 2)
    lead = f"Skill {name}" + (f" ({identity})" if identity and identity != name else "")
    writer.prose(text_at(skill, "description"), lead)
    writer.fact("Tags", words(inside.get("tags")))
    for example in entries(inside.get("examples")):
        writer.fact(f"Example of a request to {name}", words(example))
    writer.fact("Takes input as", words(inside.get("inputModes")))
    writer.fact("Gives output as", words(inside.get("outputModes")))
    for need in entries(inside.get("security")) or entries(inside.get("securityRequirements")):
        _needs(writer, f"{name} needs", need)


def is_openapi(value: Tree) -> bool:
    """Return whether a value is an OpenAPI 3 or Swagger 2 description."""
    inside = fields(value)
    version = words(inside.get("openapi") or inside.get("swagger"))
    return version[:1] in ("2", "3") and bool({"paths", "webhooks", "components", "info"} & inside.keys())


def read_openapi(value: Tree) -> Page:
    """Return the page of an API description. References to other files or hosts are not followed."""
    writer = Writer()
    inside = fields(value)
    info = inside.get("info")
    title = text_at(info, "title") or "API"
    writer.heading(title, 1)
    writer.prose(text_at(info, "summary"))
    writer.prose(text_at(info, "description"))
    writer.fact("Version of the API", words(fields(info).get("version")))
    _links(writer, value)
    _servers(writer, value)
    components = fields(inside.get("components"))
    schemes = fields(components.get("securitySchemes") or inside.get("securityDefinitions"))
    write_security(writer, {name: _resolved(value, scheme) for name, scheme in schemes.items()})
    _security(writer, "Every operation needs", inside.get("security"))
    for group, label in (("paths", ""), ("webhooks", "webhook ")):
        for path, raw in list(fields(inside.get(group)).items())[:_MAX_PATHS]:
            item = _resolved(value, raw)
            shared = entries(fields(item).get("parameters"))
            for method in _METHODS:
                if method in fields(item):
                    _operation(writer, value, f"{label}{method.upper()} {path}", fields(item)[method], shared)
    return writer.page(title, "api", text_at(info, "title"))


def _links(writer: Writer, value: Tree) -> None:
    info = fields(fields(value).get("info"))
    for address, text in (
        (text_at(info, "termsOfService"), "terms of service"),
        (text_at(fields(value).get("externalDocs"), "url"), "documentation"),
        (text_at(info.get("contact"), "url"), "contact"),
    ):
        writer.link(address, text)


def _servers(writer: Writer, value: Tree) -> None:
    inside = fields(value)
    for server in entries(inside.get("servers")):
        about = text_at(server, "description")
        writer.fact("Server", text_at(server, "url") + (f", {about}" if about else ""))
    host = text_at(value, "host")
    if host:
        scheme = words(entries(inside.get("schemes"))[:1]) or "https"
        writer.fact("Server", f"{scheme}://{host}{text_at(value, 'basePath')}")


def _operation(writer: Writer, root: Tree, call: str, operation: Tree, shared: list[Tree]) -> None:
    inside = fields(operation)
    writer.heading(call, 2)
    summary = text_at(operation, "summary")
    description = text_at(operation, "description")
    writer.prose(summary or description, call)
    if summary and description and description != summary:
        writer.prose(description)
    if inside.get("deprecated") is True:
        writer.item(f"{call} is deprecated.")
    parameters = [_resolved(root, raw) for raw in (*shared, *entries(inside.get("parameters")))]
    for parameter in parameters:
        _parameter(writer, root, parameter)
    content = fields(fields(_resolved(root, inside.get("requestBody"))).get("content"))
    for media in list(content.values())[:1]:
        _body(writer, root, fields(media).get("schema"))
    if "security" in inside:
        _security(writer, f"{call} needs", inside["security"])


def _parameter(writer: Writer, root: Tree, parameter: Tree) -> None:
    inside = fields(parameter)
    place = words(inside.get("in"))
    if place == "body":
        _body(writer, root, inside.get("schema"))
        return
    must = "required" if inside.get("required") is True else "optional"
    kind = kind_of(_resolved(root, inside.get("schema"))) if "schema" in inside else kind_of(parameter)
    name = text_at(parameter, "name")
    if name:
        writer.row(f"parameter {name}", f"{kind} in {place}, {must}", text_at(parameter, "description"))


def _body(writer: Writer, root: Tree, schema: Tree) -> None:
    found = fields(_resolved(root, schema))
    parts = [found, *(fields(_resolved(root, part)) for part in entries(found.get("allOf")))]
    for part in parts:
        properties = {name: _resolved(root, inner) for name, inner in fields(part.get("properties")).items()}
        write_arguments(writer, "field", {**part, "properties": properties}, depth=1)


def _security(writer: Writer, label: str, needs: Tree) -> None:
    if needs == []:
        writer.item(f"{label} no credential.")
    for need in entries(needs):
        if need == {}:
            writer.item(f"{label} no credential, or one of the others named here.")
        for name, scopes in fields(need).items():
            listed = words(scopes)
            writer.item(f"{label} {name}" + (f" with the scopes {listed}" if listed else ""))


def _resolved(root: Tree, value: Tree) -> Tree:
    """Return `value`, or the target of its reference within the file; None for a circular or external reference."""
    for _ in range(_MAX_HOPS):
        reference = fields(value).get("$ref") if isinstance(value, dict) else None
        if not isinstance(reference, str):
            return value
        if not reference.startswith("#/"):
            return None
        value = root
        for step in reference[2:].split("/"):
            value = fields(value).get(step.replace("~1", "/").replace("~0", "~"))
    return None
