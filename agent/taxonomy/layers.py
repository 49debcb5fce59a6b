"""The seven MAESTRO layers: their keys, titles and codes, and what makes a layer certain."""

from typing import Final, Literal, get_args

LayerKey = Literal[
    "foundation_models",
    "data_operations",
    "agent_frameworks",
    "deployment_infrastructure",
    "evaluation_observability",
    "security_compliance",
    "agent_ecosystem",
]

LAYERS: Final[tuple[LayerKey, ...]] = get_args(LayerKey)
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
    "foundation_models": "which LLM it uses, who hosts it, or who chooses it",
    "data_operations": "which data it reads and stores, and for how long",
    "agent_frameworks": "the loop or framework that chooses and calls tools, and what limits it",
    "deployment_infrastructure": "where it runs, with which privileges, and who can reach it",
    "evaluation_observability": "logs, traces, tests or metrics of its own runs",
    "security_compliance": "sign-in, roles, scopes, secret handling or an attestation that states its scope",
    "agent_ecosystem": "other agents, clients, plugins or registries that it works with",
}
"""What the sources must state for a layer to be certain."""
