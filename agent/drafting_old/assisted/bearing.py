"""Which sentences bear on which factor, so that one of them does not lower all values.

Every documentation has a sentence that names a setting with its default, scope and owner. An LLM that is careless, or
obeys a page, could lay that one beside all eleven factors and propose 0 for each; a liar does the same with any true
sentence. So code asks what a sentence is about: it must hold a word of the factor's own matter. "Audit logging … is on
by default" says nothing of memory.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from agent.records import Rank
from agent.taxonomy.keys import FactorKey

ANALYST_RANK: Final[Rank] = 5
"""An analyst's note is of this deployment and by no vendor: it may bear on a factor in any words."""
_COUNT: Final = r"(?:single|sole|only|one|two|three|four|five|six|seven|eight|nine|ten|\d+)"
_TOOL: Final = r"(?:tools?|connectors?|plugins?|functions?)(?! calls?\b)"
_LISTED: Final = r"(?:enabled?|disabled?|allow(?:ed)?|permit(?:ted)?|listed|available|fixed|chosen)"
MATTER: Final[Mapping[FactorKey, str]] = MappingProxyType({
    "autonomy_of_action": r"approv\w*|confirm\w*|consent\w*|sign[ -]?offs?|accepts?|acceptance|read[ -]only"
    r"|only (?:lists?|reads?|returns?)|dry[ -]runs?|unattended|autonom\w*|schedul\w*|manual(?:ly)?"
    r"|(?:human|person)[ -]in[ -]the[ -]loop",
    "goal_driven_planning": r"plans?|planning|planner|workflows?|goals?|steps?|iterations?|loops?|tasks?",
    "self_modification": r"learn\w*|train\w*|fine[ -]tun\w*|self[ -]\w+|pinned|updates?|upgrades?|versions?|skills?",
    "dynamic_tool_use": rf"allow[ -]?list\w*|white[ -]?list\w*|tool ?sets?|read[ -]only"
    rf"|{_COUNT} (?:\w+ ){{0,2}}{_TOOL}|{_LISTED} (?:\w+ ){{0,3}}{_TOOL}|{_TOOL} (?:\w+ ){{0,3}}{_LISTED}",
    "persistent_memory": r"memor(?:y|ies)|retain\w*|retention|histor(?:y|ies)|stored?|stores|storage|keeps?"
    r"|kept (?:for|in|on|until|across)|stateless|purged?|sessions?|conversations?",
    "contextual_awareness": r"(?<!model )contexts?|documents?|files?|folders?|director(?:y|ies)|repositor(?:y|ies)"
    r"|uploads?|read[ -]only|mailbox(?:es)?|sees",
    "dynamic_identity": r"tokens?|credentials?|scopes?|scoped|roles?|permissions?|oauth|api keys?|identit(?:y|ies)"
    r"|service accounts?|sso|sign[ -]in|authenticat\w*|least[ -]privilege",
    "multi_agent_interactions": r"sub-?agents?|(?:other|several|more|many|single|one|between|calling) agents?"
    r"|delegat\w*|hand[ -]?offs?|a2a|orchestrat\w*|peers?",
    "non_determinism": r"determinis\w*|temperature|seeds?|sampling|templates?|rules?",
    "opacity_reflexivity": r"log(?:s|ged|ging)?|audit\w*|trac(?:e|es|ed|ing)|explain\w*|explanations?|monitor\w*"
    r"|record(?:s|ed)?|previews?|diffs?|dashboards?",
    "natural_language_interface": r"prompts?|chats?|natural language|voice|forms?|command line|cli|parameters?",
})  # fmt: skip
"""Words of each factor's matter, one of which a sentence must hold."""
_MATTER: Final = {key: re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE) for key, words in MATTER.items()}


def bears_on(text: str, key: FactorKey) -> bool:
    """Whether a sentence has a word of the factor's matter; names such as `approval.required` are read as words."""
    return _MATTER[key].search(re.sub(r"[._]", " ", text)) is not None
