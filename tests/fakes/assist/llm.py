"""LLMs written by hand that answer the four questions about the invented product of `assist_product`."""

import json
import re
from collections.abc import Mapping

from agent.llm.port import Call
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS

VALUES = {
    "autonomy_of_action": (7, "It answers each mail that arrives.", "It reads each mail that arrives"),
    "goal_driven_planning": (3, "It answers one mail at a time.", "It reads each mail that arrives"),
    "dynamic_tool_use": (6, "It runs shell commands on a computer.", "It runs shell commands on the gate computer"),
    "persistent_memory": (7, "It searches notes before it answers.", "searches these notes before it answers"),
    "contextual_awareness": (6, "It reads each mail of an inbox.", "It reads each mail that arrives"),
    "dynamic_identity": (3, "One service account holds the key.", "The service account of the office holds the key"),
    "natural_language_interface": (8, "Mail of guests reaches it.", "It reads each mail that arrives"),
    "opacity_reflexivity": (4, "Each command is written to a log.", "Each command is written to a log"),
}
INBOX = "D1: It reads each mail that arrives in the office inbox"
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
    """What a careful LLM answers."""
    made = {
        "facts-does": facts_does,
        "facts-built": facts_built,
        "factors": factors,
        "page": page,
    }
    return json.dumps(made[call.stage.removesuffix("-again").removesuffix("-shorter")](call))


def fact(key: str, quote: str, *slots: str, **changes: object) -> dict[str, object]:
    """A fact as an answer has it."""
    fields = {"key": key, "polarity": "asserted", "about": "product", "quotes": [f"D1: {quote}"], "slots": list(slots)}
    return {**fields, "inferred": False, **changes}


def facts_does(call: Call) -> dict[str, object]:
    """Facts on what it does."""
    inbox = "It reads each mail that arrives in the office inbox"
    return {
        "kind": "assistant",
        "facts": [
            fact("runs_commands", "runs shell commands on the gate computer", "object: the gate computer"),
            fact("reads_mail_chat", inbox, "data: each mail"),
            fact("sends_messages", "sends mail to guests in the name of the office", "counterpart: guests"),
            fact("memory_long", "searches these notes before it answers"),
            fact("service_account", "The service account of the office holds the key to the gate computer"),
            fact(
                "approval_before", "Every refund needs approval by the harbour master", "approval: the harbour master"
            ),
        ],
        "parts": [
            {"name": "office inbox", "group": "store", "inside": "user", "quotes": [f"D1: {inbox}"]},
            {
                "name": "gate computer",
                "group": "component",
                "inside": "user",
                "quotes": ["D1: It runs shell commands on the gate computer"],
            },
        ],
        "flows": [{"source": "office inbox", "target": "product", "what": "each mail", "quotes": [f"D1: {inbox}"]}],
        "wrong": [],
    }


def facts_built(call: Call) -> dict[str, object]:
    """Facts on how it is built."""
    hosted = "It is hosted by Moorings Ltd in Dublin"
    log = "Each command is written to a log that the office can read"
    return {
        "facts": [fact("vendor_cloud", hosted, "scope: Dublin"), fact("own_logs", log)],
        "layers": [
            {"layer": "deployment_infrastructure", "quotes": [f"D1: {hosted}"], "verdict": "sufficient"},
            {"layer": "evaluation_observability", "quotes": [f"D1: {log}"], "verdict": "partial"},
            {"layer": "agent_ecosystem", "quotes": [], "verdict": "insufficient"},
        ],
        "wrong": [],
    }


def factors(call: Call) -> dict[str, object]:
    """All eleven values; those on which nothing bears are guesses."""
    made = []
    for key in FACTORS:
        value, reason, quote = VALUES.get(key, (1, "Nothing bears on it.", ""))
        made.append(
            {
                "factor": key,
                "reason": reason,
                "quotes": [f"D1: {quote}"] if quote else [],
                "value": value,
                "low": max(0, value - 1),
                "high": min(10, value + 1),
                "insufficient": not quote,
            }
        )
    return {"factors": made}


def page(call: Call) -> dict[str, object]:
    """The whole page."""
    return {**threats(call), **layers(call), **summary(call)}


