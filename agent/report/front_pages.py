"""Parts 1 to 4, 6 and 7 of the report, on its first two pages, which have at most `MAX_FRONT_WORDS` words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from agent.drafting.judgement import lacks_attacker
from agent.drafting.layers.paragraphs import load_layer_texts
from agent.drafting.threats.headline import SUPPORTED, is_supported
from agent.drafting.wording import capital
from agent.intake.extract.statements import language
from agent.records import Capability, FactLine, LayerThreats, Question, Residual, Score, Threat, WorkNote, WorkStatus
from agent.report import document as doc
from agent.report.authors import drafter_words
from agent.report.document import Block, Bullets, Entry, Extent, Meter, Paragraph, Part, Row, Span, Text
from agent.report.prose import Prose, bare, has_quote, marked, split, stopped, within
from agent.report.safe_markdown import excerpt, shared_words
from agent.report.sentences import counted, if_clause, listed, small, tenth, threat_sentence
from agent.report.view import CERTAIN_NEEDED, RankedThreat, View, basis_order
from agent.scoring import severity
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LAYER_TITLES, LayerKey

PREFIX: Final = "Not certain from the listing — "
_CHOSEN: Final = 2
"""Maximum number of quotes chosen by an LLM for a threat; they come first in the threat's evidence."""
_GRAVE: Final[dict[str, str]] = {
    "hidden-text": "hidden text",
    "instruction-like-text": "text addressed to assessors",
    "metadata-instruction": "metadata addressed to assessors",
    "cloaking-suspected": "pages that differ by visitor",
    "content-changed": "changes since the last draft",
}
"""The kinds of findings that readers must know about before anything else, with their names in the report."""
_DAY: Final = len("2026-11-24")
_THESIS: Final = 32
"""The posture's first sentence is set in bold if it has at most this many words."""
_TOP: Final = 10.0
_PARTLY: Final = 40
"""Minimum word limit for an uncertain layer whose text cites the sources."""
_NAME: Final = 9
"""Maximum number of words in the name of a further danger."""
_HOLDS: Final = {"quoted": ""}
"""Wording of the basis of a threat in default use without a setting; any other basis is shown by its name."""
_GROUPS: Final = {
    1: "Depends on the setup:",
    2: "Depends on an assumption:",
}
"""The line before each later group of threats; these may have a higher CVSS base than threats of an earlier group."""
_MARKUP: Final = re.compile(r"[|<>{}=\[\]\\]|->|\w\(|--\w")
_PLAIN: Final = 0.7
"""A quote reads as prose only if at least this share of its words consists of letters alone."""
_SAYING: Final = 5
"""A quote reads as prose only if it has at least this many words; headings and labels are shorter."""
_UNCOVERED: Final[dict[ProductKind, str]] = {
    "mcp-server": "the clients that call it and their LLM",
    "agent-skill": "the agent that follows it",
}
_SIGNS: Final = {"●": "certain", "?": "not certain", "–": "does not apply"}
_PROPOSALS: Final = {
    "use": "Use it as is.",
    "use with conditions": "Use it under the conditions below.",
    "wait for answers": "Do not use it until the vendor has answered.",
}
_MEASURED: Final = "Use it with the measures listed for each threat in place."
"""Advice for a draft whose conditions are the measures of its threats."""
_UNCONDITIONED: Final = "Use it with the measures listed under its threats."
"""Advice for a draft without listed conditions, if the draft or its signer decided on use with conditions."""
_DOING: Final[dict[WorkStatus, str]] = {
    "open": "open", "planned": "planned", "doing": "in progress", "done": "done", "rejected": "will not be done",
}  # fmt: skip
LOOKED_FOR: Final = {
    "Acts": ("runs_commands", "changes_records", "writes_files"),
    "Reads": ("reads_untrusted_content", "reads_private_data"),
    "Credentials": ("user_oauth", "api_key", "service_account"),
    "Approval": ("approval_before",),
    "Memory": ("memory_long",),
    "Runs": ("local_process", "vendor_cloud"),
    "Meets": ("named_clients", "connected_services"),
    "Shows": ("own_logs", "traces_metrics"),
}
"""The fact keys whose absence explains a "not stated", by row of the table of abilities."""
_SHORT_HOW: Final = 36
"""Maximum number of words about how a later threat works; at least one sentence is shown."""


