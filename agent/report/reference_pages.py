"""Parts 9 to 16 of the report: the supporting material for the first two pages."""

import json
from typing import Final

from agent.drafting.threats.cvss_vectors import base_of
from agent.drafting.wording import capital
from agent.facts.vocabulary import load_vocabulary
from agent.records import Absence, Chain, ClaimedControl, Draft, Evidence, Fact, FactorEstimate, FormulaId, Score
from agent.records.draft import head_line
from agent.records.facts import ReaderName
from agent.report import document as doc
from agent.report.authors import LLM_USAGE, authorships, usage_sentences
from agent.report.document import (
    Block,
    Bullets,
    Code,
    Extent,
    Heading,
    Paragraph,
    Part,
    Picture,
    Row,
    Span,
    Table,
    Text,
)
from agent.report.front_pages import Writer, doing_words, entry
from agent.report.left_out import left_out, unread
from agent.report.picture import mermaid, picture as svg_picture, with_threats
from agent.report.prose import bare, marked, stopped
from agent.report.questions import question_table
from agent.report.safe_markdown import one_line, shorten
from agent.report.sentences import change, counted, finding_name, listed, span, tenth, vector_words, with_stop
from agent.report.view import COUNTING_RANK, RankedThreat, View, name_of, rank_words
from agent.taxonomy.factors import FACTOR_SETS, FACTOR_TITLES, FACTORS, FactorKey

_HASH: Final = 12
_HEADING: Final = 60
_FURTHER: Final = 25
_ATTRIBUTION: Final = (
    "AIVSS: OWASP Agentic AI Vulnerability Scoring System. Layers: MAESTRO, Cloud Security Alliance. Base metrics: "
    "CVSS v4.0, FIRST. Bands: Critical from 9.0, High from 7.0, Medium from 4.0."
)
_FORMULAS: Final[dict[FormulaId, str]] = {
    "aivss-0.5": "average of base and factor sum",
    "aivss-0.8": "base raised by the factors",
    "aivss-1-amended": "as 0.8, with the amended multiplier",
    "cvss-bte": "CVSS v4.0 alone",
}
_READERS: Final[dict[ReaderName, str]] = {
    "embedded": "the classifier",
    "llm": "the LLM",
    "manifest": "the reader of manifests",
    "vendor-answer": "the vendor's answer",
    "analyst": "the analyst",
    "scanner": "a scanner",
}
_QUOTE_HEADS: Final = ("", "Quote", "Source, characters of its text as read", "Rank", "About")
_SLOT_WORDS: Final = {"counterpart": "with", "object": "what", "scope": "how far"}


def factors(writer: Writer) -> Part:
    """Build part 9: each factor with its value, its range as a bar, and the reason."""
    draft = writer.view.draft
    in_set = FACTOR_SETS[draft.score.factor_set] if draft.score.factor_set else FACTORS
    present = [key for key in FACTORS if key in draft.factors]
    rows = [_factor(writer, key, draft.factors[key]) for key in present if key in in_set]
    if draft.score.factor_sum is not None:
        ranges = draft.score.inputs.factor_sum if draft.score.inputs else None
        low_high = span(ranges.low, ranges.high) if ranges else ""
        total = (doc.strong("Sum"), doc.strong(tenth(draft.score.factor_sum)), doc.words(low_high), ())
        rows.append(Row(total))
    blocks: list[Block] = [Table(("Factor", "Value", "Range", "Reason"), tuple(rows), frozenset({1}))]
    outside = [f"{FACTOR_TITLES[key]} {tenth(draft.factors[key].value)}" for key in present if key not in in_set]
    if outside:
        blocks.append(Paragraph(doc.words(f"Not in the factor set of this formula: {listed(outside)}.")))
    return Part("factors", doc.words("Factors"), tuple(blocks))


def _factor(writer: Writer, key: FactorKey, estimate: FactorEstimate) -> Row:
    extent = Extent(float(estimate.value), float(estimate.low), float(estimate.high), 1.0)
    bar = (Span(span(estimate.low, estimate.high), "bar", extent=extent),)
    raw = estimate.rationale
    marks = tuple(dict.fromkeys((*estimate.evidence, *(part.evidence for part in estimate.parts if part.evidence))))
    if not raw:
        raw = "Not stated; the value is typical of the kind." if not marks else "From the quotes."
    text = writer.prose.text(_sentence(raw), () if marked(raw) else marks[:3])
    return Row((doc.words(FACTOR_TITLES[key]), doc.words(tenth(estimate.value)), bar, text))


