"""Parts 1 to 7 of the report: two pages to act on, at most 1,250 words."""

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
from agent.records import (
    Capability,
    FactLine,
    LayerThreats,
    Question,
    Residual,
    Threat,
    UseProposal,
    WorkNote,
    WorkStatus,
)
from agent.report import document as doc
from agent.report.authors import drafter_words
from agent.report.document import Block, Bullets, Entry, Extent, Meter, Paragraph, Part, Row, Span, Table, Text
from agent.report.prose import Prose, bare, has_quote, marked, split, stopped, within
from agent.report.safe_markdown import excerpt, shared_words
from agent.report.sentences import counted, if_clause, listed, small, tenth, threat_sentence
from agent.report.view import CERTAIN_NEEDED, RankedThreat, View, basis_order
from agent.scoring import severity
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LAYER_TITLES, LayerKey

PREFIX: Final = "Not certain from the listing — "
_CHOSEN: Final = 2
"""The most quotes chosen by an LLM for a threat; they come first in the threat's evidence."""
_GRAVE: Final[dict[str, str]] = {
    "hidden-text": "hidden text",
    "instruction-like-text": "orders to assessors",
    "metadata-instruction": "orders to assessors in metadata",
    "cloaking-suspected": "pages that differ by visitor",
    "content-changed": "changes since the last draft",
}
"""Findings that a reader must know about before anything else, in words."""
_DAY: Final = 10
"""Length of the date in an ISO 8601 timestamp."""
_THESIS: Final = 32
"""The most words of a first sentence of the posture that is set in bold."""
_TOP: Final = 10.0
_PARTLY: Final = 40
"""The most words for an uncertain layer that the sources cover slightly."""
_HOLDS: Final = {"quoted": "", "assumed": "on an assumption"}
"""What to say of a threat in default use that needs no setting, by its basis."""
_GROUPS: Final = {1: "Beyond default use:", 2: "On an assumption:"}
"""What stands before the threats of a later group, which may have a higher base than those of an earlier one."""
_UNCOVERED: Final[dict[ProductKind, str]] = {
    "mcp-server": "the clients that call it and their LLM",
    "agent-skill": "the agent that follows it",
}
_SIGNS: Final = {"●": "certain", "?": "not certain", "–": "does not apply"}
_PROPOSALS: Final = {
    "use": "Use it as it is.",
    "use with conditions": "Use it with the conditions below.",
    "wait for answers": "Do not use it before the vendor has answered.",
}
_MEASURED: Final = "Use it with each threat's measure in place."
"""Advice for a draft whose conditions are the measures of its threats."""
_UNCONDITIONED: Final = "Use it with the measures that stand with its threats."
"""Advice for a draft without listed conditions, if the draft or its signer decided on use with conditions."""
_DOING: Final[dict[WorkStatus, str]] = {
    "open": "open", "planned": "planned", "doing": "in work", "done": "done", "rejected": "will not be done",
}  # fmt: skip
_LOOKED_FOR: Final = {
    "Acts": ("runs_commands", "writes_records", "writes_files"),
    "Reads": ("reads_untrusted_content", "reads_private_data"),
    "Credentials": ("user_token", "shared_key", "service_account"),
    "Approval": ("approval_before",),
    "Memory": ("memory_across_sessions",),
    "Runs": ("local_process", "vendor_cloud"),
    "Meets": ("named_clients", "third_party_services"),
    "Shows": ("own_logs", "traces"),
}
"""The fact keys that explain a "not stated", by row of the abilities."""


_SHORT_HOW: Final = 36
"""The most words for how a later threat works; at least one sentence is shown."""


class Room(NamedTuple):
    """The space of each part on the first two pages, as counts or words."""

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
    """The number of threats that say what the vendor should do."""
    why: int
    """1 if each question says why it matters."""
    rest: int
    """The number of threats after the first ones, with one sentence each."""
    lost: int
    """1 if each threat says what is lost."""
    law: int
    """1 if there is a line on law and contracts."""
    rest_todo: int
    """1 if the later threats say what you should do."""
    also: int
    """1 if there is a line with further dangers."""


