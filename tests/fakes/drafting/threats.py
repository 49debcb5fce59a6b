"""Hand-made fact sheets, threats and certainties for tests of what is drafted from facts."""

from decimal import Decimal
from typing import NamedTuple

from agent.drafting.layers.certainty import Certainty
from agent.drafting.threats.selection import Found, Placed
from agent.facts.sheet import build_sheet, combined, fact_id
from agent.facts.vocabulary import load_vocabulary
from agent.records import (
    SLOTS,
    Evidence,
    Fact,
    FactorEstimate,
    FactSheet,
    FactSource,
    Mitigation,
    Range,
    Score,
    Search,
    Slot,
    Threat,
    ThreatScore,
    ThreatStatement,
)
from agent.scoring import parse_request, score, severity
from agent.scoring.cvss import read_vector
from agent.taxonomy.factors import FACTOR_SETS, FACTORS, FactorKey
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LAYERS, LayerKey

INJECTION = "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:L/VI:H/VA:L/SC:L/SI:H/SA:L"
STOLEN_KEY = "CVSS:4.0/AV:N/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:N/SC:H/SI:H/SA:N"
OPEN_PORT = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H"


class Row(NamedTuple):
    """One fact to be made."""

    key: str
    quote: str
    slots: dict[str, str]
    polarity: str
    rank: int


def row(key: str, quote: str = "", polarity: str = "asserted", rank: int = 2, **slots: str) -> Row:
    """One fact; its quote by default names the key's title."""
    return Row(key, quote or f"It {load_vocabulary()[key].title}.", slots, polarity, rank)


def sheet_of(*rows: Row, statements: int = 40) -> FactSheet:
    """A sheet of these facts, E1 for the first one's quote, read from one document of some statements."""
    facts, evidence = [], []
    for number, one in enumerate(rows, start=1):
        mark = f"E{number}"
        start = 1000 * number
        evidence.append(
            Evidence(
                id=mark, document="D1", start=start, end=start + len(one.quote), quote=one.quote, rank=one.rank,
                about="product",
            )
        )  # fmt: skip
        slots = tuple(Slot(name=name, value=one.slots[name]) for name in SLOTS if name in one.slots)
        sources, sure = combined([FactSource(reader="llm", confidence=0.9)])
        facts.append(
            Fact(
                id=fact_id(one.key, one.polarity, "product", slots),
                key=one.key,
                polarity=one.polarity,
                slots=slots,
                about="product",
                evidence=(mark,),
                sources=sources,
                rank=one.rank,
                confidence=sure,
                state="denied" if one.polarity == "denied" else "claimed",
            )
        )
    return build_sheet(facts, evidence, (Search(reader="llm", documents=("D1",), statements=statements),))


class Example(NamedTuple):
    """A product with its facts."""

    name: str
    kind: ProductKind
    sheet: FactSheet


TICKETS = Example(
    "Tickety MCP",
    "mcp-server",
    sheet_of(
        row("mcp_server"),
        row("changes_records", object="issues and comments", counterpart="Tickety"),
        row("deletes_data", object="projects"),
        row("reads_untrusted_content", object="issue comments"),
        row("reads_private_data", data="customer names"),
        row("api_key", credential="personal access token"),
        row("scopes", scope="issues:write"),
        row("allow_list", object="tools", default="all tools are enabled", part="server", rank=3),
        row("local_process"),
        row("stdio"),
        row("fetched_at_start", object="the latest package"),
        row("named_clients", counterpart="Cursor and Claude Desktop"),
        row("own_logs", object="each call"),
    ),
)
CODER = Example(
    "Patchwright",
    "coding-agent",
    sheet_of(
        row("runs_commands", object="shell commands"),
        row("writes_files", object="files in the workspace"),
        row("changes_repo", object="pull requests"),
        row("reads_code"),
        row("reads_web"),
        row("plans_steps"),
        row("runs_unattended", polarity="configurable"),
        row("approval_before", action="running commands", default="on", part="command-line client", rank=3),
        row("approval_off", object="--yes-to-all"),
        row("sandbox", object="commands", default="off by default", rank=3),
        row("names_llm", object="Grannus 4"),
        row("local_process"),
        row("user_oauth"),
        row("mcp_client"),
        row("plugins"),
    ),
)
VOICE = Example(
    "Callowell",
    "voice-agent",
    sheet_of(
        row("places_calls", counterpart="patients"),
        row("sends_messages"),
        row("talks_with_public", counterpart="anyone who calls"),
        row("logs_content", data="call recordings"),
        row("scheduled"),
        row("vendor_cloud"),
        row("connected_services", counterpart="Hospicore"),
        row("connected_services", counterpart="Calendarium"),
        row("certification", object="SOC 2 Type II"),
        row("deletes_data", polarity="denied"),
    ),
)
THIN = Example("Nimbus", "other", sheet_of(row("takes_free_text"), statements=3))
EXAMPLES = (TICKETS, CODER, VOICE, THIN)


