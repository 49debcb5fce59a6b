"""Part 5 of the report and its section in the appendix: the conditions for use, and the residual risk under them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from agent.drafting.wording import capital
from agent.records import Condition, Residual
from agent.report import document as doc
from agent.report.document import Block, Bullets, Paragraph, Part, Row, Span, Table, Text
from agent.report.front_pages import Writer, base_of, has_measure, on_page
from agent.report.prose import bare, stopped
from agent.report.sentences import if_clause, listed, tenth
from agent.report.view import RankedThreat
from agent.scoring import severity

_MUCH: Final = Decimal("1.0")
"""How much a base has to fall for a reader to see that the conditions help."""
_EASED: Final = {
    "UI": "a person's click",
    "AC": "a hurdle",
    "AT": "a precondition",
    "PR": "a login",
    "AV": "a closed network",
}
"""What a condition puts in the way, by the metric that it changes."""


def conditions(writer: Writer) -> Part:
    """Build part 5: what has to be true before go-live, the residual risk after that, and law and contracts."""
    advice = writer.view.draft.advice
    title = doc.words("Conditions for use")
    if advice is None:
        return Part("conditions", title, (_older_conditions(writer),))
    blocks: list[Block] = []
    # Measures stand with their threats, each with its price.
    own = bool(writer.view.measures)
    shown = _on_page(writer, advice.conditions) if own else advice.conditions[: writer.room.conditions]
    if shown and not own:
        blocks.append(Bullets(tuple(_condition(writer, n, item) for n, item in enumerate(shown, 1)), numbered=True))
    below = [item for item in advice.conditions if item not in shown]
    for number, item in enumerate(below, len(shown) + 1):
        writer.shortened.append((f"Condition {number}", f"{stopped(item.text)} {item.who}; {item.price}".rstrip("; ")))
    if not advice.conditions:
        none = "None of the measures below was found to end a threat or to lower its base; they stand with each threat."
        known = any(each.who == "you" for item in writer.view.threats for each in item.threat.mitigations)
        none = none if known else "None is proposed: no measure of yours is known against these threats."
        blocks.append(Paragraph(doc.words(none)))
    elif own:
        # What the measures leave by CVSS is computed in the appendix.
        blocks.append(Paragraph(_measured(writer)))
    elif advice.residual is not None:
        blocks.append(Paragraph(_residual(writer, advice.residual, len(advice.conditions), len(shown))))
    if advice.law and writer.room.law:
        blocks.append(Paragraph(doc.joined(doc.soft("Law and contracts:"), writer.prose.text(advice.law))))
    elif advice.law:
        writer.shortened.append(("Law and contracts", advice.law))
    return Part("conditions", title, tuple(blocks))


def _measured(writer: Writer) -> Text:
    """Say that the measures of the threats on the page are the conditions, and which threats have none."""
    if writer.view.draft.score.aivss is None:
        return doc.words("If it is used before it is assessed, each measure under “You” is in place.")
    unmet = [item.name for item in on_page(writer) if not has_measure(item)]
    told: Text = doc.words("Before go-live, each measure under “You” is in place")
    if not unmet:
        return (*told, Span("."))
    names = _named(unmet)
    one = len(unmet) == 1
    left = f" {'is' if one else 'are'} left to the vendor: accept{' it' if one else ''} or wait."
    return (*told, Span("; "), *names, Span(left))


def _on_page(writer: Writer, found: Sequence[Condition]) -> tuple[Condition, ...]:
    """Return the conditions that concern a threat on the page."""
    above = {item.threat.id for item in on_page(writer)}
    return tuple(item for item in found if above.intersection(item.threats))


def _residual(writer: Writer, residual: Residual, conditions: int, shown: int) -> Text:
    """Describe the headline's residual under all conditions, and the highest residual base on the page."""
    more = f" {conditions} conditions" if conditions > shown else " of them"
    below = f" ({conditions - shown} of them below the line)" if conditions > shown else ""
    start = Span("With it in place, " if conditions == 1 else f"With all{more}{below} in place, ")
    left = [(item, residual.remains[item.threat.id]) for item in on_page(writer) if item.threat.id in residual.remains]
    if not left:
        return (start, *_older_residual(writer, residual))
    first = next((pair for pair in left if pair[0] is writer.view.headline), None)
    highest = max(left, key=lambda pair: (pair[1], pair is first, base_of(pair[0])))
    alike = [pair[0] for pair in left if pair[1] == highest[1]]
    if not highest[1]:
        return (start, Span("none of these threats remains."))
    if first is None:
        return (start, Span("the highest CVSS base is "), *_at(alike, *highest), Span("."))
    item, after = first
    told: Text = (*doc.ref(item.name), Span(_becomes(base_of(item), after)))
    meant = _meaning(residual.changes.get(item.threat.id, ""), base_of(item) - after)
    if highest is first:
        return (
            start, *told, *doc.strong(_graded(after)), Span(", the highest CVSS base that remains"),
            *_also([one for one in alike if one is not item]), Span("."), *meant,
        )  # fmt: skip
    fallen = (Span(_graded(after)),) if after else ()
    rest = (Span("; the highest CVSS base that remains is "), *_at(alike, *highest), Span("."))
    return (start, *told, *fallen, *rest, *meant)


