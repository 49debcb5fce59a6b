"""Write the summary of the product and the posture: three sentences that an analyst can act on.

The posture states the product's main abilities, what makes them dangerous, and which controls protect which part of the
product.
"""

from collections.abc import Sequence
from typing import Final

from agent.drafting.judgement import Given
from agent.drafting.threats.selection import Found
from agent.drafting.wording import (
    Said,
    abilities,
    absent,
    cited_by,
    default_of,
    inside,
    kind_title,
    likely,
    listed,
    marks,
    noun,
    predicates,
    renamed,
    said,
    searched,
    subject,
)
from agent.facts.sheet import CONTROL_RANK, counted
from agent.facts.vocabulary import GroupId
from agent.records import FactSheet, Score

NAMED: Final = 3
_ENTRIES: Final = (
    "reads_untrusted_content", "reads_mail_chat", "talks_with_public", "reads_web", "reads_documents",
    "reads_telemetry", "reads_code", "mcp_client", "queries_data", "takes_voice_images",
)  # fmt: skip
"""Entry points for an attacker's text, most obvious first."""
_LIMITS: Final = frozenset({"read_only", "advises_only"})
_OUTSIDERS: Final = frozenset({"reads_untrusted_content", "reads_mail_chat", "talks_with_public", "reads_web"})
_AUTHORS: Final = {"mcp_client": "anyone who runs one", "takes_voice_images": "anyone who supplies such input"}
"""Who can plant instructions at entry points that nobody writes to directly."""
_CONTROLS: Final = (
    "advises_only", "read_only", "approval_before", "sandbox", "allow_list", "endpoint_auth", "injection_defence",
    "egress_limits", "spending_limit", "run_limit", "deny_list", "output_filter",
    "pinned_release", "human_takeover", "undo", "dry_run",
)  # fmt: skip


def summary(given: Given) -> str:
    """Describe the product in one sentence, using an LLM's sentence if its quotes still exist."""
    led, name, kind = given.judgement.summary, given.name, given.kind
    if led and given.stands(led):
        return led
    told = _gravest(given.sheet)[:2]
    what = f"{name} is {kind_title(kind)}"
    if not told:
        return f"{what}."
    plain = predicates(told, plain=True)
    if kind == "agent-framework":
        acts = f" that can {plain}"
    elif kind in ("mcp-server", "agent-skill"):
        acts = f" that lets {'an assistant' if kind == 'mcp-server' else 'an agent'} {plain}"
    elif " that " in kind_title(kind) or kind == "agent-platform":
        acts = f"; it {abilities(told)}"
    else:
        acts = f" that {abilities(told)}"
    return f"{what}{acts}{marks(cited_by(told))}."


def posture(given: Given, found: Found, score: Score) -> str:
    """Write the posture in three sentences, using an LLM's text if all its quotes still exist."""
    led = given.judgement.posture
    text = renamed(led, found.called) if led and given.stands(led) else ""
    return text or " ".join(filter(None, (_does(given), _exposed(given.sheet, found, score), _against(given.sheet))))


def posture_keys(sheet: FactSheet) -> frozenset[str]:
    """Return the keys covered by a posture derived from facts: main abilities and entry point."""
    told = _gravest(sheet)[:NAMED] or _doubtful(sheet)
    return frozenset(one.key for one in (*told, *_entries(sheet)[:1]))


def _gravest(sheet: FactSheet) -> list[Said]:
    """Return what the product does, grave abilities first, or else what it reads."""
    rows = _firm(sheet, group="does")
    rows = rows or [one for one in _firm(sheet, group="reads") if one.key != "takes_free_text"]
    return sorted(rows, key=lambda one: (not one.entry.grave, -one.rank, -one.confidence))


def _firm(sheet: FactSheet, *, group: GroupId | None = None, keys: Sequence[str] | None = None) -> list[Said]:
    """Return the sayings that are not denials and are sure enough to be stated in a sentence."""
    return [one for one in said(sheet, group=group, keys=keys) if one.polarity != "denied" and one.sure]


def _entries(sheet: FactSheet) -> list[Said]:
    return _firm(sheet, keys=_ENTRIES)


def _does(given: Given) -> str:
    """Write what the product can do or, if nothing is sure, what it may do; empty if nothing is known.

    Does not mention whose rights the product uses, because the sources seldom state this in the same place.
    """
    told = _gravest(given.sheet)[:NAMED]
    who = subject(given.kind, given.name)
    if not told:
        told = _doubtful(given.sheet)
        who = f"{who.removesuffix('can')}may"
    return f"{who} {predicates(told, plain=True)}{marks(cited_by(told))}." if told else ""


def _doubtful(sheet: FactSheet) -> list[Said]:
    """Return what the product may do or else read, abilities with a quote first."""
    groups: tuple[GroupId, ...] = ("does", "reads")
    for group in groups:
        rows = [one for one in (*said(sheet, group=group), *likely(sheet, (group,))) if one.is_ability and not one.sure]
        if told := [one for one in rows if one.key != "takes_free_text"][:NAMED]:
            return told
    return []


