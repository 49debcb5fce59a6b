"""Under whose authority a product acts: which credential it uses, and who approves."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from agent.drafting_old.capabilities import content_words
from agent.drafting_old.gazetteer import load_gazetteer
from agent.drafting_old.inflection import listed, singular, third_person
from agent.drafting_old.ledger import Ledger
from agent.evidence.reading import Reading
from agent.evidence.signals import is_denied
from agent.records import Capability, State, Statement

_MAX_CHARS: Final = 60
_SPELLED_WITH_AN: Final = "AEFHILMNORSX"
"""Letters whose name begins with a vowel sound ("an NCBI key")."""
_NEAR: Final = 45
"""Characters on either side of a credential in which its owner and place are looked for."""
_PLAIN_WORDS: Final = listed(
    "managed service personal access bearer private client passwords password connection user username workload "
    "long-lived refresh server-side session"
)
_KIND_ORDER: Final = ("wallet_keys", "service_account", "user_oauth", "personal_token", "api_key", "password")
LOCAL_SIGNALS: Final = listed(
    "executes_code writes_files reads_files generates_code generates_text generates_media long_term_memory "
    "delegates_subagents orchestrates_agents schedules drives_interface imitates_people stores_history "
    "stores_credentials installs_extensions answers_questions"
)
"""Signals of actions that need no credential of a remote service."""
UNGATED_SIGNALS: Final = listed(
    "long_term_memory stores_history stores_credentials generates_text generates_media orchestrates_agents "
    "delegates_subagents answers_questions"
)
"""Signals of what goes on inside the product, which an approval of "every action" does not mean."""
_PUBLIC_SIGNALS: Final = frozenset({"browses_web", "live_data"})
"""Signals of public sources, for which at most an API key is used."""
_OWNERS: Final = (
    (
        "the caller's",
        re.compile(
            r"\bcaller['’]s\b|\beach (?:connection|request|caller|client)\b|\bper[- ](?:request"
            r"|connection)\b|\bcallers? (?:passes|supplies|sends)",
            re.I,
        ),
    ),
    (
        "the signed-in user's",
        re.compile(
            r"\bsigned?[- ]in user|\bon behalf of\b|\bsign(?:s|ing)? in\b|\blogs? in\b"
            r"|\bpersonal (?:account|microsoft)",
            re.I,
        ),
    ),
    ("each user's own", re.compile(r"\beach user\b|\bper[- ]user\b|\bevery user\b|\bindividual user", re.I)),
    (
        "the user's",
        re.compile(
            r"\b(?:user|person|developer|owner|sender|merchant)['’]s\b|\busers?\b|\byour\b"
            r"|\bdevelopers?\b",
            re.I,
        ),
    ),
    (
        "the customer's",
        re.compile(
            r"\bcustomer['’]?s?\b|\bworkspace\b|\btenant\b|\borganisation\b|\bteam['’]s\b",
            re.I,
        ),
    ),
    ("the administrator's", re.compile(r"\badmin(?:istrator)?s?\b", re.I)),
    (
        "the server's own",
        re.compile(
            r"\bdeployer account\b|\bserver['’]s own\b|\bservice['’]s own\b|\bshared (?:key|account"
            r"|credential)",
            re.I,
        ),
    ),
)
_PLACES: Final = (
    (
        "given as a tool argument",
        re.compile(r"\btool argument|\bas (?:an? )?(?:argument|parameter)\b|\btakes the private key", re.I),
    ),
    (
        "from the environment",
        re.compile(r"\benvironment\b|\benv(?:ironment)? var|\b[A-Z][A-Z0-9]+_[A-Z0-9_]{2,}\b|\bvariables?\b"),
    ),
    (
        "from a configuration file",
        re.compile(r"\bconfig(?:uration)?(?: file)?\b|\bTOML\b|\bYAML\b|\.json\b|\bsettings file\b"),
    ),
    ("in a request header", re.compile(r"\bheader\b", re.I)),
)
_LLM_KEY: Final = re.compile(
    r"\b(?:model|llm|provider|openai|anthropic|gemini|groq|own) (?:provider )?(?:api )?keys?\b"
    r"|\bfrom (?:openai|anthropic)\b",
    re.I,
)
_WITHOUT: Final = re.compile(r"\b(?:no|without (?:an?|any)?|needs no|neither)\s*(?:\w+ ){0,2}$", re.I)

_APPROVAL: Final = re.compile(
    r"\b(?:ask(?:s|ed|ing)?|prompt(?:s|ed|ing)?|wait(?:s|ing)?|requir(?:e|es|ed|ing)|demand(?:s|ed)?"
    r"|await(?:s|ing)?|need(?:s|ed|ing)?|seek(?:s|ing)?|request(?:s|ing)?)\b"
    r"[^.;]{0,50}\b(?:approv\w+|confirm\w*|permission|consent|sign[- ]?off|go-ahead)\b"
    r"|\b(?:approv(?:ed|al|als)|confirm(?:ed|ation|ations)|accepted|sign(?:s|ed)? off) (?:by|from|of) (?:a|an"
    r"|the|each|every|one)?\s*\w+"
    r"|\bhuman[- ](?:in[- ]the[- ]loop|approval|review|confirmation|sign-?off)\b|\b(?:user|manual|explicit"
    r"|per-tool|person's|operator) (?:approval|confirmation|consent)\b"
    r"|\b(?:users?|person|people|clinicians?|physicians?|lawyers?|merchants?|humans?|developers?|reviewers?"
    r"|administrators?|operators?|engineers?|owners?|maintainers?)"
    r"(?: \w+){0,3}? (?:approv\w+|confirm\w*|accept(?:s|ed)?|sign(?:s|ed)? (?:off|the)|verif(?:y|ies)"
    r"|decides? what|must (?:review|agree))\b"
    r"|\b(?:approval|confirmation) (?:prompt|step|gate|request|flow|card|dialog)\w*\b|\bconfirm(?:ation"
    r"|s)? before\b|\bapprov\w+ before\b|\belicitation\b"
    r"|\breviewed (?:and \w+ )?by (?:the|a|an) \w+ before\b|\bapprovals?\b",
    re.I,
)
_NOT_APPROVAL: Final = re.compile(
    r"\bFDA\b|\bprior[- ]auth\w*|\bapproved (?:list|providers?|models?|domains?|tools?|registry)\b"
    r"|\bconfirmation (?:e-?mail|number|code)\b|\bbooking confirm\w*|\border confirm\w*"
    r"|\bapproval (?:rate|status)\b|\bpull request approv\w*|\bapprov\w+ pull requests?\b|\bOAuth\b"
    r"|\bscopes\b|\b(?:admin|administrator) consent\b|\bcookie\b",
    re.I,
)
_NOBODY: Final = re.compile(
    r"\b(?:no|without(?: any| an| a)?) (?:\w+ ){0,3}?(?:approval|confirmation|confirmations|human review"
    r"|permission prompt)s?\b|\b(?:does|do|will) not ask (?:anyone|for|anybody|the)"
    r"|\bwithout (?:asking|waiting for|human)\b|\bauto[- ]?approv\w*|\bcontains no confirmation\b"
    r"|\bskips? (?:approval|confirmation|permission)",
    re.I,
)
_CONDITIONAL: Final = re.compile(
    r"\bcan (?:be|demand|require|mark)\b|\bmay\b|\boptional\w*|\bif (?:enabled|the|configured)|\bconfigur\w+"
    r"|\bopt[- ]in\b|\bpolic(?:y|ies)\b|\bsettings?\b|\bwhen (?:enabled|configured)\b"
    r"|\bmodes?\b|\bdepends?\b|\bunless\b|\bcould\b|\bpattern\b",
    re.I,
)
_EVERYTHING: Final = re.compile(
    r"\b(?:every|each|all|any|chosen|named|selected|an?|such|significant|sensitive|risky|irreversible"
    r"|consequential|destructive|dangerous|mutating|write|tool)[- ]?"
    r"(?:\w+ ){0,2}?(?:actions?|tools?|tool calls?|calls?|changes?|writes?|commands?|steps?|operations?|edits?|runs?)\b"
    r"|\b(?:actions?|changes|writes|tool calls?|drafts?|commands|edits) (?:that|are|is|need|require|must|wait"
    r"|run)|\bcannot be undone\b|\bbefore (?:it|they|anything|the run|named|each|execution|running|acting"
    r"|execut)",
    re.I,
)
_DELETIONS: Final = re.compile(
    r"\bdestructive\b|\birreversible\b|\bcannot be undone\b|\bdangerous\b|\bdelet\w+|\bDROP\b"
)


class Credential(NamedTuple):
    """A credential as a statement names it."""

    kind: str
    words: str
    statement: int
    start: int
    end: int
    owned: bool
    denied: bool


class Approval(NamedTuple):
    """Who is asked, as a statement tells it; `who` is None when it says that nobody is."""

    who: str | None
    everything: bool
    """It covers all actions that change something, not only those that it names."""
    gravest: bool
    """It covers only deletions and what cannot be undone."""
    sure: bool
    """False when it depends on a setting or a policy."""
    statement: int
    start: int
    end: int


def authorise(capabilities: Sequence[Capability], reading: Reading, ledger: Ledger) -> tuple[Capability, ...]:
    """The capabilities with whose credential they use and who approves, as far as the sources say."""
    credentials = find_credentials(reading)
    approvals = find_approvals(reading)
    return tuple(
        _with_approver(_with_credential(c, credentials, reading, ledger), approvals, reading, ledger)
        for c in capabilities
    )


def _readable(statement: Statement) -> bool:
    return statement.about == "product" and not statement.flagged and statement.sort in ("description", "control")


# ---------------------------------------------------------------- credentials


def find_credentials(reading: Reading) -> tuple[Credential, ...]:
    """Every credential for a service but LLM keys, the best first: with an owner, then by kind, then by place."""
    found: list[Credential] = []
    for index, statement in enumerate(reading.statements):
        if _readable(statement):
            found.extend(_in_statement(index, statement))
    return tuple(sorted(found, key=lambda c: (c.denied, not c.owned, _KIND_ORDER.index(c.kind), c.statement, c.start)))


def _in_statement(index: int, statement: Statement) -> list[Credential]:
    text = statement.text
    low = text.lower()
    taken: list[tuple[int, int]] = []
    found: list[Credential] = []
    for kind, pattern in load_gazetteer().credentials:
        match = pattern.search(low)
        if match is None or any(a < match.end() and match.start() < b for a, b in taken):
            continue
        taken.append(match.span())
        near = text[max(match.start() - 30, 0) : match.end() + 30]
        if _LLM_KEY.search(near) and kind in ("api_key", "personal_token"):
            continue
        denied = bool(_WITHOUT.search(text[: match.start()])) or is_denied(text, *match.span())
        near = text[max(match.start() - _NEAR, 0) : match.end() + _NEAR]
        owner = next((words for words, cue in _OWNERS if cue.search(near)), None)
        words = _worded(_named(kind, text, match), owner, near)
        found.append(
            Credential(
                kind,
                words,
                index,
                statement.start + match.start(),
                statement.start + match.end(),
                owner is not None,
                denied,
            )
        )
    return found


def _named(kind: str, text: str, match: "re.Match[str]") -> str:
    """The credential's name in regular words: a proper name in front stays, other words in front of it go."""
    name = " ".join(text[match.start() : match.end()].split())
    name = re.sub(r"\bapi[- ]key", "API key", name, flags=re.I)
    front, _, rest = name.partition(" ")
    if kind == "user_oauth" and "oauth" in name.lower():
        proper = front[:1].isupper() and "oauth" not in front.lower() and match.start() > 0
        kind_of = re.search(r"oauth.*(tokens?|login|sign-in|apps?)$", name, re.I)
        bare = "OAuth " + (kind_of.group(1).lower() if kind_of else "grant")
        return f"{front} {bare}" if proper else bare
    if kind == "password" and re.fullmatch(r"user.*password", name, re.I):
        return "user name and password"
    return name if front.lower() not in _PLAIN_WORDS else f"{front.lower()} {rest}".strip()