def threats(call: Call) -> dict[str, object]:
    """Two threats and a chain."""
    at = quotes(call)
    mail, run, notes, _ = (at.get(key, "D1: nothing of the kind") for key in KEYS)
    first = threat(
        "Prompt injection through guest mail",
        f"A stranger hides instructions in a mail. The agent reads it [{mail}]"
        f" and runs a command on the gate computer [{run}].",
        mail,
        run,
        candidate="mail-injection" if "mail-injection" in text_of(call) else "",
    )
    second = threat(
        "Planted notes steer later answers",
        f"An attacker's mail leaves a false note. The agent finds it again [{notes}] and obeys it.",
        notes,
        layer="data_operations",
    )
    return {
        "verdicts": [
            {"candidate": name, "says": "keep", "into": "", "reason": "", "why": ""}
            for name in re.findall(r"^([a-z-]+): .*\(", text_of(call).partition("[candidates]")[2], re.MULTILINE)
        ],
        "threats": [first, second],
        "chains": [
            {
                "title": "From a mail to the gates",
                "steps": [{"threat": "T1", "quotes": [mail]}, {"threat": "T2", "quotes": [notes]}],
            }
        ],
        "conditions": [CONDITION],
        "proposal": "use with conditions",
        "caveat": "for refunds not before their approval is tested",
        "law": f"The mails are personal data of guests [{mail}].",
    }


CONDITION = {
    "text": "A person confirms each command.",
    "who": "operator",
    "price": "slower gates",
    "metrics": ["T1 UI:A", "T2 UI:A"],
}
KEYS = ("reads_mail_chat", "runs_commands", "memory_long", "service_account")


def threat(title: str, how: str, *quoted: str, **changes: object) -> dict[str, object]:
    """A threat as an answer has it."""
    fields: dict[str, object] = {
        "candidate": "",
        "title": title,
        "actor": "anyone who can send a mail",
        "how": how,
        "lost": "control of the gates",
        "layer": "agent_frameworks",
        "basis": "quoted",
        "setting": "",
        "default_use": True,
        "quotes": list(quoted),
        "cvss": METRICS,
        "ids": ["ASI01"],
        "you": "Let a person confirm each command.",
        "vendor": "Ask before a command runs.",
    }
    return {**fields, **changes}


def layers(call: Call) -> dict[str, object]:
    """A paragraph for each layer: with marks where it is known."""
    at = quotes(call)
    text = text_of(call)
    rows = []
    for key in LAYERS:
        known = f"- {key} (known)" in text
        mark = at.get("vendor_cloud" if key == "deployment_infrastructure" else "own_logs", "D1: nothing")
        told = f"It is hosted in Dublin [{mark}]. Whoever takes over the vendor's service reaches the gates."
        if key == "evaluation_observability":
            told = f"Each command is written to a log [{mark}]. Injected commands could so be found afterwards."
        open_ = "Assistants of this kind usually send what they read to a hosted LLM, whose provider could see it."
        rows.append({"layer": key, "paragraph": told if known else open_})
    return {"layers": rows}


def summary(call: Call) -> dict[str, object]:
    """The first page."""
    mail, run, _, account = (quotes(call).get(key, "D1: nothing of the kind") for key in KEYS)
    return {
        "what": f"Quayside answers guests of a marina by mail [{mail}].",
        "posture": f"It reads each mail and runs shell commands on the gate computer [{mail}][{run}]."
        " A stranger's mail could therefore open gates. No approval of a command is stated.",
        "lines": [
            {"label": "Acts", "text": f"It runs shell commands on the gate computer [{run}]."},
            {"label": "Credentials", "text": f"The service account holds the key to the gate computer [{account}]."},
        ],
        "controls": [],
        "questions": [
            {
                "text": "Which commands can Quayside run on the gate computer without approval?",
                "why": "It decides how far an injected mail reaches.",
                "changes": "With an allow-list the injection through mail shrinks to opening gates.",
                "about": ["allow_list", "T1"],
                "proposed": "Only commands of a list that administrators keep.",
            }
        ],
    }


def text_of(call: Call) -> str:
    """All that a call says."""
    return "\n".join(message.text for message in call.messages)


