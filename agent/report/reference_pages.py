"""Parts 9 to 16 of the report: the supporting material for the first two pages."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from agent.drafting.threats.cvss_vectors import base_of
from agent.drafting.wording import capital
from agent.facts.vocabulary import load_vocabulary
from agent.records import ClaimedControl, Draft, Evidence, FormulaId, Score
from agent.records.draft import head_line
from agent.records.facts import ReaderName
from agent.report import document as doc
from agent.report.authors import LLM_USAGE, authorships, usage_sentences
from agent.report.document import Block, Bullets, Code, Extent, Part, Picture, Row, Span, Text
from agent.report.front_pages import Writer, doing_words, entry, on_page
from agent.report.picture import mermaid, picture as svg_picture, with_threats
from agent.report.prose import bare, marked, stopped
from agent.report.questions import question_table
from agent.report.safe_markdown import one_line, shorten
from agent.report.sentences import change, counted, finding_name, listed, span, tenth, vector_words
from agent.report.view import COUNTING_RANK, RankedThreat, View, name_of, rank_words
from agent.taxonomy.factors import FACTOR_SETS, FACTOR_TITLES, FACTORS

_HASH: Final = 12
_HEADING: Final = 32
_FURTHER: Final = 25
_ATTRIBUTION: Final = (
    "AIVSS: OWASP Agentic AI Vulnerability Scoring System. Layers: MAESTRO, Cloud Security Alliance. Base metrics: "
    "CVSS v4.0, FIRST. Bands: Critical from 9.0, High from 7.0, Medium from 4.0."
)
_FORMULAS: Final[dict[FormulaId, str]] = {
    "aivss-0.5": "average of base and factor sum",
    "aivss-0.8": "base raised by the factors",
    "aivss-1-amended": "as 0.8, with the amended multiplier",
    "cvss-bte": "CVSS v4.0 only",
}
_READERS: Final[dict[ReaderName, str]] = {
    "embedded": "the classifier",
    "llm": "the LLM",
    "manifest": "the manifest reader",
    "vendor-answer": "the vendor's answer",
    "analyst": "the analyst",
    "scanner": "a scanner",
}
_SLOT_WORDS: Final = {"counterpart": "with", "object": "what", "scope": "scope"}
_POLARITIES: Final = {"asserted": "", "denied": "not: ", "configurable": "configurable: "}
_METHOD: Final = (
    "Facts are supported by quotes that code has found in the sources; threats, factors and metrics are judgements "
    "with reasons; every number is computed by code and can be recomputed.",
    f"A control lowers a score only at rank {COUNTING_RANK} or above, and only for the threats that it addresses.",
    "Default use means that the product is installed and run in the first way that its own documentation describes.",
    "Only the listed sources were read, and nothing was tested. “Not stated” refers only to these sources.",
)


def _sentence(raw: str) -> str:
    """Format `raw` as a sentence, with a capital letter at its start and a full stop at its end."""
    return stopped(capital(raw))


def _section(title: str, heads: Sequence[str], rows: Iterable[Row], *numeric: int) -> list[Block]:
    """Build a heading with its table; nothing if there are no rows."""
    table = doc.table(heads, rows, *numeric)
    return [doc.heading(title), table] if table.rows else []


def factors(writer: Writer) -> Part:
    """Build part 9: each factor with its value, its range as a bar, and the reason."""
    draft = writer.view.draft
    in_set = FACTOR_SETS[draft.score.factor_set] if draft.score.factor_set else FACTORS
    present = [key for key in FACTORS if key in draft.factors]
    rows = []
    for key in (key for key in present if key in in_set):
        factor = draft.factors[key]
        extent = Extent(float(factor.value), float(factor.low), float(factor.high), 1.0)
        bar = (Span(span(factor.low, factor.high), "bar", extent=extent),)
        marks = tuple(dict.fromkeys((*factor.evidence, *(part.evidence for part in factor.parts if part.evidence))))
        unsaid = "See the quotes." if marks else "Not stated; the value is typical for this kind of product."
        raw = factor.rationale or unsaid
        text = writer.prose.text(_sentence(raw), () if marked(raw) else marks[:3])
        rows.append(doc.row(FACTOR_TITLES[key], tenth(factor.value), bar, text))
    if draft.score.factor_sum is not None:
        ends = draft.score.inputs.factor_sum if draft.score.inputs else None
        total = doc.strong(tenth(draft.score.factor_sum))
        rows.append(doc.row(doc.strong("Sum"), total, span(ends.low, ends.high) if ends else "", ""))
    blocks: list[Block] = [doc.table(("Factor", "Value", "Range", "Reason"), rows, 1)]
    outside = [f"{FACTOR_TITLES[key]} {tenth(draft.factors[key].value)}" for key in present if key not in in_set]
    if outside:
        blocks.append(doc.paragraph(f"Not part of this formula's factor set: {listed(outside)}."))
    return doc.part("factors", "Factors", *blocks)


# ------------------------------------------------------------ picture and chains


def picture(writer: Writer) -> Part:
    """Build part 10: boundaries, parts and flows, with the threats that use each flow; and what was assumed."""
    draft = writer.view.draft
    drawn = with_threats(draft.system, writer.view.threats)
    legend = "Solid lines are backed by a quote; dashed lines are assumed. Flow labels list the threats that use them."
    blocks: list[Block] = [doc.paragraph(legend), Picture(svg_picture(drawn), mermaid(drawn))]
    if draft.assumptions:
        blocks += [doc.heading("Assumptions"), Bullets(tuple(writer.prose.text(a) for a in draft.assumptions))]
    return doc.part("picture", "System picture", *blocks)


def chains(writer: Writer) -> Part:
    """Build part 11: chains step by step, each step with its supporting quote."""
    known = {item.threat.id: item for item in writer.view.threats}
    blocks: list[Block] = []
    for chain in writer.view.draft.chains:
        title = writer.prose.sentence(chain.title)
        hops = {hop.target: hop for hop in chain.hops}
        steps: list[Text] = []
        for n, identifier in enumerate(chain.threats):
            item, hop = known.get(identifier), hops.get(identifier)
            hidden = doc.words("a threat that is not shown")
            name = (*doc.refs(item.name), Span(f" {item.threat.title}")) if item else hidden
            cited = writer.prose.resolved(hop.evidence if hop else item.threat.evidence[:2] if item else ())
            inferred = (Span(" (inferred)"),) if n and not cited else ()
            said = [writer.view.evidence[mark].quote for mark in cited if mark in writer.view.evidence][:1]
            quoted = (Span(": "), *doc.quote(shorten(said[0], 140))) if said else ()
            steps.append((*name, *inferred, *quoted, *((Span(" "), *doc.marks(*cited)) if cited else ()), Span(".")))
        blocks += [doc.heading(title), Bullets(tuple(steps), numbered=True)]
    return doc.part("chains", "Attack chains", *(blocks or [doc.paragraph("No threat is known to lead to another.")]))


# ------------------------------------------------------------ controls


def controls(writer: Writer) -> Part:
    """Build part 12: each control that the sources claim, with its rank, its part, whether it counts, and why."""
    rows = []
    for item in writer.view.draft.controls or older_controls(writer.view):
        quotes = [writer.view.evidence[mark].quote for mark in item.evidence if mark in writer.view.evidence]
        said, marks = bare(item.text).rstrip("."), doc.marks(*writer.prose.resolved(item.evidence))
        at = quotes[0].casefold().find(said.casefold()) if quotes else -1
        if at >= 0:
            text = doc.joined(doc.quote(quotes[0][at : at + len(said)]), marks)
        elif quotes:
            text = doc.joined(doc.words(f"{capital(said)}:"), doc.quote(shorten(quotes[0], 160)), marks)
        else:
            text = writer.prose.sentence(stopped(item.text))
        part, why = writer.prose.sentence(item.part), writer.prose.text(_sentence(item.why))
        rows.append(doc.row(text, str(item.rank), part, "yes" if item.counted else "no", why))
    if not rows:
        return doc.part("controls", "Claimed controls", doc.paragraph("The sources claim no controls."))
    legend = f"A control counts only at rank {COUNTING_RANK} or above, and only for its own part of the product."
    table = doc.table(("Control", "Rank", "Part", "Counted?", "Why"), rows, 1)
    return doc.part("controls", "Claimed controls", doc.paragraph(legend), table)


def older_controls(view: View) -> tuple[ClaimedControl, ...]:
    """Collect the controls of an older draft, which stores none, from its lowered values and claimed mitigations."""
    lowered: dict[str, list[str]] = {}
    counting: set[str] = set()
    for item in view.draft.lowerings:
        moved = item.after < item.before
        said = f"lowers {name_of(item.target)} {change(item.before, item.after)}" if moved else item.rule
        lowered.setdefault(item.evidence, []).append(said)
        counting |= {item.evidence} if moved and item.rank >= COUNTING_RANK else set()
    for mitigation in (each for threat in view.threats for each in threat.threat.mitigations):
        for mark in mitigation.evidence if mitigation.status != "proposed" else ():
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
    """Build part 13: the arithmetic of the headline, the vector of each threat with its reasons, ranges, other formulas
    and attribution."""
    view, score = writer.view, writer.view.draft.score
    blocks: list[Block] = []
    if score.withheld is not None:
        told, typical = f"No score is shown: {score.withheld.rstrip('.')}.", tenth(score.provisional)
        more = f" With typical values, it would be {typical}." if score.provisional is not None else ""
        blocks.append(doc.paragraph(told + more))
    if score.arithmetic:
        blocks.append(Code(tuple(score.arithmetic.split("\n")), "text"))
    blocks.append(Bullets(tuple(map(doc.words, _score_lines(score)))))
    if view.threats:
        rows = []
        for item in view.threats:
            scored, vector = item.threat.score, doc.code(item.threat.score.cvss_vector)
            graded = f"{tenth(scored.aivss)} {scored.severity}"
            rows.append(doc.row(doc.refs(item.name), vector, tenth(scored.cvss_base), graded, item.threat.state))
        blocks.append(doc.table(("", "Vector", "Base", "AIVSS", "State"), rows, 2))
    for item in view.threats:
        blocks += _reasons(writer, item)
    computed = ((name, value) for name, value in score.alternatives.items() if name != score.formula)
    others = [doc.row(name, tenth(value), _FORMULAS[name]) for name, value in computed]
    blocks += [doc.table(("Other formula", "Value", "What it is"), others, 1)] if others else []
    blocks += map(doc.paragraph, (*score.warnings, _ATTRIBUTION))
    return doc.part("scores", "Scores", *blocks)


def _score_lines(score: Score) -> Iterator[str]:
    yield (
        f"Formula {score.formula}; threat multiplier {score.threat_multiplier:.2f}, the AIVSS default for attacks "
        f"with a known proof of concept; mitigation factor {score.mitigation_factor:.2f}, before controls; "
        "rounded half up."
    )
    if score.low is not None and score.high is not None:
        yield f"Score range with all open inputs at their lowest and highest values: {span(score.low, score.high)}."
    if score.likely_low is not None and score.likely_high is not None:
        far = score.likely
        spread = f" (-{tenth(far.below)} to +{tenth(far.above)})" if far is not None else ""
        yield (
            f"Likely range: {span(score.likely_low, score.likely_high)}{spread}. For labelled products, four out "
            "of five expert scores were this close to the drafted score."
        )
    kept, claims = score.with_controls, score.without_vendor_claims
    if kept is not None:
        yield f"With the documented controls: {tenth(kept.aivss)} {kept.severity}."
    if claims is not None and claims.aivss is not None:
        same = ", unchanged" if claims.aivss == score.aivss else ""
        yield f"Without the vendor's claims: {tenth(claims.aivss)} {claims.severity}{same}."
    elif claims is not None:
        yield f"Without the vendor's claims: not scored, {(claims.withheld or '').rstrip('.')}."


def _reasons(writer: Writer, item: RankedThreat) -> list[Block]:
    """List the metrics of a threat's vector with their reasons; empty if no reason is stored."""
    score = item.threat.score
    if not score.reasons:
        return []
    told = vector_words(score.cvss_vector, score.reasons)
    rows = [doc.row(metric, meaning, writer.prose.text(_sentence(reason))) for metric, meaning, reason in told]
    title = (*doc.refs(item.name), Span(f" {item.threat.title}, metric by metric"))
    return [doc.heading(title), doc.table(("Metric", "Meaning", "Reason"), rows)] if rows else []


