"""Reads OpenAPI 3.x, Swagger 2 and A2A cards: servers, security schemes, operations, scopes."""

from typing import Final

from agent.intake.extract.formats.manifest_writer import Writer
from agent.intake.extract.formats.manifests import kind_of, write_arguments
from agent.intake.extract.formats.plain_values import Tree, at, entries, fields, text_at, words
from agent.intake.page import Page

_MARKS: Final = frozenset(
    {"protocolVersion", "capabilities", "supportedInterfaces", "defaultInputModes", "preferredTransport"}
)
_FURTHER: Final = "supportsAuthenticatedExtendedCard"
_CAPABILITIES: Final = {
    "streaming": "streams its answers",
    "pushNotifications": "sends push notifications to an address of the caller",
    "stateTransitionHistory": "gives the history of a task's states",
    "extendedAgentCard": "has a further card for callers who sign in",
    _FURTHER: "has a further card for callers who sign in",
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
    """Return an agent card as a page: its provider, how to reach it, required credentials, and each skill."""
    name = text_at(value, "name")
    provider = at(value, "provider")
    vendor = text_at(provider, "organization", "name")
    writer = Writer(name)
    writer.prose(text_at(value, "description"))
    writer.fact("Provider", vendor)
    writer.link(text_at(provider, "url"), "provider", "homepage")
    writer.fact("Version", words(value, "version"))
    writer.fact("Documentation", text_at(value, "documentationUrl"))
    writer.link(text_at(value, "documentationUrl"), "documentation", "help")
    own = text_at(value, "url")
    interfaces = [*entries(value, "supportedInterfaces"), *entries(value, "additionalInterfaces")]
    reached = [(own, text_at(value, "preferredTransport"))]
    reached += [(text_at(each, "url"), text_at(each, "protocolBinding", "transport")) for each in interfaces]
    for number, (address, transport) in enumerate(reached):
        if address and (number == 0 or address != own):
            writer.line(f"The agent is reached at {address}" + (f" over {transport}" if transport else ""))
    writer.fact("A2A protocol version", words(value, "protocolVersion"))
    writer.fact("Takes input as", words(value, "defaultInputModes"))
    writer.fact("Gives output as", words(value, "defaultOutputModes"))
    capabilities = {**fields(value, "capabilities")}
    if _FURTHER in fields(value):
        capabilities[_FURTHER] = at(value, _FURTHER)
    for key, said in _CAPABILITIES.items():
        has = capabilities.get(key)
        if isinstance(has, bool):
            writer.line(f"The card says {key} {words(has)}" + (f": the agent {said}." if has else "."))
    for extension in entries(capabilities.get("extensions")):
        must = ", required" if at(extension, "required") is True else ""
        uri, about = text_at(extension, "uri"), text_at(extension, "description")
        writer.row(f"extension {uri}", f"protocol extension{must}", about)
    _schemes(writer, fields(value, "securitySchemes"))
    _card_security(writer, "Callers must use", value)
    for skill in entries(value, "skills"):
        _skill(writer, skill)
    if entries(value, "signatures"):
        writer.line("The card carries a signature, which was not checked.")
    return writer.page("manifest", name, vendor)


def _skill(writer: Writer, skill: Tree) -> None:
    name, identity = text_at(skill, "name", "id"), text_at(skill, "id")
    writer.line(name, "heading", 2)
    lead = f"Skill {name}" + (f" ({identity})" if identity and identity != name else "")
    writer.prose(text_at(skill, "description"), lead)
    writer.fact("Tags", words(skill, "tags"))
    for example in entries(skill, "examples"):
        writer.fact(f"Example of a request to {name}", words(example))
    writer.fact("Takes input as", words(skill, "inputModes"))
    writer.fact("Gives output as", words(skill, "outputModes"))
    _card_security(writer, f"{name} needs", skill)


def _card_security(writer: Writer, label: str, holder: Tree) -> None:
    """Write the credentials that a card or skill requires, given in the form of A2A 0.x or 1.0."""
    for need in entries(holder, "security") or entries(holder, "securityRequirements"):
        for name, scopes in (fields(need, "schemes") or fields(need)).items():
            _needs(writer, label, name, at(scopes, "list") if isinstance(scopes, dict) else scopes)


def _needs(writer: Writer, label: str, name: str, scopes: Tree) -> None:
    listed = words(scopes)
    writer.line(f"{label} {name}" + (f" with the scopes {listed}" if listed else ""))


def _schemes(writer: Writer, schemes: Tree) -> None:
    """Write each security scheme, plain (OpenAPI, A2A 0.x) or wrapped (A2A 1.0), and its scopes as rows."""
    for name, raw in fields(schemes).items():
        wrapped = next((key for key in fields(raw) if key.endswith("SecurityScheme")), "")
        kind = text_at(raw, "type") or wrapped.removesuffix("SecurityScheme")
        scheme = fields(raw, wrapped) if wrapped else fields(raw)
        place = words(scheme.get("in") or scheme.get("location"))
        traits = [kind, words(scheme, "scheme"), f"in {place} {words(scheme, 'name')}".strip() if place else ""]
        writer.row(f"security scheme {name}", " ".join(filter(None, traits)), text_at(scheme, "description"))
        flows = {**fields(scheme, "flows")}
        if "scopes" in scheme:
            flows[text_at(scheme, "flow")] = scheme
        for flow, content in flows.items():
            for scope, meaning in fields(content, "scopes").items():
                writer.row(f"scope {scope}", f"{name}, {flow} flow", words(meaning))


def is_openapi(value: Tree) -> bool:
    """Return whether a value is an OpenAPI 3 or Swagger 2 description."""
    inside = fields(value)
    version = words(inside.get("openapi") or inside.get("swagger"))
    return version[:1] in ("2", "3") and bool({"paths", "webhooks", "components", "info"} & inside.keys())


def read_openapi(value: Tree) -> Page:
    """Return an API description as a page. References to other files or hosts are not followed."""
    info = at(value, "info")
    title = text_at(info, "title")
    writer = Writer(title or "API")
    writer.prose(text_at(info, "summary"))
    writer.prose(text_at(info, "description"))
    writer.fact("Version of the API", words(info, "version"))
    writer.link(text_at(info, "termsOfService"), "terms of service")
    writer.link(text_at(at(value, "externalDocs"), "url"), "documentation")
    writer.link(text_at(at(info, "contact"), "url"), "contact")
    for server in entries(value, "servers"):
        about = text_at(server, "description")
        writer.fact("Server", text_at(server, "url") + (f", {about}" if about else ""))
    host = text_at(value, "host")
    if host:
        scheme = words(entries(value, "schemes")[:1]) or "https"
        writer.fact("Server", f"{scheme}://{host}{text_at(value, 'basePath')}")
    schemes = fields(at(value, "components", "securitySchemes") or at(value, "securityDefinitions"))
    _schemes(writer, {name: _resolved(value, scheme) for name, scheme in schemes.items()})
    _security(writer, "Every operation needs", at(value, "security"))
    for group, label in (("paths", ""), ("webhooks", "webhook ")):
        for path, raw in list(fields(value, group).items())[:_MAX_PATHS]:
            item = fields(_resolved(value, raw))
            for method in _METHODS:
                if method in item:
                    call = f"{label}{method.upper()} {path}"
                    _operation(writer, value, call, item[method], entries(item, "parameters"))
    return writer.page("api", title)


def _operation(writer: Writer, root: Tree, call: str, operation: Tree, shared: list[Tree]) -> None:
    writer.line(call, "heading", 2)
    summary, description = text_at(operation, "summary"), text_at(operation, "description")
    writer.prose(summary or description, call)
    if summary and description != summary:
        writer.prose(description)
    if at(operation, "deprecated") is True:
        writer.line(f"{call} is deprecated.")
    for parameter in (_resolved(root, raw) for raw in (*shared, *entries(operation, "parameters"))):
        inside = fields(parameter)
        place, name = words(parameter, "in"), text_at(parameter, "name")
        if place == "body":
            _body(writer, root, inside.get("schema"))
        elif name:
            must = "required" if inside.get("required") is True else "optional"
            kind = kind_of(_resolved(root, inside["schema"]) if "schema" in inside else parameter)
            writer.row(f"parameter {name}", f"{kind} in {place}, {must}", text_at(parameter, "description"))
    content = fields(_resolved(root, at(operation, "requestBody")), "content")
    for media in list(content.values())[:1]:
        _body(writer, root, at(media, "schema"))
    if "security" in fields(operation):
        _security(writer, f"{call} needs", at(operation, "security"))


def _body(writer: Writer, root: Tree, schema: Tree) -> None:
    found = _resolved(root, schema)
    for part in (found, *(_resolved(root, part) for part in entries(found, "allOf"))):
        properties = {name: _resolved(root, inner) for name, inner in fields(part, "properties").items()}
        write_arguments(writer, "field", {**fields(part), "properties": properties}, depth=1)


def _security(writer: Writer, label: str, needs: Tree) -> None:
    if needs == []:
        writer.line(f"{label} no credential.")
    for need in entries(needs):
        if need == {}:
            writer.line(f"{label} no credential, or one of the others named here.")
        for name, scopes in fields(need).items():
            _needs(writer, label, name, scopes)


def _resolved(root: Tree, value: Tree) -> Tree:
    """Return `value`, or the target of its reference within the file; None for a circular or external reference."""
    for _ in range(_MAX_HOPS):
        reference = at(value, "$ref")
        if not isinstance(reference, str):
            return value
        if not reference.startswith("#/"):
            return None
        value = root
        for step in reference[2:].split("/"):
            value = fields(value).get(step.replace("~1", "/").replace("~0", "~"))
    return None
