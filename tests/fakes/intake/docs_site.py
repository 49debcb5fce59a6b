"""Documentation sites on loopback: pages at given paths, padded with the kinds of pages that make up most of a real
site.

A folder of a dozen pages offers a crawl nothing to choose from, so every site also gets a generated API reference, a
changelog of many versions, a blog and worked examples. `shape` is how a site leads to its pages: by the sidebar of
every page, only by a sitemap, or only by an llms.txt.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final, Literal, NamedTuple

from markdown_it import MarkdownIt

from tests.fakes.site import Answer, Route, page

Shape = Literal["sidebar", "sitemap", "llms.txt"]
SHAPES: Final[tuple[Shape, ...]] = ("sidebar", "sitemap", "llms.txt")
MARKDOWN: Final = "text/markdown; charset=utf-8"
_FRONT: Final = "---\n"
_NOUNS: Final = (
    *("Account", "Agent", "Artifact", "Batch", "Budget", "Channel", "Client", "Config", "Context", "Credential"),
    *("Cursor", "Dataset", "Document", "Embedding", "Event", "File", "Graph", "Handler", "Job", "Key"),
    *("Lock", "Memory", "Message", "Metric", "Node", "Permission", "Plan", "Policy", "Prompt", "Queue"),
    *("Role", "Run", "Schedule", "Session", "Span", "Step", "Task", "Tool", "Trace", "Webhook"),
)
"""Classes of an API reference. Many are also topics, which makes the choice hard."""
_DISHES: Final = (
    "a chess partner",
    "a travel planner",
    "a recipe writer",
    "a poem judge",
    "a maze solver",
    "a quiz host",
)


class Doc(NamedTuple):
    """A documentation page: its address, its link text, and the served content."""

    path: str
    title: str
    answer: Answer


def markdown(path: str, title: str, text: str, *, raw: bool = False) -> Doc:
    """Return a page from Markdown, served as written at `path` or rendered at the path without its suffix."""
    if raw:
        return Doc(path, title, Answer(text, MARKDOWN))
    body = text
    if text.startswith(_FRONT):
        body = text.partition(_FRONT)[2].partition("\n" + _FRONT)[2]
    bare = path.rpartition(".")[0] if path.endswith((".md", ".mdx")) else path
    return Doc(bare, title, Answer(MarkdownIt().render(f"# {title}\n\n{body}")))


def reference(root: str = "/api-reference") -> list[Doc]:
    """Return the pages of a generated API reference: one template, one class per page."""
    found = []
    for number, noun in enumerate(_NOUNS):
        own = " ".join(f"{noun.lower()}_{word}" for word in ("id", "owner", "state", "created", "changed", "parent"))
        text = (
            f"Class `acme.core.{noun}`. Parameters: {own}. Returns {noun}Result number {number}; raises {noun}Error "
            f"where {noun.lower()} {number} is unknown. Methods: get_{noun.lower()}, list_{noun.lower()}s, "
            f"create_{noun.lower()}, delete_{noun.lower()}."
        )
        found.append(markdown(f"{root}/acme-core-{noun.lower()}", noun, text))
    return found


def noise(root: str = "/docs") -> list[Doc]:
    """Return changelogs, blog posts and worked examples, each with its own wording."""
    found = []
    for number in range(8):
        text = " ".join(f"fixed{number}{letter} in module{number}{letter}" for letter in "abcdefghijklmnop")
        found.append(markdown(f"{root}/changelog/v0-{number}-0", f"Version 0.{number}.0", text))
    for number, dish in enumerate(_DISHES):
        text = " ".join(f"step{number}{letter} makes it {dish}{letter}" for letter in "abcdefghijklmnop")
        slug = dish.removeprefix("a ").replace(" ", "-")
        found.append(markdown(f"{root}/examples/build-{slug}", f"Build {dish}", text))
        found.append(markdown(f"/blog/how-we-made-{slug}", f"How we made {dish}", text.upper()))
    return found


def site(docs: Sequence[Doc], shape: Shape, name: str = "Acme Agent") -> dict[str, Route]:
    """Return the routes of a site with `docs`, which link to each other in the given order."""
    bar = "".join(f'<li><a href="{doc.path}">{escape(doc.title)}</a></li>' for doc in docs)
    nav = f"<ul>{bar}</ul>" if shape == "sidebar" else ""
    words = f"<h1>{name}</h1><p>{name} works through tasks with tools on the machine of its user.</p>"
    routes: dict[str, Route] = {"/": page(name, words + (f"<aside>{nav}</aside>" if nav else ""))}
    for doc in docs:
        body = doc.answer.body
        whole = doc.answer.media_type == MARKDOWN or isinstance(body, bytes)
        routes[doc.path] = doc.answer if whole else Answer(page(f"{doc.title} | {name}", str(body), nav=nav))
    if shape == "llms.txt":
        lines = [f"- [{doc.title}]({doc.path})" for doc in docs]
        routes["/llms.txt"] = Answer("\n".join([f"# {name}", "", "## Docs", "", *lines, ""]), MARKDOWN)
    if shape == "sitemap":
        entries = "".join(f"<url><loc>{{base}}{escape(doc.path)}</loc></url>" for doc in docs)
        routes["/sitemap.xml"] = f"<?xml version='1.0'?><urlset>{entries}</urlset>"
    return routes


def based(routes: Mapping[str, Route], base: str) -> dict[str, Route]:
    """Return `routes` with the address of the site, known once it is served, in its sitemap."""
    return {
        path: Answer(route.replace("{base}", base), "text/xml")
        if path == "/sitemap.xml" and isinstance(route, str)
        else route
        for path, route in routes.items()
    }
