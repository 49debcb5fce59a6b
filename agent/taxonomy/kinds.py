"""Product kinds, the assets that a threat can harm, and severity bands."""

from typing import Final, Literal, get_args

ProductKind = Literal[
    "mcp-server", "agent-skill", "coding-agent", "computer-use-agent", "browser-agent", "assistant",
    "voice-agent", "agent-framework", "agent-platform", "other",
]  # fmt: skip
"""What the product is to the person who installs it; `KIND_MEANINGS` explains each kind."""
AssetClass = Literal[
    "credentials", "personal_data", "business_data", "code", "money", "host", "systems", "accounts",
    "decisions", "safety",
]  # fmt: skip
"""The asset first harmed by a threat. credentials: secrets. personal_data: data about people. business_data: documents,
records and conversations. code: source code and releases. money: payments, costs and wallets. host: a machine or shell.
systems: live services and devices. accounts: the ability to act on someone's behalf. decisions: what people decide or
believe. safety: people's physical safety."""
Band = Literal["Critical", "High", "Medium", "Low", "None"]

KINDS: Final[tuple[ProductKind, ...]] = get_args(ProductKind)
KIND_MEANINGS: Final[dict[ProductKind, str]] = {
    "mcp-server": "tools for an LLM client",
    "agent-skill": "instructions for an agent",
    "coding-agent": "works on code",
    "computer-use-agent": "operates a computer",
    "browser-agent": "operates web pages",
    "assistant": "an app that people chat with",
    "voice-agent": "talks with people, or a kit for such agents",
    "agent-framework": "a library for building agents",
    "agent-platform": "a service that builds or runs agents",
    "other": "anything else",
}
KIND_TITLES: Final[dict[ProductKind, str]] = {
    "mcp-server": "MCP server",
    "agent-skill": "agent skill",
    "coding-agent": "coding agent",
    "computer-use-agent": "agent that operates a computer",
    "browser-agent": "agent that operates a browser",
    "assistant": "assistant",
    "voice-agent": "voice agent",
    "agent-framework": "framework for agents",
    "agent-platform": "platform for agents",
    "other": "AI product",
}
