"""Claims are not facts: which sentences say how safe the product is instead of what it does.

A *claim* puts the product in a good light without placing it: somebody approves, something is capped, certified,
safe, private, kept apart, watched, or will be. A *description* says what the product does, has, reads, keeps or
cannot do, in words of its own ("read-only access to the calendar", "tokens are checked as JWTs"), and places an
estimate up or down. The border:

- Approval, certification, safety and praise are claims wherever nothing else is told.
- Limits, privacy, isolation and monitoring are claims where the sentence names no mechanism, product or identifier and
  the product does nothing else in it. That they are planned makes them no less so.
- A sentence that says a control is missing ("runs without asking") is never a claim: it can only raise a risk.

Claims of rank 2 and below are kept, cited and shown, but nothing that estimates, flags, matches or searches reads
them. From rank 3 on they count (see `agent.evidence.statements`).
"""

import re
from collections.abc import Sequence
from typing import Final

from agent.evidence.roles import does_something
from agent.records import Statement

COUNTING_RANK: Final = 3
"""From this rank a control may lower something."""
_ANALYST: Final = 5
_I: Final = re.IGNORECASE

_APPROVAL = re.compile(
    r"\bapprov(?:al|als|e|es|ed|ing|ers?)\b|\bconfirm(?:s|ed|ation|ations|ing)?\b|\bsign(?:s|ed"
    r"|ing)?[- ]?offs?\b|\bhumans?[- ]in[- ]the[- ]loop\b|\b(?:humans?|person|people|you) in (?:the loop"
    r"|control|charge)\b|\bhuman (?:review\w*|oversight|supervision|judge?ment|control|hand|approver)\b"
    r"|\b(?:go[- ]ahead|green light|say[- ]so|consent|veto\w*|countersign\w*|four[- ]eyes"
    r"|second pair of eyes)\b|\b(?:review|check|vet|inspect|accept|authori[sz]|acknowledg|releas|clear)(?:e?d"
    r"|ted) by (?:an? |the |your |our |one |two )?(?:\w+ ){0,3}?(?:person|people|human|humans|manager|managers"
    r"|team|staff|admin\w*|operator|operators|owner|reviewer|reviewers|employee|colleague|supervisor|lead"
    r"|expert|experts|user|users|somebody|someone|you)\b|\b(?:asks?|asking|checks?|consults?) (?:you|a person"
    r"|a human|somebody|someone|the user|users|first|before|for permission|permission)\b|\bwaits? (?:for"
    r"|until) (?:you|a person|a human|somebody|someone|the user|your|the \w+ to)\b|\b(?:a|one|two) (?:person"
    r"|people|human|humans) (?:always |must |has to |have to |will )?(?:decides?|reviews?|checks?|looks?"
    r"|agrees?|accepts?|watch\w*)\b|\bkeeps? (?:you|people|humans|a human|a person) in (?:the loop|control"
    r"|charge)\b|\b(?:you|people|humans|users) (?:always )?(?:stay|remain|keep) (?:in (?:full )?)?(?:control"
    r"|charge)\b|\b(?:stay|remain)s? (?:firmly )?(?:in|under) (?:your|human|their) (?:hands|control)\b"
    r"|\boversight\b|\buntil (?:\w+ ){1,8}?(?:agree[sd]?|say|says|said|nod\w*|accept\w*|ok\w*|decide[sd]?"
    r"|released?)\b|\b(?:stay|remain|are|be)s? in (?:full |complete )?(?:control|charge)\b|\bfinal (?:say|word"
    r"|decision)\b|\bmanual(?:ly)? (?:review\w*|check\w*|released?|step)\b|\bsupervised\b|\bsupervision\b"
    r"|\bpermission (?:from|of|first|before)\b|\bwithout (?:\w+ ){0,3}?(?:permission|consent|say[- ]so)\b",
    _I,
)
_CERTIFIED = re.compile(
    r"\bcertif\w+|\baccredit\w+|\battest\w*|\bsoc ?-?[123]\b|\biso(?:/iec)? ?-?\d{4,5}\b|\bgdpr\b|\bhipaa\b"
    r"|\bccpa\b|\bpci[- ]?dss\b|\bfedramp\b|\bhitrust\b|\bcyber essentials\b|\bcomplian\w+|\bcompl(?:y|ies|ied"
    r"|ying) with\b|\bpen(?:etration)?[- ]test\w*|\bred[- ]team\w*|\b(?:independent|external|third[- ]party"
    r"|outside)(?:ly)? (?:\w+ )?(?:audit\w*|assess\w*|review\w*|test\w*|experts?|firms?|labs?|bureau|verif\w*"
    r"|examin\w*)|\baudited\b|\bauditors?\b|\b(?:meets?|exceeds?|conforms?|follows?) (?:to |with )?(?:the |all "
    r"|every |strict |highest |common )*(?:\w+ ){0,2}?(?:standards?|requirements|regulations?|best practices?"
    r"|guidelines|rules|laws?)\b|\bseal of\b|\bbadges?\b|\bawards?\b|\bAI Act\b|\bregulat(?:ors?|ions?|ory)\b"
    r"|\bbug bounty\b",
    _I,
)
_QUALITY = re.compile(
    r"\bsafe(?:ly|st|r)?\b(?! search|[- ]search)|\bsecure(?:ly|d)?\b|\bharmless\w*|\b(?:low|no|zero)[- ]risk\b"
    r"|\brisk[- ]free\b|\btrust(?:s|ed|worthy)?\b(?! cent)|\bprotect(?:s|ed|ion|ions|ing)?\b|\breliab\w+"
    r"|\brobust\w*|\berror[- ]free\b|\brigorous\w*|\bresponsib\w+|\bethical\w*|\bresilien\w+|\bhardened\b"
    r"|\bpredictab\w+|\bpeace of mind\b|\brest assured\b|\bzero[- ]trust\b|\btamper[- ]proof\b"
    r"|\bfail[- ]?safe\b|\bproven\b|\bbattle[- ]tested\b|\bguard[- ]?rails?\b|\bsafeguard\w*"
    r"|\bbest[- ]in[- ]class\b|\b\w+-grade\b|\bexpect\w* from a\b",
    _I,
)
_HAZARD = re.compile(
    r"\bharm(?:s|ed|ful)?\b|\brisk\w*|\bthreats?\b|\battack\w*|\bbreach\w*|\bincidents?\b|\bvulnerab\w+"
    r"|\bmalicious\w*|\bmisus\w+|\babus\w+|\binjections?\b|\bjailbreak\w*|\bhallucinat\w+|\bmistakes?\b"
    r"|\bdanger\w*|\bhack\w*|\bexploit\w*|\bleak\w*|\bworr(?:y|ies)\b|\bdamag\w+|\btamper\w*|\bw[eo]nt wrong\b"
    r"|\bgo(?:es|ne)? wrong\b|\bsecurity\b|\bsafety\b|\bcompromis\w+|\bunauthori[sz]ed\b|\bunwanted\b|\brunaway\b",
    _I,
)
_WARDED = re.compile(
    r"\b(?:prevent\w*|against|stop(?:s|ped)?|block(?:s|ed)?|impossible|immune|resist\w*|withstand\w*|avoid\w*"
    r"|free of|rule[sd]? out|eliminat\w+|mitigat\w+|no|never|zero|nothing|nobody|cannot|can't|without|not"
    r"|minimi[sz]\w+|low|priority|first|top|seriously|always|core|heart|built|every|all|we|our|your|by design"
    r"|guarantee\w*)\b",
    _I,
)
_LIMITED = re.compile(
    r"\b(?:strict|hard|firm|low|small|built[- ]in|daily|weekly|monthly|hourly|spending|usage|budget|rate"
    r"|transaction|cost|payment|safe) (?:\w+ )?(?:limits?|caps?|ceilings?|quotas?|thresholds?|budgets?)\b"
    r"|\b(?:limit|cap|restrict|confin|bound|throttl|constrain|curb)(?:e?d|ped|s|ned)?\b(?: \w+)? (?:to|at|by|in"
    r"|within|under)\b|\b(?:rate|usage)[- ]limit\w*|\b(?:never|cannot|can't|may not|must not|will not"
    r"|won't) (?:\w+ )?(?:exceed\w*|go (?:over|above|beyond)|spend\w*|touch\w*|acts?|moves?|do|does|makes?"
    r"|takes?|leaves?|runs?|changes?|reach|sees?|sends?|deletes?|buys?|pays?)\b|\b(?:no|not) more than\b"
    r"|\bat most\b|\bkill[- ]switch\w*|\bleast[- ]privileg\w+|\bonly ever\b|\bnothing (?:more|beyond)\b"
    r"|\b(?:limits|caps|ceilings|quotas|thresholds) (?:apply|are|on|for|keep|stop|prevent|make)\b|\bminim(?:al"
    r"|um) (?:permissions?|rights|access|privileges?)\b|\ballow[- ]?list\w*|\bpolic(?:y|ies) (?:prevent|stop"
    r"|make|keep|ensure|apply|limit)s?\b|\bguard[- ]?rails?\b|\b(?:role-based|strict|minimal|fine-grained"
    r"|granular|tight) permissions?\b|\brestricted (?:to|by)\b|\baccess controls?\b|\bstops? (?:itself|at once"
    r"|automatically|after|when)\b",
    _I,
)
_PRIVATE = re.compile(
    r"\bprivacy\b|\bprivately\b|\b(?:is|are|be|stays?|kept|keeps?|remains?) (?:\w+ ){0,2}?private\b"
    r"|\bprivate (?:and|by)\b|\bconfidential\w*|\bencrypt\w*|\banonymi[sz]\w+|\bredact\w*|\bmask(?:s|ed|ing)\b"
    r"|\b(?:never|not|nor) (?:\w+ ){0,3}?(?:shared (?:with|outside)|shares?\b|s(?:ell|ells|old)|leaves?\b"
    r"|leak\w*|trains?\b|trained|kept|stored|resold|expos\w+|disclos\w+|passed on)\b"
    r"|\bzero[- ](?:data[- ])?retention\b|\bdata residency\b|\b(?:stays?|remains?|kept) (?:\w+ )?(?:yours"
    r"|on your|in your|with you|within your|under your)\b|\bat rest\b|\bin transit\b|\b(?:erased|wiped|purged"
    r"|deleted) (?:on request|afterwards|after|at once|immediately|automatically|when)\b|\byour data\b",
    _I,
)
_APART = re.compile(
    r"\bsandbox\w*|\bisolat\w+|\bsegregat\w+|\b(?:strictly|fully|completely|always|is|are) separated\b"
    r"|\bair[- ]?gap\w*|\bwalled off\b|\bfirewall\w*|\b(?:locked[- ]down|hardened|contained|sealed"
    r"|closed) (?:environment|container|runtime|room|box|space|network)\b|\b(?:no|never has"
    r"|without) access to\b|\bcannot reach\b|\bquarantin\w+|\bkept apart\b",
    _I,
)
_WATCHED = re.compile(
    r"\b(?:is|are|be|gets?|being|been|always|fully|continuously|constantly|closely) (?:\w+ )?(?:monitored"
    r"|watched|audited|observed|supervised)\b|\b(?:full|complete|detailed|tamper[- ]proof|immutable"
    r"|comprehensive|permanent|gapless) (?:\w+ )?(?:audit|log|logs|trail|record)\b|\banomal\w+|\b(?:continuous"
    r"|constant|real[- ]time|active|live) (?:monitoring|observation|oversight)\b|\b(?:we|our \w+(?: \w+)?"
    r"|a (?:dedicated )?team) (?:\w+ )?(?:monitors?|watch(?:es)?|tracks?|traces?|logs?|records?|audits?)\b"
    r"|\bleaves a trace\b|\bon (?:the )?record\b|\baccountab\w+|\btransparen\w+",
    _I,
)
_ABSOLUTE = re.compile(
    r"\b(?:every|everything|each|all|any|anything|always|never|nothing|nobody|no one|only|fully|completely"
    r"|entirely|strictly|totally|whatever|whoever|at all times|by design|by default|100 ?%|zero"
    r"|without exception|at no (?:time|point)|in no case|under no circumstances|guarantee\w*|ensur\w+|cannot"
    r"|can't|no|full|complete|strict|end[- ]to[- ]end)\b|\b(?:we|our|us|you|your)\b",
    _I,
)
_MISSING = re.compile(
    r"\b(?:no|without(?: any| an| a)?) (?:\w+ ){0,3}?(?:approvals?|confirmations?|human review|review|consent"
    r"|oversight|permission prompts?|sandbox\w*|isolation|encryption|checks?|limits?|logs?|audit\w*|guard\w*"
    r"|confirmation step|allow[- ]?list)\b|\b(?:does|do|will) not (?:ask|wait|need|require|check|verify|log"
    r"|limit)\b|\bwithout (?:asking|waiting|being asked|human|supervision)\b|\b(?:minimal|little"
    r"|less) supervision\b|\bauto[- ]?approv\w*|\bskips?\b|\bunless (?:switched|turned) on\b"
    r"|\bnot (?:a )?(?:security|sandboxed|encrypted|isolated|validated|audited|logged|checked|restricted"
    r"|limited|production)\b|\bapproves everything\b|\b(?:unsafe|insecure|unencrypted|unrestricted|unsupervised"
    r"|unattended|plain[- ]text)\b|\b(?:can|may|might) be (?:turned off|disabled|skipped|bypassed"
    r"|switched off)\b|\b(?:off|disabled) by default\b|\bon its own\b|\bby itself\b",
    _I,
)
"""Says that a control is missing or can be passed over; a double negative ("no action without …") is not meant."""
_DOUBLE = re.compile(
    r"\b(?:no|not|never|nothing|nobody|cannot|can't|won't|none)\b[^.;]*\b(?:without|unless|until|before)\b", _I
)
_MECHANISM = re.compile(
    r"`|\b(?:oauth|jwts?|pkce|bearer|api[- ]keys?|tokens?|keyring|kms|json|https?|csrf|docker|kubernetes"
    r"|schemas?|zod|pydantic|regex|regular expressions?|director(?:y|ies)|paths?|localhost|headers?|cli"
    r"|command line|flags?|config\w*|environment variables?|yaml|sqlite|postgres\w*|redis|endpoint|callback\w*"
    r"|handler\w*|middleware|decorator\w*|npm|pip|sdk|stdio|stdout|stderr|websocket\w*|webhook\w*|mcp|nodes?"
    r"|mode|modes|sso|saml|ldap|rbac|roles?|role-based|scopes?|interpreter|imports?|hook\w*|receipts?|hash\w*"
    r"|commits?|git|branch\w*|cookies?|origins?|ports?|proxy|shell)\b|\w_\w|\w\(\)|\b\w+\.(?:py|ts|js|json"
    r"|ya?ml|toml|md|env)\b|/\w+",
    _I,
)
_KNOWN_NAMES: Final = re.compile(
    r"Q[1-4]|SOC2?|ISO\d*|IEC|GDPR|HIPAA|CCPA|PCI|DSS|FedRAMP|HITRUST|AES|TLS|SSL|AI|LLM|API|II?|Type|EU|US|UK|NIST|OWASP"
    r"|Level|Security|Privacy|Finance|Legal|Compliance|Trust"
)
_NAME = re.compile(r"(?<![.!?:] )(?<!^)(?<![“\"'*|#>-])\b[A-Z][A-Za-z0-9]+\b")
_CAPITALISED: Final = 0.5
"""A line with this share of capitalised words is a title: its capitals name nothing."""
_CLAUSES = re.compile(
    r"[;:—–]\s|\s-\s|,\s+(?:and|but|while|which|so|then|whereas)\s(?!(?:every|each|all|any|no|nothing|never"
    r"|always)\b)|[.!?]\s|\|",
    _I,
)
_GOVERNED = re.compile(
    r"\b(?:requir\w+|needs?|awaits?|waits? (?:for|until)|subject to|must|has to|have to|had to|gated|only|until"
    r"|unless|before|after|once|without|depends? on|pass(?:es)?|goes through|stops? for|paus(?:es?|ed)|held"
    r"|behind|first|never|always|is|are|be|gets?|with|under|by)\b",
    _I,
)
_ACTIVE = re.compile(
    r"(?:^(?!\w+\s+(?:is|are|will|above|over|never|always|cannot|can|must|need|have|has|stay|that|which|by|of"
    r"|for|in|limits?)\b)|\b(?:it|they|agents?|assistants?|servers?|products?|tools?(?! calls?)|services?"
    r"|platforms?|bots?|skills?|which|who|lets?|can|may|and|to)\s+(?:(?:can|may|also|then|even|thus"
    r"|could)\s+)*)(?:reads?|sends?|writes?|creates?|edits?|deletes?|runs?|execut\w+|calls?|fetch\w*|search\w*"
    r"|brows\w+|quer\w+|generat\w+|draft\w*|answers?|summari[sz]\w+|stores?|remembers?|learns?|indexes"
    r"|retrieves?|plans?|schedules?|deploys?|buys?|pays?|trades?|transfers?|posts?|publish\w*|clicks?|opens?"
    r"|connects?|integrat\w+|syncs?|converts?|builds?|installs?|updates?|monitors?|scans?|detects?|tests?"
    r"|translat\w+|transcrib\w+|analy[sz]\w+|extracts?|classif\w+|finds?|looks?|lists?|checks?|inspects?"
    r"|reviews?|takes?|gives?|uses?|accepts?|returns?|asks?|starts?|loads?|saves?|collects?|groups?|compares?"
    r"|explains?|shows?|turns?|sets?)\b",
    _I,
)
"""The product does something, or lets somebody do it."""
_LEGAL = re.compile(
    r"\b(?:the )?(?:EU )?AI Act\b|\bHTTPS encryption\b|\b(?i:role-based)\b|\bType (?:I|II|1|2)\b|\b(?:The|Our"
    r"|This|We) (?=[a-z])"
)
_LOGGED = re.compile(
    r"\b(?:logged|recorded|traced|tracked|archived|scanned)\b|\baudit (?:logs?|logging|trails?)\b|\brevers(?:ed"
    r"|ible)\b|\bundone\b|\brolled back\b|\b24/7\b|\baround the clock\b",
    _I,
)
_FUTURE = re.compile(
    r"\b(?:will|shall|planned|soon|upcoming|roadmap|intend\w*)\b|\bcoming\b|\bnext (?:quarter|year|release"
    r"|version|month)\b|\blater this year\b|\bin (?:the near )?future\b|\bq[1-4]\b|\bby the end of\b",
    _I,
)
_PLACES = re.compile(
    r"\bread[- ]only\b|\bstateless\b|\bexperimental\b|\bnot (?:cover|prove|production)\b|\bunless\b(?! approv)", _I
)
"""What the product is or keeps: it places an estimate, whatever else the sentence promises."""
_SHORT: Final = 12
_ASIDE: Final = 6
"""A clause of more words that is no claim tells something."""
_STRONG: Final = (_APPROVAL, _CERTIFIED, _QUALITY, _HAZARD)
_WEAK: Final = (_LIMITED, _PRIVATE, _APART, _WATCHED)


