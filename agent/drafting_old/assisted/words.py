"""An LLM's words for two parts whose content is code's: the posture's first sentence, and the questions.

    sentence of the LLM ── quotes carry it ── names no severity, control, praise ── tells a chief deed ─► posture
    question of the LLM ── asks the same ── in words of the question and the passages ─► question

The band, who confirms, what is not known, what a question settles and its proposed answer stay code's. Whatever is
refused is listed with its reason, and the embedded drafter's words stand.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from agent.drafting_old.assisted.asking import Ask
from agent.drafting_old.assisted.checking import (
    MAX_CLAIM_CHARS,
    Checked,
    Shown,
    cite,
    holding,
    marked,
    sentences,
    words_at,
)
from agent.drafting_old.assisted.proposals import NOT_ANSWERED, Notes, Proposals
from agent.drafting_old.assisted.prose import of_product, verdict_in
from agent.drafting_old.assisted.shapes import PostureAnswer, QuestionsAnswer
from agent.drafting_old.composition import Composition
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.pack import Place
from agent.drafting_old.posture import Stance
from agent.drafting_old.slots import base_form, tidy
from agent.drafting_old.words import telling
from agent.evidence.facts import foreign
from agent.evidence.support import SOME, support
from agent.records import Dropped, MadeBy, Missing, Question
from agent.taxonomy.keys import LAYER_TITLES, LAYERS

MAX_SENTENCES: Final = 2
MAX_POSTURE_WORDS: Final = 60
"""Of both sentences together."""
MAX_ASKED: Final = 8
"""Questions that the LLM words; the others stay as they are."""
MIN_QUESTION_WORDS: Final = 6
MAX_QUESTION_WORDS: Final = 40
SAME: Final = 0.5
"""Share of the embedded question's content words that a wording must keep."""
ALL: Final = 1.0
"""Share of a wording's content words that must stand in what it may be made of."""
MAX_READ: Final = 12
"""Sentences or questions of one answer; what follows is not read."""
_DEEDS: Final = 5
_THREATS: Final = 3
_FAULTY: Final = Missing(reason="claims-dropped", detail="no sentence of the LLM held")
_NO_WORDING: Final = Missing(reason="claims-dropped", detail="no wording of the LLM held")
_NO_POINT: Final = Missing(reason="not-answered", detail="no question was open, so the LLM was not asked")

_SEVERITY: Final = re.compile(
    r"\b(?:critical(?:ly)?|severe(?:ly)?|severity|risk(?:s|y|ier)?|scor(?:es?|ed|ing)|aivss|cvss|danger(?:s|ous(?:ly)?)?"
    r"|(?:un)?safe(?:ly|ty)?|harmless|before controls|(?:high|medium|low)(?!-(?!risk|severity)\w))\b",
    re.I,
)
_PRAISE: Final = re.compile(
    r"\b(?:secur(?:e|ely|ity)|robust(?:ly)?|reliabl[ey]|trust(?:ed|worthy)|complian(?:t|ce)|certified|proven|mature"
    r"|best|excellent|powerful(?:ly)?|strong(?:ly)?|seamless(?:ly)?|world-class|enterprise-grade|leading|well-\w+)\b",
    re.I,
)
_ADVICE: Final = re.compile(
    r"\b(?:should|ought|must|recommend\w*|advis\w+|suggest(?:s|ed)? (?:to|that)|make sure|ensure|consider(?:s|ed)?"
    r"|avoid|please)\b",
    re.I,
)
_CONTROL: Final = re.compile(
    r"\b(?:confirmations?|approvals?|consent|(?:approved|confirmed) (?:by|first)|confirms? (?:it )?first"
    r"|asks? (?:first|before)|encrypt\w*|sandbox\w*|guardrails?|safeguard\w*|protect\w*)\b",
    re.I,
)
_CREDENTIAL: Final = re.compile(
    r"\b(?:credentials?|tokens?|keys?|keyless|oauth|passwords?|secrets?|accounts?|log-?ins?|grants?|sessions?"
    r"|service principals?|permissions?|authority)\b",
    re.I,
)
_MARKUP: Final = re.compile(r"https?:|www\.|\S@\S|[<>\[\]{}|`*\\^~=]|(?<!\w)[_#]|_(?!\w)|!\(|&\w+;", re.I)
_MARK: Final = re.compile(r"\b[EQ]\d+\b")
_DOTTED: Final = re.compile(r"\w[\w-]*\.\w[\w.-]*")
_ASKING: Final = (
    "which what who whose where when how does do did is are can could may will each any one every either whether that"
    " ask say name describe list document documented documentation public page publish state show see find link"
    " setting configure configured option default enable disable switch turn off on change limit scope allow permit"
    " store keep hold long retention delete read write send receive run call act happen need require give take get"
    " set control choose decide come include end finish once besides other tell apart visible full complete mask redact"
    " source content comment history entry person people customer administrator admin owner vendor organisation team"
    " session data access account credential kind sort type part place time day number first last own separate differ"
)
"""Ordinary words of a question to a vendor; they need not stand in a passage."""
_ABOUT_IT: Final = re.compile(r"(?:It|Its|The|This|They|An?) ")
"""Begins of a sentence that goes on about the product; any other one must name it."""
_WORD: Final = re.compile(r"[^\W_][\w'’-]*")


