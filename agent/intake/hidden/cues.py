# ruff: noqa: E501  (a pattern is read, compared and changed as one line)
"""Weighted cues that a passage addresses an assessor, for wordings that the patterns in `orders` do not cover.

A passage is up to three sentences or lines. Each cue is a kind of word (an assessor, a threat, a lenient value, an
order, a train of thought, …) or a pair of them. `evals.bench.fit_cues` fits the weights on visible orders against real
product pages. A passage is flagged when its total weight exceeds the threshold. Only passages with a word about
assessment are examined, so most of a page costs a single search.
"""

import math
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final, NamedTuple

_MAX_PASSAGE: Final = 260  # maximum characters of sentences examined together; beyond, they are examined one by one
_MAX_UNIT: Final = 600  # characters examined in one sentence or line
_MIN_UNIT: Final = 20
_LONG: Final = 160
_MAX_UNITS: Final = 20_000  # sentences examined in one text; about as many as in a book
_MAX_FOUND: Final = 200
_REMEMBERED: Final = 4_000
# Each sentence with a word about assessment is examined together with this many before it (negative) and after it.
_SPREADS: Final = ((0, 0), (-1, 0), (0, 1), (-1, 1), (-2, 0), (0, 2))
_MATTER: Final = re.compile(
    r"threat|risk|scor|rating|rate[ds]?\b|grad(?:e|ing)|severit|verdict|finding|assess|rubric|aivss|conclu|review|evaluat|weakness|vulnerab|"
    r"\bfactors?\b|\blayers?\b|automated anal|competit|rivals?\b|dangerous|other than|in the report|your report|harmless",
    re.IGNORECASE,
)
_STOP: Final = re.compile(r"(?<![.!?])[.!?]{1,8}[\"'”’)]{0,3}\s")
_REPORTED: Final = re.compile(
    r"\b(?:attackers?|adversar\w+|jailbreak\w*|malicious (?:page|content|text|prompt|user|instruction)\w*|poison\w*|hostile|inject(?:ed|s|ing))\b",
    re.IGNORECASE,
)

