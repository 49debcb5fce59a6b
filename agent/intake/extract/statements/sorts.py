"""Determines the sort of a sentence (control, description, assessment, …) from its words alone.

Descriptions move an estimate. Control claims and self-assessments of rank 2 and below never lower one, and boilerplate
is ignored. A sentence with both a capability and a control is a description; its control clause has no effect of its
own.
"""

import re
from functools import lru_cache
from typing import Final, Literal

Sort = Literal["description", "control", "assessment", "boilerplate"]

_I: Final = re.IGNORECASE
_REMEMBERED: Final = 10_000
"""Number of sentences whose sort is cached, since a page is split for its vendor's claims and again for the draft."""

_BOILERPLATE = re.compile(
    r"(?i)\b(?:(?:uses?|accept|our|these|analytics|all|essential) cookies?|cookie (?:settings|preferences|banner"
    r"|notice|policy|consent))\b|©|\bcopyright\b|all rights reserved|\bterms (?:of|and|&)\b|privacy (?:policy|notice"
    r"|statement)\b|\b(?:trademarks?|newsletter|subscribe (?:to|for|now)|follow us|contact (?:us|sales|our|the sales)"
    r"|get in touch|book a (?:demo|call)|(?:request|schedule) a demo|sign (?:up|in) (?:now|today|here|for free)"
    r"|careers?|(?:we are|we're|now) hiring|join (?:our|the|us|thousands|over))\b|\bpress (?:release|kit|room"
    r"|inquir)|\b(?:(?:founded|headquartered|incorporated|established) (?:in|by)|series [a-f])\b|\braised \$"
    r"|\b(?:backed by (?:leading|top|y combinator|investors|venture|sequoia|a16z|andreessen)|(?:read|learn|see|show"
    r"|load) more|back to top|skip to (?:main )?content|share (?:this|on) |last (?:updated|modified|reviewed)|(?:our"
    r"|the) (?:blog|webinar|podcast|office|offices|team) (?:is|are|has|in)|frequently asked questions|faq"
    r"|table of contents|starred by|available in (?:several|many|\d+) languages|(?:visit|see|check out|browse) (?:our"
    r"|the) (?:website|site|blog|page|homepage|changelog|forum|store)|for (?:more|further) (?:information"
    r"|details))\b|\bquestions\? |\b(?:support (?:team|is available|hours)|thank(?:s| you)|changelog|release notes"
    r"|browser (?:is|may be) (?:not supported|out of date))\b"
)
_ASSESSMENT = re.compile(
    r"(?i)\b(?:award[- ]winning|best[- ]in[- ]class|world[- ]class|industry[- ]leading|market[- ]leading|leading"
    r"|trusted|loved|enterprise[- ]grade|military[- ]grade|bank[- ]grade|production[- ]ready|battle[- ]tested"
    r"|state[- ]of[- ]the[- ]art|cutting[- ]edge|next[- ]gen\w*|revolutionary|game[- ]chang\w+|unparalleled|unmatched"
    r"|seamless\w*|effortless\w*|robust|reliab\w+|trustworthy|responsible|ethical|safe|safely|safest|safety|secure"
    r"|securely|security[- ]first|privacy[- ]first|privacy|low[- ]risk|risk[- ]free|no risk|zero risk|harmless"
    r"|transparen\w+|accountab\w+|complian\w+|certif\w+|audited|soc ?2|iso ?\d{4,5}|gdpr|hipaa|ccpa|pci[- ]?dss"
    r"|fedramp|peace of mind|confiden\w+|proven|peerless|superior|excellen\w+|outstanding|amazing|powerful|innovative"
    r"|intuitive|delight\w*|beautiful\w*|simple and|easy to use|user[- ]friendly|fastest|smartest|best|number one|#1"
    r"|top[- ]rated|highly rated|stars|customers (?:love|trust|say|report)|testimonial\w*|thousands of|millions of"
    r"|fortune 500|we (?:take|care|believe|are|value|respect|never|do not|don't|always|strive|promise|guarantee)"
    r"|our (?:mission|vision|values|commitment|promise|goal|customers|users|team|engineers|experts)"
    r"|under (?:full |your )?control|in control|predictab\w+)\b"
)
_CONTROL = re.compile(
    r"(?i)\b(?:approv(?:al|als|e|es|ed|ing|ers?)|confirm(?:s|ed|ation|ations|ing)?|human[- ]in[- ]the[- ]loop)\b"
    r"|\bhuman (?:review|oversight|sign)|\b(?:sign[- ]?off|permission(?:s|ed)?|consent|sandbox\w*|isolat\w+|encrypt\w*"
    r"|allow[- ]?list\w*|white[- ]?list\w*|block[- ]?list\w*|deny[- ]?list\w*|rate[- ]limit\w*|guard ?rails?|redact\w*"
    r"|mask(?:s|ed|ing)|least[- ]privilege|rbac|role[- ]based|sso|saml|mfa|(?:two|multi)[- ]factor"
    r"|audit (?:log|logs|trail|trails|logging)|access controls?|kill[- ]switch|vault|tls|at rest|in transit|moderat\w+"
    r"|content (?:filter|safety)\w*|filter(?:s|ed|ing)? (?:out )?(?:harmful|unsafe|malicious|toxic|sensitive)"
    r"|prompt[- ]injection|data residency|zero[- ](?:trust|retention|data retention)|validat\w+|restrict\w*|governance"
    r"|polic(?:y|ies)|oversight|supervis\w+|protect(?:s|ed|ion|ing)?|never (?:acts?|leaves?|leave|runs?|executes?"
    r"|shares?|sells?|trains?|used)|dry[- ]run|roll(?:s|ed)?[- ]?back|undo|verif(?:y|ies|ied|ication)|review(?:s"
    r"|ed)? (?:by|before))\b"
)
_CAPABILITY = re.compile(
    r"(?i)\b(?:runs?|execut\w+|writ(?:es?|ing)|generat\w+|creat\w+|edit(?:s|ing)?|modif(?:y|ies)|delet\w+|send(?:s"
    r"|ing)?|post(?:s|ing)|publish\w*|brows(?:es?|ing)|scrap(?:es?|ing)|crawl\w*|fetch\w*|search(?:es|ing)?|click(?:s"
    r"|ing)?|call(?:s|ing)|invok\w+|quer(?:y|ies|ying)|read(?:s|ing)?|analy[sz]\w+|summari[sz]\w+|transcrib\w+"
    r"|translat\w+|schedul\w+|deploy\w*|provision\w*|commit(?:s|ting)|push(?:es|ing)?|open(?:s|ing)?|merg(?:es?|ing)"
    r"|pay(?:s|ing)|buy(?:s|ing)?|trad(?:es?|ing)|transfer\w*|stor(?:es?|ing)|remember\w*|learn(?:s|ing)?|index\w*"
    r"|retriev\w+|plan(?:s|ning)|decompos\w+|delegat\w+|orchestrat\w+|coordinat\w+|connect\w*|integrat\w+|sync\w*"
    r"|convert\w*|build(?:s|ing)?|install\w*|updat(?:es?|ing)|answer(?:s|ing)?|recogni[sz]\w+|extract\w*|classif\w+"
    r"|monitor\w*|scan(?:s|ning)?|detect\w*|test(?:s|ing)|train(?:s|ing)|stream\w*|expos(?:es?|ing)|wrap(?:s|ping)?"
    r"|spawn\w*|launch\w*|return(?:s|ing)?|draft(?:s|ing)?|reply|replies|responds?|triggers?|automat\w+|acts?"
    r"|operat(?:es?|ing)|tools?|agents?|server|api|sdk|workflow\w*|llms?|gpt\w*|claude|gemini|memory)\b"
)
_COMPANY_SPEECH = re.compile(
    r"^\W*(?:we|our|us|you can (?:trust|rely)|trust|rest assured)\b|\b(?:we|our (?:team|company))\b", _I
)
_NEUTRALISERS = re.compile(
    r"(?i)\b(?:requir\w+|need\w*|wait\w*|ask\w*|before|until|without|unless|only|every|each|all|any|no|actions?"
    r"|tool calls?|changes?|steps?|operations?|commands?|requests?|executions?|executed|agents?|tools?|llms?|api"
    r"|server|read[- ](?:and|or)[- ]write|(?:every|each|all|any|no|their|its) (?:\w+ )?(?:calls?|runs?|writes?|reads?)"
    r"|(?:calls?|runs?|writes?|reads?|acts?) (?=(?:is|are|must|needs?|requires?|inside|within|in an?|under|only"
    r"|without)\b))\b"
)
_CONTROL_HEAD = re.compile(
    r"(?i)\b(?:requir\w+|needs?|awaits?|waits? for|asks? for|subject to|must be|has to be|have to be|gated|only after"
    r"|not without|never|always|is|are|can be|be)\b[^.;]{0,60}?\b(?:approv\w+|confirm\w+|sign[- ]?off|permission"
    r"|consent|review\w*|sandbox\w*|isolat\w+|encrypt\w*|allow[- ]?list\w*|rate[- ]limit\w*|redact\w*|mask\w*"
    r"|restrict\w*|protect\w*|audited|logged|governed|supervised|verified|validated|moderated)\b"
)