class Room(NamedTuple):
    """The space for each part on the first two pages, in items or words."""

    threats: int
    how: int
    quote: int
    conditions: int
    condition: int
    lines: int
    line: int
    layer: int
    questions: int
    answer: int
    posture: int
    vendor: int
    """The number of threats shown with what the vendor should do."""
    why: int
    """1 if each question is shown with why it matters."""
    rest: int
    """The number of further threats, with one sentence each."""
    lost: int
    """1 if each threat is shown with what is lost."""
    law: int
    """1 if there is a line on law and contracts."""
    rest_todo: int
    """1 if the later threats are shown with what you should do."""
    also: int
    """The number of further dangers, with one line each."""
    conflicts: int
    """The number of contradictions in the sources."""


WIDEST: Final = Room(5, 80, 25, 4, 30, 8, 25, 60, 6, 24, 110, 5, 1, 4, 1, 1, 1, 5, 3)
STEPS: Final[tuple[tuple[str, int], ...]] = (
    ("lines", 5), ("answer", 18), ("lines", 3), ("line", 18), ("lines", 0), ("why", 0), ("lost", 0),
    ("quote", 14), ("quote", 10), ("answer", 15), ("rest", 3), ("law", 0), ("rest", 2), ("questions", 5),
    ("condition", 24), ("answer", 12), ("conflicts", 2), ("condition", 20), ("rest", 1), ("layer", 50), ("posture", 90),
    ("layer", 46), ("how", 70), ("layer", 42), ("condition", 18), ("answer", 10), ("layer", 38), ("conflicts", 1),
    ("also", 4), ("questions", 4), ("posture", 80), ("layer", 36), ("posture", 70), ("layer", 34), ("questions", 3),
    ("condition", 14), ("layer", 32), ("also", 3), ("layer", 30), ("also", 2), ("also", 1), ("vendor", 3), ("quote", 0),
    ("vendor", 0), ("also", 0), ("questions", 2), ("posture", 60), ("layer", 28), ("conditions", 3), ("rest", 0),
    ("posture", 52), ("layer", 25), ("how", 48), ("posture", 46), ("layer", 20), ("posture", 40), ("how", 40),
    ("layer", 16), ("questions", 1), ("threats", 4), ("rest_todo", 0), ("layer", 10), ("how", 32), ("threats", 3),
    ("how", 24), ("how", 16),
)  # fmt: skip
"""The steps that shorten the first two pages to `MAX_FRONT_WORDS`, each a field of `Room` and its new value. They first
cut what the report repeats later. How a threat works is cut last, since half an explanation is of no use."""


@dataclass
class Writer:
    """The draft's lookups and space limits for writing the parts, and a record of what was shortened or cited."""

    view: View
    prose: Prose
    room: Room
    shortened: list[tuple[str, str]] = field(default_factory=list)
    """The name and full text of everything that was shortened, for the reference part."""
    quoted: set[str] = field(default_factory=set)
    """Quotes already shown on the first two pages."""
    cited: set[str] = field(default_factory=set)
    """The marks cited on the first two pages, filled in once those pages are written."""

    def brief(self, name: str, raw: str, limit: int, extra: Sequence[str] = ()) -> Text:
        """Return the first sentences of `raw`. If any are left out, the reference part gets the full text."""
        short = within(raw, limit)
        if len(short) < len(" ".join(raw.split())):
            self.shortened.append((name, raw))
        return self.prose.text(short, extra)

    @property
    def residual(self) -> Residual | None:
        """The residual risk with the conditions in place; None if the draft has none."""
        advice = self.view.draft.advice
        return advice.residual if advice else None

    @property
    def questions(self) -> tuple[Question, ...]:
        """All questions in their order."""
        return tuple(self.view.questions)

    @property
    def asked(self) -> tuple[Question, ...]:
        """The questions on the first two pages."""
        return self.questions[: self.room.questions]


