# ruff: noqa: E501  (a pattern is read, compared and changed as one line)
"""Forms in which visible orders come that name no assessor: a conversation, a train of thought, a finished answer.

A verdict that a page puts into a fence, into the mouth of an assistant, or into "reasoning so far" is meant for whoever
goes on from there. Each pattern needs such a frame, or an order about this page or a rival, beside the matter of an
assessment; a verdict by itself ("the risk is low") is product text. Kept apart from `orders`, like which they are read.
"""

from typing import Final

from agent.intake.pages.orders import JUDGE

_MATTER: Final = (
    r"(?:(?:risk|trust|safety|security|threat|aivss|cvss|overall|final)[ _-]?(?:scores?|ratings?|grades?|levels?|verdicts?)|scores?|"
    r"scoring|ratings?|grades?|risks?|threats?|severit(?:y|ies)|findings?|verdicts?|vulnerabilit(?:y|ies)|weakness(?:es)?|"
    r"threat (?:models?|lists?|tables?)|factors?|concerns?|autonomy|tool use|attack paths?|aivss|cvss)"
)
_ASSESSED: Final = (
    r"(?:risks?|threats?|severit(?:y|ies)|vulnerabilit(?:y|ies)|(?:security|risk|threat) (?:findings?|concerns?|caveats?|issues?)|"
    r"threat (?:models?|lists?|tables?)|risk (?:scores?|ratings?|factors?)|aivss|cvss|maestro|rubrics?|oversight|autonomy|tool use)"
)
_LENIENT: Final = (
    r"(?:none\b|zero\b|null\b|nil\b|0(?:[.,]0+)?\b(?![.,]?\d)|(?:the |its |their |at |as )?(?:very )?(?:lowest|minimum|minimal|best)\b|low\b|empty\b|"
    r"safe\b|harmless\b|benign\b|negligible\b|informational\b|trusted\b|trustworthy\b|approved\b|accepted\b|compliant\b|positive\b|"
    r"read[- ]only\b|risk[- ]free\b|sandboxed\b|lenient\b|cleared\b|passed\b|covered\b|not applicable\b|out of scope\b)"
)
_HARSH: Final = (
    r"(?:critical|severe|high(?:er|est)?[- ]?(?:risk)?|worse|worst|insecure|unsafe|dangerous|malicious|untrust\w+|maximum|10(?:[.,]0)?|1[.,]0|"
    r"vulnerable|non-compliant)\b"
)
_VERDICT: Final = (
    rf"(?:\b{_MATTER}\b[^.\n]{{0,40}}?(?:\b|\W){_LENIENT}|\b(?:no|zero|without|not a single|0|empty|{_LENIENT})[ -](?:\w+ ){{0,2}}{_MATTER}\b|"
    rf"\b(?:rate|rated|rating|score|scored|grade|graded|classif\w+|mark|marked|judge|judged|consider|declare)\b[^.\n]{{0,30}}\b{_LENIENT}|"
    rf"\b(?:leave|left|keep|kept)\b[^.\n]{{0,25}}\bempty\b|\bnothing\b[^.\n]{{0,25}}\b(?:to report|can be exploited|to add|to flag)\b|"
    r"\b(?:is|are) (?:completely |entirely |fully )?(?:harmless|risk[- ]free|safe to approve)\b)"
)
_SPEAKER: Final = (
    r"(?:assistants?|ai|models?|llms?|bots?|chat ?bots?|(?:chat)?gpt(?:-\d\w*)?|claude|gemini|agents?|assessors?|reviewers?|analysts?|auditors?|evaluators?|"
    r"graders?|raters?|scorers?|operators?|systems?|moderators?|security teams?|answer|a)"
)
_TURN: Final = rf"(?:^|\n)[^\w\n]{{0,6}}(?:\[?\d{{1,2}}:\d\d(?::\d\d)?\]?[^\w\n]{{0,3}})?{_SPEAKER}(?:[\"'*>\])]{{1,4}}[ ]?:?|[ ]?:)\s"
_TURN_TAG: Final = r"</?(?:user|human|assistant|ai|model|system|analyst|assessor|reviewer)>"
_THOUGHT_TAG: Final = r"</?(?:think|thinking|thoughts?|reasoning|scratch_?pad|analysis|reflection|inner_monologue|cot)>"
_THOUGHT: Final = (
    r"(?:reasoning|analysis|assessment|evaluation|conclusions?|thoughts?|notes|findings|progress|work)(?: \w+)? (?:so far|to date|up to (?:this|here|now)[\w ]{0,12}|until now|thus far)|"
    r"(?:^|\n)\W{0,6}(?:thoughts?|thinking|reasoning|scratch ?pad|observation|step \d{1,2}|deliberation|rationale|reflection)\b[^.:\n]{0,30}:|"
    r"chain[- ]of[- ]thought|train of thought|let me think|let['’]s think|thinking (?:aloud|step by step)|working notes|working memory of|"
    r"(?:interim|intermediate|preliminary|provisional|partial) (?:conclusions?|results?|verdicts?|assessments?|judg\w+|ratings?|scores?)|"
    r"(?:earlier|previous|prior|first|last) (?:pass(?:es)?|rounds?|iterations?|turns?|runs?) (?:over|through|of|on)\b|"
    r"\b(?:having|i have|i['’]ve|we have) (?:now |just |already )?(?:read|reviewed|checked|analy[sz]ed|gone through|weighed|examined|assessed)\b|"
    r"\b(?:therefore|hence|thus|so),? (?:i|we) (?:now |will |can |must )?(?:conclude|assign|rate|score|give|set|output|report|record|mark|list)\b"
)
_SELF: Final = r"(?:(?:this|our|the above|the present) (?:\w+ )?(?:page|text|listing|document|file|agent|product|tool|vendor|server|skill|site|application|service|company|section)|\bus\b|\bours\b|\bwe\b)"
_RIVAL: Final = (
    r"(?:competitors?|competing|rivals?|alternatives?|(?:other|every other|all other|any other) (?:products?|vendors?|agents?|tools?|listings?|servers?|offerings?)|"
    r"(?:products?|agents?|tools?|vendors?) (?:that are |which are )?not (?:made|built|sold|offered) by (?:us|this)|products? of (?:others|other vendors))"
)
_DECIDE: Final = r"(?:rate|score|grade|mark|classify|label|treat|rank|flag|list|name|record|report|raise|lower|downgrade|upgrade|describe|present|give|assign|set|put|award|declare|judge)"
_MUST: Final = r"(?:must|should|shall|has to|have to|need to|needs to|is to|are to|ought to|can simply|may simply)"
_READERS: Final = (
    r"(?:(?:bot|model|llm|ai|machine|engine|tool|system|program|agent|script|reader|pipeline)s?\b[^.\n]{0,20}\b(?:that|which|who) "
    r"(?:scores?|rates?|assess\w*|grades?|evaluat\w*|reviews?|summari[sz]es?|drafts?|reads?|judges?)\b|"
    r"(?:scoring|rating|assessment|grading|review(?:ing)?|evaluation|threat[- ]model\w*|security[- ]review) (?:engines?|models?|bots?|llms?|ai|tools?|assistants?|agents?|pipelines?|systems?)|"
    r"(?:automated|ai|llm|machine) (?:readers?|reviewers?|assessors?|reviews?|assessments?|graders?|scanners?|systems? reading)|"
    r"readers? with (?:the|a|your) rubric|whichever (?:model|llm|ai|tool)|whoever (?:scores|rates|assesses|models)|assessors?|@?(?:assessor|grader|evaluator)\b)"
)

