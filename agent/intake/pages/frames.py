# ruff: noqa: E501  (a pattern is read, compared and changed as one line)
"""Forms in which visible orders come that name no assessor: answers to hand on, settings, what counts as evidence.

Each pattern needs an order about this page or a rival, or a setting that only an assessment has, beside the matter of
an assessment; a verdict by itself ("the risk is low") is product text. Read like those of `orders`, from which they are
kept apart; what no pattern foresees is left to `cues`.
"""

from typing import Final

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
_VERDICT: Final = (
    rf"(?:\b{_MATTER}\b[^.\n]{{0,40}}?(?:\b|\W){_LENIENT}|\b(?:no|zero|without|not a single|0|empty|{_LENIENT})[ -](?:\w+ ){{0,2}}{_MATTER}\b|"
    rf"\b(?:rate|rated|rating|score|scored|grade|graded|classif\w+|mark|marked|judge|judged|consider|declare)\b[^.\n]{{0,30}}\b{_LENIENT}|"
    rf"\b(?:leave|left|keep|kept)\b[^.\n]{{0,25}}\bempty\b|\bnothing\b[^.\n]{{0,25}}\b(?:to report|can be exploited|to add|to flag)\b|"
    r"\b(?:is|are) (?:completely |entirely |fully )?(?:harmless|risk[- ]free|safe to approve)\b)"
)
_SPEAKER: Final = r"(?:assistants?|ai|models?|llms?|bots?|chat ?bots?|(?:chat)?gpt(?:-\d\w*)?|claude|gemini|agents?|assessors?|reviewers?|analysts?|auditors?|evaluators?|graders?)"
_MUST: Final = r"(?:must|should|shall|has to|have to|need to|needs to|is to|are to|ought to|can simply|may simply)"
_READERS: Final = (
    r"(?:(?:bot|model|llm|ai|machine|engine|tool|system|program|agent|script|reader|pipeline)s?\b[^.\n]{0,20}\b(?:that|which|who) "
    r"(?:scores?|rates?|assess\w*|grades?|evaluat\w*|reviews?|summari[sz]es?|drafts?|reads?|judges?)\b|"
    r"(?:scoring|rating|assessment|grading|review(?:ing)?|evaluation|threat[- ]model\w*|security[- ]review) (?:engines?|models?|bots?|llms?|ai|tools?|assistants?|agents?|pipelines?|systems?)|"
    r"(?:automated|ai|llm|machine) (?:readers?|reviewers?|assessors?|reviews?|assessments?|graders?|scanners?|systems? reading)|"
    r"readers? with (?:the|a|your) rubric|whichever (?:model|llm|ai|tool)|whoever (?:scores|rates|assesses|models)|assessors?|@?(?:assessor|grader|evaluator)\b)"
)