def standing(writer: Writer) -> Text:
    """Write part 1: the review status, the sources read, the drafter, and what is not covered."""
    draft = writer.view.draft
    read = f"{counted(len(draft.sources), 'source')} read"
    if draft.sources:
        read += f" on {_day(draft.sources[0].fetched_at)}"
    spoken: dict[str, list[str]] = {}
    for source in draft.sources:
        if not language.is_english(source.language):
            spoken.setdefault(language.name(source.language), []).append(source.document)
    read += "".join(f", {listed(ids)} in {name}" for name, ids in spoken.items())
    pieces = [doc.strong(writer.view.standing), doc.words(read), doc.words(drafter_words(draft))]
    uncovered: list[str] = []
    # An LLM's text states what it covers, which often includes the clients and the platform that it quotes.
    if draft.drafter.kind != "llm":
        uncovered = [_UNCOVERED[draft.product.kind]] if draft.product.kind in _UNCOVERED else []
        if any(item.about == "platform" for item in draft.evidence):
            uncovered.append(f"the {draft.product.vendor or draft.product.name} platform behind it")
    if uncovered:
        pieces.append(doc.words(f"not covered: {listed(uncovered)}"))
    kinds = dict.fromkeys(_GRAVE[f.kind] for source in draft.sources for f in source.findings if f.kind in _GRAVE)
    if kinds:
        pieces.append(doc.strong(f"found in the sources: {listed(list(kinds))}"))
    return doc.joined(*pieces, by=" · ")


def explained(writer: Writer) -> Text:
    """Write the key to the marks; call this once the first two pages are written. The key mentions searches only if one
    is cited, and warns that much goes unrecognised if no LLM was used."""
    searches = ", N for searches that found nothing" if writer.prose.named else ""
    own = writer.view.draft.drafter.kind == "embedded"
    missed = (
        " Without an LLM, over half of what the sources state goes unrecognised; check them for anything missing here."
    )
    told = f"Marks: E for quotes{searches}. Sentences without a mark are inference or advice."
    return doc.soft(told + (missed if own else ""))


def _day(time: str) -> str:
    """Format a date in words; text that is not a date is returned unchanged."""
    try:
        day = date.fromisoformat(time[:_DAY])
    except ValueError:
        return time[:_DAY]
    return f"{day.day} {day:%B %Y}"


# ------------------------------------------------------------ score and posture


def headline(writer: Writer) -> Part:
    """Build part 2: the score with its range and the threat behind it, or why there is no score and what would help."""
    score, first = writer.view.draft.score, writer.view.headline
    if score.aivss is None:
        return _unscored(writer)
    # The bar shows the range. The page does not explain its numbers; the appendix does.
    low = score.likely_low if score.likely_low is not None else score.aivss
    high = score.likely_high if score.likely_high is not None else score.aivss
    blocks: list[Block] = [Meter(Extent(float(score.aivss), float(low), float(high), _TOP))]
    if first is not None:
        doubt = " (contested, not yet decided)" if writer.view.is_contested(first.threat) else ""
        told = f"{doubt}{_rests(writer.view, first)}{_raised(score)}."
        rests = (Span("Based on "), *doc.refs(first.name), Span(told))
        blocks.append(Bullets(tuple(filter(None, (rests, _graver(writer, first))))))
    # A score that applies only with a setting is not the product's own score, so never show it without the "if".
    setting = bare(if_clause(first.threat.setting)) if first is not None and first.threat.setting else ""
    title = f"{score.severity} {tenth(score.aivss)} before controls"
    return doc.part("headline", f"{title}, {setting}" if setting else title, *blocks)


def _unscored(writer: Writer) -> Part:
    """State why there is no score, how grave the first threat is, which answers would help, and what applies until
    then."""
    sentences: list[Text] = []
    first = next((item for item in writer.view.threats if is_supported(item.threat)), None)
    if first is not None:
        # Readers who have to decide anyway need a severity that does not depend on how well the layers are known.
        base = base_of(first)
        graded = doc.strong(f"CVSS base of {tenth(base)} ({severity(base)})")
        sentences.append((Span("The core threat, "), *doc.refs(first.name), Span(", has a "), *graded, Span(".")))
    asked = [item.id for item in writer.asked][:3]
    if asked:
        verb = "would allow a score" if len(asked) > 1 else "would help to reach a score"
        sentences.append((Span("Answers to "), *doc.listed_refs(*asked), Span(f" {verb}.")))
    if writer.view.draft.advice is not None and writer.view.measures:
        sentences.append(
            doc.words("Until then, treat it as unassessed; if you use it anyway, put each threat's measure in place.")
        )
    reason = (writer.view.draft.score.withheld or "no threat is supported by a quote").rstrip(".")
    told = [doc.paragraph(doc.joined(*sentences))] if sentences else []
    return doc.part("headline", f"Not scored: {reason}", *told)


