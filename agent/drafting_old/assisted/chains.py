"""Chains of threats that an LLM proposes: which threats make one another possible, with a quote for every hop.

    chain of ids ── known threats, none twice, no longer chain holds it ── each hop quoted ── two layers ─► Chain

A hop is quoted when passages about the product hold its quotes and these share words with the threat that it leads to.
A hop without such a quote ends the chain. The title is the LLM's when its words are those of several threats and the
quotes, else it is made from the titles of the first and the last threat.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from agent.drafting_old.assisted.asking import Ask
from agent.drafting_old.assisted.checking import Shown, cite, place_of, words_at
from agent.drafting_old.assisted.proposals import NOT_ANSWERED, Notes, Proposals
from agent.drafting_old.assisted.shapes import ChainItem, ChainsAnswer, ChainStep
from agent.drafting_old.assisted.threats_wording import stems
from agent.drafting_old.assisted.words import shortened, unfit, word_count
from agent.drafting_old.chains import MAX_CHAINS
from agent.drafting_old.composition import Composition, Placed
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.pack import Place
from agent.evidence.facts import foreign
from agent.evidence.support import support
from agent.records import Chain, Dropped, Hop, MadeBy, Missing
from agent.taxonomy.keys import LAYER_CODES, LAYERS

MIN_STEPS: Final = 2
MAX_STEPS: Final = 4
MIN_LAYERS: Final = 2
MAX_TITLE_WORDS: Final = 12
MIN_TITLE_WORDS: Final = 3
MAX_READ: Final = 6
"""Chains of one answer; what follows is not read."""
MAX_HOP_QUOTES: Final = 3
"""Quotes of one hop; what follows is not read."""
MIN_SHARED: Final = 2
"""Different content words that the quotes of a hop share with the threat that it leads to. On every fourth bundled case
87 % of the catalogue's hops do (97 % share one), and 14 % of quotes taken at random (41 %)."""
_DANGLING: Final = re.compile(r"\b(?:an?|the|and|or|of|to|in|on|at|for|with|from|by|as|than|that|its|'s|’s)$", re.I)
"""At the end of a title that was cut off."""
_LINKING: Final = "leads lead to from through over via into by then after chain path step way end start become turn"
"""Words with which a title links what it names."""
_FAULTY: Final = Missing(reason="claims-dropped", detail="no chain of the LLM held")
_TOO_FEW: Final = Missing(reason="not-answered", detail="fewer than two layers have threats, so the LLM was not asked")


class _Link(NamedTuple):
    """One hop that holds."""

    threat: str
    places: tuple[Place, ...]


class _Kept(NamedTuple):
    """One chain that holds, before it cites anything."""

    ids: tuple[str, ...]
    links: tuple[_Link, ...]
    """From each threat to the next."""
    title: str


def asks(interim: Composition, placed: Sequence[Placed]) -> tuple[Ask[ChainsAnswer], ...]:
    """The call for chains over the embedded draft's threats and those in `placed`; none when they lie in one layer."""
    known = _known([Placed(key, t) for key, layer in interim.layers.items() for t in layer.threats], placed)
    if len({row.layer for row in known.values()}) < MIN_LAYERS:
        return ()
    rows = sorted(known.values(), key=lambda row: LAYERS.index(row.layer))
    lines = [f"{_with_layer(row)}: {row.threat.title}" for row in rows]
    return (Ask("chains", "chains", {"threats": "\n".join(lines)}, ChainsAnswer),)


def linked(
    found: tuple[Chain, ...], threats: Sequence[Placed], proposals: Proposals, ledger: Ledger
) -> tuple[tuple[Chain, ...], Notes]:
    """The catalogue's chains, then those of the LLM that hold, at most four together.

    `threats` are all threats of the draft; no other id enters a chain.
    """
    known = _known(threats)
    answer = proposals.chains
    if answer is None:
        asked = len({row.layer for row in known.values()}) >= MIN_LAYERS
        why = proposals.missing.get("chains", NOT_ANSWERED if asked else _TOO_FEW)
        return found, Notes((MadeBy(part="chains", by="embedded", missing=why),))
    made = list(found)
    lost: list[Dropped] = []
    for item in answer.chains[:MAX_READ]:
        kept, cut = _checked(item, known, proposals.shown)
        lost += [_refused(item, cut)] if cut else []
        if kept is None:
            continue
        if any(_holds(chain.threats, kept.ids) for chain in made):
            lost.append(_refused(item, "a chain that is there holds it"))
        elif len(made) >= MAX_CHAINS:
            lost.append(_refused(item, f"at most {MAX_CHAINS} chains are shown"))
        else:
            made.append(_chain(kept, made, known, proposals.shown, ledger))
    dropped = tuple(dict.fromkeys(lost))
    if len(made) == len(found):
        why = _FAULTY if answer.chains else NOT_ANSWERED
        return found, Notes((MadeBy(part="chains", by="embedded", missing=why),), dropped)
    return tuple(made), Notes((MadeBy(part="chains", by="both" if found else "llm"),), dropped)


def _known(*groups: Sequence[Placed]) -> dict[str, Placed]:
    return {row.threat.id: row for group in groups for row in group}


