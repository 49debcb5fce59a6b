"""Products with their facts, threats and certainties, for tests of what is drafted from facts."""

from decimal import Decimal

from agent.drafting.judgement import Given, JudgedMetric, JudgedThreat, Judgement, Metric
from agent.drafting.layers.certainty import Certainty
from agent.drafting.threats.cvss_vectors import METRICS
from agent.drafting.threats.selection import Found, Placed
from agent.facts.sheet import without
from agent.facts.vocabulary import load_vocabulary
from agent.records import Fact, FactSheet, Mitigation, Range, Score, Threat, ThreatScore, ThreatStatement
from agent.scoring import parse_request, score, severity
from agent.scoring.cvss import read_vector
from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS, LayerKey
from tests.fakes.drafting.sheets import row, sheet_of

INJECTION = "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:L/VI:H/VA:L/SC:L/SI:H/SA:L"
STOLEN_KEY = "CVSS:4.0/AV:N/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:N/SC:H/SI:H/SA:N"
OPEN_PORT = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H"

TICKETS = Given(
    name="Tickety MCP",
    kind="mcp-server",
    sheet=sheet_of(
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
CODER = Given(
    name="Patchwright",
    kind="coding-agent",
    sheet=sheet_of(
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
VOICE = Given(
    name="Callowell",
    kind="voice-agent",
    sheet=sheet_of(
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
THIN = Given(sheet_of(row("takes_free_text"), statements=3), "Nimbus", "other")
EXAMPLES = (TICKETS, CODER, VOICE, THIN)


def fact_of(given: Given, key: str) -> Fact:
    """Return the first fact with a key."""
    return next(fact for fact in given.sheet.facts if fact.key == key)


def struck(given: Given, fact: Fact) -> Given:
    """Return the product without a fact."""
    return given._replace(sheet=without(given.sheet, fact.id))


def led(given: Given, **parts: object) -> Given:
    """Return the product with these parts of an LLM's judgement."""
    return given._replace(judgement=Judgement.model_validate(parts))


def threat(
    number: int, title: str, sheet: FactSheet, keys: tuple[str, ...], vector: str, *, default_use: bool = True,
    reasons: dict[str, str] | None = None,
) -> Threat:  # fmt: skip
    """Return a threat that rests on the facts with these keys."""
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


def judged(values: dict[Metric, str] | str, **fields: object) -> JudgedThreat:
    """Return an LLM's threat with these metrics."""
    pairs = dict(zip(METRICS, values, strict=True)) if isinstance(values, str) else values
    told = {
        "title": "A threat",
        "actor": "an outsider",
        "how": "An outsider does it.",
        "lost": "data",
        "layer": "agent_frameworks",
        "basis": "quoted",
        "metrics": {metric: JudgedMetric(value=value, reason="because") for metric, value in pairs.items()},
    }
    return JudgedThreat.model_validate({**told, **fields})


def found_of(*placed: tuple[LayerKey, Threat]) -> Found:
    """Return what was found, with the first threat as headline."""
    rows = tuple(Placed(layer, one) for layer, one in placed)
    if not rows:
        return Found(threats=(), headline=None, base=None, folded=())
    base = rows[0].base
    ends = Range(value=base, low=max(base - 1, Decimal(0)), high=min(base + 1, Decimal(10)))
    return Found(threats=rows, headline=rows[0].threat, base=ends, folded=())


THREATS = {
    TICKETS.name: (
        ("agent_frameworks", "Prompt injection through issue comments",
         ("reads_untrusted_content", "changes_records", "deletes_data"), INJECTION),
        ("security_compliance", "Stolen access token grants every tool", ("api_key", "changes_records"), STOLEN_KEY),
        ("agent_ecosystem", "Compromised package at start", ("fetched_at_start",), STOLEN_KEY),
    ),
    CODER.name: (
        ("agent_frameworks", "Prompt injection through web pages runs commands", ("reads_web", "runs_commands"),
         INJECTION),
        ("agent_ecosystem", "Hostile MCP server steers the session", ("mcp_client", "writes_files"), INJECTION),
        ("security_compliance", "Unattended run without confirmation", ("approval_off", "runs_commands"), OPEN_PORT),
    ),
    VOICE.name: (
        ("data_operations", "Recordings of patients disclosed", ("logs_content",), STOLEN_KEY),
        ("agent_ecosystem", "Caller talks the agent out of its script", ("talks_with_public", "sends_messages"),
         INJECTION),
    ),
}  # fmt: skip


def found_for(given: Given) -> Found:
    """Return a few threats that fit a product, or none for a thin one. An open port needs a setting."""
    rows = THREATS.get(given.name, ())
    return found_of(
        *(
            (layer, threat(n, title, given.sheet, keys, vector, default_use=vector != OPEN_PORT))
            for n, (layer, title, keys, vector) in enumerate(rows, start=1)
        )
    )


def certainty_of(sheet: FactSheet, *certain: LayerKey) -> dict[LayerKey, Certainty]:
    """Return certain layers, which rest on the facts that settle them."""
    return {
        layer: Certainty(
            certain=layer in certain,
            certainty=0.9 if layer in certain else 0.2,
            features={},
            facts=tuple(fact.id for fact in sheet.facts if layer in load_vocabulary()[fact.key].pins),
        )
        for layer in LAYERS
    }


def pinned_of(sheet: FactSheet) -> dict[LayerKey, Certainty]:
    """Return the certainties when every layer that a fact settles is certain."""
    pinned = {layer for fact in sheet.facts for layer in load_vocabulary()[fact.key].pins}
    return certainty_of(sheet, *pinned)


def score_of_base(base: str, *, withheld: str | None = None) -> Score:
    """Return a score with factors at 0.5."""
    ranges = {key: {"value": 0.5, "low": 0.3, "high": 0.7} for key in FACTOR_SETS["0.5"]}
    made = score(parse_request({"cvss_base": base, "factors": ranges, "mode": "directory"}))
    return made.model_copy(update={"withheld": withheld, "aivss": None, "severity": None}) if withheld else made