def _rests(view: View, first: RankedThreat) -> str:
    """Describe why the score is based on this threat."""
    setting = first.threat.setting
    if not first.threat.default_use:
        return ", the most severe threat"
    alike = (item for item in view.threats if is_supported(item.threat))
    graver = any(base_of(one) > base_of(first) and not (one.threat.setting and not setting) for one in alike)
    when = "" if setting else " in default use"
    if not graver:
        return f",{when}" if when and first.threat.by == "embedded" else ""
    # Threats that the LLM did not rate are in the appendix, with the severity of their catalogue pattern.
    judged = any(item.threat.by in ("llm", "both") for item in view.threats)
    return f", the core danger{when}" if judged else ", the threat that a reviewer selected"


def _raised(score: Score) -> str:
    """Describe what the score adds to the threat's CVSS base, and why; the arithmetic follows below the text."""
    if score.factor_sum is None or score.cvss_base is None or score.formula != "aivss-0.8":
        return ""
    base, band = tenth(score.cvss_base), severity(score.cvss_base)
    if score.aivss == score.cvss_base:
        return f": a CVSS base of {base}"
    added = tenth(score.aivss - score.cvss_base) if score.aivss is not None else ""
    # Without this explanation, a High score above threats that are all Medium looks like a mistake.
    into = f", raising it from {band} to {score.severity}" if score.severity != band else ""
    agentic = f"to which AIVSS adds {added} for the ten agentic factors (sum {tenth(score.factor_sum)})"
    return f": a CVSS base of {base} ({band}), {agentic}{into}"


def _graver(writer: Writer, first: RankedThreat) -> Text:
    """Name the highest-scoring threat on the page that is above the headline but does not apply in default use."""
    least = writer.view.draft.score.aivss
    above = [
        one
        for one in writer.view.top(writer.room.threats)
        if one is not first
        # A stolen key or a hijacked package is an assumption that fits any product, so it appears only as a threat.
        and one.threat.basis != "assumed"
        and (one.threat.basis == "needs a setting" or one.threat.setting)
        and least is not None
        and one.threat.score.aivss > least
    ]
    if not above:
        return ()
    item = max(above, key=lambda one: one.threat.score.aivss)
    score, setting = item.threat.score, item.threat.setting
    where = bare(if_clause(setting)) if setting else "if its setting is used"
    graded = f"{score.severity} {tenth(score.aivss)} {where}"
    # The block of the threat shows its CVSS base, which would otherwise seem to contradict this score.
    base = f": CVSS base {tenth(base_of(item))}, {severity(base_of(item))})."
    return (*doc.strong(graded), Span(" ("), *doc.refs(item.name), Span(base))


def base_of(item: RankedThreat) -> Decimal:
    """Return the CVSS base of a threat."""
    return item.threat.score.cvss_base


def posture(writer: Writer) -> Part:
    """Build part 3: what the product can do, what makes that dangerous, what limits it; then whether to use it."""
    draft = writer.view.draft
    # If there is no score but there are measures, the headline already gives the advice.
    proposed = () if draft.score.aivss is None and writer.view.measures else _proposal(writer)
    raw, blocks = draft.product.posture, list[Block]()
    if raw:
        told = writer.brief("Posture", raw, writer.room.posture)
        first = next(iter(split(raw)))
        if draft.drafter.kind == "llm" and len(bare(first).split()) <= _THESIS:
            # An LLM's first sentence is the thesis that the rest explains.
            thesis = writer.prose.sentence(first)
            told = (*doc.stressed(thesis), *told[len(thesis) :])
        blocks.append(Paragraph(told))
    return doc.part("posture", "", *blocks, *([Paragraph(proposed)] if proposed else []))


def _proposal(writer: Writer) -> Text:
    """State what the draft proposes or the signer decided; the conditions themselves follow after the threats."""
    advice, stamp = writer.view.draft.advice, writer.view.draft.review
    decided = stamp.decision if stamp else None
    proposal = decided or (advice.proposal if advice else None)
    if proposal is None:
        return ()
    advised = _PROPOSALS[proposal]
    if proposal == "use with conditions" and (advice is None or not advice.conditions):
        advised = _UNCONDITIONED
    elif proposal == "use with conditions" and writer.view.measures:
        advised = _MEASURED
    if stamp is not None and decided is not None:
        return doc.joined(doc.words(f"Decided by {stamp.reviewer}:"), doc.strong(advised))
    if advice is not None and (caveat := advice.caveat.rstrip(".")):
        own = caveat[:1].isupper()
        advised = f"{advised} {caveat}." if own else f"{advised.rstrip('.')}; {small(caveat)}."
    return doc.joined(doc.words("Proposed:"), doc.stressed(writer.prose.text(advised)))


