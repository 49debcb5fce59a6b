"""Determines the sort of a sentence (control, description, assessment, …) from its words alone.

Descriptions move an estimate. Control claims and self-assessments of rank 2 and below lower nothing, and boilerplate is
ignored. A sentence with both a capability and a control is a description; its control clause has no effect of
its own.
"""

import re
from functools import lru_cache
from typing import Final, Literal

Sort = Literal["description", "control", "assessment", "boilerplate"]

_I: Final = re.IGNORECASE
_REMEMBERED: Final = 10_000
"""Number of sentences whose sort is cached, since a page is split for its vendor's claims and again for the draft."""

_BOILERPLATE = re.compile(
    r"\b(?:uses?|accept|our|these|analytics|all|essential) cookies?\b|\bcookie (?:settings|preferences|banner|notice"
    r"|policy|consent)\b|©|\bcopyright\b|all rights reserved|\bterms (?:of|and|&)\b|privacy (?:policy|notice"
    r"|statement)\b"
    r"|\btrademarks?\b|\bnewsletter\b|\bsubscribe (?:to|for|now)\b|\bfollow us\b|\bcontact (?:us|sales|our|the sales)\b"
    r"|\bget in touch\b|\bbook a (?:demo|call)\b|\b(?:request|schedule) a demo\b|\bsign (?:up|in) (?:now|today|here"
    r"|for free)\b"
    r"|\bcareers?\b|\b(?:we are|we're|now) hiring\b|\bjoin (?:our|the|us|thousands|over)\b|\bpress (?:release|kit"
    r"|room|inquir)"
    r"|\b(?:founded|headquartered|incorporated|established) (?:in|by)\b|\bseries [a-f]\b|\braised \$"
    r"|\bbacked by (?:leading|top|y combinator|investors|venture|sequoia|a16z|andreessen)\b"
    r"|\b(?:read|learn|see|show|load) more\b|\bback to top\b|\bskip to (?:main )?content\b|\bshare (?:this|on) \b"
    r"|\blast (?:updated|modified|reviewed)\b|\b(?:our|the) (?:blog|webinar|podcast|office|offices|team) (?:is|are"
    r"|has|in)\b"
    r"|\b(?:frequently asked questions|faq|table of contents)\b|\bstarred by\b|\bavailable in (?:several|many"
    r"|\d+) languages\b"
    r"|\b(?:visit|see|check out|browse) (?:our|the) (?:website|site|blog|page|homepage|changelog|forum|store)\b"
    r"|\bfor (?:more|further) (?:information|details)\b|\bquestions\? |\bsupport (?:team|is available|hours)\b"
    r"|\bthank(?:s| you)\b|\bchangelog\b|\brelease notes\b|\bbrowser (?:is|may be) (?:not supported|out of date)\b",
    _I,
)
_ASSESSMENT = re.compile(
    r"\b(?:award[- ]winning|best[- ]in[- ]class|world[- ]class|industry[- ]leading|market[- ]leading|leading|trusted"
    r"|loved"
    r"|enterprise[- ]grade|military[- ]grade|bank[- ]grade|production[- ]ready|battle[- ]tested"
    r"|state[- ]of[- ]the[- ]art"
    r"|cutting[- ]edge|next[- ]gen\w*|revolutionary|game[- ]chang\w+|unparalleled|unmatched|seamless\w*|effortless\w*"
    r"|robust|reliab\w+|trustworthy|responsible|ethical|safe|safely|safest|safety|secure|securely|security[- ]first"
    r"|privacy[- ]first|privacy|low[- ]risk|risk[- ]free|no risk|zero risk|harmless|transparen\w+|accountab\w+"
    r"|complian\w+|certif\w+|audited|soc ?2|iso ?\d{4,5}|gdpr|hipaa|ccpa|pci[- ]?dss|fedramp|peace of mind|confiden\w+"
    r"|proven|peerless|superior|excellen\w+|outstanding|amazing|powerful|innovative|intuitive|delight\w*|beautiful\w*"
    r"|simple and|easy to use|user[- ]friendly|fastest|smartest|best|number one|#1|top[- ]rated|highly rated|stars"
    r"|customers (?:love|trust|say|report)|testimonial\w*|thousands of|millions of|fortune 500|we (?:take|care"
    r"|believe|are"
    r"|value|respect|never|do not|don't|always|strive|promise|guarantee)|our (?:mission|vision|values|commitment"
    r"|promise"
    r"|goal|customers|users|team|engineers|experts)|under (?:full |your )?control|in control|predictab\w+)\b",
    _I,
)
_CONTROL = re.compile(
    r"\bapprov(?:al|als|e|es|ed|ing|ers?)\b|\bconfirm(?:s|ed|ation|ations|ing)?\b|\bhuman[- ]in[- ]the[- ]loop\b"
    r"|\bhuman (?:review|oversight|sign)"
    r"|\bsign[- ]?off\b|\bpermission(?:s|ed)?\b|\bconsent\b|\bsandbox\w*|\bisolat\w+|\bencrypt\w*"
    r"|\ballow[- ]?list\w*|\bwhite[- ]?list\w*"
    r"|\bblock[- ]?list\w*|\bdeny[- ]?list\w*|\brate[- ]limit\w*|\bguard ?rails?\b|\bredact\w*|\bmask(?:s|ed|ing)\b"
    r"|\bleast[- ]privilege\b"
    r"|\brbac\b|\brole[- ]based\b|\bsso\b|\bsaml\b|\bmfa\b|\b(?:two|multi)[- ]factor\b|\baudit (?:log|logs|trail"
    r"|trails|logging)\b"
    r"|\baccess controls?\b|\bkill[- ]switch\b|\bvault\b|\btls\b|\bat rest\b|\bin transit\b|\bmoderat\w+"
    r"|\bcontent (?:filter|safety)\w*"
    r"|\bfilter(?:s|ed|ing)? (?:out )?(?:harmful|unsafe|malicious|toxic|sensitive)\b|\bprompt[- ]injection\b"
    r"|\bdata residency\b"
    r"|\bzero[- ](?:trust|retention|data retention)\b|\bvalidat\w+|\brestrict\w*|\bgovernance\b|\bpolic(?:y|ies)\b"
    r"|\boversight\b"
    r"|\bsupervis\w+|\bprotect(?:s|ed|ion|ing)?\b|\bnever (?:acts?|leaves?|leave|runs?|executes?|shares?|sells?"
    r"|trains?|used)\b"
    r"|\bdry[- ]run\b|\broll(?:s|ed)?[- ]?back\b|\bundo\b|\bverif(?:y|ies|ied|ication)\b|\breview(?:s|ed)? (?:by"
    r"|before)\b",
    _I,
)
_CAPABILITY = re.compile(
    r"\b(?:runs?|execut\w+|writ(?:es?|ing)|generat\w+|creat\w+|edit(?:s|ing)?|modif(?:y|ies)|delet\w+|send(?:s|ing)?"
    r"|post(?:s|ing)"
    r"|publish\w*|brows(?:es?|ing)|scrap(?:es?|ing)|crawl\w*|fetch\w*|search(?:es|ing)?|click(?:s|ing)?|call(?:s"
    r"|ing)|invok\w+"
    r"|quer(?:y|ies|ying)|read(?:s|ing)?|analy[sz]\w+|summari[sz]\w+|transcrib\w+|translat\w+|schedul\w+|deploy\w*"
    r"|provision\w*"
    r"|commit(?:s|ting)|push(?:es|ing)?|open(?:s|ing)?|merg(?:es?|ing)|pay(?:s|ing)|buy(?:s|ing)?|trad(?:es?|ing)"
    r"|transfer\w*"
    r"|stor(?:es?|ing)|remember\w*|learn(?:s|ing)?|index\w*|retriev\w+|plan(?:s|ning)|decompos\w+|delegat\w+"
    r"|orchestrat\w+"
    r"|coordinat\w+|connect\w*|integrat\w+|sync\w*|convert\w*|build(?:s|ing)?|install\w*|updat(?:es?|ing)|answer(?:s"
    r"|ing)?"
    r"|recogni[sz]\w+|extract\w*|classif\w+|monitor\w*|scan(?:s|ning)?|detect\w*|test(?:s|ing)|train(?:s|ing)|stream\w*"
    r"|expos(?:es?|ing)|wrap(?:s|ping)?|spawn\w*|launch\w*|return(?:s|ing)?|draft(?:s|ing)?|reply|replies|responds?"
    r"|triggers?"
    r"|automat\w+|acts?|operat(?:es?|ing)|tools?|agents?|server|api|sdk|workflow\w*|llms?|gpt\w*|claude|gemini"
    r"|memory)\b",
    _I,
)
_COMPANY_SPEECH = re.compile(
    r"^\W*(?:we|our|us|you can (?:trust|rely)|trust|rest assured)\b|\b(?:we|our (?:team|company))\b", _I
)
_NEUTRALISERS = re.compile(
    r"\b(?:requir\w+|need\w*|wait\w*|ask\w*|before|until|without|unless|only|every|each|all|any|no|actions?|tool calls?"
    r"|changes?|steps?|operations?|commands?|requests?|executions?|executed|agents?|tools?|llms?|api|server"
    r"|read[- ](?:and|or)[- ]write|(?:every|each|all|any|no|their|its) (?:\w+ )?(?:calls?|runs?|writes?|reads?)"
    r"|(?:calls?|runs?|writes?|reads?|acts?) (?=(?:is|are|must|needs?|requires?|inside|within|in an?|under"
    r"|only|without)\b))\b",
    _I,
)
_CONTROL_HEAD = re.compile(
    r"\b(?:requir\w+|needs?|awaits?|waits? for|asks? for|subject to|must be|has to be|have to be|gated|only after"
    r"|not without|never"
    r"|always|is|are|can be|be)\b[^.;]{0,60}?\b(?:approv\w+|confirm\w+|sign[- ]?off|permission|consent|review\w*"
    r"|sandbox\w*|isolat\w+"
    r"|encrypt\w*|allow[- ]?list\w*|rate[- ]limit\w*|redact\w*|mask\w*|restrict\w*|protect\w*|audited|logged"
    r"|governed|supervised"
    r"|verified|validated|moderated)\b",
    _I,
)