WIDEST: Final = Room(5, 80, 25, 4, 30, 8, 25, 54, 6, 24, 105, 5, 1, 4, 1, 1, 1, 1)
STEPS: Final[tuple[tuple[str, int], ...]] = (
    ("lines", 5), ("answer", 18), ("lines", 3), ("line", 18), ("lines", 0), ("why", 0), ("lost", 0), ("quote", 14),
    ("quote", 10), ("quote", 0), ("answer", 15), ("rest", 3), ("law", 0), ("rest", 2), ("questions", 5),
    ("condition", 24), ("posture", 85), ("answer", 12), ("layer", 46), ("vendor", 3), ("condition", 18),
    ("vendor", 0), ("how", 70), ("questions", 4), ("layer", 42), ("answer", 10), ("questions", 3), ("layer", 36),
    ("posture", 70), ("condition", 14), ("layer", 30), ("rest", 1), ("questions", 2), ("posture", 60), ("layer", 28),
    ("conditions", 3), ("rest", 0), ("posture", 52), ("layer", 25), ("how", 48), ("posture", 46), ("layer", 20),
    ("posture", 40), ("also", 0), ("how", 40), ("layer", 16), ("questions", 1), ("threats", 4), ("rest_todo", 0),
    ("layer", 10), ("how", 32), ("threats", 3), ("how", 24), ("how", 16),
)  # fmt: skip
"""The steps that shorten the first two pages to 1,250 words, each a field and its new value. They first cut what the
report repeats later, such as quotes, and last how a threat works, since half an explanation says nothing."""


@dataclass
class Writer:
    """The draft's look-ups and space limits for writing the parts, with a record of what was shortened or cited."""

    view: View
    prose: Prose
    room: Room
    shortened: list[tuple[str, str]] = field(default_factory=list)
    """Name and full text of everything that was cut, for the reference part."""
    quoted: set[str] = field(default_factory=set)
    """Quotes already shown on the first two pages."""
    cited: set[str] = field(default_factory=set)
    """The marks cited on the first two pages, filled in once these are written."""

    def brief(self, name: str, raw: str, limit: int, extra: Sequence[str] = ()) -> Text:
        """Return the first sentences of a text. If any are left out, the reference part gets the full text."""
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
    """Write part 1: the review status, the sources read, the drafter, what is not covered."""
    view = writer.view
    draft = view.draft
    pieces = [doc.strong(view.standing), doc.words(f"read: {_read(view)}"), doc.words(drafter_words(draft))]
    uncovered = _uncovered(view)
    if uncovered:
        pieces.append(doc.words(f"not covered: {listed(uncovered)}"))
    kinds = dict.fromkeys(_GRAVE[f.kind] for source in draft.sources for f in source.findings if f.kind in _GRAVE)
    if kinds:
        pieces.append(doc.strong(f"found in the sources: {listed(list(kinds))}"))
    return doc.joined(*pieces, by=" · ")


def explained(writer: Writer) -> Text:
    """Write the key to the marks on the first two pages, once these are written; searches only if one is named."""
    searches = ", searches without result (N)" if writer.prose.named else ""
    return doc.soft(f"Marks: quotes (E){searches}. Unmarked: inference or advice.")


def _read(view: View) -> str:
    sources = view.draft.sources
    text = counted(len(sources), "source")
    if sources:
        text += f", {_day(sources[0].fetched_at)}"
    spoken: dict[str, list[str]] = {}
    for source in sources:
        if not language.is_english(source.language):
            spoken.setdefault(language.name(source.language), []).append(source.document)
    return text + "".join(f", {listed(ids)} in {name}" for name, ids in spoken.items())


def _day(time: str) -> str:
    """Format a date in words; text that is not a date is returned unchanged."""
    try:
        day = date.fromisoformat(time[:_DAY])
    except ValueError:
        return time[:_DAY]
    return f"{day.day} {day:%B %Y}"


def _uncovered(view: View) -> list[str]:
    if view.draft.drafter.kind == "llm":
        # An LLM's text names the part it covers, and often covers clients and a platform that it quotes.
        return []
    product = view.draft.product
    found = [_UNCOVERED[product.kind]] if product.kind in _UNCOVERED else []
    if any(item.about == "platform" for item in view.draft.evidence):
        found.append(f"the {product.vendor or product.name} platform behind it")
    return found