# What a tool list's annotations say in a tool's favour: nobody holds a server to them.
_HINT: Final = re.compile(
    r"\bvendor's own hint about \S+ "
    r"(?:readOnlyHint true|destructiveHint false|idempotentHint true|openWorldHint false),"
)


def is_claim(text: str) -> bool:
    """Whether a sentence, list item or table row is a claim and nothing else, from its words alone (see the module)."""
    if _HINT.search(text):
        return True
    found = False
    for part in _CLAUSES.split(text):
        clause = part.strip(" *_>#-|\"'“”")
        verdict = _judge(clause)
        if verdict is False:
            return False
        found = found or bool(verdict)
    return found


def _judge(clause: str) -> bool | None:
    """True for a claim, False for a description, None for a clause that is neither."""
    if _PLACES.search(clause) or (_MISSING.search(clause) and not _DOUBLE.search(clause)):
        return False
    mechanism = bool(_MECHANISM.search(_LEGAL.sub(" ", clause)))
    concrete = mechanism or _names_something(_LEGAL.sub(" ", clause))
    rest = _without_topics(_LEGAL.sub(" ", clause))
    acts = does_something(rest)
    ruled = _GOVERNED.search(clause) or _ABSOLUTE.search(clause)
    if _APPROVAL.search(clause) and not mechanism and (ruled or (not acts and not concrete)):
        return True
    if _CERTIFIED.search(clause) and not mechanism and (not acts or _ABSOLUTE.search(clause)):
        return True
    praised = bool(_QUALITY.search(clause) or (_HAZARD.search(clause) and _WARDED.search(clause)))
    if praised and not mechanism and (not acts or (not concrete and not _ACTIVE.search(rest))):
        return True
    weak = any(topic.search(clause) for topic in _WEAK) or _is_recorded(clause)
    if weak and not concrete and not _ACTIVE.search(rest):
        return True
    return False if acts or concrete or len(clause.split()) > _ASIDE else None


