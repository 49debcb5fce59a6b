"""`septet facts DRAFT|SOURCE…`: show the fact sheet of a draft, or read one from sources."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from agent.cli.source_options import read
from agent.errors import SourceError, UsageError
from agent.report.safe_markdown import one_line

if TYPE_CHECKING:
    from agent.records import Fact, FactSheet

SCHEMA: Final = "septet/facts/1"
_DRAFT: Final = "draft.json"
_QUOTE: Final = 160
"""Maximum number of characters of a quote shown on a terminal; the JSON has the full text."""
_POLARITY: Final = {"asserted": "yes", "denied": "no", "configurable": "setting"}


@click.command("facts")
@click.argument("sources", nargs=-1, required=True, metavar="DRAFT|SOURCE...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (septet/facts/1) instead of a table.")
def command(sources: tuple[str, ...], as_json: bool) -> None:
    """Show the fact sheet of DRAFT (a folder or a draft.json), or read one from SOURCE (a URL, a file or a folder).

    Each fact states one security-relevant thing about the product (yes, no, or depends on a setting), with details, its
    quote, the strength of the evidence (rank 0 to 5) and the readers that found it. What was searched for without
    success is listed at the end.

    \b
    Examples:
      septet facts acme
      septet facts listing.md docs/ --json
    """
    first = Path(sources[0])
    is_draft = first.name == _DRAFT or (first / _DRAFT).is_file()
    if is_draft and len(sources) > 1:
        raise UsageError("a draft cannot be combined with other sources", hint="pass one draft, or only sources")
    if is_draft:
        from agent.report.draft_json import load_whole

        draft, documents = load_whole(sources[0])
        if draft.facts is None:
            hint = "draft again, or pass the sources instead"
            raise SourceError("this draft has no fact sheet", where=sources[0], hint=hint)
        sheet = draft.facts.sheet(draft.evidence)
    else:
        from agent.pipeline import read_documents

        documents = read(sources).documents
        sheet = read_documents(documents).sheet
    click.echo(_json(sheet) if as_json else _text(sheet, len(documents)), nl=False)


def _json(sheet: "FactSheet") -> str:
    from agent.records import draft_facts
    from agent.report.safe_json import dumps

    plain = {
        "schema": SCHEMA,
        "facts": draft_facts(sheet).model_dump(mode="json"),
        "evidence": [item.model_dump(mode="json") for item in sheet.evidence],
    }
    return dumps(plain, sort_keys=True)


def _text(sheet: "FactSheet", documents: int) -> str:
    from agent.facts.vocabulary import GROUPS, load_vocabulary

    words = load_vocabulary()
    quotes = {item.id: item.quote for item in sheet.evidence}
    lines = [f"{len(sheet.facts)} facts" + (f" from {documents} documents" if documents else "")]
    for group in GROUPS:
        own = [fact for fact in sheet.facts if words[fact.key].group == group]
        if own:
            lines += ["", words.titles[group]]
            for fact in own:
                lines += _rows(fact, words[fact.key].title, quotes)
    absent = [words[row.key].title for row in sheet.absent]
    if absent:
        lines += ["", f"Searched for but not found ({len(absent)}): {'; '.join(absent)}"]
    if sheet.dropped:
        lines += ["", f"Rejected proposals: {len(sheet.dropped)} (see --json)"]
    return "\n".join(lines) + "\n"


def _rows(fact: "Fact", title: str, quotes: dict[str, str]) -> list[str]:
    about = "" if fact.about == "product" else f" (of the {fact.about})"
    readers = ", ".join(source.reader for source in fact.sources)
    note = "" if fact.counts else ", does not count: contradicted"
    slots = "; ".join(f"{slot.name}: {one_line(slot.value)}" for slot in fact.slots)
    quote = one_line(quotes.get(fact.evidence[0], ""))
    rows = [f"  {_POLARITY[fact.polarity]:<8}{title}{about}  [rank {fact.rank}, {readers}{note}]"]
    if slots:
        rows.append(f"          {slots}")
    rows.append(f"          {fact.evidence[0]} “{quote[:_QUOTE]}{'…' if len(quote) > _QUOTE else ''}”")
    return rows