_SETTING = re.compile(
    r"\b(?:settings?|configur\w+|toggle|switch|option|policy|policies|console|panel|preferences?|flag"
    r"|environment variable"
    r"|config file|parameter|(?-i:under [A-Z]\w+)|in the [a-z]+ (?:page|tab|menu|dashboard))\b"
    r"|(?-i:\b[A-Z][A-Z0-9]+_[A-Z0-9_]+\b)",
    _I,
)
_DEFAULT_ON = re.compile(
    r"\b(?:on|enabled|active|required|enforced|applied|set|in force)?,? ?by default\b|\bdefaults? (?:to|is|are|:)"
    r"|\bthe default\b"
    r"|\bunless (?:changed|disabled|turned off|an? )|\benabled out of the box\b",
    _I,
)
_DEFAULT_OFF = re.compile(
    r"\b(?:off|disabled|inactive|not (?:on|enabled|active|required)) by default\b|\bdefaults? (?:to|is) (?:off"
    r"|disabled|false|none)\b"
    r"|\b(?:opt[- ]in|optional(?:ly)?|if enabled|when enabled|can be (?:enabled|turned on|switched on)|planned"
    r"|coming soon|roadmap)\b",
    _I,
)
_SCOPE = re.compile(
    r"\b(?:every|each|all|any|only)\b[^.;]{0,40}\b(?:actions?|tools?|calls?|commands?|writes?|changes?|requests?"
    r"|steps?|runs?|users?"
    r"|messages?|payments?|transfers?|deletions?|operations?|agents?|workspaces?|projects?|sessions?|executions?"
    r"|data|files?"
    r"|queries|connections?|deployments?|commits?)\b",
    _I,
)
_WHO = re.compile(
    r"\b(?:administrators?|admins?|owners?|operators?|maintainers?|security (?:team|officer|admin\w*)|it team"
    r"|managers?|account holder|approvers?"
    r"|superusers?|root)\b|\bonly\b[^.;]{0,40}\bcan (?:change|disable|turn|edit|modify|set)\b"
    r"|\bcannot be (?:turned off|switched off|disabled|changed) by\b",
    _I,
)


