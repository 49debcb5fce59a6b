"""Recognises sentences that say how safe the product is instead of what it does.

A *claim* puts the product in a good light without moving an estimate: something is approved, capped, certified, safe,
private, isolated or monitored, or will be. A *description* says in specific words what the product does, has, reads,
keeps or cannot do ("read-only access to the calendar", "tokens are checked as JWTs"), and moves an estimate up or down.
These rules distinguish the two:

- Approval, certification, safety and praise are claims if the sentence says nothing else.
- Limits, privacy, isolation and monitoring are claims if the sentence names no mechanism, product or identifier and
  the product does nothing else in it. Planned ones are claims as well.
- A bare denial or limit ("deletion is disabled", "no customer data is stored") of rank 2 or below counts no more
  than silence. If the sources show the action, the two contradict and the worse reading applies; if not,
  there is nothing to lower. The opening of a listing says what the product is, so it is not such a denial.
- A verdict on the product's own risk ("an assessment rated its autonomy as minimal") is a claim, and so is keyword
  stuffing.
- A sentence that says a control is missing ("runs without asking") is never a claim: it can only raise a risk.

A claim of rank 2 or below may be quoted only for a control, and such a control lowers no risk. At rank 3 or above, the
control counts (see `agent.intake.extract.statements.split`).
"""

import re
from functools import lru_cache
from typing import Final

from agent.intake.extract.statements.sorts import does_something

_I: Final = re.IGNORECASE