# ------------------------------------------------------------ picture and chains


def picture(writer: Writer) -> Part:
    """Build part 10: boundaries, parts and flows, with the threats that use a flow; and what was assumed."""
    draft = writer.view.draft
    drawn = with_threats(draft.system, writer.view.threats)
    legend = "Solid: from a quote. Dashed: assumed. Ids: threats that use the flow."
    blocks: list[Block] = [Paragraph(doc.words(legend)), Picture(svg_picture(drawn), mermaid(drawn))]
    if draft.assumptions:
        blocks += [Heading(doc.words("Assumptions")), Bullets(tuple(writer.prose.text(a) for a in draft.assumptions))]
    return Part("picture", doc.words("System picture"), tuple(blocks))


def chains(writer: Writer) -> Part:
    """Build part 11: chains step by step, each step with its supporting quote."""
    blocks: list[Block] = []
    for chain in writer.view.draft.chains:
        blocks += [Heading(writer.prose.sentence(chain.title)), Bullets(tuple(_steps(writer, chain)), numbered=True)]
    if not blocks:
        blocks.append(Paragraph(doc.words("No threat is known to lead on to another.")))
    return Part("chains", doc.words("Attack chains"), tuple(blocks))


def _steps(writer: Writer, chain: Chain) -> list[Text]:
    known = {item.threat.id: item for item in writer.view.threats}
    hops = {hop.target: hop for hop in chain.hops}
    steps = []
    for n, identifier in enumerate(chain.threats):
        item = known.get(identifier)
        name: Text = (*doc.ref(item.name), Span(f" {item.threat.title}")) if item else doc.words("a folded threat")
        hop = hops.get(identifier)
        marks = hop.evidence if hop else item.threat.evidence[:2] if item else ()
        inferred = () if writer.prose.resolved(marks) or not n else (Span(" (inferred)"),)
        cited = writer.prose.resolved(marks)
        said = [writer.view.evidence[mark].quote for mark in cited if mark in writer.view.evidence][:1]
        quoted: Text = tuple(each for text in said for each in (Span(": "), Span(shorten(text, 140), "quote")))
        steps.append((*name, *inferred, *quoted, *((Span(" "), *doc.marks(*cited)) if cited else ()), Span(".")))
    return steps


# ------------------------------------------------------------ controls


def controls(writer: Writer) -> Part:
    """Build part 12: each control that the sources claim, with its rank, its part, whether it counts, and why."""
    claimed = writer.view.draft.controls or older_controls(writer.view)
    title = doc.words("Claimed controls")
    if not claimed:
        return Part("controls", title, (Paragraph(doc.words("The sources claim none.")),))
    heads = ("Control", "Rank", "Part", "Counted?", "Why")
    rows = [_control(writer, item) for item in claimed]
    legend = f"A control counts from rank {COUNTING_RANK} on, and only for the part of the product that it belongs to."
    return Part("controls", title, (Paragraph(doc.words(legend)), Table(heads, tuple(rows), frozenset({1}))))


def _control(writer: Writer, item: ClaimedControl) -> Row:
    quotes = [writer.view.evidence[mark].quote for mark in item.evidence if mark in writer.view.evidence]
    said, marks = bare(item.text).rstrip("."), doc.marks(*writer.prose.resolved(item.evidence))
    at = quotes[0].casefold().find(said.casefold()) if quotes else -1
    if at >= 0:
        text = doc.joined((Span(quotes[0][at : at + len(said)], "quote"),), marks)
    elif quotes:
        head = doc.words(f"{capital(said)}:")
        text = doc.joined(head, (Span(shorten(quotes[0], 160), "quote"),), marks)
    else:
        text = writer.prose.sentence(stopped(item.text))
    return Row(
        (
            text,
            doc.words(str(item.rank)),
            writer.prose.sentence(item.part),
            doc.words("yes" if item.counted else "no"),
            writer.prose.text(_sentence(item.why)),
        )
    )


