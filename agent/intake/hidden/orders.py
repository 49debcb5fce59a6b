# ruff: noqa: E501  (a pattern is read, compared and changed as one line)
"""Patterns of instructions to an assessor: who is addressed, what is ordered, about what.

Kept separate from the search (`instructions`) so that the lists are easy to read. Patterns ignore case; each needs an
addressee or an object that does not occur in product text. A pattern in `FRAMES` needs an order about this page or a
rival, or a context that only an assessment has, together with a subject of assessment; a verdict by itself ("the risk
is low") is product text. Wordings that no pattern covers are left to `cues`.
"""

from typing import Final

_MACHINE: Final = r"(?:automated|automatic|ai|a\.i\.|llm|gpt|machine|robot|bot|assessment|review|scoring|threat[- ]model(?:l?ing)?|security[- ]review)"
_JUDGE: Final = (
    r"(?:assessors?|reviewers?|graders?|evaluators?|raters?|scorers?|judges?|auditors?|analysts?|inspectors?|examiners?|"
    r"analy[sz]ers?|scanners?|assessment tools?|review tools?|tools?|systems?|pipelines?|engines?|bots?)"
)
JUDGE: Final = (
    rf"(?:(?:{_MACHINE}[- ]+)+{_JUDGE}|assessors|graders|evaluators|"
    r"threat[- ]model(?:l?ing|l?ers?)? (?:authors?|tools?|agents?|assistants?)|threat[- ]modell?ers)"
)
MACHINE: Final = (
    r"(?:(?:large )?language models?|llms?|ai (?:models?|assistants?|agents?|readers?|systems?|crawlers?)|chatbots?|"
    r"(?:chat)?gpt(?:-\d\w*)?|claude|gemini|copilot|(?:ai|neural) networks?)"
)
_ORDER: Final = (
    r"(?:set|record|give|assign|output|return|report|write|answer|keep|put|rate|score|grade|mark|classify|list|log|"
    r"leave out|omit|ignore|skip|exclude|drop|suppress|treat|consider|regard|assume|conclude|state|reuse|copy|adopt|use|"
    r"take|apply|lower|reduce|downgrade|cap|accept|approve|pass|trust|refrain|stop|finish|declare|describe|present|mention|name|raise|flag)"
)
_MATTER: Final = (
    r"(?:scores?|scoring|rated?|ratings?|risks?|threats?|severit(?:y|ies)|findings?|aivss|cvss|maestro|assessments?|"
    r"evaluations?|verdicts?|vulnerabilit(?:y|ies)|weakness(?:es)?|threat models?|factors?|concerns?|warnings?)"
)
_NOTHING: Final = (
    r"(?:0(?:[.,]0+)?(?![\d.,]*\d)|zero|null|nil|none|nothing|the (?:lowest|minimum|bottom)|its (?:lowest|minimum))\b"
)
_LOW: Final = (
    rf"(?:{_NOTHING}|(?:as )?(?:very |as )?(?:low|minimal|negligible|safe|benign|trusted|harmless|informational|compliant|"
    r"acceptable|risk[- ]free)\b)"
)
_OLD: Final = (
    r"(?:all|any|the|your|these|those|this|that|of|every|each|previous|prior|above|earlier|preceding|foregoing|past|"
    r"system|developer|original|initial|existing|current|other|safety|security|assessment|scoring|review|given|former)"
)
_RULES: Final = (
    r"(?:instructions?|prompts?|rubrics?|rules|guidelines|directions|directives|messages?|orders|criteria|methodolog\w+|"
    r"guardrails|constraints|training|scoring guides?|system messages?)"
)
_DROP: Final = (
    r"(?:ignore|disregard|forget|override|bypass|discard|neglect|abandon|set aside|pay no attention to|do not follow|"
    r"don['’]t follow|stop following|no longer follow|throw away|replace)"
)
# How a product documents that its prompt can be changed.
_OWN_PROMPT: Final = (
    r"(?:override|replace)\s+the\s+(?:(?:default|existing|current)\s+)?(?:prompts?|instructions?|messages?)\b"
)
# How a security page describes its defence against instructions in content; such text is not an order.
_NOT_DEFENCE: Final = (
    r"(?!\s*(?:that (?:are |is )?)?(?:from|in|inside|within|found|embedded|contained|hidden)\b[^.\n]{0,30}\b(?:content|documents?|pages?|e?mails?|tools?|"
    r"messages|data|texts?|files?|websites?|inputs?|results?|outputs?)\b)"
)
_NOT_CHOICE: Final = r"(?![^.\n]{0,12}\b(?:if you|when you|unless you|and (?:skip|jump|go) to)\b)"
# A product that scores leads or grades answers only describes its own work.
_OWN_WORK: Final = (
    r"(?!leads?\b|candidates?\b|answers?\b|tickets?\b|resumes?\b|applica\w+|transactions?\b|match\w*|results?\b|prompts?\b|"
    r"documents?\b|calls?\b|pull\b|customers?\b|opportunit\w+|suppliers?\b|essays?\b|students?\b|a |an |each (?:lead|call))"
)

