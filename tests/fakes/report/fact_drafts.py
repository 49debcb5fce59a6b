"""A hand-written draft with facts: a tool server for a harbour office, as an LLM and the checks leave it."""

from decimal import Decimal
from functools import cache
from typing import Final

from agent.records import (
    Absence,
    Advice,
    Boundary,
    Chain,
    ClaimedControl,
    Condition,
    Draft,
    DrafterRef,
    DraftFacts,
    DroppedFact,
    Fact,
    FactLine,
    FactorEstimate,
    FactSource,
    Flow,
    Hop,
    LayerThreats,
    LikelyConstants,
    Mitigation,
    Product,
    Question,
    Range,
    Residual,
    Score,
    Search,
    System,
    SystemItem,
    Threat,
    ThreatScore,
    ThreatStatement,
)
from agent.scoring import Request, score, withhold
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from agent.taxonomy.layers import LayerKey
from tests.fakes.draft_parts import WHEN, document, quote, source

PAGE: Final = """# Berthkeeper

Berthkeeper is an MCP server through which an assistant reads mooring requests from visiting boats.
It assigns, moves and deletes berths with the office's key.
Requests arrive through a public form.
Every deletion waits for the harbour master, on by default, set by the owner under Safety.
An optional night mode answers requests without a person.
It is hosted by the vendor, and each call is kept in a log for thirty days.
"""
QUOTES: Final = (
    "reads mooring requests from visiting boats",
    "assigns, moves and deletes berths with the office's key",
    "Requests arrive through a public form",
    "Every deletion waits for the harbour master, on by default, set by the owner under Safety",
    "An optional night mode answers requests without a person",
    "It is hosted by the vendor",
    "each call is kept in a log for thirty days",
)
KEYS: Final = (
    "reads_untrusted_content",
    "deletes_data",
    "reads_untrusted_content",
    "approval_before",
    "runs_unattended",
    "vendor_cloud",
    "own_logs",
)
VALUES: Final[dict[FactorKey, tuple[str, str, str]]] = {
    "autonomy_of_action": ("0.4", "0.3", "0.6"),
    "self_modification": ("0.0", "0.0", "0.1"),
    "dynamic_tool_use": ("0.7", "0.6", "0.8"),
    "persistent_memory": ("0.2", "0.0", "0.4"),
    "contextual_awareness": ("0.5", "0.4", "0.6"),
    "dynamic_identity": ("0.1", "0.0", "0.3"),
    "multi_agent_interactions": ("0.1", "0.0", "0.2"),
    "non_determinism": ("0.5", "0.4", "0.6"),
    "opacity_reflexivity": ("0.3", "0.2", "0.5"),
    "natural_language_interface": ("0.6", "0.5", "0.8"),
    "goal_driven_planning": ("0.3", "0.2", "0.5"),
}
INJECTED: Final = "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:A/VC:L/VI:H/VA:L/SC:N/SI:N/SA:N"
STOLEN: Final = "CVSS:4.0/AV:N/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:L/SC:N/SI:N/SA:N"
UNATTENDED: Final = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:H/VA:H/SC:N/SI:N/SA:N"
NIGHT: Final = "injected-night-mode-run"
"""Id of a threat in the catalogue, which no reader should see."""


def fact(number: int, key: str, mark: str) -> Fact:
    return Fact(
        id=f"F{number:08x}", key=key, polarity="asserted", about="product", evidence=(mark,),
        sources=(FactSource(reader="llm", confidence=0.9),), rank=2, confidence=0.9, state="claimed",
    )  # fmt: skip


def estimates() -> dict[FactorKey, FactorEstimate]:
    return {
        key: FactorEstimate(
            value=Decimal(value), low=Decimal(low), high=Decimal(high), state="claimed", parts=(),
            rationale=f"The sources place it here ({number + 1} of eleven) [E{number % 7 + 1}].", evidence=(),
        )
        for number, (key, (value, low, high)) in enumerate(VALUES.items())
    }  # fmt: skip


def scored(vector: str) -> Score:
    ranges = {
        key: Range(value=each.value, low=each.low, high=each.high)
        for key, each in estimates().items() if key in FACTOR_SETS["0.8"]
    }  # fmt: skip
    request = Request(cvss_vector=vector, factors=ranges, factor_set="0.8", mode="directory")
    constants = LikelyConstants(below=Decimal("0.6"), above=Decimal("0.5"), calibration="fixture")
    return score(request, constants=constants)