def older_controls(view: View) -> tuple[ClaimedControl, ...]:
    """Collect the controls of an older draft, which stores none, from its lowerings and claimed mitigations."""
    lowered: dict[str, list[str]] = {}
    counting: set[str] = set()
    for item in view.draft.lowerings:
        moved = item.after < item.before
        said = f"lowers {name_of(item.target)} {change(item.before, item.after)}" if moved else f"{item.rule}"
        lowered.setdefault(item.evidence, []).append(said)
        counting |= {item.evidence} if moved and item.rank >= COUNTING_RANK else set()
    for threat in view.threats:
        for mitigation in threat.threat.mitigations:
            if mitigation.status != "proposed":
                for mark in mitigation.evidence:
                    lowered.setdefault(mark, [])
    return tuple(
        ClaimedControl(
            text=view.evidence[mark].quote, part=view.evidence[mark].about, rank=view.evidence[mark].rank,
            counted=mark in counting, why="; ".join(why) or rank_words(view.evidence[mark].rank),
            facts=(), evidence=(mark,),
        )
        for mark, why in lowered.items() if mark in view.evidence
    )  # fmt: skip


# ------------------------------------------------------------ scores


def scores(writer: Writer) -> Part:
    """Build part 13: headline arithmetic, vector and reasons of each threat, ranges, other formulas, attribution."""
    view = writer.view
    score = view.draft.score
    blocks: list[Block] = []
    if score.withheld is not None:
        typical = f" Typical estimates give {tenth(score.provisional)}." if score.provisional is not None else ""
        blocks.append(Paragraph(doc.words(f"No number is shown: {score.withheld.rstrip('.')}.{typical}")))
    if score.arithmetic:
        blocks.append(Code(tuple(score.arithmetic.split("\n")), "text"))
    blocks.append(Bullets(tuple(_score_lines(score))))
    if view.threats:
        heads = ("", "Vector", "Base", "AIVSS", "State")
        rows = [
            Row(
                (
                    doc.ref(item.name), doc.code(item.threat.score.cvss_vector),
                    doc.words(tenth(item.threat.score.cvss_base)),
                    doc.words(f"{tenth(item.threat.score.aivss)} {item.threat.score.severity}"),
                    doc.words(item.threat.state),
                )
            )
            for item in view.threats
        ]  # fmt: skip
        blocks.append(Table(heads, tuple(rows), frozenset({2})))
    for item in view.threats:
        blocks += _reasons(writer, item)
    others = [
        Row((doc.words(name), doc.words(tenth(value)), doc.words(_FORMULAS[name])))
        for name, value in score.alternatives.items() if name != score.formula
    ]  # fmt: skip
    if others:
        blocks.append(Table(("Other formula", "Value", "What it is"), tuple(others), frozenset({1})))
    blocks += [Paragraph(doc.words(warning)) for warning in score.warnings]
    return Part("scores", doc.words("Scores"), (*blocks, Paragraph(doc.words(_ATTRIBUTION))))


def _score_lines(score: Score) -> list[Text]:
    lines = [
        f"Formula {score.formula}; threat multiplier {score.threat_multiplier:.2f}, the default of AIVSS for attacks "
        f"known as proof of concept; mitigation factor {score.mitigation_factor:.2f}, before controls; rounded half up."
    ]
    if score.low is not None and score.high is not None:
        lines.append(f"Corners, all open inputs at their lowest and at their highest: {span(score.low, score.high)}.")
    if score.likely_low is not None and score.likely_high is not None:
        far = score.likely
        spread = f" (-{tenth(far.below)} to +{tenth(far.above)})" if far is not None else ""
        lines.append(
            f"Likely range: {span(score.likely_low, score.likely_high)}{spread}. Of labelled products four of five "
            "experts' scores lay this near to the score that was drafted."
        )
    if score.with_controls is not None:
        kept = score.with_controls
        lines.append(f"With the controls that the documents name: {tenth(kept.aivss)} {kept.severity}.")
    claims = score.without_vendor_claims
    if claims is not None and claims.aivss is not None:
        same = ", the same" if claims.aivss == score.aivss else ""
        lines.append(f"Without the vendor's claims: {tenth(claims.aivss)} {claims.severity}{same}.")
    elif claims is not None:
        lines.append(f"Without the vendor's claims: not scored, {(claims.withheld or '').rstrip('.')}.")
    return [doc.words(line) for line in lines]