def _is_recorded(clause: str) -> bool:
    """Whether a short clause says of everything, or of the future, that it is recorded."""
    told = len(clause.split()) <= _SHORT and (_ABSOLUTE.search(clause) or _FUTURE.search(clause))
    return bool(told and _LOGGED.search(clause))


def _without_topics(clause: str) -> str:
    for topic in (*_STRONG, *_WEAK):
        clause = topic.sub(" ", clause)
    return clause


def _names_something(clause: str) -> bool:
    """Whether a proper name stands in it, certificates and laws apart."""
    words = re.findall(r"[A-Za-z]{2,}", clause)
    if words and sum(word[0].isupper() for word in words) >= _CAPITALISED * len(words):
        return False
    return any(not _KNOWN_NAMES.fullmatch(name.group()) for name in _NAME.finditer(clause))


def bearing(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements that may bear on a result, in their order: no claims of rank 2 and below, and no repetition.

    A sentence that the vendor says again counts once, where it has its highest rank, else where it stands first; the
    vendor is one publisher whatever the page. Notes of the analyst are all kept.
    """
    best: dict[str, int] = {}
    for index, statement in enumerate(statements):
        key = _words(statement)
        if key not in best or statement.rank > statements[best[key]].rank:
            best[key] = index
    kept = set(best.values())
    return tuple(s for n, s in enumerate(statements) if not s.claim and (n in kept or s.rank == _ANALYST))


def _words(statement: Statement) -> str:
    """What makes two statements the same: letters and digits, and whether the words count at all."""
    apart = f"{statement.about}{statement.flagged}{statement.claim}"
    return apart + "".join(re.findall(r"\w+", statement.text.lower())) or statement.text
