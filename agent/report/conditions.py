"""Part 5 of the report, and its row in the appendix: the conditions for use, and what remains with them in place."""

from decimal import Decimal

from agent.records import Condition, Residual
from agent.report import document as doc
from agent.report.document import Block, Bullets, Paragraph, Part, Row, Span, Table, Text
from agent.report.front_pages import Writer, base_of, on_page
from agent.report.prose import stopped
from agent.report.sentences import tenth
from agent.scoring import severity


def conditions(writer: Writer) -> Part:
    """Part 5: what has to be true before go-live, the residual with it in place, and law and contracts."""
    advice = writer.view.draft.advice
    title = doc.words("Conditions for use")
    if advice is None:
        return Part("conditions", title, (_older_conditions(writer),))
    blocks: list[Block] = []
    shown = advice.conditions[: writer.room.conditions]
    if shown:
        rows = tuple(_condition(writer, n, item) for n, item in enumerate(shown, 1))
        blocks.append(Table(("", "Before go-live", "Who", "Helps against", "Price"), rows))
    for number, item in enumerate(advice.conditions[len(shown) :], len(shown) + 1):
        writer.shortened.append((f"Condition {number}", f"{stopped(item.text)} {item.who}; {item.price}".rstrip("; ")))
    if advice.residual is not None:
        blocks.append(Paragraph(_residual(writer, advice.residual, len(advice.conditions), len(shown))))
    if advice.law and writer.room.law:
        blocks.append(Paragraph(doc.joined(doc.soft("Law and contracts:"), writer.prose.text(advice.law))))
    elif advice.law:
        writer.shortened.append(("Law and contracts", advice.law))
    return Part("conditions", title, tuple(blocks))


def _residual(writer: Writer, residual: Residual, conditions: int, shown: int) -> Text:
    """The highest that remains of all threats on the page with every condition in place, whatever they need."""
    above = [item for item in on_page(writer) if item.threat.id in residual.remains]
    more = f" {conditions} conditions" if conditions > shown else " of them"
    below = f" ({conditions - shown} of them below the line)" if conditions > shown else ""
    start = Span(f"With all{more}{below} in place, ")
    last = max(above, key=lambda item: (residual.remains[item.threat.id], base_of(item)), default=None)
    if last is None:
        # A draft from before what remains was kept of each threat.
        last = next((item for item in writer.view.threats if item.threat.id == residual.threat), None)
        whose, before, after = "the highest CVSS base in default use", residual.before, residual.after
    else:
        whose, before = "the highest CVSS base of these threats", max(map(base_of, above))
        after = residual.remains[last.threat.id]
    if not after:
        return (start, Span("none of these threats remains."))
    highest: Text = (Span(" ("), *doc.ref(last.name), Span(").")) if last else doc.words(".")
    if after == before:
        return (start, Span(f"{whose} stays at "), *doc.strong(f"{tenth(after)} {severity(after)}"), *highest)
    return (start, Span(f"{whose} falls "), *doc.strong(_fall(before, after)), *highest)


def _fall(before: Decimal, after: Decimal) -> str:
    return f"{tenth(before)} → {tenth(after)} {severity(after)}"


def residuals(writer: Writer) -> Part:
    """In the appendix: what the conditions change of the threats that are not on the first two pages."""
    residual = writer.view.draft.advice.residual if writer.view.draft.advice else None
    above = on_page(writer)
    kept = [
        item for item in writer.view.threats if residual and item.threat.id in residual.remains and item not in above
    ]
    if residual is None or not kept:
        return Part("residuals", (), ())
    rows = []
    for item in kept:
        left = residual.remains[item.threat.id]
        changes = residual.changes.get(item.threat.id, "")
        rows.append(
            Row(
                (
                    doc.ref(item.name),
                    doc.words(tenth(base_of(item))),
                    doc.code(changes) if changes and left else doc.words("gone" if not left else "–"),
                    doc.words(tenth(left) if left else "gone"),
                )
            )
        )
    table = Table(("", "CVSS base", "What the conditions change", "What remains"), tuple(rows), frozenset({1, 3}))
    return Part("residuals", doc.words("What the conditions change of further threats"), (table,))


def _condition(writer: Writer, number: int, item: Condition) -> Row:
    names = {each.threat.id: each.name for each in writer.view.threats}
    above = {each.threat.id for each in on_page(writer)}
    told = [threat for threat in item.threats if threat in above] or list(item.threats)[:1]
    eased = sorted((names[threat] for threat in told if threat in names), key=lambda name: int(name[1:]))
    return Row(
        (
            doc.words(str(number)),
            writer.brief(f"Condition {number}", stopped(item.text), writer.room.condition),
            doc.words(item.who[:1].upper() + item.who[1:]),
            writer.prose.text(", ".join(eased) or "–"),
            doc.words(item.price.rstrip(".")),
        )
    )


def _older_conditions(writer: Writer) -> Block:
    """For a draft without advice: what its threats say that you can do, each once."""
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
