"""A review in which every text that somebody else could have written attacks whoever renders it."""

import itertools
import json
from contextlib import suppress
from typing import Final, cast

import yaml

from agent.errors import InputError
from agent.records import Document, Draft, Evidence, Finding
from agent.report.draft_json import dump, parse
from agent.review.domain.records import Action, Reason, Reviewer, Verb
from agent.review.service import Service
from agent.review.web.forms import STATEMENT
from tests.fakes.review.reviewing import case_documents, case_draft

CASE: Final = "airtable-mcp-server"
_NUMBERS: Final = itertools.count(1)
VECTOR: Final = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N"
WORDS: Final = frozenset((
    "name", "vendor", "summary", "posture", "object", "approver", "credential", "paragraph", "title", "rationale",
    "source", "prerequisite", "action", "impact", "asset", "text", "proposed", "what", "label", "looked_for",
    "how", "lost", "setting", "why", "changes", "caveat", "law", "price", "part", "value", "detail",
))  # fmt: skip
"""Fields of a draft that contain text."""
KEPT: Final = frozenset(("sources", "evidence", "taxonomy", "score", "manifest", "drafter", "schema", "usage", "flows"))
"""Parts that contain no text, or only text from published lists."""


def sentence(payload: str) -> str:
    """The text of the source, which the draft quotes."""
    return f"The agent deletes files {payload} in Google Drive without asking."


def hostile(payload: str) -> tuple[Draft, tuple[Document, ...]]:
    """Return a real draft with `payload` in each of its texts, and the sources that it quotes."""
    first, *rest = case_documents(CASE)
    quote, start = sentence(payload), len(first.text) + 2
    excerpt = Finding(kind="hidden-text", document=first.id, start=0, end=0, where=payload, excerpt=payload)
    document = first.model_copy(
        update={
            "text": f"{first.text}\n\n{quote}\n", "title": payload, "url": f"https://acme.example/{payload}",
            "findings": (*first.findings, excerpt),
        }
    )  # fmt: skip
    draft = case_draft(CASE)
    mark = f"E{len(draft.evidence) + 1}"
    said = Evidence(
        id=mark, document=first.id, start=start, end=start + len(quote), quote=quote, rank=1, about="product"
    )
    cited = draft.model_copy(update={"id": f"hostile-{next(_NUMBERS)}", "evidence": (*draft.evidence, said)})
    plain = _planted(json.loads(dump(cited)), payload, mark)
    return parse(json.dumps(plain), where=payload), (document, *rest)


CLOSED: Final = (({"name", "value", "evidence"}, "name"), ({"label", "text", "facts"}, "label"))
"""Parts where a field that elsewhere contains text has a name from a closed list: slots of facts, rows of abilities."""


def _planted(value: object, payload: str, mark: str) -> object:
    match value:
        case dict():
            kept = KEPT | {name for parts, name in CLOSED if parts <= value.keys()}
            made = {name: each if name in kept else _word(name, each, payload, mark) for name, each in value.items()}
            if "statement" in made:
                made["evidence"] = [*cast("list[str]", value["evidence"]), mark]
            return made
        case list():
            return [_planted(each, payload, mark) for each in value]
        case _:
            return value


def _word(name: str, value: object, payload: str, mark: str) -> object:
    if name in WORDS and isinstance(value, str):
        return payload if name == "name" else f"{payload} {value}"
    return _planted(value, payload, mark)


class Attacked:
    """The review of such a draft, with an act of every kind whose text is also the attack."""

    def __init__(self, service: Service, payload: str) -> None:
        self.payload, self.service = payload, service
        self.line = " ".join(payload.split())[:70]
        self.reviewer = Reviewer(name=payload[:80])
        draft, documents = hostile(payload)
        self.mark = draft.evidence[-1].id
        self.key = service.add_draft(draft, documents, self.reviewer)
        self.threats = [threat.id for layer in draft.layers.values() for threat in layer.threats]
        self._live()

    def _live(self) -> None:
        payload, quote = self.payload, sentence(self.payload)
        self.act("correct", "posture", text=f"Reads mail {payload} ({self.mark}).", reason="wording")
        self.act("correct", f"threat/{self.threats[0]}", title=f"Again {payload}", reason="wording")
        self.act("strike", f"threat/{self.threats[-1]}", reason="duplicate")
        self.act("attach", "factor/autonomy_of_action", document="D1", quote=quote)
        self.act(
            "contest",
            "posture",
            kind="wrong",
            text=payload,
            url="https://x.example/'onmouseover='window.KSTURL=1",
            sender=self.line,
        )
        self.act("decide", "posture", number=self.version, decision="refused", rule=payload)
        self.act("contest", f"threat/{self.threats[0]}", kind="outdated", text=payload, url="", sender=self.line)
        self.act("answer", "question/Q1", text=payload, url="", kind="vendor-answer")
        self.act("waive", "question/Q2", reason="out-of-scope")
        self.act(
            "add", layer="agent_ecosystem", title=payload, cvss_vector=VECTOR,
            statement=dict.fromkeys(STATEMENT, payload),
            taxonomy=[], mitigations=[{"text": payload, "who": "you", "status": "proposed"}],
            evidence=[{"document": "D1", "quote": quote}],
        )  # fmt: skip
        with suppress(InputError):  # a name that is not valid
            self.act("assign", to=self.line)
        with suppress(InputError):  # a response cannot contain a control character
            self.service.respond(self.key, self.response().encode(), self.reviewer)

    @property
    def version(self) -> int:
        return self.service.review(self.key).version

    def act(self, verb: Verb, item: str = "", *, reason: str = "", **fields: object) -> None:
        action = Action(
            verb=verb, item=item, version=self.version, fields=fields, reason=cast("Reason", reason), note=self.payload
        )
        self.service.act(self.key, action, self.reviewer)

    def response(self) -> str:
        """Return a response file."""
        asked = self.service.review(self.key).drafted
        return yaml.safe_dump({
            "schema": "septet/response/1", "draft": asked.id, "sender": self.line, "by": "vendor",
            "contests": [{"item": "posture", "kind": "missing", "text": self.payload, "url": ""}],
        })  # fmt: skip
