"""Kinds of product, what a threat can harm, and bands of severity."""

from typing import Final, Literal, get_args

ProductKind = Literal[
    "mcp-server",
    "agent-skill",
    "coding-agent",
    "computer-use-agent",
    "browser-agent",
    "assistant",
    "voice-agent",
    "agent-framework",
    "agent-platform",
    "other",
]
"""What a product is to whoever installs it: a server whose tools an LLM client calls; instructions that an agent
follows; an agent that works on code, a desktop or web pages; an app that people chat with; agents that talk by voice; a
library to build agents with; a service that builds or runs agents; anything else."""
AssetClass = Literal[
    "credentials",
    "personal_data",
    "business_data",
    "code",
    "money",
    "host",
    "systems",
    "accounts",
    "decisions",
    "safety",
]
"""What a threat harms first: secrets; data of people; documents, records and conversations; source code and releases;
payments, cost and wallets; a machine or shell; live services and devices; acting in somebody's name; what people
decide or believe; bodies."""
Band = Literal["Critical", "High", "Medium", "Low", "None"]

KINDS: Final[tuple[ProductKind, ...]] = get_args(ProductKind)
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