def threat(
    number: int, title: str, sheet: FactSheet, keys: tuple[str, ...], vector: str, *, default_use: bool = True,
    reasons: dict[str, str] | None = None,
) -> Threat:  # fmt: skip
    """A threat that rests on the facts of these keys."""
    facts = tuple(fact for fact in sheet.facts if fact.key in keys)
    base = read_vector(vector).base
    return Threat(
        id=f"T{number}",
        title=title,
        statement=ThreatStatement(source="an attacker", prerequisite="", action="", impact="", asset=""),
        taxonomy=(),
        state="claimed",
        score=ThreatScore(
            cvss_vector=vector, cvss_base=base, aivss=base, severity=severity(base), reasons=reasons or {}
        ),
        mitigations=(Mitigation(text="Narrow the key.", who="you", status="proposed", evidence=()),),
        evidence=tuple(mark for fact in facts for mark in fact.evidence),
        facts=tuple(fact.id for fact in facts),
        basis="quoted",
        default_use=default_use,
        how="Someone does something.",
        lost="data",
        by="embedded",
        place=number,
    )


def found_of(*placed: tuple[LayerKey, Threat]) -> Found:
    """What was found, the first threat as headline."""
    rows = tuple(Placed(layer, one) for layer, one in placed)
    first = rows[0].threat if rows else None
    base = first.score.cvss_base if first else None
    ends = (
        Range(value=base, low=max(base - 1, Decimal(0)), high=min(base + 1, Decimal(10))) if base is not None else None
    )
    return Found(threats=rows, headline=first, graver=None, base=ends, folded=())


def found_for(example: Example) -> Found:
    """A few threats that fit an example; none for a thin one."""
    sheet = example.sheet
    rows: list[tuple[LayerKey, Threat]] = []
    if example is TICKETS:
        rows = [
            ("agent_frameworks", threat(1, "Prompt injection through issue comments", sheet,
                ("reads_untrusted_content", "changes_records", "deletes_data"), INJECTION)),
            ("security_compliance", threat(2, "Stolen access token grants every tool", sheet,
                ("api_key", "changes_records"), STOLEN_KEY)),
            ("agent_ecosystem", threat(3, "Compromised package at start", sheet, ("fetched_at_start",), STOLEN_KEY)),
        ]  # fmt: skip
    elif example is CODER:
        rows = [
            ("agent_frameworks", threat(1, "Prompt injection through web pages runs commands", sheet,
                ("reads_web", "runs_commands"), INJECTION, reasons={"UI": "A: E8 asks first"})),
            ("agent_ecosystem", threat(2, "Hostile MCP server steers the session", sheet,
                ("mcp_client", "writes_files"), INJECTION)),
            ("security_compliance", threat(3, "Unattended run without confirmation", sheet,
                ("approval_off", "runs_commands"), OPEN_PORT, default_use=False)),
        ]  # fmt: skip
    elif example is VOICE:
        rows = [
            ("data_operations", threat(1, "Recordings of patients disclosed", sheet, ("logs_content",), STOLEN_KEY)),
            ("agent_ecosystem", threat(2, "Caller talks the agent out of its script", sheet,
                ("talks_with_public", "sends_messages"), INJECTION)),
        ]  # fmt: skip
    return found_of(*rows)


def factors_of(value: str = "0.5", width: str = "0.2") -> dict[FactorKey, FactorEstimate]:
    """The same estimate for every factor."""
    middle, half = Decimal(value), Decimal(width)
    return {
        key: FactorEstimate(
            value=middle,
            low=max(middle - half, Decimal(0)),
            high=min(middle + half, Decimal(1)),
            state="inferred",
            parts=(),
            rationale="",
            evidence=(),
        )
        for key in FACTORS
    }


def certainty_of(sheet: FactSheet, *certain: LayerKey) -> dict[LayerKey, Certainty]:
    """Certain layers rest on the facts that pin them."""
    return {
        layer: Certainty(
            certain=layer in certain,
            certainty=0.9 if layer in certain else 0.2,
            features={},
            facts=tuple(f.id for f in sheet.facts if layer in load_vocabulary()[f.key].pins),
        )
        for layer in LAYERS
    }


def pinned_of(sheet: FactSheet) -> dict[LayerKey, Certainty]:
    """Every layer that a fact pins is certain."""
    there = {fact.key for fact in sheet.facts}
    return certainty_of(sheet, *(layer for layer in LAYERS if there & {k.id for k in load_vocabulary().pinning(layer)}))


def score_of_base(base: str, *, withheld: str | None = None) -> Score:
    """A score over `factors_of()`."""
    ranges = {key: {"value": 0.5, "low": 0.3, "high": 0.7} for key in FACTOR_SETS["0.5"]}
    made = score(parse_request({"cvss_base": base, "factors": ranges, "mode": "directory"}))
    return made.model_copy(update={"withheld": withheld, "aivss": None, "severity": None}) if withheld else made