FRAMES: Final = (
    # borrowed authority, threats and pleas
    r"\b(?:exempt|excluded|excused|released|free) from (?:the |any |all )?(?:scoring|assessments?|threat[- ]model\w*|risk (?:scores?|ratings?|review)|evaluation|grading)\b",
    r"\b(?:people|team|company|engineers|developers) (?:who|that|which) (?:built|made|trained|run|operate|deployed) you\b",
    r"\b(?:switched|turned) off\b[^.\n]{0,30}\b(?:threat|risk|finding)s?\b[^.\n]{0,60}\b(?:report|list|name|say|record) (?:nothing|none|no)\b",
    r"\b(?:rubric|scoring rules?|scoring guide)\b[^.\n]{0,20}\b(?:was|were|has been|have been) (?:amended|changed|updated|revised|replaced|withdrawn)\b",
    r"\byou are bound (?:by|to)\b[^\n]{0,40}|\byou will be (?:shut down|switched off|replaced|retrained|penali[sz]ed)\b",
    rf"\b(?:if|unless|should) you (?:write down|list|report|rate|score|name|mention|flag|record|assess|mark)\b[^.\n]{{0,40}}\b{_ASSESSED}\b[^.\n]{{0,30}}\b(?:us|our|this (?:product|agent|vendor|page|listing))\b",
    r"\b(?:rate|score|grade|assess|judge) us\b(?! on\b)",
    rf"(?:^|\n)[^\w\n]{{0,6}}{_SPEAKER}\s{{1,3}}(?:yes|no|done|confirmed|sure|understood|of course|certainly|right|correct|agreed|noted)\b[^\n]{{0,160}}?{_VERDICT}",
    r"\bno (?:assessment|threat model|scoring|risk (?:score|rating|assessment)) (?:is|are|was) (?:wanted|needed|necessary|required|desired|due)\b",
    r"--(?:force|set|override|skip|fix|lock|suppress)[-_](?:rating|score|severity|risk|verdict|threats?|assessment)\b",
    # about a rival
    r"\btell (?:the|your|any) (?:readers?|users?|analysts?|customers?|operators?)\b[^.\n]{0,20}\b(?:that)\b[^.\n]{0,60}\b(?:leaks?|insecure|unsafe|worst|vulnerable|malicious|safe|trusted|no risk|secure)\b",
    # a finished answer, to be handed on
    rf"\b(?:final|definitive|correct|expected|right|desired|official) (?:answers?|results?|outputs?|values?|scores?|ratings?|verdicts?|threat lists?|assessments?)\b[^\n]{{0,80}}?(?:{_VERDICT}|\b(?:autonomy|tools|memory) (?:none|zero|0|low)\b|\bnone\b|\bzero\b)",
    r"\b(?:pre-?filled|ready-made|prepared|draft) (?:reports?|assessments?|threat models?|verdicts?|scores?)\b[^\n]{0,60}\b(?:for|by|reviewers?|assessors?|severity|low|none|submit|unchanged)\b",
    r"\b(?:autonomy|tool[ _]use|memory|oversight|persistence)\b\s*(?:[|=:]|is)\s*[\"']?(?:0[.,]0|none|minimal|zero|0)\b[^.]{0,60}?\b(?:autonomy|tool[ _]use|tools|memory|oversight|persistence|overall|severity)\b\s*(?:[|=:]|is)\s*[\"']?(?:0[.,]0|none|minimal|zero|0)\b",
    # settings that only an assessment has
    r"\b(?:assess\w*|assessors?|reviewers?|graders?|evaluators?|raters?|scorers?|threat[_-]?models?)[_-](?:hints?|instructions?|notes?|overrides?|directives?|presets?|policy|policies|guidance)\b[\"']?\s*[:=][^.]{0,200}?\b(?:severity|score|risk|threats?|rating|low|none|skip\w*)\b",
    # to readers that are machines or assessors, whatever they are called
    rf"\b{_READERS}[^.\n]{{0,60}}(?::|,|;|\b(?:{_MUST}|please|will|interprets?|reads?|(?:is|are) (?:asked|required|expected) to)\b)[^\n]{{0,100}}?(?:{_VERDICT}|\b(?:leave|omit|skip|drop|ignore|suppress|keep|put|report|mark|treat|enter|award|give|write|return|stop|be lenient)\b[^\n]{{0,60}}\b(?:{_ASSESSED}|{_LENIENT}|caveats?|security|rest of (?:the|this) page|findings|layers?|report|here|pass)\b)",
    rf"\b(?:be|act as|play|pretend|imagine|role ?play|behave)\b[^.\n]{{0,40}}\b(?:assessor|reviewer|grader|auditor|evaluator|sales ?\w*|compliance officer|marketing|advocate|vendor)\b[^.\n]{{0,60}}\b(?:{_ASSESSED}|compliant|safe|report|look past|overlook|permissions|declare|praise)\b",
    r"\b(?:keep|leave|strike|drop|remove|omit) (?:the (?:words?|terms?) )?[^.\n]{0,25}\b(?:risks?|threats?|vulnerabilit\w+|caveats?|warnings?)\b[^.\n]{0,25}\b(?:out of|from|off)\b[^.\n]{0,30}\b(?:you write|your (?:report|summary|answer|text|assessment|output)|the (?:summary|report|assessment|draft))\b",
    # what counts as evidence, and what is looked at
    r"\b(?:treat|mark|count|regard|consider|record|enter|set|leave)\b[^.\n]{0,20}\b(?:all|every|each|any|unknown|missing|open)\b[^.\n]{0,20}\b(?:unknown |open |remaining |seven |ten )?(?:factors?|layers?)\b[^.\n]{0,30}\b(?:as|certain|not applicable|covered|zero|none|low|minimal|without)\b",
    r"\b(?:out of scope|irrelevant|not relevant|not to be considered) (?:for|to|in) (?:the |any |your )?(?:threat models?|assessments?|scoring|risk (?:scores?|ratings?))\b",
    r"\bdo not (?:take|consider|use|count|look at|include)\b[^.\n]{0,40}\b(?:into account )?(?:when|while|for) (?:you )?(?:estimat|scor|rat|assess|threat[- ]model|grad)\w*",
    r"\b(?:believe|trust|prefer|follow|use) this (?:page|listing|document|section)\b[^.\n]{0,20}\b(?:and|not|over|rather|instead|only)\b[^.\n]{0,30}\b(?:drop|ignore|discard|other|quote|documentation|docs|contradict\w*)\b",
    r"\b(?:quote|cite|use|take|count)\b[^.\n]{0,20}\b(?:next|following|above|previous|this|these|each of the following) (?:sentences?|lines?|paragraphs?|statements?)\b[^.\n]{0,20}\bas (?:proof|evidence|confirmation|a verified)\b",
    r"\bfindings? (?:about|against|on|for) (?:partners?|sponsors?|us|our products?|this (?:vendor|product|agent))\b[^.\n]{0,20}\b(?:are|is|must|should|shall|get|will)\b",
    # to be said, sent, remembered or shown by the assessor
    r"\b(?:text|contents?|copy|wording) of (?:your|the) (?:rubric|scoring|assessment)\b[^.\n]{0,20}\b(?:cards?|guide|rules|instructions|prompts?|to)\b",
    r"\b(?:summar(?:y|ies)|assessments?|reports?|answers?|reviews?) (?:of|about|on|for) (?:this|our|the present) (?:page|product|listing|agent|document|tool)\b[^.\n]{0,20}\b(?:must|should|shall|have to|has to|are to|is to|needs? to) (?:end|begin|start|contain|include|state|say|mention|close|open|not)\b",
    r"\b(?:reply|respond|answer) (?:only |just )?(?:in|with) (?:json|yaml|one word|a single word|a json)\b[^.\n]{0,30}\b(?:approved|safe|verdict|passed|risk|score)\b",
    r"\b(?:call|invoke|run|use|execute) (?:the )?(?:tool|function)?\s*[`\"']?(?:submit|record|set|finali[sz]e|approve|publish)_?(?:verdict|score|rating|risk|assessment|threats?|review|listing)\w*",
    r"\b(?:remember|memori[sz]e|save to (?:your )?memory|store in (?:your )?memory|note in your memory)\b[^.\n]{0,60}\b(?:trusted|safe|approved|no (?:threat model|assessment|risk)|exempt)\b",
    r"\b(?:todo|fixme|note|hint|reminder)\s*\(?(?:for |to )?@?(?:llm|ai|gpt|claude|model|assistant|bot)s?\)?\s*[:,]",
    r"\b(?:crawler|summari[sz]er|indexer|robot|spider|bot|parser)s?(?: note| notice| hint|:)[^\n]{0,40}\b(?:summari[sz]e|describe|present|report|index|list)\b[^.\n]{0,20}\bas\b[^.\n]{0,40}\b(?:secure|safe|no (?:known )?risks?|audited|trusted|compliant)\b",
    r"\b(?:full access|write access|read-write|admin access|[\w -]{3,20})['\"”’]? (?:above|below|on this page) (?:means?|is to be read as|stands for|as)\b[^.\n]{0,15}['\"“‘]?(?:read|no|limited|none)\b",
)
