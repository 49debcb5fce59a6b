"""Explanations of single items: factor, layer, threat, quote, question, chain, capability."""

from collections.abc import Sequence
from typing import Final, Literal

from pydantic import ConfigDict, Field

from agent.records import Capability, Chain, Draft, Evidence, Fact, Question, Record, State, Threat
from agent.records.evidence import MARK
from agent.report.authors import (
    authorships,
    drafter_words,
    made_by,
    reason_words,
    usage_sentences,
    who_made,
)
from agent.report.explain.sensitivity import counted_factors, swings
from agent.report.reference_pages import key_title, older_controls
from agent.report.safe_json import dumps
from agent.report.sentences import effect, if_clause, narrowing, span, tenth, threat_sentence, vector_words
from agent.report.view import COUNTING_RANK, View, is_proposed, name_of, rank_words
from agent.taxonomy.factors import FACTOR_TITLES, FACTORS, FactorKey
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LayerKey

PROPOSED_SIGNAL: Final = "proposed"
"""The signal of a capability found by an LLM."""
PROPOSED_ID: Final = "-proposed-"
_LABEL: Final = "made by"
SCHEMA: Final = "septet/explain/1"


class Row(Record):
    """A labelled line."""

    label: str
    text: str
    evidence: tuple[str, ...] = ()
    number: float | None = None
    """The number in the text, for machine use."""


class Passage(Record):
    """A heading with its rows."""

    heading: str
    rows: tuple[Row, ...]


class Explanation(Record):
    """What one item of a draft is based on, and what would change it."""

    schema_: Literal["septet/explain/1"] = Field(default=SCHEMA, alias="schema")
    draft: str
    """The draft's id."""
    item: str
    kind: str
    title: str
    passages: tuple[Passage, ...]

    model_config = ConfigDict(populate_by_name=True)


def makers(draft: Draft) -> list[Row]:
    """List who made each part, and the LLM's usage; empty for a draft without an LLM."""
    if draft.drafter.kind == "embedded":
        return []
    rows = [row("drafter", drafter_words(draft))]
    rows += [row("", text) for text in usage_sentences(draft)]
    rows += [row(part, f"{who}; {why}" if why else who) for part, who, why in authorships(draft)]
    return rows


def maker(draft: Draft, part: str) -> list[Row]:
    """Say who made a part, named as in `records.MadeBy`, and why not the LLM; empty for a draft without an LLM."""
    made = made_by(draft, part)
    if made is None:
        return []
    who = who_made(part.partition("/")[0], made.by)
    return [row(_LABEL, f"{who}; {reason_words(made.missing)}" if made.missing else who)]


def maker_of_question(draft: Draft) -> list[Row]:
    """Say who chose and worded the questions of a draft."""
    made = made_by(draft, "questions")
    if made is None or made.by == "embedded":
        return maker(draft, "questions")
    return [row(_LABEL, "chosen by the program, as is the answer; the question may be in the LLM's words")]


def maker_of_chain(draft: Draft, chain: Chain) -> list[Row]:
    """Say who linked the threats of a chain, if known."""
    made = made_by(draft, "chains")
    if made is None or made.by == "embedded":
        return maker(draft, "chains")
    if made.by == "llm" or any(PROPOSED_ID in threat for threat in chain.threats):
        return [row(_LABEL, "the LLM; the program found a quote for each step")]
    return [row(_LABEL, "the catalogue or the LLM; the program found a quote for each step")]


def maker_of_capability(draft: Draft, item: Capability) -> list[Row]:
    """Say who found a capability; empty for a draft without an LLM."""
    if item.signal == PROPOSED_SIGNAL:
        return [row(_LABEL, "the LLM, in words of the quote; credential and approver are the program's")]
    return [row(_LABEL, "the program")] if draft.drafter.kind == "llm" else []


def as_json_text(explanation: Explanation) -> str:
    """Serialise the explanation as JSON text, ending with a line feed."""
    plain = explanation.model_dump(mode="json", by_alias=True)
    return dumps(plain)