def _meaning(changes: str, fall: Decimal) -> Text:
    """Explain a base that hardly falls although the conditions change its metrics; empty for any other."""
    if not changes or fall >= _MUCH:
        return ()
    changed = {part.partition(":")[0] for part in changes.split("/")}
    eased = [told for metric, told in _EASED.items() if metric in changed]
    small = listed([*eased, *(["a smaller loss"] if len(changed) > len(eased) else [])])
    return (Span(f" CVSS credits {small} with little: it rates an attack that succeeds, not how seldom one does."),)


def _becomes(before: Decimal, after: Decimal) -> str:
    if not after:
        return " is gone"
    return " stays at " if after == before else f" falls from {tenth(before)} to "


def _graded(base: Decimal) -> str:
    return f"{tenth(base)} {severity(base)}"


def _also(others: Sequence[RankedThreat]) -> Text:
    """Name further threats that keep the same base."""
    return (Span(", also of "), *_named([item.name for item in others])) if others else ()


def _named(names: Sequence[str]) -> Text:
    return doc.joined(*(doc.ref(name) for name in names), by=", ")


def _at(alike: Sequence[RankedThreat], item: RankedThreat, left: Decimal) -> Text:
    """Describe a residual base: its threats, and of one alone when it holds."""
    if len(alike) > 1:
        return (*doc.strong(_graded(left)), Span(" for "), *_named([each.name for each in alike]))
    where = "on its assumption" if item.threat.basis == "assumed" else ""
    where = bare(if_clause(item.threat.setting)) if item.threat.setting else where
    told: Text = (Span(" for "), *doc.ref(item.name), Span(f" {where}" if where else ""))
    return (*doc.strong(_graded(left)), *told)


def _older_residual(writer: Writer, residual: Residual) -> Text:
    """For older drafts, which store no residual for each threat: describe the residual of the gravest threat."""
    if not residual.after:
        return (Span("none of these threats remains."),)
    item = next((item for item in writer.view.threats if item.threat.id == residual.threat), None)
    whose: Text = (Span(" ("), *doc.ref(item.name), Span(")")) if item else ()
    was = f", down from {tenth(residual.before)}" if residual.after != residual.before else " as before"
    return (Span("the highest CVSS base is "), *doc.strong(_graded(residual.after)), *whose, Span(f"{was}."))


def remaining(writer: Writer, item: RankedThreat, residual: Residual) -> Text:
    """Describe the metrics that the conditions change and the remaining base; a dash in older drafts, which do not
    store this for each threat."""
    left, changes = residual.remains.get(item.threat.id), residual.changes.get(item.threat.id, "")
    if left is None:
        return doc.words("–")
    if left and not changes:
        advice = writer.view.draft.advice
        eased = advice is not None and any(item.threat.id in one.threats for one in advice.conditions)
        return doc.words("less likely; no metric changes" if eased else "no metric changes")
    if not left:
        return doc.words("excluded by the conditions")
    same = doc.words("(score unchanged)") if left == base_of(item) else ()
    return doc.joined(doc.code(f"{changes} → {tenth(left)}"), same)


def residuals(writer: Writer) -> Part:
    """Build the appendix table of what the conditions change of the threats whose rest is not on the first two
    pages."""
    residual = writer.residual
    above = [] if writer.view.measures else on_page(writer)
    kept = [
        item for item in writer.view.threats if residual and item.threat.id in residual.remains and item not in above
    ]
    if residual is None or not kept:
        return Part("residuals", (), ())
    rows = tuple(
        Row((doc.ref(item.name), doc.words(tenth(base_of(item))), remaining(writer, item, residual))) for item in kept
    )
    table = Table(("", "CVSS base", "With the conditions"), rows, frozenset({1}))
    title = "What the conditions change" if writer.view.measures else "What the conditions change of further threats"
    return Part("residuals", doc.words(title), (table,))


def _condition(writer: Writer, number: int, item: Condition) -> Text:
    """Write a condition: who sees to it, what has to be true, which threats it eases, and its price."""
    names = {each.threat.id: each.name for each in writer.view.threats}
    above = {each.threat.id for each in on_page(writer)}
    told = [threat for threat in item.threats if threat in above] or list(item.threats)[:1]
    eased = sorted((names[threat] for threat in told if threat in names), key=lambda name: int(name[1:]))
    text = writer.brief(f"Condition {number}", stopped(item.text), writer.room.condition)
    refs = _named(eased)
    price = item.price.rstrip(".")
    return doc.joined(
        doc.strong(f"{capital(item.who)}:") if item.who else (),
        text,
        (Span("("), *refs, Span(")")) if refs else (),
        (Span("Price", "em"), Span(f": {price}.")) if price else (),
    )


def _older_conditions(writer: Writer) -> Block:
    """List the distinct measures for you that the threats name, for a draft without advice."""
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
    return Bullets(tuple(rows)) if rows else Paragraph(doc.words("None is known."))