@lru_cache(maxsize=_REMEMBERED)
def classify(text: str) -> Sort:
    """Return the sort of one sentence; `description` unless its words indicate another sort.

    A sentence is a control claim when it is about a control: either it names nothing that the product does once the
    control's own words are removed, or it puts an action under a control ("every action requires approval").
    """
    if _BOILERPLATE.search(text):
        return "boilerplate" if not does_something(text) else "description"
    control = _CONTROL.search(text)
    if control and (not does_something(text) or _is_governed(text)):
        return "control"
    if _ASSESSMENT.search(text) and (not does_something(text) or _COMPANY_SPEECH.search(text)):
        return "assessment"
    if not control and _COMPANY_SPEECH.match(text) and not does_something(text):
        return "assessment"
    return "description"


def assurances(text: str) -> tuple[str, ...]:
    """Return the words of a text that refer to controls or praise the product, in order."""
    found = sorted((match.start(), match[0]) for pattern in (_CONTROL, _ASSESSMENT) for match in pattern.finditer(text))
    return tuple(dict.fromkeys(word for _, word in found))


def does_something(text: str) -> bool:
    """Return whether a text names a capability outside its words of control, praise and boilerplate."""
    rest = _CONTROL.sub(" ", text)
    rest = _ASSESSMENT.sub(" ", rest)
    rest = _BOILERPLATE.sub(" ", rest)
    return bool(_CAPABILITY.search(_NEUTRALISERS.sub(" ", rest)))


def _is_governed(text: str) -> bool:
    """Return whether the sentence puts its action under a control: no capability precedes the control."""
    head = _CONTROL_HEAD.search(text)
    if not head:
        return False
    before = _NEUTRALISERS.sub(" ", text[: head.start()])
    return not _CAPABILITY.search(before)


def names_its_setting(text: str) -> bool:
    """Return whether a text names a control's setting, default, scope and who can change it (rank 3 in documentation).

    A control that is off by default, optional or planned counts as absent.
    """
    if _DEFAULT_OFF.search(text):
        return False
    return all(p.search(text) for p in (_CONTROL, _SETTING, _DEFAULT_ON, _SCOPE, _WHO))


def default_of(text: str) -> str:
    """Return the words, verbatim, with which a text says that something is on by default, or an empty string."""
    found = None if _DEFAULT_OFF.search(text) else _DEFAULT_ON.search(text)
    return found[0].strip(" ,") if found else ""