def _worded(name: str, owner: str | None, text: str) -> str:
    """ "the caller's API key, in a request header"."""
    plural = singular(name.split()[-1].lower()) != name.split()[-1].lower()
    name = re.sub(r"^(?:per-user|free|new|required|own|valid|single) ", "", name)
    spelled = name.split()[0].isupper() and name[0] in _SPELLED_WITH_AN
    bare = plural or "password" in name or name.startswith("OAuth sign")
    article = "" if bare else "an " if spelled or name[0].lower() in "aeiou" else "a "
    base = f"{owner} {name}" if owner else f"{article}{name}"
    place = next((words for words, cue in _PLACES if cue.search(text)), None)
    whole = f"{base}, {place}" if place else base
    return whole if len(whole) <= _MAX_CHARS else base[:_MAX_CHARS].rstrip()


def _with_credential(
    item: Capability, credentials: Sequence[Credential], reading: Reading, ledger: Ledger
) -> Capability:
    named = [c for c in credentials if not c.denied]
    here = next(
        (c for c in named if _quoted(ledger, c, reading.statements[c.statement].document, set(item.evidence))), None
    )
    money = next((c for c in named if c.kind == "wallet_keys"), None)
    local = item.signal in LOCAL_SIGNALS
    general = [c for c in named if c.kind != "wallet_keys"] if item.mode == "read" else named
    if item.signal in _PUBLIC_SIGNALS:
        general = [c for c in named if c.kind == "api_key"]
    chosen = (
        here or (money if item.signal == "moves_money" else None) or (general[0] if general and not local else None)
    )
    if chosen is not None:
        state: State = "claimed" if chosen is here else "inferred"
        quote = ledger.cite(chosen.statement, chosen.start, chosen.end)
        return item.model_copy(
            update={"credential": chosen.words, "credential_state": state, "credential_evidence": (quote,)}
        )
    refused = next((c for c in credentials if c.denied), None)
    if refused is not None and not named and not local:
        quote = ledger.cite(refused.statement, refused.start, refused.end)
        return item.model_copy(update={"credential_state": "denied", "credential_evidence": (quote,)})
    return item