def headline(writer: Writer) -> Part:
    """Build part 2: the score with its range and its threat, or why there is none and what would settle it."""
    score, first = writer.view.draft.score, writer.view.headline
    if score.aivss is None:
        return _unscored(writer)
    # The bar shows the range. The page does not explain its numbers; the appendix does.
    title = f"{score.severity} {tenth(score.aivss)} before controls"
    low = score.likely_low if score.likely_low is not None else score.aivss
    high = score.likely_high if score.likely_high is not None else score.aivss
    blocks: list[Block] = [Meter(Extent(float(score.aivss), float(low), float(high), _TOP))]
    if first is not None:
        doubt = " (contested, not decided yet)" if writer.view.is_contested(first.threat) else ""
        rests = (Span("Rests on "), *doc.ref(first.name), Span(f"{doubt}{_rests(writer, first)}{_raised(writer)}."))
        blocks.append(Bullets(tuple(filter(None, (rests, _graver(writer, first))))))
    return Part("headline", doc.words(title), tuple(blocks))


def _rests(writer: Writer, first: RankedThreat) -> str:
    """Describe the rule by which the score rests on this threat."""
    if not first.threat.default_use:
        return ", the gravest threat"
    alike = [item for item in writer.view.threats if is_supported(item.threat)]
    graver = [
        item
        for item in alike
        if base_of(item) > base_of(first) and not (item.threat.setting and not first.threat.setting)
    ]
    when = bare(if_clause(first.threat.setting)) if first.threat.setting else "in default use"
    if not graver:
        return f", {when}" if first.threat.setting or first.threat.by == "embedded" else ""
    if any(item.threat.by in ("llm", "both") for item in writer.view.threats):
        # Threats that the LLM left to the catalogue are in the appendix, with the severity of their pattern.
        return f", the core danger {when}"
    return ", the threat that a reviewer chose"


def _raised(writer: Writer) -> str:
    """Describe what the score adds to the threat's CVSS base, and why; the arithmetic follows below the text."""
    score = writer.view.draft.score
    if score.factor_sum is None or score.cvss_base is None or score.formula != "aivss-0.8":
        return ""
    base, total = tenth(score.cvss_base), tenth(score.factor_sum)
    if score.aivss == score.cvss_base:
        return f": {base} by CVSS"
    added = tenth(score.aivss - score.cvss_base) if score.aivss is not None else ""
    graded = f"{severity(score.cvss_base)} {base}"
    # Without this, a High over threats that are all Medium looks like a mistake.
    lifted = score.severity != severity(score.cvss_base)
    into = f", which lifts it from {severity(score.cvss_base)} to {score.severity}" if lifted else ""
    return f": {graded} by CVSS; AIVSS adds {added} for what is agentic (ten factors, sum {total}){into}"


def _proposal(writer: Writer) -> Text:
    """State what the draft proposes or the signer decided; the conditions themselves follow the threats."""
    advice, stamp = writer.view.draft.advice, writer.view.draft.review
    if stamp is not None and stamp.decision is not None:
        return doc.joined(doc.words(f"Decided by {stamp.reviewer}:"), doc.strong(_advised(writer, stamp.decision)))
    if advice is None:
        return ()
    caveat = advice.caveat.rstrip(".")
    advised = _advised(writer, advice.proposal)
    told = f"{advised} {caveat}." if caveat[:1].isupper() else f"{advised.rstrip('.')}; {small(caveat)}."
    return doc.joined(doc.words("Proposed:"), doc.stressed(writer.prose.text(told if caveat else advised)))


def _advised(writer: Writer, proposal: UseProposal) -> str:
    """Return a proposal in words; one with conditions says where these stand."""
    advice = writer.view.draft.advice
    if proposal == "use with conditions":
        if advice is None or not advice.conditions:
            return _UNCONDITIONED
        if writer.view.measures:
            return _MEASURED
    return _PROPOSALS[proposal]


def base_of(item: RankedThreat) -> Decimal:
    """Return the CVSS base of a threat."""
    return item.threat.score.cvss_base


def _unscored(writer: Writer) -> Part:
    score = writer.view.draft.score
    reason = (score.withheld or "no threat has a quote").rstrip(".")
    sentences: list[Text] = []
    asked = [item.id for item in writer.asked][:3]
    if asked:
        verb = "would settle it" if len(asked) > 1 else "would help to settle it"
        names: list[Span] = []
        for n, mark in enumerate(asked):
            names += [*([Span(" and " if n == len(asked) - 1 else ", ")] if n else []), *doc.ref(mark)]
        sentences.append((Span("Answers to "), *names, Span(f" {verb}.")))
    advice = writer.view.draft.advice
    if advice is not None and writer.view.measures:
        sentences.append(doc.words("Until then treat it as not assessed; if it is used, with each threat's measure."))
    blocks: tuple[Block, ...] = (Paragraph(doc.joined(*sentences)),) if sentences else ()
    return Part("headline", doc.words(f"Not scored: {reason}"), blocks)


