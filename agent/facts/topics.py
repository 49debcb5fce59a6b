"""The search topics for documentation: the keys of the vocabulary by group."""

from functools import lru_cache

from agent.facts.vocabulary import Vocabulary, load_vocabulary
from agent.retrieval.shown import Topic


def topics(vocabulary: Vocabulary | None = None) -> tuple[Topic, ...]:
    """Return one topic per key, in the order of the vocabulary: its definition and examples, under its group.

    Such texts find more than questions do, because they use the wording of documentation.
    """
    return _bundled() if vocabulary is None else _topics(vocabulary)


@lru_cache(maxsize=1)
def _bundled() -> tuple[Topic, ...]:
    return _topics(load_vocabulary())


def _topics(vocabulary: Vocabulary) -> tuple[Topic, ...]:
    return tuple(
        Topic(id=key.id, group=key.group, text=" ".join((key.definition, *key.examples))) for key in vocabulary
    )