def threat(identifier: str, title: str, vector: str, **rest: object) -> Threat:
    made = scored(vector)
    known = ThreatScore(
        cvss_vector=vector, cvss_base=made.cvss_base, aivss=made.aivss, severity=made.severity,
        reasons={"UI": "Deletion waits for the harbour master [E4]."} if "UI:A" in vector else {},
    )  # fmt: skip
    statement = ThreatStatement(source="", prerequisite="", action=title.lower(), impact="", asset="")
    remedies = (
        Mitigation(text=f"Narrow the key for {title.lower()}.", who="you", status="proposed", evidence=()),
        Mitigation(text=f"Document the limits of {title.lower()}", who="vendor", status="proposed", evidence=()),
    )
    fields = {"taxonomy": (), "state": "claimed", "mitigations": remedies, "statement": statement, **rest}
    return Threat.model_validate({"id": identifier, "title": title, "score": known, **fields})


def threats() -> dict[LayerKey, tuple[Threat, ...]]:
    return {
        "agent_frameworks": (
            threat(
                "injected-request-moves-berths", "Prompt injection through requests", INJECTED, basis="quoted",
                evidence=("E1", "E2", "E3"), facts=("F00000001", "F00000002"), lost="the plan of the harbour",
                how="A stranger hides orders in a mooring request, which anyone can send [E3]. The assistant obeys "
                "them with the office's key [E2].",
            ),
            threat(
                NIGHT, "Unattended night run", UNATTENDED, basis="needs a setting", setting="night mode is on",
                default_use=False, evidence=("E5",), facts=("F00000005",), lost="berths of paying guests",
                how="In night mode nobody sees a planted order before the berth is gone [F00000005].",
            ),
        ),
        "security_compliance": (
            threat(
                "stolen-office-key", "Stolen office key", STOLEN, basis="assumed", evidence=("E2",),
                facts=("F00000002",), lost="every berth and the names behind it",
                how="Whoever steals the office's key moves and deletes berths; its lifetime is not stated "
                "[E2, N:retention].",
            ),
        ),
    }  # fmt: skip


PARAGRAPHS: Final[dict[LayerKey, tuple[bool, str]]] = {
    "foundation_models": (False, "Tool servers usually leave the choice of the LLM to the client."),
    "data_operations": (True, "Mooring requests come from outsiders [E3]. A request is data that can carry orders."),
    "agent_frameworks": (True, "It can move berths as well as delete them [E2]."),
    "deployment_infrastructure": (True, "The vendor hosts it [E6]. Changes reach the office without an update."),
    "evaluation_observability": (True, "A log of each call is kept for thirty days [E7]."),
    "security_compliance": (True, "One key of the office is used for all calls [E2]."),
    "agent_ecosystem": (False, "A server of tools trusts whatever client holds its key."),
}


def layers() -> dict[LayerKey, LayerThreats]:
    found = threats()
    return {
        key: LayerThreats(
            applies="yes", certain=certain, certainty=Decimal("0.9" if certain else "0.2"), features={},
            paragraph=text if certain else f"Not certain from the listing — {text}", threats=found.get(key, ()),
            missing=None, question=None if certain else "Q1" if key == "foundation_models" else "Q2",
        )
        for key, (certain, text) in PARAGRAPHS.items()
    }  # fmt: skip


def questions() -> tuple[Question, ...]:
    return (
        Question(
            id="Q1", text="Which LLM runs behind the assistant, and who chooses it?", proposed="The client brings it.",
            settles=("foundation_models",), effect=0.4, why="A weak one obeys planted orders more often.",
            changes="The client brings it: the layer becomes certain.",
        ),
        Question(
            id="Q2", text="How long does the office's key live, and can it be narrowed?", proposed="One hour.",
            settles=("dynamic_identity",), effect=0.2, why="It decides what a theft is worth.",
            changes="Read-only keys: stolen-office-key shrinks to disclosure.", about=("stolen-office-key",),
        ),
    )  # fmt: skip