def _graver(writer: Writer, first: RankedThreat) -> Text:
    """Name the highest threat on the page that scores above the headline but does not hold in default use."""
    score = writer.view.draft.score.aivss
    above = [
        item
        for item in writer.view.top(writer.room.threats)
        if item is not first
        and (item.threat.basis in ("needs a setting", "assumed") or item.threat.setting)
        and score is not None
        and item.threat.score.aivss > score
    ]
    if not above:
        return ()
    item = max(above, key=lambda one: one.threat.score.aivss)
    threat = item.threat
    where = "if its assumption holds" if threat.basis == "assumed" else "if its setting is used"
    where = bare(if_clause(threat.setting)) if threat.setting else where
    graded = Span(f"{threat.score.severity} {tenth(threat.score.aivss)} {where}", "strong")
    # The threat itself shows its CVSS base, which would otherwise look like another number for the same.
    base = f": {severity(base_of(item))} {tenth(base_of(item))} by CVSS)."
    return (graded, Span(" ("), *doc.ref(item.name), Span(base))


def posture(writer: Writer) -> Part:
    """Build part 3: what the product can do, what makes that dangerous, what limits it; then whether to use it."""
    raw = writer.view.draft.product.posture
    # Whoever reads what is left off has to know what the product is.
    unsettled = writer.view.draft.score.aivss is None and writer.view.measures
    proposed = () if unsettled else _proposal(writer)
    last = (Paragraph(proposed),) if proposed else ()
    if not raw:
        return Part("posture", (), last)
    told = writer.brief("Posture", raw, writer.room.posture)
    first = next(iter(split(raw)))
    if writer.view.draft.drafter.kind == "llm" and len(bare(first).split()) <= _THESIS:
        # An LLM's first sentence is the thesis that the rest explains.
        thesis = writer.prose.sentence(first)
        told = (*doc.stressed(thesis), *told[len(thesis) :])
    return Part("posture", (), (Paragraph(told), *last))


# ------------------------------------------------------------ threats


def threats(writer: Writer) -> Part:
    """Build part 4: a block on each threat, the gravest in full, later threats in one sentence."""
    top = writer.view.top(writer.room.threats)
    if not top:
        return Part("threats", doc.words("Top threats"), (Paragraph(doc.words("No threat has a quote.")),))
    blocks: list[Block] = []
    shown = on_page(writer)
    groups = [basis_order(item.threat) for item in shown]
    headed = groups == sorted(groups)
    for n, item in enumerate(shown):
        if headed and n and groups[n] > groups[n - 1]:
            blocks.append(Paragraph(doc.soft(_GROUPS[groups[n]])))
        blocks.append(entry(writer, item) if item in top else _in_short(writer, item))
    also = writer.view.draft.advice.also if writer.view.draft.advice else ()
    if also and writer.room.also:
        told = writer.prose.text(" ".join(stopped(capital(item)) for item in also))
        blocks.append(Paragraph(doc.joined(doc.soft("Weigh as well:"), told)))
    return Part("threats", doc.words("Top threats"), tuple(blocks))


def _rest(writer: Writer) -> list[RankedThreat]:
    """Return the threats that follow the first ones on the page, in one line each; their blocks are in the appendix.

    If an LLM weighed the first threat, catalogue-only threats appear only in the appendix.
    """
    top = writer.view.top(writer.room.threats)
    rest = [item for item in writer.view.threats if item not in top]
    return [item for item in rest if item.threat.by != "embedded" or top[0].threat.by == "embedded"][: writer.room.rest]


def on_page(writer: Writer) -> list[RankedThreat]:
    """Return the threats shown on the first two pages, in a block or in a line."""
    return [*writer.view.top(writer.room.threats), *_rest(writer)]