# ---------------------------------------------------------------- what is asked


def posture_asks(interim: Composition) -> tuple[Ask[PostureAnswer], ...]:
    """The call for the posture, with what code has found in a few lines; no score stands in them."""
    return (Ask("posture", "posture", {"findings": _findings(interim)}, PostureAnswer),)


def questions_asks(interim: Composition) -> tuple[Ask[QuestionsAnswer], ...]:
    """The call for the first questions of the embedded draft; none when nothing is asked."""
    lines = [f"{question.id}: {question.text}" for question in interim.questions[:MAX_ASKED]]
    if not lines:
        return ()
    return (Ask("questions", "questions", {"open_points": "\n".join(lines)}, QuestionsAnswer),)


def _findings(interim: Composition) -> str:
    deeds = [f"{base_form(c.action)} {tidy(c.object)}" for c in telling(interim.system)]
    worst = sorted(
        (threat for layer in interim.layers.values() for threat in layer.threats),
        key=lambda threat: (-threat.score.aivss, threat.id),
    )
    unsure = [LAYER_TITLES[key] for key in LAYERS if key in interim.layers and not interim.layers[key].certain]
    rows = (
        ("Does", list(dict.fromkeys(deeds))[:_DEEDS]),
        ("Threats", [threat.title for threat in worst[:_THREATS]]),
        ("Little is known of", unsure),
    )
    return "\n".join(f"- {name}: {'; '.join(found) or 'nothing found'}" for name, found in rows)


# ---------------------------------------------------------------- posture


class _Kept(NamedTuple):
    text: str
    places: tuple[Place, ...]


