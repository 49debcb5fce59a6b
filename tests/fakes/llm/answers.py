"""A good, hand-written LLM: it reads its prompt as a small LLM would and answers each question with true quotes.

AnsweringLlm(answer)              behind the port
FakeEndpoint([by(answer_body)])   over loopback

It knows only the call: the schema shows which question it is, the sources are between their marks, and the question
follows them. The same call gives the same answer.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from agent.llm.port import Call, Message
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS

_FRAME: Final = re.compile(r"<<<([A-Za-z0-9]{8,})\n\[(\w+)\][^\n]*\n(.*?)\n\1>>>", re.DOTALL)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+\s*(?:[-*+•>|#]+\s*|\d+[.)]\s+)?|\s*\|\s*")
_WORD: Final = re.compile(r"[^\W_][\w'’-]*")
_ACCEPTED: Final = re.compile(r"^- (\w+)[^:\n]*: “([^”…]+?) ?…?”$", re.MULTILINE)
_CANDIDATE: Final = re.compile(r"^([\w-]+): .+\(\d", re.MULTILINE)
_WORDS: Final = range(4, 31)
"""Number of words that a quoted sentence may have."""
_KEPT_OUT: Final = re.compile(
    r"\b(?:should|must|please|best|leading|assessor\w*|ignore)\b|https?:|www\.|[<>{}`\\\"“”]", re.I
)
"""A careful reader bases nothing on praise, orders or markup."""

_KEYS: Final[Mapping[str, str]] = {
    "runs_commands": r"shell|terminal|commands?\b",
    "writes_files": r"\b(?:writes?|edits?|saves?) (?:\w+ ){0,3}files?",
    "deletes_data": r"\bdeletes?\b|\bremoves?\b",
    "sends_messages": r"\b(?:sends?|posts?) (?:\w+ ){0,4}(?:mail|messages?|invoices?|replies|comments?)",
    "spends_money": r"\bpays?\b|payments?|refunds?",
    "changes_records": r"\b(?:creates?|updates?|books?|approves?) ",
    "reads_documents": r"\breads? (?:\w+ ){0,3}(?:invoices?|documents?|pdf)",
    "reads_mail_chat": r"inbox|\bmails?\b|messages",
    "reads_web": r"web ?pages?|brows\w+|websites?",
    "plans_steps": r"\bplans?\b|steps",
    "approval_before": r"approv|confirm",
    "user_oauth": r"oauth",
    "api_key": r"api key|token",
    "memory_long": r"memor|remembers?|across sessions",
    "vector_store": r"vector|index",
}
_BUILT: Final[Mapping[str, str]] = {
    "names_llm": r"\b(?:gpt|claude|gemini|llama|mistral)",
    "vendor_cloud": r"hosted|\bcloud\b",
    "container": r"docker|container",
    "local_process": r"\blocal(?:ly)?\b",
    "own_logs": r"\blogs?\b|audit",
    "traces_metrics": r"trac(?:es?|ing)|metrics",
    "mcp_server": r"\bmcp\b",
    "plugins": r"plug-?ins?|extensions?",
    "connected_services": r"connects?|integrat",
    "certification": r"soc 2|iso 27001",
    "access_roles": r"\broles?\b",
}
_FACTORS: Final[Mapping[str, str]] = {
    "autonomy_of_action": r"autonom|automatic|schedul|approv|confirm|agent",
    "goal_driven_planning": r"plan|goal|steps?\b|workflow",
    "self_modification": r"learns?\b|rewrit",
    "dynamic_tool_use": r"tools?\b|calls?\b|api|plugin",
    "persistent_memory": r"memor|stor|histor|keeps?\b|database",
    "contextual_awareness": r"reads?\b|documents?|data|search|files?",
    "dynamic_identity": r"token|key|oauth|account|role",
    "multi_agent_interactions": r"sub-?agent|agents\b|delegat",
    "non_determinism": r"generat|llm|gpt|claude",
    "opacity_reflexivity": r"logs?\b|trac|audit",
    "natural_language_interface": r"chat|asks?\b|prompt|question|message",
}
_LAYERS: Final[Mapping[str, str]] = {
    "foundation_models": r"llm|gpt|claude|gemini",
    "data_operations": r"database|stor|vector|documents?|files?",
    "agent_frameworks": r"framework|sdk|tools?\b|mcp|langchain",
    "deployment_infrastructure": r"host|cloud|docker|server|region",
    "evaluation_observability": r"logs?\b|trac|metrics|audit",
    "security_compliance": r"oauth|token|roles?\b|soc 2|approv",
    "agent_ecosystem": r"integrat|slack|github|connect|mcp",
}
_METRICS: Final = {
    "AV": "N: content arrives over the network", "AC": "L: nothing stands in the way", "AT": "P: somebody opens it",
    "PR": "N: no account", "UI": "P: a user starts the run", "VC": "L: records", "VI": "L: records", "VA": "N: none",
    "SC": "L: connected systems", "SI": "L: connected systems", "SA": "N: none",
}  # fmt: skip


class Sentence(NamedTuple):
    """A sentence that was shown, verbatim."""

    document: str
    text: str

    @property
    def quote(self) -> str:
        """Return the citation in the form of an answer."""
        return f"{self.document}: {self.text}"


def answer(call: Call) -> str:
    """Return the answer to a call, as JSON text."""
    text = "\n".join(message.text for message in call.messages)
    properties = call.schema["properties"]
    assert isinstance(properties, Mapping)
    makers = {"parts": _does, "factors": _factors, "threats": _page, "layers": _built}
    return json.dumps(next(make(text) for field, make in makers.items() if field in properties))


def answer_body(body: Mapping[str, object]) -> str:
    """The same over the wire: `body` is a Chat Completions request; its schema may be at the end of the prompt."""
    form = body.get("response_format", {})
    assert isinstance(form, Mapping)
    turns = body["messages"]
    assert isinstance(turns, list)
    messages = tuple(Message(turn["role"], turn["content"]) for turn in turns)
    if "json_schema" in form:
        schema = form["json_schema"]["schema"]
    else:
        *before, last = messages
        text, _, shape = last.text.rpartition("\n")
        messages, schema = (*before, Message(last.role, text)), json.loads(shape)
    return answer(Call("", messages, "", schema, 0))


def sentences(text: str) -> tuple[Sentence, ...]:
    """Return the sentences of all sources on which a statement may rest, each once, in order."""
    found: dict[str, Sentence] = {}
    for _, name, shown in _FRAME.findall(text):
        for piece in _SENTENCE.split(shown) if re.fullmatch(r"D\d+", name) else ():
            plain = piece.strip(" \t*_-•:;|>()").rstrip(".")
            if len(_WORD.findall(plain)) in _WORDS and not _KEPT_OUT.search(plain):
                found.setdefault(plain, Sentence(name, plain))
    return tuple(found.values())


def _bearing(seen: Sequence[Sentence], pattern: str, most: int = 2) -> list[str]:
    return [one.quote for one in seen if re.search(pattern, one.text, re.I)][:most]


def _facts(seen: Sequence[Sentence], keys: Mapping[str, str]) -> list[dict[str, object]]:
    fact = {"polarity": "asserted", "about": "product", "slots": [], "inferred": False}
    quoted = {key: _bearing(seen, pattern, 1) for key, pattern in keys.items()}
    return [{"key": key, "quotes": quotes, **fact} for key, quotes in quoted.items() if quotes]


def _does(text: str) -> dict[str, object]:
    return {"kind": "assistant", "facts": _facts(sentences(text), _KEYS), "parts": [], "flows": [], "wrong": []}


def _built(text: str) -> dict[str, object]:
    seen = sentences(text)
    quoted = {key: _bearing(seen, _LAYERS[key]) for key in LAYERS}
    verdicts = ("insufficient", "mostly", "sufficient")
    layers = [{"layer": key, "quotes": quotes, "verdict": verdicts[len(quotes)]} for key, quotes in quoted.items()]
    return {"facts": _facts(seen, _BUILT), "layers": layers, "wrong": []}


def _factors(text: str) -> dict[str, object]:
    seen = sentences(text)
    rows = []
    for key in FACTORS:
        quotes = _bearing(seen, _FACTORS[key])
        value = 2 + 2 * len(quotes)
        reason = f"{quotes[0].partition(': ')[2]}." if quotes else "Nothing bears on it."
        ends = {"value": value, "low": value - 1, "high": value + 2, "insufficient": not quotes}
        rows.append({"factor": key, "reason": reason, "quotes": quotes, **ends})
    return {"factors": rows}


def _page(text: str) -> dict[str, object]:
    told = [f"{one.text} [{one.quote}]." for one in sentences(text) if not set("[]") & set(one.text)]
    general = "Products of this kind usually keep this to themselves, and an attacker could profit from it."
    lines = {key: next((line for line in told if re.search(_LAYERS[key], line, re.I)), None) for key in LAYERS}
    layers = {key: line if f"- {key} (known)" in text and line else general for key, line in lines.items()}
    question = {
        "text": "Which acts wait for a person's approval?",
        "metrics": ["T1 UI:A", "T2"],
        "changes": "With approval the first threat shrinks.",
        "about": ["approval_before"],
        "proposed": "All.",
    }
    return {
        **_threats(text),
        "layers": [{"layer": key, "paragraph": paragraph} for key, paragraph in layers.items()],
        "what": told[0] if told else "",
        "posture": " ".join(told[:2]),
        "lines": [{"label": label, "text": line} for label, line in zip(("Acts", "Reads", "Runs"), told, strict=False)],
        "controls": [],
        "questions": [question],
    }


def _threats(text: str) -> dict[str, object]:
    # The quote of the first fact, by key.
    at = dict(reversed(_ACCEPTED.findall(text)))
    keys = [key for key in (*_KEYS, *_BUILT) if key in at]
    row = {
        "candidate": "", "lost": "records", "actor": "a stranger", "layer": "agent_frameworks",
        "basis": "entry inferred", "setting": "", "default_use": True, "cvss": _METRICS, "ids": ["ASI01"],
        "you": "Ask a person before each consequential act.", "vendor": "Ask before each consequential act.",
    }  # fmt: skip
    how = "A stranger plants instructions in what is read later, and they are obeyed [D1: {}]."
    threats = [
        {
            "title": f"Planted content misuses {key.replace('_', ' ')}",
            "how": how.format(at[key]),
            "quotes": [at[key]],
            **row,
        }
        for key in keys[:3]
    ]
    candidates = "\n".join(shown for _, label, shown in _FRAME.findall(text) if label == "candidates")
    verdict = {"says": "keep", "into": "", "reason": "", "why": ""}
    steps = [{"threat": f"T{n}", "quotes": [at[key]]} for n, key in enumerate(keys[:2], 1)]
    condition = {"text": "A person confirms each act.", "who": "operator", "price": "slower", "metrics": ["T1 UI:A"]}
    return {
        "verdicts": [{"candidate": name, **verdict} for name in _CANDIDATE.findall(candidates)],
        "threats": threats,
        "chains": [{"title": "From one to the next", "steps": steps}] if len(keys) > 1 else [],
        "conditions": [condition],
        "proposal": "use with conditions",
        "caveat": "",
        "law": "",
    }
