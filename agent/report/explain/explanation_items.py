"""Explanations of single items: factor, layer, threat, quote, fact, question, chain, capability."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from pydantic import ConfigDict, Field

from agent.records import Capability, Chain, Draft, Evidence, Fact, Part, Question, Record, Threat
from agent.records.evidence import MARK
from agent.report.authors import made_by, reason_words, who_made
from agent.report.explain.sensitivity import counted_factors, swings
from agent.report.picture import items_of
from agent.report.reference_pages import key_title, older_controls
from agent.report.safe_json import dumps
from agent.report.sentences import effect, if_clause, narrowing, span, tenth, threat_sentence, vector_words
from agent.report.view import COUNTING_RANK, PROPOSED, View, is_proposed, name_of, rank_words
from agent.taxonomy.factors import FACTOR_TITLES, FACTORS, FactorKey
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LayerKey

_MADE_BY: Final = "made by"
_RULES: Final = (
    ("raises", "a quote of any rank that describes what the product does"),
    ("lowers", f"a fact that states what it cannot do, or a control of rank {COUNTING_RANK} or more"),
    ("floor", "the minimum that asserted facts imply; an LLM's answer cannot go below it"),
)


class Row(Record):
    """A labelled line."""

    label: str
    text: str
    evidence: tuple[str, ...] = ()
    number: float | None = None
    """The number in the text, for programs."""


class Passage(Record):
    """A heading with its rows."""

    heading: str
    rows: tuple[Row, ...]


class Explanation(Record):
    """What one item of a draft is based on, and what would change it."""

    schema_: Literal["septet/explain/1"] = Field(default="septet/explain/1", alias="schema")
    draft: str
    """The draft's id."""
    item: str
    kind: str
    title: str
    passages: tuple[Passage, ...]

    model_config = ConfigDict(populate_by_name=True)


def as_json_text(explanation: Explanation) -> str:
    """Serialise the explanation as JSON text, ending with a line feed."""
    return dumps(explanation.model_dump(mode="json", by_alias=True))


def row(label: str, text: str, evidence: Sequence[str] = (), number: float | None = None) -> Row:
    """Build a row; `evidence` are the ids of the quotes that support its text."""
    return Row(label=label, text=text, evidence=tuple(evidence), number=number)


def passage(heading: str, rows: Iterable[Row]) -> Passage:
    """Build a passage from a heading and its rows."""
    return Passage(heading=heading, rows=tuple(rows))


def made(view: View, item: str, kind: str, title: str, *passages: Passage) -> Explanation:
    """Build an explanation from the passages that have rows."""
    kept = tuple(part for part in passages if part.rows)
    return Explanation(draft=view.draft.id, item=item, kind=kind, title=title, passages=kept)


# ------------------------------------------------------------ what several items have


def _maker(draft: Draft, part: str, with_llm: str = "") -> list[Row]:
    """Describe who made a part, and why the LLM's version is missing, if it is.

    If the LLM contributed to the part, `with_llm` replaces the description.
    """
    found = made_by(draft, part)
    if found is None:
        return []
    who = who_made(part.partition("/")[0], found.by)
    told = f"{who}; {reason_words(found.missing)}" if found.missing else who
    return [row(_MADE_BY, with_llm if with_llm and found.by != "embedded" else told)]


def quotes(view: View, marks: Sequence[str]) -> Passage:
    """List the quotes of these marks with their place and rank."""
    known = (view.evidence[mark] for mark in dict.fromkeys(marks) if mark in view.evidence)
    rows = (row(q.id, f"“{q.quote}” {_place(q)}, rank {_rank(q)}, about the {q.about}") for q in known)
    return passage("Quotes", rows)


def _place(item: Evidence) -> str:
    return f"{item.document} characters {item.start} to {item.end}"


def _rank(item: Evidence | Fact) -> str:
    return f"{item.rank} {rank_words(item.rank)}"


def _questions_about(view: View, key: str) -> Passage:
    found = [each for each in view.questions if key in each.settles]
    told = (row(q.id, f"{q.text} Example answer: {q.proposed}", number=q.effect) for q in found)
    return passage("What would change it", told)


def _lowerings_of(view: View, key: str) -> Passage:
    """List the lowered values of this target, or those that this quote lowered, with the rule for each."""
    rows = (
        row(name_of(m.target), f"{m.before:.2f} → {m.after:.2f}, rank {m.rank}: {m.rule}", (m.evidence,))
        for m in view.draft.lowerings
        if key in (m.target, m.evidence)
    )
    return passage("Lowered by", rows)


