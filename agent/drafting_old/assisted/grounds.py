"""What the claims of a proposal allow: of which rank it counts, and by how much it may lower a factor.

    raised for it, or of another matter   ─► at most half a step of the grid, inside the embedded range
    a description of the factor's matter  ─► inside the range; below it from rank 3 on
    a control, rank 3 or more             ─► below the range too, at most what all controls of its rank may take;
                                             of a factor about all actions, when it is said of all of them
    a control, rank 2 or less             ─► nothing

A true sentence that is about something else is the easiest lie: it is found, it carries its claim, and says nothing of
the factor. So code asks of every sentence that is to lower whether it holds a word of the factor's matter.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from agent.drafting_old.assisted.bearing import ANALYST_RANK, bears_on
from agent.drafting_old.assisted.checking import Carried, Shown, carried, words_at
from agent.drafting_old.combine import FREEING_RANK, HALF_STEP
from agent.drafting_old.pack import Place
from agent.drafting_old.pinned import CONTROL_CAPS, controlled, covers_everything
from agent.evidence.claims import is_claim
from agent.evidence.signals import load_signals
from agent.evidence.sorts import classify
from agent.records import FactorEstimate, Rank
from agent.taxonomy.keys import FactorKey

BESIDE: Final = HALF_STEP
"""What quotes that do not speak of the factor's matter may lower at most. Nothing would be
stricter and costs more than it saves: over 22 cases answered without the labels the factor error rises by 0.0014 with
this limit and by 0.0045 without any such lowering."""
WHOLE: Final = 1.0
"""No limit beside the range."""
ABOUT_ALL: Final[frozenset[FactorKey]] = frozenset(("autonomy_of_action", "dynamic_tool_use", "opacity_reflexivity"))
"""Factors about all actions: a control of some of them leaves these where they are."""
_PROMISES: Final = ("control", "assessment")
_ALL: Final = -1.0
"""What a control would take if nothing capped it."""


class Ground(NamedTuple):
    """What stands behind a proposal."""

    rank: Rank | None
    """As it counts; None without a claim that is carried in full."""
    most: float
    """By how much it may lower at most, in factor units."""
    best: Place
    """The quote of the highest rank in it."""
    limit: str = ""
    """What limits it, as a clause; empty without a limit."""


class _Sources(NamedTuple):
    """What all claims of one factor are held against."""

    key: FactorKey
    shown: Shown
    raising: frozenset[int]
    """Statements for which the estimator raised the value."""
    before: float
    taken: float
    """What controls took from the estimate already, 0 or less."""


def standing(claims: Sequence[Carried], shown: Shown) -> Ground:
    """The ground of a proposal that does not lower. Give it one claim at least."""
    places = [place for claim in claims for place in claim.places]
    ranks = [_rank(claim, shown) for claim in claims if claim.state == "claimed"]
    return Ground(max(ranks, default=None), WHOLE, max(places, key=lambda place: place.rank))


def says_so(key: FactorKey, claims: Sequence[Carried], shown: Shown) -> bool:
    """Whether a quote that carries a claim in full speaks of the factor's matter; else the LLM only concludes."""
    return any(
        claim.state == "claimed" and any(_speaks(place, key, shown) for place in claim.places) for claim in claims
    )


def lowering(
    key: FactorKey, estimate: FactorEstimate, before: float, claims: Sequence[Carried], shown: Shown
) -> Ground | None:
    """The ground of a proposal that lowers, the one that reaches furthest; None when nothing of it may lower.

    `before` is the estimate before rounding.
    """
    controls = {signal.id for signal in load_signals().by_id.values() if signal.group == "control"}
    taken = sum(part.effect for part in estimate.parts if part.signal in controls and part.effect < 0)
    sources = _Sources(key, shown, _raising(estimate, shown), before, taken)
    end = min(float(estimate.low), before)

    def reach(ground: Ground) -> tuple[float, int]:
        rank = ground.rank or 0
        return max(0.0 if rank >= FREEING_RANK else end, before - ground.most), -rank

    return min((ground for claim in claims for ground in _grounds(claim, sources)), key=reach, default=None)


