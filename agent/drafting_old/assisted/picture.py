"""The system picture with an LLM's eyes: parts, abilities and flows that the embedded drafter did not find.

Nothing that is drawn already is changed, but a flow that was assumed gets its quote. A part is added when a quote about
the product names it, letter by letter, and does not deny it; an ability when a quote has its verb and its object. Whose
credential and who approves is told by the same code as for every other ability. Beside that an LLM may say which
approval in a quote belongs to an ability, but only a quote of rank 3 or more, and only one in which that code sees
an approval too.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from agent.drafting_old.actions import load_actions
from agent.drafting_old.assisted.asking import Ask
from agent.drafting_old.assisted.checking import MAX_QUOTES, Shown, carried, cite, place_of, words_at
from agent.drafting_old.assisted.picture_words import (
    KINDS,
    is_thing,
    object_stands,
    part_words,
    side_of,
    stands,
    verb_of,
)
from agent.drafting_old.assisted.proposals import CLAIMS_DROPPED, NOT_ANSWERED, Notes, Proposals
from agent.drafting_old.assisted.shapes import ItemGroup, PictureAbility, PictureAnswer, PictureFlow, PictureItem, Quote
from agent.drafting_old.assisted.threats_wording import unfit
from agent.drafting_old.authority import authorise, find_approvals
from agent.drafting_old.composition import Composition
from agent.drafting_old.doers import condition_of
from agent.drafting_old.gazetteer import load_gazetteer
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.pack import Place
from agent.drafting_old.system_flows import MAX_WHAT
from agent.drafting_old.system_parts import MAX_CHARS, readable
from agent.evidence.signals import is_denied
from agent.records import Capability, Dropped, Flow, MadeBy, State, System, SystemItem

PART: Final = "system"
"""As the draft names this part."""
STAGE: Final = "picture"
SIGNAL: Final = "proposed"
"""What stands for the signal of an ability that an LLM proposed: no catalogue pattern, factor or weight knows it."""
MAX_PARTS: Final = 25
"""Parts that a picture of the report has room for."""
MAX_ABILITIES: Final = 14
"""Abilities in one picture; those that a quote denies are not counted."""
MAX_ROWS: Final = 12
"""Rows of each list of an answer that are read."""
MAX_TOLD: Final = 10
"""Abilities that an LLM is told of."""
COUNTED_RANK: Final = 3
"""From this rank what a quote says of an approval counts."""
MAX_NAME_WORDS: Final = 6
"""A longer name is a sentence."""
MAX_DATA: Final = 3
_LETTERS: Final[dict[ItemGroup, str]] = {"actor": "A", "component": "P", "store": "S", "service": "X"}


class _Row(NamedTuple):
    """The quotes of one row that hold."""

    places: tuple[Place, ...]
    quotes: tuple[str, ...]


def asks(interim: Composition) -> tuple[Ask[PictureAnswer], ...]:
    """The question for what the picture lacks."""
    system = interim.system
    drawn = "\n".join(
        f"{group}: {'; '.join(names)}" for group, items in _groups(system).items() if (names := _tellable(items))
    )
    able = [f"{c.action} {c.object}" for c in system.capabilities if c.state not in ("denied", "unknown")]
    told = "; ".join(text for text in able[:MAX_TOLD] if unfit(text, 2 * MAX_CHARS, (text,)) is None)
    kinds = "\n".join(f"  {group}: {', '.join(sorted(kinds))}" for group, kinds in KINDS.items())
    values = {"drawn": drawn or "none", "able": told or "nothing yet", "kinds": kinds}
    return (Ask(STAGE, STAGE, values, PictureAnswer),)


def drawn(system: System, proposals: Proposals, ledger: Ledger) -> tuple[System, Notes]:
    """The picture with what holds of an LLM's answer, and what is to be told of it."""
    answer = proposals.picture
    if answer is None:
        missing = proposals.missing.get(PART, NOT_ANSWERED)
        return system, Notes(made=(MadeBy(part=PART, by="embedded", missing=missing),))
    drawer = _Drawer(system, proposals.shown, ledger)
    for number, item in enumerate(answer.items[:MAX_ROWS], start=1):
        drawer.item(number, item)
    for number, ability in enumerate(answer.abilities[:MAX_ROWS], start=1):
        drawer.ability(number, ability)
    for number, flow in enumerate(answer.flows[:MAX_ROWS], start=1):
        drawer.flow(number, flow)
    if drawer.count:
        made = MadeBy(part=PART, by="both")
    else:
        made = MadeBy(part=PART, by="embedded", missing=CLAIMS_DROPPED if drawer.dropped else NOT_ANSWERED)
    return drawer.system(), Notes(made=(made,), dropped=tuple(drawer.dropped))