def system() -> System:
    def item(key: str, name: str, kind: str, *marks: str) -> SystemItem:
        return SystemItem(id=key, name=name, kind=kind, state="claimed" if marks else "inferred", evidence=marks)

    return System(
        actors=(item("boat", "Visiting boat", "outsider", "E3"),),
        components=(item("server", "Berthkeeper", "product", "E6"), item("client", "Assistant", "client")),
        stores=(item("plan", "Berth plan", "database", "E2"),), services=(),
        flows=(
            Flow(source="boat", target="server", what="request", state="claimed", evidence=("E3",)),
            Flow(source="client", target="server", what="calls", state="inferred", evidence=()),
            Flow(source="server", target="plan", what="writes", state="claimed", evidence=("E2",)),
        ),
        boundaries=(
            Boundary(id="cloud", name="Vendor's cloud", members=("server", "plan"), state="claimed", evidence=("E6",)),
        ),
        capabilities=(),
    )  # fmt: skip


def advice() -> Advice:
    return Advice(
        proposal="use with conditions",
        conditions=(
            Condition(
                text="Confirm each move of a berth in the client", who="operator", price="a minute a request",
                threats=("injected-request-moves-berths",), after={"injected-request-moves-berths": Decimal("2.1")},
            ),
            Condition(text="Keep night mode off", who="harbour office", price="", threats=(NIGHT,)),
        ),
        residual=Residual(before=Decimal("7.6"), after=Decimal("7.6"), threat="stolen-office-key"),
        law="Requests name people, so settle purpose and retention first.",
    )  # fmt: skip


@cache
def harbour() -> Draft:
    """Return the draft; its evidence is in `PAGE`."""
    page = document("D1", "https://berthkeeper.example/", "Berthkeeper", PAGE)
    searched = (Search(reader="llm", documents=("D1",), statements=8),)
    return Draft(
        id="draft-0123456789abcdef", created_at=WHEN, sources=(source(page),), system=system(), assumptions=(),
        product=Product(
            name="Berthkeeper", vendor="Quayside", summary="", kind="mcp-server",
            posture="An assistant with the office's key assigns, moves and deletes berths [E2]. What it reads comes "
            "from a public form, so a stranger can address it [E3]. A deletion waits for the harbour master [E4].",
        ),
        evidence=tuple(quote(n, page, text, 3 if n == 4 else 2) for n, text in enumerate(QUOTES, 1)),
        factors=estimates(), layers=layers(), questions=questions(), score=scored(INJECTED),
        chains=(
            Chain(
                title="From a public form to lost berths", threats=("injected-request-moves-berths", NIGHT),
                hops=(Hop.model_validate({"from": "injected-request-moves-berths", "to": NIGHT, "evidence": ("E5",)}),),
            ),
        ),
        drafter=DrafterRef(kind="llm", llm="acme-large", prompts=()), usage={}, dropped=(), lowerings=(), manifest={},
        facts=DraftFacts(
            facts=tuple(fact(n, key, f"E{n}") for n, key in enumerate(KEYS, 1)),
            absent=tuple(Absence(key=key, searched=searched) for key in ("retention", "user_oauth", "traces_metrics")),
            dropped=(DroppedFact(key="encryption", reader="llm", quote="all data is safe", reason="quote not found"),),
        ),
        lines=(
            FactLine(label="Acts", text="Assigns, moves and deletes berths [E2]", facts=("F00000002",), evidence=()),
            FactLine(label="Approval", text="The harbour master confirms a deletion.", facts=(), evidence=("E4",)),
            FactLine(label="Credentials", text="The office's key. Its lifetime is not stated.", facts=(), evidence=()),
        ),
        controls=(
            ClaimedControl(
                text="Every deletion waits for the harbour master", part="server", rank=3, counted=True,
                why="UI:A in T1: a deletion takes a person.", facts=("F00000004",), evidence=("E4",),
            ),
            ClaimedControl(
                text="Each call is kept in a log.", part="hosted service", rank=2, counted=False,
                why="It records and stops nothing.", facts=("F00000007",), evidence=("E7",),
            ),
        ),
        advice=advice(),
    )  # fmt: skip


@cache
def withheld() -> Draft:
    """Return the same draft with its score withheld."""
    draft = harbour()
    return draft.model_copy(update={"score": withhold(draft.score, "only one of 7 layers is certain")})