def _facts(view: View, ids: Sequence[str]) -> Passage:
    known = {each.id: each for each in view.facts}
    found = (known[one] for one in ids if one in known)
    return passage("Facts", (row(each.id, _fact_words(each), each.evidence) for each in found))


def _fact_words(item: Fact) -> str:
    said = {"asserted": "", "denied": "not: ", "configurable": "configurable: "}[item.polarity]
    details = ", ".join(slot.value for slot in item.slots)
    return f"{said}{key_title(item.key)}" + (f" ({details})" if details else "")


def _moved(label: str, part: Part) -> Row:
    """Describe what a part contributes to a factor's value."""
    added = f"{part.effect:.2f}" if part.kind == "typical" else effect(part.effect)
    return row(label, f"{part.label} {added}", (part.evidence,) if part.evidence else (), number=part.effect)


# ------------------------------------------------------------ items


def factor(view: View, key: FactorKey) -> Explanation:
    """Explain a factor: its parts, its quotes, what lowered it, how it moves the score, what would change it."""
    estimate, score = view.draft.factors[key], view.draft.score
    shown = tenth(estimate.value)
    value = [
        row("value", f"{shown}, likely {span(estimate.low, estimate.high)}", number=float(estimate.value)),
        row("state", estimate.state),
        row("reason", estimate.rationale),
        *_maker(view.draft, f"factors/{key}"),
    ]
    parts = [_moved(part.kind, part) for part in estimate.parts]
    if parts:
        total = sum(part.effect for part in estimate.parts)
        parts.append(row("sum", f"{total:.3f}, limited to 0 to 1 and shown as {shown}", number=round(total, 6)))
    moved = [row("score", f"not counted: not in factor set {score.factor_set}")]
    if key in counted_factors(score):
        moved = [
            row("score", f"{s.score_low:.2f} at {s.low:.2f}, {s.score_high:.2f} at {s.high:.2f}", number=float(s.width))
            for s in swings(score)
            if s.name == key
        ]
    marks = [*estimate.evidence, *(part.evidence for part in estimate.parts if part.evidence)]
    marks += MARK.findall(estimate.rationale)
    facts = [fact.id for fact in view.facts if set(fact.evidence) & set(marks)]
    return made(
        view, key, "factor", FACTOR_TITLES[key], passage("Estimate", value), passage("Parts", parts),
        _facts(view, facts), quotes(view, marks), _lowerings_of(view, key), passage("Effect on the score", moved),
        _questions_about(view, key), passage("Rules", (row(*rule) for rule in _RULES)),
    )  # fmt: skip


def layer(view: View, key: LayerKey) -> Explanation:
    """Explain a layer: why it is certain or not, its threats and their quotes, what would change it."""
    found = view.draft.layers[key]
    state = [
        row("status", _certainty(found.certain, found.certainty), number=float(found.certainty)),
        row("applies", found.applies),
        row("paragraph", found.paragraph),
        *_maker(view.draft, f"layers/{key}"),
    ]
    if found.missing is not None:
        state.append(row("missing", f"{found.missing.reason}: {found.missing.detail}"))
    threats = [
        row(each.id, f"{tenth(each.score.aivss)} {each.score.severity}, {each.state}: {each.title}", each.evidence)
        for each in found.threats
    ]
    marks = [mark for each in found.threats for mark in each.evidence] + MARK.findall(found.paragraph)
    features = (row(name, f"{value:g}", number=value) for name, value in sorted(found.features.items()))
    return made(
        view, key, "layer", f"{LAYER_CODES[key]} {LAYER_TITLES[key]}", passage("State", state),
        passage("Certainty was computed from", features), passage("Threats", threats),
        _facts(view, view.facts_pinning(key)), quotes(view, marks), _lowerings_of(view, key),
        _questions_about(view, key),
    )  # fmt: skip


def _certainty(certain: bool, certainty: object) -> str:
    return f"{'certain' if certain else 'not certain'}, certainty {certainty:.2f}"


