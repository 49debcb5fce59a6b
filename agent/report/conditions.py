"""Part 5 of the report and its section in the appendix: conditions for use, and residual risk with them in place."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from agent.drafting.wording import capital
from agent.records import Advice, Condition, Residual
from agent.report import document as doc
from agent.report.document import Block, Bullets, Paragraph, Part, Row, Span, Text
from agent.report.front_pages import Writer, base_of, has_measure, on_page
from agent.report.prose import stopped
from agent.report.sentences import listed, tenth
from agent.report.view import RankedThreat
from agent.scoring import severity

_MUCH: Final = Decimal("1.0")
"""If the conditions lower a CVSS base by less than this, the report explains why."""
_EASED: Final = {
    "UI": "human approval",
    "AC": "a harder attack",
    "AT": "a precondition",
    "PR": "a login",
    "AV": "limited network access",
}
"""The obstacle that a condition puts in an attacker's way, by the metric that it changes."""
_HARMS: Final = {"C": "read", "I": "changed", "A": "stopped"}
"""What an impact metric measures, by its second letter; the first is V for the product and S for other systems."""
_WITHOUT_EFFECT: Final = (
    "The known measures are listed under each threat, but none of them removes a threat or lowers its CVSS base."
)
_WITHOUT_MEASURE: Final = (
    "None are proposed, because there is no known measure that you can take against these threats."
)


def conditions(writer: Writer) -> Part:
    """Build part 5: what has to be true before go-live, the residual risk after that, and law and contracts."""
    advice, title = writer.view.draft.advice, "Conditions for use"
    if advice is None:
        return doc.part("conditions", title, _older_conditions(writer))
    blocks: list[Block] = []
    # If the conditions are the threats' own measures, each is already listed under its threats, with its price.
    own = bool(writer.view.measures)
    above = {item.threat.id for item in on_page(writer)}
    shown = advice.conditions[: writer.room.conditions]
    if own:
        shown = tuple(item for item in advice.conditions if above.intersection(item.threats))
    elif shown:
        blocks.append(Bullets(tuple(_condition(writer, n, item) for n, item in enumerate(shown, 1)), numbered=True))
    below = [item for item in advice.conditions if item not in shown]
    for number, item in enumerate(below, len(shown) + 1):
        writer.shortened.append((f"Condition {number}", f"{stopped(item.text)} {item.who}; {item.price}".rstrip("; ")))
    if not advice.conditions:
        known = any(each.who == "you" for item in writer.view.threats for each in item.threat.mitigations)
        blocks.append(doc.paragraph(_WITHOUT_EFFECT if known else _WITHOUT_MEASURE))
    elif own:
        # The appendix shows the CVSS bases that remain with the measures in place.
        blocks.append(Paragraph(_measured(writer)))
    elif advice.residual is not None:
        blocks.append(Paragraph(_residual(writer, advice, advice.residual, len(shown))))
        blocks += _remaining(writer, advice.residual)
    if advice.law and writer.room.law:
        blocks.append(Paragraph(doc.joined(doc.soft("Law and contracts:"), writer.prose.text(advice.law))))
    elif advice.law:
        writer.shortened.append(("Law and contracts", advice.law))
    return doc.part("conditions", title, *blocks)


def _measured(writer: Writer) -> Text:
    """State that the measures listed under the threats on the page are the conditions, and which threats have no
    measure."""
    if writer.view.draft.score.aivss is None:
        return doc.words("If it is used before it has been assessed, each measure under “You” must be in place.")
    unmet = [item.name for item in on_page(writer) if not has_measure(item)]
    told = Span("Before go-live, each measure under “You” must be in place")
    if not unmet:
        return (told, Span("."))
    return (told, Span("; only the vendor can fix "), *doc.listed_refs(*unmet), Span(", so accept the risk or wait."))