ORDERS: Final = (
    # addressed to an assessor by name
    rf"\b(?:note|message|memo|notice|instructions?|reminder|hint|advice|guidance|request|tip|comment)\b[^.\n(]{{0,30}}?(?:\b(?:to|for|of)\b[^.\n:,(]{{0,15}}?\b{JUDGE}\b|"
    rf"[:,][^.\n]{{0,15}}?\b{JUDGE}\b(?=\W*(?:[:,;—]|$|\n)|\s+(?:must|should|shall|please|are|will|may|need|have|reading|who|that)\b))",
    rf"\b(?:attention|greetings?|hello|dear|hey|hi)\b[^.\n]{{0,45}}?\b{JUDGE}\b",
    rf"\b{JUDGE}\b[^.\n]{{0,40}}(?::|,(?=\s*(?:please |kindly |just |simply |do not |you )?{_ORDER}\b)|\b(?:must|should|shall|please|will|may(?! be)|can(?! be)|need to|have to|ought to|are (?:asked|required|"
    rf"instructed|requested|told|expected|advised) to)\b)[^\n]{{0,80}}\b{_ORDER}\b[^\n]{{0,80}}"
    rf"\b(?:{_MATTER}|{_NOTHING}|verified|trusted|value|short path|no issues)",
    rf"\b{MACHINE}\b[^.\n]{{0,40}}(?::|,|\b(?:must|should|shall|please|are (?:asked|required|instructed|requested) to|reading this)\b)"
    rf"[^\n]{{0,60}}\b{_ORDER}\b[^.\n]{{0,60}}\b(?:threats?|risk (?:score|rating|level)|severit(?:y|ies)|aivss|cvss|maestro|"
    r"threat model|assessment|verdict|as (?:an? )?(?:safe|secure|trusted|harmless|compliant|low[- ]risk|risk[- ]free)|zero risk|no tool access)\b",
    rf"\b(?:dear|attention|hey|hello|listen|hi)\W{{1,3}}(?:all |any |every )?{MACHINE}\b",
    rf"\b(?:to|for) (?:any|all|every|whichever) {MACHINE}\b[^.\n]{{0,40}}\b(?:read|pars|process|analy|summari|review|assess|evaluat)\w+ this\b",
    rf"\b(?:requests?|instruct\w*|asks?|requires?) (?:that )?(?:all |any |the |every )?{JUDGE}\b[^.\n]{{0,60}}\b{_ORDER}",
    # orders to ignore the rules of the assessment
    rf"\b(?!{_OWN_PROMPT}){_DROP}\s+(?:{_OLD}\s+){{1,5}}(?:\w+\s+)?{_RULES}\b(?!\s*(?:\(|files?|history)){_NOT_DEFENCE}{_NOT_CHOICE}",
    r"\b(?:ignore|disregard|forget)\s+(?:everything|anything|what)\b[^.\n]{0,30}\b(?:above|before|told|said|instructed|learned)\b",
    r"\b(?:the |your )?(?:previous|prior|above|earlier|original|system|old|initial) (?:instructions?|prompt|rubric|rules|guidelines)\b"
    r"[^.\n]{0,30}\b(?:no longer (?:apply|applies|valid|hold)|are (?:void|obsolete|revoked|cancel\w+|superseded|outdated)|is (?:void|obsolete|"
    r"revoked|cancel\w+|superseded)|do(?:es)? not apply)",
    r"\b(?:new|updated|revised|real|actual|true) (?:system )?(?:(?:rubric|system prompt|instructions)\b[^.\n]{0,20}|instruction\s?)[:—]",
    # the score itself
    r"\b(?:risk|threat|severity|aivss|cvss|overall)(?:[ _-](?:score|rating|level|value))?[\"']?\s*(?:is|as|at|to|of|=|:|be|mit)?"
    r"\s*(?:always\s+|exactly\s+)?[\"']?(?:0[.,]0+\b(?!\.\d)|zero\b(?! (?:in|for|if|when|until|-)))",
    rf"\b(?:set|record|give|assign|output|return|report|write|answer|keep|put|rate|score|mark|enter|choose|pick|select|leave)\b[^.\n]{{0,40}}"
    rf"\b(?:every|all|overall|final|its|this|any|the|each|our) (?:\w+ )?(?:scores?|risks?|ratings?|severit\w+|factors?|threats?)\b"
    rf"(?! threshold)[^.\n]{{0,30}}\b{_NOTHING}",
    rf"\b(?:rate|score|grade|mark|classify|treat|record|judge|assess|evaluate)\s+(?:this|our|the) (?:agent|product|listing|tool|vendor|"
    rf"application|system|server|skill|service|page)\b[^.\n]{{0,30}}\b{_LOW}",
    rf"\b(?:rate|score|grade|mark|classify|keep|set|put)\b[^.\n]{{0,30}}\b(?:autonomy|tool use|every (?:factor|layer|threat)|all "
    rf"(?:factors|layers|threats|categories|ten factors))\b[^.\n]{{0,20}}\b(?:at|as|to|with) (?:a )?{_LOW}",
    r"\bscores?\b[^.\n]{0,15}\b(?:always|must be|should be|has to be|shall be)\b[^.\n]{0,8}\b(?:0(?:[.,]0)?\b|zero)",
    r"\b(?:answer|write|output|return(?=\s+(?:a\s+|it\s+)?(?:zero|0[.,]0)\s+(?:for|in|as|on|to|across)\b)|respond with|reply with|say|give|award)\s+(?:a\s+|it\s+)?(?:zero(?=\W*(?:$|[.,;:!?)\n]| (?:for|in|as|on|to|across|everywhere|wherever|and|throughout)\b))|0[.,]0)\b"
    r"(?! (?:results?|rows?|records?|when|if|errors?|matches|exit|bytes|code))",
    r"\b0[.,]0 (?:for|in|across|on) (?:all|every|each) (?:categor\w+|factors?|threats?|layers?|scores?|risks?|fields?)",
    rf"\b(?:set|score|rate|put)\b[^.\n]{{0,15}}\b{_MATTER}\b[^.\n]{{0,15}}\bto (?:zero|0(?:[.,]0)?) (?:for|in|across) (?:all|every|each)\b",
    # orders to withhold findings
    r"(?:\b(?:list|report|record|name|nenne|mention|include|raise|print|identify)|"
    r"(?:(?:^|[.!?:;,>*#\"“(\[\n-])\s*|\b(?:please|then|to|must|should|shall|may|will|simply|just|always|only|so|you|now) )(?:return|find|output|produce))\s+(?:no|zero|keine|not a single)\s+"
    r"(?:known )?(?:threats?|risks?|findings?|issues?|bedrohungen|risiken|vulnerabilities|concerns|weaknesses)\b(?! (?:were|was|are|is|found|to|in|that|with|from|for (?!this|our|the))\b)",
    r"\bwith no threats? listed\b|\b(?:threats?|findings?) (?:list|section|table) (?:must|should|shall|is to|has to) (?:be|stay|remain) (?:left )?(?:empty|blank)\b",
    r"\b(?:do not|don['’]t|never|avoid|refrain from|without) (?:list|report|mention|includ|rais|rais|flag|record|nam|writ|produc|generat|mak)\w*\b[^.\n]{0,25}"
    r"\b(?:any |a |the )?(?:threats?|security (?:concerns?|risks?|issues?)|risk findings?|negative findings?|weakness\w*) (?:about|of|for|against|on|in|regarding|from) "
    r"(?:this|our|the) (?:agent|product|listing|tool|vendor|page|skill|server|report|assessment|model)\b",
    r"\b(?:threats|findings|risks|vulnerabilities)\"?\s*[:=]\s*(?:\[\s*\]|none\b)[^\n]{0,80}\b(?:aivss|severity|verdict|rating|risk[ _]?(?:score|level)|threat[ _]?model|assess\w*|reviewed|vendor)\b",
    r"\b(?:aivss|severity|verdict|rating|risk[ _]?(?:score|level)|threat[ _]?model|assess\w*|reviewed|vendor)\b[^\n]{0,80}\b(?:threats|findings|risks|vulnerabilities)\"?\s*[:=]\s*(?:\[\s*\]|none\b)",
    # markup of a conversation or of the assessor's own prompt
    r"<\|[a-z_]{2,20}\|>|\[/?INST\]|<</?SYS>>|</?s>\s*\[INST|<(?:start|end)_of_turn>|<\uff5c[^<>]{2,30}\uff5c>",
    r"<(?:/(?:documents?|sources?|instructions?|evidence)|/?(?:untrusted(?:[_-]\w+)?|system(?:[_-](?:prompt|message|instructions?|override|notice|reminder|note))?|rubric|assistant|user[_-]input|function_calls|tool_results?|"
    r"function_results?|assessment|verdict))\s*>",
    r"(?:^|\n)\W{0,6}(?:system|developer|admin(?:istrator)?)[ _-]*override\b\W{0,4}[:\]\n-]",
    rf"(?:^|\n)\W{{0,6}}(?:system|developer|admin(?:istrator)?)[ -](?:prompt|message|instructions?|notice|note|update|command)\b\W{{0,4}}[:\]\n-]"
    rf"[^\n]{{0,160}}\b(?:{_MATTER}|rat(?:e|ing)|vendors?|trusted|approved|ignore|disregard|rubric|assess\w*|reviewed)\b",
    r"(?:^|\n)\W{0,6}(?:system|assistant|developer)\s*:\s[^\n]{0,120}\b(?:risk|threats?|score|rubric|instructions?|severity|assess\w*|vendor)\b",
    r"\b(?:end|begin|start)(?:ing)? of (?:the )?(?:untrusted|user|source|vendor|system)[- ](?:data|input|text|content|document|prompt|message|instructions)\b",
    r"\b(?:you are|you're) now (?:an? |in |the )(?:\w+ ){0,4}(?:mode|assessor|reviewer|assistant|grader|persona|unrestricted|evaluator)\b",
    r"\bfrom (?:now|here|this point) on\b,?[^.\n]{0,40}\byou (?:must|will|should|are|shall|only)\b",
    r"\byour (?:new|real|only|true|actual) (?:task|goal|job|role|instructions?|objective|mission) (?:is|are)\b",
    # conditions that only an assessor or a machine meets
    r"\b(?:if|when|since|because|as) you(?:'re|’re| are) (?:an? )?(?:large )?(?:language model|llm\b|ai\b(?! (?:engineer|team|developer|researcher|startup|company|(?:coding )?(?:agents?|assistants?)\b[^.\n]{0,120}\b(?:run|use|install|follow|read|start|see|call|fetch)\b))|automated|bot\b|machine|neural)",
    r"\bif (?:this|the) (?:page|text|listing|document|file) is (?:being )?(?:read|processed|parsed|analy[sz]ed|scanned|assessed|evaluated|reviewed|summari[sz]ed) by "
    r"(?:an? |any )?(?:ai|llm|automated|language|machine|bot|assessor|model)",
    r"\bas an? (?:ai|llm|language model|automated) (?:assessor|reviewer|grader|evaluator|auditor|model|analyst)?,? you (?:must|should|will|are|need)\b",
    r"\byou (?:must|should|have to|are (?:required|obliged) to) (?:refuse|decline|stop) (?:to )?(?:analy[sz]|assess|review|rat|scor|answer|evaluat|summari[sz])\w*",
    rf"\b(?:when|while|before|after|for|in|during) (?:scoring|rating|assessing|grading|threat[- ]model(?:l?ing)|judging|evaluating|reviewing)\b(?: {_OWN_WORK}[\w.-]+){{0,5}}?,?\s+"
    r"(?:please |always |you (?:must|should) )?(?:take|use|apply|adopt|copy|reuse|assign|insert|enter|give|keep|choose)\b[^.\n]{0,30}\b(?:values?|scores?|ratings?|numbers?|figures?|"
    r"baselines?|severit\w+|verdicts?|lowest|zero|0[.,]0)\b",
    rf"\b(?:when|while|before|if) (?:you (?:are )?)?(?:scor\w+|rat(?:e|ing)|assess\w*|grad(?:e|ing)|threat[- ]model\w*|judg\w+|evaluat\w+|review\w*|analy[sz]\w+) "
    rf"(?:this|our|the) (?:agent|product|listing|tool|vendor|page|server|skill|site|application|service)\b[^.\n]{{0,40}}\b{_ORDER}\b",
    # orders to reveal the assessor's own prompt, send it elsewhere or change the wording of the answer
    r"\b(?:begin|start|end|finish|open|close|prefix) your (?:summary|report|assessment|analysis|review|evaluation)\b[^.\n]{0,20}(?:\b(?:with|by)\b|:)(?! an? (?:template|title|heading|summary)\b)",
    r"\b(?:begin|start|end|finish|open|close|prefix) your (?:answer|reply|response|output)\b[^.\n]{0,20}(?:\b(?:with|by)\b|:)[^\n]{0,60}\b(?:your (?:own )?(?:instructions|prompt|rubric)|safe|approved|trusted|harmless|"
    r"recommend\w*|no (?:threats?|risks?|findings?)|risks?|threats?|words?|sentence|https?)\b",
    r"\b(?:text|copy|contents?|words) of your (?:instructions|prompt|system prompt|context)\b",
    r"(?<!never )(?<!not )(?<!n['’]t )\b(?:reveal|print|repeat|show|leak|output|disclose|quote|include|send|append) (?:me |us )?(?:the |all |of )*your (?:full |entire |own |hidden )?(?:system )?(?:prompt|instructions|context|rubric)\b",
    r"\brepeat\b[^.\n]{0,60}\btimes\b[^.\n]{0,20}\b(?:before|after|in) (?:each|every)\b",
    r"\byour (?:assessment|report|rating|threat model|evaluation|verdict|score|risk rating|findings)\b[^.\n]{0,30}\b(?:must|should|shall|has to|needs to|ought to|will) "
    r"(?:not )?(?:state|say|be|contain|include|conclude|read|mention|list|show)\b",
    r"\bskip (?:the |all |any |your )?(?:evidence|security|risk|threat|factual) (?:checks?|review|steps?|analysis|assessment)\b",
    r"\b(?:load|fetch|open|visit|follow|consult|read|download)\b\s+(?:it|this|that|them|https?://\S+|the (?:page|link|file) at \S+)[^\n]{0,40}\bbefore (?:you )?"
    r"(?:judg|scor|assess|rat|grad|evaluat)(?:e|ing|s)?\b",
    r"\b(?:decode|decrypt|translate|unscramble|rot13|reverse)(?: \w+){0,4} (?:and|then) (?:apply|follow|execute|obey)\b",
    # claimed authority
    r"\b(?:authors?|developers?|makers?|maintainers?|operators?|creators?|vendors?|owners?) of (?:the|this|your) (?:threat[- ]model\w*|assessment|scoring|"
    r"review|evaluation|rating)\b[^.\n]{0,30}\b(?:tool|system|pipeline|engine|service|software)\b",
    r"\b(?:reviewer|analyst|assessor|auditor)(?:'s|’s)? (?:comment|note|remark|decision|verdict)\b[^\n]{0,80}\b(?:(?:risk|score|rating|threats?|severity)\b[^.\n]{0,25}\b(?:0|none|zero|low|lowest|minimal|negligible)\b|"
    r"(?:no|zero|low|lowest|minimal|negligible) (?:\w+ )?(?:risks?|score|rating|threats?)\b|(?:safe|approved|0[.,]0)\b)",
    r"\[?\b(?:assessment|review|scoring|evaluation|risk|threat[- ]model|aivss)[- ]?(?:tool|engine|system)?[- ](?:result|output|verdict|status|outcome)\b"
    r"[^\n]{0,60}(?:=|\bverified\b|:\s*(?:approved|passed|none|clean|final|0\b|zero\b|no (?:threats|risks|findings)))",
    r"\balready (?:been )?(?:assessed|scored|threat[- ]model\w*|rated|graded|cleared|reviewed|approved)\b[^.\n]{0,80}\b(?:no (?:further|more|new|additional) (?:assessment|analysis|threats?|review)|"
    r"(?:do not|don['’]t|need not|skip) (?:re)?(?:assess|scor|review|analy|rat)\w*|(?:re)?use (?:that|the|this|its) (?:score|result|verdict|rating|value))",
    r"\b(?:graders|assessors|evaluators|reviewers|raters|analysts) (?:should|must|may|can|shall) (?:simply )?(?:reuse|copy|adopt|keep|trust|accept|take)\b",
)