def posture(embedded: Stance, proposals: Proposals, ledger: Ledger) -> tuple[str, Notes]:
    """The posture, its first sentence in the LLM's words where they hold.

    At most two sentences of the LLM, of at most 60 words together, each carried by quotes and with their marks. They
    count only when they tell one of the things that the product does above all (the first one may rest on a misread
    word); whose credential it uses is added when they do not say it. The other sentences are always code's.
    """
    item = proposals.posture
    if item is None:
        return embedded.text, Notes((_embedded("posture", proposals.missing.get("posture", NOT_ANSWERED)),))
    checked, unused = of_product("posture", item.checked, proposals.shown)
    kept, refused = _sentences_kept(item.said.paragraph, checked, proposals.shown)
    lost = (*unused, *refused)
    if not kept:
        why = _FAULTY if item.checked.proposed or item.said.paragraph.strip() else NOT_ANSWERED
        return embedded.text, Notes((_embedded("posture", why),), lost)
    told = " ".join(row.text for row in kept)
    known = proposals.shown.known
    if embedded.deeds and all(support(deed, [told], known).score < SOME for deed in embedded.deeds):
        why = Missing(reason="claims-dropped", detail="the LLM's sentences leave out what the product does above all")
        lost += (_refused("sentences", "posture", told, f"they tell none of: {'; '.join(embedded.deeds)}"),)
        return embedded.text, Notes((_embedded("posture", why),), lost)
    first = " ".join(marked(row.text, cite(row.places, proposals.shown, ledger)) for row in kept)
    if embedded.authority and not _names_credential(told, embedded, known):
        first = f"{first.rstrip('.')}; {embedded.authority}."
    return " ".join((first, embedded.exposed, embedded.unknown)), Notes((MadeBy(part="posture", by="both"),), lost)


def _sentences_kept(paragraph: str, checked: Checked, shown: Shown) -> tuple[list[_Kept], tuple[Dropped, ...]]:
    """The sentences that stand, and what was refused; the claims stand in when no sentence of the paragraph holds."""
    kept: list[_Kept] = []
    refused: list[Dropped] = []
    quotes = "\n".join(words_at(place, shown.reading) for place in checked.found)
    told = list(dict.fromkeys(sentences(paragraph)))[:MAX_READ]
    for group in (told, [claim.text for claim in checked.claims]):
        room = MAX_POSTURE_WORDS
        for sentence in group:
            places = holding(sentence, checked, shown)
            size = word_count(sentence)
            why = _posture_fault(sentence, quotes, shown.known) or ("" if places else "not carried by the quotes")
            if not why and (len(kept) == MAX_SENTENCES or size > room):
                why = f"at most {MAX_SENTENCES} sentences of {MAX_POSTURE_WORDS} words together are taken"
            if why:
                refused.append(_refused("sentence", "posture", sentence, why))
            else:
                kept.append(_Kept(sentence, places))
                room -= size
        if kept:
            break
    return kept, tuple(dict.fromkeys(refused))


def _posture_fault(sentence: str, quotes: str, known: Sequence[str]) -> str:
    if why := unfit(sentence, quotes):
        return why
    if not _ABOUT_IT.match(sentence) and not any(name.casefold() in sentence.casefold() for name in known if name):
        return "does not name the product"
    if sentence.endswith("?"):
        return "a question"
    if _ADVICE.search(sentence):
        return "advice"
    return "tells a control, which code tells with its rank" if _CONTROL.search(sentence) else ""


def _names_credential(told: str, embedded: Stance, known: Sequence[str]) -> bool:
    """Whether the LLM's sentences say whose credential is used, so that code need not."""
    if embedded.credential:
        return support(embedded.credential, [told], known).score >= SOME
    return _CREDENTIAL.search(told) is not None


# ---------------------------------------------------------------- questions


def questions(asked: tuple[Question, ...], proposals: Proposals) -> tuple[tuple[Question, ...], Notes]:
    """The questions, each in the LLM's words where these ask the same; all but the text stays as it is.

    A wording belongs to the question whose text stood beside its point in the prompt, whatever id that has now.
    """
    answer = proposals.questions
    if answer is None:
        why = proposals.missing.get("questions", NOT_ANSWERED if proposals.points else _NO_POINT)
        return asked, Notes((_embedded("questions", why),))
    wordings, refused = _wordings(answer, proposals)
    made = tuple(
        question.model_copy(update={"text": wordings[question.text]}) if question.text in wordings else question
        for question in asked
    )
    if made == asked:
        why = _NO_WORDING if refused else NOT_ANSWERED
        return asked, Notes((_embedded("questions", why),), refused)
    return made, Notes((MadeBy(part="questions", by="both"),), refused)