def _exposed(sheet: FactSheet, found: Found, score: Score) -> str:
    """Write what makes these abilities dangerous."""
    entries = _entries(sheet)
    alone = [one for one in _firm(sheet, keys=("runs_unattended", "scheduled")) if one.polarity == "asserted"][:1]
    opened = [one for one in _firm(sheet, keys=("endpoint_no_auth",)) if one.polarity == "asserted"][:1]
    acts = bool(_firm(sheet, group="does"))
    if opened and not any(one.key in _OUTSIDERS for one in entries):
        return f"It {opened[0].clause}, so anyone who can reach it can use these abilities{marks(cited_by(opened))}."
    if entries:
        first = entries[0]
        could = "misuse these abilities" if acts else "manipulate what it returns"
        if first.key in {one.key for one in _gravest(sheet)[:NAMED]}:
            text = f"Instructions planted there could {could}"
        elif first.key in _OUTSIDERS:
            text = f"It {abilities([first])}, so planted instructions could {could}"
        elif acts:
            who = _AUTHORS.get(first.key, "anyone who can write there")
            text = f"It {abilities([first])}; {who} could plant instructions that {could}"
        else:
            text = f"Anyone who can write to the content it reads could plant instructions that {could}"
        extra = alone or _firm(sheet, keys=("approval_off",))[:1]
        if extra:
            text += ", and it " + abilities(extra)
        return f"{text}{marks(cited_by((first, *extra)))}."
    if alone:
        return f"It {abilities(alone)}, so a wrong step may go unnoticed{marks(cited_by(alone))}."
    if found.headline is not None:
        return f"The most severe supported threat is {found.tags[found.headline.id]}: {inside(found.headline.title)}."
    if score.withheld:
        return "The sources are not clear enough about how outsiders could reach it to support a score."
    return "The sources do not show how an attacker's content could reach it."


def _against(sheet: FactSheet) -> str:
    """Write which safeguards protect against this."""
    acts = any(one.polarity == "asserted" for one in _firm(sheet, group="does"))
    # If the product acts, a statement that it is read-only can apply only to one of its parts or modes.
    keys = [key for key in _CONTROLS if not (acts and key == "read_only")]
    rows = [one for one in said(sheet, keys=keys) if one.polarity != "denied"]
    named = [one for one in rows if one.sure][:NAMED]
    if not named:
        return _maybe(rows[:NAMED], sheet) if rows else _unopposed(sheet)
    one, names = len(named) == 1, listed([_named(each, sheet) for each in named])
    stated = {one.key for one in named}
    facts = {fact.id: fact for fact in sheet.facts}
    counting = [facts[id_] for one in named for id_ in one.facts]
    if not stated & _LIMITS and not any(fact.rank >= CONTROL_RANK and default_of(fact) for fact in counting):
        claimed = f"The sources mention {names} as {'a safeguard' if one else 'safeguards'}{marks(cited_by(named))}"
        return f"{claimed}; {'its default was' if one else 'their defaults were'} not recognised."
    text = f"The documented {'safeguard is' if one else 'safeguards are'} {names}"
    if not stated & {*_LIMITS, "approval_before"} and absent(sheet, "approval_before"):
        return f"{text}{marks(cited_by(named))}, but no approval step was found{searched('approval_before')}."
    return f"{text}{marks(cited_by(named))}."


def _maybe(rows: Sequence[Said], sheet: FactSheet) -> str:
    """Say that the sources may describe these controls, because no quote states them clearly enough."""
    names = listed([_named(one, sheet) for one in rows])
    what = "check what is covered and whether it is on by default"
    return f"The sources may describe {names}{marks(cited_by(rows))}; {what}."


def _unopposed(sheet: FactSheet) -> str:
    """Say that no control was found, and what was searched for."""
    if denied := said(sheet, keys=("approval_before",), polarity="denied"):
        return f"It {denied[0].clause}{marks(denied[0].evidence)}."
    if absent(sheet, "approval_before") and absent(sheet, "sandbox") and not counted(sheet, "container"):
        return f"Neither an approval step nor a sandbox was found{searched('approval_before', 'sandbox')}."
    disputed = next((fact for fact in sheet.facts if fact.key == "approval_before" and not fact.counts), None)
    if disputed:
        return f"The sources describe an approval step, but other sentences contradict it{marks(disputed.evidence, 1)}."
    if "approval_before" in sheet.outlook.mentioned:
        return "The sources may describe an approval step; check what it covers and whether it is on by default."
    return "No safeguard against this was found."


def _named(one: Said, sheet: FactSheet) -> str:
    parts = dict.fromkeys(part for fact in sheet.facts if fact.id in one.facts and (part := noun(fact, "part")))
    what = one.words.risk
    if one.polarity == "configurable":
        plain = what.removeprefix("a ").removeprefix("an ")
        what = f"an optional {plain}" if plain != what else f"optional {what}"
    return f"{what} ({listed(tuple(parts)[:2])})" if parts else what
