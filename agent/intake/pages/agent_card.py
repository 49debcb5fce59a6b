"""The A2A agent card (`/.well-known/agent-card.json`), versions 0.2 to 1.0."""

from typing import Final

from agent.intake.pages.page import Page
from agent.intake.pages.tree import Tree, entries, fields, text_at, words
from agent.intake.pages.writer import Writer

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


def is_card(value: Tree) -> bool:
    """Whether a value is an A2A agent card."""
    inside = fields(value)
    return bool(text_at(value, "name")) and isinstance(inside.get("skills"), list) and bool(_MARKS & inside.keys())


def read_card(value: Tree) -> Page:
    """The page of an agent card: who provides it, how it is reached, what callers must show, and each skill."""
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
    """Each security scheme, as OpenAPI and A2A 0.x write them or wrapped as A2A 1.0 does, with its scopes as rows."""
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