APPROVAL = re.compile(
    r"(?i)\b(?:approv(?:al|als|e|es|ed|ing|ers?)|confirm(?:s|ed|ation|ations|ing)?|sign(?:s|ed|ing)?[- ]?offs?"
    r"|humans?[- ]in[- ]the[- ]loop|(?:humans?|person|people|you) in (?:the loop|control|charge)"
    r"|human (?:review\w*|oversight|supervision|judge?ment|control|hand|approver)|go[- ]ahead|green light|say[- ]so"
    r"|consent|veto\w*|countersign\w*|four[- ]eyes|second pair of eyes|(?:review|check|vet|inspect|accept|authori[sz]"
    r"|acknowledg|releas|clear)(?:e?d|ted) by (?:an? |the |your |our |one |two )?(?:\w+ ){0,3}?(?:person|people|human"
    r"|humans|manager|managers|team|staff|admin\w*|operator|operators|owner|reviewer|reviewers|employee|colleague"
    r"|supervisor|lead|expert|experts|user|users|somebody|someone|you)|(?:asks?|asking|checks?|consults?) (?:you"
    r"|a person|a human|somebody|someone|the user|users|first|before|for permission|permission)|waits? (?:for"
    r"|until) (?:you|a person|a human|somebody|someone|the user|your|the \w+ to)|(?:a|one|two) (?:person|people|human"
    r"|humans) (?:always |must |has to |have to |will )?(?:decides?|reviews?|checks?|looks?|agrees?|accepts?"
    r"|watch\w*)|keeps? (?:you|people|humans|a human|a person) in (?:the loop|control|charge)|(?:you|people|humans"
    r"|users) (?:always )?(?:stay|remain|keep) (?:in (?:full )?)?(?:control|charge)|(?:stay"
    r"|remain)s? (?:firmly )?(?:in|under) (?:your|human|their) (?:hands|control)|oversight"
    r"|until (?:\w+ ){1,8}?(?:agree[sd]?|say|says|said|nod\w*|accept\w*|ok\w*|decide[sd]?|released?)"
    r"|(?:stay|remain|are|be)s? in (?:full |complete )?(?:control|charge)|final (?:say|word|decision)"
    r"|manual(?:ly)? (?:review\w*|check\w*|released?|step)|supervised|supervision|permission (?:from|of|first|before)"
    r"|without (?:\w+ ){0,3}?(?:permission|consent|say[- ]so))\b"
)
CERTIFIED = re.compile(
    r"(?i)\b(?:certif\w+|accredit\w+|attest\w*|soc ?-?[123]|iso(?:/iec)? ?-?\d{4,5}|gdpr|hipaa|ccpa|pci[- ]?dss"
    r"|fedramp|hitrust|cyber essentials|complian\w+|compl(?:y|ies|ied|ying) with|pen(?:etration)?[- ]test\w*"
    r"|red[- ]team\w*)\b|\b(?:independent|external|third[- ]party|outside)(?:ly)? (?:\w+ )?(?:audit\w*|assess\w*"
    r"|review\w*|test\w*|experts?|firms?|labs?|bureau|verif\w*|examin\w*)|\b(?:audited|auditors?"
    r"|(?:meets?|exceeds?|conforms?|follows?) (?:to |with )?(?:the |all |every |strict |highest "
    r"|common )*(?:\w+ ){0,2}?(?:standards?|requirements|regulations?|best practices?|guidelines|rules"
    r"|laws?)|seal of|badges?|awards?|AI Act|regulat(?:ors?|ions?|ory)|bug bounty)\b"
)
QUALITY = re.compile(
    r"(?i)\bsafe(?:ly|st|r)?\b(?! search|[- ]search)|\b(?:secure(?:ly|d)?|harmless\w*|(?:low|no|zero)[- ]risk"
    r"|risk[- ]free)\b|\btrust(?:s|ed|worthy)?\b(?! cent)|\b(?:protect(?:s|ed|ion|ions|ing)?|reliab\w+|robust\w*"
    r"|error[- ]free|rigorous\w*|responsib\w+|ethical\w*|resilien\w+|hardened|predictab\w+|peace of mind|rest assured"
    r"|zero[- ]trust|tamper[- ]proof|fail[- ]?safe|proven|battle[- ]tested|guard[- ]?rails?|safeguard\w*"
    r"|best[- ]in[- ]class|\w+-grade|expect\w* from a)\b"
)
HAZARD = re.compile(
    r"(?i)\b(?:harm(?:s|ed|ful)?|risk\w*|threats?|attack\w*|breach\w*|incidents?|vulnerab\w+|malicious\w*|misus\w+"
    r"|abus\w+|injections?|jailbreak\w*|hallucinat\w+|mistakes?|danger\w*|hack\w*|exploit\w*|leak\w*|worr(?:y|ies)"
    r"|damag\w+|tamper\w*|w[eo]nt wrong|go(?:es|ne)? wrong|security|safety|compromis\w+|unauthori[sz]ed|unwanted"
    r"|runaway)\b"
)
WARDED = re.compile(
    r"(?i)\b(?:prevent\w*|against|stop(?:s|ped)?|block(?:s|ed)?|impossible|immune|resist\w*|withstand\w*|avoid\w*"
    r"|free of|rule[sd]? out|eliminat\w+|mitigat\w+|no|never|zero|nothing|nobody|cannot|can't|without|not"
    r"|minimi[sz]\w+|low|priority|first|top|seriously|always|core|heart|built|every|all|we|our|your|by design"
    r"|guarantee\w*)\b"
)
ABSOLUTE = re.compile(
    r"(?i)\b(?:every|everything|each|all|any|anything|always|never|nothing|nobody|no one|only|fully|completely"
    r"|entirely|strictly|totally|whatever|whoever|at all times|by design|by default|100 ?%|zero|without exception"
    r"|at no (?:time|point)|in no case|under no circumstances|guarantee\w*|ensur\w+|cannot|can't|no|full|complete"
    r"|strict|end[- ]to[- ]end|we|our|us|you|your)\b"
)
MISSING = re.compile(
    r"(?i)\b(?:(?:no|without(?: any| an| a)?) (?:\w+ ){0,3}?(?:approvals?|confirmations?|human review|review|consent"
    r"|oversight|permission prompts?|sandbox\w*|isolation|encryption|checks?|limits?|logs?|audit\w*|guard\w*"
    r"|confirmation step|allow[- ]?list)|(?:does|do|will) not (?:ask|wait|need|require|check|verify|log"
    r"|limit)|without (?:asking|waiting|being asked|human|supervision)|without (?:an? |any )?(?:person|human|people"
    r"|any(?:one|body)|some(?:one|body)) (?:watch|look)ing|(?:minimal|little|less) supervision|auto[- ]?approv\w*"
    r"|skips?|unless (?:switched|turned) on|not (?:a )?(?:security|sandboxed|encrypted|isolated|validated|audited"
    r"|logged|checked|restricted|limited|production)|approves everything|unsafe|insecure|unencrypted|unrestricted"
    r"|unsupervised|unattended|plain[- ]text|(?:can|may|might) be (?:turned off|disabled|skipped|bypassed"
    r"|switched off)|(?:off|disabled) by default|on its own)\b|\b(?<!stops )by itself\b"
)
"""Text that says that a control is missing or can be bypassed.

`DOUBLE` excludes double negatives ("no action without …")."""
DOUBLE = re.compile(
    r"\b(?:no|not|never|nothing|nobody|cannot|can't|won't|none)\b[^.;]*\b(?:without|unless|until|before)\b", _I
)
MECHANISM = re.compile(
    r"(?i)`|\b(?:oauth|jwts?|pkce|bearer|api[- ]keys?|tokens?|keyring|kms|json|https?|csrf|docker|kubernetes|schemas?"
    r"|zod|pydantic|regex|regular expressions?|director(?:y|ies)|(?<!no )paths?|localhost|headers?|cli|command line"
    r"|flags?|config(?!uration change)\w*|environment variables?|yaml|sqlite|postgres\w*|redis|endpoint|callback\w*"
    r"|handler\w*|middleware|decorator\w*|npm|pip|sdk|stdio|stdout|stderr|websocket\w*|webhook\w*|mcp|nodes?|mode"
    r"|modes|sso|saml|ldap|rbac|roles?|role-based|scopes?|interpreter|imports?|hook\w*|receipts?|hash\w*|git|branch\w*"
    r"|cookies?|origins?|ports?|proxy)\b|\w_\w|\w\(\)|\b\w+\.(?:py|ts|js|json|ya?ml|toml|md|env)\b|/\w+"
)
KNOWN_NAMES: Final = re.compile(
    r"TISAX|RMF|DORA|ENS|BSI|Q[1-4]|SOC2?|ISO\d*|IEC|GDPR|HIPAA|CCPA|PCI|DSS|FedRAMP|HITRUST|AES|TLS|SSL|AI|LLM|API"
    r"|II?|Type|EU|US|UK|NIST|OWASP|Level|Security|Privacy|Finance|Legal|Compliance|Trust"
)
NAME = re.compile(r"(?<![.!?:] )(?<!^)(?<![“\"'*|#>-])\b[A-Z][A-Za-z0-9]+\b")
CLAUSES = re.compile(
    r"(?i)[;:—–]\s|\s-\s|,\s+(?:and|but|while|which|so|then|whereas)\s(?!(?:every|each|all|any|no|nothing|never"
    r"|always)\b)|[.!?]\s|\|"
)
GOVERNED = re.compile(
    r"(?i)\b(?:requir\w+|needs?|awaits?|waits? (?:for|until)|subject to|must|has to|have to|had to|gated|only|until"
    r"|unless|before|after|once|without|depends? on|pass(?:es)?|goes through|stops? for|paus(?:es?|ed)|held|behind"
    r"|first|never|always|is|are|be|gets?|with|under|by)\b"
)
ACTIVE = re.compile(
    r"(?i)(?:^(?!\w+\s+(?:is|are|will|above|over|never|always|cannot|can|must|need|have|has|stay|that|which|by|of|for"
    r"|in|only|inside|within|limits?)\b)|\b(?:it|they|agents?|assistants?|servers?|products?|tools?(?! calls?)"
    r"|services?|platforms?|bots?|skills?|which|who|lets?|can|may|and|to)\s+(?:(?:can|may|also|then|even|thus"
    r"|could)\s+)*)(?:reads?|sends?|writes?|creates?|edits?|deletes?|runs?|execut\w+|calls?|fetch\w*|search\w*"
    r"|brows\w+|quer\w+|generat\w+|draft\w*|answers?|summari[sz]\w+|stores?|remembers?|learns?|indexes|retrieves?"
    r"|plans?|schedules?|deploys?|buys?|pays?|trades?|transfers?|posts?|publish\w*|clicks?|opens?|connects?"
    r"|integrat\w+|syncs?|converts?|builds?|installs?|updates?|monitors?|scans?|detects?|tests?|translat\w+"
    r"|transcrib\w+|analy[sz]\w+|extracts?|classif\w+|finds?|looks?|lists?|checks?|inspects?|reviews?|takes?|gives?"
    r"|uses?|accepts?|returns?|asks?|starts?|loads?|saves?|collects?|groups?|compares?|explains?|shows?|turns?"
    r"|sets?)\b"
)
"""Text that says that the product does something, or lets somebody do something."""
CALMING = re.compile(
    r"(?i)\b(?:(?:could|can) not be (?:in )?(?:better|safer)|never a (?:complaint|problem|fault)|refus(?:es?|ing)"
    r"|out of trouble|no (?:drama|surprises?|trouble|accidents?)|gentle|rather do nothing|stricter"
    r"|locked (?:container|box|room|cell)|careful\w*|dependab\w+|benign|sleep (?:\w+ )?(?:soundly|well|easy)|spotless"
    r"|flawless\w*|impeccab\w+|well[- ]behaved|immun\w+|reproach|safety|(?:rely|count|depend) on (?:it|us|them)"
    r"|discre(?:et\w*|tion)|fear|get(?:s)? nowhere|flying colou?rs|fit for (?:\w+ )?(?:work|use|purpose)"
    r"|nothing (?:\w+ )?happen(?:s|ed)|ruled out|(?:does|do) not work here|caught before|completely fine|harm|afraid"
    r"|no(?:thing)? (?:to|need to) worry)\b"
)
PROMISES = re.compile(
    r"(?i)\b(?:approv\w+|permissions?|limits?|caps?|quotas?|sandbox\w*|isolation|encrypt\w+|certif\w+|compliance"
    r"|audit\w*|role-based|single sign-on|sso|saml|mfa|(?:two|multi)-\w+ (?:approval|authentication)|filter(?:s|ing)?"
    r"|guard ?rails?|alerts?|monitoring|oversight|reviews?|redaction|allow-?lists?|kill switch|access controls?"
    r"|retention|safeguards?|protections?|confirmations?)\b"
)
ANNOUNCED = re.compile(
    r"(?i)\b(?:plan(?:s|ned|ning)? to|working on|in the process of|hope to|arrives?|scheduled|under development"
    r"|on our list|expect|shall|on request|being built|to follow|in preparation)\b"
)
LEGAL = re.compile(
    r"\b(?:(?:the )?(?:EU )?AI Act|HTTPS encryption|(?i:role-based)|Type (?:I|II|1|2))\b"
    r"|\b(?:The|Our|This|We) (?=[a-z])"
)
LOGGED = re.compile(
    r"(?i)\b(?:logged|recorded|traced|tracked|archived|scanned|audit (?:logs?|logging|trails?)|revers(?:ed|ible)"
    r"|undone|rolled back|24/7|around the clock)\b"
)
FUTURE = re.compile(
    r"(?i)\b(?:will|shall|planned|soon|upcoming|roadmap|intend\w*|coming|next (?:quarter|year|release|version|month)"
    r"|later this year|in (?:the near )?future|q[1-4]|by the end of)\b"
)
PLACES = re.compile(r"\bread[- ]only\b|\bstateless\b|\bexperimental\b|\bnot (?:cover|prove|production)\b", _I)
"""Text that says what the product is or keeps, which moves an estimate whatever else the sentence promises."""
UNLESS = re.compile(r"\bunless\b(?! approv)", _I)
LEADING = re.compile(r"^(?:[^\w`$£€]|_|\d{1,2}[.)]\s)+")
COUNTING_RANK: Final = 3
"""The minimum rank at which a control may lower a risk."""

