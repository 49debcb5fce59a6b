"""The command `septet corpus`, which the CLI finds through an entry point."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from agent.errors import InputError, IntegrityError, SourceError
from agent.resources import data_folder
from evals.cases.corpus import import_file, load_cases, write_cases

if TYPE_CHECKING:
    from agent.records import Document
    from agent.review.domain.records import ReviewState
    from evals.cases.reviewed import SignedReview

_KEY: Final = re.compile(r"r[1-9][0-9]{0,8}")
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_FILE: Final = click.Path(path_type=Path, dir_okay=False)


@click.group("corpus")
def corpus_command() -> None:
    """Import and check labelled cases."""


@corpus_command.command("import")
@click.argument("file", type=_FILE)
@click.option("--out", required=True, type=_FOLDER, help="Folder to write the case folders to.")
@click.option("--force", is_flag=True, help="Replace existing cases that differ.")
def import_command(file: Path, out: Path, force: bool) -> None:
    """Write each line of the JSONL FILE as a case folder that a person can read and edit.

    Every line is checked before the first folder is written. An existing case with the same content is left alone; one
    that differs is refused without --force, so that nobody's edits are lost.
    """
    done = import_file(file, out, force=force)
    click.echo(f"{len(done.added)} added, {len(done.replaced)} replaced, {len(done.unchanged)} unchanged in {out}")


@corpus_command.command("add")
@click.argument("review", metavar="REVIEW")
@click.option(
    "--consent", required=True, metavar="NAME", help="Who agreed that the texts and labels may go into the corpus."
)
@click.option("--out", required=True, type=_FOLDER, help="Folder to write the case folder to.")
@click.option("--store", type=_FILE, metavar="FILE", help="The review store; your own by default.")
@click.option("--force", is_flag=True, help="Replace an existing case that differs.")
def add_command(review: str, consent: str, out: Path, store: Path | None, force: bool) -> None:
    """Write a signed REVIEW as a labelled case folder: its sources, and the reviewed values as a reader's labels.

    REVIEW is a review's key in the store, such as r1, or a signed draft.json. Its sources come from the store in which
    it was signed, which also contains the answers, or else from the snapshots next to the draft. The analyst's notes
    are left out, as are all values that rest on them alone and the signer's name. case.yaml records the consent.
    """
    from agent.settings import store_file
    from evals.cases.reviewed import case_of

    case = case_of(_signed(review, store or store_file(os.environ)), consent)  # noqa: TID251
    done = write_cases((case,), out, force=force)
    reader = case.labels.reader
    said = "unchanged" if done.unchanged else "replaced" if done.replaced else "added"
    labels = f"{len(reader.factors)} factors, {len(reader.layers)} layers" if reader else "no labels"
    click.echo(f"{case.slug} {said} in {out}: {labels}")


def _signed(review: str, path: Path) -> "SignedReview":
    """Load the signed review with this key or path. Raises InputError, SourceError, IntegrityError, StoreError."""
    from agent.report.draft_json import load, load_whole, verify_evidence
    from evals.cases.reviewed import SignedReview

    if _KEY.fullmatch(review):
        state, documents = _stored(path, review)
        waived = frozenset(one.item.id for one in state.items if one.verdict == "waived")
        return SignedReview(state.reviewed, documents, waived)
    draft = load(review, ())
    stamp = draft.review
    # Only the store has the answers: a draft's folder contains just the sources read before any question was answered.
    documents = ()
    if stamp is not None and path.is_file():
        try:
            state, found = _stored(path, stamp.review, stamp.number)
            documents = found if state.stamp is not None and state.stamp.head == stamp.head else ()
        except InputError:
            pass
        if documents:
            verify_evidence(draft, documents)
    if not documents:
        try:
            draft, documents = load_whole(review)
        except (SourceError, IntegrityError) as error:
            hint = f"{error.hint}, or give the store in which it was signed with --store"
            raise type(error)(error.what, where=error.where, hint=hint) from None
    listed = stamp is not None and len(stamp.waivers) == stamp.waived
    return SignedReview(draft, documents, frozenset(each.item for each in stamp.waivers) if stamp and listed else None)


def _stored(path: Path, key: str, number: int | None = None) -> "tuple[ReviewState, tuple[Document, ...]]":
    from agent.cli.source_options import now
    from agent.review.service import Service
    from agent.review.store.store import Store
    from agent.settings import Settings

    with Store.open(path, read_only=True) as opened:
        service = Service(opened, Settings(), now)
        return service.review(key, number), service.documents(key, number)


@corpus_command.command("lint")
@click.argument("folder", type=_FOLDER, required=False)
def lint_command(folder: Path | None) -> None:
    """Check the cases in FOLDER, or the bundled ones with their variants.

    Reports malformed cases, quotes that are not in the text, near-duplicates, and listings that use the labels' terms.
    """
    from evals.cases.lint import lint, lint_bundled

    cases = load_cases(folder or data_folder("corpus") / "cases")
    complaints = lint(cases) if folder else lint_bundled(data_folder("corpus"), cases)
    for complaint in complaints:
        click.echo(complaint)
    if complaints:
        said = "1 complaint" if len(complaints) == 1 else f"{len(complaints)} complaints"
        raise InputError(said, where=str(folder or "bundled corpus"), hint="fix the cases")
    click.echo(f"{len(cases)} cases, no complaints")