# ------------------------------------------------------------ threats


def threats(writer: Writer) -> Part:
    """Build part 4: a block on each threat, the first ones in full and later ones in brief, then further dangers."""
    top = writer.view.top(writer.room.threats)
    if not top:
        return doc.part("threats", "Top threats", doc.paragraph("No threat is supported by a quote."))
    blocks: list[Block] = []
    shown = on_page(writer)
    groups = [basis_order(item.threat) for item in shown]
    for n, item in enumerate(shown):
        if groups == sorted(groups) and n and groups[n] > groups[n - 1]:
            blocks.append(Paragraph(doc.soft(_GROUPS[groups[n]])))
        blocks.append(entry(writer, item) if item in top else _in_short(writer, item))
    also = writer.view.draft.advice.also[: writer.room.also] if writer.view.draft.advice else ()
    if also:
        blocks += [doc.paragraph(doc.soft("Also consider:")), Bullets(tuple(_named(writer, item) for item in also))]
    return doc.part("threats", "Top threats", *blocks)


def _named(writer: Writer, danger: str) -> Text:
    """Write a further danger; its name, if it has one, is in bold."""
    name, colon, told = danger.partition(": ")
    if not colon or len(name.split()) > _NAME:
        return writer.prose.text(stopped(capital(danger)))
    called = doc.stressed(writer.prose.text(f"{bare(capital(name))}."))
    return doc.joined(called, writer.prose.text(stopped(capital(told))))


def conflicts(writer: Writer) -> Part:
    """List where the sources contradict themselves or lack something that they refer to."""
    told = writer.view.draft.advice.conflicts[: writer.room.conflicts] if writer.view.draft.advice else ()
    items = tuple(writer.prose.text(stopped(item)) for item in told)
    if not items:
        return doc.part("conflicts", "")
    return doc.part("conflicts", "What does not add up in the sources", Bullets(items))


def on_page(writer: Writer) -> list[RankedThreat]:
    """Return the threats shown on the first two pages: the first ones in full, some others in brief.

    If an LLM weighed the first threat, catalogue-only threats appear only in the appendix.
    """
    top = writer.view.top(writer.room.threats)
    rest = [item for item in writer.view.threats if item not in top]
    told = [item for item in rest if item.threat.by != "embedded" or top[0].threat.by == "embedded"]
    return [*top, *told[: writer.room.rest]]


def _in_short(writer: Writer, item: RankedThreat) -> Entry:
    """Build a short entry on a later threat: how it works, and what you should do if there is space."""
    todo = _remedies(writer, item, whole=False, vendor=False) if writer.room.rest_todo else []
    begun = within(item.threat.how, _SHORT_HOW)
    text = writer.prose.text(begun, () if marked(begun) else writer.view.quotes_of(item)[:2]) if begun else ()
    return Entry(item.name, _title(item), _stands(writer, item), text, tuple(todo))


def _title(item: RankedThreat) -> Text:
    return doc.words(f"{item.name} · {item.threat.title.rstrip('.')}")


def _stands(writer: Writer, item: RankedThreat) -> Text:
    """Describe how grave a threat is, when it applies, and whether its entry point is quoted; its vector comes last."""
    threat = item.threat
    if threat.setting:
        basis = if_clause(threat.setting)
    elif threat.basis in SUPPORTED and not threat.default_use:
        basis = "not in default use"
    elif threat.basis == "entry inferred":
        basis = _way_in(threat)
    else:
        basis = _HOLDS.get(threat.basis or "", threat.basis or threat.state)
    chip = doc.chip(severity(base_of(item)), tenth(base_of(item)))
    contested = doc.strong("; contested, not yet decided") if writer.view.is_contested(threat) else ()
    told = writer.prose.text(basis)
    vector = doc.code(item.threat.score.cvss_vector.removeprefix("CVSS:4.0/"))
    return (*chip, *((Span(", "), *told) if told else ()), *contested, Span(" · "), *vector)


