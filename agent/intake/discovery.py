"""Files that a site keeps at agreed places for programs, and its map: asked for without being linked."""

from typing import Final
from urllib.parse import urljoin

from agent.intake.net.netguard import Target

_AT_ROOT: Final = (
    "/llms.txt",
    "/.well-known/agent-card.json",
    "/.well-known/agent.json",
    "/.well-known/mcp.json",
    "/server.json",
    "/openapi.json",
    "/.well-known/ai-plugin.json",
    "/SKILL.md",
)
_IN_FOLDER: Final = ("llms.txt", "agent-card.json", "server.json", "SKILL.md", "openapi.json")
_ON_DOCS_HOST: Final = ("/llms.txt",)
_IN_REPOSITORY: Final = (
    "README.md",
    "SKILL.md",
    "server.json",
    ".claude-plugin/plugin.json",
    "manifest.json",
    "SECURITY.md",
    "PRIVACY.md",
)
SITEMAP: Final = "/sitemap.xml"
MAX_SITEMAPS: Final = 5
"""Maps read of one crawl, index files included."""
NO_FILE: Final = "no such file"


def at_root(site: Target) -> tuple[str, ...]:
    """What is asked for at the root of the product's site."""
    return tuple(urljoin(site.url, path) for path in _AT_ROOT)


def in_folder(listing: Target) -> tuple[str, ...]:
    """What is asked for below a listing that lies deep in somebody else's site."""
    base = listing._replace(path=listing.path.partition("?")[0].rstrip("/") + "/")
    return tuple(urljoin(base.url, name) for name in _IN_FOLDER)


def on_docs_host(site: Target) -> tuple[str, ...]:
    """What is asked for on a further host of the product's site."""
    return tuple(urljoin(site.url, path) for path in _ON_DOCS_HOST)


def in_repository(raw: str) -> tuple[str, ...]:
    """What is asked for in a repository whose files lie below `raw`."""
    return tuple(urljoin(raw, name) for name in _IN_REPOSITORY)


def sitemap_rank(url: str) -> tuple[int, str]:
    """Sorts the parts of a map: those that name documentation first, blogs and products last."""
    low = url.lower()
    if any(word in low for word in ("docs", "help", "guide", "security", "page", "main")):
        return (0, url)
    return (2 if any(word in low for word in ("blog", "news", "post", "tag", "image", "video", "author")) else 1, url)
