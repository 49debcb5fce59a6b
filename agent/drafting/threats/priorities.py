"""Choose the threats that a draft without an LLM shows: one for each danger that has priority for the kind of product.

The embedded reader finds few facts, and threats chosen from these alone would include several variants of one danger
and omit others that every experienced reader would mention. So one threat is taken from each family
(`recurring/priorities.yaml`): one whose facts are sure, else one that recurs for the kind, else one whose facts are
less sure.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from agent.drafting.threats.candidates import Candidate, triggered
from agent.drafting.threats.catalogue import load_catalogue
from agent.drafting.threats.headline import is_supported
from agent.drafting.wording import firm_facts
from agent.facts.sheet import without
from agent.records import FactSheet
from agent.taxonomy.kinds import ProductKind

FIRM: Final = 0.9
"""If only the embedded reader found a fact, a threat based on it precedes the threats that recur for the kind only if
the fact has at least this confidence."""
SURE_ENOUGH: Final = 6
"""Without an LLM, threats based on weaker facts are shown only if fewer than this many are based on sure facts."""


def firm_ids(sheet: FactSheet, kind: ProductKind) -> frozenset[str]:
    """Return the ids of the catalogue threats whose triggers are met by firm facts alone."""
    soft = [
        fact.id
        for fact in sheet.facts
        if fact.confidence < FIRM and all(source.reader == "embedded" for source in fact.sources)
    ]
    kept = without(sheet, *soft) if soft else sheet
    return triggered(kept, kind)


def borne_out(fired: Sequence[Candidate], sheet: FactSheet, kind: ProductKind) -> tuple[Candidate, ...]:
    """Keep only threats that are based on sure facts, if there are enough of them and one may be the headline.

    Otherwise add threats based on weaker facts, most severe first, until there are enough. Used only without an LLM.
    """
    known = firm_facts(sheet)
    doubtful = [fact.id for fact in sheet.facts if fact.id not in known]
    if not doubtful:
        return tuple(fired)
    sure = triggered(without(sheet, *doubtful), kind)
    rest = sorted((one for one in fired if one.id not in sure), key=lambda one: -one.threat.score.cvss_base)
    led = any(one.id in sure and is_supported(one.threat) for one in fired)
    kept = {one.id for one in rest[: max(SURE_ENOUGH - len(sure), 0 if led else 1)]}
    return tuple(one for one in fired if one.id in sure or one.id in kept)


class Pool(NamedTuple):
    """Threats to choose from, by id."""

    ranked: Sequence[str]
    """All of them, most severe first."""
    firm: Collection[str]
    """The threats that are based on sure facts."""
    bare: Collection[str] = ()
    """Threats that cite nothing."""

    @property
    def preferred(self) -> list[str]:
        """All threats, those based on sure facts first, then those that recur for a kind."""
        recurring = load_catalogue().recurring
        return sorted(self.ranked, key=lambda id_: (id_ not in self.firm, id_ not in recurring))


def families_first(pool: Pool, kind: ProductKind, led: Sequence[str], least: int, most: int) -> list[str]:
    """Choose at most `most` threats, by id, for a kind of product: one from each of its families.

    The threats in `led` are always chosen, and each takes the place of the first family that it belongs to. Threats
    that cite nothing are added only up to a total of `least`.
    """
    order = pool.preferred
    catalogue = load_catalogue()
    families = [catalogue.priorities.families[name] for name in catalogue.priorities.kinds.get(kind, ())]
    chosen = list(led)
    for id_ in led:
        own = next((family for family in families if id_ in family), None)
        families = [family for family in families if family is not own]
    for cited in (True, False):
        for family in list(families):
            found = next((id_ for id_ in order if id_ in family and id_ not in chosen), None)
            if found and (found not in pool.bare) is cited and len(chosen) < (most if cited else least):
                chosen.append(found)
                families.remove(family)
    return chosen


def further_families(pool: Pool, kind: ProductKind, shown: Collection[str], most: int) -> list[str]:
    """Choose at most `most` threats, by id, of the kind's families that have no threat among `shown`."""
    order, priorities = pool.preferred, load_catalogue().priorities
    more: list[str] = []
    for name in priorities.kinds.get(kind, ()):
        family = priorities.families[name]
        if not {*shown, *more} & set(family):
            more += [id_ for id_ in order if id_ in family][:1]
    return more[:most]