def row(label: str, text: str, evidence: Sequence[str] = (), number: float | None = None) -> Row:
    """Build a row from its parts."""
    return Row(label=label, text=text, evidence=tuple(evidence), number=number)


def passage(heading: str, rows: Sequence[Row]) -> Passage:
    """Build a passage from its parts."""
    return Passage(heading=heading, rows=tuple(rows))


def quotes(view: View, marks: Sequence[str], heading: str = "Quotes") -> Passage:
    """List the quotes of these marks with their place and rank."""
    rows = []
    for mark in dict.fromkeys(marks):
        item = view.evidence.get(mark)
        if item is not None:
            place = f"{item.document} characters {item.start} to {item.end}, rank {item.rank} {rank_words(item.rank)}"
            rows.append(row(mark, f"“{item.quote}” {place}, about the {item.about}"))
    return passage(heading, rows)


def questions_about(view: View, key: str) -> Passage:
    """List the questions whose answers would settle this factor or layer."""
    found = [
        row(item.id, f"{item.text} An answer such as: {item.proposed}", number=item.effect)
        for item in view.questions if key in item.settles
    ]  # fmt: skip
    return passage("What would change it", found)


def lowerings_of(view: View, keys: Sequence[str]) -> Passage:
    """List the lowerings whose target or evidence is among these keys, with the rule for each."""
    found = [
        row(
            name_of(item.target),
            f"{item.before:.2f} → {item.after:.2f}, rank {item.rank}: {item.rule}",
            (item.evidence,),
        )
        for item in view.draft.lowerings
        if item.target in keys or item.evidence in keys
    ]
    return passage("Lowered by", found)


def factor(view: View, key: FactorKey) -> Explanation:
    """Explain a factor: its parts, its quotes, what lowered it, how it moves the score, what would change it."""
    estimate = view.draft.factors[key]
    value = [
        row(
            "value",
            f"{tenth(estimate.value)}, likely {span(estimate.low, estimate.high)}",
            number=float(estimate.value),
        ),
        row("state", estimate.state),
        row("reason", estimate.rationale),
        *maker(view.draft, f"factors/{key}"),
    ]
    total = sum(part.effect for part in estimate.parts)
    parts = [
        row(
            part.kind,
            f"{part.label} {part.effect:.2f}" if part.kind == "typical" else f"{part.label} {effect(part.effect)}",
            (part.evidence,) if part.evidence else (),
            number=part.effect,
        )
        for part in estimate.parts
    ]
    if parts:
        parts.append(
            row("sum", f"{total:.3f}, held within 0 and 1 and shown as {tenth(estimate.value)}", number=round(total, 6))
        )
    moved = [
        row(
            "score",
            f"{item.score_low:.2f} at {item.low:.2f}, {item.score_high:.2f} at {item.high:.2f}",
            number=float(item.width),
        )
        for item in swings(view.draft.score) if item.name == key
    ]  # fmt: skip
    if key not in counted_factors(view.draft.score):
        moved = [row("score", f"not counted: not in factor set {view.draft.score.factor_set}")]
    marks = [*estimate.evidence, *(part.evidence for part in estimate.parts if part.evidence)]
    marks += MARK.findall(estimate.rationale)
    rules = [
        row("raises", "a quote of any rank that describes what the product does"),
        row("lowers", f"a fact that says what it cannot do, or a control of rank {COUNTING_RANK} or more"),
        row("floor", "what asserted facts imply; no answer of an LLM goes below it"),
    ]
    return _made(
        view, key, "factor", FACTOR_TITLES[key],
        [
            passage("Estimate", value), passage("Parts", parts), facts(view, view.facts_citing(marks)),
            quotes(view, marks), lowerings_of(view, [key]), passage("Moves the score", moved),
            questions_about(view, key), passage("Rules", rules),
        ],
    )  # fmt: skip