def _grounds(claim: Carried, sources: _Sources) -> Iterator[Ground]:
    """What one claim allows by each sort of its quotes that carries it alone."""
    shown, promised = sources.shown, _promises(claim.text)
    controls = {place for place in claim.places if promised or _is_control(place, shown)}
    own = [place for place in claim.places if _is_own(place, sources)]
    pinned = [place for place in own if place.rank >= FREEING_RANK]
    told = [place for place in own if place not in controls]
    strong = [place for place in pinned if place not in controls]
    if claim.state == "claimed":
        if carried(claim.text, strong, shown) == "claimed":
            yield Ground(_highest(strong), WHOLE, _best(strong))
        held = [place for place in pinned if place not in controls or _is_whole(place, sources)]
        if set(held) & controls and carried(claim.text, held, shown) == "claimed":
            yield _capped(held, sources)
    if not isinstance(carried(claim.text, told, shown), tuple):
        yield Ground(_held_down(claim, told), WHOLE, _best(told))
    plain = [place for place in claim.places if place not in controls]
    if not isinstance(carried(claim.text, plain, shown), tuple):
        limit = f"quotes of another matter, or that raised the estimate, lower by {BESIDE} at most"
        yield Ground(_held_down(claim, plain), BESIDE, _best(plain), limit)


def _capped(places: Sequence[Place], sources: _Sources) -> Ground:
    rank = _highest(places)
    most = -controlled(_ALL, rank, before=sources.before, taken=sources.taken)
    limit = f"controls of rank {rank} lower by {CONTROL_CAPS[rank]} at most, all together"
    return Ground(rank, most, _best(places), limit)


def _rank(claim: Carried, shown: Shown) -> Rank:
    """The rank behind a claimed claim.

    A quote of rank 3 or more counts as such only when it and its like carry the claim without the others: otherwise any
    sentence of the documentation, laid beside a slogan, would lift the slogan's rank.
    """
    strong = [place for place in claim.places if place.rank >= FREEING_RANK]
    if strong and carried(claim.text, strong, shown) == "claimed":
        return _highest(strong)
    return _below(_highest(claim.places))


def _held_down(claim: Carried, places: Sequence[Place]) -> Rank | None:
    return _below(_highest(places)) if claim.state == "claimed" else None


def _below(rank: Rank) -> Rank:
    """A rank that does not free."""
    return min(rank, FREEING_RANK - 1)


def _highest(places: Collection[Place]) -> Rank:
    return max(place.rank for place in places)


def _best(places: Sequence[Place]) -> Place:
    return max(places, key=lambda place: place.rank)


def _is_own(place: Place, sources: _Sources) -> bool:
    """Whether a quote speaks of the factor's matter, and is not what the estimator raised the value for."""
    return place.statement not in sources.raising and _speaks(place, sources.key, sources.shown)


def _speaks(place: Place, key: FactorKey, shown: Shown) -> bool:
    return place.rank >= ANALYST_RANK or bears_on(shown.reading.text(place.statement), key)


def _is_whole(place: Place, sources: _Sources) -> bool:
    """Whether a control is said of all that the factor is about."""
    return sources.key not in ABOUT_ALL or covers_everything(sources.shown.reading.text(place.statement))


def _raising(estimate: FactorEstimate, shown: Shown) -> frozenset[int]:
    """The statements for which the estimator raised the value; controls apart, since they name what they control."""
    return frozenset(
        match.statement
        for part in estimate.parts
        if part.signal and part.effect > 0
        for match in shown.reading.matches(part.signal)
        if not match.denied and shown.reading.statements[match.statement].sort != "control"
    )


def _is_control(place: Place, shown: Shown) -> bool:
    """Whether a quote is, or touches, a control or self-assessment.

    The sentence counts and the quoted words by themselves, since one clause of a description can be a promise.
    """
    touched = {
        index
        for index, statement in enumerate(shown.reading.statements)
        if statement.document == place.document and statement.start < place.end and place.start < statement.end
    }
    if _promises(words_at(place, shown.reading)):
        return True
    if any(shown.reading.statements[index].sort in _PROMISES for index in touched):
        return True
    return any(
        match.statement in touched and not match.denied
        for signal in load_signals().by_id.values()
        if signal.group == "control"
        for match in shown.reading.matches(signal.id)
    )


def _promises(text: str) -> bool:
    return classify(text) in _PROMISES or is_claim(text)