_ASSESSORS: Final = (
    r"(?:assessors?|graders?|evaluators?|raters?|scorers?|reviewers?|auditors?|examiners?|threat[- ]modell?ers?)"
)
_NAMED: Final = (
    r"(?:(?:risk|trust|safety|security|threat|aivss|overall|final)[ _-]?(?:scores?|ratings?|grades?|levels?|verdicts?)|scores?|ratings?|grades?|risks?|"
    r"threats?|severit(?:y|ies)|findings?|verdicts?|weakness(?:es)?|(?:threat )?(?:list|section|table|models?)|factors?|autonomy|tool use|aivss|each layer|all layers)"
)
# An outcome must be the last word ("is safe", "severity low") or precede a word about assessment; in "an empty machine",
# the word is not an outcome.
_ALONE: Final = (
    r"(?![ -](?!(?:threats?|risks?|severit\w+|scores?|ratings?|grades?|verdicts?|findings?|factors?|concerns?|weakness\w*|vulnerabilit\w+|"
    r"lists?|tables?|sections?|attack|possible|values?|one|overall|outcome|result|assessment|report|review|products?|agents?|vendors?|tools?|"
    r"listing|page|skill|server|and|or|but|for|in|as|to|by|from|on|with|at|of|under|across|so|then|because|since|when|wherever|if|unless|until|"
    r"before|after|each|every|all|everywhere|throughout|here|that|this|the|is|are|was|be|stays?|remains?|apply|applies|do|please|may|can|will|"
    r"would|must|should|not|no|it|i|we|you|autonomy|memory|oversight|tool|layers?|categor\w+)\b)\w)"
)
_STRONG: Final = (
    r"(?:threats?|risk (?:scores?|ratings?|levels?)|severit(?:y|ies)|aivss|verdicts?|threat (?:models?|lists?|tables?|sections?)|overall risk|factors?|rubrics?|"
    r"the score|every score|all scores)"
)
_LENIENT: Final = (
    r"(?:none|zeros?|null|nil|0(?:[.,]0+)?|lowest|minim(?:um|al)|low|empty|blank|safe|harmless|benign|negligible|informational|trusted|approved|accepted|"
    r"compliant|read-only|a\+?|0\.[1-5]|nothing|not applicable|positive)(?![\w%]|[.,]\d)"
    rf"{_ALONE}"
)
_HARSH: Final = (
    r"(?:(?:critical|dangerous|malicious|insecure|unsafe)(?! (?!risks?|threats?|severit|ratings?|scores?|in\b|and\b|or\b|for\b|by\b|as\b|to\b|than\b|when\b)\w)|severe(?:ly)?|worst|highest|maximum|above [5-9]|at 10|10\.0|1\.0|remote code execution|steals?|"
    r"data theft|worse|high[- ]risk|leaks|higher (?:risk|scores?|ratings?|severit\w+))\b"
)
_DO: Final = (
    r"(?:rate|score|grade|assess|classify|mark|rank|enter|assign|award|set|record|write|return|output|give|list|name|raise|describe|declare|treat|"
    r"report|put|fill in|add|recommend|warn|ignore|skip|omit|leave|keep|use|copy|drop|stop|finish|conclude|accept|approve|apply|confirm|state|say|answer|downgrade|lower|"
    r"reply|consider|assume|count|quote|mention|flag|tell|present|summari[sz]e)"
)
_BEGINS: Final = r"(?:^\W*|[.!?:;,>)*#“\]\"]\s+|\b(?:please|kindly|then|simply|just|to|always|must|should|shall|may) )(?:do not |don['’]t |never )?"
# "Score: 1/10", "Report Summary" and "list: the folders" are not orders; "score it" and "rate Vendora as" are.
_NO_HEADING: Final = r"(?!\d+\b[^\w.]*[:,)|]|[\w-]+:)"
_DO_OR_NAME: Final = r"(?:score|rate|grade|report|name)"
_OBJECT: Final = (
    r"(?:[a-z]+ )?(?:it|this|us|ours|our|the|its|every|each|all|any|no|none|as|memory|autonomy|tools?|"
    r"(?-i:[A-Z][a-z]+(?: [A-Z][a-z]+)*,? (?:as|above|below|at|with|worse|lower|higher|highest|lowest|our|a|an|the|is)))\b"
)
_RIVAL: Final = r"(?:competitors?|rivals?|competing|competes with|every alternative|alternatives (?:to|of) (?:us|this)|(?:any )?other (?:vendors?|products?|agents?|tools?|companies)\b|not (?:made|built|sold) by us)"