def layer(view: View, key: LayerKey) -> Explanation:
    """Explain a layer: why it is certain or not, its threats and their quotes, what would change it."""
    found = view.draft.layers[key]
    flag = "certain" if found.certain else "not certain"
    state = [
        row("flag", f"{flag}, certainty {found.certainty:.2f}", number=float(found.certainty)),
        row("applies", found.applies),
        row("paragraph", found.paragraph),
        *maker(view.draft, f"layers/{key}"),
    ]
    if found.missing is not None:
        state.append(row("missing", f"{found.missing.reason}: {found.missing.detail}"))
    features = [row(name, f"{value:g}", number=value) for name, value in sorted(found.features.items())]
    threats = [
        row(
            threat.id,
            f"{tenth(threat.score.aivss)} {threat.score.severity}, {threat.state}: {threat.title}",
            threat.evidence,
        )
        for threat in found.threats
    ]
    marks = [mark for threat in found.threats for mark in threat.evidence]
    marks += MARK.findall(found.paragraph)
    return _made(
        view, key, "layer", f"{LAYER_CODES[key]} {LAYER_TITLES[key]}",
        [
            passage("State", state), passage("Certainty was computed from", features),
            passage("Threats", threats), facts(view, view.facts_pinning(key)), quotes(view, marks),
            lowerings_of(view, [key]), questions_about(view, key),
        ],
    )  # fmt: skip


def threat(view: View, key: LayerKey, item: Threat) -> Explanation:
    """Explain a threat: how it works and its score, its facts and quotes, what lowers it, where it leads."""
    headline = view.headline is not None and view.headline.threat.id == item.id
    folded = [reason for _, other, reason in view.folded if other.id == item.id]
    about = [
        row("how", item.how or threat_sentence(item.statement)),
        *([row("lost", item.lost)] if item.lost else []),
        *(
            [row("basis", f"{item.basis}: {if_clause(item.setting)}" if item.setting else item.basis)]
            if item.basis
            else []
        ),
        row("layer", f"{LAYER_CODES[key]} {LAYER_TITLES[key]}"),
        row("state", item.state),
        row(
            "score",
            f"{tenth(item.score.aivss)} {item.score.severity}, base {tenth(item.score.cvss_base)}",
            number=float(item.score.aivss),
        ),
        row("headline", "yes, the draft's base is this threat's" if headline else "no"),
        *([row("made by", view.origin(item))] if is_proposed(item) else []),
        *(row("folded", reason) for reason in folded),
    ]
    metrics = [
        row(metric, f"{words}: {reason}" if reason else words)
        for metric, words, reason in vector_words(item.score.cvss_vector, item.score.reasons)
    ]
    known = [row(ref.id, f"{ref.title} ({ref.scheme})") for ref in item.taxonomy]
    done = [row(f"{m.who}, {m.status}", m.text, m.evidence) for m in item.mitigations]
    chains = [row("chain", chain.title) for chain in view.draft.chains if item.id in chain.threats]
    return _made(
        view, item.id, "threat", item.title,
        [
            passage("Threat", about), facts(view, item.facts), quotes(view, item.evidence),
            passage(item.score.cvss_vector, metrics),
            passage("Taxonomy", known), passage("Mitigations", done), lowerings_of(view, [item.id]),
            passage("Leads on", chains), questions_about(view, key),
        ],
    )  # fmt: skip


def evidence(view: View, item: Evidence) -> Explanation:
    """Explain a quote: its place and rank, everything that cites it, whether it counts as a control."""
    source = next((source for source in view.draft.sources if source.document == item.document), None)
    place = [
        row("quote", f"“{item.quote}”"),
        row("place", f"{item.document} characters {item.start} to {item.end}"),
        row("rank", f"{item.rank} {rank_words(item.rank)}", number=float(item.rank)),
        row("about", item.about),
    ]
    if source is not None:
        place.append(row("source", f"{source.url}, {source.kind}, sha256 {source.sha256}"))
    control = [
        row("counted" if found.counted else "not counted", found.why)
        for found in view.draft.controls or older_controls(view)
        if item.id in found.evidence
    ]
    return _made(
        view, item.id, "evidence", f"{item.id} in {item.document}",
        [
            passage("Quote", place), passage("Cited by", _citations(view, item.id)),
            passage("As a control", control), lowerings_of(view, [item.id]),
        ],
    )  # fmt: skip