def _in_short(writer: Writer, item: RankedThreat) -> Entry:
    """Build a short entry on a later threat: how it works, and what you should do if there is space."""
    todo = _remedies(writer, item, whole=False, vendor=False) if writer.room.rest_todo else []
    begun = within(item.threat.how, _SHORT_HOW)
    text = writer.prose.text(begun, () if marked(begun) else item.threat.evidence[:2]) if begun else ()
    return Entry(item.name, _title(item), doc.joined(_stands(writer, item), text), tuple(todo))


def _title(item: RankedThreat) -> Text:
    return doc.words(f"{item.name} · {item.threat.title.rstrip('.')}.")


def _stands(writer: Writer, item: RankedThreat) -> Text:
    """Describe how grave a threat is, and when it holds."""
    chip = doc.chip(severity(base_of(item)), tenth(base_of(item)))
    contested = doc.strong("; contested, not decided yet") if writer.view.is_contested(item.threat) else ()
    basis = writer.prose.text(_basis(item))
    return (*chip, *((Span(", "), *basis) if basis else ()), *contested, Span("."))


def _basis(item: RankedThreat) -> str:
    """Describe when the threat holds, and whether its way in is quoted."""
    threat = item.threat
    if threat.setting:
        return if_clause(threat.setting)
    if threat.basis in SUPPORTED and not threat.default_use:
        return "not in default use"
    if threat.basis == "entry inferred":
        return _way_in(threat)
    return _HOLDS.get(threat.basis or "", threat.basis or threat.state)


def _way_in(threat: Threat) -> str:
    return "no attacker needed" if lacks_attacker(threat.statement.source) else "way in inferred"


def basis_words(item: RankedThreat) -> str:
    """Return the basis of a threat in the words of the page, with whether a setting is needed."""
    threat = item.threat
    if basis_order(threat) == 1:
        return "needs a setting" if threat.setting else "not in default use"
    return _way_in(threat) if threat.basis == "entry inferred" else threat.basis or threat.state


def entry(writer: Writer, item: RankedThreat, *, whole: bool = False) -> Entry:
    """Build the block on one threat: how, a quote, what is lost, what you do, what the vendor should do."""
    threat = item.threat
    how = threat.how or threat_sentence(threat.statement)
    shown = how if whole else within(how, writer.room.how)
    extra = () if marked(shown) else threat.evidence[:3]
    text = writer.prose.text(how, extra) if whole else writer.brief(item.name, how, writer.room.how, extra)
    quote = () if has_quote(shown) else _quote(writer, item, writer.room.quote if not whole else WIDEST.quote)
    lost: Text = ()
    # An LLM's text says what is lost.
    if threat.lost and (whole or (writer.room.lost and threat.by == "embedded")):
        lost = doc.joined(doc.soft("Lost:"), writer.prose.text(stopped(threat.lost)))
    # A headline that a reviewer added comes first but has a later number.
    place = 1 if item == writer.view.threats[0] else item.place
    items = (
        doc.joined(doc.soft("Quote:"), quote) if quote else (),
        lost,
        *_remedies(writer, item, whole=whole, vendor=whole or place <= writer.room.vendor),
    )
    return Entry(item.name, _title(item), doc.joined(_stands(writer, item), text), tuple(filter(None, items)))


def _quote(writer: Writer, item: RankedThreat, limit: int) -> Text:
    """Return the most relevant quote for the threat, preferring the LLM's own choice.

    Returns an empty text if there is no space or the page already shows the quote.
    """
    known = [mark for mark in item.threat.evidence if mark in writer.view.evidence]
    about = f"{item.threat.title} {bare(item.threat.how)} {item.threat.statement.action}"
    quotes = {mark: writer.view.evidence[mark].quote for mark in known}
    if item.threat.by in ("llm", "both"):
        # The LLM chose these quotes for display: never cut one, since the list of quotes shows it in full.
        fitting = [mark for mark in known[:_CHOSEN] if len(quotes[mark].split()) <= limit]
    else:
        fitting = sorted(known, key=lambda mark: (-shared_words(quotes[mark], about), known.index(mark)))
    best = next((mark for mark in fitting if quotes[mark] not in writer.quoted), None)
    if best is None or not limit:
        return ()
    writer.quoted.add(quotes[best])
    words = (quotes[best] if item.threat.by in ("llm", "both") else excerpt(quotes[best], limit * 7, about)).rstrip(".")
    return (Span(words, "quote"), Span(" "), *doc.marks(*writer.prose.resolved([best])), Span("."))