def threat(view: View, key: LayerKey, item: Threat) -> Explanation:
    """Explain a threat: how it works and its score, its facts and quotes, what lowers it, where it leads."""
    headline = view.headline is not None and view.headline.threat.id == item.id
    score, basis = item.score, str(item.basis or "")
    scored = f"{tenth(score.aivss)} {score.severity}, base {tenth(score.cvss_base)}"
    about = [
        row("how", item.how or threat_sentence(item.statement)),
        row("at risk", item.lost),
        row("basis", f"{basis}: {if_clause(item.setting)}" if basis and item.setting else basis),
        row("layer", f"{LAYER_CODES[key]} {LAYER_TITLES[key]}"),
        row("state", item.state),
        row("score", scored, number=float(score.aivss)),
        row("headline", "yes, the draft's base comes from this threat" if headline else "no"),
        row(_MADE_BY, view.origin(item) if is_proposed(item) else ""),
        *(row("not shown", reason) for _, other, reason in view.folded if other.id == item.id),
    ]
    metrics = (
        row(metric, f"{words}: {reason}" if reason else words)
        for metric, words, reason in vector_words(score.cvss_vector, score.reasons)
    )
    return made(
        view, item.id, "threat", item.title,
        passage("Threat", (each for each in about if each.text or each.label not in ("at risk", "basis", _MADE_BY))),
        _facts(view, item.facts), quotes(view, item.evidence), passage(score.cvss_vector, metrics),
        passage("Taxonomy", (row(ref.id, f"{ref.title} ({ref.scheme})") for ref in item.taxonomy)),
        passage("Mitigations", (row(f"{m.who}, {m.status}", m.text, m.evidence) for m in item.mitigations)),
        _lowerings_of(view, item.id),
        passage("Attack chains", (row("chain", each.title) for each in view.draft.chains if item.id in each.threats)),
        _questions_about(view, key),
    )  # fmt: skip


def evidence(view: View, item: Evidence) -> Explanation:
    """Explain a quote: its place and rank, everything that cites it, whether it counts as a control."""
    source = next((source for source in view.draft.sources if source.document == item.document), None)
    place = [
        row("quote", f"“{item.quote}”"),
        row("place", _place(item)),
        row("rank", _rank(item), number=float(item.rank)),
        row("about", item.about),
    ]
    if source is not None:
        place.append(row("source", f"{source.url}, {source.kind}, sha256 {source.sha256}"))
    control = [
        row("counted" if found.counted else "not counted", found.why)
        for found in view.draft.controls or older_controls(view)
        if item.id in found.evidence
    ]
    return made(
        view, item.id, "evidence", f"{item.id} in {item.document}", passage("Quote", place),
        passage("Cited by", _citations(view, item.id)), passage("As a control", control), _lowerings_of(view, item.id),
    )  # fmt: skip


def _citations(view: View, mark: str) -> list[Row]:
    draft = view.draft
    found = []
    for key in FACTORS:
        if key in draft.factors:
            parts = [part for part in draft.factors[key].parts if part.evidence == mark]
            found += [row(key, f"{part.label} {effect(part.effect)}", number=part.effect) for part in parts]
            if mark in draft.factors[key].evidence and not parts:
                found.append(row(key, "cited, but with no separate effect"))
    for layer_key, each in view.layers:
        if mark in MARK.findall(each.paragraph):
            found.append(row(layer_key, "in the layer's paragraph"))
        found += [row(threat_.id, threat_.title) for threat_ in each.threats if mark in threat_.evidence]
    abilities = (item for item in draft.system.capabilities if mark in item.evidence)
    found += [row(item.id, f"{item.action} {item.object}") for item in abilities]
    found += [row(f"system {item.id}", item.name) for _, item in items_of(draft.system) if mark in item.evidence]
    for name, text in (("summary", draft.product.summary), ("posture", draft.product.posture)):
        found += [row(name, f"in the {name}")] if mark in MARK.findall(text) else []
    found += [row(each.id, _fact_words(each)) for each in view.facts if mark in each.evidence]
    found += [row("flow", flow.what) for flow in draft.system.flows if mark in flow.evidence]
    found += [row("chain", each.title) for each in draft.chains if any(mark in hop.evidence for hop in each.hops)]
    return found


def question(view: View, item: Question) -> Explanation:
    """Explain a question: what it settles, with the present values, and how much the likely range would shrink."""
    worded = "question and answer chosen by the program; the question may be in the LLM's words"
    asked = [
        row("question", item.text),
        row("example answer", item.proposed),
        row("effect", narrowing(item.effect), number=item.effect),
        *([row("why", item.why)] if item.why else []),
        *([row("an answer changes", item.changes)] if item.changes else []),
        *_maker(view.draft, "questions", worded),
    ]
    present: dict[str, str] = {
        **{key: _certainty(each.certain, each.certainty) for key, each in view.layers},
        **{key: f"{tenth(e.value)} ({span(e.low, e.high)}), {e.state}" for key, e in view.draft.factors.items()},
    }
    settles = (row(name_of(key), present.get(key, "not in this draft")) for key in item.settles)
    return made(
        view, item.id, "question", f"{item.id} to the vendor", passage("Question", asked), passage("Settles", settles)
    )