# ------------------------------------------------------------ findings


def findings(writer: Writer) -> Part:
    """Build part 14: hidden text, orders to assessors and other findings, with their place."""
    sources = writer.view.draft.sources
    rows = []
    for finding in (finding for source in sources for finding in source.findings):
        place = f"{finding.start}–{finding.end}" if finding.end > finding.start else "removed"
        text = doc.quote(shorten(finding.excerpt, 120))
        rows.append(doc.row(finding_name(finding), finding.document, finding.where, place, text))
    ids = listed([source.document for source in sources]) or "the sources"
    block = doc.table(("Finding", "Source", "Where", "Characters", "Excerpt"), rows)
    return doc.part("findings", "Findings in the sources", block if rows else doc.paragraph(f"None in {ids}."))


# ------------------------------------------------------------ facts and evidence


def quotes(writer: Writer) -> Part:
    """Build the entries for the marks on the first two pages: quotes with their place, and searches without hits."""
    draft, blocks = writer.view.draft, list[Block]()
    cited = [item for item in draft.evidence if item.id in writer.cited]
    if cited:
        named = {item.document for item in cited}
        read = [source for source in draft.sources if source.document in named]
        sources = [(Span(f"{source.document}: "), *doc.code(source.url)) for source in read]
        # Use a list, because many quotes are table rows, whose borders could not be shown inside a table.
        items = [
            doc.joined(doc.joined(doc.marks(q.id), doc.quote(q.quote)), doc.words(_place(writer.view, q)), by=" · ")
            for q in cited
        ]
        blocks += [doc.paragraph(doc.joined(*sources, by=" · ")), Bullets(tuple(items), ids=tuple(q.id for q in cited))]
    absent = _absences(writer, cited=True)
    blocks += [doc.table(("", "Looked for, not found", "Where"), absent)] if absent else []
    return doc.part("quotes", "Quotes behind the marks" if blocks else "", *blocks)


