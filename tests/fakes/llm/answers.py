"""A good LLM, written by hand: reads its prompt as a small one would and answers each question with true quotes.

AnsweringLlm(answer)              at the port
FakeEndpoint([by(answer_body)])   over loopback

It knows nothing but the call: the schema shows which question it is, the sources stand between their marks, and what is
asked stands behind them. The same call gives the same answer.
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
_MAX_WORDS: Final = 30
_MIN_WORDS: Final = 4
_KEPT_OUT: Final = re.compile(
    r"\b(?:should|must|please|best|leading|assessor\w*|ignore)\b|https?:|www\.|[<>{}`\\\"“”]", re.I
)
"""A careful reader rests nothing on praise, orders or markup."""

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
    "AV": "N: content arrives over the network",
    "AC": "L: nothing stands in the way",
    "AT": "P: somebody opens it",
    "PR": "N: no account",
    "UI": "P: a user starts the run",
    "VC": "L: records",
    "VI": "L: records",
    "VA": "N: none",
    "SC": "L: connected systems",
    "SI": "L: connected systems",
    "SA": "N: none",
}


class Sentence(NamedTuple):
    """A sentence that was shown, letter by letter."""

    document: str
    text: str

    @property
    def quote(self) -> str:
        """As an answer gives it."""
        return f"{self.document}: {self.text}"


def answer(call: Call) -> str:
    """The answer to a call, as JSON text."""
    text = "\n".join(message.text for message in call.messages)
    properties = call.schema["properties"]
    assert isinstance(properties, Mapping)
    for field, make in _QUESTIONS.items():
        if field in properties:
            return json.dumps(make(text))
    return json.dumps(_layers(text) if "paragraph" in json.dumps(call.schema) else _built(text))


def answer_body(body: Mapping[str, object]) -> str:
    """The same over the wire: `body` is a request of Chat Completions; its schema may stand at the prompt's end."""
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
    """The sentences of all sources that a statement may rest on, each once, in their order."""
    found: dict[str, Sentence] = {}
    for _, name, shown in _FRAME.findall(text):
        if not re.fullmatch(r"D\d+", name):
            continue
        for piece in _SENTENCE.split(shown):
            plain = piece.strip(" \t*_-•:;|>()").rstrip(".")
            if _MIN_WORDS <= len(_WORD.findall(plain)) <= _MAX_WORDS and not _KEPT_OUT.search(plain):
                found.setdefault(plain, Sentence(name, plain))
    return tuple(found.values())


def asked_behind(text: str) -> str:
    """What stands behind the sources: the question itself."""
    ends = [match.end() for match in _FRAME.finditer(text)]
    return text[ends[-1] :] if ends else text


def _bearing(seen: Sequence[Sentence], pattern: str, most: int = 2) -> tuple[Sentence, ...]:
    return tuple([one for one in seen if re.search(pattern, one.text, re.I)][:most])


def _facts(seen: Sequence[Sentence], keys: Mapping[str, str]) -> list[dict[str, object]]:
    found = []
    for key, pattern in keys.items():
        quoted = _bearing(seen, pattern, 1)
        if quoted:
            fact = {"key": key, "polarity": "asserted", "about": "product", "slots": [], "inferred": False}
            found.append({**fact, "quotes": [one.quote for one in quoted]})
    return found


def _does(text: str) -> dict[str, object]:
    seen = sentences(text)
    return {"kind": "assistant", "facts": _facts(seen, _KEYS), "parts": [], "flows": [], "wrong": []}


def _built(text: str) -> dict[str, object]:
    seen = sentences(text)
    layers = []
    for key in LAYERS:
        quoted = _bearing(seen, _LAYERS[key])
        verdict = ("insufficient", "partial", "sufficient")[len(quoted)]
        layers.append({"layer": key, "quotes": [one.quote for one in quoted], "verdict": verdict})
    return {"facts": _facts(seen, _BUILT), "layers": layers, "wrong": []}


def _factors(text: str) -> dict[str, object]:
    seen = sentences(text)
    rows = []
    for key in FACTORS:
        quoted = _bearing(seen, _FACTORS[key])
        value = 2 + 2 * len(quoted)
        reason = f"{quoted[0].text}." if quoted else "Nothing bears on it."
        row = {"factor": key, "reason": reason, "quotes": [one.quote for one in quoted], "value": value}
        rows.append({**row, "low": value - 1, "high": value + 2, "insufficient": not quoted})
    return {"factors": rows}


def _accepted(text: str) -> dict[str, str]:
    """By key the quote of the first fact."""
    return dict(reversed(_ACCEPTED.findall(text)))


def _told(text: str) -> list[str]:
    """The sentences of the sources, as a text cites them."""
    return [f"{one.text} [{one.quote}]." for one in sentences(text) if not set("[]") & set(one.text)]


def _threats(text: str) -> dict[str, object]:
    at = _accepted(text)
    keys = [key for key in (*_KEYS, *_BUILT) if key in at]
    threats = []
    for key in keys[:3]:
        threats.append(
            {
                "candidate": "",
                "title": f"Planted content misuses {key.replace('_', ' ')}",
                "lost": "records",
                "actor": "a stranger",
                "layer": "agent_frameworks",
                "basis": "entry inferred",
                "setting": "",
                "how": f"A stranger plants instructions in what is read later, and they are obeyed [D1: {at[key]}].",
                "default_use": True,
                "quotes": [at[key]],
                "cvss": _METRICS,
                "ids": ["ASI01"],
                "you": "Ask a person before each consequential act.",
                "vendor": "Ask before each consequential act.",
            }
        )
    empty = {"into": "", "reason": "", "why": ""}
    verdicts = [{"candidate": name, "says": "keep", **empty} for name in _CANDIDATE.findall(_block(text, "candidates"))]
    chain = {
        "title": "From one to the next",
        "steps": [{"threat": f"T{n}", "quotes": [at[key]]} for n, key in enumerate(keys[:2], 1)],
    }
    return {
        "verdicts": verdicts,
        "threats": threats,
        "chains": [chain] if len(keys) > 1 else [],
        "conditions": [
            {"text": "A person confirms each act.", "who": "operator", "price": "slower", "metrics": ["T1 UI:A"]}
        ],
        "proposal": "use with conditions",
        "caveat": "",
        "law": "",
    }


def _layers(text: str) -> dict[str, object]:
    told = _told(text)
    rows = []
    for key in LAYERS:
        line = next((line for line in told if re.search(_LAYERS[key], line, re.I)), None)
        known = f"- {key} (known)" in text
        general = "Products of this kind usually keep this to themselves, and an attacker could profit from it."
        rows.append({"layer": key, "paragraph": line if known and line else general})
    return {"layers": rows}


def _summary(text: str) -> dict[str, object]:
    lines = _told(text)[:3]
    labels = ("Acts", "Reads", "Runs")
    question = {"text": "Which acts wait for a person's approval?", "why": "It decides how far planted text reaches."}
    return {
        "what": lines[0] if lines else "",
        "posture": " ".join(lines[:2]),
        "lines": [{"label": label, "text": line} for label, line in zip(labels, lines, strict=False)],
        "controls": [],
        "questions": [
            {
                **question,
                "changes": "With approval the first threat shrinks.",
                "about": ["approval_before"],
                "proposed": "All.",
            }
        ],
    }


def _block(text: str, name: str) -> str:
    return "\n".join(shown for _, label, shown in _FRAME.findall(text) if label == name)


def _page(text: str) -> dict[str, object]:
    return {**_threats(text), **_layers(text), **_summary(text)}


_QUESTIONS: Final = {"parts": _does, "factors": _factors, "threats": _page}
