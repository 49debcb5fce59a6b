"""Build at most eight capability rows: acts, reads, credentials, approval, memory, runs, meets, shows.

A row states the facts that are sure enough, in one or two sentences with marks. It says "not stated" only if an LLM
searched without success, because the embedded reader misses too many paraphrases.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, get_args

from agent.drafting.judgement import NOTHING, Given
from agent.drafting.product.posture import posture_keys
from agent.drafting.wording import (
    Said,
    abilities,
    absent,
    by_verb,
    capital,
    cited_by,
    likely,
    marks,
    predicates,
    said,
    searched,
    subject,
)
from agent.facts.sheet import counted
from agent.facts.vocabulary import GroupId, load_vocabulary
from agent.records import FactLine
from agent.taxonomy.kinds import ProductKind

Label = Literal["Acts", "Reads", "Credentials", "Approval", "Memory", "Runs", "Meets", "Shows"]
LABELS: Final[tuple[Label, ...]] = get_args(Label)
NAMED: Final = 3
"""Maximum number of abilities in one sentence."""


class _Row(NamedTuple):
    groups: tuple[GroupId, ...]
    first: tuple[str, ...]
    """Keys to mention before all others."""
    silent: tuple[str, ...]
    """The row shows `unstated` if the first of these keys was searched for without success and none of them has a
    fact."""
    unstated: str


_ROWS: Final[dict[Label, _Row]] = {
    "Acts": _Row(("does", "decides"), (), (), ""),
    "Reads": _Row(("reads",), ("reads_untrusted_content",), (), ""),
    "Credentials": _Row(
        ("acts_as",),
        ("wide_rights", "role_switch"),
        ("user_oauth", "api_key", "password_login", "service_account", "no_credentials", "per_user_identity"),
        "Whose permissions it uses is not stated",
    ),
    "Approval": _Row(
        ("asks",),
        ("approval_off", "approval_before", "read_only", "sandbox"),
        ("approval_before", "read_only", "advises_only"),
        "Whether a person has to approve its actions is not stated",
    ),
    "Memory": _Row(
        ("keeps",),
        ("memory_long", "sends_data_out", "trains_on_data"),
        ("memory_long", "memory_session", "vector_store", "logs_content", "data_stays_local"),
        "What it keeps between sessions is not stated",
    ),
    "Runs": _Row(
        ("runs_at", "model"),
        ("endpoint_no_auth", "listens_on_network", "vendor_cloud", "local_process"),
        ("local_process", "stdio", "container", "vendor_cloud", "self_hosted", "extension_or_app"),
        "Where it runs is not stated",
    ),
    "Meets": _Row(("meets",), ("mcp_client", "plugins", "connected_services"), (), ""),
    "Shows": _Row(
        ("shows", "attests"),
        ("own_logs", "audit_log", "traces_metrics", "known_incident"),
        ("own_logs", "traces_metrics", "audit_log"),
        "Whether it logs its actions is not stated",
    ),
}
_ENOUGH: Final = 4
"""If an LLM gave at least this many rows, no rows derived from facts are added."""
_IN_POSTURE: Final[frozenset[Label]] = frozenset({"Acts", "Reads"})
_UNTOLD: Final = frozenset(
    {
        "mcp_server", "takes_free_text", "certification", "disclosure", "encryption", "secret_handling", "access_roles",
        "security_warning", "not_production_ready", "framework_coverage",
    }
)  # fmt: skip
"""Keys already covered by the draft's headings or its table of controls."""