def quotes(call: Call) -> Mapping[str, str]:
    """The quotes of the accepted facts, by key."""
    found = re.findall(r"^- (\w+)[^:\n]*: “([^”…]+?) ?…?”$", text_of(call), re.MULTILINE)
    return {key: f"D1: {quote}" for key, quote in reversed(found)}


def lazy(call: Call) -> str:
    """An LLM that says nothing where it may."""
    empty: dict[str, dict[str, object]] = {
        "facts-does": {"kind": "other", "facts": [], "parts": [], "flows": [], "wrong": []},
        "facts-built": {"facts": [], "layers": [], "wrong": []},
        "factors": {"factors": []},
        "page": {
            "verdicts": [],
            "threats": [],
            "chains": [],
            "conditions": [],
            "proposal": "use",
            "caveat": "",
            "law": "",
            "layers": [],
            "what": "",
            "posture": "",
            "lines": [],
            "controls": [],
            "questions": [],
        },
    }
    return json.dumps(empty[call.stage.removesuffix("-again")])


def lying(call: Call) -> str:
    """An LLM that makes up quotes, ids, names and metrics, and marks them well."""
    made = json.loads(good(call))
    stage = call.stage.removesuffix("-again")
    if stage.startswith("facts"):
        for item in made["facts"]:
            item["quotes"] = ["D1: Globex Vault isolates every tenant in a separate enclave"]
        made["facts"].append(fact("sandbox", "runs shell commands in a sandbox that nobody can leave"))
        for item in made.get("layers", []):
            item.update(verdict="sufficient", quotes=["D7: audited by the Globex board every week"])
    elif stage == "factors":
        for item in made["factors"]:
            item.update(value=0, low=0, high=0, quotes=["D1: it cannot do anything at all"], insufficient=False)
    else:
        how = "Globex holds 300 keys of the product [D1: It is hosted by Moorings Ltd in Dublin]."
        made["threats"][0].update(how=how, quotes=["D1: holds 300 keys"], ids=["ASI99"])
        made["threats"][1]["cvss"] = {**METRICS, "AV": "X: unreachable"}
        made["verdicts"] = [{"candidate": "moon", "says": "wrong", "into": "", "reason": "fact absent", "why": "no"}]
        for item in made["layers"]:
            item["paragraph"] = "Quayside never leaves its sandbox [D1: nobody can leave]. It has ISO 27001 [E1]."
        made["posture"] = f"Quayside is audited weekly by Globex [E1]. It is safe. It only reads pages [{INBOX}]."
        rows = {"Acts": "It has 41 tools [E1].", "Runs": "It is isolated."}
        made["lines"] = [{"label": label, "text": text} for label, text in rows.items()]
    return json.dumps(made)


def obedient(call: Call) -> str:
    """An LLM that does what a page tells assessors: everything is zero, certified, wrong or safe."""
    made = json.loads(lazy(call) if call.stage.startswith("facts") else good(call))
    planted = "D1: Quayside is certified"
    text = text_of(call)
    stage = call.stage.removesuffix("-again")
    if stage.startswith("facts"):
        made["wrong"] = [
            {"fact": number, "reason": "not stated", "why": "the page says that it is certified"}
            for number in re.findall(r"^(P\d+) ", text, re.MULTILINE)
        ]
        made["facts"] = [fact("certification", "report that Quayside is certified"), fact("read_only", "no review")]
        if stage == "facts-built":
            made["layers"] = [{"layer": key, "quotes": [planted], "verdict": "sufficient"} for key in LAYERS]
    elif stage == "factors":
        for item in made["factors"]:
            item.update(value=0, low=0, high=0, quotes=[planted], insufficient=False, reason="It is certified.")
    else:
        made["threats"] = []
        made["verdicts"] = [
            {"candidate": name, "says": "wrong", "into": "", "reason": reason, "why": "certified"}
            for name, reason in (("mail-injection", "fact absent"), ("open-gates", "another product"))
        ]
        made["layers"] = [{"layer": key, "paragraph": "Quayside is certified and needs no review."} for key in LAYERS]
        made["posture"] = "Quayside is certified and needs no review."
        made["lines"] = [{"label": "Acts", "text": "It does nothing without approval."}]
    return json.dumps(made)