def _citations(view: View, mark: str) -> list[Row]:
    draft = view.draft
    found = []
    for key in FACTORS:
        estimate = draft.factors.get(key)
        if estimate is None:
            continue
        effects = [part for part in estimate.parts if part.evidence == mark]
        found += [row(key, f"{part.label} {effect(part.effect)}", number=part.effect) for part in effects]
        if mark in estimate.evidence and not effects:
            found.append(row(key, "cited, no effect of its own"))
    for layer_key, layer_ in view.layers:
        if _mentions(layer_.paragraph, mark):
            found.append(row(layer_key, "in the layer's paragraph"))
        found += [row(threat_.id, threat_.title) for threat_ in layer_.threats if mark in threat_.evidence]
    found += [
        row(item.id, f"{item.action} {item.object}") for item in draft.system.capabilities if mark in item.evidence
    ]
    groups = (draft.system.actors, draft.system.components, draft.system.stores, draft.system.services)
    found += [row(f"system {item.id}", item.name) for group in groups for item in group if mark in item.evidence]
    found += [
        row(name, f"in the {name}")
        for name, text in (("summary", draft.product.summary), ("posture", draft.product.posture))
        if _mentions(text, mark)
    ]
    found += [row(each.id, fact_words(each)) for each in view.facts if mark in each.evidence]
    found += [row("flow", flow.what) for flow in draft.system.flows if mark in flow.evidence]
    found += [row("chain", chain_.title) for chain_ in draft.chains if any(mark in hop.evidence for hop in chain_.hops)]
    return found


def question(view: View, item: Question) -> Explanation:
    """Explain a question: what it settles, with the present values, and how much the likely range would shrink."""
    asked = [
        row("question", item.text),
        row("an answer such as", item.proposed),
        row("effect", narrowing(item.effect), number=item.effect),
        *([row("why", item.why)] if item.why else []),
        *([row("an answer changes", item.changes)] if item.changes else []),
        *maker_of_question(view.draft),
    ]
    settles = [row(name_of(key), _basis_words(view, key)) for key in item.settles]
    return _made(
        view, item.id, "question", f"{item.id} to the vendor",
        [passage("Question", asked), passage("Settles", settles)],
    )  # fmt: skip


def _basis_words(view: View, key: str) -> str:
    for name, estimate in view.draft.factors.items():
        if name == key:
            return f"{tenth(estimate.value)} ({span(estimate.low, estimate.high)}), {estimate.state}"
    for layer_name, layer_ in view.layers:
        if layer_name == key:
            return f"{'certain' if layer_.certain else 'not certain'}, certainty {layer_.certainty:.2f}"
    return "not in this draft"


def chain(view: View, item: Chain) -> Explanation:
    """Explain a chain: its threats in order, and the quotes for each hop."""
    titles = {threat_.id: threat_.title for _, layer_ in view.layers for threat_ in layer_.threats}
    steps = [row(identifier, titles.get(identifier, "folded")) for identifier in item.threats]
    hops = [
        row(
            f"{hop.source} → {hop.target}",
            "a quote supports it" if hop.evidence else "no quote: a question",
            hop.evidence,
        )
        for hop in item.hops
    ]
    marks = [mark for hop in item.hops for mark in hop.evidence]
    steps += maker_of_chain(view.draft, item)
    return _made(
        view, item.title, "chain", item.title,
        [passage("Threats", steps), passage("Hops", hops), quotes(view, marks)],
    )  # fmt: skip