def _quoted(ledger: Ledger, credential: Credential, document: str, own: set[str]) -> bool:
    """Whether one of the quotes `own` covers the credential's words."""
    quotes = [e for e in ledger.evidence() if e.id in own and e.document == document]
    return any(e.start <= credential.start and credential.end <= e.end for e in quotes)


# ---------------------------------------------------------------- approvals


def find_approvals(reading: Reading) -> tuple[Approval, ...]:
    """Statements about who is asked before the product acts; the sure and wide ones first."""
    found: list[Approval] = []
    for index, statement in enumerate(reading.statements):
        text = statement.text
        if not _readable(statement):
            continue
        nobody = _NOBODY.search(text)
        match = nobody or _APPROVAL.search(text)
        if match is None or (not nobody and _NOT_APPROVAL.search(text)):
            continue
        absent = nobody is not None or is_denied(text, *match.span())
        found.append(
            Approval(
                who=None if absent else _asked(text, match),
                everything=bool(_EVERYTHING.search(text)),
                gravest=bool(_DELETIONS.search(text)),
                sure=not _CONDITIONAL.search(text),
                statement=index,
                start=statement.start + match.start(),
                end=statement.start + match.end(),
            )
        )
    return tuple(sorted(found, key=lambda a: (not a.sure, not a.everything, a.statement)))