def _place(view: View, item: Evidence) -> str:
    """Return the place of a quote: the heading above it, or its character range if no section is known."""
    page = [each for each in view.documents if each.id == item.document]
    section = next((part for each in page for part in each.sections if part.start <= item.start < part.end), None)
    if section is None:
        return f"{item.document}, {item.start}–{item.end}"
    heading = f"“{shorten(section.path[-1], _HEADING)}”" if section.path else "top"
    if any(b.kind == "front-matter" and b.start <= item.start < b.end for each in page for b in each.blocks):
        heading = "front matter"
    return heading if len(view.draft.sources) == 1 else f"{item.document}, {heading}"


def _absences(writer: Writer, *, cited: bool) -> list[Row]:
    """Return rows for the searches that found nothing: those cited on the first two pages, or the others."""
    facts = writer.view.draft.facts
    by_key = {item.key: item.searched for item in facts.absent} if facts else {}
    rows = []
    for key, mark in writer.prose.named.items():
        if key in by_key and (mark in writer.cited) == cited:
            documents = dict.fromkeys(each for search in by_key[key] for each in search.documents)
            statements = counted(max(search.statements for search in by_key[key]), "statement")
            readers = listed([_READERS[search.reader] for search in by_key[key]])
            where = f"{', '.join(documents)}: {statements}, read by {readers}"
            rows.append(doc.row(doc.marks(mark), key_title(key), where, id_=mark))
    return rows


