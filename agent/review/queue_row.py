"""What the queue shows of a review, from its state. Pure."""

from collections import Counter
from typing import Final

from agent.review.decisions import score_words
from agent.review.records import ReviewState, Verdict
from agent.review.rescore import shown
from agent.review.stored import QueueColumns

_TOLD: Final[tuple[Verdict, ...]] = ("corrected", "struck", "answered", "sent", "waived", "confirmed")


def queue_columns(state: ReviewState) -> QueueColumns:
    """The columns of a review in the queue."""
    draft = state.reviewed
    return QueueColumns(
        score=shown(draft.score),
        open=len(state.open),
        items=len(state.items),
        uncertain=sum(not layer.certain for layer in draft.layers.values()),
        contested=sum(contest.decision == "open" for contest in state.contests),
        stage=state.stage,
        assigned=state.assigned,
        changed=changed_words(state),
        search=" ".join((draft.id, *(source.url for source in draft.sources[:1]))),
    )


def changed_words(state: ReviewState) -> str:
    """What changed since the draft came in, or since it was made again: verdicts counted, and the score's way."""
    counted = Counter(one.verdict for one in state.items)
    told = [f"{counted[verdict]} {verdict}" for verdict in _TOLD if counted[verdict]]
    was, now = score_words(shown(state.drafted.score)), score_words(shown(state.reviewed.score))
    if was != now:
        told.append(f"{was} → {now}")
    return ", ".join(told)
