"""Recognises the format of a JSON or YAML value and picks its reader. Imported by the parsing child."""

import re
from collections.abc import Iterator
from typing import Final

from agent.intake.extract.formats import manifests, openapi
from agent.intake.extract.formats.manifest_writer import Writer
from agent.intake.extract.formats.markdown import read_markdown
from agent.intake.extract.formats.plain_values import (
    Loaded,
    Tree,
    Unreadable,
    fields,
    load_json,
    load_yaml,
    strings,
    text_at,
    words,
)
from agent.intake.page import Block, Page, Part, Removed

_BODY_KEYS: Final = ("tagline", "overview", "features", "description", "docs")
_PARAGRAPHS: Final = ("tagline", "description", "overview")
_LISTS: Final = (("features", "Features"), ("integrations", "Integrations"), ("pricing", "Pricing"))
_MAX_STRINGS: Final = 20_000
_FRONT: Final = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_MAX_TWICE: Final = 20


def read_value(value: Tree) -> tuple[Part, ...]:
    """Read a listing object with its documents, or the strings of any other value.

    A listing object has a `name` and one of tagline, overview, features, description, docs.
    """
    if isinstance(value, dict) and isinstance(value.get("name"), str) and any(key in value for key in _BODY_KEYS):
        return (Part(_listing(value), ""), *_docs(value))
    blocks = tuple(Block("paragraph", text.strip()) for text in strings(value, _MAX_STRINGS) if text.strip())
    return (Part(Page(blocks[0].text if blocks else "", blocks), ""),)


def _listing(value: dict[str, object]) -> Page:
    parts = [f"# {value['name']}"]
    for key in _PARAGRAPHS:
        parts.extend(_texts(value.get(key)))
    for key, title in _LISTS:
        texts = _texts(value.get(key))
        if texts:
            bullets = isinstance(value.get(key), list)
            parts.append(f"## {title}")
            parts.append("\n".join(f"- {item}" for item in texts) if bullets else "\n\n".join(texts))
    return read_markdown("\n\n".join(parts) + "\n")


def _docs(value: dict[str, object]) -> Iterator[Part]:
    docs = value.get("docs")
    for number, doc in enumerate(docs if isinstance(docs, list) else (), 1):
        if isinstance(doc, str):
            yield Part(read_markdown(doc), f"#docs/{number}")
        elif isinstance(doc, dict):
            title = doc.get("title")
            body = "\n\n".join(_texts(doc.get("text") or doc.get("body") or doc.get("content")))
            head = f"# {title}\n\n" if isinstance(title, str) and title.strip() else ""
            if body:
                yield Part(read_markdown(head + body + "\n"), f"#docs/{number}")


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


def read_data(text: str, kind: str) -> tuple[Part, ...]:
    """Read the documents in a text of `kind`: json, yaml, or skill (Markdown with front matter).

    Raises Unreadable if the text is not of that kind or exceeds a limit.
    """
    if kind == "skill":
        return (Part(_skill(text), ""),)
    loaded = load_json(text) if kind == "json" else load_yaml(text)
    return _noted(_parts(loaded.value), loaded)


def _parts(value: Tree) -> tuple[Part, ...]:
    if openapi.is_openapi(value):
        return (Part(openapi.read_openapi(value), ""),)
    if openapi.is_card(value):
        return (Part(openapi.read_card(value), ""),)
    server = fields(value).get("server")
    for candidate in (value, server):
        if manifests.is_server(candidate):
            return (Part(manifests.read_server(candidate), ""),)
    manifest = manifests.read_manifest(value)
    if manifest is not None:
        return (Part(manifest, ""),)
    tools = manifests.tools_of(value)
    if tools:
        return (Part(manifests.read_tools(value, tools), ""),)
    return read_value(value)


def _noted(parts: tuple[Part, ...], loaded: Loaded) -> tuple[Part, ...]:
    """Report duplicate keys in mappings, because another parser may use the other value."""
    notes = tuple(
        Removed("structure", "the file", f"the key {key} is given twice, the last one counts")
        for key in loaded.twice[:_MAX_TWICE]
    )
    if not notes or not parts:
        return parts
    page = parts[0].page
    return (parts[0]._replace(page=page._replace(removed=(*page.removed, *notes))), *parts[1:])


def _skill(text: str) -> Page:
    """Read a `SKILL.md`: its description, then the other front matter fields, in front of its text.

    Front matter that is not YAML is shown line by line, as in other Markdown files.
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
        # Skip the name if the first heading already gives it.
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
        vendor=words(inside.get("author")) or text_at(inside.get("metadata"), "author"),
    )