def _groups(system: System) -> dict[ItemGroup, tuple[SystemItem, ...]]:
    return {
        "actor": system.actors,
        "component": system.components,
        "store": system.stores,
        "service": system.services,
    }


def _tellable(items: Sequence[SystemItem]) -> list[str]:
    """Names that are plain words: others are left out, since this part of a prompt is not marked as material."""
    return [item.name for item in items if unfit(item.name, MAX_CHARS, (item.name,)) is None]


class _Drawer:
    """A picture to which rows of an answer are added."""

    def __init__(self, system: System, shown: Shown, ledger: Ledger) -> None:
        self.dropped: list[Dropped] = []
        self.count = 0
        """Rows that were taken."""
        self._before, self._shown, self._ledger = system, shown, ledger
        self._reading = shown.reading
        self._items = {group: list(items) for group, items in _groups(system).items()}
        self._abilities = list(system.capabilities)
        self._flows = list(system.flows)
        self._boundaries = list(system.boundaries)

    def system(self) -> System:
        """The picture as it is now."""
        return self._before.model_copy(
            update={
                "actors": tuple(self._items["actor"]),
                "components": tuple(self._items["component"]),
                "stores": tuple(self._items["store"]),
                "services": tuple(self._items["service"]),
                "flows": tuple(self._flows),
                "boundaries": tuple(self._boundaries),
                "capabilities": tuple(self._abilities),
            }
        )

    # ------------------------------------------------------------ parts

    def item(self, number: int, said: PictureItem) -> None:
        """Add a part, or list it with the reason."""
        row = self._row(said.quotes)
        fault = row if isinstance(row, str) else self._item_fault(said, row)
        if isinstance(row, str) or fault:
            self._drop("part", number, fault or "")
            return
        items = self._items[said.group]
        made = SystemItem(
            id=_next(_LETTERS[said.group], [item.id for item in items]),
            name=_named(said),
            kind=said.kind,
            state="claimed",
            evidence=cite(row.places, self._shown, self._ledger),
        )
        self._enclose(said.group, made)
        items.append(made)
        self.count += 1

    def _enclose(self, group: ItemGroup, made: SystemItem) -> None:
        """Put a part into the boundary in which all others like it are; into none when they are in several."""
        like = {item.id for item in self._items[group] if side_of(group, item.kind) == side_of(group, made.kind)}
        around = [n for n, b in enumerate(self._boundaries) if like & set(b.members)]
        if len(around) == 1 and like <= set(self._boundaries[around[0]].members):
            old = self._boundaries[around[0]]
            self._boundaries[around[0]] = old.model_copy(update={"members": (*old.members, made.id)})

    def _item_fault(self, said: PictureItem, row: _Row) -> str | None:
        name = _named(said)
        if said.kind not in KINDS[said.group]:
            return f"its kind is none of those of its group, {said.group}"
        if fault := unfit(name, MAX_CHARS, row.quotes):
            return f"its name: {fault}"
        if len(name.split()) > MAX_NAME_WORDS:
            return f"its name has more than {MAX_NAME_WORDS} words"
        if not is_thing(name):
            return "its name is no thing"
        if not any(self._names(place, name) for place in row.places):
            return "no quote names it letter by letter, or the quote denies it"
        words = part_words(name)
        known = [*self._shown.known, *(item.name for items in self._items.values() for item in items)]
        if not words:
            return "its name says nothing"
        if any(words == part_words(other) for other in known):
            return "it is drawn already"
        if sum(map(len, self._items.values())) >= MAX_PARTS:
            return f"{MAX_PARTS} parts are drawn already"
        return None

    def _names(self, place: Place, name: str) -> bool:
        """Whether the words at a place name something, and their sentence does not deny it."""
        text = self._reading.document(place.document).text
        pattern = r"(?<!\w)" + r"\s+".join(map(re.escape, name.split())) + r"(?:s|es)?(?!\w)"
        return any(
            not self._denied(place.statement, place.start + match.start(), place.start + match.end())
            for match in re.finditer(pattern, text[place.start : place.end], re.I)
        )

    def _denied(self, index: int, start: int, end: int) -> bool:
        statement = self._reading.statements[index]
        first, last = max(start, statement.start) - statement.start, min(end, statement.end) - statement.start
        return is_denied(statement.text, first, max(last, first))

    # ------------------------------------------------------------ abilities

    def ability(self, number: int, said: PictureAbility) -> None:
        """Add an ability, or list it with the reason."""
        row = self._row(said.quotes)
        state = row if isinstance(row, str) else self._ability_state(said, row)
        if isinstance(row, str) or state not in ("claimed", "inferred"):
            self._drop("ability", number, state)
            return
        action, acted_on = _tidy(said.action).lower(), _tidy(said.object)
        known = load_actions().meaning(verb_of(action), acted_on.lower().split())
        texts = [self._reading.text(place.statement) for place in row.places]
        plain = Capability(
            id=_next("C", [ability.id for ability in self._abilities]),
            signal=SIGNAL,
            action=action,
            object=acted_on,
            mode=known.mode if known else said.mode,
            credential=None,
            approver=None,
            data=load_gazetteer().data_classes(acted_on, MAX_DATA),
            state="claimed" if state == "claimed" else "inferred",
            evidence=cite(row.places, self._shown, self._ledger),
            condition=next(filter(None, map(condition_of, texts)), None),
        )
        (authorised,) = authorise([plain], self._reading, self._ledger)
        if authorised.approver is not None and not said.approver.strip():
            # Whose approval it is was matched by words, for an ability that code did not find itself: not enough.
            authorised = authorised.model_copy(
                update={"approver": None, "approver_state": None, "approver_evidence": ()}
            )
        self._abilities.append(self._with_approver(number, said, row, self._with_credential(said, row, authorised)))
        self.count += 1

    def _ability_state(self, said: PictureAbility, row: _Row) -> State | str:
        """claimed or inferred, else why the ability is dropped."""
        action, acted_on = _tidy(said.action).lower(), _tidy(said.object)
        for name, text in (("action", action), ("object", acted_on)):
            if fault := unfit(text, MAX_CHARS, row.quotes):
                return f"its {name}: {fault}"
        if not re.fullmatch(r"[a-z]+(?:[ -][a-z]+){0,2}", action) or not is_thing(acted_on):
            return "its action is no verb, or its object no thing"
        if not object_stands(acted_on, row.quotes) or isinstance(carried(action, row.places, self._shown), tuple):
            return "no quote has both its verb and its object"
        state = carried(f"It {action} {acted_on}", row.places, self._shown)
        if isinstance(state, tuple):
            return ": ".join(filter(None, state))
        words = part_words(acted_on)
        same = [part_words(a.object) for a in self._abilities if verb_of(action) in _verbs(a)]
        if any(words <= other or other <= words for other in same):
            return "it is told already"
        if sum(ability.state != "denied" for ability in self._abilities) >= MAX_ABILITIES:
            return f"{MAX_ABILITIES} abilities are told already"
        return state

    def _with_credential(self, said: PictureAbility, row: _Row, item: Capability) -> Capability:
        """The credential in the words of the ability's own quote, where code found none that is named there."""
        words = _tidy(said.credential)
        found = item.credential_state in ("claimed", "denied")
        if not words or found or unfit(words, MAX_CHARS, row.quotes) or not stands(words, row.quotes):
            return item
        holders = [
            p for p in row.places if stands(words, (words_at(p, self._reading),)) and not self._without(p, words)
        ]
        if not holders:
            return item
        marks = cite(holders, self._shown, self._ledger)
        return item.model_copy(
            update={"credential": words, "credential_state": "claimed", "credential_evidence": marks}
        )

    def _without(self, place: Place, words: str) -> bool:
        """Whether the quote says that it is not used ("needs no API key")."""
        last = words.split()[-1]
        text = self._reading.document(place.document).text[place.start : place.end]
        found = re.search(rf"(?<!\w){re.escape(last)}", text, re.I)
        at = place.start + found.start() if found else place.start
        return self._denied(place.statement, at, at + len(last))

    def _with_approver(self, number: int, said: PictureAbility, row: _Row, item: Capability) -> Capability:
        """The approver that code finds in a quote of rank 3 or more which the LLM gave for this ability.

        Code says that there is an approval and who is asked; the LLM says only that it belongs to this ability.
        """
        if not said.approver.strip() or item.approver_state is not None or item.mode == "read":
            return item
        grounds = {place.statement: place for place in row.places if place.rank >= COUNTED_RANK}
        approvals = find_approvals(self._reading)
        approval = next((a for a in approvals if a.statement in grounds and a.who is not None), None)
        if approval is None or approval.who is None or any(a.who is None for a in approvals):
            reason = f"no quote of rank {COUNTED_RANK} or more says who is asked, or another says that nobody is"
            self._drop("approver of ability", number, reason)
            return item
        marks = (self._ledger.cite(approval.statement, approval.start, approval.end),)
        who = approval.who if approval.sure else f"{approval.who}, where set up so"
        return item.model_copy(update={"approver": who, "approver_state": "inferred", "approver_evidence": marks})

    # ------------------------------------------------------------ flows

    def flow(self, number: int, said: PictureFlow) -> None:
        """Add a flow, or list it with the reason."""
        row = self._row(said.quotes)
        ends = self._ends(said)
        fault = row if isinstance(row, str) else self._flow_fault(said, row, ends)
        if isinstance(row, str) or ends is None or fault:
            self._drop("flow", number, fault or "it begins or ends at no part of the picture")
            return
        source, target = ends
        made = Flow(
            source=source.id,
            target=target.id,
            what=_tidy(said.what),
            state="claimed",
            evidence=cite(row.places, self._shown, self._ledger),
        )
        assumed = next((n for n, f in enumerate(self._flows) if _joins(f, ends) and not f.evidence), None)
        if assumed is None:
            self._flows.append(made)
        else:
            self._flows[assumed] = made
        self.count += 1

    def _ends(self, said: PictureFlow) -> tuple[SystemItem, SystemItem] | None:
        by_words = {part_words(item.name): item for items in self._items.values() for item in items}
        source, target = by_words.get(part_words(said.source)), by_words.get(part_words(said.target))
        return (source, target) if source is not None and target is not None and source is not target else None

    def _flow_fault(self, said: PictureFlow, row: _Row, ends: tuple[SystemItem, SystemItem] | None) -> str | None:
        what = _tidy(said.what)
        if ends is None:
            return "it begins or ends at no part of the picture"
        if fault := unfit(what, MAX_WHAT, row.quotes):
            return f"what flows: {fault}"
        verdict = carried(what, row.places, self._shown)
        if not is_thing(what) or not object_stands(what, row.quotes) or isinstance(verdict, tuple):
            return "the quotes do not say what flows"
        marks = set()
        for end in ends:
            marks = {m for m in end.evidence if self._quotes_it(m, row)}
            if end.kind != "product" and not marks and not any(self._names(p, end.name) for p in row.places):
                return "the quotes do not name where it begins and ends"
        if any(_joins(flow, ends) and flow.evidence for flow in self._flows):
            return "a flow between the two is drawn already"
        return None

    def _quotes_it(self, mark: str, row: _Row) -> bool:
        """Whether an evidence that names a part is in the same sentence as one of the quotes."""
        quote = self._ledger.quote(mark)
        return any(quote in self._reading.text(place.statement) for place in row.places)

    # ------------------------------------------------------------ quotes

    def _row(self, quotes: Sequence[Quote]) -> _Row | str:
        """The places of a row's quotes, all of which must be found in sentences that may tell of the product."""
        outcomes = [place_of(quote, self._shown) for quote in quotes[:MAX_QUOTES]]
        places = tuple(dict.fromkeys(outcome for outcome in outcomes if isinstance(outcome, Place)))
        fault = next((outcome for outcome in outcomes if isinstance(outcome, str)), None)
        if fault is not None or not places:
            return fault or "it has no quote"
        statements = [self._reading.statements[place.statement] for place in places]
        if any(place.about != "product" for place in places) or not all(map(readable, statements)):
            return "a quote is not a sentence that tells of the product"
        return _Row(places, tuple(words_at(place, self._reading) for place in places))

    def _drop(self, what: str, number: int, reason: str) -> None:
        self.dropped.append(Dropped(what=f"{what} of the LLM, {PART}: number {number}", reason=reason))


def _named(said: PictureItem) -> str:
    """The name of a part without an article."""
    return re.sub(r"^(?:the|an?) ", "", _tidy(said.name), flags=re.I)


def _tidy(text: str) -> str:
    return " ".join(text.split()).rstrip(" .;,:")


def _joins(flow: Flow, ends: tuple[SystemItem, SystemItem]) -> bool:
    return (flow.source, flow.target) == (ends[0].id, ends[1].id)


def _verbs(ability: Capability) -> set[str]:
    return {verb_of(verb) for verb in re.split(r", | and ", ability.action)}


def _next(letter: str, taken: Sequence[str]) -> str:
    """The id behind the highest one of its letter."""
    return f"{letter}{max(_numbers(letter, taken), default=0) + 1}"


def _numbers(letter: str, ids: Sequence[str]) -> Iterator[int]:
    return (int(identifier[1:]) for identifier in ids if re.fullmatch(rf"{letter}\d+", identifier))
