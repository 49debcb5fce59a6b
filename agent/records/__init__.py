"""All records that packages pass to one another.

Records are frozen and reject unknown keys; each field's docstring describes its content and unit. Lists are
tuples. Numbers that belong to a score are exact decimals in memory and JSON numbers on disk. `draft.json` is
`Draft.model_dump(mode="json", by_alias=True)`; reading one back is `Draft.model_validate`.
"""

from agent.records.base import *  # noqa: F403
from agent.records.draft import *  # noqa: F403
from agent.records.evidence import *  # noqa: F403
from agent.records.facts import *  # noqa: F403
from agent.records.scores import *  # noqa: F403
from agent.records.sources import *  # noqa: F403
from agent.records.threats import *  # noqa: F403
