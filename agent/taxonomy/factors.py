"""The AIVSS factors: their keys, titles and sets.

Factor names follow AIVSS 0.5 and the listing directories; `natural_language_interface` is used by AIVSS 0.8 in
place of goal-driven planning. Factors are mapped by name, never by position.
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
FactorSet = Literal["0.5", "0.8"]

FACTORS: Final[tuple[FactorKey, ...]] = get_args(FactorKey)
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
