"""Which format a JSON or YAML value is in, and the reader for it. Imported by the parsing child."""

import re
from typing import Final

from agent.intake.pages import agent_card, listing_json, manifests, mcp, openapi
from agent.intake.pages.markdown import read_markdown
from agent.intake.pages.page import Page, Part, Removed
from agent.intake.pages.tree import Loaded, Tree, Unreadable, fields, load_json, load_yaml, words
from agent.intake.pages.writer import Writer

_FRONT: Final = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_MAX_TWICE: Final = 20


def read_data(text: str, kind: str) -> tuple[Part, ...]:
    """The documents of a text of `kind`: json, yaml, or skill (Markdown with front matter).

    Raises Unreadable when it is not of that kind, or exceeds a cap.
    """
    if kind == "skill":
        return (Part(_skill(text), ""),)
    loaded = load_json(text) if kind == "json" else load_yaml(text)
    return _noted(_parts(loaded.value), loaded)


def _parts(value: Tree) -> tuple[Part, ...]:
    if openapi.is_openapi(value):
        return (Part(openapi.read_openapi(value), ""),)
    if agent_card.is_card(value):
        return (Part(agent_card.read_card(value), ""),)
    server = fields(value).get("server")
    for candidate in (value, server):
        if mcp.is_server(candidate):
            return (Part(mcp.read_server(candidate), ""),)
    manifest = manifests.read_manifest(value)
    if manifest is not None:
        return (Part(manifest, ""),)
    tools = mcp.tools_of(value)
    if tools:
        return (Part(mcp.read_tools(value, tools), ""),)
    return listing_json.read_value(value)


def _noted(parts: tuple[Part, ...], loaded: Loaded) -> tuple[Part, ...]:
    """Keys that one mapping gives twice are shown: another reader may take the other value."""
    notes = tuple(
        Removed("structure", "the file", f"the key {key} is given twice, the last one counts")
        for key in loaded.twice[:_MAX_TWICE]
    )
    if not notes or not parts:
        return parts
    page = parts[0].page
    return (parts[0]._replace(page=page._replace(removed=(*page.removed, *notes))), *parts[1:])


def _skill(text: str) -> Page:
    """A `SKILL.md`: its description, then the other fields of its front matter, in front of its text.

    Front matter that is no YAML is shown line by line, as that of any Markdown.
    """
    front = _FRONT.match(text)
    try:
        loaded = load_yaml(front[1] if front else "")
    except Unreadable as error:
        body = read_markdown(text)
        return body._replace(removed=(*body.removed, Removed("structure", "the front matter", str(error))))
    body = read_markdown(text[front.end() :] if front else text)
    writer = Writer()
    inside = fields(loaded.value)
    name = words(inside.get("name"))
    title = words(inside.get("title"))
    writer.prose(words(inside.get("description")))
    for key, value in inside.items():
        # A name that the first heading says as well would only be said twice.
        said = key in ("name", "title") and words(value).casefold() == body.title.casefold()
        if key != "description" and not said:
            writer.field(key.replace("-", " ").replace("_", " ").capitalize(), words(value))
    head = writer.page(name or body.title, "prose", name)
    first = body.blocks[:1] if body.blocks and body.blocks[0].kind == "heading" else ()
    return body._replace(
        title=body.title or title or name,
        blocks=(*first, *head.blocks, *body.blocks[len(first) :]),
        links=(*head.links, *body.links),
        removed=(*head.removed, *body.removed),
        name=name,
    )