def _asked(text: str, match: "re.Match[str]") -> str:
    """The person that the sentence names, nearest to the words about approval; "a person" when it names none."""
    if re.search(r"\bconfirm_\w+|\bconfirm(?:ation)? flag\b|\bconfirm=", text):
        return "the calling agent, by a flag"
    people = [n for n in load_gazetteer().find_actors(text) if n.kind in ("person", "operator", "subject")]
    if people:
        nearest = min(people, key=lambda n: (abs(n.start - match.start()), n.start))
        return "the " + nearest.word
    if re.search(r"\b(?:a|one|named) (?:person|human)\b|\bhuman\b", text, re.I):
        return "a person"
    return "the user" if re.search(r"\bclient|\bMCP\b|\bprompt|\basks?\b", text) else "a person"


def _with_approver(item: Capability, approvals: Sequence[Approval], reading: Reading, ledger: Ledger) -> Capability:
    if item.mode == "read" or item.state == "denied":
        return item
    fitting = [a for a in approvals if _covers(a, item, reading)]
    asked = next((a for a in fitting if a.who is not None), None)
    nobody = next((a for a in fitting if a.who is None), None)
    chosen = asked or nobody
    if chosen is None:
        return item
    quotes = tuple(dict.fromkeys(ledger.cite(a.statement, a.start, a.end) for a in (asked, nobody) if a is not None))
    if chosen.who is None:
        return item.model_copy(update={"approver_state": "denied", "approver_evidence": quotes})
    state: State = "contradicted" if nobody is not None else "claimed" if chosen.sure else "inferred"
    who = chosen.who if chosen.sure else f"{chosen.who}, where set up so"
    return item.model_copy(update={"approver": who, "approver_state": state, "approver_evidence": quotes})


def _covers(approval: Approval, item: Capability, reading: Reading) -> bool:
    """Whether an approval is about the capability: it covers all actions, or names this verb or object."""
    text = reading.text(approval.statement)
    if approval.gravest and item.mode == "delete":
        return True
    if approval.everything and item.signal not in UNGATED_SIGNALS and not (approval.gravest and item.mode == "write"):
        return True
    words = content_words(text)
    verbs = set(re.split(r", | and ", item.action))
    told = {third_person(w) for w in words} | {third_person(w.removesuffix("ing")) for w in words if w.endswith("ing")}
    return bool(verbs & told) or len(content_words(item.object) & words) > 1
