"""The page for adding a threat next to the sources, and storage of its unfinished form.

Each preview (requested with a button, or made when a field changes) and each refused attempt to add the threat stores
the form on the server, so that reloading the page loses nothing. The form is kept until the threat is added, the
reviewer starts over, or the app is closed.
"""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import RedirectResponse, Response

from agent.errors import InputError
from agent.facts.anchor import locate
from agent.records import Document
from agent.report.sentences import metric_choices
from agent.review.domain.items import fact_marks, fact_title, facts_of
from agent.review.domain.new_threat import Written
from agent.review.domain.records import ReviewState
from agent.review.web.context import Acting, At, Problem, Sent, Visit, problem_of
from agent.review.web.forms import Form, added_threat, read_span, sound, span_words, threat_fields
from agent.review.web.views.review import every_quote
from agent.review.web.views.sources import Quotes, source
from agent.scoring.cvss import PREFIX
from agent.taxonomy.layers import LAYERS
from agent.taxonomy.lists import entries, scheme, schemes

_OPEN: Final = ("stride", "owasp-asi")
"""Lists that are shown expanded and before all others, in this order."""
_NEXT: Final = ("owasp-agentic", "owasp-llm-2026", "owasp-mcp", "maestro")
_WRITTEN: Final = ("title", "how", "lost", "evidence", "span", "fact", "cvss_vector", "taxonomy", "note", "quote")
_FILLED: Final = ("title", "how", "lost", "statement", "mitigations")
_BEGUN: Final = ("statement.", "cvss.", "mitigations.")
_CHOICES: Final = (".who", ".status")
Named = Annotated[list[Annotated[str, Query(max_length=60)]] | None, Query(max_length=20)]
router = APIRouter()


@router.get("/r/{key}/add")
def add(at: At, layer: Annotated[str, Query(max_length=40)] = "", span: Named = None, fact: Named = None) -> Response:
    """Show the unfinished form, with the layer, spans and facts given in a link."""
    form = at.unfinished
    pairs = [pair for pair in form.pairs if not layer or pair[0] != "layer"]
    pairs += [("layer", layer)] if layer else []
    pairs += [("span", each) for each in span or () if each not in form.all("span")]
    pairs += [("fact", each) for each in fact or () if each not in form.all("fact")]
    return page(at, Form.of(pairs))


@router.post("/r/{key}/add")
def preview(form: Sent, at: Acting, part: str = "") -> Response:
    """Keep the form and show it with the threat's preview, or start over."""
    at.service.review(at.key)
    at.keep(Form(()) if form.has("anew") else form)
    if form.has("anew"):
        return RedirectResponse(f"/r/{at.key}/add", 303)
    return page(at, form, alone=part == "preview")


def page(at: Visit, form: Form, *, status: int = 200, problem: Problem | None = None, alone: bool = False) -> Response:
    """Render the page with the submitted form or, if `alone`, only the preview; `problem` says why the threat was not
    stored."""
    form, written = _located(form, at.documents), None
    if _begun(form):
        try:
            written = at.service.weigh(at.key, sound(added_threat(form)))
        except InputError as error:
            problem = problem or problem_of(error)
    view = AddView(form, at.state, at.documents, written)
    if alone:
        return at.context.page(at.request, "weighing.html", add=view)
    quotes = every_quote(at.state)
    return at.page(
        "add.html", status, add=view, layers=LAYERS, problem=problem, quotes=Quotes(at.documents, quotes), cite="",
        sources=[source(document, quotes) for document in at.documents],
    )  # fmt: skip


class AddView:
    """The data for the page; `written` is the previewed threat, None if the form is empty or cannot be read."""

    def __init__(self, form: Form, state: ReviewState, documents: Sequence[Document], written: Written | None) -> None:
        given, texts = added_threat(form), {document.id: document for document in documents}
        self.form, self.begun, self.written = form, _begun(form), written
        self.fields = threat_fields({name: given[name] for name in _FILLED if name in given})
        self.chosen: list[tuple[str, str, str, str]] = []
        """The cited passages: span, text, source id and source title."""
        for value in dict.fromkeys(form.all("span")):
            name, start, end = read_span(value) or ("", 0, 0)
            found = texts.get(name)
            words = (found.text[start:end], name, found.title or found.url) if found else ("", value, "")
            self.chosen.append((value, *words))
        quotes, ticked = {item.id: item.quote for item in state.reviewed.evidence}, form.all("fact")
        self.facts = [
            (fact.id, fact_title(fact), next(filter(None, map(quotes.get, fact_marks(fact))), ""), fact.id in ticked)
            for fact in facts_of(state.reviewed)
        ]
        """The facts of the sheet: id, title, first quote, and whether it is ticked as a basis of the threat."""
        self.vector = str(given["cvss_vector"])
        parts = self.vector.removeprefix(PREFIX).split("/")
        values = dict(part.split(":", 1) for part in parts if ":" in part)
        self.metrics = [(key, name, values.get(key, ""), choices) for key, name, choices in metric_choices()]
        """Each CVSS metric with its name, value and choices."""
        self.lists = _lists(given["taxonomy"])
        wrong = written.wrong if written else ()
        self.vector_wrong = next((one for one in wrong if one.field == "cvss_vector" and not one.missing), None)
        """The error in the vector, if any."""


def _begun(form: Form) -> bool:
    written = (name for name, value in form.pairs if value.strip() and not name.endswith(_CHOICES))
    return any(name in _WRITTEN or name.startswith(_BEGUN) for name in written)


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


def _lists(rows: object) -> list[tuple[str, bool, list[tuple[str, str, str, bool]]]]:
    """Return each published list's title, whether it is expanded, and its entries: value, id, title, whether ticked."""
    ticked = {(row["scheme"], row["id"]) for row in rows if isinstance(row, dict)} if isinstance(rows, list) else set()
    return [
        (
            f"{scheme(name).title}, {scheme(name).version}",
            name in _OPEN or any(each == name for each, _ in ticked),
            [(f"{name} {one.id}", one.id, one.title, (name, one.id) in ticked) for one in entries(name)],
        )
        for name in dict.fromkeys((*_OPEN, *_NEXT, *schemes()))
    ]
