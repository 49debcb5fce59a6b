"""Recognises sentences that say how safe the product is instead of what it does.

A *claim* puts the product in a good light without moving an estimate: something is approved, capped, certified, safe,
private, isolated or monitored, or will be. A *description* says in specific words what the product does, has, reads,
keeps or cannot do ("read-only access to the calendar", "tokens are checked as JWTs"), and moves an estimate up or down.
These rules distinguish the two:

- Approval, certification, safety and praise are claims if the sentence says nothing else.
- Limits, privacy, isolation and monitoring are claims if the sentence names no mechanism, product or identifier and
  the product does nothing else in it. Planned ones are claims as well.
- A bare denial or limit ("deletion is disabled", "no customer data is stored") of rank 2 and below lowers nothing
  compared with silence. If the sources show the action, the two contradict and the worse reading applies; if not,
  there is nothing to lower. The opening of a listing says what the product is, so it is not such a denial.
- A verdict on the product's own risk ("an assessment rated its autonomy as minimal") is a claim, and so is keyword
  stuffing.
- A sentence that says a control is missing ("runs without asking") is never a claim: it can only raise a risk.

A claim of rank 2 and below may be quoted only for a control, and such a control lowers nothing. From rank 3 on it
counts (see `agent.intake.extract.statements.split`).
"""

import re
from functools import lru_cache
from typing import Final

from agent.intake.extract.statements.sorts import does_something

_I: Final = re.IGNORECASE

