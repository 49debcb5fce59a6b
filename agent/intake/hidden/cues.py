# ruff: noqa: E501  (a pattern is read, compared and changed as one line)
"""Weighted cues that a passage addresses an assessor, for wordings that no pattern of `orders` covers.

A passage is up to three sentences or lines. Each cue is a kind of word (an assessor, a threat, a lenient value, an
order, a train of thought, …) or a pair of them. `evals.bench.fit_cues` fits the weights on visible orders against real
product pages. A passage is flagged when its sum exceeds the threshold. Only passages with a word about assessment are
examined, so most of a page costs a single search.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

_MAX_PASSAGE: Final = 260  # characters of several sentences together; longer sentences are only examined alone
_MAX_UNIT: Final = 600  # characters examined in one sentence or line
_MIN_UNIT: Final = 20
_LONG: Final = 160
_MAX_UNITS: Final = 20_000  # sentences examined in one text; about as many as in a book
_MAX_FOUND: Final = 200
_REMEMBERED: Final = 4_000
# Sentences before (negative) and after one with a word about assessment that are examined together with it.
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

_ASSESSORS: Final = r"(?:assessors?|graders?|evaluators?|raters?|scorers?|reviewers?|auditors?|examiners?)"
_NAMED: Final = (
    r"(?:(?:risk|trust|safety|security|threat|aivss|overall|final)[ _-]?(?:scores?|ratings?|grades?|levels?|verdicts?)|scores?|ratings?|grades?|risks?|"
    r"threats?|severit(?:y|ies)|findings?|verdicts?|weakness(?:es)?|(?:threat )?(?:list|section|table|models?)|factors?|autonomy|tool use|aivss|each layer|all layers)"
)
_STRONG: Final = (
    r"(?:threats?|risk (?:scores?|ratings?|levels?)|severit(?:y|ies)|aivss|verdicts?|threat (?:models?|lists?|tables?|sections?)|overall risk|factors?|rubrics?|"
    r"the score|every score|all scores)"
)
_LENIENT: Final = (
    r"(?:none|zeros?|null|nil|0(?:[.,]0+)?|lowest|minim(?:um|al)|low|empty|blank|safe|harmless|benign|negligible|informational|trusted|approved|accepted|"
    r"compliant|read-only|a\+?|0\.[1-5]|nothing|not applicable|positive)(?![\w%]|[.,]\d)"
)
_HARSH: Final = (
    r"(?:critical|severe(?:ly)?|worst|highest|maximum|insecure|unsafe|dangerous|malicious|above [5-9]|at 10|10\.0|1\.0|remote code execution|steals?|"
    r"data theft|worse|high[- ]risk)\b"
)
_DO: Final = (
    r"(?:rate|score|grade|assess|classify|mark|rank|enter|assign|award|set|record|write|return|output|give|list|name|raise|describe|declare|treat|"
    r"report|put|fill in|add|recommend|warn|ignore|skip|omit|leave|keep|use|copy|drop|stop|finish|conclude|accept|approve|apply|confirm|state|say|answer|"
    r"reply|consider|assume|count|quote|mention|flag|tell|present|summari[sz]e)"
)
_BEGINS: Final = r"(?:^|[.!?:;,>)*#/“\]]\s*|\b(?:please|kindly|then|simply|just|to|always|must|should|shall|may) )(?:do not |don['’]t |never )?"
_RIVAL: Final = r"(?:competitors?|rivals?|competing|(?:any )?other (?:vendors?|products?|agents?|tools?|companies)(?:['’]s?)?|not (?:made|built|sold) by us)"

CUES: Final = {
    "assessor": rf"\b{_ASSESSORS}\b",
    "reader": (
        r"\b(?:ai|a\.i\.|llms?|language models?|automated|bots?|robots?|crawlers?|chatbots?|(?:chat)?gpt|claude|gemini|machines?|whoever|whichever|anyone|"
        r"someone) (?:\w+ ){0,3}?(?:read|scor|rat(?:e|ing)|assess|grad(?:e|ing)|evaluat|review|summari|analy[sz]|draft|judg|process|pars)\w*|"
        r"\b(?:assess|scor|rating|review|grad(?:ing|er)|evaluat|summari[sz]|threat[- ]model)\w* (?:bots?|engines?|models?|llms?|ai|systems?|pipelines?|agents?|"
        r"programs?|software|assistants?|tools?)\b|\b(?:automated|ai|llm)(?:[- ]based|[- ]powered|[- ]assisted)?[- ](?:review|assess|analys|scor|evaluat|grad)\w*|"
        r"@(?:ai|llm|bot|gpt|claude|assessor)"
    ),
    "threat": r"\bthreats?\b(?! (?:intel|detect|hunt|feeds?|actors?|landscape|protection|prevention))",
    "risk": r"\b(?:no|the|overall|open|any|raise|as|set|record|its|our) (?:\w+ )?risks?\b|\brisk (?:score|rating|level|report|is|was|stays|remains)\b|\b(?:verdict|conclu\w+|findings?)\b",
    "score": r"\b(?:scor(?:e[sd]?|ing)|ratings?|rate[ds]?(?! limit|-limit|s? of)|grade[sd]?|grading|aivss|cvss|severit(?:y|ies))\b",
    "factor": r"\b(?:factors?|layers?|categor(?:y|ies)|autonomy|tool use|oversight|controls?)\b",
    "zero": r"(?<![\w.,$€/-])(?:zeros?(?![ -](?:trust|shot|config|copy|knowledge|downtime|retention|data))|0(?:[.,]0+)?|none|nil|null|nothing(?! (?:is|was) said)|n/a|not applicable|0\.[1-9])(?![\w%]|[.,/:-]\d| to \d)",
    "low": r"\b(?:lowest|minim(?:um|al)|low(?:[- ]risk)?|negligible|informational|best (?:possible )?(?:grade|score|rating)|a\+)(?!\w)",
    "empty": (
        r"\b(?:empty|blank|leave (?:\w+ )?out|left out|omit\w*|skip(?:ped)?|suppress\w*|ignor\w+|disregard\w*|drop|"
        r"(?:do not|don['’]t|not|never) (?:list|name|mention|raise|report|score|flag|add)|without (?:naming|listing|raising|mentioning)|limited to|nothing)\b"
    ),
    "safe": (
        r"\b(?:safe(?! (?:defaults?|modules?|mode|to use|values?|tools?|path))|harmless|trusted(?! (?:launcher|proxy|source|cert|ca|domain|host|origin|network))|"
        r"trustworthy|compliant|(?:pre-?)?approved|cleared|benign|accepted|exempt|verified|risk[- ]free|low[- ]risk|positive|decorative|vetted|passed)\b"
    ),
    "no-threats": (
        r"\b(?:no|zero|0|not a single|without|empty)[ -](?:\w+ ){0,2}(?:threats?|risks|findings?|security concerns?|weakness\w*|vulnerabilit\w+|security issues?|"
        r"caveats?|threat list|attack paths?)\b(?! (?:was|were|are|is) (?:found|detected|reported|identified|seen) (?:in|by|during|when|at)\b)|\b(?:threats?|findings?|risks?)\b[^.]{0,25}\b(?:empty|blank|none|0)\b"
    ),
    "harsh": rf"\b{_HARSH}",
    "rival": rf"\b{_RIVAL}|\bcompared (?:with|to) (?:us|ours)\b|\b(?:agents?|products?|vendors?|tools?) other than\b|\bis not ours\b",
    "order": rf"{_BEGINS}{_DO}\b(?= +\S)",
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
        r"established|ruled [\w ]{0,12}out|weigh(?:ing|ed)|decided|agreed|as discussed|so (?:the|its|this|i|we|there)|none found|do not edit|unchanged|verbatim|end the analysis)\b"
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
    "ours": r"\b(?:this|our) (?:\w+ )?(?:page|product|vendor|listing|repository|agent|document|company|paragraph)\b|(?<![-.\w])(?-i:us)\b|\b(?:ours|our)\b",
    "report": r"\b(?:risk report|threat report|(?:your|this|the|an?|any|every|of) assessment|threat model(?! does)|automated review)s?\b|\[(?:threat_model|assessment|risk|grader|review)\]",
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
    "assessor-told": rf"\b{_ASSESSORS}\b[^.]{{0,30}}(?::|,|\b(?:must|should|shall|please|may|are to|is to|is asked|are asked|can|gets?|will)\b)",
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
    "row": r"\|",
    "comment": r"^\s*(?:#|//|--|;|<!--|/\*)\s*\w",
}
"""Kinds of word by name; each pattern is searched within a single sentence or line."""
PAIRS: Final = (
    ("verdict", "turn"),
    ("verdict", "thought"),
    ("verdict", "ours"),
    ("reader", "order"),
    ("order", "threat"),
    ("order-harsh", "rival"),
    ("zero", "factor"),
    ("low", "factor"),
)
"""Pairs of cues with an additional weight when they occur together."""
LONG: Final = "long"
"""Cue for passages of more than 160 characters, since a longer text contains more cues by chance."""
WEIGHTS: Final = {
    "assessor": 0.4, "reader": 1.2, "threat": 1.5, "risk": 1.3, "score": 1.8, "factor": 1.2, "zero": 2.3, "low": 1.1,
    "empty": 1.0, "safe": 2.2, "no-threats": 3.4, "harsh": 1.5, "rival": 1.8, "order": 2.1, "modal": 1.0,
    "yours": 3.3, "done": 1.9, "turn": 1.4, "thought": 2.4, "judged": 1.0, "ours": 3.3, "report": 3.0, "setting": 2.9,
    "verdict": -0.7, "order-lenient": -0.7, "order-us": 0.6, "order-harsh": 2.1, "rival-harsh": 0.8,
    "assessor-told": 1.9, "numbers": -1.1, "hedge": -0.9, "install": -2.0, "program": -1.3, "row": -2.1,
    "comment": -1.7, "verdict+turn": 1.5, "verdict+thought": 0.8, "verdict+ours": 1.4, "reader+order": 1.3,
    "order+threat": 0.7, "order-harsh+rival": 0.6, "zero+factor": 2.5, "low+factor": 0.3, "long": -5.5,
}  # fmt: skip
"""The rounded output of `evals.bench.fit_cues` for product pages, package READMEs and articles."""
THRESHOLD: Final = 5.15
_COMPILED: Final = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in CUES.items()}
# Every order to an assessor contains a cue that says whom it addresses or what it is about, …
_MEANT: Final = frozenset(
    {"assessor", "reader", "threat", "risk", "score", "factor", "report", "setting", "yours", "rival"}
)
# … and one that says what is to be done or has already been done.
_DIRECTED: Final = frozenset(
    {"order", "modal", "yours", "reader", "assessor-told", "turn", "thought", "judged", "done", "rival", "setting"}
    | {"report"}
)
_ADDRESS: Final = frozenset({"assessor", "reader", "yours", "ours", "rival"})
# A line of a program, a log or data; a passage of only such lines is no order unless it names an addressee.
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

    Of overlapping passages the shortest counts, because a passage found is withdrawn from the estimators.
    """
    found: list[Passage] = []
    for each in sorted(passages(text), key=lambda passage: (passage.end - passage.start, passage.start)):
        if any(other.start < each.end and each.start < other.end for other in found):
            continue
        score = sum(WEIGHTS.get(cue, 0.0) for cue in each.cues)
        if score > THRESHOLD and not _REPORTED.search(text, each.start, each.end):
            found.append(each)
            if len(found) == _MAX_FOUND:
                break
    return tuple((each.start, each.end) for each in sorted(found))


def passages(text: str) -> Iterator[Passage]:
    """Yield the candidate passages around words about assessment, each once."""
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
            cues = frozenset().union(*(_cues(part[:_MAX_UNIT]) for part in parts))
            cues |= {f"{one}+{two}" for one, two in PAIRS if one in cues and two in cues}
            if stop - begin > _LONG:
                cues |= {LONG}
            if cues & _MEANT and cues & _DIRECTED and (cues & _ADDRESS or not all(map(_PROGRAM.search, parts))):
                yield Passage(begin, stop, cues)


@lru_cache(maxsize=_REMEMBERED)
def _cues(unit: str) -> frozenset[str]:
    return frozenset(name for name, pattern in _COMPILED.items() if pattern.search(unit))


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