def _wordings(answer: QuestionsAnswer, proposals: Proposals) -> tuple[dict[str, str], tuple[Dropped, ...]]:
    """Wordings that hold, by the text of the embedded question; and those that do not, with their reasons."""
    taken: dict[str, str] = {}
    refused: list[Dropped] = []
    read = answer.questions[:MAX_READ]
    times = Counter(row.point for row in read)
    passages = "\n".join(passage.shown for passage in proposals.shown.packed.passages.values())
    used = {text.casefold() for text in proposals.points.values()}
    for row in read:
        text = " ".join(row.text.split())
        embedded = proposals.points.get(row.point)
        if embedded is None:
            why = "no open point has this id"
        elif times[row.point] > 1:
            why = "the point has several wordings"
        elif text.casefold() in used:
            why = "" if text == embedded else "repeats another question"
        else:
            why = question_fault(text, embedded, passages, proposals.shown.known)
            if not why:
                taken[embedded] = text
                used.add(text.casefold())
        if why:
            refused.append(_refused("question", "questions", text, why))
    return taken, tuple(dict.fromkeys(refused))


def question_fault(text: str, embedded: str, passages: str, known: Sequence[str]) -> str:
    """Why `text` may not stand for the embedded question; empty when it may. White space is plain in `text`."""
    if not MIN_QUESTION_WORDS <= word_count(text) <= MAX_QUESTION_WORDS or len(text) > MAX_CLAIM_CHARS:
        return f"not of {MIN_QUESTION_WORDS} to {MAX_QUESTION_WORDS} words"
    if text.count("?") != 1 or not text.endswith("?") or re.search(r"[.!;:](?:\s|$)", text):
        return "not one question in one sentence"
    sources = (embedded, passages)
    if why := unfit(text, "\n".join(sources), praise=bool(_PRAISE.search(embedded))):
        return why
    if odd := foreign(text, sources, known):
        return f"number or name that is not in the sources: {', '.join(odd)}"
    same = support(embedded, [text], known)
    if same.score < SAME or same.verdict == "contradicted":
        return "does not ask the same"
    # Each word once: what counts here is whether a word stands there at all, and passages are long.
    words = " ".join(dict.fromkeys(_WORD.findall("\n".join(sources))))
    if support(text, [words, _ASKING], known).score < ALL:
        return "uses words that neither the question nor the passages have"
    return ""


# ---------------------------------------------------------------- rules for every text of an LLM


def unfit(text: str, sources: str, *, praise: bool = False) -> str:
    """Why a text of an LLM may not stand in a draft, whatever carries it; empty when it may.

    `sources` is what it may take dotted names from, such as "config.yaml"; `praise` lets words of praise pass.
    """
    if not text.isprintable():
        return "characters that do not print"
    if _MARKUP.search(text) or any(name.lower() not in sources.lower() for name in _DOTTED.findall(text)):
        return "markup or an address"
    if _MARK.search(text):
        return "marks of its own"
    if _SEVERITY.search(text) or (not praise and verdict_in(text)):
        return "names a severity, which code decides"
    return "praise" if not praise and _PRAISE.search(text) else ""


def word_count(text: str) -> int:
    """How many words a text has."""
    return len(_WORD.findall(text))


def _refused(kind: Literal["sentence", "sentences", "question"], part: str, text: str, why: str) -> Dropped:
    return Dropped(what=f"{kind} of the LLM, {part}: {shortened(text)}", reason=why)


def shortened(text: str) -> str:
    """A text of an LLM as a list of dropped things shows it: one line of printing characters, 300 at most."""
    plain = "".join(char if char.isprintable() else " " for char in text[: 2 * MAX_CLAIM_CHARS])
    return " ".join(plain.split())[:MAX_CLAIM_CHARS]


def _embedded(part: str, why: Missing) -> MadeBy:
    return MadeBy(part=part, by="embedded", missing=why)