APPROVAL = re.compile(
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
CERTIFIED = re.compile(
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
QUALITY = re.compile(
    r"\bsafe(?:ly|st|r)?\b(?! search|[- ]search)|\bsecure(?:ly|d)?\b|\bharmless\w*|\b(?:low|no|zero)[- ]risk\b"
    r"|\brisk[- ]free\b|\btrust(?:s|ed|worthy)?\b(?! cent)|\bprotect(?:s|ed|ion|ions|ing)?\b|\breliab\w+"
    r"|\brobust\w*|\berror[- ]free\b|\brigorous\w*|\bresponsib\w+|\bethical\w*|\bresilien\w+|\bhardened\b"
    r"|\bpredictab\w+|\bpeace of mind\b|\brest assured\b|\bzero[- ]trust\b|\btamper[- ]proof\b"
    r"|\bfail[- ]?safe\b|\bproven\b|\bbattle[- ]tested\b|\bguard[- ]?rails?\b|\bsafeguard\w*"
    r"|\bbest[- ]in[- ]class\b|\b\w+-grade\b|\bexpect\w* from a\b",
    _I,
)
HAZARD = re.compile(
    r"\bharm(?:s|ed|ful)?\b|\brisk\w*|\bthreats?\b|\battack\w*|\bbreach\w*|\bincidents?\b|\bvulnerab\w+"
    r"|\bmalicious\w*|\bmisus\w+|\babus\w+|\binjections?\b|\bjailbreak\w*|\bhallucinat\w+|\bmistakes?\b"
    r"|\bdanger\w*|\bhack\w*|\bexploit\w*|\bleak\w*|\bworr(?:y|ies)\b|\bdamag\w+|\btamper\w*|\bw[eo]nt wrong\b"
    r"|\bgo(?:es|ne)? wrong\b|\bsecurity\b|\bsafety\b|\bcompromis\w+|\bunauthori[sz]ed\b|\bunwanted\b|\brunaway\b",
    _I,
)
WARDED = re.compile(
    r"\b(?:prevent\w*|against|stop(?:s|ped)?|block(?:s|ed)?|impossible|immune|resist\w*|withstand\w*|avoid\w*"
    r"|free of|rule[sd]? out|eliminat\w+|mitigat\w+|no|never|zero|nothing|nobody|cannot|can't|without|not"
    r"|minimi[sz]\w+|low|priority|first|top|seriously|always|core|heart|built|every|all|we|our|your|by design"
    r"|guarantee\w*)\b",
    _I,
)
LIMITED = re.compile(
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
PRIVATE = re.compile(
    r"\bprivacy\b|\bprivately\b|\b(?:is|are|be|stays?|kept|keeps?|remains?) (?:\w+ ){0,2}?private\b"
    r"|\bprivate (?:and|by)\b|\bconfidential\w*|\bencrypt\w*|\banonymi[sz]\w+|\bredact\w*|\bmask(?:s|ed|ing)\b"
    r"|\b(?:never|not|nor) (?:\w+ ){0,3}?(?:shared (?:with|outside)|shares?\b|s(?:ell|ells|old)|leaves?\b"
    r"|leak\w*|trains?\b|trained|kept|stored|resold|expos\w+|disclos\w+|passed on)\b"
    r"|\bzero[- ](?:data[- ])?retention\b|\bdata residency\b|\b(?:stays?|remains?|kept) (?:\w+ )?(?:yours"
    r"|on your|in your|with you|within your|under your)\b|\bat rest\b|\bin transit\b|\b(?:erased|wiped|purged"
    r"|deleted) (?:on request|afterwards|after|at once|immediately|automatically|when)\b|\byour data\b",
    _I,
)
APART = re.compile(
    r"\bsandbox\w*|\bisolat\w+|\bsegregat\w+|\b(?:strictly|fully|completely|always|is|are) separated\b"
    r"|\bair[- ]?gap\w*|\bwalled off\b|\bfirewall\w*|\b(?:locked[- ]down|hardened|contained|sealed"
    r"|closed) (?:environment|container|runtime|room|box|space|network)\b|\b(?:no|never has"
    r"|without) access to\b|\bcannot reach\b|\bquarantin\w+|\bkept apart\b",
    _I,
)
WATCHED = re.compile(
    r"\b(?:is|are|be|gets?|being|been|always|fully|continuously|constantly|closely) (?:\w+ )?(?:monitored"
    r"|watched|audited|observed|supervised)\b|\b(?:full|complete|detailed|tamper[- ]proof|immutable"
    r"|comprehensive|permanent|gapless) (?:\w+ )?(?:audit|log|logs|trail|record)\b|\banomal\w+|\b(?:continuous"
    r"|constant|real[- ]time|active|live) (?:monitoring|observation|oversight)\b|\b(?:we|our \w+(?: \w+)?"
    r"|a (?:dedicated )?team) (?:\w+ )?(?:monitors?|watch(?:es)?|tracks?|traces?|logs?|records?|audits?)\b"
    r"|\bleaves a trace\b|\bon (?:the )?record\b|\baccountab\w+|\btransparen\w+",
    _I,
)
ABSOLUTE = re.compile(
    r"\b(?:every|everything|each|all|any|anything|always|never|nothing|nobody|no one|only|fully|completely"
    r"|entirely|strictly|totally|whatever|whoever|at all times|by design|by default|100 ?%|zero"
    r"|without exception|at no (?:time|point)|in no case|under no circumstances|guarantee\w*|ensur\w+|cannot"
    r"|can't|no|full|complete|strict|end[- ]to[- ]end)\b|\b(?:we|our|us|you|your)\b",
    _I,
)
MISSING = re.compile(
    r"\b(?:no|without(?: any| an| a)?) (?:\w+ ){0,3}?(?:approvals?|confirmations?|human review|review|consent"
    r"|oversight|permission prompts?|sandbox\w*|isolation|encryption|checks?|limits?|logs?|audit\w*|guard\w*"
    r"|confirmation step|allow[- ]?list)\b|\b(?:does|do|will) not (?:ask|wait|need|require|check|verify|log"
    r"|limit)\b|\bwithout (?:asking|waiting|being asked|human|supervision)\b"
    r"|\bwithout (?:an? |any )?(?:person|human|people|any(?:one|body)|some(?:one|body)) (?:watch|look)ing\b"
    r"|\b(?:minimal|little"
    r"|less) supervision\b|\bauto[- ]?approv\w*|\bskips?\b|\bunless (?:switched|turned) on\b"
    r"|\bnot (?:a )?(?:security|sandboxed|encrypted|isolated|validated|audited|logged|checked|restricted"
    r"|limited|production)\b|\bapproves everything\b|\b(?:unsafe|insecure|unencrypted|unrestricted|unsupervised"
    r"|unattended|plain[- ]text)\b|\b(?:can|may|might) be (?:turned off|disabled|skipped|bypassed"
    r"|switched off)\b|\b(?:off|disabled) by default\b|\bon its own\b|\b(?<!stops )by itself\b",
    _I,
)
"""Says that a control is missing or can be bypassed; `DOUBLE` excludes double negatives ("no action without …")."""
DOUBLE = re.compile(
    r"\b(?:no|not|never|nothing|nobody|cannot|can't|won't|none)\b[^.;]*\b(?:without|unless|until|before)\b", _I
)
MECHANISM = re.compile(
    r"`|\b(?:oauth|jwts?|pkce|bearer|api[- ]keys?|tokens?|keyring|kms|json|https?|csrf|docker|kubernetes"
    r"|schemas?|zod|pydantic|regex|regular expressions?|director(?:y|ies)|(?<!no )paths?|localhost|headers?|cli"
    r"|command line|flags?|config(?!uration change)\w*|environment variables?|yaml|sqlite|postgres\w*|redis|endpoint"
    r"|callback\w*"
    r"|handler\w*|middleware|decorator\w*|npm|pip|sdk|stdio|stdout|stderr|websocket\w*|webhook\w*|mcp|nodes?"
    r"|mode|modes|sso|saml|ldap|rbac|roles?|role-based|scopes?|interpreter|imports?|hook\w*|receipts?|hash\w*"
    r"|git|branch\w*|cookies?|origins?|ports?|proxy)\b|\w_\w|\w\(\)|\b\w+\.(?:py|ts|js|json"
    r"|ya?ml|toml|md|env)\b|/\w+",
    _I,
)
KNOWN_NAMES: Final = re.compile(
    r"TISAX|RMF|DORA|ENS|BSI|Q[1-4]|SOC2?|ISO\d*|IEC|GDPR|HIPAA|CCPA|PCI|DSS|FedRAMP|HITRUST|AES|TLS|SSL|AI|LLM|API"
    r"|II?|Type|EU|US|UK|NIST|OWASP"
    r"|Level|Security|Privacy|Finance|Legal|Compliance|Trust"
)
NAME = re.compile(r"(?<![.!?:] )(?<!^)(?<![“\"'*|#>-])\b[A-Z][A-Za-z0-9]+\b")
CLAUSES = re.compile(
    r"[;:—–]\s|\s-\s|,\s+(?:and|but|while|which|so|then|whereas)\s(?!(?:every|each|all|any|no|nothing|never"
    r"|always)\b)|[.!?]\s|\|",
    _I,
)
GOVERNED = re.compile(
    r"\b(?:requir\w+|needs?|awaits?|waits? (?:for|until)|subject to|must|has to|have to|had to|gated|only|until"
    r"|unless|before|after|once|without|depends? on|pass(?:es)?|goes through|stops? for|paus(?:es?|ed)|held"
    r"|behind|first|never|always|is|are|be|gets?|with|under|by)\b",
    _I,
)
ACTIVE = re.compile(
    r"(?:^(?!\w+\s+(?:is|are|will|above|over|never|always|cannot|can|must|need|have|has|stay|that|which|by|of"
    r"|for|in|only|inside|within|limits?)\b)|\b(?:it|they|agents?|assistants?|servers?|products?|tools?(?! calls?)"
    r"|services?"
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
"""Says that the product does something, or lets somebody do something."""
ASSENT = re.compile(
    r"\b(?:must|has to|have to|needs to) (?:\w+[- ])?(?:light|agree|nod|consent|sign|countersign|release|accept|allow"
    r"|clear)\w*|\bonly (?:the |an? |your |our )?(?:\w+ ){1,3}?(?:can|may) (?:trigger|start|send|release|change"
    r"|approve|allow|publish)\w*|\byour agreement\b|\bcountersign\w*|\bremains? (?:a )?drafts? until\b"
    r"|\bbypass(?:es)?\b|\bwaits? for \w+|\bhas a say\b|\blets? (?:it|them|him|her) (?:through|pass|go)\b|\bcall(?:s"
    r"|ed)? off\b|\blast word\b|\bblessing\b|\bthumbs?[- ]up\b"
    r"|\b(?:the|an?|your|their) (?:OK|okay|nod|yes)\b|\b(?:has|have|had) (?:said )?(?:yes|agreed|nodded)\b"
    r"|\bat the (?:wheel|helm)\b"
    r"|\bpress(?:es)? the button\b|\bdecisions? (?:about|on|over|for) [^.;]*\b(?:stays?|remains?|rests?|lies?|is"
    r"|are)\b"
    r"|\b(?:up to|in the hands of|reserved for|left to) (?:you|your|a|an|the|people|humans)\b|\bobjects?,"
    r"|\bbehind (?:my|your) back\b"
    r"|\b(?:do|does) not agree\b|\b(?:is|are) asked (?:to|first|for)\b|\bproposes?, \w|\brequires? (?:the|an?"
    r"|your) (?:\w+ |\w+'s ){0,2}?(?:confirmation|approval|consent|permission)\b|\bwithout (?:the|an?) (?:OK|okay|nod"
    r"|consent)\b|\bonly with\b|\b(?:is|are|gets?) put before\b|\bveto\b"
    r"|\bsees? (?:every|each|all|any)\b|\bdouble[- ]check\w*|\b(?:ask|check)s? back\b|\byour? (?:call|choice"
    r"|decision)\b",
    _I,
)
CALMING = re.compile(
    r"\b(?:could|can) not be (?:in )?(?:better|safer)\b|\bnever a (?:complaint|problem|fault)\b|\brefus(?:es?|ing)\b"
    r"|\bout of trouble\b|\bno (?:drama|surprises?|trouble|accidents?)\b|\bgentle\b|\brather do nothing\b|\bstricter\b"
    r"|\blocked (?:container|box|room|cell)\b|\bcareful\w*|\bdependab\w+|\bbenign\b|\bsleep (?:\w+ )?(?:soundly|well"
    r"|easy)\b|\bspotless\b|\bflawless\w*|\bimpeccab\w+"
    r"|\bwell[- ]behaved\b|\bimmun\w+|\breproach\b|\bsafety\b|\b(?:rely|count|depend) on (?:it|us|them)\b"
    r"|\bdiscre(?:et\w*|tion)\b|\bfear\b"
    r"|\bget(?:s)? nowhere\b|\bflying colou?rs\b|\bfit for (?:\w+ )?(?:work|use|purpose)\b"
    r"|\bnothing (?:\w+ )?happen(?:s|ed)\b|\bruled out\b"
    r"|\b(?:does|do) not work here\b|\bcaught before\b|\bcompletely fine\b|\bharm\b|\bafraid\b|\bno(?:thing)? (?:to"
    r"|need to) worry\b",
    _I,
)
DISCREET = re.compile(
    r"\b(?:is|are|gets?) (?:wiped|erased|deleted|forgotten|dropped) (?:the moment|as soon|when|once|after)\b"
    r"|\bnone of our business\b|\bcould not (?:read|see|look)\b|\bstays? with \w+|\bbelongs? to (?:you|the customers?"
    r"|nobody else)\b|\bvanish\w*|\bscrambl\w+|\bnever reach\w*|\bfour walls\b|\bnone of your\b"
    r"|\b(?:no|none of the|not one|not a single) (?:[\w'-]+ ){0,6}?(?:is|are|gets?|will be|was|were|leaves?|reach\w*"
    r"|remains?|stays?)\b"
    r"|\bno(?:body| one) (?:\w+ )?(?:can|could|may|is able to|will|has|gets?|sees?|looks?)\b|\b(?:do"
    r"|does) not (?:look at|sell|hand|keep|store|share"
    r"|retain|collect|pass)\b|\bonly (?:you|your \w+) (?:can|may|have|has|sees?)\b|\b(?:does|do|will|can) (?:it|you|we"
    r"|they) (?:keep|store|share|see"
    r"|read|sell|use) (?:my|our)\b|\bforgets?\b|\bnever (?:\w+ )?(?:used|looked|read|reused|reach\w*)\b|\bforgotten\b",
    _I,
)
FENCED = re.compile(
    r"\bbreak out\b|\bcage\b|\bcell\b|\bseparate (?:rooms?|machines?|worlds?)\b|\bnever meets?\b|\bquarantin\w*"
    r"|\bfenced\b|\block(?:ed)? (?:container|box|room|machine|cell|down|away|vault)\b|\bbehind closed doors\b"
    r"|\b(?:throw-?away|disposable)\b"
    r"|\bout of reach\b|\bno (?:path|way|door|road|connection|route|link|bridge|contact)\b|\bkept (?:\w+ )?apart\b"
    r"|\bof its own, with no\b"
    r"|\bcan never (?:see|reach|touch|read)\b|\bcut off from\b|\bshut off from\b|\bshielded\b|\bcompartment\w*",
    _I,
)
EYED = re.compile(
    r"\b(?:receives?|gets?) (?:a report|a call|notified|word)\b|\bcan be replayed\b|\bstart to finish\b|\bfilmed\b"
    r"|\blooks? strange\b|\bkeeps? (?:an|a close|a watchful) eye\b|\bunder (?:\w+ )?(?:observation|surveillance"
    r"|watch)\b|\bday and night\b|\balarms?\b|\bunnoticed\b"
    r"|\bnotices? (?:misuse|abuse|anything)\b|\b(?:complete|full|gapless) (?:history|record|overview)\b|\bheld back\b"
    r"|\blooked into\b|\bsuspicious\b"
    r"|\bwritten down\b|\btaken back\b|\btraced back\b|\balways know\b|\bsamples? of\b|\btraceab\w+|\breviewable\b"
    r"|\bspot[- ]checks?\b",
    _I,
)
BOUNDED = re.compile(
    r"\bincapable of\b|\blacks? the (?:permission|right|power|means)\w*|\bbeyond (?:its|their) (?:power|reach|remit"
    r"|control)s?\b|\b(?:above|over|beyond) [£$€]?\d[\d,.]* ?(?:dollars?|euros?|pounds?|%)?|\b(?:and|,) not one more\b"
    r"|\bupper (?:bound|limit)\b|\b[\d,]+ (?:\w+ ){1,3}(?:a|per|each|every) (?:day|hour|week|month|user|session)\b"
    r"|\bbrakes?\b|\bstricter\b|\ba limit on\b|\bcapped\b|\bceilings?\b|\bquotas?\b|\brein(?:s|ed)? in\b|\b(?:is"
    r"|are) the (?:maximum|limit|most)\b|^maximum\b|\b(?:halt|paus)ed at any\b"
    r"|\bbudget for\b|\bstops? by itself\b|\bstop button\b|\b(?:not able|unable) to\b|\bhas no (?:way|means|ability"
    r"|right|permission)\b"
    r"|\b(?:is|are|was|were|stays?|remains?) (?:\w+ )?(?:disabled|blocked|forbidden|prohibited|barred|impossible"
    r"|excluded|switched off|turned off"
    r"|turned down|ruled out)\b(?! by default)|\bout of the question\b|\bstick(?:s)? to\b|\bnarrow bounds\b"
    r"|\bonly the (?:rights|permissions|access)\b"
    r"|\bcannot do\b|\bnothing (?:\w+ ){0,3}?(?:leaves|happens|goes|is|moves|runs|gets)\b|\bfull stop\b"
    r"|\bis not possible\b",
    _I,
)
VOUCHED = re.compile(
    r"\brecogni[sz]ed by\b|\bapproved list\b|\bearned\b|\bpaperwork\b|\b(?:CSA STAR|FIPS)\b|\bgone through\b"
    r"|\bassessed\b|\bthrough (?:its|their) paces\b|\bcertificates?\b|\bpass(?:es|ed) the\b|\bexamin(?:ation|ers?"
    r"|ed)\b|\brated\b|\baligned? with\b"
    r"|\bsatisf(?:y|ies|ied)\b|\blooked over\b|\btested by\b|\breport (?:of|by|from)\b|\b(?:NIST|TISAX|DORA|ENS|BSI"
    r"|ENISA|C5)\b|\bno objections\b"
    r"|\btests? (?:every|each|all)\b|\bheld to\b|\bendors\w+|\bvetted\b|\bscrutini\w+",
    _I,
)
PROMISES = re.compile(
    r"\b(?:approv\w+|permissions?|limits?|caps?|quotas?|sandbox\w*|isolation|encrypt\w+|certif\w+|compliance|audit\w*"
    r"|role-based|single sign-on|sso|saml"
    r"|mfa|(?:two|multi)-\w+ (?:approval|authentication)|filter(?:s|ing)?|guard ?rails?|alerts?|monitoring|oversight"
    r"|reviews?|redaction|allow-?lists?"
    r"|kill switch|access controls?|retention|safeguards?|protections?|confirmations?)\b",
    _I,
)
ANNOUNCED = re.compile(
    r"\b(?:plan(?:s|ned|ning)? to|working on|in the process of|hope to|arrives?|scheduled|under development"
    r"|on our list|expect|shall|on request"
    r"|being built|to follow|in preparation)\b",
    _I,
)
LEGAL = re.compile(
    r"\b(?:the )?(?:EU )?AI Act\b|\bHTTPS encryption\b|\b(?i:role-based)\b|\bType (?:I|II|1|2)\b|\b(?:The|Our"
    r"|This|We) (?=[a-z])"
)
LOGGED = re.compile(
    r"\b(?:logged|recorded|traced|tracked|archived|scanned)\b|\baudit (?:logs?|logging|trails?)\b|\brevers(?:ed"
    r"|ible)\b|\bundone\b|\brolled back\b|\b24/7\b|\baround the clock\b",
    _I,
)
FUTURE = re.compile(
    r"\b(?:will|shall|planned|soon|upcoming|roadmap|intend\w*)\b|\bcoming\b|\bnext (?:quarter|year|release"
    r"|version|month)\b|\blater this year\b|\bin (?:the near )?future\b|\bq[1-4]\b|\bby the end of\b",
    _I,
)
PLACES = re.compile(r"\bread[- ]only\b|\bstateless\b|\bexperimental\b|\bnot (?:cover|prove|production)\b", _I)
"""Says what the product is or keeps, which moves an estimate regardless of any promises in the sentence."""
UNLESS = re.compile(r"\bunless\b(?! approv)", _I)
LEADING = re.compile(r"^(?:[^\w`$£€]|_|\d{1,2}[.)]\s)+")
COUNTING_RANK: Final = 3
"""The minimum rank at which a control may lower a risk."""

_CAPITALISED: Final = 0.5
"""Minimum share of capitalised words for a line to count as a title, in which capitals do not mark names."""
_SHORT: Final = 12
_ASIDE: Final = 6
"""A longer clause, in words, that is not a claim is a description."""
_LEAD_IN: Final = 2
"""A clause of at most this many words introduces the next clause ("Phone calls: only with …")."""
_REMEMBERED: Final = 10_000
"""Number of sentences whose verdict is cached, since both the intake and the drafter request each verdict."""
_STRONG: Final = (APPROVAL, CERTIFIED, QUALITY, HAZARD, CALMING)
_WEAK: Final = (LIMITED, PRIVATE, APART, WATCHED, ASSENT, DISCREET, FENCED, EYED, BOUNDED, VOUCHED)


# Annotations in a tool list that present a tool as safe; nothing forces the server to respect them.
_HINT: Final = re.compile(
    r"\bvendor's own hint about \S+ "
    r"(?:readOnlyHint true|destructiveHint false|idempotentHint true|openWorldHint false),"
)


_RATING: Final = re.compile(
    r"\b(?:threat model|(?:risk|security|safety) (?:assessment|review|evaluation|analysis|audit)|assessors?"
    r"|auditors?)\b"
    r"[^.!?]{0,80}\b(?:rated?|scored?|graded?|classified|found|concluded|judged|called|put)\b"
    r"[^.!?]{0,120}\b(?:minimal|negligible|low|lowest|none|harmless|no (?:risk|threats?)|zero|0(?:\.\d)?)\b"
    r"|\baivss\b"
    r"|\b(?:found|revealed) (?:zero|no|not a single|0) (?:\w+ ){0,2}?"
    r"(?:issues?|findings?|vulnerabilit(?:y|ies)|flaws?|weakness(?:es)?|problems?|risks?|incidents?)\b"
    r"|\b(?:zero|no) (?:\w+ ){0,2}?(?:issues?|findings?|vulnerabilit(?:y|ies)|flaws?|weaknesses) (?:were|was) found\b",
    re.IGNORECASE,
)
"""A verdict on the product's own risk, from any source. The assessment has to determine that risk itself."""
_REPEATS: Final = 3


@lru_cache(maxsize=_REMEMBERED)
def is_claim(text: str) -> bool:
    """Return whether a sentence, list item or table row is nothing but a claim, by its words alone (see the module)."""
    if _HINT.search(text) or (len(text.split()) <= _SHORT and _is_planned(text)):
        return True
    if _RATING.search(text) or _is_stuffed(text):
        return True
    found = False
    for part in CLAUSES.split(text):
        clause = LEADING.sub("", part).strip(" *_>#-|\"'“”")
        verdict = _judge(clause)
        if verdict is False:
            return False
        found = found or bool(verdict)
    return found


def _is_stuffed(text: str) -> bool:
    """Return whether a text is keyword-stuffed: at least three runs of words are immediately repeated."""
    said = [word.strip(".,;:").casefold() for word in text.split()]
    runs = sum(
        said[at : at + size] == said[at + size : at + 2 * size]
        for size in (1, 2)
        for at in range(len(said) - 2 * size + 1)
    )
    return runs >= _REPEATS


def _judge(clause: str) -> bool | None:
    """Return True for a claim, False for a description, None for a clause that is neither."""
    lacking = MISSING.search(clause) or UNLESS.search(clause)
    if PLACES.search(clause) or (lacking and not DOUBLE.search(clause)):
        return False
    if _is_planned(clause):
        return True
    words = len(clause.split())
    weak = any(topic.search(clause) for topic in _WEAK) or _is_recorded(clause)
    if not weak and words > _ASIDE and not any(topic.search(clause) for topic in _STRONG):
        # All further checks need a topic. Most text has none, so the search for names and actions is skipped.
        return False
    mechanism = bool(MECHANISM.search(LEGAL.sub(" ", clause)))
    concrete = mechanism or _names_something(LEGAL.sub(" ", clause))
    rest = _without_topics(LEGAL.sub(" ", clause))
    acts = does_something(rest)
    ruled = GOVERNED.search(clause) or ABSOLUTE.search(clause)
    if APPROVAL.search(clause) and not mechanism and (ruled or (not acts and not concrete)):
        return True
    if CERTIFIED.search(clause) and not mechanism and (not acts or ABSOLUTE.search(clause)):
        return True
    praised = bool(
        QUALITY.search(clause) or CALMING.search(clause) or (HAZARD.search(clause) and WARDED.search(clause))
    )
    if praised and not mechanism and (not acts or (not concrete and not ACTIVE.search(rest))):
        return True
    if weak and not concrete and not ACTIVE.search(rest):
        return True
    return False if concrete or words > _ASIDE or (acts and words > _LEAD_IN) else None


def _is_planned(text: str) -> bool:
    return bool(PROMISES.search(text) and (ANNOUNCED.search(text) or FUTURE.search(text)))


def _is_recorded(clause: str) -> bool:
    """Return whether a short clause says that everything is recorded, or that something will be recorded."""
    is_sweeping = len(clause.split()) <= _SHORT and (ABSOLUTE.search(clause) or FUTURE.search(clause))
    return bool(is_sweeping and LOGGED.search(clause))


def _without_topics(clause: str) -> str:
    for topic in (*_STRONG, *_WEAK):
        clause = topic.sub(" ", clause)
    return clause


def _names_something(clause: str) -> bool:
    """Return whether a clause contains a proper name, other than those of certificates and laws."""
    words = re.findall(r"[A-Za-z]{2,}", clause)
    if words and sum(word[0].isupper() for word in words) >= _CAPITALISED * len(words):
        return False
    return any(not KNOWN_NAMES.fullmatch(name.group()) for name in NAME.finditer(clause))