def _residual(writer: Writer, advice: Advice, residual: Residual, shown: int) -> Text:
    """Describe the headline's residual risk with all conditions in place, and the highest residual base on the page."""
    conditions = len(advice.conditions)
    more = f" {conditions} conditions" if conditions > shown else " of them"
    below = f" ({conditions - shown} of them in the appendix)" if conditions > shown else ""
    start = Span("With it in place, " if conditions == 1 else f"With all{more}{below} in place, ")
    left = [(item, residual.remains[item.threat.id]) for item in on_page(writer) if item.threat.id in residual.remains]
    if not left:
        return (start, *_gravest(writer, residual))
    first = next((pair for pair in left if pair[0] is writer.view.headline), None)
    highest = max(left, key=lambda pair: (pair[1], pair is first, base_of(pair[0])))
    alike = [item.name for item, base in left if base == highest[1]]
    if not highest[1]:
        return (start, Span("none of these threats remains."))
    rest = (*doc.strong(_graded(highest[1])), Span(" for "), *doc.listed_refs(*alike))
    if len(alike) == 1:
        rest = (*rest, Span(_where(highest[0])))
        if _only_rarer(highest[0], residual, advice):
            rest = (*rest, Span("; the conditions make it less likely"))
    if first is None:
        return (start, Span("the highest CVSS base is "), *rest, Span("."))
    item, after = first
    before = base_of(item)
    falls = " stays at " if after == before else f" falls from {tenth(before)} to "
    told: Text = (start, *doc.refs(item.name), Span(falls if after else " no longer applies"))
    meant = _meaning(residual.changes.get(item.threat.id, ""), before - after)
    if highest is first:
        others = [name for name in alike if name != item.name]
        also = (Span(", shared with "), *doc.listed_refs(*others)) if others else ()
        return (
            *told, *doc.strong(_graded(after)),
            Span(", the highest remaining CVSS base"), *also, Span("."), *meant,
        )  # fmt: skip
    fallen = (Span(_graded(after)),) if after else ()
    return (*told, *fallen, Span("; the highest remaining CVSS base is "), *rest, Span("."), *meant)


def _where(item: RankedThreat) -> str:
    """Describe on what a threat depends; empty for a threat that applies in default use. The setting itself is not
    repeated, because a condition may rule it out."""
    if item.threat.basis == "assumed":
        return ", which is based on an assumption"
    return ", which depends on the setup" if item.threat.setting else ""


def _remaining(writer: Writer, residual: Residual) -> list[Block]:
    """List the remaining base of each threat on the page, with the changed metrics from which it can be recomputed;
    empty if the draft does not store them."""
    told: list[Text] = []
    for item in on_page(writer):
        left, changes = residual.remains.get(item.threat.id), residual.changes.get(item.threat.id)
        if left is not None:
            metrics = doc.code(changes) if changes else doc.words("unchanged")
            base = (Span(f" {tenth(left)} ("), *metrics, Span(")")) if left else (Span(" no longer applies"),)
            told.append((*doc.refs(item.name), *base))
    listed_bases = (*doc.soft("Remaining CVSS bases:"), Span(" "), *doc.joined(*told, by=", "), Span("."))
    return [Paragraph(listed_bases)] if told else []


def _only_rarer(item: RankedThreat, residual: Residual, advice: Advice) -> bool:
    """Return whether conditions make a threat less likely although they change none of its metrics."""
    return not residual.changes.get(item.threat.id) and any(item.threat.id in one.threats for one in advice.conditions)


def _meaning(changes: str, fall: Decimal) -> Text:
    """Explain why a base hardly falls although the conditions change its metrics; return an empty text if no metric
    changes or the base falls noticeably.
    """
    if not changes or fall >= _MUCH:
        return ()
    changed = {part.partition(":")[0] for part in changes.split("/")}
    eased = [told for metric, told in _EASED.items() if metric in changed]
    small = listed([*eased, *(["a smaller impact"] if len(changed) > len(eased) else [])])
    return (
        Span(f" CVSS gives little credit for {small}: it rates a successful attack, not how likely it is to succeed."),
    )


def _graded(base: Decimal) -> str:
    return f"{tenth(base)} {severity(base)}"