def _remedies(writer: Writer, threat: RankedThreat, *, whole: bool, vendor: bool) -> list[Text]:
    """List what you and the vendor should do, with notes on the work; measures with a note come first."""
    notes = writer.view.draft.notes
    work = {each.mitigation: each for each in notes.work if each.threat == threat.threat.id} if notes else {}
    # A threat that the operator can do nothing about says what the vendor should do.
    vendor = vendor or not has_measure(threat)
    made = []
    for who, label in (("you", "You:"), ("vendor", "Vendor:")):
        found = [item for item in threat.threat.mitigations if item.who == who and item.status != "confirmed"]
        found = sorted(found, key=lambda item: item.text not in work) if vendor or who == "you" else []
        for item in found if whole else found[:1]:
            told = writer.prose.text(stopped(item.text), item.evidence)
            if who == "you":
                told = doc.joined(told, _price(writer, threat, item.text))
            done = doc.soft(f"({doing_words(work[item.text])})") if item.text in work else ()
            made.append(doc.joined(doc.strong(label), told, done))
    return made


def has_measure(item: RankedThreat) -> bool:
    """Return whether a threat has a measure that the operator can take."""
    return any(each.who == "you" and each.status != "confirmed" for each in item.threat.mitigations)


def _price(writer: Writer, threat: RankedThreat, measure: str) -> Text:
    """Say in brackets who takes a measure, and at what price."""
    item = writer.view.measures.get((threat.threat.id, measure))
    said = "; ".join(filter(None, (item.who, item.price.rstrip(".")))) if item else ""
    return doc.soft(f"({said})") if said else ()


def doing_words(work: WorkNote) -> str:
    """Format the owner, due date and status of a mitigation: "R. Ortiz, due 2027-01-31, in work"."""
    due = f"due {work.due}" if work.due else ""
    return ", ".join(filter(None, (work.owner, due, _DOING[work.status])))


# ------------------------------------------------------------ what it can do


def abilities(writer: Writer) -> Part:
    """Build part 6: what the product acts on, reads, keeps, where it runs, with whose rights and approval.

    Rows that do not fit after the posture and the layers are in the appendix.
    """
    lines = writer.view.draft.lines
    if lines and not writer.room.lines:
        return Part("abilities", (), ())
    rows = [_line(writer, item) for item in lines[: writer.room.lines]] if lines else _older_lines(writer)
    return _abilities("What it can do", [*_of_headline(writer), *rows] if lines else rows)


def _of_headline(writer: Writer) -> list[Row]:
    """List abilities behind the headline that no row names because the posture already names them. An LLM's rows are
    whole."""
    first = writer.view.headline if writer.view.draft.drafter.kind != "llm" else None
    told = {mark for row in writer.view.draft.lines for mark in row.evidence}
    carried = set(first.threat.evidence) - told if first else set()
    return [
        Row((doc.strong("Reads" if one.mode == "read" else "Acts"),
             writer.prose.sentence(f"It {one.action} {one.object}.", one.evidence[:2])))
        for one in writer.view.capabilities
        if one.state != "denied" and carried.intersection(one.evidence) and not told.intersection(one.evidence)
    ]  # fmt: skip


def more_abilities(writer: Writer) -> Part:
    """Return the rows of part 6 that do not fit on the first two pages, in full; an empty part if there are none."""
    rest = writer.view.draft.lines[writer.room.lines :]
    if not rest:
        return Part("abilities", (), ())
    whole = replace(writer, room=WIDEST)
    title = "What else it can do" if writer.room.lines else "What it can do"
    own = [] if writer.room.lines else _of_headline(whole)
    return _abilities(title, [*own, *(_line(whole, item) for item in rest)])


def _abilities(title: str, rows: Sequence[Row]) -> Part:
    empty = Paragraph(doc.words("No action is named in the sources."))
    return Part("abilities", doc.words(title), (Table(("", ""), tuple(rows)) if rows else empty,))


def _line(writer: Writer, item: FactLine) -> Row:
    extra: list[str] = [] if marked(item.text) else [*item.evidence[:4]]
    if "not stated" in item.text.casefold() and "[N" not in item.text:
        absent = {found.key for found in writer.view.draft.facts.absent} if writer.view.draft.facts else set()
        extra += [f"N:{key}" for key in _LOOKED_FOR[item.label] if key in absent][:1]
    text = writer.brief(item.label, stopped(item.text), writer.room.line, extra)
    return Row((doc.strong(item.label), text))


