"""The first screen of the report (parts 1 to 9): at most 45 lines, enough to act on."""

from typing import Final

from agent.evidence import language
from agent.export.authors import drafter_words
from agent.export.safe_markdown import Column, code, one_line, plain, table
from agent.export.sentences import (
    counted,
    listed,
    marks,
    narrowing,
    tenth,
    threat_sentence,
    verdict,
    with_article,
    with_stop,
)
from agent.export.view import COUNTING_RANK, View, is_proposed, name_of
from agent.records import Capability, Question, Score, State, Threat
from agent.taxonomy.keys import LAYER_CODES

MAX_LINES: Final = 45
TOP_THREATS: Final = 5
_CONDITIONS: Final = 4
_QUESTIONS: Final = 3
_CAPABILITIES: Final = 6
_QUOTE: Final = 90
_HASH: Final = 12
_DAY: Final = 10
"""Characters of a date in a time of ISO 8601."""
_TABLE_FRAME: Final = 4
"""Heading, head, rule and blank round the rows of a table."""


def first_screen(view: View) -> list[str]:
    """Lines of parts 1 to 9, ending with a horizontal rule. Capabilities take the lines that the rest leaves."""
    return [*_head(view), *_capabilities(view), *_below_capabilities(view)]


def _below_capabilities(view: View) -> list[str]:
    return [*_top_threats(view), *_conditions(view), *_ask_first(view), *_layers_line(view)]


def _head(view: View) -> list[str]:
    draft = view.draft
    lines = [f"# {plain(draft.product.name)}: agentic threat model", "", _status(view), "", _verdict(view), ""]
    if draft.score.aivss is None:
        first = [_question(number, item) for number, item in enumerate(view.questions[:_QUESTIONS], 1)]
        lines += [*first, ""] if first else []
    return [*lines, _why(view), "", f"**Posture**: {plain(draft.product.posture)}", ""]


def _status(view: View) -> str:
    draft = view.draft
    subject = f"subject: {plain(draft.product.name)}"
    if view.kind:
        subject += f", read as {plain(with_article(view.kind))}"
    if any(item.about == "platform" for item in draft.evidence):
        subject += f", *not* the {plain(draft.product.vendor or draft.product.name)} platform"
    first = draft.sources[0] if draft.sources else None
    origin = counted(len(draft.sources), "source")
    if first:
        origin += f", {first.fetched_at[:_DAY]}, sha256 {code(first.sha256[:_HASH])}"
    spoken: dict[str, list[str]] = {}
    for source in draft.sources:
        if source.language not in ("", language.ENGLISH):
            spoken.setdefault(language.name(source.language), []).append(source.document)
    origin += "".join(f", {listed(ids)} in {name}" for name, ids in spoken.items())
    kinds = dict.fromkeys(finding.kind for source in draft.sources for finding in source.findings)
    found = f" · **findings**: {listed(list(kinds))}" if kinds else ""
    return f"**{_reviewed(view)}** · {subject} · {origin} · {plain(drafter_words(draft))}{found}"


def _reviewed(view: View) -> str:
    """Who stands for the report, if anyone does."""
    stamp = view.draft.review
    if stamp is not None:
        waived = f"; {counted(stamp.waived, 'item')} waived" if stamp.waived else ""
        return f"REVIEWED and signed by {plain(stamp.reviewer)} ({stamp.role}), {stamp.at[:_DAY]}{waived}"
    if view.progress is not None:
        return f"IN REVIEW, {view.progress.decided} of {view.progress.items} items decided"
    return "DRAFT, not reviewed"


def _verdict(view: View) -> str:
    score = view.draft.score
    if score.aivss is None:
        settled = f" Settled by the answers to {listed([item.id for item in view.questions[:_QUESTIONS]])}:"
        return f"**{verdict(score)}.**{settled if view.questions else ''}"
    other = score.without_vendor_claims
    same = ", the same without the vendor's claims" if other is not None and other.aivss == score.aivss else ""
    return f"**{verdict(score)}{same}.** {without_claims(score)}{_controls(view)}"