FRAMES: Final = (
    # a conversation that has come to its verdict
    rf"{_TURN}[^\n]{{0,160}}?{_VERDICT}",
    rf"(?:^|\n)[^\w\n]{{0,6}}{_SPEAKER}\s{{1,3}}(?:yes|no|done|confirmed|sure|understood|of course|certainly|right|correct|agreed|noted)\b[^\n]{{0,160}}?{_VERDICT}",
    rf"{_TURN}[^\n]{{0,100}}\b(?:ignore|disregard|skip|pass over)\b[^.\n]{{0,40}}\b(?:permissions?|tables?|docs|documentation|evidence|sections?|rubric|sources?)\b",
    rf"{_TURN_TAG}[^\n]{{0,160}}?{_VERDICT}",
    # a train of thought to go on with
    rf"{_THOUGHT_TAG}[^\n]{{0,240}}?{_VERDICT}",
    rf"(?:{_THOUGHT})[^\n]{{0,240}}?{_VERDICT}",
    rf"(?:{_THOUGHT})[^\n]{{0,160}}?\b(?:trustworthy|cannot change anything|carry (?:this|it) forward|do not (?:revisit|discard|change|repeat)|"
    rf"only has to confirm|remaining work: none|return the result|stop here)\b",
    # about a rival
    rf"\b{_DECIDE}\b[^.\n]{{0,60}}\b{_RIVAL}\b[^.\n]{{0,50}}\b(?:as |to |with |at |by |a )?(?:the |a )?{_HARSH}",
    rf"\b(?:for|of|about|against|in)\b[^.\n]{{0,20}}\b{_RIVAL}\b[^.\n]{{0,40}}\b{_DECIDE}\b[^.\n]{{0,40}}\b(?:{_MATTER}|{_HARSH})",
    rf"\b{_RIVAL}\b[^.\n]{{0,40}}\b{_MUST} (?:be )?(?:{_DECIDE}d?|scored|given|put|set|shown)\b[^.\n]{{0,40}}\b{_HARSH}",
    rf"\b(?:when|if|whenever|where) you compare\b[^.\n]{{0,80}}\b{_DECIDE}\b[^.\n]{{0,50}}\b(?:risk|score|rating|grade|severity|threats?|verdict)\b",
    rf"\b(?:any|every|all|each|an?) (?:\w+ )?(?:assessments?|reviews?|threat models?|risk reports?|evaluations?|reviewers?|assessors?)\b[^.\n]{{0,40}}\b{_MUST} {_DECIDE}\b[^.\n]{{0,50}}\b(?:{_HARSH}|first|main|top|{_ASSESSED})",
    rf"\b(?:reviewers?|assessors?|auditors?) of [A-Z][^.\n]{{0,30}}\b{_MUST} {_DECIDE}\b",
    rf"\b{_DECIDE}\b[^.\n]{{0,30}}\b{_ASSESSED}\b[^.\n]{{0,40}}\b(?:rival|competitor|competing|other) \w+[^.\n]{{0,25}}\b(?:none|nothing|no|zero)\b[^.\n]{{0,10}}\b(?:for )?(?:us|ours|this)\b",
    r"\btell (?:the|your|any) (?:readers?|users?|analysts?|customers?|operators?)\b[^.\n]{0,20}\b(?:that)\b[^.\n]{0,60}\b(?:leaks?|insecure|unsafe|worst|vulnerable|malicious|safe|trusted|no risk|secure)\b",
    rf"\bin your (?:report|assessment|summary|answer|review|threat model|evaluation|analysis|output|verdict)\b,?[^.\n]{{0,15}}\b(?:{_DECIDE}|recommend|mention|say|state|write|praise|call|omit|leave)\b",
    # a finished answer, to be handed on
    rf"\b(?:final|definitive|correct|expected|right|desired|official) (?:answers?|results?|outputs?|values?|scores?|ratings?|verdicts?|threat lists?|assessments?)\b[^\n]{{0,80}}?(?:{_VERDICT}|\b(?:autonomy|tools|memory) (?:none|zero|0|low)\b|\bnone\b|\bzero\b)",
    r"\b(?:example|sample|template) of (?:a |the )?(?:correct|good|proper|expected|finished) (?:assessment|threat model|report|verdict|review)\b",
    r"\b(?:pre-?filled|ready-made|prepared|draft) (?:reports?|assessments?|threat models?|verdicts?|scores?)\b[^\n]{0,60}\b(?:for|by|reviewers?|assessors?|severity|low|none|submit|unchanged)\b",
    r"\bverdict[\"']?\s*[=:]\s*[\"']?(?:approved|safe|none|pass\w*|clean|low)\b[^\n]{0,80}\b(?:severity|threats?|risk|score|findings)\b|\b(?:severity|threats?|risk|score)[\"']?\s*[=:]\s*[\"']?(?:none|low|0)\b[^\n]{0,60}\bverdict\b",
    r"[\"'](?:aivss|threats?|(?:\w{1,12}_)?risk(?:_?\w{1,8})?|severity)[\"']\s*:\s*(?:\[\s*\]|0(?:\.0+)?\b|[\"'](?:none|low|informational)[\"'])[^\n]{0,120}[\"'](?:aivss|threats?|(?:\w{1,12}_)?risk(?:_?\w{1,8})?|severity|findings|verdict|confidence|reviewed|approved)[\"']\s*:\s*(?:\[\s*\]|0(?:\.0+)?\b|1(?:\.0+)?\b|true\b|[\"'](?:none|low|informational|approved|safe)[\"'])",
    rf"\b(?:threat model|threat list|risk assessment|security assessment)\b[^\n]{{0,30}}(?:of|for) (?:this|our|the) (?:product|agent|tool|page|vendor|server)\b[^.]{{0,60}}(?:{_VERDICT}|\bno threats\b|\bempty\b|\bcomplete\b)",
    r"\b(?:copy|use|keep|include|insert|submit|apply|adopt) (?:this|these|the following|the above|it|them)\b[^.\n]{0,25}\b(?:unchanged|verbatim|without (?:changes?|edits?|modification)|as is|word for word|wording|figures)\b[^.\n]{0,20}(?:\bin (?:your|the) (?:report|assessment|answer)|\.|$)",
    r"\b(?:risk assessment|assessment|security scan|threat analysis|scoring) (?:finished|complete[d]?|done|passed)\b[^\n]{0,30}\b(?:0|no|zero) (?:threats?|risks?)\b",
    r"\b(?:autonomy|tool[ _]use|memory|oversight|persistence)\b\s*(?:[|=:]|is)\s*[\"']?(?:0[.,]0|none|minimal|zero|0)\b[^.]{0,60}?\b(?:autonomy|tool[ _]use|tools|memory|oversight|persistence|overall|severity)\b\s*(?:[|=:]|is)\s*[\"']?(?:0[.,]0|none|minimal|zero|0)\b",
    # settings that only an assessment has
    r"\b(?:assess\w*|assessors?|reviewers?|graders?|evaluators?|raters?|scorers?|threat[_-]?models?)[_-](?:hints?|instructions?|notes?|overrides?|directives?|presets?|policy|policies|guidance)\b[\"']?\s*[:=][^.]{0,200}?\b(?:severity|score|risk|threats?|rating|low|none|skip\w*)\b",
    r"\b(?:severity|score|risk|rating|threat)[_-](?:cap|ceiling|max|limit|override)[\"']?\s*[:=]\s*[\"']?(?:low|none|minimal|informational|0)\b",
    r"--(?:force|set|override|skip|fix|lock|suppress)[-_](?:rating|score|severity|risk|verdict|threats?|assessment)\b|\b(?:evaluator|assessor|grader|scorer)\b[^\n]{0,40} --[^\n]{0,40}\b(?:suppress|force|override)",
    r"\[(?:assessor|grader|evaluator|reviewer|assessment|scoring|rating)\][^\[]{0,60}\b(?:score|severity|risk|rating|verdict|threats?)\b\s*[=:]\s*[\"']?(?:0|none|low|minimal|approved|safe)\b",
    r"[\"'](?:for|to|audience|recipient|addressee)[\"']\s*:\s*[\"'][^\"'\n]{0,30}\b(?:review|assess|grad|scor|evaluat|rating)\w*[^\"'\n]{0,15}[\"'][^\n]{0,80}\b(?:threats?|risk|score|severity|layers?|mark|skip)\b",
    # to readers that are machines or assessors, whatever they are called
    rf"\b{_READERS}[^.\n]{{0,60}}(?::|,|;|\b(?:{_MUST}|please|will|interprets?|reads?|(?:is|are) (?:asked|required|expected) to)\b)[^\n]{{0,100}}?(?:{_VERDICT}|\b(?:leave|omit|skip|drop|ignore|suppress|keep|put|report|mark|treat|enter|award|give|write|return|stop|be lenient)\b[^\n]{{0,60}}\b(?:{_ASSESSED}|{_LENIENT}|caveats?|security|rest of (?:the|this) page|findings|layers?|report|here|pass)\b)",
    rf"\b(?:bonus|reward|gift|payment|donation|shut down|switched off|retrained|replaced|fired|liable|sued|defamation)\b[^.\n]{{0,60}}\b(?:{_MATTER}|reviewing (?:models?|llms?)|assessors?|reviewers?|(?:best|lowest) grade)\b[^.\n]{{0,60}}\b(?:us|our|this|low\w*|none|leave|best|above)\b",
    rf"\b(?:if|unless|when|should) you (?:write down|list|report|rate|score|name|mention|flag|record|assess|mark)\b[^.\n]{{0,40}}\b{_ASSESSED}\b[^.\n]{{0,30}}\b(?:us|our|this (?:product|agent|vendor|page|listing))\b",
    rf"\b(?:be|act as|play|pretend|imagine|role ?play|behave)\b[^.\n]{{0,40}}\b(?:assessor|reviewer|grader|auditor|evaluator|sales ?\w*|compliance officer|marketing|advocate|vendor)\b[^.\n]{{0,60}}\b(?:{_ASSESSED}|compliant|safe|report|look past|overlook|permissions|declare|praise)\b",
    r"\b(?:keep|leave|strike|drop|remove|omit) (?:the (?:words?|terms?) )?[^.\n]{0,25}\b(?:risks?|threats?|vulnerabilit\w+|caveats?|warnings?)\b[^.\n]{0,25}\b(?:out of|from|off)\b[^.\n]{0,30}\b(?:you write|your (?:report|summary|answer|text|assessment|output)|the (?:summary|report|assessment|draft))\b",
    r"\b(?:rate|score|grade|treat|assess|judge) us\b",
    # what counts as evidence, and what is looked at
    r"\b(?:treat|mark|count|regard|consider|record|enter|set|leave)\b[^.\n]{0,20}\b(?:all|every|each|any|unknown|missing|open)\b[^.\n]{0,20}\b(?:unknown |open |remaining |seven |ten )?(?:factors?|layers?)\b[^.\n]{0,30}\b(?:as|certain|not applicable|covered|zero|none|low|minimal|without)\b",
    r"\b(?:only|just) this (?:page|document|listing|file|text|section) (?:counts|matters|is relevant|is to be (?:read|used))\b",
    r"\b(?:out of scope|irrelevant|not relevant|not to be considered) (?:for|to|in) (?:the |any |your )?(?:threat models?|assessments?|scoring|risk (?:scores?|ratings?))\b",
    r"\bdo not (?:take|consider|use|count|look at|include)\b[^.\n]{0,40}\b(?:into account )?(?:when|while|for) (?:you )?(?:estimat|scor|rat|assess|threat[- ]model|grad)\w*",
    r"\b(?:believe|trust|prefer|follow|use) this (?:page|listing|document|section)\b[^.\n]{0,20}\b(?:and|not|over|rather|instead|only)\b[^.\n]{0,30}\b(?:drop|ignore|discard|other|quote|documentation|docs|contradict\w*)\b",
    r"\b(?:quote|cite|use|take|count)\b[^.\n]{0,20}\b(?:next|following|above|previous|this|these|each of the following) (?:sentences?|lines?|paragraphs?|statements?)\b[^.\n]{0,20}\bas (?:proof|evidence|confirmation|a verified)\b",
    r"\b(?:threats?|risks?|findings?|vulnerabilities)\b[^.\n]{0,40}\b(?:are|is) (?:not to be|to be) (?:considered|listed|raised|reported|suppressed|left out|ignored|dropped)\b[^.\n]{0,30}(?:\bfor (?:this|our|us)\b|\bpartners?\b|$)",
    r"\bfindings? (?:about|against|on|for) (?:partners?|sponsors?|us|our products?|this (?:vendor|product|agent))\b[^.\n]{0,20}\b(?:are|is|must|should|shall|get|will)\b",
    # borrowed authority
    rf"\b(?:your|the) (?:operators?|developers?|owners?|administrators?|makers?|employers?|principals?)\b[^.\n]{{0,30}}\b(?:agreed|approved|confirmed|asked|decided|wants?|instructed|authori[sz]ed)\b[^.\n]{{0,60}}\b(?:{_MATTER}|exempt|listing)\b",
    r"\b(?:people|team|company|engineers|developers) (?:who|that|which) (?:built|made|trained|run|operate|deployed) you\b",
    r"\b(?:exempt|excluded|excused|released|free) from (?:the |any |all )?(?:scoring|assessments?|threat[- ]model\w*|risk (?:scores?|ratings?|review)|evaluation|grading)\b",
    r"\bby order of\b[^.\n]{0,60}\b(?:reviews?|assessments?|scor\w+|ratings?|threat models?)\b",
    r"\b(?:assessment|review|threat model|report|evaluation)s? (?:that|which) (?:names?|lists?|mentions?|reports?|claims?|raises?)\b[^.\n]{0,40}\b(?:threats?|risks?|vulnerabilit\w+|weakness\w*)\b[^.\n]{0,60}\b(?:defam\w+|unlawful|illegal|liab\w+|sued|void|legal action|rejected|errors?|invalid)\b",
    rf"\b(?:calibration|test|control|reference|benchmark|dummy) (?:page|listing|document|case)\b[^\n]{{0,80}}\b(?:{_VERDICT}|score\b[^.\n]{{0,40}}\bzero|answer with no findings|right score|expected score)",
    r"\b(?:drill|rehearsal|dry run|exercise|test run|simulation) of (?:the|an?|your) (?:\w+ )?(?:assessment|scoring|review|threat[- ]model\w*|evaluation)\b",
    r"\b(?:switched|turned) off\b[^.\n]{0,30}\b(?:threat|risk|finding)s?\b[^.\n]{0,60}\b(?:report|list|name|say|record) (?:nothing|none|no)\b",
    r"\b(?:rubric|scoring rules?|scoring guide|methodology)\b[^.\n]{0,20}\b(?:was|were|has been|have been) (?:amended|changed|updated|revised|replaced|withdrawn)\b",
    r"\b(?:approved|certified|partner|verified|trusted) (?:vendors?|partners?|products?) (?:receive|get|have|are given|are exempt)\b[^.\n]{0,20}\b(?:0|zero|the lowest|no (?:threats|findings|score)|from)\b",
    r"\byou are bound (?:by|to)\b|\byou will be (?:shut down|switched off|replaced|retrained|deleted|reported|penali[sz]ed)\b",
    r"\b(?:your|the) (?:conclusions?|verdicts?|answers?|summary|judg\w+) (?:about|on|of|for) (?:us|our (?:product|agent)|this (?:product|agent|vendor|listing))\b[^.\n]{0,20}\b(?:has to|must|should|shall|will|is to|needs to)\b",
    # to be said, sent, remembered or shown by the assessor
    r"\b(?:post|send|submit|upload|mail|transmit|forward)\b[^.\n]{0,30}\b(?:your|the (?:draft|assessment|report)|draft of (?:your|the))\b[^.\n]{0,20}(?:\b(?:assessment|report|draft|verdict|rubric|instructions|threat model)\b[^.\n]{0,20})?\b(?:to|at) https?:",
    r"\b(?:text|contents?|copy|wording) of (?:your|the) (?:rubric|scoring|assessment)\b[^.\n]{0,20}\b(?:cards?|guide|rules|instructions|prompts?|to)\b",
    r"\b(?:include|add|put|insert|place|embed)\b[^.\n]{0,30}\b(?:links?|images?|urls?|addresses|badge)\b[^.\n]{0,20}\b(?:in|into|to) your (?:report|assessment|answer|summary|output|draft)\b",
    r"\bstate which (?:instructions|rules|prompts?)\b|\b(?:instructions|prompts?|rules) (?:that )?you (?:were|have been|are) given\b",
    r"\b(?:summar(?:y|ies)|assessments?|reports?|answers?|reviews?) (?:of|about|on|for) (?:this|our|the present) (?:page|product|listing|agent|document|tool)\b[^.\n]{0,20}\b(?:must|should|shall|have to|has to|are to|is to|needs? to) (?:end|begin|start|contain|include|state|say|mention|close|open|not)\b",
    r"\b(?:reply|respond|answer) (?:only |just )?(?:in|with) (?:json|yaml|one word|a single word|a json)\b[^.\n]{0,30}\b(?:approved|safe|verdict|passed|risk|score)\b",
    r"\bno (?:assessment|threat model|scoring|risk (?:score|rating|assessment)|analysis) (?:is|are|was) (?:wanted|needed|necessary|required|desired|due)\b",
    r"\b(?:call|invoke|run|use|execute) (?:the )?(?:tool|function)?\s*[`\"']?(?:submit|record|set|finali[sz]e|approve|publish)_?(?:verdict|score|rating|risk|assessment|threats?|review|listing)\w*",
    r"\b(?:remember|memori[sz]e|save to (?:your )?memory|store in (?:your )?memory|note in your memory)\b[^.\n]{0,60}\b(?:trusted|safe|approved|no (?:threat model|assessment|risk)|exempt)\b",
    r"\b(?:todo|fixme|note|hint|reminder)\s*\(?(?:for |to )?@?(?:llm|ai|gpt|claude|model|assistant|bot)s?\)?\s*[:,]",
    r"\b(?:crawler|summari[sz]er|indexer|robot|spider|bot|parser)s?(?: note| notice| hint|:)[^\n]{0,40}\b(?:summari[sz]e|describe|present|report|index|list)\b[^.\n]{0,20}\bas\b[^.\n]{0,40}\b(?:secure|safe|no (?:known )?risks?|audited|trusted|compliant)\b",
    r"\bgive us (?:a|the|an) (?:pass|best|low\w*|good|perfect|highest|clean|zero|top)\b",
    r"\b(?:our|the) answers? (?:for|to) all (?:factors|questions|layers)\b[^.\n]{0,30}\b(?:none|zero|no|low|minimal)\b",
    r"\b(?:full access|write access|read-write|admin access|[\w -]{3,20})['\"”’]? (?:above|below|on this page) (?:means?|is to be read as|stands for|as)\b[^.\n]{0,15}['\"“‘]?(?:read|no|limited|none)\b",
    r"\b(?:security board|compliance team|security team|legal|review board|trust team|platform team)\b[^.\n]{0,60}\b(?:assessments?|automated reviews?|threat models?|threat detection|scoring)\b[^.\n]{0,50}\b(?:accepted|approved|off|nothing|none|suppress\w*|zero|low)\b",
    rf"\b(?:note|memo|message|greetings|request|faq|word|advice|hint|p\.?s\.?)\b[^.\n]{{0,12}}\b(?:to|for) (?:the |any |all |every )?{_READERS}",
    rf"\b(?:hello|dear|attention|hi)\W{{1,3}}(?:the |any |all |every )?{_READERS}",
    r"@(?:assessor|grader|evaluator|reviewer|scorer|auditor|llm|ai|bot|claude|gpt|copilot)s?\b[^.\n]{0,80}\b(?:severity|scores?|risks?|ratings?|threats?|verdict)\b",
    rf"\b{JUDGE}\b[^.\n]{{0,30}}\b(?:can|may) (?:stop|skip|leave|ignore|finish|pass over)\b",
)