def evidence(writer: Writer) -> Part:
    """Build part 15: facts, further quotes, what was not found, what was left out, further threats."""
    draft = writer.view.draft
    blocks = _facts(writer)
    rows = [
        doc.row(
            doc.marks(q.id), doc.quote(q.quote), f"{q.document}, {q.start}–{q.end}", f"{q.rank} {rank_words(q.rank)}",
            q.about, id_=q.id,
        )
        for q in draft.evidence if q.id not in writer.cited
    ]  # fmt: skip
    heads = ("", "Quote", "Source, position in its text", "Rank", "About")
    blocks += _section("Further quotes", heads, rows)
    if not draft.evidence:
        blocks += [doc.heading("Quotes"), doc.paragraph("No quote was found.")]
    # Build this first, because a shortened text may be the only one that cites a search.
    in_full = _in_full(writer)
    told, top = on_page(writer), writer.view.top(writer.room.threats)
    later = [item for item in writer.view.threats if item not in top]
    made = [entry(writer, item, whole=True) for item in later]
    # A threat with a short entry on the first two pages already has its id there, and ids must be unique.
    further = [replace(one, id="") if item in told else one for item, one in zip(later, made, strict=True)]
    blocks += [doc.paragraph(doc.strong("Further threats")), *further] if further else []
    blocks += [*_questions(writer), *_notes(writer), *_absent(writer), *_dropped(writer), *in_full]
    documents = [
        doc.row(s.document, s.kind, doc.code(s.url), str(s.chars), doc.code(s.sha256[:_HASH])) for s in draft.sources
    ]
    table = doc.table(("", "Kind", "Address", "Characters", "SHA-256, first 12"), documents, 3)
    blocks += [doc.heading("Sources"), table]
    led: list[Text] = []
    for site in draft.sites:
        because = (Span(", found in the listing under "), *doc.quote(shorten(site.because, 120)))
        led.append((Span(f"Followed a link to the {site.role}: "), *doc.code(site.url), *because))
    led += [doc.words(f"Not read: {each.what} ({each.reason})") for each in writer.view.unread]
    blocks += [Bullets(tuple(led))] if led else []
    return doc.part("evidence", "Facts and evidence", *blocks)