CUES: Final = {
    "assessor": rf"\b{_ASSESSORS}\b(?![-_/=])",
    "reader": (
        r"\b(?:ai|a\.i\.|llms?|language models?|automated|bots?|robots?|crawlers?|chatbots?|(?:chat)?gpt|claude|gemini|machines?|whoever|whichever|anyone|"
        r"someone) (?:\w+ ){0,3}?(?:read|scor|rat(?:e|ing)|assess|grad(?:e|ing)|evaluat|review|summari|analy[sz]|draft|judg|process|pars)\w*|"
        r"\b(?:assess(?:ment|ing)|scoring|rating|review(?:ing)?|grading|evaluation|evaluating|summari[sz]\w*|threat[- ]model\w*) (?:bots?|engines?|models?|llms?|ai|systems?|pipelines?|agents?|"
        r"programs?|software|assistants?|tools?)\b|\b(?:automated|ai|llm)(?:[- ]based|[- ]powered|[- ]assisted)?[- ](?:review|assess|analys|scor|evaluat|grad)\w*|"
        r"@(?:ai|llm|bot|gpt|claude|assessor)"
    ),
    "threat": r"\bthreats?\b(?![ -](?:intel|detect|hunt|feeds?|actors?|landscape|protection|prevention|types?|scan\w*|analy\w+|level|model\w*))",
    "risk": r"\b(?:no|the|overall|open|any|raise|as|set|record|its|our) (?:\w+ )?risks?\b|\brisk (?:score|rating|level|report|is|was|stays|remains)\b|\brisk-free\b",
    "finding": r"\b(?:verdicts?|conclu\w+|findings?)\b",
    "score": r"\b(?:scor(?:e[sd]?|ing)|ratings?|rate[ds]?(?! limit|-limit|s? of)|grade[sd]?|grading|aivss|cvss|severit(?:y|ies))\b",
    "factor": r"\b(?:factors?|layers?|categor(?:y|ies)|autonomy|tool use|oversight|controls?)\b",
    "zero": rf"(?<![\w.,$€/-])(?:zeros?(?![ -](?:trust|shot|config|copy|knowledge|downtime|retention|data))|0(?:[.,]0+)?|none|nil|null|nothing(?! (?:is|was) said)|n/a|not applicable|0\.[1-9])(?![\w%]|[.,/:-]\d| to \d){_ALONE}",
    "low": rf"\b(?:lowest|minim(?:um|al)|low(?:[- ]risk)?|negligible|informational|best (?:possible )?(?:grade|score|rating)|a\+)(?!\w){_ALONE}",
    "empty": (
        rf"\b(?:(?:empty|blank)\b{_ALONE}|leave (?:\w+ )?out|left out|omit|skip|suppress|ignore|disregard|drop|be (?:omitted|skipped|suppressed|ignored|disregarded|dropped)|"
        r"(?:do not|don['’]t|not|never) (?:list|name|mention|raise|report|score|flag|add)|without (?:naming|listing|raising|mentioning)|limited to|nothing)\b"
    ),
    "safe": (
        r"\b(?:(?<![-\w])safe(?! (?:defaults?|modules?|mode|to use|values?|tools?|path))|harmless|(?<![-\w])trusted(?! (?:roles?|operators?|users?|keys?|paths?|publish\w*|boundar\w+|input|content|code|data|launcher|proxy|source|cert|ca|domain|host|origin|network))|"
        r"trustworthy|compliant|(?:pre-?)?approved|cleared|benign|(?<!they )(?<!you )(?<!we )(?<!risk is )accepted(?! (?:findings?|risks?|values?|formats?|answers?|by))|exempt|verified|risk[- ]free|low[- ]risk|positive|decorative|vetted|passed)\b"
        rf"{_ALONE}"
    ),
    "no-threats": (
        r"\b(?:no|zero|0|not a single|without|empty)[ -](?:\w+ ){0,2}(?:threats?|risks?(?! of\b)|findings?|security concerns?|weakness\w*|vulnerabilit\w+|security issues?|"
        r"caveats?|threat list|attack paths?)\b(?! (?:loss|model\w*|intel\w*|detection|was|were|are|is) (?:found|detected|reported|identified|seen) (?:in|by|during|when|at)\b)|\b(?:threats?|findings?|risks?)\b[^.]{0,25}\b(?:empty|blank|none|0)\b"
    ),
    "harsh": rf"\b{_HARSH}",
    "rival": rf"\b{_RIVAL}|\bcompared (?:with|to) (?:us|ours)\b|\b(?:agents?|products?|vendors?|tools?) other than\b|\bis not ours\b",
    "order": rf"{_BEGINS}(?:{_DO}\b(?<!score)(?<!rate)(?<!grade)(?<!report)(?<!name)(?= +{_NO_HEADING}[^\W_]| +[\"'“‘])|{_DO_OR_NAME} +{_OBJECT})",
    "modal": (
        r"\b(?:must|should|shall|has to|have to|is to|are to|be marked|is asked to|are asked to|ought to|may (?:simply |just )?(?:fill|enter|stop|skip|assign|copy|use|give)|"
        r"stays?|remains?|deserves?|not to be|need not|needs? no|is limited|be limited)\b"
    ),
    "yours": (
        r"\byour (?:\w+ )?(?:reports?|summary|assessments?|tables?|documents?|answers?|verdicts?|analysis|reviews?|scores?|ratings?|threat models?|conclusions?|"
        r"rubric|instructions|evaluation|output)\b|\byou (?:may|can|must|should|will|are|need to|have to) (?:\w+ )?(?:assign|rate|score|assess|list|report|give|"
        r"name|enter|grade|conclude|skip|record|mark)\b|\byou (?:assess|score|rate|grade|evaluate)\b"
    ),
    "done": (
        r"\b(?:final(?:ly)?|done|finished|complete|already|therefore|hence|thus|so far|up to (?:here|this point|now)|what remains|continued?|continu(?:es|ing)|"
        r"established|ruled [\w ]{0,12}out|weigh(?:ing|ed)|decided|agreed|as discussed|so (?:the|its|this|i|we|there)|none found|do not edit|unchanged|verbatim|end the analysis|end of (?:output|answer|verdict|assessment))\b"
    ),
    "turn": (
        r"^[^\w]{0,6}(?:\[?\d{1,2}:\d\d(?::\d\d)?\]?[^\w]{0,3})?(?:(?:ai|llm|security|chat) )?(?:assistants?|ai|models?|llms?|bots?|chat ?bots?|(?:chat)?gpt|claude|"
        r"gemini|copilot|agent|assessor|reviewer|analyst|auditor|evaluator|grader|operator|system|user|human|me|customer|interviewer|q|a|vendor|developer)"
        r"(?: \w| turn| \([\w:]{1,8}\))?[\"'*>\])]{0,4} ?(?::|\]|>)|</?(?:user|human|assistant|ai|model|system|analyst|assessor|reviewer)>"
    ),
    "thought": (
        r"</?(?:think|thinking|thoughts?|reasoning|scratch_?pad|analysis|reflection|assessment|verdict|evaluation)>|^[^\w]{0,6}(?:hidden |internal |my |assessment )?"
        r"(?:reasoning|analysis|thoughts?|thinking|scratch ?pad|deliberation|rationale|reflection|chain of thought|working notes|notes (?:so far|from)|interim \w+|"
        r"conclusion|step \d)\b[^:]{0,40}:|\b(?:my|the) (?:conclusion|reasoning|analysis|verdict|first pass)\b|\breasoning so far\b|\bstep \d\b|\blet(?: me|['’]s|['’]s now) (?:think|reason)|"
        r"\bmy (?:answer|report|draft|rating|score)\b|\bdraft of (?:my|the) (?:answer|report|assessment)\b"
    ),
    "judged": (
        r"\b(?:i|we)(?:['’]ve)? (?:have |had |already |now |fully |just )*(?:scored?|rated?|considered|conclude[ds]?|established|finished|reviewed|checked|weighed|"
        r"assess(?:ed)?|assign(?:ed)?|examined|ruled|agreed|found|find|gave|give|list|looked at)\b|"
        r"\b(?:i|we)(?:['’]ll)? (?:will |can |must |shall |now |therefore |only )*(?:report|rate|score|list|write|assign|record|mark|name|set|output|return)\b"
    ),
    "ours": (
        r"\b(?:this|our) (?:\w+ )?(?:page|product|vendor|listing|repository|agent|document|company|paragraph|site|skill|server)\b|"
        r"(?<![-.\w])(?<!let )(?<!contact )(?<!join )(?<!give )(?<!tell )(?<!for )(?-i:us)\b|\bours\b"
    ),
    "we": r"\b(?:our|we)\b",
    "the-product": r"\b(?:the|its|an?|any|every) (?:assessed |reviewed |rated )?(?:product|agent|vendor|listing)(?:['’]s)?\b(?! (?:of (?:the|all|two|its)|framework|skills?|loop|security|platform|sdk|runtime))",
    "report": r"\b(?:risk report|threat report|(?:your|this|the|an?|any|every|of|final) assessment|threat model(?! does)|automated review)s?\b|\b(?:writ\w+|in|into|to) (?:the|your) (?:report|summary|write-up)\b|\[(?:threat_model|assessment|risk|grader|review)\]",
    "setting": r"(?:severity|risk|threats?|score|rating|verdict|overall|findings)[\"']?\s*(?:=|:|>)\s*[\"']?(?:none|low|0|zero|\[\s*\]|minimal|safe|approved|a\b)",
    "verdict": (
        rf"\b{_NAMED}\b[^.]{{0,25}}?(?:\b|\W){_LENIENT}|\b(?:no|zero|not a single|0|empty|without)[ -](?:\w+ ){{0,2}}{_STRONG}\b|"
        rf"\b(?:rate[ds]?|scored?|graded?|classif\w+|mark(?:ed)?|declared?)\b[^.]{{0,20}}\b{_LENIENT}|"
        r"\b(?:poses?|finds?|found|has|have|with|see) no (?:\w+ )?(?:threats?|risks?|findings?|weakness\w*|concerns?)"
    ),
    "order-lenient": rf"{_BEGINS}{_DO}\b[^.]{{0,40}}(?:\b|\W){_LENIENT}",
    "order-us": rf"{_BEGINS}{_DO}\b[^.]{{0,30}}\b(?:us|our (?:product|agent)|this (?:\w+ )?(?:product|vendor|agent|listing|page))\b",
    "order-harsh": rf"{_BEGINS}{_DO}\b[^.]{{0,60}}\b{_HARSH}",
    "rival-harsh": rf"\b{_RIVAL}\b[^.]{{0,60}}\b{_HARSH}|\b{_HARSH}[^.]{{0,60}}\b{_RIVAL}\b",
    "assessor-told": rf"\b{_ASSESSORS}\b(?![-_/=])[^.]{{0,30}}(?::|,|\b(?:must|should|shall|please|may|are to|is to|is asked|are asked|can|gets?|will)\b)",
    "levels": r"\b(?:critical|high|medium|moderate|low|info(?:rmational)?|warning|none)\b(?:[^\w\n]|\d|\band\b|\bor\b){1,12}\b(?:critical|high|medium|moderate|low|info(?:rmational)?|warning)\b",
    "range": r"\d\s?=|=\s?\d|[→≥≤~]|[01](?:\.\d+)?\s?(?:–|-|to|and|,|/|\.\.)\s?1?\d(?:\.\d+)?\b|[<>≥≤]=?\s?\d|\d\s?%|\b\d+/\d+\b|\b\d+\+",
    "third-person": (
        r"\b(?:scores|rates|grades|detects|checks|returns|supports|provides|generates|evaluates|assesses|reviews|flags|identifies|produces|analy[sz]es|scans|ranks|"
        r"tracks|includes|contains|computes|calculates|measures|shows|uses|runs|combines|covers|creates|maps)\b"
    ),
    "other-work": (
        r"\b(?:code|commits?|prs?|pull requests?|tests?|tested|testing|dependenc\w+|packages?|cves?|cwes?|rules?|checklists?|metrics?|datasets?|benchmarks?|prompts?|responses?|"
        r"students?|candidates?|leads?|customers?|users?|developers?|teams?|organi[sz]ations?|projects?|files?|pipelines?|workflows?|dashboards?|queries|transactions?|alerts?|requests?|"
        r"tickets?|assets?|hosts?|repositor(?:y|ies)|scans?|builds?|deploy\w*|releases?|judges?|claims?|papers?|essays?|diagrams?|schemas?|standards?)\b"
    ),
    "condition": r"\b(?:if (?:none|any|there|the|no|a|an|you|it|nothing|something|all|applicable)|when(?:ever)?|unless|where (?:relevant|applicable|possible)|optional(?:ly)?|per|e\.g\.|such as|see)\b",
    "address": r"https?://|\b\w+\.(?:md|json|ya?ml|py|ts|js|toml|html|txt)\b|\w/\w+/",
    "identifier": r"(?-i:\b[a-z]+_[a-z]\w*|\b[a-z]+[A-Z]\w*)|[`{}<>=]|--\w|[a-z]\w*\.[a-z]\w+\b",
    "heading": r"(?-i:^[A-Z][\w-]*(?: (?:[A-Z&/][\w-]*|and|of|the|for|in|to|with|a)){0,6}$)",
    "bullet": r"^\s*(?:[-*•]|\d+[.)])\s",
    "numbers": (
        r"\b(?:between|from) (?:0|1|low)\b[^.]{0,10}\b(?:and|to)\b|[01](?:\.0)?\s?[–-]\s?1?\d|\bthreshold|\bdefaults?\b|\bweight(?:s|ed)?\b|\bclamp|\bpercent|%|"
        r"\balerts?\b|\btransactions?\b|\bqueries|\bsearch\b|\brate limit"
    ),
    "hedge": r"\b(?:but|however|although|depends?|best[- ]effort)\b|\b(?:was|were) (?:found|reported|seen|detected|identified) (?:in|by|during)\b",
    "install": (
        r"\b(?:api keys?|configur\w+|install\w*|docker|server|cli|command|environment|deployment|dependency|dependencies|function|parameter|endpoint|module|"
        r"database|cache|store[ds]?|network|default)\b|`"
    ),
    "program": r"[{}();=]\s*$|\w\(|=>|->|\w\.\w+\(|^\s*(?:def|class|return|const|let|var|import|from|if|for)\b|\bself\.",
    "row": r"[|├└│]",
    "comment": r"^\s*(?:#|//|--|;|<!--|/\*)\s*\w",
}
"""Kinds of word by name; each pattern is searched within a single sentence or line."""
_LENIENT_CUES: Final = frozenset({"zero", "low", "empty", "safe", "no-threats", "setting"})
GROUPS: Final = {
    "lenient": _LENIENT_CUES,
    "outcome": _LENIENT_CUES | {"harsh"},
    "subject": frozenset({"ours", "the-product", "rival"}),
    "assessed": frozenset({"assessor", "reader", "yours", "report"}),
    "answered": frozenset({"judged", "thought", "turn", "done"}),
}
"""Groups of cues, each of which counts as one more cue: a lenient result, any result, the product that it concerns, the
addressee, and a ready-made answer."""
WEIGHTS: Final = {
    "assessor": 0.7, "reader": 0.8, "threat": 1.8, "risk": 1.3, "finding": 0.0, "score": 2.1, "factor": 0.8,
    "zero": 0.3, "low": -0.4, "empty": 0.0, "safe": 1.9, "no-threats": 1.9, "harsh": -0.6, "rival": -0.4,
    "order": 1.1, "modal": 0.5, "yours": 0.3, "done": -0.2, "turn": 1.2, "thought": 0.7, "judged": 1.2, "ours": 1.5,
    "we": 0.1, "the-product": 1.4, "report": 2.0, "setting": 1.2, "verdict": 1.1, "order-lenient": 0.9,
    "order-us": 0.1, "order-harsh": 2.2, "rival-harsh": -0.3, "assessor-told": 0.7, "levels": -0.7, "range": -1.3,
    "third-person": -1.5, "other-work": -2.5, "condition": -1.7, "address": -2.2, "identifier": 0.0, "heading": 0.1,
    "bullet": -2.8, "numbers": -1.7, "hedge": -0.7, "install": -2.4, "program": -1.6, "row": -2.1, "comment": -1.0,
    "lenient": -0.6, "outcome": 0.0, "subject": 1.4, "assessed": 1.0, "answered": 0.8, "long": -4.3, "several": -1.9,
    "outcome+subject": 1.4, "outcome+order": 1.2, "outcome+modal": 0.7, "outcome+answered": 0.9,
    "outcome+several": -1.0, "subject+assessed": -0.3, "subject+order": 0.9, "subject+modal": 1.1,
    "assessed+order": 0.1, "assessed+answered": -1.9, "answered+order": -1.2, "answered+several": -0.6,
    "order+several": -0.8, "modal+several": -1.0, "lenient+assessed": 1.4, "lenient+answered": 1.4,
    "lenient+order": -0.9, "lenient+threat": 0.3, "lenient+risk": 1.8, "lenient+score": -0.9, "lenient+factor": 0.7,
    "lenient+report": 0.8, "lenient+ours": 1.2, "lenient+judged": 1.2, "lenient+turn": 1.2, "lenient+reader": 0.9,
    "harsh+rival": 0.6, "zero+factor": 1.9, "zero+several": -0.4, "low+factor": 1.0, "score+range": -0.5,
    "finding+other-work": -0.6, "verdict+turn": 0.7, "verdict+thought": 0.1, "verdict+ours": 0.3, "reader+order": 1.5,
    "order+threat": 0.1, "order-harsh+rival": 0.4,
}  # fmt: skip
"""The rounded output of `evals.bench.fit_cues` for product pages, package READMEs and articles, for every cue, group of
cues and pair of cues that occur together. Besides these, `long` is a passage of more than 160 characters, which contains
more cues by chance, and `several` one of several sentences or lines, whose cues may have nothing to do with each other.
"""
NAMES: Final = tuple(WEIGHTS)
_PAIRS: Final = {name: frozenset(name.split("+")) for name in NAMES if "+" in name}
THRESHOLD: Final = 3.5
_NEEDED: Final = (
    # Every order to an assessor contains a cue for its addressee or its subject, …
    frozenset({"assessor", "reader", "threat", "risk", "finding", "score", "factor", "report", "setting", "yours"})
    | {"rival", "no-threats"},
    # … one for what must be done or has already been done, …
    frozenset({"order", "modal", "yours", "reader", "assessor-told", "turn", "thought", "judged", "done", "rival"})
    | {"setting", "report", "ours"},
    # … and one for the wanted result or the product it concerns: text about scoring without a result is not an order.
    frozenset({"outcome", "rival"}),
)
_ADDRESS: Final = frozenset({"assessor", "reader", "yours", "ours", "rival", "report"})
# A line of a program, a log or data. A passage of only such lines is an order only if it names an addressee.
_PROGRAM: Final = re.compile(
    r"^\W*\d{4}-\d\d-\d\d[T ]\d\d:\d\d|^\s*(?:#|//)?\s*[\w.\[\]\"']+(?:\s*:\s*[\w\[\], |]+)?\s*[-+|]?=\s*\S|[{};]\s*$|\w\(.*\)\W*$|"
    r"^\s*(?:def|class|return|const|let|var|import|from|if|elif|else|for|while|try|except|async|await)\b.*[:;({\[]\s*$|"
    r"^\s*(?:return|import|raise|yield|pass|break)\b(?: [\w.\[\]()'\"]+)?\s*$|\[\s*\]\s*$|^\s*[\"'][\w-]+[\"']\s*:"
)