def _way_in(threat: Threat) -> str:
    return "no attacker needed" if lacks_attacker(threat.statement.source) else "the entry point is inferred"


def entry(writer: Writer, item: RankedThreat, *, whole: bool = False) -> Entry:
    """Build the block on one threat: how it works, a quote, what is lost, and what you and the vendor should do."""
    threat = item.threat
    how = threat.how or threat_sentence(threat.statement)
    shown = how if whole else within(how, writer.room.how)
    extra = () if marked(shown) else writer.view.quotes_of(item)[:3]
    text = writer.prose.text(how, extra) if whole else writer.brief(item.name, how, writer.room.how, extra)
    quote = () if has_quote(shown) else _quote(writer, item, WIDEST.quote if whole else writer.room.quote)
    items: list[Text] = [doc.joined(doc.soft("Quote:"), quote)] if quote else []
    # An LLM's text already says what is lost.
    if threat.lost and (whole or (writer.room.lost and threat.by == "embedded")):
        items.append(doc.joined(doc.soft("At risk:"), writer.prose.text(stopped(threat.lost))))
    # A headline that a reviewer added comes first, although it has a later number.
    place = 1 if item == writer.view.threats[0] else item.place
    items += _remedies(writer, item, whole=whole, vendor=whole or place <= writer.room.vendor)
    return Entry(item.name, _title(item), _stands(writer, item), text, tuple(items))


def _quote(writer: Writer, item: RankedThreat, limit: int) -> Text:
    """Return the most relevant quote for the threat, preferring the LLM's own choice.

    Returns an empty text if there is no space or the page already shows every candidate. Of the quotes that an LLM
    chose, only those that read as prose are candidates; the LLM's sentences cite the others.
    """
    known = writer.view.evidence
    quotes = {mark: known[mark].quote for mark in writer.view.quotes_of(item) if mark in known}
    about = f"{item.threat.title} {bare(item.threat.how)} {item.threat.statement.action}"
    chosen = item.threat.by in ("llm", "both")
    if chosen:
        # The LLM chose these quotes for display. Skip long ones rather than cut them; the list of quotes has them.
        fitting = [
            mark for mark in list(quotes)[:_CHOSEN] if len(quotes[mark].split()) <= limit and is_prose(quotes[mark])
        ]
    else:
        fitting = sorted(quotes, key=lambda mark: -shared_words(quotes[mark], about))
    best = next((mark for mark in fitting if quotes[mark] not in writer.quoted), None)
    if best is None or not limit:
        return ()
    writer.quoted.add(quotes[best])
    words = (quotes[best] if chosen else excerpt(quotes[best], limit * 7, about)).rstrip(".")
    return (*doc.quote(words), Span(" "), *doc.marks(*writer.prose.resolved([best])), Span("."))


def is_prose(quote: str) -> bool:
    """Return whether a quote reads as a sentence or a part of one, not as code, table cells or markup."""
    words = quote.split()
    plain = sum(word.strip("“”\"'`.,:;()").isalpha() for word in words)
    return len(words) >= _SAYING and not _MARKUP.search(quote) and plain >= _PLAIN * len(words)


def _remedies(writer: Writer, item: RankedThreat, *, whole: bool, vendor: bool) -> list[Text]:
    """List what you and the vendor should do. Your measures are shown with their owner and price. Measures with a note
    on the work come first, with that note."""
    notes, threat = writer.view.draft.notes, item.threat
    work = {each.mitigation: each for each in notes.work if each.threat == threat.id} if notes else {}
    made = []
    for who, label in (("you", "You:"), ("vendor", "Vendor:")):
        # If the operator can do nothing about a threat, show what the vendor should do.
        wanted = who == "you" or vendor or not has_measure(item)
        found = [each for each in threat.mitigations if wanted and each.who == who and each.status != "confirmed"]
        found.sort(key=lambda each: each.text not in work)
        for each in found if whole else found[:1]:
            told = writer.prose.text(stopped(each.text), each.evidence)
            measure = writer.view.measures.get((threat.id, each.text)) if who == "you" else None
            said = "; ".join(filter(None, (measure.who, measure.price.rstrip(".")))) if measure else ""
            price = doc.soft(f"({said})") if said else ()
            done = doc.soft(f"({doing_words(work[each.text])})") if each.text in work else ()
            made.append(doc.joined(doc.strong(label), told, price, done))
    return made