def _reasons(writer: Writer, item: RankedThreat) -> list[Block]:
    """List the metrics of a threat's vector with their reasons; empty if no reason is stored."""
    reasons = item.threat.score.reasons
    rows = [
        Row((doc.words(metric), doc.words(meaning), writer.prose.text(_sentence(reason))))
        for metric, meaning, reason in vector_words(item.threat.score.cvss_vector, reasons)
    ]
    if not reasons or not rows:
        return []
    title: Text = (*doc.ref(item.name), Span(f" {item.threat.title}, metric by metric"))
    return [Heading(title), Table(("Metric", "Meaning", "Reason"), tuple(rows))]


def _sentence(raw: str) -> str:
    """Format a text as a sentence, with a capital letter at its start and a full stop at its end."""
    return stopped(capital(raw))


# ------------------------------------------------------------ findings


def findings(writer: Writer) -> Part:
    """Build part 14: hidden text, orders to assessors and other findings, with their place."""
    rows = [
        Row(
            (
                doc.words(finding_name(finding)), doc.words(finding.document), doc.words(finding.where),
                doc.words(f"{finding.start}–{finding.end}" if finding.end > finding.start else "taken out"),
                (Span(shorten(finding.excerpt, 120), "quote"),),
            )
        )
        for source in writer.view.draft.sources for finding in source.findings
    ]  # fmt: skip
    title = doc.words("Findings in the sources")
    if not rows:
        ids = listed([source.document for source in writer.view.draft.sources])
        return Part("findings", title, (Paragraph(doc.words(f"None in {ids or 'the sources'}.")),))
    heads = ("Finding", "Source", "Where", "Characters", "Text, as data")
    return Part("findings", title, (Table(heads, tuple(rows)),))


# ------------------------------------------------------------ facts and evidence


def quotes(writer: Writer) -> Part:
    """Build the entries for the marks on the first two pages: quotes with their place, and searches without result."""
    rows = _quotes(writer, cited=True)
    absent = _absences(writer, cited=True)
    blocks: list[Block] = []
    if rows:
        blocks += [Paragraph(_cited_sources(writer)), Table((*_QUOTE_HEADS[:2], "Under the heading"), rows)]
    blocks += [Table(("", "Looked for, not found", "Where"), absent)] if absent else []
    return Part("quotes", doc.words("Quotes behind the marks"), tuple(blocks)) if blocks else Part("quotes", (), ())


def _cited_sources(writer: Writer) -> Text:
    """List the id and address of each source that the first two pages quote."""
    quoted = {item.document for item in writer.view.draft.evidence if item.id in writer.cited}
    named = [
        (Span(f"{source.document}: "), *doc.code(source.url))
        for source in writer.view.draft.sources
        if source.document in quoted
    ]
    return doc.joined(*named, by=" · ")


def _place(writer: Writer, item: Evidence) -> str:
    """Return where a quote stands: below which heading, by which a reader finds it in the published page; or its
    characters, where the sources' text is not at hand."""
    document = next((each for each in writer.view.documents if each.id == item.document), None)
    sections = document.sections if document else ()
    section = next((each for each in sections if each.start <= item.start < each.end), None)
    if section is None:
        return f"{item.document}, {item.start}–{item.end}"
    heading = f"“{shorten(section.path[-1], _HEADING)}”" if section.path else "top"
    return heading if len(writer.view.draft.sources) == 1 else f"{item.document}, {heading}"


def _quotes(writer: Writer, *, cited: bool) -> tuple[Row, ...]:
    """Return rows for the quotes cited on the first two pages, or for all others, adding their rank and subject."""
    rows = []
    for item in writer.view.draft.evidence:
        if (item.id in writer.cited) == cited:
            where = doc.words(_place(writer, item) if cited else f"{item.document}, {item.start}–{item.end}")
            more = () if cited else (doc.words(f"{item.rank} {rank_words(item.rank)}"), doc.words(item.about))
            rows.append(Row((doc.marks(item.id), (Span(item.quote, "quote"),), where, *more), item.id))
    return tuple(rows)


def _absences(writer: Writer, *, cited: bool) -> tuple[Row, ...]:
    """Return rows for the searches without result on the first two pages, or for those only in the appendix."""
    facts = writer.view.draft.facts
    by_key = {item.key: item for item in facts.absent} if facts else {}
    return tuple(
        Row((doc.marks(mark), doc.words(key_title(key)), doc.words(_searched(by_key[key]))), mark)
        for key, mark in writer.prose.named.items()
        if key in by_key and (mark in writer.cited) == cited
    )