def _with_layer(row: Placed) -> str:
    """The id, with the layer's code where the id does not begin with it."""
    code = LAYER_CODES[row.layer]
    return row.threat.id if row.threat.id.startswith(f"{code}-") else f"{row.threat.id} ({code})"


def _checked(item: ChainItem, known: Mapping[str, Placed], shown: Shown) -> tuple[_Kept | None, str]:
    """What of a chain holds, and why the rest of it does not."""
    ids = [step.threat for step in item.steps]
    if not MIN_STEPS <= len(ids) <= MAX_STEPS:
        return None, f"not of {MIN_STEPS} to {MAX_STEPS} threats"
    if unknown := [key for key in ids if key not in known]:
        return None, f"no threat of this draft: {shortened(', '.join(unknown))}"
    if len(set(ids)) < len(ids):
        return None, "names a threat twice"
    if doubtful := [key for key in ids if known[key].threat.state == "contradicted"]:
        return None, f"the sources disagree on {', '.join(doubtful)}"
    links: list[_Link] = []
    cut = ""
    for step in item.steps[1:]:
        before = known[links[-1].threat if links else ids[0]]
        places, fault = _quoted(step, before, known[step.threat], shown)
        if not places:
            cut = f"no quote for the step to {step.threat}: {fault}"
            break
        links.append(_Link(step.threat, places))
    held = tuple(ids[: len(links) + 1])
    if len({known[key].layer for key in held}) < MIN_LAYERS:
        return None, cut or f"fewer than {MIN_LAYERS} layers"
    # A title speaks of the whole chain, so it does not fit what is left of one.
    return _Kept(held, tuple(links), "" if cut else item.title), cut


def _quoted(step: ChainStep, source: Placed, target: Placed, shown: Shown) -> tuple[tuple[Place, ...], str]:
    """The places that carry a hop from `source` to `target`; without one, what is wrong with the last quote.

    Each quote speaks of the second threat, and together they share enough words with the two.
    """
    own_names = stems(" ".join(shown.known))
    wanted = stems(_told(target)) - own_names
    both = wanted | (stems(_told(source)) - own_names)
    places: list[Place] = []
    shared: set[str] = set()
    fault = "none was given"
    for quote in step.quotes[:MAX_HOP_QUOTES]:
        place = place_of(quote, shown)
        if not isinstance(place, Place):
            fault = place
        elif place.about != "product":
            fault = "quote about another product"
        elif (said := stems(_sentence(place, shown))) & wanted:
            places.append(place)
            shared |= said & both
        else:
            fault = "the quote does not speak of that threat"
    if places and len(shared) < MIN_SHARED:
        return (), "the quote hardly speaks of that threat"
    return tuple(dict.fromkeys(places)), fault


def _sentence(place: Place, shown: Shown) -> str:
    """What the draft will cite for a quote: the sentence that holds most of it."""
    return shown.reading.text(place.statement)


def _told(row: Placed) -> str:
    parts = row.threat.statement
    return " ".join((row.threat.title, parts.source, parts.prerequisite, parts.action, parts.impact, parts.asset))


def _holds(longer: Sequence[str], ids: Sequence[str]) -> bool:
    """Whether `ids` stand in `longer` one after another."""
    size = len(ids)
    return any(tuple(longer[at : at + size]) == tuple(ids) for at in range(len(longer) - size + 1))


def _chain(kept: _Kept, made: Sequence[Chain], known: Mapping[str, Placed], shown: Shown, ledger: Ledger) -> Chain:
    hops = tuple(
        Hop(source=source, target=link.threat, evidence=cite(link.places, shown, ledger))
        for source, link in zip(kept.ids, kept.links, strict=False)
    )
    return Chain(title=_title(kept, [c.title for c in made], known, shown), threats=kept.ids, hops=hops)


def _title(kept: _Kept, taken: Sequence[str], known: Mapping[str, Placed], shown: Shown) -> str:
    """The LLM's title when it holds and is new, else one of the threats' titles."""
    titles = [known[key].threat.title for key in kept.ids]
    quotes = [words_at(place, shown.reading) for link in kept.links for place in link.places]
    own = " ".join(kept.title.split()).rstrip(".")
    if _title_holds(own, [*titles, *quotes], shown.known) and own.casefold() not in {t.casefold() for t in taken}:
        return own[:1].upper() + own[1:]
    return f"“{titles[0]}” leads to “{titles[-1]}”"


def _title_holds(title: str, sources: Sequence[str], known: Sequence[str]) -> bool:
    if not MIN_TITLE_WORDS <= word_count(title) <= MAX_TITLE_WORDS or any(mark in title for mark in ".?!;:"):
        return False
    if unfit(title, "\n".join(sources)) or foreign(title, sources, known) or _DANGLING.search(title):
        return False
    if any(title.casefold() in source.casefold() for source in sources):
        return False
    carried = support(title, [*sources, _LINKING], known)
    return carried.score == 1 and carried.verdict != "contradicted"


def _refused(item: ChainItem, why: str) -> Dropped:
    return Dropped(
        what=f"chain of the LLM, chains: {shortened(' → '.join(step.threat for step in item.steps))}", reason=why
    )