def _facts(writer: Writer) -> list[Block]:
    rows = []
    for fact in writer.view.facts:
        details = "; ".join(f"{_SLOT_WORDS.get(slot.name, slot.name)}: {slot.value}" for slot in fact.slots)
        about = fact.about if fact.counts else f"{fact.about}; contradicted, does not count"
        readers = ", ".join(_READERS[source.reader] for source in fact.sources)
        marks = doc.marks(*writer.prose.resolved(fact.evidence))
        said = _POLARITIES[fact.polarity] + key_title(fact.key)
        rows.append(doc.row(doc.code(fact.id), said, details, about, readers, marks, id_=fact.id))
    return _section("Facts", ("", "Fact", "Details", "About", "Read by", "Marks"), rows)


def key_title(key: str) -> str:
    """Return the title of a vocabulary key; an unknown key is returned unchanged."""
    vocabulary = load_vocabulary()
    return vocabulary[key].title if key in vocabulary else key.replace("_", " ")


def _questions(writer: Writer) -> list[Block]:
    rest = writer.questions[writer.room.questions :]
    blocks: list[Block] = []
    if rest:
        blocks = [doc.paragraph(doc.strong("Further questions")), question_table(writer, rest, 10_000)]
    settled = []
    for item in writer.questions:
        keys = listed([name_of(key) for key in item.settles])
        settled.append(doc.row(doc.refs(item.id), keys, writer.prose.text(item.proposed)))
    return blocks + _section("What answers settle", ("", "Settles", "Example answer"), settled)


def _notes(writer: Writer) -> list[Block]:
    """List the notes of a review: answered questions, work on mitigations, contested points with their decisions."""
    notes, names = writer.view.draft.notes, {each.threat.id: each.name for each in writer.view.threats}
    if notes is None:
        return []
    answers = [
        doc.row(one_line(a.text), doc.quote(one_line(a.answer)), f"the {a.by}", doc.code(a.page)) for a in notes.answers
    ]
    work = [
        doc.row(
            doc.refs(names[each.threat]) if each.threat in names else each.threat,
            writer.prose.text(stopped(each.mitigation)), doing_words(each),
            tenth(base_of(each.residual)) if each.residual else "", one_line(each.note),
        )
        for each in notes.work
    ]  # fmt: skip
    contests = [
        doc.row(
            _called(writer.view.draft, each.item, each.title), doc.quote(one_line(each.text)), each.sender,
            f"{each.decision}: {one_line(each.rule)}",
        )
        for each in notes.contests
    ]  # fmt: skip
    heads = ("", "Mitigation", "Owner, due date, status", "Residual CVSS base", "Note")
    return [
        *_section("Answered", ("Question", "Answer", "By", "Page"), answers),
        *_section("Work on mitigations", heads, work, 3),
        *_section("Contested", ("Item", "What was said", "By", "Decision"), contests),
    ]


def _absent(writer: Writer) -> list[Block]:
    facts = writer.view.draft.facts
    if facts is None or not facts.absent:
        return []
    rows = _absences(writer, cited=False)
    blocks: list[Block] = [doc.heading("Looked for and not found")]
    blocks += [doc.table(("", "Looked for", "Where"), rows)] if rows else []
    rest = [key_title(item.key) for item in facts.absent if item.key not in writer.prose.named]
    if rest:
        blocks.append(doc.paragraph(f"Also looked for but not found: {'; '.join(rest)}."))
    return blocks


def _dropped(writer: Writer) -> list[Block]:
    rows = [doc.row(each.what, each.reason) for each in writer.view.left_out]
    dropped = writer.view.draft.facts.dropped if writer.view.draft.facts else ()
    for item in dropped[:_FURTHER]:
        what = (Span(f"{key_title(item.key)}, as read by {_READERS[item.reader]}: "), *doc.quote(item.quote))
        rows.append(doc.row(what, f"{item.reason}: {item.detail}" if item.detail else item.reason))
    if len(dropped) > _FURTHER:
        rows.append(doc.row(f"{len(dropped) - _FURTHER} more proposed facts", "all are in draft.json"))
    return _section("Dropped", ("What", "Why"), rows)


