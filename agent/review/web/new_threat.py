"""The page for adding a threat next to the sources, and storage of its unfinished form.

Each preview (by a button, or while a field changes) and each refusal keeps the form on the server, so that reloading
the page loses nothing. The form is kept until the threat is added, the form is started anew, or the app is closed.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from agent.errors import InputError
from agent.facts.anchor import locate
from agent.records import Document
from agent.report.sentences import metric_choices
from agent.review.domain.items import fact_marks, fact_title
from agent.review.domain.new_threat import Written, Wrong
from agent.review.domain.records import ReviewState
from agent.review.web.context import Analyst, Context, Key, Problem, Sent, Who, of_review, problem_of
from agent.review.web.forms import Field, Form, added_threat, read_span, sound, span_words, threat_fields
from agent.review.web.views.review import bar, every_quote
from agent.review.web.views.sources import Quotes, source
from agent.scoring.cvss import PREFIX
from agent.taxonomy.layers import LAYERS
from agent.taxonomy.lists import entries, scheme, schemes

_OPEN: Final = ("stride", "owasp-asi")
"""Lists that are shown expanded, in this order before all others."""
_NEXT: Final = ("owasp-agentic", "owasp-llm-2026", "owasp-mcp", "maestro")
_PART: Final = "preview"
_WRITTEN: Final = ("title", "how", "lost", "evidence", "span", "fact", "cvss_vector", "taxonomy", "note", "quote")
_FILLED: Final = ("title", "how", "lost", "statement", "mitigations")
_BEGUN: Final = ("statement.", "cvss.", "mitigations.")
Named = Annotated[list[Annotated[str, Query(max_length=60)]] | None, Query(max_length=20)]


class Chosen(NamedTuple):
    """A passage of a source that the threat cites."""

    value: str
    """The span as a form value."""
    words: str
    document: str
    title: str


class FactRow(NamedTuple):
    """A fact of the sheet that can be ticked."""

    id: str
    title: str
    quote: str
    ticked: bool


class Listed(NamedTuple):
    """A published list with selectable entries."""

    key: str
    title: str
    open: bool
    entries: tuple[tuple[str, str, str, bool], ...]
    """Value, id, title, and whether the entry is ticked."""


class Metric(NamedTuple):
    """A CVSS metric with descriptions of its values."""

    key: str
    name: str
    value: str
    choices: tuple[tuple[str, str], ...]


class AddView(NamedTuple):
    """The data for the page."""

    form: Form
    begun: bool
    fields: tuple[Field, ...]
    chosen: tuple[Chosen, ...]
    facts: tuple[FactRow, ...]
    metrics: tuple[Metric, ...]
    vector: str
    lists: tuple[Listed, ...]
    written: Written | None
    """The previewed threat; None for an empty form and if the form cannot be read."""
    vector_wrong: Wrong | None
    """The error in the vector, if any."""


def routes(context: Context) -> APIRouter:
    """Create the routes of the page."""
    router = APIRouter()

    @router.get("/r/{key}/add")
    def add(
        request: Request, key: Key, reviewer: Who, layer: Annotated[str, Query(max_length=40)] = "",
        span: Named = None, fact: Named = None,
    ) -> Response:  # fmt: skip
        form = _with(context.unfinished.of(key, reviewer), layer, span or (), fact or ())
        return page(context, request, key, form)

    @router.post("/r/{key}/add")
    def preview(request: Request, key: Key, form: Sent, reviewer: Analyst, part: str = "") -> Response:
        context.review(key)
        if form.has("anew"):
            context.unfinished.keep(key, reviewer, Form(()))
            return RedirectResponse(f"/r/{key}/add", 303)
        context.unfinished.keep(key, reviewer, form)
        return page(context, request, key, form, template="weighing.html" if part == _PART else "add.html")

    return router


def page(
    context: Context, request: Request, key: str, form: Form, *, status: int = 200, problem: Problem | None = None,
    template: str = "add.html",
) -> Response:  # fmt: skip
    """Render the page with a form as it was sent; `problem` says why the threat was not stored."""
    state, documents = context.review(key), context.service.documents(key)
    form = _located(form, documents)
    begun, written = _begun(form), None
    given = added_threat(form)
    if begun:
        try:
            written = of_review(key, lambda: context.service.weigh(key, sound(given)))
        except InputError as error:
            problem = problem or problem_of(error)
    view = AddView(
        form=form,
        begun=begun,
        fields=threat_fields({name: given[name] for name in _FILLED if name in given}, state.reviewed),
        chosen=_chosen(form, documents),
        facts=_facts(state, form),
        metrics=_metrics(given),
        vector=str(given["cvss_vector"]),
        lists=_lists(form),
        written=written,
        vector_wrong=next(
            (one for one in (written.wrong if written else ()) if one.field == "cvss_vector" and not one.missing), None
        ),
    )
    if template != "add.html":
        return context.page(request, template, add=view)
    quotes = every_quote(state)
    return context.page(
        request, template, status, bar=bar(state, context.service.focus_by_item(key), context.service.pace()), add=view,
        layers=LAYERS, problem=problem, quotes=Quotes(documents, quotes), cite="",
        sources=tuple(source(document, quotes) for document in documents),
    )  # fmt: skip


def _begun(form: Form) -> bool:
    return any(value.strip() for name, value in form.pairs if name in _WRITTEN or (name.startswith(_BEGUN) and
               not name.endswith((".who", ".status"))))  # fmt: skip


def _with(form: Form, layer: str, spans: Sequence[str], facts: Sequence[str]) -> Form:
    """Add the layer, spans and facts named in a link to the form."""
    pairs = [pair for pair in form.pairs if not layer or pair[0] != "layer"]
    pairs += [("layer", layer)] if layer else []
    pairs += [("span", each) for each in spans if each not in form.all("span")]
    pairs += [("fact", each) for each in facts if each not in form.all("fact")]
    return Form.of(pairs)


def _located(form: Form, documents: Sequence[Document]) -> Form:
    """Replace a quote copied into the form with its span, if the source contains the quote."""
    quote = form.get("quote").strip()
    document = next((each for each in documents if each.id == form.get("document")), None)
    found = locate(quote, document.text) if document is not None and quote else None
    if document is None or found is None:
        return form
    span = span_words(document.id, found.start, found.end)
    pairs = [pair for pair in form.pairs if pair[0] not in ("quote", "document") and pair != ("span", span)]
    return Form((*pairs, ("span", span)))


def _chosen(form: Form, documents: Sequence[Document]) -> tuple[Chosen, ...]:
    texts = {document.id: document for document in documents}
    made = []
    for value in dict.fromkeys(form.all("span")):
        name, start, end = read_span(value) or ("", 0, 0)
        document = texts.get(name)
        if document is not None:
            made.append(Chosen(value, document.text[start:end], name, document.title or document.url))
        else:
            made.append(Chosen(value, "", value, ""))
    return tuple(made)


def _facts(state: ReviewState, form: Form) -> tuple[FactRow, ...]:
    quotes = {item.id: item.quote for item in state.reviewed.evidence}
    ticked = form.all("fact")
    facts = state.reviewed.facts.facts if state.reviewed.facts else ()
    return tuple(
        FactRow(
            fact.id,
            fact_title(fact),
            next((quotes[mark] for mark in fact_marks(fact) if mark in quotes), ""),
            fact.id in ticked,
        )
        for fact in facts
    )


def _metrics(given: Mapping[str, object]) -> tuple[Metric, ...]:
    parts = str(given["cvss_vector"]).removeprefix(PREFIX).split("/")
    chosen = dict(part.split(":", 1) for part in parts if ":" in part)
    return tuple(Metric(key, name, chosen.get(key, ""), choices) for key, name, choices in metric_choices())


def _lists(form: Form) -> tuple[Listed, ...]:
    """Return the published lists, STRIDE and the agentic ones first. Ids in text fields of the form are ticked too."""
    rows = added_threat(form)["taxonomy"]
    ticked = {(row["scheme"], row["id"]) for row in rows if isinstance(row, dict)} if isinstance(rows, list) else set()
    names = list(dict.fromkeys((*_OPEN, *_NEXT, *schemes())))
    return tuple(
        Listed(
            name,
            f"{scheme(name).title}, {scheme(name).version}",
            name in _OPEN or any(each == name for each, _ in ticked),
            tuple((f"{name} {e.id}", e.id, e.title, (name, e.id) in ticked) for e in entries(name)),
        )
        for name in names
    )