def _gravest(writer: Writer, residual: Residual) -> Text:
    """Describe the residual risk of the gravest threat, for a draft that stores none for each threat."""
    if not residual.after:
        return (Span("none of these threats remains."),)
    item = next((item for item in writer.view.threats if item.threat.id == residual.threat), None)
    whose: Text = (Span(" ("), *doc.refs(item.name), Span(")")) if item else ()
    was = f", down from {tenth(residual.before)}" if residual.after != residual.before else ", as before"
    return (Span("the highest CVSS base is "), *doc.strong(_graded(residual.after)), *whose, Span(f"{was}."))


def _row(item: RankedThreat, residual: Residual, advice: Advice) -> Row:
    """Build a row: a threat, its base, the base with the conditions, and the metrics that they change."""
    left, changes = residual.remains[item.threat.id], residual.changes.get(item.threat.id, "")
    after, what = tenth(left), doc.code(changes)
    if not left:
        after, what = "–", doc.words("ruled out" if item.threat.setting else "no longer possible")
    elif not changes:
        rarer = _only_rarer(item, residual, advice)
        what = doc.words("less likely; metrics unchanged" if rarer else "metrics unchanged")
    elif left == base_of(item):
        what = doc.joined(what, doc.words("(score unchanged)"))
    return doc.row(doc.refs(item.name), tenth(base_of(item)), after, what)


def legend(changes: Sequence[str]) -> str:
    """Explain the metrics in changes such as "UI:A/VI:L/SI:L": "UI = human approval; VI and SI = what is changed"."""
    used = {part.partition(":")[0] for each in changes for part in each.split("/")}
    told = [f"{metric} = {words}" for metric, words in _EASED.items() if metric in used]
    for letter, harm in _HARMS.items():
        metrics = [metric for metric in (f"V{letter}", f"S{letter}") if metric in used]
        told += [f"{listed(metrics)} = what is {harm}"] if metrics else []
    return "; ".join(told)


def residuals(writer: Writer) -> Part:
    """Build the appendix table of what the conditions change for each threat, and a key to its metrics; empty if the
    draft does not store the changes."""
    residual, advice = writer.residual, writer.view.draft.advice
    told = [item for item in writer.view.threats if residual and item.threat.id in residual.remains]
    if residual is None or advice is None or not told:
        return doc.part("residuals", "")
    rows = [_row(item, residual, advice) for item in told]
    table = doc.table(("", "CVSS base", "With the conditions", "Metrics"), rows, 1, 2)
    key = legend([residual.changes.get(item.threat.id, "") for item in told])
    legends = [Paragraph(doc.soft(f"Metrics: {key}."))] if key else []
    return doc.part("residuals", "What the conditions change", table, *legends)


def _condition(writer: Writer, number: int, item: Condition) -> Text:
    """Write a condition: who is responsible, what has to be true, which threats it mitigates, and its price."""
    names = {each.threat.id: each.name for each in writer.view.threats}
    above = {each.threat.id for each in on_page(writer)}
    told = [threat for threat in item.threats if threat in above] or list(item.threats)[:1]
    eased = sorted((names[threat] for threat in told if threat in names), key=lambda name: int(name[1:]))
    text = writer.brief(f"Condition {number}", stopped(item.text), writer.room.condition)
    price = item.price.rstrip(".")
    return doc.joined(
        doc.strong(f"{capital(item.who)}:") if item.who else (),
        text,
        (Span("("), *doc.refs(*eased), Span(")")) if eased else (),
        (*doc.soft("Cost"), Span(f": {price}.")) if price else (),
    )


def _older_conditions(writer: Writer) -> Block:
    """List the distinct measures under “You” of all threats, for a draft without advice."""
    found: dict[str, tuple[str, list[str], tuple[str, ...]]] = {}
    for item in writer.view.threats:
        for mitigation in item.threat.mitigations:
            key = " ".join(mitigation.text.split()).casefold().rstrip(".")
            if mitigation.who == "you" and mitigation.status != "confirmed":
                found.setdefault(key, (mitigation.text, [], mitigation.evidence))[1].append(item.name)
    rows = [
        writer.prose.text(f"{text.rstrip('.')} ({', '.join(dict.fromkeys(names))}).", evidence)
        for text, names, evidence in list(found.values())[: writer.room.conditions]
    ]
    return Bullets(tuple(rows)) if rows else doc.paragraph("None are known.")