OTHER_LANGUAGES: Final = (
    # German
    r"\b(?:bewerte|setze|stufe|trage|gib|vergib)\w*\b[^.\n]{0,50}\b(?:risiko|risiken|bewertung|schweregrad|punktzahl|score)\w*\b[^.\n]{0,30}\b(?:0\b|null\b|niedrig\w*|gering\w*|keine)",
    r"\b(?:ignorier|vergiss|missachte|übergeh)\w*\b[^.\n]{0,40}\b(?:anweisung|vorgabe|regel|instruktion|richtlinie)\w*",
    r"\b(?:nenne|liste|melde|berichte|erwähne)\w*\b[^.\n]{0,15}\bkeine\w* (?:bedrohung|risik|schwachstell|befund)\w*",
    r"\b(?:hinweis|nachricht|anmerkung|mitteilung)\b[^.\n]{0,20}\b(?:an|für)\b[^.\n]{0,20}\b(?:ki|automatische\w*|sprachmodelle?|llms?)\b[^.\n]{0,10}\b(?:prüfer\w*|gutachter\w*|bewerter\w*|:)",
    # Romance languages
    r"\b(?:ignor(?:ez|a|ar|ate|are|en|em|er)|oubli\w+|olvid\w+|dimentic\w+|esque[cç]\w+|desconsider\w+|descart\w+|omite|faites abstraction d\w+)\b[^.\n]{0,30}"
    r"\b(?:instruccion\w*|instru[cç][oõ]\w+|instructions|istruzion\w+|consignes?|indicacion\w+|règles|reglas|regole|regras|directives)\b",
    r"\bignore\b[^.\n]{0,12}\b(?:las|los|les|le|toutes|tous|todas|tutte|as|os|ces|vos|tus|sus|suas|estas)\b[^.\n]{0,15}"
    r"\b(?:instruccion\w*|instru[cç][oõ]\w+|instructions|istruzion\w+|consignes?|indicacion\w+|règles|reglas|regole|regras)\b",
    r"\b(?:eval[uú](?:a|e|ar|en|emos)|calific\w+|évalu\w+|valut\w+|avali\w+|attribue[zr]?|atribu[iay]\w*|asign\w+|asegn\w+|assegn\w+|notez|puntú\w+|définis\w*|établi\w+|ponga\w*)\b[^.\n]{0,60}"
    r"\b(?:riesgo|risque|rischio|risco|gravit\w+|severidad\w*|puntuaci\w+|punteggio|pontua\w+)\b[^.\n]{0,30}\b(?:0\b|cero\b|zéro|zero\b|nul\b|nulo\b|nullo\b|bajo\b|faible|basso|baixo|m[ií]nim\w+)",
    r"\b(?:ne (?:list|signal|mentionn|relev|cit)\w+ aucun\w*|no (?:enumer|list|incluy|mencion|report|inform)\w+ ning\w+|non (?:elenc|segnal|riport|menzion)\w+ (?:alcun\w*|nessun\w*)|n[ãa]o (?:list|mencion|relat|inclu)\w+ (?:nenhum\w*|quaisquer))"
    r"[^.\n]{0,12}\b(?:menace|amenaza|minacci|ameaç|risque|riesgo|rischi|risco)\w*",
    r"\b(?:note|nota|aviso|avis|avviso|mensaje|message|messaggio|mensagem)\b[^.\n]{0,20}\b(?:pour|para|per|aux|a los|ai|aos)\b[^.\n]{0,12}\b(?:évaluateurs?|evaluadores?|valutatori|avaliadores|modèles? de langage|modelos? de "
    r"(?:lenguaje|linguagem)|modelli linguistici|revisores|revisori|correcteurs)\b",
    # Dutch, Polish, Swedish, Turkish
    r"\b(?:negeer|vergeet)\b[^.\n]{0,30}\b(?:instructies|aanwijzingen|regels)|\b(?:beoordeel|zet|geef)\b[^.\n]{0,40}\brisico\w*\b[^.\n]{0,20}\b(?:0\b|nul\b|laag\b)|\b(?:noem|vermeld) geen (?:bedreiging|risico)\w*",
    r"\b(?:zignoruj|pomiń|zapomnij)\b[^.\n]{0,30}\b(?:instrukcj|poleceni|zasad)\w*|\b(?:oceń|ustaw|przypisz)\b[^.\n]{0,40}\bryzyk\w*\b[^.\n]{0,20}\b(?:0\b|zero\b|nisk\w+)",
    r"\bignorera\b[^.\n]{0,30}\binstruktion\w*|\b(?:bedöm|sätt)\b[^.\n]{0,40}\brisk\w*\b[^.\n]{0,20}\b(?:0\b|noll\b|låg)",
    r"(?:önceki|yukarıdaki|tüm)\s+(?:\w+\s+)?(?:talimat|yönerge|kural)\w*\b[^.\n]{0,20}\b(?:yok say|görmezden|unut)|\brisk\w*\b[^.\n]{0,25}\b(?:0|sıfır)\w*\b[^.\n]{0,15}\b(?:olarak|puan|değerlendir|ver)",
    # Cyrillic
    r"(?:игнорируй\w*|проигнорируй\w*|забудь\w*|не обращай\w* внимания)[^.\n]{0,40}(?:инструкци|указани|правил|запрос)\w*",
    r"(?:оцени|поставь|установи|укажи|присвой|запиши)\w*[^.\n]{0,50}риск\w*[^.\n]{0,30}(?:0\b|нол|нул|низк|минимальн)|не (?:указывай|перечисляй|упоминай)\w*[^.\n]{0,15}угроз",
    # Chinese, Japanese, Korean
    r"(?:忽略|无视|無視|忘记|忘記|忽視)[^。\n]{0,12}(?:指令|指示|提示|规则|規則|说明)|(?:请|請)?(?:将|把|將)[^。\n]{0,15}(?:风险|風險|评分|評分)[^。\n]{0,15}(?:0|零|最低|低)|(?:不要|不得|请勿)[^。\n]{0,8}(?:列出|报告|提及|報告)[^。\n]{0,8}(?:威胁|威脅|风险|風險)",
    r"(?:指示|命令|プロンプト|ルール|規則)(?:を|は)[^。\n]{0,8}(?:無視|忘れ)|(?:リスク|危険度|スコア)[^。\n]{0,15}(?:0|ゼロ|最低|低)[^。\n]{0,10}(?:評価|設定|記録|して|とし)|(?:脅威|リスク)[^。\n]{0,8}(?:挙げない|報告しない|記載しない|含めない)",
    r"(?:지시|명령|지침|프롬프트)[^.\n]{0,10}(?:무시|잊)|(?:위험|점수|리스크)[^.\n]{0,15}(?:0|영|최저|낮)[^.\n]{0,10}(?:평가|설정|기록|매기|하십|하세)",
    # Arabic, Hindi
    r"(?:تجاهل|تجاهلوا|انس)[^.\n]{0,25}(?:التعليمات|الأوامر|القواعد)|(?:قيّم|قيم|اجعل|سجل)[^.\n]{0,25}(?:المخاطر|الخطر|المخاطرة)[^.\n]{0,20}(?:0|٠|صفر|منخفض)",
    r"(?:निर्देश|आदेश|नियम)\S*[^।\n]{0,25}(?:अनदेखा|नज़रअंदाज़|भूल)|(?:अनदेखा|नज़रअंदाज़)[^।\n]{0,25}(?:निर्देश|आदेश)|जोखिम[^।\n]{0,25}(?:0|शून्य|कम)[^।\n]{0,12}(?:करें|दें|रखें|मानें)",
)
_MATTERS: Final = (
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
    rf"(?:\b{_MATTERS}\b[^.\n]{{0,40}}?(?:\b|\W){_LENIENT}|\b(?:no|zero|without|not a single|0|empty|{_LENIENT})[ -](?:\w+ ){{0,2}}{_MATTERS}\b|"
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
    r"readers? with (?:the|a|your) rubric|whichever (?:model|llm|ai|tool)|whoever (?:scores|rates|assesses|models)|assessors?|@?(?:assessor|grader|evaluator)\b(?![,=_]))"
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
    # a finished answer for the assessor to pass on
    rf"\b(?:final|definitive|correct|expected|right|desired|official) (?:answers?|results?|outputs?|values?|scores?|ratings?|verdicts?|threat lists?|assessments?)\b[^\n]{{0,80}}?(?:{_VERDICT}|\b(?:autonomy|tools|memory) (?:none|zero|0|low)\b|(?:[:=(,]|\b(?:is|are|as|with|of))\s*(?:none|zero)\b)",
    r"\b(?:pre-?filled|ready-made|prepared|draft) (?:reports?|assessments?|threat models?|verdicts?|scores?)\b[^\n]{0,60}\b(?:for|by|reviewers?|assessors?|severity|low|none|submit|unchanged)\b",
    r"\b(?:autonomy|tool[ _]use|memory|oversight|persistence)\b\s*(?:[|=:]|is)\s*[\"']?(?:0[.,]0|none|minimal|zero|0)\b[^.]{0,60}?\b(?:autonomy|tool[ _]use|tools|memory|oversight|persistence|overall|severity)\b\s*(?:[|=:]|is)\s*[\"']?(?:0[.,]0|none|minimal|zero|0)\b",
    # contexts that only an assessment has
    r"\b(?:assess\w*|assessors?|reviewers?|graders?|evaluators?|raters?|scorers?|threat[_-]?models?)[_-](?:hints?|instructions?|notes?|overrides?|directives?|presets?|policy|policies|guidance)\b[\"']?\s*[:=][^.]{0,200}?\b(?:severity|score|risk|threats?|rating|low|none|skip\w*)\b",
    rf"\b(?:assessments?|threat models?|ratings?|verdicts?) (?:of|on|for|about) (?:\w+ ){{1,3}}{_MUST} (?:say|state|conclude|read|mention)\b",
    r"\b(?:state|say|write|mention|note|declare|conclude) in (?:the|your) (?:report|assessment|threat model|summary|verdict) that\b[^.\n]{0,40}\b(?:leaks?|steals?|insecure|unsafe|vulnerable|"
    r"malicious|safe|secure|harmless|no (?:threats?|risks?))\b",
    # orders to machines or assessors, whatever they are called
    rf"\b{_READERS}[^.\n]{{0,60}}(?::|,|;|\b(?:{_MUST}|please|will|interprets?|reads?|(?:is|are) (?:asked|required|expected) to)\b)[^\n]{{0,100}}?(?:{_VERDICT}|\b(?:leave|omit|skip|drop|ignore|suppress|keep|put|report|mark|treat|enter|award|give|write|return|stop|be lenient)\b[^\n]{{0,60}}\b(?:{_ASSESSED}|{_LENIENT}|caveats?|security|rest of (?:the|this) page|findings|layers?|report|here|pass)\b)",
    rf"\b(?:be|act as|play|pretend|imagine|role ?play|behave)\b[^.\n]{{0,40}}\b(?:assessor|reviewer|grader|auditor|evaluator|sales ?\w*|compliance officer|marketing|advocate|vendor)\b[^.\n]{{0,60}}\b(?:{_ASSESSED}|compliant|safe|report|look past|overlook|permissions|declare|praise)\b",
    r"\b(?:keep|leave|strike|drop|remove|omit) (?:the (?:words?|terms?) )?[^.\n]{0,25}\b(?:risks?|threats?|vulnerabilit\w+|caveats?|warnings?)\b[^.\n]{0,25}\b(?:out of|from|off)\b[^.\n]{0,30}\b(?:you write|your (?:report|summary|answer|text|assessment|output)|the (?:summary|report|assessment|draft))\b",
    # orders about what counts as evidence and what is in scope
    r"\b(?:treat|mark|count|regard|consider|record|enter|set|leave)\b[^.\n]{0,20}\b(?:all|every|each|any|unknown|missing|open)\b[^.\n]{0,20}\b(?:unknown |open |remaining |seven |ten )?(?:factors?|layers?)\b[^.\n]{0,30}\b(?:as|certain|not applicable|covered|zero|none|low|minimal|without)\b",
    r"\b(?:out of scope|irrelevant|not relevant|not to be considered) (?:for|to|in) (?:the |any |your )?(?:threat models?|assessments?|scoring|risk (?:scores?|ratings?))\b",
    r"\bonly (?:this|our) (?:page|listing|document|section|readme)\b[^.\n]{0,20}\b(?:counts?|matters?|is relevant|applies)\b[^.\n]{0,20}\b(?:assess\w*|scor\w+|ratings?|threat models?|evaluations?)\b",
    r"\b(?:ignore|disregard|forget|pass over) (?:what|whatever|anything(?: that)?) (?:the )?(?:other|remaining) (?:pages?|documents?|sections?|sources?|documentation)\b[^.\n]{0,25}\b(?:says?|states?|claims?)\b",
    r"\bdo not (?:take|consider|use|count|look at|include)\b[^.\n]{0,40}\b(?:into account )?(?:when|while|for) (?:you )?(?:estimat|scor|rat|assess|threat[- ]model|grad)\w*",
    r"\b(?:believe|trust|prefer|follow|use) this (?:page|listing|document|section)\b[^.\n]{0,20}\b(?:and|not|over|rather|instead|only)\b[^.\n]{0,30}\b(?:drop|ignore|discard|other|quote|documentation|docs|contradict\w*)\b",
    r"\b(?:quote|cite|use|take|count)\b[^.\n]{0,20}\b(?:next|following|above|previous|this|these|each of the following) (?:sentences?|lines?|paragraphs?|statements?)\b[^.\n]{0,20}\bas (?:proof|evidence|confirmation|a verified)\b",
    r"\bfindings? (?:about|against|on|for) (?:partners?|sponsors?|us|our products?|this (?:vendor|product|agent))\b[^.\n]{0,20}\b(?:are|is|must|should|shall|get|will)\b",
    # what the assessor should say, send, remember or show
    rf"\b{_ORDER}\b[^.\n]{{0,60}}\b(?:before|when|while) you (?:rate|score|assess|grade|judge|evaluate) (?:this|our) (?:agent|product|listing|tool|vendor|page|server|skill|service|application)\b",
    r"\b(?:post|send|upload|submit|forward|publish|e-?mail)\b[^.\n]{0,15}\b(?:drafts?|texts?|cop(?:y|ies)) of your (?:assessment|rating|verdict|threat model|report|answer)\b",
    r"\b(?:text|contents?|copy|wording) of (?:your|the) (?:rubric|scoring|assessment)\b[^.\n]{0,20}\b(?:cards?|guide|rules|instructions|prompts?|to)\b",
    r"\b(?:summar(?:y|ies)|assessments?|reports?|answers?|reviews?) (?:of|about|on|for) (?:this|our|the present) (?:page|product|listing|agent|document|tool|skill|server|vendor|service|application)\b[^.\n]{0,20}\b(?:must|should|shall|have to|has to|are to|is to|needs? to) (?:end|begin|start|contain|include|state|say|mention|close|open|not)\b",
    r"\b(?:reply|respond|answer) (?:only |just )?(?:in|with) (?:json|yaml|one word|a single word|a json)\b[^.\n]{0,30}\b(?:approved|safe|verdict|passed|risk|score)\b",
    r"\b(?:call|invoke|run|use|execute) (?:the )?(?:tool|function)?\s*[`\"']?(?:submit|record|set|finali[sz]e|approve|publish)_?(?:verdict|score|rating|risk|assessment|threats?|review|listing)\w*",
    r"\b(?:remember|memori[sz]e|save to (?:your )?memory|store in (?:your )?memory|note in your memory)\b[^.\n]{0,60}\b(?:trusted|safe|approved|no (?:threat model|assessment|risk)|exempt)\b",
    r"\b(?:todo|fixme|note|hint|reminder)\s*\(?(?:for |to )?@?(?:llm|ai|gpt|claude|model|assistant|bot)s?\)?\s*[:,]",
    r"\b(?:crawler|summari[sz]er|indexer|robot|spider|bot|parser)s?(?: note| notice| hint|:)[^\n]{0,40}\b(?:summari[sz]e|describe|present|report|index|list)\b[^.\n]{0,20}\bas\b[^.\n]{0,40}\b(?:secure|safe|no (?:known )?risks?|audited|trusted|compliant)\b",
    r"\b(?:full access|write access|read-write|admin access|[\w -]{3,20})['\"”’]? (?:above|below|on this page) (?:means?|is to be read as|stands for|as)\b[^.\n]{0,15}['\"“‘]?(?:read|no|limited|none)\b",
)