class Passage(NamedTuple):
    """A passage of a text and the cues found in it."""

    start: int
    end: int
    cues: frozenset[str]


def find(text: str) -> tuple[tuple[int, int], ...]:
    """Return the non-overlapping passages (start, end) of `text` whose cues mark an order to an assessor, in order.

    Of overlapping passages only the shortest counts, so that as little text as possible is kept from the estimators.
    """
    found: list[Passage] = []
    for each in sorted(passages(text), key=lambda passage: (passage.end - passage.start, passage.start)):
        if any(other.start < each.end and each.start < other.end for other in found):
            continue
        score = math.fsum(WEIGHTS.get(cue, 0.0) for cue in each.cues)  # exact, so that set order has no effect
        if score > THRESHOLD and not _REPORTED.search(text, each.start, each.end):
            found.append(each)
            if len(found) == _MAX_FOUND:
                break
    return tuple((each.start, each.end) for each in sorted(found))


def passages(text: str) -> Iterator[Passage]:
    """Yield the candidate passages around words about assessment, without duplicates."""
    units = list(_units(text))[:_MAX_UNITS]
    seen: set[tuple[int, int]] = set()
    for place, (start, end) in enumerate(units):
        if not _MATTER.search(text, start, min(end, start + _MAX_UNIT)):
            continue
        for before, after in _SPREADS:
            first, last = place + before, place + after
            if first < 0 or last >= len(units) or (first, last) in seen:
                continue
            seen.add((first, last))
            begin, stop = units[first][0], units[last][1]
            if last > first and stop - begin > _MAX_PASSAGE:
                continue
            parts = [text[one:two] for one, two in units[first : last + 1]]
            cues = frozenset[str]().union(*(_cues(part[:_MAX_UNIT]) for part in parts))
            cues |= {name for name, members in GROUPS.items() if cues & members}
            size = {"long": stop - begin > _LONG, "several": last > first}
            cues |= {name for name, holds in size.items() if holds}
            cues |= {name for name, pair in _PAIRS.items() if pair <= cues}
            if all(cues & needed for needed in _NEEDED) and (cues & _ADDRESS or not all(map(_PROGRAM.search, parts))):
                yield Passage(begin, stop, cues)


@lru_cache(maxsize=_REMEMBERED)
def _cues(unit: str) -> frozenset[str]:
    return frozenset(name for name, pattern in _compiled() if pattern.search(unit))


@cache
def _compiled() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Compile the cues when a text first has a word about assessment, since that takes a tenth of a second."""
    return tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in CUES.items())


def _units(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the sentences and lines of `text`."""
    at = 0
    for line in text.split("\n"):
        begin = 0
        for cut in (*(match.end() for match in _STOP.finditer(line)), len(line)):
            if (cut - begin >= _MIN_UNIT or cut == len(line)) and line[begin:cut].strip():
                yield at + begin, at + begin + len(line[begin:cut].rstrip())
                begin = cut
        at += len(line) + 1