def without_claims(score: Score) -> str:
    """The score without what the vendor's own text lowers, as a sentence with a blank behind it.

    Empty when it is not known or the same.
    """
    other = score.without_vendor_claims
    if other is None or other.aivss == score.aivss:
        return ""
    if other.aivss is None:
        return f"Without the vendor's claims: not scored, {plain(other.withheld or '')}. "
    return f"Without the vendor's claims: **{tenth(other.aivss)}, {other.severity}**. "


def _controls(view: View) -> str:
    with_controls = view.draft.score.with_controls
    if with_controls is not None:
        return (
            f"With the controls that the documents name: **{tenth(with_controls.aivss)}, {with_controls.severity}** "
            f"{marks(with_controls.evidence)}"
        )
    lowered = [item.evidence.id for item in view.controls if item.counted and item.evidence.rank >= COUNTING_RANK]
    if lowered:
        return f"Controls that the documents name and that count: {marks(lowered)}, in the factors"
    claims = sum(item.is_claim and not item.counted for item in view.controls)
    claims += sum(
        finding.count for source in view.draft.sources for finding in source.findings if finding.kind == "vendor-claim"
    )
    if claims:
        return f"Controls that count: none yet ({counted(claims, 'claim')}, none of rank ≥ {COUNTING_RANK})"
    return "Controls that count: none named"


def _why(view: View) -> str:
    withheld = view.draft.score.withheld
    if view.headline is None or withheld:
        reason = plain(with_stop(withheld or "no threat has a quote"))
        return f"**Why**: {reason}"
    place, layer, threat = view.headline
    higher = sum(item.threat.score.aivss > threat.score.aivss for item in view.threats)
    are = "is" if higher == 1 else "are"
    why = "less typical" if threat.place is None else "less typical or graver than usual"
    rank = f"{counted(higher, 'threat')} would score higher but {are} {why}"
    sentence = plain(threat_sentence(threat.statement))
    quote = view.quote(threat.evidence, _QUOTE + 60, f"{threat.title} {sentence}")
    stands = f"#{place}, {LAYER_CODES[layer]}, base {tenth(threat.score.cvss_base)}{f' ({rank})' if higher else ''}"
    return f"**Why**: {stands}: {sentence} {quote}".rstrip()


def folded_capabilities(view: View) -> list[Capability]:
    """Capabilities that the first screen has no room for, and those that a quote denies."""
    shown = _shown_capabilities(view)
    return [item for item in view.capabilities if item not in shown]


def _shown_capabilities(view: View) -> list[Capability]:
    rest = len(_head(view)) + len(_below_capabilities(view))
    room = min(MAX_LINES - rest - _TABLE_FRAME, _CAPABILITIES)
    return [item for item in view.capabilities if item.state != "denied"][: max(room, 1)]


def _capabilities(view: View) -> list[str]:
    """Heading, table and blank; as many rows as fit, the rest counted in the heading."""
    shown = _shown_capabilities(view)
    if not shown:
        return [f"## What it can do: no action is named in {_documents(view)}", ""]
    more = len(view.capabilities) > len(shown)
    heading = (
        f"## What it can do ({len(shown)} of {len(view.capabilities)}, the rest in the appendix)"
        if more
        else "## What it can do"
    )
    return [heading, *table(CAPABILITY_COLUMNS, [capability_row(view, item, _QUOTE) for item in shown]), ""]


def _documents(view: View) -> str:
    return listed([source.document for source in view.draft.sources], last="or")


CAPABILITY_COLUMNS: Final = (
    Column("action"),
    Column("on what"),
    Column("mode"),
    Column("whose credential"),
    Column("who approves"),
    Column("quote"),
)


def capability_row(view: View, item: Capability, limit: int) -> list[str]:
    """Cells of one capability; what the sources do not say is set in italics."""
    condition = f" *({plain(item.condition)})*" if item.condition else ""
    condition += " *(said not to)*" if item.state == "denied" else ""
    return [
        plain(item.action) + condition,
        plain(item.object),
        item.mode,
        _authority(item.credential, item.credential_state, item.credential_evidence, item.evidence, "none used"),
        _authority(item.approver, item.approver_state, item.approver_evidence, item.evidence, "nobody"),
        view.quote(item.evidence, limit, f"{item.action} {item.object}") or f"*{item.state}*",
    ]


