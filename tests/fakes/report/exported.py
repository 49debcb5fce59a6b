"""Drafts of every sort that a format must handle, each as a view: certain, thin, withheld, in review, hostile."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Final

from agent.records import SystemItem, Threat
from agent.report.view import View
from agent.scoring import severity
from tests.fakes.draft_parts import document
from tests.fakes.drafts import CARD, thin, workos, workos_documents
from tests.fakes.report.fact_drafts import PAGE, harbour, withheld
from tests.fakes.report.stored_assisted import TEXTS, golden
from tests.fakes.review.reviewing import Desk, case_documents, case_draft

HARBOUR: Final = (document("D1", "https://berthkeeper.example/", "Berthkeeper", PAGE),)
WORST: Final = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H"
EVIL: Final = (
    '=HYPERLINK("http://evil.example","x") <script>alert(1)</script> {0} [here](http://evil.example) @admin #1 '
    "![i](http://evil.example/i.png) {code} !i.png! |a| \u202etxt\u2066 \x1b[2J --> ]]> `x`"
)
STRUCK: Final = "L7-insecure-code"
WAIVED: Final = "L1-guide-as-instruction"


def hostile() -> View:
    """Return the harbour draft with orders, formulas and markup in every field that comes from a source."""
    draft = harbour()
    layers = {
        key: layer.model_copy(update={"threats": tuple(_evil(threat) for threat in layer.threats)})
        for key, layer in draft.layers.items()
    }
    product = draft.product.model_copy(update={"name": EVIL, "vendor": EVIL})
    sources = tuple(s.model_copy(update={"url": f"https://evil.example/{EVIL}"}) for s in draft.sources)
    evidence = tuple(item.model_copy(update={"quote": EVIL}) for item in draft.evidence)
    update = {"layers": layers, "product": product, "sources": sources, "evidence": evidence}
    return View(draft.model_copy(update=update))


def _evil(threat: Threat) -> Threat:
    texts = dict.fromkeys(("title", "how", "lost", "setting"), EVIL)
    remedies = tuple(each.model_copy(update={"text": EVIL}) for each in threat.mitigations)
    return threat.model_copy(update={**texts, "mitigations": remedies})


def critical() -> View:
    """Return the harbour draft with a first threat of the highest severity."""
    draft = harbour()
    layer = draft.layers["agent_frameworks"]
    first, *rest = layer.threats
    score = first.score.model_copy(update={"cvss_vector": WORST, "cvss_base": Decimal("10.0")})
    assert severity(score.cvss_base) == "Critical"
    changed = layer.model_copy(update={"threats": (first.model_copy(update={"score": score}), *rest)})
    return View(draft.model_copy(update={"layers": {**draft.layers, "agent_frameworks": changed}}), HARBOUR)


def signed() -> View:
    """Return WorkOS after a review: one threat struck, one waived, the rest confirmed."""
    desk = Desk(workos(), workos_documents()).act("strike", f"threat/{STRUCK}", note="no code leaves it")
    desk = desk.act("waive", f"threat/{WAIVED}", reason="accepted-risk", note="read by its authors alone").closed()
    return View(desk.act("sign").state.reviewed, workos_documents())


def embedded() -> View:
    """Return the current draft of a bundled case."""
    return View(case_draft("airtable-mcp-server"), case_documents("airtable-mcp-server"))


_VIEWS: Final[dict[str, Callable[[], View]]] = {
    "certain": lambda: View(workos(), workos_documents()),
    "thin": lambda: View(thin(), (document("D1", "paperhawk.md", "Paperhawk", CARD),)),
    "with-facts": lambda: View(harbour(), HARBOUR),
    "withheld": lambda: View(withheld(), HARBOUR),
    "critical": critical,
    "with-an-llm": lambda: View(golden(), TEXTS),
    "signed": signed,
    "embedded": embedded,
    "hostile": hostile,
}
VIEWS: Final = {name: cache(make) for name, make in _VIEWS.items()}


def threats(view: View) -> list[Threat]:
    """Return all threats of the draft."""
    return [threat for layer in view.draft.layers.values() for threat in layer.threats]


def items(view: View) -> dict[str, SystemItem]:
    """Return all items of the system picture by id."""
    system = view.draft.system
    return {item.id: item for item in (*system.actors, *system.components, *system.stores, *system.services)}