def evidence(writer: Writer) -> Part:
    """Build part 15: facts, further quotes, what was not found, what was left out, further threats."""
    blocks: list[Block] = [*_facts(writer)]
    sources = {source.document: source for source in writer.view.draft.sources}
    rows = _quotes(writer, cited=False)
    if rows:
        blocks += [Heading(doc.words("Further quotes")), Table(_QUOTE_HEADS, rows)]
    elif not writer.view.draft.evidence:
        blocks += [Heading(doc.words("Quotes")), Paragraph(doc.words("No quote was found."))]
    # Build this first, since a shortened text may be the only one that names a search.
    in_full = _in_full(writer)
    further = [
        _further(writer), _questions(writer), _answers(writer), _work(writer), _contests(writer), _absent(writer),
        _dropped(writer), in_full,
    ]  # fmt: skip
    blocks += [block for group in further for block in group]
    documents = [
        Row(
            (
                doc.words(mark), doc.words(source.kind), doc.code(source.url), doc.words(str(source.chars)),
                doc.code(source.sha256[:_HASH]),
            )
        )
        for mark, source in sources.items()
    ]  # fmt: skip
    blocks.append(Heading(doc.words("Sources")))
    blocks.append(Table(("", "Kind", "Address", "Characters", "SHA-256, first 12"), tuple(documents), frozenset({3})))
    led: list[Text] = [
        (
            Span(f"Led to the {site.role}: "), Span(site.url, "code"), Span(", by the listing's "),
            Span(shorten(site.because, 120), "quote"),
        )
        for site in writer.view.draft.sites
    ]  # fmt: skip
    led += [doc.words(f"Not read: {what} ({reason})") for what, reason in unread(writer.view)]
    blocks += [Bullets(tuple(led))] if led else []
    return Part("evidence", doc.words("Facts and evidence"), tuple(blocks))


def _facts(writer: Writer) -> list[Block]:
    facts = writer.view.draft.facts
    if facts is None or not facts.facts:
        return []
    rows = tuple(_fact(writer, fact) for fact in facts.facts)
    heads = ("", "Fact", "Details", "About", "Read by", "Marks")
    return [Heading(doc.words("Facts")), Table(heads, rows)]


def _fact(writer: Writer, fact: Fact) -> Row:
    said = {"asserted": "", "denied": "not: ", "configurable": "by setting: "}[fact.polarity]
    details = "; ".join(f"{_SLOT_WORDS.get(slot.name, slot.name)}: {slot.value}" for slot in fact.slots)
    about = fact.about if fact.counts else f"{fact.about}; contradicted, does not count"
    return Row(
        (
            doc.code(fact.id), doc.words(said + key_title(fact.key)), doc.words(details), doc.words(about),
            doc.words(", ".join(_READERS[source.reader] for source in fact.sources)),
            doc.marks(*writer.prose.resolved(fact.evidence)),
        ),
        fact.id,
    )  # fmt: skip


def key_title(key: str) -> str:
    """Return the title of a vocabulary key; an unknown key is returned unchanged."""
    vocabulary = load_vocabulary()
    return vocabulary[key].title if key in vocabulary else key.replace("_", " ")


def _further(writer: Writer) -> list[Block]:
    shown = writer.view.top(writer.room.threats)
    rest = [item for item in writer.view.threats if item not in shown]
    blocks: list[Block] = [entry(writer, item, whole=True) for item in rest]
    return [Paragraph(doc.strong("Further threats")), *blocks] if blocks else []


def _questions(writer: Writer) -> list[Block]:
    asked = writer.questions
    if not asked:
        return []
    rest = asked[writer.room.questions :]
    blocks: list[Block] = []
    if rest:
        blocks += [Paragraph(doc.strong("Further questions")), question_table(writer, rest, 10_000)]
    settled = tuple(
        Row(
            (
                doc.ref(item.id), doc.words(listed([name_of(key) for key in item.settles])),
                writer.prose.text(item.proposed),
            )
        )
        for item in asked
    )  # fmt: skip
    blocks.append(Heading(doc.words("What answers settle")))
    return [*blocks, Table(("", "Settles", "An answer such as"), settled)]


