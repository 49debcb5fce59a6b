"""JSON sources: a listing object becomes the listing and its documents; other JSON gives the text of its strings."""

from collections.abc import Iterator
from typing import Final

from agent.intake.pages.markdown import read_markdown
from agent.intake.pages.page import Block, Page, Part
from agent.intake.pages.tree import Tree, strings

_BODY_KEYS: Final = ("tagline", "overview", "features", "description", "docs")
_PARAGRAPHS: Final = ("tagline", "description", "overview")
_LISTS: Final = (("features", "Features"), ("integrations", "Integrations"), ("pricing", "Pricing"))
_MAX_STRINGS: Final = 20_000


def read_value(value: Tree) -> tuple[Part, ...]:
    """A listing object with its documents; of any other value the strings.

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