def _authority(
    who: str | None, state: State | None, evidence: tuple[str, ...], quoted_here: tuple[str, ...], denied: str
) -> str:
    """Whose credential or approval, with the marks that the row's own quote does not carry."""
    other = marks([mark for mark in evidence if mark not in quoted_here])
    if who is None:
        return f"*{denied}* {other}".rstrip() if state == "denied" else "*not stated*"
    return f"{plain(who)} {other}".rstrip()


def _top_threats(view: View) -> list[str]:
    if not view.threats:
        return [f"## Top threats: none with a quote in {_documents(view)}", ""]
    headline = view.headline
    columns = (
        Column("#", True),
        Column("layer"),
        Column("threat"),
        Column("score", True),
        Column("state"),
        Column("quote"),
    )
    rows = [
        [
            str(place),
            LAYER_CODES[layer],
            (
                f"{plain(threat.title)}, see Why"
                if headline and place == headline.place and not view.draft.score.withheld
                else plain(threat_sentence(threat.statement))
            )
            + _proposed(view, threat),
            f"{tenth(threat.score.aivss)} {threat.score.severity}",
            threat.state,
            view.quote(threat.evidence, _QUOTE, f"{threat.title} {threat.statement.asset}"),
        ]
        for place, layer, threat in view.top(TOP_THREATS)
    ]
    return ["## Top threats", *table(columns, rows), ""]


def _proposed(view: View, threat: Threat) -> str:
    """The mark of a threat that an LLM proposed."""
    origin = view.origin(threat, brief=True)
    return f" *({origin})*" if origin else ""


def _conditions(view: View) -> list[str]:
    """Mitigations of the highest threats, each once; the first of each threat before the second of any."""
    wanted: list[tuple[int, int, str, str]] = []
    seen: set[str] = set()
    for item in view.threats:
        for number, mitigation in enumerate(item.threat.mitigations):
            key = one_line(mitigation.text).casefold().rstrip(".")
            if key in seen or mitigation.status == "confirmed":
                continue
            seen.add(key)
            claimed = f"; claimed {marks(mitigation.evidence)}" if mitigation.status == "claimed" else ""
            who = "You" if mitigation.who == "you" else "Vendor"
            tag = f"{item.tag}, proposed by the LLM" if is_proposed(item.threat) else item.tag
            wanted.append((number, item.place, who, f"{plain(mitigation.text.rstrip('.'))} ({tag}){claimed}"))
    wanted.sort(key=lambda row: row[:2])
    if not wanted:
        answers = listed([item.id for item in view.questions[:_QUESTIONS]])
        return [
            f"## Before you switch it on: answers to {answers}" if answers else "## Before you switch it on: none",
            "",
        ]
    return ["## Before you switch it on", *(f"- **{who}**: {text}" for _, _, who, text in wanted[:_CONDITIONS]), ""]


def _ask_first(view: View) -> list[str]:
    top = view.questions[:_QUESTIONS]
    if not top:
        return ["## Ask first: no open question", ""]
    if view.draft.score.aivss is None:
        return [f"## Ask first: {', '.join(item.id for item in top)}, above", ""]
    return ["## Ask first", *(_question(number, item) for number, item in enumerate(top, 1)), ""]


def _question(number: int, item: Question) -> str:
    settles = ", ".join(name_of(key) for key in item.settles)
    effect = f"; {narrowing(item.effect)}" if item.effect > 0 else ""
    return f"{number}. **{plain(item.id)}** *({settles}{effect})* {plain(item.text)}"


def _layers_line(view: View) -> list[str]:
    signs = {"no": "–"}
    states = [
        f"{LAYER_CODES[key]} {signs.get(layer.applies, '●' if layer.certain else '?')}" for key, layer in view.layers
    ]
    return ["## Layers at a glance: ● certain, ? not certain, – does not apply", " · ".join(states), "", "---"]