def _answers(writer: Writer) -> list[Block]:
    """List the answered questions."""
    notes = writer.view.draft.notes
    rows = tuple(
        Row(
            (
                doc.words(one_line(each.text)), (Span(one_line(each.answer), "quote"),),
                doc.words(f"the {each.by}"), doc.code(each.page) if each.page else (),
            )
        )
        for each in (notes.answers if notes else ())
    )  # fmt: skip
    return [Heading(doc.words("Answered")), Table(("Question", "Answer", "By", "Page"), rows)] if rows else []


def _work(writer: Writer) -> list[Block]:
    """List the notes on the work on mitigations."""
    notes = writer.view.draft.notes
    names = {each.threat.id: each.name for each in writer.view.threats}
    rows = tuple(
        Row(
            (
                doc.ref(names[each.threat]) if each.threat in names else doc.words(each.threat),
                writer.prose.text(stopped(each.mitigation)), doc.words(doing_words(each)),
                doc.words(tenth(base_of(each.residual)) if each.residual else ""), doc.words(one_line(each.note)),
            )
        )
        for each in (notes.work if notes else ())
    )  # fmt: skip
    heads = ("", "Mitigation", "Who, until when, how far", "CVSS base with it", "Note")
    return [Heading(doc.words("Work on mitigations")), Table(heads, rows, frozenset({3}))] if rows else []


def _contests(writer: Writer) -> list[Block]:
    """List the contested points and the decision on each."""
    notes = writer.view.draft.notes
    rows = tuple(
        Row(
            (
                _called(writer.view.draft, each.item, each.title),
                (Span(one_line(each.text), "quote"),), doc.words(each.sender),
                doc.words(f"{each.decision}: {one_line(each.rule)}"),
            )
        )
        for each in (notes.contests if notes else ())
    )  # fmt: skip
    return [Heading(doc.words("Contested")), Table(("Item", "What was said", "By", "Decision"), rows)] if rows else []


def _absent(writer: Writer) -> list[Block]:
    facts = writer.view.draft.facts
    if facts is None or not facts.absent:
        return []
    named = writer.prose.named
    rows = _absences(writer, cited=False)
    blocks: list[Block] = [Heading(doc.words("Looked for and not found"))]
    if rows:
        blocks.append(Table(("", "Looked for", "Where"), rows))
    rest = [key_title(item.key) for item in facts.absent if item.key not in named]
    if rest:
        blocks.append(Paragraph(doc.words(f"Looked for as well, without any trace: {'; '.join(rest)}.")))
    return blocks


def _searched(item: Absence) -> str:
    documents = dict.fromkeys(mark for search in item.searched for mark in search.documents)
    statements = max(search.statements for search in item.searched)
    readers = listed([_READERS[search.reader] for search in item.searched])
    return f"{', '.join(documents)}: {counted(statements, 'statement')}, read by {readers}"


def _dropped(writer: Writer) -> list[Block]:
    rows = [Row((doc.words(what), doc.words(reason))) for what, reason in left_out(writer.view)]
    facts = writer.view.draft.facts
    for item in facts.dropped[:_FURTHER] if facts else ():
        reason = f"{item.reason}: {item.detail}" if item.detail else item.reason
        what: Text = (Span(f"{key_title(item.key)}, as read by {_READERS[item.reader]}: "), Span(item.quote, "quote"))
        rows.append(Row((what, doc.words(reason))))
    if facts and len(facts.dropped) > _FURTHER:
        more = len(facts.dropped) - _FURTHER
        rows.append(Row((doc.words(f"{more} more proposals for facts"), doc.words("each is in draft.json"))))
    if not rows:
        return []
    return [Heading(doc.words("Dropped")), Table(("What", "Why"), tuple(rows))]


def _in_full(writer: Writer) -> list[Block]:
    """List the full texts that the first two pages had to shorten."""
    whole = dict(writer.shortened)
    if not whole:
        return []
    rows = tuple(Row((writer.prose.sentence(name), writer.prose.text(raw))) for name, raw in whole.items() if bare(raw))
    return [Paragraph(doc.strong("In full, what was shortened above:")), Table(("", "Text"), rows)]


# ------------------------------------------------------------ method