def has_measure(item: RankedThreat) -> bool:
    """Return whether a threat has a measure that the operator can take."""
    return any(each.who == "you" and each.status != "confirmed" for each in item.threat.mitigations)


def doing_words(work: WorkNote) -> str:
    """Format the owner, due date and status of a mitigation: "R. Ortiz, due 2027-01-31, in progress"."""
    due = f"due {work.due}" if work.due else ""
    return ", ".join(filter(None, (work.owner, due, _DOING[work.status])))


# ------------------------------------------------------------ what it can do


def abilities(writer: Writer) -> Part:
    """Build part 6: what the product acts on, reads and keeps, where it runs, and with whose rights and approval.

    Rows that do not fit after the posture and the layers are in the appendix.
    """
    lines = writer.view.draft.lines
    if not lines:
        shown = [item for item in writer.view.capabilities if item.state != "denied"]
        told = _by_mode(writer, shown) if writer.view.draft.facts else [_older_line(writer, item) for item in shown]
        return _abilities("What it can do", told[: writer.room.lines])
    if not writer.room.lines:
        return doc.part("abilities", "")
    told = [_line(writer, item) for item in lines[: writer.room.lines]]
    return _abilities("What it can do", [*_of_headline(writer), *told])


def more_abilities(writer: Writer) -> Part:
    """Return the rows of part 6 that do not fit on the first two pages, in full; an empty part if there are none."""
    rest = writer.view.draft.lines[writer.room.lines :]
    if not rest:
        return doc.part("abilities", "")
    whole = replace(writer, room=WIDEST)
    own = [] if writer.room.lines else _of_headline(whole)
    rows = [*own, *(_line(whole, item) for item in rest)]
    if writer.room.lines:
        return _abilities("What else it can do", rows, "more-abilities")
    return _abilities("What it can do", rows)


def _abilities(title: str, rows: Sequence[Row], key: str = "abilities") -> Part:
    """Build the table of abilities; rows with the same label are merged."""
    said: dict[Text, Text] = {}
    for label, text in (row.cells for row in rows):
        said[label] = doc.joined(said.get(label, ()), text)
    empty = doc.paragraph("No abilities were recognised; check the sources.")
    return doc.part(key, title, doc.table(("", ""), [doc.row(*cells) for cells in said.items()]) if rows else empty)


def _of_headline(writer: Writer) -> list[Row]:
    """List the abilities behind the headline that the draft's own rows do not mention.

    The list is empty for an LLM's draft, whose rows are complete.
    """
    first = writer.view.headline if writer.view.draft.drafter.kind != "llm" else None
    told = {mark for row in writer.view.draft.lines for mark in row.evidence}
    carried = set(first.threat.evidence) - told if first else set()
    rows = []
    for one in writer.view.capabilities:
        quotes = set(one.evidence)
        if one.state != "denied" and quotes & carried & writer.view.telling and not told & quotes:
            said = writer.prose.sentence(f"It {one.action} {one.object}.", one.evidence[:2])
            rows.append(doc.row(doc.strong("Reads" if one.mode == "read" else "Acts"), said))
    return rows


def _by_mode(writer: Writer, items: Sequence[Capability]) -> list[Row]:
    """Write one row for what the product does and one for what it reads. Rights and approval are left out, since the
    posture already mentions them."""
    rows = []
    for label, reads in (("Acts", False), ("Reads", True)):
        own = [item for item in items if (item.mode == "read") is reads]
        if own:
            said = listed([f"{item.action} {item.object}" for item in own])
            cited = list(dict.fromkeys(item.evidence[0] for item in own if item.evidence))
            rows.append(doc.row(doc.strong(label), writer.prose.sentence(f"It {said}.", cited)))
    return rows


def _line(writer: Writer, item: FactLine) -> Row:
    extra: list[str] = [] if marked(item.text) else [*item.evidence[:4]]
    if "not stated" in item.text.casefold() and "[N" not in item.text:
        absent = {found.key for found in writer.view.draft.facts.absent} if writer.view.draft.facts else set()
        extra += [f"N:{key}" for key in LOOKED_FOR[item.label] if key in absent][:1]
    return doc.row(doc.strong(item.label), writer.brief(item.label, stopped(item.text), writer.room.line, extra))


