"""Write the paragraph of each layer: facts and their consequences, or general commentary labelled as such.

If the layer is settled, one or two sentences state the facts, with marks, and their consequences. Otherwise,
the paragraph starts with `MARK`, followed by the LLM's findings, with marks, or general commentary for the kind. If the
draft asks no question that settles the layer, the paragraph adds one. A paragraph has at most 35 words.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from agent.drafting.judgement import Given, JudgedLayer
from agent.drafting.layers.certainty import Certainty
from agent.drafting.product.capability_rows import fact_lines
from agent.drafting.product.posture import posture_keys
from agent.drafting.threats.selection import Found
from agent.drafting.wording import (
    Said,
    abilities,
    asserted,
    capital,
    cited_by,
    excerpt,
    marks,
    predicates,
    renamed,
    said,
    subject,
    word_count,
)
from agent.facts.knowledge import loader
from agent.facts.sheet import counted
from agent.facts.vocabulary import load_vocabulary
from agent.records import Evidence, FactSheet, LayerThreats, Missing, Question, Record
from agent.records.evidence import MARK as CITATION
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LAYERS, LayerKey

MARK: Final = "Not certain from the listing — "
MAX_WORDS: Final = 35
_MOST_LED: Final = 60
"""Maximum number of words in an LLM's paragraph on an uncertain layer; the report drops sentences to shorten it."""
_TOLD_WORDS: Final = 30
_FEW_WORDS: Final = 4
"""Minimum number of words in a sentence; a shorter quote is treated as a name."""
_IN_ITS_WORDS: Final = frozenset({
    "security_warning", "known_incident", "not_production_ready", "secret_handling", "names_llm", "named_clients",
    "connected_services", "scopes", "access_roles", "framework_coverage",
})  # fmt: skip
"""Keys whose source sentences say more than the key, unless a slot contains the detail."""
_NAME_WORDS: Final = 3
"""Maximum number of words in a product name; longer names are replaced by "It" in a paragraph."""


class LayerTexts(Record):
    """The content of `corpus/knowledge/layer_texts.yaml`."""

    commentary: dict[ProductKind, dict[LayerKey, str]]
    ask: dict[LayerKey, str]
    follows: dict[LayerKey, dict[str, str]]


load_layer_texts: Final = loader("layer_texts.yaml", LayerTexts)
"""Loads the commentary by kind and layer, the questions by layer, and the consequences by layer and key."""


def paragraphs(
    given: Given,
    certainty: Mapping[LayerKey, Certainty],
    found: Found,
    questions: Sequence[Question],
    told_in: Mapping[LayerKey, str],
) -> dict[LayerKey, LayerThreats]:
    """Build all seven layers with their threats, using an LLM's paragraph if its facts and quotes still exist.

    `questions` are the draft's questions. An uncertain layer refers to the question that settles it most directly, or
    has a question in its paragraph if there is none. `told_in` contains the quote ids of layers supported only by a
    statement. A paragraph prefers facts that the posture, the capability rows and other layers have not used yet.
    """
    sheet = given.sheet
    # Collect keys and marks already used, so that no fact or quote is repeated.
    rows = {fact for line in fact_lines(given) for fact in line.facts}
    told = {fact.key for fact in sheet.facts if fact.id in rows} | posture_keys(sheet)
    layers: dict[LayerKey, LayerThreats] = {}
    for layer in LAYERS:
        state = certainty[layer]
        if led := given.judgement.layers.get(layer):
            led = led.model_copy(update={"paragraph": renamed(led.paragraph, found.called)})
        question = None if state.certain else _question(questions, layer)
        applies: Literal["yes", "no", "unknown"] = "yes" if state.certain else "unknown"
        if layer == "foundation_models" and _has_no_llm(given):
            applies = "no"
            one = said(sheet, keys=("no_llm",), polarity="asserted")[0]
            text = f"Does not apply: it {one.clause}{marks(one.evidence)}."
        elif state.certain and state.telling is not None:
            mark = told_in[layer]
            text = _in_words(state.telling.quote, mark) or _general(given.kind, layer, (mark,))
            told.add(mark)
        elif state.certain:
            text = _certain(given, layer, state, told, led)
        else:
            text = _uncertain(given, layer, question, led)
        layers[layer] = LayerThreats(
            applies=applies,
            certain=state.certain,
            certainty=round(state.certainty, 4),
            features=dict(state.features),
            paragraph=text,
            threats=tuple(placed.threat for placed in found.threats if placed.layer == layer),
            missing=None if state.certain else _missing(sheet, layer),
            question=question,
        )
    return layers