def _in_full(writer: Writer) -> list[Block]:
    """List in full everything that the first two pages had to shorten."""
    whole = dict(writer.shortened)
    rows = [doc.row(writer.prose.sentence(name), writer.prose.text(raw)) for name, raw in whole.items() if bare(raw)]
    title = doc.paragraph(doc.strong("Full text of passages shortened above:"))
    return [title, doc.table(("", "Text"), rows)] if whole else []


# ------------------------------------------------------------ method


def method(writer: Writer) -> Part:
    """Build part 16: how the draft was made, its limits, how to answer or contest it, the manifest, the signature."""
    draft = writer.view.draft
    lines = [doc.words(stopped(line)) for line in (*_METHOD, *usage_sentences(draft))]
    mark = f"its mark, such as {draft.evidence[0].id}," if draft.evidence else "it"
    contest = (
        f"To contest a statement, cite {mark} and a public page that says otherwise. A page that states the "
        f"setting, its default, its scope and who can change it has rank {COUNTING_RANK} and counts."
    )
    blocks: list[Block] = [Bullets(tuple(lines)), doc.paragraph(contest)]
    if writer.questions:
        response = [f"draft: {json.dumps(draft.id, ensure_ascii=False)}", "answers:"]
        for item in writer.questions:
            response += [f"  {item.id}:", f"    # {one_line(item.proposed)}", '    answer: ""', '    page: ""']
        blocks += [doc.heading("Response file"), Code(tuple(response), "yaml")]
    made = (doc.row(*cells) for cells in authorships(draft))
    blocks += _section("Who made what", ("Part", "Made by", "Why the LLM's version is missing"), made)
    blocks += _section("Manifest", ("", ""), _manifest(draft))
    return doc.part("method", "Method, limits, manifest", *blocks, *_signature(draft))


def _manifest(draft: Draft) -> list[Row]:
    rows = [("draft", draft.id), ("created", draft.created_at), ("schema", draft.schema_)]
    rows.append(("drafter", " ".join(filter(None, (draft.drafter.kind, draft.drafter.llm)))))
    rows += sorted(draft.manifest.items())
    hidden = LLM_USAGE if draft.drafter.kind == "llm" else ()
    rows += [(key.replace("_", " "), f"{value:g}") for key, value in sorted(draft.usage.items()) if key not in hidden]
    prompts = ", ".join(f"{ref.name} {ref.version} {ref.sha[:8]}" for ref in draft.drafter.prompts)
    rows += [("prompts", prompts)] if prompts else []
    made = [doc.row(key, doc.code(value)) for key, value in rows]
    for source in draft.sources:
        asked = (Span(" requested as "), *doc.code(source.user_agent)) if source.user_agent else ()
        made.append(doc.row(f"{source.document} sha256", (*doc.code(source.sha256), *asked)))
    return made


def _called(draft: Draft, item: str, title: str) -> Text:
    """Return an item's title, prefixed with its number for a threat; the item's id if no title is stored."""
    if not title:
        return doc.code(item)
    number = next((each.name for each in View(draft).threats if item == f"threat/{each.threat.id}"), "")
    if number:
        return (*doc.refs(number), Span(f" {one_line(title)}"))
    kind, named, _ = item.partition("/")
    return doc.words(f"{kind.capitalize()}: {one_line(title)}" if named else one_line(title))


def _signature(draft: Draft) -> list[Block]:
    """Return the signature and its place in the audit log, which `septet audit-log verify --against` reads."""
    stamp = draft.review
    if stamp is None:
        return []
    waivers = f"{counted(stamp.waived, 'item')} waived, none open."
    signed = f"Signed by {stamp.reviewer} ({stamp.role}) at {stamp.at}: {waivers}"
    text: Text = (
        Span(f"{signed} SHA-256 of the signed draft: "),
        *doc.code(stamp.sha256),
        Span(". Place in the audit log, which "),
        *doc.code("septet audit-log verify --against"),
        Span(" compares with this file:"),
    )
    waived: list[Text] = [
        (Span("Waived: "), *_called(draft, each.item, each.title), Span(f", {one_line(each.why)}"))
        for each in stamp.waivers
    ]
    waived += [doc.words(f"Not answered: {one_line(text)}") for text in stamp.unanswered]
    blocks: list[Block] = [doc.heading("Signature"), doc.paragraph(text)]
    blocks += [Bullets(tuple(waived))] if waived else []
    return [*blocks, doc.paragraph(head_line(stamp.review, stamp.number, stamp.head))]