def _older_line(writer: Writer, item: Capability) -> Row:
    condition = f" ({item.condition})" if item.condition else ""
    credential = item.credential or ("none used" if item.credential_state == "denied" else "not stated")
    approver = item.approver or ("nobody" if item.approver_state == "denied" else "not stated")
    text = f"{item.action} {item.object}{condition}; credential: {credential}; approval: {approver}."
    return doc.row(doc.strong(item.mode), writer.prose.sentence(text, item.evidence[:2]))


# ------------------------------------------------------------ layers


def layers(writer: Writer) -> Part:
    """Build part 7: each layer with its flag and what is known. Uncertain layers have commentary, marked as general."""
    view = writer.view
    # An LLM writes about a layer without knowing which threats are assigned to it, so its text may be about others.
    above = [] if view.draft.drafter.kind == "llm" else on_page(writer)
    limits = _layer_limits([layer for _, layer in view.layers], writer.room.layer)
    items = [
        _layer(writer, key, layer, [item.name for item in above if item.layer == key], limit)
        for (key, layer), limit in zip(view.layers, limits, strict=True)
    ]
    signs = {sign_of(layer) for _, layer in view.layers}
    used = [f"{sign} {meaning}" for sign, meaning in _SIGNS.items() if sign in signs]
    general = "; italics: general commentary" if any(span.kind == "em" for item in items for span in item) else ""
    blocks: list[Block] = [Paragraph(item) for item in items]
    certain = sum(layer.certain for _, layer in view.layers)
    if certain < CERTAIN_NEEDED:
        blocks.append(doc.paragraph(f"Certain layers: {certain} of 7; a score needs at least {CERTAIN_NEEDED}."))
    return doc.part("layers", f"Seven layers ({', '.join(used)}{general})", *blocks)


def _layer_limits(layers: Sequence[LayerThreats], limit: int) -> list[int]:
    """Compute the word limit of each layer. The average is `limit`; words that one layer does not use go to others."""
    raw = [layer.paragraph.removeprefix(PREFIX) for layer in layers]
    whole = [len(bare(text).split()) for text in raw]
    shown = [len(bare(within(text, limit)).split()) for text in raw]
    limits = [limit] * len(layers)
    spare = limit * len(layers) - sum(shown)
    for n in sorted(range(len(layers)), key=lambda n: whole[n] - shown[n]):
        if 0 < (more := whole[n] - shown[n]) <= spare:
            limits[n], spare = whole[n], spare - more
    return limits


def _layer(writer: Writer, key: LayerKey, layer: LayerThreats, names: Sequence[str], limit: int) -> Text:
    """Write a line of at most `limit` words on a layer; `names` are the layer's threats on the page."""
    title = LAYER_TITLES[key].capitalize().replace("&", "and")
    told = (*doc.strong(title), Span(" ("), *doc.refs(*names), Span(").")) if names else doc.strong(f"{title}.")
    head: Text = (Span(f"{sign_of(layer)} "), *told)
    if layer.certain or layer.applies == "no":
        return doc.joined(head, writer.brief(title, layer.paragraph, limit))
    raw = " ".join(layer.paragraph.split()).removeprefix(PREFIX.strip()).strip()
    # What the sources say matters most in this line, so give it more room than general commentary.
    short = within(raw, max(limit, _PARTLY) if marked(raw) else limit)
    if short != raw:
        writer.shortened.append((title, raw))
    # An LLM writes about this product; the catalogue's wording is about products of its kind in general.
    direct = writer.view.draft.drafter.kind != "llm"
    general = load_layer_texts().commentary[writer.view.draft.product.kind or "other"][key]
    sentences = []
    for piece in split(short):
        commentary = (direct or piece in general) and not marked(piece) and not piece.endswith("?")
        sentences.append(doc.soft(" ".join(piece.split())) if commentary else writer.prose.sentence(piece))
    # An LLM asks about a tool, a setting or a default, which may concern the layer but does not settle it.
    if direct and "?" not in short and any(item.id == layer.question for item in writer.asked):
        sentences.append((*doc.refs(layer.question or ""), Span(" would settle it.")))
    return doc.joined((*head, Span(f" {PREFIX}".rstrip())), *sentences)


def sign_of(layer: LayerThreats) -> str:
    """Return the symbol for a layer's state: certain, not certain, or not applicable."""
    return "–" if layer.applies == "no" else "●" if layer.certain else "?"