def chain(view: View, item: Chain) -> Explanation:
    """Explain a chain: its threats in order, and the quotes for each hop."""
    titles = {each.id: each.title for _, layer_ in view.layers for each in layer_.threats}
    steps = [row(identifier, titles.get(identifier, "not shown")) for identifier in item.threats]
    linked = made_by(view.draft, "chains")
    own = (linked is not None and linked.by == "llm") or any(PROPOSED in threat_ for threat_ in item.threats)
    who = "the LLM" if own else "the catalogue or the LLM"
    steps += _maker(view.draft, "chains", f"{who}; the program found a quote for each step")
    hops = []
    for hop in item.hops:
        supported = "a quote supports it" if hop.evidence else "no quote: an open question"
        hops.append(row(f"{hop.source} → {hop.target}", supported, hop.evidence))
    marks = [mark for hop in item.hops for mark in hop.evidence]
    return made(
        view, item.title, "chain", item.title, passage("Threats", steps), passage("Hops", hops), quotes(view, marks)
    )


def capability(view: View, item: Capability) -> Explanation:
    """Explain a capability: whose credential it uses and who approves it, its quotes, and what depends on them."""
    credential = item.credential or ("none used" if item.credential_state == "denied" else "not stated")
    approver = item.approver or ("nobody" if item.approver_state == "denied" else "not stated")
    about = [
        row("does", f"{item.action} {item.object}"),
        row("mode", item.mode),
        row("credential", credential, item.credential_evidence),
        row("approver", approver, item.approver_evidence),
        row("data", ", ".join(item.data) or "not stated"),
        row("state", item.state if item.condition is None else f"{item.state}, {item.condition}"),
        row("signal", item.signal),
    ]
    if item.signal == "proposed":
        about.append(row(_MADE_BY, "the LLM, in the words of the quote; credential and approver come from the program"))
    elif view.draft.drafter.kind == "llm":
        about.append(row(_MADE_BY, "the program"))
    present = [(key, view.draft.factors[key]) for key in FACTORS if key in view.draft.factors]
    factors = [_moved(key, part) for key, each in present for part in each.parts if part.signal == item.signal]
    threats = [
        row(threat_.id, threat_.title, threat_.evidence)
        for _, layer_ in view.layers for threat_ in layer_.threats if set(threat_.evidence) & set(item.evidence)
    ]  # fmt: skip
    return made(
        view, item.id, "capability", f"{item.id}: {item.action} {item.object}", passage("Capability", about),
        quotes(view, item.evidence), passage("Effects on factors", factors),
        passage("Threats with the same quotes", threats),
    )  # fmt: skip


def fact(view: View, item: Fact) -> Explanation:
    """Explain a fact: its statement and slots, who read it, its quotes, and everything that depends on it."""
    about = [
        row("says", _fact_words(item)),
        row("about", item.about),
        row("state", item.state if item.counts else f"{item.state}; does not count"),
        row("confidence", f"{item.confidence:.2f}", number=item.confidence),
        row("rank", _rank(item), number=float(item.rank)),
        *(row(slot.name, slot.value, (slot.evidence,) if slot.evidence else ()) for slot in item.slots),
        *(row("read by", f"{source.reader}, {source.state}, {source.confidence:.2f}") for source in item.sources),
        *(row("conflicts with", other) for other in item.conflicts_with),
    ]
    threats = (each for _, layer_ in view.layers for each in layer_.threats)
    rests = [row(each.id, each.title) for each in threats if item.id in each.facts]
    rests += [row("control", found.text) for found in view.draft.controls if item.id in found.facts]
    rests += [row(line.label, line.text) for line in view.draft.lines if item.id in line.facts]
    citing = (key for key, each in view.draft.factors.items() if set(item.evidence) & set(each.evidence))
    rests += [row(key, "cites its quotes") for key in citing]
    return made(
        view, item.id, "fact", _fact_words(item), passage("Fact", about), quotes(view, item.evidence),
        passage("Based on it", rests),
    )  # fmt: skip