_CAPITALISED: Final = 0.5
"""Minimum share of capitalised words for a line to count as a title."""
_SHORT: Final = 12
_ASIDE: Final = 6
"""Number of words above which a clause that is not a claim counts as a description."""
_LEAD_IN: Final = 2
"""A clause of at most this many words introduces the next clause ("Phone calls: only with …")."""
_REMEMBERED: Final = 10_000
"""Number of sentences whose verdict is cached, since the intake and the drafter both ask for it."""
_STRONG: Final = (APPROVAL, CERTIFIED, QUALITY, HAZARD, CALMING)
_WEAK_TOPICS: Final = (
    # limits
    r"(?i)\b(?:(?:strict|hard|firm|low|small|built[- ]in|daily|weekly|monthly|hourly|spending|usage|budget|rate"
    r"|transaction|cost|payment|safe) (?:\w+ )?(?:limits?|caps?|ceilings?|quotas?|thresholds?|budgets?)|(?:limit|cap"
    r"|restrict|confin|bound|throttl|constrain|curb)(?:e?d|ped|s|ned)?\b(?: \w+)? (?:to|at|by|in|within|under)|(?:rate"
    r"|usage)[- ]limit\w*|(?:never|cannot|can't|may not|must not|will not|won't) (?:\w+ )?(?:exceed\w*"
    r"|go (?:over|above|beyond)|spend\w*|touch\w*|acts?|moves?|do|does|makes?|takes?|leaves?|runs?|changes?|reach"
    r"|sees?|sends?|deletes?|buys?|pays?)|(?:no|not) more than|at most|kill[- ]switch\w*|least[- ]privileg\w+"
    r"|only ever|nothing (?:more|beyond)|(?:limits|caps|ceilings|quotas|thresholds) (?:apply|are|on|for|keep|stop"
    r"|prevent|make)|minim(?:al|um) (?:permissions?|rights|access|privileges?)|allow[- ]?list\w*|polic(?:y"
    r"|ies) (?:prevent|stop|make|keep|ensure|apply|limit)s?|guard[- ]?rails?|(?:role-based|strict|minimal|fine-grained"
    r"|granular|tight) permissions?|restricted (?:to|by)|access controls?|stops? (?:itself|at once|automatically|after"
    r"|when))\b",
    # privacy
    r"(?i)\b(?:privacy|privately|(?:is|are|be|stays?|kept|keeps?|remains?) (?:\w+ ){0,2}?private|private (?:and|by)"
    r"|confidential\w*|encrypt\w*|anonymi[sz]\w+|redact\w*|mask(?:s|ed|ing)|(?:never|not"
    r"|nor) (?:\w+ ){0,3}?(?:shared (?:with|outside)|shares?\b|s(?:ell|ells|old)|leaves?\b|leak\w*|trains?\b|trained"
    r"|kept|stored|resold|expos\w+|disclos\w+|passed on)|zero[- ](?:data[- ])?retention|data residency|(?:stays?"
    r"|remains?|kept) (?:\w+ )?(?:yours|on your|in your|with you|within your|under your)|at rest|in transit|(?:erased"
    r"|wiped|purged|deleted) (?:on request|afterwards|after|at once|immediately|automatically|when)|your data)\b",
    # isolation
    r"(?i)\b(?:sandbox\w*|isolat\w+|segregat\w+|(?:strictly|fully|completely|always|is|are) separated|air[- ]?gap\w*"
    r"|walled off|firewall\w*|(?:locked[- ]down|hardened|contained|sealed|closed) (?:environment|container|runtime"
    r"|room|box|space|network)|(?:no|never has|without) access to|cannot reach|quarantin\w+|kept apart)\b",
    # monitoring
    r"(?i)\b(?:(?:is|are|be|gets?|being|been|always|fully|continuously|constantly|closely) (?:\w+ )?(?:monitored"
    r"|watched|audited|observed|supervised)|(?:full|complete|detailed|tamper[- ]proof|immutable|comprehensive"
    r"|permanent|gapless) (?:\w+ )?(?:audit|log|logs|trail|record)|anomal\w+|(?:continuous|constant|real[- ]time"
    r"|active|live) (?:monitoring|observation|oversight)|(?:we|our \w+(?: \w+)?"
    r"|a (?:dedicated )?team) (?:\w+ )?(?:monitors?|watch(?:es)?|tracks?|traces?|logs?|records?"
    r"|audits?)|leaves a trace|on (?:the )?record|accountab\w+|transparen\w+)\b",
    # approval in other words
    r"(?i)\b(?:(?:must|has to|have to|needs to) (?:\w+[- ])?(?:light|agree|nod|consent|sign|countersign|release|accept"
    r"|allow|clear)\w*|only (?:the |an? |your |our )?(?:\w+ ){1,3}?(?:can|may) (?:trigger|start|send|release|change"
    r"|approve|allow|publish)\w*|your agreement|countersign\w*|remains? (?:a )?drafts? until|bypass(?:es)?"
    r"|waits? for \w+|has a say|lets? (?:it|them|him|her) (?:through|pass|go)|call(?:s|ed)? off|last word|blessing"
    r"|thumbs?[- ]up|(?:the|an?|your|their) (?:OK|okay|nod|yes)|(?:has|have|had) (?:said )?(?:yes|agreed|nodded)"
    r"|at the (?:wheel|helm)|press(?:es)? the button|decisions? (?:about|on|over|for) [^.;]*\b(?:stays?|remains?"
    r"|rests?|lies?|is|are)|(?:up to|in the hands of|reserved for|left to) (?:you|your|a|an|the|people"
    r"|humans))\b|\bobjects?,|\b(?:behind (?:my|your) back|(?:do|does) not agree|(?:is|are) asked (?:to|first"
    r"|for))\b|\bproposes?, \w|\b(?:requires? (?:the|an?|your) (?:\w+ |\w+'s ){0,2}?(?:confirmation|approval|consent"
    r"|permission)|without (?:the|an?) (?:OK|okay|nod|consent)|only with|(?:is|are|gets?) put before|veto"
    r"|sees? (?:every|each|all|any)|double[- ]check\w*|(?:ask|check)s? back|your? (?:call|choice|decision))\b",
    # privacy in other words
    r"(?i)\b(?:(?:is|are|gets?) (?:wiped|erased|deleted|forgotten|dropped) (?:the moment|as soon|when|once|after)"
    r"|none of our business|could not (?:read|see|look)|stays? with \w+|belongs? to (?:you|the customers?|nobody else)"
    r"|vanish\w*|scrambl\w+|never reach\w*|four walls|none of your|(?:no|none of the|not one"
    r"|not a single) (?:[\w'-]+ ){0,6}?(?:is|are|gets?|will be|was|were|leaves?|reach\w*|remains?|stays?)|no(?:body"
    r"| one) (?:\w+ )?(?:can|could|may|is able to|will|has|gets?|sees?|looks?)|(?:do|does) not (?:look at|sell|hand"
    r"|keep|store|share|retain|collect|pass)|only (?:you|your \w+) (?:can|may|have|has|sees?)|(?:does|do|will"
    r"|can) (?:it|you|we|they) (?:keep|store|share|see|read|sell|use) (?:my|our)|forgets?|never (?:\w+ )?(?:used"
    r"|looked|read|reused|reach\w*)|forgotten)\b",
    # isolation in other words
    r"(?i)\b(?:break out|cage|cell|separate (?:rooms?|machines?|worlds?)|never meets?|quarantin\w*|fenced"
    r"|lock(?:ed)? (?:container|box|room|machine|cell|down|away|vault)|behind closed doors|throw-?away|disposable"
    r"|out of reach|no (?:path|way|door|road|connection|route|link|bridge|contact)|kept (?:\w+ )?apart"
    r"|of its own, with no|can never (?:see|reach|touch|read)|cut off from|shut off from|shielded|compartment\w*)\b",
    # monitoring in other words
    r"(?i)\b(?:(?:receives?|gets?) (?:a report|a call|notified|word)|can be replayed|start to finish|filmed"
    r"|looks? strange|keeps? (?:an|a close|a watchful) eye|under (?:\w+ )?(?:observation|surveillance|watch)"
    r"|day and night|alarms?|unnoticed|notices? (?:misuse|abuse|anything)|(?:complete|full|gapless) (?:history|record"
    r"|overview)|held back|looked into|suspicious|written down|taken back|traced back|always know|samples? of"
    r"|traceab\w+|reviewable|spot[- ]checks?)\b",
    # limits in other words
    r"(?i)\b(?:incapable of|lacks? the (?:permission|right|power|means)\w*|beyond (?:its|their) (?:power|reach|remit"
    r"|control)s?)\b|\b(?:above|over|beyond) [£$€]?\d[\d,.]* ?(?:dollars?|euros?|pounds?|%)?|\b(?:(?:and"
    r"|,) not one more|upper (?:bound|limit)|[\d,]+ (?:\w+ ){1,3}(?:a|per|each|every) (?:day|hour|week|month|user"
    r"|session)|brakes?|stricter|a limit on|capped|ceilings?|quotas?|rein(?:s|ed)? in|(?:is|are) the (?:maximum|limit"
    r"|most))\b|^maximum\b|\b(?:(?:halt|paus)ed at any|budget for|stops? by itself|stop button|(?:not able"
    r"|unable) to|has no (?:way|means|ability|right|permission))\b|\b(?:is|are|was|were|stays?"
    r"|remains?) (?:\w+ )?(?:disabled|blocked|forbidden|prohibited|barred|impossible|excluded|switched off|turned off"
    r"|turned down|ruled out)\b(?! by default)|\b(?:out of the question|stick(?:s)? to|narrow bounds"
    r"|only the (?:rights|permissions|access)|cannot do|nothing (?:\w+ ){0,3}?(?:leaves|happens|goes|is|moves|runs"
    r"|gets)|full stop|is not possible)\b",
    # certificates in other words
    r"(?i)\b(?:recogni[sz]ed by|approved list|earned|paperwork|CSA STAR|FIPS|gone through|assessed|through (?:its"
    r"|their) paces|certificates?|pass(?:es|ed) the|examin(?:ation|ers?|ed)|rated|aligned? with|satisf(?:y|ies"
    r"|ied)|looked over|tested by|report (?:of|by|from)|NIST|TISAX|DORA|ENS|BSI|ENISA|C5|no objections|tests? (?:every"
    r"|each|all)|held to|endors\w+|vetted|scrutini\w+)\b",
)
_WEAK: Final = tuple(map(re.compile, _WEAK_TOPICS))
# Annotations in a tool list that present a tool as safe; nothing forces the server to respect them.
_HINT: Final = re.compile(
    r"\bvendor's own hint about \S+ (?:readOnlyHint true|destructiveHint false|idempotentHint true"
    r"|openWorldHint false),"
)
_RATING: Final = re.compile(
    r"(?i)\b(?:(?:threat model|(?:risk|security|safety) (?:assessment|review|evaluation|analysis|audit)|assessors?"
    r"|auditors?)\b[^.!?]{0,80}\b(?:rated?|scored?|graded?|classified|found|concluded|judged|called"
    r"|put)\b[^.!?]{0,120}\b(?:minimal|negligible|low|lowest|none|harmless|no (?:risk|threats?)|zero"
    r"|0(?:\.\d)?)|aivss|(?:found|revealed) (?:zero|no|not a single|0) (?:\w+ ){0,2}?(?:issues?|findings?"
    r"|vulnerabilit(?:y|ies)|flaws?|weakness(?:es)?|problems?|risks?|incidents?)|(?:zero|no) (?:\w+ ){0,2}?(?:issues?"
    r"|findings?|vulnerabilit(?:y|ies)|flaws?|weaknesses) (?:were|was) found)\b"
)
"""A verdict on the product's own risk, from any source. The assessment has to determine that risk itself."""
_REPEATS: Final = 3


