"""`septet draft SOURCE…`: draft a threat model."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from agent.cli.llm_session import Choice, answer_options, choose, llm_option, open_assistant, unused_key
from agent.cli.source_options import PATH, note_text, now, progress_line, reading_options, tell
from agent.errors import UsageError
from agent.report.safe_markdown import one_line

if TYPE_CHECKING:
    from agent.pipeline import DraftResult
    from agent.settings import Settings


@click.command("draft")
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option("--out", type=PATH, help="Folder for draft.json, draft.md, snapshots/ and index/.")
@click.option("--replace", is_flag=True, help="Replace an earlier draft in --out even if it has a review.")
@reading_options
@click.option(
    "--from-snapshot",
    type=PATH,
    metavar="DIR",
    help="Instead of SOURCE: repeat the draft in DIR offline, from its saved inputs.",
)
@llm_option
@answer_options
@click.option("--json", "as_json", is_flag=True, help="Print draft.json instead of the report.")
def command(
    sources: tuple[str, ...],
    out: Path | None,
    replace: bool,
    product: str | None,
    notes: tuple[str, ...],
    allow_private: tuple[str, ...],
    from_snapshot: Path | None,
    llm: str | None,
    record: Path | None,
    replay: Path | None,
    fallback: str | None,
    as_json: bool,
) -> None:
    """Draft a threat model from SOURCE: a URL, a file (html, md, txt, pdf, json) or a folder.

    The first source is the listing; any others are documentation. With --out, only the beginning of the report is
    printed; without it, the whole report is printed and only the cache is kept. Repeating the call resumes an
    interrupted run.

    Without --llm or SEPTET_LLM, no LLM is used. With one, stderr shows the maximum usage before anything is sent.
    --from-snapshot repeats a draft made with an LLM from the answers in its folder, unless --llm requests new ones.

    A draft in --out that is under review is replaced only with --replace; its review stays in the store.

    \b
    Examples:
      septet draft https://directory.example/agents/acme --out acme
      septet draft listing.md docs.pdf --note "We run it in a shared CI account"
      septet draft listing.md --llm openai/gpt-5.6-terra --record answers
      septet draft --from-snapshot acme
    """
    from agent.pipeline import ANSWERS, draft, redraft, save
    from agent.settings import load_settings

    _check_call(sources, from_snapshot, more=bool(product or notes or allow_private))
    environ = os.environ  # noqa: TID251
    settings = load_settings(environ)
    if out is not None and not replace:
        _check_unreviewed(out, environ)
    choice, settings = _chosen(from_snapshot, llm, record, replay, fallback, settings, environ)
    with progress_line() as progress, ExitStack() as left:
        spare = Path(left.enter_context(TemporaryDirectory())) / ANSWERS if out is not None else None
        with open_assistant(choice, settings, environ, now=now(), spare=spare, say=progress, told=tell) as opened:
            helper = opened.assistant
            if from_snapshot is not None:
                result = redraft(from_snapshot, settings=settings, out=out, progress=progress, assistant=helper)
            else:
                result = draft(
                    sources, settings=settings, now=opened.now, out=out, product=product, assistant=helper,
                    notes=tuple(map(note_text, notes)), allow_private=allow_private, progress=progress,
                )  # fmt: skip
            if result.draft.drafter.kind == "embedded":
                opened.tell_spent()
            if result.unfinished is not None:
                left.callback(result.unfinished.close)
        if out is not None:
            progress(f"writing {out}")
            save(result, out, opened.answers)
    click.echo(result.json if as_json else result.markdown if out is None else _shown(result, out), nl=False)


def _shown(result: "DraftResult", out: Path) -> str:
    """Return the first screen of a draft written to `out`, with the path of the full report."""
    from agent.report.draft_folder import REPORT
    from agent.report.report import first_screen
    from agent.report.view import View

    lines = first_screen(View(result.draft, result.documents))
    more = f"Full report: {out / REPORT}. Where each statement comes from: septet explain {out}"
    return "\n".join([*lines, "", one_line(more)]) + "\n"


def _check_call(sources: tuple[str, ...], from_snapshot: Path | None, *, more: bool) -> None:
    if from_snapshot is None and not sources:
        raise UsageError(
            "no source was given", hint="specify a URL, a file, a folder, or --from-snapshot with an earlier draft"
        )
    if from_snapshot is not None and (sources or more):
        what = "a source" if sources else "--product, --note and --allow-private"
        hint = "it repeats the draft exactly, from its saved inputs"
        raise UsageError(f"--from-snapshot cannot be combined with {what}", hint=hint)


def _check_unreviewed(out: Path, environ: Mapping[str, str]) -> None:
    """Raise InputError if the draft in `out` is under review in the user's own store, so that it is not replaced."""
    from agent.errors import InputError, SeptetError, StoreError
    from agent.report.draft_json import FILE_NAME, load
    from agent.settings import store_file

    if not (out / FILE_NAME).is_file():
        return
    try:
        earlier = load(out)
        file = store_file(environ)
    except SeptetError:
        # An unreadable draft cannot be under review, and without a home folder there is no store.
        return
    if not file.is_file():
        return
    from agent.review.store.store import Store

    hint = "choose another folder, or add --replace; the review keeps its own copy of the draft"
    try:
        with Store.open(file, read_only=True) as store:
            key = next((key for name in (earlier.id, *earlier.earlier) if (key := store.review_of(name))), None)
    except StoreError as error:
        what = f"cannot determine whether the draft in this folder has a review: {error}"
        raise InputError(what, where=str(out), hint=hint) from None
    if key is not None:
        raise InputError(
            f"the draft of {earlier.product.name} in this folder has a review ({key})", where=str(out), hint=hint
        )


def _chosen(
    snapshot: Path | None,
    llm: str | None,
    record: Path | None,
    replay: Path | None,
    fallback: str | None,
    settings: "Settings",
    environ: Mapping[str, str],
) -> tuple[Choice, "Settings"]:
    # By default, a draft is repeated with its own answers and settings. SEPTET_LLM applies to new drafts only, and a
    # draft made while its LLM was unavailable is repeated without an LLM.
    from agent.intake.recording import load
    from agent.pipeline import answers_in

    if snapshot is not None and llm is None and replay is None:
        answers = answers_in(snapshot) if record is None else None
        if answers is not None:
            return Choice(replay=answers, fallback=True), load(snapshot).settings(settings)
        return choose(None, record, None, fallback, ""), settings
    if snapshot is None and replay is None and not (settings.llm if llm is None else llm).strip():
        tell(unused_key(environ))
    return choose(llm, record, replay, fallback, settings.llm), settings