def _question(questions: Sequence[Question], layer: LayerKey) -> str | None:
    """Return the id of the question that settles the layer most directly: one that lists it early, among few others."""
    about = [each for each in questions if layer in each.settles]
    return min(about, key=lambda each: (each.settles.index(layer), len(each.settles))).id if about else None


def _has_no_llm(given: Given) -> bool:
    """Return whether a product has no LLM at all; servers and skills always use the LLM of their client."""
    others = asserted(given.sheet, "names_llm", "client_brings_llm", "self_hosted_llm", "model_choice")
    none = counted(given.sheet, "no_llm", "asserted")
    return given.kind not in ("mcp-server", "agent-skill") and bool(none) and not others


def _certain(given: Given, layer: LayerKey, state: Certainty, told: set[str], led: JudgedLayer | None) -> str:
    holds = led is not None and given.stands(led.paragraph, led.facts, led.evidence)
    if led is not None and holds and CITATION.search(led.paragraph):
        return led.paragraph
    chosen = _chosen(given.sheet, layer, state, told)
    if led is not None:
        # The LLM's paragraph has no quote. Append a quote to what remains of the paragraph, because a generated
        # sentence would clash with the LLM's style.
        quotes = (*given.sheet.evidence, *given.judgement.evidence)
        if quoted := _quoted((*led.evidence, *cited_by(chosen)), quotes):
            told |= {one.key for one in chosen}
            return f"{led.paragraph if holds else ''} {quoted}".strip()
    follows = load_layer_texts().follows[layer]
    first = chosen[0] if chosen else None
    # A saying can be paraphrased if it is sure and its key says as much as the source does.
    plain = first and first.sure and (first.key not in _IN_ITS_WORDS or first.what != first.words.what)
    if first is None or not plain or first.key in told:
        cited = cited_by(chosen) or given.quotes(state.facts)
        if quoted := _quoted([mark for mark in cited if mark not in told], given.sheet.evidence):
            then = follows.get(first.key, "") if first and first.sure else ""
            told |= {*(one.key for one in chosen), *cited}
            return f"{quoted} {then}" if then and word_count(f"{quoted} {then}") <= MAX_WORDS else quoted
        if not (first and first.sure):
            return _general(given.kind, layer, cited)
    told |= {one.key for one in chosen}
    who = given.name if len(given.name.split()) <= _NAME_WORDS else "It"
    inference = next((follows[one.key] for one in chosen if one.polarity != "denied" and one.key in follows), "")
    both = f"{_statement(given.kind, who, chosen)} {inference}".strip()
    if word_count(both) <= MAX_WORDS:
        return both
    text = _statement(given.kind, who, chosen[:1])
    whole = f"{text} {inference}".strip() if chosen[0].key in follows else text
    return whole if word_count(whole) <= MAX_WORDS else text


def _general(kind: ProductKind, layer: LayerKey, cited: Sequence[str]) -> str:
    """Build general commentary on a settled layer that cites its quotes, for use when none fits in a sentence."""
    seen = f" See{marks(cited, 2)}." if cited else ""
    return f"{capital(load_layer_texts().commentary[kind][layer])}{seen}"