@lru_cache(maxsize=_REMEMBERED)
def is_claim(text: str) -> bool:
    """Return whether a sentence, list item or table row is only a claim by the rules of this module."""
    if _HINT.search(text) or (len(text.split()) <= _SHORT and _is_planned(text)):
        return True
    # Text is keyword-stuffed if several runs of words are immediately repeated.
    said = [word.strip(".,;:").casefold() for word in text.split()]
    runs = sum(
        said[at : at + size] == said[at + size : at + 2 * size]
        for size in (1, 2)
        for at in range(len(said) - 2 * size + 1)
    )
    if runs >= _REPEATS or _RATING.search(text):
        return True
    found = False
    for part in CLAUSES.split(text):
        verdict = _judge(LEADING.sub("", part).strip(" *_>#-|\"'“”"))
        if verdict is False:
            return False
        found = found or bool(verdict)
    return found


def _judge(clause: str) -> bool | None:
    """Return True for a claim, False for a description, None for a clause that is neither."""
    lacking = MISSING.search(clause) or UNLESS.search(clause)
    if PLACES.search(clause) or (lacking and not DOUBLE.search(clause)):
        return False
    if _is_planned(clause):
        return True
    words = len(clause.split())
    # A short clause that says that everything is recorded, or will be.
    recorded = words <= _SHORT and (ABSOLUTE.search(clause) or FUTURE.search(clause)) and LOGGED.search(clause)
    weak = bool(recorded) or any(topic.search(clause) for topic in _WEAK)
    if not weak and words > _ASIDE and not any(topic.search(clause) for topic in _STRONG):
        # All further checks need a topic. Most text has none, so the search for names and actions is skipped.
        return False
    rest = plain = LEGAL.sub(" ", clause)
    mechanism = bool(MECHANISM.search(plain))
    # In a title, capitals do not mark names.
    letters = re.findall(r"[A-Za-z]{2,}", plain)
    titled = bool(letters) and sum(word[0].isupper() for word in letters) >= _CAPITALISED * len(letters)
    concrete = mechanism or (not titled and any(not KNOWN_NAMES.fullmatch(name[0]) for name in NAME.finditer(plain)))
    for topic in (*_STRONG, *_WEAK):
        rest = topic.sub(" ", rest)
    acts = does_something(rest)
    ruled = GOVERNED.search(clause) or ABSOLUTE.search(clause)
    if APPROVAL.search(clause) and not mechanism and (ruled or (not acts and not concrete)):
        return True
    if CERTIFIED.search(clause) and not mechanism and (not acts or ABSOLUTE.search(clause)):
        return True
    praised = QUALITY.search(clause) or CALMING.search(clause) or (HAZARD.search(clause) and WARDED.search(clause))
    if praised and not mechanism and (not acts or (not concrete and not ACTIVE.search(rest))):
        return True
    if weak and not concrete and not ACTIVE.search(rest):
        return True
    return False if concrete or words > _ASIDE or (acts and words > _LEAD_IN) else None


def _is_planned(text: str) -> bool:
    return bool(PROMISES.search(text) and (ANNOUNCED.search(text) or FUTURE.search(text)))
