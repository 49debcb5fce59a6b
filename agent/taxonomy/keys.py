"""The closed vocabularies that every package shares: factor keys, layer keys, factor sets, bands.

Factor names follow AIVSS 0.5 and the listing directories; `natural_language_interface` is what AIVSS 0.8 has in place
of goal-driven planning. Factors are mapped by name, never by position.
"""

from typing import Final, Literal, get_args

FactorKey = Literal[
    "autonomy_of_action",
    "goal_driven_planning",
    "self_modification",
    "dynamic_tool_use",
    "persistent_memory",
    "contextual_awareness",
    "dynamic_identity",
    "multi_agent_interactions",
    "non_determinism",
    "opacity_reflexivity",
    "natural_language_interface",
]
LayerKey = Literal[
    "foundation_models",
    "data_operations",
    "agent_frameworks",
    "deployment_infrastructure",
    "evaluation_observability",
    "security_compliance",
    "agent_ecosystem",
]
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
"""What a threat harms first. credentials: secrets. personal_data: data about people. business_data: documents, records
and conversations. code: source code and releases. money: payments, cost and wallets. host: a machine or shell. systems:
live services and devices. accounts: acting in somebody's name. decisions: what people decide or believe. safety:
people's bodies."""
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
"""What a product is to whoever installs it. mcp-server: a server whose tools an LLM client calls. agent-skill:
instructions that an agent follows. coding-agent, computer-use-agent, browser-agent: an agent that works on code, a
desktop or web pages. assistant: an app that people chat with. voice-agent: agents that talk by voice. agent-framework:
a library to build agents with. agent-platform: a service that builds or runs agents. other: anything else."""
FactorSet = Literal["0.5", "0.8"]
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
FACTORS: Final[tuple[FactorKey, ...]] = get_args(FactorKey)
LAYERS: Final[tuple[LayerKey, ...]] = get_args(LayerKey)
FACTOR_SETS: Final[dict[FactorSet, tuple[FactorKey, ...]]] = {
    "0.5": (
        *("autonomy_of_action", "goal_driven_planning", "self_modification", "dynamic_tool_use", "persistent_memory"),
        *("contextual_awareness", "dynamic_identity", "multi_agent_interactions", "non_determinism"),
        "opacity_reflexivity",
    ),
    "0.8": (
        *("autonomy_of_action", "self_modification", "dynamic_tool_use", "persistent_memory", "contextual_awareness"),
        *("dynamic_identity", "multi_agent_interactions", "non_determinism", "opacity_reflexivity"),
        "natural_language_interface",
    ),
}
FACTOR_TITLES: Final[dict[FactorKey, str]] = {
    "autonomy_of_action": "Autonomy of Action",
    "goal_driven_planning": "Goal-Driven Planning",
    "self_modification": "Self-Modification",
    "dynamic_tool_use": "Dynamic Tool Use",
    "persistent_memory": "Persistent Memory",
    "contextual_awareness": "Contextual Awareness",
    "dynamic_identity": "Dynamic Identity",
    "multi_agent_interactions": "Multi-Agent Interactions",
    "non_determinism": "Non-Determinism",
    "opacity_reflexivity": "Opacity & Reflexivity",
    "natural_language_interface": "Natural Language Interface",
}
LAYER_TITLES: Final[dict[LayerKey, str]] = {
    "foundation_models": "Foundation Models",
    "data_operations": "Data Operations",
    "agent_frameworks": "Agent Frameworks",
    "deployment_infrastructure": "Deployment & Infrastructure",
    "evaluation_observability": "Evaluation & Observability",
    "security_compliance": "Security & Compliance",
    "agent_ecosystem": "Agent Ecosystem",
}
LAYER_CODES: Final[dict[LayerKey, str]] = {key: f"L{n}" for n, key in enumerate(LAYERS, start=1)}
LAYER_SOUGHT: Final[dict[LayerKey, str]] = {
    "foundation_models": "a named LLM, who hosts it, or who chooses it",
    "data_operations": "which data is read, stored and kept, and for how long",
    "agent_frameworks": "the loop or framework that chooses and calls tools, and what bounds it",
    "deployment_infrastructure": "where it runs, under which privileges, and what can reach it",
    "evaluation_observability": "logs, traces, tests or metrics of its own runs",
    "security_compliance": "sign-in, roles, scopes, secret handling or an attestation that names its scope",
    "agent_ecosystem": "other agents, clients, plugins or registries that it works with",
}
"""What the sources have to state for a layer to be certain."""