def fact_lines(given: Given) -> tuple[FactLine, ...]:
    """Build at most one row per label, in the order of LABELS: an LLM's rows, or those derived from facts if there are
    too few of them.

    An LLM's row is left out if its facts or quotes no longer exist. Rows do not repeat what a posture derived from
    facts already says.
    """
    led: dict[str, FactLine] = {}
    labels = {label.casefold(): label for label in LABELS}
    for line in given.judgement.lines:
        label = labels.get(line.label.strip().casefold())
        if label and label not in led and line.text and given.stands(line.text, line.facts, line.evidence):
            evidence = given.quotes(line.facts, line.evidence)
            led[label] = FactLine(label=label, text=line.text, facts=line.facts, evidence=evidence)
    if len(led) >= _ENOUGH:
        # An LLM omits rows whose answer is not stated, and rows in another style would clash with its own.
        return tuple(led[label] for label in LABELS if label in led)
    told = frozenset() if given.judgement.posture else posture_keys(given.sheet)
    rows = [led.get(label) or _row(given, label, told) for label in LABELS]
    return tuple(row for row in rows if row is not None)


def _row(given: Given, label: Label, before: frozenset[str]) -> FactLine | None:
    row, sheet = _ROWS[label], given.sheet

    def order(one: Said) -> tuple[bool, int, int, bool, float, int]:
        place = row.first.index(one.key) if one.key in row.first else len(row.first)
        group, number = row.groups.index(one.entry.group), load_vocabulary().order[one.key]
        return one.polarity == "denied", place, group, not one.entry.grave, -one.confidence, number

    every = [one for group in row.groups for one in said(sheet, group=group)]
    sayings = sorted((one for one in every if one.sure and one.key not in _UNTOLD), key=order)
    able = [one for one in sayings if one.polarity != "denied"]
    unable = [one for one in sayings if one.polarity == "denied"]
    further = [one for one in able if one.key not in before]
    also = bool(further) and len(further) < len(able)
    # Omit abilities that the posture already covers; rows other than Acts and Reads repeat them rather than stay empty.
    able = further if label in _IN_POSTURE else further or able
    told = by_verb(able[:NAMED] or unable[:NAMED])
    texts = [_sentence(told, given.kind, label, also=also)] if told else []
    if maybe := _maybe(given, row, every, before if label in _IN_POSTURE else frozenset()):
        texts.append(f"It may {'also ' * bool(texts)}{predicates(maybe, plain=True)}{marks(cited_by(maybe))}.")
        told = [*told, *maybe]
    if able and unable and len(able) < NAMED:
        told = [*told, unable[0]]
        texts.append(_sentence(unable[:1], given.kind, label))
    # An LLM searched without success for the first of the row's `silent` keys, and none of them has a fact.
    unstated = bool(row.silent) and absent(sheet, row.silent[0], by="llm")
    if len(texts) <= 1 and unstated and not any(counted(sheet, key) for key in row.silent):
        texts.append(f"{row.unstated}{searched(row.silent[0])}.")
    if not texts:
        return None
    return FactLine(
        label=label,
        text=" ".join(texts),
        facts=tuple(fact for one in told for fact in one.facts),
        evidence=tuple(dict.fromkeys(mark for one in told for mark in one.evidence)),
    )


def _maybe(given: Given, row: _Row, every: Sequence[Said], before: frozenset[str]) -> list[Said]:
    """Return what else the product may do: facts that their quotes do not state on their own, and abilities that the
    sources as a whole make likely. Always empty in a draft with an LLM."""
    if given.judgement is not NOTHING:
        return []
    doubtful = sorted((one for one in every if not one.sure), key=lambda one: -one.confidence)
    rows = [one for one in (*doubtful, *likely(given.sheet, row.groups)) if one.is_ability and one.key not in _UNTOLD]
    return by_verb([one for one in rows if one.key not in before][:NAMED])


def _sentence(told: Sequence[Said], kind: ProductKind, label: Label, *, also: bool = False) -> str:
    by_agent = kind in ("agent-skill", "agent-framework") and label in ("Acts", "Reads")
    if by_agent and all(one.polarity == "asserted" for one in told):
        text = f"{subject(kind, 'it')} {'also ' * also}{predicates(told, plain=True)}"
    else:
        what = abilities(told)
        able = what.startswith("can ")
        text = f"It {'can ' * able}{'also ' * also}{what.removeprefix('can ')}"
    return f"{capital(text)}{marks(cited_by(told))}."