def method(writer: Writer) -> Part:
    """Build part 16: how the draft was made, its limits, how to answer or contest it, the manifest, the signature."""
    view = writer.view
    draft = view.draft
    lines = [
        "Facts are quotes that code found again in the sources; threats, factors and metrics are judgements with "
        "reasons; every number is computed by code and can be computed again.",
        f"A control lowers only from rank {COUNTING_RANK} on, and only the threats that it names.",
        "Default use is the product as its own documentation first tells to install and run it.",
        "Only the listed sources were read and nothing was tested. “Not stated” speaks of these sources alone.",
        *usage_sentences(draft),
    ]
    mark = f"its mark, such as {draft.evidence[0].id}," if draft.evidence else "it"
    contest = (
        f"To contest a statement, name {mark} and a public page that says otherwise: one that names "
        f"setting, default, scope and who can change it has rank {COUNTING_RANK} and counts."
    )
    blocks: list[Block] = [Bullets(tuple(doc.words(with_stop(line)) for line in lines)), Paragraph(doc.words(contest))]
    if writer.questions:
        blocks += [Heading(doc.words("Response file")), Code(tuple(_response(writer)), "yaml")]
    made = [Row(tuple(doc.words(cell) for cell in row)) for row in authorships(draft)]
    if made:
        heads = ("Part", "Made by", "Why the LLM's is missing")
        blocks += [Heading(doc.words("Who made what")), Table(heads, tuple(made))]
    blocks += [Heading(doc.words("Manifest")), Table(("", ""), tuple(_manifest(view)))]
    return Part("method", doc.words("Method, limits, manifest"), (*blocks, *_signature(draft)))


def _response(writer: Writer) -> list[str]:
    lines = [f"draft: {json.dumps(writer.view.draft.id, ensure_ascii=False)}", "answers:"]
    for item in writer.questions:
        lines += [f"  {item.id}:", f"    # {one_line(item.proposed)}", '    answer: ""', '    page: ""']
    return lines


def _manifest(view: View) -> list[Row]:
    draft = view.draft
    rows = [("draft", draft.id), ("created", draft.created_at), ("schema", draft.schema_)]
    rows.append(("drafter", " ".join(filter(None, (draft.drafter.kind, draft.drafter.llm)))))
    rows += sorted(draft.manifest.items())
    hidden = LLM_USAGE if draft.drafter.kind == "llm" else ()
    rows += [(key.replace("_", " "), f"{value:g}") for key, value in sorted(draft.usage.items()) if key not in hidden]
    prompts = ", ".join(f"{ref.name} {ref.version} {ref.sha[:8]}" for ref in draft.drafter.prompts)
    rows += [("prompts", prompts)] if prompts else []
    made = [Row((doc.words(key), doc.code(value))) for key, value in rows]
    for source in draft.sources:
        asked = (Span(" asked for as "), Span(source.user_agent, "code")) if source.user_agent else ()
        made.append(Row((doc.words(f"{source.document} sha256"), (*doc.code(source.sha256), *asked))))
    return made


def _called(draft: Draft, item: str, title: str) -> Text:
    """Return an item's title, prefixed with its number for a threat; the item's id if no title is stored."""
    if not title:
        return doc.code(item)
    numbers = {f"threat/{each.threat.id}": each.name for each in View(draft).threats}
    kind, named, _ = item.partition("/")
    words = f"{kind.capitalize()}: {one_line(title)}" if named else one_line(title)
    return (*doc.ref(numbers[item]), Span(f" {one_line(title)}")) if item in numbers else doc.words(words)


def _signature(draft: Draft) -> list[Block]:
    """Return the signature's place in the audit log, which `septet audit-log verify --against` reads back."""
    stamp = draft.review
    if stamp is None:
        return []
    text: Text = (
        Span(
            f"Signed by {stamp.reviewer} ({stamp.role}) at {stamp.at}: {counted(stamp.waived, 'item')} waived, none "
            "open. SHA-256 of the signed draft: "
        ),
        Span(stamp.sha256, "code"),
        Span(". Place in the audit log, which "),
        Span("septet audit-log verify --against", "code"),
        Span(" compares with this file:"),
    )
    waived = tuple(
        (Span("Waived: "), *_called(draft, each.item, each.title), Span(f", {one_line(each.why)}"))
        for each in stamp.waivers
    )
    waived += tuple(doc.words(f"Not answered: {one_line(text)}") for text in stamp.unanswered)
    blocks: list[Block] = [Heading(doc.words("Signature")), Paragraph(text)]
    blocks += [Bullets(waived)] if waived else []
    return [*blocks, Paragraph(doc.words(head_line(stamp.review, stamp.number, stamp.head)))]