def _quoted(marks_: Sequence[str], evidence: Sequence[Evidence]) -> str:
    """Build a sentence with the first usable quote, preferably one that needs no cut, or return an empty string."""
    quotes = {item.id: item.quote for item in evidence}
    usable = [text for mark in marks_ if (text := _in_words(quotes.get(mark, ""), mark))]
    return next((text for text in usable if "…" not in text), usable[0] if usable else "")


def _in_words(quote: str, mark: str) -> str:
    """Build a sentence with the quote or its longest usable part, or return an empty string."""
    words = excerpt(quote, _TOLD_WORDS)
    if not word_count(words):
        return ""
    return f"The sources {'say:' if word_count(words) >= _FEW_WORDS else 'mention'} “{words}” [{mark}]."


def _statement(kind: ProductKind, who: str, shown: Sequence[Said]) -> str:
    """Build the sentence for the shown sayings. A skill's or framework's subject is an agent that uses it."""
    cited = marks(cited_by(shown))
    plain = all(one.is_ability and one.entry.group in ("does", "reads", "decides") for one in shown)
    if kind in ("agent-skill", "agent-framework") and plain:
        return f"{subject(kind, 'it' if who == 'It' else who)} {predicates(shown, plain=True)}{cited}."
    return f"{who} {abilities(shown)}{cited}."


def _chosen(sheet: FactSheet, layer: LayerKey, state: Certainty, told: set[str]) -> list[Said]:
    """Choose one or two sayings for a layer's paragraph from the facts behind its certainty, grave ones first."""
    follows = load_layer_texts().follows[layer]
    rows = list(said(sheet, keys=[key.id for key in load_vocabulary().pinning(layer)]))
    if not rows:
        keys = dict.fromkeys(fact.key for fact in sheet.facts if fact.id in state.facts)
        # Mark facts that merely concern the layer as unsure, because their quotes say more than a paraphrase.
        rows = [one._replace(sure=False) for one in said(sheet, keys=keys)]

    def order(one: Said) -> tuple[bool, bool, bool, bool, bool, bool, float]:
        return (
            not one.sure,
            # This fact goes last, because the product's kind already implies it.
            one.key == "mcp_server",
            one.key in told,
            one.polarity == "denied",
            one.key not in follows,
            not one.entry.grave,
            -one.confidence,
        )

    ordered = sorted(rows, key=order)
    ordered = [one for one in ordered if one.sure] or ordered
    # If the page already states the first saying, repeat only that one, to introduce its consequence.
    return ordered[:2] if ordered and ordered[0].key not in told else ordered[:1]


def _uncertain(given: Given, layer: LayerKey, question: str | None, led: JudgedLayer | None) -> str:
    if led is not None:
        own = led.paragraph.removeprefix(MARK.rstrip()).strip()
        # Keep the LLM's findings about the layer while their quotes still exist.
        if own and given.stands(own, led.facts, led.evidence) and word_count(own) <= _MOST_LED:
            return f"{MARK}{own}"
    texts = load_layer_texts()
    commentary = texts.commentary[given.kind][layer]
    # The report prints the record's question after the paragraph.
    return f"{MARK}{commentary}" if question else f"{MARK}{commentary} {texts.ask[layer]}"


def _missing(sheet: FactSheet, layer: LayerKey) -> Missing:
    keys = {key.id for key in load_vocabulary().pinning(layer)}
    near = [fact for fact in sheet.facts if fact.key in keys and fact.about == "product"]
    read = max((search.statements for search in sheet.searched), default=0)
    looked = f"{read} statement{'' if read == 1 else 's'} read"
    if any(fact.conflicts_with for fact in near):
        return Missing(reason="contradicted", detail=f"{looked}; what they say about this layer is contradictory")
    if near:
        return Missing(reason="too-little-evidence", detail=f"{looked}; some concern this layer, but none settles it")
    return Missing(reason="not-found", detail=f"{looked}; none concerns this layer")
