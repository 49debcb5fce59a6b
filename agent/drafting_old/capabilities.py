"""Capabilities: the deeds of all statements, merged, weighed and cited."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from agent.drafting_old.actions import Actions, load_actions
from agent.drafting_old.deeds import Deed, deeds
from agent.drafting_old.doers import doer_of
from agent.drafting_old.gazetteer import load_gazetteer
from agent.drafting_old.inflection import NOUN_LIKE, singular, third_person
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.phrases import DETERMINERS, tokens
from agent.evidence.reading import Reading
from agent.records import Capability, State, Statement

MAX_CAPABILITIES: Final = 14
_MAX_PER_SIGNAL: Final = 3
_MAX_LIGHT: Final = 2
_LIGHT_WEIGHT: Final = 45
"""Signals up to this weight get fewer places."""
_MAX_DENIED: Final = 2
_DENIED_WEIGHT: Final = 50
_MAX_QUOTES: Final = 2
_MAX_VERBS: Final = 2
_PALE_VERBS: Final = frozenset({"gets", "accesses", "opens", "looks", "uses"})
"""Verbs that add nothing beside another one."""
_MAX_DATA: Final = 3
_DATA_REACH: Final = 60
"""Characters behind a deed in which its clause may name data."""
_OVERLAP: Final = 0.5
_REMEMBERED: Final = 1024
"""Statements whose deeds are kept."""
_STOP_WORDS: Final = DETERMINERS | {"and", "of", "or", "new", "other"}
_CLAUSE_END: Final = re.compile(r"[;:.](?:\s|$)|, (?:and|which|while|but) ")


class Found(NamedTuple):
    """A capability before it is cited, with the deeds that show it."""

    deed: Deed
    also: tuple[Deed, ...]
    """Further deeds of the same meaning, affirmed."""
    against: tuple[Deed, ...]
    """Deeds of the same meaning that a sentence denies."""


def usable(statement: Statement) -> bool:
    """Whether drafting may read a statement as a description of the product."""
    return statement.about == "product" and not statement.flagged and statement.sort == "description"


def find(reading: Reading, name: str, *, named_calls: bool = True) -> tuple[Found, ...]:
    """What the product can do, gravest first, at most 14 and two that are denied.

    `named_calls`: names such as `update_cells` are tools that it offers; of a framework they are functions that a
    developer calls, which say nothing of what an agent does.
    """
    actions = load_actions()
    own = frozenset(word.low for word in tokens(name))
    told = [d for n, s in enumerate(reading.statements) if usable(s) for d in _deeds(n, s, own)]
    if not named_calls:
        told = [d for d in told if d.sort != "tool"]
    plain = {(d.signal, _on_listing(d, reading)) for d in told if not d.denied and d.sort != "user"}
    told = [d for d in told if d.sort != "user" or plain.isdisjoint(_also_told(d, reading))]
    told += _from_signals(reading, actions, told)
    ranked = sorted(told, key=lambda d: (-_worth(d, reading, actions), d.statement, d.start, d.signal, d.action))
    groups: list[list[Deed]] = []
    # What the listing says heads its group, so that a page behind it adds to a capability and does not reword it.
    for deed in sorted(ranked, key=lambda d: not _on_listing(d, reading)):
        group = next((g for g in groups if _same(g[0], deed)), None)
        if group is None:
            groups.append([deed])
        else:
            group.append(deed)
    groups.sort(key=lambda group: ranked.index(group[0]))
    affirmed = [_found(g) for g in groups if any(not d.denied for d in g)]
    denied = [
        _found(g) for g in groups if all(d.denied for d in g) and actions.weight.get(g[0].signal, 0) >= _DENIED_WEIGHT
    ]
    said = {f.deed.signal for f in affirmed}
    kept = _chosen(affirmed, reading, actions)
    return (*kept, *[f for f in denied if f.deed.signal not in said][:_MAX_DENIED])


@lru_cache(maxsize=_REMEMBERED)
def _deeds(index: int, statement: Statement, own: frozenset[str]) -> tuple[Deed, ...]:
    """The deeds of a statement, which a draft asks for again without what the vendor claims."""
    return tuple(deeds(index, statement, load_actions(), own))


def _found(group: Sequence[Deed]) -> Found:
    yes = [d for d in group if not d.denied] or list(group)
    no = [d for d in group if d.denied] if yes[0] is not group[0] or not yes[0].denied else []
    return Found(yes[0], tuple(yes[1:]), tuple(no))


def _chosen(found: Sequence[Found], reading: Reading, actions: Actions) -> list[Found]:
    """The first of each signal, then the second of each, and so on; gravest first.

    Those of the listing come before those of the pages behind it, however many these are: further pages fill places
    that the listing leaves.
    """
    places: dict[str, int] = {}
    numbered: list[tuple[bool, int, int, Found]] = []
    for order, item in sorted(enumerate(found), key=lambda row: not _on_listing(row[1].deed, reading)):
        signal = item.deed.signal
        places[signal] = places.get(signal, 0) + 1
        light = actions.weight.get(signal, 0) <= _LIGHT_WEIGHT
        if places[signal] <= (_MAX_LIGHT if light else _MAX_PER_SIGNAL):
            numbered.append((not _on_listing(item.deed, reading), places[signal], order, item))
    numbered.sort(key=lambda row: row[:3])
    kept = numbered[:MAX_CAPABILITIES]
    kept.sort(key=lambda row: (-actions.weight.get(row[3].deed.signal, 0), row[1], row[2]))
    return [row[3] for row in kept]


def _on_listing(deed: Deed, reading: Reading) -> bool:
    return reading.statements[deed.statement].document == reading.documents[0].id


def _also_told(deed: Deed, reading: Reading) -> frozenset[tuple[str, bool]]:
    """Where a plain sentence about the same makes one about the user needless: on the listing, or for further pages."""
    listing = _on_listing(deed, reading)
    return frozenset({(deed.signal, True)} if listing else {(deed.signal, True), (deed.signal, False)})


def _worth(deed: Deed, reading: Reading, actions: Actions) -> float:
    """Order among deeds: gravity of the signal, then how plainly and how specifically it is told."""
    words = deed.object.split()
    specific = min(len(words), 4) + 2 * any(w[0].isupper() or w.isupper() for w in words)
    plain = {"verb": 3, "tool": 2, "noun": 2, "user": 0, "signal": 0}[deed.sort]
    first = 1 if _on_listing(deed, reading) else 0
    return (
        actions.weight.get(deed.signal, 0) * 10 + specific + plain + first - 3 * bool(deed.condition) - 2 * deed.denied
    )


def content_words(text: str) -> frozenset[str]:
    """Singular words of a noun phrase that carry its meaning."""
    return frozenset(singular(w.low) for w in tokens(text) if w.low not in _STOP_WORDS and w.low[0].isalnum())


def _same(one: Deed, other: Deed) -> bool:
    if one.signal != other.signal or (one.mode == "delete") != (other.mode == "delete"):
        return False
    first, second = content_words(one.object), content_words(other.object)
    return len(first & second) >= _OVERLAP * max(min(len(first), len(second)), 1)


def _from_signals(reading: Reading, actions: Actions, deeds_told: Sequence[Deed]) -> list[Deed]:
    """Action signals that no deed shows, each with the noun phrase in or behind the matched words."""
    found: list[Deed] = []
    known = {(d.signal, _on_listing(d, reading)) for d in deeds_told if not d.denied}
    listing = reading.documents[0].id
    said = {(d.statement, d.object) for d in deeds_told}
    for signal, (verb, mode) in actions.fallback.items():
        if (signal, True) in known:
            continue
        for match in reading.matches(signal):
            statement = reading.statements[match.statement]
            if statement.document != listing and (signal, False) in known:
                break
            if not usable(statement) or match.hedged or match.denied:
                continue
            start, end = match.start - statement.start, match.end - statement.start
            told = _verb_in(statement.text[start:end], actions)
            if (told is None and signal not in actions.verbless) or _by_another(statement, start, end, actions):
                continue
            named = _named_at(statement, start, end, signal, actions)
            if named and told:
                meaning = actions.meaning(told, [w.low for w in tokens(named)])
                told = told if meaning is not None and meaning.signal == signal else None
                if told is None and signal not in actions.verbless:
                    continue
            if named and (match.statement, named) not in said:
                found.append(
                    Deed(
                        signal,
                        mode,
                        told or verb,
                        third_person(told) if told else verb,
                        named,
                        match.statement,
                        match.start,
                        match.end,
                        False,
                        None,
                        "signal",
                    )
                )
                break
    return found


def _by_another(statement: Statement, start: int, end: int, actions: Actions) -> bool:
    """Whether a verb inside the match belongs to a person or to the vendor."""
    words = tokens(statement.text)
    verbs = [actions.grammar.verb(words, at) for at, word in enumerate(words) if start <= word.start < end]
    return any(verb is not None and doer_of(words, verb) == "bystander" for verb in verbs)


def _verb_in(text: str, actions: Actions) -> str | None:
    """The lemma of the first word of `text` that is a verb with pairs, when it begins the text."""
    first = tokens(text)[0].low
    lemmas = [
        lemma
        for lemma, _ in actions.grammar.forms.get(first, ())
        if actions.verbs[lemma] != "other" and "-" not in lemma and not (lemma in NOUN_LIKE and first.endswith("s"))
    ]
    return lemmas[0] if lemmas else None


def _named_at(statement: Statement, start: int, end: int, signal: str, actions: Actions) -> str | None:
    """The first noun phrase with a known noun of the signal that begins inside the match."""
    words = tokens(statement.text)
    wanted = actions.nouns_of(signal) - actions.vague
    for at, word in enumerate(words):
        verbal = word.low in actions.grammar.forms and (word.start == start or word.low not in NOUN_LIKE)
        if not start <= word.start < end or word.low in DETERMINERS or verbal:
            continue
        phrase = actions.grammar.noun_phrase(words, at)
        if phrase is None or phrase.parts[0][0] != at:
            continue
        first, last = phrase.parts[0]
        low = [w.low for w in words[first:last]]
        heads = actions.heads(low)
        part_of_name = first > 0 and words[last - 1].text[0].isupper() and not words[last - 1].text.isupper()
        part_of_name = part_of_name or (first > 1 and words[first - 1].text[0].isupper())
        if heads and heads[0] in wanted and not part_of_name:
            text = statement.text[words[first].start : words[last - 1].end]
            return text[0].lower() + text[1:] if first == 0 and text.split()[0][1:].islower() else text
    return None


def cite(found: Sequence[Found], reading: Reading, ledger: Ledger) -> tuple[Capability, ...]:
    """Records of the capabilities, numbered C1, C2, …, each with its quotes; who owns and approves is still open."""
    return tuple(_capability(number, item, reading, ledger) for number, item in enumerate(found, start=1))


def _capability(number: int, item: Found, reading: Reading, ledger: Ledger) -> Capability:
    deed = item.deed
    own = [deed, *item.also][:_MAX_QUOTES]
    quotes = [ledger.cite(d.statement, d.start, d.end) for d in (*own, *item.against[:1])]
    return Capability(
        id=f"C{number}",
        signal=deed.signal,
        action=_action(item),
        object=_object(deed.object),
        mode=deed.mode,
        credential=None,
        approver=None,
        data=_data(deed, reading),
        state=_state(item),
        evidence=tuple(dict.fromkeys(quotes)),
        condition=deed.condition,
    )


def _object(phrase: str) -> str:
    """The object without a verb that the sentence goes on with: "the public web and returns" → "the public web"."""
    head, joint, tail = phrase.rpartition(" and ")
    third_persons = load_actions().verbs
    goes_on = joint and tail.endswith("s") and (tail[:-1] in third_persons or tail[:-2] in third_persons)
    return head if goes_on and not load_actions().nouns.get(tail[:-1]) else phrase


def _action(item: Found) -> str:
    """The verb, with further verbs that are told of the same thing ("edits, moves and overwrites")."""
    deed = item.deed
    if deed.sort not in ("verb", "tool"):
        return deed.action
    head = singular(deed.object.split()[-1].lower())
    verbs = [deed.action]
    for other in item.also:
        same = (
            other.mode == deed.mode
            and other.sort in ("verb", "tool")
            and singular(other.object.split()[-1].lower()) == head
        )
        said = {verb.split()[0] for verb in verbs}
        if (
            same
            and other.action.split()[0] not in said | _PALE_VERBS
            and len(verbs) < _MAX_VERBS
            and not other.condition
        ):
            verbs.append(other.action)
    return ", ".join(verbs[:-1]) + " and " + verbs[-1] if len(verbs) > 1 else verbs[0]


def _state(item: Found) -> State:
    if item.deed.denied:
        return "denied"
    if item.against:
        return "contradicted"
    return "inferred" if item.deed.sort in ("signal", "user") else "claimed"


def _data(deed: Deed, reading: Reading) -> tuple[str, ...]:
    """Data classes that the object or its clause names."""
    statement = reading.statements[deed.statement]
    behind = statement.text[deed.start - statement.start :]
    stop = _CLAUSE_END.search(behind, deed.end - deed.start)
    clause = behind[: min(stop.start() if stop else len(behind), deed.end - deed.start + _DATA_REACH)]
    gazetteer = load_gazetteer()
    own = gazetteer.data_classes(deed.object, _MAX_DATA)
    return own or gazetteer.data_classes(clause, _MAX_DATA - 1)