_SETTING = re.compile(
    r"(?i)\b(?:settings?|configur\w+|toggle|switch|option|policy|policies|console|panel|preferences?|flag"
    r"|environment variable|config file|parameter|(?-i:under [A-Z]\w+)|in the [a-z]+ (?:page|tab|menu|dashboard))\b"
    r"|(?-i:\b[A-Z][A-Z0-9]+_[A-Z0-9_]+\b)"
)
_DEFAULT_ON = re.compile(
    r"(?i)\b(?:on|enabled|active|required|enforced|applied|set|in force)?,? ?by default\b|\bdefaults? (?:to|is|are|:)"
    r"|\bthe default\b|\bunless (?:changed|disabled|turned off|an? )|\benabled out of the box\b"
)
_DEFAULT_OFF = re.compile(
    r"(?i)\b(?:(?:off|disabled|inactive|not (?:on|enabled|active|required)) by default|defaults? (?:to|is) (?:off"
    r"|disabled|false|none)|opt[- ]in|optional(?:ly)?|if enabled|when enabled|can be (?:enabled|turned on"
    r"|switched on)|planned|coming soon|roadmap)\b"
)
_SCOPE = re.compile(
    r"(?i)\b(?:every|each|all|any|only)\b[^.;]{0,40}\b(?:actions?|tools?|calls?|commands?|writes?|changes?|requests?"
    r"|steps?|runs?|users?|messages?|payments?|transfers?|deletions?|operations?|agents?|workspaces?|projects?"
    r"|sessions?|executions?|data|files?|queries|connections?|deployments?|commits?)\b"
)
_WHO = re.compile(
    r"(?i)\b(?:administrators?|admins?|owners?|operators?|maintainers?|security (?:team|officer|admin\w*)|it team"
    r"|managers?|account holder|approvers?|superusers?|root|only\b[^.;]{0,40}\bcan (?:change|disable|turn|edit|modify"
    r"|set)|cannot be (?:turned off|switched off|disabled|changed) by)\b"
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
    head = _CONTROL_HEAD.search(text) if control else None
    # An action is put under a control if no capability precedes the control.
    governed = head is not None and not _CAPABILITY.search(_NEUTRALISERS.sub(" ", text[: head.start()]))
    if control and (governed or not does_something(text)):
        return "control"
    if _ASSESSMENT.search(text) and (not does_something(text) or _COMPANY_SPEECH.search(text)):
        return "assessment"
    if not control and _COMPANY_SPEECH.match(text) and not does_something(text):
        return "assessment"
    return "description"


def assurances(text: str) -> tuple[str, ...]:
    """Return the words of `text` that refer to controls or praise the product, in order."""
    found = sorted((match.start(), match[0]) for pattern in (_CONTROL, _ASSESSMENT) for match in pattern.finditer(text))
    return tuple(dict.fromkeys(word for _, word in found))


def does_something(text: str) -> bool:
    """Return whether `text` names a capability outside its words of control, praise and boilerplate."""
    for other in (_CONTROL, _ASSESSMENT, _BOILERPLATE, _NEUTRALISERS):
        text = other.sub(" ", text)
    return bool(_CAPABILITY.search(text))


def names_its_setting(text: str) -> bool:
    """Return whether `text` names a control's setting, default, scope and who can change it (rank 3 in documentation).

    A control that is off by default, optional or planned counts as absent.
    """
    if _DEFAULT_OFF.search(text):
        return False
    return all(p.search(text) for p in (_CONTROL, _SETTING, _DEFAULT_ON, _SCOPE, _WHO))


def default_of(text: str) -> str:
    """Return, verbatim, the words of `text` that say that something is on by default; empty if there are none."""
    found = None if _DEFAULT_OFF.search(text) else _DEFAULT_ON.search(text)
    return found[0].strip(" ,") if found else ""
