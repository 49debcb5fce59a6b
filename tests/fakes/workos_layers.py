"""Layers, threats and questions of the hand-written WorkOS draft."""

from agent.records import LayerThreats, Missing, Question, Score, TaxonomyRef
from agent.taxonomy.layers import LayerKey
from tests.fakes.draft_parts import layer, mitigation, threat, threat_score, uncertain

VECTOR = "CVSS:4.0/AV:N/AC:L/AT:N/PR:L/UI:N/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N"
CODE_VECTOR = "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:A/VC:N/VI:H/VA:N/SC:L/SI:L/SA:N"
DOCS_VECTOR = "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:N/VI:L/VA:N/SC:N/SI:L/SA:N"


def workos_layers(known: Score) -> dict[LayerKey, LayerThreats]:
    asi = TaxonomyRef(scheme="owasp-asi", id="ASI02", title="Tool Misuse and Exploitation")
    llm = TaxonomyRef(scheme="owasp-llm-2025", id="LLM01:2025", title="Prompt Injection")
    lookups = threat(
        "L3-lookup-parameters",
        "Lookups in Directory Sync and Vault go beyond the question",
        (
            "whoever writes text that reaches the WorkOS agent",
            "a question that names another directory or vault entry",
            "bend the parameters of its Directory Sync and Vault lookups",
            "disclosure of users, groups and secrets",
            "the caller's WorkOS environment",
        ),
        threat_score(known, VECTOR),
        "claimed",
        (asi,),
        (
            mitigation("you", "Call it with an API key that can read neither Vault nor production directories"),
            mitigation("vendor", "Fix directory and vault entry per session outside the LLM"),
        ),
        ("E1", "E4"),
    )  # fmt: skip
    guide = threat(
        "L1-guide-as-instruction",
        "The LLM obeys words planted in a migration guide",
        (
            "an author of a page that the API reference links to",
            "hidden wording that the agent takes in as reference",
            "steer its advice on roles and sign-on",
            "insecure roles that look like WorkOS guidance",
            "the developer's access rules",
        ),
        threat_score(known, DOCS_VECTOR),
        "inferred",
        (llm,),
        (mitigation("you", "Compare role proposals with the WorkOS reference before merging"),),
        ("E7",),
    )  # fmt: skip
    code = threat(
        "L7-insecure-code",
        "Proposed sign-on code carries a flaw into the developer's product",
        (
            "someone who can place examples in the developer's repository",
            "a developer who accepts the proposal on trust",
            "get WorkOS to propose sign-on code without a state check",
            "account takeover",
            "users of the developer's software",
        ),
        threat_score(known, CODE_VECTOR),
        "claimed",
        (),
        (mitigation("you", "Require a second reviewer for sign-on code"),),
        ("E3",),
    )
    return {
        "foundation_models": layer(
            "Not certain from the listing — D1 was searched for the LLM and its provider, which it does not name. "
            "How far planted text steers advice hangs on it; Q2 settles it.",
            "0.3",
            (guide,),
            Missing(reason="not-found", detail="LLM and provider: no quote in D1"),
        ),
        "data_operations": uncertain("an index of the reference and who updates it", "Stale role advice", "Q3"),
        "agent_frameworks": layer(
            "Tools query the WorkOS APIs, Directory Sync and Vault (E1), and answers draw on the caller's own "
            "configuration (E4). A lookup with bent parameters reads what the question did not need.",
            "0.8",
            (lookups,),
        ),
        "deployment_infrastructure": uncertain("where the agent runs and where keys are kept", "Key exposure", "Q1"),
        "evaluation_observability": uncertain("a record of the agent's own lookups", "Noticing misuse", "Q4"),
        "security_compliance": layer(
            "It designs roles and sign-on for others (E7) and leaves production changes to the developer (E2). "
            "Audit Logs record configuration changes (E6), not the agent's reads.",
            "0.7",
        ),
        "agent_ecosystem": layer(
            "Code that it proposes travels on into the developer's software (E3).", "0.6", (code,)
        ),
    }


def workos_questions() -> tuple[Question, ...]:
    return (
        Question(
            id="Q1",
            text="Under whose API key do the Directory Sync and Vault lookups run, and can it be narrowed?",
            proposed="The caller's own key with the scopes directory:read; Vault is off unless enabled under Settings.",
            settles=("dynamic_identity", "deployment_infrastructure"),
            effect=0.4,
        ),
        Question(
            id="Q2",
            text="Which LLM answers, and is text from linked guides kept apart from the developer's request?",
            proposed="Guides are passed in a separate field and tested with planted text at each release.",
            settles=("foundation_models", "non_determinism"),
            effect=0.3,
        ),
        Question(
            id="Q3",
            text="From which copy of the API reference does it answer, updated by whom and how often?",
            proposed="From the published reference, rebuilt with each release.",
            settles=("data_operations",),
            effect=0.0,
        ),
        Question(
            id="Q4",
            text="Is each Directory Sync and Vault lookup of the agent written to Audit Logs?",
            proposed="Yes: entry, caller, time; kept for 90 days.",
            settles=("evaluation_observability", "opacity_reflexivity"),
            effect=0.2,
        ),
    )
