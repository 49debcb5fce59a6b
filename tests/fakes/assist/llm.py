"""A careful, hand-written LLM that answers the four questions about the invented product of `product`."""

import json
import re

from agent.llm.port import Call
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS
from tests.fakes.llm.hostile import frame, stage_of, text_of

MAIL = "D1: It reads each mail that arrives in the office inbox"
RUN = "D1: It runs shell commands on the gate computer"
NOTES = "D1: searches these notes before it answers"
KEY = "D1: The service account of the office holds the key to the gate computer"
HOSTED = "D1: It is hosted by Moorings Ltd in Dublin"
LOG = "D1: Each command is written to a log that the office can read"
VALUES = {
    "autonomy_of_action": (7, "It answers each mail that arrives.", MAIL),
    "goal_driven_planning": (3, "It answers one mail at a time.", MAIL),
    "dynamic_tool_use": (6, "It runs shell commands on a computer.", RUN),
    "persistent_memory": (7, "It searches notes before it answers.", NOTES),
    "contextual_awareness": (6, "It reads each mail of an inbox.", MAIL),
    "dynamic_identity": (3, "One service account holds the key.", KEY),
    "natural_language_interface": (8, "Mail of guests reaches it.", MAIL),
    "opacity_reflexivity": (4, "Each command is written to a log.", LOG),
}
METRICS = {
    "AV": "N: mail comes from anywhere",
    "AC": "L: nothing stands in the way",
    "AT": "N: it reads the inbox by itself",
    "PR": "N: no account is needed",
    "UI": "N: nobody has to open the mail",
    "VC": "L: notes on guests",
    "VI": "L: notes can be planted",
    "VA": "N: it goes on running",
    "SC": "N: nothing is read there",
    "SI": "H: the gate computer runs the command",
    "SA": "H: gates can be blocked",
}


def good(call: Call) -> str:
    """The answers of a careful LLM."""
    made = {"facts-does": facts_does, "facts-built": facts_built, "factors": factors, "page": page}
    return json.dumps(made[stage_of(call)](call))


def fact(key: str, quote: str, *slots: str) -> dict[str, object]:
    fields = {"key": key, "polarity": "asserted", "about": "product", "quotes": [quote], "slots": list(slots)}
    return {**fields, "inferred": False}


def facts_does(call: Call) -> dict[str, object]:
    refund = "D1: Every refund needs approval by the harbour master"
    return {
        "kind": "assistant",
        "facts": [
            fact("runs_commands", "D1: runs shell commands on the gate computer", "object: the gate computer"),
            fact("reads_mail_chat", MAIL, "data: each mail"),
            fact("sends_messages", "D1: sends mail to guests in the name of the office", "counterpart: guests"),
            fact("memory_long", NOTES),
            fact("service_account", KEY),
            fact("approval_before", refund, "approval: the harbour master"),
        ],
        "parts": [
            {"name": "office inbox", "group": "store", "inside": "user", "quotes": [MAIL]},
            {"name": "gate computer", "group": "component", "inside": "user", "quotes": [RUN]},
        ],
        "flows": [{"source": "office inbox", "target": "product", "what": "each mail", "quotes": [MAIL]}],
        "wrong": [],
    }


def facts_built(call: Call) -> dict[str, object]:
    return {
        "facts": [fact("vendor_cloud", HOSTED, "scope: Dublin"), fact("own_logs", LOG)],
        "layers": [
            {"layer": "deployment_infrastructure", "quotes": [HOSTED], "verdict": "sufficient"},
            {"layer": "evaluation_observability", "quotes": [LOG], "verdict": "hardly"},
            {"layer": "agent_ecosystem", "quotes": [], "verdict": "insufficient"},
        ],
        "wrong": [],
    }


def factors(call: Call) -> dict[str, object]:
    """Return all eleven values; those without any evidence are guesses."""
    made = []
    for key in FACTORS:
        value, reason, quote = VALUES.get(key, (1, "Nothing bears on it.", ""))
        ends = {"value": value, "low": max(0, value - 1), "high": min(10, value + 1), "insufficient": not quote}
        made.append({"factor": key, "reason": reason, "quotes": [quote] if quote else [], **ends})
    return {"factors": made}


def threat(title: str, how: str, *quoted: str, **changes: object) -> dict[str, object]:
    """Return a threat in the form of an answer."""
    fields: dict[str, object] = {
        "candidate": "", "title": title, "actor": "anyone who can send a mail", "how": how,
        "lost": "control of the gates", "layer": "agent_frameworks", "basis": "quoted", "setting": "",
        "default_use": True, "quotes": list(quoted), "cvss": METRICS, "ids": ["ASI01"],
        "you": "Let a person confirm each command.", "vendor": "Ask before a command runs.",
    }  # fmt: skip
    return {**fields, **changes}


def page(call: Call) -> dict[str, object]:
    """Return the whole page: two threats and a chain, and a paragraph for each layer, with marks where it is known."""
    candidates = re.findall(r"^([a-z-]+): .*\(", frame(call, "candidates"), re.MULTILINE)
    first = threat(
        "Prompt injection through guest mail",
        f"A stranger hides instructions in a mail. The agent reads it [{MAIL}]"
        f" and runs a command on the gate computer [{RUN}].",
        MAIL,
        RUN,
        candidate="mail-injection" if "mail-injection" in candidates else "",
    )
    how = f"An attacker's mail leaves a false note. The agent finds it again [{NOTES}] and obeys it."
    second = threat("Planted notes steer later answers", how, NOTES, layer="data_operations")
    known = {
        "deployment_infrastructure": f"It is hosted in Dublin [{HOSTED}]. Whoever takes over the vendor's service"
        " reaches the gates.",
        "evaluation_observability": f"Each command is written to a log [{LOG}]. Injected commands could so be found"
        " afterwards.",
    }
    open_ = "Assistants of this kind usually send what they read to a hosted LLM, whose provider could see it."
    told = {key: known.get(key, open_) if f"- {key} (known)" in text_of(call) else open_ for key in LAYERS}
    steps = [{"threat": "T1", "quotes": [MAIL]}, {"threat": "T2", "quotes": [NOTES]}]
    condition = {"text": "A person confirms each command.", "who": "operator", "price": "slower gates"}
    question = {
        "text": "Which commands can Quayside run on the gate computer without approval?",
        "metrics": ["T1 UI:A", "T2"],
        "changes": "With an allow-list the injection through mail shrinks to opening gates.",
        "about": ["allow_list", "T1"],
        "proposed": "Only commands of a list that administrators keep.",
    }
    return {
        "verdicts": [{"candidate": name, "says": "keep", "into": "", "reason": "", "why": ""} for name in candidates],
        "threats": [first, second],
        "chains": [{"title": "From a mail to the gates", "steps": steps}],
        "conditions": [{**condition, "metrics": ["T1 UI:A", "T2 UI:A"]}],
        "proposal": "use with conditions",
        "caveat": "for refunds not before their approval is tested",
        "law": f"The mails are personal data of guests [{MAIL}].",
        "layers": [{"layer": key, "paragraph": paragraph} for key, paragraph in told.items()],
        "what": f"Quayside answers guests of a marina by mail [{MAIL}].",
        "posture": f"It reads each mail and runs shell commands on the gate computer [{MAIL}][{RUN}]."
        " A stranger's mail could therefore open gates. No approval of a command is stated.",
        "lines": [
            {"label": "Acts", "text": f"It runs shell commands on the gate computer [{RUN}]."},
            {"label": "Credentials", "text": f"The service account holds the key to the gate computer [{KEY}]."},
        ],
        "controls": [],
        "questions": [question],
    }
