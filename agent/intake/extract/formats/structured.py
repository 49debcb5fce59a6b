"""Recognises the format of a JSON or YAML value and picks its reader. Imported by the parsing child."""

from collections.abc import Iterator
from typing import Final

from agent.intake.extract.formats import manifests, openapi
from agent.intake.extract.formats.manifest_writer import Writer
from agent.intake.extract.formats.markdown import read_markdown
from agent.intake.extract.formats.markdown_dialects import FRONT, fields_of
from agent.intake.extract.formats.plain_values import (
    Tree,
    Unreadable,
    at,
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
_MAX_TWICE: Final = 20


def read_data(text: str, kind: str) -> tuple[Part, ...]:
    """Read the documents in `text`, whose `kind` is json, yaml, or skill (Markdown with front matter).

    Raises Unreadable if the text is not of that kind or exceeds a limit.
    """
    if kind == "skill":
        return (Part(_skill(text), ""),)
    loaded = load_json(text) if kind == "json" else load_yaml(text)
    first, *rest = _read(loaded.value)
    # Another parser may use the other value of a duplicate key.
    notes = (
        Removed("structure", "the file", f"the key {key} is given twice; the last one counts")
        for key in loaded.twice[:_MAX_TWICE]
    )
    page = first.page._replace(removed=(*first.page.removed, *notes))
    return (first._replace(page=page), *rest)


def _read(value: Tree) -> Iterator[Part]:
    """Yield the documents of a value: several for a listing, otherwise one."""
    tools = manifests.tools_of(value)
    server = next((one for one in (value, at(value, "server")) if manifests.is_server(one)), None)
    if openapi.is_openapi(value):
        page: Page | None = openapi.read_openapi(value)
    elif openapi.is_card(value):
        page = openapi.read_card(value)
    elif server is not None:
        page = manifests.read_server(server)
    else:
        page = manifests.read_manifest(value) or (manifests.read_tools(value, tools) if tools else None)
    if page is not None:
        yield Part(page, "")
    elif isinstance(value, dict) and isinstance(value.get("name"), str) and any(key in value for key in _BODY_KEYS):
        yield from _listing(value)
    else:
        blocks = tuple(Block("paragraph", text.strip()) for text in strings(value, _MAX_STRINGS) if text.strip())
        yield Part(Page(blocks[0].text if blocks else "", blocks), "")


def _listing(value: dict[str, object]) -> Iterator[Part]:
    """Yield a listing object as a page, then its documents."""
    parts = [f"# {value['name']}"]
    for key in _PARAGRAPHS:
        parts.extend(_texts(value.get(key)))
    for key, title in _LISTS:
        texts = _texts(value.get(key))
        if texts:
            bullets = isinstance(value.get(key), list)
            parts += [f"## {title}", "\n".join(f"- {item}" for item in texts) if bullets else "\n\n".join(texts)]
    yield Part(read_markdown("\n\n".join(parts) + "\n"), "")
    docs = value.get("docs")
    for number, doc in enumerate(docs if isinstance(docs, list) else (), 1):
        if isinstance(doc, str):
            yield Part(read_markdown(doc), f"#docs/{number}")
        elif isinstance(doc, dict):
            title = text_at(doc, "title")
            body = "\n\n".join(_texts(doc.get("text") or doc.get("body") or doc.get("content")))
            if body:
                yield Part(read_markdown((f"# {title}\n\n" if title else "") + body + "\n"), f"#docs/{number}")


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


def _skill(text: str) -> Page:
    """Read a `SKILL.md`: first its description, then the other front matter fields, then its text.

    Front matter that is not YAML is shown line by line, as in other Markdown files.
    """
    front = FRONT.match(text)
    try:
        matter = fields(load_yaml(front[1] if front else "").value)
    except Unreadable as error:
        body = read_markdown(text)
        return body._replace(removed=(*body.removed, Removed("structure", "the front matter", str(error))))
    body = read_markdown(text[front.end() :] if front else text)
    # Permissions and sandboxes of a skill are often declared within `metadata`.
    nested = [(path, inner) for path, inner in fields_of(front[1] if front else "") if "." in path]
    writer = Writer("")
    writer.prose(words(matter, "description"))
    for key, value in matter.items():
        # Skip the name if the first heading already gives it.
        said = key in ("name", "title") and words(value).casefold() == body.title.casefold()
        if key != "description" and not said:
            # Spelled as in the file, so that a quote of the field is found there.
            writer.fact(key, words(value), "front-matter")
            for path, inner in nested:
                if path.startswith(f"{key}."):
                    writer.fact(path, inner, "front-matter")
    name = words(matter, "name")
    head = writer.page("prose")
    first = body.blocks[:1] if body.blocks and body.blocks[0].kind == "heading" else ()
    return body._replace(
        title=body.title or words(matter, "title") or name,
        blocks=(*first, *head.blocks, *body.blocks[len(first) :]),
        links=(*head.links, *body.links),
        removed=(*head.removed, *body.removed),
        name=name,
        vendor=words(matter, "author") or text_at(at(matter, "metadata"), "author"),
    )
