"""What intake read and found, as JSON for programs and as text for a terminal.

Everything from a source is printed on one line, with control characters made visible.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from agent.intake.extract.statements import language
from agent.intake.extract.statements.vendor_claims import claims
from agent.records import Intake
from agent.report.safe_json import dumps
from agent.report.safe_markdown import one_line
from agent.report.sentences import finding_name

SCHEMA: Final = "septet/intake/1"
_HASH: Final = 12
_STATES: Final = ("read", "refused", "skipped")
_MAX_LINKS: Final = 40
"""Maximum number of read links that the text lists for each reason; the JSON has all."""
_MAX_CLAIMS: Final = 10
"""Maximum number of claims per document that the text lists."""
_MAX_SHOWN: Final = 5
"""Maximum number of unread links that the text lists for each reason."""


def as_json(intake: Intake) -> str:
    """Serialise the `septet/intake/1` object, with a line feed at the end. Fields about the product, such as `product`,
    `candidates` and `sites`, are left out if they are empty."""
    named = ("product", "aliases", "vendor", "naming", "candidates", "sites")
    plain = intake.model_dump(mode="json", include={"links", "missing", "budget", *named})
    whole: dict[str, object] = {
        "schema": SCHEMA,
        "source": intake.source,
        "final_url": intake.final_url,
        "documents": [
            {
                "document": document.id,
                "url": document.url,
                "sha256": document.sha256,
                "kind": document.kind,
                "media_type": document.media_type,
                "chars": len(document.text),
                "findings": [finding.model_dump(mode="json") for finding in document.findings],
                "language": document.language,
                "vendor_claims": [claim.model_dump(include={"start", "end", "text"}) for claim in claims(document)],
            }
            for document in intake.documents
        ],
    }
    whole |= {key: plain[key] for key in ("links", "missing", "budget")}
    return dumps(whole | {key: plain[key] for key in named if plain[key]})


def as_text(intake: Intake) -> str:
    """Format the result of intake as text: documents, findings, links by outcome, what is missing, and the budget."""
    parts = (_subject, _documents, _findings, _claims, _links, _ending)
    return "\n".join(line for part in parts for line in part(intake)) + "\n"


def _subject(intake: Intake) -> Iterator[str]:
    yield f"Source: {one_line(intake.source)}"
    if intake.final_url != intake.source:
        yield f"Resolved to: {one_line(intake.final_url)}"
    if intake.product:
        yield f"Product: {one_line(intake.product)}" + (f" ({one_line(intake.naming)})" if intake.naming else "")
    if intake.aliases:
        yield f"Also called: {', '.join(map(one_line, intake.aliases))}"
    if intake.vendor:
        yield f"Vendor: {one_line(intake.vendor)}"
    if intake.candidates:
        yield f"Products on the page: {', '.join(map(one_line, intake.candidates))}"
    for site in intake.sites:
        yield f"Followed a link to its {site.role}: {one_line(site.url)} (found under {one_line(site.because)!r})"


def _documents(intake: Intake) -> Iterator[str]:
    yield from ("", f"Documents ({len(intake.documents)})")
    for item in intake.documents:
        form = f", {item.form}" if item.form != "prose" else ""
        spoken = f", in {language.name(item.language)}" if not language.is_english(item.language) else ""
        facts = f"{item.kind}{form}{spoken}, {item.media_type}, {len(item.text)} characters, {item.sha256[:_HASH]}"
        yield f"  {item.id}  {one_line(item.title)}" if item.title else f"  {item.id}"
        yield f"      {one_line(item.url)}"
        yield f"      {one_line(facts)}"


def _findings(intake: Intake) -> Iterator[str]:
    found = [finding for document in intake.documents for finding in document.findings]
    yield from ("", f"Findings ({len(found)})")
    for finding in found:
        inside = f"characters {finding.start}-{finding.end}" if finding.end > finding.start else "removed from the text"
        yield f"  {finding.document}  {finding_name(finding)}: {one_line(f'{finding.where}, {inside}')}"
        if finding.excerpt:
            yield f'      "{one_line(finding.excerpt)}"'


def _claims(intake: Intake) -> Iterator[str]:
    """Yield the sentences behind findings of kind `vendor-claim`, at most `_MAX_CLAIMS` for each document."""
    for document in intake.documents:
        if found := claims(document):
            yield from ("", f"Vendor's claims in {document.id} ({len(found)})")
            yield from _first([statement.text for statement in found], _MAX_CLAIMS, "  ")


def _links(intake: Intake) -> Iterator[str]:
    """Yield links by outcome and reason: for each reason, at most `_MAX_LINKS` read or `_MAX_SHOWN` unread links."""
    for state in _STATES:
        reasons: dict[str, list[str]] = {}
        for link in intake.links:
            if link.state == state:
                reasons.setdefault(link.reason, []).append(link.url)
        if reasons:
            yield from ("", f"Links {state} ({sum(map(len, reasons.values()))})")
        for reason, urls in sorted(reasons.items(), key=lambda item: -len(item[1])):
            yield f"  {one_line(reason)} ({len(urls)})"
            yield from _first(urls, _MAX_LINKS if state == "read" else _MAX_SHOWN, "      ")


def _first(texts: Sequence[str], most: int, indent: str) -> Iterator[str]:
    yield from (f"{indent}{one_line(text)}" for text in texts[:most])
    if len(texts) > most:
        yield f"{indent}and {len(texts) - most} more; --json lists all"


def _ending(intake: Intake) -> Iterator[str]:
    if intake.missing:
        yield from ("", f"Missing ({len(intake.missing)})")
        yield from (f"  {gap.reason}: {one_line(gap.detail)}" for gap in intake.missing)
    budget = intake.budget
    yield ""
    yield (
        f"Budget: {budget.pages_used} of {budget.pages} pages, {budget.bytes_used} of {budget.bytes} bytes, "
        f"at most {budget.seconds:g} seconds and {budget.depth} links deep; {budget.connections_per_host} connections "
        f"per host, requests {budget.delay_seconds:g} seconds apart"
    )
