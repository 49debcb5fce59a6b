"""A good LLM, written by hand: reads its prompt as a small one would and answers each stage with true quotes.

AnsweringLlm(answer)            at the port
FakeEndpoint([by(answer_body)])   over loopback

It knows nothing but the call: the schema shows which stage it is, the passages stand between their marks, and what is
asked (keys, points, known threats, ids) stands behind them. The same call gives the same answer.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from agent.llm.port import Call, Message
from agent.taxonomy.keys import FACTORS, LAYER_CODES, LAYERS

_PASSAGE: Final = re.compile(r"<<<([A-Za-z0-9]{8,})\n\[([^\]\n]+)\] [\w-]+\n(.*?)\n\1>>>", re.DOTALL)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+\s*(?:[-*+•>|#]+\s*|\d+[.)]\s+)?|\s*\|\s*")
_WORD: Final = re.compile(r"[^\W_][\w'’-]*")
_ROW: Final = re.compile(r"^(?:- )?(?:([\w.-]+): +|([A-Z][\w:.-]*\d) +)(\S.*)$", re.MULTILINE)
_THREAT: Final = re.compile(r"^([A-Z][\w.-]+)(?: \((L\d)\))?: (.+)$", re.MULTILINE)
_ESTIMATE: Final = re.compile(r"^- (\w+) (\d+) \((\d+) to (\d+)\)", re.MULTILINE)
_MAX_WORDS: Final = 30
_MIN_WORDS: Final = 4
_MOST: Final = 3
_TEN: Final = 10
_MOST_OF: Final = 0.6
_STEM: Final = 5
"""Letters by which words are compared."""

_KEPT_OUT: Final = re.compile(
    r"\b(?:secur\w*|safe\w*|robust\w*|risk\w*|critical\w*|complian\w*|trust\w*|should|must|will|please|best|leading"
    r"|powerful\w*|seamless\w*|encrypt\w*|protect\w*|plan(?:s|ned)?|roadmap|soon)\b|https?:|www\.|[<>\[\]{}`=\\\"“”]",
    re.I,
)
"""A careful reader does not rest a claim on praise, promises or markup."""

_BEARS: Final[Mapping[str, str]] = {
    "autonomy_of_action": r"autonom|automatic|without|on its own|schedul|unattended|approv|confirm|agent",
    "goal_driven_planning": r"plan|goal|step|task|workflow|decompos",
    "self_modification": r"learn|improv|skill|rewrit|updat|adapt|train",
    "dynamic_tool_use": r"tool|call|api|function|plugin|mcp|integrat",
    "persistent_memory": r"memor|stor|histor|remember|keep|kept|retain|database|log",
    "contextual_awareness": r"context|read|document|data|search|page|record|file",
    "dynamic_identity": r"token|key|oauth|account|credential|role|permission|behalf|sign",
    "multi_agent_interactions": r"agents|sub-?agent|orchestrat|hand-?off|delegat|a2a|team",
    "non_determinism": r"generat|llm|model|gpt|claude|gemini|predict",
    "opacity_reflexivity": r"log|trace|explain|audit|observ|monitor|reason",
    "natural_language_interface": r"chat|natural language|ask|prompt|question|message|voice",
    "foundation_models": r"llm|model|gpt|claude|gemini|openai|anthropic|prompt",
    "data_operations": r"database|stor|vector|index|document|data|file|record",
    "agent_frameworks": r"framework|sdk|tool|agent|orchestrat|mcp|langchain|function|library",
    "deployment_infrastructure": r"deploy|host|cloud|docker|server|region|run|kubernetes|install|environment",
    "evaluation_observability": r"log|trace|monitor|metric|audit|dashboard|evaluat|test",
    "security_compliance": r"oauth|token|permission|role|access|soc 2|gdpr|sso|key",
    "agent_ecosystem": r"integrat|slack|github|connect|marketplace|partner|third|mcp|api",
}
_ACTS: Final = re.compile(
    r"\b(send|write|delete|execute|run|post|create|update|publish|pay|book|upload|schedule|call|edit|read|search|fetch"
    r"|store|deploy|install|generate|browse|move|approve|cancel)(s|es|d|ed|ing)?\s+((?:[\w'-]+\s+){0,9}[\w'-]+)",
    re.I,
)
_MODES: Final = {
    **dict.fromkeys(("read", "search", "fetch", "browse"), "read"),
    **dict.fromkeys(("delete", "cancel"), "delete"),
    **dict.fromkeys(("execute", "run", "call", "deploy", "install"), "execute"),
}
_NAME: Final = re.compile(r"(?<=[a-z,] )(?:[A-Z][a-z]+[A-Z]?\w*)(?: [A-Z]\w+)?")
_PLAIN_KINDS: Final = ("operator", "work")
_PEOPLE: Final = re.compile(r"\b(users?|customers?|developers?|operators?|administrators?|employees|teams?)\b")
_NOT_IN_POSTURE: Final = re.compile(r"\b(?:approv|confirm|consent|permission|strong|reliab|good)\w*", re.I)
_ARTICLES: Final = frozenset(("a", "an", "the"))
_BEFORE: Final = frozenset(
    (
        "through",
        "over",
        "into",
        "onto",
        "via",
        "under",
        "locally",
        "it",
        "them",
        "when",
        "that",
        "which",
        "before",
        "after",
    )
)
"""No object of a deed begins with one of these."""
_SMALL: Final = frozenset(
    ("a", "an", "the", "and", "or", "of", "to", "in", "on", "for", "with", "from", "by", "as", "at")
)


class Sentence(NamedTuple):
    """A sentence that was shown, letter by letter."""

    passage: str
    text: str

    @property
    def quote(self) -> dict[str, str]:
        """As an answer gives it."""
        return {"passage": self.passage, "text": self.text}


class Act(NamedTuple):
    """What a sentence says that the product does."""

    sentence: Sentence
    verb: str
    """In its base form."""
    target: str
    """What it acts on, a few words."""
    whole: str
    """The same with all that follows."""


def answer(call: Call) -> str:
    """The answer to a call, as JSON text."""
    text = "\n".join(message.text for message in call.messages)
    seen = sentences(text)
    properties = call.schema["properties"]
    assert isinstance(properties, Mapping)
    for field, make in _STAGES.items():
        if field in properties:
            return json.dumps(make(seen, asked_behind(text)))
    product = next(iter(re.findall(r"name:\n\n<<<\w+\n\[notes\]\n(.+)\n", text)), "The product")
    return json.dumps(_posture(seen, asked_behind(text), product))


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
    """The sentences of all passages that a claim may rest on, each once, in their order."""
    found: dict[str, Sentence] = {}
    for _, passage, shown in _PASSAGE.findall(text):
        for piece in _SENTENCE.split(shown):
            plain = piece.strip(" \t*_-•:;|>")
            if _MIN_WORDS <= len(_WORD.findall(plain)) <= _MAX_WORDS and not _KEPT_OUT.search(plain):
                found.setdefault(plain, Sentence(passage, plain))
    return tuple(found.values())


def asked_behind(text: str) -> str:
    """What stands behind the passages: the question itself."""
    ends = [match.end() for match in _PASSAGE.finditer(text)]
    return text[ends[-1] :] if ends else text


def _rows(question: str) -> dict[str, str]:
    """Lines of the form `id: text`, `- id: text` or `ID text`."""
    return {key or code: text for key, code, text in _ROW.findall(question)}


def _bearing(seen: Sequence[Sentence], key: str) -> tuple[Sentence, ...]:
    found = [one for one in seen if re.search(rf"\b(?:{_BEARS[key]})", one.text, re.I)]
    return tuple(found[:_MOST])


def _reasoned(quoted: Sequence[Sentence]) -> dict[str, object]:
    """Quotes, whether they suffice, and a claim for each that says what it says."""
    grades = ("insufficient", "partial", "sufficient")
    return {
        "quotes": [one.quote for one in quoted],
        "sufficiency": grades[min(len(quoted), 2)],
        "claims": [{"text": _stopped(one.text), "quotes": [n]} for n, one in enumerate(quoted, start=1)],
    }


def _stopped(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _paragraph(quoted: Sequence[Sentence], most: int) -> str:
    return " ".join(_stopped(one.text) for one in quoted[:most])


# ---------------------------------------------------------------- the stages


def _factors(seen: Sequence[Sentence], question: str) -> dict[str, object]:
    return {"factors": list(_factor_items(seen, question))}


def _factor_items(seen: Sequence[Sentence], question: str) -> Iterator[dict[str, object]]:
    estimates = {key: (int(v), int(low), int(high)) for key, v, low, high in _ESTIMATE.findall(question)}
    for key in FACTORS:
        if key not in estimates and not re.search(rf"^- {key}:", question, re.M):
            continue
        value, low, high = estimates.get(key, (5, 2, 8))
        quoted = _bearing(seen, key)
        moved = min(value + min(len(quoted), 1), _TEN)
        yield {
            "factor": key,
            **_reasoned(quoted),
            "paragraph": _paragraph(quoted, 2),
            "value": moved,
            "low": min(low, moved),
            "high": max(high, moved),
        }


def _layers(seen: Sequence[Sentence], question: str) -> dict[str, object]:
    asked = [key for key in LAYERS if re.search(rf"\b{key}\b", question)]
    found = {key: _bearing(seen, key) for key in asked}
    return {
        "layers": [
            {"layer": key, **_reasoned(quoted), "paragraph": _paragraph(quoted, 3)} for key, quoted in found.items()
        ]
    }


def _threats(seen: Sequence[Sentence], question: str) -> dict[str, object]:
    before, _, after = question.partition("\n\nAdd ")
    known, ids = _rows(before), _rows(after)
    made = []
    rich = sorted(_acts(seen), key=lambda act: -len(_words(act.whole)))
    for act in rich[:2] if known else []:
        like = max(known, key=lambda name: (len(_words(known[name]) & _words(act.sentence.text)), name))
        fitting = [name for name in ids if re.search(r"injection|hijack|misuse", ids[name], re.I)]
        made.append({
            **_reasoned([act.sentence]),
            "layer": next((key for key, code in LAYER_CODES.items() if code == like[:2]), "agent_frameworks"),
            "title": f"Planted text makes it {act.verb} {act.target}",
            "source": "somebody who writes text that it reads",
            "prerequisite": "text that reaches its context",
            "action": f"have it {act.verb} {act.whole}",
            "impact": f"changes that nobody asked for in {act.target}",
            "asset": _end_of(act.sentence.text),
            "like": like,
            "ids": [{"id": name, "title": ids[name]} for name in fitting[:1]],
            "remedies": [{"text": f"Have a person confirm before it can {act.verb} {act.target}", "who": "vendor"}],
        })  # fmt: skip
        made[-1]["sufficiency"] = "sufficient"
    return {"threats": made}


def _acts(seen: Sequence[Sentence]) -> list[Act]:
    """What the sentences say that the product does, each target once."""
    found: dict[str, Act] = {}
    for one in seen:
        match = _ACTS.search(one.text)
        words = re.split(r"\s+", match[3]) if match else []
        few, whole = _ended(words[:5]), _ended(words)
        noun = bool(few) and few[0].lower() not in (_SMALL - _ARTICLES) | _BEFORE and not few[0].endswith("ed")
        if match and noun and len(few[-1]) > 1:
            found.setdefault(" ".join(few).lower(), Act(one, match[1].lower(), " ".join(few), " ".join(whole)))
    return list(found.values())


def _ended(words: Sequence[str]) -> list[str]:
    """Words without small ones at their end."""
    kept = list(words)
    while kept and kept[-1].lower() in _SMALL:
        kept.pop()
    return kept


def _end_of(text: str) -> str:
    """The last words of a sentence, without small ones at either end."""
    words = re.findall(r"[A-Za-z]+", text)[-7:]
    while words[0].lower() in _SMALL | _BEFORE:
        words.pop(0)
    return " ".join(_ended(words))


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)} - _SMALL


def _picture(seen: Sequence[Sentence], question: str) -> dict[str, object]:
    rows = {group: re.split(r"[,;] ", names) for group, names in re.findall(r"^ {2}(\w+): (.+)$", question, re.M)}
    drawn = dict(re.findall(r"^(component|actor|store|service): ([^;\n]+)", question, re.M))
    kinds = {group: next((k for k in names if k in _PLAIN_KINDS), names[0]) for group, names in rows.items()}
    items: dict[str, dict[str, object]] = {}
    flows = []
    for one in seen if kinds else []:
        for group, pattern in (("service", _NAME), ("actor", _PEOPLE)):
            for name in pattern.findall(one.text)[:1]:
                if name in items or len(items) >= 2 * _MOST:
                    continue
                items[name] = {"quotes": [one.quote], "group": group, "kind": kinds[group], "name": name}
                moved = next((act.target for act in _acts([one])), "")
                if group == "service" and moved and "component" in drawn:
                    ends = {"source": drawn["component"], "target": name}
                    flows.append({"quotes": [one.quote], **ends, "what": moved})
    abilities = [
        {
            "quotes": [act.sentence.quote],
            "action": _third(act.verb),
            "object": act.target,
            "mode": _MODES.get(act.verb, "write"),
            "credential": "",
            "approver": "",
        }
        for act in _acts(seen)[: 2 * _MOST]
    ]
    return {"items": list(items.values()), "abilities": abilities, "flows": flows}


def _posture(seen: Sequence[Sentence], question: str, product: str) -> dict[str, object]:
    deed = next(iter(re.findall(r"Does: ([^;\n]+)", question)), "")
    told = _stems(deed)
    fitting = [one for one in seen if not _NOT_IN_POSTURE.search(one.text)]
    best = sorted(fitting, key=lambda one: -len(_stems(one.text) & told))[:1]
    text = f"{product} can {deed}."
    if not deed or not best or len(_stems(best[0].text) & told) < _MOST_OF * len(told):
        acts = sorted(_acts(fitting), key=lambda act: -len(_stems(act.sentence.text) & told))
        best = [act.sentence for act in acts[:1]]
        text = next((f"{product} {_third(act.verb)} {act.whole}." for act in acts), "")
    made = _reasoned(best)
    made["claims"] = [{"text": text, "quotes": [1]}] if best else []
    return {**made, "paragraph": text if best else ""}


def _stems(text: str) -> set[str]:
    return {word[:_STEM] for word in _words(text)}


def _third(verb: str) -> str:
    return verb + ("es" if verb.endswith(("sh", "ch", "s")) else "s")


def _questions(seen: Sequence[Sentence], question: str) -> dict[str, object]:
    points = {key: text for key, text in _rows(question).items() if re.fullmatch(r"[A-Z]+\d+", key)}
    worded = {key: text.split("?")[0].rstrip(" .;:") for key, text in points.items()}
    return {"questions": [{"point": key, "text": f"{text}, and which page says so?"} for key, text in worded.items()]}


def _chains(seen: Sequence[Sentence], question: str) -> dict[str, object]:
    rows = [(key, layer or key[:2], title) for key, layer, title in _THREAT.findall(question)]
    pairs = [(one, other) for one in rows for other in rows if one[1] < other[1]]
    made: list[dict[str, object]] = []
    for (first, _, cause), (second, _, title) in pairs:
        told = _words(cause) | _words(title)
        best = max(seen, key=lambda one: len(_words(one.text) & told), default=None)
        if best is not None and len(_words(best.text) & told) > 1 and len(made) < 2:
            steps = [{"quotes": [], "threat": first}, {"quotes": [best.quote], "threat": second}]
            made.append({"steps": steps, "title": " ".join(title.split()[:_TEN])})
    return {"chains": made}


def _critique(seen: Sequence[Sentence], question: str) -> dict[str, object]:
    numbers = [int(number) for number in re.findall(r"^\W*(\d+)[.:) ]", question, re.M)]
    return {"verdicts": [{"claim": n, "wanting": "", "verdict": "supported"} for n in dict.fromkeys(numbers)]}


_STAGES: Final[Mapping[str, Callable[[Sequence[Sentence], str], dict[str, object]]]] = {
    "factors": _factors,
    "layers": _layers,
    "threats": _threats,
    "abilities": _picture,
    "questions": _questions,
    "chains": _chains,
    "verdicts": _critique,
}
"""By a field that only the answer of this stage has."""