def _older_lines(writer: Writer) -> list[Row]:
    shown = [item for item in writer.view.capabilities if item.state != "denied"]
    return [_older_line(writer, item) for item in shown[: writer.room.lines]]


def _older_line(writer: Writer, item: Capability) -> Row:
    condition = f" ({item.condition})" if item.condition else ""
    credential = item.credential or ("none used" if item.credential_state == "denied" else "not stated")
    approver = item.approver or ("nobody" if item.approver_state == "denied" else "not stated")
    text = f"{item.action} {item.object}{condition}; credential: {credential}; approval: {approver}."
    return Row((doc.strong(item.mode), writer.prose.sentence(text, item.evidence[:2])))


# ------------------------------------------------------------ layers


def layers(writer: Writer) -> Part:
    """Build part 7: each layer with its flag and what is known. Uncertain layers have commentary, marked as general."""
    view = writer.view
    # An LLM writes on a layer without knowing which threats are counted to it, so its text may be about others.
    above = [] if view.draft.drafter.kind == "llm" else on_page(writer)
    limits = _layer_limits([layer for _, layer in view.layers], writer.room.layer)
    items = [
        _layer(writer, key, layer, [item.name for item in above if item.layer == key], limit)
        for (key, layer), limit in zip(view.layers, limits, strict=True)
    ]
    signs = {_sign(layer) for _, layer in view.layers}
    used = [f"{sign} {meaning}" for sign, meaning in _SIGNS.items() if sign in signs]
    general = "; italics: general" if any(span.kind == "em" for item in items for span in item) else ""
    legend = f"Seven layers ({', '.join(used)}{general})"
    blocks: list[Block] = [Bullets(tuple(items))]
    certain = sum(layer.certain for _, layer in view.layers)
    if certain < CERTAIN_NEEDED:
        blocks.append(Paragraph(doc.words(f"{certain} of 7 layers certain; a score needs {CERTAIN_NEEDED}.")))
    return Part("layers", doc.words(legend), tuple(blocks))


def _layer_limits(layers: Sequence[LayerThreats], limit: int) -> list[int]:
    """Compute the word limit of each layer, `limit` on average: unused words of one layer help to complete another."""
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
    """Write a line on a layer of at most `limit` words; `names` are the layer's threats on the page."""
    title = LAYER_TITLES[key].capitalize().replace("&", "and")
    inside: Text = doc.joined(*(doc.ref(name) for name in names), by=", ")
    told: Text = (Span(title, "strong"), Span(" ("), *inside, Span(").")) if names else doc.strong(f"{title}.")
    head: Text = (Span(f"{_sign(layer)} "), *told)
    if layer.certain or layer.applies == "no":
        return doc.joined(head, writer.brief(title, layer.paragraph, limit))
    raw = " ".join(layer.paragraph.split())
    raw = raw.removeprefix(PREFIX.strip()).strip() if raw.startswith(PREFIX.strip()) else raw
    # The few facts from the sources matter most in this line, so put them before the commentary.
    short = within(raw, max(limit, _PARTLY) if marked(raw) else limit)
    if short != raw:
        writer.shortened.append((title, raw))
    # An LLM writes about this product; the texts of the catalogue are about products of its kind.
    direct = writer.view.draft.drafter.kind != "llm"
    general = load_layer_texts().commentary[writer.view.draft.product.kind or "other"][key]
    sentences = [
        _commentary(piece)
        if (direct or piece in general) and not marked(piece) and not piece.endswith("?")
        else writer.prose.sentence(piece)
        for piece in split(short)
    ]
    asked = next((item for item in writer.questions if item.id == layer.question), None)
    question: Text = ()
    # An LLM asks about a tool, a setting or a default, which may concern the layer but does not settle it.
    if asked is not None and direct and asked in writer.asked and "?" not in short:
        question = (*doc.ref(asked.id), Span(" would settle it."))
    return doc.joined((*head, Span(f" {PREFIX}".rstrip())), *sentences, question)


def _sign(layer: LayerThreats) -> str:
    return "–" if layer.applies == "no" else "●" if layer.certain else "?"


def _commentary(sentence: str) -> Text:
    return doc.soft(" ".join(sentence.split()))