def capability(view: View, item: Capability) -> Explanation:
    """Explain a capability: on whose authority it acts, its quotes, what depends on them."""
    about = [
        row("does", f"{item.action} {item.object}"),
        row("mode", item.mode),
        row("credential", item.credential or _unnamed(item.credential_state, "none used"), item.credential_evidence),
        row("approver", item.approver or _unnamed(item.approver_state, "nobody"), item.approver_evidence),
        row("data", ", ".join(item.data) or "not stated"),
        row("state", item.state if item.condition is None else f"{item.state}, {item.condition}"),
        row("signal", item.signal),
        *maker_of_capability(view.draft, item),
    ]
    factors = [
        row(key, f"{part.label} {effect(part.effect)}", (part.evidence,) if part.evidence else (), number=part.effect)
        for key in FACTORS if key in view.draft.factors
        for part in view.draft.factors[key].parts if part.signal == item.signal
    ]  # fmt: skip
    threats = [
        row(threat_.id, threat_.title, threat_.evidence)
        for _, layer_ in view.layers for threat_ in layer_.threats if set(threat_.evidence) & set(item.evidence)
    ]  # fmt: skip
    return _made(
        view, item.id, "capability", f"{item.id}: {item.action} {item.object}",
        [
            passage("Capability", about), quotes(view, item.evidence), passage("Moves factors", factors),
            passage("Threats on the same quotes", threats),
        ],
    )  # fmt: skip


def fact(view: View, item: Fact) -> Explanation:
    """Explain a fact: its statement and slots, who read it, its quotes, and everything that depends on it."""
    about = [
        row("says", fact_words(item)),
        row("about", item.about),
        row("state", item.state if item.counts else f"{item.state}; does not count"),
        row("confidence", f"{item.confidence:.2f}", number=item.confidence),
        row("rank", f"{item.rank} {rank_words(item.rank)}", number=float(item.rank)),
        *(row(slot.name, slot.value, (slot.evidence,) if slot.evidence else ()) for slot in item.slots),
        *(row("read by", f"{source.reader}, {source.state}, {source.confidence:.2f}") for source in item.sources),
        *(row("conflicts with", other) for other in item.conflicts_with),
    ]
    rests = [
        row(threat_.id, threat_.title) for _, layer_ in view.layers for threat_ in layer_.threats
        if item.id in threat_.facts
    ]  # fmt: skip
    rests += [row("control", found.text) for found in view.draft.controls if item.id in found.facts]
    rests += [row(line.label, line.text) for line in view.draft.lines if item.id in line.facts]
    marks = set(item.evidence)
    rests += [row(key, "cites its quotes") for key, each in view.draft.factors.items() if marks & set(each.evidence)]
    return _made(
        view, item.id, "fact", fact_words(item),
        [passage("Fact", about), quotes(view, item.evidence), passage("Rests on it", rests)],
    )  # fmt: skip


def facts(view: View, ids: Sequence[str]) -> Passage:
    """List these facts in words, with the marks of their quotes."""
    known = {each.id: each for each in view.facts}
    return passage("Facts", [row(one, fact_words(known[one]), known[one].evidence) for one in ids if one in known])


def fact_words(item: Fact) -> str:
    """Describe a fact in words."""
    said = {"asserted": "", "denied": "not: ", "configurable": "by setting: "}[item.polarity]
    details = ", ".join(slot.value for slot in item.slots)
    return f"{said}{key_title(item.key)}" + (f" ({details})" if details else "")


def _unnamed(state: State | None, denied: str) -> str:
    return denied if state == "denied" else "not stated"


def _mentions(text: str, mark: str) -> bool:
    return mark in MARK.findall(text)


def _made(view: View, item: str, kind: str, title: str, passages: Sequence[Passage]) -> Explanation:
    return Explanation(
        draft=view.draft.id, item=item, kind=kind, title=title,
        passages=tuple(part for part in passages if part.rows),
    )  # fmt: skip
