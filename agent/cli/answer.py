"""`septet answer DRAFT FILE.yaml`: add a vendor's or an analyst's answers to a draft, and reply to contested points."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from agent.cli.review import reviewer_of
from agent.cli.source_options import PATH, now, progress_line
from agent.errors import InputError, SourceError
from agent.report.safe_markdown import Column, plain, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.records import Document, Draft
    from agent.review.domain.records import Reviewer, ReviewState
    from agent.review.domain.redraft import Redrafted
    from agent.review.domain.response import Response
    from agent.review.service import Service
    from agent.settings import Settings

_PROPOSED: Final = 3
"""Maximum number of keys that a hint suggests."""


@click.command("answer")
@click.argument("folder", metavar="DRAFT", type=PATH)
@click.argument("file", metavar="FILE.yaml", type=PATH)
@click.option(
    "--store",
    metavar="FILE",
    type=PATH,
    help="Store with a review of DRAFT: also record the answers and contested points there, and redraft that review.",
)
@click.option("--reviewer", "name", metavar="NAME", help="Who records them there; your user name by default.")
def command(folder: Path, file: Path, store: Path | None, name: str | None) -> None:
    """Add the answers in FILE.yaml to DRAFT (a draft's folder) as facts, and print the values before and after.

    The new draft replaces the old one; its manifest records the earlier draft's id. Each answer becomes a source, and
    what it states becomes a fact. A vendor's facts have rank 2 and do not lower any value until a page or an analyst
    confirms them; an analyst's facts have rank 5. List facts that an answer does not state explicitly under its
    `states`: `Q1: {answer: …, states: {retention: yes}}`. Nothing is fetched. With --store, the answers are also
    recorded in the review, after the decisions already made there, and the changes are printed: score, factors, items.
    Contested points change nothing on their own: they are printed as a reply to fill in, and with --store a reviewer
    decides on them. Close open reviews first, since only one process can write to a store at a time. If a draft from an
    earlier release cannot be recomputed from its facts, only the parts that the answers affect are redrafted.

    \b
    Examples:
      septet answer acme acme-answers.yaml
      septet answer acme acme-answers.yaml --store ~/.local/share/septet/review.sqlite
    """
    from agent.review.domain.redraft import redraft, write_answered
    from agent.review.domain.response import answers_of, read_response
    from agent.settings import load_settings

    environ = os.environ  # noqa: TID251
    settings = load_settings(environ)
    draft, documents = _draft_in(folder)
    response = read_response(file)
    _check(response, draft, file)
    answers = answers_of(response, [question.id for question in draft.questions])
    # Use one timestamp for the folder and the review, so that both get the same draft unless the review contains other
    # decisions.
    made, at, reviewed = None, now(), ""
    if answers:
        with progress_line() as progress:
            progress("redrafting")
            made = redraft(draft, documents, answers, settings=settings, at=at)
    if store is None:
        reply = _reply(response, draft)
    else:
        with _review_of(store, draft, settings, at) as (service, key):
            taken = made.draft.id if made is not None else ""
            reviewed, reply = _on_record(service, key, file, reviewer_of(name, "analyst", environ), taken)
    if made is not None:
        _say_silent(made, draft)
        write_answered(folder, made, answers, settings)
        click.echo(_score_change(draft, made), nl=False)
    parts = [part for part in (reviewed, reply if response.contests else "") if part]
    click.echo("\n".join(["", *parts] if made is not None and parts else parts), nl=False)


def _draft_in(folder: Path) -> "tuple[Draft, tuple[Document, ...]]":
    from agent.report import draft_folder
    from agent.report.draft_json import load_whole

    if not folder.is_dir():
        hint = "specify the folder that `draft --out` wrote"
        raise SourceError("the draft is not a folder", where=str(folder), hint=hint)
    draft_folder.check(folder)
    draft, documents = load_whole(folder)
    if not documents:
        raise InputError("the draft has no source texts", where=str(folder), hint="draft again with --out")
    if draft.review is not None:
        raise InputError("the draft is signed", where=str(folder), hint="specify the folder of an unsigned draft")
    return draft, documents


def _check(response: "Response", draft: "Draft", file: Path) -> None:
    """Raise InputError if a response is about another draft, is empty, or contests an unknown item."""
    from agent.review.domain.response_acts import contested_item

    if response.draft != draft.id:
        raise InputError(f"the response is for {response.draft[:80]!r}", where=str(file), hint=f"this is {draft.id}")
    if not response.given and not response.contests:
        raise InputError(
            "the response contains no answers or contested points", where=str(file), hint="fill in at least one answer"
        )
    for number, point in enumerate(response.contests, 1):
        contested_item(draft, point, number)


def _reply(response: "Response", draft: "Draft") -> str:
    """Build the reply to the contested points, leaving every decision open for a reviewer to fill in."""
    from agent.review.domain.items import items_of
    from agent.review.domain.records import Contest
    from agent.review.domain.response_acts import contested_item, reply_text

    points = [
        Contest(
            number=number, item=contested_item(draft, point, number), kind=point.kind, text=point.text, url=point.url,
            sender=response.sender, decision="open", rule="", effect="",
        )
        for number, point in enumerate(response.contests, 1)
    ]  # fmt: skip
    titles = {item.id: item.title for item in items_of(draft, (), {})}
    return reply_text(draft.product.name, draft.id, points, titles)


@contextmanager
def _review_of(path: Path, draft: "Draft", settings: "Settings", at: str) -> "Iterator[tuple[Service, str]]":
    """Open the store at `path`, and yield its service with the key of the draft's review.

    Raises InputError if there is no store, or no review of the draft in it.
    """
    from agent.review.service import Service
    from agent.review.store.store import Store

    if not path.is_file():
        hint = "`septet review --store FILE DRAFT` creates one"
        raise InputError("the store does not exist", where=str(path), hint=hint)
    with Store.open(path) as store:
        service = Service(store, settings, lambda: at)
        key = service.review_of(draft)
        if key is None:
            hint = f"add it first: septet review --store {path} DRAFT"
            raise InputError(f"the store has no review of {draft.id}", where=str(path), hint=hint)
        yield service, key


def _say_silent(made: "Redrafted", draft: "Draft") -> None:
    """Report which answers yield no fact, and suggest the facts they could state."""
    from agent.review.domain.facts.from_answers import keys_asked

    asked = {question.id: question for question in draft.questions}
    for name in made.silent:
        keys = ", ".join(f"{key.id}: yes" for key in keys_asked(asked[name])[:_PROPOSED])
        click.echo(f"{name} does not state a fact, so it changes nothing", err=True)
        click.echo(f"hint: add the facts it states, as in `states: {{{keys or 'retention: yes'}}}`", err=True)


def _on_record(service: "Service", key: str, file: Path, reviewer: "Reviewer", draft: str) -> tuple[str, str]:
    """Record a response in a review, and redraft the review if it has new answers.

    Returns a description of the changes, which is empty if nothing was answered, and the reply to contested points.
    """
    before = service.review(key)
    done = service.respond(key, file.read_bytes(), reviewer, draft=draft)
    click.echo(f"{len(done.events)} events recorded in {key}", err=True)
    if service.waiting(key):
        with progress_line() as progress:
            progress("redrafting the review")
            done = service.redraft(key, reviewer, done.state.version)
    elif all(event.verb != "answer" for event in done.events):
        return "", service.reply(key)
    return _moved(before, done.state), service.reply(key)


def _moved(before: "ReviewState", after: "ReviewState") -> str:
    """Describe how answers changed a review: the score, its parts, and the items added, removed or reopened."""
    from agent.review.domain.effects.decisions import score_words, what_moved
    from agent.review.domain.redraft import moved_rows

    was = {one.item.id: one.verdict for one in before.items if not one.fell}
    now_ = {one.item.id: one.verdict for one in after.items if not one.fell}
    items = {
        "New": [name for name in now_ if name not in was],
        "Gone": [name for name in was if name not in now_],
        "Reopened": [name for name in now_ if now_[name] == "open" and was.get(name, "open") != "open"],
    }
    moved = what_moved(before, after)
    changed = moved_rows(before.reviewed, after.reviewed)
    rows = [[row.what, row.before, row.after] for row in changed if row.what != "score"]
    rows.append(["score", score_words(moved.before), score_words(moved.after)])
    lines = [f"Review {before.key}, answered: {plain(moved.text)}", "", *_table(rows), ""]
    lines += [f"{what}: {', '.join(f'`{name}`' for name in names)}" for what, names in items.items() if names]
    return "\n".join(lines).rstrip() + "\n"


def _score_change(before: "Draft", made: "Redrafted") -> str:
    """Return a table of the values before and after the answers were applied."""
    from agent.review.domain.redraft import score_text

    rows = [[row.what, row.before, row.after] for row in made.moved]
    if all(row.what != "score" for row in made.moved):
        rows.append(["score", *([score_text(before)] * 2)])
    return "\n".join([f"Draft {before.id} → {made.draft.id}", "", *_table(rows)]) + "\n"


def _table(rows: "Iterable[Sequence[str]]") -> list[str]:
    """Format rows of a key, its old value and its new value as a Markdown table."""
    from agent.report.view import name_of

    columns = (Column("what"), Column("before"), Column("after"))
    return table(columns, [[plain(name_of(what)), plain(before), plain(after)] for what, before, after in rows])
